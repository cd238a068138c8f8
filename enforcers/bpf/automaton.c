/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Automaton: the steps from patterns to a table, what each state accepts, and whom to blame when there are too many. */

#include "automaton.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dfa.h"
#include "glob.h"
#include "layout.h"
#include "nfa.h"

#define BLAMED_MAX 4U
#define BLAMED_BYTES_MAX 100 /* of a pattern's text */

typedef struct Build {
        const AutomatonParams *params;
        Diag *diag;
        Nfa *nfa;
        Dfa *dfa;
        GArray *records;        /* of AutomatonRecord; [0]: nothing */
        GHashTable *record_ids; /* GBytes of a record -> id */
        GHashTable *set_ids;    /* GBytes of matching patterns -> id of their record */
} Build;

/* ---- blame ------------------------------------------------------------------------------------------------------- */

typedef struct Share {
        uint32_t pattern;
        uint64_t n_states;
} Share;

static int compare_shares(const void *a, const void *b)
{
        const Share *x = a, *y = b;

        if (x->n_states != y->n_states)
                return x->n_states > y->n_states ? -1 : 1;
        return (x->pattern > y->pattern) - (x->pattern < y->pattern);
}

/* In how many states each pattern has a part. Those without a leading '/' have one wherever they wait. */
static Share *count_shares(const Build *b)
{
        size_t n = b->params->n_patterns;
        Share *shares = g_new0(Share, n + 1);
        g_autofree uint32_t *seen = g_new0(uint32_t, n + 1);
        uint64_t n_waiting = 0;

        for (uint32_t s = 0; s < b->dfa->states->len; s++) {
                uint32_t k = g_array_index(b->dfa->first_member, uint32_t, s);

                for (; k < g_array_index(b->dfa->first_member, uint32_t, s + 1); k++) {
                        uint32_t q = g_array_index(b->dfa->members, uint32_t, k);
                        uint32_t p = g_array_index(b->nfa->states, NfaState, q).pattern;

                        n_waiting += nfa_is_relative(b->nfa, q);
                        if (p == NFA_NO_PATTERN || seen[p] == s + 1)
                                continue;
                        seen[p] = s + 1;
                        shares[p].n_states++;
                }
        }
        for (size_t p = 0; p < n; p++) {
                const char *text = b->params->patterns[p].text;

                shares[p].pattern = p;
                if (*text != '/' || strncmp(text, "/**/", 4) == 0)
                        shares[p].n_states += n_waiting;
        }
        qsort(shares, n, sizeof(Share), compare_shares);
        return shares;
}

/* @what: which budget is exhausted. */
static int blame(const Build *b, const char *what)
{
        g_autofree Share *shares = b->dfa ? count_shares(b) : NULL;
        g_autoptr(GString) s = g_string_new(NULL);
        const AutomatonPattern *first = &b->params->patterns[shares ? shares[0].pattern : 0];
        size_t n = b->params->n_patterns;

        for (size_t i = 0; shares && i < n && i < BLAMED_MAX && shares[i].n_states > 0; i++) {
                const AutomatonPattern *p = &b->params->patterns[shares[i].pattern];

                g_string_append_printf(s, "%s\"%.*s%s\" (%s)", i ? ", " : "", BLAMED_BYTES_MAX, p->text,
                                       strlen(p->text) > BLAMED_BYTES_MAX ? "..." : "", p->owner_name);
        }
        diag_error(b->diag, first->pos, "too-complex",
                   "the %zu patterns together make an automaton with too many %s; most are due to %s%s", n, what,
                   s->len > 0 ? s->str : first->text, n > BLAMED_MAX ? " and others like them" : "");
        return -E2BIG;
}

/* ---- patterns ---------------------------------------------------------------------------------------------------- */

static int add_patterns(Build *b)
{
        Glob g;
        int r = 0;

        glob_init(&g);
        for (size_t i = 0; i < b->params->n_patterns && r != -E2BIG; i++) {
                const AutomatonPattern *p = &b->params->patterns[i];
                GlobError error;

                if (glob_parse(&g, p->text, &error) < 0) {
                        diag_error(b->diag, p->pos, "bad-pattern", "%s: pattern \"%s\", byte %u: %s", p->owner_name,
                                   p->text, error.column, error.text);
                        r = -EBADMSG;
                } else if (nfa_add(b->nfa, p->start, i, &g) < 0) {
                        diag_error(b->diag, p->pos, "too-complex",
                                   "%s: with pattern \"%s\" there are too many alternatives and wildcards together",
                                   p->owner_name, p->text);
                        r = -E2BIG;
                }
        }
        glob_done(&g);
        return r;
}

/* ---- what is accepted -------------------------------------------------------------------------------------------- */

static uint32_t intern_record(Build *b, const AutomatonRecord *r)
{
        g_autoptr(GBytes) key = g_bytes_new(r, sizeof(*r));
        gpointer id = g_hash_table_lookup(b->record_ids, key);

        if (!id) {
                id = GUINT_TO_POINTER(b->records->len);
                g_array_append_vals(b->records, r, 1);
                g_hash_table_insert(b->record_ids, g_bytes_ref(key), id);
        }
        return GPOINTER_TO_UINT(id);
}

static int compare_ids(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

/* The owners of @patterns without those one of whose exceptions is among them; ascending. */
static GArray *owners_of(const Build *b, const GArray *patterns)
{
        GArray *owners = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        guint n = 0;

        for (guint i = 0; i < patterns->len; i++) {
                const AutomatonPattern *p = &b->params->patterns[g_array_index(patterns, uint32_t, i)];
                /* Exceptions stand after their owner's patterns when sorted. */
                uint32_t v = p->owner << 1 | p->except;

                g_array_append_val(owners, v);
        }
        qsort(owners->data, owners->len, sizeof(uint32_t), compare_ids);
        for (guint i = 0; i < owners->len;) {
                uint32_t owner = g_array_index(owners, uint32_t, i) >> 1;
                bool positive = !(g_array_index(owners, uint32_t, i) & 1), except = false;

                for (; i < owners->len && g_array_index(owners, uint32_t, i) >> 1 == owner; i++)
                        except |= g_array_index(owners, uint32_t, i) & 1;
                if (positive && !except)
                        g_array_index(owners, uint32_t, n++) = owner;
        }
        g_array_set_size(owners, n);
        return owners;
}

static int accept_set(Build *b, const GArray *patterns, uint32_t *ret)
{
        g_autoptr(GBytes) key = g_bytes_new(patterns->data, sizeof(uint32_t) * patterns->len);
        g_autoptr(GArray) owners = NULL;
        AutomatonRecord record = {};
        uint32_t start;
        gpointer id;
        int r;

        if (g_hash_table_lookup_extended(b->set_ids, key, NULL, &id)) {
                *ret = GPOINTER_TO_UINT(id);
                return 0;
        }
        start = b->params->patterns[g_array_index(patterns, uint32_t, 0)].start;
        owners = owners_of(b, patterns);
        if (owners->len > 0) {
                r = b->params->accept(start, &g_array_index(owners, uint32_t, 0), owners->len, &record,
                                      b->params->userdata);
                if (r < 0)
                        return r;
        }
        *ret = record.n_words > 0 ? intern_record(b, &record) : 0;
        g_hash_table_insert(b->set_ids, g_bytes_ref(key), GUINT_TO_POINTER(*ret));
        return 0;
}

static int accept_states(Build *b)
{
        g_autoptr(GArray) patterns = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        int r;

        for (uint32_t s = 0; s < b->dfa->states->len; s++) {
                uint32_t k = g_array_index(b->dfa->first_member, uint32_t, s);

                g_array_set_size(patterns, 0);
                for (; k < g_array_index(b->dfa->first_member, uint32_t, s + 1); k++) {
                        const NfaState *q = &g_array_index(b->nfa->states, NfaState,
                                                           g_array_index(b->dfa->members, uint32_t, k));

                        if (q->accept)
                                g_array_append_val(patterns, q->pattern);
                }
                if (patterns->len == 0)
                        continue;
                r = accept_set(b, patterns, &g_array_index(b->dfa->states, DfaState, s).accept);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void build_init(Build *b, const AutomatonParams *params, Diag *d)
{
        const AutomatonRecord nothing = {};

        *b = (Build){
                .params = params,
                .diag = d,
                .nfa = nfa_new(params->n_starts),
                .records = g_array_new(FALSE, FALSE, sizeof(AutomatonRecord)),
                .record_ids = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL),
                .set_ids = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL),
        };
        g_array_append_val(b->records, nothing);
}

static void build_done(Build *b)
{
        nfa_free(b->nfa);
        dfa_free(b->dfa);
        g_array_unref(b->records);
        g_hash_table_unref(b->record_ids);
        g_hash_table_unref(b->set_ids);
}

static int lay_out(Build *b, AutomatonResult *ret)
{
        g_autoptr(Dfa) small = dfa_minimise(b->dfa);
        g_autofree char *what = NULL;
        uint64_t n_words;

        if (layout(small, b->nfa->class_of, b->records, b->params->default_deny, ret, &n_words) >= 0)
                return 0;
        what = g_strdup_printf("branches (%" G_GUINT64_FORMAT " words of table, %u at most)", n_words, VA_TAB_BIG);
        return blame(b, what);
}

int automaton_build(const AutomatonParams *params, AutomatonResult *ret, Diag *d)
{
        g_autofree char *what = NULL;
        Build b;
        int r;

        build_init(&b, params, d);
        r = add_patterns(&b);
        if (r >= 0) {
                nfa_finish(b.nfa);
                r = dfa_new(b.nfa, &b.dfa);
                if (r == -E2BIG) {
                        what = g_strdup_printf("states (stopped at %u)", b.dfa->states->len);
                        r = blame(&b, what);
                }
        }
        if (r >= 0)
                r = accept_states(&b);
        if (r >= 0)
                r = lay_out(&b, ret);
        build_done(&b);
        return r;
}
