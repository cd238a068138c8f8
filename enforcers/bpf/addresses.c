/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses: the host's own, told to the programs as they come and go. A notice of the kernel only says that something
 * changed; then all are read again. */

#include <bpf/bpf.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "internal.h"
#include "util.h"

typedef struct Address {
        uint8_t bytes[16]; /* IPv4 as mapped IPv6 */
} Address;

static guint address_hash(gconstpointer p)
{
        uint64_t w[2];

        memcpy(w, p, sizeof(w));
        return (guint)((w[0] ^ w[1] * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean address_equal(gconstpointer a, gconstpointer b)
{
        return memcmp(a, b, sizeof(Address)) == 0;
}

static bool address_from(const struct sockaddr *sa, Address *ret)
{
        static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

        if (sa && sa->sa_family == AF_INET6) {
                memcpy(ret->bytes, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
                return true;
        }
        if (!sa || sa->sa_family != AF_INET)
                return false;
        memcpy(ret->bytes, mapped, sizeof(mapped));
        memcpy(ret->bytes + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
        return true;
}

static int read_addresses(GHashTable **ret)
{
        g_autoptr(GHashTable) set = g_hash_table_new_full(address_hash, address_equal, g_free, NULL);
        struct ifaddrs *all;

        if (getifaddrs(&all) < 0)
                return -errno;
        for (struct ifaddrs *i = all; i; i = i->ifa_next) {
                Address a;

                if (address_from(i->ifa_addr, &a))
                        g_hash_table_add(set, g_memdup2(&a, sizeof(a)));
        }
        freeifaddrs(all);
        *ret = g_steal_pointer(&set);
        return 0;
}

int addresses_refresh(Enforcer *e)
{
        int map = e->pins.maps[MAP_ADDRESSES], r;
        g_autoptr(GHashTable) set = NULL;
        g_autoptr(GArray) gone = g_array_new(FALSE, FALSE, sizeof(Address));
        Address key, *previous = NULL;
        GHashTableIter i;
        void *a;

        r = read_addresses(&set);
        if (r < 0)
                return r;
        for (; bpf_map_get_next_key(map, previous, &key) >= 0; previous = &key)
                if (!g_hash_table_contains(set, &key))
                        g_array_append_val(gone, key);
        /* First what came: no address of the host's counts as a stranger's meanwhile. */
        g_hash_table_iter_init(&i, set);
        while (g_hash_table_iter_next(&i, &a, NULL)) {
                __u32 one = 1;

                r = bpf_map_update_elem(map, a, &one, BPF_ANY);
                if (r < 0)
                        return r;
        }
        for (guint k = 0; k < gone->len; k++)
                (void)bpf_map_delete_elem(map, &g_array_index(gone, Address, k));
        return 0;
}

int addresses_open(Enforcer *e, int epoll)
{
        struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
        struct epoll_event event = {.events = EPOLLIN};

        e->netlink = RET_ERRNO(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
        if (e->netlink < 0)
                return e->netlink;
        /* From here on no change is missed. */
        if (bind(e->netlink, (const struct sockaddr *)&nl, sizeof(nl)) < 0)
                return -errno;
        event.data.u32 = UINT32_MAX; /* the ring buffer's own are numbered from 0 */
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, e->netlink, &event) < 0)
                return -errno;
        return addresses_refresh(e);
}

void addresses_dispatch(Enforcer *e)
{
        bool changed = false;
        char notice[8192];
        ssize_t n;

        /* ENOBUFS: more came than could be held; it is read again all the same. */
        while ((n = recv(e->netlink, notice, sizeof(notice), MSG_DONTWAIT)) > 0 || (n < 0 && errno == ENOBUFS))
                changed = true;
        if (changed)
                (void)addresses_refresh(e);
}
