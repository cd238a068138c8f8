/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Model -> Policy: from a generalised model, the rules that allow what it did and nothing else. BPF and seccomp take them as
 * rules; AppArmor takes them as text, since only that can say who owns a file and what is executed under the same profile. */

#include <glib.h>

#include "diag.h"
#include "generalise.h"
#include "policy.h"

typedef struct ModelRules {
        GPtrArray *rules;    /* of Rule: qualifier allow, by kind, sorted and folded; ids "model.file[0]", ... */
        GPtrArray *comments; /* of char *, one for each rule: how many ops it is for, and how often they were seen */
} ModelRules;

void model_rules_free(ModelRules *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ModelRules, model_rules_free)

/** model_rules() - what BPF and seccomp need; with system calls, also those that no process starts or ends without. What allow-lists allow anyway (signals within the policy's cgroups, to be traced) and
 * operations that are of no class (OP_NAMED) get no rule. To trace within the cgroups allows to trace outside as well: the language
 * has no word for the one alone.
 * @d: a warning for each op that no pattern can describe (a path that is too long once it is escaped): it is left out.
 * Return: 0; -E2BIG: more than POLICY_RULES_MAX, reported. */
int model_rules(const General *g, ModelRules **ret, Diag *d);

/** model_apparmor() - what stands within an AppArmor profile, with a comment per group; for depth[ENFORCER_APPARMOR].text. To be
 * freed. @d: as above. */
char *model_apparmor(const General *g, Diag *d);

/** model_systemd() - a drop-in for the unit, [Service] and settings of systemd.exec(5) and systemd.resource-control(5) that leave what
 * the model did possible. What settings cannot say (reading, who executes what, tracing, signals) is not in it, and comments say
 * which were left out. To be freed. */
char *model_systemd(const General *g);

/** model_policy_fill() - make the profiles of @p from the model, where depth[].type is @type: its rules come first, seccomp's default
 * action becomes an error, BPF denies all classes unless some are given, and AppArmor gets @apparmor.
 * @p is not sealed, and of mode DefenseInDepth. */
void model_policy_fill(Policy *p, ProfileType type, const ModelRules *rules, const char *apparmor);
