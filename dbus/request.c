/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Request: its answers. How it gets permission is in authorize.c. */

#include <errno.h>

#include "request.h"

Request *request_new(Bus *b, sd_bus_message *message, const char *action, RequestAct act)
{
        Request *q = g_new0(Request, 1);

        *q = (Request){
                .bus = b,
                .manager = b->manager,
                .message = sd_bus_message_ref(message),
                .action = action,
                .act = act,
                .mode = _MODE_INVALID,
                .options = {.audit_violations = -1, .allow_violations = -1},
        };
        return q;
}

void request_free(Request *q)
{
        if (!q)
                return;

        sd_bus_slot_unref(q->slot);
        sd_bus_message_unref(q->message);
        g_free(q->policy);
        g_free(q->document);
        g_free(q);
}

/* An answer that cannot be sent is nobody's any more: the caller, or the bus, has gone. */
void request_reply(Request *q)
{
        (void)sd_bus_reply_method_return(q->message, "");
        request_free(q);
}

void request_reply_message(Request *q, sd_bus_message *reply)
{
        (void)sd_bus_send(NULL, reply, NULL);
        request_free(q);
}

void request_reply_error(Request *q, const char *name, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        (void)sd_bus_reply_method_errorfv(q->message, name, format, ap);
        va_end(ap);
        request_free(q);
}

void request_reply_errno(Request *q, int r)
{
        switch (r) {
        case -ENOENT:
                request_reply_error(q, VARMOR_ERROR_NO_SUCH_POLICY, "There is no policy called \"%s\"",
                                    q->policy ?: "");
                break;
        case -EINVAL:
                request_reply_error(q, SD_BUS_ERROR_INVALID_ARGS, "These options do not go with mode %s",
                                    q->mode >= 0 ? mode_to_string(q->mode) : "");
                break;
        case -EBUSY:
                request_reply_error(q, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many calls are waiting already");
                break;
        case -E2BIG:
                request_reply_error(q, SD_BUS_ERROR_LIMITS_EXCEEDED, "The document is larger than %u bytes",
                                    MANAGER_CHECK_BYTES_MAX);
                break;
        case -ESHUTDOWN:
                request_reply_error(q, VARMOR_ERROR_DISABLED,
                                    "varmor is disabled by varmor.disable on the kernel command line");
                break;
        case -EOPNOTSUPP:
                request_reply_error(q, VARMOR_ERROR_NOT_ENFORCEABLE, "No enforcer can do that on this host");
                break;
        case -EINPROGRESS:
                request_reply_error(q, VARMOR_ERROR_NOT_COMPLETE,
                                    "Policy \"%s\" can leave BehaviorModeling only when its recording is complete; a shorter duration "
                                    "ends it sooner",
                                    q->policy ?: "");
                break;
        case -ECANCELED:
                request_reply_error(q, VARMOR_ERROR_LOAD_FAILED, "varmord is ending");
                break;
        default:
                request_reply_error(q, VARMOR_ERROR_LOAD_FAILED,
                                    "Reading the policies failed, what was in force is in force: %s", g_strerror(-r));
        }
}

static const DiagMessage *first_error(const Diag *d)
{
        for (guint i = 0; d && i < d->messages->len; i++) {
                const DiagMessage *m = g_ptr_array_index(d->messages, i);
                if (m->severity == DIAG_ERROR)
                        return m;
        }
        return NULL;
}

static void reply_diag(Request *q, int result, const Diag *diag)
{
        const DiagMessage *m = first_error(diag);
        if (!m) {
                request_reply_errno(q, result);
                return;
        }

        const char *name =
                g_str_has_prefix(m->code, "not-enforceable") ? VARMOR_ERROR_NOT_ENFORCEABLE : VARMOR_ERROR_REFUSED;
        g_autofree char *raw = diag_message_format(m);
        g_autofree char *text = g_utf8_make_valid(raw, -1);
        if (diag->n_errors > 1)
                request_reply_error(q, name, "%s (and %u more)", text, diag->n_errors - 1);
        else
                request_reply_error(q, name, "%s", text);
}

void request_done(Manager *m, int result, const Diag *diag, void *userdata)
{
        Request *q = userdata;

        if (result >= 0)
                request_reply(q);
        else if (result == -EBADMSG || result == -EOPNOTSUPP)
                reply_diag(q, result, diag);
        else
                request_reply_errno(q, result);
}
