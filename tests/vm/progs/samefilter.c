/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* samefilter: whether the seccomp filter that a process is under says the same of every call as the one of a policy.
 *
 *   samefilter [-p] PID NAME [CALL...]    prints "same in N calls, M and K instructions", or the first call about which they differ
 *
 * With -p only whether a call is let through counts, not what it is told. About each CALL they must differ somewhere.
 *
 * The process's filter is what the kernel has; the policy's is what /run/varmor/seccomp/NAME leads to. Every number of each ABI
 * of x86, with arguments around every constant that either of them compares with; but for calls that libseccomp does not know. */

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seccomp/filter.h"
#include "seccomp/interpret.h"
#include "seccomp/syscalls.h"

#define NUMBERS 620
#define SETS 60
#define VALUES_MAX 20000
#define EXCEPTED_MAX 100

typedef struct Code {
        struct sock_filter *insns;
        size_t n;
} Code;

static uint64_t values[VALUES_MAX];
static size_t n_values;

static int read_process(pid_t pid, Code *ret) {
        int status;

        if (ptrace(PTRACE_ATTACH, pid, 0, 0) < 0 || waitpid(pid, &status, __WALL) < 0)
                return -errno;
        long n = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, NULL);
        if (n > 0) {
                ret->insns = calloc((size_t) n, sizeof(*ret->insns));
                ret->n = (size_t) n;
                n = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, ret->insns);
        }
        int r = n < 0 ? -errno : 0;
        (void) ptrace(PTRACE_DETACH, pid, 0, 0);
        return r;
}

static int read_policy(const char *name, Code *ret) {
        static char bytes[FILTER_FILE_MAX];
        FilterHeader h = {.version = 0};
        char path[512];

        snprintf(path, sizeof(path), FILTER_NAMES_DIR "/%s", name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = read(fd, bytes, sizeof(bytes));
        close(fd);
        if (n < 0 || filter_check(bytes, (size_t) n, &h) < 0)
                return -EBADMSG;
        ret->insns = (struct sock_filter *) (bytes + sizeof(h));
        ret->n = filter_n_loud(&h);
        return 0;
}

static void add_value(uint64_t v) {
        if (n_values < VALUES_MAX)
                values[n_values++] = v;
}

/* What arguments are compared with, and what lies beside it. */
static void add_values(const Code *c) {
        int of_argument = 0;

        for (size_t i = 0; i < c->n; i++) {
                if (BPF_CLASS(c->insns[i].code) == BPF_LD)
                        of_argument = c->insns[i].k >= offsetof(struct seccomp_data, args);
                for (int d = -1; of_argument && BPF_CLASS(c->insns[i].code) == BPF_JMP && d <= 1; d++) {
                        add_value(c->insns[i].k + (uint64_t) d);
                        add_value(((uint64_t) c->insns[i].k << 32) + (uint64_t) d);
                }
        }
}

static uint64_t some_value(void) {
        uint64_t v = values[(size_t) random() % n_values];

        return random() % 8 == 0 ? v | values[(size_t) random() % n_values] << 32 : v;
}

static int is_newer(uint32_t arch, uint32_t nr) {
        char *ours = syscall_name(arch, nr);
        int newer = ours && seccomp_syscall_resolve_name(ours) == __NR_SCMP_ERROR;

        free(ours);
        return newer;
}

/* Those that may differ, and have to. */
static char **excepted;
static char excepted_seen[EXCEPTED_MAX];
static int by_passing;

static int passes(uint32_t ret) {
        return (ret & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW || (ret & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_LOG;
}

static int is_excepted(uint32_t arch, uint32_t nr) {
        char *name = syscall_name(arch, nr);
        int found = 0;

        for (size_t i = 0; name && excepted[i] && !found; i++)
                if (strcmp(excepted[i], name) == 0)
                        found = excepted_seen[i] = 1;
        free(name);
        return found;
}

static int compare_call(const Code *a, const Code *b, uint32_t arch, uint32_t nr, int narrow) {
        struct seccomp_data data = {.nr = (int) nr, .arch = arch};

        for (size_t i = 0; i < 6; i++)
                data.args[i] = narrow ? (uint32_t) some_value() : some_value();
        uint32_t x = filter_run(a->insns, a->n, &data), y = filter_run(b->insns, b->n, &data);
        if (x == y || (by_passing && passes(x) == passes(y)) || is_excepted(arch, nr))
                return 0;
        printf("call %u of %x (%llx %llx %llx %llx %llx %llx): %x in the process, %x in the policy\n", nr, arch, data.args[0],
               data.args[1], data.args[2], data.args[3], data.args[4], data.args[5], x, y);
        return 1;
}

int main(int argc, char **argv) {
        static const struct {
                uint32_t arch, base;
                int narrow;
        } abis[] = {{AUDIT_ARCH_X86_64, 0, 0}, {AUDIT_ARCH_I386, 0, 1}, {AUDIT_ARCH_X86_64, X32_SYSCALL_BIT, 1}};
        Code theirs = {NULL, 0}, ours = {NULL, 0};
        unsigned long n = 0;

        if (argc > 1 && strcmp(argv[1], "-p") == 0) {
                by_passing = 1;
                argc--;
                argv++;
        }
        if (argc < 3 || argc - 3 > EXCEPTED_MAX) {
                fprintf(stderr, "usage: samefilter [-p] PID NAME [CALL...]\n");
                return 2;
        }
        excepted = argv + 3;
        int r = read_process(atoi(argv[1]), &theirs);
        if (r < 0) {
                printf("process %s: %s\n", argv[1], strerror(-r));
                return 2;
        }
        r = read_policy(argv[2], &ours);
        if (r < 0) {
                printf("policy %s: %s\n", argv[2], strerror(-r));
                return 2;
        }
        add_value(0);
        add_value(UINT64_MAX);
        add_values(&theirs);
        add_values(&ours);
        for (size_t a = 0; a < sizeof(abis) / sizeof(*abis); a++)
                for (uint32_t nr = 0; nr < NUMBERS; nr++)
                        for (unsigned i = 0; i < SETS && !is_newer(abis[a].arch, abis[a].base + nr); i++, n++)
                                if (compare_call(&theirs, &ours, abis[a].arch, abis[a].base + nr, abis[a].narrow))
                                        return 1;
        for (size_t i = 0; excepted[i]; i++)
                if (!excepted_seen[i]) {
                        printf("no difference in %s\n", excepted[i]);
                        return 1;
                }
        printf("same in %lu calls, %zu and %zu instructions\n", n, theirs.n, ours.n);
        return 0;
}
