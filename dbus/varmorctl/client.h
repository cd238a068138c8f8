/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Client: calls to varmord, and their answers as JSON. */

#include "autoptr.h"
#include "names.h"
#include "varmorctl.h"

/* Long enough for a person to type a password and for a large policy to be compiled. */
#define CLIENT_CALL_TIMEOUT_USEC (300U * 1000000U)

/* Names of the fields of a struct that a method returns, in order, NULL-terminated. */
typedef const char *const *FieldNames;

typedef json_object JsonObject;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonObject, json_object_put)

/** client_connect() - the system bus; complains to stderr.
 * Return: EXIT_FINE, EXIT_NO_DAEMON. */
int client_connect(const Options *o, sd_bus **ret);

typedef struct ClientCall {
        const char *path;
        const char *interface;
        const char *member;
        FieldNames fields; /* of structs in the answer; NULL: as arrays */
        bool start;        /* start the daemon if it does not run */
} ClientCall;

/** client_call() - one method call; complains to stderr about what fails.
 * @ret: the first value of the answer, NULL if it has none; the caller's
 * @types: of the arguments that follow, as for sd_bus_message_append()
 * Return: EXIT_FINE, or the ExitCode that says what is wrong. */
int client_call(sd_bus *bus, const ClientCall *call, json_object **ret, const char *types, ...);

/** client_call_message() - the same for arguments that were appended to @m, which client_new_call() made. */
int client_new_call(sd_bus *bus, const ClientCall *call, sd_bus_message **ret);
int client_call_message(sd_bus *bus, const ClientCall *call, sd_bus_message *m, json_object **ret);

/** client_properties() - all properties of one interface as an object whose keys are spelt like_this. */
int client_properties(sd_bus *bus, const char *path, const char *interface, json_object **ret);

/** client_policy_path() - asks for the object of @policy. */
int client_policy_path(sd_bus *bus, const char *policy, char **ret);

/** json_read() - the next complete value of @m.
 * Return: 1, 0 when there is none, or a negative errno. */
int json_read(sd_bus_message *m, FieldNames fields, json_object **ret);

const char *json_string(json_object *o, const char *key); /* "" if it is not there */
uint64_t json_uint(json_object *o, const char *key);
bool json_flag(json_object *o, const char *key);
json_object *json_member(json_object *o, const char *key); /* borrowed; may be NULL */
size_t json_length(json_object *o);                        /* 0 for NULL */
