/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* UnitFacts: see unit-facts.h. */

#include "unit-facts.h"

#include <string.h>

UnitFact *unit_fact_new(const char *name)
{
        UnitFact *f = g_new0(UnitFact, 1);

        f->name = g_strdup(name);
        f->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
        return f;
}

void unit_fact_free(UnitFact *f)
{
        if (!f)
                return;
        g_free(f->name);
        g_free(f->cgroup);
        g_hash_table_unref(f->values);
        g_free(f);
}

void unit_fact_add_value(UnitFact *f, const char *property, const char *value)
{
        GPtrArray *values = g_hash_table_lookup(f->values, property);

        if (*value == '\0')
                return;
        if (!values) {
                values = g_ptr_array_new_with_free_func(g_free);
                g_hash_table_insert(f->values, g_strdup(property), values);
        }
        if (values->len < UNIT_FACT_VALUES_MAX)
                g_ptr_array_add(values, g_strndup(value, UNIT_FACT_VALUE_BYTES_MAX));
}

UnitFacts *unit_facts_new(void)
{
        UnitFacts *f = g_new0(UnitFacts, 1);

        f->units = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)unit_fact_free);
        return f;
}

void unit_facts_free(UnitFacts *f)
{
        if (!f)
                return;
        g_hash_table_unref(f->units);
        g_strfreev(f->known);
        g_free(f);
}

static bool term_in(const SelectorTerm *t, const GPtrArray *values)
{
        for (guint i = 0; values && i < values->len; i++)
                if (g_strv_contains((const char *const *)t->values, values->pdata[i]))
                        return true;
        return false;
}

static bool term_holds(const SelectorTerm *t, const UnitFact *f)
{
        const GPtrArray *values = g_hash_table_lookup(f->values, t->key);

        switch (t->op) {
        case SELECTOR_IN:
                return term_in(t, values);
        case SELECTOR_NOT_IN:
                return !term_in(t, values);
        case SELECTOR_EXISTS:
                return values != NULL;
        case SELECTOR_DOES_NOT_EXIST:
                return values == NULL;
        default:
                return false;
        }
}

static bool unit_selected(const UnitFact *f, const TargetSpec *t)
{
        const char *suffix = t->kind == TARGET_SLICE ? ".slice" : t->kind == TARGET_SCOPE ? ".scope" : ".service";

        if (!f->cgroup || (t->kind != TARGET_CGROUP && !g_str_has_suffix(f->name, suffix)))
                return false;
        for (guint i = 0; i < t->selector->len; i++)
                if (!term_holds(t->selector->pdata[i], f))
                        return false;
        return true;
}

bool unit_facts_know(const UnitFacts *f, const TargetSpec *t)
{
        if (t->kind == TARGET_CONTAINER)
                return true; /* its selector is over other things */
        for (guint i = 0; t->selector && i < t->selector->len; i++) {
                const SelectorTerm *term = t->selector->pdata[i];

                if (!f->known || !g_strv_contains((const char *const *)f->known, term->key))
                        return false;
        }
        return true;
}

static int compare_strings(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **unit_facts_select(const UnitFacts *f, const TargetSpec *t)
{
        GPtrArray *paths;
        GHashTableIter i;
        gpointer fact;

        if (!t->selector)
                return NULL;
        paths = g_ptr_array_new();
        g_hash_table_iter_init(&i, f->units);
        while (unit_facts_know(f, t) && g_hash_table_iter_next(&i, NULL, &fact))
                if (unit_selected(fact, t))
                        g_ptr_array_add(paths, g_strdup(((const UnitFact *)fact)->cgroup));
        g_ptr_array_sort(paths, compare_strings);
        g_ptr_array_add(paths, NULL);
        return (char **)g_ptr_array_free(paths, FALSE);
}
