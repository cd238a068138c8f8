/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pins: the programs and maps as they stand below /sys/fs/bpf/varmor/, which outlive the daemon. A directory for each
 * version of the ABI holds maps/, and links-BUILD/ for each build of the programs, of which the meta map names the one
 * in force. Opening adopts that one; another build is loaded beside it over the same maps, and only when it is attached
 * and written down the old links go. So at any moment, also of a crash, one complete set of links is in force. */

#include <bpf/libbpf.h>
#include <glib.h>
#include <stdbool.h>

#include "diag.h"

/* The maps that the daemon itself works with. */
typedef enum PinnedMap {
        MAP_STATE,     /* struct va_state, mapped into memory */
        MAP_TASKS,     /* identities, by pidfd */
        MAP_SMALLS,    /* tables by slot */
        MAP_BIGS,
        MAP_LABELS,    /* struct va_cover by cgroup id */
        MAP_LAUNCHERS, /* struct va_launcher */
        MAP_SLOTS,     /* struct va_slot by slot */
        MAP_EVENTS,    /* ring buffer */
        MAP_REPEATS,
        MAP_ADDRESSES,   /* struct va_repeat by key of the event */
        MAP_META,      /* struct va_meta */
        _MAP_MAX,
} PinnedMap;

typedef struct Pins {
        int maps[_MAP_MAX];  /* descriptors */
        GArray *programs;    /* of int: descriptors of the programs in force, for their statistics */
        GArray *links;       /* of int: descriptors of the links in force */
        bool adopted;        /* the programs had been in force before */
        bool kept;           /* the maps had */
} Pins;

/** pins_open() - adopt or load. @directory: "/sys/fs/bpf/varmor".
 * Return: 0; -EOPNOTSUPP and the reason in @d; another negative errno and what failed in @d. */
int pins_open(const char *directory, Pins *ret, Diag *d);

/** pins_done() - close the descriptors; what is pinned stays. */
void pins_done(Pins *p);

/** pins_drop_others() - remove what another ABI's daemon left, now that ours is in force. */
void pins_drop_others(const char *directory);

/** pins_remove() - unpin everything, links first. Return: 0 or the first negative errno. */
int pins_remove(const char *directory);
