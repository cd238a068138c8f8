/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compile: the text of a policy's profile. Under EnhanceProtect everything is allowed but what a rule denies; rules with targets
 * stand in child profiles that are stacked upon the parent when a target is executed. So what the parent denies stays denied,
 * and a process that may gain no privileges can make the step as well. Under DefenseInDepth the text is the administrator's,
 * with base protection added. */

#include "compile.h"

#include <errno.h>
#include <string.h>

#include "../bpf/compile.h"
#include "aare.h"
#include "children.h"
#include "raw.h"
#include "text.h"

#define FLAGS "attach_disconnected,mediate_deleted"

/* How many other profiles one may name: parser/parser_regex.c of AppArmor 3, AA_EXEC_COUNT. */
#define NAMES_MAX 12U

/* The rules that have a path for a target, and the child profile that they stand in. Its name follows from the path alone: what runs
 * under it stays under the rules for its path, however a policy changes. Only where there are too many of them, those with the same
 * rules share one, whose name follows from all their paths. */
typedef struct Child {
        char *path;
        const struct Child *shared; /* whose profile it has, too; NULL: its own */
        char name[2 + CHILD_NAME_DIGITS];
        GArray *rules; /* of uint32_t */
} Child;

typedef struct Compiler {
        const Policy *policy;
        Diag *diag;
        char *name, *inside, *outside;
        AaText text;
        GPtrArray *children; /* of Child, by path */
        GByteArray *starts;  /* see children.h */
        GHashTable *said;    /* set of rules that there has been a warning about */
        GPtrArray *why_not; /* of char * */
        AaBlob *blob;
        const char *last; /* id of the rule that has been written in this profile */
        bool says_something;
} Compiler;

static const Rule *rule_at(const Compiler *c, uint32_t i)
{
        return c->policy->rules->pdata[i];
}

/* ---- which rules ------------------------------------------------------------------------------------------------- */

static char *mode_why_not(const Policy *p, const Rule *r)
{
        if (p->mode == MODE_ALWAYS_ALLOW)
                return g_strdup("the mode AlwaysAllow enforces no rule");
        if (p->mode == MODE_BEHAVIOR_MODELING)
                return g_strdup("the mode BehaviorModeling records, it enforces no rule");
        if (p->mode != MODE_DEFENSE_IN_DEPTH && r->qualifiers & RULE_ALLOW)
                return g_strdup("allow acts only where everything else is denied (mode DefenseInDepth)");
        if (p->mode == MODE_DEFENSE_IN_DEPTH && r->origin == RULE_CUSTOM && r->kind != OP_TEXT)
                return g_strdup("under DefenseInDepth AppArmor enforces its customProfile and appArmorRawRules");
        if (p->mode == MODE_DEFENSE_IN_DEPTH && r->targets && r->targets[0])
                return g_strdup("AppArmor's rules of an allow-list hold for the whole workload: 'targets' cannot be had");
        return NULL;
}

static char *targets_why_not(const Rule *r)
{
        for (char **t = r->targets; t && *t; t++) {
                g_auto(GStrv) paths = aare_exact(*t);

                if (!paths)
                        return g_strdup_printf("AppArmor changes to other rules at exact paths only: the target '%s' is a pattern", *t);
        }
        return NULL;
}

/* NULL: AppArmor enforces the rule. @ret_part: a part of it at least. */
static char *why_not(const Policy *p, const Rule *r, RuleEffect e, bool *ret_part)
{
        char *why;

        *ret_part = false;
        if (r->only && !(r->only & 1U << ENFORCER_APPARMOR))
                return g_strdup("this part of the rule is for another enforcer");
        if (r->unenforceable)
                return g_strdup(r->unenforceable);
        why = mode_why_not(p, r);
        if (!why)
                why = targets_why_not(r);
        return why ?: aa_rule_why_not(r, e, ret_part);
}

/* ---- targets ------------------------------------------------------------------------------------------------------ */

static void child_free(void *p)
{
        Child *child = p;

        g_free(child->path);
        g_array_unref(child->rules);
        g_free(child);
}

static int compare_strings(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All paths that the targets of @r stand for, sorted, each once. */
static char **all_targets(const Rule *r)
{
        g_autoptr(GPtrArray) all = g_ptr_array_new();
        g_autoptr(GPtrArray) once = g_ptr_array_new();

        for (char **t = r->targets; *t; t++) {
                g_autofree char **paths = aare_exact(*t);

                for (char **p = paths; p && *p; p++)
                        g_ptr_array_add(all, *p);
        }
        qsort(all->pdata, all->len, sizeof(char *), compare_strings);
        for (guint i = 0; i < all->len; i++)
                if (i > 0 && strcmp(all->pdata[i - 1], all->pdata[i]) == 0)
                        g_free(all->pdata[i]);
                else
                        g_ptr_array_add(once, all->pdata[i]);
        g_ptr_array_add(once, NULL);
        return (char **)g_ptr_array_free(g_steal_pointer(&once), FALSE);
}

static gint compare_children(gconstpointer a, gconstpointer b)
{
        return strcmp((*(const Child *const *)a)->path, (*(const Child *const *)b)->path);
}

static void name_child(Child *child, const char *text)
{
        g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);

        (void)g_snprintf(child->name, sizeof(child->name), "t%s", sum);
}

static Child *child_of(Compiler *c, const char *path)
{
        Child *child;

        for (guint i = 0; i < c->children->len; i++) {
                child = c->children->pdata[i];
                if (strcmp(child->path, path) == 0)
                        return child;
        }
        child = g_new0(Child, 1);
        child->path = g_strdup(path);
        name_child(child, path);
        child->rules = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        g_ptr_array_add(c->children, child);
        return child;
}

static const Child *profile_of(const Child *child)
{
        return child->shared ?: child;
}

static bool same_rules(const Child *a, const Child *b)
{
        return a->rules->len == b->rules->len && memcmp(a->rules->data, b->rules->data, a->rules->len * sizeof(uint32_t)) == 0;
}

/* Return: how many profiles they are. */
static guint share_children(Compiler *c)
{
        guint n = c->children->len;

        if (n <= NAMES_MAX)
                return n;
        for (guint i = 0; i < c->children->len; i++) {
                Child *first = c->children->pdata[i];
                g_autoptr(GString) paths = g_string_new(first->path);

                for (guint k = i + 1; !first->shared && k < c->children->len; k++) {
                        Child *other = c->children->pdata[k];

                        if (other->shared || !same_rules(first, other))
                                continue;
                        other->shared = first;
                        g_string_append_printf(paths, "\n%s", other->path);
                        n--;
                }
                if (!first->shared)
                        name_child(first, paths->str);
        }
        return n;
}

/* Into the children of its targets. */
static void place_rule(Compiler *c, uint32_t i)
{
        const Rule *r = rule_at(c, i);
        g_auto(GStrv) targets = all_targets(r);

        for (char **t = targets; *t; t++) {
                Child *child = child_of(c, *t);

                g_array_append_val(child->rules, i);
        }
        /* systemd's services are started by varmor-exec, which looks. */
        if (c->policy->target.kind == TARGET_CONTAINER && (!(c->policy->enforcers & 1U << ENFORCER_BPF) || r->kind == OP_TEXT))
                diag_warning(c->diag, &r->pos, "apparmor-start",
                             "the rule '%s': AppArmor applies 'targets' to what is executed within a container, not to the command that it "
                             "is started with",
                             r->id);
}

/* ---- lines --------------------------------------------------------------------------------------------------------- */

static RawDisposition raw_disposition(const Policy *p)
{
        if (p->allow_violations)
                return p->audit_violations ? RAW_OBSERVE : RAW_NOTHING;
        return p->audit_violations ? RAW_REPORT : RAW_AS_IS;
}

/* A rule with several targets is written as often. */
static bool warn_now(Compiler *c, uint32_t i)
{
        return g_hash_table_add(c->said, GUINT_TO_POINTER(i));
}

static void add_raw(Compiler *c, uint32_t i, const char *raw, const SourcePos *pos)
{
        g_autofree char *text = NULL;
        bool includes = false;

        text = raw_dispose(raw, raw_disposition(c->policy), &includes);
        aa_text_block(&c->text, i, text);
        if (includes && c->policy->allow_violations && warn_now(c, i))
                diag_warning(c->diag, pos, "include-denies",
                             "what files that AppArmor's text includes deny stays denied, although violations are allowed");
}

/* Within a profile, what one rule denies in silence the kernel does not report for another either: where they may meet, it shall
 * report both, and what was to be silent is left out when it comes back (events.c). Not for the sake of base protection: every wide
 * rule would meet that. */
static bool must_speak(const Compiler *c, const GArray *rules, const Rule *r)
{
        for (guint i = 0; i < rules->len; i++) {
                const Rule *other = rule_at(c, g_array_index(rules, uint32_t, i));

                if (other->origin != RULE_BASE && rule_effect(c->policy, other).log && aa_rules_may_meet(r, other))
                        return true;
        }
        return false;
}

static void add_rule(Compiler *c, const GArray *rules, uint32_t i, AaPeers *peers)
{
        const Rule *r = rule_at(c, i);
        RuleEffect e = rule_effect(c->policy, r);
        const char *note;

        if (e.deny && !e.log && c->policy->mode != MODE_DEFENSE_IN_DEPTH)
                e.log = must_speak(c, rules, r);

        if (g_strcmp0(c->last, r->id) != 0 || r->kind == OP_TEXT)
                aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "  # %s", r->id);
        c->last = r->id;
        if (r->kind == OP_TEXT) {
                add_raw(c, i, r->text.text, &r->text.pos);
                return;
        }
        aa_text_rule(&c->text, r, i, e, peers);
        note = aa_rule_note(r, e);
        if (note && !(c->policy->enforcers & 1U << ENFORCER_BPF) && warn_now(c, i))
                diag_warning(c->diag, &r->pos, "apparmor-differs", "the rule '%s': %s", r->id, note);
}

/* What is allowed where only what a rule names is denied. */
static void add_everything(Compiler *c)
{
        static const char *const rules[] = {"file", "capability", "network", "unix", "dbus",
                                            "mount", "remount", "umount", "pivot_root", NULL};

        for (const char *const *r = rules; *r; r++)
                aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "  %s,", *r);
}

/* Whoever starts the program without being under the policy, and brings it there, does as the kernel would. */
static void note_start(Compiler *c, const Child *child)
{
        g_autofree char *label = g_strconcat(c->name, "//", profile_of(child)->name, NULL);

        if (c->starts->len == 0)
                g_byte_array_append(c->starts, (const guint8 *)CHILDREN_MAGIC, sizeof(CHILDREN_MAGIC));
        g_byte_array_append(c->starts, (const guint8 *)child->path, (guint)strlen(child->path) + 1);
        g_byte_array_append(c->starts, (const guint8 *)label, (guint)strlen(label) + 1);
}

/* As a file rule for just this path would have it. */
static char *exact_expression(const Child *child)
{
        g_autoptr(GString) path = g_string_new("\"");

        aare_append_literal(path, child->path);
        return g_strconcat(path->str, "{,/}\"", NULL);
}

/* At which paths other profiles are stacked upon this one, and which. */
static void add_transitions(Compiler *c)
{
        for (guint i = 0; i < c->children->len; i++) {
                const Child *child = c->children->pdata[i];
                g_autoptr(GString) path = g_string_new("\"");
                g_autofree char *key = exact_expression(child);

                note_start(c, child);
                aare_append_literal(path, child->path);
                aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "  %s%s\" cix -> \"&%s//%s\",",
                             GPOINTER_TO_INT(g_hash_table_lookup(c->text.exact, key)) ? "audit " : "", path->str, c->name,
                             profile_of(child)->name);
        }
}

static void add_child(Compiler *c, const Child *child)
{
        AaPeers peers = {0};

        aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "  # stacked upon the whole where a target is executed");
        aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "  profile %s flags=(%s) {", child->name, FLAGS);
        add_everything(c);
        c->last = NULL;
        for (guint i = 0; i < child->rules->len; i++) {
                uint32_t rule = g_array_index(child->rules, uint32_t, i);
                const Rule *r = rule_at(c, rule);

                add_rule(c, child->rules, rule, &peers);
                aa_blob_add_name(c->blob, child->name, rule, r->kind == OP_TEXT ? r->id : NULL);
        }
        aa_text_peers(&c->text, &peers);
        aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "  }");
}

static int write_enhanced(Compiler *c, const GArray *rules)
{
        AaPeers peers = {0};

        g_ptr_array_sort(c->children, compare_children);
        if (share_children(c) > NAMES_MAX) {
                diag_error(c->diag, &c->policy->pos, "too-large",
                           "'targets' of this policy have more than %u different sets of rules, which an AppArmor profile cannot tell apart",
                           NAMES_MAX);
                return -E2BIG;
        }
        for (guint i = 0; i < c->children->len; i++)
                g_hash_table_insert(c->text.exact, exact_expression(c->children->pdata[i]), NULL);
        aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "profile \"%s\" flags=(%s) {", c->name, FLAGS);
        add_everything(c);
        for (guint i = 0; i < rules->len; i++)
                add_rule(c, rules, g_array_index(rules, uint32_t, i), &peers);
        aa_text_peers(&c->text, &peers);
        add_transitions(c);
        for (guint i = 0; i < c->children->len; i++)
                if (!((const Child *)c->children->pdata[i])->shared)
                        add_child(c, c->children->pdata[i]);
        aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "}");
        return 0;
}

/* ---- allow-lists ---------------------------------------------------------------------------------------------------- */

static bool has_flag(const char *flags, const char *flag)
{
        g_auto(GStrv) words = g_strsplit_set(flags ?: "", ", \t\n", -1);

        return g_strv_contains((const char *const *)words, flag);
}

static int check_flags(Compiler *c, const RawProfile *raw, const SourcePos *pos)
{
        static const char *const refused[] = {"complain", "unconfined", "prompt", "default_allow", "debug", NULL};

        for (const char *const *f = refused; *f; f++)
                if (has_flag(raw->flags, *f)) {
                        diag_error(c->diag, pos, "bad-value",
                                   "the flag '%s' of the profile: expected none that lifts confinement; 'allowViolations: true' makes a trial of it", *f);
                        return -EBADMSG;
                }
        return 0;
}

/* What binds a unit to the profile must get through it, and what is under it must not get rid of it. */
static void add_own(Compiler *c, const GArray *rules)
{
        AaPeers peers = {0};

        aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "  # what starts the workload");
        aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "  /{usr/lib,run}/varmor/varmor-exec rmix,");
        aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "  /run/varmor/{seccomp,filters,children}/{,**} r,");
        /* What a model allows is as with other enforcers: processes may signal each other, and to ask whether one is there sends nothing. */
        if (c->policy->depth[ENFORCER_APPARMOR].type == PROFILE_BEHAVIOR_MODEL) {
                aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "  signal (send) set=(exists),");
                aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "  signal (send) peer=%s,", c->text.inside);
        }
        for (guint i = 0; i < rules->len; i++)
                add_rule(c, rules, g_array_index(rules, uint32_t, i), &peers);
        /* On trial, what is executed stays under the profile: the null profiles of complain mode would outlive the trial. */
        if (c->policy->allow_violations)
                aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "  audit /{,**} ix,");
}

static void append_newlines(GString *s, const char *text)
{
        for (; *text; text++)
                if (*text == '\n')
                        g_string_append_c(s, '\n');
}

static int write_custom(Compiler *c, const GArray *rules)
{
        const DepthProfile *depth = &c->policy->depth[ENFORCER_APPARMOR];
        const char *flags = FLAGS, *trial = c->policy->allow_violations ? ",complain" : "", *why = NULL;
        g_auto(RawProfile) raw = {0};
        g_autoptr(GString) head = g_string_new(NULL);
        int r = raw_profile_split(depth->text, &raw, &why);

        if (r < 0) {
                diag_error(c->diag, &depth->text_pos, "bad-value", "'customProfile': %s", why);
                return r;
        }
        if (r > 0) {
                r = check_flags(c, &raw, &depth->text_pos);
                if (r < 0)
                        return r;
                if (raw.flags && *raw.flags)
                        flags = raw.flags;
                g_string_append_printf(head, "%sprofile \"%s\" flags=(%s%s)", raw.preamble, c->name, flags, trial);
                append_newlines(head, raw.header);
                g_string_append_printf(head, " {%s", raw.body);
                add_raw(c, AA_NO_RULE, head->str, &depth->text_pos);
        } else {
                if (raw_has_variables(depth->text))
                        aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "include <tunables/global>");
                aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "profile \"%s\" flags=(%s%s) {", c->name, flags, trial);
                add_raw(c, AA_NO_RULE, depth->text, &depth->text_pos);
        }
        add_own(c, rules);
        aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "}");
        return 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static void sort_rule(Compiler *c, uint32_t i, GArray *everybody)
{
        const Rule *r = rule_at(c, i);
        RuleEffect e = rule_effect(c->policy, r);
        bool part = false;
        char *why = why_not(c->policy, r, e, &part);

        g_ptr_array_add(c->why_not, why);
        if (why && !part)
                return;
        if (r->kind == OP_TEXT ? c->policy->allow_violations && !c->policy->audit_violations && c->policy->mode != MODE_DEFENSE_IN_DEPTH
                               : !(e.deny || e.log || e.allow))
                return;
        c->says_something = true;
        if (r->targets && r->targets[0]) {
                place_rule(c, i);
                return;
        }
        g_array_append_val(everybody, i);
        if (r->kind == OP_TEXT)
                aa_blob_add_name(c->blob, NULL, i, r->id);
}

static bool wants_variables(const Policy *p)
{
        for (guint i = 0; i < p->rules->len; i++) {
                const Rule *r = p->rules->pdata[i];

                if (r->kind == OP_TEXT && raw_has_variables(r->text.text))
                        return true;
        }
        return false;
}

/* The table by which the BPF enforcer finds the rule of what it denies tells it of AppArmor's records, too. */
static GBytes *rule_table(const Policy *p)
{
        g_autoptr(Diag) ignored = diag_new();
        g_autoptr(Profile) bpf = NULL;

        if (bpf_compile(p, &bpf, ignored) < 0)
                return g_bytes_new(NULL, 0);
        return g_bytes_ref(bpf->blob);
}

static int write_text(Compiler *c, const GArray *everybody)
{
        aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "# policy %s", c->policy->full_name);
        if (c->policy->mode == MODE_DEFENSE_IN_DEPTH)
                return write_custom(c, everybody);
        if (wants_variables(c->policy))
                aa_text_line(&c->text, AA_LINE_OURS, AA_NO_RULE, "include <tunables/global>");
        return write_enhanced(c, everybody);
}

static int compile(Compiler *c, Profile **ret)
{
        g_autoptr(GArray) everybody = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        const Policy *p = c->policy;
        bool custom = p->mode == MODE_DEFENSE_IN_DEPTH && p->depth[ENFORCER_APPARMOR].text;
        Profile *profile;
        int r;

        for (guint i = 0; i < p->rules->len; i++)
                sort_rule(c, i, everybody);
        if (!custom && (p->mode == MODE_DEFENSE_IN_DEPTH || !c->says_something)) {
                profile = profile_new(ENFORCER_APPARMOR, g_bytes_new(NULL, 0));
        } else {
                r = write_text(c, everybody);
                if (r < 0)
                        return r;
                if (c->text.s->len > AA_TEXT_MAX) {
                        diag_error(c->diag, &p->pos, "too-large", "the AppArmor profile has %zu bytes, expected at most %u",
                                   (size_t)c->text.s->len, AA_TEXT_MAX);
                        return -E2BIG;
                }
                g_free(c->blob->text);
                c->blob->text = g_strndup(c->text.s->str, c->text.s->len);
                g_bytes_unref(c->blob->table);
                c->blob->table = rule_table(p);
                if (c->starts->len > 0)
                        g_byte_array_append(c->starts, (const guint8 *)"", 1);
                g_bytes_unref(c->blob->children);
                c->blob->children = g_bytes_new(c->starts->data, c->starts->len);
                profile = profile_new(ENFORCER_APPARMOR, aa_blob_to_bytes(c->blob));
        }
        g_ptr_array_unref(profile->why_not);
        profile->why_not = g_steal_pointer(&c->why_not);
        profile->table_bytes = g_bytes_get_size(profile->blob);
        profile->has_children = c->starts->len > 0;
        *ret = profile;
        return 0;
}

char *apparmor_profile_name(const char *full_name)
{
        g_autofree char *bind_name = policy_bind_name(full_name);

        return g_strconcat("varmor.", bind_name, NULL);
}

int apparmor_compile(const Policy *p, Profile **ret, Diag *d)
{
        g_autoptr(AaBlob) blob = aa_blob_new();
        Compiler c = {
                .policy = p,
                .diag = d,
                .name = apparmor_profile_name(p->full_name),
                .children = g_ptr_array_new_with_free_func(child_free),
                .starts = g_byte_array_new(),
                .said = g_hash_table_new(NULL, NULL),
                .why_not = g_ptr_array_new_with_free_func(g_free),
                .blob = blob,
                .text = {.s = g_string_new(NULL), .line = 1, .lines = blob->lines,
                         .exact = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)},
        };
        int r;

        c.text.inside = c.inside = aa_inside(c.name);
        c.text.outside = c.outside = aa_outside(c.name);
        r = compile(&c, ret);
        g_free(c.name);
        g_free(c.inside);
        g_free(c.outside);
        g_ptr_array_unref(c.children);
        g_byte_array_unref(c.starts);
        g_hash_table_unref(c.said);
        g_clear_pointer(&c.why_not, g_ptr_array_unref);
        g_string_free(c.text.s, TRUE);
        g_hash_table_unref(c.text.exact);
        return r;
}
