/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watch: what is noticed, also where nothing was before, and what is not. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "tree.h"
#include "watch.h"

#define PATIENCE_USEC (10U * G_USEC_PER_SEC)
#define QUIET_USEC (400U * 1000)

typedef struct Fixture {
        char *root;
        sd_event *event;
        Watch *watch;
        unsigned n_changes;
} Fixture;

static void on_change(void *userdata)
{
        ((Fixture *)userdata)->n_changes++;
}

static void setup(Fixture *f, gconstpointer data)
{
        f->root = tree_new();
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
}

static void start(Fixture *f)
{
        g_assert_cmpint(watch_new(f->event, f->root, on_change, f, &f->watch), ==, 0);
}

static void teardown(Fixture *f, gconstpointer data)
{
        watch_free(f->watch);
        sd_event_unref(f->event);
        tree_free(f->root);
}

static void run_for(Fixture *f, gint64 usec, bool until_change)
{
        gint64 end = g_get_monotonic_time() + usec;

        while (g_get_monotonic_time() < end && !(until_change && f->n_changes > 0))
                g_assert_cmpint(sd_event_run(f->event, 20 * 1000), >=, 0);
}

static void expect_change(Fixture *f, const char *what)
{
        g_test_message("%s", what);
        run_for(f, PATIENCE_USEC, true);
        g_assert_cmpuint(f->n_changes, >, 0);
        f->n_changes = 0;
}

static void expect_quiet(Fixture *f, const char *what)
{
        g_test_message("%s", what);
        run_for(f, QUIET_USEC, false);
        g_assert_cmpuint(f->n_changes, ==, 0);
}

static void test_files(Fixture *f, gconstpointer data)
{
        tree_write(f->root, "etc/varmor/policies.d/a.yaml", "1");
        start(f);
        expect_quiet(f, "nothing happens");
        tree_write(f->root, "etc/varmor/policies.d/a.yaml", "2");
        expect_change(f, "a file is replaced");
        tree_chmod(f->root, "etc/varmor/policies.d/a.yaml", 0600);
        expect_change(f, "a file's mode changes");
        tree_write(f->root, "etc/varmor/policies.d/readme.txt", "x");
        expect_quiet(f, "a file that is no configuration");
        tree_link(f->root, "etc/varmor/policies.d/b.yaml", "/dev/null");
        expect_change(f, "a mask");
        tree_remove(f->root, "etc/varmor/policies.d/a.yaml");
        expect_change(f, "a file is removed");
        tree_write(f->root, "etc/varmor/policies.d/c.yaml.d/10.yaml", "x");
        expect_change(f, "a directory of fragments appears");
        tree_write(f->root, "etc/varmor/policies.d/c.yaml.d/10.yaml", "y");
        expect_change(f, "a fragment in it changes");
        tree_write(f->root, "etc/varmor/varmor.yaml", "x");
        expect_change(f, "the settings appear");
}

/* Directories that are not there at first, in all three places. */
static void test_appear(Fixture *f, gconstpointer data)
{
        start(f);
        tree_write(f->root, "etc/varmor/policies.d/a.yaml", "1");
        expect_change(f, "everything appears at once");
        tree_write(f->root, "etc/varmor/policies.d/a.yaml", "2");
        expect_change(f, "and is watched from then on");
        tree_write(f->root, "run/varmor/rules.d/r.yaml", "1");
        expect_change(f, "below /run");
        tree_write(f->root, "usr/lib/varmor/rules.d/r.yaml", "1");
        expect_change(f, "below /usr/lib");
        tree_write(f->root, "usr/lib/varmor/rules.d/r.yaml", "2");
        expect_change(f, "and is watched from then on");
}

static void test_many(Fixture *f, gconstpointer data)
{
        tree_write(f->root, "etc/varmor/policies.d/a.yaml", "1");
        start(f);
        for (unsigned i = 0; i < 200; i++) {
                g_autofree char *path = g_strdup_printf("etc/varmor/policies.d/p%u.yaml", i);

                tree_write(f->root, path, "x");
        }
        run_for(f, 2 * QUIET_USEC, false);
        g_assert_cmpuint(f->n_changes, >=, 1);
        g_assert_cmpuint(f->n_changes, <=, 3);
}

/* Which is elsewhere, and in directories that others fill. */
static void test_kubeconfig(Fixture *f, gconstpointer data)
{
        tree_write(f->root, "var/lib/kubelet/config.yaml", "1");
        start(f);
        tree_write(f->root, "etc/kubernetes/kubelet.conf", "1");
        expect_change(f, "a kubeconfig and its directory");
        tree_write(f->root, "etc/kubernetes/kubelet.conf", "2");
        expect_change(f, "it changes");
        tree_write(f->root, "etc/kubernetes/other.conf", "1");
        tree_write(f->root, "var/lib/kubelet/config.yaml", "2");
        tree_write(f->root, "var/lib/kubelet/pods/x/kubeconfig", "1");
        expect_quiet(f, "others beside it");
        tree_write(f->root, "var/lib/kubelet/kubeconfig", "1");
        expect_change(f, "another one");
        tree_remove(f->root, "etc/kubernetes/kubelet.conf");
        expect_change(f, "it goes");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/watch/files", Fixture, NULL, setup, test_files, teardown);
        g_test_add("/watch/appear", Fixture, NULL, setup, test_appear, teardown);
        g_test_add("/watch/kubeconfig", Fixture, NULL, setup, test_kubeconfig, teardown);
        g_test_add("/watch/many", Fixture, NULL, setup, test_many, teardown);
        return g_test_run();
}
