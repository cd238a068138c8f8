/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bindings: what the daemon leaves for systemd's generator: which policies bind something to the services that start, and
 * which cgroups they cover. One file, replaced as a whole. It is written by root alone, and still read as a stranger's. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "op.h"

#define BINDINGS_FILE "/run/varmor/bindings"
/* What the generator made of it, one line each, fields separated by tabs: "bound UNIT POLICY[,POLICY...] ENFORCERS", and
 * "unbound UNIT POLICY ENFORCER REASON". */
#define BOUND_FILE "/run/varmor/bound"

#define BINDINGS_BYTES_MAX (16U << 20)
#define BINDINGS_POLICIES_MAX 1024U /* VA_POLICIES_MAX */

typedef struct Binding {
        char *policy;       /* full name */
        char *bind_name;    /* policy_bind_name() */
        uint32_t enforcers; /* 1 << EnforcerKind: those that bind at exec and have something to bind; 0: it only has its place */
        bool fail_open;
        bool children;      /* varmor-exec has to look what a program begins under, see enforcers/apparmor/children.h */
} Binding;

typedef struct Bindings {
        GPtrArray *policies; /* of Binding; the place of each is its index in @targets */
        GBytes *targets;     /* see enforcers/bpf/targets.h; validated; no bytes: nothing is covered */
        char **units;        /* names of units that the targets spell out, for instances of templates */
} Bindings;

Bindings *bindings_new(void);
void bindings_free(Bindings *b);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bindings, bindings_free)

/** bindings_add() - the next policy, by its full name. Return: what is still to be filled in. Borrowed. */
Binding *bindings_add(Bindings *b, const char *full_name, uint32_t enforcers);

GBytes *bindings_to_bytes(const Bindings *b);
/** bindings_from_bytes() - but for @targets, whose user calls table_validate(). Return: 0, -EBADMSG. */
int bindings_from_bytes(GBytes *bytes, Bindings **ret);

/** bindings_run_unit() - the scope in which `varmorctl run` starts a command under the policy called @bind_name; @which tells it
 * from others. No other policy's begins like that. To be freed. */
char *bindings_run_unit(const char *bind_name, const char *which);
/** bindings_is_run_unit() - is it the name of such a scope? */
bool bindings_is_run_unit(const char *unit);
/** bindings_run_slice() - and the slice for it. To be freed. */
char *bindings_run_slice(const char *full_name);
