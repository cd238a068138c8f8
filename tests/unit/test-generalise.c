/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Generalising: the examples of the rules, evidence, and that every pattern matches what it stands for. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "generalise.h"
#include "glob-reference.h"
#include "model-sample.h"
#include "pattern.h"

static GeneraliseRules *rules;

static void say(const Diag *d)
{
        for (guint i = 0; i < d->messages->len; i++) {
                g_autofree char *s = diag_message_format(d->messages->pdata[i]);

                g_test_message("%s", s);
        }
}

static GeneraliseRules *load_rules(void)
{
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "../../conf/generalise.yaml", NULL), *text = NULL;
        g_autoptr(Diag) d = diag_new();
        GeneraliseRules *r = NULL;
        gsize size;

        g_assert_true(g_file_get_contents(path, &text, &size, NULL));
        if (generalise_rules_parse(text, size, "generalise.yaml", &r, d) < 0)
                say(d);
        g_assert_nonnull(r);
        g_assert_cmpuint(d->messages->len, ==, 0);
        return r;
}

/* Every rule has an example in which it acts, and each example becomes what it says. */
static void test_examples(void)
{
        for (guint i = 0; i < rules->rules->len; i++) {
                const GeneraliseRule *r = rules->rules->pdata[i];
                const GeneraliseOptions options = {.strictness = r->strictness};
                bool acted = false;

                g_assert_cmpuint(r->examples->len, >, 0);
                for (guint k = 0; k < r->examples->len; k++) {
                        const GeneraliseExample *e = r->examples->pdata[k];
                        g_autoptr(GPtrArray) by = NULL;
                        g_autofree char *pattern = generalise_path(e->path, rules, &options, &by);

                        g_test_message("%s: %s", r->id, e->path);
                        g_assert_cmpstr(pattern, ==, e->becomes);
                        for (guint j = 0; j < by->len; j++)
                                acted |= strcmp(by->pdata[j], r->id) == 0;
                }
                g_assert_true(acted);
        }
}

/* A rule does nothing before its strictness. */
static void test_strictness(void)
{
        const GeneraliseOptions strict = {.strictness = STRICTNESS_STRICT}, normal = {.strictness = STRICTNESS_NORMAL};
        g_autofree char *a = generalise_path("/usr/lib/libc.so.6", rules, &strict, NULL);
        g_autofree char *b = generalise_path("/usr/lib/libc.so.6", rules, &normal, NULL);

        g_assert_cmpstr(a, ==, "/usr/lib/libc.so.6");
        g_assert_cmpstr(b, ==, "/usr/lib/libc.so.[0-9]*");
        for (int i = 0; i < _STRICTNESS_MAX; i++)
                g_assert_cmpint(strictness_from_string(strictness_to_string((Strictness)i)), ==, i);
        g_assert_cmpint(strictness_from_string("x"), <, 0);
}

static void test_instance(void)
{
        const GeneraliseOptions options = {.instance = "blue"};
        g_autofree char *a = generalise_path("/var/lib/worker/blue/blue.db", rules, &options, NULL);
        g_autofree char *b = generalise_path("/var/lib/blueish", rules, &options, NULL);

        g_assert_cmpstr(a, ==, "/var/lib/worker/*/*.db");
        g_assert_cmpstr(b, ==, "/var/lib/blueish");
}

/* ---- properties ---------------------------------------------------------------------------------------------------------------- */

static void check_op(const Model *m, const GeneralOp *g, bool *seen)
{
        g_autofree char *why = g->pattern && *g->pattern == '/' ? pattern_check(g->pattern) : NULL;

        g_assert_cmpstr(why, ==, NULL);
        g_assert_cmpuint(g->originals->len, >, 0);
        for (guint i = 0; i < g->originals->len; i++) {
                guint32 n = g_array_index(g->originals, uint32_t, i);
                const ModelOp *o = m->ops->pdata[n];

                g_assert_false(seen[n]);
                seen[n] = true;
                g_assert_cmpint(o->kind, ==, g->op.kind);
                g_assert_cmpuint(o->perms & ~g->op.perms, ==, 0);
                g_assert_cmpuint(o->owner_perms & ~g->op.owner_perms, ==, 0);
                if (o->kind == MODEL_EGRESS || o->kind == MODEL_INGRESS) {
                        g_assert_true(o->family == g->op.family && o->port >= g->first_port && o->port <= g->last_port);
                        for (unsigned b = 0; b < g->prefix_len; b++)
                                g_assert_cmpuint((o->address[b / 8] ^ g->op.address[b / 8]) >> (7 - b % 8) & 1, ==, 0);
                }
                if (g->pattern && !reference_match(g->pattern, (const uint8_t *)o->object, strlen(o->object))) {
                        g_test_message("%s does not match %s", g->pattern, o->object);
                        g_test_fail();
                }
        }
}

static void test_match(void)
{
        for (unsigned i = 0; i < 300; i++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(i);
                g_autoptr(Model) m = random_model(rand, 120);
                const GeneraliseOptions options = {.strictness = (Strictness)(i % _STRICTNESS_MAX), .siblings = i % 4 * 2};
                g_autoptr(General) g = generalise(m, rules, &options), again = generalise(m, rules, &options);
                g_autofree char *report = general_report(g, rules), *report_again = general_report(again, rules);
                g_autofree bool *seen = g_new0(bool, m->ops->len + 1);

                for (guint k = 0; k < g->ops->len; k++)
                        check_op(m, g->ops->pdata[k], seen);
                for (guint k = 0; k < m->ops->len; k++)
                        g_assert_true(seen[k]);
                g_assert_cmpstr(report, ==, report_again);
        }
}

/* The matcher that keeps bad rules from doing harm agrees with the reference, where there are no braces and no expansions. */
static void test_matcher(void)
{
        for (unsigned i = 0; i < 20000; i++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(i);
                g_autofree char *pattern = random_pattern(rand), *name = NULL;
                g_autoptr(GByteArray) path = random_path(rand, pattern);

                if (*pattern != '/' || strpbrk(pattern, "{}") || strstr(pattern, "//") || strstr(pattern, "\\/") || path->len == 0)
                        continue;
                name = g_strndup((const char *)path->data, path->len);
                if (reference_match(pattern, path->data, path->len) && !strstr(pattern, "**") && !g_str_has_suffix(pattern, "/"))
                        if (!generalise_match(pattern, name)) {
                                g_test_message("%s does not match %s", pattern, name);
                                g_test_fail();
                        }
        }
}

/* ---- evidence ------------------------------------------------------------------------------------------------------------------ */

static Model *files(const char *format, unsigned n, uint64_t perms)
{
        Model *m = model_new();

        for (unsigned i = 0; i < n; i++) {
                g_autofree char *path = g_strdup_printf(format, 'a' + i / 26, 'a' + i % 26);
                ModelOp o = {.kind = MODEL_FILE, .object = path, .perms = perms, .count = 1};

                g_assert_cmpint(model_add(m, &o), ==, 0);
        }
        model_seal(m);
        return m;
}

static guint n_patterns(const char *format, unsigned n, uint64_t perms, Strictness s)
{
        g_autoptr(Model) m = files(format, n, perms);
        const GeneraliseOptions options = {.strictness = s};
        g_autoptr(General) g = generalise(m, rules, &options);

        if (g->ops->len == 1) {
                const GeneralOp *op = g->ops->pdata[0];

                g_assert_cmpuint(op->originals->len, ==, n);
                g_assert_cmpuint(op->op.count, ==, n);
                g_assert_nonnull(strchr(op->pattern, '*'));
        }
        return g->ops->len;
}

static void test_siblings(void)
{
        g_assert_cmpuint(n_patterns("/var/lib/app/%c%c", 12, PERM_READ, STRICTNESS_NORMAL), ==, 1);
        g_assert_cmpuint(n_patterns("/var/lib/app/%c%c", 11, PERM_READ, STRICTNESS_NORMAL), ==, 11);
        g_assert_cmpuint(n_patterns("/var/lib/app/%c%c", 11, PERM_READ, STRICTNESS_LOOSE), ==, 1);
        g_assert_cmpuint(n_patterns("/var/lib/app/%c%c", 100, PERM_READ, STRICTNESS_STRICT), ==, 100);
        g_assert_cmpuint(n_patterns("/var/lib/app/%c/%c/x", 40, PERM_READ, STRICTNESS_LOOSE), <, 40);
        g_assert_cmpuint(n_patterns("/etc/%c%c", 100, PERM_READ, STRICTNESS_LOOSE), ==, 100);
        g_assert_cmpuint(n_patterns("/usr/bin/%c%c", 100, PERM_READ, STRICTNESS_LOOSE), ==, 100);
        g_assert_cmpuint(n_patterns("/srv/app/%c%c", 100, PERM_READ | PERM_EXEC, STRICTNESS_LOOSE), ==, 100);
        g_assert_cmpuint(n_patterns("/home/x/.ssh/%c%c", 100, PERM_READ, STRICTNESS_LOOSE), ==, 100);
}

static General *peers(Model *m, unsigned n, bool ports)
{
        const GeneraliseOptions options = {.siblings = 5};

        for (unsigned i = 0; i < n; i++) {
                ModelOp o = {.kind = MODEL_EGRESS, .family = UINT64_C(1) << AF_INET, .address = {10, 1, 0, ports ? 1 : (uint8_t)(i + 1)},
                             .port = ports ? 40000 + i : 443, .count = 1};

                g_assert_cmpint(model_add(m, &o), ==, 0);
        }
        model_seal(m);
        return generalise(m, rules, &options);
}

static void test_net(void)
{
        g_autoptr(Model) four = model_new(), addresses = model_new(), ports = model_new();
        g_autoptr(General) a = peers(four, 4, false), b = peers(addresses, 6, false), c = peers(ports, 6, true);
        g_autofree char *report = general_report(b, rules);
        const GeneralOp *op;

        g_assert_cmpuint(a->ops->len, ==, 4);
        g_assert_cmpuint(b->ops->len, ==, 1);
        op = b->ops->pdata[0];
        g_assert_cmpuint(op->prefix_len, ==, 29);
        g_assert_cmpuint(op->op.count, ==, 6);
        g_assert_true(g_str_has_prefix(report, "egress 10.1.0.0/29 port 443: 6 by addresses"));
        g_assert_cmpuint(c->ops->len, ==, 1);
        op = c->ops->pdata[0];
        g_assert_cmpuint(op->first_port, ==, 40000);
        g_assert_cmpuint(op->last_port, ==, 40005);
}

/* A port that the kernel chose is another one in the next run; one that the program named is not. */
static void test_chosen(void)
{
        static const struct {
                uint8_t last;
                uint16_t port, first, end;
        } ports[] = {{1, 0, 0, 0}, {1, 80, 80, 80}, {1, 45123, 32768, 60999}, {2, 45123, 45123, 45123}};
        const GeneraliseOptions options = {.strictness = STRICTNESS_STRICT};
        g_autoptr(Model) m = model_new();
        g_autoptr(General) g = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(ports); i++) {
                const ModelOp o = {.kind = MODEL_INGRESS, .family = UINT64_C(1) << AF_INET, .address = {10, 0, 0, ports[i].last}, .port = ports[i].port};

                g_assert_cmpint(model_add(m, &o), ==, 0);
        }
        model_seal(m);
        g = generalise(m, rules, &options);
        g_assert_cmpuint(g->ops->len, ==, G_N_ELEMENTS(ports));
        for (size_t i = 0; i < G_N_ELEMENTS(ports); i++) {
                const GeneralOp *op = g->ops->pdata[i];

                g_assert_cmpuint(op->op.address[3], ==, ports[i].last);
                g_assert_cmpuint(op->first_port, ==, ports[i].first);
                g_assert_cmpuint(op->last_port, ==, ports[i].end);
                g_assert_true(!op->rules == (ports[i].first == ports[i].end));
        }
}

static void test_report(void)
{
        g_autoptr(Model) m = model_new();
        ModelOp a = {.kind = MODEL_FILE, .object = (char *)"/proc/22/stat", .perms = PERM_READ, .count = 1};
        ModelOp b = {.kind = MODEL_FILE, .object = (char *)"/proc/33/stat", .perms = PERM_READ, .count = 4};
        ModelOp c = {.kind = MODEL_FILE, .object = (char *)"/proc/version", .perms = PERM_READ, .count = 4};
        const GeneraliseOptions options = {0};
        g_autoptr(General) g = NULL;
        g_autofree char *report = NULL;

        g_assert_cmpint(model_add(m, &a) | model_add(m, &b) | model_add(m, &c), ==, 0);
        model_seal(m);
        g = generalise(m, rules, &options);
        report = general_report(g, rules);
        g_assert_cmpuint(g->ops->len, ==, 2);
        g_assert_cmpuint(((const GeneralOp *)g->ops->pdata[0])->op.count, ==, 5);
        g_assert_cmpstr(report, ==, "file /proc/[0-9]*/stat: 2 by pid (the number of a process): /proc/22/stat, /proc/33/stat\n");
}

static void test_bad_rules(void)
{
#define RULE(match, pattern) "rules: [{id: a, strictness: strict, match: '" match "', pattern: '" pattern "', why: x, examples: []}]"
        static const struct {
                const char *text, *says;
        } bad[] = {
                {"", "found 0 documents"}, {"rules: 3", "rules"}, {RULE("(", "*"), "no regular expression"}, {RULE("a", "a/b"), "within one component"},
                {RULE("a", "**"), "within one component"}, {RULE("a", "["), "'[' without"}, {"rules: []\nkeep: [tmp]", "from '/' on"},
                {"rules: []\nsiblings: {normal: 1}", "normal"}, {"rules: [{id: a}]", "lacks"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GeneraliseRules) r = NULL;
                g_autoptr(Diag) d = diag_new();
                g_autofree char *line = NULL;

                g_assert_cmpint(generalise_rules_parse(bad[i].text, strlen(bad[i].text), "t", &r, d), ==, -EBADMSG);
                g_assert_null(r);
                line = diag_message_format(d->messages->pdata[0]);
                g_test_message("%s", line);
                g_assert_nonnull(strstr(line, bad[i].says));
        }
}

int main(int argc, char *argv[])
{
        int r;

        g_test_init(&argc, &argv, NULL);
        rules = load_rules();
        g_test_add_func("/generalise/examples", test_examples);
        g_test_add_func("/generalise/strictness", test_strictness);
        g_test_add_func("/generalise/instance", test_instance);
        g_test_add_func("/generalise/match", test_match);
        g_test_add_func("/generalise/matcher", test_matcher);
        g_test_add_func("/generalise/siblings", test_siblings);
        g_test_add_func("/generalise/net", test_net);
        g_test_add_func("/generalise/chosen", test_chosen);
        g_test_add_func("/generalise/report", test_report);
        g_test_add_func("/generalise/bad-rules", test_bad_rules);
        r = g_test_run();
        generalise_rules_free(rules);
        return r;
}
