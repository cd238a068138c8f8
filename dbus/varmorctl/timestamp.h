/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Timestamp: points in time as a person types them. */

#include <stdint.h>

/** timestamp_parse() - "2026-11-24 04:10[:30]", "2026-11-24", "04:10[:30]", "now", "today", "yesterday", "30min ago",
 * "-30min",
 * "@SECONDS"; the units are s, min, h, d, w. Local time.
 * @now_usec: CLOCK_REALTIME
 * Return: 0, -EINVAL. */
int timestamp_parse(const char *text, uint64_t now_usec, uint64_t *ret_usec);
