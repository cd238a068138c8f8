/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A bus of one's own, with the rules of the system bus and those of varmor; on it varmord's bus interface over a fake
 * manager, and, if wanted, a polkit. Everything runs in children that end with the test. */

#include <stdbool.h>
#include <sys/types.h>

#include "autoptr.h"
#include "names.h"

/* What polkit of this bus says to a user. The bus lets only users in that the machine knows: daemon, bin, sys, nobody.
 */
#define UID_GRANTED 1U
#define UID_CHALLENGED 2U
#define UID_UNANSWERED 3U
#define UID_NOBODY 65534U

typedef struct Harness {
        char *directory;
        char *address;
        pid_t bus_pid, daemon_pid, polkit_pid;
        int command_fd;
} Harness;

/** harness_skip() - whether this machine cannot run the tests; says why. */
bool harness_skip(void);

Harness *harness_new(void); /* with a bus, without anything on it */
void harness_free(Harness *h);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Harness, harness_free)

void harness_start_bus(Harness *h);
void harness_stop_bus(Harness *h);
void harness_start_daemon(Harness *h);
void harness_stop_daemon(Harness *h);
void harness_start_polkit(Harness *h);

/** harness_command() - a word for the fake manager; "reported" yields the count. */
unsigned harness_command(Harness *h, const char *line);

/** harness_wait_name() - until @name is on the bus. */
void harness_wait_name(Harness *h, const char *name);

/** harness_connect() - a connection of root's. */
sd_bus *harness_connect(Harness *h);

/** harness_run_as() - run @f in a child with @uid and, unless 0, group @gid; its result is copied back.
 * Return: what @f returned, to be freed. */
typedef char *(*HarnessFunc)(sd_bus *bus, const void *argument);
char *harness_run_as(Harness *h, uid_t uid, gid_t gid, HarnessFunc f, const void *argument);
