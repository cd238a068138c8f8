/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nfa: states that are reached by the same paths become one. What patterns have in common at their beginnings (the directories
 * of ten thousand names, the slices above a unit) is then there once, and sets of states stay small: without that, each place of
 * each name holds a state of every pattern that waits there, and compiling takes the square of their number.
 *
 * A state is known by the moves that lead to it: from which merged states, by which label; by its move to itself; and by what
 * it accepts. But for such moves to itself, and among the starts, which stay as they are, the automaton has no cycles: so the
 * states are gone through once, each after all that lead to it. */

#include "nfa.h"

#include <stdlib.h>
#include <string.h>

typedef struct Merge {
        Nfa *nfa;
        uint32_t n;             /* states */
        uint32_t *first, *from; /* from first[s] to first[s + 1]: what leads to state s, itself excepted, */
        uint16_t *label;        /* and by which label */
        uint32_t *n_waiting;    /* and how many of these have no class yet */
        uint32_t *class;
        GArray *order;          /* of uint32_t: states, each after what leads to it */
        GArray *key;            /* of uint64_t: scratch */
        GHashTable *classes;    /* GBytes of what a state is known by -> class */
        uint32_t n_classes;
} Merge;

static const NfaState *state_at(const Nfa *nfa, uint32_t s)
{
        return &g_array_index(nfa->states, NfaState, s);
}

static const NfaEdge *edges_of(const Nfa *nfa, uint32_t s)
{
        return &g_array_index(nfa->edges, NfaEdge, state_at(nfa, s)->first);
}

/* Starts are what they are: what leads to them does not count. */
static bool counts(const Merge *m, uint32_t from, uint32_t to)
{
        return from != to && to >= NFA_START_STATES * m->nfa->n_starts;
}

static void merge_init(Merge *m, Nfa *nfa)
{
        uint32_t n = nfa->states->len;

        *m = (Merge){
                .nfa = nfa,
                .n = n,
                .first = g_new0(uint32_t, n + 2),
                .from = g_new(uint32_t, nfa->edges->len + 1),
                .label = g_new(uint16_t, nfa->edges->len + 1),
                .n_waiting = g_new0(uint32_t, n),
                .class = g_new(uint32_t, n),
                .order = g_array_sized_new(FALSE, FALSE, sizeof(uint32_t), n),
                .key = g_array_new(FALSE, FALSE, sizeof(uint64_t)),
                .classes = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL),
        };
        /* Counted one place further on, so that filling in leaves the beginnings behind. */
        for (uint32_t s = 0; s < n; s++)
                for (uint32_t i = 0; i < state_at(nfa, s)->n; i++)
                        if (counts(m, s, edges_of(nfa, s)[i].to))
                                m->first[edges_of(nfa, s)[i].to + 2]++;
        for (uint32_t s = 2; s < n + 2; s++)
                m->first[s] += m->first[s - 1];
        for (uint32_t s = 0; s < n; s++)
                for (uint32_t i = 0; i < state_at(nfa, s)->n; i++) {
                        NfaEdge e = edges_of(nfa, s)[i];

                        if (!counts(m, s, e.to))
                                continue;
                        m->from[m->first[e.to + 1]] = s;
                        m->label[m->first[e.to + 1]++] = e.label;
                        m->n_waiting[e.to]++;
                }
}

static void merge_done(Merge *m)
{
        g_free(m->first);
        g_free(m->from);
        g_free(m->label);
        g_free(m->n_waiting);
        g_free(m->class);
        g_array_unref(m->order);
        g_array_unref(m->key);
        g_hash_table_unref(m->classes);
}

static int compare_keys(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

/* What @s is known by, as sorted numbers. */
static void make_key(Merge *m, uint32_t s)
{
        const NfaState *state = state_at(m->nfa, s);
        GArray *key = m->key;
        uint64_t *k;
        guint n = 0;

        g_array_set_size(key, 0);
        for (uint32_t i = m->first[s]; i < m->first[s + 1]; i++) {
                uint64_t v = (uint64_t)m->class[m->from[i]] << 16 | m->label[i];

                g_array_append_val(key, v);
        }
        for (uint32_t i = 0; i < state->n; i++)
                if (edges_of(m->nfa, s)[i].to == s) {
                        uint64_t v = UINT64_C(1) << 62 | edges_of(m->nfa, s)[i].label;

                        g_array_append_val(key, v);
                }
        if (state->accept) {
                uint64_t v = UINT64_C(1) << 63 | state->pattern;

                g_array_append_val(key, v);
        }
        if (key->len < 2)
                return;
        qsort(key->data, key->len, sizeof(uint64_t), compare_keys);
        k = &g_array_index(key, uint64_t, 0);
        for (guint i = 0; i < key->len; i++)
                if (n == 0 || k[n - 1] != k[i])
                        k[n++] = k[i];
        g_array_set_size(key, n);
}

static uint32_t intern_class(Merge *m)
{
        gsize size = m->key->len * sizeof(uint64_t);
        g_autoptr(GBytes) key = g_bytes_new_static(m->key->data, size);
        gpointer class;

        if (g_hash_table_lookup_extended(m->classes, key, NULL, &class))
                return GPOINTER_TO_UINT(class);
        g_hash_table_insert(m->classes, g_bytes_new(m->key->data, size), GUINT_TO_POINTER(m->n_classes));
        return m->n_classes++;
}

static void classify(Merge *m, uint32_t s)
{
        if (s < NFA_START_STATES * m->nfa->n_starts)
                m->class[s] = m->n_classes++;
        else {
                make_key(m, s);
                m->class[s] = intern_class(m);
        }
        for (uint32_t i = 0; i < state_at(m->nfa, s)->n; i++) {
                uint32_t to = edges_of(m->nfa, s)[i].to;

                if (counts(m, s, to) && --m->n_waiting[to] == 0)
                        g_array_append_val(m->order, to);
        }
}

static int compare_edges(const void *a, const void *b)
{
        const NfaEdge *x = a, *y = b;

        if (x->label != y->label)
                return x->label < y->label ? -1 : 1;
        return (x->to > y->to) - (x->to < y->to);
}

/* Appends the edges of all states @s of one class to @edges, each once. */
static uint32_t join_edges(const Merge *m, const uint32_t *s, uint32_t n, GArray *edges)
{
        guint first = edges->len, k = first;
        NfaEdge *e;

        for (uint32_t i = 0; i < n; i++)
                for (uint32_t j = 0; j < state_at(m->nfa, s[i])->n; j++) {
                        NfaEdge move = edges_of(m->nfa, s[i])[j];

                        move.to = m->class[move.to];
                        g_array_append_val(edges, move);
                }
        if (edges->len == first)
                return 0;
        e = &g_array_index(edges, NfaEdge, 0);
        if (edges->len - first > 1)
                qsort(e + first, edges->len - first, sizeof(NfaEdge), compare_edges);
        for (guint i = first; i < edges->len; i++)
                if (k == first || compare_edges(&e[k - 1], &e[i]) != 0)
                        e[k++] = e[i];
        g_array_set_size(edges, k);
        return k - first;
}

static void rebuild(Merge *m)
{
        g_autofree uint32_t *first = g_new0(uint32_t, m->n_classes + 2), *of = g_new(uint32_t, m->n);
        GArray *states = g_array_sized_new(FALSE, FALSE, sizeof(NfaState), m->n_classes);
        /* Never without memory: the place of the first may be asked for when there is none. */
        GArray *edges = g_array_sized_new(FALSE, FALSE, sizeof(NfaEdge), 16);

        for (uint32_t s = 0; s < m->n; s++)
                first[m->class[s] + 2]++;
        for (uint32_t c = 2; c < m->n_classes + 2; c++)
                first[c] += first[c - 1];
        for (uint32_t s = 0; s < m->n; s++)
                of[first[m->class[s] + 1]++] = s;
        for (uint32_t c = 0; c < m->n_classes; c++) {
                const uint32_t *s = &of[first[c]];
                NfaState state = *state_at(m->nfa, s[0]);

                state.first = edges->len;
                state.n = join_edges(m, s, first[c + 1] - first[c], edges);
                g_array_append_val(states, state);
        }
        g_array_unref(m->nfa->states);
        g_array_unref(m->nfa->edges);
        m->nfa->states = states;
        m->nfa->edges = edges;
}

void nfa_merge(Nfa *nfa)
{
        Merge m;

        merge_init(&m, nfa);
        for (uint32_t s = 0; s < m.n; s++)
                if (m.n_waiting[s] == 0)
                        g_array_append_val(m.order, s);
        for (guint i = 0; i < m.order->len; i++)
                classify(&m, g_array_index(m.order, uint32_t, i));
        if (m.order->len == m.n) /* else there is a cycle, and everything stays as it is */
                rebuild(&m);
        merge_done(&m);
}
