/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A record of what a workload did -> ops: whatever the bytes are, each op is whole or none, and what the library for models takes
 * for good can be kept. */

#include <string.h>

#include "fuzz.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree struct va_record *v = NULL;
        g_autoptr(Model) m = model_new();
        RecordOps ops;
        bool good;

        if (size < sizeof(*v))
                return 0;
        v = g_memdup2(data, size); /* aligned */
        good = record_ops(v, size, &ops);
        FUZZ_CHECK(ops.n <= RECORD_OPS_MAX && (good || ops.n == 0));
        for (unsigned i = 0; i < ops.n; i++) {
                FUZZ_CHECK(ops.op[i].kind >= 0 && ops.op[i].kind < _MODEL_KIND_MAX && ops.op[i].count == 1);
                FUZZ_CHECK((model_op_check(&ops.op[i]) == NULL) == (model_add(m, &ops.op[i]) == 0));
        }
        record_ops_clear(&ops);
        return 0;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        /* Each kind with the texts of the others. */
        static const char *const objects[] = {"/0c", "/02/1/t", "/4/7f000001/0050/h", "/i/x", "/0/tmpfs/none", "/user", "/@x", "/", ""};

        for (unsigned kind = 0; kind <= VA_RECORD_MAX; kind++)
                for (unsigned i = 0; i < G_N_ELEMENTS(objects); i++)
                        for (unsigned op = VA_OP_OPEN; op <= VA_OP_EXEC; op += VA_OP_EXEC) {
                                size_t n = strlen(objects[i]);
                                GString *s = g_string_new(NULL);
                                g_autofree char *name = g_strdup_printf("kind-%u-%u-%u", kind, i, op);
                                struct va_record v = {.kind = (uint8_t)kind, .op = (uint8_t)op, .requested = 1, .words = kind,
                                                      .size = (uint16_t)n, .program = (uint16_t)(op ? n : 0)};

                                g_string_append_len(s, (const char *)&v, sizeof(v));
                                g_string_append(s, objects[i]);
                                if (op)
                                        g_string_append(s, objects[i]);
                                fuzz_emit_string(name, s, emit, userdata);
                        }
}
