/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compile: which rules become patterns of the automaton, and what an accepting state means for each access bit. The
 * disposition is worked in here: the kernel's side knows masks, no modes. */

#include "compile.h"

#include <errno.h>
#include <string.h>

#include "automaton.h"
#include "objects.h"

typedef struct Compiler {
        const Policy *policy;
        Diag *diag;
        GArray *patterns;   /* of AutomatonPattern */
        GHashTable *groups; /* canonical list of targets -> number, from 1 */
        GChecksum *groups_sum;
        GPtrArray *why_not; /* of char * */
        GPtrArray *texts;   /* of char *: those that the patterns point to */
        uint32_t classes;   /* va_table.kinds, */
        uint64_t capabilities; /* .capabilities */
        uint64_t families;  /* and .families */
} Compiler;

/* ---- which rules ------------------------------------------------------------------------------------------------- */

static const char *mode_why_not(const Policy *p)
{
        switch (p->mode) {
        case MODE_ALWAYS_ALLOW:
                return "the mode AlwaysAllow enforces no rule";
        case MODE_BEHAVIOR_MODELING:
                return "the mode BehaviorModeling records, it enforces no rule";
        default:
                return NULL;
        }
}

/* The classes of operations that @p denies by default. */
static uint32_t default_classes(const Policy *p)
{
        return p->mode == MODE_DEFENSE_IN_DEPTH ? p->depth[ENFORCER_BPF].classes & VA_CLASSES_ALL : 0;
}

static const char *rule_why_not_bpf(const Policy *p, const Rule *r)
{
        if (r->only && !(r->only & 1U << ENFORCER_BPF))
                return "this part of the rule is for another enforcer";
        if (r->unenforceable)
                return r->unenforceable;
        if (r->kind == OP_SYSCALL)
                return "the BPF enforcer knows operations, not system calls: this is for the seccomp enforcer";
        if (r->kind == OP_TEXT)
                return "raw text of another enforcer means nothing to the BPF enforcer";
        if (r->kind < 0 || r->kind >= _OP_KIND_MAX)
                return "the BPF enforcer does not know this kind of rule";
        if (r->qualifiers & RULE_ALLOW && p->mode != MODE_DEFENSE_IN_DEPTH)
                return "allow acts only where everything else is denied (mode DefenseInDepth)";
        if (r->qualifiers & RULE_ALLOW && !(default_classes(p) & 1U << r->kind))
                return "allow acts only where everything else is denied, and 'classes' does not name this class";
        return NULL;
}

/* ---- patterns ---------------------------------------------------------------------------------------------------- */

/* Start states are numbered when all groups are known: kind and group until then. */
#define START(kind, group) ((kind) * (VA_GROUPS_MAX + 1) + (group))
#define START_EXEC UINT32_MAX

static void add_pattern(Compiler *c, const char *text, uint32_t start, uint32_t owner, const Rule *r, bool except)
{
        AutomatonPattern p = {.text = text, .start = start, .owner = owner, .except = except, .owner_name = r->id,
                              .pos = &r->pos};

        g_array_append_val(c->patterns, p);
}

static int compare_strings(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The same list of targets, in whatever order and however often, gives the same text. */
static char *canonical_targets(char *const *targets)
{
        guint n = g_strv_length((char **)targets);
        g_autofree const char **sorted = g_memdup2(targets, sizeof(char *) * n);
        GString *s = g_string_new(NULL);

        qsort(sorted, n, sizeof(char *), compare_strings);
        for (guint i = 0; i < n; i++)
                if (i == 0 || strcmp(sorted[i - 1], sorted[i]) != 0)
                        g_string_append_printf(s, "%zu:%s,", strlen(sorted[i]), sorted[i]);
        return g_string_free(s, FALSE);
}

/* The group of a rule with targets, a new one if it is the first with these. */
static int group_of(Compiler *c, const Rule *r, uint32_t *ret)
{
        g_autofree char *key = canonical_targets(r->targets);
        uint32_t group = GPOINTER_TO_UINT(g_hash_table_lookup(c->groups, key));

        if (group) {
                *ret = group;
                return 0;
        }
        group = g_hash_table_size(c->groups) + 1;
        if (group > VA_GROUPS_MAX) {
                diag_error(c->diag, &r->pos, "too-many-targets",
                           "rule %s has another list of targets than any rule before: at most %u different lists can stand "
                           "in one policy",
                           r->id, VA_GROUPS_MAX);
                return -E2BIG;
        }
        g_checksum_update(c->groups_sum, (const guchar *)key, strlen(key) + 1);
        g_hash_table_insert(c->groups, g_steal_pointer(&key), GUINT_TO_POINTER(group));
        for (char **t = r->targets; *t; t++)
                add_pattern(c, *t, START_EXEC, group, r, false);
        *ret = group;
        return 0;
}

static int add_rule(Compiler *c, uint32_t i)
{
        const Rule *r = c->policy->rules->pdata[i];
        const char *why = mode_why_not(c->policy);
        RuleEffect e = rule_effect(c->policy, r);
        g_autoptr(GArray) objects = NULL;
        bool closes = e.deny || (e.log && !e.allow);
        uint32_t group = 0;
        int k;

        if (!why)
                why = rule_why_not_bpf(c->policy, r);
        g_ptr_array_add(c->why_not, g_strdup(why));
        if (why || !(e.deny || e.log || e.allow))
                return 0;
        objects = objects_of_rule(r, closes);
        if (objects->len == 0 || (r->kind == OP_FILE && !(r->file.perms & PERM_ALL)))
                return 0;
        if (r->targets && r->targets[0]) {
                k = group_of(c, r, &group);
                if (k < 0)
                        return k;
        }
        c->capabilities |= objects_capabilities(r);
        c->families |= objects_families(r, closes);
        for (guint n = 0; n < objects->len; n++) {
                ObjectPattern *o = &g_array_index(objects, ObjectPattern, n);

                c->classes |= VA_CLASS_OF(o->kind);
                add_pattern(c, o->text, START(o->kind, group), i, r, o->except);
                g_ptr_array_add(c->texts, g_steal_pointer(&o->text));
        }
        return 0;
}

/* ---- what a state accepts ---------------------------------------------------------------------------------------- */

/* How much rule @e has to say about a bit that it names: the highest speaks for the bit, and among equals the first in the
 * document. A deny that is silent needs no name, so one that reports goes before it. */
static unsigned rank(RuleEffect e)
{
        return e.deny ? (e.log ? 4 : 3) : e.log ? 2 : e.allow ? 1 : 0;
}

/* Whoever may write may append: a word about the one is a word about the other. */
static uint8_t granted(uint32_t perms)
{
        return (perms & PERM_WRITE ? perms | PERM_APPEND : perms) & PERM_ALL;
}

static void accept_rules(const Policy *p, uint32_t kind, const uint32_t *rules, size_t n, AutomatonRecord *ret)
{
        struct va_accept a = {};
        unsigned best[4] = {};

        for (size_t i = 0; i < n; i++) {
                const Rule *r = p->rules->pdata[rules[i]];
                RuleEffect e = rule_effect(p, r);
                uint8_t perms = objects_perms(r, kind);

                if (kind == VA_KIND_FILE || kind == VA_KIND_DEVICE)
                        perms = granted(perms);

                a.deny |= e.deny ? perms : 0;
                a.log |= e.log ? perms : 0;
                a.allow |= e.allow ? perms : 0;
                for (unsigned bit = 0; bit < 4; bit++)
                        if (perms >> bit & 1 && rank(e) > best[bit]) {
                                best[bit] = rank(e);
                                a.rule[bit] = rules[i];
                        }
        }
        memcpy(ret->words, &a, sizeof(a));
        ret->n_words = sizeof(a) / 4;
        ret->reach = p->allow_violations ? a.log : a.deny;
}

static int accept(uint32_t start, const uint32_t *owners, size_t n, AutomatonRecord *ret, void *userdata)
{
        Compiler *c = userdata;
        uint32_t per_kind = g_hash_table_size(c->groups) + 1;

        if (start < VA_KIND_MAX * per_kind) {
                accept_rules(c->policy, start / per_kind, owners, n, ret);
                return 0;
        }
        for (size_t i = 0; i < n; i++)
                ret->words[0] |= 1U << (owners[i] - 1);
        ret->n_words = 1;
        ret->reach = true;
        ret->aside = true;
        return 0;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* See va_table.groups_id. */
static uint32_t groups_id(Compiler *c)
{
        const char *sum = g_checksum_get_string(c->groups_sum);
        uint32_t id = 0;

        if (g_hash_table_size(c->groups) == 0)
                return 0;
        for (unsigned i = 0; i < 8; i++)
                id = id << 4 | (uint32_t)g_ascii_xdigit_value(sum[i]);
        /* Neither "none" nor "unknown". */
        return CLAMP(id, 1, UINT32_MAX - 1);
}

static bool has_base(const Policy *p)
{
        for (guint i = 0; i < p->rules->len; i++)
                if (((const Rule *)p->rules->pdata[i])->origin == RULE_BASE)
                        return true;
        return false;
}

static bool is_trial(const Policy *p)
{
        return p->mode == MODE_DEFENSE_IN_DEPTH && p->allow_violations;
}

static bool is_recorded(const Policy *p)
{
        return p->mode == MODE_BEHAVIOR_MODELING;
}

static bool has_device_rules(const struct va_table *t, uint32_t n_groups)
{
        for (uint32_t g = 0; g <= n_groups; g++)
                if (t->start[VA_KIND_DEVICE][g])
                        return true;
        return false;
}

static void fill_header(const Compiler *c, struct va_table *t)
{
        const uint32_t egress = VA_CLASS_OF(VA_KIND_EGRESS), sockets = VA_CLASS_OF(VA_KIND_SOCKET);
        uint32_t by_default = default_classes(c->policy);
        bool no_raw = (by_default & (egress | sockets)) == egress;

        t->n_groups = g_hash_table_size(c->groups);
        t->n_rules = c->policy->rules->len;
        t->flags = (has_base(c->policy) ? VA_T_BASE : 0) | (is_trial(c->policy) ? VA_T_TRIAL : 0) |
                   (no_raw ? VA_T_NO_RAW : 0) | (has_device_rules(t, t->n_groups) ? VA_T_DEVICES : 0);
        t->kinds = c->classes | by_default | (no_raw ? sockets : 0);
        t->default_deny = by_default;
        t->capabilities = by_default & VA_CLASS_OF(VA_KIND_CAPABILITY) ? UINT64_MAX : c->capabilities;
        t->families = by_default & VA_CLASS_OF(VA_KIND_SOCKET) ? UINT64_MAX : c->families;
        if (is_recorded(c->policy)) {
                t->flags |= VA_T_RECORD;
                t->kinds = VA_KINDS_ALL;
                t->capabilities = UINT64_MAX;
                t->families = UINT64_MAX;
        }
}

static int build(Compiler *c, GBytes **ret_blob, uint32_t *ret_n_states)
{
        uint32_t per_kind = g_hash_table_size(c->groups) + 1;
        AutomatonParams params = {
                .n_starts = VA_KIND_MAX * per_kind + 1,
                .default_deny = default_classes(c->policy) & VA_CLASS_OF(VA_KIND_FILE) ? VA_PERMS_ALL : 0,
                .accept = accept,
                .userdata = c,
        };
        AutomatonResult result = {};
        struct va_table *t;
        bool nothing = default_classes(c->policy) == 0 && !is_recorded(c->policy);
        int r;

        for (guint i = 0; i < c->patterns->len; i++) {
                AutomatonPattern *p = &g_array_index(c->patterns, AutomatonPattern, i);

                p->start = p->start == START_EXEC ? VA_KIND_MAX * per_kind
                                                  : p->start / (VA_GROUPS_MAX + 1) * per_kind + p->start % (VA_GROUPS_MAX + 1);
        }
        params.patterns = (const AutomatonPattern *)c->patterns->data;
        params.n_patterns = c->patterns->len;
        r = automaton_build(&params, &result, c->diag);
        if (r < 0)
                return r;
        t = result.table;
        for (uint32_t k = 0; k < VA_KIND_MAX; k++)
                for (uint32_t g = 0; g < per_kind; g++) {
                        t->start[k][g] = result.starts[k * per_kind + g];
                        nothing &= t->start[k][g] == 0;
                }
        t->start_exec = result.starts[VA_KIND_MAX * per_kind];
        t->groups_id = groups_id(c);
        fill_header(c, t);
        g_free(result.starts);
        *ret_n_states = result.n_states;
        if (nothing) {
                g_free(t);
                *ret_blob = g_bytes_new(NULL, 0);
        } else
                *ret_blob = g_bytes_new_take(t, table_bytes(t->n_words));
        return 0;
}

static int compile(Compiler *c, Profile **ret)
{
        GBytes *blob = NULL;
        uint32_t n_states = 0;
        Profile *p;
        int r;

        for (guint i = 0; i < c->policy->rules->len; i++) {
                r = add_rule(c, i);
                if (r < 0)
                        return r;
        }
        if (c->patterns->len == 0 && default_classes(c->policy) == 0 && !is_recorded(c->policy))
                blob = g_bytes_new(NULL, 0);
        else {
                r = build(c, &blob, &n_states);
                if (r < 0)
                        return r;
        }
        p = profile_new(ENFORCER_BPF, blob);
        g_ptr_array_unref(p->why_not);
        p->why_not = g_steal_pointer(&c->why_not);
        p->n_states = n_states;
        p->table_bytes = g_bytes_get_size(blob);
        *ret = p;
        return 0;
}

int bpf_compile(const Policy *p, Profile **ret, Diag *d)
{
        Compiler c = {
                .policy = p,
                .diag = d,
                .patterns = g_array_new(FALSE, FALSE, sizeof(AutomatonPattern)),
                .groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                .groups_sum = g_checksum_new(G_CHECKSUM_SHA256),
                .why_not = g_ptr_array_new_with_free_func(g_free),
                .texts = g_ptr_array_new_with_free_func(g_free),
        };
        int r = compile(&c, ret);

        g_array_unref(c.patterns);
        g_hash_table_unref(c.groups);
        g_checksum_free(c.groups_sum);
        g_clear_pointer(&c.why_not, g_ptr_array_unref);
        g_ptr_array_unref(c.texts);
        return r;
}
