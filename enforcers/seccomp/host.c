/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Host: see host.h. */

#include "host.h"

#include <linux/capability.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "syscalls.h"

/* What containerd gives a container: conditions of profiles on capabilities are decided by these. */
#define BIT(c) (UINT64_C(1) << (c))
#define DEFAULT_CAPABILITIES                                                                                            \
        (BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_KILL) | BIT(CAP_SETGID) |  \
         BIT(CAP_SETUID) | BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_NET_RAW) | BIT(CAP_SYS_CHROOT) |       \
         BIT(CAP_MKNOD) | BIT(CAP_AUDIT_WRITE) | BIT(CAP_SETFCAP))

SeccompHost seccomp_host(void)
{
        SeccompHost host = {.native = syscall_native()};
        struct utsname u;

        if (uname(&u) < 0 || sscanf(u.release, "%hu.%hu", &host.kernel[0], &host.kernel[1]) != 2)
                host.kernel[0] = host.kernel[1] = 0; /* what asks for a version does not get it */
        return host;
}

static bool kernel_is_at_least(const SeccompHost *host, const uint16_t version[2])
{
        return host->kernel[0] > version[0] || (host->kernel[0] == version[0] && host->kernel[1] >= version[1]);
}

/* As container engines decide it: every condition of includes must hold, and none of excludes. */
bool seccomp_host_has(const SeccompHost *host, const SyscallRule *r)
{
        const SyscallCondition *in = &r->includes, *ex = &r->excludes;
        uint32_t native = 1U << host->native;

        if ((in->caps & ~DEFAULT_CAPABILITIES) || (in->arches && !(in->arches & native)) ||
            (in->min_kernel[0] && !kernel_is_at_least(host, in->min_kernel)))
                return false;
        return !(ex->caps & DEFAULT_CAPABILITIES) && !(ex->arches & native) &&
               !(ex->min_kernel[0] && kernel_is_at_least(host, ex->min_kernel));
}
