/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Event -> Alarm: see alarm-table.h. */

#include "alarm-table.h"

#include <string.h>

/* Whose alarms: a unit's, or one process's in it. */
typedef struct Source {
        uint64_t cgroup_id;
        uint64_t pid; /* | SOURCE_PROCESS; 0: all of the unit */
} Source;
#define SOURCE_PROCESS (1ULL << 32)

/* What a source has of what there is for all. */
typedef struct Share {
        Source source;       /* the key */
        uint32_t slots;
        uint32_t in_second;
} Share;

/* One kind of alarm within its window. Each enforcer that reports it reports every call, sooner or later: so there are as many
 * calls as the most diligent one has seen. */
typedef struct Slot {
        GBytes *key;
        Alarm *alarm;    /* count: what has not been emitted yet */
        Source source;   /* that the slot counts for: of the first event */
        uint64_t end_usec;
        uint64_t await_usec; /* it is in .held until then; 0: it is not */
        uint64_t seen[_ENFORCER_KIND_MAX];
        uint64_t behind[_ENFORCER_KIND_MAX]; /* what each of them had not reported at the last window's end */
        uint64_t emitted;
} Slot;

struct AlarmTable {
        void (*emit)(const Alarm *a, void *userdata);
        void *userdata;
        uint64_t window_usec;
        uint32_t rate;
        uint64_t second;     /* the second that @in_second counts in */
        uint32_t in_second;
        uint64_t limited;
        GHashTable *shares;  /* Source -> Share, of those that have any */
        GHashTable *slots;   /* key -> Slot */
        GQueue order;        /* Slots; the one whose window ends first is the first */
        GQueue held;         /* those of them that have not been emitted, and wait for another enforcer; by .await_usec */
};

static guint source_hash(gconstpointer p)
{
        const Source *s = p;

        return g_int64_hash(&s->cgroup_id) * 31 + g_int64_hash(&s->pid);
}

static gboolean source_equal(gconstpointer a, gconstpointer b)
{
        return memcmp(a, b, sizeof(Source)) == 0;
}

static void slot_free(Slot *s)
{
        g_bytes_unref(s->key);
        alarm_free(s->alarm);
        g_free(s);
}

AlarmTable *alarm_table_new(void (*emit)(const Alarm *a, void *userdata), void *userdata)
{
        AlarmTable *t = g_new0(AlarmTable, 1);

        t->emit = emit;
        t->userdata = userdata;
        t->shares = g_hash_table_new_full(source_hash, source_equal, NULL, g_free);
        t->slots = g_hash_table_new(g_bytes_hash, g_bytes_equal);
        g_queue_init(&t->order);
        g_queue_init(&t->held);
        return t;
}

void alarm_table_free(AlarmTable *t)
{
        if (!t)
                return;
        g_hash_table_unref(t->shares);
        g_hash_table_unref(t->slots);
        g_queue_clear(&t->held);
        g_queue_clear_full(&t->order, (GDestroyNotify)slot_free);
        g_free(t);
}

void alarm_table_configure(AlarmTable *t, uint64_t window_usec, uint32_t rate)
{
        t->window_usec = window_usec;
        t->rate = rate;
}

static void key_add(GByteArray *k, const void *data, size_t size)
{
        uint64_t n = size;

        g_byte_array_append(k, (const guint8 *)&n, sizeof(n));
        if (size > 0)
                g_byte_array_append(k, data, size);
}

static void key_add_bytes(GByteArray *k, GBytes *b)
{
        gsize size = 0;
        const void *data = b ? g_bytes_get_data(b, &size) : NULL;

        key_add(k, data, size);
}

static GBytes *alarm_key(const Alarm *a)
{
        GByteArray *k = g_byte_array_new();
        /* What is denied is denied by one enforcer, and the others do not see it: two that tell of it mean two calls. */
        const uint32_t denier = a->action == ACTION_DENIED ? a->enforcers : 0;
        const uint32_t numbers[] = {(uint32_t)a->mode, a->action, a->reason, (uint32_t)a->kind, a->requested, a->uid, denier};

        key_add(k, numbers, sizeof(numbers));
        key_add(k, &a->cgroup_id, sizeof(a->cgroup_id));
        key_add(k, a->policy, strlen(a->policy));
        key_add(k, a->rule, strlen(a->rule));
        key_add(k, a->operation, strlen(a->operation));
        key_add(k, a->comm, strnlen(a->comm, sizeof(a->comm)));
        key_add_bytes(k, a->object);
        key_add_bytes(k, a->object2);
        return g_byte_array_free_to_bytes(k);
}

/* ---- shares: who has twice as much as is left gets no more: a unit of all, a process of what its unit could get ---------- */

static Share *share_of(AlarmTable *t, uint64_t cgroup_id, uint64_t pid)
{
        const Source source = {.cgroup_id = cgroup_id, .pid = pid};
        Share *s = g_hash_table_lookup(t->shares, &source);

        if (s)
                return s;
        s = g_new0(Share, 1);
        s->source = source;
        g_hash_table_insert(t->shares, &s->source, s);
        return s;
}

static gboolean share_is_old(gpointer key, gpointer value, gpointer userdata)
{
        Share *s = value;

        s->in_second = 0;
        return s->slots == 0;
}

/* @unit and @process: what they have; @left: what nobody has. */
static bool fair(uint32_t unit, uint32_t process, uint64_t left)
{
        return unit < 2 * left && process < 2 * (2 * left - unit);
}

/* Return: whether one more entry may be written in this second. */
static bool take_token(AlarmTable *t, const Source *source, uint64_t now_usec)
{
        uint64_t second = now_usec / G_USEC_PER_SEC;
        Share *unit, *process;

        if (t->rate == 0)
                return true;
        if (second != t->second) {
                t->second = second;
                t->in_second = 0;
                (void)g_hash_table_foreach_remove(t->shares, share_is_old, NULL);
        }
        if (t->in_second >= t->rate)
                return false;
        unit = share_of(t, source->cgroup_id, 0);
        process = share_of(t, source->cgroup_id, source->pid);
        if (!fair(unit->in_second, process->in_second, t->rate - t->in_second))
                return false;
        t->in_second++;
        unit->in_second++;
        process->in_second++;
        return true;
}

/* Return: whether one more kind of alarm may be kept. */
static bool take_slot(AlarmTable *t, const Source *source)
{
        guint n = g_hash_table_size(t->slots);
        Share *unit, *process;

        if (n >= ALARM_TABLE_MAX)
                return false;
        unit = share_of(t, source->cgroup_id, 0);
        process = share_of(t, source->cgroup_id, source->pid);
        if (!fair(unit->slots, process->slots, ALARM_TABLE_MAX - n))
                return false;
        unit->slots++;
        process->slots++;
        return true;
}

static void give_back(AlarmTable *t, uint64_t cgroup_id, uint64_t pid)
{
        Share *s = share_of(t, cgroup_id, pid);

        s->slots--;
        if (s->slots == 0 && s->in_second == 0)
                g_hash_table_remove(t->shares, &s->source);
}

static void drop_slot(AlarmTable *t, Slot *s)
{
        give_back(t, s->source.cgroup_id, s->source.pid);
        give_back(t, s->source.cgroup_id, 0);
        g_hash_table_remove(t->slots, s->key);
        slot_free(s);
}

/* ---- alarms ------------------------------------------------------------------------------------------------------------- */

static void slot_emit(AlarmTable *t, Slot *s)
{
        t->emit(s->alarm, t->userdata);
        s->emitted += s->alarm->count;
        s->alarm->count = 0;
}

static uint64_t most_seen(const Slot *s)
{
        uint64_t most = 0;

        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                most = MAX(most, s->seen[k]);
        return most;
}

static void slot_count(Slot *s, uint32_t enforcers, uint64_t count)
{
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (enforcers & 1U << k)
                        s->seen[k] += count;
        s->alarm->enforcers |= enforcers;
        s->alarm->count = most_seen(s) - s->emitted;
}

/* What an enforcer has been behind with for a whole window it will not report: from now on its calls count again. */
static void slot_settle(Slot *s)
{
        uint64_t most = most_seen(s);

        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                s->seen[k] += MIN(s->behind[k], most - s->seen[k]);
                s->behind[k] = most - s->seen[k];
        }
}

static void unhold(AlarmTable *t, Slot *s)
{
        if (s->await_usec != 0)
                g_queue_remove(&t->held, s);
        s->await_usec = 0;
}

/* The first of its window. Beyond the rate it waits for the window's end, and perhaps then it is let through. */
static void release(AlarmTable *t, Slot *s, uint64_t now_usec)
{
        unhold(t, s);
        if (s->alarm->count > 0 && take_token(t, &s->source, now_usec))
                slot_emit(t, s);
}

/* By the end of its window, which is mostly the last. */
static void enqueue(AlarmTable *t, Slot *s)
{
        GList *before = t->order.tail;

        while (before && ((const Slot *)before->data)->end_usec > s->end_usec)
                before = before->prev;
        if (before)
                g_queue_insert_after(&t->order, before, s);
        else
                g_queue_push_head(&t->order, s);
}

void alarm_table_add(AlarmTable *t, Alarm *alarm, uint64_t now_usec)
{
        g_autoptr(Alarm) a = alarm;
        g_autoptr(GBytes) key = alarm_key(a);
        const Source source = {.cgroup_id = a->cgroup_id, .pid = (uint64_t)a->pid | SOURCE_PROCESS};
        Slot *s;

        alarm_table_expire(t, now_usec);
        s = g_hash_table_lookup(t->slots, key);
        if (s) {
                bool fresh = s->alarm->count == 0;

                slot_count(s, a->enforcers, a->count);
                if (fresh && s->alarm->count > 0) {
                        s->alarm->pid = a->pid;
                        s->alarm->tid = a->tid;
                        s->alarm->first_usec = a->first_usec;
                }
                s->alarm->last_usec = a->last_usec;
                if (s->await_usec != 0 && !(s->alarm->awaited & ~s->alarm->enforcers))
                        release(t, s, now_usec);
                return;
        }
        if (t->window_usec == 0 && !a->awaited) {
                if (take_token(t, &source, now_usec))
                        t->emit(a, t->userdata);
                else
                        t->limited += a->count;
                return;
        }
        if (!take_slot(t, &source)) {
                t->limited += a->count;
                return;
        }

        s = g_new0(Slot, 1);
        s->key = g_steal_pointer(&key);
        s->alarm = g_steal_pointer(&a);
        s->source = source;
        s->end_usec = now_usec + MAX(t->window_usec, s->alarm->awaited ? 2 * ALARM_AWAIT_USEC : 0);
        slot_count(s, s->alarm->enforcers, s->alarm->count);
        g_hash_table_insert(t->slots, s->key, s);
        enqueue(t, s);
        if (s->alarm->awaited & ~s->alarm->enforcers) {
                s->await_usec = now_usec + ALARM_AWAIT_USEC;
                g_queue_push_tail(&t->held, s);
        } else
                release(t, s, now_usec);
}

void alarm_table_expire(AlarmTable *t, uint64_t now_usec)
{
        Slot *s;

        while ((s = g_queue_peek_head(&t->held)) && s->await_usec <= now_usec)
                release(t, s, now_usec);
        while ((s = g_queue_peek_head(&t->order)) && s->end_usec <= now_usec) {
                bool again = false;

                g_queue_pop_head(&t->order);
                unhold(t, s);
                slot_settle(s);
                if (s->alarm->count > 0 && take_token(t, &s->source, now_usec)) {
                        slot_emit(t, s);
                        again = t->window_usec > 0;
                }
                if (again) {
                        /* It goes on: one entry for each window as long as it does. */
                        s->end_usec = now_usec + t->window_usec;
                        enqueue(t, s);
                        continue;
                }
                t->limited += s->alarm->count;
                drop_slot(t, s);
        }
}

uint64_t alarm_table_next(const AlarmTable *t)
{
        const Slot *s = g_queue_peek_head((GQueue *)&t->order), *held = g_queue_peek_head((GQueue *)&t->held);
        uint64_t next = s ? s->end_usec : UINT64_MAX;

        return held ? MIN(next, held->await_usec) : next;
}

void alarm_table_flush(AlarmTable *t)
{
        Slot *s;

        g_queue_clear(&t->held);
        while ((s = g_queue_pop_head(&t->order))) {
                if (s->alarm->count > 0)
                        slot_emit(t, s);
                drop_slot(t, s);
        }
}

uint64_t alarm_table_limited(const AlarmTable *t)
{
        return t->limited;
}
