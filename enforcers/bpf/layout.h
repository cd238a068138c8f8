/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Layout: from a minimal Dfa to the words of a table: what abi.h says about rows, tails and sinks. */

#include "automaton.h"
#include "dfa.h"

/** layout() - @records: of AutomatonRecord; DfaState.accept is an index in it, [0] being "nothing".
 * @class_of: classes of @dfa.
 * Return: 0; -E2BIG: more than VA_TAB_BIG words; in @ret_n_words how many it would take. */
int layout(const Dfa *dfa, const uint8_t class_of[static 256], const GArray *records, uint32_t default_deny,
           AutomatonResult *ret, uint64_t *ret_n_words);
