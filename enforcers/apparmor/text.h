/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text: rules in AppArmor's language, line by line, with the knowledge of where each line comes from. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "blob.h"
#include "policy.h"

/* What some rule takes away towards processes outside of the policy. */
typedef struct AaPeers {
        uint32_t outside; /* PtracePerm */
        uint32_t quiet;             /* those of @outside that are not reported */
        bool signals;               /* outside */
        bool signals_quiet;
} AaPeers;

typedef struct AaText {
        GString *s;
        uint32_t line;    /* the next line's number */
        GArray *lines;    /* of AaLine; shared with the blob */
        const char *inside; /* what the names of the policy's own processes look like, in quotes */
        const char *outside;
        GHashTable *exact;  /* paths at which another profile begins; observed there */
} AaText;

/** aa_text_line() - append one line. @rule: where it comes from. */
void aa_text_line(AaText *t, AaLineKind kind, uint32_t rule, const char *format, ...) G_GNUC_PRINTF(4, 5);

/** aa_text_block() - append lines that somebody wrote. */
void aa_text_block(AaText *t, uint32_t rule, const char *text);

/** aa_rule_why_not() - why AppArmor cannot do what @r says; NULL: it can. To be freed.
 * @ret_part: whether a part of it can be had all the same. */
char *aa_rule_why_not(const Rule *r, RuleEffect e, bool *ret_part);

/** aa_rule_note() - in what AppArmor differs from what @r says, without being less; NULL: in nothing. Static. */
const char *aa_rule_note(const Rule *r, RuleEffect e);

/** aa_rules_may_meet() - may one operation be about what both rules are about? */
bool aa_rules_may_meet(const Rule *a, const Rule *b);

/** aa_text_rule() - append what @r, the rule number @i, says. What it says about other processes goes into @peers if it cannot
 * be a line. */
void aa_text_rule(AaText *t, const Rule *r, uint32_t i, RuleEffect e, AaPeers *peers);

/** aa_text_peers() - append what is left to be allowed towards other processes. */
void aa_text_peers(AaText *t, const AaPeers *peers);

/** aa_inside(), aa_outside() - expressions, in quotes, for the labels of the processes that are under the profile @name, or
 * one of its children, or have it stacked; and for those of the others. To be freed. */
char *aa_inside(const char *name);
char *aa_outside(const char *name);
