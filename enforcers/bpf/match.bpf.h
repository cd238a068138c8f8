/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The matcher: walks the automaton of abi.h over the bytes of a path. The enforcer's programs and the native tests
 * compile this very source. Exactly one .bpf.c of an object defines VA_MATCH_DEFINE before it includes this file and so
 * holds the two global functions, which the verifier checks once for each program and not at each call; the others
 * get their prototypes.
 *
 * Shape: a bpf_loop() callback eats up to VA_MATCH_TAIL_CHUNK bytes of a literal tail, eight at a time, and then up to
 * VA_MATCH_ROWS bytes through rows, written out, so that the common path is 10 instructions for each byte of a row and
 * about 2 for each byte of a tail. It stops as soon as nothing can change any more. Unaligned loads are meant: every
 * architecture that BPF LSM is used on has them. */

#include "abi.h"

/* A path's home, and the matcher's scratch: any map value that begins with this (or has it inside: pass its address),
 * and that nobody else uses meanwhile. Paths stand at off .. off + len of @b, and end before VA_MATCH_BUF; what is
 * beyond it lets the verifier see that a chunk fits. The walk's state is here and not on the stack since the
 * verifier does not track the values of scalars in maps: so the loop's body looks the same to it each time. */
#define VA_MATCH_BUF 8192U
#define VA_MATCH_SLACK 256U
struct va_match_buf {
        __u8 b[VA_MATCH_BUF + VA_MATCH_SLACK];
        __u64 pos;
        __u64 end;
        __u64 state;
        __u64 tail;
};

/* The values of the two inner maps: struct va_table with its words. */
struct va_table_small {
        __u64 w[(sizeof(struct va_table) + 4 * VA_TAB_SMALL) / 8];
};
struct va_table_big {
        __u64 w[(sizeof(struct va_table) + 4 * VA_TAB_BIG) / 8];
};

struct va_match_result {
        __u32 state;       /* in: where to start, a state word; out: where the walk ended, VA_S_* flags included */
        __u32 tail;        /* in: 0, or @tail of an earlier walk to go on from; out: bytes into the literal tail */
        __u32 accept_word; /* out: accept word of the place. Inside a tail its index is 0, its VA_A_REACH and VA_A_OPEN are exact */
};

/** va_match_small(), va_match_big() - walk @len bytes from @off of @buf; two walks are in the same place when both
 * @state and @tail are the same. All memory must be initialised (@r by the caller, too).
 * Return: 0, or -1 (@r untouched) if off + len >= VA_MATCH_BUF or a pointer is NULL, which the verifier wants to see
 * tested: deny. */
int va_match_small(struct va_table_small *t, struct va_match_buf *buf, __u32 off, __u32 len,
                   struct va_match_result *r);
int va_match_big(struct va_table_big *t, struct va_match_buf *buf, __u32 off, __u32 len, struct va_match_result *r);

/* Keeps @x the value that was checked: the compiler may not recompute it. */
#define va_keep(x) asm volatile("" : "+r"(x))

/* @x without all but the first @n (1..8) bytes in memory. */
static __always_inline __u64 va_first_bytes(__u64 x, __u64 n)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        return x & ~0ULL >> ((64 - 8 * n) & 63);
#else
        return x & ~0ULL << ((64 - 8 * n) & 63);
#endif
}

#ifdef VA_MATCH_DEFINE

#define VA_MATCH_ROWS 16
#define VA_MATCH_TAIL_CHUNK 32
_Static_assert(VA_TAIL_ROOM * 4 >= 8 + 256 + VA_MATCH_TAIL_CHUNK, "one test of the bounds per tail: the bytes");
_Static_assert(VA_TAIL_ROOM * 4 >= 8 + 258 + 4 * 256, "and where to fall");

struct va_walk {
        struct va_match_buf *m;
        const __u8 *table;
};

/* How many bytes in memory of @x, which is not 0, are 0 before the first that is not. Without a jump. */
static __always_inline __u64 va_leading_bytes(__u64 x)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
        x = __builtin_bswap64(x);
#endif
        x = ((x & -x) - 1) & 0x8080808080808080ULL; /* the top bit of each such byte */
        return (x >> 7) * 0x0101010101010101ULL >> 56;
}

/* From a tail whose first @same bytes (from m->tail and m->pos on, which are @tail and @pos) match, and no more. */
static __always_inline __u64 va_fall(struct va_match_buf *m, const __u8 *head, __u64 tail, __u64 pos, __u64 same)
{
        __u64 n = *(const __u32 *)head;

        if (!(n & VA_TAIL_FALL))
                return 0;
        m->tail = 0;
        m->pos = pos + same;
        head += 8 + (((n & 0xff) + 3) & 0x1fc);
        return *(const __u32 *)(head + 4 * ((tail + same) & 0xff));
}

/* Eats of the tail that @s is; returns the state after it, or @s when there is more of it to come. The layout leaves
 * VA_TAIL_ROOM words from the head of any tail on, so that one test of the bounds is enough. */
static __always_inline __u64 va_step_tail(const struct va_walk *w, __u64 s, const __u64 words)
{
        const __u8 *tab = w->table + sizeof(struct va_table), *p;
        struct va_match_buf *m = w->m;
        __u64 at = (s & VA_S_INDEX) * 4, tail = m->tail & 0xff, pos = m->pos & (VA_MATCH_BUF - 1);
        __u64 n, eat, rest, whole = 0, x = 0;
        const __u8 *q = m->b + pos;

        if (at > (words - VA_TAIL_ROOM) * 4)
                return 0;
        va_keep(at);
        tab += at;
        n = *(const __u32 *)tab & 0xff;
        if (n <= 8 && !tail && n <= m->end - pos) { /* most are */
                x = va_first_bytes(*(const __u64 *)(tab + 8) ^ *(const __u64 *)q, n);
                if (x)
                        return va_fall(m, tab, 0, pos, va_leading_bytes(x));
                m->pos = pos + n;
                return *(const __u32 *)(tab + 4);
        }
        p = tab + 8 + tail;
        eat = n - tail;
        if (eat > m->end - pos)
                eat = m->end - pos;
        if (eat > VA_MATCH_TAIL_CHUNK)
                eat = VA_MATCH_TAIL_CHUNK;

#pragma unroll
        for (int k = 0; k < VA_MATCH_TAIL_CHUNK / 8; k++) {
                if (eat < 8 * k + 8)
                        break;
                x = ((const __u64 *)p)[k] ^ ((const __u64 *)q)[k];
                if (x)
                        break;
                whole += 8;
        }
        rest = eat & 7;
        if (!x && rest) {
                whole = eat & (VA_MATCH_TAIL_CHUNK - 8);
                x = va_first_bytes(*(const __u64 *)(p + whole) ^ *(const __u64 *)(q + whole), rest);
        }
        if (x)
                return va_fall(m, tab, tail, pos, whole + va_leading_bytes(x));
        m->pos = pos + eat;
        tail += eat;
        if (tail < n) {
                m->tail = tail;
                return s;
        }
        m->tail = 0;
        return *(const __u32 *)(tab + 4);
}

/* One call of the loop. Returns 1 when the walk is over. */
static __always_inline long va_step(const struct va_walk *w, const __u64 words)
{
        const __u8 *class_of = w->table + __builtin_offsetof(struct va_table, class_of), *q;
        const __u8 *tab = w->table + sizeof(struct va_table);
        struct va_match_buf *m = w->m;
        __u64 s = m->state, c, pos, left;
        int k;

        if (s & VA_S_TAIL) {
                s = va_step_tail(w, s, words);
                m->state = s;
        }
        if (!s || s & VA_S_FINAL)
                return 1;
        pos = m->pos & (VA_MATCH_BUF - 1);
        left = m->end - pos;
        q = m->b + pos;

#pragma unroll
        for (k = 0; k < VA_MATCH_ROWS; k++) {
                if (left <= k)
                        break;
                c = class_of[q[k]] + s;
                if (c >= words) /* a flag is set: no row */
                        break;
                va_keep(c);
                s = *(const __u32 *)(tab + c * 4);
                if (!s)
                        break;
        }
        m->state = s;
        m->pos = pos + k;
        s = !s || s & VA_S_FINAL || left <= k;
        va_keep(s);
        return s & 1; /* the verifier wants to see 0 or 1 */
}

static long va_step_small(__u32 i, struct va_walk *w)
{
        return va_step(w, VA_TAB_SMALL);
}

static long va_step_big(__u32 i, struct va_walk *w)
{
        return va_step(w, VA_TAB_BIG);
}

/* What stands before the state @s: its accept word. */
static __always_inline __u32 va_accept_word(const __u8 *table, __u64 s, const __u64 words)
{
        __u64 i = (s & VA_S_INDEX) - 1;

        if (i >= words)
                return 0;
        va_keep(i);
        return *(const __u32 *)(table + sizeof(struct va_table) + i * 4);
}

static __always_inline void va_match_end(const struct va_walk *w, struct va_match_result *r, const __u64 words)
{
        __u64 i, s = w->m->state;

        r->state = s;
        r->tail = 0;
        r->accept_word = 0;
        if (!s) /* a tail may have broken off anywhere: there is only one dead place */
                return;
        r->tail = w->m->tail;
        if (!r->tail) {
                r->accept_word = va_accept_word(w->table, s, words);
                return;
        }
        i = s & VA_S_INDEX;
        if (i >= words)
                return;
        va_keep(i);
        r->accept_word = *(const __u32 *)(w->table + sizeof(struct va_table) + i * 4) & (VA_A_REACH | VA_A_OPEN);
}

static __always_inline void va_match_begin(struct va_match_buf *m, __u32 off, __u32 len,
                                           const struct va_match_result *r)
{
        m->pos = off;
        m->end = (__u64)off + len;
        m->state = r->state;
        m->tail = r->tail;
}

__attribute__((noinline)) int va_match_small(struct va_table_small *t, struct va_match_buf *buf, __u32 off, __u32 len,
                                             struct va_match_result *r)
{
        struct va_walk w = {.m = buf, .table = (void *)t};

        if (!t || !buf || !r || (__u64)off + len >= VA_MATCH_BUF)
                return -1;
        va_match_begin(buf, off, len, r);
        if (len)
                bpf_loop(len, va_step_small, &w, 0);
        va_match_end(&w, r, VA_TAB_SMALL);
        return 0;
}

__attribute__((noinline)) int va_match_big(struct va_table_big *t, struct va_match_buf *buf, __u32 off, __u32 len,
                                           struct va_match_result *r)
{
        struct va_walk w = {.m = buf, .table = (void *)t};

        if (!t || !buf || !r || (__u64)off + len >= VA_MATCH_BUF)
                return -1;
        va_match_begin(buf, off, len, r);
        if (len)
                bpf_loop(len, va_step_big, &w, 0);
        va_match_end(&w, r, VA_TAB_BIG);
        return 0;
}

#endif
