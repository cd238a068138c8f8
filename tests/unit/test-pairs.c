/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pairs: records and origins that find each other in any order, and losses that are counted; with a clock of the test's own. */

#include <linux/audit.h>
#include <string.h>

#include "losses.h"
#include "pairs.h"

#define MS 1000ULL
#define S G_USEC_PER_SEC

typedef struct Delivered {
        unsigned n;
        uint64_t count;
        uint64_t cgroup_id; /* of the last */
        int64_t pid;
        bool known;
} Delivered;

static void deliver(const AuditRecord *r, const AuditWho *who, uint64_t count, void *userdata)
{
        Delivered *d = userdata;

        d->n++;
        d->count += count;
        d->pid = r->pid;
        d->known = who != NULL;
        d->cgroup_id = who ? who->cgroup_id : 0;
}

static void add_record(AuditPairs *p, uint32_t type, int pid, const char *what, uint64_t now)
{
        static unsigned serial;
        g_autofree char *text = type == AUDIT_AVC
                ? g_strdup_printf("audit(1.%03u:%u): apparmor=\"DENIED\" operation=\"open\" profile=\"varmor.web\" name=\"%s\" pid=%i", serial % 1000,
                                  serial, what, pid)
                : g_strdup_printf("audit(1.%03u:%u): uid=0 pid=%i comm=\"x\" sig=0 arch=c000003e syscall=%s code=0x50000", serial % 1000, serial,
                                  pid, what);

        serial++;
        audit_pairs_record(p, text, strlen(text), now);
}

static const char *const web[] = {"web", NULL}, *const nobody[] = {NULL};

static void add_origin(AuditPairs *p, int pid, uint64_t cgroup, uint64_t count, uint64_t now)
{
        const AuditOrigin o = {.type = AUDIT_AVC, .pid = pid, .tid = pid, .cgroup_id = cgroup, .count = count,
                               .policies = cgroup ? web : nobody};

        audit_pairs_origin(p, &o, now);
}

static void test_any_order(void)
{
        Delivered d = {0};
        g_autoptr(AuditPairs) p = audit_pairs_new(AUDIT_AVC, deliver, &d);

        audit_pairs_watched(p, true, 1);
        add_origin(p, 5, 42, 1, 1 * S);
        add_record(p, AUDIT_AVC, 5, "/a", 1 * S);
        audit_pairs_expire(p, 100, 1 * S + AUDIT_HOLD_USEC - 1);
        g_assert_cmpuint(d.n, ==, 0);
        audit_pairs_expire(p, 100, audit_pairs_next(p));
        g_assert_cmpuint(d.n, ==, 1);
        g_assert_cmpuint(d.cgroup_id, ==, 42);
        /* The record first. */
        add_record(p, AUDIT_AVC, 6, "/a", 2 * S);
        add_origin(p, 6, 43, 1, 2 * S + 200 * MS);
        audit_pairs_expire(p, 100, 3 * S);
        g_assert_cmpuint(d.n, ==, 2);
        g_assert_cmpuint(d.cgroup_id, ==, 43);
        /* A number that has another process now: whoever was seen last. */
        add_record(p, AUDIT_AVC, 6, "/a", 4 * S);
        add_origin(p, 6, 44, 1, 4 * S + 100 * MS);
        audit_pairs_expire(p, 100, 5 * S);
        g_assert_cmpuint(d.cgroup_id, ==, 44);
        /* Nobody says who: after the same time, not longer. */
        add_record(p, AUDIT_AVC, 7, "/a", 6 * S);
        audit_pairs_expire(p, 100, 6 * S + AUDIT_HOLD_USEC);
        g_assert_cmpuint(d.n, ==, 4);
        g_assert_false(d.known);
        /* An origin holds for what comes later, and is forgotten when nothing comes for long. */
        add_record(p, AUDIT_AVC, 5, "/b", 10 * S);
        audit_pairs_expire(p, 100, 11 * S);
        g_assert_cmpuint(d.cgroup_id, ==, 42);
        audit_pairs_expire(p, 100, 11 * S + AUDIT_FORGET_USEC);
        add_record(p, AUDIT_AVC, 5, "/b", 12 * S + AUDIT_FORGET_USEC);
        audit_pairs_expire(p, 100, 13 * S + AUDIT_FORGET_USEC);
        g_assert_cmpuint(d.n, ==, 6);
        g_assert_false(d.known);
        /* Then nothing is left to be done. */
        for (uint64_t now = 14 * S + AUDIT_FORGET_USEC; audit_pairs_next(p) != UINT64_MAX; now += S) {
                g_assert_cmpuint(now, <, 200 * S);
                audit_pairs_expire(p, 100, now);
        }
        g_assert_cmpuint(audit_pairs_lost(p), ==, 0);
}

/* Alike: one with a count, however many. Different: bounded, and none is lost. */
static void test_bounds(void)
{
        Delivered d = {0};
        g_autoptr(AuditPairs) p = audit_pairs_new(AUDIT_AVC, deliver, &d);

        audit_pairs_watched(p, true, 1);
        for (unsigned i = 0; i < 10000; i++)
                add_record(p, AUDIT_AVC, 5, "/a", 1 * S);
        audit_pairs_expire(p, 100, 2 * S);
        g_assert_cmpuint(d.n, ==, 1);
        g_assert_cmpuint(d.count, ==, 10000);
        for (unsigned i = 0; i < 10000; i++) {
                g_autofree char *name = g_strdup_printf("/a/%u", i);

                add_record(p, AUDIT_AVC, (int)i + 1, name, 3 * S);
        }
        g_assert_cmpuint(d.count, ==, 20000 - AUDIT_PENDING_MAX);
        audit_pairs_expire(p, 100, 4 * S);
        g_assert_cmpuint(d.count, ==, 20000 - AUDIT_PENDING_MAX + 100);
        audit_pairs_expire(p, UINT_MAX, 4 * S);
        g_assert_cmpuint(d.count, ==, 20000);
}

static void quiet(AuditPairs *p, uint64_t from, uint64_t to)
{
        for (uint64_t now = from; now < to; now += 500 * MS)
                audit_pairs_expire(p, UINT_MAX, now);
}

/* The kernel began to make 100 records, in lumps and late; and 60 came. */
static void test_losses(void)
{
        Delivered d = {0};
        g_autoptr(AuditPairs) p = audit_pairs_new(AUDIT_AVC, deliver, &d);

        audit_pairs_watched(p, true, 1);
        add_origin(p, 5, 42, 1, 1 * S);
        for (unsigned i = 0; i < 60; i++)
                add_record(p, AUDIT_AVC, 5, "/a", 1 * S + i * MS);
        audit_pairs_expire(p, UINT_MAX, 2 * S);
        add_origin(p, 5, 42, 99, 2 * S);
        g_assert_cmpuint(audit_pairs_lost(p), ==, 0); /* they may be on their way */
        quiet(p, 2 * S, 10 * S);
        g_assert_cmpuint(audit_pairs_lost(p), ==, 40);
        /* Once. */
        quiet(p, 10 * S, 60 * S);
        g_assert_cmpuint(audit_pairs_lost(p), ==, 40);
        /* Records that run ahead of their origins, and the other way round, are none. */
        for (unsigned i = 0; i < 20; i++) {
                add_record(p, AUDIT_AVC, 8, "/a", 60 * S + i * S);
                add_origin(p, 8, 42, 1, 60 * S + i * S + 900 * MS);
                audit_pairs_expire(p, UINT_MAX, 60 * S + i * S + 950 * MS);
        }
        for (unsigned i = 0; i < 20; i++) {
                add_origin(p, 8, 42, 1, 80 * S + i * S);
                add_record(p, AUDIT_AVC, 8, "/a", 80 * S + i * S + 900 * MS);
                audit_pairs_expire(p, UINT_MAX, 80 * S + i * S + 950 * MS);
        }
        quiet(p, 100 * S, 130 * S);
        g_assert_cmpuint(audit_pairs_lost(p), ==, 40);
        /* Of a process that no policy covers nobody misses anything. */
        add_origin(p, 9, 0, 5, 130 * S);
        quiet(p, 130 * S, 160 * S);
        g_assert_cmpuint(audit_pairs_lost(p), ==, 40);
        /* A flood that does not end is no excuse. */
        for (unsigned i = 0; i < 20; i++) {
                add_origin(p, 5, 42, 1000, 160 * S + i * S);
                for (unsigned k = 0; k < 10; k++)
                        add_record(p, AUDIT_AVC, 5, "/a", 160 * S + i * S);
                audit_pairs_expire(p, UINT_MAX, 160 * S + i * S);
        }
        g_assert_cmpuint(audit_pairs_lost(p), >, 40 + 10 * 990);
        quiet(p, 180 * S, 200 * S);
        g_assert_cmpuint(audit_pairs_lost(p), ==, 40 + 20 * 990);
}

/* Of seccomp's there is nothing to pair: where origins come, records are not wanted. */
static void test_seccomp_pairs(void)
{
        Delivered d = {0};
        g_autoptr(AuditPairs) p = audit_pairs_new(AUDIT_SECCOMP, deliver, &d);
        g_autoptr(AuditPairs) q = audit_pairs_new(AUDIT_SECCOMP, deliver, &d);
        g_autoptr(AuditPairs) never = audit_pairs_new(AUDIT_SECCOMP, deliver, &d);

        add_record(p, AUDIT_SECCOMP, 5, "41", 1 * S);
        audit_pairs_expire(p, 100, 2 * S);
        g_assert_cmpuint(d.n, ==, 0); /* it is not known yet */
        audit_pairs_watched(p, true, 2 * S);
        add_record(p, AUDIT_SECCOMP, 5, "41", 3 * S);
        audit_pairs_expire(p, 100, 100 * S);
        g_assert_cmpuint(d.n, ==, 0);
        g_assert_cmpuint(audit_pairs_next(p), ==, UINT64_MAX);

        add_record(q, AUDIT_SECCOMP, 5, "41", 1 * S);
        audit_pairs_watched(q, false, 2 * S);
        audit_pairs_expire(q, 100, 2 * S);
        add_record(q, AUDIT_SECCOMP, 5, "41", 3 * S);
        audit_pairs_expire(q, 100, 3 * S);
        g_assert_cmpuint(d.n, ==, 2);
        g_assert_cmpint(d.pid, ==, 5);

        add_record(never, AUDIT_SECCOMP, 5, "41", 1 * S);
        audit_pairs_expire(never, 100, 1 * S + AUDIT_UNDECIDED_USEC);
        g_assert_cmpuint(d.n, ==, 3);
}

static void test_kernel_log(void)
{
        AuditLosses l = {0};
        static const char one[] = "<4>[ 1.0] audit: audit_lost=7 audit_rate_limit=0 audit_backlog_limit=64\n";
        static const char two[] = "x\n<4>[ 2.0] audit: audit_lost=9 audit\n<4>[ 3.0] audit: audit_lost=12";

        audit_losses_scan(&l, one, strlen(one));
        g_assert_cmpuint(l.count, ==, 0); /* from before */
        audit_losses_scan(&l, two, strlen(two));
        audit_losses_scan(&l, two, strlen(two));
        g_assert_cmpuint(l.count, ==, 5);
        audit_losses_scan(&l, "", 0);
        g_assert_cmpuint(l.count, ==, 5);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/pairs/any-order", test_any_order);
        g_test_add_func("/pairs/bounds", test_bounds);
        g_test_add_func("/pairs/losses", test_losses);
        g_test_add_func("/pairs/seccomp", test_seccomp_pairs);
        g_test_add_func("/pairs/kernel-log", test_kernel_log);
        return g_test_run();
}
