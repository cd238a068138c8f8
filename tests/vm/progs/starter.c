/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* starter: starts many processes, each in a new cgroup that it enters by clone3(CLONE_INTO_CGROUP), and whose first action is
 * to open a forbidden file. Prints what became of them; exit status 1 if one succeeded or failed for another reason.
 *
 *   starter [-n COUNT] [-j JOBS] [-x] -t CGROUP FORBIDDEN ALLOWED
 *
 *   starter -o RESULT FORBIDDEN ALLOWED     one start, of itself: as the command of a unit
 *
 * CGROUP has one %d. With -o a word is appended to RESULT: succeeded, denied, alone (ALLOWED was refused, too), other. With -x the first action is to execute FORBIDDEN; ALLOWED is read in any case. */

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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX 64

/* Shared with all children. */
typedef struct Tally {
        _Atomic uint64_t started, succeeded, denied, other, neighbour, last_error;
} Tally;

typedef struct Plan {
        unsigned count, jobs;
        bool exec;
        const char *cgroup, *forbidden, *allowed;
} Plan;

static void tell(Tally *t, int r) {
        if (r >= 0)
                t->succeeded++;
        else if (r == -EACCES)
                t->denied++;
        else {
                t->other++;
                t->last_error = (uint64_t) -r;
        }
}

static void workload(const Plan *plan, Tally *t) {
        if (plan->exec) {
                char *argv[] = {(char *) plan->forbidden, NULL};
                t->succeeded++; /* taken back if it returns */
                execv(plan->forbidden, argv);
                int error = errno;
                t->succeeded--;
                tell(t, -error);
        } else {
                int fd = open(plan->forbidden, O_RDONLY | O_CLOEXEC);
                tell(t, fd < 0 ? -errno : fd);
        }
        int fd = open(plan->allowed, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
                t->neighbour++;
        _exit(0);
}

/* As the command of a unit: the first action, and then a word about it. */
static int single(const char *result, const char *forbidden, const char *allowed) {
        int fd = open(forbidden, O_RDONLY | O_CLOEXEC);
        int error = fd < 0 ? errno : 0;
        int neighbour = open(allowed, O_RDONLY | O_CLOEXEC);
        const char *word = error == 0 ? "succeeded\n" : error != EACCES ? "other\n" : neighbour < 0 ? "alone\n" : "denied\n";

        fd = open(result, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0 || write(fd, word, strlen(word)) < 0)
                return 2;
        return 0;
}

static int start(const Plan *plan, const char *dir, Tally *t) {
        if (mkdir(dir, 0755) < 0 && errno != EEXIST)
                return -errno;
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t) fd};
        long pid = syscall(SYS_clone3, &args, sizeof(args));
        if (pid == 0)
                workload(plan, t);
        int r = pid < 0 ? -errno : (int) pid;
        close(fd);
        if (r > 0)
                t->started++;
        return r;
}

/* Starts everything, with at most plan->jobs at once. */
static int run(const Plan *plan, Tally *t) {
        char dirs[JOBS_MAX][512] = {""};
        int pids[JOBS_MAX] = {0};

        for (unsigned i = 0; i < plan->count + plan->jobs; i++) {
                unsigned slot = i % plan->jobs;
                if (pids[slot] > 0) {
                        (void) waitpid(pids[slot], NULL, 0);
                        (void) rmdir(dirs[slot]);
                        pids[slot] = 0;
                }
                if (i >= plan->count)
                        continue;
                char name[400];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                snprintf(name, sizeof(name), plan->cgroup, i);
#pragma GCC diagnostic pop
                snprintf(dirs[slot], sizeof(dirs[slot]), "/sys/fs/cgroup/%s", name);
                pids[slot] = start(plan, dirs[slot], t);
                if (pids[slot] < 0)
                        return pids[slot];
        }
        return 0;
}

int main(int argc, char **argv) {
        Plan plan = {.count = 1000, .jobs = 4};
        const char *result = NULL;
        int opt;

        while ((opt = getopt(argc, argv, "n:j:xt:o:")) >= 0)
                switch (opt) {
                case 'n': plan.count = (unsigned) atoi(optarg); break;
                case 'j': plan.jobs = (unsigned) atoi(optarg); break;
                case 'x': plan.exec = true; break;
                case 'o': result = optarg; break;
                case 't': plan.cgroup = optarg; break;
                default: return 2;
                }
        if (result && argc - optind == 2)
                return single(result, argv[optind], argv[optind + 1]);
        if (argc - optind != 2 || !plan.cgroup || plan.jobs < 1 || plan.jobs > JOBS_MAX) {
                fprintf(stderr, "starter [-n COUNT] [-j JOBS] [-x] -t CGROUP FORBIDDEN ALLOWED\n");
                return 2;
        }
        plan.forbidden = argv[optind];
        plan.allowed = argv[optind + 1];

        Tally *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (t == MAP_FAILED)
                return 2;
        int r = run(&plan, t);
        if (r < 0)
                fprintf(stderr, "starter: %s\n", strerror(-r));
        printf("started=%lu succeeded=%lu denied=%lu other=%lu neighbour=%lu last_error=%s\n", (unsigned long) t->started,
               (unsigned long) t->succeeded, (unsigned long) t->denied, (unsigned long) t->other,
               (unsigned long) t->neighbour, t->last_error ? strerrorname_np((int) t->last_error) : "-");
        return r < 0 || t->started != plan.count || t->denied != plan.count || t->neighbour != plan.count;
}
