/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the fuzzers have in common. */

#include <string.h>

#include "fuzz.h"

void fuzz_check_diag(int r, const Diag *d)
{
        uint32_t n_errors = 0;

        FUZZ_CHECK((r < 0) == (d->n_errors > 0));
        FUZZ_CHECK(d->messages->len <= DIAG_MESSAGES_MAX);
        for (guint i = 0; i < d->messages->len; i++) {
                const DiagMessage *m = d->messages->pdata[i];
                g_autofree char *line = diag_message_format(m);

                n_errors += m->severity == DIAG_ERROR;
                FUZZ_CHECK(m->code && *m->code && m->text && *m->text);
                FUZZ_CHECK(m->pos.file && *m->pos.file);
                FUZZ_CHECK(g_utf8_validate(line, -1, NULL));
                for (const char *c = line; *c; c++)
                        FUZZ_CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
        }
        FUZZ_CHECK(n_errors + d->n_dropped >= d->n_errors);
}

void fuzz_emit_string(const char *name, GString *s, FuzzEmit emit, void *userdata)
{
        emit(name, s->str, s->len, userdata);
        (void)g_string_free(s, TRUE);
}
