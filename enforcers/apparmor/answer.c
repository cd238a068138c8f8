/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Answer: which rule of a policy spoke, see compile.h. */

#include <errno.h>
#include <string.h>

#include "compile.h"
#include "table.h"

/* The child profile that a record names; CHILD_NONE: the parent, or what only somebody's own text knows. */
static const char *child_in(const char *profile)
{
        const char *child = profile ? g_strrstr(profile, "//t") : NULL;

        return child && strlen(child) == 3 + CHILD_NAME_DIGITS ? child + 2 : CHILD_NONE;
}

typedef struct RuleName {
        const char *child;
        size_t child_bytes;
        uint32_t rule;
        const char *id; /* "": no raw text */
} RuleName;

static RuleName rule_name(const AaBlob *blob, guint i)
{
        char *p = blob->names->pdata[i];
        RuleName n = {.child = p, .child_bytes = strcspn(p, " ")};

        n.rule = (uint32_t)g_ascii_strtoull(p + n.child_bytes, &p, 10);
        n.id = *p == ' ' ? p + 1 : p;
        return n;
}

static bool is_in(const RuleName *n, const char *child)
{
        return strlen(child) == n->child_bytes && memcmp(child, n->child, n->child_bytes) == 0;
}

static char *raw_names(const AaBlob *blob, const char *child)
{
        GString *s = g_string_new(NULL);

        for (guint i = 0; i < blob->names->len; i++) {
                RuleName n = rule_name(blob, i);

                if (is_in(&n, child) && *n.id)
                        g_string_append_printf(s, "%s%s", s->len ? ", " : "", n.id);
        }
        return g_string_free(s, s->len == 0);
}

bool apparmor_has_raw(const AaBlob *blob)
{
        for (guint i = 0; i < blob->names->len; i++)
                if (*rule_name(blob, i).id)
                        return true;
        return false;
}

bool apparmor_child_has(const AaBlob *blob, const char *profile, uint32_t rule)
{
        const char *child = child_in(profile);
        bool targeted = false;

        for (guint i = 0; i < blob->names->len; i++) {
                RuleName n = rule_name(blob, i);

                if (n.rule == rule && is_in(&n, child))
                        return true;
                targeted |= n.rule == rule;
        }
        return !targeted && strcmp(child, CHILD_NONE) == 0; /* the parent has what is for nobody in particular */
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

static void take_accept(const AaBlob *blob, const struct va_accept *a, const ApparmorQuery *q, ApparmorAnswer *ret)
{
        for (unsigned bit = 0; bit < 4; bit++) {
                uint32_t p = 1U << bit;

                if (!(q->perms & p) || !((a->deny | a->log) & p) || !apparmor_child_has(blob, q->profile, a->rule[bit]))
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
        const char *child = child_in(q->profile);
        bool parent = strcmp(child, CHILD_NONE) == 0;
        uint32_t last;

        *ret = (ApparmorAnswer){.rule = -ENOENT};
        /* The table's groups are of rules with the same targets: a child has those of several. */
        last = !parent && size > 0 ? t->n_groups : 0;
        for (uint32_t start = parent ? 0 : 1; size > 0 && q->kind < VA_KIND_MAX && start <= last; start++) {
                const struct va_accept *a = find_accept(t, q->kind, start, q->object);

                if (a)
                        take_accept(blob, a, q, ret);
        }
        if (ret->rule < 0)
                ret->names = raw_names(blob, child);
}
