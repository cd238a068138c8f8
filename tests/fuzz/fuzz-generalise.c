/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules for generalising, and what comes after a line "%%%" as a path: whatever the rules are, the pattern matches the path. */

#include <string.h>

#include "../unit/glob-reference.h"
#include "fuzz.h"
#include "generalise.h"

static void check_path(const GeneraliseRules *rules, const char *path)
{
        for (int s = 0; s < _STRICTNESS_MAX; s++) {
                const GeneraliseOptions options = {.strictness = (Strictness)s, .instance = "abc"};
                g_autofree char *pattern = generalise_path(path, rules, &options, NULL);

                FUZZ_CHECK(reference_match(pattern, (const uint8_t *)path, strlen(path)));
        }
}

/* As the kernel writes them. */
static bool is_path(const char *s)
{
        return *s == '/' && !strstr(s, "//") && strlen(s) <= 200 && (!s[1] || s[strlen(s) - 1] != '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const uint8_t *cut = memmem(data, size, "\n%%%\n", 5);
        size_t first = cut ? (size_t)(cut - data) : size;
        g_autofree char *path = cut ? g_strndup((const char *)cut + 5, size - first - 5) : g_strdup("/proc/12/x");
        g_autoptr(GeneraliseRules) rules = NULL;
        g_autoptr(Diag) d = diag_new();
        int r = generalise_rules_parse((const char *)data, first, "fuzz", &rules, d);

        fuzz_check_diag(r, d);
        FUZZ_CHECK(!rules == (r < 0));
        if (rules && is_path(path))
                check_path(rules, path);
        return 0;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        GString *s = g_string_new("rules:\n");

        for (unsigned i = 0; i < 300; i++)
                g_string_append_printf(s, "- {id: a%u, strictness: strict, match: a, pattern: '?', why: x, examples: []}\n", i);
        fuzz_emit_string("many", s, emit, userdata);
        s = g_string_new("rules: [{id: a, strictness: strict, match: '(a+)+$', pattern: '*', why: x, examples: []}]\n%%%\n/");
        for (unsigned i = 0; i < 190; i++)
                g_string_append_c(s, 'a');
        g_string_append_c(s, 'b');
        fuzz_emit_string("backtracking", s, emit, userdata);
        s = g_string_new("rules: [{id: a, strictness: strict, match: '");
        for (unsigned i = 0; i < 100000; i++)
                g_string_append_c(s, '(');
        g_string_append(s, "', pattern: '*', why: x, examples: []}]\n");
        fuzz_emit_string("long-expression", s, emit, userdata);
        hostile_yaml(emit, userdata);
}
