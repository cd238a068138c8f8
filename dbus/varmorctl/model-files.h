/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Models as arguments: names of policies, whose models stand in the store, and files. */

#include "diag.h"
#include "generalise.h"
#include "model.h"
#include "varmorctl.h"

/** model_arg_path() - where the model @word is: a file if it begins with "/" or ".", "-" for standard input or output, else the
 * model of the policy of that name. To be freed. */
char *model_arg_path(const Options *o, const char *word);
bool model_arg_is_file(const char *word);

/** model_arg_read() - the model @word, in whatever format it is in. Complains to stderr.
 * Return: EXIT_FINE, or the ExitCode that says what is wrong. */
int model_arg_read(const Options *o, const char *word, Model **ret);

/** model_arg_write() - @m, as the model @word; what stands there is replaced with --force only. Complains. Return: as above. */
int model_arg_write(const Options *o, const char *word, const Model *m);

/** model_arg_name() - what a policy for the model @word is called: itself, or what the model says, or the file's name. To be freed.
 * @known: neither is a guess; may be NULL. */
char *model_arg_name(const char *word, const Model *m, bool *known);

/** model_name_is_valid() - of a policy: "web", "system.slice/web". */
bool model_name_is_valid(const char *full_name);

/** model_unit() - that all recordings of @m are of; NULL. Borrowed. */
const char *model_unit(const Model *m);

/** model_load_rules() - how models are widened. Complains. Return: as above. */
int model_load_rules(const Options *o, GeneraliseRules **ret);

/** model_strictness() - of --strictness. Return: EXIT_FINE, EXIT_USAGE. */
int model_strictness(const Options *o, Strictness *ret);

/** model_print_diag() - to stderr. */
void model_print_diag(const Diag *d);
