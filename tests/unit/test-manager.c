/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The manager with real files, the real loader and its child, and an enforcer that keeps in a table what the kernel would. */

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/compile.h"
#include "bpf/table.h"
#include "manager-internal.h"

#define PATIENCE_USEC (20U * G_USEC_PER_SEC)

/* ---- the enforcer ------------------------------------------------------------------------------------------------------ */

typedef struct FakeKernel {
        GHashTable *digests; /* policy -> digest */
        GBytes *targets;
        char **policies;
        unsigned n_applied, n_removed, n_covered;
        int refuse;          /* what apply() returns, */
        int refuse_cover;    /* and cover() */
} FakeKernel;

struct Enforcer {
        FakeKernel *kernel;
};

/* Outlives the daemons of one test, as the kernel does. */
static FakeKernel kernel;

static int fake_open(const EnforcerEnv *env, Enforcer **ret, Diag *d)
{
        if (kernel.refuse == -EOPNOTSUPP) {
                diag_error(d, NULL, "no-lsm", "\"bpf\" is not among the security modules");
                return -EOPNOTSUPP;
        }
        *ret = g_new0(Enforcer, 1);
        (*ret)->kernel = &kernel;
        return 0;
}

static void fake_close(Enforcer *e)
{
        g_free(e);
}

static int fake_compile(const Policy *p, Profile **ret, Diag *d)
{
        if (strcmp(p->name, "crash") == 0)
                (void)raise(SIGSEGV);
        if (strcmp(p->name, "quit") == 0)
                _exit(0);
        return bpf_compile(p, ret, d);
}

static int fake_apply(Enforcer *e, const char *policy, const Profile *p)
{
        if (e->kernel->refuse < 0)
                return e->kernel->refuse;
        g_assert_nonnull(p->blob);
        e->kernel->n_applied++;
        g_hash_table_insert(e->kernel->digests, g_strdup(policy), g_strdup(p->digest));
        return 0;
}

static int fake_remove(Enforcer *e, const char *policy)
{
        e->kernel->n_removed += g_hash_table_remove(e->kernel->digests, policy);
        return 0;
}

static int fake_cover(Enforcer *e, GBytes *targets, const char *const *policies)
{
        if (e->kernel->refuse_cover < 0)
                return e->kernel->refuse_cover;
        g_clear_pointer(&e->kernel->targets, g_bytes_unref);
        g_strfreev(e->kernel->policies);
        e->kernel->targets = g_bytes_ref(targets);
        e->kernel->policies = g_strdupv((char **)policies);
        e->kernel->n_covered++;
        return 0;
}

static int fake_applied(Enforcer *e, const char *policy, char ret_digest[static 65])
{
        const char *digest = g_hash_table_lookup(e->kernel->digests, policy);

        g_strlcpy(ret_digest, digest ? digest : "", 65);
        return 0;
}

static char **fake_policies(Enforcer *e)
{
        g_autofree char **keys = (char **)g_hash_table_get_keys_as_array(e->kernel->digests, NULL);

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

static int fake_pid_confined(Enforcer *e, pid_t pid)
{
        return 0;
}

static const EnforcerOps fake_ops = {
        .name = "fake",
        .kind = ENFORCER_BPF,
        .kinds = 1U << OP_FILE,
        .modes = 1U << MODE_ALWAYS_ALLOW | 1U << MODE_ENHANCE_PROTECT,
        .open = fake_open,
        .close = fake_close,
        .compile = fake_compile,
        .apply = fake_apply,
        .remove = fake_remove,
        .cover = fake_cover,
        .applied = fake_applied,
        .policies = fake_policies,
        .fd = fake_fd,
        .counters = fake_counters,
        .pid_confined = fake_pid_confined,
};

/* In place of the kernel's notices: the test says when devices have changed. */
static void (*devices_changed)(void *userdata);
static void *devices_userdata;

int facts_watch_new(sd_event *event, void (*changed)(void *userdata), void *userdata, FactsWatch **ret)
{
        devices_changed = changed;
        devices_userdata = userdata;
        *ret = NULL;
        return 0;
}

void facts_watch_free(FactsWatch *w)
{
}

/* ---- one daemon on one root ----------------------------------------------------------------------------------------------- */

typedef struct Fixture {
        char *root;
        sd_event *event;
        Manager *manager;
        bool ready, done;
        int result;
        char *messages;
} Fixture;

static void on_ready(Manager *m, void *userdata)
{
        ((Fixture *)userdata)->ready = true;
}

static void on_done(Manager *m, int result, const Diag *d, void *userdata)
{
        Fixture *f = userdata;
        GString *s = g_string_new(NULL);

        g_assert_nonnull(d);
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
        static const EnforcerOps *const ops[] = {&fake_ops, NULL};
        const ManagerParams params = {.event = f->event, .root = f->root, .enforcers = ops};

        f->ready = false;
        g_assert_cmpint(manager_new(&params, &f->manager), ==, 0);
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
        g_assert_false(f->done);
        run_until(f, &f->done);
        return f->result;
}

static char *path_of(Fixture *f, const char *name)
{
        return g_strdup_printf("%s/etc/varmor/policies.d/%s.yaml", f->root, name);
}

static void write_file(const char *path, const char *text)
{
        g_autofree char *dir = g_path_get_dirname(path);

        g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
        g_assert_true(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
}

static void write_spec(Fixture *f, const char *name, const char *enhance_protect)
{
        g_autofree char *path = path_of(f, name);
        g_autofree char *text = g_strdup_printf("apiVersion: crd.varmor.org/v1beta1\n"
                                                "kind: VarmorClusterPolicy\n"
                                                "metadata: {name: %s}\n"
                                                "spec:\n"
                                                "  target: {kind: Service, name: %s.service}\n"
                                                "  policy:\n"
                                                "    enforcer: BPF\n"
                                                "    mode: EnhanceProtect\n"
                                                "    enhanceProtect: {privileged: true, %s}\n",
                                                name, name, enhance_protect);

        write_file(path, text);
}

static void write_policy(Fixture *f, const char *name, const char *object)
{
        g_autofree char *rules = g_strdup_printf("bpfRawRules: {files: [{pattern: %s, permissions: [read], qualifiers: [deny]}]}", object);

        write_spec(f, name, rules);
}

static void remove_policy(Fixture *f, const char *name)
{
        g_autofree char *path = path_of(f, name);

        g_assert_cmpint(g_unlink(path), ==, 0);
}

static void break_policy(Fixture *f, const char *name, const char *text)
{
        g_autofree char *path = path_of(f, name);

        write_file(path, text);
}

/* The data that the project installs, as it is in the tree. */
static void install_data(Fixture *f)
{
        g_autofree char *command =
                g_strdup_printf("mkdir -p '%s/etc/varmor/policies.d' '%s/usr/lib/varmor' && cp -r '%s/../../conf/rules.d' '%s/../../conf/essential.yaml' "
                                "'%s/usr/lib/varmor/' && chown -R 0:0 '%s' && chmod -R go-w '%s'",
                                f->root, f->root, g_getenv("G_TEST_SRCDIR"), g_getenv("G_TEST_SRCDIR"), f->root, f->root, f->root);

        g_assert_cmpint(system(command), ==, 0);
}

static void setup(Fixture *f, gconstpointer data)
{
        sigset_t mask;

        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        g_assert_cmpint(sigprocmask(SIG_BLOCK, &mask, NULL), ==, 0);
        kernel = (FakeKernel){.digests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
        f->root = g_dir_make_tmp("manager-XXXXXX", NULL);
        g_assert_cmpint(chmod(f->root, 0755), ==, 0);
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        install_data(f);
}

static void teardown(Fixture *f, gconstpointer data)
{
        g_autofree char *command = g_strdup_printf("rm -rf '%s'", f->root);

        stop(f);
        sd_event_unref(f->event);
        g_assert_cmpint(system(command), ==, 0);
        g_hash_table_unref(kernel.digests);
        g_clear_pointer(&kernel.targets, g_bytes_unref);
        g_clear_pointer(&kernel.policies, g_strfreev);
        g_free(f->root);
        g_free(f->messages);
}

static void assert_state(const Fixture *f, const char *name, PolicyState state)
{
        const PolicyEntry *e = manager_find_policy(f->manager, name);

        g_assert_nonnull(e);
        g_test_message("%s: %s (%s)", name, policy_state_to_string(e->state), e->why);
        g_assert_cmpstr(policy_state_to_string(e->state), ==, policy_state_to_string(state));
        g_assert_cmpint(*e->why == '\0', ==, state == POLICY_ACTIVE);
}

static bool covers(const char *path, const char *policy)
{
        const struct va_cover *c;

        if (g_bytes_get_size(kernel.targets) == 0)
                return false;
        c = table_match_cover(g_bytes_get_data(kernel.targets, NULL), path);
        for (uint32_t i = 0; c && i < c->n; i++)
                if (strcmp(kernel.policies[c->slot[i]], policy) == 0)
                        return true;
        return false;
}

static const char *digest_of(const char *policy)
{
        return g_hash_table_lookup(kernel.digests, policy);
}

/* ---- tests ------------------------------------------------------------------------------------------------------------------- */

static void test_life(Fixture *f, gconstpointer data)
{
        g_autofree char *first = NULL;

        start(f);
        g_assert_null(manager_find_policy(f->manager, "web"));

        write_policy(f, "web", "/srv/secret");
        write_policy(f, "db", "/srv/secret");
        g_assert_cmpint(reload(f), ==, 0);
        assert_state(f, "web", POLICY_ACTIVE);
        g_assert_true(covers("/system.slice/web.service", "web"));
        g_assert_false(covers("/system.slice/web.service", "db"));
        g_assert_cmpuint(kernel.n_applied, ==, 2);
        first = g_strdup(digest_of("web"));

        /* Nothing new, nothing done. */
        g_assert_cmpint(reload(f), ==, 0);
        g_assert_cmpuint(kernel.n_applied, ==, 2);
        g_assert_cmpuint(kernel.n_covered, <=, 2);

        write_policy(f, "web", "/srv/other");
        g_assert_cmpint(reload(f), ==, 0);
        g_assert_cmpuint(kernel.n_applied, ==, 3);
        g_assert_cmpstr(digest_of("web"), !=, first);

        remove_policy(f, "web");
        g_assert_cmpint(reload(f), ==, 0);
        g_assert_null(manager_find_policy(f->manager, "web"));
        g_assert_null(digest_of("web"));
        g_assert_false(covers("/system.slice/web.service", "web"));
        g_assert_true(covers("/system.slice/db.service", "db"));
}

static void test_broken(Fixture *f, gconstpointer data)
{
        g_autofree char *digest = NULL;

        write_policy(f, "web", "/srv/secret");
        start(f);
        assert_state(f, "web", POLICY_ACTIVE);
        digest = g_strdup(digest_of("web"));

        /* A name that can be read, and a file that cannot be. */
        break_policy(f, "web", "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorClusterPolicy\nmetadata: {name: web}\nspec: 7\n");
        g_assert_cmpint(reload(f), ==, -EBADMSG);
        g_assert_nonnull(strstr(f->messages, "web.yaml:4:"));
        assert_state(f, "web", POLICY_DEGRADED);
        g_assert_cmpstr(digest_of("web"), ==, digest);
        g_assert_true(covers("/system.slice/web.service", "web"));
        break_policy(f, "web", "{[");
        g_assert_cmpint(reload(f), ==, -EBADMSG);
        assert_state(f, "web", POLICY_DEGRADED);
        g_assert_cmpstr(digest_of("web"), ==, digest);
        g_assert_true(covers("/system.slice/web.service", "web"));

        /* The daemon that comes then knows no better, and leaves in force what is. */
        stop(f);
        start(f);
        assert_state(f, "web", POLICY_DEGRADED);
        g_assert_cmpstr(digest_of("web"), ==, digest);
        g_assert_true(covers("/system.slice/web.service", "web"));

        write_policy(f, "web", "/srv/secret");
        g_assert_cmpint(reload(f), ==, 0);
        assert_state(f, "web", POLICY_ACTIVE);
        g_assert_cmpstr(digest_of("web"), ==, digest);

        break_policy(f, "new", "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorClusterPolicy\nmetadata: {name: new}\n");
        g_assert_cmpint(reload(f), ==, -EBADMSG);
        assert_state(f, "new", POLICY_REFUSED);
        assert_state(f, "web", POLICY_ACTIVE);
}

/* A child that dies, ends early, or says nothing: one load is lost. */
static void test_crash(Fixture *f, gconstpointer data)
{
        static const char *const names[] = {"crash", "quit"}, *const paths[] = {"/srv/second", "/srv/third"};

        write_policy(f, "web", "/srv/secret");
        start(f);
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                write_policy(f, names[i], "/srv/secret");
                write_policy(f, "web", paths[i]);
                g_assert_cmpint(reload(f), ==, -EUCLEAN);
                g_test_message("%s", f->messages);
                g_assert_nonnull(strstr(f->messages, "in force"));
                assert_state(f, "web", POLICY_ACTIVE);
                g_assert_cmpuint(kernel.n_applied, ==, i + 1);
                remove_policy(f, names[i]);
                g_assert_cmpint(reload(f), ==, 0);
                g_assert_cmpuint(kernel.n_applied, ==, i + 2);
        }
}

/* Out of the kernel, and its file is broken by then: the bytes cannot be had, which is said, and asked for once. */
static void test_lost_and_broken(Fixture *f, gconstpointer data)
{
        const PolicyEntry *e;

        write_policy(f, "web", "/srv/secret");
        start(f);
        (void)g_hash_table_remove(kernel.digests, "web");
        break_policy(f, "web", "{[");
        g_assert_cmpint(reload(f), ==, -EBADMSG);
        assert_state(f, "web", POLICY_REFUSED);
        e = manager_find_policy(f->manager, "web");
        g_assert_null(strstr(e->why, "stays in force"));
        g_assert_null(digest_of("web"));

        write_policy(f, "web", "/srv/secret");
        g_assert_cmpint(reload(f), ==, 0);
        assert_state(f, "web", POLICY_ACTIVE);
        g_assert_nonnull(digest_of("web"));
}

/* Rules in the kernel are no protection as long as no cgroup is under them. */
static void test_uncovered(Fixture *f, gconstpointer data)
{
        bool active = false;

        kernel.refuse_cover = -E2BIG;
        write_policy(f, "web", "/srv/secret");
        start(f);
        assert_state(f, "web", POLICY_DEGRADED);
        g_assert_nonnull(strstr(manager_find_policy(f->manager, "web")->why, "label"));
        g_assert_cmpint(reload(f), ==, -EBADMSG);
        g_assert_nonnull(strstr(f->messages, "label"));

        /* It is tried again, without being asked. */
        kernel.refuse_cover = 0;
        for (gint64 end = g_get_monotonic_time() + PATIENCE_USEC; !active && g_get_monotonic_time() < end;) {
                g_assert_cmpint(sd_event_run(f->event, 100 * 1000), >=, 0);
                active = manager_find_policy(f->manager, "web")->state == POLICY_ACTIVE;
        }
        assert_state(f, "web", POLICY_ACTIVE);
        g_assert_true(covers("/system.slice/web.service", "web"));
}

/* Nine policies on one service: the kernel takes eight. The ninth must not look as if it were in force. */
static void test_too_many_on_one(Fixture *f, gconstpointer data)
{
        write_policy(f, "web", "/srv/secret");
        start(f);
        for (unsigned i = 0; i < VA_COVER_MAX; i++) {
                g_autofree char *name = g_strdup_printf("p%u", i), *path = path_of(f, name), *text = NULL, *own = NULL;
                g_autofree char *web = path_of(f, "web");
                g_auto(GStrv) parts = NULL;

                g_assert_true(g_file_get_contents(web, &text, NULL, NULL));
                own = g_strdup_printf("metadata: {name: %s}", name);
                parts = g_strsplit(text, "metadata: {name: web}", 2);
                g_free(text);
                text = g_strjoinv(own, parts);
                write_file(path, text);
        }
        g_assert_cmpint(reload(f), ==, -EBADMSG);
        g_test_message("%s", f->messages);
        assert_state(f, "p0", POLICY_DEGRADED);
        g_assert_true(covers("/system.slice/web.service", "web"));
        g_assert_false(covers("/system.slice/web.service", "p0"));
        remove_policy(f, "p7");
        g_assert_cmpint(reload(f), ==, 0);
        assert_state(f, "p0", POLICY_ACTIVE);
        g_assert_true(covers("/system.slice/web.service", "p0"));
}

static void test_lost(Fixture *f, gconstpointer data)
{
        write_policy(f, "web", "/srv/secret");
        start(f);
        /* Somebody took it out of the kernel; the child has left its bytes out. */
        (void)g_hash_table_remove(kernel.digests, "web");
        g_assert_cmpint(reload(f), ==, 0);
        g_assert_nonnull(digest_of("web"));
        assert_state(f, "web", POLICY_ACTIVE);

        /* The kernel does not take it: the one before stays, and that is said. */
        kernel.refuse = -ENOSPC;
        write_policy(f, "web", "/srv/other");
        g_assert_cmpint(reload(f), ==, -EBADMSG);
        g_assert_nonnull(strstr(f->messages, "cannot put it in force"));
        kernel.refuse = 0;
        g_assert_cmpint(reload(f), ==, 0);
        assert_state(f, "web", POLICY_ACTIVE);

        /* A file that went away while no daemon ran. */
        stop(f);
        remove_policy(f, "web");
        start(f);
        g_assert_null(digest_of("web"));
}

static int set_mode(Fixture *f, Mode mode, const SetModeOptions *o)
{
        f->done = false;
        g_assert_cmpint(manager_set_mode(f->manager, "web", mode, o, on_done, f), ==, 0);
        run_until(f, &f->done);
        return f->result;
}

static void test_mode(Fixture *f, gconstpointer data)
{
        const SetModeOptions observe = {.allow_violations = 1, .audit_violations = 1};
        const SetModeOptions persist = {.persist = true, .allow_violations = -1, .audit_violations = -1};
        g_autofree char *digest = NULL, *fragment = NULL;
        const PolicyEntry *e;

        write_policy(f, "web", "/srv/secret");
        start(f);
        digest = g_strdup(digest_of("web"));
        fragment = g_strconcat(f->root, "/run/varmor/policies.d/web.yaml.d/90-mode-web.yaml", NULL);

        g_assert_cmpint(manager_set_mode(f->manager, "nobody", MODE_ALWAYS_ALLOW, NULL, on_done, f), ==, -ENOENT);
        g_assert_cmpint(manager_set_mode(f->manager, "web", MODE_ALWAYS_ALLOW, &observe, on_done, f), ==, -EINVAL);

        g_assert_cmpint(set_mode(f, MODE_ALWAYS_ALLOW, NULL), ==, 0);
        g_assert_null(digest_of("web"));
        e = manager_find_policy(f->manager, "web");
        g_assert_cmpint(e->current->mode, ==, MODE_ALWAYS_ALLOW);
        g_assert_cmpint(e->mode_origin, ==, MODE_FROM_RUNTIME);
        g_assert_true(g_file_test(fragment, G_FILE_TEST_EXISTS));

        g_assert_cmpint(set_mode(f, MODE_ENHANCE_PROTECT, &observe), ==, 0);
        e = manager_find_policy(f->manager, "web");
        g_assert_true(e->current->allow_violations && e->current->audit_violations);
        g_assert_cmpstr(digest_of("web"), !=, digest);

        /* Not possible here: as before, and the reason. */
        g_assert_cmpint(set_mode(f, MODE_RUNTIME_DEFAULT, NULL), ==, -EBADMSG);
        g_test_message("%s", f->messages);
        g_assert_nonnull(strstr(f->messages, "RuntimeDefault"));
        e = manager_find_policy(f->manager, "web");
        g_assert_cmpint(e->state, ==, POLICY_ACTIVE);
        g_assert_true(e->current->allow_violations);

        g_assert_cmpint(set_mode(f, MODE_ALWAYS_ALLOW, &persist), ==, 0);
        e = manager_find_policy(f->manager, "web");
        g_assert_cmpint(e->mode_origin, ==, MODE_FROM_PERSISTENT);
        g_assert_false(g_file_test(fragment, G_FILE_TEST_EXISTS));

        f->done = false;
        g_assert_cmpint(manager_reset_mode(f->manager, "web", on_done, f), ==, 0);
        run_until(f, &f->done);
        g_assert_cmpint(f->result, ==, 0);
        e = manager_find_policy(f->manager, "web");
        g_assert_cmpint(e->mode_origin, ==, MODE_FROM_FILE);
        g_assert_cmpstr(digest_of("web"), ==, digest);
}

/* Without anybody asking: a file is written, a directory appears, a mask hides. */
static void test_watch(Fixture *f, gconstpointer data)
{
        g_autofree char *run = g_strconcat(f->root, "/run/varmor/policies.d", NULL), *path = NULL, *mask = NULL, *from = NULL;
        gint64 end;

        start(f);
        write_policy(f, "web", "/srv/secret");
        end = g_get_monotonic_time() + PATIENCE_USEC;
        while (!digest_of("web") && g_get_monotonic_time() < end)
                g_assert_cmpint(sd_event_run(f->event, 100 * 1000), >=, 0);
        assert_state(f, "web", POLICY_ACTIVE);

        /* A directory that was not there, with a file in it from the beginning. */
        from = path_of(f, "web");
        path = g_strconcat(run, "/web.yaml", NULL);
        mask = g_strconcat(run, ".new", NULL);
        g_assert_cmpint(g_mkdir(mask, 0755), ==, 0);
        g_assert_cmpint(rename(mask, run), ==, 0);
        g_assert_cmpint(rename(from, path), ==, 0);
        end = g_get_monotonic_time() + PATIENCE_USEC;
        while (g_get_monotonic_time() < end) {
                const PolicyEntry *e = manager_find_policy(f->manager, "web");

                if (e && strcmp(policy_entry_source(e), "/run/varmor/policies.d/web.yaml") == 0)
                        break;
                g_assert_cmpint(sd_event_run(f->event, 100 * 1000), >=, 0);
        }
        g_assert_cmpstr(policy_entry_source(manager_find_policy(f->manager, "web")), ==, "/run/varmor/policies.d/web.yaml");

        g_assert_cmpint(symlink("/dev/null", from), ==, 0);
        end = g_get_monotonic_time() + PATIENCE_USEC;
        while (digest_of("web") && g_get_monotonic_time() < end)
                g_assert_cmpint(sd_event_run(f->event, 100 * 1000), >=, 0);
        g_assert_null(digest_of("web"));
}

static void wait_for_digest(Fixture *f, const char *policy, const char *digest)
{
        gint64 end = g_get_monotonic_time() + PATIENCE_USEC;

        while (g_strcmp0(digest_of(policy), digest) != 0 && g_get_monotonic_time() < end)
                g_assert_cmpint(sd_event_run(f->event, 100 * 1000), >=, 0);
        g_assert_cmpstr(digest_of(policy), ==, digest);
}

/* A disk goes and comes back while the loader's child has seen that it is gone: what the child says must not stay. */
static void test_disks(Fixture *f, gconstpointer data)
{
        g_autofree char *size = g_strconcat(f->root, "/sys/class/block/sda/size", NULL);
        g_autofree char *uevent = g_strconcat(f->root, "/sys/class/block/sda/uevent", NULL), *without = NULL, *with = NULL;

        write_spec(f, "web", "hardeningRules: [disallow-debug-disk-device]");
        start(f);
        without = g_strdup(digest_of("web"));
        g_assert_nonnull(without);
        write_file(uevent, "MAJOR=8\nMINOR=0\nDEVNAME=sda\n");
        write_file(size, "1000\n");
        devices_changed(devices_userdata);
        while (g_strcmp0(digest_of("web"), without) == 0)
                g_assert_cmpint(sd_event_run(f->event, PATIENCE_USEC), >, 0);
        with = g_strdup(digest_of("web"));

        write_file(size, "0\n");
        devices_changed(devices_userdata);
        while (!loader_is_busy(f->manager->loader))
                g_assert_cmpint(sd_event_run(f->event, PATIENCE_USEC), >, 0);
        g_usleep(G_USEC_PER_SEC); /* until the child has looked; its answer waits for the loop */
        write_file(size, "1000\n");
        devices_changed(devices_userdata);
        wait_for_digest(f, "web", without);
        wait_for_digest(f, "web", with);
}

static void test_instances(Fixture *f, gconstpointer data)
{
        static const EnforcerOps *const ops[] = {&fake_ops, NULL};
        const ManagerParams params = {.event = f->event, .root = f->root, .enforcers = ops};
        Manager *second;

        start(f);
        g_assert_cmpint(manager_new(&params, &second), ==, -EEXIST);
        g_assert_cmpint(reload(f), ==, 0);
}

static void test_missing(Fixture *f, gconstpointer data)
{
        g_autofree char *status = NULL;

        write_policy(f, "web", "/srv/secret");
        kernel.refuse = -EOPNOTSUPP;
        start(f);
        assert_state(f, "web", POLICY_DEGRADED);
        g_assert_false(manager_enforcers(f->manager)[ENFORCER_BPF].available);
        status = manager_dup_status(f->manager);
        g_assert_nonnull(strstr(status, "security modules"));
        g_assert_cmpint(reload(f), ==, -EBADMSG);
        kernel.refuse = 0;
}

static void test_check(Fixture *f, gconstpointer data)
{
        static const char bad[] = "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorClusterPolicy\nmetadata: {name: x}\nspec: {}\n";

        write_policy(f, "web", "/srv/secret");
        start(f);
        f->done = false;
        g_assert_cmpint(manager_check(f->manager, bad, strlen(bad), on_done, f), ==, 0);
        run_until(f, &f->done);
        g_assert_cmpint(f->result, ==, -EBADMSG);
        g_assert_cmpint(manager_check(f->manager, bad, MANAGER_CHECK_BYTES_MAX + 1, on_done, f), ==, -E2BIG);
        g_assert_null(manager_find_policy(f->manager, "x"));

        /* Those who wait when the daemon ends are told. */
        f->done = false;
        g_assert_cmpint(manager_reload(f->manager, on_done, f), ==, 0);
        stop(f);
        g_assert_true(f->done);
        g_assert_cmpint(f->result, ==, -ECANCELED);
}

int main(int argc, char *argv[])
{
        static const struct {
                const char *name;
                void (*test)(Fixture *f, gconstpointer data);
        } tests[] = {
                {"/manager/life", test_life},     {"/manager/broken", test_broken},       {"/manager/crash", test_crash},
                {"/manager/lost", test_lost},     {"/manager/mode", test_mode},           {"/manager/watch", test_watch},
                {"/manager/lost-and-broken", test_lost_and_broken}, {"/manager/uncovered", test_uncovered},
                {"/manager/too-many-on-one", test_too_many_on_one},
                {"/manager/check", test_check},   {"/manager/instances", test_instances}, {"/manager/missing", test_missing},
                {"/manager/disks", test_disks},
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
