// SPDX-License-Identifier: GPL-2.0-only

/* Walks of many paths through the enforcer's matcher, and what to compare them with. */

#include "kernel.h"

#define VA_MATCH_DEFINE
#include "match.bpf.h"

#include "walk-job.h"

char LICENSE[] SEC("license") = "GPL";

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __uint(max_entries, WALK_TABLES_MAX);
        __type(key, __u32);
        __uint(value_size, sizeof(struct va_table_small));
} smalls SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __uint(max_entries, WALK_TABLES_MAX);
        __type(key, __u32);
        __uint(value_size, sizeof(struct va_table_big));
} bigs SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __uint(max_entries, WALK_PATHS_MAX);
        __type(key, __u32);
        __type(value, struct walk_path);
} paths SEC(".maps");

__u32 n_paths = 0; /* how many, */
__u32 table = 0;   /* through which, */
__u32 start = 0;   /* from which state */
__u64 took_nsec = 0;
__u64 sum = 0; /* of all results: so that nothing is left out as useless */

#define FOR_ALL_PATHS(name, body)                                                                                      \
        static long name##_one(__u32 i, void *ctx)                                                                     \
        {                                                                                                              \
                struct walk_path *p = bpf_map_lookup_elem(&paths, &i);                                                 \
                                                                                                                       \
                if (p)                                                                                                 \
                        sum += body(p);                                                                                \
                return 0;                                                                                              \
        }                                                                                                              \
                                                                                                                       \
        SEC("syscall")                                                                                                 \
        int walk_##name(void *ctx)                                                                                     \
        {                                                                                                              \
                __u64 since = bpf_ktime_get_ns();                                                                      \
                                                                                                                       \
                bpf_loop(n_paths, name##_one, NULL, 0);                                                                \
                took_nsec = bpf_ktime_get_ns() - since;                                                                \
                return 0;                                                                                              \
        }

static __always_inline __u64 nothing(struct walk_path *p)
{
        return p->len;
}

static __always_inline __u64 hash(struct walk_path *p)
{
        __u32 h = 2166136261U;

        for (int i = 0; i < VA_PATH_MAX && i < p->len; i++)
                h = (h ^ p->m.b[i]) * 16777619U;
        return h;
}

static __always_inline __u64 small(struct walk_path *p)
{
        struct va_match_result r = {.state = start};

        (void)va_match_small(bpf_map_lookup_elem(&smalls, &table), &p->m, 0, p->len, &r);
        return r.accept_word;
}

static __always_inline __u64 big(struct walk_path *p)
{
        struct va_match_result r = {.state = start};

        (void)va_match_big(bpf_map_lookup_elem(&bigs, &table), &p->m, 0, p->len, &r);
        return r.accept_word;
}

FOR_ALL_PATHS(nothing, nothing)
FOR_ALL_PATHS(hash, hash)
FOR_ALL_PATHS(small, small)
FOR_ALL_PATHS(big, big)
