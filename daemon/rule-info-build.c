/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Catalogue -> RuleInfo: what the loader's child makes of it. See rule-info.h. */

#include <string.h>

#include "policy-parse.h"
#include "rule-info.h"

/* ---- what a rule says ------------------------------------------------------------------------------------------------------ */

static RuleInfo *describe(const NamedRule *n)
{
        RuleInfo *r = rule_info_new();

        r->id = g_strdup(n->id);
        r->aliases = n->aliases ? g_strdupv(n->aliases) : g_new0(char *, 1);
        r->category = n->category;
        r->pos = n->pos;
        r->local = n->local;
        r->description = g_strdup(n->description);
        r->principle = g_strdup(n->principle);
        r->impact = g_strdup(n->impact);
        r->references = n->references ? g_strdupv(n->references) : g_new0(char *, 1);
        for (guint i = 0; i < n->ops->len; i++) {
                const Rule *rule = n->ops->pdata[i];
                RuleInfoOp *o = g_new0(RuleInfoOp, 1);

                o->summary = rule_summary(rule);
                o->only = rule->only;
                g_ptr_array_add(r->ops, o);
        }
        return r;
}

static void digest_text(GChecksum *sum, const char *text)
{
        g_checksum_update(sum, (const guchar *)(text ?: ""), -1);
        g_checksum_update(sum, (const guchar *)"", 1);
}

static void digest_texts(GChecksum *sum, char **texts)
{
        for (; texts && *texts; texts++)
                digest_text(sum, *texts);
        digest_text(sum, NULL);
}

static void digest_rules(const Catalogue *c, char ret[static 65])
{
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

        for (guint i = 0; i < c->rules->len; i++) {
                const NamedRule *n = c->rules->pdata[i];
                g_autofree char *where = g_strdup_printf("%s:%u:%d:%d", n->pos.file, n->pos.line, n->local, n->category);

                digest_text(sum, n->id);
                digest_text(sum, where);
                digest_text(sum, n->description);
                digest_text(sum, n->principle);
                digest_text(sum, n->impact);
                digest_text(sum, n->unenforceable);
                digest_texts(sum, n->aliases);
                digest_texts(sum, n->references);
                for (guint k = 0; k < n->ops->len; k++) {
                        const Rule *rule = n->ops->pdata[k];
                        g_autofree char *summary = rule_summary(rule), *only = g_strdup_printf("%u", rule->only);

                        digest_text(sum, summary);
                        digest_text(sum, only);
                        digest_text(sum, rule->unenforceable);
                }
        }
        g_strlcpy(ret, g_checksum_get_string(sum), 65);
}

/* ---- what the enforcers say ------------------------------------------------------------------------------------------------ */

/* A policy that has this rule alone. */
static Policy *policy_of(const NamedRule *n, EnforcerKind k)
{
        Policy *p = policy_new();

        p->name = g_strdup(n->id);
        p->full_name = g_strdup(n->id);
        p->mode = MODE_ENHANCE_PROTECT;
        p->privileged = true;
        p->enforcers = 1U << k;
        (void)policy_add_named(p, n, RULE_BUILT_IN, &n->pos, NULL);
        policy_seal(p);
        return p;
}

/* Where an enforcer does not mean quite the same, its compiler warns: "the rule 'ID': SENTENCE". */
static char *note_in(const Diag *d)
{
        for (guint i = 0; i < d->messages->len; i++) {
                const DiagMessage *m = d->messages->pdata[i];
                const char *text = g_strcmp0(m->code, "apparmor-differs") == 0 ? strstr(m->text, "': ") : NULL;

                if (text)
                        return g_strdup(text + strlen("': "));
        }
        return NULL;
}

static char *why_not(const Rule *rule, const Profile *profile, guint i, const Diag *d)
{
        if (rule->unenforceable)
                return g_strdup(rule->unenforceable);
        if (!profile)
                return g_strdup(d->messages->len > 0 ? ((const DiagMessage *)d->messages->pdata[0])->text : "it cannot be compiled");
        return profile->why_not && i < profile->why_not->len ? g_strdup(profile->why_not->pdata[i]) : NULL;
}

/* What is allowed means something in allow-lists alone, which are not asked for one by one. */
static bool allows(const NamedRule *n)
{
        for (guint i = 0; i < n->ops->len; i++)
                if (((const Rule *)n->ops->pdata[i])->qualifiers & RULE_ALLOW)
                        return true;
        return false;
}

static void ask(RuleInfo *r, const NamedRule *n, const EnforcerOps *ops)
{
        EnforcerAbility can = {.kinds = ops->kinds, .modes = ops->modes};
        g_autoptr(Policy) p = policy_of(n, ops->kind);
        g_autoptr(Profile) profile = NULL;
        g_autoptr(Diag) d = diag_new();
        unsigned n_for_it = 0, n_done = 0;
        bool asked = !allows(n);

        if (asked)
                (void)ops->compile(p, &profile, d);
        for (guint i = 0; i < r->ops->len; i++) {
                const Rule *rule = n->ops->pdata[i];
                RuleInfoOp *o = r->ops->pdata[i];

                if (o->only && !(o->only & 1U << ops->kind))
                        continue;
                n_for_it++;
                o->why_not[ops->kind] = rule_why_not(rule, ops->kind, &can);
                if (!o->why_not[ops->kind] && asked)
                        o->why_not[ops->kind] = why_not(rule, profile, i, d);
                if (o->why_not[ops->kind])
                        continue;
                o->enforced_by |= 1U << ops->kind;
                n_done++;
        }
        if (n_done > 0 && n_done == n_for_it)
                r->enforced_by |= 1U << ops->kind;
        if (n_done > 0)
                r->notes[ops->kind] = note_in(d);
}

GPtrArray *rule_infos_build(const Catalogue *c, const EnforcerOps *const *enforcers, const char *known, char ret_digest[static 65])
{
        GPtrArray *rules;

        digest_rules(c, ret_digest);
        if (g_strcmp0(ret_digest, known) == 0)
                return NULL;
        rules = rule_infos_new();

        for (guint i = 0; i < c->rules->len; i++) {
                const NamedRule *n = c->rules->pdata[i];
                RuleInfo *r = describe(n);

                for (const EnforcerOps *const *o = enforcers; *o; o++)
                        ask(r, n, *o);
                g_ptr_array_add(rules, r);
        }
        return rules;
}
