/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Record: one message of the kernel's audit subsystem about AppArmor or a seccomp filter, taken apart. Pure: the bytes come from
 * the kernel, but the names in them from whoever is denied something. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* include/linux/audit.h, v6.1: AUDIT_MESSAGE_TEXT_MAX is 8560; libaudit's MAX_AUDIT_MESSAGE_LENGTH is 8970 */
#define AUDIT_TEXT_MAX 8970U

/* Any byte may occur in it but NUL. Points into the record that it is a part of; NULL: it is not there. */
typedef struct AuditText {
        const char *data;
        size_t size;
} AuditText;

typedef struct AuditRecord {
        uint32_t type;      /* AUDIT_AVC, AUDIT_SECCOMP */
        uint32_t serial;
        uint64_t time_usec; /* CLOCK_REALTIME, as coarse as the kernel's tick */
        int64_t pid;        /* of the process, not the thread */
        int64_t uid;        /* -1: not known */
        AuditText comm;

        /* AUDIT_SECCOMP */
        int64_t syscall, arch, code;

        /* AUDIT_AVC, if it is AppArmor's */
        AuditText verdict;   /* "DENIED", "AUDIT", "ALLOWED", "STATUS", ...; NULL: another module's */
        AuditText operation; /* "open", "capable", ... */
        AuditText info;      /* why it is denied, if not by a rule */
        AuditText ns;        /* namespace; NULL: the root's */
        AuditText profile;   /* "varmor.web", "varmor.web//t1", or several: "a//&b" */
        AuditText name;      /* the object, mostly a path */
        AuditText target;    /* the other name of a link */
        AuditText requested; /* letters of accesses, or a word */
        AuditText capname;
        AuditText family, sock_type;
        int64_t protocol;
        AuditText peer;      /* label of the other process */
        AuditText fstype, srcname, flags;

        char bytes[AUDIT_TEXT_MAX]; /* what the texts point into */
} AuditRecord;

/** audit_record_parse() - take the text of a message of the type @type apart. @ret is about 9 kB; do not copy it.
 * Return: 0; -EBADMSG, and nothing in @ret means anything: it is no such record, or lacks a part without which nobody could be
 * told of it. */
int audit_record_parse(AuditRecord *ret, uint32_t type, const void *text, size_t size);

bool audit_text_is(AuditText t, const char *s);
