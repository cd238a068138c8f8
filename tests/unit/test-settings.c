/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings: defaults, what files say, bounds, addresses, and that the example which is shipped shows the defaults. */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "policy-load.h"
#include "settings.h"
#include "tree.h"

#define MAIN "etc/varmor/varmor.yaml"
#define ESSENTIAL "usr/lib/varmor/essential.yaml"

static Settings *load(const char *root, int expected, Diag **ret_diag)
{
        const ConfRoots roots = {.root = root, .owner = geteuid()};
        g_autoptr(Diag) d = diag_new();
        Settings *s = NULL;

        g_assert_cmpint(settings_load(&roots, &s, d), ==, expected);
        g_assert_nonnull(s);
        if (ret_diag)
                *ret_diag = g_steal_pointer(&d);
        return s;
}

static void test_files(void)
{
        char *root = tree_new();
        g_autoptr(Settings) none = load(root, 0, NULL), some = NULL, all = NULL;

        g_assert_true(none->essential_missing);
        g_assert_cmpuint(none->alarm_window_usec, ==, 10 * G_USEC_PER_SEC);
        g_assert_cmpuint(none->alarm_rate, ==, 100);
        g_assert_true(g_strv_contains((const char *const *)none->launchers, "/usr/bin/runc"));

        tree_write(root, ESSENTIAL, "essential: [init.scope, dbus.service]\n");
        some = load(root, 0, NULL);
        g_assert_false(some->essential_missing);
        g_assert_cmpuint(g_strv_length(some->essential), ==, 2);

        tree_write(root, MAIN, "launchers: [/opt/run]\nessential: [own@*.service]\nalarms: {window: 5, rate: 7}\n"
                               "addresses: {kube-apiserver: ['192.0.2.1:6443']}\n");
        tree_write(root, MAIN ".d/10.yaml", "alarms: {rate: 0}\n");
        all = load(root, 0, NULL);
        g_assert_cmpuint(g_strv_length(all->launchers), ==, 1);
        g_assert_cmpstr(all->essential[2], ==, "own@*.service");
        g_assert_cmpuint(all->alarm_window_usec, ==, 5 * G_USEC_PER_SEC);
        g_assert_cmpuint(all->alarm_rate, ==, 0);
        g_assert_cmpstr(all->kube_apiserver[0], ==, "192.0.2.1:6443");
        tree_free(root);
}

static void test_bad(void)
{
        static const struct {
                const char *text, *code;
                uint32_t line, column;
        } all[] = {
                {"laucnhers: []", "unknown-key", 1, 1},
                {"launchers: /usr/bin/runc", "bad-value", 1, 12},
                {"launchers: [runc]", "bad-value", 1, 13},
                {"launchers: ['/a/../b']", "bad-value", 1, 13},
                {"launchers: ['/usr/bin/*']", "bad-value", 1, 13},
                {"essential: [ssh]", "bad-value", 1, 13},
                {"essential: [.service]", "bad-value", 1, 13},
                {"alarms: {window: 86401}", "bad-value", 1, 18},
                {"alarms: {window: -1}", "bad-value", 1, 18},
                {"alarms: {window: 99999999999999999999999}", "bad-value", 1, 18},
                {"alarms: {rate: 1000001}", "bad-value", 1, 16},
                {"alarms: {\n  rat: 1}", "unknown-key", 2, 3},
                {"addresses: {kube-apiserver: [nowhere]}", "bad-value", 1, 30},
                {"a", "bad-value", 1, 1},
        };
        char *root = tree_new();

        tree_write(root, ESSENTIAL, "essential: [init.scope]\n");
        for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
                g_autoptr(Diag) d = NULL;
                g_autoptr(Settings) s = NULL;
                const DiagMessage *m;

                g_test_message("%s", all[i].text);
                tree_write(root, MAIN, all[i].text);
                s = load(root, -EBADMSG, &d);
                m = d->messages->pdata[0];
                g_test_message("%s", m->text);
                g_assert_cmpstr(m->code, ==, all[i].code);
                g_assert_cmpstr(m->pos.file, ==, "/etc/varmor/varmor.yaml");
                g_assert_cmpuint(m->pos.line, ==, all[i].line);
                g_assert_cmpuint(m->pos.column, ==, all[i].column);
                /* What is wrong is not half in force. */
                g_assert_cmpuint(s->alarm_window_usec, ==, 10 * G_USEC_PER_SEC);
                g_assert_true(g_strv_contains((const char *const *)s->launchers, "/usr/bin/runc"));
        }
        tree_free(root);
}

static void test_addresses(void)
{
        static const struct {
                const char *text;
                int family;
                uint16_t port;
        } all[] = {
                {"192.0.2.1:443", AF_INET, 443}, {"192.0.2.1", AF_INET, 0},     {"[2001:db8::1]:443", AF_INET6, 443},
                {"[2001:db8::1]", AF_INET6, 0},  {"2001:db8::1", 0, 0},         {"::1", 0, 0},
                {"192.0.2.1:0", 0, 0},           {"192.0.2.1:65536", 0, 0},     {"192.0.2.1:", 0, 0},
                {"192.0.2.256", 0, 0},           {"[::1", 0, 0},                {"[::1]443", 0, 0},
                {"[::1]:", 0, 0},                {"[192.0.2.1]:1", 0, 0},       {"", 0, 0},
                {"host:443", 0, 0},              {"192.0.2.1:44x", 0, 0},       {"[]", 0, 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
                uint8_t family = 0, bytes[16];
                uint16_t port = 9;
                int r = settings_parse_address(all[i].text, &family, bytes, &port);

                g_test_message("%s", all[i].text);
                g_assert_cmpint(r, ==, all[i].family ? 0 : -EINVAL);
                g_assert_cmpuint(family, ==, (unsigned)all[i].family);
                g_assert_cmpuint(port, ==, all[i].family ? all[i].port : 9);
        }
}

/* The example with its settings no longer commented out: "#word" and what is indented below it. */
static char *without_comments(const char *text)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        GString *s = g_string_new(NULL);

        for (char **l = lines; *l; l++)
                if ((*l)[0] == '#' && (g_ascii_islower((*l)[1]) || g_str_has_prefix(*l, "#  ")))
                        g_string_append_printf(s, "%s\n", *l + 1);
        return g_string_free(s, FALSE);
}

static void assert_same(char **a, char **b)
{
        g_assert_true(g_strv_equal((const char *const *)a, (const char *const *)b));
}

static void assert_default(const char *root, const char *text)
{
        g_autoptr(Settings) got = NULL, want = settings_new_default();

        tree_write(root, MAIN, text);
        got = load(root, 0, NULL);
        assert_same(got->launchers, want->launchers);
        assert_same(got->kube_apiserver, want->kube_apiserver);
        assert_same(got->ingress_nginx_admission, want->ingress_nginx_admission);
        g_assert_cmpuint(got->alarm_window_usec, ==, want->alarm_window_usec);
        g_assert_cmpuint(got->alarm_rate, ==, want->alarm_rate);
        g_assert_cmpuint(g_strv_length(got->essential), ==, 1);
}

static void test_example(void)
{
        static const char *const keys[] = {"launchers:", "essential:", "alarms:", "  window:", "  rate:", "addresses:",
                                           "  kube-apiserver:", "  ingress-nginx-admission:"};
        g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "../../conf/varmor.yaml", NULL), *text = NULL, *bare = NULL;
        char *root = tree_new();

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        tree_write(root, ESSENTIAL, "essential: [init.scope]\n");
        assert_default(root, text);
        bare = without_comments(text);
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
                g_assert_nonnull(strstr(bare, keys[i]));
        assert_default(root, bare);
        tree_free(root);
}

/* With errors in the files, what is in force stays as a whole; without any in force, defaults stand in for what is wrong. */
static void test_broken(void)
{
        static const char *const broken[] = {"alarms: {rate: 5, window: soon}\n", "launchers: [/opt/new]\nalarms: {\n"};
        char *root = tree_new();
        LoadParams params = {.roots = {.root = root, .owner = geteuid()}};
        g_autoptr(LoadResult) good = NULL;

        tree_write(root, ESSENTIAL, "essential: [init.scope]\n");
        tree_write(root, MAIN, "launchers: [/opt/run]\nessential: [own.service]\nalarms: {rate: 7}\n"
                               "addresses: {kube-apiserver: [192.0.2.1], ingress-nginx-admission: [192.0.2.2]}\n");
        good = policy_load_all(&params);
        g_assert_cmpuint(good->diag->n_errors, ==, 0);

        for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
                g_autoptr(LoadResult) first = NULL, later = NULL;

                tree_write(root, MAIN, broken[i]);
                params.before = NULL;
                first = policy_load_all(&params);
                g_assert_cmpuint(first->diag->n_errors, ==, 1);
                g_assert_cmpuint(first->settings->alarm_rate, ==, i == 0 ? 5 : 100);
                g_assert_cmpuint(g_strv_length(first->settings->essential), ==, 1);

                params.before = good->settings;
                later = policy_load_all(&params);
                g_assert_cmpuint(later->diag->n_errors, ==, 1);
                g_assert_true(later->settings != good->settings);
                g_assert_cmpuint(later->settings->alarm_rate, ==, 7);
                assert_same(later->settings->launchers, good->settings->launchers);
                assert_same(later->settings->essential, good->settings->essential);
                assert_same(later->settings->kube_apiserver, good->settings->kube_apiserver);
                assert_same(later->settings->ingress_nginx_admission, good->settings->ingress_nginx_admission);
        }
        tree_free(root);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/settings/files", test_files);
        g_test_add_func("/settings/bad", test_bad);
        g_test_add_func("/settings/addresses", test_addresses);
        g_test_add_func("/settings/example", test_example);
        g_test_add_func("/settings/broken", test_broken);
        return g_test_run();
}
