/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bundle: its parts as GVariant and back. See bundle-parts.h. */

#include "bundle-parts.h"

#include <errno.h>
#include <string.h>

/* ---- strings and bytes --------------------------------------------------------------------------------------------- */

GVariant *variant_string(const char *s)
{
        /* File names may hold any byte; a GVariant string must not. */
        if (s && !g_utf8_validate(s, -1, NULL)) {
                g_autofree char *valid = g_utf8_make_valid(s, -1);

                return g_variant_new_string(valid);
        }
        return g_variant_new_string(s ? s : "");
}

GVariant *variant_strv(char *const *l)
{
        GVariantBuilder b;

        g_variant_builder_init(&b, G_VARIANT_TYPE("as"));
        for (; l && *l; l++)
                g_variant_builder_add_value(&b, variant_string(*l));
        return g_variant_builder_end(&b);
}

GVariant *variant_bytes(GBytes *b)
{
        g_autoptr(GBytes) empty = b ? NULL : g_bytes_new(NULL, 0);

        return g_variant_new_from_bytes(G_VARIANT_TYPE("ay"), b ? b : empty, TRUE);
}

char *dup_string_at(GVariant *tuple, gsize i)
{
        const char *s;

        g_variant_get_child(tuple, i, "&s", &s);
        return *s == '\0' ? NULL : g_strndup(s, BUNDLE_STRING_BYTES_MAX);
}

int copy_digest(const char *s, char ret[static 65])
{
        size_t n = strlen(s);

        if (n != 0 && (n != 64 || strspn(s, "0123456789abcdef") != 64))
                return -EBADMSG;
        memcpy(ret, s, n + 1);
        return 0;
}

int bytes_from_child(GVariant *tuple, gsize i, gsize size_max, GBytes **ret)
{
        g_autoptr(GVariant) v = g_variant_get_child_value(tuple, i);
        gsize size = g_variant_get_size(v);

        if (size > size_max)
                return -EBADMSG;
        *ret = g_bytes_new(g_variant_get_data(v), size);
        return 0;
}

GVariant *pos_to_variant(const SourcePos *p)
{
        return g_variant_new("(@suu)", variant_string(p->file), p->line, p->column);
}

void pos_from_variant(GVariant *tuple, gsize i, SourcePos *ret)
{
        const char *file;

        g_variant_get_child(tuple, i, "(&suu)", &file, &ret->line, &ret->column);
        /* Interned for good: only what can be a path, of which there are as many as configuration files. */
        ret->file = *file == '\0' || strlen(file) >= 4096 ? NULL : g_intern_string(file);
}

/* ---- diagnostics --------------------------------------------------------------------------------------------------- */

GVariant *diag_to_variant(const Diag *d)
{
        GVariantBuilder b;

        g_variant_builder_init(&b, G_VARIANT_TYPE("a(u" POS_TYPE "ss)"));
        for (guint i = 0; d && i < d->messages->len; i++) {
                const DiagMessage *m = g_ptr_array_index(d->messages, i);

                g_variant_builder_add(&b, "(u@(suu)@s@s)", (guint32)m->severity, pos_to_variant(&m->pos),
                                      variant_string(m->code), variant_string(m->text));
        }
        return g_variant_new("(uuu@a(u" POS_TYPE "ss))", d ? d->n_errors : 0, d ? d->n_warnings : 0,
                             d ? d->n_dropped : 0, g_variant_builder_end(&b));
}

int diag_from_variant(GVariant *v, Diag **ret)
{
        g_autoptr(GVariant) messages = g_variant_get_child_value(v, 3);
        g_autoptr(Diag) d = diag_new();

        if (g_variant_n_children(messages) > DIAG_MESSAGES_MAX)
                return -EBADMSG;
        for (gsize i = 0; i < g_variant_n_children(messages); i++) {
                g_autoptr(GVariant) c = g_variant_get_child_value(messages, i);
                const char *code, *text;
                guint32 severity;
                SourcePos pos;

                g_variant_get_child(c, 0, "u", &severity);
                g_variant_get_child(c, 2, "&s", &code);
                g_variant_get_child(c, 3, "&s", &text);
                if (severity >= _DIAG_SEVERITY_MAX || strlen(code) > 64)
                        return -EBADMSG;
                pos_from_variant(c, 1, &pos);
                diag_add(d, (DiagSeverity)severity, &pos, g_intern_string(code), "%.*s", (int)BUNDLE_STRING_BYTES_MAX,
                         text);
        }
        /* Those that the child could not keep count as well. */
        g_variant_get_child(v, 0, "u", &d->n_errors);
        g_variant_get_child(v, 1, "u", &d->n_warnings);
        g_variant_get_child(v, 2, "u", &d->n_dropped);
        *ret = g_steal_pointer(&d);
        return 0;
}

/* ---- settings ------------------------------------------------------------------------------------------------------ */

GVariant *settings_to_variant(const Settings *s)
{
        return g_variant_new("(@as@astu@as@as@asb)", variant_strv(s->launchers), variant_strv(s->essential),
                             s->alarm_window_usec, s->alarm_rate, variant_strv(s->kube_apiserver),
                             variant_strv(s->ingress_nginx_admission), variant_strv(s->disks), s->kube_apiserver_found);
}

int settings_from_variant(GVariant *v, Settings **ret)
{
        g_autoptr(Settings) s = g_new0(Settings, 1);
        gboolean found;

        g_variant_get(v, "(^as^astu^as^as^asb)", &s->launchers, &s->essential, &s->alarm_window_usec, &s->alarm_rate,
                      &s->kube_apiserver, &s->ingress_nginx_admission, &s->disks, &found);
        s->kube_apiserver_found = found;
        if (g_strv_length(s->launchers) > SETTINGS_LAUNCHERS_MAX)
                return -EBADMSG;
        *ret = g_steal_pointer(&s);
        return 0;
}

/* ---- targets ------------------------------------------------------------------------------------------------------- */

GVariant *target_to_variant(const TargetSpec *t)
{
        GVariantBuilder b;

        g_variant_builder_init(&b, G_VARIANT_TYPE("a(" POS_TYPE "suas)"));
        for (guint i = 0; t->selector && i < t->selector->len; i++) {
                const SelectorTerm *s = g_ptr_array_index(t->selector, i);

                g_variant_builder_add(&b, "(@(suu)@su@as)", pos_to_variant(&s->pos), variant_string(s->key),
                                      (guint32)s->op, variant_strv(s->values));
        }
        return g_variant_new("(@(suu)u@sbb@a(" POS_TYPE "suas))", pos_to_variant(&t->pos), (guint32)t->kind,
                             variant_string(t->name), t->selector != NULL, t->force, g_variant_builder_end(&b));
}

int target_from_variant(GVariant *v, TargetSpec *t)
{
        g_autoptr(GVariant) terms = g_variant_get_child_value(v, 5);
        gboolean selects, force;
        guint32 kind;

        pos_from_variant(v, 0, &t->pos);
        g_variant_get_child(v, 1, "u", &kind);
        t->name = dup_string_at(v, 2);
        g_variant_get_child(v, 3, "b", &selects);
        g_variant_get_child(v, 4, "b", &force);
        if (kind >= _TARGET_KIND_MAX || g_variant_n_children(terms) > POLICY_LIST_MAX)
                return -EBADMSG;
        t->kind = (TargetKind)kind;
        t->force = force;
        if (!selects)
                return 0;

        t->selector = g_ptr_array_new_with_free_func((GDestroyNotify)selector_term_free);
        for (gsize i = 0; i < g_variant_n_children(terms); i++) {
                g_autoptr(GVariant) c = g_variant_get_child_value(terms, i);
                g_autoptr(SelectorTerm) term = g_new0(SelectorTerm, 1);
                guint32 op;

                pos_from_variant(c, 0, &term->pos);
                term->key = dup_string_at(c, 1);
                g_variant_get_child(c, 2, "u", &op);
                g_variant_get_child(c, 3, "^as", &term->values);
                if (!term->key || op >= _SELECTOR_OPERATOR_MAX)
                        return -EBADMSG;
                term->op = (SelectorOperator)op;
                g_ptr_array_add(t->selector, g_steal_pointer(&term));
        }
        return 0;
}

/* ---- rules and profiles ---------------------------------------------------------------------------------------------- */

void rule_status_free(RuleStatus *s)
{
        if (!s)
                return;
        g_free(s->id);
        g_free(s->summary);
        for (size_t i = 0; i < _ENFORCER_KIND_MAX; i++)
                g_free(s->why_not[i]);
        g_free(s);
}

GVariant *rule_status_to_variant(const RuleStatus *s)
{
        GVariantBuilder b;

        g_variant_builder_init(&b, G_VARIANT_TYPE("a(us)"));
        for (guint32 i = 0; i < _ENFORCER_KIND_MAX; i++)
                if (s->why_not[i])
                        g_variant_builder_add(&b, "(u@s)", i, variant_string(s->why_not[i]));
        return g_variant_new("(@s@(suu)uu@su@a(us)b)", variant_string(s->id), pos_to_variant(&s->pos),
                             (guint32)s->origin, (guint32)s->kind, variant_string(s->summary), s->enforced_by,
                             g_variant_builder_end(&b), s->optional);
}

int rule_status_from_variant(GVariant *v, RuleStatus **ret)
{
        g_autoptr(GVariant) why = g_variant_get_child_value(v, 6);
        RuleStatus *s;
        guint32 origin, kind;
        gboolean optional;

        g_variant_get_child(v, 2, "u", &origin);
        g_variant_get_child(v, 3, "u", &kind);
        if (origin >= _RULE_ORIGIN_MAX || kind >= _OP_KIND_MAX)
                return -EBADMSG;
        for (gsize i = 0; i < g_variant_n_children(why); i++) {
                guint32 enforcer;

                g_variant_get_child(why, i, "(u&s)", &enforcer, NULL);
                if (enforcer >= _ENFORCER_KIND_MAX)
                        return -EBADMSG;
        }

        s = g_new0(RuleStatus, 1);
        s->origin = (RuleOrigin)origin;
        s->kind = (OpKind)kind;
        g_variant_get_child(v, 0, "s", &s->id);
        pos_from_variant(v, 1, &s->pos);
        g_variant_get_child(v, 4, "s", &s->summary);
        g_variant_get_child(v, 5, "u", &s->enforced_by);
        g_variant_get_child(v, 7, "b", &optional);
        s->optional = optional;
        for (gsize i = 0; i < g_variant_n_children(why); i++) {
                guint32 enforcer;
                const char *text;

                g_variant_get_child(why, i, "(u&s)", &enforcer, &text);
                g_free(s->why_not[enforcer]);
                s->why_not[enforcer] = g_strdup(text);
        }
        *ret = s;
        return 0;
}

GVariant *profile_to_variant(const Profile *p)
{
        return g_variant_new("(ub@aysuttb)", (guint32)p->enforcer, p->blob != NULL, variant_bytes(p->blob), p->digest,
                             p->n_states, p->table_bytes, p->since_usec, p->has_children);
}

int profile_from_variant(GVariant *v, Profile **ret)
{
        g_autoptr(Profile) p = g_new0(Profile, 1);
        gboolean has_blob, has_children;
        guint32 enforcer;
        const char *digest;
        int r;

        g_variant_get_child(v, 0, "u", &enforcer);
        g_variant_get_child(v, 1, "b", &has_blob);
        g_variant_get_child(v, 3, "&s", &digest);
        if (enforcer >= _ENFORCER_KIND_MAX || *digest == '\0')
                return -EBADMSG;
        p->enforcer = (EnforcerKind)enforcer;
        g_variant_get_child(v, 4, "u", &p->n_states);
        g_variant_get_child(v, 5, "t", &p->table_bytes);
        g_variant_get_child(v, 6, "t", &p->since_usec);
        g_variant_get_child(v, 7, "b", &has_children);
        p->has_children = has_children;
        r = copy_digest(digest, p->digest);
        if (r < 0)
                return r;

        if (has_blob) {
                g_autofree char *computed = NULL;

                r = bytes_from_child(v, 2, BUNDLE_BLOB_BYTES_MAX, &p->blob);
                if (r < 0)
                        return r;
                computed = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, p->blob);
                if (strcmp(computed, p->digest) != 0)
                        return -EBADMSG;
        }
        *ret = g_steal_pointer(&p);
        return 0;
}

/* ---- named rules ------------------------------------------------------------------------------------------------------- */

/* One sentence for each enforcer that has one. */
static GVariant *sentences_to_variant(char *const sentences[static _ENFORCER_KIND_MAX])
{
        GVariantBuilder b;

        g_variant_builder_init(&b, G_VARIANT_TYPE("a(us)"));
        for (guint32 i = 0; i < _ENFORCER_KIND_MAX; i++)
                if (sentences[i])
                        g_variant_builder_add(&b, "(u@s)", i, variant_string(sentences[i]));
        return g_variant_builder_end(&b);
}

static int sentences_from_child(GVariant *tuple, gsize child, char *ret[static _ENFORCER_KIND_MAX])
{
        g_autoptr(GVariant) v = g_variant_get_child_value(tuple, child);

        for (gsize i = 0; i < g_variant_n_children(v); i++) {
                guint32 enforcer;
                const char *text;

                g_variant_get_child(v, i, "(u&s)", &enforcer, &text);
                if (enforcer >= _ENFORCER_KIND_MAX || ret[enforcer])
                        return -EBADMSG;
                ret[enforcer] = g_strndup(text, BUNDLE_STRING_BYTES_MAX);
        }
        return 0;
}

GVariant *rule_info_to_variant(const RuleInfo *r)
{
        GVariantBuilder ops;

        g_variant_builder_init(&ops, G_VARIANT_TYPE("a(suua(us))"));
        for (guint i = 0; i < r->ops->len; i++) {
                const RuleInfoOp *o = r->ops->pdata[i];

                g_variant_builder_add(&ops, "(@suu@a(us))", variant_string(o->summary), o->only, o->enforced_by,
                                      sentences_to_variant(o->why_not));
        }
        return g_variant_new("(@s@asu@(suu)b@s@s@s@asu@a(us)@a(suua(us)))", variant_string(r->id), variant_strv(r->aliases),
                             (guint32)r->category, pos_to_variant(&r->pos), r->local, variant_string(r->description),
                             variant_string(r->principle), variant_string(r->impact), variant_strv(r->references),
                             r->enforced_by, sentences_to_variant(r->notes), g_variant_builder_end(&ops));
}

static int rule_info_read_ops(GVariant *v, RuleInfo *r)
{
        for (gsize i = 0; i < g_variant_n_children(v); i++) {
                g_autoptr(GVariant) c = g_variant_get_child_value(v, i);
                RuleInfoOp *o = g_new0(RuleInfoOp, 1);

                g_ptr_array_add(r->ops, o);
                g_variant_get_child(c, 0, "s", &o->summary);
                g_variant_get_child(c, 1, "u", &o->only);
                g_variant_get_child(c, 2, "u", &o->enforced_by);
                if (sentences_from_child(c, 3, o->why_not) < 0)
                        return -EBADMSG;
        }
        return 0;
}

int rule_info_from_variant(GVariant *v, RuleInfo **ret)
{
        g_autoptr(GVariant) ops = g_variant_get_child_value(v, 11);
        g_autoptr(RuleInfo) r = rule_info_new();
        guint32 category;
        gboolean local;

        g_variant_get_child(v, 0, "s", &r->id);
        g_variant_get_child(v, 1, "^as", &r->aliases);
        g_variant_get_child(v, 2, "u", &category);
        pos_from_variant(v, 3, &r->pos);
        g_variant_get_child(v, 4, "b", &local);
        r->description = dup_string_at(v, 5);
        r->principle = dup_string_at(v, 6);
        r->impact = dup_string_at(v, 7);
        g_variant_get_child(v, 8, "^as", &r->references);
        g_variant_get_child(v, 9, "u", &r->enforced_by);
        r->category = (RuleCategory)category;
        r->local = local;
        if (!*r->id || category >= _RULE_CATEGORY_MAX || sentences_from_child(v, 10, r->notes) < 0 || rule_info_read_ops(ops, r) < 0)
                return -EBADMSG;
        *ret = g_steal_pointer(&r);
        return 0;
}
