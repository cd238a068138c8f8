/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loaded: see loaded.h. A file is three lines (full name, digest, the kernel's sum) and the bytes of a blob. */

#include "loaded.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compile.h"

#define FILE_BYTES_MAX (32U << 20)
#define CHILDREN_DEPTH_MAX 4U

void loaded_free(Loaded *l)
{
        if (!l)
                return;
        g_free(l->policy);
        g_free(l->profile);
        g_free(l->kernel_sum);
        aa_blob_free(l->blob);
        g_free(l);
}

static char *file_of(const char *dir, const char *profile)
{
        return g_build_filename(dir, profile + strlen("varmor."), NULL);
}

int loaded_write(const char *dir, const Loaded *l)
{
        g_autofree char *path = file_of(dir, l->profile), *temporary = g_strconcat(dir, "/.new", NULL);
        g_autoptr(GBytes) bytes = aa_blob_to_bytes(l->blob);
        g_autoptr(GString) s = g_string_new(NULL);
        gsize size;
        const char *data = g_bytes_get_data(bytes, &size);

        if (mkdir(dir, 0700) < 0 && errno != EEXIST)
                return -errno;
        g_string_append_printf(s, "%s\n%s\n%s\n", l->policy, l->digest, l->kernel_sum);
        g_string_append_len(s, data, (gssize)size);
        if (!g_file_set_contents_full(temporary, s->str, (gssize)s->len, G_FILE_SET_CONTENTS_NONE, 0600, NULL))
                return -EIO;
        return rename(temporary, path) < 0 ? -errno : 0;
}

static Loaded *parse(const char *name, char *text, gsize size)
{
        g_autoptr(Loaded) l = g_new0(Loaded, 1);
        char *lines[4] = {text};
        g_autoptr(GBytes) bytes = NULL;

        for (unsigned i = 1; i < 4; i++) {
                lines[i] = memchr(lines[i - 1], '\n', size - (gsize)(lines[i - 1] - text));
                if (!lines[i])
                        return NULL;
                *lines[i]++ = 0;
        }
        bytes = g_bytes_new(lines[3], size - (gsize)(lines[3] - text));
        if (strlen(lines[1]) != 64 || strlen(lines[2]) > 256 || aa_blob_from_bytes(bytes, &l->blob) < 0)
                return NULL;
        l->policy = g_strdup(lines[0]);
        l->profile = apparmor_profile_name(l->policy);
        l->kernel_sum = g_strdup(lines[2]);
        memcpy(l->digest, lines[1], 65);
        if (strcmp(l->profile + strlen("varmor."), name) != 0)
                return NULL;
        return g_steal_pointer(&l);
}

GHashTable *loaded_read_all(const char *dir)
{
        GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)loaded_free);
        g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
        const char *name;

        while (d && (name = g_dir_read_name(d))) {
                g_autofree char *path = g_build_filename(dir, name, NULL), *text = NULL;
                struct stat st;
                gsize size;
                Loaded *l;

                if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX || *name == '.')
                        continue;
                if (!g_file_get_contents(path, &text, &size, NULL))
                        continue;
                l = parse(name, text, size);
                if (l)
                        g_hash_table_replace(all, l->profile, l);
        }
        return all;
}

void loaded_forget(const char *dir, const Loaded *l)
{
        g_autofree char *path = file_of(dir, l->profile);

        (void)unlink(path);
}

/* ---- the kernel's side ---------------------------------------------------------------------------------------------- */

static char *read_word(const char *dir, const char *name)
{
        g_autofree char *path = g_build_filename(dir, name, NULL), *text = NULL;

        if (!g_file_get_contents(path, &text, NULL, NULL))
                return NULL;
        return g_strdup(g_strchomp(text));
}

static void read_profiles(GHashTable *all, const char *dir, const char *parent, unsigned depth)
{
        g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
        const char *entry;

        while (d && (entry = g_dir_read_name(d))) {
                g_autofree char *path = g_build_filename(dir, entry, NULL), *name = read_word(path, "name");
                g_autofree char *children = g_build_filename(path, "profiles", NULL), *full = NULL;
                char *sum;

                if (!name)
                        continue;
                /* Newer kernels give a child's whole name, older ones the last part. */
                full = parent && !g_str_has_prefix(name, parent) ? g_strconcat(parent, "//", name, NULL) : g_strdup(name);
                sum = read_word(path, "sha256");
                if (!sum)
                        sum = read_word(path, "sha1");
                if (depth < CHILDREN_DEPTH_MAX && g_file_test(children, G_FILE_TEST_IS_DIR))
                        read_profiles(all, children, full, depth + 1);
                g_hash_table_replace(all, g_steal_pointer(&full), sum ?: g_strdup("-"));
        }
}

GHashTable *kernel_profiles(const char *fs)
{
        GHashTable *all;

        if (!g_file_test(fs, G_FILE_TEST_IS_DIR))
                return NULL;
        all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        read_profiles(all, fs, NULL, 0);
        return all;
}
