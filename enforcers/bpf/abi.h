/* SPDX-License-Identifier: LGPL-2.1-or-later OR GPL-2.0-only */
#pragma once

/* What the BPF programs and the daemon say to each other: the only file that both sides include. Fixed-width plain
 * structs, explicit padding, asserted sizes. Any change: bump VA_ABI_VERSION, which is part of the pin path. */

#ifndef __bpf__
#include <linux/types.h>
#endif

#define VA_ABI_VERSION 8

/* ---- bounds ------------------------------------------------------------------------------------------------- */
#define VA_PATH_MAX 4096        /* include/uapi/linux/limits.h: PATH_MAX; a longer path cannot be had */
#define VA_POLICIES_MAX 1024    /* policy slots of one boot; a slot is never reused by another policy */
#define VA_COVER_MAX 8          /* policies that may cover one cgroup together */
#define VA_GROUPS_MAX 32        /* groups of rules with the same `targets` in one policy */
#define VA_CGROUPS_MAX 16384    /* labelled cgroups */
#define VA_LAUNCHERS_MAX 64
#define VA_NAMES_MAX 1024       /* covered cgroups whose paths are remembered, the latest */
#define VA_NAME_BYTES 256       /* of such a path, with the zero; a longer one is not */
#define VA_ADDRESSES_MAX 4096   /* the host's own addresses */
#define VA_SCRATCH_PER_CPU 8    /* runs of programs that may be preempted on one CPU at the same time */
#define VA_EVENTS_BYTES (512U * 1024)
#define VA_RECORDS_BYTES (1024U * 1024)
#define VA_SEEN_MAX 65536       /* things that all recordings together have sent, and are known by; then varmord empties it */
#define VA_REPEATS_MAX 4096     /* events whose recurrence is counted instead of sent */

/* ---- access bits, the same as FilePerm in op.h --------------------------------------------------------------- */
#define VA_READ 1U
#define VA_WRITE 2U
#define VA_APPEND 4U
#define VA_EXEC 8U
#define VA_PERMS_ALL 15U

/* ---- objects -------------------------------------------------------------------------------------------------
 * Whatever an operation is about is named by a text, and the rules about it are patterns over that text: one automaton serves
 * all of them. The first kinds stand in the order of OpKind.
 *
 *   kind          object                                          access bits
 *   FILE          the path                                        VA_READ ...
 *   CAPABILITY    /0c: the capability                             1
 *   SOCKET        /02/1/t: family (3f: another), type (f: another), protocol: i(cmp), t(cp), u(dp), o(ther)      1
 *   EGRESS        /4/7f000001/0050/h, /6/(32 digits)/0050/-: address and port; h: the host's own, -: not          1
 *   INGRESS       the same, of the own side                       1
 *   PTRACE        /i/comm, /o/comm: in the policy's cgroups or outside, and the other process's name             PtracePerm
 *   SIGNAL        the same                                        1
 *   MOUNT         /w/type/source: a letter of VA_MOUNT_LETTERS, the file system ("none": not given), the source      1
 *   USERNS        /user                                           1
 *   BPF           /05: the command                                1
 *   EGRESS_UNIX   the socket's path, or /@name                    1
 *   INGRESS_UNIX  the same                                        1
 *   DEVICE        /dev/block/8:1, /dev/char/1:3: the device behind a device file, in decimal      VA_READ ...
 *   NAMED         /02: the operation                                1
 * All numbers but those are lower case hexadecimal. A mount is judged once for each of its flags, and once more for the device
 * that a new file system is on, with the flag VA_MOUNT_DEVICE and the device's name as the source. A device has no verdict of
 * its own: what is said about it joins what is said about the file. In abstract names NUL is '@'. */
#define VA_KIND_FILE 0U
#define VA_KIND_CAPABILITY 1U
#define VA_KIND_SOCKET 2U
#define VA_KIND_EGRESS 3U
#define VA_KIND_INGRESS 4U
#define VA_KIND_PTRACE 5U
#define VA_KIND_SIGNAL 6U
#define VA_KIND_MOUNT 7U
#define VA_KIND_USERNS 8U
#define VA_KIND_BPF 9U
#define VA_KIND_EGRESS_UNIX 10U
#define VA_KIND_INGRESS_UNIX 11U
#define VA_KIND_DEVICE 12U
#define VA_KIND_NAMED 13U
#define VA_KIND_MAX 14U

/* The same as NamedOp. */
#define VA_NAMED_MAKE_EXECUTABLE 0
#define VA_NAMED_MAKE_SET_ID 1
#define VA_NAMED_USERFAULTFD 2
#define VA_NAMED_ATTACH_PROGRAM 3

/* The same as PtracePerm. */
#define VA_PTRACE_TRACE 1U
#define VA_PTRACE_TRACEBY 2U
#define VA_PTRACE_READ 4U
#define VA_PTRACE_READBY 8U

/* The class of operations that a kind of object belongs to: a bit of va_table.kinds and .default_deny. */
#define VA_CLASS_OF(kind)                                                                                               \
        (1U << ((kind) == VA_KIND_EGRESS_UNIX    ? VA_KIND_EGRESS                                                       \
                : (kind) == VA_KIND_INGRESS_UNIX ? VA_KIND_INGRESS                                                      \
                : (kind) == VA_KIND_DEVICE       ? VA_KIND_FILE                                                         \
                                                 : (kind)))
#define VA_CLASSES_ALL ((1U << (VA_KIND_BPF + 1)) - 1)
/* What rules may speak of: operations that have a name are of no class, since they are files' or sockets', too. */
#define VA_KINDS_ALL (VA_CLASSES_ALL | 1U << VA_KIND_NAMED)

/* By MountWord, daemon/op.h, and one more. */
#define VA_MOUNT_LETTERS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabc"
#define VA_MOUNT_WORDS 39
#define VA_MOUNT_RO 0
#define VA_MOUNT_RW 1
#define VA_MOUNT_NOSUID 2
#define VA_MOUNT_NODEV 4
#define VA_MOUNT_NOEXEC 6
#define VA_MOUNT_SYNC 8
#define VA_MOUNT_MAND 10
#define VA_MOUNT_DIRSYNC 12
#define VA_MOUNT_NOATIME 13
#define VA_MOUNT_NODIRATIME 15
#define VA_MOUNT_SILENT 17
#define VA_MOUNT_RELATIME 19
#define VA_MOUNT_IVERSION 21
#define VA_MOUNT_STRICTATIME 23
#define VA_MOUNT_REMOUNT 25
#define VA_MOUNT_BIND 26
#define VA_MOUNT_MOVE 27
#define VA_MOUNT_RBIND 28
#define VA_MOUNT_UNBINDABLE 29
#define VA_MOUNT_PRIVATE 30
#define VA_MOUNT_SLAVE 31
#define VA_MOUNT_SHARED 32
#define VA_MOUNT_RECURSIVE 4 /* from "make-private" to "make-rprivate" */
#define VA_MOUNT_UMOUNT 37
#define VA_MOUNT_DEVICE 38
/* Words that an allow-list has to name: the others say that a flag is absent. */
#define VA_MOUNT_SETS                                                                                                   \
        (~(1ULL << 3 | 1ULL << 5 | 1ULL << 7 | 1ULL << 9 | 1ULL << 11 | 1ULL << 14 | 1ULL << 16 | 1ULL << 18 |          \
           1ULL << 20 | 1ULL << 22 | 1ULL << 24) &                                                                      \
         ((1ULL << VA_MOUNT_DEVICE) - 1))

/* ---- the automaton -------------------------------------------------------------------------------------------
 * One per policy: a minimised DFA over the bytes of a path, laid out in u32 words of tab[].
 *
 * A state word s is the index of the state in tab[] plus flag bits:
 *   0                no rule can match any more: stop, nothing is accepted ("dead")
 *   VA_S_FINAL       whatever follows, the verdict stays that of this state: stop
 *   VA_S_TAIL        the state is the head of a literal tail, else it is a row
 * With i = s & VA_S_INDEX:
 *   tab[i - 1]       accept word: index of the accept record in tab[] (0: none) | VA_A_REACH
 *   row:             tab[i + class]: the state word after a byte of that class
 *   tail:            tab[i]: number of literal bytes (1 .. VA_TAIL_MAX) | VA_TAIL_FALL | VA_A_REACH; tab[i + 1]: the state
 *                    word after all of them; from tab[i + 2]: the bytes, four to a word, in memory order. A byte that
 *                    differs leads to 0, or with VA_TAIL_FALL to where it leads from a state that is no tail: behind the
 *                    bytes stands one state word for each, and the byte is read again from there. So patterns that wait
 *                    in every directory cost one word for each byte of a name, not a row.
 *                    The positions inside a tail accept nothing; VA_A_REACH is that of all of them.
 *                    At least VA_TAIL_ROOM words of the table stand from tab[i] on.
 * VA_A_REACH: some continuation (or the state itself) denies something. VA_A_OPEN, only where files are denied by default: some
 * continuation (or the state itself) allows something; it stands where VA_A_REACH stands.
 *
 * Accept record, by the kind of start state:
 *   objects (start[]): struct va_accept
 *   executables (start_exec): one word, the mask of groups that a process enters when it executes this path
 *   cgroup paths (the target automaton): struct va_cover
 */
#define VA_S_FINAL 0x80000000U
#define VA_S_TAIL 0x40000000U
#define VA_S_INDEX 0x0fffffffU
#define VA_A_REACH 0x80000000U
#define VA_A_OPEN 0x40000000U
#define VA_A_INDEX 0x0fffffffU
#define VA_TAIL_MAX 255
#define VA_TAIL_FALL 0x100U
#define VA_TAIL_ROOM 324 /* what the longest tail takes, as the verifier sees it */
#define VA_CLASSES_MAX 256

struct va_accept {
        __u8 deny;  /* bits that are refused */
        __u8 log;   /* bits whose use is reported (refused or not) */
        __u8 allow; /* bits that an allow-list grants */
        __u8 pad;
        __u16 rule[4]; /* per bit (0 READ .. 3 EXEC): index in the policy's rules of the one that decided */
};
_Static_assert(sizeof(struct va_accept) == 12, "ABI");

/* The policies that cover a cgroup, sorted by slot. */
struct va_cover {
        __u32 n;
        __u16 slot[VA_COVER_MAX];
};
_Static_assert(sizeof(struct va_cover) == 20, "ABI");

/* Two sizes of table, in words, because the size of a map's value is fixed: most policies fit the small one. The big
 * one stays below KMALLOC_MAX_SIZE (4 MiB), the largest value that kernel 6.1 takes. */
#define VA_TAB_SMALL (16U * 1024)
#define VA_TAB_BIG (1023U * 1024)

/* va_table.flags */
#define VA_T_BASE 1U  /* the policy denies something, so base protection holds for its processes. Without it VA_A_REACH stands
                       * for what would be reported, and nothing is refused */
#define VA_T_TRIAL 2U /* an allow-list on trial: what it does not allow passes, and is reported as ALLOWED */
#define VA_T_DEVICES 8U /* it has rules about devices, VA_KIND_DEVICE */
#define VA_T_RECORD 16U /* nothing is judged: what is done is written down, see struct va_record */
#define VA_T_NO_RAW 4U /* egress is denied by default and sockets are not: packet and raw sockets are, which would go around it */

struct va_table {
        __u32 generation;   /* changes with each apply; 0 is never used */
        __u32 flags;        /* VA_T_* */
        __u32 n_words;      /* used words of tab[] */
        __u32 n_classes;
        __u32 n_rules;
        __u32 start_exec;   /* state word; 0: no groups */
        __u32 n_groups;     /* groups 1 .. n_groups have their own start states */
        __u32 kinds;        /* classes of operations that something is said about, VA_CLASS_OF() */
        __u32 default_deny; /* those that are denied unless allowed */
        __u32 accept_first; /* the accept records stand one after the other: index of the first, */
        __u32 accept_n;     /* and their number */
        __u32 groups_id;    /* hash of the groups' targets, in order: the same groups mean the same in two tables with the
                             * same value; 0 if there are none */
        __u64 capabilities; /* that something is said about, as a mask: the others need no walk */
        __u64 families;     /* the same for families of sockets; bit 63: all that are not in the mask */
        __u32 start[VA_KIND_MAX][VA_GROUPS_MAX + 1]; /* [0]: rules for everybody; [g]: only for processes in group g */
        __u8 class_of[256];
        __u32 tab[];
};
_Static_assert(sizeof(struct va_table) == 2168, "ABI");

/* ---- who is confined ------------------------------------------------------------------------------------------
 * A label is a struct va_cover under the id of a cgroup. An identity is what a process carries, in storage of its group
 * leader; it decides before the cgroup does. */
#define VA_ID_LIVE 1U /* in force; without it, the identity only prepares for the end of an exec */
#define VA_ID_GROUPS_UNKNOWN 0xffffffffU

struct va_identity {
        __u64 home;   /* id of the cgroup whose confinement this is */
        __u64 anchor; /* the labelled cgroup that @home resolved to: itself or an ancestor */
        __u32 epoch;  /* when @cover was looked up; 0: never, or being changed just now */
        __u32 flags;  /* VA_ID_* */
        struct va_cover cover;
        __u32 groups[VA_COVER_MAX];    /* per place in @cover: mask of groups, bit g - 1 for group g */
        __u32 groups_id[VA_COVER_MAX]; /* va_table.groups_id that they belong to, or VA_ID_GROUPS_UNKNOWN */
        __u32 pending[VA_COVER_MAX];   /* groups that the exec under way will enter */
        __u32 pad;
};
_Static_assert(sizeof(struct va_identity) == 144, "ABI");

struct va_launcher {
        __u64 ino;
        __u32 dev; /* as the kernel writes it: major << 20 | minor */
        __u32 pad;
};
_Static_assert(sizeof(struct va_launcher) == 16, "ABI");

/* The path of a covered cgroup, for when somebody asks after it is gone. Behind the zero is anything. */
struct va_name {
        __u8 path[VA_NAME_BYTES];
};
_Static_assert(sizeof(struct va_name) == VA_NAME_BYTES, "ABI");

/* The state that programs and daemon share, beside the maps. */
#define VA_NEGATIVE_MAX 4096U
struct va_state {
        __u32 epoch;    /* counts up with each change of covers; never 0 */
        __u32 self_pid; /* varmord's, guarded by base protection with its children; 0: unknown */
        __u64 events_lost;
        __u64 labels_lost;
        __u64 scratch_lost; /* operations denied since no scratch was free */
        __u64 seed; /* of the keys of events: nobody may guess two events with the same key */
        /* What of these counters, and of runs that the kernel left out, the journal has been told. For the daemon alone. */
        __u64 told_events;
        __u64 told_labels;
        __u64 told_skipped;
        __u64 negative[VA_NEGATIVE_MAX]; /* cgroups under no policy: see va_negative() */
};
_Static_assert(sizeof(struct va_state) == 64 + 8 * VA_NEGATIVE_MAX, "ABI");

/* What is written down about a slot, for the daemon alone. */
#define VA_NAME_MAX 600
struct va_slot {
        __u32 used;
        __u32 generation; /* of the table applied last */
        char digest[72];  /* of the profile in force, "" none */
        char name[VA_NAME_MAX];
};
_Static_assert(sizeof(struct va_slot) == 680, "ABI");

/* What the pins in this directory are; written last, so that a half-made set is never adopted. */
struct va_meta {
        __u32 abi;
        __u32 complete;
        char build[72]; /* digest of the programs */
};
_Static_assert(sizeof(struct va_meta) == 80, "ABI");

/* ---- events --------------------------------------------------------------------------------------------------- */
#define VA_OP_OPEN 0
#define VA_OP_CREATE 1
#define VA_OP_MKDIR 2
#define VA_OP_RMDIR 3
#define VA_OP_UNLINK 4
#define VA_OP_SYMLINK 5
#define VA_OP_LINK 6
#define VA_OP_RENAME 7
#define VA_OP_TRUNCATE 8
#define VA_OP_CHMOD 9
#define VA_OP_CHOWN 10
#define VA_OP_EXEC 11
#define VA_OP_MMAP 12
#define VA_OP_MPROTECT 13
#define VA_OP_RECEIVE 14
#define VA_OP_MOUNT 15
#define VA_OP_MOVE_MOUNT 16
#define VA_OP_PIVOT_ROOT 17
#define VA_OP_BPF 18
#define VA_OP_KILL 19
#define VA_OP_PTRACE 20
#define VA_OP_CONNECT 21
#define VA_OP_UTIMES 22
#define VA_OP_SETXATTR 23
#define VA_OP_MKNOD 24
#define VA_OP_UMOUNT 25
#define VA_OP_CONTROL 26 /* limits, priority and scheduling of another process */
#define VA_OP_MOVE 27    /* into another cgroup */
#define VA_OP_CAPABLE 28
#define VA_OP_SOCKET 29
#define VA_OP_SENDMSG 30
#define VA_OP_BIND 31
#define VA_OP_LISTEN 32
#define VA_OP_ACCEPT 33
#define VA_OP_REMOUNT 34
#define VA_OP_USERNS_CREATE 35
#define VA_OP_IOCTL 36
#define VA_OP_URING_CREDS 37 /* io_uring under registered credentials */
#define VA_OP_FCNTL 38
#define VA_OP_SECCOMP 39 /* these two are no operations, but say who caused a record of the audit subsystem: struct va_call */
#define VA_OP_APPARMOR 40
#define VA_OP_USERNS_JOIN 41
#define VA_OP_SETSOCKOPT 42
#define VA_OP_USERFAULTFD 43
#define VA_OP_MAX 44

/* The same order as EventReason and Action. */
#define VA_REASON_RULE 0
#define VA_REASON_NO_PATH 1
#define VA_REASON_SECOND_NAME 2
#define VA_REASON_BASE 3
#define VA_REASON_DEFAULT 4
#define VA_ACTION_DENIED 0
#define VA_ACTION_AUDIT 1
#define VA_ACTION_ALLOWED 2

#define VA_NO_RULE 0xffffU

/* An event that was sent, under its key: the same again is counted, not sent, as long as this is there. The daemon tells
 * what was counted, and takes it away when nothing came for a while. */
struct va_repeat {
        __u64 count;
        __u64 last_ns; /* CLOCK_BOOTTIME */
};
_Static_assert(sizeof(struct va_repeat) == 16, "ABI");

struct va_event {
        __u64 time_ns; /* CLOCK_BOOTTIME */
        __u64 key;     /* hash of what makes two events of one process alike; 0: it is not counted */
        __u64 cgroup;  /* home */
        __u32 pid, tid, uid;
        __u32 generation; /* of the table whose rule this is */
        __u32 requested;
        __u16 slot;
        __u16 rule; /* VA_NO_RULE: none */
        __u8 op, reason, action, kind;
        __u16 size, size2; /* bytes of the two paths, which follow one another */
        char comm[16];
};
_Static_assert(sizeof(struct va_event) == 72, "ABI");

/* ---- recordings -------------------------------------------------------------------------------------------------
 * Of a policy whose table has VA_T_RECORD. What was sent once is known by the hash of what makes two things the same, and is not sent
 * again; what finds the ring full is counted, and sent when it is done again. */
struct va_record {
        __u64 words;     /* of a mount: bits of MountWord; of a signal: its number; of a call: the argument, as far as it matters */
        __u32 requested; /* access bits of the object; of a call: its number */
        __u32 salt;      /* va_recording.salt, as it was */
        __u16 slot;
        __u8 kind;       /* VA_KIND_*, or VA_RECORD_CALL */
        __u8 op;         /* VA_OP_* */
        __u16 owner;     /* 1: the file belongs to who used it */
        __u16 size;      /* bytes of the object, which follow, */
        __u16 program;   /* and behind them of the program that executes it; 0: it has no path, or is of no interest */
        __u16 pad[3];
};
_Static_assert(sizeof(struct va_record) == 32, "ABI");

/* A system call of which an argument matters: see VA_CALL_*. */
#define VA_RECORD_CALL VA_KIND_MAX
#define VA_RECORD_MAX (VA_KIND_MAX + 1)

#if defined(__x86_64__) || defined(__TARGET_ARCH_x86) /* arch/x86/entry/syscalls/syscall_64.tbl */
#define VA_CALL_SOCKET 41
#define VA_CALL_CLONE 56
#define VA_CALL_IOCTL 16
#else /* include/uapi/asm-generic/unistd.h */
#define VA_CALL_SOCKET 198
#define VA_CALL_CLONE 220
#define VA_CALL_IOCTL 29
#endif

/* What of them matters: the family of a new socket, the namespaces that a new process gets (include/uapi/linux/sched.h:
 * CLONE_NEW* without CLONE_NEWTIME, which clone(2) does not take), the type of an ioctl. */
#define VA_CALL_SOCKET_ARG 0
#define VA_CALL_SOCKET_MASK 0xffffffffU
#define VA_CALL_CLONE_ARG 0
#define VA_CALL_CLONE_MASK 0x7e020000U
#define VA_CALL_IOCTL_ARG 1
#define VA_CALL_IOCTL_MASK 0xff00U

/* System calls by number: of the native ABI and of the one for 32 bits, which count as lost. */
#define VA_CALLS_WORDS 8
#define VA_CALLS_NATIVE 0
#define VA_CALLS_COMPAT 1

/* What is known of a slot's recording. */
struct va_recording {
        __u32 on;
        __u32 salt;    /* part of all hashes: another value makes all be sent again */
        __u64 skipped; /* runs of programs that were left out on the whole host when it began. For the daemon alone */
        __u64 lost[VA_RECORD_MAX]; /* things that were not sent, by kind */
        __u64 calls[2][VA_CALLS_WORDS];
};
_Static_assert(sizeof(struct va_recording) == 16 + 8 * VA_RECORD_MAX + 128, "ABI");

/* What follows a va_event of the kinds VA_OP_SECCOMP and VA_OP_APPARMOR, as its first path. */
struct va_call {
        __s32 nr;   /* VA_OP_SECCOMP alone: the call, */
        __u32 arch; /* AUDIT_ARCH_*, */
        __u32 code; /* what the filter said, SECCOMP_RET_*, */
        __u32 pad;
        __u64 args[6];
        struct va_cover cover; /* of who made it */
        __u32 pad2;
};
_Static_assert(sizeof(struct va_call) == 88, "ABI");
