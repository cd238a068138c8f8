/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reconcile: the only code that changes what is in force. It compares what the last bundle wants with what the enforcers
 * have, and applies the difference. Doing it twice does nothing the second time. */

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "manager-internal.h"
#include "messages.h"
#include "restarts.h"

/* ---- one policy in one enforcer ---------------------------------------------------------------------------------------- */

/* Take @policy out of the enforcer: with what binds at exec, not before systemd starts nothing under it any more. */
static int remove_one(Manager *m, Slot *s, const char *policy)
{
        if (s->ops->flags & ENFORCER_AT_EXEC && m->binder && binder_binds(m->binder, policy, s->ops->kind))
                return 0;
        return s->ops->remove(s->enforcer, policy);
}

/* Return: 1: something of @e is in force; 0: nothing is, and nothing should be; negative errno: not as wanted. */
static int apply_one(Manager *m, Entry *e, Slot *s)
{
        BundlePolicy *p = e->pub.current;
        bool wanted = p && bundle_policy_enforcers(p) & 1U << s->ops->kind && slot_serves(s, p->mode);
        Profile *profile = wanted ? p->profiles[s->ops->kind] : NULL;
        char digest[65];
        int r;

        r = s->ops->applied(s->enforcer, e->pub.full_name, digest);
        if (r < 0)
                return r;
        if (!p || !p->valid)
                return *digest != '\0'; /* adopted, and nothing better is known */
        if (profile_is_empty(profile) || (p->mode == MODE_BEHAVIOR_MODELING && !manager_model_wants(m, e)))
                return *digest == '\0' ? 0 : remove_one(m, s, e->pub.full_name);
        if (strcmp(digest, profile->digest) != 0) {
                if (!profile->blob) {
                        /* The child took it to be in force, and left the bytes out: once more, with them. If they do not come
                         * then, the file is broken by now, and asking again would not help. */
                        m->load_again |= *p->ir_digest != '\0';
                        p->ir_digest[0] = '\0';
                        return -ESTALE;
                }
                r = s->ops->apply(s->enforcer, e->pub.full_name, profile);
                if (r < 0)
                        return r;
                if (s->ops->flags & ENFORCER_AT_EXEC && !(s->ops->flags & ENFORCER_LIVE) && m->binder)
                        binder_note_change(m->binder, e->pub.full_name, s->ops->kind);
                g_clear_pointer(&e->asked, g_free);
                profile->since_usec = (uint64_t)g_get_real_time();
        }
        if (profile->since_usec == 0)
                profile->since_usec = (uint64_t)g_get_real_time(); /* adopted, and nobody remembers since when */
        if (p->mode != MODE_BEHAVIOR_MODELING)
                g_clear_pointer(&profile->blob, g_bytes_unref); /* the kernel has it */
        return 1;
}

static void entry_apply(Manager *m, Entry *e)
{
        const BundlePolicy *p = e->pub.current;

        g_clear_pointer(&e->failure, g_free);
        e->in_force = false;
        e->pub.missing = 0;
        manager_model_follow(m, e);
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                Slot *s = &m->slots[k];
                int r;

                if (p && bundle_policy_enforcers(p) & 1U << k && !slot_serves(s, p->mode))
                        e->pub.missing |= 1U << k;
                if (!s->enforcer)
                        continue;
                r = apply_one(m, e, s);
                e->in_force |= r == 1;
                if (r < 0 && !e->failure)
                        e->failure = g_strdup_printf("the %s enforcer cannot put it in force: %s",
                                                     enforcer_kind_to_string(k), strerror(-r));
                if (k == ENFORCER_BPF)
                        manager_model_applied(m, e, r == 1);
        }
}

/* ---- cgroups --------------------------------------------------------------------------------------------------------------- */

static void cover_all(Manager *m)
{
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                Slot *s = &m->slots[k];
                int r;

                if (!s->enforcer || s->covered || !m->targets || !s->ops->cover)
                        continue;
                if (s->only_records && g_hash_table_size(m->models) == 0)
                        continue; /* nobody is in need of it */
                r = s->ops->cover(s->enforcer, m->targets, (const char *const *)m->target_policies);
                if (r < 0 && r != s->cover_error) /* it is tried again with each poll, and said once */
                        journal_log(m->journal, LOG_ERR, MESSAGE_POLICY_DEGRADED, NULL,
                                    "The %s enforcer cannot label the cgroups that policies cover: %s",
                                    enforcer_kind_to_string(k), strerror(-r));
                s->cover_error = MIN(r, 0);
                s->covered = r >= 0;
        }
}

/* Who is told whom records are about: enforcers that have something in force, by those that see them made. */
static void watch_all(Manager *m)
{
        uint32_t wanted = 0, seen = 0;

        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                const Slot *s = &m->slots[k];
                g_auto(GStrv) names = s->enforcer && s->ops->origin ? s->ops->policies(s->enforcer) : NULL;

                if (names && *names)
                        wanted |= 1U << k;
        }
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (m->slots[k].enforcer && m->slots[k].ops->watch)
                        seen |= m->slots[k].ops->watch(m->slots[k].enforcer, wanted);
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (m->slots[k].enforcer && m->slots[k].ops->watched)
                        m->slots[k].ops->watched(m->slots[k].enforcer, seen >> k & 1);
}

/* ---- what binds at exec ------------------------------------------------------------------------------------------------------ */

/* Have systemd bind what can be bound here: an enforcer that is not available binds nothing. */
static void bind_all(Manager *m)
{
        g_autoptr(Bindings) b = bindings_new();
        int r;

        if (!m->binder || !m->bindings)
                return;
        for (guint i = 0; i < m->bindings->policies->len; i++) {
                const Binding *one = m->bindings->policies->pdata[i];
                uint32_t mask = 0;
                Binding *copy;

                for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                        if (one->enforcers & 1U << k && m->slots[k].enforcer)
                                mask |= 1U << k;
                copy = bindings_add(b, one->policy, mask);
                copy->fail_open = one->fail_open;
                copy->children = one->children && mask & 1U << ENFORCER_APPARMOR;
        }
        b->targets = g_bytes_ref(m->bindings->targets);
        b->units = g_strdupv(m->bindings->units);
        r = binder_want(m->binder, b);
        if (r < 0)
                journal_log(m->journal, LOG_ERR, MESSAGE_POLICY_DEGRADED, NULL,
                            "What services are started under cannot be written to %s: %s", BINDINGS_FILE, strerror(-r));
}

/* Ask once for each change: a unit that comes back as it was would be restarted for ever. */
static void restart_loose(Manager *m, Entry *e)
{
        g_autoptr(GString) units = g_string_new(NULL);

        for (guint i = 0; i < e->loose->len; i++) {
                const Loose *l = e->loose->pdata[i];

                if (l->restart)
                        g_string_append_printf(units, "%s ", l->unit);
        }
        if (units->len == 0 || g_strcmp0(units->str, e->asked) == 0)
                return;
        journal_log(m->journal, LOG_INFO, NULL, e->pub.full_name, "Policy %s restarts what has started without it: %s",
                    e->pub.full_name, units->str);
        for (guint i = 0; i < e->loose->len; i++) {
                const Loose *l = e->loose->pdata[i];

                if (l->restart)
                        (void)binder_restart(m->binder, l->unit);
        }
        g_free(e->asked);
        e->asked = g_string_free(g_steal_pointer(&units), FALSE);
}

static void find_loose(Manager *m)
{
        bool known = m->binder && binder_has_any(m->binder) && !binder_is_open(m->binder);
        g_autoptr(GHashTable) all = known ? restarts_find(m) : NULL;
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, m->entries);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                Entry *e = value;
                GPtrArray *loose = all ? g_hash_table_lookup(all, e->pub.full_name) : NULL;

                g_clear_pointer(&e->loose, g_ptr_array_unref);
                if (loose)
                        e->loose = g_ptr_array_ref(loose);
                if (loose && e->pub.current && e->pub.current->update_existing)
                        restart_loose(m, e);
        }
}

/* Rules that no policy wants any more: of policies whose files are gone, also while no daemon ran. */
static void remove_unwanted(Manager *m)
{
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                Slot *s = &m->slots[k];
                g_auto(GStrv) names = s->enforcer ? s->ops->policies(s->enforcer) : NULL;

                for (char **n = names; n && *n; n++) {
                        const Entry *e = manager_entry(m, *n);

                        if (e && !e->gone)
                                continue;
                        (void)remove_one(m, s, *n);
                        if (!e)
                                journal_log(m->journal, LOG_INFO, MESSAGE_POLICY_REMOVED, *n,
                                            "Policy %s is not there any more, its rules are not in force any more", *n);
                }
        }
}

/* ---- the whole --------------------------------------------------------------------------------------------------------------- */

static gboolean entry_drop_gone(gpointer key, gpointer value, gpointer userdata)
{
        Manager *m = userdata;
        const Entry *e = value;

        if (!e->gone)
                return FALSE;
        journal_log(m->journal, LOG_INFO, MESSAGE_POLICY_REMOVED, e->pub.full_name,
                    "Policy %s was removed, its rules are not in force any more", e->pub.full_name);
        manager_model_forget(m, e->pub.full_name);
        if (!e->fresh)
                manager_notify_policy(m, e, POLICY_REMOVED);
        return TRUE;
}

static void reconcile(Manager *m)
{
        GHashTableIter i;
        gpointer value;

        /* New rules before the cgroups that they are for, and cgroups that are not covered any more before their rules go:
         * at no moment is a cgroup under a policy without rules. */
        g_hash_table_iter_init(&i, m->entries);
        while (g_hash_table_iter_next(&i, NULL, &value))
                if (!((Entry *)value)->gone)
                        entry_apply(m, value);
        cover_all(m);
        watch_all(m);
        if (m->loaded) {
                bind_all(m);
                remove_unwanted(m);
                manager_publish_containers(m);
                manager_model_tidy(m);
        }

        (void)g_hash_table_foreach_remove(m->entries, entry_drop_gone, m);
        find_loose(m);
        g_hash_table_iter_init(&i, m->entries);
        while (g_hash_table_iter_next(&i, NULL, &value))
                manager_settle(m, value);
        manager_save(m);
        manager_notify_status(m);
}

/* ---- when it is done ---------------------------------------------------------------------------------------------------------- */

/* Whoever waits for a load gives up before sd-bus does, whose calls end after 25 s. */
#define PATIENCE_USEC (15U * G_USEC_PER_SEC)

static bool states_are_open(const Manager *m)
{
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, m->entries);
        while (g_hash_table_iter_next(&i, NULL, &value))
                if (((const Entry *)value)->pub.state == POLICY_APPLYING)
                        return true;
        return false;
}

static int on_patience(sd_event_source *s, uint64_t usec, void *userdata)
{
        Manager *m = userdata;

        m->impatient = true;
        manager_reconcile_soon(m);
        return 0;
}

/* A load is over when its selectors are answered, and services start under it: systemd announces both, and reconcile() comes
 * here again. */
static bool load_is_open(Manager *m)
{
        if (m->impatient || !states_are_open(m)) {
                m->patience = sd_event_source_disable_unref(m->patience);
                return false;
        }
        return m->patience || sd_event_add_time_relative(m->event, &m->patience, CLOCK_MONOTONIC, PATIENCE_USEC, 0,
                                                         on_patience, m) >= 0;
}

static int on_reconcile(sd_event_source *s, void *userdata)
{
        Manager *m = userdata;

        reconcile(m);
        if (m->load_again) {
                /* Once: the next child compiles what was missing, and has nothing more to leave out. */
                m->load_again = false;
                manager_load_soon(m);
                return 0;
        }
        if (!load_is_open(m))
                manager_complete(m, m->load_result);
        return 0;
}

void manager_reconcile_soon(Manager *m)
{
        if (m->disabled)
                return;
        if (m->reconcile)
                (void)sd_event_source_set_enabled(m->reconcile, SD_EVENT_ONESHOT);
        else if (sd_event_add_defer(m->event, &m->reconcile, on_reconcile, m) < 0)
                (void)on_reconcile(NULL, m);
}

/* ---- enforcers ---------------------------------------------------------------------------------------------------------------- */

#define REPEATS_USEC (500U * 1000U)

static int on_repeats(sd_event_source *source, uint64_t usec, void *userdata)
{
        Slot *s = userdata;
        int r;

        if (s->ops->repeats(s->enforcer) <= 0)
                return 0;
        r = sd_event_source_set_time_relative(source, REPEATS_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* What is handed out may recur, and is then only counted. */
static int expect_repeats(Slot *s, sd_event *event)
{
        int r, enabled;

        if (!s->ops->repeats)
                return 0;
        if (!s->repeats)
                return sd_event_add_time_relative(event, &s->repeats, CLOCK_MONOTONIC, REPEATS_USEC, 0, on_repeats, s);
        r = sd_event_source_get_enabled(s->repeats, &enabled);
        if (r < 0 || enabled != SD_EVENT_OFF)
                return r;
        r = sd_event_source_set_time_relative(s->repeats, REPEATS_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(s->repeats, SD_EVENT_ONESHOT);
}

/* So often in a tenth of a second, and then not before the next: whoever causes events without end is not worked for without
 * end. An enforcer sees to it that what cannot be told of one leaves room for others. */
#define BITES_USEC (100U * 1000U)
#define BITES_MAX 1U
#define BITE_EVENTS 256U

static int on_enforcer_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Slot *s = userdata;

        /* A bounded bite: the source stays ready if there is more, and others have their turn. */
        (void)s->ops->dispatch(s->enforcer, BITE_EVENTS);
        /* An error here would switch off this source, and with it all alarms. */
        (void)expect_repeats(s, sd_event_source_get_event(source));
        return 0;
}

static int open_one(Manager *m, Slot *s, Diag *d)
{
        int r, fd;

        r = s->ops->open(&m->env, &s->enforcer, d);
        if (r < 0) {
                s->enforcer = NULL;
                return r;
        }
        fd = s->ops->fd(s->enforcer);
        if (fd >= 0) {
                r = sd_event_add_io(m->event, &s->io, fd, EPOLLIN, on_enforcer_io, s);
                if (r >= 0)
                        r = sd_event_source_set_priority(s->io, SD_EVENT_PRIORITY_NORMAL + 10);
                if (r >= 0)
                        r = sd_event_source_set_ratelimit(s->io, BITES_USEC, BITES_MAX);
                if (r < 0)
                        return r;
        }
        return expect_repeats(s, m->event);
}

int manager_open_enforcers(Manager *m)
{
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                EnforcerInfo *info = &m->infos[k];
                Slot *s = &m->slots[k];
                g_autoptr(Diag) d = diag_new();
                int r;

                if (!s->ops)
                        continue;
                r = open_one(m, s, d);
                s->covered = false;
                s->only_records = r >= 0 && s->ops->only_records && s->ops->only_records(s->enforcer);
                info->available = r >= 0 && !s->only_records;
                g_free(info->missing);
                info->missing = info->available        ? g_strdup("")
                                : d->messages->len > 0 ? g_strdup(((DiagMessage *)d->messages->pdata[0])->text)
                                                       : g_strdup(strerror(-r));
                if (!info->available)
                        journal_log(m->journal, LOG_ERR, MESSAGE_ENFORCER_MISSING, NULL,
                                    "The %s enforcer is not available: %s%s", enforcer_kind_to_string(k), info->missing,
                                    s->only_records ? "; it can record" : "");
                for (guint i = 0; info->available && i < d->messages->len; i++)
                        journal_log(m->journal, LOG_WARNING, MESSAGE_ENFORCER_MISSING, NULL, "The %s enforcer is not whole: %s",
                                    enforcer_kind_to_string(k), ((DiagMessage *)d->messages->pdata[i])->text);
        }
        return 0;
}

void manager_close_enforcers(Manager *m)
{
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                Slot *s = &m->slots[k];

                s->io = sd_event_source_disable_unref(s->io);
                s->repeats = sd_event_source_disable_unref(s->repeats);
                if (s->enforcer)
                        s->ops->close(s->enforcer);
                s->enforcer = NULL;
                s->covered = false;
        }
}
