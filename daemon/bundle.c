/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bundle: from the loader's child to the daemon, as bytes and back. What arrives is not trusted: every enum, count and name is
 * checked before anything is built from it. Pure. */

#include "bundle.h"

#include <errno.h>
#include <string.h>

#include "bindings.h"
#include "bundle-parts.h"

/* A slot of the kernel's tables for each: enforcers/bpf/abi.h, VA_POLICIES_MAX. */
#define BUNDLE_POLICIES_MAX 1024U
#define BUNDLE_TARGETS_BYTES_MAX (8U << 20)

BundlePolicy *bundle_policy_new(void)
{
        BundlePolicy *p = g_new0(BundlePolicy, 1);

        p->rules = g_ptr_array_new_with_free_func((GDestroyNotify)rule_status_free);
        p->diag = diag_new();
        return p;
}

uint32_t bundle_policy_enforcers(const BundlePolicy *p)
{
        return p->mode == MODE_BEHAVIOR_MODELING ? 1U << ENFORCER_BPF : p->enforcers;
}

void bundle_policy_free(BundlePolicy *p)
{
        if (!p)
                return;
        g_free(p->name);
        g_free(p->slice);
        g_free(p->full_name);
        g_free(p->source);
        g_strfreev(p->files);
        g_strfreev(p->selected);
        g_free(p->target.name);
        g_clear_pointer(&p->target.selector, g_ptr_array_unref);
        g_clear_pointer(&p->rules, g_ptr_array_unref);
        for (size_t i = 0; i < _ENFORCER_KIND_MAX; i++)
                profile_free(p->profiles[i]);
        diag_free(p->diag);
        g_free(p);
}

Bundle *bundle_new(void)
{
        Bundle *b = g_new0(Bundle, 1);

        b->policies = g_ptr_array_new_with_free_func((GDestroyNotify)bundle_policy_free);
        b->diag = diag_new();
        return b;
}

void bundle_free(Bundle *b)
{
        if (!b)
                return;
        g_clear_pointer(&b->policies, g_ptr_array_unref);
        g_clear_pointer(&b->targets, g_bytes_unref);
        g_clear_pointer(&b->bindings, g_bytes_unref);
        g_strfreev(b->target_policies);
        settings_free(b->settings);
        g_clear_pointer(&b->rules, g_ptr_array_unref);
        diag_free(b->diag);
        g_free(b);
}

/* ---- policies -------------------------------------------------------------------------------------------------- */

#define FLAGS_TYPE "(bbbbbbbb)"
#define POLICY_TYPE "(ssss" "as" FLAGS_TYPE "uus" TARGET_TYPE "as" "a" RULE_TYPE "a" PROFILE_TYPE DIAG_TYPE "u)"
#define BUNDLE_TYPE "(ut" SETTINGS_TYPE DIAG_TYPE "may" "as" "a" POLICY_TYPE "may" "s" "ma" RULE_INFO_TYPE ")"

static GVariant *policy_to_variant(const BundlePolicy *p)
{
        GVariantBuilder rules, profiles;
        GVariant *items[15];

        g_variant_builder_init(&rules, G_VARIANT_TYPE("a" RULE_TYPE));
        for (guint i = 0; i < p->rules->len; i++)
                g_variant_builder_add_value(&rules, rule_status_to_variant(p->rules->pdata[i]));
        g_variant_builder_init(&profiles, G_VARIANT_TYPE("a" PROFILE_TYPE));
        for (size_t i = 0; i < _ENFORCER_KIND_MAX; i++)
                if (p->profiles[i])
                        g_variant_builder_add_value(&profiles, profile_to_variant(p->profiles[i]));

        items[0] = variant_string(p->name);
        items[1] = variant_string(p->slice);
        items[2] = variant_string(p->full_name);
        items[3] = variant_string(p->source);
        items[4] = variant_strv(p->files);
        items[5] = g_variant_new(FLAGS_TYPE, p->valid, p->mode_runtime, p->mode_persistent, p->audit_violations,
                                 p->allow_violations, p->privileged, p->fail_open, p->update_existing);
        items[6] = g_variant_new_uint32((uint32_t)p->mode);
        items[7] = g_variant_new_uint32(p->enforcers);
        items[8] = variant_string(p->ir_digest);
        items[9] = target_to_variant(&p->target);
        items[10] = variant_strv(p->selected);
        items[11] = g_variant_builder_end(&rules);
        items[12] = g_variant_builder_end(&profiles);
        items[13] = diag_to_variant(p->diag);
        items[14] = g_variant_new_uint32(p->duration_min);
        return g_variant_new_tuple(items, G_N_ELEMENTS(items));
}

/* Names as policies have them: DNS subdomain, unit name of a slice. Return: whether @s is one. */
static bool name_is_safe(const char *s, const char *further)
{
        if (*s == '\0' || *s == '.' || strlen(s) > POLICY_NAME_BYTES_MAX)
                return false;
        for (; *s; s++)
                if (!g_ascii_isalnum(*s) && *s != '.' && *s != '-' && !strchr(further, *s))
                        return false;
        return true;
}

/* The names must fit each other, since one of them becomes a file name. */
static int policy_check_names(const BundlePolicy *p)
{
        g_autofree char *full = NULL;

        if (!p->valid && !p->name)
                return p->full_name || p->slice ? -EBADMSG : 0;
        if (!p->name || !name_is_safe(p->name, ""))
                return -EBADMSG;
        if (p->slice && (!name_is_safe(p->slice, "_:@\\") || !g_str_has_suffix(p->slice, ".slice")))
                return -EBADMSG;
        full = p->slice ? g_strconcat(p->slice, "/", p->name, NULL) : g_strdup(p->name);
        return g_strcmp0(full, p->full_name) == 0 ? 0 : -EBADMSG;
}

static int policy_read_head(GVariant *v, BundlePolicy *p)
{
        gboolean f[8];
        guint32 mode;
        const char *digest;
        int r;

        p->name = dup_string_at(v, 0);
        p->slice = dup_string_at(v, 1);
        p->full_name = dup_string_at(v, 2);
        p->source = dup_string_at(v, 3);
        g_variant_get_child(v, 4, "^as", &p->files);
        g_variant_get_child(v, 5, FLAGS_TYPE, &f[0], &f[1], &f[2], &f[3], &f[4], &f[5], &f[6], &f[7]);
        p->valid = f[0];
        p->mode_runtime = f[1];
        p->mode_persistent = f[2];
        p->audit_violations = f[3];
        p->allow_violations = f[4];
        p->privileged = f[5];
        p->fail_open = f[6];
        p->update_existing = f[7];
        g_variant_get_child(v, 6, "u", &mode);
        g_variant_get_child(v, 7, "u", &p->enforcers);
        g_variant_get_child(v, 8, "&s", &digest);
        g_variant_get_child(v, 14, "u", &p->duration_min);

        r = policy_check_names(p);
        if (r < 0)
                return r;
        if (!p->source || mode >= _MODE_MAX || p->enforcers >= 1U << _ENFORCER_KIND_MAX ||
            (p->valid && p->enforcers == 0))
                return -EBADMSG;
        p->mode = (Mode)mode;
        return copy_digest(digest, p->ir_digest);
}

static int policy_read_rules(GVariant *v, BundlePolicy *p)
{
        g_autoptr(GVariant) rules = g_variant_get_child_value(v, 11), profiles = g_variant_get_child_value(v, 12);

        if (g_variant_n_children(rules) > POLICY_RULES_MAX || g_variant_n_children(profiles) > _ENFORCER_KIND_MAX)
                return -EBADMSG;
        for (gsize i = 0; i < g_variant_n_children(rules); i++) {
                g_autoptr(GVariant) c = g_variant_get_child_value(rules, i);
                RuleStatus *s;
                int r = rule_status_from_variant(c, &s);

                if (r < 0)
                        return r;
                g_ptr_array_add(p->rules, s);
        }
        for (gsize i = 0; i < g_variant_n_children(profiles); i++) {
                g_autoptr(GVariant) c = g_variant_get_child_value(profiles, i);
                Profile *profile;
                int r = profile_from_variant(c, &profile);

                if (r < 0)
                        return r;
                if (p->profiles[profile->enforcer] || !(bundle_policy_enforcers(p) & 1U << profile->enforcer)) {
                        profile_free(profile);
                        return -EBADMSG;
                }
                p->profiles[profile->enforcer] = profile;
        }
        return 0;
}

static int policy_from_variant(GVariant *v, BundlePolicy **ret)
{
        g_autoptr(BundlePolicy) p = g_new0(BundlePolicy, 1);
        g_autoptr(GVariant) target = g_variant_get_child_value(v, 9), diag = g_variant_get_child_value(v, 13);
        int r;

        p->rules = g_ptr_array_new_with_free_func((GDestroyNotify)rule_status_free);
        r = policy_read_head(v, p);
        if (r >= 0)
                r = target_from_variant(target, &p->target);
        if (r >= 0)
                r = policy_read_rules(v, p);
        if (r >= 0)
                r = diag_from_variant(diag, &p->diag);
        if (r < 0)
                return r;
        if (p->valid && !p->target.name && !p->target.selector)
                return -EBADMSG;
        if (p->target.selector)
                g_variant_get_child(v, 10, "^as", &p->selected);
        *ret = g_steal_pointer(&p);
        return 0;
}

/* ---- the whole ----------------------------------------------------------------------------------------------------- */

GVariant *bundle_to_variant(const Bundle *b)
{
        g_autoptr(Settings) defaults = b->settings ? NULL : settings_new_default();
        GVariantBuilder policies, rules;
        GVariant *items[10];

        g_variant_builder_init(&policies, G_VARIANT_TYPE("a" POLICY_TYPE));
        for (guint i = 0; i < b->policies->len; i++)
                g_variant_builder_add_value(&policies, policy_to_variant(b->policies->pdata[i]));

        items[0] = g_variant_new_uint32(BUNDLE_VERSION);
        items[1] = g_variant_new_uint64(b->took_usec);
        items[2] = settings_to_variant(b->settings ? b->settings : defaults);
        items[3] = diag_to_variant(b->diag);
        items[4] = g_variant_new_maybe(G_VARIANT_TYPE("ay"), b->targets ? variant_bytes(b->targets) : NULL);
        items[5] = variant_strv(b->target_policies);
        items[6] = g_variant_builder_end(&policies);
        items[7] = g_variant_new_maybe(G_VARIANT_TYPE("ay"), b->bindings ? variant_bytes(b->bindings) : NULL);
        items[8] = g_variant_new_string(b->rules_digest);
        g_variant_builder_init(&rules, G_VARIANT_TYPE("a" RULE_INFO_TYPE));
        for (guint i = 0; b->rules && i < b->rules->len; i++)
                g_variant_builder_add_value(&rules, rule_info_to_variant(b->rules->pdata[i]));
        items[9] = g_variant_new_maybe(G_VARIANT_TYPE("a" RULE_INFO_TYPE), b->rules ? g_variant_builder_end(&rules) : NULL);
        if (!b->rules)
                g_variant_builder_clear(&rules);
        return g_variant_ref_sink(g_variant_new_tuple(items, G_N_ELEMENTS(items)));
}

static int bundle_read_policies(GVariant *v, Bundle *b)
{
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        if (g_variant_n_children(v) > BUNDLE_POLICIES_MAX)
                return -EBADMSG;
        for (gsize i = 0; i < g_variant_n_children(v); i++) {
                g_autoptr(GVariant) c = g_variant_get_child_value(v, i);
                BundlePolicy *p;
                int r = policy_from_variant(c, &p);

                if (r < 0)
                        return r;
                g_ptr_array_add(b->policies, p);
                /* Two in force under one name would fight for one slot. */
                if (p->valid && !g_hash_table_add(seen, p->full_name))
                        return -EBADMSG;
        }
        return 0;
}

static int bundle_read_rules(GVariant *v, Bundle *b)
{
        g_autoptr(GVariant) maybe = g_variant_get_child_value(v, 9), rules = NULL;
        const char *digest;

        g_variant_get_child(v, 8, "&s", &digest);
        if (copy_digest(digest, b->rules_digest) < 0)
                return -EBADMSG;
        rules = g_variant_get_maybe(maybe);
        if (!rules)
                return 0;
        if (g_variant_n_children(rules) > CATALOGUE_RULES_MAX)
                return -EBADMSG;
        b->rules = rule_infos_new();
        for (gsize i = 0; i < g_variant_n_children(rules); i++) {
                g_autoptr(GVariant) c = g_variant_get_child_value(rules, i);
                RuleInfo *r;

                if (rule_info_from_variant(c, &r) < 0)
                        return -EBADMSG;
                g_ptr_array_add(b->rules, r);
        }
        return 0;
}

static int bundle_read_maybe(GVariant *v, gsize i, gsize size_max, GBytes **ret)
{
        g_autoptr(GVariant) bytes = g_variant_get_child_value(v, i);

        return g_variant_n_children(bytes) == 0 ? 0 : bytes_from_child(bytes, 0, size_max, ret);
}

/* Only policies of this bundle may cover anything. */
static int bundle_check_targets(const Bundle *b)
{
        g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

        if (g_strv_length(b->target_policies) > BUNDLE_POLICIES_MAX)
                return -EBADMSG;
        for (guint i = 0; i < b->policies->len; i++) {
                const BundlePolicy *p = b->policies->pdata[i];

                if (p->full_name)
                        g_hash_table_add(names, p->full_name);
        }
        for (char **n = b->target_policies; *n; n++)
                if (!g_hash_table_contains(names, *n))
                        return -EBADMSG;
        return 0;
}

int bundle_from_variant(GVariant *v, Bundle **ret)
{
        g_autoptr(Bundle) b = g_new0(Bundle, 1);
        g_autoptr(GVariant) settings = NULL, diag = NULL, policies = NULL;
        guint32 version;
        int r;

        b->policies = g_ptr_array_new_with_free_func((GDestroyNotify)bundle_policy_free);
        if (!g_variant_is_of_type(v, G_VARIANT_TYPE(BUNDLE_TYPE)) || !g_variant_is_normal_form(v))
                return -EBADMSG;
        g_variant_get_child(v, 0, "u", &version);
        if (version != BUNDLE_VERSION)
                return -EBADMSG;
        g_variant_get_child(v, 1, "t", &b->took_usec);

        settings = g_variant_get_child_value(v, 2);
        diag = g_variant_get_child_value(v, 3);
        g_variant_get_child(v, 5, "^as", &b->target_policies);
        policies = g_variant_get_child_value(v, 6);
        r = settings_from_variant(settings, &b->settings);
        if (r >= 0)
                r = diag_from_variant(diag, &b->diag);
        if (r >= 0)
                r = bundle_read_maybe(v, 4, BUNDLE_TARGETS_BYTES_MAX, &b->targets);
        if (r >= 0)
                r = bundle_read_maybe(v, 7, BINDINGS_BYTES_MAX, &b->bindings);
        if (r >= 0)
                r = bundle_read_policies(policies, b);
        if (r >= 0)
                r = bundle_read_rules(v, b);
        if (r >= 0)
                r = bundle_check_targets(b);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&b);
        return 0;
}

int bundle_from_bytes(GBytes *bytes, Bundle **ret)
{
        g_autoptr(GVariant) v =
                g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(BUNDLE_TYPE), bytes, FALSE));

        return bundle_from_variant(v, ret);
}
