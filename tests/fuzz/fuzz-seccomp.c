/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A seccomp profile in the form of OCI, JSON or YAML, parsed and compiled; and any bytes as a filter file. */

#include <errno.h>
#include <linux/audit.h>
#include <string.h>

#include "fuzz.h"
#include "policy-ops.h"
#include "seccomp/compile.h"
#include "seccomp/dump.h"
#include "seccomp/filter.h"
#include "seccomp/interpret.h"
#include "seccomp/rule-table.h"
#include "yaml-tree.h"

static const SeccompHost hosts[] = {{ARCH_X86_64, {6, 1}}, {ARCH_S390X, {6, 12}}, {ARCH_MIPSEL64, {5, 4}}, {ARCH_LOONGARCH64, {7, 0}}};

/* Whatever the call is, it is answered, and what is answered is explained. */
static void check_calls(GBytes *blob, const uint8_t *data, size_t size)
{
        for (uint32_t nr = 0; nr < 64; nr++) {
                struct seccomp_data call = {.nr = (int)nr * 7, .arch = nr % 2 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_I386};
                uint32_t ret = SECCOMP_RET_ALLOW;
                SeccompCall c;
                g_auto(SeccompAnswer) answer = {0};
                bool explained;

                memcpy(call.args, data, MIN(size, sizeof(call.args)));
                if (call.arch == AUDIT_ARCH_I386)
                        for (size_t i = 0; i < G_N_ELEMENTS(call.args); i++)
                                call.args[i] &= UINT32_MAX;
                FUZZ_CHECK(seccomp_ret_of(blob, &call, &ret) == 0);
                c = (SeccompCall){.nr = (uint32_t)call.nr, .arch = call.arch, .action = ret, .args = (const uint64_t *)call.args};
                explained = seccomp_explain(blob, &c, &answer);
                FUZZ_CHECK(explained == ((ret & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ALLOW));
        }
}

static void check_policy(const Policy *p, const SeccompHost *host, const uint8_t *data, size_t size)
{
        g_autoptr(Profile) profile = NULL;
        g_autoptr(Diag) d = diag_new();
        int r = seccomp_compile_for(p, host, &profile, d);
        g_autofree char *dump = NULL;

        fuzz_check_diag(r, d);
        FUZZ_CHECK(r == 0 || r == -E2BIG);
        if (r < 0)
                return;
        FUZZ_CHECK(profile->why_not->len == p->rules->len);
        dump = seccomp_dump(p, host, profile->blob);
        FUZZ_CHECK(*dump);
        if (host->native == ARCH_X86_64)
                check_calls(profile->blob, data, size);
}

static void check_profile(const YamlNode *n, const uint8_t *data, size_t size)
{
        for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
                g_autoptr(Policy) p = policy_new();
                g_autoptr(Diag) d = diag_new();
                OpContext c = {.rules = p->rules, .allow_list = true, .prefix = "seccomp."};

                p->full_name = g_strdup("fuzz");
                p->pos = p->depth[ENFORCER_SECCOMP].pos = n->pos;
                p->mode = MODE_DEFENSE_IN_DEPTH;
                p->allow_violations = size % 2;
                p->depth[ENFORCER_SECCOMP].type = PROFILE_CUSTOM;
                ops_parse_seccomp_profile(n, "customProfile", &p->depth[ENFORCER_SECCOMP], &c, d);
                fuzz_check_diag(d->n_errors > 0 ? -EBADMSG : 0, d);
                if (d->n_errors == 0)
                        check_policy(p, &hosts[i], data, size);
        }
}

/* As a filter file: never a wild read, and no answer from what is damaged. */
static void check_file(const uint8_t *data, size_t size)
{
        g_autofree uint8_t *copy = g_memdup2(data, size);
        struct seccomp_data call = {.nr = 1, .arch = AUDIT_ARCH_X86_64};
        SeccompCall c = {.nr = 1, .arch = AUDIT_ARCH_X86_64, .action = SECCOMP_RET_ERRNO, .args = (const uint64_t *)call.args};
        g_auto(SeccompAnswer) one = {0}, two = {0};
        g_autoptr(GBytes) blob = NULL;
        FilterHeader h;
        uint32_t ret;

        if (size >= sizeof(h)) {
                /* So that the search gets past the sum. */
                memcpy(&h, copy, sizeof(h));
                memcpy(h.magic, FILTER_MAGIC, sizeof(h.magic));
                h.version = FILTER_VERSION;
                h.flags &= FILTER_FLAGS_ALL;
                h.n_insns %= FILTER_INSNS_MAX + 1;
                h.n_insns = (uint32_t)MIN(h.n_insns, (size - sizeof(h)) / sizeof(struct sock_filter));
                h.n_quiet %= MAX(h.n_insns, 1);
                h.unused = 0;
                h.extra_bytes = (uint32_t)(size - sizeof(h) - h.n_insns * sizeof(struct sock_filter));
                h.sum = filter_sum(&h, copy + sizeof(h), size - sizeof(h));
                memcpy(copy, &h, sizeof(h));
        }
        blob = g_bytes_new(copy, size);
        FUZZ_CHECK(size == 0 || seccomp_ret_of(blob, &call, &ret) == (filter_check(copy, size, &h) < 0 ? -EBADMSG : 0));
        (void)seccomp_explain(blob, &c, &one);
        c.args = NULL;
        (void)seccomp_explain(blob, &c, &two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(GPtrArray) documents = NULL;
        g_autoptr(Diag) d = diag_new();
        bool complete;
        int r = yaml_parse((const char *)data, size, "fuzz.json", &documents, &complete, d);

        fuzz_check_diag(r, d);
        for (guint i = 0; r >= 0 && i < documents->len && i < 4; i++)
                check_profile(documents->pdata[i], data, size);
        check_file(data, size);
        return 0;
}

/* ---- what is well-formed and too much ------------------------------------------------------------------------------------ */

static void emit_names(FuzzEmit emit, void *userdata)
{
        GString *s = g_string_new("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [");

        for (unsigned i = 0; i < 500; i++)
                g_string_append_printf(s, "%s{\"names\": [\"read\", \"write\", \"socket\", \"shmat\", \"chmod\", \"mseal\"], \"action\": \"%s\", "
                                          "\"args\": [{\"index\": %u, \"value\": %u, \"op\": \"SCMP_CMP_GE\"}]}",
                                       i ? ", " : "", i % 3 ? "SCMP_ACT_ALLOW" : "SCMP_ACT_TRAP", i % 6, i * 1000);
        g_string_append(s, "]}");
        fuzz_emit_string("many-entries", s, emit, userdata);
}

static void emit_args(FuzzEmit emit, void *userdata)
{
        GString *s = g_string_new("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"SCMP_ARCH_X86\"], \"syscalls\": [");

        for (unsigned i = 0; i < 60; i++) {
                g_string_append_printf(s, "%s{\"names\": [\"chmod\", \"clone\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": %u, \"args\": [",
                                       i ? ", " : "", i);
                for (unsigned a = 0; a < 64; a++)
                        g_string_append_printf(s, "%s{\"index\": %u, \"value\": %u, \"valueTwo\": %u, \"op\": \"SCMP_CMP_MASKED_EQ\"}",
                                               a ? ", " : "", a % 6, (i + 1) * (a + 1), a);
                g_string_append(s, "]}");
        }
        g_string_append(s, "]}");
        fuzz_emit_string("many-conditions", s, emit, userdata);
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        emit_names(emit, userdata);
        emit_args(emit, userdata);
        hostile_yaml(emit, userdata);
}
