/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Aare: from a pattern to AppArmor's expressions. Each way through the graph of a pattern, which is one choice from all of its
 * braces, is a row of tokens, and is written component by component. */

#include "aare.h"

#include <errno.h>
#include <string.h>

#include "glob.h"

typedef struct Token {
        GlobToken token;
        uint32_t arg;
        bool several; /* stars made of several that stood side by side when braces were gone */
} Token;

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static void append_byte(GString *s, uint8_t b)
{
        if (g_ascii_isalnum(b) || (b && strchr("/._-+:=", b)))
                g_string_append_c(s, (char)b);
        else
                g_string_append_printf(s, "\\%03o", b);
}

void aare_append_literal(GString *s, const char *text)
{
        for (; *text; text++)
                append_byte(s, (uint8_t)*text);
}

static unsigned count_set(const ByteSet *set)
{
        unsigned n = 0;

        for (unsigned b = 1; b < 256; b++)
                n += byte_set_has(set, (uint8_t)b);
        return n;
}

static bool is_any(const ByteSet *set)
{
        return count_set(set) == 254; /* all but NUL and '/' */
}

static void append_member(GString *s, unsigned b)
{
        /* The parser turns octal numbers into bytes before it looks for sets. */
        if (strchr("-[]\\", (char)b))
                g_string_append_printf(s, "\\%c", (char)b);
        else if (g_ascii_isalnum((char)b) || b == '/' || b == '.' || b == '_')
                g_string_append_c(s, (char)b);
        else
                g_string_append_printf(s, "\\%03o", b);
}

static void append_set(GString *s, const ByteSet *set)
{
        unsigned n = count_set(set), ends = 0;
        bool negated = n > 128, late = !negated && n > 1 && byte_set_has(set, '^');

        if (is_any(set)) {
                g_string_append_c(s, '?');
                return;
        }
        if (n > 1)
                g_string_append(s, negated ? "[^" : "[");
        for (unsigned b = 1; b < 256; b = ends + 1) {
                ends = b;
                if (byte_set_has(set, (uint8_t)b) == negated || (late && b == '^'))
                        continue;
                while (ends < 255 && byte_set_has(set, (uint8_t)(ends + 1)) != negated && !(late && ends + 1 == '^'))
                        ends++;
                if (n == 1) {
                        append_byte(s, (uint8_t)b);
                        return;
                }
                append_member(s, b);
                if (ends > b + 1)
                        g_string_append_c(s, '-');
                if (ends > b)
                        append_member(s, ends);
        }
        /* At the beginning it would negate the set. */
        g_string_append(s, late ? "^]" : "]");
}

static void append_token(GString *s, const Glob *g, const Token *t)
{
        switch (t->token) {
        case GLOB_BYTE:
                append_byte(s, (uint8_t)t->arg);
                break;
        case GLOB_SET:
                append_set(s, &g_array_index(g->sets, ByteSet, t->arg));
                break;
        case GLOB_STAR:
                g_string_append_c(s, '*');
                break;
        case GLOB_STARS:
                g_string_append(s, "**");
                break;
        default:
                break;
        }
}

/* ---- one expansion ------------------------------------------------------------------------------------------------ */

static bool is_slash(const Token *t)
{
        return t->token == GLOB_BYTE && t->arg == '/';
}

/* Several slashes in a row are one; so are several stars, but for what they mean as a whole component. */
static void push_token(GArray *tokens, const GlobEdge *e)
{
        Token t = {.token = e->token, .arg = e->arg};
        Token *last = tokens->len > 0 ? &g_array_index(tokens, Token, tokens->len - 1) : NULL;
        bool stars = t.token == GLOB_STAR || t.token == GLOB_STARS;

        if (last && is_slash(&t) && is_slash(last))
                return;
        if (last && stars && (last->token == GLOB_STAR || last->token == GLOB_STARS)) {
                last->several = true;
                if (t.token == GLOB_STARS)
                        last->token = GLOB_STARS;
                return;
        }
        g_array_append_val(tokens, t);
}

/* As a whole component: any number of directories. */
static bool is_directories(const Token *t)
{
        return t->token == GLOB_STARS && !t->several;
}

/* As a whole component: at least one byte. */
static bool is_star(const Token *t)
{
        return t->token == GLOB_STAR || (t->token == GLOB_STARS && t->several);
}

/* Past the component that begins at @i. */
static guint component_end(const GArray *tokens, guint i)
{
        while (i < tokens->len && !is_slash(&g_array_index(tokens, Token, i)))
                i++;
        return i;
}

/* What is left of the end when it is nothing but slashes and two stars: it may be missing. */
static guint tail_begin(const GArray *tokens)
{
        guint n = tokens->len;

        for (;;) {
                if (n > 0 && is_slash(&g_array_index(tokens, Token, n - 1)))
                        n--;
                else if (n > 1 && is_directories(&g_array_index(tokens, Token, n - 1)) &&
                         is_slash(&g_array_index(tokens, Token, n - 2)))
                        n -= 2;
                else
                        return n;
        }
}

static bool has_stars(const GArray *tokens, guint from)
{
        for (guint i = from; i < tokens->len; i++)
                if (g_array_index(tokens, Token, i).token == GLOB_STARS)
                        return true;
        return false;
}

static void write_components(GString *s, const Glob *g, const GArray *tokens, guint end)
{
        guint i = 0;

        while (i < end) {
                guint next;

                if (is_slash(&g_array_index(tokens, Token, i))) {
                        g_string_append_c(s, '/');
                        i++;
                }
                next = MIN(component_end(tokens, i), end);
                if (next == i + 1 && next < end && is_directories(&g_array_index(tokens, Token, i))) {
                        /* Whole directories, or none: its slash is in the braces. */
                        g_string_append(s, "{,**/}");
                        i = next + 1;
                        /* write_components() goes on with a component, whose slash is written already. */
                        next = MIN(component_end(tokens, i), end);
                        while (next == i + 1 && next < end && is_directories(&g_array_index(tokens, Token, i))) {
                                i = next + 1;
                                next = MIN(component_end(tokens, i), end);
                        }
                }
                if (next == i + 1 && is_star(&g_array_index(tokens, Token, i)))
                        g_string_append_c(s, '?'); /* at least one byte */
                for (; i < next; i++)
                        append_token(s, g, &g_array_index(tokens, Token, i));
        }
}

static char *write_path(const Glob *g, const GArray *tokens)
{
        guint end = tail_begin(tokens);
        GString *s = g_string_new("\"");

        if (tokens->len == 1 && is_directories(&g_array_index(tokens, Token, 0))) {
                g_string_append(s, "/{,**}\"");
                return g_string_free(s, FALSE);
        }
        if (end == 2 && is_slash(&g_array_index(tokens, Token, 0)) && g_array_index(tokens, Token, 1).several) {
                /* They may stand for nothing, and "/" is a path. */
                g_string_append(s, g_array_index(tokens, Token, 1).token == GLOB_STARS ? "/{,**}\"" : "/{,*{,/}}\"");
                return g_string_free(s, FALSE);
        }
        if (!is_slash(&g_array_index(tokens, Token, 0)))
                g_string_append(s, "/{,**/}");
        write_components(s, g, tokens, end);
        if (has_stars(tokens, end))
                g_string_append(s, end == 0 ? "/{,**}" : "{,/,/**}");
        else if (end == 0)
                g_string_append_c(s, '/');
        else if (g_array_index(tokens, Token, end - 1).token != GLOB_STARS)
                g_string_append(s, "{,/}");
        g_string_append_c(s, '"');
        return g_string_free(s, FALSE);
}

static char *write_word(const Glob *g, const GArray *tokens)
{
        GString *s = g_string_new("\"");

        for (guint i = 0; i < tokens->len; i++)
                append_token(s, g, &g_array_index(tokens, Token, i));
        g_string_append_c(s, '"');
        return g_string_free(s, FALSE);
}

/* ---- all of them -------------------------------------------------------------------------------------------------- */

typedef struct Walk {
        const Glob *g;
        GArray *edges; /* of const GlobEdge *: the way so far */
        GPtrArray *out;
        guint n;
        bool path;
        bool exact;    /* @out gets the bytes themselves; false in the end if there was anything but bytes */
} Walk;

static int end_walk(Walk *w)
{
        g_autoptr(GArray) tokens = g_array_new(FALSE, FALSE, sizeof(Token));

        if (w->n++ >= AARE_EXPANSIONS_MAX)
                return -E2BIG;
        for (guint i = 0; i < w->edges->len; i++)
                push_token(tokens, g_array_index(w->edges, const GlobEdge *, i));
        if (w->exact) {
                GString *s = g_string_new(NULL);

                for (guint i = 0; i < tokens->len; i++) {
                        w->exact &= g_array_index(tokens, Token, i).token == GLOB_BYTE;
                        g_string_append_c(s, (char)g_array_index(tokens, Token, i).arg);
                }
                w->exact &= *s->str == '/';
                g_ptr_array_add(w->out, g_string_free(s, FALSE));
                return 0;
        }
        if (tokens->len > 0)
                g_ptr_array_add(w->out, w->path ? write_path(w->g, tokens) : write_word(w->g, tokens));
        return 0;
}

static int walk(Walk *w, uint32_t node);

/* Alternatives in the order in which they were written: a node's first edge is the last one. */
static int walk_edges(Walk *w, uint32_t edge)
{
        const GlobEdge *e;
        int r;

        if (edge == UINT32_MAX)
                return 0;
        e = &g_array_index(w->g->edges, GlobEdge, edge);
        r = walk_edges(w, e->next);
        if (r < 0)
                return r;
        if (e->token != GLOB_NOTHING)
                g_array_append_val(w->edges, e);
        r = walk(w, e->to);
        if (e->token != GLOB_NOTHING)
                g_array_set_size(w->edges, w->edges->len - 1);
        return r;
}

/* As deep as the pattern is long, which is bounded. */
static int walk(Walk *w, uint32_t node)
{
        if (node == w->g->end)
                return end_walk(w);
        return walk_edges(w, g_array_index(w->g->first, uint32_t, node));
}

static int walk_pattern(const char *pattern, bool path, bool *exact, GPtrArray *out)
{
        Walk w = {.path = path, .exact = exact, .out = out, .edges = g_array_new(FALSE, FALSE, sizeof(const GlobEdge *))};
        Glob g;
        int r;

        glob_init(&g);
        r = glob_parse(&g, pattern, NULL);
        w.g = &g;
        /* "two stars between slashes" at the very beginning are left out by glob_parse(): then a path is relative. */
        if (r >= 0)
                r = walk(&w, 0);
        if (exact)
                *exact = w.exact && !g_str_has_prefix(pattern, "/**/");
        glob_done(&g);
        g_array_unref(w.edges);
        return r;
}

int aare_from_pattern(const char *pattern, GPtrArray *out)
{
        return walk_pattern(pattern, true, NULL, out);
}

int aare_from_words(const char *pattern, GPtrArray *out)
{
        return walk_pattern(pattern, false, NULL, out);
}

char **aare_exact(const char *pattern)
{
        g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
        bool exact = true;

        if (walk_pattern(pattern, true, &exact, paths) < 0 || !exact)
                return NULL;
        g_ptr_array_add(paths, NULL);
        g_ptr_array_set_free_func(paths, NULL);
        return (char **)g_ptr_array_free(g_steal_pointer(&paths), FALSE);
}
