/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Drop-in: what is written for one unit. Pure. */

#include "unit-text.h"

#define DROPIN_HELPER "/usr/lib/varmor/varmor-exec"
/* Where units with a root of their own find it. */
#define DROPIN_HELPER_INSIDE "/run/varmor/varmor-exec"

/* What binds to the unit. */
typedef struct DropinWish {
        GPtrArray *seccomp;      /* of const char *: names of filters that a command needs to start, */
        GPtrArray *seccomp_open; /* and of those without which it starts, too */
        GPtrArray *children;      /* of const char *: names of policies whose AppArmor profiles have children, as above, */
        GPtrArray *children_open; /* and of those that may be missing */
        const char *apparmor;    /* profile, or several as "a//&b"; NULL: none */
        bool apparmor_open;
        bool own_is_loaded;      /* the kernel has the profile that the unit itself names */
        /* The profile that the kernel would give the program at @path by itself; NULL: none. May be NULL. */
        const char *(*attached)(const char *path, void *userdata);
        void *userdata;
} DropinWish;

/** dropin_obstacle() - why the unit's commands cannot be started through the helper; NULL: they can. Static. */
const char *dropin_obstacle(const UnitText *u, const DropinWish *w);

/** dropin_needs_helper() - or is a setting of the unit enough? */
bool dropin_needs_helper(const UnitText *u, const DropinWish *w);

/** dropin_write() - the text. Return: NULL: a line would become too long for systemd. To be freed. */
char *dropin_write(const UnitText *u, const DropinWish *w);
