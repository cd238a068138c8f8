/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* AppArmor: patterns in its words, raw text, blobs; and, with apparmor_parser, that its automata match what the patterns
 * mean, that it takes every text of the golden tests, and that its errors are told with their place. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apparmor/aare.h"
#include "apparmor/blob.h"
#include "apparmor/cache.h"
#include "apparmor/children.h"
#include "apparmor/compile.h"
#include "apparmor/features.h"
#include "apparmor/loaded.h"
#include "apparmor/parser.h"
#include "apparmor/prepare.h"
#include "apparmor/raw.h"
#include "attachment.h"
#include "glob-reference.h"
#include "abi.h"

#define OUTPUT_MAX (8U << 20)

static const char *const kernels[] = {"6.1", "6.12"};

static char *features_of(const char *kernel)
{
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "apparmor-features", kernel, NULL);
        char *text = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        return text;
}

static bool has_parser(void)
{
        if (parser_find())
                return true;
        g_test_skip("apparmor_parser is not installed");
        return false;
}

static Parser parser(void)
{
        return (Parser){.path = parser_find(), .seconds_max = 60, .output_max = OUTPUT_MAX};
}

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

static void write_in(const char *dir, const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(dir, name, NULL), *parent = g_path_get_dirname(path);

        g_assert_cmpint(g_mkdir_with_parents(parent, 0755), ==, 0);
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void remove_tree(const char *path)
{
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *child = g_build_filename(path, name, NULL);

                remove_tree(child);
        }
        (void)g_remove(path);
}

static void test_kernel(void)
{
        g_autofree char *top = g_dir_make_tmp("varmor-kernel-XXXXXX", NULL), *text = NULL;
        g_autoptr(GHashTable) all = NULL;

        write_in(top, "p/varmor.a.1/name", "varmor.a\n");
        write_in(top, "p/varmor.a.1/sha256", "11\n");
        write_in(top, "p/varmor.a.1/profiles/g1.2/name", "g1\n");
        write_in(top, "p/varmor.a.1/profiles/g1.2/sha1", "22\n");
        write_in(top, "p/other.3/name", "other\n");
        write_in(top, "f/namespaces/mask", "userns_create\n");
        write_in(top, "f/file/mask", "read write\n");
        write_in(top, "f/io_uring/mask", "sqpoll\n");
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
        remove_tree(top);
}

/* ---- the parser ---------------------------------------------------------------------------------------------------------- */

static void test_parser_bad(void)
{
        g_autofree char *dir = g_dir_make_tmp("varmor-parser-XXXXXX", NULL);
        static const struct {
                const char *name, *script;
                int wanted, status;
        } cases[] = {
                {"fails", "#!/bin/sh\necho no >&2\nexit 3\n", 0, 3},
                {"killed", "#!/bin/sh\nkill -9 $$\n", 0, 137},
                {"hangs", "#!/bin/sh\nexec sleep 1000\n", -ETIMEDOUT, 0},
                {"lingers", "#!/bin/sh\nsleep 1000 &\nexit 0\n", -ETIMEDOUT, 0},
                {"floods", "#!/bin/sh\nexec cat /dev/zero\n", -EFBIG, 0},
                {"not-executable", "garbage", -ENOEXEC, 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *path = g_build_filename(dir, cases[i].name, NULL);
                g_auto(ParserResult) result = {0};
                Parser p = {.path = path, .seconds_max = 1, .output_max = 1U << 20};

                g_assert_true(g_file_set_contents(path, cases[i].script, -1, NULL));
                g_assert_cmpint(chmod(path, 0755), ==, 0);
                g_test_message("%s", cases[i].name);
                g_assert_cmpint(parser_run(&p, "text", "features", &result), ==, cases[i].wanted);
                if (cases[i].wanted == 0)
                        g_assert_cmpint(result.status, ==, cases[i].status);
                (void)g_unlink(path);
        }
        {
                g_auto(ParserResult) result = {0};
                Parser p = {.path = "/nowhere/parser", .seconds_max = 1, .output_max = 1U << 20};

                g_assert_cmpint(parser_run(&p, "text", "features", &result), ==, -ENOENT);
        }
        g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static Policy *policy_with(const char *raw)
{
        Policy *p = policy_new();
        Rule *r = rule_new(OP_TEXT);

        p->name = g_strdup("web");
        p->full_name = g_strdup("web");
        p->mode = MODE_ENHANCE_PROTECT;
        p->privileged = true;
        p->enforcers = 1U << ENFORCER_APPARMOR;
        p->pos = (SourcePos){.file = "web.yaml", .line = 1, .column = 1};
        r->id = g_strdup("appArmorRawRules[0]");
        r->origin = RULE_CUSTOM;
        r->pos = (SourcePos){.file = "web.yaml", .line = 10, .column = 9};
        r->text.enforcer = ENFORCER_APPARMOR;
        r->text.text = g_strdup(raw);
        r->text.pos = (SourcePos){.file = "web.yaml", .line = 11, .column = 11};
        g_ptr_array_add(p->rules, r);
        policy_seal(p);
        return p;
}

static PrepareEnv env_of(const char *top)
{
        return (PrepareEnv){.features = g_intern_string(g_build_filename(top, "features", NULL)), .parser = parser()};
}

static int prepare(const PrepareEnv *env, const char *raw, Diag *d, Profile **ret)
{
        g_autoptr(Policy) policy = policy_with(raw);

        g_assert_cmpint(apparmor_compile(policy, ret, d), ==, 0);
        return prepare_with(env, policy, *ret, d);
}

/* A host that is like this one, but for its kernel. */
static char *fake_host(void)
{
        char *top = g_dir_make_tmp("varmor-host-XXXXXX", NULL);

        write_in(top, "features/file/mask", "create read write exec append mmap_exec link lock\n");
        write_in(top, "features/caps/mask", "chown sys_admin\n");
        write_in(top, "features/policy/versions/v8", "yes\n");
        return top;
}

static void test_prepare(void)
{
        g_autofree char *top = fake_host();
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Profile) profile = NULL, again = NULL;
        g_autoptr(AaBlob) blob = NULL;
        PrepareEnv env = env_of(top);

        if (!has_parser()) {
                remove_tree(top);
                return;
        }
        g_assert_cmpint(prepare(&env, "deny /x w,\n", d, &profile), ==, 0);
        g_assert_cmpuint(d->n_errors, ==, 0);
        g_assert_cmpint(aa_blob_from_bytes(profile->blob, &blob), ==, 0);
        g_assert_cmpuint(g_bytes_get_size(blob->binary), >, 100);
        g_assert_cmpint(prepare(&env, "deny /x w,\n", d, &again), ==, 0);
        g_assert_cmpstr(profile->digest, ==, again->digest);
        remove_tree(top);
}

static void test_prepare_error(void)
{
        g_autofree char *top = fake_host(), *text = NULL;
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Profile) profile = NULL;
        PrepareEnv env = env_of(top);

        if (!has_parser()) {
                remove_tree(top);
                return;
        }
        g_assert_cmpint(prepare(&env, "deny /x w,\n\ndeny capability nonsense,\n", d, &profile), ==, -EBADMSG);
        g_assert_cmpuint(d->n_errors, >=, 1);
        text = diag_message_format(d->messages->pdata[0]);
        g_test_message("%s", text);
        g_assert_true(g_str_has_prefix(text, "web.yaml:13"));
        g_assert_nonnull(strstr(text, "AppArmor's parser refuses this"));
        remove_tree(top);
}

static void test_prepare_without(void)
{
        g_autofree char *top = fake_host();
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Profile) alone = NULL, beside = NULL;
        g_autoptr(Policy) policy = policy_with("deny /x w,");
        PrepareEnv env = env_of(top);

        env.parser.path = NULL;
        g_assert_cmpint(prepare(&env, "deny /x w,", d, &alone), ==, -EOPNOTSUPP);
        g_assert_cmpuint(d->n_errors, ==, 1);

        policy->enforcers |= 1U << ENFORCER_BPF;
        env.features = "/nowhere";
        g_assert_cmpint(apparmor_compile(policy, &beside, d), ==, 0);
        g_assert_cmpint(prepare_with(&env, policy, beside, d), ==, 0);
        g_assert_true(profile_is_empty(beside));
        g_assert_cmpuint(d->n_warnings, ==, 1);
        g_assert_nonnull(strstr(beside->why_not->pdata[0], "without AppArmor"));
        remove_tree(top);
}

/* What the installed parser has no words for yet. */
static void comment_out(char *text)
{
        for (char *p = text; (p = strstr(p, "userns create,"));) {
                while (p > text && p[-1] != '\n')
                        p--;
                *p = '#';
                p += strcspn(p, "\n");
        }
}

static void test_golden(void)
{
        g_autofree char *cases = g_test_build_filename(G_TEST_DIST, "..", "golden", "cases", NULL);
        g_autoptr(GDir) dir = g_dir_open(cases, 0, NULL);
        const char *name;
        unsigned n = 0;

        if (!has_parser())
                return;
        while ((name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(cases, name, "apparmor", NULL), *text = NULL;
                Parser p = parser();

                if (!g_file_get_contents(path, &text, NULL, NULL) || !strstr(text, "\nprofile "))
                        continue;
                comment_out(text);
                for (size_t k = 0; k < G_N_ELEMENTS(kernels); k++) {
                        g_autofree char *features = features_of(kernels[k]);
                        g_auto(ParserResult) result = {0};

                        g_assert_cmpint(parser_run(&p, text, features, &result), ==, 0);
                        if (result.status != 0) {
                                g_test_message("%s on %s: %s", name, kernels[k], result.messages);
                                g_test_fail();
                        }
                        n++;
                }
        }
        g_assert_cmpuint(n, >, 50);
}

#define T "t04abc28a4d19ea79" /* of /bin/t */
#define U "t26bbee2de8b3adae" /* of /bin/u */

/* ---- attachments ------------------------------------------------------------------------------------------------------ */

static GBytes *loaded_from(const char *text)
{
        g_autofree char *features = features_of("6.12");
        g_auto(ParserResult) result = {0};
        Parser p = parser();

        g_assert_cmpint(parser_run(&p, text, features, &result), ==, 0);
        g_assert_cmpint(result.status, ==, 0);
        return g_bytes_ref(result.output);
}

static void test_attachment(void)
{
        static const char text[] = "/usr/bin/path { file, }\n"
                                   "profile one /srv/bin/one { file, /x cx, profile /x { file, } }\n"
                                   "profile two /{usr/,}bin/tw* { file, }\n"
                                   "profile wide /usr/** { file, }\n"
                                   "profile none { file, }\n";
        g_autoptr(GBytes) bytes = NULL;
        g_autoptr(Attachment) one = NULL, two = NULL, wide = NULL;
        g_autoptr(GRand) rand = g_rand_new_with_seed(3);
        gsize size;
        const uint8_t *data;

        if (!has_parser())
                return;
        bytes = loaded_from(text);
        data = g_bytes_get_data(bytes, &size);
        one = attachment_read(data, size, "one");
        two = attachment_read(data, size, "two");
        wide = attachment_read(data, size, "wide");
        g_assert_true(one && two && wide);
        g_assert_null(attachment_read(data, size, "none"));
        g_assert_null(attachment_read(data, size, "/usr/bin/path"));
        g_assert_null(attachment_read(data, size, "nobody"));
        g_assert_true(attachment_matches(one, "/srv/bin/one"));
        g_assert_false(attachment_matches(one, "/srv/bin/one2") || attachment_matches(one, "/srv/bin/on") || attachment_matches(one, ""));
        g_assert_true(attachment_matches(two, "/bin/twice") && attachment_matches(two, "/usr/bin/two"));
        g_assert_false(attachment_matches(two, "/usr/bin/tw/o") || attachment_matches(two, "/sbin/two"));
        g_assert_true(attachment_matches(wide, "/usr/bin/two") && !attachment_matches(wide, "/bin/two"));
        g_assert_cmpuint(attachment_weight(two), >, attachment_weight(wide));
        /* Whatever the bytes are. */
        for (unsigned i = 0; i < 2000; i++) {
                gsize n = i % 2 ? size : (gsize)g_rand_int_range(rand, 0, (gint32)size);
                g_autofree uint8_t *broken = g_memdup2(data, n);
                g_autoptr(Attachment) a = NULL;

                for (int k = 0; n > 0 && k < 20; k++)
                        broken[g_rand_int_range(rand, 0, (gint32)n)] = (uint8_t)g_rand_int(rand);
                a = attachment_read(broken, n, "two");
                if (a)
                        (void)attachment_matches(a, "/usr/bin/two");
        }
}

/* ---- targets ---------------------------------------------------------------------------------------------------------- */

static Rule *file_rule(const char *id, const char *pattern, uint32_t perms, const char *target)
{
        Rule *r = rule_new(OP_FILE);

        r->id = g_strdup(id);
        r->origin = RULE_CUSTOM;
        r->qualifiers = RULE_DENY;
        r->file.patterns = g_new0(char *, 2);
        r->file.patterns[0] = g_strdup(pattern);
        r->file.perms = perms;
        if (target) {
                r->targets = g_new0(char *, 2);
                r->targets[0] = g_strdup(target);
        }
        return r;
}

/* More of them than a profile may have transitions to names, in the parser of AppArmor 3. */
static void test_many_children(void)
{
        g_autofree char *top = fake_host();
        g_autoptr(Policy) p = policy_with("deny /raw w,");
        g_autoptr(Profile) profile = NULL;
        g_autoptr(Diag) d = diag_new();
        PrepareEnv env = env_of(top);

        g_ptr_array_add(p->rules, file_rule("one", "/srv/x", PERM_READ, "/opt/bin/{0,1,2,3,4,5,6,7,8,9,10,11,12,13,14}"));
        g_assert_cmpint(apparmor_compile(p, &profile, d), ==, 0);
        if (has_parser())
                g_assert_cmpint(prepare_with(&env, p, profile, d), ==, 0);
        g_assert_cmpuint(d->n_errors, ==, 0);
        g_assert_true(profile->has_children);
        /* But what differs cannot be told apart for so many. */
        g_clear_pointer(&profile, profile_free);
        for (int i = 0; i < 13; i++) {
                g_autofree char *target = g_strdup_printf("/opt/bin/%d", i);

                g_ptr_array_add(p->rules, file_rule("two", "/srv/y", PERM_READ, target));
        }
        g_assert_cmpint(apparmor_compile(p, &profile, d), ==, -E2BIG);
        g_assert_cmpuint(d->n_errors, ==, 1);
        remove_tree(top);
}

/* A quiet deny would silence the kernel about the same operation for a rule that is to be told of. */
static void test_compile_quiet(void)
{
        g_autoptr(Policy) p = policy_with("deny /raw w,");
        g_autoptr(Profile) profile = NULL;
        g_autoptr(AaBlob) blob = NULL;
        g_autoptr(Diag) d = diag_new();
        Rule *told = file_rule("told", "/srv/x", PERM_READ, NULL), *named = file_rule("named", "/opt/x", PERM_READ, NULL);
        Rule *base = file_rule("base", "/var/x", PERM_READ, NULL);

        told->qualifiers = named->qualifiers = base->qualifiers = RULE_AUDIT | RULE_DENY;
        named->origin = RULE_BUILT_IN;
        base->origin = RULE_BASE;
        g_ptr_array_add(p->rules, told);
        g_ptr_array_add(p->rules, named);
        g_ptr_array_add(p->rules, base);
        g_ptr_array_add(p->rules, file_rule("around-named", "/opt/**", PERM_READ, NULL));
        g_ptr_array_add(p->rules, file_rule("same", "/srv/x", PERM_READ | PERM_WRITE, NULL));
        g_ptr_array_add(p->rules, file_rule("around", "/srv/**", PERM_READ, NULL));
        g_ptr_array_add(p->rules, file_rule("other-perm", "/srv/*", PERM_WRITE, NULL));
        g_ptr_array_add(p->rules, file_rule("beside", "/srv/y", PERM_READ, NULL));
        g_ptr_array_add(p->rules, file_rule("elsewhere", "/var/**", PERM_READ, NULL));
        g_ptr_array_add(p->rules, file_rule("child", "/srv/*", PERM_READ, "/bin/t"));
        g_assert_cmpint(apparmor_compile(p, &profile, d), ==, 0);
        g_assert_cmpint(aa_blob_from_bytes(profile->blob, &blob), ==, 0);
        g_assert_nonnull(strstr(blob->text, "\n  # told\n  audit deny \"/srv/x{,/}\" r,\n"));
        g_assert_nonnull(strstr(blob->text, "\n  # same\n  audit deny \"/srv/x{,/}\" rwl,\n"));
        g_assert_nonnull(strstr(blob->text, "\n  # around\n  audit deny \"/srv"));
        g_assert_nonnull(strstr(blob->text, "\n  # around-named\n  audit deny \"/opt"));
        g_assert_nonnull(strstr(blob->text, "\n  # other-perm\n  deny \"/srv"));
        g_assert_nonnull(strstr(blob->text, "\n  # beside\n  deny \"/srv/y"));
        g_assert_nonnull(strstr(blob->text, "\n  # elsewhere\n  deny \"/var"));
        g_assert_nonnull(strstr(blob->text, "\n  # child\n  deny \"/srv"));
}

/* What the kernel stacks where a process under the policy executes a target, whoever starts it has to stack, too. */
static void test_compile_children(void)
{
        static const char wanted[] = CHILDREN_MAGIC "\0/bin/t\0varmor.web//" T "\0/bin/u\0varmor.web//" U "\0";
        g_autoptr(Policy) p = policy_with("deny /raw w,"), plain = policy_with("deny /raw w,");
        g_autoptr(Profile) profile = NULL, none = NULL;
        g_autoptr(AaBlob) blob = NULL, plain_blob = NULL;
        g_autoptr(Diag) d = diag_new();

        g_ptr_array_add(p->rules, file_rule("one", "/srv/x", PERM_READ, "/bin/{t,u}"));
        g_ptr_array_add(p->rules, file_rule("two", "/srv/y", PERM_READ, "/bin/t"));
        g_assert_cmpint(apparmor_compile(p, &profile, d), ==, 0);
        g_assert_cmpint(aa_blob_from_bytes(profile->blob, &blob), ==, 0);
        g_assert_true(profile->has_children);
        g_assert_cmpmem(g_bytes_get_data(blob->children, NULL), g_bytes_get_size(blob->children), wanted, sizeof(wanted));
        g_assert_nonnull(strstr(blob->text, "\"/bin/t\" cix -> \"&varmor.web//" T "\","));
        g_assert_nonnull(strstr(blob->text, "\n  profile " T " flags="));
        g_assert_cmpuint(d->n_warnings, ==, 0);

        g_assert_cmpint(apparmor_compile(plain, &none, d), ==, 0);
        g_assert_cmpint(aa_blob_from_bytes(none->blob, &plain_blob), ==, 0);
        g_assert_false(none->has_children);
        g_assert_cmpuint(g_bytes_get_size(plain_blob->children), ==, 0);

        p->target.kind = TARGET_CONTAINER;
        g_clear_pointer(&profile, profile_free);
        g_assert_cmpint(apparmor_compile(p, &profile, d), ==, 0);
        g_assert_cmpuint(d->n_warnings, ==, 2);
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
        g_test_add_func("/apparmor/many-children", test_many_children);
        g_test_add_func("/apparmor/attachment", test_attachment);
        g_test_add_func("/apparmor/compile-quiet", test_compile_quiet);
        g_test_add_func("/apparmor/compile-children", test_compile_children);
        g_test_add_func("/apparmor/cache", test_cache);
        g_test_add_func("/apparmor/loaded", test_loaded);
        g_test_add_func("/apparmor/kernel", test_kernel);
        g_test_add_func("/apparmor/parser/bad", test_parser_bad);
        g_test_add_func("/apparmor/prepare/good", test_prepare);
        g_test_add_func("/apparmor/prepare/error", test_prepare_error);
        g_test_add_func("/apparmor/prepare/without", test_prepare_without);
        g_test_add_func("/apparmor/golden", test_golden);
        return g_test_run();
}
