/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Running workloads against what is bound. A process is under what was bound when it was started, so its age decides; for
 * AppArmor, the label that it carries. See restarts.h. */

#include "restarts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "containers.h"
#include "manager-internal.h"
#include "target.h"
#include "util.h"

#define CGROUP_MOUNT "/sys/fs/cgroup"
#define LOOSE_MAX 256U
#define PROCESSES_MAX 4096U /* of one cgroup that are looked at */

/* One policy that binds something. */
typedef struct Find {
        const Manager *m;
        const char *policy;
        uint32_t enforcers; /* that bind something of it */
        char *profile;      /* its name for AppArmor */
        GHashTable *found;  /* unit -> Loose */
        GPtrArray *containers; /* of Container; NULL: the policy is for others */
} Find;

void loose_free(Loose *l)
{
        if (!l)
                return;
        g_free(l->unit);
        g_free(l->reason);
        g_free(l);
}

/* ---- one process ------------------------------------------------------------------------------------------------------------ */

/* proc(5): the 22nd field, in ticks since the boot; the second is in parentheses and may hold anything. 0: it is gone. */
static uint64_t started_usec(pid_t pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%i/stat", (int)pid), *text = NULL;
        const char *p;
        uint64_t ticks;

        if (!g_file_get_contents(path, &text, NULL, NULL) || !(p = strrchr(text, ')')))
                return 0;
        for (unsigned i = 0; i < 20; i++) {
                p = strchr(p, ' ');
                if (!p)
                        return 0;
                p++;
        }
        ticks = g_ascii_strtoull(p, NULL, 10);
        /* The tick may have begun before what happened in it; nobody is taken to be older than he is. */
        return (ticks + 1) * G_USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* "a//&b (enforce)": is @profile one of them, or a child of one of them its? */
static bool label_holds(const char *label, const char *profile)
{
        g_auto(GStrv) parts = g_strsplit(label, "//&", -1);
        size_t n = strlen(profile);

        for (char **p = parts; *p; p++)
                if (strncmp(*p, profile, n) == 0 && ((*p)[n] == '\0' || (*p)[n] == ' ' || g_str_has_prefix(*p + n, "//")))
                        return true;
        return false;
}

static bool has_profile(pid_t pid, const char *profile)
{
        g_autofree char *path = g_strdup_printf("/proc/%i/attr/apparmor/current", (int)pid), *label = NULL;

        if (!g_file_get_contents(path, &label, NULL, NULL))
                return errno == ENOENT || errno == ESRCH; /* gone */
        return label_holds(g_strchomp(label), profile);
}

/* ---- one cgroup -------------------------------------------------------------------------------------------------------------- */

/* Since when what starts there is under the list of system calls; 0: it is not. */
static uint64_t filtered_since(const Find *f, const char *path, const char *unit)
{
        if (!f->containers)
                return binder_since(f->m->binder, unit, f->policy, ENFORCER_SECCOMP);
        if (containers_bound(f->containers, path, f->policy) & 1U << ENFORCER_SECCOMP)
                return MAX(binder_changed(f->m->binder, f->policy, ENFORCER_SECCOMP), 1);
        return 0;
}

static uint32_t process_lacks(const Find *f, pid_t pid, const char *path, const char *unit)
{
        uint64_t started = started_usec(pid);
        uint32_t lacks = 0;

        if (started == 0)
                return 0;
        if (f->enforcers & 1U << ENFORCER_APPARMOR && !has_profile(pid, f->profile))
                lacks |= 1U << ENFORCER_APPARMOR;
        if (f->enforcers & 1U << ENFORCER_SECCOMP) {
                uint64_t since = filtered_since(f, path, unit);

                if (since == 0 || started < since)
                        lacks |= 1U << ENFORCER_SECCOMP;
        }
        return lacks;
}

static uint32_t cgroup_lacks(const Find *f, const char *path, const char *unit)
{
        g_autofree char *name = g_strconcat(CGROUP_MOUNT, path, "/cgroup.procs", NULL);
        autofile FILE *procs = fopen(name, "re");
        uint32_t lacks = 0;
        char buffer[32];

        for (unsigned i = 0; procs && i < PROCESSES_MAX && lacks != f->enforcers && fgets(buffer, sizeof(buffer), procs); i++)
                lacks |= process_lacks(f, atoi(buffer), path, unit);
        return lacks;
}

static const Unbound *find_unbound(const Find *f, const char *unit)
{
        const GPtrArray *all = binder_unbound(f->m->binder);

        for (guint i = 0; i < all->len; i++) {
                const Unbound *u = all->pdata[i];

                if (strcmp(u->unit, unit) == 0 && strcmp(u->policy, f->policy) == 0)
                        return u;
        }
        return NULL;
}

static bool is_bound(const Find *f, const char *unit)
{
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (f->enforcers & 1U << k && binder_since(f->m->binder, unit, f->policy, k) == 0)
                        return false;
        return true;
}

static void look_at(Find *f, const char *path)
{
        g_autofree char *unit = NULL;
        bool service;
        uint32_t lacks;
        Loose *l;

        unit = cgroup_to_unit(path);
        if (bindings_is_run_unit(unit))
                return; /* varmorctl starts nothing there but under all that binds */
        service = g_str_has_suffix(unit, ".service");
        lacks = cgroup_lacks(f, path, unit);
        if (lacks == 0)
                return;
        if (!service) {
                g_free(unit);
                unit = g_strdup(path);
        }
        l = g_hash_table_lookup(f->found, unit);
        if (!l) {
                const Unbound *u = find_unbound(f, unit);

                if (g_hash_table_size(f->found) >= LOOSE_MAX)
                        return;
                l = g_new0(Loose, 1);
                l->unit = g_strdup(unit);
                l->restart = service && is_bound(f, unit);
                if (!l->restart)
                        l->reason = g_strdup(u         ? u->reason
                                             : f->containers ? "this container was started without it"
                                             : service ? "systemd has no file of this service that could be added to"
                                                       : "systemd starts no command in it");
                g_hash_table_insert(f->found, l->unit, l);
        }
        l->enforcers |= lacks;
}

/* ---- all of them -------------------------------------------------------------------------------------------------------------- */

static void find_free(void *p)
{
        Find *f = p;

        if (!f)
                return;
        g_free(f->profile);
        g_hash_table_unref(f->found);
        g_clear_pointer(&f->containers, g_ptr_array_unref);
        g_free(f);
}

/* NULL: @policy binds nothing. */
static Find *find_new(const Manager *m, const char *policy)
{
        const Entry *e = manager_entry(m, policy);
        g_autofree char *name = NULL;
        uint32_t enforcers = 0;
        Find *f;

        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (m->slots[k].enforcer && m->slots[k].ops->flags & ENFORCER_AT_EXEC && binder_binds(m->binder, policy, k))
                        enforcers |= 1U << k;
        if (enforcers == 0)
                return NULL;
        name = policy_bind_name(policy);
        f = g_new0(Find, 1);
        *f = (Find){.m = m, .policy = policy, .enforcers = enforcers, .profile = g_strconcat("varmor.", name, NULL),
                    .found = g_hash_table_new(g_str_hash, g_str_equal)};
        if (e && e->pub.current && e->pub.current->target.kind == TARGET_CONTAINER)
                f->containers = containers_load(m->root);
        return f;
}

typedef struct Walk {
        const Manager *m;
        GPtrArray *finds; /* by the index of the targets */
} Walk;

static int visit(const char *path, void *userdata)
{
        const Walk *w = userdata;
        const struct va_cover *cover = manager_cover(w->m, path);

        for (uint32_t i = 0; cover && i < MIN(cover->n, VA_COVER_MAX); i++)
                if (cover->slot[i] < w->finds->len && w->finds->pdata[cover->slot[i]])
                        look_at(w->finds->pdata[cover->slot[i]], path);
        return 0;
}

static int compare_loose(gconstpointer a, gconstpointer b)
{
        return strcmp((*(const Loose *const *)a)->unit, (*(const Loose *const *)b)->unit);
}

static GPtrArray *take_found(const Find *f)
{
        GPtrArray *out = g_ptr_array_new_with_free_func((GDestroyNotify)loose_free);
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, f->found);
        while (g_hash_table_iter_next(&i, NULL, &value))
                g_ptr_array_add(out, value);
        g_ptr_array_sort(out, compare_loose);
        return out;
}

GHashTable *restarts_find(const Manager *m)
{
        GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
        g_autoptr(GPtrArray) finds = g_ptr_array_new_with_free_func(find_free);
        Walk w = {.m = m, .finds = finds};

        if (!m->targets || !m->target_policies)
                return all;
        for (char **name = m->target_policies; *name; name++)
                g_ptr_array_add(finds, find_new(m, *name));
        (void)cgroup_walk(CGROUP_MOUNT, visit, &w); /* what could be seen counts */
        for (guint i = 0; i < finds->len; i++) {
                const Find *f = finds->pdata[i];

                if (f)
                        g_hash_table_replace(all, g_strdup(f->policy), take_found(f));
        }
        return all;
}
