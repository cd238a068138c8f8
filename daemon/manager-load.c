/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manager, its loads: one child at a time; requests that come while one runs wait together for the one after it. */

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "manager-internal.h"
#include "messages.h"
#include "bpf/table.h"

/* ---- who waits ----------------------------------------------------------------------------------------------------------- */

static void waiter_push(GQueue *q, ManagerDone done, void *userdata)
{
        Waiter *w = g_new0(Waiter, 1);

        w->done = done;
        w->userdata = userdata;
        g_queue_push_tail(q, w);
}

void manager_call(Manager *m, Waiter w, int result, const Diag *d)
{
        g_autoptr(Diag) none = d ? NULL : diag_new();

        if (w.done)
                w.done(m, result, d ? d : none, w.userdata);
}

static void diag_copy(Diag *to, const Diag *from)
{
        for (guint i = 0; from && i < from->messages->len; i++) {
                const DiagMessage *msg = from->messages->pdata[i];

                diag_add(to, msg->severity, &msg->pos, msg->code, "%s", msg->text);
        }
}

/* Everything that the last load had to say, policies in order. */
static Diag *manager_dup_diag(const Manager *m)
{
        g_autoptr(GPtrArray) policies = manager_policies(m);
        Diag *d = diag_new();

        if (m->load_failure)
                diag_error(d, NULL, "load-failed", "%s; what was in force before is in force", m->load_failure);
        diag_copy(d, m->diag);
        for (guint i = 0; i < policies->len; i++) {
                const PolicyEntry *e = policies->pdata[i];

                diag_copy(d, policy_entry_diag(e));
                if (e->missing != 0 && e->state == POLICY_DEGRADED && !e->failed)
                        diag_error(d, NULL, "enforcer-missing", "policy %s: %s", e->full_name, e->why);
                if (e->state == POLICY_DEGRADED && e->missing == 0 && !e->failed && !((const Entry *)e)->failure && e->why)
                        diag_error(d, NULL, e->recording_ends_usec ? "not-recorded" : "not-covered", "policy %s: %s", e->full_name, e->why);
                if (((const Entry *)e)->failure)
                        diag_error(d, NULL, "not-applied", "policy %s: %s", e->full_name, ((const Entry *)e)->failure);
        }
        return d;
}

static void queue_call_all(Manager *m, GQueue *q, int result, const Diag *d)
{
        Waiter *w;

        while ((w = g_queue_pop_head(q))) {
                manager_call(m, *w, result, d);
                g_free(w);
        }
}

void manager_complete(Manager *m, int result)
{
        g_autoptr(Diag) d = NULL;
        GQueue ready = m->loading;
        void (*on_ready)(Manager *m, void *userdata) = m->on_ready;

        /* A reconcile for another reason, while the load is still under way, completes nothing. */
        if (loader_is_busy(m->loader) && !m->checking)
                return;
        g_queue_init(&m->loading);
        if (result == 0 || result == -EBADMSG) {
                d = manager_dup_diag(m);
                result = d->n_errors > 0 ? -EBADMSG : 0;
        } else
                d = manager_dup_diag(m);
        queue_call_all(m, &ready, result, d);
        if (!on_ready || (!m->loaded && !m->load_failure))
                return; /* recordings that go on have something to be applied before the first load */
        m->on_ready = NULL;
        on_ready(m, m->ready_userdata);
}

void manager_cancel_all(Manager *m)
{
        ModeJob *mode;
        CheckJob *check;

        queue_call_all(m, &m->loading, -ECANCELED, NULL);
        queue_call_all(m, &m->waiting, -ECANCELED, NULL);
        while ((check = g_queue_pop_head(&m->checks))) {
                manager_call(m, check->waiter, -ECANCELED, NULL);
                g_free(check->text);
                g_free(check);
        }
        while ((mode = g_queue_pop_head(&m->modes))) {
                manager_call(m, mode->waiter, -ECANCELED, NULL);
                mode_job_free(mode);
        }
}

/* ---- taking a bundle over --------------------------------------------------------------------------------------------------- */

static Entry *entry_new(const char *full_name)
{
        Entry *e = g_new0(Entry, 1);

        e->pub.full_name = g_strdup(full_name);
        e->pub.state = POLICY_APPLYING;
        e->pub.why = g_strdup("");
        e->fresh = true;
        return e;
}

static bool same_version(const BundlePolicy *a, const BundlePolicy *b)
{
        return a && b && a->mode == b->mode && a->mode_runtime == b->mode_runtime &&
               a->mode_persistent == b->mode_persistent && strcmp(a->ir_digest, b->ir_digest) == 0 &&
               g_strcmp0(a->source, b->source) == 0;
}

/* What does not change has been in force as long as before. */
static void keep_since(const BundlePolicy *from, BundlePolicy *to)
{
        for (EnforcerKind k = 0; from && k < _ENFORCER_KIND_MAX; k++)
                if (from->profiles[k] && to->profiles[k] && strcmp(from->profiles[k]->digest, to->profiles[k]->digest) == 0)
                        to->profiles[k]->since_usec = from->profiles[k]->since_usec;
}

static void entry_take(Entry *e, BundlePolicy *p)
{
        e->seen = true;
        e->gone = false;
        if (!p->valid) {
                bundle_policy_free(e->pub.failed);
                e->pub.failed = p;
                e->changed = true;
                return;
        }
        e->changed |= e->pub.failed != NULL || !same_version(e->pub.current, p);
        keep_since(e->pub.current, p);
        g_clear_pointer(&e->pub.failed, bundle_policy_free);
        if (e->pub.current && strcmp(e->pub.current->ir_digest, p->ir_digest) != 0) {
                bundle_policy_free(e->previous);
                e->previous = g_steal_pointer(&e->pub.current);
        }
        bundle_policy_free(e->pub.current);
        e->pub.current = p;
}

static void take_policies(Manager *m, Bundle *b)
{
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, m->entries);
        while (g_hash_table_iter_next(&i, NULL, &value))
                ((Entry *)value)->seen = false;

        for (guint k = 0; k < b->policies->len; k++) {
                BundlePolicy *p = b->policies->pdata[k];
                Entry *e;

                b->policies->pdata[k] = NULL;
                if (!p->full_name) {
                        /* Documents without a name that were never in force: only their errors count. */
                        diag_move(b->diag, p->diag);
                        bundle_policy_free(p);
                        continue;
                }
                e = manager_entry(m, p->full_name);
                if (!e) {
                        e = entry_new(p->full_name);
                        g_hash_table_insert(m->entries, e->pub.full_name, e);
                }
                /* The same name twice: one of them is valid, the other says so. */
                if (e->seen && !p->valid) {
                        diag_move(b->diag, p->diag);
                        bundle_policy_free(p);
                        continue;
                }
                entry_take(e, p);
        }

        g_hash_table_iter_init(&i, m->entries);
        while (g_hash_table_iter_next(&i, NULL, &value))
                ((Entry *)value)->gone |= !((Entry *)value)->seen;
}

static int compare_words(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What the policies select by; asked of systemd from now on. */
static void want_properties(Manager *m)
{
        g_autoptr(GHashTable) keys = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GPtrArray) policies = manager_policies(m);
        g_autofree const char **wanted = NULL;
        guint n;

        if (!m->systemd)
                return;
        for (guint i = 0; i < policies->len; i++) {
                const PolicyEntry *e = policies->pdata[i];
                const TargetSpec *t = e->current ? &e->current->target : NULL;
                const GPtrArray *selector = t && t->kind != TARGET_CONTAINER ? t->selector : NULL;

                for (guint k = 0; selector && k < selector->len; k++)
                        g_hash_table_add(keys, ((SelectorTerm *)selector->pdata[k])->key);
        }
        wanted = (const char **)g_hash_table_get_keys_as_array(keys, &n);
        qsort(wanted, n, sizeof(*wanted), compare_words);
        units_want(m->units, (char *const *)wanted);
}

static void take_targets(Manager *m, Bundle *b)
{
        gsize size;
        const void *data;

        g_clear_pointer(&m->targets_failure, g_free);
        if (!b->targets) {
                /* The cover stays. */
                m->targets_failure = g_strdup("see the errors of the configuration");
                return;
        }
        data = g_bytes_get_data(b->targets, &size);
        if (size > 0 && table_validate(data, size, TABLE_TARGETS) < 0) {
                diag_error(b->diag, NULL, "targets", "the table of targets is not valid");
                m->targets_failure = g_strdup("their table is not valid");
                return;
        }
        if (m->targets && g_bytes_equal(m->targets, b->targets) && m->target_policies &&
            g_strv_equal((const char *const *)m->target_policies, (const char *const *)b->target_policies))
                return;
        g_clear_pointer(&m->targets, g_bytes_unref);
        m->targets = g_bytes_ref(b->targets);
        g_strfreev(m->target_policies);
        m->target_policies = g_steal_pointer(&b->target_policies);
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                m->slots[k].covered = false;
}

static void take_bindings(Manager *m, Bundle *b)
{
        g_autoptr(Bindings) bindings = NULL;
        gsize size;
        const void *data;

        if (!b->bindings || bindings_from_bytes(b->bindings, &bindings) < 0)
                return;
        data = g_bytes_get_data(bindings->targets, &size);
        if (size > 0 && table_validate(data, size, TABLE_TARGETS) < 0)
                return;
        bindings_free(m->bindings);
        m->bindings = g_steal_pointer(&bindings);
}

static void take_settings(Manager *m, Bundle *b)
{
        bool launchers = !m->settings || !g_strv_equal((const char *const *)m->settings->launchers,
                                                       (const char *const *)b->settings->launchers);

        settings_free(m->settings);
        m->settings = g_steal_pointer(&b->settings);
        m->env.launchers = m->settings->launchers;
        monitor_configure(m);
        for (EnforcerKind k = 0; launchers && k < _ENFORCER_KIND_MAX; k++)
                m->slots[k].covered = false; /* cover() looks the launchers up anew */
}

static void take_rules(Manager *m, Bundle *b)
{
        if (!b->rules)
                return;
        g_clear_pointer(&m->rules, g_ptr_array_unref);
        m->rules = g_steal_pointer(&b->rules);
        g_strlcpy(m->rules_digest, b->rules_digest, sizeof(m->rules_digest));
}

const GPtrArray *manager_rules(const Manager *m)
{
        return m->rules;
}

static void manager_take(Manager *m, Bundle *bundle)
{
        g_autoptr(Bundle) b = bundle;

        g_clear_pointer(&m->load_failure, g_free);
        take_settings(m, b);
        take_policies(m, b);
        take_targets(m, b);
        take_bindings(m, b);
        take_rules(m, b);
        diag_free(m->diag);
        m->diag = g_steal_pointer(&b->diag);
        for (guint i = 0; i < m->diag->messages->len; i++) {
                const DiagMessage *msg = m->diag->messages->pdata[i];
                g_autofree char *text = diag_message_format(msg);

                if (msg->severity == DIAG_ERROR)
                        journal_log(m->journal, LOG_ERR, NULL, NULL, "%s", text);
        }
        m->loaded = true;
        want_properties(m);
}

/* ---- loads -------------------------------------------------------------------------------------------------------------------- */

static void manager_next(Manager *m);

static void on_loaded(Bundle *b, const char *why, void *userdata)
{
        Manager *m = userdata;

        if (b) {
                m->load_result = 0;
                manager_take(m, b);
        } else {
                m->load_result = -EUCLEAN;
                g_free(m->load_failure);
                m->load_failure = g_strdup(why);
                journal_log(m->journal, LOG_ERR, MESSAGE_LOAD_FAILED, NULL,
                            "The policies cannot be loaded, what was in force before is in force: %s", why);
        }
        manager_reconcile_soon(m);
        manager_next(m);
}

static void on_checked(Bundle *bundle, const char *why, void *userdata)
{
        Manager *m = userdata;
        g_autoptr(Bundle) b = bundle;
        CheckJob *c = g_queue_pop_head(&m->checks);
        g_autoptr(Diag) d = diag_new();

        m->checking = false;
        if (!b)
                diag_error(d, NULL, "load-failed", "%s", why);
        else {
                diag_copy(d, b->diag);
                for (guint i = 0; i < b->policies->len; i++)
                        diag_copy(d, ((BundlePolicy *)b->policies->pdata[i])->diag);
        }
        manager_next(m);
        manager_call(m, c->waiter, !b ? -EUCLEAN : d->n_errors > 0 ? -EBADMSG : 0, d);
        g_free(c->text);
        g_free(c);
}

static int start_load(Manager *m)
{
        g_autoptr(GHashTable) in_force = g_hash_table_new(g_str_hash, g_str_equal), recording = manager_model_open(m);
        LoaderJob job = {.root = *m->root ? m->root : NULL, .enforcers = m->ops, .in_force = in_force, .recording = recording,
                         .set_aside = true};
        GHashTableIter i;
        gpointer value;
        Waiter *w;
        int r;

        g_hash_table_iter_init(&i, m->entries);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                const Entry *e = value;

                if (e->pub.current && e->pub.current->valid)
                        g_hash_table_insert(in_force, e->pub.full_name, e->pub.current);
        }
        if (m->units)
                job.facts = units_facts(m->units);
        job.settings = m->loaded ? m->settings : NULL;
        job.rules_digest = m->rules_digest;

        m->load_wanted = false;
        m->impatient = false;
        m->patience = sd_event_source_disable_unref(m->patience);
        r = loader_start(m->loader, &job, on_loaded, m);
        while ((w = g_queue_pop_head(&m->waiting)))
                g_queue_push_tail(&m->loading, w);
        if (r < 0)
                on_loaded(NULL, strerror(-r), m);
        return 0;
}

static void start_check(Manager *m)
{
        const CheckJob *c = g_queue_peek_head(&m->checks);
        const LoaderJob job = {
                .root = *m->root ? m->root : NULL,
                .enforcers = m->ops,
                .settings = m->loaded ? m->settings : NULL,
                .check = c->text,
                .check_size = c->size,
                .check_name = "document",
        };
        int r;

        m->checking = true;
        r = loader_start(m->loader, &job, on_checked, m);
        if (r < 0)
                on_checked(NULL, strerror(-r), m);
}

static int on_load(sd_event_source *s, void *userdata)
{
        Manager *m = userdata;

        if (loader_is_busy(m->loader))
                return 0; /* its end comes back here */
        if (m->load_wanted)
                return start_load(m);
        if (!g_queue_is_empty(&m->checks))
                start_check(m);
        return 0;
}

/* Do what is to be done next, from the loop. */
static void manager_next(Manager *m)
{
        if (!m->load_wanted && g_queue_is_empty(&m->checks))
                return;
        if (m->load)
                (void)sd_event_source_set_enabled(m->load, SD_EVENT_ONESHOT);
        else if (sd_event_add_defer(m->event, &m->load, on_load, m) >= 0)
                /* After reconcile(): the child should know what is in force. */
                (void)sd_event_source_set_priority(m->load, SD_EVENT_PRIORITY_NORMAL + 5);
}

void manager_load_soon(Manager *m)
{
        if (m->disabled)
                return;
        m->load_wanted = true;
        manager_next(m);
}

static unsigned n_requests(const Manager *m)
{
        return g_queue_get_length((GQueue *)&m->waiting) + g_queue_get_length((GQueue *)&m->loading) +
               g_queue_get_length((GQueue *)&m->checks) + g_queue_get_length((GQueue *)&m->modes);
}

int manager_wait_load(Manager *m, ManagerDone done, void *userdata)
{
        waiter_push(&m->waiting, done, userdata);
        manager_load_soon(m);
        return 0;
}

int manager_reload(Manager *m, ManagerDone done, void *userdata)
{
        if (m->disabled)
                return -ESHUTDOWN;
        if (n_requests(m) >= MANAGER_REQUESTS_MAX)
                return -EBUSY;
        return manager_wait_load(m, done, userdata);
}

int manager_check(Manager *m, const char *text, size_t size, ManagerDone done, void *userdata)
{
        CheckJob *c;

        if (size > MANAGER_CHECK_BYTES_MAX)
                return -E2BIG;
        if (n_requests(m) >= MANAGER_REQUESTS_MAX)
                return -EBUSY;
        c = g_new0(CheckJob, 1);
        c->text = g_malloc(size + 1);
        memcpy(c->text, text, size);
        c->text[size] = '\0';
        c->size = size;
        c->waiter = (Waiter){.done = done, .userdata = userdata};
        g_queue_push_tail(&m->checks, c);
        manager_next(m);
        return 0;
}
