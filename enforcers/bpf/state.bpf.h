/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What all programs share: the maps (defined in state.bpf.c), the cheap test that lets the unconfined pass, and the
 * functions that one area offers to the others. A hook that mediates one path asks va_unconfined() and then va_mediate();
 * the others go va_begin_check(), va_path(), va_check(), va_release(). */

#include "kernel.h"

#include "abi.h"
#include "match.bpf.h"

/* ---- maps ----------------------------------------------------------------------------------------------------- */

struct va_path {
        __u32 off; /* within va_match_buf.b */
        __u32 len;
};

#define VA_QUIET 1U      /* the kernel asks for a hint: nobody is told */
#define VA_QUIET_PASS 2U /* only what is denied is told: another hook reports the rest */

/* Each mount of the task's namespace that shows a file: begin with va_first_mount(). */
struct va_every {
        __u64 next;   /* struct list_head of the mount to look at */
        __u64 head;
        __u64 dentry;
        __u64 ns;
        __u64 found;  /* struct vfsmount; 0: there is none any more, or not all could be looked at: see @done */
        __u64 done;
};

/* What one run of a program works with. Taken from a pool since BPF LSM programs can be preempted: what is static or
 * per CPU would be shared with the next task. */
struct va_scratch {
        __u32 busy;
        __u32 pad;
        struct va_identity id;  /* the task's, as of the beginning of the run */
        struct va_identity old; /* while @id changes */
        struct va_path path[2];
        __u64 named[2];         /* the dentry that path[] is the path of, if it is one */
        struct va_match_result at;
        struct va_accept merged;  /* see va_merge() */
        __u32 generation;         /* of the table that @merged comes from, */
        __u32 flags;              /* its VA_T_*, */
        __u32 default_deny;       /* and that */
        __u32 number;             /* the capability or family that an object is about */
        __u32 raw;                /* it is a packet or raw socket */
        __u64 words;              /* of a mount: bits of MountWord; of a signal: its number */
        __u32 inside;             /* policies, by place, in whose cgroups the other process is, too */
        __u32 quiet;              /* VA_QUIET, VA_QUIET_PASS; until the release */
        __u32 of_other;           /* @id is not the current task's; until the release */
        __u32 device;             /* VA_DEVICE_*: the file is one of the device @rdev, which va_merge() asks about, too, and names in
                                   * path[1]; until the release */
        __u32 rdev;
        struct va_every every;    /* for who has no room for it on the stack */
        struct va_event event;
        struct va_record record;
        __u64 dentry_head[10];    /* what path.bpf.c looks at, */
        __u64 mnt;                /* see va_mediate() */
        __u64 dentry;
        __u32 pos;                /* where it is, */
        __s32 result;             /* and how that ended */
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

struct va_names_map {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __uint(max_entries, VA_NAMES_MAX);
        __type(key, __u64);
        __type(value, struct va_name);
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

/* See struct va_repeat. */
struct va_repeats_map {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, VA_REPEATS_MAX);
        __type(key, __u64);
        __type(value, struct va_repeat);
};

/* See struct va_record, va_recording. */
struct va_records_map {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, VA_RECORDS_BYTES);
};

struct va_seen_map {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, VA_SEEN_MAX);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, __u64);
        __type(value, __u8);
};

struct va_recordings_map {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, VA_POLICIES_MAX);
        __type(key, __u32);
        __type(value, struct va_recording);
};

/* The host's own addresses: 16 bytes, IPv4 as mapped IPv6. */
struct va_addresses_map {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, VA_ADDRESSES_MAX);
        __uint(key_size, 16);
        __type(value, __u32);
};

extern struct va_smalls_map va_smalls SEC(".maps");
extern struct va_bigs_map va_bigs SEC(".maps");
extern struct va_labels_map va_labels SEC(".maps");
extern struct va_tasks_map va_tasks SEC(".maps");
extern struct va_launchers_map va_launchers SEC(".maps");
extern struct va_names_map va_names SEC(".maps");
extern struct va_scratch_map va_scratches SEC(".maps");
extern struct va_events_map va_events SEC(".maps");
extern struct va_repeats_map va_repeats SEC(".maps");
extern struct va_addresses_map va_addresses SEC(".maps");
extern struct va_records_map va_records SEC(".maps");
extern struct va_seen_map va_seen SEC(".maps");
extern struct va_recordings_map va_recordings SEC(".maps");
extern struct va_state va_state;

/* A pointer as a number, which is what global functions take: the verifier forgets what it knows of it. */
static __always_inline __u64 va_address(const void *p)
{
        __u64 a = 0;

        bpf_probe_read_kernel(&a, sizeof(a), &p);
        return a;
}

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
 * Return: 0 it is under no policy, or sets something up: allow; -1 no scratch is left: deny; else 1 + the index of the
 * scratch. */
int va_enter(void);

/** va_enter_exec() - the same for a task that is about to execute @file (its address): a launcher counts as what it sets
 * up, unless @file is a launcher of the host's, too. */
int va_enter_exec(__u64 file);

/** va_is_launcher() - is the program of @file (its address) one that sets workloads up? */
int va_is_launcher(__u64 file);

static __always_inline struct va_scratch *va_scratch_at(int index)
{
        __u32 key = index;

        return bpf_map_lookup_elem(&va_scratches, &key);
}

static __always_inline void va_release(struct va_scratch *s)
{
        s->quiet = 0;
        s->of_other = 0;
        s->device = 0;
        __sync_lock_test_and_set(&s->busy, 0);
}

/** va_take_scratch() - va_enter(), and in @ret the scratch, to be released.
 * Return: 0 allow; 1 there is one; -EACCES deny. */
static __always_inline int va_take_scratch(struct va_scratch **ret)
{
        int index = va_enter();

        if (index == 0)
                return 0;
        *ret = va_scratch_at(index - 1);
        return *ret ? 1 : -EACCES;
}

/** va_begin_check() - the same, after the cheap test. */
static __always_inline int va_begin_check(struct va_scratch **ret)
{
        return va_unconfined(bpf_get_current_task_btf()) ? 0 : va_take_scratch(ret);
}

/* The label that holds for a cgroup. */
struct va_found {
        __u64 anchor; /* the labelled cgroup */
        struct va_cover cover;
        __u32 pad;
};

/** va_find_label() - the nearest label at or above the cgroup at address @cgrp. Return: 1 found, 0 not. */
int va_find_label(__u64 cgrp, struct va_found *f);

/* The identity of a process that enters confinement now, in the cgroup @home. */
static __always_inline void va_begin(struct va_identity *id, const struct va_found *f, __u64 home, __u32 epoch)
{
        id->home = home;
        id->anchor = f->anchor;
        id->epoch = epoch;
        id->flags = VA_ID_LIVE;
        id->cover = f->cover;
        id->pad = 0;
        for (int i = 0; i < VA_COVER_MAX; i++) {
                id->groups[i] = 0;
                id->groups_id[i] = VA_ID_GROUPS_UNKNOWN;
                id->pending[i] = 0;
        }
}

/* ---- where (path.bpf.c) --------------------------------------------------------------------------------------- */

#define VA_PATH_NONE 1

/** va_path() - write the path of @dentry on @mnt (addresses) to s->path[@which], whole and from the root of the task's
 * mount namespace. Return: 0; VA_PATH_NONE: the object has no name that a rule could mean (pipe, socket ...): allow;
 * negative: the path cannot be had. */
int va_path(struct va_scratch *s, __u32 which, __u64 mnt, __u64 dentry);

/** va_next_mount() - find the next one (names.bpf.c). */
int va_next_mount(struct va_every *x);

static __always_inline struct va_every va_first_mount(struct super_block *sb, struct dentry *dentry)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct va_every x = {.dentry = va_address(dentry)};
        struct list_head *head;

        x.ns = (__u64)BPF_CORE_READ(t, nsproxy, mnt_ns);
        x.head = va_address(sb) + bpf_core_field_offset(struct super_block, s_mounts);
        head = (struct list_head *)x.head;
        x.next = (__u64)BPF_CORE_READ(head, next);
        return x;
}

/** va_check_elsewhere() - judge a file that came from another mount namespace (a socket that was bound there, a descriptor): it is
 * asked about under each mount of the task's own namespace that shows it, since by which of them it was reached nobody says. If
 * none does, its path cannot be had. @want is the access to the file (0: it is not asked about), @kind what else it is, if not
 * VA_KIND_FILE. Return: 0 or -EACCES (names.bpf.c). */
int va_check_elsewhere(struct va_scratch *s, __u64 dentry, __u32 op, __u32 want, __u32 kind);

#define VA_DEVICE_BLOCK 1U
#define VA_DEVICE_CHAR 2U

/* ---- which device (devices.bpf.c) ------------------------------------------------------------------------------ */

/** va_device() - write the name of the device @dev (as the kernel has it) to s->path[1]. */
int va_device(struct va_scratch *s, __u32 block, __u32 dev);

/* ---- what (verdict.bpf.c) ------------------------------------------------------------------------------------- */

#define VA_MERGE_NO_TABLE 1
#define VA_MERGE_REGROUP (-2)

/** va_merge() - what the policy at @place of the task's cover says of the object s->path[@which] of @kind (VA_KIND_*), in
 * s->merged and what follows it.
 * Return: 0; VA_MERGE_NO_TABLE: nothing at all; VA_MERGE_REGROUP: call va_regroup() and ask again; -1: deny. */
int va_merge(struct va_scratch *s, __u32 place, __u32 kind, __u32 which);

/** va_regroup() - find the groups of the policy at @place anew, by the program that the process runs. What it had
 * inherited under another version of the policy is lost. */
int va_regroup(struct va_scratch *s, __u32 place);

/** va_emit() - send s->event with the first @n_paths paths. The verdict does not depend on whether it gets through. */
int va_emit(struct va_scratch *s, __u32 n_paths);

/** va_take_share() - may s->event, of @size bytes, be sent, or has its sender filled enough (share.bpf.c)? */
int va_take_share(struct va_scratch *s, __u32 size);

/* The rule that decided about the lowest bit of @bits. */
static __always_inline __u16 va_rule_of(const struct va_accept *m, __u32 bits)
{
        if (bits & 1)
                return m->rule[0];
        if (bits & 2)
                return m->rule[1];
        if (bits & 4)
                return m->rule[2];
        return m->rule[3];
}

/* For the policy s->event.slot. */
static __always_inline void va_report(struct va_scratch *s, __u8 reason, __u8 action, __u16 rule, __u32 n_paths)
{
        s->event.reason = reason;
        s->event.action = action;
        s->event.rule = rule;
        va_emit(s, n_paths);
}

/** va_check() - judge the access @want (abi.h: objects) to the object s->path[@which] of @kind, and report what is to be
 * reported. Return: 0 or -EACCES. */
int va_check(struct va_scratch *s, __u32 kind, __u32 which, __u32 op, __u32 want);

/* What the policies say of the table's state at s->at, where no rule is met: see VA_A_REACH, VA_A_OPEN. */
static __always_inline bool va_reaches(const struct va_scratch *s, __u32 default_deny)
{
        return s->at.state ? s->at.accept_word & VA_A_REACH : default_deny;
}

/** va_check_mount() - the same for the mount s->path[0], whose flags are s->words. */
int va_check_mount(struct va_scratch *s, __u32 op);

/** va_mediate_noted() - judge the access @want to s->dentry on s->mnt, and to the device s->rdev if s->device says so, and
 * release @s. Return: 0 or -EACCES. */
int va_mediate_noted(struct va_scratch *s, __u32 op, __u32 want);

/** va_note() - begin with the access to @dentry on @mnt, which are addresses or pointers of any kind, for va_mediate_noted(). Return:
 * 1, with @ret; 0: not mediated; -EACCES. */
static __always_inline int va_note(__u64 mnt, __u64 dentry, struct va_scratch **ret)
{
        int r = va_take_scratch(ret);

        if (r <= 0)
                return r;
        (*ret)->mnt = mnt;
        (*ret)->dentry = dentry;
        return 1;
}

/** va_mediate() - all of it for one path: the access @want of the current task to @dentry on @mnt, which are addresses or
 * pointers of any kind. Return: 0 or -EACCES. */
static __always_inline int va_mediate(__u64 mnt, __u64 dentry, __u32 op, __u32 want)
{
        struct va_scratch *s;
        int r = va_note(mnt, dentry, &s);

        return r <= 0 ? r : va_mediate_noted(s, op, want);
}

/** va_refuse() - answer what no rule decides: deny and report @reason for each policy that denies anything, with the
 * first @n_paths paths. With VA_NOTE in @reason it happened already, and is only reported.
 * Return: 0 (none does) or -EACCES. */
#define VA_NOTE 0x80U
int va_refuse(struct va_scratch *s, __u32 op, __u32 reason, __u32 n_paths);

/** va_guard() - refuse @op to whoever is under a policy that denies anything, for the sake of base protection.
 * Return: 0 or -EACCES. */
int va_guard(__u32 op);

/** va_enter_groups() - s->path[0] is about to be executed: which groups will its process be in? Adds them to
 * s->id.pending. */
int va_enter_groups(struct va_scratch *s);

/* ---- recordings (record.bpf.c) ----------------------------------------------------------------------------------- */

/** va_record() - write down for the policy s->event.slot that the object s->path[@which] was used, as s->event says. */
int va_record(struct va_scratch *s, __u32 which);

/** va_record_lost() - count for the policy s->event.slot that something of @kind (or VA_RECORD_CALL) could not be written down. */
int va_record_lost(struct va_scratch *s, __u32 kind);

/* ---- other names (second.bpf.c) ------------------------------------------------------------------------------- */

#define VA_SECOND_SUBTREE 1U /* what gets another name is a directory: all below it does, too */
#define VA_SECOND_REVERSE 2U /* path[1] is the name that is, path[0] the one that comes */
#define VA_SECOND_FROM_ANY 4U /* nobody knows what gets the name path[0], */
#define VA_SECOND_TO_ANY 8U   /* or any other */

/** va_second_name() - s->path[1] becomes another name of what s->path[0] names.
 * Return: 0 or -EACCES. */
int va_second_name(struct va_scratch *s, __u32 op, __u32 flags);

/* Is @t varmord, or its child? */
static __always_inline bool va_is_self(struct task_struct *t)
{
        __u32 self = va_state.self_pid;

        return self && ((__u32)BPF_CORE_READ(t, tgid) == self || (__u32)BPF_CORE_READ(t, real_parent, tgid) == self);
}

/* A program of type LSM may return 0 or -1 .. -4095, and the verifier wants to see that. */
static __always_inline int va_verdict(int r)
{
        return r < 0 ? -EACCES : 0;
}

/* ---- tables ----------------------------------------------------------------------------------------------------- */

/* The table under @key, of one of the two sizes; NULL: the policy has no rules (any more). */
static __always_inline void *va_small_table(__u32 key)
{
        void *map = bpf_map_lookup_elem(&va_smalls, &key);
        __u32 zero = 0;

        return map ? bpf_map_lookup_elem(map, &zero) : NULL;
}

static __always_inline void *va_big_table(__u32 key)
{
        void *map = bpf_map_lookup_elem(&va_bigs, &key);
        __u32 zero = 0;

        return map ? bpf_map_lookup_elem(map, &zero) : NULL;
}

/* One walk of the automaton in @table from @start over @len bytes from @off of s->m; the result is in s->at. */
static __always_inline int va_walk(struct va_scratch *s, void *table, __u32 start, __u32 off, __u32 len, const __u64 words)
{
        s->at.state = start;
        s->at.tail = 0;
        s->at.accept_word = 0;
        if (words == VA_TAB_SMALL)
                return va_match_small(table, &s->m, off, len, &s->at);
        return va_match_big(table, &s->m, off, len, &s->at);
}

/* The accept record that the last walk found, with room for @record_words; NULL: none. */
static __always_inline const void *va_accepted(struct va_scratch *s, void *table, __u32 record_words, const __u64 words)
{
        __u64 i = s->at.accept_word & VA_A_INDEX;

        if (i == 0)
                return NULL;
        va_keep(i); /* or both tests become one that tells the verifier nothing */
        if (i > words - record_words)
                return NULL;
        va_keep(i);
        return (const __u8 *)table + sizeof(struct va_table) + 4 * i;
}
