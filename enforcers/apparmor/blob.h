/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Blob: the bytes of AppArmor's Profile. The text for apparmor_parser; where each of its lines comes from; the table by
 * which an operation is traced back to its rule; and, when prepare() is through, what the kernel takes. It comes out of the
 * loader's child and, without what the kernel has got, out of a file: it is validated before it is used. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define AA_TEXT_MAX (8U << 20)    /* bytes of the text, */
#define AA_BINARY_MAX (16U << 20) /* of what the parser makes of it, */
#define AA_NAMES_MAX (2U << 20)   /* and of the names of raw rules */

/* What a line of the text is. */
typedef enum AaLineKind {
        AA_LINE_RULE,   /* generated from the rule @rule */
        AA_LINE_TEXT,   /* the first of the lines of its raw text, or, with AA_NO_RULE, of customProfile */
        AA_LINE_USERNS, /* generated, and not for every parser and kernel */
        AA_LINE_OURS,   /* from here on nobody's rule */
} AaLineKind;

#define AA_NO_RULE UINT32_MAX

/* From @line (counted from 1) to that of the next. */
typedef struct AaLine {
        uint32_t line;
        uint32_t kind; /* AaLineKind */
        uint32_t rule; /* index in the policy */
} AaLine;

/* The child profile of a target: "t", and so many digits that follow from its path. */
#define CHILD_NAME_DIGITS 16U

/* A raw rule, or another with targets, once for each child that it stands in. */
typedef struct AaName {
        char child[2 + CHILD_NAME_DIGITS];
        uint32_t rule; /* index in the policy */
        char *raw_id;  /* NULL: no raw text */
} AaName;

typedef struct AaBlob {
        char *text;      /* whole, NUL-terminated */
        GArray *lines;   /* of AaLine */
        GBytes *table;   /* of the BPF compiler, aligned; empty: there is none */
        GArray *names;   /* of AaName */
        GBytes *children; /* see children.h; empty: there are none */
        GBytes *binary;  /* empty before prepare() */
} AaBlob;

AaBlob *aa_blob_new(void);
void aa_blob_free(AaBlob *b);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AaBlob, aa_blob_free)

GBytes *aa_blob_to_bytes(const AaBlob *b);

/** aa_blob_from_bytes() - Return: 0, -EBADMSG. */
int aa_blob_from_bytes(GBytes *bytes, AaBlob **ret);

/** aa_blob_add_name() - @child: NULL: it stands in the whole. @raw_id: NULL: no raw text. */
void aa_blob_add_name(AaBlob *b, const char *child, uint32_t rule, const char *raw_id);

/** aa_blob_child() - @child if it is one of ours; NULL: what only somebody's own text knows. */
const char *aa_blob_child(const AaBlob *b, const char *child);

/** aa_blob_child_has() - does rule number @rule stand in @child? */
bool aa_blob_child_has(const AaBlob *b, const char *child, uint32_t rule);

/** aa_blob_raw_ids() - of the raw rules in @child (NULL: the whole), separated by ", "; NULL: there are none. To be freed. */
char *aa_blob_raw_ids(const AaBlob *b, const char *child);
