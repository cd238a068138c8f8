/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See command.h. */

#include "command.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define SPACE " \t\n\r"

void command_free(Command *c)
{
        if (!c)
                return;
        g_free(c->path);
        g_free(c->rest);
        g_free(c);
}

/* ---- words ------------------------------------------------------------------------------------------------------------- */

static int hex(const char *s, unsigned n, gunichar *ret)
{
        gunichar c = 0;

        for (unsigned i = 0; i < n; i++) {
                int digit = g_ascii_xdigit_value(s[i]);

                if (digit < 0)
                        return -EINVAL;
                c = c << 4 | (gunichar)digit;
        }
        *ret = c;
        return (int)n;
}

static bool is_noncharacter(gunichar c)
{
        return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

/* cunescape_one() in src/basic/escape.c. Return: bytes after the backslash, -EINVAL. */
static int unescape(const char *s, GString *to)
{
        static const char names[] = "abfnrtvs\\\"'", means[] = "\a\b\f\n\r\t\v \\\"'";
        const char *name = *s ? strchr(names, *s) : NULL;
        gunichar c;
        int n;

        if (name) {
                g_string_append_c(to, means[name - names]);
                return 1;
        }
        if (*s == 'x') {
                n = hex(s + 1, 2, &c);
                if (n < 0 || c == 0)
                        return -EINVAL;
                g_string_append_c(to, (char)c);
                return n + 1;
        }
        if (*s == 'u' || *s == 'U') {
                n = hex(s + 1, *s == 'u' ? 4 : 8, &c);
                if (n < 0 || c == 0 || !g_unichar_validate(c) || is_noncharacter(c))
                        return -EINVAL;
                g_string_append_unichar(to, c);
                return n + 1;
        }
        for (n = 0, c = 0; n < 3; n++) {
                if (s[n] < '0' || s[n] > '7')
                        return -EINVAL;
                c = c << 3 | (gunichar)(s[n] - '0');
        }
        if (c == 0 || c > 255)
                return -EINVAL;
        g_string_append_c(to, (char)c);
        return n;
}

/* extract_first_word() in src/basic/extract-word.c with EXTRACT_UNQUOTE|EXTRACT_CUNESCAPE, and with EXTRACT_UNESCAPE_RELAX if
 * @relax. @p is moved to the next word. Return: 1, 0: there is none, -EINVAL. */
static int take_word_as(const char **p, bool relax, GString *to)
{
        const char *s = *p + strspn(*p, SPACE);
        char quote = 0;

        if (!*s) {
                *p = s;
                return 0;
        }
        for (; *s; s++) {
                if (*s == '\\') {
                        int n = s[1] ? unescape(s + 1, to) : -EINVAL;

                        if (n < 0 && (!relax || (!s[1] && quote)))
                                return -EINVAL;
                        if (n < 0) {
                                g_string_append_len(to, s, s[1] ? 2 : 1);
                                n = s[1] ? 1 : 0;
                        }
                        s += n;
                } else if (quote && *s == quote)
                        quote = 0;
                else if (!quote && (*s == '\'' || *s == '"'))
                        quote = *s;
                else if (!quote && strchr(SPACE, *s))
                        break;
                else
                        g_string_append_c(to, *s);
        }
        if (quote)
                return -EINVAL;
        *p = s + strspn(s, SPACE);
        return 1;
}

/* extract_first_word_and_warn() */
static int take_word(const char **p, GString *to)
{
        const char *start = *p;
        int r = take_word_as(p, false, to);

        if (r != -EINVAL)
                return r;
        g_string_truncate(to, 0);
        *p = start;
        return take_word_as(p, true, to);
}

/* ---- commands ---------------------------------------------------------------------------------------------------------- */

static unsigned take_prefixes(const char **s)
{
        const unsigned whole = COMMAND_FULLY_PRIVILEGED | COMMAND_NO_SETUID | COMMAND_AMBIENT;
        unsigned flags = 0;

        for (;; (*s)++) {
                char c = **s;

                if (c == '-' && !(flags & COMMAND_IGNORE_FAILURE))
                        flags |= COMMAND_IGNORE_FAILURE;
                else if (c == '@' && !(flags & COMMAND_OWN_ARGV0))
                        flags |= COMMAND_OWN_ARGV0;
                else if (c == ':' && !(flags & COMMAND_NO_ENV))
                        flags |= COMMAND_NO_ENV;
                else if (c == '+' && !(flags & whole))
                        flags |= COMMAND_FULLY_PRIVILEGED;
                else if (c == '!' && !(flags & whole))
                        flags |= COMMAND_NO_SETUID;
                else if (c == '!' && !(flags & (COMMAND_FULLY_PRIVILEGED | COMMAND_AMBIENT)))
                        flags = (flags & ~(unsigned)COMMAND_NO_SETUID) | COMMAND_AMBIENT;
                else
                        return flags;
        }
}

/* Would systemd take it? Where specifiers are in it, that is not known before they are expanded. */
static bool path_is_good(const char *path)
{
        size_t n = strlen(path);

        if (n == 0)
                return false;
        for (const char *c = path; *c; c++)
                if ((*c > 0 && *c < ' ') || strchr("\"'\\\x7f", *c))
                        return false;
        if (path[n - 1] == '/' || n >= PATH_MAX)
                return false;
        if (strchr(path, '%'))
                return true;
        if (*path != '/')
                return !strchr(path, '/') && n <= NAME_MAX && strcmp(path, ".") != 0 && strcmp(path, "..") != 0;
        for (const char *c = path; *c; c += strcspn(c, "/"))
                if (strcspn(++c, "/") > NAME_MAX)
                        return false;
        return true;
}

static bool is_separator(const char *p, const char *word)
{
        size_t n = strlen(word);

        return strncmp(p, word, n) == 0 && (!p[n] || strchr(SPACE, p[n]));
}

/* The arguments up to the end of the command. Return: their number; -EINVAL. */
static int skip_arguments(const char **p, bool *ret_more)
{
        g_autoptr(GString) word = g_string_new(NULL);
        int n = 0, r;

        *ret_more = false;
        while (**p) {
                if (is_separator(*p, ";")) {
                        *ret_more = true;
                        return n;
                }
                if (is_separator(*p, "\\;")) {
                        *p += 2;
                        *p += strspn(*p, SPACE);
                } else {
                        g_string_truncate(word, 0);
                        r = take_word(p, word);
                        if (r < 0)
                                return r;
                        if (r == 0)
                                break;
                }
                n++;
        }
        return n;
}

/* Up to where @p points, without the space at the end: it would not survive there. A backslash before it must not join the
 * line to the next one, and the space that it keeps must stay. */
static char *text_until(const char *begin, const char *p)
{
        GString *s = NULL;
        const char *end = p;
        gsize n = 0;

        while (end > begin && strchr(SPACE, end[-1]))
                end--;
        while (end - n > begin && end[-1 - (gssize)n] == '\\')
                n++;
        s = g_string_new_len(begin, end - begin);
        if (n % 2)
                g_string_append_c(s, '\\');
        if (n % 2 && end < p)
                g_string_append_printf(s, "\\x%02x", (unsigned char)*end);
        return g_string_free(s, FALSE);
}

int command_parse(const char *value, GPtrArray *ret)
{
        g_autoptr(GString) word = g_string_new(NULL);
        const char *p = value;
        bool more;

        do {
                g_autoptr(Command) c = NULL;
                const char *path, *begin;
                int n;

                g_string_truncate(word, 0);
                if (take_word(&p, word) <= 0)
                        return 0;
                more = strcmp(word->str, ";") == 0;
                if (more)
                        continue;

                c = g_new0(Command, 1);
                path = word->str;
                c->flags = take_prefixes(&path);
                if (!path_is_good(path))
                        return c->flags & COMMAND_IGNORE_FAILURE ? 0 : -ENOEXEC;
                c->path = g_strdup(path);
                begin = p;
                n = skip_arguments(&p, &more);
                if (n < 0 || (n == 0 && c->flags & COMMAND_OWN_ARGV0))
                        return c->flags & COMMAND_IGNORE_FAILURE ? 0 : -ENOEXEC;
                c->rest = text_until(begin, p);
                g_ptr_array_add(ret, g_steal_pointer(&c));
                if (more) {
                        p++;
                        p += strspn(p, SPACE);
                }
        } while (more);
        return 0;
}

void command_quote(GString *to, const char *s, bool env)
{
        if (!*s)
                g_string_append(to, "\"\"");
        for (; *s; s++)
                if (*s == '$' && env)
                        g_string_append(to, "$$");
                else if (g_ascii_isalnum(*s) || strchr("_-+/.,:@%=$&^~!", *s))
                        g_string_append_c(to, *s);
                else
                        g_string_append_printf(to, "\\x%02x", (unsigned char)*s);
}

char *command_wrap(const Command *c, const CommandWrap *w)
{
        const bool env = !(c->flags & COMMAND_NO_ENV);
        /* systemd expands variables in argv[0], and never in the path. */
        const bool split = env && strchr(c->path, '$') && !(c->flags & COMMAND_OWN_ARGV0);
        GString *s = g_string_new(NULL);

        if (c->flags & COMMAND_IGNORE_FAILURE)
                g_string_append_c(s, '-');
        if (c->flags & COMMAND_NO_ENV)
                g_string_append_c(s, ':');
        if (c->flags & COMMAND_FULLY_PRIVILEGED)
                g_string_append_c(s, '+');
        if (c->flags & COMMAND_NO_SETUID)
                g_string_append_c(s, '!');
        if (c->flags & COMMAND_AMBIENT)
                g_string_append(s, "!!");
        g_string_append_printf(s, "%s ", w->helper);
        if (c->flags & COMMAND_OWN_ARGV0 || split)
                g_string_append(s, "-@ ");
        if (c->flags & COMMAND_IGNORE_FAILURE)
                g_string_append(s, "-i ");
        if (w->search && !strchr(c->path, '/')) {
                g_string_append(s, "--search ");
                command_quote(s, w->search, env);
                g_string_append_c(s, ' ');
        }
        g_string_append(s, w->options);
        g_string_append(s, "-- ");
        command_quote(s, c->path, env);
        if (split) {
                g_string_append_c(s, ' ');
                command_quote(s, c->path, false);
        }
        if (*c->rest)
                g_string_append_printf(s, " %s", c->rest);
        return g_string_free(s, FALSE);
}
