// SPDX-License-Identifier: GPL-2.0-only

/* Shares: how much of the event buffer somebody may fill, so that whoever is denied without end, always something else,
 * leaves room for what is to be told of others. Who has filled as much as is free has to wait until the daemon has read all
 * of it: that holds for a unit, and for a process within what is left to its unit. So one unit fills half of the buffer at
 * most, a second one a quarter, and one process a third; and what the daemon has to do does not grow with their zeal. */

#include "state.bpf.h"

#define SOURCES_MAX 4096
#define RECORD_HEAD 8 /* include/uapi/linux/bpf.h: BPF_RINGBUF_HDR_SZ */

struct source_key {
        __u64 home;
        __u64 pid; /* 0: the whole unit */
};

struct source {
        __u64 end;   /* where in the buffer its last event ends */
        __u64 bytes; /* of its events since the daemon had read all of the unit's */
        __u64 round; /* of a unit: how often that was so; of a process: when @bytes are from */
};

/* The least used make room for others, who begin anew. */
struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __uint(max_entries, SOURCES_MAX);
        __type(key, struct source_key);
        __type(value, struct source);
} va_sources SEC(".maps");

static __always_inline struct source *source_of(const struct source_key *key)
{
        struct source *x = bpf_map_lookup_elem(&va_sources, key), first = {};

        if (x)
                return x;
        bpf_map_update_elem(&va_sources, key, &first, BPF_NOEXIST);
        return bpf_map_lookup_elem(&va_sources, key);
}

__attribute__((noinline)) int va_take_share(struct va_scratch *s, __u32 size)
{
        __u64 seen, end, room;
        struct source_key key = {};
        struct source *unit, *process;

        if (!s)
                return 0;
        seen = bpf_ringbuf_query(&va_events, BPF_RB_CONS_POS);
        end = bpf_ringbuf_query(&va_events, BPF_RB_PROD_POS);
        room = bpf_ringbuf_query(&va_events, BPF_RB_RING_SIZE) - (end - seen);
        key.home = s->id.home;
        unit = source_of(&key);
        key.pid = s->event.pid;
        process = source_of(&key);
        if (!unit || !process)
                return 1; /* nobody counts: first come, first served */
        if (unit->end <= seen) {
                unit->bytes = 0;
                unit->round++;
        }
        if (process->round != unit->round) {
                process->round = unit->round;
                process->bytes = 0;
        }
        size = (size + RECORD_HEAD + 7) & ~7U;
        if (unit->bytes + size > room || unit->bytes + process->bytes + size > room)
                return 0;
        unit->end = end + size;
        __sync_fetch_and_add(&unit->bytes, size);
        __sync_fetch_and_add(&process->bytes, size);
        return 1;
}
