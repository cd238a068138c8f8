/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bus: the connection and what the daemon says by itself: signals and changes of properties. */

#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "request.h"

/* How long to wait before another attempt after a connection ended. While there is no bus at all, sd-bus watches for
 * its socket and this timer does nothing. */
#define RECONNECT_USEC (500U * 1000U)

/* Changes of the manager's properties within this time are one signal. */
#define STATUS_USEC (200U * 1000U)

/* Messages that wait to be written. Above it signals are left out: the journal has the alarms, and whoever missed a
 * change of state can ask. */
#define QUEUE_MAX 2048U

#define SYSTEM_BUS_ADDRESS "unix:path=/run/dbus/system_bus_socket"

static int bus_connect(Bus *b);

static void bus_disconnect(Bus *b)
{
        g_hash_table_remove_all(b->requests);
        b->request_bytes = 0;
        b->n_at_polkit = 0;
        if (b->bus)
                (void)sd_bus_detach_event(b->bus);
        sd_bus_close_unref(g_steal_pointer(&b->bus));
}

static int on_connect_time(sd_event_source *s, uint64_t usec, void *userdata)
{
        Bus *b = userdata;

        bus_disconnect(b);
        if (bus_connect(b) < 0) {
                bus_disconnect(b);
                (void)sd_event_source_set_time_relative(s, RECONNECT_USEC);
                (void)sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        }
        return 0;
}

static void connect_soon(Bus *b)
{
        (void)sd_event_source_set_time_relative(b->connect, RECONNECT_USEC);
        (void)sd_event_source_set_enabled(b->connect, SD_EVENT_ONESHOT);
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        connect_soon(userdata);
        return 0;
}

/* The name is queued for, so that a second daemon takes over when the first ends. Only a broken bus refuses. */
static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        if (sd_bus_message_is_method_error(m, NULL)) {
                fprintf(stderr, SD_WARNING "The bus refuses the name " VARMOR_BUS_NAME ": %s\n",
                        sd_bus_message_get_error(m)->message);
                connect_soon(userdata);
        }
        return 0;
}

static int bus_open(sd_bus **ret)
{
        g_autoptr(sd_bus) bus = NULL;

        int r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, secure_getenv("DBUS_SYSTEM_BUS_ADDRESS") ?: SYSTEM_BUS_ADDRESS);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_set_watch_bind(bus, true);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                *ret = g_steal_pointer(&bus);
        return r;
}

static int bus_connect(Bus *b)
{
        int r = bus_open(&b->bus);
        if (r >= 0)
                r = sd_bus_match_signal_async(b->bus, NULL, "org.freedesktop.DBus.Local",
                                              "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                              "Disconnected", on_disconnected, NULL, b);
        if (r >= 0)
                r = sd_bus_add_object_manager(b->bus, NULL, VARMOR_MANAGER_PATH);
        if (r >= 0)
                r = bus_manager_add(b);
        if (r >= 0)
                r = bus_policy_add(b);
        if (r >= 0)
                r = sd_bus_request_name_async(b->bus, NULL, VARMOR_BUS_NAME, SD_BUS_NAME_QUEUE, on_name, b);
        if (r >= 0)
                r = sd_bus_attach_event(b->bus, b->event, SD_EVENT_PRIORITY_NORMAL);
        return r;
}

/* ---- what the daemon says by itself ----------------------------------------------------------------------------- */

static bool may_signal(Bus *b)
{
        uint64_t n;

        if (!b->bus || sd_bus_is_ready(b->bus) <= 0 || sd_bus_get_n_queued_write(b->bus, &n) < 0)
                return false;
        if (n < QUEUE_MAX) {
                b->signals_dropped = false;
                return true;
        }
        if (!b->signals_dropped)
                fprintf(stderr, SD_WARNING "The bus takes no messages; signals are left out\n");
        b->signals_dropped = true;
        return false;
}

static int append_bytes_entry(sd_bus_message *m, const char *key, GBytes *bytes)
{
        if (!bytes || g_bytes_get_size(bytes) == 0)
                return 0;

        g_autofree char *text = alarm_dup_bytes(bytes);
        return append_entry(m, key, text);
}

static int append_alarm_words(sd_bus_message *m, const Alarm *a)
{
        g_autofree char *message = alarm_dup_message(a), *requested = requested_to_string(a->kind, a->requested);
        g_autofree char *enforcers = alarm_dup_enforcers(a);
        g_autofree char *comm = g_strndup(a->comm, sizeof a->comm);
        const struct {
                const char *key, *value;
        } words[] = {
                {"message", message},
                {"policy", a->policy},
                {"mode", mode_to_string(a->mode)},
                {"enforcer", enforcers},
                {"action", action_to_string(a->action)},
                {"rule", a->rule},
                {"reason", event_reason_to_string(a->reason)},
                {"operation", a->operation},
                {"requested", requested},
                {"cgroup", a->cgroup},
                {"unit", a->unit},
                {"comm", comm},
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(words); i++)
                if (words[i].value && *words[i].value)
                        r = append_entry(m, words[i].key, words[i].value);
        return r;
}

static int append_alarm(sd_bus_message *m, const Alarm *a)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = append_alarm_words(m, a);
        if (r >= 0)
                r = append_bytes_entry(m, "object", a->object);
        if (r >= 0)
                r = append_bytes_entry(m, "object2", a->object2);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}", "pid", "u", (uint32_t)a->pid, "uid", "u",
                                          (uint32_t)a->uid, "count", "t", a->count, "first_usec", "t", a->first_usec,
                                          "last_usec", "t", a->last_usec);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void on_alarm(const Alarm *alarm, void *userdata)
{
        g_autoptr(sd_bus_message) m = NULL;
        Bus *b = userdata;

        if (!may_signal(b))
                return;
        if (sd_bus_message_new_signal(b->bus, &m, VARMOR_MANAGER_PATH, VARMOR_MANAGER, "Alarm") >= 0 &&
            append_alarm(m, alarm) >= 0)
                (void)sd_bus_send(b->bus, m, NULL);
}

static void on_policy(const PolicyEntry *entry, PolicyChange change, void *userdata)
{
        Bus *b = userdata;
        g_autofree char *path = policy_object_path(entry->full_name);

        if (!path || !may_signal(b))
                return;
        switch (change) {
        case POLICY_ADDED:
                (void)sd_bus_emit_object_added(b->bus, path);
                break;
        case POLICY_CHANGED:
                (void)sd_bus_emit_properties_changed_strv(b->bus, path, VARMOR_POLICY, NULL);
                break;
        case POLICY_REMOVED:
                (void)sd_bus_emit_interfaces_removed(b->bus, path, "org.freedesktop.DBus.Peer",
                                                     "org.freedesktop.DBus.Introspectable",
                                                     "org.freedesktop.DBus.Properties", VARMOR_POLICY, NULL);
                break;
        }
}

static void on_model(const PolicyEntry *entry, bool complete, void *userdata)
{
        Bus *b = userdata;
        g_autofree char *path = policy_object_path(entry->full_name);

        if (path && may_signal(b))
                (void)sd_bus_emit_signal(b->bus, path, VARMOR_POLICY, complete ? "ModelComplete" : "ModelProgress", "tt",
                                         entry->recorded_ops, entry->recording_lost);
}

static void on_status(void *userdata)
{
        Bus *b = userdata;
        int enabled;

        if (sd_event_source_get_enabled(b->status, &enabled) >= 0 && enabled == SD_EVENT_OFF) {
                (void)sd_event_source_set_time_relative(b->status, STATUS_USEC);
                (void)sd_event_source_set_enabled(b->status, SD_EVENT_ONESHOT);
        }
}

static int on_status_time(sd_event_source *s, uint64_t usec, void *userdata)
{
        Bus *b = userdata;

        if (may_signal(b))
                (void)sd_bus_emit_properties_changed_strv(b->bus, VARMOR_MANAGER_PATH, VARMOR_MANAGER, NULL);
        return 0;
}

static void request_destroy(gpointer q)
{
        request_free(q);
}

int bus_new(Manager *manager, sd_event *event, Bus **ret)
{
        g_autoptr(Bus) b = g_new0(Bus, 1);

        b->manager = manager;
        b->event = sd_event_ref(event);
        b->requests = g_hash_table_new_full(g_direct_hash, g_direct_equal, request_destroy, NULL);
        b->listener = (ManagerListener){
                .on_alarm = on_alarm,
                .on_policy = on_policy,
                .on_model = on_model,
                .on_status = on_status,
                .userdata = b,
        };

        int r = sd_event_add_time_relative(event, &b->connect, CLOCK_MONOTONIC, 0, 0, on_connect_time, b);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &b->status, CLOCK_MONOTONIC, 0, 0, on_status_time, b);
        if (r >= 0)
                r = sd_event_source_set_enabled(b->status, SD_EVENT_OFF);
        if (r < 0)
                return r;

        manager_add_listener(manager, &b->listener);
        *ret = g_steal_pointer(&b);
        return 0;
}

void bus_free(Bus *b)
{
        if (!b)
                return;

        if (b->connect && b->status)
                manager_remove_listener(b->manager, &b->listener);
        if (b->bus && sd_bus_is_ready(b->bus) > 0)
                (void)sd_bus_release_name_async(b->bus, NULL, VARMOR_BUS_NAME, NULL, NULL);
        bus_disconnect(b);
        g_hash_table_unref(b->requests);
        sd_event_source_disable_unref(b->connect);
        sd_event_source_disable_unref(b->status);
        sd_event_unref(b->event);
        g_free(b);
}
