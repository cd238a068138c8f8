/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* refine: the alarms of a policy, as rules that would have let them pass; what is accepted becomes a fragment beside the policy's file.
 * If the policy is refused with it, what stood there before is put back. */

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "messages.h"
#include "model-files.h"
#include "output.h"
#include "policy.h"
#include "refine.h"

#define FRAGMENT_NAME "50-refine"
#define HOUR_USEC (UINT64_C(3600) * G_USEC_PER_SEC)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_journal, sd_journal_close)

typedef struct Refining {
        const Options *options;
        sd_bus *bus;
        char *object;            /* of the policy on the bus */
        json_object *policy;     /* its properties */
        GeneraliseRules *generalise;
        Refine *refine;
        char *path;              /* of the fragment */
        char *before;            /* what stands there; NULL: nothing */
        uint64_t since_usec;
} Refining;

static void refining_done(Refining *r)
{
        sd_bus_flush_close_unref(r->bus);
        g_free(r->object);
        g_clear_pointer(&r->policy, json_object_put);
        refine_free(r->refine);
        generalise_rules_free(r->generalise);
        g_free(r->path);
        g_free(r->before);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Refining, refining_done)

/* ---- the journal --------------------------------------------------------------------------------------------------------------- */

static const void *get_field(void *userdata, const char *field, size_t *ret_size)
{
        size_t skip = strlen(field) + 1, size;
        const void *data;

        if (sd_journal_get_data(userdata, field, &data, &size) < 0 || size < skip)
                return NULL;
        *ret_size = size - skip;
        return (const char *)data + skip;
}

static int add_match(sd_journal *j, const char *field, const char *value)
{
        g_autofree char *match = g_strconcat(field, "=", value, NULL);

        return sd_journal_add_match(j, match, 0);
}

/* Anybody may write the other fields; who wrote the entry is the journal's to say. */
static int open_journal(const Refining *r, sd_journal **ret)
{
        static const char *const ids[] = {MESSAGE_VIOLATION, MESSAGE_BASE_PROTECTION, MESSAGE_NO_PATH, MESSAGE_SECOND_NAME};
        g_autoptr(sd_journal) j = NULL;

        int e = r->options->directory ? sd_journal_open_directory(&j, r->options->directory, 0) : sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY);
        if (e >= 0)
                e = add_match(j, "_SYSTEMD_UNIT", "varmord.service");
        if (e >= 0)
                e = add_match(j, "_UID", "0");
        for (size_t i = 0; e >= 0 && i < G_N_ELEMENTS(ids); i++)
                e = add_match(j, "MESSAGE_ID", ids[i]);
        if (e >= 0)
                e = add_match(j, "VARMOR_POLICY", json_string(r->policy, "name"));
        if (e >= 0)
                e = sd_journal_seek_realtime_usec(j, r->since_usec);
        if (e >= 0)
                *ret = g_steal_pointer(&j);
        return e;
}

static int read_alarms(Refining *r)
{
        g_autoptr(sd_journal) j = NULL;
        uint64_t usec = 0;

        int e = open_journal(r, &j);
        while (e >= 0 && (e = sd_journal_next(j)) > 0) {
                g_auto(RefineAlarm) a = {};

                if (sd_journal_get_realtime_usec(j, &usec) < 0 || (r->options->until_usec > 0 && usec > r->options->until_usec))
                        continue;
                if (refine_alarm_read(get_field, j, usec, &a) == 0)
                        refine_add(r->refine, &a);
        }
        if (e < 0) {
                fprintf(stderr, "varmorctl: cannot read the journal: %s\n", g_strerror(-e));
                return EXIT_FAILED;
        }
        refine_finish(r->refine);
        if (r->refine->n_alarms == 0 && geteuid() != 0)
                fprintf(stderr, "varmorctl: nothing found; only root and the groups adm and systemd-journal can read all of the journal\n");
        return EXIT_FINE;
}

/* ---- the policy ----------------------------------------------------------------------------------------------------------------- */

static int find_policy(Refining *r, const char *name)
{
        int code = client_connect(r->options, &r->bus);
        if (code == EXIT_FINE)
                code = client_policy_path(r->bus, name, &r->object);
        if (code == EXIT_FINE)
                code = client_properties(r->bus, r->object, VARMOR_POLICY, &r->policy);
        if (code != EXIT_FINE)
                return code;
        r->since_usec = r->options->since_usec;
        if (r->since_usec)
                return EXIT_FINE;
        /* It becomes active anew with each restart that it asked for. */
        r->since_usec = (uint64_t)g_get_real_time() - HOUR_USEC;
        if (strcmp(json_string(r->policy, "state"), "active") == 0)
                r->since_usec = MIN(r->since_usec, json_uint(r->policy, "state_since"));
        return EXIT_FINE;
}

/* Beside the policy's file; a file with several policies has several of these. */
static char *fragment_path(const Refining *r)
{
        g_autofree char *base = g_path_get_basename(json_string(r->policy, "source_file")), *bind = policy_bind_name(json_string(r->policy, "name"));
        g_autofree char *own = g_strconcat(bind, ".yaml", NULL);
        bool alone = strcmp(base, own) == 0;

        return g_strdup_printf("%s/etc/varmor/policies.d/%s.d/" FRAGMENT_NAME "%s%s.yaml", r->options->root ?: "", base, alone ? "" : "-",
                               alone ? "" : bind);
}

static int read_before(Refining *r)
{
        g_autofree char *shown = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(Diag) d = diag_new();
        gsize size;

        r->path = fragment_path(r);
        if (!g_file_get_contents(r->path, &r->before, &size, &error)) {
                if (g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                        return EXIT_FINE;
                fprintf(stderr, "varmorctl: %s\n", error->message);
                return g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_ACCES) ? EXIT_NOT_PERMITTED : EXIT_FAILED;
        }
        if (size <= REFINE_FRAGMENT_BYTES_MAX && refine_parse(r->refine, r->before, size, r->path, d) == 0)
                return EXIT_FINE;
        model_print_diag(d);
        shown = printable(r->path);
        fprintf(stderr, "varmorctl: %s has other things than what refine writes; give it another name\n", shown);
        return EXIT_FAILED;
}

static char *make_fragment(const Refining *r)
{
        const char *name = json_string(r->policy, "name"), *slash = strchr(name, '/');
        g_autofree char *slice = slash ? g_strndup(name, (size_t)(slash - name)) : NULL;

        return refine_fragment(r->refine, slash ? slash + 1 : name, slice);
}

/* ---- asking -------------------------------------------------------------------------------------------------------------------- */

static void show_rule(const Options *o, const RefineRule *rule)
{
        g_autofree char *evidence = refine_evidence(rule);

        printf("%s%s%s  %s\n    %s%s%s\n", colour_on(o, COLOUR_FAINT), refine_section_to_string(rule->section), colour_off(o, COLOUR_FAINT),
               rule->text, colour_on(o, COLOUR_FAINT), evidence, colour_off(o, COLOUR_FAINT));
}

/* Return: one of y, n, a, q; at the end of the input q. */
static char ask(void)
{
        char line[64];

        for (;;) {
                printf("Allow this [y]es, [n]o, [a]ll of the rest, [q]uit: ");
                (void)fflush(stdout);
                if (!fgets(line, sizeof(line), stdin)) {
                        putchar('\n');
                        return 'q';
                }
                if (strchr("ynaq", g_ascii_tolower(line[0])) && line[0] != '\0' && (line[1] == '\n' || line[1] == '\0'))
                        return g_ascii_tolower(line[0]);
        }
}

/* Return: how many were accepted. */
static guint accept_rules(Refining *r)
{
        bool all = r->options->yes || r->options->dry_run, none = r->options->json && !r->options->yes && !r->options->dry_run;
        guint n = 0;

        for (guint i = 0; i < r->refine->rules->len; i++) {
                RefineRule *rule = r->refine->rules->pdata[i];
                char answer;

                if (rule->before)
                        continue;
                if (!r->options->json && !r->options->dry_run)
                        show_rule(r->options, rule);
                answer = all ? 'y' : none ? 'q' : ask();
                all |= answer == 'a';
                none |= answer == 'q';
                rule->accepted = all || answer == 'y';
                n += rule->accepted;
        }
        return n;
}

/* ---- writing ------------------------------------------------------------------------------------------------------------------- */

static int write_fragment(const char *path, const char *text)
{
        g_autofree char *parent = g_path_get_dirname(path);
        g_autoptr(GError) error = NULL;
        mode_t mask = umask(022);
        bool good;

        good = g_mkdir_with_parents(parent, 0755) == 0;
        if (!good)
                fprintf(stderr, "varmorctl: cannot make %s: %s\n", parent, g_strerror(errno));
        else if (text) {
                good = g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644, &error);
                if (!good)
                        fprintf(stderr, "varmorctl: %s\n", error->message);
        } else
                good = g_unlink(path) == 0 || errno == ENOENT;
        (void)umask(mask);
        return good ? EXIT_FINE : geteuid() != 0 ? EXIT_NOT_PERMITTED : EXIT_FAILED;
}

static int reload(const Refining *r)
{
        const ClientCall call = {.path = VARMOR_MANAGER_PATH, .interface = VARMOR_MANAGER, .member = "Reload"};

        return client_call(r->bus, &call, NULL, "");
}

/* What the daemon says of the policy, and whether some of it is an error. */
static bool print_diagnostics(const Refining *r)
{
        static const char *const fields[] = {"severity", "file", "line", "column", "code", "message", NULL};
        const ClientCall call = {.path = r->object, .interface = VARMOR_POLICY, .member = "ListDiagnostics", .fields = fields};
        g_autoptr(JsonObject) list = NULL;
        bool errors = false;

        if (client_call(r->bus, &call, &list, "") != EXIT_FINE)
                return true;
        for (size_t i = 0; i < json_length(list); i++) {
                json_object *m = json_object_array_get_idx(list, i);
                g_autofree char *file = printable(json_string(m, "file")), *message = printable(json_string(m, "message"));

                if (strcmp(json_string(m, "severity"), "error") != 0)
                        continue;
                errors = true;
                fprintf(stderr, "%s:%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ": error: %s\n", file, json_uint(m, "line"), json_uint(m, "column"),
                        message);
        }
        return errors;
}

static int put_in_force(const Refining *r, const char *text)
{
        g_autofree char *shown = printable(r->path);
        bool had_errors = json_uint(r->policy, "errors") > 0;

        int code = write_fragment(r->path, text);
        if (code == EXIT_FINE)
                code = reload(r);
        else
                return code;
        if (code == EXIT_FINE)
                return EXIT_FINE;
        /* Another policy may have been refused. */
        if (code == EXIT_NOT_AS_ASKED && !had_errors && !print_diagnostics(r)) {
                fprintf(stderr, "varmorctl: something else was refused; the policy itself is in force as refined\n");
                return EXIT_FINE;
        }
        if (write_fragment(r->path, r->before) == EXIT_FINE) {
                fprintf(stderr, "varmorctl: the policy is not accepted with these rules; %s is as it was\n", shown);
                (void)reload(r);
        }
        return code;
}

/* ---- what came of it ------------------------------------------------------------------------------------------------------------ */

static void print_suggestions(const Refining *r)
{
        const Options *o = r->options;
        const char *mark = o->dry_run ? "# " : ""; /* what is printed then is YAML */

        if (r->refine->suggestions->len > 0)
                printf("%sNot by a rule of a fragment:\n", mark);
        for (guint i = 0; i < r->refine->suggestions->len; i++) {
                const RefineSuggestion *s = r->refine->suggestions->pdata[i];

                printf("%s  %s%s%s (%" G_GUINT64_FORMAT " time%s)\n", mark, colour_on(o, COLOUR_WARN), s->text, colour_off(o, COLOUR_WARN), s->count,
                       s->count == 1 ? "" : "s");
        }
        if (r->refine->n_over > 0)
                printf("%s%" G_GUINT64_FORMAT " alarms are left out: there are too many different ones.\n", mark, r->refine->n_over);
}

static void add_string(json_object *o, const char *key, const char *text)
{
        json_object_object_add(o, key, text ? json_object_new_string(text) : NULL);
}

static json_object *rule_to_json(const RefineRule *rule)
{
        json_object *o = json_object_new_object();

        add_string(o, "section", refine_section_to_string(rule->section));
        add_string(o, "rule", rule->text);
        json_object_object_add(o, "count", json_object_new_uint64(rule->count));
        json_object_object_add(o, "first_usec", json_object_new_uint64(rule->first_usec));
        json_object_object_add(o, "last_usec", json_object_new_uint64(rule->last_usec));
        add_string(o, "comm", rule->comm);
        add_string(o, "unit", rule->unit);
        add_string(o, "widened_from", rule->exact);
        add_string(o, "also_allows", rule->note);
        json_object_object_add(o, "before", json_object_new_boolean(rule->before));
        json_object_object_add(o, "accepted", json_object_new_boolean(rule->accepted));
        return o;
}

static void print_all_json(const Refining *r, const char *text, bool written)
{
        json_object *o = json_object_new_object(), *rules = json_object_new_array(), *suggestions = json_object_new_array();
        g_autofree char *path = printable(r->path);

        add_string(o, "policy", json_string(r->policy, "name"));
        json_object_object_add(o, "alarms", json_object_new_uint64(r->refine->n_alarms));
        json_object_object_add(o, "left_out", json_object_new_uint64(r->refine->n_over));
        for (guint i = 0; i < r->refine->rules->len; i++)
                json_object_array_add(rules, rule_to_json(r->refine->rules->pdata[i]));
        for (guint i = 0; i < r->refine->suggestions->len; i++) {
                const RefineSuggestion *s = r->refine->suggestions->pdata[i];
                json_object *one = json_object_new_object();

                add_string(one, "text", s->text);
                json_object_object_add(one, "count", json_object_new_uint64(s->count));
                json_object_array_add(suggestions, one);
        }
        json_object_object_add(o, "rules", rules);
        json_object_object_add(o, "suggestions", suggestions);
        add_string(o, "file", path);
        add_string(o, "fragment", text);
        json_object_object_add(o, "written", json_object_new_boolean(written));
        print_json(r->options, o);
        json_object_put(o);
}

static int finish(Refining *r)
{
        const Options *o = r->options;
        g_autofree char *shown = printable(r->path), *text = NULL;
        guint n = accept_rules(r);
        bool write = n > 0 && !o->dry_run;
        int code = EXIT_FINE;

        text = make_fragment(r);
        if (o->dry_run && !o->json && n > 0)
                fputs(text, stdout);
        if (write)
                code = put_in_force(r, text);
        write &= code == EXIT_FINE;
        if (write && strcmp(json_string(r->policy, "mode"), mode_to_string(MODE_DEFENSE_IN_DEPTH)) != 0)
                fprintf(stderr, "varmorctl: the policy is in the mode %s; what was added acts in DefenseInDepth only\n",
                        json_string(r->policy, "mode"));
        if (o->json)
                print_all_json(r, text, write);
        else {
                print_suggestions(r);
                if (write)
                        printf("%u rule%s in %s, in force.\n", n, n == 1 ? "" : "s", shown);
                else if (n == 0)
                        printf("%sOf %" G_GUINT64_FORMAT " alarms nothing is added.\n", o->dry_run ? "# " : "", r->refine->n_alarms);
        }
        return code;
}

int verb_refine(const Options *o, char **args)
{
        g_auto(Refining) r = {.options = o};

        int code = find_policy(&r, args[0]);
        if (code == EXIT_FINE)
                code = model_load_rules(o, &r.generalise);
        if (code != EXIT_FINE)
                return code;
        r.refine = refine_new(r.generalise);
        code = read_before(&r);
        if (code == EXIT_FINE)
                code = read_alarms(&r);
        return code == EXIT_FINE ? finish(&r) : code;
}
