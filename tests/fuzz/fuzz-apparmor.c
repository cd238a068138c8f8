/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* AppArmor's language as somebody wrote it, the blobs of profiles, and what others have loaded into the kernel: whatever comes, lines
 * stay where they are, and what is taken can be told again. */

#include <errno.h>
#include <string.h>

#include "apparmor/blob.h"
#include "apparmor/children.h"
#include "apparmor/raw.h"
#include "attachment.h"
#include "fuzz.h"

static unsigned lines_of(const char *s)
{
        unsigned n = 0;

        for (; *s; s++)
                n += *s == '\n';
        return n;
}

static void check_dispositions(const char *text)
{
        for (RawDisposition d = RAW_AS_IS; d <= RAW_NOTHING; d++) {
                bool includes = false, again = false;
                g_autofree char *once = raw_dispose(text, d, &includes), *twice = raw_dispose(once, RAW_AS_IS, &again);

                FUZZ_CHECK(lines_of(once) == lines_of(text));
                FUZZ_CHECK(strcmp(once, twice) == 0);
                FUZZ_CHECK(d != RAW_AS_IS || strcmp(once, text) == 0);
        }
}

static void check_split(const char *text)
{
        g_auto(RawProfile) p = {0};
        const char *why = NULL;
        int r = raw_profile_split(text, &p, &why);

        FUZZ_CHECK(r == 0 || r == 1 || (r == -EBADMSG && why));
        if (r == 1) {
                FUZZ_CHECK(p.preamble && p.header && p.body);
                FUZZ_CHECK(lines_of(p.body) <= lines_of(text));
        }
}

static void check_blob(const uint8_t *data, size_t size)
{
        g_autoptr(GBytes) bytes = g_bytes_new(data, size), told = NULL, once_more = NULL;
        g_autoptr(AaBlob) blob = NULL, again = NULL;
        int r = aa_blob_from_bytes(bytes, &blob);

        FUZZ_CHECK(r == 0 || r == -EBADMSG);
        if (r < 0)
                return;
        FUZZ_CHECK(blob->text && blob->lines && blob->names);
        told = aa_blob_to_bytes(blob);
        FUZZ_CHECK(aa_blob_from_bytes(told, &again) == 0);
        once_more = aa_blob_to_bytes(again);
        FUZZ_CHECK(g_bytes_equal(told, once_more));
}

static void check_attachment(const uint8_t *data, size_t size)
{
        static const char *const profiles[] = {"att", "att2"}, *const paths[] = {"/srv/kids/bin/att", "/usr/bin/x", ""};

        for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
                g_autoptr(Attachment) a = attachment_read(data, size, profiles[i]);

                for (size_t k = 0; a && k < G_N_ELEMENTS(paths); k++)
                        (void)attachment_matches(a, paths[k]);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = g_strndup((const char *)data, size);

        check_dispositions(text);
        check_split(text);
        (void)raw_has_variables(text);
        check_blob(data, size);
        check_attachment(data, size);
        return 0;
}

static GBytes *sample_blob(void)
{
        g_autoptr(AaBlob) b = aa_blob_new();
        static const char children[] = CHILDREN_MAGIC "\0/bin/a\0varmor.web//g1\0";
        const AaLine line = {.line = 1, .kind = AA_LINE_RULE, .rule = 0}, ours = {.line = 2, .kind = AA_LINE_OURS, .rule = AA_NO_RULE};

        g_free(b->text);
        b->text = g_strdup("profile varmor.web {\n  file,\n}\n");
        g_array_append_val(b->lines, line);
        g_array_append_val(b->lines, ours);
        aa_blob_add_name(b, NULL, 1, "appArmorRawRules[0]");
        g_bytes_unref(b->children);
        b->children = g_bytes_new(children, sizeof(children));
        return aa_blob_to_bytes(b);
}

/* Bits of the language in any order, and a blob with bytes changed. */
void fuzz_generate(FuzzEmit emit, void *userdata)
{
        static const char *const words[] = {"deny ", "audit ", "allow ", "owner ", "profile x ", "{", "}", ",", "\n", "#", "\"", "\\",
                                            "include <abstractions/base>", "include if exists \"x\"", "/etc/** ", "r", "px -> y", "@{PROC}",
                                            "flags=(complain,attach_disconnected) ", "hat h ", "if ", "else ", "capability ", "\t", " ",
                                            "dbus (send) bus=system ", "\r\n", "\xc3\xa9"};
        g_autoptr(GRand) rand = g_rand_new_with_seed(11);
        g_autoptr(GBytes) blob = sample_blob();
        GString *s = g_string_new(NULL);
        gsize size;
        const uint8_t *data = g_bytes_get_data(blob, &size);

        (void)LLVMFuzzerTestOneInput(data, size);
        for (unsigned i = 0; i < 4000; i++) {
                g_autofree uint8_t *copy = g_memdup2(data, size);

                g_string_truncate(s, 0);
                for (int n = g_rand_int_range(rand, 1, 40); n > 0; n--)
                        g_string_append(s, words[g_rand_int_range(rand, 0, G_N_ELEMENTS(words))]);
                (void)LLVMFuzzerTestOneInput((const uint8_t *)s->str, s->len);
                for (int n = g_rand_int_range(rand, 1, 4); n > 0; n--)
                        copy[g_rand_int_range(rand, 0, (gint32)size)] = (uint8_t)g_rand_int(rand);
                check_blob(copy, (size_t)g_rand_int_range(rand, 0, (gint32)size + 1));
        }
        fuzz_emit_string("random", s, emit, userdata);
}
