/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tables: what is in force for each slot. A slot belongs to one policy's name for the rest of the boot, since labels and
 * events in flight speak of slots. */

#include <bpf/bpf.h>
#include <string.h>

#include "internal.h"
#include "match.bpf.h"
#include "table.h"
#include "util.h"

int slots_load(Enforcer *e)
{
        for (__u32 slot = 0; slot < VA_POLICIES_MAX; slot++) {
                int r = bpf_map_lookup_elem(e->pins.maps[MAP_SLOTS], &slot, &e->slots[slot]);

                if (r < 0)
                        return r;
                e->slots[slot].name[VA_NAME_MAX - 1] = '\0';
                e->slots[slot].digest[sizeof(e->slots[slot].digest) - 1] = '\0';
        }

        return 0;
}

static int slot_write(Enforcer *e, __u32 slot)
{
        return bpf_map_update_elem(e->pins.maps[MAP_SLOTS], &slot, &e->slots[slot], BPF_ANY);
}

int slot_find(const Enforcer *e, const char *policy)
{
        for (int slot = 0; slot < VA_POLICIES_MAX && e->slots[slot].used; slot++)
                if (strcmp(e->slots[slot].name, policy) == 0)
                        return slot;
        return -ENOENT;
}

int slot_get(Enforcer *e, const char *policy)
{
        int slot = slot_find(e, policy), r;

        if (slot >= 0)
                return slot;
        if (strlen(policy) >= VA_NAME_MAX)
                return -ENAMETOOLONG;
        for (slot = 0; slot < VA_POLICIES_MAX && e->slots[slot].used; slot++)
                ;
        if (slot == VA_POLICIES_MAX)
                return -ENOSPC;

        e->slots[slot] = (struct va_slot){.used = 1};
        g_strlcpy(e->slots[slot].name, policy, VA_NAME_MAX);
        r = slot_write(e, slot);
        if (r < 0) {
                e->slots[slot] = (struct va_slot){};
                return r;
        }

        return slot;
}

/* An outer map without @key has nothing to delete. */
static int delete_key(int map, __u32 key)
{
        int r = bpf_map_delete_elem(map, &key);

        return r == -ENOENT ? 0 : r;
}

int table_put(Enforcer *e, uint32_t key, const void *table, size_t size, uint32_t generation)
{
        bool small = size <= sizeof(struct va_table_small);
        size_t value_size = small ? sizeof(struct va_table_small) : sizeof(struct va_table_big);
        g_autofree struct va_table *value = NULL;
        autofd int inner = -EBADF;
        __u32 zero = 0;
        int r;

        if (size > value_size)
                return -E2BIG;
        r = needs_raise(e, key, table);
        if (r < 0)
                return r;
        value = g_malloc0(value_size);
        memcpy(value, table, size);
        value->generation = generation;

        inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "va_table", sizeof(__u32), value_size, 1, NULL);
        if (inner < 0)
                return inner;
        r = bpf_map_update_elem(inner, &zero, value, BPF_ANY);
        if (r < 0)
                return r;

        /* The programs look into the small ones first: so entering there, and leaving there after entering the big
         * ones, is when the new table begins to count. */
        r = bpf_map_update_elem(e->pins.maps[small ? MAP_SMALLS : MAP_BIGS], &key, &inner, BPF_ANY);
        if (r < 0)
                return r;
        r = delete_key(e->pins.maps[small ? MAP_BIGS : MAP_SMALLS], key);
        if (r < 0)
                return r;
        needs_settle(e, key, table);
        return 0;
}

int table_drop(Enforcer *e, uint32_t key)
{
        int r = delete_key(e->pins.maps[MAP_BIGS], key);

        if (r >= 0)
                r = delete_key(e->pins.maps[MAP_SMALLS], key);
        if (r < 0)
                return r;
        needs_settle(e, key, NULL);
        return 0;
}

int tables_remove(Enforcer *e, const char *policy)
{
        int slot = slot_find(e, policy), r;

        if (slot < 0)
                return 0;
        r = table_drop(e, slot);
        if (r >= 0)
                r = records_end(e, slot);
        if (r < 0)
                return r;
        e->slots[slot].digest[0] = '\0';
        return slot_write(e, slot);
}

int tables_apply(Enforcer *e, const char *policy, const Profile *p)
{
        size_t size = 0;
        const void *data = p->blob ? g_bytes_get_data(p->blob, &size) : NULL;
        g_autofree void *table = NULL;
        uint32_t generation;
        bool recorded;
        int slot, r;

        if (size == 0)
                return tables_remove(e, policy);
        slot = slot_get(e, policy);
        if (slot < 0)
                return slot;
        if (strcmp(e->slots[slot].digest, p->digest) == 0)
                return 0;
        table = g_memdup2(data, size); /* aligned, whatever the bundle gave */
        r = table_validate(table, size, TABLE_POLICY);
        if (r < 0)
                return r;

        generation = e->slots[slot].generation + 1;
        if (generation == 0)
                generation = 1;
        recorded = ((const struct va_table *)table)->flags & VA_T_RECORD;
        if (e->pins.traced && !recorded)
                return -EOPNOTSUPP;
        r = recorded ? records_begin(e, slot) : 0;
        if (r >= 0)
                r = table_put(e, slot, table, size, generation);
        if (r >= 0 && !recorded)
                r = records_end(e, slot);
        if (r < 0)
                return r;
        /* A crash before this is written only means that the next daemon applies it again. */
        e->slots[slot].generation = generation;
        g_strlcpy(e->slots[slot].digest, p->digest, sizeof(e->slots[slot].digest));
        return slot_write(e, slot);
}
