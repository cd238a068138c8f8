/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Losses: records that the kernel's audit subsystem has thrown away since its queue was full or its rate limit reached. To ask it
 * takes the capability audit_control, with which one could also switch it off. But it says so in the kernel's log. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct AuditLosses {
        bool known;   /* @last is what the kernel said last */
        uint64_t last;
        uint64_t count; /* since the first look */
} AuditLosses;

/** audit_losses_poll() - look at the end of the kernel's log. */
void audit_losses_poll(AuditLosses *l);

/** audit_losses_scan() - the same for a part of that log. Pure. */
void audit_losses_scan(AuditLosses *l, const char *log, size_t size);
