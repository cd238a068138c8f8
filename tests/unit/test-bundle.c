/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bundle: what the loader's child says arrives as it was said, and nonsense is refused. */

#include <errno.h>
#include <string.h>

#include "bundle.h"
#include "mode-fragment.h"

static BundlePolicy *new_policy(const char *name, const char *slice, bool valid)
{
        BundlePolicy *p = bundle_policy_new();
        RuleStatus *s = g_new0(RuleStatus, 1);
        SelectorTerm *t = g_new0(SelectorTerm, 1);

        p->name = g_strdup(name);
        p->slice = g_strdup(slice);
        p->full_name = slice ? g_strconcat(slice, "/", name, NULL) : g_strdup(name);
        p->source = g_strdup("/etc/varmor/policies.d/web.yaml");
        p->files = g_strsplit("/etc/varmor/policies.d/web.yaml /run/varmor/policies.d/web.yaml.d/90-mode-web.yaml", " ", 0);
        p->valid = valid;
        p->mode = MODE_ENHANCE_PROTECT;
        p->mode_runtime = p->audit_violations = p->privileged = true;
        p->enforcers = 1U << ENFORCER_BPF | 1U << ENFORCER_SECCOMP;
        memset(p->ir_digest, 'a', 64);

        t->key = g_strdup("User");
        t->op = SELECTOR_NOT_IN;
        t->values = g_strsplit("root www-data", " ", 0);
        p->target.kind = TARGET_SERVICE;
        p->target.selector = g_ptr_array_new_with_free_func((GDestroyNotify)selector_term_free);
        g_ptr_array_add(p->target.selector, t);
        p->selected = g_strsplit("/system.slice/a.service /system.slice/b.service", " ", 0);

        s->id = g_strdup("disable-shell");
        s->pos = (SourcePos){g_intern_string("/etc/varmor/policies.d/web.yaml"), 12, 3};
        s->origin = RULE_BUILT_IN;
        s->summary = g_strdup("deny exec /bin/sh");
        s->enforced_by = 1U << ENFORCER_BPF;
        s->why_not[ENFORCER_SECCOMP] = g_strdup("paths are not known to it");
        g_ptr_array_add(p->rules, s);

        p->profiles[ENFORCER_BPF] = profile_new(ENFORCER_BPF, g_bytes_new("table", 5));
        p->profiles[ENFORCER_BPF]->n_states = 4;
        diag_warning(p->diag, &s->pos, "some-code", "a \"%s\"", "text");
        return p;
}

static RuleInfo *new_rule(void)
{
        RuleInfo *r = rule_info_new();
        RuleInfoOp *o = g_new0(RuleInfoOp, 1);

        r->id = g_strdup("disks");
        r->aliases = g_strsplit("hard-disks drives", " ", -1);
        r->references = g_strsplit("CVE-2022-0492", " ", -1);
        r->category = RULE_ATTACK_PROTECTION;
        r->pos = (SourcePos){.file = "/etc/varmor/rules.d/own.yaml", .line = 3, .column = 5};
        r->local = true;
        r->description = g_strdup("Deny disks.");
        r->enforced_by = 1U << ENFORCER_BPF;
        r->notes[ENFORCER_APPARMOR] = g_strdup("by name");
        o->summary = g_strdup("deny file read /dev/sda");
        o->only = o->enforced_by = 1U << ENFORCER_BPF;
        o->why_not[ENFORCER_SECCOMP] = g_strdup("no");
        g_ptr_array_add(r->ops, o);
        return r;
}

static Bundle *new_bundle(void)
{
        Bundle *b = bundle_new();

        g_ptr_array_add(b->policies, new_policy("web", NULL, true));
        g_ptr_array_add(b->policies, new_policy("web", "system.slice", true));
        g_ptr_array_add(b->policies, new_policy("web", NULL, false));
        b->targets = g_bytes_new("targets", 7);
        b->target_policies = g_strsplit("system.slice/web web", " ", 0);
        b->bindings = g_bytes_new("bindings", 8);
        b->settings = settings_new_default();
        b->took_usec = 99;
        b->rules = rule_infos_new();
        g_ptr_array_add(b->rules, new_rule());
        memset(b->rules_digest, 'a', 64);
        diag_error(b->diag, NULL, "general", "not good");
        return b;
}

static void test_round_trip(void)
{
        g_autoptr(Bundle) b = new_bundle(), copy = NULL;
        g_autoptr(GVariant) v = bundle_to_variant(b), again = NULL;
        g_autoptr(GBytes) bytes = g_variant_get_data_as_bytes(v);
        const BundlePolicy *p;
        const RuleStatus *s;

        g_assert_cmpint(bundle_from_bytes(bytes, &copy), ==, 0);
        again = bundle_to_variant(copy);
        g_assert_true(g_variant_equal(v, again));

        p = copy->policies->pdata[1];
        g_assert_cmpstr(p->full_name, ==, "system.slice/web");
        g_assert_cmpstr(p->files[1], ==, "/run/varmor/policies.d/web.yaml.d/90-mode-web.yaml");
        g_assert_true(p->valid && p->mode_runtime && p->audit_violations && p->privileged && !p->allow_violations);
        g_assert_cmpstr(((SelectorTerm *)p->target.selector->pdata[0])->values[1], ==, "www-data");
        g_assert_cmpstr(p->selected[1], ==, "/system.slice/b.service");
        g_assert_cmpuint(g_bytes_get_size(p->profiles[ENFORCER_BPF]->blob), ==, 5);
        g_assert_cmpstr(p->profiles[ENFORCER_BPF]->digest, ==,
                        ((BundlePolicy *)b->policies->pdata[1])->profiles[ENFORCER_BPF]->digest);
        s = p->rules->pdata[0];
        g_assert_cmpuint(s->pos.line, ==, 12);
        g_assert_null(s->why_not[ENFORCER_BPF]);
        g_assert_cmpstr(s->why_not[ENFORCER_SECCOMP], ==, "paths are not known to it");
        g_assert_cmpuint(copy->diag->n_errors, ==, 1);
        g_assert_cmpstr(((DiagMessage *)p->diag->messages->pdata[0])->text, ==, "a \"text\"");
        g_assert_cmpuint(p->diag->n_warnings, ==, 1);

        const RuleInfo *r = rule_infos_find(copy->rules, "Hard_Disks");
        g_assert_true(r == copy->rules->pdata[0]);
        g_assert_cmpstr(r->id, ==, "disks");
        g_assert_true(r->local && r->category == RULE_ATTACK_PROTECTION);
        g_assert_null(r->principle);
        g_assert_cmpstr(r->notes[ENFORCER_APPARMOR], ==, "by name");
        g_assert_cmpstr(((RuleInfoOp *)r->ops->pdata[0])->why_not[ENFORCER_SECCOMP], ==, "no");
        g_assert_cmpstr(rule_infos_suggest(copy->rules, "drive"), ==, "drives");
        g_assert_null(rule_infos_find(copy->rules, "drive"));
}

static void assert_refused(Bundle *b)
{
        g_autoptr(GVariant) v = bundle_to_variant(b);
        g_autoptr(Bundle) copy = NULL;

        g_assert_cmpint(bundle_from_variant(v, &copy), ==, -EBADMSG);
}

#define REFUSED(change)                                                                                                \
        do {                                                                                                           \
                g_autoptr(Bundle) b = new_bundle();                                                                    \
                BundlePolicy *p = b->policies->pdata[0];                                                               \
                RuleStatus *s = p->rules->pdata[0];                                                                    \
                (void)s;                                                                                               \
                change;                                                                                                \
                assert_refused(b);                                                                                     \
        } while (0)

static void set(char **s, const char *value)
{
        g_free(*s);
        *s = g_strdup(value);
}

static void test_refused(void)
{
        REFUSED(p->mode = _MODE_MAX);
        REFUSED(p->enforcers = 8);
        REFUSED(p->enforcers = 0);
        REFUSED(p->enforcers = 1U << ENFORCER_SECCOMP); /* a profile for an enforcer that was not chosen */
        REFUSED(p->target.kind = (TargetKind)99);
        REFUSED(s->kind = (OpKind)99);
        REFUSED(((RuleInfo *)b->rules->pdata[0])->category = (RuleCategory)99);
        REFUSED(set(&((RuleInfo *)b->rules->pdata[0])->id, ""));
        REFUSED(strcpy(b->rules_digest, "short"));
        REFUSED(s->origin = (RuleOrigin)99);
        REFUSED(set(&p->full_name, "other"));
        REFUSED(set(&p->name, "../../etc/passwd"); set(&p->full_name, "../../etc/passwd"));
        REFUSED(set(&p->name, "a\n"); set(&p->full_name, "a\n"));
        REFUSED(set(&p->slice, "no-slice"); set(&p->full_name, "no-slice/web"));
        REFUSED(set(&p->name, NULL));
        REFUSED(set(&p->source, NULL));
        REFUSED(strcpy(p->ir_digest, "short"));
        REFUSED(p->profiles[ENFORCER_BPF]->digest[3] = '0' + (p->profiles[ENFORCER_BPF]->digest[3] == '0'));
        REFUSED(set(&b->target_policies[0], "nobody"));
        REFUSED(((BundlePolicy *)b->policies->pdata[2])->valid = true); /* two of one name in force */
        REFUSED(g_clear_pointer(&p->target.selector, g_ptr_array_unref));
}

/* Any byte changed, any length: an error or something valid, never a wild read (the sanitizers watch). */
static void test_mutations(void)
{
        g_autoptr(Bundle) b = new_bundle();
        g_autoptr(GVariant) v = bundle_to_variant(b);
        gsize size = g_variant_get_size(v);
        unsigned n_refused = 0;

        for (gsize i = 0; i < size; i++) {
                g_autofree uint8_t *data = g_memdup2(g_variant_get_data(v), size);
                g_autoptr(GBytes) flipped = NULL, cut = NULL;
                g_autoptr(Bundle) one = NULL, two = NULL;

                data[i] ^= (uint8_t)g_test_rand_int_range(1, 256);
                flipped = g_bytes_new(data, size);
                cut = g_bytes_new(data, i);
                n_refused += bundle_from_bytes(flipped, &one) < 0;
                n_refused += bundle_from_bytes(cut, &two) < 0;
        }
        g_assert_cmpuint(n_refused, >, size);
}

static void test_fragment(void)
{
        g_autoptr(BundlePolicy) p = new_policy("web", "system.slice", true);
        g_autofree char *dir = g_dir_make_tmp("fragment-XXXXXX", NULL), *runtime = mode_fragment_dup_path(p, false);
        g_autofree char *persistent = mode_fragment_dup_path(p, true), *path = g_strconcat(dir, runtime, NULL);
        g_autofree char *text = NULL, *before = NULL, *back = NULL, *left = NULL;
        const SetModeOptions o = {.audit_violations = 1, .allow_violations = 0};

        g_assert_cmpstr(runtime, ==, "/run/varmor/policies.d/web.yaml.d/90-mode-system.slice+web.yaml");
        g_assert_cmpstr(persistent, ==, "/etc/varmor/policies.d/web.yaml.d/80-mode-system.slice+web.yaml");
        g_assert_true(mode_fragment_is_persistent(persistent));
        g_assert_false(mode_fragment_is_persistent(runtime));

        text = mode_fragment_dup_text(p, MODE_ENHANCE_PROTECT, &o);
        g_assert_nonnull(strstr(text, "kind: VarmorPolicy\n"));
        g_assert_nonnull(strstr(text, "  namespace: 'system.slice'\n"));
        g_assert_nonnull(strstr(text, "    enhanceProtect:\n      allowViolations: false\n      auditViolations: true\n"));

        g_assert_cmpint(mode_fragment_write(path, NULL, &before), ==, 0); /* nothing there, nothing to take away */
        g_assert_null(before);
        g_assert_cmpint(mode_fragment_write(path, "one", &before), ==, 0);
        g_assert_null(before);
        g_assert_cmpint(mode_fragment_write(path, text, &before), ==, 0);
        g_assert_cmpstr(before, ==, "one");
        g_assert_true(g_file_get_contents(path, &left, NULL, NULL));
        g_assert_cmpstr(left, ==, text);
        g_assert_cmpint(mode_fragment_write(path, NULL, &back), ==, 0);
        g_assert_cmpstr(back, ==, text);
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/bundle/round-trip", test_round_trip);
        g_test_add_func("/bundle/refused", test_refused);
        g_test_add_func("/bundle/mutations", test_mutations);
        g_test_add_func("/mode/fragment", test_fragment);
        return g_test_run();
}
