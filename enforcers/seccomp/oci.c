/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policy -> OCI seccomp profile: see oci.h. For each system call that the policy is about, the arguments are taken apart into
 * regions with one verdict each, so that no two entries of the outcome contradict each other: which of them would win, runtimes
 * do not agree upon. */

#include "oci.h"

#include <errno.h>
#include <string.h>

#include "oci-wish.h"

#define NAMES_MAX 4096U
#define ENTRIES_MAX 4096U

typedef struct BaseEntry {
        json_object *json; /* borrowed */
        Region *region;
        Fate fate;
} BaseEntry;

typedef struct Merge {
        OciWish wish;
        GPtrArray *base;       /* of BaseEntry */
        GHashTable *base_names; /* name -> GPtrArray of BaseEntry, borrowed */
        Fate base_default, fate;
        json_object *entries;  /* of the outcome */
        GHashTable *grouped;   /* an entry without its names, as text -> its names; borrowed */
        Diag *diag;
} Merge;

static void base_entry_free(BaseEntry *e)
{
        g_clear_pointer(&e->region, g_array_unref);
        g_free(e);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BaseEntry, base_entry_free)

/* ---- the profile that it is worked into ----------------------------------------------------------------------------------- */

static int bad_base(Merge *m, const char *what)
{
        diag_error(m->diag, NULL, "bad-profile", "the profile to build on is no OCI seccomp profile: %s", what);
        return -EBADMSG;
}

static json_object *get(json_object *o, const char *key, enum json_type type)
{
        json_object *v;

        return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, type) ? v : NULL;
}

static SyscallAction read_action(const char *s)
{
        SyscallAction a;

        if (strcmp(s, "SCMP_ACT_KILL") == 0)
                return SYSCALL_KILL_THREAD;
        a = syscall_action_from_string(s);
        return (int)a < 0 ? _SYSCALL_ACTION_INVALID : a;
}

static Fate read_fate(json_object *o, const char *action_key, const char *errno_key)
{
        json_object *action = get(o, action_key, json_type_string), *number = get(o, errno_key, json_type_int);

        return fate_make(read_action(json_object_get_string(action)), number ? json_object_get_int(number) : -1);
}

static int read_args(Merge *m, json_object *args, GArray **ret)
{
        g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(SyscallArg));

        for (size_t i = 0; args && i < json_object_array_length(args); i++) {
                json_object *a = json_object_array_get_idx(args, i), *index, *value, *two, *op;
                SyscallArg arg;

                if (!json_object_is_type(a, json_type_object) || !(op = get(a, "op", json_type_string)) ||
                    (int)syscall_compare_from_string(json_object_get_string(op)) < 0)
                        return bad_base(m, "a condition without an operator that is known");
                index = get(a, "index", json_type_int);
                value = get(a, "value", json_type_int);
                two = get(a, "valueTwo", json_type_int);
                arg = (SyscallArg){
                        .index = index ? (uint32_t)json_object_get_int64(index) : 0,
                        .op = syscall_compare_from_string(json_object_get_string(op)),
                        .value = value ? json_object_get_uint64(value) : 0,
                        .value_two = two ? json_object_get_uint64(two) : 0,
                };
                if (arg.index >= REGION_ARGS)
                        return bad_base(m, "a system call has arguments 0 to 5");
                g_array_append_val(out, arg);
        }
        *ret = g_steal_pointer(&out);
        return 0;
}

static void index_name(Merge *m, const char *name, BaseEntry *e)
{
        GPtrArray *entries = g_hash_table_lookup(m->base_names, name);

        if (!entries) {
                entries = g_ptr_array_new();
                g_hash_table_insert(m->base_names, g_strdup(name), entries);
        }
        g_ptr_array_add(entries, e);
}

static int read_base_entry(Merge *m, json_object *json)
{
        json_object *names;
        g_autoptr(BaseEntry) e = g_new0(BaseEntry, 1);
        g_autoptr(GArray) args = NULL;
        int r;

        if (!json_object_is_type(json, json_type_object) || !get(json, "action", json_type_string) ||
            !(names = get(json, "names", json_type_array)) || json_object_array_length(names) > NAMES_MAX)
                return bad_base(m, "an entry of 'syscalls' has no 'names' or no 'action'");
        r = read_args(m, get(json, "args", json_type_array), &args);
        if (r >= 0)
                r = region_from_args(args, &e->region);
        if (r < 0)
                return r;
        e->json = json;
        e->fate = read_fate(json, "action", "errnoRet");
        for (size_t i = 0; i < json_object_array_length(names); i++) {
                json_object *name = json_object_array_get_idx(names, i);

                if (!json_object_is_type(name, json_type_string))
                        return bad_base(m, "the name of a system call is no string");
                index_name(m, json_object_get_string(name), e);
        }
        g_ptr_array_add(m->base, g_steal_pointer(&e));
        return 0;
}

static int read_base(Merge *m, json_object *base)
{
        json_object *syscalls;

        m->base_default = fate_make(SYSCALL_ALLOW, -1);
        if (!base)
                return 0;
        if (!json_object_is_type(base, json_type_object) || !get(base, "defaultAction", json_type_string))
                return bad_base(m, "it has no 'defaultAction'");
        m->base_default = read_fate(base, "defaultAction", "defaultErrnoRet");
        syscalls = get(base, "syscalls", json_type_array);
        if (syscalls && json_object_array_length(syscalls) > ENTRIES_MAX)
                return bad_base(m, "it has too many entries");
        for (size_t i = 0; syscalls && i < json_object_array_length(syscalls); i++) {
                int r = read_base_entry(m, json_object_array_get_idx(syscalls, i));

                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- entries of the outcome --------------------------------------------------------------------------------------------------- */

static json_object *make_args(const GArray *args)
{
        json_object *out = json_object_new_array();

        for (guint i = 0; i < args->len; i++) {
                const SyscallArg *a = &g_array_index(args, SyscallArg, i);
                json_object *one = json_object_new_object();

                json_object_object_add(one, "index", json_object_new_int64(a->index));
                json_object_object_add(one, "value", json_object_new_uint64(a->value));
                if (a->op == SYSCALL_MASKED_EQ)
                        json_object_object_add(one, "valueTwo", json_object_new_uint64(a->value_two));
                json_object_object_add(one, "op", json_object_new_string(syscall_compare_to_string(a->op)));
                json_object_array_add(out, one);
        }
        return out;
}

/* @entry (taken): all but its names. */
static void add_entry(Merge *m, const char *name, json_object *entry)
{
        g_autofree char *key = g_strdup(json_object_to_json_string_ext(entry, JSON_C_TO_STRING_PLAIN));
        json_object *names = g_hash_table_lookup(m->grouped, key);

        if (names)
                json_object_put(entry);
        else {
                names = json_object_new_array();
                json_object_object_add(entry, "names", names);
                json_object_array_add(m->entries, entry);
                g_hash_table_insert(m->grouped, g_steal_pointer(&key), names);
        }
        json_object_array_add(names, json_object_new_string(name));
}

/* @like: whose conditions on the container it shares; may be NULL. */
static int add_region(Merge *m, const char *name, const Region *region, Fate fate, const BaseEntry *like)
{
        static const char *const conditions[] = {"includes", "excludes"};
        g_autoptr(GPtrArray) lists = NULL;
        int r = region_to_args(region, &lists);

        if (r < 0 || fate_same(fate, m->fate))
                return r;
        for (guint i = 0; i < lists->len; i++) {
                const GArray *args = lists->pdata[i];
                json_object *entry = json_object_new_object(), *value;

                json_object_object_add(entry, "action", json_object_new_string(syscall_action_to_string(fate.action)));
                if (fate.errno_ret >= 0)
                        json_object_object_add(entry, "errnoRet", json_object_new_int(fate.errno_ret));
                if (args->len > 0)
                        json_object_object_add(entry, "args", make_args(args));
                for (size_t c = 0; like && like->json && c < G_N_ELEMENTS(conditions); c++)
                        if (json_object_object_get_ex(like->json, conditions[c], &value) && value)
                                json_object_object_add(entry, conditions[c], json_object_get(value));
                add_entry(m, name, entry);
        }
        return 0;
}

/* An entry that the policy has nothing to say about, but for names that are taken out. */
static void keep_entry(Merge *m, const BaseEntry *e, GHashTable *taken)
{
        json_object *names = json_object_new_array(), *old = get(e->json, "names", json_type_array), *copy;

        for (size_t i = 0; i < json_object_array_length(old); i++) {
                json_object *name = json_object_array_get_idx(old, i);

                if (!fate_passes(e->fate.action) || !g_hash_table_contains(taken, json_object_get_string(name)))
                        json_object_array_add(names, json_object_get(name));
        }
        if (json_object_array_length(names) == 0) {
                json_object_put(names);
                return;
        }
        copy = json_object_new_object();
        json_object_object_foreach(e->json, key, value)
        {
                if (strcmp(key, "names") != 0)
                        json_object_object_add(copy, key, json_object_get(value));
        }
        json_object_object_add(copy, "names", names);
        json_object_array_add(m->entries, copy);
}

/* ---- one system call --------------------------------------------------------------------------------------------------------- */

static int meet_entry(Merge *m, const char *name, const Region *region, const BaseEntry *e, const GPtrArray *parts)
{
        for (guint i = 0; i < parts->len; i++) {
                const Part *p = parts->pdata[i];
                g_autoptr(GArray) both = NULL;
                int r = region_intersect(region, p->region, &both);

                if (r >= 0)
                        r = add_region(m, name, both, fate_stricter(e ? e->fate : m->base_default, p->fate), e);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What no entry of the base is about, where its default lets calls pass. */
static int meet_default(Merge *m, const char *name, const GPtrArray *entries, const GPtrArray *parts)
{
        g_autoptr(GArray) left = region_new(true);

        for (guint i = 0; entries && i < entries->len; i++) {
                Region *next;
                int r = region_subtract(left, ((const BaseEntry *)entries->pdata[i])->region, m->wish.ints, &next);

                if (r < 0)
                        return r;
                g_array_unref(left);
                left = next;
        }
        return meet_entry(m, name, left, NULL, parts);
}

static int meet_name(Merge *m, const char *name)
{
        g_autoptr(GPtrArray) parts = NULL;
        const GPtrArray *entries = g_hash_table_lookup(m->base_names, name);
        int r = oci_wish_parts(&m->wish, name, &parts);

        for (guint i = 0; r >= 0 && entries && i < entries->len; i++) {
                const BaseEntry *e = entries->pdata[i];

                if (fate_passes(e->fate.action))
                        r = meet_entry(m, name, e->region, e, parts);
        }
        if (r >= 0 && fate_passes(m->base_default.action))
                r = meet_default(m, name, entries, parts);
        if (r == -E2BIG)
                diag_error(m->diag, &m->wish.policy->pos, "too-big",
                           "the conditions on the system call %s are too many to be worked into one profile", name);
        return r;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int meet_all(Merge *m)
{
        g_autoptr(GHashTable) taken = g_hash_table_new(g_str_hash, g_str_equal);
        g_autofree const char **names = NULL;
        GHashTableIter i;
        gpointer name;
        guint n;

        g_hash_table_iter_init(&i, m->wish.wanted);
        while (g_hash_table_iter_next(&i, &name, NULL))
                g_hash_table_add(taken, name);
        g_hash_table_iter_init(&i, m->base_names);
        while (!fate_same(m->wish.fallback, fate_make(SYSCALL_ALLOW, -1)) && g_hash_table_iter_next(&i, &name, NULL))
                g_hash_table_add(taken, name);
        for (guint k = 0; k < m->base->len; k++)
                keep_entry(m, m->base->pdata[k], taken);

        names = (const char **)g_hash_table_get_keys_as_array(taken, &n);
        qsort(names, n, sizeof(*names), compare_names);
        for (guint k = 0; k < n; k++) {
                int r = meet_name(m, names[k]);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- the whole --------------------------------------------------------------------------------------------------------------- */

/* What a machine runs beside its own. A list of what is denied is for all of it, else another ABI would go around it. */
static uint32_t host_arches(SyscallArch native)
{
        switch (native) {
        case ARCH_X86_64:
                return 1U << ARCH_X86_64 | 1U << ARCH_X86 | 1U << ARCH_X32;
        case ARCH_AARCH64:
                return 1U << ARCH_AARCH64 | 1U << ARCH_ARM;
        case ARCH_S390X:
                return 1U << ARCH_S390X | 1U << ARCH_S390;
        default:
                return 1U << native;
        }
}

static json_object *make_arches(const Policy *p, SyscallArch native)
{
        uint32_t arches = host_arches(native);
        json_object *out = json_object_new_array();

        if (policy_lists_syscalls(p))
                arches &= p->depth[ENFORCER_SECCOMP].arches | 1U << native;
        json_object_array_add(out, json_object_new_string(syscall_arch_to_string(native)));
        for (SyscallArch a = 0; a < _SYSCALL_ARCH_MAX; a++)
                if (arches & 1U << a && a != native)
                        json_object_array_add(out, json_object_new_string(syscall_arch_to_string(a)));
        return out;
}

static void add_log_flag(json_object *profile, json_object *base)
{
        static const char flag[] = "SECCOMP_FILTER_FLAG_LOG";
        json_object *flags = json_object_new_array(), *old = base ? get(base, "flags", json_type_array) : NULL;

        for (size_t i = 0; old && i < json_object_array_length(old); i++) {
                json_object *one = json_object_array_get_idx(old, i);

                if (g_strcmp0(json_object_get_string(one), flag) != 0)
                        json_object_array_add(flags, json_object_get(one));
        }
        json_object_array_add(flags, json_object_new_string(flag));
        json_object_object_add(profile, "flags", flags);
}

static json_object *make_profile(Merge *m, const SeccompHost *host, json_object *base)
{
        json_object *out = json_object_new_object();

        json_object_object_add(out, "defaultAction", json_object_new_string(syscall_action_to_string(m->fate.action)));
        if (m->fate.errno_ret >= 0)
                json_object_object_add(out, "defaultErrnoRet", json_object_new_int(m->fate.errno_ret));
        if (base) {
                json_object_object_foreach(base, key, value)
                {
                        if (!g_strv_contains((const char *const[]){"defaultAction", "defaultErrnoRet", "defaultErrno", "syscalls", NULL},
                                             key))
                                json_object_object_add(out, key, json_object_get(value));
                }
        } else
                json_object_object_add(out, "architectures", make_arches(m->wish.policy, host->native));
        if (m->wish.log)
                add_log_flag(out, base);
        json_object_object_add(out, "syscalls", json_object_get(m->entries));
        return out;
}

static void merge_done(Merge *m)
{
        g_hash_table_unref(m->wish.wanted);
        g_hash_table_unref(m->base_names);
        g_ptr_array_unref(m->base);
        g_hash_table_unref(m->grouped);
        json_object_put(m->entries);
}

int oci_seccomp(const Policy *p, const SeccompHost *host, json_object *base, json_object **ret, Diag *d)
{
        Merge m = {
                .wish = {.policy = p, .wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref)},
                .base = g_ptr_array_new_with_free_func((GDestroyNotify)base_entry_free),
                .base_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref),
                .entries = json_object_new_array(),
                .grouped = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                .diag = d,
        };
        int r = oci_wish_read(&m.wish, host, d);

        if (r >= 0)
                r = read_base(&m, base);
        m.fate = fate_stricter(m.base_default, m.wish.fallback);
        m.wish.ints = !fate_passes(m.fate.action);
        if (r >= 0 && (int)m.fate.action < 0)
                r = bad_base(&m, "its 'defaultAction' is not known");
        if (r >= 0)
                r = meet_all(&m);
        if (r >= 0)
                *ret = make_profile(&m, host, base);
        else if (d->n_errors == 0)
                diag_error(d, &p->pos, "too-big", "the conditions on system calls are too many to be worked into one profile");
        merge_done(&m);
        return r;
}
