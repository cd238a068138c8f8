/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Filters: the same verdicts as OCI's semantics, as libseccomp's where that is right, and as the kernel's. */

#include <errno.h>
#include <glib.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy-ops.h"
#include "seccomp-engine.h"
#include "seccomp-reference.h"
#include "seccomp/compile.h"
#include "seccomp/emit.h"
#include "seccomp/filter.h"
#include "seccomp/interpret.h"
#include "seccomp/rule-table.h"
#include "seccomp/syscalls.h"
#include "seccomp/store.h"
#include "util.h"
#include "yaml-tree.h"

static const SeccompHost host = {.native = ARCH_X86_64, .kernel = {6, 1}};

static Profile *compile(const Policy *p)
{
        g_autoptr(Diag) d = diag_new();
        Profile *profile = NULL;

        g_assert_cmpint(seccomp_compile_for(p, &host, &profile, d), ==, 0);
        g_assert_cmpuint(d->n_errors, ==, 0);
        g_assert_cmpuint(profile->why_not->len, ==, p->rules->len);
        return profile;
}

static uint32_t run(const Profile *p, const struct seccomp_data *data)
{
        uint32_t ret = 0;

        g_assert_cmpint(seccomp_ret_of(p->blob, data, &ret), ==, 0);
        return ret;
}

/* ---- random policies ------------------------------------------------------------------------------------------------- */

#define POLICIES 1000
#define CALLS 300

/* What the rule alone makes of the call. */
static uint32_t verdict_of_rule(const Policy *p, uint32_t rule, const struct seccomp_data *data)
{
        g_autoptr(Policy) alone = policy_new();

        alone->mode = p->mode;
        alone->privileged = true;
        alone->audit_violations = p->audit_violations;
        alone->allow_violations = p->allow_violations;
        alone->depth[ENFORCER_SECCOMP] = p->depth[ENFORCER_SECCOMP];
        alone->depth[ENFORCER_SECCOMP].action = SYSCALL_ALLOW;
        g_ptr_array_add(alone->rules, rule_dup(p->rules->pdata[rule]));
        return reference_verdict(alone, host.kernel, data);
}

/* The rule that is named does what the filter did; without arguments, it is among those that are named. */
static void check_named(const Policy *p, const Profile *profile, const struct seccomp_data *data, uint32_t ret)
{
        SeccompCall call = {.nr = (uint32_t)data->nr, .arch = data->arch, .action = ret, .args = (const uint64_t *)data->args};
        g_auto(SeccompAnswer) exact = {0}, candidates = {0};
        bool found = false;

        g_assert_true(seccomp_explain(profile->blob, &call, &exact));
        g_assert_cmpuint(exact.rules->len, <=, 1);
        g_assert_cmpint(exact.told, ==, ret >> 16 != SECCOMP_RET_LOG >> 16 ? ACTION_DENIED : exact.told);
        call.args = NULL;
        g_assert_true(seccomp_explain(profile->blob, &call, &candidates));
        for (guint i = 0; exact.rules->len == 1 && i < candidates.rules->len; i++)
                found |= g_array_index(candidates.rules, uint32_t, i) == g_array_index(exact.rules, uint32_t, 0);
        if (exact.rules->len == 0) {
                /* Of a profile, what says the same as the default does not count. */
                for (guint i = 0; i < p->rules->len && reference_covers(p, data); i++)
                        if (!((const Rule *)p->rules->pdata[i])->syscall.in_profile)
                                g_assert_cmphex(verdict_of_rule(p, i, data), ==, SECCOMP_RET_ALLOW);
                return;
        }
        g_assert_true(found);
        g_assert_cmphex(verdict_of_rule(p, g_array_index(exact.rules, uint32_t, 0), data), ==, ret);
        call.action = ret ^ 0x10000;
        g_clear_pointer(&exact.rules, g_array_unref);
        call.args = (const uint64_t *)data->args;
        g_assert_false(seccomp_explain(profile->blob, &call, &exact));
}

static void test_random(void)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(7);
        unsigned blocked = 0, named = 0;

        for (unsigned i = 0; i < POLICIES; i++) {
                g_autoptr(Policy) p = random_policy(rand);
                g_autoptr(Profile) profile = compile(p);
                bool empty = g_bytes_get_size(profile->blob) == 0;

                for (unsigned c = 0; c < CALLS; c++) {
                        struct seccomp_data data;
                        uint32_t want, got;

                        random_call(rand, p, &data);
                        want = reference_verdict(p, host.kernel, &data);
                        got = run(profile, &data);
                        /* Where nothing is denied, there is no filter, and no ABI is strange to it. */
                        if (got != want && !(empty && !reference_covers(p, &data))) {
                                g_autofree char *dump = policy_dump(p);

                                g_error("policy %u, call %d of %x (%llx %llx %llx): %x, not %x:\n%s", i, data.nr, data.arch,
                                        data.args[0], data.args[1], data.args[2], got, want, dump);
                        }
                        blocked += got < SECCOMP_RET_LOG;
                        if (c % 8 == 0 && got < SECCOMP_RET_ALLOW) {
                                check_named(p, profile, &data, got);
                                named++;
                        }
                }
        }
        g_assert_cmpuint(blocked, >, POLICIES * CALLS / 10);
        g_assert_cmpuint(blocked, <, POLICIES * CALLS * 9 / 10);
        g_assert_cmpuint(named, >, 3000);
}

/* ---- profiles of container engines --------------------------------------------------------------------------------------- */

static Policy *read_profile(const char *json)
{
        g_autoptr(Diag) d = diag_new();
        g_autoptr(GPtrArray) documents = NULL;
        Policy *p = policy_new();
        bool complete;
        OpContext c = {.rules = p->rules, .allow_list = true, .prefix = "seccomp."};

        g_assert_cmpint(yaml_parse(json, strlen(json), "profile.json", &documents, &complete, d), ==, 0);
        g_assert_cmpuint(documents->len, ==, 1);
        p->full_name = g_strdup("profile");
        p->mode = MODE_DEFENSE_IN_DEPTH;
        p->depth[ENFORCER_SECCOMP].type = PROFILE_CUSTOM;
        ops_parse_seccomp_profile(documents->pdata[0], "customProfile", &p->depth[ENFORCER_SECCOMP], &c, d);
        g_assert_cmpuint(d->n_errors, ==, 0);
        return p;
}

static uint64_t some_arg(GRand *rand, const Policy *p)
{
        static const uint64_t plain[] = {0, 1, 2, 38, 39, 40, 41, 64, 0x41, 511, 4096, UINT32_MAX, 0x100000000, UINT64_MAX};

        if (p->rules->len > 0 && g_rand_boolean(rand)) {
                const Rule *r = p->rules->pdata[g_rand_int_range(rand, 0, (int)p->rules->len)];

                if (r->syscall.args)
                        return g_array_index(r->syscall.args, SyscallArg, g_rand_int_range(rand, 0, (int)r->syscall.args->len)).value +
                               (uint64_t)g_rand_int_range(rand, -1, 2);
        }
        return plain[g_rand_int_range(rand, 0, G_N_ELEMENTS(plain))];
}

/* What only we know, libseccomp cannot put into a filter. */
static bool is_newer(uint32_t arch, uint32_t nr)
{
        char *ours = syscall_name(arch, nr);
        int theirs = ours ? seccomp_syscall_resolve_name(ours) : 0;

        free(ours);
        return theirs == __NR_SCMP_ERROR;
}

/* Every number of every ABI, each with several sets of arguments. Return: how many were not let pass. */
static unsigned compare_with_engine(const char *json)
{
        static const struct {
                uint32_t arch, base;
                bool narrow;
        } abis[] = {{AUDIT_ARCH_X86_64, 0, false}, {AUDIT_ARCH_I386, 0, true}, {AUDIT_ARCH_X86_64, X32_SYSCALL_BIT, true}, {AUDIT_ARCH_AARCH64, 0, false}};
        g_autoptr(GRand) rand = g_rand_new_with_seed(11);
        g_autoptr(GArray) theirs = engine_filter(json, host.kernel, false);
        g_autoptr(Policy) p = read_profile(json);
        g_autoptr(Profile) ours = compile(p);
        unsigned blocked = 0;

        for (size_t a = 0; a < G_N_ELEMENTS(abis); a++)
                for (uint32_t nr = 0; nr < 620; nr++)
                        for (unsigned i = 0; i < 40 && !is_newer(abis[a].arch, abis[a].base + nr); i++) {
                                struct seccomp_data data = {.nr = (int)(abis[a].base + nr), .arch = abis[a].arch};
                                uint32_t want, got;

                                for (size_t n = 0; n < G_N_ELEMENTS(data.args); n++)
                                        data.args[n] = abis[a].narrow ? (uint32_t)some_arg(rand, p) : some_arg(rand, p);
                                want = filter_run((const struct sock_filter *)theirs->data, theirs->len, &data);
                                got = run(ours, &data);
                                if (got != want)
                                        g_error("call %u of %x (%llx %llx %llx): %x, not %x", data.nr, data.arch, data.args[0],
                                                data.args[1], data.args[2], got, want);
                                blocked += got < SECCOMP_RET_LOG;
                        }
        g_test_message("%u instructions of libseccomp, %u of ours", theirs->len, ours->n_states);
        return blocked;
}

static void test_engine(void)
{
        static const char *const files[] = {"allow-list.json", "deny-list.json", "arguments.json", "order.json", "wide.json"};

        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *path = g_test_build_filename(G_TEST_DIST, "seccomp", files[i], NULL), *json = NULL;

                g_assert_true(g_file_get_contents(path, &json, NULL, NULL));
                g_test_message("%s", files[i]);
                g_assert_cmpuint(compare_with_engine(json), >, 100);
        }
}

static void test_engine_default(void)
{
        g_autofree char *json = engine_default_profile();

        if (json)
                g_assert_cmpuint(compare_with_engine(json), >, 1000);
        else
                g_test_skip(ENGINE_DEFAULT_MISSING);
}

/* ---- the kernel ----------------------------------------------------------------------------------------------------------------- */

/* Calls that no kernel has: what a filter lets pass comes back as ENOSYS. */
#define NONE_64 183 /* afs_syscall */
#define NONE_32 137

static long call_32(const __u64 *a)
{
#ifdef __x86_64__
        int r;

        __asm__ volatile("int $0x80"
                         : "=a"(r)
                         : "a"(NONE_32), "b"(a[0]), "c"(a[1]), "d"(a[2])
                         : "memory", "r8", "r9", "r10", "r11");
        return r;
#else
        return -ENOSYS;
#endif
}

static Policy *kernel_policy(GRand *rand)
{
        Policy *p = policy_new();
        int n = g_rand_int_range(rand, 1, 5);

        p->full_name = g_strdup("kernel");
        p->mode = MODE_ENHANCE_PROTECT;
        p->privileged = true;
        for (int i = 0; i < n; i++) {
                Rule *r = rule_new(OP_SYSCALL);

                r->id = g_strdup("r");
                r->qualifiers = RULE_DENY;
                r->syscall.names = g_strsplit("afs_syscall", " ", -1);
                r->syscall.action = SYSCALL_ERRNO;
                r->syscall.errno_ret = 60 + i;
                r->syscall.args = g_array_new(FALSE, FALSE, sizeof(SyscallArg));
                for (int a = g_rand_int_range(rand, 1, 4); a > 0; a--) {
                        SyscallArg arg = {.index = (uint32_t)g_rand_int_range(rand, 0, 3), .value = some_arg(rand, p),
                                          .value_two = some_arg(rand, p), .op = (SyscallCompare)g_rand_int_range(rand, 0, _SYSCALL_COMPARE_MAX)};

                        g_array_append_val(r->syscall.args, arg);
                }
                g_ptr_array_add(p->rules, r);
        }
        return p;
}

static int as_errno(uint32_t ret)
{
        return ret == SECCOMP_RET_ALLOW ? ENOSYS : (int)(ret & SECCOMP_RET_DATA);
}

/* In a child: exit status 0, 1 (different), 77 (no filters here). */
static int compare_with_kernel(GRand *rand, const Policy *p, const Profile *profile, bool with_32)
{
        const char *bytes = g_bytes_get_data(profile->blob, NULL);
        g_autofree struct sock_filter *code = NULL;
        struct sock_fprog program;
        FilterHeader h = {0};

        if (filter_check(bytes, g_bytes_get_size(profile->blob), &h) < 0)
                return 1;
        code = g_memdup2(bytes + sizeof(h), h.n_insns * sizeof(*code));
        program = (struct sock_fprog){.len = (unsigned short)h.n_insns, .filter = code};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
                return errno == EINVAL || errno == EFAULT ? 1 : 77;
        for (unsigned i = 0; i < 200; i++) {
                struct seccomp_data data = {.nr = NONE_64, .arch = AUDIT_ARCH_X86_64};
                long r;

                for (size_t n = 0; n < 3; n++)
                        data.args[n] = some_arg(rand, p);
                r = syscall(NONE_64, data.args[0], data.args[1], data.args[2], 0, 0, 0);
                if ((r < 0 ? errno : 0) != as_errno(run(profile, &data)))
                        return 1;
                if (!with_32)
                        continue;
                data.nr = NONE_32;
                data.arch = AUDIT_ARCH_I386;
                for (size_t n = 0; n < 3; n++)
                        data.args[n] &= UINT32_MAX;
                if (-call_32(data.args) != as_errno(run(profile, &data)))
                        return 1;
        }
        return 0;
}

static int in_child(GRand *rand, const Policy *p, const Profile *profile, bool with_32)
{
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(p ? compare_with_kernel(rand, p, profile, with_32) : (int)call_32((const __u64[3]){0}) != -ENOSYS);
        g_assert_cmpint(pid, >, 0);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void test_kernel(void)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(5);
        bool with_32 = in_child(rand, NULL, NULL, true) == 0;

        if (seccomp_host().native != ARCH_X86_64) {
                g_test_skip("for x86_64");
                return;
        }
        if (!with_32)
                g_test_message("this kernel has no 32-bit calls");
        for (unsigned i = 0; i < 100; i++) {
                g_autoptr(Policy) p = kernel_policy(rand);
                g_autoptr(Profile) profile = compile(p);
                int r = g_bytes_get_size(profile->blob) > 0 ? in_child(rand, p, profile, with_32) : 0;

                (void)g_rand_int(rand);
                if (r == 77) {
                        g_test_skip("no filters can be loaded here");
                        return;
                }
                if (r != 0) {
                        g_autofree char *dump = policy_dump(p);

                        g_error("policy %u, exit status %d:\n%s", i, r, dump);
                }
        }
}

/* ---- what else there is to a profile ----------------------------------------------------------------------------------------- */

static Policy *deny_policy(const char *entries)
{
        g_autoptr(Diag) d = diag_new();
        g_autoptr(GPtrArray) documents = NULL;
        Policy *p = policy_new();
        bool complete;
        OpContext c = {.rules = p->rules};

        g_assert_cmpint(yaml_parse(entries, strlen(entries), "entries.yaml", &documents, &complete, d), ==, 0);
        p->full_name = g_strdup("deny");
        p->mode = MODE_ENHANCE_PROTECT;
        p->privileged = true;
        ops_parse_syscalls(documents->pdata[0], "syscallRawRules", &c, d);
        g_assert_cmpuint(d->n_errors, ==, 0);
        return p;
}

static uint32_t flags_of(const Profile *p)
{
        gsize size;
        const void *bytes = g_bytes_get_data(p->blob, &size);
        FilterHeader h = {0};

        g_assert_cmpint(filter_check(bytes, size, &h), ==, 0);
        g_assert_cmpuint(filter_n_loud(&h), ==, p->n_states);
        return h.flags;
}

static void test_flags(void)
{
        g_autoptr(Policy) prctl_policy = deny_policy("[{names: [prctl], action: SCMP_ACT_ERRNO, args: [{index: 0, value: 4, op: SCMP_CMP_EQ}]}]");
        g_autoptr(Policy) plain = deny_policy("[{names: [ptrace], action: SCMP_ACT_ERRNO}]");
        g_autoptr(Policy) logging = deny_policy("[{names: [ptrace], action: SCMP_ACT_ERRNO}]");
        g_autoptr(Policy) list = read_profile("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": [\"execve\", \"prctl\"], "
                                              "\"action\": \"SCMP_ACT_ALLOW\"}]}");
        g_autoptr(Profile) a = compile(prctl_policy), b = compile(plain), c = NULL, e = compile(list);

        logging->audit_violations = true;
        c = compile(logging);
        g_assert_cmpuint(flags_of(a), ==, FILTER_BLOCKS_SECCOMP);
        g_assert_cmpuint(flags_of(b), ==, 0);
        g_assert_cmpuint(flags_of(c), ==, FILTER_LOG);
        g_assert_cmpuint(flags_of(e), ==, FILTER_LOG | FILTER_BLOCKS_SECCOMP);
}

static void test_why_not(void)
{
        g_autoptr(Policy) p = deny_policy("[{names: [ptrace], action: SCMP_ACT_ERRNO}, {names: [ptrac, xyz], action: SCMP_ACT_ERRNO},"
                                          " {names: [ptrac, mount], action: SCMP_ACT_ERRNO},"
                                          " {names: [acct], action: SCMP_ACT_ERRNO, includes: {caps: [sys_admin]}}]");
        g_autoptr(Profile) profile = NULL;
        g_autoptr(Diag) d = diag_new();
        struct seccomp_data data = {.nr = SYS_acct, .arch = AUDIT_ARCH_X86_64};

        ((Rule *)p->rules->pdata[0])->targets = g_strsplit("/usr/bin/x", " ", -1);
        g_assert_cmpint(seccomp_compile_for(p, &host, &profile, d), ==, 0);
        g_assert_nonnull(strstr(profile->why_not->pdata[0], "targets"));
        g_assert_nonnull(strstr(profile->why_not->pdata[1], "no system call"));
        g_assert_null(profile->why_not->pdata[2]);
        g_assert_null(profile->why_not->pdata[3]);
        g_assert_cmpuint(d->n_warnings, ==, 2);
        g_assert_cmphex(run(profile, &data), ==, SECCOMP_RET_ALLOW);
        data.nr = SYS_mount;
        g_assert_cmphex(run(profile, &data), ==, SECCOMP_RET_ERRNO | EPERM);
        data.nr = SYS_ptrace;
        g_assert_cmphex(run(profile, &data), ==, SECCOMP_RET_ALLOW);

        p->mode = MODE_ALWAYS_ALLOW;
        g_clear_pointer(&profile, profile_free);
        g_assert_cmpint(seccomp_compile_for(p, &host, &profile, d), ==, 0);
        g_assert_cmpuint(g_bytes_get_size(profile->blob), ==, 0);
        g_assert_nonnull(profile->why_not->pdata[2]);
        p->mode = MODE_ENHANCE_PROTECT;
        p->privileged = false;
        g_clear_pointer(&profile, profile_free);
        g_assert_cmpint(seccomp_compile_for(p, &host, &profile, d), ==, 0);
        g_assert_cmpuint(g_bytes_get_size(profile->blob), ==, 0);
        g_assert_nonnull(strstr(profile->why_not->pdata[2], "RuntimeDefault"));
}

/* So many different conditions that no filter can hold them. */
static void test_too_big(void)
{
        g_autoptr(Policy) p = policy_new();
        g_autoptr(Diag) d = diag_new();
        Profile *profile = NULL;

        p->full_name = g_strdup("big");
        p->mode = MODE_ENHANCE_PROTECT;
        p->privileged = true;
        for (uint64_t i = 0; i < 2000; i++) {
                Rule *r = rule_new(OP_SYSCALL);
                SyscallArg a = {.op = SYSCALL_EQ, .value = i << 30};

                r->id = g_strdup_printf("r%" G_GUINT64_FORMAT, i);
                r->qualifiers = RULE_DENY;
                r->syscall.names = g_strsplit("chmod", " ", -1);
                r->syscall.action = SYSCALL_ERRNO;
                r->syscall.args = g_array_new(FALSE, FALSE, sizeof(SyscallArg));
                g_array_append_val(r->syscall.args, a);
                g_ptr_array_add(p->rules, r);
        }
        g_assert_cmpint(seccomp_compile_for(p, &host, &profile, d), ==, -E2BIG);
        g_assert_cmpuint(d->n_errors, ==, 1);
        g_assert_null(profile);
}

/* Long ways: targets out of reach of a conditional jump. */
static void test_long(void)
{
        g_autoptr(Policy) p = policy_new();
        g_autoptr(Profile) profile = NULL;

        p->full_name = g_strdup("long");
        p->mode = MODE_ENHANCE_PROTECT;
        p->privileged = true;
        for (uint32_t i = 0; i < 400; i++) {
                Rule *r = rule_new(OP_SYSCALL);
                SyscallArg a = {.op = SYSCALL_EQ, .value = (uint64_t)i << 32 | i};

                r->id = g_strdup_printf("r%u", i);
                r->qualifiers = RULE_DENY;
                r->syscall.names = g_strsplit(i % 2 ? "chmod" : "fchmod", " ", -1);
                r->syscall.action = SYSCALL_ERRNO;
                r->syscall.errno_ret = (int32_t)i % 7 + 1;
                r->syscall.args = g_array_new(FALSE, FALSE, sizeof(SyscallArg));
                g_array_append_val(r->syscall.args, a);
                g_ptr_array_add(p->rules, r);
        }
        profile = compile(p);
        g_assert_cmpuint(profile->n_states, >, 1000);
        for (uint32_t i = 0; i < 402; i++) {
                struct seccomp_data data = {.nr = i % 2 ? SYS_chmod : SYS_fchmod, .arch = AUDIT_ARCH_X86_64, .args = {(uint64_t)i << 32 | i}};

                g_assert_cmphex(run(profile, &data), ==, i < 400 ? SECCOMP_RET_ERRNO | (i % 7 + 1) : SECCOMP_RET_ALLOW);
                data.nr ^= SYS_chmod ^ SYS_fchmod;
                g_assert_cmphex(run(profile, &data), ==, SECCOMP_RET_ALLOW);
        }
}

static void test_names(void)
{
        g_assert_cmpint(syscall_number(ARCH_X86_64, "chmod"), ==, 90);
        g_assert_cmpint(syscall_number(ARCH_X86, "socket"), ==, 359);
        g_assert_cmpint(syscall_number(ARCH_X86, "accept"), <, 0);
        g_assert_cmpint(syscall_number(ARCH_X32, "mseal"), ==, X32_SYSCALL_BIT + 462);
        g_assert_cmpint(syscall_number(ARCH_MIPS64, "fchmodat2"), ==, 5452);
        g_assert_cmpint(syscall_number(ARCH_AARCH64, "chmod"), <, 0);
        g_assert_cmpint(syscall_number(ARCH_LOONGARCH64, "mseal"), ==, 462);
        g_assert_true(syscall_is_known("socketcall"));
        g_assert_true(syscall_is_known("listns"));
        g_assert_true(syscall_is_known("riscv_hwprobe"));
        g_assert_false(syscall_is_known("chmdo"));
        /* What this machine's headers have has a number, and a number its name. */
        for (uint32_t nr = 0; nr <= 462; nr++) {
                char *name = syscall_name(AUDIT_ARCH_X86_64, nr);

                if (name)
                        g_assert_cmpint(syscall_number(ARCH_X86_64, name), ==, nr);
                else
                        g_assert_true(nr > 334 && nr < 424);
                free(name);
        }
}

/* ---- the store ------------------------------------------------------------------------------------------------------------------ */

static void test_store(void)
{
        g_autofree char *root = g_dir_make_tmp("varmor-store-XXXXXX", NULL), *file = NULL;
        g_autoptr(Policy) p = deny_policy("[{names: [ptrace], action: SCMP_ACT_ERRNO}]");
        g_autoptr(Policy) q = deny_policy("[{names: [mount], action: SCMP_ACT_ERRNO}]");
        g_autoptr(Profile) one = compile(p), two = compile(q);
        g_autoptr(FilterStore) s = NULL;
        g_autoptr(GBytes) blob = NULL;
        char digest[65];

        g_assert_cmpint(store_open(root, &s), ==, 0);
        g_assert_cmpint(store_put(s, "a", one->digest, one->blob), ==, 0);
        g_assert_cmpint(store_put(s, "system.slice+b", one->digest, one->blob), ==, 0);
        g_assert_cmpint(store_find(s, "a", digest), ==, 0);
        g_assert_cmpstr(digest, ==, one->digest);
        g_assert_cmpint(store_read(s, "system.slice+b", &blob), ==, 0);
        g_assert_true(g_bytes_equal(blob, one->blob));

        /* Another one; the old one stays as long as a name leads there, and some seconds more. */
        g_assert_cmpint(store_put(s, "a", two->digest, two->blob), ==, 0);
        file = g_strconcat(root, FILTER_FILES_DIR "/", one->digest, NULL);
        store_tidy(s, 0);
        store_tidy(s, 60 * G_USEC_PER_SEC);
        g_assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
        g_assert_cmpint(store_drop(s, "system.slice+b"), ==, 0);
        g_assert_cmpint(store_drop(s, "system.slice+b"), ==, 0);
        store_tidy(s, 100 * G_USEC_PER_SEC);
        store_tidy(s, 105 * G_USEC_PER_SEC);
        g_assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
        store_tidy(s, 111 * G_USEC_PER_SEC);
        g_assert_false(g_file_test(file, G_FILE_TEST_EXISTS));

        /* A damaged one is none, and is mended. */
        g_clear_pointer(&file, g_free);
        file = g_strconcat(root, FILTER_FILES_DIR "/", two->digest, NULL);
        g_assert_true(g_file_set_contents(file, "vaseccmp", -1, NULL));
        g_assert_cmpint(store_find(s, "a", digest), ==, 0);
        g_assert_cmpstr(digest, ==, "");
        g_assert_cmpint(store_put(s, "a", two->digest, two->blob), ==, 0);
        g_assert_cmpint(store_find(s, "a", digest), ==, 0);
        g_assert_cmpstr(digest, ==, two->digest);

        g_assert_cmpint(store_remove(s), ==, 0);
        g_assert_cmpint(store_find(s, "a", digest), ==, 0);
        g_assert_cmpstr(digest, ==, "");
        g_clear_pointer(&file, g_free);
        file = g_strconcat(root, "/run/varmor", NULL);
        g_assert_cmpint(rmdir(file), ==, 0);
        *strrchr(file, '/') = '\0';
        g_assert_cmpint(rmdir(file), ==, 0);
        g_assert_cmpint(rmdir(root), ==, 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/seccomp/random", test_random);
        g_test_add_func("/seccomp/engine", test_engine);
        g_test_add_func("/seccomp/engine-default", test_engine_default);
        g_test_add_func("/seccomp/kernel", test_kernel);
        g_test_add_func("/seccomp/flags", test_flags);
        g_test_add_func("/seccomp/why-not", test_why_not);
        g_test_add_func("/seccomp/too-big", test_too_big);
        g_test_add_func("/seccomp/long", test_long);
        g_test_add_func("/seccomp/names", test_names);
        g_test_add_func("/seccomp/store", test_store);
        return g_test_run();
}
