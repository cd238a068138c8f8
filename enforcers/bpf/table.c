/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Table: walking, and believing. */

#include "table.h"

#include <errno.h>
#include <string.h>

/* Which records a walk may find, by where it began. */
typedef enum RecordKind {
        RECORD_ACCEPT,
        RECORD_GROUPS,
        RECORD_COVER,
        _RECORD_KIND_MAX,
} RecordKind;

static const uint32_t record_words[_RECORD_KIND_MAX] = {
        [RECORD_ACCEPT] = sizeof(struct va_accept) / 4,
        [RECORD_GROUPS] = 1,
        [RECORD_COVER] = sizeof(struct va_cover) / 4,
};

typedef struct Validation {
        const struct va_table *t;
        TableKind kind;
        uint32_t n_words;
        uint64_t words_left; /* states do not overlap: together they cannot have more than the table */
        GArray *todo;        /* of uint32_t: state words */
        uint8_t *seen;       /* by index of a state: as which of row, tail and sink */
        bool bad;
} Validation;

static bool record_is_valid(const Validation *v, uint32_t i, RecordKind kind)
{
        const struct va_table *t = v->t;
        uint32_t n = record_words[kind];
        const struct va_cover *cover;
        const struct va_accept *accept;

        if (i > v->n_words - n)
                return false;
        if (kind == RECORD_GROUPS)
                return true;
        if (i < t->accept_first || (i - t->accept_first) % n != 0 || (i - t->accept_first) / n >= t->accept_n)
                return false;
        if (kind == RECORD_ACCEPT) {
                accept = (const void *)&t->tab[i];
                for (unsigned bit = 0; bit < 4; bit++)
                        if ((accept->deny | accept->log | accept->allow) >> bit & 1 && accept->rule[bit] >= t->n_rules)
                                return false;
                return !((accept->deny | accept->log | accept->allow) >> 4);
        }
        cover = (const void *)&t->tab[i];
        if (cover->n > VA_COVER_MAX)
                return false;
        for (uint32_t k = 0; k < cover->n; k++)
                if (k > 0 && cover->slot[k - 1] >= cover->slot[k])
                        return false;
        return true;
}

static void visit(Validation *v, uint32_t s)
{
        uint32_t i = s & VA_S_INDEX;
        uint8_t as = s & VA_S_FINAL ? 1 : s & VA_S_TAIL ? 2 : 4;

        if (s == 0)
                return;
        if (i == 0 || i > v->n_words || s & ~(VA_S_FINAL | VA_S_TAIL | VA_S_INDEX)) {
                v->bad = true;
                return;
        }
        if (v->seen[i] & as)
                return;
        v->seen[i] |= as;
        g_array_append_val(v->todo, s);
}

static uint32_t check_tail(Validation *v, uint32_t i)
{
        const uint32_t *at = &v->t->tab[i];
        uint32_t n;

        if (v->n_words < VA_TAIL_ROOM || i > v->n_words - VA_TAIL_ROOM)
                return 0;
        n = at[0] & 0xff;
        if (n == 0 || at[0] & ~(0xffU | VA_TAIL_FALL | VA_A_REACH | VA_A_OPEN))
                return 0;
        visit(v, at[1]);
        if (!(at[0] & VA_TAIL_FALL))
                return 2 + tail_byte_words(at);
        /* Each fall is followed by a row, which eats a byte: so no walk falls for ever. */
        for (uint32_t k = 0; k < n; k++) {
                if (tail_falls(at)[k] & VA_S_TAIL)
                        return 0;
                visit(v, tail_falls(at)[k]);
        }
        return 2 + tail_byte_words(at) + n;
}

/* The state's words after its accept word; 0: the state is not valid. */
static uint32_t check_state(Validation *v, uint32_t s)
{
        const uint32_t *tab = v->t->tab;
        uint32_t i = s & VA_S_INDEX, n;

        if (s & VA_S_FINAL)
                return s & VA_S_TAIL ? 0 : 1;
        if (s & VA_S_TAIL)
                return check_tail(v, i);
        n = v->t->n_classes;
        if (n > v->n_words || i > v->n_words - n)
                return 0;
        for (uint32_t k = 0; k < n; k++)
                visit(v, tab[i + k]);
        return n;
}

static bool check_from(Validation *v, const uint32_t *starts, uint32_t n_starts, RecordKind kind)
{
        v->words_left = v->n_words;
        memset(v->seen, 0, v->n_words + 1);
        g_array_set_size(v->todo, 0);
        for (uint32_t i = 0; i < n_starts; i++)
                visit(v, starts[i]);
        while (v->todo->len > 0 && !v->bad) {
                uint32_t s = g_array_index(v->todo, uint32_t, v->todo->len - 1), i = s & VA_S_INDEX, n, accept;

                g_array_set_size(v->todo, v->todo->len - 1);
                n = check_state(v, s);
                if (n == 0 || n > v->words_left)
                        return false;
                v->words_left -= n;
                accept = v->t->tab[i - 1];
                if (accept & ~(VA_A_REACH | VA_A_OPEN | VA_A_INDEX))
                        return false;
                if (accept & VA_A_INDEX && !record_is_valid(v, accept & VA_A_INDEX, kind))
                        return false;
        }
        return !v->bad;
}

static bool check_header(const struct va_table *t, size_t size, TableKind kind)
{
        uint32_t n = record_words[kind == TABLE_POLICY ? RECORD_ACCEPT : RECORD_COVER];

        if (t->n_words == 0 || t->n_words > VA_TAB_BIG || size != table_bytes(t->n_words))
                return false;
        if (t->n_classes == 0 || t->n_classes > VA_CLASSES_MAX || t->n_groups > VA_GROUPS_MAX ||
            t->flags & ~(VA_T_BASE | VA_T_TRIAL | VA_T_NO_RAW | VA_T_DEVICES | VA_T_RECORD))
                return false;
        if (t->kinds & ~VA_KINDS_ALL || t->default_deny & ~t->kinds || t->n_rules > UINT16_MAX)
                return false;
        for (unsigned i = 0; i < 256; i++)
                if (t->class_of[i] >= t->n_classes)
                        return false;
        for (unsigned k = 0; k < VA_KIND_MAX; k++)
                for (unsigned i = t->n_groups + 1; i <= VA_GROUPS_MAX; i++)
                        if (t->start[k][i])
                                return false;
        for (unsigned k = 1; kind == TABLE_TARGETS && k < VA_KIND_MAX; k++)
                if (t->start[k][0])
                        return false;
        return t->accept_first <= t->n_words && t->accept_n <= (t->n_words - t->accept_first) / n;
}

int table_validate(const void *data, size_t size, TableKind kind)
{
        const struct va_table *t = data;
        g_autoptr(GArray) todo = NULL;
        g_autofree uint8_t *seen = NULL;
        Validation v;
        bool good;

        if (size < sizeof(struct va_table) || (uintptr_t)data % _Alignof(struct va_table) != 0 ||
            !check_header(t, size, kind))
                return -EBADMSG;
        todo = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        seen = g_malloc(t->n_words + 1);
        v = (Validation){.t = t, .kind = kind, .n_words = t->n_words, .todo = todo, .seen = seen};
        if (kind == TABLE_TARGETS)
                good = t->n_groups == 0 && t->start_exec == 0 && check_from(&v, t->start[VA_KIND_FILE], 1, RECORD_COVER);
        else
                good = check_from(&v, t->start[0], VA_KIND_MAX * (VA_GROUPS_MAX + 1), RECORD_ACCEPT) &&
                       check_from(&v, &t->start_exec, 1, RECORD_GROUPS);
        return good ? 0 : -EBADMSG;
}

TablePlace table_walk(const struct va_table *t, TablePlace from, const void *bytes, size_t n)
{
        const uint8_t *b = bytes, *end = b + n;
        uint32_t s = from.state, tail = from.tail;

        while (b < end && s && !(s & VA_S_FINAL)) {
                const uint32_t *at = &t->tab[s & VA_S_INDEX];

                if (!(s & VA_S_TAIL))
                        s = at[t->class_of[*b++]];
                else if (((const uint8_t *)&at[2])[tail] != *b) {
                        s = at[0] & VA_TAIL_FALL ? tail_falls(at)[tail] : 0;
                        tail = 0;
                } else {
                        b++;
                        if (++tail == (at[0] & 0xff)) {
                                tail = 0;
                                s = at[1];
                        }
                }
        }
        return (TablePlace){.state = s, .tail = tail};
}

uint32_t table_accept_word(const struct va_table *t, TablePlace p)
{
        if (p.state == 0)
                return 0;
        if (p.tail == 0)
                return t->tab[(p.state & VA_S_INDEX) - 1];
        return t->tab[p.state & VA_S_INDEX] & (VA_A_REACH | VA_A_OPEN);
}

bool table_reaches(const struct va_table *t, TablePlace p)
{
        return table_accept_word(t, p) & VA_A_REACH;
}

static const uint32_t *record(const struct va_table *t, TablePlace p)
{
        uint32_t i = table_accept_word(t, p) & VA_A_INDEX;

        return i ? &t->tab[i] : NULL;
}

const struct va_accept *table_accept(const struct va_table *t, TablePlace p)
{
        return (const void *)record(t, p);
}

uint32_t table_groups(const struct va_table *t, TablePlace p)
{
        const uint32_t *r = record(t, p);

        return r ? *r : 0;
}

const struct va_cover *table_cover(const struct va_table *t, TablePlace p)
{
        return (const void *)record(t, p);
}

static TablePlace walk_path(const struct va_table *t, uint32_t start, const char *path)
{
        return table_walk(t, (TablePlace){.state = start}, path, strlen(path));
}

const struct va_accept *table_match(const struct va_table *t, uint32_t kind, uint32_t group, const char *object)
{
        return table_accept(t, walk_path(t, t->start[kind][group], object));
}

uint32_t table_match_exec(const struct va_table *t, const char *path)
{
        return table_groups(t, walk_path(t, t->start_exec, path));
}

const struct va_cover *table_match_cover(const struct va_table *t, const char *path)
{
        return table_cover(t, walk_path(t, t->start[VA_KIND_FILE][0], path));
}
