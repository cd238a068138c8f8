/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stream: see stream.h. */

#include "stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "record.h"
#include "util.h"

/* As much as we get: without the capability net_admin the kernel gives what net.core.rmem_max says. */
#define BUFFER_BYTES (16 << 20)
#define BATCH 32U
#define MESSAGE_MAX (NLMSG_HDRLEN + AUDIT_TEXT_MAX)

struct AuditStream {
        uint32_t type;
        int fd;
        struct mmsghdr messages[BATCH];
        struct sockaddr_nl senders[BATCH];
        struct iovec parts[BATCH];
        char bytes[BATCH][MESSAGE_MAX];
};

/* With audit=1 four messages come for each that we want, and of systemd many more: they should not take its room. */
static int filter_type(int fd, uint32_t type)
{
        /* The type is in the machine's order, and the filter reads in the network's. */
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons((uint16_t)type), 0, 1),
                BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
                BPF_STMT(BPF_RET | BPF_K, 0),
        };
        const struct sock_fprog program = {.len = G_N_ELEMENTS(code), .filter = code};

        return RET_ERRNO(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
}

static int open_socket(uint32_t type, Diag *d)
{
        const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1)};
        autofd int fd = RET_ERRNO(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT));
        const int size = BUFFER_BYTES;
        int r;

        if (fd == -EPROTONOSUPPORT || fd == -EAFNOSUPPORT) {
                diag_error(d, NULL, "no-audit", "the kernel runs without its audit subsystem (audit=0), which is what tells of denials");
                return -EOPNOTSUPP;
        }
        if (fd < 0)
                return fd;
        r = filter_type(fd, type);
        if (r < 0)
                return r;
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
                (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
        r = RET_ERRNO(bind(fd, (const struct sockaddr *)&address, sizeof(address)));
        if (r == -EPERM)
                diag_error(d, NULL, "no-audit-read", "the kernel's audit records cannot be read: that takes the capability audit_read");
        return r < 0 ? r : steal_fd(&fd);
}

int audit_stream_open(uint32_t type, AuditStream **ret, Diag *d)
{
        int fd = open_socket(type, d);
        AuditStream *s;

        if (fd < 0)
                return fd;
        s = g_new0(AuditStream, 1);
        s->type = type;
        s->fd = fd;
        for (unsigned i = 0; i < BATCH; i++) {
                s->parts[i] = (struct iovec){.iov_base = s->bytes[i], .iov_len = sizeof(s->bytes[i])};
                s->messages[i].msg_hdr = (struct msghdr){.msg_iov = &s->parts[i], .msg_iovlen = 1, .msg_name = &s->senders[i]};
        }
        *ret = s;
        return 0;
}

void audit_stream_close(AuditStream *s)
{
        if (!s)
                return;
        (void)fd_close(s->fd);
        g_free(s);
}

int audit_stream_fd(const AuditStream *s)
{
        return s->fd;
}

const char *audit_message_text(const void *bytes, size_t size, uint32_t type, size_t *ret_size)
{
        struct nlmsghdr header;

        /* nlmsg_len means nothing: some kernels leave the header out of it. */
        if (size <= NLMSG_HDRLEN)
                return NULL;
        memcpy(&header, bytes, sizeof(header));
        if (header.nlmsg_type != type)
                return NULL;
        *ret_size = size - NLMSG_HDRLEN;
        return (const char *)bytes + NLMSG_HDRLEN;
}

int audit_stream_read(AuditStream *s, unsigned max, void (*on_message)(const char *text, size_t size, void *userdata),
                      void *userdata)
{
        while (max > 0) {
                unsigned wanted = MIN(max, BATCH);
                int n;

                for (unsigned i = 0; i < wanted; i++)
                        s->messages[i].msg_hdr.msg_namelen = sizeof(s->senders[i]);
                n = RET_ERRNO(recvmmsg(s->fd, s->messages, wanted, MSG_DONTWAIT, NULL));
                if (n == -ENOBUFS) /* said once, and counted: audit_stream_lost() */
                        continue;
                if (n < 0)
                        return n == -EAGAIN || n == -EINTR ? 0 : n;
                for (int i = 0; i < n; i++) {
                        size_t size;
                        const char *text = audit_message_text(s->bytes[i], s->messages[i].msg_len, s->type, &size);

                        /* The kernel's own alone. */
                        if (text && s->senders[i].nl_pid == 0)
                                on_message(text, size, userdata);
                }
                max -= (unsigned)n;
                if ((unsigned)n < wanted)
                        return 0;
        }
        return 0;
}

uint64_t audit_stream_lost(const AuditStream *s)
{
        uint32_t info[SK_MEMINFO_VARS] = {0};
        socklen_t size = sizeof(info);

        if (getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &size) < 0 || size <= SK_MEMINFO_DROPS * sizeof(uint32_t))
                return 0;
        return info[SK_MEMINFO_DROPS];
}
