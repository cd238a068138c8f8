/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Internal: what the parts of the AppArmor enforcer share. */

#include <sys/apparmor.h>

#include "audit/audit.h"
#include "children.h"
#include "compile.h"
#include "enforcer.h"
#include "loaded.h"

struct Enforcer {
        const EnforcerEnv *env;
        aa_kernel_interface *kernel;
        Audit *audit;
        GHashTable *loaded;  /* "varmor.web" -> Loaded */
        GHashTable *profiles;/* what the kernel has: name -> sum, as of @revision */
        int64_t revision;    /* of the kernel's policy; -1: not known */
};

/** enforcer_policies() - see EnforcerOps.policies(). */
char **enforcer_policies(const Enforcer *e);

/** children_put() - what varmor-exec reads of this profile; nothing in @children: it has no children. Return: 0, negative errno. */
int children_put(const char *profile, GBytes *children);
void children_drop(const char *profile);

extern const AuditHooks apparmor_audit_hooks; /* events.c */

/** enforcer_loaded() - the policy that a record's profile ("varmor.web", or a child of it) belongs to, or NULL: it is not ours. */
const Loaded *enforcer_loaded(const Enforcer *e, const char *profile);
