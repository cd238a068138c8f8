/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Confdir: which files count, which are hidden, and which are refused. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "confdir.h"
#include "tree.h"
#include "yaml-tree.h"

typedef struct Fixture {
        char *root;
        ConfRoots roots;
        Diag *diag;
        GPtrArray *files;
} Fixture;

static void setup(Fixture *f, gconstpointer data)
{
        f->root = tree_new();
        f->roots = (ConfRoots){.root = f->root, .owner = geteuid()};
        f->diag = diag_new();
}

static void teardown(Fixture *f, gconstpointer data)
{
        g_clear_pointer(&f->files, g_ptr_array_unref);
        diag_free(f->diag);
        tree_free(f->root);
}

static int read_policies(Fixture *f)
{
        g_clear_pointer(&f->files, g_ptr_array_unref);
        g_clear_pointer(&f->diag, diag_free);
        f->diag = diag_new();
        return confdir_read(&f->roots, "policies.d", &f->files, f->diag);
}

/* "name=text;..." of all files, with "[...]" around fragments, "!" for what could not be read. */
static void append_files(GString *s, const GPtrArray *files)
{
        for (guint i = 0; files && i < files->len; i++) {
                const ConfFile *c = files->pdata[i];

                g_string_append_printf(s, "%s=", *c->name ? c->name : c->path);
                if (c->bytes)
                        g_string_append_len(s, g_bytes_get_data(c->bytes, NULL), (gssize)g_bytes_get_size(c->bytes));
                else
                        g_string_append_c(s, '!');
                if (c->runtime)
                        g_string_append(s, "@run");
                if (c->fragments && c->fragments->len > 0) {
                        g_string_append_c(s, '[');
                        append_files(s, c->fragments);
                        g_string_append_c(s, ']');
                }
                g_string_append_c(s, ';');
        }
}

static void assert_files(const Fixture *f, const char *expected)
{
        g_autoptr(GString) s = g_string_new(NULL);

        append_files(s, f->files);
        g_assert_cmpstr(s->str, ==, expected);
}

static void assert_refused(Fixture *f, const char *path, const char *code)
{
        const DiagMessage *m;

        g_assert_cmpint(read_policies(f), ==, -EBADMSG);
        g_assert_cmpuint(f->diag->n_errors, ==, 1);
        m = f->diag->messages->pdata[0];
        g_test_message("%s: %s", m->pos.file, m->text);
        g_assert_cmpstr(m->pos.file, ==, path);
        g_assert_cmpstr(m->code, ==, code);
}

static void test_precedence(Fixture *f, gconstpointer data)
{
        g_assert_cmpint(read_policies(f), ==, 0);
        assert_files(f, "");
        tree_write(f->root, "usr/lib/varmor/policies.d/a.yaml", "usr");
        tree_write(f->root, "usr/lib/varmor/policies.d/b.yaml", "usr");
        tree_write(f->root, "usr/lib/varmor/policies.d/c.yaml", "usr");
        tree_write(f->root, "run/varmor/policies.d/b.yaml", "run");
        tree_write(f->root, "run/varmor/policies.d/c.yaml", "run");
        tree_write(f->root, "etc/varmor/policies.d/c.yaml", "etc");
        tree_write(f->root, "etc/varmor/policies.d/.hidden.yaml", "x");
        tree_write(f->root, "etc/varmor/policies.d/other.txt", "x");
        tree_write(f->root, "etc/varmor/policies.d/.yaml", "x");
        g_assert_cmpint(read_policies(f), ==, 0);
        assert_files(f, "a.yaml=usr;b.yaml=run@run;c.yaml=etc;");
}

static void test_masks(Fixture *f, gconstpointer data)
{
        tree_write(f->root, "usr/lib/varmor/policies.d/a.yaml", "usr");
        tree_write(f->root, "run/varmor/policies.d/a.yaml", "run");
        tree_link(f->root, "etc/varmor/policies.d/a.yaml", "/dev/null");
        tree_write(f->root, "usr/lib/varmor/policies.d/b.yaml", "usr");
        tree_write(f->root, "usr/lib/varmor/policies.d/b.yaml.d/10-x.yaml", "x");
        tree_write(f->root, "usr/lib/varmor/policies.d/b.yaml.d/20-y.yaml", "y");
        tree_link(f->root, "run/varmor/policies.d/b.yaml.d/10-x.yaml", "/dev/null");
        tree_write(f->root, "etc/varmor/policies.d/a.yaml.d/10-x.yaml", "x"); /* of a file that is masked: no warning */
        g_assert_cmpint(read_policies(f), ==, 0);
        assert_files(f, "b.yaml=usr[20-y.yaml=y;];");
        g_assert_cmpuint(f->diag->n_warnings, ==, 0);
}

static void test_fragments(Fixture *f, gconstpointer data)
{
        tree_write(f->root, "etc/varmor/policies.d/a.yaml", "a");
        tree_write(f->root, "etc/varmor/policies.d/a.yaml.d/30-etc.yaml", "3");
        tree_write(f->root, "run/varmor/policies.d/a.yaml.d/20-run.yaml", "2");
        tree_write(f->root, "usr/lib/varmor/policies.d/a.yaml.d/10-usr.yaml", "1");
        tree_write(f->root, "usr/lib/varmor/policies.d/a.yaml.d/30-etc.yaml", "hidden");
        tree_write(f->root, "etc/varmor/policies.d/gone.yaml.d/10.yaml", "x");
        g_assert_cmpint(read_policies(f), ==, 0);
        assert_files(f, "a.yaml=a[10-usr.yaml=1;20-run.yaml=2@run;30-etc.yaml=3;];");
        g_assert_cmpuint(f->diag->n_warnings, ==, 1);
        g_assert_cmpstr(((DiagMessage *)f->diag->messages->pdata[0])->code, ==, "no-effect");
}

static void test_writable(Fixture *f, gconstpointer data)
{
        tree_write(f->root, "etc/varmor/policies.d/a.yaml", "a");
        tree_write(f->root, "etc/varmor/policies.d/b.yaml", "b");
        tree_chmod(f->root, "etc/varmor/policies.d/a.yaml", 0664);
        assert_refused(f, "/etc/varmor/policies.d/a.yaml", "untrusted");
        assert_files(f, "a.yaml=!;b.yaml=b;");
        tree_chmod(f->root, "etc/varmor/policies.d/a.yaml", 0646);
        assert_refused(f, "/etc/varmor/policies.d/a.yaml", "untrusted");
        tree_chmod(f->root, "etc/varmor/policies.d/a.yaml", 0644);
        g_assert_cmpint(read_policies(f), ==, 0);

        /* A directory that others may write to: nothing in it is believed, and it does not look as if nothing were there. */
        tree_chmod(f->root, "etc/varmor/policies.d", 0777);
        assert_refused(f, "/etc/varmor/policies.d", "untrusted");
        assert_files(f, "/etc/varmor/policies.d/=!;");
        tree_chmod(f->root, "etc/varmor/policies.d", 0755);
        tree_chmod(f->root, "etc/varmor", 0775);
        assert_refused(f, "/etc/varmor/policies.d", "untrusted");
}

static void test_owner(Fixture *f, gconstpointer data)
{
        if (geteuid() != 0) {
                g_test_skip("files can be given away by root only");
                return;
        }
        tree_write(f->root, "etc/varmor/policies.d/a.yaml", "a");
        tree_chown(f->root, "etc/varmor/policies.d/a.yaml", 65534);
        assert_refused(f, "/etc/varmor/policies.d/a.yaml", "untrusted");
        assert_files(f, "a.yaml=!;");
        tree_chown(f->root, "etc/varmor/policies.d/a.yaml", 0);
        tree_chown(f->root, "etc/varmor/policies.d", 65534);
        assert_refused(f, "/etc/varmor/policies.d", "untrusted");
}

static void test_symlinks(Fixture *f, gconstpointer data)
{
        tree_write(f->root, "etc/varmor/policies.d/real.txt", "x");
        tree_link(f->root, "etc/varmor/policies.d/a.yaml", "real.txt");
        assert_refused(f, "/etc/varmor/policies.d/a.yaml", "untrusted");
        tree_remove(f->root, "etc/varmor/policies.d/a.yaml");
        tree_link(f->root, "etc/varmor/policies.d/a.yaml", "/dev/nullx");
        assert_refused(f, "/etc/varmor/policies.d/a.yaml", "untrusted");
        tree_remove(f->root, "etc/varmor/policies.d/a.yaml");
        tree_write(f->root, "elsewhere/b.yaml", "b");
        tree_link(f->root, "run/varmor/policies.d", "../../elsewhere");
        assert_refused(f, "/run/varmor/policies.d", "unreadable");
        tree_remove(f->root, "run/varmor/policies.d");
        tree_write(f->root, "etc/varmor/policies.d/d.yaml/x", "a directory");
        assert_refused(f, "/etc/varmor/policies.d/d.yaml", "untrusted");
}

static void test_size(Fixture *f, gconstpointer data)
{
        g_autofree char *text = g_strnfill(YAML_BYTES_MAX, '#'), *more = g_strconcat(text, "#", NULL);

        tree_write(f->root, "etc/varmor/policies.d/a.yaml", text);
        g_assert_cmpint(read_policies(f), ==, 0);
        tree_write(f->root, "etc/varmor/policies.d/b.yaml", more);
        assert_refused(f, "/etc/varmor/policies.d/b.yaml", "too-large");
        tree_remove(f->root, "etc/varmor/policies.d/b.yaml");
        for (unsigned i = 1; i <= CONFDIR_BYTES_MAX / YAML_BYTES_MAX; i++) {
                g_autofree char *path = g_strdup_printf("etc/varmor/policies.d/c%02u.yaml", i);

                tree_write(f->root, path, text);
        }
        assert_refused(f, "/etc/varmor/policies.d/c16.yaml", "too-large");
}

static void test_one(Fixture *f, gconstpointer data)
{
        g_autoptr(ConfFile) none = NULL, only = NULL, all = NULL;

        g_assert_cmpint(confdir_read_one(&f->roots, "varmor.yaml", &none, f->diag), ==, 0);
        g_assert_null(none);
        tree_write(f->root, "etc/varmor/varmor.yaml.d/10.yaml", "1");
        g_assert_cmpint(confdir_read_one(&f->roots, "varmor.yaml", &only, f->diag), ==, 0);
        g_assert_nonnull(only);
        g_assert_cmpuint(g_bytes_get_size(only->bytes), ==, 0);
        g_assert_cmpuint(only->fragments->len, ==, 1);
        tree_write(f->root, "usr/lib/varmor/varmor.yaml", "usr");
        g_assert_cmpint(confdir_read_one(&f->roots, "varmor.yaml", &all, f->diag), ==, 0);
        g_assert_cmpstr(all->path, ==, "/usr/lib/varmor/varmor.yaml");
        g_assert_cmpuint(all->fragments->len, ==, 1);
}

int main(int argc, char *argv[])
{
        static const struct {
                const char *name;
                void (*test)(Fixture *f, gconstpointer data);
        } tests[] = {
                {"/confdir/precedence", test_precedence}, {"/confdir/masks", test_masks},       {"/confdir/fragments", test_fragments},
                {"/confdir/writable", test_writable},     {"/confdir/owner", test_owner},       {"/confdir/symlinks", test_symlinks},
                {"/confdir/size", test_size},             {"/confdir/one", test_one},
        };

        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
                g_test_add(tests[i].name, Fixture, NULL, setup, tests[i].test, teardown);
        return g_test_run();
}
