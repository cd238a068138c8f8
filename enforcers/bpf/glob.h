/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Glob: a pattern of the policy language, taken apart into a graph of tokens. Patterns are bytes, and so are paths: any
 * byte but NUL may occur in either, newlines and broken UTF-8 included.
 *
 *   *        any number of bytes, none of them '/'       ?        one byte, not '/'
 *   **       any number of any bytes                     [ab-d]   one byte of the set; [^..]: one that is not in it,
 *   {a,b}    either of them, nested                               never '/'; a ']' at the beginning is a member
 *   \c       c itself
 *
 * Braces come first: a pattern means the union of what its expansions mean. In each expansion:
 *   - without a leading '/' it is matched in every directory, as if a '/' and two stars and a '/' stood before it;
 *   - several '/' in a row are one;
 *   - two stars between two '/' also stand for no directory at all;
 *   - '*' as a whole component stands for at least one byte;
 *   - what is left of a pattern's end when it is nothing but '/' and '**' may be missing in the path.
 *
 * In this table '#' is a star (a comment cannot hold the real ones).
 *   pattern           matches                                    does not match
 *   /tmp/a            /tmp/a                                     /tmp/a/, /tmp/ab
 *   /tmp/             /tmp, /tmp/                                /tmp/a
 *   /tmp/#            /tmp/a                                     /tmp, /tmp/, /tmp/a/b
 *   /tmp/a#           /tmp/a, /tmp/ab                            /tmp/a/b
 *   /tmp/##           /tmp, /tmp/, /tmp/a, /tmp/a/b              /tmpa
 *   /tmp/##/33        /tmp/33, /tmp/a/33, /tmp/a/b/33            /tmp/a33
 *   /tmp/##33         /tmp/33, /tmp/a33, /tmp/a/b33              /tmp
 *   /tmp##            /tmp, /tmpa, /tmp/a                        /tm
 *   #.log             /x.log, /var/log/x.log, /.log              /x.log/y
 *   ##ping            /bin/ping, /ping, /ping/a/xping            /ping/a
 *   /{,usr/}bin/sh    /bin/sh, /usr/bin/sh                       /usr/sh
 *   /{,usr}/bin/sh    the same
 *   {/a,b}            /a, /b, /x/b                               /x/a
 */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define GLOB_BYTES_MAX 4095U /* PATH_MAX - 1: longer paths cannot be had */
#define GLOB_DEPTH_MAX 32U   /* braces in braces */

typedef enum GlobToken {
        GLOB_NOTHING, /* to another node for free: braces */
        GLOB_BYTE,
        GLOB_SET,
        GLOB_STAR,
        GLOB_STARS,
} GlobToken;

typedef struct ByteSet {
        uint64_t w[4];
} ByteSet;

static inline bool byte_set_has(const ByteSet *s, uint8_t b)
{
        return s->w[b >> 6] >> (b & 63) & 1;
}

static inline void byte_set_add(ByteSet *s, uint8_t b)
{
        s->w[b >> 6] |= UINT64_C(1) << (b & 63);
}

typedef struct GlobEdge {
        uint32_t to;   /* node */
        uint32_t next; /* the next edge out of the same node, UINT32_MAX: none */
        uint32_t arg;  /* GLOB_BYTE: the byte; GLOB_SET: index in sets */
        GlobToken token;
} GlobEdge;

/* Reusable: each glob_parse() starts afresh. Node 0 is where a path begins; the graph has no cycles. */
typedef struct Glob {
        GArray *first; /* of uint32_t: each node's first edge, UINT32_MAX: none */
        GArray *edges; /* of GlobEdge */
        GArray *sets;  /* of ByteSet, never with NUL in them */
        uint32_t end;  /* the node at which the path is over */
        bool relative; /* every expansion is without a leading '/' */
} Glob;

typedef struct GlobError {
        uint32_t column; /* byte of the pattern, from 1 */
        const char *text; /* static */
} GlobError;

void glob_init(Glob *g);
void glob_done(Glob *g);

/** glob_parse() - take @pattern apart.
 * Return: 0, or -EBADMSG and in @ret_error (may be NULL) what is wrong and where. */
int glob_parse(Glob *g, const char *pattern, GlobError *ret_error);

/** glob_check() - is @pattern well-formed? Return: as glob_parse(). */
int glob_check(const char *pattern, GlobError *ret_error);
