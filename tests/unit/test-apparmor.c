/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* AppArmor: patterns in its words, raw text, blobs; and, with apparmor_parser, that its automata match what the patterns
 * mean. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "apparmor-tools.h"
#include "apparmor/aare.h"
#include "apparmor/blob.h"
#include "apparmor/cache.h"
#include "apparmor/children.h"
#include "apparmor/features.h"
#include "apparmor/loaded.h"
#include "apparmor/raw.h"
#include "glob-reference.h"
#include "tree.h"

/* ---- expressions ----------------------------------------------------------------------------------------------------- */

static void test_aare(void)
{
        static const struct {
                const char *pattern, *expressions;
        } cases[] = {
                {"/tmp/a", "\"/tmp/a{,/}\""},
                {"/tmp/*", "\"/tmp/?*{,/}\""},
                {"/tmp/a*", "\"/tmp/a*{,/}\""},
                {"/tmp/**", "\"/tmp{,/,/**}\""},
                {"/tmp/**/33", "\"/tmp/{,**/}33{,/}\""},
                {"/tmp/**/**/33", "\"/tmp/{,**/}33{,/}\""},
                {"/tmp/**33", "\"/tmp/**33{,/}\""},
                {"/tmp**", "\"/tmp**\""},
                {"/**", "\"/{,**}\""},
                {"**", "\"/{,**}\""},
                {"*.log", "\"/{,**/}*.log{,/}\""},
                {"**ping", "\"/{,**/}**ping{,/}\""},
                {"/**/.ssh/**", "\"/{,**/}.ssh{,/,/**}\""},
                {"/{,usr/}bin/sh", "\"/bin/sh{,/}\" \"/usr/bin/sh{,/}\""},
                {"/{,usr}/bin/sh", "\"/bin/sh{,/}\" \"/usr/bin/sh{,/}\""},
                {"/a/[^b-d]?", "\"/a/[^/b-d]?{,/}\""},
                {"/a/[]a]", "\"/a/[\\]a]{,/}\""},
                {"/a b,\"c\\*@{x,y}", NULL},
                {"/a b,\"c\\*", "\"/a\\040b\\054\\042c\\052{,/}\""},
                {"/\303\244", "\"/\\303\\244{,/}\""},
                {"/", "\"/\""},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func(g_free);
                g_autofree char *joined = NULL;
                int r = aare_from_pattern(cases[i].pattern, out);

                if (!cases[i].expressions)
                        continue;
                g_assert_cmpint(r, ==, 0);
                g_ptr_array_add(out, NULL);
                joined = g_strjoinv(" ", (char **)out->pdata);
                g_assert_cmpstr(joined, ==, cases[i].expressions);
        }
}

static void test_exact(void)
{
        g_auto(GStrv) two = aare_exact("/{usr/,}bin/a\\*"), none = aare_exact("/usr/*/x"), relative = aare_exact("x");

        g_assert_cmpstr(two[0], ==, "/usr/bin/a*");
        g_assert_cmpstr(two[1], ==, "/bin/a*");
        g_assert_null(two[2]);
        g_assert_null(none);
        g_assert_null(relative);
}

/* ---- the kernel's automaton ------------------------------------------------------------------------------------------ */

#define TABLE_ACCEPT 1
#define TABLE_BASE 2
#define TABLE_CHECK 3
#define TABLE_DEFAULT 4
#define TABLE_CLASS 5
#define TABLE_NEXT 8
#define TABLE_MAX 10
#define DIFFERENCE 0x80000000U /* security/apparmor/include/match.h, v6.1: MATCH_FLAG_DIFF_ENCODE */
#define FIRST_STATE 1U
#define MAY_READ 4U

typedef struct Dfa {
        const uint8_t *data[TABLE_MAX];
        uint32_t width[TABLE_MAX], length[TABLE_MAX];
} Dfa;

static uint32_t big(const uint8_t *p, unsigned bytes)
{
        uint32_t x = 0;

        for (unsigned i = 0; i < bytes; i++)
                x = x << 8 | p[i];
        return x;
}

static uint32_t at(const Dfa *d, unsigned table, uint32_t i)
{
        g_assert_cmpuint(i, <, d->length[table]);
        return big(d->data[table] + (size_t)i * d->width[table], d->width[table]);
}

/* The last one of a profile is that of files. */
static void find_dfa(GBytes *bytes, Dfa *ret)
{
        gsize size;
        const uint8_t *data = g_bytes_get_data(bytes, &size), *found = NULL, *p, *end;

        for (size_t i = 0; i + 16 < size; i++)
                if (big(data + i, 4) == 0x1B5E783D)
                        found = data + i;
        g_assert_nonnull(found);
        *ret = (Dfa){0};
        end = found + big(found + 8, 4);
        for (p = found + big(found + 4, 4); p < end;) {
                uint32_t id = big(p, 2), width = big(p + 2, 2), length = big(p + 8, 4);

                g_assert_cmpuint(id, <, TABLE_MAX);
                ret->data[id] = p + 12;
                ret->width[id] = width;
                ret->length[id] = length;
                p += (12 + (size_t)width * length + 7) & ~7UL;
        }
}

static uint32_t step(const Dfa *d, uint32_t state, uint8_t byte)
{
        uint32_t c = d->data[TABLE_CLASS] ? at(d, TABLE_CLASS, byte) : byte;

        for (;;) {
                uint32_t base = at(d, TABLE_BASE, state), pos = (base & 0xffffff) + c;

                if (at(d, TABLE_CHECK, pos) == state)
                        return at(d, TABLE_NEXT, pos);
                state = at(d, TABLE_DEFAULT, state);
                if (!(base & DIFFERENCE))
                        return state;
        }
}

static bool dfa_reads(const Dfa *d, const uint8_t *path, size_t n)
{
        uint32_t state = FIRST_STATE;

        for (size_t i = 0; i < n; i++)
                state = step(d, state, path[i]);
        return at(d, TABLE_ACCEPT, state) & MAY_READ;
}

static bool is_path(const GByteArray *p)
{
        if (p->len == 0 || p->data[0] != '/')
                return false;
        for (guint i = 1; i < p->len; i++)
                if (p->data[i] == '/' && p->data[i - 1] == '/')
                        return false;
        return p->len == 1 || p->data[p->len - 1] != '/';
}

static void compare_pattern(GRand *rand, const char *features, const char *pattern, const char *const *paths)
{
        g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GString) text = g_string_new("profile t {\n");
        g_auto(ParserResult) result = {0};
        Parser p = parser();
        Dfa dfa;

        if (aare_from_pattern(pattern, out) < 0)
                return;
        for (guint i = 0; i < out->len; i++)
                g_string_append_printf(text, "  %s r,\n", (char *)out->pdata[i]);
        g_string_append(text, "}\n");
        g_assert_cmpint(parser_run(&p, text->str, features, &result), ==, 0);
        if (result.status != 0)
                g_error("%s\n%s%s", pattern, text->str, result.messages);
        find_dfa(result.output, &dfa);
        for (unsigned i = 0; paths ? paths[i] != NULL : i < 400; i++) {
                g_autoptr(GByteArray) path = paths ? g_byte_array_new() : random_path(rand, pattern);
                bool wanted, got, got_dir;

                if (paths)
                        g_byte_array_append(path, (const guint8 *)paths[i], (guint)strlen(paths[i]));
                /* "/" is the one path with nothing behind its slash: a row of stars is not followed into all its corners. */
                if (!is_path(path) || (!paths && path->len == 1))
                        continue;
                wanted = reference_match(pattern, path->data, path->len);
                got = dfa_reads(&dfa, path->data, path->len);
                if (path->len > 1)
                        g_byte_array_append(path, (const guint8 *)"/", 1);
                got_dir = dfa_reads(&dfa, path->data, path->len);
                if (got != wanted || got_dir != wanted) {
                        g_autofree char *shown = g_strndup((const char *)path->data, path->len), *escaped = g_strescape(shown, NULL);

                        g_test_message("%s on %s: %d, as a directory %d, expected %d\n%s", pattern, escaped, got, got_dir, wanted,
                                       text->str);
                        g_test_fail();
                        return;
                }
        }
}

static void test_matches(void)
{
        static const char *const patterns[] = {
                "/tmp/a", "/tmp/*", "/tmp/a*", "/tmp/**", "/tmp/**/33", "/tmp/**33", "/tmp**", "*.log", "**ping", "/{,usr/}bin/sh",
                "/**", "**", "/a/[^b-d]?", "/a/[]a]", "/lit\\*eral", "/a\\[b", "/x y,z", "/q\"q", "/h#h", "/c\\{d\\}", "/@\\{d\\}",
                "/back\\\\slash", "/caret^", "/[a-]", "/[\\^x]", "/\303\244", "/\xff\x80", "/tab\tnew\nline", "/**/.ssh/**", "/*/b",
                "/d/[^*?]x", "/", NULL,
        };
        static const char *const paths[] = {
                "/", "/tmp", "/tmp/a", "/tmp/ab", "/tmp/a/b", "/tmp/33", "/tmp/a/33", "/tmp/a33", "/tmpa", "/x.log", "/var/log/x.log",
                "/.log", "/bin/ping", "/ping", "/ping/a", "/ping/a/xping", "/bin/sh", "/usr/bin/sh", "/usr/sh", "/a/ax", "/a/bx", "/a/]",
                "/a/a", "/a/b", "/lit*eral", "/literal", "/litxeral", "/a[b", "/x y,z", "/q\"q", "/h#h", "/c{d}", "/cd", "/@{d}",
                "/back\\slash", "/caret^", "/a", "/-", "/^", "/x", "/\303\244", "/\xff\x80", "/tab\tnew\nline", "/root/.ssh", "/.ssh/id",
                "/root/.ssh/id", "/a/b/.ssh/c/d", "/root/.sshx", "/q/b", "/d/*x", "/d/?x", "/d/yx", "/d/x", NULL,
        };
        g_autofree char *features = features_of("6.12");

        for (const char *const *p = patterns; has_parser() && *p; p++)
                compare_pattern(NULL, features, *p, paths);
}

static void test_matches_random(void)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(0x61726d72);
        g_autofree char *features = features_of("6.12");
        unsigned n = g_getenv("VARMOR_TEST_LONG") ? 3000 : 60;

        for (unsigned i = 0; has_parser() && i < n; i++) {
                g_autofree char *pattern = random_pattern(rand);

                compare_pattern(rand, features, pattern, NULL);
        }
}

/* ---- raw text -------------------------------------------------------------------------------------------------------- */

static void test_dispose(void)
{
        static const struct {
                RawDisposition d;
                const char *text, *wanted;
        } cases[] = {
                {RAW_AS_IS, "deny /x w,\n# deny\naudit deny capability,", "deny /x w,\n# deny\naudit deny capability,"},
                {RAW_REPORT, "deny /x w, audit deny /y r,\n  /z r,", "audit deny /x w, audit deny /y r,\n  /z r,"},
                {RAW_OBSERVE, "deny /x w,", "audit      /x w,"},
                {RAW_OBSERVE, "audit deny /x rx,", "audit      /x rix,"},
                {RAW_OBSERVE, "deny x /{a,b} ,", "audit      ix /{a,b} ,"},
                {RAW_OBSERVE, "deny owner \"/a b,{c\" mx,", "audit      owner \"/a b,{c\" mix,"},
                {RAW_OBSERVE, "# it's \"\ndeny mount options=(ro, bind) /a -> /b,\n", "# it's \"\naudit      mount options=(ro, bind) /a -> /b,\n"},
                {RAW_NOTHING, "deny /x w,\n/y r,", "          \n/y r,"},
                {RAW_NOTHING, "audit deny /x w,", "audit      /x w,"},
                {RAW_OBSERVE, "profile c {\n deny /x r,\n}", "profile c {\n audit      /x r,\n}"},
                {RAW_OBSERVE, "/deny r, /x{deny,y} w,", "/deny r, /x{deny,y} w,"},
                {RAW_OBSERVE, "include <abstractions/base>\ndeny /x r,", "include <abstractions/base>\naudit      /x r,"},
                {RAW_OBSERVE, "#include <abstractions/base>\ndeny /x r,", "#include <abstractions/base>\naudit      /x r,"},
                {RAW_OBSERVE, "deny /x r, # why, deny\n/y w,", "audit      /x r, # why, deny\n/y w,"},
                {RAW_OBSERVE, "deny \"/x", "audit      \"/x"},
                {RAW_OBSERVE, "", ""},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *got = raw_dispose(cases[i].text, cases[i].d, NULL);

                g_assert_cmpstr(got, ==, cases[i].wanted);
        }
}

static void test_split(void)
{
        static const struct {
                const char *text;
                int wanted;
                const char *body, *flags;
        } cases[] = {
                {"file,\ncapability,\n", 0, NULL, NULL},
                {"abi <abi/3.0>,\ninclude <tunables/global>\nprofile x /usr/bin/x flags=(attach_disconnected) {\n  file,\n}\n", 1, "\n  file,\n",
                 "attach_disconnected"},
                {"/usr/bin/x {\n  file,\n  profile c { deny /x r, }\n}\n# end\n", 1, "\n  file,\n  profile c { deny /x r, }\n", NULL},
                {"profile \"a b\" (complain) { /{a,b} r, }", 1, " /{a,b} r, ", "complain"},
                {"profile c { file, }\nfile,\n", 0, NULL, NULL},
                {"@{X}=/a\nfile,\n", -EBADMSG, NULL, NULL},
                {"profile x {\n file,\n", -EBADMSG, NULL, NULL},
                {"abi <abi/3.0>,\nprofile x { } profile y { }", -EBADMSG, NULL, NULL},
                {"^hat { }", 0, NULL, NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(RawProfile) p = {0};
                const char *why = NULL;

                g_assert_cmpint(raw_profile_split(cases[i].text, &p, &why), ==, cases[i].wanted);
                g_assert_cmpstr(p.body, ==, cases[i].body);
                g_assert_cmpstr(p.flags, ==, cases[i].flags);
                g_assert_true((cases[i].wanted < 0) == (why != NULL));
        }
}

/* ---- blobs and files --------------------------------------------------------------------------------------------------- */

static void test_blob(void)
{
        g_autoptr(AaBlob) b = aa_blob_new(), back = NULL;
        g_autoptr(GBytes) bytes = NULL;
        static const char children[] = CHILDREN_MAGIC "\0/bin/a\0varmor.x//g1\0"; /* and the NUL behind it */
        const AaLine line = {.line = 3, .kind = AA_LINE_TEXT, .rule = 7};
        g_autofree char *ids = NULL;
        gsize size;
        const uint8_t *data;

        g_free(b->text);
        b->text = g_strdup("profile x { }\n");
        g_array_append_val(b->lines, line);
        aa_blob_add_name(b, NULL, 7, "appArmorRawRules[0]");
        aa_blob_add_name(b, "t0123456789abcdef", 7, "appArmorRawRules[0]");
        aa_blob_add_name(b, "t0123456789abcdef", 8, NULL);
        aa_blob_add_name(b, "t0123456789abcdef", 9, "appArmorRawRules[2]");
        g_bytes_unref(b->children);
        b->children = g_bytes_new(children, sizeof(children));
        g_bytes_unref(b->binary);
        b->binary = g_bytes_new("abc", 3);
        bytes = aa_blob_to_bytes(b);
        g_assert_cmpint(aa_blob_from_bytes(bytes, &back), ==, 0);
        g_assert_cmpstr(back->text, ==, b->text);
        g_assert_cmpuint(back->lines->len, ==, 1);
        g_assert_cmpuint(g_array_index(back->lines, AaLine, 0).rule, ==, 7);
        g_assert_cmpuint(back->names->len, ==, 4);
        ids = aa_blob_raw_ids(back, "t0123456789abcdef");
        g_assert_cmpstr(ids, ==, "appArmorRawRules[0], appArmorRawRules[2]");
        g_assert_cmpstr(aa_blob_child(back, "t0123456789abcdef"), ==, "t0123456789abcdef");
        g_assert_null(aa_blob_child(back, "theirs"));
        g_assert_true(aa_blob_child_has(back, "t0123456789abcdef", 8));
        g_assert_false(aa_blob_child_has(back, "t0123456789abcdef", 1));
        g_assert_cmpuint(g_bytes_get_size(back->binary), ==, 3);
        g_assert_true(g_bytes_equal(back->children, b->children));
        data = g_bytes_get_data(bytes, &size);
        for (gsize n = 0; n < size; n++) {
                g_autoptr(GBytes) part = g_bytes_new(data, n);
                g_autoptr(AaBlob) none = NULL;

                g_assert_cmpint(aa_blob_from_bytes(part, &none), ==, -EBADMSG);
        }
}

static void test_children(void)
{
        static const struct {
                const char *text;
                size_t size;
                bool good;
        } cases[] = {
#define CASE(text, good) {text, sizeof(text), good}
                CASE(CHILDREN_MAGIC "\0", true),
                CASE(CHILDREN_MAGIC "\0/bin/a\0varmor.x//g1\0", true),
                CASE(CHILDREN_MAGIC "\0/bin/a\0varmor.x//g1\0/bin/b\0varmor.x//g1//&varmor.x//g2\0", true),
                CASE(CHILDREN_MAGIC, false),
                CASE(CHILDREN_MAGIC "\0/bin/a\0", false),
                CASE(CHILDREN_MAGIC "\0bin/a\0varmor.x//g1\0", false),
                CASE("varmor-children-2\0", false),
#undef CASE
        };
        static const char more[] = CHILDREN_MAGIC "\0/bin/a\0varmor.x//g1\0\0";

        g_assert_false(children_check(more, sizeof(more)));

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                for (size_t n = 0; n <= cases[i].size; n++) {
                        g_autofree char *exact = g_memdup2(cases[i].text, n); /* for the sanitizer */

                        g_test_message("%zu, %zu bytes", i, n);
                        g_assert_true(children_check(exact, n) == (cases[i].good && n == cases[i].size));
                }
}

static void test_cache(void)
{
        g_autofree char *dir = g_dir_make_tmp("varmor-cache-XXXXXX", NULL), *key = cache_key((const char *const[]){"a", "b"}, 2);
        g_autofree char *other = cache_key((const char *const[]){"ab", ""}, 2), *path = g_build_filename(dir, key, NULL);
        g_autoptr(GBytes) bytes = g_bytes_new("binary", 6), got = NULL;

        g_assert_cmpstr(key, !=, other);
        g_assert_null(cache_get(dir, key, 100));
        cache_put(dir, key, bytes);
        got = cache_get(dir, key, 100);
        g_assert_true(got && g_bytes_equal(got, bytes));
        g_assert_null(cache_get(dir, key, 5));
        g_assert_cmpint(chmod(path, 0666), ==, 0);
        g_assert_null(cache_get(dir, key, 100)); /* somebody else may have written it */
        g_assert_cmpint(chmod(path, 0600), ==, 0);
        g_assert_cmpint(truncate(path, 68), ==, 0);
        g_assert_null(cache_get(dir, key, 100)); /* half of it */
        (void)g_unlink(path);
        for (unsigned i = 0; i < CACHE_FILES_MAX + 5; i++) {
                g_autofree char *k = g_strdup_printf("%u", i);

                cache_put(dir, k, bytes);
        }
        {
                g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
                const char *name;
                unsigned n = 0;

                while ((name = g_dir_read_name(d))) {
                        g_autofree char *file = g_build_filename(dir, name, NULL);

                        n++;
                        (void)g_unlink(file);
                }
                g_assert_cmpuint(n, ==, CACHE_FILES_MAX);
        }
        g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void test_loaded(void)
{
        g_autofree char *top = g_dir_make_tmp("varmor-loaded-XXXXXX", NULL), *dir = g_build_filename(top, "apparmor", NULL);
        g_autofree char *bad = g_build_filename(dir, "bad", NULL);
        Loaded l = {.policy = (char *)"system.slice/web", .profile = (char *)"varmor.system.slice+web", .kernel_sum = (char *)"abcd"};
        g_autoptr(AaBlob) blob = aa_blob_new();
        g_autoptr(GHashTable) all = NULL;
        Loaded *back;

        memset(l.digest, 'd', 64);
        l.blob = blob;
        g_assert_cmpint(loaded_write(dir, &l), ==, 0);
        g_assert_true(g_file_set_contents(bad, "x\ny\nz\n", -1, NULL));
        all = loaded_read_all(dir);
        g_assert_cmpuint(g_hash_table_size(all), ==, 1);
        back = g_hash_table_lookup(all, "varmor.system.slice+web");
        g_assert_nonnull(back);
        g_assert_cmpstr(back->policy, ==, l.policy);
        g_assert_cmpstr(back->digest, ==, l.digest);
        g_assert_cmpstr(back->kernel_sum, ==, "abcd");
        loaded_forget(dir, &l);
        (void)g_unlink(bad);
        g_assert_cmpint(g_rmdir(dir), ==, 0);
        g_assert_cmpint(g_rmdir(top), ==, 0);
}

static void test_kernel(void)
{
        char *top = tree_new();
        g_autofree char *text = NULL;
        g_autoptr(GHashTable) all = NULL;

        tree_write(top, "p/varmor.a.1/name", "varmor.a\n");
        tree_write(top, "p/varmor.a.1/sha256", "11\n");
        tree_write(top, "p/varmor.a.1/profiles/g1.2/name", "g1\n");
        tree_write(top, "p/varmor.a.1/profiles/g1.2/sha1", "22\n");
        tree_write(top, "p/other.3/name", "other\n");
        tree_write(top, "f/namespaces/mask", "userns_create\n");
        tree_write(top, "f/file/mask", "read write\n");
        tree_write(top, "f/io_uring/mask", "sqpoll\n");
        {
                g_autofree char *p = g_build_filename(top, "p", NULL), *f = g_build_filename(top, "f", NULL);

                all = kernel_profiles(p);
                g_assert_cmpuint(g_hash_table_size(all), ==, 3);
                g_assert_cmpstr(g_hash_table_lookup(all, "varmor.a"), ==, "11");
                g_assert_cmpstr(g_hash_table_lookup(all, "varmor.a//g1"), ==, "22");
                g_assert_cmpstr(g_hash_table_lookup(all, "other"), ==, "-");
                g_assert_true(features_have(f, "namespaces/mask", "userns_create"));
                g_assert_false(features_have(f, "namespaces/mask", "userns"));
                g_assert_cmpint(features_read(f, false, &text), ==, 0);
                g_assert_cmpstr(text, ==, "file {mask {read write\n}\n}\nnamespaces {}\n");
                g_clear_pointer(&text, g_free);
                g_assert_cmpint(features_read(f, true, &text), ==, 0);
                g_assert_nonnull(strstr(text, "userns_create"));
                g_clear_pointer(&text, g_free);
                g_assert_cmpint(features_read("/nowhere", true, &text), ==, -ENOENT);
        }
        tree_free(top);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/apparmor/aare", test_aare);
        g_test_add_func("/apparmor/exact", test_exact);
        g_test_add_func("/apparmor/matches", test_matches);
        g_test_add_func("/apparmor/matches-random", test_matches_random);
        g_test_add_func("/apparmor/raw/dispose", test_dispose);
        g_test_add_func("/apparmor/raw/split", test_split);
        g_test_add_func("/apparmor/blob", test_blob);
        g_test_add_func("/apparmor/children", test_children);
        g_test_add_func("/apparmor/cache", test_cache);
        g_test_add_func("/apparmor/loaded", test_loaded);
        g_test_add_func("/apparmor/kernel", test_kernel);
        return g_test_run();
}
