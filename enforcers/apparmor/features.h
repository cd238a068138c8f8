/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Features: what the kernel's AppArmor mediates, as apparmor_parser wants to be told. */

#include <glib.h>
#include <stdbool.h>

#define APPARMOR_FS "/sys/kernel/security/apparmor"

/** features_read() - the directory @dir (APPARMOR_FS "/features") as the text of a features file.
 * @all: false: leave out classes that our texts do not speak about, so that they are not mediated either.
 * @ret: NULL-terminated, to be freed. Return: 0, negative errno. */
int features_read(const char *dir, bool all, char **ret);

/** features_have() - does the kernel have the word @word in @dir/@path ("namespaces/mask", "userns_create")? */
bool features_have(const char *dir, const char *path, const char *word);
