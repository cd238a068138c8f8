/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Dump: see dump.h. */

#include "dump.h"

#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "syscalls.h"

static char *format_ret(uint32_t ret)
{
        uint32_t data = ret & SECCOMP_RET_DATA;

        switch (ret & SECCOMP_RET_ACTION_FULL) {
        case SECCOMP_RET_ALLOW:
                return g_strdup("ALLOW");
        case SECCOMP_RET_LOG:
                return g_strdup("LOG");
        case SECCOMP_RET_TRACE:
                return g_strdup_printf("TRACE(%u)", data);
        case SECCOMP_RET_ERRNO:
                return g_strdup_printf("ERRNO(%u)", data);
        case SECCOMP_RET_TRAP:
                return g_strdup("TRAP");
        case SECCOMP_RET_KILL_THREAD:
                return g_strdup("KILL_THREAD");
        default:
                return g_strdup("KILL_PROCESS");
        }
}

/* ---- verdicts ------------------------------------------------------------------------------------------------------- */

static void put_arg(GString *s, const SyscallArg *a)
{
        static const char *const signs[_SYSCALL_COMPARE_MAX] = {
                [SYSCALL_NE] = "!=", [SYSCALL_LT] = "<", [SYSCALL_LE] = "<=",
                [SYSCALL_EQ] = "==", [SYSCALL_GE] = ">=", [SYSCALL_GT] = ">",
        };

        if (a->op == SYSCALL_MASKED_EQ)
                g_string_append_printf(s, "a%u & 0x%" G_GINT64_MODIFIER "x == 0x%" G_GINT64_MODIFIER "x", a->index, a->value,
                                       a->value_two);
        else
                g_string_append_printf(s, "a%u %s 0x%" G_GINT64_MODIFIER "x", a->index, signs[a->op], a->value);
}

static void put_args(GString *s, const GArray *args)
{
        for (guint i = 0; i < args->len; i++) {
                const SyscallArg *a = &g_array_index(args, SyscallArg, i);

                if (i > 0)
                        g_string_append(s, g_array_index(args, SyscallArg, i - 1).index == a->index ? " or " : ", ");
                put_arg(s, a);
        }
}

static void put_entry(GString *s, const VerdictEntry *e, const Policy *p)
{
        g_autofree char *ret = format_ret(e->ret);
        const Rule *r = p->rules->pdata[e->rule];

        g_string_append_printf(s, " %s", ret);
        if (e->args) {
                g_string_append(s, " if (");
                put_args(s, e->args);
                g_string_append(s, ")");
        }
        g_string_append_printf(s, " [%s]", r->id);
}

static void put_abi(GString *s, const VerdictAbi *abi, const Policy *p)
{
        g_string_append_printf(s, "abi %s\n", syscall_arch_to_string(abi->abi));
        for (guint i = 0; i < abi->calls->len; i++) {
                const VerdictCall *c = &g_array_index(abi->calls, VerdictCall, i);
                char *name = syscall_name(syscall_abi_token(abi->abi), c->nr);

                g_string_append_printf(s, " %s %u:", name ?: "?", c->nr & ~X32_SYSCALL_BIT);
                free(name);
                for (guint e = 0; e < c->entries->len; e++)
                        put_entry(s, &g_array_index(c->entries, VerdictEntry, e), p);
                g_string_append(s, "\n");
        }
}

/* ---- instructions --------------------------------------------------------------------------------------------------- */

static const char *load_name(uint32_t offset)
{
        static const char *const names[sizeof(struct seccomp_data) / 4] = {
                "nr", "arch", "ip", "ip+4", "a0", "a0+4", "a1", "a1+4", "a2", "a2+4", "a3", "a3+4", "a4", "a4+4", "a5", "a5+4",
        };

        return names[offset / 4 % G_N_ELEMENTS(names)];
}

static void put_instruction(GString *s, unsigned i, const struct sock_filter *f)
{
        static const char *const jumps[] = {[BPF_JEQ >> 4] = "==", [BPF_JGT >> 4] = ">", [BPF_JGE >> 4] = ">=", [BPF_JSET >> 4] = "&"};
        g_autofree char *ret = NULL;

        switch (f->code) {
        case BPF_LD | BPF_W | BPF_ABS:
                g_string_append_printf(s, "%4u load %s\n", i, load_name(f->k));
                return;
        case BPF_ALU | BPF_AND | BPF_K:
                g_string_append_printf(s, "%4u and 0x%x\n", i, f->k);
                return;
        case BPF_JMP | BPF_JA:
                g_string_append_printf(s, "%4u go %u\n", i, i + f->k + 1);
                return;
        case BPF_RET | BPF_K:
                ret = format_ret(f->k);
                g_string_append_printf(s, "%4u return %s\n", i, ret);
                return;
        default:
                g_string_append_printf(s, "%4u if %s 0x%x go %u else %u\n", i, jumps[BPF_OP(f->code) >> 4 & 7] ?: "?", f->k,
                                       i + f->jt + 1, i + f->jf + 1);
        }
}

static void put_file(GString *s, GBytes *blob)
{
        gsize size;
        const char *bytes = g_bytes_get_data(blob, &size);
        FilterHeader h;

        if (filter_check(bytes, size, &h) < 0) {
                g_string_append(s, "not a filter\n");
                return;
        }
        g_string_append_printf(s, "%u instructions%s%s\n", filter_n_loud(&h), h.flags & FILTER_LOG ? ", log" : "",
                               h.flags & FILTER_BLOCKS_SECCOMP ? ", blocks seccomp" : "");
        for (uint32_t i = 0; i < h.n_insns; i++) {
                struct sock_filter f;

                if (i == filter_n_loud(&h))
                        g_string_append_printf(s, "%u instructions for what is denied in silence\n", h.n_quiet);
                memcpy(&f, bytes + sizeof(h) + i * sizeof(f), sizeof(f));
                put_instruction(s, i, &f);
        }
}

char *seccomp_dump(const Policy *p, const SeccompHost *host, GBytes *blob)
{
        GString *s = g_string_new(NULL);
        g_autoptr(Verdicts) v = NULL;
        g_autofree char *otherwise = NULL, *bad_arch = NULL;

        if (g_bytes_get_size(blob) == 0 || verdicts_make(p, host, &v, NULL) < 0) {
                g_string_append(s, "no filter: nothing to enforce\n");
                return g_string_free(s, FALSE);
        }
        otherwise = format_ret(v->default_ret);
        bad_arch = format_ret(v->bad_arch_ret);
        g_string_append_printf(s, "default %s, other ABIs %s\n", otherwise, bad_arch);
        for (guint i = 0; i < v->abis->len; i++)
                put_abi(s, &g_array_index(v->abis, VerdictAbi, i), p);
        put_file(s, blob);
        return g_string_free(s, FALSE);
}
