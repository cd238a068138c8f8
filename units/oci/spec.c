/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runtime configuration <-> Container: see spec.h. */

#include "spec.h"

#include <errno.h>
#include <string.h>

#include "target.h"

#define ID_HEX 64U /* podman, CRI-O, docker */
#define STORAGE "/var/lib/containers/storage"

static void json_putp(json_object **o)
{
        json_object_put(*o);
}

#define autojson __attribute__((cleanup(json_putp))) json_object

static json_object *get(json_object *o, const char *key, enum json_type type)
{
        json_object *v;

        return o && json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) &&
                               json_object_is_type(v, type)
                       ? v
                       : NULL;
}

static const char *get_string(json_object *o, const char *key)
{
        json_object *v = get(o, key, json_type_string);

        return v ? json_object_get_string(v) : NULL;
}

/* ---- which container -------------------------------------------------------------------------------------------------- */

static char *find_id(const char *text)
{
        for (; text && *text; text++) {
                size_t n = strspn(text, "0123456789abcdef");

                if (n == ID_HEX)
                        return g_strndup(text, n);
                if (n > 0)
                        text += n - 1;
        }
        return NULL;
}

/* Engines bind files below a directory with the container's id. */
static char *id_of_mounts(json_object *spec)
{
        json_object *mounts = get(spec, "mounts", json_type_array);

        for (size_t i = 0; mounts && i < json_object_array_length(mounts); i++) {
                const char *source = get_string(json_object_array_get_idx(mounts, i), "source");
                const char *in = source ? strstr(source, "-containers/") : NULL;
                char *id = in ? find_id(in) : NULL;

                if (id)
                        return id;
        }
        return NULL;
}

/* "SLICE:PREFIX:NAME" is the scope PREFIX-NAME.scope for systemd, everything else a path. */
static char *read_cgroup(const char *path)
{
        g_auto(GStrv) parts = g_strsplit(path, ":", 4);
        g_autofree char *slice = NULL, *unit = NULL, *dir = NULL;

        if (!strchr(path, ':'))
                return g_strdup(path);
        if (g_strv_length(parts) != 3 || *parts[0] == '\0' || *parts[2] == '\0' || strchr(path, '/'))
                return NULL;
        slice = slice_to_cgroup(parts[0]);
        if (!slice)
                return NULL;
        if (g_str_has_suffix(parts[2], ".slice"))
                return slice_to_cgroup(parts[2]);
        unit = g_strconcat(parts[1], *parts[1] ? "-" : "", parts[2], ".scope", NULL);
        dir = unit_to_cgroup_name(unit);
        return g_strconcat(slice, "/", dir, NULL);
}

static void read_annotations(json_object *spec, Container *c)
{
        json_object *annotations = get(spec, "annotations", json_type_object);

        if (!annotations)
                return;
        json_object_object_foreach(annotations, key, value)
        {
                if (json_object_is_type(value, json_type_string))
                        g_hash_table_replace(c->labels, g_strdup(key), g_strdup(json_object_get_string(value)));
        }
}

int spec_container(json_object *spec, Container **ret, const char **ret_why)
{
        const char *path = get_string(get(spec, "linux", json_type_object), "cgroupsPath");
        g_autofree char *cgroup = path ? read_cgroup(path) : NULL, *id = find_id(path);
        bool has_cgroup = cgroup && container_cgroup_is_valid(cgroup);

        if (!id)
                id = id_of_mounts(spec);
        *ret = container_new(id ?: "unknown", has_cgroup ? cgroup : "/?");
        read_annotations(spec, *ret);
        *ret_why = !has_cgroup ? "the container has no cgroup of its own" : !id ? "its id is not known" : NULL;
        return *ret_why ? -EBADMSG : 0;
}

/* ---- what its engine calls it -------------------------------------------------------------------------------------------- */

static json_object *parse_file(const char *path)
{
        g_autofree char *text = NULL;
        gsize size;

        /* Directories of root's. */
        if (!g_file_get_contents(path, &text, &size, NULL) || size > STORAGE_BYTES_MAX)
                return NULL;
        return json_tokener_parse(text);
}

/* The element of the list in @path whose id is @id. */
static json_object *find_in_list(const char *path, const char *id)
{
        autojson *list = parse_file(path);

        for (size_t i = 0; list && json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
                json_object *one = json_object_array_get_idx(list, i);

                if (g_strcmp0(get_string(one, "id"), id) == 0)
                        return json_object_get(one);
        }
        return NULL;
}

static void set_text(char **to, const char *text)
{
        g_free(*to);
        *to = g_strdup(text);
}

/* containers/storage keeps an image's configuration in a file that is named after its id, in base64. */
static void read_image(Container *c, const char *images, const char *image_id)
{
        g_autofree char *name = g_strconcat("sha256:", image_id, NULL);
        g_autofree char *encoded = g_base64_encode((const guchar *)name, strlen(name));
        g_autofree char *path = NULL;
        json_object *labels;
        autojson *config = NULL;

        if (!container_id_is_valid(image_id) || strchr(encoded, '/'))
                return;
        path = g_strconcat(images, "/", image_id, "/=", encoded, NULL);
        config = parse_file(path);
        labels = get(get(config, "config", json_type_object), "Labels", json_type_object);
        if (!labels)
                return;
        json_object_object_foreach(labels, key, value)
        {
                /* The container's own say more. */
                if (json_object_is_type(value, json_type_string) && !g_hash_table_contains(c->labels, key))
                        g_hash_table_replace(c->labels, g_strdup(key), g_strdup(json_object_get_string(value)));
        }
}

static void read_container(Container *c, json_object *entry, const char *images)
{
        json_object *names = get(entry, "names", json_type_array);
        autojson *metadata = NULL;
        const char *text = get_string(entry, "metadata"), *image_id = get_string(entry, "image");

        if (names && json_object_array_length(names) > 0 &&
            json_object_is_type(json_object_array_get_idx(names, 0), json_type_string))
                set_text(&c->name, json_object_get_string(json_object_array_get_idx(names, 0)));
        if (text)
                metadata = json_tokener_parse(text);
        if (get_string(metadata, "name"))
                set_text(&c->name, get_string(metadata, "name"));
        if (get_string(metadata, "image-name"))
                set_text(&c->image, get_string(metadata, "image-name"));
        if (image_id)
                read_image(c, images, image_id);
}

/* "/var/lib/containers/storage/overlay/LAYER/merged": the storage, and its driver. */
static void find_storage(json_object *spec, char **ret_storage, char **ret_driver)
{
        static const char *const drivers[] = {"overlay", "vfs", "btrfs", "zfs", "aufs"};
        const char *root = get_string(get(spec, "root", json_type_object), "path");

        for (size_t i = 0; root && i < G_N_ELEMENTS(drivers); i++) {
                g_autofree char *middle = g_strconcat("/", drivers[i], "/", NULL);
                const char *at = strstr(root, middle);

                if (!at || *root != '/')
                        continue;
                *ret_storage = g_strndup(root, (gsize)(at - root));
                *ret_driver = g_strdup(drivers[i]);
                return;
        }
        *ret_storage = g_strdup(STORAGE);
        *ret_driver = g_strdup(drivers[0]);
}

void spec_read_storage(json_object *spec, Container *c, const char *prefix)
{
        static const char *const lists[] = {"containers.json", "volatile-containers.json"};
        g_autofree char *storage = NULL, *driver = NULL, *images = NULL;

        find_storage(spec, &storage, &driver);
        images = g_strconcat(prefix, storage, "/", driver, "-images", NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
                g_autofree char *path = g_strconcat(prefix, storage, "/", driver, "-containers/", lists[i], NULL);
                autojson *entry = find_in_list(path, c->id);

                if (!entry)
                        continue;
                read_container(c, entry, images);
                return;
        }
}

/* ---- what it is started under --------------------------------------------------------------------------------------------- */

static json_object *get_or_add(json_object *o, const char *key)
{
        json_object *v = get(o, key, json_type_object);

        if (!v) {
                v = json_object_new_object();
                json_object_object_add(o, key, v);
        }
        return v;
}

void spec_add_apparmor(json_object *spec, const char *profile)
{
        json_object *process = get_or_add(spec, "process");
        const char *before = get_string(process, "apparmorProfile");
        g_autofree char *both = NULL;

        if (before && *before && strcmp(before, "unconfined") != 0)
                both = g_strconcat(before, "//&", profile, NULL);
        json_object_object_add(process, "apparmorProfile", json_object_new_string(both ?: profile));
}

json_object *spec_seccomp(json_object *spec)
{
        return get(get(spec, "linux", json_type_object), "seccomp", json_type_object);
}

void spec_set_seccomp(json_object *spec, json_object *profile)
{
        json_object_object_add(get_or_add(spec, "linux"), "seccomp", profile);
}
