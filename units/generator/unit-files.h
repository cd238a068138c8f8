/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UnitFiles: the service units of this host as systemd finds them: its directories in their order, aliases, masks, templates,
 * drop-ins. See "UNIT FILE LOAD PATH" in systemd.unit(5), and src/basic/unit-file.c, src/shared/dropin.c, v252. */

#include <glib.h>
#include <stdbool.h>

#include "unit-text.h"

/* Names that are kept; what comes after them is not seen. */
#define UNIT_FILES_MAX 16384U
/* Drop-ins of one unit. */
#define UNIT_DROPINS_MAX 512U
/* One file. */
#define UNIT_FILE_BYTES_MAX (4U << 20)

typedef struct UnitFiles UnitFiles;

/** unit_files_new() - @root: prefix of all paths, "" for this host. @own: the directory that the generator writes to, without
 * @root. */
UnitFiles *unit_files_new(const char *root, const char *own);
void unit_files_free(UnitFiles *f);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UnitFiles, unit_files_free)

/** unit_files_names() - all services that have a file and are nobody's alias, sorted: also templates, and instances that have a
 * file, a link or drop-ins of their own. To be freed with g_free(); the strings are borrowed. */
const char **unit_files_names(const UnitFiles *f);

/** unit_files_overflow() - were there more than are kept? */
bool unit_files_overflow(const UnitFiles *f);

typedef struct UnitSource {
        char *path;    /* the unit's own file */
        char **dropins; /* in the order in which they apply */
        bool transient; /* made over the bus: without a file for the next time */
} UnitSource;

void unit_source_free(UnitSource *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UnitSource, unit_source_free)

/** unit_files_find() - what @name is made of. Return: 0; -ENOENT: it has no file; -ERFKILL: it is masked; -E2BIG. */
int unit_files_find(const UnitFiles *f, const char *name, UnitSource **ret);

/** unit_source_read() - Return: 0; -EBADMSG: systemd will not load it; -EFBIG: a file is too large; another negative errno. */
int unit_source_read(const UnitSource *s, UnitText **ret);
