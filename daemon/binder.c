/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bindings -> systemd. See binder.h. */

#include "binder.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "util.h"

#define SYSTEMD_ADDRESS "unix:path=/run/systemd/private"
#define SYSTEMD_OBJECT "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

#define STATE_FILE "/run/varmor/state/bound"
#define STATE_TYPE "(sa{st})"
#define FILE_BYTES_MAX (16U << 20)
#define RELOAD_USEC (90U * G_USEC_PER_SEC) /* systemctl daemon-reload waits as long */
#define RETRY_USEC (5U * G_USEC_PER_SEC)

struct Binder {
        sd_event *event;
        char *root, *address;
        void (*changed)(void *userdata);
        void *userdata;
        sd_bus *bus;
        sd_event_source *retry;
        Bindings *wanted;   /* what BINDINGS_FILE holds; NULL: there is none */
        char *digest;       /* of it; "" */
        Bindings *read;     /* what systemd has read last */
        char *read_digest;
        Bindings *under_way; /* what it is reading */
        char *under_way_digest;
        char *failure;
        GHashTable *since;  /* "unit<TAB>policy<TAB>kind" (without unit: the profile's last change) -> uint64_t * */
        GPtrArray *unbound;
};

/* ---- files -------------------------------------------------------------------------------------------------------------- */

static char *path_of(const Binder *b, const char *name)
{
        return g_strconcat(b->root, name, NULL);
}

static GBytes *read_file(const char *path)
{
        GBytes *bytes = NULL;

        return file_read(path, FILE_BYTES_MAX, &bytes) < 0 ? NULL : bytes;
}

static char *digest_of(GBytes *bytes)
{
        return bytes ? g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes) : g_strdup("");
}

/* ---- since when ------------------------------------------------------------------------------------------------------- */

static uint64_t boot_usec(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_BOOTTIME, &ts);
        return (uint64_t)ts.tv_sec * G_USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static char *since_key(const char *unit, const char *policy, EnforcerKind k)
{
        return g_strdup_printf("%s\t%s\t%s", unit, policy, enforcer_kind_to_string(k));
}

static uint64_t since_get(const Binder *b, const char *unit, const char *policy, EnforcerKind k)
{
        g_autofree char *key = since_key(unit, policy, k);
        const uint64_t *usec = g_hash_table_lookup(b->since, key);

        return usec ? *usec : 0;
}

static void since_set(GHashTable *since, char *key /* taken */, uint64_t usec)
{
        g_hash_table_replace(since, key, g_memdup2(&usec, sizeof(usec)));
}

static void state_save(const Binder *b)
{
        g_autofree char *path = path_of(b, STATE_FILE);
        g_autoptr(GVariant) v = NULL;
        g_autoptr(GBytes) bytes = NULL;
        GVariantBuilder since;
        GHashTableIter i;
        gpointer key, value;

        g_variant_builder_init(&since, G_VARIANT_TYPE("a{st}"));
        g_hash_table_iter_init(&i, b->since);
        while (g_hash_table_iter_next(&i, &key, &value))
                g_variant_builder_add(&since, "{st}", key, *(const uint64_t *)value);
        v = g_variant_ref_sink(g_variant_new("(s@a{st})", b->read_digest, g_variant_builder_end(&since)));
        bytes = g_variant_get_data_as_bytes(v);
        (void)file_replace(path, bytes, 0600); /* without it, the next daemon asks for one reload too many */
}

static void state_load(Binder *b)
{
        g_autofree char *path = path_of(b, STATE_FILE), *bindings = path_of(b, BINDINGS_FILE);
        g_autoptr(GBytes) state = read_file(path), bytes = read_file(bindings);
        g_autoptr(GVariant) v = NULL;
        g_autoptr(GVariantIter) since = NULL;
        const char *key;
        guint64 usec;

        if (bytes && bindings_from_bytes(bytes, &b->wanted) >= 0) {
                g_free(b->digest);
                b->digest = digest_of(bytes);
                /* As long as nothing else is known, systemd may have read it. */
                (void)bindings_from_bytes(bytes, &b->read);
        }
        if (!state)
                return;
        v = g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(STATE_TYPE), state, FALSE));
        if (!g_variant_is_normal_form(v))
                return;
        g_free(b->read_digest);
        g_variant_get(v, "(sa{st})", &b->read_digest, &since);
        while (g_variant_iter_next(since, "{&st}", &key, &usec))
                since_set(b->since, g_strdup(key), usec);
}

/* ---- what the generator said -------------------------------------------------------------------------------------------- */

static void unbound_free(Unbound *u)
{
        g_free(u->unit);
        g_free(u->policy);
        g_free(u->reason);
        g_free(u);
}

static void take_bound(const Binder *b, GHashTable *since, const char *unit, const char *policies, const char *enforcers)
{
        g_auto(GStrv) names = g_strsplit(policies, ",", -1);
        int mask = enforcer_mask_from_string(enforcers);
        uint64_t now = boot_usec();

        for (char **n = names; *n && mask > 0; n++)
                for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                        if (mask & 1 << k)
                                since_set(since, since_key(unit, *n, k), since_get(b, unit, *n, k) ?: now);
}

static void take_line(Binder *b, GHashTable *since, const char *line)
{
        g_auto(GStrv) f = g_strsplit(line, "\t", 5);
        guint n = g_strv_length(f);

        if (n == 4 && strcmp(f[0], "bound") == 0)
                take_bound(b, since, f[1], f[2], f[3]);
        else if (n == 5 && strcmp(f[0], "unbound") == 0 && enforcer_kind_from_string(f[3]) >= 0) {
                Unbound *u = g_new0(Unbound, 1);

                *u = (Unbound){g_strdup(f[1]), g_strdup(f[2]), enforcer_kind_from_string(f[3]), g_strdup(f[4])};
                g_ptr_array_add(b->unbound, u);
        }
}

static bool is_change(const char *key)
{
        return *key == '\t';
}

static void take_report(Binder *b)
{
        g_autofree char *path = path_of(b, BOUND_FILE);
        g_autoptr(GBytes) bytes = read_file(path);
        g_autoptr(GHashTable) since = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_auto(GStrv) lines = NULL;
        g_autofree char *text = NULL;
        GHashTableIter i;
        gpointer key, value;
        gsize size = 0;
        const char *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;

        g_ptr_array_set_size(b->unbound, 0);
        text = g_strndup(data ?: "", size);
        lines = g_strsplit(text, "\n", -1);
        for (char **l = lines; *l; l++)
                take_line(b, since, *l);
        g_hash_table_iter_init(&i, b->since);
        while (g_hash_table_iter_next(&i, &key, &value))
                if (is_change(key))
                        since_set(since, g_strdup(key), *(const uint64_t *)value);
        g_hash_table_unref(b->since);
        b->since = g_steal_pointer(&since);
}

/* ---- systemd -------------------------------------------------------------------------------------------------------------- */

static void binder_reload(Binder *b);

static void binder_disconnect(Binder *b)
{
        b->bus = sd_bus_close_unref(b->bus);
        g_clear_pointer(&b->under_way, bindings_free);
        g_clear_pointer(&b->under_way_digest, g_free);
}

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata)
{
        binder_reload(userdata);
        return 0;
}

static void binder_failed(Binder *b, const char *why)
{
        binder_disconnect(b);
        g_free(b->failure);
        b->failure = g_strdup(why);
        b->retry = sd_event_source_disable_unref(b->retry);
        (void)sd_event_add_time_relative(b->event, &b->retry, CLOCK_MONOTONIC, RETRY_USEC, 0, on_retry, b);
        b->changed(b->userdata);
}

static int on_reloaded(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Binder *b = userdata;

        if (sd_bus_message_is_method_error(m, NULL)) {
                binder_failed(b, sd_bus_message_get_error(m)->message);
                return 0;
        }
        g_clear_pointer(&b->failure, g_free);
        bindings_free(b->read);
        b->read = g_steal_pointer(&b->under_way);
        g_free(b->read_digest);
        b->read_digest = g_steal_pointer(&b->under_way_digest);
        take_report(b);
        state_save(b);
        binder_reload(b); /* if something else is wanted by now */
        b->changed(b->userdata);
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Binder *b = userdata;

        if (b->under_way_digest)
                binder_failed(b, "systemd closed the connection");
        else
                binder_disconnect(b);
        return 0;
}

static int binder_connect(Binder *b)
{
        int r;

        if (b->bus)
                return 0;
        r = sd_bus_new(&b->bus);
        if (r >= 0)
                r = sd_bus_set_address(b->bus, b->address);
        if (r >= 0)
                r = sd_bus_start(b->bus);
        if (r >= 0)
                r = sd_bus_attach_event(b->bus, b->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_match_signal_async(b->bus, NULL, NULL, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                              "Disconnected", on_disconnected, NULL, b);
        if (r < 0)
                b->bus = sd_bus_close_unref(b->bus);
        return r;
}

static int call_reload(Binder *b)
{
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *m = NULL;
        int r = binder_connect(b);

        if (r >= 0)
                r = sd_bus_message_new_method_call(b->bus, &m, "org.freedesktop.systemd1", SYSTEMD_OBJECT, SYSTEMD_MANAGER, "Reload");
        if (r >= 0)
                r = sd_bus_call_async(b->bus, NULL, m, on_reloaded, b, RELOAD_USEC);
        return r;
}

static void binder_reload(Binder *b)
{
        int r;

        if (b->under_way_digest || strcmp(b->digest, b->read_digest) == 0)
                return;
        b->retry = sd_event_source_disable_unref(b->retry);
        r = call_reload(b);
        if (r < 0) {
                binder_failed(b, strerror(-r));
                return;
        }
        b->under_way_digest = g_strdup(b->digest);
        if (b->wanted) {
                g_autoptr(GBytes) bytes = bindings_to_bytes(b->wanted);

                (void)bindings_from_bytes(bytes, &b->under_way);
        }
}

/* ---- outside ---------------------------------------------------------------------------------------------------------------- */

int binder_new(sd_event *event, const char *root, const char *address, void (*changed)(void *userdata), void *userdata,
               Binder **ret)
{
        Binder *b = g_new0(Binder, 1);

        b->event = sd_event_ref(event);
        b->root = g_strdup(root ?: "");
        b->address = g_strdup(address ?: SYSTEMD_ADDRESS);
        b->changed = changed;
        b->userdata = userdata;
        b->digest = g_strdup("");
        b->read_digest = g_strdup("");
        b->since = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        b->unbound = g_ptr_array_new_with_free_func((GDestroyNotify)unbound_free);
        state_load(b);
        take_report(b);
        *ret = b;
        return 0;
}

void binder_free(Binder *b)
{
        if (!b)
                return;
        binder_disconnect(b);
        sd_event_source_disable_unref(b->retry);
        bindings_free(b->wanted);
        bindings_free(b->read);
        g_free(b->digest);
        g_free(b->read_digest);
        g_free(b->failure);
        g_hash_table_unref(b->since);
        g_ptr_array_unref(b->unbound);
        sd_event_unref(b->event);
        g_free(b->root);
        g_free(b->address);
        g_free(b);
}

static bool bindings_have_any(const Bindings *bindings)
{
        for (guint i = 0; bindings && i < bindings->policies->len; i++)
                if (((const Binding *)bindings->policies->pdata[i])->enforcers != 0)
                        return true;
        return false;
}

int binder_want(Binder *b, const Bindings *bindings)
{
        g_autofree char *path = path_of(b, BINDINGS_FILE), *digest = NULL;
        g_autoptr(GBytes) bytes = bindings_have_any(bindings) ? bindings_to_bytes(bindings) : NULL;
        int r;

        digest = digest_of(bytes);
        if (strcmp(digest, b->digest) != 0) {
                r = bytes ? file_replace(path, bytes, 0644) : RET_ERRNO(unlink(path));
                if (r < 0 && (bytes || r != -ENOENT))
                        return r;
                g_free(b->digest);
                b->digest = g_steal_pointer(&digest);
                g_clear_pointer(&b->wanted, bindings_free);
                if (bytes)
                        (void)bindings_from_bytes(bytes, &b->wanted);
        }
        if (!b->retry)
                binder_reload(b);
        return 0;
}

bool binder_is_open(const Binder *b)
{
        return strcmp(b->digest, b->read_digest) != 0;
}

const char *binder_failure(const Binder *b)
{
        return b->failure;
}

bool binder_has_any(const Binder *b)
{
        return b->wanted || b->read || b->under_way;
}

static bool is_in(const Bindings *bindings, const char *policy, EnforcerKind k)
{
        for (guint i = 0; bindings && i < bindings->policies->len; i++) {
                const Binding *one = bindings->policies->pdata[i];

                if (strcmp(one->policy, policy) == 0)
                        return one->enforcers & 1U << k;
        }
        return false;
}

bool binder_binds(const Binder *b, const char *policy, EnforcerKind k)
{
        return is_in(b->wanted, policy, k) || is_in(b->under_way, policy, k) || is_in(b->read, policy, k);
}

uint64_t binder_since(const Binder *b, const char *unit, const char *policy, EnforcerKind k)
{
        uint64_t bound = since_get(b, unit, policy, k), changed = since_get(b, "", policy, k);
        const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');

        if (bound == 0 && at && dot && dot > at) {
                g_autofree char *template = g_strdup_printf("%.*s@%s", (int)(at - unit), unit, dot);

                bound = since_get(b, template, policy, k);
        }
        return bound == 0 ? 0 : MAX(bound, changed);
}

uint64_t binder_changed(const Binder *b, const char *policy, EnforcerKind k)
{
        return since_get(b, "", policy, k);
}

const GPtrArray *binder_unbound(const Binder *b)
{
        return b->unbound;
}

void binder_note_change(Binder *b, const char *policy, EnforcerKind k)
{
        since_set(b->since, since_key("", policy, k), boot_usec());
        state_save(b);
}

int binder_restart(Binder *b, const char *unit)
{
        int r = binder_connect(b);

        return r < 0 ? r
                     : sd_bus_call_method_async(b->bus, NULL, "org.freedesktop.systemd1", SYSTEMD_OBJECT, SYSTEMD_MANAGER,
                                                "TryRestartUnit", NULL, NULL, "ss", unit, "replace");
}

int binder_unbind_now(const char *root)
{
        g_autofree char *path = g_strconcat(root ?: "", BINDINGS_FILE, NULL), *state = g_strconcat(root ?: "", STATE_FILE, NULL);
        __attribute__((cleanup(sd_bus_flush_close_unrefp))) sd_bus *bus = NULL;
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *m = NULL;
        int r = RET_ERRNO(unlink(path));

        (void)unlink(state);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, SYSTEMD_ADDRESS);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.systemd1", SYSTEMD_OBJECT, SYSTEMD_MANAGER, "Reload");
        if (r >= 0)
                r = sd_bus_call(bus, m, RELOAD_USEC, NULL, NULL);
        return MIN(r, 0);
}
