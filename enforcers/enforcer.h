/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Enforcer: the one interface behind which AppArmor, the BPF LSM and seccomp stand. compile() is pure and runs
 * in the loader's child process; everything else runs in the daemon's loop and must not block. An enforcer knows op,
 * policy, alarm and diag; never the manager, never sd-bus. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "diag.h"
#include "model.h"
#include "op.h"
#include "policy.h"

/* A compiled policy for one enforcer: bytes that compile() made and apply() puts into the kernel, and for each
 * rule of the policy (same order and count as policy->rules) why this enforcer does not enforce it. Immutable. */
typedef struct Profile {
        EnforcerKind enforcer;
        GBytes *blob;         /* format is the enforcer's own; empty: nothing to enforce */
        char digest[65];      /* SHA-256 of @blob, hex */
        GPtrArray *why_not;   /* of char *; NULL element: the rule is enforced by this enforcer */
        bool has_children;    /* AppArmor: some programs begin under more than the rest, see apparmor/children.h */
        uint32_t n_states;    /* size figures for status and bench */
        uint64_t table_bytes;
        uint64_t since_usec;  /* CLOCK_REALTIME: put in force; 0: it is not, or nobody knows. The manager's */
} Profile;

Profile *profile_new(EnforcerKind enforcer, GBytes *blob /* taken */);
/** profile_set_blob() - other bytes, for prepare(). */
void profile_set_blob(Profile *p, GBytes *blob /* taken */);
void profile_free(Profile *p);
/** profile_is_empty() - is there nothing to enforce? True for NULL; also where the bytes were left out. */
bool profile_is_empty(const Profile *p);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Profile, profile_free)

/* What an enforcer can do beyond blocking. */
typedef enum EnforcerFlags {
        ENFORCER_LIVE = 1 << 0,      /* a change reaches running processes */
        ENFORCER_AUDIT = 1 << 1,     /* it reports what it denies */
        ENFORCER_OBSERVE = 1 << 2,   /* it can report without denying */
        ENFORCER_ALLOWLIST = 1 << 3, /* it can deny by default */
        ENFORCER_AT_EXEC = 1 << 4,   /* a workload comes under it when it starts, by what systemd's generator writes into its unit */
} EnforcerFlags;

typedef struct Enforcer Enforcer;
typedef struct EnforcerEvent EnforcerEvent; /* daemon/alarm.h */

/* Who caused a record of the audit subsystem, as it was when the record was made: seccomp's records name no cgroup, and the
 * process may be gone when they are read. Borrowed for the length of the call. */
typedef struct AuditOrigin {
        uint32_t type;      /* AUDIT_SECCOMP, AUDIT_AVC */
        pid_t pid, tid;
        uid_t uid;
        char comm[16];
        uint64_t cgroup_id; /* of the confinement, as in EnforcerEvent */
        const char *cgroup; /* its path; NULL: not known */
        uint64_t time_usec; /* CLOCK_BOOTTIME */
        uint64_t count;     /* so many records that were alike */
        int32_t syscall;    /* AUDIT_SECCOMP: number, */
        uint32_t arch;      /* AUDIT_ARCH_*, */
        uint32_t code;      /* what the filter said, SECCOMP_RET_*, */
        uint64_t args[6];   /* and arguments */
        const char *const *policies; /* full names of those that cover the cgroup; NULL-terminated */
} AuditOrigin;

/* What the daemon gives an enforcer when it opens it. All borrowed, must outlive the enforcer. */
typedef struct EnforcerEnv {
        char **launchers;                    /* absolute paths of set-up programs, beside PID 1's own */
        const char *self_unit;               /* "varmord.service": what base protection guards */
        void (*on_event)(const EnforcerEvent *event, void *userdata);
        void (*on_origin)(const AuditOrigin *origin, void *userdata); /* from an enforcer that sees them made */
        /* What a workload of @policy, which is in the mode BehaviorModeling, did: at least once for each op that is not the same, or has
         * other accesses. @op is borrowed. An enforcer calls it before it lets go of what it heard from the kernel, so that what this
         * has written down when it returns is not lost if the daemon ends. May be NULL. */
        void (*on_record)(const char *policy, const ModelOp *op, void *userdata);
        void *userdata;
} EnforcerEnv;

/* Counters that only grow; the daemon reports each increase. */
typedef struct EnforcerCounters {
        uint64_t events_lost;      /* alarms that found the queue full */
        uint64_t programs_skipped; /* runs that the kernel left out (recursion_misses): protection had a hole */
        uint64_t labels_lost;      /* cgroups that could not be labelled because a table was full */
} EnforcerCounters;

typedef struct EnforcerOps {
        const char *name; /* "bpf": as in YAML, journal and D-Bus */
        EnforcerKind kind;
        uint32_t kinds;   /* 1 << OpKind that it can express */
        uint32_t modes;   /* 1 << Mode that it can enforce; EnhanceProtect without `privileged` needs RuntimeDefault, too */
        uint32_t flags;   /* EnforcerFlags */
        uint32_t records; /* 1 << ModelKind that recorded() looks for; 0: it does not record */

        /** open() - find out what the kernel offers, adopt what is in force already, else load.
         * Return: 0; -EOPNOTSUPP and in @d what is missing; another negative errno. */
        int (*open)(const EnforcerEnv *env, Enforcer **ret, Diag *d);

        /** close() - let go of the kernel's objects and leave them in force. Accepts NULL. */
        void (*close)(Enforcer *e);

        /** shutdown() - take everything out of the kernel (uninstalling, `varmord --remove`). */
        int (*shutdown)(Enforcer *e);

        /** compile() - pure. @ret always gets a profile when 0 is returned; rules that this enforcer cannot express
         * get their reason in ret->why_not. Return: 0, -EBADMSG, -E2BIG (state budget; @d names the patterns). */
        int (*compile)(const Policy *p, Profile **ret, Diag *d);

        /** prepare() - in the loader's child, where @profile is not what is in force already: whatever needs a tool or this
         * host. @profile comes from compile(). May be NULL. Return: 0, -EBADMSG, -EOPNOTSUPP, with @d. */
        int (*prepare)(const Policy *p, Profile *profile, Diag *d);

        /** apply() - put @p in force for the policy called @policy (its full name), atomically, idempotently. */
        int (*apply)(Enforcer *e, const char *policy, const Profile *p);

        /** remove() - @policy has no rules any more. Idempotent. With ENFORCER_AT_EXEC called only when systemd starts nothing
         * under it any more. */
        int (*remove)(Enforcer *e, const char *policy);

        /** cover() - which cgroups belong to which policy: @targets is a table made by targets_compile(), whose
         * policy indices stand for @policies. New cgroups follow it at once, existing ones before this returns. May be NULL. */
        int (*cover)(Enforcer *e, GBytes *targets, const char *const *policies);

        /** applied() - digest of what is in force for @policy ("" if nothing), also after adoption. */
        int (*applied)(Enforcer *e, const char *policy, char ret_digest[static 65]);

        /** policies() - names of all policies that have something in force, also after adoption. */
        char **(*policies)(Enforcer *e);

        /** fd(), dispatch() - readable when events wait (-EBADF: there are none); dispatch() hands at most @max of them to
         * env->on_event. */
        int (*fd)(Enforcer *e);
        int (*dispatch)(Enforcer *e, unsigned max);

        /** repeats() - hand out how often recurred what dispatch() handed out before, as events with a count. May be NULL.
         * Return: 0: need not be called again before the next dispatch(); 1: call again within a second. */
        int (*repeats)(Enforcer *e);

        int (*counters)(Enforcer *e, EnforcerCounters *ret);

        /** told(), tell() - what of counters() has been reported, also by a daemon before this one; and that it is now @c. May be
         * NULL, both. */
        EnforcerCounters (*told)(Enforcer *e);
        void (*tell)(Enforcer *e, const EnforcerCounters *c);

        /** tidy() - called every few seconds, to let go of what has not been needed for a while. May be NULL. */
        void (*tidy)(Enforcer *e);

        /** watch() - give env->on_origin the origin of all records about the enforcers @kinds (1 << EnforcerKind), and of no others.
         * Called after each change; idempotent. May be NULL. Return: the kinds for which it does so from now on. */
        uint32_t (*watch)(Enforcer *e, uint32_t kinds);

        /** watched() - whether another enforcer sees the origin of all records about this one. May be NULL. */
        void (*watched)(Enforcer *e, bool yes);

        /** origin() - what another enforcer gave to env->on_origin, in the order in which it saw it. May be NULL. */
        void (*origin)(Enforcer *e, const AuditOrigin *origin);

        /** cgroup_path() - of the cgroup @id, which is gone, as far as it is remembered. To be freed; NULL: it is not. May be NULL. */
        char *(*cgroup_path)(Enforcer *e, uint64_t id);

        /** recorded() - of @policy, in the mode BehaviorModeling: hand all that waits to env->on_record, and set @ret_lost to how many were
         * seen and not kept since the recording began. May be NULL: this enforcer does not record.
         * Return: 0; -ENOENT: it does not record @policy. */
        int (*recorded)(Enforcer *e, const char *policy, uint64_t ret_lost[static _MODEL_KIND_MAX]);

        /** only_records() - nothing can be enforced here, but what workloads do can be recorded; open() said why in its first message. May be
         * NULL: no. */
        bool (*only_records)(Enforcer *e);

        /** pid_confined() - may be NULL. 1 if @pid is under any policy, 0 if not, negative errno if it cannot be known (then the
         * caller must refuse). */
        int (*pid_confined)(Enforcer *e, pid_t pid);
} EnforcerOps;

extern const EnforcerOps apparmor_enforcer_ops, bpf_enforcer_ops, seccomp_enforcer_ops;
