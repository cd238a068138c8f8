/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs that look: status, policies, show, targets, version. */

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "output.h"

static const char *const policy_fields[] = {"name", "mode", "enforcers", "state", "object", NULL};
static const char *const target_fields[] = {"cgroup", "unit", "policies", NULL};
static const char *const rule_fields[] = {"id",          "origin",       "kind",    "summary",
                                          "enforced_by", "not_enforced", "details", NULL};
static const char *const message_fields[] = {"severity", "file", "line", "column", "code", "message", NULL};

static int call_manager(sd_bus *bus, const char *member, FieldNames fields, json_object **ret)
{
        const ClientCall call = {
                .path = VARMOR_MANAGER_PATH, .interface = VARMOR_MANAGER, .member = member, .fields = fields};

        return client_call(bus, &call, ret, "");
}

static int call_policy(sd_bus *bus, const char *path, const char *member, FieldNames fields, json_object **ret)
{
        const ClientCall call = {.path = path, .interface = VARMOR_POLICY, .member = member, .fields = fields};

        return client_call(bus, &call, ret, "");
}

/* [["BPF", true, ""], ...] becomes [{"name": ..., "available": ..., "missing": ...}, ...] */
static json_object *name_enforcers(json_object *tuples)
{
        static const char *const names[] = {"name", "available", "missing"};
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < json_length(tuples); i++) {
                json_object *object = json_object_new_object(), *tuple = json_object_array_get_idx(tuples, i);

                for (size_t k = 0; k < MIN(G_N_ELEMENTS(names), json_length(tuple)); k++)
                        json_object_object_add(object, names[k], json_object_get(json_object_array_get_idx(tuple, k)));
                json_object_array_add(array, object);
        }
        return array;
}

/* Whether this is less than what was asked for: decides the exit code of status and show. */
static bool state_is_bad(const char *state)
{
        return g_str_equal(state, "degraded") || g_str_equal(state, "refused") || g_str_equal(state, "restart-needed");
}

/* Of a recording there is more to say than its state. */
static bool state_is_recorded(const char *state)
{
        return g_str_equal(state, "modeling") || g_str_equal(state, "completed");
}

static void add_recording(json_object *policy, json_object *properties)
{
        static const char *const keys[] = {"recording_started", "recording_ends", "recorded_ops", "recording_lost", "model_is_complete"};

        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
                json_object_object_add(policy, keys[i], json_object_get(json_member(properties, keys[i])));
}

/* A state that is not what was asked for needs its reason beside it. */
static int add_reasons(sd_bus *bus, json_object *policies)
{
        for (size_t i = 0; i < json_length(policies); i++) {
                json_object *p = json_object_array_get_idx(policies, i);
                g_autoptr(JsonObject) properties = NULL;
                bool recorded = state_is_recorded(json_string(p, "state"));

                if (!state_is_bad(json_string(p, "state")) && !recorded)
                        continue;
                int code = client_properties(bus, json_string(p, "object"), VARMOR_POLICY, &properties);
                if (code != EXIT_FINE)
                        return code;
                json_object_object_add(p, "state_reason", json_object_get(json_member(properties, "state_reason")));
                if (recorded)
                        add_recording(p, properties);
        }
        return EXIT_FINE;
}

static int gather_status(sd_bus *bus, json_object **ret)
{
        g_autoptr(JsonObject) status = NULL;
        json_object *policies, *messages;

        int code = client_properties(bus, VARMOR_MANAGER_PATH, VARMOR_MANAGER, &status);
        if (code == EXIT_FINE)
                code = call_manager(bus, "ListPolicies", policy_fields, &policies);
        if (code != EXIT_FINE)
                return code;

        json_object_object_add(status, "enforcers", name_enforcers(json_member(status, "enforcers")));
        json_object_object_add(status, "policies", policies);
        code = add_reasons(bus, policies);
        /* What is wrong with the files shows parts of them, which are for root. */
        if (code == EXIT_FINE && json_uint(status, "errors") > 0 && geteuid() == 0) {
                code = call_manager(bus, "ListDiagnostics", message_fields, &messages);
                if (code == EXIT_FINE)
                        json_object_object_add(status, "messages", messages);
        }
        if (code == EXIT_FINE)
                *ret = g_steal_pointer(&status);
        return code;
}

static int judge_policies(json_object *policies)
{
        for (size_t i = 0; i < json_length(policies); i++)
                if (state_is_bad(json_string(json_object_array_get_idx(policies, i), "state")))
                        return EXIT_NOT_AS_ASKED;
        return EXIT_FINE;
}

static int judge_status(json_object *status)
{
        if (json_flag(status, "disabled") || json_uint(status, "errors") > 0 ||
            json_uint(status, "skipped_programs") > 0 || json_uint(status, "lost_labels") > 0)
                return EXIT_NOT_AS_ASKED;
        return judge_policies(json_member(status, "policies"));
}

static void print_policies(const Options *o, json_object *policies)
{
        static const char *const header[] = {"POLICY", "MODE", "ENFORCERS", "STATE", NULL};
        g_autoptr(Table) table = table_new(header);

        if (json_length(policies) == 0) {
                puts("No policies.");
                return;
        }
        for (size_t i = 0; i < json_length(policies); i++) {
                json_object *p = json_object_array_get_idx(policies, i);

                table_add(table, json_string(p, "name"), COLOUR_NONE);
                table_add(table, json_string(p, "mode"), COLOUR_NONE);
                table_add(table, json_string(p, "enforcers"), COLOUR_NONE);
                table_add(table, json_string(p, "state"), colour_of_state(json_string(p, "state")));
        }
        table_print(table, o);
}

static void print_counter(const Options *o, json_object *status, const char *key, const char *sentence, Colour colour)
{
        uint64_t n = json_uint(status, key);

        if (n > 0)
                printf("%s%" G_GUINT64_FORMAT " %s%s\n", colour_on(o, colour), n, sentence, colour_off(o, colour));
}

static void print_enforcers(const Options *o, json_object *enforcers)
{
        for (size_t i = 0; i < json_length(enforcers); i++) {
                json_object *e = json_object_array_get_idx(enforcers, i);
                bool available = json_flag(e, "available");
                g_autofree char *missing = printable(json_string(e, "missing"));
                Colour c = available ? COLOUR_GOOD : COLOUR_FAINT;

                printf("  %-9s %s%s%s%s\n", json_string(e, "name"), colour_on(o, c),
                       available ? "available" : "not available: ", available ? "" : missing, colour_off(o, c));
        }
}

/* "records until 12:30:00, 14 min left: 312 operations, none lost" */
static char *describe_recording(json_object *p)
{
        uint64_t ends = json_uint(p, "recording_ends"), now = (uint64_t)g_get_real_time(), lost = json_uint(p, "recording_lost");
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((gint64)(ends / G_USEC_PER_SEC));
        g_autofree char *when = time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("?"), *left = NULL, *how = NULL;
        bool over = g_str_equal(json_string(p, "state"), "completed");

        if (ends == 0)
                return NULL;
        left = !over && ends > now ? g_strdup_printf(", %" PRIu64 " min left", (ends - now + 60 * G_USEC_PER_SEC - 1) / (60 * G_USEC_PER_SEC))
                                   : g_strdup("");
        how = lost > 0                                            ? g_strdup_printf("%" PRIu64 " lost", lost)
              : over && !json_flag(p, "model_is_complete")        ? g_strdup("none lost, but not everything was looked for")
                                                                  : g_strdup("none lost");
        return g_strdup_printf("%s %s%s: %" PRIu64 " operations, %s", over ? "recorded until" : "records until", when, left,
                               json_uint(p, "recorded_ops"), how);
}

static void print_recordings(const Options *o, json_object *policies)
{
        for (size_t i = 0; i < json_length(policies); i++) {
                json_object *p = json_object_array_get_idx(policies, i);
                g_autofree char *name = printable(json_string(p, "name")), *recording = describe_recording(p);
                Colour c = json_uint(p, "recording_lost") > 0 ? COLOUR_WARN : COLOUR_NONE;

                if (recording)
                        printf("%s %s%s%s\n", name, colour_on(o, c), recording, colour_off(o, c));
        }
}

static void print_reasons(const Options *o, json_object *policies)
{
        for (size_t i = 0; i < json_length(policies); i++) {
                json_object *p = json_object_array_get_idx(policies, i);
                g_autofree char *name = printable(json_string(p, "name")),
                                *why = printable(json_string(p, "state_reason"));
                Colour c = colour_of_state(json_string(p, "state"));

                if (*why)
                        printf("%s is %s%s%s: %s\n", name, colour_on(o, c), json_string(p, "state"), colour_off(o, c), why);
        }
}

static void print_message(const Options *o, json_object *m)
{
        g_autofree char *file = printable(json_string(m, "file")), *text = printable(json_string(m, "message"));
        const char *severity = json_string(m, "severity");
        Colour c = g_str_equal(severity, "error") ? COLOUR_BAD : COLOUR_WARN;

        printf("  ");
        print_position(file, json_uint(m, "line"), json_uint(m, "column"));
        printf("%s%s%s: %s [%s]\n", colour_on(o, c), severity, colour_off(o, c), text, json_string(m, "code"));
}

static void print_status(const Options *o, json_object *s)
{
        g_autofree char *line = printable(json_string(s, "status"));

        printf("%svarmord %s%s  %s\n", colour_on(o, COLOUR_BOLD), json_string(s, "version"),
               colour_off(o, COLOUR_BOLD), line);
        if (json_flag(s, "disabled"))
                printf("%sDisabled by varmor.disable on the kernel command line: nothing is enforced.%s\n",
                       colour_on(o, COLOUR_BAD), colour_off(o, COLOUR_BAD));
        print_enforcers(o, json_member(s, "enforcers"));
        print_counter(o, s, "errors", "error(s) in the policy files: see varmorctl show POLICY, journalctl -u varmord",
                      COLOUR_BAD);
        print_counter(o, s, "warnings", "warning(s) about the policy files", COLOUR_WARN);
        print_counter(o, s, "skipped_programs",
                      "time(s) the kernel left out a program: something may have passed unchecked", COLOUR_BAD);
        print_counter(o, s, "lost_labels", "cgroup(s) could not be labelled: a table is full", COLOUR_BAD);
        print_counter(o, s, "lost_events", "event(s) lost in the kernel, and so their alarms", COLOUR_WARN);
        print_counter(o, s, "limited_alarms", "alarm(s) left out by the rate limit", COLOUR_WARN);
        print_counter(o, s, "unwritten_alarms", "entries that the journal did not take", COLOUR_WARN);
        putchar('\n');
        print_policies(o, json_member(s, "policies"));
        print_recordings(o, json_member(s, "policies"));
        print_reasons(o, json_member(s, "policies"));
        for (size_t i = 0; i < json_length(json_member(s, "messages")); i++)
                print_message(o, json_object_array_get_idx(json_member(s, "messages"), i));
}

int verb_status(const Options *o, char **args)
{
        g_autoptr(JsonObject) status = NULL;
        g_autoptr(sd_bus) bus = NULL;

        int code = client_connect(o, &bus);
        if (code == EXIT_FINE)
                code = gather_status(bus, &status);
        if (code != EXIT_FINE)
                return code;

        if (o->json)
                print_json(o, status);
        else if (!o->quiet)
                print_status(o, status);
        return judge_status(status);
}

int verb_policies(const Options *o, char **args)
{
        g_autoptr(JsonObject) policies = NULL;
        g_autoptr(sd_bus) bus = NULL;

        int code = client_connect(o, &bus);
        if (code == EXIT_FINE)
                code = call_manager(bus, "ListPolicies", policy_fields, &policies);
        if (code != EXIT_FINE)
                return code;

        if (o->json)
                print_json(o, policies);
        else
                print_policies(o, policies);
        return EXIT_FINE;
}

/* ---- show ------------------------------------------------------------------------------------------------------------------ */

static int gather_policy(sd_bus *bus, const char *name, json_object **ret)
{
        static const char *const fields[] = {"cgroup", "unit", NULL};
        g_autoptr(JsonObject) policy = NULL;
        g_autofree char *path = NULL;
        json_object *rules, *targets, *messages;

        int code = client_policy_path(bus, name, &path);
        if (code == EXIT_FINE)
                code = client_properties(bus, path, VARMOR_POLICY, &policy);
        if (code == EXIT_FINE)
                code = call_policy(bus, path, "ListTargets", fields, &targets);
        if (code != EXIT_FINE)
                return code;
        json_object_object_add(policy, "object", json_object_new_string(path));
        json_object_object_add(policy, "targets", targets);
        json_object_object_add(policy, "rule_count", json_object_get(json_member(policy, "rules")));
        json_object_object_del(policy, "rules");

        /* What follows needs permission: without it, what everybody may see is shown, and the exit code tells. */
        code = call_policy(bus, path, "ListRules", rule_fields, &rules);
        if (code == EXIT_FINE) {
                json_object_object_add(policy, "rules", rules);
                code = call_policy(bus, path, "ListDiagnostics", message_fields, &messages);
        }
        if (code == EXIT_FINE)
                json_object_object_add(policy, "messages", messages);
        *ret = g_steal_pointer(&policy);
        return code;
}

static void print_fact(const Options *o, const char *label, const char *value, Colour colour)
{
        g_autofree char *text = printable(value);

        if (*text)
                printf("  %-10s %s%s%s\n", label, colour_on(o, colour), text, colour_off(o, colour));
}

/* "BPF since 2026-11-24 04:10:00 on 3 targets" for each that enforces. */
static char *describe_enforced(json_object *rule)
{
        json_object *enforced = json_member(rule, "enforced_by"), *details = json_member(rule, "details");
        GString *s = g_string_new(NULL);

        for (size_t i = 0; i < json_length(enforced); i++) {
                const char *name = json_object_get_string(json_object_array_get_idx(enforced, i));
                uint64_t since = json_uint(json_member(details, "since"), name), n = json_uint(json_member(details, "targets"), name);
                g_autoptr(GDateTime) time = since > 0 ? g_date_time_new_from_unix_local((gint64)(since / G_USEC_PER_SEC)) : NULL;
                g_autofree char *when = time ? g_date_time_format(time, " since %Y-%m-%d %H:%M:%S") : NULL;

                g_string_append_printf(s, "%s%s", i > 0 ? ", " : "", name);
                if (json_member(json_member(details, "targets"), name))
                        g_string_append_printf(s, "%s on %" PRIu64 " %s", when ?: "", n, n == 1 ? "target" : "targets");
        }
        return g_string_free(s, FALSE);
}

/* Of what nobody asked for by its name. */
static const char *describe_origin(const char *origin)
{
        if (g_str_equal(origin, "base"))
                return " (base protection)";
        return g_str_equal(origin, "runtime-default") ? " (RuntimeDefault)" : "";
}

static void print_rule(const Options *o, json_object *rule)
{
        g_autofree char *id = printable(json_string(rule, "id")), *summary = printable(json_string(rule, "summary"));
        json_object *enforced = json_member(rule, "enforced_by"), *why_not = json_member(rule, "not_enforced");
        g_autofree char *enforcers = describe_enforced(rule), *by = printable(enforcers);
        Colour c = json_length(enforced) > 0 ? COLOUR_GOOD : COLOUR_BAD;

        printf("  %s%s%s%s  %s\n", colour_on(o, COLOUR_BOLD), id, colour_off(o, COLOUR_BOLD),
               describe_origin(json_string(rule, "origin")), summary);
        if (*by)
                printf("      %senforced by %s%s\n", colour_on(o, c), by, colour_off(o, c));
        else
                printf("      %snot enforced%s\n", colour_on(o, c), colour_off(o, c));
        if (!why_not)
                return;
        json_object_object_foreach(why_not, enforcer, reason)
        {
                g_autofree char *text = printable(json_object_get_string(reason));
                printf("      not by %s: %s\n", enforcer, text);
        }
}

static void print_disposition(const Options *o, json_object *p)
{
        bool allow = json_flag(p, "allow_violations"), audit = json_flag(p, "audit_violations");

        if (g_str_equal(json_string(p, "mode"), "AlwaysAllow") || g_str_equal(json_string(p, "mode"), "BehaviorModeling"))
                return;
        print_fact(o, "violations",
                   allow ? (audit ? "let through and reported" : "let through")
                         : (audit ? "blocked and reported" : "blocked"),
                   allow ? COLOUR_WARN : COLOUR_NONE);
}

static void print_policy(const Options *o, json_object *p)
{
        g_autofree char *name = printable(json_string(p, "name")),
                        *files = join_strings(json_member(p, "files"), ", ");
        g_autofree char *mode = g_strdup_printf("%s (%s)", json_string(p, "mode"), json_string(p, "mode_origin"));
        g_autofree char *recording = describe_recording(p);
        json_object *targets = json_member(p, "targets"), *rules = json_member(p, "rules");

        printf("%s%s%s\n", colour_on(o, COLOUR_BOLD), name, colour_off(o, COLOUR_BOLD));
        print_fact(o, "state", json_string(p, "state"), colour_of_state(json_string(p, "state")));
        print_fact(o, "because", json_string(p, "state_reason"), COLOUR_NONE);
        print_fact(o, "mode", mode, COLOUR_NONE);
        if (recording)
                print_fact(o, "recording", recording, json_uint(p, "recording_lost") > 0 ? COLOUR_WARN : COLOUR_NONE);
        print_disposition(o, p);
        print_fact(o, "enforcers", json_string(p, "enforcers"), COLOUR_NONE);
        print_fact(o, "target", json_string(p, "target"), COLOUR_NONE);
        for (size_t i = 0; i < json_length(targets); i++)
                print_fact(o, i == 0 ? "covers" : "", json_string(json_object_array_get_idx(targets, i), "cgroup"),
                           COLOUR_NONE);
        print_fact(o, "files", files, COLOUR_NONE);
        if (rules)
                printf("\nRules\n");
        for (size_t i = 0; i < json_length(rules); i++)
                print_rule(o, json_object_array_get_idx(rules, i));
        if (json_length(json_member(p, "messages")) > 0)
                printf("\nMessages\n");
        for (size_t i = 0; i < json_length(json_member(p, "messages")); i++)
                print_message(o, json_object_array_get_idx(json_member(p, "messages"), i));
}

int verb_show(const Options *o, char **args)
{
        g_autoptr(JsonObject) policy = NULL;
        g_autoptr(sd_bus) bus = NULL;

        int code = client_connect(o, &bus);
        if (code == EXIT_FINE)
                code = gather_policy(bus, args[0], &policy);
        if (!policy)
                return code;

        if (o->json)
                print_json(o, policy);
        else
                print_policy(o, policy);
        if (code != EXIT_FINE)
                return code;
        return state_is_bad(json_string(policy, "state")) ? EXIT_NOT_AS_ASKED : EXIT_FINE;
}

/* ---- targets, version
 * ----------------------------------------------------------------------------------------------- */

int verb_targets(const Options *o, char **args)
{
        static const char *const header[] = {"CGROUP", "UNIT", "POLICIES", NULL};
        g_autoptr(Table) table = table_new(header);
        g_autoptr(JsonObject) targets = NULL;
        g_autoptr(sd_bus) bus = NULL;

        int code = client_connect(o, &bus);
        if (code == EXIT_FINE)
                code = call_manager(bus, "ListTargets", target_fields, &targets);
        if (code != EXIT_FINE)
                return code;

        if (o->json) {
                print_json(o, targets);
                return EXIT_FINE;
        }
        if (json_length(targets) == 0) {
                puts("No cgroup is covered.");
                return EXIT_FINE;
        }
        for (size_t i = 0; i < json_length(targets); i++) {
                json_object *t = json_object_array_get_idx(targets, i);
                g_autofree char *policies = join_strings(json_member(t, "policies"), ", ");

                table_add(table, json_string(t, "cgroup"), COLOUR_NONE);
                table_add(table, json_string(t, "unit"), COLOUR_NONE);
                table_add(table, policies, COLOUR_NONE);
        }
        table_print(table, o);
        return EXIT_FINE;
}

int verb_version(const Options *o, char **args)
{
        g_autoptr(JsonObject) value = json_object_new_object();

        if (!o->json) {
                puts("varmorctl " VARMOR_VERSION);
                return EXIT_FINE;
        }
        json_object_object_add(value, "version", json_object_new_string(VARMOR_VERSION));
        print_json(o, value);
        return EXIT_FINE;
}
