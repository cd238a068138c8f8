/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Alarms: coalescing and limits with a clock of the test's own, the sentence, and the bytes that go to the journal. */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "alarm-table.h"
#include "journal.h"

#define S G_USEC_PER_SEC

typedef struct Seen {
        unsigned n_entries;
        uint64_t n_events;
        uint64_t last;
} Seen;

static void see(const Alarm *a, void *userdata)
{
        Seen *s = userdata;

        s->n_entries++;
        s->n_events += a->count;
        s->last = a->count;
}

static Alarm *new_alarm(const char *object)
{
        Alarm *a = g_new0(Alarm, 1);

        a->policy = g_strdup("web");
        a->mode = MODE_ENHANCE_PROTECT;
        a->enforcers = 1U << ENFORCER_BPF;
        a->action = ACTION_DENIED;
        a->rule = g_strdup("files[0]");
        a->operation = g_strdup("open");
        a->requested = PERM_READ;
        a->object = g_bytes_new(object, strlen(object));
        a->cgroup = g_strdup("/system.slice/nginx.service");
        a->cgroup_id = 42;
        a->unit = g_strdup("nginx.service");
        a->pid = a->tid = 7;
        strcpy(a->comm, "nginx");
        a->count = 1;
        return a;
}

static void test_coalesce(void)
{
        Seen s = {0};
        g_autoptr(AlarmTable) t = alarm_table_new(see, &s);

        alarm_table_configure(t, 10 * S, 0);
        alarm_table_add(t, new_alarm("/a"), 1 * S);
        g_assert_cmpuint(s.n_entries, ==, 1); /* the first at once */
        for (unsigned i = 0; i < 99; i++)
                alarm_table_add(t, new_alarm("/a"), 2 * S + i);
        g_assert_cmpuint(s.n_entries, ==, 1);
        alarm_table_add(t, new_alarm("/b"), 3 * S);
        g_assert_cmpuint(s.n_entries, ==, 2);
        g_assert_cmpuint(alarm_table_next(t), ==, 11 * S);
        alarm_table_expire(t, 11 * S - 1);
        g_assert_cmpuint(s.n_entries, ==, 2);
        alarm_table_expire(t, 11 * S);
        g_assert_cmpuint(s.n_entries, ==, 3); /* the rest of /a as one */
        g_assert_cmpuint(s.last, ==, 99);
        alarm_table_expire(t, 13 * S); /* /b was alone */
        g_assert_cmpuint(s.n_entries, ==, 3);
        alarm_table_add(t, new_alarm("/a"), 14 * S); /* within the window that the rest began */
        g_assert_cmpuint(s.n_entries, ==, 3);
        alarm_table_flush(t);
        g_assert_cmpuint(s.n_entries, ==, 4);
        g_assert_cmpuint(s.n_events, ==, 102);
        g_assert_cmpuint(alarm_table_next(t), ==, UINT64_MAX);
        alarm_table_add(t, new_alarm("/a"), 40 * S);
        g_assert_cmpuint(s.n_entries, ==, 5);
}

static void test_limit(void)
{
        Seen s = {0};
        g_autoptr(AlarmTable) t = alarm_table_new(see, &s);
        uint64_t added = 0;

        alarm_table_configure(t, 10 * S, 10);
        for (unsigned i = 0; i < 100; i++, added++) {
                g_autofree char *object = g_strdup_printf("/%u", i);

                alarm_table_add(t, new_alarm(object), 1 * S);
        }
        g_assert_cmpuint(s.n_entries, ==, 6); /* of ten: somebody else might want some */
        alarm_table_expire(t, 11 * S);
        g_assert_cmpuint(s.n_entries, ==, 12); /* six more in that second, the others are left out */
        g_assert_cmpuint(s.n_events + alarm_table_limited(t), ==, added);

        /* More different ones than can be kept: counted, too. */
        for (unsigned i = 0; i < ALARM_TABLE_MAX * 3; i++, added++) {
                g_autofree char *object = g_strdup_printf("/x%u", i);

                alarm_table_add(t, new_alarm(object), 100 * S);
        }
        alarm_table_flush(t);
        g_assert_cmpuint(s.n_events + alarm_table_limited(t), ==, added);
        g_assert_cmpuint(alarm_table_limited(t), >=, ALARM_TABLE_MAX * 2);
}

static void add_of(AlarmTable *t, uint64_t cgroup_id, pid_t pid, unsigned i, uint64_t now)
{
        g_autofree char *object = g_strdup_printf("/%u", i);
        Alarm *a = new_alarm(object);

        a->cgroup_id = cgroup_id;
        a->pid = pid;
        alarm_table_add(t, a, now);
}

/* Whoever has alarms without end: others get theirs through, at once, and again in each window. */
static void test_shares(bool other_unit)
{
        Seen s = {0};
        g_autoptr(AlarmTable) t = alarm_table_new(see, &s);
        uint64_t added = 0, now;
        unsigned before;

        alarm_table_configure(t, 10 * S, 100);
        for (unsigned second = 1; second < 100; second++) {
                now = (uint64_t)second * S;
                for (unsigned i = 0; i < 900; i++, added += 2) {
                        add_of(t, 1, 10, second * 10000 + i, now);
                        add_of(t, other_unit ? 2 : 1, 11, second * 10000 + 1000 + i, now);
                }
                before = s.n_entries;
                add_of(t, other_unit ? 3 : 1, 12, second, now);
                added++;
                g_assert_cmpuint(s.n_entries, ==, before + 1);
        }
        /* Units that come and go leave nothing behind. */
        for (unsigned i = 0; i < 1000; i++, added++)
                add_of(t, 100 + i, (pid_t)i, 1, (200ULL + i) * S);
        alarm_table_expire(t, 5000ULL * S);
        g_assert_cmpuint(alarm_table_next(t), ==, UINT64_MAX);
        g_assert_cmpuint(s.n_events + alarm_table_limited(t), ==, added);
        g_assert_cmpuint(s.n_entries, <=, 99 * 100 + 1000);
}

static void test_units(void)
{
        test_shares(true);
}

static void test_processes(void)
{
        test_shares(false);
}

/* ---- several enforcers ---------------------------------------------------------------------------------------------- */

static const uint32_t apparmor = 1U << ENFORCER_APPARMOR, bpf = 1U << ENFORCER_BPF;

typedef struct Both {
        unsigned n_entries;
        uint64_t n_events;
        uint32_t last;
} Both;

static void see_both(const Alarm *a, void *userdata)
{
        Both *b = userdata;

        b->n_entries++;
        b->n_events += a->count;
        b->last = a->enforcers;
}

/* An audited open by @who, of which there are @count; the other one is about to report it, too. */
static void add_by(AlarmTable *t, uint32_t who, uint64_t count, uint64_t now)
{
        Alarm *a = new_alarm("/a");

        a->action = ACTION_AUDIT;
        a->enforcers = who;
        a->awaited = (apparmor | bpf) & ~who;
        a->count = count;
        alarm_table_add(t, a, now);
}

static void test_both(void)
{
        Both b = {0};
        g_autoptr(AlarmTable) t = alarm_table_new(see_both, &b);

        alarm_table_configure(t, 10 * S, 0);
        /* One call: one alarm, as soon as both have reported it, in either order. */
        add_by(t, bpf, 1, 1 * S);
        g_assert_cmpuint(b.n_entries, ==, 0);
        g_assert_cmpuint(alarm_table_next(t), ==, 1 * S + ALARM_AWAIT_USEC);
        add_by(t, apparmor, 1, 1 * S + 500000);
        g_assert_cmpuint(b.n_entries, ==, 1);
        g_assert_cmpuint(b.n_events, ==, 1);
        g_assert_cmpuint(b.last, ==, apparmor | bpf);
        /* 99 more, told in lumps by the one, singly and late by the other: 99. */
        add_by(t, bpf, 99, 5 * S);
        for (unsigned i = 0; i < 50; i++)
                add_by(t, apparmor, 1, 6 * S + i);
        alarm_table_expire(t, 11 * S);
        g_assert_cmpuint(b.n_entries, ==, 2);
        g_assert_cmpuint(b.n_events, ==, 100);
        for (unsigned i = 0; i < 49; i++)
                add_by(t, apparmor, 1, 11 * S + i);
        alarm_table_expire(t, 21 * S);
        g_assert_cmpuint(b.n_entries, ==, 2);
        g_assert_cmpuint(b.n_events, ==, 100);
        g_assert_cmpuint(alarm_table_next(t), ==, UINT64_MAX);
        /* The other order. */
        add_by(t, apparmor, 1, 30 * S);
        add_by(t, bpf, 1, 30 * S + 1);
        g_assert_cmpuint(b.n_entries, ==, 3);
        g_assert_cmpuint(b.last, ==, apparmor | bpf);
}

/* The other does not report it: it is told without him, once. */
static void test_one_of_both(void)
{
        Both b = {0};
        g_autoptr(AlarmTable) t = alarm_table_new(see_both, &b);

        alarm_table_configure(t, 10 * S, 0);
        add_by(t, bpf, 1, 1 * S);
        add_by(t, bpf, 1, 1 * S + 1);
        alarm_table_expire(t, 1 * S + ALARM_AWAIT_USEC);
        g_assert_cmpuint(b.n_entries, ==, 1);
        g_assert_cmpuint(b.n_events, ==, 2);
        g_assert_cmpuint(b.last, ==, bpf);
        alarm_table_expire(t, 11 * S);
        g_assert_cmpuint(b.n_entries, ==, 1);
        /* What one has missed for a whole window does not hide what he sees later. */
        add_by(t, bpf, 5, 20 * S);
        add_by(t, apparmor, 1, 20 * S);
        for (unsigned i = 1; i < 5; i++) {
                add_by(t, apparmor, i == 4 ? 5 : 0, 20 * S + i * 10 * S - 1);
                add_by(t, bpf, i == 4 ? 0 : 1, 20 * S + i * 10 * S - 1);
                alarm_table_expire(t, 20 * S + i * 10 * S);
        }
        alarm_table_expire(t, 200 * S);
        g_assert_cmpuint(b.n_events, >=, 2 + 5 + 3 + 3);
        g_assert_cmpuint(alarm_table_next(t), ==, UINT64_MAX);
        /* Flushed while one waits. */
        add_by(t, bpf, 1, 300 * S);
        b = (Both){0};
        alarm_table_flush(t);
        g_assert_cmpuint(b.n_events, ==, 1);
        g_assert_cmpuint(alarm_table_next(t), ==, UINT64_MAX);
}

/* What is denied is denied by one: whoever denies it next, after an enforcer was added, tells of another call. */
static void test_denied_by_either(void)
{
        Both b = {0};
        g_autoptr(AlarmTable) t = alarm_table_new(see_both, &b);

        alarm_table_configure(t, 10 * S, 0);
        for (unsigned i = 0; i < 2; i++) {
                Alarm *a = new_alarm("/a");

                a->action = ACTION_DENIED;
                a->enforcers = i == 0 ? apparmor : bpf;
                alarm_table_add(t, a, S + i);
        }
        g_assert_cmpuint(b.n_entries, ==, 2);
        g_assert_cmpuint(b.n_events, ==, 2);
        g_assert_cmpuint(b.last, ==, bpf);
}

/* Without a window calls are told one by one, those of both still once. */
static void test_both_no_window(void)
{
        Both b = {0};
        g_autoptr(AlarmTable) t = alarm_table_new(see_both, &b);

        alarm_table_configure(t, 0, 0);
        for (unsigned i = 0; i < 10; i++) {
                add_by(t, bpf, 1, (1 + 5 * i) * S);
                add_by(t, apparmor, 1, (1 + 5 * i) * S + 100);
                alarm_table_expire(t, (5 + 5 * i) * S);
        }
        g_assert_cmpuint(b.n_entries, ==, 10);
        g_assert_cmpuint(b.n_events, ==, 10);
}

/* The words for both. */
static void test_both_names(void)
{
        g_autoptr(Alarm) a = new_alarm("/a");
        g_autofree char *both = NULL;

        a->enforcers = apparmor | bpf;
        both = alarm_dup_enforcers(a);
        g_assert_cmpstr(both, ==, "AppArmor BPF");
}

static void test_no_window(void)
{
        Seen s = {0};
        g_autoptr(AlarmTable) t = alarm_table_new(see, &s);

        alarm_table_configure(t, 0, 0);
        for (unsigned i = 0; i < 10; i++)
                alarm_table_add(t, new_alarm("/a"), 1 * S);
        g_assert_cmpuint(s.n_entries, ==, 10);
}

static void test_message(void)
{
        g_autoptr(Alarm) a = new_alarm("/srv/\nsecret\xff\"\\");
        g_autofree char *one = alarm_dup_message(a), *many = NULL, *audit = NULL;

        g_assert_cmpstr(one, ==,
                        "Policy web denied open (read) of \"/srv/\\x0asecret\\xff\"\\x5c\" to nginx[7] in nginx.service, rule "
                        "files[0]");
        a->count = 3;
        many = alarm_dup_message(a);
        g_assert_true(g_str_has_suffix(many, ", 3 times"));
        a->action = ACTION_AUDIT;
        audit = alarm_dup_message(a);
        g_assert_nonnull(strstr(audit, "let through"));
        g_assert_null(strstr(audit, "denied"));
}

/* The value of @field in @e; the native protocol in both of its forms. */
static GBytes *find_field(const JournalEntry *e, const char *field)
{
        const uint8_t *p = e->bytes->data, *end = p + e->bytes->len;

        while (p < end) {
                const uint8_t *eq = memchr(p, '=', (size_t)(end - p)), *nl = memchr(p, '\n', (size_t)(end - p));
                g_autofree char *name = NULL;
                const uint8_t *value;
                uint64_t size = 0;

                g_assert_nonnull(nl);
                if (eq && eq < nl) {
                        name = g_strndup((const char *)p, (size_t)(eq - p));
                        value = eq + 1;
                        size = (uint64_t)(nl - value);
                } else {
                        name = g_strndup((const char *)p, (size_t)(nl - p));
                        for (unsigned i = 0; i < 8; i++)
                                size |= (uint64_t)nl[1 + i] << (8 * i);
                        value = nl + 9;
                }
                g_assert_cmpuint((uint64_t)(end - value), >, size);
                g_assert_cmpint(value[size], ==, '\n');
                if (strcmp(name, field) == 0)
                        return g_bytes_new(value, size);
                p = value + size + 1;
        }
        return NULL;
}

static void assert_field(const JournalEntry *e, const char *field, const char *value)
{
        g_autoptr(GBytes) b = find_field(e, field);

        g_test_message("%s", field);
        g_assert_nonnull(b);
        g_assert_cmpmem(g_bytes_get_data(b, NULL), g_bytes_get_size(b), value, strlen(value));
}

static void test_journal_entry(void)
{
        g_autoptr(Alarm) a = new_alarm("/srv/\nPRIORITY=0\n\xff");
        g_autoptr(JournalEntry) e = journal_entry_from_alarm(a);

        assert_field(e, "VARMOR_OBJECT", "/srv/\nPRIORITY=0\n\xff");
        assert_field(e, "PRIORITY", "5");
        assert_field(e, "VARMOR_POLICY", "web");
        assert_field(e, "VARMOR_MODE", "EnhanceProtect");
        assert_field(e, "VARMOR_ENFORCER", "BPF");
        assert_field(e, "VARMOR_ACTION", "DENIED");
        assert_field(e, "VARMOR_RULE", "files[0]");
        assert_field(e, "VARMOR_OPERATION", "open");
        assert_field(e, "VARMOR_REQUESTED", "read");
        assert_field(e, "VARMOR_CGROUP", "/system.slice/nginx.service");
        assert_field(e, "VARMOR_COUNT", "1");
        assert_field(e, "OBJECT_PID", "7");
        assert_field(e, "OBJECT_SYSTEMD_UNIT", "nginx.service");
}

/* A journal that does not read: nothing waits, the queue is bounded, what does not fit is counted, and what fits arrives
 * in order when it reads again. */
static void test_full_socket(void)
{
        g_autofree char *dir = g_dir_make_tmp("journal-XXXXXX", NULL), *path = g_build_filename(dir, "socket", NULL);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        g_autoptr(Journal) j = NULL;
        sd_event *event = NULL;
        const unsigned n = JOURNAL_QUEUE_ENTRIES_MAX + 2000;
        unsigned received = 0, expected = 0;
        char buffer[4096];
        int fd;

        g_assert_cmpint(sd_event_new(&event), >=, 0);
        g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(journal_new(event, path, &j), ==, 0);

        /* Not there yet: it waits. */
        journal_log(j, 6, NULL, NULL, "%u", 0U);
        g_assert_cmpuint(journal_queued(j), ==, 1);
        g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
        for (unsigned i = 1; i < n; i++)
                journal_log(j, 6, NULL, NULL, "%u", i);
        g_assert_cmpuint(journal_queued(j), ==, JOURNAL_QUEUE_ENTRIES_MAX);
        g_assert_cmpuint(journal_dropped(j), >, 0);

        while (journal_queued(j) > 0 || received == 0) {
                ssize_t size;

                while ((size = recv(fd, buffer, sizeof(buffer) - 1, 0)) > 0) {
                        unsigned got;

                        buffer[size] = '\0';
                        g_assert_cmpint(sscanf(buffer, "MESSAGE=%u\n", &got), ==, 1);
                        g_assert_cmpuint(got, ==, expected);
                        expected++;
                        received++;
                }
                g_assert_cmpint(sd_event_run(event, 2 * S), >=, 0);
        }
        while (recv(fd, buffer, sizeof(buffer), 0) > 0)
                received++;
        g_assert_cmpuint(received + journal_dropped(j), ==, n);

        close(fd);
        unlink(path);
        rmdir(dir);
        g_clear_pointer(&j, journal_free);
        sd_event_unref(event);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/alarm/coalesce", test_coalesce);
        g_test_add_func("/alarm/limit", test_limit);
        g_test_add_func("/alarm/shares-of-units", test_units);
        g_test_add_func("/alarm/shares-of-processes", test_processes);
        g_test_add_func("/alarm/no-window", test_no_window);
        g_test_add_func("/alarm/both", test_both);
        g_test_add_func("/alarm/one-of-both", test_one_of_both);
        g_test_add_func("/alarm/denied-by-either", test_denied_by_either);
        g_test_add_func("/alarm/both-no-window", test_both_no_window);
        g_test_add_func("/alarm/both-names", test_both_names);
        g_test_add_func("/alarm/message", test_message);
        g_test_add_func("/alarm/journal-entry", test_journal_entry);
        g_test_add_func("/journal/full-socket", test_full_socket);
        return g_test_run();
}
