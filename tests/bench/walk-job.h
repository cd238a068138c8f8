/* SPDX-License-Identifier: LGPL-2.1-or-later OR GPL-2.0-only */
#pragma once

/* What walk.bpf.c and walk.c say to each other. */

#define WALK_PATHS_MAX 1024
#define WALK_TABLES_MAX 4

struct walk_path {
        struct va_match_buf m; /* the path at its beginning */
        __u32 len;
        __u32 pad;
};
