/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Hash: of texts in a scratch, by which what was sent is known again. */

#include "state.bpf.h"

#define VA_HASH_FACTOR 0x9e3779b97f4a7c15ULL /* 2^64 divided by the golden ratio */

struct va_hash {
        struct va_scratch *s;
        __u64 h;
        __u32 off;
        __u32 len;
};

static __always_inline __u64 va_mix(__u64 h, __u64 x)
{
        h = (h ^ x) * VA_HASH_FACTOR;
        return h ^ h >> 32;
}

/* Eight bytes of a path. */
static __attribute__((unused)) long va_hash_step(__u32 i, struct va_hash *x)
{
        __u32 at = 8 * i, left = x->len - at;
        __u64 w = *(const __u64 *)(x->s->m.b + ((x->off + at) & (VA_MATCH_BUF - 1)));

        if (left < 8)
                w = va_first_bytes(w, left & 7);
        x->h = va_mix(x->h, w);
        return 0;
}

static __always_inline __u64 va_hash_path(struct va_scratch *s, __u32 which, __u64 h)
{
        struct va_hash x = {.s = s, .h = va_mix(h, s->path[which].len), .off = s->path[which].off, .len = s->path[which].len};

        bpf_loop((x.len + 7) / 8, va_hash_step, &x, 0);
        return x.h;
}
