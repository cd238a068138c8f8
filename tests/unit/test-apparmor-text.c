/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* AppArmor's text of whole policies: what apparmor_parser makes of it and of every golden one, that its errors are told with their
 * place, and what of it other programs are told. */

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apparmor-tools.h"
#include "apparmor/blob.h"
#include "apparmor/children.h"
#include "apparmor/compile.h"
#include "apparmor/prepare.h"
#include "attachment.h"
#include "tree.h"

/* ---- the parser ---------------------------------------------------------------------------------------------------------- */

static void test_parser_bad(void)
{
        g_autofree char *dir = g_dir_make_tmp("varmor-parser-XXXXXX", NULL);
        static const struct {
                const char *name, *script;
                int wanted, status;
        } cases[] = {
                {"fails", "#!/bin/sh\necho no >&2\nexit 3\n", 0, 3},
                {"killed", "#!/bin/sh\nkill -9 $$\n", 0, 137},
                {"hangs", "#!/bin/sh\nexec sleep 1000\n", -ETIMEDOUT, 0},
                {"lingers", "#!/bin/sh\nsleep 1000 &\nexit 0\n", -ETIMEDOUT, 0},
                {"floods", "#!/bin/sh\nexec cat /dev/zero\n", -EFBIG, 0},
                {"not-executable", "garbage", -ENOEXEC, 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *path = g_build_filename(dir, cases[i].name, NULL);
                g_auto(ParserResult) result = {0};
                Parser p = {.path = path, .seconds_max = 1, .output_max = 1U << 20};

                g_assert_true(g_file_set_contents(path, cases[i].script, -1, NULL));
                g_assert_cmpint(chmod(path, 0755), ==, 0);
                g_test_message("%s", cases[i].name);
                g_assert_cmpint(parser_run(&p, "text", "features", &result), ==, cases[i].wanted);
                if (cases[i].wanted == 0)
                        g_assert_cmpint(result.status, ==, cases[i].status);
                (void)g_unlink(path);
        }
        {
                g_auto(ParserResult) result = {0};
                Parser p = {.path = "/nowhere/parser", .seconds_max = 1, .output_max = 1U << 20};

                g_assert_cmpint(parser_run(&p, "text", "features", &result), ==, -ENOENT);
        }
        g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static Policy *policy_with(const char *raw)
{
        Policy *p = policy_new();
        Rule *r = rule_new(OP_TEXT);

        p->name = g_strdup("web");
        p->full_name = g_strdup("web");
        p->mode = MODE_ENHANCE_PROTECT;
        p->privileged = true;
        p->enforcers = 1U << ENFORCER_APPARMOR;
        p->pos = (SourcePos){.file = "web.yaml", .line = 1, .column = 1};
        r->id = g_strdup("appArmorRawRules[0]");
        r->origin = RULE_CUSTOM;
        r->pos = (SourcePos){.file = "web.yaml", .line = 10, .column = 9};
        r->text.enforcer = ENFORCER_APPARMOR;
        r->text.text = g_strdup(raw);
        r->text.pos = (SourcePos){.file = "web.yaml", .line = 11, .column = 11};
        g_ptr_array_add(p->rules, r);
        policy_seal(p);
        return p;
}

static PrepareEnv env_of(const char *top)
{
        return (PrepareEnv){.features = g_intern_string(g_build_filename(top, "features", NULL)), .parser = parser()};
}

static int prepare(const PrepareEnv *env, const char *raw, Diag *d, Profile **ret)
{
        g_autoptr(Policy) policy = policy_with(raw);

        g_assert_cmpint(apparmor_compile(policy, ret, d), ==, 0);
        return prepare_with(env, policy, *ret, d);
}

/* A host that is like this one, but for its kernel. */
static char *fake_host(void)
{
        char *top = tree_new();

        tree_write(top, "features/file/mask", "create read write exec append mmap_exec link lock\n");
        tree_write(top, "features/caps/mask", "chown sys_admin\n");
        tree_write(top, "features/policy/versions/v8", "yes\n");
        return top;
}

static void test_prepare(void)
{
        char *top = fake_host();
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Profile) profile = NULL, again = NULL;
        g_autoptr(AaBlob) blob = NULL;
        PrepareEnv env = env_of(top);

        if (!has_parser()) {
                tree_free(top);
                return;
        }
        g_assert_cmpint(prepare(&env, "deny /x w,\n", d, &profile), ==, 0);
        g_assert_cmpuint(d->n_errors, ==, 0);
        g_assert_cmpint(aa_blob_from_bytes(profile->blob, &blob), ==, 0);
        g_assert_cmpuint(g_bytes_get_size(blob->binary), >, 100);
        g_assert_cmpint(prepare(&env, "deny /x w,\n", d, &again), ==, 0);
        g_assert_cmpstr(profile->digest, ==, again->digest);
        tree_free(top);
}

static void test_prepare_error(void)
{
        char *top = fake_host();
        g_autofree char *text = NULL;
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Profile) profile = NULL;
        PrepareEnv env = env_of(top);

        if (!has_parser()) {
                tree_free(top);
                return;
        }
        g_assert_cmpint(prepare(&env, "deny /x w,\n\ndeny capability nonsense,\n", d, &profile), ==, -EBADMSG);
        g_assert_cmpuint(d->n_errors, >=, 1);
        text = diag_message_format(d->messages->pdata[0]);
        g_test_message("%s", text);
        g_assert_true(g_str_has_prefix(text, "web.yaml:13"));
        g_assert_nonnull(strstr(text, "AppArmor's parser refuses this"));
        tree_free(top);
}

static void test_prepare_without(void)
{
        char *top = fake_host();
        g_autoptr(Diag) d = diag_new();
        g_autoptr(Profile) alone = NULL, beside = NULL;
        g_autoptr(Policy) policy = policy_with("deny /x w,");
        PrepareEnv env = env_of(top);

        env.parser.path = NULL;
        g_assert_cmpint(prepare(&env, "deny /x w,", d, &alone), ==, -EOPNOTSUPP);
        g_assert_cmpuint(d->n_errors, ==, 1);

        policy->enforcers |= 1U << ENFORCER_BPF;
        env.features = "/nowhere";
        g_assert_cmpint(apparmor_compile(policy, &beside, d), ==, 0);
        g_assert_cmpint(prepare_with(&env, policy, beside, d), ==, 0);
        g_assert_true(profile_is_empty(beside));
        g_assert_cmpuint(d->n_warnings, ==, 1);
        g_assert_nonnull(strstr(beside->why_not->pdata[0], "without AppArmor"));
        tree_free(top);
}

/* What the installed parser has no words for yet. */
static void comment_out(char *text)
{
        for (char *p = text; (p = strstr(p, "userns create,"));) {
                while (p > text && p[-1] != '\n')
                        p--;
                *p = '#';
                p += strcspn(p, "\n");
        }
}

static const char *const kernels[] = {"6.1", "6.12"};

static void test_golden(void)
{
        g_autofree char *cases = g_test_build_filename(G_TEST_DIST, "..", "golden", "cases", NULL);
        g_autoptr(GDir) dir = g_dir_open(cases, 0, NULL);
        const char *name;
        unsigned n = 0;

        if (!has_parser())
                return;
        while ((name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(cases, name, "apparmor", NULL), *text = NULL;
                Parser p = parser();

                if (!g_file_get_contents(path, &text, NULL, NULL) || !strstr(text, "\nprofile "))
                        continue;
                comment_out(text);
                for (size_t k = 0; k < G_N_ELEMENTS(kernels); k++) {
                        g_autofree char *features = features_of(kernels[k]);
                        g_auto(ParserResult) result = {0};

                        g_assert_cmpint(parser_run(&p, text, features, &result), ==, 0);
                        if (result.status != 0) {
                                g_test_message("%s on %s: %s", name, kernels[k], result.messages);
                                g_test_fail();
                        }
                        n++;
                }
        }
        g_assert_cmpuint(n, >, 50);
}

#define T "t04abc28a4d19ea79" /* of /bin/t */
#define U "t26bbee2de8b3adae" /* of /bin/u */

/* ---- attachments ------------------------------------------------------------------------------------------------------ */

static GBytes *loaded_from(const char *text)
{
        g_autofree char *features = features_of("6.12");
        g_auto(ParserResult) result = {0};
        Parser p = parser();

        g_assert_cmpint(parser_run(&p, text, features, &result), ==, 0);
        g_assert_cmpint(result.status, ==, 0);
        return g_bytes_ref(result.output);
}

static void test_attachment(void)
{
        static const char text[] = "/usr/bin/path { file, }\n"
                                   "profile one /srv/bin/one { file, /x cx, profile /x { file, } }\n"
                                   "profile two /{usr/,}bin/tw* { file, }\n"
                                   "profile wide /usr/** { file, }\n"
                                   "profile none { file, }\n";
        g_autoptr(GBytes) bytes = NULL;
        g_autoptr(Attachment) one = NULL, two = NULL, wide = NULL;
        g_autoptr(GRand) rand = g_rand_new_with_seed(3);
        gsize size;
        const uint8_t *data;

        if (!has_parser())
                return;
        bytes = loaded_from(text);
        data = g_bytes_get_data(bytes, &size);
        one = attachment_read(data, size, "one");
        two = attachment_read(data, size, "two");
        wide = attachment_read(data, size, "wide");
        g_assert_true(one && two && wide);
        g_assert_null(attachment_read(data, size, "none"));
        g_assert_null(attachment_read(data, size, "/usr/bin/path"));
        g_assert_null(attachment_read(data, size, "nobody"));
        g_assert_true(attachment_matches(one, "/srv/bin/one"));
        g_assert_false(attachment_matches(one, "/srv/bin/one2") || attachment_matches(one, "/srv/bin/on") || attachment_matches(one, ""));
        g_assert_true(attachment_matches(two, "/bin/twice") && attachment_matches(two, "/usr/bin/two"));
        g_assert_false(attachment_matches(two, "/usr/bin/tw/o") || attachment_matches(two, "/sbin/two"));
        g_assert_true(attachment_matches(wide, "/usr/bin/two") && !attachment_matches(wide, "/bin/two"));
        g_assert_cmpuint(attachment_weight(two), >, attachment_weight(wide));
        /* Whatever the bytes are. */
        for (unsigned i = 0; i < 2000; i++) {
                gsize n = i % 2 ? size : (gsize)g_rand_int_range(rand, 0, (gint32)size);
                g_autofree uint8_t *broken = g_memdup2(data, n);
                g_autoptr(Attachment) a = NULL;

                for (int k = 0; n > 0 && k < 20; k++)
                        broken[g_rand_int_range(rand, 0, (gint32)n)] = (uint8_t)g_rand_int(rand);
                a = attachment_read(broken, n, "two");
                if (a)
                        (void)attachment_matches(a, "/usr/bin/two");
        }
}

/* ---- targets ---------------------------------------------------------------------------------------------------------- */

static Rule *file_rule(const char *id, const char *pattern, uint32_t perms, const char *target)
{
        Rule *r = rule_new(OP_FILE);

        r->id = g_strdup(id);
        r->origin = RULE_CUSTOM;
        r->qualifiers = RULE_DENY;
        r->file.patterns = g_new0(char *, 2);
        r->file.patterns[0] = g_strdup(pattern);
        r->file.perms = perms;
        if (target) {
                r->targets = g_new0(char *, 2);
                r->targets[0] = g_strdup(target);
        }
        return r;
}

/* More of them than a profile may have transitions to names, in the parser of AppArmor 3. */
static void test_many_children(void)
{
        char *top = fake_host();
        g_autoptr(Policy) p = policy_with("deny /raw w,");
        g_autoptr(Profile) profile = NULL;
        g_autoptr(Diag) d = diag_new();
        PrepareEnv env = env_of(top);

        g_ptr_array_add(p->rules, file_rule("one", "/srv/x", PERM_READ, "/opt/bin/{0,1,2,3,4,5,6,7,8,9,10,11,12,13,14}"));
        g_assert_cmpint(apparmor_compile(p, &profile, d), ==, 0);
        if (has_parser())
                g_assert_cmpint(prepare_with(&env, p, profile, d), ==, 0);
        g_assert_cmpuint(d->n_errors, ==, 0);
        g_assert_true(profile->has_children);
        /* But what differs cannot be told apart for so many. */
        g_clear_pointer(&profile, profile_free);
        for (int i = 0; i < 13; i++) {
                g_autofree char *target = g_strdup_printf("/opt/bin/%d", i);

                g_ptr_array_add(p->rules, file_rule("two", "/srv/y", PERM_READ, target));
        }
        g_assert_cmpint(apparmor_compile(p, &profile, d), ==, -E2BIG);
        g_assert_cmpuint(d->n_errors, ==, 1);
        tree_free(top);
}

/* A quiet deny would silence the kernel about the same operation for a rule that is to be told of. */
static void test_compile_quiet(void)
{
        g_autoptr(Policy) p = policy_with("deny /raw w,");
        g_autoptr(Profile) profile = NULL;
        g_autoptr(AaBlob) blob = NULL;
        g_autoptr(Diag) d = diag_new();
        Rule *told = file_rule("told", "/srv/x", PERM_READ, NULL), *named = file_rule("named", "/opt/x", PERM_READ, NULL);
        Rule *base = file_rule("base", "/var/x", PERM_READ, NULL);

        told->qualifiers = named->qualifiers = base->qualifiers = RULE_AUDIT | RULE_DENY;
        named->origin = RULE_BUILT_IN;
        base->origin = RULE_BASE;
        g_ptr_array_add(p->rules, told);
        g_ptr_array_add(p->rules, named);
        g_ptr_array_add(p->rules, base);
        g_ptr_array_add(p->rules, file_rule("around-named", "/opt/**", PERM_READ, NULL));
        g_ptr_array_add(p->rules, file_rule("same", "/srv/x", PERM_READ | PERM_WRITE, NULL));
        g_ptr_array_add(p->rules, file_rule("around", "/srv/**", PERM_READ, NULL));
        g_ptr_array_add(p->rules, file_rule("other-perm", "/srv/*", PERM_WRITE, NULL));
        g_ptr_array_add(p->rules, file_rule("beside", "/srv/y", PERM_READ, NULL));
        g_ptr_array_add(p->rules, file_rule("elsewhere", "/var/**", PERM_READ, NULL));
        g_ptr_array_add(p->rules, file_rule("child", "/srv/*", PERM_READ, "/bin/t"));
        g_assert_cmpint(apparmor_compile(p, &profile, d), ==, 0);
        g_assert_cmpint(aa_blob_from_bytes(profile->blob, &blob), ==, 0);
        g_assert_nonnull(strstr(blob->text, "\n  # told\n  audit deny \"/srv/x{,/}\" r,\n"));
        g_assert_nonnull(strstr(blob->text, "\n  # same\n  audit deny \"/srv/x{,/}\" rwl,\n"));
        g_assert_nonnull(strstr(blob->text, "\n  # around\n  audit deny \"/srv"));
        g_assert_nonnull(strstr(blob->text, "\n  # around-named\n  audit deny \"/opt"));
        g_assert_nonnull(strstr(blob->text, "\n  # other-perm\n  deny \"/srv"));
        g_assert_nonnull(strstr(blob->text, "\n  # beside\n  deny \"/srv/y"));
        g_assert_nonnull(strstr(blob->text, "\n  # elsewhere\n  deny \"/var"));
        g_assert_nonnull(strstr(blob->text, "\n  # child\n  deny \"/srv"));
}

/* What the kernel stacks where a process under the policy executes a target, whoever starts it has to stack, too. */
static void test_compile_children(void)
{
        static const char wanted[] = CHILDREN_MAGIC "\0/bin/t\0varmor.web//" T "\0/bin/u\0varmor.web//" U "\0";
        g_autoptr(Policy) p = policy_with("deny /raw w,"), plain = policy_with("deny /raw w,");
        g_autoptr(Profile) profile = NULL, none = NULL;
        g_autoptr(AaBlob) blob = NULL, plain_blob = NULL;
        g_autoptr(Diag) d = diag_new();

        g_ptr_array_add(p->rules, file_rule("one", "/srv/x", PERM_READ, "/bin/{t,u}"));
        g_ptr_array_add(p->rules, file_rule("two", "/srv/y", PERM_READ, "/bin/t"));
        g_assert_cmpint(apparmor_compile(p, &profile, d), ==, 0);
        g_assert_cmpint(aa_blob_from_bytes(profile->blob, &blob), ==, 0);
        g_assert_true(profile->has_children);
        g_assert_cmpmem(g_bytes_get_data(blob->children, NULL), g_bytes_get_size(blob->children), wanted, sizeof(wanted));
        g_assert_nonnull(strstr(blob->text, "\"/bin/t\" cix -> \"&varmor.web//" T "\","));
        g_assert_nonnull(strstr(blob->text, "\n  profile " T " flags="));
        g_assert_cmpuint(d->n_warnings, ==, 0);

        g_assert_cmpint(apparmor_compile(plain, &none, d), ==, 0);
        g_assert_cmpint(aa_blob_from_bytes(none->blob, &plain_blob), ==, 0);
        g_assert_false(none->has_children);
        g_assert_cmpuint(g_bytes_get_size(plain_blob->children), ==, 0);

        p->target.kind = TARGET_CONTAINER;
        g_clear_pointer(&profile, profile_free);
        g_assert_cmpint(apparmor_compile(p, &profile, d), ==, 0);
        g_assert_cmpuint(d->n_warnings, ==, 2);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/apparmor-text/many-children", test_many_children);
        g_test_add_func("/apparmor-text/attachment", test_attachment);
        g_test_add_func("/apparmor-text/compile-quiet", test_compile_quiet);
        g_test_add_func("/apparmor-text/compile-children", test_compile_children);
        g_test_add_func("/apparmor-text/parser/bad", test_parser_bad);
        g_test_add_func("/apparmor-text/prepare/good", test_prepare);
        g_test_add_func("/apparmor-text/prepare/error", test_prepare_error);
        g_test_add_func("/apparmor-text/prepare/without", test_prepare_without);
        g_test_add_func("/apparmor-text/golden", test_golden);
        return g_test_run();
}
