/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compile: from a policy to the AppArmor enforcer's profile, whose blob is a text (blob.h) until prepare() adds what
 * apparmor_parser makes of it. */

#include "blob.h"
#include "enforcer.h"

/* What AppArmor can express, and the modes in which: EnforcerOps.kinds and .modes. */
#define APPARMOR_KINDS                                                                                                  \
        (1U << OP_FILE | 1U << OP_CAPABILITY | 1U << OP_SOCKET | 1U << OP_PTRACE | 1U << OP_SIGNAL | 1U << OP_MOUNT |     \
         1U << OP_USERNS | 1U << OP_TEXT)
#define APPARMOR_MODES \
        (1U << MODE_ALWAYS_ALLOW | 1U << MODE_RUNTIME_DEFAULT | 1U << MODE_ENHANCE_PROTECT | 1U << MODE_DEFENSE_IN_DEPTH)

/** apparmor_compile() - EnforcerOps.compile(). The blob is empty when there is nothing to enforce. */
int apparmor_compile(const Policy *p, Profile **ret, Diag *d);

/** apparmor_profile_name() - of the policy with this full name: "varmor.web". To be freed. */
char *apparmor_profile_name(const char *full_name);

/* What is asked about a record of AppArmor's. */
typedef struct ApparmorQuery {
        const char *profile; /* as the record has it: "varmor.web", "varmor.web//t0123456789abcdef", "own//&varmor.web" */
        uint32_t kind;       /* VA_KIND_*: */
        const char *object;  /* in the text of that kind (enforcers/bpf/abi.h); a directory's '/' at the end does not matter */
        uint32_t perms;      /* FilePerm, PtracePerm; 1 for other kinds */
} ApparmorQuery;

typedef struct ApparmorAnswer {
        int rule;    /* index in the policy; -ENOENT: no rule that is known by its object */
        bool quiet;  /* the rule blocks or lets pass, and is not to be reported */
        bool deny, log; /* what it does */
        char *names; /* where raw text speaks, the ids of the rules that it might be, separated by ", "; else NULL. To be freed */
} ApparmorAnswer;

/** apparmor_rule_of() - which rule of the policy spoke. */
void apparmor_rule_of(const AaBlob *blob, const ApparmorQuery *q, ApparmorAnswer *ret);

/** apparmor_has_raw() - is there text in it that somebody wrote, of which nobody knows what it denies? */
bool apparmor_has_raw(const AaBlob *blob);

/** apparmor_child_has() - does rule number @rule stand in that profile? As in ApparmorQuery. */
bool apparmor_child_has(const AaBlob *blob, const char *profile, uint32_t rule);
