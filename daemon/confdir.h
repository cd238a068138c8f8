/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Confdir: which files below /etc, /run and /usr/lib make up the configuration, and their bytes. systemd's rules: a file in
 * /etc hides one of the same name in /run, and that one hides one in /usr/lib; a symlink to /dev/null hides them all;
 * NAME.yaml.d/ holds fragments. A file that others than root may change is refused, never skipped. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "diag.h"

#define CONFDIR_FILES_MAX 4096U        /* files of one kind, all directories together */
#define CONFDIR_BYTES_MAX (64U << 20)  /* all files of one kind together */

typedef struct ConfRoots {
        const char *root; /* NULL or "": "/"; else a directory that stands for it (tests, images) */
        uid_t owner;      /* who must own directories and files: 0 */
} ConfRoots;

/* One file that counts. */
typedef struct ConfFile {
        char *name;       /* "web.yaml"; "" for a directory that is refused, whose path then ends in "/" */
        const char *path; /* as messages and positions show it, without the root prefix: "/etc/varmor/policies.d/web.yaml" */
        bool runtime;     /* below /run */
        GBytes *bytes;    /* NULL: it could not be read or is refused; @diag says why */
        GPtrArray *fragments; /* of ConfFile, in the order in which they are merged; NULL for a fragment */
} ConfFile;

void conf_file_free(ConfFile *f);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConfFile, conf_file_free)

/** confdir_read() - the files of a directory that exists under each of the three roots.
 * @subdir: "policies.d", "rules.d": all NAME.yaml in it, each with the fragments of NAME.yaml.d/.
 * @ret: of ConfFile, sorted by name; always set. Directories that cannot be read are in it, too, see ConfFile.name.
 * Return: 0; -EBADMSG: some file or directory is refused or cannot be read, see @d (the others are in @ret). */
int confdir_read(const ConfRoots *roots, const char *subdir, GPtrArray **ret, Diag *d);

/** confdir_read_one() - one file directly below varmor/, with its fragments: "varmor.yaml".
 * @ret: NULL if there is neither the file nor a fragment. Without the file but with fragments, bytes is empty.
 * Return: 0, -EBADMSG. */
int confdir_read_one(const ConfRoots *roots, const char *name, ConfFile **ret, Diag *d);
