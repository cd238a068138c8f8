/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Emit: from verdicts to the instructions of a seccomp filter. Numbers are looked up in a binary tree of ranges; calls about
 * which the same is said share their code. */

#include <glib.h>

#include "verdicts.h"

/** emit_filter() - @ret: of struct sock_filter. Return: 0; -E2BIG: more than FILTER_INSNS_MAX. */
int emit_filter(const Verdicts *v, GArray **ret);
