/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pairs: see pairs.h.
 *
 * What is lost is found by counting. For each process the kernel tells how many records it began to make, by a way of its own;
 * and those that do not come were thrown away, by the audit subsystem (AppArmor's cannot wait, and its queue is short) or by our
 * socket. The number of records may run ahead of that of origins, and behind: what lacks for a whole period is lost. */

#include "pairs.h"

#include <linux/audit.h>
#include <string.h>

typedef enum Watched {
        WATCHED_UNKNOWN,
        WATCHED_YES,
        WATCHED_NO,
} Watched;

/* Records that are alike but for time and serial number. */
typedef struct Pending {
        GBytes *key;
        char *text; /* of the first, whole */
        size_t size;
        uint64_t count;
        uint64_t due_usec;
} Pending;

typedef struct Process {
        gint pid; /* the key */
        bool known;
        AuditWho who;
        uint64_t origins, records; /* that were counted */
        int64_t lacking;           /* the least of their difference in this period */
        uint64_t period_end_usec;
        uint64_t last_usec;
} Process;

struct AuditPairs {
        uint32_t type;
        AuditDeliver deliver;
        void *userdata;
        Watched watched;
        uint64_t begin_usec; /* of not knowing; 0: nothing has come */
        GHashTable *pending; /* key -> Pending */
        GQueue order;        /* of Pending: by the time at which they are due */
        GHashTable *processes;
        uint64_t sweep_usec; /* when to look at all of them again; 0: there are none */
        uint64_t lost;
        AuditRecord record;  /* room for one */
};

static void pending_free(Pending *x)
{
        g_bytes_unref(x->key);
        g_free(x->text);
        g_free(x);
}

static void process_free(gpointer data)
{
        Process *x = data;

        g_free(x->who.cgroup);
        g_strfreev(x->who.policies);
        g_free(x);
}

AuditPairs *audit_pairs_new(uint32_t type, AuditDeliver deliver, void *userdata)
{
        AuditPairs *p = g_new0(AuditPairs, 1);

        p->type = type;
        p->deliver = deliver;
        p->userdata = userdata;
        p->pending = g_hash_table_new(g_bytes_hash, g_bytes_equal);
        p->processes = g_hash_table_new_full(g_int_hash, g_int_equal, NULL, process_free);
        g_queue_init(&p->order);
        return p;
}

void audit_pairs_free(AuditPairs *p)
{
        if (!p)
                return;
        g_hash_table_unref(p->pending);
        g_hash_table_unref(p->processes);
        g_queue_clear_full(&p->order, (GDestroyNotify)pending_free);
        g_free(p);
}

bool audit_pairs_is_watched(const AuditPairs *p)
{
        return p->watched == WATCHED_YES;
}

uint64_t audit_pairs_lost(const AuditPairs *p)
{
        return p->lost;
}

/* ---- processes ------------------------------------------------------------------------------------------------------- */

static void count(Process *x, uint64_t origins, uint64_t records, uint64_t now_usec)
{
        x->origins += origins;
        x->records += records;
        x->lacking = MIN(x->lacking, (int64_t)(x->origins - x->records));
        x->last_usec = now_usec;
}

/* The end of a period: what lacked all the time will not come. */
static void settle(AuditPairs *p, Process *x, uint64_t now_usec)
{
        if (x->lacking > 0) {
                p->lost += (uint64_t)x->lacking;
                x->records += (uint64_t)x->lacking;
        }
        x->lacking = (int64_t)(x->origins - x->records);
        x->period_end_usec = now_usec + AUDIT_SETTLE_USEC;
}

static void sweep(AuditPairs *p, uint64_t now_usec)
{
        GHashTableIter i;
        gpointer value;

        g_hash_table_iter_init(&i, p->processes);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
                Process *x = value;

                if (now_usec >= x->period_end_usec)
                        settle(p, x, now_usec);
                if (now_usec >= x->last_usec + AUDIT_FORGET_USEC)
                        g_hash_table_iter_remove(&i);
        }
        p->sweep_usec = g_hash_table_size(p->processes) > 0 ? now_usec + AUDIT_SETTLE_USEC / 2 : 0;
}

static Process *find_process(AuditPairs *p, int64_t pid)
{
        gint key = (gint)pid;

        return g_hash_table_lookup(p->processes, &key);
}

/* Return: NULL: there are too many. */
static Process *get_process(AuditPairs *p, int64_t pid, uint64_t now_usec)
{
        Process *x = find_process(p, pid);

        if (x || g_hash_table_size(p->processes) >= AUDIT_PROCESSES_MAX)
                return x;
        x = g_new0(Process, 1);
        x->pid = (gint)pid;
        x->period_end_usec = now_usec + AUDIT_SETTLE_USEC;
        x->lacking = INT64_MAX;
        g_hash_table_insert(p->processes, &x->pid, x);
        if (p->sweep_usec == 0)
                p->sweep_usec = x->period_end_usec;
        return x;
}

static bool same_who(const AuditWho *who, const AuditOrigin *o)
{
        return who->cgroup_id == o->cgroup_id && who->uid == o->uid &&
               g_strv_equal((const char *const *)who->policies, o->policies ? o->policies : (const char *const[]){NULL});
}

static void set_who(AuditWho *who, const AuditOrigin *o)
{
        g_free(who->cgroup);
        g_strfreev(who->policies);
        *who = (AuditWho){
                .tid = o->tid,
                .uid = o->uid,
                .cgroup_id = o->cgroup_id,
                .cgroup = g_strdup(o->cgroup),
                .policies = o->policies ? g_strdupv((char **)o->policies) : g_new0(char *, 1),
        };
}

void audit_pairs_origin(AuditPairs *p, const AuditOrigin *o, uint64_t now_usec)
{
        Process *x;

        if (o->type != p->type)
                return;
        x = get_process(p, o->pid, now_usec);
        if (!x)
                return;
        if (!x->known || !same_who(&x->who, o))
                set_who(&x->who, o);
        x->known = true;
        /* Of whom no policy covers, nobody misses a record. */
        count(x, x->who.policies[0] ? MAX(o->count, 1) : 0, 0, now_usec);
}

/* ---- records ------------------------------------------------------------------------------------------------------------ */

static void hand_out(AuditPairs *p, Pending *x)
{
        const Process *process;

        g_queue_remove(&p->order, x);
        g_hash_table_remove(p->pending, x->key);
        if (audit_record_parse(&p->record, p->type, x->text, x->size) >= 0) {
                process = find_process(p, p->record.pid);
                p->deliver(&p->record, process && process->known ? &process->who : NULL, x->count, p->userdata);
        }
        pending_free(x);
}

static void drop_all(AuditPairs *p)
{
        Pending *x;

        g_hash_table_remove_all(p->pending);
        while ((x = g_queue_pop_head(&p->order)))
                pending_free(x);
}

void audit_pairs_watched(AuditPairs *p, bool yes, uint64_t now_usec)
{
        Watched before = p->watched;

        p->watched = yes ? WATCHED_YES : WATCHED_NO;
        if (p->watched == before)
                return;
        if (yes && p->type == AUDIT_SECCOMP)
                drop_all(p);
        if (!yes && p->type == AUDIT_AVC) {
                g_hash_table_remove_all(p->processes); /* and their counts: what lacks may be due to that */
                p->sweep_usec = 0;
        }
        /* It is known now, so nobody has to wait longer than that takes. */
        for (GList *l = p->order.head; l; l = l->next) {
                Pending *x = l->data;

                x->due_usec = MIN(x->due_usec, now_usec + (yes ? AUDIT_HOLD_USEC : 0));
        }
}

static bool is_wanted(const AuditPairs *p)
{
        return p->type == AUDIT_AVC || p->watched != WATCHED_YES;
}

static uint64_t due_at(AuditPairs *p, uint64_t now_usec)
{
        switch (p->watched) {
        case WATCHED_YES:
                return now_usec + AUDIT_HOLD_USEC;
        case WATCHED_NO:
                return now_usec;
        default:
                if (p->begin_usec == 0)
                        p->begin_usec = now_usec;
                if (now_usec >= p->begin_usec + AUDIT_UNDECIDED_USEC)
                        return now_usec;
                return p->type == AUDIT_AVC ? now_usec + AUDIT_HOLD_USEC : p->begin_usec + AUDIT_UNDECIDED_USEC;
        }
}

/* What makes two records alike: all that follows "audit(TIME:SERIAL)". */
static GBytes *key_of(const char *text, size_t size)
{
        const char *end = memchr(text, ')', size);
        size_t skip = end ? (size_t)(end - text) : 0;

        return g_bytes_new(text + skip, size - skip);
}

void audit_pairs_record(AuditPairs *p, const char *text, size_t size, uint64_t now_usec)
{
        g_autoptr(GBytes) key = NULL;
        Process *process;
        Pending *x;

        if (!is_wanted(p) || audit_record_parse(&p->record, p->type, text, size) < 0)
                return;
        process = p->type == AUDIT_AVC && p->watched != WATCHED_NO ? get_process(p, p->record.pid, now_usec) : NULL;
        if (process)
                count(process, 0, 1, now_usec);
        if (p->type == AUDIT_AVC && !memmem(text, size, "varmor.", strlen("varmor.")))
                return; /* somebody else's profile: it was counted, and that is all */
        key = key_of(text, size);
        x = g_hash_table_lookup(p->pending, key);
        if (x) {
                x->count++;
                return;
        }
        while (g_hash_table_size(p->pending) >= AUDIT_PENDING_MAX)
                hand_out(p, g_queue_peek_head(&p->order));
        x = g_new0(Pending, 1);
        x->key = g_steal_pointer(&key);
        x->text = g_memdup2(text, size);
        x->size = size;
        x->count = 1;
        x->due_usec = due_at(p, now_usec);
        g_hash_table_insert(p->pending, x->key, x);
        g_queue_push_tail(&p->order, x);
}

void audit_pairs_expire(AuditPairs *p, unsigned max, uint64_t now_usec)
{
        Pending *x;

        if (p->sweep_usec != 0 && now_usec >= p->sweep_usec)
                sweep(p, now_usec);
        while (max > 0 && (x = g_queue_peek_head(&p->order)) && x->due_usec <= now_usec) {
                hand_out(p, x);
                max--;
        }
}

uint64_t audit_pairs_next(const AuditPairs *p)
{
        const Pending *x = g_queue_peek_head((GQueue *)&p->order);
        uint64_t next = x ? x->due_usec : UINT64_MAX;

        return p->sweep_usec != 0 ? MIN(next, p->sweep_usec) : next;
}
