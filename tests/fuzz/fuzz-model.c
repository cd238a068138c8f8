/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A model's file: what is accepted is written and read again as the same model, and merges with itself to itself. */

#include <string.h>

#include "fuzz.h"
#include "model-json.h"

static void check_model(const Model *m)
{
        g_autofree char *text = model_to_json(m), *again = NULL;
        g_autoptr(Model) back = NULL, merged = NULL;
        g_autoptr(Diag) d = diag_new();

        for (guint i = 0; i < m->ops->len; i++)
                FUZZ_CHECK(!model_op_check(m->ops->pdata[i]));
        FUZZ_CHECK(model_from_json(text, strlen(text), "again", &back, d) == 0);
        FUZZ_CHECK(model_equal(m, back));
        again = model_to_json(back);
        FUZZ_CHECK(strcmp(text, again) == 0);
        FUZZ_CHECK(model_merge(m, back, &merged) == 0 && model_equal(merged, m));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Model) m = NULL;
        int r = model_from_json((const char *)data, size, "fuzz", &m, d);

        fuzz_check_diag(r, d);
        FUZZ_CHECK(!m == (r < 0));
        if (m)
                check_model(m);
        return 0;
}

#define HEAD "{\"format\":\"varmor-model\",\"version\":1,\"sources\":[],\"ops\":{\"file\":["

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        GString *s = g_string_new(HEAD);

        for (unsigned i = 0; i <= MODEL_OPS_MAX; i++)
                g_string_append_printf(s, "%s{\"path\":\"/%u\",\"access\":[\"read\"]}", i > 0 ? "," : "", i);
        g_string_append(s, "]}}");
        fuzz_emit_string("too-many-ops", s, emit, userdata);
        s = g_string_new(HEAD "{\"path\":\"/");
        for (unsigned i = 0; i < 100000; i++)
                g_string_append(s, "\\\\xff");
        g_string_append(s, "\",\"access\":[\"read\"]}]}}");
        fuzz_emit_string("long-path", s, emit, userdata);
        s = g_string_new(NULL);
        for (unsigned i = 0; i < 100000; i++)
                g_string_append(s, "[{\"a\":");
        fuzz_emit_string("deep", s, emit, userdata);
        s = g_string_new(HEAD);
        for (unsigned i = 0; i < 1000; i++)
                g_string_append(s, "{\"\\u0001\\u007f\": 1e999},");
        fuzz_emit_string("bad-keys", s, emit, userdata);
}
