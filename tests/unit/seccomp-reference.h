/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What OCI's semantics make of one system call, worked out for this call alone from the policy's rules. */

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy.h"

/** reference_verdict() - for x86_64 with a kernel of that version. */
uint32_t reference_verdict(const Policy *p, const uint16_t kernel[2], const struct seccomp_data *data);

/** reference_covers() - whether a filter of @p is for the ABI of the call. */
bool reference_covers(const Policy *p, const struct seccomp_data *data);

/** random_policy() - of mode EnhanceProtect or DefenseInDepth, with overlapping entries; never the same twice. */
Policy *random_policy(GRand *rand);

/** random_call() - one that @p is about, or nearly so. */
void random_call(GRand *rand, const Policy *p, struct seccomp_data *ret);
