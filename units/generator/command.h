/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Command: what stands behind "ExecStart=" and its like, taken apart as far as is needed to put a program in front of it.
 * Nothing is expanded: specifiers, variables and the quoting of arguments stay the unit's own. Follows config_parse_exec()
 * in src/core/load-fragment.c of systemd, v252. Pure. */

#include <glib.h>
#include <stdbool.h>

typedef enum CommandFlags {
        COMMAND_IGNORE_FAILURE = 1 << 0,   /* - */
        COMMAND_OWN_ARGV0 = 1 << 1,        /* @ */
        COMMAND_NO_ENV = 1 << 2,           /* : */
        COMMAND_FULLY_PRIVILEGED = 1 << 3, /* + */
        COMMAND_NO_SETUID = 1 << 4,        /* ! */
        COMMAND_AMBIENT = 1 << 5,          /* !! */
} CommandFlags;

typedef struct Command {
        unsigned flags; /* CommandFlags */
        char *path;     /* without quotes, escapes and prefixes; specifiers are as they were */
        char *rest;     /* the arguments, and with COMMAND_OWN_ARGV0 what is to be argv[0] before them, as they were written */
} Command;

void command_free(Command *c);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Command, command_free)

/** command_parse() - the commands of one assignment, appended to @ret (of Command).
 * Return: 0, also for what systemd leaves out with a warning; -ENOEXEC: systemd refuses the unit for it. */
int command_parse(const char *value, GPtrArray *ret);

/* What to put in front. */
typedef struct CommandWrap {
        const char *helper;     /* absolute path */
        const char *options;    /* words for it, with a space after each; may be "" */
        const char *search;     /* ExecSearchPath= of the unit; NULL: none */
} CommandWrap;

/** command_wrap() - the value that makes systemd execute @w's helper, and that execute @c as systemd would have. To be freed. */
char *command_wrap(const Command *c, const CommandWrap *w);

/** command_quote() - @s as one word of a command, that systemd reads as just @s, but for its specifiers. @env: variables are
 * expanded there. Appended to @to. */
void command_quote(GString *to, const char *s, bool env);
