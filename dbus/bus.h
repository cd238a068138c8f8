/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bus: org.varmor1 on the system bus, as long as there is one. The bus may come up after the daemon, and may be
 * restarted: the connection is made anew each time, the daemon never waits for it and never ends because of it. */

#include <glib.h>
#include <systemd/sd-event.h>

#include "manager.h"

typedef struct Bus Bus;

/** bus_new() - offer @manager on the system bus, now or as soon as there is one.
 * @manager: borrowed; must outlive the Bus. Calls that wait for it when the Bus is freed are answered by
 *           manager_free(), which then touches the Bus no more.
 * @event: referenced
 * Return: 0, or a negative errno that has nothing to do with whether there is a bus. */
int bus_new(Manager *manager, sd_event *event, Bus **ret);

/** bus_free() - accepts NULL. */
void bus_free(Bus *b);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bus, bus_free)
