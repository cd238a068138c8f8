/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Generalise: Model -> patterns. What differs from run to run (a pid, a uuid, a temporary name) is widened by explicit rules,
 * which are data (conf/generalise.yaml), and by evidence: where many siblings were used alike, their directory is meant. Every
 * pattern matches each of the originals, which are kept, and says which rules made it. Deterministic; no clock, no file. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "model.h"

#define GENERALISE_RULES_MAX 256U
#define GENERALISE_REGEX_BYTES_MAX 512U
#define GENERALISE_DEPTH_MAX 64U /* components of a path; what is deeper stays as it is */

/* "PATH becomes BECOMES": part of the data, so that who reads a rule sees what it does; a test tries them all. */
typedef struct GeneraliseExample {
        SourcePos pos;
        char *path, *becomes;
} GeneraliseExample;

typedef struct GeneraliseRule {
        char *id;
        SourcePos pos;
        Strictness strictness;
        char **under;    /* patterns of the directories that the component may stand in; NULL: all */
        GRegex *match;   /* finds in a component the parts that are replaced */
        char *pattern;   /* what they are replaced by: no '/', no braces */
        char *why;
        GPtrArray *examples; /* of GeneraliseExample */
} GeneraliseRule;

typedef struct GeneraliseRules {
        GPtrArray *rules; /* of GeneraliseRule, in the order in which they are tried; what one took, the next leaves */
        char **keep;      /* patterns of directories whose members are never taken for siblings */
        uint64_t siblings[_STRICTNESS_MAX]; /* how many make evidence; 0: none do */
} GeneraliseRules;

void generalise_rules_free(GeneraliseRules *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GeneraliseRules, generalise_rules_free)

/** generalise_rules_parse() - the text of conf/generalise.yaml. Return: 0; -EBADMSG: @d says what is wrong. */
int generalise_rules_parse(const char *text, size_t size, const char *file, GeneraliseRules **ret, Diag *d);

typedef struct GeneraliseOptions {
        Strictness strictness;
        uint32_t siblings;    /* how many siblings are evidence; 0: as the rules say */
        const char *instance; /* of the unit ("a" of "worker@a.service"); NULL: none */
} GeneraliseOptions;

/* What became of one or more ops. */
typedef struct GeneralOp {
        ModelOp op;         /* the first of them, with the accesses and the counts of all; the texts are the model's */
        char *pattern;      /* for kinds with a path (exec, file, sockets of AF_UNIX, mount): of @op.object; else NULL */
        uint8_t prefix_len; /* egress, ingress: how many bits of op.address count */
        uint16_t first_port, last_port;
        GArray *originals;  /* of uint32_t: indexes in the model's ops, ascending */
        GPtrArray *rules;   /* of const char *: ids of the rules that widened it, or one of WHY_*; NULL: it was not */
} GeneralOp;

typedef struct General {
        const Model *model; /* borrowed */
        GPtrArray *ops;     /* of GeneralOp, in the model's order of their first originals; each original is in exactly one */
} General;

void general_free(General *g);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(General, general_free)

/** generalise() - @m is sealed, and outlives the result. */
General *generalise(const Model *m, const GeneraliseRules *rules, const GeneraliseOptions *options);

/** general_report() - one line for each op that was widened: kind, pattern, how many originals, which rules and why, and the first
 * few originals. To be freed. */
char *general_report(const General *g, const GeneraliseRules *rules);

/** generalise_path() - @path alone by the rules, without evidence. @ret_rules: as in GeneralOp; may be NULL. To be freed. */
char *generalise_path(const char *path, const GeneraliseRules *rules, const GeneraliseOptions *options, GPtrArray **ret_rules);

/* ---- between generalise.c and generalise-net.c -------------------------------------------------------------------------------- */

#define WHY_INSTANCE "instance"
#define WHY_SIBLINGS "siblings"
#define WHY_ADDRESSES "addresses"
#define WHY_PORTS "ports"
#define WHY_CHOSEN "chosen"

/** general_add_reason() - @why is static, or lives as long as the rules. */
void general_add_reason(GeneralOp *op, const char *why);

/** general_widen_chosen() - where the kernel was asked for a port to listen on, it is one of all that it may choose. */
void general_widen_chosen(General *g);

/** general_widen_net() - @enough addresses at one port, or high ports at one address, are one op. */
void general_widen_net(General *g, uint32_t enough);

/** general_net_text() - "10.0.0.0/8 port 443". To be freed. */
char *general_net_text(const ModelOp *o, unsigned prefix, unsigned first_port, unsigned last_port);

/* ---- in generalise-rules.c --------------------------------------------------------------------------------------------------- */

/** generalise_match() - a pattern without braces against bytes; a directory matches DIR followed by two stars, too. */
bool generalise_match(const char *pattern, const char *bytes);

/** generalise_matches_any() - one of @patterns. */
bool generalise_matches_any(char *const *patterns, const char *bytes);
