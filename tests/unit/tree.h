/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tree: a root directory of a test's own. */

#include <glib.h>

/** tree_new() - an empty directory, to be given to tree_free(). */
char *tree_new(void);
void tree_free(char *root);

/** tree_write() - the file @path below @root, mode 0644; directories are made, mode 0755. */
void tree_write(const char *root, const char *path, const char *text);
/** tree_chmod(), tree_chown(), tree_link(), tree_remove() - of the file @path below @root. */
void tree_chmod(const char *root, const char *path, unsigned mode);
void tree_chown(const char *root, const char *path, unsigned uid);
void tree_link(const char *root, const char *path, const char *target);
void tree_remove(const char *root, const char *path);
