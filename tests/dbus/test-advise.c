/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* varmorctl advise and refine: over files in a directory, and a systemd that knows three units. */

#include <json-c/json.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "harness.h"

#define ALL_KINDS                                                                                                        \
        "\"exec\",\"file\",\"capability\",\"socket\",\"egress\",\"ingress\",\"egress-unix\",\"ingress-unix\",\"ptrace\"," \
        "\"signal\",\"mount\",\"bpf\",\"userns\",\"named\",\"syscall\""

static char *root;

static Run run(const char *line)
{
        g_autofree char *command = g_strdup_printf("%s --root '%s' %s", g_getenv("VARMORCTL"), root, line);
        g_auto(GStrv) argv = NULL;

        g_assert_true(g_shell_parse_argv(command, NULL, &argv, NULL));
        return command_run(argv, NULL, line);
}

static void expect(const char *line, int code, const char *text)
{
        g_auto(Run) r = run(line);

        g_assert_cmpint(r.code, ==, code);
        g_assert_nonnull(strstr(code == 0 || code == 3 ? r.out : r.err, text));
        g_assert_null(strchr(r.out, '\033'));
        g_assert_null(strchr(r.err, '\033'));
}

static void write_file(const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(root, name, NULL), *directory = g_path_get_dirname(path);

        g_assert_cmpint(g_mkdir_with_parents(directory, 0755), ==, 0);
        g_assert_true(g_file_set_contents_full(path, text, -1, 0, 0644, NULL));
}

/* The rules that are shipped, in a root of the test's own. */
static void make_root(void)
{
        g_autofree char *to = NULL, *rules = g_build_filename(g_getenv("VARMOR_CONF_DIR"), "rules.d", NULL), *command = NULL;

        root = g_dir_make_tmp("varmor-advise-XXXXXX", NULL);
        to = g_build_filename(root, "usr/lib/varmor", NULL);
        g_assert_cmpint(g_mkdir_with_parents(to, 0755), ==, 0);
        command = g_strdup_printf("cp -r '%s' '%s/generalise.yaml' '%s' && chown -R root:root '%s' && chmod -R go-w '%s'", rules, g_getenv("VARMOR_CONF_DIR"), to, root, root);
        g_assert_cmpint(system(command), ==, 0);
        write_file("usr/lib/varmor/essential.yaml", "essential: [vital.service]\n");
}

static void remove_root(void)
{
        g_autofree char *command = g_strdup_printf("rm -rf '%s'", root);

        g_assert_cmpint(system(command), ==, 0);
        g_clear_pointer(&root, g_free);
}

static void write_model(const char *name, const char *unit, unsigned ended, const char *kinds, const char *ops)
{
        g_autofree char *file = g_strconcat("var/lib/varmor/models/", name, ".json", NULL), *text = NULL;

        text = g_strdup_printf("{\"format\": \"varmor-model\", \"version\": 1, \"sources\": [{\"unit\": \"%s\", \"started\": 1, \"ended\": %u, "
                               "\"kinds\": [%s], \"lost\": {}}], \"ops\": {%s}}",
                               unit, ended, kinds, ops);
        write_file(file, text);
}

/* ---- systemd ------------------------------------------------------------------------------------------------------------------ */

static int method_load(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *name;

        g_assert_cmpint(sd_bus_message_read(m, "s", &name), >, 0);
        return sd_bus_reply_method_return(m, "o", g_str_has_prefix(name, "absent.") ? "/unit/absent"
                                                  : g_str_has_prefix(name, "plus.") ? "/unit/plus"
                                                                                    : "/unit/web");
}

static int get_state(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *m, void *userdata,
                     sd_bus_error *error)
{
        return sd_bus_message_append(m, "s", strcmp(path, "/unit/absent") == 0 ? "not-found" : "loaded");
}

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *m, void *userdata,
                    sd_bus_error *error)
{
        return sd_bus_message_append(m, "s", strcmp(property, "User") == 0 ? "www-data" : "simple");
}

static int get_number(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *m, void *userdata,
                      sd_bus_error *error)
{
        bool namespaces = strcmp(property, "RestrictNamespaces") == 0;

        return sd_bus_message_append(m, "t", namespaces ? (uint64_t)CLONE_NEWNET : UINT64_C(1) << 10);
}

static int get_families(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *m, void *userdata,
                        sd_bus_error *error)
{
        return sd_bus_message_append(m, "(bas)", 1, 2, "AF_UNIX", "AF_INET");
}

static int get_lines(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *m, void *userdata,
                     sd_bus_error *error)
{
        bool plus = strcmp(path, "/unit/plus") == 0;

        if (strcmp(property, "ExecReloadEx") == 0)
                return sd_bus_message_append(m, "a(sasasttttuii)", 1, "/usr/local/bin/curl", 1, "curl", 0, UINT64_C(0), UINT64_C(0), UINT64_C(0),
                                             UINT64_C(0), 0U, 0, 0);
        return sd_bus_message_append(m, "a(sasasttttuii)", 1, "/usr/sbin/web", 1, "web", plus ? 1 : 0, "privileged", UINT64_C(0), UINT64_C(0),
                                     UINT64_C(0), UINT64_C(0), 0U, 0, 0);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("LoadUnit", "s", "o", method_load, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};
static const sd_bus_vtable unit_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("LoadState", "s", get_state, 0, 0),
        SD_BUS_VTABLE_END,
};
static const sd_bus_vtable service_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Type", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("User", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("CapabilityBoundingSet", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("RestrictNamespaces", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("RestrictAddressFamilies", "(bas)", get_families, 0, 0),
        SD_BUS_PROPERTY("ExecStartEx", "a(sasasttttuii)", get_lines, 0, 0),
        SD_BUS_PROPERTY("ExecReloadEx", "a(sasasttttuii)", get_lines, 0, 0),
        SD_BUS_VTABLE_END,
};

static pid_t start_systemd(Harness *h)
{
        static const char *const paths[] = {"/unit/absent", "/unit/plus", "/unit/web"};
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                g_autoptr(sd_bus) bus = harness_connect(h);

                g_assert_cmpint(sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                                                         manager_vtable, NULL), >=, 0);
                for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
                        g_assert_cmpint(sd_bus_add_object_vtable(bus, NULL, paths[i], "org.freedesktop.systemd1.Unit", unit_vtable, NULL), >=, 0);
                        g_assert_cmpint(sd_bus_add_object_vtable(bus, NULL, paths[i], "org.freedesktop.systemd1.Service", service_vtable, NULL), >=, 0);
                }
                g_assert_cmpint(sd_bus_request_name(bus, "org.freedesktop.systemd1", 0), >=, 0);
                while (sd_bus_process(bus, NULL) >= 0)
                        (void)sd_bus_wait(bus, UINT64_MAX);
                _exit(0);
        }
        harness_wait_name(h, "org.freedesktop.systemd1");
        return pid;
}

static void stop_systemd(pid_t pid)
{
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
}

/* ---- advise ------------------------------------------------------------------------------------------------------------------- */

#define WEB_OPS                                                                                                          \
        "\"exec\": [{\"path\": \"/usr/sbin/web\"}], \"capability\": [{\"name\": \"setuid\"}], "                            \
        "\"file\": [{\"path\": \"/etc/a\\\\x1b[2J\\\\x0ab\", \"access\": [\"write\"]}, {\"path\": \"/etc/b\", \"access\": [\"write\"]}, "   \
        "{\"path\": \"/etc/c\", \"access\": [\"write\"]}, {\"path\": \"/etc/d\", \"access\": [\"write\"]}, "                \
        "{\"path\": \"/etc/e\", \"access\": [\"write\"]}]"

/* A bus without varmord or systemd. */
static void test_advise_alone(void)
{
        g_autoptr(Harness) h G_GNUC_UNUSED = harness_new();
        g_auto(Run) broken = {};

        make_root();
        write_model("web", "web.service", 5, ALL_KINDS, WEB_OPS);
        write_model("old", "web.service", 4, ALL_KINDS, "\"exec\": [{\"path\": \"/bin/sh\"}]");
        write_model("part", "part.service", 4, "\"exec\"", "\"exec\": [{\"path\": \"/usr/bin/part\"}]");
        write_file("var/lib/varmor/models/broken.json", "{");
        expect("advise web", 0, "        - disable-cap-privileged # ");
        expect("advise web.service", 0, "            - disable-shell # Deny executing shells.\n");
        expect("advise web", 0, "#   disable-write-etc\n#     file /etc/a\\x1b[2J\\x0ab write\n#     file /etc/b write\n"
                                "#     file /etc/c write\n#     and 2 more\n");
        expect("advise web", 0, "all are taken to be there");
        expect("advise web --model old", 0, "#   disable-shell\n#     exec /bin/sh\n");
        expect("advise part", 3, "It is not complete");
        expect("advise part", 3, "#   disallow-mount: operations of the kind mount were not recorded\n");
        expect("advise other", 3, "There is nothing to propose.");
        expect("advise vital --model web", 0, "# The host needs this unit to live");
        expect("advise other --model absent", 1, "no model of a policy called");
        broken = run("advise other --model broken");
        g_assert_cmpint(broken.code, ==, 3);
        g_assert_nonnull(strstr(broken.err, "broken.json:1:2"));
        expect("advise 'a b'", 2, "no name of a unit");
        expect("advise", 2, "more arguments");
        expect("advise web --quiet", 2, "takes no --quiet");
        remove_root();
}

static void test_advise_properties(void)
{
        g_autoptr(Harness) h = harness_new();
        g_auto(Run) json = {};
        json_object *o, *rules;
        bool seen = false;
        pid_t pid;

        make_root();
        harness_start_bus(h);
        pid = start_systemd(h);
        harness_start_daemon(h);
        harness_wait_name(h, VARMOR_BUS_NAME);
        expect("advise absent", 1, "there is no unit absent.service");
        expect("advise web", 3, "- disable-inet6 # Deny IPv6 sockets. (A guess, from the unit's RestrictAddressFamilies=)\n");
        expect("advise web", 3, "# There is no model of it");
        expect("advise plus", 3, "There is nothing to propose.");
        write_model("web", "web.service", 5, ALL_KINDS, WEB_OPS);
        /* It reloads by curl, though that was not recorded. */
        expect("advise web", 0, "#   disable-curl\n#     exec /usr/local/bin/curl\n");

        json = run("advise web --json");
        o = json_tokener_parse(json.out);
        g_assert_nonnull(o);
        g_assert_cmpint(json.code, ==, 0);
        g_assert_cmpstr(json_object_get_string(member(o, "unit")), ==, "web.service");
        g_assert_cmpstr(json_object_get_string(member(member(o, "properties"), "User")), ==, "www-data");
        g_assert_true(json_object_get_boolean(member(member(o, "model"), "complete")));
        rules = member(o, "rules");
        for (size_t i = 0; i < json_object_array_length(rules); i++) {
                json_object *r = json_object_array_get_idx(rules, i);

                if (strcmp(json_object_get_string(member(r, "id")), "disable-write-etc") != 0)
                        continue;
                seen = true;
                g_assert_cmpstr(json_object_get_string(member(r, "verdict")), ==, "against");
                g_assert_cmpuint(json_object_array_length(member(r, "against")), ==, 5);
        }
        g_assert_true(seen);
        g_assert_true(g_str_has_prefix(json_object_get_string(member(o, "policy")), "# Proposed by"));
        json_object_put(o);
        stop_systemd(pid);
        remove_root();
}

/* ---- refine ------------------------------------------------------------------------------------------------------------------- */

/* Without alarms; what becomes of them is shown where there is a journal. */
static void test_refine(void)
{
        g_autoptr(Harness) h = harness_new();
        g_autofree char *journal = NULL, *line = NULL, *json_line = NULL;
        g_auto(Run) json = {};
        json_object *o;

        make_root();
        journal = g_build_filename(root, "journal", NULL);
        g_assert_cmpint(g_mkdir_with_parents(journal, 0755), ==, 0);
        line = g_strdup_printf("refine web --directory '%s' --yes", journal);
        expect(line, 4, "bus");
        harness_start_bus(h);
        harness_start_daemon(h);
        harness_wait_name(h, VARMOR_BUS_NAME);
        expect(line, 0, "Of 0 alarms nothing is added.\n");
        expect("refine absent", 1, "absent");
        expect("refine", 2, "more arguments");
        expect("refine web --since yesteryear", 2, "no time");
        expect("refine web --persist", 2, "takes no --persist");
        json_line = g_strconcat(line, " --json", NULL);
        json = run(json_line);
        o = json_tokener_parse(json.out);
        g_assert_nonnull(o);
        g_assert_cmpint(json.code, ==, 0);
        g_assert_cmpstr(json_object_get_string(member(o, "policy")), ==, "web");
        g_assert_false(json_object_get_boolean(member(o, "written")));
        g_assert_true(g_str_has_suffix(json_object_get_string(member(o, "file")), ".yaml.d/50-refine.yaml") ||
                      g_str_has_suffix(json_object_get_string(member(o, "file")), ".yaml.d/50-refine-web.yaml"));
        /* What somebody else wrote there stays. */
        write_file(json_object_get_string(member(o, "file")) + strlen(root), "spec: {policy: {mode: AlwaysAllow}}\n");
        expect(line, 1, "give it another name");
        json_object_put(o);
        remove_root();
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (harness_skip())
                return 77;
        g_test_add_func("/varmorctl/advise/alone", test_advise_alone);
        g_test_add_func("/varmorctl/advise/properties", test_advise_properties);
        g_test_add_func("/varmorctl/refine", test_refine);
        return g_test_run();
}
