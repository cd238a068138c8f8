/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See unit-text.h. */

#include "unit-text.h"

#include <errno.h>
#include <string.h>

#include "command.h"

#define SPACE " \t\n\r"
#define BOM "\xef\xbb\xbf"

static const char *const exec_names[_EXEC_KIND_MAX] = {
        [EXEC_CONDITION] = "ExecCondition",  [EXEC_START_PRE] = "ExecStartPre", [EXEC_START] = "ExecStart",
        [EXEC_START_POST] = "ExecStartPost", [EXEC_RELOAD] = "ExecReload",      [EXEC_STOP] = "ExecStop",
        [EXEC_STOP_POST] = "ExecStopPost",
};

const char *exec_kind_to_string(ExecKind k)
{
        return exec_names[k];
}

UnitText *unit_text_new(void)
{
        UnitText *u = g_new0(UnitText, 1);

        for (ExecKind k = 0; k < _EXEC_KIND_MAX; k++)
                u->commands[k] = g_ptr_array_new_with_free_func((GDestroyNotify)command_free);
        u->default_dependencies = true;
        u->after = g_ptr_array_new_with_free_func(g_free);
        u->covered = g_ptr_array_new_with_free_func(g_free);
        u->inaccessible = g_ptr_array_new_with_free_func(g_free);
        return u;
}

void unit_text_free(UnitText *u)
{
        if (!u)
                return;
        for (ExecKind k = 0; k < _EXEC_KIND_MAX; k++)
                g_ptr_array_unref(u->commands[k]);
        g_ptr_array_unref(u->after);
        g_ptr_array_unref(u->covered);
        g_ptr_array_unref(u->inaccessible);
        g_free(u->slice);
        g_free(u->apparmor);
        g_free(u->search);
        g_free(u);
}

bool unit_text_has_commands(const UnitText *u)
{
        for (ExecKind k = 0; k < _EXEC_KIND_MAX; k++)
                if (u->commands[k]->len > 0)
                        return true;
        return false;
}

/* ---- values ------------------------------------------------------------------------------------------------------------ */

static int take_commands(UnitText *u, ExecKind k, const char *value)
{
        int r;

        if (!*value) {
                g_ptr_array_set_size(u->commands[k], 0);
                return 0;
        }
        r = command_parse(value, u->commands[k]);
        if (u->commands[k]->len > UNIT_COMMANDS_MAX) {
                g_ptr_array_set_size(u->commands[k], UNIT_COMMANDS_MAX);
                u->overflow = true;
        }
        return r;
}

static void take_boolean(bool *b, const char *value)
{
        static const char *const yes[] = {"1", "yes", "y", "true", "t", "on"}, *const no[] = {"0", "no", "n", "false", "f", "off"};

        for (size_t i = 0; i < G_N_ELEMENTS(yes); i++) {
                if (g_ascii_strcasecmp(value, yes[i]) == 0)
                        *b = true;
                if (g_ascii_strcasecmp(value, no[i]) == 0)
                        *b = false;
        }
}

static void add_path(UnitText *u, GPtrArray *list, const char *path, size_t n)
{
        /* "-": it need not be there. "+": below the unit's own root. */
        for (; n > 0 && (*path == '-' || *path == '+'); path++)
                n--;
        if (list->len >= UNIT_PATHS_MAX)
                u->overflow = true;
        else if (n > 0)
                g_ptr_array_add(list, g_strndup(path, n));
}

/* "SOURCE:DESTINATION:OPTIONS"; with one field alone, that is the destination, too. Quotes do not matter: what stands between
 * them is taken for what it is not, if it has spaces. */
static void take_mounts(UnitText *u, const char *value, unsigned field)
{
        for (value += strspn(value, SPACE); *value; value += strspn(value, SPACE)) {
                const char *word = value, *end = value + strcspn(value, SPACE);

                for (unsigned i = 0; i < field; i++) {
                        const char *colon = memchr(word, ':', (size_t)(end - word));

                        if (!colon)
                                break;
                        word = colon + 1;
                }
                add_path(u, u->covered, word, MIN(strcspn(word, ":"), (size_t)(end - word)));
                value = end;
        }
}

static void take_words(UnitText *u, GPtrArray *list, const char *value)
{
        for (value += strspn(value, SPACE); *value; value += strspn(value, SPACE)) {
                size_t n = strcspn(value, SPACE);

                add_path(u, list, value, n);
                value += n;
        }
}

static void take_search(UnitText *u, const char *value)
{
        char *joined = NULL;

        if (*value)
                joined = u->search ? g_strconcat(u->search, ":", value, NULL) : g_strdup(value);
        if (joined && strlen(joined) > UNIT_LINE_BYTES_MAX / 8) {
                u->overflow = true;
                g_clear_pointer(&joined, g_free);
        }
        g_free(u->search);
        u->search = joined;
}

static void take_apparmor(UnitText *u, const char *value)
{
        g_clear_pointer(&u->apparmor, g_free);
        u->apparmor_optional = *value == '-';
        value += u->apparmor_optional;
        if (*value && strcmp(value, "unconfined") != 0)
                u->apparmor = g_strdup(value);
}

static void reset_if_empty(GPtrArray *list, const char *value)
{
        if (!*value)
                g_ptr_array_set_size(list, 0);
}

/* ---- assignments ------------------------------------------------------------------------------------------------------- */

static void assign_unit(UnitText *u, const char *key, const char *value)
{
        if (strcmp(key, "DefaultDependencies") == 0)
                take_boolean(&u->default_dependencies, value);
        else if (strcmp(key, "After") == 0)
                take_words(u, u->after, value); /* dependencies cannot be reset */
}

static void assign_mounts(UnitText *u, const char *key, const char *value)
{
        if (strcmp(key, "TemporaryFileSystem") == 0 || strcmp(key, "BindPaths") == 0 || strcmp(key, "BindReadOnlyPaths") == 0 ||
            strcmp(key, "MountImages") == 0) {
                /* BindPaths= and BindReadOnlyPaths= are one list, and reset each other; that nothing is forgotten is enough. */
                take_mounts(u, value, *key == 'T' ? 0 : 1);
        } else if (strcmp(key, "InaccessiblePaths") == 0 || strcmp(key, "InaccessibleDirectories") == 0) {
                reset_if_empty(u->inaccessible, value);
                take_words(u, u->inaccessible, value);
        } else if (strcmp(key, "RootDirectory") == 0)
                u->root_directory = *value && strcmp(value, "/") != 0;
        else if (strcmp(key, "RootImage") == 0)
                u->root_image = *value;
        else if (strcmp(key, "NoExecPaths") == 0)
                u->restricts_exec = *value;
}

static int assign_service(UnitText *u, const char *key, const char *value)
{
        for (ExecKind k = 0; k < _EXEC_KIND_MAX; k++)
                if (strcmp(key, exec_names[k]) == 0)
                        return take_commands(u, k, value);
        if (strcmp(key, "Slice") == 0) {
                if (g_str_has_suffix(value, ".slice")) {
                        g_free(u->slice);
                        u->slice = g_strdup(value);
                }
        } else if (strcmp(key, "AppArmorProfile") == 0)
                take_apparmor(u, value);
        else if (strcmp(key, "ExecSearchPath") == 0)
                take_search(u, value);
        else if (strcmp(key, "SystemCallFilter") == 0)
                u->filters_syscalls = *value;
        else
                assign_mounts(u, key, value);
        return 0;
}

/* ---- lines ------------------------------------------------------------------------------------------------------------- */

typedef enum Section { SECTION_OTHER, SECTION_UNIT, SECTION_SERVICE } Section;

static char *strip(char *s)
{
        size_t n;

        s += strspn(s, SPACE);
        for (n = strlen(s); n > 0 && strchr(SPACE, s[n - 1]); n--)
                s[n - 1] = '\0';
        return s;
}

/* utf8_is_valid() in src/basic/utf8.c is stricter than GLib. */
static bool is_utf8(const char *s)
{
        if (!g_utf8_validate(s, -1, NULL))
                return false;
        for (; *s; s = g_utf8_next_char(s)) {
                gunichar c = g_utf8_get_char(s);

                if ((c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe)
                        return false;
        }
        return true;
}

/* parse_line(). @l is changed. */
static int take_line(UnitText *u, Section *section, char *l)
{
        char *value, *key;

        l = strip(l);
        if (!*l)
                return 0;
        if (!is_utf8(l))
                return -EBADMSG;
        if (*l == '[') {
                if (l[strlen(l) - 1] != ']')
                        return -EBADMSG;
                *section = strcmp(l, "[Service]") == 0 ? SECTION_SERVICE
                           : strcmp(l, "[Unit]") == 0  ? SECTION_UNIT
                                                       : SECTION_OTHER;
                return 0;
        }
        value = strchr(l, '=');
        if (*section == SECTION_OTHER || !value || value == l)
                return 0;
        *value++ = '\0';
        key = strip(l);
        value = strip(value);
        if (*section == SECTION_SERVICE)
                return assign_service(u, key, value);
        assign_unit(u, key, value);
        return 0;
}

/* read_line() in src/basic/fileio.c: NUL, line feed and carriage return end a line, and two different ones after another are one
 * end. */
static const char *end_of_line(const char *p, const char *end, const char **ret_next)
{
        const char *e = p;

        while (e < end && *e != '\n' && *e != '\r' && *e != '\0')
                e++;
        *ret_next = e < end ? e + 1 : e;
        for (const char *n = *ret_next; e < end && *e != '\0' && n < end && n - e < 3; n++) {
                if ((*n != '\n' && *n != '\r' && *n != '\0') || memchr(e, *n, (size_t)(n - e)))
                        break;
                *ret_next = n + 1;
                if (*n == '\0')
                        break;
        }
        return e;
}

static bool is_continued(const char *s, const char *end)
{
        bool escaped = false;

        for (; s < end; s++)
                escaped = !escaped && *s == '\\';
        return escaped;
}

int unit_text_add(UnitText *u, const char *text, size_t size)
{
        const char *end = text + size, *next;
        g_autoptr(GString) line = g_string_new(NULL);
        Section section = SECTION_OTHER;
        bool continuing = false, bom_seen = false;
        int r;

        for (const char *p = text; p < end; p = next) {
                const char *e = end_of_line(p, end, &next), *l = p;

                if (e - p > (ptrdiff_t)UNIT_LINE_BYTES_MAX)
                        return -ENOBUFS;
                while (l < e && (*l == ' ' || *l == '\t'))
                        l++;
                if (l < e && (*l == '#' || *l == ';'))
                        continue;
                l = p;
                if (!bom_seen && e - l >= 3 && memcmp(l, BOM, 3) == 0) {
                        bom_seen = true;
                        l += 3;
                }
                if (!continuing)
                        g_string_truncate(line, 0);
                else if (line->len + (gsize)(e - l) > UNIT_LINE_BYTES_MAX)
                        return -ENOBUFS;
                g_string_append_len(line, l, e - l);
                continuing = is_continued(l, e);
                if (continuing) {
                        line->str[line->len - 1] = ' ';
                        continue;
                }
                r = take_line(u, &section, line->str);
                if (r < 0)
                        return r;
        }
        return continuing ? take_line(u, &section, line->str) : 0;
}
