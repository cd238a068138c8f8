/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Targets: which policies cover a cgroup, as one automaton over cgroup paths. */

#include <glib.h>
#include <stdint.h>

#include "diag.h"

typedef struct TargetsEntry {
        uint16_t policy;  /* what stands for it in the struct va_cover of a match; distinct */
        char **patterns;  /* NULL-terminated; what is below is meant only where a pattern says so */
        char **except;    /* NULL-terminated, may be NULL */
        const char *name; /* of the policy, for messages; may be NULL */
        SourcePos pos;    /* of its target */
} TargetsEntry;

/** targets_compile() - pure.
 * @ret: a table (table.h, TABLE_TARGETS); no bytes at all if nothing is covered.
 * Return: 0; -EBADMSG: a bad pattern; -E2BIG: budget of states, or more than VA_COVER_MAX policies on one path (@d says
 * which). */
int targets_compile(const TargetsEntry *entries, size_t n, GBytes **ret, Diag *d);
