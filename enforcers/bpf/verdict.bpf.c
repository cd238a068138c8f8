// SPDX-License-Identifier: GPL-2.0-only

/* What: the rules' answer to an access. Each policy that covers the task is asked in turn, and any of them denies. A
 * policy's answer joins its rules for everybody with those for the groups that the process is in. */

#include "hash.bpf.h"
#include "state.bpf.h"

/* ---- one policy ------------------------------------------------------------------------------------------------- */

struct judge {
        struct va_scratch *s;
        struct va_table *table;
        __u32 off;
        __u32 len;
        __u32 groups;
        __u32 kind;
        __s32 result;
};

/* Joins the rules from @start on to s->merged. */
static __always_inline int add_start(const struct judge *j, __u32 start, const __u64 words)
{
        struct va_accept *m = &j->s->merged;
        const struct va_accept *a;

        if (!start)
                return 0;
        if (va_walk(j->s, j->table, start, j->off, j->len, words))
                return -1;
        a = va_accepted(j->s, j->table, sizeof(*a) / 4, words);
        if (!a)
                return 0;
        for (__u32 bit = 0; bit < 4; bit++) {
                __u8 new = a->deny & ~m->deny;

                new |= a->log & ~(m->deny | m->log);
                if (new & 1U << bit)
                        m->rule[bit] = a->rule[bit];
        }
        m->deny |= a->deny;
        m->log |= a->log;
        m->allow |= a->allow;
        return 0;
}

static __always_inline __u32 start_of(const struct va_table *table, __u32 kind, __u32 group)
{
        __u64 k = kind, g = group;

        if (k >= VA_KIND_MAX || g > VA_GROUPS_MAX)
                return 0;
        va_keep(k);
        va_keep(g);
        return table->start[k][g];
}

static __always_inline long group_step(__u32 i, struct judge *j, const __u64 words)
{
        if (!(j->groups >> (i & 31) & 1))
                return 0;
        if (add_start(j, start_of(j->table, j->kind, i + 1), words))
                j->result = -1;
        return 0;
}

static long group_step_small(__u32 i, struct judge *j)
{
        return group_step(i, j, VA_TAB_SMALL);
}

static long group_step_big(__u32 i, struct judge *j)
{
        return group_step(i, j, VA_TAB_BIG);
}

/* Says the policy anything about this? Most do not, about most operations. */
static __always_inline bool speaks_of(const struct va_scratch *s, const struct va_table *table, __u32 kind)
{
        if (!(table->kinds & VA_CLASS_OF(kind)))
                return false;
        if (kind == VA_KIND_CAPABILITY)
                return table->capabilities >> (s->number & 63) & 1;
        if (kind == VA_KIND_SOCKET)
                return table->families >> (s->number < 63 ? s->number : 63) & 1;
        return true;
}

static __always_inline int merge_table(struct va_scratch *s, struct va_table *table, __u32 place, __u32 kind, __u32 which,
                                       const __u64 words)
{
        struct judge j = {.s = s, .table = table, .kind = kind, .off = s->path[which].off, .len = s->path[which].len};

        s->generation = table->generation;
        s->flags = table->flags;
        s->default_deny = table->default_deny;
        if (!speaks_of(s, table, kind))
                return 0;
        j.groups = s->id.groups[place];
        if (table->n_groups && s->id.groups_id[place] != table->groups_id) {
                if (!s->of_other)
                        return VA_MERGE_REGROUP;
                j.groups = ~0U; /* deny: it cannot be found out what that process runs */
        }
        j.result = add_start(&j, start_of(table, kind, 0), words);
        if (table->n_groups && j.groups)
                bpf_loop(VA_GROUPS_MAX, words == VA_TAB_SMALL ? group_step_small : group_step_big, &j, 0);
        return j.result;
}

static __always_inline int merge(struct va_scratch *s, __u32 place, __u32 kind, __u32 which)
{
        __u32 slot = s->id.cover.slot[place];
        void *table;

        table = va_small_table(slot);
        if (table)
                return merge_table(s, table, place, kind, which, VA_TAB_SMALL);
        table = va_big_table(slot);
        if (table)
                return merge_table(s, table, place, kind, which, VA_TAB_BIG);
        return VA_MERGE_NO_TABLE;
}

__attribute__((noinline)) int va_merge(struct va_scratch *s, __u32 place, __u32 kind, __u32 which)
{
        int r;

        if (!s || which > 1 || place >= VA_COVER_MAX || kind >= VA_KIND_MAX)
                return -1;
        __builtin_memset(&s->merged, 0, sizeof(s->merged));
        r = merge(s, place, kind, which);
        /* Most policies say nothing of devices, and what is opened most is /dev/null. */
        if (r || !s->device || !(s->flags & VA_T_DEVICES))
                return r;
        if (va_device(s, s->device == VA_DEVICE_BLOCK, s->rdev))
                return -1;
        return merge(s, place, VA_KIND_DEVICE, 1);
}

/* ---- groups ----------------------------------------------------------------------------------------------------- */

/* The mask of groups of the policy at @place that the program s->path[0] is in. */
static __always_inline int match_groups(struct va_scratch *s, struct va_table *table, const __u64 words, __u32 *ret)
{
        const __u32 *mask;

        *ret = 0;
        if (!table->start_exec)
                return 0;
        if (va_walk(s, table, table->start_exec, s->path[0].off, s->path[0].len, words))
                return -1;
        mask = va_accepted(s, table, 1, words);
        if (mask)
                *ret = *mask;
        return 0;
}

static __always_inline int find_groups(struct va_scratch *s, __u32 slot, __u32 *ret_groups, __u32 *ret_id)
{
        struct va_table *table = va_small_table(slot);

        *ret_groups = 0;
        *ret_id = 0;
        if (table) {
                *ret_id = table->groups_id;
                return match_groups(s, table, VA_TAB_SMALL, ret_groups);
        }
        table = va_big_table(slot);
        if (table) {
                *ret_id = table->groups_id;
                return match_groups(s, table, VA_TAB_BIG, ret_groups);
        }
        return 0;
}

__attribute__((noinline)) int va_regroup(struct va_scratch *s, __u32 place)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct file *file = BPF_CORE_READ(t, mm, exe_file);
        __u32 slot, groups = ~0U, groups_id = 0;
        struct va_identity *id;
        struct va_scratch *own;

        if (!s || place >= VA_COVER_MAX)
                return -1;
        slot = s->id.cover.slot[place];
        own = va_scratch_at(va_claim());
        if (!own)
                return -1;
        /* If the program has no path, it is under the rules of all groups. */
        if (va_path(own, 0, (__u64)BPF_CORE_READ(file, f_path.mnt), (__u64)BPF_CORE_READ(file, f_path.dentry)))
                own->path[0].len = 0;
        if (find_groups(own, slot, &groups, &groups_id) || !own->path[0].len)
                groups = ~0U;
        va_release(own);

        s->id.groups[place] = groups;
        s->id.groups_id[place] = groups_id;
        id = bpf_task_storage_get(&va_tasks, t->group_leader, 0, 0);
        if (id && id->epoch == s->id.epoch && id->cover.slot[place] == slot) {
                id->groups[place] = groups;
                id->groups_id[place] = groups_id;
        }
        return 0;
}

__attribute__((noinline)) int va_enter_groups(struct va_scratch *s)
{
        __u32 groups, groups_id;

        if (!s)
                return 0;
        for (__u32 i = 0; i < VA_COVER_MAX; i++) {
                if (i >= s->id.cover.n)
                        break;
                if (find_groups(s, s->id.cover.slot[i], &groups, &groups_id))
                        groups = ~0U;
                s->id.pending[i] |= groups;
        }
        return 0;
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

/** va_recurs() - makes the key of s->event, with the first @n_paths paths, and counts it if the same was sent before.
 * Return: 1: it was counted. */
__attribute__((noinline)) int va_recurs(struct va_scratch *s, __u32 n_paths)
{
        struct va_repeat *r;
        struct va_event *e;
        __u64 h;

        if (!s)
                return 0;
        e = &s->event;
        h = va_mix(va_state.seed, (__u64)e->pid << 32 | e->uid);
        h = va_mix(h, (__u64)s->generation << 32 | (__u32)e->slot << 16 | e->rule);
        h = va_mix(h, (__u64)e->requested << 32 | (__u32)e->kind << 24 | (__u32)e->op << 16 | (__u32)e->reason << 8 | e->action);
        h = va_mix(h, s->id.home);
        if (n_paths > 0)
                h = va_hash_path(s, 0, h);
        if (n_paths > 1)
                h = va_hash_path(s, 1, h);
        e->key = h;
        r = bpf_map_lookup_elem(&va_repeats, &h);
        if (!r)
                return 0;
        r->last_ns = e->time_ns;
        __sync_fetch_and_add(&r->count, 1);
        return 1;
}

/* From here on the same is counted. */
static __always_inline void expect_repeats(struct va_event *e)
{
        struct va_repeat first = {.last_ns = e->time_ns};
        __u64 key = e->key; /* 6.1 takes it from the stack alone */

        if (bpf_map_update_elem(&va_repeats, &key, &first, BPF_NOEXIST))
                e->key = 0; /* all are in use: each is sent */
}

/* @n events like @e are lost. Without VA_OP_APPARMOR there is still the record. */
static __always_inline void count_lost(const struct va_event *e, __u64 n)
{
        if (e->op != VA_OP_APPARMOR)
                __sync_fetch_and_add(&va_state.events_lost, n);
}

/* An event is lost, and what was counted under its key with it. */
static __always_inline void lose(const struct va_event *e)
{
        __u64 key = e->key;
        struct va_repeat *r = bpf_map_lookup_elem(&va_repeats, &key);

        count_lost(e, 1);
        if (!key || !r)
                return;
        count_lost(e, r->count);
        bpf_map_delete_elem(&va_repeats, &key);
}

__attribute__((noinline)) int va_emit(struct va_scratch *s, __u32 n_paths)
{
        __u32 size = 0, size2 = 0, off;
        struct bpf_dynptr ptr;
        struct va_event *e;
        __u64 id;

        if (!s || s->quiet & VA_QUIET || (s->quiet & VA_QUIET_PASS && s->event.action != VA_ACTION_DENIED))
                return 0;
        e = &s->event;
        if (n_paths > 0)
                size = s->path[0].len & (VA_PATH_MAX - 1);
        if (n_paths > 1)
                size2 = s->path[1].len & (VA_PATH_MAX - 1);
        id = bpf_get_current_pid_tgid();
        e->time_ns = bpf_ktime_get_boot_ns();
        e->cgroup = s->id.home;
        e->pid = id >> 32;
        e->tid = id;
        e->uid = bpf_get_current_uid_gid();
        e->generation = s->generation;
        e->size = size;
        e->size2 = size2;
        bpf_get_current_comm(e->comm, sizeof(e->comm));
        if (va_recurs(s, n_paths))
                return 0;
        if (!va_take_share(s, sizeof(*e) + size + size2)) {
                count_lost(e, 1);
                return 0;
        }
        expect_repeats(e);

        if (bpf_ringbuf_reserve_dynptr(&va_events, sizeof(*e) + size + size2, 0, &ptr)) {
                bpf_ringbuf_discard_dynptr(&ptr, 0);
                lose(e);
                return 0;
        }
        bpf_dynptr_write(&ptr, 0, e, sizeof(*e), 0);
        off = s->path[0].off & (VA_PATH_MAX - 1);
        if (size)
                bpf_dynptr_write(&ptr, sizeof(*e), s->m.b + off, size, 0);
        if (size2 && !bpf_probe_read_kernel(s->copy, size2, s->m.b + s->path[1].off))
                bpf_dynptr_write(&ptr, sizeof(*e) + size, s->copy, size2, 0);
        bpf_ringbuf_submit_dynptr(&ptr, 0);
        return 0;
}

/* ---- verdicts --------------------------------------------------------------------------------------------------- */

/* What the policy at @place, whose answer about an object of @kind is in s->merged, makes of it. Return: 0 or -1. */
static __always_inline int decide(struct va_scratch *s, __u32 place, __u32 kind, __u32 n_paths)
{
        __u32 want = s->event.requested, hit, over = 0, named;
        struct va_accept *m = &s->merged;
        bool trial = s->flags & VA_T_TRIAL;

        hit = want & m->deny;
        named = want & m->log;
        if (s->default_deny & VA_CLASS_OF(kind))
                over = want & ~(m->allow | m->deny);
        else if (kind == VA_KIND_SOCKET && s->raw && s->flags & VA_T_NO_RAW)
                over = want & ~m->deny;
        /* An allow-list is about what a workload does, not about who looks at it; and its processes may signal each other. */
        if (kind == VA_KIND_PTRACE)
                over &= VA_PTRACE_TRACE | VA_PTRACE_READ;
        if (kind == VA_KIND_SIGNAL && s->inside >> (place & (VA_COVER_MAX - 1)) & 1)
                over = 0;
        s->event.slot = s->id.cover.slot[place];
        s->event.kind = kind;
        if (s->flags & VA_T_RECORD) {
                va_record(s, n_paths - 1);
                return 0; /* allow: it is written down */
        }
        if (named & hit)
                va_report(s, VA_REASON_RULE, VA_ACTION_DENIED, va_rule_of(m, named & hit), n_paths);
        else if (over && !trial)
                va_report(s, VA_REASON_DEFAULT, VA_ACTION_DENIED, VA_NO_RULE, n_paths);
        else if (named && !hit)
                va_report(s, VA_REASON_RULE, trial && (named & ~m->allow) ? VA_ACTION_ALLOWED : VA_ACTION_AUDIT,
                          va_rule_of(m, named), n_paths);
        else if (over && !hit)
                va_report(s, VA_REASON_DEFAULT, VA_ACTION_ALLOWED, VA_NO_RULE, n_paths);
        return hit || (over && !trial) ? -1 : 0;
}

/** va_judge() - the answer of the policy at @place of the task's cover. Return: 0 or -1. */
__attribute__((noinline)) int va_judge(struct va_scratch *s, __u32 place, __u32 kind, __u32 which)
{
        int r;

        if (!s || place >= VA_COVER_MAX)
                return -1;
        if (kind == VA_KIND_PTRACE || kind == VA_KIND_SIGNAL)
                s->m.b[1] = s->inside >> (place & (VA_COVER_MAX - 1)) & 1 ? 'i' : 'o';
        r = va_merge(s, place, kind, which);
        if (r == VA_MERGE_REGROUP && !va_regroup(s, place))
                r = va_merge(s, place, kind, which);
        if (r == VA_MERGE_NO_TABLE)
                return 0; /* allow: the policy has no rules (any more) */
        if (r)
                return -1; /* deny: cannot be, the objects that we make fit */
        return decide(s, place, kind, which + 1);
}

__attribute__((noinline)) int va_check(struct va_scratch *s, __u32 kind, __u32 which, __u32 op, __u32 want)
{
        int r = 0;

        if (!s || kind >= VA_KIND_MAX)
                return -EACCES;
        s->event.op = op;
        s->event.requested = want;
        for (__u32 i = 0; i < VA_COVER_MAX; i++) {
                if (i >= s->id.cover.n)
                        break;
                if (va_judge(s, i, kind, which))
                        r = -EACCES;
        }
        return r;
}

__attribute__((noinline)) int va_mediate_noted(struct va_scratch *s, __u32 op, __u32 want)
{
        int r;

        if (!s)
                return -EACCES;
        r = va_path(s, 0, s->mnt, s->dentry);
        if (r == 0)
                r = va_check(s, VA_KIND_FILE, 0, op, want);
        else
                r = r < 0 ? va_refuse(s, op, VA_REASON_NO_PATH, 0) : 0;
        va_release(s);
        return r;
}

__attribute__((noinline)) int va_refuse(struct va_scratch *s, __u32 op, __u32 reason, __u32 n_paths)
{
        __u8 action = reason & VA_NOTE ? VA_ACTION_AUDIT : VA_ACTION_DENIED;
        struct va_table *table;
        int r = 0;

        if (!s)
                return -EACCES;
        reason &= ~VA_NOTE;
        s->event.op = op;
        s->event.requested = 0;
        s->event.kind = VA_KIND_FILE;
        for (__u32 i = 0; i < VA_COVER_MAX; i++) {
                __u32 slot = s->id.cover.slot[i];

                if (i >= s->id.cover.n)
                        break;
                table = va_small_table(slot);
                if (!table)
                        table = va_big_table(slot);
                if (!table)
                        continue;
                s->generation = table->generation;
                s->event.slot = slot;
                if (table->flags & VA_T_RECORD) {
                        if (reason == VA_REASON_NO_PATH)
                                va_record_lost(s, VA_KIND_FILE);
                } else if (table->flags & VA_T_BASE) {
                        va_report(s, reason, action, VA_NO_RULE, n_paths);
                        r = -EACCES;
                } else if (reason != VA_REASON_BASE)
                        va_report(s, reason, table->flags & VA_T_TRIAL ? VA_ACTION_ALLOWED : VA_ACTION_AUDIT, VA_NO_RULE,
                                  n_paths);
        }
        return r;
}

/* ---- mounts ----------------------------------------------------------------------------------------------------- */

/* A mount is judged once for each of its flags: a rule that names one of them is about it. It is allowed when each flag that
 * it sets is. */
struct flags {
        struct va_scratch *s;
        __u32 place;
        __u32 allow;
        __s32 result;
};

static const char mount_letters[64] = VA_MOUNT_LETTERS;

static long flag_step(__u32 i, struct flags *x)
{
        struct va_scratch *s = x->s;

        if (i >= VA_MOUNT_WORDS)
                return 1;
        if (!(s->words >> (i & 63) & 1))
                return 0;
        s->m.b[1] = mount_letters[i & 63];
        s->merged.allow = 0;
        x->result = merge(s, x->place & (VA_COVER_MAX - 1), VA_KIND_MOUNT, 0);
        if (VA_MOUNT_SETS >> (i & 63) & 1)
                x->allow &= s->merged.allow;
        return x->result != 0;
}

/* The answer of the policy at @place in s->merged. Return: as va_merge(). */
static __always_inline int merge_mount(struct va_scratch *s, __u32 place)
{
        struct flags x = {.s = s, .place = place, .allow = ~0U};

        __builtin_memset(&s->merged, 0, sizeof(s->merged));
        bpf_loop(VA_MOUNT_WORDS, flag_step, &x, 0);
        s->merged.allow = x.allow;
        return x.result;
}

/** va_judge_mount() - the answer of the policy at @place to the mount s->path[0] with the flags s->words. */
__attribute__((noinline)) int va_judge_mount(struct va_scratch *s, __u32 place)
{
        int r;

        if (!s || place >= VA_COVER_MAX)
                return -1;
        r = merge_mount(s, place);
        if (r == VA_MERGE_REGROUP && !va_regroup(s, place))
                r = merge_mount(s, place);
        if (r == VA_MERGE_NO_TABLE)
                return 0; /* allow: the policy has no rules (any more) */
        if (r)
                return -1; /* deny: cannot be, the objects that we make fit */
        return decide(s, place, VA_KIND_MOUNT, 1);
}

__attribute__((noinline)) int va_check_mount(struct va_scratch *s, __u32 op)
{
        int r = 0;

        if (!s)
                return -EACCES;
        s->event.op = op;
        s->event.requested = 1;
        for (__u32 i = 0; i < VA_COVER_MAX; i++) {
                if (i >= s->id.cover.n)
                        break;
                if (va_judge_mount(s, i))
                        r = -EACCES;
        }
        return r;
}
