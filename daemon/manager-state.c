/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manager, its memory: what is in force, for the daemon that comes after this one. It lives as long as the kernel's side
 * does, until the next boot, and is needed when a policy's file is broken at that moment: its rules are adopted from the
 * kernel, and its target and words from here. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>

#include "file.h"
#include "manager-internal.h"
#include "util.h"

#define STATE_DIR "/run/varmor/state"
#define STATE_FILE STATE_DIR "/in-force"
#define LOCK_FILE STATE_DIR "/lock"

int manager_lock(Manager *m)
{
        g_autofree char *dir = g_strconcat(m->root, STATE_DIR, NULL), *path = g_strconcat(m->root, LOCK_FILE, NULL);
        autofd int fd = -EBADF;
        int r;

        if (g_mkdir_with_parents(dir, 0755) < 0)
                return -errno;
        fd = RET_ERRNO(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (fd < 0)
                return fd;
        r = RET_ERRNO(flock(fd, LOCK_EX | LOCK_NB));
        if (r < 0)
                return r == -EWOULDBLOCK ? -EEXIST : r;
        m->lock_fd = steal_fd(&fd);
        return 0;
}

static GBytes *serialise(const Manager *m)
{
        g_autoptr(GPtrArray) policies = manager_policies(m);
        Bundle b = {.policies = g_ptr_array_new(), .settings = m->settings, .diag = m->diag};
        g_autoptr(GVariant) v = NULL;

        for (guint i = 0; i < policies->len; i++) {
                const PolicyEntry *e = policies->pdata[i];

                if (e->current && e->current->valid)
                        g_ptr_array_add(b.policies, e->current);
        }
        v = bundle_to_variant(&b);
        g_ptr_array_unref(b.policies);
        return g_variant_get_data_as_bytes(v);
}

void manager_save(Manager *m)
{
        g_autofree char *path = g_strconcat(m->root, STATE_FILE, NULL), *digest = NULL;
        g_autoptr(GBytes) bytes = NULL;
        int r;

        if (!m->loaded)
                return;
        bytes = serialise(m);
        digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
        if (g_strcmp0(digest, m->state_digest) == 0)
                return;
        r = file_replace(path, bytes, 0600);
        if (r < 0) {
                journal_log(m->journal, LOG_WARNING, NULL, NULL, "What is in force cannot be noted in %s: %s", path,
                            strerror(-r));
                return;
        }
        g_free(m->state_digest);
        m->state_digest = g_steal_pointer(&digest);
}

static int read_state(const char *path, Bundle **ret)
{
        g_autoptr(GBytes) bytes = NULL;
        int r = file_read(path, MANAGER_STATE_BYTES_MAX, &bytes);

        return r < 0 ? r : bundle_from_bytes(bytes, ret);
}

void manager_restore(Manager *m)
{
        g_autofree char *path = g_strconcat(m->root, STATE_FILE, NULL);
        g_autoptr(Bundle) b = NULL;
        int r = read_state(path, &b);

        if (r < 0) {
                if (r != -ENOENT)
                        journal_log(m->journal, LOG_WARNING, NULL, NULL, "What was in force cannot be read from %s: %s", path,
                                    strerror(-r));
                return;
        }
        for (guint i = 0; i < b->policies->len; i++) {
                BundlePolicy *p = b->policies->pdata[i];
                Entry *e;

                if (!p->valid)
                        continue;
                b->policies->pdata[i] = NULL;
                /* Another version of the compiler may have made it: what it says is believed, the bytes are made anew. */
                p->ir_digest[0] = '\0';
                e = g_new0(Entry, 1);
                e->pub.full_name = g_strdup(p->full_name);
                e->pub.state = POLICY_APPLYING;
                e->pub.why = g_strdup("");
                e->pub.current = p;
                e->pub.selected = p->selected;
                e->fresh = true;
                g_hash_table_insert(m->entries, e->pub.full_name, e);
        }
}
