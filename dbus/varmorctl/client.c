/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Client: one method call each, its error as a sentence on stderr and an exit code. */

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "client.h"

/* What the names of errors mean to a script; everything else is EXIT_FAILED. */
static const struct {
        const char *name;
        ExitCode code;
} error_codes[] = {
        {VARMOR_ERROR_REFUSED, EXIT_NOT_AS_ASKED},
        {VARMOR_ERROR_NOT_ENFORCEABLE, EXIT_NOT_AS_ASKED},
        {VARMOR_ERROR_NOT_COMPLETE, EXIT_NOT_AS_ASKED},
        {VARMOR_ERROR_DISABLED, EXIT_NOT_AS_ASKED},
        {VARMOR_ERROR_CONFINED, EXIT_NOT_PERMITTED},
        {"org.freedesktop.DBus.Error.AccessDenied", EXIT_NOT_PERMITTED},
        {"org.freedesktop.DBus.Error.AuthFailed", EXIT_NOT_PERMITTED},
        {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", EXIT_NOT_PERMITTED},
        {"org.freedesktop.DBus.Error.InvalidArgs", EXIT_USAGE},
        {"org.freedesktop.DBus.Error.ServiceUnknown", EXIT_NO_DAEMON},
        {"org.freedesktop.DBus.Error.NameHasNoOwner", EXIT_NO_DAEMON},
        {"org.freedesktop.DBus.Error.NoReply", EXIT_NO_DAEMON},
        {"org.freedesktop.DBus.Error.Disconnected", EXIT_NO_DAEMON},
        {"org.freedesktop.DBus.Error.TimedOut", EXIT_NO_DAEMON},
        {"org.freedesktop.DBus.Error.Timeout", EXIT_NO_DAEMON},
};

static ExitCode report_error(const sd_bus_error *error, int r)
{
        if (!sd_bus_error_is_set(error)) {
                fprintf(stderr, "varmorctl: %s\n", g_strerror(-r));
                return EXIT_FAILED;
        }

        ExitCode code = EXIT_FAILED;
        for (size_t i = 0; i < G_N_ELEMENTS(error_codes); i++)
                if (sd_bus_error_has_name(error, error_codes[i].name))
                        code = error_codes[i].code;

        if (sd_bus_error_has_name(error, "org.freedesktop.DBus.Error.ServiceUnknown") ||
            sd_bus_error_has_name(error, "org.freedesktop.DBus.Error.NameHasNoOwner"))
                fprintf(stderr, "varmorctl: varmord does not run (systemctl start varmord)\n");
        else
                fprintf(stderr, "varmorctl: %s\n", error->message ?: error->name);
        return code;
}

int client_connect(const Options *o, sd_bus **ret)
{
        g_autoptr(sd_bus) bus = NULL;

        int r = sd_bus_open_system(&bus);
        if (r < 0) {
                fprintf(stderr, "varmorctl: cannot reach the system bus: %s\n", g_strerror(-r));
                return EXIT_NO_DAEMON;
        }
        (void)sd_bus_set_method_call_timeout(bus, CLIENT_CALL_TIMEOUT_USEC);
        (void)sd_bus_set_allow_interactive_authorization(bus, o->ask_password);

        *ret = g_steal_pointer(&bus);
        return EXIT_FINE;
}

int client_new_call(sd_bus *bus, const ClientCall *call, sd_bus_message **ret)
{
        g_autoptr(sd_bus_message) m = NULL;

        int r = sd_bus_message_new_method_call(bus, &m, VARMOR_BUS_NAME, call->path, call->interface, call->member);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, call->start);
        if (r < 0)
                return report_error(NULL, r);

        *ret = g_steal_pointer(&m);
        return EXIT_FINE;
}

int client_call_message(sd_bus *bus, const ClientCall *call, sd_bus_message *m, json_object **ret)
{
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autoptr(sd_bus_message) reply = NULL;
        g_autoptr(JsonObject) value = NULL;

        int r = sd_bus_call(bus, m, CLIENT_CALL_TIMEOUT_USEC, &error, &reply);
        if (r < 0)
                return report_error(&error, r);
        r = json_read(reply, call->fields, &value);
        if (r < 0)
                return report_error(NULL, r);
        if (ret)
                *ret = g_steal_pointer(&value);
        return EXIT_FINE;
}

int client_call(sd_bus *bus, const ClientCall *call, json_object **ret, const char *types, ...)
{
        g_autoptr(sd_bus_message) m = NULL;

        int code = client_new_call(bus, call, &m);
        if (code != EXIT_FINE)
                return code;

        va_list ap;
        va_start(ap, types);
        int r = sd_bus_message_appendv(m, types, ap);
        va_end(ap);
        if (r < 0)
                return report_error(NULL, r);
        return client_call_message(bus, call, m, ret);
}

/* "LostEvents" is lost_events in JSON. */
static char *snake_case(const char *name)
{
        GString *s = g_string_new(NULL);

        for (const char *p = name; *p; p++) {
                if (p > name && g_ascii_isupper(*p))
                        g_string_append_c(s, '_');
                g_string_append_c(s, g_ascii_tolower(*p));
        }
        return g_string_free(s, FALSE);
}

int client_properties(sd_bus *bus, const char *path, const char *interface, json_object **ret)
{
        const ClientCall call = {.path = path, .interface = "org.freedesktop.DBus.Properties", .member = "GetAll"};
        g_autoptr(JsonObject) raw = NULL;

        int code = client_call(bus, &call, &raw, "s", interface);
        if (code != EXIT_FINE)
                return code;

        json_object *properties = json_object_new_object();
        json_object_object_foreach(raw, key, value)
        {
                g_autofree char *name = snake_case(key);
                json_object_object_add(properties, name, json_object_get(value));
        }
        *ret = properties;
        return EXIT_FINE;
}

int client_policy_path(sd_bus *bus, const char *policy, char **ret)
{
        const ClientCall call = {.path = VARMOR_MANAGER_PATH, .interface = VARMOR_MANAGER, .member = "GetPolicy"};
        g_autoptr(JsonObject) path = NULL;

        int code = client_call(bus, &call, &path, "s", policy);
        if (code == EXIT_FINE)
                *ret = g_strdup(json_object_get_string(path));
        return code;
}
