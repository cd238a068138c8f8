/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A fragment over a good policy, read from files: whatever it says, the policy loads as merged or is refused with a reason. And
 * what a mode switch writes can be read back. */

#include <string.h>
#include <unistd.h>

#include "bpf/compile.h"
#include "fuzz.h"
#include "mode-fragment.h"
#include "policy-load.h"

#define FRAGMENT "run/varmor/policies.d/web.yaml.d/50-fuzz.yaml"

static const char base[] = "apiVersion: crd.varmor.org/v1beta1\n"
                           "kind: VarmorClusterPolicy\n"
                           "metadata: {name: web}\n"
                           "spec:\n"
                           "  target: {kind: Service, name: web.service}\n"
                           "  policy:\n"
                           "    enforcer: BPF\n"
                           "    mode: EnhanceProtect\n"
                           "    enhanceProtect:\n"
                           "      privileged: true\n"
                           "      bpfRawRules:\n"
                           "        files:\n"
                           "          - {pattern: /srv/secret, permissions: [read], qualifiers: [deny]}\n";

static LoadResult *load(void)
{
        const LoadParams params = {
                .roots = {.root = fuzz_root(), .owner = geteuid()},
                .can[ENFORCER_BPF] = {.kinds = BPF_KINDS, .modes = BPF_MODES},
        };

        return policy_load_all(&params);
}

/* The first byte is the mode, the next two what violations do. */
static void check_switch(const uint8_t *data, size_t size)
{
        BundlePolicy p = {.name = (char *)"web", .full_name = (char *)"web", .source = (char *)"/etc/varmor/policies.d/web.yaml"};
        Mode mode = data[0] % 2 ? MODE_ALWAYS_ALLOW : MODE_ENHANCE_PROTECT;
        const SetModeOptions o = {.audit_violations = data[1] % 3 - 1, .allow_violations = data[2] % 3 - 1};
        g_autofree char *text = mode_fragment_dup_text(&p, mode, &o), *path = mode_fragment_dup_path(&p, false);
        g_autoptr(LoadResult) r = NULL;
        const LoadedPolicy *l;

        FUZZ_CHECK(g_str_has_prefix(path, "/run/varmor/policies.d/web.yaml.d/"));
        fuzz_root_write(FRAGMENT, text, strlen(text));
        r = load();
        FUZZ_CHECK(r->policies->len == 1);
        l = r->policies->pdata[0];
        FUZZ_CHECK(l->policy && l->policy->mode == mode && l->policy->mode_runtime);
        if (mode == MODE_ENHANCE_PROTECT && o.allow_violations >= 0)
                FUZZ_CHECK(l->policy->allow_violations == o.allow_violations);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(LoadResult) r = NULL;

        fuzz_root_write("etc/varmor/policies.d/web.yaml", base, strlen(base));
        fuzz_root_write(FRAGMENT, data, size);
        r = load();
        FUZZ_CHECK(r->policies->len >= 1);
        for (guint i = 0; i < r->policies->len; i++) {
                const LoadedPolicy *l = r->policies->pdata[i];

                FUZZ_CHECK((l->policy != NULL) == (l->diag->n_errors == 0) || !l->name);
                if (l->policy || l->name)
                        fuzz_check_diag(l->policy ? 0 : -1, l->diag);
        }
        if (size >= 3)
                check_switch(data, size);
        return 0;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        GString *s = g_string_new("spec: {policy: {enhanceProtect: {bpfRawRules: {files: [\n");

        for (unsigned i = 0; i < 20000; i++)
                g_string_append_printf(s, "{pattern: /a/%u, permissions: [read], qualifiers: [deny]},\n", i);
        g_string_append(s, "]}}}}\n");
        fuzz_emit_string("many-rules", s, emit, userdata);
}
