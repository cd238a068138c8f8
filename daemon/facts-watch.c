/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel's notices of devices -> "something changed". The kernel is listened to, not udev: what udev does with a new disk
 * takes its time, and meanwhile the disk can be used. */

#include "facts-watch.h"

#include <errno.h>
#include <glib.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "util.h"

#define KERNEL_GROUP 1U              /* lib/kobject_uevent.c; udev sends to another */
#define NOTICE_BYTES_MAX 8192U       /* more than UEVENT_BUFFER_SIZE and a path */
#define BUFFER_BYTES (256 << 10)     /* if it is too small, everything is looked at again */
#define AT_ONCE_MAX 512U             /* notices read in one turn of the loop */

struct FactsWatch {
        sd_event *event;
        sd_event_source *io, *timer;
        int fd;
        void (*changed)(void *userdata);
        void *userdata;
};

/* NUL-terminated lines: "add@/devices/...", "ACTION=add", "SUBSYSTEM=block", ... */
static bool is_about_disks(const char *notice, size_t size)
{
        static const char *const lines[] = {
                "SUBSYSTEM=block", "SUBSYSTEM=scsi_generic", "SUBSYSTEM=bsg", "SUBSYSTEM=nvme", "SUBSYSTEM=nvme-generic",
                "SUBSYSTEM=mtd", NULL,
        };

        for (size_t at = 0; at < size; at += strnlen(notice + at, size - at) + 1)
                if (strnlen(notice + at, size - at) < size - at && g_strv_contains(lines, notice + at))
                        return true;
        return false;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        FactsWatch *w = userdata;

        w->timer = sd_event_source_disable_unref(w->timer);
        w->changed(w->userdata);
        return 0;
}

static int on_notice(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        FactsWatch *w = userdata;
        bool changed = false;

        for (unsigned i = 0; i < AT_ONCE_MAX; i++) {
                struct sockaddr_nl from = {0};
                socklen_t from_size = sizeof(from);
                char notice[NOTICE_BYTES_MAX];
                ssize_t n = RET_ERRNO(recvfrom(fd, notice, sizeof(notice), MSG_DONTWAIT, (struct sockaddr *)&from, &from_size));

                if (n == -ENOBUFS) {
                        changed = true; /* some are lost */
                        continue;
                }
                if (n < 0)
                        break;
                /* Whoever has CAP_NET_ADMIN may send to the group; nobody but the kernel has the number 0. */
                if (from.nl_pid == 0 && from.nl_groups == KERNEL_GROUP)
                        changed = changed || is_about_disks(notice, (size_t)n);
        }
        if (changed && !w->timer &&
            sd_event_add_time_relative(w->event, &w->timer, CLOCK_MONOTONIC, FACTS_DELAY_USEC, 0, on_timer, w) < 0)
                w->changed(w->userdata);
        return 0;
}

int facts_watch_new(sd_event *event, void (*changed)(void *userdata), void *userdata, FactsWatch **ret)
{
        struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
        autofd int fd = RET_ERRNO(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
        const int size = BUFFER_BYTES;
        FactsWatch *w;
        int r;

        if (fd < 0)
                return fd;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
        if (bind(fd, (const struct sockaddr *)&nl, sizeof(nl)) < 0)
                return -errno;
        w = g_new0(FactsWatch, 1);
        w->event = sd_event_ref(event);
        w->changed = changed;
        w->userdata = userdata;
        w->fd = steal_fd(&fd);
        r = sd_event_add_io(event, &w->io, w->fd, EPOLLIN, on_notice, w);
        if (r < 0) {
                facts_watch_free(w);
                return r;
        }
        *ret = w;
        return 0;
}

void facts_watch_free(FactsWatch *w)
{
        if (!w)
                return;
        sd_event_source_disable_unref(w->io);
        sd_event_source_disable_unref(w->timer);
        fd_close(w->fd);
        sd_event_unref(w->event);
        g_free(w);
}
