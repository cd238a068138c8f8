/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt's operations that execute, map for execution, or run a step in another process or thread. */

#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* How the image is named to the kernel. */
typedef struct Image {
        int fd;     /* -1: by path */
        char **argv;
} Image;

static void image_exec(const Image *image) {
        if (image->fd < 0)
                execv(image->argv[0], image->argv);
        else
                syscall(SYS_execveat, image->fd, "", image->argv, environ, AT_EMPTY_PATH);
}

static void quiet(void) {
        int null = open("/dev/null", O_RDWR);

        for (int fd = 0; fd <= 2; fd++)
                if (null >= 0)
                        dup2(null, fd);
                else
                        close(fd); /* below another root there need not be one */
}

static void *thread_exec(void *p) {
        image_exec(p);
        return (void *) (intptr_t) errno;
}

/* Executes in a child. Return: its exit status, 1000 + signal, or the negative errno of the exec itself. */
static int run(const Image *image, bool by_thread) {
        int fds[2], error = 0;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                quiet();
                if (by_thread) {
                        pthread_t thread;
                        void *result = (void *) (intptr_t) EAGAIN;
                        if (pthread_create(&thread, NULL, thread_exec, (void *) image) == 0)
                                pthread_join(thread, &result);
                        error = (int) (intptr_t) result;
                } else {
                        image_exec(image);
                        error = errno;
                }
                ssize_t k = write(fds[1], &error, sizeof(error));
                _exit(k < 0 ? 126 : 127);
        }
        close(fds[1]);
        ssize_t n = read(fds[0], &error, sizeof(error));
        close(fds[0]);
        int r = child_wait(pid);
        return n == sizeof(error) ? -error : r;
}

static int op_exec(Hand *h, char **argv) { return run(&(Image){.fd = -1, .argv = argv + 1}, false); }
static int op_execthread(Hand *h, char **argv) { return run(&(Image){.fd = -1, .argv = argv + 1}, true); }

static int op_exechand(Hand *h, char **argv) {
        return run(&(Image){.fd = h->fd, .argv = argv}, false);
}

static int op_become(Hand *h, char **argv) {
        execvp(argv[1], argv + 1);
        return -errno;
}

static int map(Hand *h, char **argv, int prot, bool protect) {
        int fd = open(argv[1], O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        void *p = mmap(NULL, 4096, prot, MAP_PRIVATE, fd, 0);
        int r = p == MAP_FAILED ? -errno : 0;
        close(fd);
        if (r == 0 && protect)
                r = RET(mprotect(p, 4096, PROT_READ | PROT_EXEC));
        if (p != MAP_FAILED)
                munmap(p, 4096);
        return r;
}

static int op_map(Hand *h, char **argv) { return map(h, argv, PROT_READ | PROT_EXEC, false); }
static int op_mapread(Hand *h, char **argv) { return map(h, argv, PROT_READ, false); }
static int op_protect(Hand *h, char **argv) { return map(h, argv, PROT_READ, true); }

typedef struct Nested {
        Hand *hand;
        char **argv;
        int r;
} Nested;

static void *nested_run(void *p) {
        Nested *n = p;

        n->r = op_run(n->hand, n->argv);
        return NULL;
}

static int op_thread(Hand *h, char **argv) {
        Nested nested = {.hand = h, .argv = argv + 1};
        pthread_t thread;
        int r = pthread_create(&thread, NULL, nested_run, &nested);

        if (r != 0)
                return -r;
        pthread_join(thread, NULL);
        return nested.r;
}

/* Runs a step in a child of its own, in this cgroup (fork) or in another one (cloneinto). */
static int nested_process(Hand *h, const char *cgroup, char **argv) {
        int fds[2], error = 0;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        pid_t pid = clone_into(cgroup);
        if (pid < 0)
                return pid;
        if (pid == 0) {
                error = op_run(h, argv);
                ssize_t k = write(fds[1], &error, sizeof(error));
                _exit(k < 0);
        }
        close(fds[1]);
        ssize_t n = read(fds[0], &error, sizeof(error));
        close(fds[0]);
        int r = child_wait(pid);
        return n == sizeof(error) ? error : r;
}

static int op_fork(Hand *h, char **argv) { return nested_process(h, NULL, argv + 1); }
static int op_cloneinto(Hand *h, char **argv) { return nested_process(h, argv[1], argv + 2); }

static int op_as(Hand *h, char **argv) {
        uid_t uid = (uid_t) strtoul(argv[1], NULL, 10);

        if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0)
                return -errno;
        return RET(setresuid(uid, uid, uid));
}

const Op exec_ops[] = {
        {"exec", 1, op_exec, "PATH ARGS...: in a child, with no output"},
        {"exechand", 0, op_exechand, ": execute what was taken (AT_EMPTY_PATH)"},
        {"execthread", 1, op_execthread, "PATH ARGS...: by a thread that is not the leader"},
        {"become", 1, op_become, "COMMAND ARGS...: in this process"},
        {"map", 1, op_map, "PATH: map it for execution"},
        {"mapread", 1, op_mapread, "PATH: map it for reading"},
        {"protect", 1, op_protect, "PATH: map it for reading, then make that executable"},
        {"thread", 1, op_thread, "OP ARGS...: in another thread"},
        {"fork", 1, op_fork, "OP ARGS...: in a child"},
        {"cloneinto", 2, op_cloneinto, "CGROUP OP ARGS...: in a child in another cgroup"},
        {"as", 1, op_as, "UID"},
        {NULL, 0, NULL, NULL},
};
