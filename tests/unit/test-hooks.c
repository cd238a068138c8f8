/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of hooks against the programs that there are. */

#include <glib.h>
#include <string.h>

#include "hooks.h"
#include "varmor.skel.h"

static bool in_list(const char *program)
{
        for (unsigned i = 0; hook_name(i); i++)
                if (strcmp(hook_name(i), program) == 0)
                        return true;
        return false;
}

static void test_all_programs(void)
{
        struct varmor_bpf *skel = varmor_bpf__open();
        struct bpf_program *program;
        unsigned n = 0, missing = 0;

        g_assert_nonnull(skel);
        bpf_object__for_each_program(program, skel->obj)
        {
                const char *name = bpf_program__name(program);

                if (!in_list(name)) {
                        g_test_message("%s (%s) is not in hooks.c: what is it needed for?", name,
                                       bpf_program__section_name(program));
                        missing++;
                }
                n++;
        }
        g_assert_cmpuint(n, >, 0);
        g_assert_cmpuint(missing, ==, 0);
        varmor_bpf__destroy(skel);
}

static void test_no_others(void)
{
        struct varmor_bpf *skel = varmor_bpf__open();

        g_assert_nonnull(skel);
        for (unsigned i = 0; hook_name(i); i++) {
                g_test_message("%s", hook_name(i));
                g_assert_nonnull(bpf_object__find_program_by_name(skel->obj, hook_name(i)));
                for (unsigned k = 0; k < i; k++)
                        g_assert_cmpstr(hook_name(i), !=, hook_name(k));
        }
        varmor_bpf__destroy(skel);
}

/* Tracepoints, fork and exec, and nothing else, track who is who. */
static void test_core(void)
{
        struct varmor_bpf *skel = varmor_bpf__open();
        struct bpf_program *program;

        g_assert_nonnull(skel);
        bpf_object__for_each_program(program, skel->obj)
        {
                const char *section = bpf_program__section_name(program);
                bool core = g_str_has_prefix(section, "tp_btf/cgroup_") || g_str_has_prefix(section, "lsm/bprm_") ||
                            strcmp(section, "lsm/task_alloc") == 0;

                g_test_message("%s", bpf_program__name(program));
                g_assert_cmpint((hook_needs(bpf_program__name(program)) & VA_NEED_CORE) != 0, ==, core);
                g_assert_cmpuint(hook_needs(bpf_program__name(program)), !=, 0);
        }
        varmor_bpf__destroy(skel);
}

static bool is_needed_somewhere(uint32_t need)
{
        for (unsigned i = 0; hook_name(i); i++)
                if (hook_needs(hook_name(i)) & need)
                        return true;
        return false;
}

static void test_needs(void)
{
        struct va_table table = {};

        g_assert_cmphex(hook_needs("va_file_open"), ==, VA_NEED_FILE);
        g_assert_true(hook_needs("va_mount") & VA_NEED_FILE);
        g_assert_true(hook_needs("va_mount") & VA_NEED_KIND(OP_MOUNT));
        g_assert_false(hook_needs("va_mount") & VA_NEED_KIND(OP_SIGNAL));
        g_assert_cmphex(hook_needs("va_unheard_of"), ==, VA_NEED_ANY);
        g_assert_cmphex(hook_needs_of_policy(&table), ==, VA_NEED_CORE | VA_NEED_FILE);
        for (OpKind k = 0; k <= OP_BPF; k++)
                g_assert_true(is_needed_somewhere(VA_NEED_KIND(k)));
        g_assert_true(is_needed_somewhere(VA_NEED_KIND(VA_KIND_NAMED)));
        g_assert_false(hook_needs("va_setsockopt") & (VA_NEED_FILE | VA_NEED_CORE));
        table.kinds = 1U << VA_KIND_SIGNAL;
        g_assert_cmphex(hook_needs_of_policy(&table), ==, VA_NEED_CORE | VA_NEED_FILE | VA_NEED_KIND(OP_SIGNAL));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/hooks/all-programs", test_all_programs);
        g_test_add_func("/hooks/no-others", test_no_others);
        g_test_add_func("/hooks/core", test_core);
        g_test_add_func("/hooks/needs", test_needs);
        return g_test_run();
}
