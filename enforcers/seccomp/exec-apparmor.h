/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* AppArmor, for varmor-exec: under what the command comes. To be said to the kernel before anything is denied. */

#include <stdbool.h>

#define EXEC_CHILDREN_MAX 16U

/* A policy that has more for some programs, see enforcers/apparmor/children.h. */
typedef struct ExecChildren {
        const char *name;
        bool open; /* without its file, the command starts under the profile alone */
} ExecChildren;

typedef struct ExecApparmor {
        const char *profile; /* or several, as "a//&b"; NULL: none */
        bool open;           /* without it, the command starts all the same */
        unsigned n_children;
        ExecChildren children[EXEC_CHILDREN_MAX];
} ExecApparmor;

/** exec_apparmor() - from the next exec on under the profile, and what its policies have for the program at @path. Ends the process
 * if that cannot be. */
void exec_apparmor(const ExecApparmor *a, const char *path);
