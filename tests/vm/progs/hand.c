/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt's operations through a descriptor: one step takes it, another uses it. */

#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int hand_set(Hand *h, int fd) {
        if (fd < 0)
                return -errno;
        h->fd = fd;
        return 0;
}

static int op_take(Hand *h, char **argv) {
        int flags = open_flags(argv[2]);

        return flags < 0 ? flags : hand_set(h, open(argv[1], flags, 0644));
}

static int op_takeat(Hand *h, char **argv) {
        int flags = open_flags(argv[2]);

        return flags < 0 ? flags : hand_set(h, openat(h->fd, argv[1], flags, 0644));
}

static int op_reopen(Hand *h, char **argv) {
        char path[64];
        int flags = open_flags(argv[1]);

        snprintf(path, sizeof(path), "/proc/self/fd/%d", h->fd);
        return flags < 0 ? flags : hand_set(h, open(path, flags));
}

static int op_readunder(Hand *h, char **argv) {
        char path[4096];

        snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", h->fd, argv[1]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        int r = read_byte(fd);
        close(fd);
        return r;
}

static int op_use(Hand *h, char **argv) { return read_byte(h->fd); }
static int op_cut(Hand *h, char **argv) { return RET(ftruncate(h->fd, 0)); }
static int op_drop(Hand *h, char **argv) { return RET(close(h->fd)); }
static int op_linkhand(Hand *h, char **argv) { return RET(linkat(h->fd, "", AT_FDCWD, argv[1], AT_EMPTY_PATH)); }
static int op_chdirhand(Hand *h, char **argv) { return RET(fchdir(h->fd)); }

static int op_linkproc(Hand *h, char **argv) {
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", h->fd);
        return RET(linkat(AT_FDCWD, path, AT_FDCWD, argv[1], AT_SYMLINK_FOLLOW));
}

static int op_handle(Hand *h, char **argv) {
        union {
                struct file_handle handle;
                char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
        } u = {.handle.handle_bytes = MAX_HANDLE_SZ};
        int mount_id, flags = open_flags(argv[2]);

        if (name_to_handle_at(AT_FDCWD, argv[1], &u.handle, &mount_id, 0) < 0)
                return -errno;
        int mount = open(argv[3] ?: dirname(strdupa(argv[1])), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (mount < 0)
                return -errno;
        return hand_set(h, open_by_handle_at(mount, &u.handle, flags));
}

static int op_memfd(Hand *h, char **argv) {
        struct stat st;
        int from = open(argv[1], O_RDONLY | O_CLOEXEC), to = memfd_create(argv[2] ?: "copy", MFD_CLOEXEC);

        if (from < 0 || to < 0 || fstat(from, &st) < 0)
                return -errno;
        for (off_t left = st.st_size; left > 0;) {
                ssize_t n = sendfile(to, from, NULL, (size_t) left);
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                left -= n;
        }
        close(from);
        return hand_set(h, to);
}

static int socket_at(const char *path, struct sockaddr_un *ret_address) {
        *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
        snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "%s", path);
        return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* Opens a file and passes it to the first who connects to the socket. */
static int op_offer(Hand *h, char **argv) {
        struct sockaddr_un address;
        int flags = open_flags(argv[3]);
        int file = open(argv[2], flags), s = socket_at(argv[1], &address);

        (void) unlink(argv[1]);
        if (file < 0 || s < 0 || bind(s, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(s, 1) < 0)
                return -errno;
        pid_t pid = fork(); /* the preparation ends while the offer stands */
        if (pid != 0)
                return pid < 0 ? -errno : 0;

        alarm(20);
        int c = accept(s, NULL, NULL);
        union {
                struct cmsghdr head;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
        memcpy(CMSG_DATA(&control.head), &file, sizeof(file));
        struct iovec iov = {.iov_base = (char[]){"x"}, .iov_len = 1};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        _exit(sendmsg(c, &msg, 0) < 0);
}

static int op_receive(Hand *h, char **argv) {
        struct sockaddr_un address;
        int s = socket_at(argv[1], &address);
        union {
                struct cmsghdr head;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {0};
        char byte;
        struct iovec iov = {.iov_base = &byte, .iov_len = 1};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

        if (s < 0 || connect(s, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        if (recvmsg(s, &msg, MSG_CMSG_CLOEXEC) < 0)
                return -errno;
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        if (!c || c->cmsg_type != SCM_RIGHTS || (msg.msg_flags & MSG_CTRUNC))
                return -EACCES; /* the kernel drops what a security module refuses, and says so by MSG_CTRUNC */
        memcpy(&h->fd, CMSG_DATA(c), sizeof(h->fd));
        return 0;
}

/* An unnamed file, given a name afterwards. */
static int op_tmpfile(Hand *h, char **argv) {
        return hand_set(h, open(argv[1], O_TMPFILE | O_RDWR | O_CLOEXEC, 0644));
}

const Op hand_ops[] = {
        {"take", 2, op_take, "PATH FLAGS: open it for the next steps"},
        {"takeat", 2, op_takeat, "RELATIVE FLAGS: open it below the directory taken"},
        {"reopen", 1, op_reopen, "FLAGS: by /proc/self/fd"},
        {"readunder", 1, op_readunder, "RELATIVE: below /proc/self/fd/N of the directory taken"},
        {"use", 0, op_use, ": read from what was taken"},
        {"cut", 0, op_cut, ": truncate what was taken"},
        {"drop", 0, op_drop, ": close what was taken"},
        {"linkhand", 1, op_linkhand, "PATH: give what was taken a name (AT_EMPTY_PATH)"},
        {"linkproc", 1, op_linkproc, "PATH: the same by /proc/self/fd"},
        {"chdirhand", 0, op_chdirhand, ": go to the directory taken"},
        {"handle", 2, op_handle, "PATH FLAGS [MOUNT]: take it by open_by_handle_at"},
        {"memfd", 1, op_memfd, "PATH [NAME]: take a copy of it in memory"},
        {"tmpfile", 1, op_tmpfile, "DIR: take an unnamed file"},
        {"offer", 3, op_offer, "SOCKET PATH FLAGS: pass it to who connects"},
        {"receive", 1, op_receive, "SOCKET: take what is offered"},
        {NULL, 0, NULL, NULL},
};
