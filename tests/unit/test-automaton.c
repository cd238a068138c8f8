/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Automaton: random patterns against the reference matcher, that it is minimal, what is reachable, and budgets.
 * VARMOR_CASES=N in the environment: how many cases the property test tries. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton-sample.h"

/* ---- a small automaton ------------------------------------------------------------------------------------------- */

static uint32_t mask_at(const Sample *s, TablePlace p)
{
        return sample_mask(s, table_accept_word(s->table, p));
}

static TablePlace walk(const Sample *s, unsigned start, const GByteArray *path)
{
        return table_walk(s->table, (TablePlace){.state = s->start[start]}, path->data, path->len);
}

/* ---- the property ------------------------------------------------------------------------------------------------ */

static void test_reference(void)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(20240501);
        unsigned n_matched = 0, n = n_cases(30000);

        for (unsigned done = 0; done < n;) {
                Sample s;

                sample_make(&s, rand);
                for (unsigned k = 0; k < 30; k++, done++) {
                        const char *pattern = sample_pattern(&s, rand);
                        g_autoptr(GByteArray) path = random_path(rand, pattern);
                        unsigned start = k % 8 == 0;
                        uint32_t expected = sample_reference_mask(&s, start, path->data, path->len),
                                 got = mask_at(&s, walk(&s, start, path));

                        n_matched += expected != 0;
                        if (got != expected)
                                sample_report(&s, path->data, path->len);
                        g_assert_cmpuint(got, ==, expected);
                }
                sample_done(&s);
        }
        g_test_message("%u cases, %u of them matched", n, n_matched);
        g_assert_cmpuint(n_matched, >, n / 4);
}

/* ---- minimal, and exact about what is reachable ------------------------------------------------------------------ */

static uint64_t place_key(TablePlace p)
{
        return (uint64_t)p.state << 32 | p.tail;
}

static TablePlace key_place(uint64_t k)
{
        return (TablePlace){.state = k >> 32, .tail = (uint32_t)k};
}

/* All places that can be come to from @start. */
static GArray *all_places(const Sample *s)
{
        GArray *places = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

        for (unsigned i = 0; i < 2; i++) {
                uint64_t k = place_key((TablePlace){.state = s->start[i]});

                if (g_hash_table_add(seen, g_memdup2(&k, sizeof(k))))
                        g_array_append_val(places, k);
        }
        for (guint i = 0; i < places->len; i++)
                for (unsigned b = 1; b < 256; b++) {
                        TablePlace from = key_place(g_array_index(places, uint64_t, i));
                        uint8_t byte = b;
                        uint64_t k = place_key(table_walk(s->table, from, &byte, 1));

                        if (g_hash_table_add(seen, g_memdup2(&k, sizeof(k))))
                                g_array_append_val(places, k);
                }
        return places;
}

/* Moore's way: places are told apart by what they accept, then by where their bytes lead, until nothing changes. */
static guint count_classes(const Sample *s, const GArray *places)
{
        guint n = places->len, n_before = 0, n_now = 0;
        g_autofree uint32_t *class = g_new0(uint32_t, n), *next = g_new0(uint32_t, n * 255);
        g_autoptr(GHashTable) index = g_hash_table_new(g_int64_hash, g_int64_equal);

        for (guint i = 0; i < n; i++)
                g_hash_table_insert(index, &g_array_index(places, uint64_t, i), GUINT_TO_POINTER(i));
        for (guint i = 0; i < n; i++) {
                TablePlace p = key_place(g_array_index(places, uint64_t, i));

                class[i] = mask_at(s, p);
                for (unsigned b = 1; b < 256; b++) {
                        uint8_t byte = b;
                        uint64_t k = place_key(table_walk(s->table, p, &byte, 1));

                        next[i * 255 + b - 1] = GPOINTER_TO_UINT(g_hash_table_lookup(index, &k));
                }
        }
        do {
                g_autoptr(GHashTable) sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
                g_autofree uint32_t *fresh = g_new0(uint32_t, n);

                n_before = n_now;
                for (guint i = 0; i < n; i++) {
                        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_MD5);

                        g_checksum_update(sum, (const guchar *)&class[i], sizeof(class[i]));
                        for (unsigned b = 0; b < 255; b++)
                                g_checksum_update(sum, (const guchar *)&class[next[i * 255 + b]], sizeof(class[0]));
                        if (!g_hash_table_contains(sums, g_checksum_get_string(sum)))
                                g_hash_table_insert(sums, g_strdup(g_checksum_get_string(sum)),
                                                    GUINT_TO_POINTER(g_hash_table_size(sums)));
                        fresh[i] = GPOINTER_TO_UINT(g_hash_table_lookup(sums, g_checksum_get_string(sum)));
                }
                memcpy(class, fresh, sizeof(uint32_t) * n);
                n_now = g_hash_table_size(sums);
        } while (n_now != n_before);
        return n_now;
}

static bool reaches(const Sample *s, TablePlace from)
{
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
        g_autoptr(GArray) todo = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        uint64_t k = place_key(from);

        g_array_append_val(todo, k);
        for (guint i = 0; i < todo->len; i++) {
                TablePlace p = key_place(g_array_index(todo, uint64_t, i));

                if (mask_at(s, p))
                        return true;
                for (unsigned b = 1; b < 256; b++) {
                        uint8_t byte = b;

                        k = place_key(table_walk(s->table, p, &byte, 1));
                        if (g_hash_table_add(seen, g_memdup2(&k, sizeof(k))))
                                g_array_append_val(todo, k);
                }
        }
        return false;
}

static void test_minimal(void)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(7);

        for (unsigned done = 0; done < (g_test_slow() || g_getenv("VARMOR_TEST_LONG") ? 500 : 20);) {
                g_autoptr(GArray) places = NULL;
                Sample s;

                sample_make(&s, rand);
                places = all_places(&s);
                if (places->len < 150) {
                        g_assert_cmpuint(count_classes(&s, places), ==, places->len);
                        for (guint i = 0; i < places->len; i++) {
                                TablePlace p = key_place(g_array_index(places, uint64_t, i));

                                g_assert_cmpint(table_reaches(s.table, p), ==, reaches(&s, p));
                        }
                        done++;
                }
                sample_done(&s);
        }
}

/* A walk may be interrupted anywhere. */
static void test_resume(void)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(8);

        for (unsigned i = 0; i < 300; i++) {
                Sample s;

                sample_make(&s, rand);
                for (unsigned k = 0; k < 10; k++) {
                        g_autoptr(GByteArray) path = random_path(rand, sample_pattern(&s, rand));
                        TablePlace whole = walk(&s, 0, path);

                        for (guint cut = 0; cut <= path->len; cut++) {
                                TablePlace p = table_walk(s.table, (TablePlace){.state = s.start[0]}, path->data, cut);

                                p = table_walk(s.table, p, path->data + cut, path->len - cut);
                                g_assert_cmphex(place_key(p), ==, place_key(whole));
                        }
                }
                sample_done(&s);
        }
}

/* States that had just been told apart were moved while they were gone through, and some were passed over: they stayed one
 * with the dead state, and what they denied was allowed. */
static void test_marked_while_split(void)
{
        static const SourcePos pos = {.file = "x", .line = 1};
        const AutomatonPattern patterns[] = {
                {.text = "/*bab", .owner = 0, .owner_name = "a", .pos = &pos},
                {.text = "*", .owner = 1, .start = 1, .except = true, .owner_name = "b", .pos = &pos},
                {.text = "\\}", .owner = 3, .start = 1, .owner_name = "c", .pos = &pos},
                {.text = "\n**b**.", .owner = 4, .owner_name = "d", .pos = &pos},
        };
        const AutomatonParams params = {.patterns = patterns, .n_patterns = G_N_ELEMENTS(patterns), .n_starts = 2,
                                        .accept = accept_mask, .userdata = &(unsigned){0}};
        g_autoptr(Diag) d = diag_new();
        AutomatonResult result = {};
        Sample s = {};

        g_assert_cmpint(automaton_build(&params, &result, d), ==, 0);
        s.table = result.table;
        g_assert_cmpuint(mask_at(&s, table_walk(s.table, (TablePlace){.state = result.starts[0]}, "/\n/b.", 5)), ==, 1U << 4);
        g_free(result.table);
        g_free(result.starts);
}

/* ---- many, and too many ------------------------------------------------------------------------------------------ */

static int build_many(char *const *texts, AutomatonResult *ret, Diag *d)
{
        g_autoptr(GArray) patterns = g_array_new(FALSE, FALSE, sizeof(AutomatonPattern));
        SourcePos pos = {.file = "many.yaml", .line = 3};
        unsigned n_calls = 0;

        for (uint32_t i = 0; texts[i]; i++) {
                AutomatonPattern p = {.text = texts[i], .owner = i % 31, .owner_name = "rule", .pos = &pos};

                g_array_append_val(patterns, p);
        }
        return automaton_build(&(AutomatonParams){.patterns = (const void *)patterns->data, .n_patterns = patterns->len,
                                                  .n_starts = 1, .accept = accept_mask, .userdata = &n_calls},
                               ret, d);
}

static void test_many(void)
{
        g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(Diag) d = diag_new();
        AutomatonResult result = {};
        Sample s = {};

        for (unsigned i = 0; i < 10000; i++)
                g_ptr_array_add(texts, g_strdup_printf("/usr/lib/%02x/package-%u/file%u.so%s", i * 7 % 256, i / 10, i * i,
                                                       i % 3 ? "" : ".[0-9]"));
        g_ptr_array_add(texts, NULL);
        g_assert_cmpint(build_many((char **)texts->pdata, &result, d), ==, 0);
        s.table = result.table;
        g_test_message("%u states, %u words, %u classes", result.n_states, s.table->n_words, s.table->n_classes);
        for (unsigned i = 0; i < 10000; i++) {
                g_autofree char *path = g_strdup(texts->pdata[i]);
                uint32_t mask;

                if (i % 3 == 0)
                        g_strlcpy(strchr(path, '['), "5", 2);
                mask = mask_at(&s, table_walk(s.table, (TablePlace){.state = result.starts[0]}, path, strlen(path)));
                g_assert_cmpuint(mask, ==, 1U << i % 31);
                g_assert_cmpuint(mask_at(&s, table_walk(s.table, (TablePlace){.state = result.starts[0]}, path,
                                                        strlen(path) - 1)) & mask, ==, 0);
        }
        g_free(result.table);
        g_free(result.starts);
}

static void test_too_complex(void)
{
        g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(Diag) d = diag_new();
        AutomatonResult result = {};
        const DiagMessage *m;

        g_ptr_array_add(texts, g_strdup("/etc/shadow"));
        for (unsigned i = 0; i < 40; i++)
                g_ptr_array_add(texts, g_strdup_printf("/**/dir%u/**/x%u*", i, i));
        g_ptr_array_add(texts, NULL);
        g_assert_cmpint(build_many((char **)texts->pdata, &result, d), ==, -E2BIG);
        g_assert_cmpuint(d->messages->len, ==, 1);
        m = d->messages->pdata[0];
        g_test_message("%s", m->text);
        g_assert_cmpstr(m->code, ==, "too-complex");
        g_assert_nonnull(strstr(m->text, "/**/dir"));
        g_assert_null(strstr(m->text, "shadow"));
}

/* Ten thousand names, and patterns that match in every directory: each state of a name waits for those, too. */
static void test_waiting(void)
{
        g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(Diag) d = diag_new();
        AutomatonResult result = {};
        Sample s = {};

        for (unsigned i = 0; i < 10000; i++)
                g_ptr_array_add(texts, g_strdup_printf("/usr/lib/%02x/package-%u/file%u.so", i * 7 % 256, i / 10, i * i));
        g_ptr_array_add(texts, g_strdup("/**/.ssh/**"));
        g_ptr_array_add(texts, g_strdup("*.log"));
        g_ptr_array_add(texts, NULL);
        g_assert_cmpint(build_many((char **)texts->pdata, &result, d), ==, 0);
        s.table = result.table;
        g_test_message("%u states, %u words, %u classes", result.n_states, s.table->n_words, s.table->n_classes);
        for (unsigned i = 0; i < 10000; i++) {
                static const char *const ends[] = {"", ".log", "/.ssh", "/.ssh/a", "/.ssh.log"};
                const uint32_t masks[] = {1U << i % 31, 1U << 10001 % 31, 1U << 10000 % 31, 1U << 10000 % 31, 1U << 10001 % 31};
                g_autofree char *path = g_strconcat(texts->pdata[i], ends[i % G_N_ELEMENTS(ends)], NULL);
                TablePlace p = table_walk(s.table, (TablePlace){.state = result.starts[0]}, path, strlen(path));

                g_assert_cmpuint(mask_at(&s, p), ==, masks[i % G_N_ELEMENTS(ends)]);
        }
        g_free(result.table);
        g_free(result.starts);
}

/* A thousand units that all wait in the same slices: what they have in common must be there once, not a thousand times. */
static void test_same_beginning(void)
{
        g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(Diag) d = diag_new();
        AutomatonResult result = {};
        Sample s = {};

        for (unsigned i = 0; i < 1000; i++)
                g_ptr_array_add(texts, g_strdup_printf("/{,*.slice/,*.slice/*.slice/,*.slice/*.slice/*.slice/}unit-%u.service/**", i));
        g_ptr_array_add(texts, NULL);
        g_assert_cmpint(build_many((char **)texts->pdata, &result, d), ==, 0);
        s.table = result.table;
        g_test_message("%u states, %u words", result.n_states, s.table->n_words);
        g_assert_cmpuint(result.n_states, <, 50000);
        for (unsigned i = 0; i < 1000; i++) {
                static const char *const above[] = {"", "a.slice/", "a.slice/unit-1.slice/", "b/", "a.slice/b/"};
                g_autofree char *path = g_strdup_printf("/%sunit-%u.service/x", above[i % G_N_ELEMENTS(above)], i);
                TablePlace p = table_walk(s.table, (TablePlace){.state = result.starts[0]}, path, strlen(path));
                bool covered = i % G_N_ELEMENTS(above) < 3;

                g_assert_cmpuint(mask_at(&s, p), ==, covered ? 1U << i % 31 : 0);
        }
        g_free(result.table);
        g_free(result.starts);
}

/* Names so short and many that there is a branch at every byte. */
static void test_too_many_branches(void)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN";
        g_autoptr(GRand) rand = g_rand_new_with_seed(1);
        g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(Diag) d = diag_new();
        AutomatonResult result = {};
        const DiagMessage *m;

        for (unsigned i = 0; i < 120000; i++) {
                char text[] = "/abcd";

                for (unsigned k = 1; k <= 4; k++)
                        text[k] = letters[g_rand_int_range(rand, 0, sizeof(letters) - 1)];
                g_ptr_array_add(texts, g_strdup(text));
        }
        g_ptr_array_add(texts, g_strdup("/**/.ssh/**"));
        g_ptr_array_add(texts, NULL);
        g_assert_cmpint(build_many((char **)texts->pdata, &result, d), ==, -E2BIG);
        m = d->messages->pdata[0];
        g_test_message("%s", m->text);
        g_assert_nonnull(strstr(m->text, "too many branches"));
        g_assert_nonnull(strstr(m->text, "due to \"/**/.ssh/**\""));
}

static void test_bad_patterns(void)
{
        char *texts[] = {"/a[", "/b", "/c{", NULL};
        g_autoptr(Diag) d = diag_new();
        AutomatonResult result = {};

        g_assert_cmpint(build_many(texts, &result, d), ==, -EBADMSG);
        g_assert_cmpuint(d->n_errors, ==, 2);
        g_assert_cmpuint(((DiagMessage *)d->messages->pdata[1])->pos.line, ==, 3);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/automaton/reference", test_reference);
        g_test_add_func("/automaton/minimal", test_minimal);
        g_test_add_func("/automaton/resume", test_resume);
        g_test_add_func("/automaton/marked-while-split", test_marked_while_split);
        g_test_add_func("/automaton/many", test_many);
        g_test_add_func("/automaton/too-complex", test_too_complex);
        g_test_add_func("/automaton/waiting", test_waiting);
        g_test_add_func("/automaton/same-beginning", test_same_beginning);
        g_test_add_func("/automaton/too-many-branches", test_too_many_branches);
        g_test_add_func("/automaton/bad-patterns", test_bad_patterns);
        return g_test_run();
}
