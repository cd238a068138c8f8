/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Enforcer: seccomp behind enforcer.h. What is in force is what varmor-exec finds in the store when a workload starts; a process
 * keeps the filters that it has started with. */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "compile.h"
#include "store.h"
#include "util.h"

/* kernel/seccomp.c: since 4.14, as SECCOMP_RET_LOG and SECCOMP_FILTER_FLAG_LOG. */
#define ACTIONS_FILE "/proc/sys/kernel/seccomp/actions_avail"

struct Enforcer {
        FilterStore *store;
};

static void enforcer_close(Enforcer *e)
{
        if (!e)
                return;
        store_close(e->store);
        g_free(e);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Enforcer, enforcer_close)

static int enforcer_open(const EnforcerEnv *env, Enforcer **ret, Diag *d)
{
        g_autoptr(Enforcer) e = g_new0(Enforcer, 1);
        int r;

        if (access(ACTIONS_FILE, R_OK) < 0) {
                diag_error(d, NULL, "seccomp", "the kernel has no seccomp filters that can log: there is no " ACTIONS_FILE);
                return -EOPNOTSUPP;
        }
        r = store_open("", &e->store);
        if (r < 0) {
                diag_error(d, NULL, "seccomp", "cannot keep filters below /run/varmor: %s", g_strerror(-r));
                return r;
        }
        *ret = g_steal_pointer(&e);
        return 0;
}

static int enforcer_shutdown(Enforcer *e)
{
        return store_remove(e->store);
}

static int enforcer_remove(Enforcer *e, const char *policy)
{
        g_autofree char *name = policy_bind_name(policy);

        return store_drop(e->store, name);
}

static int enforcer_apply(Enforcer *e, const char *policy, const Profile *p)
{
        g_autofree char *name = policy_bind_name(policy);

        if (g_bytes_get_size(p->blob) == 0)
                return store_drop(e->store, name);
        return store_put(e->store, name, p->digest, p->blob);
}

static int enforcer_applied(Enforcer *e, const char *policy, char ret_digest[static 65])
{
        g_autofree char *name = policy_bind_name(policy);

        return store_find(e->store, name, ret_digest);
}

/* The inverse of policy_bind_name(). */
static char *dup_full_name(const char *bind_name)
{
        char *name = g_strdup(bind_name), *plus = strrchr(name, '+');

        if (!plus)
                return name;
        *plus = '/';
        if (g_str_has_prefix(name, "_.slice/"))
                *name = '-';
        return g_strdelimit(name, "=", '\\');
}

static char **enforcer_policies(Enforcer *e)
{
        char **names = store_names(e->store);

        for (char **n = names; *n; n++) {
                char *full = dup_full_name(*n);

                g_free(*n);
                *n = full;
        }
        return names;
}

/* Alarms come from the audit subsystem. */
static int enforcer_fd(Enforcer *e)
{
        return -EBADF;
}

static int enforcer_dispatch(Enforcer *e, unsigned max)
{
        return 0;
}

static int enforcer_counters(Enforcer *e, EnforcerCounters *ret)
{
        *ret = (EnforcerCounters){0};
        return 0;
}

static void enforcer_tidy(Enforcer *e)
{
        struct timespec now = {0};

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        store_tidy(e->store, (uint64_t)now.tv_sec * G_USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000);
}

const EnforcerOps seccomp_enforcer_ops = {
        .name = "seccomp",
        .kind = ENFORCER_SECCOMP,
        .kinds = SECCOMP_KINDS,
        .modes = SECCOMP_MODES,
        .flags = ENFORCER_AUDIT | ENFORCER_OBSERVE | ENFORCER_ALLOWLIST | ENFORCER_AT_EXEC,
        .open = enforcer_open,
        .close = enforcer_close,
        .shutdown = enforcer_shutdown,
        .compile = seccomp_compile,
        .apply = enforcer_apply,
        .remove = enforcer_remove,
        .applied = enforcer_applied,
        .policies = enforcer_policies,
        .fd = enforcer_fd,
        .dispatch = enforcer_dispatch,
        .counters = enforcer_counters,
        .tidy = enforcer_tidy,
};
