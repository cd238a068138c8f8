/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Modeling: a manager on a root of its own, with real files and the real loader, one policy "web", and an enforcer that records what
 * the test says. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "manager.h"
#include "model-store.h"

#define PATIENCE_USEC (20U * G_USEC_PER_SEC)
#define MINUTE_USEC (60U * G_USEC_PER_SEC)

/* What the kernel would keep between daemons. */
struct Kernel {
        GHashTable *digests; /* policy -> digest */
        bool missing;        /* what open() finds */
        int refuse;          /* what apply() says */
        GPtrArray *waiting;  /* paths that recorded() hands out */
        uint64_t lost;
        const EnforcerEnv *env;
};
extern struct Kernel kernel;

/** records() - is the policy being recorded there? */
bool records(const char *policy);
/** hear() - its workload read @path. */
void hear(const char *policy, const char *path);

typedef struct Fixture {
        char *root, *policy, *recording, *model, *old;
        sd_event *event;
        Manager *manager;
        ManagerListener listener;
        bool ready, done;
        unsigned n_progress, n_complete;
        int result;
        char *messages;
} Fixture;

/* For g_test_add(). */
void setup(Fixture *f, gconstpointer data);
void teardown(Fixture *f, gconstpointer data);

/* A daemon, until what it loads first is in force; and until it has ended in good order. */
void start(Fixture *f);
void stop(Fixture *f);

/* Each waits for the manager's answer, and returns it; on_done() is for those that do not. */
void on_done(Manager *m, int result, const Diag *d, void *userdata);
int reload(Fixture *f);
int set_mode(Fixture *f, Mode mode, uint32_t minutes);
int reset_mode(Fixture *f);

/** write_policy() - @minutes: of BehaviorModeling; 0: EnhanceProtect. */
void write_policy(Fixture *f, unsigned minutes, const char *enforcer);
const PolicyEntry *web(const Fixture *f);
void assert_state(const Fixture *f, PolicyState state, Mode mode);
void run_until_state(Fixture *f, PolicyState state);

Model *read_model(const char *path); /* which must be there */
bool model_has(const char *path, const char *object);

/** make_older() - while no daemon runs: the recording began @usec sooner. expire(): its time is over. */
void make_older(Fixture *f, uint64_t usec);
void expire(Fixture *f);
