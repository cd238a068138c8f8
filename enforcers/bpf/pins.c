/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pins: see pins.h. The order of the steps in pins_open() is what keeps protection without a gap. */

#include "pins.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "abi.h"
#include "util.h"
#include "varmor.skel.h"

#define BPFFS "/sys/fs/bpf"
#define LSM_LIST "/sys/kernel/security/lsm"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

/* Indexed by PinnedMap: the maps' names in the programs, which are their files' names, too. */
static const char *const map_names[_MAP_MAX] = {
        [MAP_STATE] = "va_state",   [MAP_TASKS] = "va_tasks",         [MAP_SMALLS] = "va_smalls",
        [MAP_BIGS] = "va_bigs",     [MAP_LABELS] = "va_labels",       [MAP_LAUNCHERS] = "va_launchers",
        [MAP_SLOTS] = "va_slots",   [MAP_EVENTS] = "va_events",       [MAP_REPEATS] = "va_repeats",
        [MAP_ADDRESSES] = "va_addresses", [MAP_META] = "va_meta",
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
        int r = check_lsm(d);

        if (r < 0)
                return r;
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

static int make_directory(const char *path)
{
        return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* ---- removing ------------------------------------------------------------------------------------------------------ */

/* Unlinks the files of @path, and the directory. bpffs directories do not nest deeper than ours do. */
static int remove_flat(const char *path)
{
        g_autoptr(DIR) dir = opendir(path);
        struct dirent *e;
        int first = 0;

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        while ((e = readdir(dir)))
                if (e->d_name[0] != '.' && unlinkat(dirfd(dir), e->d_name, 0) < 0 && first == 0)
                        first = -errno;
        if (rmdir(path) < 0 && first == 0)
                first = -errno;
        return first;
}

/* Removes one version's directory: the links, which enforce, before the maps, which they use. */
static int remove_version(const char *version)
{
        g_autoptr(DIR) dir = opendir(version);
        g_autofree char *maps = g_build_filename(version, "maps", NULL);
        struct dirent *e;
        int r, first = 0;

        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        while ((e = readdir(dir))) {
                g_autofree char *path = g_build_filename(version, e->d_name, NULL);

                if (!g_str_has_prefix(e->d_name, "links-"))
                        continue;
                r = remove_flat(path);
                if (r < 0 && first == 0)
                        first = r;
        }
        r = remove_flat(maps);
        if (r < 0 && first == 0)
                first = r;
        if (rmdir(version) < 0 && first == 0)
                first = -errno;
        return first;
}

/* Removes the links of every build but @keep. */
static void remove_other_links(const char *version, const char *keep)
{
        g_autoptr(DIR) dir = opendir(version);
        struct dirent *e;

        while (dir && (e = readdir(dir))) {
                g_autofree char *path = g_build_filename(version, e->d_name, NULL);

                if (g_str_has_prefix(e->d_name, "links-") && strcmp(e->d_name + strlen("links-"), keep) != 0)
                        (void)remove_flat(path);
        }
}

static char *version_path(const char *directory)
{
        return g_strdup_printf("%s/v%d", directory, VA_ABI_VERSION);
}

static void for_each_version(const char *directory, bool ours, int *ret_first)
{
        g_autoptr(DIR) dir = opendir(directory);
        g_autofree char *mine = version_path(directory);
        struct dirent *e;

        while (dir && (e = readdir(dir))) {
                g_autofree char *path = g_build_filename(directory, e->d_name, NULL);
                int r;

                if (e->d_name[0] != 'v' || (!ours && strcmp(path, mine) == 0))
                        continue;
                r = remove_version(path);
                if (r < 0 && *ret_first == 0)
                        *ret_first = r;
        }
}

void pins_drop_others(const char *directory)
{
        int ignored = 0;

        for_each_version(directory, false, &ignored);
}

int pins_remove(const char *directory)
{
        int r = 0;

        for_each_version(directory, true, &r);
        if (rmdir(directory) < 0 && errno != ENOENT && r == 0)
                r = -errno;
        return r;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

typedef struct Loader {
        char *version;        /* directory */
        char *maps;           /* directory */
        char *links;          /* directory of our build */
        char build[65];
        struct varmor_bpf *skel;
        Diag *diag;
} Loader;

static void loader_done(Loader *l)
{
        varmor_bpf__destroy(l->skel);
        g_free(l->version);
        g_free(l->maps);
        g_free(l->links);
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
        if (read_meta(l, &meta) < 0 || meta.abi != VA_ABI_VERSION || !meta.complete)
                return false;
        *ret_same = strncmp(meta.build, l->build, sizeof(meta.build)) == 0;
        return true;
}

static int open_links(const Loader *l, Pins *p)
{
        struct bpf_program *program;
        unsigned n = 0;

        bpf_object__for_each_program(program, l->skel->obj)
        {
                g_autofree char *path = g_build_filename(l->links, bpf_program__name(program), NULL);
                struct bpf_link_info info = {};
                __u32 size = sizeof(info);
                int fd, program_fd;

                if (!bpf_program__autoload(program))
                        continue;
                fd = bpf_obj_get(path);
                if (fd < 0)
                        return fd;
                g_array_append_val(p->links, fd);
                if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
                        return -errno;
                program_fd = bpf_prog_get_fd_by_id(info.prog_id);
                if (program_fd < 0)
                        return program_fd;
                g_array_append_val(p->programs, program_fd);
                n++;
        }

        return n > 0 ? 0 : -ENOENT;
}

static int open_maps(const Loader *l, Pins *p)
{
        for (PinnedMap m = 0; m < _MAP_MAX; m++) {
                g_autofree char *path = map_path(l, map_names[m]);

                p->maps[m] = bpf_obj_get(path);
                if (p->maps[m] < 0)
                        return p->maps[m];
        }

        return 0;
}

static unsigned count_parameters(const struct btf *btf, const char *function)
{
        int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
        const struct btf_type *t = id > 0 ? btf__type_by_id(btf, btf__type_by_id(btf, id)->type) : NULL;

        return t ? btf_vlen(t) : 0;
}

/* Leaves out the programs for hooks that this kernel does not have (lsm/file_truncate came with 6.2). */
static void select_programs(const Loader *l)
{
        struct btf *btf = btf__load_vmlinux_btf();
        struct bpf_program *program;

        l->skel->rodata->va_setattr_idmap = btf && count_parameters(btf, "bpf_lsm_inode_setattr") == 3;
        bpf_object__for_each_program(program, l->skel->obj)
        {
                const char *section = bpf_program__section_name(program);
                g_autofree char *function = NULL;

                if (!g_str_has_prefix(section, "lsm/"))
                        continue;
                function = g_strconcat("bpf_lsm_", section + strlen("lsm/"), NULL);
                if (btf && btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) < 0)
                        (void)bpf_program__set_autoload(program, false);
        }
        btf__free(btf);
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

static int attach_and_pin(const Loader *l)
{
        struct bpf_program *program;

        bpf_object__for_each_program(program, l->skel->obj)
        {
                g_autofree char *path = g_build_filename(l->links, bpf_program__name(program), NULL);
                struct bpf_link *link;
                int r;

                if (!bpf_program__autoload(program))
                        continue;
                link = bpf_program__attach(program);
                if (!link)
                        return fail(l, -errno, bpf_program__name(program));
                r = bpf_link__pin(link, path);
                /* The pin keeps it attached. */
                bpf_link__disconnect(link);
                (void)bpf_link__destroy(link);
                if (r < 0)
                        return fail(l, r, path);
        }

        return 0;
}

static int write_meta(const Loader *l)
{
        g_autofree char *path = map_path(l, map_names[MAP_META]);
        autofd int fd = bpf_obj_get(path);
        struct va_meta meta = {.abi = VA_ABI_VERSION, .complete = 1};
        __u32 zero = 0;

        g_strlcpy(meta.build, l->build, sizeof(meta.build));
        return fd < 0 ? fd : bpf_map_update_elem(fd, &zero, &meta, BPF_ANY);
}

/* Loads our build over the maps that are there, or over new ones. */
static int load(const Loader *l, bool keep_maps)
{
        __u32 n;
        int r;

        if (!keep_maps)
                (void)remove_version(l->version);
        /* What an attempt left that did not come to its end. */
        (void)remove_flat(l->links);
        r = make_directory(l->version);
        if (r >= 0)
                r = make_directory(l->maps);
        if (r >= 0)
                r = make_directory(l->links);
        if (r < 0)
                return fail(l, r, l->version);

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
        if (r >= 0)
                r = attach_and_pin(l);
        if (r < 0)
                return r;
        r = write_meta(l);
        return r < 0 ? fail(l, r, map_names[MAP_META]) : 0;
}

static void pins_init(Pins *p)
{
        *p = (Pins){.programs = g_array_new(FALSE, FALSE, sizeof(int)), .links = g_array_new(FALSE, FALSE, sizeof(int))};
        for (PinnedMap m = 0; m < _MAP_MAX; m++)
                p->maps[m] = -EBADF;
}

int pins_open(const char *directory, Pins *ret, Diag *d)
{
        g_auto(Loader) l = {.diag = d};
        Pins p;
        bool same, complete;
        size_t size;
        int r;

        pins_init(&p);
        r = check_kernel(d);
        if (r >= 0)
                r = mount_bpffs(d);
        if (r >= 0 && (r = make_directory(directory)) < 0)
                diag_error(d, NULL, "no-bpffs", "cannot create %s: %s", directory, g_strerror(-r));
        if (r < 0) {
                pins_done(&p);
                return r;
        }

        l.skel = varmor_bpf__open();
        if (!l.skel) {
                pins_done(&p);
                return fail(&l, -errno, "the BPF programs cannot be read");
        }
        const void *elf = varmor_bpf__elf_bytes(&size);
        g_autofree char *build = g_compute_checksum_for_data(G_CHECKSUM_SHA256, elf, size);
        g_strlcpy(l.build, build, sizeof(l.build));
        l.version = version_path(directory);
        l.maps = g_build_filename(l.version, "maps", NULL);
        l.links = g_strdup_printf("%s/links-%.16s", l.version, l.build);
        select_programs(&l);

        complete = is_complete(&l, &same);
        if (complete && same && open_maps(&l, &p) >= 0 && open_links(&l, &p) >= 0) {
                p.adopted = p.kept = true;
        } else {
                pins_done(&p);
                pins_init(&p);
                r = load(&l, complete);
                if (r >= 0)
                        r = open_maps(&l, &p);
                if (r >= 0)
                        r = open_links(&l, &p);
                p.kept = complete;
        }
        if (r < 0) {
                pins_done(&p);
                return r;
        }
        remove_other_links(l.version, strrchr(l.links, '-') + 1);
        *ret = p;
        return 0;
}

static void close_all(GArray *fds)
{
        for (guint i = 0; fds && i < fds->len; i++)
                (void)fd_close(g_array_index(fds, int, i));
        if (fds)
                g_array_free(fds, TRUE);
}

void pins_done(Pins *p)
{
        for (PinnedMap m = 0; m < _MAP_MAX; m++)
                p->maps[m] = fd_close(p->maps[m]);
        close_all(g_steal_pointer(&p->programs));
        close_all(g_steal_pointer(&p->links));
}
