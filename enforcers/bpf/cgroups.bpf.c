// SPDX-License-Identifier: GPL-2.0-only

/* Labels of cgroups that come and go. The tracepoint of a new one fires before any process can enter it. */

#include "state.bpf.h"

/* The cover of the path at the beginning of s->m, by the target automaton; in s->id.cover. */
static __always_inline int match_target(struct va_scratch *s, void *table, __u32 len, const __u64 words)
{
        struct va_table *t = table;
        const struct va_cover *cover;

        if (va_walk(s, table, t->start[VA_KIND_FILE][0], 0, len, words))
                return -1;
        cover = va_accepted(s, table, sizeof(*cover) / 4, words);
        if (cover)
                s->id.cover = *cover;
        return 0;
}

static __always_inline bool same_cover(const struct va_cover *a, const struct va_cover *b)
{
        if (a->n != b->n)
                return false;
        for (__u32 i = 0; i < VA_COVER_MAX; i++)
                if (i < a->n && a->slot[i] != b->slot[i])
                        return false;
        return true;
}

/* Return: 0, or -1: it could not be found out what covers it. */
static __always_inline int label(struct va_scratch *s, struct cgroup *cgrp, const char *path)
{
        struct va_found f = {};
        void *table;
        __u64 id;
        long n;

        s->id.cover.n = 0;
        n = bpf_probe_read_kernel_str(s->m.b, VA_PATH_MAX, path);
        if (n <= 1 || n >= VA_PATH_MAX)
                return -1;
        table = va_small_table(VA_KEY_TARGETS);
        if (table) {
                if (match_target(s, table, n - 1, VA_TAB_SMALL))
                        return -1;
        } else {
                table = va_big_table(VA_KEY_TARGETS);
                if (!table)
                        return 0; /* nothing is covered */
                if (match_target(s, table, n - 1, VA_TAB_BIG))
                        return -1;
        }
        va_find_label(va_address(cgrp), &f);
        id = BPF_CORE_READ(cgrp, kn, id);
        if (s->id.cover.n > 0 && n <= VA_NAME_BYTES)
                bpf_map_update_elem(&va_names, &id, s->m.b, BPF_ANY);
        if (same_cover(&s->id.cover, &f.cover))
                return 0; /* as its parent: found by going up */
        return bpf_map_update_elem(&va_labels, &id, &s->id.cover, BPF_ANY);
}

SEC("tp_btf/cgroup_mkdir")
int VA_PROG(va_mkdir, struct cgroup *cgrp, const char *path)
{
        struct va_scratch *s;
        int index, r = -1;

        if (BPF_CORE_READ(cgrp, root, hierarchy_id) != 0)
                return 0; /* ids of other hierarchies are a space of their own */
        index = va_claim();
        s = va_scratch_at(index);
        if (s) {
                r = label(s, cgrp, path);
                va_release(s);
        }
        if (r)
                __sync_fetch_and_add(&va_state.labels_lost, 1);
        return 0;
}

SEC("tp_btf/cgroup_rmdir")
int VA_PROG(va_rmdir, struct cgroup *cgrp, const char *path)
{
        __u64 id;

        if (BPF_CORE_READ(cgrp, root, hierarchy_id) != 0)
                return 0;
        id = BPF_CORE_READ(cgrp, kn, id);
        bpf_map_delete_elem(&va_labels, &id);
        return 0;
}
