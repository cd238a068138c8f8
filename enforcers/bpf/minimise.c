/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Dfa: minimisation by refining a partition of the states. Blocks whose states may have come to differ are looked at again;
 * when one falls apart, its largest part keeps its number, and only what leads to the other parts is looked at again. So each
 * move is followed O(log n) times, and only the moves that a state really has (Hopcroft's bound, without his cost of one pass
 * for each class). States are told apart by a hash of 128 bits over where their moves lead. */

#include <stdlib.h>
#include <string.h>

#include "dfa.h"

typedef struct Signature {
        uint64_t a, b;
        uint32_t state;
} Signature;

typedef struct Block {
        uint32_t first; /* in elems */
        uint32_t n;
        uint32_t n_dirty; /* they stand first */
} Block;

typedef struct Refiner {
        const Dfa *dfa;
        uint32_t *elems;    /* the states, block by block */
        uint32_t *place;    /* of each state in elems */
        uint32_t *block_of;
        GArray *blocks;     /* of Block */
        GArray *todo;       /* of uint32_t: blocks with dirty states */
        GArray *signatures; /* of Signature: scratch */
        GArray *moved;      /* of uint32_t: scratch, states that have just got a block of their own */
        uint32_t *from_first, *from;
} Refiner;

static void mix(Signature *s, uint64_t v)
{
        s->a = (s->a ^ v) * UINT64_C(0x9e3779b97f4a7c15);
        s->a ^= s->a >> 32;
        s->b = (s->b + v) * UINT64_C(0xc2b2ae3d27d4eb4f);
        s->b ^= s->b >> 29;
}

static Signature signature(const Refiner *r, uint32_t s)
{
        const DfaState *state = dfa_state(r->dfa, s);
        const DfaMove *m = dfa_moves(r->dfa, s);
        uint32_t to = r->block_of[state->to];
        Signature sig = {.state = s};

        mix(&sig, to);
        for (uint32_t i = 0; i < state->n; i++)
                if (r->block_of[m[i].to] != to)
                        mix(&sig, (uint64_t)(m[i].on + 1) << 32 | r->block_of[m[i].to]);
        return sig;
}

static int compare_signatures(const void *a, const void *b)
{
        const Signature *x = a, *y = b;

        if (x->a != y->a)
                return x->a < y->a ? -1 : 1;
        if (x->b != y->b)
                return x->b < y->b ? -1 : 1;
        return 0;
}

static Block *block(Refiner *r, uint32_t i)
{
        return &g_array_index(r->blocks, Block, i);
}

static void put(Refiner *r, uint32_t place, uint32_t s)
{
        r->elems[place] = s;
        r->place[s] = place;
}

static void mark(Refiner *r, uint32_t s)
{
        uint32_t i = r->block_of[s], at = r->place[s], other;
        Block *b = block(r, i);

        if (b->n == 1 || at < b->first + b->n_dirty)
                return;
        other = r->elems[b->first + b->n_dirty];
        put(r, at, other);
        put(r, b->first + b->n_dirty, s);
        if (b->n_dirty++ == 0)
                g_array_append_val(r->todo, i);
}

/* The part of block @i from @first on, @n states, becomes a block of its own. */
static void split_off(Refiner *r, uint32_t first, uint32_t n)
{
        Block b = {.first = first, .n = n};

        for (uint32_t k = first; k < first + n; k++)
                r->block_of[r->elems[k]] = r->blocks->len;
        g_array_append_vals(r->moved, r->elems + first, n);
        g_array_append_val(r->blocks, b);
}

/* The parts of the dirty states, which stand sorted in r->signatures, are written into elems such that those like the clean
 * ones come last. Gives where each part begins, the clean states being with the last. */
static void lay_out_parts(Refiner *r, const Block *b, GArray *ret_parts)
{
        const Signature *sig = &g_array_index(r->signatures, Signature, 0);
        Signature clean = {};
        uint32_t at = b->first, alike = 0, n_alike = 0, n = b->n_dirty;

        if (b->n > n) {
                clean = signature(r, r->elems[b->first + n]);
                while (alike < n && compare_signatures(&sig[alike], &clean) < 0)
                        alike++;
                while (alike + n_alike < n && compare_signatures(&sig[alike + n_alike], &clean) == 0)
                        n_alike++;
        }
        for (uint32_t k = 0; k < n; k++) {
                if (k >= alike && k < alike + n_alike)
                        continue;
                if (k == 0 || compare_signatures(&sig[k - 1], &sig[k]) != 0)
                        g_array_append_val(ret_parts, at);
                put(r, at++, sig[k].state);
        }
        if (b->n > n)
                g_array_append_val(ret_parts, at);
        for (uint32_t k = 0; k < n_alike; k++)
                put(r, at++, sig[alike + k].state);
}

static void refine(Refiner *r, uint32_t i, GArray *parts)
{
        Block b = *block(r, i);
        uint32_t largest = 0, end = b.first + b.n;

        block(r, i)->n_dirty = 0;
        g_array_set_size(r->signatures, 0);
        g_array_set_size(parts, 0);
        g_array_set_size(r->moved, 0);
        for (uint32_t k = b.first; k < b.first + b.n_dirty; k++) {
                Signature s = signature(r, r->elems[k]);

                g_array_append_val(r->signatures, s);
        }
        qsort(r->signatures->data, r->signatures->len, sizeof(Signature), compare_signatures);
        lay_out_parts(r, &b, parts);
        if (parts->len == 1)
                return;

        g_array_append_val(parts, end);
#define PART(k) g_array_index(parts, uint32_t, (k))
        for (guint k = 1; k + 1 < parts->len; k++)
                if (PART(k + 1) - PART(k) > PART(largest + 1) - PART(largest))
                        largest = k;
        for (guint k = 0; k + 1 < parts->len; k++)
                if (k != largest)
                        split_off(r, PART(k), PART(k + 1) - PART(k));
        *block(r, i) = (Block){.first = PART(largest), .n = PART(largest + 1) - PART(largest)};
#undef PART
        /* Not from elems: mark() changes the order there, also within these parts. */
        for (guint k = 0; k < r->moved->len; k++) {
                uint32_t s = g_array_index(r->moved, uint32_t, k);

                for (uint32_t f = r->from_first[s]; f < r->from_first[s + 1]; f++)
                        mark(r, r->from[f]);
        }
}

static int compare_accepts(const void *a, const void *b)
{
        const Signature *x = a, *y = b;

        return (x->a > y->a) - (x->a < y->a);
}

/* First blocks: states that accept the same. All of them are dirty. */
static void refiner_init(Refiner *r, const Dfa *dfa)
{
        uint32_t n = dfa->states->len;

        *r = (Refiner){
                .dfa = dfa,
                .elems = g_new(uint32_t, n),
                .place = g_new(uint32_t, n),
                .block_of = g_new(uint32_t, n),
                .blocks = g_array_new(FALSE, FALSE, sizeof(Block)),
                .todo = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
                .signatures = g_array_sized_new(FALSE, FALSE, sizeof(Signature), n),
                .moved = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
        };
        dfa_reverse(dfa, &r->from_first, &r->from);
        for (uint32_t s = 0; s < n; s++) {
                Signature sig = {.a = dfa_state(dfa, s)->accept, .state = s};

                g_array_append_val(r->signatures, sig);
        }
        qsort(r->signatures->data, n, sizeof(Signature), compare_accepts);
        for (uint32_t k = 0, first = 0; k < n; k++) {
                const Signature *sig = &g_array_index(r->signatures, Signature, k);

                put(r, k, sig->state);
                if (k + 1 < n && sig[1].a == sig[0].a)
                        continue;
                split_off(r, first, k + 1 - first);
                first = k + 1;
        }
        for (uint32_t i = 0; i < r->blocks->len; i++) {
                block(r, i)->n_dirty = block(r, i)->n;
                g_array_append_val(r->todo, i);
        }
}

static void refiner_done(Refiner *r)
{
        g_free(r->elems);
        g_free(r->place);
        g_free(r->block_of);
        g_free(r->from_first);
        g_free(r->from);
        g_array_unref(r->blocks);
        g_array_unref(r->todo);
        g_array_unref(r->signatures);
        g_array_unref(r->moved);
}

/* What a state of the small automaton stands for. */
typedef struct Numbering {
        uint32_t *number; /* of each block, UINT32_MAX: not met yet */
        GArray *reps;     /* of uint32_t: a state of each numbered block */
} Numbering;

static uint32_t number(const Refiner *r, Numbering *nb, uint32_t state)
{
        uint32_t b = r->block_of[state];

        if (nb->number[b] == UINT32_MAX) {
                nb->number[b] = nb->reps->len;
                g_array_append_val(nb->reps, state);
        }
        return nb->number[b];
}

static void copy_state(const Refiner *r, Numbering *nb, uint32_t s, Dfa *ret)
{
        const DfaState *from = dfa_state(r->dfa, s);
        const DfaMove *m = dfa_moves(r->dfa, s);
        DfaState to = {.to = number(r, nb, from->to), .first = ret->moves->len, .accept = from->accept};

        for (uint32_t i = 0; i < from->n; i++) {
                DfaMove move = {.to = number(r, nb, m[i].to), .on = m[i].on};

                if (move.to == to.to)
                        continue;
                g_array_append_val(ret->moves, move);
                to.n++;
        }
        g_array_append_val(ret->states, to);
}

Dfa *dfa_minimise(const Dfa *dfa)
{
        g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        Dfa *ret = g_new0(Dfa, 1);
        Numbering nb = {};
        Refiner r;

        refiner_init(&r, dfa);
        while (r.todo->len > 0) {
                uint32_t i = g_array_index(r.todo, uint32_t, r.todo->len - 1);

                g_array_set_size(r.todo, r.todo->len - 1);
                refine(&r, i, parts);
        }

        ret->states = g_array_new(FALSE, FALSE, sizeof(DfaState));
        ret->moves = g_array_sized_new(FALSE, FALSE, sizeof(DfaMove), 16);
        ret->n_starts = dfa->n_starts;
        ret->starts = g_new0(uint32_t, dfa->n_starts);
        nb.number = g_new(uint32_t, r.blocks->len);
        memset(nb.number, 0xff, sizeof(uint32_t) * r.blocks->len);
        nb.reps = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        (void)number(&r, &nb, DFA_DEAD);
        for (uint32_t i = 0; i < dfa->n_starts; i++)
                ret->starts[i] = number(&r, &nb, dfa->starts[i]);
        for (uint32_t i = 0; i < nb.reps->len; i++)
                copy_state(&r, &nb, g_array_index(nb.reps, uint32_t, i), ret);
        g_array_unref(nb.reps);
        g_free(nb.number);
        refiner_done(&r);
        return ret;
}
