/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A manager that is only what the bus interface sees of one: policies without a kernel, driven by the words of a test.
 */

#include <systemd/sd-event.h>

#include "manager.h"

/* Policies: "web" (active), "system.slice/db" (degraded, two errors), "stubborn" (SetMode is refused), "seccomp-only"
 * (not enforceable), "broken" (never valid), "recorded" (BehaviorModeling, not complete). */
Manager *fake_manager_new(sd_event *event);

/** fake_manager_command() - "alarm", "model" (what is recorded gets on, and is complete), "add NAME", "remove NAME", "status", "confined no|yes|unknown",
 * "disabled yes|no", "reload good|bad|fails".
 * Return: false if the word is unknown. */
bool fake_manager_command(Manager *m, const char *line);

/** fake_manager_reported() - how often a confined caller was reported. */
unsigned fake_manager_reported(const Manager *m);
