/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which cgroups a target stands for: the patterns are compiled and compared with paths, so that the test is about meaning. */

#include <errno.h>
#include <string.h>

#include "bpf/table.h"
#include "bpf/targets.h"
#include "target.h"
#include "unit-facts.h"

static char *essential[] = {"init.scope", "dbus.service", "ssh.service", "sshd.service", "ssh@*.service", "varmord.service",
                            "user@0.service", NULL};

static char *fake_alias(const char *unit, void *userdata)
{
        if (strcmp(unit, "secure-shell.service") == 0)
                return g_strdup("ssh.service");
        if (strcmp(unit, "web.service") == 0)
                return g_strdup("nginx.service");
        return NULL;
}

typedef struct Case {
        TargetKind kind;
        const char *name, *slice;
        bool force;
        const char *in[8], *out[8];
} Case;

static void check_paths(const TargetPatterns *p, const Case *c)
{
        TargetsEntry e = {.policy = 7, .patterns = p->patterns, .except = p->except, .name = "p"};
        g_autoptr(GBytes) bytes = NULL;
        g_autoptr(Diag) d = diag_new();
        const struct va_table *t;
        gsize size;

        g_assert_cmpint(targets_compile(&e, 1, &bytes, d), ==, 0);
        t = g_bytes_get_data(bytes, &size);
        g_assert_cmpint(table_validate(t, size, TABLE_TARGETS), ==, 0);
        for (size_t i = 0; c->in[i]; i++) {
                g_test_message("%s must cover %s", c->name, c->in[i]);
                g_assert_nonnull(table_match_cover(t, c->in[i]));
                g_assert_cmpuint(table_match_cover(t, c->in[i])->slot[0], ==, 7);
        }
        for (size_t i = 0; c->out[i]; i++) {
                g_test_message("%s must not cover %s", c->name, c->out[i]);
                g_assert_null(table_match_cover(t, c->out[i]));
        }
}

static void test_meaning(void)
{
        static const Case cases[] = {
                {TARGET_SERVICE, "nginx.service", NULL, false,
                 {"/nginx.service", "/system.slice/nginx.service", "/system.slice/nginx.service/worker",
                  "/a.slice/a-b.slice/a-b-c.slice/nginx.service"},
                 {"/system.slice", "/system.slice/nginx.service2", "/system.slice/xnginx.service", "/user/nginx.service",
                  "/user.slice/user-1000.slice/user@1000.service/app.slice/nginx.service"}},
                {TARGET_SERVICE, "nginx", NULL, false, {"/system.slice/nginx.service"}, {"/system.slice/nginx"}},
                {TARGET_SERVICE, "worker@*.service", NULL, false,
                 {"/system.slice/system-worker.slice/worker@1.service", "/worker@a.service/sub"},
                 {"/system.slice/worker.service", "/system.slice/worker@x/y.service"}},
                {TARGET_SERVICE, "*.service", NULL, false,
                 {"/system.slice/nginx.service", "/system.slice/_memory.service",
                  "/user.slice/user-1000.slice/user@1000.service"},
                 {"/system.slice/dbus.service", "/system.slice/ssh.service", "/system.slice/system-ssh.slice/ssh@7.service",
                  "/system.slice/varmord.service", "/user.slice/user-0.slice/user@0.service", "/init.scope"}},
                {TARGET_SERVICE, "*.service", NULL, true, {"/system.slice/dbus.service"}, {"/init.scope"}},
                {TARGET_SERVICE, "memory.service", NULL, false, {"/system.slice/_memory.service"}, {"/system.slice/memory.service"}},
                {TARGET_SERVICE, "foo\\x2dbar.service", NULL, false, {"/system.slice/foo\\x2dbar.service"},
                 {"/system.slice/foox2dbar.service"}},
                {TARGET_SERVICE, "web.service", NULL, false, {"/system.slice/web.service", "/system.slice/nginx.service"}, {0}},
                {TARGET_SERVICE, "nginx.service", "system.slice", false, {"/system.slice/nginx.service",
                 "/system.slice/system-x.slice/nginx.service"}, {"/nginx.service", "/other.slice/nginx.service"}},
                {TARGET_SCOPE, "session-*.scope", NULL, false, {"/user.slice/user-1.slice/session-3.scope"}, {"/init.scope"}},
                {TARGET_SLICE, "app-web.slice", NULL, false, {"/app.slice/app-web.slice", "/app.slice/app-web.slice/x.service/y"},
                 {"/app-web.slice", "/app.slice"}},
                {TARGET_SLICE, "system.slice", NULL, false, {"/system.slice", "/system.slice/nginx.service"},
                 {"/system.slice/dbus.service", "/system.slice/ssh.service/x", "/user.slice"}},
                {TARGET_SLICE, "-.slice", NULL, false, {"/", "/anything"}, {"/init.scope", "/system.slice/varmord.service"}},
                {TARGET_SLICE, "app-*.slice", NULL, false, {"/app.slice/app-a.slice/x"}, {"/app.slice"}},
                {TARGET_CGROUP, "machine/box", NULL, false, {"/machine/box", "/machine/box/init"}, {"/machine", "/machine/box2"}},
                {TARGET_CGROUP, "/machine/*", NULL, false, {"/machine/a/b"}, {"/machine"}},
                {TARGET_CGROUP, "/system.slice/x", "system.slice", false, {"/system.slice/x"}, {"/x"}},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const Case *c = &cases[i];
                const TargetSpec t = {.kind = c->kind, .name = (char *)c->name, .force = c->force};
                const TargetParams params = {.essential = essential, .alias = fake_alias};
                g_auto(TargetPatterns) p = {0};
                g_autoptr(Diag) d = diag_new();

                g_assert_cmpint(target_patterns(&t, c->slice, &params, &p, d), ==, 0);
                g_assert_cmpuint(d->n_errors, ==, 0);
                check_paths(&p, c);
        }
}

/* Containers are what the engine's hook has registered, whatever the policy's target says of them. */
static void test_containers(void)
{
        char *selected[] = {(char *)"/machine.slice/libpod-a.scope", (char *)"/other.slice/libpod-b.scope", NULL};
        const TargetSpec t = {.kind = TARGET_CONTAINER, .name = (char *)"web"};
        const TargetParams params = {.essential = essential, .selected = selected}, none = {.essential = essential};
        g_auto(TargetPatterns) all = {0}, some = {0}, nothing = {0};
        g_autoptr(Diag) d = diag_new();

        g_assert_cmpint(target_patterns(&t, NULL, &params, &all, d), ==, 0);
        g_assert_cmpuint(g_strv_length(all.patterns), ==, 2);
        g_assert_cmpstr(all.patterns[0], ==, "/machine.slice/libpod-a.scope/**");
        g_assert_null(all.except);
        g_assert_cmpint(target_patterns(&t, "other.slice", &params, &some, d), ==, 0);
        g_assert_cmpuint(g_strv_length(some.patterns), ==, 1);
        g_assert_cmpint(target_patterns(&t, NULL, &none, &nothing, d), ==, 0);
        g_assert_cmpuint(g_strv_length(nothing.patterns), ==, 0);
}

static void test_refused(void)
{
        static const struct {
                TargetKind kind;
                const char *name, *slice, *code;
        } cases[] = {
                {TARGET_SERVICE, "dbus.service", NULL, "essential-unit"},
                {TARGET_SERVICE, "dbus", NULL, "essential-unit"},
                {TARGET_SERVICE, "secure-shell.service", NULL, "essential-unit"},
                {TARGET_SERVICE, "ssh@1.service", NULL, "essential-unit"},
                {TARGET_SCOPE, "init.scope", NULL, "essential-unit"},
                {TARGET_CGROUP, "/init.scope", NULL, "essential-unit"},
                {TARGET_CGROUP, "/system.slice/varmord.service/x", NULL, "essential-unit"},
                {TARGET_SERVICE, "a/b.service", NULL, "bad-target"},
                {TARGET_SLICE, "web.service", NULL, "bad-target"},
                {TARGET_SLICE, "a--b.slice", NULL, "bad-target"},
                {TARGET_CGROUP, "/a/../b", NULL, "bad-target"},
                {TARGET_CGROUP, "a//b", NULL, "bad-target"},
                {TARGET_CGROUP, "/user.slice/x", "system.slice", "outside-namespace"},
                {TARGET_CGROUP, "/system.slice2", "system.slice", "outside-namespace"},
                {TARGET_SLICE, "user.slice", "system.slice", "outside-namespace"},
                {TARGET_SERVICE, "a.service", "system", "bad-namespace"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const TargetSpec t = {.kind = cases[i].kind, .name = (char *)cases[i].name};
                const TargetParams params = {.essential = essential, .alias = fake_alias};
                g_auto(TargetPatterns) p = {0};
                g_autoptr(Diag) d = diag_new();

                g_test_message("%s in %s", cases[i].name, cases[i].slice ? cases[i].slice : "the host");
                g_assert_cmpint(target_patterns(&t, cases[i].slice, &params, &p, d), <, 0);
                g_assert_cmpuint(d->messages->len, ==, 1);
                g_assert_cmpstr(((DiagMessage *)d->messages->pdata[0])->code, ==, cases[i].code);
        }
}

static void test_units(void)
{
        static const struct {
                const char *path, *unit;
        } cases[] = {
                {"/", ""},
                {"/system.slice/nginx.service", "nginx.service"},
                {"/system.slice/nginx.service/sub/x.service", "nginx.service"},
                {"/system.slice/_memory.service", "memory.service"},
                {"/user.slice/user-1000.slice/user@1000.service/app.slice/a.service", "user@1000.service"},
                {"/user.slice/user-1000.slice", "user-1000.slice"},
                {"/user.slice/user-1000.slice/session-1.scope", "session-1.scope"},
                {"/machine/box", ""},
                {"/app.slice/plain", "app.slice"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *unit = cgroup_to_unit(cases[i].path);

                g_assert_cmpstr(unit, ==, cases[i].unit);
        }
}

static SelectorTerm *term(const char *key, SelectorOperator op, const char *value)
{
        SelectorTerm *t = g_new0(SelectorTerm, 1);

        t->key = g_strdup(key);
        t->op = op;
        t->values = g_new0(char *, 2);
        t->values[0] = g_strdup(value);
        return t;
}

static void add_fact(UnitFacts *f, const char *name, const char *cgroup, const char *user)
{
        UnitFact *fact = unit_fact_new(name);

        fact->cgroup = g_strdup(cgroup);
        if (user)
                unit_fact_add_value(fact, "User", user);
        g_hash_table_insert(f->units, fact->name, fact);
}

static void test_selector(void)
{
        static const struct {
                SelectorOperator op;
                const char *value;
                const char *paths;
        } cases[] = {
                {SELECTOR_IN, "www", "/s/a.service"},
                {SELECTOR_NOT_IN, "www", "/s/b.service /s/c.service"},
                {SELECTOR_EXISTS, NULL, "/s/a.service /s/b.service"},
                {SELECTOR_DOES_NOT_EXIST, NULL, "/s/c.service"},
        };
        g_autoptr(UnitFacts) f = unit_facts_new();

        add_fact(f, "a.service", "/s/a.service", "www");
        add_fact(f, "b.service", "/s/b.service", "other");
        add_fact(f, "c.service", "/s/c.service", NULL);
        add_fact(f, "d.service", NULL, "www");
        add_fact(f, "a.scope", "/s/a.scope", "www");
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GPtrArray) terms = g_ptr_array_new_with_free_func((GDestroyNotify)selector_term_free);
                const TargetSpec t = {.kind = TARGET_SERVICE, .selector = terms};
                g_auto(GStrv) unknown = NULL, paths = NULL;
                g_autofree char *joined = NULL;

                g_ptr_array_add(terms, term("User", cases[i].op, cases[i].value));
                /* NotIn must not match everything while nobody has been asked. */
                g_clear_pointer(&f->known, g_strfreev);
                unknown = unit_facts_select(f, &t);
                g_assert_cmpuint(g_strv_length(unknown), ==, 0);
                f->known = g_strsplit("User", " ", 0);
                paths = unit_facts_select(f, &t);
                joined = g_strjoinv(" ", paths);
                g_assert_cmpstr(joined, ==, cases[i].paths);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/target/meaning", test_meaning);
        g_test_add_func("/target/containers", test_containers);
        g_test_add_func("/target/refused", test_refused);
        g_test_add_func("/target/units", test_units);
        g_test_add_func("/target/selector", test_selector);
        return g_test_run();
}
