/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Catalogue: reads the named rules from rules.d. */

#include "rules.h"

#include <errno.h>
#include <string.h>

#include "fields.h"
#include "policy-ops.h"
#include "yaml-tree.h"

static const char *const category_names[_RULE_CATEGORY_MAX] = {
        [RULE_HARDENING] = "hardening",
        [RULE_ATTACK_PROTECTION] = "attack-protection",
        [RULE_VULNERABILITY_MITIGATION] = "vulnerability-mitigation",
        [RULE_BASE_PROTECTION] = "base-protection",
        [RULE_RUNTIME_DEFAULT] = "runtime-default",
};

const char *rule_category_to_string(RuleCategory c)
{
        return (int)c >= 0 && c < _RULE_CATEGORY_MAX ? category_names[c] : NULL;
}

RuleCategory rule_category_from_string(const char *s)
{
        for (int i = 0; s && i < _RULE_CATEGORY_MAX; i++)
                if (g_ascii_strcasecmp(s, category_names[i]) == 0)
                        return (RuleCategory)i;

        return _RULE_CATEGORY_INVALID;
}

char *rule_id_fold(const char *id)
{
        return g_strdelimit(g_ascii_strdown(id, -1), "_", '-');
}

static void named_rule_free(NamedRule *r)
{
        if (!r)
                return;
        g_free(r->id);
        g_strfreev(r->aliases);
        g_free(r->description);
        g_free(r->principle);
        g_free(r->impact);
        g_strfreev(r->references);
        g_clear_pointer(&r->ops, g_ptr_array_unref);
        g_free(r->unenforceable);
        g_free(r);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NamedRule, named_rule_free)

Catalogue *catalogue_new(void)
{
        Catalogue *c = g_new0(Catalogue, 1);

        c->rules = g_ptr_array_new_with_free_func((GDestroyNotify)named_rule_free);
        c->by_id = g_hash_table_new(g_str_hash, g_str_equal);
        return c;
}

void catalogue_free(Catalogue *c)
{
        if (!c)
                return;
        g_hash_table_unref(c->by_id);
        g_ptr_array_unref(c->rules);
        g_free(c->names);
        g_free(c);
}

const NamedRule *catalogue_find(const Catalogue *c, const char *id)
{
        g_autofree char *folded = NULL;

        if (!c || !id || strlen(id) > CATALOGUE_ID_BYTES_MAX)
                return NULL;
        folded = rule_id_fold(id);
        return g_hash_table_lookup(c->by_id, folded);
}

/* ---- one rule -------------------------------------------------------------------------------------------------------------- */

static bool is_own(RuleCategory c)
{
        return c >= RULE_BASE_PROTECTION;
}

/* What is varmor's own is known, and never suggested. */
static void field_category(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        const char *words[RULE_BASE_PROTECTION + 1] = {NULL}, *s = fields_get_string(n, f->name, d);
        RuleCategory c = rule_category_from_string(s);

        for (int i = 0; i < RULE_BASE_PROTECTION; i++)
                words[i] = category_names[i];
        if (s && (int)c < 0)
                fields_unknown_word(&n->pos, "bad-value", f->name, s, words, d);
        else if (s)
                *(RuleCategory *)out = c;
}

static char *parse_id(const YamlNode *n, const char *what, Diag *d)
{
        const char *s = fields_get_string(n, what, d);
        g_autofree char *id = s ? rule_id_fold(s) : NULL;
        size_t length = id ? strlen(id) : 0;

        if (!id)
                return NULL;
        if (length > CATALOGUE_ID_BYTES_MAX || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != length || id[0] == '-' ||
            id[length - 1] == '-') {
                fields_bad_value(n, what, "a name of letters, digits and '-', of at most 64 characters", d);
                return NULL;
        }
        if ((int)op_kind_from_string(id) >= 0) {
                fields_bad_value(n, what, "a name that is not the name of a kind of operations", d);
                return NULL;
        }

        return g_steal_pointer(&id);
}

static void field_id(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        *(char **)out = parse_id(n, f->name, d);
}

static void field_aliases(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        GPtrArray *list;

        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;
        list = g_ptr_array_new();
        for (guint i = 0; i < n->items->len; i++) {
                char *id = parse_id(n->items->pdata[i], f->name, d);

                if (id)
                        g_ptr_array_add(list, id);
        }
        g_ptr_array_add(list, NULL);
        *(char ***)out = (char **)g_ptr_array_free(list, FALSE);
}

/* One block of operations, for every enforcer or for some. */
static void parse_block(const YamlNode *n, NamedRule *r, const Settings *settings, Diag *d)
{
        static const char *const words[] = {"AppArmor", "BPF", "Seccomp", NULL};
        const YamlNode *enforcers = yaml_get(n, "enforcers");
        bool own = is_own(r->category);
        OpContext c = {.rules = r->ops, .named = true, .settings = settings};

        if (!yaml_is_null(enforcers) && fields_expect(enforcers, YAML_SEQUENCE, "enforcers", d))
                for (guint i = 0; i < enforcers->items->len; i++) {
                        const YamlNode *item = enforcers->items->pdata[i];
                        const char *s = fields_get_string(item, "enforcers", d);
                        EnforcerKind k = s ? enforcer_kind_from_string(s) : _ENFORCER_KIND_INVALID;

                        if (s && (int)k < 0)
                                fields_unknown_word(&item->pos, "bad-value", "enforcer", s, words, d);
                        else if (s)
                                c.only |= 1U << k;
                }
        if (own) {
                c.base = true;
                c.profile = &r->seccomp;
        }
        ops_parse_bpf(n, "ops", &c, d);
}

typedef struct RuleReader {
        NamedRule *rule;
        const Settings *settings;
} RuleReader;

static void field_ops(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        const RuleReader *reader = userdata;

        if (n->type != YAML_SEQUENCE) {
                parse_block(n, reader->rule, reader->settings, d);
                return;
        }
        for (guint i = 0; i < n->items->len; i++)
                parse_block(n->items->pdata[i], reader->rule, reader->settings, d);
}

static const Field rule_fields[] = {
        {"id", field_id, offsetof(NamedRule, id), true},
        {"aliases", field_aliases, offsetof(NamedRule, aliases)},
        {"category", field_category, offsetof(NamedRule, category), true},
        {"description", field_string, offsetof(NamedRule, description)},
        {"principle", field_string, offsetof(NamedRule, principle)},
        {"impact", field_string, offsetof(NamedRule, impact)},
        {"references", field_strings, offsetof(NamedRule, references)},
        {"unenforceable", field_string, offsetof(NamedRule, unenforceable)},
        {"ops", field_ops, 0, true},
        {NULL},
};

static bool id_free(const Catalogue *c, const char *id, const SourcePos *pos, Diag *d)
{
        const NamedRule *other = g_hash_table_lookup(c->by_id, id);

        if (!other)
                return true;
        diag_error(d, pos, "duplicate-rule", "the rule '%s' is defined in %s:%" G_GUINT32_FORMAT " already, expected another id",
                   id, other->pos.file, other->pos.line);
        return false;
}

static void parse_rule(Catalogue *c, const YamlNode *n, const Settings *settings, Diag *d)
{
        g_autoptr(NamedRule) r = g_new0(NamedRule, 1);
        RuleReader reader = {.rule = r, .settings = settings};

        r->pos = n->pos;
        r->local = !g_str_has_prefix(n->pos.file, "/usr/lib/");
        r->category = _RULE_CATEGORY_INVALID;
        r->seccomp.action = _SYSCALL_ACTION_INVALID;
        r->seccomp.errno_ret = -1;
        r->ops = g_ptr_array_new_with_free_func((GDestroyNotify)rule_free);

        if (fields_parse(n, &n->pos, "rules", rule_fields, r, &reader, d) < 0)
                return;
        if (r->ops->len == 0) {
                diag_error(d, &n->pos, "missing-key", "the rule '%s' has no operations in 'ops'", r->id);
                return;
        }
        if (r->local && is_own(r->category)) {
                diag_error(d, &n->pos, "bad-value", "the category '%s' is varmor's own; expected another",
                           rule_category_to_string(r->category));
                return;
        }
        if (c->rules->len >= CATALOGUE_RULES_MAX) {
                diag_error(d, &n->pos, "too-large", "more than %u named rules", CATALOGUE_RULES_MAX);
                return;
        }

        if (!id_free(c, r->id, &n->pos, d))
                return;
        for (char **a = r->aliases; a && *a; a++)
                if (!id_free(c, *a, &n->pos, d))
                        return;

        g_hash_table_insert(c->by_id, r->id, r);
        for (char **a = r->aliases; a && *a; a++)
                g_hash_table_insert(c->by_id, *a, r);
        g_ptr_array_add(c->rules, g_steal_pointer(&r));
}

/* ---- files -------------------------------------------------------------------------------------------------------------------- */

static const Field file_fields[] = {{"rules", field_later, 0, true}, {NULL}};

static void parse_document(Catalogue *c, const YamlNode *n, const Settings *settings, Diag *d)
{
        const YamlNode *list;

        (void)fields_parse(n, &n->pos, "document", file_fields, NULL, NULL, d);
        list = yaml_get(n, "rules");
        if (yaml_is_null(list) || !fields_expect(list, YAML_SEQUENCE, "rules", d))
                return;
        for (guint i = 0; i < list->items->len; i++)
                parse_rule(c, list->items->pdata[i], settings, d);
}

int catalogue_parse(Catalogue *c, const char *text, size_t size, const char *file, const Settings *s, Diag *d)
{
        g_autoptr(GPtrArray) documents = NULL;
        uint32_t errors = d->n_errors;
        bool complete;

        /* What could be read before a syntax error counts: a rule less is refused where it is named. */
        (void)yaml_parse(text, size, file, &documents, &complete, d);
        for (guint i = 0; documents && i < documents->len; i++)
                parse_document(c, documents->pdata[i], s, d);

        return d->n_errors > errors ? -EBADMSG : 0;
}

static int compare_ids(const void *a, const void *b)
{
        const NamedRule *const *x = a, *const *y = b;

        return strcmp((*x)->id, (*y)->id);
}

static int compare_names(const void *a, const void *b)
{
        const char *const *x = a, *const *y = b;

        return strcmp(*x, *y);
}

void catalogue_seal(Catalogue *c)
{
        guint n = 0;
        GHashTableIter i;
        void *key;

        g_ptr_array_sort(c->rules, compare_ids);
        g_free(c->names);
        c->names = g_new0(const char *, g_hash_table_size(c->by_id) + 1);
        g_hash_table_iter_init(&i, c->by_id);
        while (g_hash_table_iter_next(&i, &key, NULL)) {
                const NamedRule *r = g_hash_table_lookup(c->by_id, key);

                if (!is_own(r->category))
                        c->names[n++] = key;
        }
        qsort(c->names, n, sizeof(*c->names), compare_names);
}

static void parse_conf_file(Catalogue *c, const ConfFile *f, const Settings *s, Diag *d)
{
        gsize size;
        const char *text;

        if (!f->bytes)
                return;
        text = g_bytes_get_data(f->bytes, &size);
        (void)catalogue_parse(c, text ?: "", size, f->path, s, d);
        for (guint i = 0; f->fragments && i < f->fragments->len; i++)
                parse_conf_file(c, f->fragments->pdata[i], s, d);
}

int catalogue_load(const ConfRoots *roots, const Settings *s, Catalogue **ret, Diag *d)
{
        g_autoptr(Catalogue) c = catalogue_new();
        g_autoptr(GPtrArray) files = NULL;
        uint32_t errors = d->n_errors;
        const NamedRule *base;

        (void)confdir_read(roots, "rules.d", &files, d);

        /* Ours first, so that of two rules with one id the administrator's is the one in error. */
        for (int local = 0; local <= 1; local++)
                for (guint i = 0; i < files->len; i++) {
                        const ConfFile *f = files->pdata[i];

                        if (g_str_has_prefix(f->path, "/usr/lib/") == !local)
                                parse_conf_file(c, f, s, d);
                }

        catalogue_seal(c);
        base = catalogue_find(c, RULE_ID_BASE_PROTECTION);
        c->base_missing = !base || base->category != RULE_BASE_PROTECTION;

        *ret = g_steal_pointer(&c);
        return d->n_errors > errors ? -EBADMSG : 0;
}
