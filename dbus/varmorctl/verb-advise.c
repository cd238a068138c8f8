/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* advise: which of the named rules a unit can bear, by its model, and a policy of them. The text is YAML as a whole: what is not in the
 * policy stands in comments. Reads the catalogue and the models itself, and needs no running daemon. */

#include <fnmatch.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "model-files.h"
#include "model-store.h"
#include "output.h"
#include "unit.h"

#define CASES_SHOWN 3U
#define ENFORCERS_ALL ((1U << _ENFORCER_KIND_MAX) - 1)

typedef struct Advising {
        const Options *options;
        char *unit;
        AdviceUnit properties;
        json_object *shown;   /* of the unit; may be NULL */
        Model *model;         /* may be NULL */
        char *model_path;
        guint n_ops;          /* that it has by itself */
        Settings *settings;
        Catalogue *catalogue;
        uint32_t enforcers;   /* what the host has, */
        bool enforcers_known; /* as varmord says */
        Advice *advice;
} Advising;

static void advising_done(Advising *a)
{
        g_free(a->unit);
        g_clear_pointer(&a->shown, json_object_put);
        advice_free(a->advice);
        model_free(a->model);
        g_free(a->model_path);
        catalogue_free(a->catalogue);
        settings_free(a->settings);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Advising, advising_done)

static const char *root(const Advising *a)
{
        return a->options->root ?: "";
}

/* ---- the model ------------------------------------------------------------------------------------------------------------------ */

/* When the last recording of @unit in @m ended; -1: there is none. */
static int64_t ended(const Model *m, const char *unit)
{
        int64_t last = -1;

        for (guint i = 0; i < m->sources->len; i++) {
                const ModelSource *s = m->sources->pdata[i];

                if (g_strcmp0(s->unit, unit) == 0)
                        last = MAX(last, (int64_t)MIN(s->ended_usec, (uint64_t)INT64_MAX));
        }
        return last;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of all that is kept, the model of this unit that was recorded last. */
static void search_models(Advising *a)
{
        g_autofree char *directory = g_strconcat(root(a), MODELS_DIR, NULL);
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
        int64_t best = -1;
        const char *name;

        while (dir && (name = g_dir_read_name(dir)))
                if (g_str_has_suffix(name, ".json"))
                        g_ptr_array_add(names, g_build_filename(directory, name, NULL));
        g_ptr_array_sort(names, compare_names);
        for (guint i = 0; i < names->len; i++) {
                g_autoptr(Model) m = NULL;
                int64_t when;

                /* Another's may be damaged, which is said. */
                if (model_arg_read(a->options, names->pdata[i], &m) != EXIT_FINE)
                        continue;
                when = ended(m, a->unit);
                if (when <= best)
                        continue;
                best = when;
                model_free(a->model);
                a->model = g_steal_pointer(&m);
                g_free(a->model_path);
                a->model_path = g_strdup(names->pdata[i]);
        }
}

static int find_model(Advising *a, const char *name)
{
        if (!name) {
                search_models(a);
                return EXIT_FINE;
        }
        a->model_path = model_arg_path(a->options, name);
        return model_arg_read(a->options, name, &a->model);
}

/* What systemd executes for the unit belongs to what it does, whether or not it was recorded: a reload may not have been. */
static int add_programs(Advising *a)
{
        json_object *programs = json_member(a->shown, "Programs");
        g_autoptr(Model) more = model_new(), all = NULL;

        a->n_ops = a->model ? a->model->ops->len : 0;
        for (size_t i = 0; a->model && i < json_length(programs); i++) {
                const char *path = json_object_get_string(json_object_array_get_idx(programs, i));
                g_autofree char *text = g_strconcat(root(a), path, NULL);
                char *real = realpath(text, NULL);
                ModelOp op = {.kind = MODEL_EXEC, .object = real && g_str_has_prefix(real, root(a)) ? real + strlen(root(a)) : (char *)path};

                if (model_op_check(&op) == NULL)
                        (void)model_add(more, &op);
                free(real);
        }
        if (more->ops->len == 0)
                return 0;
        model_seal(more);
        int r = model_merge(a->model, more, &all);
        if (r < 0)
                return r;
        model_free(a->model);
        a->model = g_steal_pointer(&all);
        return 0;
}

/* ---- the host ------------------------------------------------------------------------------------------------------------------- */

static uint32_t mask_of(json_object *enforcers)
{
        uint32_t mask = 0;

        for (size_t i = 0; i < json_length(enforcers); i++) {
                json_object *one = json_object_array_get_idx(enforcers, i);
                EnforcerKind k = json_length(one) < 2 ? _ENFORCER_KIND_INVALID
                                                      : enforcer_kind_from_string(json_object_get_string(json_object_array_get_idx(one, 0)));

                if ((int)k >= 0 && json_object_get_boolean(json_object_array_get_idx(one, 1)))
                        mask |= 1U << k;
        }
        return mask;
}

/* What varmord has, if it runs; else everything that could be. */
static void find_enforcers(Advising *a)
{
        g_autoptr(sd_bus_message) reply = NULL;
        g_autoptr(JsonObject) list = NULL;
        g_autoptr(sd_bus) bus = NULL;

        int r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_get_property(bus, VARMOR_BUS_NAME, VARMOR_MANAGER_PATH, VARMOR_MANAGER, "Enforcers", NULL, &reply, "a(sbs)");
        if (r >= 0)
                r = json_read(reply, NULL, &list);
        a->enforcers = r >= 0 ? mask_of(list) : 0;
        a->enforcers_known = a->enforcers != 0;
        if (!a->enforcers)
                a->enforcers = ENFORCERS_ALL;
}

static int load_catalogue(Advising *a)
{
        const ConfRoots roots = {.root = root(a)};
        g_autoptr(Diag) d = diag_new();

        (void)settings_load(&roots, &a->settings, d);
        facts_find(roots.root, a->settings, d);
        (void)catalogue_load(&roots, a->settings, &a->catalogue, d);
        model_print_diag(d);
        if (a->catalogue->rules->len > 0)
                return EXIT_FINE;
        fprintf(stderr, "varmorctl: there are no named rules\n");
        return EXIT_FAILED;
}

/* ---- as text -------------------------------------------------------------------------------------------------------------------- */

static void print_cases(const AdviceRule *r)
{
        for (guint i = 0; i < MIN(r->against->len, CASES_SHOWN); i++) {
                const AdviceCase *c = &g_array_index(r->against, AdviceCase, i);
                g_autofree char *text = advice_op_text(c->op);

                printf("#     %s%s\n", c->maybe ? "perhaps: " : "", text);
        }
        if (r->against->len > CASES_SHOWN)
                printf("#     and %u more\n", r->against->len - CASES_SHOWN);
}

static void print_others(const Advice *a, AdviceVerdict v, const char *head)
{
        bool begun = false;

        for (guint i = 0; i < a->rules->len; i++) {
                const AdviceRule *r = a->rules->pdata[i];
                g_autofree char *why = r->why ? printable(r->why) : NULL;

                if (r->verdict != v)
                        continue;
                if (!begun)
                        printf("#\n# %s\n", head);
                begun = true;
                printf("#   %s%s%s\n", r->named->id, why ? ": " : "", why ?: "");
                print_cases(r);
        }
}

static void print_within(const Advice *a)
{
        for (guint i = 0; i < a->rules->len; i++) {
                const NamedRule *whole = ((const AdviceRule *)a->rules->pdata[i])->named;
                unsigned n = 0;

                for (guint k = 0; k < a->rules->len; k++)
                        n += ((const AdviceRule *)a->rules->pdata[k])->within == whole;
                if (n > 0)
                        printf("#\n# %s makes up for %u more rule%s that would be free, which need not be named.\n", whole->id, n,
                               n == 1 ? "" : "s");
        }
}

/* What a policy brings besides the rules that it names. */
static void print_ground(const Advice *a)
{
        if (a->ground && a->ground->verdict != ADVICE_FREE) {
                g_autofree char *why = a->ground->why ? printable(a->ground->why) : NULL;

                printf("#\n# Without RuntimeDefault (privileged: true)%s%s\n", why ? ", since " : ", which speaks against:", why ?: "");
                print_cases(a->ground);
        }
        if (a->base && a->base->verdict == ADVICE_AGAINST) {
                puts("#\n# Careful: any policy that denies something keeps the workload from varmor itself, and this was recorded:");
                print_cases(a->base);
        }
}

/* How far the model can be trusted. */
static void describe_model(const Advising *a, GString *s)
{
        g_autofree char *path = a->model_path ? printable(a->model_path) : NULL;

        if (!a->model) {
                g_string_append(s, "# There is no model of it: what is here is guessed from the unit's properties.\n"
                                   "# Record one: varmorctl mode POLICY BehaviorModeling --duration=MINUTES\n");
                return;
        }
        g_string_append_printf(s, "# Model: %s, %u operations from %u recording%s.\n", path, a->n_ops, a->model->sources->len,
                               a->model->sources->len == 1 ? "" : "s");
        if (model_is_complete(a->model))
                g_string_append(s, "# It is complete; what did not happen while it was recorded is not in it.\n");
        else
                g_string_append(s, "# It is not complete: rules that it cannot judge are left out.\n");
}

static bool is_essential(const Advising *a)
{
        for (char **e = a->settings->essential; e && *e; e++)
                if (fnmatch(*e, a->unit, FNM_NOESCAPE) == 0)
                        return true;
        return false;
}

static char *describe(const Advising *a)
{
        g_autofree char *unit = printable(a->unit);
        GString *s = g_string_new(NULL);

        g_string_append_printf(s, "# Proposed by varmorctl advise for %s.\n", unit);
        describe_model(a, s);
        if (!a->enforcers_known)
                g_string_append(s, "# varmord does not say which enforcers this host has: all are taken to be there.\n");
        if (is_essential(a))
                g_string_append(s, "# The host needs this unit to live: the policy covers it with \"force: true\" in its target only.\n");
        return g_string_free(s, FALSE);
}

static void print_advice(const Advising *a)
{
        g_autofree char *intro = describe(a), *policy = advice_policy(a->advice, a->unit, intro);

        if (policy)
                fputs(policy, stdout);
        else
                printf("%s#\n# There is nothing to propose.\n", intro);
        print_within(a->advice);
        print_ground(a->advice);
        print_others(a->advice, ADVICE_AGAINST, "Not proposed, since they would deny what was recorded:");
        if (a->model)
                print_others(a->advice, ADVICE_UNKNOWN, "Not proposed, since the model cannot tell:");
        print_others(a->advice, ADVICE_IMPOSSIBLE, "Not proposed, since they cannot be carried out here with these enforcers:");
}

/* ---- as JSON -------------------------------------------------------------------------------------------------------------------- */

static void add_string(json_object *o, const char *key, const char *text)
{
        json_object_object_add(o, key, text ? json_object_new_string(text) : NULL);
}

static json_object *rule_to_json(const AdviceRule *r)
{
        json_object *o = json_object_new_object(), *against = json_object_new_array();

        add_string(o, "id", r->named->id);
        add_string(o, "category", rule_category_to_string(r->named->category));
        add_string(o, "description", r->named->description);
        add_string(o, "verdict", advice_verdict_to_string(r->verdict));
        add_string(o, "guessed_from", r->property);
        add_string(o, "within", r->within ? r->within->id : NULL);
        if (r->why) {
                g_autofree char *why = printable(r->why);

                add_string(o, "why", why);
        }
        for (guint i = 0; i < r->against->len; i++) {
                const AdviceCase *c = &g_array_index(r->against, AdviceCase, i);
                g_autofree char *text = advice_op_text(c->op);
                json_object *one = json_object_new_object();

                add_string(one, "operation", text);
                json_object_object_add(one, "maybe", json_object_new_boolean(c->maybe));
                json_object_array_add(against, one);
        }
        json_object_object_add(o, "against", against);
        return o;
}

static json_object *model_summary(const Advising *a)
{
        json_object *o = json_object_new_object();
        g_autofree char *path = printable(a->model_path);

        add_string(o, "path", path);
        json_object_object_add(o, "complete", json_object_new_boolean(model_is_complete(a->model)));
        json_object_object_add(o, "operations", json_object_new_uint64(a->n_ops));
        json_object_object_add(o, "recordings", json_object_new_uint64(a->model->sources->len));
        return o;
}

static void print_advice_json(const Advising *a)
{
        g_autofree char *intro = describe(a), *policy = advice_policy(a->advice, a->unit, intro);
        g_autofree char *enforcers = enforcer_mask_to_string(a->advice->enforcers), *unit = printable(a->unit);
        g_autoptr(JsonObject) o = json_object_new_object();
        json_object *rules = json_object_new_array();

        add_string(o, "unit", unit);
        json_object_object_add(o, "properties", json_object_get(a->shown));
        json_object_object_add(o, "model", a->model ? model_summary(a) : NULL);
        add_string(o, "enforcer", enforcers);
        for (guint i = 0; i < a->advice->rules->len; i++)
                json_object_array_add(rules, rule_to_json(a->advice->rules->pdata[i]));
        json_object_object_add(o, "rules", rules);
        json_object_object_add(o, "runtime_default", a->advice->ground ? rule_to_json(a->advice->ground) : NULL);
        json_object_object_add(o, "base_protection", a->advice->base ? rule_to_json(a->advice->base) : NULL);
        json_object_object_add(o, "essential", json_object_new_boolean(is_essential(a)));
        add_string(o, "policy", policy);
        print_json(a->options, o);
}

/* ---- the verb ------------------------------------------------------------------------------------------------------------------- */

/* Policies have services, scopes and slices for targets. */
static char *unit_name(const char *text)
{
        static const char *const suffixes[] = {".service", ".scope", ".slice"};

        for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++)
                if (g_str_has_suffix(text, suffixes[i]))
                        return g_strdup(text);
        return g_strconcat(text, ".service", NULL);
}

int verb_advise(const Options *o, char **args)
{
        g_auto(Advising) a = {.options = o, .unit = unit_name(args[0])};
        AdviceParams params;

        if (strspn(a.unit, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@") != strlen(a.unit)) {
                fprintf(stderr, "varmorctl: that is no name of a unit\n");
                return EXIT_USAGE;
        }
        int code = unit_read(o, a.unit, &a.properties, &a.shown);
        if (code == EXIT_FINE)
                code = find_model(&a, o->model);
        if (code == EXIT_FINE)
                code = load_catalogue(&a);
        if (code == EXIT_FINE && add_programs(&a) < 0)
                code = EXIT_FAILED;
        if (code != EXIT_FINE)
                return code;
        find_enforcers(&a);
        params = (AdviceParams){.model = a.model, .unit = &a.properties, .catalogue = a.catalogue, .enforcers = a.enforcers};
        a.advice = advice_new(&params);
        if (o->json)
                print_advice_json(&a);
        else
                print_advice(&a);
        return a.model && model_is_complete(a.model) && a.advice->n_free > 0 ? EXIT_FINE : EXIT_NOT_AS_ASKED;
}
