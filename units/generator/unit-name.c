/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See unit-name.h. */

#include "unit-name.h"

#include <string.h>

#include "target.h"

#define SUFFIX ".service"

bool unit_name_is_service(const char *name)
{
        size_t n = strlen(name);

        return n > strlen(SUFFIX) && n <= UNIT_NAME_BYTES_MAX && g_str_has_suffix(name, SUFFIX) && *name != '@' &&
               strspn(name, UNIT_NAME_CHARS "@") == n;
}

/* "@" and what follows it. The first one counts. */
static const char *at_of(const char *name)
{
        return strchr(name, '@');
}

bool unit_name_is_template(const char *name)
{
        const char *at = at_of(name);

        return at && strcmp(at, "@" SUFFIX) == 0;
}

bool unit_name_is_instance(const char *name)
{
        return at_of(name) && !unit_name_is_template(name);
}

char *unit_name_template(const char *instance)
{
        return g_strdup_printf("%.*s" SUFFIX, (int)(at_of(instance) + 1 - instance), instance);
}

char *unit_name_instantiate(const char *template, const char *instance)
{
        return g_strdup_printf("%.*s%s" SUFFIX, (int)(at_of(template) + 1 - template), template, instance);
}

static char *dup_prefix(const char *name)
{
        const char *at = at_of(name);

        return g_strndup(name, at ? (gsize)(at - name) : strlen(name) - strlen(SUFFIX));
}

char *unit_name_dup_instance(const char *name)
{
        return unit_name_is_instance(name) ? g_strndup(at_of(name) + 1, strlen(at_of(name) + 1) - strlen(SUFFIX)) : NULL;
}

/* unit_file_find_dirs() in src/shared/dropin.c, v252: "a-b@c.service.d", "a-b@.service.d", "a-@c.service.d", "a-@.service.d". */
char **unit_name_dropin_dirs(const char *name)
{
        g_autofree char *prefix = dup_prefix(name);
        g_autoptr(GPtrArray) dirs = g_ptr_array_new();
        const char *rest = at_of(name);
        char *dash;

        if (!rest)
                rest = SUFFIX;
        do {
                g_ptr_array_add(dirs, g_strconcat(prefix, rest, ".d", NULL));
                if (unit_name_is_instance(name))
                        g_ptr_array_add(dirs, g_strconcat(prefix, "@" SUFFIX ".d", NULL));
                /* A dash at the end is the mark of such a directory. */
                dash = strlen(prefix) > 1 ? g_strrstr_len(prefix, (gssize)strlen(prefix) - 1, "-") : NULL;
                if (dash)
                        dash[1] = '\0';
        } while (dash);
        g_ptr_array_add(dirs, NULL);
        return (char **)g_ptr_array_free(g_steal_pointer(&dirs), FALSE);
}

/* ---- cgroups ----------------------------------------------------------------------------------------------------------- */

/* unit_name_escape() */
static char *escape(const char *s)
{
        GString *g = g_string_new(NULL);

        for (const char *c = s; *c; c++)
                if (*c == '/')
                        g_string_append_c(g, '-');
                else if (*c == '-' || *c == '\\' || (c == s && *c == '.') || !strchr(UNIT_NAME_CHARS, *c))
                        g_string_append_printf(g, "\\x%02x", (unsigned char)*c);
                else
                        g_string_append_c(g, *c);
        return g_string_free(g, FALSE);
}

/* What systemd.unit(5) says about specifiers, as far as it depends on the name alone. */
static char *expand(const char *text, const char *name)
{
        g_autofree char *prefix = dup_prefix(name), *instance = unit_name_dup_instance(name);
        g_autoptr(GString) g = g_string_new(NULL);

        for (; *text; text++) {
                if (*text != '%') {
                        g_string_append_c(g, *text);
                        continue;
                }
                switch (*++text) {
                case 'n':
                        g_string_append(g, name);
                        break;
                case 'N':
                        g_string_append_len(g, name, (gssize)(strlen(name) - strlen(SUFFIX)));
                        break;
                case 'p':
                        g_string_append(g, prefix);
                        break;
                case 'i':
                        g_string_append(g, instance ? instance : "");
                        break;
                case 'j':
                        g_string_append(g, strrchr(prefix, '-') ? strrchr(prefix, '-') + 1 : prefix);
                        break;
                case '%':
                        g_string_append_c(g, '%');
                        break;
                default:
                        return NULL;
                }
        }
        return g_string_free(g_steal_pointer(&g), FALSE);
}

/* unit_set_default_slice() in src/core/unit.c, v252 */
static char *default_slice(const char *name)
{
        g_autofree char *prefix = NULL, *escaped = NULL;

        if (!at_of(name))
                return g_strdup("system.slice");
        prefix = dup_prefix(name);
        escaped = escape(prefix);
        return g_strconcat("system-", escaped, ".slice", NULL);
}

char *unit_cgroup(const char *name, const char *slice)
{
        g_autofree char *expanded = slice ? expand(slice, name) : default_slice(name);
        g_autofree char *dir = expanded ? slice_to_cgroup(expanded) : NULL, *own = NULL;

        if (!dir)
                return NULL;
        own = unit_to_cgroup_name(name);
        return g_strconcat(dir, "/", own, NULL);
}
