/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Patterns -> automaton, against the reference matcher. The input: patterns, each ended by a NUL, then a path. */

#include <errno.h>
#include <string.h>

#include "../unit/glob-reference.h"
#include "automaton.h"
#include "fuzz.h"
#include "glob.h"
#include "pattern.h"

#define PATTERNS_MAX 4U
/* The reference tries everything: it must stay short. */
#define PATTERN_BYTES_MAX 28U
#define PATH_BYTES_MAX 28U
#define EXPANSIONS_MAX 1024U

static int accept_mask(uint32_t start, const uint32_t *owners, size_t n, AutomatonRecord *ret, void *userdata)
{
        for (size_t i = 0; i < n; i++)
                ret->words[0] |= 1U << owners[i];
        ret->n_words = 1;
        ret->reach = true;
        return 0;
}

static void check_expansion(const char *pattern, const uint8_t *path, size_t n, bool expected)
{
        g_auto(GStrv) all = NULL;
        bool got = false;

        if (pattern_expand(pattern, EXPANSIONS_MAX, &all) < 0)
                return;
        for (char **p = all; *p; p++)
                got |= **p && reference_match(*p, path, n);
        FUZZ_CHECK(got == expected);
}

/* A name as a pattern matches that name. */
static void check_escape(const uint8_t *path, size_t n)
{
        g_autofree char *name = g_strndup((const char *)path, n), *pattern = NULL, *literal = NULL;
        size_t used;

        if (n < 2 || *path != '/' || path[n - 1] == '/' || strstr(name, "//"))
                return;
        pattern = pattern_escape(name);
        FUZZ_CHECK(glob_check(pattern, NULL) == 0);
        FUZZ_CHECK(reference_match(pattern, path, n));
        literal = pattern_literal(pattern, &used);
        FUZZ_CHECK(strcmp(literal, name) == 0 && used == strlen(pattern));
}

static size_t take_patterns(const uint8_t **data, size_t *size, char *ret[static PATTERNS_MAX])
{
        size_t n = 0;

        while (n < PATTERNS_MAX) {
                const uint8_t *end = memchr(*data, '\0', *size);
                size_t length = end ? (size_t)(end - *data) : 0;

                if (!end)
                        break;
                ret[n++] = g_strndup((const char *)*data, length);
                *data += length + 1;
                *size -= length + 1;
        }
        return n;
}

static void compare(char *const *texts, size_t n, const uint8_t *path, size_t size)
{
        static const SourcePos pos = {.file = "fuzz", .line = 1};
        AutomatonPattern patterns[PATTERNS_MAX];
        const AutomatonParams params = {.patterns = patterns, .n_patterns = n, .n_starts = 1, .accept = accept_mask};
        g_autoptr(Diag) d = diag_new();
        AutomatonResult result = {0};
        uint32_t expected = 0, got;
        TablePlace place;
        int r;

        for (size_t i = 0; i < n; i++) {
                bool yes = reference_match(texts[i], path, size);

                patterns[i] = (AutomatonPattern){.text = texts[i], .owner = (uint32_t)i, .owner_name = "rule", .pos = &pos};
                expected |= (uint32_t)yes << i;
                check_expansion(texts[i], path, size, yes);
        }
        r = automaton_build(&params, &result, d);
        fuzz_check_diag(r, d);
        FUZZ_CHECK(r == 0);
        place = table_walk(result.table, (TablePlace){.state = result.starts[0]}, path, size);
        got = table_accept_word(result.table, place) & VA_A_INDEX;
        got = got ? result.table->tab[got] : 0;
        FUZZ_CHECK(got == expected);
        g_free(result.table);
        g_free(result.starts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *texts[PATTERNS_MAX] = {NULL};
        size_t n = take_patterns(&data, &size, texts);
        bool good = n > 0 && size <= PATH_BYTES_MAX && !memchr(data, '\0', size);

        for (size_t i = 0; i < n; i++) {
                g_autofree char *why = pattern_check(texts[i]);
                GlobError error = {0};
                int r = glob_check(texts[i], &error);

                FUZZ_CHECK(r == 0 || (r == -EBADMSG && error.text && error.column <= strlen(texts[i]) + 1));
                FUZZ_CHECK(why || r == 0); /* what the loader takes, the compiler takes */
                good = good && r == 0 && !why && strlen(texts[i]) <= PATTERN_BYTES_MAX;
        }
        if (good) {
                compare(texts, n, data, size);
                check_escape(data, size);
        }
        for (size_t i = 0; i < n; i++)
                g_free(texts[i]);
        return 0;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(17);
        GString *s = NULL;

        for (unsigned i = 0; i < 3000; i++) {
                g_autofree char *one = random_pattern(rand), *two = random_pattern(rand);
                g_autoptr(GByteArray) path = random_path(rand, one);

                if (s)
                        (void)g_string_free(s, TRUE);
                s = g_string_new(NULL);
                g_string_append_len(s, one, (gssize)strlen(one) + 1);
                g_string_append_len(s, two, (gssize)strlen(two) + 1);
                g_string_append_len(s, (const char *)path->data, path->len);
                (void)LLVMFuzzerTestOneInput((const uint8_t *)s->str, s->len);
        }
        fuzz_emit_string("random", s, emit, userdata);
}
