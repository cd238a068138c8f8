/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Random models for property tests. */

#include "model.h"

/** random_op() - a good one, from so small a world that the same comes again. Its texts are to be freed by random_op_done(). */
ModelOp random_op(GRand *rand);
void random_op_done(ModelOp *o);

/** random_model() - of up to @n_max additions, sealed, with sources. */
Model *random_model(GRand *rand, unsigned n_max);
