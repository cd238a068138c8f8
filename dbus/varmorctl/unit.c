/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Unit: see unit.h. Of systemd's properties (org.freedesktop.systemd1(5)) those that keep a workload from something. */

#include "unit.h"

#include <errno.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "output.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define SYSTEMD_UNIT "org.freedesktop.systemd1.Unit"

/* Of a service; each has lines with flags. */
static const char *const lines[] = {"ExecConditionEx", "ExecStartPreEx", "ExecStartEx", "ExecStartPostEx", "ExecReloadEx", "ExecStopEx", "ExecStopPostEx"};

/* Shown as they are. */
static const char *const shown[] = {"Type", "User", "DynamicUser", "NoNewPrivileges", "CapabilityBoundingSet", "AmbientCapabilities",
                                    "RestrictAddressFamilies", "RestrictNamespaces"};

/* ---- what it means ------------------------------------------------------------------------------------------------------------ */

static bool has_privileged_line(json_object *raw)
{
        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
                json_object *list = json_member(raw, lines[i]);

                for (size_t n = 0; n < json_length(list); n++) {
                        json_object *line = json_object_array_get_idx(list, n);
                        json_object *flags = json_length(line) > 2 ? json_object_array_get_idx(line, 2) : NULL;

                        for (size_t f = 0; f < json_length(flags); f++)
                                if (strcmp(json_object_get_string(json_object_array_get_idx(flags, f)), "privileged") == 0)
                                        return true;
                }
        }
        return false;
}

/* [false, []]: no restriction; [true, list]: these only; [false, list]: all but these. */
static uint64_t families_of(json_object *restriction)
{
        bool only;
        json_object *list;
        uint64_t bits = 0;

        if (json_length(restriction) != 2)
                return UINT64_MAX;
        only = json_object_get_boolean(json_object_array_get_idx(restriction, 0));
        list = json_object_array_get_idx(restriction, 1);
        for (size_t i = 0; i < json_length(list); i++) {
                const char *name = json_object_get_string(json_object_array_get_idx(list, i));
                g_autofree char *word = g_ascii_strdown(g_str_has_prefix(name, "AF_") ? name + 3 : name, -1);
                uint64_t bit = words_find(socket_domain_words, strcmp(word, "local") == 0 ? "unix" : word);

                /* A name that is not known may be any. */
                if (!bit && only)
                        return UINT64_MAX;
                bits |= bit & (bit - 1) ? 0 : bit;
        }
        return only ? bits : ~bits;
}

void unit_from_properties(json_object *raw, AdviceUnit *ret)
{
        const char *user = json_string(raw, "User");

        /* A slice has none of these. */
        *ret = (AdviceUnit){.known = json_member(raw, "CapabilityBoundingSet") != NULL};
        if (!ret->known)
                return;
        ret->privileged_line = has_privileged_line(raw);
        ret->no_new_privileges = json_flag(raw, "NoNewPrivileges");
        ret->root = !json_flag(raw, "DynamicUser") && (!*user || strcmp(user, "root") == 0 || strcmp(user, "0") == 0);
        ret->bounding = json_uint(raw, "CapabilityBoundingSet");
        ret->ambient = json_uint(raw, "AmbientCapabilities");
        ret->families = families_of(json_member(raw, "RestrictAddressFamilies"));
        ret->user_namespaces = !json_member(raw, "RestrictNamespaces") || json_uint(raw, "RestrictNamespaces") & CLONE_NEWUSER;
}

/* ---- asking -------------------------------------------------------------------------------------------------------------------- */

static const char *interface_of(const char *name)
{
        const char *suffix = strrchr(name, '.');

        return g_strcmp0(suffix, ".slice") == 0   ? "org.freedesktop.systemd1.Slice"
               : g_strcmp0(suffix, ".scope") == 0 ? "org.freedesktop.systemd1.Scope"
                                                  : "org.freedesktop.systemd1.Service";
}

static int get_all(sd_bus *bus, const char *path, const char *interface, json_object **ret)
{
        g_autoptr(sd_bus_message) reply = NULL;

        int r = sd_bus_call_method(bus, SYSTEMD, path, "org.freedesktop.DBus.Properties", "GetAll", NULL, &reply, "s", interface);
        return r < 0 ? r : json_read(reply, NULL, ret);
}

/* Return: 0 and the object's path; -ENOENT: there is no such unit; another negative errno: nobody answers. */
static int find_unit(sd_bus *bus, const char *name, char **ret_path)
{
        g_autoptr(sd_bus_message) reply = NULL;
        g_autofree char *state = NULL;
        const char *path;

        int r = sd_bus_call_method(bus, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "LoadUnit", NULL, &reply, "s", name);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0)
                r = sd_bus_get_property_string(bus, SYSTEMD, path, SYSTEMD_UNIT, "LoadState", NULL, &state);
        if (r < 0)
                return r == -ENOENT ? -EIO : r;
        if (strcmp(state, "not-found") == 0)
                return -ENOENT;
        *ret_path = g_strdup(path);
        return 0;
}

/* What systemd may execute for it, whether or not it has. */
static json_object *programs_of(json_object *raw)
{
        json_object *programs = json_object_new_array();
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
                json_object *list = json_member(raw, lines[i]);

                for (size_t n = 0; n < json_length(list); n++) {
                        json_object *line = json_object_array_get_idx(list, n), *path = json_length(line) > 0 ? json_object_array_get_idx(line, 0) : NULL;

                        if (path && g_hash_table_add(seen, (char *)json_object_get_string(path)))
                                json_object_array_add(programs, json_object_get(path));
                }
        }
        return programs;
}

static json_object *choose(json_object *raw)
{
        json_object *chosen = json_object_new_object();

        json_object_object_add(chosen, "Programs", programs_of(raw));
        for (size_t i = 0; i < G_N_ELEMENTS(shown); i++)
                if (json_member(raw, shown[i]))
                        json_object_object_add(chosen, shown[i], json_object_get(json_member(raw, shown[i])));
        return chosen;
}

int unit_read(const Options *o, const char *name, AdviceUnit *ret, json_object **ret_properties)
{
        g_autoptr(JsonObject) raw = NULL;
        g_autoptr(sd_bus) bus = NULL;
        g_autofree char *path = NULL;

        *ret = (AdviceUnit){};
        *ret_properties = NULL;
        int r = sd_bus_open_system(&bus);
        bool reached = r >= 0;
        if (reached)
                r = find_unit(bus, name, &path);
        if (reached && r == -ENOENT) {
                g_autofree char *text = printable(name);

                fprintf(stderr, "varmorctl: there is no unit %s\n", text);
                return EXIT_FAILED;
        }
        if (r >= 0)
                r = get_all(bus, path, interface_of(name), &raw);
        if (r < 0) {
                if (!o->quiet)
                        fprintf(stderr, "varmorctl: systemd does not tell of the unit: %s\n", g_strerror(-r));
                return EXIT_FINE;
        }
        unit_from_properties(raw, ret);
        *ret_properties = choose(raw);
        return EXIT_FINE;
}
