/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bundle: all that the loader's child process hands to the daemon: what it read, compiled and found wrong, serialised as
 * one GVariant (validated on arrival; a child that was killed or lied yields an error, never a wild read). The daemon
 * itself parses no YAML and builds no automaton. */

#include <glib.h>

#include "diag.h"
#include "enforcer.h"
#include "policy.h"
#include "rule-info.h"
#include "settings.h"

/* How one rule stands, for status: `varmorctl show`. */
typedef struct RuleStatus {
        char *id;
        SourcePos pos;
        RuleOrigin origin;
        OpKind kind;
        char *summary;          /* one line: "deny rw /etc/shadow, /etc/gshadow" */
        uint32_t enforced_by;   /* 1 << EnforcerKind */
        char *why_not[_ENFORCER_KIND_MAX]; /* for each chosen enforcer that does not: the reason; else NULL */
        bool optional;
} RuleStatus;

/* The code of the error that a policy wants to leave BehaviorModeling before its recording is complete. */
#define CODE_NOT_COMPLETE "not-complete"

/* One policy as the daemon needs it. A policy with errors has valid == false, its diagnostics, and as much of its name and
 * source as could be had. */
typedef struct BundlePolicy {
        char *name, *slice, *full_name;
        char *source;          /* file */
        char **files;          /* with fragments */
        bool valid;
        Mode mode;
        bool mode_runtime;     /* from a fragment below /run */
        bool mode_persistent;  /* from a fragment that SetMode wrote below /etc */
        bool audit_violations, allow_violations, privileged, fail_open, update_existing;
        uint32_t enforcers;    /* that were chosen; see bundle_policy_enforcers() */
        uint32_t duration_min; /* BehaviorModeling: how long to record; 0: not given */
        char ir_digest[65];    /* of the sealed policy; "" if not valid */
        TargetSpec target;
        char **selected;       /* the cgroup paths that its selector yielded; NULL: it has none */
        GPtrArray *rules;      /* of RuleStatus */
        Profile *profiles[_ENFORCER_KIND_MAX]; /* NULL: enforcer not chosen; blob NULL + digest: same as the daemon has */
        Diag *diag;
} BundlePolicy;

typedef struct Bundle {
        GPtrArray *policies;   /* of BundlePolicy, valid and invalid */
        GBytes *targets;       /* target automaton; no bytes: nothing is covered; NULL: it could not be compiled */
        char **target_policies; /* full names that its indices stand for */
        GBytes *bindings;      /* bindings_to_bytes(): of the enforcers that bind at exec, whether they are available or not; NULL:
                                * as @targets */
        Settings *settings;
        char rules_digest[65]; /* of the catalogue, see rule_infos_build(); "": there was none */
        GPtrArray *rules;      /* of RuleInfo; NULL: the daemon has those of this digest */
        Diag *diag;            /* what concerns no single policy */
        uint64_t took_usec;
} Bundle;

BundlePolicy *bundle_policy_new(void);
void bundle_policy_free(BundlePolicy *p);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BundlePolicy, bundle_policy_free)
void rule_status_free(RuleStatus *s);

/** bundle_policy_enforcers() - 1 << EnforcerKind by which @p is put in force: those that it chose, and in the mode BehaviorModeling, in
 * which nothing is enforced, the one that records. */
uint32_t bundle_policy_enforcers(const BundlePolicy *p);

Bundle *bundle_new(void);
void bundle_free(Bundle *b);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bundle, bundle_free)

/* Changes with the layout of the bytes: a state file of another version is not read. */
#define BUNDLE_VERSION 6U

/** bundle_to_variant() - Return: a reference that is the caller's, not a floating one. */
GVariant *bundle_to_variant(const Bundle *b);
/** bundle_from_variant() - @v is untrusted. Return: 0, -EBADMSG. */
int bundle_from_variant(GVariant *v, Bundle **ret);
/** bundle_from_bytes() - the same for serialised bytes; nothing of @bytes is referenced afterwards. */
int bundle_from_bytes(GBytes *bytes, Bundle **ret);
