/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See seccomp-reference.h. For x86_64; it shares nothing with the compiler but the policy, and libseccomp's numbers. */

#include "seccomp-reference.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <string.h>

#define X32_BIT 0x40000000U

/* Numbers of i386 where libseccomp gives others, include/uapi/linux/net.h and ipc.h, and what is too new for it. */
static const struct {
        const char *name;
        int direct, by, sub;
        uint64_t mask;
} carried[] = {
        {"socket", 359, 102, 1, UINT32_MAX}, {"setsockopt", 366, 102, 14, UINT32_MAX}, {"accept", -1, 102, 5, UINT32_MAX},
        {"semget", 393, 117, 2, 0xffff}, {"shmat", 397, 117, 21, 0xffff},
};

static bool is_x32(const struct seccomp_data *data)
{
        return data->arch == AUDIT_ARCH_X86_64 && data->nr != -1 && (uint32_t)data->nr >= X32_BIT;
}

/* Whether @name is the call that @data makes; *@ret_carried: inside another one. */
static bool is_call(const char *name, const struct seccomp_data *data, bool *ret_carried)
{
        bool x32 = is_x32(data);
        uint32_t arch = x32 ? SCMP_ARCH_X32 : data->arch;
        int nr;

        *ret_carried = false;
        for (size_t i = 0; arch == AUDIT_ARCH_I386 && i < G_N_ELEMENTS(carried); i++) {
                if (strcmp(carried[i].name, name) != 0)
                        continue;
                *ret_carried = data->nr == carried[i].by && ((uint32_t)data->args[0] & carried[i].mask) == (uint64_t)carried[i].sub;
                return *ret_carried || (data->nr >= 0 && data->nr == carried[i].direct);
        }
        nr = strcmp(name, "mseal") == 0 ? 462 + (x32 ? (int)X32_BIT : 0) : seccomp_syscall_resolve_name_arch(arch, name);
        return nr >= 0 && nr == data->nr;
}

static bool one_holds(const SyscallArg *a, const struct seccomp_data *data)
{
        bool narrow = data->arch != AUDIT_ARCH_X86_64 || is_x32(data);
        uint64_t v = data->args[a->index], one = a->value, two = a->value_two;

        if (narrow) {
                v &= UINT32_MAX;
                /* What is negative in 64 bits is negative in 32. */
                if ((int64_t)one < 0 && (int64_t)one >= INT32_MIN)
                        one &= UINT32_MAX;
        }
        switch (a->op) {
        case SYSCALL_NE:
                return v != one;
        case SYSCALL_LT:
                return v < one;
        case SYSCALL_LE:
                return v <= one;
        case SYSCALL_EQ:
                return v == one;
        case SYSCALL_GE:
                return v >= one;
        case SYSCALL_GT:
                return v > one;
        default: /* on i386 the upper halves of mask and value are cut off; a value that is left with bits there never comes */
                if (!narrow)
                        return (v & a->value) == (two & a->value);
                if ((int64_t)two < 0 && (int64_t)two >= INT32_MIN)
                        two &= UINT32_MAX;
                return (v & a->value) == (two & a->value & UINT32_MAX);
        }
}

static bool all_hold(const GArray *args, const struct seccomp_data *data)
{
        for (uint32_t index = 0; args && index < 6; index++) {
                unsigned n = 0, holding = 0;

                for (guint i = 0; i < args->len; i++) {
                        const SyscallArg *a = &g_array_index(args, SyscallArg, i);

                        if (a->index != index)
                                continue;
                        n++;
                        holding += one_holds(a, data);
                }
                if (n > 0 && holding == 0)
                        return false;
        }
        return true;
}

static bool has_all_caps(uint64_t caps, bool any)
{
        static const int had[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_SETGID, CAP_SETUID,
                                  CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_NET_RAW, CAP_SYS_CHROOT, CAP_MKNOD, CAP_AUDIT_WRITE,
                                  CAP_SETFCAP};
        uint64_t left = caps;

        for (size_t i = 0; i < G_N_ELEMENTS(had); i++)
                left &= ~(UINT64_C(1) << had[i]);
        return any ? left != caps : left == 0;
}

static bool is_here(const SyscallRule *r, const uint16_t kernel[2])
{
        int version = kernel[0] * 1000 + kernel[1];
        int at_least = r->includes.min_kernel[0] * 1000 + r->includes.min_kernel[1];
        int below = r->excludes.min_kernel[0] * 1000 + r->excludes.min_kernel[1];

        return has_all_caps(r->includes.caps, false) && !has_all_caps(r->excludes.caps, true) && version >= at_least &&
               (below == 0 || version < below) && (r->includes.arches == 0 || r->includes.arches & 1U << ARCH_X86_64) &&
               !(r->excludes.arches & 1U << ARCH_X86_64);
}

static uint32_t as_ret(SyscallAction a, int32_t errno_ret)
{
        uint32_t data = errno_ret < 0 ? EPERM : (uint32_t)errno_ret;

        return a == SYSCALL_ALLOW          ? SECCOMP_RET_ALLOW
               : a == SYSCALL_LOG          ? SECCOMP_RET_LOG
               : a == SYSCALL_TRACE        ? SECCOMP_RET_TRACE | data
               : a == SYSCALL_ERRNO        ? SECCOMP_RET_ERRNO | data
               : a == SYSCALL_TRAP         ? SECCOMP_RET_TRAP
               : a == SYSCALL_KILL_THREAD  ? SECCOMP_RET_KILL_THREAD
                                           : SECCOMP_RET_KILL_PROCESS;
}

/* The smaller, the more restrictive. */
static int rank(uint32_t ret)
{
        static const uint32_t order[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
                                         SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW};
        int i = 0;

        while (order[i] != (ret & SECCOMP_RET_ACTION_FULL))
                i++;
        return i;
}

/* Whether @r holds for the call; *@ret_plain: without looking at arguments. */
static bool names_call(const Rule *r, const struct seccomp_data *data, bool *ret_plain)
{
        bool blind, found = false;

        *ret_plain = false;
        for (char **name = r->syscall.names; *name; name++)
                if (is_call(*name, data, &blind)) {
                        /* What nobody can see is denied, and not allowed. */
                        found |= !blind && all_hold(r->syscall.args, data);
                        found |= blind && (!r->syscall.args || !(r->qualifiers & RULE_ALLOW));
                        *ret_plain |= !blind && !r->syscall.args;
                }
        return found;
}

static uint32_t observed(const Policy *p, uint32_t ret, uint32_t quiet)
{
        if (!p->allow_violations || ret == SECCOMP_RET_ALLOW || ret == SECCOMP_RET_LOG)
                return ret;
        return p->audit_violations || p->mode == MODE_DEFENSE_IN_DEPTH ? SECCOMP_RET_LOG : quiet;
}

bool reference_covers(const Policy *p, const struct seccomp_data *data)
{
        SyscallArch abi = data->arch != AUDIT_ARCH_X86_64 ? ARCH_X86 : is_x32(data) ? ARCH_X32 : ARCH_X86_64;

        if (data->arch != AUDIT_ARCH_X86_64 && data->arch != AUDIT_ARCH_I386)
                return false;
        return p->mode == MODE_ENHANCE_PROTECT || abi == ARCH_X86_64 || p->depth[ENFORCER_SECCOMP].arches & 1U << abi;
}

static bool is_better(uint32_t ret, uint32_t than)
{
        return ret != UINT32_MAX && (than == UINT32_MAX || rank(ret) < rank(than));
}

/* The profile's own entries, as libseccomp takes them one by one: what is as the default does not count, the first without
 * conditions decides. */
static uint32_t profile_verdict(const Policy *p, const uint16_t kernel[2], const struct seccomp_data *data, uint32_t otherwise)
{
        uint32_t best = UINT32_MAX;

        for (guint i = 0; i < p->rules->len; i++) {
                const Rule *r = p->rules->pdata[i];
                uint32_t ret = as_ret(r->syscall.action, r->syscall.errno_ret);
                bool plain;

                if (!r->syscall.in_profile || !is_here(&r->syscall, kernel) || ret == otherwise || !names_call(r, data, &plain))
                        continue;
                if (plain)
                        return observed(p, ret, UINT32_MAX);
                ret = observed(p, ret, UINT32_MAX);
                if (is_better(ret, best))
                        best = ret;
        }
        return best;
}

uint32_t reference_verdict(const Policy *p, const uint16_t kernel[2], const struct seccomp_data *data)
{
        const DepthProfile *depth = &p->depth[ENFORCER_SECCOMP];
        uint32_t otherwise = p->mode == MODE_DEFENSE_IN_DEPTH ? as_ret(depth->action, depth->errno_ret) : SECCOMP_RET_ALLOW;
        uint32_t best;

        if (!reference_covers(p, data))
                return observed(p, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_ALLOW);
        best = profile_verdict(p, kernel, data, otherwise);
        for (guint i = 0; i < p->rules->len; i++) {
                const Rule *r = p->rules->pdata[i];
                uint32_t ret = observed(p, as_ret(r->syscall.action, r->syscall.errno_ret), UINT32_MAX);
                bool plain;

                if (!r->syscall.in_profile && is_here(&r->syscall, kernel) && names_call(r, data, &plain) && is_better(ret, best))
                        best = ret;
        }
        return best != UINT32_MAX ? best : observed(p, otherwise, SECCOMP_RET_ALLOW);
}

/* ---- policies and calls ------------------------------------------------------------------------------------------------ */

static const char *const names[] = {
        "chmod", "fchmod", "fchmodat", "fchmodat2", "mseal", "socket", "socketcall", "setsockopt", "accept", "semget",
        "shmat", "ipc", "clone", "execve", "ioctl", "prctl", "open", "read", "arch_prctl", "chown32", "_llseek", "nosuchcall",
};

static const uint64_t values[] = {
        0, 1, 2, 3, 0x40, 0x48, 0x7f, 0x100, 0x7fffffff, 0x80000000, 0xffffff9c, 0xffffffff, 0x100000000, 0x100000040, 0x7fffffffffffffff,
        0x8000000000000000, 0xffffffff00000000, 0xffffffff80000000, 0xffffffffffffff9c, UINT64_MAX,
};

static uint64_t some_value(GRand *rand)
{
        return values[g_rand_int_range(rand, 0, G_N_ELEMENTS(values))];
}

static bool chance(GRand *rand, int one_in)
{
        return g_rand_int_range(rand, 0, one_in) == 0;
}

static void random_condition(GRand *rand, SyscallCondition *c)
{
        if (chance(rand, 8))
                c->caps = UINT64_C(1) << g_rand_int_range(rand, 0, CAP_LAST_CAP + 1);
        if (chance(rand, 8))
                c->arches = 1U << g_rand_int_range(rand, 0, _SYSCALL_ARCH_MAX);
        if (chance(rand, 8)) {
                c->min_kernel[0] = (uint16_t)g_rand_int_range(rand, 4, 8);
                c->min_kernel[1] = (uint16_t)g_rand_int_range(rand, 0, 20);
        }
}

static Rule *random_rule(GRand *rand, const Policy *p, guint index)
{
        Rule *r = rule_new(OP_SYSCALL);
        int n_names = g_rand_int_range(rand, 1, 5), n_args = chance(rand, 3) ? 0 : g_rand_int_range(rand, 1, 6);

        r->id = g_strdup_printf("r%u", index);
        r->syscall.names = g_new0(char *, (size_t)n_names + 1);
        for (int i = 0; i < n_names; i++)
                r->syscall.names[i] = g_strdup(names[g_rand_int_range(rand, 0, G_N_ELEMENTS(names))]);
        r->syscall.action = (SyscallAction)g_rand_int_range(rand, 0, _SYSCALL_ACTION_MAX - (p->mode == MODE_ENHANCE_PROTECT));
        if (r->syscall.action == SYSCALL_ERRNO && chance(rand, 2))
                r->syscall.errno_ret = g_rand_int_range(rand, 0, 40);
        r->qualifiers = r->syscall.action < SYSCALL_LOG ? RULE_DENY : p->mode == MODE_ENHANCE_PROTECT ? RULE_AUDIT : RULE_ALLOW;
        /* What is added to a profile comes after it. */
        r->syscall.in_profile = p->mode == MODE_DEFENSE_IN_DEPTH && !chance(rand, 6) &&
                                (index == 0 || ((const Rule *)p->rules->pdata[index - 1])->syscall.in_profile);
        if (n_args > 0)
                r->syscall.args = g_array_new(FALSE, FALSE, sizeof(SyscallArg));
        for (int i = 0; i < n_args; i++) {
                SyscallArg a = {.index = (uint32_t)g_rand_int_range(rand, 0, 3), .value = some_value(rand), .value_two = some_value(rand),
                                .op = (SyscallCompare)g_rand_int_range(rand, 0, _SYSCALL_COMPARE_MAX)};

                g_array_append_val(r->syscall.args, a);
        }
        random_condition(rand, &r->syscall.includes);
        random_condition(rand, &r->syscall.excludes);
        return r;
}

Policy *random_policy(GRand *rand)
{
        Policy *p = policy_new();
        int n = g_rand_int_range(rand, 1, 13);

        p->full_name = g_strdup("random");
        p->mode = chance(rand, 2) ? MODE_ENHANCE_PROTECT : MODE_DEFENSE_IN_DEPTH;
        p->privileged = true;
        p->audit_violations = chance(rand, 2);
        p->allow_violations = chance(rand, 5);
        if (p->mode == MODE_DEFENSE_IN_DEPTH) {
                DepthProfile *d = &p->depth[ENFORCER_SECCOMP];

                d->type = PROFILE_CUSTOM;
                d->action = (SyscallAction)g_rand_int_range(rand, 0, _SYSCALL_ACTION_MAX);
                d->arches = chance(rand, 2) ? 1U << ARCH_X86 | 1U << ARCH_X32 : 1U << g_rand_int_range(rand, 0, _SYSCALL_ARCH_MAX);
        }
        for (int i = 0; i < n; i++)
                g_ptr_array_add(p->rules, random_rule(rand, p, (guint)i));
        return p;
}

static int random_number(GRand *rand, const Policy *p, uint32_t arch)
{
        const Rule *r = p->rules->pdata[g_rand_int_range(rand, 0, (int)p->rules->len)];
        int nr = seccomp_syscall_resolve_name_arch(arch, r->syscall.names[g_rand_int_range(rand, 0, (int)g_strv_length(r->syscall.names))]);

        if (arch == SCMP_ARCH_X86 && nr < 0)
                for (size_t i = 0; i < G_N_ELEMENTS(carried); i++)
                        if (g_strv_contains((const char *const *)r->syscall.names, carried[i].name))
                                nr = chance(rand, 2) ? carried[i].direct : carried[i].by;
        if (nr < 0)
                nr = 462 + (arch == SCMP_ARCH_X32 ? (int)X32_BIT : 0);
        return chance(rand, 8) ? nr + g_rand_int_range(rand, -1, 2) : nr;
}

void random_call(GRand *rand, const Policy *p, struct seccomp_data *ret)
{
        static const uint32_t arches[] = {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32};
        uint32_t arch = arches[g_rand_int_range(rand, 0, 3)];

        *ret = (struct seccomp_data){.nr = random_number(rand, p, arch), .arch = arch == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : arch};
        if (chance(rand, 50))
                ret->nr = chance(rand, 2) ? -1 : (int)g_rand_int(rand);
        if (chance(rand, 100))
                ret->arch = AUDIT_ARCH_AARCH64;
        for (size_t i = 0; i < G_N_ELEMENTS(ret->args); i++) {
                ret->args[i] = some_value(rand) + (uint64_t)(chance(rand, 6) ? g_rand_int_range(rand, -1, 2) : 0);
                if (ret->arch == AUDIT_ARCH_I386)
                        ret->args[i] &= UINT32_MAX;
        }
        /* What is carried has its number here. */
        if (ret->arch == AUDIT_ARCH_I386 && (ret->nr == 102 || ret->nr == 117) && chance(rand, 2))
                ret->args[0] = (uint64_t)carried[g_rand_int_range(rand, 0, G_N_ELEMENTS(carried))].sub | (chance(rand, 4) ? 0x10000U : 0U);
}
