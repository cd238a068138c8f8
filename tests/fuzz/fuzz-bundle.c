/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes -> bundle: what is taken can be told again, and says the same. */

#include <errno.h>
#include <string.h>

#include "bundle.h"
#include "fuzz.h"
#include "mode-fragment.h"

static void check_policy(const BundlePolicy *p)
{
        FUZZ_CHECK(p->rules && p->diag && p->source && p->files);
        FUZZ_CHECK(!p->valid || (p->name && p->full_name && p->mode >= 0 && p->mode < _MODE_MAX));
        FUZZ_CHECK(strlen(p->ir_digest) == 0 || strlen(p->ir_digest) == 64);
        for (guint i = 0; i < p->rules->len; i++) {
                const RuleStatus *s = p->rules->pdata[i];

                FUZZ_CHECK(s->id && s->summary && op_kind_to_string(s->kind));
        }
        for (size_t i = 0; i < _ENFORCER_KIND_MAX; i++)
                FUZZ_CHECK(!p->profiles[i] || strlen(p->profiles[i]->digest) == 64);
        if (p->valid) {
                g_autofree char *path = mode_fragment_dup_path(p, true), *base = g_path_get_basename(path);

                FUZZ_CHECK(g_str_has_prefix(path, "/etc/varmor/policies.d/") && !strstr(path, "/../"));
                FUZZ_CHECK(g_str_has_suffix(base, ".yaml"));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(GBytes) bytes = g_bytes_new(data, size), told = NULL;
        g_autoptr(GVariant) one = NULL, two = NULL;
        g_autoptr(Bundle) b = NULL, again = NULL;
        int r = bundle_from_bytes(bytes, &b);

        FUZZ_CHECK(r == 0 || r == -EBADMSG);
        FUZZ_CHECK((r == 0) == (b != NULL));
        if (r < 0)
                return 0;
        FUZZ_CHECK(b->policies && b->settings && b->diag);
        for (guint i = 0; i < b->policies->len; i++)
                check_policy(b->policies->pdata[i]);
        one = bundle_to_variant(b);
        told = g_variant_get_data_as_bytes(one);
        FUZZ_CHECK(bundle_from_bytes(told, &again) == 0);
        two = bundle_to_variant(again);
        FUZZ_CHECK(g_variant_equal(one, two));
        return 0;
}

static BundlePolicy *new_policy(void)
{
        BundlePolicy *p = bundle_policy_new();
        RuleStatus *s = g_new0(RuleStatus, 1);
        SelectorTerm *t = g_new0(SelectorTerm, 1);

        p->name = g_strdup("web");
        p->slice = g_strdup("system.slice");
        p->full_name = g_strdup("system.slice/web");
        p->source = g_strdup("/etc/varmor/policies.d/web.yaml");
        p->files = g_strsplit("/etc/varmor/policies.d/web.yaml", " ", 0);
        p->valid = true;
        p->mode = MODE_ENHANCE_PROTECT;
        p->enforcers = 1U << ENFORCER_BPF;
        memset(p->ir_digest, 'a', 64);
        t->key = g_strdup("User");
        t->op = SELECTOR_NOT_IN;
        t->values = g_strsplit("root www-data", " ", 0);
        p->target.kind = TARGET_SERVICE;
        p->target.selector = g_ptr_array_new_with_free_func((GDestroyNotify)selector_term_free);
        g_ptr_array_add(p->target.selector, t);
        p->selected = g_strsplit("/system.slice/a.service", " ", 0);
        s->id = g_strdup("disable-shell");
        s->pos = (SourcePos){g_intern_string("/etc/varmor/policies.d/web.yaml"), 12, 3};
        s->origin = RULE_BUILT_IN;
        s->summary = g_strdup("deny exec /bin/sh");
        s->why_not[ENFORCER_SECCOMP] = g_strdup("paths are not known to it");
        g_ptr_array_add(p->rules, s);
        p->profiles[ENFORCER_BPF] = profile_new(ENFORCER_BPF, g_bytes_new("table", 5));
        diag_warning(p->diag, &s->pos, "some-code", "a \"%s\"", "text");
        return p;
}

static RuleInfo *new_rule(void)
{
        RuleInfo *r = rule_info_new();
        RuleInfoOp *o = g_new0(RuleInfoOp, 1);

        r->id = g_strdup("disks");
        r->aliases = g_strsplit("drives", " ", -1);
        r->references = g_strsplit("CVE-2022-0492", " ", -1);
        r->notes[ENFORCER_APPARMOR] = g_strdup("by name");
        o->summary = g_strdup("deny");
        o->why_not[ENFORCER_SECCOMP] = g_strdup("no");
        g_ptr_array_add(r->ops, o);
        return r;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(3);
        g_autoptr(Bundle) b = bundle_new();
        g_autoptr(GVariant) v = NULL;
        gsize size;

        g_ptr_array_add(b->policies, new_policy());
        b->targets = g_bytes_new("targets", 7);
        b->target_policies = g_strsplit("system.slice/web", " ", 0);
        b->settings = settings_new_default();
        b->rules = rule_infos_new();
        g_ptr_array_add(b->rules, new_rule());
        v = bundle_to_variant(b);
        size = g_variant_get_size(v);
        for (unsigned i = 0; i < 20000; i++) {
                g_autofree uint8_t *copy = g_memdup2(g_variant_get_data(v), size);

                for (int n = g_rand_int_range(rand, 1, 4); n > 0; n--)
                        copy[g_rand_int_range(rand, 0, (gint32)size)] = (uint8_t)g_rand_int(rand);
                (void)LLVMFuzzerTestOneInput(copy, size);
        }
        for (gsize n = 0; n < size; n++) {
                g_autofree uint8_t *cut = g_memdup2(g_variant_get_data(v), n);

                (void)LLVMFuzzerTestOneInput(cut, n);
        }
        emit("good", g_variant_get_data(v), size, userdata);
}
