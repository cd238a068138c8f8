/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Containers: what is known of those that container engines are about to start, and which policies of kind Container are for
 * them. The engine's hook (varmor-oci-hook) reads the policies from a file that varmord keeps, and registers the containers
 * that match one, each in a file; the loader's child reads these, so that a container is a cgroup path among others. Both files
 * are one GVariant, validated by whoever reads it. Pure but for reading and writing them. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy.h"

#define CONTAINERS_DIR "/run/varmor/containers"              /* ID: of Container */
#define CONTAINER_POLICIES_FILE "/run/varmor/container-policies" /* of ContainerPolicy; not there: there is none */
#define CONTAINERS_MAX 4096U
#define CONTAINER_BYTES_MAX (1U << 20)
#define CONTAINER_POLICIES_BYTES_MAX (16U << 20)
#define CONTAINER_ID_BYTES_MAX 128U

typedef struct Container {
        char *id;           /* a word of letters, digits, "-" and "_" */
        char *cgroup;       /* path below the root of the hierarchy, also before it exists */
        char *name, *image; /* "" : none */
        GHashTable *labels; /* char * -> char * */
        GHashTable *bound;  /* full name of a policy -> mask of 1 << EnforcerKind that the container was started under */
} Container;

Container *container_new(const char *id, const char *cgroup);
void container_free(Container *c);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Container, container_free)

bool container_id_is_valid(const char *id);
/** container_cgroup_is_valid() - an absolute path without "." and "..", not the root. */
bool container_cgroup_is_valid(const char *path);

GBytes *container_to_bytes(const Container *c);
/** container_from_bytes() - Return: 0, -EBADMSG. */
int container_from_bytes(GBytes *bytes, Container **ret);

/** container_matches() - is @c one of @t's containers, and below @slice (NULL: anywhere)? Besides the labels a selector knows "Name"
 * and "Image". */
bool container_matches(const Container *c, const TargetSpec *t, const char *slice);

/** containers_load() - all that are registered, as GPtrArray of Container. @root: prefix; NULL: none. What is damaged is left out. */
GPtrArray *containers_load(const char *root);

/** containers_select() - the cgroups of those that match, sorted. */
char **containers_select(const GPtrArray *containers, const TargetSpec *t, const char *slice);

/** containers_bound() - what the container whose cgroup is @path, or holds it, was started under of @policy; 0: nothing, or it is no
 * container's. */
uint32_t containers_bound(const GPtrArray *containers, const char *path, const char *policy);

/** container_write() - register @c. Return: 0, negative errno. */
int container_write(const Container *c);

/* ---- policies ---------------------------------------------------------------------------------------------------------- */

typedef struct ContainerPolicy {
        char *full_name;
        char *slice;        /* NULL: none */
        TargetSpec target;
        uint32_t enforcers; /* 1 << EnforcerKind: available, and with something to enforce */
        bool fail_open;
} ContainerPolicy;

void container_policy_free(ContainerPolicy *p);

/** container_policies_to_bytes() - @policies: of ContainerPolicy. */
GBytes *container_policies_to_bytes(const GPtrArray *policies);
/** container_policies_from_bytes() - Return: 0, -EBADMSG. */
int container_policies_from_bytes(GBytes *bytes, GPtrArray **ret);

/** containers_read_file() - a file of root's (of this user's, for tests), at most @max bytes. NULL, with errno: it cannot be had. */
GBytes *containers_read_file(const char *path, gsize max);
/** containers_write_file() - as a whole or not at all. */
int containers_write_file(const char *path, GBytes *bytes);
