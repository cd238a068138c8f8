/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loading: directories in, sealed policies out. One file at a time: its documents, its fragments merged over them, each
 * result parsed, checked, resolved and sealed. What goes wrong stays with the document or, if it cannot be told with which,
 * with the file. */

#include "policy-load.h"

#include <errno.h>
#include <string.h>

#include "facts.h"
#include "policy-parse.h"
#include "yaml-tree.h"

void loaded_policy_free(LoadedPolicy *l)
{
        if (!l)
                return;
        g_free(l->name);
        g_free(l->slice);
        g_free(l->full_name);
        g_strfreev(l->files);
        policy_free(l->policy);
        diag_free(l->diag);
        g_free(l);
}

void load_result_free(LoadResult *r)
{
        if (!r)
                return;
        g_ptr_array_unref(r->policies);
        settings_free(r->settings);
        catalogue_free(r->catalogue);
        diag_free(r->diag);
        g_free(r);
}

/* One file of policies on its way. */
typedef struct Unit {
        const LoadParams *params;
        LoadResult *result;
        GHashTable *names;    /* full name -> LoadedPolicy, borrowed: what was read before */
        const ConfFile *file;
        GPtrArray *documents; /* of YamlNode; elements are taken as they are merged */
        GPtrArray *files;     /* per document: GPtrArray of char *, borrowed: its file and fragments */
        Diag *diag;           /* what concerns the file, not one document */
        bool complete;        /* all of its documents are there */
} Unit;

static LoadedPolicy *add_entry(Unit *u, const YamlNode *document)
{
        LoadedPolicy *l = g_new0(LoadedPolicy, 1);

        l->source = u->file->path;
        l->diag = diag_new();
        if (document)
                policy_peek_name(document, &l->name, &l->slice, &l->full_name);
        g_ptr_array_add(u->result->policies, l);
        return l;
}

/* ---- fragments --------------------------------------------------------------------------------------------------------------- */

static const char *scalar_of(const YamlNode *n)
{
        return n && n->type == YAML_SCALAR ? n->scalar : NULL;
}

static bool addresses(const YamlNode *fragment, const YamlNode *document)
{
        const YamlNode *of = yaml_get(fragment, "metadata"), *to = yaml_get(document, "metadata");
        const char *name = scalar_of(yaml_get(of, "name")), *space = scalar_of(yaml_get(of, "namespace"));

        return g_strcmp0(name, scalar_of(yaml_get(to, "name"))) == 0 &&
               (!space || g_strcmp0(space, scalar_of(yaml_get(to, "namespace"))) == 0);
}

/* The document that @fragment is for; negative if that cannot be told, which is reported. */
static int find_document(Unit *u, const YamlNode *fragment)
{
        const char *name = scalar_of(yaml_get(yaml_get(fragment, "metadata"), "name"));
        int found = -1;

        if (fragment->type != YAML_MAPPING) {
                g_autofree char *what = yaml_describe(fragment);

                diag_error(u->diag, &fragment->pos, "bad-type", "found %s as a fragment, expected a mapping", what);
                return -1;
        }
        if (!name) {
                if (u->documents->len == 1)
                        return 0;
                diag_error(u->diag, &fragment->pos, "bad-fragment",
                           "%s has %u documents, so that a fragment must say by metadata.name which one it is for", u->file->path,
                           u->documents->len);
                return -1;
        }

        for (guint i = 0; i < u->documents->len; i++) {
                if (!addresses(fragment, u->documents->pdata[i]))
                        continue;
                if (found >= 0) {
                        diag_error(u->diag, &fragment->pos, "bad-fragment",
                                   "%s has more than one policy '%s', so that a fragment must give metadata.namespace, too",
                                   u->file->path, name);
                        return -1;
                }
                found = (int)i;
        }
        if (found < 0)
                diag_error(u->diag, &fragment->pos, "bad-fragment", "%s has no policy '%s' that this fragment could change",
                           u->file->path, name);

        return found;
}

static void merge_fragment(Unit *u, const ConfFile *f)
{
        g_autoptr(GPtrArray) fragments = NULL;
        bool complete;
        gsize size;
        const char *text;

        if (!f->bytes)
                return; /* reported where it was read */
        text = g_bytes_get_data(f->bytes, &size);
        (void)yaml_parse(text ?: "", size, f->path, &fragments, &complete, u->diag);
        if (u->documents->len == 0)
                return;

        for (guint i = 0; i < fragments->len; i++) {
                int k = find_document(u, fragments->pdata[i]);
                GPtrArray *files;

                if (k < 0)
                        continue;
                u->documents->pdata[k] = yaml_merge(u->documents->pdata[k], g_steal_pointer(&fragments->pdata[i]));
                files = u->files->pdata[k];
                if (g_strcmp0(files->pdata[files->len - 1], f->path) != 0)
                        g_ptr_array_add(files, (void *)f->path);
        }
}

/* ---- documents --------------------------------------------------------------------------------------------------------------- */

static char **dup_files(const GPtrArray *files)
{
        char **copy = g_new0(char *, files->len + 1);

        for (guint i = 0; i < files->len; i++)
                copy[i] = g_strdup(files->pdata[i]);
        return copy;
}

/* Return: 0; negative: reported. */
static int fill_from_model(const LoadParams *params, Policy *p, Diag *d)
{
        if (!policy_wants_model(p))
                return 0;
        if (params->model)
                return params->model(p, params->model_userdata, d);
        diag_error(d, &p->mode_pos, "not-enforceable", "no models are read here, from which this policy's profile is made");
        return -EOPNOTSUPP;
}

static void load_document(Unit *u, guint i, bool file_is_good)
{
        const YamlNode *document = u->documents->pdata[i];
        LoadedPolicy *l = add_entry(u, document);
        const LoadedPolicy *before;
        g_autoptr(Policy) p = NULL;

        l->files = dup_files(u->files->pdata[i]);
        if (u->documents->len == 1 && u->complete)
                diag_move(l->diag, u->diag);
        (void)policy_parse(document, u->result->catalogue, u->result->settings, &p, l->diag);

        before = l->full_name ? g_hash_table_lookup(u->names, l->full_name) : NULL;
        if (before) {
                diag_error(l->diag, &document->pos, "duplicate-policy", "the policy '%s' stands in %s already, expected another name",
                           l->full_name, before->source);
                /* The name is the other's. */
                g_clear_pointer(&l->full_name, g_free);
                g_clear_pointer(&l->name, g_free);
                g_clear_pointer(&l->slice, g_free);
        } else if (l->full_name)
                g_hash_table_insert(u->names, l->full_name, l);

        if (g_hash_table_size(u->names) > POLICIES_MAX)
                diag_error(l->diag, &document->pos, "too-large", "more than %u policies", POLICIES_MAX);
        if (u->result->settings->essential_missing)
                diag_error(l->diag, &document->pos, "essential-missing",
                           "the list of essential units, essential.yaml, is missing; without it a policy could cover what the host "
                           "needs to live");
        if (!file_is_good && l->diag->n_errors == 0)
                diag_error(l->diag, &document->pos, "file-refused", "the file has errors, see there; it is not put in force");
        if (!p || l->diag->n_errors > 0)
                return;

        p->files = dup_files(u->files->pdata[i]);
        if (fill_from_model(u->params, p, l->diag) < 0)
                return;
        if (policy_check_enforceable(p, u->params->can, l->diag) < 0)
                return;
        policy_resolve_paths(p, u->params->readlink, u->params->userdata, l->diag);
        policy_seal(p);
        l->policy = g_steal_pointer(&p);
}

/* Messages of confdir about this file and its fragments. */
static bool concerns(const ConfFile *f, const DiagMessage *m)
{
        if (!m->pos.file)
                return false;
        if (strcmp(m->pos.file, f->path) == 0)
                return true;
        /* A directory that is refused is shown with a slash, and reported without. */
        if (g_str_has_suffix(f->path, "/") && strlen(m->pos.file) == strlen(f->path) - 1 && g_str_has_prefix(f->path, m->pos.file))
                return true;
        for (guint i = 0; f->fragments && i < f->fragments->len; i++)
                if (concerns(f->fragments->pdata[i], m))
                        return true;

        return false;
}

static void take_messages(Diag *from, const ConfFile *f, Diag *to)
{
        for (guint i = 0; i < from->messages->len;) {
                const DiagMessage *m = from->messages->pdata[i];

                if (!concerns(f, m)) {
                        i++;
                        continue;
                }
                diag_add(to, m->severity, &m->pos, m->code, "%s", m->text);
                if (m->severity == DIAG_ERROR)
                        from->n_errors--;
                else if (m->severity == DIAG_WARNING)
                        from->n_warnings--;
                g_ptr_array_remove_index(from->messages, i);
        }
}

static void load_unit(Unit *u)
{
        uint32_t errors;
        bool good;
        gsize size = 0;
        const char *text = u->file->bytes ? g_bytes_get_data(u->file->bytes, &size) : NULL;

        u->complete = u->file->bytes != NULL;
        if (u->file->bytes)
                (void)yaml_parse(text ?: "", size, u->file->path, &u->documents, &u->complete, u->diag);
        else
                u->documents = g_ptr_array_new_with_free_func((GDestroyNotify)yaml_node_free);

        u->files = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
        for (guint i = 0; i < u->documents->len; i++) {
                GPtrArray *files = g_ptr_array_new();

                g_ptr_array_add(files, (void *)u->file->path);
                g_ptr_array_add(u->files, files);
        }
        for (guint i = 0; u->file->fragments && i < u->file->fragments->len; i++)
                merge_fragment(u, u->file->fragments->pdata[i]);

        errors = u->diag->n_errors;
        good = errors == 0;
        for (guint i = 0; i < u->documents->len; i++)
                load_document(u, i, good);

        /* What is left is the file's own. If documents may be missing, this entry says that they are not gone. */
        if (u->diag->messages->len > 0 || !u->complete)
                diag_move(add_entry(u, NULL)->diag, u->diag);
}

static void unit_done(Unit *u)
{
        g_clear_pointer(&u->documents, g_ptr_array_unref);
        g_clear_pointer(&u->files, g_ptr_array_unref);
        diag_free(u->diag);
}

static void load_conf_file(const LoadParams *params, LoadResult *r, GHashTable *names, const ConfFile *f, Diag *read_diag)
{
        Unit u = {.params = params, .result = r, .names = names, .file = f, .diag = diag_new()};

        if (read_diag)
                take_messages(read_diag, f, u.diag);
        load_unit(&u);
        unit_done(&u);
}

static LoadResult *load_begin(const LoadParams *params)
{
        LoadResult *r = g_new0(LoadResult, 1);

        r->policies = g_ptr_array_new_with_free_func((GDestroyNotify)loaded_policy_free);
        r->diag = diag_new();
        if (settings_load(&params->roots, &r->settings, r->diag) < 0 && params->before) {
                settings_free(r->settings);
                r->settings = settings_dup(params->before);
        }
        facts_find(params->roots.root, r->settings, r->diag);
        (void)catalogue_load(&params->roots, r->settings, &r->catalogue, r->diag);
        return r;
}

LoadResult *policy_load_all(const LoadParams *params)
{
        g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
        LoadResult *r = load_begin(params);
        g_autoptr(GPtrArray) files = NULL;
        g_autoptr(Diag) d = diag_new();

        (void)confdir_read(&params->roots, "policies.d", &files, d);
        for (guint i = 0; i < files->len; i++)
                load_conf_file(params, r, names, files->pdata[i], d);
        diag_move(r->diag, d);

        return r;
}

LoadResult *policy_load_text(const LoadParams *params, const char *text, size_t size, const char *file)
{
        g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(ConfFile) f = g_new0(ConfFile, 1);
        LoadResult *r = load_begin(params);

        f->name = g_path_get_basename(file);
        f->path = g_intern_string(file);
        f->bytes = g_bytes_new_static(text, size);
        load_conf_file(params, r, names, f, NULL);

        return r;
}
