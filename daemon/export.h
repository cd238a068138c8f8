/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Export: what a policy says, in the language of others: seccomp profiles of containers, AppArmor's profiles, settings of systemd
 * units. Pure; what cannot be said in that language is reported. */

#include <glib.h>

#include "diag.h"
#include "policy.h"
#include "seccomp/oci.h"

typedef enum ExportFormat {
        EXPORT_OCI_SECCOMP,
        EXPORT_APPARMOR,
        EXPORT_SYSTEMD,
        _EXPORT_FORMAT_MAX,
        _EXPORT_FORMAT_INVALID = -22,
} ExportFormat;

const char *export_format_to_string(ExportFormat f); /* "oci-seccomp", ... */
ExportFormat export_format_from_string(const char *s);

/* Where container engines have their default profile. */
#define EXPORT_BASE_FILE "/usr/share/containers/seccomp.json"

/** export_policy() - @p as text, to be freed.
 * @host: for which OCI's conditions are decided; NULL: this one.
 * @base: text of the seccomp profile that the outcome is to be part of; NULL: none. OCI only.
 * Return: 0; -EBADMSG, -E2BIG, with @d; -EOPNOTSUPP: the policy says nothing that could be said in it. */
int export_policy(const Policy *p, ExportFormat f, const SeccompHost *host, const char *base, char **ret, Diag *d);

/** export_systemd() - a drop-in for a unit; rules that systemd's settings cannot express are comments in it. */
char *export_systemd(const Policy *p);
