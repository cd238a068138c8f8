/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tree: see tree.h. */

#include "tree.h"

#include <ftw.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

char *tree_new(void)
{
        char *root;

        (void)umask(022);
        root = g_dir_make_tmp("varmor-tree-XXXXXX", NULL);
        g_assert_nonnull(root);
        g_assert_cmpint(g_chmod(root, 0755), ==, 0);
        return root;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

void tree_free(char *root)
{
        g_assert_cmpint(nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
        g_free(root);
}

static char *below(const char *root, const char *path)
{
        g_autofree char *full = g_build_filename(root, path, NULL), *dir = g_path_get_dirname(full);

        g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
        return g_steal_pointer(&full);
}

void tree_write(const char *root, const char *path, const char *text)
{
        g_autofree char *full = below(root, path);

        g_assert_true(g_file_set_contents_full(full, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
}

void tree_chmod(const char *root, const char *path, unsigned mode)
{
        g_autofree char *full = below(root, path);

        g_assert_cmpint(g_chmod(full, (int)mode), ==, 0);
}

void tree_chown(const char *root, const char *path, unsigned uid)
{
        g_autofree char *full = below(root, path);

        g_assert_cmpint(chown(full, uid, (gid_t)-1), ==, 0);
}

void tree_link(const char *root, const char *path, const char *target)
{
        g_autofree char *full = below(root, path);

        g_assert_cmpint(symlink(target, full), ==, 0);
}

void tree_remove(const char *root, const char *path)
{
        g_autofree char *full = below(root, path);

        g_assert_cmpint(g_remove(full), ==, 0);
}
