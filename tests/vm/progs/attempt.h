/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* attempt: tries operations as a workload would, and says what became of each. An operation is a word and its
 * arguments; several in a row ("chroot /etc ; read /shadow") are steps of one attempt, made by one process. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ARGS_MAX 16
#define STEPS_MAX 16

/* What the steps of one attempt hand on to each other. */
typedef struct Hand {
        int fd; /* the descriptor that a step took, for the next ones to use; -1: none */
} Hand;

typedef struct Op Op;
struct Op {
        const char *name;
        int args_min; /* without the name itself */
        /** run() - @argv[0] is the name; NULL-terminated. Return: 0, the positive exit status of what it
         * executed, 1000 + the signal that ended that, or a negative errno. */
        int (*run)(Hand *h, char **argv);
        const char *usage;
};

extern const Op file_ops[], hand_ops[], exec_ops[], space_ops[], escape_ops[], bpf_ops[], ring_ops[], alias_ops[],
        network_ops[], privilege_ops[], process_ops[], call_ops[], attack_ops[];

/** op_run() - run the one operation in @argv. Return: as run(); -ENOSYS for a word that is none. */
int op_run(Hand *h, char **argv);

/** open_flags() - "r", "w", "rw", "a", with "c" create, "x" exclusive, "t" truncate, "p" O_PATH, "d" directory,
 * "n" no symlink, "T" O_TMPFILE. Return: flags for open(2), or -EINVAL. */
int open_flags(const char *letters);

/** child_wait() - Return: exit status, 1000 + signal, or negative errno. */
int child_wait(pid_t pid);

/** clone_into() - fork into the cgroup @path (below the root of the hierarchy), which is made if it is not
 * there; NULL: a plain fork. Return: as fork(), or negative errno. */
pid_t clone_into(const char *path);

/** read_byte() - Return: 0 (also at the end of the file), negative errno. */
int read_byte(int fd);

/** ring_do() - submit one entry to io_uring and wait for it. @how: "async", "personality", "stale", or
 * NULL. Return: its result. */
struct io_uring_sqe;
int ring_do(const struct io_uring_sqe *sqe, const char *how);

#define RET(x) ((x) < 0 ? -errno : 0)
