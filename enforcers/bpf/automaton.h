/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Automaton: from patterns with owners to a table. Knows nothing of policies: the caller says what a set of owners means
 * where their patterns are met together. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "diag.h"
#include "table.h"

typedef struct AutomatonPattern {
        const char *text;
        uint32_t start; /* which start state it hangs on */
        uint32_t owner; /* a rule, a group, a policy: where one of its patterns matches, and none with @except */
        bool except;
        const char *owner_name; /* for messages */
        const SourcePos *pos;
} AutomatonPattern;

#define RECORD_WORDS_MAX 5U

/* What stands in the table for a set of owners. */
typedef struct AutomatonRecord {
        uint32_t words[RECORD_WORDS_MAX];
        uint32_t n_words; /* 0: nothing is accepted */
        bool reach;       /* counts for VA_A_REACH */
        bool aside;       /* not among the records from accept_first on */
} AutomatonRecord;

/* @owners: ascending, at least one. Return: 0, negative errno (ends the build; @userdata says why). */
typedef int (*AutomatonAccept)(uint32_t start, const uint32_t *owners, size_t n, AutomatonRecord *ret, void *userdata);

typedef struct AutomatonParams {
        const AutomatonPattern *patterns;
        size_t n_patterns;
        uint32_t n_starts;
        uint32_t default_deny; /* access bits: where they are not allowed, a deny is reached (va_accept records) */
        AutomatonAccept accept;
        void *userdata;
} AutomatonParams;

typedef struct AutomatonResult {
        struct va_table *table; /* n_words, n_classes, class_of, accept_first, accept_n and tab are set; g_free() it */
        uint32_t *starts;       /* state word of each start; g_free() it */
        uint32_t n_states;
} AutomatonResult;

/** automaton_build() - deterministic: equal input gives equal bytes.
 * Return: 0; -EBADMSG: bad patterns, all of them in @d; -E2BIG: a budget is exhausted, @d names the patterns to blame; what
 * @accept returned. */
int automaton_build(const AutomatonParams *params, AutomatonResult *ret, Diag *d);
