/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Output: see output.h. */

#include <glib.h>
#include <stdio.h>
#include <unistd.h>

#include "output.h"

static const char *const sequences[_COLOUR_MAX] = {
        [COLOUR_NONE] = "",          [COLOUR_GOOD] = "\033[32m", [COLOUR_WARN] = "\033[33m",
        [COLOUR_BAD] = "\033[1;31m", [COLOUR_FAINT] = "\033[2m", [COLOUR_BOLD] = "\033[1m",
};

const char *colour_on(const Options *o, Colour c)
{
        return o->colour ? sequences[c] : "";
}

const char *colour_off(const Options *o, Colour c)
{
        return o->colour && c != COLOUR_NONE ? "\033[0m" : "";
}

Colour colour_of_state(const char *state)
{
        if (g_str_equal(state, "active") || g_str_equal(state, "completed"))
                return COLOUR_GOOD;
        if (g_str_equal(state, "refused") || g_str_equal(state, "degraded"))
                return COLOUR_BAD;
        return COLOUR_WARN;
}

Colour colour_of_action(const char *action)
{
        return g_str_equal(action, "DENIED") ? COLOUR_BAD : COLOUR_WARN;
}

char *printable(const char *s)
{
        GString *text = g_string_new(NULL);
        const char *end;

        for (; *s; s = end) {
                gunichar c = g_utf8_get_char_validated(s, -1);
                bool valid = c != (gunichar)-1 && c != (gunichar)-2;

                end = valid ? g_utf8_next_char(s) : s + 1;
                if (valid && g_unichar_isprint(c))
                        g_string_append_len(text, s, end - s);
                else
                        for (; s < end; s++)
                                g_string_append_printf(text, "\\x%02x", (uint8_t)*s);
        }
        return g_string_free(text, FALSE);
}

void print_json(const Options *o, json_object *value)
{
        int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

        if (isatty(STDOUT_FILENO))
                flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
        puts(json_object_to_json_string_ext(value, flags));
}

void print_position(const char *file, uint64_t line, uint64_t column)
{
        if (*file && line > 0)
                printf("%s:%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ": ", file, line, column);
        else if (*file)
                printf("%s: ", file);
}

char *join_strings(json_object *array, const char *separator)
{
        GString *text = g_string_new(NULL);

        for (size_t i = 0; i < json_length(array); i++) {
                if (i > 0)
                        g_string_append(text, separator);
                g_string_append(text, json_object_get_string(json_object_array_get_idx(array, i)));
        }
        return g_string_free(text, FALSE);
}

/* ---- tables --------------------------------------------------------------------------------------------------------
 */

typedef struct Cell {
        char *text;
        Colour colour;
} Cell;

struct Table {
        GPtrArray *cells; /* of Cell, row by row */
        guint n_columns;
};

static void cell_free(gpointer p)
{
        Cell *c = p;

        g_free(c->text);
        g_free(c);
}

Table *table_new(const char *const *header)
{
        Table *t = g_new0(Table, 1);

        t->cells = g_ptr_array_new_with_free_func(cell_free);
        for (; *header; header++, t->n_columns++)
                table_add(t, *header, COLOUR_BOLD);
        return t;
}

void table_free(Table *t)
{
        if (!t)
                return;

        g_ptr_array_unref(t->cells);
        g_free(t);
}

void table_add(Table *t, const char *text, Colour colour)
{
        Cell *c = g_new0(Cell, 1);

        c->text = printable(*text ? text : "-");
        c->colour = colour;
        g_ptr_array_add(t->cells, c);
}

static glong column_width(const Table *t, guint column)
{
        glong width = 0;

        for (guint i = column; i < t->cells->len; i += t->n_columns) {
                const Cell *c = g_ptr_array_index(t->cells, i);
                width = MAX(width, g_utf8_strlen(c->text, -1));
        }
        return width;
}

void table_print(const Table *t, const Options *o)
{
        g_autofree glong *widths = g_new(glong, t->n_columns);

        for (guint i = 0; i < t->n_columns; i++)
                widths[i] = column_width(t, i);
        for (guint i = 0; i < t->cells->len; i++) {
                const Cell *c = g_ptr_array_index(t->cells, i);
                guint column = i % t->n_columns;
                bool last = column + 1 == t->n_columns;
                int pad = last ? 0 : (int)(widths[column] - g_utf8_strlen(c->text, -1)) + 2;

                printf("%s%s%s%*s%s", colour_on(o, c->colour), c->text, colour_off(o, c->colour), pad, "",
                       last ? "\n" : "");
        }
}
