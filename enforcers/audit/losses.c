/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Losses: see losses.h. */

#include "losses.h"

#include <glib.h>
#include <string.h>
#include <sys/klog.h>

/* man 2 syslog */
#define SYSLOG_ACTION_READ_ALL 3
#define LOG_BYTES 32768

void audit_losses_scan(AuditLosses *l, const char *log, size_t size)
{
        static const char word[] = "audit_lost=";
        const char *p = log, *end = size > 0 ? log + size : log; /* @log may be NULL then */
        uint64_t lost = 0;
        bool found = false;

        /* It counts from the boot on: the last is the most. */
        while (size > 0 && (p = memmem(p, (size_t)(end - p), word, strlen(word)))) {
                uint64_t n = 0;

                for (p += strlen(word); p < end && g_ascii_isdigit(*p) && n < UINT32_MAX; p++)
                        n = n * 10 + (uint64_t)g_ascii_digit_value(*p);
                lost = n;
                found = true;
        }
        if (!found)
                return;
        if (l->known && lost > l->last)
                l->count += lost - l->last;
        l->last = lost;
        l->known = true;
}

void audit_losses_poll(AuditLosses *l)
{
        g_autofree char *log = g_malloc(LOG_BYTES);
        int n = klogctl(SYSLOG_ACTION_READ_ALL, log, LOG_BYTES);

        if (n < 0)
                return;
        audit_losses_scan(l, log, (size_t)n);
        /* Nothing has been lost before: the next says how many. */
        l->known = true;
}
