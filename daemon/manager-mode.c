/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manager, mode switches: a fragment is written, a load shows whether it holds, and if not it is taken back. One at a time, so
 * that what stood there before is known. */

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "manager-internal.h"

static void modes_next(Manager *m);

void mode_job_free(ModeJob *j)
{
        if (!j)
                return;
        g_free(j->full_name);
        diag_free(j->diag);
        for (size_t i = 0; i < G_N_ELEMENTS(j->path); i++) {
                g_free(j->path[i]);
                g_free(j->before[i]);
        }
        g_free(j);
}

static void mode_finish(Manager *m, int result)
{
        ModeJob *j = g_queue_pop_head(&m->modes);

        m->switching = false;
        if (result >= 0)
                journal_log(m->journal, LOG_NOTICE, NULL, j->full_name, "The mode of policy %s was %s%s%s", j->full_name,
                            j->reset ? "taken back to what its file says" : "switched to ",
                            j->reset ? "" : mode_to_string(j->mode), j->options.persist ? " for good" : "");
        manager_call(m, j->waiter, result, j->diag);
        mode_job_free(j);
        modes_next(m);
}

static void on_taken_back(Manager *m, int result, const Diag *d, void *userdata)
{
        const ModeJob *j = userdata;

        if (result != -ECANCELED)
                mode_finish(m, j->result);
}

static void take_back(Manager *m, ModeJob *j)
{
        manager_model_again(m, j->full_name, false);
        for (size_t i = 0; i < G_N_ELEMENTS(j->path); i++)
                if (j->path[i])
                        (void)mode_fragment_write(j->path[i], j->before[i], NULL);
        (void)manager_wait_load(m, on_taken_back, j);
}

static void on_mode_loaded(Manager *m, int result, const Diag *d, void *userdata)
{
        const Entry *e;
        ModeJob *j = userdata;

        if (result == -ECANCELED)
                return; /* manager_cancel_all() answers the caller */
        e = manager_entry(m, j->full_name);
        j->diag = diag_new();
        /* Other policies may be wrong in their own ways. */
        for (guint i = 0; result != 0 && i < d->messages->len; i++) {
                const DiagMessage *msg = d->messages->pdata[i];
                bool ours = e && policy_entry_diag(&e->pub) &&
                            g_strcmp0(msg->pos.file, policy_entry_source(&e->pub)) == 0;

                for (size_t k = 0; k < G_N_ELEMENTS(j->path); k++)
                        ours |= j->path[k] && msg->pos.file && g_str_has_suffix(j->path[k], msg->pos.file);
                if (ours || !msg->pos.file)
                        diag_add(j->diag, msg->severity, &msg->pos, msg->code, "%s", msg->text);
        }
        if (result == 0 || (result == -EBADMSG && e && !e->pub.failed && !e->failure)) {
                mode_finish(m, 0);
                return;
        }
        j->result = e && e->pub.failed && diag_has_error(e->pub.failed->diag, CODE_NOT_COMPLETE) ? -EINPROGRESS : result;
        take_back(m, j);
}

/* The runtime fragment goes in any case: it would hide a persistent one. */
static int write_fragments(Manager *m, ModeJob *j, const BundlePolicy *p)
{
        for (size_t i = 0; i < G_N_ELEMENTS(j->path); i++) {
                bool persist = i == 1;
                g_autofree char *path = mode_fragment_dup_path(p, persist), *text = NULL, *full = NULL;
                int r;

                if (!j->reset && persist == j->options.persist)
                        text = mode_fragment_dup_text(p, j->mode, &j->options);
                else if (!j->reset && persist)
                        continue; /* a switch at run time leaves the persistent one alone */
                full = g_strconcat(m->root, path, NULL);
                r = mode_fragment_write(full, text, &j->before[i]);
                if (r < 0)
                        return r;
                j->path[i] = g_steal_pointer(&full);
        }
        return 0;
}

static const BundlePolicy *any_version(const Entry *e)
{
        return e->pub.current ? e->pub.current : e->pub.failed;
}

static int on_modes(sd_event_source *s, void *userdata)
{
        Manager *m = userdata;
        ModeJob *j = g_queue_peek_head(&m->modes);
        const Entry *e;
        int r;

        if (!j) {
                m->switching = false;
                return 0;
        }
        if (!j->reset && j->mode != MODE_BEHAVIOR_MODELING && manager_model_is_open(m, j->full_name)) {
                mode_finish(m, -EINPROGRESS);
                return 0;
        }
        manager_model_again(m, j->full_name, j->mode == MODE_BEHAVIOR_MODELING);
        e = manager_entry(m, j->full_name);
        r = e && any_version(e) ? write_fragments(m, j, any_version(e)) : -ENOENT;
        if (r >= 0) {
                (void)manager_wait_load(m, on_mode_loaded, j);
                return 0;
        }
        j->diag = diag_new();
        diag_error(j->diag, NULL, "write", "the mode of policy %s cannot be written down: %s", j->full_name, strerror(-r));
        j->result = r;
        take_back(m, j);
        return 0;
}

static void modes_next(Manager *m)
{
        if (m->switching || g_queue_is_empty(&m->modes))
                return;
        m->mode = sd_event_source_disable_unref(m->mode);
        m->switching = sd_event_add_defer(m->event, &m->mode, on_modes, m) >= 0;
}

static int mode_push(Manager *m, const char *full_name, ModeJob job, ManagerDone done, void *userdata)
{
        ModeJob *j;

        if (m->disabled)
                return -ESHUTDOWN;
        if (!manager_entry(m, full_name))
                return -ENOENT;
        if (g_queue_get_length(&m->modes) >= MANAGER_REQUESTS_MAX)
                return -EBUSY;
        j = g_memdup2(&job, sizeof(job));
        j->full_name = g_strdup(full_name);
        j->waiter = (Waiter){.done = done, .userdata = userdata};
        g_queue_push_tail(&m->modes, j);
        modes_next(m);
        return 0;
}

int manager_set_mode(Manager *m, const char *full_name, Mode mode, const SetModeOptions *o, ManagerDone done,
                     void *userdata)
{
        ModeJob job = {.mode = mode, .options = {.audit_violations = -1, .allow_violations = -1}};

        if (mode < 0 || mode >= _MODE_MAX)
                return -EINVAL;
        if (o)
                job.options = *o;
        if ((job.options.duration_min > 0) != (mode == MODE_BEHAVIOR_MODELING))
                return -EINVAL;
        if (job.options.audit_violations >= 0 && mode != MODE_ENHANCE_PROTECT)
                return -EINVAL;
        if (job.options.allow_violations >= 0 && mode != MODE_ENHANCE_PROTECT && mode != MODE_DEFENSE_IN_DEPTH)
                return -EINVAL;
        return mode_push(m, full_name, job, done, userdata);
}

int manager_reset_mode(Manager *m, const char *full_name, ManagerDone done, void *userdata)
{
        return mode_push(m, full_name, (ModeJob){.reset = true, .mode = _MODE_INVALID}, done, userdata);
}
