/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A recording's file. See recording.h. */

#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "model-store.h"
#include "policy.h"
#include "util.h"

/* Losses that a full disk did not take are noted here, where there is always room: by how the file may be used. Whoever wrote it may go
 * on in either case: varmord has not all of root's rights. */
#define MODE_WHOLE 0600
#define MODE_LOSSY 0700

char *recording_path(const char *full_name)
{
        g_autofree char *name = policy_bind_name(full_name);

        return g_strconcat(RECORDINGS_DIR "/", name, NULL);
}

void recording_close(Recording *r)
{
        if (!r)
                return;
        fd_close(r->fd);
        recording_state_free(r->state);
        g_free(r->path);
        g_free(r);
}

/* ---- writing ----------------------------------------------------------------------------------------------------------------- */

/* All or nothing: the next line must not begin in the middle of this one. */
static int append(Recording *r, const GString *s, size_t max)
{
        ssize_t n;
        int e = 0;

        if (r->fd < 0)
                return -EBADF;
        if (r->state->size + s->len > max)
                return -EFBIG;
        do
                n = RET_ERRNO(write(r->fd, s->str, s->len));
        while (n == -EINTR);
        if (n == (ssize_t)s->len) {
                r->state->size += s->len;
                return 0;
        }
        if (n > 0)
                e = RET_ERRNO(ftruncate(r->fd, (off_t)r->state->size));
        return e < 0 ? e : n < 0 ? (int)n : -ENOSPC;
}

static int append_number(Recording *r, const char *what, uint64_t n)
{
        g_autoptr(GString) s = g_string_new(NULL);

        recording_put_number(s, what, n);
        return append(r, s, RECORDING_BYTES_MAX + RECORDING_SLACK_BYTES);
}

static bool any(const uint64_t numbers[static _MODEL_KIND_MAX])
{
        for (int k = 0; k < _MODEL_KIND_MAX; k++)
                if (numbers[k] > 0)
                        return true;
        return false;
}

static int write_losses(Recording *r)
{
        g_autoptr(GString) s = g_string_new(NULL);
        int e;

        if (!any(r->unwritten))
                return 0;
        recording_put_lost(s, r->unwritten, false);
        e = append(r, s, RECORDING_BYTES_MAX + RECORDING_SLACK_BYTES);
        if (e >= 0)
                memset(r->unwritten, 0, sizeof(r->unwritten));
        (void)fchmod(r->fd, e < 0 ? MODE_LOSSY : MODE_WHOLE);
        return e;
}

static void lose_one(Recording *r, ModelKind k, uint64_t n)
{
        uint64_t *lost = &r->state->source->lost[k];

        *lost = n > MODEL_COUNT_MAX - *lost ? MODEL_COUNT_MAX : *lost + n;
        r->unwritten[k] = n > MODEL_COUNT_MAX - r->unwritten[k] ? MODEL_COUNT_MAX : r->unwritten[k] + n;
}

void recording_lose(Recording *r, ModelKind k, uint64_t n)
{
        bool first = !any(r->unwritten);

        for (int i = 0; i < _MODEL_KIND_MAX; i++)
                if ((int)k < 0 || i == (int)k)
                        lose_one(r, (ModelKind)i, n);
        /* Later ones are written together: where there is no room for ops there may be none for them, either. */
        if (first)
                (void)write_losses(r);
}

void recording_add(Recording *r, const ModelOp *o)
{
        g_autoptr(GString) s = g_string_new(NULL);
        bool good = !model_op_check(o);

        if (good)
                recording_put_op(s, o);
        if (good && append(r, s, RECORDING_BYTES_MAX) >= 0)
                r->state->n_ops++;
        else
                recording_lose(r, (unsigned)o->kind < _MODEL_KIND_MAX ? o->kind : _MODEL_KIND_INVALID, 1);
}

int recording_note(Recording *r, const uint64_t counted[static _MODEL_KIND_MAX])
{
        g_autoptr(GString) s = g_string_new(NULL);
        uint64_t bounded[_MODEL_KIND_MAX];
        int e = write_losses(r);

        for (int k = 0; k < _MODEL_KIND_MAX; k++)
                bounded[k] = MIN(counted[k], MODEL_COUNT_MAX);
        if (e < 0 || memcmp(bounded, r->state->counted, sizeof(bounded)) == 0)
                return e;
        recording_put_lost(s, bounded, true);
        e = append(r, s, RECORDING_BYTES_MAX + RECORDING_SLACK_BYTES);
        if (e >= 0)
                recording_count(r->state, bounded);
        return e;
}

uint64_t recording_lost(const Recording *r)
{
        uint64_t n = 0;

        for (int k = 0; k < _MODEL_KIND_MAX; k++)
                n = r->state->source->lost[k] > MODEL_COUNT_MAX - n ? MODEL_COUNT_MAX : n + r->state->source->lost[k];
        return n;
}

int recording_set_deadline(Recording *r, uint64_t usec)
{
        int e = append_number(r, "deadline", usec);

        if (e >= 0)
                r->state->deadline_usec = usec;
        return e;
}

void recording_pause(Recording *r, uint64_t usec)
{
        if (write_losses(r) < 0 || append_number(r, "paused", usec) < 0)
                return;
        r->state->paused = true;
        (void)fdatasync(r->fd);
}

int recording_end(Recording *r, uint64_t usec)
{
        int e = r->state->source->ended_usec ? 0 : append_number(r, "ended", usec);

        if (e >= 0 && !r->state->source->ended_usec)
                r->state->source->ended_usec = usec;
        return e;
}

/* ---- the whole file ----------------------------------------------------------------------------------------------------------- */

/* @path as a whole, by way of another name that no policy's recording has. */
static int replace(const char *path, const GString *s, bool sync, int *ret_fd)
{
        g_autofree char *dir = g_path_get_dirname(path), *name = g_path_get_basename(path), *tmp = g_strconcat(dir, "/.", name, ".new", NULL);
        autofd int fd = -EBADF;
        int r;

        if (g_mkdir_with_parents(dir, 0700) < 0)
                return -errno;
        fd = RET_ERRNO(open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, MODE_WHOLE));
        if (fd < 0)
                return fd;
        r = RET_ERRNO(fchmod(fd, MODE_WHOLE));
        if (r >= 0 && write(fd, s->str, s->len) != (ssize_t)s->len)
                r = -ENOSPC;
        if (r >= 0 && sync)
                r = RET_ERRNO(fsync(fd));
        if (r >= 0)
                r = RET_ERRNO(rename(tmp, path));
        if (r < 0) {
                (void)unlink(tmp);
                return r;
        }
        if (ret_fd)
                *ret_fd = steal_fd(&fd);
        return 0;
}

int recording_create(const char *path, ModelSource *source, uint64_t deadline_usec, const char *boot, Recording **ret)
{
        g_autoptr(Recording) rec = g_new0(Recording, 1);
        g_autoptr(GString) s = g_string_new(NULL);
        int r;

        rec->path = g_strdup(path);
        rec->fd = -EBADF;
        recording_put_header(s, source, deadline_usec);
        recording_put_boot(s, boot);
        /* What would not be read again must not be begun. */
        r = recording_parse(s->str, s->len, NULL, &rec->state);
        if (r >= 0)
                r = replace(path, s, false, &rec->fd);
        if (r >= 0)
                *ret = g_steal_pointer(&rec);
        return r;
}

/* This daemon goes on. */
static int resume(Recording *r, const char *boot)
{
        bool same = strcmp(r->state->boot, boot) == 0, paused = r->state->paused;
        g_autoptr(GString) s = g_string_new(NULL);
        struct stat st;
        int e;

        r->fd = RET_ERRNO(open(r->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
        if (r->fd < 0)
                return r->fd;
        e = RET_ERRNO(fstat(r->fd, &st));
        if (e >= 0)
                e = RET_ERRNO(ftruncate(r->fd, (off_t)r->state->size));
        if (e < 0)
                return e;
        if ((st.st_mode & 0777) == MODE_LOSSY || (!same && !paused && !r->state->source->ended_usec))
                recording_lose(r, _MODEL_KIND_INVALID, 1);
        if (!same) {
                recording_put_boot(s, boot);
                e = append(r, s, RECORDING_BYTES_MAX + RECORDING_SLACK_BYTES);
                if (e < 0)
                        return e;
                r->rebooted = true;
                memset(r->state->counted, 0, sizeof(r->state->counted));
                g_strlcpy(r->state->boot, boot, sizeof(r->state->boot));
        }
        r->state->paused = false;
        return 0;
}

static int put_aside(const char *path)
{
        g_autofree char *aside = g_strconcat(path, "+damaged", NULL);
        int r = RET_ERRNO(rename(path, aside));

        return r < 0 ? r : -EBADMSG;
}

int recording_open(const char *path, const char *boot, Recording **ret)
{
        g_autoptr(Recording) rec = g_new0(Recording, 1);
        g_autoptr(GBytes) bytes = NULL;
        int r = file_read(path, RECORDING_BYTES_MAX + RECORDING_SLACK_BYTES, &bytes);

        rec->fd = -EBADF;
        if (r >= 0)
                r = recording_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), NULL, &rec->state);
        if (r == -EBADMSG)
                return put_aside(path);
        if (r < 0)
                return r;
        rec->path = g_strdup(path);
        if (!rec->state->done)
                r = resume(rec, boot);
        if (r >= 0)
                *ret = g_steal_pointer(&rec);
        return r;
}

int recording_complete(const Recording *r, const char *model_path)
{
        g_autoptr(RecordingState) state = NULL;
        g_autoptr(GString) s = g_string_new(NULL);
        g_autoptr(Model) m = model_new();
        g_autoptr(GBytes) bytes = NULL;
        int e = file_read(r->path, RECORDING_BYTES_MAX + RECORDING_SLACK_BYTES, &bytes);

        if (e >= 0)
                e = recording_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), m, &state);
        if (e < 0 || state->done)
                return e;
        for (int k = 0; k < _MODEL_KIND_MAX; k++)
                state->source->lost[k] = MIN(state->source->lost[k] + r->unwritten[k], MODEL_COUNT_MAX);
        e = model_add_source(m, state->source);
        if (e < 0)
                return e;
        model_seal(m);
        e = model_store_write(model_path, m);
        if (e < 0)
                return e;
        recording_put_header(s, state->source, state->deadline_usec);
        recording_put_number(s, "model", m->ops->len);
        return replace(r->path, s, true, NULL);
}
