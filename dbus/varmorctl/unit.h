/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Unit: what systemd says of a unit, for advice. */

#include "advice.h"
#include "client.h"

/** unit_read() - ask systemd.
 * @name: with its suffix
 * @ret: always set; not known if nobody answers, or for a kind of unit that has no such properties
 * @ret_properties: the same for people and programs, and "Programs", what the unit has systemd execute; NULL if nobody answers; the
 * caller's
 * Return: EXIT_FINE; EXIT_FAILED: there is no such unit, which is said on stderr. */
int unit_read(const Options *o, const char *name, AdviceUnit *ret, json_object **ret_properties);

/** unit_from_properties() - pure: from what systemd's GetAll() gave for the unit's own interface, as json_read() reads it. */
void unit_from_properties(json_object *raw, AdviceUnit *ret);
