/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules: the catalogue that is shipped. Every rule is there, says what a person should know, and asks for the kinds of
 * operations that it is about; those of files and executables match what they should, through the compiled automaton. */

#include <linux/capability.h>
#include <string.h>

#include "bpf/compile.h"
#include "bpf/table.h"
#include "policy-parse.h"

#define KIND(k) (1U << OP_##k)

static Catalogue *catalogue;

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static Catalogue *load(const Settings *s)
{
        static const char *const names[] = {"attack-protection", "base", "capabilities", "hardening", "runtime-default",
                                           "vulnerability-mitigation"};
        g_autoptr(Catalogue) c = catalogue_new();
        g_autoptr(Diag) d = diag_new();

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *name = g_strconcat(names[i], ".yaml", NULL), *text = NULL;
                g_autofree char *shown = g_strconcat("/usr/lib/varmor/rules.d/", name, NULL);
                g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "../../conf/rules.d", name, NULL);
                gsize size;

                g_assert_true(g_file_get_contents(path, &text, &size, NULL));
                (void)catalogue_parse(c, text, size, shown, s, d);
        }
        catalogue_seal(c);

        for (guint i = 0; i < d->messages->len; i++) {
                g_autofree char *text = diag_message_format(d->messages->pdata[i]);

                g_test_message("%s", text);
        }
        g_assert_cmpuint(d->messages->len, ==, 0);
        return g_steal_pointer(&c);
}

static const NamedRule *find(const char *id)
{
        const NamedRule *r = catalogue_find(catalogue, id);

        if (!r)
                g_error("no rule '%s'", id);
        return r;
}

/* ---- what is there ----------------------------------------------------------------------------------------------- */

/* All but disable-cap-NAME, by category; and the kinds of operations that each is about. */
static const struct {
        RuleCategory category;
        const char *id;
        uint32_t kinds;
} expected[] = {
        {RULE_BASE_PROTECTION, "base-protection", KIND(FILE)},
        {RULE_BASE_PROTECTION, "allow-list-base", KIND(FILE) | KIND(SOCKET) | KIND(EGRESS)},
        {RULE_RUNTIME_DEFAULT, "runtime-default", KIND(FILE) | KIND(PTRACE) | KIND(SIGNAL) | KIND(MOUNT) | KIND(SYSCALL)},

        {RULE_HARDENING, "disallow-write-core-pattern", KIND(FILE)},
        {RULE_HARDENING, "disallow-mount-securityfs", KIND(MOUNT)},
        {RULE_HARDENING, "disallow-mount-procfs", KIND(MOUNT)},
        {RULE_HARDENING, "disallow-write-release-agent", KIND(FILE)},
        {RULE_HARDENING, "disallow-mount-cgroupfs", KIND(MOUNT)},
        {RULE_HARDENING, "disallow-debug-disk-device", KIND(FILE)},
        {RULE_HARDENING, "disallow-mount-disk-device", KIND(MOUNT)},
        {RULE_HARDENING, "disallow-mount", KIND(MOUNT) | KIND(SYSCALL)},
        {RULE_HARDENING, "disallow-umount", KIND(MOUNT) | KIND(SYSCALL)},
        {RULE_HARDENING, "disallow-insmod", KIND(CAPABILITY)},
        {RULE_HARDENING, "disallow-load-bpf-prog", KIND(CAPABILITY)},
        {RULE_HARDENING, "disallow-access-procfs-root", KIND(PTRACE)},
        {RULE_HARDENING, "disallow-access-kallsyms", KIND(FILE)},
        {RULE_HARDENING, "disable-cap-all", KIND(CAPABILITY)},
        {RULE_HARDENING, "disable-cap-all-except-net-bind-service", KIND(CAPABILITY)},
        {RULE_HARDENING, "disable-cap-privileged", KIND(CAPABILITY)},
        {RULE_HARDENING, "disallow-abuse-user-ns", KIND(CAPABILITY)},
        {RULE_HARDENING, "disallow-create-user-ns", KIND(USERNS) | KIND(SYSCALL)},
        {RULE_HARDENING, "disallow-load-all-bpf-prog", KIND(BPF) | KIND(SYSCALL)},
        {RULE_HARDENING, "disallow-load-bpf-via-setsockopt", KIND(NAMED) | KIND(SYSCALL)},
        {RULE_HARDENING, "disallow-userfaultfd-creation", KIND(NAMED) | KIND(SYSCALL)},
        {RULE_HARDENING, "block-access-to-service-manager", KIND(FILE)},

        {RULE_ATTACK_PROTECTION, "mitigate-sa-leak", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "mitigate-disk-device-number-leak", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "mitigate-overlayfs-leak", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "mitigate-host-ip-leak", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "block-access-to-metadata-service", KIND(EGRESS)},
        {RULE_ATTACK_PROTECTION, "block-access-to-aws-metadata-service", KIND(EGRESS)},
        {RULE_ATTACK_PROTECTION, "block-access-to-volc-metadata-service", KIND(EGRESS)},
        {RULE_ATTACK_PROTECTION, "block-access-to-alibaba-metadata-service", KIND(EGRESS)},
        {RULE_ATTACK_PROTECTION, "block-access-to-oci-metadata-service", KIND(EGRESS)},
        {RULE_ATTACK_PROTECTION, "disable-write-etc", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "disable-access-passwd", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "disable-access-shadow", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "disable-access-ssh-dir", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "disable-write-skills", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "disable-busybox", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "disable-shell", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "disable-wget", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "disable-curl", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "disable-chmod", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "disable-su-sudo", KIND(FILE)},
        {RULE_ATTACK_PROTECTION, "disable-chmod-x-bit", KIND(NAMED) | KIND(SYSCALL)},
        {RULE_ATTACK_PROTECTION, "disable-chmod-s-bit", KIND(NAMED) | KIND(SYSCALL)},
        {RULE_ATTACK_PROTECTION, "disable-network", KIND(SOCKET) | KIND(SYSCALL)},
        {RULE_ATTACK_PROTECTION, "disable-inet", KIND(SOCKET) | KIND(SYSCALL)},
        {RULE_ATTACK_PROTECTION, "disable-inet6", KIND(SOCKET) | KIND(SYSCALL)},
        {RULE_ATTACK_PROTECTION, "disable-unix-domain-socket", KIND(SOCKET) | KIND(SYSCALL)},
        {RULE_ATTACK_PROTECTION, "disable-icmp", KIND(SOCKET) | KIND(SYSCALL)},
        {RULE_ATTACK_PROTECTION, "disable-tcp", KIND(SOCKET) | KIND(SYSCALL)},
        {RULE_ATTACK_PROTECTION, "disable-udp", KIND(SOCKET) | KIND(SYSCALL)},
        {RULE_ATTACK_PROTECTION, "block-access-to-kube-apiserver", KIND(EGRESS)},
        {RULE_ATTACK_PROTECTION, "block-access-to-container-runtime", KIND(FILE)},

        {RULE_VULNERABILITY_MITIGATION, "cgroups-lxcfs-escape-mitigation", KIND(FILE)},
        {RULE_VULNERABILITY_MITIGATION, "runc-override-mitigation", KIND(FILE)},
        {RULE_VULNERABILITY_MITIGATION, "dirty-pipe-mitigation", KIND(SYSCALL)},
        {RULE_VULNERABILITY_MITIGATION, "ingress-nightmare-mitigation", KIND(EGRESS)},
        {RULE_VULNERABILITY_MITIGATION, "copy-fail-mitigation", KIND(SOCKET) | KIND(SYSCALL)},
};

static void test_complete(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
                const NamedRule *r = find(expected[i].id);
                uint32_t kinds = 0;

                g_assert_cmpstr(r->id, ==, expected[i].id);
                g_assert_cmpint(r->category, ==, expected[i].category);
                for (guint k = 0; k < r->ops->len; k++)
                        kinds |= 1U << ((const Rule *)r->ops->pdata[k])->kind;
                if (kinds != expected[i].kinds)
                        g_error("%s: found kinds %#x, expected %#x", r->id, kinds, expected[i].kinds);
        }
        /* And nothing else, so that nothing goes untested. */
        g_assert_cmpuint(catalogue->rules->len, ==, G_N_ELEMENTS(expected) + CAP_LAST_CAP + 1);
}

static uint64_t capabilities_of(const char *id)
{
        const NamedRule *r = find(id);

        g_assert_cmpuint(r->ops->len, ==, 1);
        g_assert_cmpint(((const Rule *)r->ops->pdata[0])->kind, ==, OP_CAPABILITY);
        return ((const Rule *)r->ops->pdata[0])->capabilities;
}

static void test_capabilities(void)
{
        const uint64_t containerd = 1ULL << CAP_CHOWN | 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_FOWNER | 1ULL << CAP_FSETID |
                                    1ULL << CAP_KILL | 1ULL << CAP_SETGID | 1ULL << CAP_SETUID | 1ULL << CAP_SETPCAP |
                                    1ULL << CAP_NET_BIND_SERVICE | 1ULL << CAP_NET_RAW | 1ULL << CAP_SYS_CHROOT |
                                    1ULL << CAP_MKNOD | 1ULL << CAP_AUDIT_WRITE | 1ULL << CAP_SETFCAP;

        for (unsigned i = 0; i <= CAP_LAST_CAP; i++) {
                g_autofree char *name = words_format(capability_words, UINT64_C(1) << i, ",");
                g_autofree char *id = g_strconcat("disable-cap-", name, NULL), *folded = rule_id_fold(id);

                g_assert_cmpuint(capabilities_of(folded), ==, UINT64_C(1) << i);
                g_assert_cmpint(find(folded)->category, ==, RULE_HARDENING);
        }
        /* Capabilities that are not there yet are denied as well. */
        g_assert_cmpuint(capabilities_of("disable-cap-all"), ==, UINT64_MAX);
        g_assert_cmpuint(capabilities_of("disable-cap-all-except-net-bind-service"), ==,
                         UINT64_MAX & ~(1ULL << CAP_NET_BIND_SERVICE));
        g_assert_cmpuint(capabilities_of("disable-cap-privileged"), ==, UINT64_MAX & ~containerd);
        g_assert_cmpuint(capabilities_of("disallow-insmod"), ==, 1ULL << CAP_SYS_MODULE);
        g_assert_cmpuint(capabilities_of("disallow-load-bpf-prog"), ==, 1ULL << CAP_SYS_ADMIN | 1ULL << CAP_BPF);
        g_assert_cmpuint(capabilities_of("disallow-abuse-user-ns"), ==, 1ULL << CAP_SYS_ADMIN);
}

static void test_names(void)
{
        static const char *const same[][2] = {
                {"disallow-load-ebpf", "disallow-load-bpf-prog"},
                {"disallow-metadata-service", "block-access-to-metadata-service"},
                {"disable-ipv4", "disable-inet"},
                {"disable-ipv6", "disable-inet6"},
                {"DISABLE_ACCESS_SHADOW", "disable-access-shadow"},
                {"Disable_Cap_SYS_ADMIN", "disable-cap-sys-admin"},
                {"DISABLE-IPV4", "disable-inet"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(same); i++)
                g_assert_true(find(same[i][0]) == find(same[i][1]));
        g_assert_null(catalogue_find(catalogue, "disable-acces-shadow"));
        g_assert_null(catalogue_find(catalogue, ""));
        /* Base protection is nobody's to name, so it is not suggested. */
        g_assert_false(g_strv_contains(catalogue->names, "base-protection"));
        g_assert_false(g_strv_contains(catalogue->names, "runtime-default"));
        g_assert_true(g_strv_contains(catalogue->names, "disable-ipv4"));
}

/* Sentences, for `varmorctl show` and varmor-rules(7). */
static void test_texts(void)
{
        for (guint i = 0; i < catalogue->rules->len; i++) {
                const NamedRule *r = catalogue->rules->pdata[i];
                const char *const texts[] = {r->description, r->principle, r->impact};

                for (size_t k = 0; k < G_N_ELEMENTS(texts); k++)
                        if (!texts[k] || strlen(texts[k]) < 8 || !strchr(texts[k], ' ') ||
                            !g_str_has_suffix(texts[k], ".") || strchr(texts[k], '\n'))
                                g_error("%s: '%s' is no sentence", r->id, texts[k] ?: "nothing");
                g_assert_false(r->local);
                g_assert_null(r->unenforceable);
        }
}

/* Each entry denies, and no rule is half meant for an enforcer: what is for one alone stands in blocks, each of which is the
 * whole rule in that enforcer's terms. */
static void test_entries(void)
{
        for (guint i = 0; i < catalogue->rules->len; i++) {
                const NamedRule *r = catalogue->rules->pdata[i];
                uint32_t all = 0, some = 0;

                for (guint k = 0; k < r->ops->len; k++) {
                        const Rule *o = r->ops->pdata[k];

                        if (strcmp(r->id, "allow-list-base") == 0)
                                g_assert_cmphex(o->qualifiers, ==, RULE_ALLOW);
                        else if (o->kind == OP_SYSCALL && o->syscall.action == SYSCALL_ALLOW)
                                g_assert_true(o->syscall.in_profile && r->category == RULE_RUNTIME_DEFAULT);
                        else
                                g_assert_cmphex(o->qualifiers, ==,
                                                r->category == RULE_BASE_PROTECTION ? RULE_DENY | RULE_AUDIT : RULE_DENY);
                        all |= !o->only;
                        some |= o->only;
                        if (o->kind == OP_SYSCALL)
                                g_assert_cmpuint(o->only, ==, 1U << ENFORCER_SECCOMP);
                }
                if (all && some)
                        g_error("%s: has entries for every enforcer, and others for some", r->id);
        }
}

/* ---- what needs something of the host ---------------------------------------------------------------------------- */

static void test_settings(void)
{
        g_autoptr(Settings) s = settings_new_default();
        g_autoptr(Catalogue) c = NULL;
        static const char *const ids[] = {"block-access-to-kube-apiserver", "ingress-nightmare-mitigation"};
        const NamedRule *r;

        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
                const Rule *o = find(ids[i])->ops->pdata[0];

                g_assert_nonnull(o->unenforceable);
                g_assert_nonnull(strstr(o->unenforceable, "varmor.yaml"));
        }

        g_strfreev(s->kube_apiserver);
        s->kube_apiserver = g_strsplit("192.0.2.1:6443 [2001:db8::1]", " ", -1);
        c = load(s);
        r = catalogue_find(c, "block-access-to-kube-apiserver");
        g_assert_cmpuint(r->ops->len, ==, 2);
        for (guint i = 0; i < 2; i++) {
                static const char *const want[] = {"deny egress 192.0.2.1/32 ports 6443", "deny egress 2001:db8::1/128"};
                const Rule *o = r->ops->pdata[i];
                g_autofree char *text = rule_summary(o);

                g_assert_null(o->unenforceable);
                g_assert_cmpstr(text, ==, want[i]);
        }
}

static void test_facts(void)
{
        static const char *const ids[] = {"disallow-debug-disk-device", "disallow-mount-disk-device"};
        static const char *const want[][2] = {
                {"deny file read,write /dev/block/0:0, /dev/block/8:0, /dev/block/8:1, /dev/sda, /dev/sda1"},
                {"deny mount mount fstype * /dev/{sda,sda1}", "deny mount mount fstype * /dev/block/{0:0,8:0,8:1}"},
        };
        g_autoptr(Settings) s = settings_new_default();

        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                g_assert_nonnull(((const Rule *)find(ids[i])->ops->pdata[0])->unenforceable);

        s->disks = g_strsplit("/dev/block/0:0 /dev/block/8:0 /dev/block/8:1 /dev/sda /dev/sda1", " ", -1);
        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
                g_autoptr(Catalogue) c = load(s);
                const GPtrArray *ops = catalogue_find(c, ids[i])->ops;

                g_assert_cmpuint(ops->len, ==, i + 1);
                for (guint k = 0; k < ops->len; k++) {
                        g_autofree char *text = rule_summary(ops->pdata[k]);

                        g_assert_null(((const Rule *)ops->pdata[k])->unenforceable);
                        g_assert_cmpstr(text, ==, want[i][k]);
                }
        }
}

/* ---- what is matched --------------------------------------------------------------------------------------------- */

/* A host on which /bin/sh is no shell by its name, and sudo an alternative. */
static char *sample_readlink(const char *path, void *userdata)
{
        static const char *const links[][2] = {
                {"/bin", "usr/bin"}, {"/lib", "usr/lib"}, {"/sbin", "usr/sbin"}, {"/var/run", "/run"},
                {"/usr/bin/sh", "myshell"}, {"/usr/bin/ksh", "/etc/alternatives/ksh"}, {"/etc/alternatives/ksh", "/bin/korn93"},
                {"/usr/bin/sudo", "../lib/cargo/bin/sudo-rs"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(links); i++)
                if (strcmp(path, links[i][0]) == 0)
                        return g_strdup(links[i][1]);
        return NULL;
}

/* The automaton of a policy with this rule alone. */
static struct va_table *compile_rule(const char *id)
{
        g_autoptr(Policy) p = policy_new();
        g_autoptr(Profile) profile = NULL;
        g_autoptr(Diag) d = diag_new();
        gsize size;
        const void *bytes;

        p->mode = MODE_ENHANCE_PROTECT;
        p->privileged = true;
        p->full_name = g_strdup(id);
        g_assert_cmpint(policy_add_named(p, find(id), RULE_BUILT_IN, NULL, NULL), ==, 0);
        policy_resolve_paths(p, sample_readlink, NULL, d);
        policy_seal(p);
        g_assert_cmpint(bpf_compile(p, &profile, d), ==, 0);
        g_assert_cmpuint(d->messages->len, ==, 0);
        for (guint i = 0; i < profile->why_not->len; i++)
                g_assert_true(!profile->why_not->pdata[i] || ((const Rule *)p->rules->pdata[i])->only == 1U << ENFORCER_SECCOMP);
        bytes = g_bytes_get_data(profile->blob, &size);
        g_assert_cmpint(table_validate(bytes, size, TABLE_POLICY), ==, 0);
        return g_memdup2(bytes, size);
}

/* Which of "rwax" is denied for @path. */
static char *denied(const struct va_table *t, const char *path)
{
        const struct va_accept *a = table_match(t, VA_KIND_FILE, 0, path);
        GString *s = g_string_new(NULL);

        for (unsigned bit = 0; a && bit < 4; bit++)
                if (a->deny >> bit & 1)
                        g_string_append_c(s, "rwax"[bit]);
        return g_string_free(s, FALSE);
}

/* For each rule: what is denied, the paths for which it is, and those right beside them for which nothing is. */
static const struct {
        const char *id, *perms, *in, *out;
} samples[] = {
        {"disallow-write-core-pattern", "wa", "/proc/sys/kernel/core_pattern",
         "/proc/sys/kernel/core_pipe_limit /proc/sys/kernel /proc/sys/kernel/core_pattern/x"},
        {"disallow-write-release-agent", "wa",
         "/sys/fs/cgroup/release_agent /sys/fs/cgroup/memory/release_agent /sys/fs/cgroup/a/b/c/release_agent",
         "/sys/fs/cgroup/notify_on_release /release_agent /sys/fs/cgroup/release_agent2"},
        {"disallow-access-kallsyms", "r", "/proc/kallsyms", "/proc/kallsyms2 /proc/modules"},
        {"block-access-to-service-manager", "rwa",
         "/run/systemd/private /run/dbus/system_bus_socket /var/run/dbus/system_bus_socket /run/user/1000/bus "
         "/run/user/1000/systemd/private /run/systemd/io.systemd.Manager",
         "/run/systemd/notify /run/systemd/journal/socket /run/dbus /run/systemd /run/user/1000/other /run/user/1/2/bus"},
        {"mitigate-sa-leak", "r",
         "/run/secrets/kubernetes.io/serviceaccount /run/secrets/kubernetes.io/serviceaccount/token "
         "/var/run/secrets/kubernetes.io/serviceaccount/..data/token",
         "/run/secrets/kubernetes.io /run/secrets/kubernetes.io/serviceaccounts/token /srv/run/secrets/kubernetes.io/serviceaccount/token"},
        {"mitigate-disk-device-number-leak", "r",
         "/proc/partitions /proc/mountinfo /proc/1/mountinfo /proc/1/task/1/mountinfo", "/proc/1/mounts /proc/diskstats /mountinfo"},
        {"mitigate-overlayfs-leak", "r", "/proc/mounts /proc/1/mounts /proc/1/mountinfo /proc/1/task/2/mounts",
         "/proc/1/mountstats /proc/filesystems /etc/mounts"},
        {"mitigate-host-ip-leak", "r", "/proc/net/arp /proc/1/net/arp /proc/1/task/1/net/arp", "/proc/1/net/dev /proc/net /arp"},
        {"disable-write-etc", "wa", "/etc /etc/passwd /etc/a/b/c", "/etcetera /usr/etc/x /"},
        {"disable-access-passwd", "rwa", "/etc/passwd", "/etc/passwd- /etc/group /srv/etc/passwd"},
        {"disable-access-shadow", "rwa", "/etc/shadow /etc/shadow-", "/etc/gshadow /etc/passwd /etc/shadow.d"},
        {"disable-access-ssh-dir", "rwa", "/root/.ssh /root/.ssh/id_rsa /home/a/.ssh/config /.ssh /.ssh/x /a/.ssh/b/c",
         "/root/ssh /root/.sshd /root /home/a/x.ssh/id /etc/ssh/ssh_host_rsa_key"},
        {"disable-write-skills", "wa", "/skills/a /home/x/.agent/skills /srv/skills/a/b", "/srv/skill/a /srv/myskills/a /srv/skills2"},
        {"disable-busybox", "x", "/bin/busybox /usr/bin/busybox /srv/a/busybox /busybox",
         "/bin/busybox2 /bin/box /busybox/sh /usr/bin/xbusybox"},
        {"disable-shell", "x",
         "/bin/sh /usr/bin/sh /usr/bin/bash /bin/dash /usr/local/bin/zsh /srv/a/ksh /usr/bin/rbash /bin/bash-static /usr/bin/zsh5 "
         "/usr/bin/bsd-csh /usr/bin/tcsh /usr/bin/rksh93 /usr/bin/mksh-static /usr/bin/fish /usr/bin/tmux /usr/bin/screen /sh "
         "/usr/bin/yash /usr/bin/posh /usr/bin/es /usr/local/bin/rc /usr/bin/myshell /usr/bin/korn93 /snap/x/bin/pwsh",
         "/usr/bin/ssh /usr/bin/rsh /usr/bin/bashbug /usr/bin/python3 /usr/share/bash/completions /etc/init.d/rc /usr/bin/ /srv/myshell "
         "/usr/bin/shred /usr/bin/sh/x /usr/bin/dashes"},
        {"disable-wget", "x", "/usr/bin/wget /srv/wget", "/usr/bin/wget2 /usr/bin/curl"},
        {"disable-curl", "x", "/usr/bin/curl /srv/curl", "/usr/bin/curl-config /usr/bin/wget"},
        {"disable-chmod", "x", "/bin/chmod /usr/bin/chmod /srv/chmod", "/usr/bin/chown /usr/bin/schmod"},
        {"disable-su-sudo", "x", "/bin/su /usr/bin/sudo /srv/su /usr/lib/cargo/bin/sudo-rs", "/usr/bin/sum /usr/bin/sudoedit /usr/bin/visudo"},
        {"block-access-to-container-runtime", "rwa",
         "/run/docker.sock /run/containerd/containerd.sock /run/podman/podman.sock /var/run/crio/crio.sock /srv/docker.sock",
         "/run/docker.sock.d /run/docker /run/mydocker.sock /run/snapd.sock"},
        {"cgroups-lxcfs-escape-mitigation", "wa",
         "/release_agent /sys/fs/cgroup/rdma/release_agent /sys/fs/cgroup/devices/a/devices.allow /sys/fs/cgroup/devices/tasks "
         "/var/lib/lxcfs/cgroup/devices/devices.allow /mnt/devices/cgroup.procs /var/lib/lxcfs/cgroup/memory/tasks",
         "/sys/fs/cgroup/system.slice/cgroup.procs /sys/fs/cgroup/memory/tasks /sys/fs/cgroup/devices/a/devices.list"},
        {"runc-override-mitigation", "wa", "/usr/bin/runc /usr/sbin/runc /opt/x/runc /runc", "/usr/bin/crun /usr/bin/runcx /run/runc/state"},
        {"runtime-default", "wa",
         "/proc/cmdline /proc/mtrr /proc/irq/default_smp_affinity /proc/irq/9/smp_affinity /proc/acpi/wakeup /proc/fs/nfsd/x "
         "/proc/scsi/scsi /proc/sysvipc/shm /proc/spl/kstat /proc/tty/driver/x /proc/sys/vm/swappiness /proc/sys/net/ipv4/ip_forward "
         "/proc/sys/fs/binfmt_misc/register /proc/sys/key /proc/sys/kernel/core_pattern /proc/sys/kernel/sysrq "
         "/proc/sys/kernel/sched_rt_runtime_us /proc/sys/kernel/hostname /proc/sys/kernel/sem /proc/sys/kernel/keys/maxkeys "
         "/proc/sys/kernel/hotplug /proc/sys/kernelx /sys/kernel/uevent_helper /sys/module/x/parameters/y /sys/fs/bpf/x "
         "/sys/fs/fuse/connections/1/abort /sys/fs/cifs /sys/fs/cgroup2/x /sys/devices/system/cpu/cpu1/online /sys/power/state "
         "/sys/block/sda/queue/scheduler",
         "/proc /proc/1/comm /proc/4321/oom_score_adj /proc/4321/task/4321/attr/apparmor/exec /proc/9/x "
         "/proc/sys/kernel/shmmax /proc/sys/kernel/shm_rmid_forced /proc/sys/kernel/shm /sys /sys/fs/cgroup "
         "/sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/system.slice/x.service/cgroup.procs /srv/proc/cmdline /system /dev/shm/x "
         "/procs/x /etc/hostname"},
        {"runtime-default", "rwax",
         "/proc/sysrq-trigger /proc/mem /proc/kmem /proc/kcore /sys/firmware /sys/firmware/efi/efivars/x "
         "/sys/devices/virtual/powercap/intel-rapl/energy_uj /sys/kernel/security/lsm /sys/kernel/security/apparmor/profiles",
         "/proc/4321/mem /proc/4321/maps /sys/fs/cgroup/memory.max /srv/kcore"},
        {"base-protection", "wa",
         "/etc/varmor /etc/varmor/varmor.yaml /etc/varmor/policies.d/a.yaml /run/varmor /run/varmor/policies.d/x.yaml.d "
         "/usr/lib/varmor/rules.d/base.yaml /var/lib/varmor/x /usr/sbin/varmord /usr/bin/varmorctl /sys/fs/bpf/varmor/v1/links/a "
         "/sys/fs/cgroup/system.slice/varmord.service/cgroup.kill /sys/fs/cgroup/system.slice/varmord.service "
         "/etc/systemd/system/varmord.service /etc/systemd/system/varmord.service.d/x.conf /run/systemd/system/varmord.service.d "
         "/usr/lib/systemd/system/varmord.service /run/systemd/transient/varmord.service.d/50-x.conf "
         "/etc/systemd/system.control/varmord.service.d/x.conf /etc/systemd/system/service.d/x.conf "
         "/run/systemd/generator/varmord.service /etc/systemd/system-generators/x "
         "/etc/systemd/system/multi-user.target.wants/varmord.service /etc/dbus-1/system.d/org.varmor1.conf "
         "/usr/share/dbus-1/system-services/org.varmor1.service /usr/share/polkit-1/actions/org.varmor1.policy "
         "/etc/apparmor.d/usr.sbin.x /etc/apparmor/parser.conf /var/cache/apparmor/1/x /sys/kernel/security/apparmor/.replace "
         "/sys/kernel/security/apparmor/policy/profiles/x",
         "/etc/hostname /etc/varmor2 /etc /run /usr/lib /usr/sbin /usr/sbin/nginx /sys/fs/bpf /sys/fs/bpf/other/x "
         "/sys/fs/cgroup/system.slice/nginx.service/cgroup.procs /sys/fs/cgroup/system.slice /etc/systemd/system/nginx.service "
         "/etc/systemd/system/nginx.service.d/x.conf /sys/kernel/security/apparmor/.access /var/cache/apt/x /var/lib/x "
         "/srv/etc/varmor/x /etc/apparmor.x"},
};

static void check_sample(const char *id, const struct va_table *t, const char *paths, const char *want)
{
        g_auto(GStrv) list = g_strsplit(paths, " ", -1);

        for (char **path = list; *path; path++) {
                g_autofree char *got = denied(t, *path);

                if (strcmp(got, want) != 0) {
                        g_test_message("%s: %s: denied is '%s', expected '%s'", id, *path, got, want);
                        g_test_fail();
                }
        }
}

static void test_matching(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
                g_autofree struct va_table *t = compile_rule(samples[i].id);

                check_sample(samples[i].id, t, samples[i].in, samples[i].perms);
                check_sample(samples[i].id, t, samples[i].out, "");
        }
}

/* No rule of files goes without samples. */
static void test_matching_complete(void)
{
        for (guint i = 0; i < catalogue->rules->len; i++) {
                const NamedRule *r = catalogue->rules->pdata[i];
                const Rule *o = r->ops->pdata[0];
                bool found = o->kind != OP_FILE || o->unenforceable || o->qualifiers & RULE_ALLOW; /* test-objects.c */

                for (size_t k = 0; k < G_N_ELEMENTS(samples); k++)
                        found = found || strcmp(samples[k].id, r->id) == 0;
                if (!found)
                        g_error("%s: no samples", r->id);
        }
}

int main(int argc, char *argv[])
{
        int r;

        g_test_init(&argc, &argv, NULL);
        catalogue = load(NULL);
        g_test_add_func("/rules/complete", test_complete);
        g_test_add_func("/rules/capabilities", test_capabilities);
        g_test_add_func("/rules/names", test_names);
        g_test_add_func("/rules/texts", test_texts);
        g_test_add_func("/rules/entries", test_entries);
        g_test_add_func("/rules/settings", test_settings);
        g_test_add_func("/rules/facts", test_facts);
        g_test_add_func("/rules/matching", test_matching);
        g_test_add_func("/rules/matching-complete", test_matching_complete);
        r = g_test_run();
        catalogue_free(catalogue);
        return r;
}
