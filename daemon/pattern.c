/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pattern: AppArmor's globs as text. Wildcards are * ** ? [..] [^..] {a,b}; a backslash takes the next character as it is. */

#include "pattern.h"

#include <errno.h>
#include <string.h>

#include "policy.h"

/* Past the class that begins at @s ("[...]"); NULL if it does not end. A ']' right at the beginning is a member. */
static const char *skip_class(const char *s)
{
        const char *p = s + 1;

        if (*p == '^')
                p++;
        if (*p == ']')
                p++;
        for (; *p && *p != ']'; p++)
                if (*p == '\\' && p[1])
                        p++;

        return *p ? p + 1 : NULL;
}

/* What is wrong inside the class from @s up to @end. */
static char *check_class(const char *s, const char *end)
{
        const char *first = s + 1 + (s[1] == '^'), *last = end - 1;

        if (first == last)
                return g_strdup("found the empty set '[]'");
        for (const char *p = first; p < last; p++) {
                if (*p == '\\') {
                        p++;
                        continue;
                }
                if (*p == '/')
                        return g_strdup_printf("'/' inside the set '%.*s'; a set stands for one character but '/'",
                                               (int)(end - s), s);
                if ((unsigned char)*p >= 0x80)
                        return g_strdup_printf("a character beyond ASCII inside the set '%.*s'; write alternatives in "
                                               "braces: {a,b}",
                                               (int)(end - s), s);
                if (p[1] == '-' && p + 2 < last && (unsigned char)p[2] < (unsigned char)*p)
                        return g_strdup_printf("the range '%.3s' runs backwards", p);
        }

        return NULL;
}

typedef struct Group {
        const char *start;
        unsigned n_commas;
} Group;

/* Balance of brackets, braces and backslashes. */
static char *check_balance(const char *pattern)
{
        Group groups[PATTERN_NESTING_MAX];
        unsigned depth = 0;

        for (const char *p = pattern; *p; p++) {
                if (*p == '\\') {
                        if (!*++p)
                                return g_strdup("found a backslash at the end, expected a character after it");
                } else if (*p == '[') {
                        const char *end = skip_class(p);
                        char *why;

                        if (!end)
                                return g_strdup_printf("'[' without ']' at character %zu", (size_t)(p - pattern) + 1);
                        why = check_class(p, end);
                        if (why)
                                return why;
                        p = end - 1;
                } else if (*p == '{') {
                        if (depth == PATTERN_NESTING_MAX)
                                return g_strdup_printf("braces are nested more than %u deep", PATTERN_NESTING_MAX);
                        groups[depth++] = (Group){.start = p};
                } else if (*p == ',' && depth > 0)
                        groups[depth - 1].n_commas++;
                else if (*p == '}') {
                        if (depth == 0)
                                return g_strdup_printf("'}' without '{' at character %zu", (size_t)(p - pattern) + 1);
                        depth--;
                        if (groups[depth].n_commas == 0)
                                return g_strdup_printf("'%.*s' has one alternative, expected {a,b}",
                                                       (int)(p + 1 - groups[depth].start), groups[depth].start);
                }
        }

        if (depth > 0)
                return g_strdup_printf("'{' without '}' at character %zu", (size_t)(groups[depth - 1].start - pattern) + 1);

        return NULL;
}

/* Parts that no path has. Only where they are plain to see. */
static char *check_possible(const char *pattern)
{
        size_t n = strlen(pattern);

        if (strstr(pattern, "//"))
                return g_strdup("'//' never matches, a path has single slashes");
        if (strstr(pattern, "/./") || g_str_has_suffix(pattern, "/."))
                return g_strdup("'/.' as a directory never matches, write the path without it");
        if (strstr(pattern, "/../") || g_str_has_suffix(pattern, "/.."))
                return g_strdup("'/..' never matches, write the path without it");
        if (n > 1 && pattern[n - 1] == '/' && pattern[n - 2] != '\\')
                return g_strdup_printf("a path does not end in '/'; write '%.*s' for the directory, '%s**' for the "
                                       "directory and all below it",
                                       (int)(n - 1), pattern, pattern);
        if (pattern[0] == '{' && (pattern[1] == '/' || strstr(pattern, ",/")))
                return g_strdup("alternatives that begin with '/' within braces at the very beginning; write the '/' before "
                                "the brace: '/{a,b}'");

        return NULL;
}

char *pattern_check(const char *pattern)
{
        char *why;

        if (!*pattern)
                return g_strdup("found nothing, expected a path or a pattern");
        if (strlen(pattern) > POLICY_PATTERN_BYTES_MAX)
                return g_strdup_printf("%zu bytes, expected at most %u", strlen(pattern), POLICY_PATTERN_BYTES_MAX);

        why = check_balance(pattern);
        return why ?: check_possible(pattern);
}

char *pattern_literal(const char *pattern, size_t *ret_used)
{
        GString *s = g_string_new(NULL);
        const char *p = pattern;

        while (*p && !strchr("*?[{", *p)) {
                if (*p == '\\' && p[1])
                        p++;
                g_string_append_c(s, *p++);
        }

        *ret_used = (size_t)(p - pattern);
        return g_string_free(s, FALSE);
}

char *pattern_escape(const char *path)
{
        GString *s = g_string_new(NULL);

        for (; *path; path++) {
                if (strchr("*?[]{},\\^", *path))
                        g_string_append_c(s, '\\');
                g_string_append_c(s, *path);
        }

        return g_string_free(s, FALSE);
}

/* The first group of @s that no other contains: from @ret_open to past its '}'. False if there is none. */
static bool find_group(const char *s, const char **ret_open, const char **ret_end)
{
        unsigned depth = 0;

        for (const char *p = s; *p; p++) {
                if (*p == '\\' && p[1])
                        p++;
                else if (*p == '[') {
                        const char *end = skip_class(p);

                        if (!end)
                                return false;
                        p = end - 1;
                } else if (*p == '{') {
                        if (depth++ == 0)
                                *ret_open = p;
                } else if (*p == '}' && depth > 0 && --depth == 0) {
                        *ret_end = p + 1;
                        return true;
                }
        }

        return false;
}

/* Past the alternative that begins at @s: at its ',' or '}'. */
static const char *alternative_end(const char *s)
{
        unsigned depth = 0;

        for (; *s; s++) {
                if (*s == '\\' && s[1])
                        s++;
                else if (*s == '[') {
                        const char *end = skip_class(s);

                        if (!end)
                                return s + strlen(s);
                        s = end - 1;
                } else if (*s == '{')
                        depth++;
                else if (*s == '}' && depth > 0)
                        depth--;
                else if ((*s == '}' || *s == ',') && depth == 0)
                        return s;
        }

        return s;
}

int pattern_expand(const char *pattern, size_t max, char ***ret)
{
        g_autoptr(GPtrArray) todo = g_ptr_array_new_with_free_func(g_free), done = g_ptr_array_new_with_free_func(g_free);

        g_ptr_array_add(todo, g_strdup(pattern));
        while (todo->len > 0) {
                g_autofree char *s = g_ptr_array_steal_index(todo, 0);
                const char *open = NULL, *end = NULL, *p;
                guint at = 0;

                if (!find_group(s, &open, &end)) {
                        g_ptr_array_add(done, g_steal_pointer(&s));
                        continue;
                }
                for (p = open + 1; p < end; p++) {
                        const char *e = alternative_end(p);

                        if (todo->len + done->len >= max)
                                return -E2BIG;
                        g_ptr_array_insert(todo, (int)at++,
                                           g_strdup_printf("%.*s%.*s%s", (int)(open - s), s, (int)(e - p), p, end));
                        p = e;
                }
        }

        g_ptr_array_add(done, NULL);
        g_ptr_array_set_free_func(done, NULL);
        *ret = (char **)g_ptr_array_free(g_steal_pointer(&done), FALSE);
        return 0;
}
