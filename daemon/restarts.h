/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Restarts: which running workloads are not under what binds at exec, and what would bring them under it. */

#include <glib.h>
#include <stdint.h>

#include "manager.h"

/* One unit, or cgroup outside of any, that runs without (all of) what a policy binds. */
typedef struct Loose {
        char *unit;         /* "nginx.service"; or the cgroup's path */
        uint32_t enforcers; /* 1 << EnforcerKind that it lacks */
        bool restart;       /* a restart of the unit helps */
        char *reason;       /* why not, if it does not; else NULL */
} Loose;

void loose_free(Loose *l);

/** restarts_find() - what is loose at this moment, by one walk over the cgroups: name of each policy that binds something -> GPtrArray of
 * Loose, sorted by unit, bounded. To be freed. */
GHashTable *restarts_find(const Manager *m);
