/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Dfa: a deterministic automaton over classes of bytes. Each state has one move that holds for class 0 and for all others
 * but its exceptions. That form is the same for equal states, and small: a state inside a name has one exception. */

#include <glib.h>
#include <stdint.h>

#include "nfa.h"

/* The budget of one policy's automaton. Together they bound a compilation to about 200 MB and two seconds. */
#define DFA_STATES_MAX (1U << 20)
#define DFA_MEMBERS_MAX (16U << 20)              /* NFA states in all states together */
#define DFA_STEPS_MAX (UINT64_C(150) << 20) /* moves looked at */

#define DFA_DEAD 0U /* nothing is accepted any more; always there */

typedef struct DfaMove {
        uint32_t to;
        uint8_t on; /* class */
} DfaMove;

typedef struct DfaState {
        uint32_t to;     /* by class 0, and by all classes without an exception */
        uint32_t first;  /* its exceptions, ascending by class, never to @to */
        uint32_t n;
        uint32_t accept; /* what is accepted here, an id of the caller's; 0: nothing */
} DfaState;

typedef struct Dfa {
        GArray *states;  /* of DfaState */
        GArray *moves;   /* of DfaMove */
        uint32_t *starts;
        uint32_t n_starts;
        GArray *members; /* of uint32_t: the NFA states that make up a state; NULL after dfa_minimise(), */
        GArray *first_member; /* of uint32_t: from there to the next state's */
} Dfa;

void dfa_free(Dfa *dfa);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dfa, dfa_free)

/** dfa_new() - determinise. All @accept are 0.
 * @ret: also given with -E2BIG: as far as it got, to see whose members are many.
 * Return: 0, -E2BIG: a budget is exhausted. */
int dfa_new(const Nfa *nfa, Dfa **ret);

/** dfa_minimise() - the smallest automaton that accepts the same, its states numbered in the order in which they are met
 * from the starts on. */
Dfa *dfa_minimise(const Dfa *dfa);

/** dfa_reverse() - for each state the states that have a move to it: from (*ret_first)[s] to (*ret_first)[s + 1] of
 * *ret_from. Both are to be freed. */
void dfa_reverse(const Dfa *dfa, uint32_t **ret_first, uint32_t **ret_from);

static inline const DfaState *dfa_state(const Dfa *dfa, uint32_t s)
{
        return &g_array_index(dfa->states, DfaState, s);
}

static inline const DfaMove *dfa_moves(const Dfa *dfa, uint32_t s)
{
        return &g_array_index(dfa->moves, DfaMove, dfa_state(dfa, s)->first);
}
