/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a filter takes of each system call on this machine: none, ours, and libseccomp's, linear as container engines have it and
 * as a binary tree, of the same profile: that of containers, or one like it. The kernel remembers which calls a filter lets pass
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
#include "seccomp-engine.h"
#include "seccomp/compile.h"
#include "seccomp/filter.h"
#include "yaml-tree.h"

#define ROUNDS 31
#define CALLS 200000

typedef enum Kind { KIND_NONE, KIND_OURS, KIND_LINEAR, KIND_TREE, _KIND_MAX } Kind;
typedef enum Call { CALL_PLAIN, CALL_ARGS, CALL_DENIED, _CALL_MAX } Call;

static const char *const kind_names[] = {"no filter", "ours", "libseccomp, linear", "libseccomp, tree"};
static const char *const call_names[] = {"allowed", "allowed by its argument", "denied"};

/* As long as the real one: what 450 calls have in common with it is that most are allowed. */
static char *make_profile(void)
{
        GString *s = g_string_new("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 1, \"archMap\": [{\"architecture\": "
                                  "\"SCMP_ARCH_X86_64\", \"subArchitectures\": [\"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"]}], \"syscalls\": ["
                                  "{\"names\": [\"personality\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": "
                                  "4294967295, \"op\": \"SCMP_CMP_EQ\"}]}, {\"names\": [\"read\"");

        for (int nr = 1; nr < 450; nr++) {
                char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);

                if (name && nr % 7 != 3 && strcmp(name, "personality") != 0 && strcmp(name, "acct") != 0)
                        g_string_append_printf(s, ", \"%s\"", name);
                free(name);
        }
        g_string_append(s, "], \"action\": \"SCMP_ACT_ALLOW\"}]}");
        return g_string_free(s, FALSE);
}

static char *read_profile(void)
{
        char *json;

        if (g_file_get_contents("/usr/share/containers/seccomp.json", &json, NULL, NULL)) {
                printf("seccomp: /usr/share/containers/seccomp.json\n");
                return json;
        }
        printf("seccomp: a profile as long as that of containers\n");
        return make_profile();
}

static GArray *our_filter(const char *json, const SeccompHost *host)
{
        g_autoptr(Policy) p = policy_new();
        g_autoptr(GPtrArray) documents = NULL;
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Profile) profile = NULL;
        OpContext c = {.rules = p->rules, .allow_list = true, .prefix = "seccomp."};
        GArray *code = g_array_new(FALSE, FALSE, sizeof(struct sock_filter));
        const char *bytes;
        bool complete;

        p->full_name = g_strdup("bench");
        p->mode = MODE_DEFENSE_IN_DEPTH;
        p->depth[ENFORCER_SECCOMP].type = PROFILE_CUSTOM;
        if (yaml_parse(json, strlen(json), "bench.json", &documents, &complete, d) < 0)
                g_error("no profile");
        ops_parse_seccomp_profile(documents->pdata[0], "customProfile", &p->depth[ENFORCER_SECCOMP], &c, d);
        if (seccomp_compile_for(p, host, &profile, d) < 0)
                g_error("not compiled");
        bytes = g_bytes_get_data(profile->blob, NULL);
        g_array_append_vals(code, bytes + sizeof(FilterHeader), profile->n_states);
        return code;
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
static bool run_round(GArray *const filters[_KIND_MAX], unsigned round, double (*results)[_CALL_MAX][ROUNDS])
{
        for (Kind k = 0; k < _KIND_MAX; k++) {
                int status;
                pid_t pid = fork();

                if (pid == 0) {
                        if (filters[k] && load(filters[k]) < 0)
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

int main(void)
{
        const SeccompHost host = seccomp_host();
        g_autofree char *json = read_profile();
        GArray *filters[_KIND_MAX] = {NULL, our_filter(json, &host), engine_filter(json, host.kernel, false),
                                      engine_filter(json, host.kernel, true)};
        double (*results)[_CALL_MAX][ROUNDS] = mmap(NULL, sizeof(double[_KIND_MAX][_CALL_MAX][ROUNDS]), PROT_READ | PROT_WRITE,
                                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (results == MAP_FAILED)
                return 1;
        for (unsigned round = 0; round < ROUNDS; round++)
                if (!run_round(filters, round, results)) {
                        printf("  no filter can be loaded here\n");
                        return 77;
                }
        for (Kind k = 0; k < _KIND_MAX; k++) {
                printf("  %-20s %4u instructions:", kind_names[k], filters[k] ? filters[k]->len : 0);
                for (Call c = 0; c < _CALL_MAX; c++) {
                        qsort(results[k][c], ROUNDS, sizeof(double), compare);
                        printf("%s %s %.0f ns", c > 0 ? "," : "", call_names[c], results[k][c][ROUNDS / 2]);
                }
                printf("\n");
        }
        return 0;
}
