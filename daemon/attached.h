/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Attached: which AppArmor profile the kernel would give a program by its path. What enters another profile by name does not get
 * it any more, so that the two must be stacked. */

#include <glib.h>

#define ATTACHED_DIR "/sys/kernel/security/apparmor/policy/profiles"
#define ATTACHED_MAX 4096U

typedef struct Attached Attached;

/** attached_new() - what is loaded now. @root: prefix of all paths. Never fails: without AppArmor, there is none. */
Attached *attached_new(const char *root);
void attached_free(Attached *a);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Attached, attached_free)

/** attached_find() - for the program at @path, or of that name where systemd would look for it. NULL: none. Borrowed. */
const char *attached_find(const Attached *a, const char *path);
