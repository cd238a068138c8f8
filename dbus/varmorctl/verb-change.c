/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs that change something: mode, reload. */

#include <errno.h>
#include <glib.h>
#include <stdio.h>

#include "output.h"

static int append_option(sd_bus_message *m, const char *key, char type, uint32_t value)
{
        const char contents[] = {type, '\0'};

        int r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", key);
        if (r >= 0)
                r = sd_bus_message_append(m, "v", contents, value);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_options(sd_bus_message *m, const Options *o)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && o->persist)
                r = append_option(m, "persist", 'b', 1);
        if (r >= 0 && (o->observe || o->enforce))
                r = append_option(m, "observe", 'b', o->observe);
        if (r >= 0 && o->duration_min > 0)
                r = append_option(m, "duration", 'u', o->duration_min);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int gather_mode(sd_bus *bus, const char *name, json_object **ret)
{
        static const char *const keys[] = {
                "name", "mode", "mode_origin", "state", "state_reason", "allow_violations", "audit_violations"};
        g_autoptr(JsonObject) policy = NULL;
        g_autofree char *path = NULL;

        int code = client_policy_path(bus, name, &path);
        if (code == EXIT_FINE)
                code = client_properties(bus, path, VARMOR_POLICY, &policy);
        if (code != EXIT_FINE)
                return code;

        json_object *mode = json_object_new_object();
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
                json_object_object_add(mode, keys[i], json_object_get(json_member(policy, keys[i])));
        *ret = mode;
        return EXIT_FINE;
}

static int set_mode(sd_bus *bus, const Options *o, const char *name, const char *mode)
{
        const ClientCall call = {.path = VARMOR_MANAGER_PATH,
                                 .interface = VARMOR_MANAGER,
                                 .member = o->reset ? "ResetMode" : "SetMode",
                                 .start = true};
        g_autoptr(sd_bus_message) m = NULL;

        int code = client_new_call(bus, &call, &m);
        if (code != EXIT_FINE)
                return code;

        int r = sd_bus_message_append(m, "s", name);
        if (r >= 0 && !o->reset)
                r = sd_bus_message_append(m, "s", mode);
        if (r >= 0)
                r = append_options(m, o);
        if (r < 0)
                return r;
        return client_call_message(bus, &call, m, NULL);
}

static void print_mode(const Options *o, json_object *m)
{
        static const char *const origins[][2] = {
                {"file", "as its files say"}, {"runtime", "until the next boot"}, {"persistent", "for good"}};
        const char *origin = json_string(m, "mode_origin"), *state = json_string(m, "state");
        g_autofree char *name = printable(json_string(m, "name")), *why = printable(json_string(m, "state_reason"));
        Colour c = colour_of_state(state);

        for (size_t i = 0; i < G_N_ELEMENTS(origins); i++)
                if (g_str_equal(origin, origins[i][0]))
                        origin = origins[i][1];
        printf("%s: %s%s, %s: %s%s%s%s%s\n", name, json_string(m, "mode"),
               json_flag(m, "allow_violations") ? " (observing)" : "", origin, colour_on(o, c), state,
               colour_off(o, c), *why ? ": " : "", why);
}

int verb_mode(const Options *o, char **args)
{
        g_autoptr(JsonObject) before = NULL, after = NULL;
        g_autoptr(sd_bus) bus = NULL;
        const char *mode = args[1];
        bool change = mode || o->reset || o->observe || o->enforce || o->persist || o->duration_min > 0;

        if (o->reset && (mode || o->observe || o->enforce || o->persist || o->duration_min > 0)) {
                fprintf(stderr, "varmorctl: --reset goes with no mode and no other option\n");
                return EXIT_USAGE;
        }
        int code = client_connect(o, &bus);
        if (code == EXIT_FINE && !mode && change && !o->reset) {
                code = gather_mode(bus, args[0], &before);
                mode = code == EXIT_FINE ? json_string(before, "mode") : NULL;
        }
        if (code == EXIT_FINE && change)
                code = set_mode(bus, o, args[0], mode);
        if (code == EXIT_FINE)
                code = gather_mode(bus, args[0], &after);
        if (code != EXIT_FINE)
                return code;

        if (o->json)
                print_json(o, after);
        else if (!o->quiet)
                print_mode(o, after);
        return EXIT_FINE;
}

int verb_reload(const Options *o, char **args)
{
        const ClientCall call = {.path = VARMOR_MANAGER_PATH, .interface = VARMOR_MANAGER, .member = "Reload"};
        g_autoptr(JsonObject) value = NULL;
        g_autoptr(sd_bus) bus = NULL;

        int code = client_connect(o, &bus);
        if (code == EXIT_FINE)
                code = client_call(bus, &call, NULL, "");
        if (!o->json)
                return code;

        value = json_object_new_object();
        json_object_object_add(value, "in_force", json_object_new_boolean(code == EXIT_FINE));
        print_json(o, value);
        return code;
}
