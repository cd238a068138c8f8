/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Yaml: positions, what is refused, limits, merging. */

#include <errno.h>
#include <string.h>

#include "yaml-tree.h"

typedef struct Parsed {
        GPtrArray *documents;
        Diag *diag;
        bool complete;
        int r;
} Parsed;

static void parsed_done(Parsed *p)
{
        g_ptr_array_unref(p->documents);
        diag_free(p->diag);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parsed, parsed_done)

static Parsed parse_bytes(const char *text, size_t size)
{
        Parsed p = {.diag = diag_new()};

        p.r = yaml_parse(text, size, "x.yaml", &p.documents, &p.complete, p.diag);
        return p;
}

static Parsed parse(const char *text)
{
        return parse_bytes(text, strlen(text));
}

static void assert_pos(const SourcePos *p, uint32_t line, uint32_t column)
{
        g_assert_cmpstr(p->file, ==, "x.yaml");
        g_assert_cmpuint(p->line, ==, line);
        g_assert_cmpuint(p->column, ==, column);
}

static void test_positions(void)
{
        g_auto(Parsed) p = parse("a: 1\nb:\n  - x\n  - {c: \"q\"}\n---\nd: |\n  text\n");
        const YamlNode *root, *list, *inner;
        const YamlPair *pair;

        g_assert_cmpint(p.r, ==, 0);
        g_assert_true(p.complete);
        g_assert_cmpuint(p.documents->len, ==, 2);
        root = p.documents->pdata[0];
        assert_pos(&root->pos, 1, 1);
        assert_pos(&yaml_get(root, "a")->pos, 1, 4);
        g_assert_cmpstr(yaml_get(root, "a")->scalar, ==, "1");
        pair = root->pairs->pdata[1];
        assert_pos(&pair->pos, 2, 1);
        list = pair->value;
        g_assert_cmpint(list->type, ==, YAML_SEQUENCE);
        assert_pos(&((YamlNode *)list->items->pdata[0])->pos, 3, 5);
        inner = yaml_get(list->items->pdata[1], "c");
        assert_pos(&inner->pos, 4, 9);
        g_assert_true(inner->quoted);
        g_assert_false(((YamlNode *)list->items->pdata[0])->quoted);
        inner = yaml_get(p.documents->pdata[1], "d");
        g_assert_true(inner->block && inner->quoted);
        g_assert_cmpstr(inner->scalar, ==, "text\n");
        assert_pos(&inner->pos, 6, 4);
        g_assert_null(yaml_get(root, "e"));
}

/* Text inside text: positions are the file's. */
static void test_within(void)
{
        g_auto(Parsed) p = parse("a: b\nprofile: |\n    one: [x,\n     y]\n    two: 2\nquoted: '{c: d}'\n");
        g_autoptr(GPtrArray) block = NULL, quoted = NULL;
        const YamlNode *root = p.documents->pdata[0], *list;

        g_assert_cmpint(p.r, ==, 0);
        g_assert_cmpint(yaml_parse_within(yaml_get(root, "profile"), &block, p.diag), ==, 0);
        list = yaml_get(block->pdata[0], "one");
        assert_pos(&((YamlNode *)list->items->pdata[0])->pos, 3, 11);
        assert_pos(&((YamlNode *)list->items->pdata[1])->pos, 4, 6);
        assert_pos(&yaml_get(block->pdata[0], "two")->pos, 5, 10);
        g_assert_cmpint(yaml_parse_within(yaml_get(root, "quoted"), &quoted, p.diag), ==, 0);
        assert_pos(&yaml_get(quoted->pdata[0], "c")->pos, 6, 14);
}

static void test_refused(void)
{
        static const struct {
                const char *text, *code;
                uint32_t line, column;
        } all[] = {
                {"a: &x b", "anchor", 1, 4},
                {"&x a: b", "anchor", 1, 1},
                {"- *x", "alias", 1, 3},
                {"a: !!str b", "tag", 1, 4},
                {"a: !own b", "tag", 1, 4},
                {"%TAG ! tag:x,2000:\n--- a", "tag", 1, 1},
                {"a: 1\nb: 2\na: 3", "duplicate-key", 3, 1},
                {"a: 1\n'a': 3", "duplicate-key", 2, 1},
                {"? [x]\n: y", "bad-key", 1, 3},
                {"{x: y}: z", "bad-key", 1, 1},
                {"a: \"x\\0y\"", "nul", 1, 4},
                {"a: \xff\xff", "encoding", 1, 4},
                {"a: \"unclosed", "syntax", 1, 13},
                {"a: [b\nc: d", "syntax", 2, 2},
                {"a:\n\tb: c", "syntax", 2, 1},
                {"a: b: c", "syntax", 1, 5},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
                g_auto(Parsed) p = parse(all[i].text);
                g_autofree char *shown = g_strescape(all[i].text, NULL);
                const DiagMessage *m;

                g_test_message("%s", shown);
                g_assert_cmpint(p.r, ==, -EBADMSG);
                g_assert_cmpuint(p.diag->messages->len, >=, 1);
                m = p.diag->messages->pdata[0];
                g_assert_cmpstr(m->code, ==, all[i].code);
                assert_pos(&m->pos, all[i].line, all[i].column);
        }
}

/* What is wrong inside a document does not hide what is wrong later; what is wrong with the text itself does. */
static void test_goes_on(void)
{
        g_auto(Parsed) p = parse("a: &x 1\nb: *x\nc: !t 2\n---\nd: 1\nd: 2\n"), q = parse("a: 1\n---\nb: [\n---\nc: 1\n");

        g_assert_cmpuint(p.diag->n_errors, ==, 4);
        g_assert_true(p.complete);
        g_assert_cmpuint(p.documents->len, ==, 2);
        g_assert_cmpint(q.r, ==, -EBADMSG);
        g_assert_false(q.complete);
        g_assert_cmpuint(q.documents->len, ==, 1);
}

static char *repeat(const char *s, unsigned n)
{
        GString *all = g_string_new(NULL);

        for (unsigned i = 0; i < n; i++)
                g_string_append(all, s);
        return g_string_free(all, FALSE);
}

static void assert_limit(const char *text, const char *code)
{
        g_auto(Parsed) p = parse(text);
        const DiagMessage *m;

        g_assert_cmpint(p.r, ==, -EBADMSG);
        g_assert_cmpuint(p.diag->n_errors, ==, 1);
        m = p.diag->messages->pdata[0];
        g_assert_cmpstr(m->code, ==, code);
}

static void test_limits(void)
{
        g_autofree char *open = repeat("[", YAML_DEPTH_MAX), *close = repeat("]", YAML_DEPTH_MAX);
        g_autofree char *deepest = g_strconcat(open, close, NULL), *deeper = g_strconcat("[", deepest, "]", NULL);
        g_autofree char *values = repeat("- \n", YAML_NODES_MAX), *documents = repeat("---\n", YAML_DOCUMENTS_MAX + 1);
        g_autofree char *large = g_malloc(YAML_BYTES_MAX + 2);
        g_autoptr(GString) keys = g_string_new(NULL);
        g_auto(Parsed) fits = parse(deepest);

        g_assert_cmpint(fits.r, ==, 0);
        assert_limit(deeper, "too-deep");
        assert_limit(values, "too-large");
        assert_limit(documents, "too-large");
        for (unsigned i = 0; i <= YAML_PAIRS_MAX; i++)
                g_string_append_printf(keys, "k%u: v\n", i);
        assert_limit(keys->str, "too-large");
        memset(large, '#', YAML_BYTES_MAX + 1);
        large[YAML_BYTES_MAX + 1] = '\0';
        assert_limit(large, "too-large");
        large[YAML_BYTES_MAX] = '\0';
        {
                g_auto(Parsed) largest = parse(large);

                g_assert_cmpint(largest.r, ==, 0);
        }
}

static void test_null(void)
{
        g_auto(Parsed) p = parse("[~, null, Null, NULL, '', 'null', \"~\", no, 0, [], {}]");
        const YamlNode *list = p.documents->pdata[0];
        g_auto(Parsed) nothing = parse("# nothing\n--- ~\n---\n...\n");

        g_assert_cmpint(p.r, ==, 0);
        for (guint i = 0; i < list->items->len; i++)
                g_assert_cmpint(yaml_is_null(list->items->pdata[i]), ==, i < 4);
        g_assert_true(yaml_is_null(NULL));
        g_assert_cmpint(nothing.r, ==, 0);
        g_assert_cmpuint(nothing.documents->len, ==, 0);
        g_assert_true(nothing.complete);
}

static void test_describe(void)
{
        g_auto(Parsed) p = parse("[abc, ~, [x], {y: z}, "
                                 "äääääääääääääääääääääääääääääääääääääääääääääääääääääää]");
        const YamlNode *list = p.documents->pdata[0];
        static const char *const expected[] = {"'abc'", "nothing", "a list", "a mapping"};
        g_autofree char *cut = yaml_describe(list->items->pdata[4]);

        for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
                g_autofree char *what = yaml_describe(list->items->pdata[i]);

                g_assert_cmpstr(what, ==, expected[i]);
        }
        g_assert_true(g_utf8_validate(cut, -1, NULL));
        g_assert_true(g_str_has_suffix(cut, "...'"));
}

static void test_merge(void)
{
        g_auto(Parsed) p = parse("{s: 1, m: {a: 1, b: 2}, l: [x], gone: 1, emptied: [y], kept: 5}\n---\n"
                                 "{s: 2, m: {b: 3, c: 4}, l: [z], gone: ~, emptied: [], new: 6}\n");
        YamlNode *base = g_ptr_array_steal_index(p.documents, 0), *over = g_ptr_array_steal_index(p.documents, 0);
        g_autoptr(YamlNode) m = yaml_merge(base, over), copy = yaml_node_dup(m);

        for (unsigned i = 0; i < 2; i++) {
                const YamlNode *n = i == 0 ? m : copy;

                g_assert_cmpstr(yaml_get(n, "s")->scalar, ==, "2");
                assert_pos(&yaml_get(n, "s")->pos, 3, 5);
                g_assert_cmpstr(yaml_get(yaml_get(n, "m"), "a")->scalar, ==, "1");
                g_assert_cmpstr(yaml_get(yaml_get(n, "m"), "b")->scalar, ==, "3");
                g_assert_cmpstr(yaml_get(yaml_get(n, "m"), "c")->scalar, ==, "4");
                g_assert_cmpuint(yaml_get(n, "l")->items->len, ==, 2);
                g_assert_cmpuint(yaml_get(n, "emptied")->items->len, ==, 0);
                g_assert_true(yaml_is_null(yaml_get(n, "gone")));
                g_assert_cmpstr(yaml_get(n, "kept")->scalar, ==, "5");
                g_assert_cmpstr(yaml_get(n, "new")->scalar, ==, "6");
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/yaml/positions", test_positions);
        g_test_add_func("/yaml/within", test_within);
        g_test_add_func("/yaml/refused", test_refused);
        g_test_add_func("/yaml/goes-on", test_goes_on);
        g_test_add_func("/yaml/limits", test_limits);
        g_test_add_func("/yaml/null", test_null);
        g_test_add_func("/yaml/describe", test_describe);
        g_test_add_func("/yaml/merge", test_merge);
        return g_test_run();
}
