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
#define POLICY_LIST_MAX 20000U        /* elements of any one list in a document */

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

typedef enum SelectorOperator {
        SELECTOR_IN,
        SELECTOR_NOT_IN,
        SELECTOR_EXISTS,
        SELECTOR_DOES_NOT_EXIST,
        _SELECTOR_OPERATOR_MAX,
        _SELECTOR_OPERATOR_INVALID = -22,
} SelectorOperator;

const char *selector_operator_to_string(SelectorOperator o);
SelectorOperator selector_operator_from_string(const char *s);

typedef struct SelectorTerm {
        SourcePos pos;
        char *key;
        SelectorOperator op;
        char **values; /* NULL-terminated; empty for (DOES_NOT_)EXISTS */
} SelectorTerm;

void selector_term_free(SelectorTerm *t);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SelectorTerm, selector_term_free)

typedef struct TargetSpec {
        SourcePos pos;
        TargetKind kind;
        char *name;           /* exact or glob; NULL if a selector is given. In a unit's name a backslash is part of it */
        GPtrArray *selector;  /* of SelectorTerm: all must hold; NULL if a name is given */
        bool force;
} TargetSpec;

typedef enum RuleOrigin {
        RULE_BUILT_IN, /* from the catalogue, named by id */
        RULE_CUSTOM,   /* written in the policy */
        RULE_BASE,     /* base protection, present in every policy that denies */
        RULE_DEFAULT,  /* of RuntimeDefault, on which EnhanceProtect builds, too */
        _RULE_ORIGIN_MAX,
        _RULE_ORIGIN_INVALID = -22,
} RuleOrigin;

const char *rule_origin_to_string(RuleOrigin o);
RuleOrigin rule_origin_from_string(const char *s);

typedef enum RuleQualifier {
        RULE_DENY = 1 << 0,
        RULE_AUDIT = 1 << 1,
        RULE_ALLOW = 1 << 2, /* acts in allow-lists only */
} RuleQualifier;

extern const Word rule_qualifier_words[]; /* RuleQualifier */

/* What policy_resolve_paths() found: @to was added because @from leads there through symlinks. */
typedef struct PathAlias {
        char *from, *to;
} PathAlias;

void path_alias_free(PathAlias *a);

/* OP_FILE. Patterns without a leading slash hold in every directory. */
typedef struct FileRule {
        char **patterns; /* NULL-terminated; POLICY.md's globs, as written, then those that symlinks added */
        char **except;   /* NULL-terminated, may be NULL: subtracted from this rule alone */
        uint32_t perms;  /* FilePerm */
} FileRule;

/* OP_SOCKET: creating a socket whose family AND type AND protocol are each in the mask. */
typedef struct SocketRule {
        uint64_t domains;   /* 1 << AF_*; UINT64_MAX: every family, those unknown to us too */
        uint32_t types;     /* 1 << SOCK_*; UINT32_MAX: every type */
        uint32_t protocols; /* SocketProtocol; UINT32_MAX: every protocol */
} SocketRule;

typedef enum NetAddressKind {
        NET_ADDRESS_PREFIX,    /* @family, @bytes, @prefix_len */
        NET_ADDRESS_HOST_SELF, /* the host's own addresses, as they are at each moment */
        NET_ADDRESS_UNIX,      /* the socket file @path, a pattern */
        _NET_ADDRESS_KIND_MAX,
} NetAddressKind;

typedef struct NetAddress {
        NetAddressKind kind;
        uint8_t family;     /* AF_INET or AF_INET6 */
        uint8_t prefix_len; /* bits of @bytes that count; the others are zero */
        uint8_t bytes[16];  /* network order; IPv4 in the first four */
        char *path;         /* NET_ADDRESS_UNIX */
} NetAddress;

typedef struct PortRange {
        uint16_t first, last; /* 1 .. 65535, inclusive; 0 .. 0, of models alone: the kernel chooses */
} PortRange;

/* OP_EGRESS, OP_INGRESS: any of the addresses, and any of the ports. A rule that denies egress to network addresses implies no
 * packet and raw sockets, which would go around it: the enforcer's compiler sees to that. */
typedef struct NetRule {
        GPtrArray *addresses; /* of NetAddress, never empty */
        GArray *ports;        /* of PortRange; NULL: every port */
} NetRule;

typedef struct PtraceRule {
        bool strict;    /* within the policy's cgroups, too */
        uint32_t perms; /* PtracePerm */
} PtraceRule;

/* Signals to processes outside of the policy's cgroups. */
typedef struct SignalRule {
        bool strict; /* within them, too */
} SignalRule;

/* OP_MOUNT. */
typedef struct MountRule {
        char *source;   /* pattern of the source; for umount, of the mount point; "**": any */
        char *fstype;   /* NULL: any */
        uint64_t flags; /* 1 << MountWord; see op.h */
} MountRule;

typedef struct BpfCallRule {
        uint64_t commands; /* 1 << enum bpf_cmd; UINT64_MAX: every command */
} BpfCallRule;

/* One condition on an argument of a system call. */
typedef struct SyscallArg {
        uint32_t index; /* 0 .. 5 */
        SyscallCompare op;
        uint64_t value;
        uint64_t value_two; /* SYSCALL_MASKED_EQ: value is the mask, value_two what must remain */
} SyscallArg;

/* Where an entry of a profile counts (or, as excludes, does not). An empty condition always holds. */
typedef struct SyscallCondition {
        uint64_t caps;     /* 1 << CAP_*: all must be had */
        uint32_t arches;   /* 1 << SyscallArch: one must be the machine's */
        uint16_t min_kernel[2]; /* major, minor; 0, 0: any */
} SyscallCondition;

/* OP_SYSCALL: an entry of OCI's LinuxSyscall. */
typedef struct SyscallRule {
        char **names; /* NULL-terminated; a name that the machine does not know is skipped by the compiler */
        SyscallAction action;
        int32_t errno_ret; /* -1: not given */
        GArray *args;      /* of SyscallArg; NULL: unconditional. Same index: alternatives; different: all must hold */
        bool in_profile;   /* of a whole profile, among whose entries the order matters; else it is by itself */
        SyscallCondition includes, excludes;
} SyscallRule;

/* OP_TEXT: text in the language of one enforcer. */
typedef struct TextRule {
        EnforcerKind enforcer;
        char *text;
        SourcePos pos; /* of its first byte */
} TextRule;

typedef struct Rule {
        char *id;            /* "disable-write-etc", or for the administrator's own "files[2]": names it in alarms */
        SourcePos pos;       /* where the policy asks for it (RULE_BASE, RULE_DEFAULT: where its data stand) */
        RuleOrigin origin;
        OpKind kind;
        uint32_t qualifiers; /* RuleQualifier; DENY and AUDIT together: denied and reported whatever the disposition */
        char **targets;      /* NULL: everybody; else patterns of executables that (with what they execute) it is for */
        bool optional;       /* may go unenforced */
        char *unenforceable; /* not NULL: why nobody can enforce it here (addresses not configured, ...) */
        GPtrArray *aliases;  /* of PathAlias: patterns that symlinks added; NULL: none */
        bool as_seen;        /* its patterns are names as the kernel has them: a symlink adds none */
        uint32_t only;       /* 1 << EnforcerKind that this entry is for, where a rule says the same for each enforcer in
                              * another kind; 0: every enforcer that can express it */
        union {
                FileRule file;         /* OP_FILE */
                uint64_t capabilities; /* OP_CAPABILITY: 1 << CAP_* */
                SocketRule socket;     /* OP_SOCKET */
                NetRule net;           /* OP_EGRESS, OP_INGRESS */
                PtraceRule ptrace;     /* OP_PTRACE */
                SignalRule signal;     /* OP_SIGNAL */
                MountRule mount;       /* OP_MOUNT */
                BpfCallRule bpf;       /* OP_BPF */
                SyscallRule syscall;   /* OP_SYSCALL */
                TextRule text;         /* OP_TEXT */
                uint64_t named;        /* OP_NAMED: 1 << NamedOp */
        };                             /* OP_USERNS: nothing more to say */
} Rule;

Rule *rule_new(OpKind kind);
void rule_free(Rule *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rule, rule_free)

/** rule_dup() - a deep copy. */
Rule *rule_dup(const Rule *r);

/* What a rule does where it matches. */
typedef struct RuleEffect {
        bool deny;
        bool log;
        bool allow;
} RuleEffect;

typedef struct Policy Policy;

/** rule_effect() - with the disposition of @p worked in. */
RuleEffect rule_effect(const Policy *p, const Rule *r);

/** rule_summary() - one line for people: "deny write /etc/passwd". Freed by the caller. */
char *rule_summary(const Rule *r);

/* Where a deny-by-default profile comes from. */
typedef enum ProfileType {
        PROFILE_NONE,           /* the section is not there */
        PROFILE_BEHAVIOR_MODEL, /* made from the model */
        PROFILE_CUSTOM,
        PROFILE_RUNTIME_DEFAULT, /* seccomp: of the rule runtime-default */
        _PROFILE_TYPE_MAX,
        _PROFILE_TYPE_INVALID = -22,
} ProfileType;

const char *profile_type_to_string(ProfileType t);
ProfileType profile_type_from_string(const char *s);

/* What denies by default, per enforcer: defenseInDepth, and RuntimeDefault's list of system calls. Its rules stand in
 * policy->rules. */
typedef struct DepthProfile {
        SourcePos pos;
        ProfileType type;
        char *text;              /* AppArmor: the whole profile; else NULL */
        SourcePos text_pos;      /* of its first byte */
        uint32_t classes;        /* BPF: 1 << OpKind that are denied by default */
        SyscallAction action;    /* seccomp: what happens to a call that no entry names; _INVALID: not given */
        int32_t errno_ret;       /* seccomp: with which error; -1: not given */
        uint32_t arches;         /* seccomp: 1 << SyscallArch; 0: native */
} DepthProfile;

struct Policy {
        char *name;         /* metadata.name */
        char *slice;        /* VarmorPolicy: metadata.namespace, the slice that confines it; NULL: whole host */
        char *full_name;    /* "name", or "slice/name"; the key everywhere */
        SourcePos pos;
        TargetSpec target;
        bool fail_open;     /* failurePolicy: open */
        bool update_existing;
        uint32_t enforcers; /* 1 << EnforcerKind */
        SourcePos enforcers_pos;
        Mode mode;
        SourcePos mode_pos;
        bool mode_runtime;  /* the mode comes from a fragment below /run */
        bool privileged;    /* enhanceProtect.privileged */
        bool audit_violations;
        bool allow_violations;
        uint32_t duration_min; /* modelingOptions.duration; 0: not given */
        DepthProfile depth[_ENFORCER_KIND_MAX];
        Strictness strictness; /* defenseInDepth.strictness: of profiles that are made from the model */
        GPtrArray *rules;   /* of Rule: those of the mode, in the document's order, base protection last */
        char **files;       /* the file and its fragments, in the order they were merged */
        bool sealed;
        char digest[65];    /* SHA-256 of policy_dump(), hex; set by policy_seal() */
};

Policy *policy_new(void);
void policy_free(Policy *p);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Policy, policy_free)

/** policy_dump() - the whole policy as canonical text: equal policies give equal text, wherever they were written (no
 * positions or file names). This is what the digest is made of and what golden tests compare. */
char *policy_dump(const Policy *p);

/** policy_bind_name() - the policy's name where it has to be one word and safe as a file's name: "web", "system.slice+web". To
 * be freed. */
char *policy_bind_name(const char *full_name);

/** policy_seal() - set the digest; from here on nobody changes @p. */
void policy_seal(Policy *p);

/** policy_denies() - does @p enforce anything at all, so that base protection belongs to it? (AlwaysAllow does not,
 * nor BehaviorModeling, nor a policy with allowViolations.) */
bool policy_denies(const Policy *p);

/** policy_wants_model() - does a chosen enforcer's profile come from the model? */
bool policy_wants_model(const Policy *p);

/** policy_lists_syscalls() - does @p have a list of system calls, so that seccomp denies what is not on it? */
bool policy_lists_syscalls(const Policy *p);

/** policy_builds_on_default() - is RuntimeDefault part of @p? */
bool policy_builds_on_default(const Policy *p);

/* ---- symlinks ------------------------------------------------------------------------------------------------- */

/* Reads one symlink. Return: its text (to be freed), or NULL if @path is none or cannot be read. */
typedef char *(*PathReadlink)(const char *path, void *userdata);

/** policy_resolve_paths() - follow the literal beginning of each pattern through symlinks, and add the names it leads to
 * (a rule for /bin/sh holds for /usr/bin/sh and /usr/bin/dash too). Exceptions follow only what the rule's own patterns
 * followed, and links that stand directly below "/": else whoever can place a symlink could widen them. Before sealing.
 * @readlink: NULL for the real readlink(2). */
void policy_resolve_paths(Policy *p, PathReadlink readlink, void *userdata, Diag *d);

/* ---- what can be enforced -------------------------------------------------------------------------------------- */

/* What the enforcers of this build can do, by EnforcerKind. All zero: not there. */
typedef struct EnforcerAbility {
        uint32_t kinds; /* 1 << OpKind */
        uint32_t modes; /* 1 << Mode; EnhanceProtect without `privileged` needs RuntimeDefault as well */
} EnforcerAbility;

/** policy_check_enforceable() - report what of @p could not be put in force, as errors (or warnings, where the policy says
 * `optional` or another enforcer does it). @can: one for each EnforcerKind.
 * Return: 0, -EOPNOTSUPP if there was an error. */
int policy_check_enforceable(const Policy *p, const EnforcerAbility can[static _ENFORCER_KIND_MAX], Diag *d);

/** rule_why_not() - why enforcer @e does not enforce @r, as far as kinds decide; NULL if it should. To be freed. */
char *rule_why_not(const Rule *r, EnforcerKind e, const EnforcerAbility *can);
