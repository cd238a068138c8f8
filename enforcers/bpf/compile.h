/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compile: from a policy to the BPF enforcer's profile, whose blob is a table (table.h, TABLE_POLICY). */

#include "enforcer.h"

/* What the BPF enforcer can express, and the modes in which: EnforcerOps.kinds and .modes. */
#define BPF_KINDS                                                                                                       \
        (1U << OP_FILE | 1U << OP_CAPABILITY | 1U << OP_SOCKET | 1U << OP_EGRESS | 1U << OP_INGRESS | 1U << OP_PTRACE |  \
         1U << OP_SIGNAL | 1U << OP_MOUNT | 1U << OP_USERNS | 1U << OP_BPF | 1U << OP_NAMED)
#define BPF_MODES                                                                                                       \
        (1U << MODE_ALWAYS_ALLOW | 1U << MODE_RUNTIME_DEFAULT | 1U << MODE_ENHANCE_PROTECT | 1U << MODE_BEHAVIOR_MODELING | \
         1U << MODE_DEFENSE_IN_DEPTH)

/** bpf_compile() - EnforcerOps.compile(). The blob is empty when there is nothing to enforce: the mode says so, no rule is of
 * a kind that this enforcer knows, or all of them neither block nor report. In the mode BehaviorModeling it is a table that records. */
int bpf_compile(const Policy *p, Profile **ret, Diag *d);
