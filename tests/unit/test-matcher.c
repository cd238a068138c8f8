/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Matcher: the BPF programs' walk, run by this machine's kernel, against table_walk() and the reference matcher. Paths
 * lie at any offset amid garbage, and are walked whole and in two parts, in small and in big tables. The first test tries a
 * million cases, the same ones each time, and in long runs a million others, which --seed brings back. VARMOR_CASES=N in
 * the environment: how many cases instead. */

#include <string.h>

#include "automaton-sample.h"
#include "glob.h"
#include "matcher.h"

static Matcher *matcher;
static char *why_not;

/* One path, and what is expected of it. */
typedef struct Case {
        uint8_t bytes[VA_PATH_MAX];
        uint32_t n;
        uint32_t start;
        bool big;
        bool referee; /* is it worth asking the reference matcher? */
} Case;

typedef struct Run {
        GRand *rand;
        const Sample *sample;
        Case *cases; /* MATCHER_JOBS_MAX */
        unsigned n;
        unsigned n_done, n_matched, n_inside, n_falling; /* all; matched; cut inside a tail; inside one that falls */
} Run;

static unsigned below(GRand *rand, unsigned n)
{
        return (unsigned)g_rand_int_range(rand, 0, (gint32)n);
}

/* ---- a batch ----------------------------------------------------------------------------------------------------- */

static void fill_garbage(GRand *rand, struct va_match_buf *m)
{
        uint64_t x = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand) | 1;

        for (size_t i = 0; i < sizeof(*m); i += sizeof(x)) {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                memcpy((uint8_t *)m + i, &x, sizeof(x));
        }
}

static void put_case(const Run *run, const Case *c, struct matcher_job *j)
{
        uint32_t room = VA_MATCH_BUF - 1 - c->n;

        if (below(run->rand, 16) == 0)
                fill_garbage(run->rand, &j->m);
        j->len = c->n;
        j->off = below(run->rand, 8) == 0 ? room : below(run->rand, room + 1);
        j->cut = below(run->rand, c->n + 1);
        j->big = c->big;
        j->start = (struct va_match_result){.state = run->sample->start[c->start]};
        memset(&j->whole, 0xee, sizeof(j->whole));
        memset(&j->first, 0xee, sizeof(j->first));
        memset(&j->parts, 0xee, sizeof(j->parts));
        j->ret_whole = j->ret_first = j->ret_parts = 1;
        memcpy(j->m.b + j->off, c->bytes, c->n);
}

static bool same_place(const Sample *s, const struct va_match_result *r, TablePlace p)
{
        return r->state == p.state && r->tail == p.tail && r->accept_word == table_accept_word(s->table, p);
}

static bool check_case(Run *run, const Case *c, const struct matcher_job *j)
{
        const Sample *s = run->sample;
        TablePlace from = {.state = s->start[c->start]};
        TablePlace whole = table_walk(s->table, from, c->bytes, c->n);
        TablePlace first = table_walk(s->table, from, c->bytes, j->cut);
        uint32_t mask = sample_mask(s, j->whole.accept_word);

        run->n_done++;
        run->n_matched += mask != 0;
        run->n_inside += first.tail != 0;
        run->n_falling += first.tail != 0 && s->table->tab[first.state & VA_S_INDEX] & VA_TAIL_FALL;
        return j->ret_whole == 0 && j->ret_first == 0 && j->ret_parts == 0 && same_place(s, &j->whole, whole) &&
               same_place(s, &j->first, first) && same_place(s, &j->parts, whole) &&
               (!c->referee || mask == sample_reference_mask(s, c->start, c->bytes, c->n));
}

static void report_result(const char *what, int ret, const struct va_match_result *r)
{
        g_test_message("%s: %i, state %#x tail %u accept %#x", what, ret, r->state, r->tail, r->accept_word);
}

static void fail_case(const Run *run, const Case *c, const struct matcher_job *j)
{
        TablePlace p =
                table_walk(run->sample->table, (TablePlace){.state = run->sample->start[c->start]}, c->bytes, c->n);

        sample_report(run->sample, c->bytes, c->n);
        g_test_message("start %u, %s table, %u bytes at %u, cut at %u", c->start, c->big ? "big" : "small", c->n,
                       j->off, j->cut);
        report_result("whole", j->ret_whole, &j->whole);
        report_result("first part", j->ret_first, &j->first);
        report_result("both parts", j->ret_parts, &j->parts);
        g_test_message("table_walk: state %#x tail %u accept %#x; reference: %#x", p.state, p.tail,
                       table_accept_word(run->sample->table, p),
                       sample_reference_mask(run->sample, c->start, c->bytes, c->n));
        g_test_fail();
}

/* Works off the cases so far. */
static void flush(Run *run)
{
        for (unsigned i = 0; i < run->n; i++)
                put_case(run, &run->cases[i], matcher_job(matcher, i));
        matcher_run(matcher, run->n);
        for (unsigned i = 0; i < run->n; i++)
                if (!check_case(run, &run->cases[i], matcher_job(matcher, i))) {
                        fail_case(run, &run->cases[i], matcher_job(matcher, i));
                        break;
                }
        run->n = 0;
}

static void add_case(Run *run, const GByteArray *path, uint32_t start, bool big, bool referee)
{
        Case *c = &run->cases[run->n++];

        c->n = MIN(path->len, VA_PATH_MAX - 1);
        memcpy(c->bytes, path->data, c->n);
        c->start = start;
        c->big = big || run->sample->table->n_words > VA_TAB_SMALL;
        c->referee = referee;
        if (run->n == MATCHER_JOBS_MAX)
                flush(run);
}

/* @seed: of the chance that decides everything. False: there is no BPF here, the test is skipped. */
static bool run_init(Run *run, uint32_t seed)
{
        if (!matcher) {
                g_test_skip(why_not);
                return false;
        }
        *run = (Run){.rand = g_rand_new_with_seed(seed), .cases = g_new0(Case, MATCHER_JOBS_MAX)};
        return true;
}

static void run_done(Run *run)
{
        g_test_message("%u cases, %u of them matched, %u cut inside a literal tail, %u of them inside one that falls",
                       run->n_done, run->n_matched, run->n_inside, run->n_falling);
        g_rand_free(run->rand);
        g_free(run->cases);
}

static void use_sample(Run *run, const Sample *s)
{
        run->sample = s;
        if (s->table->n_words <= VA_TAB_SMALL)
                matcher_put_table(matcher, s->table, false);
        matcher_put_table(matcher, s->table, true);
}

/* ---- small patterns ---------------------------------------------------------------------------------------------- */

#define RANDOM_CASES 1000000U

static void try_random(uint32_t seed)
{
        unsigned n = n_cases(RANDOM_CASES);
        Run run;

        if (!run_init(&run, seed))
                return;
        while (run.n_done < n && !g_test_failed()) {
                Sample s;

                sample_make(&s, run.rand);
                use_sample(&run, &s);
                for (unsigned k = 0; k < MATCHER_JOBS_MAX; k++) {
                        g_autoptr(GByteArray) path = random_path(run.rand, sample_pattern(&s, run.rand));

                        add_case(&run, path, k % 8 == 0, k % 2, true);
                }
                sample_done(&s);
        }
        g_assert_cmpuint(run.n_matched, >, run.n_done / 5);
        g_assert_cmpuint(run.n_inside, >, run.n_done / 500);
        run_done(&run);
}

static void test_random(void)
{
        try_random(20240502);
        if (is_long_run())
                try_random((uint32_t)g_test_rand_int());
}

/* ---- any bytes, any length --------------------------------------------------------------------------------------- */

static uint8_t any_byte(GRand *rand)
{
        return below(rand, 3) ? 1 + below(rand, 255) : (uint8_t) "ab/."[below(rand, 4)];
}

static void append_byte(GString *s, uint8_t b)
{
        if (b == '/') { /* several would be one, and random_path() knows nothing of that */
                if (s->str[s->len - 1] != '/')
                        g_string_append_c(s, '/');
        } else if (strchr("\\*?[]{},^-", b))
                g_string_append_printf(s, "\\%c", b);
        else
                g_string_append_c(s, (char)b);
}

static void append_set(GRand *rand, GString *s)
{
        uint8_t low = 0x80 + below(rand, 0x60), high = low + below(rand, 0x1f);

        g_string_append(s, below(rand, 2) ? "[^" : "[");
        g_string_append_c(s, (char)low);
        g_string_append_c(s, '-');
        g_string_append_c(s, (char)high);
        g_string_append(s, "abc]");
}

/* Up to @n_max bytes, most of them literal; with @prefix, something that begins like another one. Few stars: the
 * reference matcher tries everything, and a long pattern with a '**' in its middle makes a large table. */
static char *literal_pattern(GRand *rand, unsigned n_max, const char *prefix)
{
        GString *s = g_string_new(prefix ? prefix : "/");
        unsigned n_stars = 0, n = 1 + below(rand, n_max);

        while (s->len < n)
                if (below(rand, 40))
                        append_byte(s, any_byte(rand));
                else if (below(rand, 2))
                        append_set(rand, s);
                else if (s->str[s->len - 1] != '*' && n_stars++ < 2)
                        g_string_append(s, n_max > 1000 || below(rand, 4) ? "*" : "/**");
        return g_string_free(s, FALSE);
}

/* Cuts @text where that leaves a pattern. */
static char *pattern_prefix(GRand *rand, const char *text)
{
        size_t n = 1 + below(rand, strlen(text));
        g_autofree char *s = NULL;

        for (; n > 1; n--) {
                g_free(s);
                s = g_strndup(text, n);
                if (glob_check(s, NULL) >= 0)
                        return g_steal_pointer(&s);
        }
        return g_strdup("/");
}

static void sample_of_literals(Sample *s, GRand *rand, unsigned n_patterns, unsigned n_bytes)
{
        sample_init(s);
        for (unsigned i = 0; i < n_patterns; i++) {
                g_autofree char *prefix = i && below(rand, 3) ? pattern_prefix(rand, sample_pattern(s, rand)) : NULL;
                char *text = literal_pattern(rand, n_bytes, prefix);

                if (strlen(text) < VA_PATH_MAX)
                        sample_add(s, text, i % SAMPLE_OWNERS_MAX, i % 5 == 4, false);
                else
                        g_free(text);
        }
        sample_build(s);
}

static void spoil(GRand *rand, GByteArray *path)
{
        if (path->len > 0 && below(rand, 2))
                path->data[below(rand, path->len)] = any_byte(rand);
}

static void try_literals(Run *run, unsigned n_patterns, unsigned n_bytes, unsigned n_rounds)
{
        for (unsigned round = 0; round < n_rounds && !g_test_failed(); round++) {
                Sample s;

                sample_of_literals(&s, run->rand, n_patterns, n_bytes);
                use_sample(run, &s);
                for (unsigned k = 0; k < MATCHER_JOBS_MAX; k++) {
                        g_autoptr(GByteArray) path = random_path(run->rand, sample_pattern(&s, run->rand));

                        spoil(run->rand, path);
                        add_case(run, path, k % 8 == 0, k % 2, true);
                }
                sample_done(&s);
        }
}

static void test_bytes(void)
{
        Run run;

        if (!run_init(&run, 1))
                return;
        try_literals(&run, 12, 60, n_cases(10000) / MATCHER_JOBS_MAX);
        g_assert_cmpuint(run.n_matched, >, run.n_done / 20);
        run_done(&run);
}

static void test_long(void)
{
        Run run;

        if (!run_init(&run, 2))
                return;
        try_literals(&run, 6, VA_PATH_MAX - 1, n_cases(4000) / MATCHER_JOBS_MAX);
        g_assert_cmpuint(run.n_matched, >, run.n_done / 20);
        g_assert_cmpuint(run.n_inside, >, run.n_done / 5);
        run_done(&run);
}

/* NUL, which no path and no pattern has, is a byte as others to the walk. */
static void test_nul(void)
{
        Run run;

        if (!run_init(&run, 3))
                return;
        for (unsigned round = 0; round < 100 && !g_test_failed(); round++) {
                Sample s;

                sample_make(&s, run.rand);
                use_sample(&run, &s);
                for (unsigned k = 0; k < MATCHER_JOBS_MAX; k++) {
                        g_autoptr(GByteArray) path = random_path(run.rand, sample_pattern(&s, run.rand));

                        if (path->len > 0)
                                path->data[below(run.rand, path->len)] = 0;
                        add_case(&run, path, k % 8 == 0, k % 2, false);
                }
                sample_done(&s);
        }
        run_done(&run);
}

/* ---- tables that only the big place holds ------------------------------------------------------------------------- */

static void test_big(void)
{
        Sample s;
        Run run;

        if (!run_init(&run, 4))
                return;
        for (unsigned n = 1000; n <= 16000 && !g_test_failed(); n *= 4) {
                sample_init(&s);
                for (unsigned i = 0; i < n; i++)
                        sample_add(&s,
                                   g_strdup_printf("/usr/%s/%x/pkg-%u/x%u%s",
                                                   i % 3 ? "lib" : "share/x86_64-linux-gnu/name", i * 7919 % 251,
                                                   i / 8, i, i % 7 ? ".so" : "*.[0-9]"),
                                   i % SAMPLE_OWNERS_MAX, i % 9 == 8, false);
                for (unsigned start = 0; start < 2; start++) {
                        sample_add(&s, g_strdup("/**/.ssh/**"), 1, start, false);
                        sample_add(&s, g_strdup("*.log"), 2, start, false);
                }
                sample_build(&s);
                g_test_message("%u patterns: %u words", n, s.table->n_words);
                g_assert_cmpuint(s.table->n_words, >, n == 1000 ? 0 : VA_TAB_SMALL);
                use_sample(&run, &s);
                for (unsigned k = 0; k < 10 * MATCHER_JOBS_MAX; k++) {
                        g_autoptr(GByteArray) path = random_path(run.rand, sample_pattern(&s, run.rand));

                        spoil(run.rand, path);
                        add_case(&run, path, k % 8 == 0, true, k < 32);
                }
                sample_done(&s);
        }
        g_assert_cmpuint(run.n_matched, >, run.n_done / 10);
        g_assert_cmpuint(run.n_falling, >, run.n_done / 10);
        run_done(&run);
}

/* ---- the limits of the buffer ------------------------------------------------------------------------------------- */

static void test_limits(void)
{
        static const struct {
                uint32_t off, len;
                bool refused;
        } limits[] = {
                {0, 0, false},
                {VA_MATCH_BUF - 1, 0, false},
                {0, VA_MATCH_BUF - 1, false},
                {VA_MATCH_BUF - 2, 1, false},
                {VA_MATCH_BUF, 0, true},
                {VA_MATCH_BUF - 1, 1, true},
                {1, VA_MATCH_BUF - 1, true},
                {0, VA_MATCH_BUF, true},
                {UINT32_MAX, 2, true},
                {2, UINT32_MAX, true},
                {UINT32_MAX, UINT32_MAX, true},
        };
        Sample s;
        Run run;

        if (!run_init(&run, 5))
                return;
        sample_init(&s);
        sample_add(&s, g_strdup("/**"), 0, 0, false);
        sample_build(&s);
        use_sample(&run, &s);
        for (unsigned i = 0; i < G_N_ELEMENTS(limits); i++)
                for (unsigned big = 0; big < 2; big++) {
                        struct matcher_job *j = matcher_job(matcher, 0);

                        memset(j->m.b, '/', sizeof(j->m.b));
                        j->off = limits[i].off;
                        j->len = limits[i].len;
                        j->cut = 0;
                        j->big = big;
                        j->start = (struct va_match_result){.state = s.start[0], .accept_word = MATCHER_UNTOUCHED};
                        matcher_run(matcher, 1);
                        g_assert_cmpint(j->ret_whole, ==, limits[i].refused ? -1 : 0);
                        if (limits[i].refused) {
                                g_assert_cmphex(j->whole.state, ==, s.start[0]);
                                g_assert_cmphex(j->whole.accept_word, ==, MATCHER_UNTOUCHED);
                        } else
                                g_assert_cmphex(sample_mask(&s, j->whole.accept_word), ==, limits[i].len > 0);
                }
        sample_done(&s);
        run_done(&run);
}

int main(int argc, char **argv)
{
        int r;

        g_test_init(&argc, &argv, NULL);
        matcher = matcher_new(&why_not);
        g_test_add_func("/matcher/random", test_random);
        g_test_add_func("/matcher/bytes", test_bytes);
        g_test_add_func("/matcher/long", test_long);
        g_test_add_func("/matcher/nul", test_nul);
        g_test_add_func("/matcher/big", test_big);
        g_test_add_func("/matcher/limits", test_limits);
        r = g_test_run();
        matcher_free(matcher);
        g_free(why_not);
        return r;
}
