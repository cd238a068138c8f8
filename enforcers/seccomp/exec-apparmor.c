/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See exec-apparmor.h. */

#include "exec-apparmor.h"

#include <linux/limits.h>

#include "../apparmor/children.h"
#include "exec-say.h"
#include "messages.h"
#include "raw.h"

#define CHUNK_BYTES 16384U
/* Where the profile that is read about first comes into being next: so long, in steps of so long. */
#define PROFILE_WAIT_STEPS 20
#define PROFILE_WAIT_MSEC 50

#define EXEC_WORD "exec "

/* What is written to the kernel. */
static char label[PATH_MAX];

static _Noreturn void usage_label(void)
{
        usage("the name of the AppArmor profile is too long\n");
}

static size_t append(size_t at, const char *text)
{
        const size_t size = strlen(text);

        if (size >= sizeof(label) - at)
                usage_label();
        memcpy(label + at, text, size + 1);
        return at + size;
}

typedef struct Strings {
        int fd;
        size_t at, size;
        char bytes[CHUNK_BYTES];
} Strings;

/* The next string into @to. Return: 0; negative errno, -EBADMSG also at the end. */
static int next_string(Strings *s, char *to, size_t max)
{
        for (size_t n = 0; n < max; n++) {
                if (s->at == s->size) {
                        long r = raw_read(s->fd, s->bytes, sizeof(s->bytes));

                        if (r == -EINTR) {
                                n--;
                                continue;
                        }
                        if (r <= 0)
                                return r < 0 ? (int)r : -EBADMSG;
                        s->at = 0;
                        s->size = (size_t)r;
                }
                to[n] = s->bytes[s->at++];
                if (to[n] == '\0')
                        return 0;
        }
        return -EBADMSG;
}

/* Appends to the label what the policy stacks upon it for the program at @path. Everything is read: it must have its end. */
static int read_children(int fd, const char *path, size_t *at)
{
        static Strings s;
        static char program[PATH_MAX], children[PATH_MAX];
        struct stat st;
        int r = raw_stat(fd, "", AT_EMPTY_PATH, &st);

        if (r < 0)
                return r;
        if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 0022))
                return -EBADMSG;
        s.fd = fd;
        s.at = s.size = 0;
        r = next_string(&s, program, sizeof(program));
        if (r >= 0 && !same(program, CHILDREN_MAGIC))
                r = -EBADMSG;
        while (r >= 0) {
                r = next_string(&s, program, sizeof(program));
                if (r < 0 || !*program)
                        return r;
                r = next_string(&s, children, sizeof(children));
                if (r >= 0 && same(program, path)) {
                        *at = append(*at, "//&");
                        *at = append(*at, children);
                }
        }
        return r;
}

/* The name of a program for AppArmor: where it really is. */
typedef struct Program {
        int error; /* it cannot be known */
        char path[PATH_MAX];
} Program;

static size_t add_children(const ExecChildren *c, const Program *program, size_t at, bool again)
{
        char file[sizeof(CHILDREN_DIR) + NAME_MAX + 1] = CHILDREN_DIR "/";
        const size_t before = at;
        int fd = program->error, r = fd;

        memcpy(file + sizeof(CHILDREN_DIR), c->name, strlen(c->name) + 1);
        if (fd >= 0)
                fd = r = raw_open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd >= 0) {
                r = read_children(fd, program->path, &at);
                raw_close(fd);
        }
        if (r >= 0)
                return at;
        if (!again || !c->open)
                say_to_journal(MESSAGE_FILTER_MISSING, c->open ? "4" : "3", c->name,
                               (const char *const[]){"Cannot read what AppArmor has for single programs, policy ", c->name,
                                                     c->open ? ", starting without it: " : ": ", say_reason(-r), NULL});
        if (!c->open)
                raw_exit(STATUS_APPARMOR);
        label[before] = '\0';
        return before;
}

static const Program *find_program(const char *path)
{
        static Program p;
        char link[] = "/proc/self/fd/          ";
        char digits[12], *d = digits + sizeof(digits), *to = link + strlen("/proc/self/fd/");
        int fd = raw_open(path, O_PATH | O_CLOEXEC);
        long n;

        if (fd < 0)
                fail_exec("Failed to execute", path, -fd);
        for (int rest = fd; d == digits + sizeof(digits) || rest > 0; rest /= 10)
                *--d = (char)('0' + rest % 10);
        memcpy(to, d, (size_t)(digits + sizeof(digits) - d));
        to[digits + sizeof(digits) - d] = '\0';
        n = raw_call(SYS_readlinkat, AT_FDCWD, (long)link, (long)p.path, sizeof(p.path) - 1, 0, 0);
        raw_close(fd);
        if (n < 0 || (size_t)n == sizeof(p.path) - 1)
                p.error = n < 0 ? (int)n : -ENAMETOOLONG;
        else
                p.path[n] = '\0';
        return &p;
}

static size_t make_label(const ExecApparmor *a, const Program *program, bool again)
{
        size_t at = append(append(0, EXEC_WORD), a->profile);

        for (unsigned i = 0; i < a->n_children; i++)
                at = add_children(&a->children[i], program, at, again);
        return at;
}

static long write_label(size_t size)
{
        int fd = raw_open("/proc/thread-self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC | O_NOCTTY);
        long r = fd;

        if (fd >= 0) {
                r = raw_write(fd, label, size);
                raw_close(fd);
        }
        return r;
}

void exec_apparmor(const ExecApparmor *a, const char *path)
{
        const Program *program = a->n_children > 0 ? find_program(path) : NULL;
        long r = write_label(make_label(a, program, false));

        /* Its children may be about to change. */
        for (int i = 0; r == -ENOENT && a->n_children > 0 && i < PROFILE_WAIT_STEPS; i++) {
                raw_sleep(PROFILE_WAIT_MSEC);
                r = write_label(make_label(a, program, true));
        }
        if (r >= 0)
                return;
        say_to_journal(MESSAGE_FILTER_MISSING, a->open ? "4" : "3", NULL,
                       (const char *const[]){"Cannot enter the AppArmor profile ", label + strlen(EXEC_WORD),
                                             a->open ? ", starting without it: " : ": ", say_reason((int)-r), NULL});
        if (!a->open)
                raw_exit(STATUS_APPARMOR);
}
