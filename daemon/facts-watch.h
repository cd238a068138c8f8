/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* FactsWatch: the kernel says that devices came, went or got another medium. Many at once are one. */

#include <systemd/sd-event.h>

/* A disk comes with its partitions, and what is made of them. */
#define FACTS_DELAY_USEC (200U * 1000)

typedef struct FactsWatch FactsWatch;

/** facts_watch_new() - @changed: the disks may differ; called from the event loop. What is read in it, or later, misses nothing. */
int facts_watch_new(sd_event *event, void (*changed)(void *userdata), void *userdata, FactsWatch **ret);
void facts_watch_free(FactsWatch *w);
