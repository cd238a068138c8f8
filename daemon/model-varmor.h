/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Model <-> vArmor's ArmorProfileModel, as JSON.
 *
 * Certain, from its Go types (apis/varmor/v1beta1, versions with and without BPF): data.dynamicResult.apparmor { profiles,
 * executions, files [{path, owner, permissions, oldPath}], capabilities, networks, ptraces [{peer, permissions, external}], signals
 * [{peer, permissions, signals}], unhandled }, .bpf { executions, files, capabilities, network {sockets [{domain, type, protocol}],
 * egresses [{ip, ports}]}, ptraces, mounts [{path, type, flags}] }, .seccomp { syscalls }, and data.profile { name, enforcer, mode,
 * content, seccompContent }. Older versions have a list of {family, sockType, protocol} as apparmor.networks, "syscall" for "syscalls",
 * and the texts of data.profile in base64. Keys are read without regard to case, as Go does.
 *
 * Not certain: which words its recorders write for families, types and protocols (both "inet" and "AF_INET" are read, and numbers
 * of protocols). Permissions of AppArmor's files are letters of "mrwalk", BPF's are words. */

#include <glib.h>
#include <stddef.h>

#include "diag.h"
#include "generalise.h"
#include "model.h"

#define VARMOR_MODEL_BYTES_MAX (16U << 20)
#define VARMOR_MODEL_DEPTH_MAX 32

/** model_from_varmor() - the object, or what stands in its "data". Its paths may be patterns already, and then the first original is
 * beside them: that is taken, the rest counted as lost, so that the model is never called complete.
 * @d: warnings for what a model cannot hold.
 * Return: 0, @ret is sealed; -EBADMSG. */
int model_from_varmor(const char *text, size_t size, const char *file, Model **ret, Diag *d);

/* What the object shall be called, and the profiles that were made. Borrowed. */
typedef struct VarmorModel {
        const char *name;
        const char *space;    /* the namespace; NULL: none is named */
        const char *apparmor; /* model_apparmor(); NULL: none */
        const char *seccomp;  /* a seccomp profile as JSON; NULL: none */
} VarmorModel;

/** model_to_varmor() - paths as patterns, with their first original beside. What vArmor has no place for (ingress, sockets of AF_UNIX,
 * conditions of system calls, counts) is left out. To be freed. */
char *model_to_varmor(const General *g, const VarmorModel *about);

/** signal_name(), signal_number() - AppArmor's names: "term", "rtmin+3", "exists" for 0. The name is to be freed; -1: not known. */
char *signal_name(uint64_t number);
int signal_number(const char *name);
