// SPDX-License-Identifier: GPL-2.0-only

/* Network: which sockets come to be, whom they reach and where they listen. An address counts as what it stands for: IPv4
 * written as IPv6 is IPv4. */

#include "object.bpf.h"

#define NAME_BYTES 128U /* enough for struct sockaddr_un, which has 110 */

/* struct sockaddr_in, _in6, _un: include/uapi/linux/in.h, in6.h, un.h */
#define IN_PORT 2
#define IN_ADDRESS 4
#define IN_BYTES 8
#define IN6_ADDRESS 8
#define IN6_BYTES 24
#define UN_PATH 2

/* ---- creation --------------------------------------------------------------------------------------------------- */

static __always_inline __u8 protocol_letter(int family, int type, int protocol)
{
        if (family != AF_INET && family != AF_INET6)
                return 'o';
        switch (protocol) {
        case 0:
                return type == SOCK_STREAM ? 't' : type == SOCK_DGRAM ? 'u' : 'o';
        case IPPROTO_TCP:
        case IPPROTO_MPTCP:
                return 't';
        case IPPROTO_UDP:
        case IPPROTO_UDPLITE:
                return 'u';
        case IPPROTO_ICMP:
        case IPPROTO_ICMPV6:
                return 'i';
        default:
                return 'o';
        }
}

/* Does it reach others beside the rules about addresses? */
static __always_inline bool is_raw(int family, int type)
{
        return family == AF_PACKET || family == AF_XDP || ((family == AF_INET || family == AF_INET6) && type == SOCK_RAW);
}

SEC("lsm/socket_create")
int VA_PROG(va_socket, int family, int type, int protocol, int kern, int ret)
{
        struct va_scratch *s;
        struct va_text t;
        int r;

        if (ret != 0)
                return ret;
        if (kern)
                return 0; /* allow: the kernel's own */
        r = va_begin_check(&s);
        if (r <= 0)
                return r;
        s->number = family;
        s->raw = is_raw(family, type);
        t = va_begin_text(s);
        va_put(&t, '/');
        va_put_byte(&t, (__u32)family < 63 ? family : 63);
        va_put(&t, '/');
        va_put(&t, va_digit((__u32)type < 15 ? type : 15));
        va_put(&t, '/');
        va_put(&t, protocol_letter(family, type, protocol));
        va_end_text(&t);
        r = va_check(s, VA_KIND_SOCKET, 0, VA_OP_SOCKET, 1);
        va_release(s);
        return va_verdict(r);
}

/* ---- addresses of the internet ---------------------------------------------------------------------------------- */

struct inet {
        __u8 bytes[16]; /* IPv4: in the last four, after the prefix of mapped addresses */
        __u8 port[2];   /* network order */
        __u8 family;    /* AF_INET, AF_INET6 */
        __u8 pad[5];
} __attribute__((aligned(8)));

static __always_inline void set_ipv4(struct inet *a)
{
        a->family = AF_INET;
        __builtin_memset(a->bytes, 0, 10);
        a->bytes[10] = 0xff;
        a->bytes[11] = 0xff;
}

static __always_inline bool is_mapped(const struct inet *a)
{
        const __u64 *w = (const __u64 *)a->bytes;
        const __u32 *d = (const __u32 *)a->bytes;

        return w[0] == 0 && d[2] == bpf_htonl(0xffff);
}

/** va_put_inet() - name the address @in. */
__attribute__((noinline)) int va_put_inet(struct va_scratch *s, struct inet *in)
{
        struct inet a;
        struct va_text t;

        if (!s || !in)
                return 0;
        a = *in;
        t = va_begin_text(s);
        va_put(&t, '/');
        va_put(&t, a.family == AF_INET ? '4' : '6');
        va_put(&t, '/');
        if (a.family == AF_INET) {
                for (int i = 12; i < 16; i++)
                        va_put_byte(&t, a.bytes[i]);
        } else {
                for (int i = 0; i < 16; i++)
                        va_put_byte(&t, a.bytes[i]);
        }
        va_put(&t, '/');
        va_put_byte(&t, a.port[0]);
        va_put_byte(&t, a.port[1]);
        va_put(&t, '/');
        va_put(&t, bpf_map_lookup_elem(&va_addresses, a.bytes) ? 'h' : '-');
        va_end_text(&t);
        return 0;
}

static __always_inline int check_inet(struct va_scratch *s, struct inet *a, __u32 kind, __u32 op)
{
        va_put_inet(s, a);
        return va_check(s, kind, 0, op, 1);
}

/* The address of @size bytes at @from, given to a socket of @family. Return: false: it is none of the internet's. */
static __always_inline bool read_inet(struct inet *a, const void *from, int size, __u16 family, bool is_send)
{
        __u16 given = 0;

        if (size < IN_BYTES || bpf_probe_read_kernel(&given, sizeof(given), from))
                return false;
        if (given == AF_UNSPEC && is_send && family == AF_INET)
                given = AF_INET; /* sendto(2) takes it for that */
        if (given == AF_INET) {
                set_ipv4(a);
                return !bpf_probe_read_kernel(a->port, 2, from + IN_PORT) &&
                       !bpf_probe_read_kernel(a->bytes + 12, 4, from + IN_ADDRESS);
        }
        if (given != AF_INET6 || size < IN6_BYTES)
                return false;
        a->family = AF_INET6;
        if (bpf_probe_read_kernel(a->port, 2, from + IN_PORT) || bpf_probe_read_kernel(a->bytes, 16, from + IN6_ADDRESS))
                return false;
        if (is_mapped(a))
                a->family = AF_INET;
        return true;
}

static __always_inline __u16 family_of(const struct socket *sock)
{
        return BPF_CORE_READ(sock, sk, __sk_common.skc_family);
}

static __always_inline int check_address(struct socket *sock, const void *address, int size, __u32 kind, __u32 op)
{
        struct inet a = {};
        struct va_scratch *s;
        __u16 family = family_of(sock);
        int r;

        if (family != AF_INET && family != AF_INET6)
                return 0; /* allow: rules of addresses are about the internet's */
        if (!read_inet(&a, address, size, family, op == VA_OP_SENDMSG))
                return 0; /* allow: the kernel will refuse it, or disconnect */
        r = va_take_scratch(&s);
        if (r <= 0)
                return r;
        r = check_inet(s, &a, kind, op);
        va_release(s);
        return va_verdict(r);
}

SEC("lsm/socket_connect")
int VA_PROG(va_socket_connect, struct socket *sock, void *address, int size, int ret)
{
        if (ret != 0)
                return ret;
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        return check_address(sock, address, size, VA_KIND_EGRESS, VA_OP_CONNECT);
}

SEC("lsm/socket_sendmsg")
int VA_PROG(va_sendmsg, struct socket *sock, struct msghdr *msg, int size, int ret)
{
        void *name;

        if (ret != 0)
                return ret;
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        name = msg->msg_name;
        if (!name)
                return 0; /* allow: it is connected, which was asked about */
        return check_address(sock, name, msg->msg_namelen, VA_KIND_EGRESS, VA_OP_SENDMSG);
}

/* ---- several addresses at once: sctp(7) ------------------------------------------------------------------------- */

/* include/uapi/linux/sctp.h */
#define SCTP_SET_PEER_PRIMARY_ADDR 5
#define SCTP_PRIMARY_ADDR 6
#define SCTP_SOCKOPT_BINDX_ADD 100
#define SCTP_PARAM_FIRST 0xc000 /* from here on: what the other side asks for, in nobody's name */

#define SCTP_ADDRESSES_MAX 64

struct several {
        struct va_scratch *s;
        __u64 at;
        __s32 left;
        __u32 kind;
        __u32 op;
        __s32 result;
};

static long several_step(__u32 i, struct several *x)
{
        struct inet a = {};
        __u16 family = 0;
        int size;

        if (x->left <= 0 || x->result)
                return 1;
        bpf_probe_read_kernel(&family, sizeof(family), (void *)x->at);
        size = family == AF_INET ? 16 : 28; /* of struct sockaddr_in, sockaddr_in6 */
        if (!read_inet(&a, (void *)x->at, x->left, family, false)) {
                x->result = -EACCES; /* deny: what follows cannot be found */
                return 1;
        }
        x->result = check_inet(x->s, &a, x->kind, x->op);
        x->at += size;
        x->left -= size;
        return x->result != 0;
}

SEC("lsm/sctp_bind_connect")
int VA_PROG(va_sctp, struct sock *sk, int option, void *address, int size, int ret)
{
        bool own = option == SCTP_SOCKOPT_BINDX_ADD || option == SCTP_PRIMARY_ADDR || option == SCTP_SET_PEER_PRIMARY_ADDR;
        struct several x = {
                .at = va_address(address),
                .left = size,
                .kind = own ? VA_KIND_INGRESS : VA_KIND_EGRESS,
                .op = own ? VA_OP_BIND : VA_OP_CONNECT,
        };
        int r;

        if (ret != 0)
                return ret;
        if (option >= SCTP_PARAM_FIRST)
                return 0; /* allow: the current task has nothing to do with it */
        r = va_begin_check(&x.s);
        if (r <= 0)
                return r;
        bpf_loop(SCTP_ADDRESSES_MAX, several_step, &x, 0);
        r = x.left > 0 ? -EACCES : x.result;
        va_release(x.s);
        return va_verdict(r);
}

/* ---- names of sockets ------------------------------------------------------------------------------------------- */

struct name {
        struct va_scratch *s;
        __u64 from;
        __u32 n;
};

/* A byte of an abstract name: what /proc/net/unix writes for it. */
static long name_step(__u32 i, struct name *x)
{
        __u8 c;

        if (i >= x->n)
                return 1;
        c = x->s->m.b[VA_PATH_MAX + (i & (NAME_BYTES - 1))];
        x->s->m.b[(i + 1) & (VA_PATH_MAX - 1)] = c ? c : '@';
        return 0;
}

/** va_put_abstract() - name the abstract name of @n bytes at the address @from, its first NUL included.
 * Return: 0, -1: there is no such name. */
__attribute__((noinline)) int va_put_abstract(struct va_scratch *s, __u64 from, __u32 n)
{
        struct name x = {.s = s, .n = n};

        if (!s || n == 0 || n >= NAME_BYTES)
                return -1;
        va_keep(n);
        n &= NAME_BYTES - 1;
        if (bpf_probe_read_kernel(s->m.b + VA_PATH_MAX, n, (void *)from))
                return -1;
        s->m.b[0] = '/';
        bpf_loop(NAME_BYTES, name_step, &x, 0);
        s->path[0].off = 0;
        s->path[0].len = n + 1;
        return 0;
}

static __always_inline int check_abstract(struct va_scratch *s, __u64 from, __u32 n, __u32 kind, __u32 op)
{
        return va_put_abstract(s, from, n) ? -EACCES : va_check(s, kind, 0, op, 1);
}

#define UNIX_NONE 0
#define UNIX_PATH 1
#define UNIX_ABSTRACT 2
#define UNIX_ELSEWHERE 3 /* a file, on a mount that the task's namespace does not have */

/** va_put_unix() - name the name that the socket at the address @sk has. Return: UNIX_*; -1: it cannot be had. */
__attribute__((noinline)) int va_put_unix(struct va_scratch *s, __u64 sk)
{
        struct unix_sock *u = (struct unix_sock *)sk;
        struct unix_address *address = BPF_CORE_READ(u, addr);
        __u64 dentry = (__u64)BPF_CORE_READ(u, path.dentry);
        int n, r;

        if (!s)
                return -1;
        if (dentry) {
                r = va_path(s, 0, (__u64)BPF_CORE_READ(u, path.mnt), dentry);
                return r < 0 ? UNIX_ELSEWHERE : r == 0 ? UNIX_PATH : UNIX_NONE;
        }
        if (!address)
                return UNIX_NONE;
        n = BPF_CORE_READ(address, len) - UN_PATH;
        if (n <= 0)
                return UNIX_NONE;
        return va_put_abstract(s, (__u64)address + bpf_core_field_offset(struct unix_address, name) + UN_PATH, n)
                       ? -1
                       : UNIX_ABSTRACT;
}

/* To reach a socket in the file system is to write to its file, too. */
static __always_inline int check_name(struct va_scratch *s, int what, __u32 kind, __u32 op)
{
        int r = 0;

        if (what == UNIX_PATH && kind == VA_KIND_EGRESS_UNIX)
                r = va_check(s, VA_KIND_FILE, 0, op, VA_WRITE);
        return r ? r : va_check(s, kind, 0, op, 1);
}

static __always_inline int check_unix(struct sock *sk, __u32 kind, __u32 op)
{
        struct va_scratch *s;
        int r, what;
        __u64 at;

        r = va_begin_check(&s);
        if (r <= 0)
                return r;
        at = va_address(sk);
        what = va_put_unix(s, at);
        if (what == UNIX_ELSEWHERE)
                r = va_check_elsewhere(s, (__u64)BPF_CORE_READ((struct unix_sock *)at, path.dentry), op,
                                       kind == VA_KIND_EGRESS_UNIX ? VA_WRITE : 0, kind);
        else if (what < 0)
                r = va_refuse(s, op, VA_REASON_NO_PATH, 0);
        else
                r = what == UNIX_NONE ? 0 : check_name(s, what, kind, op); /* allow: who reaches one without a name was given it */
        va_release(s);
        return va_verdict(r);
}

SEC("lsm/unix_stream_connect")
int VA_PROG(va_connect, struct sock *sock, struct sock *other, struct sock *newsk, int ret)
{
        return ret != 0 ? ret : check_unix(other, VA_KIND_EGRESS_UNIX, VA_OP_CONNECT);
}

SEC("lsm/unix_may_send")
int VA_PROG(va_send, struct socket *sock, struct socket *other, int ret)
{
        return ret != 0 ? ret : check_unix(other->sk, VA_KIND_EGRESS_UNIX, VA_OP_SENDMSG);
}

/* ---- the own side ----------------------------------------------------------------------------------------------- */

SEC("lsm/socket_bind")
int VA_PROG(va_bind, struct socket *sock, void *address, int size, int ret)
{
        struct va_scratch *s;
        char first = 1;
        int r;

        if (ret != 0)
                return ret;
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        if (family_of(sock) != AF_UNIX)
                return check_address(sock, address, size, VA_KIND_INGRESS, VA_OP_BIND);
        if (size <= UN_PATH || bpf_probe_read_kernel(&first, 1, address + UN_PATH) || first)
                return 0; /* allow: a name that the kernel chooses; or a file: va_bind_file() */
        r = va_take_scratch(&s);
        if (r <= 0)
                return r;
        r = check_abstract(s, va_address(address) + UN_PATH, size - UN_PATH, VA_KIND_INGRESS_UNIX, VA_OP_BIND);
        va_release(s);
        return va_verdict(r);
}

/* To bind a socket to a file is to make the file. */
SEC("lsm/path_mknod")
int VA_PROG(va_bind_file, const struct path *dir, struct dentry *dentry, umode_t mode, unsigned int dev, int ret)
{
        struct va_scratch *s;
        int r;

        if (ret != 0)
                return ret;
        if ((mode & S_IFMT) != S_IFSOCK)
                return 0;
        r = va_begin_check(&s);
        if (r <= 0)
                return r;
        r = va_path(s, 0, va_address(dir->mnt), va_address(dentry));
        if (r == 0)
                r = va_check(s, VA_KIND_INGRESS_UNIX, 0, VA_OP_BIND, 1);
        else
                r = r < 0 ? va_refuse(s, VA_OP_BIND, VA_REASON_NO_PATH, 0) : 0;
        va_release(s);
        return va_verdict(r);
}

/* Where @sock listens. */
static __always_inline int check_own(struct socket *sock, __u32 op)
{
        __u16 family = family_of(sock), port;
        struct sock *sk = sock->sk;
        struct inet a = {};
        struct va_scratch *s;
        int r;

        if (!sk)
                return 0;
        if (family == AF_UNIX)
                return check_unix(sk, VA_KIND_INGRESS_UNIX, op);
        if (family != AF_INET && family != AF_INET6)
                return 0; /* allow: rules of addresses are about the internet's */
        port = bpf_htons(BPF_CORE_READ(sk, __sk_common.skc_num));
        __builtin_memcpy(a.port, &port, 2);
        if (family == AF_INET) {
                __u32 address = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);

                set_ipv4(&a);
                __builtin_memcpy(a.bytes + 12, &address, 4);
        } else {
                a.family = AF_INET6;
                BPF_CORE_READ_INTO(a.bytes, sk, __sk_common.skc_v6_rcv_saddr);
                if (is_mapped(&a))
                        a.family = AF_INET;
        }
        r = va_take_scratch(&s);
        if (r <= 0)
                return r;
        r = check_inet(s, &a, VA_KIND_INGRESS, op);
        va_release(s);
        return va_verdict(r);
}

SEC("lsm/socket_listen")
int VA_PROG(va_listen, struct socket *sock, int backlog, int ret)
{
        if (ret != 0)
                return ret;
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        return check_own(sock, VA_OP_LISTEN);
}

SEC("lsm/socket_accept")
int VA_PROG(va_accept, struct socket *sock, struct socket *newsock, int ret)
{
        if (ret != 0)
                return ret;
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        return check_own(sock, VA_OP_ACCEPT);
}
