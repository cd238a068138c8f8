/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A file of rules.d: what is in the catalogue is whole, and what is not was said. */

#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(Settings) s = settings_new_default();
        g_autoptr(Catalogue) c = catalogue_new();
        g_autoptr(Diag) d = diag_new();
        int r = catalogue_parse(c, (const char *)data, size, "/etc/varmor/rules.d/fuzz.yaml", s, d);

        FUZZ_CHECK(r == 0 || r == -EBADMSG);
        fuzz_check_diag(r, d);
        catalogue_seal(c);
        FUZZ_CHECK(c->rules->len <= CATALOGUE_RULES_MAX);
        for (guint i = 0; i < c->rules->len; i++) {
                const NamedRule *n = c->rules->pdata[i];
                g_autofree char *upper = g_ascii_strup(n->id, -1), *folded = rule_id_fold(n->id);

                FUZZ_CHECK(strlen(n->id) > 0 && strlen(n->id) <= CATALOGUE_ID_BYTES_MAX);
                FUZZ_CHECK(strcmp(folded, n->id) == 0);
                FUZZ_CHECK(catalogue_find(c, upper) == n);
                FUZZ_CHECK(n->ops->len > 0 || n->unenforceable);
                for (char **a = n->aliases; a && *a; a++)
                        FUZZ_CHECK(catalogue_find(c, *a));
        }
        return 0;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        GString *s = g_string_new("rules:\n");

        for (unsigned i = 0; i < 20000; i++)
                g_string_append_printf(s, "  - {id: r%u, category: hardening, ops: {files: [{pattern: /a, permissions: [read]}]}}\n", i);
        fuzz_emit_string("many-rules", s, emit, userdata);
}
