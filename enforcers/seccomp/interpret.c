/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interpret: see interpret.h. Only the instructions that emit.c uses. */

#include "interpret.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "filter.h"

static bool jump_holds(const struct sock_filter *f, uint32_t a)
{
        switch (BPF_OP(f->code)) {
        case BPF_JEQ:
                return a == f->k;
        case BPF_JGT:
                return a > f->k;
        case BPF_JGE:
                return a >= f->k;
        default: /* BPF_JSET */
                return a & f->k;
        }
}

uint32_t filter_run(const struct sock_filter *code, size_t n, const struct seccomp_data *data)
{
        uint32_t a = 0;

        /* Jumps lead forward: it ends. */
        for (size_t i = 0; i < n; i++) {
                const struct sock_filter *f = code + i;

                switch (f->code) {
                case BPF_LD | BPF_W | BPF_ABS:
                        if (f->k > sizeof(*data) - sizeof(a) || f->k % sizeof(a) != 0)
                                return SECCOMP_RET_KILL_PROCESS;
                        memcpy(&a, (const char *)data + f->k, sizeof(a));
                        break;
                case BPF_ALU | BPF_AND | BPF_K:
                        a &= f->k;
                        break;
                case BPF_JMP | BPF_JA:
                        i += f->k;
                        break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                case BPF_JMP | BPF_JGT | BPF_K:
                case BPF_JMP | BPF_JGE | BPF_K:
                case BPF_JMP | BPF_JSET | BPF_K:
                        i += jump_holds(f, a) ? f->jt : f->jf;
                        break;
                case BPF_RET | BPF_K:
                        return f->k;
                default:
                        return SECCOMP_RET_KILL_PROCESS;
                }
        }
        return SECCOMP_RET_KILL_PROCESS;
}

int seccomp_ret_of(GBytes *blob, const struct seccomp_data *data, uint32_t *ret)
{
        g_autofree struct sock_filter *code = NULL;
        gsize size = 0;
        const char *bytes = g_bytes_get_data(blob, &size);
        FilterHeader h;
        int r;

        if (size == 0) {
                *ret = SECCOMP_RET_ALLOW;
                return 0;
        }
        r = filter_check(bytes, size, &h);
        if (r < 0)
                return r;
        code = g_memdup2(bytes + sizeof(h), h.n_insns * sizeof(*code));
        *ret = filter_run(code, filter_n_loud(&h), data);
        return 0;
}
