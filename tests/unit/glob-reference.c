/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reference matcher: braces expanded, then plain backtracking. And random patterns and paths. */

#include "glob-reference.h"

#include <string.h>

typedef enum Kind { LITERAL, ANY_OF, STAR, STARS, OPEN, COMMA, CLOSE } Kind;

typedef struct Token {
        Kind kind;
        uint8_t byte;
        bool in_set[256];
} Token;

typedef GPtrArray Tokens; /* of Token, borrowed */

/* ---- meaning ----------------------------------------------------------------------------------------------------- */

static const char *read_member(const char *p, uint8_t *ret)
{
        if (*p == '\\')
                p++;
        *ret = (uint8_t)*p;
        return p + 1;
}

static const char *read_set(const char *p, Token *t)
{
        bool negated = p[1] == '^';
        const char *first;

        t->kind = ANY_OF;
        p += negated ? 2 : 1;
        for (first = p; *p != ']' || p == first;) {
                uint8_t low, high;

                p = read_member(p, &low);
                high = low;
                if (p[0] == '-' && p[1] != ']')
                        p = read_member(p + 1, &high);
                for (unsigned b = low; b <= high; b++)
                        t->in_set[b] = true;
        }
        for (unsigned b = 0; negated && b < 256; b++)
                t->in_set[b] = !t->in_set[b];
        t->in_set[0] = t->in_set['/'] = false;
        return p + 1;
}

static GPtrArray *tokenise(const char *p)
{
        GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
        unsigned depth = 0;

        while (*p) {
                Token *t = g_new0(Token, 1);

                g_ptr_array_add(all, t);
                if (*p == '[') {
                        p = read_set(p, t);
                } else if (*p == '?') {
                        t->kind = ANY_OF;
                        for (unsigned b = 1; b < 256; b++)
                                t->in_set[b] = b != '/';
                        p++;
                } else if (*p == '*') {
                        t->kind = p[1] == '*' ? STARS : STAR;
                        while (*p == '*')
                                p++;
                } else if (*p == '{' || (*p == '}' && depth > 0) || (*p == ',' && depth > 0)) {
                        t->kind = *p == '{' ? OPEN : *p == '}' ? CLOSE : COMMA;
                        depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
                        p++;
                } else
                        p = read_member(p, &t->byte);
        }
        return all;
}

static bool is_slash(const Token *t)
{
        return t->kind == LITERAL && t->byte == '/';
}

/* Is all from @i on a '/' and then '**' and '/' in turn? */
static bool may_be_missing(const Tokens *t, guint i)
{
        for (guint k = i; k < t->len; k++)
                if ((k - i) % 2 == 0 ? !is_slash(t->pdata[k]) : ((const Token *)t->pdata[k])->kind != STARS)
                        return false;
        return i < t->len;
}

static bool match_from(const Tokens *t, guint i, const uint8_t *path, size_t n, size_t at)
{
        bool after_slash = i > 0 && is_slash(t->pdata[i - 1]);
        const Token *token, *next;

        if (i == t->len)
                return at == n;
        if (at == n && n > 0 && may_be_missing(t, i))
                return true;
        token = t->pdata[i];
        next = i + 1 < t->len ? t->pdata[i + 1] : NULL;
        switch (token->kind) {
        case LITERAL:
                return at < n && path[at] == token->byte && match_from(t, i + 1, path, n, at + 1);
        case ANY_OF:
                return at < n && token->in_set[path[at]] && match_from(t, i + 1, path, n, at + 1);
        case STAR:
                for (size_t k = 0;; k++) {
                        bool whole = after_slash && (!next || is_slash(next));

                        if ((k > 0 || !whole) && match_from(t, i + 1, path, n, at + k))
                                return true;
                        if (at + k >= n || path[at + k] == '/')
                                return false;
                }
        default:
                if (after_slash && next && is_slash(next) && match_from(t, i + 2, path, n, at))
                        return true;
                for (size_t k = 0; at + k <= n; k++)
                        if (match_from(t, i + 1, path, n, at + k))
                                return true;
                return false;
        }
}

/* Without braces. */
static bool match_plain(const Tokens *given, const uint8_t *path, size_t n)
{
        g_autoptr(GPtrArray) t = g_ptr_array_new();
        Token slash = {.kind = LITERAL, .byte = '/'}, stars = {.kind = STARS};

        if (given->len == 0 || n == 0)
                return false;
        if (!is_slash(given->pdata[0])) {
                g_ptr_array_add(t, &slash);
                g_ptr_array_add(t, &stars);
                g_ptr_array_add(t, &slash);
        }
        for (guint i = 0; i < given->len; i++)
                if (i == 0 || !is_slash(given->pdata[i]) || !is_slash(given->pdata[i - 1]))
                        g_ptr_array_add(t, given->pdata[i]);
        return match_from(t, 0, path, n, 0);
}

static guint find_close(const Tokens *t, guint i)
{
        for (unsigned depth = 0;; i++) {
                Kind k = ((const Token *)t->pdata[i])->kind;

                depth += k == OPEN ? 1 : k == CLOSE ? -1 : 0;
                if (depth == 0)
                        return i;
        }
}

static void append_range(Tokens *to, const Tokens *from, guint first, guint end)
{
        for (guint i = first; i < end; i++)
                g_ptr_array_add(to, from->pdata[i]);
}

/* Replaces the first brace by each of its alternatives in turn. */
static bool match_expanded(const Tokens *t, const uint8_t *path, size_t n)
{
        guint open = 0, close, first;
        unsigned depth = 0;

        while (open < t->len && ((const Token *)t->pdata[open])->kind != OPEN)
                open++;
        if (open == t->len)
                return match_plain(t, path, n);
        close = find_close(t, open);
        first = open + 1;
        for (guint i = open + 1; i <= close; i++) {
                Kind k = ((const Token *)t->pdata[i])->kind;
                g_autoptr(GPtrArray) one = NULL;

                if (i == close || (k == COMMA && depth == 0)) {
                        one = g_ptr_array_new();
                        append_range(one, t, 0, open);
                        append_range(one, t, first, i);
                        append_range(one, t, close + 1, t->len);
                        if (match_expanded(one, path, n))
                                return true;
                        first = i + 1;
                }
                depth += k == OPEN ? 1 : k == CLOSE ? -1 : 0;
        }
        return false;
}

bool reference_match(const char *pattern, const uint8_t *path, size_t n)
{
        g_autoptr(GPtrArray) t = tokenise(pattern);

        return match_expanded(t, path, n);
}

/* ---- chance ------------------------------------------------------------------------------------------------------ */

static const char letters[] = {'a', 'a', 'b', 'b', 'c', '.', '-', '\n', '\xff', ' '};

static unsigned below(GRand *rand, unsigned n)
{
        return (unsigned)g_rand_int_range(rand, 0, (gint32)n);
}

static char letter(GRand *rand)
{
        return letters[below(rand, sizeof(letters))];
}

static void append_pattern(GRand *rand, GString *s, unsigned depth, unsigned n_max)
{
        static const char *const sets[] = {"[ab]", "[^a]", "[a-c]", "[^a-b.]", "[]a]", "[^]a]", "[\\]b]", "[a-]", "[.-a]"};
        static const char *const quoted[] = {"\\*", "\\{", "\\\\", "\\a", "\\/"};

        for (unsigned n = below(rand, n_max + 1); n > 0; n--)
                switch (below(rand, 16)) {
                case 0:
                case 1:
                case 2:
                case 3:
                        g_string_append_c(s, '/');
                        break;
                case 4:
                        g_string_append_c(s, '*');
                        break;
                case 5:
                case 6:
                        g_string_append(s, "**");
                        break;
                case 7:
                        g_string_append_c(s, '?');
                        break;
                case 8:
                        g_string_append(s, sets[below(rand, G_N_ELEMENTS(sets))]);
                        break;
                case 9:
                        g_string_append(s, quoted[below(rand, G_N_ELEMENTS(quoted))]);
                        break;
                case 10:
                        if (depth == 0)
                                break;
                        g_string_append_c(s, '{');
                        append_pattern(rand, s, depth - 1, 3);
                        for (unsigned k = 1 + below(rand, 2); k > 0; k--) {
                                g_string_append_c(s, ',');
                                append_pattern(rand, s, depth - 1, 3);
                        }
                        g_string_append_c(s, '}');
                        break;
                default:
                        g_string_append_c(s, letter(rand));
                        break;
                }
}

char *random_pattern(GRand *rand)
{
        GString *s = g_string_new(below(rand, 4) ? "/" : "");

        append_pattern(rand, s, 2, 8);
        if (below(rand, 4) == 0)
                g_string_append(s, "/**");
        if (s->len == 0)
                g_string_append_c(s, letter(rand));
        return g_string_free(s, FALSE);
}

static void append_letters(GRand *rand, GByteArray *a, bool slashes)
{
        for (unsigned n = below(rand, 4); n > 0; n--) {
                uint8_t c = slashes && below(rand, 3) == 0 ? '/' : (uint8_t)letter(rand);

                g_byte_array_append(a, &c, 1);
        }
}

/* Reads a pattern from left to right and writes what each token might stand for; in braces, it leaves out alternatives. */
static void append_instance(GRand *rand, GByteArray *a, const Tokens *t, guint first, guint end)
{
        for (guint i = first; i < end; i++) {
                const Token *token = t->pdata[i];
                uint8_t b = token->byte;
                guint close, from, to;

                switch (token->kind) {
                case LITERAL:
                        g_byte_array_append(a, &b, 1);
                        break;
                case ANY_OF:
                        for (unsigned tries = 0; tries < 20 && !token->in_set[b]; tries++)
                                b = (uint8_t)letter(rand);
                        if (b)
                                g_byte_array_append(a, &b, 1);
                        break;
                case OPEN:
                        close = find_close(t, i);
                        from = i + 1 + below(rand, close - i);
                        for (to = from; to < close && ((const Token *)t->pdata[to])->kind == LITERAL; to++)
                                ;
                        append_instance(rand, a, t, from, to);
                        i = close;
                        break;
                default:
                        append_letters(rand, a, token->kind == STARS);
                        break;
                }
        }
}

static void mutate(GRand *rand, GByteArray *a)
{
        unsigned at = below(rand, a->len + 1);
        uint8_t c = below(rand, 2) ? '/' : (uint8_t)letter(rand);

        switch (below(rand, 5)) {
        case 0:
                if (at < a->len)
                        g_byte_array_remove_index(a, at);
                break;
        case 1:
                if (at < a->len)
                        a->data[at] = c;
                break;
        case 2:
                g_byte_array_set_size(a, at);
                break;
        default:
                g_byte_array_append(a, &c, 1);
                if (at < a->len - 1) {
                        memmove(a->data + at + 1, a->data + at, a->len - 1 - at);
                        a->data[at] = c;
                }
                break;
        }
}

GByteArray *random_path(GRand *rand, const char *pattern)
{
        g_autoptr(GPtrArray) t = tokenise(pattern);
        GByteArray *a = g_byte_array_new();

        if (*pattern != '/') {
                g_byte_array_append(a, (const uint8_t *)"/", 1);
                if (below(rand, 2)) {
                        append_letters(rand, a, true);
                        g_byte_array_append(a, (const uint8_t *)"/", 1);
                }
        }
        append_instance(rand, a, t, 0, t->len);
        for (unsigned n = below(rand, 3); n > 0; n--)
                mutate(rand, a);
        return a;
}
