/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Alarm: the noun itself, and how it reads in words and as a journal entry. Pure. */

#include "alarm.h"

#include <string.h>
#include <syslog.h>

#include "journal.h"
#include "messages.h"

void alarm_free(Alarm *a)
{
        if (!a)
                return;
        g_free(a->policy);
        g_free(a->rule);
        g_free(a->operation);
        g_clear_pointer(&a->object, g_bytes_unref);
        g_clear_pointer(&a->object2, g_bytes_unref);
        g_free(a->cgroup);
        g_free(a->unit);
        g_free(a);
}

char *alarm_dup_bytes(GBytes *b)
{
        GString *s = g_string_new(NULL);
        gsize size = 0;
        const char *p = b ? g_bytes_get_data(b, &size) : NULL, *end = size > 0 ? p + size : p;

        while (p < end) {
                gunichar c = g_utf8_get_char_validated(p, end - p);

                if (c != (gunichar)-1 && c != (gunichar)-2 && c != '\\' && g_unichar_isprint(c)) {
                        g_string_append_unichar(s, c);
                        p = g_utf8_next_char(p);
                } else {
                        g_string_append_printf(s, "\\x%02x", (unsigned char)*p);
                        p++;
                }
        }
        return g_string_free(s, FALSE);
}

char *requested_to_string(OpKind kind, uint32_t perms)
{
        const Word *words = kind == OP_FILE ? file_perm_words : kind == OP_PTRACE ? ptrace_perm_words : NULL;
        GString *s = g_string_new(NULL);

        /* Each by its own word, "all" never. */
        for (uint32_t bit = 1; words && bit <= PERM_ALL; bit <<= 1) {
                g_autofree char *word = perms & bit ? words_format(words, bit, ",") : NULL;

                if (word)
                        g_string_append_printf(s, "%s%s", s->len > 0 ? "," : "", word);
        }
        return g_string_free(s, FALSE);
}

static void append_what(GString *s, const Alarm *a)
{
        g_autofree char *object = alarm_dup_bytes(a->object);

        g_autofree char *perms = requested_to_string(a->kind, a->requested);

        if (a->kind == OP_SYSCALL) {
                g_string_append_printf(s, "the system call %s", object);
                return;
        }
        g_string_append(s, a->operation);
        if (*perms != '\0')
                g_string_append_printf(s, " (%s)", perms);
        if (a->reason == REASON_NO_PATH)
                g_string_append(s, " of a file whose path cannot be determined");
        if (*object != '\0')
                g_string_append_printf(s, " %s \"%s\"", a->reason == REASON_NO_PATH ? "called" : "of", object);
        if (a->object2) {
                g_autofree char *object2 = alarm_dup_bytes(a->object2);

                g_string_append_printf(s, " as \"%s\"", object2);
        }
}

char *alarm_dup_enforcers(const Alarm *a)
{
        GString *s = g_string_new(NULL);

        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (a->enforcers & 1U << k)
                        g_string_append_printf(s, "%s%s", s->len > 0 ? " " : "", enforcer_kind_to_string(k));
        return g_string_free(s, FALSE);
}

char *alarm_dup_message(const Alarm *a)
{
        static const char *const verb[_ACTION_MAX] = {
                [ACTION_DENIED] = "denied",
                [ACTION_AUDIT] = "reports, but let through,",
                [ACTION_ALLOWED] = "allowed, on trial,",
        };
        g_autoptr(GBytes) comm_bytes = g_bytes_new(a->comm, strnlen(a->comm, sizeof(a->comm)));
        g_autofree char *comm = alarm_dup_bytes(comm_bytes);
        GString *s = g_string_new(NULL);

        g_string_append_printf(s, "Policy %s %s ", a->policy, verb[a->action]);
        append_what(s, a);
        g_string_append_printf(s, " %s %s[%i]", a->action == ACTION_DENIED ? "to" : "by", comm, (int)a->pid);
        if (*a->unit != '\0')
                g_string_append_printf(s, " in %s", a->unit);
        else if (*a->cgroup != '\0')
                g_string_append_printf(s, " in %s", a->cgroup);
        else
                g_string_append(s, " in a unit that is not known");

        switch (a->reason) {
        case REASON_SECOND_NAME:
                g_string_append(s, ": other rules would hold for that name");
                break;
        case REASON_DEFAULT:
                g_string_append(s, ": no rule allows it");
                break;
        default:
                if (*a->rule != '\0')
                        g_string_append_printf(s, ", rule %s", a->rule);
                break;
        }
        if (a->count > 1)
                g_string_append_printf(s, ", %" G_GUINT64_FORMAT " times", a->count);
        return g_string_free(s, FALSE);
}

static const char *alarm_message_id(const Alarm *a)
{
        switch (a->reason) {
        case REASON_BASE:
                return MESSAGE_BASE_PROTECTION;
        case REASON_NO_PATH:
                return MESSAGE_NO_PATH;
        case REASON_SECOND_NAME:
                return MESSAGE_SECOND_NAME;
        default:
                return MESSAGE_VIOLATION;
        }
}

static void add_bytes(JournalEntry *e, const char *field, GBytes *b)
{
        gsize size;
        const void *data = g_bytes_get_data(b, &size);

        journal_entry_add(e, field, data, size);
}

static void add_process(JournalEntry *e, const Alarm *a)
{
        /* By OBJECT_PID the journal looks up more fields, and it may find who has that number now. */
        journal_entry_add_format(e, *a->cgroup != '\0' ? "OBJECT_PID" : "VARMOR_PID", "%i", (int)a->pid);
        if (*a->unit != '\0')
                journal_entry_add_string(e, "OBJECT_SYSTEMD_UNIT", a->unit);
        journal_entry_add(e, "VARMOR_COMM", a->comm, strnlen(a->comm, sizeof(a->comm)));
        journal_entry_add_format(e, "VARMOR_TID", "%i", (int)a->tid);
        journal_entry_add_format(e, "VARMOR_UID", "%u", (unsigned)a->uid);
        if (*a->cgroup != '\0')
                journal_entry_add_string(e, "VARMOR_CGROUP", a->cgroup);
        journal_entry_add_format(e, "VARMOR_CGROUP_ID", "%" G_GUINT64_FORMAT, a->cgroup_id);
}

JournalEntry *journal_entry_from_alarm(const Alarm *a)
{
        g_autofree char *message = alarm_dup_message(a), *requested = requested_to_string(a->kind, a->requested);
        g_autofree char *enforcers = alarm_dup_enforcers(a);
        JournalEntry *e = journal_entry_new();

        journal_entry_add_string(e, "MESSAGE", message);
        journal_entry_add_format(e, "PRIORITY", "%i",
                                 a->reason == REASON_BASE && a->action == ACTION_DENIED ? LOG_WARNING : LOG_NOTICE);
        journal_entry_add_string(e, "SYSLOG_IDENTIFIER", "varmord");
        journal_entry_add_string(e, "MESSAGE_ID", alarm_message_id(a));
        journal_entry_add_string(e, "VARMOR_POLICY", a->policy);
        journal_entry_add_string(e, "VARMOR_MODE", mode_to_string(a->mode));
        journal_entry_add_string(e, "VARMOR_ENFORCER", enforcers);
        journal_entry_add_string(e, "VARMOR_ACTION", action_to_string(a->action));
        journal_entry_add_string(e, "VARMOR_REASON", event_reason_to_string(a->reason));
        journal_entry_add_string(e, "VARMOR_RULE", a->rule);
        journal_entry_add_string(e, "VARMOR_OPERATION", a->operation);
        journal_entry_add_format(e, "VARMOR_COUNT", "%" G_GUINT64_FORMAT, a->count);
        if (*requested != '\0')
                journal_entry_add_string(e, "VARMOR_REQUESTED", requested);
        add_process(e, a);
        if (a->object)
                add_bytes(e, "VARMOR_OBJECT", a->object);
        if (a->object2)
                add_bytes(e, "VARMOR_OBJECT2", a->object2);
        return e;
}
