/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cost: what an operation takes, in nanoseconds of processor.
 *
 *   cost [-c CGROUP] [-p PROFILE] [-d PATH] [-n COUNT] open PATH    open for reading, and close
 *   cost [-c CGROUP] [-p PROFILE] [-d PATH] [-n COUNT] spawn        start this program, which ends at once, and wait for it
 *   cost [-c CGROUP] [-p PROFILE] [-d DENIED] [-n COUNT] connect ADDRESS  connect a socket for datagrams, again and again
 *   cost [-c CGROUP] [-p PROFILE] [-d DENIED] [-n COUNT] socket FAMILY    make one of that family, and close it
 *   cost [-c CGROUP] [-p PROFILE] [-d CAPABILITY] [-n COUNT] capable      what needs the capability setpcap, and nothing else
 *
 * It enters CGROUP or the AppArmor profile PROFILE, executes itself, so that whatever happens at exec has happened, and
 * then measures COUNT (1000) operations together. What -d names, as the operation has it (for spawn a path to open, for
 * capable "chroot"), must be refused there: else the figure would say nothing. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *what) {
        fprintf(stderr, "cost: %s: %s\n", what, strerror(errno));
        return 1;
}

static int write_file(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

        if (fd >= 0)
                close(fd);
        return n < 0 ? -1 : 0;
}

static int enter_cgroup(const char *cgroup) {
        char path[4096];

        snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/cgroup.procs", cgroup);
        return write_file(path, "0");
}

static int enter_profile(const char *profile) {
        char text[256];

        snprintf(text, sizeof(text), "exec %s", profile);
        return write_file("/proc/self/attr/apparmor/exec", text);
}

static int open_once(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? -1 : close(fd);
}

/* To port 80 of an address of IPv4. */
static int connect_once(const char *address) {
        static int s = -1;
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};

        if (s < 0)
                s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (s < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1)
                return -1;
        return connect(s, (struct sockaddr *)&to, sizeof(to));
}

static int socket_once(const char *family) {
        int s = socket(atoi(family), SOCK_DGRAM | SOCK_CLOEXEC, 0);

        return s < 0 ? -1 : close(s);
}

/* The capability is asked for before the argument is looked at. */
static int capable_once(const char *other) {
        if (other)
                return chroot("/");
        return prctl(PR_CAPBSET_DROP, 1000) < 0 && errno == EINVAL ? 0 : -1;
}

static int spawn_once(const char *self) {
        char *argv[] = {(char *)self, "-q", NULL}, *env[] = {NULL};
        pid_t pid;
        int status;

        errno = posix_spawn(&pid, self, NULL, NULL, argv, env);
        if (errno != 0 || waitpid(pid, &status, 0) < 0)
                return -1;
        return status == 0 ? 0 : -1;
}

/* Of this process and of its children that have ended: what others did meanwhile, and idleness, do not count. */
static double now_nsec(void) {
        struct timespec t;
        struct rusage children;

        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        (void)getrusage(RUSAGE_CHILDREN, &children);
        return (double)t.tv_sec * 1e9 + (double)t.tv_nsec +
               (double)(children.ru_utime.tv_sec + children.ru_stime.tv_sec) * 1e9 +
               (double)(children.ru_utime.tv_usec + children.ru_stime.tv_usec) * 1e3;
}

typedef struct Operation {
        const char *name;
        int (*once)(const char *argument);
        int (*denied)(const char *argument); /* what -d is tried with */
        int n_arguments;
} Operation;

static const Operation operations[] = {
        {"open", open_once, open_once, 1},
        {"spawn", spawn_once, open_once, 0},
        {"connect", connect_once, connect_once, 1},
        {"socket", socket_once, socket_once, 1},
        {"capable", capable_once, capable_once, 0},
        {NULL, NULL, NULL, 0},
};

static int measure(const Operation *o, const char *argument, unsigned long count) {
        double since = 0;

        /* The first tenth is for the caches. */
        for (unsigned long i = 0; i < count + count / 10; i++) {
                if (i == count / 10)
                        since = now_nsec();
                if (o->once(argument) < 0)
                        return fail(argument ?: o->name);
        }
        printf("%.1f\n", (now_nsec() - since) / (double)count);
        return 0;
}

int main(int argc, char *argv[]) {
        const char *cgroup = NULL, *profile = NULL, *denied = NULL;
        const Operation *o = operations;
        unsigned long count = 1000;
        int c;

        while ((c = getopt(argc, argv, "+c:p:d:n:q")) >= 0) {
                if (c == 'c')
                        cgroup = optarg;
                else if (c == 'p')
                        profile = optarg;
                else if (c == 'd')
                        denied = optarg;
                else if (c == 'n')
                        count = strtoul(optarg, NULL, 10);
                else
                        return c == 'q' ? 0 : 2;
        }
        while (o->name && (optind >= argc || strcmp(argv[optind], o->name) != 0))
                o++;
        if (!o->name || argc - optind - 1 != o->n_arguments)
                return 2;
        if (!getenv("COST_ENTERED")) {
                if (cgroup && enter_cgroup(cgroup) < 0)
                        return fail(cgroup);
                if (profile && enter_profile(profile) < 0)
                        return fail(profile);
                (void)setenv("COST_ENTERED", "yes", 1);
                (void)execv(argv[0], argv);
                return fail(argv[0]);
        }
        if (denied && (o->denied(denied) == 0 || (errno != EACCES && errno != EPERM))) {
                fprintf(stderr, "cost: %s is not refused\n", denied);
                return 3;
        }
        return measure(o, o->once == spawn_once ? argv[0] : argv[optind + 1], count);
}
