/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Journal: bounds of one entry and of the queue, and that nothing ever waits. How a queue is emptied is in test-alarm. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "journal.h"
#include "tree.h"

typedef struct Fixture {
        char *root, *path;
        sd_event *event;
        Journal *journal;
        int fd;
} Fixture;

static void setup(Fixture *f, gconstpointer data)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        f->root = tree_new();
        f->path = g_build_filename(f->root, "socket", NULL);
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        g_assert_cmpint(f->fd, >=, 0);
        g_strlcpy(address.sun_path, f->path, sizeof(address.sun_path));
        g_assert_cmpint(bind(f->fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
        g_assert_cmpint(journal_new(f->event, f->path, &f->journal), ==, 0);
}

static void teardown(Fixture *f, gconstpointer data)
{
        journal_free(f->journal);
        sd_event_unref(f->event);
        (void)close(f->fd);
        tree_free(f->root);
        g_free(f->path);
}

static JournalEntry *new_entry(size_t size)
{
        JournalEntry *e = journal_entry_new();
        g_autofree char *value = g_strnfill(size, 'x');

        journal_entry_add_string(e, "MESSAGE", value);
        return e;
}

static void test_entry_bounds(void)
{
        g_autoptr(JournalEntry) e = journal_entry_new(), small = new_entry(10);
        g_autofree char *large = g_strnfill(JOURNAL_ENTRY_BYTES_MAX, 'x'), *lines = g_strnfill(JOURNAL_ENTRY_BYTES_MAX, '\n');

        g_assert_cmpuint(small->bytes->len, ==, strlen("MESSAGE=xxxxxxxxxx\n"));
        journal_entry_add_string(e, "A", large);
        g_assert_cmpuint(e->bytes->len, <=, JOURNAL_ENTRY_BYTES_MAX);
        journal_entry_add_string(e, "B", large);
        journal_entry_add_string(e, "C", lines);
        journal_entry_add_string(e, "D", "");
        g_assert_cmpuint(e->bytes->len, <=, JOURNAL_ENTRY_BYTES_MAX);
        g_assert_cmpint(e->bytes->data[e->bytes->len - 1], ==, '\n');
        g_byte_array_set_size(e->bytes, 0);
        journal_entry_add_string(e, "C", lines);
        g_assert_cmpuint(e->bytes->len, <=, JOURNAL_ENTRY_BYTES_MAX);
        g_byte_array_set_size(e->bytes, 0);
        journal_entry_add(e, "E", NULL, 0);
        g_assert_cmpmem(e->bytes->data, e->bytes->len, "E=\n", 3);
}

/* The largest entry that there can be fits into one datagram. */
static void test_largest(Fixture *f, gconstpointer data)
{
        g_autofree char *buffer = g_malloc(2 * JOURNAL_ENTRY_BYTES_MAX);
        ssize_t n;

        journal_send(f->journal, new_entry(JOURNAL_ENTRY_BYTES_MAX));
        n = recv(f->fd, buffer, 2 * JOURNAL_ENTRY_BYTES_MAX, 0);
        g_assert_cmpint(n, >, JOURNAL_ENTRY_BYTES_MAX - 100);
        g_assert_cmpint(n, <=, JOURNAL_ENTRY_BYTES_MAX);
        g_assert_cmpuint(journal_dropped(f->journal) + journal_queued(f->journal), ==, 0);
}

/* Bounded by bytes as well as by number; what does not fit is counted, and no call waits. */
static void test_queue_bytes(Fixture *f, gconstpointer data)
{
        gint64 begin = g_get_monotonic_time();
        const unsigned n = 300, size = 60000;

        for (unsigned i = 0; i < n; i++)
                journal_send(f->journal, new_entry(size));
        g_assert_cmpint(g_get_monotonic_time() - begin, <, 5 * G_USEC_PER_SEC);
        g_assert_cmpuint(journal_queued(f->journal), <=, JOURNAL_QUEUE_BYTES_MAX / size);
        g_assert_cmpuint(journal_queued(f->journal), >, JOURNAL_QUEUE_BYTES_MAX / size - 2);
        g_assert_cmpuint(journal_dropped(f->journal), >, 0);
        g_assert_cmpuint(journal_dropped(f->journal) + journal_queued(f->journal), <, n);
}

/* A journal that is gone for good: neither waiting nor growing without end; without one at all nothing happens. */
static void test_gone(Fixture *f, gconstpointer data)
{
        g_assert_cmpint(unlink(f->path), ==, 0);
        for (unsigned i = 0; i < JOURNAL_QUEUE_ENTRIES_MAX + 100; i++)
                journal_log(f->journal, 6, NULL, NULL, "%u", i);
        g_assert_cmpuint(journal_queued(f->journal), ==, JOURNAL_QUEUE_ENTRIES_MAX);
        g_assert_cmpuint(journal_dropped(f->journal), ==, 100);
        journal_log(NULL, 6, NULL, NULL, "to nobody");
        journal_send(NULL, new_entry(1));
}

/* A message of several lines stays one field. */
static void test_lines(Fixture *f, gconstpointer data)
{
        char buffer[1000];
        ssize_t n;

        journal_log(f->journal, 3, "0123", "web", "%s", "one\nPRIORITY=0\ntwo");
        n = recv(f->fd, buffer, sizeof(buffer) - 1, 0);
        g_assert_cmpint(n, >, 0);
        buffer[n] = '\0';
        g_assert_cmpstr(buffer, ==,
                        "MESSAGE=one PRIORITY=0 two\nPRIORITY=3\nSYSLOG_IDENTIFIER=varmord\nMESSAGE_ID=0123\nVARMOR_POLICY=web\n");
}

static void test_path(void)
{
        g_autofree char *path = g_strnfill(200, 'x');
        Journal *j = NULL;

        g_assert_cmpint(journal_new(NULL, path, &j), ==, -ENAMETOOLONG);
        g_assert_null(j);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/journal/entry-bounds", test_entry_bounds);
        g_test_add("/journal/largest", Fixture, NULL, setup, test_largest, teardown);
        g_test_add("/journal/queue-bytes", Fixture, NULL, setup, test_queue_bytes, teardown);
        g_test_add("/journal/gone", Fixture, NULL, setup, test_gone, teardown);
        g_test_add("/journal/lines", Fixture, NULL, setup, test_lines, teardown);
        g_test_add_func("/journal/path", test_path);
        return g_test_run();
}
