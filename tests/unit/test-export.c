/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Export: regions of arguments against what their conditions say one by one; profiles for containers against what the policy and
 * the profile that it is worked into say each by itself, in random cases; and some cases that are written out. */

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "export.h"
#include "seccomp/interpret.h"
#include "seccomp/region.h"

#define CASES 1500

/* Near each other and near the ends, so that conditions meet. */
static uint64_t random_value(void)
{
        static const uint64_t values[] = {0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 0x7fffffff, 0x80000000, UINT64_MAX - 1, UINT64_MAX};

        return values[g_test_rand_int_range(0, G_N_ELEMENTS(values))];
}

static GArray *random_args(void)
{
        GArray *a = g_array_new(FALSE, FALSE, sizeof(SyscallArg));

        for (int n = g_test_rand_int_range(0, 4); n > 0; n--) {
                SyscallArg one = {
                        .index = (uint32_t)g_test_rand_int_range(0, 2) * 3,
                        .op = (SyscallCompare)g_test_rand_int_range(0, _SYSCALL_COMPARE_MAX),
                        .value = random_value(),
                        .value_two = random_value(),
                };

                g_array_append_val(a, one);
        }
        return a;
}

static bool arg_holds(const SyscallArg *a, uint64_t x)
{
        switch (a->op) {
        case SYSCALL_NE:
                return x != a->value;
        case SYSCALL_LT:
                return x < a->value;
        case SYSCALL_LE:
                return x <= a->value;
        case SYSCALL_EQ:
                return x == a->value;
        case SYSCALL_GE:
                return x >= a->value;
        case SYSCALL_GT:
                return x > a->value;
        default:
                return (x & a->value) == (a->value_two & a->value);
        }
}

/* The same index: alternatives; different ones: all. */
static bool args_hold(const GArray *args, const uint64_t x[6])
{
        for (unsigned index = 0; args && index < 6; index++) {
                bool any = false, holds = false;

                for (guint i = 0; i < args->len; i++) {
                        const SyscallArg *a = &g_array_index(args, SyscallArg, i);

                        if (a->index != index)
                                continue;
                        any = true;
                        holds |= arg_holds(a, x[index]);
                }
                if (any && !holds)
                        return false;
        }
        return true;
}

static void random_point(uint64_t x[6])
{
        for (unsigned i = 0; i < 6; i++)
                x[i] = random_value() + (uint64_t)g_test_rand_int_range(-1, 2);
}

static bool lists_hold(const GPtrArray *lists, const uint64_t x[6])
{
        for (guint i = 0; i < lists->len; i++) {
                const GArray *list = lists->pdata[i];
                unsigned seen = 0;

                for (guint k = 0; k < list->len; k++) {
                        unsigned bit = 1U << g_array_index(list, SyscallArg, k).index;

                        g_assert_false(seen & bit); /* runtimes take such a list apart */
                        seen |= bit;
                }
                if (args_hold(list, x))
                        return true;
        }
        return false;
}

/* Without what is no int the difference has fewer boxes, and is the same for ints. */
static void test_region_ints(void)
{
        for (unsigned n = 0; n < CASES; n++) {
                uint64_t v = random_value() + (uint64_t)g_test_rand_int_range(-1, 2);
                const SyscallArg one = {.index = 0, .op = SYSCALL_MASKED_EQ, .value = 0xffffffff, .value_two = v};
                g_autoptr(GArray) args = g_array_new(FALSE, FALSE, sizeof(SyscallArg)), b = NULL, less = NULL, whole = region_new(true);

                g_array_append_val(args, one);
                g_assert_cmpint(region_from_args(args, &b), ==, 0);
                g_assert_cmpint(region_subtract(whole, b, true, &less), ==, 0);
                g_assert_cmpuint(less->len, <=, 4);
                for (unsigned k = 0; k < 100; k++) {
                        uint64_t x[6] = {0};

                        x[0] = k == 0 ? v : random_value() + (uint64_t)g_test_rand_int_range(-1, 2);
                        g_assert_false(region_holds(less, x) && (uint32_t)x[0] == (uint32_t)v);
                        x[0] = (uint32_t)x[0];
                        g_assert_cmpint(region_holds(less, x), ==, x[0] != (uint32_t)v);
                        x[0] = (uint64_t)(int64_t)(int32_t)x[0];
                        g_assert_cmpint(region_holds(less, x), ==, (uint32_t)x[0] != (uint32_t)v);
                }
        }
}

static void test_region(void)
{
        unsigned done = 0;

        for (unsigned n = 0; n < CASES; n++) {
                g_autoptr(GArray) args_a = random_args(), args_b = random_args(), a = NULL, b = NULL, both = NULL, less = NULL;
                g_autoptr(GPtrArray) lists = NULL;

                g_assert_cmpint(region_from_args(args_a, &a), ==, 0);
                g_assert_cmpint(region_from_args(args_b, &b), ==, 0);
                if (region_intersect(a, b, &both) < 0 || region_subtract(a, b, false, &less) < 0 ||
                    region_to_args(less, &lists) < 0)
                        continue; /* too large */
                done++;
                for (unsigned k = 0; k < 100; k++) {
                        uint64_t x[6];

                        random_point(x);
                        g_assert_cmpint(region_holds(a, x), ==, args_hold(args_a, x));
                        g_assert_cmpint(region_holds(both, x), ==, args_hold(args_a, x) && args_hold(args_b, x));
                        g_assert_cmpint(region_holds(less, x), ==, args_hold(args_a, x) && !args_hold(args_b, x));
                        g_assert_cmpint(lists_hold(lists, x), ==, region_holds(less, x));
                }
        }
        g_assert_cmpuint(done, >, CASES * 9 / 10);
}

/* ---- profiles ------------------------------------------------------------------------------------------------------------ */

static const SeccompHost host = {.native = ARCH_X86_64, .kernel = {6, 12}};

static json_object *get(json_object *o, const char *key)
{
        json_object *v = NULL;

        return json_object_object_get_ex(o, key, &v) ? v : NULL;
}

static bool entry_names(json_object *entry, const char *name)
{
        json_object *names = get(entry, "names");

        for (size_t i = 0; i < json_object_array_length(names); i++)
                if (strcmp(json_object_get_string(json_object_array_get_idx(names, i)), name) == 0)
                        return true;
        return false;
}

static GArray *entry_args(json_object *entry)
{
        json_object *args = get(entry, "args");
        GArray *out = g_array_new(FALSE, FALSE, sizeof(SyscallArg));

        for (size_t i = 0; args && i < json_object_array_length(args); i++) {
                json_object *a = json_object_array_get_idx(args, i);
                SyscallArg one = {
                        .index = (uint32_t)json_object_get_int(get(a, "index")),
                        .op = syscall_compare_from_string(json_object_get_string(get(a, "op"))),
                        .value = json_object_get_uint64(get(a, "value")),
                        .value_two = get(a, "valueTwo") ? json_object_get_uint64(get(a, "valueTwo")) : 0,
                };

                g_array_append_val(out, one);
        }
        return out;
}

/* "SCMP_ACT_ERRNO 1": the verdict on a call; @clear: no two entries that hold for it disagree. */
static char *verdict(json_object *profile, const char *name, const uint64_t x[6], bool *clear)
{
        json_object *syscalls = get(profile, "syscalls"), *number = get(profile, "defaultErrnoRet");
        char *found = NULL;

        *clear = true;
        for (size_t i = 0; i < json_object_array_length(syscalls); i++) {
                json_object *entry = json_object_array_get_idx(syscalls, i), *e = get(entry, "errnoRet");
                g_autoptr(GArray) args = entry_args(entry);
                char *one;

                if (!entry_names(entry, name) || !args_hold(args, x))
                        continue;
                one = g_strdup_printf("%s %i", json_object_get_string(get(entry, "action")), e ? json_object_get_int(e) : -1);
                if (found && strcmp(found, one) != 0)
                        *clear = false;
                g_free(found);
                found = one;
        }
        return found ?: g_strdup_printf("%s %i", json_object_get_string(get(profile, "defaultAction")),
                                        number ? json_object_get_int(number) : -1);
}

static bool is_passing(const char *v)
{
        return g_str_has_prefix(v, "SCMP_ACT_ALLOW") || g_str_has_prefix(v, "SCMP_ACT_LOG");
}

/* ---- as a runtime reads it ------------------------------------------------------------------------------------------------- */

static uint32_t runtime_action(json_object *o, const char *action_key, const char *errno_key)
{
        const char *action = json_object_get_string(get(o, action_key));
        json_object *number = get(o, errno_key);

        return strcmp(action, "SCMP_ACT_ALLOW") == 0 ? SCMP_ACT_ALLOW
               : strcmp(action, "SCMP_ACT_LOG") == 0 ? SCMP_ACT_LOG
                                                     : SCMP_ACT_ERRNO(number ? (uint32_t)json_object_get_int(number) : EPERM);
}

static enum scmp_compare runtime_compare(SyscallCompare c)
{
        static const enum scmp_compare compares[_SYSCALL_COMPARE_MAX] = {
                [SYSCALL_NE] = SCMP_CMP_NE, [SYSCALL_LT] = SCMP_CMP_LT, [SYSCALL_LE] = SCMP_CMP_LE, [SYSCALL_EQ] = SCMP_CMP_EQ,
                [SYSCALL_GE] = SCMP_CMP_GE, [SYSCALL_GT] = SCMP_CMP_GT, [SYSCALL_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
        };

        return compares[c];
}

/* crun 1.8, src/libcrun/seccomp.c: libcrun_generate_seccomp(). */
static void runtime_add(scmp_filter_ctx ctx, json_object *entry, uint32_t default_action)
{
        uint32_t action = runtime_action(entry, "action", "errnoRet");
        json_object *names = get(entry, "names");
        g_autoptr(GArray) args = entry_args(entry);
        struct scmp_arg_cmp compares[6];

        if (action == default_action)
                return;
        for (guint i = 0; i < args->len; i++) {
                const SyscallArg *a = &g_array_index(args, SyscallArg, i);

                compares[i] = (struct scmp_arg_cmp){.arg = a->index, .op = runtime_compare(a->op), .datum_a = a->value, .datum_b = a->value_two};
        }
        for (size_t i = 0; i < json_object_array_length(names); i++) {
                int nr = seccomp_syscall_resolve_name(json_object_get_string(json_object_array_get_idx(names, i)));

                g_assert_cmpint(seccomp_rule_add_array(ctx, action, nr, args->len, compares), ==, 0);
        }
}

typedef struct Filter {
        struct sock_filter code[BPF_MAXINSNS];
        size_t n;
} Filter;

static void runtime_filter(json_object *profile, Filter *ret)
{
        uint32_t default_action = runtime_action(profile, "defaultAction", "defaultErrnoRet");
        json_object *syscalls = get(profile, "syscalls");
        scmp_filter_ctx ctx = seccomp_init(default_action);
        int fd = memfd_create("filter", MFD_CLOEXEC);
        ssize_t size;

        for (size_t i = 0; i < json_object_array_length(syscalls); i++)
                runtime_add(ctx, json_object_array_get_idx(syscalls, i), default_action);
        g_assert_cmpint(seccomp_export_bpf(ctx, fd), ==, 0);
        size = lseek(fd, 0, SEEK_END);
        ret->n = (size_t)size / sizeof(struct sock_filter);
        g_assert_cmpuint(ret->n, <=, BPF_MAXINSNS);
        g_assert_cmpint(pread(fd, ret->code, (size_t)size, 0), ==, size);
        (void)close(fd);
        seccomp_release(ctx);
}

static bool are_ints(const uint64_t x[6])
{
        for (unsigned i = 0; i < 6; i++)
                if (x[i] != (uint32_t)x[i] && x[i] != (uint64_t)(int64_t)(int32_t)x[i])
                        return false;
        return true;
}

static void check_runtime(const Filter *f, const char *name, const uint64_t x[6], bool permitted, bool or_less)
{
        struct seccomp_data data = {.nr = seccomp_syscall_resolve_name(name), .arch = seccomp_arch_native()};
        uint32_t ret;

        memcpy(data.args, x, sizeof(data.args));
        ret = filter_run(f->code, f->n, &data);
        if (or_less)
                g_assert_true(permitted || ret != SECCOMP_RET_ALLOW);
        else
                g_assert_cmpint(ret == SECCOMP_RET_ALLOW, ==, permitted);
}

static json_object *random_base(bool allow_list)
{
        json_object *base = json_object_new_object(), *syscalls = json_object_new_array();

        json_object_object_add(base, "defaultAction", json_object_new_string(allow_list ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW"));
        if (allow_list)
                json_object_object_add(base, "defaultErrnoRet", json_object_new_int(38));
        for (int n = g_test_rand_int_range(0, 4); n > 0; n--) {
                json_object *entry = json_object_new_object(), *names = json_object_new_array(), *args = json_object_new_array();
                g_autoptr(GArray) conditions = random_args();
                unsigned seen = 0;

                json_object_array_add(names, json_object_new_string(n % 2 ? "ptrace" : "mount"));
                for (guint i = 0; i < conditions->len; i++) {
                        const SyscallArg *c = &g_array_index(conditions, SyscallArg, i);
                        json_object *a = json_object_new_object();

                        if (seen & 1U << c->index)
                                continue;
                        seen |= 1U << c->index;
                        json_object_object_add(a, "index", json_object_new_int((int)c->index));
                        json_object_object_add(a, "value", json_object_new_uint64(c->value));
                        json_object_object_add(a, "valueTwo", json_object_new_uint64(c->value_two));
                        json_object_object_add(a, "op", json_object_new_string(syscall_compare_to_string(c->op)));
                        json_object_array_add(args, a);
                }
                json_object_object_add(entry, "names", names);
                json_object_object_add(entry, "action", json_object_new_string(allow_list ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO"));
                json_object_object_add(entry, "args", args);
                json_object_array_add(syscalls, entry);
        }
        json_object_object_add(base, "syscalls", syscalls);
        return base;
}

static Policy *new_policy(void)
{
        Policy *p = policy_new();

        p->name = g_strdup("p");
        p->full_name = g_strdup("p");
        p->enforcers = 1U << ENFORCER_SECCOMP;
        p->mode = MODE_ENHANCE_PROTECT;
        p->privileged = true;
        return p;
}

static Rule *add_rule(Policy *p, const char *name, SyscallAction action)
{
        Rule *r = rule_new(OP_SYSCALL);
        char *names[] = {(char *)name, NULL};

        r->id = g_strdup_printf("syscallRawRules[%u]", p->rules->len);
        r->qualifiers = action == SYSCALL_ALLOW ? RULE_ALLOW : RULE_DENY;
        r->syscall = (SyscallRule){.names = g_strdupv(names), .action = action, .errno_ret = -1};
        g_ptr_array_add(p->rules, r);
        return r;
}

static Policy *random_policy(bool allow_list)
{
        Policy *p = new_policy();

        if (allow_list) {
                p->mode = MODE_DEFENSE_IN_DEPTH;
                p->depth[ENFORCER_SECCOMP] = (DepthProfile){.type = PROFILE_CUSTOM, .action = SYSCALL_ERRNO, .errno_ret = 1};
        }
        for (int n = g_test_rand_int_range(0, 4); n > 0; n--) {
                Rule *r = add_rule(p, n % 3 ? "ptrace" : "mount", allow_list ? SYSCALL_ALLOW : SYSCALL_ERRNO);

                r->syscall.args = random_args();
        }
        return p;
}

/* As the rules say it, one by one. */
static bool policy_permits(const Policy *p, const char *name, const uint64_t x[6])
{
        bool any = false;

        for (guint i = 0; i < p->rules->len; i++) {
                const Rule *r = p->rules->pdata[i];

                any |= strcmp(r->syscall.names[0], name) == 0 && args_hold(r->syscall.args, x);
        }
        return p->mode == MODE_DEFENSE_IN_DEPTH ? any : !any;
}

static void check_point(const Policy *p, json_object *base, json_object *profile, const char *name)
{
        g_autofree char *got = NULL, *before = NULL;
        bool clear, ignored;
        uint64_t x[6];

        random_point(x);
        got = verdict(profile, name, x, &clear);
        before = base ? verdict(base, name, x, &ignored) : g_strdup("SCMP_ACT_ALLOW");
        g_assert_true(clear);
        g_assert_cmpint(is_passing(got), ==, is_passing(before) && policy_permits(p, name, x));
        /* Who is denied by the policy alone gets its error. */
        if (is_passing(before) && !is_passing(got))
                g_assert_cmpstr(got, ==, "SCMP_ACT_ERRNO 1");
}

static void test_merge(void)
{
        unsigned done = 0;

        for (unsigned n = 0; n < CASES; n++) {
                g_autoptr(Policy) p = random_policy(n & 1);
                json_object *base = n % 5 == 0 ? NULL : random_base(n & 2), *profile;
                g_autoptr(Diag) d = diag_new();
                int r = oci_seccomp(p, &host, base, &profile, d);

                g_assert_true(r == 0 || r == -E2BIG);
                for (unsigned k = 0; r == 0 && k < 100; k++)
                        check_point(p, base, profile, k % 4 == 0 ? "mount" : k % 4 == 1 ? "read" : "ptrace");
                if (r == 0) {
                        json_object_put(profile);
                        done++;
                }
                json_object_put(base);
        }
        g_test_message("%u of %u cases", done, CASES);
        g_assert_cmpuint(done, >, CASES * 9 / 10);
}

/* ---- cases -------------------------------------------------------------------------------------------------------------------- */

static char *merged(const Policy *p, const char *base)
{
        g_autoptr(Diag) d = diag_new();
        char *text = NULL;
        json_object *o;

        g_assert_cmpint(export_policy(p, EXPORT_OCI_SECCOMP, &host, base, &text, d), ==, 0);
        o = json_tokener_parse(text);
        g_free(text);
        g_assert_nonnull(o);
        text = g_strdup(json_object_to_json_string_ext(get(o, "syscalls"), JSON_C_TO_STRING_PLAIN));
        json_object_put(o);
        return text;
}

#define ENGINE(entries) "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, \"syscalls\": [" entries "]}"

static void test_unconditional(void)
{
        g_autoptr(Policy) p = new_policy();
        g_autofree char *text = NULL;

        add_rule(p, "ptrace", SYSCALL_ERRNO);
        add_rule(p, "absent", SYSCALL_ERRNO);
        text = merged(p, ENGINE("{\"names\": [\"read\", \"ptrace\"], \"action\": \"SCMP_ACT_ALLOW\", \"comment\": \"c\"}"));
        g_assert_cmpstr(text, ==,
                        "[{\"action\":\"SCMP_ACT_ALLOW\",\"comment\":\"c\",\"names\":[\"read\"]},"
                        "{\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1,\"names\":[\"ptrace\"]}]");
}

/* What the engine permits anyway only without the flag stays as it is. */
static void test_flag(void)
{
        g_autoptr(Policy) p = new_policy();
        SyscallArg a = {.op = SYSCALL_MASKED_EQ, .value = 0x10000000, .value_two = 0x10000000};
        g_autofree char *text = NULL;
        Rule *r = add_rule(p, "clone", SYSCALL_ERRNO);

        r->syscall.args = g_array_new(FALSE, FALSE, sizeof(SyscallArg));
        g_array_append_val(r->syscall.args, a);
        text = merged(p, ENGINE("{\"names\": [\"clone\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {}, \"args\": [{\"index\": 0, "
                                "\"value\": 2114060288, \"valueTwo\": 0, \"op\": \"SCMP_CMP_MASKED_EQ\"}]},"
                                "{\"names\": [\"clone\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"caps\": "
                                "[\"CAP_SYS_ADMIN\"]}}"));
        g_assert_cmpstr(text, ==,
                        "[{\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":2114060288,\"valueTwo\":0,\"op\":"
                        "\"SCMP_CMP_MASKED_EQ\"}],\"includes\":{},\"names\":[\"clone\"]},"
                        "{\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1,\"args\":[{\"index\":0,\"value\":268435456,\"valueTwo\":"
                        "268435456,\"op\":\"SCMP_CMP_MASKED_EQ\"}],\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]},\"names\":[\"clone\"]},"
                        "{\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":268435456,\"valueTwo\":0,\"op\":"
                        "\"SCMP_CMP_MASKED_EQ\"}],\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]},\"names\":[\"clone\"]}]");
}

#define INT 0xffffffff

/* The rules that built-in ones consist of, with a profile like those of engines. */
static const struct {
        const char *name;
        SyscallArg args[4];
} usual_rules[] = {
        {"clone", {{0, SYSCALL_MASKED_EQ, 0x10000000, 0x10000000}}},
        {"unshare", {{0, SYSCALL_MASKED_EQ, 0x10000000, 0x10000000}}},
        {"setsockopt", {{1, SYSCALL_MASKED_EQ, INT, 1}, {2, SYSCALL_MASKED_EQ, INT, 26}}},
        {"setsockopt", {{1, SYSCALL_MASKED_EQ, INT, 1}, {2, SYSCALL_MASKED_EQ, INT, 50}}},
        {"setsockopt", {{1, SYSCALL_MASKED_EQ, INT, 1}, {2, SYSCALL_MASKED_EQ, INT, 51}}},
        {"setsockopt", {{1, SYSCALL_MASKED_EQ, INT, 1}, {2, SYSCALL_MASKED_EQ, INT, 52}}},
        {"socket", {{0, SYSCALL_MASKED_EQ, INT, 38}}},
        {"socket", {{0, SYSCALL_MASKED_EQ, INT, 10}}},
        {"socket", {{0, SYSCALL_EQ, 17, 0}}},
        {"personality", {{0, SYSCALL_EQ, 8, 0}}},
        {"fchmodat", {{2, SYSCALL_MASKED_EQ, 04000, 04000}}},
        {"fchmodat", {{2, SYSCALL_MASKED_EQ, 02000, 02000}}},
        {"kexec_load", {{0}}},
};

#define USUAL_BASE                                                                                                       \
        ENGINE("{\"names\": [\"unshare\", \"setsockopt\", \"fchmodat\", \"read\"], \"action\": \"SCMP_ACT_ALLOW\"},"         \
               "{\"names\": [\"clone\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 2080505856, "     \
               "\"valueTwo\": 0, \"op\": \"SCMP_CMP_MASKED_EQ\"}]},"                                                   \
               "{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 16, \"op\": "   \
               "\"SCMP_CMP_NE\"}]},"                                                                                    \
               "{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 2, \"value\": 9, \"op\": "    \
               "\"SCMP_CMP_NE\"}]},"                                                                                    \
               "{\"names\": [\"personality\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 0, "         \
               "\"op\": \"SCMP_CMP_EQ\"}]},"                                                                           \
               "{\"names\": [\"personality\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 8, "         \
               "\"op\": \"SCMP_CMP_EQ\"}]}")

static uint64_t usual_value(void)
{
        static const uint64_t values[] = {0, 1, 2, 3, 8, 9, 10, 16, 17, 25, 26, 27, 38, 49, 50, 51, 52, 53, 02000, 04000, 06755, 0x10000000, 0x7c020000,
                                          0x10000011, 0x11, UINT64_C(0x100000000), UINT64_C(0x10000001a), UINT64_MAX};

        return values[g_test_rand_int_range(0, G_N_ELEMENTS(values))];
}

static void check_usual(const Policy *p, const char *base_text)
{
        json_object *base = base_text ? json_tokener_parse(base_text) : NULL, *profile;
        g_autofree Filter *filter = g_new0(Filter, 1);
        g_autoptr(Diag) d = diag_new();

        if (oci_seccomp(p, &host, base, &profile, d) < 0)
                g_error("%s", ((const DiagMessage *)d->messages->pdata[0])->text);
        runtime_filter(profile, filter);
        for (unsigned k = 0; k < 20000; k++) {
                const char *name = usual_rules[k % G_N_ELEMENTS(usual_rules)].name;
                g_autofree char *before = NULL;
                bool clear, permitted;
                uint64_t x[6];

                for (unsigned i = 0; i < 6; i++)
                        x[i] = usual_value();
                before = base ? verdict(base, name, x, &clear) : g_strdup("SCMP_ACT_ALLOW");
                permitted = is_passing(before) && policy_permits(p, name, x);
                /* What no caller has for an int may be denied, where the engine denies what it does not know. */
                check_runtime(filter, name, x, permitted, base && !are_ints(x));
        }
        json_object_put(profile);
        json_object_put(base);
}

static void test_runtime(void)
{
        g_autoptr(Policy) p = new_policy();

        for (size_t i = 0; i < G_N_ELEMENTS(usual_rules); i++) {
                Rule *r = add_rule(p, usual_rules[i].name, SYSCALL_ERRNO);

                for (size_t k = 0; k < 4 && (usual_rules[i].args[k].op != 0 || usual_rules[i].args[k].value != 0); k++) {
                        if (!r->syscall.args)
                                r->syscall.args = g_array_new(FALSE, FALSE, sizeof(SyscallArg));
                        g_array_append_val(r->syscall.args, usual_rules[i].args[k]);
                }
        }
        check_usual(p, NULL);
        check_usual(p, USUAL_BASE);
}

static void test_bad_base(void)
{
        static const char *const bad[] = {
                "",
                "{",
                "[]",
                "{}",
                "{\"defaultAction\": 1}",
                "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}",
                "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [1]}",
                "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [1], \"action\": \"SCMP_ACT_ERRNO\"}]}",
                "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"a\"]}]}",
                "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"a\"], \"action\": \"SCMP_ACT_ERRNO\", "
                "\"args\": [{\"index\": 6, \"value\": 0, \"op\": \"SCMP_CMP_EQ\"}]}]}",
                "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"a\"], \"action\": \"SCMP_ACT_ERRNO\", "
                "\"args\": [{\"index\": 0, \"value\": 0, \"op\": \"SCMP_CMP_IS\"}]}]}",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(Policy) p = new_policy();
                g_autoptr(Diag) d = diag_new();
                g_autofree char *text = NULL;

                g_assert_cmpint(export_policy(p, EXPORT_OCI_SECCOMP, &host, bad[i], &text, d), ==, -EBADMSG);
                g_assert_cmpuint(d->n_errors, ==, 1);
        }
}

static void test_apparmor(void)
{
        g_autoptr(Policy) p = new_policy();
        char *patterns[] = {(char *)"/srv/**", NULL};
        Rule *r = rule_new(OP_FILE);
        g_autofree char *text = NULL, *none = NULL;
        g_autoptr(Diag) d = diag_new();

        g_assert_cmpint(export_policy(p, EXPORT_APPARMOR, &host, NULL, &none, d), ==, -EOPNOTSUPP);
        p->enforcers |= 1U << ENFORCER_APPARMOR;
        add_rule(p, "ptrace", SYSCALL_ERRNO);
        r->id = g_strdup("files[0]");
        r->qualifiers = RULE_DENY;
        r->file = (FileRule){.patterns = g_strdupv(patterns), .perms = PERM_WRITE};
        g_ptr_array_add(p->rules, r);
        policy_seal(p);
        g_assert_cmpint(export_policy(p, EXPORT_APPARMOR, &host, NULL, &text, d), ==, 0);
        g_assert_nonnull(strstr(text, "varmor.p"));
        g_assert_nonnull(strstr(text, "  # files[0]\n  deny \"/srv{,/,/**}\" wl,\n"));
        g_assert_cmpuint(d->n_warnings, ==, 1); /* system calls are not in there */
}

static void test_formats(void)
{
        for (int i = 0; i < _EXPORT_FORMAT_MAX; i++)
                g_assert_cmpint(export_format_from_string(export_format_to_string((ExportFormat)i)), ==, i);
        g_assert_cmpint(export_format_from_string("json"), <, 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/export/formats", test_formats);
        g_test_add_func("/export/region", test_region);
        g_test_add_func("/export/region-ints", test_region_ints);
        g_test_add_func("/export/merge", test_merge);
        g_test_add_func("/export/unconditional", test_unconditional);
        g_test_add_func("/export/flag", test_flag);
        g_test_add_func("/export/runtime", test_runtime);
        g_test_add_func("/export/bad-base", test_bad_base);
        g_test_add_func("/export/apparmor", test_apparmor);
        return g_test_run();
}
