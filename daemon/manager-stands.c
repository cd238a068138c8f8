/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How the policies stand after reconcile(): state and reason of each, for status, bus and journal. */

#include <string.h>
#include <syslog.h>

#include "manager-internal.h"
#include "messages.h"
#include "restarts.h"

#define LOOSE_SHOWN_MAX 5U

static char *first_error(const Diag *d)
{
        for (guint i = 0; d && i < d->messages->len; i++) {
                const DiagMessage *msg = d->messages->pdata[i];

                if (msg->severity == DIAG_ERROR)
                        return diag_message_format(msg);
        }
        return g_strdup("it has errors");
}

static char *describe_missing(const Manager *m, const Entry *e)
{
        GString *s = g_string_new(NULL);

        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (e->pub.missing & 1U << k)
                        g_string_append_printf(s, "%sthe %s enforcer is not available: %s", s->len > 0 ? "; " : "",
                                               enforcer_kind_to_string(k), m->infos[k].missing);
        return g_string_free(s, FALSE);
}

/* Why the cgroups that the policy covers do not have its label; NULL: they do. */
static char *describe_uncovered(const Manager *m, const BundlePolicy *p)
{
        if (m->targets_failure)
                return g_strdup_printf("which cgroups the policies cover cannot be worked out, it stays as it was before: %s",
                                       m->targets_failure);
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (bundle_policy_enforcers(p) & 1U << k && slot_serves(&m->slots[k], p->mode) && m->slots[k].cover_error < 0)
                        return g_strdup_printf("the %s enforcer cannot label the cgroups that it covers: %s",
                                               enforcer_kind_to_string(k), strerror(-m->slots[k].cover_error));
        return NULL;
}

/* What runs without its profiles, @restart: and would be under them after a restart. NULL: nothing. */
static char *describe_loose(const Entry *e, bool restart)
{
        GString *s = g_string_new(NULL);
        unsigned n = 0;

        for (guint i = 0; e->loose && i < e->loose->len; i++) {
                const Loose *l = e->loose->pdata[i];
                g_autofree char *enforcers = enforcer_mask_to_string(l->enforcers);

                if (l->restart != restart || n++ >= LOOSE_SHOWN_MAX)
                        continue;
                g_string_append_printf(s, "%s%s (%s%s%s)", n > 1 ? ", " : "", l->unit, enforcers, l->reason ? ": " : "",
                                       l->reason ?: "");
        }
        if (n > LOOSE_SHOWN_MAX)
                g_string_append_printf(s, " and %u more", n - LOOSE_SHOWN_MAX);
        return g_string_free(s, n == 0);
}

static bool binds_anything(const Manager *m, const Entry *e)
{
        for (EnforcerKind k = 0; m->binder && k < _ENFORCER_KIND_MAX; k++)
                if (binder_binds(m->binder, e->pub.full_name, k))
                        return true;
        return false;
}

/* How it stands with what binds at exec. Return: whether there is anything to say. */
static bool bound_state(const Manager *m, const Entry *e, PolicyState *ret, char **ret_why)
{
        g_autofree char *unbound = NULL, *restart = NULL;

        if (!binds_anything(m, e))
                return false;
        if (binder_failure(m->binder)) {
                *ret = POLICY_DEGRADED;
                *ret_why = g_strdup_printf("systemd does not read its units again, so that services start as before: %s",
                                           binder_failure(m->binder));
                return true;
        }
        if (binder_is_open(m->binder)) {
                *ret = POLICY_APPLYING;
                *ret_why = g_strdup("systemd reads its units again");
                return true;
        }
        unbound = describe_loose(e, false);
        restart = describe_loose(e, true);
        if (!unbound && !restart)
                return false;
        *ret = unbound ? POLICY_DEGRADED : POLICY_RESTART_NEEDED;
        *ret_why = g_strdup_printf("%s%s%s%s%s", unbound ? "what binds at the start of a service cannot be had for " : "",
                                   unbound ?: "", unbound && restart ? "; " : "",
                                   restart ? "started before, and to be restarted: " : "", restart ?: "");
        return true;
}

static PolicyState failed_state(const Entry *e, char **ret_why)
{
        const BundlePolicy *p = e->pub.current;
        g_autofree char *error = first_error(e->pub.failed->diag);
        /* A version whose mode enforces nothing has nothing in the kernel, and is as it should be. */
        bool before = e->in_force || (p && p->valid && !e->failure);

        if (before && !e->failure)
                *ret_why = g_strdup_printf("the version before it stays in force: %s", error);
        else if (e->failure)
                *ret_why = g_strdup_printf("%s; and the version before it: %s", error, e->failure);
        else
                *ret_why = g_steal_pointer(&error);
        return before ? POLICY_DEGRADED : POLICY_REFUSED;
}

/* Is nothing wrong with the version that was read last, but that it must wait? */
static bool waits_for_model(const Entry *e)
{
        const Diag *d = e->pub.failed->diag;

        return d->n_errors == 1 && diag_has_error(d, CODE_NOT_COMPLETE);
}

static PolicyState entry_state(const Manager *m, const Entry *e, char **ret_why)
{
        const BundlePolicy *p = e->pub.current;
        PolicyState state;
        char *uncovered;

        if (e->pub.failed && !waits_for_model(e))
                return failed_state(e, ret_why);
        if (e->failure) {
                *ret_why = g_strdup(e->failure);
                return e->in_force ? POLICY_DEGRADED : POLICY_REFUSED;
        }
        if (e->pub.missing != 0 && p->mode != MODE_ALWAYS_ALLOW) {
                *ret_why = describe_missing(m, e);
                return POLICY_DEGRADED;
        }
        uncovered = describe_uncovered(m, p);
        if (uncovered) {
                *ret_why = uncovered;
                return POLICY_DEGRADED;
        }
        if (p->target.selector && m->systemd && !unit_facts_know(units_facts(m->units), &p->target)) {
                *ret_why = g_strdup("systemd has not yet told which units its selector matches");
                return POLICY_APPLYING;
        }
        if (bound_state(m, e, &state, ret_why))
                return state;
        if (p->mode == MODE_BEHAVIOR_MODELING)
                return manager_model_state(m, e, ret_why);
        *ret_why = g_strdup("");
        return POLICY_ACTIVE;
}

static void log_state(Manager *m, const Entry *e)
{
        const PolicyEntry *p = &e->pub;

        switch (p->state) {
        case POLICY_REFUSED:
                journal_log(m->journal, LOG_ERR, MESSAGE_POLICY_REFUSED, p->full_name, "Policy %s is refused, nothing of it is in force: %s",
                            p->full_name, p->why);
                break;
        case POLICY_DEGRADED:
                journal_log(m->journal, LOG_WARNING, p->missing ? MESSAGE_ENFORCER_MISSING : MESSAGE_POLICY_DEGRADED,
                            p->full_name, "Policy %s is not in force as it is written: %s", p->full_name, p->why);
                break;
        case POLICY_ACTIVE:
                journal_log(m->journal, LOG_INFO, MESSAGE_POLICY_ACTIVE, p->full_name, "Policy %s is in force, mode %s",
                            p->full_name, mode_to_string(p->current->mode));
                break;
        case POLICY_RESTART_NEEDED:
                journal_log(m->journal, LOG_NOTICE, MESSAGE_RESTART_NEEDED, p->full_name,
                            "Policy %s is in force for what starts from now on; %s", p->full_name, p->why);
                break;
        case POLICY_MODELING:
                if (p->failed)
                        journal_log(m->journal, LOG_NOTICE, NULL, p->full_name, "Policy %s is in the mode BehaviorModeling: %s", p->full_name,
                                    p->why);
                break;
        default:
                break;
        }
}

static ModeOrigin mode_origin(const BundlePolicy *p)
{
        return !p                  ? MODE_FROM_FILE
               : p->mode_runtime    ? MODE_FROM_RUNTIME
               : p->mode_persistent ? MODE_FROM_PERSISTENT
                                    : MODE_FROM_FILE;
}

void manager_settle(Manager *m, Entry *e)
{
        g_autofree char *why = NULL;
        PolicyState state = entry_state(m, e, &why);
        bool moved = e->fresh || state != e->pub.state || g_strcmp0(why, e->pub.why) != 0;

        e->pub.mode_origin = mode_origin(e->pub.current);
        e->pub.selected = e->pub.current ? e->pub.current->selected : NULL;
        if (moved) {
                if (state != e->pub.state || e->fresh)
                        e->pub.since_usec = (uint64_t)g_get_real_time();
                e->pub.state = state;
                g_free(e->pub.why);
                e->pub.why = g_steal_pointer(&why);
        }
        if (moved || (e->changed && state == POLICY_ACTIVE))
                log_state(m, e);
        if (moved || e->changed)
                manager_notify_policy(m, e, e->fresh ? POLICY_ADDED : POLICY_CHANGED);
        e->changed = e->fresh = false;
}
