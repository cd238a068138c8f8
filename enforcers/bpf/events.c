/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Events: from the ring buffer to EnforcerEvent, in words. The kernel side writes them; still nothing in them is used as
 * a size or an index before it is checked. */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/audit.h>
#include <string.h>
#include <time.h>

#include "internal.h"
#include "objects.h"

/* Indexed by VA_OP_*. */
static const char *const operations[VA_OP_MAX] = {
        [VA_OP_OPEN] = "open",         [VA_OP_CREATE] = "create",         [VA_OP_MKDIR] = "mkdir",
        [VA_OP_RMDIR] = "rmdir",       [VA_OP_UNLINK] = "unlink",         [VA_OP_SYMLINK] = "symlink",
        [VA_OP_LINK] = "link",         [VA_OP_RENAME] = "rename",         [VA_OP_TRUNCATE] = "truncate",
        [VA_OP_CHMOD] = "chmod",       [VA_OP_CHOWN] = "chown",           [VA_OP_EXEC] = "exec",
        [VA_OP_MMAP] = "mmap",         [VA_OP_MPROTECT] = "mprotect",     [VA_OP_RECEIVE] = "receive",
        [VA_OP_MOUNT] = "mount",       [VA_OP_MOVE_MOUNT] = "move_mount", [VA_OP_PIVOT_ROOT] = "pivot_root",
        [VA_OP_BPF] = "bpf",           [VA_OP_KILL] = "kill",             [VA_OP_PTRACE] = "ptrace",
        [VA_OP_CONNECT] = "connect",   [VA_OP_UTIMES] = "utimes",         [VA_OP_SETXATTR] = "setxattr",
        [VA_OP_MKNOD] = "mknod",       [VA_OP_UMOUNT] = "umount",         [VA_OP_CONTROL] = "control",
        [VA_OP_MOVE] = "move",         [VA_OP_CAPABLE] = "capable",       [VA_OP_SOCKET] = "socket",
        [VA_OP_SENDMSG] = "sendmsg",   [VA_OP_BIND] = "bind",             [VA_OP_LISTEN] = "listen",
        [VA_OP_ACCEPT] = "accept",     [VA_OP_REMOUNT] = "remount",       [VA_OP_USERNS_CREATE] = "userns_create",
        [VA_OP_SECCOMP] = "seccomp",   [VA_OP_APPARMOR] = "apparmor",     [VA_OP_FCNTL] = "fcntl",       [VA_OP_IOCTL] = "ioctl",       [VA_OP_URING_CREDS] = "uring_override_creds",
        [VA_OP_USERNS_JOIN] = "userns_join", [VA_OP_SETSOCKOPT] = "setsockopt", [VA_OP_USERFAULTFD] = "userfaultfd",
};

_Static_assert((int)VA_REASON_RULE == (int)REASON_RULE && (int)VA_REASON_NO_PATH == (int)REASON_NO_PATH &&
                       (int)VA_REASON_SECOND_NAME == (int)REASON_SECOND_NAME &&
                       (int)VA_REASON_BASE == (int)REASON_BASE && (int)VA_REASON_DEFAULT == (int)REASON_DEFAULT,
               "the same order on both sides");
_Static_assert((int)VA_ACTION_DENIED == (int)ACTION_DENIED && (int)VA_ACTION_AUDIT == (int)ACTION_AUDIT &&
                       (int)VA_ACTION_ALLOWED == (int)ACTION_ALLOWED,
               "the same order on both sides");

_Static_assert(sizeof(((AuditOrigin *)NULL)->args) == sizeof(((struct va_call *)NULL)->args), "one as long as the other");

static OpKind kind_of(uint32_t kind)
{
        switch (kind) {
        case VA_KIND_EGRESS_UNIX: return OP_EGRESS;
        case VA_KIND_INGRESS_UNIX: return OP_INGRESS;
        case VA_KIND_NAMED: return OP_NAMED;
        default: return (OpKind)kind;
        }
}

/* What was handed out under a key, for when it recurs. */
typedef struct Repeat {
        uint64_t told; /* of the map's count */
        size_t size;
        uint8_t event[]; /* struct va_event and its paths */
} Repeat;

/* An event of which nothing came for so long is sent again when it recurs. */
#define REPEAT_IDLE_NS (10ULL * 1000 * 1000 * 1000)

/* Who caused a record. */
static void hand_out_origin(Enforcer *e, const struct va_event *v, uint64_t count)
{
        const char *policies[VA_COVER_MAX + 1] = {NULL};
        AuditOrigin origin = {
                .type = v->op == VA_OP_SECCOMP ? AUDIT_SECCOMP : AUDIT_AVC,
                .pid = (pid_t)v->pid,
                .tid = (pid_t)v->tid,
                .uid = v->uid,
                .cgroup_id = v->cgroup,
                .time_usec = v->time_ns / 1000,
                .count = count,
                .policies = policies,
        };
        struct va_call call;
        unsigned n = 0;

        if (v->size != sizeof(call) || !e->env->on_origin)
                return;
        memcpy(&call, v + 1, sizeof(call));
        for (uint32_t i = 0; i < MIN(call.cover.n, VA_COVER_MAX); i++)
                if (call.cover.slot[i] < VA_POLICIES_MAX && e->slots[call.cover.slot[i]].used)
                        policies[n++] = e->slots[call.cover.slot[i]].name;
        origin.syscall = call.nr;
        origin.arch = call.arch;
        origin.code = call.code;
        memcpy(origin.args, call.args, sizeof(origin.args));
        memcpy(origin.comm, v->comm, sizeof(origin.comm));
        origin.comm[sizeof(origin.comm) - 1] = '\0';
        e->env->on_origin(&origin, e->env->userdata);
}

static void hand_out(Enforcer *e, const struct va_event *v, size_t size, uint64_t count)
{
        const uint8_t *bytes = (const uint8_t *)(v + 1);
        g_autoptr(GBytes) object = NULL;
        const struct va_slot *slot;
        EnforcerEvent event;

        if (size < sizeof(*v) + v->size + v->size2 || v->slot >= VA_POLICIES_MAX || v->op >= VA_OP_MAX ||
            v->reason >= _REASON_MAX || v->action >= _ACTION_MAX || v->kind >= VA_KIND_MAX)
                return;
        if (v->op == VA_OP_SECCOMP || v->op == VA_OP_APPARMOR) {
                hand_out_origin(e, v, count);
                return;
        }
        slot = &e->slots[v->slot];
        object = objects_format(v->kind, bytes, v->size);
        event = (EnforcerEvent){
                .enforcer = ENFORCER_BPF,
                .policy = slot->name,
                .generation = v->generation,
                .rule = v->rule == VA_NO_RULE ? -1 : v->rule,
                .reason = (EventReason)v->reason,
                .action = (Action)v->action,
                .operation = operations[v->op],
                .kind = kind_of(v->kind),
                .requested = v->kind == VA_KIND_FILE || v->kind == VA_KIND_PTRACE ? v->requested : 0,
                .object = g_bytes_get_data(object, NULL),
                .object_size = g_bytes_get_size(object),
                .object2 = v->size2 > 0 ? bytes + v->size : NULL,
                .object2_size = v->size2,
                .cgroup_id = v->cgroup,
                .time_usec = v->time_ns / 1000,
                .count = count,
                .pid = (pid_t)v->pid,
                .tid = (pid_t)v->tid,
                .uid = v->uid,
        };
        if (slot->used && slot->generation == v->generation)
                g_strlcpy(event.digest, slot->digest, sizeof(event.digest));
        memcpy(event.comm, v->comm, sizeof(event.comm));
        event.comm[sizeof(event.comm) - 1] = '\0';
        e->env->on_event(&event, e->env->userdata);
}

static void remember(Enforcer *e, const struct va_event *v, size_t size)
{
        Repeat *r;

        if (!v->key || g_hash_table_size(e->repeats) >= 2 * VA_REPEATS_MAX)
                return;
        r = g_malloc(sizeof(*r) + size);
        r->told = 0;
        r->size = size;
        memcpy(r->event, v, size);
        g_hash_table_replace(e->repeats, g_memdup2(&v->key, sizeof(v->key)), r);
}

/* A negative return ends the round, with this event consumed. */
static int on_sample(void *userdata, void *data, size_t size)
{
        Enforcer *e = userdata;

        if (size >= sizeof(struct va_event)) {
                hand_out(e, data, size, 1);
                remember(e, data, size);
        }
        return --e->dispatch_left == 0 ? -EAGAIN : 0;
}

int events_open(Enforcer *e)
{
        e->repeats = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
        e->ring = ring_buffer__new(e->pins.maps[MAP_EVENTS], on_sample, e, NULL);
        return e->ring ? 0 : -errno;
}

int events_dispatch(Enforcer *e, unsigned max)
{
        int r;

        if (max == 0)
                return 0;
        e->dispatch_left = max;
        r = ring_buffer__consume(e->ring);
        return r == -EAGAIN ? 0 : MIN(r, 0);
}

/* ---- what recurred ------------------------------------------------------------------------------------------------- */

static GArray *repeat_keys(Enforcer *e)
{
        GArray *keys = g_array_new(FALSE, FALSE, sizeof(__u64));
        int map = e->pins.maps[MAP_REPEATS];
        __u64 key, *previous = NULL;

        while (keys->len < VA_REPEATS_MAX && bpf_map_get_next_key(map, previous, &key) >= 0) {
                g_array_append_val(keys, key);
                previous = &g_array_index(keys, __u64, keys->len - 1);
        }
        return keys;
}

static void tell(Enforcer *e, Repeat *r, const struct va_repeat *now)
{
        if (now->count <= r->told)
                return;
        hand_out(e, (const struct va_event *)r->event, r->size, now->count - r->told);
        r->told = now->count;
}

/* Takes @key out of the map. What nobody can put a name to is lost. */
static void drop(Enforcer *e, const __u64 *key, Repeat *r)
{
        struct va_repeat now;

        if (bpf_map_lookup_and_delete_elem(e->pins.maps[MAP_REPEATS], key, &now) >= 0) {
                if (r)
                        tell(e, r, &now);
                else
                        __atomic_add_fetch(&e->state->events_lost, now.count, __ATOMIC_RELAXED);
        }
        g_hash_table_remove(e->repeats, key);
}

int events_repeats(Enforcer *e)
{
        g_autoptr(GArray) keys = repeat_keys(e);
        struct timespec ts;
        uint64_t now_ns;
        bool more = false;

        (void)clock_gettime(CLOCK_BOOTTIME, &ts);
        now_ns = (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
        for (guint i = 0; i < keys->len; i++) {
                const __u64 *key = &g_array_index(keys, __u64, i);
                Repeat *r = g_hash_table_lookup(e->repeats, key);
                struct va_repeat now;

                if (bpf_map_lookup_elem(e->pins.maps[MAP_REPEATS], key, &now) < 0)
                        continue;
                /* Without a memory of it, it was told to a daemon before this one: the next is sent again. */
                if (!r || now_ns > now.last_ns + REPEAT_IDLE_NS) {
                        drop(e, key, r);
                        continue;
                }
                tell(e, r, &now);
                more = true;
        }
        if (!more)
                g_hash_table_remove_all(e->repeats);
        return more;
}
