/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* System calls: see syscalls.h. */

#include "syscalls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/ipc.h>
#include <linux/net.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#ifndef SCMP_ARCH_LOONGARCH64 /* libseccomp before 2.6 */
#define SCMP_ARCH_LOONGARCH64 0xc0000102U /* include/uapi/linux/audit.h: AUDIT_ARCH_LOONGARCH64 */
#endif

/* By SyscallArch. libseccomp's tokens are AUDIT_ARCH_*, but for x32, which has none. */
static const struct {
        uint32_t token;
        uint32_t base; /* of the numbers that all architectures share since 5.1 (arch/mips/include/uapi/asm/unistd.h) */
        bool wide;
} abis[_SYSCALL_ARCH_MAX] = {
        [ARCH_X86] = {SCMP_ARCH_X86, 0, false},
        [ARCH_X86_64] = {SCMP_ARCH_X86_64, 0, true},
        [ARCH_X32] = {SCMP_ARCH_X32, X32_SYSCALL_BIT, false},
        [ARCH_ARM] = {SCMP_ARCH_ARM, 0, false},
        [ARCH_AARCH64] = {SCMP_ARCH_AARCH64, 0, true},
        [ARCH_MIPS] = {SCMP_ARCH_MIPS, 4000, false},
        [ARCH_MIPS64] = {SCMP_ARCH_MIPS64, 5000, true},
        [ARCH_MIPS64N32] = {SCMP_ARCH_MIPS64N32, 6000, false},
        [ARCH_MIPSEL] = {SCMP_ARCH_MIPSEL, 4000, false},
        [ARCH_MIPSEL64] = {SCMP_ARCH_MIPSEL64, 5000, true},
        [ARCH_MIPSEL64N32] = {SCMP_ARCH_MIPSEL64N32, 6000, false},
        [ARCH_PPC] = {SCMP_ARCH_PPC, 0, false},
        [ARCH_PPC64] = {SCMP_ARCH_PPC64, 0, true},
        [ARCH_PPC64LE] = {SCMP_ARCH_PPC64LE, 0, true},
        [ARCH_S390] = {SCMP_ARCH_S390, 0, false},
        [ARCH_S390X] = {SCMP_ARCH_S390X, 0, true},
        [ARCH_PARISC] = {SCMP_ARCH_PARISC, 0, false},
        [ARCH_PARISC64] = {SCMP_ARCH_PARISC64, 0, true},
        [ARCH_RISCV64] = {SCMP_ARCH_RISCV64, 0, true},
        [ARCH_LOONGARCH64] = {SCMP_ARCH_LOONGARCH64, 0, true},
};

/* include/uapi/asm-generic/unistd.h, scripts/syscall.tbl, v6.12 (to 462), v6.19 (to 470), v7.0: the same number everywhere.
 * libseccomp 2.5.4 has none of them, Debian's the first two. */
static const struct {
        const char *name;
        uint32_t number;
} newer[] = {
        {"cachestat", 451}, {"fchmodat2", 452}, {"map_shadow_stack", 453}, {"futex_wake", 454}, {"futex_wait", 455},
        {"futex_requeue", 456}, {"statmount", 457}, {"listmount", 458}, {"lsm_get_self_attr", 459},
        {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462}, {"setxattrat", 463}, {"getxattrat", 464},
        {"listxattrat", 465}, {"removexattrat", 466}, {"open_tree_attr", 467}, {"file_getattr", 468},
        {"file_setattr", 469}, {"listns", 470}, {"rseq_slice_yield", 471},
};

/* Those of one architecture alone: arch/x86/entry/syscalls/syscall_64.tbl, v6.19; arch/riscv/include/uapi/asm/unistd.h, v6.4. */
static const struct {
        const char *name;
        SyscallArch abi;
        uint32_t number;
} newer_of_one[] = {
        {"uretprobe", ARCH_X86_64, 335},
        {"uprobe", ARCH_X86_64, 336},
        {"riscv_hwprobe", ARCH_RISCV64, 258},
};

/* Calls carry numbers below this one, beside the base. */
#define NUMBERS_MAX 512U

static int64_t newer_number(SyscallArch abi, const char *name)
{
        for (size_t i = 0; i < sizeof(newer) / sizeof(*newer); i++)
                if (strcmp(newer[i].name, name) == 0)
                        return abis[abi].base + newer[i].number;
        for (size_t i = 0; i < sizeof(newer_of_one) / sizeof(*newer_of_one); i++)
                if (newer_of_one[i].abi == abi && strcmp(newer_of_one[i].name, name) == 0)
                        return newer_of_one[i].number;
        return -ENOENT;
}

/* libseccomp gives a number of its own for what can be called in two ways, by its number, too. */
static int64_t direct_number(SyscallArch abi, const char *name)
{
        for (uint32_t n = 0; n < NUMBERS_MAX; n++) {
                uint32_t nr = abis[abi].base + n;
                char *found = seccomp_syscall_resolve_num_arch(abis[abi].token, (int)nr);
                bool same = found && strcmp(found, name) == 0;

                free(found);
                if (same)
                        return nr;
        }
        return -ENOENT;
}

int64_t syscall_number(SyscallArch abi, const char *name)
{
        int nr = seccomp_syscall_resolve_name_arch(abis[abi].token, name);

        if (nr >= 0)
                return nr;
        if (nr == __NR_SCMP_ERROR)
                return newer_number(abi, name);
        return syscall_detour(name) ? direct_number(abi, name) : -ENOENT;
}

bool syscall_is_known(const char *name)
{
        if (seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name) != __NR_SCMP_ERROR)
                return true; /* as a number, or as one that others have */
        for (SyscallArch a = 0; a < _SYSCALL_ARCH_MAX; a++)
                if (newer_number(a, name) >= 0)
                        return true;
        return false;
}

static char *newer_name(SyscallArch abi, uint32_t nr)
{
        for (size_t i = 0; i < sizeof(newer) / sizeof(*newer); i++)
                if (abis[abi].base + newer[i].number == nr)
                        return strdup(newer[i].name);
        for (size_t i = 0; i < sizeof(newer_of_one) / sizeof(*newer_of_one); i++)
                if (newer_of_one[i].abi == abi && newer_of_one[i].number == nr)
                        return strdup(newer_of_one[i].name);
        return NULL;
}

/* Return: _SYSCALL_ARCH_MAX: none. */
static SyscallArch find_abi(uint32_t arch, uint32_t nr)
{
        SyscallArch abi = 0;

        while (abi < _SYSCALL_ARCH_MAX && abis[abi].token != arch)
                abi++;
        return abi == ARCH_X86_64 && nr & X32_SYSCALL_BIT ? ARCH_X32 : abi;
}

char *syscall_name(uint32_t arch, uint32_t nr)
{
        SyscallArch abi = find_abi(arch, nr);
        char *name;

        if (abi == _SYSCALL_ARCH_MAX || nr > INT32_MAX)
                return NULL;
        name = seccomp_syscall_resolve_num_arch(abis[abi].token, (int)nr);
        return name ?: newer_name(abi, nr);
}

uint32_t syscall_abi_token(SyscallArch abi)
{
        return abis[abi == ARCH_X32 ? ARCH_X86_64 : abi].token;
}

bool syscall_abi_is_32bit(SyscallArch abi)
{
        return !abis[abi].wide;
}

bool syscall_is_32bit(uint32_t arch, uint32_t nr)
{
        SyscallArch abi = find_abi(arch, nr);

        return abi != _SYSCALL_ARCH_MAX && !abis[abi].wide;
}

#define BIT(n) (1U << (n))

uint32_t syscall_abis(SyscallArch native)
{
        switch (native) {
        case ARCH_X86_64:
                return BIT(ARCH_X86_64) | BIT(ARCH_X86) | BIT(ARCH_X32);
        case ARCH_AARCH64:
                return BIT(ARCH_AARCH64) | BIT(ARCH_ARM);
        case ARCH_MIPS64:
        case ARCH_MIPS64N32:
                return BIT(ARCH_MIPS64) | BIT(ARCH_MIPS64N32) | BIT(ARCH_MIPS);
        case ARCH_MIPSEL64:
        case ARCH_MIPSEL64N32:
                return BIT(ARCH_MIPSEL64) | BIT(ARCH_MIPSEL64N32) | BIT(ARCH_MIPSEL);
        case ARCH_PPC64:
                return BIT(ARCH_PPC64) | BIT(ARCH_PPC);
        case ARCH_S390X:
                return BIT(ARCH_S390X) | BIT(ARCH_S390);
        case ARCH_PARISC64:
                return BIT(ARCH_PARISC64) | BIT(ARCH_PARISC);
        default:
                return BIT(native);
        }
}

SyscallArch syscall_native(void)
{
        uint32_t token = seccomp_arch_native();
        SyscallArch abi = 0;

        while (abi < _SYSCALL_ARCH_MAX - 1 && abis[abi].token != token)
                abi++;
        return abi;
}

#define SOCKETCALL(name, number) {name, "socketcall", number, UINT32_MAX}
/* The upper half of ipc(2)'s first argument is a version, ipc/syscall.c. */
#define IPC(name, number) {name, "ipc", number, 0xffff}

static const SyscallDetour detours[] = {
        SOCKETCALL("socket", SYS_SOCKET),
        SOCKETCALL("bind", SYS_BIND),
        SOCKETCALL("connect", SYS_CONNECT),
        SOCKETCALL("listen", SYS_LISTEN),
        SOCKETCALL("accept", SYS_ACCEPT),
        SOCKETCALL("getsockname", SYS_GETSOCKNAME),
        SOCKETCALL("getpeername", SYS_GETPEERNAME),
        SOCKETCALL("socketpair", SYS_SOCKETPAIR),
        SOCKETCALL("send", SYS_SEND),
        SOCKETCALL("recv", SYS_RECV),
        SOCKETCALL("sendto", SYS_SENDTO),
        SOCKETCALL("recvfrom", SYS_RECVFROM),
        SOCKETCALL("shutdown", SYS_SHUTDOWN),
        SOCKETCALL("setsockopt", SYS_SETSOCKOPT),
        SOCKETCALL("getsockopt", SYS_GETSOCKOPT),
        SOCKETCALL("sendmsg", SYS_SENDMSG),
        SOCKETCALL("recvmsg", SYS_RECVMSG),
        SOCKETCALL("accept4", SYS_ACCEPT4),
        SOCKETCALL("recvmmsg", SYS_RECVMMSG),
        SOCKETCALL("sendmmsg", SYS_SENDMMSG),
        IPC("semop", SEMOP),
        IPC("semget", SEMGET),
        IPC("semctl", SEMCTL),
        IPC("semtimedop", SEMTIMEDOP),
        IPC("msgsnd", MSGSND),
        IPC("msgrcv", MSGRCV),
        IPC("msgget", MSGGET),
        IPC("msgctl", MSGCTL),
        IPC("shmat", SHMAT),
        IPC("shmdt", SHMDT),
        IPC("shmget", SHMGET),
        IPC("shmctl", SHMCTL),
};

const SyscallDetour *syscall_detour(const char *name)
{
        for (size_t i = 0; i < sizeof(detours) / sizeof(*detours); i++)
                if (strcmp(detours[i].name, name) == 0)
                        return detours + i;
        return NULL;
}
