/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects: rules of every kind but files, from their YAML through the compiled automaton to the texts that the programs make.
 * For each rule the objects that it is about, and those right beside them. */

#include <string.h>

#include "bpf/compile.h"
#include "bpf/objects.h"
#include "bpf/table.h"
#include "policy-ops.h"
#include "yaml-tree.h"

/* The automaton of a policy with the operations @text, which deny, or allow what is denied by default. */
static struct va_table *compile_ops(const char *text, bool allow_list)
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
        p->audit_violations = true;
        p->depth[ENFORCER_BPF].classes = allow_list ? VA_CLASSES_ALL : 0;
        p->full_name = g_strdup("test");
        g_assert_cmpint(yaml_parse(text, strlen(text), "test.yaml", &documents, &complete, d), ==, 0);
        ops_parse_bpf(documents->pdata[0], "bpfRawRules", &c, d);
        policy_seal(p);
        g_assert_cmpint(bpf_compile(p, &profile, d), ==, 0);
        for (guint i = 0; i < d->messages->len; i++) {
                g_autofree char *message = diag_message_format(d->messages->pdata[i]);

                g_error("%s: %s", text, message);
        }
        for (guint i = 0; i < profile->why_not->len; i++)
                g_assert_null(profile->why_not->pdata[i]);
        bytes = g_bytes_get_data(profile->blob, &size);
        g_assert_cmpint(table_validate(bytes, size, TABLE_POLICY), ==, 0);
        return g_memdup2(bytes, size);
}

#define F4 "/4/"
#define ZERO6 "/6/00000000000000000000000000000000"

static const struct {
        const char *ops;
        uint32_t kind;
        const char *in, *out;
} samples[] = {
        {"{capabilities: [net_admin, CAP_SYS_ADMIN]}", VA_KIND_CAPABILITY, "/0c /15", "/0d /00 /16 /1"},
        {"{capabilities: [all]}", VA_KIND_CAPABILITY, "/00 /0c /28 /3f", "/0 /001"},
        {"{capabilities: [all], exceptCapabilities: [net_bind_service]}", VA_KIND_CAPABILITY, "/00 /0b /28", "/0a"},
        {"{capabilities: [{names: [all], except: [chown]}]}", VA_KIND_CAPABILITY, "/01 /28", "/00"},
        {"{userNamespaces: true}", VA_KIND_USERNS, "/user", "/use /"},
        {"{operations: [userfaultfd]}", VA_KIND_NAMED, "/02", "/01 /03"},
        {"{operations: [{names: [make-executable, make-set-id], qualifiers: [deny]}]}", VA_KIND_NAMED, "/00 /01", "/02"},
        {"{bpf: [prog-load]}", VA_KIND_BPF, "/05", "/04 /06"},
        {"{bpf: [{commands: [map-create], qualifiers: [deny]}]}", VA_KIND_BPF, "/00", "/05"},
        {"{signal: {}}", VA_KIND_SIGNAL, "/o/sleep /o/", "/i/sleep"},
        {"{signal: {strictMode: true}}", VA_KIND_SIGNAL, "/o/sleep /i/a/b", "/x/sleep"},

        {"{network: {sockets: [{domains: [inet]}]}}", VA_KIND_SOCKET, "/02/1/t /02/3/o /02/2/u", "/0a/1/t /01/1/o /3f/1/o"},
        {"{network: {sockets: [{domains: [all]}]}}", VA_KIND_SOCKET, "/02/1/t /3f/f/o /01/5/o", "/2/1/t"},
        {"{network: {sockets: [{protocols: [tcp]}]}}", VA_KIND_SOCKET, "/02/1/t /0a/1/t", "/02/2/u /01/1/o /02/1/o"},
        {"{network: {sockets: [{domains: [inet], types: [raw, dgram]}]}}", VA_KIND_SOCKET, "/02/3/i /02/2/u", "/02/1/t /0a/3/i"},
        {"{network: {sockets: [{domains: [packet, alg]}]}}", VA_KIND_SOCKET, "/11/3/o /26/5/o", "/10/3/o /27/5/o"},

        {"{network: {egress: {toDestinations: [{ip: 169.254.169.254}]}}}", VA_KIND_EGRESS,
         F4 "a9fea9fe/0050/- " F4 "a9fea9fe/0000/h", F4 "a9fea9ff/0050/- /6/00000000000000000000ffffa9fea9fe/0050/-"},
        {"{network: {egress: {toDestinations: [{ip: 169.254.169.254}]}}}", VA_KIND_SOCKET,
         "/11/3/o /02/3/i /0a/3/o /2c/3/o", "/02/1/t /02/2/u /01/1/o"},
        {"{network: {egress: {toDestinations: [{ip: '::ffff:10.0.0.1'}]}}}", VA_KIND_EGRESS, F4 "0a000001/0001/-", F4 "0a000002/0001/-"},
        {"{network: {egress: {toDestinations: [{cidr: 10.0.0.0/9}]}}}", VA_KIND_EGRESS,
         F4 "0a000000/ffff/- " F4 "0a7fffff/0001/-", F4 "0a800000/0001/- " F4 "09ffffff/0001/-"},
        {"{network: {egress: {toDestinations: [{cidr: 0.0.0.0/0}]}}}", VA_KIND_EGRESS, F4 "0a000000/ffff/- " F4 "00000000/0000/-",
         "/6/20010db8000000000000000000000001/0001/-"},
        {"{network: {egress: {toDestinations: [{cidr: '2001:db8::/33'}]}}}", VA_KIND_EGRESS,
         "/6/20010db87fff00000000000000000001/0001/-", "/6/20010db8800000000000000000000001/0001/- " F4 "20010db8/0001/-"},
        {"{network: {egress: {toDestinations: [{ip: 10.0.0.1, ports: [{port: 80}, {port: 1000, endPort: 1100}]}]}}}", VA_KIND_EGRESS,
         F4 "0a000001/0050/- " F4 "0a000001/03e8/- " F4 "0a000001/044c/- " F4 "0a000001/0400/-",
         F4 "0a000001/0051/- " F4 "0a000001/03e7/- " F4 "0a000001/044d/- " F4 "0a000001/0000/-"},
        /* The unspecified address is another name of this host. */
        {"{network: {egress: {toDestinations: [{ip: localhost}]}}}", VA_KIND_EGRESS,
         F4 "7f000001/0050/h " F4 "7f123456/0050/- " F4 "00000000/0050/- /6/00000000000000000000000000000001/0050/h " ZERO6 "/0050/-",
         F4 "80000001/0050/- " F4 "00000001/0050/-"},
        {"{network: {egress: {toDestinations: [{ip: host-self}]}}}", VA_KIND_EGRESS, F4 "0a000001/0050/h " F4 "00000000/0050/-",
         F4 "0a000001/0050/-"},
        {"{network: {egress: {toDestinations: [{unix: ['/run/x.sock', '@abs*']}]}}}", VA_KIND_EGRESS_UNIX,
         "/run/x.sock /@abs /@abstract", "/run/y.sock /@ab"},

        /* Who listens on every address listens on this one, and on IPv6's also for IPv4. */
        {"{network: {ingress: {toDestinations: [{ip: 10.0.0.1, ports: [{port: 80}]}]}}}", VA_KIND_INGRESS,
         F4 "0a000001/0050/- " F4 "00000000/0050/- " ZERO6 "/0050/-", F4 "0a000001/0051/- " F4 "0a000002/0050/-"},
        {"{network: {ingress: {toDestinations: [{unix: ['@x']}]}}}", VA_KIND_INGRESS_UNIX, "/@x", "/@y /x"},

        {"{mounts: [{sourcePattern: '**', fstype: proc, flags: [mount]}]}", VA_KIND_MOUNT, "/0/proc:/proc /1/proc/proc /P/proc:/none",
         "/0/sysfs:/proc /b/proc/proc /0/procfs:/x"},
        {"{mounts: [{sourcePattern: '/proc/**', fstype: '*', flags: [bind, umount]}]}", VA_KIND_MOUNT,
         "/Q/none/proc /Q/none/proc/1 /b/proc/proc", "/Q/none/process /1/none/proc /R/none/proc"},
        {"{mounts: [{sourcePattern: '/dev/{sda,vd}*', fstype: '*', flags: [rw]}]}", VA_KIND_MOUNT,
         "/1/ext4/dev/sda1 /1/ext4/dev/vda", "/1/ext4/dev/sdb /0/ext4/dev/sda /1/ext4/x/dev/sda1"},

        {"{mounts: [{sourcePattern: '/srv', fstype: none, flags: [bind]}]}", VA_KIND_MOUNT, "/Q/none/srv", "/Q/ext4/srv /R/none/srv"},
        {"{mounts: [{sourcePattern: 'nfs:*', fstype: '*', flags: [rw]}]}", VA_KIND_MOUNT, "/1/nfs:/nfs:x", "/1/nfs:/x /0/nfs:/nfs:x"},

        {"{ptrace: {permissions: [trace, readby]}}", VA_KIND_PTRACE, "/o/gdb", "/i/gdb"},
        {"{ptrace: {permissions: [read], strictMode: true}}", VA_KIND_PTRACE, "/o/gdb /i/gdb", "/u/gdb"},
};

static void check(const char *ops, const struct va_table *t, uint32_t kind, const char *objects, bool expected, bool allow)
{
        g_auto(GStrv) list = g_strsplit(objects, " ", -1);

        for (char **o = list; *o; o++) {
                const struct va_accept *a = table_match(t, kind, 0, *o);

                if ((a && (allow ? a->allow : a->deny)) == expected)
                        continue;
                g_test_message("%s: %s is %s", ops, *o, expected ? "not matched" : "matched");
                g_test_fail();
        }
}

static void test_deny(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
                g_autofree struct va_table *t = compile_ops(samples[i].ops, false);

                g_assert_cmphex(t->kinds & VA_CLASS_OF(samples[i].kind), !=, 0);
                g_assert_cmphex(t->default_deny, ==, 0);
                check(samples[i].ops, t, samples[i].kind, samples[i].in, true, false);
                check(samples[i].ops, t, samples[i].kind, samples[i].out, false, false);
        }
}

/* What goes beyond the words only where something is closed: an allow-list must not open it. */
static void test_allow(void)
{
        static const struct {
                const char *ops;
                uint32_t kind;
                const char *in, *out;
        } allowed[] = {
                {"{network: {egress: {toDestinations: [{ip: localhost}]}}}", VA_KIND_EGRESS, F4 "7f000001/0050/h",
                 F4 "00000000/0050/- " ZERO6 "/0050/-"},
                {"{network: {ingress: {toDestinations: [{ip: 10.0.0.1}]}}}", VA_KIND_INGRESS, F4 "0a000001/0050/h",
                 F4 "00000000/0050/- " ZERO6 "/0050/-"},
                {"{mounts: [{sourcePattern: '/srv', fstype: '*', flags: [rbind]}]}", VA_KIND_MOUNT, "/S/none/srv /Q/none/srv", "/1/none/srv"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(allowed); i++) {
                g_autofree struct va_table *t = compile_ops(allowed[i].ops, true);

                g_assert_cmphex(t->default_deny, ==, VA_CLASSES_ALL);
                g_assert_cmphex(t->start[VA_KIND_SOCKET][0], ==, 0);
                check(allowed[i].ops, t, allowed[i].kind, allowed[i].in, true, true);
                check(allowed[i].ops, t, allowed[i].kind, allowed[i].out, false, true);
        }
}

/* A device that is named by its numbers is meant wherever its file is; an allow-list says nothing of that. */
static void test_devices(void)
{
        static const struct {
                const char *ops;
                uint32_t kind;
                const char *in, *out;
        } named[] = {
                {"{files: [{pattern: '/dev/block/8:*', permissions: [read, write]}]}", VA_KIND_DEVICE,
                 "/dev/block/8:0 /dev/block/8:17", "/dev/block/80:0 /dev/char/8:0"},
                {"{files: [{pattern: '/dev/char/1:{3,5}', permissions: [read], except: ['/dev/char/1:5']}]}", VA_KIND_DEVICE,
                 "/dev/char/1:3", "/dev/char/1:5 /dev/block/1:3"},
                {"{files: [{pattern: '/dev/**', permissions: [read]}]}", VA_KIND_DEVICE, "", "/dev/block/8:0 /dev/char/1:3"},
                {"{mounts: [{sourcePattern: '/dev/block/{8:0,8:1}', fstype: '*', flags: [mount]}]}", VA_KIND_MOUNT,
                 "/c/ext4/dev/block/8:1 /0/ext4/dev/block/8:1", "/c/ext4/dev/block/8:2 /c/ext4/dev/sda1"},
                {"{mounts: [{sourcePattern: '/dev/block/8:0', fstype: xfs, flags: [mount]}]}", VA_KIND_MOUNT,
                 "/c/xfs/dev/block/8:0", "/c/ext4/dev/block/8:0"},
                {"{mounts: [{sourcePattern: '/dev/block/8:0', fstype: '*', flags: [bind, ro]}]}", VA_KIND_MOUNT,
                 "/0/ext4/dev/block/8:0", "/c/ext4/dev/block/8:0"},
                {"{mounts: [{sourcePattern: '**', fstype: '*', flags: [mount]}]}", VA_KIND_MOUNT, "/0/ext4/dev/sda",
                 "/c/ext4/dev/block/8:0"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(named); i++) {
                g_autofree struct va_table *t = compile_ops(named[i].ops, false), *allow = NULL;

                check(named[i].ops, t, named[i].kind, named[i].in, true, false);
                check(named[i].ops, t, named[i].kind, named[i].out, false, false);
                if (strstr(named[i].ops, "except"))
                        continue;
                allow = compile_ops(named[i].ops, true);
                for (uint32_t g = 0; g <= allow->n_groups; g++)
                        g_assert_cmphex(allow->start[VA_KIND_DEVICE][g], ==, 0);
        }
}

/* Every range of ports, against the numbers themselves. */
static void test_ports(void)
{
        static const uint16_t edges[][2] = {{1, 1}, {1, 65535}, {0x0fff, 0x1000}, {15, 17}, {255, 4097}, {0x1234, 0xfedc}, {8000, 8999}};

        for (size_t i = 0; i < G_N_ELEMENTS(edges); i++) {
                g_autofree char *ops = g_strdup_printf("{network: {egress: {toDestinations: [{ip: 10.0.0.1, ports: [{port: %u, "
                                                       "endPort: %u}]}]}}}",
                                                       edges[i][0], edges[i][1]);
                g_autofree struct va_table *t = compile_ops(ops, false);

                for (uint32_t port = 0; port < 65536; port++) {
                        g_autofree char *object = g_strdup_printf(F4 "0a000001/%04x/-", port);
                        const struct va_accept *a = table_match(t, VA_KIND_EGRESS, 0, object);

                        if ((a && a->deny) != (port >= edges[i][0] && port <= edges[i][1]))
                                g_error("%s: port %u", ops, port);
                }
        }
}

/* What a policy says nothing about must cost nothing. */
static void test_masks(void)
{
        g_autofree struct va_table *c = compile_ops("{capabilities: [net_raw]}", false);
        g_autofree struct va_table *s = compile_ops("{network: {sockets: [{domains: [inet6]}]}}", false);
        g_autofree struct va_table *all = compile_ops("{network: {sockets: [{domains: [all]}]}}", false);
        g_autofree struct va_table *allow = compile_ops("{capabilities: [net_raw]}", true);

        g_assert_cmphex(c->capabilities, ==, UINT64_C(1) << 13);
        g_assert_cmphex(c->kinds, ==, VA_CLASS_OF(VA_KIND_CAPABILITY));
        g_assert_cmphex(s->families, ==, UINT64_C(1) << 10);
        g_assert_cmphex(all->families, ==, UINT64_MAX);
        g_assert_cmphex(allow->capabilities, ==, UINT64_MAX);
        g_assert_cmphex(allow->families, ==, UINT64_MAX);
}

static void test_format(void)
{
        static const struct {
                uint32_t kind;
                const char *object, *text;
        } texts[] = {
                {VA_KIND_CAPABILITY, "/0c", "net_admin"},
                {VA_KIND_CAPABILITY, "/3e", "62"},
                {VA_KIND_CAPABILITY, "/zz", "-1"},
                {VA_KIND_SOCKET, "/02/1/t", "inet stream tcp"},
                {VA_KIND_SOCKET, "/11/3/o", "packet raw"},
                {VA_KIND_SOCKET, "/3f/f/o", "other 15"},
                {VA_KIND_SOCKET, "/02/1/!", "/02/1/!"},
                {VA_KIND_EGRESS, "/4/a9fea9fe/0050/-", "169.254.169.254:80"},
                {VA_KIND_INGRESS, "/6/fd000ec2000000000000000000000254/01bb/h", "[fd00:ec2::254]:443"},
                {VA_KIND_EGRESS, "/4/a9fea9fe/0050", "/4/a9fea9fe/0050"},
                {VA_KIND_EGRESS_UNIX, "/@name", "@name"},
                {VA_KIND_EGRESS_UNIX, "/run/x", "/run/x"},
                {VA_KIND_PTRACE, "/o/gdb", "gdb"},
                {VA_KIND_MOUNT, "/0/proc:/proc", "proc"},
                {VA_KIND_MOUNT, "/0/tmpfs:/", "tmpfs"},
                {VA_KIND_MOUNT, "/Q/none/srv/a", "/srv/a"},
                {VA_KIND_USERNS, "/user", "user namespace"},
                {VA_KIND_BPF, "/05", "prog-load"},
                {VA_KIND_NAMED, "/03", "attach-program"},
                {VA_KIND_FILE, "/etc/x", "/etc/x"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(GBytes) b = objects_format(texts[i].kind, (const uint8_t *)texts[i].object, strlen(texts[i].object));
                g_autofree char *got = g_strndup(g_bytes_get_data(b, NULL), g_bytes_get_size(b));

                g_assert_cmpstr(got, ==, texts[i].text);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/objects/deny", test_deny);
        g_test_add_func("/objects/allow", test_allow);
        g_test_add_func("/objects/devices", test_devices);
        g_test_add_func("/objects/ports", test_ports);
        g_test_add_func("/objects/masks", test_masks);
        g_test_add_func("/objects/format", test_format);
        return g_test_run();
}
