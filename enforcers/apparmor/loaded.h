/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Loaded: what AppArmor has of ours. The kernel says which profiles there are; a file of each policy, below
 * LOADED_DIR, says what was loaded as it: for the varmord that comes after this one, and to name the rules of records. */

#include <glib.h>
#include <stdbool.h>

#include "blob.h"

#define LOADED_DIR "/run/varmor/apparmor"

/* One policy. */
typedef struct Loaded {
        char *policy;     /* full name */
        char *profile;    /* "varmor.web" */
        char digest[65];  /* of the Profile */
        char *kernel_sum; /* what the kernel calls it; "-": it does not say */
        AaBlob *blob;     /* without what the kernel has */
} Loaded;

void loaded_free(Loaded *l);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Loaded, loaded_free)

/** loaded_write() - into @dir. Return: 0, negative errno. */
int loaded_write(const char *dir, const Loaded *l);
/** loaded_read_all() - profile name -> Loaded; what cannot be read is left out. To be freed. */
GHashTable *loaded_read_all(const char *dir);
void loaded_forget(const char *dir, const Loaded *l);

/** kernel_profiles() - the profiles below @fs (APPARMOR_FS "/policy/profiles"): name -> sum of their contents, "-" if the kernel
 * has none. Children are "parent//child". To be freed; NULL: cannot be read. */
GHashTable *kernel_profiles(const char *fs);
