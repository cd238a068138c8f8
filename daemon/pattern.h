/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pattern: the syntax of path patterns (not their meaning, which each enforcer compiles): what is written wrong, what could
 * never match, and where the literal beginning ends. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define PATTERN_NESTING_MAX 8U /* {..{..}..} */

/** pattern_check() - Return: NULL if @pattern is well formed and can match some path; else why not, as the end of a sentence
 * ("'[' without ']'"), to be freed. */
char *pattern_check(const char *pattern);

/** pattern_expand() - the alternatives of all {a,b}, as patterns without braces, at most @max of them.
 * @ret: NULL-terminated. Return: 0, -E2BIG. */
int pattern_expand(const char *pattern, size_t max, char ***ret);

/** pattern_literal() - the text before the first wildcard, with escapes undone, and how many bytes of @pattern that took.
 * Braces count as wildcards. To be freed. */
char *pattern_literal(const char *pattern, size_t *ret_used);

/** pattern_escape() - @path as a pattern that matches only it. To be freed. */
char *pattern_escape(const char *path);
