/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* teller: says on standard output all that a process is given by who started it, one thing a line: arguments, environment,
 * descriptors, credentials, signals. Its first argument says what it does then: "exit", "stay", "fork" (the child stays),
 * "notify" (says so to systemd, and that it lives as long as it does), "fail". Lines that begin with "=" are about filters. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;

static int compare(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static void tell_environment(void)
{
        size_t n = 0;

        while (environ[n])
                n++;
        qsort(environ, n, sizeof(*environ), compare);
        for (size_t i = 0; i < n; i++) {
                /* Another one at each start: that it is there is all. */
                if (strncmp(environ[i], "INVOCATION_ID=", 14) == 0 || strncmp(environ[i], "JOURNAL_STREAM=", 15) == 0)
                        printf("env %.*s\n", (int)strcspn(environ[i], "="), environ[i]);
                else if (strncmp(environ[i], "LISTEN_PID=", 11) == 0 || strncmp(environ[i], "WATCHDOG_PID=", 13) == 0 ||
                         strncmp(environ[i], "SYSTEMD_EXEC_PID=", 17) == 0)
                        printf("env %.*s %s\n", (int)strcspn(environ[i], "="), environ[i],
                               atoi(strchr(environ[i], '=') + 1) == getpid() ? "own" : "another's");
                else if (strncmp(environ[i], "MAINPID=", 8) != 0)
                        printf("env %s\n", environ[i]);
        }
}

static void tell_descriptors(void)
{
        for (int fd = 0; fd < 64; fd++) {
                struct stat st;
                int flags = fcntl(fd, F_GETFD);

                if (flags >= 0 && fstat(fd, &st) == 0)
                        printf("fd %d type %o flags %d %o\n", fd, st.st_mode & S_IFMT, flags, fcntl(fd, F_GETFL));
        }
}

static void tell_status(void)
{
        static const char *const wanted[] = {"Uid:",    "Gid:",    "Groups:", "SigBlk:", "SigIgn:", "SigCgt:", "CapInh:",
                                             "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "Umask:",  "Cpus_allowed:", "Name:"};
        char line[512];
        FILE *f = fopen("/proc/self/status", "re");

        while (f && fgets(line, sizeof(line), f)) {
                for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
                        if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
                                printf("status %s", line);
                if (strncmp(line, "NoNewPrivs:", 11) == 0 || strncmp(line, "Seccomp", 7) == 0)
                        printf("=%s", line);
        }
        if (f)
                (void)fclose(f);
}

static void tell_file(const char *path, const char *name)
{
        char text[256] = "";
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

        if (fd >= 0)
                close(fd);
        if (n > 0)
                text[strcspn(text, "\n")] = '\0';
        printf("%s %s\n", name, n < 0 ? strerror(errno) : text);
}

static void tell_rest(void)
{
        char dir[4096] = "";
        int death = 0;

        (void)prctl(PR_GET_PDEATHSIG, &death);
        printf("directory %s\n", getcwd(dir, sizeof(dir)) ? dir : "?");
        printf("nice %d, death signal %d, securebits %d, keepcaps %d, session %s, group %s, parent %s\n",
               getpriority(PRIO_PROCESS, 0), death, prctl(PR_GET_SECUREBITS), prctl(PR_GET_KEEPCAPS),
               getsid(0) == getpid() ? "own" : "another's", getpgrp() == getpid() ? "own" : "another's",
               getppid() == 1 ? "1" : "another");
        tell_file("/proc/self/oom_score_adj", "oom");
        tell_file("/proc/self/cgroup", "cgroup");
        tell_file("/proc/self/timerslack_ns", "slack");
        tell_file("/proc/self/attr/apparmor/current", "=apparmor");
        printf("=personality %s\n", personality(0xffffffff) >= 0 ? "allowed" : strerror(errno));
}

static void notify(const char *text)
{
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (!path || fd < 0 || strlen(path) >= sizeof(a.sun_path))
                exit(9);
        strcpy(a.sun_path, path);
        if (*path == '@')
                a.sun_path[0] = '\0';
        if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&a,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
                exit(9);
        close(fd);
}

int main(int argc, char **argv)
{
        const char *what = argc > 1 ? argv[1] : "exit";

        printf("--- %s\n", what);
        for (int i = 0; i < argc; i++)
                printf("argv[%d] %s\n", i, argv[i]);
        tell_environment();
        tell_descriptors();
        tell_status();
        tell_rest();
        fflush(stdout);
        if (strcmp(what, "fork") == 0 && fork() != 0)
                return 0;
        if (strcmp(what, "notify") == 0)
                for (notify("READY=1");; usleep(200000))
                        notify("WATCHDOG=1");
        if (strcmp(what, "stay") == 0 || strcmp(what, "fork") == 0)
                pause();
        return strcmp(what, "fail") == 0 ? 7 : 0;
}
