// SPDX-License-Identifier: GPL-2.0-only

/* Names: what makes one, takes it away or changes it, and what changes a file without opening it. All of that is writing;
 * a name that comes beside another, or instead of it, must not be subject to fewer rules. */

#include "state.bpf.h"

const volatile bool va_setattr_idmap = false; /* inode_setattr has the mount's mapping before the dentry, since 6.9 */

#define MOUNTS_MAX 4096 /* mounts of one file system that are looked at */
#define NAMES_MAX 32    /* of them, those that show one file */

static __always_inline int write_at(const struct path *dir, struct dentry *dentry, __u32 op)
{
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        return va_verdict(va_mediate((__u64)dir->mnt, (__u64)dentry, op, VA_WRITE));
}

SEC("lsm/path_mknod")
int VA_PROG(va_path_mknod, const struct path *dir, struct dentry *dentry, umode_t mode, unsigned int dev, int ret)
{
        if (ret != 0)
                return ret;
        return write_at(dir, dentry, (mode & S_IFMT) == S_IFREG || !(mode & S_IFMT) ? VA_OP_CREATE : VA_OP_MKNOD);
}

SEC("lsm/path_mkdir")
int VA_PROG(va_path_mkdir, const struct path *dir, struct dentry *dentry, umode_t mode, int ret)
{
        return ret != 0 ? ret : write_at(dir, dentry, VA_OP_MKDIR);
}

SEC("lsm/path_rmdir")
int VA_PROG(va_path_rmdir, const struct path *dir, struct dentry *dentry, int ret)
{
        return ret != 0 ? ret : write_at(dir, dentry, VA_OP_RMDIR);
}

SEC("lsm/path_unlink")
int VA_PROG(va_path_unlink, const struct path *dir, struct dentry *dentry, int ret)
{
        return ret != 0 ? ret : write_at(dir, dentry, VA_OP_UNLINK);
}

SEC("lsm/path_symlink")
int VA_PROG(va_path_symlink, const struct path *dir, struct dentry *dentry, const char *old_name, int ret)
{
        return ret != 0 ? ret : write_at(dir, dentry, VA_OP_SYMLINK);
}

/* ---- two names -------------------------------------------------------------------------------------------------- */

struct pair {
        __u64 mnt;
        __u64 from;
        __u64 to;
        __u32 op;
        __u32 exchange;
};

static __always_inline int is_directory(__u64 dentry)
{
        struct dentry *d = (struct dentry *)dentry;

        return (BPF_CORE_READ(d, d_inode, i_mode) & S_IFMT) == S_IFDIR;
}

static __always_inline int two_names(struct va_scratch *s, const struct pair *p)
{
        __u32 subtree = is_directory(p->from) ? VA_SECOND_SUBTREE : 0;
        int r;

        if (va_path(s, 0, p->mnt, p->from) || va_path(s, 1, p->mnt, p->to))
                return va_refuse(s, p->op, VA_REASON_NO_PATH, 0);
        if (p->op == VA_OP_RENAME) {
                r = va_check(s, VA_KIND_FILE, 0, p->op, VA_WRITE);
                if (r)
                        return r;
        }
        r = va_check(s, VA_KIND_FILE, 1, p->op, VA_WRITE);
        if (r)
                return r;
        r = va_second_name(s, p->op, subtree);
        if (r || !p->exchange)
                return r;
        subtree = is_directory(p->to) ? VA_SECOND_SUBTREE : 0;
        return va_second_name(s, p->op, subtree | VA_SECOND_REVERSE);
}

static __always_inline int mediate_pair(const struct pair *p)
{
        struct va_scratch *s;
        int r;

        r = va_begin_check(&s);
        if (r <= 0)
                return r;
        r = two_names(s, p);
        va_release(s);
        return va_verdict(r);
}

/* Both names are on one mount: linkat(2) gives EXDEV else. */
SEC("lsm/path_link")
int VA_PROG(va_path_link, struct dentry *old_dentry, const struct path *new_dir, struct dentry *new_dentry, int ret)
{
        struct pair p = {.from = va_address(old_dentry), .to = va_address(new_dentry), .op = VA_OP_LINK};

        if (ret != 0)
                return ret;
        p.mnt = va_address(new_dir->mnt);
        return mediate_pair(&p);
}

SEC("lsm/path_rename")
int VA_PROG(va_path_rename, const struct path *old_dir, struct dentry *old_dentry, const struct path *new_dir,
             struct dentry *new_dentry, unsigned int flags, int ret)
{
        struct pair p = {.from = va_address(old_dentry), .to = va_address(new_dentry), .op = VA_OP_RENAME};

        if (ret != 0)
                return ret;
        p.mnt = va_address(old_dir->mnt);
        p.exchange = flags & RENAME_EXCHANGE;
        return mediate_pair(&p);
}

/* ---- changes ---------------------------------------------------------------------------------------------------- */

static __always_inline int write_to(const struct path *path, __u32 op)
{
        return write_at(path, path->dentry, op);
}

SEC("lsm/path_truncate")
int VA_PROG(va_path_truncate, const struct path *path, int ret)
{
        return ret != 0 ? ret : write_to(path, VA_OP_TRUNCATE);
}

/* ftruncate(2), since v6.2; before, it calls path_truncate. */
SEC("lsm/file_truncate")
int VA_PROG(va_truncate, struct file *file, int ret)
{
        return ret != 0 ? ret : write_at(&file->f_path, file->f_path.dentry, VA_OP_TRUNCATE);
}

SEC("lsm/path_chmod")
int VA_PROG(va_path_chmod, const struct path *path, umode_t mode, int ret)
{
        return ret != 0 ? ret : write_to(path, VA_OP_CHMOD);
}

SEC("lsm/path_chown")
int VA_PROG(va_path_chown, const struct path *path, __u64 uid, __u64 gid, int ret)
{
        return ret != 0 ? ret : write_to(path, VA_OP_CHOWN);
}

/* These hooks have no mount: the file is asked about under each mount of its file system in the task's namespace that
 * shows it. */

struct below {
        __u64 at;
        __u64 root;
        __u64 is;
};

static long below_step(__u32 i, struct below *x)
{
        struct dentry *d = (struct dentry *)x->at;
        __u64 up;

        if (x->at == x->root) {
                x->is = 1;
                return 1;
        }
        up = (__u64)BPF_CORE_READ(d, d_parent);
        if (up == x->at)
                return 1;
        x->at = up;
        return 0;
}

static long mount_step(__u32 i, struct va_every *x)
{
        __u64 at = x->next, mount = at - bpf_core_field_offset(struct mount, mnt_instance);
        struct mount *m = (struct mount *)mount;
        struct list_head *l = (struct list_head *)at;
        struct below b = {.at = x->dentry};

        if (at == x->head) {
                x->done = 1;
                return 1;
        }
        x->next = (__u64)BPF_CORE_READ(l, next);
        if ((__u64)BPF_CORE_READ(m, mnt_ns) != x->ns)
                return 0;
        b.root = (__u64)BPF_CORE_READ(m, mnt.mnt_root);
        bpf_loop(VA_PATH_MAX, below_step, &b, 0);
        if (!b.is)
                return 0;
        x->found = mount + bpf_core_field_offset(struct mount, mnt);
        return 1;
}

__attribute__((noinline)) int va_next_mount(struct va_every *x)
{
        struct va_every own;

        if (!x)
                return 0;
        own = *x; /* the loop takes its context from the stack alone */
        own.found = 0;
        bpf_loop(MOUNTS_MAX, mount_step, &own, 0);
        *x = own;
        return 0;
}

/* By which names a file was meant cannot be found out. */
static __always_inline int give_up(__u32 op)
{
        struct va_scratch *s;
        int r = va_take_scratch(&s);

        if (r <= 0)
                return r;
        r = va_refuse(s, op, VA_REASON_NO_PATH, 0);
        va_release(s);
        return r;
}

static __always_inline int everywhere(struct dentry *dentry, __u32 op)
{
        struct va_every x = va_first_mount(BPF_CORE_READ(dentry, d_inode, i_sb), dentry);

        for (int i = 0; i < NAMES_MAX; i++) {
                va_next_mount(&x);
                if (!x.found)
                        return x.done ? 0 : give_up(op); /* too many mounts, or the list changed meanwhile */
                if (va_mediate(x.found, x.dentry, op, VA_WRITE))
                        return -EACCES;
        }
        return give_up(op); /* too many names */
}

__attribute__((noinline)) int va_check_elsewhere(struct va_scratch *s, __u64 dentry, __u32 op, __u32 want, __u32 kind)
{
        struct dentry *d = (struct dentry *)dentry;
        struct va_every x = va_first_mount(BPF_CORE_READ(d, d_inode, i_sb), d);
        int r = 0;

        if (!s)
                return -EACCES;
        for (int i = 0; i < NAMES_MAX; i++) {
                va_next_mount(&x);
                if (!x.found && i > 0 && x.done)
                        return 0;
                if (!x.found || va_path(s, 0, x.found, x.dentry))
                        break;
                if (want)
                        r = va_check(s, VA_KIND_FILE, 0, op, want);
                if (r == 0 && kind != VA_KIND_FILE)
                        r = va_check(s, kind, 0, op, 1);
                if (r)
                        return r;
        }
        return va_refuse(s, op, VA_REASON_NO_PATH, 0);
}

static __always_inline int write_everywhere(struct dentry *dentry, __u32 op)
{
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        return va_verdict(everywhere(dentry, op));
}

/* utimes(2): the rest of what comes this way has been asked about by path. */
static __always_inline int set_times(struct dentry *dentry, struct iattr *attr)
{
        __u32 valid = BPF_CORE_READ(attr, ia_valid);

        if (valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_SIZE) || !(valid & (ATTR_ATIME | ATTR_MTIME)))
                return 0;
        return write_everywhere(dentry, VA_OP_UTIMES);
}

static __always_inline int changes_times(unsigned long long *ctx)
{
        int ret;

        if (va_setattr_idmap) {
                ret = (int)ctx[3];
                return ret != 0 ? ret : set_times((struct dentry *)ctx[1], (struct iattr *)ctx[2]);
        }
        ret = (int)ctx[2];
        return ret != 0 ? ret : set_times((struct dentry *)ctx[0], (struct iattr *)ctx[1]);
}

SEC("lsm/inode_setattr")
int va_setattr(unsigned long long *ctx)
{
        int verdict = changes_times(ctx);

        return va_traced ? 0 : verdict;
}

SEC("lsm/inode_setxattr")
int VA_PROG(va_setxattr, void *idmap, struct dentry *dentry, const char *name, const void *value, __u64 size, int flags,
             int ret)
{
        return ret != 0 ? ret : write_everywhere(dentry, VA_OP_SETXATTR);
}

SEC("lsm/inode_removexattr")
int VA_PROG(va_removexattr, void *idmap, struct dentry *dentry, const char *name, int ret)
{
        return ret != 0 ? ret : write_everywhere(dentry, VA_OP_SETXATTR);
}

/* Since v6.2; before, ACLs are set as xattrs. */
SEC("lsm/inode_set_acl")
int VA_PROG(va_set_acl, void *idmap, struct dentry *dentry, const char *name, void *acl, int ret)
{
        return ret != 0 ? ret : write_everywhere(dentry, VA_OP_SETXATTR);
}

SEC("lsm/inode_remove_acl")
int VA_PROG(va_remove_acl, void *idmap, struct dentry *dentry, const char *name, int ret)
{
        return ret != 0 ? ret : write_everywhere(dentry, VA_OP_SETXATTR);
}
