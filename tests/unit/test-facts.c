/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Facts: which devices of a host are its disks, where its API server is, and what damaged or missing files make of that. */

#include <string.h>

#include "facts.h"
#include "tree.h"

static void device(const char *root, const char *path, const char *name, const char *number, const char *size)
{
        g_autofree char *uevent = g_strdup_printf("MAJOR=%.*s\nMINOR=%s\nDEVNAME=%s\n", (int)strcspn(number, ":"), number,
                                                  strchr(number, ':') + 1, name);
        g_autofree char *uevent_path = g_strconcat("sys/class/", path, "/uevent", NULL);
        g_autofree char *size_path = g_strconcat("sys/class/", path, "/size", NULL);
        g_autofree char *size_line = g_strconcat(size ?: "", "\n", NULL);

        tree_write(root, uevent_path, uevent);
        if (size)
                tree_write(root, size_path, size_line);
}

static void expect_disks(const char *root, const char *want)
{
        g_auto(GStrv) disks = facts_disks(root);
        g_autofree char *got = g_strjoinv(" ", disks);

        g_assert_cmpstr(got, ==, want);
}

static void test_disks(void)
{
        char *root = tree_new();

        expect_disks(root, "/dev/block/0:0");

        device(root, "block/sda", "sda", "8:0", "1000");
        device(root, "block/sda1", "sda1", "8:1", "900");
        device(root, "block/dm-0", "dm-0", "253:0", "10");
        device(root, "block/cciss!c0d0", "cciss/c0d0", "104:0", "7");
        device(root, "block/loop0", "loop0", "7:0", "0");   /* no file */
        device(root, "block/loop1", "loop1", "7:1", "8");   /* a file */
        device(root, "block/nbd0", "nbd0", "43:0", "0");
        device(root, "block/ram0", "ram0", "1:0", "8192");
        device(root, "block/sdb", "sdb", "8:16", NULL);     /* going away */
        tree_write(root, "sys/class/block/odd/uevent", "MAJOR=x\nMINOR=1\nDEVNAME=odd\n");
        tree_write(root, "sys/class/block/odd/size", "5\n");
        tree_write(root, "sys/class/block/none/size", "5\n");
        device(root, "scsi_generic/sg0", "sg0", "21:0", NULL);
        tree_write(root, "sys/class/scsi_generic/sg0/device/type", "0\n");
        device(root, "scsi_generic/sg1", "sg1", "21:1", NULL); /* a tape */
        tree_write(root, "sys/class/scsi_generic/sg1/device/type", "1\n");
        device(root, "bsg/0:0:0:0", "bsg/0:0:0:0", "247:0", NULL);
        tree_write(root, "sys/class/bsg/0:0:0:0/device/type", "0\n");
        device(root, "bsg/host0", "bsg/host0", "247:1", NULL);
        device(root, "nvme/nvme0", "nvme0", "240:0", NULL);
        device(root, "nvme-generic/ng0n1", "ng0n1", "241:0", NULL);
        expect_disks(root, "/dev/block/0:0 /dev/block/104:0 /dev/block/253:0 /dev/block/7:1 /dev/block/8:0 /dev/block/8:1 "
                           "/dev/bsg/0:0:0:0 /dev/cciss/c0d0 /dev/char/21:0 /dev/char/240:0 /dev/char/241:0 /dev/char/247:0 "
                           "/dev/dm-0 /dev/loop1 /dev/ng0n1 /dev/nvme0 /dev/sda /dev/sda1 /dev/sg0");
        tree_free(root);
}

static void devices(const char *root, unsigned n, const char *class, const char *prefix, unsigned major)
{
        for (unsigned i = 0; i < n; i++) {
                g_autofree char *name = g_strdup_printf("%s%u", prefix, i), *path = g_strdup_printf("%s/%s", class, name);
                g_autofree char *number = g_strdup_printf("%u:%u", major, i);

                device(root, path, name, number, "1");
        }
}

static bool has(char **disks, const char *pattern)
{
        return g_strv_contains((const char *const *)disks, pattern);
}

/* More than are told one by one: then it is about every block device, and no other kind goes without. */
static void test_many_disks(void)
{
        char *root = tree_new();
        g_auto(GStrv) block = NULL, both = NULL, all = NULL;

        devices(root, FACTS_DEVICES_MAX + 10, "block", "dm-", 253);
        block = facts_disks(root);
        g_assert_cmpuint(g_strv_length(block), ==, 2 * FACTS_DEVICES_MAX + 2);
        g_assert_true(has(block, "/dev/block/*"));

        devices(root, 2, "nvme", "nvme", 240);
        both = facts_disks(root);
        g_assert_cmpuint(g_strv_length(both), ==, 2 * FACTS_DEVICES_MAX + 2);
        g_assert_true(has(both, "/dev/block/*") && has(both, "/dev/nvme1") && has(both, "/dev/char/240:1"));

        devices(root, FACTS_CHAR_DEVICES_MAX + 10, "nvme-generic", "ng", 241);
        devices(root, 3, "mtd", "mtd", 90);
        all = facts_disks(root);
        g_assert_true(has(all, "/dev/block/*") && has(all, "/dev/char/240:1"));
        g_assert_true(has(all, "/dev/char/241:*") && has(all, "/dev/char/90:*") && !has(all, "/dev/char/240:*"));
        g_assert_cmpuint(g_strv_length(all), <=, 2 * FACTS_DEVICES_MAX + 4);
        tree_free(root);
}

static void test_mount_sources(void)
{
        g_auto(GStrv) none = g_strsplit("/dev/block/0:0", " ", -1), few = g_strsplit("/dev/block/0:0 /dev/char/21:0 /dev/sda /dev/sda1", " ", -1);
        g_auto(GStrv) many = g_new0(char *, 101), from_none = facts_mount_sources(none), from_few = facts_mount_sources(few);
        g_auto(GStrv) from_many = NULL;
        g_autofree char *text = g_strjoinv(" ", from_few);
        unsigned n = 0;

        g_assert_cmpstr(from_none[0], ==, "/dev/block/0:0");
        g_assert_null(from_none[1]);
        g_assert_cmpstr(text, ==, "/dev/{sda,sda1} /dev/block/0:0");

        for (unsigned i = 0; i < 100; i++)
                many[i] = g_strdup_printf("/dev/%s%u", i % 2 ? "block/8:" : "sd", i);
        from_many = facts_mount_sources(many);
        for (char **p = from_many; *p; p++) {
                g_auto(GStrv) alternatives = g_strsplit(*p, ",", -1);

                g_assert_cmpuint(strlen(*p), <, 4095);
                n += g_strv_length(alternatives);
        }
        g_assert_cmpuint(n, ==, 100);
}

/* ---- the API server ---------------------------------------------------------------------------------------------- */

#define KUBELET "etc/kubernetes/kubelet.conf"

static Settings *find(const char *root, guint n_warnings)
{
        g_autoptr(Settings) s = settings_new_default();
        g_autoptr(Diag) d = diag_new();

        facts_find(root, s, d);
        for (guint i = 0; i < d->messages->len; i++) {
                const DiagMessage *m = d->messages->pdata[i];

                g_test_message("%s", m->text);
                g_assert_null(strstr(m->text, "SECRET"));
        }
        g_assert_cmpuint(d->n_errors, ==, 0);
        g_assert_cmpuint(d->n_warnings, ==, n_warnings);
        return g_steal_pointer(&s);
}

static void expect_addresses(const char *root, const char *want, guint n_warnings)
{
        g_autoptr(Settings) s = find(root, n_warnings);
        g_autofree char *got = g_strjoinv(" ", s->kube_apiserver);

        g_assert_cmpstr(got, ==, want);
        g_assert_cmpint(s->kube_apiserver_found, ==, *want != '\0');
}

#define CONFIG(server)                                                                                                  \
        "apiVersion: v1\nkind: Config\nclusters:\n- name: k\n  cluster:\n    certificate-authority-data: SECRET\n    server: " server \
        "\nusers:\n- name: u\n  user: {token: SECRET}\n"

static void test_kubeconfig(void)
{
        static const struct {
                const char *text, *addresses;
                guint n_warnings;
        } samples[] = {
                {CONFIG("https://192.0.2.1:6443"), "192.0.2.1:6443", 0},
                {CONFIG("'https://192.0.2.1'"), "192.0.2.1:443", 0},
                {CONFIG("http://192.0.2.1/x"), "192.0.2.1:80", 0},
                {CONFIG("https://[2001:db8::1]:6443/"), "[2001:db8::1]:6443", 0},
                {"{\"clusters\": [{\"cluster\": {\"server\": \"https://10.0.0.1:1\"}}, {\"cluster\": {\"server\": "
                 "\"https://10.0.0.2:2\"}}, {\"cluster\": {\"server\": \"https://10.0.0.1:1\"}}]}",
                 "10.0.0.1:1 10.0.0.2:2", 0},
                {"clusters: [{cluster: {server: https://10.0.0.1:1}}, {cluster: {server: https://api.example:2}}]", "10.0.0.1:1", 1},
                {CONFIG("https://api.example:6443"), "", 0},
                {CONFIG("https://192.0.2.1:port"), "", 0},
                {CONFIG("''"), "", 1},
                {CONFIG("[x]"), "", 1},
                {"clusters: {server: x}\n", "", 1},
                {"clusters:\n- SECRET\n- cluster: SECRET\n", "", 1},
                {"", "", 1},
                {"users: [SECRET", "", 1},
                {"\tSECRET: @", "", 1},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
                char *root = tree_new();

                tree_write(root, KUBELET, samples[i].text);
                expect_addresses(root, samples[i].addresses, samples[i].n_warnings);
                tree_free(root);
        }
}

static void test_kubeconfig_files(void)
{
        g_autofree char *large = g_strnfill(FACTS_KUBECONFIG_BYTES_MAX + 1, '#');
        char *root = tree_new();
        g_autoptr(Settings) named = NULL;

        expect_addresses(root, "", 0);
        tree_write(root, KUBELET, CONFIG("https://192.0.2.1:6443"));
        tree_write(root, "etc/rancher/k3s/k3s.yaml", CONFIG("https://127.0.0.1:6443"));
        expect_addresses(root, "192.0.2.1:6443 127.0.0.1:6443", 0);
        tree_write(root, "etc/rancher/k3s/k3s.yaml", large);
        expect_addresses(root, "192.0.2.1:6443", 1);
        tree_remove(root, "etc/rancher/k3s/k3s.yaml");
        tree_chown(root, KUBELET, 1000);
        expect_addresses(root, "", 1);
        tree_remove(root, KUBELET);
        tree_link(root, KUBELET, "/etc/hostname");
        expect_addresses(root, "", 1);
        tree_remove(root, KUBELET);

        tree_write(root, KUBELET, CONFIG("https://api.example:6443"));
        named = find(root, 0);
        g_assert_nonnull(strstr(named->kube_apiserver_why, "https://api.example:6443"));
        g_assert_nonnull(strstr(named->kube_apiserver_why, "/" KUBELET));
        tree_free(root);
}

/* What is written counts, and what was found gives way to what is found now. */
static void test_kubeconfig_precedence(void)
{
        char *root = tree_new();
        g_autoptr(Settings) s = settings_new_default();
        g_autoptr(Diag) d = diag_new();

        tree_write(root, KUBELET, CONFIG("https://192.0.2.1:6443"));
        facts_find(root, s, d);
        tree_write(root, KUBELET, CONFIG("https://192.0.2.2:6443"));
        facts_find(root, s, d);
        g_assert_cmpstr(s->kube_apiserver[0], ==, "192.0.2.2:6443");
        g_strfreev(s->kube_apiserver);
        s->kube_apiserver = g_strsplit("203.0.113.1:1", " ", -1);
        s->kube_apiserver_found = false;
        facts_find(root, s, d);
        g_assert_cmpstr(s->kube_apiserver[0], ==, "203.0.113.1:1");
        g_assert_false(s->kube_apiserver_found);
        tree_free(root);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/facts/disks", test_disks);
        g_test_add_func("/facts/many-disks", test_many_disks);
        g_test_add_func("/facts/mount-sources", test_mount_sources);
        g_test_add_func("/facts/kubeconfig", test_kubeconfig);
        g_test_add_func("/facts/kubeconfig-files", test_kubeconfig_files);
        g_test_add_func("/facts/kubeconfig-precedence", test_kubeconfig_precedence);
        return g_test_run();
}
