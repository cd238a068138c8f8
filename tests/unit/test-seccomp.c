/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Filters: the same verdicts as OCI's semantics, as libseccomp's where that is right, and as the kernel's. */

#include <errno.h>
#include <glib.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy-load.h"
#include "seccomp-reference.h"
#include "seccomp/compile.h"
#include "seccomp/emit.h"
#include "seccomp/filter.h"
#include "seccomp/interpret.h"
#include "seccomp/rule-table.h"
#include "seccomp/syscalls.h"
#include "util.h"

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
                for (guint i = 0; i < p->rules->len; i++)
                        g_assert_cmphex(verdict_of_rule(p, i, data), >=, reference_covers(p, data) ? SECCOMP_RET_ALLOW : 0);
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

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/seccomp/random", test_random);
        return g_test_run();
}
