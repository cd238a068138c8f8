/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* varmor.yaml, and what comes after a line "%%%" as its fragment: settings within their bounds, always. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "settings.h"

static void check_addresses(char **all)
{
        for (char **a = all; a && *a; a++) {
                uint8_t family, bytes[16];
                uint16_t port;

                FUZZ_CHECK(settings_parse_address(*a, &family, bytes, &port) == 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const ConfRoots roots = {.root = fuzz_root(), .owner = geteuid()};
        const uint8_t *fragment = memmem(data, size, "\n%%%\n", 5);
        size_t first = fragment ? (size_t)(fragment - data) : size;
        g_autofree char *word = g_strndup((const char *)data, MIN(size, 100));
        g_autoptr(Settings) s = NULL;
        g_autoptr(Diag) d = diag_new();
        uint8_t family, bytes[16];
        uint16_t port;
        int r;

        fuzz_root_write("etc/varmor/varmor.yaml", data, first);
        fuzz_root_write("run/varmor/varmor.yaml.d/50-fuzz.yaml", fragment ? fragment + 5 : NULL, fragment ? size - first - 5 : 0);
        r = settings_load(&roots, &s, d);
        FUZZ_CHECK(r == 0 || r == -EBADMSG);
        fuzz_check_diag(r, d);
        FUZZ_CHECK(s && s->launchers && s->essential && !s->essential_missing);
        FUZZ_CHECK(g_strv_length(s->launchers) <= SETTINGS_LAUNCHERS_MAX);
        for (char **l = s->launchers; *l; l++)
                FUZZ_CHECK(**l == '/');
        FUZZ_CHECK(s->alarm_window_usec <= 86400ULL * G_USEC_PER_SEC);
        check_addresses(s->kube_apiserver);
        check_addresses(s->ingress_nginx_admission);
        (void)settings_parse_address(word, &family, bytes, &port);
        return 0;
}

static GString *list(const char *before, const char *format, unsigned n, const char *after)
{
        GString *s = g_string_new(before);

        for (unsigned i = 0; i < n; i++)
                g_string_append_printf(s, format, i);
        g_string_append(s, after);
        return s;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        fuzz_emit_string("many-launchers", list("launchers: [", "/usr/bin/l%u, ", 50000, "]\n"), emit, userdata);
        fuzz_emit_string("many-essential", list("essential:\n", "  - u%u.service\n", 50000, ""), emit, userdata);
        fuzz_emit_string("many-addresses", list("addresses: {kube-apiserver: [", "'192.0.2.1:%u', ", 50000, "]}\n"), emit, userdata);
        fuzz_emit_string("many-unknown", list("", "k%u: v\n", 1000, ""), emit, userdata);
}
