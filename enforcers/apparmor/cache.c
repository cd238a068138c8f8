/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cache: see cache.h. A file has the digest of its contents before them: one that was half written when the power failed is
 * none. */

#include "cache.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

#define DIGEST_BYTES 64U

char *cache_key(const char *const *texts, size_t n)
{
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

        for (size_t i = 0; i < n; i++)
                g_checksum_update(sum, (const guchar *)texts[i], (gssize)strlen(texts[i]) + 1);
        return g_strdup(g_checksum_get_string(sum));
}

static bool is_trusted(int fd, size_t max, size_t *ret_size)
{
        struct stat st;

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
                return false;
        if (st.st_size < (off_t)DIGEST_BYTES || (uint64_t)st.st_size > DIGEST_BYTES + max)
                return false;
        *ret_size = (size_t)st.st_size;
        return true;
}

GBytes *cache_get(const char *dir, const char *key, size_t max)
{
        g_autofree char *path = g_build_filename(dir, key, NULL), *data = NULL, *digest = NULL;
        autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        size_t size, done = 0;

        if (fd < 0 || !is_trusted(fd, max, &size))
                return NULL;
        data = g_malloc(size);
        while (done < size) {
                ssize_t n = read(fd, data + done, size - done);

                if (n <= 0)
                        return NULL;
                done += (size_t)n;
        }
        digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)data + DIGEST_BYTES, size - DIGEST_BYTES);
        if (memcmp(digest, data, DIGEST_BYTES) != 0)
                return NULL;
        (void)futimens(fd, NULL); /* for whoever looks for the oldest */
        return g_bytes_new(data + DIGEST_BYTES, size - DIGEST_BYTES);
}

static void prune(const char *dir_path)
{
        g_autoptr(GDir) dir = g_dir_open(dir_path, 0, NULL);
        g_autofree char *oldest = NULL;
        int64_t when = INT64_MAX;
        const char *name;
        unsigned n = 0;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(dir_path, name, NULL);
                struct stat st;

                if (lstat(path, &st) < 0)
                        continue;
                n++;
                if (st.st_mtim.tv_sec < when) {
                        when = st.st_mtim.tv_sec;
                        g_free(oldest);
                        oldest = g_steal_pointer(&path);
                }
        }
        if (n > CACHE_FILES_MAX && oldest)
                (void)unlink(oldest);
}

static bool write_all(int fd, const char *p, size_t size)
{
        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n <= 0)
                        return false;
                p += n;
                size -= (size_t)n;
        }
        return true;
}

void cache_put(const char *dir, const char *key, GBytes *bytes)
{
        g_autofree char *path = g_build_filename(dir, key, NULL), *digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
        g_autofree char *temporary = g_strdup_printf("%s/.%s.new", dir, key);
        gsize size;
        const char *data = g_bytes_get_data(bytes, &size);
        autofd int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return;
        if (!write_all(fd, digest, DIGEST_BYTES) || !write_all(fd, data, size) || rename(temporary, path) < 0) {
                (void)unlink(temporary);
                return;
        }
        prune(dir);
}
