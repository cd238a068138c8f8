/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Table: what table_validate() refuses. Each case spoils one word of a small table that is good. How walks agree with the
 * reference is in test-automaton and test-matcher. */

#include <errno.h>
#include <string.h>

#include "table.h"
#include "targets.h"

/* A row for two classes ('a' and all others) and its sink, a tail that falls, then two accept records. Words by name: */
enum {
        SINK = 1,
        ROW = 3,
        TAIL = 6,
        RECORDS = 6 + VA_TAIL_ROOM,
        N_WORDS = RECORDS + 6,
};


static struct va_table *new_table(void)
{
        struct va_table *t = g_malloc0(table_bytes(N_WORDS));
        struct va_accept a = {.deny = VA_READ, .rule = {0}}, b = {.deny = VA_WRITE, .log = VA_WRITE, .rule = {0, 1}};

        t->n_words = N_WORDS;
        t->n_classes = 2;
        t->n_rules = 2;
        t->class_of['a'] = 1;
        t->accept_first = RECORDS;
        t->accept_n = 2;
        t->start[VA_KIND_FILE][0] = ROW;
        t->tab[SINK - 1] = RECORDS | VA_A_REACH;
        t->tab[ROW - 1] = VA_A_REACH;
        t->tab[ROW] = 0;
        t->tab[ROW + 1] = TAIL | VA_S_TAIL;
        t->tab[TAIL - 1] = (RECORDS + 3) | VA_A_REACH;
        t->tab[TAIL] = 2 | VA_TAIL_FALL | VA_A_REACH;
        t->tab[TAIL + 1] = SINK | VA_S_FINAL;
        memcpy(&t->tab[TAIL + 2], "bc", 2);
        t->tab[TAIL + 3] = 0; /* instead of 'b' */
        t->tab[TAIL + 4] = ROW; /* instead of 'c' */
        memcpy(&t->tab[RECORDS], &a, sizeof(a));
        memcpy(&t->tab[RECORDS + 3], &b, sizeof(b));
        return t;
}

static void test_good(void)
{
        g_autofree struct va_table *t = new_table();

        g_assert_cmpint(table_validate(t, table_bytes(N_WORDS), TABLE_POLICY), ==, 0);
        g_assert_cmpuint(table_match(t, VA_KIND_FILE, 0, "a")->deny, ==, VA_WRITE);
        g_assert_null(table_match(t, VA_KIND_FILE, 0, "ab"));
        g_assert_cmpuint(table_match(t, VA_KIND_FILE, 0, "abc")->deny, ==, VA_READ);
        g_assert_cmpuint(table_match(t, VA_KIND_FILE, 0, "abcd")->deny, ==, VA_READ);
        g_assert_null(table_match(t, VA_KIND_FILE, 0, "b"));
        g_assert_null(table_match(t, VA_KIND_FILE, 0, "ac"));
        g_assert_cmpuint(table_match(t, VA_KIND_FILE, 0, "aba")->deny, ==, VA_WRITE);
        g_assert_cmpuint(table_match(t, VA_KIND_FILE, 0, "ababc")->deny, ==, VA_READ);
        g_assert_null(table_match(t, VA_KIND_FILE, 0, "abx"));
        g_assert_null(table_match(t, VA_KIND_FILE, 0, ""));
        g_assert_true(table_reaches(t, table_walk(t, (TablePlace){.state = ROW}, "ab", 2)));
        g_assert_false(table_reaches(t, table_walk(t, (TablePlace){.state = ROW}, "ax", 2)));
}

static void test_size(void)
{
        g_autofree struct va_table *t = new_table();
        size_t size = table_bytes(N_WORDS);

        for (size_t n = 0; n < size; n++) {
                g_autofree void *cut = g_memdup2(t, n);

                g_assert_cmpint(table_validate(cut, n, TABLE_POLICY), ==, -EBADMSG);
        }
        t->n_words--;
        g_assert_cmpint(table_validate(t, size, TABLE_POLICY), ==, -EBADMSG);
        t->n_words = UINT32_MAX;
        g_assert_cmpint(table_validate(t, size, TABLE_POLICY), ==, -EBADMSG);
        t->n_words = VA_TAB_BIG + 1;
        g_assert_cmpint(table_validate(t, table_bytes(VA_TAB_BIG + 1), TABLE_POLICY), ==, -EBADMSG);
}

static void test_words(void)
{
        static const struct {
                const char *what;
                uint32_t at, word;
        } all[] = {
                {"a row beyond the end", ROW + 1, N_WORDS},
                {"a row whose classes are beyond the end", ROW + 1, N_WORDS - 1},
                {"an index far beyond the end", ROW + 1, VA_S_INDEX},
                {"index 0", ROW + 1, VA_S_TAIL},
                {"flags that are none", ROW + 1, TAIL | 0x10000000U},
                {"a tail that is a sink", ROW + 1, TAIL | VA_S_TAIL | VA_S_FINAL},
                {"a tail without room", ROW + 1, (N_WORDS - VA_TAIL_ROOM + 1) | VA_S_TAIL},
                {"a tail of no bytes", TAIL, 0},
                {"a tail that is too long", TAIL, VA_TAIL_MAX + 1},
                {"a tail with flags that are none", TAIL, 2 | 0x200},
                {"a tail that falls into a tail", TAIL + 4, TAIL | VA_S_TAIL},
                {"a tail that falls beyond the end", TAIL + 4, N_WORDS + 1},
                {"after a tail beyond the end", TAIL + 1, N_WORDS + 1},
                {"a record beyond the end", SINK - 1, N_WORDS},
                {"a record that is half beyond the end", SINK - 1, N_WORDS - 2},
                {"a record before the first", SINK - 1, RECORDS - 3},
                {"a record between two", SINK - 1, RECORDS + 1},
                {"a record with flags", SINK - 1, RECORDS | 0x10000000U},
                {"bits that are no access", RECORDS, 0x10},
                {"a rule that is not there", RECORDS + 1, 7U << 16 | 7},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
                g_autofree struct va_table *t = new_table();

                g_test_message("%s", all[i].what);
                t->tab[all[i].at] = all[i].word;
                g_assert_cmpint(table_validate(t, table_bytes(N_WORDS), TABLE_POLICY), ==, -EBADMSG);
        }
}

static void test_header(void)
{
        for (unsigned i = 0; i < 10; i++) {
                g_autofree struct va_table *t = new_table();

                switch (i) {
                case 0:
                        t->n_classes = 0;
                        break;
                case 1:
                        t->n_classes = VA_CLASSES_MAX + 1;
                        break;
                case 2:
                        t->class_of[255] = 2;
                        break;
                case 3:
                        t->n_groups = VA_GROUPS_MAX + 1;
                        break;
                case 4:
                        t->start[VA_KIND_FILE][1] = ROW; /* of no group */
                        break;
                case 5:
                        t->flags = 0x80;
                        break;
                case 6:
                        t->default_deny = 1; /* of a kind that is not in kinds */
                        break;
                case 7:
                        t->accept_first = N_WORDS + 1;
                        break;
                case 8:
                        t->accept_n = 3;
                        break;
                default:
                        t->start_exec = N_WORDS + 1;
                        break;
                }
                g_test_message("%u", i);
                g_assert_cmpint(table_validate(t, table_bytes(N_WORDS), TABLE_POLICY), ==, -EBADMSG);
        }
}

static void test_targets(void)
{
        char *patterns[] = {(char *)"/system.slice/web.service{,/**}", NULL};
        const TargetsEntry e = {.policy = 3, .patterns = patterns};
        g_autoptr(GBytes) bytes = NULL;
        g_autoptr(Diag) d = diag_new();
        g_autofree struct va_table *t = NULL;
        struct va_cover *c;
        gsize size;

        g_assert_cmpint(targets_compile(&e, 1, &bytes, d), ==, 0);
        size = g_bytes_get_size(bytes);
        t = g_memdup2(g_bytes_get_data(bytes, NULL), size);
        g_assert_cmpint(table_validate(t, size, TABLE_TARGETS), ==, 0);
        g_assert_cmpuint(table_match_cover(t, "/system.slice/web.service/x")->slot[0], ==, 3);
        g_assert_null(table_match_cover(t, "/system.slice/web.servic"));
        /* One kind is not the other: the records differ in size. */
        g_assert_cmpint(table_validate(t, size, TABLE_POLICY), ==, -EBADMSG);

        c = (struct va_cover *)&t->tab[t->accept_first];
        c->n = VA_COVER_MAX + 1;
        g_assert_cmpint(table_validate(t, size, TABLE_TARGETS), ==, -EBADMSG);
        c->n = 2;
        c->slot[1] = 3; /* twice, or not in order */
        g_assert_cmpint(table_validate(t, size, TABLE_TARGETS), ==, -EBADMSG);
        c->slot[1] = 4;
        g_assert_cmpint(table_validate(t, size, TABLE_TARGETS), ==, 0);
}

/* States may point at each other in a ring; validation ends all the same, and so does a walk. */
static void test_ring(void)
{
        g_autofree struct va_table *t = new_table();
        g_autofree char *path = g_strnfill(100000, 'a');

        t->tab[ROW] = ROW;
        t->tab[ROW + 1] = ROW;
        g_assert_cmpint(table_validate(t, table_bytes(N_WORDS), TABLE_POLICY), ==, 0);
        g_assert_null(table_match(t, VA_KIND_FILE, 0, path));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/table/good", test_good);
        g_test_add_func("/table/size", test_size);
        g_test_add_func("/table/words", test_words);
        g_test_add_func("/table/header", test_header);
        g_test_add_func("/table/targets", test_targets);
        g_test_add_func("/table/ring", test_ring);
        return g_test_run();
}
