/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manager: life cycle, and what it tells. See manager.h, and manager-internal.h for its other files. */

#include "manager.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "bpf/table.h"
#include "facts.h"
#include "manager-internal.h"
#include "messages.h"
#include "restarts.h"
#include "target.h"
#include "util.h"

#define CGROUP_MOUNT "/sys/fs/cgroup"
#define TARGETS_MAX 16384U

static const char *const policy_state_table[_POLICY_STATE_MAX] = {
        [POLICY_APPLYING] = "applying", [POLICY_ACTIVE] = "active",       [POLICY_RESTART_NEEDED] = "restart-needed",
        [POLICY_MODELING] = "modeling", [POLICY_COMPLETED] = "completed", [POLICY_DEGRADED] = "degraded",
        [POLICY_REFUSED] = "refused",
};

static const char *const mode_origin_table[_MODE_ORIGIN_MAX] = {
        [MODE_FROM_FILE] = "file",
        [MODE_FROM_RUNTIME] = "runtime",
        [MODE_FROM_PERSISTENT] = "persistent",
};

const char *policy_state_to_string(PolicyState s)
{
        return s >= 0 && s < _POLICY_STATE_MAX ? policy_state_table[s] : NULL;
}

PolicyState policy_state_from_string(const char *s)
{
        for (PolicyState i = 0; i < _POLICY_STATE_MAX; i++)
                if (strcmp(s, policy_state_table[i]) == 0)
                        return i;
        return _POLICY_STATE_INVALID;
}

const char *mode_origin_to_string(ModeOrigin o)
{
        return o >= 0 && o < _MODE_ORIGIN_MAX ? mode_origin_table[o] : NULL;
}

ModeOrigin mode_origin_from_string(const char *s)
{
        for (ModeOrigin i = 0; i < _MODE_ORIGIN_MAX; i++)
                if (strcmp(s, mode_origin_table[i]) == 0)
                        return i;
        return _MODE_ORIGIN_INVALID;
}

/* ---- life cycle ------------------------------------------------------------------------------------------------------------ */

void entry_free(Entry *e)
{
        if (!e)
                return;
        g_free(e->pub.full_name);
        g_free(e->pub.why);
        bundle_policy_free(e->pub.current);
        bundle_policy_free(e->pub.failed);
        bundle_policy_free(e->previous);
        g_free(e->failure);
        g_clear_pointer(&e->loose, g_ptr_array_unref);
        g_free(e->asked);
        g_free(e);
}

static int open_journal(Manager *m, bool journal)
{
        return journal_new(m->event, journal ? NULL : "", &m->journal);
}

int manager_new(const ManagerParams *params, Manager **ret)
{
        g_autoptr(Manager) m = g_new0(Manager, 1);
        int r;

        m->lock_fd = -EBADF;
        m->event = sd_event_ref(params->event);
        m->root = g_strdup(params->root && strcmp(params->root, "/") != 0 ? params->root : "");
        m->ops = params->enforcers;
        m->disabled = params->disabled;
        m->systemd = params->systemd;
        m->listeners = g_ptr_array_new();
        m->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)entry_free);
        m->settings = settings_new_default();
        m->rules = rule_infos_new();
        m->models = manager_model_table();
        m->env = (EnforcerEnv){
                .launchers = m->settings->launchers,
                .self_unit = "varmord.service",
                .on_event = monitor_on_event,
                .on_origin = monitor_on_origin,
                .on_record = manager_on_record,
                .userdata = m,
        };
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                m->infos[k].kind = k;
                m->infos[k].missing = g_strdup("it is not part of this version");
        }
        for (const EnforcerOps *const *o = m->ops; *o; o++) {
                m->slots[(*o)->kind].ops = *o;
                g_free(m->infos[(*o)->kind].missing);
                m->infos[(*o)->kind].missing = g_strdup(m->disabled ? "varmor is disabled on the kernel command line"
                                                                    : "it is not open yet");
        }
        r = open_journal(m, params->journal);
        if (r >= 0)
                r = loader_new(m->event, &m->loader);
        if (r >= 0)
                r = manager_lock(m);
        if (r < 0)
                return r;
        m->cgroups = cgroup_cache_new(CGROUP_MOUNT);
        *ret = g_steal_pointer(&m);
        return 0;
}

void manager_free(Manager *m)
{
        if (!m)
                return;
        loader_free(m->loader);
        manager_cancel_all(m);
        monitor_stop(m);
        watch_free(m->watch);
        facts_watch_free(m->facts_watch);
        units_free(m->units);
        binder_free(m->binder);
        m->reconcile = sd_event_source_disable_unref(m->reconcile);
        m->patience = sd_event_source_disable_unref(m->patience);
        m->load = sd_event_source_disable_unref(m->load);
        m->mode = sd_event_source_disable_unref(m->mode);
        manager_model_stop(m);
        manager_close_enforcers(m);

        g_hash_table_unref(m->models);
        g_hash_table_unref(m->entries);
        g_ptr_array_unref(m->listeners);
        settings_free(m->settings);
        g_clear_pointer(&m->rules, g_ptr_array_unref);
        diag_free(m->diag);
        g_clear_pointer(&m->targets, g_bytes_unref);
        g_strfreev(m->target_policies);
        bindings_free(m->bindings);
        g_free(m->targets_failure);
        g_free(m->load_failure);
        g_free(m->state_digest);
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                g_free(m->infos[k].missing);
        cgroup_cache_free(m->cgroups);
        journal_free(m->journal);
        fd_close(m->lock_fd);
        sd_event_unref(m->event);
        g_free(m->root);
        g_free(m);
}

static void on_changed_files(void *userdata)
{
        manager_load_soon(userdata);
}

/* Most notices of devices change nothing that a rule is about. But a load under way may have looked before the change. */
static void on_changed_devices(void *userdata)
{
        Manager *m = userdata;
        g_auto(GStrv) disks = facts_disks(m->root);

        if (loader_is_busy(m->loader) || !m->settings->disks ||
            !g_strv_equal((const char *const *)disks, (const char *const *)m->settings->disks))
                manager_load_soon(m);
}

static void on_bound(void *userdata)
{
        manager_reconcile_soon(userdata);
}

/* systemd told something new: only if a selector's answer differs is there anything to compile. */
static void on_changed_units(void *userdata)
{
        Manager *m = userdata;
        GHashTableIter i;
        gpointer value;
        bool differs = false;

        g_hash_table_iter_init(&i, m->entries);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                const BundlePolicy *p = ((Entry *)value)->pub.current;
                g_auto(GStrv) selected = NULL;

                if (!p || !p->target.selector || p->target.kind == TARGET_CONTAINER ||
                    !unit_facts_know(units_facts(m->units), &p->target))
                        continue;
                selected = unit_facts_select(units_facts(m->units), &p->target);
                differs |= !p->selected || !g_strv_equal((const char *const *)selected, (const char *const *)p->selected);
        }
        if (differs)
                manager_load_soon(m);
        else
                manager_reconcile_soon(m);
}

int manager_start(Manager *m, void (*on_ready)(Manager *m, void *userdata), void *userdata)
{
        int r;

        m->on_ready = on_ready;
        m->ready_userdata = userdata;
        if (m->disabled) {
                journal_log(m->journal, LOG_NOTICE, MESSAGE_DISABLED, NULL,
                            "varmor is disabled on the kernel command line, nothing is enforced");
                m->on_ready = NULL;
                if (on_ready)
                        on_ready(m, userdata);
                return 0;
        }
        manager_restore(m);
        r = monitor_start(m);
        if (r < 0)
                return r;
        r = manager_open_enforcers(m);
        if (r < 0)
                return r;
        manager_model_resume(m);
        if (m->systemd) {
                r = units_new(m->event, NULL, on_changed_units, m, &m->units);
                if (r >= 0)
                        r = binder_new(m->event, m->root, NULL, on_bound, m, &m->binder);
                if (r < 0)
                        return r;
        }
        r = watch_new(m->event, m->root, on_changed_files, m, &m->watch);
        if (r < 0)
                return r;
        r = facts_watch_new(m->event, on_changed_devices, m, &m->facts_watch);
        if (r < 0)
                journal_log(m->journal, LOG_WARNING, NULL, NULL,
                            "New disks will be known to rules only when the policies are loaded again: %s", strerror(-r));
        manager_load_soon(m);
        return 0;
}

/* ---- listeners --------------------------------------------------------------------------------------------------------------- */

void manager_add_listener(Manager *m, const ManagerListener *l)
{
        g_ptr_array_add(m->listeners, (gpointer)l);
}

void manager_remove_listener(Manager *m, const ManagerListener *l)
{
        (void)g_ptr_array_remove(m->listeners, (gpointer)l);
}

void manager_notify_policy(Manager *m, const Entry *e, PolicyChange change)
{
        for (guint i = 0; i < m->listeners->len; i++) {
                const ManagerListener *l = m->listeners->pdata[i];

                if (l->on_policy)
                        l->on_policy(&e->pub, change, l->userdata);
        }
}

void manager_notify_status(Manager *m)
{
        for (guint i = 0; i < m->listeners->len; i++) {
                const ManagerListener *l = m->listeners->pdata[i];

                if (l->on_status)
                        l->on_status(l->userdata);
        }
}

/* ---- what there is ------------------------------------------------------------------------------------------------------------ */

const char *policy_entry_source(const PolicyEntry *e)
{
        const BundlePolicy *p = e->failed ? e->failed : e->current;

        return p && p->source ? p->source : "";
}

const Diag *policy_entry_diag(const PolicyEntry *e)
{
        const BundlePolicy *p = e->failed ? e->failed : e->current;

        return p ? p->diag : NULL;
}

bool manager_is_disabled(const Manager *m)
{
        return m->disabled;
}

Entry *manager_entry(const Manager *m, const char *full_name)
{
        return g_hash_table_lookup(m->entries, full_name);
}

const PolicyEntry *manager_find_policy(const Manager *m, const char *full_name)
{
        const Entry *e = manager_entry(m, full_name);

        return e ? &e->pub : NULL;
}

static int compare_entries(gconstpointer a, gconstpointer b)
{
        return strcmp((*(const PolicyEntry *const *)a)->full_name, (*(const PolicyEntry *const *)b)->full_name);
}

GPtrArray *manager_policies(const Manager *m)
{
        GPtrArray *policies = g_ptr_array_new();
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, m->entries);
        while (g_hash_table_iter_next(&i, NULL, &value))
                g_ptr_array_add(policies, &((Entry *)value)->pub);
        g_ptr_array_sort(policies, compare_entries);
        return policies;
}

const EnforcerInfo *manager_enforcers(const Manager *m)
{
        return m->infos;
}

void manager_get_counters(const Manager *m, ManagerCounters *ret)
{
        *ret = m->counters;
        if (m->alarms)
                ret->alarms_limited = alarm_table_limited(m->alarms);
        ret->journal_dropped = journal_dropped(m->journal);
}

const Diag *manager_diag(const Manager *m)
{
        return m->diag;
}

char *manager_dup_status(const Manager *m)
{
        GString *s = g_string_new(NULL);
        unsigned n[_POLICY_STATE_MAX] = {0};
        GHashTableIter i;
        gpointer value;

        if (m->disabled)
                return g_string_free(g_string_append(s, "Disabled on the kernel command line, nothing is enforced"), FALSE);
        g_hash_table_iter_init(&i, m->entries);
        while (g_hash_table_iter_next(&i, NULL, &value))
                n[((const Entry *)value)->pub.state]++;
        if (!m->loaded && !m->load_failure)
                g_string_append(s, "Loading policies");
        else if (g_hash_table_size(m->entries) == 0)
                g_string_append(s, "No policies");
        for (PolicyState k = 0; (m->loaded || m->load_failure) && k < _POLICY_STATE_MAX; k++)
                if (n[k] > 0)
                        g_string_append_printf(s, "%s%u %s %s", s->len > 0 ? ", " : "", n[k],
                                               n[k] == 1 ? "policy" : "policies", policy_state_to_string(k));
        if (m->load_failure)
                g_string_append_printf(s, "; the last load failed: %s", m->load_failure);
        if (m->diag && m->diag->n_errors > 0)
                g_string_append_printf(s, "; %u %s in the configuration", m->diag->n_errors,
                                       m->diag->n_errors == 1 ? "error" : "errors");
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (m->slots[k].ops && !m->infos[k].available)
                        g_string_append_printf(s, "; the %s enforcer is not available: %s", enforcer_kind_to_string(k),
                                               m->infos[k].missing);
        return g_string_free(s, FALSE);
}

/* ---- targets ------------------------------------------------------------------------------------------------------------------- */

void target_instance_free(TargetInstance *t)
{
        if (!t)
                return;
        g_free(t->cgroup);
        g_free(t->unit);
        g_strfreev(t->policies);
        g_free(t);
}

typedef struct Collect {
        const Manager *m;
        const char *full_name;
        GPtrArray *out;
} Collect;

const struct va_cover *manager_cover(const Manager *m, const char *path)
{
        gsize size = 0;
        const void *table = m->targets ? g_bytes_get_data(m->targets, &size) : NULL;

        return size > 0 ? table_match_cover(table, path) : NULL;
}

static bool same_cover(const struct va_cover *a, const struct va_cover *b)
{
        uint32_t n = a ? a->n : 0;

        return n == (b ? b->n : 0) && (n == 0 || memcmp(a->slot, b->slot, n * sizeof(a->slot[0])) == 0);
}

static int collect(const char *path, void *userdata)
{
        Collect *c = userdata;
        g_autofree char *parent = g_path_get_dirname(path);
        const struct va_cover *cover = manager_cover(c->m, path);
        g_autoptr(GPtrArray) names = NULL;
        guint n_names = g_strv_length(c->m->target_policies);
        TargetInstance *t;
        bool wanted = !c->full_name;

        if (!cover || cover->n == 0 || (strcmp(path, "/") != 0 && same_cover(cover, manager_cover(c->m, parent))))
                return 0;
        if (c->out->len >= TARGETS_MAX)
                return -E2BIG;
        names = g_ptr_array_new_with_free_func(g_free);
        for (uint32_t i = 0; i < MIN(cover->n, VA_COVER_MAX); i++) {
                if (cover->slot[i] >= n_names)
                        continue;
                g_ptr_array_add(names, g_strdup(c->m->target_policies[cover->slot[i]]));
                wanted |= c->full_name && strcmp(c->full_name, c->m->target_policies[cover->slot[i]]) == 0;
        }
        if (!wanted)
                return 0;
        t = g_new0(TargetInstance, 1);
        t->cgroup = g_strdup(path);
        t->unit = cgroup_to_unit(path);
        g_ptr_array_add(names, NULL);
        t->policies = (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
        g_ptr_array_add(c->out, t);
        return 0;
}

static int compare_targets(gconstpointer a, gconstpointer b)
{
        return strcmp((*(const TargetInstance *const *)a)->cgroup, (*(const TargetInstance *const *)b)->cgroup);
}

int manager_targets(const Manager *m, const char *full_name, GPtrArray **ret)
{
        g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func((GDestroyNotify)target_instance_free);
        Collect c = {m, full_name, out};

        if (full_name && !manager_entry(m, full_name))
                return -ENOENT;
        if (m->targets && m->target_policies)
                (void)cgroup_walk(CGROUP_MOUNT, collect, &c); /* what could be seen is shown */
        g_ptr_array_sort(out, compare_targets);
        *ret = g_steal_pointer(&out);
        return 0;
}

int manager_enforcement(const Manager *m, const char *full_name, Enforcement ret[static _ENFORCER_KIND_MAX])
{
        const Entry *e = manager_entry(m, full_name);
        const BundlePolicy *p = e ? e->pub.current : NULL;
        g_autoptr(GPtrArray) targets = NULL;
        int r = manager_targets(m, full_name, &targets);

        if (r < 0)
                return r;
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                ret[k] = (Enforcement){0};
                if (!p || e->failure || !slot_serves(&m->slots[k], p->mode) || profile_is_empty(p->profiles[k]))
                        continue;
                ret[k] = (Enforcement){.in_force = true, .since_usec = p->profiles[k]->since_usec, .targets = targets->len};
                for (guint i = 0; e->loose && i < e->loose->len; i++)
                        ret[k].loose += !!(((const Loose *)e->loose->pdata[i])->enforcers & 1U << k);
                ret[k].targets -= MIN(ret[k].loose, ret[k].targets);
        }
        return 0;
}

int manager_pid_confined(const Manager *m, pid_t pid)
{
        if (m->disabled)
                return 0;
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                const Slot *s = &m->slots[k];
                int r = s->enforcer && s->ops->pid_confined ? s->ops->pid_confined(s->enforcer, pid) : 0;

                if (r != 0)
                        return r;
        }
        return 0;
}
