/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Audit: how the AppArmor and the seccomp enforcer tell what they deny. Both come to it by the kernel's audit subsystem: the stream
 * of its records, and where BPF programs are there, the origins of those records. An enforcer has one Audit, and passes its own
 * fd(), dispatch(), repeats(), tidy(), counters(), watched() and origin() on to it. */

#include <stdbool.h>
#include <stdint.h>

#include "alarm.h"
#include "enforcer.h"
#include "words.h"

/* A system call that a filter has stopped or reported. */
typedef struct AuditCall {
        int32_t syscall;
        uint32_t arch;        /* AUDIT_ARCH_* */
        uint32_t code;        /* SECCOMP_RET_* */
        const uint64_t *args; /* six; NULL: not known */
} AuditCall;

/* What the enforcer knows. All borrowed, must outlive the Audit. */
typedef struct AuditHooks {
        EnforcerKind enforcer;

        /** policies() - full names of those that have something in force. To be freed. */
        char **(*policies)(void *userdata);

        /** AppArmor: explain() - fill in rule, rule_name, reason, action, generation and digest of @event, which is about the policy
         * @event->policy; see audit_explain(). @child: what follows "//" in the profile's name; NULL: nothing.
         * @ret_rule_name: may be set, is freed. Return: false: the policy wants it not to be told. */
        bool (*explain)(void *userdata, const AuditWords *w, const char *child, EnforcerEvent *event, char **ret_rule_name);

        /** seccomp: explain_call() - the same for a call. Without arguments all rules that it may have been are named.
         * @ret_quiet: set: the policy wants it not to be told.
         * Return: false: the policy has no rule that would do that, it was another filter. */
        bool (*explain_call)(void *userdata, const AuditCall *call, EnforcerEvent *event, char **ret_rule_name, bool *ret_quiet);

        /** seccomp: syscall_name() - for people. To be freed; NULL: it has none. */
        char *(*syscall_name)(uint32_t arch, int32_t number);

        /** seccomp: cover() - full names of the policies that cover the cgroup at @path. To be freed. */
        char **(*cover)(void *userdata, const char *path);
} AuditHooks;

typedef struct Audit Audit;

/** audit_new() - never fails: if the kernel does not give us its records, the journal's stand in for them; without those, too, only
 * what comes by audit_origin() is told, and audit_missing() says what is missing. */
Audit *audit_new(const AuditHooks *hooks, const EnforcerEnv *env, void *userdata);
void audit_free(Audit *a);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Audit, audit_free)

/** audit_missing() - why there are no records, a sentence; NULL: there are. */
const char *audit_missing(const Audit *a);
/** audit_fallen_back() - why the records are the journal's, a sentence; NULL: they are the kernel's own, or there are none. */
const char *audit_fallen_back(const Audit *a);

/* As in EnforcerOps. */
int audit_fd(const Audit *a);
int audit_dispatch(Audit *a, unsigned max);
int audit_repeats(Audit *a);
void audit_tidy(Audit *a);
void audit_counters(Audit *a, EnforcerCounters *ret); /* sets events_lost */
void audit_watched(Audit *a, bool yes);
void audit_origin(Audit *a, const AuditOrigin *origin);
