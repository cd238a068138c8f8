/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Paths below /usr, for figures that mean something. */

#include "usr-paths.h"

#include <ftw.h>
#include <string.h>

static GPtrArray *found; /* nftw() has no other way */

static int note(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        if (type == FTW_F)
                g_ptr_array_add(found, g_strdup(path));
        return 0;
}

static int compare(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *usr_paths(guint n)
{
        GPtrArray *some = g_ptr_array_new_with_free_func(g_free);

        if (!found) {
                found = g_ptr_array_new();
                (void)nftw("/usr", note, 32, FTW_PHYS);
                g_ptr_array_sort(found, compare);
        }
        n = MIN(n, found->len);
        for (guint i = 0; i < n; i++)
                g_ptr_array_add(some, g_strdup(found->pdata[(guint64)i * found->len / n]));
        return some;
}

char *pattern_of(const char *path)
{
        GString *s = g_string_new(NULL);

        for (; *path; path++) {
                if (strchr("\\*?[]{}", *path))
                        g_string_append_c(s, '\\');
                g_string_append_c(s, *path);
        }
        return g_string_free(s, FALSE);
}
