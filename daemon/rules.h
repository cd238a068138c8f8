/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Catalogue: the named rules, built in (/usr/lib/varmor/rules.d) or the administrator's (/etc/varmor/rules.d), from YAML
 * data. Each has the operations that it is about, in the kinds of the IR, and what a person should know about it. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "confdir.h"
#include "diag.h"
#include "policy.h"
#include "settings.h"

#define CATALOGUE_RULES_MAX 4096U
#define CATALOGUE_ID_BYTES_MAX 64U

/* Rules that the code knows by their ids. */
#define RULE_ID_BASE_PROTECTION "base-protection"
#define RULE_ID_ALLOW_LIST_BASE "allow-list-base"
#define RULE_ID_RUNTIME_DEFAULT "runtime-default"

typedef enum RuleCategory {
        RULE_HARDENING,
        RULE_ATTACK_PROTECTION,
        RULE_VULNERABILITY_MITIGATION,
        RULE_BASE_PROTECTION,  /* from here on varmor's own: nobody names them */
        RULE_RUNTIME_DEFAULT,
        _RULE_CATEGORY_MAX,
        _RULE_CATEGORY_INVALID = -22,
} RuleCategory;

const char *rule_category_to_string(RuleCategory c); /* "hardening", "attack-protection", ... */
RuleCategory rule_category_from_string(const char *s);

typedef struct NamedRule {
        char *id;            /* folded */
        char **aliases;      /* folded; NULL-terminated, may be NULL */
        RuleCategory category;
        SourcePos pos;
        char *description, *principle, *impact; /* may be NULL */
        char **references;   /* NULL-terminated, may be NULL */
        GPtrArray *ops;      /* of Rule, id not set: one for each operation, possibly of several kinds */
        char *unenforceable; /* not NULL: why no enforcer can carry it here */
        DepthProfile seccomp; /* the defaults of a whole seccomp profile, whose entries are in @ops; of type PROFILE_NONE: none.
                               * Varmor's own rules only */
        bool local;          /* not from /usr/lib: the administrator's own */
} NamedRule;

typedef struct Catalogue {
        GPtrArray *rules;   /* of NamedRule, sorted by id */
        GHashTable *by_id;  /* id or alias -> NamedRule, borrowed */
        const char **names; /* all ids and aliases, NULL-terminated, for diag_suggest() */
        bool base_missing;  /* there is no base-protection: no policy may be put in force */
} Catalogue;

/** catalogue_load() - read rules.d of all three roots. A rule with errors is left out and reported; one that repeats the id
 * of another, too. @s: addresses that some rules need; borrowed during the call.
 * Return: 0; -EBADMSG: see @d (@ret is set all the same). */
int catalogue_load(const ConfRoots *roots, const Settings *s, Catalogue **ret, Diag *d);

/** catalogue_parse() - add the rules of one text; for tests and for catalogue_load(). */
int catalogue_parse(Catalogue *c, const char *text, size_t size, const char *file, const Settings *s, Diag *d);

Catalogue *catalogue_new(void);
void catalogue_free(Catalogue *c);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Catalogue, catalogue_free)

/** catalogue_seal() - sort, index; after the last catalogue_parse(). */
void catalogue_seal(Catalogue *c);

/** catalogue_find() - by id or alias; case and `_` against `-` do not matter. NULL: no such rule. */
const NamedRule *catalogue_find(const Catalogue *c, const char *id);

/** rule_id_fold() - lower case, `_` as `-`. To be freed. */
char *rule_id_fold(const char *id);
