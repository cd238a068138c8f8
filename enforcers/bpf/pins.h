/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pins: the programs and maps as they stand below /sys/fs/bpf/varmor/, which outlive the daemon. A directory for each
 * version of the ABI holds maps/ and, for each build of the programs, progs-BUILD/ with all of them and links-BUILD/ with
 * those that are attached. The meta map names the build in force. Opening adopts that one; another build is loaded beside
 * it over the same maps, attached as far as the tables in force need it, and only when that is done and written down the
 * old one goes. So at any moment, also of a crash, one set of links that does what the tables say is in force. */

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
        MAP_REPEATS,   /* struct va_repeat by key of the event */
        MAP_ADDRESSES, /* the host's own */
        MAP_META,      /* struct va_meta */
        MAP_NAMES,     /* struct va_name by cgroup id */
        MAP_RECORDS,   /* ring buffer */
        MAP_SEEN,      /* what recordings have sent, by its hash */
        MAP_RECORDINGS, /* struct va_recording by slot */
        _MAP_MAX,
} PinnedMap;

typedef struct PinnedProgram {
        char *name;
        uint32_t needs; /* VA_NEED_* of hooks.h */
        int fd;
        int link;       /* descriptor, which keeps it attached should its pin be lost; -EBADF: it is not attached */
} PinnedProgram;

typedef struct Pins {
        int maps[_MAP_MAX]; /* descriptors */
        GArray *programs;   /* of PinnedProgram */
        char *version;      /* directory of our version */
        char *directory;    /* progs-BUILD/ */
        char *links;        /* links-BUILD/ */
        char build[65];
        bool traced;        /* the kernel runs without the BPF LSM: programs see what is done, and cannot deny it */
        bool adopted;       /* our build is the one in force */
        bool core;          /* programs of VA_NEED_CORE are attached, or were by another build */
} Pins;

/** pins_open() - adopt or load. What is loaded is not attached, and what another build has attached stays so until
 * pins_commit(). @directory: "/sys/fs/bpf/varmor". @p: descriptors -EBADF, all else zero; call pins_done() whatever comes.
 * Return: 0, where the BPF LSM is missing with that in @d and p->traced; -EOPNOTSUPP and the reason in @d; another negative errno
 * and what failed in @d. */
int pins_open(const char *directory, Pins *p, Diag *d);

/** pins_attach() - attach, and pin, all programs for any of @needs that are not attached yet.
 * Return: 0; a negative errno (-E2BIG: others have taken all places of a hook), then some of them may be attached. */
int pins_attach(Pins *pins, uint32_t needs);

/** pins_has() - is a program for any of @needs attached? */
bool pins_has(const Pins *pins, uint32_t needs);

/** pins_has_others() - are programs attached that none of @needs asks for? Those of VA_NEED_CORE stay, and do not count. */
bool pins_has_others(const Pins *pins, uint32_t needs);

/** pins_detach_others() - detach them, at most @max. The kernel does it by and by. */
void pins_detach_others(Pins *pins, uint32_t needs, unsigned max);

/** pins_commit() - what the tables in force need is attached: from now on our build counts, and the others go. */
int pins_commit(Pins *p);

/** pins_done() - close the descriptors; what is pinned stays. */
void pins_done(Pins *p);

/** pins_drop_others() - remove what another ABI's daemon left, now that ours is in force. */
void pins_drop_others(const Pins *p);

/** pins_remove() - unpin everything, links first. Return: 0 or the first negative errno. */
int pins_remove(const char *directory);
