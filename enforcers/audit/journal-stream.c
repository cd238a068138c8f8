/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JournalStream: see journal-stream.h. */

#include "journal-stream.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "record.h"
#include "util.h"

struct JournalStream {
        sd_journal *journal;
        int fd;
};

static int start(sd_journal *journal, uint32_t type)
{
        char match[sizeof("_AUDIT_TYPE=4294967295")];
        struct timespec now;
        int r;

        g_snprintf(match, sizeof(match), "_AUDIT_TYPE=%u", type);
        r = sd_journal_add_match(journal, "_TRANSPORT=audit", 0);
        if (r >= 0)
                r = sd_journal_add_match(journal, match, 0);
        if (r < 0)
                return r;
        /* Not the tail: where nothing matches yet, what is before it would come. */
        (void)clock_gettime(CLOCK_REALTIME, &now);
        return sd_journal_seek_realtime_usec(journal, (uint64_t)now.tv_sec * G_USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000);
}

int journal_stream_open(uint32_t type, JournalStream **ret, Diag *d)
{
        g_autoptr(JournalStream) s = g_new0(JournalStream, 1);
        int r;

        /* This machine's alone, and written by journald itself: nobody else's records are believed. */
        r = sd_journal_open(&s->journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
        if (r >= 0)
                r = start(s->journal, type);
        if (r >= 0)
                r = s->fd = sd_journal_get_fd(s->journal);
        if (r < 0) {
                diag_error(d, NULL, "no-journal", "the journal, which may have the kernel's audit records, cannot be read: %s",
                           g_strerror(-r));
                return -EOPNOTSUPP;
        }
        *ret = g_steal_pointer(&s);
        return 0;
}

void journal_stream_close(JournalStream *s)
{
        if (!s)
                return;
        sd_journal_close(s->journal);
        g_free(s);
}

int journal_stream_fd(const JournalStream *s)
{
        return s->fd;
}

/* The value of @field of the entry, which is no string; NULL: it has none. */
static const char *field(sd_journal *journal, const char *name, size_t *ret_size)
{
        const void *data;
        size_t skip = strlen(name) + 1;

        if (sd_journal_get_data(journal, name, &data, ret_size) < 0 || *ret_size < skip)
                return NULL;
        *ret_size -= skip;
        return (const char *)data + skip;
}

static uint64_t number(sd_journal *journal, const char *name)
{
        size_t size;
        const char *value = field(journal, name, &size);
        g_autofree char *copy = value ? g_strndup(value, size) : NULL;

        return copy ? g_ascii_strtoull(copy, NULL, 10) : 0;
}

/* "audit(SECONDS.MILLISECONDS:SERIAL): ", which journald takes off, and not the name of the type, which it puts before. */
static GString *message(sd_journal *journal)
{
        uint64_t usec = number(journal, "_SOURCE_REALTIME_TIMESTAMP"), serial = number(journal, "_AUDIT_ID");
        size_t size;
        const char *text = field(journal, "MESSAGE", &size), *space = text ? memchr(text, ' ', size) : NULL;
        GString *s;

        if (!space || size > AUDIT_TEXT_MAX)
                return NULL;
        s = g_string_new(NULL);
        g_string_append_printf(s, "audit(%" G_GUINT64_FORMAT ".%03" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT "):", usec / G_USEC_PER_SEC,
                               usec / 1000 % 1000, serial);
        g_string_append_len(s, space, (gssize)(size - (size_t)(space - text)));
        return s;
}

int journal_stream_read(JournalStream *s, unsigned max, void (*on_message)(const char *text, size_t size, void *userdata),
                        void *userdata)
{
        int r = sd_journal_process(s->journal);

        while (r >= 0 && max-- > 0) {
                g_autoptr(GString) text = NULL;

                r = sd_journal_next(s->journal);
                if (r <= 0)
                        return r;
                text = message(s->journal);
                if (text)
                        on_message(text->str, text->len, userdata);
        }
        return r < 0 ? r : 1;
}
