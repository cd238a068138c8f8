/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each id of daemon/messages.h has an entry in units/varmor.catalog, and the other way round. */

#include <glib.h>
#include <string.h>

static char *source_file(const char *path)
{
        g_autofree char *full = g_build_filename(g_getenv("G_TEST_SRCDIR"), "..", "..", path, NULL);
        char *text;

        g_assert_true(g_file_get_contents(full, &text, NULL, NULL));
        return text;
}

static GHashTable *ids_in_header(void)
{
        g_autofree char *text = source_file("daemon/messages.h");
        g_autoptr(GRegex) regex = g_regex_new("#define (MESSAGE_[A-Z_]+) \"([^\"]*)\"", 0, 0, NULL);
        GHashTable *ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_autoptr(GMatchInfo) match = NULL;

        for (g_regex_match(regex, text, 0, &match); g_match_info_matches(match); g_match_info_next(match, NULL)) {
                char *id = g_match_info_fetch(match, 2);

                g_assert_cmpuint(strlen(id), ==, 32);
                g_assert_cmpuint(strspn(id, "0123456789abcdef"), ==, 32);
                g_assert_true(g_hash_table_insert(ids, id, g_match_info_fetch(match, 1)));
        }
        return ids;
}

static void test_paired(void)
{
        g_autoptr(GHashTable) ids = ids_in_header();
        g_autofree char *text = source_file("units/varmor.catalog");
        g_auto(GStrv) entries = g_strsplit(text, "\n-- ", -1);
        unsigned n = 0;

        for (char **e = entries + 1; *e; e++, n++) {
                g_autofree char *id = g_strndup(*e, 32);

                g_test_message("%s", id);
                g_assert_true(g_hash_table_contains(ids, id));
                g_assert_true(g_str_has_prefix(*e + 32, "\nSubject: "));
                g_assert_nonnull(strstr(*e, "\nDefined-By: varmor\n\n"));
                (void)g_hash_table_remove(ids, id);
        }
        g_assert_cmpuint(n, >, 10);
        g_assert_cmpuint(g_hash_table_size(ids), ==, 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/messages/paired", test_paired);
        return g_test_run();
}
