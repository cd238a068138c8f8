/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See dropin.h. A unit under an AppArmor profile alone gets AppArmorProfile=. As soon as the helper is needed, for seccomp, because
 * the profile has children for some programs, which systemd knows nothing of, a command runs "with full privileges", for which systemd leaves AppArmorProfile= out, or because the kernel has a
 * profile for the program by its path, the helper does that, too: else the unit's own profile would have to allow what the helper
 * does. */

#include "dropin.h"

#include <string.h>

#include "command.h"

#define STATE_DIR "/run/varmor"
#define CHILDREN_DIR "/run/varmor/children"
#define FILTERS_DIR "/run/varmor/filters"
#define FILTER_NAMES_DIR "/run/varmor/seccomp"

static bool has_seccomp(const DropinWish *w)
{
        return w->seccomp->len + w->seccomp_open->len > 0;
}

static bool has_children(const DropinWish *w)
{
        return w->children->len + w->children_open->len > 0;
}

/* What systemd gives the command by the unit's own setting, which is not for commands with full privileges; else what the kernel
 * gives it by its path. NULL: none. */
static const char *profile_before(const UnitText *u, const DropinWish *w, const Command *c)
{
        if (u->apparmor && !(c->flags & COMMAND_FULLY_PRIVILEGED) && (w->own_is_loaded || !u->apparmor_optional))
                return u->apparmor;
        return w->attached ? w->attached(c->path, w->userdata) : NULL;
}

/* One setting of the unit says the same for all of its commands. */
static bool differs(const UnitText *u, const DropinWish *w, const Command *c)
{
        const char *before = profile_before(u, w, c);

        return c->flags & COMMAND_FULLY_PRIVILEGED || (before && before != u->apparmor);
}

bool dropin_needs_helper(const UnitText *u, const DropinWish *w)
{
        if (has_seccomp(w) || has_children(w))
                return true;
        for (ExecKind k = 0; w->apparmor && k < _EXEC_KIND_MAX; k++)
                for (guint i = 0; i < u->commands[k]->len; i++)
                        if (differs(u, w, u->commands[k]->pdata[i]))
                                return true;
        return false;
}

/* Is @path @dir, or below it? */
static bool is_below(const char *path, const char *dir)
{
        size_t n = strlen(dir);

        while (n > 0 && dir[n - 1] == '/')
                n--;
        return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool hides(const GPtrArray *list, const char *path)
{
        for (guint i = 0; i < list->len; i++)
                if (is_below(path, list->pdata[i]))
                        return true;
        return false;
}

static bool hides_filters(const GPtrArray *list)
{
        return hides(list, FILTERS_DIR) || hides(list, FILTER_NAMES_DIR);
}

static bool has_own_root(const UnitText *u)
{
        return u->root_directory || u->root_image;
}

const char *dropin_obstacle(const UnitText *u, const DropinWish *w)
{
        if (u->overflow)
                return "the unit has more settings than are looked at";
        if (!dropin_needs_helper(u, w))
                return NULL;
        if (hides(u->inaccessible, DROPIN_HELPER))
                return "its InaccessiblePaths= hides " DROPIN_HELPER;
        if ((has_seccomp(w) && hides_filters(u->inaccessible)) || (has_children(w) && hides(u->inaccessible, CHILDREN_DIR)))
                return "its InaccessiblePaths= hides " STATE_DIR;
        return NULL;
}

/* ---- text -------------------------------------------------------------------------------------------------------------- */

/* To be freed. */
static char *profile_after(const DropinWish *w, const char *before)
{
        return before ? g_strconcat(before, "//&", w->apparmor, NULL) : g_strdup(w->apparmor);
}

static void append_profile(GString *s, const char *profile, bool env)
{
        g_string_append(s, "--apparmor ");
        command_quote(s, profile, env);
        g_string_append_c(s, ' ');
}

static void append_names(GString *s, const GPtrArray *names)
{
        for (guint i = 0; i < names->len; i++)
                g_string_append_printf(s, "%s ", (const char *)names->pdata[i]);
}

static void append_children(GString *s, const GPtrArray *names)
{
        for (guint i = 0; i < names->len; i++)
                g_string_append_printf(s, "--children %s ", (const char *)names->pdata[i]);
}

static char *options_of(const UnitText *u, const DropinWish *w, const Command *c)
{
        g_autofree char *profile = w->apparmor ? profile_after(w, profile_before(u, w, c)) : NULL;
        const bool env = !(c->flags & COMMAND_NO_ENV), open = profile && w->apparmor_open;
        GString *s = g_string_new(NULL);

        if (profile && !open)
                append_profile(s, profile, env);
        append_children(s, w->children);
        append_names(s, w->seccomp);
        if (open || w->seccomp_open->len + w->children_open->len > 0)
                g_string_append(s, "--open ");
        if (open)
                append_profile(s, profile, env);
        append_children(s, w->children_open);
        append_names(s, w->seccomp_open);
        return g_string_free(s, FALSE);
}

/* Return: false: too long. */
static bool append_commands(GString *s, const UnitText *u, const DropinWish *w, ExecKind k)
{
        const char *key = exec_kind_to_string(k);

        if (u->commands[k]->len > 0)
                g_string_append_printf(s, "%s=\n", key);
        for (guint i = 0; i < u->commands[k]->len; i++) {
                const Command *c = u->commands[k]->pdata[i];
                g_autofree char *options = options_of(u, w, c), *line = NULL;
                CommandWrap wrap = {has_own_root(u) ? DROPIN_HELPER_INSIDE : DROPIN_HELPER, options, u->search};

                line = command_wrap(c, &wrap);
                if (strlen(line) + strlen(key) + 1 > UNIT_LINE_BYTES_MAX)
                        return false;
                g_string_append_printf(s, "%s=%s\n", key, line);
        }
        return true;
}

/* What the helper needs to be found, to read and to call. */
static void append_room(GString *s, const UnitText *u, const DropinWish *w)
{
        const char *helper = has_own_root(u) ? DROPIN_HELPER_INSIDE : DROPIN_HELPER;

        if (has_own_root(u))
                g_string_append(s, "BindReadOnlyPaths=" DROPIN_HELPER ":" DROPIN_HELPER_INSIDE "\n");
        else if (hides(u->covered, DROPIN_HELPER))
                g_string_append(s, "BindReadOnlyPaths=" DROPIN_HELPER "\n");
        if (has_seccomp(w) && (has_own_root(u) || hides_filters(u->covered)))
                g_string_append(s, "BindReadOnlyPaths=" FILTERS_DIR " " FILTER_NAMES_DIR "\n");
        if (has_children(w) && (has_own_root(u) || hides(u->covered, CHILDREN_DIR)))
                g_string_append(s, "BindReadOnlyPaths=" CHILDREN_DIR "\n");
        if (u->restricts_exec)
                g_string_append_printf(s, "ExecPaths=%s\n", helper);
        if (has_seccomp(w) && u->filters_syscalls)
                g_string_append(s, "SystemCallFilter=seccomp\n");
        if (has_children(w) && u->filters_syscalls)
                g_string_append(s, "SystemCallFilter=readlinkat\n");
}

char *dropin_write(const UnitText *u, const DropinWish *w)
{
        g_autoptr(GString) s = g_string_new("# Made by varmor-generator(8), anew whenever systemd reads its units.\n[Service]\n");

        if (!dropin_needs_helper(u, w)) {
                g_autofree char *profile =
                        profile_after(w, w->own_is_loaded || !u->apparmor_optional ? u->apparmor : NULL);

                g_string_append_printf(s, "AppArmorProfile=%s%s\n", w->apparmor_open ? "-" : "", profile);
                return g_string_free(g_steal_pointer(&s), FALSE);
        }
        if (w->apparmor && u->apparmor)
                g_string_append(s, "AppArmorProfile=\n");
        append_room(s, u, w);
        for (ExecKind k = 0; k < _EXEC_KIND_MAX; k++)
                if (!append_commands(s, u, w, k))
                        return NULL;
        return g_string_free(g_steal_pointer(&s), FALSE);
}
