/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interface org.varmor1.Manager; the contract is org.varmor1.Manager.xml. */

#include <errno.h>
#include <limits.h>

#include "set-mode.h"

#ifndef VARMOR_VERSION
#error "VARMOR_VERSION comes from the build"
#endif

static int append_policy(sd_bus_message *m, const PolicyEntry *e)
{
        const BundlePolicy *p = policy_bundle(e);
        g_autofree char *path = policy_object_path(e->full_name);
        g_autofree char *enforcers = p && p->enforcers ? enforcer_mask_to_string(p->enforcers) : NULL;

        int r = sd_bus_message_open_container(m, 'r', "sssso");
        if (r >= 0)
                r = append_text(m, e->full_name);
        if (r >= 0)
                r = append_text(m, policy_mode_word(e));
        if (r >= 0)
                r = append_text(m, enforcers);
        if (r >= 0)
                r = sd_bus_message_append(m, "so", policy_state_to_string(e->state), path);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int method_list_policies(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *b = userdata;
        g_autoptr(GPtrArray) policies = manager_policies(b->manager);
        g_autoptr(sd_bus_message) reply = NULL;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sssso)");
        for (guint i = 0; r >= 0 && i < policies->len; i++)
                r = append_policy(reply, g_ptr_array_index(policies, i));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int method_get_policy(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *b = userdata;
        const char *name;

        int r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        if (!manager_find_policy(b->manager, name))
                return sd_bus_error_setf(error, VARMOR_ERROR_NO_SUCH_POLICY, "There is no policy called \"%s\"", name);

        g_autofree char *path = policy_object_path(name);
        return sd_bus_reply_method_return(m, "o", path);
}

static int method_set_mode(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *policy, *mode;

        int r = sd_bus_message_read(m, "ss", &policy, &mode);
        if (r < 0)
                return r;

        Mode value = mode_from_string(mode);
        if (value < 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "There is no mode called \"%s\"", mode);
        return set_mode_call(userdata, m, policy, value, 0, error);
}

static void act_reset_mode(Request *q)
{
        int r = manager_reset_mode(q->manager, q->policy, request_done, q);
        if (r < 0)
                request_reply_errno(q, r);
}

static int method_reset_mode(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *b = userdata;
        const char *policy;

        int r = sd_bus_message_read(m, "s", &policy);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        if (sd_bus_message_at_end(m, false) == 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "ResetMode knows no options");
        if (!manager_find_policy(b->manager, policy))
                return sd_bus_error_setf(error, VARMOR_ERROR_NO_SUCH_POLICY, "There is no policy called \"%s\"",
                                         policy);

        Request *q = request_new(b, m, VARMOR_ACTION_SET_MODE, act_reset_mode);
        q->policy = g_strdup(policy);
        return request_authorize(q, error);
}

static void act_reload(Request *q)
{
        int r = manager_reload(q->manager, request_done, q);
        if (r < 0)
                request_reply_errno(q, r);
}

static int method_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return request_authorize(request_new(userdata, m, VARMOR_ACTION_RELOAD, act_reload), error);
}

static int append_covers(sd_bus_message *reply, const Manager *m, const char *cgroup)
{
        g_auto(GStrv) names = manager_covers(m, cgroup);
        int r = sd_bus_message_open_container(reply, 'a', "(su)");

        for (char **n = names; r >= 0 && *n; n++)
                r = sd_bus_message_append(reply, "(su)", *n, manager_in_force(m, *n));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* What is refused somewhere is nothing to the cgroup: what it is under is what counts. */
static void cover_done(Manager *manager, int result, const Diag *diag, void *userdata)
{
        g_autoptr(sd_bus_message) reply = NULL;
        Request *q = userdata;

        if (result < 0 && result != -EBADMSG) {
                request_reply_errno(q, result);
                return;
        }
        int r = sd_bus_message_new_method_return(q->message, &reply);
        if (r >= 0)
                r = append_covers(reply, manager, q->document);
        if (r < 0)
                request_reply_errno(q, r);
        else
                request_reply_message(q, reply);
}

static void act_await_cover(Request *q)
{
        int r = manager_reload(q->manager, cover_done, q);
        if (r < 0)
                request_reply_errno(q, r);
}

static int method_await_cover(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *cgroup;

        int r = sd_bus_message_read(m, "s", &cgroup);
        if (r < 0)
                return r;
        if (*cgroup != '/' || strlen(cgroup) >= PATH_MAX)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "A path below the root of the cgroups begins with \"/\"");

        Request *q = request_new(userdata, m, VARMOR_ACTION_RELOAD, act_await_cover);
        q->document = g_strdup(cgroup);
        return request_authorize(q, error);
}

static void check_done(Manager *manager, int result, const Diag *diag, void *userdata)
{
        g_autoptr(sd_bus_message) reply = NULL;
        Request *q = userdata;

        if (result < 0 && result != -EBADMSG) {
                request_reply_errno(q, result);
                return;
        }
        int r = sd_bus_message_new_method_return(q->message, &reply);
        if (r >= 0)
                r = append_diag(reply, diag, false);
        if (r < 0)
                request_reply_errno(q, r);
        else
                request_reply_message(q, reply);
}

static void act_check(Request *q)
{
        int r = manager_check(q->manager, q->document, q->size_bytes, check_done, q);
        if (r < 0)
                request_reply_errno(q, r);
}

static int method_check(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *document;

        int r = sd_bus_message_read(m, "s", &document);
        if (r < 0)
                return r;

        size_t size = strlen(document);
        if (size > MANAGER_CHECK_BYTES_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "The document is larger than %u bytes",
                                         MANAGER_CHECK_BYTES_MAX);

        Request *q = request_new(userdata, m, VARMOR_ACTION_CHECK, act_check);
        q->document = g_strndup(document, size);
        q->size_bytes = size;
        return request_authorize(q, error);
}

static int method_list_targets(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        g_autoptr(sd_bus_message) reply = NULL;
        g_autoptr(GPtrArray) targets = NULL;
        Bus *b = userdata;

        int r = manager_targets(b->manager, NULL, &targets);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_targets(reply, targets, true);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void act_list_diagnostics(Request *q)
{
        g_autoptr(sd_bus_message) reply = NULL;

        int r = sd_bus_message_new_method_return(q->message, &reply);
        if (r >= 0)
                r = append_diag(reply, manager_diag(q->manager), true);
        if (r < 0)
                request_reply_errno(q, r);
        else
                request_reply_message(q, reply);
}

static int method_list_diagnostics(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return request_authorize(request_new(userdata, m, VARMOR_ACTION_READ_RULES, act_list_diagnostics), error);
}

/* ---- properties ------------------------------------------------------------------------------------------------- */

static int property_get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "s", VARMOR_VERSION);
}

static int property_get_status(sd_bus *bus, const char *path, const char *interface, const char *property,
                               sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        Bus *b = userdata;
        g_autofree char *status = manager_dup_status(b->manager);

        return append_text(reply, status);
}

static int property_get_disabled(sd_bus *bus, const char *path, const char *interface, const char *property,
                                 sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        Bus *b = userdata;

        return sd_bus_message_append(reply, "b", manager_is_disabled(b->manager));
}

static int property_get_enforcers(sd_bus *bus, const char *path, const char *interface, const char *property,
                                  sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        Bus *b = userdata;
        const EnforcerInfo *info = manager_enforcers(b->manager);

        int r = sd_bus_message_open_container(reply, 'a', "(sbs)");
        for (EnforcerKind k = 0; r >= 0 && k < _ENFORCER_KIND_MAX; k++) {
                r = sd_bus_message_open_container(reply, 'r', "sbs");
                if (r >= 0)
                        r = sd_bus_message_append(reply, "sb", enforcer_kind_to_string(k), info[k].available);
                if (r >= 0)
                        r = append_text(reply, info[k].available ? "" : info[k].missing);
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_get_found(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        Bus *b = userdata;
        g_autoptr(GPtrArray) policies = manager_policies(b->manager);
        bool errors = g_str_equal(property, "Errors");
        const Diag *d = manager_diag(b->manager);
        uint32_t n = !d ? 0 : errors ? d->n_errors : d->n_warnings;

        for (guint i = 0; i < policies->len; i++) {
                d = policy_entry_diag(g_ptr_array_index(policies, i));
                n += !d ? 0 : errors ? d->n_errors : d->n_warnings;
        }
        return sd_bus_message_append(reply, "u", n);
}

static int property_get_counter(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        Bus *b = userdata;
        ManagerCounters c;

        manager_get_counters(b->manager, &c);
        const struct {
                const char *name;
                uint64_t value;
        } counters[] = {
                {"Alarms", c.alarms},
                {"LimitedAlarms", c.alarms_limited},
                {"UnwrittenAlarms", c.journal_dropped},
                {"LostEvents", c.events_lost},
                {"SkippedPrograms", c.programs_skipped},
                {"LostLabels", c.labels_lost},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(counters); i++)
                if (g_str_equal(property, counters[i].name))
                        return sd_bus_message_append(reply, "t", counters[i].value);
        return -EINVAL;
}

#define READ SD_BUS_VTABLE_UNPRIVILEGED
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define CONST SD_BUS_VTABLE_PROPERTY_CONST

/* Every method is "unprivileged" for sd-bus: authorize.c is the gate. */
static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("ListPolicies", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sssso)", policies),
                                method_list_policies, READ),
        SD_BUS_METHOD_WITH_ARGS("GetPolicy", SD_BUS_ARGS("s", policy), SD_BUS_RESULT("o", object), method_get_policy,
                                READ),
        SD_BUS_METHOD_WITH_ARGS("SetMode", SD_BUS_ARGS("s", policy, "s", mode, "a{sv}", options), SD_BUS_NO_RESULT,
                                method_set_mode, READ),
        SD_BUS_METHOD_WITH_ARGS("ResetMode", SD_BUS_ARGS("s", policy, "a{sv}", options), SD_BUS_NO_RESULT,
                                method_reset_mode, READ),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload, READ),
        SD_BUS_METHOD_WITH_ARGS("AwaitCover", SD_BUS_ARGS("s", cgroup), SD_BUS_RESULT("a(su)", policies), method_await_cover,
                                READ),
        SD_BUS_METHOD_WITH_ARGS("Check", SD_BUS_ARGS("s", document), SD_BUS_RESULT("a(suuss)", messages), method_check,
                                READ),
        SD_BUS_METHOD_WITH_ARGS("ListTargets", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssas)", targets), method_list_targets,
                                READ),
        SD_BUS_METHOD_WITH_ARGS("ListDiagnostics", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssuuss)", messages),
                                method_list_diagnostics, READ),
        SD_BUS_METHOD_WITH_ARGS("ListRules", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sasssasb)", rules), rules_method_list, READ),
        SD_BUS_METHOD_WITH_ARGS("GetRule", SD_BUS_ARGS("s", rule), SD_BUS_RESULT("a{sv}", properties), rules_method_get, READ),
        SD_BUS_PROPERTY("Version", "s", property_get_version, 0, CONST),
        SD_BUS_PROPERTY("Disabled", "b", property_get_disabled, 0, CONST),
        SD_BUS_PROPERTY("Status", "s", property_get_status, 0, CHANGES),
        SD_BUS_PROPERTY("Enforcers", "a(sbs)", property_get_enforcers, 0, CHANGES),
        SD_BUS_PROPERTY("Errors", "u", property_get_found, 0, CHANGES),
        SD_BUS_PROPERTY("Warnings", "u", property_get_found, 0, CHANGES),
        SD_BUS_PROPERTY("Alarms", "t", property_get_counter, 0, CHANGES),
        SD_BUS_PROPERTY("LimitedAlarms", "t", property_get_counter, 0, CHANGES),
        SD_BUS_PROPERTY("UnwrittenAlarms", "t", property_get_counter, 0, CHANGES),
        SD_BUS_PROPERTY("LostEvents", "t", property_get_counter, 0, CHANGES),
        SD_BUS_PROPERTY("SkippedPrograms", "t", property_get_counter, 0, CHANGES),
        SD_BUS_PROPERTY("LostLabels", "t", property_get_counter, 0, CHANGES),
        SD_BUS_SIGNAL_WITH_ARGS("Alarm", SD_BUS_ARGS("a{sv}", alarm), 0),
        SD_BUS_VTABLE_END,
};

int bus_manager_add(Bus *b)
{
        return sd_bus_add_object_vtable(b->bus, NULL, VARMOR_MANAGER_PATH, VARMOR_MANAGER, manager_vtable, b);
}
