/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JournalStream: the messages of the kernel's audit subsystem as the journal has stored them, for where the kernel does not give them
 * to us (stream.h). They come later, and nobody counts those that journald has missed. */

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"

typedef struct JournalStream JournalStream;

/** journal_stream_open() - of messages of the type @type that come from now on.
 * Return: 0; -EOPNOTSUPP, with the reason in @d: there is no journal that could be read. */
int journal_stream_open(uint32_t type, JournalStream **ret, Diag *d);
void journal_stream_close(JournalStream *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JournalStream, journal_stream_close)

/** journal_stream_fd() - readable when messages may wait. */
int journal_stream_fd(const JournalStream *s);

/** journal_stream_read() - hand at most @max messages to @on_message, in the form in which the kernel sends them.
 * Return: 0: there are no more; 1: there may be, and nothing will say so; a negative errno. */
int journal_stream_read(JournalStream *s, unsigned max, void (*on_message)(const char *text, size_t size, void *userdata),
                        void *userdata);
