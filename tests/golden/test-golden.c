/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Golden: a configuration, and beside it what the compilers made of it. Each directory of cases/ is one: policy.yaml, or a
 * tree below root/ (etc/varmor/..., run/varmor/..., usr/lib/varmor/...), and optionally "links", lines "NAME TARGET" of the
 * symlinks that patterns are resolved through. Settings and catalogue come from fixture/ unless root/ has its own; models stand below
 * root/, too. A file
 * "options" has lines:
 *   catalogue shipped   the catalogue and the list of essential units are those of conf/
 *   can all             every enforcer can enforce every kind and mode: the IR of what no version enforces yet
 *   settings            compare the settings, too
 *   export              compare what `varmord --export` makes of it, too
 *   mode 0666 PATH      of a file or directory below root/
 * What is compared: "messages", "ir" (policy_dump()), "bpf" (table_dump(), and which rules are not enforced), "seccomp.pfc" (the same
 * of seccomp_dump(), for x86_64 with a kernel 6.1, where a policy is for Seccomp), "apparmor" (the profile's
 * text, and the same in comments), "settings", "oci-seccomp", "systemd".
 * VARMOR_TEST_UPDATE=1 writes the files instead: read the difference. */

#include <errno.h>
#include <ftw.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apparmor/compile.h"
#include "bpf/compile.h"
#include "bpf/table.h"
#include "export.h"
#include "policy-load.h"
#include "policy-model.h"
#include "seccomp/compile.h"
#include "seccomp/dump.h"

/* Of a big automaton only the digest is kept: nobody reads it. */
#define TABLE_LINES_MAX 400U

typedef struct Case {
        char *dir;   /* with the files that are compared */
        char *root;  /* prefix that the configuration is read from */
        GHashTable *links;
        bool can_all, settings, export;
} Case;

static const char *source_dir(void)
{
        return g_getenv("GOLDEN_DIR");
}

/* ---- the configuration ------------------------------------------------------------------------------------------------------ */

static void copy_tree(const char *from, const char *to)
{
        g_autoptr(GDir) dir = g_dir_open(from, 0, NULL);
        const char *name;

        g_assert_cmpint(g_mkdir_with_parents(to, 0755), ==, 0);
        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *source = g_build_filename(from, name, NULL), *target = g_build_filename(to, name, NULL);
                g_autofree char *text = NULL, *link = g_file_read_link(source, NULL);
                gsize size;

                if (link) {
                        g_assert_cmpint(symlink(link, target), ==, 0);
                        continue;
                }
                if (g_file_test(source, G_FILE_TEST_IS_DIR)) {
                        copy_tree(source, target);
                        continue;
                }
                g_assert_true(g_file_get_contents(source, &text, &size, NULL));
                g_assert_true(g_file_set_contents(target, text, (gssize)size, NULL));
                g_assert_cmpint(chmod(target, 0644), ==, 0);
        }
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

static void read_links(Case *c)
{
        g_autofree char *path = g_build_filename(c->dir, "links", NULL), *text = NULL;
        g_auto(GStrv) lines = NULL;

        c->links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        if (!g_file_get_contents(path, &text, NULL, NULL))
                return;
        lines = g_strsplit(text, "\n", -1);
        for (char **l = lines; *l; l++) {
                g_auto(GStrv) words = g_strsplit(*l, " ", 2);

                if (g_strv_length(words) == 2)
                        g_hash_table_insert(c->links, g_strdup(words[0]), g_strdup(words[1]));
        }
}

static void copy_file(const char *from, const char *dir, const char *name)
{
        g_autofree char *source = g_build_filename(source_dir(), from, NULL), *target = g_build_filename(dir, name, NULL), *text = NULL;

        g_assert_true(g_file_get_contents(source, &text, NULL, NULL));
        g_assert_true(g_file_set_contents(target, text, -1, NULL));
        g_assert_cmpint(chmod(target, 0644), ==, 0);
}

static void copy_conf(const Case *c)
{
        g_autofree char *rules = g_build_filename(source_dir(), "../../conf/rules.d", NULL);
        g_autofree char *vendor = g_build_filename(c->root, "usr/lib/varmor", NULL), *to_rules = g_build_filename(vendor, "rules.d", NULL);
        g_autofree char *fixture = g_build_filename(to_rules, "rules.yaml", NULL);

        g_assert_cmpint(g_unlink(fixture), ==, 0);
        copy_tree(rules, to_rules);
        copy_file("../../conf/essential.yaml", vendor, "essential.yaml");
}

static void set_option(Case *c, char **words)
{
        if (g_strcmp0(words[0], "catalogue") == 0 && g_strcmp0(words[1], "shipped") == 0)
                copy_conf(c);
        else if (g_strcmp0(words[0], "can") == 0 && g_strcmp0(words[1], "all") == 0)
                c->can_all = true;
        else if (g_strcmp0(words[0], "settings") == 0)
                c->settings = true;
        else if (g_strcmp0(words[0], "export") == 0)
                c->export = true;
        else if (g_strcmp0(words[0], "mode") == 0 && g_strv_length(words) == 3) {
                g_autofree char *path = g_build_filename(c->root, words[2], NULL);

                g_assert_cmpint(chmod(path, (mode_t)g_ascii_strtoull(words[1], NULL, 8)), ==, 0);
        } else
                g_error("%s: unknown option '%s'", c->dir, words[0]);
}

static void read_options(Case *c)
{
        g_autofree char *path = g_build_filename(c->dir, "options", NULL), *text = NULL;
        g_auto(GStrv) lines = NULL;

        if (!g_file_get_contents(path, &text, NULL, NULL))
                return;
        lines = g_strsplit(g_strchomp(text), "\n", -1);
        for (char **l = lines; *l; l++) {
                g_auto(GStrv) words = g_strsplit(*l, " ", 3);

                set_option(c, words);
        }
}

static void set_up(Case *c)
{
        g_autofree char *vendor = NULL, *fixture = g_build_filename(source_dir(), "fixture", NULL);
        g_autofree char *tree = g_build_filename(c->dir, "root", NULL), *policy = g_build_filename(c->dir, "policy.yaml", NULL);
        g_autofree char *text = NULL;
        gsize size;

        (void)umask(022);
        c->root = g_dir_make_tmp("varmor-golden-XXXXXX", NULL);
        g_assert_nonnull(c->root);
        g_assert_cmpint(chmod(c->root, 0755), ==, 0);
        vendor = g_build_filename(c->root, "usr/lib/varmor", NULL);
        copy_tree(fixture, vendor);
        copy_file("../../conf/generalise.yaml", vendor, "generalise.yaml");
        if (g_file_test(tree, G_FILE_TEST_IS_DIR))
                copy_tree(tree, c->root);
        if (g_file_get_contents(policy, &text, &size, NULL)) {
                g_autofree char *dir = g_build_filename(c->root, "etc/varmor/policies.d", NULL);
                g_autofree char *file = g_build_filename(dir, "policy.yaml", NULL);

                g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
                g_assert_true(g_file_set_contents(file, text, (gssize)size, NULL));
        }
        read_links(c);
        read_options(c);
}

static void tear_down(Case *c)
{
        (void)nftw(c->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        g_hash_table_unref(c->links);
        g_free(c->root);
        g_free(c->dir);
}

static char *fake_readlink(const char *path, void *userdata)
{
        return g_strdup(g_hash_table_lookup(((Case *)userdata)->links, path));
}

/* ---- what came out ---------------------------------------------------------------------------------------------------------- */

static void append_diag(GString *s, const Diag *d)
{
        for (guint i = 0; i < d->messages->len; i++) {
                g_autofree char *text = diag_message_format(d->messages->pdata[i]);

                g_string_append_printf(s, "%s\n", text);
        }
        if (d->n_dropped > 0)
                g_string_append_printf(s, "... and %u more\n", d->n_dropped);
}

static unsigned count_lines(const char *text)
{
        unsigned n = 0;

        for (; *text; text++)
                n += *text == '\n';
        return n;
}

static void append_table(GString *s, const Profile *p)
{
        gsize size = 0;
        const void *bytes = p->blob ? g_bytes_get_data(p->blob, &size) : NULL;
        g_autofree void *table = size > 0 ? g_memdup2(bytes, size) : NULL;
        g_autofree char *dump = NULL;

        if (!table) {
                g_string_append(s, "no table: nothing to enforce\n");
                return;
        }
        g_assert_cmpint(table_validate(table, size, TABLE_POLICY), ==, 0);
        dump = table_dump(table, TABLE_POLICY);
        if (count_lines(dump) <= TABLE_LINES_MAX)
                g_string_append(s, dump);
        else
                g_string_append_printf(s, "%u lines, digest %s\n", count_lines(dump), p->digest);
}

/* Return: whether there is a profile. */
static bool append_profile(GString *s, const Policy *policy, int r, const Profile *p, const Diag *d)
{
        append_diag(s, d);
        if (r < 0) {
                g_string_append_printf(s, "not compiled: %s\n", g_strerror(-r));
                return false;
        }
        for (guint i = 0; i < p->why_not->len; i++)
                if (p->why_not->pdata[i])
                        g_string_append_printf(s, "rule %u %s: not enforced: %s\n", i,
                                               ((const Rule *)policy->rules->pdata[i])->id, (char *)p->why_not->pdata[i]);
        return true;
}

static void append_bpf(GString *s, const Policy *policy)
{
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Profile) p = NULL;
        int r = bpf_compile(policy, &p, d);

        if (append_profile(s, policy, r, p, d))
                append_table(s, p);
}

static void append_seccomp(GString *s, const Policy *policy)
{
        static const SeccompHost host = {.native = ARCH_X86_64, .kernel = {6, 1}};
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Profile) p = NULL;
        g_autofree char *dump = NULL;
        int r;

        if (!(policy->enforcers & 1U << ENFORCER_SECCOMP))
                return;
        g_string_append_printf(s, "policy %s\n", policy->full_name);
        r = seccomp_compile_for(policy, &host, &p, d);
        if (!append_profile(s, policy, r, p, d))
                return;
        dump = seccomp_dump(policy, &host, p->blob);
        if (count_lines(dump) <= TABLE_LINES_MAX)
                g_string_append(s, dump);
        else
                g_string_append_printf(s, "%u lines, digest %s\n", count_lines(dump), p->digest);
}

static void append_export(GString *s, const Policy *policy, ExportFormat format)
{
        const SeccompHost host = {.native = ARCH_X86_64, .kernel = {6, 12}};
        g_autoptr(Diag) d = diag_new();
        g_autofree char *text = NULL;
        int r = export_policy(policy, format, &host, NULL, &text, d);

        append_diag(s, d);
        if (r < 0)
                g_string_append_printf(s, "not exported: %s\n", g_strerror(-r));
        else
                g_string_append(s, text);
}

/* A text for apparmor_parser; what else there is to say is in comments. */
static void append_apparmor(GString *s, const Policy *policy)
{
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Profile) p = NULL;
        g_autoptr(AaBlob) blob = NULL;
        int r = apparmor_compile(policy, &p, d);

        for (guint i = 0; i < d->messages->len; i++) {
                g_autofree char *text = diag_message_format(d->messages->pdata[i]);

                g_string_append_printf(s, "# %s\n", text);
        }
        if (r < 0) {
                g_string_append_printf(s, "# not compiled: %s\n", g_strerror(-r));
                return;
        }
        for (guint i = 0; i < p->why_not->len; i++)
                if (p->why_not->pdata[i])
                        g_string_append_printf(s, "# rule %u %s: not enforced: %s\n", i,
                                               ((const Rule *)policy->rules->pdata[i])->id, (char *)p->why_not->pdata[i]);
        if (profile_is_empty(p)) {
                g_string_append(s, "# no profile: nothing to enforce\n");
                return;
        }
        g_assert_cmpint(aa_blob_from_bytes(p->blob, &blob), ==, 0);
        g_string_append(s, blob->text);
}

static void append_list(GString *s, const char *label, char **list)
{
        for (char **e = list; *e; e++)
                g_string_append_printf(s, "%s %s\n", label, *e);
}

static void append_settings(GString *s, const Settings *settings)
{
        append_list(s, "launcher", settings->launchers);
        append_list(s, "essential", settings->essential);
        g_string_append_printf(s, "window %" G_GUINT64_FORMAT " s\nrate %" G_GUINT32_FORMAT "\n",
                               settings->alarm_window_usec / G_USEC_PER_SEC, settings->alarm_rate);
        append_list(s, "kube-apiserver", settings->kube_apiserver);
        append_list(s, "ingress-nginx-admission", settings->ingress_nginx_admission);
}

static char *dup_without_root(const Case *c, const GString *s)
{
        g_auto(GStrv) parts = g_strsplit(s->str, c->root, -1);

        return g_strjoinv("", parts);
}

static void compare(const Case *c, const char *name, const GString *got)
{
        g_autofree char *path = g_build_filename(c->dir, name, NULL), *want = NULL, *text = dup_without_root(c, got);

        if (g_getenv("VARMOR_TEST_UPDATE")) {
                if (*text)
                        g_assert_true(g_file_set_contents(path, text, -1, NULL));
                else
                        (void)g_unlink(path);
                return;
        }
        if (!g_file_get_contents(path, &want, NULL, NULL))
                want = g_strdup("");
        if (strcmp(want, text) == 0)
                return;
        g_test_message("%s differs; got:\n%s", path, text);
        g_test_fail();
}

static void load(Case *c, LoadResult **ret)
{
        LoadParams params = {.readlink = fake_readlink, .userdata = c, .roots = {.root = c->root, .owner = getuid()}};
        g_auto(PolicyModels) models = {.roots = params.roots};

        params.model = policy_models_fill;
        params.model_userdata = &models;

        if (c->can_all)
                for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                        params.can[k] = (EnforcerAbility){.kinds = UINT32_MAX, .modes = UINT32_MAX};
        else {
                params.can[ENFORCER_BPF] = (EnforcerAbility){.kinds = BPF_KINDS, .modes = BPF_MODES};
                params.can[ENFORCER_SECCOMP] = (EnforcerAbility){.kinds = SECCOMP_KINDS, .modes = SECCOMP_MODES};
        }
        *ret = policy_load_all(&params);
}

static void test_case(const void *data)
{
        Case c = {.dir = g_build_filename(source_dir(), "cases", data, NULL)};
        g_autoptr(GString) messages = g_string_new(NULL), ir = g_string_new(NULL), bpf = g_string_new(NULL);
        g_autoptr(GString) settings = g_string_new(NULL), oci = g_string_new(NULL), systemd = g_string_new(NULL);
        g_autoptr(GString) seccomp = g_string_new(NULL);
        g_autoptr(GString) apparmor = g_string_new(NULL);
        g_autoptr(LoadResult) r = NULL;

        set_up(&c);
        load(&c, &r);
        append_diag(messages, r->diag);
        for (guint i = 0; i < r->policies->len; i++) {
                const LoadedPolicy *l = r->policies->pdata[i];
                g_autofree char *dump = l->policy ? policy_dump(l->policy) : NULL;

                append_diag(messages, l->diag);
                if (!l->policy)
                        continue;
                g_string_append_printf(ir, "%s", dump);
                g_string_append_printf(bpf, "policy %s\n", l->full_name);
                append_bpf(bpf, l->policy);
                append_seccomp(seccomp, l->policy);
                append_apparmor(apparmor, l->policy);
                if (c.export) {
                        append_export(oci, l->policy, EXPORT_OCI_SECCOMP);
                        append_export(systemd, l->policy, EXPORT_SYSTEMD);
                }
        }
        if (c.settings)
                append_settings(settings, r->settings);
        compare(&c, "messages", messages);
        compare(&c, "ir", ir);
        compare(&c, "bpf", bpf);
        compare(&c, "seccomp.pfc", seccomp);
        compare(&c, "apparmor", apparmor);
        compare(&c, "settings", settings);
        compare(&c, "oci-seccomp", oci);
        compare(&c, "systemd", systemd);
        tear_down(&c);
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(int argc, char *argv[])
{
        g_autofree char *path = NULL;
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GDir) dir = NULL;
        const char *name;

        g_test_init(&argc, &argv, NULL);
        g_assert_nonnull(source_dir());
        path = g_build_filename(source_dir(), "cases", NULL);
        dir = g_dir_open(path, 0, NULL);
        g_assert_nonnull(dir);
        while ((name = g_dir_read_name(dir)))
                g_ptr_array_add(names, g_strdup(name));
        g_assert_cmpuint(names->len, >, 0);
        g_ptr_array_sort(names, compare_names);
        for (guint i = 0; i < names->len; i++) {
                g_autofree char *test = g_strconcat("/golden/", names->pdata[i], NULL);

                g_test_add_data_func(test, names->pdata[i], test_case);
        }
        return g_test_run();
}
