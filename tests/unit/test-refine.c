/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Refine: what alarms become; that names which somebody chose come out as patterns of nothing but themselves; that a fragment says the
 * same when it is read again, and that the policy with it allows what was denied. */

#include <errno.h>
#include <string.h>

#include "glob-reference.h"
#include "policy-parse.h"
#include "refine.h"
#include "yaml-tree.h"

static RefineAlarm make(const char *enforcers, const char *operation, const char *requested, const char *object, size_t size)
{
        RefineAlarm a = {
                .mode = g_strdup("DefenseInDepth"),
                .action = g_strdup("ALLOWED"),
                .reason = g_strdup("default"),
                .rule = g_strdup(""),
                .operation = g_strdup(operation),
                .requested = g_strdup(requested),
                .comm = g_strdup("web"),
                .unit = g_strdup("web.service"),
                .object = object ? g_bytes_new(object, size) : NULL,
                .count = 2,
                .pid = 7,
                .time_usec = UINT64_C(1764000000) * G_USEC_PER_SEC,
        };
        g_auto(GStrv) words = g_strsplit(enforcers, " ", -1);

        for (char **w = words; *w; w++)
                a.enforcers |= 1U << enforcer_kind_from_string(*w);
        return a;
}

static void add(Refine *r, const char *enforcers, const char *operation, const char *requested, const char *object)
{
        g_auto(RefineAlarm) a = make(enforcers, operation, requested, object, object ? strlen(object) : 0);

        refine_add(r, &a);
}

static void accept_all(Refine *r)
{
        refine_finish(r);
        for (guint i = 0; i < r->rules->len; i++)
                ((RefineRule *)r->rules->pdata[i])->accepted = true;
}

/* ---- each kind ------------------------------------------------------------------------------------------------------------------ */

static const struct {
        const char *enforcers, *operation, *requested, *object, *section, *text; /* @text NULL: none */
} kinds[] = {
        {"BPF", "open", "read", "/srv/a", "bpf.files", "{pattern: \"/srv/a\", permissions: [read]}"},
        {"BPF", "exec", "exec", "/usr/bin/x y", "bpf.files", "{pattern: \"/usr/bin/x y\", permissions: [exec]}"},
        {"BPF", "rename", "read,write", "/a*[b]", "bpf.files", "{pattern: \"/a\\\\*\\\\[b\\\\]\", permissions: [read, write]}"},
        {"BPF", "connect", "write", "/run/x.sock", "bpf.files", "{pattern: \"/run/x.sock\", permissions: [write]}"},
        {"BPF", "connect", "", "/run/x.sock", "bpf.egress", "{unix: [\"/run/x.sock\"]}"},
        {"BPF", "connect", "", "@abs", "bpf.egress", "{unix: [\"@abs\"]}"},
        {"BPF", "connect", "", "192.0.2.1:80", "bpf.egress", "{ip: \"192.0.2.1\", ports: [{port: 80}]}"},
        {"BPF", "sendmsg", "", "[2001:db8::1]:53", "bpf.egress", "{ip: \"2001:db8::1\", ports: [{port: 53}]}"},
        {"BPF", "bind", "", "0.0.0.0:0", "bpf.ingress", "{ip: \"0.0.0.0\"}"},
        {"BPF", "listen", "", "127.0.0.1:8080", "bpf.ingress", "{ip: \"127.0.0.1\", ports: [{port: 8080}]}"},
        {"BPF", "socket", "", "inet stream tcp", "bpf.sockets", "{domains: [inet], protocols: [tcp]}"},
        {"BPF", "socket", "", "unix dgram", "bpf.sockets", "{domains: [unix], types: [dgram]}"},
        {"BPF", "socket", "", "other 5", NULL, NULL},
        {"BPF", "socket", "", "inet], qualifiers: [deny stream", NULL, NULL},
        {"BPF", "capable", "", "net_admin", "bpf.capabilities", "net_admin"},
        {"BPF", "capable", "", "all", NULL, NULL},
        {"BPF", "bpf", "", "prog-load", "bpf.bpf", "prog-load"},
        {"BPF", "kill", "", "sshd", "bpf.signal", "{qualifiers: [allow]}"},
        {"BPF", "ptrace", "read", "sshd", "bpf.ptrace", "{strictMode: true, permissions: [read], qualifiers: [allow]}"},
        {"BPF", "userns_create", "", "user namespace", "bpf.userNamespaces", "{qualifiers: [allow]}"},
        {"BPF", "mount", "", "/srv/x", "bpf.mounts", "{sourcePattern: \"/srv/x\", fstype: \"*\", flags: [mount]}"},
        {"BPF", "umount", "", "/mnt", "bpf.mounts", "{sourcePattern: \"/mnt\", fstype: \"*\", flags: [umount]}"},
        {"BPF", "uring_override_creds", "", NULL, NULL, NULL},
        {"BPF", "open", "read", NULL, NULL, NULL},
        {"BPF", "open", "read", "relative", NULL, NULL},
        {"AppArmor", "open", "read", "/srv/a", "appArmor", "{rules: \"\\\"/srv/a{,/}\\\" rk,\"}"},
        {"AppArmor", "exec", "exec", "/usr/bin/x", "appArmor", "{rules: \"\\\"/usr/bin/x{,/}\\\" mrix,\"}"},
        {"AppArmor", "capable", "", "net_admin", "appArmor", "{rules: \"capability net_admin,\"}"},
        {"AppArmor", "capable", "", "net_admin, file", NULL, NULL},
        {"AppArmor", "socket", "", "inet stream tcp", "appArmor", "{rules: \"network inet stream,\"}"},
        {"AppArmor", "ptrace", "traceby", "x", "appArmor", "{rules: \"ptrace (tracedby),\"}"},
        {"AppArmor", "mount", "", "/srv", NULL, NULL},
        {"Seccomp", "syscall", "", "ptrace", "seccomp", "{names: [ptrace], action: SCMP_ACT_ALLOW}"},
        {"Seccomp", "syscall", "", "#999", NULL, NULL},
        {"Seccomp", "syscall", "", "a], action: SCMP_ACT_LOG, names: [b", NULL, NULL},
};

static void test_kinds(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                g_autoptr(Refine) r = refine_new(NULL);
                const RefineRule *rule;

                add(r, kinds[i].enforcers, kinds[i].operation, kinds[i].requested, kinds[i].object);
                refine_finish(r);
                if (!kinds[i].text) {
                        g_assert_cmpuint(r->rules->len, ==, 0);
                        g_assert_cmpuint(r->suggestions->len, ==, 1);
                        continue;
                }
                if (r->rules->len != 1)
                        g_error("no rule for %s of %s", kinds[i].operation, kinds[i].object);
                g_assert_cmpuint(r->suggestions->len, ==, 0);
                rule = r->rules->pdata[0];
                g_assert_cmpstr(refine_section_to_string(rule->section), ==, kinds[i].section);
                if (rule->section == REFINE_APPARMOR && strchr(kinds[i].text, '/')) {
                        /* How a path is written there is for aare.c to say. */
                        g_assert_nonnull(strstr(rule->text, kinds[i].object));
                        g_assert_true(g_str_has_suffix(rule->text, strrchr(kinds[i].text, ' ')));
                } else
                        g_assert_cmpstr(rule->text, ==, kinds[i].text);
        }
}

static void test_merge(void)
{
        g_autoptr(Refine) r = refine_new(NULL);
        g_autofree char *evidence = NULL;
        const RefineRule *rule;

        add(r, "BPF", "open", "read", "/srv/b");
        add(r, "BPF", "open", "read", "/srv/a");
        add(r, "AppArmor BPF", "open", "write", "/srv/a");
        add(r, "BPF", "open", "read", "/srv/a");
        refine_finish(r);
        g_assert_cmpuint(r->rules->len, ==, 3);
        rule = r->rules->pdata[1];
        g_assert_cmpstr(rule->text, ==, "{pattern: \"/srv/a\", permissions: [read, write]}");
        g_assert_cmpuint(rule->count, ==, 6);
        evidence = refine_evidence(rule);
        g_assert_cmpstr(evidence, ==, "6 times, 2025-11-24 16:00:00 UTC, by web in web.service; ALLOWED by BPF");
        g_assert_cmpstr(((const RefineRule *)r->rules->pdata[2])->pattern, ==, "/srv/b");
        g_assert_cmpint(((const RefineRule *)r->rules->pdata[0])->section, ==, REFINE_APPARMOR);
}

/* What is no matter of a missing rule is never a rule. */
static void test_suggestions(void)
{
        static const struct {
                const char *mode, *reason, *rule, *object, *text;
                bool base;
        } cases[] = {
                {"DefenseInDepth", "base", "base-protection", "/etc/varmor/x", "base protection", true},
                {"DefenseInDepth", "no-path", "", "x", "could not be determined", false},
                {"DefenseInDepth", "second-name", "", "/a", "treated alike", false},
                {"DefenseInDepth", "rule", "bpf.files[0]", "/a", "rule bpf.files[0] of the policy denies it", false},
                {"EnhanceProtect", "rule", "files[2]", "/a{b", "would need \"except: [\"/a\\\\{b\"]\"", false},
                {"EnhanceProtect", "rule", "disable-write-etc", "/etc/a", "without disable-write-etc in the policy", false},
                {"EnhanceProtect", "rule", "runtime-default", "/sys/a", "privileged: true", false},
                {"EnhanceProtect", "rule", "", "/a", "not known", false},
                {"EnhanceProtect", "default", "", "/a", "not known", false},
                {"EnhanceProtect", "rule", "x\x1b[2J", "/a\nb", "\\x1b[2J", false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Refine) r = refine_new(NULL);
                g_auto(RefineAlarm) a = make("BPF", "open", "read", cases[i].object, strlen(cases[i].object));
                const RefineSuggestion *s;

                g_free(a.mode);
                g_free(a.reason);
                g_free(a.rule);
                a.mode = g_strdup(cases[i].mode);
                a.reason = g_strdup(cases[i].reason);
                a.rule = g_strdup(cases[i].rule);
                a.base = cases[i].base;
                refine_add(r, &a);
                refine_add(r, &a);
                refine_finish(r);
                g_assert_cmpuint(r->rules->len, ==, 0);
                g_assert_cmpuint(r->suggestions->len, ==, 1);
                s = r->suggestions->pdata[0];
                g_test_message("%s", s->text);
                g_assert_nonnull(strstr(s->text, cases[i].text));
                g_assert_null(strpbrk(s->text, "\n\x1b"));
                g_assert_cmpuint(s->count, ==, 4);
        }
}

/* ---- fragments ------------------------------------------------------------------------------------------------------------------ */

static YamlNode *parse_one(const char *text)
{
        g_autoptr(GPtrArray) documents = NULL;
        g_autoptr(Diag) d = diag_new();
        bool complete;

        if (yaml_parse(text, strlen(text), "test.yaml", &documents, &complete, d) < 0 || documents->len != 1)
                g_error("no YAML: %s", text);
        return g_steal_pointer(&documents->pdata[0]);
}

#define POLICY                                                                                                           \
        "apiVersion: crd.varmor.org/v1beta1\nkind: VarmorClusterPolicy\nmetadata: {name: web}\nspec:\n"                    \
        "  target: {kind: Service, name: web.service}\n  policy:\n    enforcer: AppArmorBPFSeccomp\n    mode: DefenseInDepth\n" \
        "    defenseInDepth:\n      appArmor: {profileType: Custom, customProfile: 'profile x {}'}\n"                      \
        "      bpf: {profileType: Custom, customProfile: {files: [{pattern: /x, permissions: [read]}]}}\n"                 \
        "      seccomp: {profileType: Custom, customProfile: {defaultAction: SCMP_ACT_ERRNO, syscalls: []}}\n"

/* The policy with @fragment. */
static Policy *merge(const char *fragment)
{
        g_autoptr(YamlNode) tree = yaml_merge(parse_one(POLICY), parse_one(fragment));
        g_autoptr(Catalogue) c = catalogue_new();
        g_autoptr(Settings) s = settings_new_default();
        g_autoptr(Diag) d = diag_new();
        Policy *p = NULL;

        catalogue_seal(c);
        (void)policy_parse(tree, c, s, &p, d);
        for (guint i = 0; i < d->messages->len; i++) {
                const DiagMessage *m = d->messages->pdata[i];

                if (m->severity == DIAG_ERROR && strcmp(m->code, "base-missing") != 0 && strcmp(m->code, "default-missing") != 0)
                        g_error("%s: %s\n%s", m->code, m->text, fragment);
        }
        return p;
}

static Refine *again(const char *fragment)
{
        g_autoptr(Diag) d = diag_new();
        Refine *r = refine_new(NULL);

        if (refine_parse(r, fragment, strlen(fragment), "50-refine.yaml", d) < 0)
                g_error("not read again: %s", fragment);
        return r;
}

static void test_fragment(void)
{
        g_autoptr(Refine) r = refine_new(NULL), b = NULL, c = NULL;
        g_autofree char *first = NULL, *second = NULL, *third = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                add(r, kinds[i].enforcers, kinds[i].operation, kinds[i].requested, kinds[i].object);
        accept_all(r);
        first = refine_fragment(r, "web", NULL);
        g_test_message("%s", first);
        policy_free(merge(first));

        /* The same alarms again add nothing. */
        b = again(first);
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
                add(b, kinds[i].enforcers, kinds[i].operation, kinds[i].requested, kinds[i].object);
        refine_finish(b);
        for (guint i = 0; i < b->rules->len; i++)
                g_assert_true(((const RefineRule *)b->rules->pdata[i])->before);
        second = refine_fragment(b, "web", NULL);
        g_assert_cmpstr(second, ==, first);

        /* More of it: what is not accepted leaves what stood there. */
        c = again(first);
        add(c, "BPF", "open", "write", "/srv/a");
        add(c, "BPF", "ptrace", "trace", "x");
        refine_finish(c);
        third = refine_fragment(c, "web", NULL);
        g_assert_cmpstr(third, ==, first);
        for (guint i = 0; i < c->rules->len; i++) {
                RefineRule *rule = c->rules->pdata[i];

                rule->accepted = !rule->before;
        }
        g_free(third);
        third = refine_fragment(c, "web", NULL);
        g_assert_nonnull(strstr(third, "            # 2 times, 2025-11-24 16:00:00 UTC, by web in web.service; ALLOWED by BPF\n"
                                       "            - {pattern: \"/srv/a\", permissions: [read, write]}\n"));
        g_assert_nonnull(strstr(third, "permissions: [trace, read]"));
}

static void test_slice(void)
{
        g_autoptr(Refine) r = refine_new(NULL);
        g_autofree char *text = refine_fragment(r, "web", "system.slice");
        g_autoptr(YamlNode) tree = parse_one(text);

        g_assert_cmpstr(yaml_get(tree, "kind")->scalar, ==, "VarmorPolicy");
        g_assert_cmpstr(yaml_get(yaml_get(tree, "metadata"), "namespace")->scalar, ==, "system.slice");
}

/* What others wrote is not overwritten. */
static void test_foreign(void)
{
        static const char *const texts[] = {
                "{",
                "a: b\n",
                "spec: {policy: {mode: AlwaysAllow}}\n",
                "spec:\n  policy:\n    defenseInDepth:\n      allowViolations: true\n",
                "spec:\n  policy:\n    defenseInDepth:\n      bpf:\n        bpfRawRules:\n          files:\n            - pattern: /a\n"
                "              permissions: [read]\n",
                "spec:\n  policy:\n    defenseInDepth:\n      bpf:\n        bpfRawRules:\n          files:\n"
                "            - {pattern: /a, permissions: [read], qualifiers: [deny]}\n",
                "spec:\n  policy:\n    defenseInDepth:\n      seccomp: {syscallRawRules: [{names: [a], action: SCMP_ACT_ALLOW}]}\n",
                "spec: {policy: {defenseInDepth: }}\n---\na: b\n",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(Refine) r = refine_new(NULL);
                g_autoptr(Diag) d = diag_new();

                g_assert_cmpint(refine_parse(r, texts[i], strlen(texts[i]), "50-refine.yaml", d), ==, -EBADMSG);
                g_assert_cmpuint(d->n_errors, >, 0);
        }
}

/* ---- names that somebody chose ------------------------------------------------------------------------------------------------ */

static char *random_name(GRand *rand)
{
        static const char *const parts[] = {"/", "a", "\n", "\t", "\"", "'", "\\", "*", "**", "?", "[a]", "{x,y}", "]", "}", ",", "^", "#", ": ",
                                            "- ", "\xff", "\xc3", "\xc3\xa4", "\xe2\x80\xae", "\xf0\x9f\x98\x80", "%s", "$(x)", "\x7f", "\x01",
                                            "\xc2\x85", " ", "&", "!", "|", "@{x}", "<", "permissions: [all]"};
        GString *s = g_string_new("/n");

        for (int n = g_rand_int_range(rand, 1, 12); n > 0; n--)
                g_string_append(s, parts[g_rand_int_range(rand, 0, G_N_ELEMENTS(parts))]);
        return g_string_free(s, FALSE);
}

static void test_hostile(void)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(6);
        unsigned n_rules = 0;

        for (unsigned round = 0; round < 3000; round++) {
                g_autofree char *name = random_name(rand), *text = NULL, *second = NULL;
                g_autoptr(Refine) r = refine_new(NULL), back = NULL;
                g_auto(RefineAlarm) a = make("BPF", "open", "read", name, strlen(name));
                g_autoptr(Policy) p = NULL;
                const Rule *rule;

                g_free(a.comm);
                g_free(a.unit);
                a.comm = g_strdup(name + 1);
                a.unit = g_strdup(name);
                refine_add(r, &a);
                accept_all(r);
                text = refine_fragment(r, "web", NULL);
                if (r->rules->len == 0)
                        continue; /* no path is like that: "//" */
                n_rules++;
                p = merge(text);
                g_assert_nonnull(p);
                /* One rule of the profile, and this. */
                rule = p->rules->pdata[1];
                g_assert_cmpint(rule->kind, ==, OP_FILE);
                g_assert_cmpuint(rule->file.perms, ==, PERM_READ);
                g_assert_cmpuint(rule->qualifiers, ==, RULE_ALLOW);
                g_assert_cmpuint(g_strv_length(rule->file.patterns), ==, 1);
                g_assert_true(reference_match(rule->file.patterns[0], (const uint8_t *)name, strlen(name)));
                /* Nothing else, but for bytes that are no text. */
                if (g_utf8_validate(name, -1, NULL))
                        for (unsigned k = 0; k < 5; k++) {
                                g_autofree char *other = random_name(rand);

                                g_assert_true(strcmp(other, name) == 0 ||
                                              !reference_match(rule->file.patterns[0], (const uint8_t *)other, strlen(other)));
                        }
                back = again(text);
                refine_finish(back);
                second = refine_fragment(back, "web", NULL);
                g_assert_cmpstr(second, ==, text);
        }
        g_assert_cmpuint(n_rules, >, 1500);
}

/* In AppArmor's text a name stands for itself, within one pair of quotes. */
static void test_hostile_apparmor(void)
{
        g_autoptr(GRand) rand = g_rand_new_with_seed(7);

        for (unsigned round = 0; round < 2000; round++) {
                g_autofree char *name = random_name(rand), *text = NULL;
                g_autoptr(Refine) r = refine_new(NULL);
                g_autoptr(Policy) p = NULL;

                add(r, "AppArmor", "open", "read", name);
                accept_all(r);
                if (r->rules->len == 0)
                        continue;
                text = refine_fragment(r, "web", NULL);
                p = merge(text);
                g_assert_nonnull(p);
                for (guint i = 0; i < p->rules->len; i++) {
                        const Rule *rule = p->rules->pdata[i];
                        g_auto(GStrv) lines = NULL;

                        if (rule->kind != OP_TEXT)
                                continue;
                        lines = g_strsplit(rule->text.text, "\n", -1);
                        for (char **line = lines; *line; line++) {
                                const char *end = strrchr(*line, '"');

                                g_assert_true((*line)[0] == '"' && end > *line && strcmp(end, "\" rk,") == 0);
                                for (const char *c = *line + 1; c < end; c++) {
                                        g_assert_true(*c != '"');
                                        if (*c == '\\' && c + 1 < end)
                                                c++;
                                }
                        }
                }
        }
}

static void test_generalise(void)
{
        static const char text[] = "rules:\n  - id: numbers\n    strictness: strict\n    match: \"^[0-9]{3,}$\"\n    pattern: \"*\"\n    why: a number\n"
                                   "    examples: [{path: /a/123, becomes: /a/*}]\n";
        g_autoptr(GeneraliseRules) rules = NULL;
        g_autoptr(Refine) r = NULL;
        g_autoptr(Diag) d = diag_new();
        g_autofree char *fragment = NULL;
        int e = generalise_rules_parse(text, strlen(text), "generalise.yaml", &rules, d);

        for (guint i = 0; e < 0 && i < d->messages->len; i++)
                g_test_message("%s", ((const DiagMessage *)d->messages->pdata[i])->text);
        g_assert_cmpint(e, ==, 0);
        r = refine_new(rules);
        add(r, "BPF", "open", "read", "/var/x/4711");
        add(r, "BPF", "open", "write", "/var/x/4712");
        accept_all(r);
        fragment = refine_fragment(r, "web", NULL);
        g_assert_nonnull(strstr(fragment, "; it was /var/x/4711\n            - {pattern: \"/var/x/*\", permissions: [read, write]}\n"));
}

static const void *get_field(void *userdata, const char *field, size_t *ret_size)
{
        const char *const *fields = userdata;

        for (; *fields; fields += 2)
                if (strcmp(*fields, field) == 0) {
                        *ret_size = strlen(fields[1]);
                        return fields[1];
                }
        return NULL;
}

static void test_read(void)
{
        const char *good[] = {"MESSAGE_ID", "2285ff9a8baf442c8a05bffce035ff9f", "VARMOR_ENFORCER", "AppArmor BPF", "VARMOR_MODE", "DefenseInDepth",
                              "VARMOR_ACTION", "DENIED", "VARMOR_REASON", "default", "VARMOR_OPERATION", "open", "VARMOR_OBJECT", "/a",
                              "VARMOR_COUNT", "12", NULL};
        const char *bad[] = {"VARMOR_ENFORCER", "Nobody", "VARMOR_MODE", "DefenseInDepth", "VARMOR_ACTION", "DENIED", "VARMOR_OPERATION", "open", NULL};
        const char *none[] = {"MESSAGE", "hello", NULL};
        g_auto(RefineAlarm) a = {}, b = {}, c = {};

        g_assert_cmpint(refine_alarm_read(get_field, good, 5, &a), ==, 0);
        g_assert_cmpuint(a.enforcers, ==, 1U << ENFORCER_APPARMOR | 1U << ENFORCER_BPF);
        g_assert_cmpuint(a.count, ==, 12);
        g_assert_false(a.base);
        g_assert_cmpstr(a.unit, ==, "");
        g_assert_cmpint(refine_alarm_read(get_field, bad, 5, &b), ==, -EBADMSG);
        g_assert_cmpint(refine_alarm_read(get_field, none, 5, &c), ==, -EBADMSG);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/refine/kinds", test_kinds);
        g_test_add_func("/refine/merge", test_merge);
        g_test_add_func("/refine/suggestions", test_suggestions);
        g_test_add_func("/refine/fragment", test_fragment);
        g_test_add_func("/refine/slice", test_slice);
        g_test_add_func("/refine/foreign", test_foreign);
        g_test_add_func("/refine/hostile", test_hostile);
        g_test_add_func("/refine/hostile-apparmor", test_hostile_apparmor);
        g_test_add_func("/refine/generalise", test_generalise);
        g_test_add_func("/refine/read", test_read);
        return g_test_run();
}
