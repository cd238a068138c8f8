/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See attached.h. */

#include "attached.h"

#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attachment.h"
#include "bpf/table.h"
#include "bpf/targets.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

#define TEXT_BYTES_MAX 4096U
#define UNKNOWN "<unknown>" /* what the kernel says of a pattern that it was not told */

typedef struct AttachedProfile {
        char *name;
        char *pattern;          /* NULL: the kernel does not say it, */
        Attachment *attachment; /* and it is this */
        GBytes *table; /* NULL: the pattern is a path */
} AttachedProfile;

struct Attached {
        char *root;
        GPtrArray *profiles; /* of AttachedProfile */
};

static void profile_done(AttachedProfile *p)
{
        g_free(p->name);
        g_free(p->pattern);
        g_clear_pointer(&p->attachment, attachment_free);
        g_clear_pointer(&p->table, g_bytes_unref);
        g_free(p);
}

void attached_free(Attached *a)
{
        if (!a)
                return;
        g_ptr_array_unref(a->profiles);
        g_free(a->root);
        g_free(a);
}

/* NULL: it cannot be read, or is longer than anything of the kind. */
static char *read_line(const char *dir, const char *name, const char *file)
{
        g_autofree char *path = g_strconcat(dir, "/", name, "/", file, NULL), *text = NULL;
        gsize size;

        if (!g_file_get_contents(path, &text, &size, NULL) || size > TEXT_BYTES_MAX)
                return NULL;
        text[strcspn(text, "\n")] = '\0';
        return g_steal_pointer(&text);
}

static GBytes *compile(const char *pattern)
{
        const TargetsEntry e = {.patterns = (char *[]){(char *)pattern, NULL}};
        g_autoptr(Diag) ignored = diag_new();
        GBytes *table = NULL;

        return targets_compile(&e, 1, &table, ignored) < 0 ? NULL : table;
}

static Attachment *read_attachment(const char *dir, const char *entry, const char *name)
{
        g_autofree char *path = g_strconcat(dir, "/", entry, "/raw_data", NULL), *data = NULL;
        gsize size;

        return g_file_get_contents(path, &data, &size, NULL) ? attachment_read((const uint8_t *)data, size, name) : NULL;
}

static void add_profile(Attached *a, const char *dir, const char *entry)
{
        g_autofree char *name = read_line(dir, entry, "name"), *pattern = name ? read_line(dir, entry, "attach") : NULL;
        Attachment *attachment = NULL;
        AttachedProfile *p;

        if (!pattern || g_str_has_prefix(name, "varmor."))
                return;
        if (strcmp(pattern, UNKNOWN) == 0) {
                attachment = read_attachment(dir, entry, name);
                g_clear_pointer(&pattern, g_free);
        }
        /* One that only enters by name has that for its pattern. */
        if (pattern ? *pattern != '/' : !attachment)
                return;
        p = g_new0(AttachedProfile, 1);
        p->attachment = attachment;
        p->table = pattern && strpbrk(pattern, "*?[{\\") ? compile(pattern) : NULL;
        p->name = g_steal_pointer(&name);
        p->pattern = g_steal_pointer(&pattern);
        g_ptr_array_add(a->profiles, p);
}

Attached *attached_new(const char *root)
{
        Attached *a = g_new0(Attached, 1);
        g_autofree char *dir = g_strconcat(root, ATTACHED_DIR, NULL);
        g_autoptr(DIR) d = opendir(dir);
        const struct dirent *e;

        a->root = g_strdup(root);
        a->profiles = g_ptr_array_new_with_free_func((GDestroyNotify)profile_done);
        while (d && (e = readdir(d)) && a->profiles->len < ATTACHED_MAX)
                if (*e->d_name != '.')
                        add_profile(a, dir, e->d_name);
        return a;
}

/* Without symlinks, below the root; as it is if there is nothing. */
static char *real_path(const Attached *a, const char *path)
{
        g_autofree char *full = g_strconcat(a->root, path, NULL);
        char *real = realpath(full, NULL), *result;
        size_t n = strlen(a->root);

        result = g_strdup(real && strncmp(real, a->root, n) == 0 ? real + n : path);
        free(real);
        return result;
}

static char *look_for(const Attached *a, const char *name)
{
        static const char *const dirs[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};

        for (size_t i = 0; i < G_N_ELEMENTS(dirs); i++) {
                g_autofree char *full = g_strconcat(a->root, dirs[i], "/", name, NULL);

                if (access(full, X_OK) == 0)
                        return g_strconcat(dirs[i], "/", name, NULL);
        }
        return NULL;
}

static gboolean matches(const AttachedProfile *p, const char *path)
{
        if (p->attachment)
                return attachment_matches(p->attachment, path);
        if (p->table)
                return table_match_cover(g_bytes_get_data(p->table, NULL), path) != NULL;
        return strcmp(p->pattern, path) == 0;
}

/* How much it says of the path: all of it, or so many bytes of a pattern. */
static size_t says(const AttachedProfile *p)
{
        if (p->attachment)
                return attachment_weight(p->attachment);
        return p->table ? strlen(p->pattern) : SIZE_MAX;
}

const char *attached_find(const Attached *a, const char *path)
{
        g_autofree char *found = *path == '/' ? g_strdup(path) : look_for(a, path), *real = NULL;
        const AttachedProfile *best = NULL;

        if (!found || strchr(found, '%') || a->profiles->len == 0)
                return NULL;
        real = real_path(a, found);
        for (guint i = 0; i < a->profiles->len; i++) {
                const AttachedProfile *p = a->profiles->pdata[i];

                if (!matches(p, real))
                        continue;
                /* As the kernel has it: what says more wins. */
                if (!best || says(p) > says(best))
                        best = p;
        }
        return best ? best->name : NULL;
}
