/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Alarm: an operation that a rule named, with what became of it. EnforcerEvent is what an enforcer saw, in the words of
 * its own profile; Alarm is the same with the policy's words, ready for the journal and D-Bus. */

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

#include "op.h"

/* Why an event was raised. */
typedef enum EventReason {
        REASON_RULE,        /* the rule says so */
        REASON_NO_PATH,     /* the path could not be had (detached, foreign namespace, too long): denied */
        REASON_SECOND_NAME, /* the operation would give a subtree or file another name with other rules */
        REASON_BASE,        /* base protection */
        REASON_DEFAULT,     /* an allow-list does not name it */
        _REASON_MAX,
        _REASON_INVALID = -22,
} EventReason;

const char *event_reason_to_string(EventReason r);

/* One event as an enforcer delivers it. Everything is borrowed for the length of the call. */
struct EnforcerEvent {
        EnforcerKind enforcer;
        const char *policy;    /* full name */
        uint32_t generation;   /* which apply() the rule index belongs to; 0: unknown */
        char digest[65];       /* of the profile whose rule this is; "" unknown */
        int32_t rule;          /* index in the policy's rules; -1: none */
        const char *rule_name; /* NULL: @rule says it; else names the rule, or those that it may have been */
        EventReason reason;
        Action action;
        const char *operation; /* "open", "exec", "mmap", "unlink", "rename", "bpf", "kill", ... */
        OpKind kind;           /* what @requested is about */
        uint32_t requested;    /* FilePerm for OP_FILE, PtracePerm for OP_PTRACE; means nothing for others */
        const uint8_t *object; /* path bytes, address, ...; not NUL-terminated, any byte may occur */
        size_t object_size;
        const uint8_t *object2; /* the second path of rename, link, mount; may be NULL */
        size_t object2_size;
        const char *cgroup;    /* its path, if the enforcer knows it; NULL: it does not; "": nobody does */
        uint64_t cgroup_id;    /* of the confinement (home), not of where the process may have moved to */
        uint64_t time_usec;    /* CLOCK_BOOTTIME */
        uint64_t count;        /* so many that were alike; 0 is 1 */
        pid_t pid, tid;
        uid_t uid;
        char comm[16];
};
typedef struct EnforcerEvent EnforcerEvent;

/* An alarm, coalesced: @count events that were alike. */
typedef struct Alarm {
        char *policy;        /* full name */
        Mode mode;
        uint32_t enforcers;  /* 1 << EnforcerKind: who reported it */
        uint32_t awaited;    /* and who else may be about to report the same call */
        Action action;
        EventReason reason;
        char *rule;          /* id; "" if none decided */
        char *operation;
        OpKind kind;
        uint32_t requested;  /* FilePerm, PtracePerm, or 0 */
        GBytes *object;      /* any byte may occur */
        GBytes *object2;     /* NULL: none */
        char *cgroup;        /* path; "" unknown */
        uint64_t cgroup_id;
        char *unit;          /* "nginx.service"; "" unknown or none */
        pid_t pid, tid;      /* of the first */
        uid_t uid;
        char comm[16];
        uint64_t count;
        uint64_t first_usec, last_usec; /* CLOCK_REALTIME */
} Alarm;

void alarm_free(Alarm *a);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Alarm, alarm_free)

/** alarm_dup_message() - one sentence that a person can act on; unprintable bytes escaped as \xHH. To be freed. */
char *alarm_dup_message(const Alarm *a);
/** alarm_dup_enforcers() - "AppArmor BPF". To be freed. */
char *alarm_dup_enforcers(const Alarm *a);
/** alarm_dup_bytes() - @b as valid UTF-8 without control characters, the rest escaped as \xHH. NULL yields "". */
char *alarm_dup_bytes(GBytes *b);
/** requested_to_string() - the access that an operation of @kind asked for: "read,write"; "" if there is nothing to say. To
 * be freed. */
char *requested_to_string(OpKind kind, uint32_t perms);
