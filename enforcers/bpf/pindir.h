/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Directories of pins, as files: below /sys/fs/bpf/varmor/ one for each version of the ABI, and in that maps/ and for each
 * build of the programs progs-BUILD/ and links-BUILD/. */

#include <glib.h>

#define PINDIR_LINKS "links-"
#define PINDIR_PROGRAMS "progs-"

/** pindir_make() - Return: 0, also if it is there; a negative errno. */
int pindir_make(const char *path);

/** pindir_remove() - remove those directories of the version at @version whose names begin with @prefix, but for the one at
 * @keep (NULL: none is kept). Return: 0 or the first negative errno. */
int pindir_remove(const char *version, const char *prefix, const char *keep);

/** pindir_remove_version(), pindir_remove_versions() - remove the version at @version, or all below @directory but the one at
 * @keep. Return: 0 or the first negative errno. */
int pindir_remove_version(const char *version);
int pindir_remove_versions(const char *directory, const char *keep);

/** pindir_set_aside() - leave the way free for a directory at @path. What an attempt left that did not come to its end may
 * be in force, and what is broken may be, too: both go once there is something else. If there are two such, the older one is
 * whole. */
int pindir_set_aside(const char *path);

/** pindir_links(), pindir_all_links() - the paths (char *) of what any build of the version at @version has attached, or of
 * all versions below @directory. */
GPtrArray *pindir_links(const char *version);
GPtrArray *pindir_all_links(const char *directory);
