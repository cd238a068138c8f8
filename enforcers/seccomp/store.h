/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Store: the compiled filters below /run/varmor, where varmor-exec finds them by a policy's bind name. At each moment a name
 * leads to a whole filter, the old one or the new one. */

#include <glib.h>
#include <stdint.h>

typedef struct FilterStore FilterStore;

/** store_open() - make the directories. @root: "" or a prefix, for tests. Return: 0, negative errno. */
int store_open(const char *root, FilterStore **ret);

/** store_close() - leave everything as it is. Accepts NULL. */
void store_close(FilterStore *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FilterStore, store_close)

/** store_put() - @name leads to @blob, whose digest is @digest, from now on. */
int store_put(FilterStore *s, const char *name, const char *digest, GBytes *blob);

/** store_drop() - @name leads nowhere. Idempotent. */
int store_drop(FilterStore *s, const char *name);

/** store_find() - digest of what @name leads to; "": nothing, or not a whole filter. */
int store_find(const FilterStore *s, const char *name, char ret_digest[static 65]);

/** store_read() - the filter file that @name leads to. Return: 0; -ENOENT; -EBADMSG: damaged. */
int store_read(const FilterStore *s, const char *name, GBytes **ret);

/** store_names() - all names that lead somewhere. To be freed with g_strfreev(). */
char **store_names(const FilterStore *s);

/** store_tidy() - remove filters to which no name has led for some seconds: somebody may just have read the name. @now_usec:
 * a clock that never goes back. */
void store_tidy(FilterStore *s, uint64_t now_usec);

/** store_remove() - everything, and the directories. */
int store_remove(FilterStore *s);
