/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Host: the machine that system calls are decided for. What of a profile holds on it, a service's filter and a container's
 * profile must answer alike. */

#include <stdbool.h>
#include <stdint.h>

#include "policy.h"

typedef struct SeccompHost {
        SyscallArch native;
        uint16_t kernel[2]; /* major, minor */
} SeccompHost;

/** seccomp_host() - the machine that this runs on. */
SeccompHost seccomp_host(void);

/** seccomp_host_has() - do all conditions of @r's `includes` hold there, and none of its `excludes`? Pure. */
bool seccomp_host_has(const SeccompHost *host, const SyscallRule *r);
