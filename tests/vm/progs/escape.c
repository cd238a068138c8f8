/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt's operations by which a process might leave its cgroup, or get at another process. */

#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pid_of(const char *s) {
        return (pid_t) strtol(s, NULL, 10);
}

/* Writes @id into a file of @cgroup. */
static int cgroup_write(const char *cgroup, const char *file, pid_t id) {
        char path[4096], text[16];

        snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/%s", cgroup, file);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        int n = snprintf(text, sizeof(text), "%d", id);
        int r = RET(write(fd, text, (size_t) n));
        close(fd);
        return r;
}

static int op_enter(Hand *h, char **argv) {
        return cgroup_write(argv[1], "cgroup.procs", argv[2] ? pid_of(argv[2]) : getpid());
}

static int op_enterthread(Hand *h, char **argv) {
        return cgroup_write(argv[1], "cgroup.threads", argv[2] ? pid_of(argv[2]) : gettid());
}

/* For a thread: goes there alone, and then runs a step. */
static int op_enterthen(Hand *h, char **argv) {
        int r = cgroup_write(argv[1], "cgroup.threads", gettid());

        return r < 0 ? r : op_run(h, argv + 2);
}

static int op_enterand(Hand *h, char **argv) {
        int r = cgroup_write(argv[1], "cgroup.procs", 0);

        return r < 0 ? r : op_run(h, argv + 2);
}

/* Whether this process is in @cgroup: a move that was let through must also have happened. */
static int op_inside(Hand *h, char **argv) {
        char text[4096];
        int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

        if (n < 0)
                return -errno;
        close(fd);
        text[n] = 0;
        char *line = strstr(text, "0::");
        if (!line)
                return -ENODATA;
        line[strcspn(line, "\n")] = 0;
        return strcmp(line + 3, argv[1]) == 0 ? 0 : -EXDEV;
}

static int op_kill(Hand *h, char **argv) {
        return RET(kill(pid_of(argv[1]), argv[2] ? atoi(argv[2]) : SIGCONT));
}

static int op_pidfdkill(Hand *h, char **argv) {
        int fd = (int) syscall(SYS_pidfd_open, pid_of(argv[1]), 0);

        if (fd < 0)
                return -errno;
        int r = RET(syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0));
        close(fd);
        return r;
}

static int op_ptrace(Hand *h, char **argv) {
        pid_t pid = pid_of(argv[1]);

        if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0)
                return -errno;
        (void) waitpid(pid, NULL, __WALL);
        return RET(ptrace(PTRACE_DETACH, pid, NULL, NULL));
}

static int op_seize(Hand *h, char **argv) {
        if (ptrace(PTRACE_SEIZE, pid_of(argv[1]), NULL, NULL) < 0)
                return -errno;
        return 0;
}

/* Opens a file of a process: mem, root, environ, fd/N ... */
static int op_procfile(Hand *h, char **argv) {
        char path[128];
        int flags = open_flags(argv[3]);

        snprintf(path, sizeof(path), "/proc/%s/%s", argv[1], argv[2]);
        int fd = open(path, flags);
        if (fd < 0)
                return -errno;
        close(fd);
        return 0;
}

static int op_vmread(Hand *h, char **argv) {
        char here[8];
        struct iovec local = {.iov_base = here, .iov_len = sizeof(here)};
        struct iovec remote = {.iov_base = (void *) (uintptr_t) 0x1000, .iov_len = sizeof(here)};

        if (process_vm_readv(pid_of(argv[1]), &local, 1, &remote, 1, 0) < 0)
                return errno == EFAULT ? 0 : -errno; /* nothing mapped there, but it was let in */
        return 0;
}

static int op_getfd(Hand *h, char **argv) {
        int pidfd = (int) syscall(SYS_pidfd_open, pid_of(argv[1]), 0);

        if (pidfd < 0)
                return -errno;
        int fd = (int) syscall(SYS_pidfd_getfd, pidfd, atoi(argv[2]), 0);
        int r = RET(fd);
        close(pidfd);
        if (fd >= 0)
                close(fd);
        return r;
}

/* A limit on processor time kills, too. The limit set here is no limit, so that trying it does no harm. */
static int op_prlimit(Hand *h, char **argv) {
        struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

        return RET(prlimit(pid_of(argv[1]), RLIMIT_CPU, &limit, NULL));
}

static int op_connect(Hand *h, char **argv) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (s < 0)
                return -errno;
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
        int r = RET(connect(s, (struct sockaddr *) &address, sizeof(address)));
        close(s);
        return r;
}

/* Binding a socket makes a file. */
static int op_bindsocket(Hand *h, char **argv) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (s < 0)
                return -errno;
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
        int r = RET(bind(s, (struct sockaddr *) &address, sizeof(address)));
        close(s);
        return r;
}

const Op escape_ops[] = {
        {"enter", 1, op_enter, "CGROUP [PID]: by cgroup.procs"},
        {"enterthread", 1, op_enterthread, "CGROUP [TID]: by cgroup.threads"},
        {"enterthen", 2, op_enterthen, "CGROUP OP ARGS...: by cgroup.threads, and run that"},
        {"enterand", 2, op_enterand, "CGROUP OP ARGS...: by cgroup.procs, and run that"},
        {"inside", 1, op_inside, "CGROUP: whether this process is in it"},
        {"kill", 1, op_kill, "PID [SIGNAL]"},
        {"pidfdkill", 1, op_pidfdkill, "PID"},
        {"ptrace", 1, op_ptrace, "PID"},
        {"seize", 1, op_seize, "PID"},
        {"procfile", 3, op_procfile, "PID FILE FLAGS"},
        {"vmread", 1, op_vmread, "PID"},
        {"getfd", 2, op_getfd, "PID FD"},
        {"prlimit", 1, op_prlimit, "PID"},
        {"bindsocket", 1, op_bindsocket, "PATH"},
        {"connect", 1, op_connect, "SOCKET"},
        {NULL, 0, NULL, NULL},
};
