/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Mode fragment: what a mode switch writes beside a policy, and how it is taken back. The one below /run sorts after the
 * one below /etc, so that a switch at run time wins over a persistent one. */

#include <stdbool.h>

#include "bundle.h"
#include "manager.h"

/** mode_fragment_dup_text() - the fragment's YAML. To be freed. */
char *mode_fragment_dup_text(const BundlePolicy *p, Mode mode, const SetModeOptions *o);
/** mode_fragment_dup_path() - where it stands, without the root prefix: beside the policy's file, below /run/varmor or
 * with @persist below /etc/varmor. To be freed. */
char *mode_fragment_dup_path(const BundlePolicy *p, bool persist);
/** mode_fragment_is_persistent() - is @path one that mode_fragment_dup_path() yields with persist? */
bool mode_fragment_is_persistent(const char *path);

/** mode_fragment_write() - put @text at @path (with its prefix) at once and durably; NULL: take it away.
 * @ret_before: what stood there, NULL for nothing; to be freed; may be NULL.
 * Return: 0, or a negative errno: nothing is changed. */
int mode_fragment_write(const char *path, const char *text, char **ret_before);
