/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* alarms: the entries that varmord wrote to the journal, one line each. Only entries that the journal itself says are
 * from varmord count: anybody may write the other fields. */

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "messages.h"
#include "output.h"

/* As many as are shown before --follow waits for more. */
#define FOLLOW_LINES 10U

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_journal, sd_journal_close)

static const char *const alarm_ids[] = {MESSAGE_VIOLATION, MESSAGE_BASE_PROTECTION, MESSAGE_NO_PATH,
                                        MESSAGE_SECOND_NAME};
/* What keeps the list of alarms from being complete. */
static const char *const loss_ids[] = {MESSAGE_ALARMS_LIMITED, MESSAGE_EVENTS_LOST, MESSAGE_PROGRAMS_SKIPPED,
                                       MESSAGE_JOURNAL_DROPPED};

static const struct {
        const char *field, *key;
        bool number;
} fields[] = {
        {"VARMOR_ACTION", "action", false},
        {"VARMOR_POLICY", "policy", false},
        {"VARMOR_MODE", "mode", false},
        {"VARMOR_ENFORCER", "enforcer", false},
        {"VARMOR_RULE", "rule", false},
        {"VARMOR_REASON", "reason", false},
        {"VARMOR_OPERATION", "operation", false},
        {"VARMOR_REQUESTED", "requested", false},
        {"VARMOR_OBJECT", "object", false},
        {"VARMOR_OBJECT2", "object2", false},
        {"OBJECT_SYSTEMD_UNIT", "unit", false},
        {"VARMOR_CGROUP", "cgroup", false},
        {"OBJECT_PID", "pid", true},
        {"VARMOR_PID", "pid", true},
        {"VARMOR_UID", "uid", true},
        {"VARMOR_COMM", "comm", false},
        {"VARMOR_COUNT", "count", true},
        {"MESSAGE", "message", false},
};

/* Bytes as valid UTF-8 without control characters; as the Alarm signal has it. */
static char *bytes_text(const char *p, size_t size)
{
        const char *end = p + size;
        GString *text = g_string_new(NULL);

        while (p < end) {
                gunichar c = g_utf8_get_char_validated(p, end - p);

                if (c != (gunichar)-1 && c != (gunichar)-2 && c != '\\' && g_unichar_isprint(c)) {
                        g_string_append_unichar(text, c);
                        p = g_utf8_next_char(p);
                } else
                        g_string_append_printf(text, "\\x%02x", (uint8_t)*p++);
        }
        return g_string_free(text, FALSE);
}

static json_object *read_entry(sd_journal *j)
{
        json_object *alarm = json_object_new_object();
        uint64_t usec;

        if (sd_journal_get_realtime_usec(j, &usec) >= 0)
                json_object_object_add(alarm, "time_usec", json_object_new_uint64(usec));
        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
                size_t skip = strlen(fields[i].field) + 1, size;
                const void *data;

                if (sd_journal_get_data(j, fields[i].field, &data, &size) < 0 || size < skip)
                        continue;
                g_autofree char *text = bytes_text((const char *)data + skip, size - skip);
                json_object_object_add(alarm, fields[i].key,
                                       fields[i].number ? json_object_new_uint64(g_ascii_strtoull(text, NULL, 10))
                                                        : json_object_new_string(text));
        }
        return alarm;
}

static void print_time(uint64_t usec)
{
        time_t t = (time_t)(usec / 1000000U);
        char text[32] = "";
        struct tm tm;

        if (localtime_r(&t, &tm))
                strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
        printf("%s  ", text);
}

static void print_place(json_object *a)
{
        const char *unit = json_string(a, "unit");

        printf("%s  ", *unit ? unit : *json_string(a, "cgroup") ? json_string(a, "cgroup") : "-");
}

/* "open(read) /srv/secret/key" */
static void print_what(const Options *o, json_object *a)
{
        const char *requested = json_string(a, "requested"), *object = json_string(a, "object"),
                   *object2 = json_string(a, "object2");

        printf("%s", json_string(a, "operation"));
        if (*requested)
                printf("(%s)", requested);
        if (*object)
                printf(" %s%s%s", colour_on(o, COLOUR_BOLD), object, colour_off(o, COLOUR_BOLD));
        if (*object2)
                printf(" -> %s%s%s", colour_on(o, COLOUR_BOLD), object2, colour_off(o, COLOUR_BOLD));
}

static void print_alarm(const Options *o, json_object *a)
{
        const char *action = json_string(a, "action"), *rule = json_string(a, "rule"),
                   *reason = json_string(a, "reason");
        Colour c = colour_of_action(action);

        print_time(json_uint(a, "time_usec"));
        if (!*action) {
                printf("%s%s%s\n", colour_on(o, COLOUR_WARN), json_string(a, "message"), colour_off(o, COLOUR_WARN));
                return;
        }
        printf("%s%-7s%s  ", colour_on(o, c), action, colour_off(o, c));
        print_place(a);
        print_what(o, a);
        printf("  by %s[%" G_GUINT64_FORMAT "]  policy %s", json_string(a, "comm"), json_uint(a, "pid"),
               json_string(a, "policy"));
        if (*rule)
                printf(", rule %s", rule);
        if (*reason && !g_str_equal(reason, "rule") && !g_str_equal(reason, rule))
                printf(", %s", reason);
        if (json_uint(a, "count") > 1)
                printf("  %" G_GUINT64_FORMAT " times", json_uint(a, "count"));
        putchar('\n');
}

/* JSON here is one object a line, so that it can be followed. */
static void put_entry(const Options *o, sd_journal *j)
{
        g_autoptr(JsonObject) alarm = read_entry(j);

        if (o->json)
                puts(json_object_to_json_string_ext(alarm, JSON_C_TO_STRING_NOSLASHESCAPE));
        else
                print_alarm(o, alarm);
}

/* ---- the journal
 * ---------------------------------------------------------------------------------------------------- */

static int add_match(sd_journal *j, const char *field, const char *value)
{
        g_autofree char *match = g_strconcat(field, "=", value, NULL);

        return sd_journal_add_match(j, match, 0);
}

static int add_matches(sd_journal *j, const Options *o)
{
        int r = add_match(j, "_SYSTEMD_UNIT", "varmord.service");
        if (r >= 0)
                r = add_match(j, "_UID", "0");
        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(alarm_ids); i++)
                r = add_match(j, "MESSAGE_ID", alarm_ids[i]);
        for (size_t i = 0; r >= 0 && !o->policy && !o->unit && i < G_N_ELEMENTS(loss_ids); i++)
                r = add_match(j, "MESSAGE_ID", loss_ids[i]);
        if (r >= 0 && o->policy)
                r = add_match(j, "VARMOR_POLICY", o->policy);
        if (r >= 0 && o->unit) {
                g_autofree char *unit =
                        strchr(o->unit, '.') ? g_strdup(o->unit) : g_strconcat(o->unit, ".service", NULL);
                r = add_match(j, "OBJECT_SYSTEMD_UNIT", unit);
        }
        return r;
}

/* Moves to the first entry to show. Return: 1, 0 when there is none, or a negative errno. */
static int seek_first(sd_journal *j, const Options *o)
{
        uint32_t lines = o->lines > 0 ? o->lines : o->follow && o->since_usec == 0 ? FOLLOW_LINES : 0;
        uint64_t usec;
        int r;

        if (lines > 0) {
                r = o->until_usec > 0 ? sd_journal_seek_realtime_usec(j, o->until_usec + 1) : sd_journal_seek_tail(j);
                if (r >= 0)
                        r = sd_journal_previous_skip(j, lines);
                if (r <= 0 || o->since_usec == 0)
                        return r > 0;
                r = sd_journal_get_realtime_usec(j, &usec);
                if (r < 0 || usec >= o->since_usec)
                        return r < 0 ? r : 1;
        }
        r = o->since_usec > 0 ? sd_journal_seek_realtime_usec(j, o->since_usec) : sd_journal_seek_head(j);
        return r < 0 ? r : sd_journal_next(j);
}

static int open_journal(const Options *o, sd_journal **ret)
{
        g_autoptr(sd_journal) j = NULL;

        int r = o->directory ? sd_journal_open_directory(&j, o->directory, 0)
                             : sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY);
        if (r >= 0)
                r = add_matches(j, o);
        if (r < 0) {
                fprintf(stderr, "varmorctl: cannot read the journal: %s\n", g_strerror(-r));
                return r;
        }
        *ret = g_steal_pointer(&j);
        return 0;
}

static int put_entries(sd_journal *j, const Options *o, int found, unsigned *n)
{
        uint64_t usec;

        for (; found > 0; found = sd_journal_next(j)) {
                if (o->until_usec > 0 && sd_journal_get_realtime_usec(j, &usec) >= 0 && usec > o->until_usec)
                        return 0;
                put_entry(o, j);
                (*n)++;
        }
        (void)fflush(stdout);
        return found;
}

int verb_alarms(const Options *o, char **args)
{
        g_autoptr(sd_journal) j = NULL;
        unsigned n = 0;

        int r = open_journal(o, &j);
        if (r < 0)
                return EXIT_FAILED;

        r = put_entries(j, o, seek_first(j, o), &n);
        while (r >= 0 && o->follow && !ferror(stdout)) {
                r = sd_journal_wait(j, (uint64_t)-1);
                if (r >= 0)
                        r = put_entries(j, o, sd_journal_next(j), &n);
        }
        if (r < 0)
                return r;
        if (n == 0 && geteuid() != 0)
                fprintf(stderr, "varmorctl: nothing found; only root and the groups adm and systemd-journal can read "
                                "all of the journal\n");
        return EXIT_FINE;
}
