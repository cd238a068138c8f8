/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Fields: a mapping is read by a table that lists its keys. Unknown keys, wrong types and missing keys are reported here, once
 * for the whole language; a callback judges what only its field knows. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "op.h"
#include "yaml-tree.h"

typedef struct Field Field;

/* Reads @n, which is not null, into @out, a member of the caller's struct. Reports what is wrong. */
typedef void (*FieldParse)(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d);

struct Field {
        const char *name;
        FieldParse parse;
        size_t offset;        /* of the member of the struct that fields_parse() is given */
        bool required;
        const void *arg;      /* the callback's own: a table of words, ... */
        const char *refused;  /* a key of vArmor that is not ours: the reason */
};

/** fields_parse() - read the mapping @n by @fields, which ends with a NULL name.
 * @what: how messages call the mapping: "spec.target".
 * @n: NULL or null: nothing is read, the required fields are missed (at @pos).
 * Return: 0, -EBADMSG. */
int fields_parse(const YamlNode *n, const SourcePos *pos, const char *what, const Field *fields, void *out, void *userdata,
                 Diag *d);

/** fields_expect() - report and return false unless @n is of @type; @what names it. */
bool fields_expect(const YamlNode *n, YamlType type, const char *what, Diag *d);

/** fields_bad_value() - "found X as WHAT, expected EXPECTED". */
void fields_bad_value(const YamlNode *n, const char *what, const char *expected, Diag *d);

/** fields_unknown_word() - @word is none of @words: say so, suggest one, list them where they are few. */
void fields_unknown_word(const SourcePos *pos, const char *code, const char *what, const char *word,
                         const char *const *words, Diag *d);

/* Ready-made callbacks, by the type of the member. */
void field_string(const Field *f, const YamlNode *n, void *out /* char * */, void *userdata, Diag *d);
void field_bool(const Field *f, const YamlNode *n, void *out /* bool */, void *userdata, Diag *d);
void field_strings(const Field *f, const YamlNode *n, void *out /* char **, not empty */, void *userdata, Diag *d);
/* A list of words of the Word table in arg, as bits. */
void field_words(const Field *f, const YamlNode *n, void *out /* uint64_t */, void *userdata, Diag *d);

/* Keeps the node for the caller to read. */
void field_node(const Field *f, const YamlNode *n, void *out /* const YamlNode * */, void *userdata, Diag *d);
/* The key is known; the caller reads its value by yaml_get(). */
void field_later(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d);

/** fields_get_string() - a scalar as text; NULL and a report if @n is none, or empty. Borrowed. */
const char *fields_get_string(const YamlNode *n, const char *what, Diag *d);

/** fields_get_uint() - a number, decimal or 0x... or 0o..., in @min .. @max. Return: 0; -EBADMSG, reported. */
int fields_get_uint(const YamlNode *n, const char *what, uint64_t min, uint64_t max, uint64_t *ret, Diag *d);

/** DEFINE_FIELD_ENUM() - a callback for a member of an enum type that has prefix_to_string() and prefix_from_string(). */
#define DEFINE_FIELD_ENUM(function, type, prefix, max)                                                                  \
        static void function(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)                     \
        {                                                                                                               \
                const char *words[(max) + 1] = {NULL}, *s = fields_get_string(n, f->name, d);                           \
                                                                                                                        \
                if (!s)                                                                                                 \
                        return;                                                                                         \
                for (int i = 0; i < (int)(max); i++)                                                                    \
                        words[i] = prefix##_to_string((type)i);                                                         \
                if ((int)prefix##_from_string(s) < 0)                                                                   \
                        fields_unknown_word(&n->pos, "bad-value", f->name, s, words, d);                                \
                else                                                                                                    \
                        *(type *)out = prefix##_from_string(s);                                                         \
        }
