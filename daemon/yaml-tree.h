/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Yaml: the bytes of a file as a tree in which every node knows where it stands. A subset of YAML 1.1: mappings with
 * plain keys, sequences, scalars. Anchors, aliases, tags, duplicate keys and whatever could make a small file big are
 * refused. Scalars stay text; who asks for a number or a truth value converts it. The only user of libyaml. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"

#define YAML_BYTES_MAX (4U << 20)  /* one file */
#define YAML_DEPTH_MAX 32U         /* collections within collections */
#define YAML_NODES_MAX 400000U     /* one file, keys included */
#define YAML_PAIRS_MAX 1024U       /* one mapping */
#define YAML_DOCUMENTS_MAX 4096U   /* one file */

typedef enum YamlType {
        YAML_SCALAR,
        YAML_SEQUENCE,
        YAML_MAPPING,
        _YAML_TYPE_MAX,
} YamlType;

typedef struct YamlNode YamlNode;

/* One "key: value" of a mapping. */
typedef struct YamlPair {
        char *key;
        SourcePos pos; /* of the key */
        YamlNode *value;
} YamlPair;

struct YamlNode {
        YamlType type;
        SourcePos pos;
        bool quoted;          /* scalar: in quotes or as a block, hence a string */
        bool block;           /* scalar: a block (| or >), whose text begins in the next line */
        uint32_t indent;      /* block: columns in front of each of its lines */
        char *scalar;         /* no NUL inside */
        GPtrArray *items;     /* sequence: of YamlNode, owned */
        GPtrArray *pairs;     /* mapping: of YamlPair, owned, keys are unique */
};

void yaml_pair_free(YamlPair *p);
void yaml_node_free(YamlNode *n);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(YamlNode, yaml_node_free)

/** yaml_node_dup() - a deep copy. */
YamlNode *yaml_node_dup(const YamlNode *n);

/** yaml_parse() - all documents of @text.
 * @file: how positions call it; interned.
 * @ret: array of YamlNode, the roots; set also on failure, then with the documents that were complete. Empty documents
 * are left out.
 * @ret_complete: false if the text ended early (syntax, size), so that further documents may have been there.
 * Return: 0; -EBADMSG: @d has errors. */
int yaml_parse(const char *text, size_t size, const char *file, GPtrArray **ret, bool *ret_complete, Diag *d);

/** yaml_parse_within() - the same for the text of the scalar @n: positions are those of the file that it stands in. */
int yaml_parse_within(const YamlNode *n, GPtrArray **ret, Diag *d);

/** yaml_get() - the value of @key in a mapping; NULL if there is none or @n is no mapping. */
const YamlNode *yaml_get(const YamlNode *n, const char *key);

/** yaml_text_pos() - where the first byte of the scalar @n stands. */
SourcePos yaml_text_pos(const YamlNode *n);

/** yaml_is_null() - an unquoted scalar that says nothing: empty, ~, null. */
bool yaml_is_null(const YamlNode *n);

/** yaml_describe() - what @n is, for messages: "the text 'abc'", "a mapping", "nothing". To be freed. */
char *yaml_describe(const YamlNode *n);

/** yaml_merge() - lay the fragment @over over @base and consume both: scalars replace, mappings merge, sequences append; an
 * empty sequence takes away what stood before, and a value of nothing takes away the key. Nodes keep their positions.
 * Return: the merged tree. */
YamlNode *yaml_merge(YamlNode *base, YamlNode *over);
