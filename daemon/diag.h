/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Diag: what was wrong with some input, or cannot be done here, as a list of messages with their positions.
 * Parsers and compilers never log: they report into the caller's Diag, keep going, and return -EBADMSG (bad
 * input) or -EOPNOTSUPP (not possible on this host) once at the end. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum DiagSeverity {
        DIAG_ERROR,   /* the document is refused */
        DIAG_WARNING, /* accepted, but something is not as the administrator might believe */
        DIAG_INFO,
        _DIAG_SEVERITY_MAX,
        _DIAG_SEVERITY_INVALID = -22,
} DiagSeverity;

const char *diag_severity_to_string(DiagSeverity s);
DiagSeverity diag_severity_from_string(const char *s);

/* The most messages that one Diag keeps; what comes after is counted in @n_dropped. */
#define DIAG_MESSAGES_MAX 200U

/* Where something stands. @line and @column count from 1; 0 means unknown. @file is borrowed from the
 * interning pool (g_intern_string()) and lives as long as the process. */
typedef struct SourcePos {
        const char *file;
        uint32_t line;
        uint32_t column;
} SourcePos;

typedef struct DiagMessage {
        DiagSeverity severity;
        SourcePos pos;
        const char *code; /* stable word for scripts: "unknown-key", "bad-type", "unknown-rule", ...; static or interned */
        char *text;       /* one sentence: what was found and what was expected */
} DiagMessage;

typedef struct Diag {
        GPtrArray *messages; /* of DiagMessage, owned */
        uint32_t n_errors;
        uint32_t n_warnings;
        uint32_t n_dropped;
} Diag;

Diag *diag_new(void);
void diag_free(Diag *d);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Diag, diag_free)

/** diag_add() - append one message. @d may be NULL (the message is dropped). @pos may be NULL. */
void diag_add(Diag *d, DiagSeverity severity, const SourcePos *pos, const char *code, const char *format, ...)
        G_GNUC_PRINTF(5, 6);

#define diag_error(d, pos, code, ...) diag_add((d), DIAG_ERROR, (pos), (code), __VA_ARGS__)
#define diag_warning(d, pos, code, ...) diag_add((d), DIAG_WARNING, (pos), (code), __VA_ARGS__)

/** diag_move() - append all of @from's messages to @to and empty @from. */
void diag_move(Diag *to, Diag *from);

/** diag_has_error() - is there an error of this code? @d may be NULL. */
bool diag_has_error(const Diag *d, const char *code);

/** diag_message_format() - "FILE:LINE:COLUMN: error: TEXT [CODE]", to be freed by the caller. */
char *diag_message_format(const DiagMessage *m);

/** diag_suggest() - the word of NULL-terminated @words that is nearest to @word (edit distance at most a third
 * of its length), or NULL. Borrowed from @words. */
const char *diag_suggest(const char *word, const char *const *words);
