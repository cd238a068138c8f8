// SPDX-License-Identifier: GPL-2.0-only

/* Processes: what one does to another. Both may be under policies: the one who acts under rules of what he does, the other
 * under rules of what is done to him. "Inside" is who is under the same policy. */

#include "object.bpf.h"

/* The policies of the process @t in s->id, as far as they are known without changing what it carries.
 * Return: false: it is under none. */
static __always_inline bool look_at(struct va_scratch *s, struct task_struct *t)
{
        struct task_struct *leader = t->group_leader;
        struct va_found f = {};
        struct va_identity *id;
        struct va_cover *label;
        __u64 key;

        s->of_other = 1;
        id = leader ? bpf_task_storage_get(&va_tasks, leader, 0, 0) : NULL;
        if (id && id->flags & VA_ID_LIVE) {
                s->id = *id;
                if (s->id.epoch == va_state.epoch)
                        return s->id.cover.n > 0;
                key = s->id.home;
                label = bpf_map_lookup_elem(&va_labels, &key);
                if (!label) {
                        key = s->id.anchor;
                        label = bpf_map_lookup_elem(&va_labels, &key);
                }
                if (label) {
                        s->id.cover = *label;
                        for (int i = 0; i < VA_COVER_MAX; i++)
                                s->id.groups_id[i] = VA_ID_GROUPS_UNKNOWN;
                }
                return s->id.cover.n > 0;
        }
        if (!va_find_label(va_address(t->cgroups->dfl_cgrp), &f) || f.cover.n == 0)
                return false;
        if (va_is_launcher((__u64)BPF_CORE_READ(t, mm, exe_file)))
                return false;
        va_begin(&s->id, &f, va_cgroup_of(t), va_state.epoch);
        return true;
}

struct meet {
        struct va_scratch *a;
        struct va_scratch *b;
};

/* One pair of places: 8 * a + b. */
static long meet_step(__u32 i, struct meet *x)
{
        __u32 p = i / VA_COVER_MAX & (VA_COVER_MAX - 1), q = i & (VA_COVER_MAX - 1);

        if (p < x->a->id.cover.n && q < x->b->id.cover.n && x->a->id.cover.slot[p] == x->b->id.cover.slot[q]) {
                x->a->inside |= 1U << p;
                x->b->inside |= 1U << q;
        }
        return 0;
}

/* Which policies do both have? */
static __always_inline void find_inside(struct va_scratch *a, struct va_scratch *b)
{
        struct meet x = {.a = a, .b = b};

        bpf_loop(VA_COVER_MAX * VA_COVER_MAX, meet_step, &x, 0);
}

/* The name of @t, for the rules that s->id is under. */
static __always_inline void put_name(struct va_scratch *s, struct task_struct *t)
{
        char comm[16] = {};
        struct va_text x = va_begin_text(s);

        bpf_probe_read_kernel(comm, sizeof(comm), t->comm);
        va_put(&x, '/');
        va_put(&x, 'o');
        va_put(&x, '/');
        for (int i = 0; i < 15; i++) {
                if (!comm[i])
                        break;
                va_put(&x, comm[i]);
        }
        va_end_text(&x);
}

struct deed {
        __u32 kind;
        __u32 op;
        __u32 does;    /* bits of what is done, */
        __u32 suffers; /* and of what is suffered */
        __u32 quiet;
        __u32 signal;
};

/* @actor, who is the current task or its parent, and @victim. */
static __always_inline int mediate_deed(struct task_struct *actor, struct task_struct *victim, bool actor_is_current,
                                        const struct deed *d)
{
        struct task_struct *current = bpf_get_current_task_btf();
        struct va_scratch *s, *o;
        bool other = false, own = false;
        int index, r = 0;

        index = va_claim();
        o = va_scratch_at(index);
        if (!o)
                return -EPERM;
        o->inside = 0;
        o->quiet = d->quiet;
        other = look_at(o, actor_is_current ? victim : actor);
        if (!other)
                o->id.cover.n = 0;
        s = NULL;
        if (!va_unconfined(current)) {
                index = va_enter();
                if (index != 0) {
                        s = va_scratch_at(index - 1);
                        if (!s) {
                                va_release(o);
                                return -EPERM;
                        }
                        s->inside = 0;
                        s->quiet = d->quiet;
                        s->words = d->signal;
                        find_inside(s, o);
                        put_name(s, actor_is_current ? victim : actor);
                        r = va_check(s, d->kind, 0, d->op, actor_is_current ? d->does : d->suffers);
                        own = true;
                        va_release(s);
                }
        }
        /* Whoever starts services may look at them, or nothing could be started. */
        if (r == 0 && other && (actor_is_current ? d->suffers : d->does) && !va_is_self(actor) &&
            (own || !va_is_launcher((__u64)BPF_CORE_READ(actor, mm, exe_file)))) {
                put_name(o, actor_is_current ? actor : victim);
                r = va_check(o, d->kind, 0, d->op, actor_is_current ? d->suffers : d->does);
        }
        va_release(o);
        return r ? -EPERM : 0;
}

SEC("lsm/ptrace_access_check")
int VA_PROG(va_ptrace, struct task_struct *child, unsigned int mode, int ret)
{
        struct task_struct *t = bpf_get_current_task_btf();
        bool attach = mode & PTRACE_MODE_ATTACH;
        struct deed d = {
                .kind = VA_KIND_PTRACE,
                .op = VA_OP_PTRACE,
                .does = attach ? VA_PTRACE_TRACE : VA_PTRACE_READ,
                .suffers = attach ? VA_PTRACE_TRACEBY : VA_PTRACE_READBY,
                .quiet = mode & PTRACE_MODE_NOAUDIT ? VA_QUIET : 0,
        };

        if (ret != 0)
                return ret;
        if (va_unconfined(t) && va_unconfined(child))
                return 0; /* allow: neither is under a policy */
        return mediate_deed(t, child, true, &d);
}

SEC("lsm/ptrace_traceme")
int VA_PROG(va_traceme, struct task_struct *parent, int ret)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct deed d = {.kind = VA_KIND_PTRACE, .op = VA_OP_PTRACE, .does = VA_PTRACE_TRACE, .suffers = VA_PTRACE_TRACEBY};

        if (ret != 0)
                return ret;
        if (va_unconfined(t) && va_unconfined(parent))
                return 0; /* allow: neither is under a policy */
        return mediate_deed(parent, t, false, &d);
}

SEC("lsm/task_kill")
int VA_PROG(va_kill, struct task_struct *p, void *info, int sig, const void *cred, int ret)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct deed d = {.kind = VA_KIND_SIGNAL, .op = VA_OP_KILL, .does = 1, .signal = sig};

        if (ret != 0)
                return ret;
        if (sig == 0 || va_unconfined(t))
                return 0; /* allow: nothing is sent, or under no policy */
        if (p->tgid == t->tgid)
                return 0; /* allow: to itself */
        return mediate_deed(t, p, true, &d);
}

/* ---- signals of descriptors: fcntl(2), O_ASYNC ------------------------------------------------------------------ */

#define SIGIO 29 /* arch/x86/include/uapi/asm/signal.h, include/uapi/asm-generic/signal.h */
#define F_SETOWN 8      /* include/uapi/asm-generic/fcntl.h */
#define F_SETOWN_EX 15
#define FIOSETOWN 0x8901U /* include/uapi/asm-generic/sockios.h */
#define SIOCSPGRP 0x8902U

/* The number of the current process in its own PID namespace. */
static __always_inline int own_number(void)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct pid *pid = BPF_CORE_READ(t, group_leader, thread_pid);
        __u64 at = (__u64)pid + bpf_core_field_offset(struct pid, numbers);
        struct upid *own = (struct upid *)(at + BPF_CORE_READ(pid, level) * bpf_core_type_size(struct upid));

        return BPF_CORE_READ(own, nr);
}

/* Whoever gets a descriptor's signals gets them from the kernel, at a time when nobody knows any more who wanted it. So it is
 * asked for when that is set; and since it cannot be seen who it is, anybody else counts as outside. */
static __always_inline int check_owner(void)
{
        struct va_scratch *s;
        struct va_text x;
        int r;

        r = va_begin_check(&s);
        if (r <= 0)
                return r < 0 ? -EPERM : 0;
        s->inside = 0;
        s->words = SIGIO;
        x = va_begin_text(s);
        va_put(&x, '/');
        va_put(&x, 'o');
        va_put(&x, '/');
        va_put(&x, '?');
        va_end_text(&x);
        r = va_check(s, VA_KIND_SIGNAL, 0, VA_OP_KILL, 1);
        va_release(s);
        return r ? -EPERM : 0;
}

SEC("lsm/file_fcntl")
int VA_PROG(va_fcntl, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
        if (ret != 0)
                return ret;
        if (cmd != F_SETOWN && cmd != F_SETOWN_EX)
                return 0;
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        if (cmd == F_SETOWN && ((int)arg == 0 || (int)arg == own_number()))
                return 0; /* allow: nobody, or itself */
        return check_owner();
}

/* The same for sockets; the number is in memory that others may change after we have looked. */
SEC("lsm/file_ioctl")
int VA_PROG(va_ioctl_owner, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
        if (ret != 0)
                return ret;
        return cmd == FIOSETOWN || cmd == SIOCSPGRP ? check_owner() : 0;
}

/* Since v6.8; before, it calls file_ioctl. */
SEC("lsm/file_ioctl_compat")
int VA_PROG(va_owner_compat, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
        if (ret != 0)
                return ret;
        return cmd == FIOSETOWN || cmd == SIOCSPGRP ? check_owner() : 0;
}
