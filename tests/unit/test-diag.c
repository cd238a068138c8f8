/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Diag: what is kept, counted and cleaned, and which word was meant. */

#include <string.h>

#include "diag.h"

static void test_format(void)
{
        const SourcePos pos = {.file = "x.yaml", .line = 3, .column = 7}, whole = {.file = "x.yaml"};
        g_autoptr(Diag) d = diag_new();
        static const char *const expected[] = {
                "x.yaml:3:7: error: found 'a?[31m', expected b [bad-value]",
                "x.yaml: warning: old [old]",
                "info: so [so]",
        };

        diag_error(d, &pos, "bad-value", "found '%s', expected b", "a\x1b[31m");
        diag_warning(d, &whole, "old", "old");
        diag_add(d, DIAG_INFO, NULL, "so", "so");
        for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
                g_autofree char *text = diag_message_format(d->messages->pdata[i]);

                g_assert_cmpstr(text, ==, expected[i]);
        }
        g_assert_cmpuint(d->n_errors, ==, 1);
        g_assert_cmpuint(d->n_warnings, ==, 1);
        diag_error(NULL, NULL, "code", "nobody hears");
}

static void test_bytes(void)
{
        g_autoptr(Diag) d = diag_new();
        const DiagMessage *m;

        diag_error(d, NULL, "code", "a\nb\tc\x7f\xff");
        m = d->messages->pdata[0];
        g_assert_true(g_utf8_validate(m->text, -1, NULL));
        g_assert_true(g_str_has_prefix(m->text, "a?b?c?"));
}

static void test_full(void)
{
        g_autoptr(Diag) d = diag_new(), to = diag_new();

        for (unsigned i = 0; i < DIAG_MESSAGES_MAX + 50; i++)
                diag_error(d, NULL, "code", "%u", i);
        g_assert_cmpuint(d->messages->len, ==, DIAG_MESSAGES_MAX);
        g_assert_cmpuint(d->n_errors, ==, DIAG_MESSAGES_MAX + 50);
        g_assert_cmpuint(d->n_dropped, ==, 50);

        diag_warning(to, NULL, "code", "first");
        diag_move(to, d);
        g_assert_cmpuint(to->messages->len, ==, DIAG_MESSAGES_MAX);
        g_assert_cmpuint(to->n_errors, ==, DIAG_MESSAGES_MAX + 50);
        g_assert_cmpuint(to->n_warnings, ==, 1);
        g_assert_cmpuint(to->n_dropped, ==, 51);
        g_assert_cmpuint(d->messages->len + d->n_errors + d->n_dropped, ==, 0);
        diag_move(to, to);
        g_assert_cmpuint(to->messages->len, ==, DIAG_MESSAGES_MAX);
}

static void test_suggest(void)
{
        static const char *const words[] = {"pattern", "permissions", "qualifiers", "EnhanceProtect", "disable-write-etc", "ip", NULL};
        static const struct {
                const char *word, *meant;
        } all[] = {
                {"patern", "pattern"},        {"pattren", "pattern"},       {"PATTERN", "pattern"},
                {"permission", "permissions"}, {"enhanceprotect", "EnhanceProtect"}, {"disable_write_etc", "disable-write-etc"},
                {"disable-write-ect", "disable-write-etc"}, {"pi", "ip"},   {"xyz", NULL},
                {"", NULL},                   {"q", NULL},
        };
        g_autofree char *longest = g_strnfill(65, 'p');

        for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
                g_test_message("%s", all[i].word);
                g_assert_cmpstr(diag_suggest(all[i].word, words), ==, all[i].meant);
        }
        g_assert_null(diag_suggest(longest, words));
        g_assert_null(diag_suggest(NULL, words));
        g_assert_null(diag_suggest("pattern", NULL));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/diag/format", test_format);
        g_test_add_func("/diag/bytes", test_bytes);
        g_test_add_func("/diag/full", test_full);
        g_test_add_func("/diag/suggest", test_suggest);
        return g_test_run();
}
