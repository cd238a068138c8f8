/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Command: varmorctl as a user runs it, with all that it says. */

#include <glib.h>
#include <json-c/json.h>

typedef struct Run {
        char *out, *err;
        int code;
} Run;

void run_done(Run *r);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_done)

/** command_run() - wait for @argv, which must end by itself. @setup: in the child, before it is executed; may be NULL. @line: what the
 * test's log calls it. */
Run command_run(char **argv, GSpawnChildSetupFunc setup, const char *line);

/** parse(), member() - JSON that must be there. */
json_object *parse(const char *text);
json_object *member(json_object *o, const char *key);
