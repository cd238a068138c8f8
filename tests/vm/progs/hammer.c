/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* hammer: opens a forbidden file, as fast as it can, until its state file says stop, and counts.
 *
 *   hammer -s STATE [-j JOBS] [-p USEC] [-c CGROUP] FORBIDDEN ALLOWED
 *                                                             run (in CGROUP), until "hammer -s STATE -q"
 *   hammer -s STATE -q                                        tell it to stop
 *   hammer -s STATE                                           print the counts so far
 *
 * Each round opens FORBIDDEN for reading and every 64th round ALLOWED, and then pauses for USEC: an emulated machine has others to
 * serve. The counts are in the file STATE, so that they
 * outlive whatever happens to the processes. */

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX 16

typedef struct State {
        _Atomic uint64_t running, stop, tries, opened, denied, other, last_error, neighbour, neighbour_refused;
} State;

static State *state_map(const char *path, bool create) {
        int fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_TRUNC : 0), 0600);

        if (fd < 0 || (create && ftruncate(fd, sizeof(State)) < 0))
                return NULL;
        State *s = mmap(NULL, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        return s == MAP_FAILED ? NULL : s;
}

static void beat(State *s, const char *forbidden, const char *allowed, useconds_t pause_usec) {
        s->running++;
        for (uint64_t i = 0; !s->stop; i++) {
                int fd = open(forbidden, O_RDONLY | O_CLOEXEC);
                s->tries++;
                if (fd >= 0) {
                        s->opened++;
                        close(fd);
                } else if (errno == EACCES)
                        s->denied++;
                else {
                        s->last_error = (uint64_t) errno;
                        s->other++;
                }
                if (i % 64 != 0)
                        continue;
                fd = open(allowed, O_RDONLY | O_CLOEXEC);
                if (fd >= 0) {
                        s->neighbour++;
                        close(fd);
                } else
                        s->neighbour_refused++;
                if (pause_usec > 0)
                        usleep(pause_usec);
        }
        s->running--;
}

static int print(const State *s) {
        printf("running=%lu tries=%lu opened=%lu denied=%lu other=%lu last_error=%s neighbour=%lu neighbour_refused=%lu\n",
               (unsigned long) s->running, (unsigned long) s->tries, (unsigned long) s->opened, (unsigned long) s->denied,
               (unsigned long) s->other, s->last_error ? strerrorname_np((int) s->last_error) : "-",
               (unsigned long) s->neighbour, (unsigned long) s->neighbour_refused);
        return 0;
}

static pid_t start(const char *cgroup) {
        char dir[4096];

        if (!cgroup)
                return fork();
        snprintf(dir, sizeof(dir), "/sys/fs/cgroup/%s", cgroup);
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -1;
        struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t) fd};
        pid_t pid = (pid_t) syscall(SYS_clone3, &args, sizeof(args));
        close(fd);
        return pid;
}

int main(int argc, char **argv) {
        const char *path = NULL, *cgroup = NULL;
        bool quit = false;
        int jobs = 1, opt;
        useconds_t pause_usec = 0;

        while ((opt = getopt(argc, argv, "s:j:p:c:q")) >= 0)
                switch (opt) {
                case 's': path = optarg; break;
                case 'j': jobs = atoi(optarg); break;
                case 'p': pause_usec = (useconds_t) atoi(optarg); break;
                case 'c': cgroup = optarg; break;
                case 'q': quit = true; break;
                default: return 2;
                }
        State *s = path ? state_map(path, argc - optind == 2) : NULL;
        if (!s) {
                fprintf(stderr, "hammer: no state: %m\n");
                return 2;
        }
        if (quit)
                s->stop = 1;
        if (argc - optind != 2)
                return quit ? 0 : print(s);
        for (int i = 0; i < jobs && i < JOBS_MAX; i++) {
                pid_t pid = start(cgroup);
                if (pid == 0) {
                        beat(s, argv[optind], argv[optind + 1], pause_usec);
                        _exit(0);
                }
                if (pid < 0) {
                        perror("hammer");
                        return 2;
                }
        }
        while (wait(NULL) > 0)
                ;
        return print(s);
}
