/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Policy documents: one merged tree to one policy, everything in it validated. */

#include "diag.h"
#include "policy.h"
#include "rules.h"
#include "settings.h"
#include "yaml-tree.h"

/** policy_parse() - read @doc; the whole of it is validated, whatever the mode, and the rules of its mode become the
 * policy's. @doc is not merged with anything here. @runtime_prefix: files below it are of this boot ("/run/").
 * @ret: not sealed, files not set. Return: 0, -EBADMSG. */
int policy_parse(const YamlNode *doc, const Catalogue *catalogue, const Settings *settings, Policy **ret, Diag *d);

/** policy_peek_name() - name and slice of a document that may be full of errors; NULL where they are missing or are no names.
 * To be freed. @ret_full_name: NULL unless complete. */
void policy_peek_name(const YamlNode *doc, char **ret_name, char **ret_slice, char **ret_full_name);

/* enhanceProtect, defenseInDepth: in policy-modes.c. @p: gets the rules and settings; a scratch policy where the mode is
 * another and the section is only validated. */
void policy_parse_enhance(const YamlNode *n, Policy *p, const Catalogue *catalogue, const Settings *settings, Diag *d);
void policy_parse_depth(const YamlNode *n, Policy *p, const Settings *settings, Diag *d);

/** policy_add_named() - add the rules of @named to @p, as asked for at @pos, for @targets (NULL: everybody).
 * Return: 0, -E2BIG. */
int policy_add_named(Policy *p, const NamedRule *named, RuleOrigin origin, const SourcePos *pos, char **targets);
