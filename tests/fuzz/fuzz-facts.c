/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A node's kubeconfig, and what comes after a line "%%%" as what sysfs says of a disk: addresses and patterns that can be used,
 * always, and warnings at worst. */

#include <string.h>

#include "facts.h"
#include "fuzz.h"
#include "pattern.h"

static void check_patterns(char **patterns)
{
        for (char **p = patterns; *p; p++) {
                g_autofree char *why = pattern_check(*p);

                FUZZ_CHECK(!why);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const uint8_t *device = memmem(data, size, "\n%%%\n", 5);
        size_t first = device ? (size_t)(device - data) : size;
        g_autoptr(Settings) s = settings_new_default();
        g_autoptr(Diag) d = diag_new();
        g_auto(GStrv) sources = NULL;

        fuzz_root_write("etc/kubernetes/kubelet.conf", data, first);
        fuzz_root_write("sys/class/block/fuzz/uevent", device ? device + 5 : NULL, device ? size - first - 5 : 0);
        fuzz_root_write("sys/class/block/fuzz/size", "1\n", 2);
        facts_find(fuzz_root(), s, d);
        FUZZ_CHECK(d->n_errors == 0);
        FUZZ_CHECK(g_strv_length(s->kube_apiserver) <= SETTINGS_ADDRESSES_MAX);
        FUZZ_CHECK(s->kube_apiserver_found == (*s->kube_apiserver != NULL));
        for (char **a = s->kube_apiserver; *a; a++) {
                uint8_t family, bytes[16];
                uint16_t port;

                FUZZ_CHECK(settings_parse_address(*a, &family, bytes, &port) == 0 && port > 0);
        }
        FUZZ_CHECK(g_strv_contains((const char *const *)s->disks, FACTS_DEVICE_UNKNOWN));
        check_patterns(s->disks);
        sources = facts_mount_sources(s->disks);
        check_patterns(sources);
        return 0;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        GString *s = g_string_new("clusters:\n");

        for (unsigned i = 0; i < 20000; i++)
                g_string_append_printf(s, "- cluster: {server: \"https://10.0.%u.%u:6443\"}\n", i / 256, i % 256);
        fuzz_emit_string("many-clusters", s, emit, userdata);
        s = g_string_new("\n%%%\nMAJOR=8\nMINOR=0\nDEVNAME=");
        for (unsigned i = 0; i < 10000; i++)
                g_string_append_c(s, '[');
        fuzz_emit_string("long-name", s, emit, userdata);
        s = g_string_new("\n%%%\nMAJOR=8\nMINOR=0\nDEVNAME=*{?},\\[a]\n");
        fuzz_emit_string("wildcards", s, emit, userdata);
}
