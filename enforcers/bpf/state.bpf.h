/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What all programs share: the maps (defined in state.bpf.c), the cheap test that lets the unconfined pass, and the
 * functions that one area offers to the others. A hook that mediates goes: va_unconfined(), va_enter(), va_path(),
 * va_check(), va_leave(). */

#include "kernel.h"

#include "abi.h"
#include "match.bpf.h"

/* ---- maps ----------------------------------------------------------------------------------------------------- */

struct va_path {
        __u32 off; /* within va_match_buf.b */
        __u32 len;
};

/* What one run of a program works with. Taken from a pool since BPF LSM programs can be preempted: what is static or
 * per CPU would be shared with the next task. */
struct va_scratch {
        __u32 busy;
        __u32 index;            /* its place in the pool */
        struct va_identity id;  /* the task's, as of the beginning of the run */
        struct va_identity old; /* while @id changes */
        struct va_path path[2];
        struct va_match_result at;
        struct va_accept merged;
        __u32 generation; /* of the table that @merged comes from */
        __u32 pad;
        struct va_event event;
        struct va_match_buf m;
        __u8 copy[VA_PATH_MAX];
};

struct va_small_map {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __uint(value_size, sizeof(struct va_table_small));
};

struct va_big_map {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __uint(value_size, sizeof(struct va_table_big));
};

/* The tables by slot, and behind the last slot the target automaton. A policy's table is in one of the two; while it
 * moves from one to the other, the small one counts. */
#define VA_KEY_TARGETS VA_POLICIES_MAX

struct va_smalls_map {
        __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
        __uint(max_entries, VA_POLICIES_MAX + 1);
        __type(key, __u32);
        __array(values, struct va_small_map);
};

struct va_bigs_map {
        __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
        __uint(max_entries, VA_POLICIES_MAX + 1);
        __type(key, __u32);
        __array(values, struct va_big_map);
};

/* Labels by id of the cgroup. */
struct va_labels_map {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, VA_CGROUPS_MAX);
        __type(key, __u64);
        __type(value, struct va_cover);
};

/* Identities, on group leaders. */
struct va_tasks_map {
        __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, int);
        __type(value, struct va_identity);
};

struct va_launchers_map {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, VA_LAUNCHERS_MAX);
        __type(key, struct va_launcher);
        __type(value, __u32);
};

struct va_scratch_map {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 64); /* user space: VA_SCRATCH_PER_CPU for each CPU */
        __type(key, __u32);
        __type(value, struct va_scratch);
};

struct va_events_map {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, VA_EVENTS_BYTES);
};

extern struct va_smalls_map va_smalls SEC(".maps");
extern struct va_bigs_map va_bigs SEC(".maps");
extern struct va_labels_map va_labels SEC(".maps");
extern struct va_tasks_map va_tasks SEC(".maps");
extern struct va_launchers_map va_launchers SEC(".maps");
extern struct va_scratch_map va_scratches SEC(".maps");
extern struct va_events_map va_events SEC(".maps");
extern struct va_state va_state;

/* ---- who (identity.bpf.c) ------------------------------------------------------------------------------------- */

/* Odd, so that two epochs never leave the same mark for one cgroup. */
#define VA_EPOCH_FACTOR 0x9e3779b97f4a7c15ULL

static __always_inline __u64 va_cgroup_of(struct task_struct *t)
{
        return t->cgroups->dfl_cgrp->kn->id;
}

/** va_unconfined() - true if @t's process carries nothing and its cgroup is known to be under no policy. False says
 * nothing: ask va_enter(). */
static __always_inline bool va_unconfined(struct task_struct *t)
{
        __u64 id;

        if (t->group_leader->bpf_storage)
                return false;
        id = va_cgroup_of(t);
        return va_state.negative[id & (VA_NEGATIVE_MAX - 1)] == (id ^ va_state.epoch * VA_EPOCH_FACTOR);
}

/** va_claim() - take a scratch from the pool. Return: its index, or -1: all are taken. */
int va_claim(void);

/** va_enter() - settle who the current task is, and give it an identity if it should have one.
 * Return: 0 it is under no policy: allow; -1 no scratch is left: deny; else 1 + the index of the scratch. */
int va_enter(void);

static __always_inline struct va_scratch *va_scratch_at(int index)
{
        __u32 key = index;

        return bpf_map_lookup_elem(&va_scratches, &key);
}

static __always_inline void va_release(struct va_scratch *s)
{
        __sync_lock_test_and_set(&s->busy, 0);
}

/* The label that holds for a cgroup. */
struct va_found {
        __u64 below;  /* in: a cgroup's id, or 0 */
        __u64 anchor; /* out: the labelled cgroup */
        struct va_cover cover;
        __u32 is_below; /* out: @below is the cgroup itself or one above it */
};

/** va_find_label() - the nearest label at or above the cgroup at address @cgrp. Return: 1 found, 0 not. */
int va_find_label(__u64 cgrp, struct va_found *f);

/* ---- where (path.bpf.c) --------------------------------------------------------------------------------------- */

#define VA_PATH_NONE 1

/** va_path() - write the path of @dentry on @mnt (addresses) to s->path[@which], whole and from the root of the task's
 * mount namespace. Return: 0; VA_PATH_NONE: the object has no name that a rule could mean (pipe, socket ...): allow;
 * negative: the path cannot be had. */
int va_path(struct va_scratch *s, __u32 which, __u64 mnt, __u64 dentry);

/* ---- what (verdict.bpf.c) ------------------------------------------------------------------------------------- */

/** va_check() - judge the access @want (VA_READ ...) to s->path[@which] and report what is to be reported.
 * Return: 0 or -EACCES. */
int va_check(struct va_scratch *s, __u32 which, __u32 op, __u32 want);

/** va_refuse() - answer what no rule decides: deny and report @reason for each policy that denies anything.
 * Return: 0 (none does) or -EACCES. */
int va_refuse(struct va_scratch *s, __u32 op, __u32 reason, __u32 want);

/** va_second_name() - s->path[1] becomes another name of what s->path[0] names: a subtree, or else a file.
 * Return: 0 or -EACCES. */
int va_second_name(struct va_scratch *s, __u32 op, __u32 subtree);

/** va_enter_groups() - add to s->id.pending the groups that executing s->path[0] enters. */
int va_enter_groups(struct va_scratch *s);

/* A program of type LSM may return 0 or -1 .. -4095, and the verifier wants to see that. */
static __always_inline int va_verdict(int r)
{
        return r < 0 ? -EACCES : 0;
}
