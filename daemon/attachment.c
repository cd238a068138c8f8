/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See attachment.h. The formats are those of security/apparmor/policy_unpack.c and match.c in Linux 6.1: a stream of typed values in
 * little endian, with tables in big endian within. Whatever does not fit matches nothing. */

#include "attachment.h"

#include <string.h>

/* Types of values: enum aa_code. */
#define CODE_U32 2
#define CODE_NAME 4
#define CODE_STRING 5
#define CODE_BLOB 6
#define CODE_STRUCT 7

#define TABLES_MAGIC 0x1b5e783dU
enum { TABLE_ACCEPT = 1, TABLE_BASE, TABLE_CHECK, TABLE_DEFAULT, TABLE_CLASS, TABLE_NEXT = 8, TABLE_MAX = 10 };
#define BASE_INDEX 0xffffffU
#define BASE_DIFFERENCE 0x80000000U
#define STATE_FIRST 1U
#define PERM_MAY_EXEC 1U
/* Default transitions on end: no automaton has so many in a row. */
#define DEFAULTS_MAX 65536U

typedef struct Table {
        const uint8_t *data;
        uint32_t width, length;
} Table;

struct Attachment {
        uint8_t *bytes;
        Table tables[TABLE_MAX];
        uint32_t weight;
};

typedef struct Stream {
        const uint8_t *at, *end;
} Stream;

static uint32_t big(const uint8_t *p, unsigned bytes)
{
        uint32_t x = 0;

        for (unsigned i = 0; i < bytes; i++)
                x = x << 8 | p[i];
        return x;
}

/* ---- the stream ------------------------------------------------------------------------------------------------------ */

static bool take_code(Stream *s, uint8_t code)
{
        if (s->at >= s->end || *s->at != code)
                return false;
        s->at++;
        return true;
}

static bool take_number(Stream *s, unsigned bytes, uint32_t *ret)
{
        *ret = 0;
        if ((size_t)(s->end - s->at) < bytes)
                return false;
        for (unsigned i = 0; i < bytes; i++)
                *ret |= (uint32_t)s->at[i] << 8 * i;
        s->at += bytes;
        return true;
}

/* A text with its length, whose NUL counts. */
static bool take_text(Stream *s, uint8_t code, const char **ret)
{
        const uint8_t *begin = s->at;
        uint32_t n;

        if (take_code(s, code) && take_number(s, 2, &n) && n > 0 && (size_t)(s->end - s->at) >= n && !s->at[n - 1]) {
                *ret = (const char *)s->at;
                s->at += n;
                return true;
        }
        s->at = begin;
        return false;
}

static bool take_named(Stream *s, const char *name)
{
        const uint8_t *begin = s->at;
        const char *text;

        if (take_text(s, CODE_NAME, &text) && strcmp(text, name) == 0)
                return true;
        s->at = begin;
        return false;
}

/* To where the named profile's attachment is, if there is one. */
static bool find_profile(Stream *s, const char *profile)
{
        static const char begin[] = "profile\0\x07"; /* the name of a struct, and that it is one */

        for (;;) {
                const uint8_t *found = memmem(s->at, (size_t)(s->end - s->at), begin, sizeof(begin) - 1);
                const char *name;

                if (!found)
                        return false;
                s->at = found + sizeof(begin) - 1;
                if (!take_text(s, CODE_STRING, &name) || strcmp(name, profile) != 0)
                        continue;
                if (take_named(s, "rename") && !take_text(s, CODE_STRING, &name))
                        return false;
                if (take_named(s, "attach") && !take_text(s, CODE_STRING, &name))
                        return false;
                return take_named(s, "aadfa");
        }
}

/* ---- the automaton ----------------------------------------------------------------------------------------------------- */

static bool take_tables(Attachment *a, size_t size)
{
        const uint8_t *p = a->bytes, *end = a->bytes + size;

        if (size < 16 || big(p, 4) != TABLES_MAGIC || big(p + 4, 4) > size || big(p + 8, 4) > size)
                return false;
        end = p + big(p + 8, 4);
        for (p += big(p + 4, 4); p < end && end - p >= 12;) {
                uint32_t id = big(p, 2), width = big(p + 2, 2), length = big(p + 8, 4);
                uint64_t bytes = 12 + (uint64_t)width * length;

                if (id >= TABLE_MAX || (width != 1 && width != 2 && width != 4) || bytes > (uint64_t)(end - p))
                        return false;
                a->tables[id] = (Table){p + 12, width, length};
                p += MIN((bytes + 7) & ~UINT64_C(7), (uint64_t)(end - p));
        }
        return a->tables[TABLE_CLASS].length == 0 || a->tables[TABLE_CLASS].length >= 256;
}

Attachment *attachment_read(const uint8_t *data, size_t size, const char *profile)
{
        Stream s = {data, data + size};
        g_autoptr(Attachment) a = NULL;
        uint32_t bytes, pad = 0;

        if (size > ATTACHMENT_BYTES_MAX || !find_profile(&s, profile) || !take_code(&s, CODE_BLOB) || !take_number(&s, 4, &bytes) ||
            bytes > (size_t)(s.end - s.at))
                return NULL;
        /* The tables begin at a multiple of eight in the stream. */
        while (pad < 8 && pad + 4 <= bytes && big(s.at + pad, 4) != TABLES_MAGIC)
                pad++;
        a = g_new0(Attachment, 1);
        a->bytes = g_memdup2(s.at, bytes);
        if (pad >= bytes || !a->bytes)
                return NULL;
        memmove(a->bytes, a->bytes + pad, bytes - pad);
        if (!take_tables(a, bytes - pad))
                return NULL;
        s.at += bytes;
        if (take_code(&s, CODE_U32))
                (void)take_number(&s, 4, &a->weight);
        return g_steal_pointer(&a);
}

void attachment_free(Attachment *a)
{
        if (!a)
                return;
        g_free(a->bytes);
        g_free(a);
}

uint32_t attachment_weight(const Attachment *a)
{
        return a->weight;
}

static bool look_up(const Attachment *a, unsigned table, uint32_t i, uint32_t *ret)
{
        const Table *t = &a->tables[table];

        if (i >= t->length)
                return false;
        *ret = big(t->data + (size_t)i * t->width, t->width);
        return true;
}

static bool step(const Attachment *a, uint32_t *state, uint8_t byte)
{
        uint32_t class = byte, base, owner;

        if (a->tables[TABLE_CLASS].length > 0 && !look_up(a, TABLE_CLASS, byte, &class))
                return false;
        for (unsigned i = 0; i < DEFAULTS_MAX; i++) {
                if (!look_up(a, TABLE_BASE, *state, &base))
                        return false;
                if (look_up(a, TABLE_CHECK, (base & BASE_INDEX) + class, &owner) && owner == *state)
                        return look_up(a, TABLE_NEXT, (base & BASE_INDEX) + class, state);
                if (!look_up(a, TABLE_DEFAULT, *state, state))
                        return false;
                if (!(base & BASE_DIFFERENCE))
                        return true;
        }
        return false;
}

bool attachment_matches(const Attachment *a, const char *path)
{
        uint32_t state = STATE_FIRST, perms;

        for (; *path; path++)
                if (!step(a, &state, (uint8_t)*path))
                        return false;
        return look_up(a, TABLE_ACCEPT, state, &perms) && perms & PERM_MAY_EXEC;
}
