/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Target: which cgroups a policy covers, as patterns over cgroup paths: a function of the path alone, never of the order of
 * events. Pure; what systemd has to say (aliases, properties) comes in as arguments. */

#include <glib.h>
#include <stdbool.h>

#include "diag.h"
#include "policy.h"

/* Slices within slices that a unit may stand in. */
#define TARGET_SLICE_DEPTH_MAX 8U
/* Cgroups that one selector may yield; more is an error. */
#define TARGET_SELECTED_MAX 4096U

/* Everything that matches one of @patterns and none of @except. Both cover the cgroup and all below it. */
typedef struct TargetPatterns {
        char **patterns; /* NULL-terminated, may be empty (a selector that matches nothing now) */
        char **except;   /* NULL-terminated, may be NULL */
} TargetPatterns;

void target_patterns_clear(TargetPatterns *t);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TargetPatterns, target_patterns_clear)

/* Gives the other name of a unit, to be freed, or NULL: "sshd.service" -> "ssh.service". */
typedef char *(*TargetAlias)(const char *unit, void *userdata);

typedef struct TargetParams {
        char *const *essential; /* names or globs of units */
        char *const *selected;  /* cgroup paths that the selector yields, or all containers; NULL: none */
        TargetAlias alias;      /* NULL: nothing is known of aliases */
        void *userdata;
} TargetParams;

/** target_patterns() - @t of a policy that @slice confines (NULL: whole host).
 * Return: 0; -EBADMSG: refused (essential unit, outside its slice, ...), see @d. */
int target_patterns(const TargetSpec *t, const char *slice, const TargetParams *params, TargetPatterns *ret, Diag *d);

/** target_is_essential() - does @unit match one of @essential? */
bool target_is_essential(const char *unit, char *const *essential);

/** target_alias_on_disk() - TargetAlias that reads the symlinks in systemd's unit directories. @userdata: prefix of the
 * root directory (const char *), NULL: "/". */
char *target_alias_on_disk(const char *unit, void *userdata);

/* ---- names of units and cgroups ------------------------------------------------------------------------------- */

/** slice_to_cgroup() - "a-b.slice" -> "/a.slice/a-b.slice", "-.slice" -> "". NULL: not the name of a slice. */
char *slice_to_cgroup(const char *slice);
/** cgroup_to_unit() - "/system.slice/nginx.service/worker" -> "nginx.service"; the slice itself if there is no unit in it;
 * "" for the root and what is no unit's. To be freed. */
char *cgroup_to_unit(const char *path);
/** unit_to_cgroup_name() - the directory that systemd makes for @unit: some names are escaped by "_". To be freed. */
char *unit_to_cgroup_name(const char *unit);
/** glob_escape() - a pattern that matches @s and nothing else. To be freed. */
char *glob_escape(const char *s);

/** target_usual_cgroup() - where systemd puts the unit @essential unless it is told otherwise; for a name with stars, the shortest that
 * matches. To be freed; NULL: it cannot be said. */
char *target_usual_cgroup(const char *essential);
