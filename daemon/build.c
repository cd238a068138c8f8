/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policy -> profile -> bundle: what the loader's child does. It reads configuration and writes one bundle; it touches no
 * kernel object and decides nothing about what is in force. */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "bindings.h"
#include "containers.h"
#include "loader.h"
#include "mode-fragment.h"
#include "policy-load.h"
#include "policy-model.h"
#include "target.h"
#include "bpf/table.h"
#include "bpf/targets.h"

/* What one run works on. */
typedef struct Build {
        const LoaderJob *job;
        const Settings *settings;
        PolicyModels *models;
        Bundle *bundle;
        GArray *entries;    /* of TargetsEntry */
        GPtrArray *covered; /* names that their indices stand for */
        GPtrArray *containers; /* of Container: those that are registered */
} Build;

static const EnforcerOps *find_ops(const LoaderJob *job, EnforcerKind kind)
{
        for (const EnforcerOps *const *o = job->enforcers; *o; o++)
                if ((*o)->kind == kind)
                        return *o;
        return NULL;
}

static const BundlePolicy *find_in_force(const LoaderJob *job, const char *full_name)
{
        return job->in_force && full_name ? g_hash_table_lookup(job->in_force, full_name) : NULL;
}

static void copy_target(const TargetSpec *from, TargetSpec *to)
{
        *to = *from;
        to->name = g_strdup(from->name);
        if (!from->selector)
                return;
        to->selector = g_ptr_array_new_with_free_func((GDestroyNotify)selector_term_free);
        for (guint i = 0; i < from->selector->len; i++) {
                const SelectorTerm *t = from->selector->pdata[i];
                SelectorTerm *copy = g_new0(SelectorTerm, 1);

                *copy = *t;
                copy->key = g_strdup(t->key);
                copy->values = t->values ? g_strdupv(t->values) : g_new0(char *, 1);
                g_ptr_array_add(to->selector, copy);
        }
}

static bool same_selector(const TargetSpec *a, const TargetSpec *b)
{
        if (!a->selector || !b->selector || a->kind != b->kind || a->selector->len != b->selector->len)
                return false;
        for (guint i = 0; i < a->selector->len; i++) {
                const SelectorTerm *x = a->selector->pdata[i], *y = b->selector->pdata[i];

                if (strcmp(x->key, y->key) != 0 || x->op != y->op ||
                    !g_strv_equal((const char *const *)x->values, (const char *const *)y->values))
                        return false;
        }
        return true;
}

/* ---- one policy -------------------------------------------------------------------------------------------------------- */

/* A profile without its bytes: the daemon has them in force already. */
static Profile *profile_same(const Profile *p)
{
        Profile *same = g_new0(Profile, 1);

        same->enforcer = p->enforcer;
        same->n_states = p->n_states;
        same->table_bytes = p->table_bytes;
        same->has_children = p->has_children;
        memcpy(same->digest, p->digest, sizeof(same->digest));
        return same;
}

static bool can_stay(const BundlePolicy *before, const Policy *policy, EnforcerKind kind)
{
        return before && before->valid && before->profiles[kind] && before->rules->len == policy->rules->len &&
               strcmp(before->ir_digest, policy->digest) == 0;
}

static void note_rules(BundlePolicy *p, EnforcerKind kind, const Profile *profile, const BundlePolicy *before)
{
        for (guint i = 0; i < p->rules->len; i++) {
                RuleStatus *s = p->rules->pdata[i];
                const char *why = NULL;

                if (before) {
                        const RuleStatus *old = before->rules->pdata[i];

                        why = old->why_not[kind];
                        if (!why && !(old->enforced_by & 1U << kind))
                                continue;
                } else if (profile && profile->why_not && i < profile->why_not->len)
                        why = profile->why_not->pdata[i];
                if (why)
                        s->why_not[kind] = g_strdup(why);
                else
                        s->enforced_by |= 1U << kind;
        }
}

static int compile_one(Build *b, BundlePolicy *p, const Policy *policy, EnforcerKind kind)
{
        const EnforcerOps *ops = find_ops(b->job, kind);
        const BundlePolicy *before = find_in_force(b->job, p->full_name);
        int r;

        if (!ops) {
                for (guint i = 0; i < p->rules->len; i++)
                        ((RuleStatus *)p->rules->pdata[i])->why_not[kind] = g_strdup_printf(
                                "the %s enforcer is not part of this version", enforcer_kind_to_string(kind));
                return 0;
        }
        if (policy->rules->len == 0 && policy->mode != MODE_DEFENSE_IN_DEPTH && policy->mode != MODE_BEHAVIOR_MODELING) {
                p->profiles[kind] = profile_new(kind, g_bytes_new(NULL, 0));
                return 0;
        }
        /* What records is taken out of the kernel when that ends, and put there again by the same bytes. */
        if (!b->job->check && policy->mode != MODE_BEHAVIOR_MODELING && can_stay(before, policy, kind)) {
                p->profiles[kind] = profile_same(before->profiles[kind]);
                note_rules(p, kind, NULL, before);
                return 0;
        }
        r = ops->compile(policy, &p->profiles[kind], p->diag);
        if (r >= 0 && ops->prepare)
                r = ops->prepare(policy, p->profiles[kind], p->diag);
        if (r < 0) {
                if (p->diag->n_errors == 0)
                        diag_error(p->diag, &policy->pos, "compile", "the %s enforcer cannot compile this policy: %s",
                                   enforcer_kind_to_string(kind), strerror(-r));
                return r;
        }
        note_rules(p, kind, p->profiles[kind], NULL);
        return 0;
}

static void describe_rules(BundlePolicy *p, const Policy *policy)
{
        for (guint i = 0; i < policy->rules->len; i++) {
                const Rule *rule = policy->rules->pdata[i];
                RuleStatus *s = g_new0(RuleStatus, 1);

                s->id = g_strdup(rule->id);
                s->pos = rule->pos;
                s->origin = rule->origin;
                s->kind = rule->kind;
                s->optional = rule->optional;
                s->summary = rule_summary(rule);
                g_ptr_array_add(p->rules, s);
        }
}

static void describe_policy(BundlePolicy *p, const Policy *policy)
{
        p->mode = policy->mode;
        p->mode_runtime = policy->mode_runtime;
        p->audit_violations = policy->audit_violations;
        p->allow_violations = policy->allow_violations;
        p->privileged = policy->privileged;
        p->fail_open = policy->fail_open;
        p->update_existing = policy->update_existing;
        p->enforcers = policy->enforcers;
        p->duration_min = policy->duration_min;
        memcpy(p->ir_digest, policy->digest, sizeof(p->ir_digest));
        copy_target(&policy->target, &p->target);
        for (char **f = p->files; f && *f; f++)
                p->mode_persistent |= !p->mode_runtime && mode_fragment_is_persistent(*f);
        describe_rules(p, policy);
}

/* A rule may be written once for each enforcer: then it is enforced if one of them is. */
static bool enforced_otherwise(const BundlePolicy *p, const Policy *policy, guint i)
{
        const Rule *rule = policy->rules->pdata[i];

        for (guint k = 0; rule->only && k < policy->rules->len; k++) {
                const Rule *other = policy->rules->pdata[k];

                if (strcmp(other->id, rule->id) == 0 && ((const RuleStatus *)p->rules->pdata[k])->enforced_by)
                        return true;
        }
        return false;
}

static char *join_reasons(const RuleStatus *s)
{
        GString *reasons = g_string_new(NULL);

        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (s->why_not[k])
                        g_string_append_printf(reasons, "%s%s: %s", reasons->len > 0 ? "; " : "", enforcer_kind_to_string(k),
                                               s->why_not[k]);
        return g_string_free(reasons, FALSE);
}

/* The check of the policy has said it already. */
static bool is_said(const Diag *d, const SourcePos *pos)
{
        for (guint i = 0; i < d->messages->len; i++) {
                const DiagMessage *m = d->messages->pdata[i];

                if (m->code && strcmp(m->code, "not-enforced") == 0 && m->pos.line == pos->line && m->pos.column == pos->column &&
                    g_strcmp0(m->pos.file, pos->file) == 0)
                        return true;
        }
        return false;
}

/* What the compilers could not express. What the kinds of rules say alone has been checked with the policy. */
static void check_enforced(BundlePolicy *p, const Policy *policy)
{
        if (p->mode == MODE_ALWAYS_ALLOW || p->mode == MODE_BEHAVIOR_MODELING)
                return;
        for (guint i = 0; i < p->rules->len; i++) {
                const RuleStatus *s = p->rules->pdata[i];
                g_autofree char *reasons = NULL;

                if (s->enforced_by || s->origin == RULE_BASE || s->origin == RULE_DEFAULT || enforced_otherwise(p, policy, i) || is_said(p->diag, &s->pos))
                        continue;
                /* Nobody asked for it: it says what each allow-list allows of the classes that it denies. */
                if (strcmp(s->id, "allow-list-base") == 0)
                        continue;
                reasons = join_reasons(s);
                if (s->optional)
                        diag_warning(p->diag, &s->pos, "not-enforced", "the rule '%s' (%s) goes unenforced, as 'optional' permits: %s",
                                     s->id, op_kind_to_string(s->kind), reasons);
                else
                        diag_error(p->diag, &s->pos, "not-enforceable",
                                   "the rule '%s' (%s) is not enforceable: %s; to do without, name it in 'optional'", s->id,
                                   op_kind_to_string(s->kind), reasons);
        }
        if (p->diag->n_errors > 0)
                p->valid = false;
}

/* What is being recorded goes on until its time is over. */
static bool must_wait(const Build *b, const Policy *p, Diag *d)
{
        const BundlePolicy *before = find_in_force(b->job, p->full_name);

        if (b->job->check || !b->job->recording || p->mode == MODE_BEHAVIOR_MODELING || !before || before->mode != MODE_BEHAVIOR_MODELING ||
            !g_hash_table_contains(b->job->recording, p->full_name))
                return false;
        diag_error(d, &p->mode_pos, CODE_NOT_COMPLETE,
                   "BehaviorModeling can be left only when the recording is complete, and with it the mode %s takes effect; a shorter "
                   "duration ends it sooner",
                   mode_to_string(p->mode));
        return true;
}

/* A LoadModel. What is being recorded is the model: before, no other counts. */
static int fill_from_model(Policy *p, void *userdata, Diag *d)
{
        const Build *b = userdata;

        return must_wait(b, p, d) ? -EINPROGRESS : policy_models_fill(p, b->models, d);
}

static void build_policy(Build *b, LoadedPolicy *l)
{
        BundlePolicy *p = bundle_policy_new();

        p->name = g_strdup(l->name);
        p->slice = g_strdup(l->slice);
        p->full_name = g_strdup(l->full_name);
        p->source = g_strdup(l->source);
        p->files = l->files ? g_strdupv(l->files) : g_new0(char *, 1);
        diag_move(p->diag, l->diag);
        g_ptr_array_add(b->bundle->policies, p);
        if (!l->policy)
                return;

        describe_policy(p, l->policy);
        p->valid = true;
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (bundle_policy_enforcers(p) & 1U << k && compile_one(b, p, l->policy, k) < 0)
                        p->valid = false;
        if (p->valid)
                check_enforced(p, l->policy);
        if (p->valid && must_wait(b, l->policy, p->diag))
                p->valid = false;
}

/* ---- what stays in force although its file is broken --------------------------------------------------------------------- */

static bool stands_in(const char *source, const char *broken)
{
        return g_str_has_suffix(broken, "/") ? g_str_has_prefix(source, broken) : strcmp(source, broken) == 0;
}

/* Where documents have no readable name, the policies that were read from that file are taken to be meant. */
static void keep_unnamed(Build *b)
{
        guint n = b->bundle->policies->len;
        GHashTableIter i;
        gpointer value;

        if (!b->job->in_force)
                return;
        g_hash_table_iter_init(&i, b->job->in_force);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                const BundlePolicy *before = value, *broken = NULL;
                BundlePolicy *p;

                for (guint k = 0; k < n; k++) {
                        const BundlePolicy *c = b->bundle->policies->pdata[k];

                        if (g_strcmp0(c->full_name, before->full_name) == 0) {
                                broken = NULL;
                                break;
                        }
                        if (!c->name && c->source && stands_in(before->source, c->source))
                                broken = c;
                }
                if (!broken)
                        continue;
                p = bundle_policy_new();
                p->name = g_strdup(before->name);
                p->slice = g_strdup(before->slice);
                p->full_name = g_strdup(before->full_name);
                p->source = g_strdup(before->source);
                p->files = g_new0(char *, 1);
                for (guint k = 0; k < broken->diag->messages->len; k++) {
                        const DiagMessage *m = broken->diag->messages->pdata[k];

                        diag_add(p->diag, m->severity, &m->pos, m->code, "%s", m->text);
                }
                g_ptr_array_add(b->bundle->policies, p);
        }
}

/* ---- targets --------------------------------------------------------------------------------------------------------------- */

/* What systemd has told, and as long as it has not told everything also what was selected before. */
static char **select_cgroups(const Build *b, const TargetSpec *t, const char *slice, const BundlePolicy *before)
{
        g_autoptr(UnitFacts) nothing = b->job->facts ? NULL : unit_facts_new();
        const UnitFacts *facts = b->job->facts ? b->job->facts : nothing;

        if (t->kind == TARGET_CONTAINER)
                return containers_select(b->containers, t, slice);
        if (!t->selector)
                return NULL;
        if (!unit_facts_know(facts, t) && before && before->selected && same_selector(t, &before->target))
                return g_strdupv(before->selected);
        return unit_facts_select(facts, t);
}

#define LEFT_OUT_SHOWN_MAX 5U

/* Say which essential units the target would cover if it did not leave them out. */
static void note_left_out(const Build *b, const TargetsEntry *e, Diag *diag)
{
        const TargetsEntry all = {.patterns = e->patterns, .pos = e->pos};
        g_autoptr(GString) names = g_string_new(NULL);
        g_autoptr(Diag) ignored = diag_new();
        g_autoptr(GBytes) table = NULL;
        unsigned n = 0;
        gsize size;

        if (!e->except || targets_compile(&all, 1, &table, ignored) < 0)
                return;
        (void)g_bytes_get_data(table, &size);
        for (char *const *u = b->settings->essential; size > 0 && u && *u; u++) {
                g_autofree char *cgroup = target_usual_cgroup(*u);

                if (!cgroup || !table_match_cover(g_bytes_get_data(table, NULL), cgroup))
                        continue;
                if (n++ < LEFT_OUT_SHOWN_MAX)
                        g_string_append_printf(names, "%s%s", n > 1 ? ", " : "", *u);
        }
        if (n > LEFT_OUT_SHOWN_MAX)
                g_string_append_printf(names, " and %u more", n - LEFT_OUT_SHOWN_MAX);
        if (n > 0)
                diag_add(diag, DIAG_INFO, &e->pos, "essential-left-out",
                         "essential units are left out: %s; with \"force: true\" the target would cover them", names->str);
}

/* Where `varmorctl run` starts commands under the policy. */
static char *run_pattern(const BundlePolicy *p)
{
        g_autofree char *bind_name = policy_bind_name(p->full_name), *slice = bindings_run_slice(p->full_name);
        g_autofree char *unit = bindings_run_unit(bind_name, ""), *dir = slice_to_cgroup(slice), *path = NULL;

        *strrchr(unit, '.') = '\0';
        path = g_strconcat(dir ? dir : "", "/", unit, NULL);
        g_free(g_steal_pointer(&unit));
        unit = glob_escape(path);
        /* Not "*" alone: what may be a slice would go on, with all units of all policies below it. */
        return g_strconcat(unit, "*.scope/**", NULL);
}

static char **with_pattern(char **patterns, char *one)
{
        guint n = g_strv_length(patterns);

        patterns = g_renew(char *, patterns, n + 2);
        patterns[n] = one;
        patterns[n + 1] = NULL;
        return patterns;
}

static int add_target(Build *b, BundlePolicy *p, const TargetSpec *t)
{
        const BundlePolicy *before = find_in_force(b->job, p->full_name);
        g_auto(GStrv) selected = select_cgroups(b, t, p->slice, before);
        const TargetParams params = {
                .essential = b->settings->essential,
                .selected = selected,
                .alias = target_alias_on_disk,
                .userdata = (void *)b->job->root,
        };
        g_auto(TargetPatterns) patterns = {0};
        TargetsEntry e;
        int r;

        r = target_patterns(t, p->slice, &params, &patterns, p->diag);
        if (r < 0)
                return r;
        g_strfreev(p->selected);
        p->selected = t->selector ? g_strdupv(selected) : NULL;
        e = (TargetsEntry){
                .policy = (uint16_t)b->covered->len,
                .patterns = g_steal_pointer(&patterns.patterns),
                .except = g_steal_pointer(&patterns.except),
                .name = p->full_name,
                .pos = t->pos,
        };
        note_left_out(b, &e, p->diag);
        e.patterns = with_pattern(e.patterns, run_pattern(p));
        g_array_append_val(b->entries, e);
        g_ptr_array_add(b->covered, g_strdup(p->full_name));
        return 0;
}

static void entry_clear(void *p)
{
        TargetsEntry *e = p;

        g_strfreev(e->patterns);
        g_strfreev(e->except);
}

/* ---- what binds at exec ------------------------------------------------------------------------------------------------------ */

/* Which enforcers have something of @p to bind. */
static uint32_t binding_enforcers(const Build *b, const BundlePolicy *p)
{
        uint32_t mask = 0;

        for (const EnforcerOps *const *o = b->job->enforcers; *o; o++)
                if ((*o)->flags & ENFORCER_AT_EXEC && p->enforcers & 1U << (*o)->kind && !profile_is_empty(p->profiles[(*o)->kind]))
                        mask |= 1U << (*o)->kind;
        return mask;
}

/* Instances of templates have no file of their own, by which the generator could find them. */
static void note_units(const BundlePolicy *p, GPtrArray *units)
{
        const char *name = p->target.kind == TARGET_SERVICE ? p->target.name : NULL;

        if (name && strchr(name, '@') && !strpbrk(name, "*?[{"))
                g_ptr_array_add(units, g_strdup(name));
        for (char **c = p->selected; c && *c; c++) {
                g_autofree char *unit = cgroup_to_unit(*c);

                if (strchr(unit, '@'))
                        g_ptr_array_add(units, g_steal_pointer(&unit));
        }
}

static const BundlePolicy *in_effect(const Build *b, const char *full_name)
{
        for (guint i = 0; i < b->bundle->policies->len; i++) {
                const BundlePolicy *p = b->bundle->policies->pdata[i];

                if (p->valid && g_strcmp0(p->full_name, full_name) == 0)
                        return p;
        }
        return find_in_force(b->job, full_name);
}

/* The same targets once more, of those policies alone that bind something: what does not concern the units of systemd should
 * not have it read them all again. */
static void build_bindings(Build *b)
{
        g_autoptr(GPtrArray) units = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(TargetsEntry));
        g_autoptr(Bindings) bindings = bindings_new();
        g_autoptr(Diag) ignored = diag_new(); /* build_targets() has said it */
        char *none[] = {NULL};

        for (guint i = 0; i < b->entries->len; i++) {
                TargetsEntry e = g_array_index(b->entries, TargetsEntry, i);
                const BundlePolicy *p = in_effect(b, b->covered->pdata[e.policy]);
                uint32_t enforcers = p ? binding_enforcers(b, p) : 0;
                Binding *binding;

                if (enforcers == 0)
                        continue;
                e.policy = (uint16_t)bindings->policies->len;
                /* It is not systemd that starts containers, and they come and go: see varmor-oci-hook(8). */
                if (p->target.kind == TARGET_CONTAINER)
                        e.patterns = none;
                binding = bindings_add(bindings, p->full_name, enforcers);
                binding->fail_open = p->fail_open;
                for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                        binding->children |= enforcers >> k & 1 && p->profiles[k]->has_children;
                note_units(p, units);
                g_array_append_val(entries, e); /* its strings stay @b's */
        }
        if (targets_compile((const TargetsEntry *)entries->data, entries->len, &bindings->targets, ignored) < 0)
                return;
        g_ptr_array_add(units, NULL);
        bindings->units = (char **)g_ptr_array_free(g_steal_pointer(&units), FALSE);
        b->bundle->bindings = bindings_to_bytes(bindings);
}

static void build_targets(Build *b)
{
        g_autoptr(GPtrArray) containers = containers_load(b->job->root);
        int r;

        b->containers = containers;
        b->entries = g_array_new(FALSE, FALSE, sizeof(TargetsEntry));
        b->covered = g_ptr_array_new();
        g_array_set_clear_func(b->entries, entry_clear);
        for (guint i = 0; i < b->bundle->policies->len; i++) {
                BundlePolicy *p = b->bundle->policies->pdata[i];
                const BundlePolicy *before = find_in_force(b->job, p->full_name);

                if (p->valid && add_target(b, p, &p->target) < 0)
                        p->valid = false;
                /* The version in force keeps its own target. */
                if (!p->valid && before && before->valid)
                        (void)add_target(b, p, &before->target);
        }
        r = targets_compile((const TargetsEntry *)b->entries->data, b->entries->len, &b->bundle->targets, b->bundle->diag);
        if (r < 0 && b->bundle->diag->n_errors == 0)
                diag_error(b->bundle->diag, NULL, "targets", "the targets of the policies cannot be compiled: %s",
                           strerror(-r));
        if (r >= 0)
                build_bindings(b);
        g_array_unref(b->entries);
        g_ptr_array_add(b->covered, NULL);
        b->bundle->target_policies = (char **)g_ptr_array_free(b->covered, FALSE);
}

static uint64_t now_usec(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * G_USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

Bundle *bundle_build(const LoaderJob *job)
{
        LoadParams params = {.roots = {.root = job->root, .owner = 0}, .before = job->settings};
        g_auto(PolicyModels) models = {.roots = params.roots, .set_aside = job->set_aside};
        g_autoptr(LoadResult) loaded = NULL;
        g_autoptr(Bundle) bundle = bundle_new();
        uint64_t start = now_usec();
        Build b = {.job = job, .bundle = bundle, .models = &models};

        for (const EnforcerOps *const *o = job->enforcers; *o; o++)
                params.can[(*o)->kind] = (EnforcerAbility){.kinds = (*o)->kinds, .modes = (*o)->modes};
        params.model = fill_from_model;
        params.model_userdata = &b;
        loaded = job->check ? policy_load_text(&params, job->check, job->check_size, job->check_name) : policy_load_all(&params);

        bundle->settings = g_steal_pointer(&loaded->settings);
        b.settings = bundle->settings;
        diag_move(bundle->diag, loaded->diag);
        for (guint i = 0; i < loaded->policies->len; i++)
                build_policy(&b, loaded->policies->pdata[i]);
        if (!job->check)
                keep_unnamed(&b);
        build_targets(&b);
        if (!job->check)
                bundle->rules = rule_infos_build(loaded->catalogue, job->enforcers, job->rules_digest, bundle->rules_digest);
        bundle->took_usec = now_usec() - start;
        return g_steal_pointer(&bundle);
}
