/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Advice: which of the rules that are shipped a model speaks against, by each kind of operations; what cannot be told is never free;
 * and the policy that comes of it is one. */

#include <arpa/inet.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/socket.h>

#include "advice.h"
#include "policy-parse.h"
#include "yaml-tree.h"

#define ALL_ENFORCERS ((1U << _ENFORCER_KIND_MAX) - 1)
#define BIT(n) (UINT64_C(1) << (n))

static Catalogue *catalogue;
static Settings *settings;

static Catalogue *load(void)
{
        static const char *const names[] = {"attack-protection", "base", "capabilities", "hardening", "runtime-default",
                                           "vulnerability-mitigation"};
        Catalogue *c = catalogue_new();
        g_autoptr(Diag) d = diag_new();

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *name = g_strconcat(names[i], ".yaml", NULL), *text = NULL;
                g_autofree char *shown = g_strconcat("/usr/lib/varmor/rules.d/", name, NULL);
                g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "../../conf/rules.d", name, NULL);
                gsize size;

                g_assert_true(g_file_get_contents(path, &text, &size, NULL));
                (void)catalogue_parse(c, text, size, shown, settings, d);
        }
        catalogue_seal(c);
        g_assert_cmpuint(d->n_errors, ==, 0);
        return c;
}

/* A world in which /bin is usr/bin, and sh is dash. */
static char *fake_readlink(const char *path, void *userdata)
{
        return g_strdup(strcmp(path, "/bin") == 0            ? "usr/bin"
                        : strcmp(path, "/usr/bin/sh") == 0   ? "dash-0.5"
                        : strcmp(path, "/usr/bin/wget") == 0 ? "/opt/fetch"
                                                             : NULL);
}

/* ---- models -------------------------------------------------------------------------------------------------------------------- */

static Model *new_model(uint32_t kinds)
{
        Model *m = model_new();

        g_assert_cmpint(model_add_source(m, &(ModelSource){.unit = (char *)"web.service", .kinds = kinds}), ==, 0);
        return m;
}

static void add(Model *m, ModelOp o)
{
        const char *why;

        o.count = 1;
        why = model_op_check(&o);
        if (why)
                g_error("%s: %s", model_kind_to_string(o.kind), why);
        g_assert_cmpint(model_add(m, &o), ==, 0);
}

static void add_file(Model *m, const char *path, uint64_t perms)
{
        add(m, (ModelOp){.kind = MODEL_FILE, .object = (char *)path, .perms = perms});
}

static void add_call(Model *m, const char *name)
{
        add(m, (ModelOp){.kind = MODEL_SYSCALL, .object = (char *)name});
}

static ModelOp address(ModelKind k, const char *text, uint64_t port)
{
        ModelOp o = {.kind = k, .port = port};

        o.family = BIT(strchr(text, ':') ? AF_INET6 : AF_INET);
        g_assert_cmpint(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, o.address), ==, 1);
        return o;
}

/* What a small web server does. */
static Model *web_server(uint32_t kinds)
{
        static const char *const calls[] = {"accept4", "bind", "chmod", "clone", "clone3", "close", "epoll_wait", "execve", "ioctl", "listen",
                                            "mmap", "openat", "read", "rename", "setsockopt", "setuid", "socket", "write"};
        Model *m = new_model(kinds);

        add(m, (ModelOp){.kind = MODEL_EXEC, .object = (char *)"/usr/sbin/web", .second = (char *)"/usr/lib/systemd/systemd"});
        add_file(m, "/etc/web.conf", PERM_READ);
        add_file(m, "/usr/lib/x86_64-linux-gnu/libc.so.6", PERM_READ | PERM_EXEC);
        add_file(m, "/var/log/web/access.log", PERM_APPEND);
        add_file(m, "/var/lib/web/state.new", PERM_WRITE);
        add_file(m, "/dev/null", PERM_READ | PERM_WRITE);
        add(m, (ModelOp){.kind = MODEL_CAPABILITY, .number = BIT(CAP_NET_BIND_SERVICE)});
        add(m, (ModelOp){.kind = MODEL_CAPABILITY, .number = BIT(CAP_SETUID)});
        add(m, (ModelOp){.kind = MODEL_SOCKET, .family = BIT(AF_INET), .type = BIT(SOCK_STREAM), .protocol = PROTOCOL_TCP});
        add(m, (ModelOp){.kind = MODEL_SOCKET, .family = BIT(AF_UNIX), .type = BIT(SOCK_DGRAM)});
        add(m, address(MODEL_INGRESS, "0.0.0.0", 80));
        /* To connect is to write to the file, too. */
        add(m, (ModelOp){.kind = MODEL_EGRESS_UNIX, .object = (char *)"/run/systemd/journal/dev-log"});
        add_file(m, "/run/systemd/journal/dev-log", PERM_WRITE);
        for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
                add_call(m, calls[i]);
        return m;
}

static Advice *judge_with(Model *m, const AdviceUnit *unit, uint32_t enforcers)
{
        AdviceParams params = {.model = m, .unit = unit, .catalogue = catalogue, .enforcers = enforcers, .readlink = fake_readlink};

        if (m)
                model_seal(m);
        return advice_new(&params);
}

static const AdviceRule *find(const Advice *a, const char *id)
{
        for (guint i = 0; i < a->rules->len; i++) {
                const AdviceRule *r = a->rules->pdata[i];

                if (strcmp(r->named->id, id) == 0)
                        return r;
        }
        g_error("no advice about '%s'", id);
}

static void expect(const Advice *a, const char *id, AdviceVerdict v)
{
        const AdviceRule *r = find(a, id);

        if (r->verdict != v)
                g_error("%s: %s, expected %s (%s)", id, advice_verdict_to_string(r->verdict), advice_verdict_to_string(v), r->why ?: "");
        g_assert_cmpuint(r->against->len > 0, ==, v == ADVICE_AGAINST);
        g_assert_true(!!r->why == (v == ADVICE_UNKNOWN || v == ADVICE_IMPOSSIBLE));
}

/* ---- tests -------------------------------------------------------------------------------------------------------------------- */

static void test_web_server(void)
{
        static const char *const is_free[] = {"disable-shell", "disallow-mount", "disallow-insmod", "disable-access-shadow", "disallow-umount",
                                           "disable-write-etc", "disable-icmp", "disable-udp", "disallow-debug-disk-device",
                                           "disallow-create-user-ns", "disallow-load-all-bpf-prog", "disable-chmod-x-bit",
                                           "disallow-load-bpf-via-setsockopt", "disallow-userfaultfd-creation", "dirty-pipe-mitigation",
                                           "block-access-to-metadata-service", "copy-fail-mitigation", "disable-cap-sys-admin"};
        static const char *const against[] = {"disable-network", "disable-inet", "disable-tcp", "disable-unix-domain-socket",
                                              "disable-cap-all", "disable-cap-setuid", "disable-cap-net-bind-service"};
        g_autoptr(Model) m = web_server(MODEL_KINDS_ALL);
        g_autoptr(Advice) a = judge_with(m, NULL, ALL_ENFORCERS);

        for (size_t i = 0; i < G_N_ELEMENTS(is_free); i++)
                expect(a, is_free[i], ADVICE_FREE);
        for (size_t i = 0; i < G_N_ELEMENTS(against); i++)
                expect(a, against[i], ADVICE_AGAINST);
        expect(a, "ingress-nightmare-mitigation", ADVICE_IMPOSSIBLE);
        /* dirty-pipe-mitigation is seccomp's alone; AppArmor adds nothing. */
        g_assert_cmpuint(a->enforcers, ==, 1U << ENFORCER_BPF | 1U << ENFORCER_SECCOMP);
        g_assert_cmpint(a->base->verdict, ==, ADVICE_FREE);
        for (guint i = 0; i < a->ground->against->len; i++) {
                const AdviceCase *c = &g_array_index(a->ground->against, AdviceCase, i);
                g_autofree char *text = advice_op_text(c->op);

                g_test_message("against RuntimeDefault: %s", text);
        }
        g_assert_cmpint(a->ground->verdict, ==, ADVICE_FREE);
}

static void test_within(void)
{
        g_autoptr(Model) m = new_model(MODEL_KINDS_ALL), web = web_server(MODEL_KINDS_ALL);
        g_autoptr(Advice) a = judge_with(m, NULL, 1U << ENFORCER_BPF), b = judge_with(web, NULL, 1U << ENFORCER_BPF);

        g_assert_null(find(a, "disable-cap-all")->within);
        g_assert_cmpstr(find(a, "disable-cap-chown")->within->id, ==, "disable-cap-all");
        g_assert_cmpstr(find(b, "disallow-insmod")->within->id, ==, "disable-cap-privileged");
        g_assert_null(find(b, "disable-cap-chown")->within);
}

/* One operation, and a rule that is free without it. */
static const struct {
        const char *rule;
        ModelOp op;
        bool maybe;
} speaks[] = {
        {"disable-shell", {.kind = MODEL_EXEC, .object = (char *)"/usr/bin/dash-0.5"}, false},
        {"disable-shell", {.kind = MODEL_EXEC, .object = (char *)"/opt/app/bin/bash"}, false},
        {"disable-wget", {.kind = MODEL_EXEC, .object = (char *)"/opt/fetch"}, false},
        {"disable-shell", {.kind = MODEL_FILE, .object = (char *)"/srv/root/bin/sh", .perms = PERM_WRITE}, true},
        {"disable-write-etc", {.kind = MODEL_FILE, .object = (char *)"/etc/resolv.conf", .owner_perms = PERM_WRITE}, false},
        {"disable-write-etc", {.kind = MODEL_FILE, .object = (char *)"/etc/log", .perms = PERM_APPEND}, false},
        {"disable-access-ssh-dir", {.kind = MODEL_FILE, .object = (char *)"/root/.ssh", .perms = PERM_READ}, false},
        {"mitigate-overlayfs-leak", {.kind = MODEL_FILE, .object = (char *)"/proc/17/mounts", .perms = PERM_READ}, false},
        {"mitigate-sa-leak", {.kind = MODEL_FILE, .object = (char *)"/run/secrets", .perms = PERM_WRITE}, true},
        {"disallow-debug-disk-device", {.kind = MODEL_FILE, .object = (char *)"/dev/sda1", .perms = PERM_READ}, false},
        {"disallow-debug-disk-device", {.kind = MODEL_FILE, .object = (char *)"/dev/mine", .perms = PERM_READ}, true},
        {"block-access-to-container-runtime", {.kind = MODEL_EGRESS_UNIX, .object = (char *)"/run/docker.sock"}, false},
        {"block-access-to-service-manager", {.kind = MODEL_EGRESS_UNIX, .object = (char *)"/run/dbus/system_bus_socket"}, false},
        {"disallow-mount", {.kind = MODEL_MOUNT, .object = (char *)"tmpfs", .second = (char *)"tmpfs", .flags = BIT(MOUNT_RW)}, false},
        {"disallow-umount", {.kind = MODEL_MOUNT, .object = (char *)"/mnt", .flags = BIT(MOUNT_UMOUNT)}, false},
        {"disallow-mount-procfs", {.kind = MODEL_MOUNT, .object = (char *)"proc", .second = (char *)"proc", .flags = BIT(MOUNT_RW)}, false},
        {"disallow-mount-disk-device", {.kind = MODEL_MOUNT, .object = (char *)"/dev/sda1", .second = (char *)"ext4", .flags = BIT(MOUNT_RW)}, false},
        {"disallow-mount-disk-device", {.kind = MODEL_MOUNT, .object = (char *)"/srv/image", .second = (char *)"ext4", .flags = BIT(MOUNT_RW)}, true},
        {"disable-access-shadow", {.kind = MODEL_MOUNT, .object = (char *)"/etc", .flags = BIT(MOUNT_BIND)}, true},
        {"disallow-access-procfs-root", {.kind = MODEL_PTRACE, .object = (char *)"x", .outside = 1, .perms = PTRACE_PERM_READ}, false},
        {"disallow-create-user-ns", {.kind = MODEL_USERNS}, false},
        {"disallow-create-user-ns", {.kind = MODEL_SYSCALL, .object = (char *)"setns"}, true},
        {"disallow-load-all-bpf-prog", {.kind = MODEL_BPF, .number = BIT(5)}, false},
        {"disallow-userfaultfd-creation", {.kind = MODEL_NAMED, .number = BIT(NAMED_USERFAULTFD)}, false},
        {"disable-chmod-x-bit", {.kind = MODEL_NAMED, .number = BIT(NAMED_MAKE_EXECUTABLE)}, false},
        {"dirty-pipe-mitigation", {.kind = MODEL_SYSCALL, .object = (char *)"splice"}, false},
        {"disable-udp", {.kind = MODEL_SOCKET, .family = BIT(AF_INET6), .type = BIT(SOCK_DGRAM), .protocol = PROTOCOL_UDP}, false},
        {"disallow-load-bpf-prog", {.kind = MODEL_CAPABILITY, .number = BIT(CAP_BPF)}, false},
        {"copy-fail-mitigation", {.kind = MODEL_SOCKET, .family = BIT(38), .type = BIT(SOCK_SEQPACKET)}, false},
        /* An egress rule implies no packet sockets. */
        {"block-access-to-metadata-service", {.kind = MODEL_SOCKET, .family = BIT(17), .type = BIT(SOCK_RAW)}, false},
        {"disable-icmp", {.kind = MODEL_SYSCALL, .object = (char *)"io_uring_setup"}, false},
        {"disable-cap-sys-admin", {.kind = MODEL_SYSCALL, .object = (char *)"io_uring_register"}, true},
        {"disallow-mount", {.kind = MODEL_SYSCALL, .object = (char *)"open_tree"}, true},
        {"disallow-mount", {.kind = MODEL_SYSCALL, .object = (char *)"open_tree", .index = 2, .mask = 1, .value = 1}, false},
};

static void test_speaks(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(speaks); i++) {
                g_autoptr(Model) m = web_server(MODEL_KINDS_ALL);
                g_autoptr(Advice) a = NULL;
                const AdviceRule *r;

                add(m, speaks[i].op);
                model_seal(m);
                a = judge_with(m, NULL, 1U << ENFORCER_BPF | 1U << ENFORCER_SECCOMP);
                r = find(a, speaks[i].rule);
                /* Both enforcers are chosen as long as more is free with them; else what seccomp would deny is no matter. */
                if (a->enforcers >> ENFORCER_SECCOMP & 1 || speaks[i].op.kind != MODEL_SYSCALL) {
                        bool found = false;

                        expect(a, speaks[i].rule, ADVICE_AGAINST);
                        for (guint n = 0; n < r->against->len; n++) {
                                const AdviceCase *c = &g_array_index(r->against, AdviceCase, n);

                                if (model_op_compare(c->op, &speaks[i].op) != 0)
                                        continue;
                                found = true;
                                if (c->maybe != speaks[i].maybe)
                                        g_error("%s: case %zu may%s be", speaks[i].rule, i, c->maybe ? "" : " not");
                        }
                        g_assert_true(found);
                } else {
                        g_autoptr(Advice) b = judge_with(m, NULL, 1U << ENFORCER_SECCOMP);

                        g_assert_cmpint(find(b, speaks[i].rule)->verdict, ==, ADVICE_AGAINST);
                }
        }
}

static void test_addresses(void)
{
        static const struct {
                const char *address, *rule;
                AdviceVerdict v;
        } cases[] = {
                {"169.254.169.254", "block-access-to-aws-metadata-service", ADVICE_AGAINST},
                {"fd00:ec2::254", "block-access-to-aws-metadata-service", ADVICE_AGAINST},
                {"::ffff:169.254.169.254", "block-access-to-aws-metadata-service", ADVICE_AGAINST},
                {"169.254.169.253", "block-access-to-aws-metadata-service", ADVICE_FREE},
                {"192.0.2.7", "block-access-to-kube-apiserver", ADVICE_FREE},
                {"192.0.2.1", "block-access-to-kube-apiserver", ADVICE_AGAINST},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Model) m = new_model(MODEL_KINDS_ALL);
                g_autoptr(Advice) a = NULL;

                add(m, address(MODEL_EGRESS, cases[i].address, 6443));
                a = judge_with(m, NULL, ALL_ENFORCERS);
                expect(a, cases[i].rule, cases[i].v);
        }
}

/* What the model cannot know is not free. */
static void test_unknown(void)
{
        g_autoptr(Model) no_exec = web_server(MODEL_KINDS_ALL & ~(1U << MODEL_EXEC)), lossy = web_server(MODEL_KINDS_ALL);
        ModelSource s = {.unit = (char *)"web.service", .kinds = MODEL_KINDS_ALL, .lost = {[MODEL_FILE] = 3}};
        g_autoptr(Model) bare = model_new();
        g_autoptr(Advice) a = NULL, b = NULL, c = NULL;

        a = judge_with(no_exec, NULL, ALL_ENFORCERS);
        expect(a, "disable-shell", ADVICE_UNKNOWN);
        g_assert_cmpstr(find(a, "disable-shell")->why, ==, "operations of the kind exec were not recorded");
        expect(a, "disallow-insmod", ADVICE_FREE);

        g_assert_cmpint(model_add_source(lossy, &s), ==, 0);
        add_file(lossy, "/etc/shadow", PERM_READ);
        b = judge_with(lossy, NULL, ALL_ENFORCERS);
        expect(b, "disable-write-etc", ADVICE_UNKNOWN);
        g_assert_cmpstr(find(b, "disable-write-etc")->why, ==, "3 operations of the kind file were lost");
        expect(b, "disable-access-shadow", ADVICE_AGAINST);
        expect(b, "disallow-insmod", ADVICE_FREE);

        c = judge_with(bare, NULL, ALL_ENFORCERS);
        g_assert_cmpuint(c->n_free, ==, 0);
}

static void test_properties(void)
{
        AdviceUnit u = {.known = true, .root = true, .bounding = BIT(CAP_CHOWN), .families = BIT(AF_UNIX), .user_namespaces = false};
        g_autoptr(Advice) a = judge_with(NULL, &u, ALL_ENFORCERS), b = NULL, c = NULL, d = NULL;
        g_autofree char *text = NULL;

        g_assert_cmpstr(find(a, "disallow-insmod")->property, ==, "CapabilityBoundingSet=");
        g_assert_cmpstr(find(a, "disable-inet")->property, ==, "RestrictAddressFamilies=");
        g_assert_cmpstr(find(a, "disallow-create-user-ns")->property, ==, "RestrictNamespaces=");
        expect(a, "disable-cap-chown", ADVICE_UNKNOWN);
        expect(a, "disable-network", ADVICE_UNKNOWN);
        expect(a, "disable-shell", ADVICE_UNKNOWN);
        g_assert_cmpuint(a->enforcers, ==, 1U << ENFORCER_BPF);
        text = advice_policy(a, "web.service", NULL);
        g_assert_nonnull(strstr(text, "A guess, from the unit's RestrictAddressFamilies="));

        /* In a user namespace of its own it would have all capabilities. */
        u.user_namespaces = true;
        b = judge_with(NULL, &u, ALL_ENFORCERS);
        expect(b, "disallow-insmod", ADVICE_UNKNOWN);
        /* Lines with "+" are not under any of it. */
        u.user_namespaces = false;
        u.privileged_line = true;
        c = judge_with(NULL, &u, ALL_ENFORCERS);
        g_assert_cmpuint(c->n_free, ==, 0);
        u = (AdviceUnit){.known = true, .no_new_privileges = true, .bounding = UINT64_MAX, .families = UINT64_MAX};
        d = judge_with(NULL, &u, ALL_ENFORCERS);
        g_assert_cmpstr(find(d, "disable-cap-all")->property, ==, "User= and NoNewPrivileges=");
}

/* What seccomp would deny spoils a rule only where seccomp is chosen. */
static void test_choice(void)
{
        g_autoptr(Model) m = web_server(MODEL_KINDS_ALL);
        g_autoptr(Advice) a = NULL, b = NULL, c = NULL;

        a = judge_with(m, NULL, 1U << ENFORCER_APPARMOR);
        g_assert_cmpuint(a->enforcers, ==, 1U << ENFORCER_APPARMOR);
        expect(a, "dirty-pipe-mitigation", ADVICE_IMPOSSIBLE);
        expect(a, "disable-shell", ADVICE_FREE);
        b = judge_with(m, NULL, 1U << ENFORCER_SECCOMP);
        expect(b, "dirty-pipe-mitigation", ADVICE_FREE);
        expect(b, "disable-shell", ADVICE_IMPOSSIBLE);

        /* Nothing is left for seccomp that BPF cannot do. */
        add_call(m, "splice");
        add_call(m, "io_uring_setup");
        add_call(m, "setns");
        c = judge_with(m, NULL, ALL_ENFORCERS);
        g_assert_cmpuint(c->enforcers, ==, 1U << ENFORCER_BPF);
        expect(c, "disallow-create-user-ns", ADVICE_FREE);
        expect(c, "dirty-pipe-mitigation", ADVICE_IMPOSSIBLE);
}

/* As BPF records them: of some calls the argument that matters. */
static void test_arguments(void)
{
        static const ModelOp ops[] = {
                {.kind = MODEL_SYSCALL, .object = (char *)"socket", .mask = UINT32_MAX, .value = AF_INET},
                {.kind = MODEL_SYSCALL, .object = (char *)"clone", .mask = 0x7e020000},
                {.kind = MODEL_SYSCALL, .object = (char *)"ioctl", .index = 1, .mask = 0xff00, .value = 0x5400},
                {.kind = MODEL_SOCKET, .family = BIT(AF_INET), .type = BIT(SOCK_STREAM), .protocol = PROTOCOL_TCP},
        };
        g_autoptr(Model) m = new_model(MODEL_KINDS_ALL);
        g_autoptr(Advice) a = NULL, b = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(ops); i++)
                add(m, ops[i]);
        a = judge_with(m, NULL, 1U << ENFORCER_SECCOMP);
        expect(a, "disable-tcp", ADVICE_AGAINST);
        expect(a, "disable-inet", ADVICE_AGAINST);
        expect(a, "disable-udp", ADVICE_FREE);
        expect(a, "disable-inet6", ADVICE_FREE);
        expect(a, "disallow-create-user-ns", ADVICE_FREE);
        expect(a, "disallow-userfaultfd-creation", ADVICE_FREE);
        g_assert_cmpint(a->ground->verdict, ==, ADVICE_FREE);
        /* A family of which no socket came to be. */
        add(m, (ModelOp){.kind = MODEL_SYSCALL, .object = (char *)"socket", .mask = UINT32_MAX, .value = 40});
        b = judge_with(m, NULL, 1U << ENFORCER_SECCOMP);
        expect(b, "disable-udp", ADVICE_FREE);
        g_assert_cmpint(b->ground->verdict, ==, ADVICE_AGAINST);
}

static void test_policy(void)
{
        static const char *const units[] = {"web.service", "a\\x2db@1.service", "user-1000.slice", "run-r1.scope", "--.service"};
        g_autoptr(Model) m = web_server(MODEL_KINDS_ALL);
        g_autoptr(Advice) a = judge_with(m, NULL, ALL_ENFORCERS);

        for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
                g_autofree char *text = advice_policy(a, units[i], "# It is proposed.\n"), *again = advice_policy(a, units[i], "# It is proposed.\n");
                g_autoptr(GPtrArray) documents = NULL;
                g_autoptr(Policy) p = NULL;
                g_autoptr(Diag) d = diag_new();
                g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
                bool complete;

                g_test_message("%s", text);
                g_assert_cmpstr(text, ==, again);
                g_assert_cmpint(yaml_parse(text, strlen(text), "web.yaml", &documents, &complete, d), ==, 0);
                g_assert_cmpuint(documents->len, ==, 1);
                g_assert_cmpint(policy_parse(documents->pdata[0], catalogue, settings, &p, d), ==, 0);
                g_assert_cmpuint(d->messages->len, ==, 0);
                g_assert_cmpstr(p->target.name, ==, units[i]);
                g_assert_cmpint(p->mode, ==, MODE_ENHANCE_PROTECT);
                g_assert_cmpuint(p->enforcers, ==, a->enforcers);
                for (guint n = 0; n < p->rules->len; n++)
                        g_hash_table_add(ids, ((const Rule *)p->rules->pdata[n])->id);
                for (guint n = 0; n < a->rules->len; n++) {
                        const AdviceRule *r = a->rules->pdata[n];

                        g_assert_true(g_hash_table_contains(ids, r->named->id) == (r->verdict == ADVICE_FREE && !r->within));
                }
        }
}

static void test_words(void)
{
        static const struct {
                ModelOp op;
                const char *text;
        } cases[] = {
                {{.kind = MODEL_FILE, .object = (char *)"/a\nb\x1b[2J\xff", .perms = PERM_READ | PERM_WRITE}, "file /a\\x0ab\\x1b[2J\\xff read,write"},
                {{.kind = MODEL_EXEC, .object = (char *)"/bin/x", .second = (char *)"/bin/y"}, "exec /bin/x by /bin/y"},
                {{.kind = MODEL_CAPABILITY, .number = BIT(CAP_CHOWN)}, "capability chown"},
                {{.kind = MODEL_USERNS}, "userns"},
                {{.kind = MODEL_SYSCALL, .object = (char *)"socket", .mask = UINT32_MAX, .value = 2}, "syscall socket, argument 0 & 0xffffffff is 0x2"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *text = advice_op_text(&cases[i].op);

                g_assert_cmpstr(text, ==, cases[i].text);
        }
}

int main(int argc, char **argv)
{
        static char *disks[] = {(char *)"/dev/sda1", (char *)"/dev/block/8:1", (char *)"/dev/block/0:0", NULL};
        static char *api[] = {(char *)"192.0.2.1:6443", NULL};
        int r;

        g_test_init(&argc, &argv, NULL);
        settings = settings_new_default();
        settings->disks = g_strdupv(disks);
        g_strfreev(settings->kube_apiserver);
        settings->kube_apiserver = g_strdupv(api);
        catalogue = load();
        g_test_add_func("/advice/web-server", test_web_server);
        g_test_add_func("/advice/within", test_within);
        g_test_add_func("/advice/speaks", test_speaks);
        g_test_add_func("/advice/addresses", test_addresses);
        g_test_add_func("/advice/unknown", test_unknown);
        g_test_add_func("/advice/properties", test_properties);
        g_test_add_func("/advice/choice", test_choice);
        g_test_add_func("/advice/arguments", test_arguments);
        g_test_add_func("/advice/policy", test_policy);
        g_test_add_func("/advice/words", test_words);
        r = g_test_run();
        catalogue_free(catalogue);
        settings_free(settings);
        return r;
}
