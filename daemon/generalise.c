/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Model -> patterns: see generalise.h. A path is widened component by component: first by the rules, then, beside others, by
 * evidence; ops whose patterns have become the same are one at the end. */

#include "generalise.h"

#include <string.h>
#include <sys/socket.h>

#include "pattern.h"

/* Shorter names of instances ("1") stand in paths by accident. */
#define INSTANCE_BYTES_MIN 3U

/* ---- one component ------------------------------------------------------------------------------------------------------------- */

/* The parts of a component that are replaced, by where they begin; they do not overlap. */
typedef struct Part {
        size_t first, end;
        const char *pattern;
} Part;

static bool overlaps(const GArray *parts, size_t first, size_t end)
{
        for (guint i = 0; i < parts->len; i++) {
                const Part *p = &g_array_index(parts, Part, i);

                if (first < p->end && end > p->first)
                        return true;
        }
        return false;
}

static void add_part(GArray *parts, Part new)
{
        guint at = 0;

        while (at < parts->len && g_array_index(parts, Part, at).first < new.first)
                at++;
        g_array_insert_val(parts, at, new);
}

static void add_reason(GPtrArray *reasons, const char *why)
{
        for (guint i = 0; i < reasons->len; i++)
                if (strcmp(reasons->pdata[i], why) == 0)
                        return;
        g_ptr_array_add(reasons, (char *)why);
}

static void find_parts(const GeneraliseRule *r, const char *component, GArray *parts, GPtrArray *reasons)
{
        g_autoptr(GMatchInfo) info = NULL;

        (void)g_regex_match_full(r->match, component, -1, 0, 0, &info, NULL);
        while (g_match_info_matches(info)) {
                int first, end;

                if (g_match_info_fetch_pos(info, 0, &first, &end) && end > first && !overlaps(parts, (size_t)first, (size_t)end)) {
                        g_autofree char *text = g_strndup(component + first, (size_t)(end - first));

                        /* A rule that is wrong widens nothing, rather than lose what was seen. */
                        if (generalise_match(r->pattern, text)) {
                                add_part(parts, (Part){(size_t)first, (size_t)end, r->pattern});
                                add_reason(reasons, r->id);
                        }
                }
                if (!g_match_info_next(info, NULL))
                        break;
        }
}

static void find_instance(const char *instance, const char *component, GArray *parts, GPtrArray *reasons)
{
        size_t n = strlen(instance), at;
        const char *found = strstr(component, instance);

        if (!found || n < INSTANCE_BYTES_MIN)
                return;
        at = (size_t)(found - component);
        if ((at > 0 && g_ascii_isalnum(component[at - 1])) || g_ascii_isalnum(component[at + n]) || overlaps(parts, at, at + n))
                return;
        add_part(parts, (Part){at, at + n, "*"});
        add_reason(reasons, WHY_INSTANCE);
}

static bool ends_in_star(const char *pattern)
{
        size_t n = strlen(pattern);

        return n > 0 && pattern[n - 1] == '*' && (n < 2 || pattern[n - 2] != '\\');
}

/* Replaces the parts and escapes what is between them. */
static char *put_parts(const char *component, const GArray *parts)
{
        GString *s = g_string_new(NULL);
        bool star = false; /* the part right before ends in one: two side by side would cross directories */
        size_t at = 0;

        for (guint i = 0; i <= parts->len; i++) {
                const Part *p = i < parts->len ? &g_array_index(parts, Part, i) : NULL;
                g_autofree char *text = p ? g_strndup(component + at, p->first - at) : g_strdup(component + at);
                g_autofree char *escaped = pattern_escape(text);

                g_string_append(s, escaped);
                if (!p)
                        break;
                g_string_append(s, star && !*text && *p->pattern == '*' ? p->pattern + 1 : p->pattern);
                star = ends_in_star(p->pattern) || (star && !*text && strcmp(p->pattern, "*") == 0);
                at = p->end;
        }
        return g_string_free(s, FALSE);
}

/* @dir: where @component stands. Return: its pattern; NULL: it stays as it is. */
static char *widen_component(const char *dir, const char *component, const GeneraliseRules *rules, const GeneraliseOptions *options,
                             GPtrArray *reasons)
{
        g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Part));

        for (guint i = 0; i < rules->rules->len; i++) {
                const GeneraliseRule *r = rules->rules->pdata[i];

                if (r->strictness <= options->strictness && (!r->under || generalise_matches_any(r->under, dir)))
                        find_parts(r, component, parts, reasons);
        }
        if (options->instance && *options->instance)
                find_instance(options->instance, component, parts, reasons);
        return parts->len > 0 ? put_parts(component, parts) : NULL;
}

/* ---- one path ------------------------------------------------------------------------------------------------------------------ */

/* An op on its way. */
typedef struct Work {
        const ModelOp *op;
        uint32_t number;       /* in the model */
        char **original;       /* components; NULL: there is no path, or it is too deep */
        char **components;     /* the same as patterns; @original[i] escaped unless widened[i] */
        guint n;
        uint64_t widened;      /* 1 << i */
        GPtrArray *reasons;
} Work;

static void work_free(Work *w)
{
        if (!w)
                return;
        g_strfreev(w->original);
        g_strfreev(w->components);
        g_ptr_array_unref(w->reasons);
        g_free(w);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Work, work_free)

static bool has_path(ModelKind k)
{
        return k == MODEL_EXEC || k == MODEL_FILE || k == MODEL_EGRESS_UNIX || k == MODEL_INGRESS_UNIX || k == MODEL_MOUNT;
}

/* "/a/b" is "", "a", "b"; "@a/b", an abstract socket, is "@a", "b". */
static void work_split(Work *w, const char *path, const GeneraliseRules *rules, const GeneraliseOptions *options)
{
        g_auto(GStrv) parts = g_strsplit(path, "/", -1);
        g_autoptr(GString) dir = g_string_new(NULL);

        if (g_strv_length(parts) > GENERALISE_DEPTH_MAX)
                return;
        w->n = g_strv_length(parts);
        w->components = g_new0(char *, w->n + 1);
        for (guint i = 0; i < w->n; i++) {
                char *wide = *parts[i] ? widen_component(dir->len > 0 ? dir->str : "/", parts[i], rules, options, w->reasons) : NULL;

                w->widened |= wide ? UINT64_C(1) << i : 0;
                w->components[i] = wide ?: pattern_escape(parts[i]);
                if (i > 0)
                        g_string_append_c(dir, '/');
                g_string_append(dir, parts[i]);
        }
        w->original = g_steal_pointer(&parts);
}

static Work *work_new(const ModelOp *op, uint32_t number, const GeneraliseRules *rules, const GeneraliseOptions *options)
{
        Work *w = g_new0(Work, 1);

        w->op = op;
        w->number = number;
        w->reasons = g_ptr_array_new();
        if (has_path(op->kind))
                work_split(w, op->object, rules, options);
        return w;
}

static char *work_pattern(const Work *w)
{
        if (w->components)
                return g_strjoinv("/", w->components);
        return has_path(w->op->kind) ? pattern_escape(w->op->object) : NULL;
}

char *generalise_path(const char *path, const GeneraliseRules *rules, const GeneraliseOptions *options, GPtrArray **ret_rules)
{
        const ModelOp op = {.kind = MODEL_FILE, .object = (char *)path};
        g_autoptr(Work) w = work_new(&op, 0, rules, options);

        if (ret_rules)
                *ret_rules = g_ptr_array_ref(w->reasons);
        return work_pattern(w);
}

/* ---- evidence ------------------------------------------------------------------------------------------------------------------ */

/* Siblings: ops that differ in one component. */
typedef struct Group {
        GHashTable *names; /* the different components; borrowed */
        GPtrArray *members; /* of Work, borrowed */
} Group;

static void group_free(void *p)
{
        Group *g = p;

        g_hash_table_unref(g->names);
        g_ptr_array_unref(g->members);
        g_free(g);
}

/* Component @i of @w may be one of many: it stands as it is, and not in a directory that is kept. What is executed is never
 * guessed. */
static bool may_be_sibling(const Work *w, guint i, const GeneraliseRules *rules)
{
        g_autoptr(GString) dir = g_string_new(NULL);

        if (w->widened >> i & 1 || i < 2 || !*w->original[i] || w->op->kind == MODEL_EXEC || w->op->kind == MODEL_MOUNT ||
            (w->op->perms | w->op->owner_perms) & PERM_EXEC)
                return false;
        for (guint k = 1; k < i; k++)
                g_string_append_printf(dir, "/%s", w->original[k]);
        return !generalise_matches_any(rules->keep, dir->str);
}

static char *sibling_key(const Work *w, guint i)
{
        g_autoptr(GString) s = g_string_new(NULL);

        g_string_append_printf(s, "%d %d %d %s %d", (int)w->op->kind, (int)w->op->perms, (int)w->op->owner_perms, w->op->second ?: "", (int)i);
        for (guint k = 0; k < w->n; k++)
                g_string_append_printf(s, "/%s", k == i ? "//" : w->components[k]);
        return g_string_free(g_steal_pointer(&s), FALSE);
}

static void group_add(GHashTable *groups, Work *w, guint i)
{
        char *key = sibling_key(w, i);
        Group *g = g_hash_table_lookup(groups, key);

        if (!g) {
                g = g_new0(Group, 1);
                g->names = g_hash_table_new(g_str_hash, g_str_equal);
                g->members = g_ptr_array_new();
                g_hash_table_insert(groups, key, g);
        } else
                g_free(key);
        g_hash_table_add(g->names, w->original[i]);
        g_ptr_array_add(g->members, w);
}

static void group_widen(const Group *g, guint from_end)
{
        for (guint k = 0; k < g->members->len; k++) {
                Work *w = g->members->pdata[k];
                guint i = w->n - 1 - from_end;

                g_free(w->components[i]);
                w->components[i] = g_strdup("*");
                w->widened |= UINT64_C(1) << i;
                add_reason(w->reasons, WHY_SIBLINGS);
        }
}

/* From the last component forwards, so that directories are compared by what they have become. */
static void widen_siblings(GPtrArray *works, const GeneraliseRules *rules, uint32_t enough)
{
        for (guint from_end = 0; from_end < GENERALISE_DEPTH_MAX; from_end++) {
                g_autoptr(GHashTable) groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, group_free);
                GHashTableIter iter;
                bool deeper = false;
                void *group;

                for (guint i = 0; i < works->len; i++) {
                        Work *w = works->pdata[i];

                        if (!w->original || w->n <= from_end)
                                continue;
                        deeper = true;
                        if (may_be_sibling(w, w->n - 1 - from_end, rules))
                                group_add(groups, w, w->n - 1 - from_end);
                }
                if (!deeper)
                        return;
                /* No op is in two groups: the order is of no matter. */
                g_hash_table_iter_init(&iter, groups);
                while (g_hash_table_iter_next(&iter, NULL, &group))
                        if (g_hash_table_size(((const Group *)group)->names) >= enough)
                                group_widen(group, from_end);
        }
}

/* ---- the result ---------------------------------------------------------------------------------------------------------------- */

static void general_op_free(GeneralOp *g)
{
        if (!g)
                return;
        g_free(g->pattern);
        g_array_unref(g->originals);
        g_clear_pointer(&g->rules, g_ptr_array_unref);
        g_free(g);
}

void general_free(General *g)
{
        if (!g)
                return;
        g_ptr_array_unref(g->ops);
        g_free(g);
}

static GeneralOp *general_op_new(const Work *w, const char *pattern)
{
        GeneralOp *g = g_new0(GeneralOp, 1);

        g->op = *w->op;
        g->op.count = 0;
        g->pattern = g_strdup(pattern);
        g->prefix_len = w->op->family == UINT64_C(1) << AF_INET ? 32 : 128;
        g->first_port = g->last_port = (uint16_t)w->op->port;
        g->originals = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        return g;
}

void general_add_reason(GeneralOp *op, const char *why)
{
        if (!op->rules)
                op->rules = g_ptr_array_new();
        add_reason(op->rules, why);
}

static void join(GeneralOp *g, const Work *w)
{
        g->op.perms |= w->op->perms;
        g->op.owner_perms |= w->op->owner_perms;
        g->op.count = g->op.count > MODEL_COUNT_MAX - w->op->count ? MODEL_COUNT_MAX : g->op.count + w->op->count;
        g_array_append_val(g->originals, w->number);
        for (guint i = 0; i < w->reasons->len; i++)
                general_add_reason(g, w->reasons->pdata[i]);
}

/* By what two ops are one once their paths are patterns. Ops without a path are all different. */
static char *general_key(const Work *w, const char *pattern)
{
        if (!pattern)
                return g_strdup_printf("%u", w->number);
        return g_strdup_printf("%d %s %s %" G_GINT64_MODIFIER "x", (int)w->op->kind, pattern, w->op->kind == MODEL_MOUNT ? w->op->second ?: "" : "",
                               w->op->flags);
}

static int compare_general(const void *a, const void *b)
{
        const GeneralOp *x = *(GeneralOp *const *)a, *y = *(GeneralOp *const *)b;
        uint32_t i = g_array_index(x->originals, uint32_t, 0), k = g_array_index(y->originals, uint32_t, 0);

        return (i > k) - (i < k);
}

General *generalise(const Model *m, const GeneraliseRules *rules, const GeneraliseOptions *options)
{
        g_autoptr(GPtrArray) works = g_ptr_array_new_with_free_func((GDestroyNotify)work_free);
        g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        uint32_t enough = options->siblings ?: (uint32_t)rules->siblings[options->strictness];
        General *g = g_new0(General, 1);

        g->model = m;
        g->ops = g_ptr_array_new_with_free_func((GDestroyNotify)general_op_free);
        for (guint i = 0; i < m->ops->len; i++)
                g_ptr_array_add(works, work_new(m->ops->pdata[i], i, rules, options));
        if (enough > 0)
                widen_siblings(works, rules, enough);
        for (guint i = 0; i < works->len; i++) {
                const Work *w = works->pdata[i];
                g_autofree char *pattern = work_pattern(w);
                char *key = general_key(w, pattern);
                GeneralOp *op = g_hash_table_lookup(known, key);

                if (!op) {
                        op = general_op_new(w, pattern);
                        g_ptr_array_add(g->ops, op);
                        g_hash_table_insert(known, g_steal_pointer(&key), op);
                }
                g_free(key);
                join(op, w);
        }
        g_ptr_array_sort(g->ops, compare_general);
        general_widen_chosen(g);
        if (enough > 0)
                general_widen_net(g, enough);
        return g;
}

/* ---- the report ---------------------------------------------------------------------------------------------------------------- */

#define REPORT_ORIGINALS 3U

static const char *reason_text(const GeneraliseRules *rules, const char *id)
{
        if (strcmp(id, WHY_SIBLINGS) == 0)
                return "many names in one directory were used alike";
        if (strcmp(id, WHY_INSTANCE) == 0)
                return "the name of the unit's instance";
        if (strcmp(id, WHY_ADDRESSES) == 0)
                return "many addresses at one port";
        if (strcmp(id, WHY_PORTS) == 0)
                return "many high ports at one address";
        if (strcmp(id, WHY_CHOSEN) == 0)
                return "the kernel chose the port";
        for (guint i = 0; i < rules->rules->len; i++) {
                const GeneraliseRule *r = rules->rules->pdata[i];

                if (strcmp(r->id, id) == 0)
                        return r->why;
        }
        return "";
}

char *general_report(const General *g, const GeneraliseRules *rules)
{
        GString *s = g_string_new(NULL);

        for (guint i = 0; i < g->ops->len; i++) {
                const GeneralOp *op = g->ops->pdata[i];
                g_autofree char *what = NULL;

                if (!op->rules)
                        continue;
                what = op->pattern ? g_strdup(op->pattern) : general_net_text(&op->op, op->prefix_len, op->first_port, op->last_port);
                g_string_append_printf(s, "%s %s: %u", model_kind_to_string(op->op.kind), what, op->originals->len);
                for (guint k = 0; k < op->rules->len; k++)
                        g_string_append_printf(s, "%s%s (%s)", k > 0 ? ", " : " by ", (const char *)op->rules->pdata[k],
                                               reason_text(rules, op->rules->pdata[k]));
                for (guint k = 0; k < MIN(op->originals->len, REPORT_ORIGINALS); k++) {
                        const ModelOp *o = g->model->ops->pdata[g_array_index(op->originals, uint32_t, k)];

                        unsigned bits = o->family == UINT64_C(1) << AF_INET ? 32 : 128;
                        g_autofree char *net = o->object ? NULL : general_net_text(o, bits, (unsigned)o->port, (unsigned)o->port);

                        g_string_append_printf(s, "%s%s", k > 0 ? ", " : ": ", o->object ?: net);
                }
                g_string_append(s, op->originals->len > REPORT_ORIGINALS ? ", ...\n" : "\n");
        }
        return g_string_free(s, FALSE);
}
