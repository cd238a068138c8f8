/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Dfa: the subset construction. A state is a sorted set of NFA states; sets stand in one array and are found by hash. */

#include "dfa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct Builder {
        const Nfa *nfa;
        Dfa *dfa;
        uint32_t *slots; /* hash table: state + 1 */
        uint32_t n_slots;
        uint64_t steps;
        GArray *bucket[256]; /* of uint32_t: by class, targets of moves by that byte alone */
        GArray *wide;        /* of NfaEdge: moves by sets */
        bool touched[256];   /* classes that may do something else than class 0 */
        GArray *set;         /* of uint32_t: being made */
} Builder;

/* Never without memory: the place of the first element may be asked for when there is none yet. */
static GArray *new_ids(void)
{
        return g_array_sized_new(FALSE, FALSE, sizeof(uint32_t), 16);
}

static void builder_init(Builder *b, const Nfa *nfa, Dfa *dfa)
{
        *b = (Builder){.nfa = nfa, .dfa = dfa, .n_slots = 1024, .wide = g_array_new(FALSE, FALSE, sizeof(NfaEdge)),
                       .set = new_ids()};
        b->slots = g_new0(uint32_t, b->n_slots);
        for (unsigned i = 0; i < 256; i++)
                b->bucket[i] = new_ids();
}

static void builder_done(Builder *b)
{
        for (unsigned i = 0; i < 256; i++)
                g_array_unref(b->bucket[i]);
        g_array_unref(b->wide);
        g_array_unref(b->set);
        g_free(b->slots);
}

static int compare_ids(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

/* Sorts, and removes what stands there twice. Most sets are small or sorted already. */
static void normalise(GArray *set)
{
        uint32_t *s = (uint32_t *)(void *)set->data; /* NULL if the set is empty */
        guint n = 0;
        bool sorted = true;

        for (guint i = 1; i < set->len && sorted; i++)
                sorted = s[i - 1] < s[i];
        if (sorted)
                return;
        qsort(s, set->len, sizeof(uint32_t), compare_ids);
        for (guint i = 0; i < set->len; i++)
                if (n == 0 || s[n - 1] != s[i])
                        s[n++] = s[i];
        g_array_set_size(set, n);
}

static uint32_t hash_ids(const uint32_t *ids, guint n)
{
        uint64_t h = n;

        for (guint i = 0; i < n; i++) {
                h = (h ^ ids[i]) * UINT64_C(0x9e3779b97f4a7c15);
                h ^= h >> 29;
        }
        return h ^ h >> 32;
}

static const uint32_t *members(const Dfa *dfa, uint32_t s, guint *ret_n)
{
        const uint32_t *first = &g_array_index(dfa->first_member, uint32_t, s);

        *ret_n = first[1] - first[0];
        return &g_array_index(dfa->members, uint32_t, first[0]);
}

static void grow_slots(Builder *b)
{
        g_free(b->slots);
        b->n_slots *= 2;
        b->slots = g_new0(uint32_t, b->n_slots);
        for (uint32_t s = 0; s < b->dfa->states->len; s++) {
                guint n;
                const uint32_t *ids = members(b->dfa, s, &n);
                uint32_t i = hash_ids(ids, n) & (b->n_slots - 1);

                while (b->slots[i])
                        i = (i + 1) & (b->n_slots - 1);
                b->slots[i] = s + 1;
        }
}

/* The state that b->set is. */
static int intern(Builder *b, uint32_t *ret)
{
        Dfa *dfa = b->dfa;
        DfaState fresh = {};
        const uint32_t *set;
        uint32_t i, end;

        normalise(b->set);
        set = (const uint32_t *)(const void *)b->set->data;
        i = hash_ids(set, b->set->len) & (b->n_slots - 1);
        for (; b->slots[i]; i = (i + 1) & (b->n_slots - 1)) {
                guint n;
                const uint32_t *ids = members(dfa, b->slots[i] - 1, &n);

                if (n == b->set->len && (n == 0 || memcmp(ids, set, n * sizeof(uint32_t)) == 0)) {
                        *ret = b->slots[i] - 1;
                        return 0;
                }
        }
        if (dfa->states->len >= DFA_STATES_MAX || dfa->members->len + b->set->len > DFA_MEMBERS_MAX)
                return -E2BIG;
        *ret = dfa->states->len;
        g_array_append_val(dfa->states, fresh);
        g_array_append_vals(dfa->members, set, b->set->len);
        end = dfa->members->len;
        g_array_append_val(dfa->first_member, end);
        b->slots[i] = *ret + 1;
        if (dfa->states->len > b->n_slots / 2)
                grow_slots(b);
        return 0;
}

/* Sorts the moves out of the members of @s into buckets. */
static void collect(Builder *b, uint32_t s)
{
        guint n;
        const uint32_t *ids = members(b->dfa, s, &n);

        memset(b->touched, 0, sizeof(b->touched));
        g_array_set_size(b->wide, 0);
        for (guint i = 0; i < n; i++) {
                const NfaState *state = &g_array_index(b->nfa->states, NfaState, ids[i]);
                const NfaEdge *e = &g_array_index(b->nfa->edges, NfaEdge, state->first);

                b->steps += state->n + 1;
                for (uint32_t k = 0; k < state->n; k++) {
                        const NfaLabel *label = &b->nfa->labels[e[k].label];
                        uint8_t class;

                        if (e[k].label >= 256) {
                                g_array_append_val(b->wide, e[k]);
                                for (unsigned c = 0; c < label->n_special; c++)
                                        b->touched[label->special[c]] = true;
                                continue;
                        }
                        class = label->special[0];
                        b->touched[class] = true;
                        g_array_append_val(b->bucket[class], e[k].to);
                }
        }
}

/* Where class @class leads, with what is in its bucket, which is emptied. */
static int target(Builder *b, uint8_t class, uint32_t *ret)
{
        GArray *bucket = b->bucket[class];

        g_array_set_size(b->set, 0);
        g_array_append_vals(b->set, bucket->data, bucket->len);
        g_array_set_size(bucket, 0);
        b->steps += b->wide->len;
        for (guint i = 0; i < b->wide->len; i++) {
                const NfaEdge *e = &g_array_index(b->wide, NfaEdge, i);

                if (byte_set_has(&b->nfa->labels[e->label].classes, class))
                        g_array_append_val(b->set, e->to);
        }
        return intern(b, ret);
}

static int expand(Builder *b, uint32_t s)
{
        Dfa *dfa = b->dfa;
        uint32_t to, first = dfa->moves->len;
        DfaMove m = {};
        DfaState *state;
        int r;

        collect(b, s);
        r = target(b, 0, &to);
        for (unsigned c = 1; c < b->nfa->n_classes && r >= 0; c++) {
                if (!b->touched[c])
                        continue;
                m.on = c;
                r = target(b, c, &m.to);
                if (r >= 0 && m.to != to)
                        g_array_append_val(dfa->moves, m);
        }
        if (r < 0)
                return r;
        state = &g_array_index(dfa->states, DfaState, s);
        state->to = to;
        state->first = first;
        state->n = dfa->moves->len - first;
        return b->steps > DFA_STEPS_MAX ? -E2BIG : 0;
}

static Dfa *dfa_alloc(uint32_t n_starts)
{
        Dfa *dfa = g_new0(Dfa, 1);

        dfa->states = g_array_new(FALSE, FALSE, sizeof(DfaState));
        dfa->moves = g_array_sized_new(FALSE, FALSE, sizeof(DfaMove), 16);
        dfa->starts = g_new0(uint32_t, n_starts);
        dfa->n_starts = n_starts;
        return dfa;
}

void dfa_free(Dfa *dfa)
{
        if (!dfa)
                return;
        g_array_unref(dfa->states);
        g_array_unref(dfa->moves);
        g_clear_pointer(&dfa->members, g_array_unref);
        g_clear_pointer(&dfa->first_member, g_array_unref);
        g_free(dfa->starts);
        g_free(dfa);
}

int dfa_new(const Nfa *nfa, Dfa **ret)
{
        Dfa *dfa = dfa_alloc(nfa->n_starts);
        const uint32_t zero = 0;
        uint32_t dead;
        Builder b;
        int r;

        dfa->members = new_ids();
        dfa->first_member = new_ids();
        g_array_append_val(dfa->first_member, zero);
        builder_init(&b, nfa, dfa);
        r = intern(&b, &dead); /* the empty set comes first */
        for (uint32_t i = 0; i < nfa->n_starts && r >= 0; i++) {
                uint32_t start = nfa_start(nfa, i);

                g_array_set_size(b.set, 0);
                g_array_append_val(b.set, start);
                r = intern(&b, &dfa->starts[i]);
        }
        for (uint32_t s = 0; s < dfa->states->len && r >= 0; s++)
                r = expand(&b, s);
        builder_done(&b);
        *ret = dfa;
        return r;
}

void dfa_reverse(const Dfa *dfa, uint32_t **ret_first, uint32_t **ret_from)
{
        uint32_t n = dfa->states->len, *first = g_new0(uint32_t, n + 2), *from = g_new(uint32_t, n + dfa->moves->len);

        /* Counted one place further on, so that filling in leaves the beginnings behind. */
        for (uint32_t s = 0; s < n; s++)
                first[dfa_state(dfa, s)->to + 2]++;
        for (guint i = 0; i < dfa->moves->len; i++)
                first[g_array_index(dfa->moves, DfaMove, i).to + 2]++;
        for (uint32_t s = 2; s < n + 2; s++)
                first[s] += first[s - 1];
        for (uint32_t s = 0; s < n; s++) {
                const DfaState *state = dfa_state(dfa, s);

                from[first[state->to + 1]++] = s;
                for (uint32_t i = 0; i < state->n; i++)
                        from[first[dfa_moves(dfa, s)[i].to + 1]++] = s;
        }
        *ret_first = first;
        *ret_from = from;
}
