/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Util: descriptors that close themselves, and results of libc turned into negative errnos. */

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <unistd.h>

/** RET_ERRNO() - the result of a libc call that returns -1 and sets errno, as a value or a negative errno:
 * `r = RET_ERRNO(open(...));` */
#define RET_ERRNO(expression)                                                                                           \
        ({                                                                                                              \
                __typeof__(expression) _ret_errno = (expression);                                                       \
                _ret_errno < 0 ? -(errno > 0 ? errno : EIO) : _ret_errno;                                               \
        })

/** fd_close() - close @fd unless it is negative, and keep errno. Return: always -EBADF, for `fd = fd_close(fd)`. */
static inline int fd_close(int fd)
{
        if (fd >= 0) {
                int saved = errno;

                (void)close(fd);
                errno = saved;
        }

        return -EBADF;
}

static inline void fd_closep(int *fd)
{
        (void)fd_close(*fd);
}

/* `autofd int fd = -EBADF;`: closed when it goes out of scope; hand over with steal_fd(). */
#define autofd __attribute__((cleanup(fd_closep)))

static inline int steal_fd(int *fd)
{
        int r = *fd;

        *fd = -EBADF;
        return r;
}

static inline void file_closep(FILE **f)
{
        if (*f)
                (void)fclose(*f);
}

#define autofile __attribute__((cleanup(file_closep)))
