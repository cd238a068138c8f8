/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Confdir: finds and reads the files of the configuration. Every directory from varmor/ on and every file is opened without
 * following symlinks, and judged by its descriptor: what was checked is what is read. */

#include "confdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "util.h"
#include "yaml-tree.h"

#define FILE_SUFFIX ".yaml"
#define FRAGMENTS_SUFFIX ".yaml.d"

/* By precedence. */
static const char *const tops[] = {"/etc", "/run", "/usr/lib"};
#define N_TOPS G_N_ELEMENTS(tops)
#define RUNTIME_TOP 1

typedef struct Scan {
        const ConfRoots *roots;
        uint64_t bytes;   /* read so far */
        uint32_t n_files;
        Diag *diag;
} Scan;

/* One directory as it exists under each top. */
typedef struct DirSet {
        int fds[N_TOPS];    /* -EBADF: not there, or refused */
        char *paths[N_TOPS]; /* as shown */
} DirSet;

static void dir_set_done(DirSet *s)
{
        for (size_t i = 0; i < N_TOPS; i++) {
                fd_close(s->fds[i]);
                g_free(s->paths[i]);
        }
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DirSet, dir_set_done)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

void conf_file_free(ConfFile *f)
{
        if (!f)
                return;
        g_free(f->name);
        g_clear_pointer(&f->bytes, g_bytes_unref);
        g_clear_pointer(&f->fragments, g_ptr_array_unref);
        g_free(f);
}

static void refuse(const char *path, Diag *d, const char *code, const char *why)
{
        SourcePos pos = {.file = g_intern_string(path)};

        diag_error(d, &pos, code, "%s", why);
}

/* May anybody but the owner of the configuration change what @st describes? @below: the directory that @st is of, if that is
 * not @path itself but one above it; else "". */
static bool trusted(const ConfRoots *roots, const struct stat *st, const char *path, const char *below, Diag *d)
{
        g_autofree char *why = NULL, *where = *below ? g_strdup_printf("is below %s, which ", below) : g_strdup("");

        if (st->st_uid != roots->owner)
                why = g_strdup_printf("%sis owned by uid %u, expected uid %u; it is refused", where, st->st_uid, roots->owner);
        else if (st->st_mode & 022)
                why = g_strdup_printf("%shas mode %04o, expected that only its owner may write; it is refused", where,
                                      st->st_mode & 07777);
        if (!why)
                return true;

        refuse(path, d, "untrusted", why);
        return false;
}

/* ---- directories ----------------------------------------------------------------------------------------------------------- */

/* Open TOP/varmor/SUBDIR. Return: a descriptor; -ENOENT; -EBADMSG, reported. */
static int open_dir(const ConfRoots *roots, const char *path, Diag *d)
{
        autofd int fd = RET_ERRNO(open(roots->root && *roots->root ? roots->root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        g_auto(GStrv) parts = g_strsplit(path + 1, "/", -1);
        g_autoptr(GString) walked = g_string_new(NULL);
        bool ours = false;

        if (fd < 0)
                return fd == -ENOENT ? -ENOENT : -EBADMSG;

        for (char **p = parts; *p; p++) {
                int flags = (p[1] ? O_PATH : O_RDONLY) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
                int next = RET_ERRNO(openat(fd, *p, flags));
                struct stat st;

                if (next == -ENOENT)
                        return -ENOENT;
                if (next < 0) {
                        g_autofree char *why = g_strdup_printf("cannot be opened as a directory: %s", g_strerror(-next));

                        refuse(path, d, "unreadable", why);
                        return -EBADMSG;
                }
                fd_close(fd);
                fd = next;

                ours = ours || strcmp(*p, "varmor") == 0;
                g_string_append_printf(walked, "/%s", *p);
                if (ours && (fstat(fd, &st) < 0 || !trusted(roots, &st, path, p[1] ? walked->str : "", d)))
                        return -EBADMSG;
        }

        return steal_fd(&fd);
}

/* @subdir: "" for varmor/ itself. Directories that are refused become elements of @files (if not NULL). */
static void open_set(const Scan *s, const char *subdir, DirSet *ret, GPtrArray *files)
{
        for (size_t i = 0; i < N_TOPS; i++) {
                ret->paths[i] = g_strdup_printf("%s/varmor%s%s", tops[i], *subdir ? "/" : "", subdir);
                ret->fds[i] = open_dir(s->roots, ret->paths[i], s->diag);
                if (ret->fds[i] == -EBADMSG && files) {
                        ConfFile *f = g_new0(ConfFile, 1);
                        g_autofree char *path = g_strdup_printf("%s/", ret->paths[i]);

                        f->name = g_strdup("");
                        f->path = g_intern_string(path);
                        f->runtime = i == RUNTIME_TOP;
                        g_ptr_array_add(files, f);
                }
        }
}

/* Add the names in one directory that end in @suffix to @names, unless a directory before had them. */
static void list_dir(Scan *s, const DirSet *set, size_t top, const char *suffix, GHashTable *names)
{
        g_autoptr(DIR) dir = NULL;
        int copy;

        if (set->fds[top] < 0)
                return;
        copy = RET_ERRNO(openat(set->fds[top], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (copy < 0 || !(dir = fdopendir(copy))) {
                fd_close(copy);
                refuse(set->paths[top], s->diag, "unreadable", "cannot be listed");
                return;
        }

        for (;;) {
                const struct dirent *e = readdir(dir);
                size_t n;

                if (!e)
                        return;
                n = strlen(e->d_name);
                if (e->d_name[0] == '.' || n <= strlen(suffix) || !g_str_has_suffix(e->d_name, suffix))
                        continue;
                if (g_hash_table_contains(names, e->d_name))
                        continue;
                if (++s->n_files > CONFDIR_FILES_MAX) {
                        if (s->n_files == CONFDIR_FILES_MAX + 1)
                                refuse(set->paths[top], s->diag, "too-large", "has too many files, expected at most 4096 in all");
                        return;
                }
                g_hash_table_insert(names, g_strdup(e->d_name), GSIZE_TO_POINTER(top));
        }
}

/* ---- files ------------------------------------------------------------------------------------------------------------------- */

static GBytes *read_fd(Scan *s, int fd, const char *path, off_t size)
{
        g_autofree char *text = g_malloc((size_t)size + 1);
        size_t n = 0;

        /* The file may have changed its size since: never more than was allowed, and no less is an error either. */
        while (n < (size_t)size) {
                ssize_t k = read(fd, text + n, (size_t)size - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0) {
                        g_autofree char *why = g_strdup_printf("cannot be read: %s", g_strerror(errno));

                        refuse(path, s->diag, "unreadable", why);
                        return NULL;
                }
                if (k == 0)
                        break;
                n += (size_t)k;
        }

        s->bytes += n;
        return g_bytes_new_take(g_steal_pointer(&text), n);
}

/* Return: the bytes, or NULL with the reason reported. @ret_masked: it is a symlink to /dev/null. */
static GBytes *read_file(Scan *s, int dir_fd, const char *name, const char *path, bool *ret_masked)
{
        g_autofree char *why = NULL;
        autofd int fd = -EBADF;
        char link[sizeof("/dev/null") + 1];
        ssize_t n;
        struct stat st;

        *ret_masked = false;
        n = readlinkat(dir_fd, name, link, sizeof(link));
        if (n >= 0) {
                *ret_masked = n == strlen("/dev/null") && memcmp(link, "/dev/null", (size_t)n) == 0;
                if (!*ret_masked)
                        refuse(path, s->diag, "untrusted",
                               "is a symlink, expected a regular file (or a symlink to /dev/null, to mask it); it is refused");
                return NULL;
        }

        fd = RET_ERRNO(openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        if (fd < 0 || fstat(fd, &st) < 0) {
                why = g_strdup_printf("cannot be opened: %s", g_strerror(fd < 0 ? -fd : errno));
                refuse(path, s->diag, "unreadable", why);
                return NULL;
        }
        if (!S_ISREG(st.st_mode)) {
                refuse(path, s->diag, "untrusted", "is not a regular file; it is refused");
                return NULL;
        }
        if (!trusted(s->roots, &st, path, "", s->diag))
                return NULL;
        if (st.st_size > YAML_BYTES_MAX) {
                why = g_strdup_printf("has %jd bytes, expected at most %u", (intmax_t)st.st_size, YAML_BYTES_MAX);
                refuse(path, s->diag, "too-large", why);
                return NULL;
        }
        if (s->bytes + (uint64_t)st.st_size > CONFDIR_BYTES_MAX) {
                refuse(path, s->diag, "too-large", "is one too many: all files together have more than 64 MiB");
                return NULL;
        }

        return read_fd(s, fd, path, st.st_size);
}

/* The file @name of @set. NULL: masked. */
static ConfFile *load_file(Scan *s, const DirSet *set, size_t top, const char *name)
{
        g_autofree char *path = g_strdup_printf("%s/%s", set->paths[top], name);
        g_autoptr(ConfFile) f = g_new0(ConfFile, 1);
        bool masked;

        f->name = g_strdup(name);
        f->path = g_intern_string(path);
        f->runtime = top == RUNTIME_TOP;
        f->bytes = read_file(s, set->fds[top], name, path, &masked);

        return masked ? NULL : g_steal_pointer(&f);
}

static int compare_names(const void *a, const void *b)
{
        const char *const *x = a, *const *y = b;

        return strcmp(*x, *y);
}

/* All files that count in @set, by name. @masked: gets the names of those that are hidden; may be NULL. */
static void load_set(Scan *s, const DirSet *set, GPtrArray *files, GHashTable *masked)
{
        g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autofree const char **sorted = NULL;
        guint n;

        for (size_t i = 0; i < N_TOPS; i++)
                list_dir(s, set, i, FILE_SUFFIX, names);

        sorted = (const char **)g_hash_table_get_keys_as_array(names, &n);
        qsort(sorted, n, sizeof(*sorted), compare_names);
        for (guint i = 0; i < n; i++) {
                size_t top = GPOINTER_TO_SIZE(g_hash_table_lookup(names, sorted[i]));
                ConfFile *f = load_file(s, set, top, sorted[i]);

                if (f)
                        g_ptr_array_add(files, f);
                else if (masked)
                        g_hash_table_add(masked, g_strdup(sorted[i]));
        }
}

static GPtrArray *load_fragments(Scan *s, const char *subdir, const char *name)
{
        g_autoptr(GPtrArray) fragments = g_ptr_array_new_with_free_func((GDestroyNotify)conf_file_free);
        g_autofree char *dir = g_strdup_printf("%s%s%s.d", subdir, *subdir ? "/" : "", name);
        g_auto(DirSet) set = {.fds = {-EBADF, -EBADF, -EBADF}};

        open_set(s, dir, &set, fragments);
        load_set(s, &set, fragments, NULL);
        return g_steal_pointer(&fragments);
}

/* Fragments whose file is not there would be without effect and without a word. */
static void warn_orphans(Scan *s, const DirSet *set, const GPtrArray *files, GHashTable *masked)
{
        g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        GHashTableIter i;
        void *key, *value;

        for (size_t top = 0; top < N_TOPS; top++)
                list_dir(s, set, top, FRAGMENTS_SUFFIX, names);
        for (guint k = 0; k < files->len; k++) {
                g_autofree char *dir = g_strdup_printf("%s.d", ((const ConfFile *)files->pdata[k])->name);

                g_hash_table_remove(names, dir);
        }

        g_hash_table_iter_init(&i, names);
        while (g_hash_table_iter_next(&i, &key, &value)) {
                g_autofree char *path = g_strdup_printf("%s/%s", set->paths[GPOINTER_TO_SIZE(value)], (char *)key);
                g_autofree char *name = g_strndup(key, strlen(key) - strlen(".d"));
                SourcePos pos = {.file = g_intern_string(path)};

                if (!g_hash_table_contains(masked, name))
                        diag_warning(s->diag, &pos, "no-effect", "has no effect: there is no %s that its fragments could change", name);
        }
}

int confdir_read(const ConfRoots *roots, const char *subdir, GPtrArray **ret, Diag *d)
{
        g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)conf_file_free);
        g_autoptr(GHashTable) masked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_auto(DirSet) set = {.fds = {-EBADF, -EBADF, -EBADF}};
        Scan s = {.roots = roots, .diag = d};
        uint32_t errors = d->n_errors;

        open_set(&s, subdir, &set, files);
        load_set(&s, &set, files, masked);
        for (guint i = 0; i < files->len; i++) {
                ConfFile *f = files->pdata[i];

                if (*f->name)
                        f->fragments = load_fragments(&s, subdir, f->name);
        }

        warn_orphans(&s, &set, files, masked);

        *ret = g_steal_pointer(&files);
        return d->n_errors > errors ? -EBADMSG : 0;
}

int confdir_read_one(const ConfRoots *roots, const char *name, ConfFile **ret, Diag *d)
{
        g_autoptr(ConfFile) f = NULL;
        g_auto(DirSet) set = {.fds = {-EBADF, -EBADF, -EBADF}};
        Scan s = {.roots = roots, .diag = d};
        uint32_t errors = d->n_errors;
        bool found = false;

        open_set(&s, "", &set, NULL);
        for (size_t i = 0; i < N_TOPS && !found; i++) {
                struct stat st;

                found = set.fds[i] >= 0 && fstatat(set.fds[i], name, &st, AT_SYMLINK_NOFOLLOW) == 0;
                if (found)
                        f = load_file(&s, &set, i, name);
        }

        if (!f && !found) {
                g_autofree char *path = g_strdup_printf("%s/varmor/%s", tops[0], name);

                f = g_new0(ConfFile, 1);
                f->name = g_strdup(name);
                f->path = g_intern_string(path);
                f->bytes = g_bytes_new(NULL, 0);
        }
        if (f) {
                f->fragments = load_fragments(&s, "", name);
                if (!found && f->fragments->len == 0)
                        g_clear_pointer(&f, conf_file_free);
        }

        *ret = g_steal_pointer(&f);
        return d->n_errors > errors ? -EBADMSG : 0;
}
