/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Stream: the messages of one type that the kernel's audit subsystem sends to all who listen (AUDIT_NLGRP_READLOG). It takes the
 * capability audit_read, and neither auditd nor the journal notice. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"

typedef struct AuditStream AuditStream;

/** audit_stream_open() - of messages of the type @type, and of no others.
 * Return: 0; -EOPNOTSUPP: there are none, -EPERM: they are not for us, with what is missing in @d; another negative errno. */
int audit_stream_open(uint32_t type, AuditStream **ret, Diag *d);
void audit_stream_close(AuditStream *s);

/** audit_stream_fd() - readable when messages wait. */
int audit_stream_fd(const AuditStream *s);

/** audit_stream_read() - hand at most @max messages to @on_message: the text, without the header. Never blocks. Return: 0, or a
 * negative errno; not for messages that were lost. */
int audit_stream_read(AuditStream *s, unsigned max, void (*on_message)(const char *text, size_t size, void *userdata),
                      void *userdata);

/** audit_stream_lost() - messages of this type that did not fit into the socket since it was opened. */
uint64_t audit_stream_lost(const AuditStream *s);

/** audit_message_text() - the text of the netlink message @bytes of @size, if it is of @type; else NULL. Pure. */
const char *audit_message_text(const void *bytes, size_t size, uint32_t type, size_t *ret_size);
