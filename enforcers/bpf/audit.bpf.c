// SPDX-License-Identifier: GPL-2.0-only

/* Audit: who causes the records that the kernel makes of what seccomp filters and AppArmor do. Here it is certain: the
 * process still is, and its cgroup and its policies are known, which the records do not name. Nothing is judged. For a seccomp
 * filter the event is all that there is to know, the arguments included; for AppArmor it goes beside the record, and tells how
 * many of them there are, as the kernel throws away what it has no room for. */

#include "state.bpf.h"

/* include/uapi/linux/audit.h */
#define AUDIT_ARCH_X86_64 0xc000003eU
#define AUDIT_ARCH_I386 0x40000003U
#define AUDIT_ARCH_AARCH64 0xc00000b7U
#define AUDIT_ARCH_ARM 0x40000028U

/* arch/x86/include/asm/thread_info.h, arch/arm64/include/asm/thread_info.h */
#define TS_COMPAT 2U
#define TIF_32BIT 22

/* include/linux/sched.h, arch/x86/include/asm/ptrace.h, arch/arm64/include/asm/ptrace.h */
struct thread_info___entry {
        unsigned long flags;
        __u32 status; /* x86 */
} __core;

struct task_struct___entry {
        struct thread_info___entry thread_info;
} __core;

struct pt_regs___entry {
#if defined(__TARGET_ARCH_x86)
        unsigned long bp, bx, r10, r9, r8, cx, dx, si, di;
#elif defined(__TARGET_ARCH_arm64)
        __u64 regs[31];
        __u64 orig_x0;
#endif
} __core;

static __always_inline void read_call(struct va_call *c, struct task_struct *t)
{
        struct pt_regs___entry *regs = (void *)bpf_task_pt_regs(t);
        struct task_struct___entry *entry = (void *)t;

#if defined(__TARGET_ARCH_x86)
        if (BPF_CORE_READ(entry, thread_info.status) & TS_COMPAT) {
                c->arch = AUDIT_ARCH_I386;
                c->args[0] = (__u32)BPF_CORE_READ(regs, bx);
                c->args[1] = (__u32)BPF_CORE_READ(regs, cx);
                c->args[2] = (__u32)BPF_CORE_READ(regs, dx);
                c->args[3] = (__u32)BPF_CORE_READ(regs, si);
                c->args[4] = (__u32)BPF_CORE_READ(regs, di);
                c->args[5] = (__u32)BPF_CORE_READ(regs, bp);
                return;
        }
        c->arch = AUDIT_ARCH_X86_64;
        c->args[0] = BPF_CORE_READ(regs, di);
        c->args[1] = BPF_CORE_READ(regs, si);
        c->args[2] = BPF_CORE_READ(regs, dx);
        c->args[3] = BPF_CORE_READ(regs, r10);
        c->args[4] = BPF_CORE_READ(regs, r8);
        c->args[5] = BPF_CORE_READ(regs, r9);
#elif defined(__TARGET_ARCH_arm64)
        c->arch = BPF_CORE_READ(entry, thread_info.flags) & 1UL << TIF_32BIT ? AUDIT_ARCH_ARM : AUDIT_ARCH_AARCH64;
        c->args[0] = BPF_CORE_READ(regs, orig_x0); /* the result stands in regs[0] already */
        c->args[1] = BPF_CORE_READ(regs, regs[1]);
        c->args[2] = BPF_CORE_READ(regs, regs[2]);
        c->args[3] = BPF_CORE_READ(regs, regs[3]);
        c->args[4] = BPF_CORE_READ(regs, regs[4]);
        c->args[5] = BPF_CORE_READ(regs, regs[5]);
#endif
}

/* A launcher in set-up has no identity, but may be under a filter or a profile already: its cgroup says by whose. */
static __always_inline struct va_scratch *who(struct task_struct *t)
{
        struct va_found f = {};
        struct va_scratch *s;
        int index = 0;

        if (!va_unconfined(t))
                index = va_enter();
        if (index > 0)
                return va_scratch_at(index - 1);
        if (index < 0)
                return NULL; /* counted as lost */
        s = va_scratch_at(va_claim());
        if (!s)
                return NULL;
        va_find_label(va_address(t->cgroups->dfl_cgrp), &f);
        va_begin(&s->id, &f, va_cgroup_of(t), va_state.epoch);
        return s;
}

static __always_inline void tell(struct va_scratch *s, struct va_call *c, __u32 op)
{
        c->cover = s->id.cover;
        __builtin_memcpy(s->m.b, c, sizeof(*c));
        s->path[0].off = 0;
        s->path[0].len = sizeof(*c);
        s->generation = 0;
        s->event.kind = VA_KIND_FILE;
        s->event.requested = 0;
        s->event.slot = 0;
        s->event.op = op;
        va_report(s, VA_REASON_RULE, VA_ACTION_DENIED, VA_NO_RULE, 1);
}

/* kernel/auditsc.c: called for every call that is to be logged, before the record is made */
SEC("fentry/audit_seccomp")
int BPF_PROG(va_seccomp, unsigned long nr, long signr, int code)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct va_call c = {.nr = nr, .code = code};
        struct va_scratch *s;

        if (va_unconfined(t))
                return 0; /* it is the filter of somebody else */
        s = who(t);
        if (!s)
                return 0;
        if (s->id.cover.n > 0) {
                read_call(&c, t);
                tell(s, &c, VA_OP_SECCOMP);
        }
        va_release(s);
        return 0;
}

/* security/lsm_audit.c: what AppArmor's records are made by, on behalf of the current task */
SEC("fentry/common_lsm_audit")
int BPF_PROG(va_lsm_audit)
{
        struct va_call c = {};
        struct va_scratch *s = who(bpf_get_current_task_btf());

        if (!s)
                return 0;
        tell(s, &c, VA_OP_APPARMOR);
        va_release(s);
        return 0;
}
