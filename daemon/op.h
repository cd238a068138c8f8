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
        OP_NAMED,      /* one of NamedOp */
        _OP_KIND_MAX,
        _OP_KIND_INVALID = -22,
} OpKind;

const char *op_kind_to_string(OpKind k);
OpKind op_kind_from_string(const char *s);

/* Operations that nothing but their name is to be said of. */
typedef enum NamedOp {
        NAMED_MAKE_EXECUTABLE, /* chmod(2) and its kin with a bit for executing */
        NAMED_MAKE_SET_ID,     /* the same with a bit for set-id */
        NAMED_USERFAULTFD,
        NAMED_ATTACH_PROGRAM, /* setsockopt(2) with a BPF program for a socket */
        _NAMED_MAX,
} NamedOp;

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

/* How far a model is widened. A rule acts at its own strictness and at those after it. */
typedef enum Strictness {
        STRICTNESS_STRICT, /* what cannot be the same in the next run */
        STRICTNESS_NORMAL, /* and what need not be: versions, users; siblings, if they are many */
        STRICTNESS_LOOSE,  /* and what looks as if it varied */
        _STRICTNESS_MAX,
        _STRICTNESS_INVALID = -22,
} Strictness;

const char *strictness_to_string(Strictness s); /* "strict", ... */
Strictness strictness_from_string(const char *s);

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

/* ---- words of the other kinds ----------------------------------------------------------------------------------- */

/* A table of words with the bits that each stands for. Several words may stand for the same bits (short forms); the first
 * is the one that is written. Ends with a NULL name. */
typedef struct Word {
        const char *name;
        uint64_t bits;
} Word;

extern const Word file_perm_words[];       /* FilePerm: all(*), read(r), write(w), append(a), exec(x, e) */
extern const Word capability_words[];      /* 1 << CAP_*: "net_admin", also "cap_net_admin" and "net-admin" when folded */
extern const Word socket_domain_words[];   /* 1 << AF_* */
extern const Word socket_type_words[];     /* 1 << SOCK_* */
extern const Word socket_protocol_words[]; /* SocketProtocol */
extern const Word ptrace_perm_words[];     /* PtracePerm */
extern const Word mount_flag_words[];      /* 1 << MountWord */
extern const Word bpf_command_words[];     /* 1 << enum bpf_cmd */
extern const Word named_op_words[];        /* 1 << NamedOp */
extern const Word op_class_words[];        /* defenseInDepth.bpf.classes: 1 << OpKind */

/** words_find() - the bits of @name (case folded), or 0. */
uint64_t words_find(const Word *words, const char *name);

/** words_format() - @bits as words joined by @separator, the first word of each bit; "all" where the table has it and all
 * its bits are set. To be freed. */
char *words_format(const Word *words, uint64_t bits, const char *separator);

/** words_names() - all names, NULL-terminated; free the array only (g_free). */
const char **words_names(const Word *words);

/* Protocols as the language names them. An enforcer includes what a socket of that kind would otherwise hide behind. */
typedef enum SocketProtocol {
        PROTOCOL_ICMP = 1 << 0, /* IPPROTO_ICMP, IPPROTO_ICMPV6 */
        PROTOCOL_TCP = 1 << 1,  /* IPPROTO_TCP, IPPROTO_MPTCP, SOCK_STREAM with protocol 0 of inet, inet6 */
        PROTOCOL_UDP = 1 << 2,  /* IPPROTO_UDP, IPPROTO_UDPLITE, SOCK_DGRAM with protocol 0 of inet, inet6 */
} SocketProtocol;

typedef enum PtracePerm {
        PTRACE_PERM_TRACE = 1 << 0,
        PTRACE_PERM_TRACEBY = 1 << 1,
        PTRACE_PERM_READ = 1 << 2,
        PTRACE_PERM_READBY = 1 << 3,
        PTRACE_PERM_ALL = (1 << 4) - 1,
} PtracePerm;

/* Flags of a mount rule, AppArmor's names. A word that sets nothing in mount(2) ("rw", "suid") asks that its opposite is
 * absent. */
typedef enum MountWord {
        MOUNT_RO, MOUNT_RW, MOUNT_NOSUID, MOUNT_SUID, MOUNT_NODEV, MOUNT_DEV, MOUNT_NOEXEC, MOUNT_EXEC,
        MOUNT_SYNC, MOUNT_ASYNC, MOUNT_MAND, MOUNT_NOMAND, MOUNT_DIRSYNC, MOUNT_NOATIME, MOUNT_ATIME,
        MOUNT_NODIRATIME, MOUNT_DIRATIME, MOUNT_SILENT, MOUNT_LOUD, MOUNT_RELATIME, MOUNT_NORELATIME,
        MOUNT_IVERSION, MOUNT_NOIVERSION, MOUNT_STRICTATIME, MOUNT_NOSTRICTATIME,
        MOUNT_REMOUNT, MOUNT_BIND, MOUNT_MOVE, MOUNT_RBIND,
        MOUNT_UNBINDABLE, MOUNT_PRIVATE, MOUNT_SLAVE, MOUNT_SHARED,
        MOUNT_RUNBINDABLE, MOUNT_RPRIVATE, MOUNT_RSLAVE, MOUNT_RSHARED,
        MOUNT_UMOUNT,
        _MOUNT_WORD_MAX,
} MountWord;

#define MOUNT_WORDS_ALL ((UINT64_C(1) << _MOUNT_WORD_MAX) - 1)

/* Actions, comparisons and architectures of OCI seccomp profiles. */
typedef enum SyscallAction {
        SYSCALL_KILL_PROCESS,
        SYSCALL_KILL_THREAD,
        SYSCALL_TRAP,
        SYSCALL_ERRNO,
        SYSCALL_TRACE,
        SYSCALL_LOG,
        SYSCALL_ALLOW,
        _SYSCALL_ACTION_MAX,
        _SYSCALL_ACTION_INVALID = -22,
} SyscallAction;

const char *syscall_action_to_string(SyscallAction a); /* "SCMP_ACT_ERRNO", ... */
SyscallAction syscall_action_from_string(const char *s);

typedef enum SyscallCompare {
        SYSCALL_NE,
        SYSCALL_LT,
        SYSCALL_LE,
        SYSCALL_EQ,
        SYSCALL_GE,
        SYSCALL_GT,
        SYSCALL_MASKED_EQ,
        _SYSCALL_COMPARE_MAX,
        _SYSCALL_COMPARE_INVALID = -22,
} SyscallCompare;

const char *syscall_compare_to_string(SyscallCompare c); /* "SCMP_CMP_EQ", ... */
SyscallCompare syscall_compare_from_string(const char *s);

typedef enum SyscallArch {
        ARCH_X86, ARCH_X86_64, ARCH_X32, ARCH_ARM, ARCH_AARCH64, ARCH_MIPS, ARCH_MIPS64, ARCH_MIPS64N32,
        ARCH_MIPSEL, ARCH_MIPSEL64, ARCH_MIPSEL64N32, ARCH_PPC, ARCH_PPC64, ARCH_PPC64LE, ARCH_S390, ARCH_S390X,
        ARCH_PARISC, ARCH_PARISC64, ARCH_RISCV64, ARCH_LOONGARCH64,
        _SYSCALL_ARCH_MAX,
        _SYSCALL_ARCH_INVALID = -22,
} SyscallArch;

const char *syscall_arch_to_string(SyscallArch a); /* "SCMP_ARCH_X86_64", ... */
SyscallArch syscall_arch_from_string(const char *s);
