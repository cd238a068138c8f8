/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Event -> Alarm: see alarm-table.h. */

#include "alarm-table.h"

#include <string.h>

/* One kind of alarm within its window. */
typedef struct Slot {
        GBytes *key;
        Alarm *alarm;    /* count: what has not been emitted yet */
        uint64_t end_usec;
} Slot;

struct AlarmTable {
        void (*emit)(const Alarm *a, void *userdata);
        void *userdata;
        uint64_t window_usec;
        uint32_t rate;
        uint64_t second;     /* the second that @in_second counts in */
        uint32_t in_second;
        uint64_t limited;
        GHashTable *slots;   /* key -> Slot */
        GQueue order;        /* Slots; the windows have one length, so the first ends first */
};

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
        t->slots = g_hash_table_new(g_bytes_hash, g_bytes_equal);
        g_queue_init(&t->order);
        return t;
}

void alarm_table_free(AlarmTable *t)
{
        if (!t)
                return;
        g_hash_table_unref(t->slots);
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
        const uint32_t numbers[] = {a->enforcer, (uint32_t)a->mode, a->action, a->reason, (uint32_t)a->kind, a->requested, a->uid};

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

/* Return: whether one more entry may be written in this second. */
static bool take_token(AlarmTable *t, uint64_t now_usec)
{
        uint64_t second = now_usec / G_USEC_PER_SEC;

        if (t->rate == 0)
                return true;
        if (second != t->second) {
                t->second = second;
                t->in_second = 0;
        }
        if (t->in_second >= t->rate)
                return false;
        t->in_second++;
        return true;
}

static void slot_emit(AlarmTable *t, Slot *s)
{
        t->emit(s->alarm, t->userdata);
        s->alarm->count = 0;
}

void alarm_table_add(AlarmTable *t, Alarm *alarm, uint64_t now_usec)
{
        g_autoptr(Alarm) a = alarm;
        g_autoptr(GBytes) key = alarm_key(a);
        Slot *s;

        alarm_table_expire(t, now_usec);
        s = g_hash_table_lookup(t->slots, key);
        if (s) {
                if (s->alarm->count == 0) {
                        s->alarm->pid = a->pid;
                        s->alarm->tid = a->tid;
                        s->alarm->first_usec = a->first_usec;
                }
                s->alarm->count += a->count;
                s->alarm->last_usec = a->last_usec;
                return;
        }
        if (t->window_usec == 0) {
                if (take_token(t, now_usec))
                        t->emit(a, t->userdata);
                else
                        t->limited += a->count;
                return;
        }
        if (g_hash_table_size(t->slots) >= ALARM_TABLE_MAX) {
                t->limited += a->count;
                return;
        }

        s = g_new0(Slot, 1);
        s->key = g_steal_pointer(&key);
        s->alarm = g_steal_pointer(&a);
        s->end_usec = now_usec + t->window_usec;
        g_hash_table_insert(t->slots, s->key, s);
        g_queue_push_tail(&t->order, s);
        /* Beyond the rate it waits for the end of its window, and perhaps then it is let through. */
        if (take_token(t, now_usec))
                slot_emit(t, s);
}

void alarm_table_expire(AlarmTable *t, uint64_t now_usec)
{
        Slot *s;

        while ((s = g_queue_peek_head(&t->order)) && s->end_usec <= now_usec) {
                bool again = false;

                g_queue_pop_head(&t->order);
                if (s->alarm->count > 0 && take_token(t, now_usec)) {
                        slot_emit(t, s);
                        again = t->window_usec > 0;
                }
                if (again) {
                        /* It goes on: one entry for each window as long as it does. */
                        s->end_usec = now_usec + t->window_usec;
                        g_queue_push_tail(&t->order, s);
                        continue;
                }
                t->limited += s->alarm->count;
                g_hash_table_remove(t->slots, s->key);
                slot_free(s);
        }
}

uint64_t alarm_table_next(const AlarmTable *t)
{
        const Slot *s = g_queue_peek_head((GQueue *)&t->order);

        return s ? s->end_usec : UINT64_MAX;
}

void alarm_table_flush(AlarmTable *t)
{
        Slot *s;

        while ((s = g_queue_pop_head(&t->order))) {
                if (s->alarm->count > 0)
                        slot_emit(t, s);
                g_hash_table_remove(t->slots, s->key);
                slot_free(s);
        }
}

uint64_t alarm_table_limited(const AlarmTable *t)
{
        return t->limited;
}
