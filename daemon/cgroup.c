/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cgroup: see cgroup.h. */

#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

/* include/linux/exportfs.h, v6.1: FILEID_KERNFS, a 64-bit node id */
#define FILEID_KERNFS 0xfe

struct CgroupCache {
        int mount_fd;
        char *mount;
        GHashTable *paths; /* id -> path */
};

CgroupCache *cgroup_cache_new(const char *mount)
{
        CgroupCache *c = g_new0(CgroupCache, 1);

        c->mount = g_strdup(mount);
        c->mount_fd = RET_ERRNO(open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        c->paths = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
        return c;
}

void cgroup_cache_free(CgroupCache *c)
{
        if (!c)
                return;
        fd_close(c->mount_fd);
        g_free(c->mount);
        g_hash_table_unref(c->paths);
        g_free(c);
}

void cgroup_cache_put(CgroupCache *c, uint64_t id, const char *path)
{
        if (id == 0 || g_hash_table_contains(c->paths, &id))
                return;
        if (g_hash_table_size(c->paths) >= CGROUP_CACHE_MAX)
                g_hash_table_remove_all(c->paths);
        g_hash_table_insert(c->paths, g_memdup2(&id, sizeof(id)), g_strdup(path));
}

/* The path of the directory behind @fd, below @mount. */
static char *path_of_fd(int fd, const char *mount)
{
        char link[64], path[PATH_MAX];
        size_t n = strlen(mount);
        ssize_t size;

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%i", fd);
        size = readlink(link, path, sizeof(path) - 1);
        if (size < 0 || (size_t)size >= sizeof(path) - 1)
                return NULL;
        path[size] = '\0';
        if (strncmp(path, mount, n) != 0 || (path[n] != '/' && path[n] != '\0') || g_str_has_suffix(path, " (deleted)"))
                return NULL;
        return g_strdup(path[n] == '\0' ? "/" : path + n);
}

static char *cgroup_find(const CgroupCache *c, uint64_t id)
{
        union {
                struct file_handle handle;
                uint8_t bytes[sizeof(struct file_handle) + sizeof(uint64_t)];
        } h = {.handle = {.handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS}};
        autofd int fd = -EBADF;

        if (c->mount_fd < 0)
                return NULL;
        memcpy(h.bytes + offsetof(struct file_handle, f_handle), &id, sizeof(id));
        fd = RET_ERRNO(open_by_handle_at(c->mount_fd, &h.handle, O_PATH | O_CLOEXEC));
        return fd < 0 ? NULL : path_of_fd(fd, c->mount);
}

const char *cgroup_cache_get(CgroupCache *c, uint64_t id)
{
        const char *path = g_hash_table_lookup(c->paths, &id);
        g_autofree char *found = NULL;

        if (path || id == 0)
                return path;
        found = cgroup_find(c, id);
        if (!found)
                return NULL;
        cgroup_cache_put(c, id, found);
        return g_hash_table_lookup(c->paths, &id);
}

int cgroup_of_pid(pid_t pid, char **ret)
{
        g_autofree char *name = g_strdup_printf("/proc/%i/cgroup", (int)pid), *line = NULL;
        autofile FILE *f = fopen(name, "re");
        size_t room = 0;

        if (!f)
                return errno == ENOENT ? -ESRCH : -errno;
        for (unsigned i = 0; i < 64; i++) {
                char *path = NULL;

                errno = 0;
                {
                        char *raw = line;
                        ssize_t n = getline(&raw, &room, f);

                        line = raw;
                        if (n < 0)
                                break;
                }
                if (!g_str_has_prefix(line, "0::"))
                        continue;
                path = g_strdup(line + 3);
                g_strchomp(path);
                if (g_str_has_suffix(path, " (deleted)"))
                        path[strlen(path) - strlen(" (deleted)")] = '\0';
                *ret = path;
                return 0;
        }
        return errno == ESRCH ? -ESRCH : -ENODATA;
}

typedef struct Walk {
        int (*visit)(const char *path, void *userdata);
        void *userdata;
        unsigned n_visited;
} Walk;

static int walk_dir(Walk *w, int dir_fd, const char *path, unsigned depth)
{
        struct dirent *e;
        DIR *dir;
        int r;

        if (++w->n_visited > CGROUP_WALK_MAX || depth > CGROUP_DEPTH_MAX) {
                fd_close(dir_fd);
                return -E2BIG;
        }
        dir = fdopendir(dir_fd);
        if (!dir) {
                r = -errno;
                fd_close(dir_fd);
                return r;
        }
        r = w->visit(*path == '\0' ? "/" : path, w->userdata);
        while (r >= 0 && (e = readdir(dir))) {
                g_autofree char *sub = NULL;
                int fd;

                if (e->d_type != DT_DIR || strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                fd = RET_ERRNO(openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
                if (fd < 0)
                        continue; /* gone meanwhile */
                sub = g_strconcat(path, "/", e->d_name, NULL);
                r = walk_dir(w, fd, sub, depth + 1);
        }
        closedir(dir);
        return r;
}

int cgroup_walk(const char *mount, int (*visit)(const char *path, void *userdata), void *userdata)
{
        Walk w = {.visit = visit, .userdata = userdata};
        int fd = RET_ERRNO(open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

        if (fd < 0)
                return fd;
        return walk_dir(&w, fd, "", 0);
}
