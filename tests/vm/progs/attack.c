/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt's operations that attacks on a host consist of, and that no other file has: second nodes of a device, modules from
 * memory, filters on sockets, userfaultfd; and the uses of those capabilities that are used seldom. */

#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/xattr.h>
#include <unistd.h>

typedef struct Word {
        const char *name;
        int number;
} Word;

/* Return: its number, or -1. */
static int number_of(const Word *words, const char *s) {
        for (; words->name; words++)
                if (strcmp(words->name, s) == 0)
                        return words->number;
        return -1;
}

/* ---- namespaces, devices, modules ------------------------------------------------------------------------------- */

static int op_unshare(Hand *h, char **argv) {
        static const Word words[] = {{"cgroup", CLONE_NEWCGROUP}, {"net", CLONE_NEWNET}, {"pid", CLONE_NEWPID}, {"uts", CLONE_NEWUTS}, {NULL, 0}};
        int flag = number_of(words, argv[1]);

        return flag < 0 ? -EINVAL : RET(unshare(flag));
}

/* Into the user namespace of another process. */
static int op_joinuser(Hand *h, char **argv) {
        char path[64];
        int pid = 0;
        FILE *f = fopen(argv[1], "re");

        if (!f)
                return -errno;
        if (fscanf(f, "%d", &pid) != 1)
                pid = 0;
        fclose(f);
        snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        int r = RET(setns(fd, argv[2] ? 0 : CLONE_NEWUSER));
        close(fd);
        return r;
}

static int op_nodeof(Hand *h, char **argv) {
        struct stat st;

        if (stat(argv[1], &st) < 0)
                return -errno;
        (void) unlink(argv[2]);
        return RET(mknod(argv[2], (st.st_mode & S_IFMT) | 0600, st.st_rdev));
}

static int op_initmodule(Hand *h, char **argv) {
        struct stat st;
        int fd = open(argv[1], O_RDONLY | O_CLOEXEC);

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        void *p = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        int r = p == MAP_FAILED ? -errno : RET(syscall(SYS_init_module, p, (unsigned long) st.st_size, ""));
        if (p != MAP_FAILED)
                munmap(p, (size_t) st.st_size);
        close(fd);
        return r;
}

/* For preparations: it is not there afterwards. */
static int op_unload(Hand *h, char **argv) {
        return syscall(SYS_delete_module, argv[1], O_NONBLOCK) < 0 && errno != ENOENT ? -errno : 0;
}

/* ---- programs for the kernel ------------------------------------------------------------------------------------ */

static int socket_program(void) {
        static const struct bpf_insn code[] = {
                {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                {.code = BPF_JMP | BPF_EXIT},
        };
        union bpf_attr attr = {
                .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
                .insns = (uintptr_t) code,
                .insn_cnt = sizeof(code) / sizeof(*code),
                .license = (uintptr_t) "GPL",
        };

        return (int) syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

typedef struct Option {
        int name;
        union {
                struct sock_fprog classic;
                int fd;
        };
        socklen_t size;
} Option;

/* The option that @argv[1] names, with a program for it. */
static int option_make(const char *name, Option *ret) {
        static const Word words[] = {
                {"filter", SO_ATTACH_FILTER}, {"bpf", SO_ATTACH_BPF}, {"reuseport-cbpf", SO_ATTACH_REUSEPORT_CBPF},
                {"reuseport-ebpf", SO_ATTACH_REUSEPORT_EBPF}, {"reuseaddr", SO_REUSEADDR}, {NULL, 0},
        };
        static struct sock_filter code[] = {{.code = BPF_RET | BPF_K, .k = 0xffff}};

        *ret = (Option){.name = number_of(words, name)};
        switch (ret->name) {
        case SO_ATTACH_FILTER:
        case SO_ATTACH_REUSEPORT_CBPF:
                ret->classic = (struct sock_fprog){.len = 1, .filter = code};
                ret->size = sizeof(ret->classic);
                return 0;
        case SO_ATTACH_BPF:
        case SO_ATTACH_REUSEPORT_EBPF: ret->fd = socket_program(); break;
        case SO_REUSEADDR: ret->fd = 1; break;
        default: return -EINVAL;
        }
        ret->size = sizeof(ret->fd);
        return RET(ret->fd);
}

/* A socket that the options about ports of several can be set on. */
static int option_socket(void) {
        int one = 1, s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        return s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0 ? -errno : s;
}

static int op_sockopt(Hand *h, char **argv) {
        Option o;
        int r = option_make(argv[1], &o), s = r < 0 ? r : option_socket();

        if (s < 0)
                return s;
        r = RET(setsockopt(s, SOL_SOCKET, o.name, &o.fd, o.size));
        close(s);
        return r;
}

/* SOCKET_URING_OP_SETSOCKOPT, include/uapi/linux/io_uring.h, v6.7: the level, the option, its size and its value stand where
 * other operations have an address, two halves of a word, and more of it. */
static int op_ringsockopt(Hand *h, char **argv) {
        Option o;
        int r = option_make(argv[1], &o), s = r < 0 ? r : option_socket();
        struct io_uring_sqe sqe = {.opcode = IORING_OP_URING_CMD, .fd = s, .off = 3};

        if (s < 0)
                return s;
        sqe.addr = (uint64_t) (uint32_t) o.name << 32 | SOL_SOCKET;
        sqe.splice_fd_in = (int32_t) o.size;
        uint64_t value = (uintptr_t) &o.fd;
        memcpy((char *) &sqe + 48, &value, sizeof(value));
        r = ring_do(&sqe, NULL);
        close(s);
        return r;
}

/* userfault [device]: by the system call, or by the device. */
static int op_userfault(Hand *h, char **argv) {
        int fd, device = argv[1] ? open("/dev/userfaultfd", O_RDWR | O_CLOEXEC) : -1;

        if (argv[1] && device < 0)
                return -errno;
        fd = argv[1] ? ioctl(device, _IO(0xAA, 0x00) /* USERFAULTFD_IOC_NEW */, O_CLOEXEC)
                     : (int) syscall(SYS_userfaultfd, O_CLOEXEC);
        int r = RET(fd);
        close(fd);
        close(device);
        return r;
}

/* ---- capabilities ------------------------------------------------------------------------------------------------ */

/* only CAPABILITY: a number. No other from here on, so that none can stand in for it. */
static int op_only(Hand *h, char **argv) {
        unsigned cap = (unsigned) atoi(argv[1]);
        struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2] = {{0}};

        data[cap / 32].effective = data[cap / 32].permitted = 1U << cap % 32;
        return RET(syscall(SYS_capset, &head, data));
}

/* A file of a group that one is not in stays set-id: who lacks fsetid gets no error, but loses the bit. */
static int op_keepsgid(Hand *h, char **argv) {
        struct stat st;

        if (chmod(argv[1], 02755) < 0 || stat(argv[1], &st) < 0)
                return -errno;
        return st.st_mode & S_ISGID ? 0 : -EPERM;
}

/* What was taken can be changed no more. */
static int op_immutable(Hand *h, char **argv) {
        int flags = FS_IMMUTABLE_FL;

        return RET(ioctl(h->fd, FS_IOC_SETFLAGS, &flags));
}

/* More memory than everybody may. */
static int op_lockmemory(Hand *h, char **argv) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
                return -errno;
        limit.rlim_cur = 4096;
        void *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED || setrlimit(RLIMIT_MEMLOCK, &limit) < 0)
                return -errno;
        return mlock(p, 4 * 4096) < 0 ? (errno == ENOMEM ? -EPERM : -errno) : 0;
}

static int op_hangup(Hand *h, char **argv) { return RET(vhangup()); }

static int audit_socket(void) {
        int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

        return s < 0 ? -errno : s;
}

/* Return: what the kernel answers to a message of @type. */
static int audit_ask(uint16_t type, const char *text) {
        struct {
                struct nlmsghdr head;
                char text[64];
        } message = {.head = {.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK}};
        struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
        union {
                struct nlmsghdr head;
                char space[8192];
        } answer;
        int s = audit_socket(), r = -EIO;

        if (s < 0)
                return s;
        strncpy(message.text, text, sizeof(message.text) - 1);
        message.head.nlmsg_len = (uint32_t) (NLMSG_HDRLEN + strlen(text) + 1);
        if (sendto(s, &message, message.head.nlmsg_len, 0, (struct sockaddr *) &kernel, sizeof(kernel)) < 0)
                r = -errno;
        else
                while (r == -EIO && recv(s, &answer, sizeof(answer), 0) > 0)
                        if (answer.head.nlmsg_type == NLMSG_ERROR)
                                r = ((const struct nlmsgerr *) NLMSG_DATA(&answer.head))->error;
        close(s);
        return r;
}

static int op_auditmessage(Hand *h, char **argv) { return audit_ask(AUDIT_FIRST_USER_MSG, "attempt"); }
static int op_auditstatus(Hand *h, char **argv) { return audit_ask(AUDIT_GET, ""); }

static int op_auditlisten(Hand *h, char **argv) {
        struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1 << (AUDIT_NLGRP_READLOG - 1)};
        int s = audit_socket();

        if (s < 0)
                return s;
        int r = RET(bind(s, (struct sockaddr *) &address, sizeof(address)));
        close(s);
        return r;
}

/* Executables that give a capability: here, none. */
static int op_filecaps(Hand *h, char **argv) {
        struct vfs_cap_data caps = {.magic_etc = VFS_CAP_REVISION_2};

        return RET(setxattr(argv[1], "security.capability", &caps, sizeof(caps), 0));
}

/* Whether an event may keep the machine awake: who may not gets no error, but loses the flag. */
static int op_wakelock(Hand *h, char **argv) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLWAKEUP};
        int e = epoll_create1(EPOLL_CLOEXEC), t = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), r = -ENODATA;
        char path[64], line[256];
        unsigned events;

        if (e < 0 || t < 0 || epoll_ctl(e, EPOLL_CTL_ADD, t, &event) < 0)
                return -errno;
        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", e);
        FILE *f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f))
                if (sscanf(line, "tfd: %*d events: %x", &events) == 1)
                        r = events & EPOLLWAKEUP ? 0 : -EPERM;
        if (f)
                fclose(f);
        close(t);
        close(e);
        return r;
}

/* A child with a PID of one's own choice. */
static int op_pickpid(Hand *h, char **argv) {
        pid_t wanted = 30011;
        struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t) &wanted, .set_tid_size = 1};
        long pid = syscall(SYS_clone3, &args, sizeof(args));

        if (pid == 0)
                _exit(0);
        return pid < 0 ? -errno : child_wait((pid_t) pid);
}

const Op attack_ops[] = {
        {"unshare", 1, op_unshare, "cgroup|net|pid|uts"},
        {"joinuser", 1, op_joinuser, "PIDFILE [any]: its user namespace, by setns, with the flag or without"},
        {"nodeof", 2, op_nodeof, "DEVICE PATH: another node with its number"},
        {"initmodule", 1, op_initmodule, "PATH: load it from memory (sys_module)"},
        {"unload", 1, op_unload, "MODULE: if it is there"},
        {"sockopt", 1, op_sockopt, "filter|bpf|reuseport-cbpf|reuseport-ebpf|reuseaddr: on a socket of one's own"},
        {"ringsockopt", 1, op_ringsockopt, "OPTION: the same by io_uring"},
        {"userfault", 0, op_userfault, "[device]"},
        {"only", 1, op_only, "CAPABILITY, a number: no other one"},
        {"keepsgid", 1, op_keepsgid, "PATH, of a foreign group (fsetid)"},
        {"immutable", 0, op_immutable, ": what was taken (linux_immutable)"},
        {"lockmemory", 0, op_lockmemory, "(ipc_lock)"},
        {"hangup", 0, op_hangup, "(sys_tty_config)"},
        {"auditmessage", 0, op_auditmessage, "(audit_write)"},
        {"auditstatus", 0, op_auditstatus, "(audit_control)"},
        {"auditlisten", 0, op_auditlisten, "(audit_read)"},
        {"filecaps", 1, op_filecaps, "PATH (setfcap)"},
        {"wakelock", 0, op_wakelock, "(block_suspend)"},
        {"pickpid", 0, op_pickpid, "(checkpoint_restore)"},
        {NULL, 0, NULL, NULL},
};
