/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* varmord: command line, event loop, and what systemd is told. */

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "binder.h"
#include "bus.h"
#include "containers.h"
#include "export.h"
#include "loader.h"
#include "manager.h"
#include "policy-load.h"
#include "policy-model.h"
#include "util.h"
#include "version.h"

#define EXIT_INVALID 1 /* --check: something is wrong; else: the daemon failed */
#define EXIT_USAGE 2

/* Larger pieces (a bundle, a table, the kernel's types) are not of the heap, and leave no holes there. */
#define LARGE_BYTES (64 * 1024)

static const EnforcerOps *const enforcers[] = {
        &bpf_enforcer_ops,
        &seccomp_enforcer_ops,
        &apparmor_enforcer_ops,
        NULL,
};

typedef struct Daemon {
        sd_event *event;
        Manager *manager;
        Bus *bus;
        ManagerListener listener;
        bool ready;
} Daemon;

static int usage(FILE *f, int status)
{
        fputs("varmord [OPTIONS...]\n"
              "varmord --check [FILE...]\n"
              "varmord --export FORMAT [--base[=FILE]] POLICY\n\n"
              "Hardens services by policies for their cgroups. Usually started as varmord.service.\n\n"
              "  -h --help      Show this help\n"
              "     --version   Show the version\n"
              "     --check     Read and validate FILE..., or the whole configuration, say what is wrong, and exit\n"
              "     --export    Print POLICY as oci-seccomp, apparmor or systemd, and exit\n"
              "     --base      With oci-seccomp: as part of the profile FILE, or of that of the container engine\n"
              "     --remove    Take all rules, labels and programs of varmor out of the kernel, and exit\n\n"
              "See varmord(8).\n",
              f);
        return status;
}

/* ---- --check --------------------------------------------------------------------------------------------------------------- */

static void print_diag(const Diag *d)
{
        for (guint i = 0; i < d->messages->len; i++) {
                g_autofree char *text = diag_message_format(d->messages->pdata[i]);

                fprintf(stderr, "%s\n", text);
        }
        if (d->n_dropped > 0)
                fprintf(stderr, "... and %u more\n", d->n_dropped);
}

/* Return: number of errors. */
static unsigned check_job(const LoaderJob *job)
{
        g_autoptr(Bundle) b = bundle_build(job);
        unsigned n = b->diag->n_errors;

        print_diag(b->diag);
        for (guint i = 0; i < b->policies->len; i++) {
                const BundlePolicy *p = b->policies->pdata[i];

                print_diag(p->diag);
                n += p->diag->n_errors;
        }
        return n;
}

static unsigned check_file(const char *path)
{
        g_autofree char *text = g_malloc(MANAGER_CHECK_BYTES_MAX + 1);
        LoaderJob job = {.enforcers = enforcers, .check = text, .check_name = path};
        autofile FILE *f = strcmp(path, "-") == 0 ? fdopen(STDIN_FILENO, "r") : fopen(path, "re");

        if (!f) {
                fprintf(stderr, "%s: error: %s\n", path, strerror(errno));
                return 1;
        }
        job.check_size = fread(text, 1, MANAGER_CHECK_BYTES_MAX + 1, f);
        if (ferror(f)) {
                fprintf(stderr, "%s: error: %s\n", path, strerror(errno));
                return 1;
        }
        if (job.check_size > MANAGER_CHECK_BYTES_MAX) {
                fprintf(stderr, "%s: error: larger than %u bytes\n", path, MANAGER_CHECK_BYTES_MAX);
                return 1;
        }
        text[job.check_size] = '\0';
        return check_job(&job);
}

static int check(char **files)
{
        unsigned n = 0;

        if (!*files)
                n = check_job(&(LoaderJob){.enforcers = enforcers});
        for (; *files; files++)
                n += check_file(*files);
        return n > 0 ? EXIT_INVALID : EXIT_SUCCESS;
}

/* ---- --export -------------------------------------------------------------------------------------------------------------- */

static const LoadedPolicy *find_loaded(const LoadResult *loaded, const char *full_name)
{
        for (guint i = 0; i < loaded->policies->len; i++) {
                const LoadedPolicy *l = loaded->policies->pdata[i];

                if (g_strcmp0(l->full_name, full_name) == 0)
                        return l;
        }
        return NULL;
}

/* @path: "-": standard input. NULL: it could not be read, which has been said. */
static char *read_base(const char *path)
{
        g_autofree char *text = g_malloc(MANAGER_CHECK_BYTES_MAX + 1);
        autofile FILE *f = strcmp(path, "-") == 0 ? fdopen(STDIN_FILENO, "r") : fopen(path, "re");
        size_t n = f ? fread(text, 1, MANAGER_CHECK_BYTES_MAX + 1, f) : 0;

        if (!f || ferror(f) || n > MANAGER_CHECK_BYTES_MAX) {
                fprintf(stderr, "%s: error: %s\n", path, !f || ferror(f) ? strerror(errno) : "it is too large");
                return NULL;
        }
        text[n] = '\0';
        return g_steal_pointer(&text);
}

/* Whatever can be exported is, also what this host could not enforce. */
static int export(const char *format, const char *base_path, const char *full_name)
{
        LoadParams params = {0};
        ExportFormat f = export_format_from_string(format);
        g_auto(PolicyModels) models = {0};
        g_autoptr(LoadResult) loaded = NULL;
        g_autoptr(Diag) d = diag_new();
        g_autofree char *text = NULL, *base = NULL;
        const LoadedPolicy *l;
        int r;

        if ((int)f < 0 || (base_path && f != EXPORT_OCI_SECCOMP))
                return usage(stderr, EXIT_USAGE);
        for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                params.can[k] = (EnforcerAbility){.kinds = UINT32_MAX, .modes = UINT32_MAX};
        params.model = policy_models_fill;
        params.model_userdata = &models;
        loaded = policy_load_all(&params);
        l = find_loaded(loaded, full_name);
        if (!l) {
                print_diag(loaded->diag);
                fprintf(stderr, "There is no policy called \"%s\"\n", full_name);
                return EXIT_INVALID;
        }
        if (!l->policy) {
                print_diag(l->diag);
                return EXIT_INVALID;
        }
        if (base_path && !(base = read_base(base_path)))
                return EXIT_INVALID;
        r = export_policy(l->policy, f, NULL, base, &text, d);
        print_diag(d);
        if (r < 0)
                return EXIT_INVALID;
        return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_INVALID;
}

/* ---- --remove --------------------------------------------------------------------------------------------------------------- */

static void ignore_event(const EnforcerEvent *event, void *userdata)
{
}

static int remove_one(const EnforcerOps *ops)
{
        char *no_launchers[] = {NULL};
        const EnforcerEnv env = {.launchers = no_launchers, .self_unit = "varmord.service", .on_event = ignore_event};
        g_autoptr(Diag) d = diag_new();
        Enforcer *e;
        int r;

        r = ops->open(&env, &e, d);
        if (r == -EOPNOTSUPP)
                return 0; /* then nothing of ours can be in the kernel */
        if (r < 0) {
                fprintf(stderr, "The %s enforcer cannot be opened: %s\n", ops->name, strerror(-r));
                print_diag(d);
                return r;
        }
        r = ops->shutdown(e);
        if (r < 0)
                fprintf(stderr, "The %s enforcer cannot be taken out of the kernel: %s\n", ops->name, strerror(-r));
        ops->close(e);
        return r;
}

static int remove_all(void)
{
        __attribute__((cleanup(sd_event_unrefp))) sd_event *event = NULL;
        g_autoptr(Manager) lock = NULL;
        int r = sd_event_new(&event);

        if (r >= 0)
                r = manager_new(&(ManagerParams){.event = event, .enforcers = enforcers, .disabled = true}, &lock);
        if (r == -EEXIST) {
                fputs("varmord is running: stop varmord.service first\n", stderr);
                return EXIT_FAILURE;
        }
        if (r < 0) {
                fprintf(stderr, "Cannot start: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        /* Before profiles and filters go: what systemd starts must not look for them any more. */
        r = binder_unbind_now(NULL);
        if (r < 0) {
                fprintf(stderr, "systemd cannot be told to start services without varmor: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        /* And containers start as if there were none. */
        if (unlink(CONTAINER_POLICIES_FILE) < 0 && errno != ENOENT) {
                fprintf(stderr, "%s cannot be removed: %s\n", CONTAINER_POLICIES_FILE, strerror(errno));
                r = -1;
        }
        for (const EnforcerOps *const *o = enforcers; *o; o++)
                if (remove_one(*o) < 0)
                        r = -1;
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- the daemon ---------------------------------------------------------------------------------------------------------------- */

static bool disabled_by_kernel(void)
{
        g_autofree char *line = NULL;
        g_auto(GStrv) words = NULL;
        bool disabled = false;

        if (!g_file_get_contents("/proc/cmdline", &line, NULL, NULL))
                return false;
        words = g_strsplit_set(line, " \t\n", -1);
        for (char **w = words; *w; w++) {
                if (!g_str_has_prefix(*w, "varmor.disable"))
                        continue;
                switch ((*w)[strlen("varmor.disable")]) {
                case '\0':
                        disabled = true;
                        break;
                case '=':
                        disabled = !g_strv_contains((const char *const[]){"0", "no", "false", "off", NULL},
                                                    *w + strlen("varmor.disable="));
                        break;
                }
        }
        return disabled;
}

static void notify_status(Daemon *d, const char *more)
{
        g_autofree char *status = manager_dup_status(d->manager);

        (void)sd_notifyf(0, "%sSTATUS=%s", more, status);
}

static void on_status(void *userdata)
{
        notify_status(userdata, "");
        (void)malloc_trim(0); /* a load is over: what it needed is not needed any more */
}

static void on_ready(Manager *m, void *userdata)
{
        Daemon *d = userdata;

        d->ready = true;
        notify_status(d, "READY=1\n");
        /* Not before: loading programs is one long step, for which the unit has TimeoutStartSec=, and the first sign of life would
         * start the watchdog's clock. */
        (void)sd_event_set_watchdog(d->event, 1);
        (void)malloc_trim(0);
}

static void on_reloaded(Manager *m, int result, const Diag *diag, void *userdata)
{
        if (result != -ECANCELED)
                notify_status(userdata, "READY=1\n");
}

static int on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        Daemon *d = userdata;

        if (!d->ready)
                return 0; /* the first load is under way */
        (void)sd_notify(0, "RELOADING=1\nSTATUS=Reloading");
        if (manager_reload(d->manager, on_reloaded, d) < 0)
                notify_status(d, "READY=1\n");
        return 0;
}

static int on_terminate(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        (void)sd_notify(0, "STOPPING=1\nSTATUS=Stopping, what is in force stays in force");
        return sd_event_exit(sd_event_source_get_event(s), EXIT_SUCCESS);
}

static int add_signals(Daemon *d)
{
        static const struct {
                int signal;
                sd_event_signal_handler_t handler;
        } handlers[] = {{SIGTERM, on_terminate}, {SIGINT, on_terminate}, {SIGHUP, on_hangup}};
        sigset_t mask;

        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD); /* children are awaited by the loop */
        for (size_t i = 0; i < G_N_ELEMENTS(handlers); i++)
                sigaddset(&mask, handlers[i].signal);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        (void)signal(SIGPIPE, SIG_IGN);
        for (size_t i = 0; i < G_N_ELEMENTS(handlers); i++) {
                int r = sd_event_add_signal(d->event, NULL, handlers[i].signal, handlers[i].handler, d);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int daemon_run(Daemon *d)
{
        int r, status;

        r = add_signals(d);
        if (r < 0)
                return r;
        manager_add_listener(d->manager, &d->listener);
        r = bus_new(d->manager, d->event, &d->bus);
        if (r < 0)
                return r;
        r = manager_start(d->manager, on_ready, d);
        if (r < 0)
                return r;
        r = sd_event_loop(d->event);
        if (r < 0)
                return r;
        status = r;
        return status;
}

static int run(void)
{
        Daemon d = {.listener = {.on_status = on_status, .userdata = &d}};
        int r = sd_event_default(&d.event);

        if (r >= 0) {
                const ManagerParams params = {
                        .event = d.event,
                        .enforcers = enforcers,
                        .disabled = disabled_by_kernel(),
                        .systemd = true,
                        .journal = sd_booted() > 0,
                };

                (void)umask(0022);
                (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
                r = manager_new(&params, &d.manager);
        }
        if (r == -EEXIST)
                fputs(SD_ERR "Another varmord is running\n", stderr);
        else if (r >= 0)
                r = daemon_run(&d);
        if (r < 0 && r != -EEXIST)
                fprintf(stderr, SD_ERR "varmord ends: %s\n", strerror(-r));

        bus_free(d.bus);
        manager_free(d.manager);
        sd_event_unref(d.event);
        return r < 0 ? EXIT_FAILURE : r;
}

int main(int argc, char *argv[])
{
        enum { ARG_VERSION = 0x100, ARG_CHECK, ARG_REMOVE, ARG_EXPORT, ARG_BASE };
        static const struct option options[] = {
                {"help", no_argument, NULL, 'h'},
                {"version", no_argument, NULL, ARG_VERSION},
                {"check", no_argument, NULL, ARG_CHECK},
                {"remove", no_argument, NULL, ARG_REMOVE},
                {"export", required_argument, NULL, ARG_EXPORT},
                {"base", optional_argument, NULL, ARG_BASE},
                {0},
        };
        const char *format = NULL, *base = NULL;
        int c, action = 0;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                if (c == 'h')
                        return usage(stdout, EXIT_SUCCESS);
                if (c == ARG_VERSION) {
                        printf("varmord %s\n", VARMOR_VERSION);
                        return EXIT_SUCCESS;
                }
                if (c == ARG_BASE) {
                        base = optarg ?: EXPORT_BASE_FILE;
                        continue;
                }
                if (c == ARG_EXPORT)
                        format = optarg;
                if (c == '?' || (action != 0 && action != c))
                        return usage(stderr, EXIT_USAGE);
                action = c;
        }
        if (base && action != ARG_EXPORT)
                return usage(stderr, EXIT_USAGE);
        if (action == ARG_EXPORT)
                return optind + 1 == argc ? export(format, base, argv[optind]) : usage(stderr, EXIT_USAGE);
        if (action == ARG_CHECK)
                return check(argv + optind);
        if (optind < argc)
                return usage(stderr, EXIT_USAGE);
        return action == ARG_REMOVE ? remove_all() : run();
}
