/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* RuleInfo: a named rule as people are told of it, with what each enforcer makes of it on this host. Made by the loader's
 * child, which has the catalogue and the compilers; the daemon keeps it for the bus. */

#include <glib.h>

#include "enforcer.h"
#include "rules.h"

/* One of its operations. */
typedef struct RuleInfoOp {
        char *summary;                     /* "deny file write /etc/passwd" */
        uint32_t only;                     /* 1 << EnforcerKind that it is for; 0: all */
        uint32_t enforced_by;              /* 1 << EnforcerKind that can carry it out */
        char *why_not[_ENFORCER_KIND_MAX]; /* why one that it is for cannot; else NULL */
} RuleInfoOp;

typedef struct RuleInfo {
        char *id, **aliases;
        RuleCategory category;
        SourcePos pos;
        bool local;
        char *description, *principle, *impact; /* may be NULL */
        char **references;
        uint32_t enforced_by;              /* 1 << EnforcerKind that can carry out all that is for it, and that is something */
        char *notes[_ENFORCER_KIND_MAX];   /* in what the enforcer does less or more than the rule says; NULL: in nothing */
        GPtrArray *ops;                    /* of RuleInfoOp */
} RuleInfo;

/** rule_info_new() - without a name, and without operations. */
RuleInfo *rule_info_new(void);
void rule_info_free(RuleInfo *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RuleInfo, rule_info_free)

/** rule_infos_new() - an empty list, sorted by id as it is filled. */
GPtrArray *rule_infos_new(void);

/** rule_infos_build() - all rules of @c. The compilers are asked about them only when they differ from those that are known.
 * @enforcers: NULL-terminated. @known: @ret_digest of those; NULL: none are. Return: NULL if they are the same. */
GPtrArray *rule_infos_build(const Catalogue *c, const EnforcerOps *const *enforcers, const char *known, char ret_digest[static 65]);

/** rule_infos_find() - by id or alias; case and `_` against `-` do not matter. NULL: no such rule. */
const RuleInfo *rule_infos_find(const GPtrArray *rules, const char *name);

/** rule_infos_suggest() - the id or alias that @name may have meant; NULL: none. Borrowed from @rules. */
const char *rule_infos_suggest(const GPtrArray *rules, const char *name);
