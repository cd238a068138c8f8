/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Raw: see raw.h. A scanner, not a parser: what it cannot make out it leaves alone, and apparmor_parser has the last word. */

#include "raw.h"

#include <errno.h>
#include <string.h>

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_include(const char *p)
{
        return g_str_has_prefix(p, "#include") && (is_blank(p[8]) || p[8] == '<' || p[8] == '"');
}

/* Past blanks and comments. An old-fashioned "#include" is no comment. */
static const char *skip_blank(const char *p)
{
        for (;;) {
                while (is_blank(*p))
                        p++;
                if (*p != '#' || is_include(p))
                        return p;
                p += strcspn(p, "\n");
        }
}

/* Past the quoted string that begins at @p. */
static const char *skip_quoted(const char *p)
{
        for (p++; *p && *p != '"'; p++)
                if (*p == '\\' && p[1])
                        p++;
        return *p ? p + 1 : p;
}

/* The statement from @p on: what ends it. */
typedef struct Statement {
        const char *end;   /* at its ',' '{' or '}', at the end of an include's line, or of the text */
        bool block;        /* '{': it is a profile, a hat, a condition */
} Statement;

static Statement statement_end(const char *begin)
{
        const char *p = begin;
        unsigned parens = 0, braces = 0;

        if (is_include(p) || (g_str_has_prefix(p, "include") && is_blank(p[7]))) {
                p += strcspn(p, "\n");
                return (Statement){.end = p};
        }
        while (*p) {
                if (*p == '"') {
                        p = skip_quoted(p);
                        continue;
                }
                if (*p == '\\' && p[1]) {
                        p += 2;
                        continue;
                }
                if (*p == '#' && p > begin && is_blank(p[-1])) {
                        p += strcspn(p, "\n");
                        continue;
                }
                if (*p == '(')
                        parens++;
                else if (*p == ')' && parens > 0)
                        parens--;
                else if (*p == '{') {
                        /* A block's brace stands by itself, one of a pattern within a word. */
                        if (braces == 0 && parens == 0 && (p == begin || is_blank(p[-1]) || p[-1] == ')'))
                                return (Statement){.end = p, .block = true};
                        braces++;
                } else if (*p == '}') {
                        if (braces == 0)
                                return (Statement){.end = p};
                        braces--;
                } else if (*p == ',' && parens == 0 && braces == 0)
                        return (Statement){.end = p};
                p++;
        }
        return (Statement){.end = p};
}

/* The word at @p; its length. */
static size_t word_length(const char *p, const char *end)
{
        const char *s = p;

        if (*p == '"')
                return (size_t)(MIN(skip_quoted(p), end) - p);
        while (s < end && !is_blank(*s))
                s += *s == '\\' && s + 1 < end ? 2 : 1;
        return (size_t)(MIN(s, end) - p);
}

static bool word_is(const char *p, size_t n, const char *word)
{
        return strlen(word) == n && memcmp(p, word, n) == 0;
}

/* ---- disposition --------------------------------------------------------------------------------------------------- */

static bool is_permissions(const char *p, size_t n)
{
        bool x = false;

        for (size_t i = 0; i < n; i++) {
                if (!strchr("rwaxlkm", p[i]))
                        return false;
                x |= p[i] == 'x';
        }
        return x;
}

/* A rule that is let through has to say how what it executes is confined. */
static void append_allowed(GString *s, const char *p, const char *end)
{
        while (p < end) {
                size_t n;

                if (is_blank(*p)) {
                        g_string_append_c(s, *p++);
                        continue;
                }
                if (*p == '#') {
                        n = MIN(strcspn(p, "\n"), (size_t)(end - p));
                        g_string_append_len(s, p, (gssize)n);
                        p += n;
                        continue;
                }
                n = word_length(p, end);
                for (size_t i = 0; i < n; i++) {
                        if (p[i] == 'x' && is_permissions(p, n))
                                g_string_append_c(s, 'i');
                        g_string_append_c(s, p[i]);
                }
                p += n;
        }
}

/* The text in which nothing stands but ends of lines. */
static void append_blanked(GString *s, const char *p, const char *end)
{
        for (; p < end; p++)
                g_string_append_c(s, *p == '\n' ? '\n' : ' ');
}

typedef struct Qualifiers {
        const char *deny, *rest; /* NULL: no deny; behind the qualifiers */
        bool audit;
} Qualifiers;

static Qualifiers qualifiers_of(const char *p, const char *end)
{
        Qualifiers q = {0};

        for (;;) {
                size_t n;

                p = skip_blank(p);
                if (p >= end)
                        break;
                n = word_length(p, end);
                if (word_is(p, n, "deny"))
                        q.deny = p;
                else if (word_is(p, n, "audit"))
                        q.audit = true;
                else if (!word_is(p, n, "allow") && !word_is(p, n, "owner") && !word_is(p, n, "quiet") &&
                         !(n > 9 && memcmp(p, "priority=", 9) == 0))
                        break;
                p += n;
        }
        q.rest = MIN(p, end);
        return q;
}

static void append_statement(GString *s, const char *p, const char *end, RawDisposition d)
{
        Qualifiers q = qualifiers_of(p, end);

        if (!q.deny || d == RAW_AS_IS || (d == RAW_REPORT && q.audit)) {
                g_string_append_len(s, p, end - p);
                return;
        }
        if (d == RAW_REPORT) {
                g_string_append(s, "audit ");
                g_string_append_len(s, p, end - p);
                return;
        }
        /* Only a word of its own in the rule tells that it wanted a report, too. */
        if (d == RAW_NOTHING && !q.audit) {
                append_blanked(s, p, end);
                return;
        }
        if (!q.audit)
                g_string_append(s, "audit ");
        g_string_append_len(s, p, q.deny - p);
        append_blanked(s, q.deny, q.deny + strlen("deny"));
        g_string_append_len(s, q.deny + strlen("deny"), q.rest - q.deny - (gssize)strlen("deny"));
        append_allowed(s, q.rest, end);
}

static bool vanishes(const char *p, const char *end, RawDisposition d)
{
        Qualifiers q = qualifiers_of(p, end);

        return d == RAW_NOTHING && q.deny && !q.audit;
}

char *raw_dispose(const char *text, RawDisposition d, bool *ret_includes)
{
        GString *s = g_string_new(NULL);
        const char *p = text;
        bool includes = false;

        while (*p) {
                const char *begin = skip_blank(p);
                Statement st;

                g_string_append_len(s, p, begin - p);
                if (!*begin)
                        break;
                st = statement_end(begin);
                includes |= is_include(begin) || g_str_has_prefix(begin, "include");
                if (st.block || st.end == begin)
                        g_string_append_len(s, begin, st.end - begin);
                else
                        append_statement(s, begin, st.end, d);
                p = st.end;
                if (*p == ',' && vanishes(begin, st.end, d)) {
                        g_string_append_c(s, ' ');
                        p++;
                } else if (*p == ',' || *p == '{' || *p == '}')
                        g_string_append_c(s, *p++);
        }
        if (ret_includes)
                *ret_includes = includes;
        return g_string_free(s, FALSE);
}

/* ---- whole profiles ------------------------------------------------------------------------------------------------ */

void raw_profile_done(RawProfile *p)
{
        g_clear_pointer(&p->preamble, g_free);
        g_clear_pointer(&p->header, g_free);
        g_clear_pointer(&p->body, g_free);
        g_clear_pointer(&p->flags, g_free);
}

/* What may stand before a profile. */
static bool is_preamble(const char *p)
{
        static const char *const words[] = {"abi", "include", "#include", "alias", "@{", "${", NULL};

        for (const char *const *w = words; *w; w++)
                if (g_str_has_prefix(p, *w))
                        return true;
        return false;
}

/* Past a statement of the preamble: one line. */
static const char *skip_preamble(const char *p)
{
        return p + strcspn(p, "\n");
}

/* At the '}' that ends the block whose inside begins at @p; NULL: it does not end. */
static const char *block_end(const char *p)
{
        unsigned depth = 0;

        for (;;) {
                Statement st;

                p = skip_blank(p);
                if (!*p)
                        return NULL;
                st = statement_end(p);
                if (*st.end == '}') {
                        if (depth-- == 0)
                                return st.end;
                } else if (st.block)
                        depth++;
                p = *st.end ? st.end + 1 : st.end;
        }
}

static char *flags_of(const char *header)
{
        const char *p = strstr(header, "flags"), *end;

        if (p) {
                p += strlen("flags");
                while (is_blank(*p) || *p == '=')
                        p++;
        } else
                p = strchr(header, '(');
        if (!p || *p != '(')
                return NULL;
        end = strchr(++p, ')');
        return end ? g_strndup(p, (gsize)(end - p)) : NULL;
}

int raw_profile_split(const char *text, RawProfile *ret, const char **ret_why)
{
        const char *p = skip_blank(text), *end, *rest;
        Statement st;
        bool preamble = false;

        while (is_preamble(p)) {
                preamble |= g_str_has_prefix(p, "abi") || *p == '@' || *p == '$' || g_str_has_prefix(p, "alias");
                p = skip_blank(skip_preamble(p));
        }
        st = statement_end(p);
        if (!st.block || !(g_str_has_prefix(p, "profile") || *p == '/' || *p == '"')) {
                if (!preamble)
                        return 0;
                *ret_why = "'abi', variables and 'alias' stand before a profile: expected 'profile NAME { ... }' after them";
                return -EBADMSG;
        }
        end = block_end(st.end + 1);
        if (!end) {
                *ret_why = "the profile's '{' has no '}'";
                return -EBADMSG;
        }
        rest = skip_blank(end + 1);
        if (*rest) {
                if (p == skip_blank(text))
                        return 0; /* a child profile, and rules after it */
                *ret_why = "expected one profile, found more after its '}'; children stand within it";
                return -EBADMSG;
        }
        ret->preamble = g_strndup(text, (gsize)(p - text));
        ret->header = g_strndup(p, (gsize)(st.end - p));
        ret->body = g_strndup(st.end + 1, (gsize)(end - st.end - 1));
        ret->flags = flags_of(ret->header);
        return 1;
}

bool raw_has_variables(const char *text)
{
        for (const char *p = text; *p; p++) {
                if (*p == '#' && (p == text || is_blank(p[-1])) && !is_include(p)) {
                        p += strcspn(p, "\n");
                        if (!*p)
                                return false;
                } else if (*p == '\\' && p[1])
                        p++;
                else if (p[0] == '@' && p[1] == '{')
                        return true;
        }
        return false;
}
