/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Record: what the programs write down of a workload, as ops of a model. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "abi.h"
#include "model.h"

/* What one record stands for: an exec is that, and the use of a file. */
#define RECORD_OPS_MAX 2
typedef struct RecordOps {
        unsigned n;
        ModelOp op[RECORD_OPS_MAX];
} RecordOps;

/** record_kind() - the kind of op that an object of the kind @kind (VA_KIND_*, VA_RECORD_CALL) is about. */
ModelKind record_kind(uint32_t kind);

/** record_ops() - the ops of the record @v of @size bytes with all that follows it. Nothing in it is believed.
 * Return: true, with @ret to be cleared; false, with none in it: it cannot be understood. */
bool record_ops(const struct va_record *v, size_t size, RecordOps *ret);
void record_ops_clear(RecordOps *ops);

/** record_call() - the name by which filters know the system call @nr. A call that nobody here has a name for is named by its number. To
 * be freed. */
char *record_call(uint32_t nr);
