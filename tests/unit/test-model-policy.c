/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Models as allow-lists: whatever was recorded is admitted, by the objects of the BPF rules and by the seccomp filter as the kernel
 * would run it; what was not is not; and all three compilers take the policy. */

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apparmor/compile.h"
#include "bpf/compile.h"
#include "bpf/table.h"
#include "glob-reference.h"
#include "model-admits.h"
#include "model-fold.h"
#include "model-json.h"
#include "model-policy.h"
#include "model-sample.h"
#include "model-yaml.h"
#include "objects.h"
#include "policy-load.h"
#include "seccomp/compile.h"
#include "seccomp/interpret.h"
#include "tree.h"

static GeneraliseRules *rules;

static void load_rules(void)
{
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "../../conf/generalise.yaml", NULL), *text = NULL;
        g_autoptr(Diag) d = diag_new();
        gsize size;

        g_assert_true(g_file_get_contents(path, &text, &size, NULL));
        g_assert_cmpint(generalise_rules_parse(text, size, "generalise.yaml", &rules, d), ==, 0);
}

static Policy *policy_of(const General *g)
{
        g_autoptr(ModelRules) list = NULL;
        g_autoptr(Diag) d = diag_new();
        g_autofree char *apparmor = model_apparmor(g, d);
        Policy *p = policy_new();

        g_assert_cmpint(model_rules(g, &list, d), ==, 0);
        g_assert_cmpuint(list->rules->len, ==, list->comments->len);
        p->name = g_strdup("web");
        p->full_name = g_strdup("web");
        p->mode = MODE_DEFENSE_IN_DEPTH;
        p->enforcers = (1U << _ENFORCER_KIND_MAX) - 1;
        p->target.name = g_strdup("web.service");
        for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                p->depth[k].type = PROFILE_CUSTOM;
        model_policy_fill(p, PROFILE_CUSTOM, list, apparmor);
        return p;
}

/* ---- system calls ---------------------------------------------------------------------------------------------------------------- */

static const SeccompHost host = {.native = ARCH_X86_64, .kernel = {6, 1}};

static uint32_t ret_of(const Profile *profile, const char *name, unsigned index, uint64_t arg)
{
        struct seccomp_data data = {.nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name), .arch = AUDIT_ARCH_X86_64};
        uint32_t ret = 0;

        data.args[index] = arg;
        g_assert_cmpint(seccomp_ret_of(profile->blob, &data, &ret), ==, 0);
        return ret & SECCOMP_RET_ACTION_FULL;
}

static Profile *seccomp_profile(const Policy *p)
{
        g_autoptr(Diag) d = diag_new();
        Profile *profile = NULL;

        g_assert_cmpint(seccomp_compile_for(p, &host, &profile, d), ==, 0);
        return profile;
}

static void check_calls(GRand *rand, const Model *m, const Policy *p)
{
        g_autoptr(Profile) profile = seccomp_profile(p);

        for (guint i = 0; i < m->ops->len; i++) {
                const ModelOp *o = m->ops->pdata[i];
                uint64_t noise = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);

                if (o->kind == MODEL_SYSCALL)
                        g_assert_cmphex(ret_of(profile, o->object, (unsigned)o->index, (noise & ~o->mask) | o->value), ==, SECCOMP_RET_ALLOW);
        }
        g_assert_cmphex(ret_of(profile, "reboot", 0, 0), ==, SECCOMP_RET_ERRNO);
}

static void test_admits(void)
{
        for (unsigned i = 0; i < 200; i++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(i);
                g_autoptr(Model) m = random_model(rand, 80);
                const GeneraliseOptions options = {.strictness = (Strictness)(i % _STRICTNESS_MAX), .siblings = i % 4 * 2};
                g_autoptr(General) g = generalise(m, rules, &options);
                g_autoptr(Policy) p = policy_of(g);

                model_admits_check(m, p);
                check_calls(rand, m, p);
                if (g_test_failed())
                        return;
        }
}

/* ---- cases ----------------------------------------------------------------------------------------------------------------------- */

static Model *small_model(void)
{
        const ModelOp ops[] = {
                {.kind = MODEL_EXEC, .object = (char *)"/usr/sbin/nginx", .second = (char *)"/usr/lib/systemd/systemd", .count = 1},
                {.kind = MODEL_FILE, .object = (char *)"/usr/sbin/nginx", .perms = PERM_READ, .count = 1},
                {.kind = MODEL_FILE, .object = (char *)"/etc/passwd", .perms = PERM_READ, .count = 2},
                {.kind = MODEL_FILE, .object = (char *)"/etc/group", .perms = PERM_READ, .count = 3},
                {.kind = MODEL_FILE, .object = (char *)"/etc/a,b", .perms = PERM_READ, .count = 1},
                {.kind = MODEL_FILE, .object = (char *)"/var/log/nginx/access.log", .owner_perms = PERM_WRITE, .count = 9},
                {.kind = MODEL_CAPABILITY, .number = 1U << 0, .count = 1},
                {.kind = MODEL_CAPABILITY, .number = 1U << 10, .count = 1},
                {.kind = MODEL_SOCKET, .family = UINT64_C(1) << AF_INET, .type = 1U << SOCK_STREAM, .protocol = PROTOCOL_TCP, .count = 1},
                {.kind = MODEL_SOCKET, .family = UINT64_C(1) << AF_INET6, .type = 1U << SOCK_STREAM, .protocol = PROTOCOL_TCP, .count = 1},
                {.kind = MODEL_INGRESS, .family = UINT64_C(1) << AF_INET, .port = 80, .count = 1},
                {.kind = MODEL_INGRESS, .family = UINT64_C(1) << AF_INET, .port = 81, .count = 1},
                {.kind = MODEL_INGRESS, .family = UINT64_C(1) << AF_INET, .port = 443, .count = 1},
                {.kind = MODEL_EGRESS_UNIX, .object = (char *)"@bus", .count = 1},
                {.kind = MODEL_SIGNAL, .object = (char *)"nginx", .number = 15, .count = 1},
                {.kind = MODEL_SYSCALL, .object = (char *)"read", .count = 100},
                {.kind = MODEL_SYSCALL, .object = (char *)"openat", .count = 100},
                {.kind = MODEL_SYSCALL, .object = (char *)"socket", .mask = UINT32_MAX, .value = AF_INET, .count = 1},
        };
        Model *m = model_new();

        for (size_t i = 0; i < G_N_ELEMENTS(ops); i++)
                g_assert_cmpint(model_add(m, &ops[i]), ==, 0);
        model_seal(m);
        return m;
}

static void test_small(void)
{
        static const char *const expected[] = {
                "/etc/{a\\,b,group,passwd}", "/usr/sbin/nginx", "/var/log/nginx/access.log",
        };
        g_autoptr(Model) m = small_model();
        const GeneraliseOptions options = {0};
        g_autoptr(General) g = generalise(m, rules, &options);
        g_autoptr(ModelRules) list = NULL;
        g_autoptr(Diag) d = diag_new();
        const Rule *r;

        g_assert_cmpint(model_rules(g, &list, d), ==, 0);
        g_assert_cmpuint(d->messages->len, ==, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
                r = list->rules->pdata[i];
                g_assert_cmpstr(r->file.patterns[0], ==, expected[i]);
                g_assert_null(r->file.patterns[1]);
        }
        g_assert_cmpstr(list->comments->pdata[0], ==, "3 operations, seen 6 times");
        r = list->rules->pdata[1];
        g_assert_cmpuint(r->file.perms, ==, PERM_READ | PERM_EXEC);
        r = list->rules->pdata[3];
        g_assert_cmpuint(r->capabilities, ==, 1U << 0 | 1U << 10);
        r = list->rules->pdata[4];
        g_assert_cmpuint(r->socket.domains, ==, 1U << AF_INET | 1U << AF_INET6);
        r = list->rules->pdata[6];
        g_assert_cmpint(r->kind, ==, OP_INGRESS);
        g_assert_cmpuint(r->net.ports->len, ==, 2);
        g_assert_cmpuint(g_array_index(r->net.ports, PortRange, 0).last, ==, 81);
        /* Signals within the workload need none. */
        g_assert_cmpuint(list->rules->len, ==, 12);
        r = list->rules->pdata[9];
        g_assert_true(g_strv_contains((const char *const *)r->syscall.names, "execve"));
        g_assert_cmpstr(list->comments->pdata[9], ==, "what each process needs");
}

static void test_no_more(void)
{
        g_autoptr(Model) m = small_model();
        const GeneraliseOptions options = {0};
        g_autoptr(General) g = generalise(m, rules, &options);
        g_autoptr(Policy) p = policy_of(g);
        g_autoptr(Profile) profile = seccomp_profile(p);

        g_assert_false(model_admits_object(p, VA_KIND_FILE, "/etc/shadow", PERM_READ));
        g_assert_false(model_admits_object(p, VA_KIND_FILE, "/etc/passwd", PERM_WRITE));
        g_assert_false(model_admits_object(p, VA_KIND_FILE, "/etc/passwd/x", PERM_READ));
        g_assert_false(model_admits_object(p, VA_KIND_FILE, "/bin/sh", PERM_EXEC));
        g_assert_false(model_admits_object(p, VA_KIND_CAPABILITY, "/15", 1));
        g_assert_false(model_admits_object(p, VA_KIND_SOCKET, "/11/3/o", 1));
        g_assert_false(model_admits_object(p, VA_KIND_INGRESS, "/4/00000000/0052/-", 1));
        g_assert_false(model_admits_object(p, VA_KIND_EGRESS, "/4/0a000001/0050/-", 1));
        g_assert_true(model_admits_object(p, VA_KIND_EGRESS_UNIX, "/@bus", 1));
        g_assert_false(model_admits_object(p, VA_KIND_EGRESS_UNIX, "/@bus2", 1));
        g_assert_false(model_admits_object(p, VA_KIND_PTRACE, "/o/sh", PTRACE_PERM_READ));
        g_assert_cmphex(ret_of(profile, "socket", 0, AF_INET), ==, SECCOMP_RET_ALLOW);
        g_assert_cmphex(ret_of(profile, "socket", 0, AF_PACKET), ==, SECCOMP_RET_ERRNO);
        g_assert_cmphex(ret_of(profile, "ptrace", 0, 0), ==, SECCOMP_RET_ERRNO);

        /* What the start takes, and no more of it. */
        g_assert_cmphex(ret_of(profile, "execve", 0, 1), ==, SECCOMP_RET_ALLOW);
        g_assert_cmphex(ret_of(profile, "execveat", 0, 1), ==, SECCOMP_RET_ALLOW);
        g_assert_cmphex(ret_of(profile, "exit_group", 0, 1), ==, SECCOMP_RET_ALLOW);
        g_assert_cmphex(ret_of(profile, "rt_sigreturn", 0, 0), ==, SECCOMP_RET_ALLOW);
        g_assert_cmphex(ret_of(profile, "restart_syscall", 0, 0), ==, SECCOMP_RET_ALLOW);
        g_assert_cmphex(ret_of(profile, "seccomp", 0, SECCOMP_SET_MODE_FILTER), ==, SECCOMP_RET_ALLOW);
        g_assert_cmphex(ret_of(profile, "seccomp", 0, SECCOMP_GET_NOTIF_SIZES), ==, SECCOMP_RET_ERRNO);
        g_assert_cmphex(ret_of(profile, "prctl", 0, PR_SET_NO_NEW_PRIVS), ==, SECCOMP_RET_ALLOW);
        g_assert_cmphex(ret_of(profile, "prctl", 0, PR_SET_DUMPABLE), ==, SECCOMP_RET_ERRNO);
}

static void test_apparmor(void)
{
        static const char *const has[] = {
                "\"/usr/sbin/nginx{,/}\" mrkix,", "owner \"/var/log/nginx/access.log{,/}\" wlk,", "capability chown net_bind_service,",
                "network inet stream,", "signal (send) set=(term),",
        };
        g_autoptr(Model) m = small_model();
        const GeneraliseOptions options = {0};
        g_autoptr(General) g = generalise(m, rules, &options);
        g_autoptr(Diag) d = diag_new();
        g_autofree char *text = model_apparmor(g, d);

        g_test_message("%s", text);
        g_assert_cmpuint(d->messages->len, ==, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(has); i++)
                g_assert_nonnull(strstr(text, has[i]));
        g_assert_null(strstr(text, "ptrace (trace)"));
        g_assert_null(strstr(text, "mount"));
        g_assert_null(strstr(text, "owner / rw,"));
}

static void test_huge_pages(void)
{
        g_autoptr(Model) m = small_model();
        const GeneraliseOptions options = {0};
        g_autoptr(General) g = NULL;
        g_autoptr(Diag) d = diag_new();
        g_autofree char *text = NULL;

        g_assert_cmpint(model_add(m, &(ModelOp){.kind = MODEL_FILE, .object = (char *)"/proc/meminfo", .perms = PERM_READ}), ==, 0);
        model_seal(m);
        g = generalise(m, rules, &options);
        text = model_apparmor(g, d);
        g_assert_nonnull(strstr(text, "  owner / rw,\n"));
}

static void test_systemd(void)
{
        g_autoptr(Model) m = small_model();
        const GeneraliseOptions options = {0};
        g_autoptr(General) g = generalise(m, rules, &options);
        g_autofree char *text = model_systemd(g);

        g_assert_cmpstr(text, ==,
                        "[Service]\nCapabilityBoundingSet=CAP_CHOWN CAP_NET_BIND_SERVICE\nRestrictAddressFamilies=AF_INET AF_INET6\n"
                        "RestrictNamespaces=~user\nProtectSystem=strict\nReadWritePaths=\"-/var/log/nginx\"\n"
                        "# IPAddressAllow: left out, it would hold for those that connect as well\nSocketBindDeny=any\n"
                        "SocketBindAllow=ipv4:443\nSocketBindAllow=ipv4:80\nSocketBindAllow=ipv4:81\n"
                        "SystemCallFilter=openat read socket\nSystemCallErrorNumber=EPERM\nSystemCallArchitectures=native\n");
}

static void test_compile(void)
{
        for (unsigned i = 0; i < 6; i++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(5000 + i);
                g_autoptr(Model) m = i > 0 ? random_model(rand, 60) : small_model();
                const GeneraliseOptions options = {.strictness = STRICTNESS_NORMAL};
                g_autoptr(General) g = generalise(m, rules, &options);
                g_autoptr(Policy) p = policy_of(g);
                g_autoptr(Profile) apparmor = NULL, bpf = NULL;
                g_autoptr(Diag) d = diag_new();
                int r = bpf_compile(p, &bpf, d);

                r = r < 0 ? r : apparmor_compile(p, &apparmor, d);
                for (guint k = 0; r < 0 && k < d->messages->len; k++) {
                        g_autofree char *line = diag_message_format(d->messages->pdata[k]);

                        g_test_message("%s", line);
                }
                g_assert_cmpint(r, ==, 0);
                g_assert_cmpuint(g_bytes_get_size(bpf->blob), >, 0);
                g_assert_cmpuint(g_bytes_get_size(apparmor->blob), >, 0);
                for (guint k = 0; k < p->rules->len; k++)
                        if (((const Rule *)p->rules->pdata[k])->only == 1U << ENFORCER_BPF)
                                g_assert_cmpstr(k < bpf->why_not->len ? bpf->why_not->pdata[k] : NULL, ==, NULL);
        }
}

/* ---- as a document ------------------------------------------------------------------------------------------------------------- */

static char *no_link(const char *path, void *userdata)
{
        return NULL;
}

/* The policy that the document is; it is good. */
static Policy *policy_of_yaml(const char *root, const char *text)
{
        LoadParams params = {.roots = {.root = root, .owner = getuid()}, .readlink = no_link};
        LoadResult *r;
        LoadedPolicy *l;
        Policy *p;

        for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                params.can[k] = (EnforcerAbility){.kinds = UINT32_MAX, .modes = UINT32_MAX};
        r = policy_load_text(&params, text, strlen(text), "model.yaml");
        g_assert_cmpuint(r->policies->len, ==, 1);
        l = r->policies->pdata[0];
        for (guint i = 0; i < l->diag->messages->len; i++) {
                g_autofree char *line = diag_message_format(l->diag->messages->pdata[i]);

                g_test_message("%s", line);
        }
        if (!l->policy)
                g_test_message("%s", text);
        p = g_steal_pointer(&l->policy);
        load_result_free(r);
        g_assert_nonnull(p);
        return p;
}

static bool has_word(const Word *words, uint64_t bit)
{
        return bit == 0 || model_word(words, bit) != NULL;
}

/* What the language can say at all. */
static Model *worded_model(const Model *m)
{
        Model *out = model_new();

        for (guint i = 0; i < m->ops->len; i++) {
                const ModelOp *o = m->ops->pdata[i];

                if (o->kind == MODEL_SOCKET && !(has_word(socket_domain_words, o->family) && has_word(socket_type_words, o->type)))
                        continue;
                if (o->kind == MODEL_BPF && !has_word(bpf_command_words, o->number))
                        continue;
                g_assert_cmpint(model_add(out, o), ==, 0);
        }
        model_seal(out);
        return out;
}

/* The document is read without the model, and admits what that has. */
static void test_yaml(void)
{
        static const char *const shipped[] = {"essential.yaml", "rules.d/base.yaml", NULL};
        char *root = tree_new();

        for (const char *const *name = shipped; *name; name++) {
                g_autofree char *from = g_test_build_filename(G_TEST_DIST, "../../conf", *name, NULL);
                g_autofree char *to = g_strconcat("usr/lib/varmor/", *name, NULL), *text = NULL;

                g_assert_true(g_file_get_contents(from, &text, NULL, NULL));
                tree_write(root, to, text);
        }
        for (unsigned i = 0; i < 60 && !g_test_failed(); i++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(9000 + i);
                g_autoptr(Model) all = random_model(rand, 60), m = worded_model(all);
                const GeneraliseOptions options = {.strictness = (Strictness)(i % _STRICTNESS_MAX)};
                g_autoptr(General) g = generalise(m, rules, &options);
                g_autoptr(ModelRules) list = NULL;
                g_autoptr(Policy) p = NULL;
                g_autoptr(Diag) d = diag_new();
                g_autofree char *text = NULL;

                g_assert_cmpint(model_rules(g, &list, d), ==, 0);
                text = model_yaml(list, i % 2 ? "system.slice/web" : "web", i % 3 ? "web@a.service" : NULL, "a comment");
                p = policy_of_yaml(root, text);
                g_assert_cmpstr(p->full_name, ==, i % 2 ? "system.slice/web" : "web");
                g_assert_cmpstr(p->target.name, ==, i % 3 ? "web@a.service" : "web.service");
                model_admits_check(m, p);
        }
        tree_free(root);
}

/* The same by the tables that the kernel gets, which also refuse what the small model has not. */
static void test_tables(void)
{
        for (unsigned i = 0; i < 40 && !g_test_failed(); i++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(300 + i);
                g_autoptr(Model) m = i > 0 ? random_model(rand, 60) : small_model();
                const GeneraliseOptions options = {.strictness = (Strictness)(i % _STRICTNESS_MAX)};
                g_autoptr(General) g = generalise(m, rules, &options);
                g_autoptr(Policy) p = policy_of(g);
                g_autoptr(Profile) profile = NULL;
                g_autoptr(Diag) d = diag_new();
                g_autofree void *table = NULL;
                gsize size;

                g_assert_cmpint(bpf_compile(p, &profile, d), ==, 0);
                g_assert_cmpuint(g_bytes_get_size(profile->blob), >, 0);
                table = g_memdup2(g_bytes_get_data(profile->blob, NULL), size = g_bytes_get_size(profile->blob));
                g_assert_cmpint(table_validate(table, size, TABLE_POLICY), ==, 0);
                model_admits_table = table;
                model_admits_check(m, p);
                if (i == 0) {
                        g_assert_true(model_admits_object(p, VA_KIND_FILE, "/etc/passwd", PERM_READ));
                        g_assert_false(model_admits_object(p, VA_KIND_FILE, "/etc/shadow", PERM_READ));
                        g_assert_false(model_admits_object(p, VA_KIND_FILE, "/etc/passwd", PERM_WRITE));
                        g_assert_false(model_admits_object(p, VA_KIND_EGRESS, "/4/0a000001/0050/-", 1));
                        g_assert_false(model_admits_object(p, VA_KIND_CAPABILITY, "/15", 1));
                }
                model_admits_table = NULL;
        }
}

/* ---- AppArmor's text ------------------------------------------------------------------------------------------------------------ */

/* The expression in quotes at @s, in the language of patterns. To be freed. */
static char *unquote(const char *s)
{
        GString *out = g_string_new(NULL);

        for (s++; *s && *s != '"'; s++) {
                char c = *s;

                if (*s == '\\' && g_ascii_isdigit(s[1])) {
                        c = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
                        s += 3;
                        if (c && strchr("*?[]{},\\^@", c))
                                g_string_append_c(out, '\\');
                } else if (*s == '\\') {
                        g_string_append_c(out, '\\');
                        c = *++s;
                }
                g_string_append_c(out, c);
        }
        return g_string_free(out, FALSE);
}

static uint32_t letters(const char *s)
{
        uint32_t perms = 0;

        for (; *s && *s != ','; s++)
                perms |= *s == 'r' ? PERM_READ : *s == 'w' ? PERM_WRITE | PERM_APPEND : *s == 'a' ? PERM_APPEND : strchr("mx", *s) ? PERM_EXEC : 0;
        return perms;
}

/* What the text grants on @path: to anybody, or with @owner to its owner. */
static uint32_t text_perms(char **lines, const char *path, bool owner)
{
        uint32_t have = 0;

        for (char **l = lines; *l; l++) {
                const char *quote = strchr(*l, '"'), *end = quote ? strstr(quote, "\" ") : NULL;
                g_autofree char *pattern = end ? unquote(quote) : NULL;

                if (!pattern || strstr(*l, "mount ") || (!owner && g_str_has_prefix(*l, "  owner ")))
                        continue;
                if (reference_match(pattern, (const uint8_t *)path, strlen(path)))
                        have |= letters(end + 2);
        }
        return have;
}

static void test_apparmor_admits(void)
{
        unsigned n = 0;

        for (unsigned i = 0; i < 40 && !g_test_failed(); i++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(700 + i);
                g_autoptr(Model) m = i > 0 ? random_model(rand, 60) : small_model();
                const GeneraliseOptions options = {.strictness = (Strictness)(i % _STRICTNESS_MAX)};
                g_autoptr(General) g = generalise(m, rules, &options);
                g_autoptr(Diag) d = diag_new();
                g_autofree char *text = model_apparmor(g, d);
                g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

                if (i == 0) {
                        g_assert_cmpuint(text_perms(lines, "/etc/passwd", true), ==, PERM_READ);
                        g_assert_cmpuint(text_perms(lines, "/etc/a,b", false), ==, PERM_READ);
                        g_assert_cmpuint(text_perms(lines, "/etc/shadow", true), ==, 0);
                        g_assert_cmpuint(text_perms(lines, "/var/log/nginx/access.log", false), ==, 0);
                }
                for (guint k = 0; k < m->ops->len; k++) {
                        const ModelOp *o = m->ops->pdata[k];
                        uint32_t want = o->kind == MODEL_EXEC ? PERM_EXEC : o->kind == MODEL_FILE ? (uint32_t)o->perms : 0;
                        uint32_t owner = o->kind == MODEL_FILE ? (uint32_t)o->owner_perms : 0;

                        if ((want & ~text_perms(lines, o->object ?: "", false)) || (owner & ~text_perms(lines, o->object ?: "", true))) {
                                g_test_message("%s %s is not admitted:\n%s", model_kind_to_string(o->kind), o->object, text);
                                g_test_fail();
                        }
                        n += want || owner;
                }
        }
        g_assert_cmpuint(n, >, 100);
}

/* Folding gives fewer, and a star takes what stands beside it. */
static void test_fold(void)
{
        GPtrArray *items = fold_new();
        g_autoptr(GPtrArray) out = NULL;

        fold_add(items, "/a/*", 3, 1, 1);
        fold_add(items, "/a/b", 1, 1, 1);
        fold_add(items, "/a/c", 4, 1, 1);
        fold_add(items, "/b/x", 1, 1, 1);
        fold_add(items, "/b/y", 1, 1, 1);
        fold_add(items, "/b/x", 1, 1, 1);
        fold_add(items, "/", 1, 1, 1);
        fold_add(items, "/z", 1, 1, 1);
        out = fold(items);
        g_assert_cmpuint(out->len, ==, 5);
        g_assert_cmpstr(((const FoldItem *)out->pdata[0])->pattern, ==, "/");
        g_assert_cmpstr(((const FoldItem *)out->pdata[1])->pattern, ==, "/z");
        g_assert_cmpstr(((const FoldItem *)out->pdata[2])->pattern, ==, "/a/*");
        g_assert_cmpuint(((const FoldItem *)out->pdata[2])->n, ==, 2);
        g_assert_cmpstr(((const FoldItem *)out->pdata[3])->pattern, ==, "/a/c");
        g_assert_cmpstr(((const FoldItem *)out->pdata[4])->pattern, ==, "/b/{x,y}");
        g_assert_cmpuint(((const FoldItem *)out->pdata[4])->n, ==, 3);
}

int main(int argc, char *argv[])
{
        int r;

        g_test_init(&argc, &argv, NULL);
        load_rules();
        g_test_add_func("/model-policy/fold", test_fold);
        g_test_add_func("/model-policy/small", test_small);
        g_test_add_func("/model-policy/no-more", test_no_more);
        g_test_add_func("/model-policy/admits", test_admits);
        g_test_add_func("/model-policy/apparmor", test_apparmor);
        g_test_add_func("/model-policy/huge-pages", test_huge_pages);
        g_test_add_func("/model-policy/apparmor-admits", test_apparmor_admits);
        g_test_add_func("/model-policy/systemd", test_systemd);
        g_test_add_func("/model-policy/compile", test_compile);
        g_test_add_func("/model-policy/tables", test_tables);
        g_test_add_func("/model-policy/yaml", test_yaml);
        r = g_test_run();
        generalise_rules_free(rules);
        return r;
}
