/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Layout: which states are rows, tails and sinks, where they stand, and what is reachable from them. Tails come first, then
 * sinks, rows, records. Rows are what takes room, so a state is one only if it must. */

#include "layout.h"

#include <errno.h>
#include <string.h>

#define NO_STATE UINT32_MAX
#define NO_CLASS UINT32_MAX

typedef enum StateForm {
        FORM_DEAD,
        FORM_SINK,     /* every byte leads back to it */
        FORM_LITERAL,  /* one byte leads on, with all others it is as another state (fall): the head of a tail, */
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
        uint32_t single;       /* a class of one byte, which every automaton has if any: that of '/'; else NO_CLASS */
        uint32_t *fall;        /* of what may be literal: the other state; NO_STATE */
        uint8_t *on;           /* and the class of the one byte */
        uint8_t *reach;
        uint32_t *index;       /* in tab[], without flags */
        uint8_t merged[256];   /* class -> class of the table */
        uint32_t n_merged;
        uint32_t *record_at;   /* index in tab[] */
        uint64_t n_words;
        uint64_t room_until;   /* how long the table must be because of its last tail */
} Layout;

/* ---- what kind of state ------------------------------------------------------------------------------------------ */

static uint32_t step(const Layout *l, uint32_t s, uint8_t class)
{
        const DfaState *state = dfa_state(l->dfa, s);
        const DfaMove *m = dfa_moves(l->dfa, s);

        for (uint32_t i = 0; i < state->n && m[i].on <= class; i++)
                if (m[i].on == class)
                        return m[i].to;
        return state->to;
}

static uint32_t next_of(const Layout *l, uint32_t s)
{
        return step(l, s, l->on[s]);
}

/* Is @s as @other (but for what is accepted), or but for one class, and that is of a single byte? Then it is noted. */
static bool try_fall(Layout *l, uint32_t s, uint32_t other)
{
        const DfaState *a = dfa_state(l->dfa, s), *b = dfa_state(l->dfa, other);
        const DfaMove *m = dfa_moves(l->dfa, s), *k = dfa_moves(l->dfa, other);
        uint32_t i = 0, j = 0, n_different = 0, on = l->single;

        if (s == other || a->to != b->to || a->n > b->n + 1 || b->n > a->n + 1)
                return false;
        while ((i < a->n || j < b->n) && n_different < 2) {
                uint32_t x = i < a->n ? m[i].on : UINT32_MAX, y = j < b->n ? k[j].on : UINT32_MAX;

                if (x != y || m[i].to != k[j].to) {
                        n_different++;
                        on = MIN(x, y);
                }
                i += x <= y;
                j += y <= x;
        }
        if (n_different > 1 || on == NO_CLASS || l->n_bytes[on] != 1)
                return false;
        l->fall[s] = other;
        l->on[s] = on;
        return true;
}

/* What a name's states fall to is what waits everywhere: candidates are where the other bytes lead, and where the byte before
 * leads from the state before, from what that falls to, and from where other bytes lead. Nothing depends on finding it but
 * the table's size. */
static void find_fall(Layout *l, uint32_t parent, uint8_t by, uint32_t s)
{
        uint32_t to = dfa_state(l->dfa, s)->to;

        if (s == DFA_DEAD || (to == s && dfa_state(l->dfa, s)->n == 0))
                return;
        if (try_fall(l, s, DFA_DEAD) || try_fall(l, s, to) || try_fall(l, s, step(l, to, by)) ||
            try_fall(l, s, step(l, dfa_state(l->dfa, parent)->to, by)))
                return;
        if (l->fall[parent] != NO_STATE)
                (void)try_fall(l, s, step(l, l->fall[parent], by));
}

static void find_falls(Layout *l)
{
        const Dfa *dfa = l->dfa;
        uint32_t n = dfa->states->len;
        g_autofree uint8_t *seen = g_new0(uint8_t, n);

        /* States are numbered in the order in which they are met: a state's parent comes before it, or is its own. */
        for (uint32_t i = 0; i < dfa->n_starts; i++)
                if (!seen[dfa->starts[i]]) {
                        seen[dfa->starts[i]] = 1;
                        find_fall(l, dfa->starts[i], 0, dfa->starts[i]);
                }
        for (uint32_t s = 0; s < n; s++)
                for (uint32_t i = 0; i < dfa_state(dfa, s)->n; i++) {
                        const DfaMove *m = &dfa_moves(dfa, s)[i];

                        if (!seen[m->to]) {
                                seen[m->to] = 1;
                                find_fall(l, s, m->on, m->to);
                        }
                }
}

/* A state that others fall to is a row. If it could be a literal itself, that pays only if many do. */
#define FALLS_MIN 4

static void keep_falls(Layout *l)
{
        uint32_t n = l->dfa->states->len;
        g_autofree uint32_t *n_falls = g_new0(uint32_t, n);
        g_autofree uint8_t *row = g_new0(uint8_t, n);

        for (uint32_t s = 0; s < n; s++)
                if (l->fall[s] != NO_STATE)
                        n_falls[l->fall[s]]++;
        for (uint32_t s = 0; s < n; s++) {
                uint32_t to = l->fall[s];

                if (to == NO_STATE || to == DFA_DEAD)
                        continue;
                if (l->fall[to] != NO_STATE && n_falls[to] < FALLS_MIN)
                        l->fall[s] = NO_STATE;
                else
                        row[to] = 1;
        }
        for (uint32_t s = 0; s < n; s++)
                if (row[s])
                        l->fall[s] = NO_STATE;
}

/* Each state's form as far as it alone decides; in how many ways it is come to (2: or more). */
static void find_form(Layout *l, uint32_t s, uint8_t *n_ways)
{
        const DfaState *state = dfa_state(l->dfa, s);

        n_ways[state->to] = 2;
        for (uint32_t i = 0; i < state->n; i++) {
                uint8_t *w = &n_ways[dfa_moves(l->dfa, s)[i].to];

                *w = MIN(*w + 1, 2);
        }
        if (s == DFA_DEAD)
                l->form[s] = FORM_DEAD;
        else if (state->to == s && state->n == 0)
                l->form[s] = FORM_SINK;
        else
                l->form[s] = l->fall[s] != NO_STATE ? FORM_LITERAL : FORM_ROW;
}

/* Two places are the same exactly when state word and tail position are: so a place that can be come to in two ways
 * must not be inside a tail. */
static void find_forms(Layout *l)
{
        const Dfa *dfa = l->dfa;
        uint32_t n = dfa->states->len;
        g_autofree uint8_t *n_ways = g_new0(uint8_t, n);

        find_falls(l);
        keep_falls(l);
        for (uint32_t s = 0; s < n; s++)
                find_form(l, s, n_ways);
        for (uint32_t i = 0; i < dfa->n_starts; i++)
                n_ways[dfa->starts[i]] = 2;
        for (uint32_t s = 0; s < n; s++) {
                uint32_t next;

                if (l->form[s] != FORM_LITERAL && l->form[s] != FORM_INTERIOR)
                        continue;
                next = next_of(l, s);
                if (l->form[next] == FORM_LITERAL && n_ways[next] == 1 && !dfa_state(dfa, next)->accept &&
                    (l->fall[s] == DFA_DEAD) == (l->fall[next] == DFA_DEAD) &&
                    (l->form[s] == FORM_LITERAL || l->reach[s] == l->reach[next]))
                        l->form[next] = FORM_INTERIOR;
        }
}

typedef struct Tail {
        uint32_t state[VA_TAIL_MAX]; /* its places, */
        uint8_t byte[VA_TAIL_MAX];   /* and what leads on from each */
        uint32_t n;
        uint32_t next; /* the state after it */
        bool falls;
} Tail;

/* The tail whose head is @s. What would be too long is cut: the place where it is cut becomes a head. */
static void read_tail(Layout *l, uint32_t s, Tail *ret)
{
        ret->falls = l->fall[s] != DFA_DEAD;
        ret->n = 0;
        do {
                ret->state[ret->n] = s;
                ret->byte[ret->n++] = l->byte[l->on[s]];
                s = next_of(l, s);
        } while (l->form[s] == FORM_INTERIOR && ret->n < VA_TAIL_MAX);
        if (l->form[s] == FORM_INTERIOR)
                l->form[s] = FORM_LITERAL;
        ret->next = s;
}

/* Turning to a tail and back takes the matcher as long as a few rows. So the short tails next to the start, which most paths
 * come through, are rows, as long as that takes little room. */
#define SHORT_TAIL 4
#define SHORT_TAILS_WORDS 2048

static void open_short_tails(Layout *l, uint32_t n_classes)
{
        uint32_t room = SHORT_TAILS_WORDS;
        Tail t;

        for (uint32_t s = 0; s < l->dfa->states->len && room > n_classes; s++) {
                uint32_t words;

                if (l->form[s] != FORM_LITERAL)
                        continue;
                read_tail(l, s, &t);
                words = t.n * (1 + n_classes);
                if (t.n > SHORT_TAIL || words > room)
                        continue;
                room -= words;
                for (uint32_t i = 0; i < t.n; i++)
                        l->form[t.state[i]] = FORM_ROW;
        }
}

static uint32_t tail_words(const Tail *t)
{
        return 2 + (t->n + 3) / 4 + (t->falls ? t->n : 0);
}

/* ---- what is reachable ------------------------------------------------------------------------------------------- */

/* Bits of Layout.reach, as they stand in a table. */
#define REACH (VA_A_REACH >> 30)
#define OPEN (VA_A_OPEN >> 30)

static uint8_t reaches_itself(const Layout *l, uint32_t s, uint32_t default_deny)
{
        const AutomatonRecord *r = &g_array_index(l->records, AutomatonRecord, dfa_state(l->dfa, s)->accept);
        const struct va_accept *accept = (const void *)r->words;
        uint8_t reach = r->reach ? REACH : 0;

        if (!default_deny)
                return reach;
        if (r->n_words == 0 || default_deny & ~accept->allow)
                reach |= REACH;
        if (r->n_words > 0 && default_deny & accept->allow)
                reach |= OPEN;
        return reach;
}

static void find_reach(Layout *l, uint32_t default_deny)
{
        g_autoptr(GArray) todo = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        g_autofree uint32_t *first = NULL, *from = NULL;

        dfa_reverse(l->dfa, &first, &from);
        for (uint32_t s = 0; s < l->dfa->states->len; s++) {
                l->reach[s] = reaches_itself(l, s, default_deny);
                if (l->reach[s])
                        g_array_append_val(todo, s);
        }
        while (todo->len > 0) {
                uint32_t s = g_array_index(todo, uint32_t, todo->len - 1);

                g_array_set_size(todo, todo->len - 1);
                for (uint32_t i = first[s]; i < first[s + 1]; i++)
                        if (l->reach[s] & ~l->reach[from[i]]) {
                                l->reach[from[i]] |= l->reach[s];
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
        uint32_t n = l->dfa->states->len, head;
        Tail t;

        for (uint32_t s = 0; s < n; s++) {
                /* A tail that is cut makes a head, possibly of a number that has been passed. */
                for (head = s; l->form[head] == FORM_LITERAL && !l->index[head]; head = t.next) {
                        read_tail(l, head, &t);
                        place(l, head, tail_words(&t));
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

static void write_tail(Layout *l, uint32_t s, uint32_t *at)
{
        Tail t;

        read_tail(l, s, &t);
        at[0] = t.n | (t.falls ? VA_TAIL_FALL : 0) | (t.n > 1 ? (uint32_t)l->reach[t.state[1]] << 30 : 0);
        at[1] = state_word(l, t.next);
        memcpy(&at[2], t.byte, t.n);
        for (uint32_t i = 0; t.falls && i < t.n; i++)
                at[2 + (t.n + 3) / 4 + i] = state_word(l, l->fall[t.state[i]]);
}

static void write_state(Layout *l, uint32_t s, uint32_t *tab)
{
        const DfaState *state = dfa_state(l->dfa, s);
        const DfaMove *m = dfa_moves(l->dfa, s);
        uint32_t *at = &tab[l->index[s]];

        at[-1] = l->record_at[state->accept] | (uint32_t)l->reach[s] << 30;
        if (l->form[s] == FORM_LITERAL)
                write_tail(l, s, at);
        else if (l->form[s] == FORM_ROW) {
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
        g_autofree uint8_t *reach = g_new0(uint8_t, n), *on = g_new0(uint8_t, n);
        g_autofree uint32_t *fall = g_new(uint32_t, n);
        g_autofree uint32_t *index = g_new0(uint32_t, n), *record_at = g_new0(uint32_t, records->len);
        Layout l = {.dfa = dfa, .records = records, .class_of = class_of, .form = form, .fall = fall, .on = on,
                    .reach = reach, .index = index, .record_at = record_at};

        for (unsigned b = 0; b < 256; b++) {
                l.n_bytes[class_of[b]]++;
                l.byte[class_of[b]] = b;
                n_classes = MAX(n_classes, class_of[b] + 1U);
        }
        l.single = l.n_bytes[class_of['/']] == 1 ? class_of['/'] : NO_CLASS;
        for (uint32_t s = 0; s < n; s++)
                fall[s] = NO_STATE;
        find_reach(&l, default_deny);
        find_forms(&l);
        open_short_tails(&l, n_classes);
        merge_classes(&l, n_classes);
        place_states(&l);
        accept_first = l.n_words;
        accept_n = place_records(&l, false);
        (void)place_records(&l, true);
        l.n_words = MAX(MAX(l.n_words, l.room_until), 1); /* also where nothing is accepted at all */
        *ret_n_words = l.n_words;
        if (l.n_words > VA_TAB_BIG)
                return -E2BIG;

        ret->table = g_malloc0(table_bytes(l.n_words));
        ret->table->accept_first = accept_first;
        ret->table->accept_n = accept_n;
        write_table(&l, ret);
        return 0;
}
