/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bindings and binder, with a systemd of the test's own that reads its units again, or refuses to. */

#include <errno.h>
#include <string.h>

#include "binder.h"
#include "fake-systemd.h"
#include "tree.h"

#define PATIENCE_USEC (15U * G_USEC_PER_SEC)
#define BOTH (1U << ENFORCER_APPARMOR | 1U << ENFORCER_SECCOMP)

typedef struct Fixture {
        FakeSystemd systemd;
        Binder *binder;
        const char *report; /* what the generator would write */
        bool refuse;
        unsigned n_reloads, n_changes;
        char *restarted;
} Fixture;

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Fixture *f = userdata;
        const char *unit, *mode;

        if (sd_bus_message_is_method_call(m, NULL, "Reload")) {
                f->n_reloads++;
                if (f->refuse)
                        return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_FAILED, "Not now");
                if (f->report)
                        tree_write(f->systemd.root, "run/varmor/bound", f->report);
                return sd_bus_reply_method_return(m, NULL);
        }
        if (sd_bus_message_is_method_call(m, NULL, "TryRestartUnit")) {
                g_assert_cmpint(sd_bus_message_read(m, "ss", &unit, &mode), >, 0);
                g_free(f->restarted);
                f->restarted = g_strdup(unit);
                return sd_bus_reply_method_return(m, "o", "/job");
        }
        return 0;
}

static void on_change(void *userdata)
{
        ((Fixture *)userdata)->n_changes++;
}

static void start(Fixture *f)
{
        g_assert_cmpint(binder_new(f->systemd.event, f->systemd.root, f->systemd.address, on_change, f, &f->binder), ==, 0);
}

static void setup(Fixture *f, gconstpointer data)
{
        fake_systemd_init(&f->systemd, on_message, f);
        tree_write(f->systemd.root, "run/varmor/state/lock", "");
        start(f);
}

static void teardown(Fixture *f, gconstpointer data)
{
        binder_free(f->binder);
        fake_systemd_done(&f->systemd);
        g_free(f->restarted);
}

static Bindings *bindings_of(uint32_t web, uint32_t db)
{
        Bindings *b = bindings_new();

        bindings_add(b, "web", web)->children = true;
        bindings_add(b, "system.slice/db", db)->fail_open = true;
        b->targets = g_bytes_new("table", 5);
        b->units = g_strsplit("worker@1.service", " ", -1);
        return b;
}

static void want(Fixture *f, uint32_t web, uint32_t db)
{
        g_autoptr(Bindings) b = bindings_of(web, db);

        g_assert_cmpint(binder_want(f->binder, b), ==, 0);
}

static void run_until_change(Fixture *f)
{
        gint64 end = g_get_monotonic_time() + PATIENCE_USEC;

        f->n_changes = 0;
        while (f->n_changes == 0 && g_get_monotonic_time() < end)
                g_assert_cmpint(sd_event_run(f->systemd.event, 50 * 1000), >=, 0);
        g_assert_cmpuint(f->n_changes, >, 0);
}

static void run_a_while(Fixture *f)
{
        for (unsigned i = 0; i < 5; i++)
                g_assert_cmpint(sd_event_run(f->systemd.event, 20 * 1000), >=, 0);
}

/* ---- bindings --------------------------------------------------------------------------------------------------------------- */

static void test_round_trip(void)
{
        g_autoptr(Bindings) b = bindings_of(BOTH, 0), copy = NULL;
        g_autoptr(GBytes) bytes = bindings_to_bytes(b), again = NULL;
        const Binding *db;

        g_assert_cmpint(bindings_from_bytes(bytes, &copy), ==, 0);
        again = bindings_to_bytes(copy);
        g_assert_true(g_bytes_equal(bytes, again));
        g_assert_true(((const Binding *)copy->policies->pdata[0])->children);
        db = copy->policies->pdata[1];
        g_assert_false(db->children);
        g_assert_cmpstr(db->policy, ==, "system.slice/db");
        g_assert_cmpstr(db->bind_name, ==, "system.slice+db");
        g_assert_true(db->fail_open);
        g_assert_cmpstr(copy->units[0], ==, "worker@1.service");
}

/* A name becomes a file's, and a word of a command. */
static void test_refused(void)
{
        static const char *const names[] = {"", "a b", "a\"b", "a$b", "a%b", "a;b", ".", "../x\n"};

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autoptr(Bindings) b = bindings_new(), copy = NULL;
                g_autoptr(GBytes) bytes = NULL;

                bindings_add(b, names[i], BOTH);
                bytes = bindings_to_bytes(b);
                g_assert_cmpint(bindings_from_bytes(bytes, &copy), ==, -EBADMSG);
                g_assert_null(copy);
        }
        for (gsize n = 0; n < 64; n += 7) {
                g_autoptr(Bindings) b = bindings_of(BOTH, BOTH), copy = NULL;
                g_autoptr(GBytes) bytes = bindings_to_bytes(b), cut = g_bytes_new_from_bytes(bytes, 0, n);

                g_assert_cmpint(bindings_from_bytes(cut, &copy), ==, -EBADMSG);
        }
}

/* ---- binder ------------------------------------------------------------------------------------------------------------------ */

static void test_bind(Fixture *f, gconstpointer data)
{
        g_autofree char *file = g_build_filename(f->systemd.root, BINDINGS_FILE, NULL);

        /* Nothing to bind: systemd is left alone. */
        want(f, 0, 0);
        run_a_while(f);
        g_assert_cmpuint(f->n_reloads, ==, 0);
        g_assert_false(binder_has_any(f->binder));
        g_assert_false(g_file_test(file, G_FILE_TEST_EXISTS));

        f->report = "bound\tnginx.service\tweb\tAppArmorSeccomp\nbound\tworker@.service\tweb\tSeccomp\n"
                    "unbound\todd.service\tweb\tAppArmor\tit has no commands\nnonsense\n\n";
        want(f, BOTH, 0);
        g_assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
        g_assert_true(binder_is_open(f->binder));
        g_assert_true(binder_binds(f->binder, "web", ENFORCER_SECCOMP));
        g_assert_cmpuint(binder_since(f->binder, "nginx.service", "web", ENFORCER_SECCOMP), ==, 0);
        run_until_change(f);
        g_assert_false(binder_is_open(f->binder));
        g_assert_cmpuint(f->n_reloads, ==, 1);
        g_assert_cmpuint(binder_since(f->binder, "nginx.service", "web", ENFORCER_SECCOMP), >, 0);
        g_assert_cmpuint(binder_since(f->binder, "worker@7.service", "web", ENFORCER_SECCOMP), >, 0);
        g_assert_cmpuint(binder_since(f->binder, "worker@7.service", "web", ENFORCER_APPARMOR), ==, 0);
        g_assert_cmpuint(binder_since(f->binder, "other.service", "web", ENFORCER_SECCOMP), ==, 0);
        g_assert_cmpuint(binder_unbound(f->binder)->len, ==, 1);
        g_assert_cmpstr(((const Unbound *)binder_unbound(f->binder)->pdata[0])->reason, ==, "it has no commands");

        /* The same again is nothing new. */
        want(f, BOTH, 0);
        run_a_while(f);
        g_assert_cmpuint(f->n_reloads, ==, 1);
}

/* A filter that changes concerns what has started before; what is bound goes on being bound. */
static void test_change(Fixture *f, gconstpointer data)
{
        uint64_t bound, apparmor;

        f->report = "bound\tnginx.service\tweb\tAppArmorSeccomp\n";
        want(f, BOTH, 0);
        run_until_change(f);
        bound = binder_since(f->binder, "nginx.service", "web", ENFORCER_SECCOMP);
        apparmor = binder_since(f->binder, "nginx.service", "web", ENFORCER_APPARMOR);
        binder_note_change(f->binder, "web", ENFORCER_SECCOMP);
        g_assert_cmpuint(binder_since(f->binder, "nginx.service", "web", ENFORCER_SECCOMP), >, bound);
        g_assert_cmpuint(binder_since(f->binder, "nginx.service", "web", ENFORCER_APPARMOR), ==, apparmor);

        /* While systemd reads, something else is wanted: it reads once more. */
        want(f, BOTH, BOTH);
        want(f, 1U << ENFORCER_SECCOMP, BOTH);
        while (binder_is_open(f->binder))
                run_until_change(f);
        g_assert_cmpuint(f->n_reloads, ==, 3);
        g_assert_false(binder_binds(f->binder, "web", ENFORCER_APPARMOR));
        g_assert_true(binder_binds(f->binder, "system.slice/db", ENFORCER_APPARMOR));
}

/* As long as systemd has not read it, it may start something under what was wanted before. */
static void test_unbind(Fixture *f, gconstpointer data)
{
        g_autofree char *file = g_build_filename(f->systemd.root, BINDINGS_FILE, NULL);

        want(f, BOTH, 0);
        run_until_change(f);
        f->refuse = true;
        want(f, 0, 0);
        g_assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
        run_until_change(f);
        g_assert_true(binder_binds(f->binder, "web", ENFORCER_APPARMOR));
        g_assert_cmpstr(binder_failure(f->binder), ==, "Not now");
        f->refuse = false;
        while (binder_is_open(f->binder))
                run_until_change(f);
        g_assert_false(binder_binds(f->binder, "web", ENFORCER_APPARMOR));
        g_assert_null(binder_failure(f->binder));
        g_assert_false(binder_has_any(f->binder));
}

/* The daemon that comes next knows what the one before it had done, and does the rest. */
static void test_restart(Fixture *f, gconstpointer data)
{
        uint64_t since;

        f->report = "bound\tnginx.service\tweb\tSeccomp\n";
        want(f, BOTH, 0);
        run_until_change(f);
        since = binder_since(f->binder, "nginx.service", "web", ENFORCER_SECCOMP);
        g_clear_pointer(&f->binder, binder_free);
        start(f);
        g_assert_true(binder_binds(f->binder, "web", ENFORCER_APPARMOR));
        g_assert_cmpuint(binder_since(f->binder, "nginx.service", "web", ENFORCER_SECCOMP), ==, since);
        want(f, BOTH, 0);
        run_a_while(f);
        g_assert_cmpuint(f->n_reloads, ==, 1);

        /* Killed after it wrote, before systemd had read. */
        want(f, BOTH, BOTH);
        g_clear_pointer(&f->binder, binder_free);
        start(f);
        g_assert_true(binder_is_open(f->binder));
        want(f, BOTH, BOTH);
        run_until_change(f);
        g_assert_false(binder_is_open(f->binder));

        g_assert_cmpint(binder_restart(f->binder, "nginx.service"), >=, 0);
        for (unsigned i = 0; i < 100 && !f->restarted; i++)
                g_assert_cmpint(sd_event_run(f->systemd.event, 50 * 1000), >=, 0);
        g_assert_cmpstr(f->restarted, ==, "nginx.service");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/bindings/round-trip", test_round_trip);
        g_test_add_func("/bindings/refused", test_refused);
        g_test_add("/binder/bind", Fixture, NULL, setup, test_bind, teardown);
        g_test_add("/binder/change", Fixture, NULL, setup, test_change, teardown);
        g_test_add("/binder/unbind", Fixture, NULL, setup, test_unbind, teardown);
        g_test_add("/binder/restart", Fixture, NULL, setup, test_restart, teardown);
        return g_test_run();
}
