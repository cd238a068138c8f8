/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the manager share: manager.c (life cycle, what it tells), manager-load.c (requests and loads),
 * manager-mode.c (mode switches), reconcile.c (the only one that applies anything), manager-stands.c (how each policy stands
 * then), manager-model.c and manager-model-end.c (recordings), monitor.c (events and counters). */

#include <glib.h>

#include "alarm-table.h"
#include "binder.h"
#include "cgroup.h"
#include "journal.h"
#include "loader.h"
#include "manager.h"
#include "mode-fragment.h"
#include "units.h"
#include "facts-watch.h"
#include "watch.h"
#include "bpf/abi.h"

#define MANAGER_STATE_BYTES_MAX (256U << 20)

/* A policy, and what only the manager needs to know of it. */
typedef struct Entry {
        PolicyEntry pub;       /* first: callers see only this */
        BundlePolicy *previous; /* the version before pub.current, for alarms that are still under way */
        bool seen;             /* by the load that is being taken over */
        bool gone;             /* its file is: take it out of force */
        bool changed;          /* tell the listeners */
        bool fresh;            /* not announced yet */
        bool in_force;         /* something of it is in the kernel */
        bool left;             /* what there was of recordings has been seen to since its mode is not BehaviorModeling */
        char *failure;         /* why its current version could not be put in force; NULL: it could */
        GPtrArray *loose;      /* of Loose: what runs without its profiles; NULL: nothing binds at exec */
        char *asked;           /* units that systemd has been asked to restart since the last change, joined by spaces; NULL: none */
} Entry;

typedef struct Slot {
        const EnforcerOps *ops;
        Enforcer *enforcer;    /* NULL: not available */
        sd_event_source *io;
        sd_event_source *repeats;
        bool only_records;     /* see EnforcerOps */
        bool covered;          /* cover() has been called with the targets as they are, and has succeeded */
        int cover_error;       /* negative errno: what it said last */
        EnforcerCounters told; /* of its counters: what the journal has been told */
} Slot;

/* Can it do here what a policy of the mode @mode asks of it? */
static inline bool slot_serves(const Slot *s, Mode mode)
{
        return s->enforcer && (!s->only_records || mode == MODE_BEHAVIOR_MODELING);
}

/* Somebody who waits for a load. */
typedef struct Waiter {
        ManagerDone done;
        void *userdata;
} Waiter;

typedef struct CheckJob {
        char *text;
        size_t size;
        Waiter waiter;
} CheckJob;

typedef struct ModeJob {
        char *full_name;
        bool reset;
        Mode mode;
        SetModeOptions options;
        Waiter waiter;
        int result;            /* of the first load */
        Diag *diag;
        char *path[2];         /* of the fragments that it touched: runtime, persistent; with the prefix */
        char *before[2];       /* what stood there */
} ModeJob;

struct Manager {
        sd_event *event;
        char *root;            /* prefix; "" */
        const EnforcerOps *const *ops;
        bool disabled, systemd;
        int lock_fd;
        GPtrArray *listeners;  /* of ManagerListener, borrowed */
        Journal *journal;      /* NULL: no journal */

        /* what is wanted */
        GHashTable *entries;   /* full name -> Entry */
        Settings *settings;
        Diag *diag;            /* of the last load, what concerns no policy */
        GBytes *targets;       /* NULL: none has ever been compiled */
        char **target_policies;
        Bindings *bindings;    /* of the enforcers that bind at exec, available or not; NULL: as @targets */
        char *targets_failure; /* why the last load has not given new ones; NULL: it has */
        GPtrArray *rules;      /* of RuleInfo: the catalogue that was read last, */
        char rules_digest[65]; /* and its digest; "": none was read */
        bool loaded;           /* some load has succeeded */

        /* what is in force */
        Slot slots[_ENFORCER_KIND_MAX];
        EnforcerInfo infos[_ENFORCER_KIND_MAX];
        EnforcerEnv env;
        sd_event_source *reconcile;
        char *state_digest;    /* of the state file as written last */
        Binder *binder;        /* NULL: there is no systemd to bind by */

        /* loads */
        Loader *loader;
        Watch *watch;
        FactsWatch *facts_watch; /* NULL: there are no notices of devices */
        Units *units;
        sd_event_source *load;
        bool load_wanted;
        bool load_again;       /* what is in force differs from what the child believed */
        sd_event_source *patience; /* runs while a load is in force but for what systemd has to say about units */
        bool impatient;        /* it has run out since the last load */
        GQueue waiting;        /* of Waiter: for the next load */
        GQueue loading;        /* of Waiter: for the load that runs, or whose result is about to be in force */
        int load_result;
        GQueue checks;         /* of CheckJob; the head may be under way */
        bool checking;
        GQueue modes;          /* of ModeJob; the head may be under way */
        bool switching;
        sd_event_source *mode;
        void (*on_ready)(Manager *m, void *userdata);
        void *ready_userdata;
        char *load_failure;    /* why the last load failed; NULL: it did not */

        /* alarms */
        AlarmTable *alarms;
        sd_event_source *alarm_timer;
        sd_event_source *poll;
        CgroupCache *cgroups;

        /* recordings */
        GHashTable *models;    /* full name -> Modeling */
        bool models_tidy;      /* files of policies that are gone have been removed */

        ManagerCounters counters;
        ManagerCounters reported;
};

/* manager.c */
void manager_notify_policy(Manager *m, const Entry *e, PolicyChange change);
void manager_notify_status(Manager *m);
Entry *manager_entry(const Manager *m, const char *full_name);
/** manager_cover() - which policies (indices in target_policies) cover the cgroup at @path; NULL: none. */
const struct va_cover *manager_cover(const Manager *m, const char *path);

/* manager-load.c */
void manager_load_soon(Manager *m);
/** manager_complete() - what was asked for is in force: call back whoever waits for it. */
void manager_complete(Manager *m, int result);
void manager_cancel_all(Manager *m);
void manager_call(Manager *m, Waiter w, int result, const Diag *d);
int manager_wait_load(Manager *m, ManagerDone done, void *userdata);
void entry_free(Entry *e);

/* manager-mode.c */
void mode_job_free(ModeJob *j);

/* manager-state.c */
void manager_save(Manager *m);
void manager_restore(Manager *m);
int manager_lock(Manager *m);

/* reconcile.c */
int manager_open_enforcers(Manager *m);
void manager_close_enforcers(Manager *m);

/* manager-stands.c */
/** manager_settle() - @e is as it will be: work out how it stands, and tell whoever should know. */
void manager_settle(Manager *m, Entry *e);

/* manager-model.c */
GHashTable *manager_model_table(void);
/** manager_model_resume() - go on with what a daemon before this one recorded; before the first load, which needs to know. */
void manager_model_resume(Manager *m);
void manager_model_stop(Manager *m);
/** manager_model_follow() - @e is about to be applied: begin, move or end its recording, as its mode and duration say. Sets its failure if
 * it cannot be recorded. */
void manager_model_follow(Manager *m, Entry *e);
/** manager_model_wants() - has the kernel to record for @e, which is in the mode BehaviorModeling? */
bool manager_model_wants(const Manager *m, const Entry *e);
/** manager_model_applied() - whether it does. */
void manager_model_applied(Manager *m, Entry *e, bool on);
/** manager_model_state() - of @e in the mode BehaviorModeling. */
PolicyState manager_model_state(const Manager *m, const Entry *e, char **ret_why);
/** manager_model_is_open() - is there a recording that is not complete, and must not be left? */
bool manager_model_is_open(const Manager *m, const char *full_name);
/** manager_model_open() - set of the full names of those. To be freed; the names are borrowed. */
GHashTable *manager_model_open(const Manager *m);
/** manager_model_again() - somebody asked for BehaviorModeling, or takes that back: if the recording is complete, another one begins. */
void manager_model_again(Manager *m, const char *full_name, bool yes);
/** manager_model_forget() - the policy is gone, and its recording with it. */
void manager_model_forget(Manager *m, const char *full_name);
void manager_model_tidy(Manager *m);
/** manager_model_poll() - every few seconds. */
void manager_model_poll(Manager *m);
void manager_on_record(const char *policy, const ModelOp *op, void *userdata);

/* manager-containers.c */
/** manager_publish_containers() - tell the hook of container engines of the policies for containers. */
void manager_publish_containers(Manager *m);

/* monitor.c */
int monitor_start(Manager *m);
void monitor_stop(Manager *m);
void monitor_configure(Manager *m);
void monitor_on_event(const EnforcerEvent *event, void *userdata);
void monitor_on_origin(const AuditOrigin *origin, void *userdata);
