/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Binder: has systemd start services under what binds at exec. It writes the file of bindings for the generator, has systemd
 * read its units again, and reads what the generator made of it. All of it takes time and ends in a callback; one reload of
 * systemd at a time. What is bound is remembered below /run, for the daemon that comes next. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "bindings.h"
#include "op.h"

typedef struct Binder Binder;

/* A unit that the generator cannot bind. */
typedef struct Unbound {
        char *unit, *policy; /* full name */
        EnforcerKind enforcer;
        char *reason;        /* a sentence without its stop */
} Unbound;

/** binder_new() - @root: prefix of /run/varmor. @address: D-Bus address of PID 1; NULL: its own socket.
 * @changed: systemd has read its units again, or cannot; called from the event loop. */
int binder_new(sd_event *event, const char *root, const char *address, void (*changed)(void *userdata), void *userdata,
               Binder **ret);
void binder_free(Binder *b);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Binder, binder_free)

/** binder_want() - from now on these; NULL or none that bind: nothing is bound any more. Does nothing if systemd has read
 * just this already. Return: 0, or why the file cannot be written. */
int binder_want(Binder *b, const Bindings *bindings);

/** binder_is_open() - has systemd still to read what is wanted? */
bool binder_is_open(const Binder *b);
/** binder_failure() - why systemd has not read it; NULL: it has, or is about to. It is tried again. Borrowed. */
const char *binder_failure(const Binder *b);
/** binder_has_any() - is anything bound, or about to be? */
bool binder_has_any(const Binder *b);

/** binder_binds() - may systemd start something under this profile of @policy? Then it must stay. */
bool binder_binds(const Binder *b, const char *policy, EnforcerKind k);

/** binder_since() - since when (CLOCK_BOOTTIME, usec) what @unit starts is under this profile of @policy. 0: it is not. */
uint64_t binder_since(const Binder *b, const char *unit, const char *policy, EnforcerKind k);
/** binder_changed() - when the profile of @policy was last replaced by another that only what starts later is under. 0: never. */
uint64_t binder_changed(const Binder *b, const char *policy, EnforcerKind k);
/** binder_unbound() - of Unbound. Borrowed. */
const GPtrArray *binder_unbound(const Binder *b);

/** binder_note_change() - the profile of @policy is another one since now, and only what starts from now on is under it. */
void binder_note_change(Binder *b, const char *policy, EnforcerKind k);

/** binder_restart() - ask systemd to restart @unit if it runs. The answer is not awaited. */
int binder_restart(Binder *b, const char *unit);

/** binder_unbind_now() - take all bindings away, and wait until systemd has read that. Blocks: not for the daemon's loop. */
int binder_unbind_now(const char *root);
