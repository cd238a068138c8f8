/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Events: which rule of a policy an AppArmor record is about. */

#include <string.h>

#include "audit/explain.h"
#include "internal.h"

static char **in_force(void *userdata)
{
        return enforcer_policies(userdata);
}

typedef struct Child {
        const AaBlob *blob;
        const char *name;
} Child;

static bool child_has(void *userdata, uint32_t rule)
{
        const Child *child = userdata;

        return aa_blob_child_has(child->blob, child->name, rule);
}

/* Links the kernel always reports; other things that are to be silent because of some other rule, see must_speak() in compile.c. */
static bool explain(void *userdata, const AuditWords *w, const char *child, EnforcerEvent *event, char **ret_rule_name)
{
        Enforcer *e = userdata;
        g_autofree char *parent = apparmor_profile_name(event->policy);
        const Loaded *l = enforcer_loaded(e, parent);
        const struct va_table *table;
        Child which;
        gsize size;
        bool quiet;

        if (!l)
                return true;
        g_strlcpy(event->digest, l->digest, sizeof(event->digest));
        which = (Child){.blob = l->blob, .name = aa_blob_child(l->blob, child)};
        table = g_bytes_get_data(l->blob->table, &size);
        if (!audit_explain(size > 0 ? table : NULL, which.name ? &(AuditChild){child_has, &which} : NULL, w, event, &quiet))
                *ret_rule_name = aa_blob_raw_ids(l->blob, which.name); /* what raw text may have said */
        return !quiet;
}

const AuditHooks apparmor_audit_hooks = {
        .enforcer = ENFORCER_APPARMOR,
        .policies = in_force,
        .explain = explain,
};
