/* SPDX-License-Identifier: LGPL-2.1-or-later OR GPL-2.0-only */
#pragma once

/* What matcher.bpf.c and the tests that run it say to each other. */

#define MATCHER_JOBS_MAX 64
#define MATCHER_UNTOUCHED 0xdeadbeefU

/* One path, walked as a whole and in two parts. */
struct matcher_job {
        struct va_match_buf m;
        __u32 off;
        __u32 len;
        __u32 cut; /* bytes in the first part */
        __u32 big; /* which table */
        struct va_match_result start;
        struct va_match_result whole; /* as it was if refused */
        struct va_match_result first; /* part */
        struct va_match_result parts; /* both */
        __s32 ret_whole;
        __s32 ret_first;
        __s32 ret_parts;
        __u32 pad[3];
};
