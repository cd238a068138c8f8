/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* model list, show, diff: what models are there, and what they say. */

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "model-files.h"
#include "model-json.h"
#include "model-policy.h"
#include "model-store.h"
#include "output.h"

/* ---- operations as text ---------------------------------------------------------------------------------------------------------- */

static json_object *op_to_json(const ModelOp *o)
{
        g_autoptr(GString) s = g_string_new(NULL);

        model_op_to_json(s, o);
        return json_tokener_parse(s->str);
}

/* "/etc/passwd access=read", from the object that models have for it. To be freed. */
static char *op_text(json_object *op)
{
        GString *s = g_string_new(NULL);

        json_object_object_foreach(op, key, value)
        {
                g_autofree char *list = json_object_is_type(value, json_type_array) ? join_strings(value, ",") : NULL;

                if (strcmp(key, "count") == 0)
                        continue;
                if (s->len == 0 && json_object_is_type(value, json_type_string))
                        g_string_append(s, json_object_get_string(value));
                else
                        g_string_append_printf(s, "%s%s=%s", s->len > 0 ? "  " : "", key, list ?: json_object_get_string(value));
        }
        if (s->len == 0)
                g_string_append_c(s, '-');
        return g_string_free(s, FALSE);
}

static char *time_text(uint64_t usec)
{
        g_autoptr(GDateTime) t = usec > 0 ? g_date_time_new_from_unix_local((gint64)(usec / G_USEC_PER_SEC)) : NULL;

        return t ? g_date_time_format(t, "%Y-%m-%d %H:%M:%S") : g_strdup("-");
}

/* ---- list ------------------------------------------------------------------------------------------------------------------------ */

/* The policy whose model "web.json" is; the other way round than policy_bind_name(). To be freed. */
static char *name_of_file(const char *file)
{
        char *name = g_strndup(file, strlen(file) - strlen(".json"));

        g_strdelimit(name, "+", '/');
        g_strdelimit(name, "=", '\\');
        if (*name == '_')
                *name = '-';
        return name;
}

static uint64_t total_lost(const Model *m)
{
        uint64_t n = 0;

        for (int k = 0; k < _MODEL_KIND_MAX; k++)
                n += MIN(model_lost(m, (ModelKind)k), MODEL_COUNT_MAX - n);
        return n;
}

static json_object *describe(const char *name, const char *path, const Model *m)
{
        json_object *o = json_object_new_object();
        struct stat st = {0};
        uint64_t ended = 0;

        (void)stat(path, &st);
        json_object_object_add(o, "name", json_object_new_string(name));
        json_object_object_add(o, "path", json_object_new_string(path));
        json_object_object_add(o, "bytes", json_object_new_uint64((uint64_t)st.st_size));
        json_object_object_add(o, "damaged", json_object_new_boolean(!m));
        if (!m)
                return o;
        for (guint i = 0; i < m->sources->len; i++)
                ended = MAX(ended, ((const ModelSource *)m->sources->pdata[i])->ended_usec);
        json_object_object_add(o, "unit", model_unit(m) ? json_object_new_string(model_unit(m)) : NULL);
        json_object_object_add(o, "recordings", json_object_new_int((int)m->sources->len));
        json_object_object_add(o, "operations", json_object_new_int((int)m->ops->len));
        json_object_object_add(o, "complete", json_object_new_boolean(model_is_complete(m)));
        json_object_object_add(o, "lost", json_object_new_uint64(total_lost(m)));
        json_object_object_add(o, "ended", json_object_new_uint64(ended));
        return o;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Return: EXIT_FINE, or what is wrong. */
static int find_files(const Options *o, GPtrArray *files)
{
        g_autofree char *dir = g_strconcat(o->root ?: "", MODELS_DIR, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(GDir) d = g_dir_open(dir, 0, &error);
        const char *name;

        if (!d && g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                return EXIT_FINE;
        if (!d) {
                fprintf(stderr, "varmorctl: %s\n", error->message);
                return g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_ACCES) ? EXIT_NOT_PERMITTED : EXIT_FAILED;
        }
        while ((name = g_dir_read_name(d)))
                if (*name != '.' && g_str_has_suffix(name, ".json"))
                        g_ptr_array_add(files, g_strdup(name));
        g_ptr_array_sort(files, compare_names);
        return EXIT_FINE;
}

static void print_list(const Options *o, json_object *list)
{
        static const char *const header[] = {"MODEL", "UNIT", "OPERATIONS", "STATE", "ENDED", "BYTES", NULL};
        g_autoptr(Table) t = table_new(header);

        for (size_t i = 0; i < json_length(list); i++) {
                json_object *m = json_object_array_get_idx(list, i);
                g_autofree char *ended = time_text(json_uint(m, "ended")), *n = g_strdup_printf("%" PRIu64, json_uint(m, "operations"));
                g_autofree char *lost = g_strdup_printf("%" PRIu64 " lost", json_uint(m, "lost"));
                g_autofree char *bytes = g_strdup_printf("%" PRIu64, json_uint(m, "bytes"));
                bool damaged = json_flag(m, "damaged"), complete = json_flag(m, "complete");

                table_add(t, json_string(m, "name"), COLOUR_NONE);
                table_add(t, json_string(m, "unit"), COLOUR_NONE);
                table_add(t, damaged ? "" : n, COLOUR_NONE);
                table_add(t, damaged ? "damaged" : complete ? "complete" : json_uint(m, "lost") > 0 ? lost : "not complete",
                          damaged ? COLOUR_BAD : complete ? COLOUR_GOOD : COLOUR_WARN);
                table_add(t, ended, COLOUR_NONE);
                table_add(t, bytes, COLOUR_NONE);
        }
        table_print(t, o);
}

int verb_model_list(const Options *o, char **args)
{
        g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(JsonObject) list = json_object_new_array();
        int code = find_files(o, files);

        for (guint i = 0; i < files->len; i++) {
                g_autofree char *path = g_strconcat(o->root ?: "", MODELS_DIR "/", files->pdata[i], NULL);
                g_autofree char *name = name_of_file(files->pdata[i]);
                g_autoptr(Diag) d = diag_new();
                g_autoptr(Model) m = NULL;

                if (model_store_read(path, &m, d) < 0) {
                        model_print_diag(d);
                        code = EXIT_NOT_AS_ASKED;
                }
                json_object_array_add(list, describe(name, path, m));
        }
        if (o->json)
                print_json(o, list);
        else if (files->len > 0)
                print_list(o, list);
        else if (code == EXIT_FINE)
                puts("No models.");
        return code;
}

/* ---- show ------------------------------------------------------------------------------------------------------------------------ */

static void print_source(json_object *s)
{
        g_autofree char *started = time_text(json_uint(s, "started")), *ended = time_text(json_uint(s, "ended"));
        g_autofree char *unit = printable(json_string(s, "unit")), *host = printable(json_string(s, "host"));
        g_autofree char *kernel = printable(json_string(s, "kernel")), *arch = printable(json_string(s, "arch"));
        json_object *lost = json_member(s, "lost");

        printf("recording  %s on %s, %s to %s", *unit ? unit : "unknown unit", *host ? host : "unknown host", started, ended);
        if (*kernel)
                printf(", kernel %s %s", kernel, arch);
        putchar('\n');
        if (json_length(json_member(s, "kinds")) < _MODEL_KIND_MAX) {
                g_autofree char *kinds = join_strings(json_member(s, "kinds"), ", ");

                printf("           looked only for: %s\n", kinds);
        }
        if (!lost)
                return;
        json_object_object_foreach(lost, kind, n) printf("           lost: %s of %s\n", json_object_get_string(n), kind);
}

static void print_model(const Options *o, json_object *m)
{
        json_object *sources = json_member(m, "sources"), *ops = json_member(m, "ops");

        printf("%s%s%s  %s%s%s\n", colour_on(o, COLOUR_BOLD), json_string(m, "name"), colour_off(o, COLOUR_BOLD),
               colour_on(o, json_flag(m, "complete") ? COLOUR_GOOD : COLOUR_WARN), json_flag(m, "complete") ? "complete" : "not complete",
               colour_off(o, COLOUR_GOOD));
        for (size_t i = 0; i < json_length(sources); i++)
                print_source(json_object_array_get_idx(sources, i));
        json_object_object_foreach(ops, kind, list)
        {
                printf("\n%s%s%s, %zu\n", colour_on(o, COLOUR_BOLD), kind, colour_off(o, COLOUR_BOLD), json_length(list));
                for (size_t i = 0; i < json_length(list); i++) {
                        json_object *op = json_object_array_get_idx(list, i);
                        g_autofree char *text = op_text(op), *shown = printable(text);

                        printf("%8" PRIu64 "  %s\n", json_uint(op, "count"), shown);
                }
        }
}

/* As model_to_json() writes it, with its name. */
static json_object *model_as_json(const char *word, const Model *m)
{
        g_autofree char *text = model_to_json(m), *name = model_arg_name(word, m, NULL);
        json_object *o = json_tokener_parse(text);

        json_object_object_add(o, "name", json_object_new_string(name));
        return o;
}

/* What became of it: the rules, and what was widened. */
static int general_as_json(const Options *o, const char *word, const Model *m, json_object **ret)
{
        GeneraliseOptions options = {0};
        g_autoptr(GeneraliseRules) rules = NULL;
        g_autoptr(General) g = NULL;
        g_autoptr(ModelRules) list = NULL;
        g_autoptr(Diag) d = diag_new();
        g_autofree char *report = NULL, *name = model_arg_name(word, m, NULL);
        g_auto(GStrv) lines = NULL;
        json_object *out, *allowed, *widened;
        int code = model_strictness(o, &options.strictness), r;

        if (code == EXIT_FINE)
                code = model_load_rules(o, &rules);
        if (code != EXIT_FINE)
                return code;
        g = generalise(m, rules, &options);
        r = model_rules(g, &list, d);
        model_print_diag(d);
        if (r < 0)
                return EXIT_NOT_AS_ASKED;
        allowed = json_object_new_array();
        widened = json_object_new_array();
        for (guint i = 0; i < list->rules->len; i++) {
                json_object *rule = json_object_new_object();
                g_autofree char *summary = rule_summary(list->rules->pdata[i]), *shown = printable(summary);

                json_object_object_add(rule, "kind", json_object_new_string(op_kind_to_string(((const Rule *)list->rules->pdata[i])->kind)));
                json_object_object_add(rule, "text", json_object_new_string(shown));
                json_object_object_add(rule, "why", json_object_new_string(list->comments->pdata[i]));
                json_object_array_add(allowed, rule);
        }
        report = general_report(g, rules);
        lines = g_strsplit(report, "\n", -1);
        for (char **l = lines; *l; l++) {
                g_autofree char *shown = printable(*l);

                if (**l)
                        json_object_array_add(widened, json_object_new_string(shown));
        }
        out = json_object_new_object();
        json_object_object_add(out, "name", json_object_new_string(name));
        json_object_object_add(out, "strictness", json_object_new_string(strictness_to_string(options.strictness)));
        json_object_object_add(out, "rules", allowed);
        json_object_object_add(out, "widened", widened);
        *ret = out;
        return EXIT_FINE;
}

static void print_general(const Options *o, json_object *g)
{
        json_object *rules = json_member(g, "rules"), *widened = json_member(g, "widened");

        printf("%s%s%s  %s: %zu rules\n", colour_on(o, COLOUR_BOLD), json_string(g, "name"), colour_off(o, COLOUR_BOLD),
               json_string(g, "strictness"), json_length(rules));
        for (size_t i = 0; i < json_length(rules); i++) {
                json_object *r = json_object_array_get_idx(rules, i);

                printf("  %s  %s# %s%s\n", json_string(r, "text"), colour_on(o, COLOUR_FAINT), json_string(r, "why"), colour_off(o, COLOUR_FAINT));
        }
        printf("\n%swidened%s, %zu\n", colour_on(o, COLOUR_BOLD), colour_off(o, COLOUR_BOLD), json_length(widened));
        for (size_t i = 0; i < json_length(widened); i++)
                printf("  %s\n", json_object_get_string(json_object_array_get_idx(widened, i)));
}

int verb_model_show(const Options *o, char **args)
{
        g_autoptr(Model) m = NULL;
        g_autoptr(JsonObject) value = NULL;
        int code = model_arg_read(o, args[0], &m);

        if (code != EXIT_FINE)
                return code;
        if (!o->generalised)
                value = model_as_json(args[0], m);
        else {
                code = general_as_json(o, args[0], m, &value);
                if (code != EXIT_FINE)
                        return code;
        }
        if (o->json)
                print_json(o, value);
        else if (o->generalised)
                print_general(o, value);
        else
                print_model(o, value);
        return EXIT_FINE;
}

/* ---- diff ------------------------------------------------------------------------------------------------------------------------ */

static void add_difference(const ModelOp *before, const ModelOp *after, void *userdata)
{
        json_object *list = userdata, *o = json_object_new_object();

        json_object_object_add(o, "change", json_object_new_string(!before ? "added" : !after ? "removed" : "changed"));
        json_object_object_add(o, "kind", json_object_new_string(model_kind_to_string((before ?: after)->kind)));
        if (before)
                json_object_object_add(o, "before", op_to_json(before));
        if (after)
                json_object_object_add(o, "after", op_to_json(after));
        json_object_array_add(list, o);
}

static void print_difference(const Options *o, json_object *d, const char *key, char sign, Colour c)
{
        json_object *op = json_member(d, key);
        g_autofree char *text = op ? op_text(op) : NULL, *shown = text ? printable(text) : NULL;

        if (op)
                printf("%s%c %s %s%s\n", colour_on(o, c), sign, json_string(d, "kind"), shown, colour_off(o, c));
}

int verb_model_diff(const Options *o, char **args)
{
        g_autoptr(Model) before = NULL, after = NULL;
        g_autoptr(JsonObject) list = json_object_new_array();
        int code = model_arg_read(o, args[0], &before);

        if (code == EXIT_FINE)
                code = model_arg_read(o, args[1], &after);
        if (code != EXIT_FINE)
                return code;
        model_diff(before, after, add_difference, list);
        if (o->json)
                print_json(o, list);
        for (size_t i = 0; !o->json && !o->quiet && i < json_length(list); i++) {
                json_object *d = json_object_array_get_idx(list, i);

                print_difference(o, d, "before", '-', COLOUR_BAD);
                print_difference(o, d, "after", '+', COLOUR_GOOD);
        }
        return json_length(list) > 0 ? EXIT_NOT_AS_ASKED : EXIT_FINE;
}
