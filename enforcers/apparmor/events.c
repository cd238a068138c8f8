/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Events: which rule of a policy an AppArmor record is about. */

#include <string.h>

#include "audit/explain.h"
#include "internal.h"

static char **in_force(void *userdata)
{
        return enforcer_policies(userdata);
}

/* What raw text may have said. */
static char *name_raw(const Loaded *l, const char *child, const AuditWords *w)
{
        g_autofree char *profile = child ? g_strconcat(l->profile, "//", child, NULL) : g_strdup(l->profile);
        const ApparmorQuery q = {.profile = profile, .kind = w->table_kind, .object = *w->table_objects ? *w->table_objects : "",
                                 .perms = w->table_perms};
        ApparmorAnswer answer = {0};

        apparmor_rule_of(l->blob, &q, &answer);
        return answer.names;
}

/* Rules with targets stand in several groups of the table, and in one child: what is in another has not spoken. */
static bool explain_by_rule(const Loaded *l, const char *child, const AuditWords *w, EnforcerEvent *event)
{
        g_autofree char *profile = child ? g_strconcat(l->profile, "//", child, NULL) : g_strdup(l->profile);
        gsize size = 0;
        const struct va_table *table = g_bytes_get_data(l->blob->table, &size);
        uint32_t first = child ? 1 : 0, last = child && size > 0 ? MAX(table->n_groups, first) : first;
        const EnforcerEvent unexplained = *event;
        EnforcerEvent whole;
        bool found = false;

        for (uint32_t group = first; group <= last; group++) {
                *event = unexplained;
                if (!audit_explain(size > 0 ? table : NULL, group, w, event))
                        continue;
                if (event->rule < 0 || apparmor_child_has(l->blob, profile, (uint32_t)event->rule))
                        return true;
                /* What the whole denies, its child may deny as well: one of its raw rules. */
                if (!found && apparmor_child_has(l->blob, l->profile, (uint32_t)event->rule)) {
                        found = true;
                        whole = *event;
                }
        }
        *event = unexplained;
        if (found)
                *event = whole;
        else
                (void)audit_explain(NULL, 0, w, event);
        return found;
}

/* Links the kernel always reports; other things because of some other rule, see must_speak() in compile.c. */
static bool is_quiet(const Loaded *l, const struct va_table *table, const AuditWords *w)
{
        return (strcmp(w->operation, "link") == 0 || !apparmor_has_raw(l->blob)) && audit_is_quiet(table, 0, w);
}

static bool explain(void *userdata, const AuditWords *w, const char *child, EnforcerEvent *event, char **ret_rule_name)
{
        Enforcer *e = userdata;
        g_autofree char *parent = apparmor_profile_name(event->policy);
        const Loaded *l = enforcer_loaded(e, parent);
        gsize size = 0;
        const void *table;

        if (!l)
                return true;
        g_strlcpy(event->digest, l->digest, sizeof(event->digest));
        table = g_bytes_get_data(l->blob->table, &size);
        if (is_quiet(l, size > 0 ? table : NULL, w))
                return false;
        if (!explain_by_rule(l, child, w, event))
                *ret_rule_name = name_raw(l, child, w);
        return true;
}

const AuditHooks apparmor_audit_hooks = {
        .enforcer = ENFORCER_APPARMOR,
        .policies = in_force,
        .explain = explain,
};
