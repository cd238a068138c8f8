/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Facts: reads sysfs and the node's kubeconfig. See facts.h. */

#include "facts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "pattern.h"
#include "util.h"
#include "yaml-tree.h"

/* ---- disks --------------------------------------------------------------------------------------------------------------- */

#define ATTRIBUTE_BYTES_MAX 4096U /* the kernel gives no more: a page */

/* One directory of devices in sysfs. */
typedef struct DeviceClass {
        const char *name;
        bool block;
        bool scsi; /* only what is beside a disk counts */
} DeviceClass;

/* Block devices last: they may take what the others leave. */
static const DeviceClass classes[] = {
        {"scsi_generic", .scsi = true}, {"bsg", .scsi = true}, {"nvme"}, {"nvme-generic"}, {"mtd"}, {"block", .block = true},
};

static char *read_attribute(int dir, const char *name)
{
        autofd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        char buffer[ATTRIBUTE_BYTES_MAX];
        ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer));

        return n < 0 ? NULL : g_strchomp(g_strndup(buffer, (gsize)n));
}

/* The value of "KEY=" in the text of an `uevent` attribute; NULL if there is none. */
static char *uevent_value(const char *text, const char *key)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        size_t n = strlen(key);

        for (char **l = lines; *l; l++)
                if (strncmp(*l, key, n) == 0 && (*l)[n] == '=')
                        return g_strdup(*l + n + 1);
        return NULL;
}

static bool has_medium(int dir, const char *name)
{
        g_autofree char *size = read_attribute(dir, "size");

        return size && strcmp(size, "0") != 0 && !g_str_has_prefix(name, "ram");
}

/* drivers/scsi, include/scsi/scsi_proto.h: disks, optical memories, simplified disks, zoned disks. */
static bool is_scsi_disk(int dir)
{
        static const char *const types[] = {"0", "7", "14", "20", NULL};
        g_autofree char *type = read_attribute(dir, "device/type");

        return type && g_strv_contains(types, type);
}

static bool is_number(const char *s)
{
        return s && *s && strlen(s) <= 7 && strspn(s, "0123456789") == strlen(s);
}

/* Stands for what there is no room for. The numbers of character devices tell apart what is about disks: their majors are
 * those of one driver each. */
static void add_overflow(GPtrArray *out, const DeviceClass *c, const char *major)
{
        g_autofree char *pattern = c->block ? g_strdup("/dev/block/*") : g_strdup_printf("/dev/char/%s:*", major);

        if (!g_ptr_array_find_with_equal_func(out, pattern, g_str_equal, NULL))
                g_ptr_array_add(out, g_steal_pointer(&pattern));
}

static void add_device(GPtrArray *out, const DeviceClass *c, int classes_fd, const char *name)
{
        autofd int dir = openat(classes_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        g_autofree char *uevent = dir < 0 ? NULL : read_attribute(dir, "uevent"), *file = NULL, *major = NULL, *minor = NULL;

        if (!uevent || (c->block && !has_medium(dir, name)) || (c->scsi && !is_scsi_disk(dir)))
                return;
        file = uevent_value(uevent, "DEVNAME");
        major = uevent_value(uevent, "MAJOR");
        minor = uevent_value(uevent, "MINOR");
        if (!file || !is_number(major) || !is_number(minor))
                return; /* it went away just now, or has no file */
        if (out->len + 2 <= 2 * (c->block ? FACTS_DEVICES_MAX : FACTS_CHAR_DEVICES_MAX)) {
                g_autofree char *escaped = pattern_escape(file), *pattern = g_strconcat("/dev/", escaped, NULL);
                g_autofree char *why = pattern_check(pattern);

                if (!why)
                        g_ptr_array_add(out, g_steal_pointer(&pattern));
                g_ptr_array_add(out, g_strdup_printf("/dev/%s/%s:%s", c->block ? "block" : "char", major, minor));
        } else
                add_overflow(out, c, major);
}

static void add_class(GPtrArray *out, const char *root, const DeviceClass *c)
{
        g_autofree char *path = g_strdup_printf("%s/sys/class/%s", root ?: "", c->name);
        DIR *dir = opendir(path);
        struct dirent *e;

        if (!dir)
                return;
        while ((e = readdir(dir)))
                if (e->d_name[0] != '.')
                        add_device(out, c, dirfd(dir), e->d_name);
        closedir(dir);
}

static int compare_strings(const void *a, const void *b)
{
        const char *const *x = a, *const *y = b;

        return strcmp(*x, *y);
}

char **facts_disks(const char *root)
{
        GPtrArray *out = g_ptr_array_new();

        for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
                add_class(out, root, &classes[i]);
        g_ptr_array_add(out, g_strdup(FACTS_DEVICE_UNKNOWN));
        g_ptr_array_sort(out, compare_strings);
        g_ptr_array_add(out, NULL);
        return (char **)g_ptr_array_free(out, FALSE);
}

/* There are patterns of 4095 bytes, and other bounds on how many one may stand for. */
#define ALTERNATIVES_MAX 48U

static void add_alternatives(GPtrArray *out, const char *before, const GPtrArray *names)
{
        for (guint i = 0; i < names->len; i += ALTERNATIVES_MAX) {
                guint end = MIN(i + ALTERNATIVES_MAX, names->len);
                GString *s = g_string_new(before);

                if (end - i > 1)
                        g_string_append_c(s, '{');
                for (guint k = i; k < end; k++)
                        g_string_append_printf(s, "%s%s", k > i ? "," : "", (const char *)names->pdata[k]);
                if (end - i > 1)
                        g_string_append_c(s, '}');
                g_ptr_array_add(out, g_string_free(s, FALSE));
        }
}

char **facts_mount_sources(char *const *disks)
{
        static const char block[] = "/dev/block/", dev[] = "/dev/";
        g_autoptr(GPtrArray) names = g_ptr_array_new(), numbers = g_ptr_array_new();
        GPtrArray *out = g_ptr_array_new();

        for (char *const *p = disks; *p; p++)
                if (g_str_has_prefix(*p, block))
                        g_ptr_array_add(numbers, *p + strlen(block));
                else if (!g_str_has_prefix(*p, "/dev/char/"))
                        g_ptr_array_add(names, *p + strlen(dev));
        add_alternatives(out, dev, names);
        add_alternatives(out, block, numbers);
        g_ptr_array_add(out, NULL);
        return (char **)g_ptr_array_free(out, FALSE);
}

/* ---- the API server ------------------------------------------------------------------------------------------------------ */

const char *const *facts_kubeconfigs(void)
{
        static const char *const paths[] = {
                "/etc/kubernetes/kubelet.conf",
                "/var/lib/kubelet/kubeconfig",
                "/etc/rancher/k3s/k3s.yaml",
                "/var/lib/rancher/k3s/agent/kubelet.kubeconfig",
                "/etc/rancher/rke2/rke2.yaml",
                "/var/lib/rancher/rke2/agent/kubelet.kubeconfig",
                "/var/snap/microk8s/current/credentials/kubelet.config",
                NULL,
        };

        return paths;
}

/* "https://192.0.2.1:6443/path" -> "192.0.2.1:6443". NULL: @url has no address, but a name, or is no such URL. */
static char *address_of_url(const char *url)
{
        bool plain = g_str_has_prefix(url, "http://");
        const char *host = plain ? url + 7 : g_str_has_prefix(url, "https://") ? url + 8 : url;
        g_autofree char *text = g_strndup(host, strcspn(host, "/?#"));
        uint8_t family, bytes[16];
        uint16_t port;

        if (settings_parse_address(text, &family, bytes, &port) < 0)
                return NULL;
        return port ? g_steal_pointer(&text) : g_strconcat(text, plain ? ":80" : ":443", NULL);
}

typedef struct Search {
        GPtrArray *addresses; /* of char * */
        GString *names;       /* servers that are given by name */
        GString *files;       /* where something was found */
} Search;

static void note(GString *list, const char *word)
{
        g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", word);
}

static void take_server(Search *s, const char *server, const char *file)
{
        g_autofree char *address = address_of_url(server);

        if (s->files->len == 0 || !g_str_has_suffix(s->files->str, file))
                note(s->files, file);
        if (!address)
                s->names = s->names->len < 256 && strlen(server) < 256 ? (note(s->names, server), s->names) : s->names;
        else if (!g_ptr_array_find_with_equal_func(s->addresses, address, g_str_equal, NULL) &&
                 s->addresses->len < SETTINGS_ADDRESSES_MAX)
                g_ptr_array_add(s->addresses, g_steal_pointer(&address));
}

/* Return: how many servers there are. */
static unsigned take_document(Search *s, const YamlNode *document, const char *file)
{
        const YamlNode *clusters = yaml_get(document, "clusters");
        unsigned n = 0;

        for (guint i = 0; clusters && clusters->type == YAML_SEQUENCE && i < clusters->items->len; i++) {
                const YamlNode *server = yaml_get(yaml_get(clusters->items->pdata[i], "cluster"), "server");

                if (!server || server->type != YAML_SCALAR || !*server->scalar)
                        continue;
                take_server(s, server->scalar, file);
                n++;
        }
        return n;
}

/* Its text must not come into messages: it holds keys. */
static void take_kubeconfig(Search *s, const char *root, const char *file, Diag *d)
{
        g_autofree char *path = g_strconcat(root ?: "", file, NULL);
        const SourcePos pos = {.file = g_intern_string(file), .line = 1, .column = 1};
        g_autoptr(GPtrArray) documents = NULL;
        g_autoptr(GBytes) bytes = NULL;
        g_autoptr(Diag) silent = diag_new();
        bool complete = false;
        unsigned n = 0;
        gsize size;
        int r = file_read(path, FACTS_KUBECONFIG_BYTES_MAX, &bytes);

        if (r == -ENOENT || r == -ENOTDIR)
                return;
        if (r >= 0) {
                const char *text = g_bytes_get_data(bytes, &size);

                r = yaml_parse(text ?: "", size, file, &documents, &complete, silent);
                for (guint i = 0; i < documents->len; i++)
                        n += take_document(s, documents->pdata[i], file);
        }
        if (r == -EBADMSG)
                diag_warning(d, &pos, "kubeconfig", "this kubeconfig is damaged, too large or not root's own; the API server's "
                                                    "address may be missing from rules");
        else if (r < 0)
                diag_warning(d, &pos, "kubeconfig", "this kubeconfig cannot be read: %s", strerror(-r));
        else if (n == 0)
                diag_warning(d, &pos, "kubeconfig", "this kubeconfig names no API server");
}

static void find_apiserver(const char *root, Settings *s, Diag *d)
{
        Search x = {.addresses = g_ptr_array_new(), .names = g_string_new(NULL), .files = g_string_new(NULL)};

        for (const char *const *f = facts_kubeconfigs(); *f; f++)
                take_kubeconfig(&x, root, *f, d);
        if (x.names->len > 0 && x.addresses->len > 0)
                diag_warning(d, NULL, "kubeconfig", "%s: the API server has the name %s, too, and names are not looked up", x.files->str,
                             x.names->str);
        else if (x.names->len > 0)
                s->kube_apiserver_why = g_strdup_printf("%s names the API server as %s, and names are not looked up: set addresses: "
                                                        "{kube-apiserver: [IP:PORT]} in varmor.yaml",
                                                        x.files->str, x.names->str);
        g_ptr_array_add(x.addresses, NULL);
        g_strfreev(s->kube_apiserver);
        s->kube_apiserver = (char **)g_ptr_array_free(x.addresses, FALSE);
        s->kube_apiserver_found = *s->kube_apiserver != NULL;
        g_string_free(x.names, TRUE);
        g_string_free(x.files, TRUE);
}

void facts_find(const char *root, Settings *s, Diag *d)
{
        g_strfreev(s->disks);
        s->disks = facts_disks(root);
        g_clear_pointer(&s->kube_apiserver_why, g_free);
        if (!*s->kube_apiserver || s->kube_apiserver_found)
                find_apiserver(root, s, d);
}
