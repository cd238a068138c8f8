/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's data as arguments of messages. */

#include <string.h>

#include "bus-internal.h"

/* Strings on the bus are UTF-8; names of files and cgroups are any bytes. */
static char *dup_utf8(const char *s)
{
        GString *text = g_string_new(NULL);
        const char *end;

        while (!g_utf8_validate(s, -1, &end)) {
                g_string_append_len(text, s, end - s);
                g_string_append_printf(text, "\\x%02x", (uint8_t)*end);
                s = end + 1;
        }
        g_string_append(text, s);
        return g_string_free(text, FALSE);
}

int append_text(sd_bus_message *m, const char *s)
{
        g_autofree char *text = dup_utf8(s ?: "");

        return sd_bus_message_append_basic(m, 's', text);
}

int append_texts(sd_bus_message *m, const char *const *strv)
{
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (size_t i = 0; r >= 0 && strv && strv[i]; i++)
                r = append_text(m, strv[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int append_entry(sd_bus_message *m, const char *key, const char *value)
{
        g_autofree char *text = dup_utf8(value);

        return sd_bus_message_append(m, "{sv}", key, "s", text);
}

static int append_diag_message(sd_bus_message *m, const DiagMessage *d, bool with_file)
{
        int r = sd_bus_message_open_container(m, 'r', with_file ? "ssuuss" : "suuss");
        if (r >= 0)
                r = append_text(m, diag_severity_to_string(d->severity));
        if (r >= 0 && with_file)
                r = append_text(m, d->pos.file);
        if (r >= 0)
                r = sd_bus_message_append(m, "uu", d->pos.line, d->pos.column);
        if (r >= 0)
                r = append_text(m, d->code);
        if (r >= 0)
                r = append_text(m, d->text);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int append_diag(sd_bus_message *m, const Diag *d, bool with_file)
{
        int r = sd_bus_message_open_container(m, 'a', with_file ? "(ssuuss)" : "(suuss)");

        for (guint i = 0; r >= 0 && d && i < d->messages->len; i++)
                r = append_diag_message(m, g_ptr_array_index(d->messages, i), with_file);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_target(sd_bus_message *m, const TargetInstance *t, bool with_policies)
{
        int r = sd_bus_message_open_container(m, 'r', with_policies ? "ssas" : "ss");
        if (r >= 0)
                r = append_text(m, t->cgroup);
        if (r >= 0)
                r = append_text(m, t->unit);
        if (r >= 0 && with_policies)
                r = append_texts(m, (const char *const *)t->policies);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int append_targets(sd_bus_message *m, const GPtrArray *targets, bool with_policies)
{
        int r = sd_bus_message_open_container(m, 'a', with_policies ? "(ssas)" : "(ss)");

        for (guint i = 0; r >= 0 && i < targets->len; i++)
                r = append_target(m, g_ptr_array_index(targets, i), with_policies);
        return r < 0 ? r : sd_bus_message_close_container(m);
}
