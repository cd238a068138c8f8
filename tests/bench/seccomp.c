/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a filter takes of each system call on this machine: none, ours, and libseccomp's, linear as container engines have it and
 * as a binary tree, of the same profile, that of Debian's container engine; and ours of the mode RuntimeDefault, with its second
 * filter, once as it is where nothing is reported. The kernel remembers which calls a filter lets pass
 * whatever their arguments are, and does not run it for them; so three kinds: such a call, one that depends on its arguments, and
 * one that is denied. Each filter in a child of its own, round by round; the figure is the median. */

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy-ops.h"
#include "policy-parse.h"
#include "seccomp-engine.h"
#include "seccomp/compile.h"
#include "seccomp/filter.h"
#include "yaml-tree.h"

#define ROUNDS 31
#define CALLS 200000

typedef enum Kind { KIND_NONE, KIND_DEFAULT, KIND_SILENT, KIND_OURS, KIND_LINEAR, KIND_TREE, _KIND_MAX } Kind;
typedef enum Call { CALL_PLAIN, CALL_ARGS, CALL_DENIED, _CALL_MAX } Call;

static const char *const kind_names[] = {"no filter", "RuntimeDefault", "RuntimeDefault, silent", "engine's, by varmor",
                                         "engine's, by libseccomp", "engine's, as a tree"};
static const char *const call_names[] = {"allowed", "allowed by its argument", "denied"};

/* A filter, and the one that is loaded after it. */
typedef struct Filters {
        GArray *one, *quiet; /* NULL: none */
} Filters;

static Filters filters_of(const Policy *p, const SeccompHost *host)
{
        g_autoptr(Profile) profile = NULL;
        g_autoptr(Diag) d = diag_new();
        Filters f = {g_array_new(FALSE, FALSE, sizeof(struct sock_filter)), NULL};
        FilterHeader h;
        const char *bytes;

        if (seccomp_compile_for(p, host, &profile, d) < 0)
                g_error("not compiled");
        bytes = g_bytes_get_data(profile->blob, NULL);
        memcpy(&h, bytes, sizeof(h));
        g_array_append_vals(f.one, bytes + sizeof(h), filter_n_loud(&h));
        if (h.n_quiet > 0) {
                f.quiet = g_array_new(FALSE, FALSE, sizeof(struct sock_filter));
                g_array_append_vals(f.quiet, bytes + sizeof(h) + filter_n_loud(&h) * sizeof(struct sock_filter), h.n_quiet);
        }
        return f;
}

static Filters default_filters(const char *rules_dir, bool audit, const SeccompHost *host)
{
        g_autofree char *path = g_build_filename(rules_dir, "rules.d", "runtime-default.yaml", NULL), *text = NULL;
        g_autoptr(Catalogue) c = catalogue_new();
        g_autoptr(Policy) p = policy_new();
        g_autoptr(Diag) d = diag_new();
        const NamedRule *named;
        gsize size;

        if (!g_file_get_contents(path, &text, &size, NULL))
                g_error("no rules");
        (void)catalogue_parse(c, text, size, "/usr/lib/varmor/rules.d/runtime-default.yaml", NULL, d);
        catalogue_seal(c);
        named = catalogue_find(c, RULE_ID_RUNTIME_DEFAULT);
        if (!named || policy_add_named(p, named, RULE_DEFAULT, NULL, NULL) < 0)
                g_error("no rule");
        p->full_name = g_strdup("bench");
        p->mode = MODE_RUNTIME_DEFAULT;
        p->audit_violations = audit;
        p->depth[ENFORCER_SECCOMP] = named->seccomp;
        return filters_of(p, host);
}

static Filters our_filter(const char *json, const SeccompHost *host)
{
        g_autoptr(Policy) p = policy_new();
        g_autoptr(GPtrArray) documents = NULL;
        g_autoptr(Diag) d = diag_new();
        OpContext c = {.rules = p->rules, .allow_list = true, .prefix = "seccomp."};
        bool complete;

        p->full_name = g_strdup("bench");
        p->mode = MODE_DEFENSE_IN_DEPTH;
        p->depth[ENFORCER_SECCOMP].type = PROFILE_CUSTOM;
        if (yaml_parse(json, strlen(json), "bench.json", &documents, &complete, d) < 0)
                g_error("no profile");
        ops_parse_seccomp_profile(documents->pdata[0], "customProfile", &p->depth[ENFORCER_SECCOMP], &c, d);
        return filters_of(p, host);
}

static int load(const GArray *code)
{
        struct sock_fprog program = {.len = (unsigned short)code->len, .filter = (struct sock_filter *)code->data};

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
                return -errno;
        return 0;
}

static double ns_per_call(Call which)
{
        struct timespec a, b;

        (void)clock_gettime(CLOCK_MONOTONIC, &a);
        for (unsigned i = 0; i < CALLS; i++)
                (void)(which == CALL_PLAIN  ? syscall(SYS_getppid)
                       : which == CALL_ARGS ? syscall(SYS_personality, 0xffffffff)
                                            : syscall(SYS_acct, "/no/such/file"));
        (void)clock_gettime(CLOCK_MONOTONIC, &b);
        return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / CALLS;
}

static int compare(const void *a, const void *b)
{
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

/* Return: false: no filter can be loaded here. */
static bool run_round(const Filters filters[_KIND_MAX], unsigned round, double (*results)[_CALL_MAX][ROUNDS])
{
        for (Kind k = 0; k < _KIND_MAX; k++) {
                int status;
                pid_t pid = fork();

                if (pid == 0) {
                        if ((filters[k].one && load(filters[k].one) < 0) || (filters[k].quiet && load(filters[k].quiet) < 0))
                                _exit(77);
                        for (Call c = 0; c < _CALL_MAX; c++)
                                results[k][c][round] = ns_per_call(c);
                        _exit(0);
                }
                if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
                        return false;
        }
        return true;
}

int main(int argc, char *argv[])
{
        const SeccompHost host = seccomp_host();
        g_autofree char *json = engine_default_profile();
        Filters filters[_KIND_MAX] = {0};
        double (*results)[_CALL_MAX][ROUNDS] = mmap(NULL, sizeof(double[_KIND_MAX][_CALL_MAX][ROUNDS]), PROT_READ | PROT_WRITE,
                                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (results == MAP_FAILED || argc < 2)
                return 1;
        if (!json) {
                printf("seccomp: " ENGINE_DEFAULT_MISSING "\n");
                return 77;
        }
        printf("seccomp\n");
        filters[KIND_DEFAULT] = default_filters(argv[1], true, &host);
        filters[KIND_SILENT] = default_filters(argv[1], false, &host);
        filters[KIND_OURS] = our_filter(json, &host);
        filters[KIND_LINEAR].one = engine_filter(json, host.kernel, false);
        filters[KIND_TREE].one = engine_filter(json, host.kernel, true);
        for (unsigned round = 0; round < ROUNDS; round++)
                if (!run_round(filters, round, results)) {
                        printf("  no filter can be loaded here\n");
                        return 77;
                }
        for (Kind k = 0; k < _KIND_MAX; k++) {
                printf("  %-24s %4u instructions:", kind_names[k],
                       (filters[k].one ? filters[k].one->len : 0) + (filters[k].quiet ? filters[k].quiet->len : 0));
                for (Call c = 0; c < _CALL_MAX; c++) {
                        qsort(results[k][c], ROUNDS, sizeof(double), compare);
                        printf("%s %s %.0f ns", c > 0 ? "," : "", call_names[c], results[k][c][ROUNDS / 2]);
                }
                printf("\n");
        }
        return 0;
}
