/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See seccomp-engine.h. It shares nothing with the compiler, and reads the profile by json-c. */

#include "seccomp-engine.h"

#include <errno.h>
#include <json-c/json.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

char *engine_default_profile(void)
{
        g_autofree char *cached = g_build_filename(g_get_user_cache_dir(), "varmor-tests", "seccomp.json", NULL);
        char *json = NULL;

        if (!g_file_get_contents("/usr/share/containers/seccomp.json", &json, NULL, NULL))
                (void)g_file_get_contents(cached, &json, NULL, NULL);
        return json;
}

static const char *text(json_object *o, const char *key)
{
        json_object *v = json_object_object_get(o, key);

        return v ? json_object_get_string(v) : NULL;
}

static uint64_t number(json_object *o, const char *key, uint64_t otherwise)
{
        json_object *v = json_object_object_get(o, key);

        return v ? json_object_get_uint64(v) : otherwise;
}

static size_t length(json_object *list)
{
        return list ? json_object_array_length(list) : 0;
}

static bool has(json_object *list, const char *word)
{
        for (size_t i = 0; i < length(list); i++)
                if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)), word) == 0)
                        return true;
        return false;
}

static const char *const caps[] = {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
                                   "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT", "CAP_MKNOD",
                                   "CAP_AUDIT_WRITE", "CAP_SETFCAP", NULL};

static bool kernel_is(json_object *condition, const uint16_t kernel[2])
{
        const char *s = text(condition, "minKernel");
        unsigned major = 0, minor = 0;

        return s && sscanf(s, "%u.%u", &major, &minor) == 2 && (kernel[0] > major || (kernel[0] == major && kernel[1] >= minor));
}

static bool is_included(json_object *entry, const uint16_t kernel[2])
{
        json_object *in = json_object_object_get(entry, "includes"), *ex = json_object_object_get(entry, "excludes");
        json_object *list = in ? json_object_object_get(in, "caps") : NULL;

        for (size_t i = 0; i < length(list); i++)
                if (!g_strv_contains(caps, json_object_get_string(json_object_array_get_idx(list, i))))
                        return false;
        list = in ? json_object_object_get(in, "arches") : NULL;
        if (length(list) > 0 && !has(list, "amd64"))
                return false;
        if (in && text(in, "minKernel") && !kernel_is(in, kernel))
                return false;
        list = ex ? json_object_object_get(ex, "caps") : NULL;
        for (size_t i = 0; i < length(list); i++)
                if (g_strv_contains(caps, json_object_get_string(json_object_array_get_idx(list, i))))
                        return false;
        return !ex || (!has(json_object_object_get(ex, "arches"), "amd64") && !kernel_is(ex, kernel));
}

static uint32_t action(const char *word, uint64_t errno_ret)
{
        return strcmp(word, "SCMP_ACT_ALLOW") == 0          ? SCMP_ACT_ALLOW
               : strcmp(word, "SCMP_ACT_LOG") == 0          ? SCMP_ACT_LOG
               : strcmp(word, "SCMP_ACT_TRAP") == 0         ? SCMP_ACT_TRAP
               : strcmp(word, "SCMP_ACT_TRACE") == 0        ? SCMP_ACT_TRACE(errno_ret)
               : strcmp(word, "SCMP_ACT_KILL_PROCESS") == 0 ? SCMP_ACT_KILL_PROCESS
               : strncmp(word, "SCMP_ACT_KILL", 13) == 0    ? SCMP_ACT_KILL_THREAD
                                                            : SCMP_ACT_ERRNO(errno_ret);
}

static enum scmp_compare comparison(const char *word)
{
        static const char *const words[] = {"", "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT",
                                            "SCMP_CMP_MASKED_EQ"};

        for (size_t i = 1; i < G_N_ELEMENTS(words); i++)
                if (strcmp(words[i], word) == 0)
                        return (enum scmp_compare)i;
        g_error("%s", word);
}

/* crun: if any argument has two conditions, each condition is a rule of its own. */
static void add_call(scmp_filter_ctx ctx, int nr, uint32_t act, json_object *args)
{
        struct scmp_arg_cmp list[6];
        unsigned per_index[6] = {0}, n = 0;
        bool alternatives = false;

        for (size_t i = 0; i < length(args) && i < 6; i++) {
                json_object *a = json_object_array_get_idx(args, i);

                list[n] = (struct scmp_arg_cmp){.arg = (unsigned)number(a, "index", 0), .op = comparison(text(a, "op")),
                                                .datum_a = number(a, "value", 0), .datum_b = number(a, "valueTwo", 0)};
                alternatives |= per_index[list[n].arg]++ > 0;
                n++;
        }
        if (!alternatives)
                g_assert_cmpint(seccomp_rule_add_array(ctx, act, nr, n, list), ==, 0);
        for (unsigned i = 0; alternatives && i < n; i++)
                g_assert_cmpint(seccomp_rule_add_array(ctx, act, nr, 1, list + i), ==, 0);
}

static void add_entries(scmp_filter_ctx ctx, json_object *profile, uint32_t otherwise, const uint16_t kernel[2])
{
        json_object *entries = json_object_object_get(profile, "syscalls");

        for (size_t i = 0; i < length(entries); i++) {
                json_object *e = json_object_array_get_idx(entries, i), *names = json_object_object_get(e, "names");
                uint32_t act = action(text(e, "action"), number(e, "errnoRet", EPERM));

                if (act == otherwise || !is_included(e, kernel))
                        continue;
                for (size_t n = 0; n < length(names); n++) {
                        int nr = seccomp_syscall_resolve_name(json_object_get_string(json_object_array_get_idx(names, n)));

                        if (nr != __NR_SCMP_ERROR)
                                add_call(ctx, nr, act, json_object_object_get(e, "args"));
                }
        }
}

static void add_arches(scmp_filter_ctx ctx, json_object *profile)
{
        json_object *map = json_object_object_get(profile, "archMap"), *list = json_object_object_get(profile, "architectures");

        for (size_t i = 0; i < length(map); i++)
                if (strcmp(text(json_object_array_get_idx(map, i), "architecture"), "SCMP_ARCH_X86_64") == 0)
                        list = json_object_object_get(json_object_array_get_idx(map, i), "subArchitectures");
        if (has(list, "SCMP_ARCH_X86"))
                g_assert_cmpint(seccomp_arch_add(ctx, SCMP_ARCH_X86), ==, 0);
        if (has(list, "SCMP_ARCH_X32"))
                g_assert_cmpint(seccomp_arch_add(ctx, SCMP_ARCH_X32), ==, 0);
}

GArray *engine_filter(const char *json, const uint16_t kernel[2], bool tree)
{
        GArray *code = g_array_new(FALSE, FALSE, sizeof(struct sock_filter));
        json_object *profile = json_tokener_parse(json);
        uint32_t otherwise;
        scmp_filter_ctx ctx;
        int fd = memfd_create("filter", MFD_CLOEXEC);
        off_t size;

        g_assert_nonnull(profile);
        otherwise = action(text(profile, "defaultAction"), number(profile, "defaultErrnoRet", EPERM));
        ctx = seccomp_init(otherwise);
        if (tree)
                g_assert_cmpint(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2), ==, 0);
        add_arches(ctx, profile);
        add_entries(ctx, profile, otherwise, kernel);
        g_assert_cmpint(seccomp_export_bpf(ctx, fd), ==, 0);
        size = lseek(fd, 0, SEEK_END);
        g_assert_cmpint(size, >, 0);
        g_array_set_size(code, (guint)size / (guint)sizeof(struct sock_filter));
        g_assert_cmpint(pread(fd, code->data, (size_t)size, 0), ==, size);
        close(fd);
        seccomp_release(ctx);
        json_object_put(profile);
        return code;
}
