/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Aare: patterns of the policy language in AppArmor's own regular expressions. The two look alike and differ: AppArmor's "two
 * stars between slashes" stands for at least one directory, a directory's path ends in '/', and a set may hold '/'. */

#include <glib.h>
#include <stdbool.h>

#define AARE_EXPANSIONS_MAX 1024U /* of one pattern */

/** aare_from_pattern() - append to @out what matches exactly the paths that @pattern matches: one expression, in
 * quotes, for each way to choose from its braces. Directories (to AppArmor "/x/") are the same as files.
 * Return: 0; -E2BIG: more than AARE_EXPANSIONS_MAX; -EBADMSG: not a pattern. */
int aare_from_pattern(const char *pattern, GPtrArray *out);

/** aare_exact() - the paths that @pattern stands for, if it stands for a list of them: no wildcards but braces. Unescaped.
 * NULL-terminated, to be freed; NULL: it has wildcards, or stands for more than AARE_EXPANSIONS_MAX. */
char **aare_exact(const char *pattern);

/** aare_append_literal() - append @text so that it stands for itself inside of quotes. */
void aare_append_literal(GString *s, const char *text);

/** aare_from_words() - a pattern without slashes (names of file systems) in quotes. Return: as aare_from_pattern(). */
int aare_from_words(const char *pattern, GPtrArray *out);
