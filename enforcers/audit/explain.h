/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Explain: which rule an AppArmor record is about, by the table that the BPF compiler makes of the policy: the same answer that a
 * program of the BPF enforcer would have given. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "alarm.h"
#include "table.h"
#include "words.h"

/* The rules with targets that stand in the child profile which a record is of. */
typedef struct AuditChild {
        bool (*has)(void *userdata, uint32_t rule);
        void *userdata;
} AuditChild;

/** audit_explain() - fill in rule, reason and action of @event by the validated table @t (NULL: the policy has no such rules).
 * @child: NULL: the record is of the whole, which has the rules for everybody.
 * @ret_quiet: they deny it in silence. The kernel reports some of it all the same.
 * Return: whether a rule, or the lack of one in an allow-list, explains the record; if not, it is due to raw text. */
bool audit_explain(const struct va_table *t, const AuditChild *child, const AuditWords *w, EnforcerEvent *event, bool *ret_quiet);
