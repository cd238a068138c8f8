/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Cgroup: ids and processes to paths in the default hierarchy. An id is never reused within a boot and a cgroup is never
 * renamed, so what was found once stays true, also after the cgroup is gone. */

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

/* Ids that are remembered; beyond that all are forgotten and found anew. */
#define CGROUP_CACHE_MAX 16384U
/* Cgroups that one walk visits. */
#define CGROUP_WALK_MAX 65536U
#define CGROUP_DEPTH_MAX 64U

typedef struct CgroupCache CgroupCache;

/** cgroup_cache_new() - @mount: where the default hierarchy is mounted, "/sys/fs/cgroup". Never fails: without it,
 * nothing is found. */
CgroupCache *cgroup_cache_new(const char *mount);
void cgroup_cache_free(CgroupCache *c);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CgroupCache, cgroup_cache_free)

/** cgroup_cache_put() - @path is known from elsewhere. */
void cgroup_cache_put(CgroupCache *c, uint64_t id, const char *path);
/** cgroup_cache_get() - the path below the root of the hierarchy; NULL: unknown. Borrowed until the next call. */
const char *cgroup_cache_get(CgroupCache *c, uint64_t id);

/** cgroup_of_pid() - Return: 0; -ESRCH: no such process; -ENODATA: it is in no such hierarchy. */
int cgroup_of_pid(pid_t pid, char **ret);

/** cgroup_walk() - call @visit for each cgroup, parents first. @visit returns < 0 to stop.
 * Return: 0, what @visit returned, or a negative errno. */
int cgroup_walk(const char *mount, int (*visit)(const char *path, void *userdata), void *userdata);
