/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Children: the file by which varmor-exec knows at which paths a policy stacks child profiles upon the whole. The kernel does that
 * where a process under the policy executes something; who starts a service is not under it, and says under what it is to come. A
 * sequence of strings, each with its NUL: CHILDREN_MAGIC; a path and "varmor.web//t0123456789abcdef", by turns; and an empty one.
 * Nothing here needs more than the C library, so that a static program can include it. */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define CHILDREN_DIR "/run/varmor/children" /* BINDNAME, 0644 */
#define CHILDREN_MAGIC "varmor-children-1"
#define CHILDREN_BYTES_MAX (4U << 20)

/** children_check() - are these the bytes of such a file? */
static inline bool children_check(const char *data, size_t size)
{
        const char *end = data + size, *s = data;
        size_t n = 0;

        if (size > CHILDREN_BYTES_MAX || size < sizeof(CHILDREN_MAGIC) || memcmp(data, CHILDREN_MAGIC, sizeof(CHILDREN_MAGIC)) != 0)
                return false;
        for (s += sizeof(CHILDREN_MAGIC); s < end && *s; n++) {
                const char *nul = memchr(s, 0, (size_t)(end - s));

                if (!nul || (n % 2 == 0 && *s != '/'))
                        return false;
                s = nul + 1;
        }
        return n % 2 == 0 && s == end - 1;
}
