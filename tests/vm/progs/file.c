/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt's operations on files by their names. */

#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

int open_flags(const char *letters) {
        int flags = 0;
        bool r = strchr(letters, 'r'), w = strpbrk(letters, "wa");

        for (const char *p = letters; *p; p++)
                switch (*p) {
                case 'r': case 'w': break;
                case 'a': flags |= O_APPEND; break;
                case 'c': flags |= O_CREAT; break;
                case 'x': flags |= O_CREAT | O_EXCL; break;
                case 't': flags |= O_TRUNC; break;
                case 'p': flags |= O_PATH; break;
                case 'd': flags |= O_DIRECTORY; break;
                case 'n': flags |= O_NOFOLLOW; break;
                case 'T': flags |= O_TMPFILE; break;
                default: return -EINVAL;
                }
        return flags | O_CLOEXEC | O_NONBLOCK | (r && w ? O_RDWR : w ? O_WRONLY : O_RDONLY);
}

int read_byte(int fd) {
        char byte;

        return RET(read(fd, &byte, 1));
}

static int op_open(Hand *h, char **argv) {
        int flags = open_flags(argv[2]);
        int fd = flags < 0 ? flags : open(argv[1], flags, 0644);

        if (fd < 0)
                return flags < 0 ? flags : -errno;
        close(fd);
        return 0;
}

static int op_read(Hand *h, char **argv) {
        int fd = open(argv[1], O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        if (fd < 0)
                return -errno;
        int r = read_byte(fd);
        close(fd);
        return r;
}

/* Writes a text into an existing file, as a shell's > does without creating. */
static int op_write(Hand *h, char **argv) {
        const char *text = argv[2] ?: "x";
        int fd = open(argv[1], O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        int r = RET(write(fd, text, strlen(text)));
        close(fd);
        return r;
}

/* Begins to write with a descriptor that was opened to append. */
static int op_unappend(Hand *h, char **argv) {
        int fd = open(argv[1], O_WRONLY | O_APPEND | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        int r = RET(fcntl(fd, F_SETFL, 0));
        close(fd);
        return r;
}

static int op_dir(Hand *h, char **argv) {
        char *path = strdupa(argv[1]);

        for (char *p = path + 1; *p; p++)
                if (*p == '/') {
                        *p = 0;
                        if (mkdir(path, 0755) < 0 && errno != EEXIST)
                                return -errno;
                        *p = '/';
                }
        return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* For preparations: makes a file and the directories above it, whatever was there. */
static int op_put(Hand *h, char **argv) {
        char *path = strdupa(argv[1]), *slash = strrchr(path, '/');
        const char *text = argv[2] ?: "text\n";

        if (slash && slash > path) {
                *slash = 0;
                int r = op_dir(h, (char *[]){argv[0], path, NULL});
                if (r < 0)
                        return r;
        }
        (void) unlink(argv[1]);
        int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        int r = RET(write(fd, text, strlen(text)));
        close(fd);
        return r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        char above[NAME_MAX + 4];

        if (ftw->level > 0 && type == FTW_DP) { /* nftw(3) is still in it */
                snprintf(above, sizeof(above), "../%s", path + ftw->base);
                return rmdir(above) < 0 && errno != ENOENT ? -1 : 0;
        }
        return remove(ftw->level > 0 ? path + ftw->base : path) < 0 && errno != ENOENT ? -1 : 0;
}

static int op_rm(Hand *h, char **argv) {
        if (nftw(argv[1], remove_one, 64, FTW_DEPTH | FTW_PHYS | FTW_MOUNT | FTW_CHDIR) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}

static int op_copy(Hand *h, char **argv) {
        struct stat st;
        int from = open(argv[1], O_RDONLY | O_CLOEXEC);

        if (from < 0 || fstat(from, &st) < 0)
                return -errno;
        (void) unlink(argv[2]);
        int to = open(argv[2], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0777);
        if (to < 0)
                return -errno;
        for (off_t left = st.st_size; left > 0;) {
                ssize_t n = sendfile(to, from, NULL, (size_t) left);
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                left -= n;
        }
        close(from);
        close(to);
        return 0;
}

static int op_truncate(Hand *h, char **argv) { return RET(truncate(argv[1], 0)); }
static int op_unlink(Hand *h, char **argv) { return RET(unlink(argv[1])); }
static int op_rmdir(Hand *h, char **argv) { return RET(rmdir(argv[1])); }
static int op_mkdir(Hand *h, char **argv) { return RET(mkdir(argv[1], 0755)); }
static int op_mkfifo(Hand *h, char **argv) { return RET(mknod(argv[1], S_IFIFO | 0644, 0)); }
static int op_mknull(Hand *h, char **argv) { return RET(mknod(argv[1], S_IFCHR | 0644, makedev(1, 3))); }
static int op_symlink(Hand *h, char **argv) { return RET(symlink(argv[1], argv[2])); }
static int op_link(Hand *h, char **argv) { return RET(link(argv[1], argv[2])); }
static int op_rename(Hand *h, char **argv) { return RET(rename(argv[1], argv[2])); }
static int op_chmod(Hand *h, char **argv) { return RET(chmod(argv[1], (mode_t) strtoul(argv[2], NULL, 8))); }
static int op_lchown(Hand *h, char **argv) { return RET(lchown(argv[1], 1, 1)); }
static int op_chown(Hand *h, char **argv) { return RET(chown(argv[1], 1, 1)); }
static int op_utimes(Hand *h, char **argv) { return RET(utimensat(AT_FDCWD, argv[1], NULL, 0)); }
static int op_setxattr(Hand *h, char **argv) { return RET(setxattr(argv[1], "trusted.attempt", "x", 1, 0)); }
static int op_chdir(Hand *h, char **argv) { return RET(chdir(argv[1])); }

static int op_exchange(Hand *h, char **argv) {
        return RET(renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE));
}

static int op_stat(Hand *h, char **argv) {
        struct stat st;

        return RET(stat(argv[1], &st));
}

static int op_fchmod(Hand *h, char **argv) {
        int fd = open(argv[1], O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        int r = RET(fchmod(fd, (mode_t) strtoul(argv[2], NULL, 8)));
        close(fd);
        return r;
}

static int op_fchown(Hand *h, char **argv) {
        int fd = open(argv[1], O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        int r = RET(fchown(fd, 1, 1));
        close(fd);
        return r;
}

/* Enters a directory N times over, further than any path could name; "dig" makes the directories. */
static int descend(char **argv, bool make) {
        for (long n = strtol(argv[2], NULL, 10); n > 0; n--) {
                if (make && mkdir(argv[1], 0755) < 0 && errno != EEXIST)
                        return -errno;
                if (chdir(argv[1]) < 0)
                        return -errno;
        }
        return 0;
}

static int op_descend(Hand *h, char **argv) { return descend(argv, false); }
static int op_dig(Hand *h, char **argv) { return descend(argv, true); }

/* Waits until a file is there: how a process that runs already is told to go on. */
static int op_await(Hand *h, char **argv) {
        for (int i = 0; i < 2500; i++) {
                if (access(argv[1], F_OK) == 0)
                        return 0;
                usleep(10000);
        }
        return -ETIMEDOUT;
}

static int op_sleep(Hand *h, char **argv) {
        return usleep((useconds_t) (strtod(argv[1], NULL) * 1e6)) < 0 ? -errno : 0;
}

const Op file_ops[] = {
        {"open", 2, op_open, "PATH FLAGS"},
        {"read", 1, op_read, "PATH"},
        {"write", 1, op_write, "PATH [TEXT]"},
        {"put", 1, op_put, "PATH [TEXT]: make it, and the directories above it"},
        {"dir", 1, op_dir, "PATH: make it, and the directories above it"},
        {"rm", 1, op_rm, "PATH: with everything below it"},
        {"copy", 2, op_copy, "FROM TO"},
        {"truncate", 1, op_truncate, "PATH"},
        {"unappend", 1, op_unappend, "PATH: open it to append, and then begin to write"},
        {"unlink", 1, op_unlink, "PATH"},
        {"rmdir", 1, op_rmdir, "PATH"},
        {"mkdir", 1, op_mkdir, "PATH"},
        {"mkfifo", 1, op_mkfifo, "PATH"},
        {"mknull", 1, op_mknull, "PATH: a device node, 1:3"},
        {"symlink", 2, op_symlink, "TARGET PATH"},
        {"link", 2, op_link, "FROM TO"},
        {"rename", 2, op_rename, "FROM TO"},
        {"exchange", 2, op_exchange, "A B"},
        {"chmod", 2, op_chmod, "PATH OCTAL"},
        {"fchmod", 2, op_fchmod, "PATH OCTAL"},
        {"chown", 1, op_chown, "PATH"},
        {"lchown", 1, op_lchown, "PATH"},
        {"fchown", 1, op_fchown, "PATH"},
        {"utimes", 1, op_utimes, "PATH"},
        {"setxattr", 1, op_setxattr, "PATH"},
        {"stat", 1, op_stat, "PATH"},
        {"chdir", 1, op_chdir, "DIR"},
        {"descend", 2, op_descend, "DIR N"},
        {"dig", 2, op_dig, "DIR N"},
        {"await", 1, op_await, "PATH"},
        {"sleep", 1, op_sleep, "SECONDS"},
        {NULL, 0, NULL, NULL},
};
