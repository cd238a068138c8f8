/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parser: apparmor_parser, run in a child process with limits. Its input and output are files in memory: it cannot block on
 * us, nor we on it. */

#include <glib.h>
#include <stdint.h>

#define PARSER_SECONDS_MAX 50U        /* less than the loader has */
#define PARSER_MESSAGES_MAX (64U << 10)

typedef struct Parser {
        const char *path;       /* the program */
        uint32_t seconds_max;
        size_t output_max;
} Parser;

/** parser_find() - where it is installed; NULL: it is not. */
const char *parser_find(void);

typedef struct ParserResult {
        GBytes *output;
        char *messages; /* what it said, valid UTF-8 */
        int status;     /* exit status; 128 + signal; see parser_run() */
} ParserResult;

void parser_result_done(ParserResult *r);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ParserResult, parser_result_done)

/** parser_run() - compile @text for a kernel with @features.
 * Return: 0: it ran to its end, well or not; -ETIMEDOUT: it was killed; -EFBIG: it wrote too much; -ENOENT: there is no such
 * program; another negative errno. @ret->messages may be set in any case. */
int parser_run(const Parser *p, const char *text, const char *features, ParserResult *ret);
