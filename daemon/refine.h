/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Refine: alarms -> rules that would have let them pass, as a fragment of the policy. Only an allow-list (DefenseInDepth) can be
 * refined so: there a missing rule denies, and rules are added at the end. What else an alarm may call for is a suggestion, which
 * nobody writes. Alarms come from the journal, and whoever is confined chooses their texts: nothing of them is written but as an
 * escaped pattern, or as a word of the language. Pure. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "generalise.h"
#include "op.h"

#define REFINE_RULES_MAX 4096U       /* in one fragment */
#define REFINE_SUGGESTIONS_MAX 1024U
#define REFINE_FRAGMENT_BYTES_MAX (2U << 20)

/* ---- alarms ---------------------------------------------------------------------------------------------------------------------- */

/* An alarm as it stands in the journal. Texts are never NULL. */
typedef struct RefineAlarm {
        bool base;                 /* it is about base protection */
        uint32_t enforcers;        /* 1 << EnforcerKind */
        char *mode, *action, *reason, *rule, *operation, *requested, *comm, *unit;
        GBytes *object, *object2;  /* any bytes; NULL: none */
        uint64_t count;            /* at least 1 */
        uint64_t pid;
        uint64_t time_usec;
} RefineAlarm;

void refine_alarm_clear(RefineAlarm *a);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RefineAlarm, refine_alarm_clear)

/* Where fields are: the value of @field, @ret_size bytes, borrowed; NULL: it is not there. */
typedef const void *(*RefineGet)(void *userdata, const char *field, size_t *ret_size);

/** refine_alarm_read() - from the fields that journal_entry_from_alarm() writes. Return: 0; -EBADMSG: it is no alarm. */
int refine_alarm_read(RefineGet get, void *userdata, uint64_t time_usec, RefineAlarm *ret);

/* ---- rules ----------------------------------------------------------------------------------------------------------------------- */

/* Where in the fragment, in this order. */
typedef enum RefineSection {
        REFINE_APPARMOR,
        REFINE_FILES,
        REFINE_SOCKETS,
        REFINE_EGRESS,
        REFINE_INGRESS,
        REFINE_PTRACE,
        REFINE_SIGNAL,
        REFINE_MOUNTS,
        REFINE_CAPABILITIES,
        REFINE_USERNS,
        REFINE_BPF,
        REFINE_SYSCALLS,
        _REFINE_SECTION_MAX,
} RefineSection;

const char *refine_section_to_string(RefineSection s); /* "bpf.files", ... */

typedef struct RefineRule {
        RefineSection section;
        char *pattern;      /* of files; NULL: another kind of rule */
        uint64_t perms;     /* of files and ptrace */
        char *text;         /* what is written: one line of YAML */
        char *comment;      /* above it, without '#'; may be NULL */
        char *exact;        /* the path that @pattern was widened from, printable; NULL: it was not */
        const char *note;   /* what else it allows, NULL: nothing. Static */
        bool before;        /* it stands in the fragment already, as it is */
        uint64_t perms_before; /* what of @perms stood there */
        bool accepted;      /* it is to be written */
        uint64_t count, first_usec, last_usec;
        uint32_t actions, enforcers; /* 1 << Action, 1 << EnforcerKind */
        char *comm, *unit;  /* of the first, printable */
} RefineRule;

typedef struct RefineSuggestion {
        char *text;         /* a sentence, printable */
        uint64_t count, first_usec, last_usec;
} RefineSuggestion;

typedef struct Refine {
        GPtrArray *rules;       /* of RefineRule; in order after refine_finish() */
        GPtrArray *suggestions; /* of RefineSuggestion */
        GHashTable *by_key;
        const GeneraliseRules *generalise; /* NULL: paths stay as they are */
        uint64_t n_alarms;      /* that were added */
        uint64_t n_over;        /* that would have made more rules than there may be */
} Refine;

Refine *refine_new(const GeneraliseRules *generalise);
void refine_free(Refine *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Refine, refine_free)

/** refine_add() - what @a calls for. */
void refine_add(Refine *r, const RefineAlarm *a);

/** refine_finish() - write the rules' texts, and put them in order. After the last alarm. */
void refine_finish(Refine *r);

/** refine_evidence() - one line about why: "12 times, 2026-11-25 13:00:07 to 13:05:00 UTC, by nginx in nginx.service; DENIED by BPF". To
 * be freed. */
char *refine_evidence(const RefineRule *r);

/* ---- fragments, in refine-fragment.c ---------------------------------------------------------------------------------------- */

/** refine_parse() - what an earlier fragment has, as rules that stand there before. Before the first alarm.
 * Return: 0; -EBADMSG: it is not as refine_fragment() writes it, @d says where: nobody must write over it. */
int refine_parse(Refine *r, const char *text, size_t size, const char *file, Diag *d);

/** refine_fragment() - for the policy @name (@slice: of a VarmorPolicy, else NULL): all that stood there and all that is accepted.
 * To be freed. */
char *refine_fragment(const Refine *r, const char *name, const char *slice);

/** refine_quote() - @text in YAML's double quotes. What is no UTF-8 is left out: patterns have none. To be freed. */
char *refine_quote(const char *text);

/* ---- between refine.c, refine-text.c and refine-fragment.c -------------------------------------------------------------------- */

/* Of RefineRule.perms, for AppArmor: it was executed. */
#define REFINE_EXECUTED (UINT64_C(1) << 16)

/** refine_rule() - the rule of @section with this @key, made if it is not there; NULL: there are too many. @key: taken. */
RefineRule *refine_rule(Refine *r, RefineSection section, char *key);

/** refine_file_text(), refine_ptrace_text() - of a rule of REFINE_FILES, REFINE_PTRACE. To be freed. */
char *refine_file_text(const char *pattern, uint64_t perms);
char *refine_ptrace_text(uint64_t perms);
