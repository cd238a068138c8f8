/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compile: from a policy to the BPF enforcer's profile, whose blob is a table (table.h, TABLE_POLICY). */

#include "enforcer.h"

/** bpf_compile() - EnforcerOps.compile(). The blob is empty when there is nothing to enforce: the mode says so, no rule is of
 * a kind that this enforcer knows, or all of them neither block nor report. */
int bpf_compile(const Policy *p, Profile **ret, Diag *d);
