/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Units: asks systemd about units, for selectors. By PID 1's own socket, which is there before the system bus is and while
 * it restarts; never blocking, and trying again whenever the connection is lost. Units that are only installed are asked
 * about, too, so that a selector's answer is there before such a unit first starts. */

#include <systemd/sd-event.h>

#include "unit-facts.h"

typedef struct Units Units;

/** units_new() - does nothing until something is wanted.
 * @address: D-Bus address of PID 1; NULL: its own socket.
 * @changed: facts() changed; called from the event loop, not for each single unit. */
int units_new(sd_event *event, const char *address, void (*changed)(void *userdata), void *userdata, Units **ret);
void units_free(Units *u);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Units, units_free)

/** units_want() - from now on, know these @properties of all units. NULL or empty: none. */
void units_want(Units *u, char *const *properties);
/** units_facts() - what is known. Borrowed; changes from the event loop. */
const UnitFacts *units_facts(const Units *u);
