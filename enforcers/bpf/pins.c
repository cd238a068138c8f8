/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pins: see pins.h. The order of the steps is what keeps protection without a gap: whatever replaces something is in force
 * before that goes. */

#include "pins.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include "abi.h"
#include "hooks.h"
#include "pindir.h"
#include "select.h"
#include "util.h"
#include "varmor.skel.h"

#define BPFFS "/sys/fs/bpf"
#define LSM_LIST "/sys/kernel/security/lsm"

/* Which directory is ours. A test builds a varmord of another version. */
#ifndef PINS_VERSION
#define PINS_VERSION VA_ABI_VERSION
#endif

/* Indexed by PinnedMap: the maps' names in the programs, which are their files' names, too. */
static const char *const map_names[_MAP_MAX] = {
        [MAP_STATE] = "va_state",   [MAP_TASKS] = "va_tasks",         [MAP_SMALLS] = "va_smalls",
        [MAP_BIGS] = "va_bigs",     [MAP_LABELS] = "va_labels",       [MAP_LAUNCHERS] = "va_launchers",
        [MAP_SLOTS] = "va_slots",   [MAP_EVENTS] = "va_events",       [MAP_REPEATS] = "va_repeats",
        [MAP_ADDRESSES] = "va_addresses", [MAP_META] = "va_meta",           [MAP_NAMES] = "va_names",
        [MAP_RECORDS] = "va_records",     [MAP_SEEN] = "va_seen",             [MAP_RECORDINGS] = "va_recordings",
};

/* The section of the global that is MAP_STATE. */
#define STATE_SECTION ".data.va_state"

/* ---- what the kernel offers ------------------------------------------------------------------------------------ */

static int check_lsm(Diag *d)
{
        g_autofree char *list = NULL;
        g_auto(GStrv) names = NULL;

        /* securityfs may not be mounted in a container; then loading tells. */
        if (!g_file_get_contents(LSM_LIST, &list, NULL, NULL))
                return 0;
        names = g_strsplit(g_strstrip(list), ",", -1);
        if (g_strv_contains((const char *const *)names, "bpf"))
                return 0;
        diag_error(d, NULL, "no-bpf-lsm",
                   "the kernel runs without the BPF LSM (it has \"%s\"): add \"bpf\" to lsm= on its command line", list);
        return -EOPNOTSUPP;
}

static int check_kernel(Diag *d)
{
        if (access("/sys/kernel/btf/vmlinux", R_OK) < 0) {
                diag_error(d, NULL, "no-btf", "the kernel does not describe its types (CONFIG_DEBUG_INFO_BTF)");
                return -EOPNOTSUPP;
        }

        return 0;
}

static int mount_bpffs(Diag *d)
{
        struct statfs fs;
        int r;

        if (statfs(BPFFS, &fs) >= 0 && fs.f_type == BPF_FS_MAGIC)
                return 0;
        r = RET_ERRNO(mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME, "mode=700"));
        if (r < 0)
                diag_error(d, NULL, "no-bpffs", "cannot mount " BPFFS ": %s", g_strerror(-r));
        return r;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

typedef struct Loader {
        Pins *pins;
        char *maps; /* directory */
        struct varmor_bpf *skel;
        Diag *diag;
} Loader;

static void loader_done(Loader *l)
{
        varmor_bpf__destroy(l->skel);
        g_free(l->maps);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Loader, loader_done)

static int fail(const Loader *l, int r, const char *what)
{
        diag_error(l->diag, NULL, "bpf-load", "%s: %s", what, g_strerror(-r));
        return r;
}

static char *map_path(const Loader *l, const char *name)
{
        return g_build_filename(l->maps, name, NULL);
}

/* Under which name @map is pinned. NULL: each build has its own (read-only data, the pool of scratch). */
static const char *pin_name(const struct bpf_map *map)
{
        const char *name = bpf_map__name(map);

        if (g_str_has_suffix(name, STATE_SECTION))
                return map_names[MAP_STATE];
        for (PinnedMap m = 0; m < _MAP_MAX; m++)
                if (strcmp(map_names[m], name) == 0)
                        return map_names[m];
        return NULL;
}

static int read_meta(const Loader *l, struct va_meta *ret)
{
        g_autofree char *path = map_path(l, map_names[MAP_META]);
        autofd int fd = bpf_obj_get(path);
        __u32 zero = 0;

        return fd < 0 ? fd : bpf_map_lookup_elem(fd, &zero, ret);
}

/* Whether a complete set of our ABI is in force; @ret_same: and it is our own build. */
static bool is_complete(const Loader *l, bool *ret_same)
{
        struct va_meta meta = {};

        *ret_same = false;
        if (read_meta(l, &meta) < 0 || meta.abi != PINS_VERSION || !meta.complete)
                return false;
        *ret_same = strncmp(meta.build, l->pins->build, sizeof(meta.build)) == 0;
        return true;
}

static int id_of_program(int fd, uint32_t *ret)
{
        struct bpf_prog_info info = {};
        __u32 size = sizeof(info);
        int r = bpf_obj_get_info_by_fd(fd, &info, &size);

        if (r < 0)
                return r;
        *ret = info.id;
        return 0;
}

/* Return: a descriptor of the link of @p, -EBADF if it has none; -ESTALE if what is in its place is something else. */
static int open_link(const Pins *pins, const PinnedProgram *p)
{
        g_autofree char *path = g_build_filename(pins->links, p->name, NULL);
        autofd int fd = bpf_obj_get(path);
        struct bpf_link_info info = {};
        __u32 size = sizeof(info);
        uint32_t id;

        if (fd < 0)
                return fd == -ENOENT ? -EBADF : fd;
        if (id_of_program(p->fd, &id) < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0 || info.prog_id != id)
                return -ESTALE;
        return steal_fd(&fd);
}

/* Opens the programs of our build, all of which must be there, and those links that are. */
static int open_programs(const Loader *l)
{
        Pins *pins = l->pins;
        struct bpf_program *program;

        bpf_object__for_each_program(program, l->skel->obj)
        {
                const char *name = bpf_program__name(program);
                g_autofree char *path = g_build_filename(pins->directory, name, NULL);
                PinnedProgram p = {.needs = hook_needs(name), .link = -EBADF};

                if (!bpf_program__autoload(program))
                        continue;
                p.fd = bpf_obj_get(path);
                if (p.fd < 0)
                        return p.fd;
                p.name = g_strdup(name);
                p.link = open_link(pins, &p);
                g_array_append_val(pins->programs, p);
                if (p.link < 0 && p.link != -EBADF)
                        return p.link;
        }

        return pins->programs->len > 0 ? 0 : -ENOENT;
}

static int open_maps(const Loader *l)
{
        for (PinnedMap m = 0; m < _MAP_MAX; m++) {
                g_autofree char *path = map_path(l, map_names[m]);
                int fd = bpf_obj_get(path);

                if (fd < 0)
                        return fd;
                l->pins->maps[m] = fd;
        }

        return 0;
}

static int reuse_maps(const Loader *l)
{
        struct bpf_map *map;

        bpf_object__for_each_map(map, l->skel->obj)
        {
                const char *name = pin_name(map);
                g_autofree char *path = name ? map_path(l, name) : NULL;
                autofd int fd = path ? bpf_obj_get(path) : -EBADF;
                int r;

                if (fd < 0)
                        continue;
                r = bpf_map__reuse_fd(map, fd);
                if (r < 0)
                        return fail(l, r, name);
        }

        return 0;
}

static int pin_maps(const Loader *l)
{
        struct bpf_map *map;

        bpf_object__for_each_map(map, l->skel->obj)
        {
                const char *name = pin_name(map);
                g_autofree char *path = name ? map_path(l, name) : NULL;
                int r;

                if (!path || access(path, F_OK) == 0)
                        continue;
                r = bpf_obj_pin(bpf_map__fd(map), path);
                if (r < 0)
                        return fail(l, r, path);
        }

        return 0;
}

static int pin_programs(const Loader *l)
{
        struct bpf_program *program;

        bpf_object__for_each_program(program, l->skel->obj)
        {
                g_autofree char *path = g_build_filename(l->pins->directory, bpf_program__name(program), NULL);
                int r;

                if (!bpf_program__autoload(program))
                        continue;
                r = bpf_obj_pin(bpf_program__fd(program), path);
                if (r < 0)
                        return fail(l, r, path);
        }

        return 0;
}

static int make_directories(const Loader *l)
{
        int r = pindir_set_aside(l->pins->links);

        if (r >= 0)
                r = pindir_set_aside(l->pins->directory);
        if (r >= 0)
                r = pindir_make(l->pins->version);
        if (r >= 0)
                r = pindir_make(l->maps);
        if (r >= 0)
                r = pindir_make(l->pins->directory);
        if (r >= 0)
                r = pindir_make(l->pins->links);
        return r;
}

/* Loads our build over the maps that are there, or over new ones. */
static int load(const Loader *l, bool keep_maps)
{
        __u32 n;
        int r;

        if (!keep_maps)
                (void)pindir_remove_version(l->pins->version);
        r = make_directories(l);
        if (r < 0)
                return fail(l, r, l->pins->version);

        n = libbpf_num_possible_cpus() * VA_SCRATCH_PER_CPU;
        l->skel->rodata->va_scratch_n = n;
        r = bpf_map__set_max_entries(l->skel->maps.va_scratches, n);
        if (r < 0)
                return fail(l, r, "va_scratches");
        if (keep_maps) {
                r = reuse_maps(l);
                if (r < 0)
                        return r;
        }
        r = varmor_bpf__load(l->skel);
        if (r < 0)
                return fail(l, r, "the kernel refused the BPF programs");
        r = pin_maps(l);
        return r < 0 ? r : pin_programs(l);
}

static void pinned_program_clear(gpointer data)
{
        PinnedProgram *p = data;

        p->link = fd_close(p->link);
        p->fd = fd_close(p->fd);
        g_clear_pointer(&p->name, g_free);
}

static void pins_init(Pins *p, const char *directory, struct varmor_bpf *skel)
{
        size_t size;
        const void *elf = varmor_bpf__elf_bytes(&size);
        g_autofree char *build = g_compute_checksum_for_data(G_CHECKSUM_SHA256, elf, size);

        g_strlcpy(p->build, build, sizeof(p->build));
        p->version = g_strdup_printf("%s/v%d", directory, PINS_VERSION);
        p->links = g_strdup_printf("%s/" PINDIR_LINKS "%.16s", p->version, p->build);
        p->directory = g_strdup_printf("%s/" PINDIR_PROGRAMS "%.16s", p->version, p->build);
        p->programs = g_array_new(FALSE, FALSE, sizeof(PinnedProgram));
        g_array_set_clear_func(p->programs, pinned_program_clear);
}

static void close_all(Pins *p)
{
        for (PinnedMap m = 0; m < _MAP_MAX; m++)
                p->maps[m] = fd_close(p->maps[m]);
        if (p->programs)
                g_array_set_size(p->programs, 0);
}

static int open_or_load(const Loader *l)
{
        bool same, complete = is_complete(l, &same);
        int r;

        if (complete && same && open_maps(l) >= 0 && open_programs(l) >= 0) {
                l->pins->adopted = true;
                return 0;
        }
        close_all(l->pins);
        r = load(l, complete);
        if (r < 0)
                return r;
        r = open_maps(l);
        if (r >= 0)
                r = open_programs(l);
        return r < 0 ? fail(l, r, l->pins->version) : 0;
}

int pins_open(const char *directory, Pins *p, Diag *d)
{
        g_auto(Loader) l = {.pins = p, .diag = d};
        g_autoptr(GPtrArray) links = NULL;
        int r;

        p->traced = check_lsm(d) < 0;
        r = check_kernel(d);
        if (r >= 0)
                r = mount_bpffs(d);
        if (r >= 0 && (r = pindir_make(directory)) < 0)
                diag_error(d, NULL, "no-bpffs", "cannot create %s: %s", directory, g_strerror(-r));
        if (r < 0)
                return r;

        l.skel = varmor_bpf__open();
        if (!l.skel)
                return fail(&l, -errno, "the BPF programs cannot be read");
        pins_init(p, directory, l.skel);
        l.maps = g_build_filename(p->version, "maps", NULL);
        r = select_programs(l.skel, p->traced);
        if (r < 0)
                return fail(&l, r, "the BPF programs cannot be attached behind the hooks");
        links = pindir_links(p->version);
        p->core = links->len > 0;
        return open_or_load(&l);
}

static int write_meta(Pins *p)
{
        struct va_meta meta = {.abi = PINS_VERSION, .complete = 1};
        __u32 zero = 0;

        g_strlcpy(meta.build, p->build, sizeof(meta.build));
        return bpf_map_update_elem(p->maps[MAP_META], &zero, &meta, BPF_ANY);
}

int pins_commit(Pins *p)
{
        int r = p->adopted ? 0 : write_meta(p);

        if (r < 0)
                return r;
        p->adopted = true;
        (void)pindir_remove(p->version, PINDIR_LINKS, p->links);
        (void)pindir_remove(p->version, PINDIR_PROGRAMS, p->directory);
        return 0;
}

void pins_done(Pins *p)
{
        close_all(p);
        if (p->programs)
                g_array_free(g_steal_pointer(&p->programs), TRUE);
        g_clear_pointer(&p->version, g_free);
        g_clear_pointer(&p->links, g_free);
        g_clear_pointer(&p->directory, g_free);
}

/* ---- attaching ------------------------------------------------------------------------------------------------------- */

/* How long the kernel may take to let go of many links: for one after the other it waits until every task has been seen
 * outside of the hook. */
#define BUSY_USEC (10U * G_USEC_PER_SEC)
#define BUSY_STEP_USEC 2000U

/* A program that has been detached a moment ago cannot be attached again until the kernel is done with its link. That is
 * rare, see LINGER_USEC in needs.c. */
static int create_link(int program)
{
        for (unsigned usec = 0;; usec += BUSY_STEP_USEC) {
                int fd = bpf_raw_tracepoint_open(NULL, program);

                if (fd != -EBUSY || usec >= BUSY_USEC)
                        return fd;
                (void)usleep(BUSY_STEP_USEC);
        }
}

static int attach(const Pins *pins, PinnedProgram *p)
{
        g_autofree char *path = g_build_filename(pins->links, p->name, NULL);
        autofd int fd = create_link(p->fd);
        int r;

        if (fd < 0)
                return fd;
        /* The pin keeps it attached when we are gone. */
        r = bpf_obj_pin(fd, path);
        if (r < 0)
                return r;
        p->link = steal_fd(&fd);
        return 0;
}

int pins_attach(Pins *pins, uint32_t needs)
{
        for (guint i = 0; i < pins->programs->len; i++) {
                PinnedProgram *p = &g_array_index(pins->programs, PinnedProgram, i);
                int r;

                if (p->link >= 0 || !(p->needs & needs))
                        continue;
                r = attach(pins, p);
                if (r < 0)
                        return r;
                pins->core |= (p->needs & VA_NEED_CORE) != 0;
        }

        return 0;
}

bool pins_has(const Pins *pins, uint32_t needs)
{
        for (guint i = 0; i < pins->programs->len; i++) {
                const PinnedProgram *p = &g_array_index(pins->programs, PinnedProgram, i);

                if (p->link >= 0 && p->needs & needs)
                        return true;
        }
        return false;
}

static bool is_other(const PinnedProgram *p, uint32_t needs)
{
        return p->link >= 0 && !(p->needs & (needs | VA_NEED_CORE));
}

bool pins_has_others(const Pins *pins, uint32_t needs)
{
        for (guint i = 0; i < pins->programs->len; i++)
                if (is_other(&g_array_index(pins->programs, PinnedProgram, i), needs))
                        return true;
        return false;
}

void pins_detach_others(Pins *pins, uint32_t needs, unsigned max)
{
        for (guint i = 0; i < pins->programs->len; i++) {
                PinnedProgram *p = &g_array_index(pins->programs, PinnedProgram, i);
                g_autofree char *path = NULL;

                if (!is_other(p, needs))
                        continue;
                if (max-- == 0)
                        return;
                path = g_build_filename(pins->links, p->name, NULL);
                /* In this order: to let go of the pin takes the kernel's time, of the last descriptor it takes ours. */
                p->link = fd_close(p->link);
                if (unlink(path) < 0 && errno != ENOENT)
                        p->link = bpf_obj_get(path); /* it stays attached, and does nothing but cost */
        }
}

/* ---- removing ------------------------------------------------------------------------------------------------------ */

void pins_drop_others(const Pins *p)
{
        g_autofree char *directory = g_path_get_dirname(p->version);

        (void)pindir_remove_versions(directory, p->version);
}

static GArray *open_all_links(const char *directory)
{
        g_autoptr(GPtrArray) paths = pindir_all_links(directory);
        GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));

        for (guint i = 0; i < paths->len; i++) {
                int fd = bpf_obj_get(paths->pdata[i]);

                if (fd >= 0)
                        g_array_append_val(fds, fd);
        }

        return fds;
}

int pins_remove(const char *directory)
{
        /* Links go with their last descriptor: so all of them are gone when this returns, not some time later. */
        GArray *links = open_all_links(directory);
        int r = pindir_remove_versions(directory, NULL);

        for (guint i = 0; i < links->len; i++)
                (void)fd_close(g_array_index(links, int, i));
        g_array_free(links, TRUE);
        if (rmdir(directory) < 0 && errno != ENOENT && r == 0)
                r = -errno;
        return r;
}
