/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parser: see parser.h. */

#include "parser.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

enum { FD_FEATURES = 3, FD_ALIVE = 4, FD_ERROR = 5, N_FDS = 6 };

const char *parser_find(void)
{
        static const char *const paths[] = {"/usr/sbin/apparmor_parser", "/sbin/apparmor_parser", NULL};

        for (const char *const *p = paths; *p; p++)
                if (access(*p, X_OK) == 0)
                        return *p;
        return NULL;
}

void parser_result_done(ParserResult *r)
{
        g_clear_pointer(&r->output, g_bytes_unref);
        g_clear_pointer(&r->messages, g_free);
}

static int memory_file(const char *name, const char *text)
{
        autofd int fd = RET_ERRNO(memfd_create(name, MFD_CLOEXEC));
        size_t size = text ? strlen(text) : 0;

        if (fd < 0)
                return fd;
        while (size > 0) {
                ssize_t n = RET_ERRNO(write(fd, text, size));

                if (n < 0)
                        return (int)n;
                text += n;
                size -= (size_t)n;
        }
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        return steal_fd(&fd);
}

static void limit(int resource, uint64_t value)
{
        const struct rlimit l = {.rlim_cur = value, .rlim_max = value};

        (void)setrlimit(resource, &l);
}

/* In the child: no allocation, no GLib. */
static G_GNUC_NORETURN void execute(const Parser *p, const int fds[static N_FDS])
{
        static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
        const char *const arguments[] = {p->path, "--config-file", "/dev/null", "-M", "/proc/self/fd/3", "-Q", "-K", "-q", "-S", NULL};
        int high[N_FDS], error;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* First out of the way of each other, then to their places. */
        for (int i = 0; i < N_FDS; i++) {
                high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 20);
                if (high[i] < 0)
                        _exit(127);
        }
        for (int i = 0; i < N_FDS; i++)
                if (dup2(high[i], i) < 0)
                        _exit(127);
        (void)fcntl(FD_ERROR, F_SETFD, FD_CLOEXEC);
        (void)close_range(N_FDS, ~0U, 0);
        limit(RLIMIT_CORE, 0);
        limit(RLIMIT_CPU, p->seconds_max);
        limit(RLIMIT_FSIZE, p->output_max);
        /* Who is killed for a file too big would not say so. */
        (void)signal(SIGXFSZ, SIG_IGN);
        execve(p->path, (char *const *)arguments, (char *const *)environment);
        error = errno;
        (void)!write(FD_ERROR, &error, sizeof(error));
        _exit(127);
}

static uint64_t now_msec(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Until nobody holds the other end of @alive any more. Return: 0, -ETIMEDOUT. */
static int await_end(int alive, uint32_t seconds_max)
{
        uint64_t end = now_msec() + seconds_max * 1000ULL;

        for (;;) {
                struct pollfd pfd = {.fd = alive, .events = POLLIN};
                uint64_t now = now_msec();
                int r;

                if (now >= end)
                        return -ETIMEDOUT;
                r = poll(&pfd, 1, (int)MIN(end - now, G_MAXINT));
                if (r > 0)
                        return 0;
                if (r < 0 && errno != EINTR)
                        return -errno;
        }
}

static int read_back(int fd, size_t max, GBytes **ret)
{
        struct stat st;
        g_autofree uint8_t *data = NULL;
        size_t size, done = 0;

        if (fstat(fd, &st) < 0)
                return -errno;
        size = (size_t)MIN((uint64_t)st.st_size, max);
        data = g_malloc(size + 1);
        while (done < size) {
                ssize_t n = RET_ERRNO(pread(fd, data + done, size - done, (off_t)done));

                if (n < 0)
                        return (int)n;
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        data[done] = 0;
        *ret = g_bytes_new_take(g_steal_pointer(&data), done);
        return 0;
}

static int collect(const Parser *p, int out, int err, ParserResult *ret)
{
        g_autoptr(GBytes) messages = NULL;
        gsize size;
        const char *text;
        int r = read_back(err, PARSER_MESSAGES_MAX, &messages);

        if (r < 0)
                return r;
        text = g_bytes_get_data(messages, &size);
        ret->messages = g_utf8_make_valid(text, (gssize)size);
        r = read_back(out, p->output_max + 1, &ret->output);
        if (r < 0)
                return r;
        return g_bytes_get_size(ret->output) >= p->output_max ? -EFBIG : 0;
}

static int reap(pid_t pid, ParserResult *ret)
{
        int status = 0;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        ret->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        return 0;
}

int parser_run(const Parser *p, const char *text, const char *features, ParserResult *ret)
{
        autofd int in = memory_file("apparmor-text", text), out = memory_file("apparmor-binary", NULL);
        autofd int err = memory_file("apparmor-messages", NULL), known = memory_file("apparmor-features", features);
        int alive[2] = {-EBADF, -EBADF}, error[2] = {-EBADF, -EBADF}, exec_error = 0, r;
        pid_t pid;

        if (in < 0 || out < 0 || err < 0 || known < 0)
                return MIN(MIN(in, out), MIN(err, known));
        if (pipe2(alive, O_CLOEXEC) < 0)
                return -errno;
        if (pipe2(error, O_CLOEXEC) < 0) {
                r = -errno;
                (void)fd_close(alive[0]);
                (void)fd_close(alive[1]);
                return r;
        }
        pid = fork();
        if (pid == 0)
                execute(p, (const int[N_FDS]){in, out, err, known, alive[1], error[1]});
        r = pid < 0 ? -errno : 0;
        (void)fd_close(alive[1]);
        (void)fd_close(error[1]);
        if (pid > 0) {
                int k;

                r = await_end(alive[0], p->seconds_max);
                if (r < 0)
                        (void)kill(pid, SIGKILL);
                k = reap(pid, ret);
                if (r >= 0)
                        r = k;
                /* Its own limit of time may have come first. */
                if (r >= 0 && ret->status == 128 + SIGXCPU)
                        r = -ETIMEDOUT;
        }
        if (pid > 0 && read(error[0], &exec_error, sizeof(exec_error)) == sizeof(exec_error) && exec_error > 0)
                r = -exec_error;
        (void)fd_close(alive[0]);
        (void)fd_close(error[0]);
        if (r >= 0)
                r = collect(p, out, err, ret);
        return r;
}
