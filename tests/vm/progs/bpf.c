/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt's operations on BPF objects, by bpf(2) itself. */

#include "attempt.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int bpf(int command, union bpf_attr *attr, size_t size) {
        long r = syscall(SYS_bpf, command, attr, size);

        return r < 0 ? -errno : (int) r;
}

static int fd_by_id(int command, const char *id) {
        union bpf_attr attr = {.map_id = (uint32_t) strtoul(id, NULL, 10)};

        return bpf(command, &attr, sizeof(attr));
}

static int get_and_close(int fd) {
        if (fd < 0)
                return fd;
        close(fd);
        return 0;
}

static int op_map(Hand *h, char **argv) { return get_and_close(fd_by_id(BPF_MAP_GET_FD_BY_ID, argv[1])); }
static int op_prog(Hand *h, char **argv) { return get_and_close(fd_by_id(BPF_PROG_GET_FD_BY_ID, argv[1])); }
static int op_link(Hand *h, char **argv) { return get_and_close(fd_by_id(BPF_LINK_GET_FD_BY_ID, argv[1])); }

static int op_get(Hand *h, char **argv) {
        union bpf_attr attr = {.pathname = (uintptr_t) argv[1]};

        return get_and_close(bpf(BPF_OBJ_GET, &attr, sizeof(attr)));
}

/* Gets the map and reads its first key; who can do that can write, too. */
static int op_first(Hand *h, char **argv) {
        char key[256];
        int fd = fd_by_id(BPF_MAP_GET_FD_BY_ID, argv[1]);

        if (fd < 0)
                return fd;
        union bpf_attr attr = {.map_fd = (uint32_t) fd, .next_key = (uintptr_t) key};
        int r = bpf(BPF_MAP_GET_NEXT_KEY, &attr, sizeof(attr));
        close(fd);
        return r == -ENOENT ? 0 : r;
}

static int op_detach(Hand *h, char **argv) {
        int fd = fd_by_id(BPF_LINK_GET_FD_BY_ID, argv[1]);

        if (fd < 0)
                return fd;
        union bpf_attr attr = {.link_detach.link_fd = (uint32_t) fd};
        int r = bpf(BPF_LINK_DETACH, &attr, sizeof(attr));
        close(fd);
        return r;
}

/* A map of one's own: what others may go on doing. */
static int op_create(Hand *h, char **argv) {
        union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

        return get_and_close(bpf(BPF_MAP_CREATE, &attr, sizeof(attr)));
}

typedef struct Kind {
        const char *name;
        int next, get;
} Kind;

static const char *object_name(const Kind *kind, int fd, char *ret_name) {
        union {
                struct bpf_map_info map;
                struct bpf_prog_info prog;
                struct bpf_link_info link;
        } info;

        memset(&info, 0, sizeof(info));
        union bpf_attr attr = {.info = {.bpf_fd = (uint32_t) fd, .info_len = sizeof(info), .info = (uintptr_t) &info}};
        if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) < 0)
                return "?";
        if (kind->get == BPF_LINK_GET_FD_BY_ID)
                snprintf(ret_name, 32, "prog:%u", info.link.prog_id);
        else
                snprintf(ret_name, 32, "%s", kind->get == BPF_MAP_GET_FD_BY_ID ? info.map.name : info.prog.name);
        return ret_name;
}

/* Prints "map ID NAME", "prog ID NAME", "link ID prog:ID" for everything there is. */
static int op_list(Hand *h, char **argv) {
        static const Kind kinds[] = {
                {"map", BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID},
                {"prog", BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID},
                {"link", BPF_LINK_GET_NEXT_ID, BPF_LINK_GET_FD_BY_ID},
        };

        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
                uint32_t id = 0;
                for (;;) {
                        union bpf_attr attr = {.start_id = id};
                        if (bpf(kinds[i].next, &attr, sizeof(attr)) < 0)
                                break;
                        id = attr.next_id;
                        attr = (union bpf_attr){.map_id = id};
                        int fd = bpf(kinds[i].get, &attr, sizeof(attr));
                        char name[32] = "";
                        if (fd < 0)
                                continue;
                        printf("%s %u %s\n", kinds[i].name, id, object_name(&kinds[i], fd, name));
                        close(fd);
                }
        }
        fflush(stdout);
        return 0;
}

const Op bpf_ops[] = {
        {"bpfmap", 1, op_map, "ID: get it"},
        {"bpfprog", 1, op_prog, "ID: get it"},
        {"bpflink", 1, op_link, "ID: get it"},
        {"bpfget", 1, op_get, "PIN: get it"},
        {"bpffirst", 1, op_first, "MAP: read its first key"},
        {"bpfdetach", 1, op_detach, "LINK"},
        {"bpfcreate", 0, op_create, ": a map of one's own"},
        {"bpflist", 0, op_list, ": print everything there is"},
        {NULL, 0, NULL, NULL},
};
