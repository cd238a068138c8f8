/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Generate: drop-ins for all services that policies cover, and a report for varmord. */

#include "bindings.h"

typedef struct GenerateParams {
        const char *root;         /* prefix of all paths, "" */
        const char *dir;          /* where drop-ins go, without @root */
        const Bindings *bindings; /* whose targets have been validated */
} GenerateParams;

/** generate() - never fails as a whole: what cannot be bound is in the report, what could not be written, too.
 * Return: the report, see BOUND_FILE. To be freed. */
char *generate(const GenerateParams *p);
