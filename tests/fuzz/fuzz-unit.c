/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A unit, and what comes after a line "%%%" as a drop-in of it: whatever it is, the drop-in that is written for it is read to its
 * end, has a command for each that was there, and each of them begins with the helper and ends as it did. */

#include <errno.h>
#include <string.h>

#include "command.h"
#include "dropin.h"
#include "fuzz.h"
#include "unit-name.h"
#include "unit-text.h"

static UnitText *read_all(const uint8_t *data, size_t size)
{
        const uint8_t *second = memmem(data, size, "\n%%%\n", 5);
        size_t first = second ? (size_t)(second - data) : size;
        UnitText *u = unit_text_new();
        int r;

        r = unit_text_add(u, (const char *)data, first);
        FUZZ_CHECK(r == 0 || r == -ENOEXEC || r == -EBADMSG || r == -ENOBUFS);
        if (second) {
                r = unit_text_add(u, (const char *)second + 5, size - first - 5);
                FUZZ_CHECK(r == 0 || r == -ENOEXEC || r == -EBADMSG || r == -ENOBUFS);
        }
        return u;
}

static void check_command(const Command *before, const Command *after)
{
        const unsigned kept = ~(unsigned)COMMAND_OWN_ARGV0;
        const char *words;

        FUZZ_CHECK(strcmp(after->path, DROPIN_HELPER) == 0 || strcmp(after->path, DROPIN_HELPER_INSIDE) == 0);
        FUZZ_CHECK((after->flags & kept) == (before->flags & kept) && !(after->flags & COMMAND_OWN_ARGV0));
        FUZZ_CHECK(g_str_has_suffix(after->rest, before->rest));
        words = strstr(after->rest, "web -- ");
        FUZZ_CHECK(words);
        if (!strchr(before->path, '$') && !strchr("-@:+!;", *before->path)) {
                g_autoptr(GPtrArray) again = g_ptr_array_new_with_free_func((GDestroyNotify)command_free);

                FUZZ_CHECK(command_parse(words + strlen("web -- "), again) == 0 && again->len == 1);
                FUZZ_CHECK(strcmp(((Command *)again->pdata[0])->path, before->path) == 0);
                FUZZ_CHECK(strcmp(((Command *)again->pdata[0])->rest, before->rest) == 0);
        }
}

static void check_dropin(const uint8_t *data, size_t size, const UnitText *u, const DropinWish *w)
{
        g_autofree char *text = dropin_obstacle(u, w) ? NULL : dropin_write(u, w);
        g_autoptr(UnitText) after = NULL;

        if (!text)
                return;
        after = read_all(data, size);
        FUZZ_CHECK(unit_text_add(after, text, strlen(text)) == 0);
        for (ExecKind k = 0; k < _EXEC_KIND_MAX; k++) {
                FUZZ_CHECK(after->commands[k]->len == u->commands[k]->len);
                for (guint i = 0; i < u->commands[k]->len; i++)
                        check_command(u->commands[k]->pdata[i], after->commands[k]->pdata[i]);
        }
}

static void check_names(const char *name, const char *slice)
{
        g_autofree char *cgroup = NULL, *instance = NULL;
        g_auto(GStrv) dirs = NULL;

        if (!unit_name_is_service(name))
                return;
        dirs = unit_name_dropin_dirs(name);
        FUZZ_CHECK(dirs[0]);
        for (char **d = dirs; *d; d++)
                FUZZ_CHECK(g_str_has_suffix(*d, ".service.d") && !strchr(*d, '/'));
        cgroup = unit_cgroup(name, slice);
        FUZZ_CHECK(!cgroup || *cgroup == '/');
        instance = unit_name_dup_instance(name);
        FUZZ_CHECK(!!instance == unit_name_is_instance(name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(UnitText) u = read_all(data, size);
        g_autoptr(GPtrArray) names = g_ptr_array_new(), none = g_ptr_array_new();
        g_autofree char *word = g_strndup((const char *)data, MIN(size, 60)), *name = g_strconcat(word, ".service", NULL);
        DropinWish w = {.seccomp = names, .seccomp_open = none, .children = none, .children_open = none};

        g_ptr_array_add(names, "web");
        check_dropin(data, size, u, &w);
        w.apparmor = "varmor.web";
        w.own_is_loaded = true;
        check_dropin(data, size, u, &w);
        w.children = names;
        check_dropin(data, size, u, &w);
        check_names(name, u->slice);
        return 0;
}

static GString *lines(const char *before, const char *format, unsigned n)
{
        GString *s = g_string_new(before);

        for (unsigned i = 0; i < n; i++)
                g_string_append_printf(s, format, i);
        return s;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        fuzz_emit_string("many-commands", lines("[Service]\n", "ExecStart=/bin/x%u\n", 50000), emit, userdata);
        fuzz_emit_string("one-line", lines("[Service]\nExecStart=", "/bin/x%u ; ", 50000), emit, userdata);
        fuzz_emit_string("continued", lines("[Service]\nExecStart=/bin/a", " \\\n%u", 100000), emit, userdata);
        fuzz_emit_string("long-word", lines("[Service]\nExecStart=/bin/a ", "%u", 200000), emit, userdata);
        fuzz_emit_string("backslashes", lines("[Service]\nExecStart=/bin/a ", "\\\\\\%u", 100000), emit, userdata);
        fuzz_emit_string("quotes", lines("[Service]\nExecStart=/bin/a ", "'\"%u'\"", 100000), emit, userdata);
        fuzz_emit_string("paths", lines("[Service]\n", "InaccessiblePaths=/%u\nBindPaths=/a:/b%u\nExecSearchPath=/x%1$u\n", 20000), emit, userdata);
        fuzz_emit_string("after", lines("[Unit]\n", "After=a%u.service b c d e f g\n", 20000), emit, userdata);
}
