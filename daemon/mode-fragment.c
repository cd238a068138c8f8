/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SetMode -> file. See mode-fragment.h. */

#include "mode-fragment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "util.h"

#define RUNTIME_PREFIX "90-mode-"
#define PERSISTENT_PREFIX "80-mode-"
#define FRAGMENT_BYTES_MAX (64U << 10)

static void append_disposition(GString *s, const SetModeOptions *o)
{
        if (o->allow_violations >= 0)
                g_string_append_printf(s, "      allowViolations: %s\n", o->allow_violations ? "true" : "false");
        if (o->audit_violations >= 0)
                g_string_append_printf(s, "      auditViolations: %s\n", o->audit_violations ? "true" : "false");
}

char *mode_fragment_dup_text(const BundlePolicy *p, Mode mode, const SetModeOptions *o)
{
        GString *s = g_string_new("# Written by varmord when the mode was switched; \"varmorctl mode NAME --reset\" takes it back.\n"
                                  "apiVersion: crd.varmor.org/v1beta1\n");
        bool disposition = o->allow_violations >= 0 || o->audit_violations >= 0;

        g_string_append_printf(s, "kind: %s\nmetadata:\n  name: '%s'\n", p->slice ? "VarmorPolicy" : "VarmorClusterPolicy",
                               p->name);
        if (p->slice)
                g_string_append_printf(s, "  namespace: '%s'\n", p->slice);
        g_string_append_printf(s, "spec:\n  policy:\n    mode: %s\n", mode_to_string(mode));
        if (o->duration_min > 0)
                g_string_append_printf(s, "    modelingOptions:\n      duration: %u\n", o->duration_min);
        if (disposition) {
                g_string_append_printf(s, "    %s:\n",
                                       mode == MODE_DEFENSE_IN_DEPTH ? "defenseInDepth" : "enhanceProtect");
                append_disposition(s, o);
        }
        return g_string_free(s, FALSE);
}

char *mode_fragment_dup_path(const BundlePolicy *p, bool persist)
{
        g_autofree char *file = g_path_get_basename(p->source);

        return g_strdup_printf("%s/varmor/policies.d/%s.d/%s%s%s%s.yaml", persist ? "/etc" : "/run", file,
                               persist ? PERSISTENT_PREFIX : RUNTIME_PREFIX, p->slice ? p->slice : "", p->slice ? "+" : "",
                               p->name);
}

bool mode_fragment_is_persistent(const char *path)
{
        g_autofree char *base = g_path_get_basename(path);

        return g_str_has_prefix(path, "/etc/") && g_str_has_prefix(base, PERSISTENT_PREFIX);
}

/* Return: 0 and the text, NULL if there is no such file; or a negative errno. */
static int read_before(int dir, const char *name, char **ret)
{
        autofd int fd = RET_ERRNO(openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        g_autofree char *text = NULL;
        ssize_t n;

        if (fd == -ENOENT) {
                *ret = NULL;
                return 0;
        }
        if (fd < 0)
                return fd;
        text = g_malloc0(FRAGMENT_BYTES_MAX + 1);
        n = RET_ERRNO(read(fd, text, FRAGMENT_BYTES_MAX));
        if (n < 0)
                return (int)n;
        *ret = g_steal_pointer(&text);
        return 0;
}

static int write_new(int dir, const char *name, const char *text)
{
        autofd int fd = RET_ERRNO(openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
        size_t size = strlen(text);
        int r;

        if (fd < 0)
                return fd;
        /* Whatever the umask: as readable as the policy itself usually is not, but never writable by others. */
        r = RET_ERRNO(fchmod(fd, 0600));
        for (size_t done = 0; r >= 0 && done < size;) {
                ssize_t n = RET_ERRNO(write(fd, text + done, size - done));

                if (n < 0)
                        return (int)n;
                done += (size_t)n;
        }
        if (r >= 0)
                r = RET_ERRNO(fsync(fd));
        return r;
}

int mode_fragment_write(const char *path, const char *text, char **ret_before)
{
        g_autofree char *parent = g_path_get_dirname(path), *name = g_path_get_basename(path);
        /* Not *.yaml: nobody reads it while it is unfinished. */
        g_autofree char *tmp = g_strdup_printf(".%s.new", name), *before = NULL;
        autofd int dir = -EBADF;
        int r;

        if (text && g_mkdir_with_parents(parent, 0755) < 0)
                return -errno;
        dir = RET_ERRNO(open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (dir == -ENOENT && !text)
                return 0;
        if (dir < 0)
                return dir;
        r = read_before(dir, name, &before);
        if (r < 0)
                return r;

        if (text) {
                r = write_new(dir, tmp, text);
                if (r >= 0)
                        r = RET_ERRNO(renameat(dir, tmp, dir, name));
                if (r < 0) {
                        (void)unlinkat(dir, tmp, 0);
                        return r;
                }
        } else if (before) {
                r = RET_ERRNO(unlinkat(dir, name, 0));
                if (r < 0)
                        return r;
        }
        r = RET_ERRNO(fsync(dir));
        if (r < 0)
                return r;
        if (ret_before)
                *ret_before = g_steal_pointer(&before);
        return 0;
}
