/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* apparmor_parser, and kernels that it may compile for. */

#include <stdbool.h>

#include "apparmor/parser.h"

/** features_of() - of the kernel "6.1" or "6.12". To be freed. */
char *features_of(const char *kernel);

/** has_parser() - if not, the test is skipped. */
bool has_parser(void);

Parser parser(void);
