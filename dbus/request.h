/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Request: a method call that needs permission, from its arrival to its answer. A handler reads and validates the
 * arguments, then hands the call to request_authorize(), which asks the bus who the sender is, refuses a confined one,
 * asks polkit unless the sender is root, and only then calls @act. Nothing here blocks. */

#include "bus-internal.h"

/* Calls that wait for the bus's or polkit's word. One more is refused with LimitsExceeded. */
#define REQUESTS_MAX 1024U
#define REQUESTS_PER_SENDER_MAX 8U
#define REQUESTS_AT_POLKIT_MAX 64U
#define REQUEST_BYTES_MAX (16U << 20)

/* How long somebody may think about a password. */
#define POLKIT_TIMEOUT_USEC (120U * 1000000U)

typedef struct Request Request;

/* @act of a request that is permitted. Takes @q: ends it by request_reply*() or gives it to a manager_*() call whose
 * callback does. */
typedef void (*RequestAct)(Request *q);

struct Request {
        Bus *bus; /* NULL once it is authorised */
        Manager *manager;
        sd_bus_message *message;
        sd_bus_slot *slot; /* of what it waits for */
        const char *action;
        RequestAct act;
        size_t size_bytes;
        pid_t pid;
        uid_t uid;
        /* arguments */
        char *policy;
        char *document;
        Mode mode;
        SetModeOptions options;
};

Request *request_new(Bus *b, sd_bus_message *message, const char *action, RequestAct act);
void request_free(Request *q);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Request, request_free)

/** request_authorize() - takes @q.
 * Return: for the method handler: 1, or a negative errno with @error set. */
int request_authorize(Request *q, sd_bus_error *error);

/* Each takes @q and answers its call. */
void request_reply(Request *q);
void request_reply_message(Request *q, sd_bus_message *reply);
void request_reply_error(Request *q, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);
/** request_reply_errno() - for what a manager_*() call returned. */
void request_reply_errno(Request *q, int r);

/** request_done() - a ManagerDone whose @userdata is the Request. */
void request_done(Manager *m, int result, const Diag *diag, void *userdata);
