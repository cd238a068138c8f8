/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt's operations on other processes: to trace, to read, to signal them. A PID is a number, "self", "parent", or
 * a file that has it. */

#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pid_of(const char *s) {
        int pid = 0;

        if (strcmp(s, "self") == 0)
                return getpid();
        if (strcmp(s, "parent") == 0)
                return getppid();
        if (*s != '/')
                return (pid_t) strtol(s, NULL, 10);
        FILE *f = fopen(s, "re");
        if (f && fscanf(f, "%d", &pid) != 1)
                pid = 0;
        if (f)
                fclose(f);
        return pid ?: -1; /* nobody, rather than a process group */
}

/* idle NAME FILE [SECONDS]: a process of that name in the background, with its PID in FILE. */
static int op_idle(Hand *h, char **argv) {
        int fds[2];
        char byte;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid > 0) {
                close(fds[1]);
                ssize_t n = read(fds[0], &byte, 1); /* it has its name now */
                close(fds[0]);
                FILE *f = fopen(argv[2], "we");
                if (n < 0 || !f)
                        return -errno;
                fprintf(f, "%d\n", pid);
                return fclose(f) == 0 ? 0 : -errno;
        }
        (void) prctl(PR_SET_NAME, argv[1]);
        for (int fd = 0; fd <= 2; fd++)
                close(fd);
        alarm(argv[3] ? (unsigned) atoi(argv[3]) : 300);
        (void) write(fds[1], "x", 1);
        close(fds[1]);
        for (;;)
                pause();
}

static int op_alive(Hand *h, char **argv) {
        char path[64], text[512];

        snprintf(path, sizeof(path), "/proc/%d/stat", pid_of(argv[1]));
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return -ESRCH;
        close(fd);
        text[n] = 0;
        const char *state = strrchr(text, ')');
        return state && state[1] && state[2] != 'Z' && state[2] != 'X' ? 0 : -ESRCH;
}

/* ---- tracing -------------------------------------------------------------------------------------------------- */

static int detach(pid_t pid) {
        (void) waitpid(pid, NULL, __WALL);
        return RET(ptrace(PTRACE_DETACH, pid, NULL, NULL));
}

static int op_attach(Hand *h, char **argv) {
        pid_t pid = pid_of(argv[1]);

        return ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0 ? -errno : detach(pid);
}

static int op_seizepid(Hand *h, char **argv) {
        pid_t pid = pid_of(argv[1]);

        if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
                return -errno;
        return detach(pid);
}

/* The parent becomes the tracer. */
static int op_traceme(Hand *h, char **argv) { return RET(ptrace(PTRACE_TRACEME, 0, NULL, NULL)); }

static int transfer(const char *pid, bool writing) {
        static char here[8];
        struct iovec local = {.iov_base = here, .iov_len = sizeof(here)};
        struct iovec remote = {.iov_base = here, .iov_len = sizeof(here)}; /* a fork's is at the same place */
        ssize_t n = writing ? process_vm_writev(pid_of(pid), &local, 1, &remote, 1, 0)
                            : process_vm_readv(pid_of(pid), &local, 1, &remote, 1, 0);

        return n < 0 && errno == EFAULT ? 0 : RET(n); /* nothing mapped there, but it was let in */
}

static int op_readvm(Hand *h, char **argv) { return transfer(argv[1], false); }
static int op_writevm(Hand *h, char **argv) { return transfer(argv[1], true); }

/* Opens a file of /proc/PID, and reads from it if it can be read. */
static int op_ofproc(Hand *h, char **argv) {
        char path[128];
        int flags = open_flags(argv[3]);

        snprintf(path, sizeof(path), "/proc/%d/%s", pid_of(argv[1]), argv[2]);
        int fd = open(path, flags);
        if (fd < 0)
                return -errno;
        int r = flags & O_DIRECTORY ? 0 : read_byte(fd);
        close(fd);
        return r == -EIO ? 0 : r; /* mem, at 0 */
}

static int op_linkof(Hand *h, char **argv) {
        char path[128], target[256];

        snprintf(path, sizeof(path), "/proc/%d/%s", pid_of(argv[1]), argv[2]);
        return RET(readlink(path, target, sizeof(target)));
}

static int op_compare(Hand *h, char **argv) {
        return RET(syscall(SYS_kcmp, getpid(), pid_of(argv[1]), KCMP_VM, 0, 0));
}

static int op_takefd(Hand *h, char **argv) {
        int pidfd = (int) syscall(SYS_pidfd_open, pid_of(argv[1]), 0);

        if (pidfd < 0)
                return -errno;
        int fd = (int) syscall(SYS_pidfd_getfd, pidfd, atoi(argv[2]), 0), error = errno;
        close(pidfd);
        /* A descriptor that is not open there: the way to it was. */
        return fd < 0 && error != EBADF ? -error : 0;
}

static int op_joinns(Hand *h, char **argv) {
        int pidfd = (int) syscall(SYS_pidfd_open, pid_of(argv[1]), 0);

        return pidfd < 0 ? -errno : RET(setns(pidfd, CLONE_NEWUTS));
}

/* ---- signals -------------------------------------------------------------------------------------------------- */

static int signal_of(char **argv) {
        return argv[2] ? atoi(argv[2]) : SIGCONT;
}

static int op_signal(Hand *h, char **argv) { return RET(kill(pid_of(argv[1]), signal_of(argv))); }
static int op_signalgroup(Hand *h, char **argv) { return RET(kill(-pid_of(argv[1]), signal_of(argv))); }

static int op_tgkill(Hand *h, char **argv) {
        pid_t pid = pid_of(argv[1]);

        return RET(syscall(SYS_tgkill, pid, pid, signal_of(argv)));
}

static int op_tkill(Hand *h, char **argv) { return RET(syscall(SYS_tkill, pid_of(argv[1]), signal_of(argv))); }

static int op_sigqueue(Hand *h, char **argv) {
        return RET(sigqueue(pid_of(argv[1]), signal_of(argv), (union sigval){.sival_int = 1}));
}

static int op_pidfdsignal(Hand *h, char **argv) {
        int fd = (int) syscall(SYS_pidfd_open, pid_of(argv[1]), 0);

        if (fd < 0)
                return -errno;
        int r = RET(syscall(SYS_pidfd_send_signal, fd, signal_of(argv), NULL, 0));
        close(fd);
        return r;
}

/* A signal that the kernel sends when the descriptor has something: nobody is told if it is refused. */
static int op_sigio(Hand *h, char **argv) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        if (fcntl(fds[0], F_SETOWN, pid_of(argv[1])) < 0 || fcntl(fds[0], F_SETSIG, signal_of(argv)) < 0 ||
            fcntl(fds[0], F_SETFL, O_ASYNC | O_NONBLOCK) < 0)
                return -errno;
        return RET(write(fds[1], "x", 1));
}

const Op process_ops[] = {
        {"idle", 2, op_idle, "NAME FILE [SECONDS]: a process in the background, its PID in FILE"},
        {"alive", 1, op_alive, "PID"},
        {"attach", 1, op_attach, "PID: PTRACE_ATTACH"},
        {"seizepid", 1, op_seizepid, "PID: PTRACE_SEIZE"},
        {"traceme", 0, op_traceme, ": PTRACE_TRACEME"},
        {"readvm", 1, op_readvm, "PID"},
        {"writevm", 1, op_writevm, "PID"},
        {"ofproc", 3, op_ofproc, "PID FILE FLAGS"},
        {"linkof", 2, op_linkof, "PID FILE: readlink"},
        {"compare", 1, op_compare, "PID: kcmp"},
        {"takefd", 2, op_takefd, "PID FD"},
        {"joinns", 1, op_joinns, "PID: setns by a pidfd"},
        {"signal", 1, op_signal, "PID [SIGNAL]"},
        {"signalgroup", 1, op_signalgroup, "PID [SIGNAL]"},
        {"tgkill", 1, op_tgkill, "PID [SIGNAL]"},
        {"tkill", 1, op_tkill, "PID [SIGNAL]"},
        {"sigqueue", 1, op_sigqueue, "PID [SIGNAL]"},
        {"pidfdsignal", 1, op_pidfdsignal, "PID [SIGNAL]"},
        {"sigio", 1, op_sigio, "PID [SIGNAL]: by a descriptor that is ready"},
        {NULL, 0, NULL, NULL},
};
