/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What varmor-exec adds to the start of a program: `bench-exec HELPER`. Each start is timed from fork to exit, with and without
 * it in turn. The filters lie in a /run of the bench's own. */

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "filter.h"

#define STARTS 2000

static double now_usec(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double start(char *const *argv)
{
        double begin = now_usec();
        pid_t child = vfork();
        int status;

        if (child == 0) {
                execv(argv[0], argv);
                _exit(99);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
                fprintf(stderr, "%s: status %d\n", argv[0], status);
                exit(1);
        }
        return now_usec() - begin;
}

static void write_filter(const char *path, uint32_t n_insns)
{
        static struct {
                FilterHeader header;
                struct sock_filter insns[FILTER_INSNS_MAX];
        } f;
        FILE *out = fopen(path, "we");

        memcpy(f.header.magic, FILTER_MAGIC, sizeof(f.header.magic));
        f.header.version = FILTER_VERSION;
        f.header.n_insns = n_insns;
        for (uint32_t i = 0; i + 1 < n_insns; i++)
                f.insns[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
        f.insns[n_insns - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        f.header.sum = filter_sum(&f.header, f.insns, n_insns * sizeof(f.insns[0]));
        if (!out || fwrite(&f, sizeof(f.header) + n_insns * sizeof(f.insns[0]), 1, out) != 1 || fclose(out) != 0)
                exit(1);
}

static void measure(char *helper, char *name)
{
        static double direct[STARTS], through[STARTS];
        char *const plain[] = {"/bin/true", NULL}, *const wrapped[] = {helper, name, "--", "/bin/true", NULL};

        for (int i = 0; i < STARTS; i++) {
                direct[i] = start(plain);
                through[i] = start(wrapped);
        }
        qsort(direct, STARTS, sizeof(*direct), compare);
        qsort(through, STARTS, sizeof(*through), compare);
        printf("varmor-exec, filter of %s instructions: start of /bin/true %.0f us, through it %.0f us, median of %d: %.0f us more\n",
               name, direct[STARTS / 2], through[STARTS / 2], STARTS, through[STARTS / 2] - direct[STARTS / 2]);
}

int main(int argc, char **argv)
{
        if (argc != 2)
                return 2;
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0) {
                fprintf(stderr, "bench-exec: needs root: %s\n", strerror(errno));
                return 77;
        }
        (void)umask(0022);
        (void)mkdir("/run/varmor", 0755);
        (void)mkdir(FILTER_NAMES_DIR, 0755);
        write_filter(FILTER_NAMES_DIR "/10", 10);
        write_filter(FILTER_NAMES_DIR "/300", 300);
        measure(argv[1], "10");
        measure(argv[1], "300");
        return 0;
}
