/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What varmor-exec says: see exec-say.h. */

#include "exec-say.h"

#include <linux/sockios.h>
#include <linux/un.h>
#include <stdint.h>

#include "messages.h"
#include "raw.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define STDERR 2
#define ENTRY_BYTES_MAX 8192U
/* What journald gets to look at who wrote, before that is gone. */
#define JOURNAL_WAIT_STEPS 50
#define JOURNAL_WAIT_MSEC 2

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

const char *say_reason(int error)
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

/* Who watches a terminal gets it there, and standard error is the last resort: it may be a service's connection. */
void say_to_journal(const char *id, const char *priority, const char *policy, const char *const *parts)
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

_Noreturn void usage(const char *what)
{
        say(what, strlen(what));
        raw_exit(STATUS_USAGE);
}

_Noreturn void fail_exec(const char *what, const char *path, int error)
{
        say_to_journal(MESSAGE_SPAWN_FAILED, "3", NULL, (const char *const[]){what, " ", path, ": ", say_reason(error), NULL});
        raw_exit(STATUS_EXEC);
}
