/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Units, with a systemd of the test's own that answers, cuts the connection, and forgets. */

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake-systemd.h"
#include "stopping.h"
#include "units.h"

#define PATIENCE_USEC (15U * G_USEC_PER_SEC)
#define OBJECT_PREFIX "/org/freedesktop/systemd1/unit"

typedef struct Fixture {
        FakeSystemd systemd;
        const char **names;   /* of the units that there are, NULL-terminated */
        int n_until_cut;      /* so many answers about units, then the connection ends; negative: never */
        unsigned n_changes;
        Units *units;
} Fixture;

/* ---- systemd ------------------------------------------------------------------------------------------------------------------ */

static int reply_list(Fixture *f, sd_bus_message *m, bool files)
{
        sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(m, &reply);

        g_assert_cmpint(r, >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(reply, 'a', files ? "(ss)" : "(ssssssouso)"), >=, 0);
        for (const char **n = f->names; *n; n++)
                if (!files)
                        r = sd_bus_message_append(reply, "(ssssssouso)", *n, "", "loaded", "active", "running", "", "/x", 0U, "",
                                                  "/");
        g_assert_cmpint(r, >=, 0);
        g_assert_cmpint(sd_bus_message_close_container(reply), >=, 0);
        g_assert_cmpint(sd_bus_send(f->systemd.bus, reply, NULL), >=, 0);
        sd_bus_message_unref(reply);
        return 1;
}

static int reply_properties(Fixture *f, sd_bus_message *m)
{
        g_autofree char *name = NULL, *cgroup = NULL;

        if (f->n_until_cut == 0) {
                sd_bus_close(f->systemd.bus);
                return 1;
        }
        f->n_until_cut--;
        g_assert_cmpint(sd_bus_path_decode(sd_bus_message_get_path(m), OBJECT_PREFIX, &name), >, 0);
        cgroup = g_strconcat("/system.slice/", name, NULL);
        return sd_bus_reply_method_return(m, "a{sv}", 5, "LoadState", "s", "loaded", "Id", "s", name, "Slice", "s", "system.slice",
                                          "ControlGroup", "s", cgroup, "User", "s", "nobody");
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Fixture *f = userdata;

        if (sd_bus_message_is_method_call(m, NULL, "ListUnits"))
                return reply_list(f, m, false);
        if (sd_bus_message_is_method_call(m, NULL, "ListUnitFiles"))
                return reply_list(f, m, true);
        if (sd_bus_message_is_method_call(m, NULL, "GetAll"))
                return reply_properties(f, m);
        return 0;
}

static void on_change(void *userdata)
{
        ((Fixture *)userdata)->n_changes++;
}

static void setup(Fixture *f, gconstpointer data)
{
        f->n_until_cut = -1;
        fake_systemd_init(&f->systemd, on_message, f);
        g_assert_cmpint(units_new(f->systemd.event, f->systemd.address, on_change, f, &f->units), ==, 0);
}

static void teardown(Fixture *f, gconstpointer data)
{
        units_free(f->units);
        fake_systemd_done(&f->systemd);
}

/* ---- tests ------------------------------------------------------------------------------------------------------------------- */

static void run_until_change(Fixture *f)
{
        gint64 end = g_get_monotonic_time() + PATIENCE_USEC;

        f->n_changes = 0;
        while (f->n_changes == 0 && g_get_monotonic_time() < end)
                g_assert_cmpint(sd_event_run(f->systemd.event, 50 * 1000), >=, 0);
        g_assert_cmpuint(f->n_changes, >, 0);
}

static void assert_selected(const Fixture *f, const char *expected)
{
        SelectorTerm term = {.key = (char *)"User", .op = SELECTOR_IN, .values = (char *[]){(char *)"nobody", NULL}};
        g_autoptr(GPtrArray) selector = g_ptr_array_new();
        const TargetSpec t = {.kind = TARGET_SERVICE, .selector = selector};
        g_auto(GStrv) all = NULL;
        g_autofree char *joined = NULL;

        g_ptr_array_add(selector, &term);
        g_assert_true(unit_facts_know(units_facts(f->units), &t));
        all = unit_facts_select(units_facts(f->units), &t);
        joined = g_strjoinv(" ", all);
        g_assert_cmpstr(joined, ==, expected);
}

static void want_user(Fixture *f)
{
        char *wanted[] = {(char *)"User", NULL};

        units_want(f->units, wanted);
}

static void test_list(Fixture *f, gconstpointer data)
{
        f->names = (const char *[]){"a.service", "b.service", "dev-x.device", "c.scope", NULL};
        want_user(f);
        run_until_change(f);
        assert_selected(f, "/system.slice/a.service /system.slice/b.service");
}

/* Cut off in the middle: what was known stays, all of it, until all is known anew. */
static void test_cut(Fixture *f, gconstpointer data)
{
        gint64 end;

        f->names = (const char *[]){"a.service", "b.service", "c.service", "d.service", NULL};
        want_user(f);
        run_until_change(f);
        f->n_until_cut = 1;
        f->n_changes = 0;
        sd_bus_close(f->systemd.bus);
        for (end = g_get_monotonic_time() + PATIENCE_USEC; f->systemd.n_connected < 3 && g_get_monotonic_time() < end;) {
                g_assert_cmpint(sd_event_run(f->systemd.event, 50 * 1000), >=, 0);
                assert_selected(f, "/system.slice/a.service /system.slice/b.service /system.slice/c.service /system.slice/d.service");
                if (f->systemd.n_connected == 2)
                        g_assert_cmpuint(f->n_changes, ==, 0);
        }
        g_assert_cmpuint(f->systemd.n_connected, ==, 3);
}

/* Cut off in the very first listing: nothing is known, rather than a part. */
static void test_cut_first(Fixture *f, gconstpointer data)
{
        f->names = (const char *[]){"a.service", "b.service", NULL};
        f->n_until_cut = 1;
        want_user(f);
        while (f->systemd.n_connected < 2) {
                g_assert_cmpint(sd_event_run(f->systemd.event, 50 * 1000), >=, 0);
                g_assert_cmpuint(f->n_changes, ==, 0);
        }
        f->n_until_cut = -1;
        run_until_change(f);
        assert_selected(f, "/system.slice/a.service /system.slice/b.service");
}

/* A unit that went away while there was no connection. */
static void test_gone(Fixture *f, gconstpointer data)
{
        f->names = (const char *[]){"a.service", "b.service", NULL};
        want_user(f);
        run_until_change(f);
        f->names = (const char *[]){"b.service", NULL};
        sd_bus_close(f->systemd.bus);
        run_until_change(f);
        assert_selected(f, "/system.slice/b.service");
}

static int on_state(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        if (!sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "Get"))
                return 0;
        return sd_bus_reply_method_return(m, "v", "s", (const char *)userdata);
}

/* Another process asks, as it waits for the answer. */
static bool is_stopping(const char *state)
{
        int status = 0;
        FakeSystemd s;
        pid_t pid;

        fake_systemd_init(&s, on_state, (char *)state);
        pid = fork();
        if (pid == 0)
                _exit(host_is_stopping(s.address));
        while (waitpid(pid, &status, WNOHANG) == 0)
                g_assert_cmpint(sd_event_run(s.event, 20 * 1000), >=, 0);
        fake_systemd_done(&s);
        g_assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_stopping(void)
{
        g_assert_true(is_stopping("stopping"));
        g_assert_false(is_stopping("running"));
        g_assert_false(host_is_stopping("unix:path=/nonexistent"));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/units/list", Fixture, NULL, setup, test_list, teardown);
        g_test_add("/units/cut", Fixture, NULL, setup, test_cut, teardown);
        g_test_add("/units/cut-first", Fixture, NULL, setup, test_cut_first, teardown);
        g_test_add("/units/gone", Fixture, NULL, setup, test_gone, teardown);
        g_test_add_func("/units/stopping", test_stopping);
        return g_test_run();
}
