/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hooks: which programs have to be attached for what is in force. A hook that no policy needs costs its processes nothing
 * when it is not attached. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "op.h"

/* What programs are needed for, as bits of a mask: one for each kind of operation that a table may speak of, and
 *   FILE  every policy with a table: beside its rules it has base protection, and nothing gets a second name;
 *   CORE  whoever is covered carries an identity, and cgroups their labels. Once attached these stay, since what happens to a
 *         process while nobody looks cannot be found out later.
 *   RECORD  a recording wants to know of system calls;
 *   SECCOMP, APPARMOR  those enforcers have something in force, and want to know whom their records are about. */
#define VA_NEED_KIND(kind) (1U << (kind))
#define VA_NEED_FILE VA_NEED_KIND(OP_FILE)
#define VA_NEED_CORE (1U << 31)
#define VA_NEED_SECCOMP (1U << 30)
#define VA_NEED_APPARMOR (1U << 29)
#define VA_NEED_RECORD (1U << 28)
#define VA_NEED_ANY UINT32_MAX

_Static_assert(_OP_KIND_MAX < 28, "these are no kinds of operations");
_Static_assert(VA_KIND_CAPABILITY == OP_CAPABILITY && VA_KIND_SOCKET == OP_SOCKET && VA_KIND_EGRESS == OP_EGRESS &&
                       VA_KIND_INGRESS == OP_INGRESS && VA_KIND_PTRACE == OP_PTRACE && VA_KIND_SIGNAL == OP_SIGNAL &&
                       VA_KIND_MOUNT == OP_MOUNT && VA_KIND_USERNS == OP_USERNS && VA_KIND_BPF == OP_BPF,
               "the bits of va_table.kinds");

/** hook_needs() - the mask of what @program is attached for. One that is not in the list is attached for anything. */
uint32_t hook_needs(const char *program);

/** hook_name() - the programs of the list, one after the other from @i = 0. Return: NULL behind the last one. */
const char *hook_name(unsigned i);

/** hook_needs_of_policy() - what a policy with this table needs. */
uint32_t hook_needs_of_policy(const struct va_table *table);
