// SPDX-License-Identifier: GPL-2.0-only

/* Where: the path of a dentry, whole, from the root of the task's mount namespace, as fs/d_path.c: prepend_path() makes it.
 * The process's own root does not count (chroot), and an unlinked file keeps its name. Written from the end to the
 * beginning, until the topmost mount, which must be the namespace's; a path that is anything else cannot be had. */

#include "state.bpf.h"

/* Two areas of va_match_buf, each with one byte behind it for a '/'. That of the first is the first byte of the second,
 * which is a '/' if it is used at all. */
#define AREA (VA_PATH_MAX - 1)
#define AREA_1 AREA
#define NAME_MAX 255U /* include/uapi/linux/limits.h */
#define TRIES 1024 /* while others rename or mount */

/* fs/dcache.c, fs/namespace.c: seqlock_t, which begins with its sequence number. */
extern const void rename_lock __ksym __weak;
extern const void mount_lock __ksym __weak;

struct climb {
        struct va_scratch *s;
        __u64 dentry;
        __u64 mount; /* struct mount */
        __u64 root;  /* its root */
        __u64 from;  /* the dentry and the mount that the path is for */
        __u64 on;
        __u32 base;  /* the area */
        __u32 pos;   /* where the path begins so far, within the area */
        __s32 result;
};

/* Both sequence numbers; odd while somebody renames or mounts. */
static __always_inline __u64 names_version(void)
{
        __u32 renames = 0, mounts = 0;

        if (&rename_lock)
                bpf_probe_read_kernel(&renames, sizeof(renames), &rename_lock);
        if (&mount_lock)
                bpf_probe_read_kernel(&mounts, sizeof(mounts), &mount_lock);
        return (__u64)renames << 32 | mounts;
}

/* Puts "/name" before what is there. */
static __always_inline int put_name(struct va_scratch *s, __u32 base, __u32 *pos, const void *name, __u32 len)
{
        __u64 at;

        if (len == 0 || len > NAME_MAX || *pos < len + 1)
                return -1;
        at = base + *pos - len;
        va_keep(at);
        at &= VA_MATCH_BUF - 1;
        if (bpf_probe_read_kernel(s->m.b + at, len, name))
                return -1;
        at = base + *pos - len - 1;
        va_keep(at);
        at &= VA_MATCH_BUF - 1;
        s->m.b[at] = '/';
        *pos -= len + 1;
        return 0;
}

static long climb_step(__u32 i, struct climb *x)
{
        struct dentry *d = (struct dentry *)x->dentry;
        struct mount *m = (struct mount *)x->mount, *parent;
        struct dentry *up;
        struct qstr name;

        if (x->dentry == x->root) {
                parent = BPF_CORE_READ(m, mnt_parent);
                if (parent == m) {
                        x->result = 0;
                        return 1;
                }
                x->dentry = (__u64)BPF_CORE_READ(m, mnt_mountpoint);
                x->mount = (__u64)parent;
                x->root = (__u64)BPF_CORE_READ(parent, mnt.mnt_root);
                return 0;
        }
        up = BPF_CORE_READ(d, d_parent);
        if (up == d)
                return 1; /* outside of its mount: moved out of a bind mount */
        if (bpf_core_read(&name, sizeof(name), &d->d_name))
                return 1;
        if (put_name(x->s, x->base, &x->pos, name.name, name.len))
                return 1;
        x->dentry = (__u64)up;
        return 0;
}

/* Memory files are called "/memfd:NAME", as AppArmor calls them; the rest of what lives on mounts of the kernel's own
 * has no name that a rule could mean. */
static __always_inline int pseudo_path(struct va_scratch *s, __u32 which, __u64 dentry)
{
        struct dentry *d = (struct dentry *)dentry;
        struct inode *inode = BPF_CORE_READ(d, d_inode);
        __u32 base = which ? AREA_1 : 0, pos = AREA;
        struct qstr name;
        unsigned long magic;

        if (!inode)
                return VA_PATH_NONE;
        magic = BPF_CORE_READ(inode, i_sb, s_magic);
        if ((magic != TMPFS_MAGIC && magic != HUGETLBFS_MAGIC) || BPF_CORE_READ(inode, i_flags) & S_PRIVATE)
                return VA_PATH_NONE;
        if (bpf_core_read(&name, sizeof(name), &d->d_name) || put_name(s, base, &pos, name.name, name.len))
                return -1;
        s->path[which].off = base + pos;
        s->path[which].len = AREA - pos;
        return 0;
}

/* One attempt. The path is good only if nobody renamed or mounted anything meanwhile. */
static long try_step(__u32 i, struct climb *x)
{
        __u64 version = names_version();
        struct mount *on = (struct mount *)x->on;

        x->result = -1;
        x->pos = AREA;
        if (version & 0x100000001ULL)
                return 0;
        x->dentry = x->from;
        x->mount = x->on;
        x->root = (__u64)BPF_CORE_READ(on, mnt.mnt_root);
        bpf_loop(VA_PATH_MAX, climb_step, x, 0);
        if (names_version() == version)
                return 1;
        x->result = -1;
        return 0;
}

int va_path(struct va_scratch *s, __u32 which, __u64 mnt, __u64 dentry)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct climb x = {.s = s, .from = dentry, .base = which ? AREA_1 : 0};
        struct mount *m;
        __u64 ns;

        if (!s || which > 1)
                return -1;
        m = (struct mount *)(mnt - bpf_core_field_offset(struct mount, mnt));
        ns = (__u64)BPF_CORE_READ(m, mnt_ns);
        if (ns == MNT_NS_INTERNAL || (!ns && BPF_CORE_READ(m, mnt.mnt_sb, s_flags) & SB_KERNMOUNT))
                return pseudo_path(s, which, dentry);

        x.on = (__u64)m;
        bpf_loop(TRIES, try_step, &x, 0);
        if (!t->nsproxy || x.mount != (__u64)t->nsproxy->mnt_ns->root)
                x.result = -1; /* detached, or of another mount namespace */
        if (x.pos >= AREA) {
                x.pos = AREA - 1;
                s->m.b[x.base ? AREA_1 + AREA - 1 : AREA - 1] = '/';
        }
        s->path[which].off = x.base + x.pos;
        s->path[which].len = AREA - x.pos;
        return x.result;
}
