/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Cache: what apparmor_parser has made, by the digest of all that went into it. */

#include <glib.h>

#define CACHE_FILES_MAX 256U

/** cache_key() - the digest of @n texts. To be freed. */
char *cache_key(const char *const *texts, size_t n);

/** cache_get() - NULL: it is not there, or cannot be trusted. */
GBytes *cache_get(const char *dir, const char *key, size_t max);

/** cache_put() - keep it, and let go of the oldest if there are too many. Failing is no harm. */
void cache_put(const char *dir, const char *key, GBytes *bytes);
