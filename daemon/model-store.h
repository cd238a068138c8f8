/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where models are kept: one file for each policy, as model-json.h writes it. A file is there as a whole or not at all, and the one
 * that it replaces stays beside it. */

#include <glib.h>

#include "diag.h"
#include "model.h"

#define MODELS_DIR "/var/lib/varmor/models"

/** model_path() - the file of the model of the policy @full_name, which need not exist. To be freed. */
char *model_path(const char *full_name);

/** model_store_write() - make @m, sealed, the model at @path. What stood there before, if it is not the same, is at "@path.old" then.
 * On disk when this returns: it waits for it, and is nothing for the daemon's loop. Makes the directory, for root alone.
 * Return: 0, a negative errno: what stood at @path stands there. */
int model_store_write(const char *path, const Model *m);

/** model_store_read() - Return: 0; -ENOENT; -EBADMSG: it is damaged, @d says how; another negative errno. */
int model_store_read(const char *path, Model **ret, Diag *d);
