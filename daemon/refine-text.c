/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Refine: rules in the words of the language, and why they are proposed. */

#include <string.h>
#include <time.h>

#include "alarm.h"
#include "apparmor/aare.h"
#include "refine.h"

static char *permissions(OpKind kind, uint64_t perms)
{
        g_autofree char *words = requested_to_string(kind, (uint32_t)perms);
        g_auto(GStrv) list = g_strsplit(words, ",", -1);

        return g_strjoinv(", ", list);
}

char *refine_file_text(const char *pattern, uint64_t perms)
{
        g_autofree char *quoted = refine_quote(pattern), *words = permissions(OP_FILE, perms);

        return g_strdup_printf("{pattern: %s, permissions: [%s]}", quoted, words);
}

char *refine_ptrace_text(uint64_t perms)
{
        g_autofree char *words = permissions(OP_PTRACE, perms);

        return g_strdup_printf("{strictMode: true, permissions: [%s], qualifiers: [allow]}", words);
}

/* As AppArmor's profiles are made from models: who writes may link, and locks. */
static char *apparmor_file_text(const char *pattern, uint64_t perms)
{
        g_autoptr(GPtrArray) expressions = g_ptr_array_new_with_free_func(g_free);
        bool executed = perms & REFINE_EXECUTED;
        g_autofree char *words = g_strconcat(executed || perms & PERM_EXEC ? "m" : "", executed || perms & PERM_READ ? "r" : "",
                                             perms & PERM_WRITE ? "wl" : perms & PERM_APPEND ? "a" : "", executed ? "" : "k",
                                             executed ? "ix" : "", NULL);
        g_autoptr(GString) s = g_string_new(NULL);
        g_autofree char *quoted = NULL;

        if (aare_from_pattern(pattern, expressions) < 0)
                return NULL;
        for (guint i = 0; i < expressions->len; i++)
                g_string_append_printf(s, "%s%s %s,", i > 0 ? "\n" : "", (const char *)expressions->pdata[i], words);
        quoted = refine_quote(s->str);
        return g_strdup_printf("{rules: %s}", quoted);
}

static gint compare_rules(gconstpointer a, gconstpointer b)
{
        const RefineRule *x = *(RefineRule *const *)a, *y = *(RefineRule *const *)b;

        return x->section != y->section ? (int)x->section - (int)y->section : strcmp(x->text, y->text);
}

static gint compare_suggestions(gconstpointer a, gconstpointer b)
{
        return strcmp((*(RefineSuggestion *const *)a)->text, (*(RefineSuggestion *const *)b)->text);
}

/* A rule of an earlier fragment is known by its text alone. */
static void drop_repeated(Refine *r)
{
        for (guint i = 1; i < r->rules->len;) {
                RefineRule *a = r->rules->pdata[i - 1], *b = r->rules->pdata[i];

                if (a->section != b->section || strcmp(a->text, b->text) != 0) {
                        i++;
                        continue;
                }
                a->before |= b->before;
                if (b->before && !a->comment)
                        a->comment = g_steal_pointer(&b->comment);
                g_ptr_array_remove_index(r->rules, i);
        }
}

void refine_finish(Refine *r)
{
        for (guint i = 0; i < r->rules->len;) {
                RefineRule *rule = r->rules->pdata[i];

                if (rule->pattern) {
                        /* That of an earlier fragment stays, if nothing is added. */
                        if (rule->before) {
                                i++;
                                continue;
                        }
                        g_free(rule->text);
                        rule->text = rule->section == REFINE_APPARMOR ? apparmor_file_text(rule->pattern, rule->perms)
                                                                      : refine_file_text(rule->pattern, rule->perms);
                } else if (rule->section == REFINE_PTRACE) {
                        g_free(rule->text);
                        rule->text = refine_ptrace_text(rule->perms);
                }
                if (rule->text)
                        i++;
                else
                        g_ptr_array_remove_index(r->rules, i);
        }
        g_hash_table_remove_all(r->by_key);
        g_ptr_array_sort(r->rules, compare_rules);
        drop_repeated(r);
        g_ptr_array_sort(r->suggestions, compare_suggestions);
}

static char *time_text(uint64_t usec, const char *format)
{
        time_t t = (time_t)(usec / G_USEC_PER_SEC);
        char text[32] = "";
        struct tm tm;

        if (gmtime_r(&t, &tm))
                (void)strftime(text, sizeof(text), format, &tm);
        return g_strdup(text);
}

char *refine_evidence(const RefineRule *r)
{
        g_autofree char *first = time_text(r->first_usec, "%Y-%m-%d %H:%M:%S"), *last = time_text(r->last_usec, "%Y-%m-%d %H:%M:%S");
        g_autoptr(GString) actions = g_string_new(NULL), s = g_string_new(NULL);
        bool once = r->first_usec / G_USEC_PER_SEC == r->last_usec / G_USEC_PER_SEC;
        const char *name = "";

        for (int a = 0; a < _ACTION_MAX; a++)
                if (r->actions >> a & 1)
                        g_string_append_printf(actions, "%s%s", actions->len > 0 ? ", " : "", action_to_string((Action)a));
        for (int e = 0; e < _ENFORCER_KIND_MAX; e++)
                if (r->enforcers >> e & 1)
                        name = enforcer_kind_to_string((EnforcerKind)e);
        g_string_append_printf(s, "%" G_GUINT64_FORMAT " time%s, %s%s%s UTC, by %s%s%s; %s by %s", r->count, r->count == 1 ? "" : "s", first,
                               once ? "" : " to ", once ? "" : last, r->comm && *r->comm ? r->comm : "?", r->unit && *r->unit ? " in " : "",
                               r->unit ?: "", actions->str, name);
        if (r->exact)
                g_string_append_printf(s, "; it was %s", r->exact);
        if (r->note)
                g_string_append_printf(s, "; allows %s", r->note);
        return g_string_free(g_steal_pointer(&s), FALSE);
}
