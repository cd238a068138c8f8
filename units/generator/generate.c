/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See generate.h. */

#include "generate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attached.h"
#include "bpf/table.h"
#include "dropin.h"
#include "instances.h"
#include "unit-files.h"
#include "unit-name.h"
#include "util.h"

#define DROPIN_NAME "zzzz-varmor.conf"
#define DROPIN_AFTER "-varmor.conf"
#define LOADED_PROFILES "/sys/kernel/security/apparmor/profiles"
#define LOADED_BYTES_MAX (4U << 20)

typedef struct Run {
        const GenerateParams *params;
        const struct va_table *table; /* NULL: nothing is covered */
        UnitFiles *files;
        GHashTable *written;   /* template -> name of its drop-in */
        GHashTable *loaded;    /* set of AppArmor profiles in the kernel; NULL: not read yet */
        Attached *attached;    /* NULL: not read yet */
        GString *report;
} Run;

/* One unit under treatment. */
typedef struct Subject {
        const char *name;
        struct va_cover cover;      /* what it should get, */
        struct va_cover not_whole;  /* and what of that covers only some instances of it */
        UnitSource *source;
        UnitText *text;
} Subject;

static void subject_clear(Subject *s)
{
        g_clear_pointer(&s->source, unit_source_free);
        g_clear_pointer(&s->text, unit_text_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Subject, subject_clear)

static const Binding *binding_of(const Run *run, uint16_t slot)
{
        return slot < run->params->bindings->policies->len ? run->params->bindings->policies->pdata[slot] : NULL;
}

static bool binds_anything(const Run *run, const struct va_cover *c)
{
        for (uint32_t i = 0; i < c->n; i++)
                if (binding_of(run, c->slot[i]) && binding_of(run, c->slot[i])->enforcers)
                        return true;
        return false;
}

/* ---- the report -------------------------------------------------------------------------------------------------------- */

static void report_unbound(Run *run, const char *unit, uint16_t slot, const char *reason)
{
        const Binding *b = binding_of(run, slot);

        for (EnforcerKind k = 0; b && k < _ENFORCER_KIND_MAX; k++)
                if (b->enforcers & 1U << k)
                        g_string_append_printf(run->report, "unbound\t%s\t%s\t%s\t%s\n", unit, b->policy, enforcer_kind_to_string(k),
                                               reason);
}

static void report_all_unbound(Run *run, const Subject *s, const char *reason)
{
        for (uint32_t i = 0; i < s->cover.n; i++)
                report_unbound(run, s->name, s->cover.slot[i], reason);
}

static void report_bound(Run *run, const Subject *s)
{
        for (uint32_t i = 0; i < s->cover.n; i++) {
                const Binding *b = binding_of(run, s->cover.slot[i]);
                g_autofree char *mask = b && b->enforcers ? enforcer_mask_to_string(b->enforcers) : NULL;

                if (mask && !cover_has(&s->not_whole, s->cover.slot[i]))
                        g_string_append_printf(run->report, "bound\t%s\t%s\t%s\n", s->name, b->policy, mask);
        }
}

/* ---- files ------------------------------------------------------------------------------------------------------------- */

static int write_file(const char *path, const char *text)
{
        autofd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        size_t n = strlen(text);

        if (fd < 0)
                return -errno;
        while (n > 0) {
                ssize_t written = write(fd, text, n);

                if (written < 0 && errno != EINTR) {
                        int r = -errno;

                        (void)unlink(path); /* half of it would be worse than nothing */
                        return r;
                }
                if (written > 0) {
                        text += written;
                        n -= (size_t)written;
                }
        }
        return 0;
}

static int write_dropin(const Run *run, const char *unit, const char *name, const char *text)
{
        g_autofree char *dir = g_strconcat(run->params->root, run->params->dir, "/", unit, ".d", NULL);
        g_autofree char *path = g_strconcat(dir, "/", name, NULL);

        if (g_mkdir_with_parents(dir, 0755) < 0)
                return -errno;
        return write_file(path, text);
}

/* The last word is ours: after all that is there, and under a name that nothing has. */
static char *dropin_name(const UnitSource *s)
{
        const char *last = NULL;

        for (char **d = s->dropins; d && *d; d++)
                last = strrchr(*d, '/') + 1;
        return last && strcmp(last, DROPIN_NAME) >= 0 ? g_strconcat(last, DROPIN_AFTER, NULL) : g_strdup(DROPIN_NAME);
}

/* ---- what a unit gets -------------------------------------------------------------------------------------------------- */

static bool profile_is_loaded(Run *run, const char *profile)
{
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;
        gsize size;

        if (strchr(profile, '%'))
                return true; /* only systemd knows */
        if (!run->loaded) {
                g_autofree char *path = g_strconcat(run->params->root, LOADED_PROFILES, NULL);

                run->loaded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
                if (!g_file_get_contents(path, &text, &size, NULL) || size > LOADED_BYTES_MAX)
                        return true;
                lines = g_strsplit(text, "\n", -1);
                for (char **l = lines; *l; l++) {
                        const char *mode = g_strrstr(*l, " (");

                        if (mode)
                                g_hash_table_add(run->loaded, g_strndup(*l, (gsize)(mode - *l)));
                }
        }
        return g_hash_table_contains(run->loaded, profile);
}

static const char *find_attached(const char *path, void *userdata)
{
        Run *run = userdata;

        if (!run->attached)
                run->attached = attached_new(run->params->root);
        return attached_find(run->attached, path);
}

/* "varmor.a//&varmor.b"; what is not for a whole template is left out. */
static void make_wish(Run *run, const Subject *s, DropinWish *w, GString *profile)
{
        w->apparmor_open = true;
        for (uint32_t i = 0; i < s->cover.n; i++) {
                const Binding *b = binding_of(run, s->cover.slot[i]);

                if (!b || cover_has(&s->not_whole, s->cover.slot[i]))
                        continue;
                if (b->enforcers & 1U << ENFORCER_SECCOMP)
                        g_ptr_array_add(b->fail_open ? w->seccomp_open : w->seccomp, b->bind_name);
                if (b->enforcers & 1U << ENFORCER_APPARMOR) {
                        g_string_append_printf(profile, "%svarmor.%s", profile->len > 0 ? "//&" : "", b->bind_name);
                        w->apparmor_open &= b->fail_open;
                        if (b->children)
                                g_ptr_array_add(b->fail_open ? w->children_open : w->children, b->bind_name);
                }
        }
        w->apparmor = profile->len > 0 ? profile->str : NULL;
        /* Below a root of its own, other programs have these paths. */
        if (!s->text->root_directory && !s->text->root_image)
                w->attached = find_attached;
        w->userdata = run;
        w->own_is_loaded = w->apparmor && s->text->apparmor && profile_is_loaded(run, s->text->apparmor);
}

static bool starts_after(const UnitText *u)
{
        static const char *const late[] = {"varmord.service", "sysinit.target", "basic.target", "multi-user.target",
                                           "graphical.target"};

        for (guint i = 0; i < u->after->len; i++)
                for (size_t k = 0; k < G_N_ELEMENTS(late); k++)
                        if (strcmp(u->after->pdata[i], late[k]) == 0)
                                return true;
        return false;
}

static const char *unit_obstacle(const UnitText *u)
{
        if (!u->default_dependencies && !starts_after(u))
                return "it may start before varmord (DefaultDependencies=no)";
        return NULL;
}

/* Return: the text; NULL: reported, or nothing to bind. */
static char *treat(Run *run, const Subject *s)
{
        g_autoptr(GPtrArray) seccomp = g_ptr_array_new(), seccomp_open = g_ptr_array_new();
        g_autoptr(GPtrArray) children = g_ptr_array_new(), children_open = g_ptr_array_new();
        g_autoptr(GString) profile = g_string_new(NULL);
        DropinWish wish = {.seccomp = seccomp, .seccomp_open = seccomp_open, .children = children, .children_open = children_open};
        const char *obstacle = unit_obstacle(s->text);
        char *text;

        make_wish(run, s, &wish, profile);
        if (!unit_text_has_commands(s->text) || (!wish.apparmor && seccomp->len + seccomp_open->len == 0))
                return NULL;
        if (!obstacle)
                obstacle = dropin_obstacle(s->text, &wish);
        text = obstacle ? NULL : dropin_write(s->text, &wish);
        if (!text)
                report_all_unbound(run, s, obstacle ? obstacle : "one of its commands is too long");
        return text;
}

/* An instance whose template has a drop-in gets one by the same name, which takes the place of the other. */
static void cover_template(Run *run, const char *instance, const char *name)
{
        g_autofree char *template = unit_name_template(instance);
        const char *its = g_hash_table_lookup(run->written, template);

        if (its && g_strcmp0(its, name) != 0)
                (void)write_dropin(run, instance, its, "# Made by varmor-generator(8): what it wrote for the template is not for this.\n");
}

static void bind_unit(Run *run, const Subject *s)
{
        g_autofree char *text = binds_anything(run, &s->cover) ? treat(run, s) : NULL, *name = NULL;
        int r;

        if (text) {
                name = dropin_name(s->source);
                r = write_dropin(run, s->name, name, text);
                if (r < 0) {
                        g_autofree char *reason = g_strdup_printf("its drop-in cannot be written: %s", g_strerror(-r));

                        report_all_unbound(run, s, reason);
                        g_clear_pointer(&name, g_free);
                } else
                        report_bound(run, s);
        }
        if (unit_name_is_instance(s->name))
                cover_template(run, s->name, name);
        if (name && unit_name_is_template(s->name))
                g_hash_table_insert(run->written, g_strdup(s->name), g_steal_pointer(&name));
}

/* ---- units ------------------------------------------------------------------------------------------------------------- */

/* Reads what @s->name is made of. Return: 0; negative errno: nothing can be done for it, and it is reported if need be. */
static int read_subject(Run *run, Subject *s)
{
        int r = unit_files_find(run->files, s->name, &s->source);

        if (r >= 0 && s->source->transient)
                return -ENOENT;
        if (r >= 0)
                r = unit_source_read(s->source, &s->text);
        if (r == -EFBIG || r == -E2BIG) {
                g_autofree char *cgroup = unit_cgroup(s->name, NULL);

                s->cover = cover_of(run->table, cgroup);
                report_all_unbound(run, s, "its files are too large or too many");
        }
        return r;
}

static void treat_instance(Run *run, const char *name)
{
        g_auto(Subject) s = {.name = name};
        g_autofree char *cgroup = NULL;

        if (read_subject(run, &s) < 0)
                return;
        cgroup = unit_cgroup(name, s.text->slice);
        if (cgroup)
                s.cover = cover_of(run->table, cgroup);
        bind_unit(run, &s);
}

static void report_some(Run *run, const Subject *s, const struct va_cover *some)
{
        for (uint32_t i = 0; i < some->n; i++)
                report_unbound(run, s->name, some->slot[i],
                               "the policy covers some of its instances, which it does not name one by one");
}

/* Where the slice depends on the instance, the path does not begin as that of all others. */
static bool slice_varies(const UnitText *u)
{
        for (const char *p = u->slice; p && (p = strchr(p, '%')); p += p[1] ? 2 : 1)
                if (p[1] != 'p' && p[1] != 'j' && p[1] != '%')
                        return true;
        return false;
}

/* The template itself, and @instances: those that are covered by other policies. */
static void treat_template(Run *run, const char *name, GPtrArray *instances)
{
        g_autofree char *nobody = unit_name_instantiate(name, "_:varmor:_"), *cgroup = NULL;
        g_auto(Subject) s = {.name = name};
        g_autoptr(Instances) found = NULL;

        if (read_subject(run, &s) < 0)
                return;
        if (slice_varies(s.text)) {
                cgroup = unit_cgroup(nobody, s.text->slice);
                if (!cgroup)
                        return;
                s.cover = cover_of(run->table, cgroup);
                /* The one that differs on a usual host: user@0.service is essential. */
                g_ptr_array_add(instances, unit_name_instantiate(name, "0"));
                bind_unit(run, &s);
                return;
        }
        cgroup = unit_cgroup(name, s.text->slice);
        if (!cgroup)
                return;
        found = instances_find(run->table, cgroup);
        s.cover = found->cover;
        s.not_whole = found->some;
        if (found->unknown)
                report_all_unbound(run, &s, "its instances are too many to tell which policies cover which");
        else
                report_some(run, &s, &found->some);
        for (guint i = 0; i < found->named->len; i++)
                g_ptr_array_add(instances, unit_name_instantiate(name, found->named->pdata[i]));
        if (!found->unknown)
                bind_unit(run, &s);
}

static void treat_all(Run *run)
{
        g_autofree const char **names = unit_files_names(run->files);
        g_autoptr(GPtrArray) more = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);

        for (const char **n = names; *n; n++)
                if (unit_name_is_template(*n))
                        treat_template(run, *n, more);
        for (char **u = run->params->bindings->units; u && *u; u++)
                if (unit_name_is_service(*u) && unit_name_is_instance(*u))
                        g_ptr_array_add(more, g_strdup(*u));
        for (const char **n = names; *n; n++)
                if (!unit_name_is_template(*n) && g_hash_table_add(done, (char *)*n))
                        treat_instance(run, *n);
        for (guint i = 0; i < more->len; i++)
                if (g_hash_table_add(done, more->pdata[i]))
                        treat_instance(run, more->pdata[i]);
        if (unit_files_overflow(run->files))
                g_printerr("varmor-generator: there are more than %u unit files, some have not been looked at\n", UNIT_FILES_MAX);
}

char *generate(const GenerateParams *p)
{
        Run run = {.params = p, .report = g_string_new(NULL)};
        gsize size = 0;

        if (p->bindings->targets)
                run.table = g_bytes_get_data(p->bindings->targets, &size);
        if (size > 0) {
                run.files = unit_files_new(p->root, p->dir);
                run.written = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
                treat_all(&run);
                unit_files_free(run.files);
                g_hash_table_unref(run.written);
        }
        attached_free(run.attached);
        if (run.loaded)
                g_hash_table_unref(run.loaded);
        return g_string_free(run.report, FALSE);
}
