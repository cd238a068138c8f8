/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Event -> alarm -> journal and listeners; and the counters that say what did not become one. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "manager-internal.h"
#include "messages.h"
#include "target.h"

#define POLL_USEC (5U * G_USEC_PER_SEC)
#define OBJECT_BYTES_MAX 8192U

static uint64_t clock_usec(clockid_t clock)
{
        struct timespec ts;

        (void)clock_gettime(clock, &ts);
        return (uint64_t)ts.tv_sec * G_USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

/* ---- an event in the policy's words ------------------------------------------------------------------------------------ */

static bool is_version(const BundlePolicy *p, const EnforcerEvent *event)
{
        return p && p->profiles[event->enforcer] && strcmp(p->profiles[event->enforcer]->digest, event->digest) == 0;
}

/* The version whose rules the event counts in. Without a digest the event is of a version that has been replaced. */
static const BundlePolicy *find_version(const Entry *e, const EnforcerEvent *event)
{
        if (!e)
                return NULL;
        if (event->digest[0] == '\0' || (!is_version(e->pub.current, event) && is_version(e->previous, event)))
                return e->previous ? e->previous : e->pub.current;
        return e->pub.current;
}

static char *rule_id(const BundlePolicy *p, const EnforcerEvent *event)
{
        const RuleStatus *s;

        if (event->reason == REASON_BASE)
                return g_strdup("base-protection");
        if (event->rule_name)
                return g_strdup(event->rule_name);
        if (event->rule < 0)
                return g_strdup("");
        if (!p || (guint)event->rule >= p->rules->len || (event->digest[0] != '\0' && !is_version(p, event)))
                return g_strdup_printf("#%i", event->rule);
        s = p->rules->pdata[event->rule];
        return g_strdup(s->id);
}

static bool rule_is_base(const BundlePolicy *p, const EnforcerEvent *event)
{
        return p && event->rule >= 0 && (guint)event->rule < p->rules->len &&
               ((const RuleStatus *)p->rules->pdata[event->rule])->origin == RULE_BASE;
}

static GBytes *object_bytes(const uint8_t *data, size_t size)
{
        return data ? g_bytes_new(data, MIN(size, OBJECT_BYTES_MAX)) : NULL;
}

/* Borrowed until the next call; NULL: unknown. */
static const char *cgroup_path(Manager *m, uint64_t id)
{
        const char *path = cgroup_cache_get(m->cgroups, id);

        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX && !path && id != 0; k++) {
                const Slot *s = &m->slots[k];
                g_autofree char *gone = s->enforcer && s->ops->cgroup_path ? s->ops->cgroup_path(s->enforcer, id) : NULL;

                if (!gone)
                        continue;
                cgroup_cache_put(m->cgroups, id, gone);
                path = cgroup_cache_get(m->cgroups, id);
        }
        return path;
}

static char *find_cgroup(Manager *m, const EnforcerEvent *event)
{
        const char *path;
        char *of_pid;

        if (event->cgroup) {
                if (event->cgroup_id != 0)
                        cgroup_cache_put(m->cgroups, event->cgroup_id, event->cgroup);
                return g_strdup(event->cgroup);
        }
        path = cgroup_path(m, event->cgroup_id);
        if (path)
                return g_strdup(path);
        /* Gone already. The process may still be there; it may have moved, but rarely has. */
        if (event->pid > 0 && cgroup_of_pid(event->pid, &of_pid) >= 0)
                return of_pid;
        return g_strdup("");
}

/* Who may report the same call: those that enforce the rule, too, as nobody stops it before they see it. */
static uint32_t who_else(const Manager *m, const BundlePolicy *p, const EnforcerEvent *event)
{
        uint32_t others = 0, enforced_by;

        if (!p || event->action == ACTION_DENIED || event->operation == NULL)
                return 0;
        enforced_by = p->enforcers;
        if (event->rule >= 0 && (guint)event->rule < p->rules->len)
                enforced_by = ((const RuleStatus *)p->rules->pdata[event->rule])->enforced_by;
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                const Slot *s = &m->slots[k];

                if (k != event->enforcer && enforced_by & 1U << k && s->enforcer && s->ops->kinds & 1U << event->kind &&
                    s->ops->flags & ENFORCER_OBSERVE)
                        others |= 1U << k;
        }
        return others;
}

void monitor_on_event(const EnforcerEvent *event, void *userdata)
{
        Manager *m = userdata;
        const Entry *e = manager_entry(m, event->policy);
        const BundlePolicy *p = find_version(e, event);
        Alarm *a = g_new0(Alarm, 1);

        a->policy = g_strdup(event->policy);
        a->mode = p ? p->mode : MODE_ENHANCE_PROTECT;
        a->enforcers = 1U << event->enforcer;
        a->awaited = who_else(m, p, event);
        a->action = event->action;
        a->reason = event->reason == REASON_RULE && rule_is_base(p, event) ? REASON_BASE : event->reason;
        a->rule = rule_id(p, event);
        a->operation = g_strdup(event->operation);
        a->kind = event->kind;
        a->requested = event->requested;
        a->object = object_bytes(event->object, event->object_size);
        a->object2 = object_bytes(event->object2, event->object2_size);
        a->cgroup_id = event->cgroup_id;
        a->cgroup = find_cgroup(m, event);
        a->unit = cgroup_to_unit(a->cgroup);
        a->pid = event->pid;
        a->tid = event->tid;
        a->uid = event->uid;
        memcpy(a->comm, event->comm, sizeof(a->comm));
        a->count = MAX(event->count, 1);
        a->first_usec = a->last_usec = clock_usec(CLOCK_REALTIME);

        m->counters.alarms += a->count;
        alarm_table_add(m->alarms, a, clock_usec(CLOCK_MONOTONIC));
        monitor_configure(m);
}

/* ---- alarms on their way out ------------------------------------------------------------------------------------------------ */

static void on_alarm(const Alarm *a, void *userdata)
{
        Manager *m = userdata;

        if (m->journal)
                journal_send(m->journal, journal_entry_from_alarm(a));
        for (guint i = 0; i < m->listeners->len; i++) {
                const ManagerListener *l = m->listeners->pdata[i];

                if (l->on_alarm)
                        l->on_alarm(a, l->userdata);
        }
}

static int on_alarm_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        Manager *m = userdata;

        alarm_table_expire(m->alarms, clock_usec(CLOCK_MONOTONIC));
        monitor_configure(m);
        return 0;
}

/* The settings hold, and the timer stands where the table wants it. */
void monitor_configure(Manager *m)
{
        uint64_t next;
        int r = 0;

        if (!m->alarms)
                return;
        if (m->settings)
                alarm_table_configure(m->alarms, m->settings->alarm_window_usec, m->settings->alarm_rate);
        next = alarm_table_next(m->alarms);
        if (next == UINT64_MAX)
                return;
        if (!m->alarm_timer)
                r = sd_event_add_time(m->event, &m->alarm_timer, CLOCK_MONOTONIC, next, 0, on_alarm_timer, m);
        else {
                r = sd_event_source_set_time(m->alarm_timer, next);
                if (r >= 0)
                        r = sd_event_source_set_enabled(m->alarm_timer, SD_EVENT_ONESHOT);
        }
        if (r < 0)
                alarm_table_flush(m->alarms);
}

void manager_report_confined(Manager *m, pid_t pid, uid_t uid, const char *member)
{
        g_autofree char *cgroup = NULL;
        const struct va_cover *cover = NULL;
        EnforcerEvent event = {
                .enforcer = ENFORCER_BPF,
                .policy = "?",
                .rule = -1,
                .reason = REASON_BASE,
                .action = ACTION_DENIED,
                .operation = "dbus",
                .object = (const uint8_t *)member,
                .object_size = strlen(member),
                .pid = pid,
                .tid = pid,
                .uid = uid,
        };
        g_autofree char *comm_path = g_strdup_printf("/proc/%i/comm", (int)pid), *comm = NULL;

        if (cgroup_of_pid(pid, &cgroup) >= 0) {
                event.cgroup = cgroup;
                cover = manager_cover(m, cgroup);
        }
        if (g_file_get_contents(comm_path, &comm, NULL, NULL))
                (void)g_strlcpy(event.comm, g_strchomp(comm), sizeof(event.comm));
        if (!cover) /* it has left its cgroup: it is confined all the same, and nobody knows by whom */
                monitor_on_event(&event, m);
        for (uint32_t i = 0; cover && i < MIN(cover->n, VA_COVER_MAX); i++) {
                if (cover->slot[i] >= g_strv_length(m->target_policies))
                        continue;
                event.policy = m->target_policies[cover->slot[i]];
                monitor_on_event(&event, m);
        }
}

/* ---- who caused a record ------------------------------------------------------------------------------------------------------- */

void monitor_on_origin(const AuditOrigin *origin, void *userdata)
{
        Manager *m = userdata;
        AuditOrigin o = *origin;

        if (!o.cgroup)
                o.cgroup = cgroup_path(m, o.cgroup_id);
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (m->slots[k].enforcer && m->slots[k].ops->origin)
                        m->slots[k].ops->origin(m->slots[k].enforcer, &o);
}

/* ---- counters ------------------------------------------------------------------------------------------------------------------ */

static void report(Manager *m, uint64_t now, uint64_t *before, const char *id, const char *text)
{
        g_autoptr(JournalEntry) e = NULL;

        if (now <= *before)
                return;
        e = journal_entry_new();
        journal_entry_add_format(e, "MESSAGE", "%s: %" PRIu64 " more, %" PRIu64 " in all", text, now - *before, now);
        journal_entry_add_format(e, "PRIORITY", "%i", LOG_WARNING);
        journal_entry_add_string(e, "SYSLOG_IDENTIFIER", "varmord");
        journal_entry_add_string(e, "MESSAGE_ID", id);
        journal_entry_add_format(e, "VARMOR_COUNT", "%" PRIu64, now - *before);
        if (m->journal)
                journal_send(m->journal, g_steal_pointer(&e));
        *before = now;
        manager_notify_status(m);
}

static void poll_enforcers(Manager *m)
{
        uint64_t lost = 0, skipped = 0, labels = 0;
        ManagerCounters *was = &m->reported;

        was->events_lost = was->programs_skipped = was->labels_lost = 0;
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                Slot *s = &m->slots[k];
                EnforcerCounters c = {0};

                if (s->enforcer && s->ops->counters(s->enforcer, &c) >= 0)
                        m->infos[k].counters = c;
                if (s->enforcer && s->ops->told)
                        s->told = s->ops->told(s->enforcer);
                was->events_lost += s->told.events_lost;
                was->programs_skipped += s->told.programs_skipped;
                was->labels_lost += s->told.labels_lost;
                lost += m->infos[k].counters.events_lost;
                skipped += m->infos[k].counters.programs_skipped;
                labels += m->infos[k].counters.labels_lost;
        }
        m->counters.events_lost = lost;
        m->counters.programs_skipped = skipped;
        m->counters.labels_lost = labels;
        m->counters.alarms_limited = alarm_table_limited(m->alarms);
        m->counters.journal_dropped = journal_dropped(m->journal);
}

/* Each increase once, also if it is one daemon that counted and the next one that tells. */
static void report_losses(Manager *m)
{
        ManagerCounters *was = &m->reported;

        poll_enforcers(m);
        report(m, m->counters.events_lost, &was->events_lost, MESSAGE_EVENTS_LOST, "Events from the kernel were lost");
        report(m, m->counters.programs_skipped, &was->programs_skipped, MESSAGE_PROGRAMS_SKIPPED,
               "The kernel left out checks");
        report(m, m->counters.labels_lost, &was->labels_lost, MESSAGE_LABELS_LOST, "Cgroups could not be labelled");
        report(m, m->counters.alarms_limited, &was->alarms_limited, MESSAGE_ALARMS_LIMITED, "Alarms were left out");
        report(m, m->counters.journal_dropped, &was->journal_dropped, MESSAGE_JOURNAL_DROPPED,
               "Journal entries were dropped");
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                Slot *s = &m->slots[k];

                s->told = m->infos[k].counters;
                if (s->enforcer && s->ops->tell)
                        s->ops->tell(s->enforcer, &s->told);
        }
}

/* At most one entry of a kind in each interval. */
static int on_poll(sd_event_source *s, uint64_t usec, void *userdata)
{
        Manager *m = userdata;
        int r;

        report_losses(m);
        manager_model_poll(m);

        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                const Slot *slot = &m->slots[k];

                if (slot->enforcer && slot->ops->tidy)
                        slot->ops->tidy(slot->enforcer);
                /* What could not be labelled may be now. */
                if (slot->cover_error < 0)
                        manager_reconcile_soon(m);
        }
        /* Services start and stop without telling us. */
        if (m->binder && binder_has_any(m->binder))
                manager_reconcile_soon(m);

        r = sd_event_source_set_time_relative(s, POLL_USEC);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

int monitor_start(Manager *m)
{
        m->alarms = alarm_table_new(on_alarm, m);
        monitor_configure(m);
        return sd_event_add_time_relative(m->event, &m->poll, CLOCK_MONOTONIC, POLL_USEC, G_USEC_PER_SEC, on_poll, m);
}

void monitor_stop(Manager *m)
{
        if (m->alarms) {
                alarm_table_flush(m->alarms);
                report_losses(m);
        }
        g_clear_pointer(&m->alarms, alarm_table_free);
        m->alarm_timer = sd_event_source_disable_unref(m->alarm_timer);
        m->poll = sd_event_source_disable_unref(m->poll);
}
