/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lines <-> what they say. See recording.h. */

#include "recording.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "model-json.h"

#define SUM_DIGITS 8U
#define LINE_DEPTH_MAX 8

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

void recording_state_free(RecordingState *s)
{
        if (!s)
                return;
        model_source_free(s->source);
        g_free(s);
}

/* ---- writing ----------------------------------------------------------------------------------------------------------------- */

static char *sum(const char *text, size_t size)
{
        char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, size);

        digest[SUM_DIGITS] = '\0';
        return digest;
}

/* Make a line of what @s has got since it was @start bytes long. */
static void finish_line(GString *s, gsize start)
{
        g_autofree char *digits = sum(s->str + start, s->len - start);

        g_string_insert_c(s, (gssize)start, ' ');
        g_string_insert(s, (gssize)start, digits);
        g_string_append_c(s, '\n');
}

void recording_put_header(GString *s, ModelSource *source, uint64_t deadline_usec)
{
        gsize start = s->len;

        g_string_append_printf(s, "{\"format\": \"%s\", \"version\": %d, \"deadline\": %" G_GUINT64_FORMAT ", \"source\": ", RECORDING_FORMAT,
                               RECORDING_VERSION, deadline_usec);
        model_source_to_json(s, source);
        g_string_append_c(s, '}');
        finish_line(s, start);
}

void recording_put_op(GString *s, const ModelOp *o)
{
        gsize start = s->len;

        g_string_append_printf(s, "{\"%s\": ", model_kind_to_string(o->kind));
        model_op_to_json(s, o);
        g_string_append_c(s, '}');
        finish_line(s, start);
}

void recording_put_lost(GString *s, const uint64_t lost[static _MODEL_KIND_MAX], bool counted)
{
        gsize start = s->len;

        g_string_append(s, counted ? "{\"counted\": " : "{\"lost\": ");
        model_lost_to_json(s, lost);
        g_string_append_c(s, '}');
        finish_line(s, start);
}

void recording_put_boot(GString *s, const char *boot)
{
        gsize start = s->len;

        g_string_append_printf(s, "{\"boot\": \"%s\"}", boot);
        finish_line(s, start);
}

void recording_put_number(GString *s, const char *what, uint64_t n)
{
        gsize start = s->len;

        g_string_append_printf(s, "{\"%s\": %" G_GUINT64_FORMAT "}", what, n);
        finish_line(s, start);
}

/* ---- losses -------------------------------------------------------------------------------------------------------------------- */

static void lose(RecordingState *s, ModelKind k, uint64_t n)
{
        uint64_t *lost = &s->source->lost[k];

        *lost = n > MODEL_COUNT_MAX - *lost ? MODEL_COUNT_MAX : *lost + n;
}

void recording_count(RecordingState *s, const uint64_t counted[static _MODEL_KIND_MAX])
{
        for (int k = 0; k < _MODEL_KIND_MAX; k++) {
                uint64_t before = counted[k] < s->counted[k] ? 0 : s->counted[k];

                lose(s, (ModelKind)k, counted[k] - before);
                s->counted[k] = counted[k];
        }
}

static void lose_damaged(RecordingState *s, const char *line, size_t size)
{
        bool known = false;

        s->n_damaged++;
        s->paused = false;
        for (int k = 0; k < _MODEL_KIND_MAX; k++) {
                g_autofree char *begin = g_strdup_printf("{\"%s\": {", model_kind_to_string((ModelKind)k));

                if (size <= SUM_DIGITS + 1 + strlen(begin) || memcmp(line + SUM_DIGITS + 1, begin, strlen(begin)) != 0)
                        continue;
                lose(s, (ModelKind)k, 1);
                known = true;
        }
        for (int k = 0; !known && k < _MODEL_KIND_MAX; k++)
                lose(s, (ModelKind)k, 1);
}

/* ---- reading ----------------------------------------------------------------------------------------------------------------- */

typedef struct Reading {
        RecordingState *state;
        Model *model;
        json_tokener *tokener;
} Reading;

/* Return: the JSON text of the line, or NULL: it is not as it was written. */
static const char *check_line(const char *line, size_t size, size_t *ret_size)
{
        g_autofree char *digits = NULL;

        if (size <= SUM_DIGITS + 1 || line[SUM_DIGITS] != ' ')
                return NULL;
        digits = sum(line + SUM_DIGITS + 1, size - SUM_DIGITS - 1);
        if (memcmp(line, digits, SUM_DIGITS) != 0)
                return NULL;
        *ret_size = size - SUM_DIGITS - 1;
        return line + SUM_DIGITS + 1;
}

static json_object *parse_json(json_tokener *t, const char *text, size_t size)
{
        autojson *o = NULL;

        if (size > G_MAXINT)
                return NULL;
        json_tokener_reset(t);
        o = json_tokener_parse_ex(t, text, (int)size);
        if (json_tokener_get_error(t) != json_tokener_success || json_tokener_get_parse_end(t) != size)
                return NULL;
        return json_object_get_type(o) == json_type_object ? g_steal_pointer(&o) : NULL;
}

static bool read_number(json_object *o, uint64_t max, uint64_t *ret)
{
        int64_t n = o && json_object_get_type(o) == json_type_int ? json_object_get_int64(o) : -1;

        if (n < 0 || (uint64_t)n > max)
                return false;
        *ret = (uint64_t)n;
        return true;
}

static int read_header(Reading *r, const char *line, size_t size)
{
        const char *text = check_line(line, size, &size);
        autojson *o = text ? parse_json(r->tokener, text, size) : NULL;
        json_object *format = json_object_object_get(o, "format");
        uint64_t version;

        if (!format || json_object_get_type(format) != json_type_string || strcmp(json_object_get_string(format), RECORDING_FORMAT) != 0)
                return -EBADMSG;
        if (!read_number(json_object_object_get(o, "version"), RECORDING_VERSION, &version) || version != RECORDING_VERSION ||
            !read_number(json_object_object_get(o, "deadline"), MODEL_COUNT_MAX, &r->state->deadline_usec))
                return -EBADMSG;
        return model_source_from_json(json_object_object_get(o, "source"), &r->state->source);
}

static bool read_op(Reading *r, json_object *o, ModelKind k)
{
        g_autoptr(ModelOp) op = NULL;

        if (model_op_from_json(o, k, &op) < 0)
                return false;
        r->state->n_ops++;
        if (model_add(r->model, op) < 0)
                lose(r->state, k, 1);
        return true;
}

static bool read_lost(Reading *r, json_object *o, bool counted)
{
        uint64_t lost[_MODEL_KIND_MAX];

        if (model_lost_from_json(o, lost) < 0)
                return false;
        if (counted)
                recording_count(r->state, lost);
        else
                for (int k = 0; k < _MODEL_KIND_MAX; k++)
                        lose(r->state, (ModelKind)k, lost[k]);
        return true;
}

/* A recorder does not outlive the host's run, nor does its count. */
static bool read_boot(Reading *r, json_object *o)
{
        const char *boot = o && json_object_get_type(o) == json_type_string ? json_object_get_string(o) : "";
        RecordingState *s = r->state;

        if (strlen(boot) != RECORDING_BOOT_BYTES)
                return false;
        if (strcmp(boot, s->boot) != 0)
                memset(s->counted, 0, sizeof(s->counted));
        g_strlcpy(s->boot, boot, sizeof(s->boot));
        return true;
}

static bool read_fact(Reading *r, const char *key, json_object *value)
{
        ModelKind k = model_kind_from_string(key);
        RecordingState *s = r->state;
        uint64_t n;

        s->paused = false;
        if ((int)k >= 0)
                return read_op(r, value, k);
        if (strcmp(key, "counted") == 0 || strcmp(key, "lost") == 0)
                return read_lost(r, value, *key == 'c');
        if (strcmp(key, "boot") == 0)
                return read_boot(r, value);
        if (!read_number(value, MODEL_COUNT_MAX, &n))
                return false;
        if (strcmp(key, "deadline") == 0)
                s->deadline_usec = n;
        else if (strcmp(key, "ended") == 0)
                s->source->ended_usec = n;
        else if (strcmp(key, "paused") == 0)
                s->paused = true;
        else if (strcmp(key, "model") == 0) {
                s->done = true;
                s->n_ops = n;
        } else
                return false;
        return true;
}

/* By the beginning of the line alone: who only wants to go on need not understand all that was recorded. */
static bool is_op(const char *text, size_t size)
{
        const char *end = size > 2 ? memchr(text + 2, '"', size - 2) : NULL;
        g_autofree char *word = end && end - text < 32 ? g_strndup(text + 2, (gsize)(end - text - 2)) : NULL;

        return word && memcmp(text, "{\"", 2) == 0 && (int)model_kind_from_string(word) >= 0;
}

static bool read_line(Reading *r, const char *line, size_t size)
{
        const char *text = check_line(line, size, &size);
        autojson *o = NULL;
        unsigned n = 0;
        bool good = true, op = text && is_op(text, size);

        if (!text)
                return false;
        if (!r->model && op) {
                r->state->paused = false;
                r->state->n_ops++;
                return true;
        }
        o = parse_json(r->tokener, text, size);
        if (!o)
                return false;
        json_object_object_foreach(o, key, value)
        {
                good &= n++ == 0 && (op || (int)model_kind_from_string(key) < 0) && read_fact(r, key, value);
        }
        return good && n == 1;
}

int recording_parse(const char *text, size_t size, Model *model, RecordingState **ret)
{
        g_autoptr(RecordingState) s = g_new0(RecordingState, 1);
        autotokener *tokener = json_tokener_new_ex(LINE_DEPTH_MAX);
        Reading r = {.state = s, .model = model, .tokener = tokener};
        const char *end;

        if (size == 0)
                return -EBADMSG;
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        for (const char *line = text; (end = memchr(line, '\n', size - (size_t)(line - text))); line = end + 1) {
                size_t n = (size_t)(end - line);

                s->size = (size_t)(end + 1 - text);
                if (line == text && read_header(&r, line, n) < 0)
                        return -EBADMSG;
                if (line != text && !read_line(&r, line, n))
                        lose_damaged(s, line, n);
        }
        if (!s->source)
                return -EBADMSG;
        *ret = g_steal_pointer(&s);
        return 0;
}
