/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Model -> JSON: see model-json.h. Written by hand, so that the bytes do not depend on a library's taste. */

#include "model-json.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- texts ------------------------------------------------------------------------------------------------------------------- */

char *model_text_encode(const char *bytes)
{
        GString *s = g_string_new(NULL);

        for (const char *c = bytes; *c;) {
                gunichar u = g_utf8_get_char_validated(c, -1);

                if (*c == '\\') {
                        g_string_append(s, "\\\\");
                        c++;
                } else if (u == (gunichar)-1 || u == (gunichar)-2 || u < 0x20 || u == 0x7f) {
                        g_string_append_printf(s, "\\x%02x", (unsigned char)*c);
                        c++;
                } else {
                        const char *next = g_utf8_next_char(c);

                        g_string_append_len(s, c, next - c);
                        c = next;
                }
        }
        return g_string_free(s, FALSE);
}

char *model_text_decode(const char *text, size_t size)
{
        g_autoptr(GString) s = g_string_new(NULL);

        if (memchr(text, 0, size))
                return NULL;
        for (size_t i = 0; i < size; i++) {
                int high, low;

                if (text[i] != '\\') {
                        g_string_append_c(s, text[i]);
                        continue;
                }
                if (i + 1 < size && text[i + 1] == '\\') {
                        g_string_append_c(s, '\\');
                        i++;
                        continue;
                }
                high = i + 3 < size && text[i + 1] == 'x' ? g_ascii_xdigit_value(text[i + 2]) : -1;
                low = high >= 0 ? g_ascii_xdigit_value(text[i + 3]) : -1;
                if (low < 0 || (high == 0 && low == 0))
                        return NULL;
                g_string_append_c(s, (char)(high << 4 | low));
                i += 3;
        }
        return g_string_free(g_steal_pointer(&s), FALSE);
}

/* ---- writing ----------------------------------------------------------------------------------------------------------------- */

static void put_text(GString *s, const char *bytes)
{
        g_autofree char *text = model_text_encode(bytes);

        g_string_append_c(s, '"');
        for (const char *c = text; *c; c++) {
                if (*c == '"' || *c == '\\')
                        g_string_append_c(s, '\\');
                g_string_append_c(s, *c);
        }
        g_string_append_c(s, '"');
}

const char *model_word(const Word *words, uint64_t bit)
{
        for (const Word *w = words; w->name; w++)
                if (w->bits == bit)
                        return w->name;
        return NULL;
}

static void put_word(GString *s, const Word *words, uint64_t bit)
{
        const char *word = model_word(words, bit);

        if (word)
                g_string_append_printf(s, "\"%s\"", word);
        else
                g_string_append_printf(s, "%u", (unsigned)__builtin_ctzll(bit));
}

static void put_words(GString *s, const Word *words, uint64_t bits)
{
        const char *separator = "[";

        for (unsigned i = 0; i < 64; i++)
                if (bits >> i & 1) {
                        g_string_append(s, separator);
                        put_word(s, words, UINT64_C(1) << i);
                        separator = ", ";
                }
        g_string_append_c(s, ']');
}

static void put_address(GString *s, const ModelOp *o)
{
        char text[INET6_ADDRSTRLEN] = "";

        (void)inet_ntop(o->family == UINT64_C(1) << AF_INET ? AF_INET : AF_INET6, o->address, text, sizeof(text));
        g_string_append_printf(s, "\"%s\"", text);
}

static void put_field(GString *s, const ModelOp *o, const ModelField *f)
{
        const char *text = f->type == MODEL_TEXT ? *(char *const *)((const char *)o + f->offset) : NULL;
        uint64_t n = f->type == MODEL_TEXT || f->type == MODEL_ADDRESS ? 0 : *(const uint64_t *)((const char *)o + f->offset);

        if (f->type != MODEL_ADDRESS && !text && n == 0)
                return;
        g_string_append_printf(s, "\"%s\": ", f->name);
        switch (f->type) {
        case MODEL_TEXT:
                put_text(s, text);
                break;
        case MODEL_NUMBER:
                g_string_append_printf(s, "%" G_GUINT64_FORMAT, n);
                break;
        case MODEL_BOOL:
                g_string_append(s, "true");
                break;
        case MODEL_WORD:
                put_word(s, f->words, n);
                break;
        case MODEL_WORDS:
                put_words(s, f->words, n);
                break;
        case MODEL_ADDRESS:
                put_address(s, o);
                break;
        }
        g_string_append(s, ", ");
}

void model_op_to_json(GString *s, const ModelOp *o)
{
        g_string_append_c(s, '{');
        for (const ModelField *f = model_fields(o->kind); f->name; f++)
                put_field(s, o, f);
        g_string_append_printf(s, "\"count\": %" G_GUINT64_FORMAT "}", o->count);
}

static void put_ops(GString *s, const Model *m)
{
        ModelKind last = _MODEL_KIND_INVALID;

        g_string_append(s, "  \"ops\": {");
        for (guint i = 0; i < m->ops->len; i++) {
                const ModelOp *o = m->ops->pdata[i];

                if (o->kind != last)
                        g_string_append_printf(s, "%s\n    \"%s\": [\n", i > 0 ? "\n    ]," : "", model_kind_to_string(o->kind));
                else
                        g_string_append(s, ",\n");
                last = o->kind;
                g_string_append(s, "      ");
                model_op_to_json(s, o);
        }
        g_string_append(s, m->ops->len > 0 ? "\n    ]\n  }" : "}");
}

/* Keys by kind, with the @numbers that are not 0. */
void model_lost_to_json(GString *s, const uint64_t numbers[static _MODEL_KIND_MAX])
{
        const char *separator = "";

        g_string_append_c(s, '{');
        for (int k = 0; k < _MODEL_KIND_MAX; k++)
                if (numbers[k] > 0) {
                        g_string_append_printf(s, "%s\"%s\": %" G_GUINT64_FORMAT, separator, model_kind_to_string((ModelKind)k), numbers[k]);
                        separator = ", ";
                }
        g_string_append_c(s, '}');
}

void model_source_to_json(GString *s, ModelSource *source)
{
        const char *separator = "";

        g_string_append_c(s, '{');
        for (unsigned i = 0; i < MODEL_SOURCE_TEXTS; i++) {
                const char *name, *text = *model_source_text(source, i, &name);

                if (!text)
                        continue;
                g_string_append_printf(s, "\"%s\": ", name);
                put_text(s, text);
                g_string_append(s, ", ");
        }
        g_string_append_printf(s, "\"started\": %" G_GUINT64_FORMAT ", \"ended\": %" G_GUINT64_FORMAT ", \"kinds\": [",
                               source->started_usec, source->ended_usec);
        for (int k = 0; k < _MODEL_KIND_MAX; k++)
                if (source->kinds >> k & 1) {
                        g_string_append_printf(s, "%s\"%s\"", separator, model_kind_to_string((ModelKind)k));
                        separator = ", ";
                }
        g_string_append(s, "], \"lost\": ");
        model_lost_to_json(s, source->lost);
        g_string_append_c(s, '}');
}

/* All but the digest and the end. */
GString *model_json_body(const Model *m)
{
        GString *s = g_string_new(NULL);

        g_string_append_printf(s, "{\n  \"format\": \"%s\",\n  \"version\": %d,\n  \"complete\": %s,\n  \"sources\": [", MODEL_FORMAT,
                               MODEL_VERSION, model_is_complete(m) ? "true" : "false");
        for (guint i = 0; i < m->sources->len; i++) {
                g_string_append(s, i > 0 ? ",\n    " : "\n    ");
                model_source_to_json(s, m->sources->pdata[i]);
        }
        g_string_append(s, m->sources->len > 0 ? "\n  ],\n" : "],\n");
        put_ops(s, m);
        return s;
}

char *model_to_json(const Model *m)
{
        GString *s = model_json_body(m);
        g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)s->str, s->len);

        g_string_append_printf(s, ",\n  \"digest\": \"%s\"\n}\n", digest);
        return g_string_free(s, FALSE);
}
