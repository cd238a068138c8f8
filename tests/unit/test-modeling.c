/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* BehaviorModeling in the manager: each way into it, through it and out of it, with real files, the real loader, and an enforcer that
 * records what the test says. */

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manager.h"
#include "model-store.h"
#include "recording.h"

#define PATIENCE_USEC (20U * G_USEC_PER_SEC)
#define MINUTE_USEC (60U * G_USEC_PER_SEC)

/* ---- the enforcer ------------------------------------------------------------------------------------------------------ */

/* What the kernel would keep between daemons. */
static struct Kernel {
        GHashTable *digests; /* policy -> digest */
        bool missing;        /* what open() finds */
        int refuse;          /* what apply() says */
        GPtrArray *waiting;  /* paths that recorded() hands out */
        uint64_t lost;
        const EnforcerEnv *env;
} kernel;

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

static bool records(const char *policy)
{
        g_autofree char *record = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "record", -1);

        return g_strcmp0(g_hash_table_lookup(kernel.digests, policy), record) == 0;
}

static void hear(const char *policy, const char *path)
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

typedef struct Fixture {
        char *root, *policy, *recording, *model, *old;
        sd_event *event;
        Manager *manager;
        ManagerListener listener;
        bool ready, done;
        unsigned n_progress, n_complete;
        int result;
        char *messages;
} Fixture;

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

static void on_done(Manager *m, int result, const Diag *d, void *userdata)
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

static void start(Fixture *f)
{
        static const EnforcerOps *const ops[] = {&recorder_ops, NULL};
        const ManagerParams params = {.event = f->event, .root = f->root, .enforcers = ops};

        f->ready = false;
        g_assert_cmpint(manager_new(&params, &f->manager), ==, 0);
        manager_add_listener(f->manager, &f->listener);
        g_assert_cmpint(manager_start(f->manager, on_ready, f), ==, 0);
        run_until(f, &f->ready);
}

static void stop(Fixture *f)
{
        g_clear_pointer(&f->manager, manager_free);
}

static int reload(Fixture *f)
{
        f->done = false;
        g_assert_cmpint(manager_reload(f->manager, on_done, f), ==, 0);
        run_until(f, &f->done);
        return f->result;
}

static int set_mode(Fixture *f, Mode mode, uint32_t minutes)
{
        const SetModeOptions o = {.duration_min = minutes, .allow_violations = -1, .audit_violations = -1};

        f->done = false;
        g_assert_cmpint(manager_set_mode(f->manager, "web", mode, &o, on_done, f), ==, 0);
        run_until(f, &f->done);
        return f->result;
}

static int reset_mode(Fixture *f)
{
        f->done = false;
        g_assert_cmpint(manager_reset_mode(f->manager, "web", on_done, f), ==, 0);
        run_until(f, &f->done);
        return f->result;
}

/* @minutes: of BehaviorModeling; 0: EnhanceProtect. */
static void write_policy(Fixture *f, unsigned minutes, const char *enforcer)
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

static void setup(Fixture *f, gconstpointer data)
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

static void teardown(Fixture *f, gconstpointer data)
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

static const PolicyEntry *web(const Fixture *f)
{
        const PolicyEntry *e = manager_find_policy(f->manager, "web");

        g_assert_nonnull(e);
        return e;
}

static void assert_state(const Fixture *f, PolicyState state, Mode mode)
{
        const PolicyEntry *e = web(f);

        g_test_message("%s in %s (%s), %" G_GUINT64_FORMAT " ops", policy_state_to_string(e->state), mode_to_string(e->current->mode), e->why,
                       e->recorded_ops);
        g_assert_cmpstr(policy_state_to_string(e->state), ==, policy_state_to_string(state));
        g_assert_cmpstr(mode_to_string(e->current->mode), ==, mode_to_string(mode));
        g_assert_cmpint(records("web"), ==, state == POLICY_MODELING);
}

static void run_until_state(Fixture *f, PolicyState state)
{
        gint64 end = g_get_monotonic_time() + PATIENCE_USEC;

        while (web(f)->state != state && g_get_monotonic_time() < end)
                g_assert_cmpint(sd_event_run(f->event, 100 * 1000), >=, 0);
        g_assert_cmpstr(policy_state_to_string(web(f)->state), ==, policy_state_to_string(state));
}

static Model *read_model(const char *path)
{
        g_autoptr(Diag) d = diag_new();
        Model *m = NULL;

        g_assert_cmpint(model_store_read(path, &m, d), ==, 0);
        return m;
}

static bool model_has(const char *path, const char *object)
{
        const ModelOp o = {.kind = MODEL_FILE, .object = (char *)object};
        g_autoptr(Model) m = read_model(path);

        return model_find(m, &o) != NULL;
}

/* As if it had begun @usec earlier; while no daemon runs. */
static void make_older(Fixture *f, uint64_t usec)
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
static void expire(Fixture *f)
{
        stop(f);
        make_older(f, 60 * (uint64_t)MINUTE_USEC);
        start(f);
        run_until_state(f, POLICY_COMPLETED);
}

/* ---- tests ------------------------------------------------------------------------------------------------------------------- */

static void test_life(Fixture *f, gconstpointer data)
{
        g_autoptr(Model) m = NULL;
        const ModelSource *source;
        const PolicyEntry *e;
        char host[256];

        write_policy(f, 30, "BPF");
        start(f);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        e = web(f);
        g_assert_cmpuint(e->recording_ends_usec - e->recording_started_usec, ==, 30 * (uint64_t)MINUTE_USEC);
        g_assert_cmpint(ABS((gint64)e->recording_started_usec - g_get_real_time()), <, (gint64)PATIENCE_USEC);
        hear("web", "/a");
        hear("other", "/b");
        stop(f);
        make_older(f, 30 * (uint64_t)MINUTE_USEC - 2 * G_USEC_PER_SEC);
        g_ptr_array_add(kernel.waiting, (gpointer) "/late");

        /* The next daemon waits for the rest of the time, and takes what the kernel still has. */
        start(f);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        hear("web", "/c");
        run_until_state(f, POLICY_COMPLETED);
        assert_state(f, POLICY_COMPLETED, MODE_BEHAVIOR_MODELING);
        e = web(f);
        g_assert_cmpuint(e->recorded_ops, ==, 3);
        g_assert_cmpuint(e->recording_lost, ==, 0);
        g_assert_true(e->model_complete);
        g_assert_cmpuint(f->n_complete, ==, 1);
        g_assert_true(model_has(f->model, "/a") && model_has(f->model, "/c") && model_has(f->model, "/late"));
        g_assert_false(model_has(f->model, "/b"));
        m = read_model(f->model);
        g_assert_true(model_is_complete(m));
        source = m->sources->pdata[0];
        g_assert_cmpint(gethostname(host, sizeof(host)), ==, 0);
        g_assert_cmpstr(source->host, ==, host);
        g_assert_cmpstr(source->policy, ==, "web");
        g_assert_cmpstr(source->unit, ==, "web.service");
        g_assert_cmpuint(source->ended_usec - source->started_usec, <=, 30 * (uint64_t)MINUTE_USEC);

        /* It is over for whoever comes next, too. */
        hear("web", "/d");
        g_assert_cmpint(reload(f), ==, 0);
        assert_state(f, POLICY_COMPLETED, MODE_BEHAVIOR_MODELING);
        stop(f);
        start(f);
        assert_state(f, POLICY_COMPLETED, MODE_BEHAVIOR_MODELING);
        g_assert_cmpuint(web(f)->recorded_ops, ==, 3);
        g_assert_true(web(f)->model_complete);
        g_assert_cmpuint(f->n_complete, ==, 1);
}

/* Whatever enforcers are chosen: BPF records, and nothing else is in force. */
static void test_enforcers(Fixture *f, gconstpointer data)
{
        write_policy(f, 30, "Seccomp");
        start(f);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        write_policy(f, 30, "AppArmorBPFSeccomp");
        g_assert_cmpint(reload(f), ==, 0);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        g_assert_cmpuint(web(f)->missing, ==, 0);
}

static void test_deadline(Fixture *f, gconstpointer data)
{
        uint64_t started;

        write_policy(f, 0, "BPF");
        start(f);
        assert_state(f, POLICY_ACTIVE, MODE_ENHANCE_PROTECT);
        g_assert_cmpint(manager_set_mode(f->manager, "web", MODE_BEHAVIOR_MODELING, NULL, on_done, f), ==, -EINVAL);
        g_assert_cmpint(set_mode(f, MODE_BEHAVIOR_MODELING, 30), ==, 0);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        hear("web", "/a");
        started = web(f)->recording_started_usec;

        /* Longer, and shorter: the same recording. */
        g_assert_cmpint(set_mode(f, MODE_BEHAVIOR_MODELING, 60), ==, 0);
        g_assert_cmpuint(web(f)->recording_ends_usec, ==, started + 60 * (uint64_t)MINUTE_USEC);
        g_assert_cmpint(set_mode(f, MODE_BEHAVIOR_MODELING, 10), ==, 0);
        g_assert_cmpint(set_mode(f, MODE_BEHAVIOR_MODELING, 10), ==, 0);
        g_assert_cmpuint(web(f)->recording_started_usec, ==, started);
        g_assert_cmpuint(web(f)->recording_ends_usec, ==, started + 10 * (uint64_t)MINUTE_USEC);
        g_assert_cmpuint(web(f)->recorded_ops, ==, 1);

        /* So short that it is over. */
        stop(f);
        make_older(f, 5 * (uint64_t)MINUTE_USEC);
        start(f);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        g_assert_cmpint(set_mode(f, MODE_BEHAVIOR_MODELING, 3), ==, 0);
        run_until_state(f, POLICY_COMPLETED);
        g_assert_true(model_has(f->model, "/a"));
}

/* By SetMode it is refused; by the file it waits. */
static void test_leave_before(Fixture *f, gconstpointer data)
{
        write_policy(f, 30, "BPF");
        start(f);
        hear("web", "/a");
        g_assert_cmpint(set_mode(f, MODE_ENHANCE_PROTECT, 0), ==, -EINPROGRESS);
        g_assert_cmpint(set_mode(f, MODE_ALWAYS_ALLOW, 0), ==, -EINPROGRESS);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        g_assert_cmpstr(web(f)->why, ==, "");

        write_policy(f, 0, "BPF");
        g_assert_cmpint(reload(f), ==, -EBADMSG);
        g_test_message("%s", f->messages);
        g_assert_nonnull(strstr(f->messages, "web.yaml:8:"));
        g_assert_nonnull(strstr(f->messages, "not-complete"));
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        g_assert_nonnull(strstr(web(f)->why, "another mode"));
        g_assert_cmpint(set_mode(f, MODE_ALWAYS_ALLOW, 0), ==, -EINPROGRESS);
        hear("web", "/b");

        /* Whoever comes next holds it, too, and lets it go when it is over. */
        stop(f);
        start(f);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        stop(f);
        make_older(f, 60 * (uint64_t)MINUTE_USEC);
        start(f);
        run_until_state(f, POLICY_ACTIVE);
        assert_state(f, POLICY_ACTIVE, MODE_ENHANCE_PROTECT);
        g_assert_true(model_has(f->model, "/a") && model_has(f->model, "/b"));
        g_assert_false(g_file_test(f->recording, G_FILE_TEST_EXISTS));
}

static void test_reset_before(Fixture *f, gconstpointer data)
{
        write_policy(f, 0, "BPF");
        start(f);
        g_assert_cmpint(set_mode(f, MODE_BEHAVIOR_MODELING, 30), ==, 0);
        hear("web", "/a");
        g_assert_cmpint(reset_mode(f), ==, -EINPROGRESS);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        g_assert_cmpint(web(f)->mode_origin, ==, MODE_FROM_RUNTIME);
        g_assert_null(web(f)->failed);
        expire(f);
        g_assert_cmpint(reset_mode(f), ==, 0);
        assert_state(f, POLICY_ACTIVE, MODE_ENHANCE_PROTECT);
}

static void test_leave_after(Fixture *f, gconstpointer data)
{
        write_policy(f, 30, "BPF");
        start(f);
        hear("web", "/a");
        expire(f);
        g_assert_cmpint(set_mode(f, MODE_ENHANCE_PROTECT, 0), ==, 0);
        assert_state(f, POLICY_ACTIVE, MODE_ENHANCE_PROTECT);
        g_assert_cmpuint(web(f)->recording_started_usec, ==, 0);
        g_assert_false(web(f)->model_complete);
        g_assert_true(model_has(f->model, "/a"));

        /* Back again, as long as before: another recording. */
        g_assert_cmpint(reset_mode(f), ==, 0);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        g_assert_cmpuint(web(f)->recorded_ops, ==, 0);
        hear("web", "/b");
        expire(f);
        g_assert_false(model_has(f->model, "/a"));
        g_assert_true(model_has(f->model, "/b"));
        g_assert_true(model_has(f->old, "/a"));
}

static void test_start_over(Fixture *f, gconstpointer data)
{
        write_policy(f, 30, "BPF");
        start(f);
        hear("web", "/a");
        expire(f);

        /* By SetMode, also for as long as before; by the file, with another duration. */
        g_assert_cmpint(set_mode(f, MODE_BEHAVIOR_MODELING, 30), ==, 0);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        g_assert_cmpuint(web(f)->recorded_ops, ==, 0);
        g_assert_false(web(f)->model_complete);
        g_assert_true(model_has(f->model, "/a"));
        hear("web", "/b");
        expire(f);
        g_assert_true(model_has(f->model, "/b"));
        g_assert_cmpint(reset_mode(f), ==, 0);
        assert_state(f, POLICY_COMPLETED, MODE_BEHAVIOR_MODELING);
        write_policy(f, 31, "BPF");
        g_assert_cmpint(reload(f), ==, 0);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        hear("web", "/c");
        expire(f);
        g_assert_true(model_has(f->model, "/c"));
        g_assert_true(model_has(f->old, "/b"));
}

/* Its file is broken: what is in force, and recorded, goes on. */
static void test_broken(Fixture *f, gconstpointer data)
{
        write_policy(f, 30, "BPF");
        start(f);
        g_assert_true(g_file_set_contents(f->policy, "{[", -1, NULL));
        g_assert_cmpint(reload(f), ==, -EBADMSG);
        g_assert_cmpint(web(f)->state, ==, POLICY_DEGRADED);
        g_assert_true(records("web"));
        hear("web", "/a");
        stop(f);
        start(f);
        g_assert_cmpint(web(f)->state, ==, POLICY_DEGRADED);
        hear("web", "/b");
        write_policy(f, 30, "BPF");
        g_assert_cmpint(reload(f), ==, 0);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        g_assert_cmpuint(web(f)->recorded_ops, ==, 2);
}

static void test_delete(Fixture *f, gconstpointer data)
{
        write_policy(f, 30, "BPF");
        start(f);
        hear("web", "/a");
        g_assert_cmpint(g_unlink(f->policy), ==, 0);
        g_assert_cmpint(reload(f), ==, 0);
        g_assert_null(manager_find_policy(f->manager, "web"));
        g_assert_false(records("web"));
        g_assert_false(g_file_test(f->recording, G_FILE_TEST_EXISTS));
        g_assert_false(g_file_test(f->model, G_FILE_TEST_EXISTS));

        /* While no daemon runs. */
        write_policy(f, 30, "BPF");
        g_assert_cmpint(reload(f), ==, 0);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        g_assert_cmpuint(web(f)->recorded_ops, ==, 0);
        stop(f);
        g_assert_cmpint(g_unlink(f->policy), ==, 0);
        start(f);
        g_assert_false(g_file_test(f->recording, G_FILE_TEST_EXISTS));
        g_assert_false(records("web"));
}

/* Nothing is recorded, and that is said: where there is no recorder, where it takes nothing, and where nothing can be written. */
static void test_cannot(Fixture *f, gconstpointer data)
{
        g_autofree char *dir = g_build_filename(f->root, "var", NULL);

        kernel.missing = true;
        write_policy(f, 30, "AppArmor");
        start(f);
        g_assert_cmpint(web(f)->state, ==, POLICY_REFUSED);
        g_test_message("%s", web(f)->why);
        g_assert_nonnull(strstr(web(f)->why, "nothing can be recorded here"));
        g_assert_nonnull(strstr(web(f)->why, "security modules"));
        g_assert_cmpint(reload(f), ==, -EBADMSG);
        g_assert_false(g_file_test(f->recording, G_FILE_TEST_EXISTS));
        stop(f);

        kernel.missing = false;
        g_assert_true(g_file_set_contents(dir, "", 0, NULL));
        start(f);
        g_assert_cmpint(web(f)->state, ==, POLICY_REFUSED);
        g_assert_nonnull(strstr(web(f)->why, "cannot be written"));
        g_assert_false(records("web"));
        /* When it can be, nobody has to ask. */
        g_assert_cmpint(g_unlink(dir), ==, 0);
        run_until_state(f, POLICY_MODELING);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        stop(f);

        g_assert_cmpint(g_unlink(f->recording), ==, 0);
        g_hash_table_remove_all(kernel.digests);
        kernel.refuse = -ENOSPC;
        write_policy(f, 0, "BPF");
        start(f);
        g_assert_cmpint(set_mode(f, MODE_BEHAVIOR_MODELING, 30), ==, -EBADMSG);
        g_test_message("%s", f->messages);
        g_assert_nonnull(strstr(f->messages, "cannot put it in force"));
        g_assert_cmpint(web(f)->current->mode, ==, MODE_ENHANCE_PROTECT);
        g_assert_false(g_file_test(f->recording, G_FILE_TEST_EXISTS));
        g_assert_false(g_file_test(f->model, G_FILE_TEST_EXISTS));
        kernel.refuse = 0;
        g_assert_cmpint(set_mode(f, MODE_BEHAVIOR_MODELING, 30), ==, 0);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        g_assert_cmpuint(web(f)->recording_lost, ==, 0);
}

static void test_progress(Fixture *f, gconstpointer data)
{
        gint64 end = g_get_monotonic_time() + PATIENCE_USEC;

        write_policy(f, 30, "BPF");
        start(f);
        g_ptr_array_add(kernel.waiting, (gpointer) "/a");
        kernel.lost = 3;
        while (f->n_progress == 0 && g_get_monotonic_time() < end)
                g_assert_cmpint(sd_event_run(f->event, 100 * 1000), >=, 0);
        g_assert_cmpuint(f->n_progress, ==, 1);
        g_assert_cmpuint(web(f)->recorded_ops, ==, 1);
        g_assert_cmpuint(web(f)->recording_lost, ==, 3);
        expire(f);
        assert_state(f, POLICY_COMPLETED, MODE_BEHAVIOR_MODELING);
        g_assert_cmpuint(web(f)->recording_lost, ==, 3);
        g_assert_false(web(f)->model_complete);
}

/* Out of the kernel behind the daemon's back, while it runs and while it does not: what that cost is not known, but that it did. */
static void test_taken_out(Fixture *f, gconstpointer data)
{
        uint64_t lost;

        write_policy(f, 30, "BPF");
        start(f);
        hear("web", "/a");
        (void)g_hash_table_remove(kernel.digests, "web");
        for (gint64 end = g_get_monotonic_time() + PATIENCE_USEC; !records("web") && g_get_monotonic_time() < end;)
                g_assert_cmpint(sd_event_run(f->event, 100 * 1000), >=, 0);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        g_assert_cmpuint(web(f)->recording_lost, ==, _MODEL_KIND_MAX);
        lost = web(f)->recording_lost;
        stop(f);
        (void)g_hash_table_remove(kernel.digests, "web");
        start(f);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        g_assert_cmpuint(web(f)->recording_lost, ==, lost + _MODEL_KIND_MAX);
        g_assert_cmpuint(web(f)->recorded_ops, ==, 1);
}

/* The state of the boot is gone, and with it the mode that was switched at run time: what was recorded is not. */
static void test_reboot(Fixture *f, gconstpointer data)
{
        g_autofree char *command = g_strdup_printf("rm -rf '%s/run'", f->root);

        write_policy(f, 0, "BPF");
        start(f);
        g_assert_cmpint(set_mode(f, MODE_BEHAVIOR_MODELING, 30), ==, 0);
        hear("web", "/a");
        stop(f);
        g_assert_cmpint(system(command), ==, 0);
        g_hash_table_remove_all(kernel.digests);
        start(f);
        assert_state(f, POLICY_ACTIVE, MODE_ENHANCE_PROTECT);
        for (gint64 end = g_get_monotonic_time() + PATIENCE_USEC; f->n_complete == 0 && g_get_monotonic_time() < end;)
                g_assert_cmpint(sd_event_run(f->event, 100 * 1000), >=, 0);
        g_assert_cmpuint(f->n_complete, ==, 1);
        g_assert_true(model_has(f->model, "/a"));
        g_assert_false(g_file_test(f->recording, G_FILE_TEST_EXISTS));
}

/* A model that cannot be written is written when it can. */
static void test_unwritable(Fixture *f, gconstpointer data)
{
        g_autofree char *dir = g_path_get_dirname(f->model);

        write_policy(f, 30, "BPF");
        start(f);
        hear("web", "/a");
        stop(f);
        make_older(f, 60 * (uint64_t)MINUTE_USEC);
        g_assert_true(g_file_set_contents(dir, "", 0, NULL));
        start(f);
        run_until_state(f, POLICY_DEGRADED);
        g_test_message("%s", web(f)->why);
        g_assert_nonnull(strstr(web(f)->why, "model cannot be written"));
        g_assert_cmpint(set_mode(f, MODE_ALWAYS_ALLOW, 0), ==, -EINPROGRESS);
        g_assert_false(records("web"));
        stop(f);
        g_assert_cmpint(g_unlink(dir), ==, 0);
        start(f);
        run_until_state(f, POLICY_COMPLETED);
        g_assert_true(model_has(f->model, "/a"));
}

static void write_defence(Fixture *f)
{
        g_autofree char *text = NULL, *without = NULL;
        char *section;

        write_policy(f, 0, "BPF");
        g_assert_true(g_file_get_contents(f->policy, &text, NULL, NULL));
        section = strstr(text, "    mode:");
        *section = 0;
        without = g_strconcat(text,
                              "    mode: DefenseInDepth\n"
                              "    defenseInDepth: {bpf: {profileType: BehaviorModel}}\n",
                              NULL);
        g_assert_true(g_file_set_contents_full(f->policy, without, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
}

/* From what was recorded to what is allowed; and a model that is lost or damaged takes nothing out of force. */
static void test_defence(Fixture *f, gconstpointer data)
{
        const ModelOp program = {.kind = MODEL_EXEC, .object = (char *)"/usr/sbin/web", .count = 1};
        g_autofree char *aside = g_strconcat(f->model, "+damaged", NULL), *digest = NULL, *model = NULL;
        gsize size;

        write_defence(f);
        start(f);
        g_assert_cmpint(web(f)->state, ==, POLICY_REFUSED);
        g_assert_nonnull(strstr(web(f)->why, "no model"));
        stop(f);

        write_policy(f, 30, "BPF");
        start(f);
        hear("web", "/a");
        kernel.env->on_record("web", &program, kernel.env->userdata);
        expire(f);
        write_defence(f);
        g_assert_cmpint(reload(f), ==, 0);
        assert_state(f, POLICY_ACTIVE, MODE_DEFENSE_IN_DEPTH);
        digest = g_strdup(web(f)->current->ir_digest);

        g_assert_true(g_file_get_contents(f->model, &model, &size, NULL));
        g_assert_true(g_file_set_contents(f->model, "{}", -1, NULL));
        g_assert_cmpint(reload(f), ==, -EBADMSG);
        g_test_message("%s", f->messages);
        g_assert_cmpint(web(f)->state, ==, POLICY_DEGRADED);
        g_assert_cmpstr(web(f)->current->ir_digest, ==, digest);
        g_assert_cmpuint(g_hash_table_size(kernel.digests), ==, 1);
        g_assert_true(g_file_test(aside, G_FILE_TEST_EXISTS));
        g_assert_false(g_file_test(f->model, G_FILE_TEST_EXISTS));

        /* Not there: the same. It comes back, and is another: that is put in force. */
        g_assert_cmpint(reload(f), ==, -EBADMSG);
        g_assert_cmpstr(web(f)->current->ir_digest, ==, digest);
        g_assert_true(g_file_set_contents_full(f->model, model, (gssize)size, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
        g_assert_cmpint(reload(f), ==, 0);
        assert_state(f, POLICY_ACTIVE, MODE_DEFENSE_IN_DEPTH);
        g_assert_cmpstr(web(f)->current->ir_digest, ==, digest);
        g_assert_cmpint(set_mode(f, MODE_BEHAVIOR_MODELING, 30), ==, 0);
        hear("web", "/b");
        kernel.env->on_record("web", &program, kernel.env->userdata);
        expire(f);
        g_assert_cmpint(reset_mode(f), ==, 0);
        assert_state(f, POLICY_ACTIVE, MODE_DEFENSE_IN_DEPTH);
        g_assert_cmpstr(web(f)->current->ir_digest, !=, digest);
}

/* As the message says that the policy has no model for: record it, and come back. */
static void test_defence_first(Fixture *f, gconstpointer data)
{
        const ModelOp program = {.kind = MODEL_EXEC, .object = (char *)"/usr/sbin/web", .count = 1};

        write_defence(f);
        start(f);
        g_assert_cmpint(web(f)->state, ==, POLICY_REFUSED);
        g_assert_cmpint(set_mode(f, MODE_BEHAVIOR_MODELING, 30), ==, 0);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        kernel.env->on_record("web", &program, kernel.env->userdata);
        g_assert_cmpint(reset_mode(f), ==, -EINPROGRESS);
        expire(f);
        g_assert_cmpint(reset_mode(f), ==, 0);
        assert_state(f, POLICY_ACTIVE, MODE_DEFENSE_IN_DEPTH);
}

/* The same, but the mode and its fragment end with the boot: what was recorded until then is the model that the policy waits for. */
static void test_defence_reboot(Fixture *f, gconstpointer data)
{
        const ModelOp program = {.kind = MODEL_EXEC, .object = (char *)"/usr/sbin/web", .count = 1};
        g_autofree char *run = g_build_filename(f->root, "run", NULL), *command = g_strdup_printf("rm -rf '%s'", run);

        write_defence(f);
        start(f);
        g_assert_cmpint(set_mode(f, MODE_BEHAVIOR_MODELING, 30), ==, 0);
        kernel.env->on_record("web", &program, kernel.env->userdata);
        stop(f);
        g_hash_table_remove_all(kernel.digests);
        g_assert_cmpint(system(command), ==, 0);
        start(f);
        run_until_state(f, POLICY_ACTIVE);
        assert_state(f, POLICY_ACTIVE, MODE_DEFENSE_IN_DEPTH);
        g_assert_cmpuint(f->n_complete, ==, 1);
        g_assert_false(g_file_test(f->recording, G_FILE_TEST_EXISTS));
}

/* A file that nothing can be read from is put aside, and another one begun. */
static void test_damaged(Fixture *f, gconstpointer data)
{
        g_autofree char *aside = g_strconcat(f->recording, "+damaged", NULL);

        write_policy(f, 30, "BPF");
        start(f);
        stop(f);
        g_assert_true(g_file_set_contents(f->recording, "x\ny\n", -1, NULL));
        start(f);
        assert_state(f, POLICY_MODELING, MODE_BEHAVIOR_MODELING);
        g_assert_true(g_file_test(aside, G_FILE_TEST_EXISTS));
        hear("web", "/a");
        expire(f);
        g_assert_true(model_has(f->model, "/a"));
}

int main(int argc, char *argv[])
{
        static const struct {
                const char *name;
                void (*test)(Fixture *f, gconstpointer data);
        } tests[] = {
                {"/modeling/life", test_life},
                {"/modeling/enforcers", test_enforcers},
                {"/modeling/deadline", test_deadline},
                {"/modeling/leave-before", test_leave_before},
                {"/modeling/reset-before", test_reset_before},
                {"/modeling/leave-after", test_leave_after},
                {"/modeling/start-over", test_start_over},
                {"/modeling/broken", test_broken},
                {"/modeling/delete", test_delete},
                {"/modeling/cannot", test_cannot},
                {"/modeling/progress", test_progress},
                {"/modeling/taken-out", test_taken_out},
                {"/modeling/reboot", test_reboot},
                {"/modeling/unwritable", test_unwritable},
                {"/modeling/damaged", test_damaged},
                {"/modeling/defence", test_defence},
                {"/modeling/defence-first", test_defence_first},
                {"/modeling/defence-reboot", test_defence_reboot},
        };

        g_test_init(&argc, &argv, NULL);
        if (geteuid() != 0) {
                g_print("1..0 # SKIP configuration must be owned by root, and this is not root\n");
                return 77;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
                g_test_add(tests[i].name, Fixture, NULL, setup, tests[i].test, teardown);
        return g_test_run();
}
