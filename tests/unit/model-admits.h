/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an allow-list for BPF admits of a model. */

#include <stdbool.h>
#include <stdint.h>

#include "bpf/table.h"
#include "model.h"
#include "policy.h"

/* If set, this decides, as the kernel would walk it; else the patterns of the rules. */
extern const struct va_table *model_admits_table;

/** model_admits_object() - all of @perms on the @object of @kind, in the words of enforcers/bpf/abi.h. */
bool model_admits_object(const Policy *p, uint32_t kind, const char *object, uint32_t perms);

/** model_admits_check() - the test fails unless each operation of @m is admitted. */
void model_admits_check(const Model *m, const Policy *p);
