/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* records: prints what the kernel's audit subsystem sends to its readers, until it is killed or for SECONDS: the number of the
 * type, a tab, and the text. What auditd reads beside varmord.
 *
 *   records [SECONDS] */

#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
        struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1)};
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT), size = 8 << 20;
        static char buffer[16384];
        time_t end = argc > 1 ? time(NULL) + atoi(argv[1]) : 0;

        if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0) {
                fprintf(stderr, "records: %s\n", strerror(errno));
                return 1;
        }
        (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
        setvbuf(stdout, NULL, _IOLBF, 0);
        while (end == 0 || time(NULL) < end) {
                struct pollfd p = {.fd = fd, .events = POLLIN};
                struct nlmsghdr header;
                ssize_t n;

                if (poll(&p, 1, 200) <= 0)
                        continue;
                n = recv(fd, buffer, sizeof(buffer) - 1, 0);
                if (n < 0)
                        printf("! %s\n", strerror(errno));
                if (n < (ssize_t) sizeof(header))
                        continue;
                memcpy(&header, buffer, sizeof(header));
                printf("%u\t%u/%zd\t%.*s\n", header.nlmsg_type, header.nlmsg_len, n, (int) (n - sizeof(header)), buffer + sizeof(header));
        }
        return 0;
}
