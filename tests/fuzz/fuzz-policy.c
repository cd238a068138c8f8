/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A policy file through the whole loader: parsed, validated, sealed, compiled, its targets, and no silence about any of it. */

#include <string.h>
#include <unistd.h>

#include "bpf/compile.h"
#include "bpf/table.h"
#include "bpf/targets.h"
#include "fuzz.h"
#include "policy-load.h"
#include "target.h"

static char *no_links(const char *path, void *userdata)
{
        return NULL;
}

static void check_table(GBytes *blob, TableKind kind)
{
        gsize size;
        const void *bytes = g_bytes_get_data(blob, &size);
        g_autofree void *table = size > 0 ? g_memdup2(bytes, size) : NULL;

        FUZZ_CHECK(size == 0 || table_validate(table, size, kind) == 0);
}

static void check_targets(const LoadedPolicy *l, const Settings *s)
{
        const TargetParams params = {.essential = s->essential};
        g_auto(TargetPatterns) patterns = {0};
        g_autoptr(GBytes) table = NULL;
        g_autoptr(Diag) d = diag_new();
        TargetsEntry e;
        int r = target_patterns(&l->policy->target, l->slice, &params, &patterns, d);

        fuzz_check_diag(r, d);
        if (r < 0)
                return;
        e = (TargetsEntry){.patterns = patterns.patterns, .except = patterns.except, .name = l->full_name,
                           .pos = l->policy->target.pos};
        r = targets_compile(&e, 1, &table, d);
        fuzz_check_diag(r, d);
        if (r >= 0)
                check_table(table, TABLE_TARGETS);
}

static void check_policy(const LoadedPolicy *l, const Settings *s)
{
        g_autofree char *dump = policy_dump(l->policy);
        g_autoptr(Profile) p = NULL;
        g_autoptr(Diag) d = diag_new();
        int r;

        FUZZ_CHECK(*dump && l->name && l->full_name && strlen(l->policy->digest) == 64);
        FUZZ_CHECK(l->policy->rules->len <= POLICY_RULES_MAX);
        for (guint i = 0; i < l->policy->rules->len; i++) {
                const Rule *rule = l->policy->rules->pdata[i];
                g_autofree char *summary = rule_summary(rule);

                FUZZ_CHECK(rule->id && *rule->id && *summary);
        }
        r = bpf_compile(l->policy, &p, d);
        fuzz_check_diag(r, d);
        if (r >= 0) {
                FUZZ_CHECK(p->why_not->len == l->policy->rules->len);
                check_table(p->blob, TABLE_POLICY);
        }
        check_targets(l, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const LoadParams params = {
                .roots = {.root = fuzz_root(), .owner = geteuid()},
                .can[ENFORCER_BPF] = {.kinds = BPF_KINDS, .modes = BPF_MODES},
                .readlink = no_links,
        };
        g_autoptr(LoadResult) r = policy_load_text(&params, (const char *)data, size, "/etc/varmor/policies.d/fuzz.yaml");

        FUZZ_CHECK(r->settings && r->catalogue);
        fuzz_check_diag(0, r->diag);
        for (guint i = 0; i < r->policies->len; i++) {
                const LoadedPolicy *l = r->policies->pdata[i];

                if (l->name || l->policy)
                        fuzz_check_diag(l->policy ? 0 : -1, l->diag);
                if (l->policy)
                        check_policy(l, r->settings);
        }
        return 0;
}

/* ---- what is well-formed and too much ------------------------------------------------------------------------------------ */

static GString *policy_head(const char *name)
{
        GString *s = g_string_new(NULL);

        g_string_printf(s,
                        "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorClusterPolicy\nmetadata: {name: %s}\nspec:\n"
                        "  target: {kind: Service, name: web.service}\n  policy:\n    enforcer: BPF\n    mode: EnhanceProtect\n"
                        "    enhanceProtect:\n      privileged: true\n      bpfRawRules:\n        files:\n",
                        name);
        return s;
}

static void add_rule(GString *s, const char *pattern)
{
        g_string_append_printf(s, "          - {pattern: \"%s\", permissions: [read], qualifiers: [deny]}\n", pattern);
}

static GString *policy_with(unsigned n, const char *format)
{
        GString *s = policy_head("many");

        for (unsigned i = 0; i < n; i++) {
                g_autofree char *pattern = g_strdup_printf(format, i, i);

                add_rule(s, pattern);
        }
        return s;
}

/* @unit, @n times. */
static GString *policy_repeated(const char *unit, unsigned n)
{
        GString *s = policy_head("long"), *pattern = g_string_new(NULL);

        for (unsigned i = 0; i < n; i++)
                g_string_append(pattern, unit);
        add_rule(s, pattern->str);
        (void)g_string_free(pattern, TRUE);
        return s;
}

static GString *many_policies(unsigned n)
{
        GString *s = g_string_new(NULL);

        for (unsigned i = 0; i < n; i++) {
                g_autofree char *name = g_strdup_printf("p%u", i);
                GString *one = policy_head(name);

                add_rule(one, "/srv/x");
                g_string_append_printf(s, "---\n%s", one->str);
                (void)g_string_free(one, TRUE);
        }
        return s;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        hostile_yaml(emit, userdata);
        fuzz_emit_string("many-patterns", policy_with(10000, "/usr/lib/%u/file%u"), emit, userdata);
        fuzz_emit_string("too-many-patterns", policy_with(60000, "/usr/%u/%u"), emit, userdata);
        fuzz_emit_string("exploding-stars", policy_with(60, "/**/dir%u/**/x%u*"), emit, userdata);
        fuzz_emit_string("stars", policy_repeated("*a", 2000), emit, userdata);
        fuzz_emit_string("double-stars", policy_repeated("/**/a", 800), emit, userdata);
        fuzz_emit_string("braces", policy_repeated("{a,b,c,d}", 400), emit, userdata);
        fuzz_emit_string("open-braces", policy_repeated("{a,", 1300), emit, userdata);
        fuzz_emit_string("starred-braces", policy_repeated("{*a,**/b,c?}", 300), emit, userdata);
        fuzz_emit_string("sets", policy_repeated("[a-z]", 800), emit, userdata);
        fuzz_emit_string("slashes", policy_repeated("/", 4000), emit, userdata);
        fuzz_emit_string("questions", policy_repeated("/*?", 1300), emit, userdata);
        fuzz_emit_string("too-long-a-pattern", policy_repeated("/abcdefg", 600), emit, userdata);
        fuzz_emit_string("many-policies", many_policies(1100), emit, userdata);
}
