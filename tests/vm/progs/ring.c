/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt's operations by io_uring, by the bare system calls. With "async" a worker thread of the kernel does the work,
 * with "personality" it is done with credentials that were registered before, with "stale" by a worker
 * thread that is older than the credentials of its process. */

#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct Ring {
        int fd;
        uint8_t *queues; /* submission and completion ring, in one mapping */
        struct io_uring_sqe *entries;
        struct io_uring_params params;
} Ring;

static int ring_init(Ring *ret) {
        *ret = (Ring){.fd = -1};
        ret->fd = (int) syscall(SYS_io_uring_setup, 4, &ret->params);
        if (ret->fd < 0)
                return -errno;

        size_t sq = ret->params.sq_off.array + ret->params.sq_entries * sizeof(uint32_t);
        size_t cq = ret->params.cq_off.cqes + ret->params.cq_entries * sizeof(struct io_uring_cqe);
        void *queues = mmap(NULL, sq > cq ? sq : cq, PROT_READ | PROT_WRITE, MAP_SHARED, ret->fd, IORING_OFF_SQ_RING);
        void *entries = mmap(NULL, ret->params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                             MAP_SHARED, ret->fd, IORING_OFF_SQES);
        if (queues == MAP_FAILED || entries == MAP_FAILED)
                return -errno;
        ret->queues = queues;
        ret->entries = entries;
        return 0;
}

/* Submits one entry to @ring and waits for it. Return: its result. */
static int ring_submit(Ring *ring, const struct io_uring_sqe *sqe, unsigned flags) {
        _Atomic uint32_t *tail = (void *) (ring->queues + ring->params.sq_off.tail);
        _Atomic uint32_t *head = (void *) (ring->queues + ring->params.cq_off.head);
        uint32_t n = atomic_load(tail), slot = n & (ring->params.sq_entries - 1);

        ring->entries[slot] = *sqe;
        ring->entries[slot].flags |= (uint8_t) flags;
        ((uint32_t *) (ring->queues + ring->params.sq_off.array))[slot] = slot;
        atomic_store_explicit(tail, n + 1, memory_order_release);
        if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
                return -errno;
        const struct io_uring_cqe *cqe = (const void *) (ring->queues + ring->params.cq_off.cqes);
        uint32_t at = atomic_load(head);
        int r = cqe[at & (ring->params.cq_entries - 1)].res;
        atomic_store_explicit(head, at + 1, memory_order_release);
        return r;
}

int ring_do(const struct io_uring_sqe *sqe, const char *how) {
        struct io_uring_sqe entry = *sqe;
        Ring ring;
        int r = ring_init(&ring);

        if (r < 0)
                return r;
        if (how && strcmp(how, "personality") == 0) {
                r = (int) syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PERSONALITY, NULL, 0);
                if (r < 0)
                        return -errno;
                entry.personality = (uint16_t) r;
        }
        if (how && strcmp(how, "stale") == 0) {
                /* A worker that has credentials of before: it takes on the caller's for the second entry. */
                struct io_uring_sqe first = {.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t) "/"};
                r = ring_submit(&ring, &first, IOSQE_ASYNC);
                if (r < 0 || prctl(PR_SET_KEEPCAPS, 0) < 0)
                        return r < 0 ? r : -errno;
                how = "async";
        }
        r = ring_submit(&ring, &entry, how && strcmp(how, "async") == 0 ? IOSQE_ASYNC : 0);
        close(ring.fd);
        return r;
}

static int op_ringopen(Hand *h, char **argv) {
        int flags = open_flags(argv[2]);
        struct io_uring_sqe sqe = {
                .opcode = IORING_OP_OPENAT,
                .fd = AT_FDCWD,
                .addr = (uintptr_t) argv[1],
                .len = 0644,
                .open_flags = (uint32_t) (flags & ~O_NONBLOCK),
        };
        int fd = ring_do(&sqe, argv[3]);

        if (fd < 0)
                return fd;
        h->fd = fd;
        return 0;
}

static int op_ringunlink(Hand *h, char **argv) {
        struct io_uring_sqe sqe = {.opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = (uintptr_t) argv[1]};

        return ring_do(&sqe, argv[2]);
}

static int two_names(uint8_t opcode, char **argv) {
        struct io_uring_sqe sqe = {
                .opcode = opcode,
                .fd = AT_FDCWD,
                .addr = (uintptr_t) argv[1],
                .addr2 = (uintptr_t) argv[2],
                .len = (uint32_t) AT_FDCWD,
        };

        return ring_do(&sqe, argv[3]);
}

static int op_ringrename(Hand *h, char **argv) { return two_names(IORING_OP_RENAMEAT, argv); }
static int op_ringlink(Hand *h, char **argv) { return two_names(IORING_OP_LINKAT, argv); }

static int op_ringmkdir(Hand *h, char **argv) {
        struct io_uring_sqe sqe = {.opcode = IORING_OP_MKDIRAT, .fd = AT_FDCWD, .addr = (uintptr_t) argv[1], .len = 0755};

        return ring_do(&sqe, argv[2]);
}

const Op ring_ops[] = {
        {"ringopen", 2, op_ringopen, "PATH FLAGS [async]: take it"},
        {"ringunlink", 1, op_ringunlink, "PATH [async]"},
        {"ringrename", 2, op_ringrename, "FROM TO [async]"},
        {"ringlink", 2, op_ringlink, "FROM TO [async]"},
        {"ringmkdir", 1, op_ringmkdir, "PATH [async]"},
        {NULL, 0, NULL, NULL},
};
