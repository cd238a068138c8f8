/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rule table: which rule of a policy denies or reports a system call, for alarms: the bytes behind the instructions of a filter
 * file. */

#include <glib.h>
#include <stdint.h>

#include "verdicts.h"

/** rule_table_make() - the table for @v. */
GBytes *rule_table_make(const Verdicts *v);

/** seccomp_rules_of() - which rules the filter in @blob (a filter file, untrusted) denies or reports a call by. @arch: AUDIT_ARCH_*.
 * @args: its six arguments: then at most one rule comes; NULL: not known, then all come that may have been it. None: it was the
 * default of the profile, or no rule is about this call.
 * Return: of uint32_t, indices in policy->rules; never NULL, to be freed. */
GArray *seccomp_rules_of(GBytes *blob, uint32_t nr, uint32_t arch, const uint64_t *args);
