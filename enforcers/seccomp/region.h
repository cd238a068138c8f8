/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Region: a set of argument values of a system call, as a union of boxes, and what can be said of it in the conditions of OCI
 * profiles. Everything that one comparison can hold for is a range and a mask, and so is everything that it does not hold for:
 * the difference of two profiles is exact. Pure. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy.h"

#define REGION_ARGS 6U
/* More for one system call is an error: a profile of that size would be no filter any more. */
#define REGION_BOXES_MAX 512U

/* All x with first <= x <= last and (x & mask) == value. */
typedef struct Piece {
        uint64_t first, last;
        uint64_t mask, value;
} Piece;

typedef struct Box {
        Piece arg[REGION_ARGS];
} Box;

/* An array of Box. */
typedef GArray Region;

/** region_new() - @whole: of every call; else of none. */
Region *region_new(bool whole);

/** region_from_args() - where the conditions @args (of SyscallArg, NULL: none) hold: several of one index are alternatives, those
 * of different indices must all hold. Return: 0, -E2BIG. */
int region_from_args(const GArray *args, Region **ret);

int region_add(Region *r, const Region *other);
int region_intersect(const Region *a, const Region *b, Region **ret);
/** region_subtract() - what of @a is not in @b, in boxes that are disjoint if those of @a are. @ints: of arguments that @b looks at as
 * an int (a mask of the lower half), only ints are left, which takes far fewer boxes; for where what is in none is denied. */
int region_subtract(const Region *a, const Region *b, bool ints, Region **ret);

bool region_is_whole(const Region *r);
bool region_holds(const Region *r, const uint64_t args[static REGION_ARGS]);

/** region_to_args() - lists of conditions (GArray of SyscallArg), each index at most once in each, one of which holds where @r
 * does. An empty list holds always. Return: 0, -E2BIG. */
int region_to_args(const Region *r, GPtrArray **ret);
