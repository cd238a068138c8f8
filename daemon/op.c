/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Op: the words of the enums, the same in YAML, in the journal and on D-Bus. The tables of bits are in words.c. */

#include "op.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <strings.h>

#include "alarm.h"
#include "policy.h"

static int lookup(const char *const *names, int n, const char *s)
{
        for (int i = 0; s && i < n; i++)
                if (names[i] && strcasecmp(names[i], s) == 0)
                        return i;

        return -EINVAL;
}

/* Both directions of an enum's words. Reading folds case: a name that differs only in case has one meaning. */
#define DEFINE_WORDS(type, prefix, max, ...)                                                                            \
        static const char *const prefix##_names[max] = {__VA_ARGS__};                                                   \
        const char *prefix##_to_string(type v)                                                                          \
        {                                                                                                               \
                return (int)v >= 0 && (int)v < (int)(max) ? prefix##_names[v] : NULL;                                   \
        }                                                                                                               \
        type prefix##_from_string(const char *s)                                                                        \
        {                                                                                                               \
                return (type)lookup(prefix##_names, (max), s);                                                          \
        }

DEFINE_WORDS(OpKind, op_kind, _OP_KIND_MAX,
             [OP_FILE] = "file",
             [OP_CAPABILITY] = "capability",
             [OP_SOCKET] = "socket",
             [OP_EGRESS] = "egress",
             [OP_INGRESS] = "ingress",
             [OP_PTRACE] = "ptrace",
             [OP_SIGNAL] = "signal",
             [OP_MOUNT] = "mount",
             [OP_USERNS] = "userns",
             [OP_BPF] = "bpf",
             [OP_SYSCALL] = "syscall",
             [OP_TEXT] = "text",
             [OP_NAMED] = "operation")

DEFINE_WORDS(Mode, mode, _MODE_MAX,
             [MODE_ALWAYS_ALLOW] = "AlwaysAllow",
             [MODE_RUNTIME_DEFAULT] = "RuntimeDefault",
             [MODE_ENHANCE_PROTECT] = "EnhanceProtect",
             [MODE_BEHAVIOR_MODELING] = "BehaviorModeling",
             [MODE_DEFENSE_IN_DEPTH] = "DefenseInDepth")

DEFINE_WORDS(Strictness, strictness, _STRICTNESS_MAX,
             [STRICTNESS_STRICT] = "strict",
             [STRICTNESS_NORMAL] = "normal",
             [STRICTNESS_LOOSE] = "loose")

DEFINE_WORDS(EnforcerKind, enforcer_kind, _ENFORCER_KIND_MAX,
             [ENFORCER_APPARMOR] = "AppArmor",
             [ENFORCER_BPF] = "BPF",
             [ENFORCER_SECCOMP] = "Seccomp")

DEFINE_WORDS(Action, action, _ACTION_MAX,
             [ACTION_DENIED] = "DENIED",
             [ACTION_AUDIT] = "AUDIT",
             [ACTION_ALLOWED] = "ALLOWED")

DEFINE_WORDS(TargetKind, target_kind, _TARGET_KIND_MAX,
             [TARGET_SERVICE] = "Service",
             [TARGET_SCOPE] = "Scope",
             [TARGET_SLICE] = "Slice",
             [TARGET_CONTAINER] = "Container",
             [TARGET_CGROUP] = "Cgroup")

DEFINE_WORDS(SelectorOperator, selector_operator, _SELECTOR_OPERATOR_MAX,
             [SELECTOR_IN] = "In",
             [SELECTOR_NOT_IN] = "NotIn",
             [SELECTOR_EXISTS] = "Exists",
             [SELECTOR_DOES_NOT_EXIST] = "DoesNotExist")

DEFINE_WORDS(RuleOrigin, rule_origin, _RULE_ORIGIN_MAX,
             [RULE_BUILT_IN] = "built-in",
             [RULE_CUSTOM] = "custom",
             [RULE_BASE] = "base",
             [RULE_DEFAULT] = "runtime-default")

DEFINE_WORDS(ProfileType, profile_type, _PROFILE_TYPE_MAX,
             [PROFILE_NONE] = "none",
             [PROFILE_BEHAVIOR_MODEL] = "BehaviorModel",
             [PROFILE_CUSTOM] = "Custom",
             [PROFILE_RUNTIME_DEFAULT] = "RuntimeDefault")

DEFINE_WORDS(SyscallAction, syscall_action, _SYSCALL_ACTION_MAX,
             [SYSCALL_KILL_PROCESS] = "SCMP_ACT_KILL_PROCESS",
             [SYSCALL_KILL_THREAD] = "SCMP_ACT_KILL_THREAD",
             [SYSCALL_TRAP] = "SCMP_ACT_TRAP",
             [SYSCALL_ERRNO] = "SCMP_ACT_ERRNO",
             [SYSCALL_TRACE] = "SCMP_ACT_TRACE",
             [SYSCALL_LOG] = "SCMP_ACT_LOG",
             [SYSCALL_ALLOW] = "SCMP_ACT_ALLOW")

DEFINE_WORDS(SyscallCompare, syscall_compare, _SYSCALL_COMPARE_MAX,
             [SYSCALL_NE] = "SCMP_CMP_NE",
             [SYSCALL_LT] = "SCMP_CMP_LT",
             [SYSCALL_LE] = "SCMP_CMP_LE",
             [SYSCALL_EQ] = "SCMP_CMP_EQ",
             [SYSCALL_GE] = "SCMP_CMP_GE",
             [SYSCALL_GT] = "SCMP_CMP_GT",
             [SYSCALL_MASKED_EQ] = "SCMP_CMP_MASKED_EQ")

DEFINE_WORDS(SyscallArch, syscall_arch, _SYSCALL_ARCH_MAX,
             [ARCH_X86] = "SCMP_ARCH_X86",
             [ARCH_X86_64] = "SCMP_ARCH_X86_64",
             [ARCH_X32] = "SCMP_ARCH_X32",
             [ARCH_ARM] = "SCMP_ARCH_ARM",
             [ARCH_AARCH64] = "SCMP_ARCH_AARCH64",
             [ARCH_MIPS] = "SCMP_ARCH_MIPS",
             [ARCH_MIPS64] = "SCMP_ARCH_MIPS64",
             [ARCH_MIPS64N32] = "SCMP_ARCH_MIPS64N32",
             [ARCH_MIPSEL] = "SCMP_ARCH_MIPSEL",
             [ARCH_MIPSEL64] = "SCMP_ARCH_MIPSEL64",
             [ARCH_MIPSEL64N32] = "SCMP_ARCH_MIPSEL64N32",
             [ARCH_PPC] = "SCMP_ARCH_PPC",
             [ARCH_PPC64] = "SCMP_ARCH_PPC64",
             [ARCH_PPC64LE] = "SCMP_ARCH_PPC64LE",
             [ARCH_S390] = "SCMP_ARCH_S390",
             [ARCH_S390X] = "SCMP_ARCH_S390X",
             [ARCH_PARISC] = "SCMP_ARCH_PARISC",
             [ARCH_PARISC64] = "SCMP_ARCH_PARISC64",
             [ARCH_RISCV64] = "SCMP_ARCH_RISCV64",
             [ARCH_LOONGARCH64] = "SCMP_ARCH_LOONGARCH64")

static const char *const event_reason_names[_REASON_MAX] = {
        [REASON_RULE] = "rule",
        [REASON_NO_PATH] = "no-path",
        [REASON_SECOND_NAME] = "second-name",
        [REASON_BASE] = "base-protection",
        [REASON_DEFAULT] = "default",
};

const char *event_reason_to_string(EventReason r)
{
        return (int)r >= 0 && r < _REASON_MAX ? event_reason_names[r] : NULL;
}

/* Combinations in the order of the enum, with nothing between: "AppArmorSeccomp". */
int enforcer_mask_from_string(const char *s)
{
        int mask = 0;

        if (!s)
                return -EINVAL;

        for (int k = 0; k < _ENFORCER_KIND_MAX; k++) {
                size_t n = strlen(enforcer_kind_names[k]);

                if (strncasecmp(s, enforcer_kind_names[k], n) == 0) {
                        mask |= 1 << k;
                        s += n;
                }
        }

        return mask && !*s ? mask : -EINVAL;
}

char *enforcer_mask_to_string(uint32_t mask)
{
        GString *s = g_string_new(NULL);

        for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (mask & (1U << k))
                        g_string_append(s, enforcer_kind_names[k]);

        return g_string_free(s, FALSE);
}
