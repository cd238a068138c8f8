/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Policy: one document of POLICY form, parsed, merged with its fragments, its rule ids replaced by their rules, validated
 * and sealed. Immutable after policy_seal(). Every rule carries where it was written. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "op.h"

#define POLICY_RULES_MAX 20000U
#define POLICY_NAME_BYTES_MAX 253U    /* a Kubernetes object name: a DNS subdomain */
#define POLICY_PATTERN_BYTES_MAX 4095U

typedef enum TargetKind {
        TARGET_SERVICE,
        TARGET_SCOPE,
        TARGET_SLICE,
        TARGET_CONTAINER,
        TARGET_CGROUP,
        _TARGET_KIND_MAX,
        _TARGET_KIND_INVALID = -22,
} TargetKind;

const char *target_kind_to_string(TargetKind k);
TargetKind target_kind_from_string(const char *s);

typedef enum SelectorOperator { SELECTOR_IN, SELECTOR_NOT_IN, SELECTOR_EXISTS, SELECTOR_DOES_NOT_EXIST, _SELECTOR_OPERATOR_MAX } SelectorOperator;

typedef struct SelectorTerm {
        SourcePos pos;
        char *key;
        SelectorOperator op;
        char **values; /* NULL-terminated; empty for (DOES_NOT_)EXISTS */
} SelectorTerm;

typedef struct TargetSpec {
        SourcePos pos;
        TargetKind kind;
        char *name;           /* exact or glob; NULL if a selector is given */
        GPtrArray *selector;  /* of SelectorTerm: all must hold; NULL if a name is given */
        bool force;
} TargetSpec;

typedef enum RuleOrigin {
        RULE_BUILT_IN, /* from rules.d, named by id */
        RULE_CUSTOM,   /* written in the policy */
        RULE_BASE,     /* base protection, present in every policy that denies */
        _RULE_ORIGIN_MAX,
} RuleOrigin;

typedef enum RuleQualifier {
        RULE_DENY = 1 << 0,
        RULE_AUDIT = 1 << 1,
        RULE_ALLOW = 1 << 2,
} RuleQualifier;

typedef struct FileRule {
        char **patterns; /* NULL-terminated; POLICY.md's globs */
        char **except;   /* NULL-terminated, may be NULL: subtracted from this rule alone */
        uint32_t perms;  /* FilePerm */
} FileRule;

/* The other kinds have their structs beside this one, added as the parser learns them. */

typedef struct Rule {
        char *id;           /* "disable-write-etc", or for the administrator's own "files[2]": names it in alarms */
        SourcePos pos;
        RuleOrigin origin;
        OpKind kind;
        uint32_t qualifiers; /* RuleQualifier; DENY and AUDIT together: denied and reported whatever the disposition */
        char **targets;      /* NULL: everybody; else patterns of executables that (with what they execute) it is for */
        bool optional;       /* may go unenforced */
        char *unenforceable; /* not NULL: why nobody can enforce it here (addresses not configured, ...) */
        FileRule file;       /* OP_FILE */
} Rule;

typedef struct Policy {
        char *name;         /* metadata.name */
        char *slice;        /* VarmorPolicy: metadata.namespace, the slice that confines it; NULL: whole host */
        char *full_name;    /* "name", or "slice/name"; the key everywhere */
        SourcePos pos;
        TargetSpec target;
        bool fail_open;     /* failurePolicy: open */
        bool update_existing;
        uint32_t enforcers; /* 1 << EnforcerKind */
        Mode mode;
        bool mode_runtime;  /* the mode comes from a fragment below /run */
        bool privileged;    /* enhanceProtect.privileged */
        bool audit_violations;
        bool allow_violations;
        uint32_t duration_min; /* modelingOptions.duration; 0: not given */
        GPtrArray *rules;   /* of Rule, in the document's order, base protection last */
        char **files;       /* the file and its fragments, in the order they were merged */
        bool sealed;
} Policy;

void policy_free(Policy *p);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Policy, policy_free)
