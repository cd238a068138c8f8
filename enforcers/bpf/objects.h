/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Objects: what a rule is about, as patterns over the texts by which the programs name what an operation is about, and such
 * a text in words. abi.h says what the texts are. */

#include <glib.h>
#include <stdint.h>

#include "abi.h"
#include "policy.h"

/* One pattern of a rule. */
typedef struct ObjectPattern {
        uint32_t kind; /* VA_KIND_* */
        bool except;
        char *text;
} ObjectPattern;

/** objects_of_rule() - all patterns of @r, of whatever kind that the BPF enforcer knows.
 * @deny: it denies or reports, so that it shall hold for what would go around it, too: packet and raw sockets where addresses
 * are closed, the unspecified address where that means one of them.
 * Return: array of ObjectPattern, never NULL; to be unreffed. */
GArray *objects_of_rule(const Rule *r, bool deny);

/** objects_perms() - the access bits that @r is about, for objects of @kind. */
uint32_t objects_perms(const Rule *r, uint32_t kind);

/** objects_capabilities(), objects_families() - what of va_table.capabilities, .families @r is about. */
uint64_t objects_capabilities(const Rule *r);
uint64_t objects_families(const Rule *r, bool deny);

/** objects_format() - the text @bytes of an object of @kind, for people: "net_admin", "[fd00::1]:80". What is not such a text
 * is returned as it is. */
GBytes *objects_format(uint32_t kind, const uint8_t *bytes, size_t size);
