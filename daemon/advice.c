/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Advice: see advice.h. Each rule is judged for each enforcer by itself; then those enforcers are chosen with which most rules cost
 * nothing. */

#include "advice.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "alarm.h"
#include "apparmor/compile.h"
#include "bpf/compile.h"
#include "policy-parse.h"
#include "seccomp/compile.h"

const char *advice_verdict_to_string(AdviceVerdict v)
{
        static const char *const words[_ADVICE_VERDICT_MAX] = {"free", "against", "unknown", "impossible"};

        return v < _ADVICE_VERDICT_MAX ? words[v] : NULL;
}

/* A rule while it is judged. */
typedef struct Work {
        AdviceRule *rule;
        Policy *policy;                       /* with its rules alone */
        AdvicePart part[_ENFORCER_KIND_MAX];
} Work;

static void work_free(void *p)
{
        Work *w = p;

        policy_free(w->policy);
        for (int e = 0; e < _ENFORCER_KIND_MAX; e++)
                advice_part_done(&w->part[e]);
        g_free(w);
}

static void advice_rule_free(void *p)
{
        AdviceRule *r = p;

        if (!r)
                return;
        g_clear_pointer(&r->against, g_array_unref);
        g_free(r->why);
        g_free(r);
}

void advice_free(Advice *a)
{
        if (!a)
                return;
        g_ptr_array_unref(a->rules);
        advice_rule_free(a->ground);
        advice_rule_free(a->base);
        g_free(a);
}

/* ---- one rule -------------------------------------------------------------------------------------------------------------------- */

static Policy *policy_of(const NamedRule *named, const AdviceParams *params)
{
        Policy *p = policy_new();
        g_autoptr(Diag) d = diag_new();

        p->enforcers = params->enforcers;
        p->mode = MODE_ENHANCE_PROTECT;
        p->privileged = p->audit_violations = true;
        (void)policy_add_named(p, named, RULE_BUILT_IN, NULL, NULL);
        if (named->category == RULE_RUNTIME_DEFAULT) {
                p->mode = MODE_RUNTIME_DEFAULT;
                p->depth[ENFORCER_SECCOMP] = named->seccomp;
        }
        policy_resolve_paths(p, params->readlink, params->userdata, d);
        return p;
}

static Work *work_new(const NamedRule *named, const AdviceParams *params)
{
        Work *w = g_new0(Work, 1);

        w->rule = g_new0(AdviceRule, 1);
        w->rule->named = named;
        w->rule->against = g_array_new(FALSE, FALSE, sizeof(AdviceCase));
        w->policy = policy_of(named, params);
        for (int e = 0; e < _ENFORCER_KIND_MAX; e++) {
                if (!(params->enforcers >> e & 1))
                        continue;
                if (params->model)
                        advice_match(w->policy, (EnforcerKind)e, params->model, &w->part[e]);
                else
                        w->part[e] = (AdvicePart){g_array_new(FALSE, FALSE, sizeof(AdviceCase)), g_strdup("there is no model")};
        }
        return w;
}

/* NULL: @enforcers together carry it; else why not, to be freed. */
static char *why_impossible(const Work *w, uint32_t enforcers)
{
        static const EnforcerAbility can[_ENFORCER_KIND_MAX] = {
                [ENFORCER_APPARMOR] = {APPARMOR_KINDS, APPARMOR_MODES},
                [ENFORCER_BPF] = {BPF_KINDS, BPF_MODES},
                [ENFORCER_SECCOMP] = {SECCOMP_KINDS, SECCOMP_MODES},
        };
        g_autoptr(Diag) d = diag_new();

        w->policy->enforcers = enforcers;
        for (guint i = 0; i < w->policy->rules->len; i++) {
                const Rule *r = w->policy->rules->pdata[i];

                if (r->unenforceable)
                        return g_strdup(r->unenforceable);
        }
        if (policy_check_enforceable(w->policy, can, d) >= 0)
                return NULL;
        for (guint i = 0; i < d->messages->len; i++) {
                const DiagMessage *m = d->messages->pdata[i];

                if (m->severity == DIAG_ERROR)
                        return g_strdup(m->text);
        }
        return g_strdup("no enforcer here can carry it");
}

/* Has @e a part in it? */
static bool takes_part(const Work *w, EnforcerKind e)
{
        uint32_t kinds = e == ENFORCER_APPARMOR ? APPARMOR_KINDS : e == ENFORCER_BPF ? BPF_KINDS : SECCOMP_KINDS;

        for (guint i = 0; i < w->policy->rules->len; i++) {
                const Rule *r = w->policy->rules->pdata[i];

                if (kinds >> r->kind & 1 && (!r->only || r->only >> e & 1))
                        return true;
        }
        return false;
}

/* ---- what the unit's properties say ------------------------------------------------------------------------------------------- */

static const char *property_for(const Rule *r, const AdviceUnit *u)
{
        bool unprivileged = !u->root && u->no_new_privileges && !u->ambient;

        switch (r->kind) {
        case OP_CAPABILITY:
                /* In a user namespace of its own it has them all. */
                if (u->user_namespaces)
                        return NULL;
                return !(r->capabilities & u->bounding) ? "CapabilityBoundingSet=" : unprivileged ? "User= and NoNewPrivileges=" : NULL;
        case OP_SOCKET:
                return r->socket.domains != UINT64_MAX && !(r->socket.domains & u->families) ? "RestrictAddressFamilies=" : NULL;
        case OP_USERNS:
                return u->user_namespaces ? NULL : "RestrictNamespaces=";
        default:
                return NULL;
        }
}

/* One property that keeps the workload from all that the rule denies by @enforcers; NULL: there is none. */
static const char *property_of(const Work *w, uint32_t enforcers, const AdviceUnit *u)
{
        const char *property = NULL;

        if (!u || !u->known || u->privileged_line)
                return NULL;
        for (guint i = 0; i < w->policy->rules->len; i++) {
                const Rule *r = w->policy->rules->pdata[i];
                const char *one;

                if (r->only && !(r->only & enforcers))
                        continue;
                one = property_for(r, u);
                if (!one)
                        return NULL;
                property = property ?: one;
        }
        return property;
}

/* ---- all enforcers together --------------------------------------------------------------------------------------------------- */

static AdviceVerdict verdict_of(const Work *w, uint32_t enforcers, const AdviceUnit *u, const char **ret_property)
{
        g_autofree char *impossible = why_impossible(w, enforcers);
        AdviceVerdict v = ADVICE_FREE;

        *ret_property = NULL;
        if (impossible)
                return ADVICE_IMPOSSIBLE;
        for (int e = 0; e < _ENFORCER_KIND_MAX; e++) {
                if (!(enforcers >> e & 1) || !takes_part(w, (EnforcerKind)e))
                        continue;
                if (w->part[e].cases->len > 0)
                        return ADVICE_AGAINST;
                if (w->part[e].why)
                        v = ADVICE_UNKNOWN;
        }
        if (v == ADVICE_UNKNOWN)
                *ret_property = property_of(w, enforcers, u);
        return *ret_property ? ADVICE_FREE : v;
}

/* More rules first; then RuntimeDefault beneath them; then fewer enforcers, and of these BPF, whose changes hold at once. */
static unsigned score(const GPtrArray *works, const Work *ground, uint32_t enforcers, const AdviceUnit *u)
{
        const char *property;
        unsigned n = 0;

        for (guint i = 0; i < works->len; i++)
                n += verdict_of(works->pdata[i], enforcers, u, &property) == ADVICE_FREE;
        return n * 64 + (ground && verdict_of(ground, enforcers, u, &property) == ADVICE_FREE) * 32 +
               (unsigned)(_ENFORCER_KIND_MAX - __builtin_popcount(enforcers)) * 4 + (enforcers >> ENFORCER_BPF & 1) * 2 +
               (enforcers >> ENFORCER_APPARMOR & 1);
}

static uint32_t choose(const GPtrArray *works, const Work *ground, const AdviceParams *params)
{
        uint32_t best = 0;
        unsigned best_score = 0;

        for (uint32_t s = 1; s < 1U << _ENFORCER_KIND_MAX; s++) {
                unsigned n;

                if (s & ~params->enforcers)
                        continue;
                n = score(works, ground, s, params->unit);
                if (!best || n > best_score) {
                        best = s;
                        best_score = n;
                }
        }
        return best;
}

static gint compare_cases(gconstpointer a, gconstpointer b)
{
        const AdviceCase *x = a, *y = b;

        return model_op_compare(x->op, y->op);
}

/* The same operation may be against it by several enforcers. */
static void join_cases(AdviceRule *r, const GArray *cases)
{
        for (guint i = 0; i < cases->len; i++) {
                const AdviceCase *c = &g_array_index(cases, AdviceCase, i);
                bool there = false;

                for (guint n = 0; !there && n < r->against->len; n++) {
                        AdviceCase *have = &g_array_index(r->against, AdviceCase, n);

                        there = have->op == c->op;
                        have->maybe &= !there || c->maybe;
                }
                if (!there)
                        g_array_append_val(r->against, *c);
        }
}

static void settle(Work *w, uint32_t enforcers, const AdviceUnit *u)
{
        AdviceRule *r = w->rule;

        r->verdict = verdict_of(w, enforcers, u, &r->property);
        if (r->verdict == ADVICE_IMPOSSIBLE)
                r->why = why_impossible(w, enforcers);
        for (int e = 0; e < _ENFORCER_KIND_MAX; e++) {
                if (!(enforcers >> e & 1))
                        continue;
                if (r->verdict == ADVICE_AGAINST)
                        join_cases(r, w->part[e].cases);
                else if (r->verdict == ADVICE_UNKNOWN && !r->why && takes_part(w, (EnforcerKind)e))
                        r->why = g_strdup(w->part[e].why);
        }
        g_array_sort(r->against, compare_cases);
}

/* ---- rules within rules ------------------------------------------------------------------------------------------------------- */

/* What @named denies, if that is capabilities and nothing else. */
static uint64_t capabilities_alone(const NamedRule *named)
{
        uint64_t all = 0;

        for (guint i = 0; i < named->ops->len; i++) {
                const Rule *r = named->ops->pdata[i];

                if (r->kind != OP_CAPABILITY)
                        return 0;
                all |= r->capabilities;
        }
        return all;
}

static void find_within(Advice *a)
{
        for (guint i = 0; i < a->rules->len; i++) {
                AdviceRule *r = a->rules->pdata[i];
                uint64_t caps = capabilities_alone(r->named), most = caps;

                for (guint n = 0; caps && r->verdict == ADVICE_FREE && n < a->rules->len; n++) {
                        const AdviceRule *other = a->rules->pdata[n];
                        uint64_t more = other->verdict == ADVICE_FREE ? capabilities_alone(other->named) : 0;

                        if (n == i || caps & ~more)
                                continue;
                        /* Of two that say the same the first stays. */
                        if (__builtin_popcountll(more) > __builtin_popcountll(most) || (more == caps && n < i && !r->within)) {
                                r->within = other->named;
                                most = more;
                        }
                }
        }
}

static gint compare_rules(gconstpointer a, gconstpointer b)
{
        const NamedRule *x = (*(Work *const *)a)->rule->named, *y = (*(Work *const *)b)->rule->named;

        return x->category != y->category ? (int)x->category - (int)y->category : strcmp(x->id, y->id);
}

Advice *advice_new(const AdviceParams *params)
{
        g_autoptr(GPtrArray) works = g_ptr_array_new_with_free_func(work_free);
        Work *ground = NULL, *base = NULL;
        Advice *a = g_new0(Advice, 1);

        a->rules = g_ptr_array_new_with_free_func(advice_rule_free);
        for (guint i = 0; i < params->catalogue->rules->len; i++) {
                const NamedRule *named = params->catalogue->rules->pdata[i];

                if (named->category < RULE_BASE_PROTECTION)
                        g_ptr_array_add(works, work_new(named, params));
                else if (strcmp(named->id, RULE_ID_RUNTIME_DEFAULT) == 0)
                        ground = work_new(named, params);
                else if (strcmp(named->id, RULE_ID_BASE_PROTECTION) == 0)
                        base = work_new(named, params);
        }
        g_ptr_array_sort(works, compare_rules);
        a->enforcers = choose(works, ground, params);
        for (guint i = 0; i < works->len; i++) {
                Work *w = works->pdata[i];

                settle(w, a->enforcers, params->unit);
                a->n_free += w->rule->verdict == ADVICE_FREE;
                g_ptr_array_add(a->rules, w->rule);
        }
        if (ground) {
                settle(ground, a->enforcers, params->unit);
                a->ground = ground->rule;
                work_free(ground);
        }
        if (base) {
                settle(base, a->enforcers, params->unit);
                a->base = base->rule;
                work_free(base);
        }
        find_within(a);
        return a;
}

/* ---- in words ------------------------------------------------------------------------------------------------------------------ */

static void append_text(GString *s, const char *text)
{
        g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));
        g_autofree char *shown = alarm_dup_bytes(bytes);

        g_string_append_printf(s, " %s", shown);
}

static void append_field(GString *s, const ModelOp *o, const ModelField *f)
{
        const void *at = (const char *)o + f->offset;
        char address[INET6_ADDRSTRLEN] = "";
        uint64_t number;

        if (f->type == MODEL_TEXT) {
                const char *text = *(char *const *)at;

                if (text && strcmp(f->name, "by") == 0)
                        g_string_append(s, " by");
                if (text)
                        append_text(s, text);
                return;
        }
        if (f->type == MODEL_ADDRESS) {
                (void)inet_ntop(o->family == UINT64_C(1) << AF_INET ? AF_INET : AF_INET6, o->address, address, sizeof(address));
                g_string_append_printf(s, " %s", address);
                return;
        }
        number = *(const uint64_t *)at;
        if (number == 0)
                return;
        if (f->type == MODEL_WORD || f->type == MODEL_WORDS) {
                g_autofree char *words = words_format(f->words, number, ",");

                g_string_append_printf(s, " %s", words);
        } else if (f->type == MODEL_BOOL)
                g_string_append_printf(s, " %s", f->name);
        else
                g_string_append_printf(s, " %s %" G_GUINT64_FORMAT, f->name, number);
}

char *advice_op_text(const ModelOp *o)
{
        GString *s = g_string_new(model_kind_to_string(o->kind));

        if (o->kind == MODEL_SYSCALL && o->mask) {
                append_text(s, o->object);
                g_string_append_printf(s, ", argument %" G_GUINT64_FORMAT " & 0x%" G_GINT64_MODIFIER "x is 0x%" G_GINT64_MODIFIER "x",
                                       o->index, o->mask, o->value);
                return g_string_free(s, FALSE);
        }
        for (const ModelField *f = model_fields(o->kind); f->name; f++)
                append_field(s, o, f);
        return g_string_free(s, FALSE);
}

/* ---- the policy ------------------------------------------------------------------------------------------------------------------ */

/* A DNS label or several: what is none becomes '-'. */
char *advice_policy_name(const char *unit)
{
        const char *dot = strrchr(unit, '.');
        g_autofree char *stem = g_strndup(unit, dot ? (size_t)(dot - unit) : strlen(unit)), *name = g_ascii_strdown(stem, -1);
        GString *s = g_string_new(NULL);

        for (const char *p = name; *p; p++)
                if (g_ascii_isalnum(*p))
                        g_string_append_c(s, *p);
                else if (s->len > 0 && s->str[s->len - 1] != '-')
                        g_string_append_c(s, '-');
        g_string_truncate(s, MIN(s->len, 63));
        while (s->len > 0 && s->str[s->len - 1] == '-')
                g_string_truncate(s, s->len - 1);
        if (s->len == 0)
                g_string_assign(s, "unit");
        return g_string_free(s, FALSE);
}

static void append_rule(GString *s, const AdviceRule *r, const char *indent)
{
        g_autofree char *what = g_strdelimit(g_strdup(r->named->description ?: ""), "\n", ' ');

        g_string_append_printf(s, "%s- %s # %s", indent, r->named->id, what);
        if (r->property)
                g_string_append_printf(s, " (A guess, from the unit's %s)", r->property);
        g_string_append_c(s, '\n');
}

static void append_category(GString *s, const Advice *a, RuleCategory c, const char *head, const char *indent)
{
        bool begun = false;

        for (guint i = 0; i < a->rules->len; i++) {
                const AdviceRule *r = a->rules->pdata[i];

                if (r->named->category != c || r->verdict != ADVICE_FREE || r->within)
                        continue;
                if (!begun)
                        g_string_append(s, head);
                begun = true;
                append_rule(s, r, indent);
        }
}

static const char *target_kind(const char *unit)
{
        return g_str_has_suffix(unit, ".slice") ? "Slice" : g_str_has_suffix(unit, ".scope") ? "Scope" : "Service";
}

char *advice_policy(const Advice *a, const char *unit, const char *intro)
{
        g_autofree char *name = advice_policy_name(unit), *enforcers = enforcer_mask_to_string(a->enforcers);
        GString *s;

        if (a->n_free == 0)
                return NULL;
        s = g_string_new(intro);
        g_string_append_printf(s,
                               "apiVersion: crd.varmor.org/v1beta1\n"
                               "kind: VarmorClusterPolicy\n"
                               "metadata:\n"
                               "  name: '%s'\n"
                               "spec:\n"
                               "  target:\n"
                               "    kind: %s\n"
                               "    name: '%s'\n"
                               "  policy:\n"
                               "    enforcer: %s\n"
                               "    mode: EnhanceProtect\n"
                               "    enhanceProtect:\n"
                               "      privileged: %s\n"
                               "      auditViolations: true\n",
                               name, target_kind(unit), unit, enforcers, a->ground && a->ground->verdict == ADVICE_FREE ? "false" : "true");
        append_category(s, a, RULE_HARDENING, "      hardeningRules:\n", "        ");
        append_category(s, a, RULE_ATTACK_PROTECTION, "      attackProtectionRules:\n        - rules:\n", "            ");
        append_category(s, a, RULE_VULNERABILITY_MITIGATION, "      vulMitigationRules:\n", "        ");
        return g_string_free(s, FALSE);
}
