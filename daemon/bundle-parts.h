/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of a bundle as GVariant and back; for bundle.c alone. Every from_variant() checks what it reads, since the
 * bytes come from a process that may have been subverted. NULL strings travel as "". */

#include <glib.h>

#include "bundle.h"

/* Longer than any path or sentence that has a meaning. */
#define BUNDLE_STRING_BYTES_MAX (16U << 10)
/* Larger than any table that the kernel takes as one value. */
#define BUNDLE_BLOB_BYTES_MAX (8U << 20)

#define POS_TYPE "(suu)"
#define DIAG_TYPE "(uuua(u" POS_TYPE "ss))"
#define SETTINGS_TYPE "(asastuasasasb)"
#define TARGET_TYPE "(" POS_TYPE "usbba(" POS_TYPE "suas))"
#define RULE_TYPE "(s" POS_TYPE "uusua(us)b)"
#define PROFILE_TYPE "(ubaysuttb)"
#define RULE_INFO_TYPE "(sasu" POS_TYPE "bsssasua(us)a(suua(us)))"

GVariant *variant_string(const char *s);
GVariant *variant_strv(char *const *l);
GVariant *variant_bytes(GBytes *b);
/** dup_string_at() - the string that is child @i of @tuple; NULL for "". */
char *dup_string_at(GVariant *tuple, gsize i);
int copy_digest(const char *s, char ret[static 65]);
/** bytes_from_child() - a copy, so that the message's memory can go. Return: 0, -EBADMSG (larger than @size_max). */
int bytes_from_child(GVariant *tuple, gsize i, gsize size_max, GBytes **ret);

GVariant *pos_to_variant(const SourcePos *p);
void pos_from_variant(GVariant *tuple, gsize i, SourcePos *ret);
GVariant *diag_to_variant(const Diag *d);
int diag_from_variant(GVariant *v, Diag **ret);
GVariant *settings_to_variant(const Settings *s);
int settings_from_variant(GVariant *v, Settings **ret);
GVariant *target_to_variant(const TargetSpec *t);
int target_from_variant(GVariant *v, TargetSpec *t);
GVariant *rule_status_to_variant(const RuleStatus *s);
int rule_status_from_variant(GVariant *v, RuleStatus **ret);
GVariant *profile_to_variant(const Profile *p);
int profile_from_variant(GVariant *v, Profile **ret);
GVariant *rule_info_to_variant(const RuleInfo *r);
int rule_info_from_variant(GVariant *v, RuleInfo **ret);
