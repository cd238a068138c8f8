/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Labels: which policies cover which cgroup. New cgroups are labelled by the programs; here the existing ones are, by the same
 * automaton, whenever it changes, and their processes get the identity that others get at their first operation. */

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "internal.h"
#include "match.bpf.h"
#include "table.h"
#include "util.h"

/* A cgroup's id is its inode number, where that has 64 bits (kernfs_id_ino() in include/linux/kernfs.h). */
_Static_assert(sizeof(ino_t) == sizeof(uint64_t), "cgroup ids are 64-bit inode numbers");

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

/* ---- launchers --------------------------------------------------------------------------------------------------- */

static struct va_launcher launcher_of(const struct stat *st)
{
        return (struct va_launcher){.ino = st->st_ino, .dev = major(st->st_dev) << 20 | minor(st->st_dev)};
}

/* Adds the file at @path to @keys, if it is one that only root could have put there. */
static void launcher_find(const char *path, GArray *keys)
{
        struct va_launcher key;
        struct stat st;

        if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
                return;
        key = launcher_of(&st);
        if (keys->len < VA_LAUNCHERS_MAX / 2)
                g_array_append_val(keys, key);
}

static bool launcher_in(const GArray *keys, const struct va_launcher *key)
{
        for (guint i = 0; i < keys->len; i++)
                if (memcmp(&g_array_index(keys, struct va_launcher, i), key, sizeof(*key)) == 0)
                        return true;
        return false;
}

/* Entries of files that are gone must go, too: their inode numbers come back, maybe as the workload's program. */
static int launchers_drop_others(int map, const GArray *keys)
{
        g_autoptr(GArray) old = g_array_new(FALSE, FALSE, sizeof(struct va_launcher));
        struct va_launcher key, *previous = NULL;

        while (bpf_map_get_next_key(map, previous, &key) >= 0 && old->len < VA_LAUNCHERS_MAX) {
                g_array_append_val(old, key);
                previous = &g_array_index(old, struct va_launcher, old->len - 1);
        }
        for (guint i = 0; i < old->len; i++) {
                const struct va_launcher *o = &g_array_index(old, struct va_launcher, i);

                if (!launcher_in(keys, o) && bpf_map_delete_elem(map, o) < 0)
                        return -errno;
        }

        return 0;
}

int launchers_load(Enforcer *e)
{
        static const char *const always[] = {"/proc/1/exe", "/usr/lib/systemd/systemd", "/usr/lib/systemd/systemd-executor",
                                             "/usr/lib/varmor/varmor-exec", "/usr/lib/varmor/varmor-oci-hook"};
        g_autoptr(GArray) keys = g_array_new(FALSE, TRUE, sizeof(struct va_launcher));
        int r, map = e->pins.maps[MAP_LAUNCHERS];
        __u32 one = 1;

        for (unsigned i = 0; i < G_N_ELEMENTS(always); i++)
                launcher_find(always[i], keys);
        for (char **path = e->env->launchers; path && *path; path++)
                launcher_find(*path, keys);

        /* First the new ones: a service that starts meanwhile must find its launcher. */
        for (guint i = 0; i < keys->len; i++) {
                r = bpf_map_update_elem(map, &g_array_index(keys, struct va_launcher, i), &one, BPF_ANY);
                if (r < 0)
                        return r;
        }

        return launchers_drop_others(map, keys);
}

static bool is_launcher(Enforcer *e, pid_t pid)
{
        char path[64];
        struct va_launcher key;
        struct stat st;
        __u32 value;

        (void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
        if (stat(path, &st) < 0)
                return false;
        key = launcher_of(&st);
        return bpf_map_lookup_elem(e->pins.maps[MAP_LAUNCHERS], &key, &value) >= 0;
}

/* ---- cgroups and processes ---------------------------------------------------------------------------------------- */

int cgroup_id(const char *path, uint64_t *ret)
{
        g_autofree char *full = g_strconcat(CGROUP_ROOT, path, NULL);
        struct stat st;

        if (stat(full, &st) < 0)
                return -errno;
        *ret = st.st_ino;
        return 0;
}

char *labels_cgroup_path(Enforcer *e, uint64_t id)
{
        struct va_name name;

        if (bpf_map_lookup_elem(e->pins.maps[MAP_NAMES], &id, &name) < 0)
                return NULL;
        return g_strndup((const char *)name.path, sizeof(name.path));
}

static int open_pidfd(pid_t pid)
{
        return RET_ERRNO((int)syscall(SYS_pidfd_open, pid, 0));
}

int labels_pid_confined(Enforcer *e, pid_t pid)
{
        autofd int fd = open_pidfd(pid);
        g_autofree char *path = NULL;
        struct va_identity identity;
        const struct va_cover *cover;
        int r;

        if (fd < 0)
                return fd;
        if (bpf_map_lookup_elem(e->pins.maps[MAP_TASKS], &fd, &identity) >= 0 && identity.flags & VA_ID_LIVE &&
            identity.cover.n > 0)
                return 1;
        r = cgroup_of_pid(pid, &path);
        if (r < 0)
                return r;
        if (!e->targets)
                return 0;
        cover = table_match_cover(g_bytes_get_data(e->targets, NULL), path);
        return cover && cover->n > 0;
}

/* ---- the walk ----------------------------------------------------------------------------------------------------- */

/* What holds in one directory of the hierarchy. */
typedef struct Place {
        uint64_t id;
        uint64_t anchor;        /* the nearest labelled cgroup */
        struct va_cover cover;  /* its label */
} Place;

static bool cover_equal(const struct va_cover *a, const struct va_cover *b)
{
        return a->n == b->n && memcmp(a->slot, b->slot, a->n * sizeof(a->slot[0])) == 0;
}

/* Gives @pid, which lives in @place, its identity, unless it has one or sets something up. */
static void identify(Enforcer *e, const Place *place, pid_t pid)
{
        autofd int fd = open_pidfd(pid);
        struct va_identity identity = {
                .home = place->id,
                .anchor = place->anchor,
                .epoch = e->state->epoch,
                .flags = VA_ID_LIVE,
                .cover = place->cover,
        };

        if (fd < 0 || is_launcher(e, pid))
                return;
        for (unsigned i = 0; i < VA_COVER_MAX; i++)
                identity.groups_id[i] = VA_ID_GROUPS_UNKNOWN;
        /* An identity that is there knows better. Where none can be stored, the cgroup decides. */
        (void)bpf_map_update_elem(e->pins.maps[MAP_TASKS], &fd, &identity, BPF_NOEXIST);
}

static void identify_all(Enforcer *e, const Place *place, int dir)
{
        autofd int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        FILE *f = fd >= 0 ? fdopen(fd, "re") : NULL;
        int pid;

        if (!f)
                return;
        (void)steal_fd(&fd);
        while (fscanf(f, "%d", &pid) == 1)
                if (pid > 0)
                        identify(e, place, pid);
        (void)fclose(f);
}

/* For labels_cgroup_path(), as the programs do for new ones. */
static void remember_path(Enforcer *e, const char *path, uint64_t id, const struct va_cover *cover)
{
        struct va_name name = {};

        if (cover->n > 0 && g_strlcpy((char *)name.path, path, sizeof(name.path)) < sizeof(name.path))
                (void)bpf_map_update_elem(e->pins.maps[MAP_NAMES], &id, &name, BPF_ANY);
}

/* Brings the label of the cgroup @path up to date. @place: in: its parent's; out: its own. */
static int label_one(Enforcer *e, const char *path, uint64_t id, Place *place)
{
        const struct va_cover *found = NULL;
        int r, map = e->pins.maps[MAP_LABELS];
        struct va_cover cover = {};

        if (e->targets)
                found = table_match_cover(g_bytes_get_data(e->targets, NULL), path);
        if (found)
                cover = *found;
        place->id = id;
        remember_path(e, path, id, &cover);
        if (cover_equal(&cover, &place->cover)) {
                r = bpf_map_delete_elem(map, &id);
                return r == -ENOENT ? 0 : r;
        }
        place->anchor = id;
        place->cover = cover;
        return bpf_map_update_elem(map, &id, &cover, BPF_ANY);
}

/* A whole subtree. @path: its path, to which names are added; @parent: what holds above it. */
static int label_tree(Enforcer *e, int dir_fd /* taken */, GString *path, const Place *parent, bool identify_too)
{
        g_autoptr(DIR) dir = fdopendir(dir_fd);
        Place place = *parent;
        struct dirent *entry;
        struct stat st;
        int r;

        if (!dir) {
                r = -errno;
                (void)fd_close(dir_fd);
                return r;
        }
        if (fstat(dirfd(dir), &st) < 0)
                return -errno;
        r = label_one(e, path->len > 0 ? path->str : "/", st.st_ino, &place);
        if (r < 0)
                return r;
        if (identify_too && place.cover.n > 0)
                identify_all(e, &place, dirfd(dir));

        while ((entry = readdir(dir))) {
                gsize length = path->len;
                int child;

                if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
                        continue;
                child = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (child < 0)
                        continue; /* removed meanwhile */
                g_string_append_printf(path, "/%s", entry->d_name);
                r = label_tree(e, child, path, &place, identify_too);
                g_string_truncate(path, length);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int label_all(Enforcer *e, bool identify_too)
{
        g_autoptr(GString) path = g_string_new(NULL);
        Place nowhere = {};
        int fd = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : label_tree(e, fd, path, &nowhere, identify_too);
}

/* ---- the target automaton ------------------------------------------------------------------------------------------ */

static void next_epoch(Enforcer *e)
{
        if (__atomic_add_fetch(&e->state->epoch, 1, __ATOMIC_SEQ_CST) == 0)
                (void)__atomic_add_fetch(&e->state->epoch, 1, __ATOMIC_SEQ_CST);
}

static int compare_slots(const void *a, const void *b)
{
        return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* Turns indices of @policies into slots, in every record of @table. */
static int relocate(Enforcer *e, struct va_table *table, const char *const *policies)
{
        guint n = g_strv_length((char **)policies);

        for (uint32_t i = 0; i < table->accept_n; i++) {
                struct va_cover *cover =
                        (struct va_cover *)&table->tab[table->accept_first + i * (sizeof(*cover) / sizeof(uint32_t))];

                for (uint32_t k = 0; k < cover->n; k++) {
                        int slot = cover->slot[k] < n ? slot_get(e, policies[cover->slot[k]]) : -EBADMSG;

                        if (slot < 0)
                                return slot;
                        cover->slot[k] = slot;
                }
                qsort(cover->slot, cover->n, sizeof(cover->slot[0]), compare_slots);
        }

        return 0;
}

/* A cgroup that was being made while the automaton changed has its label, by the old one, before it can be seen. Whoever
 * makes one holds the hierarchy's mutex until it can be; this takes it once. */
static void wait_for_mkdirs(void)
{
        autofd int fd = open(CGROUP_ROOT "/cgroup.subtree_control", O_WRONLY | O_CLOEXEC);

        if (fd >= 0)
                (void)!write(fd, "\n", 1);
}

int labels_cover(Enforcer *e, GBytes *targets, const char *const *policies)
{
        g_autofree struct va_table *table = NULL;
        size_t size = 0;
        const void *data = targets ? g_bytes_get_data(targets, &size) : NULL;
        int r;

        if (size == 0) {
                r = table_drop(e, VA_POLICIES_MAX);
                if (r < 0)
                        return r;
                g_clear_pointer(&e->targets, g_bytes_unref);
        } else {
                table = g_memdup2(data, size); /* aligned */
                r = table_validate(table, size, TABLE_TARGETS);
                if (r < 0)
                        return r;
                r = relocate(e, table, policies);
                if (r < 0)
                        return r;
                r = table_put(e, VA_POLICIES_MAX, table, size, 1);
                if (r < 0)
                        return r;
                g_clear_pointer(&e->targets, g_bytes_unref);
                e->targets = g_bytes_new_take(g_steal_pointer(&table), size);
        }

        /* The first new epoch makes everybody look again while labels change; what they find then holds until the
         * second. */
        next_epoch(e);
        wait_for_mkdirs();
        r = label_all(e, false);
        next_epoch(e);
        if (r < 0)
                return r;
        return label_all(e, true);
}
