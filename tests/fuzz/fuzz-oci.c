/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes -> what a container engine hands to the hook, the profile in it, and what hook and varmord write for each other: what is
 * taken is well formed, and what comes out is JSON again. */

#include <errno.h>
#include <string.h>

#include "containers.h"
#include "export.h"
#include "fuzz.h"
#include "oci/spec.h"

static void check_container(const Container *c)
{
        FUZZ_CHECK(container_id_is_valid(c->id));
        FUZZ_CHECK(container_cgroup_is_valid(c->cgroup));
        FUZZ_CHECK(c->name && c->image);
}

static void try_files(const uint8_t *data, size_t size)
{
        g_autoptr(GBytes) bytes = g_bytes_new(data, size), told = NULL;
        g_autoptr(GPtrArray) policies = NULL;
        g_autoptr(Container) c = NULL, again = NULL;

        if (container_from_bytes(bytes, &c) == 0) {
                check_container(c);
                told = container_to_bytes(c);
                FUZZ_CHECK(container_from_bytes(told, &again) == 0);
        }
        if (container_policies_from_bytes(bytes, &policies) == 0)
                for (guint i = 0; c && i < policies->len; i++) {
                        const ContainerPolicy *p = policies->pdata[i];

                        (void)container_matches(c, &p->target, p->slice);
                }
}

static Policy *new_policy(void)
{
        Policy *p = policy_new();
        const char *names[] = {"clone", "mount", NULL};
        SyscallArg a = {.index = 0, .op = SYSCALL_MASKED_EQ, .value = 0x10000000, .value_two = 0x10000000};
        Rule *r = rule_new(OP_SYSCALL);

        p->full_name = g_strdup("p");
        p->enforcers = 1U << ENFORCER_SECCOMP;
        p->mode = MODE_ENHANCE_PROTECT;
        r->id = g_strdup("r");
        r->qualifiers = RULE_DENY;
        r->syscall = (SyscallRule){.names = g_strdupv((char **)names), .action = SYSCALL_ERRNO, .errno_ret = -1};
        r->syscall.args = g_array_new(FALSE, FALSE, sizeof(SyscallArg));
        g_array_append_val(r->syscall.args, a);
        g_ptr_array_add(p->rules, r);
        return p;
}

static void try_json(const uint8_t *data, size_t size)
{
        const SeccompHost host = {.native = ARCH_X86_64, .kernel = {6, 12}};
        g_autofree char *text = g_strndup((const char *)data, size), *out = NULL;
        g_autoptr(Policy) p = new_policy();
        json_object *spec = json_tokener_parse(text), *again;
        g_autoptr(Container) c = NULL;
        g_autoptr(Diag) d = diag_new();
        const char *why;

        if (export_policy(p, EXPORT_OCI_SECCOMP, &host, text, &out, d) == 0) {
                again = json_tokener_parse(out);
                FUZZ_CHECK(again);
                json_object_put(again);
        } else
                FUZZ_CHECK(d->n_errors > 0);
        if (json_object_is_type(spec, json_type_object)) {
                (void)spec_container(spec, &c, &why);
                check_container(c);
                spec_read_storage(spec, c, "/nonexistent");
                spec_add_apparmor(spec, "varmor.p");
                (void)spec_seccomp(spec);
                spec_set_seccomp(spec, json_object_new_object());
                FUZZ_CHECK(spec_seccomp(spec));
        }
        json_object_put(spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        try_files(data, size);
        try_json(data, size);
        return 0;
}

static const char *const texts[] = {
        "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, \"architectures\": [\"SCMP_ARCH_X86_64\"], \"syscalls\": ["
        "{\"names\": [\"clone\", \"mount\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{\"index\": 0, \"value\": 2114060288, "
        "\"valueTwo\": 0, \"op\": \"SCMP_CMP_MASKED_EQ\"}], \"includes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}}, "
        "{\"names\": [\"clone\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1, \"args\": [{\"index\": 2, \"value\": 7, \"op\": "
        "\"SCMP_CMP_GE\"}]}]}",
        "{\"ociVersion\": \"1.0.2\", \"process\": {\"args\": [\"true\"], \"apparmorProfile\": \"containers-default\"}, \"root\": {\"path\": "
        "\"/var/lib/containers/storage/overlay/x/merged\"}, \"mounts\": [{\"source\": \"/run/containers/storage/overlay-containers/"
        "d5efa8d1720aaea6ea4bdd02bc421aa1b536d8a8c0b23c635aace730d2472b19/userdata/hosts\"}], \"annotations\": {\"a\": \"b\"}, \"linux\": "
        "{\"cgroupsPath\": \"machine.slice:libpod:d5efa8d1720aaea6ea4bdd02bc421aa1b536d8a8c0b23c635aace730d2472b19\", \"seccomp\": {}}}",
};

static void mutate(GRand *rand, const void *data, size_t size)
{
        for (unsigned i = 0; i < 10000; i++) {
                g_autofree uint8_t *copy = g_memdup2(data, size);

                for (int n = g_rand_int_range(rand, 1, 4); n > 0; n--)
                        copy[g_rand_int_range(rand, 0, (gint32)size)] = (uint8_t)g_rand_int_range(rand, 0, 128);
                (void)LLVMFuzzerTestOneInput(copy, i % 7 ? size : (size_t)g_rand_int_range(rand, 0, (gint32)size));
        }
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(5);
        g_autoptr(Container) c = container_new("id", "/machine.slice/x.scope");
        g_autoptr(GPtrArray) policies = g_ptr_array_new_with_free_func((GDestroyNotify)container_policy_free);
        g_autoptr(GBytes) one = NULL, two = NULL;
        ContainerPolicy *p = g_new0(ContainerPolicy, 1);
        SelectorTerm *t = g_new0(SelectorTerm, 1);
        gsize size;

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                mutate(rand, texts[i], strlen(texts[i]));
                emit(i == 0 ? "profile" : "spec", texts[i], strlen(texts[i]), userdata);
        }
        g_hash_table_insert(c->labels, g_strdup("tier"), g_strdup("gold"));
        one = container_to_bytes(c);
        mutate(rand, g_bytes_get_data(one, &size), g_bytes_get_size(one));
        emit("container", g_bytes_get_data(one, NULL), g_bytes_get_size(one), userdata);
        *t = (SelectorTerm){.key = g_strdup("tier"), .op = SELECTOR_IN, .values = g_strsplit("gold", " ", -1)};
        *p = (ContainerPolicy){.full_name = g_strdup("p"), .target = {.kind = TARGET_CONTAINER}, .enforcers = 2};
        p->target.selector = g_ptr_array_new_with_free_func((GDestroyNotify)selector_term_free);
        g_ptr_array_add(p->target.selector, t);
        g_ptr_array_add(policies, p);
        two = container_policies_to_bytes(policies);
        mutate(rand, g_bytes_get_data(two, &size), g_bytes_get_size(two));
        emit("policies", g_bytes_get_data(two, NULL), g_bytes_get_size(two), userdata);
}
