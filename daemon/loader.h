/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Loader: files -> bundle, in a child process with limits and a deadline. The child is forked, not executed: it has the
 * daemon's knowledge (what is in force, what systemd told) without a protocol, and none of its descriptors. Whatever
 * happens to it costs one load. One child at a time. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "bundle.h"
#include "enforcer.h"
#include "settings.h"
#include "unit-facts.h"

#define LOADER_DEADLINE_USEC (120ULL * 1000 * 1000)
#define LOADER_CPU_SEC 100U
#define LOADER_MEMORY_BYTES (1536ULL << 20)
#define LOADER_BUNDLE_BYTES (512ULL << 20)

/* What to do. All borrowed, until loader_start() returns. */
typedef struct LoaderJob {
        const char *root;                    /* prefix of /etc/varmor and the like; NULL: none */
        const EnforcerOps *const *enforcers; /* NULL-terminated */
        GHashTable *in_force;                /* full name -> const BundlePolicy *: what may stay as it is */
        GHashTable *recording;               /* set of full names: policies whose recording is not complete; NULL: none */
        bool set_aside;                      /* a model that is damaged is renamed: for who puts things in force */
        const UnitFacts *facts;
        const Settings *settings;            /* in force; NULL: none were read yet */
        const char *rules_digest;            /* of the named rules that the daemon has; NULL: none */
        const char *check;                   /* not NULL: judge this text instead of the files */
        size_t check_size;
        const char *check_name;              /* as what it is called in messages */
} LoaderJob;

/** loader_child_begin() - in a process that was forked for some work: end with @parent, under limits and without capabilities, and
 * keep nothing open but @keep, which becomes descriptor 3 (negative: none). @name: of the process. Return: 3, or negative as @keep was. */
int loader_child_begin(pid_t parent, const char *name, int keep);

/** bundle_build() - the child's work: read, parse, compile. Never fails: what is wrong is in the bundle. */
Bundle *bundle_build(const LoaderJob *job);

typedef struct Loader Loader;

/* @b: given to the callee; NULL: the load failed, @why says how in words. */
typedef void (*LoaderDone)(Bundle *b, const char *why, void *userdata);

int loader_new(sd_event *event, Loader **ret);
/** loader_free() - kills a child that runs; its callback is not called. */
void loader_free(Loader *l);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Loader, loader_free)

/** loader_start() - Return: 0: @done will be called from the event loop; -EBUSY: one runs; another negative errno. */
int loader_start(Loader *l, const LoaderJob *job, LoaderDone done, void *userdata);
bool loader_is_busy(const Loader *l);
