/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Catalogue -> varmor-rules(7): writes the page from the files of rules.d that are its arguments, so that the page says what the
 * data say. Runs while varmor is built, and is not installed. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apparmor/compile.h"
#include "bpf/compile.h"
#include "rule-info.h"
#include "seccomp/compile.h"

static const char head[] =
        ".. SPDX-License-Identifier: LGPL-2.1-or-later\n\n"
        "============\nvarmor-rules\n============\n\n"
        "--------------\nbuilt-in rules\n--------------\n\n"
        ":Manual section: 7\n:Manual group: varmor\n\n"
        "DESCRIPTION\n===========\n\n"
        "These rules come with varmor, in ``/usr/lib/varmor/rules.d``. A policy asks for them by their ids, in the list of their category;\n"
        "upper case and ``_`` for ``-`` are understood. **varmor-policy**\\(5) says how, and how to write rules of one's own.\n\n"
        "For each rule the page says what it denies, and which enforcers of this version carry out all of it. A policy that asks for a rule that\n"
        "none of its enforcers carries out is refused, unless its ``optional`` names the rule. **varmorctl rules** *RULE* says the same of this\n"
        "host, with its disks and addresses, and of rules of one's own.\n\n"
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

/* What the compilers make of the rules, where the host has whatever a rule asks for. */
static GPtrArray *infos;

static const RuleInfo *info_of(const NamedRule *r)
{
        return rule_infos_find(infos, r->id);
}

/* Why @k does not carry out @r, if it is about what @k knows at all. */
static const char *why_not(const RuleInfo *r, EnforcerKind k)
{
        for (guint i = 0; !(r->enforced_by & 1U << k) && i < r->ops->len; i++) {
                const RuleInfoOp *o = r->ops->pdata[i];

                if (o->why_not[k])
                        return o->why_not[k];
        }
        return NULL;
}

static void put_enforcers(const NamedRule *named)
{
        const RuleInfo *r = info_of(named);
        g_autoptr(GString) by = g_string_new(NULL);

        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (r->enforced_by & 1U << k)
                        g_string_append_printf(by, "%s%s", by->len > 0 ? ", " : "", enforcer_kind_to_string(k));
        /* Allow-lists have it in them: it is not for one enforcer or the other. */
        if (named->category != RULE_BASE_PROTECTION || r->enforced_by)
                put_line("Enforced by: ", r->enforced_by ? by->str : "none in this version");
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                const char *why = k == ENFORCER_SECCOMP || named->category == RULE_BASE_PROTECTION ? NULL : why_not(r, k);
                g_autofree char *label = g_strdup_printf("Not by %s: ", enforcer_kind_to_string(k));

                put_line(why ? label : "Note: ", why ?: r->notes[k]);
        }
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
        put_enforcers(r);
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
        printf("\n");
        if (last)
                put_enforcers(last);
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

static int read_rules(Catalogue *c, const Settings *s, char **files)
{
        g_autoptr(Diag) d = diag_new();

        for (; *files; files++) {
                g_autofree char *text = NULL;
                gsize size;

                if (!g_file_get_contents(*files, &text, &size, NULL)) {
                        fprintf(stderr, "%s: cannot be read\n", *files);
                        return -1;
                }
                (void)catalogue_parse(c, text, size, "/usr/lib/varmor/rules.d/built-in.yaml", s, d);
        }
        for (guint i = 0; i < d->messages->len; i++) {
                g_autofree char *text = diag_message_format(d->messages->pdata[i]);

                fprintf(stderr, "%s\n", text);
        }
        return d->n_errors > 0 ? -1 : 0;
}

/* A host that has a disk: what it is called is not said by the page, but that there is one. */
static Settings *some_disk(void)
{
        Settings *s = settings_new_default();

        s->disks = g_strsplit("/dev/DISK /dev/block/MAJOR:MINOR", " ", -1);
        return s;
}

/* And one on which everything is configured. */
static Settings *everything(void)
{
        Settings *s = some_disk();

        g_strfreev(s->kube_apiserver);
        g_strfreev(s->ingress_nginx_admission);
        s->kube_apiserver = g_strsplit("192.0.2.1:6443", " ", -1);
        s->ingress_nginx_admission = g_strsplit("192.0.2.1:8443", " ", -1);
        return s;
}

int main(int argc, char *argv[])
{
        static const EnforcerOps apparmor = {.kind = ENFORCER_APPARMOR, .kinds = APPARMOR_KINDS, .modes = APPARMOR_MODES, .compile = apparmor_compile};
        static const EnforcerOps bpf = {.kind = ENFORCER_BPF, .kinds = BPF_KINDS, .modes = BPF_MODES, .compile = bpf_compile};
        static const EnforcerOps seccomp = {.kind = ENFORCER_SECCOMP, .kinds = SECCOMP_KINDS, .modes = SECCOMP_MODES, .compile = seccomp_compile};
        static const EnforcerOps *const enforcers[] = {&apparmor, &bpf, &seccomp, NULL};
        g_autoptr(Catalogue) c = catalogue_new(), full = catalogue_new();
        g_autoptr(Settings) disk = some_disk(), all = everything();
        char digest[65];

        if (read_rules(c, disk, argv + 1) < 0 || read_rules(full, all, argv + 1) < 0)
                return EXIT_FAILURE;
        catalogue_seal(c);
        catalogue_seal(full);
        infos = rule_infos_build(full, enforcers, NULL, digest);
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
        g_ptr_array_unref(infos);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
