// SPDX-License-Identifier: GPL-2.0-only

/* Other names: what has a name that rules speak of must not get one of which they say less. For a file the verdicts of the
 * two names are compared. For a directory all that is below it gets new names: that is harmless if the automaton is in the
 * same place after both, or if nothing that could follow the old one is denied; exact, since the automaton is minimal. Where
 * files are denied by default it is also harmless if nothing that could follow the new name is allowed. */

#include "state.bpf.h"

struct second {
        struct va_scratch *s;
        struct va_table *table;
        __u32 from;   /* which path */
        __u32 to;
        __u32 groups;
        __u32 any;    /* VA_SECOND_FROM_ANY */
        __u32 to_any; /* VA_SECOND_TO_ANY */
        __s32 result; /* 1: something would be subject to fewer rules; -1: cannot be known */
};

/* The walk over a path with a '/' behind it, as what is below it has. There is room for that behind each path. */
static __always_inline int walk_below(const struct second *x, __u32 which, __u32 start, const __u64 words)
{
        struct va_scratch *s = x->s;
        __u32 off = s->path[which & 1].off, len = s->path[which & 1].len, end = (off + len) & (VA_MATCH_BUF - 1);

        if (len > 1) {
                s->m.b[end] = '/';
                len++;
        }
        return va_walk(s, x->table, start, off, len, words);
}

static __always_inline void compare_start(struct second *x, __u32 start, const __u64 words)
{
        __u32 state = 0, tail = 0, by_default = x->table->default_deny & VA_CLASS_OF(VA_KIND_FILE);
        struct va_scratch *s = x->s;

        if (!start)
                return;
        if (x->any) {
                if (va_walk(s, x->table, start, 0, 0, words)) {
                        x->result = -1;
                        return;
                }
        } else if (walk_below(x, x->from, start, words)) {
                x->result = -1;
                return;
        }
        if (!va_reaches(s, by_default))
                return;
        state = s->at.state;
        tail = s->at.tail;
        if (x->any && !by_default) {
                x->result = 1;
                return;
        }
        if (x->to_any ? va_walk(s, x->table, start, 0, 0, words) : walk_below(x, x->to, start, words))
                x->result = -1;
        else if (!x->any && s->at.state == state && s->at.tail == tail)
                return;
        else if (!by_default || s->at.accept_word & VA_A_OPEN)
                x->result = 1;
}

static __always_inline long compare_step(__u32 i, struct second *x, const __u64 words)
{
        __u64 g = i + 1;

        if (g > VA_GROUPS_MAX || !(x->groups >> (i & 31) & 1))
                return 0;
        va_keep(g);
        compare_start(x, x->table->start[VA_KIND_FILE][g], words);
        return 0;
}

static long compare_step_small(__u32 i, struct second *x)
{
        return compare_step(i, x, VA_TAB_SMALL);
}

static long compare_step_big(__u32 i, struct second *x)
{
        return compare_step(i, x, VA_TAB_BIG);
}

/* Return: 0; 1: something below would be subject to fewer rules; -1. */
__attribute__((noinline)) int va_compare_trees(struct va_scratch *s, __u32 place, __u32 flags)
{
        struct second x = {.s = s, .any = flags & VA_SECOND_FROM_ANY, .to_any = flags & VA_SECOND_TO_ANY, .from = 0, .to = 1};
        __u32 slot;

        if (!s || place >= VA_COVER_MAX)
                return -1;
        if (flags & VA_SECOND_REVERSE || x.any) {
                x.from = 1;
                x.to = 0;
        }
        slot = s->id.cover.slot[place];
        x.groups = s->id.groups[place];
        x.table = va_small_table(slot);
        if (x.table) {
                compare_start(&x, x.table->start[VA_KIND_FILE][0], VA_TAB_SMALL);
                if (x.groups && x.table->n_groups)
                        bpf_loop(VA_GROUPS_MAX, compare_step_small, &x, 0);
                return x.result;
        }
        x.table = va_big_table(slot);
        if (!x.table)
                return 0;
        compare_start(&x, x.table->start[VA_KIND_FILE][0], VA_TAB_BIG);
        if (x.groups && x.table->n_groups)
                bpf_loop(VA_GROUPS_MAX, compare_step_big, &x, 0);
        return x.result;
}

/* One policy about the two names themselves. Return: 0 or -1. */
static __always_inline int compare_names(struct va_scratch *s, __u32 place, __u32 reverse)
{
        struct va_accept old, *new = &s->merged;
        __u32 lost, seen;
        int r;

        r = va_merge(s, place, VA_KIND_FILE, reverse ? 1 : 0);
        if (r == VA_MERGE_NO_TABLE)
                return 0;
        if (r)
                return -1;
        old = s->merged;
        r = va_merge(s, place, VA_KIND_FILE, reverse ? 0 : 1);
        if (r)
                return -1;
        lost = old.deny & ~new->deny;
        if (s->default_deny & VA_CLASS_OF(VA_KIND_FILE) && !(s->flags & VA_T_TRIAL))
                lost |= ~(old.allow | old.deny) & (new->allow & ~new->deny) & VA_PERMS_ALL;
        seen = old.log & ~(new->deny | new->log);
        if (lost) {
                s->event.requested = lost;
                if (lost & old.deny & old.log)
                        va_report(s, VA_REASON_SECOND_NAME, VA_ACTION_DENIED, va_rule_of(&old, lost & old.deny & old.log), 2);
                else if (lost & ~old.deny)
                        va_report(s, VA_REASON_SECOND_NAME, VA_ACTION_DENIED, VA_NO_RULE, 2);
                return -1;
        }
        if (seen) {
                s->event.requested = seen;
                va_report(s, VA_REASON_SECOND_NAME, VA_ACTION_AUDIT, va_rule_of(&old, seen), 2);
        }
        return 0;
}

/* Whoever gives a file another name may do with it what may be done by that name: a profile that does not say so of the old one would
 * refuse it. */
static __always_inline int note_names(struct va_scratch *s, __u32 flags)
{
        if (s->event.op == VA_OP_RENAME || s->event.op == VA_OP_LINK) {
                s->event.requested = VA_READ | VA_WRITE;
                va_record(s, flags & VA_SECOND_REVERSE ? 1 : 0);
        }
        return 0;
}

/** va_second_of() - the answer of the policy at @place. Return: 0 or -1. */
__attribute__((noinline)) int va_second_of(struct va_scratch *s, __u32 place, __u32 flags)
{
        __u32 n_paths = flags & VA_SECOND_FROM_ANY ? 1 : 2;
        int r;

        if (!s || place >= VA_COVER_MAX)
                return -1;
        s->event.slot = s->id.cover.slot[place];
        /* Groups that are not known yet become so here. */
        r = va_merge(s, place, VA_KIND_FILE, 0);
        if (r == VA_MERGE_NO_TABLE)
                return 0;
        if (s->flags & VA_T_RECORD)
                return note_names(s, flags);
        if (r == VA_MERGE_REGROUP && va_regroup(s, place))
                return -1;
        if (!(flags & VA_SECOND_FROM_ANY) && compare_names(s, place, flags & VA_SECOND_REVERSE))
                return -1;
        if (!(flags & (VA_SECOND_SUBTREE | VA_SECOND_FROM_ANY)))
                return 0;
        r = va_compare_trees(s, place, flags);
        if (r == 0)
                return 0;
        s->event.requested = 0;
        if (s->flags & VA_T_BASE) {
                va_report(s, VA_REASON_SECOND_NAME, VA_ACTION_DENIED, VA_NO_RULE, n_paths);
                return -1;
        }
        va_report(s, VA_REASON_SECOND_NAME, s->flags & VA_T_TRIAL ? VA_ACTION_ALLOWED : VA_ACTION_AUDIT, VA_NO_RULE, n_paths);
        return 0;
}

__attribute__((noinline)) int va_second_name(struct va_scratch *s, __u32 op, __u32 flags)
{
        int r = 0;

        if (!s)
                return -EACCES;
        s->event.op = op;
        s->event.kind = VA_KIND_FILE;
        for (__u32 i = 0; i < VA_COVER_MAX; i++) {
                if (i >= s->id.cover.n)
                        break;
                if (va_second_of(s, i, flags))
                        r = -EACCES;
        }
        return r;
}
