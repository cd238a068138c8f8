/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Attachment: the automaton by which the kernel decides whether a profile is for a path, out of the bytes that the profile was loaded
 * from. Where parsers older than 4.0 have made it, that is the only place where it can be found: the kernel names a path alone
 * where that is the profile's name. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define ATTACHMENT_BYTES_MAX (16U << 20) /* of what profiles are loaded from */

typedef struct Attachment Attachment;

/** attachment_read() - that of @profile in @data; NULL: it has none, or this is nothing that is known. To be freed. */
Attachment *attachment_read(const uint8_t *data, size_t size, const char *profile);
void attachment_free(Attachment *a);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Attachment, attachment_free)

bool attachment_matches(const Attachment *a, const char *path);

/** attachment_weight() - of two that match, the kernel takes the one with more. */
uint32_t attachment_weight(const Attachment *a);
