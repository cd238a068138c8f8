/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Nfa: the patterns of a policy as one nondeterministic automaton over bytes, without empty moves. This is where the
 * meaning that glob.h promises is made. Several starts (rules for everybody, rules of each group, ...) share it. */

#include <glib.h>
#include <stdint.h>

#include "glob.h"

#define NFA_EDGES_MAX (4U * 1024 * 1024)
#define NFA_LABELS_MAX 65535U
#define NFA_NO_PATTERN UINT32_MAX

/* Labels below 256 are single bytes; the others are sets. */
#define NFA_LABEL_ANY 256U
#define NFA_LABEL_NOT_SLASH 257U

typedef struct NfaEdge {
        uint32_t to;
        uint16_t label;
} NfaEdge;

typedef struct NfaState {
        uint32_t first; /* its edges stand one after the other */
        uint32_t n;
        uint32_t pattern; /* to which it belongs, the first of several; NFA_NO_PATTERN: to all the relative ones, or to a
                           * start */
        bool accept;
} NfaState;

/* A label as classes of bytes: classes are numbered such that class 0 is that of NUL, hence of all bytes about which no
 * pattern says anything special. */
typedef struct NfaLabel {
        ByteSet classes;
        uint16_t n_special; /* classes for which the label says something else than for class 0, */
        uint8_t *special;   /* ascending */
} NfaLabel;

typedef struct Nfa {
        GArray *states; /* of NfaState */
        GArray *edges;  /* of NfaEdge */
        GArray *sets;   /* of ByteSet: labels from 256 on */
        GHashTable *set_ids;
        uint32_t n_starts;
        struct NfaStart *starts;
        uint8_t class_of[256]; /* from nfa_finish() on */
        uint32_t n_classes;
        NfaLabel *labels; /* all labels, those of single bytes too */
        struct NfaScratch *scratch;
} Nfa;

Nfa *nfa_new(uint32_t n_starts);
void nfa_free(Nfa *nfa);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Nfa, nfa_free)

/** nfa_add() - what @g matches is accepted as @pattern from start @start.
 * Return: 0, -E2BIG: more than NFA_EDGES_MAX, NFA_LABELS_MAX. */
int nfa_add(Nfa *nfa, uint32_t start, uint32_t pattern, const Glob *g);

/* The first so many states of each start are its own. */
#define NFA_START_STATES 3U

/** nfa_merge() - what patterns have in common at their beginnings is there only once (part of nfa_finish()). */
void nfa_merge(Nfa *nfa);

/** nfa_finish() - after the last pattern: the starts' own states, and the classes of bytes. */
void nfa_finish(Nfa *nfa);

/** nfa_start() - the state of start @start. */
uint32_t nfa_start(const Nfa *nfa, uint32_t start);

/** nfa_is_relative() - is @state one of those that wait, in every directory, for a pattern without a leading '/'? */
bool nfa_is_relative(const Nfa *nfa, uint32_t state);
