/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records: what recordings write down, from the kernel to the daemon. Of each policy that is recorded there is what the kernel knows
 * (struct va_recording) and, here, what of its system calls was handed out; another daemon hands them out again. */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "internal.h"
#include "record.h"

/* So many at once are taken out of va_seen. */
#define SEEN_BATCH 4096

typedef struct Recorder {
        uint32_t salt;
        uint64_t told[2][VA_CALLS_WORDS]; /* of va_recording.calls */
        uint64_t unread[_MODEL_KIND_MAX]; /* records that no model can hold */
} Recorder;

static int recording_get(Enforcer *e, uint32_t slot, struct va_recording *ret)
{
        return bpf_map_lookup_elem(e->pins.maps[MAP_RECORDINGS], &slot, ret);
}

static int recording_put(Enforcer *e, uint32_t slot, const struct va_recording *r)
{
        return bpf_map_update_elem(e->pins.maps[MAP_RECORDINGS], &slot, r, BPF_ANY);
}

/* Runs of programs that saw nothing, of whatever on the host. */
static uint64_t unseen(Enforcer *e)
{
        return enforcer_skipped(e) + __atomic_load_n(&e->state->scratch_lost, __ATOMIC_RELAXED);
}

static Recorder *recorder_of(Enforcer *e, uint32_t slot)
{
        return g_hash_table_lookup(e->recorders, GUINT_TO_POINTER(slot));
}

static void recorder_add(Enforcer *e, uint32_t slot, uint32_t salt)
{
        Recorder *r = g_new0(Recorder, 1);

        r->salt = salt;
        g_hash_table_replace(e->recorders, GUINT_TO_POINTER(slot), r);
}

static void hand_out(Enforcer *e, uint32_t slot, Recorder *r, const ModelOp *op)
{
        if (model_op_check(op))
                r->unread[op->kind]++;
        else if (e->env->on_record)
                e->env->on_record(e->slots[slot].name, op, e->env->userdata);
}

/* What is recorded is sent once more when it is done again. */
static void forget_all(Enforcer *e)
{
        g_autofree uint64_t *keys = g_new(uint64_t, SEEN_BATCH);
        g_autofree uint8_t *values = g_new(uint8_t, SEEN_BATCH);
        LIBBPF_OPTS(bpf_map_batch_opts, opts);
        uint32_t at = 0, n;
        int r;

        e->records_seen = 0;
        for (unsigned i = 0; i <= 2 * VA_SEEN_MAX / SEEN_BATCH; i++) {
                n = SEEN_BATCH;
                r = bpf_map_lookup_and_delete_batch(e->pins.maps[MAP_SEEN], i > 0 ? &at : NULL, &at, keys, values, &n, &opts);
                if (r < 0)
                        return;
        }
}

/* ---- the ring --------------------------------------------------------------------------------------------------------------- */

/* A negative return ends the round, with this record consumed. */
static int on_sample(void *userdata, void *data, size_t size)
{
        Enforcer *e = userdata;
        const struct va_record *v = data;
        Recorder *r = size >= sizeof(*v) && v->slot < VA_POLICIES_MAX ? recorder_of(e, v->slot) : NULL;
        RecordOps ops;

        if (r && r->salt == v->salt && v->kind < VA_RECORD_MAX) {
                if (!record_ops(v, size, &ops))
                        r->unread[record_kind(v->kind)]++;
                for (unsigned i = 0; i < ops.n; i++)
                        hand_out(e, v->slot, r, &ops.op[i]);
                record_ops_clear(&ops);
        }
        e->records_seen++;
        return --e->records_left == 0 ? -EAGAIN : 0;
}

int records_dispatch(Enforcer *e, unsigned max)
{
        int r;

        if (max == 0 || !e->records)
                return 0;
        e->records_left = max;
        r = ring_buffer__consume(e->records);
        /* The programs have no place left to know anything by, and send all that is done each time. */
        if (e->records_seen >= VA_SEEN_MAX)
                forget_all(e);
        return r == -EAGAIN ? 0 : MIN(r, 0);
}

int records_open(Enforcer *e, int epoll)
{
        struct epoll_event readable = {.events = EPOLLIN};

        e->recorders = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        for (uint32_t slot = 0; slot < VA_POLICIES_MAX && e->slots[slot].used; slot++) {
                struct va_recording now;
                int r = recording_get(e, slot, &now);

                if (r < 0)
                        return r;
                if (now.on)
                        recorder_add(e, slot, now.salt);
        }
        e->records = ring_buffer__new(e->pins.maps[MAP_RECORDS], on_sample, e, NULL);
        if (!e->records)
                return -errno;
        return epoll_ctl(epoll, EPOLL_CTL_ADD, ring_buffer__epoll_fd(e->records), &readable) < 0 ? -errno : 0;
}

void records_close(Enforcer *e)
{
        ring_buffer__free(e->records);
        g_clear_pointer(&e->recorders, g_hash_table_unref);
}

/* ---- system calls ------------------------------------------------------------------------------------------------------------- */

static void hand_out_call(Enforcer *e, uint32_t slot, Recorder *r, uint32_t nr)
{
        g_autofree char *name = record_call(nr);

        hand_out(e, slot, r, &(ModelOp){.kind = MODEL_SYSCALL, .object = name, .count = 1});
}

static void hand_out_calls(Enforcer *e, uint32_t slot, Recorder *r, const struct va_recording *now)
{
        for (unsigned abi = 0; abi < 2; abi++)
                for (unsigned word = 0; word < VA_CALLS_WORDS; word++) {
                        uint64_t new = now->calls[abi][word] & ~r->told[abi][word];

                        /* Models know the native ABI alone, and a list made of one would end whoever uses the other. */
                        if (abi == VA_CALLS_COMPAT)
                                r->unread[MODEL_SYSCALL] += (unsigned)__builtin_popcountll(new);
                        for (; new && abi == VA_CALLS_NATIVE; new &= new - 1)
                                hand_out_call(e, slot, r, word * 64 + (uint32_t)__builtin_ctzll(new));
                        r->told[abi][word] |= now->calls[abi][word];
                }
}

/* ---- the life of a recording ---------------------------------------------------------------------------------------------------- */

int records_begin(Enforcer *e, uint32_t slot)
{
        struct va_recording r;
        int k = recording_get(e, slot, &r);

        if (k < 0)
                return k;
        if (r.on && recorder_of(e, slot))
                return 0;
        r = (struct va_recording){.on = 1, .salt = g_random_int(), .skipped = unseen(e)};
        recorder_add(e, slot, r.salt);
        return recording_put(e, slot, &r);
}

int records_end(Enforcer *e, uint32_t slot)
{
        struct va_recording r;
        int k;

        if (!recorder_of(e, slot))
                return 0;
        k = recording_get(e, slot, &r);
        if (k >= 0 && r.on) {
                r.on = 0;
                k = recording_put(e, slot, &r);
        }
        if (k < 0)
                return k;
        g_hash_table_remove(e->recorders, GUINT_TO_POINTER(slot));
        forget_all(e);
        return 0;
}

int records_of(Enforcer *e, const char *policy, uint64_t ret_lost[static _MODEL_KIND_MAX])
{
        int slot = slot_find(e, policy), r;
        struct va_recording now;
        Recorder *recorder = slot >= 0 ? recorder_of(e, slot) : NULL;
        uint64_t skipped;

        if (!recorder)
                return -ENOENT;
        r = records_dispatch(e, VA_RECORDS_BYTES / sizeof(struct va_record));
        if (r >= 0)
                r = recording_get(e, slot, &now);
        if (r < 0)
                return r;
        hand_out_calls(e, slot, recorder, &now);
        memcpy(ret_lost, recorder->unread, sizeof(recorder->unread));
        for (unsigned k = 0; k < VA_RECORD_MAX; k++)
                ret_lost[record_kind(k)] += now.lost[k];
        /* Nobody knows what was not seen, nor whose it was. */
        skipped = unseen(e);
        for (unsigned k = 0; skipped > now.skipped && k < _MODEL_KIND_MAX; k++)
                ret_lost[k] += skipped - now.skipped;
        return 0;
}
