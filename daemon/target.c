/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policy -> target: see target.h. */

#include "target.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

void target_patterns_clear(TargetPatterns *t)
{
        g_clear_pointer(&t->patterns, g_strfreev);
        g_clear_pointer(&t->except, g_strfreev);
}

/* ---- names --------------------------------------------------------------------------------------------------------- */

char *slice_to_cgroup(const char *slice)
{
        GString *path;
        const char *end, *p;

        if (!g_str_has_suffix(slice, ".slice") || strchr(slice, '/'))
                return NULL;
        if (strcmp(slice, "-.slice") == 0)
                return g_strdup("");
        end = slice + strlen(slice) - strlen(".slice");
        if (end == slice || *slice == '-' || end[-1] == '-' || g_strstr_len(slice, end - slice, "--"))
                return NULL;

        path = g_string_new(NULL);
        for (p = slice; p < end; p++)
                if (*p == '-')
                        g_string_append_printf(path, "/%.*s.slice", (int)(p - slice), slice);
        g_string_append_printf(path, "/%s", slice);
        return g_string_free(path, FALSE);
}

static bool is_unit_of(const char *name, size_t size, const char *suffix)
{
        size_t n = strlen(suffix);

        return size > n && memcmp(name + size - n, suffix, n) == 0;
}

char *cgroup_to_unit(const char *path)
{
        const char *slice = NULL;
        size_t slice_size = 0;

        while (*path == '/') {
                const char *name = path + 1, *end = strchrnul(name, '/');
                size_t size = (size_t)(end - name);

                /* src/basic/cgroup-util.c of systemd: cg_unescape() */
                if (size > 0 && *name == '_') {
                        name++;
                        size--;
                }
                path = end;
                if (is_unit_of(name, size, ".slice")) {
                        slice = name;
                        slice_size = size;
                        continue;
                }
                if (is_unit_of(name, size, ".service") || is_unit_of(name, size, ".scope") ||
                    is_unit_of(name, size, ".socket") || is_unit_of(name, size, ".mount") ||
                    is_unit_of(name, size, ".swap"))
                        return g_strndup(name, size);
                break;
        }
        return g_strndup(slice ? slice : "", slice_size);
}

char *unit_to_cgroup_name(const char *unit)
{
        /* src/basic/cgroup-util.c of systemd, v252: cg_needs_escape(), and its list of controllers */
        static const char *const controllers[] = {"cpu",    "cpuacct", "cpuset", "io",           "blkio",
                                                  "memory", "devices", "pids",   "bpf-firewall", "bpf-devices",
                                                  "bpf-foreign", "bpf-socket-bind", "bpf-restrict-network-interfaces"};
        const char *dot = strchr(unit, '.');
        bool escape = *unit == '_' || *unit == '.' || g_str_has_prefix(unit, "cgroup.");

        for (size_t i = 0; dot && i < G_N_ELEMENTS(controllers); i++)
                if (strlen(controllers[i]) == (size_t)(dot - unit) &&
                    memcmp(controllers[i], unit, (size_t)(dot - unit)) == 0)
                        escape = true;
        return g_strconcat(escape ? "_" : "", unit, NULL);
}

char *glob_escape(const char *s)
{
        GString *g = g_string_new(NULL);

        for (; *s; s++) {
                if (strchr("\\*?[]{},^", *s))
                        g_string_append_c(g, '\\');
                g_string_append_c(g, *s);
        }
        return g_string_free(g, FALSE);
}

static bool is_glob(const char *s)
{
        return strpbrk(s, "*?[{") != NULL;
}

/* A backslash in the name of a unit is part of an escape like "\x2d", never a quote, also within a glob. */
static char *unit_glob(const char *name)
{
        GString *g = g_string_new(NULL);

        for (; *name; name++) {
                if (*name == '\\')
                        g_string_append_c(g, '\\');
                g_string_append_c(g, *name);
        }
        return g_string_free(g, FALSE);
}

bool target_is_essential(const char *unit, char *const *essential)
{
        for (; essential && *essential; essential++)
                if (fnmatch(*essential, unit, FNM_NOESCAPE) == 0)
                        return true;
        return false;
}

char *target_alias_on_disk(const char *unit, void *userdata)
{
        /* systemd.unit(5), "UNIT FILE LOAD PATH" */
        static const char *const dirs[] = {"/etc/systemd/system",     "/run/systemd/system",
                                           "/run/systemd/generator",  "/usr/local/lib/systemd/system",
                                           "/usr/lib/systemd/system", "/lib/systemd/system"};
        const char *root = userdata ? userdata : "";

        if (strchr(unit, '/'))
                return NULL;
        for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++) {
                g_autofree char *path = g_strconcat(root, dirs[i], "/", unit, NULL), *name = NULL;
                char target[PATH_MAX];
                ssize_t n = readlink(path, target, sizeof(target) - 1);

                if (n < 0)
                        continue;
                target[n] = '\0';
                name = g_path_get_basename(target);
                if (strcmp(name, unit) != 0 && strchr(name, '.'))
                        return g_steal_pointer(&name);
        }
        return NULL;
}

/* ---- patterns ------------------------------------------------------------------------------------------------------ */

// The ways from a slice down to a unit: "/{,*.slice/{,*.slice/...}}".
static void append_slices(GString *g)
{
        g_string_append_c(g, '/');
        for (unsigned depth = 0; depth < TARGET_SLICE_DEPTH_MAX; depth++)
                g_string_append(g, "{,*.slice/");
        for (unsigned depth = 0; depth < TARGET_SLICE_DEPTH_MAX; depth++)
                g_string_append_c(g, '}');
}

// @name: a glob.
static void append_unit(GString *g, const char *name)
{
        g_autofree char *dir = is_glob(name) ? g_strdup(name) : unit_to_cgroup_name(name), *glob = unit_glob(dir);

        /* Names that systemd escapes have one "_" before them. */
        g_string_append_printf(g, "%s%s", is_glob(name) ? "{,_}" : "", glob);
}

// "/**" stands for the directory itself, too.
static char *unit_pattern(const char *prefix, const char *name)
{
        g_autofree char *escaped = glob_escape(prefix);
        GString *g = g_string_new(escaped);

        append_slices(g);
        append_unit(g, name);
        g_string_append(g, "/**");
        return g_string_free(g, FALSE);
}

static char *literal_pattern(const char *path)
{
        g_autofree char *escaped = glob_escape(path);

        return g_strconcat(escaped, "/**", NULL);
}

static const char *kind_suffix(TargetKind k)
{
        return k == TARGET_SCOPE ? ".scope" : k == TARGET_SLICE ? ".slice" : ".service";
}

/* What one call of target_patterns() works on. */
typedef struct Builder {
        const TargetSpec *spec;
        const TargetParams *params;
        const char *slice;
        char *prefix; /* cgroup path of @slice; "" for the whole host */
        GPtrArray *patterns;
        Diag *diag;
} Builder;

static int refuse_essential(const Builder *b, const char *named, const char *unit)
{
        if (strcmp(named, unit) == 0)
                diag_error(b->diag, &b->spec->pos, "essential-unit",
                           "\"%s\" is essential for the host: a policy for it needs \"force: true\" in its target", named);
        else
                diag_error(b->diag, &b->spec->pos, "essential-unit",
                           "\"%s\" is another name of \"%s\", which is essential for the host: a policy for it needs "
                           "\"force: true\" in its target",
                           named, unit);
        return -EBADMSG;
}

static int refuse_outside(const Builder *b, const char *what)
{
        diag_error(b->diag, &b->spec->pos, "outside-namespace",
                   "\"%s\" is not below \"%s\": a VarmorPolicy covers only what is in the slice of its metadata.namespace; "
                   "a policy for the whole host is a VarmorClusterPolicy",
                   what, b->slice);
        return -EBADMSG;
}

static int add_service(Builder *b)
{
        const char *suffix = kind_suffix(b->spec->kind);
        g_autofree char *name = NULL;

        if (strchr(b->spec->name, '/')) {
                diag_error(b->diag, &b->spec->pos, "bad-target",
                           "found \"%s\": the name of a unit has no \"/\"; for a path use kind: Cgroup", b->spec->name);
                return -EBADMSG;
        }
        name = g_str_has_suffix(b->spec->name, suffix) ? g_strdup(b->spec->name)
                                                       : g_strconcat(b->spec->name, suffix, NULL);
        g_ptr_array_add(b->patterns, unit_pattern(b->prefix, name));
        if (is_glob(name))
                return 0;

        if (!b->spec->force && target_is_essential(name, b->params->essential))
                return refuse_essential(b, name, name);
        if (b->params->alias) {
                g_autofree char *alias = b->params->alias(name, b->params->userdata);

                if (!alias || !g_str_has_suffix(alias, suffix) || is_glob(alias))
                        return 0;
                if (!b->spec->force && target_is_essential(alias, b->params->essential))
                        return refuse_essential(b, name, alias);
                g_ptr_array_add(b->patterns, unit_pattern(b->prefix, alias));
        }
        return 0;
}

static int add_slice(Builder *b)
{
        const char *name = b->spec->name;
        g_autofree char *path = NULL;

        if (is_glob(name))
                return add_service(b);
        path = slice_to_cgroup(name);
        if (!path) {
                diag_error(b->diag, &b->spec->pos, "bad-target",
                           "found \"%s\": expected the name of a slice, as \"system.slice\" or \"app-web.slice\"", name);
                return -EBADMSG;
        }
        if (!g_str_has_prefix(path, b->prefix) ||
            (path[strlen(b->prefix)] != '\0' && path[strlen(b->prefix)] != '/'))
                return refuse_outside(b, name);
        if (!b->spec->force && target_is_essential(name, b->params->essential))
                return refuse_essential(b, name, name);
        g_ptr_array_add(b->patterns, literal_pattern(path));
        return 0;
}

/* Refuse a path that names an essential unit as one of its components. */
static int check_cgroup_essential(const Builder *b, const char *path)
{
        g_auto(GStrv) parts = g_strsplit(path, "/", -1);

        for (char **p = parts; *p; p++)
                if (**p != '\0' && !is_glob(*p) && !b->spec->force &&
                    target_is_essential(**p == '_' ? *p + 1 : *p, b->params->essential))
                        return refuse_essential(b, *p, *p);
        return 0;
}

static int add_cgroup(Builder *b)
{
        g_autofree char *path = g_strconcat(*b->spec->name == '/' ? "" : "/", b->spec->name, NULL);
        g_autofree char *framed = NULL, *prefix = glob_escape(b->prefix);
        size_t n;

        for (n = strlen(path); n > 0 && path[n - 1] == '/'; n--)
                path[n - 1] = '\0';
        framed = g_strconcat(path, "/", NULL);
        if (strstr(framed, "/../") || strstr(framed, "/./") || strstr(framed, "//")) {
                diag_error(b->diag, &b->spec->pos, "bad-target",
                           "found \"%s\": expected a path below the root of the cgroup hierarchy, without \".\" and \"..\"",
                           b->spec->name);
                return -EBADMSG;
        }
        if (!g_str_has_prefix(framed, prefix) || (*prefix && framed[strlen(prefix)] != '/'))
                return refuse_outside(b, b->spec->name);
        if (check_cgroup_essential(b, path) < 0)
                return -EBADMSG;
        if (is_glob(path))
                g_ptr_array_add(b->patterns, g_strconcat(path, "/**", NULL));
        else {
                g_autofree char *unit = unit_glob(path);

                g_ptr_array_add(b->patterns, g_strconcat(unit, "/**", NULL));
        }
        return 0;
}

static int add_selected(Builder *b)
{
        for (char *const *p = b->params->selected; p && *p; p++) {
                if (!g_str_has_prefix(*p, b->prefix) || (*b->prefix && (*p)[strlen(b->prefix)] != '/'))
                        continue;
                if (b->patterns->len >= TARGET_SELECTED_MAX) {
                        diag_error(b->diag, &b->spec->pos, "too-many",
                                   "the selector matches more than %u %s: use a slice or a glob", TARGET_SELECTED_MAX,
                                   b->spec->kind == TARGET_CONTAINER ? "containers" : "units");
                        return -EBADMSG;
                }
                g_ptr_array_add(b->patterns, literal_pattern(*p));
        }
        return 0;
}

/* So long may the list of units in one pattern become: with what stands around it, it fits into GLOB_BYTES_MAX. */
#define UNITS_BYTES_MAX 3072U

static void end_units(GPtrArray *patterns, GString *units)
{
        GString *g = g_string_new(NULL);

        if (units->len > 0) {
                append_slices(g);
                g_string_append_printf(g, "{%s}/**", units->str);
                g_ptr_array_add(patterns, g_strdup(g->str));
        }
        g_string_truncate(units, 0);
        g_string_free(g, TRUE);
}

/* What a policy that does not name its units one by one leaves out. One pattern for many units: the way through the slices
 * costs the most, and is in it once. */
static char **essential_patterns(const Builder *b)
{
        GPtrArray *except = g_ptr_array_new();
        g_autoptr(GString) units = g_string_new(NULL);

        for (char *const *e = b->params->essential; e && *e; e++) {
                if (g_str_has_suffix(*e, ".slice") && !is_glob(*e)) {
                        g_autofree char *path = slice_to_cgroup(*e);

                        if (path && *path)
                                g_ptr_array_add(except, literal_pattern(path));
                } else if (strchr(*e, ',') || strlen(*e) > NAME_MAX)
                        g_ptr_array_add(except, unit_pattern("", *e));
                else {
                        if (units->len + 2 * strlen(*e) > UNITS_BYTES_MAX)
                                end_units(except, units);
                        if (units->len > 0)
                                g_string_append_c(units, ',');
                        append_unit(units, *e);
                }
        }
        end_units(except, units);
        g_ptr_array_add(except, NULL);
        return (char **)g_ptr_array_free(except, FALSE);
}

static int builder_run(Builder *b)
{
        if (b->spec->selector || b->spec->kind == TARGET_CONTAINER)
                return add_selected(b);
        switch (b->spec->kind) {
        case TARGET_SERVICE:
        case TARGET_SCOPE:
                return add_service(b);
        case TARGET_SLICE:
                return add_slice(b);
        case TARGET_CGROUP:
                return add_cgroup(b);
        default:
                return -EOPNOTSUPP;
        }
}

int target_patterns(const TargetSpec *t, const char *slice, const TargetParams *params, TargetPatterns *ret, Diag *d)
{
        g_autoptr(GPtrArray) patterns = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *prefix = slice ? slice_to_cgroup(slice) : g_strdup("");
        Builder b = {t, params, slice, prefix, patterns, d};
        bool one_unit;
        int r;

        if (!prefix) {
                diag_error(d, &t->pos, "bad-namespace", "found \"%s\": expected the name of a slice in metadata.namespace",
                           slice);
                return -EBADMSG;
        }
        r = builder_run(&b);
        if (r < 0)
                return r;

        one_unit = !t->selector && (t->kind == TARGET_SERVICE || t->kind == TARGET_SCOPE) && !is_glob(t->name);
        ret->except = t->force || one_unit || t->kind == TARGET_CONTAINER ? NULL : essential_patterns(&b);
        g_ptr_array_add(patterns, NULL);
        ret->patterns = (char **)g_ptr_array_free(g_steal_pointer(&patterns), FALSE);
        return 0;
}

char *target_usual_cgroup(const char *essential)
{
        g_auto(GStrv) parts = g_strsplit(essential, "*", -1);
        g_autofree char *name = g_strjoinv("", parts), *dir = NULL, *template = NULL;
        g_auto(GStrv) words = NULL;
        const char *at = strchr(name, '@');

        if (strpbrk(name, "?[{"))
                return NULL;
        if (g_str_has_suffix(name, ".slice"))
                return slice_to_cgroup(name);
        dir = unit_to_cgroup_name(name);
        if (g_str_has_suffix(name, ".scope"))
                return g_strconcat("/", dir, NULL);
        if (strcmp(name, "user@0.service") == 0)
                return g_strdup("/user.slice/user-0.slice/user@0.service");
        if (!at)
                return g_strconcat("/system.slice/", dir, NULL);
        template = g_strndup(name, (gsize)(at - name));
        words = g_strsplit(template, "-", -1);
        g_free(template);
        template = g_strjoinv("\\x2d", words);
        return g_strconcat("/system.slice/system-", template, ".slice/", dir, NULL);
}
