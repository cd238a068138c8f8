/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* varmor-exec: loads the seccomp filters of policies into its own process, and executes a command there, under their AppArmor
 * profiles. systemd's generator puts it in front of the commands of services, so it stands in every start: static, no library,
 * no allocation, and it leaves everything that a process hands on as it was (environment, descriptors, credentials, signals,
 * arguments). Nothing is executed without its filters and profiles, unless it was told --open. See varmor-exec(8). */

#include <linux/filter.h>
#include <linux/limits.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#include "exec-apparmor.h"
#include "exec-say.h"
#include "filter.h"
#include "messages.h"
#include "raw.h"

/* src/basic/path-util.h of systemd, v252: DEFAULT_PATH where /bin and /usr/bin may differ. */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define FILTERS_MAX 16U
#define CHUNK_BYTES 16384U

typedef struct Filter {
        const char *name;
        bool open; /* a missing one is no reason not to start */
        bool usable;
        FilterHeader header;
        struct sock_filter insns[FILTER_INSNS_MAX];
} Filter;

typedef struct Job {
        unsigned n_filters;
        ExecApparmor apparmor;
        bool own_argv0;
        bool ignore_missing;
        const char *search;
        int wait_fd;
        char **command;
} Job;

static Filter filters[FILTERS_MAX];

/* ---- filters ------------------------------------------------------------------------------------------------------- */

static void fail_filter(const Filter *f, const char *what, int error)
{
        say_to_journal(MESSAGE_FILTER_MISSING, f->open ? "4" : "3", f->name,
                       (const char *const[]){what, " the seccomp filter ", f->name, f->open ? ", starting without it: " : ": ",
                                             say_reason(error), NULL});
        if (!f->open)
                raw_exit(STATUS_SECCOMP);
}

static int read_whole(int fd, void *buffer, size_t size)
{
        char *to = buffer;

        while (size > 0) {
                long n = raw_read(fd, to, size);

                if (n == -EINTR)
                        continue;
                if (n < 0)
                        return (int)n;
                if (n == 0)
                        return -EBADMSG;
                to += n;
                size -= (size_t)n;
        }
        return 0;
}

/* As filter_check(), but piece by piece: what is not for the kernel is not kept. */
static int read_filter(int fd, Filter *f)
{
        static char chunk[CHUNK_BYTES];
        FilterHeader *h = &f->header, zeroed;
        size_t size;
        struct stat st;
        uint64_t sum;
        int r;

        r = raw_stat(fd, "", AT_EMPTY_PATH, &st);
        if (r < 0)
                return r;
        /* Whoever can write it decides what is allowed. */
        if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 0022))
                return -EBADMSG;
        r = read_whole(fd, h, sizeof(*h));
        if (r < 0)
                return r;
        if (!filter_header_is_sane(h))
                return -EBADMSG;
        size = h->n_insns * sizeof(struct sock_filter);
        if ((uint64_t)st.st_size != sizeof(*h) + size + h->extra_bytes)
                return -EBADMSG;
        r = read_whole(fd, f->insns, size);
        if (r < 0)
                return r;
        zeroed = *h;
        zeroed.sum = 0;
        sum = filter_sum(&zeroed, f->insns, size);
        for (size_t left = h->extra_bytes; left > 0; left -= size) {
                size = left < sizeof(chunk) ? left : sizeof(chunk);
                r = read_whole(fd, chunk, size);
                if (r < 0)
                        return r;
                sum = filter_fnv(sum, chunk, size);
        }
        return sum == h->sum ? 0 : -EBADMSG;
}

static void get_filter(Filter *f)
{
        char path[sizeof(FILTER_NAMES_DIR) + NAME_MAX + 1] = FILTER_NAMES_DIR "/";
        int fd, r;

        memcpy(path + sizeof(FILTER_NAMES_DIR), f->name, strlen(f->name) + 1);
        fd = r = raw_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd >= 0) {
                r = read_filter(fd, f);
                raw_close(fd);
        }
        f->usable = r == 0;
        if (r < 0)
                fail_filter(f, "Cannot read", -r);
}

static int install(const struct sock_fprog *program, unsigned flags)
{
        return (int)raw_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, (long)program, 0, 0, 0);
}

static int control(long what, long value, const void *more)
{
        return (int)raw_call(SYS_prctl, what, value, (long)more, 0, 0, 0);
}

static void load_filter(const Filter *f)
{
        const struct sock_fprog program = {.len = (unsigned short)filter_n_loud(&f->header), .filter = (struct sock_filter *)f->insns};
        unsigned flags = f->header.flags & FILTER_LOG ? SECCOMP_FILTER_FLAG_LOG : 0;
        int r;

        r = install(&program, flags);
        /* seccomp(2): without CAP_SYS_ADMIN, only where a set-user-ID program cannot be confused by it. */
        if (r == -EACCES && control(PR_SET_NO_NEW_PRIVS, 1, NULL) == 0)
                r = install(&program, flags);
        /* A filter that is there already may deny the one call and not the other. */
        if (r < 0 && control(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
                r = 0;
        if (r < 0)
                fail_filter(f, "Cannot load", -r);
}

/* What is denied in silence. If it cannot be loaded, the other filter denies it, not in silence. */
static void load_quiet(const Filter *f)
{
        const struct sock_fprog program = {.len = (unsigned short)f->header.n_quiet,
                                           .filter = (struct sock_filter *)f->insns + filter_n_loud(&f->header)};

        if (f->header.n_quiet > 0)
                (void)install(&program, 0);
}

static void load_each(unsigned n, bool last, void (*load)(const Filter *f))
{
        for (unsigned i = 0; i < n; i++)
                if (filters[i].usable && !!(filters[i].header.flags & FILTER_BLOCKS_SECCOMP) == last)
                        load(&filters[i]);
}

/* Under a filter that forbids seccomp(2), to load its quiet part might kill, or be reported. */
static void load_filters(unsigned n)
{
        load_each(n, false, load_filter);
        load_each(n, false, load_quiet);
        load_each(n, true, load_filter);
}

/* ---- the command --------------------------------------------------------------------------------------------------- */

static bool is_program(const char *path)
{
        struct stat st;

        return raw_stat(AT_FDCWD, path, 0, &st) == 0 && S_ISREG(st.st_mode) && raw_access(path, 1) == 0;
}

/* As systemd looks for a command without "/": before anything is denied. */
static const char *find_program(const Job *job, const char *name)
{
        static char path[PATH_MAX];
        const size_t size = strlen(name);

        if (has(name, '/'))
                return name;
        for (const char *dir = job->search, *end; *dir; dir = *end ? end + 1 : end) {
                for (end = dir; *end && *end != ':'; end++)
                        ;
                if (*dir != '/' || (size_t)(end - dir) + 1 + size >= sizeof(path))
                        continue;
                memcpy(path, dir, (size_t)(end - dir));
                path[end - dir] = '/';
                memcpy(path + (end - dir) + 1, name, size + 1);
                if (is_program(path))
                        return path;
        }
        return NULL;
}

static void wait_for_word(int fd)
{
        char c;
        long n;

        do
                n = raw_read(fd, &c, 1);
        while (n == -EINTR);
        raw_close(fd);
        if (n != 1)
                raw_exit(1);
}

static _Noreturn void fail_missing(const Job *job, const char *path)
{
        if (!job->ignore_missing)
                fail_exec("Failed to locate executable", path, ENOENT);
        say_to_journal(MESSAGE_SPAWN_FAILED, "6", NULL, (const char *const[]){"Executable ", path, " missing, skipping", NULL});
        raw_exit(0);
}

static _Noreturn void execute(const Job *job, char **environment)
{
        const char *name = job->command[0], *path;
        long r;

        /* systemd refuses these when it reads the unit, where it can. */
        if (has(name, '/') && *name != '/')
                fail_exec("Not an absolute path:", name, EINVAL);
        path = find_program(job, name);
        if (!path || (job->ignore_missing && raw_access(path, 0) == -ENOENT))
                fail_missing(job, name);
        if (job->apparmor.profile)
                exec_apparmor(&job->apparmor, path);
        load_filters(job->n_filters);
        r = raw_call(SYS_execve, (long)path, (long)(job->own_argv0 ? job->command + 1 : job->command), (long)environment, 0, 0, 0);
        fail_exec("Failed to execute", path, (int)-r);
}

/* ---- arguments ----------------------------------------------------------------------------------------------------- */

static void check_name(const char *name)
{
        if (!*name || *name == '.' || has(name, '/') || strlen(name) > NAME_MAX)
                usage("found what is no name of a policy\n");
}

static void take_children(Job *job, const char *name, bool open)
{
        check_name(name);
        if (job->apparmor.n_children >= EXEC_CHILDREN_MAX)
                usage("too many policies\n");
        job->apparmor.children[job->apparmor.n_children].name = name;
        job->apparmor.children[job->apparmor.n_children++].open = open;
}

static void take_name(Job *job, const char *name, bool open)
{
        check_name(name);
        if (job->n_filters >= FILTERS_MAX)
                usage("too many policies\n");
        filters[job->n_filters].name = name;
        filters[job->n_filters++].open = open;
}

static int parse_fd(const char *s)
{
        int fd = 0;

        for (; *s >= '0' && *s <= '9' && fd < 1000000; s++)
                fd = fd * 10 + *s - '0';
        if (*s)
                usage("--wait takes the number of a descriptor\n");
        return fd;
}

static void parse(char **argv, Job *job)
{
        bool open = false;

        for (argv++; *argv && !same(*argv, "--"); argv++)
                if (same(*argv, "-@"))
                        job->own_argv0 = true;
                else if (same(*argv, "-i"))
                        job->ignore_missing = true;
                else if (same(*argv, "--open"))
                        open = true;
                else if (same(*argv, "--apparmor") && argv[1]) {
                        job->apparmor.profile = *++argv;
                        job->apparmor.open = open;
                } else if (same(*argv, "--children") && argv[1])
                        take_children(job, *++argv, open);
                else if (same(*argv, "--search") && argv[1])
                        job->search = *++argv;
                else if (same(*argv, "--wait") && argv[1])
                        job->wait_fd = parse_fd(*++argv);
                else if (**argv == '-')
                        usage("unknown option, see varmor-exec(8)\n");
                else
                        take_name(job, *argv, open);
        if (!*argv || !argv[1] || (job->own_argv0 && !argv[2]))
                usage("no command, see varmor-exec(8)\n");
        if (job->n_filters == 0 && !job->apparmor.profile && job->wait_fd < 0)
                usage("no policy, see varmor-exec(8)\n");
        if (job->apparmor.n_children > 0 && !job->apparmor.profile)
                usage("--children needs --apparmor\n");
        job->command = argv + 1;
}

int main(int argc, char **argv, char **environment)
{
        Job job = {.search = DEFAULT_PATH, .wait_fd = -1};

        if (argc < 1)
                return STATUS_USAGE;
        parse(argv, &job);
        if (job.wait_fd >= 0)
                wait_for_word(job.wait_fd);
        for (unsigned i = 0; i < job.n_filters; i++)
                get_filter(&filters[i]);
        execute(&job, environment);
}
