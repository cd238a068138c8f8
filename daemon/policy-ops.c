/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Operations: files, processes, ptrace, mounts and AppArmor text as they are written, and what all kinds of rules share.
 * Networks are in policy-net.c, system calls in policy-syscall.c. */

#include "policy-ops.h"

#include <string.h>

#include "facts.h"
#include "pattern.h"

#define FSTYPE_BYTES_MAX 32U
#define TEXT_BYTES_MAX (256U << 10)

void ops_parse_list(const YamlNode *n, const char *list, OpParse parse, OpContext *c, Diag *d)
{
        if (yaml_is_null(n) || !fields_expect(n, YAML_SEQUENCE, list, d))
                return;
        for (guint i = 0; i < n->items->len; i++)
                parse(n->items->pdata[i], list, (int)i, c, d);
}

void ops_add(OpContext *c, Rule *r, const char *list, int index, const YamlNode *n, uint64_t qualifiers, Diag *d)
{
        r->pos = n->pos;
        r->only = c->only;
        if (!c->named)
                r->id = index < 0 ? g_strdup_printf("%s%s", c->prefix ?: "", list)
                                  : g_strdup_printf("%s%s[%d]", c->prefix ?: "", list, index);

        r->qualifiers = (uint32_t)qualifiers;
        if ((qualifiers & RULE_DENY) && (qualifiers & RULE_ALLOW))
                diag_error(d, &n->pos, "bad-value", "found both 'deny' and 'allow' in 'qualifiers', expected one of them");
        else if ((qualifiers & RULE_ALLOW) && !c->allow_list && !c->base)
                diag_warning(d, &n->pos, "no-effect",
                             "the qualifier 'allow' acts only in the mode DefenseInDepth; to take something out of a rule "
                             "that denies, write 'except' there");
        if (!qualifiers)
                r->qualifiers = c->allow_list ? RULE_ALLOW : RULE_DENY;

        if (c->rules->len == POLICY_RULES_MAX)
                diag_error(d, &n->pos, "too-large", "more than %u rules in one policy", POLICY_RULES_MAX);
        if (c->rules->len >= POLICY_RULES_MAX) {
                rule_free(r);
                return;
        }
        g_ptr_array_add(c->rules, r);
}

static char *check_pattern(const YamlNode *n, const char *what, Diag *d)
{
        const char *s = fields_get_string(n, what, d);
        g_autofree char *why = NULL;

        if (!s)
                return NULL;
        why = pattern_check(s);
        if (!why)
                return g_strdup(s);

        diag_error(d, &n->pos, "bad-pattern", "bad pattern '%.80s' as '%s': %s", s, what, why);
        return NULL;
}

static void field_pattern(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        g_free(*(char **)out);
        *(char **)out = check_pattern(n, f->name, d);
}

void field_patterns(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        GPtrArray *list;

        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;
        if (n->items->len == 0) {
                fields_bad_value(n, f->name, "at least one pattern", d);
                return;
        }

        list = g_ptr_array_new();
        for (guint i = 0; i < n->items->len; i++) {
                char *pattern = check_pattern(n->items->pdata[i], f->name, d);

                if (pattern)
                        g_ptr_array_add(list, pattern);
        }
        g_ptr_array_add(list, NULL);
        g_strfreev(*(char ***)out);
        *(char ***)out = (char **)g_ptr_array_free(list, FALSE);
}

/* ---- files and processes -------------------------------------------------------------------------------------- */

typedef struct FileEntry {
        char *pattern, *fact;
        char **patterns, **except, **targets;
        uint64_t permissions, qualifiers;
} FileEntry;

static void file_entry_done(FileEntry *e)
{
        g_free(e->pattern);
        g_free(e->fact);
        g_strfreev(e->patterns);
        g_strfreev(e->except);
        g_strfreev(e->targets);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FileEntry, file_entry_done)

/* What is found out on the host instead of being written. */
static void field_fact(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        static const char *const facts[] = {"disk-devices", NULL};
        const char *s = fields_get_string(n, f->name, d);

        if (s && !g_strv_contains(facts, s))
                fields_unknown_word(&n->pos, "bad-value", "fact", s, facts, d);
        else if (s)
                *(char **)out = g_strdup(s);
}

#define FACT_MISSING "the host's disks have not been looked up"

/* clang-format off */
#define FILE_FIELDS                                                                                                     \
        {"permissions", field_words, offsetof(FileEntry, permissions), true, file_perm_words},                          \
        {"qualifiers", field_words, offsetof(FileEntry, qualifiers), false, rule_qualifier_words},                      \
        {"except", field_patterns, offsetof(FileEntry, except)},                                                        \
        {"targets", field_patterns, offsetof(FileEntry, targets)}

static const Field file_fields[] = {
        {"pattern", field_pattern, offsetof(FileEntry, pattern), true},
        FILE_FIELDS,
        {NULL},
};

static const Field named_file_fields[] = {
        {"pattern", field_pattern, offsetof(FileEntry, pattern)},
        {"patterns", field_patterns, offsetof(FileEntry, patterns)},
        {"fact", field_fact, offsetof(FileEntry, fact)},
        FILE_FIELDS,
        {NULL},
};
/* clang-format on */

static void parse_file(const YamlNode *n, const char *list, int index, OpContext *c, Diag *d)
{
        g_auto(FileEntry) e = {0};
        Rule *r;

        if (fields_parse(n, &n->pos, list, c->named ? named_file_fields : file_fields, &e, c, d) < 0)
                return;
        if (!!e.pattern + !!e.patterns + !!e.fact != 1) {
                diag_error(d, &n->pos, "missing-key", "'%s' needs one of the keys 'pattern', 'patterns' and 'fact'", list);
                return;
        }

        r = rule_new(OP_FILE);
        r->file.perms = (uint32_t)e.permissions;
        r->file.except = g_steal_pointer(&e.except);
        r->targets = g_steal_pointer(&e.targets);
        if (e.patterns)
                r->file.patterns = g_steal_pointer(&e.patterns);
        else if (e.fact && c->settings && c->settings->disks)
                r->file.patterns = g_strdupv(c->settings->disks);
        else {
                r->file.patterns = g_new0(char *, 2);
                r->file.patterns[0] = g_steal_pointer(&e.pattern);
                r->unenforceable = e.fact ? g_strdup(FACT_MISSING) : NULL;
        }
        ops_add(c, r, list, index, n, e.qualifiers, d);
}

/* ---- ptrace ---------------------------------------------------------------------------------------------------- */

typedef struct PtraceEntry {
        bool strict;
        uint64_t permissions, qualifiers;
} PtraceEntry;

static const Field ptrace_fields[] = {
        {"strictMode", field_bool, offsetof(PtraceEntry, strict)},
        {"permissions", field_words, offsetof(PtraceEntry, permissions), true, ptrace_perm_words},
        {"qualifiers", field_words, offsetof(PtraceEntry, qualifiers), false, rule_qualifier_words},
        {NULL},
};

static void parse_ptrace(const YamlNode *n, OpContext *c, Diag *d)
{
        PtraceEntry e = {0};
        Rule *r;

        if (fields_parse(n, &n->pos, "ptrace", ptrace_fields, &e, c, d) < 0)
                return;

        r = rule_new(OP_PTRACE);
        r->ptrace.strict = e.strict;
        r->ptrace.perms = (uint32_t)e.permissions;
        ops_add(c, r, "ptrace", -1, n, e.qualifiers, d);
}

/* ---- mounts ---------------------------------------------------------------------------------------------------- */

typedef struct MountEntry {
        char *source, *fstype, *fact;
        uint64_t flags, qualifiers;
} MountEntry;

static void mount_entry_done(MountEntry *e)
{
        g_free(e->source);
        g_free(e->fstype);
        g_free(e->fact);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MountEntry, mount_entry_done)

static void field_fstype(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        const char *s = fields_get_string(n, f->name, d);

        if (!s)
                return;
        if (strcmp(s, "*") == 0 || strcmp(s, "all") == 0)
                return; /* any */
        if (strlen(s) > FSTYPE_BYTES_MAX ||
            strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != strlen(s)) {
                fields_bad_value(n, f->name, "the name of a file system type, or '*'", d);
                return;
        }
        g_free(*(char **)out);
        *(char **)out = g_strdup(s);
}

#define MOUNT_FIELDS                                                                                                    \
        {"fstype", field_fstype, offsetof(MountEntry, fstype), true},                                                   \
        {"flags", field_words, offsetof(MountEntry, flags), true, mount_flag_words},                                    \
        {"qualifiers", field_words, offsetof(MountEntry, qualifiers), false, rule_qualifier_words}

static const Field mount_fields[] = {
        {"sourcePattern", field_pattern, offsetof(MountEntry, source), true},
        MOUNT_FIELDS,
        {NULL},
};

static const Field named_mount_fields[] = {
        {"sourcePattern", field_pattern, offsetof(MountEntry, source)},
        {"fact", field_fact, offsetof(MountEntry, fact)},
        MOUNT_FIELDS,
        {NULL},
};

static void add_mount(const YamlNode *n, const char *list, int index, const MountEntry *e, const char *source, OpContext *c, Diag *d)
{
        Rule *r = rule_new(OP_MOUNT);

        r->mount.source = g_strdup(source);
        r->mount.fstype = g_strdup(e->fstype);
        r->mount.flags = e->flags;
        r->unenforceable = *source ? NULL : g_strdup(FACT_MISSING);
        ops_add(c, r, list, index, n, e->qualifiers, d);
}

static void parse_mount(const YamlNode *n, const char *list, int index, OpContext *c, Diag *d)
{
        g_auto(MountEntry) e = {0};
        g_auto(GStrv) sources = NULL;

        if (fields_parse(n, &n->pos, list, c->named ? named_mount_fields : mount_fields, &e, c, d) < 0)
                return;
        if (!!e.source + !!e.fact != 1) {
                diag_error(d, &n->pos, "missing-key", "'%s' needs one of the keys 'sourcePattern' and 'fact'", list);
                return;
        }

        if (e.fact && c->settings && c->settings->disks)
                sources = facts_mount_sources(c->settings->disks);
        for (char **p = sources; p && *p; p++)
                add_mount(n, list, index, &e, *p, c, d);
        if (!sources)
                add_mount(n, list, index, &e, e.source ?: "", c, d);
}

/* ---- AppArmor text ---------------------------------------------------------------------------------------------- */

typedef struct TextEntry {
        char *rules;
        char **targets;
} TextEntry;

static void text_entry_done(TextEntry *e)
{
        g_free(e->rules);
        g_strfreev(e->targets);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TextEntry, text_entry_done)

static const Field text_fields[] = {
        {"rules", field_string, offsetof(TextEntry, rules), true},
        {"targets", field_patterns, offsetof(TextEntry, targets)},
        {NULL},
};

/* The end of the text without blanks and comments: where the last rule's comma must be. */
static char last_character(const char *text)
{
        char last = 0;

        for (const char *p = text; *p; p++) {
                if (*p == '#' && (p == text || g_ascii_isspace(p[-1]))) {
                        p += strcspn(p, "\n");
                        if (!*p)
                                break;
                }
                if (!g_ascii_isspace(*p))
                        last = *p;
        }

        return last;
}

static void parse_text(const YamlNode *n, const char *list, int index, OpContext *c, Diag *d)
{
        g_auto(TextEntry) e = {0};
        Rule *r;
        char last;

        if (fields_parse(n, &n->pos, list, text_fields, &e, c, d) < 0)
                return;

        last = last_character(e.rules);
        if (strlen(e.rules) > TEXT_BYTES_MAX) {
                diag_error(d, &n->pos, "too-large", "'rules' has %zu bytes, expected at most %u", strlen(e.rules),
                           TEXT_BYTES_MAX);
                return;
        }
        if (!last) {
                fields_bad_value(yaml_get(n, "rules"), "rules", "at least one AppArmor rule", d);
                return;
        }
        if (last != ',' && last != '}') {
                diag_error(d, &yaml_get(n, "rules")->pos, "bad-value",
                           "AppArmor rules must end with a comma, found '%c' at the end of 'rules'", last);
                return;
        }

        r = rule_new(OP_TEXT);
        r->text.enforcer = ENFORCER_APPARMOR;
        r->text.text = g_steal_pointer(&e.rules);
        r->text.pos = yaml_text_pos(yaml_get(n, "rules"));
        r->targets = g_steal_pointer(&e.targets);
        ops_add(c, r, list, index, n, 0, d);
}

void ops_parse_apparmor(const YamlNode *n, const char *what, OpContext *c, Diag *d)
{
        ops_parse_list(n, what, parse_text, c, d);
}

/* ---- capabilities, user namespaces, bpf(2), signals ---------------------------------------------------------------- */

void field_capabilities(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        uint64_t mask = 0;

        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;

        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];
                const char *s = fields_get_string(item, f->name, d);
                g_autofree char *word = NULL;
                uint64_t bits;

                if (!s)
                        continue;
                word = g_strdelimit(g_ascii_strdown(s, -1), "-", '_');
                bits = words_find(capability_words, g_str_has_prefix(word, "cap_") ? word + 4 : word);
                if (!bits) {
                        g_autofree const char **names = words_names(capability_words);

                        fields_unknown_word(&item->pos, "bad-value", "capability", word, names, d);
                }
                mask |= bits;
        }

        *(uint64_t *)out = mask;
}

typedef struct CapabilityEntry {
        uint64_t names, except, qualifiers;
} CapabilityEntry;

static const Field capability_list = {"capabilities", field_capabilities, 0};
static const Field except_list = {"exceptCapabilities", field_capabilities, 0};
static const Field capability_fields[] = {
        {"names", field_capabilities, offsetof(CapabilityEntry, names), true},
        {"except", field_capabilities, offsetof(CapabilityEntry, except)},
        {"qualifiers", field_words, offsetof(CapabilityEntry, qualifiers), false, rule_qualifier_words},
        {NULL},
};

static void add_capabilities(const YamlNode *n, int index, const CapabilityEntry *e, OpContext *c, Diag *d)
{
        Rule *r = rule_new(OP_CAPABILITY);

        r->capabilities = e->names & ~e->except;
        ops_add(c, r, "capabilities", index, n, e->qualifiers, d);
}

static void parse_capability(const YamlNode *n, const char *list, int index, OpContext *c, Diag *d)
{
        CapabilityEntry e = {0};

        if (fields_parse(n, &n->pos, list, capability_fields, &e, c, d) >= 0)
                add_capabilities(n, index, &e, c, d);
}

static bool holds_mappings(const YamlNode *n)
{
        return n->type == YAML_SEQUENCE && n->items->len > 0 && ((YamlNode *)n->items->pdata[0])->type == YAML_MAPPING;
}

/* "[net_admin, net_raw]", or several rules: "[{names: [net_admin], qualifiers: [deny, audit]}]". */
static void parse_capabilities(const YamlNode *n, const YamlNode *except, OpContext *c, Diag *d)
{
        CapabilityEntry e = {0};

        if (yaml_is_null(n)) {
                if (!yaml_is_null(except))
                        diag_error(d, &except->pos, "missing-key", "'exceptCapabilities' without 'capabilities'");
                return;
        }
        if (holds_mappings(n)) {
                if (!yaml_is_null(except))
                        diag_error(d, &except->pos, "exclusive-keys",
                                   "'exceptCapabilities' goes with a list of names; beside 'names' write 'except'");
                ops_parse_list(n, "capabilities", parse_capability, c, d);
                return;
        }
        field_capabilities(&capability_list, n, &e.names, c, d);
        if (!yaml_is_null(except))
                field_capabilities(&except_list, except, &e.except, c, d);
        add_capabilities(n, -1, &e, c, d);
}

typedef struct OtherEntry {
        bool strict;
        uint64_t mask, qualifiers;
} OtherEntry;

static const Field userns_value = {"userNamespaces", field_bool, 0};
static const Field userns_fields[] = {
        {"qualifiers", field_words, offsetof(OtherEntry, qualifiers), false, rule_qualifier_words},
        {NULL},
};

static void parse_userns(const YamlNode *n, OpContext *c, Diag *d)
{
        OtherEntry e = {0};
        bool yes = true;

        if (n->type == YAML_MAPPING) {
                if (fields_parse(n, &n->pos, "userNamespaces", userns_fields, &e, c, d) < 0)
                        return;
        } else
                field_bool(&userns_value, n, &yes, c, d);
        if (yes)
                ops_add(c, rule_new(OP_USERNS), "userNamespaces", -1, n, e.qualifiers, d);
}

/* "bpf: [prog-load]", "operations: [userfaultfd]", or several rules, with the words below another key. */
typedef struct MaskKind {
        OpKind kind;
        Field list;
        Field entry[3];
} MaskKind;

static const MaskKind bpf_masks = {
        OP_BPF,
        {"bpf", field_words, 0, false, bpf_command_words},
        {{"commands", field_words, offsetof(OtherEntry, mask), true, bpf_command_words},
         {"qualifiers", field_words, offsetof(OtherEntry, qualifiers), false, rule_qualifier_words}},
};
static const MaskKind named_masks = {
        OP_NAMED,
        {"operations", field_words, 0, false, named_op_words},
        {{"names", field_words, offsetof(OtherEntry, mask), true, named_op_words},
         {"qualifiers", field_words, offsetof(OtherEntry, qualifiers), false, rule_qualifier_words}},
};

static void add_mask(const MaskKind *k, const YamlNode *n, int index, const OtherEntry *e, OpContext *c, Diag *d)
{
        Rule *r = rule_new(k->kind);

        *(k->kind == OP_BPF ? &r->bpf.commands : &r->named) = e->mask;
        ops_add(c, r, k->list.name, index, n, e->qualifiers, d);
}

static void parse_masks(const MaskKind *k, const YamlNode *n, OpContext *c, Diag *d)
{
        OtherEntry e = {0};

        if (!holds_mappings(n)) {
                field_words(&k->list, n, &e.mask, c, d);
                add_mask(k, n, -1, &e, c, d);
                return;
        }
        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];

                e = (OtherEntry){0};
                if (fields_parse(item, &item->pos, k->list.name, k->entry, &e, c, d) >= 0)
                        add_mask(k, item, (int)i, &e, c, d);
        }
}

static void parse_bpf_calls(const YamlNode *n, OpContext *c, Diag *d)
{
        parse_masks(&bpf_masks, n, c, d);
}

static void parse_named(const YamlNode *n, OpContext *c, Diag *d)
{
        parse_masks(&named_masks, n, c, d);
}

static const Field signal_fields[] = {
        {"strictMode", field_bool, offsetof(OtherEntry, strict)},
        {"qualifiers", field_words, offsetof(OtherEntry, qualifiers), false, rule_qualifier_words},
        {NULL},
};

static void parse_signal(const YamlNode *n, OpContext *c, Diag *d)
{
        OtherEntry e = {0};
        Rule *r;

        if (fields_parse(n, &n->pos, "signal", signal_fields, &e, c, d) < 0)
                return;
        r = rule_new(OP_SIGNAL);
        r->signal.strict = e.strict;
        ops_add(c, r, "signal", -1, n, e.qualifiers, d);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

#define BPF_FIELDS                                                                                                      \
        {"files", field_later}, {"processes", field_later}, {"network", field_later}, {"ptrace", field_later},          \
        {"mounts", field_later}, {"capabilities", field_later}, {"exceptCapabilities", field_later},                    \
        {"userNamespaces", field_later}, {"bpf", field_later}, {"operations", field_later},               \
        {"signal", field_later}

static const Field bpf_fields[] = {BPF_FIELDS, {NULL}};
static const Field named_fields[] = {
        BPF_FIELDS, {"syscalls", field_later}, {"appArmor", field_later}, {"enforcers", field_later},
        {"seccompProfile", field_later}, {NULL},
};

/* What stands under @key, if anything. */
static void parse_key(const YamlNode *n, const char *key, void (*parse)(const YamlNode *, OpContext *, Diag *), OpContext *c,
                      Diag *d)
{
        const YamlNode *value = yaml_get(n, key);

        if (!yaml_is_null(value))
                parse(value, c, d);
}

/* A list of what is allowed, and what becomes of the rest. */
static void parse_profile(const YamlNode *n, OpContext *c, Diag *d)
{
        OpContext list = *c;

        if (!c->profile) {
                diag_error(d, &n->pos, "refused-key", "the key 'seccompProfile' is for varmor's own rules; expected 'syscalls'");
                return;
        }
        list.allow_list = true;
        c->profile->type = PROFILE_RUNTIME_DEFAULT;
        c->profile->pos = n->pos;
        ops_parse_seccomp_profile(n, "seccompProfile", c->profile, &list, d);
}

void ops_parse_bpf(const YamlNode *n, const char *what, OpContext *c, Diag *d)
{
        (void)fields_parse(n, n ? &n->pos : NULL, what, c->named ? named_fields : bpf_fields, NULL, c, d);

        ops_parse_list(yaml_get(n, "files"), "files", parse_file, c, d);
        ops_parse_list(yaml_get(n, "processes"), "processes", parse_file, c, d);
        ops_parse_network(yaml_get(n, "network"), "network", c, d);
        parse_key(n, "ptrace", parse_ptrace, c, d);
        ops_parse_list(yaml_get(n, "mounts"), "mounts", parse_mount, c, d);
        parse_capabilities(yaml_get(n, "capabilities"), yaml_get(n, "exceptCapabilities"), c, d);
        parse_key(n, "userNamespaces", parse_userns, c, d);
        parse_key(n, "bpf", parse_bpf_calls, c, d);
        parse_key(n, "operations", parse_named, c, d);
        parse_key(n, "signal", parse_signal, c, d);
        if (!c->named)
                return;
        ops_parse_syscalls(yaml_get(n, "syscalls"), "syscalls", c, d);
        ops_parse_apparmor(yaml_get(n, "appArmor"), "appArmor", c, d);
        parse_key(n, "seccompProfile", parse_profile, c, d);
}
