/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rule table: see rule-table.h. What lets a call pass in silence is not in it: what denies or reports is tried before. */

#include "rule-table.h"

#include <linux/seccomp.h>
#include <string.h>

#include "filter.h"
#include "interpret.h"
#include "syscalls.h"

typedef struct TableHead {
        uint32_t n_entries, n_args, n_rules, text_bytes;
        uint32_t default_ret;
        uint32_t default_trial; /* as TableRule.trial */
        uint32_t default_rule;  /* what the default belongs to, a number in the table; VERDICT_NO_RULE: to the policy itself */
} TableHead;

/* By arch and number, and there in the order in which they are tried. */
typedef struct TableEntry {
        uint32_t arch, nr, ret;
        uint32_t rule; /* number in the table */
        uint32_t first_arg, n_args;
} TableEntry;

typedef struct TableArg {
        uint32_t index, op;
        uint64_t value, value_two;
} TableArg;

typedef struct TableRule {
        uint32_t index; /* in policy->rules */
        uint32_t id;    /* where it starts in the text */
        uint32_t trial; /* it would deny if this were no trial run */
        uint32_t quiet; /* verdict_is_quiet() */
} TableRule;

/* ---- to bytes ------------------------------------------------------------------------------------------------------- */

typedef struct Writer {
        const Policy *policy;
        GArray *entries, *args, *rules;
        GString *text;
        GHashTable *args_seen; /* GArray -> where it starts in @args */
        GHashTable *rules_seen; /* index in policy->rules -> number + 1 */
} Writer;

static uint32_t put_args(Writer *w, const GArray *args)
{
        gpointer found;
        uint32_t first = w->args->len;

        if (!args)
                return 0;
        if (g_hash_table_lookup_extended(w->args_seen, args, NULL, &found))
                return GPOINTER_TO_UINT(found);
        for (guint i = 0; i < args->len; i++) {
                const SyscallArg *a = &g_array_index(args, SyscallArg, i);
                TableArg arg = {.index = a->index, .op = a->op, .value = a->value, .value_two = a->value_two};

                g_array_append_val(w->args, arg);
        }
        g_hash_table_insert(w->args_seen, (gpointer)args, GUINT_TO_POINTER(first));
        return first;
}

static bool is_trial(const Policy *p, SyscallAction a)
{
        return p->mode == MODE_DEFENSE_IN_DEPTH && p->allow_violations && a != SYSCALL_LOG;
}

static uint32_t put_rule(Writer *w, uint32_t index)
{
        const Rule *r = w->policy->rules->pdata[index];
        TableRule rule = {
                .index = index,
                .id = (uint32_t)w->text->len,
                .trial = is_trial(w->policy, r->syscall.action),
                .quiet = verdict_is_quiet(r),
        };
        gpointer found = g_hash_table_lookup(w->rules_seen, GUINT_TO_POINTER(index));

        if (found)
                return GPOINTER_TO_UINT(found) - 1;
        g_string_append_len(w->text, r->id ?: "", (gssize)strlen(r->id ?: "") + 1);
        g_array_append_val(w->rules, rule);
        g_hash_table_insert(w->rules_seen, GUINT_TO_POINTER(index), GUINT_TO_POINTER(w->rules->len));
        return w->rules->len - 1;
}

static void put_call(Writer *w, SyscallArch abi, const VerdictCall *call)
{
        for (guint i = 0; i < call->entries->len; i++) {
                const VerdictEntry *e = &g_array_index(call->entries, VerdictEntry, i);
                TableEntry entry = {
                        .arch = syscall_abi_token(abi),
                        .nr = call->nr,
                        .ret = e->ret,
                        .n_args = e->args ? e->args->len : 0,
                };

                if (e->ret == SECCOMP_RET_ALLOW)
                        return;
                entry.rule = put_rule(w, e->rule);
                entry.first_arg = put_args(w, e->args);
                g_array_append_val(w->entries, entry);
        }
}

static void put_array(GByteArray *bytes, const GArray *a)
{
        g_byte_array_append(bytes, (const guint8 *)a->data, a->len * g_array_get_element_size((GArray *)a));
}

static GBytes *to_bytes(const Writer *w, const Verdicts *v, uint32_t default_rule)
{
        GByteArray *bytes = g_byte_array_new();
        TableHead head = {
                .n_entries = w->entries->len,
                .n_args = w->args->len,
                .n_rules = w->rules->len,
                .text_bytes = (uint32_t)w->text->len,
                .default_ret = v->default_ret,
                .default_trial = is_trial(w->policy, w->policy->depth[ENFORCER_SECCOMP].action),
                .default_rule = default_rule,
        };

        g_byte_array_append(bytes, (const guint8 *)&head, sizeof(head));
        put_array(bytes, w->entries);
        put_array(bytes, w->args);
        put_array(bytes, w->rules);
        g_byte_array_append(bytes, (const guint8 *)w->text->str, (guint)w->text->len);
        return g_byte_array_free_to_bytes(bytes);
}

/* RuntimeDefault's list is of a rule with a name. */
static uint32_t put_default_rule(Writer *w)
{
        for (guint i = 0; i < w->policy->rules->len; i++) {
                const Rule *r = w->policy->rules->pdata[i];

                if (r->origin == RULE_DEFAULT && r->kind == OP_SYSCALL && r->syscall.in_profile)
                        return put_rule(w, i);
        }
        return VERDICT_NO_RULE;
}

GBytes *rule_table_make(const Policy *p, const Verdicts *v)
{
        Writer w = {
                .policy = p,
                .entries = g_array_new(FALSE, TRUE, sizeof(TableEntry)),
                .args = g_array_new(FALSE, TRUE, sizeof(TableArg)),
                .rules = g_array_new(FALSE, TRUE, sizeof(TableRule)),
                .text = g_string_new(NULL),
                .args_seen = g_hash_table_new(NULL, NULL),
                .rules_seen = g_hash_table_new(NULL, NULL),
        };
        GBytes *bytes;

        for (guint i = 0; i < v->abis->len; i++) {
                const VerdictAbi *abi = &g_array_index(v->abis, VerdictAbi, i);

                for (guint c = 0; c < abi->calls->len; c++)
                        put_call(&w, abi->abi, &g_array_index(abi->calls, VerdictCall, c));
        }
        bytes = to_bytes(&w, v, put_default_rule(&w));
        g_array_unref(w.entries);
        g_array_unref(w.args);
        g_array_unref(w.rules);
        g_string_free(w.text, TRUE);
        g_hash_table_unref(w.args_seen);
        g_hash_table_unref(w.rules_seen);
        return bytes;
}

/* ---- from bytes ------------------------------------------------------------------------------------------------------ */

/* Of untrusted bytes: every index is checked where it is used. */
typedef struct Reader {
        TableHead head;
        const char *entries, *args, *rules, *text;
} Reader;

static bool read_table(GBytes *blob, Reader *ret)
{
        gsize size;
        const char *bytes = g_bytes_get_data(blob, &size);
        FilterHeader h;

        if (size == 0 || filter_check(bytes, size, &h) < 0 || h.extra_bytes < sizeof(ret->head))
                return false;
        bytes += sizeof(h) + h.n_insns * sizeof(struct sock_filter);
        memcpy(&ret->head, bytes, sizeof(ret->head));
        ret->entries = bytes + sizeof(ret->head);
        ret->args = ret->entries + (size_t)ret->head.n_entries * sizeof(TableEntry);
        ret->rules = ret->args + (size_t)ret->head.n_args * sizeof(TableArg);
        ret->text = ret->rules + (size_t)ret->head.n_rules * sizeof(TableRule);
        return (uint64_t)ret->head.n_entries * sizeof(TableEntry) + (uint64_t)ret->head.n_args * sizeof(TableArg) +
                               (uint64_t)ret->head.n_rules * sizeof(TableRule) + ret->head.text_bytes ==
                       h.extra_bytes - sizeof(ret->head) &&
               (ret->head.text_bytes == 0 || ret->text[ret->head.text_bytes - 1] == '\0');
}

static bool arg_holds(const Reader *t, uint32_t number, const uint64_t *values, bool narrow, uint32_t *ret_index)
{
        TableArg arg;
        SyscallArg a;

        memcpy(&arg, t->args + (size_t)number * sizeof(arg), sizeof(arg));
        *ret_index = arg.index;
        if (arg.index > 5)
                return false;
        a = (SyscallArg){.index = arg.index, .op = (SyscallCompare)arg.op, .value = arg.value, .value_two = arg.value_two};
        return syscall_arg_holds(&a, narrow ? (uint32_t)values[arg.index] : values[arg.index]);
}

/* Of those on the same argument, one must hold; they stand together. */
static bool entry_holds(const Reader *t, const TableEntry *e, const uint64_t *values)
{
        bool narrow = syscall_is_32bit(e->arch, e->nr), any = true;
        uint32_t index, last = UINT32_MAX;

        if ((uint64_t)e->first_arg + e->n_args > t->head.n_args)
                return false;
        for (uint32_t i = 0; i < e->n_args; i++) {
                bool holds = arg_holds(t, e->first_arg + i, values, narrow, &index);

                if (index != last && !any)
                        return false;
                any = holds || (index == last && any);
                last = index;
        }
        return any;
}

static Action told_as(uint32_t ret, bool trial)
{
        if ((ret & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_LOG)
                return ACTION_DENIED;
        return trial ? ACTION_ALLOWED : ACTION_AUDIT;
}

static void add_rule(const Reader *t, uint32_t number, uint32_t ret, SeccompAnswer *a)
{
        TableRule rule;

        if (number >= t->head.n_rules)
                return;
        memcpy(&rule, t->rules + (size_t)number * sizeof(rule), sizeof(rule));
        for (guint i = 0; i < a->rules->len; i++)
                if (g_array_index(a->rules, uint32_t, i) == rule.index)
                        return;
        if (rule.id < t->head.text_bytes)
                g_string_append_printf(a->names, "%s%s", a->names->len > 0 ? ", " : "", t->text + rule.id);
        a->quiet = rule.quiet && (a->quiet || a->rules->len == 0);
        g_array_append_val(a->rules, rule.index);
        a->told = told_as(ret, rule.trial);
}

static bool same_action(uint32_t a, uint32_t b)
{
        return (a & SECCOMP_RET_ACTION_FULL) == (b & SECCOMP_RET_ACTION_FULL);
}

static void find_rules(const Reader *t, const SeccompCall *call, SeccompAnswer *a)
{
        for (uint32_t i = 0; i < t->head.n_entries; i++) {
                TableEntry e;

                memcpy(&e, t->entries + (size_t)i * sizeof(e), sizeof(e));
                if (e.arch != call->arch || e.nr != call->nr)
                        continue;
                if (!call->args) {
                        if (same_action(e.ret, call->action))
                                add_rule(t, e.rule, e.ret, a);
                } else if (entry_holds(t, &e, call->args)) {
                        if (same_action(e.ret, call->action))
                                add_rule(t, e.rule, e.ret, a);
                        return;
                }
        }
}

/* Without arguments: what becomes of the call when no entry holds for it, or of an ABI that the filter is not for. */
static bool may_be_default(GBytes *blob, const Reader *t, const SeccompCall *call)
{
        struct seccomp_data data = {.nr = (int)call->nr, .arch = call->arch};
        uint32_t ret;

        if (call->args)
                memcpy(data.args, call->args, sizeof(data.args));
        if (seccomp_ret_of(blob, &data, &ret) < 0)
                return false;
        return same_action(ret, call->action) || (!call->args && same_action(t->head.default_ret, call->action));
}

void seccomp_answer_done(SeccompAnswer *a)
{
        g_clear_pointer(&a->rules, g_array_unref);
        if (a->names)
                g_string_free(g_steal_pointer(&a->names), TRUE);
}

bool seccomp_explain(GBytes *blob, const SeccompCall *call, SeccompAnswer *ret)
{
        g_auto(SeccompAnswer) a = {0};
        Reader t;

        if (same_action(call->action, SECCOMP_RET_ALLOW) || !read_table(blob, &t))
                return false;
        a.rules = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        a.names = g_string_new(NULL);
        find_rules(&t, call, &a);
        if (a.rules->len == 0) {
                if (!may_be_default(blob, &t, call))
                        return false;
                add_rule(&t, t.head.default_rule, call->action, &a);
                a.quiet = false;
                a.told = told_as(call->action, t.head.default_trial);
        }
        *ret = a;
        a = (SeccompAnswer){0};
        return true;
}
