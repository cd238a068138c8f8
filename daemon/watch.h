/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Watch: notices that configuration changed, also in directories that do not exist yet; and the node's kubeconfig
 * (facts_kubeconfigs()). Many changes at once are one. */

#include <systemd/sd-event.h>

/* Directories that are watched; beyond them, as where the kernel gives no more watches, everything is read again every
 * WATCH_POLL_USEC. */
#define WATCH_DIRS_MAX 4096U
/* Editors and package managers change several files in a row. */
#define WATCH_DELAY_USEC (100U * 1000)
#define WATCH_POLL_USEC (30U * 1000U * 1000U)

typedef struct Watch Watch;

/** watch_new() - @root: prefix of /etc/varmor and the like; NULL: none. @changed: called from the event loop, after the
 * directories are watched again: what is read in it, or later, misses nothing. */
int watch_new(sd_event *event, const char *root, void (*changed)(void *userdata), void *userdata, Watch **ret);
void watch_free(Watch *w);
