/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names of units, as far as the generator takes them apart: templates and instances, the directories of drop-ins, and the
 * cgroup that systemd makes for a service. Pure. */

#include <glib.h>
#include <stdbool.h>

/* src/basic/unit-name.h of systemd: UNIT_NAME_MAX */
#define UNIT_NAME_BYTES_MAX 255U
/* What may stand in the name of an instance, beside "@" (src/basic/unit-name.c: VALID_CHARS). */
#define UNIT_NAME_CHARS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:-_.\\"

/** unit_name_is_service() - could systemd load a service by that name? */
bool unit_name_is_service(const char *name);
/** unit_name_is_template(), unit_name_is_instance() - "a@.service", "a@b.service". */
bool unit_name_is_template(const char *name);
bool unit_name_is_instance(const char *name);
/** unit_name_template() - "a@b.service" -> "a@.service". To be freed. */
char *unit_name_template(const char *instance);
/** unit_name_instantiate() - "a@.service", "b" -> "a@b.service". To be freed. */
char *unit_name_instantiate(const char *template, const char *instance);
/** unit_name_dup_instance() - "a@b.service" -> "b"; NULL: none. To be freed. */
char *unit_name_dup_instance(const char *name);

/** unit_name_dropin_dirs() - names of the directories in which systemd looks for drop-ins of @name, most specific first, without
 * "service.d", which comes after those of all names. To be freed. */
char **unit_name_dropin_dirs(const char *name);

/** unit_cgroup() - the path of the cgroup of service @name. @slice: what Slice= says, may be NULL.
 * Return: to be freed; NULL: it has specifiers that only systemd can expand, or is no slice. */
char *unit_cgroup(const char *name, const char *slice);
