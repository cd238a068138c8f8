/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings: reads varmor.yaml and the list of essential units. */

#include "settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "fields.h"
#include "yaml-tree.h"

#define ESSENTIAL_MAX 512U
#define WINDOW_SEC_MAX 86400U
#define RATE_MAX 1000000U
#define UNIT_NAME_BYTES_MAX 255U

/* What sets containers up inside the container's cgroup on a Debian host: systemd-nspawn, the OCI runtimes and what stands
 * between them and an engine (conmon and shims execute the runtime again from within, for hooks and exec). Engines
 * themselves (podman, docker) live in cgroups of their own, but podman joins the container's for `podman exec`. */
static const char *const default_launchers[] = {
        "/usr/bin/systemd-nspawn",
        "/usr/bin/crun",
        "/usr/bin/runc",
        "/usr/sbin/runc",
        "/usr/bin/conmon",
        "/usr/libexec/podman/conmon",
        "/usr/bin/podman",
        "/usr/bin/containerd-shim-runc-v2",
        "/usr/bin/lxc-start",
        "/usr/libexec/lxc/lxc-monitord",
        NULL,
};

Settings *settings_new_default(void)
{
        Settings *s = g_new0(Settings, 1);

        s->launchers = g_strdupv((char **)default_launchers);
        s->essential = g_new0(char *, 1);
        s->alarm_window_usec = 10 * G_USEC_PER_SEC;
        s->alarm_rate = 100;
        s->kube_apiserver = g_new0(char *, 1);
        s->ingress_nginx_admission = g_new0(char *, 1);
        return s;
}

Settings *settings_dup(const Settings *s)
{
        Settings *copy = g_new(Settings, 1);

        *copy = *s;
        copy->launchers = g_strdupv(s->launchers);
        copy->essential = g_strdupv(s->essential);
        copy->kube_apiserver = g_strdupv(s->kube_apiserver);
        copy->ingress_nginx_admission = g_strdupv(s->ingress_nginx_admission);
        copy->kube_apiserver_why = g_strdup(s->kube_apiserver_why);
        copy->disks = g_strdupv(s->disks);
        return copy;
}

void settings_free(Settings *s)
{
        if (!s)
                return;
        g_strfreev(s->launchers);
        g_strfreev(s->essential);
        g_strfreev(s->kube_apiserver);
        g_strfreev(s->ingress_nginx_admission);
        g_free(s->kube_apiserver_why);
        g_strfreev(s->disks);
        g_free(s);
}

int settings_parse_address(const char *s, uint8_t *ret_family, uint8_t ret_bytes[static 16], uint16_t *ret_port)
{
        g_autofree char *ip = NULL;
        const char *port = NULL;
        uint8_t bytes[16] = {0}, family;
        guint64 number = 0;

        if (*s == '[') {
                const char *end = strchr(s, ']');

                if (!end || (end[1] && end[1] != ':'))
                        return -EINVAL;
                ip = g_strndup(s + 1, (size_t)(end - s) - 1);
                port = end[1] ? end + 2 : NULL;
                family = AF_INET6;
        } else if (strchr(s, ':') && strchr(s, ':') == strrchr(s, ':')) {
                ip = g_strndup(s, strcspn(s, ":"));
                port = strchr(s, ':') + 1;
                family = AF_INET;
        } else if (!strchr(s, ':')) {
                ip = g_strdup(s);
                family = AF_INET;
        } else
                return -EINVAL; /* IPv6 without brackets: who could tell whether its end is a port? */

        if (inet_pton(family, ip, bytes) != 1)
                return -EINVAL;
        if (port && !g_ascii_string_to_unsigned(port, 10, 1, 65535, &number, NULL))
                return -EINVAL;

        *ret_family = family;
        memcpy(ret_bytes, bytes, sizeof(bytes));
        *ret_port = (uint16_t)number;
        return 0;
}

/* ---- fields ---------------------------------------------------------------------------------------------------------------- */

static void field_launchers(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        uint32_t errors = d->n_errors;

        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;
        if (n->items->len > SETTINGS_LAUNCHERS_MAX)
                fields_bad_value(n, f->name, "at most 48 paths", d);
        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];
                const char *s = fields_get_string(item, f->name, d);

                if (s && (s[0] != '/' || strpbrk(s, "*?[{") || strstr(s, "/../") || strstr(s, "//") || strlen(s) > 4095))
                        fields_bad_value(item, f->name, "the absolute path of a program, without wildcards", d);
        }
        if (d->n_errors == errors)
                field_strings(f, n, out, userdata, d);
}

/* Adds to what is there. */
static void field_essential(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        static const char *const suffixes[] = {".service", ".scope", ".slice", ".socket", ".target", NULL};
        g_autoptr(GPtrArray) list = g_ptr_array_new();
        char ***ret = out;

        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;
        if (n->items->len > ESSENTIAL_MAX) {
                fields_bad_value(n, f->name, "at most 512 units", d);
                return;
        }

        for (char **s = *ret; s && *s; s++)
                g_ptr_array_add(list, *s);
        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];
                const char *s = fields_get_string(item, f->name, d);
                bool unit = false;

                for (size_t k = 0; s && suffixes[k]; k++)
                        unit = unit || (g_str_has_suffix(s, suffixes[k]) && strlen(s) > strlen(suffixes[k]));
                if (s && (!unit || strchr(s, '/') || strlen(s) > UNIT_NAME_BYTES_MAX))
                        fields_bad_value(item, f->name, "the name of a unit or a glob of such names, as 'ssh.service'", d);
                else if (s)
                        g_ptr_array_add(list, g_strdup(s));
        }

        g_ptr_array_add(list, NULL);
        g_free(*ret);
        *ret = (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

static void field_window(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        uint64_t seconds;

        if (fields_get_uint(n, f->name, 0, WINDOW_SEC_MAX, &seconds, d) == 0)
                *(uint64_t *)out = seconds * G_USEC_PER_SEC;
}

static void field_rate(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        uint64_t rate;

        if (fields_get_uint(n, f->name, 0, RATE_MAX, &rate, d) == 0)
                *(uint32_t *)out = (uint32_t)rate;
}

static void field_addresses_list(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        uint32_t errors = d->n_errors;

        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;
        if (n->items->len > SETTINGS_ADDRESSES_MAX)
                fields_bad_value(n, f->name, "at most 64 addresses", d);
        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];
                const char *s = fields_get_string(item, f->name, d);
                uint8_t family, bytes[16];
                uint16_t port;

                if (s && settings_parse_address(s, &family, bytes, &port) < 0)
                        fields_bad_value(item, f->name, "an address as 192.0.2.1:6443 or [2001:db8::1]:6443", d);
        }
        if (d->n_errors == errors)
                field_strings(f, n, out, userdata, d);
}

static const Field alarm_fields[] = {
        {"window", field_window, offsetof(Settings, alarm_window_usec)},
        {"rate", field_rate, offsetof(Settings, alarm_rate)},
        {NULL},
};

static const Field address_fields[] = {
        {"kube-apiserver", field_addresses_list, offsetof(Settings, kube_apiserver)},
        {"ingress-nginx-admission", field_addresses_list, offsetof(Settings, ingress_nginx_admission)},
        {NULL},
};

static void field_alarms(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        (void)fields_parse(n, &n->pos, f->name, alarm_fields, out, userdata, d);
}

static void field_addresses(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        (void)fields_parse(n, &n->pos, f->name, address_fields, out, userdata, d);
}

static const Field settings_fields[] = {
        {"launchers", field_launchers, offsetof(Settings, launchers)},
        {"essential", field_essential, offsetof(Settings, essential)},
        {"alarms", field_alarms, 0},
        {"addresses", field_addresses, 0},
        {NULL},
};

static const Field essential_fields[] = {{"essential", field_essential, offsetof(Settings, essential), true}, {NULL}};

/* ---- files ------------------------------------------------------------------------------------------------------------------- */

static YamlNode *parse_one(const ConfFile *f, YamlNode *base, Diag *d)
{
        g_autoptr(GPtrArray) documents = NULL;
        bool complete;
        gsize size;
        const char *text;

        if (!f->bytes)
                return base;
        text = g_bytes_get_data(f->bytes, &size);
        if (yaml_parse(text ?: "", size, f->path, &documents, &complete, d) < 0)
                return base;

        if (documents->len > 1) {
                const YamlNode *second = documents->pdata[1];

                diag_error(d, &second->pos, "bad-type", "found a second document, expected one");
        }
        return documents->len == 0 ? base : yaml_merge(base, g_ptr_array_steal_index(documents, 0));
}

static void load_one(const ConfRoots *roots, const char *name, const Field *fields, Settings *s, Diag *d)
{
        g_autoptr(ConfFile) f = NULL;
        g_autoptr(YamlNode) tree = NULL;

        (void)confdir_read_one(roots, name, &f, d);
        if (!f)
                return;

        tree = parse_one(f, NULL, d);
        for (guint i = 0; i < f->fragments->len; i++)
                tree = parse_one(f->fragments->pdata[i], g_steal_pointer(&tree), d);
        if (tree)
                (void)fields_parse(tree, &tree->pos, name, fields, s, NULL, d);
}

int settings_load(const ConfRoots *roots, Settings **ret, Diag *d)
{
        g_autoptr(Settings) s = settings_new_default();
        uint32_t errors = d->n_errors;

        load_one(roots, "essential.yaml", essential_fields, s, d);
        s->essential_missing = !*s->essential;
        load_one(roots, "varmor.yaml", settings_fields, s, d);

        *ret = g_steal_pointer(&s);
        return d->n_errors > errors ? -EBADMSG : 0;
}
