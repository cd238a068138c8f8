/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* varmor-exec: loads the seccomp filters of policies into its own process, and executes a command there. systemd's
 * generator puts it in front of the commands of services, so it stands in every start: static, no
 * library, no allocation, and it leaves everything that a process hands on as it was (environment, descriptors, credentials,
 * signals, arguments). Nothing is executed without its filters, unless it was told --open. See varmor-exec(8). */

#include <linux/filter.h>
#include <linux/limits.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <linux/un.h>
#include <stdbool.h>
#include <stdint.h>

#include "filter.h"
#include "messages.h"
#include "raw.h"

/* src/shared/exit-status.h of systemd, v252: what a service manager says of its own part of a start. */
enum {
        STATUS_USAGE = 2,      /* EXIT_INVALIDARGUMENT */
        STATUS_EXEC = 203,     /* EXIT_EXEC */
        STATUS_SECCOMP = 228,  /* EXIT_SECCOMP */
        STATUS_APPARMOR = 231, /* EXIT_APPARMOR_PROFILE */
};

/* src/basic/path-util.h of systemd, v252: DEFAULT_PATH where /bin and /usr/bin may differ. */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
/* sd-messages.h: SD_MESSAGE_SPAWN_FAILED */
#define MESSAGE_SPAWN_FAILED "641257651c1b4ec9a8624d7a40a9e1e7"

#define STDERR 2
#define FILTERS_MAX 16U
#define CHUNK_BYTES 16384U
#define ENTRY_BYTES_MAX 8192U
/* What journald gets to look at who wrote, before that is gone. */
#define JOURNAL_WAIT_STEPS 50
#define JOURNAL_WAIT_MSEC 2

typedef struct Filter {
        const char *name;
        bool open; /* a missing one is no reason not to start */
        bool usable;
        FilterHeader header;
        struct sock_filter insns[FILTER_INSNS_MAX];
} Filter;

typedef struct Job {
        unsigned n_filters;
        const char *apparmor;
        bool apparmor_open;
        bool own_argv0;
        bool ignore_missing;
        const char *search;
        int wait_fd;
        char **command;
} Job;

static Filter filters[FILTERS_MAX];

/* ---- what went wrong ----------------------------------------------------------------------------------------------- */

typedef struct Text {
        char bytes[ENTRY_BYTES_MAX];
        size_t size;
} Text;

static void add(Text *t, const char *s)
{
        while (*s && t->size < sizeof(t->bytes) - 1) {
                t->bytes[t->size++] = *s == '\n' ? ' ' : *s;
                s++;
        }
}

static void end_field(Text *t)
{
        if (t->size == sizeof(t->bytes))
                t->size--;
        t->bytes[t->size++] = '\n';
}

static void add_field(Text *t, const char *name, const char *value)
{
        add(t, name);
        add(t, value);
        end_field(t);
}

/* policy_bind_name(), backwards. A leading "_" stays: a policy's name may begin with one, a slice's only where it is "-". */
static void add_policy(Text *t, const char *name)
{
        char c[2] = "";

        add(t, "VARMOR_POLICY=");
        for (; *name; name++) {
                *c = *name == '+' ? '/' : *name == '=' ? '\\' : *name;
                add(t, c);
        }
        end_field(t);
}

static const char *reason(int error)
{
        static const struct {
                int error;
                const char *text;
        } reasons[] = {
                {E2BIG, "Argument list too long"},
                {EACCES, "Permission denied"},
                {EBADMSG, "It is damaged"},
                {EBUSY, "Device or resource busy"},
                {EINVAL, "Invalid argument"},
                {EIO, "Input/output error"},
                {EISDIR, "Is a directory"},
                {ELOOP, "Too many levels of symbolic links"},
                {EMFILE, "Too many open files"},
                {ENAMETOOLONG, "File name too long"},
                {ENOENT, "No such file or directory"},
                {ENOEXEC, "Exec format error"},
                {ENOMEM, "Cannot allocate memory"},
                {ENOSYS, "Function not implemented"},
                {ENOTDIR, "Not a directory"},
                {EPERM, "Operation not permitted"},
                {ETXTBSY, "Text file busy"},
        };
        static char number[] = "Error number     ";
        char *p = number + sizeof(number) - 1;

        for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
                if (reasons[i].error == error)
                        return reasons[i].text;
        for (; error > 0 && p[-1] == ' ' && p > number + sizeof("Error number"); error /= 10)
                *--p = (char)('0' + error % 10);
        return number;
}

static bool tell_journal(const Text *t)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
        int fd = (int)raw_call(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0, 0, 0), unread = 0;
        bool sent;

        if (fd < 0)
                return false;
        sent = raw_call(SYS_sendto, fd, (long)t->bytes, (long)t->size, MSG_NOSIGNAL | MSG_DONTWAIT, (long)&address,
                        sizeof(address)) >= 0;
        for (int i = 0; sent && i < JOURNAL_WAIT_STEPS; i++) {
                if (raw_call(SYS_ioctl, fd, SIOCOUTQ, (long)&unread, 0, 0, 0) < 0)
                        break;
                raw_sleep(JOURNAL_WAIT_MSEC);
                if (unread == 0)
                        break;
        }
        raw_close(fd);
        return sent;
}

static void say(const char *text, size_t size)
{
        raw_write(STDERR, "varmor-exec: ", strlen("varmor-exec: "));
        raw_write(STDERR, text, size);
}

/* One entry: MESSAGE is @parts, one after the other; @policy may be NULL. Who watches a terminal gets it there, and standard
 * error is the last resort: it may be a service's connection. */
static void complain(const char *id, const char *priority, const char *policy, const char *const *parts)
{
        static Text t;
        size_t begin, end;

        t.size = 0;
        add(&t, "MESSAGE=");
        begin = t.size;
        for (; *parts; parts++)
                add(&t, *parts);
        end_field(&t);
        end = t.size;
        add_field(&t, "PRIORITY=", priority);
        add_field(&t, "SYSLOG_IDENTIFIER=", "varmor-exec");
        add_field(&t, "MESSAGE_ID=", id);
        if (policy)
                add_policy(&t, policy);
        if (!tell_journal(&t) || raw_isatty(STDERR))
                say(t.bytes + begin, end - begin);
}

static _Noreturn void usage(const char *what)
{
        say(what, strlen(what));
        raw_exit(STATUS_USAGE);
}

static void fail_filter(const Filter *f, const char *what, int error)
{
        complain(MESSAGE_FILTER_MISSING, f->open ? "4" : "3", f->name,
                 (const char *const[]){what, " the seccomp filter ", f->name, f->open ? ", starting without it: " : ": ",
                                       reason(error), NULL});
        if (!f->open)
                raw_exit(STATUS_SECCOMP);
}

static _Noreturn void fail_exec(const char *what, const char *path, int error)
{
        complain(MESSAGE_SPAWN_FAILED, "3", NULL, (const char *const[]){what, " ", path, ": ", reason(error), NULL});
        raw_exit(STATUS_EXEC);
}

/* ---- filters ------------------------------------------------------------------------------------------------------- */

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
        if (memcmp(h->magic, FILTER_MAGIC, sizeof(h->magic)) != 0 || h->version != FILTER_VERSION ||
            (h->flags & ~(uint32_t)FILTER_FLAGS_ALL) || h->n_insns == 0 || h->n_insns > FILTER_INSNS_MAX ||
            h->extra_bytes > FILTER_EXTRA_MAX)
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
        const struct sock_fprog program = {.len = (unsigned short)f->header.n_insns, .filter = (struct sock_filter *)f->insns};
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

static void load_filters(unsigned n)
{
        for (unsigned last = 0; last < 2; last++)
                for (unsigned i = 0; i < n; i++)
                        if (filters[i].usable && !!(filters[i].header.flags & FILTER_BLOCKS_SECCOMP) == last)
                                load_filter(&filters[i]);
}

/* ---- AppArmor ------------------------------------------------------------------------------------------------------ */

/* From the next exec on, under @job->apparmor. */
static void set_apparmor(const Job *job)
{
        static char word[PATH_MAX] = "exec ";
        const size_t begin = strlen(word), size = strlen(job->apparmor);
        long fd, r;

        if (size >= sizeof(word) - begin)
                usage("the name of the AppArmor profile is too long\n");
        memcpy(word + begin, job->apparmor, size);
        fd = r = raw_open("/proc/thread-self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (fd >= 0) {
                r = raw_write((int)fd, word, begin + size);
                raw_close((int)fd);
        }
        if (r >= 0)
                return;
        complain(MESSAGE_FILTER_MISSING, job->apparmor_open ? "4" : "3", NULL,
                 (const char *const[]){"Cannot enter the AppArmor profile ", job->apparmor,
                                       job->apparmor_open ? ", starting without it: " : ": ", reason((int)-r), NULL});
        if (!job->apparmor_open)
                raw_exit(STATUS_APPARMOR);
}

/* ---- the command --------------------------------------------------------------------------------------------------- */

static bool has(const char *s, char c)
{
        for (; *s; s++)
                if (*s == c)
                        return true;
        return false;
}

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
        complain(MESSAGE_SPAWN_FAILED, "6", NULL, (const char *const[]){"Executable ", path, " missing, skipping", NULL});
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
        if (job->apparmor)
                set_apparmor(job);
        load_filters(job->n_filters);
        r = raw_call(SYS_execve, (long)path, (long)(job->own_argv0 ? job->command + 1 : job->command), (long)environment, 0, 0, 0);
        fail_exec("Failed to execute", path, (int)-r);
}

/* ---- arguments ----------------------------------------------------------------------------------------------------- */

static void take_name(Job *job, const char *name, bool open)
{
        if (!*name || *name == '.' || has(name, '/') || strlen(name) > NAME_MAX)
                usage("found what is no name of a policy\n");
        if (job->n_filters >= FILTERS_MAX)
                usage("too many policies\n");
        filters[job->n_filters].name = name;
        filters[job->n_filters++].open = open;
}

static bool same(const char *a, const char *b)
{
        return strlen(a) == strlen(b) && memcmp(a, b, strlen(a)) == 0;
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
                        job->apparmor = *++argv;
                        job->apparmor_open = open;
                } else if (same(*argv, "--search") && argv[1])
                        job->search = *++argv;
                else if (same(*argv, "--wait") && argv[1])
                        job->wait_fd = parse_fd(*++argv);
                else if (**argv == '-')
                        usage("unknown option, see varmor-exec(8)\n");
                else
                        take_name(job, *argv, open);
        if (!*argv || !argv[1] || (job->own_argv0 && !argv[2]))
                usage("no command, see varmor-exec(8)\n");
        if (job->n_filters == 0 && !job->apparmor && job->wait_fd < 0)
                usage("no policy, see varmor-exec(8)\n");
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
