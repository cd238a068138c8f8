/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Answer: which rule of a policy spoke, see compile.h. */

#include <errno.h>
#include <string.h>

#include "compile.h"
#include "table.h"

/* The number of the child profile that a record names; 0: the parent. */
static uint32_t group_in(const char *profile)
{
        const char *g = profile ? g_strrstr(profile, "//g") : NULL;

        return g ? (uint32_t)g_ascii_strtoull(g + 3, NULL, 10) : 0;
}

typedef struct RuleName {
        uint32_t group, rule;
        const char *id; /* "": no raw text */
} RuleName;

static RuleName rule_name(const AaBlob *blob, guint i)
{
        char *p = NULL;
        RuleName n = {.group = (uint32_t)g_ascii_strtoull(blob->names->pdata[i], &p, 10)};

        n.rule = (uint32_t)g_ascii_strtoull(p, &p, 10);
        n.id = *p == ' ' ? p + 1 : p;
        return n;
}

static char *raw_names(const AaBlob *blob, uint32_t group)
{
        GString *s = g_string_new(NULL);

        for (guint i = 0; i < blob->names->len; i++) {
                RuleName n = rule_name(blob, i);

                if (n.group == group && *n.id)
                        g_string_append_printf(s, "%s%s", s->len ? ", " : "", n.id);
        }
        return g_string_free(s, s->len == 0);
}

/* Is rule number @rule one of child profile @group? */
static bool in_group(const AaBlob *blob, uint32_t group, uint32_t rule)
{
        for (guint i = 0; i < blob->names->len; i++) {
                RuleName n = rule_name(blob, i);

                if (n.group == group && n.rule == rule)
                        return true;
        }
        return false;
}

static const struct va_accept *find_accept(const struct va_table *t, uint32_t kind, uint32_t start, const char *object)
{
        g_autofree char *dir = NULL;
        const struct va_accept *a = table_match(t, kind, start, object);
        size_t n = strlen(object);

        if (a || n < 2 || object[n - 1] != '/')
                return a;
        dir = g_strndup(object, n - 1);
        return table_match(t, kind, start, dir);
}

static void take_accept(const AaBlob *blob, const struct va_accept *a, uint32_t group, const ApparmorQuery *q, ApparmorAnswer *ret)
{
        for (unsigned bit = 0; bit < 4; bit++) {
                uint32_t p = 1U << bit;

                if (!(q->perms & p) || !((a->deny | a->log) & p) || (group > 0 && !in_group(blob, group, a->rule[bit])))
                        continue;
                /* Of several the one that denies and reports, as in the kernel. */
                if (ret->rule >= 0 && !(a->deny & a->log & p))
                        continue;
                ret->rule = a->rule[bit];
                ret->deny = a->deny & p;
                ret->log = a->log & p;
                ret->quiet = !ret->log;
        }
}

void apparmor_rule_of(const AaBlob *blob, const ApparmorQuery *q, ApparmorAnswer *ret)
{
        gsize size;
        const struct va_table *t = g_bytes_get_data(blob->table, &size);
        uint32_t group = group_in(q->profile), last;

        *ret = (ApparmorAnswer){.rule = -ENOENT};
        /* The children's numbers are not those of the table's groups: raw text has a child, and no group. */
        last = group > 0 && size > 0 ? t->n_groups : 0;
        for (uint32_t start = group > 0 ? 1 : 0; size > 0 && q->kind < VA_KIND_MAX && start <= last; start++) {
                const struct va_accept *a = find_accept(t, q->kind, start, q->object);

                if (a)
                        take_accept(blob, a, group, q, ret);
        }
        if (ret->rule < 0)
                ret->names = raw_names(blob, group);
}
