/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Objects that are not paths, as texts in s->path[0]: see abi.h. A text is begun, its parts are put one after the other, and
 * it is ended. */

#include "state.bpf.h"

struct va_text {
        struct va_scratch *s;
        __u32 at; /* within va_match_buf.b */
};

static __always_inline struct va_text va_begin_text(struct va_scratch *s)
{
        return (struct va_text){.s = s};
}

static __always_inline void va_put(struct va_text *t, __u8 byte)
{
        t->s->m.b[t->at++ & (VA_PATH_MAX - 1)] = byte;
}

static __always_inline __u8 va_digit(__u32 x)
{
        x &= 15;
        return x + (x < 10 ? '0' : 'a' - 10);
}

static __always_inline void va_put_byte(struct va_text *t, __u8 x)
{
        va_put(t, va_digit(x >> 4));
        va_put(t, va_digit(x));
}

static __always_inline void va_end_text(const struct va_text *t)
{
        t->s->path[0].off = 0;
        t->s->path[0].len = t->at & (VA_PATH_MAX - 1);
}
