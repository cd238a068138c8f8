/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The BPF enforcer's own state, shared by its files: enforcer.c (the interface), tables.c (what is in force by slot), needs.c
 * (which programs that takes), labels.c (who is covered), events.c (what the programs report), records.c (what they write down),
 * addresses.c (the host's own). */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi.h"
#include "alarm.h"
#include "cgroup.h"
#include "enforcer.h"
#include "pins.h"

struct ring_buffer;

/* Where cgroup2 is mounted: systemd's unified hierarchy. */
#define CGROUP_ROOT "/sys/fs/cgroup"

struct Enforcer {
        const EnforcerEnv *env;
        int lock;                     /* held while we live: there is one varmord */
        Pins pins;
        struct va_state *state;       /* the map of that name */
        struct va_slot *slots;        /* copy of the map of that name, VA_POLICIES_MAX */
        uint32_t *needs;              /* VA_NEED_* of the table under each key, VA_POLICIES_MAX + 1 */
        uint32_t watching;            /* 1 << EnforcerKind: see EnforcerOps.watch() */
        int64_t unneeded_usec;        /* since when (monotonic) programs are attached that nobody needs; 0: none is */
        GHashTable *failed;           /* set of char *: policies whose last apply() failed */
        GBytes *targets;              /* the target automaton in force, slots in its records; NULL: none yet */
        struct ring_buffer *ring;
        int netlink;                  /* tells when the host's addresses change */
        GHashTable *repeats;          /* key of an event -> Repeat, events.c */
        unsigned dispatch_left;       /* events that the dispatch() under way may still hand out */
        struct ring_buffer *records;
        GHashTable *recorders;        /* slot of what is recorded -> Recorder, records.c */
        unsigned records_left;        /* as dispatch_left */
        unsigned records_seen;        /* handed out since va_seen was emptied: so many are in it */
};

/* ---- tables.c ------------------------------------------------------------------------------------------------ */

/** slots_load() - read the names and digests that a predecessor wrote. */
int slots_load(Enforcer *e);
/** slot_find() - Return: the slot of @policy, or -ENOENT. */
int slot_find(const Enforcer *e, const char *policy);
/** slot_get() - the slot of @policy, a new one if it has none. Return: the slot; -ENOSPC: all of this boot's are taken;
 * -ENAMETOOLONG. */
int slot_get(Enforcer *e, const char *policy);

/** table_put() - replace what the kernel has under @key by @size bytes of a valid table; with @generation in its header.
 * Atomic for every process: old or new. */
int table_put(Enforcer *e, uint32_t key, const void *table, size_t size, uint32_t generation);
int table_drop(Enforcer *e, uint32_t key);

int tables_apply(Enforcer *e, const char *policy, const Profile *p);
int tables_remove(Enforcer *e, const char *policy);

/* ---- needs.c ------------------------------------------------------------------------------------------------- */

/** needs_raise() - attach what @table needs that will be put under @key. Return: 0, or a negative errno: do not put it. */
int needs_raise(Enforcer *e, uint32_t key, const struct va_table *table);
/** needs_settle() - @table (NULL: none) is in force under @key, alone. */
void needs_settle(Enforcer *e, uint32_t key, const struct va_table *table);
/** needs_load() - read from the kernel what the tables in force need. */
int needs_load(Enforcer *e);
/** needs_restore() - attach it. */
int needs_restore(Enforcer *e);
/** needs_watch() - see EnforcerOps.watch(). */
uint32_t needs_watch(Enforcer *e, uint32_t kinds);
/** needs_tidy() - see EnforcerOps.tidy(): detach what nobody needs any more. */
void needs_tidy(Enforcer *e);

/* ---- labels.c ------------------------------------------------------------------------------------------------ */

/** labels_cover() - see EnforcerOps.cover(). */
int labels_cover(Enforcer *e, GBytes *targets, const char *const *policies);
/** launchers_load() - tell the programs which files are launchers, as they are now. */
int launchers_load(Enforcer *e);
int cgroup_id(const char *path, uint64_t *ret);
/** labels_cgroup_path() - see EnforcerOps.cgroup_path(). */
char *labels_cgroup_path(Enforcer *e, uint64_t id);
/** labels_pid_confined() - see EnforcerOps.pid_confined(). */
int labels_pid_confined(Enforcer *e, pid_t pid);

/* ---- events.c ------------------------------------------------------------------------------------------------ */

int events_open(Enforcer *e);
int events_dispatch(Enforcer *e, unsigned max);
/** events_repeats() - see EnforcerOps.repeats(). */
int events_repeats(Enforcer *e);

/* ---- records.c ------------------------------------------------------------------------------------------------ */

/** records_open() - go on with what is being recorded, and have records wake @epoll. */
int records_open(Enforcer *e, int epoll);
void records_close(Enforcer *e);
int records_dispatch(Enforcer *e, unsigned max);
/** records_begin() - before the table comes into force that has @slot recorded; goes on if it is already. */
int records_begin(Enforcer *e, uint32_t slot);
/** records_end() - @slot is not recorded any more. What waits is not handed out. Idempotent. */
int records_end(Enforcer *e, uint32_t slot);
/** records_of() - see EnforcerOps.recorded(). */
int records_of(Enforcer *e, const char *policy, uint64_t ret_lost[static _MODEL_KIND_MAX]);

/* ---- enforcer.c ------------------------------------------------------------------------------------------------ */

/** enforcer_skipped() - runs of programs that the kernel left out, so that somebody did something unseen. */
uint64_t enforcer_skipped(Enforcer *e);

/* ---- addresses.c --------------------------------------------------------------------------------------------- */

/** addresses_open() - tell the programs the host's addresses, and have the changes wake @epoll. */
int addresses_open(Enforcer *e, int epoll);
/** addresses_refresh() - tell them again. */
int addresses_refresh(Enforcer *e);
/** addresses_dispatch() - the same if something has changed. Never blocks. */
void addresses_dispatch(Enforcer *e);
