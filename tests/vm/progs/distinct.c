/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* distinct: does many operations at speed, each of them different and done once, for recordings to be compared with.
 *
 *   distinct prepare DIR FILES EXECS      makes DIR/f00000 ... and the programs DIR/x00 ...
 *   distinct victim                       is sent signals, and minds none
 *   distinct work DIR FILES EXECS ADDRESSES VICTIM
 *                                         waits for a line on standard input; then opens the files, a third each to read, write and append,
 *                                         executes the programs, connects to ADDRESSES addresses 127.x.y.z at port 9, makes sockets of
 *                                         all kinds in the table, and sends all signals that can be minded to VICTIM; prints "KIND NUMBER"
 *                                         for each kind, how many were done
 *
 * What failed is not counted, and makes the exit status 1. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
        int family, type, protocol;
} sockets[] = {
        {AF_INET, SOCK_STREAM, IPPROTO_TCP},    {AF_INET, SOCK_RAW, IPPROTO_ICMP}, {AF_INET6, SOCK_STREAM, IPPROTO_TCP},
        {AF_INET6, SOCK_DGRAM, IPPROTO_UDP},    {AF_UNIX, SOCK_STREAM, 0},         {AF_UNIX, SOCK_DGRAM, 0},
        {AF_UNIX, SOCK_SEQPACKET, 0},           {AF_NETLINK, SOCK_RAW, 0},
};

static bool failed;

static bool done(int r, const char *what)
{
        if (r < 0 && !failed)
                fprintf(stderr, "distinct: %s: %m\n", what);
        failed |= r < 0;
        return r >= 0;
}

static const char *name_of(const char *dir, char kind, int i)
{
        static char path[512];

        snprintf(path, sizeof(path), kind == 'f' ? "%s/%c%05d" : "%s/%c%02d", dir, kind, i);
        return path;
}

/* A copy of this program, which ends at once under the name x.. */
static int copy_self(const char *to)
{
        int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        static char buffer[1 << 16];
        ssize_t n = -1;

        while (in >= 0 && out >= 0 && (n = read(in, buffer, sizeof(buffer))) > 0)
                if (write(out, buffer, (size_t)n) != n)
                        return -1;
        close(in);
        close(out);
        return n < 0 ? -1 : 0;
}

static void prepare(const char *dir, int files, int execs)
{
        (void)mkdir(dir, 0755);
        for (int i = 0; i < files; i++) {
                int fd = open(name_of(dir, 'f', i), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

                if (done(fd, "create"))
                        close(fd);
        }
        for (int i = 0; i < execs; i++)
                (void)done(i == 0 ? copy_self(name_of(dir, 'x', 0)) : 0, "copy");
        for (int i = 1; i < execs; i++) {
                char first[512];

                snprintf(first, sizeof(first), "%s", name_of(dir, 'x', 0));
                (void)done(link(first, name_of(dir, 'x', i)), "link");
        }
}

static int open_files(const char *dir, int n)
{
        static const int flags[] = {O_RDONLY, O_WRONLY, O_WRONLY | O_APPEND};
        int count = 0;

        for (int i = 0; i < n; i++) {
                int fd = open(name_of(dir, 'f', i), flags[i % 3] | O_CLOEXEC);

                if (done(fd, "open"))
                        count++, close(fd);
        }
        return count;
}

static int execute_one(const char *path)
{
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                execl(path, path, (char *)NULL);
                _exit(1);
        }
        return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static int execute(const char *dir, int n)
{
        int count = 0;

        for (int i = 0; i < n; i++)
                count += done(execute_one(name_of(dir, 'x', i)), "execute");
        return count;
}

static int connect_to(int n)
{
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
        int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP), count = 0;

        for (int i = 0; i < n && done(s, "socket"); i++) {
                to.sin_addr.s_addr = htonl(0x7f010001U + (unsigned)i);
                count += done(connect(s, (struct sockaddr *)&to, sizeof(to)), "connect");
        }
        close(s);
        return count;
}

static int make_sockets(void)
{
        int count = 0;

        for (size_t i = 0; i < sizeof(sockets) / sizeof(*sockets); i++) {
                int s = socket(sockets[i].family, sockets[i].type | SOCK_CLOEXEC, sockets[i].protocol);

                if (done(s, "socket"))
                        count++, close(s);
        }
        return count;
}

static int send_signals(pid_t victim)
{
        int count = 0;

        for (int i = 1; i <= 31 && victim > 1; i++)
                if (i != SIGKILL && i != SIGSTOP)
                        count += done(kill(victim, i), "kill");
        return count;
}

static int work(char **argv)
{
        char line[16];

        if (!fgets(line, sizeof(line), stdin))
                return 1;
        int files = open_files(argv[0], atoi(argv[1])), execs = execute(argv[0], atoi(argv[2])), egress = connect_to(atoi(argv[3]));
        int n_sockets = make_sockets() + 1, signals = send_signals(atoi(argv[4]));

        printf("file %d\nexec %d\negress %d\nsocket %d\nsignal %d\n", files, execs, egress, n_sockets, signals);
        return failed;
}

int main(int argc, char **argv)
{
        const char *name = strrchr(argv[0], '/');

        name = name ? name + 1 : argv[0];
        if (*name == 'x')
                return 0;
        if (argc == 5 && strcmp(argv[1], "prepare") == 0) {
                prepare(argv[2], atoi(argv[3]), atoi(argv[4]));
                return failed;
        }
        if (argc == 2 && strcmp(argv[1], "victim") == 0) {
                for (int i = 1; i <= 31; i++)
                        (void)signal(i, SIG_IGN);
                for (;;)
                        (void)pause();
        }
        if (argc == 7 && strcmp(argv[1], "work") == 0)
                return work(argv + 2);
        fprintf(stderr, "distinct prepare DIR FILES EXECS | victim | work DIR FILES EXECS ADDRESSES VICTIM\n");
        return 2;
}
