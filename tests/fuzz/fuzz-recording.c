/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A recording's file: whatever it holds, what is not understood is lost, and what is understood can be written again. */

#include <string.h>

#include "fuzz.h"
#include "recording.h"

/* So many losses that nobody knows of any more would be silence. */
static void check_losses(const RecordingState *s)
{
        uint64_t n = 0;

        for (int k = 0; k < _MODEL_KIND_MAX; k++) {
                FUZZ_CHECK(s->source->lost[k] <= MODEL_COUNT_MAX);
                n = MAX(n, s->source->lost[k]);
        }
        FUZZ_CHECK(s->n_damaged == 0 || n > 0);
}

static void check_again(const RecordingState *s, const Model *m)
{
        g_autoptr(RecordingState) again = NULL;
        g_autoptr(Model) back = model_new();
        g_autoptr(GString) text = g_string_new(NULL);

        recording_put_header(text, s->source, s->deadline_usec);
        for (guint i = 0; i < m->ops->len; i++)
                recording_put_op(text, m->ops->pdata[i]);
        FUZZ_CHECK(recording_parse(text->str, text->len, back, &again) == 0);
        FUZZ_CHECK(again->n_damaged == 0 && again->n_ops == m->ops->len && back->ops->len == m->ops->len);
        FUZZ_CHECK(model_source_compare(again->source, s->source) == 0);
        for (guint i = 0; i < m->ops->len; i++)
                FUZZ_CHECK(model_op_compare(m->ops->pdata[i], back->ops->pdata[i]) == 0);
}

static void check(const char *data, size_t size)
{
        g_autoptr(RecordingState) whole = NULL, quick = NULL, cut = NULL;
        g_autoptr(Model) m = model_new();
        int r = recording_parse(data, size, m, &whole);

        FUZZ_CHECK(!whole == (r < 0));
        FUZZ_CHECK(recording_parse(data, size, NULL, &quick) == r);
        if (!whole)
                return;
        FUZZ_CHECK(whole->size <= size && whole->size == quick->size);
        FUZZ_CHECK(whole->deadline_usec == quick->deadline_usec && whole->done == quick->done && whole->paused == quick->paused);
        FUZZ_CHECK(quick->n_damaged <= whole->n_damaged);
        check_losses(whole);
        check_losses(quick);
        FUZZ_CHECK(recording_parse(data, whole->size, NULL, &cut) == 0 && cut->n_ops == quick->n_ops);
        model_seal(m);
        check_again(whole, m);
}

/* The same with sums that are right, behind which mutation would never get. */
static void check_summed(const char *data, size_t size)
{
        g_autoptr(GString) s = g_string_new(NULL);

        for (const char *line = data, *end; size > 0 && (end = memchr(line, '\n', size - (size_t)(line - data))); line = end + 1) {
                const char *text = end - line > 9 && line[8] == ' ' ? line + 9 : line;
                g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, (gsize)(end - text));

                g_string_append_len(s, sum, 8);
                g_string_append_c(s, ' ');
                g_string_append_len(s, text, end + 1 - text);
        }
        check(s->str, s->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        check((const char *)data, size);
        check_summed((const char *)data, size);
        return 0;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        ModelSource source = {.policy = (char *)"web", .kinds = MODEL_KINDS_ALL};
        const ModelOp o = {.kind = MODEL_USERNS, .count = MODEL_COUNT_MAX};
        GString *s = g_string_new(NULL);

        recording_put_header(s, &source, 1);
        for (unsigned i = 0; i < 20000; i++)
                g_string_append(s, "\n");
        fuzz_emit_string("empty-lines", s, emit, userdata);
        s = g_string_new(NULL);
        recording_put_header(s, &source, 1);
        for (unsigned i = 0; i < 1000; i++)
                recording_put_op(s, &o);
        fuzz_emit_string("counts", s, emit, userdata);
        s = g_string_new(NULL);
        recording_put_header(s, &source, 1);
        g_string_append_len(s, "\0\0\0\0", 4);
        g_string_append_printf(s, "%0*d\n", 1 << 20, 0);
        fuzz_emit_string("long-line", s, emit, userdata);
}
