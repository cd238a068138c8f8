/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Operations: system calls, in the form of OCI seccomp profiles (runtime-spec, config-linux.md) with the conditions that the
 * container engines added (containers-common, seccomp.json). Names of system calls are the compiler's business. */

#include <string.h>

#include "policy-ops.h"

#define SYSCALL_NAMES_MAX 1024U
#define SYSCALL_NAME_BYTES_MAX 48U
#define SYSCALL_ARGS_MAX 64U
#define PROFILE_LIST "syscalls" /* of a whole profile; what is added to it is syscallRawRules */
#define ERRNO_RET_MAX 4095U /* include/linux/err.h: MAX_ERRNO */

/* What a profile's text is written in. */
#if defined(__x86_64__)
#define NATIVE_ARCH ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCH ARCH_RISCV64
#elif defined(__s390x__)
#define NATIVE_ARCH ARCH_S390X
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ARCH ARCH_PPC64LE
#elif defined(__i386__)
#define NATIVE_ARCH ARCH_X86
#elif defined(__arm__)
#define NATIVE_ARCH ARCH_ARM
#else
#define NATIVE_ARCH _SYSCALL_ARCH_MAX
#endif

/* Architectures as Go calls them, in includes and excludes. */
static const Word go_arches[] = {
        {"amd64", 1U << ARCH_X86_64}, {"x86", 1U << ARCH_X86}, {"386", 1U << ARCH_X86}, {"x32", 1U << ARCH_X32},
        {"arm", 1U << ARCH_ARM}, {"arm64", 1U << ARCH_AARCH64}, {"mips", 1U << ARCH_MIPS}, {"mips64", 1U << ARCH_MIPS64},
        {"mips64n32", 1U << ARCH_MIPS64N32}, {"mipsel", 1U << ARCH_MIPSEL}, {"mipsle", 1U << ARCH_MIPSEL},
        {"mipsel64", 1U << ARCH_MIPSEL64}, {"mips64le", 1U << ARCH_MIPSEL64}, {"mipsel64n32", 1U << ARCH_MIPSEL64N32},
        {"ppc", 1U << ARCH_PPC}, {"ppc64", 1U << ARCH_PPC64}, {"ppc64le", 1U << ARCH_PPC64LE}, {"s390", 1U << ARCH_S390},
        {"s390x", 1U << ARCH_S390X}, {"riscv64", 1U << ARCH_RISCV64}, {"loong64", 1U << ARCH_LOONGARCH64}, {NULL, 0},
};

static void field_action(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        const char *words[_SYSCALL_ACTION_MAX + 1] = {NULL}, *s = fields_get_string(n, f->name, d);

        if (!s)
                return;
        if (g_ascii_strcasecmp(s, "SCMP_ACT_NOTIFY") == 0) {
                diag_error(d, &n->pos, "refused-value",
                           "'SCMP_ACT_NOTIFY' is not supported: it needs a supervisor that answers each call");
                return;
        }
        if (g_ascii_strcasecmp(s, "SCMP_ACT_KILL") == 0)
                s = syscall_action_to_string(SYSCALL_KILL_THREAD);

        for (int i = 0; i < _SYSCALL_ACTION_MAX; i++)
                words[i] = syscall_action_to_string((SyscallAction)i);
        if ((int)syscall_action_from_string(s) < 0)
                fields_unknown_word(&n->pos, "bad-value", "action", s, words, d);
        else
                *(SyscallAction *)out = syscall_action_from_string(s);
}

DEFINE_FIELD_ENUM(field_compare, SyscallCompare, syscall_compare, _SYSCALL_COMPARE_MAX)
DEFINE_FIELD_ENUM(field_arch, SyscallArch, syscall_arch, _SYSCALL_ARCH_MAX)

static void field_errno(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        uint64_t value;

        if (fields_get_uint(n, f->name, 0, ERRNO_RET_MAX, &value, d) == 0)
                *(int32_t *)out = (int32_t)value;
}

static void field_u64(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        (void)fields_get_uint(n, f->name, 0, UINT64_MAX, out, d);
}

/* Keys that say something to people only. */
static void field_ignored(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        (void)fields_expect(n, YAML_SCALAR, f->name, d);
}

static void field_names(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;
        if (n->items->len == 0 || n->items->len > SYSCALL_NAMES_MAX) {
                fields_bad_value(n, f->name, "1 to 1024 names of system calls", d);
                return;
        }
        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];
                const char *s = fields_get_string(item, f->name, d);

                if (s && (strlen(s) > SYSCALL_NAME_BYTES_MAX ||
                          strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(s)))
                        fields_bad_value(item, f->name, "the name of a system call", d);
        }
        field_strings(f, n, out, userdata, d);
}

/* ---- arguments ----------------------------------------------------------------------------------------------------- */

typedef struct ArgEntry {
        uint64_t index, value, value_two;
        SyscallCompare op;
} ArgEntry;

static const Field arg_fields[] = {
        {"index", field_u64, offsetof(ArgEntry, index), true},
        {"value", field_u64, offsetof(ArgEntry, value), true},
        {"valueTwo", field_u64, offsetof(ArgEntry, value_two)},
        {"op", field_compare, offsetof(ArgEntry, op), true},
        {NULL},
};

static void field_args(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        GArray **ret = out;

        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;
        if (n->items->len > SYSCALL_ARGS_MAX) {
                fields_bad_value(n, f->name, "at most 64 conditions", d);
                return;
        }

        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i], *two = yaml_get(item, "valueTwo");
                ArgEntry e = {0};
                SyscallArg a;

                if (fields_parse(item, &item->pos, "args", arg_fields, &e, userdata, d) < 0)
                        continue;
                if (e.index > 5) {
                        fields_bad_value(yaml_get(item, "index"), "index", "a number from 0 to 5", d);
                        continue;
                }
                /* OCI leaves out what is zero, and profiles of container engines do. Who writes a rule by hand most often means
                 * the opposite. */
                if (e.op == SYSCALL_MASKED_EQ && yaml_is_null(two) && !((const OpContext *)userdata)->allow_list)
                        diag_warning(d, &item->pos, "missing-key",
                                     "'SCMP_CMP_MASKED_EQ' without 'valueTwo' holds where nothing is left under the mask 'value'");
                a = (SyscallArg){.index = (uint32_t)e.index, .op = e.op, .value = e.value, .value_two = e.value_two};
                if (!*ret)
                        *ret = g_array_new(FALSE, FALSE, sizeof(SyscallArg));
                g_array_append_val(*ret, a);
        }
}

/* ---- conditions ----------------------------------------------------------------------------------------------------- */

static void field_min_kernel(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        const char *s = fields_get_string(n, f->name, d);
        uint16_t *version = out;
        g_auto(GStrv) parts = NULL;
        guint64 major, minor;

        if (!s)
                return;
        parts = g_strsplit(s, ".", 2);
        if (!parts[0] || !parts[1] || !g_ascii_string_to_unsigned(parts[0], 10, 1, 999, &major, NULL) ||
            !g_ascii_string_to_unsigned(parts[1], 10, 0, 999, &minor, NULL)) {
                fields_bad_value(n, f->name, "a kernel version such as 4.8", d);
                return;
        }
        version[0] = (uint16_t)major;
        version[1] = (uint16_t)minor;
}

static void field_go_arches(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        uint64_t bits = 0;
        Field words = *f;

        words.arg = go_arches;
        field_words(&words, n, &bits, userdata, d);
        *(uint32_t *)out = (uint32_t)bits;
}

static const Field condition_fields[] = {
        {"caps", field_capabilities, offsetof(SyscallCondition, caps)},
        {"arches", field_go_arches, offsetof(SyscallCondition, arches)},
        {"minKernel", field_min_kernel, offsetof(SyscallCondition, min_kernel)},
        {NULL},
};

static void field_condition(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        (void)fields_parse(n, &n->pos, f->name, condition_fields, out, userdata, d);
}

/* ---- one entry --------------------------------------------------------------------------------------------------------- */

#define SYSCALL_FIELDS                                                                                                  \
        {"names", field_names, offsetof(SyscallRule, names), true},                                                     \
        {"action", field_action, offsetof(SyscallRule, action), true},                                                  \
        {"errnoRet", field_errno, offsetof(SyscallRule, errno_ret)},                                                    \
        {"args", field_args, offsetof(SyscallRule, args)},                                                              \
        {"includes", field_condition, offsetof(SyscallRule, includes)},                                                 \
        {"excludes", field_condition, offsetof(SyscallRule, excludes)},                                                 \
        {"comment", field_ignored},                                                                                     \
        {"errno", field_ignored}

static const Field syscall_fields[] = {SYSCALL_FIELDS, {NULL}};

/* Container runtimes have an older meaning for these. */
static void check_alternatives(const SyscallRule *r, const YamlNode *n, Diag *d)
{
        uint32_t seen = 0;
        bool several = false;

        for (guint i = 0; r->args && i < r->args->len; i++) {
                uint32_t bit = 1U << g_array_index(r->args, SyscallArg, i).index;

                several |= seen & bit;
                seen |= bit;
        }
        if (several && seen & (seen - 1))
                diag_warning(d, &yaml_get(n, "args")->pos, "other-meaning",
                             "of the conditions on each 'index' one must hold, on all of them; to runc and crun, which know no such mixture, "
                             "any single condition is enough");
}

static void parse_syscall(const YamlNode *n, const char *list, int index, OpContext *c, Diag *d)
{
        g_autoptr(Rule) r = rule_new(OP_SYSCALL);
        uint32_t qualifiers = RULE_DENY;
        bool no_effect;

        if (fields_parse(n, &n->pos, list, syscall_fields, &r->syscall, c, d) < 0)
                return;

        if (r->syscall.errno_ret >= 0 && r->syscall.action != SYSCALL_ERRNO && r->syscall.action != SYSCALL_TRACE)
                diag_error(d, &n->pos, "exclusive-keys", "'errnoRet' goes with 'SCMP_ACT_ERRNO' and 'SCMP_ACT_TRACE' only");
        if (yaml_get(n, "errno") && !yaml_get(n, "errnoRet"))
                diag_error(d, &yaml_get(n, "errno")->pos, "missing-key",
                           "'errno' names the error for people only; expected its number as 'errnoRet', too");

        check_alternatives(&r->syscall, n, d);
        r->syscall.in_profile = c->allow_list && strcmp(list, PROFILE_LIST) == 0;

        if (r->syscall.action == SYSCALL_ALLOW)
                qualifiers = RULE_ALLOW;
        else if (r->syscall.action == SYSCALL_LOG)
                qualifiers = c->allow_list ? RULE_ALLOW | RULE_AUDIT : RULE_AUDIT;

        no_effect = qualifiers == RULE_ALLOW && !c->allow_list;
        if (no_effect)
                diag_warning(d, &n->pos, "no-effect", "'SCMP_ACT_ALLOW' has no effect here: what is not listed is allowed");
        else
                ops_add(c, g_steal_pointer(&r), list, index, n, qualifiers, d);
}

void ops_parse_syscalls(const YamlNode *n, const char *what, OpContext *c, Diag *d)
{
        ops_parse_list(n, what, parse_syscall, c, d);
}

/* ---- a whole profile ------------------------------------------------------------------------------------------------- */

typedef struct ArchMapEntry {
        SyscallArch arch;
        uint32_t sub;
} ArchMapEntry;

static void field_arches(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;
        for (guint i = 0; i < n->items->len; i++) {
                SyscallArch a = _SYSCALL_ARCH_INVALID;

                field_arch(f, n->items->pdata[i], &a, userdata, d);
                if ((int)a >= 0)
                        *(uint32_t *)out |= 1U << a;
        }
}

static const Field arch_map_fields[] = {
        {"architecture", field_arch, offsetof(ArchMapEntry, arch), true},
        {"subArchitectures", field_arches, offsetof(ArchMapEntry, sub)},
        {NULL},
};

static void field_arch_map(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;
        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];
                ArchMapEntry e = {0};

                if (fields_parse(item, &item->pos, f->name, arch_map_fields, &e, userdata, d) == 0 && e.arch == NATIVE_ARCH)
                        *(uint32_t *)out |= e.sub | 1U << e.arch;
        }
}

/* Filters are always loaded with the flags that we need; asking for them is no mistake. */
static void field_flags(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        static const char *const known[] = {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", NULL};
        g_auto(GStrv) flags = NULL;

        field_strings(f, n, &flags, userdata, d);
        for (char **s = flags; s && *s; s++)
                if (!g_strv_contains(known, *s))
                        fields_unknown_word(&n->pos, "bad-value", "filter flag", *s, known, d);
}

static const Field profile_fields[] = {
        {"defaultAction", field_action, offsetof(DepthProfile, action), true},
        {"defaultErrnoRet", field_errno, offsetof(DepthProfile, errno_ret)},
        {"defaultErrno", field_ignored},
        {"architectures", field_arches, offsetof(DepthProfile, arches)},
        {"archMap", field_arch_map, offsetof(DepthProfile, arches)},
        {"flags", field_flags},
        {"syscalls", field_later},
        {"listenerPath", .refused = "it belongs to 'SCMP_ACT_NOTIFY', which needs a supervisor that answers each call"},
        {"listenerMetadata", .refused = "it belongs to 'SCMP_ACT_NOTIFY', which needs a supervisor that answers each call"},
        {NULL},
};

void ops_parse_seccomp_profile(const YamlNode *n, const char *what, DepthProfile *ret, OpContext *c, Diag *d)
{
        (void)fields_parse(n, &n->pos, what, profile_fields, ret, c, d);
        ops_parse_syscalls(yaml_get(n, PROFILE_LIST), PROFILE_LIST, c, d);
}
