/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See apparmor-tools.h. */

#include "apparmor-tools.h"

#include <glib.h>

#define OUTPUT_MAX (8U << 20)

char *features_of(const char *kernel)
{
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "apparmor-features", kernel, NULL);
        char *text = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        return text;
}

bool has_parser(void)
{
        if (parser_find())
                return true;
        g_test_skip("apparmor_parser is not installed");
        return false;
}

Parser parser(void)
{
        return (Parser){.path = parser_find(), .seconds_max = 60, .output_max = OUTPUT_MAX};
}
