/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Identify: see identify.h. */

#include "identify.h"

#include <errno.h>
#include <glib.h>
#include <linux/audit.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"

/* A record's time is that of the last tick, 10 ms ago at most, and so is a start's. Nobody is given a number within that time that
 * another has had: numbers come in turn. */
#define TICK_USEC 20000

static int64_t clock_usec(clockid_t clock)
{
        struct timespec ts;

        (void)clock_gettime(clock, &ts);
        return (int64_t)ts.tv_sec * G_USEC_PER_SEC + ts.tv_nsec / 1000;
}

/* When @pid was started, CLOCK_BOOTTIME; -ESRCH. */
static int64_t started_usec(int64_t pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/stat", pid), *text = NULL;
        const char *p;

        if (!g_file_get_contents(path, &text, NULL, NULL))
                return -ESRCH;
        p = strrchr(text, ')'); /* the name before it may have anything in it */
        /* man 5 proc: the name is field 2, the start field 22 */
        for (unsigned field = 2; p && field < 22; field++)
                p = strchr(p + 1, ' ');
        return p ? (int64_t)(g_ascii_strtoull(p + 1, NULL, 10) * (G_USEC_PER_SEC / (guint64)sysconf(_SC_CLK_TCK))) : -ESRCH;
}

/* Does it run under the record's profile, alone or among others? */
static bool is_under(const AuditRecord *r)
{
        g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/attr/apparmor/current", r->pid), *text = NULL;
        g_autofree char *profile = NULL;
        g_auto(GStrv) parts = NULL;
        char *mode;

        if (!r->profile.data || !g_file_get_contents(path, &text, NULL, NULL))
                return false;
        /* "a//&b (enforce)" */
        g_strchomp(text);
        mode = strrchr(text, '(');
        if (mode && mode > text && mode[-1] == ' ')
                mode[-1] = '\0';
        profile = g_strndup(r->profile.data, r->profile.size);
        if (strcmp(text, profile) == 0)
                return true;
        parts = g_strsplit(text, "//&", -1);
        return g_strv_contains((const char *const *)parts, profile);
}

int audit_identify(const AuditRecord *r, char **ret_cgroup)
{
        int64_t made_usec = (int64_t)r->time_usec - clock_usec(CLOCK_REALTIME) + clock_usec(CLOCK_BOOTTIME);
        int64_t before = started_usec(r->pid);
        g_autofree char *cgroup = NULL;

        if (before < 0 || before > made_usec + TICK_USEC)
                return -ESRCH;
        if (r->type == AUDIT_AVC && !is_under(r))
                return -ESRCH;
        if (cgroup_of_pid((pid_t)r->pid, &cgroup) < 0 || started_usec(r->pid) != before)
                return -ESRCH;
        *ret_cgroup = g_steal_pointer(&cgroup);
        return 0;
}
