/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* rules: the named rules that policies may ask for, and what one of them does. */

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output.h"

static int call_manager(sd_bus *bus, const char *member, FieldNames fields, json_object **ret, const char *rule)
{
        const ClientCall call = {
                .path = VARMOR_MANAGER_PATH,
                .interface = VARMOR_MANAGER,
                .member = member,
                .fields = fields,
        };

        return rule ? client_call(bus, &call, ret, "s", rule) : client_call(bus, &call, ret, "");
}

static void print_list(const Options *o, json_object *rules)
{
        static const char *const header[] = {"RULE", "CATEGORY", "ENFORCERS", "DESCRIPTION", NULL};
        g_autoptr(Table) t = table_new(header);

        for (size_t i = 0; i < json_length(rules); i++) {
                json_object *r = json_object_array_get_idx(rules, i);
                g_autofree char *enforcers = join_strings(json_member(r, "enforcers"), " ");

                table_add(t, json_string(r, "id"), json_flag(r, "local") ? COLOUR_BOLD : COLOUR_NONE);
                table_add(t, json_string(r, "category"), COLOUR_FAINT);
                table_add(t, *enforcers ? enforcers : "none", *enforcers ? COLOUR_GOOD : COLOUR_BAD);
                table_add(t, json_string(r, "description"), COLOUR_NONE);
        }
        table_print(t, o);
}

/* ---- one rule -------------------------------------------------------------------------------------------------------------- */

#define COLUMNS 100U

/* "  label      text", in lines that begin below one another. */
static void print_text(const char *label, const char *raw)
{
        g_auto(GStrv) words = g_strsplit_set(raw, " \n", -1);
        size_t at = 0;

        if (!*raw)
                return;
        for (char **w = words; *w; w++) {
                g_autofree char *word = printable(*w);

                if (!*word)
                        continue;
                if (at > 0 && at + 1 + strlen(word) > COLUMNS - 14) {
                        putchar('\n');
                        at = 0;
                }
                if (at == 0)
                        printf("  %-11s ", w == words ? label : "");
                else
                        putchar(' ');
                at += printf("%s", word) + (at > 0);
        }
        putchar('\n');
}

static void print_joined(const char *label, json_object *list)
{
        g_autofree char *text = join_strings(list, ", ");

        print_text(label, text);
}

static void print_reasons(const char *word, json_object *reasons)
{
        if (!reasons)
                return;
        json_object_object_foreach(reasons, enforcer, reason)
        {
                g_autofree char *text = printable(json_object_get_string(reason));

                printf("      %s %s: %s\n", word, enforcer, text);
        }
}

static void print_operation(const Options *o, json_object *op)
{
        g_autofree char *text = printable(json_string(op, "text")), *enforcers = join_strings(json_member(op, "enforcers"), ", ");

        printf("  %s\n", text);
        if (*enforcers)
                printf("      %sby %s%s\n", colour_on(o, COLOUR_GOOD), enforcers, colour_off(o, COLOUR_GOOD));
        print_reasons("not by", json_member(op, "not_by"));
}

static void print_rule(const Options *o, json_object *r)
{
        g_autofree char *enforcers = join_strings(json_member(r, "enforcers"), ", ");
        g_autofree char *place = g_strdup_printf("%s:%" PRIu64, json_string(r, "file"), json_uint(r, "line"));
        json_object *operations = json_member(r, "operations");

        printf("%s%s%s\n", colour_on(o, COLOUR_BOLD), json_string(r, "id"), colour_off(o, COLOUR_BOLD));
        print_text("", json_string(r, "description"));
        print_joined("also called", json_member(r, "aliases"));
        print_text("category", json_string(r, "category"));
        print_text("enforcers", *enforcers ? enforcers : "none on this host");
        print_text(json_flag(r, "local") ? "own" : "built in", place);
        print_text("principle", json_string(r, "principle"));
        print_text("impact", json_string(r, "impact"));
        print_joined("see", json_member(r, "references"));

        printf("\nOperations\n");
        for (size_t i = 0; i < json_length(operations); i++)
                print_operation(o, json_object_array_get_idx(operations, i));
        if (json_member(r, "notes") && json_object_object_length(json_member(r, "notes")) > 0) {
                printf("\nNotes\n");
                json_object_object_foreach(json_member(r, "notes"), enforcer, note)
                {
                        print_text(enforcer, json_object_get_string(note));
                }
        }
}

int verb_rules(const Options *o, char **args)
{
        static const char *const fields[] = {"id", "aliases", "category", "description", "enforcers", "local", NULL};
        g_autoptr(JsonObject) answer = NULL;
        g_autoptr(sd_bus) bus = NULL;

        int code = client_connect(o, &bus);
        if (code == EXIT_FINE)
                code = args[0] ? call_manager(bus, "GetRule", NULL, &answer, args[0])
                               : call_manager(bus, "ListRules", fields, &answer, NULL);
        if (code != EXIT_FINE)
                return code;

        if (o->json)
                print_json(o, answer);
        else if (args[0])
                print_rule(o, answer);
        else
                print_list(o, answer);
        return EXIT_FINE;
}
