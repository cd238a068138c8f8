/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policy documents: the sections enhanceProtect and defenseInDepth. */

#include <string.h>

#include "fields.h"
#include "policy-ops.h"
#include "policy-parse.h"

typedef struct ModeContext {
        Policy *policy;
        GHashTable *seen; /* ids that hold for everybody already */
        const Catalogue *catalogue;
        const Settings *settings;
} ModeContext;

/* ---- named rules --------------------------------------------------------------------------------------------------------- */

int policy_add_named(Policy *p, const NamedRule *named, RuleOrigin origin, const SourcePos *pos, char **targets)
{
        for (guint i = 0; i < named->ops->len; i++) {
                Rule *r;

                if (p->rules->len > POLICY_RULES_MAX)
                        return -E2BIG;
                r = rule_dup(named->ops->pdata[i]);
                r->id = g_strdup(named->id);
                r->origin = origin;
                if (pos)
                        r->pos = *pos;
                if (targets) {
                        g_strfreev(r->targets);
                        r->targets = g_strdupv(targets);
                }
                if (named->unenforceable && !r->unenforceable)
                        r->unenforceable = g_strdup(named->unenforceable);
                g_ptr_array_add(p->rules, r);
        }

        return 0;
}

static const char *list_of(RuleCategory c)
{
        switch (c) {
        case RULE_HARDENING:
                return "hardeningRules";
        case RULE_ATTACK_PROTECTION:
                return "attackProtectionRules";
        case RULE_VULNERABILITY_MITIGATION:
                return "vulMitigationRules";
        default:
                return NULL;
        }
}

static void parse_id(const YamlNode *n, RuleCategory category, char **targets, ModeContext *m, Diag *d)
{
        const char *s = fields_get_string(n, list_of(category), d);
        const NamedRule *named = s ? catalogue_find(m->catalogue, s) : NULL;

        if (!s)
                return;
        if (!named) {
                fields_unknown_word(&n->pos, "unknown-rule", "rule", s, m->catalogue->names, d);
                return;
        }
        if (named->category != category) {
                const char *list = list_of(named->category);

                if (list)
                        diag_error(d, &n->pos, "wrong-list", "the rule '%s' is of category %s; it belongs into '%s'", named->id,
                                   rule_category_to_string(named->category), list);
                else
                        diag_error(d, &n->pos, "wrong-list", "the rule '%s' is varmor's own, and part of each policy that it is for; it cannot be named",
                                   named->id);
                return;
        }
        /* Lists of fragments are appended, so that the same rule may well come twice. */
        if (!targets && !g_hash_table_add(m->seen, named->id))
                return;
        if (policy_add_named(m->policy, named, RULE_BUILT_IN, &n->pos, targets) < 0)
                diag_error(d, &n->pos, "too-large", "more than %u rules in one policy", POLICY_RULES_MAX);
}

static void parse_ids(const YamlNode *n, const char *what, RuleCategory category, char **targets, ModeContext *m, Diag *d)
{
        if (!fields_expect(n, YAML_SEQUENCE, what, d))
                return;
        for (guint i = 0; i < n->items->len; i++)
                parse_id(n->items->pdata[i], category, targets, m, d);
}

static void field_hardening(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        parse_ids(n, f->name, RULE_HARDENING, NULL, userdata, d);
}

static void field_mitigation(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        parse_ids(n, f->name, RULE_VULNERABILITY_MITIGATION, NULL, userdata, d);
}

typedef struct AttackEntry {
        const YamlNode *rules;
        char **targets;
} AttackEntry;

static void attack_entry_done(AttackEntry *e)
{
        g_strfreev(e->targets);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AttackEntry, attack_entry_done)

static const Field attack_fields[] = {
        {"rules", field_node, offsetof(AttackEntry, rules), true},
        {"targets", field_patterns, offsetof(AttackEntry, targets)},
        {NULL},
};

static void field_attack(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;

        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];
                g_auto(AttackEntry) e = {0};

                if (item->type == YAML_SCALAR) {
                        fields_bad_value(item, f->name, "a mapping: '- rules: [ID, ...]', with 'targets' where wanted", d);
                        continue;
                }
                (void)fields_parse(item, &item->pos, f->name, attack_fields, &e, userdata, d);
                if (e.rules)
                        parse_ids(e.rules, "rules", RULE_ATTACK_PROTECTION, e.targets, userdata, d);
        }
}

/* ---- enhanceProtect -------------------------------------------------------------------------------------------------------- */

static OpContext op_context(const ModeContext *m, bool allow_list, const char *prefix)
{
        return (OpContext){
                .rules = m->policy->rules,
                .allow_list = allow_list,
                .prefix = prefix,
                .settings = m->settings,
        };
}

static void field_enhance_apparmor(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        OpContext c = op_context(userdata, false, NULL);

        ops_parse_apparmor(n, f->name, &c, d);
}

static void field_enhance_bpf(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        OpContext c = op_context(userdata, false, NULL);

        ops_parse_bpf(n, f->name, &c, d);
}

static void field_enhance_syscalls(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        OpContext c = op_context(userdata, false, NULL);

        ops_parse_syscalls(n, f->name, &c, d);
}

static const Field enhance_fields[] = {
        {"hardeningRules", field_hardening},
        {"attackProtectionRules", field_attack},
        {"vulMitigationRules", field_mitigation},
        {"appArmorRawRules", field_enhance_apparmor},
        {"bpfRawRules", field_enhance_bpf},
        {"syscallRawRules", field_enhance_syscalls},
        {"privileged", field_bool, offsetof(Policy, privileged)},
        {"auditViolations", field_bool, offsetof(Policy, audit_violations)},
        {"allowViolations", field_bool, offsetof(Policy, allow_violations)},
        {"networkProxyRawRules", .refused = "they are carried out by a container beside the workload of a pod"},
        {NULL},
};

void policy_parse_enhance(const YamlNode *n, Policy *p, const Catalogue *catalogue, const Settings *settings, Diag *d)
{
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        ModeContext m = {.policy = p, .seen = seen, .catalogue = catalogue, .settings = settings};
        uint32_t errors = d->n_errors;

        if (yaml_is_null(n))
                return;
        (void)fields_parse(n, &n->pos, "enhanceProtect", enhance_fields, p, &m, d);

        if (d->n_errors == errors && p->mode == MODE_ENHANCE_PROTECT && p->privileged && p->rules->len == 0)
                diag_warning(d, &n->pos, "no-effect", "'enhanceProtect' has no rules, and with 'privileged: true' there is nothing "
                                                      "beneath: nothing is enforced");
}

/* ---- defenseInDepth ---------------------------------------------------------------------------------------------------------- */

typedef struct DepthSection {
        ProfileType type;
        const YamlNode *custom, *raw;
        uint64_t classes;
} DepthSection;

static void field_profile_type(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        static const char *const words[] = {"BehaviorModel", "Custom", NULL};
        const char *s = fields_get_string(n, f->name, d);

        if (s && !g_strv_contains(words, s))
                fields_unknown_word(&n->pos, "bad-value", f->name, s, words, d);
        else if (s)
                *(ProfileType *)out = profile_type_from_string(s);
}

#define DEPTH_FIELDS                                                                                                    \
        {"profileType", field_profile_type, offsetof(DepthSection, type), true},                                        \
        {"customProfile", field_node, offsetof(DepthSection, custom)}

static const Field depth_fields[_ENFORCER_KIND_MAX][5] = {
        [ENFORCER_APPARMOR] = {DEPTH_FIELDS, {"appArmorRawRules", field_node, offsetof(DepthSection, raw)}, {NULL}},
        [ENFORCER_BPF] = {DEPTH_FIELDS, {"bpfRawRules", field_node, offsetof(DepthSection, raw)},
                          {"classes", field_words, offsetof(DepthSection, classes), false, op_class_words}, {NULL}},
        [ENFORCER_SECCOMP] = {DEPTH_FIELDS, {"syscallRawRules", field_node, offsetof(DepthSection, raw)}, {NULL}},
};

/* A seccomp profile is JSON in a text, as vArmor has it, or the same as YAML in place. */
static void parse_seccomp_custom(const YamlNode *n, DepthProfile *ret, OpContext *c, Diag *d)
{
        g_autoptr(GPtrArray) documents = NULL;

        if (n->type != YAML_SCALAR) {
                ops_parse_seccomp_profile(n, "customProfile", ret, c, d);
                return;
        }

        if (yaml_parse_within(n, &documents, d) < 0)
                return;
        if (documents->len != 1)
                fields_bad_value(n, "customProfile", "one seccomp profile in the form of OCI", d);
        else
                ops_parse_seccomp_profile(documents->pdata[0], "customProfile", ret, c, d);
}

static void parse_custom(const DepthSection *s, EnforcerKind k, DepthProfile *ret, OpContext *c, Diag *d)
{
        const char *text;

        switch (k) {
        case ENFORCER_APPARMOR:
                text = fields_get_string(s->custom, "customProfile", d);
                g_free(ret->text);
                ret->text = g_strdup(text);
                ret->text_pos = yaml_text_pos(s->custom);
                break;
        case ENFORCER_BPF:
                ops_parse_bpf(s->custom, "customProfile", c, d);
                break;
        case ENFORCER_SECCOMP:
                parse_seccomp_custom(s->custom, ret, c, d);
                break;
        default:
                g_assert_not_reached();
        }
}

static void parse_depth_section(const YamlNode *n, const char *what, EnforcerKind k, ModeContext *m, Diag *d)
{
        static const char *const prefixes[_ENFORCER_KIND_MAX] = {"appArmor.", "bpf.", "seccomp."};
        DepthProfile *ret = &m->policy->depth[k];
        OpContext c = op_context(m, true, prefixes[k]), raw;
        DepthSection s = {0};

        (void)fields_parse(n, &n->pos, what, depth_fields[k], &s, m, d);
        if (n->type != YAML_MAPPING)
                return;

        ret->pos = n->pos;
        ret->type = s.type;
        if (k == ENFORCER_BPF)
                ret->classes = (uint32_t)(s.classes ?: words_find(op_class_words, "all"));

        if (s.custom && s.type == PROFILE_BEHAVIOR_MODEL)
                diag_error(d, &s.custom->pos, "exclusive-keys", "'customProfile' goes with 'profileType: Custom' only");
        else if (s.type == PROFILE_CUSTOM && !s.custom && !(k == ENFORCER_BPF && s.raw))
                diag_error(d, &n->pos, "missing-key", "'%s' lacks the key 'customProfile', which 'profileType: Custom' needs", what);
        else if (s.custom)
                parse_custom(&s, k, ret, &c, d);

        if (!s.raw)
                return;
        raw = op_context(m, true, prefixes[k]);
        raw.prefix = k == ENFORCER_BPF && s.custom ? "bpf.raw." : prefixes[k];
        if (k == ENFORCER_APPARMOR)
                ops_parse_apparmor(s.raw, "appArmorRawRules", &raw, d);
        else if (k == ENFORCER_BPF)
                ops_parse_bpf(s.raw, "bpfRawRules", &raw, d);
        else
                ops_parse_syscalls(s.raw, "syscallRawRules", &raw, d);
}

static void field_depth_apparmor(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        parse_depth_section(n, f->name, ENFORCER_APPARMOR, userdata, d);
}

static void field_depth_bpf(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        parse_depth_section(n, f->name, ENFORCER_BPF, userdata, d);
}

static void field_depth_seccomp(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        parse_depth_section(n, f->name, ENFORCER_SECCOMP, userdata, d);
}

DEFINE_FIELD_ENUM(field_strictness, Strictness, strictness, _STRICTNESS_MAX)

static const Field sections[] = {
        {"appArmor", field_depth_apparmor},
        {"bpf", field_depth_bpf},
        {"seccomp", field_depth_seccomp},
        {"allowViolations", field_bool, offsetof(Policy, allow_violations)},
        {"strictness", field_strictness, offsetof(Policy, strictness)},
        {"networkProxy", .refused = "it is carried out by a container beside the workload of a pod"},
        {NULL},
};

void policy_parse_depth(const YamlNode *n, Policy *p, const Settings *settings, Diag *d)
{
        ModeContext m = {.policy = p, .settings = settings};

        if (yaml_is_null(n))
                return;
        if (fields_parse(n, &n->pos, "defenseInDepth", sections, p, &m, d) < 0 || p->mode != MODE_DEFENSE_IN_DEPTH)
                return;

        /* Each violation of an allow-list is reported, as DENIED or ALLOWED. */
        p->audit_violations = true;
        for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                if ((p->enforcers & (1U << k)) && p->depth[k].type == PROFILE_NONE)
                        diag_error(d, &n->pos, "missing-key", "'defenseInDepth' lacks the key '%s', and the enforcer %s is chosen",
                                   sections[k].name, enforcer_kind_to_string((EnforcerKind)k));
        if (yaml_get(n, "strictness") && !policy_wants_model(p))
                diag_warning(d, &yaml_get(n, "strictness")->pos, "no-effect",
                             "'strictness' says how far a model is widened, and no profile here is made from one");
}
