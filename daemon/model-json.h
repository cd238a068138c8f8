/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Model <-> JSON, as varmor-model(5) documents it. Equal models give equal bytes. Texts are UTF-8 with the bytes that are not, and
 * control characters, as \xHH, and backslashes doubled: before JSON escapes them once more. */

#include <glib.h>
#include <stddef.h>

#include "diag.h"
#include "model.h"

#define MODEL_FORMAT "varmor-model"
#define MODEL_VERSION 1
#define MODEL_JSON_BYTES_MAX (64U << 20)
#define MODEL_JSON_DEPTH_MAX 8

/** model_to_json() - @m, sealed, with one line for each op, and a digest at the end by which damage is noticed. To be freed. */
char *model_to_json(const Model *m);

/** model_from_json() - the model in these @size bytes, sealed.
 * @file: how messages call it. They name what is wrong by its JSON path ("ops.file[3].path"), or by line and column.
 * Return: 0; -EBADMSG: it is damaged, or of a newer version: @d says what. */
int model_from_json(const char *text, size_t size, const char *file, Model **ret, Diag *d);

/** model_text_encode(), model_text_decode() - the texts of a file. To be freed; decoding gives NULL for what is no such text. */
char *model_text_encode(const char *bytes);
char *model_text_decode(const char *text, size_t size);

/* ---- parts, for other files that hold them ----------------------------------------------------------------------------------- */

struct json_object;

/** model_op_to_json(), model_source_to_json(), model_lost_to_json() - append an object, in one line. */
void model_op_to_json(GString *s, const ModelOp *o);
void model_source_to_json(GString *s, ModelSource *source);
void model_lost_to_json(GString *s, const uint64_t numbers[static _MODEL_KIND_MAX]);

/** model_op_from_json(), model_source_from_json(), model_lost_from_json() - Return: 0; -EBADMSG: @o is no such object. */
int model_op_from_json(struct json_object *o, ModelKind k, ModelOp **ret);
int model_source_from_json(struct json_object *o, ModelSource **ret);
int model_lost_from_json(struct json_object *o, uint64_t ret[static _MODEL_KIND_MAX]);

/* ---- between writing and reading ------------------------------------------------------------------------------------------- */

/** model_json_body() - the text in front of the digest, from which that is made. */
GString *model_json_body(const Model *m);

/** model_word() - the word that stands for @bit alone; NULL: there is none. */
const char *model_word(const Word *words, uint64_t bit);
