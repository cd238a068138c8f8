/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Instances: which instances of a template are covered by other policies than an instance that nobody has named. Found in
 * the automaton of the targets itself, so that it holds for whatever pattern they were written as. Pure. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"

/* Places that are looked at. */
#define INSTANCES_PLACES_MAX 2048U
/* Instances that are named; more of them are taken for endless. */
#define INSTANCES_MAX 256U

typedef struct Instances {
        struct va_cover cover; /* of an instance that nobody has named */
        GPtrArray *named;      /* of char *: those that differ; some may be there twice */
        struct va_cover some;  /* policies that cover some of them and cannot be counted up, as with "a@web*.service" */
        bool unknown;          /* there were more places than are looked at: nothing but @cover is known */
} Instances;

Instances *instances_find(const struct va_table *t, const char *template_cgroup);
void instances_free(Instances *i);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Instances, instances_free)

/** cover_has() - is the policy in that place in @c? */
bool cover_has(const struct va_cover *c, uint16_t slot);
/** cover_of() - of the cgroup at @path; none: empty. @t may be NULL. */
struct va_cover cover_of(const struct va_table *t, const char *path);
