/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UnitText: what the text of a service unit and of its drop-ins says, as far as it decides how its commands are executed.
 * Read as systemd reads it (config_parse() in src/shared/conf-parser.c, v252): continued lines, comments, resets by empty
 * assignments. Pure; nothing is expanded. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* LONG_LINE_MAX in src/basic/fileio.h: a file with a longer line is not read further. */
#define UNIT_LINE_BYTES_MAX (1U << 20)
/* Commands of one kind. */
#define UNIT_COMMANDS_MAX 1024U
/* Paths in settings of the mount namespace. */
#define UNIT_PATHS_MAX 1024U

typedef enum ExecKind {
        EXEC_CONDITION,
        EXEC_START_PRE,
        EXEC_START,
        EXEC_START_POST,
        EXEC_RELOAD,
        EXEC_STOP,
        EXEC_STOP_POST,
        _EXEC_KIND_MAX,
} ExecKind;

const char *exec_kind_to_string(ExecKind k); /* "ExecStart" */

typedef struct UnitText {
        GPtrArray *commands[_EXEC_KIND_MAX]; /* of Command */
        char *slice;                         /* NULL: the default */
        char *apparmor;                      /* NULL: none; without the "-" */
        bool apparmor_optional;
        bool default_dependencies;
        GPtrArray *after;       /* of char *: units */
        bool root_directory;    /* RootDirectory= */
        bool root_image;        /* RootImage= */
        char *search;           /* ExecSearchPath=; NULL: none */
        bool filters_syscalls;  /* SystemCallFilter= */
        bool restricts_exec;    /* NoExecPaths= */
        GPtrArray *covered;     /* of char *: paths over which something else is mounted */
        GPtrArray *inaccessible; /* of char *: InaccessiblePaths= */
        bool overflow;          /* one of the bounds was reached: what is here is not all */
} UnitText;

UnitText *unit_text_new(void);
void unit_text_free(UnitText *u);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UnitText, unit_text_free)

/** unit_text_add() - the next file, the unit's own first.
 * Return: 0; -ENOEXEC, -EBADMSG, -ENOBUFS: systemd reads it up to some line only, and so was it read here. If it is the unit's own,
 * systemd does not load the unit at all. */
int unit_text_add(UnitText *u, const char *text, size_t size);

/** unit_text_has_commands() - is there anything to execute? */
bool unit_text_has_commands(const UnitText *u);
