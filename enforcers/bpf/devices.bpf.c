// SPDX-License-Identifier: GPL-2.0-only

/* Devices: the name of what a device file stands for, by which rules know it whatever the file is called and wherever it is. */

#include "state.bpf.h"

#define BEGIN VA_PATH_MAX /* of s->path[1] */
#define ROOM 31U          /* the longest name has 23 bytes */

#define DIGITS 7 /* of 2^20 - 1, the largest minor number; the largest major number is 2^12 - 1 */

static __always_inline __u32 put(struct va_scratch *s, __u32 at, __u8 byte)
{
        s->m.b[BEGIN + (at & ROOM)] = byte;
        return at + 1;
}

/** va_put_decimal() - @number behind the first @at bytes. Return: how many there are then. */
__attribute__((noinline)) int va_put_decimal(struct va_scratch *s, __u32 at, __u32 number)
{
        __u32 unit = 1000000;
        __u8 digit;

        if (!s)
                return 0;
        for (int i = 0; i < DIGITS; i++) {
                digit = number / unit % 10;
                if (number >= unit || unit == 1)
                        at = put(s, at, '0' + digit);
                unit /= 10;
        }
        return at;
}

__attribute__((noinline)) int va_device(struct va_scratch *s, __u32 block, __u32 dev)
{
        static const char begin[2][12] = {"/dev/char/", "/dev/block/"};
        __u32 which = block & 1, at = 10 + which;

        if (!s)
                return -1;
        for (int i = 0; i < 11; i++)
                s->m.b[BEGIN + i] = begin[which][i];
        at = va_put_decimal(s, at, dev >> 20);
        at = put(s, at, ':');
        at = va_put_decimal(s, at, dev & 0xfffff);
        s->path[1].off = BEGIN;
        s->path[1].len = at & ROOM;
        return 0;
}
