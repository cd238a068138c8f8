/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Containers: see containers.h. */

#include "containers.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pattern.h"
#include "target.h"
#include "util.h"

#define CONTAINER_VERSION 1U
#define CONTAINER_TYPE "(ussssa{ss}a{su})"
#define POLICIES_TYPE "(ua(ssiisa(sias)ub))"
#define NAME_ALTERNATIVES_MAX 256U

/* ---- one container -------------------------------------------------------------------------------------------------- */

Container *container_new(const char *id, const char *cgroup)
{
        Container *c = g_new0(Container, 1);

        *c = (Container){
                .id = g_strdup(id),
                .cgroup = g_strdup(cgroup),
                .name = g_strdup(""),
                .image = g_strdup(""),
                .labels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
                .bound = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        };
        return c;
}

void container_free(Container *c)
{
        if (!c)
                return;
        g_free(c->id);
        g_free(c->cgroup);
        g_free(c->name);
        g_free(c->image);
        g_hash_table_unref(c->labels);
        g_hash_table_unref(c->bound);
        g_free(c);
}

/* It becomes a file's name. */
bool container_id_is_valid(const char *id)
{
        size_t n = strlen(id);

        return n > 0 && n <= CONTAINER_ID_BYTES_MAX && *id != '-' &&
               strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

bool container_cgroup_is_valid(const char *path)
{
        g_autofree char *framed = g_strconcat(path, "/", NULL);

        return *path == '/' && path[1] != '\0' && strlen(path) < 4096 && !strstr(framed, "//") && !strstr(framed, "/./") &&
               !strstr(framed, "/../");
}

GBytes *container_to_bytes(const Container *c)
{
        GVariantBuilder labels, bound;
        g_autoptr(GVariant) v = NULL;
        GHashTableIter i;
        gpointer key, value;

        g_variant_builder_init(&labels, G_VARIANT_TYPE("a{ss}"));
        g_hash_table_iter_init(&i, c->labels);
        while (g_hash_table_iter_next(&i, &key, &value))
                g_variant_builder_add(&labels, "{ss}", key, value);
        g_variant_builder_init(&bound, G_VARIANT_TYPE("a{su}"));
        g_hash_table_iter_init(&i, c->bound);
        while (g_hash_table_iter_next(&i, &key, &value))
                g_variant_builder_add(&bound, "{su}", key, GPOINTER_TO_UINT(value));
        v = g_variant_ref_sink(g_variant_new("(ussss@a{ss}@a{su})", CONTAINER_VERSION, c->id, c->cgroup, c->name, c->image,
                                             g_variant_builder_end(&labels), g_variant_builder_end(&bound)));
        return g_variant_get_data_as_bytes(v);
}

int container_from_bytes(GBytes *bytes, Container **ret)
{
        g_autoptr(GVariant) v = g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(CONTAINER_TYPE), bytes, FALSE));
        g_autoptr(GVariantIter) labels = NULL, bound = NULL;
        const char *id, *cgroup, *name, *image, *key, *value;
        g_autoptr(Container) c = NULL;
        uint32_t version, mask;

        if (g_bytes_get_size(bytes) > CONTAINER_BYTES_MAX || !g_variant_is_normal_form(v))
                return -EBADMSG;
        g_variant_get(v, "(u&s&s&s&sa{ss}a{su})", &version, &id, &cgroup, &name, &image, &labels, &bound);
        if (version != CONTAINER_VERSION || !container_id_is_valid(id) || !container_cgroup_is_valid(cgroup))
                return -EBADMSG;
        c = container_new(id, cgroup);
        g_free(c->name);
        c->name = g_strdup(name);
        g_free(c->image);
        c->image = g_strdup(image);
        while (g_variant_iter_next(labels, "{&s&s}", &key, &value))
                g_hash_table_replace(c->labels, g_strdup(key), g_strdup(value));
        while (g_variant_iter_next(bound, "{&su}", &key, &mask))
                g_hash_table_replace(c->bound, g_strdup(key), GUINT_TO_POINTER(mask));
        *ret = g_steal_pointer(&c);
        return 0;
}

/* ---- matching --------------------------------------------------------------------------------------------------------- */

static bool name_matches(const char *pattern, const char *name)
{
        g_auto(GStrv) alternatives = NULL;

        if (pattern_expand(pattern, NAME_ALTERNATIVES_MAX, &alternatives) < 0)
                return false;
        for (char **a = alternatives; *a; a++)
                if (fnmatch(*a, name, 0) == 0)
                        return true;
        return false;
}

static bool is_in(const SelectorTerm *t, const char *value)
{
        return value && g_strv_contains((const char *const *)t->values, value);
}

/* "docker.io/library/nginx:1.25" is also "docker.io/library/nginx". */
static bool image_is_in(const SelectorTerm *t, const char *image)
{
        const char *name = strrchr(image, '/') ?: image, *end = strpbrk(name, ":@");
        g_autofree char *untagged = end ? g_strndup(image, (gsize)(end - image)) : NULL;

        return is_in(t, image) || is_in(t, untagged);
}

static bool term_holds(const SelectorTerm *t, const Container *c)
{
        bool is_name = strcmp(t->key, "Name") == 0, is_image = strcmp(t->key, "Image") == 0;
        const char *value = is_name ? c->name : is_image ? c->image : g_hash_table_lookup(c->labels, t->key);

        if ((is_name || is_image) && *value == '\0')
                value = NULL;
        switch (t->op) {
        case SELECTOR_IN:
                return value && (is_image ? image_is_in(t, value) : is_in(t, value));
        case SELECTOR_NOT_IN:
                return !value || !(is_image ? image_is_in(t, value) : is_in(t, value));
        case SELECTOR_EXISTS:
                return value != NULL;
        case SELECTOR_DOES_NOT_EXIST:
                return value == NULL;
        default:
                return false;
        }
}

static bool is_below(const char *path, const char *slice)
{
        g_autofree char *prefix = slice ? slice_to_cgroup(slice) : g_strdup("");

        return prefix && g_str_has_prefix(path, prefix) && path[strlen(prefix)] == '/';
}

bool container_matches(const Container *c, const TargetSpec *t, const char *slice)
{
        if (t->kind != TARGET_CONTAINER || !is_below(c->cgroup, slice))
                return false;
        if (t->name)
                return name_matches(t->name, c->name);
        for (guint i = 0; i < t->selector->len; i++)
                if (!term_holds(t->selector->pdata[i], c))
                        return false;
        return true;
}

static int compare_strings(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **containers_select(const GPtrArray *containers, const TargetSpec *t, const char *slice)
{
        GPtrArray *paths = g_ptr_array_new();

        for (guint i = 0; i < containers->len; i++) {
                const Container *c = containers->pdata[i];

                if (container_matches(c, t, slice))
                        g_ptr_array_add(paths, g_strdup(c->cgroup));
        }
        g_ptr_array_sort(paths, compare_strings);
        g_ptr_array_add(paths, NULL);
        return (char **)g_ptr_array_free(paths, FALSE);
}

uint32_t containers_bound(const GPtrArray *containers, const char *path, const char *policy)
{
        for (guint i = 0; i < containers->len; i++) {
                const Container *c = containers->pdata[i];
                size_t n = strlen(c->cgroup);

                if (strncmp(path, c->cgroup, n) == 0 && (path[n] == '\0' || path[n] == '/'))
                        return GPOINTER_TO_UINT(g_hash_table_lookup(c->bound, policy));
        }
        return 0;
}

/* ---- files ------------------------------------------------------------------------------------------------------------- */

GBytes *containers_read_file(const char *path, gsize max)
{
        autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        g_autofree char *data = NULL;
        struct stat st;
        gsize done = 0;

        if (fd < 0 || fstat(fd, &st) < 0)
                return NULL;
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) || (gsize)st.st_size > max) {
                errno = EPERM;
                return NULL;
        }
        data = g_malloc((gsize)st.st_size + 1);
        while (done < (gsize)st.st_size) {
                ssize_t n = read(fd, data + done, (gsize)st.st_size - done);

                if (n <= 0) {
                        errno = EIO;
                        return NULL;
                }
                done += (gsize)n;
        }
        return g_bytes_new_take(g_steal_pointer(&data), done);
}

static int write_new(const char *path, GBytes *bytes)
{
        gsize size;
        const char *data = g_bytes_get_data(bytes, &size);
        autofd int fd = RET_ERRNO(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));

        if (fd < 0)
                return fd;
        while (size > 0) {
                ssize_t n = RET_ERRNO(write(fd, data, size));

                if (n < 0)
                        return (int)n;
                data += n;
                size -= (gsize)n;
        }
        return RET_ERRNO(fchmod(fd, 0644));
}

int containers_write_file(const char *path, GBytes *bytes)
{
        g_autofree char *name = g_path_get_basename(path), *dir = g_path_get_dirname(path);
        g_autofree char *tmp = g_strdup_printf("%s/.%s.%i", dir, name, (int)getpid());
        int r = write_new(tmp, bytes);

        if (r >= 0)
                r = RET_ERRNO(rename(tmp, path));
        if (r < 0)
                (void)unlink(tmp);
        return r;
}

int container_write(const Container *c)
{
        g_autofree char *path = g_strconcat(CONTAINERS_DIR "/", c->id, NULL);
        g_autoptr(GBytes) bytes = container_to_bytes(c);

        if (mkdir("/run/varmor", 0755) < 0 && errno != EEXIST)
                return -errno;
        if (mkdir(CONTAINERS_DIR, 0755) < 0 && errno != EEXIST)
                return -errno;
        return containers_write_file(path, bytes);
}

GPtrArray *containers_load(const char *root)
{
        GPtrArray *out = g_ptr_array_new_with_free_func((GDestroyNotify)container_free);
        g_autofree char *dir_path = g_strconcat(root ?: "", CONTAINERS_DIR, NULL);
        g_autoptr(GDir) dir = g_dir_open(dir_path, 0, NULL);
        const char *name;

        while (dir && out->len < CONTAINERS_MAX && (name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(dir_path, name, NULL);
                g_autoptr(GBytes) bytes = container_id_is_valid(name) ? containers_read_file(path, CONTAINER_BYTES_MAX) : NULL;
                Container *c;

                if (bytes && container_from_bytes(bytes, &c) >= 0)
                        g_ptr_array_add(out, c);
        }
        return out;
}

/* ---- policies ------------------------------------------------------------------------------------------------------------ */

void container_policy_free(ContainerPolicy *p)
{
        if (!p)
                return;
        g_free(p->full_name);
        g_free(p->slice);
        g_free(p->target.name);
        g_clear_pointer(&p->target.selector, g_ptr_array_unref);
        g_free(p);
}

GBytes *container_policies_to_bytes(const GPtrArray *policies)
{
        g_autoptr(GVariant) v = NULL;
        GVariantBuilder b;

        g_variant_builder_init(&b, G_VARIANT_TYPE(POLICIES_TYPE));
        g_variant_builder_add(&b, "u", CONTAINER_VERSION);
        g_variant_builder_open(&b, G_VARIANT_TYPE("a(ssiisa(sias)ub)"));
        for (guint i = 0; i < policies->len; i++) {
                const ContainerPolicy *p = policies->pdata[i];
                const GPtrArray *selector = p->target.selector;

                g_variant_builder_open(&b, G_VARIANT_TYPE("(ssiisa(sias)ub)"));
                g_variant_builder_add(&b, "s", p->full_name);
                g_variant_builder_add(&b, "s", p->slice ?: "");
                g_variant_builder_add(&b, "i", (gint32)p->target.kind);
                g_variant_builder_add(&b, "i", (gint32)!!selector);
                g_variant_builder_add(&b, "s", p->target.name ?: "");
                g_variant_builder_open(&b, G_VARIANT_TYPE("a(sias)"));
                for (guint k = 0; selector && k < selector->len; k++) {
                        const SelectorTerm *t = selector->pdata[k];

                        g_variant_builder_add(&b, "(si^as)", t->key, (gint32)t->op, t->values);
                }
                g_variant_builder_close(&b);
                g_variant_builder_add(&b, "u", p->enforcers);
                g_variant_builder_add(&b, "b", p->fail_open);
                g_variant_builder_close(&b);
        }
        g_variant_builder_close(&b);
        v = g_variant_ref_sink(g_variant_builder_end(&b));
        return g_variant_get_data_as_bytes(v);
}

static int read_policy(GVariant *v, ContainerPolicy *p)
{
        g_autoptr(GVariantIter) terms = NULL;
        g_autofree char *name = NULL;
        gint32 kind, selects, op;
        gboolean fail_open;
        char *key, **values;

        g_variant_get(v, "(ssiisa(sias)ub)", &p->full_name, &p->slice, &kind, &selects, &name, &terms, &p->enforcers, &fail_open);
        p->fail_open = fail_open;
        p->target.kind = (TargetKind)kind;
        if (*p->slice == '\0')
                g_clear_pointer(&p->slice, g_free);
        if (kind != TARGET_CONTAINER || *p->full_name == '\0' || (!selects && *name == '\0') ||
            p->enforcers & ~((1U << _ENFORCER_KIND_MAX) - 1))
                return -EBADMSG;
        if (!selects) {
                p->target.name = g_steal_pointer(&name);
                return 0;
        }
        p->target.selector = g_ptr_array_new_with_free_func((GDestroyNotify)selector_term_free);
        while (g_variant_iter_next(terms, "(si^as)", &key, &op, &values)) {
                SelectorTerm *t = g_new0(SelectorTerm, 1);

                *t = (SelectorTerm){.key = key, .op = (SelectorOperator)op, .values = values};
                g_ptr_array_add(p->target.selector, t);
                if (op < 0 || op >= _SELECTOR_OPERATOR_MAX)
                        return -EBADMSG;
        }
        return 0;
}

int container_policies_from_bytes(GBytes *bytes, GPtrArray **ret)
{
        g_autoptr(GVariant) v = g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(POLICIES_TYPE), bytes, FALSE));
        g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func((GDestroyNotify)container_policy_free);
        g_autoptr(GVariant) policies = NULL;
        uint32_t version;

        if (g_bytes_get_size(bytes) > CONTAINER_POLICIES_BYTES_MAX || !g_variant_is_normal_form(v))
                return -EBADMSG;
        g_variant_get(v, "(u@a(ssiisa(sias)ub))", &version, &policies);
        if (version != CONTAINER_VERSION)
                return -EBADMSG;
        for (gsize i = 0; i < g_variant_n_children(policies); i++) {
                g_autoptr(GVariant) one = g_variant_get_child_value(policies, i);
                ContainerPolicy *p = g_new0(ContainerPolicy, 1);

                g_ptr_array_add(out, p);
                if (read_policy(one, p) < 0)
                        return -EBADMSG;
        }
        *ret = g_steal_pointer(&out);
        return 0;
}
