/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Spec: the runtime's configuration of one container (OCI runtime-spec, config.json), as an engine hands it to its precreate hooks:
 * which container it is, and what it is to be started under. All of it is untrusted in its form: an engine wrote it. */

#include <json-c/json.h>

#include "containers.h"

/* What an engine hands over. */
#define SPEC_BYTES_MAX (16U << 20)
/* A list of an engine's storage. */
#define STORAGE_BYTES_MAX (64U << 20)

/** spec_container() - id, cgroup and labels (the annotations).
 * @ret: also where 0 is not returned, as far as it is known; without a cgroup of its own, its path is "/?".
 * Return: 0; -EBADMSG and @ret_why (a sentence without its stop, static). */
int spec_container(json_object *spec, Container **ret, const char **ret_why);

/** spec_read_storage() - name, image and the image's labels, from the storage of containers/storage that the container's root is in.
 * @prefix: of the root directory; "": none. What cannot be had is left empty. */
void spec_read_storage(json_object *spec, Container *c, const char *prefix);

/** spec_add_apparmor() - one more profile, beside the engine's. */
void spec_add_apparmor(json_object *spec, const char *profile);

/** spec_seccomp() - the engine's profile; NULL: none. Borrowed. */
json_object *spec_seccomp(json_object *spec);
/** spec_set_seccomp() - @profile is taken. */
void spec_set_seccomp(json_object *spec, json_object *profile);
