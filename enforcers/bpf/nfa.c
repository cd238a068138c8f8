/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nfa: from graphs of tokens to an automaton over bytes. A place in a pattern is a node of its graph and what stood before
 * it (Before); what follows for free is worked out at once, so that the states have byte moves only. */

#include "nfa.h"

#include <errno.h>
#include <string.h>

#define NO_EDGE UINT32_MAX
#define NO_STATE UINT32_MAX

/* What stood before a node, as far as it matters for what may follow. */
typedef enum Before {
        BEFORE_OTHER,
        BEFORE_SLASH,     /* a '/': two stars may stand for no directory, another '/' is the same one */
        BEFORE_NO_STAR,   /* a '/' and a '*' for which nothing stood: no whole component may end here */
        BEFORE_NO_STARS,  /* a '/' and a '**' for which nothing stood: only a '/' may follow, which stands for nothing */
        BEFORE_PATTERN,   /* the pattern begins: only a leading '/' counts */
        BEFORE_DIRECTORY, /* the pattern begins, in some directory: a leading '/' does not count */
        _BEFORE_MAX,
} Before;

typedef struct NfaStart {
        uint32_t state;
        uint32_t relative; /* after a '/': here relative patterns begin; NO_STATE: there are none */
        uint32_t skip;     /* within a component that relative patterns ignore */
        GArray *edges;     /* of NfaEdge: out of @state, */
        GArray *relative_edges; /* out of @relative, */
        GArray *slash_edges;    /* and out of both @state and @skip */
} NfaStart;

/* What is being worked on: one place. */
typedef struct NfaScratch {
        const Glob *glob;
        uint32_t pattern;
        GArray *node_states; /* of uint32_t: [2 * node + (Before is SLASH)], NO_STATE if not made */
        GArray *loop_states; /* of uint32_t: by edge of the graph, for stars */
        GArray *todo;        /* of NfaPlace: states whose moves are not yet worked out */
        GArray *stack;       /* of NfaPlace */
        GArray *seen;        /* of uint32_t: [_BEFORE_MAX * node + Before], the round in which it was seen */
        GArray *trail;       /* of uint8_t: [2 * node + after '**'], see trails() */
        uint32_t round;
        GArray *moves;       /* of NfaEdge */
        bool accept;
} NfaScratch;

typedef struct NfaPlace {
        uint32_t node;
        Before before;
        uint32_t loop; /* edge of the graph in whose star we are; NO_EDGE: none */
        uint32_t state;
} NfaPlace;

static guint byte_set_hash(gconstpointer p)
{
        const ByteSet *s = p;
        uint64_t h = 0;

        for (unsigned i = 0; i < 4; i++)
                h = (h ^ s->w[i]) * UINT64_C(0x9e3779b97f4a7c15);
        return h >> 32;
}

static gboolean byte_set_equal(gconstpointer a, gconstpointer b)
{
        return memcmp(a, b, sizeof(ByteSet)) == 0;
}

static uint32_t intern_set(Nfa *nfa, const ByteSet *set)
{
        gpointer id;
        ByteSet *key;

        if (g_hash_table_lookup_extended(nfa->set_ids, set, NULL, &id))
                return GPOINTER_TO_UINT(id);
        id = GUINT_TO_POINTER(256 + nfa->sets->len);
        key = g_new(ByteSet, 1);
        *key = *set;
        g_hash_table_insert(nfa->set_ids, key, id);
        g_array_append_vals(nfa->sets, set, 1);
        return GPOINTER_TO_UINT(id);
}

static GArray *new_edges(void)
{
        return g_array_sized_new(FALSE, FALSE, sizeof(NfaEdge), 16);
}

static uint32_t add_state(Nfa *nfa, uint32_t pattern)
{
        NfaState s = {.pattern = pattern};

        g_array_append_val(nfa->states, s);
        return nfa->states->len - 1;
}

static NfaScratch *scratch_new(void)
{
        NfaScratch *s = g_new0(NfaScratch, 1);

        s->node_states = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        s->loop_states = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        s->todo = g_array_new(FALSE, FALSE, sizeof(NfaPlace));
        s->stack = g_array_new(FALSE, FALSE, sizeof(NfaPlace));
        s->seen = g_array_new(FALSE, TRUE, sizeof(uint32_t));
        s->trail = g_array_new(FALSE, FALSE, 1);
        s->moves = new_edges();
        return s;
}

static void scratch_free(NfaScratch *s)
{
        g_array_unref(s->node_states);
        g_array_unref(s->loop_states);
        g_array_unref(s->todo);
        g_array_unref(s->stack);
        g_array_unref(s->seen);
        g_array_unref(s->trail);
        g_array_unref(s->moves);
        g_free(s);
}

Nfa *nfa_new(uint32_t n_starts)
{
        Nfa *nfa = g_new0(Nfa, 1);
        ByteSet any = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}, not_slash = any;

        nfa->states = g_array_new(FALSE, FALSE, sizeof(NfaState));
        nfa->edges = new_edges();
        nfa->sets = g_array_new(FALSE, FALSE, sizeof(ByteSet));
        nfa->set_ids = g_hash_table_new_full(byte_set_hash, byte_set_equal, g_free, NULL);
        nfa->scratch = scratch_new();
        not_slash.w['/' >> 6] &= ~(UINT64_C(1) << ('/' & 63));
        intern_set(nfa, &any);
        intern_set(nfa, &not_slash);
        nfa->n_starts = n_starts;
        nfa->starts = g_new0(NfaStart, n_starts);
        for (uint32_t i = 0; i < n_starts; i++)
                nfa->starts[i] = (NfaStart){
                        .state = add_state(nfa, NFA_NO_PATTERN),
                        .relative = add_state(nfa, NFA_NO_PATTERN),
                        .skip = add_state(nfa, NFA_NO_PATTERN),
                        .edges = new_edges(),
                        .relative_edges = new_edges(),
                        .slash_edges = new_edges(),
                };
        return nfa;
}

void nfa_free(Nfa *nfa)
{
        if (!nfa)
                return;
        for (uint32_t i = 0; i < nfa->n_starts; i++) {
                g_array_unref(nfa->starts[i].edges);
                g_array_unref(nfa->starts[i].relative_edges);
                g_array_unref(nfa->starts[i].slash_edges);
        }
        for (uint32_t i = 0; nfa->labels && i < 256 + nfa->sets->len; i++)
                g_free(nfa->labels[i].special);
        g_free(nfa->labels);
        g_free(nfa->starts);
        g_array_unref(nfa->states);
        g_array_unref(nfa->edges);
        g_array_unref(nfa->sets);
        g_hash_table_unref(nfa->set_ids);
        scratch_free(nfa->scratch);
        g_free(nfa);
}

/* ---- one pattern ------------------------------------------------------------------------------------------------- */

static const GlobEdge *glob_edge(const Glob *g, uint32_t i)
{
        return &g_array_index(g->edges, GlobEdge, i);
}

/* Can the pattern end after @node when from here on nothing but '/' and '**' counts, each '**' after a '/'? Then these may
 * be missing in the path. @after_stars: a '/' must come next. The graph has no cycles, and at most two places for each byte
 * of a pattern, which bounds the depth. */
static bool trails(NfaScratch *s, uint32_t node, bool after_stars)
{
        uint8_t *known = &g_array_index(s->trail, uint8_t, 2 * node + after_stars);
        bool yes = node == s->glob->end;

        if (*known)
                return *known == 2;
        for (uint32_t i = g_array_index(s->glob->first, uint32_t, node); i != NO_EDGE && !yes;
             i = glob_edge(s->glob, i)->next) {
                const GlobEdge *e = glob_edge(s->glob, i);

                if (e->token == GLOB_NOTHING)
                        yes = trails(s, e->to, after_stars);
                else if (e->token == GLOB_STARS && !after_stars)
                        yes = trails(s, e->to, true);
                else if (e->token == GLOB_BYTE && e->arg == '/')
                        yes = trails(s, e->to, false);
        }
        *known = yes ? 2 : 1;
        return yes;
}

static void push(NfaScratch *s, uint32_t node, Before before)
{
        uint32_t *seen = &g_array_index(s->seen, uint32_t, _BEFORE_MAX * node + before);
        NfaPlace p = {.node = node, .before = before};

        if (*seen == s->round)
                return;
        *seen = s->round;
        g_array_append_val(s->stack, p);
}

/* A move by a byte of @label to the state for a place, which is made if need be. */
static void move_to(Nfa *nfa, uint32_t label, uint32_t *state, NfaPlace place)
{
        NfaScratch *s = nfa->scratch;
        NfaEdge e = {.label = label};

        if (*state == NO_STATE) {
                *state = place.state = add_state(nfa, s->pattern);
                g_array_append_val(s->todo, place);
        }
        e.to = *state;
        g_array_append_val(s->moves, e);
}

static void move_to_node(Nfa *nfa, uint32_t label, uint32_t node, Before before)
{
        move_to(nfa, label,
                &g_array_index(nfa->scratch->node_states, uint32_t, 2 * node + (before == BEFORE_SLASH)),
                (NfaPlace){.node = node, .before = before, .loop = NO_EDGE});
}

static void move_to_loop(Nfa *nfa, uint32_t edge)
{
        const GlobEdge *e = glob_edge(nfa->scratch->glob, edge);

        move_to(nfa, e->token == GLOB_STAR ? NFA_LABEL_NOT_SLASH : NFA_LABEL_ANY,
                &g_array_index(nfa->scratch->loop_states, uint32_t, edge),
                (NfaPlace){.node = e->to, .before = BEFORE_OTHER, .loop = edge});
}

static void follow_slash(Nfa *nfa, const GlobEdge *e, Before before)
{
        NfaScratch *s = nfa->scratch;

        switch (before) {
        case BEFORE_OTHER:
                s->accept |= trails(s, e->to, false);
                move_to_node(nfa, '/', e->to, BEFORE_SLASH);
                break;
        case BEFORE_PATTERN:
                move_to_node(nfa, '/', e->to, BEFORE_SLASH);
                break;
        case BEFORE_SLASH:
        case BEFORE_NO_STARS:
                push(s, e->to, BEFORE_SLASH);
                break;
        default:
                break;
        }
}

static void follow_stars(Nfa *nfa, uint32_t edge, Before before)
{
        NfaScratch *s = nfa->scratch;
        const GlobEdge *e = glob_edge(s->glob, edge);
        bool after_slash = before == BEFORE_SLASH || before == BEFORE_DIRECTORY;

        move_to_loop(nfa, edge);
        if (e->token == GLOB_STAR)
                push(s, e->to, after_slash ? BEFORE_NO_STAR : BEFORE_OTHER);
        else {
                push(s, e->to, BEFORE_OTHER);
                if (after_slash)
                        push(s, e->to, BEFORE_NO_STARS);
        }
}

static void follow(Nfa *nfa, uint32_t edge, Before before)
{
        NfaScratch *s = nfa->scratch;
        const GlobEdge *e = glob_edge(s->glob, edge);

        if (e->token == GLOB_NOTHING)
                push(s, e->to, before);
        else if (e->token == GLOB_BYTE && e->arg == '/')
                follow_slash(nfa, e, before);
        else if (before == BEFORE_PATTERN || before == BEFORE_NO_STARS)
                return;
        else if (e->token == GLOB_BYTE)
                move_to_node(nfa, e->arg, e->to, BEFORE_OTHER);
        else if (e->token == GLOB_SET)
                move_to_node(nfa, intern_set(nfa, &g_array_index(s->glob->sets, ByteSet, e->arg)), e->to, BEFORE_OTHER);
        else
                follow_stars(nfa, edge, before);
}

/* Works out into s->moves and s->accept what can follow after @p. */
static void follow_all(Nfa *nfa, const NfaPlace *p)
{
        NfaScratch *s = nfa->scratch;

        s->round++;
        s->accept = false;
        g_array_set_size(s->moves, 0);
        if (p->loop != NO_EDGE)
                move_to_loop(nfa, p->loop);
        push(s, p->node, p->before);
        while (s->stack->len > 0) {
                NfaPlace at = g_array_index(s->stack, NfaPlace, s->stack->len - 1);

                g_array_set_size(s->stack, s->stack->len - 1);
                if (at.node == s->glob->end && (at.before == BEFORE_OTHER || at.before == BEFORE_SLASH))
                        s->accept = true;
                for (uint32_t i = g_array_index(s->glob->first, uint32_t, at.node); i != NO_EDGE;
                     i = glob_edge(s->glob, i)->next)
                        follow(nfa, i, at.before);
        }
}

static void scratch_begin(NfaScratch *s, uint32_t pattern, const Glob *g)
{
        s->glob = g;
        s->pattern = pattern;
        s->round = 0;
        g_array_set_size(s->node_states, 2 * g->first->len);
        memset(s->node_states->data, 0xff, sizeof(uint32_t) * s->node_states->len);
        g_array_set_size(s->loop_states, g->edges->len);
        memset(s->loop_states->data, 0xff, sizeof(uint32_t) * s->loop_states->len);
        g_array_set_size(s->seen, _BEFORE_MAX * g->first->len);
        memset(s->seen->data, 0, sizeof(uint32_t) * s->seen->len);
        g_array_set_size(s->trail, 2 * g->first->len);
        memset(s->trail->data, 0, s->trail->len);
        g_array_set_size(s->todo, 0);
}

int nfa_add(Nfa *nfa, uint32_t start, uint32_t pattern, const Glob *g)
{
        NfaScratch *s = nfa->scratch;
        NfaStart *st = &nfa->starts[start];

        scratch_begin(s, pattern, g);
        follow_all(nfa, &(NfaPlace){.before = BEFORE_PATTERN, .loop = NO_EDGE});
        g_array_append_vals(st->edges, s->moves->data, s->moves->len);
        follow_all(nfa, &(NfaPlace){.before = BEFORE_DIRECTORY, .loop = NO_EDGE});
        g_array_append_vals(st->relative_edges, s->moves->data, s->moves->len);
        if (s->accept) {
                NfaEdge e = {.to = add_state(nfa, pattern), .label = '/'};

                g_array_index(nfa->states, NfaState, e.to).accept = true;
                g_array_append_val(st->slash_edges, e);
        }

        for (guint i = 0; i < s->todo->len; i++) {
                NfaPlace p = g_array_index(s->todo, NfaPlace, i);
                NfaState *state;

                follow_all(nfa, &p);
                state = &g_array_index(nfa->states, NfaState, p.state);
                state->first = nfa->edges->len;
                state->n = s->moves->len;
                state->accept = s->accept;
                g_array_append_vals(nfa->edges, s->moves->data, s->moves->len);
                if (nfa->edges->len > NFA_EDGES_MAX)
                        return -E2BIG;
        }
        return 256 + nfa->sets->len > NFA_LABELS_MAX ? -E2BIG : 0;
}

/* ---- all patterns ------------------------------------------------------------------------------------------------ */

static void set_edges(Nfa *nfa, uint32_t state, const GArray *a, const GArray *b)
{
        NfaState *s = &g_array_index(nfa->states, NfaState, state);

        s->first = nfa->edges->len;
        s->n = a->len + (b ? b->len : 0);
        g_array_append_vals(nfa->edges, a->data, a->len);
        if (b)
                g_array_append_vals(nfa->edges, b->data, b->len);
}

static void finish_start(Nfa *nfa, NfaStart *st)
{
        NfaEdge to_relative = {.to = st->relative, .label = '/'}, to_skip = {.to = st->skip, .label = NFA_LABEL_ANY};
        g_autoptr(GArray) skip = new_edges();

        if (st->relative_edges->len + st->slash_edges->len > 0) {
                g_array_append_val(st->slash_edges, to_relative);
                g_array_append_val(st->relative_edges, to_skip);
                g_array_append_val(skip, to_skip);
        }
        set_edges(nfa, st->state, st->edges, st->slash_edges);
        set_edges(nfa, st->relative, st->relative_edges, st->slash_edges->len > 0 ? st->slash_edges : NULL);
        set_edges(nfa, st->skip, skip, st->slash_edges);
}

/* Splits the classes such that none is partly in @set. */
static void split_classes(Nfa *nfa, const ByteSet *set)
{
        uint16_t inside[256];

        memset(inside, 0xff, sizeof(inside));
        for (unsigned b = 0; b < 256; b++) {
                uint8_t c = nfa->class_of[b];

                /* The class's first byte decides which half keeps the number. */
                if (inside[c] == 0xffff)
                        inside[c] = byte_set_has(set, b) ? 0x100 : 0x200;
                if ((inside[c] & 0x300) == (byte_set_has(set, b) ? 0x100 : 0x200))
                        continue;
                if (!(inside[c] & 0x400))
                        inside[c] = (inside[c] & 0x300) | 0x400 | nfa->n_classes++;
                nfa->class_of[b] = inside[c] & 0xff;
        }
}

static void make_classes(Nfa *nfa)
{
        bool used[256] = {};

        nfa->n_classes = 1;
        memset(nfa->class_of, 0, sizeof(nfa->class_of));
        for (guint i = 0; i < nfa->edges->len; i++) {
                uint16_t label = g_array_index(nfa->edges, NfaEdge, i).label;

                if (label < 256)
                        used[label] = true;
        }
        for (unsigned b = 0; b < 256; b++) {
                ByteSet one = {};

                byte_set_add(&one, b);
                if (used[b])
                        split_classes(nfa, &one);
        }
        for (guint i = 0; i < nfa->sets->len && nfa->n_classes < 256; i++)
                split_classes(nfa, &g_array_index(nfa->sets, ByteSet, i));
}

static void make_label(const Nfa *nfa, NfaLabel *label, const ByteSet *set)
{
        bool common = byte_set_has(set, 0), seen[256] = {};
        uint8_t special[256];

        for (unsigned b = 0; b < 256; b++)
                if (byte_set_has(set, b))
                        byte_set_add(&label->classes, nfa->class_of[b]);
        for (unsigned b = 0; b < 256; b++)
                seen[nfa->class_of[b]] = byte_set_has(set, b) != common;
        for (unsigned c = 0; c < nfa->n_classes; c++)
                if (seen[c])
                        special[label->n_special++] = c;
        label->special = g_memdup2(special, label->n_special);
}

void nfa_finish(Nfa *nfa)
{
        for (uint32_t i = 0; i < nfa->n_starts; i++)
                finish_start(nfa, &nfa->starts[i]);
        nfa_merge(nfa);
        make_classes(nfa);
        nfa->labels = g_new0(NfaLabel, 256 + nfa->sets->len);
        for (unsigned b = 1; b < 256; b++) {
                ByteSet one = {};

                byte_set_add(&one, b);
                make_label(nfa, &nfa->labels[b], &one);
        }
        for (guint i = 0; i < nfa->sets->len; i++)
                make_label(nfa, &nfa->labels[256 + i], &g_array_index(nfa->sets, ByteSet, i));
}

uint32_t nfa_start(const Nfa *nfa, uint32_t start)
{
        return nfa->starts[start].state;
}

bool nfa_is_relative(const Nfa *nfa, uint32_t state)
{
        return state < NFA_START_STATES * nfa->n_starts && state % NFA_START_STATES != 0;
}
