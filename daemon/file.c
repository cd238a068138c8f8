/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See file.h. */

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

int file_read(const char *path, gsize size_max, GBytes **ret)
{
        autofd int fd = RET_ERRNO(open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        g_autofree char *data = NULL;
        struct stat st;
        gsize done = 0;
        int r;

        if (fd < 0)
                return fd;
        r = RET_ERRNO(fstat(fd, &st));
        if (r < 0)
                return r;
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (guint64)st.st_size > size_max)
                return -EBADMSG;
        data = g_malloc((gsize)st.st_size + 1);
        while (done < (gsize)st.st_size) {
                ssize_t n = RET_ERRNO(read(fd, data + done, (gsize)st.st_size - done));

                if (n < 0)
                        return (int)n;
                if (n == 0)
                        return -EBADMSG;
                done += (gsize)n;
        }
        *ret = g_bytes_new_take(g_steal_pointer(&data), done);
        return 0;
}

int file_replace(const char *path, GBytes *bytes, mode_t mode)
{
        g_autofree char *tmp = g_strconcat(path, ".new", NULL);
        gsize size;
        const char *data = g_bytes_get_data(bytes, &size);
        autofd int fd = RET_ERRNO(open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));

        if (fd < 0)
                return fd;
        while (size > 0) {
                ssize_t n = RET_ERRNO(write(fd, data, size));

                if (n < 0)
                        return (int)n;
                data += n;
                size -= (gsize)n;
        }
        return RET_ERRNO(rename(tmp, path));
}
