/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The kernel's types as far as our programs look into them: members by name, places filled in at load (CO-RE). Each
 * struct names the file that it comes from, as of v6.1; what later kernels changed stands beside it. */

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define __core __attribute__((preserve_access_index))

/* A program of a hook, with the hook's arguments and behind them what those before it have answered. Where the kernel runs without
 * the BPF LSM the same program can be attached behind the function that calls the hooks (va_traced, state.bpf.c): then what it
 * says is not heard, and the verifier wants to see that. */
extern const volatile bool va_traced;

#define VA_PROG(name, args...)                                                                                          \
        name(unsigned long long *ctx);                                                                                  \
        static __always_inline int body_of_##name(unsigned long long *ctx, ##args);                                     \
        int name(unsigned long long *ctx)                                                                               \
        {                                                                                                               \
                int verdict;                                                                                            \
                                                                                                                        \
                _Pragma("GCC diagnostic push")                                                                          \
                _Pragma("GCC diagnostic ignored \"-Wint-conversion\"")                                                  \
                verdict = body_of_##name(___bpf_ctx_cast(args));                                                        \
                _Pragma("GCC diagnostic pop")                                                                           \
                return va_traced ? 0 : verdict;                                                                         \
        }                                                                                                               \
        static __always_inline int body_of_##name(unsigned long long *ctx, ##args)

/* include/uapi/asm-generic/errno-base.h */
#define EPERM 1
#define ENOMEM 12
#define EACCES 13
#define EINVAL 22

/* include/uapi/asm-generic/fcntl.h, include/linux/fs.h */
#define O_ACCMODE 3U
#define O_TRUNC 01000U
#define O_APPEND 02000U
#define F_SETFL 4U
#define FMODE_EXEC_FLAG 0x20U /* __FMODE_EXEC: an open by exec or uselib */
#define FMODE_READ 1U
#define FMODE_WRITE 2U
#define FMODE_BACKING (1U << 25) /* since v6.5; unused before */

/* include/uapi/linux/magic.h */
#define TMPFS_MAGIC 0x01021994UL
#define HUGETLBFS_MAGIC 0x958458f6UL
#define PROC_SUPER_MAGIC 0x9fa0UL

/* include/uapi/linux/stat.h */
#define S_IFMT 00170000
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define S_IFBLK 0060000
#define S_IFREG 0100000
#define S_IFSOCK 0140000

/* include/linux/fs.h */
#define SB_KERNMOUNT (1UL << 22)
#define S_PRIVATE (1U << 9)
#define RENAME_EXCHANGE (1U << 1)

/* include/linux/fs.h: struct iattr */
#define ATTR_MODE (1U << 0)
#define ATTR_UID (1U << 1)
#define ATTR_GID (1U << 2)
#define ATTR_SIZE (1U << 3)
#define ATTR_ATIME (1U << 4)
#define ATTR_MTIME (1U << 5)

/* include/linux/mm.h, include/uapi/asm-generic/mman-common.h */
#define VM_EXEC 4UL
#define PROT_EXEC 4UL

/* include/uapi/linux/mount.h */
#define MS_RDONLY 1UL
#define MS_NOSUID 2UL
#define MS_NODEV 4UL
#define MS_NOEXEC 8UL
#define MS_SYNCHRONOUS 16UL
#define MS_REMOUNT 32UL
#define MS_MANDLOCK 64UL
#define MS_DIRSYNC 128UL
#define MS_NOATIME 1024UL
#define MS_NODIRATIME 2048UL
#define MS_BIND 4096UL
#define MS_MOVE 8192UL
#define MS_REC 16384UL
#define MS_SILENT 32768UL
#define MS_UNBINDABLE (1UL << 17)
#define MS_PRIVATE (1UL << 18)
#define MS_SLAVE (1UL << 19)
#define MS_SHARED (1UL << 20)
#define MS_RELATIME (1UL << 21)
#define MS_I_VERSION (1UL << 23)
#define MS_STRICTATIME (1UL << 24)

/* include/linux/mount.h */
#define MNT_NOSUID 0x01
#define MNT_NODEV 0x02
#define MNT_NOEXEC 0x04
#define MNT_NOATIME 0x08
#define MNT_NODIRATIME 0x10
#define MNT_RELATIME 0x20
#define MNT_READONLY 0x40

/* include/linux/socket.h, include/linux/net.h, include/uapi/linux/in.h, in6.h */
#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_PACKET 17
#define AF_XDP 44
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_ICMPV6 58
#define IPPROTO_UDPLITE 136
#define IPPROTO_MPTCP 262

/* include/linux/ptrace.h */
#define PTRACE_MODE_READ 0x01U
#define PTRACE_MODE_ATTACH 0x02U
#define PTRACE_MODE_NOAUDIT 0x04U

/* include/uapi/linux/capability.h */
#define CAP_SYS_ADMIN 21

/* include/linux/security.h */
#define CAP_OPT_NOAUDIT 2U

/* include/uapi/linux/sched.h, include/linux/sched.h */
#define CLONE_THREAD 0x00010000UL
#define CLONE_NEWUSER 0x10000000UL
#define PF_KTHREAD 0x00200000U
#define PF_IO_WORKER 0x00000010U

/* fs/mount.h: MNT_NS_INTERNAL is ERR_PTR(-EINVAL) */
#define MNT_NS_INTERNAL ((__u64)-EINVAL)

typedef unsigned short umode_t;

struct bpf_local_storage;

/* include/linux/dcache.h */
struct qstr {
        union {
                struct {
                        __u32 hash;
                        __u32 len;
                };
                __u64 hash_len;
        };
        const unsigned char *name;
} __core;

/* include/linux/seqlock.h */
struct seqcount {
        unsigned int sequence;
} __core;

struct inode;

/* include/linux/types.h */
struct list_head {
        struct list_head *next;
} __core;

struct hlist_node {
        struct hlist_node *next;
} __core;

struct hlist_head {
        struct hlist_node *first;
} __core;

struct dentry {
        struct dentry *d_parent;
        struct qstr d_name;
        struct inode *d_inode;
        unsigned char d_iname[32]; /* v6.1; longer since v6.8, in a union since v6.15 */
} __core;

/* include/linux/fs.h */
struct super_block {
        unsigned int s_dev;
        unsigned long s_flags;
        unsigned long s_magic;
        struct dentry *s_root;
        struct file_system_type *s_type;
        struct list_head s_mounts;
        struct block_device *s_bdev;
} __core;

#define FS_REQUIRES_DEV 1

struct file_system_type {
        const char *name;
        int fs_flags;
} __core;

/* include/linux/blk_types.h */
struct block_device {
        unsigned int bd_dev;
} __core;

struct iattr {
        unsigned int ia_valid;
} __core;

/* include/linux/uidgid.h */
typedef struct {
        unsigned int val;
} __core kuid_t;

struct inode {
        umode_t i_mode;
        kuid_t i_uid;
        unsigned int i_rdev;
        unsigned int i_flags;
        struct super_block *i_sb;
        unsigned long i_ino;
} __core;

/* include/linux/mount.h */
struct vfsmount {
        struct dentry *mnt_root;
        struct super_block *mnt_sb;
        int mnt_flags;
} __core;

/* fs/mount.h */
struct mnt_namespace;

struct mount {
        struct mount *mnt_parent;
        struct dentry *mnt_mountpoint;
        struct vfsmount mnt;
        struct list_head mnt_mounts;
        struct list_head mnt_instance;
        const char *mnt_devname;
        struct mnt_namespace *mnt_ns;
} __core;

struct mnt_namespace {
        struct mount *root;
} __core;

/* include/linux/path.h */
struct path {
        struct vfsmount *mnt;
        struct dentry *dentry;
} __core;

/* include/linux/fs.h */
struct file {
        struct path f_path;
        struct inode *f_inode;
        unsigned int f_flags;
        unsigned int f_mode;
} __core;

/* fs/file_table.c, since v6.5 */
struct backing_file {
        struct file file;
        struct path user_path;
} __core;

/* include/linux/nsproxy.h */
struct nsproxy {
        struct mnt_namespace *mnt_ns;
} __core;

/* include/linux/kernfs.h */
struct kernfs_node {
        __u64 id;
} __core;

/* include/linux/cgroup-defs.h */
struct cgroup_root {
        int hierarchy_id;
} __core;

struct cgroup {
        int level;
        struct kernfs_node *kn;
        struct cgroup_root *root;
        struct cgroup *ancestors[];
} __core;

struct css_set {
        struct cgroup *dfl_cgrp;
} __core;

/* include/linux/mm_types.h */
struct mm_struct {
        struct file *exe_file;
} __core;

struct vm_area_struct {
        unsigned long vm_flags;
        struct file *vm_file;
} __core;

/* include/linux/pid.h */
struct pid_namespace;

struct upid {
        int nr;
        struct pid_namespace *ns;
} __core;

struct pid {
        unsigned int level;
        struct hlist_head tasks[4];
        struct upid numbers[];
} __core;

/* fs/proc/internal.h */
struct proc_inode {
        struct pid *pid;
        struct inode vfs_inode;
} __core;

/* include/linux/sched.h */
struct task_struct {
        unsigned int flags;
        int pid;
        int tgid;
        struct task_struct *group_leader;
        struct task_struct *real_parent;
        struct pid *thread_pid;
        struct mm_struct *mm;
        struct nsproxy *nsproxy;
        struct css_set *cgroups;
        const struct cred *real_cred;
        const struct cred *cred;
        char comm[16];
        struct bpf_local_storage *bpf_storage;
        struct hlist_node pid_links[4];
} __core;

/* include/linux/cred.h */
struct cred {
        kuid_t fsuid;
        void *user_ns;
} __core;

/* include/linux/binfmts.h */
struct linux_binprm {
        struct file *file;
} __core;

/* include/linux/bpf.h */
struct bpf_map {
        unsigned int id;
        char name[16];
} __core;

struct bpf_prog_aux {
        unsigned int id;
        char name[16];
} __core;

struct bpf_prog {
        struct bpf_prog_aux *aux;
} __core;

/* include/linux/cred.h */

/* include/uapi/linux/in6.h */
struct in6_addr {
        __u8 bytes[16];
};

/* include/net/sock.h, include/linux/net.h, include/net/af_unix.h */
struct sock_common {
        unsigned short skc_family;
        __u16 skc_num; /* the own port, in the host's order */
        __u32 skc_rcv_saddr;
        struct in6_addr skc_v6_rcv_saddr;
} __core;

struct sock {
        struct sock_common __sk_common;
} __core;

struct socket {
        struct sock *sk;
} __core;

struct unix_address {
        int len; /* of the name, with its family */
        struct sockaddr_un {
                unsigned short sun_family;
                char sun_path[108];
        } name[];
} __core;

struct unix_sock {
        struct unix_address *addr;
        struct path path;
} __core;

/* include/linux/socket.h */
struct msghdr {
        void *msg_name;
        int msg_namelen;
} __core;
