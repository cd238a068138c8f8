/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Layout: which states are rows, tails and sinks, where they stand, and what is reachable from them. Tails come first, then
 * sinks, rows, records. */

#include "layout.h"

#include <errno.h>
#include <string.h>

typedef enum StateForm {
        FORM_DEAD,
        FORM_SINK,     /* every byte leads back to it */
        FORM_LITERAL,  /* one byte leads on, all others to DEAD: the head of a tail, */
        FORM_INTERIOR, /* or a place inside one: only the place before it leads here, and nothing is accepted */
        FORM_ROW,
} StateForm;

typedef struct Layout {
        const Dfa *dfa;
        const GArray *records;
        const uint8_t *class_of;
        uint16_t n_bytes[256]; /* of each class */
        uint8_t byte[256];     /* one of them */
        StateForm *form;
        uint8_t *reach;
        uint32_t *index;       /* in tab[], without flags */
        uint8_t merged[256];   /* class -> class of the table */
        uint32_t n_merged;
        uint32_t *record_at;   /* index in tab[] */
        uint64_t n_words;
        uint64_t room_until;   /* how long the table must be because of its last tail */
} Layout;

/* ---- what kind of state ------------------------------------------------------------------------------------------ */

static bool is_literal(const Layout *l, uint32_t s)
{
        const DfaState *state = dfa_state(l->dfa, s);

        return state->to == DFA_DEAD && state->n == 1 && l->n_bytes[dfa_moves(l->dfa, s)->on] == 1;
}

static uint32_t next_of(const Layout *l, uint32_t s)
{
        return dfa_moves(l->dfa, s)->to;
}

/* Two places are the same exactly when state word and tail position are: so a place that can be come to in two ways
 * must not be inside a tail. */
static void find_forms(Layout *l)
{
        const Dfa *dfa = l->dfa;
        uint32_t n = dfa->states->len;
        g_autofree uint8_t *n_ways = g_new0(uint8_t, n); /* 0, 1, 2: more */

        for (uint32_t s = 0; s < n; s++) {
                const DfaState *state = dfa_state(dfa, s);

                n_ways[state->to] = 2;
                for (uint32_t i = 0; i < state->n; i++) {
                        uint8_t *w = &n_ways[dfa_moves(dfa, s)[i].to];

                        *w = MIN(*w + 1, 2);
                }
                if (s == DFA_DEAD)
                        l->form[s] = FORM_DEAD;
                else if (state->to == s && state->n == 0)
                        l->form[s] = FORM_SINK;
                else
                        l->form[s] = is_literal(l, s) ? FORM_LITERAL : FORM_ROW;
        }
        for (uint32_t i = 0; i < dfa->n_starts; i++)
                n_ways[dfa->starts[i]] = 2;
        for (uint32_t s = 0; s < n; s++) {
                uint32_t next;

                if (l->form[s] != FORM_LITERAL && l->form[s] != FORM_INTERIOR)
                        continue;
                next = next_of(l, s);
                if (l->form[next] == FORM_LITERAL && n_ways[next] == 1 && !dfa_state(dfa, next)->accept)
                        l->form[next] = FORM_INTERIOR;
        }
}

/* The bytes of the tail whose head is @s, and the state after it. What would be too long is cut: the place where it is cut
 * becomes a head. */
static uint32_t tail_bytes(Layout *l, uint32_t s, uint8_t bytes[static VA_TAIL_MAX], uint32_t *ret_next)
{
        uint32_t n = 0;

        do {
                bytes[n++] = l->byte[dfa_moves(l->dfa, s)->on];
                s = next_of(l, s);
        } while (l->form[s] == FORM_INTERIOR && n < VA_TAIL_MAX);
        if (l->form[s] == FORM_INTERIOR)
                l->form[s] = FORM_LITERAL;
        *ret_next = s;
        return n;
}

/* ---- what is reachable ------------------------------------------------------------------------------------------- */

static bool reaches_itself(const Layout *l, uint32_t s, uint32_t default_deny)
{
        const AutomatonRecord *r = &g_array_index(l->records, AutomatonRecord, dfa_state(l->dfa, s)->accept);
        const struct va_accept *accept = (const void *)r->words;

        if (r->reach)
                return true;
        if (!default_deny)
                return false;
        return r->n_words == 0 || (default_deny & ~accept->allow);
}

static void find_reach(Layout *l, uint32_t default_deny)
{
        g_autoptr(GArray) todo = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        g_autofree uint32_t *first = NULL, *from = NULL;

        dfa_reverse(l->dfa, &first, &from);
        for (uint32_t s = 0; s < l->dfa->states->len; s++)
                if (reaches_itself(l, s, default_deny)) {
                        l->reach[s] = 1;
                        g_array_append_val(todo, s);
                }
        while (todo->len > 0) {
                uint32_t s = g_array_index(todo, uint32_t, todo->len - 1);

                g_array_set_size(todo, todo->len - 1);
                for (uint32_t i = first[s]; i < first[s + 1]; i++)
                        if (!l->reach[from[i]]) {
                                l->reach[from[i]] = 1;
                                g_array_append_val(todo, from[i]);
                        }
        }
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

/* Classes that no row tells apart become one. A class's column is hashed to 128 bits; only rows' exceptions count. */
static void merge_classes(Layout *l, uint32_t n_classes)
{
        uint64_t column[256][2] = {};

        for (uint32_t s = 0; s < l->dfa->states->len; s++) {
                const DfaMove *m = dfa_moves(l->dfa, s);

                if (l->form[s] != FORM_ROW)
                        continue;
                for (uint32_t i = 0; i < dfa_state(l->dfa, s)->n; i++) {
                        uint64_t v = ((uint64_t)s << 32 | m[i].to) * UINT64_C(0x9e3779b97f4a7c15);
                        uint64_t *c = column[m[i].on];

                        v ^= v >> 31;
                        c[0] = (c[0] ^ v) * UINT64_C(0xc2b2ae3d27d4eb4f);
                        c[1] = (c[1] + v) * UINT64_C(0xd6e8feb86659fd93) ^ v >> 17;
                }
        }
        for (uint32_t c = 0; c < n_classes; c++) {
                uint32_t like = 0;

                while (like < c && memcmp(column[like], column[c], sizeof(column[c])) != 0)
                        like++;
                l->merged[c] = like < c ? l->merged[like] : l->n_merged++;
        }
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static void place(Layout *l, uint32_t s, uint32_t n)
{
        l->index[s] = l->n_words + 1;
        l->n_words += 1 + n;
}

static void place_states(Layout *l)
{
        uint32_t n = l->dfa->states->len, next, head = 0;
        uint8_t bytes[VA_TAIL_MAX];

        for (uint32_t s = 0; s < n; s++) {
                /* A tail that is cut makes a head, possibly of a number that has been passed. */
                for (head = s; l->form[head] == FORM_LITERAL && !l->index[head]; head = next) {
                        place(l, head, 2 + (tail_bytes(l, head, bytes, &next) + 3) / 4);
                        l->room_until = l->index[head] + VA_TAIL_ROOM;
                }
        }
        for (uint32_t s = 0; s < n; s++)
                if (l->form[s] == FORM_SINK)
                        place(l, s, 0);
        for (uint32_t s = 0; s < n; s++)
                if (l->form[s] == FORM_ROW)
                        place(l, s, l->n_merged);
}

static uint32_t place_records(Layout *l, bool aside)
{
        uint32_t n = 0;

        for (guint i = 1; i < l->records->len; i++) {
                const AutomatonRecord *r = &g_array_index(l->records, AutomatonRecord, i);

                if (r->aside != aside)
                        continue;
                l->record_at[i] = l->n_words;
                l->n_words += r->n_words;
                n++;
        }
        return n;
}

static uint32_t state_word(const Layout *l, uint32_t s)
{
        switch (l->form[s]) {
        case FORM_DEAD:
                return 0;
        case FORM_SINK:
                return l->index[s] | VA_S_FINAL;
        case FORM_LITERAL:
                return l->index[s] | VA_S_TAIL;
        default:
                return l->index[s];
        }
}

static void write_state(Layout *l, uint32_t s, uint32_t *tab)
{
        const DfaState *state = dfa_state(l->dfa, s);
        const DfaMove *m = dfa_moves(l->dfa, s);
        uint32_t *at = &tab[l->index[s]], next;

        at[-1] = l->record_at[state->accept] | (l->reach[s] ? VA_A_REACH : 0);
        if (l->form[s] == FORM_LITERAL) {
                uint8_t bytes[VA_TAIL_MAX];

                at[0] = tail_bytes(l, s, bytes, &next);
                at[1] = state_word(l, next);
                memcpy(&at[2], bytes, at[0]);
        } else if (l->form[s] == FORM_ROW) {
                for (uint32_t c = 0; c < l->n_merged; c++)
                        at[c] = state_word(l, state->to);
                for (uint32_t i = 0; i < state->n; i++)
                        at[l->merged[m[i].on]] = state_word(l, m[i].to);
        }
}

static void write_table(Layout *l, AutomatonResult *ret)
{
        struct va_table *t = ret->table;

        t->n_words = l->n_words;
        t->n_classes = l->n_merged;
        for (unsigned b = 0; b < 256; b++)
                t->class_of[b] = l->merged[l->class_of[b]];
        for (uint32_t s = 0; s < l->dfa->states->len; s++)
                if (l->index[s])
                        write_state(l, s, t->tab);
        for (guint i = 1; i < l->records->len; i++) {
                const AutomatonRecord *r = &g_array_index(l->records, AutomatonRecord, i);

                memcpy(&t->tab[l->record_at[i]], r->words, sizeof(uint32_t) * r->n_words);
        }
        ret->starts = g_new(uint32_t, l->dfa->n_starts);
        for (uint32_t i = 0; i < l->dfa->n_starts; i++)
                ret->starts[i] = state_word(l, l->dfa->starts[i]);
        ret->n_states = l->dfa->states->len;
}

int layout(const Dfa *dfa, const uint8_t class_of[static 256], const GArray *records, uint32_t default_deny,
           AutomatonResult *ret, uint64_t *ret_n_words)
{
        uint32_t n = dfa->states->len, n_classes = 0, accept_first, accept_n;
        g_autofree StateForm *form = g_new0(StateForm, n);
        g_autofree uint8_t *reach = g_new0(uint8_t, n);
        g_autofree uint32_t *index = g_new0(uint32_t, n), *record_at = g_new0(uint32_t, records->len);
        Layout l = {.dfa = dfa, .records = records, .class_of = class_of, .form = form, .reach = reach, .index = index,
                    .record_at = record_at};

        for (unsigned b = 0; b < 256; b++) {
                l.n_bytes[class_of[b]]++;
                l.byte[class_of[b]] = b;
                n_classes = MAX(n_classes, class_of[b] + 1U);
        }
        find_forms(&l);
        find_reach(&l, default_deny);
        merge_classes(&l, n_classes);
        place_states(&l);
        accept_first = l.n_words;
        accept_n = place_records(&l, false);
        (void)place_records(&l, true);
        l.n_words = MAX(l.n_words, l.room_until);
        *ret_n_words = l.n_words;
        if (l.n_words > VA_TAB_BIG)
                return -E2BIG;

        ret->table = g_malloc0(table_bytes(l.n_words));
        ret->table->accept_first = accept_first;
        ret->table->accept_n = accept_n;
        write_table(&l, ret);
        return 0;
}
