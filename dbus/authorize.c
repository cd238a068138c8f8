/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The one gate before everything that changes anything or shows rules. Default deny: whatever cannot be found out, or
 * is not answered, is a refusal.
 *
 * Who the sender is comes from the bus (GetConnectionCredentials), asked asynchronously. The process id is the one
 * that opened the connection. On buses that know no process descriptors it may have been given to another process
 * since; a confined process gains nothing by that which it could not have from systemd on the same bus. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "request.h"

/* (uid_t) -1 is no user: credentials(7), setreuid(2) */
#define UID_UNKNOWN ((uid_t)-1)

/* Takes @q out of those that wait. The caller has it from now on. */
static Request *request_steal(Request *q)
{
        Bus *b = q->bus;

        sd_bus_slot_unref(g_steal_pointer(&q->slot));
        g_hash_table_steal(b->requests, q);
        b->request_bytes -= q->size_bytes;
        return q;
}

static void refuse(Request *q, const char *error, const char *text)
{
        request_reply_error(request_steal(q), error, "%s", text);
}

static void permit(Request *q)
{
        request_steal(q)->bus = NULL;
        q->act(q);
}

static int on_polkit(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Request *q = userdata;
        int authorized = 0, challenge = 0;

        q->bus->n_at_polkit--;
        if (sd_bus_message_is_method_error(reply, NULL)) {
                refuse(q, SD_BUS_ERROR_ACCESS_DENIED, "Only root may do that here: polkit did not answer");
                return 0;
        }
        if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") <= 0 ||
            sd_bus_message_read(reply, "bb", &authorized, &challenge) <= 0) {
                refuse(q, SD_BUS_ERROR_ACCESS_DENIED, "Not permitted: polkit's answer is not understood");
                return 0;
        }
        if (authorized)
                permit(q);
        else if (challenge)
                refuse(q, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "Authentication is required");
        else
                refuse(q, SD_BUS_ERROR_ACCESS_DENIED, "Not permitted by polkit");
        return 0;
}

static int append_details(sd_bus_message *m, const Request *q)
{
        int r = sd_bus_message_open_container(m, 'a', "{ss}");
        if (r >= 0 && q->policy && q->mode >= 0)
                r = sd_bus_message_append(m, "{ss}{ss}", "policy", q->policy, "mode", mode_to_string(q->mode));
        else if (r >= 0 && q->policy)
                r = sd_bus_message_append(m, "{ss}{ss}", "policy", q->policy, "mode", "what its files say");
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int ask_polkit(Request *q)
{
        g_autoptr(sd_bus_message) m = NULL;
        bool interactive = sd_bus_message_get_allow_interactive_authorization(q->message) > 0;

        int r = sd_bus_message_new_method_call(q->bus->bus, &m, "org.freedesktop.PolicyKit1",
                                               "/org/freedesktop/PolicyKit1/Authority",
                                               "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sa{sv})s", "system-bus-name", 1, "name", "s",
                                          sd_bus_message_get_sender(q->message), q->action);
        if (r >= 0)
                r = append_details(m, q);
        if (r >= 0)
                r = sd_bus_message_append(m, "us", (uint32_t)interactive, "");
        if (r < 0)
                return r;
        return sd_bus_call_async(q->bus->bus, &q->slot, m, on_polkit, q, POLKIT_TIMEOUT_USEC);
}

/* a{sv} of GetConnectionCredentials; what is not there stays unknown. */
static int read_credentials(sd_bus_message *reply, Request *q)
{
        const char *key;
        int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                uint32_t value;

                r = sd_bus_message_read_basic(reply, 's', &key);
                if (r >= 0 && (strcmp(key, "UnixUserID") == 0 || strcmp(key, "ProcessID") == 0)) {
                        r = sd_bus_message_read(reply, "v", "u", &value);
                        if (r >= 0 && *key == 'U')
                                q->uid = value;
                        else if (r >= 0)
                                q->pid = value;
                } else if (r >= 0)
                        r = sd_bus_message_skip(reply, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r;
}

static int on_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Request *q = userdata;

        q->uid = UID_UNKNOWN;
        if (sd_bus_message_is_method_error(reply, NULL) || read_credentials(reply, q) < 0 || q->uid == UID_UNKNOWN ||
            q->pid <= 0) {
                refuse(q, SD_BUS_ERROR_ACCESS_DENIED, "Not permitted: it cannot be known who is calling");
                return 0;
        }

        int confined = manager_pid_confined(q->manager, q->pid);
        if (confined > 0) {
                manager_report_confined(q->manager, q->pid, q->uid, sd_bus_message_get_member(q->message));
                refuse(q, VARMOR_ERROR_CONFINED, "A process that is under a policy may not do that, whoever it is");
                return 0;
        }
        if (confined < 0) {
                refuse(q, SD_BUS_ERROR_ACCESS_DENIED,
                       "Not permitted: it cannot be known whether the caller is under a policy");
                return 0;
        }
        if (q->uid == 0) {
                permit(q);
                return 0;
        }
        if (q->bus->n_at_polkit >= REQUESTS_AT_POLKIT_MAX) {
                refuse(q, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many calls are waiting for polkit already");
                return 0;
        }
        sd_bus_slot_unref(g_steal_pointer(&q->slot));
        if (ask_polkit(q) < 0)
                refuse(q, SD_BUS_ERROR_ACCESS_DENIED, "Only root may do that here: polkit cannot be asked");
        else
                q->bus->n_at_polkit++;
        return 0;
}

static unsigned count_of_sender(const Bus *b, const char *sender)
{
        GHashTableIter i;
        gpointer key;
        unsigned n = 0;

        g_hash_table_iter_init(&i, b->requests);
        while (g_hash_table_iter_next(&i, &key, NULL)) {
                const Request *q = key;
                n += strcmp(sd_bus_message_get_sender(q->message), sender) == 0;
        }
        return n;
}

int request_authorize(Request *q, sd_bus_error *error)
{
        g_autoptr(Request) owned = q;
        Bus *b = q->bus;
        const char *sender = sd_bus_message_get_sender(q->message);

        if (!sender)
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
                                        "Not permitted: it cannot be known who is calling");
        if (g_hash_table_size(b->requests) >= REQUESTS_MAX || b->request_bytes + q->size_bytes > REQUEST_BYTES_MAX ||
            count_of_sender(b, sender) >= REQUESTS_PER_SENDER_MAX)
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many calls are waiting already");

        int r = sd_bus_call_method_async(b->bus, &q->slot, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                         "org.freedesktop.DBus", "GetConnectionCredentials", on_credentials, q, "s",
                                         sender);
        if (r < 0)
                return r;
        b->request_bytes += q->size_bytes;
        g_hash_table_add(b->requests, g_steal_pointer(&owned));
        return 1;
}
