/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UnitFacts: what systemd has told about units, and which of them a selector selects. Pure; units.c asks. The loader's child
 * has the daemon's facts by fork, so that a selector is always compared with all that is known. */

#include <glib.h>
#include <stdbool.h>

#include "policy.h"

/* Units that facts are kept of; further ones are counted, and selectors do not see them. */
#define UNIT_FACTS_MAX 8192U
#define UNIT_FACT_VALUES_MAX 64U
#define UNIT_FACT_VALUE_BYTES_MAX 1024U

typedef struct UnitFact {
        char *name;
        char *cgroup;       /* path, also of a unit that does not run; NULL: it will never have one */
        GHashTable *values; /* property -> GPtrArray of char *; empty ones are left out */
        bool on_disk;       /* there is a unit file: the facts hold when it is not loaded, too */
} UnitFact;

typedef struct UnitFacts {
        GHashTable *units; /* name -> UnitFact */
        char **known;      /* properties that all units that existed at some moment have been asked about; NULL: none */
        unsigned n_left_out;
} UnitFacts;

UnitFacts *unit_facts_new(void);
void unit_facts_free(UnitFacts *f);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UnitFacts, unit_facts_free)

UnitFact *unit_fact_new(const char *name);
void unit_fact_free(UnitFact *f);
void unit_fact_add_value(UnitFact *f, const char *property, const char *value);

/** unit_facts_select() - cgroup paths of all units of the target's kind that its selector matches, sorted. NotIn and
 * DoesNotExist hold for a property that the unit does not have, as for labels in Kubernetes. Empty as long as not all of
 * its properties are known: see unit_facts_know(). NULL: @t has no selector. */
char **unit_facts_select(const UnitFacts *f, const TargetSpec *t);

/** unit_facts_know() - have all units been asked about all properties of @t's selector? True for those of containers. */
bool unit_facts_know(const UnitFacts *f, const TargetSpec *t);
