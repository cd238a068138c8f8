/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policy: whether what it asks for can be put in force by the enforcers that it chose. What they can do is a parameter. */

#include <errno.h>
#include <string.h>

#include "policy.h"
#include "rules.h"

/* What an enforcer could ever express, by the nature of its mechanism. The difference to what it can do now decides
 * between "cannot" and "not in this version". */
static const uint32_t expressible[_ENFORCER_KIND_MAX] = {
        [ENFORCER_APPARMOR] = 1U << OP_FILE | 1U << OP_CAPABILITY | 1U << OP_SOCKET | 1U << OP_PTRACE | 1U << OP_SIGNAL |
                              1U << OP_MOUNT | 1U << OP_USERNS | 1U << OP_TEXT,
        [ENFORCER_BPF] = 1U << OP_FILE | 1U << OP_CAPABILITY | 1U << OP_SOCKET | 1U << OP_EGRESS | 1U << OP_INGRESS |
                         1U << OP_PTRACE | 1U << OP_SIGNAL | 1U << OP_MOUNT | 1U << OP_USERNS | 1U << OP_BPF | 1U << OP_NAMED,
        [ENFORCER_SECCOMP] = 1U << OP_SYSCALL,
};

char *rule_why_not(const Rule *r, EnforcerKind e, const EnforcerAbility *can)
{
        const char *name = enforcer_kind_to_string(e), *kind = op_kind_to_string(r->kind);

        if (r->unenforceable)
                return g_strdup(r->unenforceable);
        if (r->only && !(r->only & (1U << e))) {
                g_autofree char *only = enforcer_mask_to_string(r->only);

                return g_strdup_printf("this entry of the rule is for %s", only);
        }
        if (r->kind == OP_TEXT && r->text.enforcer != e)
                return g_strdup_printf("the text is in the language of %s", enforcer_kind_to_string(r->text.enforcer));
        if (!(expressible[e] & (1U << r->kind)))
                return g_strdup_printf("%s cannot express rules of kind '%s'", name, kind);
        if (e == ENFORCER_SECCOMP && r->targets)
                return g_strdup("a seccomp filter is for a whole process and what it executes: Seccomp cannot express 'targets'");
        if (!(can->kinds & (1U << r->kind)))
                return g_strdup_printf("%s does not enforce rules of kind '%s' in this version", name, kind);

        return NULL;
}

/* The modes that an enforcer must know for @p. */
static uint32_t needed_modes(const Policy *p)
{
        uint32_t need = 1U << p->mode;

        if (policy_builds_on_default(p))
                need |= 1U << MODE_RUNTIME_DEFAULT;
        return need;
}

static char *why_mode(const Policy *p, const char *name, const EnforcerAbility *can)
{
        if (!can->kinds && !can->modes)
                return g_strdup_printf("the enforcer %s is not part of this version", name);
        if (p->mode == MODE_ENHANCE_PROTECT && (can->modes & (1U << MODE_ENHANCE_PROTECT)))
                return g_strdup_printf("EnhanceProtect builds on RuntimeDefault, which %s does not enforce in this version; with "
                                       "'privileged: true' it builds on AlwaysAllow",
                                       name);
        return g_strdup_printf("%s does not enforce the mode %s in this version", name, mode_to_string(p->mode));
}

/* Whatever was chosen, which enforces nothing meanwhile: it is BPF that records. */
static uint32_t check_recorder(const Policy *p, const EnforcerAbility *bpf, Diag *d)
{
        if (bpf->modes & 1U << MODE_BEHAVIOR_MODELING)
                return 1U << ENFORCER_BPF;
        diag_error(d, &p->mode_pos, "not-enforceable", "nothing can be recorded: only BPF sees what a workload does, and %s in this version",
                   bpf->modes || bpf->kinds ? "it does not record" : "it is not there");
        return 0;
}

/* The chosen enforcers that can carry the mode. Reports those that cannot: a warning beside others, else an error. */
static uint32_t check_mode(const Policy *p, const EnforcerAbility can[static _ENFORCER_KIND_MAX], Diag *d)
{
        uint32_t need = needed_modes(p), able = 0;

        if (p->mode == MODE_BEHAVIOR_MODELING)
                return check_recorder(p, &can[ENFORCER_BPF], d);
        for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                if ((p->enforcers & (1U << k)) && (can[k].modes & need) == need)
                        able |= 1U << k;

        for (int k = 0; k < _ENFORCER_KIND_MAX; k++) {
                const char *name = enforcer_kind_to_string((EnforcerKind)k);
                g_autofree char *why = NULL;
                bool absent;

                if (!(p->enforcers & ~able & (1U << k)))
                        continue;
                why = why_mode(p, name, &can[k]);
                absent = !can[k].kinds && !can[k].modes;
                diag_add(d, able ? DIAG_WARNING : DIAG_ERROR, absent ? &p->enforcers_pos : &p->mode_pos, "not-enforceable",
                         able ? "not enforced by %s: %s" : "not enforceable by %s: %s", name, why);
        }

        return able;
}

/* What one check works on. */
typedef struct Check {
        const Policy *policy;
        const EnforcerAbility *can;
        uint32_t able;    /* 1 << EnforcerKind: those that can carry the mode */
        GHashTable *said; /* rule and reasons: the entries of a named rule often say the same */
} Check;

/* NULL if some able enforcer enforces @r; else why none does. To be freed. */
static char *why_none(const Check *c, const Rule *r)
{
        g_autoptr(GString) reasons = g_string_new(NULL);

        for (int k = 0; k < _ENFORCER_KIND_MAX; k++) {
                g_autofree char *why = NULL;

                if (!(c->able & (1U << k)))
                        continue;
                why = rule_why_not(r, (EnforcerKind)k, &c->can[k]);
                if (!why)
                        return NULL;
                if (!strstr(reasons->str, why))
                        g_string_append_printf(reasons, "%s%s", reasons->len ? "; " : "", why);
        }

        return g_string_free(g_steal_pointer(&reasons), FALSE);
}

/* Is the rule that @r belongs to judged by its terms for another enforcer? Each block for an enforcer is the whole rule. */
static bool judged_otherwise(const Check *c, const Rule *r)
{
        for (guint i = 0; r->only && i < c->policy->rules->len; i++) {
                const Rule *other = c->policy->rules->pdata[i];
                g_autofree char *why = NULL;

                if (!other->only || (other->only & r->only) || strcmp(other->id, r->id) != 0)
                        continue;
                if (!(r->only & c->policy->enforcers) && (other->only & c->policy->enforcers))
                        return true;
                why = why_none(c, other);
                if (!why)
                        return true;
        }

        return false;
}

static void check_rule(const Check *c, const Rule *r, Diag *d)
{
        g_autofree char *reasons = why_none(c, r), *key = NULL;

        /* Nobody asked for what each allow-list allows: a class that an enforcer does not know, it does not deny. */
        if (!reasons || judged_otherwise(c, r) || strcmp(r->id, RULE_ID_ALLOW_LIST_BASE) == 0)
                return;
        key = g_strdup_printf("%s %u %u %d %s", r->id, r->pos.line, r->pos.column, r->kind, reasons);
        if (!g_hash_table_add(c->said, g_steal_pointer(&key)))
                return;

        if (r->optional)
                diag_warning(d, &r->pos, "not-enforced", "the rule '%s' (%s) goes unenforced, as 'optional' permits: %s", r->id,
                             op_kind_to_string(r->kind), reasons);
        else
                diag_error(d, &r->pos, "not-enforceable",
                           "the rule '%s' (%s) is not enforceable: %s; to do without, name it in 'optional'", r->id,
                           op_kind_to_string(r->kind), reasons);
}

/* Nobody asked for base protection, so that it is no error if it cannot be had; but nobody shall believe it were there. */
static void check_base(const Check *c, const Rule *r, Diag *d)
{
        g_autofree char *reasons = why_none(c, r);

        if (reasons && g_hash_table_add(c->said, g_strdup(reasons)))
                diag_warning(d, &c->policy->enforcers_pos, "not-enforced",
                             "what this policy confines could change varmor's own files: %s; choose AppArmor or BPF, too", reasons);
}

int policy_check_enforceable(const Policy *p, const EnforcerAbility can[static _ENFORCER_KIND_MAX], Diag *d)
{
        g_autoptr(GHashTable) said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        Check c = {.policy = p, .can = can, .said = said};
        uint32_t errors = d->n_errors;

        if (p->mode == MODE_ALWAYS_ALLOW)
                return 0;

        c.able = check_mode(p, can, d);
        for (guint i = 0; c.able && i < p->rules->len; i++) {
                const Rule *r = p->rules->pdata[i];

                if (r->origin == RULE_BASE)
                        check_base(&c, r, d);
                else if (r->origin != RULE_DEFAULT) /* of which each enforcer has its part */
                        check_rule(&c, r, d);
        }

        return d->n_errors > errors ? -EOPNOTSUPP : 0;
}
