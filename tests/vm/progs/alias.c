/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt's operations on a file that is reached by a detour: by a descriptor of somebody else's, by the rarer system calls,
 * or by a descriptor that is there already. */

#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- how to come by a descriptor ------------------------------------------------------------------------------------ */

static int hand_set(Hand *h, int fd) {
        if (fd < 0)
                return -errno;
        h->fd = fd;
        return 0;
}

static int op_take2(Hand *h, char **argv) {
        static const struct {
                const char *name;
                uint64_t flag;
        } names[] = {
                {"beneath", RESOLVE_BENEATH},
                {"in-root", RESOLVE_IN_ROOT},
                {"no-magiclinks", RESOLVE_NO_MAGICLINKS},
                {"no-symlinks", RESOLVE_NO_SYMLINKS},
                {"no-xdev", RESOLVE_NO_XDEV},
        };
        struct open_how how = {.flags = (uint64_t) open_flags(argv[2])};

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                if (strcmp(names[i].name, argv[3]) == 0)
                        how.resolve = names[i].flag;
        if (!how.resolve)
                return -EINVAL;
        return hand_set(h, (int) syscall(SYS_openat2, h->fd < 0 ? AT_FDCWD : h->fd, argv[1], &how, sizeof(how)));
}

/* For preparations: a process that has the file open for a while, and whose id and descriptor are in a file. */
static int op_hold(Hand *h, char **argv) {
        int fd = open(argv[1], open_flags(argv[2]) & ~O_NONBLOCK);

        if (fd < 0)
                return -errno;
        pid_t pid = fork();
        if (pid == 0) {
                alarm(30);
                pause();
                _exit(0);
        }
        FILE *f = pid < 0 ? NULL : fopen(argv[3], "we");
        if (!f)
                return -errno;
        fprintf(f, "%d %d\n", pid, fd);
        fclose(f);
        return 0;
}

static int read_held(const char *path, int *ret_pid, int *ret_fd) {
        FILE *f = fopen(path, "re");

        if (!f)
                return -errno;
        int n = fscanf(f, "%d %d", ret_pid, ret_fd);
        fclose(f);
        return n == 2 ? 0 : -ENODATA;
}

static int op_steal(Hand *h, char **argv) {
        int pid, fd, r = read_held(argv[1], &pid, &fd);

        if (r < 0)
                return r;
        int pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
        if (pidfd < 0)
                return -errno;
        r = hand_set(h, (int) syscall(SYS_pidfd_getfd, pidfd, fd, 0));
        close(pidfd);
        return r;
}

static int op_takeheld(Hand *h, char **argv) {
        int pid, fd, r = read_held(argv[1], &pid, &fd);
        char path[64];

        if (r < 0)
                return r;
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
        return hand_set(h, open(path, open_flags(argv[2])));
}

/* A descriptor that the process was born with. */
static int op_adopt(Hand *h, char **argv) {
        return hand_set(h, fcntl(atoi(argv[1]), F_DUPFD_CLOEXEC, 0));
}

/* ---- what to do with it ----------------------------------------------------------------------------------------------- */

static int op_usewrite(Hand *h, char **argv) { return RET(write(h->fd, "x", 1)); }
static int op_fchmodhand(Hand *h, char **argv) { return RET(fchmod(h->fd, 0640)); }
static int op_fchownhand(Hand *h, char **argv) { return RET(fchown(h->fd, 1, 1)); }
static int op_futimes(Hand *h, char **argv) { return RET(futimens(h->fd, NULL)); }
static int op_fsetxattr(Hand *h, char **argv) { return RET(fsetxattr(h->fd, "trusted.attempt", "x", 1, 0)); }
static int op_fremovexattr(Hand *h, char **argv) { return RET(fremovexattr(h->fd, "trusted.attempt")); }
static int op_fallocate(Hand *h, char **argv) { return RET(fallocate(h->fd, FALLOC_FL_ZERO_RANGE, 0, 1)); }
static int op_removexattr(Hand *h, char **argv) { return RET(removexattr(argv[1], "trusted.attempt")); }

/* What no other call does through a descriptor that is open for reading alone: chattr(1). */
static int op_fattrhand(Hand *h, char **argv) {
        int flags = 0;

        if (ioctl(h->fd, FS_IOC_GETFLAGS, &flags) < 0)
                return -errno;
        flags ^= FS_NODUMP_FL;
        return RET(ioctl(h->fd, FS_IOC_SETFLAGS, &flags));
}

/* An empty request: no device and no file system knows it, so ENOTTY means that it got that far. */
static int op_ioctlhand(Hand *h, char **argv) {
        if (ioctl(h->fd, _IO('v', 0xff)) < 0)
                return errno == ENOTTY || errno == EINVAL ? 0 : -errno;
        return 0;
}

/* A snapshot, as btrfs would make it in the directory taken. Other file systems do not know the request. */
static int op_snapshot(Hand *h, char **argv) {
        struct btrfs_ioctl_vol_args_v2 args = {.fd = h->fd, .name = "snapshot"};

        if (ioctl(h->fd, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0)
                return errno == ENOTTY ? 0 : -errno;
        return 0;
}

static int op_copyrange(Hand *h, char **argv) {
        int from = open(argv[1], O_RDONLY | O_CLOEXEC);
        off_t at = 0;

        if (from < 0)
                return -errno;
        int r = RET(copy_file_range(from, &at, h->fd, NULL, 1, 0));
        close(from);
        return r;
}

static int op_splicein(Hand *h, char **argv) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0 || write(fds[1], "x", 1) < 0)
                return -errno;
        int r = RET(splice(fds[0], NULL, h->fd, NULL, 1, 0));
        close(fds[0]);
        close(fds[1]);
        return r;
}

static int op_spliceout(Hand *h, char **argv) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        int r = RET(splice(h->fd, NULL, fds[1], NULL, 1, 0));
        close(fds[0]);
        close(fds[1]);
        return r;
}

static int op_mapwrite(Hand *h, char **argv) {
        char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, h->fd, 0);

        if (p == MAP_FAILED)
                return -errno;
        p[0] = 'x';
        munmap(p, 4096);
        return 0;
}

static int op_maphand(Hand *h, char **argv) {
        void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, h->fd, 0);

        if (p == MAP_FAILED)
                return -errno;
        munmap(p, 4096);
        return 0;
}

/* Executes what was taken, by the name that it has in /proc. */
static int op_execproc(Hand *h, char **argv) {
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", h->fd);
        return op_run(h, (char *[]){"exec", path, NULL});
}

/* ---- names ------------------------------------------------------------------------------------------------------------- */

static int op_noreplace(Hand *h, char **argv) {
        return RET(renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_NOREPLACE));
}

static int op_whiteout(Hand *h, char **argv) {
        return RET(renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_WHITEOUT));
}

static int op_unlinkdir(Hand *h, char **argv) { return RET(unlinkat(AT_FDCWD, argv[1], AT_REMOVEDIR)); }

/* Below the directory that was taken. */
static int op_unlinkunder(Hand *h, char **argv) { return RET(unlinkat(h->fd, argv[1], 0)); }

const Op alias_ops[] = {
        {"take2", 3, op_take2, "PATH FLAGS RESOLVE: take it by openat2, below the directory taken if there is one"},
        {"hold", 3, op_hold, "PATH FLAGS NOTE: have a process that keeps it open, noted in NOTE"},
        {"steal", 1, op_steal, "NOTE: take it by pidfd_getfd"},
        {"takeheld", 2, op_takeheld, "NOTE FLAGS: take it by /proc/PID/fd"},
        {"adopt", 1, op_adopt, "FD: take what was inherited"},
        {"usewrite", 0, op_usewrite, ": write to what was taken"},
        {"fchmodhand", 0, op_fchmodhand, ": of what was taken, as all that follow"},
        {"fchownhand", 0, op_fchownhand, ""},
        {"futimes", 0, op_futimes, ""},
        {"fsetxattr", 0, op_fsetxattr, ""},
        {"fremovexattr", 0, op_fremovexattr, ""},
        {"fattrhand", 0, op_fattrhand, ": chattr"},
        {"ioctlhand", 0, op_ioctlhand, ": a request that nobody knows"},
        {"snapshot", 0, op_snapshot, ": of the directory taken, as on btrfs"},
        {"fallocate", 0, op_fallocate, ""},
        {"copyrange", 1, op_copyrange, "FROM: copy_file_range into it"},
        {"splicein", 0, op_splicein, ": from a pipe into it"},
        {"spliceout", 0, op_spliceout, ": from it into a pipe"},
        {"mapwrite", 0, op_mapwrite, ": by a shared mapping"},
        {"maphand", 0, op_maphand, ": map it for execution"},
        {"execproc", 0, op_execproc, ": execute it as /proc/self/fd/N"},
        {"removexattr", 1, op_removexattr, "PATH"},
        {"noreplace", 2, op_noreplace, "FROM TO: rename, RENAME_NOREPLACE"},
        {"whiteout", 2, op_whiteout, "FROM TO: rename, RENAME_WHITEOUT"},
        {"unlinkdir", 1, op_unlinkdir, "PATH: unlinkat, AT_REMOVEDIR"},
        {"unlinkunder", 1, op_unlinkunder, "RELATIVE: unlinkat below the directory taken"},
        {NULL, 0, NULL, NULL},
};
