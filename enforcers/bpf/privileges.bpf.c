// SPDX-License-Identifier: GPL-2.0-only

/* Privileges: capabilities, in every user namespace, and user namespaces themselves. */

#include "call.bpf.h"
#include "object.bpf.h"

/* The kernel also asks for the capabilities of others than the caller: overlayfs writes to its layers as whoever mounted it,
 * a core file is written as root. That is its own doing. io_uring's is not: its threads take on what credentials the process
 * had when it asked, and the caller takes on registered ones, which va_uring_creds() refuses. */
SEC("lsm/capable")
int VA_PROG(va_capable, const struct cred *cred, void *ns, int cap, unsigned int opts, int ret)
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
int VA_PROG(va_uring_creds, const struct cred *new, int ret)
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

static __always_inline int check_userns(__u32 op)
{
        struct va_scratch *s;
        struct va_text t;
        int r = va_begin_check(&s);

        if (r <= 0)
                return r < 0 ? -EPERM : 0;
        t = va_begin_text(s);
        va_put(&t, '/');
        va_put(&t, 'u');
        va_put(&t, 's');
        va_put(&t, 'e');
        va_put(&t, 'r');
        va_end_text(&t);
        r = va_check(s, VA_KIND_USERNS, 0, op, 1);
        va_release(s);
        return r ? -EPERM : 0;
}

SEC("lsm/userns_create")
int VA_PROG(va_userns, const struct cred *cred, int ret)
{
        return ret != 0 ? ret : check_userns(VA_OP_USERNS_CREATE);
}

/* setns(2): arch/x86/entry/syscalls/syscall_64.tbl, syscall_32.tbl; include/uapi/asm-generic/unistd.h; arch/arm/tools/syscall.tbl */
static __always_inline bool is_setns(__u32 arch, __u32 nr)
{
        switch (arch) {
        case AUDIT_ARCH_X86_64:
                return (nr & ~X32_BIT) == 308;
        case AUDIT_ARCH_I386:
                return nr == 346;
        case AUDIT_ARCH_AARCH64:
                return nr == 268;
        case AUDIT_ARCH_ARM:
                return nr == 375;
        default:
                return false;
        }
}

/* Is the task about to enter a user namespace? A descriptor without flags may be of another kind of namespace, but what it is of
 * can be changed by another thread until we look. */
static __always_inline bool is_joining(struct task_struct *task)
{
        struct va_call c = {};

        va_read_call(&c, task);
        return is_setns(c.arch, va_call_number(task)) && (!(__u32)c.args[1] || c.args[1] & CLONE_NEWUSER);
}

/* Nobody else is asked about setns(2); the kernel asks for sys_admin in the namespace that is entered. */
SEC("lsm/capable")
int VA_PROG(va_join_userns, const struct cred *cred, void *ns, int cap, unsigned int opts, int ret)
{
        struct task_struct *task = bpf_get_current_task_btf();

        if (ret != 0)
                return ret;
        if (cap != CAP_SYS_ADMIN || ns == cred->user_ns)
                return 0; /* allow: it is not that question */
        if (va_unconfined(task))
                return 0; /* allow: under no policy */
        return is_joining(task) ? check_userns(VA_OP_USERNS_JOIN) : 0;
}
