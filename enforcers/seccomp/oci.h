/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* OCI: a policy's rules about system calls as a seccomp profile for containers, by itself or worked into the one that a container
 * would have anyhow: a container has one profile only, where a service has as many filters as it has policies. What comes out is
 * read by engines (--security-opt seccomp=FILE) and by runtimes (linux.seccomp in config.json) alike. Pure. */

#include <json-c/json.h>

#include "diag.h"
#include "host.h"
#include "policy.h"

/* Text of a profile that is read. */
#define OCI_BYTES_MAX (4U << 20)

/** oci_seccomp() - what @p and @base permit both; in @d, as warnings, the rules that cannot be part of it.
 * @base: a profile, borrowed; NULL: everything is permitted.
 * Return: 0; -EBADMSG: @base is no profile; -E2BIG: too many conditions on one system call. */
int oci_seccomp(const Policy *p, const SeccompHost *host, json_object *base, json_object **ret, Diag *d);

/** oci_has_rules() - does @p say anything about system calls? */
bool oci_has_rules(const Policy *p);
