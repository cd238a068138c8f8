// SPDX-License-Identifier: GPL-2.0-only

/* Who: which policies the current task is under. An identity, kept in storage of the process's leader, decides before the
 * cgroup does; it is made at the first mediated operation, copied at fork, and kept up to date by epochs. */

#include "state.bpf.h"

#define CLAIM_TRIES 16

const volatile __u32 va_scratch_n = 0; /* elements of the pool, set before loading */

int va_claim(void)
{
        __u32 n = va_scratch_n, at = bpf_get_smp_processor_id() * VA_SCRATCH_PER_CPU;
        struct va_scratch *s;

        for (int i = 0; i < CLAIM_TRIES; i++, at++) {
                if (at >= n)
                        at = 0;
                s = va_scratch_at(at);
                if (s && __sync_val_compare_and_swap(&s->busy, 0, 1) == 0) {
                        s->index = at;
                        return at;
                }
        }
        __sync_fetch_and_add(&va_state.scratch_lost, 1);
        return -1;
}

struct find {
        __u64 cgrp;
        __s32 level;
        __u32 found;
        struct va_found *f;
};

static long find_step(__u32 i, struct find *x)
{
        const __u64 at = x->cgrp + bpf_core_field_offset(struct cgroup, ancestors);
        struct va_found *f = x->f;
        struct va_cover *label;
        __u64 id;
        struct cgroup *c;

        if (x->level < 0)
                return 1;
        if (bpf_probe_read_kernel(&c, sizeof(c), (void *)(at + 8 * (__u64)x->level)))
                return 1;
        x->level--;
        id = BPF_CORE_READ(c, kn, id);
        if (id == f->below)
                f->is_below = 1;
        if (!x->found) {
                label = bpf_map_lookup_elem(&va_labels, &id);
                if (label) {
                        f->anchor = id;
                        f->cover = *label;
                        x->found = 1;
                }
        }
        return x->found && (!f->below || f->is_below);
}

int va_find_label(__u64 cgrp, struct va_found *f)
{
        struct find x = {.cgrp = cgrp, .f = f};

        if (!f)
                return 0;
        f->is_below = 0;
        f->anchor = 0;
        f->cover.n = 0;
        x.level = BPF_CORE_READ((struct cgroup *)cgrp, level);
        bpf_loop(x.level + 1, find_step, &x, 0);
        return x.found;
}

/* A launcher sets the workload up from inside its cgroup: PID 1's own program or a container runtime's. */
static __always_inline bool is_launcher(struct task_struct *t)
{
        struct va_launcher key = {};
        struct inode *inode;

        if (!t->mm)
                return false;
        if (!t->mm->exe_file)
                return false;
        inode = t->mm->exe_file->f_inode;
        key.ino = inode->i_ino;
        key.dev = inode->i_sb->s_dev;
        return bpf_map_lookup_elem(&va_launchers, &key);
}

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
                va_find_label((__u64)t->cgroups->dfl_cgrp, &f);
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
        }
        __sync_lock_test_and_set(&id->epoch, epoch);
}

/* The identity of a task that enters confinement now. */
static __always_inline void begin(struct va_scratch *s, struct va_found *f, __u64 home, __u32 epoch)
{
        s->id.home = home;
        s->id.anchor = f->anchor;
        s->id.epoch = epoch;
        s->id.flags = VA_ID_LIVE;
        s->id.cover = f->cover;
        s->id.pad = 0;
        for (int i = 0; i < VA_COVER_MAX; i++) {
                s->id.groups[i] = 0;
                s->id.groups_id[i] = VA_ID_GROUPS_UNKNOWN;
                s->id.pending[i] = 0;
        }
}

int va_enter(void)
{
        struct task_struct *t = bpf_get_current_task_btf();
        __u32 epoch = va_state.epoch;
        struct va_found f = {};
        struct va_identity *id;
        struct va_scratch *s;
        __u64 cgroup;
        int index;

        id = bpf_task_storage_get(&va_tasks, t->group_leader, 0, 0);
        if (id && !(id->flags & VA_ID_LIVE))
                id = NULL;
        if (id && id->epoch == epoch && id->cover.n == 0)
                return 0; /* allow: its policies are gone */

        if (!id) {
                cgroup = va_cgroup_of(t);
                if (!va_find_label((__u64)t->cgroups->dfl_cgrp, &f) || f.cover.n == 0) {
                        va_state.negative[cgroup & (VA_NEGATIVE_MAX - 1)] = cgroup ^ epoch * VA_EPOCH_FACTOR;
                        return 0; /* allow: under no policy */
                }
                if (is_launcher(t))
                        return 0; /* allow: in set-up */
        }

        index = va_claim();
        if (index < 0)
                return -1;
        s = va_scratch_at(index);
        if (!s)
                return -1;
        if (id) {
                load(s, id, t, epoch);
                if (s->id.cover.n == 0) {
                        va_release(s);
                        return 0; /* allow: its policies are gone */
                }
        } else {
                begin(s, &f, cgroup, epoch);
                /* When it cannot be stored, the cgroup goes on deciding. */
                bpf_task_storage_get(&va_tasks, t->group_leader, &s->id, BPF_LOCAL_STORAGE_GET_F_CREATE);
        }
        return index + 1;
}
