// SPDX-License-Identifier: GPL-2.0-only

/* Base protection, as far as it is not about paths: nobody confined gets at our programs and maps, at varmord, or at what sets
 * workloads up. And rules about bpf(2). */

#include "object.bpf.h"

__attribute__((noinline)) int va_guard(__u32 op)
{
        struct va_scratch *s;
        int r;

        r = va_take_scratch(&s);
        if (r <= 0)
                return r;
        r = va_refuse(s, op, VA_REASON_BASE, 0);
        va_release(s);
        return r;
}

static __always_inline int guard(__u32 op)
{
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        return va_guard(op) ? -EPERM : 0;
}

/* ---- BPF objects ------------------------------------------------------------------------------------------------ */

/* Our maps and programs are called "va_...", and the maps that libbpf makes for their globals "varmor_b...". */
static __always_inline bool is_ours(const char *name)
{
        char n[8] = {};

        bpf_probe_read_kernel(n, sizeof(n), name);
        return n[0] == 'v' && n[1] == 'a' &&
               (n[2] == '_' || (n[2] == 'r' && n[3] == 'm' && n[4] == 'o' && n[5] == 'r' && n[6] == '_' && n[7] == 'b'));
}

SEC("lsm/bpf_map")
int VA_PROG(va_bpf_map, struct bpf_map *map, unsigned int mode, int ret)
{
        if (ret != 0)
                return ret;
        return is_ours(map->name) ? guard(VA_OP_BPF) : 0;
}

SEC("lsm/bpf_prog")
int VA_PROG(va_bpf_prog, struct bpf_prog *prog, int ret)
{
        if (ret != 0)
                return ret;
        return is_ours(prog->aux->name) ? guard(VA_OP_BPF) : 0;
}

/* No hook sees which link somebody gets, by pin or by id, so nobody confined gets any. */
SEC("lsm/bpf")
int VA_PROG(va_bpf, int cmd, void *attr, unsigned int size, int ret)
{
        struct va_scratch *s;
        struct va_text t;
        int r;

        if (ret != 0)
                return ret;
        r = va_begin_check(&s);
        if (r <= 0)
                return r < 0 ? -EPERM : 0;
        if (cmd == BPF_OBJ_GET || cmd == BPF_LINK_GET_FD_BY_ID)
                r = va_refuse(s, VA_OP_BPF, VA_REASON_BASE, 0);
        else
                r = 0;
        if (r == 0) {
                t = va_begin_text(s);
                va_put(&t, '/');
                va_put_byte(&t, cmd);
                va_end_text(&t);
                r = va_check(s, VA_KIND_BPF, 0, VA_OP_BPF, 1);
        }
        va_release(s);
        return r ? -EPERM : 0;
}

/* ---- varmord ---------------------------------------------------------------------------------------------------- */

/* Does @t set a workload up, in the workload's cgroup? */
static __always_inline bool sets_up(struct task_struct *t)
{
        struct task_struct *leader = t->group_leader;
        struct va_found f = {};
        struct va_identity *id = leader ? bpf_task_storage_get(&va_tasks, leader, 0, 0) : NULL;

        return !(id && id->flags & VA_ID_LIVE) && va_is_launcher((__u64)BPF_CORE_READ(t, mm, exe_file)) &&
               va_find_label(va_address(t->cgroups->dfl_cgrp), &f) && f.cover.n > 0;
}

SEC("lsm/task_kill")
int VA_PROG(va_guard_kill, struct task_struct *p, void *info, int sig, const void *cred, int ret)
{
        if (ret != 0)
                return ret;
        return sig != 0 && va_is_self(p) ? guard(VA_OP_KILL) : 0;
}

/* Signals of descriptors are sent in nobody's name; varmord asks for none. */
SEC("lsm/file_send_sigiotask")
int VA_PROG(va_sigio, struct task_struct *p, void *owner, int sig, int ret)
{
        return ret != 0 ? ret : va_is_self(p) ? -EPERM : 0;
}

/* What sets a workload up would do what its tracer wants, under no policy. */
SEC("lsm/ptrace_access_check")
int VA_PROG(va_guard_ptrace, struct task_struct *child, unsigned int mode, int ret)
{
        if (ret != 0)
                return ret;
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        return va_is_self(child) || (mode & PTRACE_MODE_ATTACH && sets_up(child)) ? guard(VA_OP_PTRACE) : 0;
}

SEC("lsm/task_setrlimit")
int VA_PROG(va_setrlimit, struct task_struct *p, unsigned int resource, void *limit, int ret)
{
        if (ret != 0)
                return ret;
        return va_is_self(p) ? guard(VA_OP_CONTROL) : 0;
}

SEC("lsm/task_setscheduler")
int VA_PROG(va_setscheduler, struct task_struct *p, int ret)
{
        if (ret != 0)
                return ret;
        return va_is_self(p) ? guard(VA_OP_CONTROL) : 0;
}

SEC("lsm/task_setnice")
int VA_PROG(va_setnice, struct task_struct *p, int nice, int ret)
{
        if (ret != 0)
                return ret;
        return va_is_self(p) ? guard(VA_OP_CONTROL) : 0;
}
