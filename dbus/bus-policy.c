/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interface org.varmor1.Policy; the contract is org.varmor1.Policy.xml. There is one vtable for all policies:
 * which one is meant is found by the path at each call, so that nothing here outlives the manager's entry. */

#include <errno.h>

#include "set-mode.h"

char *policy_object_path(const char *full_name)
{
        char *path;

        return sd_bus_path_encode(VARMOR_POLICY_PREFIX, full_name, &path) < 0 ? NULL : path;
}

const BundlePolicy *policy_bundle(const PolicyEntry *e)
{
        return e->current ?: e->failed;
}

/* The Bus, given that the userdata of a handler is the policy. */
static Bus *current_bus(sd_bus_message *m)
{
        return sd_bus_slot_get_userdata(sd_bus_get_current_slot(sd_bus_message_get_bus(m)));
}

/* ---- modes ------------------------------------------------------------------------------------------------------ */

static int method_mode(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const PolicyEntry *e = userdata;

        return set_mode_call(current_bus(m), m, e->full_name, mode_from_string(sd_bus_message_get_member(m)), 0,
                             error);
}

static int method_behavior_modeling(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const PolicyEntry *e = userdata;
        uint32_t minutes;

        int r = sd_bus_message_read(m, "u", &minutes);
        if (r < 0)
                return r;
        if (minutes == 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "A recording lasts at least one minute");
        return set_mode_call(current_bus(m), m, e->full_name, MODE_BEHAVIOR_MODELING, minutes, error);
}

/* ---- rules and diagnostics ---------------------------------------------------------------------------------------
 */

static const char *rule_origin_word(RuleOrigin o)
{
        switch (o) {
        case RULE_BUILT_IN:
                return "built-in";
        case RULE_CUSTOM:
                return "custom";
        case RULE_BASE:
                return "base";
        case RULE_DEFAULT:
                return "runtime-default";
        default:
                return "";
        }
}

static uint32_t rule_enforced_by(const PolicyEntry *e, const RuleStatus *s)
{
        return s->enforced_by & ~e->missing;
}

static int append_enforced_by(sd_bus_message *m, uint32_t mask)
{
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (EnforcerKind k = 0; r >= 0 && k < _ENFORCER_KIND_MAX; k++)
                if (mask & (1U << k))
                        r = sd_bus_message_append(m, "s", enforcer_kind_to_string(k));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_why_not(sd_bus_message *m, const Request *q, const PolicyEntry *e, const RuleStatus *s)
{
        const EnforcerInfo *info = manager_enforcers(q->manager);

        int r = sd_bus_message_open_container(m, 'a', "{ss}");
        for (EnforcerKind k = 0; r >= 0 && k < _ENFORCER_KIND_MAX; k++) {
                const char *why = s->why_not[k];

                if (!why && (e->missing & (1U << k)))
                        why = info[k].missing;
                if (!why)
                        continue;
                r = sd_bus_message_open_container(m, 'e', "ss");
                if (r >= 0)
                        r = append_text(m, enforcer_kind_to_string(k));
                if (r >= 0)
                        r = append_text(m, why);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Since when, or on how many targets, each of the enforcers in @by enforces: @type t or u. */
static int append_enforcement(sd_bus_message *m, const char *key, char type, uint32_t by, const Enforcement *all)
{
        const char dict[] = {'a', '{', 's', type, '}', '\0'}, entry[] = {'{', 's', type, '}', '\0'};

        int r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", key);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', dict);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', entry);
        for (EnforcerKind k = 0; r >= 0 && k < _ENFORCER_KIND_MAX; k++) {
                if (!(by & 1U << k) || !all[k].in_force)
                        continue;
                if (type == 't')
                        r = sd_bus_message_append(m, "{st}", enforcer_kind_to_string(k), all[k].since_usec);
                else
                        r = sd_bus_message_append(m, "{su}", enforcer_kind_to_string(k), all[k].targets);
        }
        for (unsigned i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int append_rule_facts(sd_bus_message *m, const PolicyEntry *e, const RuleStatus *s, const Enforcement *all)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && s->pos.file)
                r = append_entry(m, "file", s->pos.file);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}", "line", "u", s->pos.line, "column", "u", s->pos.column,
                                          "optional", "b", (int)s->optional);
        if (r >= 0)
                r = append_enforcement(m, "since", 't', rule_enforced_by(e, s), all);
        if (r >= 0)
                r = append_enforcement(m, "targets", 'u', rule_enforced_by(e, s), all);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_rule(sd_bus_message *m, const Request *q, const PolicyEntry *e, const RuleStatus *s, const Enforcement *all)
{
        const char *const words[] = {s->id, rule_origin_word(s->origin), op_kind_to_string(s->kind), s->summary};

        int r = sd_bus_message_open_container(m, 'r', "ssssasa{ss}a{sv}");
        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(words); i++)
                r = append_text(m, words[i]);
        if (r >= 0)
                r = append_enforced_by(m, rule_enforced_by(e, s));
        if (r >= 0)
                r = append_why_not(m, q, e, s);
        if (r >= 0)
                r = append_rule_facts(m, e, s, all);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_rules(sd_bus_message *m, const Request *q, const PolicyEntry *e)
{
        const BundlePolicy *p = policy_bundle(e);
        Enforcement all[_ENFORCER_KIND_MAX];

        int r = manager_enforcement(q->manager, e->full_name, all);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(ssssasa{ss}a{sv})");
        for (guint i = 0; r >= 0 && p && p->rules && i < p->rules->len; i++)
                r = append_rule(m, q, e, g_ptr_array_index(p->rules, i), all);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_diagnostics(sd_bus_message *m, const Request *q, const PolicyEntry *e)
{
        return append_diag(m, policy_entry_diag(e), true);
}

/* The policy may have gone while polkit was asked. */
static void reply_about(Request *q, int (*append)(sd_bus_message *m, const Request *q, const PolicyEntry *e))
{
        g_autoptr(sd_bus_message) reply = NULL;
        const PolicyEntry *e = manager_find_policy(q->manager, q->policy);

        int r = e ? sd_bus_message_new_method_return(q->message, &reply) : -ENOENT;
        if (r >= 0)
                r = append(reply, q, e);
        if (r < 0)
                request_reply_errno(q, r);
        else
                request_reply_message(q, reply);
}

static void act_list_rules(Request *q)
{
        reply_about(q, append_rules);
}

static void act_list_diagnostics(Request *q)
{
        reply_about(q, append_diagnostics);
}

static int read_about(sd_bus_message *m, const PolicyEntry *e, RequestAct act, sd_bus_error *error)
{
        Request *q = request_new(current_bus(m), m, VARMOR_ACTION_READ_RULES, act);

        q->policy = g_strdup(e->full_name);
        return request_authorize(q, error);
}

static int method_list_rules(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return read_about(m, userdata, act_list_rules, error);
}

static int method_list_diagnostics(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return read_about(m, userdata, act_list_diagnostics, error);
}

static int method_list_targets(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const PolicyEntry *e = userdata;
        g_autoptr(sd_bus_message) reply = NULL;
        g_autoptr(GPtrArray) targets = NULL;

        int r = manager_targets(current_bus(m)->manager, e->full_name, &targets);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_targets(reply, targets, false);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* ---- properties --------------------------------------------------------------------------------------------------
 */

/* "User in (www-data,nginx)" */
static void append_selector_term(GString *text, const SelectorTerm *t)
{
        g_autofree char *values = t->values ? g_strjoinv(",", t->values) : NULL;

        if (text->len > 0)
                g_string_append(text, ", ");
        switch (t->op) {
        case SELECTOR_IN:
                g_string_append_printf(text, "%s in (%s)", t->key, values ?: "");
                break;
        case SELECTOR_NOT_IN:
                g_string_append_printf(text, "%s notin (%s)", t->key, values ?: "");
                break;
        case SELECTOR_EXISTS:
                g_string_append(text, t->key);
                break;
        default:
                g_string_append_printf(text, "!%s", t->key);
        }
}

static char *target_words(const TargetSpec *t)
{
        g_autoptr(GString) selector = g_string_new(NULL);

        if (t->kind < 0 || t->kind >= _TARGET_KIND_MAX || (!t->name && !t->selector))
                return g_strdup("");
        for (guint i = 0; t->selector && i < t->selector->len; i++)
                append_selector_term(selector, g_ptr_array_index(t->selector, i));
        return g_strconcat(target_kind_to_string(t->kind), " ", t->name ?: selector->str, t->force ? " (force)" : "",
                           NULL);
}

static int property_get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const PolicyEntry *e = userdata;
        const BundlePolicy *p = policy_bundle(e);
        g_autofree char *enforcers = p && p->enforcers ? enforcer_mask_to_string(p->enforcers) : NULL;
        g_autofree char *target = p ? target_words(&p->target) : NULL;
        const struct {
                const char *name, *value;
        } texts[] = {
                {"Name", e->full_name},
                {"Mode", policy_mode_word(e)},
                {"ModeOrigin", mode_origin_to_string(e->mode_origin)},
                {"Enforcers", enforcers},
                {"State", policy_state_to_string(e->state)},
                {"StateReason", e->why},
                {"SourceFile", policy_entry_source(e)},
                {"Target", target},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
                if (g_str_equal(property, texts[i].name))
                        return append_text(reply, texts[i].value);
        return -EINVAL;
}

static int property_get_files(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const BundlePolicy *p = policy_bundle(userdata);

        return append_texts(reply, p ? (const char *const *)p->files : NULL);
}

static int property_get_flag(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const BundlePolicy *p = policy_bundle(userdata);
        bool value = p && (g_str_equal(property, "AllowViolations") ? p->allow_violations : p->audit_violations);

        return sd_bus_message_append(reply, "b", (int)value);
}

static int property_get_since(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const PolicyEntry *e = userdata;

        return sd_bus_message_append(reply, "t", e->since_usec);
}

static int property_get_recording(sd_bus *bus, const char *path, const char *interface, const char *property,
                                  sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const PolicyEntry *e = userdata;

        if (g_str_equal(property, "ModelIsComplete"))
                return sd_bus_message_append(reply, "b", (int)e->model_complete);
        return sd_bus_message_append(reply, "t",
                                     g_str_equal(property, "RecordingStarted") ? e->recording_started_usec
                                     : g_str_equal(property, "RecordingEnds")  ? e->recording_ends_usec
                                     : g_str_equal(property, "RecordedOps")    ? e->recorded_ops
                                                                               : e->recording_lost);
}

static int property_get_rules(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const PolicyEntry *e = userdata;
        const BundlePolicy *p = policy_bundle(e);
        bool all = g_str_equal(property, "Rules");
        uint32_t n = 0;

        for (guint i = 0; p && p->rules && i < p->rules->len; i++)
                n += all || rule_enforced_by(e, g_ptr_array_index(p->rules, i)) == 0;
        return sd_bus_message_append(reply, "u", n);
}

static int property_get_found(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const Diag *d = policy_entry_diag(userdata);

        return sd_bus_message_append(reply, "u",
                                     !d                                ? 0
                                     : g_str_equal(property, "Errors") ? d->n_errors
                                                                       : d->n_warnings);
}

#define READ SD_BUS_VTABLE_UNPRIVILEGED
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define OPTIONS SD_BUS_ARGS("a{sv}", options)

/* Every method is "unprivileged" for sd-bus: authorize.c is the gate. */
static const sd_bus_vtable policy_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("AlwaysAllow", OPTIONS, SD_BUS_NO_RESULT, method_mode, READ),
        SD_BUS_METHOD_WITH_ARGS("RuntimeDefault", OPTIONS, SD_BUS_NO_RESULT, method_mode, READ),
        SD_BUS_METHOD_WITH_ARGS("EnhanceProtect", OPTIONS, SD_BUS_NO_RESULT, method_mode, READ),
        SD_BUS_METHOD_WITH_ARGS("BehaviorModeling", SD_BUS_ARGS("u", minutes, "a{sv}", options), SD_BUS_NO_RESULT,
                                method_behavior_modeling, READ),
        SD_BUS_METHOD_WITH_ARGS("DefenseInDepth", OPTIONS, SD_BUS_NO_RESULT, method_mode, READ),
        SD_BUS_METHOD_WITH_ARGS("ListRules", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssssasa{ss}a{sv})", rules),
                                method_list_rules, READ),
        SD_BUS_METHOD_WITH_ARGS("ListTargets", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ss)", targets), method_list_targets,
                                READ),
        SD_BUS_METHOD_WITH_ARGS("ListDiagnostics", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssuuss)", messages),
                                method_list_diagnostics, READ),
        SD_BUS_PROPERTY("Name", "s", property_get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Mode", "s", property_get_text, 0, CHANGES),
        SD_BUS_PROPERTY("ModeOrigin", "s", property_get_text, 0, CHANGES),
        SD_BUS_PROPERTY("Enforcers", "s", property_get_text, 0, CHANGES),
        SD_BUS_PROPERTY("State", "s", property_get_text, 0, CHANGES),
        SD_BUS_PROPERTY("StateReason", "s", property_get_text, 0, CHANGES),
        SD_BUS_PROPERTY("StateSince", "t", property_get_since, 0, CHANGES),
        SD_BUS_PROPERTY("SourceFile", "s", property_get_text, 0, CHANGES),
        SD_BUS_PROPERTY("Files", "as", property_get_files, 0, CHANGES),
        SD_BUS_PROPERTY("Target", "s", property_get_text, 0, CHANGES),
        SD_BUS_PROPERTY("AllowViolations", "b", property_get_flag, 0, CHANGES),
        SD_BUS_PROPERTY("AuditViolations", "b", property_get_flag, 0, CHANGES),
        SD_BUS_PROPERTY("Rules", "u", property_get_rules, 0, CHANGES),
        SD_BUS_PROPERTY("RulesUnenforced", "u", property_get_rules, 0, CHANGES),
        SD_BUS_PROPERTY("Errors", "u", property_get_found, 0, CHANGES),
        SD_BUS_PROPERTY("Warnings", "u", property_get_found, 0, CHANGES),
        SD_BUS_PROPERTY("RecordingStarted", "t", property_get_recording, 0, CHANGES),
        SD_BUS_PROPERTY("RecordingEnds", "t", property_get_recording, 0, CHANGES),
        SD_BUS_PROPERTY("RecordedOps", "t", property_get_recording, 0, 0),
        SD_BUS_PROPERTY("RecordingLost", "t", property_get_recording, 0, 0),
        SD_BUS_PROPERTY("ModelIsComplete", "b", property_get_recording, 0, CHANGES),
        SD_BUS_SIGNAL_WITH_ARGS("ModelProgress", SD_BUS_ARGS("t", ops, "t", lost), 0),
        SD_BUS_SIGNAL_WITH_ARGS("ModelComplete", SD_BUS_ARGS("t", ops, "t", lost), 0),
        SD_BUS_VTABLE_END,
};

static int policy_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                       sd_bus_error *error)
{
        g_autofree char *name = NULL;
        Bus *b = userdata;

        int r = sd_bus_path_decode(path, VARMOR_POLICY_PREFIX, &name);
        if (r <= 0)
                return r;

        const PolicyEntry *e = manager_find_policy(b->manager, name);
        *ret_found = (void *)e; /* the handlers read it as const */
        return e ? 1 : 0;
}

static int policy_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes, sd_bus_error *error)
{
        Bus *b = userdata;
        g_autoptr(GPtrArray) policies = manager_policies(b->manager);
        g_autoptr(GPtrArray) paths = g_ptr_array_new();

        for (guint i = 0; i < policies->len; i++) {
                const PolicyEntry *e = g_ptr_array_index(policies, i);
                g_ptr_array_add(paths, policy_object_path(e->full_name));
        }
        g_ptr_array_add(paths, NULL);
        *ret_nodes = (char **)g_ptr_array_steal(paths, NULL);
        return 1;
}

int bus_policy_add(Bus *b)
{
        int r = sd_bus_add_fallback_vtable(b->bus, NULL, VARMOR_POLICY_PREFIX, VARMOR_POLICY, policy_vtable,
                                           policy_find, b);
        return r < 0 ? r : sd_bus_add_node_enumerator(b->bus, NULL, VARMOR_POLICY_PREFIX, policy_enumerate, b);
}
