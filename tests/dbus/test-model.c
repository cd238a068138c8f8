/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* varmorctl model: its verbs on a root of their own, and that what it prints is taken by those that it is for. */

#include <errno.h>
#include <glib/gstdio.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "model-store.h"
#include "policy-load.h"
#include "tree.h"

#define KINDS                                                                                                                       \
        "\"kinds\": [\"exec\", \"file\", \"capability\", \"socket\", \"egress\", \"ingress\", \"egress-unix\", \"ingress-unix\", "  \
        "\"ptrace\", \"signal\", \"mount\", \"bpf\", \"userns\", \"named\", \"syscall\"]"
#define STORE "var/lib/varmor/models/"

typedef struct Fixture {
        char *root;
} Fixture;

/* "$M" in @line is the verb with its root, "$R" the root. */
static Run run(const Fixture *f, const char *line)
{
        g_autofree char *set = g_strdup_printf("R=%s; m() { verb=$1; shift; \"$VARMORCTL\" model $verb --root=$R \"$@\"; }; cd $R; %s", f->root, line);
        char *argv[] = {(char *)"/bin/bash", (char *)"-c", set, NULL};

        return command_run(argv, NULL, line);
}

/* @text: in what it prints; or, where it fails, complains of. */
static void expect(const Fixture *f, const char *line, int code, const char *text)
{
        g_auto(Run) r = run(f, line);

        g_assert_cmpint(r.code, ==, code);
        g_assert_nonnull(strstr(code == 0 || (code == 3 && *r.out) ? r.out : r.err, text));
}

/* @more: the last file, and that alone differs. */
static void write_model(const Fixture *f, const char *path, const char *host, const char *more, const char *lost)
{
        g_autofree char *text = g_strdup_printf(
                "{\"format\": \"varmor-model\", \"version\": 1, \"sources\": [{\"host\": \"%s\", \"unit\": \"web.service\", \"policy\": \"web\", "
                "\"started\": 1700000000000000, \"ended\": 1700001800000000, " KINDS ", \"lost\": {%s}}], \"ops\": {\n"
                "\"exec\": [{\"path\": \"/usr/sbin/web\", \"count\": 2}],\n"
                "\"file\": [{\"path\": \"/etc/web.conf\", \"access\": [\"read\"], \"count\": 3},\n"
                " {\"path\": \"/srv/caf\\\\xe9\", \"owner-access\": [\"write\"]},\n"
                " {\"path\": \"/var/lib/web/6f0c1a52-0d3e-4c8a-9a57-0123456789ab/data\", \"access\": [\"write\"]}, %s],\n"
                "\"capability\": [{\"name\": \"setuid\"}],\n"
                "\"socket\": [{\"family\": \"inet\", \"type\": \"stream\", \"protocol\": \"tcp\"}, {\"family\": \"unix\", \"type\": \"dgram\"}],\n"
                "\"egress\": [{\"family\": \"inet6\", \"address\": \"2001:db8::1\", \"port\": 443}],\n"
                "\"ingress\": [{\"family\": \"inet\", \"address\": \"0.0.0.0\"}, {\"family\": \"inet\", \"address\": \"0.0.0.0\", \"port\": 80}],\n"
                "\"egress-unix\": [{\"path\": \"@bus\"}], \"ptrace\": [{\"peer\": \"sh\", \"outside\": true, \"access\": [\"read\"]}],\n"
                "\"signal\": [{\"peer\": \"sh\", \"outside\": true, \"signal\": 15}], \"bpf\": [{\"command\": \"map-create\"}], \"userns\": [{}],\n"
                "\"mount\": [{\"source\": \"none\", \"type\": \"tmpfs\", \"flags\": [\"nosuid\"]}],\n"
                "\"syscall\": [{\"name\": \"read\"}, {\"name\": \"socket\", \"arg\": 0, \"mask\": 4294967295, \"value\": 2}]}}\n",
                host, lost, more);

        tree_write(f->root, path, text);
}

#define SAME "{\"path\": \"/etc/same\", \"access\": [\"read\"]}"
#define OTHER "{\"path\": \"/etc/other\", \"access\": [\"read\"]}"

static void setup(Fixture *f, gconstpointer data)
{
        g_autofree char *conf = g_test_build_filename(G_TEST_DIST, "../../conf", NULL), *line = NULL;

        f->root = tree_new();
        line = g_strdup_printf("mkdir -p usr/lib/varmor && cp -r '%s'/{rules.d,essential.yaml,generalise.yaml} usr/lib/varmor/ && chown -R 0:0 . && "
                               "chmod -R go-w .",
                               conf);
        g_auto(Run) r = run(f, line);
        g_assert_cmpint(r.code, ==, 0);
        write_model(f, "web.json", "one", SAME, "");
        write_model(f, "two.json", "two", OTHER, "\"file\": 4");
}

static void teardown(Fixture *f, gconstpointer data)
{
        tree_free(f->root);
}

static void assert_mode(const Fixture *f, const char *name)
{
        g_autofree char *path = g_build_filename(f->root, name, NULL);
        struct stat st;

        g_assert_cmpint(g_stat(path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0600);
        g_assert_cmpint(st.st_uid, ==, 0);
}

/* ---- keeping them ------------------------------------------------------------------------------------------------------------------ */

static void test_import(Fixture *f, gconstpointer data)
{
        expect(f, "m list", 0, "No models.");
        expect(f, "m import web.json", 0, "web.json: 19 operations of 1 recording, complete");
        assert_mode(f, STORE "web.json");
        expect(f, "m import web.json", 0, "19 operations");
        expect(f, "m import two.json", 1, "--force");
        expect(f, "m show web", 0, "/etc/same");
        expect(f, "m import two.json --force --quiet", 0, "");
        expect(f, "m show web", 0, "/etc/other");
        expect(f, "m diff ./var/lib/varmor/models/web.json.old ./web.json && echo same", 0, "same");
        expect(f, "m import - --name=system.slice/web <web.json", 0, "system.slice+web.json");
        expect(f, "m list", 0, "system.slice/web");
        expect(f, "m list", 0, "4 lost");

        expect(f, "m import web.json --name=../x", 2, "name of a policy");
        expect(f, "m import web.json --name=Web", 2, "name of a policy");
        expect(f, "m import absent.json", 1, "absent.json");
        expect(f, "sed 's/\"ops\"/\"opps\"/' web.json >bad.json; m import bad.json --name=bad", 3, "opps");
        expect(f, "sed 's/\"inet6\"/\"inet7\"/' web.json >bad.json; m import bad.json --name=bad", 3, "ops.egress[0].family");
        expect(f, "echo '{\"format\": ' >bad.json; m import bad.json --name=bad", 3, "bad.json:");
        expect(f, "m export web | sed 's/other/othre/' >bad.json; m import bad.json --name=bad", 3, "digest");
        expect(f, "ls $R/" STORE, 0, "web.json");
        expect(f, "ls $R/" STORE " | grep -c bad; true", 0, "0");
}

static void test_list(Fixture *f, gconstpointer data)
{
        g_auto(Run) list = {0};
        json_object *l, *m;

        expect(f, "m import web.json && m import two.json --name=two", 0, "two.json: 19 operations");
        list = run(f, "m list --json");
        g_assert_cmpint(list.code, ==, 0);
        l = parse(list.out);
        g_assert_cmpuint(json_object_array_length(l), ==, 2);
        m = json_object_array_get_idx(l, 0);
        g_assert_cmpstr(json_object_get_string(member(m, "name")), ==, "two");
        g_assert_cmpint(json_object_get_int64(member(m, "lost")), ==, 4);
        g_assert_false(json_object_get_boolean(member(m, "complete")));
        m = json_object_array_get_idx(l, 1);
        g_assert_cmpstr(json_object_get_string(member(m, "name")), ==, "web");
        g_assert_cmpstr(json_object_get_string(member(m, "unit")), ==, "web.service");
        g_assert_cmpint(json_object_get_int(member(m, "operations")), ==, 19);
        g_assert_true(json_object_get_boolean(member(m, "complete")));
        g_assert_cmpint(json_object_get_int64(member(m, "ended")), ==, 1700001800000000);
        json_object_put(l);

        expect(f, "echo x >$R/" STORE "two.json; m list", 3, "damaged");
        expect(f, "m show two", 3, "two.json:");
        expect(f, "m show three", 1, "no model of a policy called \"three\"");
        expect(f, "chmod 755 .; setpriv --reuid=65534 --regid=65534 --clear-groups bash -c '$VARMORCTL model list --root=$0' $R", 5, "models");
        expect(f, "setpriv --reuid=65534 --regid=65534 --clear-groups bash -c '$VARMORCTL model show web --root=$0' $R", 5, "cannot read");
        expect(f, "m list x", 2, "fewer arguments");
        expect(f, "m list --force", 2, "model list takes no --force");
        expect(f, "m lits", 2, "no verb \"model lits\"");
}

/* ---- reading them ------------------------------------------------------------------------------------------------------------------ */

static void test_show(Fixture *f, gconstpointer data)
{
        static const char *const has[] = {
                "web  complete", "recording  web.service on one,", "exec, 1", "       2  /usr/sbin/web", "file, 4",
                "       3  /etc/web.conf  access=read", "/srv/caf\\xe9  owner-access=write", "inet6  address=2001:db8::1  port=443", "userns, 1",
        };
        g_auto(Run) shown = run(f, "m show ./web.json"), json = run(f, "m show ./web.json --json"), general = {0};
        json_object *o;

        for (size_t i = 0; i < G_N_ELEMENTS(has); i++)
                g_assert_nonnull(strstr(shown.out, has[i]));
        o = parse(json.out);
        g_assert_cmpstr(json_object_get_string(member(o, "name")), ==, "web");
        g_assert_cmpuint(json_object_array_length(member(member(o, "ops"), "file")), ==, 4);
        json_object_put(o);

        expect(f, "m show ./web.json --generalised", 0, "?/data  # 1 operation");
        expect(f, "m show ./web.json --generalised", 0, "by uuid (a UUID): /var/lib/web/6f0c1a52-");
        expect(f, "m show ./two.json", 0, "lost: 4 of file");
        /* What a model from elsewhere says is no order for a terminal. */
        expect(f, "sed $'s/\"host\": \"[^\"]*/\"host\": \"\\u009b2J/' web.json >c.json; m show ./c.json", 0, "on \\xc2\\x9b2J,");
        expect(f, "m show ./web.json --generalised --strictness=lose", 2, "strict, normal or loose");
        general = run(f, "m show ./web.json --generalised --strictness=loose --json");
        o = parse(general.out);
        g_assert_cmpstr(json_object_get_string(member(o, "strictness")), ==, "loose");
        g_assert_cmpuint(json_object_array_length(member(o, "widened")), >=, 1);
        g_assert_cmpuint(json_object_array_length(member(o, "rules")), >, 10);
        json_object_put(o);
}

static void test_diff(Fixture *f, gconstpointer data)
{
        g_auto(Run) same = run(f, "m diff ./web.json ./web.json"), json = run(f, "m diff ./web.json ./two.json --json");
        json_object *l = parse(json.out);

        g_assert_cmpint(same.code, ==, 0);
        g_assert_cmpstr(same.out, ==, "");
        g_assert_cmpint(json.code, ==, 3);
        g_assert_cmpuint(json_object_array_length(l), ==, 2);
        g_assert_cmpstr(json_object_get_string(member(json_object_array_get_idx(l, 0), "change")), ==, "added");
        json_object_put(l);
        expect(f, "m diff ./web.json ./two.json", 3, "- file /etc/same  access=read\n");
        expect(f, "m diff ./web.json ./two.json", 3, "+ file /etc/other  access=read\n");
        expect(f, "sed 's/\\(same.*\\)read/\\1write/' web.json >w.json; m diff ./web.json ./w.json", 3,
               "- file /etc/same  access=read\n+ file /etc/same  access=write\n");
}

static void test_merge(Fixture *f, gconstpointer data)
{
        g_auto(Run) same = {0};

        expect(f, "m merge both ./web.json ./two.json", 0, "20 operations of 2 recordings, not complete");
        assert_mode(f, STORE "both.json");
        expect(f, "m merge ./again.json ./two.json both ./web.json", 0, "20 operations of 2 recordings");
        same = run(f, "cmp again.json " STORE "both.json");
        g_assert_cmpint(same.code, ==, 0);
        expect(f, "m merge both ./web.json", 1, "--force");
        expect(f, "m merge both ./web.json --force", 0, "19 operations");
        expect(f, "m merge Both ./web.json", 2, "policy's model or to a file");
        expect(f, "m merge both", 2, "more arguments");
}

static void test_export(Fixture *f, gconstpointer data)
{
        g_auto(Run) round = run(f, "m import -q web.json; m export web >e.json && cmp e.json " STORE "web.json && m diff ./e.json ./web.json");
        g_auto(Run) varmor = run(f, "m export web --format=varmor");
        json_object *o = parse(varmor.out), *content;

        g_assert_cmpint(round.code, ==, 0);
        g_assert_cmpint(varmor.code, ==, 0);
        content = member(member(member(o, "data"), "profile"), "content");
        g_assert_nonnull(strstr(json_object_get_string(content), "capability setuid"));
        json_object_put(o);
        expect(f, "m export web --format=varmor >v.json; m import v.json", 1, "--force");
        expect(f, "m import v.json --name=va", 0, "not complete");
        expect(f, "m show va", 0, "/etc/web.conf");
        expect(f, "m export web --format=yaml", 2, "--format=json or --format=varmor");
}

/* ---- profiles ---------------------------------------------------------------------------------------------------------------------- */

/* @text as a file of policies: each of them is good. */
static void load_policy(const Fixture *f, const char *text)
{
        LoadParams params = {.roots = {.root = f->root}};
        LoadResult *r;

        for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                params.can[k] = (EnforcerAbility){.kinds = UINT32_MAX, .modes = UINT32_MAX};
        r = policy_load_text(&params, text, strlen(text), "test.yaml");
        g_assert_cmpuint(r->policies->len, ==, 1);
        for (guint i = 0; i < r->policies->len; i++) {
                const LoadedPolicy *l = r->policies->pdata[i];

                for (guint k = 0; k < l->diag->messages->len; k++) {
                        g_autofree char *line = diag_message_format(l->diag->messages->pdata[k]);

                        g_test_message("%s", line);
                }
                g_assert_nonnull(l->policy);
                g_assert_cmpstr(l->full_name, ==, "web");
                g_assert_cmpstr(l->policy->target.name, ==, "web.service");
        }
        load_result_free(r);
}

static void test_profile_bpf(Fixture *f, gconstpointer data)
{
        static const char *const has[] = {
                "# From the model of web: 19 operations of 1 recording, complete; normal.", "{pattern: \"/srv/caf?\", permissions: [write]}",
                "{cidr: \"2001:db8::1/128\", ports: [{port: 443}]} # 1 operation, seen 0 times", "- {cidr: \"0.0.0.0/32\"}", "{unix: [\"/@bus\"]}",
                "protocols: [tcp]", "types: [dgram]", "ptrace: {strictMode: false, permissions: [read]}", "signal: {strictMode: false}",
                "userNamespaces: true", "bpf: [map-create]", "fstype: \"tmpfs\", flags: [nosuid]",
        };
        g_auto(Run) r = run(f, "m profile ./web.json --format=bpf");

        g_assert_cmpint(r.code, ==, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(has); i++)
                g_assert_nonnull(strstr(r.out, has[i]));
        load_policy(f, r.out);
}

static void test_profile_seccomp(Fixture *f, gconstpointer data)
{
        g_auto(Run) r = run(f, "m profile ./web.json --format=oci-seccomp");
        g_autofree char *text = NULL;
        json_object *o = parse(r.out);

        g_assert_cmpint(r.code, ==, 0);
        g_assert_cmpstr(json_object_get_string(member(o, "defaultAction")), ==, "SCMP_ACT_ERRNO");
        text = g_strdup_printf("apiVersion: crd.varmor.org/v1beta1\nkind: VarmorClusterPolicy\nmetadata: {name: web}\nspec:\n"
                               "  target: {kind: Service, name: web.service}\n  policy:\n    enforcer: Seccomp\n    mode: DefenseInDepth\n"
                               "    defenseInDepth: {seccomp: {profileType: Custom, customProfile: %s}}\n",
                               json_object_to_json_string(o));
        load_policy(f, text);
        json_object_put(o);
}

static void test_profile_apparmor(Fixture *f, gconstpointer data)
{
        g_autofree char *features = g_test_build_filename(G_TEST_DIST, "../unit/apparmor-features/6.12", NULL), *line = NULL;
        g_auto(Run) r = run(f, "m profile ./web.json --format=apparmor >aa; cat aa; test -s aa"), parsed = {0};

        g_assert_cmpint(r.code, ==, 0);
        g_assert_nonnull(strstr(r.out, "profile \"varmor.web\""));
        g_assert_nonnull(strstr(r.out, "\"/etc/web.conf{,/}\" rk,"));
        g_assert_nonnull(strstr(r.out, "# allow-list-base"));
        line = g_strdup_printf("PATH=$PATH:/usr/sbin:/sbin; type apparmor_parser >/dev/null || exit 77; apparmor_parser -Q -K -M '%s' aa", features);
        parsed = run(f, line);
        if (parsed.code == 77)
                g_test_skip("apparmor_parser is not installed");
        else
                g_assert_cmpint(parsed.code, ==, 0);
}

/* systemd-analyze(1) complains of what it does not understand, and is content all the same. */
static void test_profile_systemd(Fixture *f, gconstpointer data)
{
        g_auto(Run) r = run(f, "mkdir -p u/web.service.d; printf '[Service]\\nExecStart=/bin/true\\n' >u/web.service; "
                               "m profile ./web.json --format=systemd >u/web.service.d/model.conf; cat u/web.service.d/model.conf"), verified = {0};

        g_assert_cmpint(r.code, ==, 0);
        g_assert_nonnull(strstr(r.out, "CapabilityBoundingSet=CAP_SETUID\n"));
        g_assert_nonnull(strstr(r.out, "RestrictAddressFamilies=AF_INET AF_UNIX\n"));
        g_assert_nonnull(strstr(r.out, "ReadWritePaths="));
        verified = run(f, "type systemd-analyze >/dev/null || exit 77; SYSTEMD_UNIT_PATH=$R/u: systemd-analyze verify --man=no web.service 2>&1 | "
                          "grep model.conf; true");
        if (verified.code == 77)
                g_test_skip("systemd-analyze is not installed");
        else
                g_assert_cmpstr(verified.out, ==, "");
}

static void test_profile_usage(Fixture *f, gconstpointer data)
{
        expect(f, "m profile ./web.json", 2, "--format=apparmor");
        expect(f, "m profile ./web.json --format=json", 2, "--format=apparmor");
        expect(f, "m profile web --format=bpf", 1, "no model of a policy called \"web\"");
        expect(f, "sed 's/\"syscall\": .*/\"named\": []}}/' web.json >n.json; m profile ./n.json --format=oci-seccomp", 3, "no system calls");
        expect(f, "m profile ./two.json --format=apparmor 2>&1", 0, "lost: 4 file");
        expect(f, "m profile ./web.json --format=bpf --strictness=strict", 0, "complete; strict.");
        expect(f, "rm usr/lib/varmor/generalise.yaml; m profile ./web.json --format=bpf", 1, "generalise.yaml is missing");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        if (geteuid() != 0) {
                g_print("1..0 # SKIP models are root's\n");
                return 77;
        }
#define ADD(name, function) g_test_add("/model/" name, Fixture, NULL, setup, function, teardown)
        ADD("import", test_import);
        ADD("list", test_list);
        ADD("show", test_show);
        ADD("diff", test_diff);
        ADD("merge", test_merge);
        ADD("export", test_export);
        ADD("profile-bpf", test_profile_bpf);
        ADD("profile-seccomp", test_profile_seccomp);
        ADD("profile-apparmor", test_profile_apparmor);
        ADD("profile-systemd", test_profile_systemd);
        ADD("profile-usage", test_profile_usage);
        return g_test_run();
}
