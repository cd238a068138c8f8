/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Stopping: whether varmord ends with the host, or alone. */

#include <stdbool.h>

/** host_is_stopping() - asks PID 1, and waits up to two seconds for the answer: for who is about to end.
 * @address: D-Bus address of PID 1; NULL: its own socket.
 * Return: false also if it cannot be known. */
bool host_is_stopping(const char *address);
