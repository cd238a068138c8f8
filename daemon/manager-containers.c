/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manager, towards container engines: the file from which their hook knows the policies of kind Container, and the answer to the
 * question under what a cgroup is, which need not exist yet. */

#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "containers.h"
#include "manager-internal.h"
#include "messages.h"
#include "bpf/table.h"

/* What of @e is in force, or about to be, and can be had here. */
static uint32_t enforcers_of(const Manager *m, const Entry *e)
{
        const BundlePolicy *p = e->pub.current;
        uint32_t mask = 0;

        for (EnforcerKind k = 0; p && p->valid && k < _ENFORCER_KIND_MAX; k++)
                if (bundle_policy_enforcers(p) & 1U << k && slot_serves(&m->slots[k], p->mode) && !profile_is_empty(p->profiles[k]))
                        mask |= 1U << k;
        return mask;
}

static GPtrArray *container_policies(Manager *m)
{
        GPtrArray *out = g_ptr_array_new_with_free_func((GDestroyNotify)container_policy_free);
        g_autoptr(GPtrArray) policies = manager_policies(m);

        for (guint i = 0; i < policies->len; i++) {
                const Entry *e = policies->pdata[i]; /* the first member is what manager_policies() gives */
                const BundlePolicy *p = e->pub.current;
                uint32_t enforcers = enforcers_of(m, e);
                ContainerPolicy *c;

                if (enforcers == 0 || p->target.kind != TARGET_CONTAINER || e->gone)
                        continue;
                c = g_new0(ContainerPolicy, 1);
                *c = (ContainerPolicy){
                        .full_name = g_strdup(p->full_name),
                        .slice = g_strdup(p->slice),
                        .target = {.kind = TARGET_CONTAINER, .name = g_strdup(p->target.name)},
                        .enforcers = enforcers,
                        .fail_open = p->fail_open,
                };
                if (p->target.selector)
                        c->target.selector = g_ptr_array_ref(p->target.selector); /* nobody changes it */
                g_ptr_array_add(out, c);
        }
        return out;
}

void manager_publish_containers(Manager *m)
{
        g_autoptr(GPtrArray) policies = container_policies(m);
        g_autofree char *path = g_strconcat(m->root, CONTAINER_POLICIES_FILE, NULL);
        g_autoptr(GBytes) bytes = NULL, before = NULL;
        int r;

        if (policies->len == 0) {
                (void)unlink(path);
                return;
        }
        bytes = container_policies_to_bytes(policies);
        before = containers_read_file(path, CONTAINER_POLICIES_BYTES_MAX);
        if (before && g_bytes_equal(before, bytes))
                return;
        r = containers_write_file(path, bytes);
        if (r < 0)
                journal_log(m->journal, LOG_ERR, MESSAGE_POLICY_DEGRADED, NULL,
                            "Which policies are for containers cannot be written to %s, and container engines do not know of "
                            "them: %s",
                            CONTAINER_POLICIES_FILE, strerror(-r));
}

uint32_t manager_in_force(const Manager *m, const char *full_name)
{
        const Entry *e = manager_entry(m, full_name);
        uint32_t mask = e && !e->gone && !e->failure ? enforcers_of(m, e) : 0;

        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (m->slots[k].ops && m->slots[k].ops->cover && !m->slots[k].covered)
                        mask &= ~(1U << k);
        return mask;
}

char **manager_covers(const Manager *m, const char *cgroup)
{
        const struct va_cover *cover = manager_cover(m, cgroup);
        guint n = m->target_policies ? g_strv_length(m->target_policies) : 0;
        GPtrArray *names = g_ptr_array_new();

        for (uint32_t i = 0; cover && i < MIN(cover->n, VA_COVER_MAX); i++)
                if (cover->slot[i] < n)
                        g_ptr_array_add(names, g_strdup(m->target_policies[cover->slot[i]]));
        g_ptr_array_add(names, NULL);
        return (char **)g_ptr_array_free(names, FALSE);
}
