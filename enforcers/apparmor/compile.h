/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compile: from a policy to the AppArmor enforcer's profile, whose blob is a text (blob.h) until prepare() adds what
 * apparmor_parser makes of it. */

#include "blob.h"
#include "enforcer.h"

/* What AppArmor can express, and the modes in which: EnforcerOps.kinds and .modes. */
#define APPARMOR_KINDS                                                                                                  \
        (1U << OP_FILE | 1U << OP_CAPABILITY | 1U << OP_SOCKET | 1U << OP_PTRACE | 1U << OP_SIGNAL | 1U << OP_MOUNT |     \
         1U << OP_USERNS | 1U << OP_TEXT)
#define APPARMOR_MODES \
        (1U << MODE_ALWAYS_ALLOW | 1U << MODE_RUNTIME_DEFAULT | 1U << MODE_ENHANCE_PROTECT | 1U << MODE_DEFENSE_IN_DEPTH)

/** apparmor_compile() - EnforcerOps.compile(). The blob is empty when there is nothing to enforce. */
int apparmor_compile(const Policy *p, Profile **ret, Diag *d);

/** apparmor_profile_name() - of the policy with this full name: "varmor.web". To be freed. */
char *apparmor_profile_name(const char *full_name);
