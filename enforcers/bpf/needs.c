/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Needs: the programs that are attached follow the tables that are in force, and the target automaton.
 *
 * Programs come and go one by one, and a process may meet some of them while others are missing. That does no harm, since
 * none of them does anything for a table that is not there: what a table needs is attached, all of it, before the table is
 * published, and it is not published if one of them cannot be; and what goes was needed by no table that is left. After a
 * crash in between, the next varmord reads from the kernel which tables are in force, not from what it remembers. */

#include <bpf/bpf.h>
#include <string.h>

#include "hooks.h"
#include "internal.h"
#include "match.bpf.h"
#include "util.h"

/* For so long a program stays attached that nobody needs. Whoever switches a policy off will switch it on again, or its file
 * is replaced in two steps; and the kernel takes a tenth of a second for each program that goes, for which we wait if it is to
 * come back meanwhile. So few go at a time. */
#define LINGER_USEC (10 * G_USEC_PER_SEC)
#define LEAVE_MAX 16U

static uint32_t needs_of(uint32_t key, const struct va_table *table)
{
        return key == VA_POLICIES_MAX ? VA_NEED_CORE : hook_needs_of_policy(table);
}

/* What the records about the enforcers @kinds are explained by. */
static uint32_t needs_of_records(uint32_t kinds)
{
        return (kinds & 1U << ENFORCER_SECCOMP ? VA_NEED_SECCOMP : 0) | (kinds & 1U << ENFORCER_APPARMOR ? VA_NEED_APPARMOR : 0);
}

static uint32_t needs_of_all(const Enforcer *e)
{
        /* Whoever has an identity has to be followed, also while nothing is in force. */
        uint32_t needs = (e->pins.core ? VA_NEED_CORE : 0) | needs_of_records(e->watching);

        for (uint32_t key = 0; key <= VA_POLICIES_MAX; key++)
                needs |= e->needs[key];
        return needs;
}

static void look_for_unneeded(Enforcer *e)
{
        if (!pins_has_others(&e->pins, needs_of_all(e)))
                e->unneeded_usec = 0;
        else if (e->unneeded_usec == 0)
                e->unneeded_usec = g_get_monotonic_time();
}

int needs_raise(Enforcer *e, uint32_t key, const struct va_table *table)
{
        uint32_t needs = needs_of(key, table);
        int r = pins_attach(&e->pins, needs);

        if (r >= 0)
                e->needs[key] |= needs; /* until it is known what has become of the table before, both count */
        look_for_unneeded(e);
        return r;
}

void needs_settle(Enforcer *e, uint32_t key, const struct va_table *table)
{
        e->needs[key] = table ? needs_of(key, table) : 0;
        look_for_unneeded(e);
}

uint32_t needs_watch(Enforcer *e, uint32_t kinds)
{
        e->watching = 0;
        if (e->pins.traced)
                return 0; /* it looks at nobody but whom it records */
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++) {
                uint32_t needs = needs_of_records(kinds & 1U << k);

                /* That one of them cannot be attached breaks nothing: it is known, and the records alone have to do. */
                if (needs && pins_attach(&e->pins, needs) >= 0 && pins_has(&e->pins, needs))
                        e->watching |= 1U << k;
        }
        look_for_unneeded(e);
        return e->watching;
}

void needs_tidy(Enforcer *e)
{
        if (e->unneeded_usec == 0 || g_get_monotonic_time() < e->unneeded_usec + LINGER_USEC)
                return;
        pins_detach_others(&e->pins, needs_of_all(e), LEAVE_MAX);
        if (!pins_has_others(&e->pins, needs_of_all(e)))
                e->unneeded_usec = 0;
}

/* ---- adoption -------------------------------------------------------------------------------------------------------- */

/* Adds what the table under @key of the map of tables @map needs, if there is one. */
static int read_one(Enforcer *e, int map, uint32_t key, size_t size)
{
        g_autofree struct va_table *table = NULL;
        autofd int inner = -EBADF;
        __u32 id, zero = 0;
        int r;

        r = bpf_map_lookup_elem(map, &key, &id);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        inner = bpf_map_get_fd_by_id(id);
        if (inner < 0)
                return inner;
        table = g_malloc(size);
        r = bpf_map_lookup_elem(inner, &zero, table);
        if (r >= 0)
                e->needs[key] |= needs_of(key, table);
        return r;
}

int needs_load(Enforcer *e)
{
        for (uint32_t key = 0; key <= VA_POLICIES_MAX; key++) {
                int r;

                if (key < VA_POLICIES_MAX && !e->slots[key].used)
                        continue;
                r = read_one(e, e->pins.maps[MAP_SMALLS], key, sizeof(struct va_table_small));
                if (r >= 0)
                        r = read_one(e, e->pins.maps[MAP_BIGS], key, sizeof(struct va_table_big));
                if (r < 0)
                        return r;
        }

        return 0;
}

int needs_restore(Enforcer *e)
{
        int r = pins_attach(&e->pins, needs_of_all(e));

        look_for_unneeded(e);
        return r;
}
