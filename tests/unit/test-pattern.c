/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pattern: what is well formed, what is refused and with which words, literal beginnings, alternatives. */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "pattern.h"
#include "policy.h"

static void test_good(void)
{
        static const char *const good[] = {
                "/", "/etc/**", "**", "*.log", "**ping", "/**/{sh,bash}", "/a[bc]d", "/a[^bc]", "/a[]]b", "/a[^]]b", "/a[a-z]",
                "/a\\{b", "/a\\[b", "/a,b", "/{,var/}run", "/{a,{b,c}}", "/a\\\\", "/a/...", "/a/..b", "/.ssh", "/\303\244",
                "/a[\\]]", "/[{]", "sh", "/a/\\/",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
                g_autofree char *why = pattern_check(good[i]);

                if (why)
                        g_test_message("%s: %s", good[i], why);
                g_assert_null(why);
        }
}

static void test_bad(void)
{
        static const struct {
                const char *pattern, *why;
        } bad[] = {
                {"", "found nothing"}, {"/a[b", "'[' without ']' at character 3"}, {"/a[", "'[' without"},
                {"/a[^", "'[' without"}, {"/a[]", "'[' without"}, {"/{a,b", "'{' without '}' at character 2"},
                {"/a}", "'}' without '{' at character 3"}, {"/{a}", "one alternative"}, {"/{}", "one alternative"},
                {"/{a,{b}}", "'{b}' has one alternative"}, {"/a\\", "backslash at the end"}, {"//a", "'//' never"},
                {"/a/./b", "never matches"}, {"/a/.", "never matches"}, {"/a/../b", "'/..' never"}, {"/a/..", "'/..' never"},
                {"/a/", "write '/a' for the directory, '/a/**'"}, {"{/a,/b}/c", "'/{a,b}'"}, {"/[z-a]", "runs backwards"},
                {"/[a/b]", "'/' inside"}, {"/[\303\244]", "beyond ASCII"},
                {"/{{{{{{{{{a,b},c},d},e},f},g},h},i},j}", "nested more than 8"},
        };
        g_autofree char *most = g_strnfill(POLICY_PATTERN_BYTES_MAX, 'a'), *over = g_strnfill(POLICY_PATTERN_BYTES_MAX + 1, 'a');
        g_autofree char *why_most = pattern_check(most), *why_over = pattern_check(over);

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autofree char *why = pattern_check(bad[i].pattern);

                g_test_message("%s: %s", bad[i].pattern, why ?: "accepted");
                g_assert_nonnull(why);
                g_assert_nonnull(strstr(why, bad[i].why));
        }
        g_assert_null(why_most);
        g_assert_cmpstr(why_over, ==, "4096 bytes, expected at most 4095");
}

static void test_literal(void)
{
        static const struct {
                const char *pattern, *literal;
                size_t used;
        } cases[] = {
                {"/bin/sh", "/bin/sh", 7}, {"/etc/**", "/etc/", 5}, {"/a\\*b*", "/a*b", 5}, {"*", "", 0},
                {"/a[b]", "/a", 2}, {"/{a,b}", "/", 1}, {"", "", 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                size_t used = 99;
                g_autofree char *s = pattern_literal(cases[i].pattern, &used);

                g_assert_cmpstr(s, ==, cases[i].literal);
                g_assert_cmpuint(used, ==, cases[i].used);
        }
}

static void test_expand(void)
{
        static const struct {
                const char *pattern, *all;
        } cases[] = {
                {"/a", "/a"}, {"/{a,b}c", "/ac /bc"}, {"/{,usr/}bin/{sh,ash}", "/bin/sh /bin/ash /usr/bin/sh /usr/bin/ash"},
                {"/{a,{b,c}d}e", "/ae /bde /cde"}, {"/[{]x", "/[{]x"}, {"/\\{a,b\\}", "/\\{a,b\\}"}, {"/{a\\,b,c}", "/a\\,b /c"},
                {"/{a,}", "/a /"}, {"/{[,],x}", "/[,] /x"},
        };
        g_auto(GStrv) none = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(GStrv) list = NULL;
                g_autofree char *joined = NULL;

                g_assert_cmpint(pattern_expand(cases[i].pattern, 16, &list), ==, 0);
                joined = g_strjoinv(" ", list);
                g_assert_cmpstr(joined, ==, cases[i].all);
        }

        g_assert_cmpint(pattern_expand("/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", 64, &none), ==, -E2BIG);
        g_assert_cmpint(pattern_expand("/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", 64, &none), ==, 0);
        g_assert_cmpuint(g_strv_length(none), ==, 64);
}

static void test_escape(void)
{
        g_autofree char *s = pattern_escape("/a*{b,c}[d]?\\^");

        g_assert_cmpstr(s, ==, "/a\\*\\{b\\,c\\}\\[d\\]\\?\\\\\\^");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/pattern/good", test_good);
        g_test_add_func("/pattern/bad", test_bad);
        g_test_add_func("/pattern/literal", test_literal);
        g_test_add_func("/pattern/expand", test_expand);
        g_test_add_func("/pattern/escape", test_escape);
        return g_test_run();
}
