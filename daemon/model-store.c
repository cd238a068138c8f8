/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See model-store.h. */

#include "model-store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "model-json.h"
#include "policy.h"
#include "util.h"

char *model_path(const char *full_name)
{
        g_autofree char *name = policy_bind_name(full_name);

        return g_strconcat(MODELS_DIR "/", name, ".json", NULL);
}

static int open_dir(const char *path)
{
        g_autofree char *dir = g_path_get_dirname(path);

        if (g_mkdir_with_parents(dir, 0700) < 0)
                return -errno;
        return RET_ERRNO(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int write_new(int dir, const char *name, const char *text, size_t size)
{
        autofd int fd = RET_ERRNO(openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));

        if (fd < 0)
                return fd;
        while (size > 0) {
                ssize_t n = RET_ERRNO(write(fd, text, size));

                if (n == -EINTR)
                        continue;
                if (n < 0)
                        return (int)n;
                text += n;
                size -= (size_t)n;
        }
        return RET_ERRNO(fsync(fd));
}

/* By a link, so that at no moment is there no model. */
static int keep_old(int dir, const char *name)
{
        g_autofree char *old = g_strconcat(name, ".old", NULL), *tmp = g_strdup_printf(".%s.old", name);
        int r;

        (void)unlinkat(dir, tmp, 0);
        r = RET_ERRNO(linkat(dir, name, dir, tmp, 0));
        if (r == -ENOENT)
                return 0;
        return r < 0 ? r : RET_ERRNO(renameat(dir, tmp, dir, old));
}

int model_store_write(const char *path, const Model *m)
{
        g_autofree char *name = g_path_get_basename(path), *tmp = g_strdup_printf(".%s.new", name), *text = model_to_json(m);
        g_autoptr(GBytes) before = NULL;
        size_t size = strlen(text);
        autofd int dir = open_dir(path);
        int r;

        if (dir < 0)
                return dir;
        /* Once more, after a crash: the older one is still wanted. */
        if (file_read(path, MODEL_JSON_BYTES_MAX, &before) >= 0 && g_bytes_get_size(before) == size &&
            memcmp(g_bytes_get_data(before, NULL), text, size) == 0)
                return RET_ERRNO(fsync(dir));
        r = write_new(dir, tmp, text, size);
        if (r >= 0)
                r = keep_old(dir, name);
        if (r >= 0)
                r = RET_ERRNO(renameat(dir, tmp, dir, name));
        if (r < 0) {
                (void)unlinkat(dir, tmp, 0);
                return r;
        }
        return RET_ERRNO(fsync(dir));
}

int model_store_read(const char *path, Model **ret, Diag *d)
{
        g_autoptr(GBytes) bytes = NULL;
        int r = file_read(path, MODEL_JSON_BYTES_MAX, &bytes);

        if (r == -EBADMSG)
                diag_error(d, NULL, "bad-model", "%s is no file of root's, or larger than %u bytes", path, MODEL_JSON_BYTES_MAX);
        if (r < 0)
                return r;
        return model_from_json(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), path, ret, d);
}
