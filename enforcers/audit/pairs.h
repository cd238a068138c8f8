/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pairs: a record says what was denied, and where BPF programs are there, an AuditOrigin says to whom. The two come by different
 * ways and in any order, so records wait for a moment; those that are alike wait as one with a count. Pure: the caller has the
 * clock, which never goes back. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "enforcer.h"
#include "record.h"

#define AUDIT_PENDING_MAX 1024U   /* different records that wait; beyond, the oldest has waited enough */
#define AUDIT_PROCESSES_MAX 4096U /* whose origin is known; beyond, no new one is remembered */

/* The manager reads each enforcer's events ten times a second: in this time all that has happened before has been read. */
#define AUDIT_HOLD_USEC (400U * 1000U)
/* The kernel counts origins that are alike, and tells their number every second. */
#define AUDIT_SETTLE_USEC (3U * G_USEC_PER_SEC)
/* For so long nobody says again who a process is: longer than REPEAT_IDLE_NS of the BPF enforcer. */
#define AUDIT_FORGET_USEC (15U * G_USEC_PER_SEC)
/* Until then somebody has said whether origins come. */
#define AUDIT_UNDECIDED_USEC (5U * G_USEC_PER_SEC)

/* Whom a record is about, as the kernel saw it. */
typedef struct AuditWho {
        pid_t tid; /* the first that was seen; one of the process's */
        uid_t uid;
        uint64_t cgroup_id;
        char *cgroup;    /* NULL: not known */
        char **policies; /* that cover it, full names */
} AuditWho;

typedef struct AuditPairs AuditPairs;
/* @who: NULL: not known. @count: so many, @time_usec: CLOCK_REALTIME of the first. */
typedef void (*AuditDeliver)(const AuditRecord *r, const AuditWho *who, uint64_t count, void *userdata);

/** audit_pairs_new() - @type: of the records. An origin of AUDIT_SECCOMP is all that there is to know, so that where origins come,
 * records are not wanted at all. */
AuditPairs *audit_pairs_new(uint32_t type, AuditDeliver deliver, void *userdata);
void audit_pairs_free(AuditPairs *p);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AuditPairs, audit_pairs_free)

/** audit_pairs_watched() - whether all origins come. Before the first call it is not known. */
void audit_pairs_watched(AuditPairs *p, bool yes, uint64_t now_usec);
/** audit_pairs_record() - @text of @size bytes, which is no record at all perhaps. May deliver. */
void audit_pairs_record(AuditPairs *p, const char *text, size_t size, uint64_t now_usec);
void audit_pairs_origin(AuditPairs *p, const AuditOrigin *o, uint64_t now_usec);
/** audit_pairs_expire() - deliver what has waited enough, at most @max. */
void audit_pairs_expire(AuditPairs *p, unsigned max, uint64_t now_usec);
/** audit_pairs_next() - when to call audit_pairs_expire(); UINT64_MAX: not needed. */
uint64_t audit_pairs_next(const AuditPairs *p);
/** audit_pairs_lost() - records that the kernel began to make, and that never came. */
uint64_t audit_pairs_lost(const AuditPairs *p);
bool audit_pairs_is_watched(const AuditPairs *p);
