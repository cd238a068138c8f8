/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Profile: what every enforcer's compile() makes. */

#include <string.h>

#include "enforcer.h"

Profile *profile_new(EnforcerKind enforcer, GBytes *blob)
{
        Profile *p = g_new0(Profile, 1);

        p->enforcer = enforcer;
        profile_set_blob(p, blob);
        p->why_not = g_ptr_array_new_with_free_func(g_free);
        return p;
}

void profile_set_blob(Profile *p, GBytes *blob)
{
        g_autofree char *digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, blob);

        g_clear_pointer(&p->blob, g_bytes_unref);
        p->blob = blob;
        g_strlcpy(p->digest, digest, sizeof(p->digest));
}

void profile_free(Profile *p)
{
        if (!p)
                return;
        g_clear_pointer(&p->blob, g_bytes_unref);
        g_clear_pointer(&p->why_not, g_ptr_array_unref);
        g_free(p);
}

bool profile_is_empty(const Profile *p)
{
        static const char digest_of_nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

        return !p || strcmp(p->digest, digest_of_nothing) == 0;
}
