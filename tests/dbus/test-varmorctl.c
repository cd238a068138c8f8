/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* varmorctl against varmord's bus interface: what it prints, its JSON, its exit codes, for root and for others. */

#include <errno.h>
#include <grp.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "harness.h"
#include "timestamp.h"

static void become_nobody(gpointer unused)
{
        if (setgroups(0, NULL) < 0 || setresgid(UID_NOBODY, UID_NOBODY, UID_NOBODY) < 0 ||
            setresuid(UID_NOBODY, UID_NOBODY, UID_NOBODY) < 0)
                _exit(111);
}

static Run run_as(bool nobody, const char *line)
{
        g_autofree char *command = g_strconcat(g_getenv("VARMORCTL"), " ", line, NULL);
        g_auto(GStrv) argv = NULL;

        g_assert_true(g_shell_parse_argv(command, NULL, &argv, NULL));
        return command_run(argv, nobody ? become_nobody : NULL, line);
}

static void expect(const char *line, int code, const char *text)
{
        g_auto(Run) r = run_as(false, line);

        g_assert_cmpint(r.code, ==, code);
        g_assert_nonnull(strstr(code == 0 || code == 3 ? r.out : r.err, text));
        g_assert_null(strchr(r.out, '\033'));
}

static Harness *start(void)
{
        Harness *h = harness_new();

        harness_start_bus(h);
        harness_start_daemon(h);
        harness_wait_name(h, VARMOR_BUS_NAME);
        return h;
}

static void test_look(void)
{
        g_autoptr(Harness) h G_GNUC_UNUSED = start();

        expect("status", 3, "degraded");
        expect("", 3, "system.slice/db is degraded: An older version is in force.");
        expect("show system.slice/db", 3, "  error: Something is missing [too-short]");
        expect("policies", 0, "seccomp-only");
        expect("targets", 0, "/system.slice/nginx.service");
        expect("targets", 0, "\\xff\\x1b[2J");
        expect("show web", 0, "the pattern names no file");
        expect("show web", 0, "caf\\xe9.yaml");
        expect("show system.slice/db", 3, "db.yaml:3:1: error: Unknown key \"mod\" [unknown-key]");
        expect("show absent", 1, "absent");
        expect("status", 3, "recorded records until 2023-11-14 22:43:20: 312 operations, none lost\n");
        expect("show recorded", 0, "recording  records until 2023-11-14 22:43:20: 312 operations, none lost\n");
        expect("rules", 0, "Deny disks.");
        expect("rules", 0, "own-disks  hardening  none");
        expect("rules HARD_DISKS", 0, "  also called hard-disks");
        expect("rules disks", 0, "  built in    /usr/lib/varmor/rules.d/hardening.yaml:7");
        expect("rules disks", 0, "  principle   A disk holds every file.");
        expect("rules disks", 0, "      not by AppArmor: this version has none");
        expect("rules disks", 0, "      not by Seccomp: it knows system calls");
        expect("rules disks", 0, "  AppArmor    it goes by names");
        expect("rules own-disks", 0, "  own         /etc/varmor/rules.d/own.yaml:7");
        expect("rules own-disks", 0, "nobody \\xff knows");
        expect("rules diks", 1, "did you mean \"disks\"?");
        expect("rules nothing-like-it", 1, "There is no rule called \"nothing-like-it\"");
        expect("version", 0, "varmorctl ");
}

static void test_json(void)
{
        g_autoptr(Harness) h G_GNUC_UNUSED = start();
        g_auto(Run) status = run_as(false, "status --json"), show = run_as(false, "show web --json");
        g_auto(Run) targets = run_as(false, "targets --json"), policies = run_as(false, "policies --json");
        g_auto(Run) mode = run_as(false, "mode web AlwaysAllow --json"), reload = run_as(false, "reload --json");
        json_object *s = parse(status.out), *w = parse(show.out), *t = parse(targets.out), *p = parse(policies.out);
        json_object *m = parse(mode.out), *l = parse(reload.out);

        g_auto(Run) rules = run_as(false, "rules --json"), rule_run = run_as(false, "rules Hard_Disks --json");
        json_object *list = parse(rules.out), *disks = parse(rule_run.out);

        g_assert_cmpuint(json_object_array_length(list), ==, 2);
        g_assert_false(json_object_get_boolean(member(json_object_array_get_idx(list, 0), "local")));
        g_assert_cmpuint(json_object_array_length(member(json_object_array_get_idx(list, 0), "enforcers")), ==, 1);
        g_assert_cmpstr(json_object_get_string(member(disks, "id")), ==, "disks");
        g_assert_cmpstr(json_object_get_string(member(member(disks, "notes"), "AppArmor")), ==, "it goes by names");
        json_object *op = json_object_array_get_idx(member(disks, "operations"), 0);
        g_assert_cmpstr(json_object_get_string(member(op, "text")), ==, "deny file read /dev/sda");
        g_assert_cmpstr(json_object_get_string(member(member(op, "not_by"), "AppArmor")), ==, "this version has none");
        json_object_put(list);
        json_object_put(disks);

        g_assert_cmpint(status.code, ==, 3);
        g_assert_cmpuint(json_object_array_length(member(s, "policies")), ==, 6);
        g_assert_cmpuint(json_object_get_uint64(member(s, "alarms")), ==, 7);
        json_object *bpf = json_object_array_get_idx(member(s, "enforcers"), 1);
        g_assert_cmpstr(json_object_get_string(member(bpf, "name")), ==, "BPF");
        g_assert_true(json_object_get_boolean(member(bpf, "available")));

        json_object *rule = json_object_array_get_idx(member(w, "rules"), 1);
        g_assert_cmpstr(json_object_get_string(member(rule, "id")), ==, "files[0]");
        g_assert_cmpuint(json_object_array_length(member(rule, "enforced_by")), ==, 0);
        g_assert_cmpstr(json_object_get_string(member(member(rule, "not_enforced"), "BPF")), ==,
                        "the pattern names no file");
        g_assert_cmpuint(json_object_get_uint64(member(member(rule, "details"), "line")), ==, 12);
        g_assert_cmpuint(json_object_array_length(member(w, "targets")), ==, 2);

        json_object *target = json_object_array_get_idx(t, 0);
        g_assert_cmpstr(json_object_get_string(member(target, "unit")), ==, "nginx.service");
        g_assert_cmpuint(json_object_array_length(member(target, "policies")), ==, 2);
        g_assert_cmpuint(json_object_array_length(p), ==, 6);
        g_assert_cmpstr(json_object_get_string(member(m, "mode")), ==, "AlwaysAllow");
        g_assert_true(json_object_get_boolean(member(l, "in_force")));

        json_object *all[] = {s, w, t, p, m, l};
        for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
                json_object_put(all[i]);
}

static void test_change(void)
{
        g_autoptr(Harness) h = start();

        expect("mode web", 0, "web: EnhanceProtect, as its files say");
        expect("mode web AlwaysAllow", 0, "web: AlwaysAllow, until the next boot");
        expect("mode web EnhanceProtect --observe", 0, "(observing)");
        expect("mode web --enforce --persist", 0, "web: EnhanceProtect, for good");
        expect("mode web DefenseInDepth --observe", 0, "(observing)");
        expect("mode web BehaviorModeling --duration 5", 0, "BehaviorModeling");
        expect("mode web --reset", 0, "as its files say");
        expect("mode stubborn AlwaysAllow", 3, "");
        expect("mode recorded AlwaysAllow", 3, "");
        harness_command(h, "model");
        expect("show recorded", 0, "recorded until 2023-11-14 22:43:20: 390 operations, 2 lost\n");
        expect("mode web Permissive", 2, "Permissive");
        expect("mode absent AlwaysAllow", 1, "absent");
        expect("reload", 0, "");
        harness_command(h, "reload bad");
        expect("reload", 3, "");
        harness_command(h, "confined yes");
        expect("reload", 5, "under a policy");
        expect("mode web AlwaysAllow", 5, "under a policy");
}

static void test_others(void)
{
        g_autoptr(Harness) h G_GNUC_UNUSED = start();
        static const struct {
                const char *line;
                int code;
        } runs[] = {{"status", 3},
                    {"policies", 0},
                    {"targets", 0},
                    {"mode web", 0},
                    {"show web", 5},
                    {"reload", 5},
                    {"mode web AlwaysAllow", 5},
                    {"mode web --reset", 5}};

        for (size_t i = 0; i < G_N_ELEMENTS(runs); i++) {
                g_auto(Run) r = run_as(true, runs[i].line);

                g_assert_cmpint(r.code, ==, runs[i].code);
                if (strcmp(runs[i].line, "show web") == 0) {
                        g_assert_nonnull(strstr(r.out, "EnhanceProtect"));
                        g_assert_null(strstr(r.out, "/etc/shadow"));
                }
        }
        expect("mode web", 0, "EnhanceProtect");
}

static void test_usage(void)
{
        static const char *const wrong[] = {"frobnicate",
                                            "show",
                                            "show a b",
                                            "mode",
                                            "status --observe",
                                            "mode web X --observe --enforce",
                                            "--frob",
                                            "mode web BehaviorModeling --duration 0",
                                            "alarms --since teatime",
                                            "mode web AlwaysAllow --reset",
                                            "check",
                                            "run true",
                                            "run --policy web",
                                            "status --color maybe"};

        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_auto(Run) r = run_as(false, wrong[i]);

                g_assert_cmpint(r.code, ==, 2);
                g_assert_cmpstr(r.out, ==, "");
                g_assert_cmpstr(r.err, !=, "");
        }
        expect("--help", 0, "Exit status");
}

static void test_unreachable(void)
{
        g_autoptr(Harness) h = harness_new();

        expect("status", 4, "bus");
        harness_start_bus(h);
        g_autoptr(sd_bus) bus G_GNUC_UNUSED = harness_connect(h); /* it is up */
        expect("status", 4, "does not run");
        expect("reload", 4, "does not run");
        expect("version", 0, "varmorctl");
}

static void test_export(void)
{
        g_autofree char *directory = g_dir_make_tmp("varmor-export-XXXXXX", NULL);
        g_autofree char *program = g_build_filename(directory, "varmord", NULL);
        const char *script = "#!/bin/sh\necho \"$@\"\n";

        g_assert_true(g_file_set_contents_full(program, script, -1, 0, 0700, NULL));
        g_setenv("VARMORD", program, true);
        expect("export --format systemd web", 0, "--export=systemd -- web\n");
        expect("export --format=oci-seccomp --base a/web", 0, "--export=oci-seccomp --base -- a/web\n");
        expect("export web --format oci-seccomp --base=file", 0, "--export=oci-seccomp --base=file -- web\n");
        expect("export web", 2, "--format=oci-seccomp");
        expect("export --format systemd", 2, "more arguments");
        g_unsetenv("VARMORD");
        unlink(program);
        rmdir(directory);
}

/* A varmord that complains in every way that there is. */
static void test_check(void)
{
        static const char script[] = "#!/bin/sh\n"
                                     "test \"$1 $2\" = '--check --' || exit 9\n"
                                     "case $3 in good.yaml) exit 0;; strange.yaml) echo oops >&2; exit 1;; esac\n"
                                     "echo 'a:1:2.yaml:3:4: error: Found \"x\": y [bad-type]'\n"
                                     "echo 'b.yaml: warning: Old' >&2\n"
                                     "exit 1\n";
        g_autofree char *directory = g_dir_make_tmp("varmor-check-XXXXXX", NULL);
        g_autofree char *program = g_build_filename(directory, "varmord", NULL);

        g_assert_true(g_file_set_contents_full(program, script, -1, 0, 0700, NULL));
        g_setenv("VARMORD", program, true);
        g_auto(Run) json = run_as(false, "check bad.yaml --json");
        json_object *messages = parse(json.out);
        g_assert_cmpint(json.code, ==, 3);
        g_assert_cmpuint(json_object_array_length(messages), ==, 2);
        json_object *m = json_object_array_get_idx(messages, 0);
        g_assert_cmpuint(json_object_get_uint64(member(m, "line")), ==, 3);
        g_assert_cmpuint(json_object_get_uint64(member(m, "column")), ==, 4);
        g_assert_cmpstr(json_object_get_string(member(m, "file")), ==, "a:1:2.yaml");
        g_assert_cmpstr(json_object_get_string(member(m, "message")), ==, "Found \"x\": y");
        g_assert_cmpstr(json_object_get_string(member(m, "code")), ==, "bad-type");
        json_object_put(messages);

        expect("check bad.yaml", 3, "a:1:2.yaml:3:4: error: Found \"x\": y [bad-type]\n");
        expect("check good.yaml", 0, "");
        expect("check strange.yaml", 1, "oops");
        g_unsetenv("VARMORD");
        unlink(program);
        rmdir(directory);
}

static void test_timestamp(void)
{
        const uint64_t second = 1000000, now = 1764000000 * second; /* 2025-11-24 16:00:00 UTC */
        static const struct {
                const char *text;
                uint64_t seconds; /* 0: no time */
        } table[] = {
                {"now", 1764000000},
                {"today", 1763942400},
                {"yesterday", 1763856000},
                {"30min ago", 1763998200},
                {"-30min", 1763998200},
                {"2h ago", 1763992800},
                {"1 day ago", 1763913600},
                {"@5", 5},
                {"04:10", 1763957400},
                {"04:10:01", 1763957401},
                {"2025-11-24", 1763942400},
                {"2025-11-24 00:01", 1763942460},
                {"2025-11-24T00:01:01", 1763942461},
                {"", 0},
                {"30min", 0},
                {"ago", 0},
                {"-", 0},
                {"-1parsec", 0},
                {"2025-13-01", 0},
                {"25:00", 0},
                {"@", 0},
                {"@1x", 0},
                {"99999999999999999999w ago", 0},
                {"tomorrow", 0},
        };
        uint64_t usec;

        g_setenv("TZ", "UTC", true);
        tzset();
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                int r = timestamp_parse(table[i].text, now, &usec);

                g_test_message("%s", table[i].text);
                g_assert_cmpint(r, ==, table[i].seconds ? 0 : -EINVAL);
                if (r == 0)
                        g_assert_cmpuint(usec, ==, table[i].seconds * second);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (harness_skip())
                return 77;
        g_test_add_func("/varmorctl/look", test_look);
        g_test_add_func("/varmorctl/json", test_json);
        g_test_add_func("/varmorctl/change", test_change);
        g_test_add_func("/varmorctl/others", test_others);
        g_test_add_func("/varmorctl/usage", test_usage);
        g_test_add_func("/varmorctl/unreachable", test_unreachable);
        g_test_add_func("/varmorctl/check", test_check);
        g_test_add_func("/varmorctl/export", test_export);
        g_test_add_func("/varmorctl/timestamp", test_timestamp);
        return g_test_run();
}
