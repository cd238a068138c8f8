/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Prepare: from the text of a profile to what the kernel takes, by way of apparmor_parser. */

#include "enforcer.h"
#include "parser.h"

#define APPARMOR_CACHE "/var/cache/varmor/apparmor"

/* Where things are: the host's, or a test's. */
typedef struct PrepareEnv {
        const char *features; /* directory */
        const char *cache;    /* directory; NULL, or not there: none is kept */
        Parser parser;        /* .path NULL: there is none */
} PrepareEnv;

/** prepare_with() - put into @profile what the parser makes of its text, and into why_not what parser or kernel lack.
 * Return: 0; -EBADMSG: the parser refused it, @d says where; -EOPNOTSUPP: no parser or no AppArmor, and no other enforcer to
 * make do with; -ETIMEDOUT, -EFBIG, ...: with @d. */
int prepare_with(const PrepareEnv *env, const Policy *p, Profile *profile, Diag *d);

/** apparmor_prepare() - EnforcerOps.prepare(). */
int apparmor_prepare(const Policy *p, Profile *profile, Diag *d);
