/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See instances.h. The places that the automaton reaches behind "a@", over what may stand in the name of an instance, are few:
 * mostly one. From each of them ".service" leads to a cover. Those places whose cover is not the usual one, and what leads there,
 * are the instances that differ. */

#include "instances.h"

#include <string.h>

#include "bpf/table.h"
#include "unit-name.h"

#define SUFFIX ".service"
#define BYTES UNIT_NAME_CHARS "@"
#define N_BYTES (sizeof(BYTES) - 1)
/* An instance that nobody has named. */
#define NOBODY "_:varmor:_"

void instances_free(Instances *i)
{
        if (!i)
                return;
        g_ptr_array_unref(i->named);
        g_free(i);
}

bool cover_has(const struct va_cover *c, uint16_t slot)
{
        for (uint32_t i = 0; i < c->n; i++)
                if (c->slot[i] == slot)
                        return true;
        return false;
}

struct va_cover cover_of(const struct va_table *t, const char *path)
{
        const struct va_cover *c = t ? table_match_cover(t, path) : NULL;

        return c ? *c : (struct va_cover){0};
}

typedef struct Place {
        TablePlace at;
        struct va_cover cover; /* of an instance whose name ends here */
        bool differs, useful;
        uint16_t next[N_BYTES]; /* index in places */
} Place;

typedef struct Search {
        const struct va_table *table;
        Instances *found;
        Place *places;
        guint n, n_useful;
        GHashTable *index; /* key of a place -> index + 1 */
        char name[UNIT_NAME_BYTES_MAX + 1];
} Search;

static struct va_cover cover_at(const Search *s, TablePlace p)
{
        const struct va_cover *c = table_cover(s->table, table_walk(s->table, p, SUFFIX, strlen(SUFFIX)));

        return c ? *c : (struct va_cover){0};
}

/* Return: its index; INSTANCES_PLACES_MAX: there are too many. */
static guint place_of(Search *s, TablePlace p)
{
        guint64 key = (guint64)p.state << 32 | p.tail;
        gpointer known = g_hash_table_lookup(s->index, &key);

        if (known)
                return GPOINTER_TO_UINT(known) - 1;
        if (s->n >= INSTANCES_PLACES_MAX)
                return INSTANCES_PLACES_MAX;
        s->places[s->n] = (Place){.at = p, .cover = cover_at(s, p)};
        g_hash_table_insert(s->index, g_memdup2(&key, sizeof(key)), GUINT_TO_POINTER(s->n + 1));
        return s->n++;
}

static bool explore(Search *s, TablePlace start)
{
        if (place_of(s, start) >= INSTANCES_PLACES_MAX)
                return false;
        for (guint i = 0; i < s->n; i++)
                for (guint b = 0; b < N_BYTES; b++) {
                        guint next = place_of(s, table_walk(s->table, s->places[i].at, &BYTES[b], 1));

                        if (next >= INSTANCES_PLACES_MAX)
                                return false;
                        s->places[i].next[b] = (uint16_t)next;
                }
        return true;
}

/* By one policy alone: of others, that may be endless, this one knows nothing. */
static void mark(Search *s, uint16_t slot)
{
        const bool usual = cover_has(&s->found->cover, slot);
        bool changed;

        for (guint i = 0; i < s->n; i++)
                s->places[i].useful = s->places[i].differs = cover_has(&s->places[i].cover, slot) != usual;
        do {
                changed = false;
                for (guint i = s->n; i-- > 0;)
                        for (guint b = 0; b < N_BYTES && !s->places[i].useful; b++)
                                changed |= s->places[i].useful = s->places[s->places[i].next[b]].useful;
        } while (changed);
        s->n_useful = 0;
        for (guint i = 0; i < s->n; i++)
                s->n_useful += s->places[i].useful;
}

/* Names all that differ from place @i on; deeper than there are places, it is a loop. Return: false: there is no end. */
static bool name_all(Search *s, guint i, guint depth)
{
        const Place *p = &s->places[i];

        if (depth > s->n_useful || depth + strlen(SUFFIX) > UNIT_NAME_BYTES_MAX)
                return false;
        if (p->differs && depth > 0) {
                if (s->found->named->len >= INSTANCES_MAX)
                        return false;
                g_ptr_array_add(s->found->named, g_strndup(s->name, depth));
        }
        for (guint b = 0; b < N_BYTES; b++) {
                if (!s->places[p->next[b]].useful)
                        continue;
                s->name[depth] = BYTES[b];
                if (!name_all(s, p->next[b], depth + 1))
                        return false;
        }
        return true;
}

static void look_at(Search *s, uint16_t slot)
{
        const guint before = s->found->named->len;

        mark(s, slot);
        if (!s->places[0].useful || name_all(s, 0, 0))
                return;
        g_ptr_array_set_size(s->found->named, (int)before);
        if (s->found->some.n < VA_COVER_MAX && !cover_has(&s->found->some, slot))
                s->found->some.slot[s->found->some.n++] = slot;
}

static void look_at_all(Search *s)
{
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

        for (guint i = 0; i < s->n; i++)
                for (uint32_t k = 0; k < s->places[i].cover.n; k++)
                        if (g_hash_table_add(seen, GUINT_TO_POINTER(s->places[i].cover.slot[k] + 1U)))
                                look_at(s, s->places[i].cover.slot[k]);
}

Instances *instances_find(const struct va_table *t, const char *template_cgroup)
{
        g_autofree char *prefix = g_strndup(template_cgroup, strlen(template_cgroup) - strlen(SUFFIX));
        g_autofree char *nobody = g_strconcat(prefix, NOBODY SUFFIX, NULL);
        Instances *found = g_new0(Instances, 1);
        Search s = {.table = t, .found = found};
        TablePlace start;

        found->named = g_ptr_array_new_with_free_func(g_free);
        found->cover = cover_of(t, nobody);
        if (!t)
                return found;
        start = table_walk(t, (TablePlace){.state = t->start[VA_KIND_FILE][0]}, prefix, strlen(prefix));
        s.places = g_new(Place, INSTANCES_PLACES_MAX);
        s.index = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
        found->unknown = !explore(&s, start);
        if (!found->unknown)
                look_at_all(&s);
        g_hash_table_unref(s.index);
        g_free(s.places);
        return found;
}
