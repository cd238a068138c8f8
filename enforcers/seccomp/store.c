/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Store: see store.h. */

#include "store.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "filter.h"
#include "util.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

/* What is being written; not a digest, and not a policy's name. */
#define UNFINISHED ".new"
#define DIGEST_BYTES 64U
#define LINGER_USEC (10U * G_USEC_PER_SEC)

struct FilterStore {
        char *files, *names;
        GHashTable *unused; /* digest -> when it was first seen that nothing leads there, gint64 */
};

static int make_dir(const char *path)
{
        if (g_mkdir_with_parents(path, 0755) < 0)
                return -errno;
        return RET_ERRNO(chmod(path, 0755)); /* whatever the umask was: services of every user come here */
}

int store_open(const char *root, FilterStore **ret)
{
        g_autoptr(FilterStore) s = g_new0(FilterStore, 1);
        int r;

        s->files = g_strconcat(root, FILTER_FILES_DIR, NULL);
        s->names = g_strconcat(root, FILTER_NAMES_DIR, NULL);
        s->unused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        r = make_dir(s->files);
        if (r >= 0)
                r = make_dir(s->names);
        if (r >= 0)
                *ret = g_steal_pointer(&s);
        return r;
}

void store_close(FilterStore *s)
{
        if (!s)
                return;
        g_free(s->files);
        g_free(s->names);
        g_clear_pointer(&s->unused, g_hash_table_unref);
        g_free(s);
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

static int read_file(const char *path, GBytes **ret)
{
        autofd int fd = RET_ERRNO(open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        g_autofree char *bytes = NULL;
        struct stat st;
        FilterHeader h;
        ssize_t n;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > FILTER_FILE_MAX)
                return -EBADMSG;
        bytes = g_malloc((gsize)st.st_size);
        n = read(fd, bytes, (size_t)st.st_size);
        if (n != st.st_size || filter_check(bytes, (size_t)n, &h) < 0)
                return -EBADMSG;
        *ret = g_bytes_new_take(g_steal_pointer(&bytes), (gsize)n);
        return 0;
}

/* Return: NULL: @name leads nowhere, or not to a filter. */
static char *digest_of(const FilterStore *s, const char *name)
{
        g_autofree char *path = g_build_filename(s->names, name, NULL), *to = g_file_read_link(path, NULL);
        const char *digest = to ? strrchr(to, '/') : NULL;

        if (!digest || strlen(++digest) != DIGEST_BYTES || strspn(digest, "0123456789abcdef") != DIGEST_BYTES)
                return NULL;
        return g_strdup(digest);
}

int store_read(const FilterStore *s, const char *name, GBytes **ret)
{
        g_autofree char *digest = digest_of(s, name), *path = digest ? g_build_filename(s->files, digest, NULL) : NULL;

        return path ? read_file(path, ret) : -ENOENT;
}

int store_find(const FilterStore *s, const char *name, char ret_digest[static 65])
{
        g_autofree char *digest = digest_of(s, name);
        g_autoptr(GBytes) blob = NULL;

        if (digest && store_read(s, name, &blob) >= 0) {
                g_autofree char *sum = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, blob);

                if (strcmp(sum, digest) != 0)
                        g_clear_pointer(&digest, g_free);
        } else
                g_clear_pointer(&digest, g_free);
        g_strlcpy(ret_digest, digest ?: "", 65);
        return 0;
}

char **store_names(const FilterStore *s)
{
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        g_autoptr(DIR) dir = opendir(s->names);
        struct dirent *e;

        while (dir && (e = readdir(dir)))
                if (e->d_name[0] != '.')
                        g_strv_builder_add(names, e->d_name);
        return g_strv_builder_end(names);
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static int write_all(int fd, GBytes *blob)
{
        gsize size;
        const char *bytes = g_bytes_get_data(blob, &size);

        while (size > 0) {
                ssize_t n = write(fd, bytes, size);

                if (n < 0 && errno != EINTR)
                        return -errno;
                bytes += MAX(n, 0);
                size -= (gsize)MAX(n, 0);
        }
        return RET_ERRNO(fchmod(fd, 0644));
}

static int write_file(const char *dir, const char *digest, GBytes *blob)
{
        g_autofree char *path = g_build_filename(dir, digest, NULL), *unfinished = g_build_filename(dir, UNFINISHED, NULL);
        autofd int fd = -EBADF;
        int r;

        (void)unlink(unfinished);
        fd = RET_ERRNO(open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (fd < 0)
                return fd;
        r = write_all(fd, blob);
        if (r >= 0)
                r = RET_ERRNO(rename(unfinished, path));
        if (r < 0)
                (void)unlink(unfinished);
        return r;
}

int store_put(FilterStore *s, const char *name, const char *digest, GBytes *blob)
{
        g_autofree char *path = g_build_filename(s->names, name, NULL), *file = g_build_filename(s->files, digest, NULL);
        g_autofree char *unfinished = g_build_filename(s->names, UNFINISHED, NULL);
        g_autofree char *to = g_strconcat("../filters/", digest, NULL);
        g_autoptr(GBytes) there = NULL;
        int r = 0;

        if (read_file(file, &there) < 0 || !g_bytes_equal(there, blob))
                r = write_file(s->files, digest, blob);
        if (r < 0)
                return r;
        g_hash_table_remove(s->unused, digest);
        (void)unlink(unfinished);
        if (symlink(to, unfinished) < 0)
                return -errno;
        return RET_ERRNO(rename(unfinished, path));
}

int store_drop(FilterStore *s, const char *name)
{
        g_autofree char *path = g_build_filename(s->names, name, NULL);

        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static GHashTable *used_digests(const FilterStore *s)
{
        GHashTable *used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_auto(GStrv) names = store_names(s);

        for (char **n = names; *n; n++) {
                char *digest = digest_of(s, *n);

                if (digest)
                        g_hash_table_add(used, digest);
        }
        return used;
}

void store_tidy(FilterStore *s, uint64_t now_usec)
{
        g_autoptr(GHashTable) used = used_digests(s);
        g_autoptr(DIR) dir = opendir(s->files);
        struct dirent *e;

        while (dir && (e = readdir(dir))) {
                const uint64_t *since;

                if (e->d_name[0] == '.')
                        continue;
                since = g_hash_table_lookup(s->unused, e->d_name);
                if (g_hash_table_contains(used, e->d_name))
                        g_hash_table_remove(s->unused, e->d_name);
                else if (!since)
                        g_hash_table_insert(s->unused, g_strdup(e->d_name), g_memdup2(&now_usec, sizeof(now_usec)));
                else if (now_usec - *since >= LINGER_USEC) {
                        (void)unlinkat(dirfd(dir), e->d_name, 0);
                        g_hash_table_remove(s->unused, e->d_name);
                }
        }
}

static int remove_dir(const char *path)
{
        g_autoptr(DIR) dir = opendir(path);
        struct dirent *e;
        int r = 0;

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        while ((e = readdir(dir)))
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlinkat(dirfd(dir), e->d_name, 0) < 0 && r == 0)
                        r = -errno;
        if (rmdir(path) < 0 && r == 0)
                r = -errno;
        return r;
}

int store_remove(FilterStore *s)
{
        int r = remove_dir(s->names), r2 = remove_dir(s->files);

        return r < 0 ? r : r2;
}
