/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fields: reads mappings by tables, and the plain types of their values. */

#include "fields.h"

#include <errno.h>
#include <string.h>

#define LISTED_WORDS_MAX 24U /* more than these are not listed in a message */
#define SHOWN_BYTES_MAX 80   /* of a word from outside */

static const char *const type_names[_YAML_TYPE_MAX] = {
        [YAML_SCALAR] = "a single value",
        [YAML_SEQUENCE] = "a list",
        [YAML_MAPPING] = "a mapping",
};

bool fields_expect(const YamlNode *n, YamlType type, const char *what, Diag *d)
{
        if (n->type == type)
                return true;

        fields_bad_value(n, what, type_names[type], d);
        return false;
}

void fields_bad_value(const YamlNode *n, const char *what, const char *expected, Diag *d)
{
        g_autofree char *found = yaml_describe(n);

        diag_error(d, &n->pos, n->type == YAML_SCALAR && !yaml_is_null(n) ? "bad-value" : "bad-type",
                   "found %s as '%s', expected %s", found, what, expected);
}

void fields_unknown_word(const SourcePos *pos, const char *code, const char *what, const char *word,
                         const char *const *words, Diag *d)
{
        /* What is not kept needs no search. */
        const char *suggestion = d->n_errors < DIAG_MESSAGES_MAX ? diag_suggest(word, words) : NULL;
        g_autoptr(GString) s = g_string_new(NULL);
        guint n = g_strv_length((char **)words);

        if (suggestion)
                g_string_append_printf(s, "; did you mean '%s'?", suggestion);
        else if (n <= LISTED_WORDS_MAX) {
                g_string_append(s, "; expected ");
                for (guint i = 0; i < n; i++)
                        g_string_append_printf(s, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", words[i]);
        } else if (strcmp(code, "unknown-rule") == 0)
                g_string_append(s, "; varmor-rules(7) lists those that come with varmor");

        diag_error(d, pos, code, "unknown %s '%.*s'%s", what, SHOWN_BYTES_MAX, word, s->str);
}

static void unknown_key(const YamlPair *p, const char *what, const Field *fields, Diag *d)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        g_autofree char *key = g_strdup_printf("key in '%s':", what);

        for (const Field *f = fields; f->name; f++)
                if (!f->refused)
                        g_ptr_array_add(names, (void *)f->name);
        g_ptr_array_add(names, NULL);

        fields_unknown_word(&p->pos, "unknown-key", key, p->key, (const char *const *)names->pdata, d);
}

static const Field *find_field(const Field *fields, const char *name)
{
        for (const Field *f = fields; f->name; f++)
                if (strcmp(f->name, name) == 0)
                        return f;

        return NULL;
}

int fields_parse(const YamlNode *n, const SourcePos *pos, const char *what, const Field *fields, void *out, void *userdata,
                 Diag *d)
{
        uint32_t errors = d->n_errors;

        if (n && !yaml_is_null(n) && !fields_expect(n, YAML_MAPPING, what, d))
                return -EBADMSG;

        for (guint i = 0; n && n->type == YAML_MAPPING && i < n->pairs->len; i++) {
                const YamlPair *p = n->pairs->pdata[i];
                const Field *f = find_field(fields, p->key);

                if (!f)
                        unknown_key(p, what, fields, d);
                else if (f->refused)
                        diag_error(d, &p->pos, "refused-key", "'%s' is not supported: %s", p->key, f->refused);
                else if (!yaml_is_null(p->value))
                        f->parse(f, p->value, out ? (char *)out + f->offset : NULL, userdata, d);
        }

        for (const Field *f = fields; f->name; f++)
                if (f->required && yaml_is_null(yaml_get(n, f->name)))
                        diag_error(d, n ? &n->pos : pos, "missing-key", "'%s' lacks the key '%s'", what, f->name);

        return d->n_errors > errors ? -EBADMSG : 0;
}

const char *fields_get_string(const YamlNode *n, const char *what, Diag *d)
{
        if (!fields_expect(n, YAML_SCALAR, what, d))
                return NULL;
        if (!*n->scalar || yaml_is_null(n)) {
                fields_bad_value(n, what, "text", d);
                return NULL;
        }

        return n->scalar;
}

int fields_get_uint(const YamlNode *n, const char *what, uint64_t min, uint64_t max, uint64_t *ret, Diag *d)
{
        g_autofree char *expected = NULL;
        const char *s = n->type == YAML_SCALAR ? n->scalar : "";
        unsigned base = 10;
        guint64 value;

        if (g_str_has_prefix(s, "0x") || g_str_has_prefix(s, "0o")) {
                base = s[1] == 'x' ? 16 : 8;
                s += 2;
        }

        if (n->type == YAML_SCALAR && g_ascii_string_to_unsigned(s, base, min, max, &value, NULL)) {
                *ret = value;
                return 0;
        }

        expected = g_strdup_printf("a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, min, max);
        fields_bad_value(n, what, expected, d);
        return -EBADMSG;
}

void field_string(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        const char *s = fields_get_string(n, f->name, d);

        if (!s)
                return;
        g_free(*(char **)out);
        *(char **)out = g_strdup(s);
}

void field_bool(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        static const char *const yes[] = {"true", "True", "TRUE", NULL}, *const no[] = {"false", "False", "FALSE", NULL};

        if (n->type == YAML_SCALAR && !n->quoted && g_strv_contains(yes, n->scalar))
                *(bool *)out = true;
        else if (n->type == YAML_SCALAR && !n->quoted && g_strv_contains(no, n->scalar))
                *(bool *)out = false;
        else
                fields_bad_value(n, f->name, "true or false", d);
}

void field_strings(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        g_autoptr(GPtrArray) list = NULL;

        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;

        list = g_ptr_array_new_with_free_func(g_free);
        for (guint i = 0; i < n->items->len; i++) {
                const char *s = fields_get_string(n->items->pdata[i], f->name, d);

                if (s)
                        g_ptr_array_add(list, g_strdup(s));
        }
        g_ptr_array_add(list, NULL);

        g_ptr_array_set_free_func(list, NULL);
        g_strfreev(*(char ***)out);
        *(char ***)out = (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

void field_words(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        const Word *words = f->arg;
        uint64_t bits = 0;

        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;
        if (n->items->len == 0)
                fields_bad_value(n, f->name, "at least one word", d);

        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];
                const char *s = fields_get_string(item, f->name, d);
                uint64_t found = s ? words_find(words, s) : 0;

                if (s && !found) {
                        g_autofree const char **names = words_names(words);

                        fields_unknown_word(&item->pos, "bad-value", f->name, s, names, d);
                }
                bits |= found;
        }

        *(uint64_t *)out = bits;
}

void field_node(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        *(const YamlNode **)out = n;
}

void field_later(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
}
