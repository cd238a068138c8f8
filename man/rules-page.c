/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Catalogue -> varmor-rules(7): writes the page from the files of rules.d that are its arguments, so that the page says what the
 * data say. Runs while varmor is built, and is not installed. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/compile.h"
#include "rules.h"

static const char head[] =
        ".. SPDX-License-Identifier: LGPL-2.1-or-later\n\n"
        "============\nvarmor-rules\n============\n\n"
        "--------------\nbuilt-in rules\n--------------\n\n"
        ":Manual section: 7\n:Manual group: varmor\n\n"
        "DESCRIPTION\n===========\n\n"
        "These rules come with varmor, in ``/usr/lib/varmor/rules.d``. A policy asks for them by their ids, in the list of their category;\n"
        "upper case and ``_`` for ``-`` are understood. **varmor-policy**\\(5) says how, and how to write rules of one's own.\n\n"
        "For each rule the page says what it denies, and which enforcers of this version carry it out. A policy that asks for a rule that none of\n"
        "its enforcers carries out is refused, unless its ``optional`` names the rule.\n\n"
        "``write`` stands for every change of a file, and for connecting to a socket file; ``mount`` for every flag but ``umount``.\n";

static const char foot[] =
        "\nSEE ALSO\n========\n\n"
        "**varmor-policy**\\(5), **varmor**\\(7), **varmorctl**\\(1), **capabilities**\\(7)\n";

/* Text in which nothing is markup. */
static char *plain(const char *text)
{
        GString *s = g_string_new(NULL);

        for (; *text; text++) {
                if (strchr("*`|_\\", *text))
                        g_string_append_c(s, '\\');
                g_string_append_c(s, *text);
        }
        return g_string_free(s, FALSE);
}

static void put_line(const char *label, const char *text)
{
        g_autofree char *safe = text ? plain(text) : NULL;

        if (safe)
                printf("  %s%s\n\n", label, safe);
}

/* "BPF", or that nobody does. What is for other enforcers alone counts for them. */
static char *enforced_by(const NamedRule *r)
{
        static const EnforcerAbility bpf = {.kinds = BPF_KINDS, .modes = BPF_MODES};
        unsigned n = 0;

        for (guint i = 0; i < r->ops->len; i++) {
                const Rule *o = r->ops->pdata[i];
                bool configurable = o->unenforceable && strstr(o->unenforceable, "configured") && (BPF_KINDS & 1U << o->kind);
                g_autofree char *why = configurable ? NULL : rule_why_not(o, ENFORCER_BPF, &bpf);

                if (o->only && !(o->only & 1U << ENFORCER_BPF))
                        continue;
                if (why)
                        return g_strdup("none in this version");
                n++;
        }
        return g_strdup(n > 0 ? "BPF" : "none in this version");
}

/* One line, and one for each pattern. */
static void put_entry(const Rule *o)
{
        g_autoptr(Rule) brief = rule_dup(o);
        g_autofree char *summary = NULL, *only = o->only ? enforcer_mask_to_string(o->only) : NULL;

        if (brief->kind == OP_FILE)
                g_clear_pointer(&brief->file.patterns, g_strfreev);
        summary = rule_summary(brief);
        printf("    %s%s%s\n", summary, only ? ", by " : "", only ?: "");
        for (char **p = o->kind == OP_FILE && !o->unenforceable ? o->file.patterns : NULL; p && *p; p++)
                printf("      %s\n", *p);
        if (o->unenforceable)
                printf("      %s\n", o->unenforceable);
}

static void put_rule(const NamedRule *r)
{
        g_autofree char *enforcers = enforced_by(r);

        printf("%s\n", r->id);
        put_line("", r->description);
        put_line("", r->principle);
        printf("  ::\n\n");
        for (guint i = 0; i < r->ops->len; i++)
                put_entry(r->ops->pdata[i]);
        printf("\n");
        put_line("Impact: ", r->impact);
        if (r->aliases && *r->aliases) {
                g_autofree char *aliases = g_strjoinv(", ", r->aliases);

                put_line("Also called ", aliases);
        }
        if (r->references && *r->references) {
                g_autofree char *references = g_strjoinv(", ", r->references);

                put_line("See ", references);
        }
        printf("  Enforced by: %s\n\n", enforcers);
}

/* disable-cap-NAME, which say the same of each capability. */
static bool is_one_capability(const NamedRule *r)
{
        const Rule *o = r->ops->pdata[0];

        return g_str_has_prefix(r->id, "disable-cap-") && o->kind == OP_CAPABILITY && (o->capabilities & (o->capabilities - 1)) == 0;
}

static void put_capabilities(const Catalogue *c)
{
        const NamedRule *last = NULL;

        printf("disable-cap-NAME\n  Deny the capability NAME, one of\n\n  ::\n\n");
        for (guint i = 0; i < c->rules->len; i++) {
                const NamedRule *r = c->rules->pdata[i];

                if (!is_one_capability(r))
                        continue;
                last = r;
                printf("    %s\n", r->id + strlen("disable-cap-"));
        }
        if (last) {
                g_autofree char *enforcers = enforced_by(last);

                printf("\n  Enforced by: %s\n\n", enforcers);
        }
}

static void put_category(const Catalogue *c, RuleCategory category, const char *title, const char *list)
{
        g_autofree char *line = g_strnfill(strlen(title), '=');

        printf("\n%s\n%s\n\n%s\n\n", title, line, list);
        for (guint i = 0; i < c->rules->len; i++) {
                const NamedRule *r = c->rules->pdata[i];

                if (r->category == category && !is_one_capability(r))
                        put_rule(r);
        }
        if (category == RULE_HARDENING)
                put_capabilities(c);
}

static int read_rules(Catalogue *c, char **files)
{
        g_autoptr(Diag) d = diag_new();

        for (; *files; files++) {
                g_autofree char *text = NULL;
                gsize size;

                if (!g_file_get_contents(*files, &text, &size, NULL)) {
                        fprintf(stderr, "%s: cannot be read\n", *files);
                        return -1;
                }
                (void)catalogue_parse(c, text, size, "/usr/lib/varmor/rules.d/built-in.yaml", NULL, d);
        }
        for (guint i = 0; i < d->messages->len; i++) {
                g_autofree char *text = diag_message_format(d->messages->pdata[i]);

                fprintf(stderr, "%s\n", text);
        }
        return d->n_errors > 0 ? -1 : 0;
}

int main(int argc, char *argv[])
{
        g_autoptr(Catalogue) c = catalogue_new();

        if (read_rules(c, argv + 1) < 0)
                return EXIT_FAILURE;
        catalogue_seal(c);
        fputs(head, stdout);
        put_category(c, RULE_HARDENING, "HARDENING", "Of the list ``hardeningRules``.");
        put_category(c, RULE_ATTACK_PROTECTION, "ATTACK PROTECTION",
                     "Of the list ``attackProtectionRules``, which may limit them to some programs.");
        put_category(c, RULE_VULNERABILITY_MITIGATION, "VULNERABILITY MITIGATION", "Of the list ``vulMitigationRules``.");
        put_category(c, RULE_BASE_PROTECTION, "BASE PROTECTION",
                     "Part of every policy that denies anything; it is not asked for. **varmor**\\(7) says what else belongs to it.");
        put_category(c, RULE_RUNTIME_DEFAULT, "RUNTIME DEFAULT",
                     "What the mode ``RuntimeDefault`` consists of, and what ``EnhanceProtect`` builds on.");
        fputs(foot, stdout);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
