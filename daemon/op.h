/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Op: one operation that a process may attempt, and the words for it. Policies, alarms and models share this
 * vocabulary; every enum has a table of its words, the same in YAML, in the journal and on D-Bus. */

#include <stdint.h>

/* What a rule is about; decides which enforcers can express it. */
typedef enum OpKind {
        OP_FILE,       /* open, create, remove, execute ... a path: POLICY files and processes */
        OP_CAPABILITY,
        OP_SOCKET,     /* create a socket of a family, type, protocol */
        OP_EGRESS,     /* connect or send to an address */
        OP_INGRESS,    /* bind, listen, accept on an address */
        OP_PTRACE,
        OP_SIGNAL,
        OP_MOUNT,      /* mount, remount, bind, move, umount, pivot_root */
        OP_USERNS,     /* create a user namespace */
        OP_BPF,        /* bpf(2) */
        OP_SYSCALL,    /* an entry of an OCI seccomp profile */
        OP_TEXT,       /* raw text for one enforcer (AppArmor rules) */
        _OP_KIND_MAX,
        _OP_KIND_INVALID = -22,
} OpKind;

const char *op_kind_to_string(OpKind k);
OpKind op_kind_from_string(const char *s);

/* Access bits of OP_FILE. The values are the kernel side's, too: see enforcers/bpf/abi.h. */
typedef enum FilePerm {
        PERM_READ = 1 << 0,
        PERM_WRITE = 1 << 1, /* also create, truncate, remove, rename, link into place, chmod, chown ... */
        PERM_APPEND = 1 << 2,
        PERM_EXEC = 1 << 3,
        PERM_ALL = (1 << 4) - 1,
} FilePerm;

/* The policy modes, in the order of vArmor's documentation. */
typedef enum Mode {
        MODE_ALWAYS_ALLOW,
        MODE_RUNTIME_DEFAULT,
        MODE_ENHANCE_PROTECT,
        MODE_BEHAVIOR_MODELING,
        MODE_DEFENSE_IN_DEPTH,
        _MODE_MAX,
        _MODE_INVALID = -22,
} Mode;

const char *mode_to_string(Mode m); /* "AlwaysAllow", ... */
Mode mode_from_string(const char *s);

/* The three enforcers, as bits of a mask. */
typedef enum EnforcerKind {
        ENFORCER_APPARMOR,
        ENFORCER_BPF,
        ENFORCER_SECCOMP,
        _ENFORCER_KIND_MAX,
        _ENFORCER_KIND_INVALID = -22,
} EnforcerKind;

const char *enforcer_kind_to_string(EnforcerKind k); /* "AppArmor", "BPF", "Seccomp" */
EnforcerKind enforcer_kind_from_string(const char *s);

/** enforcer_mask_from_string() - "AppArmorBPFSeccomp" and every shorter combination in that order (case folded).
 * Return: a non-empty mask of 1 << EnforcerKind, or -EINVAL. */
int enforcer_mask_from_string(const char *s);
char *enforcer_mask_to_string(uint32_t mask);

/* What became of an operation that a rule names. */
typedef enum Action {
        ACTION_DENIED,  /* blocked */
        ACTION_AUDIT,   /* let through and reported: the policy observes, or the rule only audits */
        ACTION_ALLOWED, /* let through and reported: a trial run of an allow-list */
        _ACTION_MAX,
        _ACTION_INVALID = -22,
} Action;

const char *action_to_string(Action a);
Action action_from_string(const char *s);
