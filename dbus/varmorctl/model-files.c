/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See model-files.h. */

#include "model-files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model-json.h"
#include "model-store.h"
#include "model-varmor.h"
#include "output.h"
#include "policy-model.h"
#include "policy.h"
#include "util.h"

void model_print_diag(const Diag *d)
{
        for (guint i = 0; i < d->messages->len; i++) {
                g_autofree char *text = diag_message_format(d->messages->pdata[i]), *shown = printable(text);

                fprintf(stderr, "%s\n", shown);
        }
        if (d->n_dropped > 0)
                fprintf(stderr, "... and %u more\n", d->n_dropped);
}

bool model_arg_is_file(const char *word)
{
        return *word == '/' || *word == '.' || strcmp(word, "-") == 0;
}

char *model_arg_path(const Options *o, const char *word)
{
        g_autofree char *path = model_arg_is_file(word) ? NULL : model_path(word);

        return path ? g_strconcat(o->root ?: "", path, NULL) : g_strdup(word);
}

static int complain(const char *path, const char *what, int error)
{
        g_autofree char *shown = printable(path);

        fprintf(stderr, "varmorctl: %s %s: %s\n", what, shown, g_strerror(-error));
        return error == -EACCES || error == -EPERM ? EXIT_NOT_PERMITTED : EXIT_FAILED;
}

/* ---- reading --------------------------------------------------------------------------------------------------------------------- */

static int read_text(const char *path, GString *text)
{
        autofile FILE *f = strcmp(path, "-") == 0 ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "re");
        char buffer[65536];
        size_t n;

        if (!f)
                return -errno;
        while ((n = fread(buffer, 1, sizeof(buffer), f)) > 0) {
                g_string_append_len(text, buffer, (gssize)n);
                if (text->len > MODEL_JSON_BYTES_MAX)
                        return -EFBIG;
        }
        return ferror(f) ? -EIO : 0;
}

/* vArmor's objects have no "format". What is no JSON at all is taken for ours, whose reader says where it is wrong. */
static bool is_varmor(const GString *text)
{
        g_autoptr(JsonObject) o = text->len <= VARMOR_MODEL_BYTES_MAX ? json_tokener_parse(text->str) : NULL;

        return json_object_is_type(o, json_type_object) && !json_member(o, "format");
}

static int read_file(const char *path, Model **ret, Diag *d)
{
        g_autoptr(GString) text = g_string_new(NULL);
        int r = read_text(path, text);

        if (r < 0)
                return r;
        if (is_varmor(text))
                return model_from_varmor(text->str, text->len, path, ret, d);
        return model_from_json(text->str, text->len, path, ret, d);
}

int model_arg_read(const Options *o, const char *word, Model **ret)
{
        g_autofree char *path = model_arg_path(o, word), *shown = printable(word);
        g_autoptr(Diag) d = diag_new();
        int r = model_arg_is_file(word) ? read_file(path, ret, d) : model_store_read(path, ret, d);

        model_print_diag(d);
        if (r == -EBADMSG)
                return EXIT_NOT_AS_ASKED;
        if (r == -ENOENT && !model_arg_is_file(word)) {
                fprintf(stderr, "varmorctl: there is no model of a policy called \"%s\"; a file begins with \"/\" or \"./\"\n", shown);
                return EXIT_FAILED;
        }
        return r < 0 ? complain(path, "cannot read", r) : EXIT_FINE;
}

/* ---- writing --------------------------------------------------------------------------------------------------------------------- */

static bool stands_there(const char *path, const Model *m)
{
        g_autofree char *have = NULL, *text = model_to_json(m);

        return g_file_get_contents(path, &have, NULL, NULL) && strcmp(have, text) == 0;
}

int model_arg_write(const Options *o, const char *word, const Model *m)
{
        g_autofree char *path = model_arg_path(o, word), *shown = printable(path);
        struct stat st;
        int r;

        if (strcmp(word, "-") == 0) {
                g_autofree char *text = model_to_json(m);

                return fputs(text, stdout) >= 0 ? EXIT_FINE : EXIT_FAILED;
        }
        if (!o->force && lstat(path, &st) == 0 && !stands_there(path, m)) {
                fprintf(stderr, "varmorctl: %s is there already; --force replaces it, and keeps it as %s.old\n", shown, shown);
                return EXIT_FAILED;
        }
        r = model_store_write(path, m);
        if (r < 0)
                return complain(path, "cannot write", r);
        if (!o->quiet)
                printf("%s: %u operations of %u recording%s, %s\n", shown, m->ops->len, m->sources->len, m->sources->len == 1 ? "" : "s",
                       model_is_complete(m) ? "complete" : "not complete");
        if (!o->quiet && !model_arg_is_file(word))
                puts("A policy that is made from it has it after \"varmorctl reload\".");
        return EXIT_FINE;
}

/* ---- names ----------------------------------------------------------------------------------------------------------------------- */

bool model_name_is_valid(const char *full_name)
{
        return strlen(full_name) <= 2 * POLICY_NAME_BYTES_MAX &&
               g_regex_match_simple("^([^/\\x00-\\x20]+\\.slice/)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", full_name, G_REGEX_RAW | G_REGEX_DOLLAR_ENDONLY, 0);
}

const char *model_unit(const Model *m)
{
        const char *unit = NULL;

        for (guint i = 0; i < m->sources->len; i++) {
                const ModelSource *s = m->sources->pdata[i];

                if (!s->unit || (unit && strcmp(unit, s->unit) != 0))
                        return NULL;
                unit = s->unit;
        }
        return unit;
}

static const char *policy_of(const Model *m)
{
        const char *policy = NULL;

        for (guint i = 0; i < m->sources->len; i++) {
                const ModelSource *s = m->sources->pdata[i];

                if (!s->policy || (policy && strcmp(policy, s->policy) != 0))
                        return NULL;
                policy = s->policy;
        }
        return policy && model_name_is_valid(policy) ? policy : NULL;
}

char *model_arg_name(const char *word, const Model *m, bool *known)
{
        const char *policy = policy_of(m);
        g_autofree char *base = NULL;

        if (known)
                *known = policy || !model_arg_is_file(word);
        if (!model_arg_is_file(word))
                return g_strdup(word);
        if (policy)
                return g_strdup(policy);
        base = g_path_get_basename(word);
        if (g_str_has_suffix(base, ".json"))
                base[strlen(base) - 5] = '\0';
        return g_strdup(model_name_is_valid(base) ? base : "model");
}

/* ---- generalising ---------------------------------------------------------------------------------------------------------------- */

int model_load_rules(const Options *o, GeneraliseRules **ret)
{
        const ConfRoots roots = {.root = o->root};
        g_autoptr(Diag) d = diag_new();
        int r = generalise_rules_load(&roots, ret, d);

        model_print_diag(d);
        return r < 0 ? EXIT_FAILED : EXIT_FINE;
}

int model_strictness(const Options *o, Strictness *ret)
{
        *ret = o->strictness ? strictness_from_string(o->strictness) : STRICTNESS_NORMAL;
        if ((int)*ret >= 0)
                return EXIT_FINE;
        fprintf(stderr, "varmorctl: --strictness takes strict, normal or loose\n");
        return EXIT_USAGE;
}
