/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Words: what an AppArmor record is about, in the words of the BPF enforcer's alarms, so that two records of one call are seen to
 * be that. Pure. */

#include <glib.h>
#include <stdint.h>

#include "alarm.h"
#include "op.h"
#include "record.h"

typedef struct AuditWords {
        Action action;
        EventReason reason;   /* REASON_RULE, or REASON_NO_PATH */
        char *operation;
        OpKind kind;          /* OP_TEXT: nothing that rules other than AppArmor's own speak of */
        uint32_t requested;   /* FilePerm, PtracePerm */
        GBytes *object;       /* never NULL */
        GBytes *object2;      /* NULL: none */
        /* The same as the rules' automaton has it (enforcers/bpf/abi.h): */
        uint32_t table_kind;  /* VA_KIND_* */
        uint32_t table_perms; /* access bits */
        char **table_objects; /* one, or of a mount one for each of its flags; may be empty */
} AuditWords;

/** audit_words() - Return: 0; -ENOENT: the record tells of no access (profiles that were loaded). */
int audit_words(const AuditRecord *r, AuditWords *ret);
void audit_words_clear(AuditWords *w);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AuditWords, audit_words_clear)

/** audit_bind_names() - of the record's profile, without their prefix "varmor.": one, or several of a stack, each once; what belongs to
 * a child profile is its parent's. Empty if it is somebody else's profile. To be freed by g_strfreev(). */
char **audit_bind_names(const AuditRecord *r);
