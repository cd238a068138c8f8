/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Model -> Policy: see model-policy.h. Each kind is folded by itself; the order is that of the kinds. */

#include "model-policy.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "model-fold.h"
#include "pattern.h"

typedef struct Writer {
        const General *g;
        ModelRules *out;
        unsigned n_of_kind[_OP_KIND_MAX];
        SourcePos pos;
        Diag *diag;
} Writer;

/* How much a rule stands for. */
typedef struct Tally {
        uint32_t n;
        uint64_t count;
} Tally;

static void tally_add(Tally *t, uint32_t n, uint64_t count)
{
        t->n += n;
        t->count = count > MODEL_COUNT_MAX - t->count ? MODEL_COUNT_MAX : t->count + count;
}

static void tally_op(Tally *t, const GeneralOp *op)
{
        tally_add(t, op->originals->len, op->op.count);
}

static void put_rule(Writer *w, Rule *r /* taken */, const Tally *t)
{
        r->id = g_strdup_printf("model.%s[%u]", op_kind_to_string(r->kind), w->n_of_kind[r->kind]++);
        r->pos = w->pos;
        r->origin = RULE_CUSTOM;
        r->qualifiers = RULE_ALLOW;
        r->as_seen = true;
        g_ptr_array_add(w->out->rules, r);
        g_ptr_array_add(w->out->comments, t->n == 0 ? g_strdup("what each process needs") : g_strdup_printf("%u operation%s, seen %" G_GUINT64_FORMAT " time%s", t->n, t->n == 1 ? "" : "s",
                                                          t->count, t->count == 1 ? "" : "s"));
}

/* The ops of one kind, in order. */
static const GeneralOp *next_op(const Writer *w, ModelKind k, guint *i)
{
        while (*i < w->g->ops->len) {
                const GeneralOp *op = w->g->ops->pdata[(*i)++];

                if (op->op.kind == k)
                        return op;
        }
        return NULL;
}

/* ---- files ----------------------------------------------------------------------------------------------------------------------- */

static bool pattern_is_good(const Writer *w, const char *pattern)
{
        g_autofree char *why = pattern_check(pattern);
        g_autofree char *shown = why ? g_strescape(pattern, NULL) : NULL;

        if (why)
                diag_warning(w->diag, &w->pos, "not-a-rule", "no rule for '%.200s': %s", shown, why);
        return !why;
}

static GPtrArray *collect(const Writer *w, ModelKind k, uint64_t more)
{
        GPtrArray *items = fold_new();
        const GeneralOp *op;

        for (guint i = 0; (op = next_op(w, k, &i));) {
                g_autofree char *absolute = *op->pattern == '/' ? NULL : g_strconcat("/", op->pattern, NULL);
                const char *pattern = absolute ?: op->pattern;

                if (pattern_is_good(w, pattern))
                        fold_add(items, pattern, op->op.perms | op->op.owner_perms | more, op->op.count, op->originals->len);
        }
        return items;
}

static void put_files(Writer *w)
{
        g_autoptr(GPtrArray) files = NULL;
        GPtrArray *items = collect(w, MODEL_FILE, 0), *executed = collect(w, MODEL_EXEC, PERM_EXEC);

        g_ptr_array_extend_and_steal(items, executed);
        files = fold(items);
        for (guint i = 0; i < files->len; i++) {
                const FoldItem *item = files->pdata[i];
                Rule *r = rule_new(OP_FILE);

                r->file.patterns = g_new0(char *, 2);
                r->file.patterns[0] = g_strdup(item->pattern);
                r->file.perms = (uint32_t)item->perms;
                put_rule(w, r, &(Tally){item->n, item->count});
        }
}

/* ---- capabilities, bpf(2), user namespaces ------------------------------------------------------------------------------------- */

static void put_bits(Writer *w, ModelKind k, OpKind kind)
{
        uint64_t bits = 0;
        Tally t = {0};
        const GeneralOp *op;
        Rule *r;

        for (guint i = 0; (op = next_op(w, k, &i));) {
                bits |= op->op.number;
                tally_op(&t, op);
        }
        if (t.n == 0)
                return;
        r = rule_new(kind);
        if (kind == OP_CAPABILITY)
                r->capabilities = bits;
        else if (kind == OP_BPF)
                r->bpf.commands = bits;
        put_rule(w, r, &t);
}

/* ---- sockets ----------------------------------------------------------------------------------------------------------------------- */

typedef struct SocketItem {
        SocketRule rule;
        Tally tally;
} SocketItem;

/* Put @s into @items, joined with one that differs in nothing but the families (@types: but the types). */
static void join_socket(GArray *items, const SocketItem *s, bool types)
{
        for (guint i = 0; i < items->len; i++) {
                SocketItem *have = &g_array_index(items, SocketItem, i);

                if (have->rule.protocols != s->rule.protocols ||
                    (types ? have->rule.domains != s->rule.domains : have->rule.types != s->rule.types))
                        continue;
                have->rule.domains |= s->rule.domains;
                have->rule.types |= s->rule.types;
                tally_add(&have->tally, s->tally.n, s->tally.count);
                return;
        }
        g_array_append_val(items, *s);
}

static void put_sockets(Writer *w)
{
        g_autoptr(GArray) families = g_array_new(FALSE, FALSE, sizeof(SocketItem)), all = g_array_new(FALSE, FALSE, sizeof(SocketItem));
        const GeneralOp *op;

        for (guint i = 0; (op = next_op(w, MODEL_SOCKET, &i));) {
                SocketItem s = {.rule = {.domains = op->op.family,
                                         .types = (uint32_t)op->op.type,
                                         /* The language has no word for the other protocols alone. */
                                         .protocols = op->op.protocol ? (uint32_t)op->op.protocol : UINT32_MAX}};

                tally_op(&s.tally, op);
                join_socket(families, &s, false);
        }
        for (guint i = 0; i < families->len; i++)
                join_socket(all, &g_array_index(families, SocketItem, i), true);
        for (guint i = 0; i < all->len; i++) {
                const SocketItem *s = &g_array_index(all, SocketItem, i);
                Rule *r = rule_new(OP_SOCKET);

                r->socket = s->rule;
                put_rule(w, r, &s->tally);
        }
}

/* ---- addresses --------------------------------------------------------------------------------------------------------------------- */

/* One address with all its ports. */
typedef struct NetItem {
        const GeneralOp *op; /* the first */
        GArray *ports;       /* of PortRange, sorted, apart from each other */
        Tally tally;
} NetItem;

static void net_item_free(void *p)
{
        NetItem *n = p;

        g_array_unref(n->ports);
        g_free(n);
}

static bool same_address(const GeneralOp *a, const GeneralOp *b)
{
        return a->op.family == b->op.family && a->prefix_len == b->prefix_len && memcmp(a->op.address, b->op.address, 16) == 0;
}

static int compare_ports(const void *a, const void *b)
{
        const PortRange *x = a, *y = b;

        return x->first != y->first ? x->first - y->first : x->last - y->last;
}

static void sort_ports(GArray *ports)
{
        guint n = 0;

        g_array_sort(ports, compare_ports);
        for (guint i = 0; i < ports->len; i++) {
                PortRange p = g_array_index(ports, PortRange, i), *last = n > 0 ? &g_array_index(ports, PortRange, n - 1) : NULL;

                /* Port 0 is no neighbour of port 1: it means that the kernel chooses. */
                if (last && last->last > 0 && p.first <= last->last + 1U)
                        last->last = MAX(last->last, p.last);
                else if (!last || p.first > last->last)
                        g_array_index(ports, PortRange, n++) = p;
        }
        g_array_set_size(ports, n);
}

static GPtrArray *collect_addresses(const Writer *w, ModelKind k)
{
        GPtrArray *items = g_ptr_array_new_with_free_func(net_item_free);
        const GeneralOp *op;

        for (guint i = 0; (op = next_op(w, k, &i));) {
                NetItem *n = items->len > 0 ? items->pdata[items->len - 1] : NULL;
                PortRange p = {op->first_port, op->last_port};

                /* The model is sorted by address. */
                if (!n || !same_address(n->op, op)) {
                        n = g_new0(NetItem, 1);
                        n->op = op;
                        n->ports = g_array_new(FALSE, FALSE, sizeof(PortRange));
                        g_ptr_array_add(items, n);
                }
                g_array_append_val(n->ports, p);
                tally_op(&n->tally, op);
        }
        for (guint i = 0; i < items->len; i++)
                sort_ports(((NetItem *)items->pdata[i])->ports);
        return items;
}

static void add_address(Rule *r, const GeneralOp *op)
{
        NetAddress *a = g_new0(NetAddress, 1);

        a->kind = NET_ADDRESS_PREFIX;
        a->family = op->op.family == UINT64_C(1) << AF_INET ? AF_INET : AF_INET6;
        a->prefix_len = op->prefix_len;
        memcpy(a->bytes, op->op.address, sizeof(a->bytes));
        g_ptr_array_add(r->net.addresses, a);
}

static bool same_ports(const GArray *a, const GArray *b)
{
        return a->len == b->len && memcmp(a->data, b->data, a->len * sizeof(PortRange)) == 0;
}

/* Addresses with the same ports are one rule. */
static void put_addresses(Writer *w, ModelKind k, OpKind kind)
{
        g_autoptr(GPtrArray) items = collect_addresses(w, k);
        g_autofree bool *done = g_new0(bool, items->len + 1);

        for (guint i = 0; i < items->len; i++) {
                const NetItem *head = items->pdata[i];
                Tally t = {0};
                Rule *r;

                if (done[i])
                        continue;
                r = rule_new(kind);
                r->net.ports = g_array_ref(head->ports);
                for (guint n = i; n < items->len; n++) {
                        const NetItem *other = items->pdata[n];

                        if (done[n] || !same_ports(head->ports, other->ports))
                                continue;
                        done[n] = true;
                        add_address(r, other->op);
                        tally_add(&t, other->tally.n, other->tally.count);
                }
                put_rule(w, r, &t);
        }
}

static void put_unix(Writer *w, ModelKind k, OpKind kind)
{
        g_autoptr(GPtrArray) items = fold(collect(w, k, 0));
        Tally t = {0};
        Rule *r;

        if (items->len == 0)
                return;
        r = rule_new(kind);
        for (guint i = 0; i < items->len; i++) {
                const FoldItem *item = items->pdata[i];
                NetAddress *a = g_new0(NetAddress, 1);

                a->kind = NET_ADDRESS_UNIX;
                a->path = g_strdup(item->pattern);
                g_ptr_array_add(r->net.addresses, a);
                tally_add(&t, item->n, item->count);
        }
        put_rule(w, r, &t);
}

/* ---- other processes ----------------------------------------------------------------------------------------------------------- */

#define PTRACE_JUDGED (PTRACE_PERM_TRACE | PTRACE_PERM_READ)

static void put_ptrace(Writer *w)
{
        const GeneralOp *op;

        for (unsigned outside = 0; outside < 2; outside++) {
                Tally t = {0};
                uint64_t perms = 0;
                Rule *r;

                for (guint i = 0; (op = next_op(w, MODEL_PTRACE, &i));)
                        if (op->op.outside == outside && op->op.perms & PTRACE_JUDGED) {
                                perms |= op->op.perms & PTRACE_JUDGED;
                                tally_op(&t, op);
                        }
                if (t.n == 0)
                        continue;
                r = rule_new(OP_PTRACE);
                r->ptrace.strict = !outside;
                r->ptrace.perms = (uint32_t)perms;
                put_rule(w, r, &t);
        }
}

static void put_signals(Writer *w)
{
        const GeneralOp *op;
        Tally t = {0};

        for (guint i = 0; (op = next_op(w, MODEL_SIGNAL, &i));)
                if (op->op.outside && op->op.number > 0) /* nobody asks whether one may ask */
                        tally_op(&t, op);
        if (t.n > 0)
                put_rule(w, rule_new(OP_SIGNAL), &t);
}

/* ---- mounts ------------------------------------------------------------------------------------------------------------------------ */

static void put_mounts(Writer *w)
{
        g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GPtrArray) rules = g_ptr_array_new();
        g_autoptr(GArray) tallies = g_array_new(FALSE, TRUE, sizeof(Tally));
        const GeneralOp *op;

        for (guint i = 0; (op = next_op(w, MODEL_MOUNT, &i));) {
                char *key = g_strdup_printf("%s %s", op->op.second ?: "", op->pattern);
                guint at = GPOINTER_TO_UINT(g_hash_table_lookup(known, key));
                g_autofree char *why = pattern_check(op->pattern);

                if (at == 0 && !why) {
                        Rule *r = rule_new(OP_MOUNT);

                        r->mount.source = g_strdup(op->pattern);
                        r->mount.fstype = op->op.second ? pattern_escape(op->op.second) : NULL;
                        g_ptr_array_add(rules, r);
                        at = rules->len;
                        g_array_set_size(tallies, at);
                        g_hash_table_insert(known, g_steal_pointer(&key), GUINT_TO_POINTER(at));
                }
                g_free(key);
                if (at == 0) {
                        (void)pattern_is_good(w, op->pattern);
                        continue;
                }
                ((Rule *)rules->pdata[at - 1])->mount.flags |= op->op.flags;
                tally_op(&g_array_index(tallies, Tally, at - 1), op);
        }
        for (guint i = 0; i < rules->len; i++)
                put_rule(w, rules->pdata[i], &g_array_index(tallies, Tally, i));
}

/* ---- system calls ---------------------------------------------------------------------------------------------------------------- */

static Rule *allow_calls(char **names /* taken */)
{
        Rule *r = rule_new(OP_SYSCALL);

        r->syscall.names = names;
        r->syscall.action = SYSCALL_ALLOW;
        r->syscall.in_profile = true;
        return r;
}

/* All conditions that were seen at argument @index of one call: any of them will do. The ops of a call stand together. */
static void put_condition(Writer *w, const GPtrArray *ops, uint64_t index)
{
        g_autoptr(GArray) args = g_array_new(FALSE, FALSE, sizeof(SyscallArg));
        Tally t = {0};
        Rule *r;

        for (guint i = 0; i < ops->len; i++) {
                const GeneralOp *op = ops->pdata[i];
                SyscallArg a = {.index = (uint32_t)index, .op = SYSCALL_MASKED_EQ, .value = op->op.mask, .value_two = op->op.value};

                if (op->op.index != index)
                        continue;
                g_array_append_val(args, a);
                tally_op(&t, op);
        }
        if (args->len == 0)
                return;
        r = allow_calls(g_strsplit(((const GeneralOp *)ops->pdata[0])->op.object, "\n", 1));
        r->syscall.args = g_steal_pointer(&args);
        put_rule(w, r, &t);
}

/* The calls without a condition are one rule; a call that was seen without one needs no other. */
static void put_syscalls(Writer *w)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free), conditional = g_ptr_array_new();
        const char *free_call = NULL;
        const GeneralOp *op;
        Tally t = {0};

        /* Sorted by name, and within a name those without a condition first. */
        for (guint i = 0; (op = next_op(w, MODEL_SYSCALL, &i));) {
                if (op->op.mask == 0) {
                        g_ptr_array_add(names, g_strdup(op->op.object));
                        free_call = op->op.object;
                }
                if (g_strcmp0(free_call, op->op.object) == 0)
                        tally_op(&t, op);
                else
                        g_ptr_array_add(conditional, (void *)op);
        }
        if (names->len > 0) {
                g_ptr_array_add(names, NULL);
                g_ptr_array_set_free_func(names, NULL);
                put_rule(w, allow_calls((char **)g_ptr_array_free(g_steal_pointer(&names), FALSE)), &t);
        }
        for (guint i = 0; i < conditional->len;) {
                g_autoptr(GPtrArray) ops = g_ptr_array_new();
                const char *name = ((const GeneralOp *)conditional->pdata[i])->op.object;

                for (; i < conditional->len && strcmp(((const GeneralOp *)conditional->pdata[i])->op.object, name) == 0; i++)
                        g_ptr_array_add(ops, conditional->pdata[i]);
                for (uint64_t index = 0; index < 6; index++)
                        put_condition(w, ops, index);
        }
}

/* ---- system calls that nobody does without ------------------------------------------------------------------------------------- */

/* varmor-exec has one call left when the filter is there; the others are how processes and handlers of signals end, and how the kernel
 * itself goes on with what a signal interrupted. */
static const char *const always[] = {"execve", "execveat", "exit", "exit_group", "restart_syscall", "rt_sigreturn", "sigreturn"};

/* Under the filter of another policy that comes after this one: it can only take away. */
static const struct {
        const char *name;
        uint64_t value; /* of the first argument */
} filtering[] = {{"prctl", PR_SET_NO_NEW_PRIVS}, {"seccomp", SECCOMP_SET_MODE_FILTER}};

static bool knows_call(const Writer *w, const char *name)
{
        return model_find(w->g->model, &(ModelOp){.kind = MODEL_SYSCALL, .object = (char *)name}) != NULL;
}

static void put_always(Writer *w)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        guint at = 0;
        Rule *r;

        /* Who has recorded none gets no list. */
        if (!next_op(w, MODEL_SYSCALL, &at))
                return;
        for (size_t i = 0; i < G_N_ELEMENTS(always); i++)
                if (!knows_call(w, always[i]))
                        g_ptr_array_add(names, g_strdup(always[i]));
        if (names->len > 0) {
                g_ptr_array_add(names, NULL);
                put_rule(w, allow_calls((char **)g_ptr_array_free(g_steal_pointer(&names), FALSE)), &(Tally){0});
        }
        for (size_t i = 0; i < G_N_ELEMENTS(filtering); i++) {
                const SyscallArg a = {.op = SYSCALL_EQ, .value = filtering[i].value};

                if (knows_call(w, filtering[i].name))
                        continue;
                r = allow_calls(g_strsplit(filtering[i].name, "\n", 1));
                r->syscall.args = g_array_new(FALSE, FALSE, sizeof(SyscallArg));
                g_array_append_val(r->syscall.args, a);
                put_rule(w, r, &(Tally){0});
        }
}

/* ---- the whole --------------------------------------------------------------------------------------------------------------------- */

void model_rules_free(ModelRules *r)
{
        if (!r)
                return;
        g_ptr_array_unref(r->rules);
        g_ptr_array_unref(r->comments);
        g_free(r);
}

int model_rules(const General *g, ModelRules **ret, Diag *d)
{
        g_autoptr(ModelRules) out = g_new0(ModelRules, 1);
        Writer w = {.g = g, .out = out, .pos = {.file = g_intern_static_string("model")}, .diag = d};

        out->rules = g_ptr_array_new_with_free_func((GDestroyNotify)rule_free);
        out->comments = g_ptr_array_new_with_free_func(g_free);
        put_files(&w);
        put_bits(&w, MODEL_CAPABILITY, OP_CAPABILITY);
        put_sockets(&w);
        put_addresses(&w, MODEL_EGRESS, OP_EGRESS);
        put_unix(&w, MODEL_EGRESS_UNIX, OP_EGRESS);
        put_addresses(&w, MODEL_INGRESS, OP_INGRESS);
        put_unix(&w, MODEL_INGRESS_UNIX, OP_INGRESS);
        put_ptrace(&w);
        put_signals(&w);
        put_mounts(&w);
        put_bits(&w, MODEL_USERNS, OP_USERNS);
        put_bits(&w, MODEL_BPF, OP_BPF);
        put_syscalls(&w);
        put_always(&w);
        if (out->rules->len > POLICY_RULES_MAX) {
                diag_error(d, &w.pos, "too-large", "the model makes %u rules, expected at most %u: generalise it more", out->rules->len,
                           POLICY_RULES_MAX);
                return -E2BIG;
        }
        *ret = g_steal_pointer(&out);
        return 0;
}

void model_policy_fill(Policy *p, ProfileType type, const ModelRules *rules, const char *apparmor)
{
        DepthProfile *aa = &p->depth[ENFORCER_APPARMOR], *bpf = &p->depth[ENFORCER_BPF], *seccomp = &p->depth[ENFORCER_SECCOMP];
        guint n = 0;

        for (guint i = 0; i < rules->rules->len; i++) {
                const Rule *r = rules->rules->pdata[i];
                EnforcerKind e = r->kind == OP_SYSCALL ? ENFORCER_SECCOMP : ENFORCER_BPF;
                Rule *copy;

                if (p->depth[e].type != type || !(p->enforcers & 1U << e))
                        continue;
                copy = rule_dup(r);
                copy->only = 1U << e;
                /* In front of raw rules, and base protection stays the last. */
                g_ptr_array_insert(p->rules, (gint)n++, copy);
        }
        if (bpf->type == type && !bpf->classes)
                bpf->classes = (uint32_t)words_find(op_class_words, "all");
        if (seccomp->type == type) {
                seccomp->action = SYSCALL_ERRNO;
                seccomp->errno_ret = EPERM;
        }
        if (aa->type == type) {
                g_free(aa->text);
                aa->text = g_strdup(apparmor);
                aa->text_pos = (SourcePos){.file = g_intern_static_string("model"), .line = 1, .column = 1};
        }
}
