/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compile: from a policy to the seccomp enforcer's profile, whose blob is a filter file (filter.h). */

#include "enforcer.h"
#include "verdicts.h"

/* EnforcerOps.kinds and .modes. */
#define SECCOMP_KINDS (1U << OP_SYSCALL)
#define SECCOMP_MODES \
        (1U << MODE_ALWAYS_ALLOW | 1U << MODE_RUNTIME_DEFAULT | 1U << MODE_ENHANCE_PROTECT | 1U << MODE_DEFENSE_IN_DEPTH)

/** seccomp_compile_for() - pure. The blob is empty when there is nothing to enforce. Return: as EnforcerOps.compile(). */
int seccomp_compile_for(const Policy *p, const SeccompHost *host, Profile **ret, Diag *d);

/** seccomp_compile() - EnforcerOps.compile(), for this machine. */
int seccomp_compile(const Policy *p, Profile **ret, Diag *d);
