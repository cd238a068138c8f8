/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policy documents: the frame of a document (metadata, target, mode, enforcers). What the modes have inside is in
 * policy-modes.c. */

#include "policy-parse.h"

#include <string.h>

#include "fields.h"
#include "pattern.h"
#include "policy-ops.h"

#define API_VERSION "crd.varmor.org/v1beta1"
#define UNIT_NAME_BYTES_MAX 255U
#define OPTIONAL_MAX 512U
#define DURATION_MIN_MAX (365U * 24U * 60U)

/* ---- names ---------------------------------------------------------------------------------------------------------- */

/* A DNS subdomain: these become file names, profile names and object paths. */
static bool name_valid(const char *s)
{
        size_t n = strlen(s);

        return n > 0 && n <= POLICY_NAME_BYTES_MAX && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") == n &&
               g_ascii_isalnum(s[0]) && g_ascii_isalnum(s[n - 1]) && !strstr(s, "..") && !strstr(s, ".-") && !strstr(s, "-.");
}

static bool slice_valid(const char *s)
{
        size_t n = strlen(s);

        if (n <= strlen(".slice") || n > UNIT_NAME_BYTES_MAX || !g_str_has_suffix(s, ".slice"))
                return false;
        /* systemd's slices are nested by their dashes: none may be at the ends, or double. "-.slice" is the root. */
        if (strcmp(s, "-.slice") == 0)
                return true;
        if (s[0] == '-' || strstr(s, "--") || s[n - strlen(".slice") - 1] == '-')
                return false;
        return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.\\@-") == n;
}

void policy_peek_name(const YamlNode *doc, char **ret_name, char **ret_slice, char **ret_full_name)
{
        const YamlNode *metadata = yaml_get(doc, "metadata"), *kind = yaml_get(doc, "kind");
        const YamlNode *name = yaml_get(metadata, "name"), *slice = yaml_get(metadata, "namespace");
        bool below = kind && kind->type == YAML_SCALAR && g_ascii_strcasecmp(kind->scalar, "VarmorPolicy") == 0;

        *ret_name = *ret_slice = *ret_full_name = NULL;
        if (name && name->type == YAML_SCALAR && name_valid(name->scalar))
                *ret_name = g_strdup(name->scalar);
        if (below && slice && slice->type == YAML_SCALAR && slice_valid(slice->scalar))
                *ret_slice = g_strdup(slice->scalar);
        if (*ret_name && below == !!*ret_slice)
                *ret_full_name = below ? g_strdup_printf("%s/%s", *ret_slice, *ret_name) : g_strdup(*ret_name);
}

/* ---- metadata --------------------------------------------------------------------------------------------------------- */

typedef struct Document {
        char *api_version, *kind;
        const YamlNode *metadata, *spec;
} Document;

typedef struct Metadata {
        char *name, *namespace;
        const YamlNode *namespace_node;
} Metadata;

static void document_done(Document *o)
{
        g_free(o->api_version);
        g_free(o->kind);
}

static void metadata_done(Metadata *m)
{
        g_free(m->name);
        g_free(m->namespace);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Document, document_done)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Metadata, metadata_done)

static void field_api_version(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        const char *s = fields_get_string(n, f->name, d);

        if (s && strcmp(s, API_VERSION) != 0)
                fields_bad_value(n, f->name, "'" API_VERSION "'", d);
}

static void field_kind(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        static const char *const kinds[] = {"VarmorClusterPolicy", "VarmorPolicy", NULL};
        const char *s = fields_get_string(n, f->name, d);

        if (s && !g_strv_contains(kinds, s))
                fields_unknown_word(&n->pos, "bad-value", f->name, s, kinds, d);
        else if (s)
                *(char **)out = g_strdup(s);
}

static void field_name(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        const char *s = fields_get_string(n, f->name, d);

        if (s && !name_valid(s))
                fields_bad_value(n, f->name,
                                 "a name of small letters, digits, '-' and '.', which begins and ends with a letter or digit, "
                                 "of at most 253 characters",
                                 d);
        else if (s)
                *(char **)out = g_strdup(s);
}

/* clang-format off */
static const Field document_fields[] = {
        {"apiVersion", field_api_version, offsetof(Document, api_version), true},
        {"kind", field_kind, offsetof(Document, kind), true},
        {"metadata", field_node, offsetof(Document, metadata), true},
        {"spec", field_node, offsetof(Document, spec), true},
        {"status", .refused = "it is written by the server of Kubernetes, not by people"},
        {NULL},
};

#define SERVER_WRITES .refused = "it is written by the server of Kubernetes, not by people"

static const Field metadata_fields[] = {
        {"name", field_name, offsetof(Metadata, name), true},
        {"namespace", field_string, offsetof(Metadata, namespace)},
        {"labels", field_later},
        {"annotations", field_later},
        {"uid", SERVER_WRITES}, {"resourceVersion", SERVER_WRITES}, {"generation", SERVER_WRITES},
        {"creationTimestamp", SERVER_WRITES}, {"managedFields", SERVER_WRITES}, {"finalizers", SERVER_WRITES},
        {"ownerReferences", SERVER_WRITES}, {"generateName", SERVER_WRITES}, {"selfLink", SERVER_WRITES},
        {NULL},
};
/* clang-format on */

static void parse_metadata(const YamlNode *n, const char *kind, Policy *p, Diag *d)
{
        const YamlNode *namespace = yaml_get(n, "namespace");
        g_auto(Metadata) m = {0};

        if (!n)
                return;
        (void)fields_parse(n, &n->pos, "metadata", metadata_fields, &m, NULL, d);

        if (g_strcmp0(kind, "VarmorPolicy") == 0) {
                if (yaml_is_null(namespace))
                        diag_error(d, &n->pos, "missing-key",
                                   "'metadata' lacks the key 'namespace': a VarmorPolicy needs the slice that it is confined to, "
                                   "such as 'system.slice'");
                else if (m.namespace && !slice_valid(m.namespace))
                        fields_bad_value(namespace, "namespace", "the name of a slice, such as 'system.slice'", d);
                else
                        p->slice = g_steal_pointer(&m.namespace);
        } else if (m.namespace && !g_str_has_suffix(m.namespace, ".slice"))
                diag_warning(d, &namespace->pos, "no-effect",
                             "the 'namespace' of a VarmorClusterPolicy has no effect: it covers the whole host");

        if (m.name)
                p->full_name = p->slice ? g_strdup_printf("%s/%s", p->slice, m.name) : g_strdup(m.name);
        p->name = g_steal_pointer(&m.name);
}

/* ---- target ----------------------------------------------------------------------------------------------------------- */

DEFINE_FIELD_ENUM(field_target_kind_word, TargetKind, target_kind, _TARGET_KIND_MAX)
DEFINE_FIELD_ENUM(field_operator, SelectorOperator, selector_operator, _SELECTOR_OPERATOR_MAX)

static void field_target_kind(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        static const char *const workloads[] = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"};
        bool found = false;

        for (size_t i = 0; n->type == YAML_SCALAR && i < G_N_ELEMENTS(workloads); i++)
                found = found || g_ascii_strcasecmp(n->scalar, workloads[i]) == 0;
        if (found)
                diag_error(d, &n->pos, "refused-value",
                           "the kind '%s' is a workload of Kubernetes, which a host does not have; expected Service, Scope, "
                           "Slice, Container or Cgroup",
                           n->scalar);
        else
                field_target_kind_word(f, n, out, userdata, d);
}

typedef struct TermEntry {
        char *key;
        SelectorOperator op;
        char **values;
} TermEntry;

static void term_entry_done(TermEntry *e)
{
        g_free(e->key);
        g_strfreev(e->values);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TermEntry, term_entry_done)

static const Field term_fields[] = {
        {"key", field_string, offsetof(TermEntry, key), true},
        {"operator", field_operator, offsetof(TermEntry, op), true},
        {"values", field_strings, offsetof(TermEntry, values)},
        {NULL},
};

static void field_expressions(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        GPtrArray *terms = *(GPtrArray **)out;

        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;

        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];
                g_auto(TermEntry) e = {0};
                bool wants_values;
                SelectorTerm *t;

                if (fields_parse(item, &item->pos, f->name, term_fields, &e, userdata, d) < 0)
                        continue;
                wants_values = e.op == SELECTOR_IN || e.op == SELECTOR_NOT_IN;
                if (wants_values != (e.values && *e.values)) {
                        diag_error(d, &item->pos, "bad-value", "the operator '%s' %s", selector_operator_to_string(e.op),
                                   wants_values ? "needs 'values' with at least one element" : "goes without 'values'");
                        continue;
                }
                t = g_new0(SelectorTerm, 1);
                t->pos = item->pos;
                t->key = g_steal_pointer(&e.key);
                t->op = e.op;
                t->values = e.values ? g_steal_pointer(&e.values) : g_new0(char *, 1);
                g_ptr_array_add(terms, t);
        }
}

static void field_labels(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        GPtrArray *terms = *(GPtrArray **)out;

        if (!fields_expect(n, YAML_MAPPING, f->name, d))
                return;

        for (guint i = 0; i < n->pairs->len; i++) {
                const YamlPair *pair = n->pairs->pdata[i];
                const char *value = fields_get_string(pair->value, pair->key, d);
                SelectorTerm *t;

                if (!value)
                        continue;
                t = g_new0(SelectorTerm, 1);
                t->pos = pair->pos;
                t->key = g_strdup(pair->key);
                t->op = SELECTOR_IN;
                t->values = g_new0(char *, 2);
                t->values[0] = g_strdup(value);
                g_ptr_array_add(terms, t);
        }
}

static const Field selector_fields[] = {{"matchLabels", field_labels}, {"matchExpressions", field_expressions}, {NULL}};

static void field_selector(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        GPtrArray **ret = out;

        *ret = g_ptr_array_new_with_free_func((GDestroyNotify)selector_term_free);
        if (fields_parse(n, &n->pos, f->name, selector_fields, ret, userdata, d) == 0 && (*ret)->len == 0)
                diag_error(d, &n->pos, "empty-target",
                           "the selector is empty and would match everything; expected 'matchLabels' or 'matchExpressions'");
}

static const Field target_fields[] = {
        {"kind", field_target_kind, offsetof(TargetSpec, kind), true},
        {"name", field_string, offsetof(TargetSpec, name)},
        {"selector", field_selector, offsetof(TargetSpec, selector)},
        {"force", field_bool, offsetof(TargetSpec, force)},
        {"containers", .refused = "it names containers of a pod; use the kind 'Container'"},
        {NULL},
};

static void check_target_name(const YamlNode *n, TargetSpec *t, Diag *d)
{
        static const char *const suffixes[_TARGET_KIND_MAX] = {
                [TARGET_SERVICE] = ".service", [TARGET_SCOPE] = ".scope", [TARGET_SLICE] = ".slice"};
        const char *suffix = suffixes[t->kind];
        g_autofree char *why = pattern_check(t->name);

        if (why) {
                diag_error(d, &n->pos, "bad-pattern", "bad pattern '%.80s' as 'name': %s", t->name, why);
                return;
        }

        if (suffix && (!g_str_has_suffix(t->name, suffix) || strcmp(t->name, suffix) == 0)) {
                g_autofree char *expected =
                        g_strdup_printf("the name of a %s unit, ending in '%s'", target_kind_to_string(t->kind), suffix);

                fields_bad_value(n, "name", expected, d);
        } else if (suffix && strchr(t->name, '/'))
                fields_bad_value(n, "name", "the name of a unit, which has no '/'; for a path use the kind Cgroup", d);
        else if (suffix && strlen(t->name) > UNIT_NAME_BYTES_MAX)
                fields_bad_value(n, "name", "the name of a unit, of at most 255 characters", d);
        else if (t->kind == TARGET_CGROUP && (t->name[0] != '/' || !t->name[1]))
                fields_bad_value(n, "name", "a path below the root of the cgroup hierarchy, such as '/system.slice/x.service'",
                                 d);
}

static void field_target(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        TargetSpec *t = out;
        bool has_name = !yaml_is_null(yaml_get(n, "name")), has_selector = !yaml_is_null(yaml_get(n, "selector"));

        t->pos = n->pos;
        t->kind = _TARGET_KIND_INVALID;
        (void)fields_parse(n, &n->pos, "spec.target", target_fields, t, userdata, d);
        if (n->type != YAML_MAPPING)
                return;

        if (has_name && has_selector)
                diag_error(d, &n->pos, "exclusive-keys", "found both 'name' and 'selector' in 'spec.target', expected one of them");
        else if (!has_name && !has_selector)
                diag_error(d, &n->pos, "empty-target", "'spec.target' needs one of the keys 'name' and 'selector'");

        if (t->name && (int)t->kind >= 0)
                check_target_name(yaml_get(n, "name"), t, d);
        if (has_selector && t->kind == TARGET_CGROUP)
                diag_error(d, &yaml_get(n, "selector")->pos, "bad-value",
                           "a selector looks at the properties of units, which a Cgroup has not; expected 'name'");
        if (has_selector && (int)t->kind >= 0)
                t->pos = yaml_get(n, "selector")->pos;
}

/* ---- spec --------------------------------------------------------------------------------------------------------------- */

static void field_failure_policy(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        static const char *const words[] = {"closed", "open", NULL};
        const char *s = fields_get_string(n, f->name, d);

        if (s && !g_strv_contains(words, s))
                fields_unknown_word(&n->pos, "bad-value", f->name, s, words, d);
        else if (s)
                *(bool *)out = strcmp(s, "open") == 0;
}

/* The enforcers of @s in whatever order, if it is made of their names and nothing else; else 0. */
static uint32_t enforcers_anyhow(const char *s)
{
        uint32_t mask = 0;

        while (*s) {
                size_t before = strlen(s);

                for (int k = 0; k < _ENFORCER_KIND_MAX; k++) {
                        const char *name = enforcer_kind_to_string((EnforcerKind)k);

                        if (g_ascii_strncasecmp(s, name, strlen(name)) == 0) {
                                mask |= 1U << k;
                                s += strlen(name);
                        }
                }
                s += strspn(s, " ,+");
                if (strlen(s) == before)
                        return 0;
        }

        return mask;
}

static void field_enforcer(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        static const char *const words[] = {"AppArmor", "BPF", "Seccomp", "AppArmorBPF", "AppArmorSeccomp", "BPFSeccomp",
                                            "AppArmorBPFSeccomp", NULL};
        const char *s = fields_get_string(n, f->name, d);
        int mask = s ? enforcer_mask_from_string(s) : -EINVAL;

        if (s && strstr(s, "NetworkProxy"))
                diag_error(d, &n->pos, "refused-value",
                           "the enforcer 'NetworkProxy' is a container beside the workload of a pod; expected AppArmor, BPF, "
                           "Seccomp, or a combination in that order");
        else if (s && mask < 0 && enforcers_anyhow(s)) {
                g_autofree char *ordered = enforcer_mask_to_string(enforcers_anyhow(s));

                diag_error(d, &n->pos, "bad-value", "unknown enforcer '%.80s'; did you mean '%s'?", s, ordered);
        } else if (s && mask < 0)
                fields_unknown_word(&n->pos, "bad-value", f->name, s, words, d);
        else if (s)
                *(uint32_t *)out = (uint32_t)mask;
}

DEFINE_FIELD_ENUM(field_mode, Mode, mode, _MODE_MAX)

static void field_duration(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        uint64_t minutes;

        if (fields_get_uint(n, f->name, 1, DURATION_MIN_MAX, &minutes, d) == 0)
                *(uint32_t *)out = (uint32_t)minutes;
}

static const Field modeling_fields[] = {{"duration", field_duration, 0, true}, {NULL}};

static void field_modeling(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        (void)fields_parse(n, &n->pos, "modelingOptions", modeling_fields, out, userdata, d);
}

/* clang-format off */
static const Field policy_fields[] = {
        {"enforcer", field_enforcer, offsetof(Policy, enforcers), true},
        {"mode", field_mode, offsetof(Policy, mode), true},
        {"enhanceProtect", field_later},
        {"modelingOptions", field_modeling, offsetof(Policy, duration_min)},
        {"defenseInDepth", field_later},
        {"optional", field_later},
        {"networkProxyConfig", .refused = "it configures a container beside the workload of a pod"},
        {"privileged", .refused = "it belongs into 'enhanceProtect'"},
        {NULL},
};

static const Field spec_fields[] = {
        {"target", field_target, offsetof(Policy, target), true},
        {"failurePolicy", field_failure_policy, offsetof(Policy, fail_open)},
        {"updateExistingWorkloads", field_bool, offsetof(Policy, update_existing)},
        {"policy", field_later, 0, true},
        {NULL},
};
/* clang-format on */

/* The section that a mode cannot do without. */
static void check_mode_section(const YamlNode *n, const Policy *p, Diag *d)
{
        static const char *const sections[_MODE_MAX] = {[MODE_ENHANCE_PROTECT] = "enhanceProtect",
                                                        [MODE_BEHAVIOR_MODELING] = "modelingOptions",
                                                        [MODE_DEFENSE_IN_DEPTH] = "defenseInDepth"};
        const char *section = (int)p->mode >= 0 ? sections[p->mode] : NULL;

        if (section && yaml_is_null(yaml_get(n, section)))
                diag_error(d, &p->mode_pos, "missing-key", "the mode %s needs the section '%s'%s", mode_to_string(p->mode), section,
                           p->mode == MODE_BEHAVIOR_MODELING ? " with a duration in minutes" : "");
}

/* What may stand in `optional`: rules and kinds. To be freed, the array only. */
static const char **optional_names(const Catalogue *catalogue)
{
        guint n = g_strv_length((char **)catalogue->names);
        const char **names = g_new0(const char *, n + _OP_KIND_MAX + 1);

        memcpy(names, catalogue->names, sizeof(*names) * n);
        for (int k = 0; k < _OP_KIND_MAX; k++)
                names[n + (guint)k] = op_kind_to_string((OpKind)k);
        return names;
}

/* Marks the rules that may go unenforced. */
static void parse_optional(const YamlNode *n, Policy *p, const Catalogue *catalogue, Diag *d)
{
        if (yaml_is_null(n) || !fields_expect(n, YAML_SEQUENCE, "optional", d))
                return;
        if (n->items->len > OPTIONAL_MAX) {
                fields_bad_value(n, "optional", "at most 512 elements", d);
                return;
        }

        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];
                const char *s = fields_get_string(item, "optional", d);
                const NamedRule *named = s ? catalogue_find(catalogue, s) : NULL;
                OpKind kind = s ? op_kind_from_string(s) : _OP_KIND_INVALID;
                bool used = false;

                if (!s)
                        continue;
                for (guint j = 0; j < p->rules->len; j++) {
                        Rule *r = p->rules->pdata[j];

                        if ((named && strcmp(r->id, named->id) == 0) || r->kind == kind || strcmp(r->id, s) == 0)
                                r->optional = used = true;
                }
                if (!used && !named && (int)kind < 0) {
                        if (strchr(s, '['))
                                diag_error(d, &item->pos, "unknown-rule", "found '%.80s' as 'optional', expected a rule of this policy",
                                           s);
                        else {
                                g_autofree const char **names = optional_names(catalogue);

                                fields_unknown_word(&item->pos, "unknown-rule", "rule or kind", s, names, d);
                        }
                }
        }
}

/* ---- what varmor adds --------------------------------------------------------------------------------------------------- */

/* What is denied in the mode RuntimeDefault is blocked and reported: there is no disposition in it to say otherwise. */
static void add_runtime_default(Policy *p, const Catalogue *catalogue, Diag *d)
{
        const NamedRule *named = catalogue_find(catalogue, RULE_ID_RUNTIME_DEFAULT);

        if (p->mode == MODE_RUNTIME_DEFAULT)
                p->audit_violations = true;
        if (!named || named->category != RULE_RUNTIME_DEFAULT) {
                diag_error(d, &p->mode_pos, "default-missing",
                           "the rule '" RULE_ID_RUNTIME_DEFAULT "' is missing from rules.d; this mode consists of it, or builds on it");
                return;
        }
        (void)policy_add_named(p, named, RULE_DEFAULT, NULL, NULL);
        p->depth[ENFORCER_SECCOMP] = named->seccomp;
}

static void add_own_rules(Policy *p, const Catalogue *catalogue, Diag *d)
{
        const NamedRule *named;

        if (policy_builds_on_default(p))
                add_runtime_default(p, catalogue, d);
        if (p->mode == MODE_DEFENSE_IN_DEPTH && p->enforcers & (1U << ENFORCER_APPARMOR | 1U << ENFORCER_BPF)) {
                named = catalogue_find(catalogue, RULE_ID_ALLOW_LIST_BASE);
                if (named)
                        (void)policy_add_named(p, named, RULE_BUILT_IN, NULL, NULL);
        }
        if (!policy_denies(p))
                return;
        named = catalogue_find(catalogue, RULE_ID_BASE_PROTECTION);
        if (named)
                (void)policy_add_named(p, named, RULE_BASE, NULL, NULL);
        if (catalogue->base_missing)
                diag_error(d, &p->pos, "base-missing",
                           "the rule 'base-protection' is missing from rules.d; without it a policy could be undone by what it "
                           "confines");
}

static void parse_policy(const YamlNode *n, Policy *p, const Catalogue *catalogue, const Settings *settings, Diag *d)
{
        const YamlNode *mode = yaml_get(n, "mode"), *enforcer = yaml_get(n, "enforcer");
        g_autoptr(Policy) scratch = policy_new();

        if (!n)
                return;
        (void)fields_parse(n, &n->pos, "spec.policy", policy_fields, p, NULL, d);
        p->mode_pos = mode ? mode->pos : n->pos;
        p->enforcers_pos = enforcer ? enforcer->pos : n->pos;
        p->mode_runtime = mode && g_str_has_prefix(mode->pos.file, "/run/");
        check_mode_section(n, p, d);

        scratch->enforcers = p->enforcers;
        policy_parse_enhance(yaml_get(n, "enhanceProtect"), p->mode == MODE_ENHANCE_PROTECT ? p : scratch, catalogue, settings, d);
        policy_parse_depth(yaml_get(n, "defenseInDepth"), p->mode == MODE_DEFENSE_IN_DEPTH ? p : scratch, settings, d);
        parse_optional(yaml_get(n, "optional"), p, catalogue, d);

        if (p->rules->len > POLICY_RULES_MAX)
                diag_error(d, &n->pos, "too-large", "more than %u rules in one policy", POLICY_RULES_MAX);

        if ((int)p->mode >= 0)
                add_own_rules(p, catalogue, d);
}

int policy_parse(const YamlNode *doc, const Catalogue *catalogue, const Settings *settings, Policy **ret, Diag *d)
{
        g_autoptr(Policy) p = policy_new();
        g_auto(Document) o = {0};
        uint32_t errors = d->n_errors;

        p->pos = doc->pos;
        p->mode = _MODE_INVALID;
        p->target.kind = _TARGET_KIND_INVALID;

        (void)fields_parse(doc, &doc->pos, "document", document_fields, &o, NULL, d);
        parse_metadata(o.metadata, o.kind, p, d);
        if (o.spec) {
                (void)fields_parse(o.spec, &o.spec->pos, "spec", spec_fields, p, NULL, d);
                parse_policy(yaml_get(o.spec, "policy"), p, catalogue, settings, d);
        }

        if (d->n_errors > errors)
                return -EBADMSG;

        *ret = g_steal_pointer(&p);
        return 0;
}
