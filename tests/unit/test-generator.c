/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The generator: commands taken apart and wrapped, the text of units, names, files on disk, drop-ins. What systemd itself makes of
 * it is compared in tests/vm/cases/bind.sh. */

#include <errno.h>
#include <string.h>

#include "attached.h"
#include "bpf/table.h"
#include "bpf/targets.h"
#include "command.h"
#include "dropin.h"
#include "generate.h"
#include "instances.h"
#include "tree.h"
#include "unit-files.h"
#include "unit-name.h"
#include "unit-text.h"

/* ---- commands ---------------------------------------------------------------------------------------------------------- */

static GPtrArray *parse(const char *value, int *r)
{
        GPtrArray *commands = g_ptr_array_new_with_free_func((GDestroyNotify)command_free);

        *r = command_parse(value, commands);
        return commands;
}

static void test_wrap(void)
{
        static const struct {
                const char *from;
                const char *to[4]; /* "H" stands for the helper */
        } cases[] = {
                {"/bin/a", {"H web -- /bin/a"}},
                {"/bin/a b  'c d' \"e\\x20f\" $G ${H} %i", {"H web -- /bin/a b  'c d' \"e\\x20f\" $G ${H} %i"}},
                {"  /bin/a\tb", {"H web -- /bin/a b"}},
                {"-/bin/a b", {"-H -i web -- /bin/a b"}},
                {"@/bin/a z b", {"H -@ web -- /bin/a z b"}},
                {":/bin/a $B", {":H web -- /bin/a $B"}},
                {"+/bin/a", {"+H web -- /bin/a"}},
                {"!/bin/a", {"!H web -- /bin/a"}},
                {"!!/bin/a", {"!!H web -- /bin/a"}},
                {"-@:!!/bin/a z", {"-:!!H -@ -i web -- /bin/a z"}},
                {"@-+:/bin/a z", {"-:+H -@ -i web -- /bin/a z"}},
                {"\"-/bin/a b\" c", {"-H -i web -- /bin/a\\x20b c"}},
                {"'/opt/a''b' c", {"H web -- /opt/ab c"}},
                {"\\x2d/bin/a", {"-H -i web -- /bin/a"}},
                {"/bin/a ; /bin/b c ; -/bin/d", {"H web -- /bin/a", "H web -- /bin/b c", "-H -i web -- /bin/d"}},
                {"/bin/a \\; /bin/b ;c ;", {"H web -- /bin/a \\; /bin/b ;c"}},
                {"/bin/a ';' b", {"H web -- /bin/a ';' b"}},
                {"; /bin/a", {"H web -- /bin/a"}},
                {"/bin/a$B c", {"H -@ web -- /bin/a$$B /bin/a$B c"}},
                {":/bin/a$B c", {":H web -- /bin/a$B c"}},
                {"@/bin/a$B $C c", {"H -@ web -- /bin/a$$B $C c"}},
                {"env A=b", {"H web -- env A=b"}},
                {"/opt/%i/bin/x", {"H web -- /opt/%i/bin/x"}},
                {"/bin/a b\\", {"H web -- /bin/a b\\\\"}},
                {"/bin/a b\\  ; /bin/c \\\\ ;", {"H web -- /bin/a b\\\\\\x20", "H web -- /bin/c \\\\"}},
                {"/bin/a \\q \\x4", {"H web -- /bin/a \\q \\x4"}},
                {"/bin/\\u00e4", {"H web -- /bin/\\xc3\\xa4"}},
                {"/bin/\\344", {"H web -- /bin/\\xe4"}},
        };
        const CommandWrap w = {.helper = "H", .options = "web "};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                int r;
                g_autoptr(GPtrArray) commands = parse(cases[i].from, &r);
                guint n = 0;

                g_test_message("%s", cases[i].from);
                g_assert_cmpint(r, ==, 0);
                while (n < 4 && cases[i].to[n])
                        n++;
                g_assert_cmpuint(commands->len, ==, n);
                for (guint k = 0; k < n; k++) {
                        g_autofree char *s = command_wrap(commands->pdata[k], &w);

                        g_assert_cmpstr(s, ==, cases[i].to[k]);
                }
        }
}

static void test_search(void)
{
        const CommandWrap w = {.helper = "H", .options = "", .search = "/a b:/c"};
        int r;
        g_autoptr(GPtrArray) commands = parse("x y ; /x y", &r);
        g_autofree char *first = command_wrap(commands->pdata[0], &w), *second = command_wrap(commands->pdata[1], &w);

        g_assert_cmpstr(first, ==, "H --search /a\\x20b:/c -- x y");
        g_assert_cmpstr(second, ==, "H -- /x y");
}

/* What systemd refuses must not become acceptable by what is put in front. */
static void test_refused(void)
{
        static const struct {
                const char *value;
                int result;
                guint n;
        } cases[] = {
                {"bin/a", -ENOEXEC, 0},        {"-bin/a", 0, 0},          {"/bin/", -ENOEXEC, 0},   {"-", 0, 0},
                {"@", -ENOEXEC, 0},            {"@/bin/a", -ENOEXEC, 0},  {"-@/bin/a", 0, 0},       {"\"\"", -ENOEXEC, 0},
                {"/bin/a 'b", -ENOEXEC, 0},    {"-/bin/a 'b", 0, 0},      {"'/bin/a", 0, 0},        {"", 0, 0},
                {"/bin/a ; bin/b", -ENOEXEC, 1}, {"/bin/a ; -bin/b ; /c", 0, 1}, {"..", -ENOEXEC, 0}, {"/a\\x22b", -ENOEXEC, 0},
                {"++/bin/a", -ENOEXEC, 0},     {"!!!/bin/a", -ENOEXEC, 0}, {"--/bin/a", 0, 0},      {"+!/bin/a", -ENOEXEC, 0},
                {"|/bin/a", -ENOEXEC, 0},      {";", 0, 0},               {"; ;", 0, 0},            {"/bin/a\\x0ab", -ENOEXEC, 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                int r;
                g_autoptr(GPtrArray) commands = parse(cases[i].value, &r);

                g_test_message("%s", cases[i].value);
                g_assert_cmpint(r, ==, cases[i].result);
                g_assert_cmpuint(commands->len, ==, cases[i].n);
        }
}

/* ---- text -------------------------------------------------------------------------------------------------------------- */

static const Command *command_at(const UnitText *u, ExecKind k, guint i)
{
        g_assert_cmpuint(u->commands[k]->len, >, i);
        return u->commands[k]->pdata[i];
}

static void test_text(void)
{
        static const char text[] = "\xef\xbb\xbf[Unit]\n"
                                   "After=a.service sysinit.target\n"
                                   "DefaultDependencies=off\n"
                                   "ExecStart=/not/here\n"
                                   "[Service]\r\n"
                                   "# a comment \\\n"
                                   "Slice = app-web.slice \n"
                                   "ExecStart=/old\n"
                                   "ExecStart=\n"
                                   "ExecStart=/bin/a b \\\n"
                                   "  # between\n"
                                   "; also\n"
                                   "  c\\\n"
                                   "d\n"
                                   "ExecStartPre = -/bin/p\n"
                                   "ExecStop=/bin/s ; /bin/t\n"
                                   "AppArmorProfile=-own\n"
                                   "SystemCallFilter=@system-service\n"
                                   "NoExecPaths=/\n"
                                   "ExecSearchPath=/a\nExecSearchPath=/b:/c\n"
                                   "RootDirectory=/srv\n"
                                   "TemporaryFileSystem=/usr:ro /x\nBindReadOnlyPaths=/src:/run:rbind -/y\n"
                                   "InaccessiblePaths=-/run/varmor /home\n"
                                   "nonsense\n=nothing\n"
                                   "[X-Own]\nExecStart=/ignored\n"
                                   "[Service]\n"
                                   "ExecReload=/bin/r\\\n";
        g_autoptr(UnitText) u = unit_text_new();

        g_assert_cmpint(unit_text_add(u, text, sizeof(text) - 1), ==, 0);
        g_assert_cmpuint(u->commands[EXEC_START]->len, ==, 1);
        g_assert_cmpstr(command_at(u, EXEC_START, 0)->path, ==, "/bin/a");
        g_assert_cmpstr(command_at(u, EXEC_START, 0)->rest, ==, "b    c d");
        g_assert_cmpuint(command_at(u, EXEC_START_PRE, 0)->flags, ==, COMMAND_IGNORE_FAILURE);
        g_assert_cmpuint(u->commands[EXEC_STOP]->len, ==, 2);
        g_assert_cmpstr(command_at(u, EXEC_RELOAD, 0)->path, ==, "/bin/r");
        g_assert_cmpstr(u->slice, ==, "app-web.slice");
        g_assert_cmpstr(u->apparmor, ==, "own");
        g_assert_cmpstr(u->search, ==, "/a:/b:/c");
        g_assert_true(u->apparmor_optional && !u->default_dependencies && u->root_directory && !u->root_image);
        g_assert_true(u->filters_syscalls && u->restricts_exec && !u->overflow);
        g_assert_cmpuint(u->after->len, ==, 2);
        g_assert_cmpuint(u->covered->len, ==, 4);
        g_assert_cmpstr(u->covered->pdata[0], ==, "/usr");
        g_assert_cmpstr(u->covered->pdata[2], ==, "/run");
        g_assert_cmpstr(u->covered->pdata[3], ==, "/y");
        g_assert_cmpstr(u->inaccessible->pdata[0], ==, "/run/varmor");
}

static void test_text_resets(void)
{
        static const char first[] = "[Service]\nSlice=a.slice\nExecStart=/a\nSystemCallFilter=~@mount\nAppArmorProfile=x\n"
                                    "RootImage=/i\nNoExecPaths=/\nExecSearchPath=/a\nInaccessiblePaths=/run\n";
        static const char second[] = "[Service]\nSlice=\nExecStart=\nExecStart=/b\nSystemCallFilter=\nAppArmorProfile=\nRootImage=\n"
                                     "NoExecPaths=\nExecSearchPath=\nInaccessiblePaths=\n";
        g_autoptr(UnitText) u = unit_text_new();

        g_assert_cmpint(unit_text_add(u, first, strlen(first)), ==, 0);
        g_assert_cmpint(unit_text_add(u, second, strlen(second)), ==, 0);
        g_assert_cmpuint(u->commands[EXEC_START]->len, ==, 1);
        g_assert_cmpstr(command_at(u, EXEC_START, 0)->path, ==, "/b");
        g_assert_cmpstr(u->slice, ==, "a.slice");
        g_assert_null(u->apparmor);
        g_assert_null(u->search);
        g_assert_false(u->filters_syscalls || u->root_image || u->restricts_exec);
        g_assert_cmpuint(u->inaccessible->len, ==, 0);
}

/* Up to the line at which systemd stops, too. */
static void test_text_broken(void)
{
        static const struct {
                const char *text;
                int result;
                const char *last;
        } cases[] = {
                {"[Service]\nExecStart=/a\n[Serv\nExecStart=/b\n", -EBADMSG, "/a"},
                {"[Service]\nExecStart=/a\nExecStart=b/c\nExecStart=/b\n", -ENOEXEC, "/a"},
                {"[Service]\nExecStart=/a\nDescription=\xff\nExecStart=/b\n", -EBADMSG, "/a"},
                {"[Service]\nExecStart=/a\nExecStart=-b/c\nExecStart=/b\n", 0, "/b"},
                {"[Service]\nExecStart=/a\\\n\nExecStart=/b", 0, "/b"},
                {"[Service]\n\rExecStart=/a\r\n\r\nExecStart=/b\r", 0, "/b"},
                {"[Service]\nExecStart=/b\\", 0, "/b"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(UnitText) u = unit_text_new();

                g_test_message("%zu", i);
                g_assert_cmpint(unit_text_add(u, cases[i].text, strlen(cases[i].text)), ==, cases[i].result);
                g_assert_cmpstr(command_at(u, EXEC_START, u->commands[EXEC_START]->len - 1)->path, ==, cases[i].last);
        }
}

/* ---- names ------------------------------------------------------------------------------------------------------------- */

static void test_names(void)
{
        static const struct {
                const char *name, *slice, *cgroup;
        } cases[] = {
                {"nginx.service", NULL, "/system.slice/nginx.service"},
                {"getty@tty1.service", NULL, "/system.slice/system-getty.slice/getty@tty1.service"},
                {"a-b@x.service", NULL, "/system.slice/system-a\\x2db.slice/a-b@x.service"},
                {"a@.service", NULL, "/system.slice/system-a.slice/a@.service"},
                {"a.service", "b-c.slice", "/b.slice/b-c.slice/a.service"},
                {"a.service", "-.slice", "/a.service"},
                {"user@7.service", "user-%i.slice", "/user.slice/user-7.slice/user@7.service"},
                {"a-b.service", "%p.slice", "/a.slice/a-b.slice/a-b.service"},
                {"a.service", "%H.slice", NULL},
                {"a.service", "b--c.slice", NULL},
                {"cpu.service", NULL, "/system.slice/_cpu.service"},
        };
        g_autofree char *instance = unit_name_dup_instance("a@b@c.service"), *template = unit_name_template("a@b.service");
        g_auto(GStrv) dirs = unit_name_dropin_dirs("a-b-c@d.service"), plain = unit_name_dropin_dirs("x.service");
        g_autofree char *joined = g_strjoinv(" ", dirs);

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *cgroup = unit_cgroup(cases[i].name, cases[i].slice);

                g_assert_cmpstr(cgroup, ==, cases[i].cgroup);
        }
        g_assert_cmpstr(instance, ==, "b@c");
        g_assert_cmpstr(template, ==, "a@.service");
        g_assert_cmpstr(joined, ==,
                        "a-b-c@d.service.d a-b-c@.service.d a-b-@d.service.d a-b-@.service.d a-@d.service.d a-@.service.d");
        g_assert_cmpstr(plain[0], ==, "x.service.d");
        g_assert_null(plain[1]);
        g_assert_true(unit_name_is_service("a@b.service") && unit_name_is_template("a@.service"));
        g_assert_false(unit_name_is_service("a.socket") || unit_name_is_service(".service") || unit_name_is_service("@a.service") ||
                       unit_name_is_service("a b.service"));
        g_assert_true(unit_name_is_instance("a@b.service"));
        g_assert_false(unit_name_is_instance("a@.service") || unit_name_is_instance("a.service"));
}

/* "web" must not cover what runs under "web-1", whatever the two are called. */
static void test_run_units(void)
{
        g_autofree char *plain = bindings_run_unit("web", "01"), *sliced = bindings_run_unit("a-b.slice+web=x", "01");
        g_autofree char *anywhere = bindings_run_slice("web"), *slice = bindings_run_slice("a-b.slice/web");

        g_assert_cmpstr(plain, ==, "varmor-run-web:01.scope");
        g_assert_cmpstr(sliced, ==, "varmor-run-a-b.slice\\x2bweb\\x3dx:01.scope");
        g_assert_cmpstr(anywhere, ==, "system.slice");
        g_assert_cmpstr(slice, ==, "a-b.slice");
        g_assert_true(bindings_is_run_unit(plain) && bindings_is_run_unit(sliced));
        g_assert_false(bindings_is_run_unit("varmor-run-web.service") || bindings_is_run_unit("session-1.scope"));
}

/* ---- files ------------------------------------------------------------------------------------------------------------- */

#define OWN "/run/systemd/generator"

static void expect_source(const UnitFiles *f, const char *name, const char *path, const char *dropins)
{
        g_autoptr(UnitSource) s = NULL;
        g_autoptr(GString) all = g_string_new(NULL);

        g_assert_cmpint(unit_files_find(f, name, &s), ==, 0);
        g_assert_true(g_str_has_suffix(s->path, path));
        for (char **d = s->dropins; *d; d++) {
                g_autofree char *dir = g_path_get_dirname(*d), *base = g_path_get_basename(dir);

                g_string_append_printf(all, "%s%s/%s", all->len > 0 ? " " : "", base, strrchr(*d, '/') + 1);
        }
        g_assert_cmpstr(all->str, ==, dropins);
}

static void test_files(void)
{
        char *root = tree_new();
        g_autoptr(UnitFiles) f = NULL;
        g_autoptr(UnitSource) ignored = NULL;
        g_autofree const char **names = NULL;
        g_autofree char *joined = NULL;

        tree_write(root, "usr/lib/systemd/system/a.service", "[Service]\nExecStart=/vendor\n");
        tree_write(root, "etc/systemd/system/a.service", "[Service]\nExecStart=/admin\n");
        tree_write(root, "etc/systemd/system/a.service.d/20-x.conf", "#");
        tree_write(root, "usr/lib/systemd/system/a.service.d/20-x.conf", "#");
        tree_write(root, "usr/lib/systemd/system/a.service.d/10-y.conf", "#");
        tree_write(root, "usr/lib/systemd/system/service.d/15-all.conf", "#");
        tree_write(root, "usr/lib/systemd/system/service.d/10-y.conf", "#");
        tree_write(root, "run/systemd/generator/a.service.d/zzzz-varmor.conf", "#");
        tree_write(root, "run/systemd/generator/a.service.d/30-other.conf", "#");
        tree_link(root, "etc/systemd/system/alias.service", "/usr/lib/systemd/system/a.service");
        tree_write(root, "etc/systemd/system/alias.service.d/05-alias.conf", "#");
        tree_link(root, "etc/systemd/system/masked.service", "/dev/null");
        tree_write(root, "usr/lib/systemd/system/masked.service", "[Service]\nExecStart=/m\n");
        tree_write(root, "etc/systemd/system/empty.service", "");
        tree_link(root, "etc/systemd/system/linked.service", "/opt/linked.service");
        tree_write(root, "opt/linked.service", "[Service]\nExecStart=/l\n");
        tree_link(root, "etc/systemd/system/loop1.service", "loop2.service");
        tree_link(root, "etc/systemd/system/loop2.service", "loop1.service");
        tree_write(root, "usr/lib/systemd/system/t@.service", "[Service]\nExecStart=/t\n");
        tree_write(root, "etc/systemd/system/t@one.service.d/o.conf", "#");
        tree_write(root, "etc/systemd/system/t@.service.d/p.conf", "#");
        tree_link(root, "etc/systemd/system/t@two.service", "/usr/lib/systemd/system/t@.service");
        tree_link(root, "etc/systemd/system/auto@.service", "../../../usr/lib/systemd/system/t@.service");
        tree_write(root, "etc/systemd/system/auto@.service.d/q.conf", "#");
        tree_write(root, "run/systemd/transient/run-1.service", "[Service]\nExecStart=/x\n");

        f = unit_files_new(root, OWN);
        names = unit_files_names(f);
        joined = g_strjoinv(" ", (char **)names);
        g_assert_cmpstr(joined, ==, "a.service empty.service linked.service masked.service run-1.service t@.service t@one.service "
                                    "t@two.service");
        expect_source(f, "a.service", "/etc/systemd/system/a.service",
                      "alias.service.d/05-alias.conf a.service.d/10-y.conf service.d/15-all.conf a.service.d/20-x.conf "
                      "a.service.d/30-other.conf");
        expect_source(f, "t@one.service", "/t@.service",
                      "service.d/10-y.conf service.d/15-all.conf t@one.service.d/o.conf t@.service.d/p.conf auto@.service.d/q.conf");
        g_assert_cmpint(unit_files_find(f, "masked.service", &ignored), ==, -ERFKILL);
        g_assert_cmpint(unit_files_find(f, "empty.service", &ignored), ==, -ERFKILL);
        g_assert_cmpint(unit_files_find(f, "loop1.service", &ignored), ==, -ENOENT);
        g_assert_cmpint(unit_files_find(f, "none.service", &ignored), ==, -ENOENT);
        tree_free(root);
}

/* ---- targets ----------------------------------------------------------------------------------------------------------- */

static GBytes *targets(const char *const *patterns, const char *const *except)
{
        TargetsEntry e = {.policy = 0, .patterns = (char **)patterns, .except = (char **)except};
        g_autoptr(Diag) d = diag_new();
        GBytes *table = NULL;

        (void)targets_compile(&e, 1, &table, d);
        for (guint i = 0; i < d->messages->len; i++)
                g_test_message("%s", ((DiagMessage *)d->messages->pdata[i])->text);
        g_assert_nonnull(table);
        return table;
}

static void test_instances(void)
{
        static const struct {
                const char *patterns[3], *except[2];
                unsigned cover;
                const char *named;
                bool endless;
        } cases[] = {
                {{"/system.slice/system-a.slice/a@*.service/**"}, {NULL}, 1, "", false},
                {{"/**"}, {NULL}, 1, "", false},
                {{"/system.slice/**"}, {"/system.slice/system-a.slice/a@x.service/**"}, 1, "x", false},
                {{"/system.slice/system-a.slice/a@x.service/**", "/system.slice/system-a.slice/a@yy.service/**"}, {NULL}, 0, "x yy", false},
                {{"/system.slice/system-a.slice/a@w*.service/**"}, {NULL}, 0, "", true},
                {{"/system.slice/b.service/**"}, {NULL}, 0, "", false},
                {{"/system.slice/system-a.slice/a@w?.service/**", "/{,x/}system.slice/system-a.slice/a@*w*.service/**"}, {NULL}, 0, "", true},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GBytes) table = targets(cases[i].patterns, cases[i].except);
                g_autoptr(Instances) found =
                        instances_find(g_bytes_get_data(table, NULL), "/system.slice/system-a.slice/a@.service");
                g_autofree char *named = NULL;

                g_test_message("%s", cases[i].patterns[0]);
                g_ptr_array_add(found->named, NULL);
                named = g_strjoinv(" ", (char **)found->named->pdata);
                g_assert_cmpuint(found->cover.n, ==, cases[i].cover);
                g_assert_false(found->unknown);
                g_assert_cmpstr(named, ==, cases[i].named);
                g_assert_cmpuint(found->some.n, ==, cases[i].endless ? 1 : 0);
        }
}

/* ---- drop-ins ---------------------------------------------------------------------------------------------------------- */

static const char *fake_attached(const char *path, void *userdata)
{
        return strcmp(path, "/attached") == 0 ? "/usr/attached" : NULL;
}

static char *dropin_of(const char *text, const char *apparmor, bool open, const char *filter, const char *children)
{
        g_autoptr(UnitText) u = unit_text_new();
        g_autoptr(GPtrArray) closed = g_ptr_array_new(), opened = g_ptr_array_new();
        g_autoptr(GPtrArray) looks = g_ptr_array_new(), looks_open = g_ptr_array_new();
        DropinWish w = {closed, opened, looks, looks_open, apparmor, open, true, fake_attached, NULL};
        g_autofree char *whole = g_strconcat("[Service]\n", text, NULL);
        const char *obstacle;
        char *s;

        if (filter)
                g_ptr_array_add(open ? opened : closed, (char *)filter);
        if (children)
                g_ptr_array_add(open ? looks_open : looks, (char *)children);
        g_assert_cmpint(unit_text_add(u, whole, strlen(whole)), ==, 0);
        obstacle = dropin_obstacle(u, &w);
        if (obstacle)
                return g_strdup(obstacle);
        s = dropin_write(u, &w);
        g_assert_true(g_str_has_prefix(s, "# Made by varmor-generator(8), anew whenever systemd reads its units.\n[Service]\n"));
        memmove(s, strstr(s, "[Service]\n") + strlen("[Service]\n"), strlen(strstr(s, "[Service]\n")) - strlen("[Service]\n") + 1);
        return s;
}

#define H DROPIN_HELPER
#define I DROPIN_HELPER_INSIDE

static void test_dropins(void)
{
        static const struct {
                const char *text, *apparmor, *filter;
                bool open;
                const char *result, *children;
        } cases[] = {
                {"ExecStart=/a", "varmor.web", NULL, false, "AppArmorProfile=varmor.web\n"},
                {"ExecStart=/a", "varmor.web", NULL, true, "AppArmorProfile=-varmor.web\n"},
                {"ExecStart=/a\nAppArmorProfile=own", "varmor.web", NULL, false, "AppArmorProfile=own//&varmor.web\n"},
                {"ExecStart=/a\nExecStop=/b\nExecStop=/c", NULL, "web", false,
                 "ExecStart=\nExecStart=" H " web -- /a\nExecStop=\nExecStop=" H " web -- /b\nExecStop=" H " web -- /c\n"},
                {"ExecStart=/a", NULL, "web", true, "ExecStart=\nExecStart=" H " --open web -- /a\n"},
                {"ExecStart=/a\nAppArmorProfile=own", "varmor.web", "web", false,
                 "AppArmorProfile=\nExecStart=\nExecStart=" H " --apparmor own//&varmor.web web -- /a\n"},
                {"ExecStart=/a\nExecStartPre=+/b\nAppArmorProfile=own", "varmor.web", NULL, false,
                 "AppArmorProfile=\nExecStartPre=\nExecStartPre=+" H " --apparmor varmor.web -- /b\nExecStart=\nExecStart=" H
                 " --apparmor own//&varmor.web -- /a\n"},
                {"ExecStart=/a\nExecStop=/attached\nExecReload=:/attached", "varmor.web", NULL, false,
                 "ExecStart=\nExecStart=" H " --apparmor varmor.web -- /a\nExecReload=\nExecReload=:" H
                 " --apparmor /usr/attached//&varmor.web -- /attached\nExecStop=\nExecStop=" H
                 " --apparmor /usr/attached//&varmor.web -- /attached\n"},
                {"ExecStart=/attached\nAppArmorProfile=own", "varmor.web", NULL, false, "AppArmorProfile=own//&varmor.web\n"},
                {"ExecStart=/attached", NULL, "web", false, "ExecStart=\nExecStart=" H " web -- /attached\n"},
                {"ExecStart=/a\nRootDirectory=/srv\nNoExecPaths=/\nSystemCallFilter=~@mount", NULL, "web", false,
                 "BindReadOnlyPaths=" H ":" I "\nBindReadOnlyPaths=/run/varmor/filters /run/varmor/seccomp\nExecPaths=" I
                 "\nSystemCallFilter=seccomp\nExecStart=\nExecStart=" I " web -- /a\n"},
                {"ExecStart=/a\nTemporaryFileSystem=/run", NULL, "web", false,
                 "BindReadOnlyPaths=/run/varmor/filters /run/varmor/seccomp\nExecStart=\nExecStart=" H " web -- /a\n"},
                {"ExecStart=/a\nTemporaryFileSystem=/:ro", NULL, "web", false,
                 "BindReadOnlyPaths=" H "\nBindReadOnlyPaths=/run/varmor/filters /run/varmor/seccomp\nExecStart=\nExecStart=" H
                 " web -- /a\n"},
                {"ExecStart=/a\nInaccessiblePaths=-/run", NULL, "web", false, "its InaccessiblePaths= hides /run/varmor"},
                {"ExecStart=/a\nInaccessiblePaths=/usr/lib/varmor/", NULL, "web", false, "its InaccessiblePaths= hides " H},
                {"ExecStart=/a\nInaccessiblePaths=/run", "varmor.web", NULL, false, "AppArmorProfile=varmor.web\n"},
                {"ExecStart=:/a\nAppArmorProfile=o$n", "varmor.web", "web", false,
                 "AppArmorProfile=\nExecStart=\nExecStart=:" H " --apparmor o$n//&varmor.web web -- /a\n"},
                {"ExecStart=/a", "varmor.web", NULL, false,
                 "ExecStart=\nExecStart=" H " --apparmor varmor.web --children web -- /a\n", "web"},
                {"ExecStart=/attached", "varmor.web", "web", true,
                 "ExecStart=\nExecStart=" H " --open --apparmor /usr/attached//&varmor.web --children web web -- /attached\n", "web"},
                {"ExecStart=/a\nRootDirectory=/srv\nAppArmorProfile=own", "varmor.web", NULL, false,
                 "AppArmorProfile=\nBindReadOnlyPaths=" H ":" I "\nBindReadOnlyPaths=/run/varmor/children\nExecStart=\nExecStart=" I
                 " --apparmor own//&varmor.web --children web -- /a\n", "web"},
                {"ExecStart=/a\nTemporaryFileSystem=/run", "varmor.web", NULL, false,
                 "BindReadOnlyPaths=/run/varmor/children\nExecStart=\nExecStart=" H " --apparmor varmor.web --children web -- /a\n",
                 "web"},
                {"ExecStart=/a\nInaccessiblePaths=/run/varmor/children", "varmor.web", NULL, false, "its InaccessiblePaths= hides /run/varmor", "web"},
                {"ExecStart=/a\nInaccessiblePaths=/run/varmor/filters", NULL, "web", false, "its InaccessiblePaths= hides /run/varmor"},
                {"ExecStart=/a\nInaccessiblePaths=/run/varmor/seccomp", "varmor.web", NULL, false,
                 "ExecStart=\nExecStart=" H " --apparmor varmor.web --children web -- /a\n", "web"},
                {"ExecStart=/a\nSystemCallFilter=~@mount", "varmor.web", NULL, false,
                 "SystemCallFilter=readlinkat\nExecStart=\nExecStart=" H " --apparmor varmor.web --children web -- /a\n", "web"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *s = dropin_of(cases[i].text, cases[i].apparmor, cases[i].open, cases[i].filter, cases[i].children);

                g_test_message("%zu", i);
                g_assert_cmpstr(s, ==, cases[i].result);
        }
}

static void test_attached(void)
{
        char *root = tree_new();
        g_autoptr(Attached) a = NULL;

        tree_write(root, ATTACHED_DIR "/one.0/name", "/usr/sbin/one\n");
        tree_write(root, ATTACHED_DIR "/one.0/attach", "/usr/sbin/one\n");
        tree_write(root, ATTACHED_DIR "/two.1/name", "two\n");
        tree_write(root, ATTACHED_DIR "/two.1/attach", "/usr/{s,}bin/tw*\n");
        tree_write(root, ATTACHED_DIR "/named.2/name", "named\n");
        tree_write(root, ATTACHED_DIR "/named.2/attach", "named\n");
        tree_write(root, ATTACHED_DIR "/ours.3/name", "varmor.one\n");
        tree_write(root, ATTACHED_DIR "/ours.3/attach", "/usr/sbin/three\n");
        tree_write(root, ATTACHED_DIR "/wide.4/name", "wide\n");
        tree_write(root, ATTACHED_DIR "/wide.4/attach", "/usr/**\n");
        tree_write(root, ATTACHED_DIR "/broken.5/name", "broken\n");
        tree_write(root, "usr/sbin/one", "");
        tree_write(root, "usr/bin/named", "");
        tree_chmod(root, "usr/sbin/one", 0755);
        tree_link(root, "sbin", "usr/sbin");
        a = attached_new(root);
        g_assert_cmpstr(attached_find(a, "/usr/sbin/one"), ==, "/usr/sbin/one");
        g_assert_cmpstr(attached_find(a, "/sbin/one"), ==, "/usr/sbin/one");
        g_assert_cmpstr(attached_find(a, "one"), ==, "/usr/sbin/one");
        g_assert_cmpstr(attached_find(a, "/usr/bin/twice"), ==, "two");
        g_assert_cmpstr(attached_find(a, "/usr/bin/named"), ==, "wide");
        g_assert_null(attached_find(a, "/opt/x"));
        g_assert_null(attached_find(a, "/usr/bin/%i"));
        g_assert_null(attached_find(a, "nowhere"));
        tree_free(root);
}

/* ---- everything -------------------------------------------------------------------------------------------------------- */

static char *read_tree(const char *root, const char *path)
{
        g_autofree char *full = g_strconcat(root, "/", path, NULL);
        char *text = NULL;

        (void)g_file_get_contents(full, &text, NULL, NULL);
        return text;
}

static void test_generate(void)
{
        static const char *const patterns[] = {"/system.slice/**", NULL};
        static const char *const except[] = {"/system.slice/system-t.slice/t@one.service/**", NULL};
        char *root = tree_new();
        g_autoptr(Bindings) b = bindings_new();
        g_autofree char *report = NULL, *a = NULL, *z = NULL, *t = NULL, *one = NULL, *two = NULL, *other = NULL;

        bindings_add(b, "all", 1U << ENFORCER_SECCOMP | 1U << ENFORCER_APPARMOR);
        b->targets = targets(patterns, except);
        tree_write(root, "usr/lib/systemd/system/a.service", "[Service]\nExecStart=/a\n");
        tree_write(root, "usr/lib/systemd/system/early.service", "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/a\n");
        tree_write(root, "usr/lib/systemd/system/other.service", "[Service]\nExecStart=/a\nSlice=other.slice\n");
        tree_write(root, "usr/lib/systemd/system/target.service", "[Service]\nType=oneshot\n");
        tree_write(root, "usr/lib/systemd/system/z.service", "[Service]\nExecStart=/z\n");
        tree_write(root, "etc/systemd/system/z.service.d/zzzzz.conf", "[Service]\nExecStart=\nExecStart=/late\n");
        tree_write(root, "usr/lib/systemd/system/t@.service", "[Service]\nExecStart=/t %i\n");
        tree_write(root, "etc/systemd/system/t@two.service.d/x.conf", "[Service]\nExecStart=\nExecStart=/two\n");
        report = generate(&(GenerateParams){root, OWN, b});

        a = read_tree(root, OWN "/a.service.d/zzzz-varmor.conf");
        z = read_tree(root, OWN "/z.service.d/zzzzz.conf-varmor.conf");
        t = read_tree(root, OWN "/t@.service.d/zzzz-varmor.conf");
        one = read_tree(root, OWN "/t@one.service.d/zzzz-varmor.conf");
        two = read_tree(root, OWN "/t@two.service.d/zzzz-varmor.conf");
        other = read_tree(root, OWN "/other.service.d/zzzz-varmor.conf");
        g_assert_nonnull(strstr(a, "\nExecStart=" H " --apparmor varmor.all all -- /a\n"));
        g_assert_nonnull(strstr(z, "\nExecStart=" H " --apparmor varmor.all all -- /late\n"));
        g_assert_nonnull(strstr(t, "\nExecStart=" H " --apparmor varmor.all all -- /t %i\n"));
        g_assert_nonnull(strstr(two, "\nExecStart=" H " --apparmor varmor.all all -- /two\n"));
        g_assert_nonnull(one);
        g_assert_null(strstr(one, "Exec"));
        g_assert_null(other);
        g_assert_cmpstr(report, ==,
                        "bound\tt@.service\tall\tAppArmorSeccomp\n"
                        "bound\ta.service\tall\tAppArmorSeccomp\n"
                        "unbound\tearly.service\tall\tAppArmor\tit may start before varmord (DefaultDependencies=no)\n"
                        "unbound\tearly.service\tall\tSeccomp\tit may start before varmord (DefaultDependencies=no)\n"
                        "bound\tt@two.service\tall\tAppArmorSeccomp\n"
                        "bound\tz.service\tall\tAppArmorSeccomp\n");
        tree_free(root);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/generator/wrap", test_wrap);
        g_test_add_func("/generator/search", test_search);
        g_test_add_func("/generator/refused", test_refused);
        g_test_add_func("/generator/text", test_text);
        g_test_add_func("/generator/text-resets", test_text_resets);
        g_test_add_func("/generator/text-broken", test_text_broken);
        g_test_add_func("/generator/names", test_names);
        g_test_add_func("/generator/run-units", test_run_units);
        g_test_add_func("/generator/files", test_files);
        g_test_add_func("/generator/instances", test_instances);
        g_test_add_func("/generator/dropins", test_dropins);
        g_test_add_func("/generator/attached", test_attached);
        g_test_add_func("/generator/generate", test_generate);
        return g_test_run();
}
