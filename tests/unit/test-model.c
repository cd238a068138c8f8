/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Models: what they take, merging, and their JSON: the same model comes back, and what is damaged is refused with its place. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "model-json.h"
#include "model-sample.h"

static Model *merge(const Model *a, const Model *b)
{
        Model *m = NULL;

        g_assert_cmpint(model_merge(a, b, &m), ==, 0);
        return m;
}

static void test_merge(void)
{
        for (unsigned i = 0; i < 300; i++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(i);
                g_autoptr(Model) a = random_model(rand, 60), b = random_model(rand, 60), c = random_model(rand, 60);
                g_autoptr(Model) ab = merge(a, b), ba = merge(b, a), bc = merge(b, c), aa = merge(a, a);
                g_autoptr(Model) left = merge(ab, c), right = merge(a, bc), again = merge(ab, a);

                g_assert_true(model_equal(ab, ba));
                g_assert_true(model_equal(left, right));
                g_assert_true(model_equal(aa, a));
                g_assert_true(model_equal(again, ab));
                for (guint k = 0; k < a->ops->len; k++) {
                        const ModelOp *o = a->ops->pdata[k], *there = model_find(ab, o);

                        g_assert_nonnull(there);
                        g_assert_cmpuint(there->perms & o->perms, ==, o->perms);
                        g_assert_cmpuint(there->owner_perms & o->owner_perms, ==, o->owner_perms);
                        g_assert_cmpuint(there->count, >=, o->count);
                }
        }
}

static void test_add(void)
{
        g_autoptr(Model) m = model_new();
        ModelOp read = {.kind = MODEL_FILE, .object = (char *)"/a", .perms = PERM_READ, .count = 2};
        ModelOp write = {.kind = MODEL_FILE, .object = (char *)"/a", .owner_perms = PERM_WRITE, .count = MODEL_COUNT_MAX};
        const ModelOp *o;

        g_assert_cmpint(model_add(m, &read), ==, 0);
        g_assert_cmpint(model_add(m, &write), ==, 0);
        g_assert_cmpuint(m->ops->len, ==, 1);
        o = m->ops->pdata[0];
        g_assert_cmpuint(o->perms, ==, PERM_READ);
        g_assert_cmpuint(o->owner_perms, ==, PERM_WRITE);
        g_assert_cmpuint(o->count, ==, MODEL_COUNT_MAX);
}

static void test_refused(void)
{
        g_autofree char *longest = g_strnfill(MODEL_TEXT_BYTES_MAX + 1, '/');
        const ModelOp bad[] = {
                {.kind = _MODEL_KIND_MAX},
                {.kind = MODEL_FILE, .perms = PERM_READ},
                {.kind = MODEL_FILE, .object = (char *)"", .perms = PERM_READ},
                {.kind = MODEL_FILE, .object = (char *)"a", .perms = PERM_READ},
                {.kind = MODEL_FILE, .object = (char *)"/a"},
                {.kind = MODEL_FILE, .object = (char *)"/a", .perms = 16},
                {.kind = MODEL_FILE, .object = longest, .perms = PERM_READ},
                {.kind = MODEL_EXEC, .object = (char *)"/a", .second = (char *)"b"},
                {.kind = MODEL_CAPABILITY},
                {.kind = MODEL_CAPABILITY, .number = 3},
                {.kind = MODEL_SOCKET, .family = 4, .type = UINT64_C(1) << 16},
                {.kind = MODEL_EGRESS, .family = 2},
                {.kind = MODEL_EGRESS, .family = UINT64_C(1) << AF_INET, .address = {1, 2, 3, 4, 5}},
                {.kind = MODEL_EGRESS, .family = UINT64_C(1) << AF_INET, .port = 65536},
                {.kind = MODEL_EGRESS_UNIX, .object = (char *)"a"},
                {.kind = MODEL_SIGNAL, .object = (char *)"a", .number = 65},
                {.kind = MODEL_SYSCALL, .object = (char *)"read\nExecStartPre=/bin/sh"},
                {.kind = MODEL_SYSCALL, .object = (char *)"@system-service"},
                {.kind = MODEL_SYSCALL, .object = (char *)"read", .value = 1},
                {.kind = MODEL_SYSCALL, .object = (char *)"read", .mask = 2, .value = 1},
                {.kind = MODEL_USERNS, .count = (uint64_t)MODEL_COUNT_MAX + 1},
        };
        g_autoptr(Model) m = model_new();
        ModelSource s = {.host = longest}, empty = {.host = (char *)""}, kinds = {.kinds = MODEL_KINDS_ALL + 1};

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_test_message("%zu: %s", i, model_op_check(&bad[i]) ?: "accepted");
                g_assert_cmpint(model_add(m, &bad[i]), ==, -EINVAL);
        }
        g_assert_cmpint(model_add_source(m, &s), ==, -EINVAL);
        g_assert_cmpint(model_add_source(m, &empty), ==, -EINVAL);
        g_assert_cmpint(model_add_source(m, &kinds), ==, -EINVAL);
        g_assert_cmpuint(m->ops->len + m->sources->len, ==, 0);
}

/* A full model refuses what is new, and still counts what it has. */
static void test_full(void)
{
        g_autoptr(Model) m = model_new();
        char path[32] = "";
        ModelOp o = {.kind = MODEL_FILE, .object = path, .perms = PERM_READ, .count = 1};

        for (unsigned i = 0; i < MODEL_OPS_MAX; i++) {
                (void)g_snprintf(path, sizeof(path), "/%u", i);
                g_assert_cmpint(model_add(m, &o), ==, 0);
        }
        g_assert_cmpint(model_add(m, &o), ==, 0);
        g_strlcpy(path, "/new", sizeof(path));
        g_assert_cmpint(model_add(m, &o), ==, -E2BIG);
        g_assert_cmpuint(m->ops->len, ==, MODEL_OPS_MAX);
}

/* What a model takes in can be read again from its file, be it as long as it may and nothing but bytes that need an escape. */
static void test_longest(void)
{
        g_autoptr(Model) m = model_new(), back = NULL;
        g_autoptr(Diag) d = diag_new();
        g_autofree char *text = NULL;
        const size_t size = MODEL_TEXTS_BYTES_MAX / MODEL_OPS_MAX;
        unsigned n = 0;

        for (;; n++) {
                g_autofree char *path = g_strdup_printf("/%05u%0*u", n, (int)size - 6, 0);
                const ModelOp o = {.kind = MODEL_FILE, .object = path, .perms = PERM_ALL, .owner_perms = PERM_ALL, .count = MODEL_COUNT_MAX};

                memset(path + 6, 0xff, size - 6);
                if (model_add(m, &o) < 0)
                        break;
        }
        g_assert_cmpuint(n, ==, MODEL_OPS_MAX);
        model_seal(m);
        text = model_to_json(m);
        g_assert_cmpuint(strlen(text), <=, MODEL_JSON_BYTES_MAX);
        g_assert_cmpint(model_from_json(text, strlen(text), "x.json", &back, d), ==, 0);
        g_assert_true(model_equal(m, back));
}

static void test_complete(void)
{
        g_autoptr(Model) m = model_new();
        ModelSource all = {.kinds = MODEL_KINDS_ALL}, losing = {.kinds = MODEL_KINDS_ALL, .lost[MODEL_FILE] = 3, .started_usec = 1};

        g_assert_false(model_is_complete(m));
        g_assert_cmpint(model_add_source(m, &all), ==, 0);
        g_assert_true(model_is_complete(m));
        g_assert_cmpint(model_add_source(m, &losing), ==, 0);
        g_assert_false(model_is_complete(m));
        g_assert_cmpuint(model_lost(m, MODEL_FILE), ==, 3);
        g_assert_cmpuint(model_lost(m, MODEL_EXEC), ==, 0);
}

static void count_diff(const ModelOp *before, const ModelOp *after, void *userdata)
{
        unsigned *n = userdata;

        n[before && after ? 2 : after ? 1 : 0]++;
}

static void test_diff(void)
{
        g_autoptr(Model) a = model_new(), b = model_new();
        ModelOp same = {.kind = MODEL_USERNS, .count = 1}, gone = {.kind = MODEL_CAPABILITY, .number = 1};
        ModelOp file = {.kind = MODEL_FILE, .object = (char *)"/a", .perms = PERM_READ}, came = {.kind = MODEL_CAPABILITY, .number = 2};
        unsigned n[3] = {0};

        (void)model_add(a, &same);
        (void)model_add(a, &gone);
        (void)model_add(a, &file);
        same.count = 7;
        file.perms = PERM_WRITE;
        (void)model_add(b, &same);
        (void)model_add(b, &came);
        (void)model_add(b, &file);
        model_seal(a);
        model_seal(b);
        model_diff(a, b, count_diff, n);
        g_assert_cmpuint(n[0], ==, 1);
        g_assert_cmpuint(n[1], ==, 1);
        g_assert_cmpuint(n[2], ==, 1);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------------------- */

static void say(const Diag *d)
{
        for (guint i = 0; i < d->messages->len; i++) {
                g_autofree char *s = diag_message_format(d->messages->pdata[i]);

                g_test_message("%s", s);
        }
}

static void test_round_trip(void)
{
        for (unsigned i = 0; i < 300; i++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(1000 + i);
                g_autoptr(Model) m = random_model(rand, 100), back = NULL;
                g_autoptr(Diag) d = diag_new();
                g_autofree char *text = model_to_json(m), *again = NULL;
                int r = model_from_json(text, strlen(text), "test", &back, d);

                say(d);
                g_assert_cmpint(r, ==, 0);
                g_assert_true(model_equal(m, back));
                again = model_to_json(back);
                g_assert_cmpstr(text, ==, again);
        }
}

/* One byte changed, or the end missing: never accepted as another model. */
static void test_damage(void)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(7);
        g_autoptr(Model) m = random_model(rand, 100);
        g_autofree char *text = model_to_json(m);
        size_t size = strlen(text);

        for (unsigned i = 0; i < 2000; i++) {
                g_autoptr(Model) back = NULL;
                g_autoptr(Diag) d = diag_new();
                g_autofree char *bad = g_memdup2(text, size + 1);
                size_t at = (size_t)g_rand_int_range(rand, 0, (gint32)size), n = i % 4 == 0 ? at : size;
                int r;

                bad[at] = (char)g_rand_int_range(rand, 1, 256);
                r = model_from_json(bad, n, "test", &back, d);
                if (r == 0)
                        g_assert_true(model_equal(m, back));
                else
                        g_assert_cmpuint(d->n_errors, >, 0);
        }
}

#define HEAD "{\"format\": \"varmor-model\", \"version\": 1, \"sources\": [], \"ops\": "

static void test_bad_json(void)
{
        static const struct {
                const char *text, *says;
        } bad[] = {
                {"", "ends early"}, {"{", "ends early"}, {"{\n  x", "t:2:3"}, {"[]", "the file: found array"},
                {"{}", "format: found nothing"}, {"{\"format\": \"other\", \"version\": 1}", "format: expected"},
                {"{\"format\": \"varmor-model\", \"version\": 2}", "version: found 2"},
                {HEAD "{\"file\": [{\"path\": \"/a\", \"access\": [\"read\"]}, {\"path\": 3}]}}", "ops.file[1].path: found int"},
                {HEAD "{\"file\": [{\"path\": \"/a\", \"access\": [\"r\"]}]}}", "ops.file[0].access[0]: the word 'r' is not known"},
                {HEAD "{\"file\": [{\"path\": \"/a\\\\q\", \"access\": [\"read\"]}]}}", "ops.file[0].path: a text whose backslash"},
                {HEAD "{\"file\": [{\"path\": \"/a\\u0000\", \"access\": [\"read\"]}]}}", "ops.file[0].path"},
                {HEAD "{\"file\": [{\"path\": \"/a\"}]}}", "ops.file[0]: there is no access"},
                {HEAD "{\"file\": [{\"path\": \"/a\", \"access\": [\"read\"]}, {\"path\": \"/a\", \"access\": [\"write\"]}]}}", "twice"},
                {HEAD "{\"file\": [{\"path\": \"/a\", \"acess\": [\"read\"]}]}}", "ops.file[0].acess: is not known"},
                {HEAD "{\"what\": []}}", "ops.what: is not known"},
                {HEAD "{\"capability\": [{\"name\": \"all\"}]}}", "the word 'all'"},
                {HEAD "{\"capability\": [{\"name\": 64}]}}", "out of range"},
                {HEAD "{\"egress\": [{\"family\": \"inet\", \"address\": \"::1\"}]}}", "no address of the family"},
                {HEAD "{\"userns\": [{\"count\": -1}]}}", "ops.userns[0].count: a number out of range"},
                {HEAD "{}, \"complete\": true}", "complete: the sources say otherwise"},
                {HEAD "{}, \"digest\": \"00\"}", "digest: "},
                {HEAD "{}} x", "t:1:68: error: unexpected character"},
                {HEAD "{\"file\": [[[[[[[[[[[]]]]]]]]]]]}}", "nesting"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(Model) m = NULL;
                g_autoptr(Diag) d = diag_new();
                g_autofree char *line = NULL;

                g_assert_cmpint(model_from_json(bad[i].text, strlen(bad[i].text), "t", &m, d), ==, -EBADMSG);
                g_assert_null(m);
                g_assert_cmpuint(d->messages->len, >, 0);
                line = diag_message_format(d->messages->pdata[0]);
                g_test_message("%s", line);
                g_assert_nonnull(strstr(line, bad[i].says));
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/model/merge", test_merge);
        g_test_add_func("/model/add", test_add);
        g_test_add_func("/model/refused", test_refused);
        g_test_add_func("/model/full", test_full);
        g_test_add_func("/model/longest", test_longest);
        g_test_add_func("/model/complete", test_complete);
        g_test_add_func("/model/diff", test_diff);
        g_test_add_func("/model/json/round-trip", test_round_trip);
        g_test_add_func("/model/json/damage", test_damage);
        g_test_add_func("/model/json/bad", test_bad_json);
        return g_test_run();
}
