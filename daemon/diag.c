/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Diag: the list of messages about some input, and the search for the word that was meant. */

#include "diag.h"

#include <errno.h>
#include <string.h>

#define SUGGEST_BYTES_MAX 64U /* longer words are never suggested for, nor suggested */

static const char *const severity_names[_DIAG_SEVERITY_MAX] = {
        [DIAG_ERROR] = "error",
        [DIAG_WARNING] = "warning",
        [DIAG_INFO] = "info",
};

const char *diag_severity_to_string(DiagSeverity s)
{
        return s >= 0 && s < _DIAG_SEVERITY_MAX ? severity_names[s] : NULL;
}

DiagSeverity diag_severity_from_string(const char *s)
{
        for (int i = 0; s && i < _DIAG_SEVERITY_MAX; i++)
                if (strcmp(severity_names[i], s) == 0)
                        return (DiagSeverity)i;

        return _DIAG_SEVERITY_INVALID;
}

static void diag_message_free(void *p)
{
        DiagMessage *m = p;

        if (!m)
                return;
        g_free(m->text);
        g_free(m);
}

Diag *diag_new(void)
{
        Diag *d = g_new0(Diag, 1);

        d->messages = g_ptr_array_new_with_free_func(diag_message_free);
        return d;
}

void diag_free(Diag *d)
{
        if (!d)
                return;
        g_ptr_array_unref(d->messages);
        g_free(d);
}

static void diag_take(Diag *d, DiagMessage *m)
{
        if (m->severity == DIAG_ERROR)
                d->n_errors++;
        else if (m->severity == DIAG_WARNING)
                d->n_warnings++;

        if (d->messages->len >= DIAG_MESSAGES_MAX) {
                d->n_dropped++;
                diag_message_free(m);
                return;
        }
        g_ptr_array_add(d->messages, m);
}

/* Text from outside becomes part of messages; what a terminal or the journal would interpret must not. */
static char *printable(char *text)
{
        for (char *c = text; *c; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = '?';

        if (!g_utf8_validate(text, -1, NULL)) {
                char *valid = g_utf8_make_valid(text, -1);

                g_free(text);
                return valid;
        }

        return text;
}

void diag_add(Diag *d, DiagSeverity severity, const SourcePos *pos, const char *code, const char *format, ...)
{
        DiagMessage *m;
        va_list ap;

        if (!d)
                return;

        m = g_new0(DiagMessage, 1);
        m->severity = severity;
        if (pos)
                m->pos = *pos;
        m->code = code;
        va_start(ap, format);
        m->text = printable(g_strdup_vprintf(format, ap));
        va_end(ap);

        diag_take(d, m);
}

void diag_move(Diag *to, Diag *from)
{
        g_autoptr(GPtrArray) messages = NULL;

        if (!to || !from || to == from)
                return;

        messages = from->messages;
        from->messages = g_ptr_array_new_with_free_func(diag_message_free);

        /* What @from had dropped stays counted, as errors do: n_errors > messages is how a reader sees it. */
        to->n_dropped += from->n_dropped;
        for (guint i = 0; i < messages->len; i++) {
                const DiagMessage *m = messages->pdata[i];

                if (m->severity == DIAG_ERROR)
                        from->n_errors--;
                else if (m->severity == DIAG_WARNING)
                        from->n_warnings--;
        }
        to->n_errors += from->n_errors;
        to->n_warnings += from->n_warnings;
        from->n_errors = from->n_warnings = from->n_dropped = 0;

        g_ptr_array_set_free_func(messages, NULL);
        for (guint i = 0; i < messages->len; i++)
                diag_take(to, messages->pdata[i]);
}

bool diag_has_error(const Diag *d, const char *code)
{
        for (guint i = 0; d && i < d->messages->len; i++) {
                const DiagMessage *m = d->messages->pdata[i];

                if (m->severity == DIAG_ERROR && g_strcmp0(m->code, code) == 0)
                        return true;
        }
        return false;
}

char *diag_message_format(const DiagMessage *m)
{
        GString *s = g_string_new(NULL);

        if (m->pos.file && m->pos.line)
                g_string_append_printf(s, "%s:%" G_GUINT32_FORMAT ":%" G_GUINT32_FORMAT ": ", m->pos.file, m->pos.line,
                                       m->pos.column);
        else if (m->pos.file)
                g_string_append_printf(s, "%s: ", m->pos.file);

        g_string_append_printf(s, "%s: %s", diag_severity_to_string(m->severity) ?: "error", m->text);
        if (m->code)
                g_string_append_printf(s, " [%s]", m->code);

        return g_string_free(s, FALSE);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
        return MIN(MIN(a, b), c);
}

/* Edit distance with exchanged neighbours as one step; case and `_` against `-` are no difference. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
        unsigned rows[3][SUGGEST_BYTES_MAX + 1];

        for (size_t j = 0; j <= nb; j++)
                rows[0][j] = (unsigned)j;

        for (size_t i = 1; i <= na; i++) {
                const unsigned *before = rows[(i + 1) % 3], *above = rows[(i - 1) % 3];
                unsigned *row = rows[i % 3];

                row[0] = (unsigned)i;
                for (size_t j = 1; j <= nb; j++) {
                        char x = a[i - 1] == '_' ? '-' : g_ascii_tolower(a[i - 1]);
                        char y = b[j - 1] == '_' ? '-' : g_ascii_tolower(b[j - 1]);

                        row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
                        if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) && y == g_ascii_tolower(a[i - 2]))
                                row[j] = MIN(row[j], before[j - 2] + 1);
                }
        }

        return rows[na % 3][nb];
}

const char *diag_suggest(const char *word, const char *const *words)
{
        const char *best = NULL;
        unsigned best_distance = G_MAXUINT;
        size_t n;

        if (!word || !words)
                return NULL;
        n = strlen(word);
        if (n == 0 || n > SUGGEST_BYTES_MAX)
                return NULL;

        for (; *words; words++) {
                size_t m = strlen(*words);
                unsigned d, most = (unsigned)MAX(n, m) / 3;

                if (m > SUGGEST_BYTES_MAX)
                        continue;
                d = distance(word, n, *words, m);
                if (d <= MAX(most, 1U) && d < best_distance && d < MAX(n, m)) {
                        best = *words;
                        best_distance = d;
                }
        }

        return best;
}
