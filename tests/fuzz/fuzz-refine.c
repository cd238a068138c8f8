/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Alarms of whatever texts: what is made of them is a fragment that reads as it was written, and what is shown has nothing in it that
 * moves a cursor. The input is entries with an empty line between them, of lines FIELD=VALUE, in which 0x1f stands for a newline. And
 * the same bytes as an earlier fragment. */

#include <string.h>

#include "fuzz.h"
#include "refine.h"

static const void *get_field(void *userdata, const char *field, size_t *ret_size)
{
        char **lines = userdata;
        size_t n = strlen(field);

        for (; *lines; lines++)
                if (strncmp(*lines, field, n) == 0 && (*lines)[n] == '=') {
                        *ret_size = strlen(*lines + n + 1);
                        return *lines + n + 1;
                }
        return NULL;
}

static void check_shown(const char *text)
{
        FUZZ_CHECK(g_utf8_validate(text, -1, NULL));
        for (const char *p = text; *p; p++)
                FUZZ_CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static char *written(Refine *r)
{
        refine_finish(r);
        for (guint i = 0; i < r->rules->len; i++) {
                RefineRule *rule = r->rules->pdata[i];
                g_autofree char *evidence = refine_evidence(rule);

                rule->accepted = !rule->before;
                check_shown(rule->text);
                check_shown(evidence);
        }
        for (guint i = 0; i < r->suggestions->len; i++)
                check_shown(((RefineSuggestion *)r->suggestions->pdata[i])->text);
        return refine_fragment(r, "web", "system.slice");
}

/* @text, read and written once more, stays as it is. */
static void check_again(const char *text)
{
        g_autoptr(Refine) r = refine_new(NULL);
        g_autoptr(Diag) d = diag_new();
        g_autofree char *again = NULL;
        int e = refine_parse(r, text, strlen(text), "50-refine.yaml", d);

        /* More than a file may have of anything: then it is refused as a whole, and nothing is lost. */
        if (e < 0 && strlen(text) > (1U << 20))
                return;
        FUZZ_CHECK(e == 0);
        again = written(r);
        FUZZ_CHECK(strcmp(again, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *copy = g_strndup((const char *)data, size), *text = NULL, *merged = NULL;
        g_auto(GStrv) entries = g_strsplit(copy, "\n\n", -1);
        g_autoptr(Refine) r = refine_new(NULL), earlier = refine_new(NULL);
        g_autoptr(Diag) d = diag_new();

        for (char **e = entries; *e; e++) {
                g_auto(GStrv) lines = g_strsplit(*e, "\n", -1);
                g_auto(RefineAlarm) a = {};

                for (char **l = lines; *l; l++)
                        (void)g_strdelimit(*l, "\x1f", '\n');
                if (refine_alarm_read(get_field, lines, 1, &a) == 0)
                        refine_add(r, &a);
        }
        text = written(r);
        check_again(text);
        if (refine_parse(earlier, copy, strlen(copy), "50-refine.yaml", d) == 0) {
                merged = written(earlier);
                check_again(merged);
        }
        return 0;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        GString *s = g_string_new(NULL);

        for (unsigned i = 0; i < REFINE_RULES_MAX + 10; i++)
                g_string_append_printf(s, "VARMOR_MODE=DefenseInDepth\nVARMOR_ACTION=DENIED\nVARMOR_REASON=default\nVARMOR_ENFORCER=BPF\n"
                                          "VARMOR_OPERATION=open\nVARMOR_REQUESTED=read\nVARMOR_OBJECT=/srv/%u\n\n", i);
        fuzz_emit_string("many-files", s, emit, userdata);
        s = g_string_new("VARMOR_MODE=DefenseInDepth\nVARMOR_ACTION=DENIED\nVARMOR_REASON=default\nVARMOR_ENFORCER=AppArmor BPF\n"
                         "VARMOR_OPERATION=open\nVARMOR_REQUESTED=read\nVARMOR_OBJECT=/");
        for (unsigned i = 0; i < 2000; i++)
                g_string_append(s, "{,*");
        fuzz_emit_string("long-path", s, emit, userdata);
}
