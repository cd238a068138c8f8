/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* systemd -> UnitFacts: see units.h. */

#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "target.h"
#include "util.h"

#define SYSTEMD_ADDRESS "unix:path=/run/systemd/private"
#define SYSTEMD_OBJECT "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

#define UNITS_CALLS_MAX 8U
#define UNITS_CALL_USEC (30U * G_USEC_PER_SEC)
#define UNITS_RETRY_USEC (2U * G_USEC_PER_SEC)

struct Units {
        sd_event *event;
        char *address;
        sd_event_source *retry;
        sd_bus *bus;
        void (*changed)(void *userdata);
        void *userdata;
        char **wanted;        /* sorted */
        UnitFacts *facts;
        GQueue queue;         /* names to ask about; owned */
        GHashTable *pending;  /* names in the queue or asked about */
        GHashTable *absent;   /* names that turned out not to exist, until systemd forgets them, too */
        GHashTable *on_disk;  /* names that have a unit file */
        GHashTable *listed;   /* names in the listings under way */
        unsigned n_calls;
        unsigned n_lists;     /* listings that have not been answered */
        bool dirty;
};

static void units_connect(Units *u);

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata)
{
        units_connect(userdata);
        return 0;
}

static void units_disconnect(Units *u)
{
        u->bus = sd_bus_close_unref(u->bus);
        g_queue_clear_full(&u->queue, g_free);
        g_queue_init(&u->queue);
        g_hash_table_remove_all(u->pending);
        g_hash_table_remove_all(u->absent);
        g_hash_table_remove_all(u->listed);
        u->n_calls = u->n_lists = 0;
}

static void units_retry(Units *u)
{
        units_disconnect(u);
        u->retry = sd_event_source_disable_unref(u->retry);
        /* Without a timer the next units_want() tries again. */
        (void)sd_event_add_time_relative(u->event, &u->retry, CLOCK_MONOTONIC, UNITS_RETRY_USEC, 0, on_retry, u);
}

/* ---- one unit -------------------------------------------------------------------------------------------------------- */

static bool has_cgroup(const char *name)
{
        return g_str_has_suffix(name, ".service") || g_str_has_suffix(name, ".scope") || g_str_has_suffix(name, ".slice");
}

static int read_basic(sd_bus_message *m, char type, char **ret)
{
        union {
                uint8_t y;
                int b;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
                const char *s;
        } v;
        int r = sd_bus_message_read_basic(m, type, &v);

        if (r < 0)
                return r;
        switch (type) {
        case 's':
        case 'o':
                *ret = g_strdup(v.s);
                break;
        case 'b':
                *ret = g_strdup(v.b ? "yes" : "no");
                break;
        case 'i':
                *ret = g_strdup_printf("%" PRIi32, v.i);
                break;
        case 'u':
                *ret = g_strdup_printf("%" PRIu32, v.u);
                break;
        case 'x':
                *ret = g_strdup_printf("%" PRIi64, v.x);
                break;
        case 't':
                *ret = v.t == UINT64_MAX ? g_strdup("infinity") : g_strdup_printf("%" PRIu64, v.t);
                break;
        default:
                *ret = NULL;
        }
        return 0;
}

/* The value of one property: a string, number or boolean, or a list of strings. Others are passed over. */
static int read_values(sd_bus_message *m, UnitFact *f, const char *property)
{
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(m, 'v', contents);
        if (r < 0)
                return r;
        if (strlen(contents) == 1 && strchr("sobiuxt", *contents)) {
                g_autofree char *value = NULL;

                r = read_basic(m, *contents, &value);
                if (r < 0)
                        return r;
                unit_fact_add_value(f, property, value);
        } else if (strcmp(contents, "as") == 0) {
                const char *value;

                r = sd_bus_message_enter_container(m, 'a', "s");
                if (r < 0)
                        return r;
                while ((r = sd_bus_message_read_basic(m, 's', &value)) > 0)
                        unit_fact_add_value(f, property, value);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        } else {
                r = sd_bus_message_skip(m, contents);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_exit_container(m);
}

static const char *fact_first(const UnitFact *f, const char *property)
{
        const GPtrArray *values = g_hash_table_lookup(f->values, property);

        return values ? values->pdata[0] : NULL;
}

static void fact_set_cgroup(UnitFact *f)
{
        const char *cgroup = fact_first(f, "ControlGroup"), *slice = fact_first(f, "Slice");
        g_autofree char *dir = unit_to_cgroup_name(f->name), *path = slice ? slice_to_cgroup(slice) : NULL;

        if (g_str_has_suffix(f->name, ".slice"))
                f->cgroup = slice_to_cgroup(f->name);
        else if (cgroup)
                f->cgroup = g_strdup(cgroup);
        else if (path)
                f->cgroup = g_strconcat(path, "/", dir, NULL);
}

static int read_fact(sd_bus_message *m, const Units *u, UnitFact *f)
{
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *property;

                r = sd_bus_message_read_basic(m, 's', &property);
                if (r < 0)
                        return r;
                if (strcmp(property, "LoadState") == 0 || strcmp(property, "ControlGroup") == 0 ||
                    strcmp(property, "Slice") == 0 || strcmp(property, "Id") == 0 ||
                    g_strv_contains((const char *const *)u->wanted, property))
                        r = read_values(m, f, property);
                else
                        r = sd_bus_message_skip(m, "v");
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        fact_set_cgroup(f);
        return 0;
}

static void units_pump(Units *u);

/* Facts are handed on when there is nothing more to ask. */
static void units_settle(Units *u)
{
        if (u->n_calls > 0 || u->n_lists > 0 || !g_queue_is_empty(&u->queue))
                return;
        if (!u->facts->known || !g_strv_equal((const char *const *)u->facts->known, (const char *const *)u->wanted)) {
                g_strfreev(u->facts->known);
                u->facts->known = g_strdupv(u->wanted);
                u->dirty = true;
        }
        if (u->dirty) {
                u->dirty = false;
                u->changed(u->userdata);
        }
}

typedef struct Call {
        Units *units;
        char *name;
} Call;

static void call_free(void *userdata)
{
        Call *c = userdata;

        g_free(c->name);
        g_free(c);
}

static void units_take(Units *u, const char *name, sd_bus_message *m)
{
        UnitFact *f = unit_fact_new(name);

        if (read_fact(m, u, f) < 0 || g_strcmp0(fact_first(f, "LoadState"), "loaded") != 0 ||
            g_strcmp0(fact_first(f, "Id"), name) != 0) {
                /* Not there, or another name of a unit that has its own entry. Asking has loaded it: what systemd
                 * announces about it now is not news. */
                unit_fact_free(f);
                g_hash_table_add(u->absent, g_strdup(name));
                u->dirty |= g_hash_table_remove(u->facts->units, name);
                return;
        }
        f->on_disk = g_hash_table_contains(u->on_disk, name);
        if (g_hash_table_size(u->facts->units) >= UNIT_FACTS_MAX && !g_hash_table_contains(u->facts->units, name)) {
                unit_fact_free(f);
                u->facts->n_left_out++;
                return;
        }
        g_hash_table_replace(u->facts->units, f->name, f);
        u->dirty = true;
}

/* No answer is no fact: what is known stays as it was, and everything is asked again. */
static bool is_unanswered(sd_bus_message *m)
{
        return sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY) ||
               sd_bus_message_is_method_error(m, SD_BUS_ERROR_TIMEOUT) ||
               sd_bus_message_is_method_error(m, SD_BUS_ERROR_DISCONNECTED);
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Call *c = userdata;
        Units *u = c->units;

        if (is_unanswered(m)) {
                units_retry(u);
                return 0;
        }
        u->n_calls--;
        g_hash_table_remove(u->pending, c->name);
        if (!sd_bus_message_is_method_error(m, NULL))
                units_take(u, c->name, m);
        units_pump(u);
        units_settle(u);
        return 0;
}

static int units_ask(Units *u, const char *name)
{
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *m = NULL;
        g_autofree char *path = NULL;
        sd_bus_slot *slot;
        Call *c;
        int r;

        r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", name, &path);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_call(u->bus, &m, "org.freedesktop.systemd1", path,
                                           "org.freedesktop.DBus.Properties", "GetAll");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", ""); /* all interfaces at once */
        if (r < 0)
                return r;
        c = g_new0(Call, 1);
        c->units = u;
        c->name = g_strdup(name);
        r = sd_bus_call_async(u->bus, &slot, m, on_properties, c, UNITS_CALL_USEC);
        if (r < 0) {
                call_free(c);
                return r;
        }
        (void)sd_bus_slot_set_destroy_callback(slot, call_free);
        (void)sd_bus_slot_set_floating(slot, 1);
        sd_bus_slot_unref(slot);
        u->n_calls++;
        return 0;
}

static void units_pump(Units *u)
{
        while (u->n_calls < UNITS_CALLS_MAX) {
                g_autofree char *name = g_queue_pop_head(&u->queue);

                if (!name)
                        return;
                if (units_ask(u, name) < 0)
                        g_hash_table_remove(u->pending, name);
        }
}

static void units_enqueue(Units *u, const char *name)
{
        if (!has_cgroup(name) || strstr(name, "@.") || g_hash_table_contains(u->pending, name) ||
            g_hash_table_size(u->pending) >= UNIT_FACTS_MAX)
                return;
        g_hash_table_add(u->pending, g_strdup(name));
        g_queue_push_tail(&u->queue, g_strdup(name));
}

/* ---- all units ------------------------------------------------------------------------------------------------------- */

/* What has gone while nobody listened. */
static gboolean is_unlisted(gpointer name, gpointer fact, gpointer userdata)
{
        const Units *u = userdata;

        return !g_hash_table_contains(u->listed, name);
}

static void units_end_lists(Units *u)
{
        u->dirty |= g_hash_table_foreach_remove(u->facts->units, is_unlisted, u) > 0;
        g_hash_table_remove_all(u->listed);
}

static void take_name(Units *u, const char *name, bool file)
{
        g_autofree char *base = g_path_get_basename(name);

        if (file)
                g_hash_table_add(u->on_disk, g_strdup(base));
        g_hash_table_add(u->listed, g_strdup(base));
        units_enqueue(u, base);
}

/* ListUnits and ListUnitFiles differ in what follows the first string of each @element: @rest. */
static int on_list(sd_bus_message *m, Units *u, const char *element, const char *rest, bool files)
{
        g_autofree char *contents = g_strconcat("s", rest, NULL);
        const char *name;
        int r = sd_bus_message_is_method_error(m, NULL) ? -EIO : sd_bus_message_enter_container(m, 'a', element);

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', contents)) > 0) {
                r = sd_bus_message_read_basic(m, 's', &name);
                if (r >= 0)
                        r = sd_bus_message_skip(m, rest);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r >= 0)
                        take_name(u, name, files);
        }
        if (r < 0) {
                units_retry(u); /* half a list would look like a whole one */
                return 0;
        }
        if (--u->n_lists == 0)
                units_end_lists(u);
        units_pump(u);
        units_settle(u);
        return 0;
}

static int on_units(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return on_list(m, userdata, "(ssssssouso)", "sssssouso", false);
}

static int on_unit_files(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return on_list(m, userdata, "(ss)", "s", true);
}

static void units_list(Units *u)
{
        static const struct {
                const char *method;
                sd_bus_message_handler_t handler;
        } lists[] = {{"ListUnitFiles", on_unit_files}, {"ListUnits", on_units}};

        g_hash_table_remove_all(u->on_disk);
        g_hash_table_remove_all(u->absent);
        g_hash_table_remove_all(u->listed);
        for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
                int r = sd_bus_call_method_async(u->bus, NULL, "org.freedesktop.systemd1", SYSTEMD_OBJECT,
                                                 SYSTEMD_MANAGER, lists[i].method, lists[i].handler, u, NULL);

                if (r < 0) {
                        units_retry(u);
                        return;
                }
                u->n_lists++;
        }
}

/* ---- signals --------------------------------------------------------------------------------------------------------- */

static int on_unit_new(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Units *u = userdata;
        const char *name;

        if (sd_bus_message_read_basic(m, 's', &name) < 0)
                return 0;
        /* What has a file is known until systemd reloads. */
        if (g_hash_table_contains(u->facts->units, name) || g_hash_table_contains(u->absent, name))
                return 0;
        units_enqueue(u, name);
        units_pump(u);
        return 0;
}

static int on_unit_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Units *u = userdata;
        const UnitFact *f;
        const char *name;

        if (sd_bus_message_read_basic(m, 's', &name) < 0)
                return 0;
        g_hash_table_remove(u->absent, name);
        f = g_hash_table_lookup(u->facts->units, name);
        if (f && !f->on_disk) {
                g_hash_table_remove(u->facts->units, name);
                u->dirty = true;
                units_settle(u);
        }
        return 0;
}

static int on_reloading(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        int active;

        if (sd_bus_message_read_basic(m, 'b', &active) >= 0 && !active)
                units_list(userdata);
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        units_retry(userdata);
        return 0;
}

static int units_match(Units *u)
{
        static const struct {
                const char *member;
                sd_bus_message_handler_t handler;
        } signals[] = {{"UnitNew", on_unit_new}, {"UnitRemoved", on_unit_removed}, {"Reloading", on_reloading}};
        int r;

        for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
                r = sd_bus_match_signal_async(u->bus, NULL, NULL, SYSTEMD_OBJECT, SYSTEMD_MANAGER, signals[i].member,
                                              signals[i].handler, NULL, u);
                if (r < 0)
                        return r;
        }
        return sd_bus_match_signal_async(u->bus, NULL, NULL, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                         "Disconnected", on_disconnected, NULL, u);
}

static void units_connect(Units *u)
{
        int r;

        u->retry = sd_event_source_disable_unref(u->retry);
        if (u->bus || !u->wanted || !*u->wanted)
                return;
        r = sd_bus_new(&u->bus);
        if (r >= 0)
                r = sd_bus_set_address(u->bus, u->address);
        if (r >= 0)
                r = sd_bus_start(u->bus);
        if (r >= 0)
                r = sd_bus_attach_event(u->bus, u->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = units_match(u);
        if (r < 0) {
                units_retry(u);
                return;
        }
        units_list(u);
}

/* ---- outside --------------------------------------------------------------------------------------------------------- */

int units_new(sd_event *event, const char *address, void (*changed)(void *userdata), void *userdata, Units **ret)
{
        Units *u = g_new0(Units, 1);

        u->event = sd_event_ref(event);
        u->address = g_strdup(address ?: SYSTEMD_ADDRESS);
        u->changed = changed;
        u->userdata = userdata;
        u->facts = unit_facts_new();
        u->pending = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        u->absent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        u->on_disk = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        u->listed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_queue_init(&u->queue);
        *ret = u;
        return 0;
}

void units_free(Units *u)
{
        if (!u)
                return;
        units_disconnect(u);
        sd_event_source_disable_unref(u->retry);
        g_strfreev(u->wanted);
        unit_facts_free(u->facts);
        g_hash_table_unref(u->pending);
        g_hash_table_unref(u->absent);
        g_hash_table_unref(u->on_disk);
        g_hash_table_unref(u->listed);
        sd_event_unref(u->event);
        g_free(u->address);
        g_free(u);
}

void units_want(Units *u, char *const *properties)
{
        bool same = u->wanted && properties && g_strv_equal((const char *const *)u->wanted, (const char *const *)properties);

        if (same && (u->bus || u->retry))
                return;
        g_strfreev(u->wanted);
        u->wanted = g_strdupv((char **)properties);
        if (!u->wanted || !*u->wanted) {
                units_disconnect(u);
                g_hash_table_remove_all(u->facts->units);
                g_clear_pointer(&u->facts->known, g_strfreev);
                return;
        }
        if (u->bus)
                units_list(u);
        else
                units_connect(u);
}

const UnitFacts *units_facts(const Units *u)
{
        return u->facts;
}
