// SPDX-License-Identifier: GPL-2.0-only

/* Named: operations of which nothing but their name is to be said. Of chmod(2) files.bpf.c and names.bpf.c ask as well, as of a
 * write to the file. */

#include "object.bpf.h"

/* include/uapi/linux/stat.h */
#define S_ISUID 04000U
#define S_ISGID 02000U
#define S_IXUGO 00111U

/* include/uapi/asm-generic/socket.h: of the architectures that there are programs for */
#define SOL_SOCKET 1
#define SO_ATTACH_FILTER 26
#define SO_ATTACH_BPF 50
#define SO_ATTACH_REUSEPORT_CBPF 51
#define SO_ATTACH_REUSEPORT_EBPF 52

/* Return: not 0: it is denied. */
__attribute__((noinline)) int va_named(__u32 which, __u32 op)
{
        struct va_scratch *s;
        struct va_text t;
        int r = va_begin_check(&s);

        if (r <= 0)
                return r;
        t = va_begin_text(s);
        va_put(&t, '/');
        va_put_byte(&t, which);
        va_end_text(&t);
        r = va_check(s, VA_KIND_NAMED, 0, op, 1);
        va_release(s);
        return r;
}

SEC("lsm/path_chmod")
int VA_PROG(va_make, const struct path *path, umode_t mode, int ret)
{
        if (ret != 0)
                return ret;
        if (mode & S_IXUGO && va_named(VA_NAMED_MAKE_EXECUTABLE, VA_OP_CHMOD))
                return -EPERM;
        return mode & (S_ISUID | S_ISGID) && va_named(VA_NAMED_MAKE_SET_ID, VA_OP_CHMOD) ? -EPERM : 0;
}

/* fs/userfaultfd.c: the system call and the device make the same file, which has a name but no place. */
SEC("lsm/inode_init_security_anon")
int VA_PROG(va_userfaultfd, struct inode *inode, const struct qstr *name, const struct inode *context, int ret)
{
        static const char wanted[] = "[userfaultfd]";
        char found[sizeof(wanted)] = {};

        if (ret != 0)
                return ret;
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        if (bpf_probe_read_kernel(found, sizeof(found), name->name) < 0)
                return 0; /* allow: it is shorter, or none */
        for (unsigned i = 0; i < sizeof(wanted); i++)
                if (found[i] != wanted[i])
                        return 0; /* allow: another one */
        return va_named(VA_NAMED_USERFAULTFD, VA_OP_USERFAULTFD) ? -EPERM : 0;
}

SEC("lsm/socket_setsockopt")
int VA_PROG(va_setsockopt, struct socket *sock, int level, int option, int ret)
{
        if (ret != 0 || level != SOL_SOCKET)
                return ret;
        if (option != SO_ATTACH_FILTER && option != SO_ATTACH_BPF && option != SO_ATTACH_REUSEPORT_CBPF &&
            option != SO_ATTACH_REUSEPORT_EBPF)
                return 0; /* allow: it brings no program */
        return va_named(VA_NAMED_ATTACH_PROGRAM, VA_OP_SETSOCKOPT) ? -EPERM : 0;
}
