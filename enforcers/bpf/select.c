/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Select: each program has its place by the name of its section; which that is in the kernel depends on what the kernel offers. */

#include "select.h"

#include <bpf/btf.h>
#include <glib.h>
#include <string.h>

#include "abi.h"
#include "varmor.skel.h"

static unsigned count_parameters(const struct btf *btf, const char *function)
{
        int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
        const struct btf_type *t = id > 0 ? btf__type_by_id(btf, btf__type_by_id(btf, id)->type) : NULL;

        return t ? btf_vlen(t) : 0;
}

/* The function that calls the hook @hook. */
static char *caller_of(const char *hook)
{
        return g_strconcat("security_", strcmp(hook, "bprm_check_security") == 0 ? "bprm_check" : hook, NULL);
}

/* Where the program of the section @section is attached: a function of the kernel; NULL: at a tracepoint. */
static char *function_of(bool traced, const char *section)
{
        if (g_str_has_prefix(section, "lsm/"))
                return traced ? caller_of(section + strlen("lsm/")) : g_strconcat("bpf_lsm_", section + strlen("lsm/"), NULL);
        if (g_str_has_prefix(section, "fentry/") || g_str_has_prefix(section, "fexit/"))
                return g_strdup(strchr(section, '/') + 1);
        return NULL;
}

/* Is there another program in place of this one? One function has other arguments than the hook that it calls. */
static bool is_for_others(bool traced, const char *section)
{
        return traced ? strcmp(section, "lsm/mmap_file") == 0 : g_str_has_prefix(section, "fexit/");
}

static int trace(struct bpf_program *program, const char *function)
{
        int r = bpf_program__set_type(program, BPF_PROG_TYPE_TRACING);

        if (r >= 0)
                r = bpf_program__set_expected_attach_type(program, BPF_TRACE_FEXIT);
        return r < 0 ? r : bpf_program__set_attach_target(program, 0, function);
}

int select_programs(struct varmor_bpf *skel, bool traced)
{
        struct btf *btf = btf__load_vmlinux_btf();
        struct bpf_program *program;
        int r = 0;

        skel->rodata->va_traced = traced;
        skel->rodata->va_setattr_idmap = traced || (btf && count_parameters(btf, "bpf_lsm_inode_setattr") == 3);
        bpf_object__for_each_program(program, skel->obj)
        {
                const char *section = bpf_program__section_name(program);
                g_autofree char *function = function_of(traced, section);

                if (!function || r < 0)
                        continue;
                if (is_for_others(traced, section) || (btf && btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) < 0))
                        (void)bpf_program__set_autoload(program, false);
                else if (traced && g_str_has_prefix(section, "lsm/"))
                        r = trace(program, function);
        }
        btf__free(btf);
        return r;
}
