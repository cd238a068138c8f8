/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Directories of configuration -> "something changed". See watch.h. */

#include "watch.h"

#include <dirent.h>
#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

#include "facts.h"

#define DIR_MASK                                                                                                       \
        (IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF |            \
         IN_MOVE_SELF | IN_ONLYDIR)
#define PARENT_MASK (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct Watch {
        sd_event *event;
        sd_event_source *timer;
        char *root;
        void (*changed)(void *userdata);
        void *userdata;
        GPtrArray *dirs; /* of WatchedDir */
        bool short_of_watches; /* the last refresh could not watch all that is there */
};

typedef struct WatchedDir {
        Watch *watch;
        sd_event_source *source;
        char *path;
        char *waits_for; /* not NULL: @path is only watched for the appearance of this name in it */
        bool whole;      /* also for what it becomes, and that it goes */
} WatchedDir;

static void watched_dir_free(WatchedDir *d)
{
        sd_event_source_disable_unref(d->source);
        g_free(d->path);
        g_free(d->waits_for);
        g_free(d);
}

static void watch_arm(Watch *w);
static void watch_arm_in(Watch *w, uint64_t delay_usec);

static bool is_configuration(const char *name)
{
        return g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".yaml.d") ||
               strcmp(name, "policies.d") == 0 || strcmp(name, "rules.d") == 0;
}

/* A new file is of interest when it is complete; a new directory or symlink, or another name of a file, at once. */
static bool is_unfinished(const WatchedDir *d, const struct inotify_event *e)
{
        g_autofree char *path = NULL;
        struct stat st;

        if (!(e->mask & IN_CREATE) || e->mask & IN_ISDIR)
                return false;
        path = g_build_filename(d->path, e->name, NULL);
        return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static int on_inotify(sd_event_source *s, const struct inotify_event *e, void *userdata)
{
        WatchedDir *d = userdata;

        if (e->mask & IN_IGNORED)
                return 0;
        if (d->waits_for && e->len > 0 && (strcmp(e->name, d->waits_for) != 0 || (d->whole && is_unfinished(d, e))))
                return 0;
        if (!d->waits_for && e->len > 0 && (!is_configuration(e->name) || is_unfinished(d, e)))
                return 0;
        watch_arm(d->watch);
        return 0;
}

static int add_dir_as(Watch *w, GPtrArray *dirs, const char *path, const char *waits_for, bool whole)
{
        WatchedDir *d;
        int r;

        if (dirs->len >= WATCH_DIRS_MAX) {
                w->short_of_watches = true;
                return -E2BIG;
        }
        d = g_new0(WatchedDir, 1);
        d->watch = w;
        d->path = g_strdup(path);
        d->waits_for = g_strdup(waits_for);
        d->whole = whole;
        r = sd_event_add_inotify(w->event, &d->source, path, waits_for && !whole ? PARENT_MASK : DIR_MASK, on_inotify, d);
        if (r < 0) {
                watched_dir_free(d);
                w->short_of_watches |= r == -ENOSPC || r == -EMFILE || r == -ENOMEM;
                return r;
        }
        g_ptr_array_add(dirs, d);
        return 0;
}

static int add_dir(Watch *w, GPtrArray *dirs, const char *path, const char *waits_for)
{
        return add_dir_as(w, dirs, path, waits_for, false);
}

/* Watch @path (with @file: for the file of this name in it), or if it is not there, the nearest directory above it for what
 * leads to it. */
static void add_dir_or_parent(Watch *w, GPtrArray *dirs, const char *path, const char *file)
{
        g_autofree char *missing = g_strdup(path);

        if (add_dir_as(w, dirs, path, file, file != NULL) >= 0)
                return;
        while (strlen(missing) > 1) {
                g_autofree char *parent = g_path_get_dirname(missing), *name = g_path_get_basename(missing);

                if (add_dir(w, dirs, parent, name) >= 0) {
                        /* It may have come between the two attempts. */
                        if (g_file_test(missing, G_FILE_TEST_EXISTS) && add_dir_as(w, dirs, missing, file, file != NULL) >= 0)
                                watch_arm(w);
                        return;
                }
                g_free(missing);
                missing = g_steal_pointer(&parent);
        }
}

static void add_fragment_dirs(Watch *w, GPtrArray *dirs, const char *path)
{
        DIR *dir = opendir(path);
        struct dirent *e;

        if (!dir)
                return;
        while ((e = readdir(dir))) {
                g_autofree char *sub = NULL;

                if (!g_str_has_suffix(e->d_name, ".yaml.d"))
                        continue;
                sub = g_build_filename(path, e->d_name, NULL);
                (void)add_dir(w, dirs, sub, NULL); /* fails for what is no directory */
        }
        closedir(dir);
}

/* New watches first, then the old ones go: the kernel keeps one watch for both, so nothing is missed in between. */
static void watch_refresh(Watch *w)
{
        static const char *const bases[] = {"/etc/varmor", "/run/varmor", "/usr/lib/varmor"};
        static const char *const subs[] = {"policies.d", "rules.d"};
        GPtrArray *dirs = g_ptr_array_new_with_free_func((GDestroyNotify)watched_dir_free), *old = w->dirs;

        w->short_of_watches = false;

        for (size_t i = 0; i < G_N_ELEMENTS(bases); i++) {
                g_autofree char *base = g_strconcat(w->root, bases[i], NULL);

                add_dir_or_parent(w, dirs, base, NULL);
                add_fragment_dirs(w, dirs, base);
                for (size_t k = 0; k < G_N_ELEMENTS(subs); k++) {
                        g_autofree char *sub = g_build_filename(base, subs[k], NULL);

                        (void)add_dir(w, dirs, sub, NULL); /* if it is not there, @base tells when it comes */
                        add_fragment_dirs(w, dirs, sub);
                }
        }
        for (const char *const *f = facts_kubeconfigs(); *f; f++) {
                g_autofree char *path = g_strconcat(w->root, *f, NULL), *dir = g_path_get_dirname(path);

                add_dir_or_parent(w, dirs, dir, strrchr(path, '/') + 1);
        }
        w->dirs = dirs;
        g_clear_pointer(&old, g_ptr_array_unref);
        if (w->short_of_watches)
                watch_arm_in(w, WATCH_POLL_USEC);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        Watch *w = userdata;

        w->timer = sd_event_source_disable_unref(w->timer);
        watch_refresh(w);
        w->changed(w->userdata);
        return 0;
}

static void watch_arm_in(Watch *w, uint64_t delay_usec)
{
        if (sd_event_add_time_relative(w->event, &w->timer, CLOCK_MONOTONIC, delay_usec, 0, on_timer, w) < 0)
                w->changed(w->userdata);
}

static void watch_arm(Watch *w)
{
        /* While watches are short, the timer is that of the next look: a change need not wait for it. */
        if (w->timer && w->short_of_watches) {
                w->timer = sd_event_source_disable_unref(w->timer);
                w->short_of_watches = false;
        }
        if (!w->timer)
                watch_arm_in(w, WATCH_DELAY_USEC);
}

int watch_new(sd_event *event, const char *root, void (*changed)(void *userdata), void *userdata, Watch **ret)
{
        Watch *w = g_new0(Watch, 1);

        w->event = sd_event_ref(event);
        w->root = g_strdup(root ? root : "");
        w->changed = changed;
        w->userdata = userdata;
        watch_refresh(w);
        *ret = w;
        return 0;
}

void watch_free(Watch *w)
{
        if (!w)
                return;
        sd_event_source_disable_unref(w->timer);
        g_clear_pointer(&w->dirs, g_ptr_array_unref);
        sd_event_unref(w->event);
        g_free(w->root);
        g_free(w);
}
