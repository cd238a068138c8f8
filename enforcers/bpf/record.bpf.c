// SPDX-License-Identifier: GPL-2.0-only

/* Record: what workloads do whose policy has VA_T_RECORD. The hooks and the objects are those of rules; here is what is done in place
 * of an answer, and the system calls. */

#include "call.bpf.h"
#include "hash.bpf.h"
#include "state.bpf.h"

static __always_inline struct va_recording *recording_of(__u32 slot)
{
        return bpf_map_lookup_elem(&va_recordings, &slot);
}

static __always_inline void lose(struct va_recording *r, __u64 kind)
{
        va_keep(kind); /* as one number of 64 bits, or the test is about its lower half alone */
        if (kind >= VA_RECORD_MAX)
                return;
        va_keep(kind);
        __sync_fetch_and_add(&r->lost[kind], 1);
}

__attribute__((noinline)) int va_record_lost(struct va_scratch *s, __u32 kind)
{
        struct va_recording *r = s ? recording_of(s->event.slot) : NULL;

        if (r)
                lose(r, kind);
        return 0;
}

/* From here on the same is known. Without a place it is sent each time, which is much, but nothing is lost. */
static __always_inline void remember(__u64 h)
{
        __u8 yes = 1;

        bpf_map_update_elem(&va_seen, &h, &yes, BPF_ANY);
}

/* ---- objects ------------------------------------------------------------------------------------------------------------ */

/* The program of the current task, in o->path[0]. */
static __always_inline void find_program(struct va_scratch *o)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct file *file = BPF_CORE_READ(t, mm, exe_file);

        if (va_path(o, 0, (__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry)))
                o->path[0].len = 0;
}

/* Does the file @dentry belong to the user of the current task? What is about to be made will. Root has files of everybody's, and is
 * no owner. */
static __always_inline bool owns(__u64 dentry)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct inode *inode = BPF_CORE_READ((struct dentry *)dentry, d_inode);
        __u32 uid = BPF_CORE_READ(t, cred, fsuid.val);

        return uid != 0 && (!inode || BPF_CORE_READ(inode, i_uid.val) == uid);
}

/* @r, the object s->path[@which] and, if @o is not NULL, the program o->path[0]. Return: 0; -1: there is no room. */
static __always_inline int send(struct va_scratch *s, struct va_record *r, __u32 which, struct va_scratch *o)
{
        __u32 size = s->path[which].len & (VA_PATH_MAX - 1), program = o ? o->path[0].len & (VA_PATH_MAX - 1) : 0;
        struct bpf_dynptr ptr;

        r->size = size;
        r->program = program;
        if (bpf_ringbuf_reserve_dynptr(&va_records, sizeof(*r) + size + program, 0, &ptr)) {
                bpf_ringbuf_discard_dynptr(&ptr, 0);
                return -1;
        }
        bpf_dynptr_write(&ptr, 0, r, sizeof(*r), 0);
        if (size && !bpf_probe_read_kernel(s->copy, size, s->m.b + (s->path[which].off & (VA_MATCH_BUF - 1))))
                bpf_dynptr_write(&ptr, sizeof(*r), s->copy, size, 0);
        if (o && program && !bpf_probe_read_kernel(o->copy, program, o->m.b + (o->path[0].off & (VA_PATH_MAX - 1))))
                bpf_dynptr_write(&ptr, sizeof(*r) + size, o->copy, program, 0);
        bpf_ringbuf_submit_dynptr(&ptr, 0);
        return 0;
}

__attribute__((noinline)) int va_record(struct va_scratch *s, __u32 which)
{
        struct va_recording *recording;
        struct va_scratch *o = NULL;
        struct va_record *r;
        __u64 h;

        if (!s || which > 1)
                return 0;
        recording = recording_of(s->event.slot);
        if (!recording)
                return 0;
        r = &s->record; /* what calls this has little stack left */
        r->slot = s->event.slot;
        r->kind = s->event.kind;
        r->op = s->event.op;
        r->salt = recording->salt;
        r->requested = s->event.requested;
        /* What others do to it is not what it does. */
        if (r->kind == VA_KIND_PTRACE)
                r->requested &= VA_PTRACE_TRACE | VA_PTRACE_READ;
        if (!r->requested)
                return 0;
        r->words = r->kind == VA_KIND_MOUNT || r->kind == VA_KIND_SIGNAL ? s->words : 0;
        r->owner = r->kind == VA_KIND_FILE && owns(s->named[which]);
        if (r->op == VA_OP_EXEC) {
                o = va_scratch_at(va_claim());
                if (!o) {
                        lose(recording, r->kind);
                        return 0;
                }
                find_program(o);
        }
        h = va_mix(va_state.seed, (__u64)r->salt << 32 | r->slot);
        h = va_mix(h, (__u64)r->requested << 32 | (__u32)r->kind << 16 | (__u32)r->owner << 1 | (r->op == VA_OP_EXEC));
        h = va_mix(h, r->words);
        h = va_hash_path(s, which, h);
        if (o)
                h = va_hash_path(o, 0, h);
        if (!bpf_map_lookup_elem(&va_seen, &h)) {
                if (send(s, r, which, o))
                        lose(recording, r->kind);
                else
                        remember(h);
        }
        if (o)
                va_release(o);
        return 0;
}

/* ---- system calls ------------------------------------------------------------------------------------------------------- */

struct note {
        struct va_cover cover;
        __u32 nr;
        __u32 compat;
        __u32 argued; /* an argument matters, */
        __u32 value;  /* and this is what matters of it */
};

/* Does an argument of the call that @t is in matter? */
static __always_inline void look_at(struct note *n, struct task_struct *t)
{
        __u32 arch = va_call_arch(t);
        struct va_call c = {};

        n->compat = arch == AUDIT_ARCH_I386 || arch == AUDIT_ARCH_ARM;
        n->argued = !n->compat && (n->nr == VA_CALL_SOCKET || n->nr == VA_CALL_CLONE || n->nr == VA_CALL_IOCTL);
        if (!n->argued)
                return;
        va_read_call(&c, t);
        if (n->nr == VA_CALL_SOCKET)
                n->value = c.args[VA_CALL_SOCKET_ARG] & VA_CALL_SOCKET_MASK;
        else if (n->nr == VA_CALL_CLONE)
                n->value = c.args[VA_CALL_CLONE_ARG] & VA_CALL_CLONE_MASK;
        else
                n->value = c.args[VA_CALL_IOCTL_ARG] & VA_CALL_IOCTL_MASK;
}

static __always_inline void note_argument(struct va_recording *recording, __u32 slot, const struct note *n)
{
        struct va_record r = {
                .slot = slot, .kind = VA_RECORD_CALL, .salt = recording->salt, .requested = n->nr, .words = n->value};
        __u64 h = va_mix(va_state.seed, (__u64)r.salt << 32 | r.slot);

        h = va_mix(h, (__u64)r.requested << 32 | (__u32)r.kind << 16);
        h = va_mix(h, r.words);
        if (bpf_map_lookup_elem(&va_seen, &h))
                return;
        if (bpf_ringbuf_output(&va_records, &r, sizeof(r), 0))
                lose(recording, r.kind);
        else
                remember(h);
}

static __always_inline void note_call(__u32 slot, const struct note *n)
{
        struct va_recording *r = recording_of(slot);
        __u64 word = n->nr >> 6, bit = 1ULL << (n->nr & 63);

        if (!r || !r->on)
                return;
        if (n->argued) {
                note_argument(r, slot, n);
                return;
        }
        if (word >= VA_CALLS_WORDS)
                return; /* there is no such call */
        va_keep(word);
        if (!(r->calls[n->compat & 1][word] & bit))
                __sync_fetch_and_or(&r->calls[n->compat & 1][word], bit);
}

/* The policies of @t. Return: false: it is under none, or in set-up. */
static __always_inline bool find_cover(struct va_cover *ret, struct task_struct *t)
{
        struct va_identity *id = bpf_task_storage_get(&va_tasks, t->group_leader, 0, 0);
        struct va_scratch *s;
        int index;

        if (id && id->flags & VA_ID_LIVE && id->epoch == va_state.epoch) {
                *ret = id->cover;
                return true;
        }
        index = va_enter();
        s = index > 0 ? va_scratch_at(index - 1) : NULL;
        if (!s)
                return false;
        *ret = s->id.cover;
        va_release(s);
        return true;
}

static __always_inline int note(__u32 nr)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct note n = {.nr = nr};

        if (va_unconfined(t) || !find_cover(&n.cover, t))
                return 0;
        look_at(&n, t);
        for (__u32 i = 0; i < VA_COVER_MAX; i++) {
                if (i >= n.cover.n)
                        break;
                note_call(n.cover.slot[i], &n);
        }
        return 0;
}

SEC("tp_btf/sys_enter")
int VA_PROG(va_calls, struct pt_regs *regs, long nr)
{
        return note(nr);
}

/* kernel/seccomp.c. What a filter answers never gets to the tracepoint; but who has asked would notice another answer. */
SEC("fentry/__secure_computing")
int VA_PROG(va_filtered)
{
        return note(va_call_number(bpf_get_current_task_btf()));
}
