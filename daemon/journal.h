/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Journal: entries in the journal's native protocol, sent without ever waiting. sd_journal_sendv() may block the daemon
 * when journald is stuck, so a full socket queues here, within bounds, and what does not fit is dropped and counted. Each
 * datagram names the socket by its path: a restart of journald needs no reconnection. */

#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "alarm.h"

#define JOURNAL_QUEUE_ENTRIES_MAX 4096U
#define JOURNAL_QUEUE_BYTES_MAX (4U << 20)
/* Below the default of net.core.wmem_default, so that one datagram always does. */
#define JOURNAL_ENTRY_BYTES_MAX (64U << 10)
/* How long to leave a socket alone that took nothing, and one that took something and then was full: the kernel may keep
 * as few as ten datagrams (net.unix.max_dgram_qlen), and a socket that is not connected cannot be polled for more room. */
#define JOURNAL_RETRY_USEC (50U * 1000)
#define JOURNAL_RETRY_SOON_USEC 1000U

/* ---- one entry: pure ------------------------------------------------------------------------------------------ */

typedef struct JournalEntry {
        GByteArray *bytes;
} JournalEntry;

JournalEntry *journal_entry_new(void);
void journal_entry_free(JournalEntry *e);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JournalEntry, journal_entry_free)

/** journal_entry_add() - one field; any byte may occur in the value. A field that would make the entry larger than
 * JOURNAL_ENTRY_BYTES_MAX is cut. */
void journal_entry_add(JournalEntry *e, const char *field, const void *value, size_t size);
void journal_entry_add_string(JournalEntry *e, const char *field, const char *value);
void journal_entry_add_format(JournalEntry *e, const char *field, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** journal_entry_from_alarm() - with the VARMOR_* fields, and those by which journalctl finds it. */
JournalEntry *journal_entry_from_alarm(const Alarm *a);

/* ---- the connection --------------------------------------------------------------------------------------------- */

typedef struct Journal Journal;

/** journal_new() - @event: referenced. @path: socket, NULL for journald's; "" writes messages to standard error
 * instead, for use from a terminal. */
int journal_new(sd_event *event, const char *path, Journal **ret);
/** journal_free() - tries once more to send what waits. */
void journal_free(Journal *j);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Journal, journal_free)

/** journal_send() - send or queue. @e is taken. */
void journal_send(Journal *j, JournalEntry *e);
/** journal_log() - a message of the daemon's own. @message_id: NULL for none; @policy: VARMOR_POLICY=, may be NULL. */
void journal_log(Journal *j, int priority, const char *message_id, const char *policy, const char *format, ...)
        G_GNUC_PRINTF(5, 6);
/** journal_dropped() - entries dropped so far. */
uint64_t journal_dropped(const Journal *j);
/** journal_queued() - entries that wait. */
size_t journal_queued(const Journal *j);
