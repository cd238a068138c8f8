/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt's operations on sockets and addresses. A KIND is a socket that can speak to addresses ("tcp", "udp6",
 * "stream"); an ADDRESS is 192.0.2.1:80, [2001:db8::1]:80, @abstract, /path, or "none" (as the kernel picks it). A kind that
 * ends with 6 is a socket of IPv6 whatever the address is: ::ffff:192.0.2.1 then. */

#include "attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* include/uapi/linux/{in,sctp,if_alg}.h, include/linux/socket.h: numbers that the C library's headers may lack */
#define PROTOCOL_MPTCP 262
#define SCTP_CONNECTX 110
#define SCTP_BINDX_ADD 100

typedef struct Word {
        const char *name;
        int number;
} Word;

static const Word domains[] = {
        {"unix", AF_UNIX}, {"inet", AF_INET}, {"inet6", AF_INET6}, {"netlink", AF_NETLINK}, {"packet", AF_PACKET},
        {"alg", AF_ALG}, {"vsock", AF_VSOCK}, {"key", AF_KEY}, {"xdp", AF_XDP}, {"can", AF_CAN}, {NULL, 0},
};
static const Word types[] = {
        {"stream", SOCK_STREAM}, {"dgram", SOCK_DGRAM}, {"raw", SOCK_RAW}, {"seqpacket", SOCK_SEQPACKET},
        {"rdm", SOCK_RDM}, {"packet", SOCK_PACKET}, {NULL, 0},
};
static const Word protocols[] = {
        {"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"icmp", IPPROTO_ICMP}, {"icmp6", IPPROTO_ICMPV6},
        {"mptcp", PROTOCOL_MPTCP}, {"udplite", IPPROTO_UDPLITE}, {"sctp", IPPROTO_SCTP}, {"rawip", IPPROTO_RAW}, {NULL, 0},
};

typedef struct Kind {
        const char *name;
        int family; /* 0: that of the address */
        int type, protocol;
} Kind;

static const Kind kinds[] = {
        {"tcp", 0, SOCK_STREAM, 0},
        {"udp", 0, SOCK_DGRAM, 0},
        {"tcp6", AF_INET6, SOCK_STREAM, 0},
        {"udp6", AF_INET6, SOCK_DGRAM, 0},
        {"mptcp", 0, SOCK_STREAM, PROTOCOL_MPTCP},
        {"udplite", 0, SOCK_DGRAM, IPPROTO_UDPLITE},
        {"sctp", 0, SOCK_STREAM, IPPROTO_SCTP},
        {"sctpmany", 0, SOCK_SEQPACKET, IPPROTO_SCTP},
        {"stream", AF_UNIX, SOCK_STREAM, 0},
        {"dgram", AF_UNIX, SOCK_DGRAM, 0},
        {"seqpacket", AF_UNIX, SOCK_SEQPACKET, 0},
};

typedef union Address {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
} Address;

typedef struct Peer {
        Address address;
        socklen_t size;
        int type, protocol;
} Peer;

static int number_of(const Word *words, const char *s) {
        for (const Word *w = words; s && w->name; w++)
                if (strcmp(w->name, s) == 0)
                        return w->number;
        return s ? (int) strtol(s, NULL, 0) : 0;
}

static int parse_unix(const char *s, Peer *ret) {
        size_t n = strlen(s);

        if (n >= sizeof(ret->address.un.sun_path))
                return -ENAMETOOLONG;
        ret->address.un.sun_family = AF_UNIX;
        memcpy(ret->address.un.sun_path, s, n + 1);
        ret->size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n + (*s != '@'));
        if (*s == '@')
                ret->address.un.sun_path[0] = 0;
        return 0;
}

static int parse_internet(const char *s, bool as_six, Peer *ret) {
        char host[64];
        const char *colon = strrchr(s, ':');
        size_t n = colon ? (size_t) (colon - s) : 0;

        if (n == 0 || n >= sizeof(host))
                return -EINVAL;
        memcpy(host, s, n);
        host[n] = 0;
        uint16_t port = htons((uint16_t) strtoul(colon + 1, NULL, 10));
        if (*host == '[' || as_six) {
                char six[80];
                if (*host == '[')
                        snprintf(six, sizeof(six), "%.*s", (int) n - 2, host + 1);
                else
                        snprintf(six, sizeof(six), "::ffff:%s", host);
                ret->address.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
                ret->size = sizeof(ret->address.in6);
                return inet_pton(AF_INET6, six, &ret->address.in6.sin6_addr) == 1 ? 0 : -EINVAL;
        }
        ret->address.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
        ret->size = sizeof(ret->address.in);
        return inet_pton(AF_INET, host, &ret->address.in.sin_addr) == 1 ? 0 : -EINVAL;
}

static int parse(const char *kind, const char *address, Peer *ret) {
        const Kind *k = NULL;

        memset(ret, 0, sizeof(*ret));
        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
                if (strcmp(kinds[i].name, kind) == 0)
                        k = &kinds[i];
        if (!k)
                return -EINVAL;
        ret->type = k->type;
        ret->protocol = k->protocol;
        if (strcmp(address, "none") == 0) {
                ret->address.any.sa_family = (sa_family_t) (k->family ?: AF_INET);
                ret->size = sizeof(sa_family_t);
                return 0;
        }
        if (*address == '@' || *address == '/')
                return parse_unix(address, ret);
        return parse_internet(address, k->family == AF_INET6, ret);
}

/* The socket for @argv[1], and the address that @argv[2] names. Return: descriptor or negative errno. */
static int open_for(char **argv, Peer *ret) {
        int r = parse(argv[1], argv[2], ret), one = 1;

        if (r < 0)
                return r;
        int s = socket(ret->address.any.sa_family, ret->type | SOCK_CLOEXEC, ret->protocol);
        if (s < 0)
                return -errno;
        if (ret->address.any.sa_family != AF_UNIX)
                (void) setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        return s;
}

/* ---- sockets -------------------------------------------------------------------------------------------------- */

static int op_sock(Hand *h, char **argv) {
        int s = socket(number_of(domains, argv[1]), number_of(types, argv[2]) | SOCK_CLOEXEC, number_of(protocols, argv[3]));

        if (s < 0)
                return -errno;
        close(s);
        return 0;
}

static int op_sockpair(Hand *h, char **argv) {
        int s[2];

        if (socketpair(number_of(domains, argv[1]), number_of(types, argv[2]) | SOCK_CLOEXEC, 0, s) < 0)
                return -errno;
        close(s[0]);
        close(s[1]);
        return 0;
}

static int op_ringsock(Hand *h, char **argv) {
        struct io_uring_sqe sqe = {
                .opcode = IORING_OP_SOCKET,
                .fd = number_of(domains, argv[1]),
                .off = (uint64_t) number_of(types, argv[2]),
                .len = (uint32_t) number_of(protocols, argv[3]),
        };
        int s = ring_do(&sqe, NULL);

        if (s < 0)
                return s;
        close(s);
        return 0;
}

/* ---- to others ------------------------------------------------------------------------------------------------ */

static int keep(Hand *h, int s, int r) {
        if (r < 0)
                close(s);
        else
                h->fd = s;
        return r;
}

static int op_dial(Hand *h, char **argv) {
        Peer p;
        int s = open_for(argv, &p);

        return s < 0 ? s : keep(h, s, RET(connect(s, &p.address.any, p.size)));
}

/* Without connect, by each of the calls that send. */
static int op_sendto(Hand *h, char **argv) {
        Peer p;
        int s = open_for(argv, &p);

        return s < 0 ? s : keep(h, s, RET(sendto(s, "x", 1, 0, &p.address.any, p.size)));
}

static struct msghdr message_to(Peer *p, struct iovec *iov) {
        *iov = (struct iovec){.iov_base = (char[]){"x"}, .iov_len = 1};
        return (struct msghdr){.msg_name = &p->address, .msg_namelen = p->size, .msg_iov = iov, .msg_iovlen = 1};
}

static int op_sendmsg(Hand *h, char **argv) {
        struct iovec iov;
        Peer p;
        int s = open_for(argv, &p);
        struct msghdr m = message_to(&p, &iov);

        return s < 0 ? s : keep(h, s, RET(sendmsg(s, &m, 0)));
}

/* Several at once. Return: also the number of those that were not sent, if the first one was. */
static int op_sendmmsg(Hand *h, char **argv) {
        struct mmsghdr m[ARGS_MAX] = {0};
        struct iovec iov[ARGS_MAX];
        Peer p[ARGS_MAX];
        unsigned n = 0;
        int s = open_for(argv, &p[0]);

        if (s < 0)
                return s;
        for (; argv[2 + n]; n++) {
                int r = parse(argv[1], argv[2 + n], &p[n]);
                if (r < 0)
                        return r;
                m[n].msg_hdr = message_to(&p[n], &iov[n]);
        }
        int sent = sendmmsg(s, m, n, 0);
        if (sent >= 0 && (unsigned) sent < n)
                return (int) n - sent; /* what stopped it is told by nobody */
        return keep(h, s, RET(sent));
}

static int op_fastopen(Hand *h, char **argv) {
        Peer p;
        int s = open_for(argv, &p);

        return s < 0 ? s : keep(h, s, RET(sendto(s, "x", 1, MSG_FASTOPEN, &p.address.any, p.size)));
}

/* On an IPv4 socket for datagrams the kernel takes AF_UNSPEC for AF_INET. */
static int op_sendunspec(Hand *h, char **argv) {
        Peer p;
        int s = open_for(argv, &p);

        if (s < 0)
                return s;
        p.address.any.sa_family = AF_UNSPEC;
        return keep(h, s, RET(sendto(s, "x", 1, 0, &p.address.any, p.size)));
}

/* IPv4 addresses on a socket of IPv6, without the mapped form. */
static int op_sendfour(Hand *h, char **argv) {
        Peer p;
        int s = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = parse("udp", argv[1], &p);

        if (s < 0 || r < 0)
                return r < 0 ? r : -errno;
        return keep(h, s, RET(sendto(s, "x", 1, 0, &p.address.any, p.size)));
}

/* By the socket that an earlier step connected. */
static int op_sendhand(Hand *h, char **argv) { return RET(send(h->fd, "x", 1, 0)); }

static int op_sendhandto(Hand *h, char **argv) {
        Peer p;
        int r = parse(argv[1], argv[2], &p);

        return r < 0 ? r : RET(sendto(h->fd, "x", 1, 0, &p.address.any, p.size));
}

static int op_redial(Hand *h, char **argv) {
        Peer p;
        int r = parse(argv[1], argv[2], &p);

        return r < 0 ? r : RET(connect(h->fd, &p.address.any, p.size));
}

static int op_disconnect(Hand *h, char **argv) {
        struct sockaddr none = {.sa_family = AF_UNSPEC};

        return RET(connect(h->fd, &none, sizeof(none)));
}

static int op_connectx(Hand *h, char **argv) {
        Peer p;
        int s = open_for(argv, &p);

        if (s < 0)
                return s;
        return keep(h, s, RET(setsockopt(s, IPPROTO_SCTP, SCTP_CONNECTX, &p.address, p.size)));
}

static int op_ringdial(Hand *h, char **argv) {
        Peer p;
        int s = open_for(argv, &p);
        struct io_uring_sqe sqe = {
                .opcode = IORING_OP_CONNECT,
                .fd = s,
                .addr = (uintptr_t) &p.address,
                .off = p.size,
        };

        return s < 0 ? s : keep(h, s, ring_do(&sqe, argv[3]));
}

static int op_ringsendmsg(Hand *h, char **argv) {
        struct iovec iov;
        Peer p;
        int s = open_for(argv, &p);
        struct msghdr m = message_to(&p, &iov);
        struct io_uring_sqe sqe = {.opcode = IORING_OP_SENDMSG, .fd = s, .addr = (uintptr_t) &m, .len = 1};
        int r = s < 0 ? s : ring_do(&sqe, argv[3]);

        return s < 0 ? s : keep(h, s, r < 0 ? r : 0);
}

/* Zero-copy sending takes an address of its own. */
static int op_ringsendzc(Hand *h, char **argv) {
        static char byte = 'x';
        Peer p;
        int s = open_for(argv, &p);
        struct io_uring_sqe sqe = {
                .opcode = IORING_OP_SEND_ZC,
                .fd = s,
                .addr = (uintptr_t) &byte,
                .len = 1,
                .off = (uintptr_t) &p.address,
        };

        if (s < 0)
                return s;
        sqe.addr_len = (uint16_t) p.size;
        int r = ring_do(&sqe, argv[3]);
        return keep(h, s, r < 0 ? r : 0);
}

/* ---- from others ---------------------------------------------------------------------------------------------- */

static int op_bindto(Hand *h, char **argv) {
        Peer p;
        int s = open_for(argv, &p);

        return s < 0 ? s : keep(h, s, RET(bind(s, &p.address.any, p.size)));
}

static int op_ringbind(Hand *h, char **argv) {
        Peer p;
        int s = open_for(argv, &p);
        struct io_uring_sqe sqe = {
                .opcode = 56, /* IORING_OP_BIND, include/uapi/linux/io_uring.h, v6.11 */
                .fd = s,
                .addr = (uintptr_t) &p.address,
                .off = p.size,
        };

        return s < 0 ? s : keep(h, s, ring_do(&sqe, NULL));
}

static int op_bindx(Hand *h, char **argv) {
        Peer p;
        int s = open_for(argv, &p);

        if (s < 0)
                return s;
        return keep(h, s, RET(setsockopt(s, IPPROTO_SCTP, SCTP_BINDX_ADD, &p.address, p.size)));
}

static int op_listenhand(Hand *h, char **argv) { return RET(listen(h->fd, 4)); }

static int op_ringlisten(Hand *h, char **argv) {
        struct io_uring_sqe sqe = {.opcode = 57 /* IORING_OP_LISTEN, v6.11 */, .fd = h->fd, .len = 4};

        return ring_do(&sqe, NULL);
}

/* Unbound: the kernel then listens on every address, on a port that it picks. */
static int op_listenany(Hand *h, char **argv) {
        Peer p;
        int s = open_for((char *[]){argv[0], argv[1], (char[]){"none"}, NULL}, &p);

        return s < 0 ? s : keep(h, s, RET(listen(s, 4)));
}

static int op_accepthand(Hand *h, char **argv) {
        int s = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC);

        if (s < 0)
                return -errno;
        close(s);
        return 0;
}

static int op_ringaccept(Hand *h, char **argv) {
        struct io_uring_sqe sqe = {.opcode = IORING_OP_ACCEPT, .fd = h->fd};
        int s = ring_do(&sqe, argv[1]);

        if (s < 0)
                return s;
        close(s);
        return 0;
}

/* ---- for preparations ----------------------------------------------------------------------------------------- */

static int pass(int to, int fd) {
        union {
                struct cmsghdr head;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
        struct iovec iov = {.iov_base = (char[]){"x"}, .iov_len = 1};
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
        return RET(sendmsg(to, &m, 0));
}

/* bind(2), for two seconds: whoever listened there before may have ended, and the kernel lets go of what his io_uring held a little later. */
static int bind_soon(int s, const Peer *p) {
        for (int tries = 0;; tries++) {
                if (bind(s, &p->address.any, p->size) == 0)
                        return 0;
                if (errno != EADDRINUSE || tries == 100)
                        return -errno;
                (void) usleep(20000);
        }
}

/* offerlisten PATH KIND ADDRESS: passes a socket that listens there, with somebody waiting, to who connects to PATH. */
static int op_offerlisten(Hand *h, char **argv) {
        Peer p, at;
        int r = parse("stream", argv[1], &at), s = open_for(argv + 1, &p);
        int offer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int client = s < 0 ? -1 : socket(p.address.any.sa_family, p.type | SOCK_CLOEXEC, p.protocol);
        const int yes = 1;

        if (r < 0 || s < 0 || offer < 0 || client < 0)
                return r < 0 ? r : s < 0 ? s : -errno;
        (void) unlink(argv[1]);
        /* The attempt before this one may have closed its connection first, which keeps the address for a minute. */
        (void) setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
        if (argv[3][0] == '/')
                (void) unlink(argv[3]);
        r = bind_soon(s, &p);
        if (r < 0)
                return r;
        if (listen(s, 4) < 0 || connect(client, &p.address.any, p.size) < 0 ||
            bind(offer, &at.address.any, at.size) < 0 || listen(offer, 1) < 0)
                return -errno;
        pid_t pid = fork();
        if (pid != 0)
                return pid < 0 ? -errno : 0;
        alarm(20);
        int c = accept(offer, NULL, NULL);
        _exit(pass(c, s) < 0);
}

#define SERVED_MAX 8

static void serve_one(int s) {
        char bytes[64];
        int c = accept4(s, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (c >= 0)
                close(c);
        else
                while (recv(s, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
                        ;
}

/* serve SECONDS KIND ADDRESS [KIND ADDRESS...]: somebody who listens there and takes whatever comes. */
static int op_serve(Hand *h, char **argv) {
        struct pollfd fds[SERVED_MAX];
        nfds_t n = 0;

        for (int i = 2; argv[i] && argv[i + 1] && n < SERVED_MAX; i += 2) {
                Peer p;
                int s = open_for(argv + i - 1, &p), one = 1;
                if (s < 0)
                        return s;
                if (argv[i + 1][0] == '/')
                        (void) unlink(argv[i + 1]);
                /* Beside a socket of IPv4 on the same port. */
                if (p.address.any.sa_family == AF_INET6)
                        (void) setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
                if (bind(s, &p.address.any, p.size) < 0)
                        return -errno;
                if (p.type != SOCK_DGRAM && listen(s, 64) < 0)
                        return -errno;
                fds[n++] = (struct pollfd){.fd = s, .events = POLLIN};
        }
        pid_t pid = fork();
        if (pid != 0)
                return pid < 0 ? -errno : 0;
        alarm((unsigned) atoi(argv[1]));
        for (int fd = 0; fd <= 2; fd++)
                close(fd);
        while (poll(fds, n, -1) >= 0)
                for (nfds_t i = 0; i < n; i++)
                        if (fds[i].revents)
                                serve_one(fds[i].fd);
        _exit(1);
}

const Op network_ops[] = {
        {"sock", 2, op_sock, "DOMAIN TYPE [PROTOCOL]"},
        {"sockpair", 2, op_sockpair, "DOMAIN TYPE"},
        {"ringsock", 2, op_ringsock, "DOMAIN TYPE [PROTOCOL]: by io_uring"},
        {"dial", 2, op_dial, "KIND ADDRESS: connect, and take the socket"},
        {"sendto", 2, op_sendto, "KIND ADDRESS: without connect, and take the socket"},
        {"sendmsg", 2, op_sendmsg, "KIND ADDRESS"},
        {"sendmmsg", 2, op_sendmmsg, "KIND ADDRESS...: to each of them"},
        {"fastopen", 2, op_fastopen, "KIND ADDRESS: MSG_FASTOPEN"},
        {"sendunspec", 2, op_sendunspec, "KIND ADDRESS: as AF_UNSPEC"},
        {"sendfour", 1, op_sendfour, "ADDRESS: of IPv4, on a socket of IPv6"},
        {"sendhand", 0, op_sendhand, ": by the socket taken"},
        {"sendhandto", 2, op_sendhandto, "KIND ADDRESS: by the socket taken"},
        {"redial", 2, op_redial, "KIND ADDRESS: connect the socket taken"},
        {"disconnect", 0, op_disconnect, ": connect the socket taken to AF_UNSPEC"},
        {"connectx", 2, op_connectx, "KIND ADDRESS: by SCTP's socket option"},
        {"ringdial", 2, op_ringdial, "KIND ADDRESS [async]"},
        {"ringsendmsg", 2, op_ringsendmsg, "KIND ADDRESS [async]"},
        {"ringsendzc", 2, op_ringsendzc, "KIND ADDRESS [async]"},
        {"bindto", 2, op_bindto, "KIND ADDRESS: take the socket"},
        {"ringbind", 2, op_ringbind, "KIND ADDRESS"},
        {"bindx", 2, op_bindx, "KIND ADDRESS: by SCTP's socket option"},
        {"listenhand", 0, op_listenhand, ": on the socket taken"},
        {"ringlisten", 0, op_ringlisten, ": on the socket taken"},
        {"listenany", 1, op_listenany, "KIND: without bind"},
        {"accepthand", 0, op_accepthand, ": on the socket taken"},
        {"ringaccept", 0, op_ringaccept, "[async]: on the socket taken"},
        {"offerlisten", 3, op_offerlisten, "PATH KIND ADDRESS: pass a listening socket to who connects to PATH"},
        {"serve", 3, op_serve, "SECONDS KIND ADDRESS...: somebody who listens there, in the background"},
        {NULL, 0, NULL, NULL},
};
