/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words: the tables of op.h whose words stand for bits of a mask, and how they are read and written. */

#include <glib.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/socket.h>

#include "op.h"

#define BIT(n) (UINT64_C(1) << (n))

/* Families and capabilities that are younger than the headers we may be built with.
 * include/linux/socket.h and include/uapi/linux/capability.h, v6.12 */
#ifndef AF_MCTP
#define AF_MCTP 45
#endif
#ifndef AF_SMC
#define AF_SMC 43
#endif

const Word file_perm_words[] = {
        {"all", PERM_ALL}, {"*", PERM_ALL}, {"read", PERM_READ}, {"r", PERM_READ},
        {"write", PERM_WRITE}, {"w", PERM_WRITE}, {"append", PERM_APPEND}, {"a", PERM_APPEND},
        {"exec", PERM_EXEC}, {"x", PERM_EXEC}, {"e", PERM_EXEC}, {NULL, 0},
};

const Word capability_words[] = {
        {"all", UINT64_MAX}, {"*", UINT64_MAX},
        {"chown", BIT(CAP_CHOWN)}, {"dac_override", BIT(CAP_DAC_OVERRIDE)}, {"dac_read_search", BIT(CAP_DAC_READ_SEARCH)},
        {"fowner", BIT(CAP_FOWNER)}, {"fsetid", BIT(CAP_FSETID)}, {"kill", BIT(CAP_KILL)}, {"setgid", BIT(CAP_SETGID)},
        {"setuid", BIT(CAP_SETUID)}, {"setpcap", BIT(CAP_SETPCAP)}, {"linux_immutable", BIT(CAP_LINUX_IMMUTABLE)},
        {"net_bind_service", BIT(CAP_NET_BIND_SERVICE)}, {"net_broadcast", BIT(CAP_NET_BROADCAST)},
        {"net_admin", BIT(CAP_NET_ADMIN)}, {"net_raw", BIT(CAP_NET_RAW)}, {"ipc_lock", BIT(CAP_IPC_LOCK)},
        {"ipc_owner", BIT(CAP_IPC_OWNER)}, {"sys_module", BIT(CAP_SYS_MODULE)}, {"sys_rawio", BIT(CAP_SYS_RAWIO)},
        {"sys_chroot", BIT(CAP_SYS_CHROOT)}, {"sys_ptrace", BIT(CAP_SYS_PTRACE)}, {"sys_pacct", BIT(CAP_SYS_PACCT)},
        {"sys_admin", BIT(CAP_SYS_ADMIN)}, {"sys_boot", BIT(CAP_SYS_BOOT)}, {"sys_nice", BIT(CAP_SYS_NICE)},
        {"sys_resource", BIT(CAP_SYS_RESOURCE)}, {"sys_time", BIT(CAP_SYS_TIME)},
        {"sys_tty_config", BIT(CAP_SYS_TTY_CONFIG)}, {"mknod", BIT(CAP_MKNOD)}, {"lease", BIT(CAP_LEASE)},
        {"audit_write", BIT(CAP_AUDIT_WRITE)}, {"audit_control", BIT(CAP_AUDIT_CONTROL)}, {"setfcap", BIT(CAP_SETFCAP)},
        {"mac_override", BIT(CAP_MAC_OVERRIDE)}, {"mac_admin", BIT(CAP_MAC_ADMIN)}, {"syslog", BIT(CAP_SYSLOG)},
        {"wake_alarm", BIT(CAP_WAKE_ALARM)}, {"block_suspend", BIT(CAP_BLOCK_SUSPEND)},
        {"audit_read", BIT(CAP_AUDIT_READ)}, {"perfmon", BIT(CAP_PERFMON)}, {"bpf", BIT(CAP_BPF)},
        {"checkpoint_restore", BIT(CAP_CHECKPOINT_RESTORE)}, {NULL, 0},
};

/* include/linux/socket.h, v6.1: the families that have a number, those long gone included, as AppArmor has them. */
const Word socket_domain_words[] = {
        {"all", UINT64_MAX}, {"*", UINT64_MAX},
        {"unix", BIT(AF_UNIX)}, {"inet", BIT(AF_INET)}, {"ax25", BIT(AF_AX25)}, {"ipx", BIT(AF_IPX)},
        {"appletalk", BIT(AF_APPLETALK)}, {"netrom", BIT(AF_NETROM)}, {"bridge", BIT(AF_BRIDGE)},
        {"atmpvc", BIT(AF_ATMPVC)}, {"x25", BIT(AF_X25)}, {"inet6", BIT(AF_INET6)}, {"rose", BIT(AF_ROSE)},
        {"netbeui", BIT(AF_NETBEUI)}, {"security", BIT(AF_SECURITY)}, {"key", BIT(AF_KEY)}, {"netlink", BIT(AF_NETLINK)},
        {"packet", BIT(AF_PACKET)}, {"ash", BIT(AF_ASH)}, {"econet", BIT(AF_ECONET)}, {"atmsvc", BIT(AF_ATMSVC)},
        {"rds", BIT(AF_RDS)}, {"sna", BIT(AF_SNA)}, {"irda", BIT(AF_IRDA)}, {"pppox", BIT(AF_PPPOX)},
        {"wanpipe", BIT(AF_WANPIPE)}, {"llc", BIT(AF_LLC)}, {"ib", BIT(AF_IB)}, {"mpls", BIT(AF_MPLS)},
        {"can", BIT(AF_CAN)}, {"tipc", BIT(AF_TIPC)}, {"bluetooth", BIT(AF_BLUETOOTH)}, {"iucv", BIT(AF_IUCV)},
        {"rxrpc", BIT(AF_RXRPC)}, {"isdn", BIT(AF_ISDN)}, {"phonet", BIT(AF_PHONET)},
        {"ieee802154", BIT(AF_IEEE802154)}, {"caif", BIT(AF_CAIF)}, {"alg", BIT(AF_ALG)}, {"nfc", BIT(AF_NFC)},
        {"vsock", BIT(AF_VSOCK)}, {"kcm", BIT(AF_KCM)}, {"qipcrtr", BIT(AF_QIPCRTR)}, {"smc", BIT(AF_SMC)},
        {"xdp", BIT(AF_XDP)}, {"mctp", BIT(AF_MCTP)}, {NULL, 0},
};

const Word socket_type_words[] = {
        {"all", UINT32_MAX}, {"*", UINT32_MAX},
        {"stream", BIT(SOCK_STREAM)}, {"dgram", BIT(SOCK_DGRAM)}, {"raw", BIT(SOCK_RAW)}, {"rdm", BIT(SOCK_RDM)},
        {"seqpacket", BIT(SOCK_SEQPACKET)}, {"dccp", BIT(SOCK_DCCP)}, {"packet", BIT(SOCK_PACKET)}, {NULL, 0},
};

const Word socket_protocol_words[] = {
        {"all", UINT32_MAX}, {"*", UINT32_MAX},
        {"icmp", PROTOCOL_ICMP}, {"tcp", PROTOCOL_TCP}, {"udp", PROTOCOL_UDP}, {NULL, 0},
};

const Word ptrace_perm_words[] = {
        {"all", PTRACE_PERM_ALL}, {"*", PTRACE_PERM_ALL},
        {"trace", PTRACE_PERM_TRACE}, {"traceby", PTRACE_PERM_TRACEBY},
        {"read", PTRACE_PERM_READ}, {"readby", PTRACE_PERM_READBY}, {NULL, 0},
};

const Word mount_flag_words[] = {
        {"all", MOUNT_WORDS_ALL}, {"*", MOUNT_WORDS_ALL}, {"mount", MOUNT_WORDS_ALL & ~BIT(MOUNT_UMOUNT)},
        {"ro", BIT(MOUNT_RO)}, {"r", BIT(MOUNT_RO)}, {"read-only", BIT(MOUNT_RO)},
        {"rw", BIT(MOUNT_RW)}, {"w", BIT(MOUNT_RW)},
        {"nosuid", BIT(MOUNT_NOSUID)}, {"suid", BIT(MOUNT_SUID)}, {"nodev", BIT(MOUNT_NODEV)}, {"dev", BIT(MOUNT_DEV)},
        {"noexec", BIT(MOUNT_NOEXEC)}, {"exec", BIT(MOUNT_EXEC)}, {"sync", BIT(MOUNT_SYNC)}, {"async", BIT(MOUNT_ASYNC)},
        {"mand", BIT(MOUNT_MAND)}, {"nomand", BIT(MOUNT_NOMAND)}, {"dirsync", BIT(MOUNT_DIRSYNC)},
        {"noatime", BIT(MOUNT_NOATIME)}, {"atime", BIT(MOUNT_ATIME)}, {"nodiratime", BIT(MOUNT_NODIRATIME)},
        {"diratime", BIT(MOUNT_DIRATIME)}, {"silent", BIT(MOUNT_SILENT)}, {"loud", BIT(MOUNT_LOUD)},
        {"relatime", BIT(MOUNT_RELATIME)}, {"norelatime", BIT(MOUNT_NORELATIME)},
        {"iversion", BIT(MOUNT_IVERSION)}, {"noiversion", BIT(MOUNT_NOIVERSION)},
        {"strictatime", BIT(MOUNT_STRICTATIME)}, {"nostrictatime", BIT(MOUNT_NOSTRICTATIME)},
        {"remount", BIT(MOUNT_REMOUNT)}, {"bind", BIT(MOUNT_BIND)}, {"B", BIT(MOUNT_BIND)},
        {"move", BIT(MOUNT_MOVE)}, {"M", BIT(MOUNT_MOVE)}, {"rbind", BIT(MOUNT_RBIND)}, {"R", BIT(MOUNT_RBIND)},
        {"make-unbindable", BIT(MOUNT_UNBINDABLE)}, {"unbindable", BIT(MOUNT_UNBINDABLE)},
        {"make-private", BIT(MOUNT_PRIVATE)}, {"private", BIT(MOUNT_PRIVATE)},
        {"make-slave", BIT(MOUNT_SLAVE)}, {"slave", BIT(MOUNT_SLAVE)},
        {"make-shared", BIT(MOUNT_SHARED)}, {"shared", BIT(MOUNT_SHARED)},
        {"make-runbindable", BIT(MOUNT_RUNBINDABLE)}, {"runbindable", BIT(MOUNT_RUNBINDABLE)},
        {"make-rprivate", BIT(MOUNT_RPRIVATE)}, {"rprivate", BIT(MOUNT_RPRIVATE)},
        {"make-rslave", BIT(MOUNT_RSLAVE)}, {"rslave", BIT(MOUNT_RSLAVE)},
        {"make-rshared", BIT(MOUNT_RSHARED)}, {"rshared", BIT(MOUNT_RSHARED)},
        {"umount", BIT(MOUNT_UMOUNT)}, {NULL, 0},
};

const Word bpf_command_words[] = {
        {"all", UINT64_MAX}, {"*", UINT64_MAX},
        {"map-create", BIT(BPF_MAP_CREATE)}, {"prog-load", BIT(BPF_PROG_LOAD)}, {"btf-load", BIT(BPF_BTF_LOAD)},
        {"obj-pin", BIT(BPF_OBJ_PIN)}, {"obj-get", BIT(BPF_OBJ_GET)}, {"prog-attach", BIT(BPF_PROG_ATTACH)},
        {"link-create", BIT(BPF_LINK_CREATE)}, {NULL, 0},
};

const Word named_op_words[] = {
        {"make-executable", BIT(NAMED_MAKE_EXECUTABLE)}, {"make-set-id", BIT(NAMED_MAKE_SET_ID)},
        {"userfaultfd", BIT(NAMED_USERFAULTFD)}, {"attach-program", BIT(NAMED_ATTACH_PROGRAM)}, {NULL, 0},
};

const Word op_class_words[] = {
        {"all", BIT(OP_FILE) | BIT(OP_CAPABILITY) | BIT(OP_SOCKET) | BIT(OP_EGRESS) | BIT(OP_INGRESS) | BIT(OP_PTRACE) |
                BIT(OP_SIGNAL) | BIT(OP_MOUNT) | BIT(OP_USERNS) | BIT(OP_BPF)},
        {"file", BIT(OP_FILE)}, {"capability", BIT(OP_CAPABILITY)}, {"socket", BIT(OP_SOCKET)},
        {"egress", BIT(OP_EGRESS)}, {"ingress", BIT(OP_INGRESS)}, {"ptrace", BIT(OP_PTRACE)},
        {"signal", BIT(OP_SIGNAL)}, {"mount", BIT(OP_MOUNT)}, {"userns", BIT(OP_USERNS)}, {"bpf", BIT(OP_BPF)},
        {NULL, 0},
};

uint64_t words_find(const Word *words, const char *name)
{
        /* Exact first: mount flags have "R" and "r". */
        for (const Word *w = words; w->name; w++)
                if (strcmp(w->name, name) == 0)
                        return w->bits;
        for (const Word *w = words; w->name; w++)
                if (g_ascii_strcasecmp(w->name, name) == 0)
                        return w->bits;

        return 0;
}

char *words_format(const Word *words, uint64_t bits, const char *separator)
{
        GString *s = g_string_new(NULL);

        for (const Word *w = words; w->name && bits; w++) {
                if ((bits & w->bits) != w->bits)
                        continue;
                if (s->len)
                        g_string_append(s, separator);
                g_string_append(s, w->name);
                bits &= ~w->bits;
        }
        if (bits)
                g_string_append_printf(s, "%s0x%" G_GINT64_MODIFIER "x", s->len ? separator : "", bits);

        return g_string_free(s, FALSE);
}

const char **words_names(const Word *words)
{
        size_t n = 0;
        const char **names;

        while (words[n].name)
                n++;
        names = g_new0(const char *, n + 1);
        for (size_t i = 0; i < n; i++)
                names[i] = words[i].name;

        return names;
}
