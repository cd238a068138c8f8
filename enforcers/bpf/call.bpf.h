/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Calls: the system call that a task is in, as it entered the kernel. */

#include "state.bpf.h"

/* include/uapi/linux/audit.h */
#define AUDIT_ARCH_X86_64 0xc000003eU
#define AUDIT_ARCH_I386 0x40000003U
#define AUDIT_ARCH_AARCH64 0xc00000b7U
#define AUDIT_ARCH_ARM 0x40000028U

/* arch/x86/include/uapi/asm/unistd.h */
#define X32_BIT 0x40000000U

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
        unsigned long bp, bx, r10, r9, r8, cx, dx, si, di, orig_ax;
#elif defined(__TARGET_ARCH_arm64)
        __u64 regs[31];
        __u64 orig_x0;
        __s32 syscallno;
#endif
} __core;

/** va_call_arch() - the architecture in whose table its number stands, AUDIT_ARCH_*. */
static __always_inline __u32 va_call_arch(struct task_struct *t)
{
        struct task_struct___entry *entry = (void *)t;

#if defined(__TARGET_ARCH_x86)
        return BPF_CORE_READ(entry, thread_info.status) & TS_COMPAT ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
#elif defined(__TARGET_ARCH_arm64)
        return BPF_CORE_READ(entry, thread_info.flags) & 1UL << TIF_32BIT ? AUDIT_ARCH_ARM : AUDIT_ARCH_AARCH64;
#else
        return 0;
#endif
}

/** va_read_call() - architecture and arguments into @c. */
static __always_inline void va_read_call(struct va_call *c, struct task_struct *t)
{
        struct pt_regs___entry *regs = (void *)bpf_task_pt_regs(t);

        c->arch = va_call_arch(t);
#if defined(__TARGET_ARCH_x86)
        if (c->arch == AUDIT_ARCH_I386) {
                c->args[0] = (__u32)BPF_CORE_READ(regs, bx);
                c->args[1] = (__u32)BPF_CORE_READ(regs, cx);
                c->args[2] = (__u32)BPF_CORE_READ(regs, dx);
                c->args[3] = (__u32)BPF_CORE_READ(regs, si);
                c->args[4] = (__u32)BPF_CORE_READ(regs, di);
                c->args[5] = (__u32)BPF_CORE_READ(regs, bp);
                return;
        }
        c->args[0] = BPF_CORE_READ(regs, di);
        c->args[1] = BPF_CORE_READ(regs, si);
        c->args[2] = BPF_CORE_READ(regs, dx);
        c->args[3] = BPF_CORE_READ(regs, r10);
        c->args[4] = BPF_CORE_READ(regs, r8);
        c->args[5] = BPF_CORE_READ(regs, r9);
#elif defined(__TARGET_ARCH_arm64)
        c->args[0] = BPF_CORE_READ(regs, orig_x0); /* the result stands in regs[0] already */
        c->args[1] = BPF_CORE_READ(regs, regs[1]);
        c->args[2] = BPF_CORE_READ(regs, regs[2]);
        c->args[3] = BPF_CORE_READ(regs, regs[3]);
        c->args[4] = BPF_CORE_READ(regs, regs[4]);
        c->args[5] = BPF_CORE_READ(regs, regs[5]);
#endif
}

/** va_call_number() - its number, in the table of the architecture that va_read_call() says. */
static __always_inline __u32 va_call_number(struct task_struct *t)
{
        struct pt_regs___entry *regs = (void *)bpf_task_pt_regs(t);

#if defined(__TARGET_ARCH_x86)
        return BPF_CORE_READ(regs, orig_ax);
#elif defined(__TARGET_ARCH_arm64)
        return BPF_CORE_READ(regs, syscallno);
#else
        return ~0U;
#endif
}
