/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rules of a model -> a policy document that is read without the model: mode DefenseInDepth, a custom profile for BPF. */

#include <glib.h>

#include "model-policy.h"

/** model_yaml() - the document, to be freed. A comment behind each rule says for how many operations it is, and how often they were
 * seen; what the language has no word for is wider, or left out, and comments say so. System calls are not in it.
 * @full_name: of the policy. @unit: that it is for; NULL: the one that is called like the policy.
 * @comment: for the first line; NULL: none. */
char *model_yaml(const ModelRules *rules, const char *full_name, const char *unit, const char *comment);

/** model_yaml_head() - what stands in front of "defenseInDepth:" in a policy for @unit in that mode. */
void model_yaml_head(GString *s, const char *full_name, const char *unit, const char *enforcer);
