/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Enforcer: Profile -> kernel, by libapparmor. A profile and its children go to the kernel in one write, which replaces those
 * of the same names at once, also for the processes under them. */

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "features.h"
#include "parser.h"
#include "prepare.h"
#include "util.h"

/* ---- what the kernel has -------------------------------------------------------------------------------------------- */

/* The number that the kernel counts up with each change of its policy; -1: it does not say. */
static int64_t read_revision(void)
{
        autofd int fd = open(APPARMOR_FS "/revision", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        char text[32] = "";
        ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

        return n > 0 ? g_ascii_strtoll(text, NULL, 10) : -1;
}

static int refresh(Enforcer *e)
{
        int64_t revision = read_revision();

        if (e->profiles && revision >= 0 && revision == e->revision)
                return 0;
        g_clear_pointer(&e->profiles, g_hash_table_unref);
        e->profiles = kernel_profiles(APPARMOR_FS "/policy/profiles");
        e->revision = revision;
        return e->profiles ? 0 : -ENODEV;
}

/* Is what we loaded still what the kernel has under that name? */
static bool is_in_kernel(const Enforcer *e, const Loaded *l)
{
        const char *sum = e->profiles ? g_hash_table_lookup(e->profiles, l->profile) : NULL;

        return sum && strcmp(sum, l->kernel_sum) == 0;
}

static Loaded *find(const Enforcer *e, const char *policy)
{
        g_autofree char *profile = apparmor_profile_name(policy);

        return g_hash_table_lookup(e->loaded, profile);
}

const Loaded *enforcer_loaded(const Enforcer *e, const char *profile)
{
        const char *child = strstr(profile, "//");
        g_autofree char *parent = child ? g_strndup(profile, (gsize)(child - profile)) : g_strdup(profile);

        return g_hash_table_lookup(e->loaded, parent);
}

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static int missing(Diag *d, const char *what)
{
        diag_error(d, NULL, "not-possible", "%s", what);
        return -EOPNOTSUPP;
}

static int check_host(Diag *d)
{
        g_autofree char *enabled = NULL;

        if (!g_file_get_contents("/sys/module/apparmor/parameters/enabled", &enabled, NULL, NULL))
                return missing(d, "this kernel is built without AppArmor");
        if (*enabled != 'Y')
                return missing(d, "the kernel runs without AppArmor: it was started with apparmor=0, or its 'lsm=' does not name apparmor");
        if (access(APPARMOR_FS "/.replace", F_OK) < 0)
                return missing(d, "AppArmor's directory is not there: is securityfs mounted on /sys/kernel/security?");
        if (!parser_find())
                return missing(d, "apparmor_parser is not installed (package apparmor)");
        return 0;
}

/* Somebody may have tidied up below /run, and without them services do not start. */
static void put_all_children(const Enforcer *e)
{
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, e->loaded);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                const Loaded *l = value;

                (void)children_put(l->profile, l->blob->children); /* varmor-exec says what is missing */
        }
}

static int enforcer_open(const EnforcerEnv *env, Enforcer **ret, Diag *d)
{
        Enforcer *e;
        int r = check_host(d);

        if (r < 0)
                return r;
        e = g_new0(Enforcer, 1);
        e->env = env;
        e->revision = -1;
        r = RET_ERRNO(aa_kernel_interface_new(&e->kernel, NULL, NULL));
        if (r < 0) {
                g_free(e);
                diag_error(d, NULL, "not-possible", "AppArmor's interface in the kernel cannot be used: %s", g_strerror(-r));
                return -EOPNOTSUPP;
        }
        e->loaded = loaded_read_all(LOADED_DIR);
        put_all_children(e);
        (void)refresh(e);
        e->audit = audit_new(&apparmor_audit_hooks, env, e);
        if (audit_missing(e->audit))
                diag_warning(d, NULL, "no-records", "nobody can tell what it denies: %s", audit_missing(e->audit));
        if (audit_fallen_back(e->audit))
                diag_warning(d, NULL, "records-of-journal", "what it denies is told by way of the journal, later than otherwise: %s",
                             audit_fallen_back(e->audit));
        *ret = e;
        return 0;
}

static void enforcer_close(Enforcer *e)
{
        if (!e)
                return;
        audit_free(e->audit);
        aa_kernel_interface_unref(e->kernel);
        g_clear_pointer(&e->loaded, g_hash_table_unref);
        g_clear_pointer(&e->profiles, g_hash_table_unref);
        g_free(e);
}

/* ---- loading -------------------------------------------------------------------------------------------------------- */

/* Children that the new text does not have: targets of before. Whoever is in one stays in the parent, upon which it was stacked. */
static void drop_children(Enforcer *e, const Loaded *l)
{
        g_autofree char *prefix = g_strconcat(l->profile, "//t", NULL);
        GHashTableIter i;
        gpointer name;
        bool dropped = false;

        if (!e->profiles)
                return;
        g_hash_table_iter_init(&i, e->profiles);
        while (g_hash_table_iter_next(&i, &name, NULL)) {
                g_autofree char *header = NULL;

                if (!g_str_has_prefix(name, prefix) || strlen(name) != strlen(prefix) + CHILD_NAME_DIGITS)
                        continue;
                header = g_strdup_printf("\n  profile %s flags=", (char *)name + strlen(l->profile) + 2);
                if (strstr(l->blob->text, header))
                        continue;
                (void)aa_kernel_interface_remove_policy(e->kernel, name);
                dropped = true;
        }
        if (dropped)
                (void)refresh(e);
}

/* First what is read about the new children, then they themselves: who reads it and does not find them waits for them. */
static int replace(Enforcer *e, const Loaded *l)
{
        const Loaded *before = g_hash_table_lookup(e->loaded, l->profile);
        gsize size;
        const char *data = g_bytes_get_data(l->blob->binary, &size);
        int r;

        if (size == 0)
                return -ENODATA;
        r = children_put(l->profile, l->blob->children);
        if (r < 0)
                return r;
        r = RET_ERRNO(aa_kernel_interface_replace_policy(e->kernel, data, size));
        if (r < 0 && before)
                (void)children_put(l->profile, before->blob->children);
        else if (r < 0)
                children_drop(l->profile);
        return r;
}

static int enforcer_remove(Enforcer *e, const char *policy);

static int enforcer_apply(Enforcer *e, const char *policy, const Profile *p)
{
        g_autoptr(Loaded) l = g_new0(Loaded, 1);
        const char *sum;
        int r;

        if (profile_is_empty(p))
                return enforcer_remove(e, policy);
        r = aa_blob_from_bytes(p->blob, &l->blob);
        if (r < 0)
                return r;
        l->policy = g_strdup(policy);
        l->profile = apparmor_profile_name(policy);
        r = replace(e, l);
        if (r < 0)
                return r;
        (void)refresh(e);
        memcpy(l->digest, p->digest, sizeof(l->digest));
        sum = e->profiles ? g_hash_table_lookup(e->profiles, l->profile) : NULL;
        if (!sum)
                return -ENOENT; /* the bytes were those of some other profile */
        l->kernel_sum = g_strdup(sum);
        g_clear_pointer(&l->blob->binary, g_bytes_unref);
        l->blob->binary = g_bytes_new(NULL, 0);
        drop_children(e, l);
        r = loaded_write(LOADED_DIR, l);
        g_hash_table_replace(e->loaded, l->profile, l);
        l = NULL;
        return r;
}

/* The profile and its children. Whoever is under it is unconfined then. */
static int enforcer_remove(Enforcer *e, const char *policy)
{
        g_autofree char *profile = apparmor_profile_name(policy);
        const Loaded *l = g_hash_table_lookup(e->loaded, profile);
        int r = 0;

        (void)refresh(e);
        if (!e->profiles || g_hash_table_contains(e->profiles, profile)) {
                r = RET_ERRNO(aa_kernel_interface_remove_policy(e->kernel, profile));
                if (r == -ENOENT)
                        r = 0;
        }
        if (r < 0)
                return r;
        children_drop(profile);
        if (l) {
                loaded_forget(LOADED_DIR, l);
                g_hash_table_remove(e->loaded, profile);
        }
        (void)refresh(e);
        return 0;
}

static int enforcer_shutdown(Enforcer *e)
{
        g_autoptr(GList) all = g_hash_table_get_values(e->loaded);
        int result = 0;

        for (GList *i = all; i; i = i->next) {
                g_autofree char *policy = g_strdup(((Loaded *)i->data)->policy);
                int r = enforcer_remove(e, policy);

                if (r < 0)
                        result = r;
        }
        (void)rmdir(LOADED_DIR);
        (void)rmdir(CHILDREN_DIR);
        return result;
}

/* ---- asking ---------------------------------------------------------------------------------------------------------- */

static int enforcer_applied(Enforcer *e, const char *policy, char ret_digest[static 65])
{
        const Loaded *l = find(e, policy);

        *ret_digest = 0;
        if (l && refresh(e) >= 0 && is_in_kernel(e, l))
                g_strlcpy(ret_digest, l->digest, 65);
        return 0;
}

char **enforcer_policies(const Enforcer *e)
{
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, e->loaded);
        while (g_hash_table_iter_next(&i, NULL, &value))
                g_strv_builder_add(names, ((Loaded *)value)->policy);
        return g_strv_builder_end(names);
}

static char **list_policies(Enforcer *e)
{
        return enforcer_policies(e);
}

/* ---- events ---------------------------------------------------------------------------------------------------------- */

static int enforcer_fd(Enforcer *e)
{
        return audit_fd(e->audit);
}

static int enforcer_dispatch(Enforcer *e, unsigned max)
{
        return audit_dispatch(e->audit, max);
}

static int enforcer_repeats(Enforcer *e)
{
        return audit_repeats(e->audit);
}

static int enforcer_counters(Enforcer *e, EnforcerCounters *ret)
{
        *ret = (EnforcerCounters){0};
        audit_counters(e->audit, ret);
        return 0;
}

static void enforcer_tidy(Enforcer *e)
{
        audit_tidy(e->audit);
}

static void enforcer_watched(Enforcer *e, bool yes)
{
        audit_watched(e->audit, yes);
}

static void enforcer_origin(Enforcer *e, const AuditOrigin *origin)
{
        audit_origin(e->audit, origin);
}

const EnforcerOps apparmor_enforcer_ops = {
        .name = "apparmor",
        .kind = ENFORCER_APPARMOR,
        .kinds = APPARMOR_KINDS,
        .modes = APPARMOR_MODES,
        .flags = ENFORCER_LIVE | ENFORCER_AUDIT | ENFORCER_OBSERVE | ENFORCER_ALLOWLIST | ENFORCER_AT_EXEC,
        .open = enforcer_open,
        .close = enforcer_close,
        .shutdown = enforcer_shutdown,
        .compile = apparmor_compile,
        .prepare = apparmor_prepare,
        .apply = enforcer_apply,
        .remove = enforcer_remove,
        .applied = enforcer_applied,
        .policies = list_policies,
        .fd = enforcer_fd,
        .dispatch = enforcer_dispatch,
        .repeats = enforcer_repeats,
        .counters = enforcer_counters,
        .tidy = enforcer_tidy,
        .watched = enforcer_watched,
        .origin = enforcer_origin,
};
