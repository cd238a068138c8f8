/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The XML files in dbus/ are the contract: what the daemon really offers equals it, and each member of it is
 * explained. The files by which bus, polkit and systemd know varmor name the same things as the code. */

#include <string.h>

#include "harness.h"

/* ---- an interface as lines of text ---------------------------------------------------------------------------------
 */

typedef struct Shape {
        const char *interface; /* the one that is wanted */
        bool inside;
        GString *text;
        GPtrArray *undocumented; /* members on the way down that have no text yet; NULL: do not care */
        unsigned n_undocumented;
} Shape;

static const char *attribute(const char **names, const char **values, const char *name)
{
        for (; *names; names++, values++)
                if (strcmp(*names, name) == 0)
                        return *values;
        return "";
}

static bool is_member(const char *element)
{
        static const char *const members[] = {"interface", "method", "signal", "property", "arg"};

        for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
                if (strcmp(element, members[i]) == 0)
                        return true;
        return false;
}

static void on_start(GMarkupParseContext *context, const char *element, const char **names, const char **values,
                     gpointer data, GError **error)
{
        const char *name = attribute(names, values, "name");
        Shape *s = data;

        if (strcmp(element, "interface") == 0)
                s->inside = strcmp(name, s->interface) == 0;
        if (!s->inside)
                return;
        if (is_member(element) || strcmp(element, "annotation") == 0)
                g_string_append_printf(s->text, "%s %s %s %s %s %s\n", element, name, attribute(names, values, "type"),
                                       attribute(names, values, "direction"), attribute(names, values, "access"),
                                       attribute(names, values, "value"));
        if (s->undocumented && is_member(element))
                g_ptr_array_add(s->undocumented, g_strdup(name));
}

static void on_text(GMarkupParseContext *context, const char *text, gsize size, gpointer data, GError **error)
{
        g_autofree char *words = g_strstrip(g_strndup(text, size));
        Shape *s = data;

        if (s->undocumented && s->undocumented->len > 0 && *words &&
            strcmp(g_markup_parse_context_get_element(context), "doc:doc") == 0) {
                g_free(g_ptr_array_index(s->undocumented, s->undocumented->len - 1));
                g_ptr_array_index(s->undocumented, s->undocumented->len - 1) = NULL;
        }
}

static void on_end(GMarkupParseContext *context, const char *element, gpointer data, GError **error)
{
        Shape *s = data;

        if (!s->inside)
                return;
        if (s->undocumented && is_member(element)) {
                g_autofree char *name = g_ptr_array_remove_index(s->undocumented, s->undocumented->len - 1);
                if (name) {
                        g_test_message("%s %s has no <doc:doc>", element, name);
                        s->n_undocumented++;
                }
        }
        if (strcmp(element, "interface") == 0)
                s->inside = false;
}

static char *interface_shape(const char *xml, const char *interface, unsigned *ret_undocumented)
{
        static const GMarkupParser parser = {.start_element = on_start, .end_element = on_end, .text = on_text};
        g_autoptr(GPtrArray) undocumented = ret_undocumented ? g_ptr_array_new() : NULL;
        Shape s = {.interface = interface, .text = g_string_new(NULL), .undocumented = undocumented};
        g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, &s, NULL);

        g_assert_true(g_markup_parse_context_parse(context, xml, -1, NULL));
        g_assert_true(g_markup_parse_context_end_parse(context, NULL));
        g_assert_cmpuint(s.text->len, >, 0);
        if (ret_undocumented)
                *ret_undocumented = s.n_undocumented;
        return g_string_free(s.text, FALSE);
}

/* ---- tests ---------------------------------------------------------------------------------------------------------
 */

static char *contract_file(const char *name)
{
        g_autofree char *path = g_build_filename(g_getenv("VARMOR_DBUS_DIR"), name, NULL);
        char *text;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        return text;
}

static void compare(sd_bus *bus, const char *path, const char *interface)
{
        g_autofree char *file = g_strconcat(interface, ".xml", NULL), *xml = contract_file(file);
        g_autoptr(sd_bus_message) reply = NULL;
        unsigned undocumented;
        const char *live;

        g_assert_cmpint(sd_bus_call_method(bus, VARMOR_BUS_NAME, path, "org.freedesktop.DBus.Introspectable",
                                           "Introspect", NULL, &reply, ""),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "s", &live), >, 0);
        g_autofree char *contract = interface_shape(xml, interface, &undocumented),
                        *real = interface_shape(live, interface, NULL);
        g_assert_cmpstr(real, ==, contract);
        g_assert_cmpuint(undocumented, ==, 0);
}

static void test_introspection(void)
{
        g_autoptr(Harness) h = harness_new();

        harness_start_bus(h);
        harness_start_daemon(h);
        harness_wait_name(h, VARMOR_BUS_NAME);
        g_autoptr(sd_bus) bus = harness_connect(h);
        compare(bus, VARMOR_MANAGER_PATH, VARMOR_MANAGER);
        compare(bus, VARMOR_POLICY_PREFIX "/web", VARMOR_POLICY);
}

static void test_activation(void)
{
        g_autofree char *file = g_build_filename(g_getenv("VARMOR_DBUS_DIR"), "org.varmor1.service", NULL);
        g_autoptr(GKeyFile) keys = g_key_file_new();

        g_assert_true(g_key_file_load_from_file(keys, file, 0, NULL));
        g_autofree char *name = g_key_file_get_string(keys, "D-BUS Service", "Name", NULL);
        g_autofree char *unit = g_key_file_get_string(keys, "D-BUS Service", "SystemdService", NULL);
        g_autofree char *user = g_key_file_get_string(keys, "D-BUS Service", "User", NULL);
        g_assert_cmpstr(name, ==, VARMOR_BUS_NAME);
        g_assert_cmpstr(unit, ==, "varmord.service");
        g_assert_cmpstr(user, ==, "root");
}

typedef struct Actions {
        GString *ids;
        unsigned n_open; /* defaults that are not "ask an administrator" */
} Actions;

static void on_action(GMarkupParseContext *context, const char *element, const char **names, const char **values,
                      gpointer data, GError **error)
{
        Actions *a = data;

        if (strcmp(element, "action") == 0)
                g_string_append_printf(a->ids, "%s\n", attribute(names, values, "id"));
}

static void on_default(GMarkupParseContext *context, const char *text, gsize size, gpointer data, GError **error)
{
        Actions *a = data;

        if (g_str_has_prefix(g_markup_parse_context_get_element(context), "allow_") &&
            strncmp(text, "auth_admin", 10) != 0)
                a->n_open++;
}

/* By itself polkit permits nothing of ours to anybody. */
static void test_polkit(void)
{
        static const GMarkupParser parser = {.start_element = on_action, .text = on_default};
        g_autofree char *xml = contract_file("org.varmor1.policy");
        g_autoptr(GString) ids = g_string_new(NULL);
        Actions a = {.ids = ids};
        g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, &a, NULL);

        g_assert_true(g_markup_parse_context_parse(context, xml, -1, NULL));
        g_assert_cmpstr(ids->str, ==,
                        VARMOR_ACTION_SET_MODE "\n" VARMOR_ACTION_RELOAD "\n" VARMOR_ACTION_CHECK
                                               "\n" VARMOR_ACTION_READ_RULES "\n");
        g_assert_cmpuint(a.n_open, ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (harness_skip())
                return 77;
        g_test_add_func("/contract/introspection", test_introspection);
        g_test_add_func("/contract/activation", test_activation);
        g_test_add_func("/contract/polkit", test_polkit);
        return g_test_run();
}
