/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Recording: what the daemon has heard of one policy in the mode BehaviorModeling, as a file to which each op is appended before the
 * kernel forgets it. One line is one fact: a check sum and a JSON object. The first says what is recorded (varmor-model(5) has the
 * words); others are ops, losses, and what became of the recording. When its model is written, a file of two lines remains, by which
 * the next daemon knows that there is nothing to be recorded any more. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"

#define RECORDINGS_DIR "/var/lib/varmor/recordings"
#define RECORDING_FORMAT "varmor-recording"
#define RECORDING_VERSION 1
#define RECORDING_BYTES_MAX (64U << 20) /* ops that do not fit are lost, and counted */
#define RECORDING_SLACK_BYTES (16U << 20) /* for all other lines, which are few: one each 5 s at most, while something is lost */
#define RECORDING_BOOT_BYTES 32U

/* ---- what a file says: pure ------------------------------------------------------------------------------------------------ */

typedef struct RecordingState {
        ModelSource *source;     /* its losses: all that are known of */
        uint64_t deadline_usec;  /* CLOCK_REALTIME */
        uint64_t n_ops;          /* lines with one; when it is done, ops of the model */
        uint64_t n_damaged;      /* lines that could not be read, each of which counts as a loss */
        uint64_t counted[_MODEL_KIND_MAX]; /* the recorder's own count of losses, as it was noted last */
        char boot[RECORDING_BOOT_BYTES + 1]; /* in which that was; "": not known */
        bool paused;             /* the daemon ended in good order after that */
        bool done;               /* the model is written */
        size_t size;             /* bytes up to the end of the last whole line */
} RecordingState;

void recording_state_free(RecordingState *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecordingState, recording_state_free)

/** recording_parse() - what these bytes say. A last line without an end is ignored: whoever wrote it knew that it was not written. A line
 * that is damaged counts as one lost op, of its kind if that can be read, else of each.
 * @model: gets the ops, and those it has no room for are lost; NULL: they are only counted.
 * Return: 0; -EBADMSG: the first line is damaged, or of a newer version. */
int recording_parse(const char *text, size_t size, Model *model, RecordingState **ret);

/* Each appends one line. */
void recording_put_header(GString *s, ModelSource *source, uint64_t deadline_usec);
void recording_put_op(GString *s, const ModelOp *o);
/** recording_put_lost() - @counted: numbers as the recorder counts them, since it began or the host started; else so many more. */
void recording_put_lost(GString *s, const uint64_t lost[static _MODEL_KIND_MAX], bool counted);
void recording_put_boot(GString *s, const char *boot);
/** recording_put_number() - @what: "deadline", "paused", "ended" (times), "model" (its ops). */
void recording_put_number(GString *s, const char *what, uint64_t n);

/** recording_count() - the recorder has @counted losses by now: add the difference to @s. A number that is lower than before is of a
 * recorder that began anew. */
void recording_count(RecordingState *s, const uint64_t counted[static _MODEL_KIND_MAX]);

/* ---- the file ----------------------------------------------------------------------------------------------------------------- */

typedef struct Recording {
        char *path;
        int fd;
        RecordingState *state;
        bool rebooted; /* it was opened in another run of the host than that which wrote it last */
        uint64_t unwritten[_MODEL_KIND_MAX]; /* losses that the file does not know of yet */
} Recording;

/** recording_path() - of the policy @full_name. To be freed. */
char *recording_path(const char *full_name);

/** recording_create() - begin anew, in place of what is there. @boot: of this host's run.
 * Return: 0, a negative errno. */
int recording_create(const char *path, ModelSource *source, uint64_t deadline_usec, const char *boot, Recording **ret);

/** recording_open() - go on where another daemon ended. What was heard and not written down when the host went down without warning
 * counts as lost. A recording that is done has no descriptor.
 * Return: 0; -ENOENT; -EBADMSG: it cannot be used, and stands at "@path+damaged" now; another negative errno. */
int recording_open(const char *path, const char *boot, Recording **ret);

/** recording_close() - leave it to another daemon. */
void recording_close(Recording *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Recording, recording_close)

/** recording_add() - written when this returns; if it cannot be, it is lost, and counted. */
void recording_add(Recording *r, const ModelOp *o);
/** recording_lose() - @n more of kind @k were lost, or with _MODEL_KIND_INVALID of each kind. */
void recording_lose(Recording *r, ModelKind k, uint64_t n);
/** recording_note() - the recorder has @counted losses; write down what is not yet. Return: 0; a negative errno: not written, call again. */
int recording_note(Recording *r, const uint64_t counted[static _MODEL_KIND_MAX]);
/** recording_lost() - of all kinds. */
uint64_t recording_lost(const Recording *r);

int recording_set_deadline(Recording *r, uint64_t usec);
/** recording_pause() - the daemon ends, and has everything. */
void recording_pause(Recording *r, uint64_t usec);
/** recording_end() - nothing more comes. Idempotent. */
int recording_end(Recording *r, uint64_t usec);

/** recording_complete() - make the model of @r, which has ended, write it to @model_path, and mark @r as done. For a process of its own:
 * it reads, sorts and waits for the disk. Doing it twice gives the same.
 * Return: 0, a negative errno. */
int recording_complete(const Recording *r, const char *model_path);
