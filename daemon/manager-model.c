/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manager, its recordings: a policy whose mode in force is BehaviorModeling has one, which begins with the mode and ends when its time
 * is over; then a process of its own writes the model. The file says how far that is (recording.h), so that it goes on after any end of
 * the daemon. The time is the policy's duration from when the recording began: another duration moves its end, and after the end
 * begins another recording. */

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <syslog.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "manager-model.h"
#include "messages.h"
#include "policy-model.h"
#include "stopping.h"
#include "util.h"

static Modeling *find(const Manager *m, const char *full_name)
{
        return g_hash_table_lookup(m->models, full_name);
}

static void modeling_free(gpointer p)
{
        Modeling *j = p;

        j->deadline = sd_event_source_disable_unref(j->deadline);
        j->writer = sd_event_source_disable_unref(j->writer); /* killed: what it did not do is done by the next */
        recording_close(j->recording);
        g_free(j->failure);
        g_free(j->full_name);
        g_free(j);
}

GHashTable *manager_model_table(void)
{
        return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, modeling_free);
}

static char *file_of(const Manager *m, const char *full_name)
{
        g_autofree char *path = recording_path(full_name);

        return g_strconcat(m->root, path, NULL);
}

Slot *modeling_recorder(Manager *m)
{
        Slot *s = &m->slots[ENFORCER_BPF];

        return s->enforcer && s->ops->recorded ? s : NULL;
}

/* Return: whether the kernel has something of the policy's; then @ret says what. */
static bool recorder_has(Manager *m, const char *full_name, char ret_digest[static 65])
{
        Slot *s = modeling_recorder(m);

        *ret_digest = '\0';
        return s && s->ops->applied(s->enforcer, full_name, ret_digest) >= 0 && *ret_digest != '\0';
}

static void publish(Manager *m, Entry *e)
{
        const Modeling *j = find(m, e->pub.full_name);
        const RecordingState *s = j ? j->recording->state : NULL;
        bool lossless = j && recording_lost(j->recording) == 0;

        e->pub.recording_started_usec = s ? s->source->started_usec : 0;
        e->pub.recording_ends_usec = !s ? 0 : s->source->ended_usec ?: s->deadline_usec;
        e->pub.recorded_ops = s ? s->n_ops : 0;
        e->pub.recording_lost = j ? recording_lost(j->recording) : 0;
        e->pub.model_complete = s && s->done && lossless && s->source->kinds == MODEL_KINDS_ALL;
}

void modeling_notify(Manager *m, const char *full_name, bool complete)
{
        Entry *e = manager_entry(m, full_name);

        if (!e)
                return;
        publish(m, e);
        for (guint i = 0; i < m->listeners->len; i++) {
                const ManagerListener *l = m->listeners->pdata[i];

                if (l->on_model)
                        l->on_model(&e->pub, complete, l->userdata);
        }
}

/* ---- the beginning ---------------------------------------------------------------------------------------------------------------- */

static const char *this_boot(char ret[static SD_ID128_STRING_MAX])
{
        sd_id128_t id;

        if (sd_id128_get_boot(&id) < 0)
                id = SD_ID128_NULL;
        return sd_id128_to_string(id, ret);
}

static Modeling *add(Manager *m, const char *full_name, Recording *recording)
{
        Modeling *j = g_new0(Modeling, 1);

        j->m = m;
        j->full_name = g_strdup(full_name);
        j->recording = recording;
        g_hash_table_insert(m->models, j->full_name, j);
        if (!modeling_is_done(j))
                modeling_arm(j);
        return j;
}

/* What a daemon before this one has left. Return: 0 and @ret, NULL if there is nothing; or a negative errno. */
static int open_left(Manager *m, const char *full_name, Modeling **ret)
{
        g_autofree char *path = file_of(m, full_name);
        char boot[SD_ID128_STRING_MAX], digest[65];
        Recording *recording;
        int r = recording_open(path, this_boot(boot), &recording);

        *ret = NULL;
        if (r == -EBADMSG)
                journal_log(m->journal, LOG_ERR, MESSAGE_RECORDING_DISCARDED, full_name,
                            "The recording of policy %s is damaged and cannot go on; it was put aside as %s+damaged", full_name, path);
        if (r < 0)
                return r == -EBADMSG || r == -ENOENT ? 0 : r;
        *ret = add(m, full_name, recording);
        if (!modeling_is_running(*ret))
                return 0;
        /* Somebody has taken it out of the kernel meanwhile, with all that waited there. */
        if (!recording->rebooted && modeling_recorder(m) && !recorder_has(m, full_name, digest))
                recording_lose(recording, _MODEL_KIND_INVALID, 1);
        journal_log(m->journal, LOG_NOTICE, MESSAGE_RECORDING_STARTED, full_name, "The recording of policy %s goes on", full_name);
        return 0;
}

static int create(Manager *m, Entry *e)
{
        const BundlePolicy *p = e->pub.current;
        bool one = p->target.kind == TARGET_SERVICE && p->target.name && !strpbrk(p->target.name, "*?[{");
        g_autofree char *path = file_of(m, e->pub.full_name), *unit = one ? g_strdup(p->target.name) : NULL;
        char boot[SD_ID128_STRING_MAX], digest[65];
        uint64_t now = (uint64_t)g_get_real_time();
        Slot *s = modeling_recorder(m);
        Recording *recording;
        struct utsname host;
        ModelSource source;
        int r = RET_ERRNO(uname(&host));

        if (r < 0)
                return r;
        /* What the kernel knows already it would not tell again. */
        if (recorder_has(m, e->pub.full_name, digest) && p->profiles[ENFORCER_BPF] && strcmp(digest, p->profiles[ENFORCER_BPF]->digest) == 0)
                r = s->ops->remove(s->enforcer, e->pub.full_name);
        if (r < 0)
                return r;
        source = (ModelSource){
                .host = *host.nodename ? host.nodename : NULL,
                .unit = unit,
                .policy = e->pub.full_name,
                .kernel = host.release,
                .arch = host.machine,
                .started_usec = now,
                .kinds = s->ops->records,
        };
        r = recording_create(path, &source, now + p->duration_min * (uint64_t)MINUTE_USEC, this_boot(boot), &recording);
        if (r < 0)
                return r;
        (void)add(m, e->pub.full_name, recording);
        e->changed = true;
        journal_log(m->journal, LOG_NOTICE, MESSAGE_RECORDING_STARTED, e->pub.full_name,
                    "Recording what the workload of policy %s does, for %u min; nothing is denied", e->pub.full_name, p->duration_min);
        return 0;
}

static void move_deadline(Modeling *j, Entry *e, uint64_t usec)
{
        int r = recording_set_deadline(j->recording, usec);

        /* It counts all the same: the next daemon works it out as this one has. */
        if (r < 0)
                j->recording->state->deadline_usec = usec;
        e->changed = true;
        modeling_arm(j);
        journal_log(j->m->journal, LOG_NOTICE, NULL, j->full_name, "The recording of policy %s lasts %u min now", j->full_name,
                    e->pub.current->duration_min);
}

/* The mode in force is another one: the recording, if there is one that nobody holds back any more, ends with what it has. */
static void leave(Manager *m, Entry *e)
{
        Modeling *j = find(m, e->pub.full_name);

        if (e->left)
                return;
        e->left = true;
        if (!j)
                (void)open_left(m, e->pub.full_name, &j);
        if (!j)
                return;
        /* What has not got beyond its beginning is no model, and takes no other one's place. */
        if (modeling_is_done(j) || j->recording->state->n_ops == 0) {
                manager_model_forget(m, e->pub.full_name);
                return;
        }
        j->leave = true;
        journal_log(m->journal, LOG_NOTICE, NULL, e->pub.full_name,
                    "Policy %s has left BehaviorModeling: its model is made of what was recorded until then", e->pub.full_name);
        modeling_end(j);
}

static int follow(Manager *m, Entry *e)
{
        Modeling *j = find(m, e->pub.full_name);
        char digest[65];
        uint64_t usec;
        int r = j ? 0 : open_left(m, e->pub.full_name, &j);

        if (r < 0)
                return r;
        if (!j)
                return create(m, e);
        usec = j->recording->state->source->started_usec + e->pub.current->duration_min * (uint64_t)MINUTE_USEC;
        if (modeling_is_done(j) && (j->again || usec != j->recording->state->deadline_usec)) {
                g_hash_table_remove(m->models, e->pub.full_name);
                return create(m, e);
        }
        j->again = false;
        if (j->on && modeling_is_running(j) && !recorder_has(m, e->pub.full_name, digest)) {
                /* It is about to be put there again. */
                recording_lose(j->recording, _MODEL_KIND_INVALID, 1);
                j->on = false;
        }
        if (modeling_is_running(j) && usec != j->recording->state->deadline_usec)
                move_deadline(j, e, usec);
        return 0;
}

/* Nothing is in force, as the policy waits for the very model that a recording before this boot was for. */
static bool waits_for_model(const Entry *e)
{
        return !e->pub.current && e->pub.failed && diag_has_error(e->pub.failed->diag, CODE_NO_MODEL);
}

void manager_model_follow(Manager *m, Entry *e)
{
        const BundlePolicy *p = e->pub.current;
        int r;

        if (waits_for_model(e)) {
                leave(m, e);
                publish(m, e);
        }
        if (!p || !p->valid)
                return;
        if (p->mode != MODE_BEHAVIOR_MODELING)
                leave(m, e);
        else if (!modeling_recorder(m))
                e->failure = g_strdup_printf("nothing can be recorded here: the BPF enforcer %s%s",
                                             m->slots[ENFORCER_BPF].enforcer ? "does not record" : "is not available: ",
                                             m->slots[ENFORCER_BPF].enforcer ? "" : m->infos[ENFORCER_BPF].missing);
        else {
                e->left = false;
                r = follow(m, e);
                if (r < 0)
                        e->failure = g_strdup_printf("the recording cannot be written to %s: %s", RECORDINGS_DIR, strerror(-r));
        }
        if (p->mode == MODE_BEHAVIOR_MODELING || e->pub.recording_started_usec != 0)
                publish(m, e);
}

bool manager_model_wants(const Manager *m, const Entry *e)
{
        const Modeling *j = find(m, e->pub.full_name);

        return j && modeling_is_running(j);
}

void manager_model_applied(Manager *m, Entry *e, bool on)
{
        Modeling *j = find(m, e->pub.full_name);

        if (!j)
                return;
        j->on = on && modeling_is_running(j);
        if (on || !modeling_is_running(j)) {
                j->deaf = false;
                return;
        }
        /* What is done meanwhile nobody sees. */
        if (!j->deaf)
                recording_lose(j->recording, _MODEL_KIND_INVALID, 1);
        j->deaf = true;
        if (!e->failure)
                e->failure = g_strdup("nothing is recorded: the BPF enforcer has no profile that does");
}

void manager_model_resume(Manager *m)
{
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, m->entries);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                const Entry *e = value;
                Modeling *j;

                if (e->pub.current && e->pub.current->mode == MODE_BEHAVIOR_MODELING && modeling_recorder(m) && !find(m, e->pub.full_name))
                        (void)open_left(m, e->pub.full_name, &j); /* reconcile() says what is wrong */
        }
}

/* ---- while it lasts ------------------------------------------------------------------------------------------------------------- */

void manager_on_record(const char *policy, const ModelOp *op, void *userdata)
{
        Manager *m = userdata;
        Modeling *j = find(m, policy);

        /* Before the first load the kernel may know more than this daemon. */
        if (!j && !m->loaded)
                (void)open_left(m, policy, &j);
        if (j && modeling_is_running(j))
                recording_add(j->recording, op);
}

/* Is there a policy that wants to be recorded and is not, for a reason that may be gone by now: a disk that was full, or read-only? */
static bool is_kept_from_recording(Manager *m)
{
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, m->entries);
        while (modeling_recorder(m) && g_hash_table_iter_next(&i, NULL, &value)) {
                const Entry *e = value;
                const BundlePolicy *p = e->pub.current;
                const Modeling *j = find(m, e->pub.full_name);

                if (p && p->valid && p->mode == MODE_BEHAVIOR_MODELING && (!j || j->deaf))
                        return true;
        }
        return false;
}

void manager_model_poll(Manager *m)
{
        g_autoptr(GList) all = g_hash_table_get_values(m->models); /* what is heard may bring more */

        if (m->loaded && is_kept_from_recording(m))
                manager_reconcile_soon(m);

        for (GList *l = all; l; l = l->next) {
                Modeling *j = l->data;
                const RecordingState *s = j->recording->state;

                if (modeling_is_done(j))
                        continue;
                if (j->failure && g_get_monotonic_time() >= j->retry_usec)
                        modeling_end(j);
                else if (!j->deadline && modeling_is_running(j))
                        modeling_arm(j);
                if (!modeling_is_running(j))
                        continue;
                modeling_flush(j);
                if (s->n_ops == j->told_ops && recording_lost(j->recording) == j->told_lost)
                        continue;
                j->told_ops = s->n_ops;
                j->told_lost = recording_lost(j->recording);
                modeling_notify(m, j->full_name, false);
        }
}

void manager_model_again(Manager *m, const char *full_name, bool yes)
{
        Modeling *j = find(m, full_name);

        if (j)
                j->again = yes && modeling_is_done(j);
}

bool manager_model_is_open(const Manager *m, const char *full_name)
{
        const Modeling *j = find(m, full_name);

        /* One that could not even begin holds nobody. */
        return j && !modeling_is_done(j) && !j->leave && !(j->deaf && j->recording->state->n_ops == 0);
}

PolicyState manager_model_state(const Manager *m, const Entry *e, char **ret_why)
{
        const Modeling *j = find(m, e->pub.full_name);

        if (!j) {
                *ret_why = g_strdup("the recording has not begun");
                return POLICY_APPLYING;
        }
        *ret_why = g_strdup(j->failure                                         ? j->failure
                            : !modeling_is_done(j) && modeling_has_ended(j)    ? "the model is being written"
                            : e->pub.failed                                    ? "another mode waits for the end of the recording"
                                                                               : "");
        return j->failure ? POLICY_DEGRADED : modeling_is_done(j) ? POLICY_COMPLETED : POLICY_MODELING;
}

/* ---- what is not wanted any more ------------------------------------------------------------------------------------------------ */

void manager_model_forget(Manager *m, const char *full_name)
{
        g_autofree char *path = file_of(m, full_name), *name = g_strdup(full_name);
        const Modeling *j = find(m, full_name);

        if (j && !modeling_is_done(j))
                journal_log(m->journal, LOG_WARNING, MESSAGE_RECORDING_DISCARDED, name,
                            "The recording of policy %s was discarded before it was complete, %s", name,
                            manager_entry(m, name) && !manager_entry(m, name)->gone ? "with nothing in it" : "as the policy is not there any more");
        g_hash_table_remove(m->models, name);
        (void)unlink(path);
}

/* Of policies that went while no daemon ran. If some file cannot be read, nobody knows whose policy it is. */
void manager_model_tidy(Manager *m)
{
        g_autofree char *path = g_strconcat(m->root, RECORDINGS_DIR, NULL);
        g_autoptr(GHashTable) wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GDir) dir = m->models_tidy || (m->diag && m->diag->n_errors > 0) ? NULL : g_dir_open(path, 0, NULL);
        const char *name;
        GHashTableIter i;
        gpointer key;

        if (!dir)
                return;
        m->models_tidy = true;
        g_hash_table_iter_init(&i, m->entries);
        while (g_hash_table_iter_next(&i, &key, NULL))
                g_hash_table_add(wanted, policy_bind_name(key));
        while ((name = g_dir_read_name(dir))) {
                g_autofree char *file = g_build_filename(path, name, NULL);

                if (*name == '.' || g_str_has_suffix(name, "+damaged") || g_hash_table_contains(wanted, name) || unlink(file) < 0)
                        continue;
                journal_log(m->journal, LOG_WARNING, MESSAGE_RECORDING_DISCARDED, NULL,
                            "The recording %s was discarded, as there is no such policy any more", name);
        }
        g_hash_table_iter_init(&i, m->models);
        while (g_hash_table_iter_next(&i, &key, NULL))
                if (!manager_entry(m, key))
                        g_hash_table_iter_remove(&i);
}

void manager_model_stop(Manager *m)
{
        bool ends = g_hash_table_size(m->models) == 0 || !m->systemd || host_is_stopping(NULL);
        g_autoptr(GList) all = g_hash_table_get_values(m->models);

        for (GList *l = all; l; l = l->next) {
                Modeling *j = l->data;

                if (!modeling_is_running(j))
                        continue;
                modeling_flush(j);
                /* Else the kernel goes on, and if there is no next daemon before the host goes down, nobody will know what it had. */
                if (ends)
                        recording_pause(j->recording, (uint64_t)g_get_real_time());
        }
        g_hash_table_remove_all(m->models);
}

GHashTable *manager_model_open(const Manager *m)
{
        GHashTable *set = g_hash_table_new(g_str_hash, g_str_equal);
        GHashTableIter i;
        gpointer key;

        g_hash_table_iter_init(&i, m->models);
        while (g_hash_table_iter_next(&i, &key, NULL))
                if (manager_model_is_open(m, key))
                        g_hash_table_add(set, key);
        return set;
}
