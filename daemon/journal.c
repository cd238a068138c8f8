/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Alarm -> journal: the last arrow. See journal.h. */

#include "journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define JOURNALD_SOCKET "/run/systemd/journal/socket"

struct Journal {
        sd_event *event;
        sd_event_source *retry;
        int fd;
        bool to_stderr;
        struct sockaddr_un address;
        socklen_t address_size;
        GQueue queue; /* of JournalEntry */
        size_t queue_bytes;
        uint64_t dropped;
};

JournalEntry *journal_entry_new(void)
{
        JournalEntry *e = g_new0(JournalEntry, 1);

        e->bytes = g_byte_array_sized_new(1024);
        return e;
}

void journal_entry_free(JournalEntry *e)
{
        if (!e)
                return;
        g_byte_array_unref(e->bytes);
        g_free(e);
}

void journal_entry_add(JournalEntry *e, const char *field, const void *value, size_t size)
{
        size_t name_size = strlen(field), room;
        uint8_t le[8];

        /* "NAME\n", eight bytes of size, the value, "\n": the longer of the two forms */
        if (e->bytes->len + name_size + sizeof(le) + 2 > JOURNAL_ENTRY_BYTES_MAX)
                return;
        room = JOURNAL_ENTRY_BYTES_MAX - e->bytes->len - name_size - sizeof(le) - 2;
        size = MIN(size, room);

        g_byte_array_append(e->bytes, (const guint8 *)field, name_size);
        if (size > 0 && memchr(value, '\n', size)) {
                for (size_t i = 0; i < sizeof(le); i++)
                        le[i] = (uint8_t)((uint64_t)size >> (8 * i));
                g_byte_array_append(e->bytes, (const guint8 *)"\n", 1);
                g_byte_array_append(e->bytes, le, sizeof(le));
        } else
                g_byte_array_append(e->bytes, (const guint8 *)"=", 1);
        if (size > 0)
                g_byte_array_append(e->bytes, value, size);
        g_byte_array_append(e->bytes, (const guint8 *)"\n", 1);
}

void journal_entry_add_string(JournalEntry *e, const char *field, const char *value)
{
        journal_entry_add(e, field, value, strlen(value));
}

void journal_entry_add_format(JournalEntry *e, const char *field, const char *format, ...)
{
        g_autofree char *value = NULL;
        va_list ap;

        va_start(ap, format);
        value = g_strdup_vprintf(format, ap);
        va_end(ap);
        journal_entry_add_string(e, field, value);
}

int journal_new(sd_event *event, const char *path, Journal **ret)
{
        g_autoptr(Journal) j = g_new0(Journal, 1);

        j->fd = -1;
        j->event = sd_event_ref(event);
        g_queue_init(&j->queue);
        if (path && path[0] == '\0') {
                j->to_stderr = true;
                *ret = g_steal_pointer(&j);
                return 0;
        }

        if (!path)
                path = JOURNALD_SOCKET;
        if (strlen(path) >= sizeof(j->address.sun_path))
                return -ENAMETOOLONG;
        j->address.sun_family = AF_UNIX;
        g_strlcpy(j->address.sun_path, path, sizeof(j->address.sun_path));
        j->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);

        j->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (j->fd < 0)
                return -errno;
        /* Nothing is lost if it stays small: a full socket queues. */
        (void)setsockopt(j->fd, SOL_SOCKET, SO_SNDBUF, &(int){8 << 20}, sizeof(int));

        *ret = g_steal_pointer(&j);
        return 0;
}

/* Return: 0: sent; -EAGAIN: try later; another negative errno: this entry cannot be sent. */
static int journal_try(Journal *j, const JournalEntry *e)
{
        ssize_t n = sendto(j->fd, e->bytes->data, e->bytes->len, MSG_DONTWAIT | MSG_NOSIGNAL,
                           (const struct sockaddr *)&j->address, j->address_size);

        if (n >= 0)
                return 0;
        switch (errno) {
        case EAGAIN:
        case EINTR:
        case ENOBUFS:
        case ENOENT: /* journald's socket unit restarts */
        case ECONNREFUSED:
                return -EAGAIN;
        default:
                return -errno;
        }
}

/* Return: did anything leave the queue? */
static bool journal_flush(Journal *j)
{
        bool moved = false;
        JournalEntry *e;

        for (; (e = g_queue_peek_head(&j->queue)); moved = true) {
                int r = journal_try(j, e);

                if (r == -EAGAIN)
                        break;
                if (r < 0)
                        j->dropped++;
                g_queue_pop_head(&j->queue);
                j->queue_bytes -= e->bytes->len;
                journal_entry_free(e);
        }
        return moved;
}

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata);

static void journal_arm(Journal *j, uint64_t usec)
{
        int r;

        if (g_queue_is_empty(&j->queue))
                return;
        if (j->retry) {
                r = sd_event_source_set_time_relative(j->retry, usec);
                if (r >= 0)
                        r = sd_event_source_set_enabled(j->retry, SD_EVENT_ONESHOT);
        } else
                r = sd_event_add_time_relative(j->event, &j->retry, CLOCK_MONOTONIC, usec, JOURNAL_RETRY_SOON_USEC,
                                               on_retry, j);
        /* Without a timer the queue moves with the next entry. */
        (void)r;
}

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata)
{
        Journal *j = userdata;

        journal_arm(j, journal_flush(j) ? JOURNAL_RETRY_SOON_USEC : JOURNAL_RETRY_USEC);
        return 0;
}

void journal_free(Journal *j)
{
        if (!j)
                return;
        if (j->fd >= 0) {
                (void)journal_flush(j);
                close(j->fd);
        }
        g_queue_clear_full(&j->queue, (GDestroyNotify)journal_entry_free);
        sd_event_source_disable_unref(j->retry);
        sd_event_unref(j->event);
        g_free(j);
}

static void journal_to_stderr(const JournalEntry *e)
{
        const char *p = (const char *)e->bytes->data, *end = p + e->bytes->len;

        /* MESSAGE stands first, and is one line. */
        if (e->bytes->len > 8 && memcmp(p, "MESSAGE=", 8) == 0) {
                const char *nl = memchr(p, '\n', (size_t)(end - p));

                fprintf(stderr, "%.*s\n", (int)((nl ? nl : end) - p - 8), p + 8);
        }
}

void journal_send(Journal *j, JournalEntry *e)
{
        g_autoptr(JournalEntry) entry = e;

        if (!j)
                return;
        if (j->to_stderr) {
                journal_to_stderr(entry);
                return;
        }

        if (!g_queue_is_empty(&j->queue))
                (void)journal_flush(j);
        if (g_queue_is_empty(&j->queue)) {
                int r = journal_try(j, entry);

                if (r != -EAGAIN) {
                        j->dropped += r < 0;
                        return;
                }
        }
        if (g_queue_get_length(&j->queue) >= JOURNAL_QUEUE_ENTRIES_MAX ||
            j->queue_bytes + entry->bytes->len > JOURNAL_QUEUE_BYTES_MAX) {
                j->dropped++;
                return;
        }
        j->queue_bytes += entry->bytes->len;
        g_queue_push_tail(&j->queue, g_steal_pointer(&entry));
        journal_arm(j, JOURNAL_RETRY_USEC);
}

void journal_log(Journal *j, int priority, const char *message_id, const char *policy, const char *format, ...)
{
        g_autoptr(JournalEntry) e = journal_entry_new();
        g_autofree char *text = NULL;
        va_list ap;

        if (!j)
                return;
        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);
        g_strdelimit(text, "\n", ' ');

        journal_entry_add_string(e, "MESSAGE", text);
        journal_entry_add_format(e, "PRIORITY", "%i", priority);
        journal_entry_add_string(e, "SYSLOG_IDENTIFIER", "varmord");
        if (message_id)
                journal_entry_add_string(e, "MESSAGE_ID", message_id);
        if (policy)
                journal_entry_add_string(e, "VARMOR_POLICY", policy);
        journal_send(j, g_steal_pointer(&e));
}

uint64_t journal_dropped(const Journal *j)
{
        return j ? j->dropped : 0;
}

size_t journal_queued(const Journal *j)
{
        return j ? g_queue_get_length((GQueue *)&j->queue) : 0;
}
