/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The BPF enforcer: the interface of enforcer.h over tables, labels and events. */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "compile.h"
#include "hooks.h"
#include "internal.h"
#include "util.h"

#define PIN_DIRECTORY "/sys/fs/bpf/varmor"
#define LOCK_DIRECTORY "/run/varmor"
#define LOCK_FILE LOCK_DIRECTORY "/bpf.lock"

static int no_output(enum libbpf_print_level level, const char *format, va_list args)
{
        return 0;
}

/* Two daemons would undo each other's work. */
static int take_lock(Enforcer *e, Diag *d)
{
        int r;

        if (mkdir(LOCK_DIRECTORY, 0755) < 0 && errno != EEXIST)
                return -errno;
        e->lock = RET_ERRNO(open(LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (e->lock < 0)
                return e->lock;
        r = RET_ERRNO(flock(e->lock, LOCK_EX | LOCK_NB));
        if (r == -EWOULDBLOCK) {
                diag_error(d, NULL, "locked", "another varmord holds " LOCK_FILE);
                return -EBUSY;
        }

        return r;
}

static int map_state(Enforcer *e)
{
        void *p = mmap(NULL, sizeof(*e->state), PROT_READ | PROT_WRITE, MAP_SHARED, e->pins.maps[MAP_STATE], 0);

        if (p == MAP_FAILED)
                return -errno;
        e->state = p;
        if (e->state->epoch == 0)
                e->state->epoch = 1;
        if (e->state->seed == 0 && getrandom(&e->state->seed, sizeof(e->state->seed), GRND_NONBLOCK) < 0)
                e->state->seed = (uint64_t)g_random_int() << 32 | g_random_int();
        return 0;
}

static void enforcer_close(Enforcer *e)
{
        if (!e)
                return;
        records_close(e);
        ring_buffer__free(e->ring);
        g_clear_pointer(&e->repeats, g_hash_table_unref);
        if (e->state)
                (void)munmap(e->state, sizeof(*e->state));
        g_clear_pointer(&e->targets, g_bytes_unref);
        pins_done(&e->pins);
        g_free(e->slots);
        (void)fd_close(e->netlink);
        g_free(e->needs);
        g_hash_table_unref(e->failed);
        (void)fd_close(e->lock);
        g_free(e);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Enforcer, enforcer_close)

/* Attaches what the tables need that are in force, before what another build has attached for them goes. */
static int attach_all(Enforcer *e, Diag *d)
{
        int r = slots_load(e);

        if (r >= 0)
                r = needs_load(e);
        if (r < 0) {
                diag_error(d, NULL, "bpf-open", "cannot read what is in force: %s", g_strerror(-r));
                return r;
        }
        r = needs_restore(e);
        if (r >= 0)
                r = pins_commit(&e->pins);
        if (r < 0)
                diag_error(d, NULL, "bpf-attach", "cannot attach the BPF programs that the rules in force need: %s",
                           g_strerror(-r));
        return r;
}

static int enforcer_open(const EnforcerEnv *env, Enforcer **ret, Diag *d)
{
        g_autoptr(Enforcer) e = g_new0(Enforcer, 1);
        int r;

        e->env = env;
        e->lock = -EBADF;
        e->netlink = -EBADF;
        for (PinnedMap m = 0; m < _MAP_MAX; m++)
                e->pins.maps[m] = -EBADF;
        e->slots = g_new0(struct va_slot, VA_POLICIES_MAX);
        e->needs = g_new0(uint32_t, VA_POLICIES_MAX + 1);
        e->failed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        (void)libbpf_set_print(no_output);

        r = take_lock(e, d);
        if (r < 0)
                return r;
        r = pins_open(PIN_DIRECTORY, &e->pins, d);
        if (r >= 0)
                r = attach_all(e, d);
        if (r < 0)
                return r;
        r = map_state(e);
        if (r >= 0)
                r = launchers_load(e);
        if (r >= 0)
                r = events_open(e);
        if (r >= 0)
                r = addresses_open(e, ring_buffer__epoll_fd(e->ring));
        if (r >= 0)
                r = records_open(e, ring_buffer__epoll_fd(e->ring));
        if (r < 0) {
                diag_error(d, NULL, "bpf-open", "cannot use the pinned maps: %s", g_strerror(-r));
                return r;
        }
        __atomic_store_n(&e->state->self_pid, (uint32_t)getpid(), __ATOMIC_SEQ_CST);
        *ret = g_steal_pointer(&e);
        return 0;
}

static int enforcer_shutdown(Enforcer *e)
{
        return pins_remove(PIN_DIRECTORY);
}

static bool enforcer_only_records(Enforcer *e)
{
        return e->pins.traced;
}

static int enforcer_apply(Enforcer *e, const char *policy, const Profile *p)
{
        int r = tables_apply(e, policy, p);

        if (r < 0)
                g_hash_table_add(e->failed, g_strdup(policy));
        else
                g_hash_table_remove(e->failed, policy);
        return r;
}

static int enforcer_remove(Enforcer *e, const char *policy)
{
        g_hash_table_remove(e->failed, policy);
        return tables_remove(e, policy);
}

static int enforcer_cover(Enforcer *e, GBytes *targets, const char *const *policies)
{
        int r = launchers_load(e); /* a package upgrade may have replaced one */

        if (r >= 0)
                r = labels_cover(e, targets, policies);
        if (r < 0)
                return r;
        /* What the configuration wants is in force here: now another version's daemon is not needed any more. */
        if (g_hash_table_size(e->failed) == 0)
                pins_drop_others(&e->pins);
        return 0;
}

static int enforcer_applied(Enforcer *e, const char *policy, char ret_digest[static 65])
{
        int slot = slot_find(e, policy);

        g_strlcpy(ret_digest, slot >= 0 ? e->slots[slot].digest : "", 65);
        return 0;
}

static char **enforcer_policies(Enforcer *e)
{
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();

        for (unsigned slot = 0; slot < VA_POLICIES_MAX && e->slots[slot].used; slot++)
                if (e->slots[slot].digest[0])
                        g_strv_builder_add(names, e->slots[slot].name);
        return g_strv_builder_end(names);
}

static int enforcer_fd(Enforcer *e)
{
        return ring_buffer__epoll_fd(e->ring);
}

/* A record is a line that is appended, microseconds, and comes once; an event becomes an alarm, and may come without end. */
#define RECORDS_FOR_EVENT 8U

static int enforcer_dispatch(Enforcer *e, unsigned max)
{
        int r;

        addresses_dispatch(e);
        r = records_dispatch(e, max * RECORDS_FOR_EVENT);
        return r < 0 ? r : events_dispatch(e, max);
}

/* Some programs only report what others do. */
static bool only_reports(const PinnedProgram *p)
{
        return p->needs == VA_NEED_SECCOMP || p->needs == VA_NEED_APPARMOR;
}

static uint64_t misses_of(const PinnedProgram *p)
{
        struct bpf_prog_info info = {};
        __u32 size = sizeof(info);

        return bpf_obj_get_info_by_fd(p->fd, &info, &size) < 0 ? 0 : info.recursion_misses;
}

uint64_t enforcer_skipped(Enforcer *e)
{
        uint64_t n = 0;

        for (guint i = 0; i < e->pins.programs->len; i++) {
                const PinnedProgram *p = &g_array_index(e->pins.programs, PinnedProgram, i);

                if (!only_reports(p))
                        n += misses_of(p);
        }
        return n;
}

static int enforcer_counters(Enforcer *e, EnforcerCounters *ret)
{
        EnforcerCounters c = {
                /* What is denied since no scratch is free has no event either. */
                .events_lost = __atomic_load_n(&e->state->events_lost, __ATOMIC_RELAXED) +
                               __atomic_load_n(&e->state->scratch_lost, __ATOMIC_RELAXED),
                .labels_lost = __atomic_load_n(&e->state->labels_lost, __ATOMIC_RELAXED),
        };

        for (guint i = 0; i < e->pins.programs->len; i++) {
                const PinnedProgram *p = &g_array_index(e->pins.programs, PinnedProgram, i);
                if (only_reports(p))
                        c.events_lost += misses_of(p);
        }
        c.programs_skipped = enforcer_skipped(e);
        *ret = c;
        return 0;
}

static EnforcerCounters enforcer_told(Enforcer *e)
{
        return (EnforcerCounters){
                .events_lost = e->state->told_events,
                .labels_lost = e->state->told_labels,
                .programs_skipped = e->state->told_skipped,
        };
}

static void enforcer_tell(Enforcer *e, const EnforcerCounters *c)
{
        e->state->told_events = c->events_lost;
        e->state->told_labels = c->labels_lost;
        e->state->told_skipped = c->programs_skipped;
}

const EnforcerOps bpf_enforcer_ops = {
        .name = "bpf",
        .kind = ENFORCER_BPF,
        .kinds = BPF_KINDS,
        .modes = BPF_MODES,
        .records = MODEL_KINDS_ALL,
        .flags = ENFORCER_LIVE | ENFORCER_AUDIT | ENFORCER_OBSERVE | ENFORCER_ALLOWLIST,
        .open = enforcer_open,
        .close = enforcer_close,
        .shutdown = enforcer_shutdown,
        .compile = bpf_compile,
        .apply = enforcer_apply,
        .remove = enforcer_remove,
        .cover = enforcer_cover,
        .applied = enforcer_applied,
        .policies = enforcer_policies,
        .fd = enforcer_fd,
        .dispatch = enforcer_dispatch,
        .repeats = events_repeats,
        .counters = enforcer_counters,
        .told = enforcer_told,
        .tell = enforcer_tell,
        .tidy = needs_tidy,
        .watch = needs_watch,
        .cgroup_path = labels_cgroup_path,
        .recorded = records_of,
        .only_records = enforcer_only_records,
        .pid_confined = labels_pid_confined,
};
