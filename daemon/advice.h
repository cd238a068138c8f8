/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Advice: which named rules a workload can bear, judged by its model: no operation that was recorded would be denied. It is the
 * enforcers' own compilers that say what would be denied. What cannot be told counts as denied. Pure but for symlinks, which rules
 * follow as they do when a policy is loaded. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "model.h"
#include "policy.h"
#include "rules.h"

/* What systemd says of a unit. */
typedef struct AdviceUnit {
        bool known;             /* false: nobody could be asked, and the rest means nothing */
        bool privileged_line;   /* some line of Exec*= has "+": what follows does not hold for it */
        bool no_new_privileges;
        bool root;              /* it runs as root, or may: no User=, or DynamicUser= and the like cannot be told */
        uint64_t bounding;      /* CapabilityBoundingSet= */
        uint64_t ambient;       /* AmbientCapabilities= */
        uint64_t families;      /* 1 << AF_* that RestrictAddressFamilies= leaves; UINT64_MAX: all */
        bool user_namespaces;   /* RestrictNamespaces= leaves them */
} AdviceUnit;

typedef enum AdviceVerdict {
        ADVICE_FREE,       /* nothing that was recorded would be denied */
        ADVICE_AGAINST,    /* something would, or might */
        ADVICE_UNKNOWN,    /* the model cannot tell */
        ADVICE_IMPOSSIBLE, /* no enforcer here can carry it */
        _ADVICE_VERDICT_MAX,
} AdviceVerdict;

const char *advice_verdict_to_string(AdviceVerdict v);

typedef struct AdviceCase {
        const ModelOp *op; /* the model's */
        bool maybe;        /* the model does not say enough of it */
} AdviceCase;

typedef struct AdviceRule {
        const NamedRule *named; /* the catalogue's */
        AdviceVerdict verdict;
        const char *property;   /* ADVICE_FREE: not the model says so, but this of the unit's properties: a guess; NULL: the model. Static */
        GArray *against;        /* of AdviceCase, in the model's order */
        char *why;              /* ADVICE_UNKNOWN, ADVICE_IMPOSSIBLE: the end of a sentence */
        const NamedRule *within; /* ADVICE_FREE: another that is free denies all of this; NULL: none does */
} AdviceRule;

typedef struct Advice {
        GPtrArray *rules;      /* of AdviceRule: hardening, attack-protection, vulnerability-mitigation; by id. Varmor's own are not
                                * among them */
        uint32_t enforcers;    /* 1 << EnforcerKind: with which most rules are free; of these as few as will do */
        AdviceRule *ground;    /* RuntimeDefault; if it is not free, a policy has to be privileged. NULL: not in the catalogue */
        AdviceRule *base;      /* base protection, which every policy brings; the same */
        guint n_free;
} Advice;

void advice_free(Advice *a);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Advice, advice_free)

typedef struct AdviceParams {
        const Model *model;      /* sealed; NULL: there is none */
        const AdviceUnit *unit;
        const Catalogue *catalogue;
        uint32_t enforcers;      /* 1 << EnforcerKind that the host has */
        PathReadlink readlink;   /* NULL: the real one */
        void *userdata;          /* of @readlink */
} AdviceParams;

/** advice_new() - everything in it belongs to the model and the catalogue, which outlive it. */
Advice *advice_new(const AdviceParams *params);

/** advice_op_text() - @o in words, printable: "file write /etc/motd". To be freed. */
char *advice_op_text(const ModelOp *o);

/** advice_policy() - a policy for @unit with all that is free, in YAML, with a comment for each rule: what it denies. @intro: lines for
 * the comment at its head, may be NULL. To be freed; NULL: nothing is free. */
char *advice_policy(const Advice *a, const char *unit, const char *intro);

/** advice_policy_name() - of such a policy: "nginx" for nginx.service. To be freed. */
char *advice_policy_name(const char *unit);

/* ---- between advice.c, advice-match.c and advice-syscalls.c ------------------------------------------------------------------ */

/* The rules of one NamedRule as one enforcer would carry them. */
typedef struct AdvicePart {
        GArray *cases; /* of AdviceCase, in the model's order */
        char *why;     /* NULL, or why the model cannot tell */
} AdvicePart;

void advice_part_done(AdvicePart *p);

/** advice_match() - what of @model the rules of @p would deny by @e. */
void advice_match(const Policy *p, EnforcerKind e, const Model *model, AdvicePart *ret);

/** advice_match_syscalls() - the same by seccomp. @ret: empty. */
void advice_match_syscalls(const Policy *p, const Model *model, AdvicePart *ret);

/** advice_knows() - would an operation of kind @k be in @m if there had been one? */
bool advice_knows(const Model *m, ModelKind k);

/** advice_why_unknown() - which of @kinds (1 << ModelKind) it does not know, and why: the end of a sentence, to be freed; NULL: it
 * knows them all. */
char *advice_why_unknown(const Model *m, uint32_t kinds);
