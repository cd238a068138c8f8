/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Enforcer: seccomp behind enforcer.h. What is in force is what varmor-exec finds in the store when a workload starts; a process
 * keeps the filters that it has started with. */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "audit/audit.h"
#include "bpf/table.h"
#include "compile.h"
#include "rule-table.h"
#include "store.h"
#include "syscalls.h"
#include "util.h"

/* kernel/seccomp.c: since 4.14, as SECCOMP_RET_LOG and SECCOMP_FILTER_FLAG_LOG. */
#define ACTIONS_FILE "/proc/sys/kernel/seccomp/actions_avail"

struct Enforcer {
        FilterStore *store;
        Audit *audit;
        GBytes *targets;       /* as cover() got them; no bytes: nothing is covered */
        char **target_policies;
        GHashTable *known;     /* policy -> KnownFilter: what alarms have asked for */
};

/* A filter as it is in the store, so that a flood of alarms does not read it each time. */
typedef struct KnownFilter {
        char digest[65];
        GBytes *blob;
} KnownFilter;

static void known_free(gpointer data)
{
        KnownFilter *k = data;

        g_bytes_unref(k->blob);
        g_free(k);
}

static void enforcer_close(Enforcer *e)
{
        if (!e)
                return;
        audit_free(e->audit);
        store_close(e->store);
        g_clear_pointer(&e->targets, g_bytes_unref);
        g_strfreev(e->target_policies);
        g_clear_pointer(&e->known, g_hash_table_unref);
        g_free(e);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Enforcer, enforcer_close)

/* ---- what the audit subsystem tells ---------------------------------------------------------------------------------- */

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

static char **hook_policies(void *userdata)
{
        return enforcer_policies(userdata);
}

/* Return: NULL: the policy has no filter, or it is damaged. */
static const KnownFilter *find_filter(Enforcer *e, const char *policy)
{
        g_autofree char *name = policy_bind_name(policy);
        KnownFilter *k = g_hash_table_lookup(e->known, policy);
        g_autoptr(GBytes) blob = NULL;

        if (k || store_read(e->store, name, &blob) < 0)
                return k;
        k = g_new0(KnownFilter, 1);
        k->blob = g_steal_pointer(&blob);
        (void)store_find(e->store, name, k->digest);
        g_hash_table_insert(e->known, g_strdup(policy), k);
        return k;
}

static bool hook_explain_call(void *userdata, const AuditCall *call, EnforcerEvent *event, char **ret_rule_name, bool *ret_quiet)
{
        const SeccompCall c = {.nr = (uint32_t)call->syscall, .arch = call->arch, .action = call->code, .args = call->args};
        const KnownFilter *known = find_filter(userdata, event->policy);
        g_auto(SeccompAnswer) answer = {0};

        if (!known || !seccomp_explain(known->blob, &c, &answer))
                return false;
        g_strlcpy(event->digest, known->digest, sizeof(event->digest));
        event->action = answer.told;
        *ret_quiet = answer.quiet;
        if (answer.rules->len == 0)
                event->reason = REASON_DEFAULT;
        else if (answer.rules->len == 1)
                event->rule = (int32_t)g_array_index(answer.rules, uint32_t, 0);
        else
                *ret_rule_name = g_strdup(answer.names->str);
        return true;
}

static char *hook_syscall_name(uint32_t arch, int32_t number)
{
        return syscall_name(arch, (uint32_t)number);
}

static char **hook_cover(void *userdata, const char *path)
{
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        const struct va_cover *cover = NULL;
        const Enforcer *e = userdata;

        if (e->targets && g_bytes_get_size(e->targets) > 0)
                cover = table_match_cover(g_bytes_get_data(e->targets, NULL), path);
        for (uint32_t i = 0; cover && i < cover->n; i++)
                if (cover->slot[i] < g_strv_length(e->target_policies))
                        g_strv_builder_add(names, e->target_policies[cover->slot[i]]);
        return g_strv_builder_end(names);
}

static const AuditHooks audit_hooks = {
        .enforcer = ENFORCER_SECCOMP,
        .policies = hook_policies,
        .explain_call = hook_explain_call,
        .syscall_name = hook_syscall_name,
        .cover = hook_cover,
};

static int enforcer_cover(Enforcer *e, GBytes *targets, const char *const *policies)
{
        g_clear_pointer(&e->targets, g_bytes_unref);
        g_strfreev(e->target_policies);
        e->targets = g_bytes_ref(targets);
        e->target_policies = g_strdupv((char **)policies);
        return 0;
}

static int enforcer_fd(Enforcer *e)
{
        return audit_fd(e->audit);
}

static int enforcer_dispatch(Enforcer *e, unsigned max)
{
        return audit_dispatch(e->audit, max);
}

static int enforcer_repeats(Enforcer *e)
{
        return audit_repeats(e->audit);
}

static int enforcer_counters(Enforcer *e, EnforcerCounters *ret)
{
        *ret = (EnforcerCounters){0};
        audit_counters(e->audit, ret);
        return 0;
}

static void enforcer_watched(Enforcer *e, bool yes)
{
        audit_watched(e->audit, yes);
}

static void enforcer_origin(Enforcer *e, const AuditOrigin *origin)
{
        audit_origin(e->audit, origin);
}

static void enforcer_tidy(Enforcer *e)
{
        struct timespec now = {0};

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        store_tidy(e->store, (uint64_t)now.tv_sec * G_USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000);
        audit_tidy(e->audit);
}

/* ---- what is in force -------------------------------------------------------------------------------------------------- */

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
        e->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, known_free);
        e->audit = audit_new(&audit_hooks, env, e);
        if (audit_missing(e->audit))
                diag_warning(d, NULL, "no-records", "only where the BPF enforcer is available, somebody can tell what it denies: %s",
                             audit_missing(e->audit));
        if (audit_fallen_back(e->audit))
                diag_warning(d, NULL, "records-of-journal", "what it denies is told by way of the journal, later than otherwise: %s",
                             audit_fallen_back(e->audit));
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

        g_hash_table_remove(e->known, policy);
        return store_drop(e->store, name);
}

static int enforcer_apply(Enforcer *e, const char *policy, const Profile *p)
{
        g_autofree char *name = policy_bind_name(policy);

        g_hash_table_remove(e->known, policy);
        if (g_bytes_get_size(p->blob) == 0)
                return store_drop(e->store, name);
        return store_put(e->store, name, p->digest, p->blob);
}

static int enforcer_applied(Enforcer *e, const char *policy, char ret_digest[static 65])
{
        g_autofree char *name = policy_bind_name(policy);

        return store_find(e->store, name, ret_digest);
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
        .cover = enforcer_cover,
        .applied = enforcer_applied,
        .policies = enforcer_policies,
        .fd = enforcer_fd,
        .dispatch = enforcer_dispatch,
        .repeats = enforcer_repeats,
        .counters = enforcer_counters,
        .tidy = enforcer_tidy,
        .watched = enforcer_watched,
        .origin = enforcer_origin,
};
