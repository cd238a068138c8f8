/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Targets: the automaton whose accept records are struct va_cover. */

#include "targets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton.h"

typedef struct Targets {
        const TargetsEntry *entries;
        Diag *diag;
} Targets;

static const char *name_of(const TargetsEntry *e)
{
        return e->name ? e->name : "(a policy)";
}

static int too_many(const Targets *t, const uint32_t *owners, size_t n)
{
        g_autoptr(GString) s = g_string_new(NULL);

        for (size_t i = 0; i < n; i++)
                g_string_append_printf(s, "%s\"%s\"", i ? ", " : "", name_of(&t->entries[owners[i]]));
        diag_error(t->diag, &t->entries[owners[0]].pos, "too-many-policies",
                   "%zu policies can cover one cgroup together, at most %u may: %s", n, VA_COVER_MAX, s->str);
        return -E2BIG;
}

static int compare_slots(const void *a, const void *b)
{
        return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static int accept(uint32_t start, const uint32_t *owners, size_t n, AutomatonRecord *ret, void *userdata)
{
        Targets *t = userdata;
        struct va_cover cover = {.n = n};

        if (n > VA_COVER_MAX)
                return too_many(t, owners, n);
        for (size_t i = 0; i < n; i++)
                cover.slot[i] = t->entries[owners[i]].policy;
        qsort(cover.slot, n, sizeof(cover.slot[0]), compare_slots);
        memcpy(ret->words, &cover, sizeof(cover));
        ret->n_words = sizeof(cover) / 4;
        ret->reach = true;
        return 0;
}

static void add_patterns(GArray *patterns, const TargetsEntry *e, uint32_t owner, bool except)
{
        for (char *const *p = except ? e->except : e->patterns; p && *p; p++) {
                AutomatonPattern a = {.text = *p, .owner = owner, .except = except, .owner_name = name_of(e),
                                      .pos = &e->pos};

                g_array_append_val(patterns, a);
        }
}

int targets_compile(const TargetsEntry *entries, size_t n, GBytes **ret, Diag *d)
{
        g_autoptr(GArray) patterns = g_array_new(FALSE, FALSE, sizeof(AutomatonPattern));
        Targets t = {.entries = entries, .diag = d};
        AutomatonParams params = {.n_starts = 1, .accept = accept, .userdata = &t};
        AutomatonResult result = {};
        int r;

        for (size_t i = 0; i < n; i++) {
                add_patterns(patterns, &entries[i], i, false);
                add_patterns(patterns, &entries[i], i, true);
        }
        params.patterns = (const AutomatonPattern *)patterns->data;
        params.n_patterns = patterns->len;
        r = automaton_build(&params, &result, d);
        if (r < 0)
                return r;
        result.table->start[VA_KIND_FILE][0] = result.starts[0];
        g_free(result.starts);
        if (result.table->start[VA_KIND_FILE][0] == 0) {
                g_free(result.table);
                *ret = g_bytes_new(NULL, 0);
                return 0;
        }
        *ret = g_bytes_new_take(result.table, table_bytes(result.table->n_words));
        return 0;
}
