/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* RuleInfo: see rule-info.h. */

#include "rule-info.h"

#include <string.h>

static void rule_info_op_free(RuleInfoOp *o)
{
        g_free(o->summary);
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                g_free(o->why_not[k]);
        g_free(o);
}

RuleInfo *rule_info_new(void)
{
        RuleInfo *r = g_new0(RuleInfo, 1);

        r->ops = g_ptr_array_new_with_free_func((GDestroyNotify)rule_info_op_free);
        return r;
}

void rule_info_free(RuleInfo *r)
{
        if (!r)
                return;
        g_free(r->id);
        g_strfreev(r->aliases);
        g_free(r->description);
        g_free(r->principle);
        g_free(r->impact);
        g_strfreev(r->references);
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                g_free(r->notes[k]);
        g_clear_pointer(&r->ops, g_ptr_array_unref);
        g_free(r);
}

GPtrArray *rule_infos_new(void)
{
        return g_ptr_array_new_with_free_func((GDestroyNotify)rule_info_free);
}

/* ---- looking up ------------------------------------------------------------------------------------------------------------ */

const RuleInfo *rule_infos_find(const GPtrArray *rules, const char *name)
{
        g_autofree char *id = strlen(name) <= CATALOGUE_ID_BYTES_MAX ? rule_id_fold(name) : NULL;

        for (guint i = 0; id && i < rules->len; i++) {
                const RuleInfo *r = rules->pdata[i];

                if (strcmp(r->id, id) == 0 || g_strv_contains((const char *const *)r->aliases, id))
                        return r;
        }
        return NULL;
}

const char *rule_infos_suggest(const GPtrArray *rules, const char *name)
{
        g_autofree char *id = strlen(name) <= CATALOGUE_ID_BYTES_MAX ? rule_id_fold(name) : NULL;
        g_autoptr(GPtrArray) names = g_ptr_array_new();

        for (guint i = 0; i < rules->len; i++) {
                const RuleInfo *r = rules->pdata[i];

                g_ptr_array_add(names, r->id);
                for (char **a = r->aliases; *a; a++)
                        g_ptr_array_add(names, *a);
        }
        g_ptr_array_add(names, NULL);
        return id ? diag_suggest(id, (const char *const *)names->pdata) : NULL;
}
