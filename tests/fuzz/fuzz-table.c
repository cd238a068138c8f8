/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes -> table: what table_validate() lets pass can be walked from every start, over any bytes, and stays inside. */

#include <errno.h>
#include <string.h>

#include "automaton.h"
#include "fuzz.h"
#include "table.h"
#include "targets.h"

static void check_walk(const struct va_table *t, uint32_t start, const uint8_t *bytes, size_t n)
{
        TablePlace whole = table_walk(t, (TablePlace){.state = start}, bytes, n);
        TablePlace half = table_walk(t, (TablePlace){.state = start}, bytes, n / 2);

        half = table_walk(t, half, bytes + n / 2, n - n / 2);
        FUZZ_CHECK(half.state == whole.state && half.tail == whole.tail);
        (void)table_reaches(t, whole);
}

static void check_policy_table(const struct va_table *t, const uint8_t *bytes, size_t n)
{
        g_autofree char *path = g_strndup((const char *)bytes, n), *dump = table_dump(t, TABLE_POLICY);

        FUZZ_CHECK(*dump);
        for (uint32_t i = 0; i < VA_KIND_MAX * (t->n_groups + 1); i++) {
                uint32_t k = i % VA_KIND_MAX, g = i / VA_KIND_MAX;
                const struct va_accept *a = table_match(t, k, g, path);

                check_walk(t, t->start[k][g], bytes, n);
                for (unsigned bit = 0; a && bit < 4; bit++)
                        FUZZ_CHECK(!((a->deny | a->log | a->allow) >> bit & 1) || a->rule[bit] < t->n_rules);
        }
        check_walk(t, t->start_exec, bytes, n);
        (void)table_match_exec(t, path);
}

static void check_targets_table(const struct va_table *t, const uint8_t *bytes, size_t n)
{
        g_autofree char *path = g_strndup((const char *)bytes, n), *dump = table_dump(t, TABLE_TARGETS);
        const struct va_cover *c = table_match_cover(t, path);

        FUZZ_CHECK(*dump);
        FUZZ_CHECK(!c || c->n <= VA_COVER_MAX);
        check_walk(t, t->start[VA_KIND_FILE][0], bytes, n);
}

/* The last bytes are the path, their number is in the last one; before them stands the table. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        size_t n = size > 0 ? MIN(data[size - 1], size - 1) : 0, table_size = size > 0 ? size - 1 - n : 0;
        g_autofree struct va_table *t = g_malloc(MAX(table_size, 1));

        if (table_size > 0)
                memcpy(t, data, table_size);
        for (int kind = TABLE_POLICY; kind <= TABLE_TARGETS; kind++) {
                int r = table_validate(t, table_size, (TableKind)kind);

                FUZZ_CHECK(r == 0 || r == -EBADMSG);
                if (r < 0)
                        continue;
                if (kind == TABLE_POLICY)
                        check_policy_table(t, data + table_size, n);
                else
                        check_targets_table(t, data + table_size, n);
        }
        return 0;
}

/* ---- good tables, and such as are nearly good ----------------------------------------------------------------------------- */

static int accept_rules(uint32_t start, const uint32_t *owners, size_t n, AutomatonRecord *ret, void *userdata)
{
        struct va_accept a = {.deny = VA_READ, .rule = {(uint16_t)owners[0]}};

        if (start == 2) {
                ret->words[0] = 1;
                ret->n_words = 1;
                ret->aside = true;
                return 0;
        }
        memcpy(ret->words, &a, sizeof(a));
        ret->n_words = sizeof(a) / 4;
        ret->reach = true;
        return 0;
}

static GByteArray *policy_table(void)
{
        static const SourcePos pos = {.file = "fuzz", .line = 1};
        static const char *const texts[] = {"/etc/shadow", "/srv/**/secret", "*.log", "/proc/[0-9]*/mem", "/srv/a/long/name/of/a/file"};
        AutomatonPattern p[7];
        const AutomatonParams params = {.patterns = p, .n_patterns = G_N_ELEMENTS(p), .n_starts = 3, .accept = accept_rules};
        g_autoptr(Diag) d = diag_new();
        GByteArray *bytes = g_byte_array_new();
        AutomatonResult r;

        for (uint32_t i = 0; i < G_N_ELEMENTS(texts); i++)
                p[i] = (AutomatonPattern){.text = texts[i], .owner = i, .owner_name = "rule", .pos = &pos};
        p[5] = (AutomatonPattern){.text = "/srv/**", .owner = 5, .start = 1, .owner_name = "rule", .pos = &pos};
        p[6] = (AutomatonPattern){.text = "/usr/bin/tool", .owner = 6, .start = 2, .owner_name = "group", .pos = &pos};
        FUZZ_CHECK(automaton_build(&params, &r, d) == 0);
        r.table->n_rules = 7;
        r.table->n_groups = 1;
        r.table->start[VA_KIND_FILE][0] = r.starts[0];
        r.table->start[VA_KIND_FILE][1] = r.starts[1];
        r.table->start_exec = r.starts[2];
        r.table->flags = VA_T_BASE;
        g_byte_array_append(bytes, (const guint8 *)r.table, (guint)table_bytes(r.table->n_words));
        FUZZ_CHECK(table_validate(r.table, bytes->len, TABLE_POLICY) == 0);
        g_free(r.table);
        g_free(r.starts);
        return bytes;
}

static GByteArray *targets_table(void)
{
        char *one[] = {(char *)"/system.slice/web.service{,/**}", NULL}, *two[] = {(char *)"/system.slice/*.service{,/**}", NULL};
        const TargetsEntry entries[] = {{.policy = 0, .patterns = one}, {.policy = 3, .patterns = two}};
        g_autoptr(Diag) d = diag_new();
        g_autoptr(GBytes) table = NULL;
        GByteArray *bytes = g_byte_array_new();

        FUZZ_CHECK(targets_compile(entries, G_N_ELEMENTS(entries), &table, d) == 0);
        g_byte_array_append(bytes, g_bytes_get_data(table, NULL), (guint)g_bytes_get_size(table));
        return bytes;
}

static void mutate(GRand *rand, uint8_t *bytes, size_t size)
{
        for (unsigned n = (unsigned)g_rand_int_range(rand, 1, 4); n > 0; n--) {
                /* Words, since it is words that mean something; most of them small, or near to what stood there. */
                size_t at = (size_t)g_rand_int_range(rand, 0, (gint32)(size / 4)) * 4;
                uint32_t word;

                memcpy(&word, bytes + at, 4);
                switch (g_rand_int_range(rand, 0, 5)) {
                case 0:
                        word = g_rand_int(rand);
                        break;
                case 1:
                        word ^= 1U << g_rand_int_range(rand, 0, 32);
                        break;
                case 2:
                        word += (uint32_t)g_rand_int_range(rand, -2, 3);
                        break;
                case 3:
                        word = (word & ~VA_S_INDEX) | (uint32_t)g_rand_int_range(rand, 0, (gint32)(size / 4));
                        break;
                default:
                        word ^= g_rand_boolean(rand) ? VA_S_FINAL : VA_S_TAIL;
                        break;
                }
                memcpy(bytes + at, &word, 4);
        }
}

static void emit_mutations(const char *name, GByteArray *table, FuzzEmit emit, void *userdata)
{
        static const uint8_t path[] = "/srv/a/long/name/of/a/secret\x1c";
        g_autoptr(GRand) rand = g_rand_new_with_seed(4);
        guint size = table->len;

        g_byte_array_append(table, path, sizeof(path) - 1);
        for (unsigned i = 0; i < 20000; i++) {
                g_autofree uint8_t *copy = g_memdup2(table->data, table->len);

                mutate(rand, copy, size);
                (void)LLVMFuzzerTestOneInput(copy, table->len);
        }
        emit(name, table->data, table->len, userdata);
        g_byte_array_unref(table);
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        emit_mutations("policy-mutated", policy_table(), emit, userdata);
        emit_mutations("targets-mutated", targets_table(), emit, userdata);
}
