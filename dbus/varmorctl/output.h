/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Output: JSON as it is, or tables and colours for a person. Text from outside is made printable first. */

#include "client.h"

typedef enum Colour {
        COLOUR_NONE,
        COLOUR_GOOD,
        COLOUR_WARN,
        COLOUR_BAD,
        COLOUR_FAINT,
        COLOUR_BOLD,
        _COLOUR_MAX,
} Colour;

/** colour_on(), colour_off() - escape sequences, or "" unless @o->colour. */
const char *colour_on(const Options *o, Colour c);
const char *colour_off(const Options *o, Colour c);
/** colour_of_state() - of a policy's state. */
Colour colour_of_state(const char *state);
Colour colour_of_action(const char *action);

/** printable() - @s with control characters as \xHH, so that no name can move the cursor. To be freed. */
char *printable(const char *s);

/** print_json() - one line, or indented on a terminal. */
void print_json(const Options *o, json_object *value);

/** print_position() - "FILE:LINE:COLUMN: ", as far as it is known. */
void print_position(const char *file, uint64_t line, uint64_t column);

/** join_strings() - an array of strings, with @separator between them. To be freed. */
char *join_strings(json_object *array, const char *separator);

typedef struct Table Table;

/** table_new() - @header: NULL-terminated column titles. */
Table *table_new(const char *const *header);
void table_free(Table *t);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)
/** table_add() - one cell; rows are filled from the left. Copies @text. */
void table_add(Table *t, const char *text, Colour colour);
void table_print(const Table *t, const Options *o);
