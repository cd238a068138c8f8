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
/* While others rename or mount. Who holds the lock may be on a processor that its hypervisor has taken away for a while; the
 * kernel's own walk would wait for ever. BPF_MAX_LOOPS is 8 Mi, include/linux/bpf.h. */
#define TRIES (8U << 20)
#define TRIES_UNTIMED 1024U
#define WAIT_NSEC 1000000000ULL

/* fs/dcache.c, fs/namespace.c: seqlock_t, which begins with its sequence number. */
extern const void rename_lock __ksym __weak;
extern const void mount_lock __ksym __weak;

/* Since v6.2, where a field costs an instruction and not a call: looks at @obj as a type of the kernel's. What cannot be
 * read is 0. */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

#define typed() (!!bpf_rdonly_cast)
#define as(type, address) ((type *)bpf_rdonly_cast((const void *)(address), bpf_core_type_id_kernel(type)))

/* What one call gets at before. */
struct dentry_head {
        struct dentry *parent;
        __u32 hash;
        __u32 len;
        __u64 name;
        __u64 inode;
        __u8 iname[32];
};
_Static_assert(sizeof(struct dentry_head) + 8 <= sizeof(((struct va_scratch *)0)->dentry_head), "there is room");

struct mount_head {
        struct mount *parent;
        struct dentry *mountpoint;
        struct dentry *root;
};

struct climb {
        struct va_scratch *s;
        struct dentry *dentry;
        struct mount *mount;
        struct mount_head m; /* @mount's */
        struct mount *top;   /* the topmost, of the task's namespace */
        struct dentry *from; /* the dentry and the mount that the path is for */
        struct mount *on;
        __u64 until_nsec; /* when to give up; 0: not asked yet */
        __u32 base; /* the area */
};

/* Where the path begins so far, within the area. It is in the map, as the result is, since what the verifier knew of it
 * would make each step look different from the one before. */
#define POS(s) (*(volatile __u32 *)&(s)->pos)

/* Constants, once the program is loaded. */
#define inside(type, field, of) (bpf_core_field_offset(type, field) - bpf_core_field_offset(type, of))

static __always_inline bool dentry_head_fits(void)
{
        return inside(struct dentry, d_name.len, d_parent) == __builtin_offsetof(struct dentry_head, len) &&
               inside(struct dentry, d_name.name, d_parent) == __builtin_offsetof(struct dentry_head, name) &&
               bpf_core_field_exists(struct dentry, d_iname) &&
               inside(struct dentry, d_iname, d_parent) == __builtin_offsetof(struct dentry_head, iname);
}

static __always_inline bool mount_head_fits(void)
{
        return inside(struct mount, mnt_mountpoint, mnt_parent) == __builtin_offsetof(struct mount_head, mountpoint) &&
               inside(struct mount, mnt.mnt_root, mnt_parent) == __builtin_offsetof(struct mount_head, root);
}

/* Both sequence numbers; odd while somebody renames or mounts. */
static __always_inline __u64 names_version(void)
{
        __u32 renames = 0, mounts = 0;

        if (typed()) {
                if (&rename_lock)
                        renames = as(struct seqcount, &rename_lock)->sequence;
                if (&mount_lock)
                        mounts = as(struct seqcount, &mount_lock)->sequence;
        } else {
                if (&rename_lock)
                        bpf_probe_read_kernel(&renames, sizeof(renames), &rename_lock);
                if (&mount_lock)
                        bpf_probe_read_kernel(&mounts, sizeof(mounts), &mount_lock);
        }
        return (__u64)renames << 32 | mounts;
}

/* ---- a name ----------------------------------------------------------------------------------------------------- */

static __always_inline __u8 *byte_at(struct va_scratch *s, __u64 at)
{
        va_keep(at);
        return s->m.b + (at & (VA_MATCH_BUF - 1));
}

/* Puts "/name" before what is there. */
static __always_inline int put_name(struct va_scratch *s, __u32 base, __u64 name, __u32 len)
{
        __u32 pos = POS(s);

        if (len == 0 || len > NAME_MAX || pos < len + 1)
                return -1;
        pos -= len + 1;
        POS(s) = pos;
        if (bpf_probe_read_kernel(byte_at(s, base + pos + 1), len, (const void *)name))
                return -1;
        *byte_at(s, base + POS(s)) = '/';
        return 0;
}

/* The same for up to SHORT bytes, in words, the last first. So up to 7 bytes before the name are written, too, which
 * nothing is in yet; and read, which belong to the name's dentry or are the head of the memory that a long name is in. */
#define SHORT 32U

static __always_inline bool fits_short(const struct climb *x, __u32 len)
{
        return len - 1 < SHORT && POS(x->s) > SHORT + 8;
}

static __always_inline __u64 word_before(struct va_scratch *s, __u64 name_end, __u64 len, __u64 n, const bool direct)
{
        __u64 at;

        if (direct)
                return as(struct qstr, name_end - n)->hash_len;
        at = __builtin_offsetof(struct dentry_head, iname) + len - n;
        va_keep(at);
        return *(const __u64 *)((const __u8 *)s->dentry_head + (at & 63));
}

static __always_inline void put_short_name(struct climb *x, __u64 name, __u32 len, const bool direct)
{
        struct va_scratch *s = x->s;
        __u32 pos = POS(s);
        __u8 *to = byte_at(s, x->base + pos - SHORT);

        POS(s) = pos - len - 1;

        name += len;
        *(__u64 *)(to + SHORT - 8) = word_before(s, name, len, 8, direct);
        if (len > 8)
                *(__u64 *)(to + SHORT - 16) = word_before(s, name, len, 16, direct);
        if (len > 16)
                *(__u64 *)(to + SHORT - 24) = word_before(s, name, len, 24, direct);
        if (len > 24)
                *(__u64 *)(to + SHORT - 32) = word_before(s, name, len, 32, direct);
        *byte_at(s, x->base + POS(s)) = '/';
}

/* ---- up --------------------------------------------------------------------------------------------------------- */

static __always_inline int arrive(struct climb *x, struct mount *m)
{
        x->mount = m;
        if (typed()) {
                m = as(struct mount, m);
                x->m.parent = m->mnt_parent;
                x->m.mountpoint = m->mnt_mountpoint;
                x->m.root = m->mnt.mnt_root;
                return 0;
        }
        if (mount_head_fits())
                return bpf_core_read(&x->m, sizeof(x->m), &m->mnt_parent);
        x->m.parent = BPF_CORE_READ(m, mnt_parent);
        x->m.mountpoint = BPF_CORE_READ(m, mnt_mountpoint);
        x->m.root = BPF_CORE_READ(m, mnt.mnt_root);
        return 0;
}

/* From the root of a mount. Return: 0, or 1: there is nothing above it. */
static __always_inline int leave_mount(struct climb *x)
{
        if (x->mount == x->top) {
                x->s->result = 0;
                return 1;
        }
        if (x->m.parent == x->mount)
                return 1; /* detached, or of another namespace */
        x->dentry = x->m.mountpoint;
        return arrive(x, x->m.parent) ? 1 : 0;
}

static __always_inline long climb_step(struct climb *x, const bool direct)
{
        struct dentry *d = x->dentry, *up;
        bool is_short = false;
        __u64 name;
        __u32 len;

        if (d == x->m.root)
                return leave_mount(x);
        if (direct) {
                d = as(struct dentry, d);
                up = d->d_parent;
                len = d->d_name.len;
                name = (__u64)d->d_name.name;
                is_short = !(name & 7);
        } else if (dentry_head_fits()) {
                struct dentry_head *head = (void *)x->s->dentry_head;

                if (bpf_core_read(head, sizeof(*head), &d->d_parent))
                        return 1;
                up = head->parent;
                len = head->len;
                name = head->name;
                is_short = name == (__u64)d + bpf_core_field_offset(struct dentry, d_iname);
        } else {
                up = BPF_CORE_READ(d, d_parent);
                len = BPF_CORE_READ(d, d_name.len);
                name = (__u64)BPF_CORE_READ(d, d_name.name);
        }
        if (up == d)
                return 1; /* outside of its mount: moved out of a bind mount */
        if (is_short && fits_short(x, len))
                put_short_name(x, name, len, direct);
        else if (put_name(x->s, x->base, name, len))
                return 1;
        x->dentry = up;
        return 0;
}

static long climb_direct(__u32 i, struct climb *x)
{
        return climb_step(x, true);
}

static long climb_calls(__u32 i, struct climb *x)
{
        return climb_step(x, false);
}

/* Memory files are called "/memfd:NAME", as AppArmor calls them; the rest of what lives on mounts of the kernel's own
 * has no name that a rule could mean. */
static __always_inline int pseudo_path(struct va_scratch *s, __u32 which, __u64 dentry)
{
        struct dentry *d = (struct dentry *)dentry;
        struct inode *inode = BPF_CORE_READ(d, d_inode);
        __u32 base = which ? AREA_1 : 0;
        struct qstr name;
        unsigned long magic;

        if (!inode)
                return VA_PATH_NONE;
        magic = BPF_CORE_READ(inode, i_sb, s_magic);
        if ((magic != TMPFS_MAGIC && magic != HUGETLBFS_MAGIC) || BPF_CORE_READ(inode, i_flags) & S_PRIVATE)
                return VA_PATH_NONE;
        if (bpf_core_read(&name, sizeof(name), &d->d_name))
                return -1;
        POS(s) = AREA;
        if (put_name(s, base, (__u64)name.name, name.len))
                return -1;
        s->path[which].off = base + POS(s);
        s->path[which].len = AREA - POS(s);
        return 0;
}

static __always_inline bool has_waited_enough(struct climb *x)
{
        __u64 now = bpf_ktime_get_ns();

        if (!x->until_nsec)
                x->until_nsec = now + WAIT_NSEC;
        return now > x->until_nsec;
}

/* One attempt. The path is good only if nobody renamed or mounted anything meanwhile. */
static long try_step(__u32 i, struct climb *x)
{
        __u64 version = names_version();

        x->s->result = -1;
        if (i >= TRIES_UNTIMED && has_waited_enough(x))
                return 1;
        POS(x->s) = AREA;
        if (version & 0x100000001ULL)
                return 0;
        x->dentry = x->from;
        if (!arrive(x, x->on))
                bpf_loop(VA_PATH_MAX, typed() ? climb_direct : climb_calls, x, 0);
        if (names_version() == version)
                return 1;
        x->s->result = -1;
        return 0;
}

int va_path(struct va_scratch *s, __u32 which, __u64 mnt, __u64 dentry)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct mount *m = (struct mount *)(mnt - bpf_core_field_offset(struct mount, mnt));
        struct climb x;
        __u32 pos;
        __u64 ns;

        if (!s || which > 1)
                return -1;
        x.s = s;
        x.from = (struct dentry *)dentry;
        x.on = m;
        x.base = which ? AREA_1 : 0;
        x.until_nsec = 0;
        x.top = t->nsproxy ? t->nsproxy->mnt_ns->root : NULL;
        s->named[which] = dentry;
        s->result = -1;
        bpf_loop(TRIES, try_step, &x, 0);
        if (s->result) {
                ns = (__u64)BPF_CORE_READ(m, mnt_ns);
                if (ns == MNT_NS_INTERNAL || (!ns && BPF_CORE_READ(m, mnt.mnt_sb, s_flags) & SB_KERNMOUNT))
                        return pseudo_path(s, which, dentry);
        }
        pos = POS(s);
        if (pos >= AREA) {
                pos = AREA - 1;
                s->m.b[x.base ? AREA_1 + AREA - 1 : AREA - 1] = '/';
        }
        s->path[which].off = x.base + pos;
        s->path[which].len = AREA - pos;
        return s->result;
}
