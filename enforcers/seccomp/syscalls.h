/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* System calls: their names and numbers in each ABI (an "architecture" of OCI), which ABIs a machine has, and which old calls
 * carry others inside. The tables are libseccomp's; what is newer than it stands here. */

#include <stdbool.h>
#include <stdint.h>

#include "op.h"

/* arch/x86/include/uapi/asm/unistd.h: __X32_SYSCALL_BIT. To the kernel x32 is x86_64 with this bit in the number. */
#define X32_SYSCALL_BIT 0x40000000U

/** syscall_number() - the number of @name in @abi, as seccomp filters see it. Return: -ENOENT: @abi has no such call. */
int64_t syscall_number(SyscallArch abi, const char *name);

/** syscall_is_known() - whether any ABI has a call of that name. */
bool syscall_is_known(const char *name);

/** syscall_name() - the name of @nr for the kernel's AUDIT_ARCH_* @arch. To be freed; NULL: not known. */
char *syscall_name(uint32_t arch, uint32_t nr);

/** syscall_abi_token() - AUDIT_ARCH_* of @abi, as filters see it. */
uint32_t syscall_abi_token(SyscallArch abi);

/** syscall_abi_is_32bit() - whether arguments are 32 bits wide. */
bool syscall_abi_is_32bit(SyscallArch abi);

/** syscall_is_32bit() - the same, for a call as the kernel tells of it. */
bool syscall_is_32bit(uint32_t arch, uint32_t nr);

/** syscall_abis() - 1 << SyscallArch for all that a machine of @native can run. */
uint32_t syscall_abis(SyscallArch native);

/** syscall_native() - what this program is for. */
SyscallArch syscall_native(void);

/* A call that can also be made by another, which takes its number as the first argument and its arguments from memory, where a
 * filter cannot look: socketcall(2), ipc(2). */
typedef struct SyscallDetour {
        const char *name;
        const char *by;
        uint32_t number; /* in the first argument, */
        uint32_t mask;   /* of which these bits count */
} SyscallDetour;

/** syscall_detour() - NULL: there is none. */
const SyscallDetour *syscall_detour(const char *name);
