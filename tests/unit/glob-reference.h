/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Two helpers for property tests of patterns. The reference matcher says what a pattern means in the plainest way: it expands
 * the braces and then tries everything. It shares no code with the compiler that it checks. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** reference_match() - does the well-formed @pattern match these @n bytes? */
bool reference_match(const char *pattern, const uint8_t *path, size_t n);

/** random_pattern() - well-formed, to be freed. */
char *random_pattern(GRand *rand);

/** random_path() - something that @pattern matches, or nearly, or not at all. No NUL in it; may be empty. */
GByteArray *random_path(GRand *rand, const char *pattern);
