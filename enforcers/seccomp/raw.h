/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Raw: system calls and the few functions that varmor-exec needs, without the C library, whose start takes ten times as long
 * as all that varmor-exec does (it asks the processor about its caches, and in a virtual machine each question leaves it).
 * raw.c has what compiler and kernel call by name. On architectures that are not written out here, the C library does it.
 * Errors are negative errnos. */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__) || defined(__aarch64__)
#define RAW 1

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <sys/stat.h> /* as the kernel has it, on these */
#include <linux/time_types.h>

static inline long raw_call(long number, long a, long b, long c, long d, long e, long f)
{
#ifdef __x86_64__
        register long r10 __asm__("r10") = d;
        register long r8 __asm__("r8") = e;
        register long r9 __asm__("r9") = f;
        long result;

        __asm__ volatile("syscall"
                         : "=a"(result)
                         : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                         : "rcx", "r11", "memory");
        return result;
#else
        register long x8 __asm__("x8") = number;
        register long x0 __asm__("x0") = a;
        register long x1 __asm__("x1") = b;
        register long x2 __asm__("x2") = c;
        register long x3 __asm__("x3") = d;
        register long x4 __asm__("x4") = e;
        register long x5 __asm__("x5") = f;

        __asm__ volatile("svc 0"
                         : "+r"(x0)
                         : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                         : "memory");
        return x0;
#endif
}

#else
#define RAW 0

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define raw_call(number, a, b, c, d, e, f) \
        ({ \
                long _r = syscall(number, a, b, c, d, e, f); \
                _r < 0 ? -errno : _r; \
        })
#endif

static inline _Noreturn void raw_exit(int status)
{
        raw_call(SYS_exit_group, status, 0, 0, 0, 0, 0);
        __builtin_unreachable();
}

static inline int raw_open(const char *path, int flags)
{
        return (int)raw_call(SYS_openat, AT_FDCWD, (long)path, flags, 0, 0, 0);
}

static inline long raw_read(int fd, void *to, size_t n)
{
        return raw_call(SYS_read, fd, (long)to, (long)n, 0, 0, 0);
}

static inline long raw_write(int fd, const void *from, size_t n)
{
        return raw_call(SYS_write, fd, (long)from, (long)n, 0, 0, 0);
}

static inline void raw_close(int fd)
{
        raw_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* The type, the mode, the owner and the size. */
static inline int raw_stat(int dir, const char *path, int flags, struct stat *ret)
{
#if RAW
        return (int)raw_call(SYS_newfstatat, dir, (long)path, (long)ret, flags, 0, 0);
#else
        return fstatat(dir, path, ret, flags) < 0 ? -errno : 0;
#endif
}

static inline int raw_access(const char *path, int mode)
{
        return (int)raw_call(SYS_faccessat, AT_FDCWD, (long)path, mode, 0, 0, 0);
}

static inline void raw_sleep(unsigned msec)
{
#if RAW
        struct __kernel_timespec t = {.tv_nsec = (long long)msec * 1000000};
#else
        struct timespec t = {.tv_nsec = (long)msec * 1000000};
#endif

        raw_call(SYS_nanosleep, (long)&t, 0, 0, 0, 0, 0);
}

static inline int raw_isatty(int fd)
{
#if RAW
        struct termios t;

        return raw_call(SYS_ioctl, fd, TCGETS, (long)&t, 0, 0, 0) == 0;
#else
        return isatty(fd);
#endif
}
