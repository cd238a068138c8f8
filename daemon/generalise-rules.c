/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules for generalising, and the patterns that they speak of: see generalise.h. */

#include <errno.h>
#include <string.h>

#include "fields.h"
#include "generalise.h"
#include "pattern.h"
#include "yaml-tree.h"

DEFINE_FIELD_ENUM(field_strictness, Strictness, strictness, _STRICTNESS_MAX)

/* ---- matching ------------------------------------------------------------------------------------------------------------------ */

/* Whether the set at *@p, behind its '[', has @c; *@p is moved behind its ']'. */
static bool in_set(const char **p, unsigned char c)
{
        bool negated = **p == '^', in = false, first = true;

        *p += negated;
        for (; **p && (first || **p != ']'); first = false) {
                unsigned char low = (unsigned char)(**p == '\\' && (*p)[1] ? *++*p : **p), high = low;

                ++*p;
                if (**p == '-' && (*p)[1] && (*p)[1] != ']') {
                        high = (unsigned char)(*p)[1];
                        *p += 2;
                }
                in |= c >= low && c <= high;
        }
        *p += **p == ']';
        return in != negated && c != '/';
}

/* One byte of the text against one token that is no star. */
static bool matches_byte(const char **p, unsigned char c)
{
        switch (*(*p)++) {
        case '?':
                return c != '/';
        case '[':
                return in_set(p, c);
        case '\\':
                return (unsigned char)*(*p)++ == c;
        default:
                return (unsigned char)(*p)[-1] == c;
        }
}

/* The usual walk: of each sort of star only the last one has to be tried again. */
static bool matches(const char *p, const char *s)
{
        const char *star = NULL, *star_at = NULL, *stars = NULL, *stars_at = NULL;

        for (;;) {
                if (p[0] == '*' && p[1] == '*') {
                        stars = p += 2;
                        stars_at = s;
                        star = NULL;
                        continue;
                }
                if (*p == '*') {
                        star = ++p;
                        star_at = s;
                        continue;
                }
                if (!*p && !*s)
                        return true;
                if (*p && *s && matches_byte(&p, (unsigned char)*s)) {
                        s++;
                        continue;
                }
                if (star && *star_at && *star_at != '/') {
                        s = ++star_at;
                        p = star;
                } else if (stars && *stars_at) {
                        s = ++stars_at;
                        p = stars;
                        star = NULL;
                } else
                        return false;
        }
}

bool generalise_match(const char *pattern, const char *bytes)
{
        size_t n = strlen(pattern);

        if (matches(pattern, bytes))
                return true;
        if (g_str_has_suffix(pattern, "/**")) {
                g_autofree char *dir = g_strndup(pattern, n - 3);

                return matches(dir, bytes);
        }
        return false;
}

bool generalise_matches_any(char *const *patterns, const char *bytes)
{
        for (; patterns && *patterns; patterns++)
                if (generalise_match(*patterns, bytes))
                        return true;
        return false;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------- */

static void example_free(GeneraliseExample *e)
{
        g_free(e->path);
        g_free(e->becomes);
        g_free(e);
}

static void rule_done(GeneraliseRule *r)
{
        g_strfreev(r->under);
        g_clear_pointer(&r->match, g_regex_unref);
        g_free(r->id);
        g_free(r->pattern);
        g_free(r->why);
        g_clear_pointer(&r->examples, g_ptr_array_unref);
        g_free(r);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GeneraliseRule, rule_done)

void generalise_rules_free(GeneraliseRules *r)
{
        if (!r)
                return;
        g_ptr_array_unref(r->rules);
        g_strfreev(r->keep);
        g_free(r);
}

static void field_regex(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        const char *s = fields_get_string(n, f->name, d);
        g_autoptr(GError) error = NULL;
        GRegex *regex;

        if (!s)
                return;
        if (strlen(s) > GENERALISE_REGEX_BYTES_MAX) {
                fields_bad_value(n, f->name, "a regular expression of at most 512 bytes", d);
                return;
        }
        /* Bytes, not characters: paths may hold anything. */
        regex = g_regex_new(s, G_REGEX_RAW | G_REGEX_DOLLAR_ENDONLY | G_REGEX_DOTALL, 0, &error);
        if (!regex)
                diag_error(d, &n->pos, "bad-value", "'%s' is no regular expression: %s", f->name, error->message);
        else
                *(GRegex **)out = regex;
}

/* A pattern for a part of a component. */
static void field_part(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        const char *s = fields_get_string(n, f->name, d);
        g_autofree char *whole = s ? g_strconcat("/", s, NULL) : NULL, *why = s ? pattern_check(whole) : NULL;

        if (!s)
                return;
        if (why)
                diag_error(d, &n->pos, "bad-pattern", "'%s' as '%s': %s", s, f->name, why);
        else if (strpbrk(s, "/{}") || strstr(s, "**"))
                fields_bad_value(n, f->name, "a pattern within one component: no '/', no braces, no '**'", d);
        else
                *(char **)out = g_strdup(s);
}

static void field_dirs(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        char ***list = out;

        field_strings(f, n, out, userdata, d);
        for (char **p = *list; p && *p; p++) {
                g_autofree char *why = pattern_check(*p);

                if (why)
                        diag_error(d, &n->pos, "bad-pattern", "'%s' in '%s': %s", *p, f->name, why);
                else if (**p != '/' || strpbrk(*p, "{}"))
                        diag_error(d, &n->pos, "bad-pattern", "'%s' in '%s': expected a directory from '/' on, without braces", *p, f->name);
        }
}

static const Field example_fields[] = {
        {"path", field_string, offsetof(GeneraliseExample, path), true},
        {"becomes", field_string, offsetof(GeneraliseExample, becomes), true},
        {NULL},
};

static void field_examples(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        GPtrArray *list;

        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;
        list = g_ptr_array_new_with_free_func((GDestroyNotify)example_free);
        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];
                GeneraliseExample *e = g_new0(GeneraliseExample, 1);

                e->pos = item->pos;
                (void)fields_parse(item, &item->pos, "examples", example_fields, e, NULL, d);
                g_ptr_array_add(list, e);
        }
        g_clear_pointer((GPtrArray **)out, g_ptr_array_unref);
        *(GPtrArray **)out = list;
}

static const Field rule_fields[] = {
        {"id", field_string, offsetof(GeneraliseRule, id), true},
        {"strictness", field_strictness, offsetof(GeneraliseRule, strictness), true},
        {"under", field_dirs, offsetof(GeneraliseRule, under)},
        {"match", field_regex, offsetof(GeneraliseRule, match), true},
        {"pattern", field_part, offsetof(GeneraliseRule, pattern), true},
        {"why", field_string, offsetof(GeneraliseRule, why), true},
        {"examples", field_examples, offsetof(GeneraliseRule, examples), true},
        {NULL},
};

static void field_rules(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        GPtrArray *rules = *(GPtrArray **)out;

        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;
        if (n->items->len > GENERALISE_RULES_MAX) {
                fields_bad_value(n, f->name, "at most 256 rules", d);
                return;
        }
        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];
                g_autoptr(GeneraliseRule) r = g_new0(GeneraliseRule, 1);

                r->pos = item->pos;
                if (fields_parse(item, &item->pos, f->name, rule_fields, r, NULL, d) >= 0 && r->match && r->pattern && r->id)
                        g_ptr_array_add(rules, g_steal_pointer(&r));
        }
}

static void field_count(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        (void)fields_get_uint(n, f->name, 2, MODEL_OPS_MAX, out, d);
}

static const Field siblings_fields[] = {
        {"strict", field_count, STRICTNESS_STRICT * sizeof(uint64_t)},
        {"normal", field_count, STRICTNESS_NORMAL * sizeof(uint64_t)},
        {"loose", field_count, STRICTNESS_LOOSE * sizeof(uint64_t)},
        {NULL},
};

static void field_siblings(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        (void)fields_parse(n, &n->pos, f->name, siblings_fields, out, NULL, d);
}

static const Field file_fields[] = {
        {"rules", field_rules, offsetof(GeneraliseRules, rules), true},
        {"keep", field_dirs, offsetof(GeneraliseRules, keep)},
        {"siblings", field_siblings, offsetof(GeneraliseRules, siblings)},
        {NULL},
};

int generalise_rules_parse(const char *text, size_t size, const char *file, GeneraliseRules **ret, Diag *d)
{
        g_autoptr(GeneraliseRules) r = g_new0(GeneraliseRules, 1);
        g_autoptr(GPtrArray) documents = NULL;
        SourcePos pos = {.file = g_intern_string(file)};
        uint32_t errors = d->n_errors;
        bool complete;

        r->rules = g_ptr_array_new_with_free_func((GDestroyNotify)rule_done);
        if (yaml_parse(text, size, file, &documents, &complete, d) < 0)
                return -EBADMSG;
        if (documents->len != 1)
                diag_error(d, &pos, "bad-document", "found %u documents, expected one", documents->len);
        else
                (void)fields_parse(documents->pdata[0], &pos, "the file", file_fields, r, NULL, d);
        if (d->n_errors > errors)
                return -EBADMSG;
        *ret = g_steal_pointer(&r);
        return 0;
}
