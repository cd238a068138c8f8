/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Advice: would a recorded system call be denied? A recording names calls, mostly without their arguments; what other kinds of
 * operations tell of these is put to use. Where that leaves more than one answer, it might be denied. */

#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/socket.h>

#include "advice.h"
#include "seccomp/syscalls.h"
#include "seccomp/verdicts.h"

#define KNOWN_MAX 4U

/* What is known of the arguments of a call: args[index] & mask == value, for each. */
typedef struct Known {
        struct {
                uint32_t index;
                uint64_t mask, value;
        } arg[KNOWN_MAX];
        unsigned n;
} Known;

typedef enum Holds { HOLDS_NEVER, HOLDS_MAYBE, HOLDS_ALWAYS } Holds;

/* ---- conditions ---------------------------------------------------------------------------------------------------------------- */

static Holds invert(Holds h)
{
        return h == HOLDS_NEVER ? HOLDS_ALWAYS : h == HOLDS_ALWAYS ? HOLDS_NEVER : HOLDS_MAYBE;
}

static Holds under_mask(uint64_t mask, uint64_t want, uint64_t known, uint64_t value)
{
        if (want & ~mask || (value ^ want) & known & mask)
                return HOLDS_NEVER;
        return mask & ~known ? HOLDS_MAYBE : HOLDS_ALWAYS;
}

/* From @low to @high is where the argument may be. */
static Holds in_range(bool low_holds, bool high_holds)
{
        return low_holds && high_holds ? HOLDS_ALWAYS : low_holds || high_holds ? HOLDS_MAYBE : HOLDS_NEVER;
}

static Holds arg_holds(const SyscallArg *a, const Known *k)
{
        uint64_t mask = 0, value = 0, low, high;

        for (unsigned i = 0; i < k->n; i++)
                if (k->arg[i].index == a->index) {
                        mask |= k->arg[i].mask;
                        value |= k->arg[i].value;
                }
        low = value;
        high = value | ~mask;
        switch (a->op) {
        case SYSCALL_EQ:
                return under_mask(UINT64_MAX, a->value, mask, value);
        case SYSCALL_NE:
                return invert(under_mask(UINT64_MAX, a->value, mask, value));
        case SYSCALL_MASKED_EQ:
                return under_mask(a->value, a->value_two, mask, value);
        default:
                return in_range(syscall_arg_holds(a, low), syscall_arg_holds(a, high));
        }
}

/* The conditions are sorted by index; those of one index are alternatives, and of each one must hold. */
static Holds args_hold(const GArray *args, const Known *k)
{
        Holds all = HOLDS_ALWAYS, one = HOLDS_NEVER;

        for (guint i = 0; args && i < args->len; i++) {
                const SyscallArg *a = &g_array_index(args, SyscallArg, i);

                one = MAX(one, arg_holds(a, k));
                if (i + 1 == args->len || a[1].index != a->index) {
                        all = MIN(all, one);
                        one = HOLDS_NEVER;
                }
        }
        return all;
}

/* ---- what else is known of a call -------------------------------------------------------------------------------------------- */

typedef struct Calls {
        const Policy *policy;
        const Model *model;
        const Verdicts *verdicts;
        const VerdictAbi *native;
} Calls;

static bool has_number(const Model *m, ModelKind k, uint64_t number)
{
        return model_find(m, &(ModelOp){.kind = k, .number = number}) != NULL;
}

static bool never(const Model *m, ModelKind k, uint64_t number)
{
        return advice_knows(m, k) && !has_number(m, k, number);
}

static void know(Known *k, uint32_t index, uint64_t mask, uint64_t value)
{
        if (k->n < KNOWN_MAX) {
                k->arg[k->n].index = index;
                k->arg[k->n].mask = mask;
                k->arg[k->n++].value = value;
        }
}

/* Calls whose arguments have been recorded as operations with a name. */
static const struct {
        const char *name;
        uint32_t index;
} modes[] = {{"chmod", 1}, {"fchmod", 1}, {"fchmodat", 2}, {"fchmodat2", 2}};

static void know_mode(const Model *m, const char *name, Known *k)
{
        for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
                if (strcmp(name, modes[i].name) != 0)
                        continue;
                if (never(m, MODEL_NAMED, UINT64_C(1) << NAMED_MAKE_EXECUTABLE))
                        know(k, modes[i].index, 0111, 0);
                if (never(m, MODEL_NAMED, UINT64_C(1) << NAMED_MAKE_SET_ID))
                        know(k, modes[i].index, 06000, 0);
        }
}

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* Who neither made a user namespace nor used sys_admin made no namespace. s390 has clone's flags elsewhere. */
static void know_namespaces(const Model *m, const char *name, Known *k)
{
        SyscallArch native = syscall_native();

        if ((strcmp(name, "clone") == 0 && native != ARCH_S390X && native != ARCH_S390) || strcmp(name, "unshare") == 0) {
                if (advice_knows(m, MODEL_USERNS) && !model_find(m, &(ModelOp){.kind = MODEL_USERNS})) {
                        know(k, 0, CLONE_NEWUSER, 0);
                        if (never(m, MODEL_CAPABILITY, UINT64_C(1) << CAP_SYS_ADMIN))
                                know(k, 0, NAMESPACES, 0);
                }
        }
}

/* No condition of seccomp's can say it, but it did not happen. */
static bool cannot_be_meant(const Calls *c, const char *name, const VerdictEntry *e)
{
        static const struct {
                const char *name;
                NamedOp op;
        } calls[] = {{"setsockopt", NAMED_ATTACH_PROGRAM}, {"ioctl", NAMED_USERFAULTFD}};
        const Rule *asked = e->rule < c->policy->rules->len ? c->policy->rules->pdata[e->rule] : NULL;

        for (size_t i = 0; asked && e->args && i < G_N_ELEMENTS(calls); i++) {
                if (strcmp(name, calls[i].name) != 0 || !never(c->model, MODEL_NAMED, UINT64_C(1) << calls[i].op))
                        continue;
                /* Another part of the same rule says that it is this that is meant. */
                for (guint n = 0; n < c->policy->rules->len; n++) {
                        const Rule *r = c->policy->rules->pdata[n];

                        if (r->kind == OP_NAMED && r->named == UINT64_C(1) << calls[i].op && g_strcmp0(r->id, asked->id) == 0)
                                return true;
                }
        }
        return false;
}

/* ---- one call -------------------------------------------------------------------------------------------------------------------- */

static bool lets_through(const Calls *c, uint32_t ret, uint32_t rule)
{
        uint32_t action = ret & SECCOMP_RET_ACTION_FULL;

        if (action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG)
                return true;
        /* An answer by which a program goes another way. */
        return rule < c->policy->rules->len && verdict_is_quiet(c->policy->rules->pdata[rule]);
}

/* Entries are tried in order. Any that may hold adds an answer that may be given, until one is sure. */
static Holds denies(const Calls *c, const char *name, const VerdictCall *call, const Known *k)
{
        bool may_pass = false, may_deny = false, sure = false;

        for (guint i = 0; call && !sure && i < call->entries->len; i++) {
                const VerdictEntry *e = &g_array_index(call->entries, VerdictEntry, i);
                Holds h = cannot_be_meant(c, name, e) ? HOLDS_NEVER : args_hold(e->args, k);

                if (h == HOLDS_NEVER)
                        continue;
                sure = h == HOLDS_ALWAYS;
                if (lets_through(c, e->ret, e->rule))
                        may_pass = true;
                else
                        may_deny = true;
        }
        if (!sure && lets_through(c, c->verdicts->default_ret, VERDICT_NO_RULE))
                may_pass = true;
        else if (!sure)
                may_deny = true;
        return !may_deny ? HOLDS_NEVER : may_pass ? HOLDS_MAYBE : HOLDS_ALWAYS;
}

static const VerdictCall *find_call(const Calls *c, const char *name)
{
        int64_t nr = syscall_number(c->native->abi, name);

        for (guint i = 0; nr >= 0 && i < c->native->calls->len; i++) {
                const VerdictCall *call = &g_array_index(c->native->calls, VerdictCall, i);

                if (call->nr == nr)
                        return call;
        }
        return NULL;
}

/* As protocols of socket(2): include/uapi/linux/in.h. */
static const struct {
        uint64_t protocol;
        uint32_t numbers[3];
        unsigned n;
} protocols[] = {{PROTOCOL_ICMP, {1, 58}, 2}, {PROTOCOL_TCP, {0, 6, 262}, 3}, {PROTOCOL_UDP, {0, 17, 136}, 3}};

static Holds denies_socket(const Calls *c, const VerdictCall *call, const ModelOp *s)
{
        Holds worst = HOLDS_NEVER, best = HOLDS_ALWAYS;
        Known k = {0};

        /* Nothing stands in the upper half of a register with an int, in what compilers make of a constant. */
        if (s->family != UINT64_C(1) << 63)
                know(&k, 0, UINT64_MAX, (uint64_t)__builtin_ctzll(s->family));
        if (s->type)
                know(&k, 1, 0xf, (uint64_t)__builtin_ctzll(s->type));
        for (size_t i = 0; i < G_N_ELEMENTS(protocols); i++)
                for (unsigned n = 0; s->protocol == protocols[i].protocol && n < protocols[i].n; n++) {
                        Known with = k;
                        Holds h;

                        know(&with, 2, 0xffffffff, protocols[i].numbers[n]);
                        h = denies(c, "socket", call, &with);
                        worst = MAX(worst, h);
                        best = MIN(best, h);
                }
        if (!s->protocol)
                return denies(c, "socket", call, &k);
        return worst == best ? worst : HOLDS_MAYBE;
}

/* Each socket that was made, if they are known; of the family that @call_op tells, if it does. */
static Holds denies_sockets(const Calls *c, const VerdictCall *call, const ModelOp *call_op)
{
        bool some = false, told = call_op->mask == UINT32_MAX && call_op->index == 0;
        uint64_t only = !told ? UINT64_MAX : call_op->value < 63 ? UINT64_C(1) << call_op->value : UINT64_C(1) << 63;
        Holds worst = HOLDS_NEVER;
        Known k = {0};

        for (guint i = 0; i < c->model->ops->len; i++) {
                const ModelOp *o = c->model->ops->pdata[i];

                if (o->kind != MODEL_SOCKET || !(o->family & only))
                        continue;
                some = true;
                worst = MAX(worst, denies_socket(c, call, o));
        }
        if (some && advice_knows(c->model, MODEL_SOCKET))
                return worst;
        if (call_op->mask)
                know(&k, (uint32_t)call_op->index, told ? UINT64_MAX : call_op->mask, call_op->value);
        return denies(c, "socket", call, &k);
}

static Holds denies_bpf(const Calls *c, const VerdictCall *call)
{
        Holds worst = HOLDS_NEVER;
        bool some = false;

        for (guint i = 0; i < c->model->ops->len; i++) {
                const ModelOp *o = c->model->ops->pdata[i];
                Known k = {0};

                if (o->kind != MODEL_BPF || !o->number)
                        continue;
                some = true;
                know(&k, 0, 0xffffffff, (uint64_t)__builtin_ctzll(o->number));
                worst = MAX(worst, denies(c, "bpf", call, &k));
        }
        return some && advice_knows(c->model, MODEL_BPF) ? worst : denies(c, "bpf", call, &(Known){0});
}

static Holds denies_op(const Calls *c, const ModelOp *o)
{
        const VerdictCall *call = find_call(c, o->object);
        Known k = {0};

        if (syscall_number(c->native->abi, o->object) < 0)
                return HOLDS_MAYBE;
        if (strcmp(o->object, "socket") == 0)
                return denies_sockets(c, call, o);
        if (o->mask)
                know(&k, (uint32_t)o->index, o->mask, o->value);
        else if (strcmp(o->object, "bpf") == 0)
                return denies_bpf(c, call);
        know_mode(c->model, o->object, &k);
        know_namespaces(c->model, o->object, &k);
        return denies(c, o->object, call, &k);
}

void advice_match_syscalls(const Policy *p, const Model *model, AdvicePart *ret)
{
        SeccompHost host = seccomp_host();
        g_autoptr(Verdicts) v = NULL;
        g_autoptr(Diag) d = diag_new();
        Calls c = {.policy = p, .model = model};
        bool any = p->depth[ENFORCER_SECCOMP].type != PROFILE_NONE;

        for (guint i = 0; i < p->rules->len; i++)
                any |= ((const Rule *)p->rules->pdata[i])->kind == OP_SYSCALL;
        if (!any)
                return;
        ret->why = advice_why_unknown(model, 1U << MODEL_SYSCALL);
        if (verdicts_make(p, &host, &v, d) < 0 || v->abis->len == 0) {
                g_free(ret->why);
                ret->why = g_strdup("it is too large to be judged");
                return;
        }
        c.verdicts = v;
        c.native = &g_array_index(v->abis, VerdictAbi, 0);
        for (guint i = 0; i < model->ops->len; i++) {
                AdviceCase one = {.op = model->ops->pdata[i]};
                Holds h;

                if (one.op->kind != MODEL_SYSCALL)
                        continue;
                h = denies_op(&c, one.op);
                one.maybe = h == HOLDS_MAYBE;
                if (h != HOLDS_NEVER)
                        g_array_append_val(ret->cases, one);
        }
}
