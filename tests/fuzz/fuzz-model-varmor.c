/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ArmorProfileModel: what is taken from it makes a good model, which is written and read again. */

#include <string.h>

#include "fuzz.h"
#include "model-json.h"
#include "model-varmor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Model) m = NULL, back = NULL;
        g_autofree char *text = NULL;
        int r = model_from_varmor((const char *)data, size, "fuzz", &m, d);

        fuzz_check_diag(r, d);
        FUZZ_CHECK(!m == (r < 0));
        if (!m)
                return 0;
        FUZZ_CHECK(!model_is_complete(m));
        text = model_to_json(m);
        FUZZ_CHECK(model_from_json(text, strlen(text), "again", &back, d) == 0);
        FUZZ_CHECK(model_equal(m, back));
        return 0;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        GString *s = g_string_new("{\"data\":{\"dynamicResult\":{\"apparmor\":{\"files\":[");

        for (unsigned i = 0; i < 70000; i++)
                g_string_append_printf(s, "%s{\"path\":\"/%u\",\"permissions\":[\"r\"]}", i > 0 ? "," : "", i);
        g_string_append(s, "]}}}}");
        fuzz_emit_string("many-files", s, emit, userdata);
        s = g_string_new("{\"data\":{\"dynamicResult\":{\"bpf\":{\"executions\":[3,null,\"\",\"a\\u0000b\",{}],\"files\":[null,3,{}],"
                         "\"network\":{\"egresses\":[{\"ip\":\"::\",\"ports\":[-1,65536,\"x\",null]}]},\"ptraces\":[{}],\"mounts\":[{}]}}}}");
        fuzz_emit_string("odd", s, emit, userdata);
        s = g_string_new(NULL);
        for (unsigned i = 0; i < 100000; i++)
                g_string_append(s, "{\"data\":");
        fuzz_emit_string("deep", s, emit, userdata);
}
