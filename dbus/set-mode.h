/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Switching modes, which Manager and Policy both offer. */

#include "request.h"

/** set_mode_call() - read the trailing a{sv} of @m, validate, and authorise the switch of @policy.
 * @duration_min: given as an argument of its own; 0: it may stand in the options
 * Return: as for a method handler. */
int set_mode_call(Bus *b, sd_bus_message *m, const char *policy, Mode mode, uint32_t duration_min,
                  sd_bus_error *error);

/** policy_mode_word() - the mode of @e, or "" when it is not known. */
const char *policy_mode_word(const PolicyEntry *e);
