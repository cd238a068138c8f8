/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See unit-files.h. */

#include "unit-files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit-name.h"
#include "util.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

/* systemd-analyze unit-paths, v252 */
static const char *const search_path[] = {
        "/etc/systemd/system.control",   "/run/systemd/system.control",    "/run/systemd/transient",
        "/run/systemd/generator.early",  "/etc/systemd/system",            "/etc/systemd/system.attached",
        "/run/systemd/system",           "/run/systemd/system.attached",   "/run/systemd/generator",
        "/usr/local/lib/systemd/system", "/lib/systemd/system",            "/usr/lib/systemd/system",
        "/run/systemd/generator.late",
};
#define TRANSIENT "/run/systemd/transient"
/* unit_ids_map_get() */
#define ALIAS_HOPS_MAX 16U
#define OWN_SUFFIX "-varmor.conf"

/* One name in one of the directories: a file, or the name of another unit. */
typedef struct Entry {
        char *path;
        char *alias;
} Entry;

struct UnitFiles {
        char *root, *own;
        GHashTable *names;   /* name -> Entry */
        GHashTable *aliases; /* name -> GPtrArray of names that lead to it, borrowed */
        GHashTable *dirs;    /* set of paths of directories of drop-ins, with root */
        GHashTable *dressed; /* set of instances that have nothing of their own but drop-ins */
        bool overflow;
};

static void entry_free(Entry *e)
{
        g_free(e->path);
        g_free(e->alias);
        g_free(e);
}

void unit_files_free(UnitFiles *f)
{
        if (!f)
                return;
        g_hash_table_unref(f->aliases);
        g_hash_table_unref(f->names);
        g_hash_table_unref(f->dirs);
        g_hash_table_unref(f->dressed);
        g_free(f->root);
        g_free(f->own);
        g_free(f);
}

/* ---- names ------------------------------------------------------------------------------------------------------------- */

/* "/a/b/../c" -> "/a/c", by the text alone. */
static char *simplify(const char *dir, const char *target)
{
        g_autofree char *joined = *target == '/' ? g_strdup(target) : g_strconcat(dir, "/", target, NULL);
        g_auto(GStrv) parts = g_strsplit(joined, "/", -1);
        g_autoptr(GPtrArray) kept = g_ptr_array_new();
        g_autofree char *path = NULL;

        for (char **p = parts; *p; p++) {
                if (strcmp(*p, "..") == 0) {
                        if (kept->len > 0)
                                g_ptr_array_set_size(kept, (int)kept->len - 1);
                } else if (**p && strcmp(*p, ".") != 0)
                        g_ptr_array_add(kept, *p);
        }
        g_ptr_array_add(kept, NULL);
        path = g_strjoinv("/", (char **)kept->pdata);
        return g_strconcat("/", path, NULL);
}

/* Where the symlink at @path (in @dir) leads to, if that is another unit: its name, to be freed. */
static char *alias_of(const char *path, const char *dir, const char *name)
{
        char target[PATH_MAX];
        g_autofree char *real = NULL, *parent = NULL, *base = NULL;
        ssize_t n = readlink(path, target, sizeof(target) - 1);

        if (n <= 0)
                return NULL;
        target[n] = '\0';
        real = simplify(dir, target);
        parent = g_path_get_dirname(real);
        base = g_path_get_basename(real);
        for (size_t i = 0; i < G_N_ELEMENTS(search_path); i++)
                if (strcmp(parent, search_path[i]) == 0 && strcmp(base, name) != 0 && unit_name_is_service(base))
                        return g_steal_pointer(&base);
        return NULL; /* a linked unit, or a mask */
}

static void add_name(UnitFiles *f, const char *dir, const char *path, const struct dirent *d)
{
        Entry *e;

        if (g_hash_table_contains(f->names, d->d_name))
                return;
        if (g_hash_table_size(f->names) >= UNIT_FILES_MAX) {
                f->overflow = true;
                return;
        }
        e = g_new0(Entry, 1);
        e->alias = alias_of(path, dir, d->d_name);
        e->path = g_strdup(path);
        g_hash_table_insert(f->names, g_strdup(d->d_name), e);
}

static void read_dir(UnitFiles *f, const char *dir)
{
        g_autofree char *full = g_strconcat(f->root, dir, NULL);
        g_autoptr(DIR) d = opendir(full);
        const struct dirent *e;

        while (d && (e = readdir(d))) {
                g_autofree char *path = g_strconcat(full, "/", e->d_name, NULL);

                if (g_str_has_suffix(e->d_name, ".d")) {
                        if (g_hash_table_size(f->dirs) < UNIT_FILES_MAX)
                                g_hash_table_add(f->dirs, g_steal_pointer(&path));
                        else
                                f->overflow = true;
                } else if (e->d_type != DT_DIR && unit_name_is_service(e->d_name))
                        add_name(f, dir, path, e);
        }
}

static const Entry *look_up(const UnitFiles *f, const char *name, const char **ret_name)
{
        const Entry *e = g_hash_table_lookup(f->names, name);

        for (unsigned hops = 0; e && e->alias; hops++) {
                if (hops >= ALIAS_HOPS_MAX)
                        return NULL;
                name = e->alias;
                e = g_hash_table_lookup(f->names, name);
        }
        *ret_name = name;
        return e;
}

/* A link from an instance to its own template gives that instance, not an alias. */
static bool is_own_template(const char *name, const char *target)
{
        g_autofree char *template = unit_name_is_instance(name) ? unit_name_template(name) : NULL;

        return template && strcmp(template, target) == 0;
}

static void find_aliases(UnitFiles *f)
{
        GHashTableIter i;
        gpointer key, value;

        g_hash_table_iter_init(&i, f->names);
        while (g_hash_table_iter_next(&i, &key, &value)) {
                const Entry *e = value;
                g_autofree char *instance = NULL, *owner = NULL;
                const char *target;
                GPtrArray *list;

                if (!e->alias || !look_up(f, key, &target) || is_own_template(key, target))
                        continue;
                /* "a@x.service" -> "b@.service" is another name of "b@x.service". */
                instance = unit_name_dup_instance(key);
                owner = instance && unit_name_is_template(target) ? unit_name_instantiate(target, instance) : g_strdup(target);
                list = g_hash_table_lookup(f->aliases, owner);
                if (!list) {
                        list = g_ptr_array_new();
                        g_hash_table_insert(f->aliases, g_steal_pointer(&owner), list);
                }
                g_ptr_array_add(list, key);
        }
}

static void find_dressed(UnitFiles *f)
{
        GHashTableIter i;
        gpointer key;

        g_hash_table_iter_init(&i, f->dirs);
        while (g_hash_table_iter_next(&i, &key, NULL)) {
                const char *base = strrchr(key, '/') + 1, *target;
                g_autofree char *name = g_strndup(base, strlen(base) - strlen(".d")), *template = NULL;

                if (!unit_name_is_service(name) || !unit_name_is_instance(name) || g_hash_table_contains(f->names, name))
                        continue;
                template = unit_name_template(name);
                if (look_up(f, template, &target) && strcmp(target, template) == 0)
                        g_hash_table_add(f->dressed, g_steal_pointer(&name));
        }
}

UnitFiles *unit_files_new(const char *root, const char *own)
{
        UnitFiles *f = g_new0(UnitFiles, 1);

        f->root = g_strdup(root);
        f->own = g_strconcat(root, own, "/", NULL);
        f->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)entry_free);
        f->aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
        f->dirs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        f->dressed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(search_path); i++)
                read_dir(f, search_path[i]);
        find_aliases(f);
        find_dressed(f);
        return f;
}

bool unit_files_overflow(const UnitFiles *f)
{
        return f->overflow;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **unit_files_names(const UnitFiles *f)
{
        g_autoptr(GHashTable) all = g_hash_table_new(g_str_hash, g_str_equal);
        GHashTableIter i;
        gpointer key, value;
        const char **names;
        guint n;

        g_hash_table_iter_init(&i, f->names);
        while (g_hash_table_iter_next(&i, &key, &value)) {
                const Entry *e = value;
                const char *target;

                if (!e->alias || (look_up(f, key, &target) && is_own_template(key, target)))
                        g_hash_table_add(all, key);
        }
        g_hash_table_iter_init(&i, f->aliases);
        while (g_hash_table_iter_next(&i, &key, &value))
                if (unit_name_is_instance(key))
                        g_hash_table_add(all, key);
        g_hash_table_iter_init(&i, f->dressed);
        while (g_hash_table_iter_next(&i, &key, NULL))
                g_hash_table_add(all, key);
        names = (const char **)g_hash_table_get_keys_as_array(all, &n);
        qsort(names, n, sizeof(*names), compare_names);
        return names;
}

/* ---- drop-ins ---------------------------------------------------------------------------------------------------------- */

/* Adds what lies in @dir and is not there by that name yet. */
static int add_files(const UnitFiles *f, const char *dir, GHashTable *files)
{
        g_autoptr(DIR) d = opendir(dir);
        const struct dirent *e;

        while (d && (e = readdir(d))) {
                /* Ours of the last time, where nobody has taken it away. */
                if (!g_str_has_suffix(e->d_name, ".conf") || *e->d_name == '.' || e->d_type == DT_DIR ||
                    (g_str_has_prefix(dir, f->own) && g_str_has_suffix(e->d_name, OWN_SUFFIX)))
                        continue;
                if (g_hash_table_contains(files, e->d_name))
                        continue;
                if (g_hash_table_size(files) >= UNIT_DROPINS_MAX)
                        return -E2BIG;
                g_hash_table_insert(files, g_strdup(e->d_name), g_strconcat(dir, "/", e->d_name, NULL));
        }
        return 0;
}

static int add_dirs(const UnitFiles *f, char **dirs, GHashTable *files)
{
        for (size_t i = 0; i < G_N_ELEMENTS(search_path); i++)
                for (char **dir = dirs; *dir; dir++) {
                        g_autofree char *path = g_strconcat(f->root, search_path[i], "/", *dir, NULL);

                        if (g_hash_table_contains(f->dirs, path) && add_files(f, path, files) < 0)
                                return -E2BIG;
                }
        return 0;
}

static int add_dirs_of(const UnitFiles *f, const char *name, GHashTable *files)
{
        g_auto(GStrv) dirs = unit_name_dropin_dirs(name);

        return add_dirs(f, dirs, files);
}

/* conf_files_list_strv(): each name once, in the order of the names. */
static int find_dropins(const UnitFiles *f, const char *name, char ***ret)
{
        g_autoptr(GHashTable) files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_autofree char *template = unit_name_is_instance(name) ? unit_name_template(name) : NULL;
        g_autofree char *instance = unit_name_dup_instance(name);
        const GPtrArray *aliases = g_hash_table_lookup(f->aliases, name);
        char *all[] = {"service.d", NULL};
        g_autofree const char **names = NULL;
        char **dropins;
        int r;
        guint n;

        r = add_dirs_of(f, name, files);
        for (guint i = 0; r >= 0 && aliases && i < aliases->len; i++)
                r = add_dirs_of(f, aliases->pdata[i], files);
        aliases = template ? g_hash_table_lookup(f->aliases, template) : NULL;
        for (guint i = 0; r >= 0 && aliases && i < aliases->len; i++) {
                g_autofree char *alias = unit_name_is_template(aliases->pdata[i])
                                                 ? unit_name_instantiate(aliases->pdata[i], instance)
                                                 : NULL;

                if (alias)
                        r = add_dirs_of(f, alias, files);
        }
        if (r >= 0)
                r = add_dirs(f, all, files);
        if (r < 0)
                return r;
        names = (const char **)g_hash_table_get_keys_as_array(files, &n);
        qsort(names, n, sizeof(*names), compare_names);
        dropins = g_new0(char *, n + 1);
        for (guint i = 0; i < n; i++)
                dropins[i] = g_strdup(g_hash_table_lookup(files, names[i]));
        *ret = dropins;
        return 0;
}

/* ---- one unit ---------------------------------------------------------------------------------------------------------- */

void unit_source_free(UnitSource *s)
{
        if (!s)
                return;
        g_free(s->path);
        g_strfreev(s->dropins);
        g_free(s);
}

static bool is_mask(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_size == 0);
}

int unit_files_find(const UnitFiles *f, const char *name, UnitSource **ret)
{
        g_autoptr(UnitSource) s = g_new0(UnitSource, 1);
        g_autofree char *template = unit_name_is_instance(name) ? unit_name_template(name) : NULL, *transient = NULL;
        const char *target;
        const Entry *e = look_up(f, name, &target);
        int r;

        if (!e && template)
                e = look_up(f, template, &target);
        if (!e)
                return -ENOENT;
        if (is_mask(e->path))
                return -ERFKILL;
        transient = g_strconcat(f->root, TRANSIENT "/", NULL);
        s->path = g_strdup(e->path);
        s->transient = g_str_has_prefix(e->path, transient);
        r = find_dropins(f, name, &s->dropins);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&s);
        return 0;
}

/* Return: 0; -EFBIG; another negative errno. */
static int read_file(const char *path, GBytes **ret)
{
        autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        g_autofree char *data = NULL;
        size_t size = 0;
        struct stat st;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode)) { /* /dev/null masks */
                *ret = g_bytes_new(NULL, 0);
                return 0;
        }
        if (st.st_size > (off_t)UNIT_FILE_BYTES_MAX)
                return -EFBIG;
        data = g_malloc((gsize)st.st_size + 1);
        while (size < (size_t)st.st_size) {
                ssize_t n = read(fd, data + size, (size_t)st.st_size - size);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0)
                        break;
                if (n > 0)
                        size += (size_t)n;
        }
        *ret = g_bytes_new_take(g_steal_pointer(&data), size);
        return 0;
}

static int add_file(UnitText *text, const char *path, bool own)
{
        g_autoptr(GBytes) bytes = NULL;
        gsize size;
        const char *data;
        int r = read_file(path, &bytes);

        if (r < 0)
                return own || r == -EFBIG ? r : 0; /* a drop-in that cannot be read is left out by systemd, too */
        data = g_bytes_get_data(bytes, &size);
        r = unit_text_add(text, data ? data : "", size);
        return r < 0 && own ? -EBADMSG : 0;
}

int unit_source_read(const UnitSource *s, UnitText **ret)
{
        g_autoptr(UnitText) text = unit_text_new();
        int r = add_file(text, s->path, true);

        for (char **d = s->dropins; r >= 0 && *d; d++)
                r = add_file(text, *d, false);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&text);
        return 0;
}
