/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policy: symlinks at load. The kernel side knows files by their real paths; what an administrator writes may lead there
 * through symlinks (/bin -> usr/bin, /bin/sh -> dash). The literal beginning of each pattern is followed, and the names
 * found are added beside the one written. Pure but for the reader of symlinks, which is a parameter. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pattern.h"
#include "policy.h"

#define SYMLINKS_MAX 40       /* as the kernel: include/linux/namei.h, MAXSYMLINKS */
#define ALTERNATIVES_MAX 256U /* of one pattern; beyond them braces are not looked into */
#define ADDED_MAX 4096U       /* patterns added to one rule */

typedef struct Resolver {
        PathReadlink readlink;
        void *userdata;
        GHashTable *cache; /* path -> target, "" for what is no symlink */
} Resolver;

static char *real_readlink(const char *path, void *userdata)
{
        char buffer[4096];
        ssize_t n = readlink(path, buffer, sizeof(buffer));

        /* "apparmorfs:[1175]", "net:[4026531840]": links of the kernel's that lead to no name, by a number that changes. */
        if (n > 0 && buffer[n - 1] == ']' && !memchr(buffer, '/', (size_t)n) && memmem(buffer, (size_t)n, ":[", 2))
                return NULL;
        return n > 0 && (size_t)n < sizeof(buffer) ? g_strndup(buffer, (gsize)n) : NULL;
}

static const char *resolver_readlink(Resolver *r, const char *path)
{
        char *target = g_hash_table_lookup(r->cache, path);

        if (!target) {
                target = r->readlink(path, r->userdata);
                if (!target)
                        target = g_strdup("");
                g_hash_table_insert(r->cache, g_strdup(path), target);
        }

        return *target ? target : NULL;
}

/* Symlinks of procfs lead each process elsewhere. @path is one of them: the pattern of all that it may lead to. */
static const char *proc_pattern(const char *path)
{
        static const char *const links[][2] = {
                {"/proc/self", "/proc/*"},
                {"/proc/thread-self", "/proc/*/task/*"},
                {"/proc/mounts", "/proc/*/mounts"},
                {"/proc/net", "/proc/*/net"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(links); i++)
                if (strcmp(path, links[i][0]) == 0)
                        return links[i][1];

        return NULL;
}

/* The pattern for @base and the components that were not walked yet. */
static char *join_rest(const char *base, GQueue *rest)
{
        GString *s = g_string_new(base);

        for (GList *l = rest->head; l; l = l->next) {
                g_autofree char *escaped = pattern_escape(l->data);

                g_string_append_printf(s, "/%s", escaped);
        }

        return g_string_free(s, FALSE);
}

static void push_components(GQueue *queue, const char *path)
{
        g_auto(GStrv) parts = g_strsplit(path, "/", -1);

        for (guint i = g_strv_length(parts); i > 0; i--)
                if (*parts[i - 1] && strcmp(parts[i - 1], ".") != 0)
                        g_queue_push_head(queue, g_strdup(parts[i - 1]));
}

static void strip_last(GString *path)
{
        const char *slash = strrchr(path->str, '/');

        g_string_truncate(path, slash ? (gsize)(slash - path->str) : 0);
}

/* Follow the absolute @path through symlinks. All names that it has on the way once its directory is real go to @names, as
 * patterns; the last of them is the real one. */
static void walk(Resolver *r, const char *path, GPtrArray *names)
{
        g_autoptr(GString) current = g_string_new(NULL);
        GQueue queue = G_QUEUE_INIT;
        unsigned n_links = 0;

        push_components(&queue, path);
        while (!g_queue_is_empty(&queue)) {
                g_autofree char *part = g_queue_pop_head(&queue), *name = NULL;
                const char *target, *proc;

                if (strcmp(part, "..") == 0) {
                        strip_last(current);
                        continue;
                }
                name = g_strdup_printf("%s/%s", current->str, part);
                proc = proc_pattern(name);
                if (proc || g_str_has_prefix(name, "/proc/")) {
                        g_autofree char *escaped = proc ? NULL : pattern_escape(name);

                        g_ptr_array_add(names, join_rest(proc ?: escaped, &queue));
                        g_queue_clear_full(&queue, g_free);
                        return;
                }

                target = resolver_readlink(r, name);
                if (!target) {
                        g_string_assign(current, name);
                        continue;
                }
                if (++n_links > SYMLINKS_MAX) {
                        g_queue_clear_full(&queue, g_free);
                        return;
                }
                if (g_queue_is_empty(&queue))
                        g_ptr_array_add(names, pattern_escape(name));
                if (target[0] == '/')
                        g_string_truncate(current, 0);
                push_components(&queue, target);
        }

        g_ptr_array_add(names, pattern_escape(current->len ? current->str : "/"));
}

/* ---- patterns -------------------------------------------------------------------------------------------------------------- */

/* One substitution that a rule's patterns went through: a path and what it leads to, both as patterns. */
typedef struct Move {
        char *from, *to;
} Move;

static void move_free(void *p)
{
        Move *m = p;

        g_free(m->from);
        g_free(m->to);
        g_free(m);
}

typedef struct Widening {
        Resolver *resolver;
        GPtrArray *aliases; /* of PathAlias; the rule's */
        GPtrArray *moves;   /* of Move */
        GHashTable *known;  /* patterns that the list has, and what their braces stand for */
        GPtrArray *list;    /* of char *: the new list */
} Widening;

static void add_pattern(Widening *w, const char *from, const char *to)
{
        PathAlias *a;

        if (g_hash_table_contains(w->known, to) || w->list->len >= ADDED_MAX || strlen(to) > POLICY_PATTERN_BYTES_MAX)
                return;

        g_ptr_array_add(w->list, g_strdup(to));
        g_hash_table_add(w->known, g_strdup(to));
        a = g_new0(PathAlias, 1);
        a->from = g_strdup(from);
        a->to = g_strdup(to);
        g_ptr_array_add(w->aliases, a);
}

/* Split the pattern @p (without braces) into the path of its literal beginning, whole components only, and the rest.
 * Return: false if there is nothing to follow. */
static bool split_literal(const char *p, char **ret_path, char **ret_rest)
{
        size_t used;
        g_autofree char *literal = pattern_literal(p, &used), *tail = NULL;
        char *slash;

        if (literal[0] != '/')
                return false;
        if (!p[used]) {
                *ret_path = g_steal_pointer(&literal);
                *ret_rest = g_strdup("");
                return true;
        }

        slash = strrchr(literal, '/');
        tail = pattern_escape(slash);
        if (slash == literal)
                return false;
        *slash = '\0';
        *ret_path = g_steal_pointer(&literal);
        *ret_rest = g_strconcat(tail, p + used, NULL);
        return true;
}

static void widen_one(Widening *w, const char *written, const char *p)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *path = NULL, *rest = NULL, *from = NULL;

        if (!split_literal(p, &path, &rest))
                return;
        walk(w->resolver, path, names);
        from = pattern_escape(path);

        for (guint i = 0; i < names->len; i++) {
                const char *name = names->pdata[i];
                g_autofree char *to = NULL;
                Move *m;

                /* Of a directory only what it really is counts: nothing below it has the names in between. */
                if (strcmp(name, from) == 0 || (*rest && i + 1 < names->len))
                        continue;
                to = strcmp(name, "/") == 0 && *rest ? g_strdup(rest) : g_strconcat(name, rest, NULL);
                add_pattern(w, written, to);
                m = g_new0(Move, 1);
                m->from = g_strdup(from);
                m->to = g_strdup(name);
                g_ptr_array_add(w->moves, m);
        }
}

static void widen(Widening *w, char ***patterns)
{
        char **old = *patterns;

        for (char **p = old; p && *p; p++) {
                g_ptr_array_add(w->list, g_strdup(*p));
                g_hash_table_add(w->known, g_strdup(*p));
        }
        for (int follow = 0; follow <= 1; follow++)
                for (char **p = old; p && *p; p++) {
                        g_auto(GStrv) alternatives = NULL;

                        if (pattern_expand(*p, ALTERNATIVES_MAX, &alternatives) < 0)
                                continue;
                        for (char **a = alternatives; *a; a++)
                                if (follow)
                                        widen_one(w, *p, *a);
                                else
                                        g_hash_table_add(w->known, g_strdup(*a));
                }
}

/* The directory right below "/" that @p is in, if that is a symlink: what @p is then. */
static char *move_top(Widening *w, const char *p)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *top = NULL;
        const char *end;

        if (p[0] != '/')
                return NULL;
        end = p + 1 + strcspn(p + 1, "/");
        top = g_strndup(p, (gsize)(end - p));
        if (strpbrk(top, "*?[{\\") || !resolver_readlink(w->resolver, top))
                return NULL;

        walk(w->resolver, top, names);
        if (names->len == 0)
                return NULL;
        return g_strconcat(names->pdata[names->len - 1], end, NULL);
}

/* Exceptions follow only what the rule's own patterns followed, and links directly below "/". */
static void widen_except(Widening *w, char ***patterns, const Rule *r, Diag *d)
{
        char **old = *patterns;

        for (char **p = old; p && *p; p++) {
                g_ptr_array_add(w->list, g_strdup(*p));
                g_hash_table_add(w->known, g_strdup(*p));
        }
        for (char **p = old; p && *p; p++) {
                g_autofree char *moved = move_top(w, *p), *path = NULL, *rest = NULL;
                g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
                guint before = w->list->len;

                for (guint i = 0; i < w->moves->len; i++) {
                        const Move *m = w->moves->pdata[i];
                        size_t n = strlen(m->from);

                        if (strncmp(*p, m->from, n) == 0 && ((*p)[n] == '/' || !(*p)[n])) {
                                g_autofree char *to = g_strconcat(m->to, *p + n, NULL);

                                add_pattern(w, *p, to);
                        }
                }
                if (moved)
                        add_pattern(w, *p, moved);

                if (w->list->len > before || !split_literal(*p, &path, &rest))
                        continue;
                walk(w->resolver, path, names);
                if (names->len > 0 && !g_str_has_prefix(*p, names->pdata[names->len - 1]))
                        diag_warning(d, &r->pos, "symlink",
                                     "the exception '%s' leads through a symlink to '%s%s', which is not excepted; write that path "
                                     "if it is meant",
                                     *p, (const char *)names->pdata[names->len - 1], rest);
        }
}

static void commit(Widening *w, char ***patterns)
{
        if (w->list->len > 0) {
                g_ptr_array_add(w->list, NULL);
                g_strfreev(*patterns);
                *patterns = (char **)g_ptr_array_steal(w->list, NULL);
        }
        g_hash_table_remove_all(w->known);
}

/* Addresses that are socket files get theirs beside them, as more addresses. */
static void widen_sockets(Widening *w, GPtrArray *addresses)
{
        guint n = addresses->len;

        for (guint i = 0; i < n; i++) {
                const NetAddress *a = addresses->pdata[i];
                g_auto(GStrv) patterns = NULL;

                if (a->kind != NET_ADDRESS_UNIX)
                        continue;
                patterns = g_new0(char *, 2);
                patterns[0] = g_strdup(a->path);
                widen(w, &patterns);
                commit(w, &patterns);
                for (char **p = patterns + 1; *p; p++) {
                        NetAddress *more = g_new0(NetAddress, 1);

                        more->kind = NET_ADDRESS_UNIX;
                        more->path = g_strdup(*p);
                        g_ptr_array_add(addresses, more);
                }
        }
}

static void resolve_rule(Resolver *resolver, Rule *r, Diag *d)
{
        g_autoptr(GPtrArray) aliases = g_ptr_array_new_with_free_func((GDestroyNotify)path_alias_free);
        g_autoptr(GPtrArray) moves = g_ptr_array_new_with_free_func(move_free), list = g_ptr_array_new();
        g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        Widening w = {.resolver = resolver, .aliases = aliases, .moves = moves, .known = known, .list = list};

        if (r->as_seen)
                return;
        if (r->kind == OP_FILE) {
                widen(&w, &r->file.patterns);
                commit(&w, &r->file.patterns);
                widen_except(&w, &r->file.except, r, d);
                commit(&w, &r->file.except);
        }
        if (r->kind == OP_EGRESS || r->kind == OP_INGRESS)
                widen_sockets(&w, r->net.addresses);
        widen(&w, &r->targets);
        commit(&w, &r->targets);

        if (aliases->len > 0)
                r->aliases = g_steal_pointer(&aliases);
}

void policy_resolve_paths(Policy *p, PathReadlink reader, void *userdata, Diag *d)
{
        g_autoptr(GHashTable) cache = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        Resolver resolver = {.readlink = reader ?: real_readlink, .userdata = userdata, .cache = cache};

        g_return_if_fail(!p->sealed);
        for (guint i = 0; i < p->rules->len; i++)
                resolve_rule(&resolver, p->rules->pdata[i], d);
}
