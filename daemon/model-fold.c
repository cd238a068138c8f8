/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fold: see model-fold.h. A '/' is never part of a set or escaped here, so that the last one ends the directory. */

#include "model-fold.h"

#include <string.h>

#include "model.h"
#include "policy.h"

static void item_free(void *p)
{
        FoldItem *i = p;

        g_free(i->pattern);
        g_free(i);
}

GPtrArray *fold_new(void)
{
        return g_ptr_array_new_with_free_func(item_free);
}

void fold_add(GPtrArray *items, const char *pattern, uint64_t perms, uint64_t count, uint32_t n)
{
        FoldItem *i = g_new0(FoldItem, 1);

        i->pattern = g_strdup(pattern);
        i->perms = perms;
        i->count = count;
        i->n = n;
        g_ptr_array_add(items, i);
}

static void join(FoldItem *to, const FoldItem *from)
{
        to->count = from->count > MODEL_COUNT_MAX - to->count ? MODEL_COUNT_MAX : to->count + from->count;
        to->n += from->n;
}

static const char *leaf_of(const char *pattern)
{
        const char *slash = strrchr(pattern, '/');

        return slash ? slash + 1 : pattern;
}

static int compare_patterns(const void *a, const void *b)
{
        return strcmp((*(FoldItem *const *)a)->pattern, (*(FoldItem *const *)b)->pattern);
}

static int compare_dirs(const FoldItem *a, const FoldItem *b)
{
        size_t x = (size_t)(leaf_of(a->pattern) - a->pattern), y = (size_t)(leaf_of(b->pattern) - b->pattern);
        int r = memcmp(a->pattern, b->pattern, MIN(x, y));

        return r != 0 ? r : (x > y) - (x < y);
}

/* By directory, then by access, then by name. */
static int compare_groups(const void *a, const void *b)
{
        const FoldItem *x = *(FoldItem *const *)a, *y = *(FoldItem *const *)b;
        int r = compare_dirs(x, y);

        if (r == 0)
                r = (x->perms > y->perms) - (x->perms < y->perms);
        return r != 0 ? r : strcmp(x->pattern, y->pattern);
}

/* The same pattern twice is one with both accesses. */
static GPtrArray *unite(GPtrArray *items)
{
        GPtrArray *out = fold_new();

        g_ptr_array_sort(items, compare_patterns);
        for (guint i = 0; i < items->len; i++) {
                const FoldItem *item = items->pdata[i];
                FoldItem *last = out->len > 0 ? out->pdata[out->len - 1] : NULL;

                if (last && strcmp(last->pattern, item->pattern) == 0) {
                        last->perms |= item->perms;
                        join(last, item);
                } else
                        fold_add(out, item->pattern, item->perms, item->count, item->n);
        }
        g_ptr_array_unref(items);
        return out;
}

/* Beside a "DIR/" and a star, what else stands in DIR need not be named unless it has another access. */
static GPtrArray *leave_out(GPtrArray *items)
{
        g_autoptr(GHashTable) stars = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        GPtrArray *out = fold_new();

        for (guint i = 0; i < items->len; i++) {
                FoldItem *item = items->pdata[i];
                const char *leaf = leaf_of(item->pattern);

                if (strcmp(leaf, "*") == 0)
                        g_hash_table_insert(stars, g_strndup(item->pattern, (gsize)(leaf - item->pattern)), item);
        }
        for (guint i = 0; i < items->len; i++) {
                const FoldItem *item = items->pdata[i];
                const char *leaf = leaf_of(item->pattern);
                g_autofree char *dir = g_strndup(item->pattern, (gsize)(leaf - item->pattern));
                FoldItem *star = *leaf ? g_hash_table_lookup(stars, dir) : NULL;

                if (star && star != item && (item->perms & ~star->perms) == 0)
                        join(star, item);
        }
        for (guint i = 0; i < items->len; i++) {
                const FoldItem *item = items->pdata[i];
                const char *leaf = leaf_of(item->pattern);
                g_autofree char *dir = g_strndup(item->pattern, (gsize)(leaf - item->pattern));
                const FoldItem *star = *leaf ? g_hash_table_lookup(stars, dir) : NULL;

                if (!star || star == item || (item->perms & ~star->perms) != 0)
                        fold_add(out, item->pattern, item->perms, item->count, item->n);
        }
        g_ptr_array_unref(items);
        return out;
}

/* How many items from @first on go into one pair of braces. */
static guint group_size(const GPtrArray *items, guint first)
{
        const FoldItem *head = items->pdata[first];
        size_t bytes = strlen(head->pattern) + 2;
        guint n = 1;

        if (!*leaf_of(head->pattern))
                return 1;
        while (first + n < items->len && n < FOLD_LEAVES_MAX) {
                const FoldItem *next = items->pdata[first + n];

                bytes += strlen(leaf_of(next->pattern)) + 1;
                if (compare_dirs(head, next) != 0 || next->perms != head->perms || bytes > POLICY_PATTERN_BYTES_MAX)
                        break;
                n++;
        }
        return n;
}

GPtrArray *fold(GPtrArray *items)
{
        GPtrArray *out = fold_new(), *all = leave_out(unite(items));
        guint n;

        g_ptr_array_sort(all, compare_groups);
        for (guint i = 0; i < all->len; i += n) {
                const FoldItem *head = all->pdata[i];
                g_autoptr(GString) s = g_string_new(NULL);
                FoldItem *joined;

                n = group_size(all, i);
                g_string_append_len(s, head->pattern, leaf_of(head->pattern) - head->pattern);
                for (guint k = 0; k < n; k++)
                        g_string_append_printf(s, "%s%s", n == 1 ? "" : k == 0 ? "{" : ",", leaf_of(((const FoldItem *)all->pdata[i + k])->pattern));
                if (n > 1)
                        g_string_append_c(s, '}');
                fold_add(out, s->str, head->perms, 0, 0);
                joined = out->pdata[out->len - 1];
                for (guint k = 0; k < n; k++)
                        join(joined, all->pdata[i + k]);
        }
        g_ptr_array_unref(all);
        return out;
}
