/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bus interface on a private bus: what each method answers, and to whom. */

#include <grp.h>
#include <string.h>

#include "harness.h"

#define WEB VARMOR_POLICY_PREFIX "/web"
#define REPLY_USEC (10U * 1000000U)

typedef struct Call {
        const char *path, *interface, *member;
        const char *types; /* of the arguments: "" or "s", "ssa{sv}", ... */
        const char *strings[2];
        uint32_t number;
} Call;

/* Everything that is authorised. */
static const Call gated[] = {
        {VARMOR_MANAGER_PATH, VARMOR_MANAGER, "SetMode", "ssa{sv}", {"web", "AlwaysAllow"}, 0},
        {VARMOR_MANAGER_PATH, VARMOR_MANAGER, "ResetMode", "sa{sv}", {"web"}, 0},
        {VARMOR_MANAGER_PATH, VARMOR_MANAGER, "Reload", "", {}, 0},
        {VARMOR_MANAGER_PATH, VARMOR_MANAGER, "AwaitCover", "s", {"/machine.slice/web"}, 0},
        {VARMOR_MANAGER_PATH, VARMOR_MANAGER, "Check", "s", {"kind: bad"}, 0},
        {VARMOR_MANAGER_PATH, VARMOR_MANAGER, "ListDiagnostics", "", {}, 0},
        {VARMOR_MANAGER_PATH, VARMOR_MANAGER, "GetRule", "s", {"own-disks"}, 0},
        {WEB, VARMOR_POLICY, "AlwaysAllow", "a{sv}", {}, 0},
        {WEB, VARMOR_POLICY, "RuntimeDefault", "a{sv}", {}, 0},
        {WEB, VARMOR_POLICY, "EnhanceProtect", "a{sv}", {}, 0},
        {WEB, VARMOR_POLICY, "BehaviorModeling", "ua{sv}", {}, 5},
        {WEB, VARMOR_POLICY, "DefenseInDepth", "a{sv}", {}, 0},
        {WEB, VARMOR_POLICY, "ListRules", "", {}, 0},
        {WEB, VARMOR_POLICY, "ListDiagnostics", "", {}, 0},
};

/* Everything that anybody may ask. */
static const Call open_to_all[] = {
        {VARMOR_MANAGER_PATH, VARMOR_MANAGER, "ListPolicies", "", {}, 0},
        {VARMOR_MANAGER_PATH, VARMOR_MANAGER, "GetPolicy", "s", {"web"}, 0},
        {VARMOR_MANAGER_PATH, VARMOR_MANAGER, "ListTargets", "", {}, 0},
        {VARMOR_MANAGER_PATH, VARMOR_MANAGER, "ListRules", "", {}, 0},
        {VARMOR_MANAGER_PATH, VARMOR_MANAGER, "GetRule", "s", {"disks"}, 0},
        {VARMOR_MANAGER_PATH, "org.freedesktop.DBus.Properties", "GetAll", "s", {VARMOR_MANAGER}, 0},
        {VARMOR_MANAGER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "", {}, 0},
        {VARMOR_MANAGER_PATH, "org.freedesktop.DBus.Introspectable", "Introspect", "", {}, 0},
        {WEB, "org.freedesktop.DBus.Properties", "GetAll", "s", {VARMOR_POLICY}, 0},
        {WEB, VARMOR_POLICY, "ListTargets", "", {}, 0},
};

static sd_bus_message *call_message(sd_bus *bus, const Call *c)
{
        sd_bus_message *m;
        size_t n = 0;

        g_assert_cmpint(sd_bus_message_new_method_call(bus, &m, VARMOR_BUS_NAME, c->path, c->interface, c->member), >=,
                        0);
        for (const char *t = c->types; *t; t++) {
                if (*t == 's')
                        g_assert_cmpint(sd_bus_message_append(m, "s", c->strings[n++]), >=, 0);
                else if (*t == 'u')
                        g_assert_cmpint(sd_bus_message_append(m, "u", c->number), >=, 0);
                else {
                        g_assert_cmpint(sd_bus_message_append(m, "a{sv}", 0), >=, 0);
                        break;
                }
        }
        return m;
}

/* "ok", or the name of the error. */
static char *do_call(sd_bus *bus, const void *argument)
{
        g_autoptr(sd_bus_message) m = call_message(bus, argument);
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;

        int r = sd_bus_call(bus, m, REPLY_USEC, &error, NULL);
        return g_strdup(r < 0 ? error.name : "ok");
}

static void expect(Harness *h, uid_t uid, const Call *c, const char *result)
{
        g_autofree char *got = harness_run_as(h, uid, 0, do_call, c);

        g_test_message("%s as uid %u: %s", c->member, uid, got);
        g_assert_cmpstr(got, ==, result);
}

static void expect_all_gated(Harness *h, uid_t uid, const char *result)
{
        for (size_t i = 0; i < G_N_ELEMENTS(gated); i++)
                expect(h, uid, &gated[i], result);
}

static Harness *start(bool polkit)
{
        Harness *h = harness_new();

        harness_start_bus(h);
        if (polkit)
                harness_start_polkit(h);
        harness_start_daemon(h);
        harness_wait_name(h, VARMOR_BUS_NAME);
        return h;
}

/* ---- who may what -------------------------------------------------------------------------------------------------
 */

static void test_open(void)
{
        g_autoptr(Harness) h = start(false);

        for (size_t i = 0; i < G_N_ELEMENTS(open_to_all); i++)
                expect(h, UID_NOBODY, &open_to_all[i], "ok");
}

static void test_without_polkit(void)
{
        g_autoptr(Harness) h = start(false);

        expect_all_gated(h, 0, "ok");
        expect_all_gated(h, UID_NOBODY, SD_BUS_ERROR_ACCESS_DENIED);
        expect_all_gated(h, UID_GRANTED, SD_BUS_ERROR_ACCESS_DENIED);
}

static void test_with_polkit(void)
{
        g_autoptr(Harness) h = start(true);

        expect_all_gated(h, 0, "ok");
        expect_all_gated(h, UID_GRANTED, "ok");
        expect_all_gated(h, UID_NOBODY, SD_BUS_ERROR_ACCESS_DENIED);
        expect_all_gated(h, UID_CHALLENGED, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
}

static void test_confined(void)
{
        g_autoptr(Harness) h = start(true);

        harness_command(h, "confined yes");
        expect_all_gated(h, 0, VARMOR_ERROR_CONFINED);
        expect_all_gated(h, UID_GRANTED, VARMOR_ERROR_CONFINED);
        g_assert_cmpuint(harness_command(h, "reported"), ==, 2 * G_N_ELEMENTS(gated));
        harness_command(h, "confined unknown");
        expect_all_gated(h, 0, SD_BUS_ERROR_ACCESS_DENIED);
        expect_all_gated(h, UID_GRANTED, SD_BUS_ERROR_ACCESS_DENIED);
        for (size_t i = 0; i < G_N_ELEMENTS(open_to_all); i++)
                expect(h, UID_NOBODY, &open_to_all[i], "ok");
        harness_command(h, "confined no");
        expect_all_gated(h, 0, "ok");
}

static char *own_name(sd_bus *bus, const void *argument)
{
        return g_strdup(sd_bus_request_name(bus, VARMOR_BUS_NAME, SD_BUS_NAME_REPLACE_EXISTING) < 0 ? "denied"
                                                                                                    : "owned");
}

static void test_name(void)
{
        g_autoptr(Harness) h = harness_new();

        harness_start_bus(h);
        g_autofree char *nobody = harness_run_as(h, UID_NOBODY, 0, own_name, NULL);
        g_autofree char *root = harness_run_as(h, 0, 0, own_name, NULL);
        g_assert_cmpstr(nobody, ==, "denied");
        g_assert_cmpstr(root, ==, "owned");
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char **name = userdata;

        *name = g_intern_string(sd_bus_message_is_method_error(m, NULL) ? sd_bus_message_get_error(m)->name : "ok");
        return 0;
}

/* Nine calls that polkit never answers: the ninth is one too many. */
static char *call_many(sd_bus *bus, const void *argument)
{
        const char *name = NULL;

        for (int i = 0; i < 9; i++) {
                g_autoptr(sd_bus_message) m = call_message(bus, argument);
                g_assert_cmpint(sd_bus_call_async(bus, NULL, m, on_reply, (void *)&name, REPLY_USEC), >=, 0);
        }
        while (!name)
                if (sd_bus_process(bus, NULL) == 0)
                        g_assert_cmpint(sd_bus_wait(bus, UINT64_MAX), >=, 0);
        return g_strdup(name);
}

static void test_limits(void)
{
        g_autofree char *large = g_strnfill((1U << 20) + 1, 'x');
        g_autoptr(Harness) h = start(true);
        g_autofree char *result = harness_run_as(h, UID_UNANSWERED, 0, call_many, &gated[2]);
        const Call check = {VARMOR_MANAGER_PATH, VARMOR_MANAGER, "Check", "s", {large}, 0};

        g_assert_cmpstr(result, ==, SD_BUS_ERROR_LIMITS_EXCEEDED);
        expect(h, 0, &gated[2], "ok");
        expect(h, UID_GRANTED, &gated[2], "ok");
        expect(h, 0, &check, SD_BUS_ERROR_LIMITS_EXCEEDED);
}

/* ---- alarms and changes
 * --------------------------------------------------------------------------------------------- */

typedef struct Heard {
        bool alarm, changed, added, removed;
        uint64_t count;
        char object[64];
} Heard;

static void read_alarm(sd_bus_message *m, Heard *heard)
{
        const char *key, *contents, *text;

        g_assert_cmpint(sd_bus_message_enter_container(m, 'a', "{sv}"), >, 0);
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                g_assert_cmpint(sd_bus_message_read(m, "s", &key), >, 0);
                g_assert_cmpint(sd_bus_message_peek_type(m, NULL, &contents), >, 0);
                if (strcmp(key, "count") == 0)
                        g_assert_cmpint(sd_bus_message_read(m, "v", "t", &heard->count), >, 0);
                else if (strcmp(key, "object") == 0) {
                        g_assert_cmpint(sd_bus_message_read(m, "v", "s", &text), >, 0);
                        g_strlcpy(heard->object, text, sizeof heard->object);
                } else
                        g_assert_cmpint(sd_bus_message_skip(m, "v"), >, 0);
                g_assert_cmpint(sd_bus_message_exit_container(m), >=, 0);
        }
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Heard *heard = userdata;

        if (sd_bus_message_is_signal(m, VARMOR_MANAGER, "Alarm")) {
                heard->alarm = true;
                read_alarm(m, heard);
        } else if (sd_bus_message_is_signal(m, "org.freedesktop.DBus.Properties", "PropertiesChanged"))
                heard->changed = true;
        else if (sd_bus_message_is_signal(m, "org.freedesktop.DBus.ObjectManager", "InterfacesAdded"))
                heard->added = true;
        else if (sd_bus_message_is_signal(m, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved"))
                heard->removed = true;
        return 0;
}

static char *describe(const Heard *heard)
{
        return g_strdup_printf("%s%s%s%s", heard->alarm ? "alarm " : "", heard->added ? "added " : "",
                               heard->removed ? "removed " : "", heard->changed ? "changed" : "");
}

/* Lets the daemon say everything, the change of its status last: whatever has not come before that never will. */
static char *listen_to_all(sd_bus *bus, const void *argument)
{
        Harness *h = (Harness *)argument;
        Heard heard = {};

        g_assert_cmpint(sd_bus_match_signal(bus, NULL, VARMOR_BUS_NAME, NULL, NULL, NULL, on_signal, &heard), >=, 0);
        harness_command(h, "alarm");
        harness_command(h, "add later");
        harness_command(h, "remove later");
        harness_command(h, "status");
        while (!heard.changed)
                if (sd_bus_process(bus, NULL) == 0)
                        g_assert_cmpint(sd_bus_wait(bus, UINT64_MAX), >=, 0);
        if (heard.alarm) {
                g_assert_cmpuint(heard.count, ==, 3);
                g_assert_cmpstr(heard.object, ==, "/srv/secret/\\xff\\x0akey");
        }
        return describe(&heard);
}

static void test_signals(void)
{
        g_autoptr(Harness) h = start(false);
        const struct group *adm = getgrnam("adm");

        g_autofree char *root = harness_run_as(h, 0, 0, listen_to_all, h);
        g_autofree char *nobody = harness_run_as(h, UID_NOBODY, 0, listen_to_all, h);
        g_autofree char *granted = harness_run_as(h, UID_GRANTED, 0, listen_to_all, h);
        g_assert_cmpstr(root, ==, "alarm added removed changed");
        g_assert_cmpstr(nobody, ==, "added removed changed");
        g_assert_cmpstr(granted, ==, "added removed changed");
        if (!adm) {
                g_test_skip("there is no group adm");
                return;
        }
        g_autofree char *member = harness_run_as(h, UID_NOBODY, adm->gr_gid, listen_to_all, h);
        g_assert_cmpstr(member, ==, "alarm added removed changed");
}

/* ---- answers
 * ---------------------------------------------------------------------------------------------------------- */

static void expect_error(sd_bus *bus, const char *policy, const char *mode, const char *key, const char *type,
                         uint32_t value, const char *name, const char *text)
{
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        int r;

        if (key)
                r = sd_bus_call_method(bus, VARMOR_BUS_NAME, VARMOR_MANAGER_PATH, VARMOR_MANAGER, "SetMode", &error,
                                       NULL, "ssa{sv}", policy, mode, 1, key, type, value);
        else
                r = sd_bus_call_method(bus, VARMOR_BUS_NAME, VARMOR_MANAGER_PATH, VARMOR_MANAGER, "SetMode", &error,
                                       NULL, "ssa{sv}", policy, mode, 0);
        g_test_message("SetMode(%s, %s, %s): %s: %s", policy, mode, key ?: "", error.name ?: "ok",
                       error.message ?: "");
        if (!name) {
                g_assert_cmpint(r, >=, 0);
                return;
        }
        g_assert_cmpstr(error.name, ==, name);
        g_assert_nonnull(strstr(error.message, text));
}

static void test_set_mode(void)
{
        g_autoptr(Harness) h = start(false);
        g_autoptr(sd_bus) bus = harness_connect(h);
        g_autofree char *mode = NULL, *origin = NULL;
        int observing;

        expect_error(bus, "absent", "AlwaysAllow", NULL, NULL, 0, VARMOR_ERROR_NO_SUCH_POLICY, "absent");
        expect_error(bus, "web", "Permissive", NULL, NULL, 0, SD_BUS_ERROR_INVALID_ARGS, "Permissive");
        expect_error(bus, "web", "AlwaysAllow", "forever", "b", 1, SD_BUS_ERROR_INVALID_ARGS, "forever");
        expect_error(bus, "web", "AlwaysAllow", "persist", "u", 1, SD_BUS_ERROR_INVALID_ARGS, "type b");
        expect_error(bus, "web", "AlwaysAllow", "duration", "u", 5, SD_BUS_ERROR_INVALID_ARGS, "BehaviorModeling");
        expect_error(bus, "web", "BehaviorModeling", NULL, NULL, 0, SD_BUS_ERROR_INVALID_ARGS, "BehaviorModeling");
        expect_error(bus, "stubborn", "AlwaysAllow", NULL, NULL, 0, VARMOR_ERROR_REFUSED, "Nobody may");
        expect_error(bus, "recorded", "AlwaysAllow", NULL, NULL, 0, VARMOR_ERROR_NOT_COMPLETE, "\"recorded\"");
        expect_error(bus, "recorded", "BehaviorModeling", "duration", "u", 5, NULL, NULL);
        expect_error(bus, "recorded", "BehaviorModeling", NULL, NULL, 0, SD_BUS_ERROR_INVALID_ARGS, "needs a duration");
        expect_error(bus, "seccomp-only", "AlwaysAllow", NULL, NULL, 0, VARMOR_ERROR_NOT_ENFORCEABLE, "Seccomp");
        expect_error(bus, "web", "DefenseInDepth", "observe", "b", 1, NULL, NULL);
        g_assert_cmpint(sd_bus_get_property_string(bus, VARMOR_BUS_NAME, WEB, VARMOR_POLICY, "Mode", NULL, &mode), >=,
                        0);
        g_assert_cmpint(
                sd_bus_get_property_string(bus, VARMOR_BUS_NAME, WEB, VARMOR_POLICY, "ModeOrigin", NULL, &origin), >=,
                0);
        g_assert_cmpint(sd_bus_get_property_trivial(bus, VARMOR_BUS_NAME, WEB, VARMOR_POLICY, "AllowViolations", NULL,
                                                    'b', &observing),
                        >=, 0);
        g_assert_cmpstr(mode, ==, "DefenseInDepth");
        g_assert_cmpstr(origin, ==, "runtime");
        g_assert_true(observing);
        expect_error(bus, "web", "BehaviorModeling", "duration", "u", 5, NULL, NULL);
}

/* ---- recordings
 * ---------------------------------------------------------------------------------------------------------- */

#define RECORDED VARMOR_POLICY_PREFIX "/recorded"

typedef struct Progress {
        GString *text;
        bool changed;
} Progress;

static int on_model_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Progress *p = userdata;
        uint64_t ops, lost;

        g_assert_cmpstr(sd_bus_message_get_path(m), ==, RECORDED);
        if (sd_bus_message_is_signal(m, "org.freedesktop.DBus.Properties", "PropertiesChanged")) {
                p->changed = true;
                return 0;
        }
        g_assert_cmpint(sd_bus_message_read(m, "tt", &ops, &lost), >, 0);
        g_string_append_printf(p->text, "%s %u %u, ", sd_bus_message_get_member(m), (unsigned)ops, (unsigned)lost);
        return 0;
}

static uint64_t recorded_property(sd_bus *bus, const char *name)
{
        uint64_t value = 1;

        g_assert_cmpint(sd_bus_get_property_trivial(bus, VARMOR_BUS_NAME, RECORDED, VARMOR_POLICY, name, NULL, 't', &value), >=, 0);
        return value;
}

/* Anybody may look on. */
static char *listen_to_model(sd_bus *bus, const void *argument)
{
        Progress p = {.text = g_string_new(NULL)};

        g_assert_cmpuint(recorded_property(bus, "RecordedOps"), ==, 312);
        g_assert_cmpuint(recorded_property(bus, "RecordingLost"), ==, 0);
        g_assert_cmpuint(recorded_property(bus, "RecordingStarted"), ==, 1700000000000000);
        g_assert_cmpuint(recorded_property(bus, "RecordingEnds"), ==, 1700001800000000);
        g_assert_cmpint(sd_bus_match_signal(bus, NULL, VARMOR_BUS_NAME, RECORDED, NULL, NULL, on_model_signal, &p), >=, 0);
        harness_command((Harness *)argument, "model");
        while (!p.changed)
                if (sd_bus_process(bus, NULL) == 0)
                        g_assert_cmpint(sd_bus_wait(bus, UINT64_MAX), >=, 0);
        g_assert_cmpuint(recorded_property(bus, "RecordedOps"), ==, 390);
        g_assert_cmpuint(recorded_property(bus, "RecordingLost"), ==, 2);
        return g_string_free(p.text, FALSE);
}

static void test_model(void)
{
        g_autoptr(Harness) h = start(false);
        g_autofree char *heard = harness_run_as(h, UID_NOBODY, 0, listen_to_model, h);

        g_assert_cmpstr(heard, ==, "ModelProgress 400 2, ModelComplete 390 2, ");
}

static void expect_reload(sd_bus *bus, const char *name, const char *text)
{
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;

        int r = sd_bus_call_method(bus, VARMOR_BUS_NAME, VARMOR_MANAGER_PATH, VARMOR_MANAGER, "Reload", &error, NULL,
                                   "");
        g_assert_true((r < 0) == (name != NULL));
        g_assert_cmpstr(error.name, ==, name);
        if (name)
                g_assert_nonnull(strstr(error.message, text));
}

/* "web 2, db 0": what a cgroup is under; NULL: the name of the error is @error_name. */
static void expect_cover(sd_bus *bus, const char *cgroup, const char *want, const char *error_name)
{
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autoptr(GString) got = g_string_new(NULL);
        g_autoptr(sd_bus_message) reply = NULL;
        const char *name;
        uint32_t mask;
        int r = sd_bus_call_method(bus, VARMOR_BUS_NAME, VARMOR_MANAGER_PATH, VARMOR_MANAGER, "AwaitCover", &error, &reply, "s",
                                   cgroup);

        g_assert_cmpstr(error.name, ==, error_name);
        if (r < 0)
                return;
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "(su)"), >, 0);
        while (sd_bus_message_read(reply, "(su)", &name, &mask) > 0)
                g_string_append_printf(got, "%s%s %u", got->len > 0 ? ", " : "", name, mask);
        g_assert_cmpstr(got->str, ==, want);
}

static void test_cover(void)
{
        g_autoptr(Harness) h = start(false);
        g_autoptr(sd_bus) bus = harness_connect(h);

        expect_cover(bus, "/machine.slice/web", "web 2, db 0", NULL);
        expect_cover(bus, "/machine.slice/other", "", NULL);
        expect_cover(bus, "relative", NULL, SD_BUS_ERROR_INVALID_ARGS);
        harness_command(h, "reload bad"); /* of another policy */
        expect_cover(bus, "/machine.slice/web", "web 2, db 0", NULL);
        harness_command(h, "reload fails");
        expect_cover(bus, "/machine.slice/web", NULL, VARMOR_ERROR_LOAD_FAILED);
}

static void test_reload(void)
{
        g_autoptr(Harness) h = start(false);
        g_autoptr(sd_bus) bus = harness_connect(h);

        expect_reload(bus, NULL, NULL);
        harness_command(h, "reload bad");
        expect_reload(bus, VARMOR_ERROR_REFUSED, "/etc/varmor/policies.d/web.yaml:2:1: error: Found a list");
        harness_command(h, "reload fails");
        expect_reload(bus, VARMOR_ERROR_LOAD_FAILED, "what was in force is in force");
        harness_command(h, "disabled yes");
        expect_reload(bus, VARMOR_ERROR_DISABLED, "varmor.disable");
}

static void test_check(void)
{
        g_autoptr(Harness) h = start(false);
        g_autoptr(sd_bus) bus = harness_connect(h);
        g_autoptr(sd_bus_message) reply = NULL;
        const char *severity, *code, *text;
        uint32_t line, column;

        g_assert_cmpint(sd_bus_call_method(bus, VARMOR_BUS_NAME, VARMOR_MANAGER_PATH, VARMOR_MANAGER, "Check", NULL,
                                           &reply, "s", "kind: bad"),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "(suuss)"), >, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "(suuss)", &severity, &line, &column, &code, &text), >, 0);
        g_assert_cmpstr(severity, ==, "error");
        g_assert_cmpuint(line, ==, 4);
        g_assert_cmpuint(column, ==, 2);
        g_assert_cmpstr(code, ==, "unknown-key");
        g_assert_cmpint(sd_bus_message_read(reply, "(suuss)", &severity, &line, &column, &code, &text), >, 0);
        g_assert_cmpstr(severity, ==, "warning");
        g_assert_cmpint(sd_bus_message_at_end(reply, false), >, 0);
}

/* The object of each policy that is listed answers to its name. */
static void test_objects(void)
{
        g_autoptr(Harness) h = start(false);
        g_autoptr(sd_bus) bus = harness_connect(h);
        g_autoptr(sd_bus_message) reply = NULL;
        const char *name, *mode, *enforcers, *state, *path;
        unsigned n = 0;

        g_assert_cmpint(sd_bus_call_method(bus, VARMOR_BUS_NAME, VARMOR_MANAGER_PATH, VARMOR_MANAGER, "ListPolicies",
                                           NULL, &reply, ""),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "(sssso)"), >, 0);
        for (; sd_bus_message_read(reply, "(sssso)", &name, &mode, &enforcers, &state, &path) > 0; n++) {
                g_autofree char *property = NULL;

                g_test_message("%s %s %s %s %s", name, mode, enforcers, state, path);
                g_assert_cmpint(
                        sd_bus_get_property_string(bus, VARMOR_BUS_NAME, path, VARMOR_POLICY, "Name", NULL, &property),
                        >=, 0);
                g_assert_cmpstr(property, ==, name);
                if (strcmp(name, "system.slice/db") == 0) {
                        g_assert_cmpstr(path, ==, "/org/varmor1/policy/system_2eslice_2fdb");
                        g_assert_cmpstr(enforcers, ==, "AppArmorBPF");
                        g_assert_cmpstr(state, ==, "degraded");
                }
        }
        g_assert_cmpuint(n, ==, 6);
        const Call absent = {VARMOR_POLICY_PREFIX "/absent", VARMOR_POLICY, "ListTargets", "", {}, 0};
        expect(h, 0, &absent, SD_BUS_ERROR_UNKNOWN_OBJECT);
}

/* An enforcer that is missing here enforces nothing, whatever it was compiled for. */
static void test_rules(void)
{
        g_autoptr(Harness) h = start(false);
        g_autoptr(sd_bus) bus = harness_connect(h);
        g_autoptr(sd_bus_message) reply = NULL;
        const char *id, *origin, *kind, *summary, *enforcer, *why;

        g_assert_cmpint(sd_bus_call_method(bus, VARMOR_BUS_NAME, VARMOR_POLICY_PREFIX "/system_2eslice_2fdb",
                                           VARMOR_POLICY, "ListRules", NULL, &reply, ""),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "(ssssasa{ss}a{sv})"), >, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'r', "ssssasa{ss}a{sv}"), >, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "ssss", &id, &origin, &kind, &summary), >, 0);
        g_assert_cmpstr(id, ==, "files[0]");
        g_assert_cmpstr(origin, ==, "custom");
        g_assert_cmpstr(kind, ==, "file");
        g_assert_cmpint(sd_bus_message_read(reply, "as", 1, &enforcer), >, 0);
        g_assert_cmpstr(enforcer, ==, "BPF");
        g_assert_cmpint(sd_bus_message_read(reply, "a{ss}", 1, &enforcer, &why), >, 0);
        g_assert_cmpstr(enforcer, ==, "AppArmor");
        g_assert_cmpstr(why, ==, "this version has none");
}

/* ---- a bus that comes and goes
 * ------------------------------------------------------------------------------------------ */

static void test_reconnect(void)
{
        g_autoptr(Harness) h = harness_new();

        harness_start_daemon(h);
        harness_command(h, "alarm"); /* nobody hears it, and nothing breaks */
        g_usleep(200U * 1000U);
        harness_start_bus(h);
        harness_wait_name(h, VARMOR_BUS_NAME);
        expect(h, 0, &gated[0], "ok");

        for (int i = 0; i < 3; i++) {
                harness_stop_bus(h);
                harness_command(h, "alarm");
                harness_command(h, "status");
                harness_command(h, "add meanwhile");
                harness_command(h, "remove meanwhile");
                harness_start_bus(h);
                harness_wait_name(h, VARMOR_BUS_NAME);
                expect(h, 0, &gated[0], "ok");
                expect(h, UID_NOBODY, &gated[0], SD_BUS_ERROR_ACCESS_DENIED);
        }
}

/* Two daemons, as in an upgrade: the second has the name when the first has gone. */
static void test_succession(void)
{
        g_autoptr(Harness) h = start(false);
        Harness second = *h;

        harness_start_daemon(&second);
        expect(h, 0, &gated[2], "ok");
        harness_stop_daemon(h);
        harness_wait_name(h, VARMOR_BUS_NAME);
        expect(h, 0, &gated[2], "ok");
        harness_stop_daemon(&second);
}

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                void (*run)(void);
        } tests[] = {
                {"/bus/open-to-all", test_open},
                {"/bus/without-polkit", test_without_polkit},
                {"/bus/with-polkit", test_with_polkit},
                {"/bus/confined", test_confined},
                {"/bus/name", test_name},
                {"/bus/limits", test_limits},
                {"/bus/signals", test_signals},
                {"/bus/set-mode", test_set_mode},
                {"/bus/model", test_model},
                {"/bus/reload", test_reload},
                {"/bus/cover", test_cover},
                {"/bus/check", test_check},
                {"/bus/objects", test_objects},
                {"/bus/rules", test_rules},
                {"/bus/reconnect", test_reconnect},
                {"/bus/succession", test_succession},
        };

        g_test_init(&argc, &argv, NULL);
        if (harness_skip())
                return 77;
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
                g_test_add_func(tests[i].name, tests[i].run);
        return g_test_run();
}
