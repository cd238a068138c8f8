/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rule table: see rule-table.h. What lets a call pass in silence is not in it: what denies or reports is tried before. */

#include "rule-table.h"

#include <linux/seccomp.h>
#include <string.h>

#include "filter.h"
#include "syscalls.h"

typedef struct TableHead {
        uint32_t n_entries, n_args;
} TableHead;

/* By arch and number, and there in the order in which they are tried. */
typedef struct TableEntry {
        uint32_t arch, nr;
        uint32_t rule;
        uint32_t first_arg, n_args;
} TableEntry;

typedef struct TableArg {
        uint32_t index, op;
        uint64_t value, value_two;
} TableArg;

/* ---- to bytes ------------------------------------------------------------------------------------------------------- */

/* Where the conditions start; equal lists are one. */
static uint32_t put_args(GArray *table, GHashTable *seen, const GArray *args)
{
        gpointer found;
        uint32_t first = table->len;

        if (!args)
                return 0;
        if (g_hash_table_lookup_extended(seen, args, NULL, &found))
                return GPOINTER_TO_UINT(found);
        for (guint i = 0; i < args->len; i++) {
                const SyscallArg *a = &g_array_index(args, SyscallArg, i);
                TableArg arg = {.index = a->index, .op = a->op, .value = a->value, .value_two = a->value_two};

                g_array_append_val(table, arg);
        }
        g_hash_table_insert(seen, (gpointer)args, GUINT_TO_POINTER(first));
        return first;
}

GBytes *rule_table_make(const Verdicts *v)
{
        g_autoptr(GArray) entries = g_array_new(FALSE, TRUE, sizeof(TableEntry));
        g_autoptr(GArray) args = g_array_new(FALSE, TRUE, sizeof(TableArg));
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
        GByteArray *bytes = g_byte_array_new();
        TableHead head;

        for (guint i = 0; i < v->abis->len; i++) {
                const VerdictAbi *abi = &g_array_index(v->abis, VerdictAbi, i);

                for (guint c = 0; c < abi->calls->len; c++) {
                        const VerdictCall *call = &g_array_index(abi->calls, VerdictCall, c);

                        for (guint n = 0; n < call->entries->len; n++) {
                                const VerdictEntry *e = &g_array_index(call->entries, VerdictEntry, n);
                                TableEntry entry = {
                                        .arch = syscall_abi_token(abi->abi),
                                        .nr = call->nr,
                                        .rule = e->rule,
                                        .n_args = e->args ? e->args->len : 0,
                                };

                                if (e->ret == SECCOMP_RET_ALLOW)
                                        continue;
                                entry.first_arg = put_args(args, seen, e->args);
                                g_array_append_val(entries, entry);
                        }
                }
        }
        head = (TableHead){.n_entries = entries->len, .n_args = args->len};
        g_byte_array_append(bytes, (const guint8 *)&head, sizeof(head));
        g_byte_array_append(bytes, (const guint8 *)entries->data, entries->len * (guint)sizeof(TableEntry));
        g_byte_array_append(bytes, (const guint8 *)args->data, args->len * (guint)sizeof(TableArg));
        return g_byte_array_free_to_bytes(bytes);
}

/* ---- from bytes ------------------------------------------------------------------------------------------------------ */

static bool entry_holds(const TableEntry *e, const char *args_bytes, const uint64_t *values)
{
        bool narrow = syscall_is_32bit(e->arch, e->nr);
        uint32_t i = 0;

        while (i < e->n_args) {
                bool any = false;
                uint32_t index = UINT32_MAX;

                /* One of those on the same argument. */
                for (; i < e->n_args; i++) {
                        TableArg t;
                        SyscallArg a;

                        memcpy(&t, args_bytes + (e->first_arg + (size_t)i) * sizeof(t), sizeof(t));
                        if (t.index > 5 || (index != UINT32_MAX && t.index != index))
                                break;
                        index = t.index;
                        a = (SyscallArg){.index = index, .op = (SyscallCompare)t.op, .value = t.value, .value_two = t.value_two};
                        any |= syscall_arg_holds(&a, narrow ? (uint32_t)values[index] : values[index]);
                }
                if (!any)
                        return false;
        }
        return true;
}

static void add_rule(GArray *rules, uint32_t rule)
{
        for (guint i = 0; i < rules->len; i++)
                if (g_array_index(rules, uint32_t, i) == rule)
                        return;
        g_array_append_val(rules, rule);
}

GArray *seccomp_rules_of(GBytes *blob, uint32_t nr, uint32_t arch, const uint64_t *args)
{
        GArray *rules = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        gsize size;
        const char *bytes = g_bytes_get_data(blob, &size), *entries, *args_bytes;
        FilterHeader h;
        TableHead head;

        if (size == 0 || filter_check(bytes, size, &h) < 0 || h.extra_bytes < sizeof(head))
                return rules;
        entries = bytes + sizeof(h) + h.n_insns * sizeof(struct sock_filter);
        memcpy(&head, entries, sizeof(head));
        entries += sizeof(head);
        if ((uint64_t)head.n_entries * sizeof(TableEntry) + (uint64_t)head.n_args * sizeof(TableArg) !=
            h.extra_bytes - sizeof(head))
                return rules;
        args_bytes = entries + head.n_entries * sizeof(TableEntry);

        for (uint32_t i = 0; i < head.n_entries; i++) {
                TableEntry e;

                memcpy(&e, entries + i * sizeof(e), sizeof(e));
                if (e.arch != arch || e.nr != nr || (uint64_t)e.first_arg + e.n_args > head.n_args)
                        continue;
                if (!args)
                        add_rule(rules, e.rule);
                else if (entry_holds(&e, args_bytes, args)) {
                        add_rule(rules, e.rule);
                        break;
                }
        }
        return rules;
}
