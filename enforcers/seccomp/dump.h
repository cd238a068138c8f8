/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Dump: verdicts and filters as text, for people and for golden tests. */

#include <glib.h>

#include "policy.h"
#include "verdicts.h"

/** seccomp_dump() - what @p is for @host in words, and the instructions of @blob, which was made of it. To be freed. */
char *seccomp_dump(const Policy *p, const SeccompHost *host, GBytes *blob);
