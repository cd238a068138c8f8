// SPDX-License-Identifier: GPL-2.0-only

/* Descriptors: how a process comes by one (open, receive), what it maps of it, and ioctl(2). */

#include "state.bpf.h"

/* What the file of a mapping is called: on 6.12 a file of an overlay is mapped as the layer's, which knows its user. */
static __always_inline void file_path(struct file *file, __u64 *ret_mnt, __u64 *ret_dentry)
{
        if (bpf_core_type_exists(struct backing_file) && file->f_mode & FMODE_BACKING) {
                struct backing_file *b = (void *)file - bpf_core_field_offset(struct backing_file, file);

                *ret_mnt = (__u64)BPF_CORE_READ(b, user_path.mnt);
                *ret_dentry = (__u64)BPF_CORE_READ(b, user_path.dentry);
                return;
        }
        *ret_mnt = (__u64)file->f_path.mnt;
        *ret_dentry = (__u64)file->f_path.dentry;
}

/* What reaches the device if the file is one of a device. Other operations are about the file in its directory. */
static __always_inline void note_device(struct va_scratch *s, struct inode *inode)
{
        umode_t type = inode->i_mode & S_IFMT;

        if (type == S_IFBLK || type == S_IFCHR) {
                s->device = type == S_IFBLK ? VA_DEVICE_BLOCK : VA_DEVICE_CHAR;
                s->rdev = inode->i_rdev;
        }
}

static __always_inline int mediate_open(struct file *file, __u64 mnt, __u64 dentry, __u32 op, __u32 want)
{
        struct va_scratch *s;
        int r = va_note(mnt, dentry, &s);

        if (r <= 0)
                return r;
        note_device(s, file->f_inode);
        return va_verdict(va_mediate_noted(s, op, want));
}

static __always_inline int mediate_file(struct file *file, __u32 op, __u32 want)
{
        __u64 mnt, dentry;

        file_path(file, &mnt, &dentry);
        return mediate_open(file, mnt, dentry, op, want);
}

static __always_inline __u32 wanted(__u32 flags, __u32 mode)
{
        __u32 want = 0;

        if (mode & FMODE_READ)
                want |= VA_READ;
        if (mode & FMODE_WRITE)
                want |= flags & O_APPEND ? VA_APPEND : VA_WRITE;
        if (flags & O_TRUNC)
                want |= VA_WRITE;
        if ((flags & O_ACCMODE) == O_ACCMODE)
                want |= VA_READ | VA_WRITE; /* for ioctl(2) alone, with the rights of both */
        return want;
}

/* Does @file belong to varmord's directory in /proc? */
static __always_inline bool is_proc_of_self(struct file *file)
{
        struct inode *inode = file->f_inode;
        struct proc_inode *p;
        __u64 node;

        if (BPF_CORE_READ(inode, i_sb, s_magic) != PROC_SUPER_MAGIC)
                return false;
        p = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
        node = (__u64)BPF_CORE_READ(p, pid, tasks[0].first);
        return node && va_is_self((struct task_struct *)(node - bpf_core_field_offset(struct task_struct, pid_links)));
}

SEC("lsm/file_open")
int VA_PROG(va_file_open, struct file *file, int ret)
{
        __u32 flags, want;

        if (ret != 0)
                return ret;
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        flags = file->f_flags;
        if (flags & FMODE_EXEC_FLAG)
                return 0; /* allow: an exec, which is checked as such, or an interpreter, whose mapping is */
        if (file->f_mode & FMODE_BACKING)
                return 0; /* allow: a file of an overlay's layer, whose user has been asked */
        want = wanted(flags, file->f_mode);
        if (want & (VA_WRITE | VA_APPEND) && is_proc_of_self(file) && va_guard(VA_OP_OPEN))
                return -EACCES;
        return mediate_open(file, (__u64)file->f_path.mnt, (__u64)file->f_path.dentry, VA_OP_OPEN, want);
}

/* From wherever it came. */
SEC("lsm/file_receive")
int VA_PROG(va_receive, struct file *file, int ret)
{
        struct va_scratch *s;
        __u64 mnt, dentry;
        __u32 want;
        int r;

        if (ret != 0)
                return ret;
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        want = wanted(file->f_flags & O_APPEND, file->f_mode);
        r = va_take_scratch(&s);
        if (r <= 0)
                return r;
        note_device(s, file->f_inode);
        file_path(file, &mnt, &dentry);
        mnt = va_address((void *)mnt);
        dentry = va_address((void *)dentry);
        r = va_path(s, 0, mnt, dentry);
        if (r == 0)
                r = va_check(s, VA_KIND_FILE, 0, VA_OP_RECEIVE, want);
        else
                r = r < 0 ? va_check_elsewhere(s, dentry, VA_OP_RECEIVE, want, VA_KIND_FILE) : 0;
        va_release(s);
        return va_verdict(r);
}

/* A descriptor that was opened to append begins to write. */
SEC("lsm/file_fcntl")
int VA_PROG(va_setfl, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
        if (ret != 0)
                return ret;
        if (cmd != F_SETFL || !(file->f_flags & O_APPEND) || arg & O_APPEND || !(file->f_mode & FMODE_WRITE))
                return 0;
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        return mediate_file(file, VA_OP_FCNTL, VA_WRITE);
}

static __always_inline int mediate_mmap(struct file *file, unsigned long prot)
{
        if (!file || !(prot & PROT_EXEC))
                return 0; /* allow: reading and writing were asked about when it was opened */
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        return mediate_file(file, VA_OP_MMAP, VA_EXEC);
}

SEC("lsm/mmap_file")
int VA_PROG(va_mmap, struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags, int ret)
{
        return ret != 0 ? ret : mediate_mmap(file, prot);
}

/* The function that calls the hook has other arguments. */
SEC("fexit/security_mmap_file")
int VA_PROG(va_mmap_traced, struct file *file, unsigned long prot, unsigned long flags, int ret)
{
        return ret != 0 ? ret : mediate_mmap(file, prot);
}

SEC("lsm/file_mprotect")
int VA_PROG(va_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot, int ret)
{
        struct file *file;

        if (ret != 0)
                return ret;
        if (!(prot & PROT_EXEC) || vma->vm_flags & VM_EXEC)
                return 0; /* allow: it does not become executable */
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        file = vma->vm_file;
        if (!file)
                return 0; /* allow: memory without a name */
        return mediate_file(file, VA_OP_MPROTECT, VA_EXEC);
}

/* include/uapi/linux: fs.h, fsverity.h, fscrypt.h; the requests that change a file through a descriptor for reading. */
#define FS_IOC_SETFLAGS 0x40086602U
#define FS_IOC32_SETFLAGS 0x40046602U
#define FS_IOC_SETVERSION 0x40087602U
#define FS_IOC32_SETVERSION 0x40047602U
#define FS_IOC_FSSETXATTR 0x401c5820U
#define FS_IOC_ENABLE_VERITY 0x40806685U
#define FS_IOC_SET_ENCRYPTION_POLICY 0x800c6613U
/* include/uapi/linux/btrfs.h: a snapshot is a second name of all that it shows; in @arg stands a descriptor of anything. */
#define BTRFS_IOC_SNAP_CREATE 0x50009401U
#define BTRFS_IOC_SNAP_CREATE_V2 0x50009417U
/* fs/bcachefs/bcachefs_ioctl.h */
#define BCH_IOCTL_SUBVOLUME_CREATE 0x4020bc10U

static __always_inline bool is_change(unsigned int cmd)
{
        return cmd == FS_IOC_SETFLAGS || cmd == FS_IOC32_SETFLAGS || cmd == FS_IOC_SETVERSION || cmd == FS_IOC32_SETVERSION ||
               cmd == FS_IOC_FSSETXATTR || cmd == FS_IOC_ENABLE_VERITY || cmd == FS_IOC_SET_ENCRYPTION_POLICY;
}

static __always_inline bool is_snapshot(unsigned int cmd)
{
        return cmd == BTRFS_IOC_SNAP_CREATE || cmd == BTRFS_IOC_SNAP_CREATE_V2 || cmd == BCH_IOCTL_SUBVOLUME_CREATE;
}

/* What comes to be below @file is a copy of what nobody names here. */
static __always_inline int snapshot(struct file *file)
{
        struct va_scratch *s;
        int r;

        r = va_begin_check(&s);
        if (r <= 0)
                return r;
        if (va_path(s, 0, va_address(file->f_path.mnt), va_address(file->f_path.dentry)))
                r = va_refuse(s, VA_OP_IOCTL, VA_REASON_NO_PATH, 0);
        else
                r = va_second_name(s, VA_OP_IOCTL, VA_SECOND_FROM_ANY);
        va_release(s);
        return va_verdict(r);
}

/* A device does what ioctl(2) says, whatever the descriptor was opened for: that is writing, and so is what changes a file.
 * Who opened it for writing was asked then. */
static __always_inline int mediate_ioctl(struct file *file, unsigned int cmd)
{
        umode_t mode;

        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        if (is_snapshot(cmd))
                return snapshot(file);
        mode = BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT;
        if ((mode != S_IFCHR && mode != S_IFBLK && !is_change(cmd)) || file->f_mode & FMODE_WRITE)
                return 0;
        return mediate_file(file, VA_OP_IOCTL, VA_WRITE);
}

SEC("lsm/file_ioctl")
int VA_PROG(va_ioctl, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
        return ret != 0 ? ret : mediate_ioctl(file, cmd);
}

/* Since v6.8; before, it calls file_ioctl. */
SEC("lsm/file_ioctl_compat")
int VA_PROG(va_ioctl_compat, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
        return ret != 0 ? ret : mediate_ioctl(file, cmd);
}
