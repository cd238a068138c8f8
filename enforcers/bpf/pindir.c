/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Directories of pins: see pindir.h. */

#include "pindir.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "util.h"

/* Appended to the name of a directory that will be replaced. bpffs has no names with a dot. */
#define ASIDE "-old"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

int pindir_make(const char *path)
{
        return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Unlinks the files of @path, and the directory. bpffs directories do not nest deeper than ours do. */
static int remove_flat(const char *path)
{
        g_autoptr(DIR) dir = opendir(path);
        struct dirent *e;
        int first = 0;

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        while ((e = readdir(dir)))
                if (e->d_name[0] != '.' && unlinkat(dirfd(dir), e->d_name, 0) < 0 && first == 0)
                        first = -errno;
        if (rmdir(path) < 0 && first == 0)
                first = -errno;
        return first;
}

int pindir_remove(const char *version, const char *prefix, const char *keep)
{
        g_autoptr(DIR) dir = opendir(version);
        struct dirent *e;
        int r, first = 0;

        while (dir && (e = readdir(dir))) {
                g_autofree char *path = g_build_filename(version, e->d_name, NULL);

                if (e->d_name[0] == '.' || !g_str_has_prefix(e->d_name, prefix) || g_strcmp0(path, keep) == 0)
                        continue;
                r = remove_flat(path);
                if (r < 0 && first == 0)
                        first = r;
        }

        return first;
}

/* The links, which enforce, before what they use. */
int pindir_remove_version(const char *version)
{
        int r, first = pindir_remove(version, PINDIR_LINKS, NULL);

        r = pindir_remove(version, "", NULL);
        if (r < 0 && first == 0)
                first = r;
        if (rmdir(version) < 0 && errno != ENOENT && first == 0)
                first = -errno;
        return first;
}

int pindir_remove_versions(const char *directory, const char *keep)
{
        g_autoptr(DIR) dir = opendir(directory);
        struct dirent *e;
        int r, first = 0;

        while (dir && (e = readdir(dir))) {
                g_autofree char *path = g_build_filename(directory, e->d_name, NULL);

                if (e->d_name[0] != 'v' || g_strcmp0(path, keep) == 0)
                        continue;
                r = pindir_remove_version(path);
                if (r < 0 && first == 0)
                        first = r;
        }

        return first;
}

int pindir_set_aside(const char *path)
{
        g_autofree char *aside = g_strconcat(path, ASIDE, NULL);

        if (access(path, F_OK) < 0)
                return 0;
        if (access(aside, F_OK) >= 0)
                return remove_flat(path);
        return RET_ERRNO(rename(path, aside));
}

/* Calls @found with each entry of @directory whose name begins with @prefix. */
static void each(const char *directory, const char *prefix, void (*found)(const char *path, GPtrArray *paths),
                 GPtrArray *paths)
{
        g_autoptr(DIR) dir = opendir(directory);
        struct dirent *e;

        while (dir && (e = readdir(dir))) {
                g_autofree char *path = g_build_filename(directory, e->d_name, NULL);

                if (e->d_name[0] != '.' && g_str_has_prefix(e->d_name, prefix))
                        found(path, paths);
        }
}

static void add(const char *path, GPtrArray *paths)
{
        g_ptr_array_add(paths, g_strdup(path));
}

static void add_all(const char *links, GPtrArray *paths)
{
        each(links, "", add, paths);
}

static void add_version(const char *version, GPtrArray *paths)
{
        each(version, PINDIR_LINKS, add_all, paths);
}

GPtrArray *pindir_links(const char *version)
{
        GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

        add_version(version, paths);
        return paths;
}

GPtrArray *pindir_all_links(const char *directory)
{
        GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

        each(directory, "v", add_version, paths);
        return paths;
}
