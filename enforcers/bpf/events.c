/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Events: from the ring buffer to EnforcerEvent, in words. The kernel side writes them; still nothing in them is used as
 * a size or an index before it is checked. */

#include <bpf/libbpf.h>
#include <string.h>

#include "internal.h"

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
        [VA_OP_MOVE] = "move",
};

_Static_assert((int)VA_REASON_RULE == (int)REASON_RULE && (int)VA_REASON_NO_PATH == (int)REASON_NO_PATH &&
                       (int)VA_REASON_SECOND_NAME == (int)REASON_SECOND_NAME &&
                       (int)VA_REASON_BASE == (int)REASON_BASE && (int)VA_REASON_DEFAULT == (int)REASON_DEFAULT,
               "the same order on both sides");
_Static_assert((int)VA_ACTION_DENIED == (int)ACTION_DENIED && (int)VA_ACTION_AUDIT == (int)ACTION_AUDIT &&
                       (int)VA_ACTION_ALLOWED == (int)ACTION_ALLOWED,
               "the same order on both sides");

static void hand_out(Enforcer *e, const struct va_event *v, size_t size)
{
        const uint8_t *bytes = (const uint8_t *)(v + 1);
        const struct va_slot *slot;
        EnforcerEvent event;

        if (size < sizeof(*v) + v->size + v->size2 || v->slot >= VA_POLICIES_MAX || v->op >= VA_OP_MAX ||
            v->reason >= _REASON_MAX || v->action >= _ACTION_MAX)
                return;
        slot = &e->slots[v->slot];
        event = (EnforcerEvent){
                .enforcer = ENFORCER_BPF,
                .policy = slot->name,
                .generation = v->generation,
                .rule = v->rule == VA_NO_RULE ? -1 : v->rule,
                .reason = (EventReason)v->reason,
                .action = (Action)v->action,
                .operation = operations[v->op],
                .requested = v->requested,
                .object = bytes,
                .object_size = v->size,
                .object2 = v->size2 > 0 ? bytes + v->size : NULL,
                .object2_size = v->size2,
                .cgroup_id = v->cgroup,
                .time_usec = v->time_ns / 1000,
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

/* A negative return ends the round, with this event consumed. */
static int on_sample(void *userdata, void *data, size_t size)
{
        Enforcer *e = userdata;

        if (size >= sizeof(struct va_event))
                hand_out(e, data, size);
        return --e->dispatch_left == 0 ? -EAGAIN : 0;
}

int events_open(Enforcer *e)
{
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
