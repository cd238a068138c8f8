/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Audit: records taken apart and put into the BPF enforcer's words, the rules that they are about, and what is told of them. */

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "bpf/compile.h"
#include "bpf/table.h"
#include "explain.h"
#include "policy-ops.h"
#include "words.h"
#include "yaml-tree.h"

#define HEAD "audit(1795563883.628:116): "

static AuditRecord *parse(uint32_t type, const char *text)
{
        AuditRecord *r = g_malloc(sizeof(*r));

        g_test_message("%s", text);
        g_assert_cmpint(audit_record_parse(r, type, text, strlen(text)), ==, 0);
        return r;
}

static void assert_text(AuditText t, const char *expected)
{
        g_assert_cmpmem(t.data, t.size, expected, strlen(expected));
}

/* ---- records --------------------------------------------------------------------------------------------------------- */

static void test_seccomp_record(void)
{
        g_autofree AuditRecord *r =
                parse(AUDIT_SECCOMP, HEAD "auid=4294967295 uid=33 gid=0 ses=4294967295 subj=varmor.web pid=252 comm=\"a b\" "
                                          "exe=\"/usr/bin/x\" sig=0 arch=c000003e syscall=41 compat=0 ip=0x439dd9 code=0x50000");

        g_assert_cmpuint(r->time_usec, ==, 1795563883628000ULL);
        g_assert_cmpuint(r->serial, ==, 116);
        g_assert_cmpint(r->pid, ==, 252);
        g_assert_cmpint(r->uid, ==, 33);
        assert_text(r->comm, "a b");
        g_assert_cmpint(r->arch, ==, AUDIT_ARCH_X86_64);
        g_assert_cmpint(r->syscall, ==, 41);
        g_assert_cmpint(r->code, ==, SECCOMP_RET_ERRNO);
}

static void test_apparmor_record(void)
{
        g_autofree AuditRecord *r =
                parse(AUDIT_AVC, HEAD "apparmor=\"DENIED\" operation=\"open\" class=\"file\" profile=\"varmor.web\" "
                                      "name=2F746D702F73656372657420782279 pid=223 comm=636174 requested_mask=\"r\" fsuid=7 ouid=0");

        assert_text(r->name, "/tmp/secret x\"y");
        assert_text(r->comm, "cat");
        assert_text(r->profile, "varmor.web");
        g_assert_cmpint(r->uid, ==, 7);
        g_assert_null(r->ns.data);
}

static void test_no_records(void)
{
        static const char *const texts[] = {
                "", "audit", "audit(1:2): pid=1", HEAD, HEAD "apparmor=\"DENIED\" operation=\"open\" profile=\"varmor.web\"",
                HEAD "apparmor=\"DENIED\" operation=\"open\" profile=\"varmor.web\" pid=0",
                HEAD "apparmor=\"DENIED\" operation=\"open\" profile=\"varmor.web\" pid=99999999999",
                HEAD "apparmor=\"DENIED\" operation=\"open\" profile=\"varmor.web pid=1", /* cut */
                HEAD "avc:  denied  { read } for  pid=1 comm=\"x\"",                       /* SELinux's */
        };
        g_autofree AuditRecord *r = g_malloc(sizeof(*r));

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_test_message("%s", texts[i]);
                g_assert_cmpint(audit_record_parse(r, AUDIT_AVC, texts[i], strlen(texts[i])), ==, -EBADMSG);
        }
        g_assert_cmpint(audit_record_parse(r, AUDIT_SYSCALL, HEAD "pid=1", strlen(HEAD "pid=1")), ==, -EBADMSG);
}

/* A name that looks like more of the record is in digits, and what looks like a part in a quoted one is none. */
static void test_forged(void)
{
        g_autofree AuditRecord *r = parse(AUDIT_AVC, HEAD "apparmor=\"DENIED\" operation=\"open\" profile=\"varmor.web\" "
                                                          "name=\"/a profile=varmor.other\" pid=1 comm=\"x\" profile=\"varmor.b\"");

        assert_text(r->name, "/a profile=varmor.other");
        assert_text(r->profile, "varmor.web"); /* the first */
}

/* ---- words ------------------------------------------------------------------------------------------------------------- */

static const struct {
        const char *text, *operation, *object, *object2, *requested, *table_object;
} samples[] = {
        {"operation=\"open\" name=\"/tmp/secret\" requested_mask=\"r\"", "open", "/tmp/secret", NULL, "read", "/tmp/secret"},
        {"operation=\"open\" name=\"/tmp/secret\" requested_mask=\"wr\"", "open", "/tmp/secret", NULL, "read,write", "/tmp/secret"},
        {"operation=\"open\" name=\"/srv/\" requested_mask=\"r\"", "open", "/srv", NULL, "read", "/srv"},
        {"operation=\"open\" name=\"/\" requested_mask=\"r\"", "open", "/", NULL, "read", "/"},
        {"operation=\"mknod\" name=\"/tmp/n\" requested_mask=\"c\"", "create", "/tmp/n", NULL, "write", "/tmp/n"},
        {"operation=\"unlink\" name=\"/tmp/n\" requested_mask=\"d\"", "unlink", "/tmp/n", NULL, "write", "/tmp/n"},
        {"operation=\"rename_src\" name=\"/tmp/n\" requested_mask=\"wrd\"", "rename", "/tmp/n", NULL, "write", "/tmp/n"},
        {"operation=\"link\" name=\"/tmp/new\" requested_mask=\"xwracdm\" target=\"/tmp/old\"", "link", "/tmp/old", "/tmp/new", "write",
         "/tmp/new"},
        {"operation=\"rename_src\" name=\"/tmp/n\" requested_mask=\"r\"", "rename", "/tmp/n", NULL, "read", "/tmp/n"},
        {"operation=\"link\" name=\"/tmp/new\" requested_mask=\"r\" target=\"/tmp/old\"", "link", "/tmp/old", "/tmp/new", "read", "/tmp/old"},
        {"operation=\"link\" name=\"/tmp/new\" requested_mask=\"l\" target=\"/tmp/old\"", "link", "/tmp/old", "/tmp/new", "write", "/tmp/new"},
        {"operation=\"exec\" name=\"/bin/sh\" requested_mask=\"x\"", "exec", "/bin/sh", NULL, "exec", "/bin/sh"},
        {"operation=\"file_mmap\" name=\"/lib/x\" requested_mask=\"rm\"", "mmap", "/lib/x", NULL, "exec", "/lib/x"},
        {"operation=\"file_receive\" name=\"/x\" requested_mask=\"a\"", "receive", "/x", NULL, "append", "/x"},
        {"operation=\"capable\" capability=25  capname=\"sys_time\"", "capable", "sys_time", NULL, "", "/19"},
        {"operation=\"create\" family=\"inet\" sock_type=\"stream\" protocol=0 requested_mask=\"create\"", "socket", "inet stream tcp",
         NULL, "", "/02/1/t"},
        {"operation=\"create\" family=\"netlink\" sock_type=\"raw\" protocol=9 requested_mask=\"create\"", "socket", "netlink raw", NULL,
         "", "/10/3/o"},
        {"operation=\"ptrace\" requested_mask=\"tracedby\" peer=\"unconfined\"", "ptrace", "unconfined", NULL, "traceby", "/o/unconfined"},
        {"operation=\"signal\" requested_mask=\"send\" signal=term peer=\"varmor.web\"", "kill", "varmor.web", NULL, "", "/i/varmor.web"},
        {"operation=\"mount\" name=\"/mnt/\" fstype=\"tmpfs\" srcname=\"tmpfs\" flags=\"ro\"", "mount", "tmpfs", NULL, "", "/0/tmpfs:/tmpfs"},
        {"operation=\"mount\" name=\"/mnt/\" srcname=\"/srv/\" flags=\"rw, bind\"", "mount", "/srv", NULL, "", "/1/none/srv"},
        {"operation=\"mount\" name=\"/mnt/\" flags=\"ro, remount\"", "remount", "/mnt", NULL, "", "/0/none/mnt"},
        {"operation=\"umount\" name=\"/mnt/\"", "umount", "/mnt", NULL, "", "/b/none/mnt"},
        {"operation=\"userns_create\" requested_mask=\"userns_create\"", "userns_create", "user namespace", NULL, "", "/user"},
        {"operation=\"change_profile\" name=\"other\"", "change_profile", "other", NULL, "", NULL},
};

static void assert_bytes(GBytes *b, const char *expected)
{
        gsize size = 0;
        const void *data = b ? g_bytes_get_data(b, &size) : NULL;

        g_assert_cmpmem(data, size, expected ? expected : "", expected ? strlen(expected) : 0);
}

static void test_words(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
                g_autofree char *text = g_strdup_printf(HEAD "apparmor=\"DENIED\" %s profile=\"varmor.web\" pid=5 comm=\"x\"", samples[i].text);
                g_autofree AuditRecord *r = parse(AUDIT_AVC, text);
                g_auto(AuditWords) w = {0};
                g_autofree char *requested = NULL;

                g_assert_cmpint(audit_words(r, &w), ==, 0);
                g_assert_cmpint(w.action, ==, ACTION_DENIED);
                g_assert_cmpstr(w.operation, ==, samples[i].operation);
                assert_bytes(w.object, samples[i].object);
                assert_bytes(w.object2, samples[i].object2);
                requested = requested_to_string(w.kind, w.requested);
                g_assert_cmpstr(requested, ==, samples[i].requested);
                if (samples[i].table_object)
                        g_assert_true(g_strv_contains((const char *const *)w.table_objects, samples[i].table_object));
                else
                        g_assert_null(w.table_objects[0]);
        }
}

static void test_no_access(void)
{
        g_autofree AuditRecord *r = parse(AUDIT_AVC, HEAD "apparmor=\"STATUS\" operation=\"profile_load\" profile=\"unconfined\" "
                                                          "name=\"varmor.web\" pid=217 comm=\"apparmor_parser\"");
        g_auto(AuditWords) w = {0};

        g_assert_cmpint(audit_words(r, &w), ==, -ENOENT);
}

static void test_bind_names(void)
{
        static const struct {
                const char *profile, *names;
        } profiles[] = {
                {"profile=\"varmor.web\"", "web"},
                {"profile=\"varmor.system.slice+web\"", "system.slice+web"},
                {"profile=\"varmor.web//t1\"", "web"},
                {"profile=\"varmor.web//null-/usr/bin/x\"", "web"},
                {"label=\"varmor.a//&varmor.b//t1//&own\"", "a b"},
                {"label=\"varmor.a//&varmor.a//t1\"", "a"},
                {"profile=\"own\"", ""},
                {"profile=\"varmor.\"", ""},
                {"profile=\"varmorx.web\"", ""},
                {"namespace=\"c1\" profile=\"varmor.web\"", ""},
                {"label=\":c1:varmor.web//&own\"", ""},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
                g_autofree char *text = g_strdup_printf(HEAD "apparmor=\"AUDIT\" operation=\"open\" %s name=\"/x\" pid=5", profiles[i].profile);
                g_autofree AuditRecord *r = parse(AUDIT_AVC, text);
                g_auto(GStrv) names = audit_bind_names(r);
                g_autofree char *joined = g_strjoinv(" ", names);

                g_assert_cmpstr(joined, ==, profiles[i].names);
        }
}

/* ---- rules --------------------------------------------------------------------------------------------------------------- */

static struct va_table *compile_as(const char *text, bool allow_list, bool trial, bool audit)
{
        g_autoptr(GPtrArray) documents = NULL;
        g_autoptr(Policy) p = policy_new();
        g_autoptr(Profile) profile = NULL;
        g_autoptr(Diag) d = diag_new();
        OpContext c = {.rules = p->rules, .allow_list = allow_list};
        gsize size;
        const void *bytes;
        bool complete;

        p->mode = allow_list ? MODE_DEFENSE_IN_DEPTH : MODE_ENHANCE_PROTECT;
        p->privileged = true;
        p->audit_violations = audit;
        p->allow_violations = trial;
        p->depth[ENFORCER_BPF].classes = allow_list ? VA_CLASSES_ALL : 0;
        p->full_name = g_strdup("test");
        g_assert_cmpint(yaml_parse(text, strlen(text), "test.yaml", &documents, &complete, d), ==, 0);
        ops_parse_bpf(documents->pdata[0], "bpfRawRules", &c, d);
        policy_seal(p);
        g_assert_cmpint(bpf_compile(p, &profile, d), ==, 0);
        g_assert_cmpuint(d->messages->len, ==, 0);
        bytes = g_bytes_get_data(profile->blob, &size);
        g_assert_cmpint(table_validate(bytes, size, TABLE_POLICY), ==, 0);
        return g_memdup2(bytes, size);
}

static struct va_table *compile(const char *text, bool allow_list, bool trial)
{
        return compile_as(text, allow_list, trial, true);
}

static bool explain_of(const struct va_table *t, const AuditChild *child, const char *text, EnforcerEvent *event, bool *ret_quiet)
{
        g_autofree char *whole = g_strdup_printf(HEAD "apparmor=%s profile=\"varmor.web\" pid=5 comm=\"x\"", text);
        g_autofree AuditRecord *r = parse(AUDIT_AVC, whole);
        g_auto(AuditWords) w = {0};

        g_assert_cmpint(audit_words(r, &w), ==, 0);
        *event = (EnforcerEvent){0};
        return audit_explain(t, child, &w, event, ret_quiet);
}

static bool explain(const struct va_table *t, const char *text, EnforcerEvent *event)
{
        bool quiet;

        return explain_of(t, NULL, text, event, &quiet);
}

static bool is_quiet(const struct va_table *t, const AuditChild *child, const char *text)
{
        EnforcerEvent event;
        bool quiet;

        (void)explain_of(t, child, text, &event, &quiet);
        return quiet;
}

static void test_explain(void)
{
        static const char ops[] = "{files: [{pattern: /srv/a/**, permissions: [r]}, {pattern: /srv/b/**, permissions: [w]}], "
                                  "capabilities: [sys_time], mounts: [{sourcePattern: \"**\", fstype: tmpfs, flags: [ro]}], "
                                  "network: {sockets: [{domains: [inet], types: [dgram]}]}}";
        g_autofree struct va_table *t = compile(ops, false, false), *trial = compile(ops, false, true);
        EnforcerEvent e;
        int32_t file_rule;

        g_assert_true(explain(t, "\"DENIED\" operation=\"open\" name=\"/srv/a/x\" requested_mask=\"r\"", &e));
        g_assert_cmpint(e.reason, ==, REASON_RULE);
        g_assert_cmpint(e.action, ==, ACTION_DENIED);
        g_assert_cmpint(e.rule, >=, 0);
        file_rule = e.rule;
        g_assert_true(explain(t, "\"DENIED\" operation=\"unlink\" name=\"/srv/b/x\" requested_mask=\"d\"", &e));
        g_assert_cmpint(e.rule, !=, file_rule);
        g_assert_false(explain(t, "\"DENIED\" operation=\"open\" name=\"/srv/c\" requested_mask=\"r\"", &e));
        g_assert_cmpint(e.rule, ==, -1);
        g_assert_true(explain(t, "\"DENIED\" operation=\"capable\" capname=\"sys_time\"", &e));
        g_assert_false(explain(t, "\"DENIED\" operation=\"capable\" capname=\"sys_admin\"", &e));
        g_assert_true(explain(t, "\"DENIED\" operation=\"create\" family=\"inet\" sock_type=\"dgram\" protocol=17", &e));
        g_assert_false(explain(t, "\"DENIED\" operation=\"create\" family=\"inet\" sock_type=\"stream\" protocol=6", &e));
        g_assert_true(explain(t, "\"DENIED\" operation=\"mount\" name=\"/m/\" fstype=\"tmpfs\" srcname=\"tmpfs\" flags=\"ro\"", &e));
        g_assert_false(explain(t, "\"DENIED\" operation=\"mount\" name=\"/m/\" fstype=\"tmpfs\" srcname=\"tmpfs\"", &e));
        /* On trial it is let through, and the same rule says it. */
        g_assert_true(explain(trial, "\"AUDIT\" operation=\"open\" name=\"/srv/a/x\" requested_mask=\"r\"", &e));
        g_assert_cmpint(e.action, ==, ACTION_AUDIT);
        g_assert_cmpint(e.rule, ==, file_rule);
        g_assert_false(explain(NULL, "\"DENIED\" operation=\"open\" name=\"/srv/a/x\" requested_mask=\"r\"", &e));
        g_assert_true(explain(t, "\"DENIED\" operation=\"open\" info=\"Failed name lookup - disconnected path\" name=\"x\" requested_mask=\"r\"", &e));
        g_assert_cmpint(e.reason, ==, REASON_NO_PATH);
}

/* The kernel reports a link that may not be made even where nothing is to be told. */
static void test_explain_link(void)
{
        static const char ops[] = "{files: [{pattern: /srv/a/**, permissions: [r, w]}]}";
        static const char text[] = "\"DENIED\" operation=\"link\" name=\"/tmp/new\" requested_mask=\"wr\" target=\"/srv/a/x\"";
        g_autofree struct va_table *t = compile(ops, false, false), *quiet = compile_as(ops, false, false, false);
        EnforcerEvent e;

        g_assert_true(explain(t, text, &e));
        g_assert_cmpint(e.rule, >=, 0);
        g_assert_false(is_quiet(t, NULL, text));
        g_assert_true(is_quiet(quiet, NULL, text));
        g_assert_false(is_quiet(NULL, NULL, text));
}

/* What is denied in silence and comes all the same: because of a rule that shall be told of nearby. */
static void test_quiet(void)
{
        static const char ops[] = "{files: [{pattern: /srv/**, permissions: [r]}, {pattern: /srv/a, permissions: [r], qualifiers: [audit]}]}";
        static const struct {
                const char *text;
                bool quiet;
        } cases[] = {
                {"\"DENIED\" operation=\"open\" name=\"/srv/a\" requested_mask=\"r\"", false},
                {"\"DENIED\" operation=\"open\" name=\"/srv/b\" requested_mask=\"r\"", true},
                {"\"DENIED\" operation=\"open\" name=\"/srv/b\" requested_mask=\"w\"", false},
                {"\"AUDIT\" operation=\"open\" name=\"/srv/b\" requested_mask=\"r\"", false},
        };
        g_autofree struct va_table *t = compile_as(ops, false, false, false);

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_true(is_quiet(t, NULL, cases[i].text) == cases[i].quiet);
}

static bool is_number(void *userdata, uint32_t rule)
{
        return rule == GPOINTER_TO_UINT(userdata);
}

/* A child's record is of the child's rules, and the whole's of none that has targets. */
static void test_explain_child(void)
{
        static const char ops[] = "{files: [{pattern: /srv/a, permissions: [r], qualifiers: [deny, audit]},"
                                  "{pattern: /srv/a, permissions: [r], targets: [/bin/x]}, {pattern: /srv/b, permissions: [r]},"
                                  "{pattern: /srv/b, permissions: [r], qualifiers: [deny, audit], targets: [/bin/y]}]}";
        static const char a[] = "\"DENIED\" operation=\"open\" name=\"/srv/a\" requested_mask=\"r\"";
        static const char b[] = "\"DENIED\" operation=\"open\" name=\"/srv/b\" requested_mask=\"r\"";
        const AuditChild x = {is_number, GUINT_TO_POINTER(1)}, y = {is_number, GUINT_TO_POINTER(3)};
        g_autofree struct va_table *t = compile_as(ops, false, false, false);
        EnforcerEvent e;
        bool quiet;

        g_assert_true(explain_of(t, NULL, a, &e, &quiet) && e.rule == 0 && !quiet);
        g_assert_true(explain_of(t, &x, a, &e, &quiet) && e.rule == 1 && quiet);
        g_assert_false(explain_of(t, &y, a, &e, &quiet) || quiet);
        g_assert_true(explain_of(t, NULL, b, &e, &quiet) && e.rule == 2 && quiet);
        g_assert_true(explain_of(t, &y, b, &e, &quiet) && e.rule == 3 && !quiet);
}

static void test_explain_allow_list(void)
{
        static const char ops[] = "{files: [{pattern: /srv/a/**, permissions: [r]}], capabilities: [sys_time]}";
        g_autofree struct va_table *t = compile(ops, true, false), *trial = compile(ops, true, true);
        EnforcerEvent e;

        g_assert_true(explain(t, "\"DENIED\" operation=\"open\" name=\"/srv/c\" requested_mask=\"r\"", &e));
        g_assert_cmpint(e.reason, ==, REASON_DEFAULT);
        g_assert_cmpint(e.action, ==, ACTION_DENIED);
        g_assert_true(explain(t, "\"DENIED\" operation=\"mount\" name=\"/m/\" fstype=\"tmpfs\" srcname=\"tmpfs\" flags=\"ro\"", &e));
        g_assert_cmpint(e.reason, ==, REASON_DEFAULT);
        g_assert_true(explain(trial, "\"AUDIT\" operation=\"open\" name=\"/srv/c\" requested_mask=\"r\"", &e));
        g_assert_cmpint(e.reason, ==, REASON_DEFAULT);
        g_assert_cmpint(e.action, ==, ACTION_ALLOWED);
        g_assert_true(explain(trial, "\"AUDIT\" operation=\"capable\" capname=\"sys_admin\"", &e));
        g_assert_cmpint(e.action, ==, ACTION_ALLOWED);
}

/* ---- events ------------------------------------------------------------------------------------------------------------------ */

typedef struct Events {
        unsigned n;
        char policy[32], object[64], rule[64], unit[64];
        Action action;
        uint64_t count;
} Events;

static void on_event(const EnforcerEvent *e, void *userdata)
{
        Events *seen = userdata;

        seen->n++;
        seen->action = e->action;
        seen->count = e->count;
        g_strlcpy(seen->policy, e->policy, sizeof(seen->policy));
        g_strlcpy(seen->rule, e->rule_name ? e->rule_name : "", sizeof(seen->rule));
        g_strlcpy(seen->unit, e->cgroup ? e->cgroup : "(by id)", sizeof(seen->unit));
        g_snprintf(seen->object, sizeof(seen->object), "%s %.*s", e->operation, (int)e->object_size, (const char *)e->object);
}

static char **in_force(void *userdata)
{
        return g_strsplit("a b", " ", -1);
}

/* Of a and b: socket(2) of AF_INET by a, of AF_PACKET by b; clone3(2) by both, in silence. */
static bool explain_call(void *userdata, const AuditCall *c, EnforcerEvent *event, char **ret_rule_name, bool *ret_quiet)
{
        bool is_a = strcmp(event->policy, "a") == 0;

        *ret_quiet = c->syscall == 435;
        if (*ret_quiet)
                return true;
        if (c->syscall != 41 || (c->args && c->args[0] != (is_a ? 2 : 17)))
                return false;
        *ret_rule_name = g_strdup(is_a ? "inet" : "packet");
        return true;
}

static char *syscall_name(uint32_t arch, int32_t number)
{
        return arch == AUDIT_ARCH_X86_64 && number == 41 ? g_strdup("socket") : NULL;
}

static char **cover(void *userdata, const char *path)
{
        return g_strsplit("b", " ", -1);
}

static const AuditHooks seccomp_hooks = {
        .enforcer = ENFORCER_SECCOMP,
        .policies = in_force,
        .explain_call = explain_call,
        .syscall_name = syscall_name,
        .cover = cover,
};

static void test_call_origin(void)
{
        static const char *const both[] = {"a", "b", "gone", NULL};
        Events seen = {0};
        const EnforcerEnv env = {.on_event = on_event, .userdata = &seen};
        g_autoptr(Audit) a = audit_new(&seccomp_hooks, &env, NULL);
        AuditOrigin o = {.type = AUDIT_SECCOMP, .pid = 5, .tid = 6, .comm = "x", .cgroup_id = 42, .cgroup = "/s", .count = 3, .syscall = 41,
                         .arch = AUDIT_ARCH_X86_64, .code = SECCOMP_RET_ERRNO | 1, .args = {17}, .policies = both};

        audit_watched(a, true);
        audit_origin(a, &o);
        g_assert_cmpuint(seen.n, ==, 1);
        g_assert_cmpstr(seen.policy, ==, "b");
        g_assert_cmpstr(seen.rule, ==, "packet");
        g_assert_cmpstr(seen.object, ==, "syscall socket");
        g_assert_cmpstr(seen.unit, ==, "/s");
        g_assert_cmpint(seen.action, ==, ACTION_DENIED);
        g_assert_cmpuint(seen.count, ==, 3);
        o.args[0] = 2;
        o.code = SECCOMP_RET_LOG;
        audit_origin(a, &o);
        g_assert_cmpstr(seen.policy, ==, "a");
        g_assert_cmpint(seen.action, ==, ACTION_AUDIT);
        /* Neither policy's rules do that: it was a filter of the unit's own. */
        o.args[0] = 1;
        audit_origin(a, &o);
        o.syscall = 42;
        o.code = SECCOMP_RET_KILL_PROCESS;
        audit_origin(a, &o);
        g_assert_cmpuint(seen.n, ==, 2);
        /* Or one of ours from before a change. */
        o.code = SECCOMP_RET_ERRNO;
        audit_origin(a, &o);
        g_assert_cmpuint(seen.n, ==, 3);
        g_assert_cmpstr(seen.policy, ==, "a");
        g_assert_cmpstr(seen.rule, ==, "");
        g_assert_cmpstr(seen.object, ==, "syscall #42");
        /* What is not to be told is neither. */
        o.syscall = 435;
        audit_origin(a, &o);
        g_assert_cmpuint(seen.n, ==, 3);
        o.syscall = 42;
        o.policies = (const char *const[]){NULL};
        audit_origin(a, &o);
        o.type = AUDIT_AVC;
        audit_origin(a, &o);
        g_assert_cmpuint(seen.n, ==, 3);
}

/* The call @number fails with @error. Return: 0, or a number that says what is not as it should be. */
static int open_without(unsigned number, unsigned error)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = {.len = G_N_ELEMENTS(code), .filter = code};
        const EnforcerEnv env = {.on_event = on_event};
        g_autoptr(Audit) a = NULL;
        pid_t pid;
        int status;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
                return 77;
        a = audit_new(&seccomp_hooks, &env, NULL);
        if (error != EPERM)
                return !audit_missing(a) || audit_fallen_back(a);
        if (audit_missing(a) || !audit_fallen_back(a))
                return audit_missing(a) && strstr(audit_missing(a), "the journal") ? 77 : 2;
        /* A journal is of the process that has opened it: in another, reading it fails. */
        pid = fork();
        if (pid == 0)
                _exit(audit_dispatch(a, 1) >= 0 || !audit_missing(a) || audit_fallen_back(a) || audit_dispatch(a, 1) < 0);
        return pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 ? 3 : 0;
}

/* The journal stands in where the records are only not for us; where there are none, it would have none. */
static void test_fall_back(void)
{
        static const struct {
                unsigned call, error;
        } cases[] = {{SYS_socket, EPROTONOSUPPORT}, {SYS_bind, EPERM}};

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                pid_t pid = fork();
                int status;

                if (pid == 0)
                        _exit(open_without(cases[i].call, cases[i].error));
                g_assert_cmpint(pid, >, 0);
                g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
                if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
                        g_test_message("no filter, no audit or no journal here");
                else
                        g_assert_cmpint(status, ==, 0);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/audit/seccomp-record", test_seccomp_record);
        g_test_add_func("/audit/apparmor-record", test_apparmor_record);
        g_test_add_func("/audit/no-records", test_no_records);
        g_test_add_func("/audit/forged", test_forged);
        g_test_add_func("/audit/words", test_words);
        g_test_add_func("/audit/no-access", test_no_access);
        g_test_add_func("/audit/bind-names", test_bind_names);
        g_test_add_func("/audit/explain", test_explain);
        g_test_add_func("/audit/explain-link", test_explain_link);
        g_test_add_func("/audit/quiet", test_quiet);
        g_test_add_func("/audit/explain-child", test_explain_child);
        g_test_add_func("/audit/explain-allow-list", test_explain_allow_list);
        g_test_add_func("/audit/call-origin", test_call_origin);
        g_test_add_func("/audit/fall-back", test_fall_back);
        return g_test_run();
}
