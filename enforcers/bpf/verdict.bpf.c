// SPDX-License-Identifier: GPL-2.0-only

/* What: the rules' answer to an access. Each policy that covers the task is asked in turn, and any of them denies. A
 * policy's answer joins its rules for everybody with those for the groups that the process is in. */

#include "state.bpf.h"

/* One policy's table, and the path to judge. */
struct judge {
        struct va_scratch *s;
        struct va_table *table;
        __u32 off;
        __u32 len;
        __u32 groups;
        __u32 subtree;
        __s32 result;
};

/* ---- one walk ------------------------------------------------------------------------------------------------- */

static __always_inline int walk(const struct judge *j, __u32 start, const __u64 words)
{
        struct va_match_result *at = &j->s->at;

        at->state = start;
        at->tail = 0;
        at->accept_word = 0;
        if (words == VA_TAB_SMALL)
                return va_match_small((struct va_table_small *)j->table, &j->s->m, j->off, j->len, at);
        return va_match_big((struct va_table_big *)j->table, &j->s->m, j->off, j->len, at);
}

/* The accept record that the last walk found, with room for @record_words; NULL: none. */
static __always_inline const void *accepted(const struct judge *j, __u32 record_words, const __u64 words)
{
        __u64 i = j->s->at.accept_word & VA_A_INDEX;

        if (i == 0 || i > words - record_words)
                return NULL;
        va_keep(i);
        return (const __u8 *)j->table + sizeof(struct va_table) + 4 * i;
}

/* Joins the rules from @start on to s->merged. */
static __always_inline int add_start(const struct judge *j, __u32 start, const __u64 words)
{
        struct va_accept *m = &j->s->merged;
        const struct va_accept *a;

        if (!start)
                return 0;
        if (walk(j, start, words))
                return -1;
        a = accepted(j, sizeof(*a) / 4, words);
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

static __always_inline long group_step(__u32 i, struct judge *j, const __u64 words)
{
        __u32 g = (i + 1) & 63;

        if (g > VA_GROUPS_MAX || !(j->groups >> i & 1))
                return 0;
        if (add_start(j, j->table->start[g], words))
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

/* ---- events --------------------------------------------------------------------------------------------------- */

/** va_emit() - send s->event with the first @n_paths paths. The verdict does not depend on whether it gets through. */
__attribute__((noinline)) int va_emit(struct va_scratch *s, __u32 n_paths)
{
        __u32 size = 0, size2 = 0, off;
        struct bpf_dynptr ptr;
        struct va_event *e;
        __u64 id;

        if (!s)
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
        e->pad = 0;
        e->size = size;
        e->size2 = size2;
        bpf_get_current_comm(e->comm, sizeof(e->comm));

        if (bpf_ringbuf_reserve_dynptr(&va_events, sizeof(*e) + size + size2, 0, &ptr)) {
                __sync_fetch_and_add(&va_state.events_lost, 1);
                bpf_ringbuf_discard_dynptr(&ptr, 0);
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

static __always_inline void report(struct va_scratch *s, __u32 slot, __u8 reason, __u8 action, __u16 rule, __u32 n_paths)
{
        s->event.slot = slot;
        s->event.reason = reason;
        s->event.action = action;
        s->event.rule = rule;
        va_emit(s, n_paths);
}

/* ---- rules ---------------------------------------------------------------------------------------------------- */

/* The rule that decided about the lowest bit of @bits. */
static __always_inline __u16 rule_of(const struct va_accept *m, __u32 bits)
{
        if (bits & 1)
                return m->rule[0];
        if (bits & 2)
                return m->rule[1];
        if (bits & 4)
                return m->rule[2];
        return m->rule[3];
}

/** va_regroup() - find the groups of the policy at @place anew, by the program that the process runs. What it had
 * inherited under another version of the policy is lost. */
__attribute__((noinline)) int va_regroup(struct va_scratch *s, __u32 place)
{
        return 0;
}

static __always_inline int judge_table(struct va_scratch *s, struct va_table *table, __u32 place, __u32 which,
                                       const __u64 words)
{
        struct judge j = {.s = s, .table = table, .off = s->path[which].off, .len = s->path[which].len};
        __u32 slot = s->id.cover.slot[place], want = s->event.requested, hit, over;
        struct va_accept *m = &s->merged;

        __builtin_memset(m, 0, sizeof(*m));
        s->generation = table->generation;
        j.result = add_start(&j, table->start[0], words);
        if (table->n_groups) {
                if (s->id.groups_id[place] != table->groups_id)
                        va_regroup(s, place);
                j.groups = s->id.groups[place];
                if (j.groups)
                        bpf_loop(VA_GROUPS_MAX, words == VA_TAB_SMALL ? group_step_small : group_step_big, &j, 0);
        }
        if (j.result)
                return -1; /* deny: cannot be, the paths that we make fit */

        over = want & table->default_deny & ~(m->allow | m->deny);
        hit = want & m->deny;
        if (want & m->log & m->deny)
                report(s, slot, VA_REASON_RULE, VA_ACTION_DENIED, rule_of(m, want & m->log & m->deny), which + 1);
        else if (over)
                report(s, slot, VA_REASON_DEFAULT, VA_ACTION_DENIED, VA_NO_RULE, which + 1);
        else if (want & m->log)
                report(s, slot, VA_REASON_RULE, VA_ACTION_AUDIT, rule_of(m, want & m->log), which + 1);
        return hit || over ? -1 : 0;
}

/** va_judge() - the answer of the policy at @place of the task's cover. Return: 0 or -1. */
__attribute__((noinline)) int va_judge(struct va_scratch *s, __u32 place, __u32 which)
{
        __u32 slot, zero = 0;
        void *map, *table;

        if (!s || which > 1 || place >= VA_COVER_MAX)
                return -1;
        slot = s->id.cover.slot[place];
        map = bpf_map_lookup_elem(&va_smalls, &slot);
        if (map) {
                table = bpf_map_lookup_elem(map, &zero);
                return table ? judge_table(s, table, place, which, VA_TAB_SMALL) : -1;
        }
        map = bpf_map_lookup_elem(&va_bigs, &slot);
        if (map) {
                table = bpf_map_lookup_elem(map, &zero);
                return table ? judge_table(s, table, place, which, VA_TAB_BIG) : -1;
        }
        return 0; /* allow: the policy has no rules (any more) */
}

__attribute__((noinline)) int va_check(struct va_scratch *s, __u32 which, __u32 op, __u32 want)
{
        int r = 0;

        if (!s)
                return -EACCES;
        s->event.op = op;
        s->event.requested = want;
        for (__u32 i = 0; i < VA_COVER_MAX; i++) {
                if (i >= s->id.cover.n)
                        break;
                if (va_judge(s, i, which))
                        r = -EACCES;
        }
        return r;
}
