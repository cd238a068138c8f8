/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Table: an automaton in the words of abi.h, seen from user space. A table that comes from elsewhere (a bundle, a map of the
 * kernel) is validated once; after that table_walk() may trust it. The walk is the matcher's twin. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

typedef enum TableKind {
        TABLE_POLICY,  /* accept records are struct va_accept, and words of groups behind start_exec */
        TABLE_TARGETS, /* struct va_cover */
} TableKind;

/* A place in an automaton. Two walks have come to the same place, so that nothing that follows tells them apart, exactly
 * when both fields are equal. */
typedef struct TablePlace {
        uint32_t state; /* state word; 0: nothing is accepted any more */
        uint32_t tail;  /* bytes into the literal tail that @state is */
} TablePlace;

/** table_validate() - are these @size bytes a table in which no walk leaves the table, finds a record that is none, or takes
 * for ever? At most VA_TAB_BIG words.
 * Return: 0, -EBADMSG. */
int table_validate(const void *data, size_t size, TableKind kind);

/** table_bytes() - of a table with @n_words words. */
static inline size_t table_bytes(uint32_t n_words)
{
        return sizeof(struct va_table) + sizeof(uint32_t) * n_words;
}

/* Of the tail at @at: words that its bytes take, and where each of them falls (VA_TAIL_FALL). */
static inline uint32_t tail_byte_words(const uint32_t *at)
{
        return ((at[0] & 0xff) + 3) / 4;
}

static inline const uint32_t *tail_falls(const uint32_t *at)
{
        return at + 2 + tail_byte_words(at);
}

/** table_walk() - from @from over @n bytes, any bytes. */
TablePlace table_walk(const struct va_table *t, TablePlace from, const void *bytes, size_t n);

/** table_accept_word() - index of the accept record at @p (0: none) | VA_A_REACH. */
uint32_t table_accept_word(const struct va_table *t, TablePlace p);

/** table_reaches() - is something denied (in exec and target automata: accepted) at @p, or after some continuation? */
bool table_reaches(const struct va_table *t, TablePlace p);

/** table_accept(), table_groups(), table_cover() - what @p accepts, by the kind of start; NULL or 0: nothing. Borrowed. */
const struct va_accept *table_accept(const struct va_table *t, TablePlace p);
uint32_t table_groups(const struct va_table *t, TablePlace p);
const struct va_cover *table_cover(const struct va_table *t, TablePlace p);

/** table_match(), table_match_exec(), table_match_cover() - a whole object or path from its start. @kind: VA_KIND_*; @group:
 * 0, or one of 1 .. n_groups. */
const struct va_accept *table_match(const struct va_table *t, uint32_t kind, uint32_t group, const char *object);
uint32_t table_match_exec(const struct va_table *t, const char *path);
const struct va_cover *table_match_cover(const struct va_table *t, const char *path);

/** table_dump() - everything that means something in a readable and deterministic form, to be freed by the caller. */
char *table_dump(const struct va_table *t, TableKind kind);
