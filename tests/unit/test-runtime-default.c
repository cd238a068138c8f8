/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* RuntimeDefault: its list of system calls against that of a container engine, read by something else; what is denied in silence;
 * and by what name an alarm has it. */

#include <errno.h>
#include <glib.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/syscall.h>

#include "policy-parse.h"
#include "seccomp-engine.h"
#include "seccomp/compile.h"
#include "seccomp/filter.h"
#include "seccomp/interpret.h"
#include "seccomp/oci.h"
#include "seccomp/rule-table.h"
#include "seccomp/syscalls.h"

static const SeccompHost host = {.native = ARCH_X86_64, .kernel = {6, 1}};

static Profile *compile(const Policy *p)
{
        g_autoptr(Diag) d = diag_new();
        Profile *profile = NULL;

        g_assert_cmpint(seccomp_compile_for(p, &host, &profile, d), ==, 0);
        g_assert_cmpuint(d->messages->len, ==, 0);
        return profile;
}

static uint32_t run(const Profile *p, const struct seccomp_data *data)
{
        uint32_t ret = 0;

        g_assert_cmpint(seccomp_ret_of(p->blob, data, &ret), ==, 0);
        return ret;
}

/* Its list of system calls, as a policy of this mode has it. */
static Policy *runtime_default(void)
{
        g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "../../conf/rules.d/runtime-default.yaml", NULL), *text = NULL;
        g_autoptr(Catalogue) c = catalogue_new();
        g_autoptr(Diag) d = diag_new();
        Policy *p = policy_new();
        const NamedRule *named;
        gsize size;

        g_assert_true(g_file_get_contents(path, &text, &size, NULL));
        g_assert_cmpint(catalogue_parse(c, text, size, "/usr/lib/varmor/rules.d/runtime-default.yaml", NULL, d), ==, 0);
        catalogue_seal(c);
        named = catalogue_find(c, RULE_ID_RUNTIME_DEFAULT);
        g_assert_nonnull(named);
        p->full_name = g_strdup("default");
        p->mode = MODE_RUNTIME_DEFAULT;
        p->enforcers = 1U << ENFORCER_SECCOMP;
        p->audit_violations = true;
        p->depth[ENFORCER_SECCOMP] = named->seccomp;
        g_assert_cmpint(policy_add_named(p, named, RULE_DEFAULT, NULL, NULL), ==, 0);
        for (guint i = p->rules->len; i > 0; i--)
                if (((const Rule *)p->rules->pdata[i - 1])->kind != OP_SYSCALL)
                        g_ptr_array_remove_index(p->rules, i - 1);
        return p;
}

/* What is meant to differ from the engine's profile: by name, who lets more through. */
static GHashTable *read_differences(void)
{
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", "vm", "lib", "runtime-default-differences", NULL), *text = NULL;
        GHashTable *differences = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_auto(GStrv) lines = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        lines = g_strsplit(text, "\n", -1);
        for (char **l = lines; *l; l++) {
                g_auto(GStrv) words = g_strsplit(*l, " ", 3);

                if (!**l || **l == '#')
                        continue;
                g_assert_cmpuint(g_strv_length(words), ==, 3); /* each has a reason */
                g_assert_true(strcmp(words[1], "ours") == 0 || strcmp(words[1], "theirs") == 0);
                g_assert_true(g_hash_table_insert(differences, g_strdup(words[0]), g_strdup(words[1])));
        }
        return differences;
}

static bool is_let_through(uint32_t ret)
{
        return ret == SECCOMP_RET_ALLOW;
}

/* Both deny: with containerd's error, where theirs says for what it does not name that there is no such call. */
static void compare_errors(const struct seccomp_data *data, const char *name, uint32_t ours, uint32_t theirs)
{
        uint32_t want = name && strcmp(name, "clone3") == 0 ? ENOSYS : EPERM;

        if (ours != (SECCOMP_RET_ERRNO | want) || (theirs != (SECCOMP_RET_ERRNO | EPERM) && theirs != (SECCOMP_RET_ERRNO | ENOSYS)))
                g_error("call %d (%s) of %x: %x, %x in the engine", data->nr, name, data->arch, ours, theirs);
}

static void compare_call(const struct seccomp_data *data, uint32_t ours, uint32_t theirs, GHashTable *differences, GHashTable *seen)
{
        g_autofree char *name = syscall_name(data->arch, (uint32_t)data->nr);
        const char *meant = name ? g_hash_table_lookup(differences, name) : NULL, *more = is_let_through(ours) ? "ours" : "theirs";

        if (!is_let_through(ours) && !is_let_through(theirs)) {
                compare_errors(data, name, ours, theirs);
                return;
        }
        if (is_let_through(ours) == is_let_through(theirs))
                return;
        if (g_strcmp0(meant, more) != 0)
                g_error("%s (%d of %x, %llx %llx %llx): %x, %x in the engine; %s let it through", name, data->nr, data->arch,
                        data->args[0], data->args[1], data->args[2], ours, theirs, more);
        g_hash_table_add(seen, g_steal_pointer(&name));
}

/* What only we know, libseccomp cannot put into a filter. */
static bool is_newer(uint32_t arch, uint32_t nr)
{
        g_autofree char *ours = syscall_name(arch, nr);

        return ours && seccomp_syscall_resolve_name(ours) == __NR_SCMP_ERROR;
}

/* Around what conditions compare with, and what is no number of 32 bits. */
static uint64_t some_arg(GRand *rand)
{
        static const uint64_t plain[] = {0, 8, 9, 16, 38, 39, 40, 0x11, 0x10000, 0x20000, 0x20008, 0x02000000, 0x10000000, 0x7e020000,
                                         UINT32_MAX, 0x100000000, 0x10000000000, UINT64_MAX};

        return plain[g_rand_int_range(rand, 0, G_N_ELEMENTS(plain))] + (uint64_t)g_rand_int_range(rand, -1, 2);
}

/* Every number of every ABI with several sets of arguments, against the profile of Debian's container engine. */
static void test_runtime_default(void)
{
        static const struct {
                uint32_t arch, base;
                bool narrow;
        } abis[] = {{AUDIT_ARCH_X86_64, 0, false}, {AUDIT_ARCH_I386, 0, true}, {AUDIT_ARCH_X86_64, X32_SYSCALL_BIT, true}};
        g_autoptr(GHashTable) differences = read_differences(), seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autofree char *json = engine_default_profile();
        g_autoptr(GRand) rand = g_rand_new_with_seed(13);
        g_autoptr(Policy) p = runtime_default();
        g_autoptr(Profile) profile = compile(p);
        g_autoptr(GArray) theirs = NULL;
        GHashTableIter i;
        gpointer name;

        if (!json) {
                g_test_skip(ENGINE_DEFAULT_MISSING);
                return;
        }
        theirs = engine_filter(json, host.kernel, false);
        for (size_t a = 0; a < G_N_ELEMENTS(abis); a++)
                for (uint32_t nr = 0; nr < 620; nr++)
                        for (unsigned n = 0; n < 60 && !is_newer(abis[a].arch, abis[a].base + nr); n++) {
                                struct seccomp_data data = {.nr = (int)(abis[a].base + nr), .arch = abis[a].arch};

                                for (size_t k = 0; k < G_N_ELEMENTS(data.args); k++)
                                        data.args[k] = abis[a].narrow ? (uint32_t)some_arg(rand) : some_arg(rand);
                                compare_call(&data, run(profile, &data), filter_run((void *)theirs->data, theirs->len, &data),
                                             differences, seen);
                        }
        g_hash_table_iter_init(&i, differences);
        while (g_hash_table_iter_next(&i, &name, NULL))
                if (!g_hash_table_contains(seen, name))
                        g_error("no difference in %s", (char *)name);
        g_test_message("%u instructions of libseccomp, %u of ours", theirs->len, profile->n_states);
}

/* The second filter denies clone3 and nothing else, and only where the first one reports. */
static void test_quiet(void)
{
        g_autoptr(Policy) p = runtime_default();
        g_autoptr(Profile) loud = compile(p), silent = NULL;
        const char *bytes = g_bytes_get_data(loud->blob, NULL);
        FilterHeader h = {0}, none = {0};
        const struct sock_filter *code;
        struct seccomp_data data = {.arch = AUDIT_ARCH_X86_64};

        g_assert_cmpint(filter_check(bytes, g_bytes_get_size(loud->blob), &h), ==, 0);
        g_assert_cmpuint(h.flags, ==, FILTER_LOG);
        g_assert_cmpuint(h.n_quiet, >, 0);
        code = (const void *)(bytes + sizeof(h));
        for (data.nr = 0; data.nr < 620; data.nr++)
                g_assert_cmphex(filter_run(code + filter_n_loud(&h), h.n_quiet, &data), ==,
                                data.nr == SYS_clone3 ? SECCOMP_RET_ERRNO | ENOSYS : SECCOMP_RET_ALLOW);
        p->mode = MODE_ENHANCE_PROTECT;
        p->audit_violations = false;
        silent = compile(p);
        bytes = g_bytes_get_data(silent->blob, NULL);
        g_assert_cmpint(filter_check(bytes, g_bytes_get_size(silent->blob), &none), ==, 0);
        g_assert_cmpuint(none.n_quiet, ==, 0);
        g_assert_cmpuint(none.flags, ==, 0);
}

static GArray *on_trial(Policy *p, json_object *base)
{
        g_autoptr(Diag) d = diag_new();
        json_object *profile = NULL;
        GArray *filter;

        p->allow_violations = true;
        g_assert_cmpint(oci_seccomp(p, &host, base, &profile, d), ==, 0);
        filter = engine_filter(json_object_to_json_string(profile), host.kernel, false);
        json_object_put(profile);
        json_object_put(base);
        return filter;
}

/* Nor is it told of in a container on trial. */
static void test_quiet_container(void)
{
        g_autoptr(Policy) p = runtime_default();
        g_autoptr(GArray) filter = on_trial(p, json_tokener_parse("{\"defaultAction\": \"SCMP_ACT_ALLOW\"}"));
        struct seccomp_data data = {.arch = AUDIT_ARCH_X86_64, .nr = SYS_mount};

        g_assert_cmphex(filter_run((void *)filter->data, filter->len, &data), ==, SECCOMP_RET_LOG);
        data.nr = SYS_clone3;
        g_assert_cmphex(filter_run((void *)filter->data, filter->len, &data), ==, SECCOMP_RET_ALLOW);
}

/* What the list denies is of its rule, whether an entry says so or nothing does; and clone3 is nothing to tell of. */
static void test_default_named(void)
{
        g_autoptr(Policy) p = runtime_default();
        g_autoptr(Profile) profile = compile(p);
        const uint64_t args[6] = {0};
        SeccompCall call = {.arch = AUDIT_ARCH_X86_64, .action = SECCOMP_RET_ERRNO, .args = args};
        static const uint32_t denied[] = {SYS_mount, SYS_clone3, SYS_bpf, 183};

        for (size_t i = 0; i < G_N_ELEMENTS(denied); i++)
                for (int known = 0; known <= 1; known++) {
                        g_auto(SeccompAnswer) a = {0};

                        call.nr = denied[i];
                        call.args = known ? args : NULL;
                        g_assert_true(seccomp_explain(profile->blob, &call, &a));
                        g_assert_cmpuint(a.rules->len, ==, 1);
                        g_assert_cmpstr(a.names->str, ==, "runtime-default");
                        g_assert_cmpint(a.told, ==, ACTION_DENIED);
                        g_assert_true(a.quiet == (call.nr == SYS_clone3));
                }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/runtime-default/engine", test_runtime_default);
        g_test_add_func("/runtime-default/quiet", test_quiet);
        g_test_add_func("/runtime-default/quiet-container", test_quiet_container);
        g_test_add_func("/runtime-default/named", test_default_named);
        return g_test_run();
}
