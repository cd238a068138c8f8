/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Refine: the fragment, written and read again. Each rule takes one line, with what is known of it in a comment above; so a rule that
 * was written before stays as it is, word by word. */

#include <errno.h>
#include <string.h>

#include "refine.h"
#include "yaml-tree.h"

#define HEAD "# Written by \"varmorctl refine\", which adds to it; what else is written here makes it refuse to.\n"

char *refine_quote(const char *text)
{
        GString *s = g_string_new("\"");

        for (const char *p = text; *p;) {
                gunichar c = g_utf8_get_char_validated(p, -1);

                if (c == (gunichar)-1 || c == (gunichar)-2) {
                        p++;
                        continue;
                }
                if (c == '"' || c == '\\')
                        g_string_append_printf(s, "\\%c", (char)c);
                else if (g_unichar_isprint(c))
                        g_string_append_unichar(s, c);
                else
                        g_string_append_printf(s, c <= 0xff ? "\\x%02x" : c <= 0xffff ? "\\u%04x" : "\\U%08x", (unsigned)c);
                p = g_utf8_next_char(p);
        }
        g_string_append_c(s, '"');
        return g_string_free(s, FALSE);
}

/* ---- writing -------------------------------------------------------------------------------------------------------------------- */

/* What stands above the rules of a section, and before each of them. */
static const struct {
        const char *head;
        const char *indent;
        const char *begin;
} layout[_REFINE_SECTION_MAX] = {
        [REFINE_APPARMOR] = {"      appArmor:\n        appArmorRawRules:\n", "          ", "- "},
        [REFINE_FILES] = {"          files:\n", "            ", "- "},
        [REFINE_SOCKETS] = {"            sockets:\n", "              ", "- "},
        [REFINE_EGRESS] = {"            egress:\n              toDestinations:\n", "                ", "- "},
        [REFINE_INGRESS] = {"            ingress:\n              toDestinations:\n", "                ", "- "},
        [REFINE_PTRACE] = {"", "          ", "ptrace: "},
        [REFINE_SIGNAL] = {"", "          ", "signal: "},
        [REFINE_MOUNTS] = {"          mounts:\n", "            ", "- "},
        [REFINE_CAPABILITIES] = {"          capabilities:\n", "            ", "- "},
        [REFINE_USERNS] = {"", "          ", "userNamespaces: "},
        [REFINE_BPF] = {"          bpf:\n", "            ", "- "},
        [REFINE_SYSCALLS] = {"      seccomp:\n        syscallRawRules:\n", "          ", "- "},
};

/* The line of @rule as it is to be; NULL: it is not to be there. To be freed. */
static char *text_of(const RefineRule *rule)
{
        if (rule->before || rule->accepted)
                return g_strdup(rule->text);
        if (rule->perms_before)
                return rule->section == REFINE_FILES ? refine_file_text(rule->pattern, rule->perms_before) : refine_ptrace_text(rule->perms_before);
        return NULL;
}

static void append_rule(GString *s, const RefineRule *rule, const char *text)
{
        const char *indent = layout[rule->section].indent;
        g_autofree char *evidence = rule->accepted ? refine_evidence(rule) : g_strdup(rule->comment);

        if (evidence)
                g_string_append_printf(s, "%s# %s\n", indent, evidence);
        g_string_append_printf(s, "%s%s%s\n", indent, layout[rule->section].begin, text);
}

char *refine_fragment(const Refine *r, const char *name, const char *slice)
{
        GString *s = g_string_new(HEAD "apiVersion: crd.varmor.org/v1beta1\n");
        bool bpf = false, network = false;
        int last = -1;

        g_string_append_printf(s, "kind: %s\nmetadata:\n  name: '%s'\n", slice ? "VarmorPolicy" : "VarmorClusterPolicy", name);
        if (slice)
                g_string_append_printf(s, "  namespace: '%s'\n", slice);
        g_string_append(s, "spec:\n  policy:\n    defenseInDepth:\n");
        for (guint i = 0; i < r->rules->len; i++) {
                const RefineRule *rule = r->rules->pdata[i];
                g_autofree char *text = text_of(rule);

                if (!text)
                        continue;
                if (rule->section > REFINE_APPARMOR && rule->section < REFINE_SYSCALLS && !bpf) {
                        g_string_append(s, "      bpf:\n        bpfRawRules:\n");
                        bpf = true;
                }
                if (rule->section >= REFINE_SOCKETS && rule->section <= REFINE_INGRESS && !network) {
                        g_string_append(s, "          network:\n");
                        network = true;
                }
                if (last != (int)rule->section)
                        g_string_append(s, layout[rule->section].head);
                last = (int)rule->section;
                append_rule(s, rule, text);
        }
        return g_string_free(s, FALSE);
}

/* ---- reading -------------------------------------------------------------------------------------------------------------------- */

typedef struct Parser {
        Refine *refine;
        char **lines;
        guint n_lines;
        Diag *diag;
        uint32_t errors;
} Parser;

static void strange(Parser *p, const SourcePos *pos)
{
        diag_error(p->diag, pos, "not-refined", "varmorctl refine does not write this; it leaves a file alone that others have changed");
        p->errors++;
}

static bool same(const YamlNode *a, const YamlNode *b)
{
        if (a->type != b->type)
                return false;
        if (a->type == YAML_SCALAR)
                return strcmp(a->scalar, b->scalar) == 0;
        if (a->type == YAML_SEQUENCE) {
                for (guint i = 0; i < a->items->len && a->items->len == b->items->len; i++)
                        if (!same(a->items->pdata[i], b->items->pdata[i]))
                                return false;
                return a->items->len == b->items->len;
        }
        for (guint i = 0; i < a->pairs->len && a->pairs->len == b->pairs->len; i++) {
                const YamlPair *x = a->pairs->pdata[i], *y = b->pairs->pdata[i];

                if (strcmp(x->key, y->key) != 0 || !same(x->value, y->value))
                        return false;
        }
        return a->pairs->len == b->pairs->len;
}

/* Does @text, by itself, mean @n? */
static bool means(const char *text, const YamlNode *n)
{
        g_autoptr(GPtrArray) documents = NULL;
        g_autoptr(Diag) d = diag_new();
        bool complete;

        return yaml_parse(text, strlen(text), "line", &documents, &complete, d) == 0 && documents->len == 1 && same(documents->pdata[0], n);
}

static uint64_t perms_in(const YamlNode *n, const Word *words)
{
        const YamlNode *list = yaml_get(n, "permissions");
        uint64_t perms = 0;

        for (guint i = 0; list && list->type == YAML_SEQUENCE && i < list->items->len; i++) {
                const YamlNode *item = list->items->pdata[i];

                perms |= item->type == YAML_SCALAR ? words_find(words, item->scalar) : 0;
        }
        return perms;
}

static void take_rule(Parser *p, RefineSection section, const YamlNode *n, const char *text, const char *comment)
{
        const YamlNode *pattern = section == REFINE_FILES ? yaml_get(n, "pattern") : NULL;
        RefineRule *rule;

        if (pattern && pattern->type == YAML_SCALAR && n->pairs->len == 2 && perms_in(n, file_perm_words)) {
                rule = refine_rule(p->refine, section, g_strdup(pattern->scalar));
                if (rule && !rule->pattern)
                        rule->pattern = g_strdup(pattern->scalar);
                if (rule) {
                        /* The same pattern once more: one rule for both. */
                        g_clear_pointer(&rule->text, g_free);
                        if (rule->perms)
                                rule->text = refine_file_text(rule->pattern, rule->perms | perms_in(n, file_perm_words));
                        rule->perms |= perms_in(n, file_perm_words);
                        rule->perms_before = rule->perms;
                }
        } else
                rule = section == REFINE_FILES ? NULL : refine_rule(p->refine, section, g_strdup(section == REFINE_PTRACE ? "" : text));
        if (!rule) {
                strange(p, &n->pos);
                return;
        }
        rule->before = true;
        if (!rule->text)
                rule->text = g_strdup(text);
        if (comment && !rule->comment)
                rule->comment = g_strdup(comment);
        if (section == REFINE_PTRACE)
                rule->perms = rule->perms_before = perms_in(n, ptrace_perm_words);
}

/* The line on which @n stands, behind what begins a rule there. */
static void parse_rule(Parser *p, RefineSection section, const YamlNode *n)
{
        guint line = n->pos.line;
        const char *text, *above, *comment = NULL;

        if (line < 2 || line > p->n_lines) {
                strange(p, &n->pos);
                return;
        }
        text = p->lines[line - 1] + strspn(p->lines[line - 1], " ");
        if (!g_str_has_prefix(text, layout[section].begin) || !means(text + strlen(layout[section].begin), n)) {
                strange(p, &n->pos);
                return;
        }
        above = p->lines[line - 2] + strspn(p->lines[line - 2], " ");
        if (g_str_has_prefix(above, "# "))
                comment = above + 2;
        take_rule(p, section, n, text + strlen(layout[section].begin), comment);
}

static void parse_list(Parser *p, RefineSection section, const YamlNode *n)
{
        if (n->type != YAML_SEQUENCE) {
                strange(p, &n->pos);
                return;
        }
        for (guint i = 0; i < n->items->len; i++)
                parse_rule(p, section, n->items->pdata[i]);
}

/* Where the sections are, below spec.policy.defenseInDepth. */
static const struct {
        const char *path;
        int section; /* -1: on the way to one */
} places[] = {
        {"/appArmor", -1}, {"/appArmor/appArmorRawRules", REFINE_APPARMOR}, {"/bpf", -1}, {"/bpf/bpfRawRules", -1},
        {"/bpf/bpfRawRules/files", REFINE_FILES}, {"/bpf/bpfRawRules/network", -1}, {"/bpf/bpfRawRules/network/sockets", REFINE_SOCKETS},
        {"/bpf/bpfRawRules/network/egress", -1}, {"/bpf/bpfRawRules/network/egress/toDestinations", REFINE_EGRESS},
        {"/bpf/bpfRawRules/network/ingress", -1}, {"/bpf/bpfRawRules/network/ingress/toDestinations", REFINE_INGRESS},
        {"/bpf/bpfRawRules/ptrace", REFINE_PTRACE}, {"/bpf/bpfRawRules/signal", REFINE_SIGNAL}, {"/bpf/bpfRawRules/mounts", REFINE_MOUNTS},
        {"/bpf/bpfRawRules/capabilities", REFINE_CAPABILITIES}, {"/bpf/bpfRawRules/userNamespaces", REFINE_USERNS},
        {"/bpf/bpfRawRules/bpf", REFINE_BPF}, {"/seccomp", -1}, {"/seccomp/syscallRawRules", REFINE_SYSCALLS},
};

static void parse_place(Parser *p, const char *path, const YamlNode *n)
{
        int section = -2;

        for (size_t i = 0; i < G_N_ELEMENTS(places) && section == -2; i++)
                section = strcmp(path, places[i].path) == 0 ? places[i].section : -2;
        if (*path == '\0')
                section = -1;
        if (section >= 0 && strcmp(layout[section].begin, "- ") == 0)
                parse_list(p, (RefineSection)section, n);
        else if (section >= 0)
                parse_rule(p, (RefineSection)section, n);
        else if (section == -1 && n->type == YAML_MAPPING)
                for (guint i = 0; i < n->pairs->len; i++) {
                        const YamlPair *pair = n->pairs->pdata[i];
                        g_autofree char *below = g_strconcat(path, "/", pair->key, NULL);

                        parse_place(p, below, pair->value);
                }
        else if (!(section == -1 && yaml_is_null(n)))
                strange(p, &n->pos);
}

/* @n has nothing but these keys. */
static void expect_keys(Parser *p, const YamlNode *n, const char *keys)
{
        for (guint i = 0; n && n->type == YAML_MAPPING && i < n->pairs->len; i++) {
                const YamlPair *pair = n->pairs->pdata[i];
                g_autofree char *word = g_strconcat(" ", pair->key, " ", NULL);

                if (!strstr(keys, word))
                        strange(p, &pair->pos);
        }
}

int refine_parse(Refine *r, const char *text, size_t size, const char *file, Diag *d)
{
        g_autofree char *copy = g_strndup(text, size);
        g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
        g_autoptr(GPtrArray) documents = NULL;
        Parser p = {.refine = r, .lines = lines, .n_lines = g_strv_length(lines), .diag = d};
        const YamlNode *spec, *policy, *depth;
        bool complete;

        if (yaml_parse(text, size, file, &documents, &complete, d) < 0)
                return -EBADMSG;
        if (documents->len == 0)
                return 0;
        if (documents->len != 1) {
                strange(&p, &((const YamlNode *)documents->pdata[1])->pos);
                return -EBADMSG;
        }
        spec = yaml_get(documents->pdata[0], "spec");
        policy = yaml_get(spec, "policy");
        depth = yaml_get(policy, "defenseInDepth");
        expect_keys(&p, documents->pdata[0], " apiVersion kind metadata spec ");
        expect_keys(&p, spec, " policy ");
        expect_keys(&p, policy, " defenseInDepth ");
        if (!depth)
                strange(&p, &((const YamlNode *)documents->pdata[0])->pos);
        else
                parse_place(&p, "", depth);
        return p.errors > 0 ? -EBADMSG : 0;
}
