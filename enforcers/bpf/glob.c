/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Glob: from the text of a pattern to a graph of tokens. What the tokens mean together is nfa.c's business. */

#include "glob.h"

#include <errno.h>
#include <string.h>

#define NO_EDGE UINT32_MAX

/* Where the parser stands. */
typedef struct GlobParser {
        Glob *g;
        const char *pattern;
        const char *p;
        uint32_t node;
        uint32_t depth;
        struct {
                uint32_t begin;
                uint32_t end;
                const char *at;
        } braces[GLOB_DEPTH_MAX];
        GlobError error;
} GlobParser;

void glob_init(Glob *g)
{
        *g = (Glob){
                .first = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
                .edges = g_array_new(FALSE, FALSE, sizeof(GlobEdge)),
                .sets = g_array_new(FALSE, FALSE, sizeof(ByteSet)),
        };
}

void glob_done(Glob *g)
{
        g_clear_pointer(&g->first, g_array_unref);
        g_clear_pointer(&g->edges, g_array_unref);
        g_clear_pointer(&g->sets, g_array_unref);
}

static uint32_t add_node(Glob *g)
{
        const uint32_t none = NO_EDGE;

        g_array_append_val(g->first, none);
        return g->first->len - 1;
}

static void add_edge(Glob *g, uint32_t from, uint32_t to, GlobToken token, uint32_t arg)
{
        uint32_t *first = &g_array_index(g->first, uint32_t, from);
        GlobEdge e = {.to = to, .next = *first, .arg = arg, .token = token};

        *first = g->edges->len;
        g_array_append_val(g->edges, e);
}

/* Goes on from a new node, reached from the present one by @token. */
static void add_token(GlobParser *ps, GlobToken token, uint32_t arg)
{
        uint32_t to = add_node(ps->g);

        add_edge(ps->g, ps->node, to, token, arg);
        ps->node = to;
}

static int fail(GlobParser *ps, const char *at, const char *text)
{
        ps->error = (GlobError){.column = at - ps->pattern + 1, .text = text};
        return -EBADMSG;
}

/* Reads what stands after a backslash (at ps->p), and moves past it. */
static int parse_escape(GlobParser *ps, uint8_t *ret)
{
        if (!ps->p[1])
                return fail(ps, ps->p, "nothing follows the backslash");
        *ret = (uint8_t)ps->p[1];
        ps->p += 2;
        return 0;
}

static int parse_set_member(GlobParser *ps, const char *begin, uint8_t *ret)
{
        if (!*ps->p)
                return fail(ps, begin, "'[' without ']'");
        if (*ps->p == '\\')
                return parse_escape(ps, ret);
        *ret = (uint8_t)*ps->p++;
        return 0;
}

/* ps->p is at '['. */
static int parse_set(GlobParser *ps)
{
        const char *begin = ps->p++, *first;
        ByteSet set = {};
        bool negated = *ps->p == '^';
        uint8_t low, high;
        int r;

        if (negated)
                ps->p++;
        first = ps->p;
        while (*ps->p != ']' || ps->p == first) {
                const char *at = ps->p;

                r = parse_set_member(ps, begin, &low);
                if (r < 0)
                        return r;
                high = low;
                if (ps->p[0] == '-' && ps->p[1] && ps->p[1] != ']') {
                        ps->p++;
                        r = parse_set_member(ps, begin, &high);
                        if (r < 0)
                                return r;
                }
                if (high < low)
                        return fail(ps, at, "the range is upside down");
                for (unsigned b = low; b <= high; b++)
                        byte_set_add(&set, b);
        }
        ps->p++;
        for (unsigned i = 0; negated && i < 4; i++)
                set.w[i] = ~set.w[i];
        set.w[0] &= ~(UINT64_C(1) | UINT64_C(1) << '/');
        if (!(set.w[0] | set.w[1] | set.w[2] | set.w[3]))
                return fail(ps, begin, "the set stands for no byte ('/' is in no set)");
        g_array_append_val(ps->g->sets, set);
        add_token(ps, GLOB_SET, ps->g->sets->len - 1);
        return 0;
}

static int parse_open(GlobParser *ps)
{
        uint32_t begin = ps->node, end;

        if (ps->p > ps->pattern && ps->p[-1] == '@')
                return fail(ps, ps->p - 1, "AppArmor's variables are not known here (write \\{ for a brace)");
        if (ps->p[1] == '}')
                return fail(ps, ps->p, "nothing stands between the braces");
        if (ps->depth == GLOB_DEPTH_MAX)
                return fail(ps, ps->p, "too many braces in braces");
        end = add_node(ps->g);
        ps->braces[ps->depth].begin = begin;
        ps->braces[ps->depth].end = end;
        ps->braces[ps->depth++].at = ps->p++;
        add_token(ps, GLOB_NOTHING, 0);
        return 0;
}

/* ps->p is at ',' or '}'. */
static int parse_alternative_end(GlobParser *ps)
{
        bool last = *ps->p == '}';

        if (ps->depth == 0) {
                if (last)
                        return fail(ps, ps->p, "'}' without '{'");
                add_token(ps, GLOB_BYTE, (uint8_t)*ps->p++);
                return 0;
        }
        add_edge(ps->g, ps->node, ps->braces[ps->depth - 1].end, GLOB_NOTHING, 0);
        if (last) {
                ps->node = ps->braces[--ps->depth].end;
        } else {
                ps->node = ps->braces[ps->depth - 1].begin;
                add_token(ps, GLOB_NOTHING, 0);
        }
        ps->p++;
        return 0;
}

static int parse_token(GlobParser *ps)
{
        const ByteSet not_slash = {{~(UINT64_C(1) | UINT64_C(1) << '/'), UINT64_MAX, UINT64_MAX, UINT64_MAX}};
        uint8_t b;
        int r;

        switch (*ps->p) {
        case '[':
                return parse_set(ps);
        case '{':
                return parse_open(ps);
        case ',':
        case '}':
                return parse_alternative_end(ps);
        case '*':
                if (ps->p[1] == '*') {
                        add_token(ps, GLOB_STARS, 0);
                        while (*ps->p == '*')
                                ps->p++;
                } else {
                        add_token(ps, GLOB_STAR, 0);
                        ps->p++;
                }
                return 0;
        case '?':
                g_array_append_val(ps->g->sets, not_slash);
                add_token(ps, GLOB_SET, ps->g->sets->len - 1);
                ps->p++;
                return 0;
        case '\\':
                r = parse_escape(ps, &b);
                if (r < 0)
                        return r;
                add_token(ps, GLOB_BYTE, b);
                return 0;
        default:
                add_token(ps, GLOB_BYTE, (uint8_t)*ps->p++);
                return 0;
        }
}

static int parse_all(GlobParser *ps)
{
        int r;

        if (!*ps->pattern)
                return fail(ps, ps->pattern, "the pattern is empty");
        if (strnlen(ps->pattern, GLOB_BYTES_MAX + 1) > GLOB_BYTES_MAX)
                return fail(ps, ps->pattern + GLOB_BYTES_MAX, "the pattern is longer than a path can be");
        while (*ps->p) {
                r = parse_token(ps);
                if (r < 0)
                        return r;
        }
        if (ps->depth > 0)
                return fail(ps, ps->braces[ps->depth - 1].at, "'{' without '}'");
        ps->g->end = ps->node;
        return 0;
}

/* Two stars between two slashes at the very beginning say the same as no leading slash, and cost less. */
static bool is_spelt_relative(const char *pattern)
{
        return strncmp(pattern, "/**/", 4) == 0 && pattern[4] && !strchr("/{\\", pattern[4]);
}

int glob_parse(Glob *g, const char *pattern, GlobError *ret_error)
{
        GlobParser ps = {.g = g, .pattern = pattern, .p = pattern};
        int r;

        g_array_set_size(g->first, 0);
        g_array_set_size(g->edges, 0);
        g_array_set_size(g->sets, 0);
        ps.node = add_node(g);
        if (is_spelt_relative(pattern))
                ps.p += 4;
        g->relative = !strchr("/{\\", *ps.p) || ps.p != pattern;
        r = parse_all(&ps);
        if (r < 0 && ret_error)
                *ret_error = ps.error;
        return r;
}

int glob_check(const char *pattern, GlobError *ret_error)
{
        Glob g;
        int r;

        glob_init(&g);
        r = glob_parse(&g, pattern, ret_error);
        glob_done(&g);
        return r;
}
