/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Operations as they are written: bpfRawRules, syscallRawRules, appArmorRawRules, and the `ops` of named rules, to Rules of
 * the IR. Shared by policies and the catalogue. */

#include <glib.h>
#include <stdbool.h>

#include "diag.h"
#include "fields.h"
#include "policy.h"
#include "settings.h"
#include "yaml-tree.h"

typedef struct OpContext {
        GPtrArray *rules;         /* of Rule: what is read is added here */
        bool allow_list;          /* rules allow unless they say otherwise (DefenseInDepth); else they deny */
        bool named;               /* in the catalogue: all kinds, no ids */
        bool base;                /* varmor's own, which may allow */
        DepthProfile *profile;    /* where seccompProfile goes; NULL: it has no place here */
        const char *prefix;       /* of the ids: "" or "bpf." */
        const Settings *settings; /* addresses that a rule asks for by name; may be NULL */
        uint32_t only;            /* what the rules get as Rule.only */
} OpContext;

/** ops_parse_bpf() - a mapping with files, processes, network, ptrace, mounts, capabilities, exceptCapabilities,
 * userNamespaces, bpf, operations, signal; in a named rule also syscalls, appArmor. */
void ops_parse_bpf(const YamlNode *n, const char *what, OpContext *c, Diag *d);

/** ops_parse_network() - sockets, egress, ingress. */
void ops_parse_network(const YamlNode *n, const char *what, OpContext *c, Diag *d);

/** ops_parse_apparmor() - a list of {rules, targets}. */
void ops_parse_apparmor(const YamlNode *n, const char *what, OpContext *c, Diag *d);

/** ops_parse_syscalls() - a list of OCI LinuxSyscall. */
void ops_parse_syscalls(const YamlNode *n, const char *what, OpContext *c, Diag *d);

/** ops_parse_seccomp_profile() - a whole OCI seccomp profile: its defaults into @ret, its entries as rules. */
void ops_parse_seccomp_profile(const YamlNode *n, const char *what, DepthProfile *ret, OpContext *c, Diag *d);

/* ---- for the readers of the single kinds ---- */

typedef void (*OpParse)(const YamlNode *n, const char *list, int index, OpContext *c, Diag *d);

/** ops_parse_list() - @parse for each element of the list @n, which is called @list; null is an empty list. */
void ops_parse_list(const YamlNode *n, const char *list, OpParse parse, OpContext *c, Diag *d);

/** ops_add() - take @r, written at @n, into @c->rules, with an id made of @list and @index (negative: none).
 * @qualifiers: as written; 0: not. */
void ops_add(OpContext *c, Rule *r, const char *list, int index, const YamlNode *n, uint64_t qualifiers, Diag *d);

/* A list of patterns, each of them checked; for Field. */
void field_patterns(const Field *f, const YamlNode *n, void *out /* char ** */, void *userdata, Diag *d);
/* A list of capabilities: "net_admin", "CAP_NET_ADMIN". */
void field_capabilities(const Field *f, const YamlNode *n, void *out /* uint64_t */, void *userdata, Diag *d);
