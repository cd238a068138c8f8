/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Explain: which rule an AppArmor record is about, by the table that the BPF compiler makes of the policy: the same answer that a
 * program of the BPF enforcer would have given. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "alarm.h"
#include "table.h"
#include "words.h"

/** audit_explain() - fill in rule, reason and action of @event by the validated table @t (NULL: the policy has no such rules).
 * @group: of the process; 0: not known, then those of all groups count.
 * Return: whether a rule, or the lack of one in an allow-list, explains the record; if not, it is due to raw text. */
bool audit_explain(const struct va_table *t, uint32_t group, const AuditWords *w, EnforcerEvent *event);

/** audit_is_quiet() - do rules deny in silence what the record is about? The kernel reports some of it all the same. */
bool audit_is_quiet(const struct va_table *t, uint32_t group, const AuditWords *w);
