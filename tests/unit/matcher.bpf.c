// SPDX-License-Identifier: GPL-2.0-only

/* The enforcer's matcher, in a program that can be run at will: it works off a batch of jobs. */

#include "kernel.h"

#define VA_MATCH_DEFINE
#include "match.bpf.h"

#include "matcher-job.h"

char LICENSE[] SEC("license") = "GPL";

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __uint(max_entries, 1);
        __type(key, __u32);
        __uint(value_size, sizeof(struct va_table_small));
} small SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __uint(max_entries, 1);
        __type(key, __u32);
        __uint(value_size, sizeof(struct va_table_big));
} big SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __uint(max_entries, MATCHER_JOBS_MAX);
        __type(key, __u32);
        __type(value, struct matcher_job);
} jobs SEC(".maps");

__u32 n_jobs = 0;

static __always_inline int match(struct matcher_job *j, __u32 off, __u32 len, struct va_match_result *r)
{
        __u32 zero = 0;

        if (j->big)
                return va_match_big(bpf_map_lookup_elem(&big, &zero), &j->m, off, len, r);
        return va_match_small(bpf_map_lookup_elem(&small, &zero), &j->m, off, len, r);
}

SEC("syscall")
int run_jobs(void *ctx)
{
        struct va_match_result r;

        for (__u32 i = 0; i < MATCHER_JOBS_MAX && i < n_jobs; i++) {
                __u32 key = i;
                struct matcher_job *j = bpf_map_lookup_elem(&jobs, &key);

                if (!j)
                        break;
                r = j->start;
                j->ret_whole = match(j, j->off, j->len, &r);
                j->whole = r;
                r = j->start;
                j->ret_first = match(j, j->off, j->cut, &r);
                j->first = r;
                j->ret_parts = match(j, j->off + j->cut, j->len - j->cut, &r);
                j->parts = r;
        }
        return 0;
}
