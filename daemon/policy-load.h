/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Loading: from directories of configuration to sealed policies, in one call. Runs in the loader's child; pure but for
 * reading files and symlinks. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "confdir.h"
#include "diag.h"
#include "policy.h"
#include "rules.h"
#include "settings.h"

#define POLICIES_MAX 1024U /* as many as the kernel side has slots: enforcers/bpf/abi.h, VA_POLICIES_MAX */

/* One document of a policy file, good or bad. */
typedef struct LoadedPolicy {
        char *name, *slice, *full_name; /* as far as they could be had: may be NULL when @policy is NULL */
        const char *source;             /* the file it stands in. An entry without a name stands for documents that could not
                                         * be read: whatever is in force from this file must stay. A source that ends in
                                         * "/" is a directory that could not be read: the same for all files below it */
        char **files;                   /* the file and its fragments, in the order they were merged */
        Policy *policy;                 /* sealed; NULL if there were errors */
        Diag *diag;                     /* everything about this document, never NULL */
} LoadedPolicy;

void loaded_policy_free(LoadedPolicy *l);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoadedPolicy, loaded_policy_free)

/* Makes the profiles of @p that come from the model. Return: 0; negative: reported in @d, and the policy is refused. */
typedef int (*LoadModel)(Policy *p, void *userdata, Diag *d);

typedef struct LoadParams {
        ConfRoots roots;
        EnforcerAbility can[_ENFORCER_KIND_MAX];
        const Settings *before; /* in force: they stay if the files have errors; NULL: then defaults stand in for what is wrong */
        PathReadlink readlink;  /* NULL: the real one */
        void *userdata;        /* of @readlink */
        LoadModel model;       /* NULL: policies that need a model are refused */
        void *model_userdata;
} LoadParams;

typedef struct LoadResult {
        GPtrArray *policies;  /* of LoadedPolicy, in the order of files and documents */
        Settings *settings;   /* never NULL */
        Catalogue *catalogue; /* never NULL */
        Diag *diag;           /* what concerns no single policy, never NULL */
} LoadResult;

void load_result_free(LoadResult *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoadResult, load_result_free)

/** policy_load_all() - read settings, catalogue and policies; parse, merge, validate, check that they can be enforced,
 * resolve symlinks, seal. Never fails as a whole: what is wrong is in the result. */
LoadResult *policy_load_all(const LoadParams *params);

/** policy_load_text() - the same for policies in @text, as if they stood in a file called @file, with the settings and the
 * catalogue of @params' roots: what Check() on D-Bus does. Nothing is compared with the policies on disk. */
LoadResult *policy_load_text(const LoadParams *params, const char *text, size_t size, const char *file);
