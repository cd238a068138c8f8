/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A seccomp profile as a container engine and its runtime make a filter of it: conditions decided as containers-common does, the
 * rest handed to libseccomp as crun does. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/** engine_default_profile() - the text of Debian's (golang-github-containers-common, which tests/setup fetches). NULL: not there. */
char *engine_default_profile(void);

#define ENGINE_DEFAULT_MISSING "no seccomp.json of containers-common: tests/setup fetches it"

/** engine_filter() - for x86_64. @kernel: e.g. {6, 1}. @tree: by libseccomp's binary tree, which engines do not ask for. Return: of struct sock_filter. */
GArray *engine_filter(const char *json, const uint16_t kernel[2], bool tree);
