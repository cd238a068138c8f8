/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* filter: executes a command under a seccomp filter that logs what it denies.
 *
 *   filter [-q] ACTION NR[=ARG0][,NR[=ARG0]...] COMMAND...    ACTION: errno (EPERM), log, kill; NR: of a system call; ARG0: only if its
 *                                                             first argument is that. -q: nothing is logged that need not be
 *   filter [-p SECONDS] -c N NR[=ARG0[:ARG1[:ARG2]]]                       makes the call N times by itself, and says how many were denied (EPERM);
 *                                                             ARG1 may be '+': counted up. -p: and is there for so long before
 *                                                             and after it */

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PARTS_MAX 16

static int usage(void) {
        fprintf(stderr, "usage: filter [-q] errno|log|kill NR[=ARG0],... COMMAND...\n       filter -c N NR[=ARG0[:ARG1[:ARG2]]]\n");
        return 2;
}

static int call(unsigned pause, unsigned long n, const char *what) {
        char *end;
        long nr = strtol(what, &end, 0), args[3] = {0};
        unsigned long denied = 0;
        int count = 0;

        for (int i = 0; i < 3 && (*end == '=' || *end == ':'); i++)
                if (end[1] == '+') {
                        count = 1;
                        end += 2;
                } else
                        args[i] = strtol(end + 1, &end, 0);
        sleep(pause);
        for (unsigned long i = 0; i < n; i++) {
                denied += syscall(nr, args[0], args[1], args[2], 0, 0, 0) < 0 && errno == EPERM;
                args[1] += count;
        }
        printf("denied=%lu of=%lu\n", denied, n);
        fflush(stdout);
        sleep(pause);
        return 0;
}

int main(int argc, char **argv) {
        struct sock_filter f[4 * PARTS_MAX + 8];
        struct sock_fprog program = {.filter = f};
        unsigned flags = SECCOMP_FILTER_FLAG_LOG;
        unsigned n = 0, action, pause = 0;

        if (argc == 6 && strcmp(argv[1], "-p") == 0) {
                pause = (unsigned) atoi(argv[2]);
                argc -= 2;
                argv += 2;
        }
        if (argc == 4 && strcmp(argv[1], "-c") == 0)
                return call(pause, strtoul(argv[2], NULL, 0), argv[3]);
        if (argc > 1 && strcmp(argv[1], "-q") == 0) {
                flags = 0;
                argc--;
                argv++;
        }
        if (argc < 4)
                return usage();
        action = strcmp(argv[1], "errno") == 0  ? SECCOMP_RET_ERRNO | EPERM
                 : strcmp(argv[1], "log") == 0  ? SECCOMP_RET_LOG
                                                : SECCOMP_RET_KILL_PROCESS;
        for (char *part = strtok(argv[2], ","); part && n < 4 * PARTS_MAX; part = strtok(NULL, ",")) {
                char *end;
                unsigned long nr = strtoul(part, &end, 0);

                f[n++] = (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
                f[n++] = (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, *end == '=' ? 3 : 1);
                if (*end == '=') {
                        f[n++] = (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]));
                        f[n++] = (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, strtoul(end + 1, NULL, 0), 0, 1);
                }
                f[n++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, action);
        }
        f[n++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        program.len = (unsigned short) n;
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) < 0 &&
            (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) < 0)) {
                fprintf(stderr, "filter: %s\n", strerror(errno));
                return 1;
        }
        execvp(argv[3], argv + 3);
        fprintf(stderr, "filter: %s: %s\n", argv[3], strerror(errno));
        return 127;
}
