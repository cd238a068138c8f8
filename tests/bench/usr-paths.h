/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Real paths: those of the files below /usr of the machine that measures. */

#include <glib.h>

/** usr_paths() - @n of them, evenly spread over all in the order of their names, each once. Fewer if there are fewer. */
GPtrArray *usr_paths(guint n);

/** pattern_of() - the pattern that matches just @path. To be freed. */
char *pattern_of(const char *path);
