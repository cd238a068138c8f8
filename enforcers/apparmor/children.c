/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Children: the files for varmor-exec, see children.h. */

#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "internal.h"
#include "util.h"

#define UNFINISHED ".new" /* not a policy's name */

static char *file_of(const char *profile)
{
        return g_build_filename(CHILDREN_DIR, profile + strlen("varmor."), NULL);
}

/* Services of every user read it, whatever the umask is here. */
static int write_whole(const char *path, const char *data, gsize size)
{
        if (!g_file_set_contents_full(path, data, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, NULL))
                return -EIO;
        return RET_ERRNO(chmod(path, 0644));
}

int children_put(const char *profile, GBytes *children)
{
        g_autofree char *path = file_of(profile);
        /* None is an answer, too, for a service that was told to look before its policy changed. */
        static const char none[sizeof(CHILDREN_MAGIC) + 1] = CHILDREN_MAGIC;
        gsize size;
        const char *data = g_bytes_get_data(children, &size);
        int r;

        if (mkdir(CHILDREN_DIR, 0755) < 0 && errno != EEXIST)
                return -errno;
        r = RET_ERRNO(chmod(CHILDREN_DIR, 0755));
        if (r < 0)
                return r;
        r = write_whole(CHILDREN_DIR "/" UNFINISHED, size > 0 ? data : none, size > 0 ? size : sizeof(none));
        return r < 0 ? r : RET_ERRNO(rename(CHILDREN_DIR "/" UNFINISHED, path));
}

void children_drop(const char *profile)
{
        g_autofree char *path = file_of(profile);

        (void)unlink(path);
}
