/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* check: what varmord would say about files. Done by `varmord --check`, in a process of its own and without a running
 * daemon, so that it is the same code with the same rules and settings. */

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "output.h"

/* "FILE:LINE:COLUMN: SEVERITY: TEXT [CODE]"; position and code may be missing. */
#define MESSAGE_PATTERN "^(?:(.+?):(?:(\\d+):(\\d+):)? )?(error|warning|info): (.*?)(?: \\[([a-z0-9-]+)\\])?$"

typedef struct CheckResult {
        json_object *messages; /* owned */
        unsigned n_errors;
} CheckResult;

static char *capture(const GMatchInfo *match, int group)
{
        return g_match_info_fetch(match, group) ?: g_strdup("");
}

static uint64_t capture_number(const GMatchInfo *match, int group)
{
        g_autofree char *text = capture(match, group);

        return g_ascii_strtoull(text, NULL, 10);
}

static void add_text(json_object *o, const char *key, const char *raw)
{
        g_autofree char *text = printable(raw);

        json_object_object_add(o, key, json_object_new_string(text));
}

/* What is no message is a complaint of varmord's own, and is passed on. */
static void read_line(const GRegex *regex, const char *line, CheckResult *result)
{
        g_autoptr(GMatchInfo) match = NULL;

        if (*line == '\0')
                return;
        if (!g_regex_match(regex, line, 0, &match)) {
                fprintf(stderr, "%s\n", line);
                return;
        }
        g_autofree char *file = capture(match, 1), *severity = capture(match, 4), *text = capture(match, 5),
                        *code = capture(match, 6);
        json_object *m = json_object_new_object();

        json_object_object_add(m, "severity", json_object_new_string(severity));
        add_text(m, "file", file);
        json_object_object_add(m, "line", json_object_new_uint64(capture_number(match, 2)));
        json_object_object_add(m, "column", json_object_new_uint64(capture_number(match, 3)));
        json_object_object_add(m, "code", json_object_new_string(code));
        add_text(m, "message", text);
        json_object_array_add(result->messages, m);
        result->n_errors += g_str_equal(severity, "error");
}

static void read_lines(const GRegex *regex, const char *output, CheckResult *result)
{
        g_auto(GStrv) lines = g_strsplit(output, "\n", -1);

        for (char **line = lines; *line; line++)
                read_line(regex, *line, result);
}

/* Return: varmord's exit status, or -1 when it could not be run. */
static int run_varmord(char **files, char **ret_out, char **ret_err)
{
        g_autoptr(GPtrArray) argv = g_ptr_array_new();
        g_autoptr(GError) error = NULL;
        int status;

        g_ptr_array_add(argv, (char *)(secure_getenv("VARMORD") ?: VARMORD_PATH));
        g_ptr_array_add(argv, (char *)"--check");
        g_ptr_array_add(argv, (char *)"--");
        for (; *files; files++)
                g_ptr_array_add(argv, *files);
        g_ptr_array_add(argv, NULL);

        if (!g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL, ret_out, ret_err, &status,
                          &error)) {
                fprintf(stderr, "varmorctl: %s\n", error->message);
                return -1;
        }
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void print_messages(const Options *o, json_object *messages)
{
        for (size_t i = 0; i < json_length(messages); i++) {
                json_object *m = json_object_array_get_idx(messages, i);
                const char *severity = json_string(m, "severity"), *code = json_string(m, "code"),
                           *file = json_string(m, "file");
                Colour c = g_str_equal(severity, "error") ? COLOUR_BAD : COLOUR_WARN;

                print_position(file, json_uint(m, "line"), json_uint(m, "column"));
                printf("%s%s%s: %s", colour_on(o, c), severity, colour_off(o, c), json_string(m, "message"));
                printf(*code ? " [%s]\n" : "\n", code);
        }
}

int verb_check(const Options *o, char **args)
{
        g_autoptr(GRegex) regex = g_regex_new(MESSAGE_PATTERN, G_REGEX_RAW | G_REGEX_OPTIMIZE, 0, NULL);
        g_autoptr(JsonObject) messages = json_object_new_array();
        CheckResult result = {.messages = messages};
        g_autofree char *out = NULL, *err = NULL;

        int status = run_varmord(args, &out, &err);
        if (status < 0)
                return EXIT_FAILED;
        read_lines(regex, out, &result);
        read_lines(regex, err, &result);

        if (o->json)
                print_json(o, messages);
        else if (!o->quiet)
                print_messages(o, messages);
        if (result.n_errors > 0)
                return EXIT_NOT_AS_ASKED;
        return status == 0 ? EXIT_FINE : EXIT_FAILED;
}
