/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Refine: alarms, as they are read from the journal. */

#include <errno.h>
#include <string.h>

#include "alarm.h"
#include "messages.h"
#include "refine.h"

void refine_alarm_clear(RefineAlarm *a)
{
        g_clear_pointer(&a->mode, g_free);
        g_clear_pointer(&a->action, g_free);
        g_clear_pointer(&a->reason, g_free);
        g_clear_pointer(&a->rule, g_free);
        g_clear_pointer(&a->operation, g_free);
        g_clear_pointer(&a->requested, g_free);
        g_clear_pointer(&a->comm, g_free);
        g_clear_pointer(&a->unit, g_free);
        g_clear_pointer(&a->object, g_bytes_unref);
        g_clear_pointer(&a->object2, g_bytes_unref);
}

typedef struct Reader {
        RefineGet get;
        void *userdata;
} Reader;

static char *read_text(const Reader *r, const char *field)
{
        size_t size = 0;
        const char *data = r->get(r->userdata, field, &size);

        return g_strndup(data ?: "", data ? size : 0);
}

static GBytes *read_bytes(const Reader *r, const char *field)
{
        size_t size = 0;
        const void *data = r->get(r->userdata, field, &size);

        return data ? g_bytes_new(data, size) : NULL;
}

static uint64_t read_number(const Reader *r, const char *field)
{
        g_autofree char *text = read_text(r, field);
        guint64 n = 0;

        return g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &n, NULL) ? n : 0;
}

int refine_alarm_read(RefineGet get, void *userdata, uint64_t time_usec, RefineAlarm *ret)
{
        const Reader r = {get, userdata};
        g_autofree char *id = read_text(&r, "MESSAGE_ID"), *enforcers = read_text(&r, "VARMOR_ENFORCER");
        g_auto(GStrv) words = g_strsplit(enforcers, " ", _ENFORCER_KIND_MAX + 1);
        g_auto(RefineAlarm) a = {.time_usec = time_usec};

        a.mode = read_text(&r, "VARMOR_MODE");
        a.action = read_text(&r, "VARMOR_ACTION");
        a.reason = read_text(&r, "VARMOR_REASON");
        a.rule = read_text(&r, "VARMOR_RULE");
        a.operation = read_text(&r, "VARMOR_OPERATION");
        a.requested = read_text(&r, "VARMOR_REQUESTED");
        a.comm = read_text(&r, "VARMOR_COMM");
        a.unit = read_text(&r, "OBJECT_SYSTEMD_UNIT");
        a.object = read_bytes(&r, "VARMOR_OBJECT");
        a.object2 = read_bytes(&r, "VARMOR_OBJECT2");
        a.count = MAX(read_number(&r, "VARMOR_COUNT"), 1U);
        a.pid = read_number(&r, "OBJECT_PID") ?: read_number(&r, "VARMOR_PID");
        a.base = strcmp(id, MESSAGE_BASE_PROTECTION) == 0 || strcmp(a.reason, event_reason_to_string(REASON_BASE)) == 0;
        for (char **w = words; *w; w++) {
                EnforcerKind k = enforcer_kind_from_string(*w);

                if ((int)k < 0)
                        return -EBADMSG;
                a.enforcers |= 1U << k;
        }
        if (!a.enforcers || (int)action_from_string(a.action) < 0 || (int)mode_from_string(a.mode) < 0 || !*a.operation)
                return -EBADMSG;
        *ret = a;
        a = (RefineAlarm){};
        return 0;
}
