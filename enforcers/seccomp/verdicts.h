/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Verdicts: what a policy makes of each system call of each ABI, with OCI's meaning worked in: names are numbers, conditions on
 * the machine are decided, the disposition is applied. Of the entries that hold for a call the most restrictive counts, in the
 * order in which the kernel combines filters; between equal ones the first. What no entry holds for gets the default.
 *
 * Among the entries of a whole profile it is as to runc and crun, which hand them to libseccomp one by one: those that say what
 * the default says do not count; of those without conditions the first decides, whatever others say. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "host.h"
#include "policy.h"

/* All entries of all ABIs. A filter has 4096 instructions: what comes near this does not fit anyway. */
#define VERDICT_ENTRIES_MAX 65536U

#define VERDICT_NO_RULE UINT32_MAX

typedef struct VerdictEntry {
        uint32_t ret;       /* SECCOMP_RET_* with its data */
        uint32_t meant;     /* the same, were it not for the disposition */
        uint32_t rule;      /* index in policy->rules */
        const GArray *args; /* of SyscallArg, by index; the same index: alternatives. NULL: holds always */
} VerdictEntry;

typedef struct VerdictCall {
        uint32_t nr;
        GArray *entries; /* of VerdictEntry, in the order in which they are tried; none behind one that holds always */
} VerdictCall;

typedef struct VerdictAbi {
        SyscallArch abi;
        GArray *calls; /* of VerdictCall, by number */
} VerdictAbi;

typedef struct Verdicts {
        GArray *abis;          /* of VerdictAbi, the native one first */
        GPtrArray *pool;       /* of GArray: the conditions */
        uint32_t default_ret, default_meant;
        uint32_t bad_arch_ret; /* for ABIs that are not among @abis */
        bool log;              /* the kernel shall report what it does not let through */
        GPtrArray *why_not;    /* of char *, one for each rule of the policy; NULL: it is in there */
} Verdicts;

void verdicts_free(Verdicts *v);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Verdicts, verdicts_free)

/** verdicts_make() - pure. Return: 0; -E2BIG, -EBADMSG, with @d. */
int verdicts_make(const Policy *p, const SeccompHost *host, Verdicts **ret, Diag *d);

/** verdicts_are_empty() - everything is let through, and nothing reported. */
bool verdicts_are_empty(const Verdicts *v);

/** verdict_is_quiet() - does @r tell a program that there is no such call? That is an answer by which it goes another way, no violation:
 * it is not reported. */
bool verdict_is_quiet(const Rule *r);

/** verdict_action() - what becomes of a call that @r of @p is about. Return: false: what would without @r. */
bool verdict_action(const Policy *p, const Rule *r, SyscallAction *ret);

/** syscall_arg_holds() - whether the condition holds for the value of the argument. */
bool syscall_arg_holds(const SyscallArg *a, uint64_t value);

/** verdict_container_why_not() - why @r, a rule of @p about system calls, cannot be part of the one profile of a container, a sentence; NULL: it can. */
const char *verdict_container_why_not(const Policy *p, const Rule *r);
