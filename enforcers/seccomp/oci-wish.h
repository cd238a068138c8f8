/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* OCI: what a policy says of system calls, whatever profile it is worked into: for each call regions of its arguments that do not
 * overlap, with one fate each. Pure. */

#include <stdbool.h>

#include "diag.h"
#include "host.h"
#include "policy.h"
#include "region.h"

/* What happens to a call. */
typedef struct Fate {
        SyscallAction action; /* _SYSCALL_ACTION_INVALID: one that is not known here; it denies */
        int32_t errno_ret;    /* -1: none */
} Fate;

/** fate_make() - @errno_ret counts where the action has one; negative: EPERM. */
Fate fate_make(SyscallAction a, int32_t errno_ret);
bool fate_passes(SyscallAction a);
bool fate_same(Fate a, Fate b);
Fate fate_stricter(Fate a, Fate b);

/* The calls of one name with one fate. */
typedef struct Part {
        Region *region;
        Fate fate;
        bool in_profile; /* an entry of a whole profile */
} Part;

typedef struct OciWish {
        const Policy *policy;
        GHashTable *wanted; /* name -> GPtrArray of Part, as the rules say it, not yet disjoint */
        Fate fallback;      /* of what no rule is about */
        bool log;           /* something of it is to be reported */
        bool ints;          /* what is in no part is denied, so that arguments that are ints need no other values: region_subtract() */
} OciWish;

/** oci_wish_read() - fill @w, whose policy and table are there; in @d, as warnings, the rules that cannot be in a profile.
 * Return: 0, negative errno of region_from_args(). */
int oci_wish_read(OciWish *w, const SeccompHost *host, Diag *d);

/** oci_wish_parts() - of all calls of @name: parts (of Part) that do not overlap, and that are all of them together, but for @w->ints. */
int oci_wish_parts(const OciWish *w, const char *name, GPtrArray **ret);
