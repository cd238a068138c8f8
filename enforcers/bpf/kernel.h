/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The kernel's types as far as our programs look into them: members by name, places filled in at load (CO-RE). Each
 * struct names the file that it comes from, as of v6.1; what later kernels changed stands beside it. */

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define __core __attribute__((preserve_access_index))

/* include/uapi/asm-generic/errno-base.h */
#define EPERM 1
#define ENOMEM 12
#define EACCES 13
#define EINVAL 22

/* include/uapi/asm-generic/fcntl.h, include/linux/fs.h */
#define O_ACCMODE 3U
#define O_TRUNC 01000U
#define O_APPEND 02000U
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
#define S_IFDIR 0040000
#define S_IFREG 0100000

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
#define MS_REMOUNT 32UL
#define MS_BIND 4096UL
#define MS_MOVE 8192UL
#define MS_UNBINDABLE (1UL << 17)
#define MS_PRIVATE (1UL << 18)
#define MS_SLAVE (1UL << 19)
#define MS_SHARED (1UL << 20)

/* include/uapi/linux/sched.h, include/linux/sched.h */
#define CLONE_THREAD 0x00010000UL
#define PF_KTHREAD 0x00200000U

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
} __core;

/* include/linux/fs.h */
struct super_block {
        unsigned int s_dev;
        unsigned long s_flags;
        unsigned long s_magic;
        struct dentry *s_root;
        struct file_system_type *s_type;
        struct list_head s_mounts;
} __core;

struct file_system_type {
        const char *name;
} __core;

struct iattr {
        unsigned int ia_valid;
} __core;

struct inode {
        umode_t i_mode;
        unsigned int i_flags;
        struct super_block *i_sb;
        unsigned long i_ino;
} __core;

/* include/linux/mount.h */
struct vfsmount {
        struct dentry *mnt_root;
        struct super_block *mnt_sb;
} __core;

/* fs/mount.h */
struct mnt_namespace;

struct mount {
        struct mount *mnt_parent;
        struct dentry *mnt_mountpoint;
        struct vfsmount mnt;
        struct list_head mnt_instance;
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

/* include/linux/cred.h */
typedef struct {
        unsigned int val;
} kuid_t;

/* include/linux/pid.h */
struct pid {
        struct hlist_head tasks[4];
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
        struct mm_struct *mm;
        struct nsproxy *nsproxy;
        struct css_set *cgroups;
        struct bpf_local_storage *bpf_storage;
        struct hlist_node pid_links[4];
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

/* include/net/sock.h, include/linux/net.h, include/net/af_unix.h */
struct sock;

struct socket {
        struct sock *sk;
} __core;

struct unix_sock {
        struct path path;
} __core;
