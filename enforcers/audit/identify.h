/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Identify: who a process was when a record was made, by what /proc says now. Only if it is certain: the process that has that
 * number now had it then already, since it had been started. */

#include <stdint.h>

#include "record.h"

/** audit_identify() - the cgroup of the process that @r is about. For AppArmor's records it must also run under the record's profile
 * still. Return: 0; -ESRCH: it is gone, or it is not certain. */
int audit_identify(const AuditRecord *r, char **ret_cgroup);
