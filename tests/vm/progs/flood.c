/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* flood: is denied something as often and as fast as it can, and says what that took.
 *
 *   flood [-c CGROUP] [-j JOBS] [-n COUNT] [-f] same|each DIR
 *
 * JOBS processes (1) try COUNT times (1000) each to create a file in DIR: always the same one, or each time another, by
 * a name that nobody has used. With -f each try is a process of its own. Prints the tries, how many were denied (EACCES),
 * how many were anything else, and the nanoseconds of processor and of the clock that one try took on average. */

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
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 64

typedef struct State {
        _Atomic uint64_t denied, other, cpu_ns;
} State;

typedef struct Args {
        const char *cgroup, *dir;
        unsigned jobs;
        unsigned long n;
        bool each, forks;
} Args;

static uint64_t clock_ns(clockid_t clock) {
        struct timespec t;

        (void) clock_gettime(clock, &t);
        return (uint64_t) t.tv_sec * 1000000000U + (uint64_t) t.tv_nsec;
}

static void try_once(State *s, const Args *args, unsigned job, unsigned long i) {
        char path[4096];

        /* Both forms take the same to make. */
        snprintf(path, sizeof(path), "%s/%d-%u-%lu", args->dir, args->each ? (int) getppid() : 1, job, args->each ? i : 0);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0)
                close(fd);
        if (fd < 0 && errno == EACCES)
                s->denied++;
        else
                s->other++;
}

static void try_in_child(State *s, const Args *args, unsigned job, unsigned long i) {
        pid_t pid = fork();

        if (pid == 0) {
                try_once(s, args, job, i);
                _exit(0);
        }
        if (pid < 0)
                s->other++;
        else
                (void) waitpid(pid, NULL, 0);
}

static void run_job(State *s, const Args *args, unsigned job) {
        uint64_t since = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

        for (unsigned long i = 0; i < args->n; i++)
                (args->forks ? try_in_child : try_once)(s, args, job, i);
        s->cpu_ns += clock_ns(CLOCK_PROCESS_CPUTIME_ID) - since;
}

static pid_t start(const char *cgroup) {
        char dir[4096];

        if (!cgroup)
                return fork();
        snprintf(dir, sizeof(dir), "/sys/fs/cgroup/%s", cgroup);
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -1;
        struct clone_args clone = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t) fd};
        pid_t pid = (pid_t) syscall(SYS_clone3, &clone, sizeof(clone));
        close(fd);
        return pid;
}

static int usage(void) {
        fprintf(stderr, "flood [-c CGROUP] [-j JOBS] [-n COUNT] [-f] same|each DIR\n");
        return 2;
}

int main(int argc, char **argv) {
        Args args = {.jobs = 1, .n = 1000};
        int opt;

        while ((opt = getopt(argc, argv, "c:j:n:f")) >= 0)
                switch (opt) {
                case 'c': args.cgroup = optarg; break;
                case 'j': args.jobs = (unsigned) atoi(optarg); break;
                case 'n': args.n = strtoul(optarg, NULL, 10); break;
                case 'f': args.forks = true; break;
                default: return usage();
                }
        if (argc - optind != 2 || args.jobs < 1 || args.jobs > JOBS_MAX || args.n < 1)
                return usage();
        args.each = strcmp(argv[optind], "each") == 0;
        args.dir = argv[optind + 1];

        State *s = mmap(NULL, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (s == MAP_FAILED)
                return 2;
        uint64_t since = clock_ns(CLOCK_MONOTONIC);
        for (unsigned job = 0; job < args.jobs; job++) {
                pid_t pid = start(args.cgroup);
                if (pid == 0) {
                        run_job(s, &args, job);
                        _exit(0);
                }
                if (pid < 0) {
                        perror("flood");
                        return 2;
                }
        }
        while (wait(NULL) > 0)
                ;
        uint64_t wall = clock_ns(CLOCK_MONOTONIC) - since, tries = args.jobs * args.n;
        printf("tries=%lu denied=%lu other=%lu cpu_ns=%lu wall_ns=%lu\n", tries, s->denied, s->other, s->cpu_ns / tries,
               wall / args.n);
        return 0;
}
