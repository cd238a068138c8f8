/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* model export, import, merge, profile: models as files, in our format and in others. */

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export.h"
#include "model-files.h"
#include "model-json.h"
#include "model-policy.h"
#include "model-varmor.h"
#include "model-yaml.h"
#include "policy-load.h"
#include "policy-model.h"

/* ---- profiles -------------------------------------------------------------------------------------------------------------------- */

/* What profiles are made from. */
typedef struct Source {
        const Options *options;
        const Model *model;
        char *name;
        GeneraliseRules *rules;
        Strictness strictness;
        General *general;
        bool quiet; /* but for errors */
} Source;

static void source_clear(Source *s)
{
        g_free(s->name);
        g_clear_pointer(&s->general, general_free);
        g_clear_pointer(&s->rules, generalise_rules_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Source, source_clear)

static int source_init(Source *s, const Options *o, const char *word, const Model *m)
{
        int code;

        s->options = o;
        s->model = m;
        s->name = model_arg_name(word, m, NULL);
        code = model_strictness(o, &s->strictness);
        if (code == EXIT_FINE)
                code = model_load_rules(o, &s->rules);
        if (code == EXIT_FINE)
                s->general = generalise(m, s->rules, &(GeneraliseOptions){.strictness = s->strictness});
        return code;
}

static int fill(Policy *p, void *userdata, Diag *d)
{
        const Source *s = userdata;

        return policy_model_fill(p, s->model, s->rules, d);
}

/* What is said of policies that somebody wrote is no news here: one enforcer is all that this one is for. */
static void print_rest(const Diag *d, bool quiet)
{
        g_autoptr(Diag) rest = diag_new();

        for (guint i = 0; i < d->messages->len; i++) {
                const DiagMessage *m = d->messages->pdata[i];

                if (m->severity == DIAG_ERROR || (!quiet && strcmp(m->code, "not-enforced") != 0 && strcmp(m->code, "not-exported") != 0))
                        diag_add(rest, m->severity, &m->pos, m->code, "%s", m->text);
        }
        model_print_diag(rest);
}

/* By way of a policy with such a profile, so that it is what would be in force. */
static int export_as(Source *s, const char *enforcer, const char *section, ExportFormat format, char **ret)
{
        LoadParams params = {.roots = {.root = s->options->root}, .model = fill, .model_userdata = s};
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(LoadResult) loaded = NULL;
        g_autoptr(Diag) d = diag_new();
        const LoadedPolicy *l;
        int r = -EBADMSG;

        model_yaml_head(text, s->name, model_unit(s->model), enforcer);
        g_string_append_printf(text, "    defenseInDepth: {strictness: %s, %s: {profileType: BehaviorModel}}\n", strictness_to_string(s->strictness), section);
        for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                params.can[k] = (EnforcerAbility){.kinds = UINT32_MAX, .modes = UINT32_MAX};
        loaded = policy_load_text(&params, text->str, text->len, "model");
        l = loaded->policies->len > 0 ? loaded->policies->pdata[0] : NULL;
        if (l && l->policy)
                r = export_policy(l->policy, format, NULL, NULL, ret, d);
        else
                model_print_diag(loaded->diag);
        if (l)
                print_rest(l->diag, s->quiet);
        print_rest(d, s->quiet);
        return r < 0 ? EXIT_NOT_AS_ASKED : EXIT_FINE;
}

static int export_yaml(Source *s, char **ret)
{
        g_autofree char *comment = g_strdup_printf("From the model of %s: %u operations of %u recording%s, %s; %s.", s->name, s->model->ops->len,
                                                   s->model->sources->len, s->model->sources->len == 1 ? "" : "s",
                                                   model_is_complete(s->model) ? "complete" : "not complete", strictness_to_string(s->strictness));
        g_autoptr(ModelRules) rules = NULL;
        g_autoptr(Diag) d = diag_new();
        int r = model_rules(s->general, &rules, d);

        model_print_diag(d);
        if (r < 0)
                return EXIT_NOT_AS_ASKED;
        *ret = model_yaml(rules, s->name, model_unit(s->model), comment);
        return EXIT_FINE;
}

static int export_settings(Source *s, char **ret)
{
        *ret = model_systemd(s->general);
        return EXIT_FINE;
}

static int export_apparmor(Source *s, char **ret)
{
        return export_as(s, "AppArmor", "appArmor", EXPORT_APPARMOR, ret);
}

static int export_seccomp(Source *s, char **ret)
{
        return export_as(s, "Seccomp", "seccomp", EXPORT_OCI_SECCOMP, ret);
}

static const struct {
        const char *format;
        int (*export)(Source *s, char **ret);
} formats[] = {
        {"apparmor", export_apparmor}, {"bpf", export_yaml}, {"oci-seccomp", export_seccomp}, {"systemd", export_settings},
};

int verb_model_profile(const Options *o, char **args)
{
        g_auto(Source) s = {0};
        g_autoptr(Model) m = NULL;
        g_autofree char *text = NULL;
        size_t i = 0;
        int code;

        while (i < G_N_ELEMENTS(formats) && g_strcmp0(o->format, formats[i].format) != 0)
                i++;
        if (i == G_N_ELEMENTS(formats)) {
                fprintf(stderr, "varmorctl: model profile takes --format=apparmor, --format=bpf, --format=oci-seccomp or --format=systemd\n");
                return EXIT_USAGE;
        }
        code = model_arg_read(o, args[0], &m);
        if (code == EXIT_FINE)
                code = source_init(&s, o, args[0], m);
        if (code == EXIT_FINE)
                code = formats[i].export(&s, &text);
        if (code == EXIT_FINE && fputs(text, stdout) < 0)
                code = EXIT_FAILED;
        return code;
}

/* ---- export ---------------------------------------------------------------------------------------------------------------------- */

static bool has_kind(const Model *m, ModelKind k)
{
        for (guint i = 0; i < m->ops->len; i++)
                if (((const ModelOp *)m->ops->pdata[i])->kind == k)
                        return true;
        return false;
}

static int export_varmor(const Options *o, const char *word, const Model *m)
{
        g_auto(Source) s = {0};
        g_autofree char *apparmor = NULL, *seccomp = NULL, *text = NULL, *space = NULL;
        g_autoptr(Diag) d = diag_new();
        const char *slash;
        int code = source_init(&s, o, word, m);

        if (code != EXIT_FINE)
                return code;
        apparmor = model_apparmor(s.general, d);
        model_print_diag(d);
        s.quiet = true;
        if (has_kind(m, MODEL_SYSCALL))
                code = export_seccomp(&s, &seccomp);
        if (code != EXIT_FINE)
                return code;
        slash = strrchr(s.name, '/');
        space = slash ? g_strndup(s.name, (gsize)(slash - s.name)) : NULL;
        text = model_to_varmor(s.general, &(VarmorModel){.name = slash ? slash + 1 : s.name, .space = space, .apparmor = apparmor, .seccomp = seccomp});
        return fputs(text, stdout) >= 0 ? EXIT_FINE : EXIT_FAILED;
}

int verb_model_export(const Options *o, char **args)
{
        const char *format = o->format ?: "json";
        g_autoptr(Model) m = NULL;
        int code;

        if (strcmp(format, "json") != 0 && strcmp(format, "varmor") != 0) {
                fprintf(stderr, "varmorctl: model export takes --format=json or --format=varmor\n");
                return EXIT_USAGE;
        }
        code = model_arg_read(o, args[0], &m);
        if (code != EXIT_FINE)
                return code;
        return strcmp(format, "varmor") == 0 ? export_varmor(o, args[0], m) : model_arg_write(o, "-", m);
}

/* ---- import, merge --------------------------------------------------------------------------------------------------------------- */

int verb_model_import(const Options *o, char **args)
{
        g_autoptr(Model) m = NULL;
        g_autofree char *name = NULL;
        bool known = true;
        int code;

        /* The argument is a file, however it looks. */
        g_autofree char *file = model_arg_is_file(args[0]) ? g_strdup(args[0]) : g_strconcat("./", args[0], NULL);

        code = model_arg_read(o, file, &m);
        if (code != EXIT_FINE)
                return code;
        name = o->name ? g_strdup(o->name) : model_arg_name(file, m, &known);
        if (!known) {
                fprintf(stderr, "varmorctl: the model does not say of which policy it is; --name=POLICY does\n");
                return EXIT_USAGE;
        }
        if (!model_name_is_valid(name)) {
                fprintf(stderr, "varmorctl: --name takes the name of a policy, such as web, or system.slice/web\n");
                return EXIT_USAGE;
        }
        return model_arg_write(o, name, m);
}

int verb_model_merge(const Options *o, char **args)
{
        g_autoptr(Model) all = NULL;
        int code;

        if (!model_arg_is_file(args[0]) && !model_name_is_valid(args[0])) {
                fprintf(stderr, "varmorctl: model merge writes to a policy's model or to a file, which begins with \"/\" or \"./\"\n");
                return EXIT_USAGE;
        }
        code = model_arg_read(o, args[1], &all);
        for (char **a = args + 2; code == EXIT_FINE && *a; a++) {
                g_autoptr(Model) one = NULL, both = NULL;

                code = model_arg_read(o, *a, &one);
                if (code == EXIT_FINE && model_merge(all, one, &both) < 0) {
                        fprintf(stderr, "varmorctl: the models are larger together than a model can be\n");
                        code = EXIT_FAILED;
                }
                if (code == EXIT_FINE) {
                        model_free(all);
                        all = g_steal_pointer(&both);
                }
        }
        return code == EXIT_FINE ? model_arg_write(o, args[0], all) : code;
}
