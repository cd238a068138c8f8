/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt's operations about seccomp filters: take one on, as varmor-exec does, and make any system call by any of the three ways
 * into the kernel that an x86_64 machine has. */

#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seccomp/filter.h"

#define X32_BIT 0x40000000

/* arch/x86/entry/syscalls/syscall_64.tbl, syscall_32.tbl, v6.12 */
static const struct {
        const char *name;
        long nr, nr32;
} calls[] = {
        {"chmod", 90, 15}, {"fchmod", 91, 94}, {"fchmodat", 268, 306}, {"fchmodat2", 452, 452},
        {"unshare", 272, 310}, {"setns", 308, 346}, {"clone3", 435, 435}, {"bpf", 321, 357},
        {"setsockopt", 54, 366}, {"getsockopt", 55, 365}, {"socket", 41, 359}, {"socketcall", -1, 102},
        {"io_uring_setup", 425, 425}, {"io_uring_enter", 426, 426}, {"userfaultfd", 323, 374}, {"ioctl", 16, 54},
        {"splice", 275, 313}, {"tee", 276, 315}, {"getpid", 39, 20}, {"getppid", 110, 64}, {"gettid", 186, 224},
        {"getpriority", 140, 96}, {"personality", 135, 136}, {"umask", 95, 60},
        {"keyctl", 250, 288}, {"mount", 165, 21}, {"sethostname", 170, 74}, {"chroot", 161, 61},
};

/* Paths for 32-bit calls must lie low; this program is static and not position-independent. */
static char low[8][256];

/* filter NAME: what /run/varmor/seccomp/NAME leads to. */
static int op_filter(Hand *h, char **argv) {
        static union {
                FilterHeader header;
                char bytes[FILTER_FILE_MAX];
        } file;
        char path[512];
        FilterHeader header = {.version = 0};

        snprintf(path, sizeof(path), FILTER_NAMES_DIR "/%s", argv[1]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = read(fd, &file, sizeof(file));
        close(fd);
        int r = n < 0 ? -errno : filter_check(&file, (size_t) n, &header);
        if (r < 0)
                return r;
        struct sock_fprog program = {
                .len = (unsigned short) filter_n_loud(&header),
                .filter = (struct sock_filter *) (file.bytes + sizeof(header)),
        };
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, header.flags & FILTER_LOG ? SECCOMP_FILTER_FLAG_LOG : 0, &program) < 0)
                return -errno;
        program.filter += program.len;
        program.len = (unsigned short) header.n_quiet;
        return program.len == 0 ? 0 : RET(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static long parse_arg(const Hand *h, const char *s, unsigned i) {
        if (strcmp(s, "@") == 0)
                return h->fd;
        if (*s == '/')
                return (long) (uintptr_t) strncpy(low[i], s, sizeof(low[i]) - 1);
        return (long) strtoull(s, NULL, 0);
}

static int make_call(Hand *h, char **argv, long (*way)(long nr, long nr32, const long *a)) {
        long a[6] = {0};

        for (unsigned i = 0; i < 6 && argv[2 + i]; i++)
                a[i] = parse_arg(h, argv[2 + i], i);
        for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
                if (strcmp(calls[i].name, argv[1]) == 0) {
                        long r = way(calls[i].nr, calls[i].nr32, a);

                        return r < 0 && r > -4096 ? (int) r : 0;
                }
        return -ENOSYS;
}

static long way_64(long nr, long nr32, const long *a) {
        long r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);

        return r == -1 ? -errno : r;
}

static long way_x32(long nr, long nr32, const long *a) { return way_64(nr | X32_BIT, 0, a); }

static long way_32(long nr, long nr32, const long *a) {
        int r;

        __asm__ volatile("int $0x80"
                         : "=a"(r)
                         : "a"(nr32), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                         : "memory", "r8", "r9", "r10", "r11");
        return r;
}

static int op_call(Hand *h, char **argv) { return make_call(h, argv, way_64); }
static int op_callx32(Hand *h, char **argv) { return make_call(h, argv, way_x32); }
static int op_call32(Hand *h, char **argv) { return make_call(h, argv, way_32); }

const Op call_ops[] = {
        {"filter", 1, op_filter, "NAME: come under the filter of that policy"},
        {"call", 1, op_call, "SYSCALL ARG...: an argument is a number, a path, or @ for what was taken"},
        {"callx32", 1, op_callx32, "SYSCALL ARG...: by the x32 ABI"},
        {"call32", 1, op_call32, "SYSCALL ARG...: by the i386 ABI"},
        {NULL, 0, NULL, NULL},
};
