/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manager, the end of a recording: what the kernel has is written down, then that it has ended, and then a process of its own makes the
 * model. Each step is in the file before the next begins, so that whoever comes after a crash goes on with it. */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "manager-model.h"
#include "messages.h"
#include "model-store.h"

/* Between two attempts to write what a full disk did not take. */
#define RETRY_USEC (30 * G_USEC_PER_SEC)

void modeling_flush(Modeling *j)
{
        Slot *s = modeling_recorder(j->m);
        uint64_t lost[_MODEL_KIND_MAX];
        int r = -ENOENT;

        if (s)
                r = s->ops->recorded(s->enforcer, j->full_name, lost);
        if (r < 0)
                memcpy(lost, j->recording->state->counted, sizeof(lost));
        if (r < 0 && j->on) {
                /* How much it kept to itself nobody knows. */
                recording_lose(j->recording, _MODEL_KIND_INVALID, 1);
                j->on = false;
                manager_reconcile_soon(j->m);
        }
        (void)recording_note(j->recording, lost); /* what it could not write is in memory, from where the model gets it, too */
        if (recording_lost(j->recording) == 0 || j->loss_told)
                return;
        j->loss_told = true;
        journal_log(j->m->journal, LOG_WARNING, MESSAGE_RECORDING_LOST, j->full_name,
                    "The recording of policy %s is not whole: not all that was seen could be kept", j->full_name);
}

static void fail(Modeling *j, const char *what, int error)
{
        g_autofree char *failure = g_strdup_printf("%s: %s; it is tried again", what, strerror(-error));

        j->retry_usec = g_get_monotonic_time() + RETRY_USEC;
        if (g_strcmp0(failure, j->failure) == 0)
                return;
        g_free(j->failure);
        j->failure = g_steal_pointer(&failure);
        manager_reconcile_soon(j->m);
}

static void tell_complete(Modeling *j)
{
        const RecordingState *s = j->recording->state;
        g_autofree char *path = model_path(j->full_name);
        uint64_t lost = recording_lost(j->recording), usec = s->source->ended_usec - s->source->started_usec;

        journal_log(j->m->journal, lost > 0 ? LOG_WARNING : LOG_NOTICE, MESSAGE_MODEL_COMPLETE, j->full_name,
                    "The recording of policy %s is complete: %" PRIu64 " operations in %" PRIu64 " min, %" PRIu64 " lost; the model is %s",
                    j->full_name, s->n_ops, (usec + MINUTE_USEC / 2) / MINUTE_USEC, lost, path);
}

/* @j is written, and as its file says now. */
static void complete(Modeling *j)
{
        Manager *m = j->m;
        Entry *e = manager_entry(m, j->full_name);

        g_clear_pointer(&j->failure, g_free);
        tell_complete(j);
        modeling_notify(m, j->full_name, true);
        if (e)
                e->changed = true;
        /* What the policy wants to be instead has waited for this, also if the child that says so still runs. */
        if (e && (e->pub.failed || loader_is_busy(m->loader)))
                manager_load_soon(m);
        manager_reconcile_soon(m);
        if (j->leave || !e)
                manager_model_forget(m, j->full_name);
}

static int on_written(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        Modeling *j = userdata;
        g_autofree char *path = g_strdup(j->recording->path), *boot = g_strdup(j->recording->state->boot);
        g_autoptr(Recording) written = NULL;
        int r = si->si_code != CLD_EXITED ? -ECHILD : -si->si_status;

        j->writer = sd_event_source_disable_unref(j->writer);
        if (r >= 0)
                r = recording_open(path, boot, &written);
        if (r < 0 || !written->state->done) {
                fail(j, "the model cannot be written", r < 0 ? r : -EIO);
                return 0;
        }
        recording_close(j->recording);
        j->recording = g_steal_pointer(&written);
        complete(j);
        return 0;
}

static G_GNUC_NORETURN void writer_main(const Modeling *j, const char *path, pid_t parent)
{
        int r;

        (void)loader_child_begin(parent, "varmord-model", -EBADF);
        r = recording_complete(j->recording, path);
        _exit(r < 0 ? MIN(-r, 255) : EXIT_SUCCESS);
}

static void write_model(Modeling *j)
{
        g_autofree char *name = model_path(j->full_name), *path = g_strconcat(j->m->root, name, NULL);
        pid_t pid, self = getpid();
        int r;

        if (j->writer)
                return;
        pid = fork();
        if (pid == 0)
                writer_main(j, path, self);
        r = pid < 0 ? -errno : sd_event_add_child(j->m->event, &j->writer, pid, WEXITED, on_written, j);
        if (r >= 0)
                r = sd_event_source_set_child_process_own(j->writer, 1);
        if (r >= 0)
                return;
        if (pid > 0 && !j->writer) {
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
        }
        fail(j, "the model cannot be written", r);
}

void modeling_end(Modeling *j)
{
        const RecordingState *s = j->recording->state;
        uint64_t now = (uint64_t)g_get_real_time();
        int r = 0;

        if (!modeling_has_ended(j)) {
                modeling_flush(j);
                r = recording_end(j->recording, MAX(MIN(now, s->deadline_usec), s->source->started_usec + 1));
        }
        if (r < 0) {
                fail(j, "the end of the recording cannot be written down", r);
                return;
        }
        j->deadline = sd_event_source_disable_unref(j->deadline);
        manager_reconcile_soon(j->m); /* the kernel need not look any more */
        write_model(j);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
        modeling_end(userdata);
        return 0;
}

/* By a clock that nobody sets: what is left by the other one is worked out when a daemon begins with it. */
void modeling_arm(Modeling *j)
{
        uint64_t now = (uint64_t)g_get_real_time(), deadline = j->recording->state->deadline_usec;

        j->deadline = sd_event_source_disable_unref(j->deadline);
        /* If it fails, the next poll comes here again. */
        (void)sd_event_add_time_relative(j->m->event, &j->deadline, CLOCK_BOOTTIME,
                                         deadline > now && !modeling_has_ended(j) ? deadline - now : 0, 0, on_deadline, j);
}
