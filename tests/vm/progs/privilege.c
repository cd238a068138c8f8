/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt's operations that need a capability, each of them harmless where it is allowed; user namespaces, bpf(2), kernel
 * modules, ioctl; and mounts by the calls that space.c does not have. */

#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- capabilities --------------------------------------------------------------------------------------------- */

static int op_hostname(Hand *h, char **argv) {
        char name[65];

        if (gethostname(name, sizeof(name)) < 0)
                return -errno;
        return RET(sethostname(name, strlen(name)));
}

static int op_nice(Hand *h, char **argv) { return RET(setpriority(PRIO_PROCESS, 0, atoi(argv[1]))); }
static int op_setuid(Hand *h, char **argv) { return RET(setresuid((uid_t) -1, (uid_t) atoi(argv[1]), (uid_t) -1)); }
static int op_setgid(Hand *h, char **argv) { return RET(setresgid((gid_t) -1, (gid_t) atoi(argv[1]), (gid_t) -1)); }
static int op_setgroups(Hand *h, char **argv) { return RET(setgroups(0, NULL)); }
static int op_dropbound(Hand *h, char **argv) { return RET(prctl(PR_CAPBSET_DROP, CAP_WAKE_ALARM)); }
static int op_cad(Hand *h, char **argv) { return RET(reboot(RB_DISABLE_CAD)); }
static int op_ports(Hand *h, char **argv) { return RET(ioperm(0x80, 1, 1)); }
static int op_acct(Hand *h, char **argv) { return RET(acct(NULL)); }
static int op_alarmclock(Hand *h, char **argv) { return RET(timerfd_create(CLOCK_BOOTTIME_ALARM, TFD_CLOEXEC)); }

/* The zone of the kernel's clock, as it is. */
static int op_timezone(Hand *h, char **argv) {
        struct timezone zone;

        if (syscall(SYS_gettimeofday, NULL, &zone) < 0)
                return -errno;
        return RET(syscall(SYS_settimeofday, NULL, &zone));
}

static int op_netadmin(Hand *h, char **argv) {
        struct ifreq request = {.ifr_name = "lo"};
        int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (s < 0 || ioctl(s, SIOCGIFFLAGS, &request) < 0)
                return -errno;
        return RET(ioctl(s, SIOCSIFFLAGS, &request));
}

static int op_syslog(Hand *h, char **argv) {
        char text[64];

        return RET(klogctl(3 /* SYSLOG_ACTION_READ_ALL */, text, sizeof(text)));
}

static int op_hardlimit(Hand *h, char **argv) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
                return -errno;
        /* Down is for everybody, up again is not. */
        rlim_t high = limit.rlim_max;
        limit.rlim_cur = limit.rlim_max = 4096;
        if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0)
                return -errno;
        limit.rlim_max = high;
        return RET(setrlimit(RLIMIT_MEMLOCK, &limit));
}

/* A lease on a file of somebody else. */
static int op_lease(Hand *h, char **argv) {
        int fd = open(argv[1], O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return RET(fcntl(fd, F_SETLEASE, F_RDLCK));
}

/* Shared memory of somebody else: the preparation makes it, as that user. */
static int op_shmmake(Hand *h, char **argv) {
        int id = shmget((key_t) strtol(argv[1], NULL, 0), 4096, IPC_CREAT | 0600);

        return RET(id);
}

static int op_shmuse(Hand *h, char **argv) {
        int id = shmget((key_t) strtol(argv[1], NULL, 0), 0, 0);

        if (id < 0)
                return -errno;
        void *p = shmat(id, NULL, SHM_RDONLY);
        return p == (void *) -1 ? -errno : RET(shmdt(p));
}

/* Whether the kernel shows its addresses: a check that is not meant to be told of (CAP_OPT_NOAUDIT). */
static int op_addresses(Hand *h, char **argv) {
        char line[256];
        FILE *f = fopen("/proc/kallsyms", "re");

        if (!f)
                return -errno;
        int r = -ENODATA;
        while (r == -ENODATA && fgets(line, sizeof(line), f))
                if (strstr(line, " _text") || strstr(line, " _stext"))
                        r = strtoull(line, NULL, 16) == 0 ? -EPERM : 0;
        fclose(f);
        return r;
}

static int op_listxattr(Hand *h, char **argv) {
        char names[256];

        return RET(listxattr(argv[1], names, sizeof(names)));
}

/* Without any capability from here on, in every set. */
static int op_nocaps(Hand *h, char **argv) {
        struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct none[2] = {{0}};

        return RET(syscall(SYS_capset, &head, none));
}

/* ---- user namespaces ------------------------------------------------------------------------------------------ */

static int op_unshareuser(Hand *h, char **argv) { return RET(unshare(CLONE_NEWUSER)); }

static int child_end(long pid) {
        if (pid == 0)
                _exit(0);
        return pid < 0 ? -errno : child_wait((pid_t) pid);
}

static int op_cloneuser(Hand *h, char **argv) { return child_end(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)); }

static int op_clone3user(Hand *h, char **argv) {
        struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};

        return child_end(syscall(SYS_clone3, &args, sizeof(args)));
}

/* ---- bpf(2), modules, devices --------------------------------------------------------------------------------- */

static int bpf_close(int command, union bpf_attr *attr) {
        int fd = (int) syscall(SYS_bpf, command, attr, sizeof(*attr));

        if (fd < 0)
                return -errno;
        close(fd);
        return 0;
}

/* r0 = 0; exit */
static int op_bpfload(Hand *h, char **argv) {
        static const struct bpf_insn code[] = {
                {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                {.code = BPF_JMP | BPF_EXIT},
        };
        static const char license[] = "GPL";
        union bpf_attr attr = {
                .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
                .insns = (uintptr_t) code,
                .insn_cnt = sizeof(code) / sizeof(*code),
                .license = (uintptr_t) license,
        };

        return bpf_close(BPF_PROG_LOAD, &attr);
}

/* A map of one's own gets a name in the BPF file system. */
static int op_bpfpin(Hand *h, char **argv) {
        union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
        int fd = (int) syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));

        if (fd < 0)
                return -errno;
        (void) unlink(argv[1]);
        memset(&attr, 0, sizeof(attr));
        attr.pathname = (uintptr_t) argv[1];
        attr.bpf_fd = (uint32_t) fd;
        int r = RET(syscall(SYS_bpf, BPF_OBJ_PIN, &attr, sizeof(attr)));
        close(fd);
        return r;
}

static int op_perf(Hand *h, char **argv) {
        struct perf_event_attr attr = {
                .type = PERF_TYPE_SOFTWARE,
                .size = sizeof(attr),
                .config = PERF_COUNT_SW_CPU_CLOCK,
                .disabled = 1,
        };
        long fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0); /* of the whole processor */

        return RET(fd);
}

static int op_insmod(Hand *h, char **argv) {
        bool taken = strcmp(argv[1], "@") == 0;
        int fd = taken ? h->fd : open(argv[1], O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return taken ? -EBADF : -errno;
        int r = RET(syscall(SYS_finit_module, fd, "", 0));
        if (!taken)
                close(fd);
        return r;
}

static int op_rmmod(Hand *h, char **argv) {
        return RET(syscall(SYS_delete_module, argv[1], O_NONBLOCK));
}

/* ioctl REQUEST: of what was taken; an answer goes nowhere. */
static int op_ioctl(Hand *h, char **argv) {
        static long answer[512];

        return RET(ioctl(h->fd, strtoul(argv[1], NULL, 16), answer));
}

/* ---- mounts --------------------------------------------------------------------------------------------------- */

static unsigned long mount_flags(const char *words) {
        static const struct {
                const char *name;
                unsigned long flag;
        } table[] = {
                {"ro", MS_RDONLY}, {"nosuid", MS_NOSUID}, {"nodev", MS_NODEV}, {"noexec", MS_NOEXEC}, {"bind", MS_BIND},
                {"rec", MS_REC}, {"remount", MS_REMOUNT}, {"shared", MS_SHARED}, {"private", MS_PRIVATE},
                {"slave", MS_SLAVE}, {"unbindable", MS_UNBINDABLE}, {"noatime", MS_NOATIME}, {"move", MS_MOVE},
        };
        unsigned long flags = 0;
        char *save = NULL, *copy = strdupa(words);

        for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save))
                for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
                        if (strcmp(table[i].name, w) == 0)
                                flags |= table[i].flag;
        return flags;
}

static int op_mountas(Hand *h, char **argv) {
        return RET(mount(argv[3], argv[4], argv[2], mount_flags(argv[1]), NULL));
}

static int op_remount(Hand *h, char **argv) {
        return RET(mount(NULL, argv[2], NULL, MS_REMOUNT | mount_flags(argv[1]), NULL));
}

static int op_propagate(Hand *h, char **argv) { return RET(mount(NULL, argv[2], NULL, mount_flags(argv[1]), NULL)); }

static int op_fspick(Hand *h, char **argv) {
        int fd = (int) syscall(SYS_fspick, AT_FDCWD, argv[1], FSPICK_CLOEXEC);

        if (fd < 0 || syscall(SYS_fsconfig, fd, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
                return -errno;
        int r = RET(syscall(SYS_fsconfig, fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
        close(fd);
        return r;
}

static int op_setattr(Hand *h, char **argv) {
        struct mount_attr attr = {.attr_set = strcmp(argv[1], "ro") == 0 ? MOUNT_ATTR_RDONLY : 0};

        if (!attr.attr_set)
                attr.propagation = mount_flags(argv[1]);
        return RET(syscall(SYS_mount_setattr, AT_FDCWD, argv[2], 0, &attr, sizeof(attr)));
}

const Op privilege_ops[] = {
        {"hostname", 0, op_hostname, ": set it to what it is (sys_admin)"},
        {"nice", 1, op_nice, "PRIORITY (sys_nice)"},
        {"setuid", 1, op_setuid, "UID: the effective one (setuid)"},
        {"setgid", 1, op_setgid, "GID: the effective one (setgid)"},
        {"setgroups", 0, op_setgroups, ": none (setgid)"},
        {"dropbound", 0, op_dropbound, ": one capability of the bounding set (setpcap)"},
        {"cad", 0, op_cad, ": no reboot by keyboard (sys_boot)"},
        {"ports", 0, op_ports, ": ioperm (sys_rawio)"},
        {"acct", 0, op_acct, ": no accounting (sys_pacct)"},
        {"alarmclock", 0, op_alarmclock, ": a timer that wakes the machine (wake_alarm)"},
        {"timezone", 0, op_timezone, ": set it to what it is (sys_time)"},
        {"netadmin", 0, op_netadmin, ": set an interface's flags to what they are (net_admin)"},
        {"syslog", 0, op_syslog, ": read the kernel's (syslog)"},
        {"hardlimit", 0, op_hardlimit, ": raise one (sys_resource)"},
        {"lease", 1, op_lease, "PATH: of another user's file (lease)"},
        {"shmmake", 1, op_shmmake, "KEY: private shared memory"},
        {"shmuse", 1, op_shmuse, "KEY: of another user (ipc_owner)"},
        {"addresses", 0, op_addresses, ": whether /proc/kallsyms has them (syslog, not audited)"},
        {"listxattr", 1, op_listxattr, "PATH"},
        {"nocaps", 0, op_nocaps, ": give up every capability"},
        {"unshareuser", 0, op_unshareuser, ": a user namespace"},
        {"cloneuser", 0, op_cloneuser, ": a child in a user namespace"},
        {"clone3user", 0, op_clone3user, ": the same by clone3"},
        {"bpfload", 0, op_bpfload, ": a program of one's own"},
        {"bpfpin", 1, op_bpfpin, "PATH: a map of one's own"},
        {"perf", 0, op_perf, ": count on a whole processor (perfmon)"},
        {"insmod", 1, op_insmod, "PATH, or @ for what was taken (sys_module)"},
        {"rmmod", 1, op_rmmod, "NAME (sys_module)"},
        {"ioctl", 1, op_ioctl, "REQUEST, in hexadecimal: of what was taken"},
        {"mountas", 4, op_mountas, "FLAG,... TYPE SOURCE DIR"},
        {"remount", 2, op_remount, "FLAG,... DIR"},
        {"propagate", 2, op_propagate, "FLAG,... DIR"},
        {"fspick", 1, op_fspick, "DIR: make its file system read-only, by fsconfig"},
        {"setattr", 2, op_setattr, "ro|private|shared|slave DIR: by mount_setattr"},
        {NULL, 0, NULL, NULL},
};
