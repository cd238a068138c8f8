/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verdicts: see verdicts.h. */

#include "verdicts.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "syscalls.h"

typedef struct Maker {
        const Policy *policy;
        const SeccompHost *host;
        Verdicts *verdicts;
        GHashTable **calls; /* for each ABI: number -> GArray of VerdictEntry, owned */
        guint n_entries;
        Diag *diag;
} Maker;

/* ---- actions ----------------------------------------------------------------------------------------------------- */

static uint32_t action_ret(SyscallAction a, int32_t errno_ret)
{
        uint32_t data = (uint32_t)(errno_ret >= 0 ? errno_ret : EPERM) & SECCOMP_RET_DATA;

        switch (a) {
        case SYSCALL_ALLOW:
                return SECCOMP_RET_ALLOW;
        case SYSCALL_LOG:
                return SECCOMP_RET_LOG;
        case SYSCALL_TRACE:
                return SECCOMP_RET_TRACE | data;
        case SYSCALL_TRAP:
                return SECCOMP_RET_TRAP;
        case SYSCALL_KILL_THREAD:
                return SECCOMP_RET_KILL_THREAD;
        case SYSCALL_KILL_PROCESS:
                return SECCOMP_RET_KILL_PROCESS;
        default:
                return SECCOMP_RET_ERRNO | data;
        }
}

/* As the kernel compares the actions of several filters, kernel/seccomp.c: seccomp_run_filters(). */
static int32_t ret_rank(uint32_t ret)
{
        return (int32_t)(ret & SECCOMP_RET_ACTION_FULL);
}

static bool passes(SyscallAction a)
{
        return a == SYSCALL_ALLOW || a == SYSCALL_LOG;
}

bool verdict_is_quiet(const Rule *r)
{
        return (r->origin == RULE_DEFAULT || r->origin == RULE_BUILT_IN) && r->syscall.action == SYSCALL_ERRNO &&
               r->syscall.errno_ret == ENOSYS && !r->syscall.args;
}

bool verdict_action(const Policy *p, const Rule *r, SyscallAction *ret)
{
        bool audit = p->audit_violations || r->qualifiers & RULE_AUDIT || p->mode == MODE_DEFENSE_IN_DEPTH;

        if (passes(r->syscall.action) || !p->allow_violations)
                *ret = r->syscall.action;
        else if (verdict_is_quiet(r))
                *ret = SYSCALL_ALLOW;
        else if (audit)
                *ret = SYSCALL_LOG;
        else
                return false;
        return true;
}

static void set_defaults(const Policy *p, Verdicts *v)
{
        const DepthProfile *depth = &p->depth[ENFORCER_SECCOMP];
        bool audit = p->audit_violations || p->mode == MODE_DEFENSE_IN_DEPTH;

        v->bad_arch_ret = SECCOMP_RET_KILL_THREAD; /* as libseccomp */
        v->log = audit && !p->allow_violations;
        if (policy_lists_syscalls(p))
                v->default_ret = v->default_meant = action_ret(depth->action, depth->errno_ret);
        if (!p->allow_violations)
                return;
        v->bad_arch_ret = audit ? SECCOMP_RET_LOG : SECCOMP_RET_ALLOW;
        if (policy_lists_syscalls(p) && !passes(depth->action))
                v->default_ret = v->bad_arch_ret;
}

/* ---- which rules ------------------------------------------------------------------------------------------------- */

static const char *mode_why_not(const Policy *p)
{
        switch (p->mode) {
        case MODE_ALWAYS_ALLOW:
                return "the mode AlwaysAllow enforces no rule";
        case MODE_BEHAVIOR_MODELING:
                return "the mode BehaviorModeling records, it enforces no rule";
        case MODE_DEFENSE_IN_DEPTH:
                return policy_lists_syscalls(p) ? NULL : "'defenseInDepth' has no profile for Seccomp";
        default:
                return !policy_builds_on_default(p) || policy_lists_syscalls(p) ? NULL : "RuntimeDefault has no list of system calls";
        }
}

static bool is_too_fine(const Rule *r)
{
        const SyscallRule *s = &r->syscall;
        uint32_t indices = 0;

        for (guint i = 0; s->args && i < s->args->len; i++)
                indices |= 1U << g_array_index(s->args, SyscallArg, i).index;
        return !s->in_profile && g_strv_contains((const char *const *)s->names, "socket") && indices & (indices - 1);
}

const char *verdict_container_why_not(const Policy *p, const Rule *r)
{
        /* A named rule is in it as a whole or not at all. */
        for (guint i = 0; i < p->rules->len; i++) {
                const Rule *o = p->rules->pdata[i];

                if (o->kind == OP_SYSCALL && o->pos.line == r->pos.line && o->pos.column == r->pos.column && is_too_fine(o) &&
                    strcmp(o->id, r->id) == 0)
                        return "a container has one profile, with the engine's own conditions on socket(2): this rule's, on several "
                               "arguments, do not fit in";
        }
        return NULL;
}

static char *rule_why_not_seccomp(const Policy *p, const Rule *r)
{
        const char *mode = mode_why_not(p);

        if (mode)
                return g_strdup(mode);
        if (r->only && !(r->only & 1U << ENFORCER_SECCOMP))
                return g_strdup("this part of the rule is for another enforcer");
        if (r->unenforceable)
                return g_strdup(r->unenforceable);
        if (r->kind != OP_SYSCALL)
                return g_strdup_printf("Seccomp cannot express rules of kind '%s'", op_kind_to_string(r->kind));
        if (r->targets)
                return g_strdup("a seccomp filter is for a whole process and what it executes: Seccomp cannot express 'targets'");
        if (r->qualifiers & RULE_ALLOW && p->mode != MODE_DEFENSE_IN_DEPTH && !r->syscall.in_profile)
                return g_strdup("allow acts only where everything else is denied (mode DefenseInDepth)");
        return p->target.kind == TARGET_CONTAINER ? g_strdup(verdict_container_why_not(p, r)) : NULL;
}

/* ---- conditions --------------------------------------------------------------------------------------------------- */

bool syscall_arg_holds(const SyscallArg *a, uint64_t value)
{
        switch (a->op) {
        case SYSCALL_NE:
                return value != a->value;
        case SYSCALL_LT:
                return value < a->value;
        case SYSCALL_LE:
                return value <= a->value;
        case SYSCALL_EQ:
                return value == a->value;
        case SYSCALL_GE:
                return value >= a->value;
        case SYSCALL_GT:
                return value > a->value;
        default:
                return (value & a->value) == a->value_two;
        }
}

/* -100 is written in 64 bits, and arrives in 32. */
static uint64_t narrow(uint64_t value)
{
        return value >> 31 == (UINT64_MAX >> 31) ? (uint32_t)value : value;
}

static SyscallArg normalise(SyscallArg a, bool narrowed)
{
        if (narrowed) {
                a.value = a.op == SYSCALL_MASKED_EQ ? (uint32_t)a.value : narrow(a.value);
                a.value_two = narrow(a.value_two);
        }
        /* seccomp_rule_add(3): "equal to the masked datum value". */
        a.value_two = a.op == SYSCALL_MASKED_EQ ? a.value_two & a.value : 0;
        return a;
}

static gint compare_args(gconstpointer a, gconstpointer b)
{
        const SyscallArg *x = a, *y = b;

        return (x->index > y->index) - (x->index < y->index);
}

static GArray *make_args(Maker *m, const GArray *args, bool narrowed)
{
        GArray *a = g_array_new(FALSE, FALSE, sizeof(SyscallArg));

        for (guint i = 0; i < args->len; i++) {
                SyscallArg one = normalise(g_array_index(args, SyscallArg, i), narrowed);

                g_array_append_val(a, one);
        }
        g_array_sort(a, compare_args); /* stable */
        g_ptr_array_add(m->verdicts->pool, a);
        return a;
}

static GArray *make_detour_args(Maker *m, const SyscallDetour *detour)
{
        SyscallArg one = {.op = SYSCALL_MASKED_EQ, .value = detour->mask, .value_two = detour->number};
        GArray *a = g_array_new(FALSE, FALSE, sizeof(SyscallArg));

        g_array_append_val(a, one);
        g_ptr_array_add(m->verdicts->pool, a);
        return a;
}

static bool same_args(const GArray *a, const GArray *b)
{
        if (!a || !b)
                return a == b;
        if (a->len != b->len)
                return false;
        for (guint i = 0; i < a->len; i++) {
                const SyscallArg *x = &g_array_index(a, SyscallArg, i), *y = &g_array_index(b, SyscallArg, i);

                if (x->index != y->index || x->op != y->op || x->value != y->value || x->value_two != y->value_two)
                        return false;
        }
        return true;
}

/* ---- entries ------------------------------------------------------------------------------------------------------- */

static void add_entry(Maker *m, guint abi, int64_t nr, const VerdictEntry *e)
{
        GArray *entries = g_hash_table_lookup(m->calls[abi], GUINT_TO_POINTER((guint)nr));

        if (nr < 0)
                return;
        if (!entries) {
                entries = g_array_new(FALSE, FALSE, sizeof(VerdictEntry));
                g_hash_table_insert(m->calls[abi], GUINT_TO_POINTER((guint)nr), entries);
        }
        g_array_append_val(entries, *e);
        m->n_entries++;
}

/* A deny holds on the detour whatever the arguments are, which nobody can see there; an allow, only if it asks for none. */
static void add_detour(Maker *m, guint abi, const char *name, const Rule *r, VerdictEntry e)
{
        const SyscallDetour *detour = syscall_detour(name);
        int64_t by;

        if (!detour || (e.args && r->qualifiers & RULE_ALLOW))
                return;
        by = syscall_number(g_array_index(m->verdicts->abis, VerdictAbi, abi).abi, detour->by);
        if (by < 0)
                return;
        e.args = make_detour_args(m, detour);
        add_entry(m, abi, by, &e);
}

static void add_names(Maker *m, guint abi, const Rule *r, VerdictEntry e)
{
        SyscallArch arch = g_array_index(m->verdicts->abis, VerdictAbi, abi).abi;

        if (r->syscall.args && r->syscall.args->len > 0)
                e.args = make_args(m, r->syscall.args, syscall_abi_is_32bit(arch));
        for (char **name = r->syscall.names; *name && m->n_entries <= VERDICT_ENTRIES_MAX; name++) {
                add_entry(m, abi, syscall_number(arch, *name), &e);
                add_detour(m, abi, *name, r, e);
        }
}

#define UNKNOWN_SHOWN_MAX 10U

/* Names that nothing knows are misspelt, or newer than this version. */
static bool check_names(const Rule *r, Diag *d)
{
        g_autoptr(GString) unknown = g_string_new(NULL);
        unsigned n = 0, n_known = 0;

        for (char **name = r->syscall.names; *name; name++)
                if (syscall_is_known(*name))
                        n_known++;
                else if (n++ < UNKNOWN_SHOWN_MAX)
                        g_string_append_printf(unknown, "%s'%s'", n > 1 ? ", " : "", *name);
        if (n > UNKNOWN_SHOWN_MAX)
                g_string_append_printf(unknown, " and %u more", n - UNKNOWN_SHOWN_MAX);
        if (n > 0)
                diag_warning(d, &r->pos, "unknown-syscall", "no system call that this version knows is called %s", unknown->str);
        return n_known > 0;
}

static int add_rule(Maker *m, guint index)
{
        const Rule *r = m->policy->rules->pdata[index];
        VerdictEntry e = {.rule = index, .meant = action_ret(r->syscall.action, r->syscall.errno_ret)};
        char *why = rule_why_not_seccomp(m->policy, r);
        SyscallAction action;

        /* To allow what nobody can call is no lack; to deny it may be one. */
        if (!why && !check_names(r, m->diag) && !(r->qualifiers & RULE_ALLOW))
                why = g_strdup("no system call that this version knows has such a name");
        g_ptr_array_add(m->verdicts->why_not, why);
        /* An entry that is not for this machine is in force as it is written. */
        if (why || !seccomp_host_has(m->host, &r->syscall) || !verdict_action(m->policy, r, &action))
                return 0;
        e.ret = action_ret(action, r->syscall.errno_ret);
        for (guint abi = 0; abi < m->verdicts->abis->len; abi++)
                add_names(m, abi, r, e);
        if (r->qualifiers & RULE_AUDIT && !passes(r->syscall.action) && !m->policy->allow_violations)
                m->verdicts->log = true;
        if (m->n_entries <= VERDICT_ENTRIES_MAX)
                return 0;
        diag_error(m->diag, &r->pos, "too-big",
                   "with this rule the policy has more than %u pairs of rule and system call, more than a seccomp filter can hold",
                   VERDICT_ENTRIES_MAX);
        return -E2BIG;
}

/* ---- calls ---------------------------------------------------------------------------------------------------------- */

static gint compare_entries(gconstpointer a, gconstpointer b)
{
        const VerdictEntry *x = a, *y = b;
        int32_t p = ret_rank(x->ret), q = ret_rank(y->ret);

        return p != q ? (p > q) - (p < q) : (x->rule > y->rule) - (x->rule < y->rule);
}

static bool in_profile(const Maker *m, const VerdictEntry *e)
{
        return ((const Rule *)m->policy->rules->pdata[e->rule])->syscall.in_profile;
}

/* The first entry of the profile that decides alone; NULL: none does. @entries are in the order of the document. */
static const VerdictEntry *find_deciding(const Maker *m, const GArray *entries)
{
        for (guint i = 0; i < entries->len; i++) {
                const VerdictEntry *e = &g_array_index(entries, VerdictEntry, i);

                if (!e->args && in_profile(m, e) && e->meant != m->verdicts->default_meant)
                        return e;
        }
        return NULL;
}

static bool has_others(const Maker *m, const GArray *entries)
{
        for (guint i = 0; i < entries->len; i++) {
                const VerdictEntry *e = &g_array_index(entries, VerdictEntry, i);

                if (!in_profile(m, e) || e->meant != m->verdicts->default_meant)
                        return true;
        }
        return false;
}

static void note_unreached(Maker *m, uint32_t nr, const VerdictEntry *e, const VerdictEntry *deciding)
{
        const Rule *r = m->policy->rules->pdata[e->rule], *first = m->policy->rules->pdata[deciding->rule];
        char *name = syscall_name(syscall_abi_token(m->host->native), nr);

        diag_warning(m->diag, &r->pos, "no-effect",
                     "the rule '%s' says nothing about %s: '%s' decides, as it would to runc and crun; what is to hold besides a "
                     "profile stands in 'syscallRawRules'",
                     r->id, name ?: "this call", first->id);
        free(name);
}

/* What RuntimeDefault does not let through at all, or only with some arguments, a rule that stops nothing does not let through
 * either. */
static bool is_idle(const Maker *m, const VerdictEntry *e, const VerdictEntry *deciding)
{
        return m->policy->mode != MODE_DEFENSE_IN_DEPTH && !in_profile(m, e) && !deciding &&
               ret_rank(e->ret) > ret_rank(m->verdicts->default_ret);
}

static void note_idle(Maker *m, uint32_t nr, const VerdictEntry *e)
{
        const Rule *r = m->policy->rules->pdata[e->rule];
        char *name = syscall_name(syscall_abi_token(m->host->native), nr);

        diag_warning(m->diag, &r->pos, "no-effect",
                     "the rule '%s' has no effect on %s: it stops nothing, and RuntimeDefault does not let every such call through", r->id,
                     name ?: "this call");
        free(name);
}

/* What counts of the entries of one call. */
static GArray *choose_entries(Maker *m, guint abi, uint32_t nr, const GArray *entries)
{
        GArray *chosen = g_array_new(FALSE, FALSE, sizeof(VerdictEntry));
        const VerdictEntry *deciding = find_deciding(m, entries);
        bool others = has_others(m, entries);

        for (guint i = 0; i < entries->len; i++) {
                const VerdictEntry *e = &g_array_index(entries, VerdictEntry, i);

                if (in_profile(m, e) && deciding && e != deciding) {
                        if (abi == 0 && e->meant != deciding->meant && e->meant != m->verdicts->default_meant)
                                note_unreached(m, nr, e, deciding);
                        continue;
                }
                if (is_idle(m, e, deciding)) {
                        if (abi == 0)
                                note_idle(m, nr, e);
                        continue;
                }
                /* Where there is nothing else, it is there for the alarm that names it. */
                if (in_profile(m, e) && others && e->meant == m->verdicts->default_meant)
                        continue;
                g_array_append_val(chosen, *e);
        }
        return chosen;
}

/* In order, and without those that could never be reached. */
static GArray *settle_entries(GArray *entries)
{
        GArray *kept = g_array_new(FALSE, FALSE, sizeof(VerdictEntry));

        g_array_sort(entries, compare_entries);
        for (guint i = 0; i < entries->len; i++) {
                const VerdictEntry *e = &g_array_index(entries, VerdictEntry, i), *last = NULL;

                if (kept->len > 0)
                        last = &g_array_index(kept, VerdictEntry, kept->len - 1);
                if (last && last->ret == e->ret && same_args(last->args, e->args))
                        continue;
                g_array_append_val(kept, *e);
                if (!e->args)
                        break;
        }
        return kept;
}

static gint compare_calls(gconstpointer a, gconstpointer b)
{
        const VerdictCall *x = a, *y = b;

        return (x->nr > y->nr) - (x->nr < y->nr);
}

static void settle_abi(Maker *m, guint number)
{
        VerdictAbi *abi = &g_array_index(m->verdicts->abis, VerdictAbi, number);
        GHashTableIter i;
        gpointer nr, entries;

        g_hash_table_iter_init(&i, m->calls[number]);
        while (g_hash_table_iter_next(&i, &nr, &entries)) {
                VerdictCall call = {.nr = GPOINTER_TO_UINT(nr), .entries = g_array_ref(entries)};

                g_array_append_val(abi->calls, call);
        }
        g_array_sort(abi->calls, compare_calls);
        for (guint c = 0; c < abi->calls->len; c++) {
                VerdictCall *call = &g_array_index(abi->calls, VerdictCall, c);
                g_autoptr(GArray) chosen = choose_entries(m, number, call->nr, call->entries);

                g_array_unref(call->entries);
                call->entries = settle_entries(chosen);
        }
}

/* ---- ABIs ------------------------------------------------------------------------------------------------------------ */

static void clear_call(gpointer p)
{
        g_array_unref(((VerdictCall *)p)->entries);
}

static void clear_abi(gpointer p)
{
        g_array_unref(((VerdictAbi *)p)->calls);
}

static void add_abi(Verdicts *v, SyscallArch abi)
{
        VerdictAbi a = {.abi = abi, .calls = g_array_new(FALSE, FALSE, sizeof(VerdictCall))};

        g_array_set_clear_func(a.calls, clear_call);
        g_array_append_val(v->abis, a);
}

/* A list of what is denied is for every ABI that the machine can run, else another one would go around it. A profile says for
 * which it is, and denies the others. */
static void add_abis(Verdicts *v, const Policy *p, const SeccompHost *host)
{
        uint32_t abis = syscall_abis(host->native);

        if (policy_lists_syscalls(p))
                abis &= p->depth[ENFORCER_SECCOMP].arches | 1U << host->native;
        add_abi(v, host->native);
        for (SyscallArch a = 0; a < _SYSCALL_ARCH_MAX; a++)
                if (abis & 1U << a && a != host->native)
                        add_abi(v, a);
}

void verdicts_free(Verdicts *v)
{
        if (!v)
                return;
        g_clear_pointer(&v->abis, g_array_unref);
        g_clear_pointer(&v->pool, g_ptr_array_unref);
        g_clear_pointer(&v->why_not, g_ptr_array_unref);
        g_free(v);
}

static int fill(Maker *m)
{
        Verdicts *v = m->verdicts;

        for (guint i = 0; i < m->policy->rules->len; i++) {
                int r = add_rule(m, i);

                if (r < 0)
                        return r;
        }
        for (guint i = 0; i < v->abis->len; i++)
                settle_abi(m, i);
        return 0;
}

int verdicts_make(const Policy *p, const SeccompHost *host, Verdicts **ret, Diag *d)
{
        g_autoptr(Verdicts) v = g_new0(Verdicts, 1);
        Maker m = {.policy = p, .host = host, .verdicts = v, .diag = d};
        int r;

        v->abis = g_array_new(FALSE, FALSE, sizeof(VerdictAbi));
        g_array_set_clear_func(v->abis, clear_abi);
        v->pool = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
        v->why_not = g_ptr_array_new_with_free_func(g_free);
        v->default_ret = v->default_meant = v->bad_arch_ret = SECCOMP_RET_ALLOW;
        if (!mode_why_not(p))
                set_defaults(p, v);
        add_abis(v, p, host);
        m.calls = g_new0(GHashTable *, v->abis->len);
        for (guint i = 0; i < v->abis->len; i++)
                m.calls[i] = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);

        r = fill(&m);
        for (guint i = 0; i < v->abis->len; i++)
                g_hash_table_unref(m.calls[i]);
        g_free(m.calls);
        if (r >= 0)
                *ret = g_steal_pointer(&v);
        return r;
}

bool verdicts_are_empty(const Verdicts *v)
{
        if (v->default_ret != SECCOMP_RET_ALLOW)
                return false;
        for (guint i = 0; i < v->abis->len; i++) {
                const GArray *calls = g_array_index(v->abis, VerdictAbi, i).calls;

                for (guint c = 0; c < calls->len; c++) {
                        const GArray *entries = g_array_index(calls, VerdictCall, c).entries;

                        for (guint e = 0; e < entries->len; e++)
                                if (g_array_index(entries, VerdictEntry, e).ret != SECCOMP_RET_ALLOW)
                                        return false;
                }
        }
        return true;
}
