/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Recordings: what is written is read again, what is cut off or damaged is lost and said to be, and a model comes out. */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model-json.h"
#include "model-sample.h"
#include "model-store.h"
#include "recording.h"

#define BOOT "0123456789abcdef0123456789abcdef"
#define OTHER_BOOT "fedcba98765432100123456789abcdef"

typedef struct Fixture {
        char *dir, *path, *model;
        ModelSource source;
} Fixture;

static void setup(Fixture *f, gconstpointer data)
{
        f->dir = g_dir_make_tmp("recording-XXXXXX", NULL);
        f->path = g_build_filename(f->dir, "recordings", "web", NULL);
        f->model = g_build_filename(f->dir, "models", "web.json", NULL);
        f->source = (ModelSource){
                .host = (char *)"h\xff\n",
                .policy = (char *)"system.slice/web",
                .kernel = (char *)"6.12.0",
                .arch = (char *)"x86_64",
                .started_usec = 1000,
                .kinds = MODEL_KINDS_ALL,
        };
}

static void teardown(Fixture *f, gconstpointer data)
{
        g_autofree char *command = g_strdup_printf("rm -rf '%s'", f->dir);

        g_assert_cmpint(system(command), ==, 0);
        g_free(f->dir);
        g_free(f->path);
        g_free(f->model);
}

static Recording *create(Fixture *f)
{
        Recording *r = NULL;

        g_assert_cmpint(recording_create(f->path, &f->source, 2000, BOOT, &r), ==, 0);
        return r;
}

static Recording *reopen(Fixture *f, const char *boot)
{
        Recording *r = NULL;

        g_assert_cmpint(recording_open(f->path, boot, &r), ==, 0);
        return r;
}

static ModelOp file_op(const char *path)
{
        return (ModelOp){.kind = MODEL_FILE, .object = (char *)path, .perms = PERM_READ, .count = 1};
}

static Model *read_model(const char *path)
{
        g_autoptr(Diag) d = diag_new();
        Model *m = NULL;

        g_assert_cmpint(model_store_read(path, &m, d), ==, 0);
        return m;
}

/* Whatever a model may hold comes out as it went in, twice or once, whoever wrote it. */
static void test_all(Fixture *f, gconstpointer data)
{
        for (unsigned i = 0; i < 30; i++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(i);
                g_autoptr(Model) want = random_model(rand, 60), got = NULL;
                Recording *r = create(f);

                for (guint k = 0; k < want->ops->len; k++) {
                        recording_add(r, want->ops->pdata[k]);
                        if (k % 7 == 0) { /* killed, and it was not known what had been written */
                                recording_close(r);
                                r = reopen(f, BOOT);
                                recording_add(r, want->ops->pdata[k]);
                        }
                }
                g_assert_cmpuint(r->state->n_ops, >=, want->ops->len);
                g_assert_cmpint(recording_end(r, 3000), ==, 0);
                g_assert_cmpint(recording_complete(r, f->model), ==, 0);
                recording_close(r);
                got = read_model(f->model);
                g_assert_cmpuint(got->ops->len, ==, want->ops->len);
                for (guint k = 0; k < want->ops->len; k++) {
                        const ModelOp *o = want->ops->pdata[k], *there = model_find(got, o);

                        g_assert_nonnull(there);
                        g_assert_cmpuint(there->perms, ==, o->perms);
                        g_assert_cmpuint(there->owner_perms, ==, o->owner_perms);
                }
                g_assert_true(model_is_complete(got));
        }
}

static void test_source(Fixture *f, gconstpointer data)
{
        g_autoptr(Recording) r = create(f), done = NULL;
        g_autoptr(Model) m = NULL;
        const ModelOp o = file_op("/a");
        const ModelSource *s;
        struct stat st;

        g_assert_cmpint(g_stat(f->path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0600);
        recording_add(r, &o);
        g_assert_cmpint(recording_set_deadline(r, 5000), ==, 0);
        recording_close(g_steal_pointer(&r));
        r = reopen(f, BOOT);
        g_assert_cmpuint(r->state->deadline_usec, ==, 5000);
        g_assert_cmpuint(r->state->n_ops, ==, 1);
        g_assert_cmpuint(r->state->source->ended_usec, ==, 0);

        g_assert_cmpint(recording_end(r, 4000), ==, 0);
        g_assert_cmpint(recording_end(r, 4999), ==, 0); /* no second end */
        g_assert_cmpint(recording_complete(r, f->model), ==, 0);
        g_assert_cmpint(recording_complete(r, f->model), ==, 0);
        m = read_model(f->model);
        g_assert_cmpuint(m->sources->len, ==, 1);
        s = m->sources->pdata[0];
        g_assert_cmpuint(s->started_usec, ==, 1000);
        g_assert_cmpuint(s->ended_usec, ==, 4000);
        g_assert_cmpstr(s->host, ==, f->source.host);
        g_assert_cmpstr(s->policy, ==, "system.slice/web");

        /* What remains says so to whoever comes next. */
        done = reopen(f, OTHER_BOOT);
        g_assert_true(done->state->done);
        g_assert_cmpuint(done->state->n_ops, ==, 1);
        g_assert_cmpuint(done->state->deadline_usec, ==, 5000);
        g_assert_cmpuint(done->state->source->ended_usec, ==, 4000);
        g_assert_cmpuint(recording_lost(done), ==, 0);
}

/* Between the model and the note that it is there: the same is written once more, and the older one stays. */
static void test_crash_at_end(Fixture *f, gconstpointer data)
{
        g_autofree char *old = g_strconcat(f->model, ".old", NULL), *text = NULL;
        g_autoptr(Recording) r = create(f);
        g_autoptr(Model) first = NULL, second = NULL;
        const ModelOp a = file_op("/a"), b = file_op("/b");
        gsize size;

        recording_add(r, &a);
        g_assert_cmpint(recording_end(r, 3000), ==, 0);
        g_assert_cmpint(recording_complete(r, f->model), ==, 0);
        recording_close(g_steal_pointer(&r));

        r = create(f);
        recording_add(r, &b);
        g_assert_cmpint(recording_end(r, 4000), ==, 0);
        g_assert_true(g_file_get_contents(f->path, &text, &size, NULL));
        g_assert_cmpint(recording_complete(r, f->model), ==, 0);
        recording_close(g_steal_pointer(&r));
        g_assert_true(g_file_set_contents(f->path, text, (gssize)size, NULL));

        r = reopen(f, OTHER_BOOT);
        g_assert_false(r->state->done);
        g_assert_cmpuint(r->state->source->ended_usec, ==, 4000);
        g_assert_cmpint(recording_complete(r, f->model), ==, 0);
        second = read_model(f->model);
        first = read_model(old);
        g_assert_nonnull(model_find(second, &b));
        g_assert_nonnull(model_find(first, &a));
        g_assert_true(model_is_complete(second));
}

/* The recorder's own count, over daemons, over its beginning anew, and over boots. */
static void test_counted(Fixture *f, gconstpointer data)
{
        uint64_t counted[_MODEL_KIND_MAX] = {[MODEL_FILE] = 3};
        Recording *r = create(f);

        g_assert_cmpint(recording_note(r, counted), ==, 0);
        g_assert_cmpuint(recording_lost(r), ==, 3);
        counted[MODEL_FILE] = 5;
        g_assert_cmpint(recording_note(r, counted), ==, 0);
        g_assert_cmpint(recording_note(r, counted), ==, 0);
        g_assert_cmpuint(recording_lost(r), ==, 5);
        recording_close(r);

        r = reopen(f, BOOT);
        g_assert_cmpuint(recording_lost(r), ==, 5);
        g_assert_cmpint(recording_note(r, counted), ==, 0);
        g_assert_cmpuint(recording_lost(r), ==, 5);
        counted[MODEL_FILE] = 2; /* it began anew */
        g_assert_cmpint(recording_note(r, counted), ==, 0);
        g_assert_cmpuint(recording_lost(r), ==, 7);
        recording_pause(r, 1500);
        recording_close(r);

        r = reopen(f, OTHER_BOOT);
        g_assert_cmpuint(recording_lost(r), ==, 7);
        counted[MODEL_FILE] = 4;
        g_assert_cmpint(recording_note(r, counted), ==, 0);
        g_assert_cmpuint(recording_lost(r), ==, 11);
        recording_lose(r, MODEL_SYSCALL, 2);
        recording_close(r);

        /* The host went down without warning. */
        r = reopen(f, BOOT);
        g_assert_cmpuint(r->state->source->lost[MODEL_FILE], ==, 12);
        g_assert_cmpuint(r->state->source->lost[MODEL_SYSCALL], ==, 3);
        g_assert_cmpuint(r->state->source->lost[MODEL_EXEC], ==, 1);
        recording_close(r);
}

static char *contents(Fixture *f, gsize *ret_size)
{
        char *text;

        g_assert_true(g_file_get_contents(f->path, &text, ret_size, NULL));
        return text;
}

/* A last line that is cut off anywhere was not written; and what is appended then is whole. */
static void test_cut(Fixture *f, gconstpointer data)
{
        const ModelOp a = file_op("/a"), b = file_op("/b");
        g_autofree char *text = NULL;
        gsize before, size;

        Recording *r = create(f);
        recording_add(r, &a);
        before = r->state->size;
        recording_add(r, &b);
        recording_close(r);
        text = contents(f, &size);
        g_assert_cmpuint(size, >, before);
        for (gsize n = before; n < size; n++) {
                g_assert_true(g_file_set_contents(f->path, text, (gssize)n, NULL));
                r = reopen(f, BOOT);
                g_assert_cmpuint(r->state->n_ops, ==, 1);
                g_assert_cmpuint(r->state->n_damaged, ==, 0);
                recording_add(r, &b);
                g_assert_cmpuint(r->state->n_ops, ==, 2);
                recording_close(r);
                r = reopen(f, BOOT);
                g_assert_cmpuint(r->state->n_ops, ==, 2);
                g_assert_cmpuint(recording_lost(r), ==, 0);
                recording_close(r);
        }
}

/* Whatever byte of it is changed, that a line is gone is known, and of what kind it was where that can be read. */
static void test_damaged(Fixture *f, gconstpointer data)
{
        const ModelOp a = file_op("/a"), b = file_op("/b");
        g_autofree char *text = NULL;
        gsize begin, end, size;

        Recording *r = create(f);
        begin = r->state->size;
        recording_add(r, &a);
        end = r->state->size;
        recording_add(r, &b);
        recording_close(r);
        text = contents(f, &size);
        for (gsize i = begin; i < end; i++) {
                g_autoptr(RecordingState) quick = NULL, whole = NULL;
                g_autofree char *bad = g_memdup2(text, size);
                g_autoptr(Model) m = model_new();

                bad[i] ^= 0x20;
                g_assert_cmpint(recording_parse(bad, size, NULL, &quick), ==, 0);
                g_assert_cmpint(recording_parse(bad, size, m, &whole), ==, 0);
                g_assert_cmpuint(whole->n_damaged, ==, 1);
                g_assert_cmpuint(quick->n_damaged, ==, 1);
                g_assert_cmpuint(whole->source->lost[MODEL_FILE], ==, 1);
                g_assert_cmpuint(quick->source->lost[MODEL_FILE], ==, 1);
                /* With its end the next line goes, too. */
                g_assert_cmpuint(whole->n_ops, ==, i == end - 1 ? 0 : 1);
                if (i > begin + 20 && i < end - 1)
                        g_assert_cmpuint(whole->source->lost[MODEL_EXEC], ==, 0);
        }

        /* Without the first nothing can be known, and it is kept for whoever wants to look. */
        text[3] ^= 1;
        g_assert_true(g_file_set_contents(f->path, text, (gssize)size, NULL));
        g_assert_cmpint(recording_open(f->path, BOOT, &r), ==, -EBADMSG);
        g_assert_false(g_file_test(f->path, G_FILE_TEST_EXISTS));
        g_assert_cmpint(recording_open(f->path, BOOT, &r), ==, -ENOENT);
}

/* varmord has no CAP_DAC_OVERRIDE: what a file's mode says holds for it. */
static void set_override(bool on)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
        const uint32_t bit = CAP_TO_MASK(CAP_DAC_OVERRIDE);

        g_assert_cmpint(syscall(SYS_capget, &header, data), ==, 0);
        data[0].effective = on ? data[0].effective | (data[0].permitted & bit) : data[0].effective & ~bit;
        g_assert_cmpint(syscall(SYS_capset, &header, data), ==, 0);
}

/* A file that must not grow stands for a disk that is full. */
static void test_full(Fixture *f, gconstpointer data)
{
        const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
        struct rlimit little = none;
        const ModelOp a = file_op("/a"), bad = file_op("a");
        uint64_t zeros[_MODEL_KIND_MAX] = {0};
        Recording *r = create(f);

        (void)signal(SIGXFSZ, SIG_IGN);
        recording_add(r, &a);
        little.rlim_cur = r->state->size + 5;
        g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &little), ==, 0);
        for (unsigned i = 0; i < 3; i++)
                recording_add(r, &a);
        g_assert_cmpint(recording_note(r, zeros), <, 0);
        g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &none), ==, 0);
        g_assert_cmpuint(r->state->n_ops, ==, 1);
        g_assert_cmpuint(r->state->source->lost[MODEL_FILE], ==, 3);
        recording_close(r);

        /* How many is forgotten then, but not that there were some. */
        set_override(false);
        r = reopen(f, BOOT);
        g_assert_cmpuint(r->state->n_damaged, ==, 0);
        g_assert_cmpuint(r->state->source->lost[MODEL_FILE], ==, 1);
        recording_close(r);
        r = reopen(f, BOOT);
        set_override(true);
        g_assert_cmpuint(r->state->source->lost[MODEL_FILE], ==, 1);

        recording_add(r, &bad); /* no op at all */
        g_assert_cmpuint(r->state->source->lost[MODEL_FILE], ==, 2);
        recording_close(r);
        r = reopen(f, BOOT);
        g_assert_cmpuint(r->state->source->lost[MODEL_FILE], ==, 2);
        recording_close(r);
}

/* More than a model holds. */
static void test_too_many(Fixture *f, gconstpointer data)
{
        g_autoptr(Recording) r = create(f);
        g_autoptr(Model) m = NULL;

        for (unsigned i = 0; i < MODEL_OPS_MAX + 10; i++) {
                g_autofree char *path = g_strdup_printf("/%u", i);
                const ModelOp o = file_op(path);

                recording_add(r, &o);
        }
        g_assert_cmpint(recording_end(r, 3000), ==, 0);
        g_assert_cmpint(recording_complete(r, f->model), ==, 0);
        m = read_model(f->model);
        g_assert_cmpuint(m->ops->len, ==, MODEL_OPS_MAX);
        g_assert_cmpuint(model_lost(m, MODEL_FILE), ==, 10);
        g_assert_false(model_is_complete(m));
}

/* A process that is killed while it writes loses nothing that was written. */
static void test_killed(Fixture *f, gconstpointer data)
{
        int fds[2];
        pid_t pid;
        uint32_t n, last = 0;
        Recording *r;

        g_assert_cmpint(pipe(fds), ==, 0);
        pid = fork();
        if (pid == 0) {
                r = create(f);
                for (n = 1;; n++) {
                        g_autofree char *path = g_strdup_printf("/%u", n);
                        const ModelOp o = file_op(path);

                        recording_add(r, &o);
                        if (write(fds[1], &n, sizeof(n)) != sizeof(n))
                                _exit(EXIT_FAILURE);
                }
        }
        close(fds[1]);
        while (last < 500 && read(fds[0], &n, sizeof(n)) == sizeof(n))
                last = n;
        g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
        while (read(fds[0], &n, sizeof(n)) == sizeof(n))
                last = n;
        close(fds[0]);
        r = reopen(f, BOOT);
        g_assert_cmpuint(last, >=, 500);
        g_assert_cmpuint(r->state->n_ops, >=, last);
        g_assert_cmpuint(r->state->n_damaged, ==, 0);
        g_assert_cmpuint(recording_lost(r), ==, 0);
        recording_close(r);
}

int main(int argc, char *argv[])
{
        static const struct {
                const char *name;
                void (*test)(Fixture *f, gconstpointer data);
        } tests[] = {
                {"/recording/all", test_all},           {"/recording/source", test_source},     {"/recording/crash-at-end", test_crash_at_end},
                {"/recording/counted", test_counted},   {"/recording/cut", test_cut},           {"/recording/damaged", test_damaged},
                {"/recording/full", test_full},         {"/recording/too-many", test_too_many}, {"/recording/killed", test_killed},
        };

        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
                g_test_add(tests[i].name, Fixture, NULL, setup, tests[i].test, teardown);
        return g_test_run();
}
