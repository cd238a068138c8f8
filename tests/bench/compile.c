/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What policies of 1 to 10 000 patterns cost: time of each step from YAML to bundle, states, bytes of the table, memory. Times
 * are the process's own, so other processes disturb them little.
 * Arguments: conf/ of the source tree; optionally the numbers of patterns. */

#include <ftw.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf/compile.h"
#include "loader.h"
#include "policy-load.h"
#include "usr-paths.h"

typedef enum Kind {
        KIND_NAMES, /* exact */
        KIND_MIXED, /* one in four a directory, one in four files by ending */
        KIND_BUILT_IN, /* exact, and built-in rules that hold in every directory */
        _KIND_MAX,
} Kind;

static const char *const kinds[] = {"exact names", "names, /**, *.x", "names, built-in"};

static double cpu_sec(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void append_rule(GString *s, Kind kind, guint i, const char *path)
{
        g_autofree char *p = pattern_of(path);
        char *slash = strrchr(p, '/'), *dot = strrchr(slash, '.');

        if (kind == KIND_MIXED && i % 4 == 1)
                strcpy(slash, "/**"); /* a name is longer, or the path matches as it is */
        g_string_append_printf(s, "        - {pattern: \"");
        for (const char *c = p; *c; c++) {
                if (kind == KIND_MIXED && i % 4 == 3 && dot && c == slash + 1) {
                        g_string_append_c(s, '*');
                        c = dot;
                }
                if (strchr("\\\"", *c))
                        g_string_append_c(s, '\\');
                g_string_append_c(s, *c);
        }
        g_string_append(s, "\", permissions: [read], qualifiers: [deny]}\n");
}

static char *make_policy(Kind kind, guint n)
{
        GString *s = g_string_new("apiVersion: crd.varmor.org/v1beta1\n"
                                  "kind: VarmorClusterPolicy\n"
                                  "metadata: {name: bench}\n"
                                  "spec:\n"
                                  "  target: {kind: Service, name: bench.service}\n"
                                  "  policy:\n"
                                  "    enforcer: BPF\n"
                                  "    mode: EnhanceProtect\n"
                                  "    enhanceProtect:\n"
                                  "      privileged: true\n");
        g_autoptr(GPtrArray) paths = usr_paths(n);

        if (kind == KIND_BUILT_IN)
                g_string_append(s, "      hardeningRules: [disallow-access-kallsyms]\n"
                                   "      attackProtectionRules: [{rules: [disable-access-ssh-dir, "
                                   "block-access-to-container-runtime]}]\n");
        g_string_append(s, "      bpfRawRules:\n        files:\n");
        for (guint i = 0; i < paths->len; i++)
                append_rule(s, kind, i, paths->pdata[i]);
        return g_string_free(s, FALSE);
}

static void put(const char *root, const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(root, name, NULL), *dir = g_path_get_dirname(path);

        if (g_mkdir_with_parents(dir, 0755) < 0 || !g_file_set_contents(path, text, -1, NULL))
                g_error("%s cannot be written", path);
        (void)chmod(path, 0644);
}

static void copy_file(const char *root, const char *conf, const char *name)
{
        g_autofree char *from = g_build_filename(conf, name, NULL), *to = g_build_filename("usr/lib/varmor", name, NULL);
        g_autofree char *text = NULL;

        if (!g_file_get_contents(from, &text, NULL, NULL))
                g_error("%s cannot be read", from);
        put(root, to, text);
}

static void copy_catalogue(const char *root, const char *conf)
{
        g_autofree char *rules = g_build_filename(conf, "rules.d", NULL);
        g_autoptr(GDir) dir = g_dir_open(rules, 0, NULL);
        const char *name;

        copy_file(root, conf, "essential.yaml");
        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *file = g_build_filename("rules.d", name, NULL);

                copy_file(root, conf, file);
        }
}

static void report_errors(const Diag *d)
{
        for (guint i = 0; i < d->messages->len && i < 3; i++)
                printf("    %.300s\n", ((DiagMessage *)d->messages->pdata[i])->text);
}

/* Runs in a child of its own, so that memory is that of this policy alone. */
static void measure(const char *root, Kind kind, guint n)
{
        LoadParams params = {.roots = {.root = root, .owner = getuid()}};
        const EnforcerOps ops = {.name = "bpf", .kind = ENFORCER_BPF, .kinds = BPF_KINDS, .modes = BPF_MODES,
                                 .compile = bpf_compile};
        const EnforcerOps *const enforcers[] = {&ops, NULL};
        const LoaderJob job = {.root = root, .enforcers = enforcers};
        LoadResult *loaded;
        const LoadedPolicy *policy;
        Profile *profile = NULL;
        g_autoptr(Diag) d = diag_new();
        double before = cpu_sec(), after_load, after_compile, after_bundle;
        struct rusage use;
        GVariant *v;
        int r;

        params.can[ENFORCER_BPF] = (EnforcerAbility){.kinds = BPF_KINDS, .modes = BPF_MODES};
        loaded = policy_load_all(&params);
        after_load = cpu_sec();
        if (loaded->policies->len != 1 || !((LoadedPolicy *)loaded->policies->pdata[0])->policy) {
                printf("  %-16s %6u  not a policy\n", kinds[kind], n);
                report_errors(loaded->diag);
                for (guint i = 0; i < loaded->policies->len; i++)
                        report_errors(((LoadedPolicy *)loaded->policies->pdata[i])->diag);
                return;
        }
        policy = loaded->policies->pdata[0];
        r = bpf_compile(policy->policy, &profile, d);
        after_compile = cpu_sec();
        if (r < 0) {
                printf("  %-16s %6u %8.3f %9.3f   refused:\n", kinds[kind], n, after_load - before, after_compile - after_load);
                report_errors(d);
                return;
        }
        v = bundle_to_variant(bundle_build(&job));
        after_bundle = cpu_sec();
        (void)getrusage(RUSAGE_SELF, &use);
        printf("  %-16s %6u %8.3f %9.3f %9.3f %8u %9.1f %9.1f %8.1f\n", kinds[kind], n, after_load - before,
               after_compile - after_load, after_bundle - after_compile, profile->n_states,
               (double)profile->table_bytes / 1024, (double)g_variant_get_size(v) / 1024, (double)use.ru_maxrss / 1024);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

/* @n policies of one rule each, each for a unit of its own. */
static void measure_policies(const char *conf, guint n)
{
        const EnforcerOps ops = {.name = "bpf", .kind = ENFORCER_BPF, .kinds = BPF_KINDS, .modes = BPF_MODES,
                                 .compile = bpf_compile};
        const EnforcerOps *const enforcers[] = {&ops, NULL};
        g_autofree char *root = g_dir_make_tmp("varmor-bench-XXXXXX", NULL);
        const LoaderJob job = {.root = root, .enforcers = enforcers};
        g_autoptr(Bundle) b = NULL;
        guint n_valid = 0;
        double before;

        if (!root)
                g_error("no temporary directory");
        (void)chmod(root, 0755);
        copy_catalogue(root, conf);
        for (guint i = 0; i < n; i++) {
                g_autofree char *text = make_policy(KIND_NAMES, 1), *name = NULL;
                g_auto(GStrv) parts = g_strsplit(text, "bench", -1);
                g_autofree char *unit = g_strdup_printf("bench-%u", i), *own = g_strjoinv(unit, parts);

                name = g_strdup_printf("etc/varmor/policies.d/%s.yaml", unit);
                put(root, name, own);
        }
        before = cpu_sec();
        b = bundle_build(&job);
        for (guint i = 0; i < b->policies->len; i++)
                n_valid += ((BundlePolicy *)b->policies->pdata[i])->valid;
        printf("  %6u policies (%u good): %8.3f s, targets %9.1f KiB\n", n, n_valid, cpu_sec() - before,
               b->targets ? (double)g_bytes_get_size(b->targets) / 1024 : 0.0);
        report_errors(b->diag);
        (void)nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void measure_apart(const char *conf, Kind kind, guint n)
{
        g_autofree char *root = g_dir_make_tmp("varmor-bench-XXXXXX", NULL), *text = make_policy(kind, n);
        pid_t child;
        int status;

        if (!root)
                g_error("no temporary directory");
        (void)chmod(root, 0755);
        copy_catalogue(root, conf);
        put(root, "etc/varmor/policies.d/bench.yaml", text);
        fflush(stdout);
        child = fork();
        if (child == 0) {
                measure(root, kind, n);
                fflush(stdout);
                _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
                printf("  %-16s %6u  the measurement ended with status %#x\n", kinds[kind], n, child < 0 ? 0 : status);
        (void)nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
        static const guint usual[] = {1, 10, 100, 1000, 10000}, many[] = {1, 10, 100, 200, 1000};

        if (argc < 2) {
                fprintf(stderr, "Usage: %s CONF-DIR [PATTERNS...]\n", argv[0]);
                return 2;
        }
        (void)umask(022);
        printf("From YAML to table: seconds of CPU; KiB of table and of the whole bundle; MiB resident at most\n"
               "  %-16s %6s %8s %9s %9s %8s %9s %9s %8s\n", "patterns", "number", "load", "compile", "all again", "states", "table",
               "bundle", "memory");
        for (Kind kind = 0; kind < _KIND_MAX; kind++)
                for (int i = 0; i < (argc > 2 ? argc - 2 : (int)G_N_ELEMENTS(usual)); i++)
                        measure_apart(argv[1], kind, argc > 2 ? (guint)strtoul(argv[i + 2], NULL, 10) : usual[i]);
        printf("Many policies, each for a unit of its own\n");
        for (unsigned i = 0; i < G_N_ELEMENTS(many); i++)
                measure_policies(argv[1], many[i]);
        return 0;
}
