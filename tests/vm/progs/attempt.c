/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt: one attempt from the command line, or a table of them from a file. It stays outside itself; each attempt is
 * made by a child that it clones into the cgroup given with -c (or leaves where it is, without -c).
 *
 *   attempt [-c CGROUP] OP ARGS... [; OP ARGS...]     prints "ok" or "EACCES@open"; exit status 0 or 1
 *   attempt [-c CGROUP] -f TABLE -r COLUMN            prints "pass|LABEL|RESULT" or "fail|LABEL|..." for each line
 *
 * With -A PROFILE the child is under that AppArmor profile as well. With -F POLICY it is under the filter of that policy; then it takes
 * on filter and profile before it is moved into the cgroup, where it might not be allowed to.
 *
 * A line of a table:   LABEL | without | with | preparation | steps [| alarm]
 * COLUMN is "without" (the policy) or "with"; the preparation is made by a child that is not confined. "with" may
 * be alternatives with commas between; "any" is anything. \n, \xHH, \\ stand for bytes. '#' begins a comment. */

#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_SECONDS_MAX 30
#define RESULT_MAX 128

static const Op *const all_ops[] = {file_ops, hand_ops, exec_ops, space_ops, escape_ops, bpf_ops, ring_ops, alias_ops,
                                     network_ops, privilege_ops, process_ops, call_ops, attack_ops};

int op_run(Hand *h, char **argv) {
        for (size_t i = 0; i < sizeof(all_ops) / sizeof(*all_ops); i++)
                for (const Op *op = all_ops[i]; op->name; op++) {
                        if (strcmp(op->name, argv[0]) != 0)
                                continue;
                        for (int n = 1; n <= op->args_min; n++)
                                if (!argv[n])
                                        return -EINVAL;
                        return op->run(h, argv);
                }
        return -ENOSYS;
}

int child_wait(pid_t pid) {
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

pid_t clone_into(const char *path) {
        char full[4096];

        if (!path)
                return fork();
        snprintf(full, sizeof(full), "/sys/fs/cgroup/%s", path);
        for (char *p = full + strlen("/sys/fs/cgroup/"); *p; p++)
                if (*p == '/' && p[-1] != '/') {
                        *p = 0;
                        (void) mkdir(full, 0755);
                        *p = '/';
                }
        (void) mkdir(full, 0755);

        int fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        struct clone_args args = {
                .flags = CLONE_INTO_CGROUP,
                .exit_signal = SIGCHLD,
                .cgroup = (uint64_t) fd,
        };
        pid_t pid = (pid_t) syscall(SYS_clone3, &args, sizeof(args));
        int saved = errno;
        close(fd);
        return pid < 0 ? -saved : pid;
}

/* Replaces \n, \t, \\ and \xHH in place. */
static void unescape(char *s) {
        char *to = s;

        for (; *s; s++) {
                if (*s != '\\' || !s[1]) {
                        *to++ = *s;
                        continue;
                }
                s++;
                unsigned byte;
                if (*s == 'x' && sscanf(s + 1, "%2x", &byte) == 1) {
                        *to++ = (char) byte;
                        s += 2;
                } else
                        *to++ = *s == 'n' ? '\n' : *s == 't' ? '\t' : *s;
        }
        *to = 0;
}

/* Cuts @text into steps and words, in place. Return: number of steps, or -E2BIG. */
static int steps_parse(char *text, char *steps[STEPS_MAX][ARGS_MAX + 1]) {
        int n = 0, argc = 0;
        char *save = NULL;

        for (char *w = strtok_r(text, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
                if (strcmp(w, ";") == 0) {
                        if (argc > 0)
                                n++;
                        argc = 0;
                        continue;
                }
                if (n >= STEPS_MAX || argc >= ARGS_MAX)
                        return -E2BIG;
                unescape(w);
                steps[n][argc++] = w;
                steps[n][argc] = NULL;
        }
        return n + (argc > 0);
}

static void result_format(char *result, const char *name, int r) {
        if (r == 0)
                snprintf(result, RESULT_MAX, "ok");
        else if (r >= 1000)
                snprintf(result, RESULT_MAX, "signal:%d@%s", r - 1000, name);
        else if (r > 0)
                snprintf(result, RESULT_MAX, "exit:%d@%s", r, name);
        else
                snprintf(result, RESULT_MAX, "%s@%s", strerrorname_np(-r) ?: "?", name);
}

static char *apparmor_profile, *filter_name;

/* The filter comes first: a profile might not allow to take it on. */
static int enter_profile(Hand *h) {
        char text[512];
        int n = apparmor_profile ? snprintf(text, sizeof(text), "changeprofile %s", apparmor_profile) : 0;
        int fd = open("/proc/thread-self/attr/apparmor/current", O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        int r = filter_name ? op_run(h, (char *[]){"filter", filter_name, NULL}) : 0;
        if (r < 0)
                return r;
        ssize_t k = n > 0 ? write(fd, text, (size_t) n) : 0;
        int saved = errno;
        close(fd);
        return k < 0 ? -saved : 0;
}

/* Return: 0, negative errno. */
static int move_into(const char *path, pid_t pid) {
        char full[4096];

        snprintf(full, sizeof(full), "/sys/fs/cgroup/%s/cgroup.procs", path);
        int fd = open(full, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        int r = dprintf(fd, "%d", pid) < 0 ? -errno : 0;
        close(fd);
        return r;
}

/* Makes one attempt in a child in @cgroup, and writes what became of it. */
static void attempt(const char *cgroup, bool confined, char *steps[STEPS_MAX][ARGS_MAX + 1], int n, char result[static RESULT_MAX]) {
        bool moved = confined && cgroup && filter_name;
        int fds[2], ready[2], go[2];

        if (pipe2(fds, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
                return result_format(result, "pipe", -errno);
        fflush(NULL);
        pid_t pid = clone_into(moved ? NULL : cgroup);
        if (pid == 0) {
                Hand hand = {.fd = -1};
                alarm(LINE_SECONDS_MAX);
                int profile = confined && (apparmor_profile || filter_name) ? enter_profile(&hand) : 0;
                char c = 0;
                if (profile == 0 && moved && (write(ready[1], &c, 1) != 1 || read(go[0], &c, 1) != 1))
                        profile = -EPIPE;
                if (profile < 0)
                        result_format(result, "changeprofile", profile);
                for (int i = 0; profile == 0 && i < n; i++) {
                        int r = op_run(&hand, steps[i]);
                        result_format(result, steps[i][0], r);
                        if (r != 0)
                                break;
                }
                ssize_t k = write(fds[1], result, strlen(result));
                fflush(NULL);
                _exit(k < 0);
        }
        close(fds[1]);
        close(ready[1]);
        close(go[0]);
        /* If it cannot be moved, it finds nobody to tell it to go on. */
        char c = 0;
        ssize_t told = pid > 0 && moved && read(ready[0], &c, 1) == 1 && move_into(cgroup, pid) == 0 ? write(go[1], &c, 1) : 0;
        (void) told;
        close(ready[0]);
        close(go[1]);
        if (pid < 0)
                result_format(result, "clone", pid);
        else {
                ssize_t k = read(fds[0], result, RESULT_MAX - 1);
                int r = child_wait(pid);
                result[k < 0 ? 0 : k] = 0;
                if (k <= 0) /* it executed something (become), or was killed */
                        result_format(result, "attempt", r);
        }
        close(fds[0]);
}

/* Whether @result is among @expected: words with commas between. */
static bool is_expected(const char *expected, const char *result) {
        size_t n = strlen(result);

        if (strcmp(expected, "any") == 0)
                return true;
        for (const char *p = expected; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
                if (strncmp(p, result, n) == 0 && (p[n] == 0 || p[n] == ','))
                        return true;
        return false;
}

static char *trim(char *s) {
        s += strspn(s, " \t\n");
        for (char *e = s + strlen(s); e > s && strchr(" \t\n", e[-1]); e--)
                e[-1] = 0;
        return s;
}

static int table_line(const char *cgroup, bool with, char *line) {
        char *steps[STEPS_MAX][ARGS_MAX + 1] = {{NULL}}, *cell[6] = {NULL}, result[RESULT_MAX] = "";

        for (int i = 0; i < 6 && line; i++)
                cell[i] = trim(strsep(&line, "|"));
        if (!cell[4]) {
                printf("fail|%s|this line of the table has too few columns\n", cell[0]);
                return 1;
        }
        const char *expected = cell[with ? 2 : 1];
        if (strcmp(expected, "-") == 0) /* not attempted in this column */
                return 0;
        int n = steps_parse(cell[3], steps);
        if (n > 0) {
                attempt(NULL, false, steps, n, result);
                if (strcmp(result, "ok") != 0) {
                        printf("fail|%s|preparation: %s\n", cell[0], result);
                        return 1;
                }
        }
        n = steps_parse(cell[4], steps);
        if (n > 0)
                attempt(cgroup, true, steps, n, result);
        bool pass = is_expected(expected, result);
        if (pass)
                printf("pass|%s|%s\n", cell[0], result);
        else
                printf("fail|%s|%s, expected %s\n", cell[0], result, expected);
        return !pass;
}

static int table_run(const char *path, const char *cgroup, bool with) {
        char *line = NULL;
        size_t size = 0;
        int failed = 0;
        FILE *f = fopen(path, "re");

        if (!f) {
                fprintf(stderr, "attempt: %s: %m\n", path);
                return 2;
        }
        while (getline(&line, &size, f) >= 0) {
                char *text = trim(line);
                if (*text && *text != '#')
                        failed |= table_line(cgroup, with, text);
        }
        free(line);
        fclose(f);
        return failed;
}

static int usage(void) {
        fprintf(stderr, "attempt [-c CGROUP] [-A PROFILE] [-F POLICY] OP ARGS... [; OP ARGS...]\n"
                        "attempt [-c CGROUP] [-A PROFILE] [-F POLICY] -f TABLE -r without|with\n");
        for (size_t i = 0; i < sizeof(all_ops) / sizeof(*all_ops); i++)
                for (const Op *op = all_ops[i]; op->name; op++)
                        fprintf(stderr, "  %s %s\n", op->name, op->usage);
        return 2;
}

int main(int argc, char **argv) {
        const char *cgroup = NULL, *table = NULL, *column = "with";
        char *steps[STEPS_MAX][ARGS_MAX + 1] = {{NULL}}, result[RESULT_MAX] = "";
        int n = 0, n_args = 0, opt;

        while ((opt = getopt(argc, argv, "+A:F:c:f:r:")) >= 0)
                switch (opt) {
                case 'A': apparmor_profile = optarg; break;
                case 'F': filter_name = optarg; break;
                case 'c': cgroup = optarg; break;
                case 'f': table = optarg; break;
                case 'r': column = optarg; break;
                default: return usage();
                }
        (void) signal(SIGPIPE, SIG_IGN);
        if (table)
                return table_run(table, cgroup, strcmp(column, "with") == 0);
        if (optind >= argc)
                return usage();
        for (int i = optind; i < argc; i++) {
                if (strcmp(argv[i], ";") == 0) {
                        n++;
                        n_args = 0;
                        continue;
                }
                if (n >= STEPS_MAX || n_args >= ARGS_MAX)
                        return usage();
                steps[n][n_args++] = argv[i];
                steps[n][n_args] = NULL;
        }
        attempt(cgroup, true, steps, n + (n_args > 0), result);
        printf("%s\n", result);
        return strcmp(result, "ok") != 0;
}
