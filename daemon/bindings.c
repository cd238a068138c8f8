/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bindings as a GVariant and back. See bindings.h. */

#include "bindings.h"

#include <errno.h>
#include <string.h>

#include "policy.h"

#define BINDINGS_VERSION 2U
#define RUN_PREFIX "varmor-run-"
#define BINDINGS_TYPE "(ua(ssubb)ayas)"

static void binding_free(Binding *b)
{
        g_free(b->policy);
        g_free(b->bind_name);
        g_free(b);
}

Bindings *bindings_new(void)
{
        Bindings *b = g_new0(Bindings, 1);

        b->policies = g_ptr_array_new_with_free_func((GDestroyNotify)binding_free);
        return b;
}

void bindings_free(Bindings *b)
{
        if (!b)
                return;
        g_ptr_array_unref(b->policies);
        g_clear_pointer(&b->targets, g_bytes_unref);
        g_strfreev(b->units);
        g_free(b);
}

Binding *bindings_add(Bindings *b, const char *full_name, uint32_t enforcers)
{
        Binding *one = g_new0(Binding, 1);

        *one = (Binding){
                .policy = g_strdup(full_name),
                .bind_name = policy_bind_name(full_name),
                .enforcers = enforcers,
        };
        g_ptr_array_add(b->policies, one);
        return one;
}

GBytes *bindings_to_bytes(const Bindings *b)
{
        const char *const no_units[] = {NULL};
        g_autoptr(GVariant) v = NULL;
        GVariantBuilder policies;
        gsize size = 0;
        const void *data = b->targets ? g_bytes_get_data(b->targets, &size) : NULL;

        g_variant_builder_init(&policies, G_VARIANT_TYPE("a(ssubb)"));
        for (guint i = 0; i < b->policies->len; i++) {
                const Binding *one = b->policies->pdata[i];

                g_variant_builder_add(&policies, "(ssubb)", one->policy, one->bind_name, one->enforcers, one->fail_open,
                                      one->children);
        }
        v = g_variant_ref_sink(g_variant_new("(u@a(ssubb)@ay@as)", BINDINGS_VERSION, g_variant_builder_end(&policies),
                                             g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, data, size, 1),
                                             g_variant_new_strv(b->units ? (const char *const *)b->units : no_units, -1)));
        return g_variant_get_data_as_bytes(v);
}

/* The name becomes a file's and an argument of a command line. */
static bool bind_name_is_valid(const Binding *b)
{
        g_autofree char *name = policy_bind_name(b->policy);

        return *b->policy && strcmp(name, b->bind_name) == 0 && !strpbrk(name, "/ \t\n\"'$%;") && *name != '.' && *name != '-';
}

static int read_policies(GVariant *v, Bindings *b)
{
        const uint32_t known = (1U << _ENFORCER_KIND_MAX) - 1;
        gsize n = g_variant_n_children(v);

        if (n > BINDINGS_POLICIES_MAX)
                return -EBADMSG;
        for (gsize i = 0; i < n; i++) {
                Binding *one = g_new0(Binding, 1);
                gboolean fail_open, children;

                g_ptr_array_add(b->policies, one);
                g_variant_get_child(v, i, "(ssubb)", &one->policy, &one->bind_name, &one->enforcers, &fail_open, &children);
                one->fail_open = fail_open;
                one->children = children;
                if (one->enforcers & ~known || !bind_name_is_valid(one))
                        return -EBADMSG;
        }
        return 0;
}

int bindings_from_bytes(GBytes *bytes, Bindings **ret)
{
        g_autoptr(GVariant) v = g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(BINDINGS_TYPE), bytes, FALSE));
        g_autoptr(Bindings) b = bindings_new();
        g_autoptr(GVariant) policies = NULL, targets = NULL;
        const void *data;
        uint32_t version;
        gsize n;
        int r;

        if (g_bytes_get_size(bytes) > BINDINGS_BYTES_MAX || !g_variant_is_normal_form(v))
                return -EBADMSG;
        g_variant_get(v, "(u@a(ssubb)@ay^as)", &version, &policies, &targets, &b->units);
        if (version != BINDINGS_VERSION)
                return -EBADMSG;
        data = g_variant_get_fixed_array(targets, &n, 1);
        b->targets = g_bytes_new(data, n);
        r = read_policies(policies, b);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&b);
        return 0;
}

bool bindings_is_run_unit(const char *unit)
{
        return g_str_has_prefix(unit, RUN_PREFIX) && g_str_has_suffix(unit, ".scope");
}

char *bindings_run_unit(const char *bind_name, const char *which)
{
        GString *s = g_string_new(RUN_PREFIX);

        for (; *bind_name; bind_name++)
                if (g_ascii_isalnum(*bind_name) || strchr("-_.", *bind_name))
                        g_string_append_c(s, *bind_name);
                else
                        g_string_append_printf(s, "\\x%02x", (unsigned char)*bind_name);
        g_string_append_printf(s, ":%s.scope", which);
        return g_string_free(s, FALSE);
}

char *bindings_run_slice(const char *full_name)
{
        const char *slash = strchr(full_name, '/');

        return slash ? g_strndup(full_name, (gsize)(slash - full_name)) : g_strdup("system.slice");
}
