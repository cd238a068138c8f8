/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Raw: AppArmor's language as somebody wrote it, understood just far enough: where its rules begin and end, and whether it
 * is a whole profile. Whatever is done to it, the lines stay where they are. */

#include <glib.h>
#include <stdbool.h>

/* What becomes of `deny` in rules that somebody wrote. */
typedef enum RawDisposition {
        RAW_AS_IS,
        RAW_REPORT,  /* "deny" denies and reports: "audit deny" */
        RAW_OBSERVE, /* what is denied is let through and reported */
        RAW_NOTHING, /* what is denied is let through */
} RawDisposition;

/** raw_dispose() - @text with its rules changed as @d says. To be freed.
 * @ret_includes: (may be NULL) whether it includes files, in which nothing was changed. */
char *raw_dispose(const char *text, RawDisposition d, bool *ret_includes);

/* A text that is a whole profile. */
typedef struct RawProfile {
        char *preamble; /* what stands before "profile"; as many lines as in the text */
        char *header;   /* from "profile" to before '{' */
        char *body;     /* between the braces */
        char *flags;    /* those that it names, separated by commas; NULL: none */
} RawProfile;

void raw_profile_done(RawProfile *p);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RawProfile, raw_profile_done)

/** raw_profile_split() - take @text apart if it is a whole profile.
 * Return: 1; 0: it is what stands within one; -EBADMSG and in @ret_why (static): neither. */
int raw_profile_split(const char *text, RawProfile *ret, const char **ret_why);

/** raw_has_variables() - does @text use a variable of AppArmor's ("@{PROC}"), comments aside? */
bool raw_has_variables(const char *text);
