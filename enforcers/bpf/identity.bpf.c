// SPDX-License-Identifier: GPL-2.0-only

/* Who: which policies the current task is under. An identity, kept in storage of the process's leader, decides before the
 * cgroup does; it is made at the first mediated operation, copied at fork, and kept up to date by epochs. */

#include "state.bpf.h"

#define CLAIM_TRIES 256

const volatile __u32 va_scratch_n = 0; /* elements of the pool, set before loading */

struct claim {
        __u32 first;
        __s32 got;
};

/* Nothing here may be counted up: the verifier would go through it for each place in the pool, of which a big machine has
 * thousands. */
static long claim_step(__u32 i, struct claim *x)
{
        __u32 at = (x->first + i) % va_scratch_n;
        struct va_scratch *s = va_scratch_at(at);

        if (s && __sync_val_compare_and_swap(&s->busy, 0, 1) == 0) {
                x->got = at;
                return 1;
        }
        return 0;
}

/* The first of this CPU's: who is there has been preempted, or is what it was called from. */
static __always_inline struct va_scratch *claim_first(__u32 *ret_index)
{
        struct va_scratch *s;

        *ret_index = bpf_get_smp_processor_id() * VA_SCRATCH_PER_CPU;
        s = va_scratch_at(*ret_index);
        return s && __sync_val_compare_and_swap(&s->busy, 0, 1) == 0 ? s : NULL;
}

__attribute__((noinline)) int va_claim(void)
{
        struct claim x = {.got = -1};

        if (claim_first(&x.first))
                return x.first;
        bpf_loop(CLAIM_TRIES, claim_step, &x, 0);
        if (x.got < 0)
                __sync_fetch_and_add(&va_state.scratch_lost, 1);
        return x.got;
}

/* ---- labels ----------------------------------------------------------------------------------------------------- */

struct find {
        __u64 cgrp;
        __s32 level;
        __u32 found;
        struct va_found *f;
};

static long find_step(__u32 i, struct find *x)
{
        const __u64 at = x->cgrp + bpf_core_field_offset(struct cgroup, ancestors);
        struct va_cover *label;
        struct cgroup *c;
        __u64 id;

        if (x->level < 0)
                return 1;
        if (bpf_probe_read_kernel(&c, sizeof(c), (void *)(at + 8 * (__u64)x->level)))
                return 1;
        x->level--;
        id = BPF_CORE_READ(c, kn, id);
        label = bpf_map_lookup_elem(&va_labels, &id);
        if (!label)
                return 0;
        x->f->anchor = id;
        x->f->cover = *label;
        x->found = 1;
        return 1;
}

int va_find_label(__u64 cgrp, struct va_found *f)
{
        struct find x = {.cgrp = cgrp, .f = f};
        struct cgroup *c = (struct cgroup *)cgrp;

        if (!f)
                return 0;
        f->anchor = 0;
        f->cover.n = 0;
        x.level = BPF_CORE_READ(c, level);
        bpf_loop(x.level + 1, find_step, &x, 0);
        return x.found;
}

/* ---- launchers -------------------------------------------------------------------------------------------------- */

int va_is_launcher(__u64 file)
{
        struct file *f = (struct file *)file;
        struct va_launcher key = {};
        struct inode *inode;

        if (!f)
                return 0;
        inode = BPF_CORE_READ(f, f_inode);
        key.ino = BPF_CORE_READ(inode, i_ino);
        key.dev = BPF_CORE_READ(inode, i_sb, s_dev);
        return bpf_map_lookup_elem(&va_launchers, &key) ? 1 : 0;
}

/* include/linux/fs_struct.h, include/linux/sched.h, include/linux/pid.h, include/linux/pid_namespace.h */
struct task_struct___setup;

struct fs_struct {
        struct path root;
} __core;

struct pid_namespace {
        struct task_struct___setup *child_reaper;
} __core;

struct pid___setup {
        unsigned int level;
        struct upid numbers[1];
} __core;

struct task_struct___setup {
        struct fs_struct *fs;
        struct pid___setup *thread_pid;
} __core;

/* Is @task among the host's processes and files, as PID 1 sees them? With a root of its own, a launcher would come up with
 * libraries that the workload has put there; and in a PID namespace of its own, it is what a workload begins with. */
static __always_inline bool is_on_host(struct task_struct *task)
{
        struct task_struct___setup *t = (void *)task, *init;
        __u64 root;

        if (BPF_CORE_READ(t, thread_pid, level) != 0)
                return false;
        init = BPF_CORE_READ(t, thread_pid, numbers[0].ns, child_reaper);
        root = (__u64)BPF_CORE_READ(init, fs, root.dentry);
        return root && root == (__u64)BPF_CORE_READ(t, fs, root.dentry);
}

/* Does the set-up go on when the launcher @t executes @file? So runtimes execute themselves and one another. Not as the
 * interpreter of a script, which says what it does: the script has been asked about then, and has left its mark. */
static __always_inline bool goes_on(struct task_struct *t, __u64 file)
{
        return va_is_launcher(file) && is_on_host(t) && !bpf_task_storage_get(&va_tasks, t, 0, 0);
}

/* ---- identities ------------------------------------------------------------------------------------------------- */

struct carry {
        struct va_identity *id, *old;
};

/* One pair of places: 8 * new + old. */
static long carry_step(__u32 i, struct carry *x)
{
        __u32 to = i / VA_COVER_MAX & (VA_COVER_MAX - 1), from = i & (VA_COVER_MAX - 1);

        if (from < x->old->cover.n && x->old->cover.slot[from] == x->id->cover.slot[to]) {
                x->id->groups[to] = x->old->groups[from];
                x->id->groups_id[to] = x->old->groups_id[from];
                x->id->pending[to] = x->old->pending[from];
        }
        return 0;
}

/* Gives s->id another cover. It takes over the groups of the policies that stay; those of a new policy are unknown. */
static __always_inline void set_cover(struct va_scratch *s, const struct va_cover *cover)
{
        struct carry x = {.id = &s->id, .old = &s->old};

        s->old = s->id;
        s->id.cover = *cover;
        for (int i = 0; i < VA_COVER_MAX; i++) {
                s->id.groups[i] = 0;
                s->id.groups_id[i] = VA_ID_GROUPS_UNKNOWN;
                s->id.pending[i] = 0;
        }
        bpf_loop(VA_COVER_MAX * VA_COVER_MAX, carry_step, &x, 0);
}

/* Looks the cover of s->id up again: by the cgroup while the task lives at home, else by what home is labelled now; a home
 * that is gone leaves everything as it was. */
static __always_inline void look_up_again(struct va_scratch *s, struct task_struct *t)
{
        struct va_found f = {};
        struct va_cover *label;
        __u64 key;

        if (va_cgroup_of(t) == s->id.home) {
                va_find_label(va_address(t->cgroups->dfl_cgrp), &f);
                s->id.anchor = f.anchor;
                set_cover(s, &f.cover);
                return;
        }
        key = s->id.home;
        label = bpf_map_lookup_elem(&va_labels, &key);
        if (label) {
                s->id.anchor = key;
                set_cover(s, label);
                return;
        }
        key = s->id.anchor;
        label = bpf_map_lookup_elem(&va_labels, &key);
        if (label)
                set_cover(s, label);
}

/* Copies the identity @id of the current task to s->id. Others may be bringing it up to date at the same time: they claim
 * it by epoch 0, write the cover, and release it with the new epoch. */
static __always_inline void load(struct va_scratch *s, struct va_identity *id, struct task_struct *t, __u32 epoch)
{
        __u32 before = __sync_fetch_and_add(&id->epoch, 0), after;

        s->id = *id;
        after = __sync_fetch_and_add(&id->epoch, 0);
        if (before == epoch && after == epoch)
                return;

        look_up_again(s, t);
        s->id.epoch = epoch;
        if (before == 0 || __sync_val_compare_and_swap(&id->epoch, before, 0) != before)
                return;
        id->home = s->id.home;
        id->anchor = s->id.anchor;
        id->cover = s->id.cover;
        for (int i = 0; i < VA_COVER_MAX; i++) {
                id->groups[i] = s->id.groups[i];
                id->groups_id[i] = s->id.groups_id[i];
                id->pending[i] = s->id.pending[i];
        }
        __sync_lock_test_and_set(&id->epoch, epoch);
}

/* Whom storage says nothing of: his cgroup decides. */
static __always_inline int enter_by_cgroup(struct task_struct *t, __u64 file, __u32 epoch)
{
        __u64 cgroup = va_cgroup_of(t);
        struct va_found f = {};
        struct va_scratch *s;
        bool launcher;
        int index;

        if (!va_find_label(va_address(t->cgroups->dfl_cgrp), &f) || f.cover.n == 0) {
                va_state.negative[cgroup & (VA_NEGATIVE_MAX - 1)] = cgroup ^ epoch * VA_EPOCH_FACTOR;
                return 0; /* allow: under no policy */
        }
        launcher = t->mm && va_is_launcher((__u64)BPF_CORE_READ(t, mm, exe_file));
        if (launcher && (!file || goes_on(t, file)))
                return 0; /* allow: in set-up */

        index = va_claim();
        s = va_scratch_at(index);
        if (!s)
                return -1;
        va_begin(&s->id, &f, cgroup, epoch);
        if (launcher)
                s->id.flags = 0;
        else /* When it cannot be stored, the cgroup goes on deciding. */
                bpf_task_storage_get(&va_tasks, t->group_leader, &s->id, BPF_LOCAL_STORAGE_GET_F_CREATE);
        return index + 1;
}

/* @file: what is about to be executed, or 0. */
static __always_inline int enter(__u64 file)
{
        struct task_struct *t = bpf_get_current_task_btf();
        __u32 epoch = va_state.epoch, index;
        struct va_identity *id;
        struct va_scratch *s;

        if (t->flags & PF_KTHREAD)
                return 0; /* allow: the kernel itself */
        id = bpf_task_storage_get(&va_tasks, t->group_leader, 0, 0);
        if (!id || !(id->flags & VA_ID_LIVE))
                return enter_by_cgroup(t, file, epoch);
        if (id->epoch == epoch && id->cover.n == 0)
                return 0; /* allow: its policies are gone */

        s = claim_first(&index);
        if (!s) {
                index = va_claim();
                s = va_scratch_at(index);
                if (!s)
                        return -1;
        }
        load(s, id, t, epoch);
        if (s->id.cover.n == 0) {
                va_release(s);
                return 0; /* allow: its policies are gone */
        }
        return index + 1;
}

int va_enter(void)
{
        return enter(0);
}

int va_enter_exec(__u64 file)
{
        return enter(file);
}
