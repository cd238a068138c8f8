/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the manager that are about recordings share: manager-model.c (which there are), manager-model-end.c (how they
 * end, and become models). */

#include "manager-internal.h"
#include "recording.h"

#define MINUTE_USEC (60U * G_USEC_PER_SEC)

/* The recording of a policy in the mode BehaviorModeling, by its full name in m->models; also when it is done. */
typedef struct Modeling {
        Manager *m;
        char *full_name;
        Recording *recording;
        sd_event_source *deadline;
        sd_event_source *writer;  /* the process that writes the model */
        char *failure;            /* why the end could not be written down, or the model; NULL: it could, or has not come */
        gint64 retry_usec;        /* CLOCK_MONOTONIC: not to be tried again before */
        bool on;                  /* the kernel records */
        bool deaf;                /* it should, and does not */
        bool again;               /* somebody asked for another one */
        bool leave;               /* the mode in force is another one already */
        bool loss_told;
        uint64_t told_ops, told_lost; /* to listeners */
} Modeling;

static inline bool modeling_is_done(const Modeling *j)
{
        return j->recording->state->done;
}

static inline bool modeling_has_ended(const Modeling *j)
{
        return j->recording->state->source->ended_usec != 0;
}

static inline bool modeling_is_running(const Modeling *j)
{
        return !modeling_is_done(j) && !modeling_has_ended(j);
}

/* manager-model.c */
/** modeling_recorder() - the enforcer that records; NULL: there is none here. */
Slot *modeling_recorder(Manager *m);
/** modeling_notify() - tell listeners how the recording of @full_name stands. */
void modeling_notify(Manager *m, const char *full_name, bool complete);

/* manager-model-end.c */
/** modeling_flush() - write down what the kernel still has to say. */
void modeling_flush(Modeling *j);
/** modeling_arm() - see to it that it ends at its deadline. */
void modeling_arm(Modeling *j);
/** modeling_end() - now, and have its model written. Doing it twice goes on with what has not been done. */
void modeling_end(Modeling *j);
