// SPDX-License-Identifier: GPL-2.0-only

/* Mounts: they give what exists another name. By move_mount(2) it is known what gets it. The old mount(2) names what it binds
 * or moves by a string that only the kernel's own look-up could resolve: then anything might get the new name, and it is
 * refused to whoever is denied anything. A new file system is known by its type. What rules of mounts say comes first. */

#include "object.bpf.h"

#define TYPE_BYTES 16

struct known {
        char type[TYPE_BYTES];
        __u32 len;         /* 0: nothing else has its names */
        char path[28];     /* where its names are known from */
};

/* What the types' file systems show has this name, or none at all. A type that is not here might be one that is mounted
 * elsewhere already. */
static const struct known known_types[] = {
        {"tmpfs", 0, ""},
        {"ramfs", 0, ""},
        {"devpts", 0, ""},
        {"mqueue", 0, ""},
        {"hugetlbfs", 0, ""},
        {"bpf", 0, ""},
        {"fuse", 0, ""},
        {"proc", 5, "/proc"},
        {"sysfs", 4, "/sys"},
        {"devtmpfs", 4, "/dev"},
        {"cgroup2", 14, "/sys/fs/cgroup"},
        {"cgroup", 14, "/sys/fs/cgroup"},
        {"securityfs", 20, "/sys/kernel/security"},
        {"debugfs", 17, "/sys/kernel/debug"},
        {"tracefs", 19, "/sys/kernel/tracing"},
        {"configfs", 18, "/sys/kernel/config"},
};
#define KNOWN_TYPES (sizeof(known_types) / sizeof(known_types[0]))

/* What varmor itself needs: nobody confined mounts over it or above it, or takes its mount away. */
struct root {
        __u32 len;
        char path[28];
};
static const struct root our_roots[] = {
        {18, "/sys/fs/bpf/varmor"}, {11, "/etc/varmor"}, {11, "/run/varmor"}, {15, "/var/lib/varmor"}, {15, "/usr/lib/varmor"},
};
#define OUR_ROOTS (sizeof(our_roots) / sizeof(our_roots[0]))

struct lookup {
        struct va_scratch *s;
        char type[TYPE_BYTES];
        __s32 found;
};

static long type_step(__u32 i, struct lookup *x)
{
        if (i >= KNOWN_TYPES)
                return 1;
        for (int k = 0; k < TYPE_BYTES; k++)
                if (known_types[i].type[k] != x->type[k])
                        return 0;
        x->found = i;
        return 1;
}

static long root_step(__u32 i, struct lookup *x)
{
        __u32 off = x->s->path[0].off, len = x->s->path[0].len, k;
        const struct root *r;
        char c;

        if (i >= OUR_ROOTS)
                return 1;
        r = &our_roots[i];
        for (k = 0; k < sizeof(r->path) - 1; k++) {
                if (k >= len) {
                        /* It is above ours, or ours; "/" is above everything. */
                        if (k == r->len || r->path[k] == '/' || len == 1) {
                                x->found = 1;
                                return 1;
                        }
                        return 0;
                }
                c = x->s->m.b[(off + k) & (VA_MATCH_BUF - 1)];
                if (k == r->len) {
                        if (c == '/') {
                                x->found = 1;
                                return 1;
                        }
                        return 0;
                }
                if (c != r->path[k])
                        return 0;
        }
        return 0;
}

/* Is s->path[0] one of ours, or above or below one? */
__attribute__((noinline)) int va_is_ours(struct va_scratch *s)
{
        struct lookup x = {.s = s};

        if (!s)
                return 1;
        bpf_loop(OUR_ROOTS, root_step, &x, 0);
        return x.found;
}

#define TYPE_FRESH 0 /* what it shows has no other name */
#define TYPE_KNOWN 1 /* the other name is s->path[1] */
#define TYPE_OTHER 2

/** va_known_type() - what is known of file systems whose type has the name at address @type. */
__attribute__((noinline)) int va_known_type(struct va_scratch *s, __u64 type)
{
        struct lookup x = {.s = s, .found = -1};
        __u32 i;

        if (!s || !type || bpf_probe_read_kernel_str(x.type, sizeof(x.type), (void *)type) < 0)
                return TYPE_OTHER;
        bpf_loop(KNOWN_TYPES, type_step, &x, 0);
        i = x.found;
        if (i >= KNOWN_TYPES)
                return TYPE_OTHER;
        if (known_types[i].len == 0)
                return TYPE_FRESH;
        for (__u32 k = 0; k < sizeof(known_types[i].path); k++)
                s->m.b[VA_PATH_MAX + k] = known_types[i].path[k];
        s->path[1].off = VA_PATH_MAX;
        s->path[1].len = known_types[i].len;
        return TYPE_KNOWN;
}

/* A new file system comes to be at s->path[0]. */
static __always_inline int new_mount(struct va_scratch *s, __u32 op, __u64 type)
{
        int known = va_known_type(s, type);

        if (known == TYPE_FRESH)
                return 0;
        return va_second_name(s, op, known == TYPE_KNOWN ? VA_SECOND_SUBTREE | VA_SECOND_REVERSE : VA_SECOND_FROM_ANY);
}

static __always_inline int target_is_free(struct va_scratch *s, const struct path *path, __u32 op)
{
        if (va_path(s, 0, va_address(path->mnt), va_address(path->dentry)))
                return va_refuse(s, op, VA_REASON_NO_PATH, 0);
        if (va_is_ours(s))
                return va_refuse(s, op, VA_REASON_BASE, 1);
        return 0;
}

/* ---- rules of mounts -------------------------------------------------------------------------------------------- */

#define WORD(w) (1ULL << VA_MOUNT_##w)
/* @flag is set or not: either has a word of its own, the second is the next one. */
#define EITHER(flags, flag, w) ((flags) & (flag) ? WORD(w) : WORD(w) << 1)

/* What mount(2) makes of a file system's flags. */
static __always_inline __u64 words_of(unsigned long flags)
{
        return EITHER(flags, MS_RDONLY, RO) | EITHER(flags, MS_NOSUID, NOSUID) | EITHER(flags, MS_NODEV, NODEV) |
               EITHER(flags, MS_NOEXEC, NOEXEC) | EITHER(flags, MS_SYNCHRONOUS, SYNC) | EITHER(flags, MS_MANDLOCK, MAND) |
               (flags & MS_DIRSYNC ? WORD(DIRSYNC) : 0) | EITHER(flags, MS_NOATIME, NOATIME) |
               EITHER(flags, MS_NODIRATIME, NODIRATIME) | EITHER(flags, MS_SILENT, SILENT) |
               EITHER(flags, MS_RELATIME, RELATIME) | EITHER(flags, MS_I_VERSION, IVERSION) |
               EITHER(flags, MS_STRICTATIME, STRICTATIME);
}

static __always_inline unsigned long mount_flags(struct vfsmount *mnt)
{
        int f = BPF_CORE_READ(mnt, mnt_flags);

        return (f & MNT_READONLY ? MS_RDONLY : 0) | (f & MNT_NOSUID ? MS_NOSUID : 0) | (f & MNT_NODEV ? MS_NODEV : 0) |
               (f & MNT_NOEXEC ? MS_NOEXEC : 0) | (f & MNT_NOATIME ? MS_NOATIME : 0) |
               (f & MNT_NODIRATIME ? MS_NODIRATIME : 0) | (f & MNT_RELATIME ? MS_RELATIME : 0);
}

static __always_inline __u64 propagation_of(unsigned long flags)
{
        __u64 words = 0;

        if (flags & MS_UNBINDABLE)
                words |= WORD(UNBINDABLE);
        if (flags & MS_PRIVATE)
                words |= WORD(PRIVATE);
        if (flags & MS_SLAVE)
                words |= WORD(SLAVE);
        if (flags & MS_SHARED)
                words |= WORD(SHARED);
        return flags & MS_REC ? words << VA_MOUNT_RECURSIVE : words;
}

#define TYPE_AT 3          /* behind "/w/" */
#define TYPE_MAX 32U
#define SOURCE_MAX (VA_PATH_MAX - 64U)

/** va_put_mount() - name a mount of the type whose name is at the address @type (0: none is given). The source is the string at the
 * address @source; 0: the path s->path[1]. Return: 0, -1: that path does not fit. */
__attribute__((noinline)) int va_put_mount(struct va_scratch *s, __u64 type, __u64 source)
{
        struct va_text t = {.s = s};
        const void *from;
        __u64 n = 0, at;
        long size = 0;

        if (!s)
                return -1;
        va_put(&t, '/');
        va_put(&t, '0');
        va_put(&t, '/');
        if (type)
                size = bpf_probe_read_kernel_str(s->m.b + TYPE_AT, TYPE_MAX, (void *)type);
        if (size > 1)
                t.at = TYPE_AT + ((size - 1) & (TYPE_MAX - 1));
        else {
                va_put(&t, 'n');
                va_put(&t, 'o');
                va_put(&t, 'n');
                va_put(&t, 'e');
        }
        if (source) {
                size = bpf_probe_read_kernel_str(s->copy, SOURCE_MAX, (void *)source);
                n = size > 1 ? size - 1 : 0;
                if (n == 0 || s->copy[0] != '/') {
                        va_put(&t, ':');
                        va_put(&t, '/');
                }
                from = s->copy;
        } else {
                n = s->path[1].len;
                from = s->m.b + (s->path[1].off & (VA_MATCH_BUF - 1));
        }
        if (n >= SOURCE_MAX)
                return -1;
        va_keep(n);
        at = t.at;
        va_keep(at);
        at &= 63;
        if (n > 0 && n < SOURCE_MAX)
                bpf_probe_read_kernel(s->m.b + at, n, from);
        s->path[0].off = 0;
        s->path[0].len = at + n;
        return 0;
}

static __always_inline int check_mount(struct va_scratch *s, __u64 type, __u64 source, __u32 op)
{
        if (va_put_mount(s, type, source))
                return va_refuse(s, op, VA_REASON_NO_PATH, 0);
        return va_check_mount(s, op);
}

static __always_inline __u64 type_of(struct super_block *sb)
{
        return (__u64)BPF_CORE_READ(sb, s_type, name);
}

/* Is @mnt a mount of the task's namespace, so that it has a path, even if that cannot be had? */
static __always_inline bool is_attached(struct vfsmount *mnt)
{
        struct mount *m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
        struct task_struct *t = bpf_get_current_task_btf();

        return BPF_CORE_READ(m, mnt_ns) == BPF_CORE_READ(t, nsproxy, mnt_ns);
}

/* The mount that is at @path. */
static __always_inline int check_place(struct va_scratch *s, struct vfsmount *mnt, struct dentry *dentry, __u32 op)
{
        if (va_path(s, 1, va_address(mnt), va_address(dentry)))
                return va_refuse(s, op, VA_REASON_NO_PATH, 0);
        return check_mount(s, type_of(BPF_CORE_READ(mnt, mnt_sb)), 0, op);
}

/* ---- mount(2) --------------------------------------------------------------------------------------------------- */

static __always_inline int judge_mount(struct va_scratch *s, const char *source, const struct path *path, const char *type,
                                       unsigned long flags)
{
        __u64 propagation = propagation_of(flags);
        int r;

        if (flags & MS_REMOUNT || propagation) {
                s->words = flags & MS_REMOUNT ? words_of(flags) | WORD(REMOUNT) : propagation;
                return check_place(s, path->mnt, path->dentry, flags & MS_REMOUNT ? VA_OP_REMOUNT : VA_OP_MOUNT);
        }
        if (flags & MS_BIND)
                s->words = WORD(BIND) | (flags & MS_REC ? WORD(RBIND) : 0);
        else if (flags & MS_MOVE)
                s->words = WORD(MOVE);
        else
                s->words = words_of(flags);
        r = check_mount(s, flags & (MS_BIND | MS_MOVE) ? 0 : va_address(type), va_address(source), VA_OP_MOUNT);
        if (r)
                return r;
        r = target_is_free(s, path, VA_OP_MOUNT);
        if (r)
                return r;
        if (flags & (MS_BIND | MS_MOVE))
                return va_second_name(s, VA_OP_MOUNT, VA_SECOND_FROM_ANY);
        return new_mount(s, VA_OP_MOUNT, va_address(type));
}

SEC("lsm/sb_mount")
int VA_PROG(va_mount, const char *source, const struct path *path, const char *type, unsigned long flags, void *data, int ret)
{
        struct va_scratch *s;
        int r;

        if (ret != 0)
                return ret;
        r = va_begin_check(&s);
        if (r <= 0)
                return r;
        r = judge_mount(s, source, path, type, flags);
        va_release(s);
        return va_verdict(r);
}

/* A file system that needs a device has been found, by mount(2) or fsconfig(2): what is the device, whatever the file was
 * called? Number 0 stands for one that does not say which; no device has it. */
SEC("lsm/sb_set_mnt_opts")
int VA_PROG(va_disk_mount, struct super_block *sb, void *opts, unsigned long flags, unsigned long *ret_flags, int ret)
{
        struct block_device *bdev;
        struct va_scratch *s;
        int r;

        if (ret != 0)
                return ret;
        if (!(BPF_CORE_READ(sb, s_type, fs_flags) & FS_REQUIRES_DEV))
                return 0; /* allow: it has no device */
        r = va_begin_check(&s);
        if (r <= 0)
                return r;
        s->words = WORD(DEVICE);
        bdev = BPF_CORE_READ(sb, s_bdev);
        r = -EACCES; /* deny: cannot be */
        if (!va_device(s, 1, bdev ? BPF_CORE_READ(bdev, bd_dev) : 0))
                r = check_mount(s, type_of(sb), 0, VA_OP_MOUNT);
        va_release(s);
        return va_verdict(r);
}

/* Also by fsconfig(2), which has no mount: every place where the file system is mounted is asked about. What mount(2) lets
 * through was reported above. */
SEC("lsm/sb_remount")
int VA_PROG(va_remount, struct super_block *sb, void *options, int ret)
{
        struct dentry *root;
        struct va_scratch *s;
        struct va_every x;
        int r;

        if (ret != 0)
                return ret;
        r = va_begin_check(&s);
        if (r <= 0)
                return r;
        s->quiet = VA_QUIET_PASS;
        s->words = WORD(REMOUNT) | EITHER(BPF_CORE_READ(sb, s_flags), MS_RDONLY, RO);
        root = BPF_CORE_READ(sb, s_root);
        x = va_first_mount(sb, root);
        for (int i = 0; i < 8; i++) {
                va_next_mount(&x);
                if (!x.found)
                        break;
                r = check_place(s, (struct vfsmount *)x.found, root, VA_OP_REMOUNT);
                if (r < 0)
                        break;
        }
        va_release(s);
        return va_verdict(r);
}

/* ---- the mount calls that came after it ------------------------------------------------------------------------- */

/* A mount that is in no namespace yet. If it is its file system's only one, it is a new one; else it copies another. */
static __always_inline bool is_new(struct vfsmount *mnt)
{
        struct mount *m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
        struct super_block *sb = BPF_CORE_READ(mnt, mnt_sb);
        __u64 head = (__u64)sb + bpf_core_field_offset(struct super_block, s_mounts);

        return (__u64)BPF_CORE_READ(sb, s_mounts.next) == (__u64)m + bpf_core_field_offset(struct mount, mnt_instance) &&
               (__u64)BPF_CORE_READ(m, mnt_instance.next) == head &&
               BPF_CORE_READ(mnt, mnt_root) == BPF_CORE_READ(sb, s_root);
}

#define COPIES_MAX 8 /* names of the directory that a copy shows */

/* A detached copy comes to be at s->path[0]. What it shows has the names, too, under which the task sees the directory that it
 * was copied from; unless something is mounted within the copy, which might be seen nowhere else. */
static __always_inline int copied_mount(struct va_scratch *s, struct vfsmount *mnt)
{
        struct mount *m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
        __u64 within = (__u64)m + bpf_core_field_offset(struct mount, mnt_mounts);
        struct dentry *root = BPF_CORE_READ(mnt, mnt_root);
        struct va_every *x = &s->every;
        __u32 named = 0;

        if ((__u64)BPF_CORE_READ(m, mnt_mounts.next) != within)
                return va_second_name(s, VA_OP_MOVE_MOUNT, VA_SECOND_FROM_ANY);
        *x = va_first_mount(BPF_CORE_READ(mnt, mnt_sb), root);
        for (int i = 0; i < COPIES_MAX; i++) {
                va_next_mount(x);
                if (!x->found)
                        break;
                if (va_path(s, 1, x->found, va_address(root)))
                        return va_second_name(s, VA_OP_MOVE_MOUNT, VA_SECOND_FROM_ANY);
                named++;
                if (va_second_name(s, VA_OP_MOVE_MOUNT, VA_SECOND_SUBTREE | VA_SECOND_REVERSE))
                        return -EACCES;
        }
        return named && x->done ? 0 : va_second_name(s, VA_OP_MOVE_MOUNT, VA_SECOND_FROM_ANY);
}

/* What rules of mounts say to it: it binds whatever the task sees as the directory that was copied. */
static __always_inline int judge_copy(struct va_scratch *s, struct vfsmount *mnt, __u64 type)
{
        struct dentry *root = BPF_CORE_READ(mnt, mnt_root);
        struct va_every *x = &s->every;
        __u32 named = 0;
        int r;

        s->words = WORD(BIND);
        *x = va_first_mount(BPF_CORE_READ(mnt, mnt_sb), root);
        for (int i = 0; i < COPIES_MAX; i++) {
                va_next_mount(x);
                if (!x->found || va_path(s, 1, x->found, va_address(root)))
                        break;
                named++;
                r = check_mount(s, type, 0, VA_OP_MOVE_MOUNT);
                if (r)
                        return r;
        }
        if (named)
                return 0;
        /* Nobody can tell whether a rule means it. */
        s->copy[VA_PATH_MAX - 1] = 0;
        return check_mount(s, type, va_address(&s->copy[VA_PATH_MAX - 1]), VA_OP_MOVE_MOUNT);
}

static __always_inline int attach_detached(struct va_scratch *s, const struct path *from, const struct path *to)
{
        struct vfsmount *mnt = from->mnt;
        struct mount *m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
        __u64 type = type_of(BPF_CORE_READ(mnt, mnt_sb));
        bool new = is_new(mnt);
        int r;

        if (new) {
                s->words = words_of(mount_flags(mnt));
                r = check_mount(s, type, (__u64)BPF_CORE_READ(m, mnt_devname), VA_OP_MOVE_MOUNT);
        } else
                r = judge_copy(s, mnt, type);
        if (r)
                return r;
        r = target_is_free(s, to, VA_OP_MOVE_MOUNT);
        if (r)
                return r;
        return new ? new_mount(s, VA_OP_MOVE_MOUNT, type) : copied_mount(s, mnt);
}

static __always_inline int move_attached(struct va_scratch *s, const struct path *from, const struct path *to)
{
        int r;

        s->words = WORD(MOVE);
        r = check_mount(s, type_of(BPF_CORE_READ(from, mnt, mnt_sb)), 0, VA_OP_MOVE_MOUNT);
        if (r)
                return r;
        r = target_is_free(s, to, VA_OP_MOVE_MOUNT);
        return r ? r : va_second_name(s, VA_OP_MOVE_MOUNT, VA_SECOND_SUBTREE | VA_SECOND_REVERSE);
}

SEC("lsm/move_mount")
int VA_PROG(va_move_mount, const struct path *from, const struct path *to, int ret)
{
        struct va_scratch *s;
        int r;

        if (ret != 0)
                return ret;
        r = va_begin_check(&s);
        if (r <= 0)
                return r;
        if (va_path(s, 1, va_address(from->mnt), va_address(from->dentry)) == 0)
                r = move_attached(s, from, to);
        else if (is_attached(from->mnt))
                r = va_refuse(s, VA_OP_MOVE_MOUNT, VA_REASON_NO_PATH, 0);
        else
                r = attach_detached(s, from, to);
        va_release(s);
        return va_verdict(r);
}

/* Everything gets another name: what is below the new root, and what was above it. */
SEC("lsm/sb_pivotroot")
int VA_PROG(va_pivot_root, const struct path *put_old, const struct path *new_root, int ret)
{
        struct va_scratch *s;
        int r;

        if (ret != 0)
                return ret;
        r = va_begin_check(&s);
        if (r <= 0)
                return r;
        s->words = WORD(MOVE);
        r = check_place(s, new_root->mnt, new_root->dentry, VA_OP_PIVOT_ROOT);
        if (r == 0) {
                if (va_path(s, 0, va_address(new_root->mnt), va_address(new_root->dentry)))
                        r = va_refuse(s, VA_OP_PIVOT_ROOT, VA_REASON_NO_PATH, 0);
                else
                        r = va_second_name(s, VA_OP_PIVOT_ROOT, VA_SECOND_FROM_ANY | VA_SECOND_TO_ANY);
        }
        va_release(s);
        return va_verdict(r);
}

static __always_inline int check_umount(struct va_scratch *s, struct vfsmount *mnt)
{
        int r;

        s->words = WORD(UMOUNT);
        r = check_place(s, mnt, mnt->mnt_root, VA_OP_UMOUNT);
        if (r == 0 && va_path(s, 0, va_address(mnt), va_address(mnt->mnt_root)) == 0 && va_is_ours(s))
                r = va_refuse(s, VA_OP_UMOUNT, VA_REASON_BASE, 1);
        return r;
}

SEC("lsm/sb_umount")
int VA_PROG(va_umount, struct vfsmount *mnt, int flags, int ret)
{
        struct va_scratch *s;
        int r;

        if (ret != 0)
                return ret;
        r = va_begin_check(&s);
        if (r <= 0)
                return r;
        r = is_attached(mnt) ? check_umount(s, mnt) : 0; /* allow: what is detached holds nothing that anybody else sees */
        va_release(s);
        return va_verdict(r);
}
