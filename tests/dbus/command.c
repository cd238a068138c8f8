/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "command.h"

#include <sys/wait.h>

void run_done(Run *r)
{
        g_free(r->out);
        g_free(r->err);
}

Run command_run(char **argv, GSpawnChildSetupFunc setup, const char *line)
{
        Run r = {0};
        int status;

        g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, setup, NULL, &r.out, &r.err, &status, NULL));
        g_assert_true(WIFEXITED(status));
        r.code = WEXITSTATUS(status);
        g_test_message("%s: %i\n%s%s", line, r.code, r.out, r.err);
        return r;
}

json_object *parse(const char *text)
{
        json_object *value = json_tokener_parse(text);

        g_assert_nonnull(value);
        return value;
}

json_object *member(json_object *o, const char *key)
{
        json_object *value = NULL;

        g_assert_true(json_object_object_get_ex(o, key, &value));
        return value;
}
