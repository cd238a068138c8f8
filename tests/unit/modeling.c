/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "modeling.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recording.h"

/* ---- the enforcer ------------------------------------------------------------------------------------------------------ */

struct Kernel kernel;

struct Enforcer {
        int unused;
};

static int fake_open(const EnforcerEnv *env, Enforcer **ret, Diag *d)
{
        if (kernel.missing) {
                diag_error(d, NULL, "no-lsm", "\"bpf\" is not among the security modules");
                return -EOPNOTSUPP;
        }
        kernel.env = env;
        *ret = g_new0(Enforcer, 1);
        return 0;
}

static void fake_close(Enforcer *e)
{
        g_free(e);
}

static int fake_compile(const Policy *p, Profile **ret, Diag *d)
{
        const char *word = p->mode == MODE_BEHAVIOR_MODELING ? "record" : "rules";

        *ret = profile_new(ENFORCER_BPF, g_bytes_new_static(word, strlen(word)));
        (*ret)->why_not = g_ptr_array_new();
        g_ptr_array_set_size((*ret)->why_not, (gint)p->rules->len);
        return 0;
}

static int fake_apply(Enforcer *e, const char *policy, const Profile *p)
{
        if (kernel.refuse < 0)
                return kernel.refuse;
        g_assert_nonnull(p->blob);
        g_hash_table_insert(kernel.digests, g_strdup(policy), g_strdup(p->digest));
        return 0;
}

static int fake_remove(Enforcer *e, const char *policy)
{
        (void)g_hash_table_remove(kernel.digests, policy);
        return 0;
}

static int fake_applied(Enforcer *e, const char *policy, char ret_digest[static 65])
{
        const char *digest = g_hash_table_lookup(kernel.digests, policy);

        g_strlcpy(ret_digest, digest ?: "", 65);
        return 0;
}

static char **fake_policies(Enforcer *e)
{
        g_autofree char **keys = (char **)g_hash_table_get_keys_as_array(kernel.digests, NULL);

        return g_strdupv(keys);
}

static int fake_fd(Enforcer *e)
{
        return -EBADF;
}

static int fake_counters(Enforcer *e, EnforcerCounters *ret)
{
        *ret = (EnforcerCounters){0};
        return 0;
}

bool records(const char *policy)
{
        g_autofree char *record = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "record", -1);

        return g_strcmp0(g_hash_table_lookup(kernel.digests, policy), record) == 0;
}

void hear(const char *policy, const char *path)
{
        const ModelOp o = {.kind = MODEL_FILE, .object = (char *)path, .perms = PERM_READ, .count = 1};

        kernel.env->on_record(policy, &o, kernel.env->userdata);
}

static int fake_recorded(Enforcer *e, const char *policy, uint64_t ret_lost[static _MODEL_KIND_MAX])
{
        if (!records(policy))
                return -ENOENT;
        for (guint i = 0; i < kernel.waiting->len; i++)
                hear(policy, kernel.waiting->pdata[i]);
        g_ptr_array_set_size(kernel.waiting, 0);
        memset(ret_lost, 0, sizeof(*ret_lost) * _MODEL_KIND_MAX);
        ret_lost[MODEL_EXEC] = kernel.lost;
        return 0;
}

static const EnforcerOps recorder_ops = {
        .name = "fake",
        .kind = ENFORCER_BPF,
        .kinds = 1U << OP_FILE,
        .modes = 1U << MODE_ALWAYS_ALLOW | 1U << MODE_ENHANCE_PROTECT | 1U << MODE_BEHAVIOR_MODELING | 1U << MODE_DEFENSE_IN_DEPTH,
        .records = MODEL_KINDS_ALL,
        .open = fake_open,
        .close = fake_close,
        .compile = fake_compile,
        .apply = fake_apply,
        .remove = fake_remove,
        .applied = fake_applied,
        .policies = fake_policies,
        .fd = fake_fd,
        .counters = fake_counters,
        .recorded = fake_recorded,
};

/* ---- one daemon on one root ----------------------------------------------------------------------------------------------- */

static void on_ready(Manager *m, void *userdata)
{
        ((Fixture *)userdata)->ready = true;
}

static void on_model(const PolicyEntry *entry, bool complete, void *userdata)
{
        Fixture *f = userdata;

        f->n_progress += !complete;
        f->n_complete += complete;
}

void on_done(Manager *m, int result, const Diag *d, void *userdata)
{
        Fixture *f = userdata;
        GString *s = g_string_new(NULL);

        for (guint i = 0; i < d->messages->len; i++) {
                g_autofree char *text = diag_message_format(d->messages->pdata[i]);

                g_string_append_printf(s, "%s\n", text);
        }
        f->done = true;
        f->result = result;
        g_free(f->messages);
        f->messages = g_string_free(s, FALSE);
}

static void run_until(Fixture *f, const bool *flag)
{
        gint64 end = g_get_monotonic_time() + PATIENCE_USEC;

        while (!*flag && g_get_monotonic_time() < end)
                g_assert_cmpint(sd_event_run(f->event, 100 * 1000), >=, 0);
        g_assert_true(*flag);
}

void start(Fixture *f)
{
        static const EnforcerOps *const ops[] = {&recorder_ops, NULL};
        const ManagerParams params = {.event = f->event, .root = f->root, .enforcers = ops};

        f->ready = false;
        g_assert_cmpint(manager_new(&params, &f->manager), ==, 0);
        manager_add_listener(f->manager, &f->listener);
        g_assert_cmpint(manager_start(f->manager, on_ready, f), ==, 0);
        run_until(f, &f->ready);
}

void stop(Fixture *f)
{
        g_clear_pointer(&f->manager, manager_free);
}

int reload(Fixture *f)
{
        f->done = false;
        g_assert_cmpint(manager_reload(f->manager, on_done, f), ==, 0);
        run_until(f, &f->done);
        return f->result;
}

int set_mode(Fixture *f, Mode mode, uint32_t minutes)
{
        const SetModeOptions o = {.duration_min = minutes, .allow_violations = -1, .audit_violations = -1};

        f->done = false;
        g_assert_cmpint(manager_set_mode(f->manager, "web", mode, &o, on_done, f), ==, 0);
        run_until(f, &f->done);
        return f->result;
}

int reset_mode(Fixture *f)
{
        f->done = false;
        g_assert_cmpint(manager_reset_mode(f->manager, "web", on_done, f), ==, 0);
        run_until(f, &f->done);
        return f->result;
}

/* @minutes: of BehaviorModeling; 0: EnhanceProtect. */
void write_policy(Fixture *f, unsigned minutes, const char *enforcer)
{
        g_autofree char *text = g_strdup_printf("apiVersion: crd.varmor.org/v1beta1\n"
                                                "kind: VarmorClusterPolicy\n"
                                                "metadata: {name: web}\n"
                                                "spec:\n"
                                                "  target: {kind: Service, name: web.service}\n"
                                                "  policy:\n"
                                                "    enforcer: %s\n"
                                                "    mode: %s\n"
                                                "    modelingOptions: {duration: %u}\n"
                                                "    enhanceProtect:\n"
                                                "      privileged: true\n"
                                                "      bpfRawRules: {files: [{pattern: /srv/x, permissions: [read], qualifiers: [deny]}]}\n",
                                                enforcer, minutes > 0 ? "BehaviorModeling" : "EnhanceProtect", MAX(minutes, 1));

        g_assert_true(g_file_set_contents_full(f->policy, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
}

void setup(Fixture *f, gconstpointer data)
{
        g_autofree char *command = NULL;
        sigset_t mask;

        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        g_assert_cmpint(sigprocmask(SIG_BLOCK, &mask, NULL), ==, 0);
        kernel = (struct Kernel){
                .digests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
                .waiting = g_ptr_array_new(),
        };
        f->root = g_dir_make_tmp("modeling-XXXXXX", NULL);
        g_assert_cmpint(chmod(f->root, 0755), ==, 0);
        f->policy = g_build_filename(f->root, "etc/varmor/policies.d/web.yaml", NULL);
        f->recording = g_build_filename(f->root, "var/lib/varmor/recordings/web", NULL);
        f->model = g_build_filename(f->root, "var/lib/varmor/models/web.json", NULL);
        f->old = g_strconcat(f->model, ".old", NULL);
        f->listener = (ManagerListener){.on_model = on_model, .userdata = f};
        f->n_progress = f->n_complete = 0;
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        command = g_strdup_printf("mkdir -p '%s/etc/varmor/policies.d' '%s/usr/lib/varmor' && cp -r '%s/../../conf/rules.d' "
                                  "'%s/../../conf/essential.yaml' '%s/../../conf/generalise.yaml' '%s/usr/lib/varmor/' && chown -R 0:0 '%s' && chmod -R go-w '%s'",
                                  f->root, f->root, g_getenv("G_TEST_SRCDIR"), g_getenv("G_TEST_SRCDIR"), g_getenv("G_TEST_SRCDIR"), f->root, f->root, f->root);
        g_assert_cmpint(system(command), ==, 0);
}

void teardown(Fixture *f, gconstpointer data)
{
        g_autofree char *command = g_strdup_printf("rm -rf '%s'", f->root);

        stop(f);
        sd_event_unref(f->event);
        g_assert_cmpint(system(command), ==, 0);
        g_hash_table_unref(kernel.digests);
        g_ptr_array_unref(kernel.waiting);
        g_free(f->root);
        g_free(f->policy);
        g_free(f->recording);
        g_free(f->model);
        g_free(f->old);
        g_free(f->messages);
}

const PolicyEntry *web(const Fixture *f)
{
        const PolicyEntry *e = manager_find_policy(f->manager, "web");

        g_assert_nonnull(e);
        return e;
}

void assert_state(const Fixture *f, PolicyState state, Mode mode)
{
        const PolicyEntry *e = web(f);

        g_test_message("%s in %s (%s), %" G_GUINT64_FORMAT " ops", policy_state_to_string(e->state), mode_to_string(e->current->mode), e->why,
                       e->recorded_ops);
        g_assert_cmpstr(policy_state_to_string(e->state), ==, policy_state_to_string(state));
        g_assert_cmpstr(mode_to_string(e->current->mode), ==, mode_to_string(mode));
        g_assert_cmpint(records("web"), ==, state == POLICY_MODELING);
}

void run_until_state(Fixture *f, PolicyState state)
{
        gint64 end = g_get_monotonic_time() + PATIENCE_USEC;

        while (web(f)->state != state && g_get_monotonic_time() < end)
                g_assert_cmpint(sd_event_run(f->event, 100 * 1000), >=, 0);
        g_assert_cmpstr(policy_state_to_string(web(f)->state), ==, policy_state_to_string(state));
}

Model *read_model(const char *path)
{
        g_autoptr(Diag) d = diag_new();
        Model *m = NULL;

        g_assert_cmpint(model_store_read(path, &m, d), ==, 0);
        return m;
}

bool model_has(const char *path, const char *object)
{
        const ModelOp o = {.kind = MODEL_FILE, .object = (char *)object};
        g_autoptr(Model) m = read_model(path);

        return model_find(m, &o) != NULL;
}

/* As if it had begun @usec earlier; while no daemon runs. */
void make_older(Fixture *f, uint64_t usec)
{
        g_autoptr(RecordingState) s = NULL;
        g_autoptr(GString) text = g_string_new(NULL);
        g_autofree char *old = NULL;
        const char *rest;
        gsize size;

        g_assert_null(f->manager);
        g_assert_true(g_file_get_contents(f->recording, &old, &size, NULL));
        g_assert_cmpint(recording_parse(old, size, NULL, &s), ==, 0);
        s->source->started_usec -= usec;
        s->deadline_usec -= usec;
        memset(s->source->lost, 0, sizeof(s->source->lost)); /* the other lines say it */
        recording_put_header(text, s->source, s->deadline_usec);
        rest = strchr(old, '\n') + 1;
        g_string_append_len(text, rest, (gssize)(size - (gsize)(rest - old)));
        g_assert_true(g_file_set_contents_full(f->recording, text->str, (gssize)text->len, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
}

/* The time of what is being recorded is over. */
void expire(Fixture *f)
{
        stop(f);
        make_older(f, 60 * (uint64_t)MINUTE_USEC);
        start(f);
        run_until_state(f, POLICY_COMPLETED);
}
