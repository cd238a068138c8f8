/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* OCI: what the policy itself says of system calls, see oci-wish.h. */

#include "oci-wish.h"

#include <errno.h>

#include "oci.h"
#include "verdicts.h"

bool fate_passes(SyscallAction a)
{
        return a == SYSCALL_ALLOW || a == SYSCALL_LOG;
}

Fate fate_stricter(Fate a, Fate b)
{
        return b.action < a.action ? b : a; /* actions stand in the order in which the kernel combines filters */
}

bool fate_same(Fate a, Fate b)
{
        return a.action == b.action && a.errno_ret == b.errno_ret;
}

Fate fate_make(SyscallAction a, int32_t errno_ret)
{
        if (a != SYSCALL_ERRNO && a != SYSCALL_TRACE)
                return (Fate){a, -1};
        return (Fate){a, errno_ret >= 0 ? errno_ret : EPERM};
}

static void part_free(Part *p)
{
        g_clear_pointer(&p->region, g_array_unref);
        g_free(p);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Part, part_free)

static bool enforces(const Policy *p)
{
        return (p->enforcers & 1U << ENFORCER_SECCOMP) &&
               (p->mode == MODE_ENHANCE_PROTECT || p->mode == MODE_RUNTIME_DEFAULT || policy_lists_syscalls(p));
}

static const char *why_not(const OciWish *w, const Rule *r, const SeccompHost *host)
{
        if (r->unenforceable)
                return r->unenforceable;
        if (r->targets)
                return "a profile is for all programs of a container, the rule is for some";
        if (r->qualifiers & RULE_ALLOW && w->policy->mode != MODE_DEFENSE_IN_DEPTH && !r->syscall.in_profile)
                return "allow acts only where everything else is denied (mode DefenseInDepth)";
        if (!seccomp_host_has(host, &r->syscall))
                return "its 'includes' and 'excludes' say that it is not for this machine, or not for a process with the usual "
                       "capabilities of a container";
        if (w->policy->target.kind == TARGET_CONTAINER)
                return verdict_container_why_not(w->policy, r);
        return NULL;
}

static int want_rule(OciWish *w, const Rule *r)
{
        g_autoptr(GArray) region = NULL;
        SyscallAction action;
        Fate fate;
        int e;

        if (!verdict_action(w->policy, r, &action))
                return 0;
        fate = fate_make(action, r->syscall.errno_ret);
        w->log |= !fate_passes(fate.action) && (w->policy->audit_violations || r->qualifiers & RULE_AUDIT);
        e = region_from_args(r->syscall.args, &region);
        for (char **name = r->syscall.names; e >= 0 && *name; name++) {
                GPtrArray *parts = g_hash_table_lookup(w->wanted, *name);
                Part *p = g_new0(Part, 1);

                if (!parts) {
                        parts = g_ptr_array_new_with_free_func((GDestroyNotify)part_free);
                        g_hash_table_insert(w->wanted, g_strdup(*name), parts);
                }
                *p = (Part){.region = g_array_ref(region), .fate = fate, .in_profile = r->syscall.in_profile};
                g_ptr_array_add(parts, p);
        }
        return e;
}

int oci_wish_read(OciWish *w, const SeccompHost *host, Diag *d)
{
        const Policy *p = w->policy;
        const DepthProfile *depth = &p->depth[ENFORCER_SECCOMP];

        w->fallback = fate_make(SYSCALL_ALLOW, -1);
        if (!enforces(p)) {
                diag_warning(d, &p->mode_pos, "nothing-to-export",
                             "in the mode %s and with these enforcers the policy denies no system call", mode_to_string(p->mode));
                return 0;
        }
        if (policy_lists_syscalls(p)) {
                bool audit = p->audit_violations || p->mode == MODE_DEFENSE_IN_DEPTH;

                w->fallback = fate_make(depth->action, depth->errno_ret);
                w->log = audit;
                if (p->allow_violations && !fate_passes(depth->action))
                        w->fallback = fate_make(audit ? SYSCALL_LOG : SYSCALL_ALLOW, -1);
        }
        for (guint i = 0; i < p->rules->len; i++) {
                const Rule *r = p->rules->pdata[i];
                const char *why = NULL;
                int e;

                if (r->kind != OP_SYSCALL || (r->only && !(r->only & 1U << ENFORCER_SECCOMP)))
                        continue;
                why = why_not(w, r, host);
                if (why && r->origin == RULE_DEFAULT)
                        continue; /* of its list, entries for other machines and for more capabilities */
                if (why) {
                        diag_warning(d, &r->pos, "not-exported", "the rule '%s' is not in the profile: %s", r->id, why);
                        continue;
                }
                e = want_rule(w, r);
                if (e < 0)
                        return e;
        }
        return 0;
}

static gint compare_parts(gconstpointer a, gconstpointer b)
{
        const Part *x = *(const Part *const *)a, *y = *(const Part *const *)b;

        return (x->fate.action > y->fate.action) - (x->fate.action < y->fate.action);
}

/* What no entry of RuntimeDefault's list lets through. */
static int find_closed(GPtrArray *wanted, Region **ret)
{
        g_autoptr(GArray) closed = region_new(true);

        for (guint i = 0; i < wanted->len; i++) {
                const Part *part = wanted->pdata[i];
                Region *next;
                int r;

                if (!part->in_profile || !fate_passes(part->fate.action))
                        continue;
                r = region_subtract(closed, part->region, false, &next);
                if (r < 0)
                        return r;
                g_array_unref(closed);
                closed = next;
        }
        *ret = g_steal_pointer(&closed);
        return 0;
}

/* What only reports opens nothing that RuntimeDefault closes. */
static int close_idle(const OciWish *w, GPtrArray *wanted)
{
        g_autoptr(GArray) closed = NULL;
        int r;

        if (!wanted || w->policy->mode == MODE_DEFENSE_IN_DEPTH || !policy_lists_syscalls(w->policy))
                return 0;
        r = find_closed(wanted, &closed);
        for (guint i = 0; r >= 0 && i < wanted->len; i++) {
                Part *part = wanted->pdata[i];
                Region *left;

                if (part->in_profile || part->fate.action <= w->fallback.action)
                        continue;
                r = region_subtract(part->region, closed, false, &left);
                if (r < 0)
                        break;
                g_array_unref(part->region);
                part->region = left;
        }
        return r;
}

int oci_wish_parts(const OciWish *w, const char *name, GPtrArray **ret)
{
        g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func((GDestroyNotify)part_free);
        GPtrArray *wanted = g_hash_table_lookup(w->wanted, name);
        g_autoptr(GArray) left = region_new(true);
        Part *rest;
        int e = close_idle(w, wanted);

        if (e < 0)
                return e;
        if (wanted)
                g_ptr_array_sort(wanted, compare_parts); /* stable: of equal ones the first counts */
        for (guint i = 0; wanted && i < wanted->len; i++) {
                const Part *part = wanted->pdata[i];
                g_autoptr(Part) p = g_new0(Part, 1);
                Region *next;
                int r = region_intersect(part->region, left, &p->region);

                if (r < 0)
                        return r;
                r = region_subtract(left, part->region, w->ints, &next);
                if (r < 0)
                        return r;
                p->fate = part->fate;
                g_ptr_array_add(out, g_steal_pointer(&p));
                g_array_unref(left);
                left = next;
        }
        rest = g_new0(Part, 1);
        *rest = (Part){.region = g_steal_pointer(&left), .fate = w->fallback};
        g_ptr_array_add(out, rest);
        *ret = g_steal_pointer(&out);
        return 0;
}

bool oci_has_rules(const Policy *p)
{
        if (!enforces(p))
                return false;
        if (policy_lists_syscalls(p))
                return true;
        for (guint i = 0; i < p->rules->len; i++) {
                const Rule *r = p->rules->pdata[i];

                if (r->kind == OP_SYSCALL && (!r->only || r->only & 1U << ENFORCER_SECCOMP))
                        return true;
        }
        return false;
}
