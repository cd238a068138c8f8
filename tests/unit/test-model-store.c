/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Models as files: written as a whole, read again, and the one before beside. */

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model-sample.h"
#include "model-store.h"

typedef struct Fixture {
        char *dir, *path, *old;
} Fixture;

static void setup(Fixture *f, gconstpointer data)
{
        f->dir = g_dir_make_tmp("model-store-XXXXXX", NULL);
        f->path = g_build_filename(f->dir, "models", "web.json", NULL);
        f->old = g_strconcat(f->path, ".old", NULL);
}

static void teardown(Fixture *f, gconstpointer data)
{
        g_autofree char *command = g_strdup_printf("rm -rf '%s'", f->dir);

        g_assert_cmpint(system(command), ==, 0);
        g_free(f->dir);
        g_free(f->path);
        g_free(f->old);
}

static Model *sample(unsigned seed)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

        return random_model(rand, 30);
}

static void expect(const char *path, const Model *want)
{
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Model) got = NULL;

        g_assert_cmpint(model_store_read(path, &got, d), ==, want ? 0 : -ENOENT);
        g_assert_true(!want || model_equal(got, want));
}

static void test_path(Fixture *f, gconstpointer data)
{
        g_autofree char *plain = model_path("web"), *below = model_path("system.slice/web");

        g_assert_cmpstr(plain, ==, "/var/lib/varmor/models/web.json");
        g_assert_cmpstr(below, ==, "/var/lib/varmor/models/system.slice+web.json");
}

static void test_write(Fixture *f, gconstpointer data)
{
        g_autoptr(Model) first = sample(1), second = sample(2), third = sample(3);
        struct stat st;

        expect(f->path, NULL);
        g_assert_cmpint(model_store_write(f->path, first), ==, 0);
        expect(f->path, first);
        expect(f->old, NULL);
        g_assert_cmpint(g_stat(f->path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0600);

        g_assert_cmpint(model_store_write(f->path, second), ==, 0);
        expect(f->path, second);
        expect(f->old, first);

        /* The same once more, as after a crash: what it replaced is not forgotten. */
        g_assert_cmpint(model_store_write(f->path, second), ==, 0);
        expect(f->path, second);
        expect(f->old, first);

        g_assert_cmpint(model_store_write(f->path, third), ==, 0);
        expect(f->path, third);
        expect(f->old, second);
}

static void test_bad(Fixture *f, gconstpointer data)
{
        g_autoptr(Model) first = sample(1);
        g_autofree char *dir = g_path_get_dirname(f->path), *text = NULL;
        g_autoptr(Diag) d = diag_new();
        Model *got = NULL;
        gsize size;

        g_assert_cmpint(model_store_write(f->path, first), ==, 0);
        g_assert_true(g_file_get_contents(f->path, &text, &size, NULL));
        text[size / 2] ^= 1;
        g_assert_true(g_file_set_contents(f->path, text, (gssize)size, NULL));
        g_assert_cmpint(model_store_read(f->path, &got, d), ==, -EBADMSG);
        g_assert_null(got);
        g_assert_cmpuint(d->n_errors, >, 0);

        /* Where nothing can be written, what is there stays. */
        g_assert_cmpint(g_remove(f->path), ==, 0);
        g_assert_cmpint(g_rmdir(dir), ==, 0);
        g_assert_true(g_file_set_contents(dir, "", 0, NULL));
        g_assert_cmpint(model_store_write(f->path, first), <, 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add("/model-store/path", Fixture, NULL, setup, test_path, teardown);
        g_test_add("/model-store/write", Fixture, NULL, setup, test_write, teardown);
        g_test_add("/model-store/bad", Fixture, NULL, setup, test_bad, teardown);
        return g_test_run();
}
