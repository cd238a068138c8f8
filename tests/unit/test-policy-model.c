/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policies that are made from models: no model, a damaged one, one that is not complete, one that changes; and the language for it. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "policy-load.h"
#include "policy-model.h"
#include "tree.h"

#define MODEL "var/lib/varmor/models/web.json"
#define KINDS                                                                                                                       \
        "\"kinds\": [\"exec\", \"file\", \"capability\", \"socket\", \"egress\", \"ingress\", \"egress-unix\", \"ingress-unix\", "  \
        "\"ptrace\", \"signal\", \"mount\", \"bpf\", \"userns\", \"named\", \"syscall\"]"

typedef struct Fixture {
        char *root;
        bool set_aside;
        LoadResult *result;
} Fixture;

static void setup(Fixture *f, gconstpointer data)
{
        static const char *const shipped[] = {"generalise.yaml", "essential.yaml", "rules.d/base.yaml", NULL};

        f->root = tree_new();
        f->set_aside = true;
        for (const char *const *name = shipped; *name; name++) {
                g_autofree char *from = g_test_build_filename(G_TEST_DIST, "../../conf", *name, NULL);
                g_autofree char *to = g_strconcat("usr/lib/varmor/", *name, NULL), *text = NULL;

                g_assert_true(g_file_get_contents(from, &text, NULL, NULL));
                tree_write(f->root, to, text);
        }
}

static void teardown(Fixture *f, gconstpointer data)
{
        load_result_free(f->result);
        tree_free(f->root);
}

static void write_policy_for(Fixture *f, const char *enforcer, const char *target, const char *depth)
{
        g_autofree char *text = g_strdup_printf("apiVersion: crd.varmor.org/v1beta1\n"
                                                "kind: VarmorClusterPolicy\n"
                                                "metadata: {name: web}\n"
                                                "spec:\n"
                                                "  target: {kind: Service, name: \"%s\"}\n"
                                                "  policy:\n"
                                                "    enforcer: %s\n"
                                                "    mode: DefenseInDepth\n"
                                                "    defenseInDepth:\n"
                                                "      appArmor: {profileType: BehaviorModel}\n"
                                                "      bpf: {profileType: BehaviorModel}\n"
                                                "      seccomp: {profileType: BehaviorModel}\n%s",
                                                target, enforcer, depth);

        tree_write(f->root, "etc/varmor/policies.d/web.yaml", text);
}

static void write_policy(Fixture *f, const char *target, const char *depth)
{
        write_policy_for(f, "AppArmorBPFSeccomp", target, depth);
}

static void write_model(Fixture *f, const char *source, const char *path)
{
        g_autofree char *text = g_strdup_printf("{\"format\": \"varmor-model\", \"version\": 1, \"sources\": [{\"host\": \"h\", %s}], \"ops\": {\n"
                                                "\"exec\": [{\"path\": \"/usr/sbin/web\"}],\n"
                                                "\"file\": [{\"path\": \"%s\", \"access\": [\"read\"]}],\n"
                                                "\"syscall\": [{\"name\": \"read\"}]}}\n",
                                                source, path);

        tree_write(f->root, MODEL, text);
}

/* The first and only policy. */
static const LoadedPolicy *load(Fixture *f)
{
        g_auto(PolicyModels) models = {.roots = {.root = f->root, .owner = geteuid()}, .set_aside = f->set_aside};
        LoadParams params = {.roots = models.roots, .model = policy_models_fill, .model_userdata = &models};
        const LoadedPolicy *l;

        for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                params.can[k] = (EnforcerAbility){.kinds = UINT32_MAX, .modes = UINT32_MAX};
        load_result_free(f->result);
        f->result = policy_load_all(&params);
        g_assert_cmpuint(f->result->policies->len, ==, 1);
        l = f->result->policies->pdata[0];
        for (guint i = 0; i < l->diag->messages->len; i++) {
                g_autofree char *text = diag_message_format(l->diag->messages->pdata[i]);

                g_test_message("%s", text);
        }
        return l;
}

static bool says(const LoadedPolicy *l, const char *code, const char *text)
{
        for (guint i = 0; i < l->diag->messages->len; i++) {
                const DiagMessage *m = l->diag->messages->pdata[i];

                if (strcmp(m->code, code) == 0 && strstr(m->text, text))
                        return true;
        }
        return false;
}

static bool exists(const Fixture *f, const char *name)
{
        g_autofree char *path = g_build_filename(f->root, name, NULL);

        return g_file_test(path, G_FILE_TEST_EXISTS);
}

static bool allows_file(const Policy *p, const char *pattern)
{
        for (guint i = 0; i < p->rules->len; i++) {
                const Rule *r = p->rules->pdata[i];

                if (r->kind == OP_FILE && r->qualifiers == RULE_ALLOW && g_strv_contains((const char *const *)r->file.patterns, pattern))
                        return true;
        }
        return false;
}

/* ---- cases ----------------------------------------------------------------------------------------------------------------------- */

static void test_good(Fixture *f, gconstpointer data)
{
        const LoadedPolicy *l;
        const Policy *p;

        write_policy(f, "web.service", "");
        write_model(f, KINDS, "/etc/web.conf");
        l = load(f);
        p = l->policy;
        g_assert_nonnull(p);
        g_assert_cmpuint(l->diag->n_warnings, ==, 0);
        g_assert_true(allows_file(p, "/etc/web.conf"));
        g_assert_nonnull(strstr(p->depth[ENFORCER_APPARMOR].text, "\"/etc/web.conf{,/}\" rk,"));
        g_assert_cmpint(p->depth[ENFORCER_SECCOMP].action, ==, SYSCALL_ERRNO);
        g_assert_true(policy_lists_syscalls(p));
        g_assert_cmpuint(p->depth[ENFORCER_BPF].classes, ==, (uint32_t)words_find(op_class_words, "all"));
        g_assert_cmpint(((const Rule *)p->rules->pdata[p->rules->len - 1])->origin, ==, RULE_BASE);
}

static void test_missing(Fixture *f, gconstpointer data)
{
        const LoadedPolicy *l;

        write_policy(f, "web.service", "");
        l = load(f);
        g_assert_null(l->policy);
        g_assert_true(says(l, "no-model", "/var/lib/varmor/models/web.json"));
        g_assert_true(says(l, "no-model", "varmorctl mode web BehaviorModeling"));
        g_assert_cmpstr(l->full_name, ==, "web"); /* so that the version in force can stay */
}

static void test_damaged(Fixture *f, gconstpointer data)
{
        const LoadedPolicy *l;

        write_policy(f, "web.service", "");
        tree_write(f->root, MODEL, "{\"format\": \"varmor-model\", \"version\": 1, \"sources\": [], \"ops\": {\"file\": [{\"path\": 1}]}}");

        /* Who only looks changes nothing. */
        f->set_aside = false;
        l = load(f);
        g_assert_null(l->policy);
        g_assert_true(says(l, "bad-model", "ops.file[0].path"));
        g_assert_true(exists(f, MODEL));

        f->set_aside = true;
        l = load(f);
        g_assert_null(l->policy);
        g_assert_true(says(l, "bad-model", "put aside as /var/lib/varmor/models/web.json+damaged"));
        g_assert_false(exists(f, MODEL));
        g_assert_true(exists(f, MODEL "+damaged"));

        l = load(f);
        g_assert_null(l->policy);
        g_assert_true(says(l, "no-model", "a damaged one stands beside it"));

        write_model(f, KINDS, "/etc/web.conf");
        g_assert_nonnull(load(f)->policy);
}

static void test_digest(Fixture *f, gconstpointer data)
{
        const LoadedPolicy *l;

        write_policy(f, "web.service", "");
        tree_write(f->root, MODEL, "{\"format\": \"varmor-model\", \"version\": 1, \"sources\": [], \"ops\": {}, \"digest\": \"00\"}");
        l = load(f);
        g_assert_null(l->policy);
        g_assert_true(says(l, "bad-model", "digest"));
}

static void test_incomplete(Fixture *f, gconstpointer data)
{
        const LoadedPolicy *l;

        write_policy(f, "web.service", "");
        write_model(f, KINDS ", \"lost\": {\"file\": 12, \"exec\": 1}", "/etc/web.conf");
        l = load(f);
        g_assert_nonnull(l->policy);
        g_assert_true(says(l, "incomplete-model", "lost: 1 exec, 12 file"));

        write_model(f, "\"kinds\": [\"exec\", \"file\", \"syscall\"]", "/etc/web.conf");
        l = load(f);
        g_assert_nonnull(l->policy);
        g_assert_true(says(l, "incomplete-model", "not looked for in each recording: capability, socket,"));
        g_assert_false(says(l, "incomplete-model", "lost"));
}

static void test_changed(Fixture *f, gconstpointer data)
{
        g_autofree char *digest = NULL;
        const Policy *p;

        write_policy(f, "web.service", "");
        write_model(f, KINDS, "/etc/a");
        digest = g_strdup(load(f)->policy->digest);
        g_assert_cmpstr(load(f)->policy->digest, ==, digest);
        write_model(f, KINDS, "/etc/b");
        p = load(f)->policy;
        g_assert_cmpstr(p->digest, !=, digest);
        g_assert_true(allows_file(p, "/etc/b"));
        g_assert_false(allows_file(p, "/etc/a"));
}

static void test_strictness(Fixture *f, gconstpointer data)
{
        static const char *const expected[] = {
                [STRICTNESS_STRICT] = "/usr/lib/libx.so.1/4711-x", [STRICTNESS_NORMAL] = "/usr/lib/libx.so.[0-9]*/4711-x", [STRICTNESS_LOOSE] = NULL};

        for (int s = 0; s < _STRICTNESS_MAX; s++) {
                g_autofree char *depth = g_strdup_printf("      strictness: %s\n", strictness_to_string((Strictness)s));
                const Policy *p;

                write_policy(f, "web.service", depth);
                write_model(f, KINDS, "/usr/lib/libx.so.1/4711-x");
                p = load(f)->policy;
                g_assert_nonnull(p);
                g_assert_cmpint(p->strictness, ==, s);
                g_assert_true(!expected[s] || allows_file(p, expected[s]));
        }
}

/* What was recorded is where the kernel found it: a symlink that stands there since then leads nowhere. */
static void test_symlink(Fixture *f, gconstpointer data)
{
        g_autofree char *link = g_build_filename(f->root, "link", NULL), *path = g_strconcat(link, "/file", NULL);
        g_autofree char *target = g_build_filename(f->root, "target", NULL), *led = g_strconcat(target, "/file", NULL);
        const Policy *p;

        tree_link(f->root, "link", target);
        write_policy(f, "web.service", "");
        write_model(f, KINDS, path);
        p = load(f)->policy;
        g_assert_nonnull(p);
        for (guint i = 0; i < p->rules->len; i++) {
                const Rule *r = p->rules->pdata[i];

                g_assert_false(r->kind == OP_FILE && g_strv_contains((const char *const *)r->file.patterns, led));
        }
        g_assert_null(strstr(p->depth[ENFORCER_APPARMOR].text, led));
}

/* A model of one instance, for a policy for all of them. */
static void test_instance(Fixture *f, gconstpointer data)
{
        write_policy(f, "worker@*.service", "");
        write_model(f, "\"unit\": \"worker@anna.service\", " KINDS, "/srv/anna/data");
        g_assert_false(allows_file(load(f)->policy, "/srv/anna/data"));
        write_policy(f, "worker@anna.service", "");
        g_assert_true(allows_file(load(f)->policy, "/srv/anna/data"));
}

static void test_nothing_to_start(Fixture *f, gconstpointer data)
{
        const LoadedPolicy *l;

        write_policy(f, "web.service", "");
        tree_write(f->root, MODEL, "{\"format\": \"varmor-model\", \"version\": 1, \"sources\": [], \"ops\": {}}");
        l = load(f);
        g_assert_null(l->policy);
        g_assert_true(says(l, "bad-model", "no system calls"));
        g_assert_true(says(l, "bad-model", "nothing that is executed"));
}

/* Recorded while it ran: what starting takes is not there. */
static void test_unstarted(Fixture *f, gconstpointer data)
{
        const LoadedPolicy *l;

        write_policy_for(f, "Seccomp", "web.service", "");
        tree_write(f->root, MODEL,
                   "{\"format\": \"varmor-model\", \"version\": 1, \"sources\": [{\"host\": \"h\", " KINDS "}], \"ops\": {\"syscall\": [{\"name\": \"read\"}]}}");
        l = load(f);
        g_assert_nonnull(l->policy);
        g_assert_true(says(l, "no-start", "the start of the workload was not recorded"));

        write_model(f, KINDS, "/etc/a");
        g_assert_false(says(load(f), "no-start", ""));
}

static bool allows_call(const Policy *p, const char *name)
{
        for (guint i = 0; i < p->rules->len; i++) {
                const Rule *r = p->rules->pdata[i];

                if (r->kind == OP_SYSCALL && r->qualifiers == RULE_ALLOW && g_strv_contains((const char *const *)r->syscall.names, name))
                        return true;
        }
        return false;
}

/* What a container's runtime does after the filter is in force; a service has none. */
static void test_runtime(Fixture *f, gconstpointer data)
{
        g_autofree char *text = NULL, *path = g_build_filename(f->root, "etc/varmor/policies.d/web.yaml", NULL);
        g_autoptr(GString) s = NULL;

        write_model(f, KINDS, "/etc/a");
        write_policy(f, "web.service", "");
        g_assert_true(allows_call(load(f)->policy, "read"));
        g_assert_false(allows_call(load(f)->policy, "setresgid"));

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        s = g_string_new(text);
        g_assert_cmpuint(g_string_replace(s, "kind: Service", "kind: Container", 0), ==, 1);
        tree_write(f->root, "etc/varmor/policies.d/web.yaml", s->str);
        g_assert_true(allows_call(load(f)->policy, "setresgid"));
        g_assert_true(allows_call(load(f)->policy, "ioctl"));
        g_assert_false(allows_call(load(f)->policy, "mount"));
}

static void test_rules_missing(Fixture *f, gconstpointer data)
{
        const LoadedPolicy *l;

        write_policy(f, "web.service", "");
        write_model(f, KINDS, "/etc/a");
        tree_remove(f->root, "usr/lib/varmor/generalise.yaml");
        l = load(f);
        g_assert_null(l->policy);
        g_assert_true(says(l, "bad-rules", "generalise.yaml is missing"));

        /* The administrator's own. */
        tree_write(f->root, "etc/varmor/generalise.yaml",
                   "rules: [{id: all, strictness: strict, match: '^a$', pattern: '?', why: a test, examples: [{path: /etc/a, becomes: '/etc/?'}]}]\nkeep: [/]\n");
        g_assert_true(allows_file(load(f)->policy, "/etc/?"));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add("/policy-model/" name, Fixture, NULL, setup, function, teardown)
        ADD("good", test_good);
        ADD("missing", test_missing);
        ADD("damaged", test_damaged);
        ADD("digest", test_digest);
        ADD("incomplete", test_incomplete);
        ADD("changed", test_changed);
        ADD("strictness", test_strictness);
        ADD("symlink", test_symlink);
        ADD("instance", test_instance);
        ADD("nothing-to-start", test_nothing_to_start);
        ADD("unstarted", test_unstarted);
        ADD("runtime", test_runtime);
        ADD("rules-missing", test_rules_missing);
        return g_test_run();
}
