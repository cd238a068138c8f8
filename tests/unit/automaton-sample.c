/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Samples: random patterns with random owners, as one automaton. */

#include "automaton-sample.h"

#include <stdlib.h>
#include <string.h>

#define REPORTED_MAX 20U

int accept_mask(uint32_t start, const uint32_t *owners, size_t n, AutomatonRecord *ret, void *userdata)
{
        (*(unsigned *)userdata)++;
        for (size_t i = 0; i < n; i++)
                ret->words[0] |= 1U << owners[i];
        ret->words[1] = start;
        ret->n_words = 2;
        ret->reach = true;
        return 0;
}

void sample_init(Sample *s)
{
        *s = (Sample){.patterns = g_array_new(FALSE, FALSE, sizeof(AutomatonPattern))};
}

void sample_add(Sample *s, char *text, uint32_t owner, uint32_t start, bool except)
{
        static const SourcePos pos = {.file = "x", .line = 1};
        AutomatonPattern p = {
                .text = text, .owner = owner, .except = except, .start = start, .owner_name = "owner", .pos = &pos};

        g_assert_cmpuint(owner, <, SAMPLE_OWNERS_MAX);
        g_array_append_val(s->patterns, p);
}

void sample_build(Sample *s)
{
        unsigned n_calls = 0;
        AutomatonParams params = {.patterns = (const void *)s->patterns->data,
                                  .n_patterns = s->patterns->len,
                                  .n_starts = SAMPLE_STARTS,
                                  .accept = accept_mask,
                                  .userdata = &n_calls};
        AutomatonResult result = {};
        g_autoptr(Diag) d = diag_new();
        int r = automaton_build(&params, &result, d);

        if (r < 0)
                g_test_message("%s", ((DiagMessage *)d->messages->pdata[0])->text);
        g_assert_cmpint(r, ==, 0);
        s->table = result.table;
        memcpy(s->start, result.starts, sizeof(s->start));
        g_free(result.starts);
}

void sample_make(Sample *s, GRand *rand)
{
        unsigned n_owners = (unsigned)g_rand_int_range(rand, 1, 6);

        sample_init(s);
        for (unsigned i = 0; i < n_owners; i++) {
                uint32_t start = g_rand_int_range(rand, 0, 4) == 0;

                for (unsigned k = 0; k < (g_rand_boolean(rand) ? 2U : 1U); k++)
                        sample_add(s, random_pattern(rand), i, start, k);
        }
        sample_build(s);
}

void sample_done(Sample *s)
{
        for (guint i = 0; i < s->patterns->len; i++)
                g_free((char *)g_array_index(s->patterns, AutomatonPattern, i).text);
        g_array_unref(s->patterns);
        g_free(s->table);
}

const char *sample_pattern(const Sample *s, GRand *rand)
{
        return g_array_index(s->patterns, AutomatonPattern, g_rand_int_range(rand, 0, (gint32)s->patterns->len)).text;
}

uint32_t sample_mask(const Sample *s, uint32_t accept_word)
{
        uint32_t i = accept_word & VA_A_INDEX;

        return i ? s->table->tab[i] : 0;
}

uint32_t sample_reference_mask(const Sample *s, unsigned start, const uint8_t *path, size_t n)
{
        uint32_t yes = 0, no = 0;

        for (guint i = 0; i < s->patterns->len; i++) {
                const AutomatonPattern *p = &g_array_index(s->patterns, AutomatonPattern, i);

                if (p->start != start || !reference_match(p->text, path, n))
                        continue;
                if (p->except)
                        no |= 1U << p->owner;
                else
                        yes |= 1U << p->owner;
        }
        return yes & ~no;
}

void sample_report(const Sample *s, const uint8_t *path, size_t n)
{
        g_autofree char *text = g_strndup((const char *)path, n), *escaped = g_strescape(text, NULL);

        for (guint i = 0; i < s->patterns->len && i < REPORTED_MAX; i++) {
                const AutomatonPattern *p = &g_array_index(s->patterns, AutomatonPattern, i);
                g_autofree char *pattern = g_strescape(p->text, NULL);

                g_test_message("start %u owner %u%s \"%s\"", p->start, p->owner, p->except ? " except" : "", pattern);
        }
        g_test_message("path \"%s\"", escaped);
}

bool is_long_run(void)
{
        return g_test_slow() || g_strcmp0(g_getenv("VARMOR_TEST_LONG"), "1") == 0;
}

unsigned n_cases(unsigned usual)
{
        const char *e = g_getenv("VARMOR_CASES");

        if (e)
                return (unsigned)strtoul(e, NULL, 10);
        return is_long_run() ? 1000000 : usual;
}
