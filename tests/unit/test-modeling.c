/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* BehaviorModeling in the manager: each way into it, through it and out of it. */

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modeling.h"
#include "recording.h"

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
