/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A root directory for parsers that read files. */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

static char *root;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

static void remove_root(void)
{
        (void)nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        g_clear_pointer(&root, g_free);
}

static void copy_fixture(const char *name)
{
        g_autofree char *from = g_build_filename(FUZZ_FIXTURE, name, NULL), *to = g_build_filename("usr/lib/varmor", name, NULL);
        g_autofree char *text = NULL;
        gsize size;

        if (!g_file_get_contents(from, &text, &size, NULL))
                g_error("%s cannot be read", from);
        fuzz_root_write(to, text, size);
}

const char *fuzz_root(void)
{
        const char *memory = g_file_test("/dev/shm", G_FILE_TEST_IS_DIR) ? "/dev/shm" : g_get_tmp_dir();

        if (root)
                return root;
        (void)umask(022);
        root = g_build_filename(memory, "varmor-fuzz-XXXXXX", NULL);
        if (!g_mkdtemp_full(root, 0755))
                g_error("%s cannot be made", root);
        if (atexit(remove_root) != 0)
                g_error("no room for a handler at exit");
        copy_fixture("essential.yaml");
        copy_fixture("rules.d/rules.yaml");
        return root;
}

void fuzz_root_write(const char *path, const void *data, size_t size)
{
        g_autofree char *full = g_build_filename(fuzz_root(), path, NULL), *dir = g_path_get_dirname(full);
        FILE *f;

        if (g_mkdir_with_parents(dir, 0755) < 0)
                g_error("%s cannot be made", dir);
        f = fopen(full, "we");
        if (!f || (size > 0 && fwrite(data, size, 1, f) != 1) || fclose(f) != 0)
                g_error("%s cannot be written", full);
}
