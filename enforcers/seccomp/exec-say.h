/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What varmor-exec says when it cannot do what it was told, and with which status it ends then. */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* src/shared/exit-status.h of systemd, v252: what a service manager says of its own part of a start. */
enum {
        STATUS_USAGE = 2,      /* EXIT_INVALIDARGUMENT */
        STATUS_EXEC = 203,     /* EXIT_EXEC */
        STATUS_SECCOMP = 228,  /* EXIT_SECCOMP */
        STATUS_APPARMOR = 231, /* EXIT_APPARMOR_PROFILE */
};

/* sd-messages.h: SD_MESSAGE_SPAWN_FAILED */
#define MESSAGE_SPAWN_FAILED "641257651c1b4ec9a8624d7a40a9e1e7"

/** say_to_journal() - one entry: MESSAGE is @parts, up to NULL, one after the other. @policy: the name of its file; may be NULL. */
void say_to_journal(const char *id, const char *priority, const char *policy, const char *const *parts);
/** say_reason() - what @error means. Until the next call. */
const char *say_reason(int error);

/** usage() - it was called in a wrong way. */
_Noreturn void usage(const char *what);
/** fail_exec() - the command cannot be executed: "WHAT PATH: reason". */
_Noreturn void fail_exec(const char *what, const char *path, int error);

static inline bool same(const char *a, const char *b)
{
        return strlen(a) == strlen(b) && memcmp(a, b, strlen(a)) == 0;
}

static inline bool has(const char *s, char c)
{
        for (; *s; s++)
                if (*s == c)
                        return true;
        return false;
}
