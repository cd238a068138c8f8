/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Features: see features.h. */

#include "features.h"

#include <errno.h>
#include <string.h>

#define FEATURES_BYTES_MAX (256U << 10)
#define FEATURES_DEPTH_MAX 8U

/* Newer than the language that texts are written in: what a text does not allow would be denied. */
static const char *const unspoken[] = {"io_uring", "ipc", "posix_mqueue", NULL};

static int compare_strings(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_dir(GString *s, const char *path, const char *name, bool all, unsigned depth)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *entry;

        if (!dir)
                return -ENOENT;
        if (depth > FEATURES_DEPTH_MAX)
                return -ELOOP;
        while ((entry = g_dir_read_name(dir)))
                g_ptr_array_add(names, g_strdup(entry));
        qsort(names->pdata, names->len, sizeof(char *), compare_strings);
        for (guint i = 0; i < names->len; i++) {
                const char *n = names->pdata[i];
                g_autofree char *child = g_build_filename(path, n, NULL), *text = NULL;
                int r;

                if (!all && (g_strv_contains(unspoken, n) || (g_strcmp0(name, "namespaces") == 0 && strcmp(n, "mask") == 0)))
                        continue;
                g_string_append_printf(s, "%s {", n);
                if (g_file_test(child, G_FILE_TEST_IS_DIR)) {
                        r = read_dir(s, child, n, all, depth + 1);
                        if (r < 0)
                                return r;
                } else if (g_file_get_contents(child, &text, NULL, NULL))
                        g_string_append_printf(s, "%s\n", g_strstrip(text));
                g_string_append(s, "}\n");
                if (s->len > FEATURES_BYTES_MAX)
                        return -E2BIG;
        }
        return 0;
}

int features_read(const char *dir, bool all, char **ret)
{
        g_autoptr(GString) s = g_string_new(NULL);
        int r = read_dir(s, dir, NULL, all, 0);

        if (r < 0)
                return r;
        if (s->len == 0)
                return -ENOENT;
        *ret = g_string_free(g_steal_pointer(&s), FALSE);
        return 0;
}

bool features_have(const char *dir, const char *path, const char *word)
{
        g_autofree char *file = g_build_filename(dir, path, NULL), *text = NULL;
        g_auto(GStrv) words = NULL;

        if (!g_file_get_contents(file, &text, NULL, NULL))
                return false;
        words = g_strsplit_set(text, " \n", -1);
        return g_strv_contains((const char *const *)words, word);
}
