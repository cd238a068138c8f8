/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* YAML that wants to hurt. */

#include <string.h>

#include "fuzz.h"
#include "yaml-tree.h"

static GString *repeat(const char *before, const char *part, size_t n, const char *after)
{
        GString *s = g_string_new(before);

        for (size_t i = 0; i < n; i++)
                g_string_append(s, part);
        g_string_append(s, after);
        return s;
}

static GString *filled(const char *before, char c, size_t n, const char *after)
{
        GString *s = g_string_new(before);
        gsize at = s->len;

        g_string_set_size(s, at + n);
        memset(s->str + at, c, n);
        g_string_append(s, after);
        return s;
}

static GString *numbered(const char *format, unsigned n)
{
        GString *s = g_string_new(NULL);

        for (unsigned i = 0; i < n; i++)
                g_string_append_printf(s, format, i, i, i);
        return s;
}

static GString *nested_block(unsigned n)
{
        GString *s = g_string_new(NULL);

        for (unsigned i = 0; i < n; i++) {
                for (unsigned k = 0; k < i; k++)
                        g_string_append_c(s, ' ');
                g_string_append(s, "a:\n");
        }
        return s;
}

static GString *laughs(void)
{
        GString *s = g_string_new("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");

        for (unsigned i = 1; i < 40; i++)
                g_string_append_printf(s, "a%u: &a%u [*a%u, *a%u, *a%u, *a%u, *a%u, *a%u, *a%u, *a%u, *a%u]\n", i, i, i - 1, i - 1,
                                       i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        return s;
}

void hostile_yaml(FuzzEmit emit, void *userdata)
{
        const struct {
                const char *name;
                GString *text;
        } all[] = {
                {"flow-lists-in-lists", repeat("", "[", 100000, "")},
                {"flow-lists-closed", repeat("", "[", 300, "]]]]]]")},
                {"flow-mappings-in-mappings", repeat("", "{a: ", 100000, "")},
                {"block-lists-in-lists", repeat("", "- ", 100000, "x\n")},
                {"block-mappings-in-mappings", nested_block(1500)},
                {"complex-keys", repeat("", "? ", 50000, "x\n")},
                {"flow-complex-keys", repeat("{", "? [", 50000, "")},
                {"billion-laughs", laughs()},
                {"many-anchors", numbered("- &a%u x%u\n", 50000)},
                {"many-keys", numbered("k%u: v%u\n", 100000)},
                {"same-key", repeat("", "key: value\n", 100000, "")},
                {"many-documents", repeat("", "---\na: b\n", 20000, "")},
                {"many-empty-documents", repeat("", "---\n", 200000, "")},
                {"many-values", repeat("[", "a,", 500000, "]")},
                {"many-nulls", repeat("", "-\n", 500000, "")},
                {"huge-plain", filled("a: ", 'x', YAML_BYTES_MAX - 100, "\n")},
                {"huge-words", repeat("a: ", "x y\n  ", 500000, "\n")},
                {"huge-quoted", filled("a: '", 'x', YAML_BYTES_MAX - 100, "'\n")},
                {"huge-escapes", repeat("a: \"", "\\u00e4", 500000, "\"\n")},
                {"huge-nuls", repeat("a: \"", "\\0", 500000, "\"\n")},
                {"huge-block", repeat("a: |\n", " line\n", 500000, "")},
                {"huge-folded", repeat("a: >\n", " line\n\n", 500000, "")},
                {"huge-key", filled("", 'k', 2000000, ": v\n")},
                {"huge-comment", filled("#", 'c', YAML_BYTES_MAX - 100, "\n")},
                {"many-comments", repeat("", "#\n", 1000000, "a: b\n")},
                {"huge-indent", filled("a:\n", ' ', 3000000, "b: c\n")},
                {"huge-tabs", filled("a:\n", '\t', 1000000, "b: c\n")},
                {"unclosed-quote", filled("a: '", 'x', 2000000, "")},
                {"unclosed-quotes", repeat("a: \"", "x\n", 500000, "")},
                {"unclosed-list", repeat("a: [", "x, ", 300000, "")},
                {"nul-bytes", filled("a: b\n", '\0', 100000, "")},
                {"bytes-ff", filled("a: b\n", '\xff', 100000, "")},
                {"too-large", filled("a: ", 'x', YAML_BYTES_MAX, "\n")},
                {"many-tags", repeat("", "- !!str x\n", 50000, "")},
                {"many-tag-directives", numbered("%%TAG !a%u! tag:example.com,%u:\n", 20000)},
                {"many-aliases", repeat("", "- *a\n", 50000, "")},
                {"merge-keys", repeat("a: {x: 1}\nb:\n", "  <<: {y: 1}\n", 20000, "")},
                {"carriage-return-blocks", repeat("", "- |\r  b\r", 390000, "")},
                {"line-feed-blocks", repeat("", "- |\n\n\n", 390000, "")},
                {"next-line-blocks", repeat("- a\n", "- |\xc2\x85\n", 390000, "")},
                {"carriage-returns", repeat("", "a\r", 500000, "")},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
                fuzz_emit_string(all[i].name, all[i].text, emit, userdata);
}
