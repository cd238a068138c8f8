/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The matcher of the BPF programs, run natively: load tables, put jobs, run them. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

#include "match-user.h"
#include "matcher-job.h"

typedef struct Matcher Matcher;

/** matcher_new() - load the program.
 * Return: NULL if no BPF can be loaded here, and in @ret_why (to be freed) the reason. Aborts if the verifier rejects it. */
Matcher *matcher_new(char **ret_why);
void matcher_free(Matcher *m);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Matcher, matcher_free)

/** matcher_put_table() - into the small or the big table's place; what stood behind its end stays there. */
void matcher_put_table(Matcher *m, const struct va_table *t, bool big);

/** matcher_job() - job @i, to be filled in and read. */
struct matcher_job *matcher_job(Matcher *m, unsigned i);

/** matcher_run() - the first @n jobs. Aborts if they cannot be run. */
void matcher_run(Matcher *m, unsigned n);
