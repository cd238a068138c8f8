// SPDX-License-Identifier: GPL-2.0-only

/* Privileges: capabilities, in every user namespace, and user namespaces themselves. */

#include "object.bpf.h"

/* The kernel also asks for the capabilities of others than the caller: overlayfs writes to its layers as whoever mounted it,
 * a core file is written as root. That is its own doing. io_uring's is not: its threads take on what credentials the process
 * had when it asked, and the caller takes on registered ones, which va_uring_creds() refuses. */
SEC("lsm/capable")
int BPF_PROG(va_capable, const struct cred *cred, void *ns, int cap, unsigned int opts, int ret)
{
        struct task_struct *task = bpf_get_current_task_btf();
        struct va_scratch *s;
        struct va_text t;
        int r;

        if (ret != 0)
                return ret;
        if (va_unconfined(task))
                return 0; /* allow: under no policy */
        if (cred == task->cred && cred != task->real_cred && !(task->flags & PF_IO_WORKER))
                return 0; /* allow: the kernel's own doing */
        r = va_take_scratch(&s);
        if (r <= 0)
                return r < 0 ? -EPERM : 0;
        s->number = cap;
        s->quiet = opts & CAP_OPT_NOAUDIT ? VA_QUIET : 0;
        t = va_begin_text(s);
        va_put(&t, '/');
        va_put_byte(&t, cap);
        va_end_text(&t);
        r = va_check(s, VA_KIND_CAPABILITY, 0, VA_OP_CAPABLE, 1);
        va_release(s);
        return r ? -EPERM : 0;
}

/* Return: 1: a policy of the task says something about capabilities. */
__attribute__((noinline)) int va_speaks_of_capabilities(struct va_scratch *s)
{
        struct va_table *table;

        if (!s)
                return 1;
        for (__u32 i = 0; i < VA_COVER_MAX; i++) {
                if (i >= s->id.cover.n)
                        break;
                table = va_small_table(s->id.cover.slot[i]);
                if (!table)
                        table = va_big_table(s->id.cover.slot[i]);
                if (table && table->kinds & 1U << VA_KIND_CAPABILITY)
                        return 1;
        }
        return 0;
}

SEC("lsm/uring_override_creds")
int BPF_PROG(va_uring_creds, const struct cred *new, int ret)
{
        struct va_scratch *s;
        int r;

        if (ret != 0)
                return ret;
        r = va_begin_check(&s);
        if (r <= 0)
                return r;
        r = va_speaks_of_capabilities(s) ? va_refuse(s, VA_OP_URING_CREDS, VA_REASON_BASE, 0) : 0;
        va_release(s);
        return va_verdict(r);
}

SEC("lsm/userns_create")
int BPF_PROG(va_userns, const struct cred *cred, int ret)
{
        struct va_scratch *s;
        struct va_text t;
        int r;

        if (ret != 0)
                return ret;
        r = va_begin_check(&s);
        if (r <= 0)
                return r < 0 ? -EPERM : 0;
        t = va_begin_text(s);
        va_put(&t, '/');
        va_put(&t, 'u');
        va_put(&t, 's');
        va_put(&t, 'e');
        va_put(&t, 'r');
        va_end_text(&t);
        r = va_check(s, VA_KIND_USERNS, 0, VA_OP_USERNS_CREATE, 1);
        va_release(s);
        return r ? -EPERM : 0;
}
