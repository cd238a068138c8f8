/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rule table: which rule of a policy denies or reports a system call, for alarms: the bytes behind the instructions of a filter
 * file. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy.h"
#include "verdicts.h"

/** rule_table_make() - the table for @v, which was made of @p. */
GBytes *rule_table_make(const Policy *p, const Verdicts *v);

/* A call that some filter has stopped or reported. */
typedef struct SeccompCall {
        uint32_t nr;
        uint32_t arch;        /* AUDIT_ARCH_* */
        uint32_t action;      /* SECCOMP_RET_*, with or without its data */
        const uint64_t *args; /* six; NULL: not known */
} SeccompCall;

typedef struct SeccompAnswer {
        GArray *rules;   /* of uint32_t: indices in policy->rules. With arguments at most one; without, all that it may have been.
                          * Empty: no entry is about it, the profile's default did it, which is of no rule */
        GString *names;  /* their ids: "a, b" */
        Action told;     /* DENIED, AUDIT, ALLOWED */
        bool quiet;      /* it is not to be told: verdict_is_quiet() of all @rules */
} SeccompAnswer;

void seccomp_answer_done(SeccompAnswer *a);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SeccompAnswer, seccomp_answer_done)

/** seccomp_explain() - whether the filter in @blob (a filter file, untrusted) may have done that to @call, and by which rule.
 * @ret: set if so, to be freed by seccomp_answer_done(). */
bool seccomp_explain(GBytes *blob, const SeccompCall *call, SeccompAnswer *ret);
