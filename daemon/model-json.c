/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON -> Model: see model-json.h. */

#include "model-json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <string.h>

static void json_putp(json_object **o)
{
        json_object_put(*o);
}

static void tokener_freep(json_tokener **t)
{
        if (*t)
                json_tokener_free(*t);
}

#define autojson __attribute__((cleanup(json_putp))) json_object
#define autotokener __attribute__((cleanup(tokener_freep))) json_tokener

/* ---- reading ----------------------------------------------------------------------------------------------------------------- */

typedef struct Reading {
        Model *model;
        SourcePos pos; /* of the file as a whole */
        Diag *diag;
        unsigned n_errors;
} Reading;

/* The diagnostics of a file that is bad in every line help nobody. */
#define ERRORS_MAX 20U

static void bad(Reading *r, const char *path, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void bad(Reading *r, const char *path, const char *format, ...)
{
        va_list ap;
        g_autofree char *text = NULL, *printable = NULL;

        if (r->n_errors++ >= ERRORS_MAX)
                return;
        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);
        printable = model_text_encode(text);
        diag_error(r->diag, &r->pos, "bad-model", "%s: %s", path, printable);
}

static bool expect(Reading *r, json_object *o, json_type type, const char *path)
{
        if (o && json_object_get_type(o) == type)
                return true;
        bad(r, path, "found %s, expected %s", o ? json_type_to_name(json_object_get_type(o)) : "nothing", json_type_to_name(type));
        return false;
}

static bool read_number(Reading *r, json_object *o, const char *path, uint64_t max, uint64_t *ret)
{
        int64_t n;

        if (!expect(r, o, json_type_int, path))
                return false;
        n = json_object_get_int64(o);
        if (n < 0 || (uint64_t)n > max) {
                bad(r, path, "a number out of range");
                return false;
        }
        *ret = (uint64_t)n;
        return true;
}

static char *read_text(Reading *r, json_object *o, const char *path)
{
        char *text;

        if (!expect(r, o, json_type_string, path))
                return NULL;
        text = model_text_decode(json_object_get_string(o), (size_t)json_object_get_string_len(o));
        if (!text)
                bad(r, path, "a text whose backslash begins no escape");
        return text;
}

static bool read_word(Reading *r, json_object *o, const char *path, const Word *words, uint64_t *ret)
{
        uint64_t n;

        if (o && json_object_get_type(o) == json_type_string) {
                const char *s = json_object_get_string(o);
                uint64_t bits = words_find(words, s);

                /* Short forms and words for several bits are for people. */
                if (bits == 0 || (bits & (bits - 1)) || g_strcmp0(model_word(words, bits), s) != 0) {
                        bad(r, path, "the word '%.64s' is not known", s);
                        return false;
                }
                *ret = bits;
                return true;
        }
        if (!read_number(r, o, path, 63, &n))
                return false;
        *ret = UINT64_C(1) << n;
        return true;
}

static void read_words(Reading *r, json_object *o, const char *path, const Word *words, uint64_t *ret)
{
        if (!expect(r, o, json_type_array, path))
                return;
        for (size_t i = 0; i < json_object_array_length(o) && r->n_errors < ERRORS_MAX; i++) {
                g_autofree char *item = g_strdup_printf("%s[%zu]", path, i);
                uint64_t bit = 0;

                if (read_word(r, json_object_array_get_idx(o, i), item, words, &bit))
                        *ret |= bit;
        }
}

static void read_address(Reading *r, json_object *o, const char *path, ModelOp *op)
{
        if (expect(r, o, json_type_string, path) &&
            inet_pton(op->family == UINT64_C(1) << AF_INET ? AF_INET : AF_INET6, json_object_get_string(o), op->address) != 1)
                bad(r, path, "found no address of the family");
}

static void read_field(Reading *r, json_object *o, const char *path, const ModelField *f, ModelOp *op)
{
        void *member = (char *)op + f->offset;

        switch (f->type) {
        case MODEL_TEXT:
                *(char **)member = read_text(r, o, path);
                break;
        case MODEL_NUMBER:
                (void)read_number(r, o, path, f->max, member);
                break;
        case MODEL_BOOL:
                if (expect(r, o, json_type_boolean, path))
                        *(uint64_t *)member = (uint64_t)json_object_get_boolean(o);
                break;
        case MODEL_WORD:
                (void)read_word(r, o, path, f->words, member);
                break;
        case MODEL_WORDS:
                read_words(r, o, path, f->words, member);
                break;
        case MODEL_ADDRESS:
                read_address(r, o, path, op);
                break;
        }
}

static const ModelField *find_field(ModelKind k, const char *name)
{
        for (const ModelField *f = model_fields(k); f->name; f++)
                if (strcmp(f->name, name) == 0)
                        return f;
        return NULL;
}

/* Return: NULL: it is none, which has been said. */
static ModelOp *read_members(Reading *r, json_object *o, const char *path, ModelKind k)
{
        g_autoptr(ModelOp) op = g_new0(ModelOp, 1);
        unsigned before = r->n_errors;
        const char *why;

        op->kind = k;
        if (!expect(r, o, json_type_object, path))
                return NULL;
        /* In the order of the table: an address is read by its family. */
        for (const ModelField *f = model_fields(k); f->name; f++) {
                g_autofree char *sub = g_strdup_printf("%s.%s", path, f->name);
                json_object *value = NULL;

                if (json_object_object_get_ex(o, f->name, &value))
                        read_field(r, value, sub, f, op);
                else if (!f->optional || f->type == MODEL_ADDRESS)
                        bad(r, sub, "is missing");
        }
        json_object_object_foreach(o, key, value)
        {
                g_autofree char *sub = g_strdup_printf("%s.%.64s", path, key);

                if (strcmp(key, "count") == 0)
                        (void)read_number(r, value, sub, MODEL_COUNT_MAX, &op->count);
                else if (!find_field(k, key))
                        bad(r, sub, "is not known");
        }
        if (r->n_errors > before)
                return NULL;
        why = model_op_check(op);
        if (why)
                bad(r, path, "%s", why);
        return why ? NULL : g_steal_pointer(&op);
}

static void read_op(Reading *r, json_object *o, const char *path, ModelKind k)
{
        g_autoptr(ModelOp) op = read_members(r, o, path, k);

        if (!op)
                return;
        if (model_find(r->model, op))
                bad(r, path, "it is there twice");
        else if (model_add(r->model, op) < 0)
                bad(r, path, "more than a model holds");
}

static void read_ops(Reading *r, json_object *o)
{
        if (!expect(r, o, json_type_object, "ops"))
                return;
        json_object_object_foreach(o, key, list)
        {
                g_autofree char *path = g_strdup_printf("ops.%.64s", key);
                ModelKind k = model_kind_from_string(key);

                if ((int)k < 0)
                        bad(r, path, "is not known");
                else if (expect(r, list, json_type_array, path))
                        for (size_t i = 0; i < json_object_array_length(list) && r->n_errors < ERRORS_MAX; i++) {
                                g_autofree char *item = g_strdup_printf("%s[%zu]", path, i);

                                read_op(r, json_object_array_get_idx(list, i), item, k);
                        }
        }
}

static void read_kinds(Reading *r, json_object *o, const char *path, uint32_t *ret)
{
        if (!expect(r, o, json_type_array, path))
                return;
        for (size_t i = 0; i < json_object_array_length(o); i++) {
                json_object *item = json_object_array_get_idx(o, i);
                const char *s = item && json_object_get_type(item) == json_type_string ? json_object_get_string(item) : NULL;
                ModelKind k = model_kind_from_string(s);

                if ((int)k < 0)
                        bad(r, path, "[%zu] is no kind", i);
                else
                        *ret |= 1U << k;
        }
}

static void read_lost(Reading *r, json_object *o, const char *path, uint64_t lost[static _MODEL_KIND_MAX])
{
        if (!expect(r, o, json_type_object, path))
                return;
        json_object_object_foreach(o, key, value)
        {
                ModelKind k = model_kind_from_string(key);

                if ((int)k < 0)
                        bad(r, path, "'%.64s' is no kind", key);
                else
                        (void)read_number(r, value, path, MODEL_COUNT_MAX, &lost[k]);
        }
}

static void read_source_member(Reading *r, const char *key, json_object *value, const char *path, ModelSource *s)
{
        if (strcmp(key, "started") == 0) {
                (void)read_number(r, value, path, MODEL_COUNT_MAX, &s->started_usec);
                return;
        }
        if (strcmp(key, "ended") == 0) {
                (void)read_number(r, value, path, MODEL_COUNT_MAX, &s->ended_usec);
                return;
        }
        if (strcmp(key, "kinds") == 0) {
                read_kinds(r, value, path, &s->kinds);
                return;
        }
        if (strcmp(key, "lost") == 0) {
                read_lost(r, value, path, s->lost);
                return;
        }
        for (unsigned i = 0; i < MODEL_SOURCE_TEXTS; i++) {
                const char *name;
                char **text = model_source_text(s, i, &name);

                if (strcmp(key, name) == 0) {
                        *text = read_text(r, value, path);
                        return;
                }
        }
        bad(r, path, "is not known");
}

static ModelSource *read_source(Reading *r, json_object *o, const char *path)
{
        g_autoptr(ModelSource) s = g_new0(ModelSource, 1);
        unsigned before = r->n_errors;

        if (!expect(r, o, json_type_object, path))
                return NULL;
        json_object_object_foreach(o, key, value)
        {
                g_autofree char *sub = g_strdup_printf("%s.%.64s", path, key);

                read_source_member(r, key, value, sub, s);
        }
        return r->n_errors > before ? NULL : g_steal_pointer(&s);
}

static void read_sources(Reading *r, json_object *o)
{
        if (!expect(r, o, json_type_array, "sources"))
                return;
        for (size_t i = 0; i < json_object_array_length(o) && r->n_errors < ERRORS_MAX; i++) {
                g_autofree char *path = g_strdup_printf("sources[%zu]", i);
                g_autoptr(ModelSource) s = read_source(r, json_object_array_get_idx(o, i), path);

                if (s && model_add_source(r->model, s) < 0)
                        bad(r, path, "a text is empty or too long, or there are too many sources");
        }
}

static bool read_head(Reading *r, json_object *root)
{
        json_object *format = json_object_object_get(root, "format"), *version = json_object_object_get(root, "version");
        uint64_t n = 0;

        if (!expect(r, format, json_type_string, "format"))
                return false;
        if (strcmp(json_object_get_string(format), MODEL_FORMAT) != 0) {
                bad(r, "format", "expected '" MODEL_FORMAT "'");
                return false;
        }
        if (!read_number(r, version, "version", INT32_MAX, &n))
                return false;
        if (n != MODEL_VERSION)
                bad(r, "version", "found %u, and this version of varmor reads %d", (unsigned)n, MODEL_VERSION);
        return n == MODEL_VERSION;
}

/* What the file says of itself must be so. Both may be left out by who writes one by hand. */
static void check_claims(Reading *r, json_object *root)
{
        json_object *complete = json_object_object_get(root, "complete"), *digest = json_object_object_get(root, "digest");

        if (complete && expect(r, complete, json_type_boolean, "complete") &&
            json_object_get_boolean(complete) != model_is_complete(r->model))
                bad(r, "complete", "the sources say otherwise");
        if (digest && expect(r, digest, json_type_string, "digest")) {
                GString *body = model_json_body(r->model);
                g_autofree char *want = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)body->str, body->len);

                (void)g_string_free(body, TRUE);
                if (strcmp(want, json_object_get_string(digest)) != 0)
                        bad(r, "digest", "the file is not as it was written; without its 'digest' it is taken as it is");
        }
}

static void read_root(Reading *r, json_object *root)
{
        static const char *const known[] = {"format", "version", "complete", "sources", "ops", "digest", NULL};

        if (!expect(r, root, json_type_object, "the file") || !read_head(r, root))
                return;
        json_object_object_foreach(root, key, value)
        {
                g_autofree char *path = g_strdup_printf("%.64s", key);

                (void)value;
                if (!g_strv_contains(known, key))
                        bad(r, path, "is not known");
        }
        read_sources(r, json_object_object_get(root, "sources"));
        read_ops(r, json_object_object_get(root, "ops"));
        model_seal(r->model);
        if (r->n_errors == 0)
                check_claims(r, root);
}

/* Where byte @n of @text stands. */
static SourcePos position(const char *text, size_t n, const char *file)
{
        SourcePos pos = {.file = file, .line = 1, .column = 1};

        for (size_t i = 0; i < n; i++) {
                pos.column = text[i] == '\n' ? 1 : pos.column + 1;
                pos.line += text[i] == '\n';
        }
        return pos;
}

int model_from_json(const char *text, size_t size, const char *file, Model **ret, Diag *d)
{
        g_autoptr(Model) m = model_new();
        Reading r = {.model = m, .pos = {.file = g_intern_string(file)}, .diag = d};
        autotokener *tokener = json_tokener_new_ex(MODEL_JSON_DEPTH_MAX);
        autojson *root = NULL;

        if (size > MODEL_JSON_BYTES_MAX) {
                bad(&r, "the file", "it is larger than %u bytes", MODEL_JSON_BYTES_MAX);
                return -EBADMSG;
        }
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        root = json_tokener_parse_ex(tokener, text, (int)size);
        if (json_tokener_get_error(tokener) != json_tokener_success) {
                SourcePos pos = position(text, MIN(json_tokener_get_parse_end(tokener), size), r.pos.file);
                enum json_tokener_error e = json_tokener_get_error(tokener);

                diag_error(d, &pos, "bad-json", "%s", e == json_tokener_continue ? "the text ends early" : json_tokener_error_desc(e));
                return -EBADMSG;
        }
        read_root(&r, root);
        if (r.n_errors > 0)
                return -EBADMSG;
        *ret = g_steal_pointer(&m);
        return 0;
}

/* ---- parts -------------------------------------------------------------------------------------------------------------------- */

int model_op_from_json(json_object *o, ModelKind k, ModelOp **ret)
{
        g_autoptr(Diag) d = diag_new();
        Reading r = {.diag = d};

        *ret = read_members(&r, o, "op", k);
        return *ret ? 0 : -EBADMSG;
}

int model_source_from_json(json_object *o, ModelSource **ret)
{
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Model) m = model_new();
        Reading r = {.diag = d};
        g_autoptr(ModelSource) s = read_source(&r, o, "source");

        if (!s || model_add_source(m, s) < 0)
                return -EBADMSG;
        *ret = g_steal_pointer(&s);
        return 0;
}

int model_lost_from_json(json_object *o, uint64_t ret[static _MODEL_KIND_MAX])
{
        g_autoptr(Diag) d = diag_new();
        Reading r = {.diag = d};

        memset(ret, 0, sizeof(*ret) * _MODEL_KIND_MAX);
        read_lost(&r, o, "lost", ret);
        return r.n_errors > 0 ? -EBADMSG : 0;
}
