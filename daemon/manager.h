/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manager: the daemon's state and the only place that changes what is in force. It owns the enforcers, the bundle that was
 * loaded last, and one entry for each policy. Every input (a changed file, a call, a unit that systemd loaded, a lost
 * enforcer) only changes what is wanted and arms one deferred reconcile(). The bus interface is built on this header
 * alone. All calls return at once; what takes time ends in a callback from the event loop. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "alarm.h"
#include "bundle.h"
#include "diag.h"
#include "enforcer.h"
#include "op.h"

/* Calls that wait for a load (Reload, SetMode, Check); one more is refused with -EBUSY. */
#define MANAGER_REQUESTS_MAX 256U

typedef struct Manager Manager;

typedef enum PolicyState {
        POLICY_APPLYING,       /* read, not yet in force */
        POLICY_ACTIVE,         /* in force as written */
        POLICY_RESTART_NEEDED, /* in force for workloads that start from now on */
        POLICY_MODELING,       /* a recording runs */
        POLICY_COMPLETED,      /* a recording has ended */
        POLICY_DEGRADED,       /* less or older than written is in force: see @why */
        POLICY_REFUSED,        /* nothing is in force: see @why */
        _POLICY_STATE_MAX,
        _POLICY_STATE_INVALID = -22,
} PolicyState;

const char *policy_state_to_string(PolicyState s); /* "applying", "restart-needed", ... */
PolicyState policy_state_from_string(const char *s);

/* Where the mode in force was written. */
typedef enum ModeOrigin {
        MODE_FROM_FILE,       /* in the policy itself */
        MODE_FROM_RUNTIME,    /* switched until the next boot */
        MODE_FROM_PERSISTENT, /* switched for good */
        _MODE_ORIGIN_MAX,
        _MODE_ORIGIN_INVALID = -22,
} ModeOrigin;

const char *mode_origin_to_string(ModeOrigin o); /* "file", "runtime", "persistent" */
ModeOrigin mode_origin_from_string(const char *s);

/* One policy as it stands. Read only for everybody but the manager; valid until control returns to the event loop. */
typedef struct PolicyEntry {
        char *full_name;        /* "name" or "slice/name": the key */
        PolicyState state;
        char *why;              /* one sentence for degraded, refused, restart-needed; "" otherwise */
        uint64_t since_usec;    /* CLOCK_REALTIME: when @state was entered */
        ModeOrigin mode_origin;
        uint32_t missing;       /* 1 << EnforcerKind: chosen, but not available here */
        BundlePolicy *current;  /* the version that is in force or about to be: mode, target, rules, files ...; NULL if there
                                 * has never been a valid one */
        BundlePolicy *failed;   /* the version that was read last, if it is not valid; else NULL */
        char **selected;        /* cgroup paths that its selector yields; NULL: it has none */
        /* In the mode BehaviorModeling, else 0: */
        uint64_t recording_started_usec, recording_ends_usec; /* CLOCK_REALTIME; when it is over, when it ended */
        uint64_t recorded_ops;   /* written down so far, some of them twice; when the model is written, those in it */
        uint64_t recording_lost; /* ops that were seen and not kept */
        bool model_complete;     /* the model is written, everything was looked for, and nothing lost */
} PolicyEntry;

/** policy_entry_source() - the policy's main file. Borrowed. */
const char *policy_entry_source(const PolicyEntry *e);
/** policy_entry_diag() - what the last load had to say about it. Borrowed; may be NULL. */
const Diag *policy_entry_diag(const PolicyEntry *e);

typedef struct EnforcerInfo {
        EnforcerKind kind;
        bool available;
        char *missing;             /* a sentence; "" if available */
        EnforcerCounters counters; /* as last polled */
} EnforcerInfo;

/* One cgroup that exists and is covered. */
typedef struct TargetInstance {
        char *cgroup;    /* path below the root of the hierarchy: "/system.slice/nginx.service" */
        char *unit;      /* "nginx.service", or "" */
        char **policies; /* full names of all policies that cover it */
} TargetInstance;

void target_instance_free(TargetInstance *t);

/* What the daemon has counted since it started. */
typedef struct ManagerCounters {
        uint64_t alarms;           /* events that became an alarm or were added to one */
        uint64_t alarms_limited;   /* left out by the rate limit or a full table */
        uint64_t journal_dropped;  /* entries that the journal did not take in time */
        uint64_t events_lost;      /* the enforcers' sums: see EnforcerCounters */
        uint64_t programs_skipped;
        uint64_t labels_lost;
} ManagerCounters;

typedef enum PolicyChange { POLICY_ADDED, POLICY_CHANGED, POLICY_REMOVED } PolicyChange;

/* Whoever wants to hear of things. Members may be NULL. Nothing may be added or removed from inside a callback. */
typedef struct ManagerListener {
        void (*on_alarm)(const Alarm *alarm, void *userdata);
        /* @entry is still valid in POLICY_REMOVED. */
        void (*on_policy)(const PolicyEntry *entry, PolicyChange change, void *userdata);
        /* The recording of @entry has got on, at most every few seconds, or @complete: its model is written. */
        void (*on_model)(const PolicyEntry *entry, bool complete, void *userdata);
        /* Enforcers' availability, counters, or the status text changed. */
        void (*on_status)(void *userdata);
        void *userdata;
} ManagerListener;

typedef struct ManagerParams {
        sd_event *event;                      /* referenced */
        const char *root;                     /* NULL: "/"; else the prefix of etc/varmor, run/varmor, usr/lib/varmor */
        const EnforcerOps *const *enforcers;  /* NULL-terminated, static */
        bool disabled;                        /* varmor.disable: start nothing, load nothing */
        bool systemd;                         /* ask systemd about units; false on a private bus in tests */
        bool journal;                         /* write alarms to the journal */
} ManagerParams;

/** manager_new() - Return: 0; -EEXIST: another instance holds the lock; another negative errno. */
int manager_new(const ManagerParams *params, Manager **ret);
/** manager_free() - answers what waits with -ECANCELED, closes the enforcers, and leaves the kernel's state in force. */
void manager_free(Manager *m);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manager, manager_free)

/** manager_start() - open the enforcers, watch the directories, load for the first time.
 * @on_ready: called once, when the result of the first load is in force or has failed; may be NULL. */
int manager_start(Manager *m, void (*on_ready)(Manager *m, void *userdata), void *userdata);

/** manager_add_listener() - @l is borrowed until it is removed. */
void manager_add_listener(Manager *m, const ManagerListener *l);
void manager_remove_listener(Manager *m, const ManagerListener *l);

/* ---- what there is ------------------------------------------------------------------------------------------- */

bool manager_is_disabled(const Manager *m);
/** manager_dup_status() - one line for people: "3 policies active; BPF enforcer missing: ...". To be freed. */
char *manager_dup_status(const Manager *m);
/** manager_policies() - array of PolicyEntry, sorted by name; the container is the caller's, the entries are not. */
GPtrArray *manager_policies(const Manager *m);
/** manager_find_policy() - by full name; NULL: no such policy. */
const PolicyEntry *manager_find_policy(const Manager *m, const char *full_name);
/** manager_enforcers() - _ENFORCER_KIND_MAX elements, indexed by EnforcerKind. Borrowed. */
const EnforcerInfo *manager_enforcers(const Manager *m);
void manager_get_counters(const Manager *m, ManagerCounters *ret);
/** manager_diag() - what the last load had to say that concerns no single policy. Borrowed; may be NULL. */
const Diag *manager_diag(const Manager *m);
/** manager_rules() - the catalogue as it was read last: array of RuleInfo, sorted by id. Borrowed, never NULL. */
const GPtrArray *manager_rules(const Manager *m);
/** manager_targets() - the existing cgroups that @full_name (NULL: any policy) covers, as TargetInstance, sorted by path.
 * Only the top of each covered subtree, and below it where the cover differs. Bounded by TARGETS_MAX.
 * Return: 0; -ENOENT: no such policy. */
int manager_targets(const Manager *m, const char *full_name, GPtrArray **ret);
/* What one enforcer does for one policy. */
typedef struct Enforcement {
        bool in_force;
        uint64_t since_usec; /* CLOCK_REALTIME; 0: unknown */
        uint32_t targets;    /* cgroups, as manager_targets() counts them, that are under it */
        uint32_t loose;      /* and those that would be after a restart, or cannot be: see the policy's state */
} Enforcement;

/** manager_enforcement() - @ret: indexed by EnforcerKind. Return: 0; -ENOENT: no such policy. */
int manager_enforcement(const Manager *m, const char *full_name, Enforcement ret[static _ENFORCER_KIND_MAX]);

/** manager_covers() - full names of the policies that @cgroup is, or would be, under. */
char **manager_covers(const Manager *m, const char *cgroup);
/** manager_in_force() - 1 << EnforcerKind by which @full_name is in force, as far as the enforcer is concerned. */
uint32_t manager_in_force(const Manager *m, const char *full_name);

/** manager_pid_confined() - 1: @pid is under a policy; 0: not; negative: it cannot be known, and the caller must refuse. */
int manager_pid_confined(const Manager *m, pid_t pid);

/* ---- what can be asked for ------------------------------------------------------------------------------------ */

/* @result: 0; -EBADMSG: see @diag; -EINPROGRESS: BehaviorModeling cannot be left before the recording is complete; -ECANCELED: the
 * daemon ends; -EUCLEAN, -ETIMEDOUT, ...: the load itself failed,
 * what was in force is in force. @diag is borrowed and never NULL. Called exactly once, never from inside the call
 * that asked. */
typedef void (*ManagerDone)(Manager *m, int result, const Diag *diag, void *userdata);

/** manager_reload() - read everything again. @done is called when what was read after this call is in force: 0, also
 * when there are warnings; -EBADMSG if any policy was refused (the others are in force).
 * Return: 0, -EBUSY (too many wait), -ESHUTDOWN (disabled). */
int manager_reload(Manager *m, ManagerDone done, void *userdata);

typedef struct SetModeOptions {
        bool persist;          /* write below /etc: it survives the boot */
        uint32_t duration_min; /* BehaviorModeling, which needs it: from when the recording began; 0: not given */
        int audit_violations;  /* -1: as the policy says */
        int allow_violations;  /* -1: as the policy says */
} SetModeOptions;

/** manager_set_mode() - switch @full_name, and call @done when that is in force or has been taken back.
 * @o: may be NULL.
 * Return: 0; -ENOENT: no such policy; -EINVAL: options that do not go with the mode; -EBUSY; -ESHUTDOWN. */
int manager_set_mode(Manager *m, const char *full_name, Mode mode, const SetModeOptions *o, ManagerDone done,
                     void *userdata);

/** manager_reset_mode() - take back what manager_set_mode() wrote for @full_name, below /run and below /etc, and call
 * @done when the policy is in force as its own files say. Nothing to take back is success.
 * Return: 0, -ENOENT, -EBUSY, -ESHUTDOWN. */
int manager_reset_mode(Manager *m, const char *full_name, ManagerDone done, void *userdata);

/** manager_report_confined() - the bus refused @member ("SetMode", ...) to the confined process @pid: raise an alarm of
 * rule base-protection, reason REASON_BASE, operation "dbus", object @member, in the name of the policies that cover it. */
void manager_report_confined(Manager *m, pid_t pid, uid_t uid, const char *member);

/* A document larger than this is refused with -E2BIG. */
#define MANAGER_CHECK_BYTES_MAX (1U << 20)

/** manager_check() - parse and compile @text as if it were a policy file, in the loader's child; nothing is changed.
 * @done gets 0 or -EBADMSG with all messages. Return: 0, -EBUSY, -E2BIG. */
int manager_check(Manager *m, const char *text, size_t size, ManagerDone done, void *userdata);

/** manager_reconcile_soon() - arm the deferred reconcile(); cheap, any number of times. */
void manager_reconcile_soon(Manager *m);
