/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Events: which rule of a policy an AppArmor record is about. */

#include <stdlib.h>

#include "audit/explain.h"
#include "internal.h"

static char **in_force(void *userdata)
{
        return enforcer_policies(userdata);
}

/* "g1": the group of rules with the same targets that the process is in; 0: it is not known. */
static uint32_t group_of(const char *child)
{
        return child && *child == 'g' ? (uint32_t)strtoul(child + 1, NULL, 10) : 0;
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

static bool explain(void *userdata, const AuditWords *w, const char *child, EnforcerEvent *event, char **ret_rule_name)
{
        Enforcer *e = userdata;
        g_autofree char *profile = apparmor_profile_name(event->policy);
        const Loaded *l = enforcer_loaded(e, profile);
        gsize size = 0;
        const void *table;

        if (!l)
                return true;
        g_strlcpy(event->digest, l->digest, sizeof(event->digest));
        table = g_bytes_get_data(l->blob->table, &size);
        if (audit_is_quiet(size > 0 ? table : NULL, group_of(child), w))
                return false;
        if (!audit_explain(size > 0 ? table : NULL, group_of(child), w, event))
                *ret_rule_name = name_raw(l, child, w);
        return true;
}

const AuditHooks apparmor_audit_hooks = {
        .enforcer = ENFORCER_APPARMOR,
        .policies = in_force,
        .explain = explain,
};
