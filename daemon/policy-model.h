/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Policies whose profiles come from models: the files are read, widened, and made into the rules of the policy. For the loader, and
 * whoever else reads policies. */

#include <stdbool.h>

#include "confdir.h"
#include "generalise.h"
#include "policy.h"

#define CODE_NO_MODEL "no-model" /* the policy, in DefenseInDepth, has none yet */
#define GENERALISE_FILE "generalise.yaml" /* below varmor/ of the three roots */

/* For one load. */
typedef struct PolicyModels {
        ConfRoots roots;
        bool set_aside;         /* a damaged model is renamed to "PATH+damaged" */
        GeneraliseRules *rules; /* once one was wanted */
} PolicyModels;

void policy_models_clear(PolicyModels *m);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PolicyModels, policy_models_clear)

/** generalise_rules_load() - generalise.yaml of /etc, /run or /usr/lib. Return: 0; -EBADMSG, reported. */
int generalise_rules_load(const ConfRoots *roots, GeneraliseRules **ret, Diag *d);

/** policy_model_fill() - the profiles of @p, not sealed, that are of type BehaviorModel, from @m.
 * Return: as policy_models_fill(). */
int policy_model_fill(Policy *p, const Model *m, const GeneraliseRules *rules, Diag *d);

/** policy_models_fill() - a LoadModel: the profiles of @p, not sealed, that are of type BehaviorModel.
 * @userdata: PolicyModels.
 * Return: 0, with warnings where the model is not complete; -ENOENT: there is none; -EBADMSG: it is damaged, or no list can be made of
 * it; -E2BIG; another negative errno. Reported. */
int policy_models_fill(Policy *p, void *userdata, Diag *d);
