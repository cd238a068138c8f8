/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Regions: see region.h. */

#include "region.h"

#include <errno.h>
#include <string.h>

static const Piece everything = {.first = 0, .last = UINT64_MAX};

/* ---- pieces -------------------------------------------------------------------------------------------------------- */

static bool piece_is_everything(const Piece *p)
{
        return p->first == 0 && p->last == UINT64_MAX && p->mask == 0;
}

/* The smallest number from @from on whose bits under @mask are @value. Return: false: there is none. */
static bool next_masked(uint64_t from, uint64_t mask, uint64_t value, uint64_t *ret)
{
        uint64_t best = 0;
        bool found = false;

        if ((from & mask) == value) {
                *ret = from;
                return true;
        }
        /* It shares the bits above one that is 0 in @from with it, has a 1 there, and is as small as can be below. */
        for (unsigned bit = 0; bit < 64; bit++) {
                uint64_t one = UINT64_C(1) << bit, high = ~(one | (one - 1)), x;

                if (from & one || (mask & one && !(value & one)) || ((from ^ value) & mask & high))
                        continue;
                x = (from & high) | one | (value & (one - 1));
                if (!found || x < best)
                        best = x;
                found = true;
        }
        *ret = best;
        return found;
}

static bool piece_is_empty(const Piece *p)
{
        uint64_t x;

        return p->first > p->last || !next_masked(p->first, p->mask, p->value, &x) || x > p->last;
}

static bool piece_holds(const Piece *p, uint64_t x)
{
        return x >= p->first && x <= p->last && (x & p->mask) == p->value;
}

/* @ret may be @a or @b. */
static bool piece_intersect(const Piece *a, const Piece *b, Piece *ret)
{
        bool differ = (a->value ^ b->value) & a->mask & b->mask;

        *ret = (Piece){
                .first = MAX(a->first, b->first),
                .last = MIN(a->last, b->last),
                .mask = a->mask | b->mask,
                .value = a->value | b->value,
        };
        return !differ && !piece_is_empty(ret);
}

static void add_piece(GArray *pieces, Piece p)
{
        if (!piece_is_empty(&p))
                g_array_append_val(pieces, p);
}

/* What the kernel takes for an int: a caller extends it by zeros or by its sign. */
#define INT_MASK UINT64_C(0xffffffff)
#define INT_NEGATIVE UINT64_C(0xffffffff80000000)

static bool piece_is_int(const Piece *p)
{
        return p->mask == INT_MASK && p->first == 0 && p->last == UINT64_MAX;
}

/* All other ints. Whoever puts anything else into the half that the kernel does not look at is in none of them: to tell him apart
 * as well would take 32 pieces instead of four, each of which multiplies with those of other conditions. */
static void add_other_ints(GArray *out, uint64_t value)
{
        uint64_t negative = value | ~INT_MASK;

        if (value > 0)
                add_piece(out, (Piece){.first = 0, .last = value - 1});
        add_piece(out, (Piece){.first = value + 1, .last = INT_MASK});
        if (negative < INT_NEGATIVE)
                add_piece(out, (Piece){.first = INT_NEGATIVE, .last = UINT64_MAX});
        else {
                add_piece(out, (Piece){.first = INT_NEGATIVE, .last = negative - 1});
                if (negative < UINT64_MAX)
                        add_piece(out, (Piece){.first = negative + 1, .last = UINT64_MAX});
        }
}

/* Disjoint. */
static GArray *piece_complement(const Piece *p, bool ints)
{
        GArray *out = g_array_new(FALSE, FALSE, sizeof(Piece));
        Piece same = *p;

        if (ints && piece_is_int(p)) {
                add_other_ints(out, p->value);
                return out;
        }
        if (p->first > 0)
                add_piece(out, (Piece){.first = 0, .last = p->first - 1});
        if (p->last < UINT64_MAX)
                add_piece(out, (Piece){.first = p->last + 1, .last = UINT64_MAX});
        same.mask = same.value = 0;
        for (uint64_t bit = 1; bit != 0; bit <<= 1) {
                Piece differs = same;

                if (!(p->mask & bit))
                        continue;
                differs.mask |= bit;
                differs.value |= ~p->value & bit;
                add_piece(out, differs);
                same.mask |= bit;
                same.value |= p->value & bit;
        }
        return out;
}

/* Where one comparison holds: one or two pieces. */
static void add_comparison(GArray *pieces, const SyscallArg *a)
{
        uint64_t v = a->value;

        switch (a->op) {
        case SYSCALL_NE:
                if (v > 0)
                        add_piece(pieces, (Piece){.first = 0, .last = v - 1});
                if (v < UINT64_MAX)
                        add_piece(pieces, (Piece){.first = v + 1, .last = UINT64_MAX});
                break;
        case SYSCALL_LT:
                if (v > 0)
                        add_piece(pieces, (Piece){.first = 0, .last = v - 1});
                break;
        case SYSCALL_LE:
                add_piece(pieces, (Piece){.first = 0, .last = v});
                break;
        case SYSCALL_EQ:
                add_piece(pieces, (Piece){.first = v, .last = v});
                break;
        case SYSCALL_GE:
                add_piece(pieces, (Piece){.first = v, .last = UINT64_MAX});
                break;
        case SYSCALL_GT:
                if (v < UINT64_MAX)
                        add_piece(pieces, (Piece){.first = v + 1, .last = UINT64_MAX});
                break;
        default:
                /* seccomp_rule_add(3): "equal to the masked datum value". */
                add_piece(pieces, (Piece){.first = 0, .last = UINT64_MAX, .mask = v, .value = a->value_two & v});
        }
}

/* ---- boxes --------------------------------------------------------------------------------------------------------- */

static bool box_intersect(const Box *a, const Box *b, Box *ret)
{
        for (unsigned i = 0; i < REGION_ARGS; i++)
                if (!piece_intersect(&a->arg[i], &b->arg[i], &ret->arg[i]))
                        return false;
        return true;
}

static Box box_whole(void)
{
        Box b;

        for (unsigned i = 0; i < REGION_ARGS; i++)
                b.arg[i] = everything;
        return b;
}

/* What of @a differs from @b first in the argument i, for each i. */
static void box_subtract(const Box *a, const Box *b, bool ints, Region *out)
{
        Box common, rest = *a;

        if (!box_intersect(a, b, &common)) {
                g_array_append_val(out, *a);
                return;
        }
        for (unsigned i = 0; i < REGION_ARGS; i++) {
                g_autoptr(GArray) others = piece_complement(&b->arg[i], ints);

                for (guint k = 0; k < others->len; k++) {
                        Box part = rest;

                        if (piece_intersect(&a->arg[i], &g_array_index(others, Piece, k), &part.arg[i]))
                                g_array_append_val(out, part);
                }
                rest.arg[i] = common.arg[i];
        }
}

/* ---- regions -------------------------------------------------------------------------------------------------------- */

Region *region_new(bool whole)
{
        Region *r = g_array_new(FALSE, FALSE, sizeof(Box));
        Box b = box_whole();

        if (whole)
                g_array_append_val(r, b);
        return r;
}

/* @r once for each of @pieces. */
static Region *spread(const Region *r, unsigned index, const GArray *pieces)
{
        Region *out = region_new(false);

        for (guint i = 0; i < r->len; i++)
                for (guint k = 0; k < pieces->len; k++) {
                        Box b = g_array_index(r, Box, i);

                        b.arg[index] = g_array_index(pieces, Piece, k);
                        g_array_append_val(out, b);
                }
        return out;
}

int region_from_args(const GArray *args, Region **ret)
{
        g_autoptr(GArray) r = region_new(true);

        for (unsigned index = 0; args && index < REGION_ARGS; index++) {
                g_autoptr(GArray) pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
                bool any = false;
                Region *next;

                for (guint i = 0; i < args->len; i++) {
                        const SyscallArg *a = &g_array_index(args, SyscallArg, i);

                        if (a->index != index)
                                continue;
                        any = true;
                        add_comparison(pieces, a);
                }
                if (!any)
                        continue;
                next = spread(r, index, pieces);
                g_array_unref(r);
                r = next;
                if (r->len > REGION_BOXES_MAX)
                        return -E2BIG;
        }
        *ret = g_steal_pointer(&r);
        return 0;
}

int region_add(Region *r, const Region *other)
{
        g_array_append_vals(r, other->data, other->len);
        return r->len > REGION_BOXES_MAX ? -E2BIG : 0;
}

int region_intersect(const Region *a, const Region *b, Region **ret)
{
        g_autoptr(GArray) out = region_new(false);

        for (guint i = 0; i < a->len; i++)
                for (guint k = 0; k < b->len; k++) {
                        Box both;

                        if (box_intersect(&g_array_index(a, Box, i), &g_array_index(b, Box, k), &both))
                                g_array_append_val(out, both);
                }
        if (out->len > REGION_BOXES_MAX)
                return -E2BIG;
        *ret = g_steal_pointer(&out);
        return 0;
}

int region_subtract(const Region *a, const Region *b, bool ints, Region **ret)
{
        g_autoptr(GArray) left = region_new(false);

        g_array_append_vals(left, a->data, a->len);
        for (guint k = 0; k < b->len; k++) {
                Region *next = region_new(false);

                for (guint i = 0; i < left->len; i++)
                        box_subtract(&g_array_index(left, Box, i), &g_array_index(b, Box, k), ints, next);
                g_array_unref(left);
                left = next;
                if (left->len > REGION_BOXES_MAX)
                        return -E2BIG;
        }
        *ret = g_steal_pointer(&left);
        return 0;
}

bool region_is_whole(const Region *r)
{
        for (guint i = 0; i < r->len; i++) {
                unsigned n = 0;

                while (n < REGION_ARGS && piece_is_everything(&g_array_index(r, Box, i).arg[n]))
                        n++;
                if (n == REGION_ARGS)
                        return true;
        }
        return false;
}

bool region_holds(const Region *r, const uint64_t args[static REGION_ARGS])
{
        for (guint i = 0; i < r->len; i++) {
                unsigned n = 0;

                while (n < REGION_ARGS && piece_holds(&g_array_index(r, Box, i).arg[n], args[n]))
                        n++;
                if (n == REGION_ARGS)
                        return true;
        }
        return false;
}

/* ---- back to conditions ---------------------------------------------------------------------------------------------- */

static void add_condition(GArray *out, uint32_t index, SyscallCompare op, uint64_t value, uint64_t value_two)
{
        SyscallArg a = {.index = index, .op = op, .value = value, .value_two = value_two};

        g_array_append_val(out, a);
}

/* A range with both ends, or with a mask: blocks of a power of two that begin at a multiple of their size are masks. */
static void add_blocks(GArray *out, uint32_t index, const Piece *p)
{
        uint64_t at = p->first;

        for (;;) {
                uint64_t size_mask = 0; /* the block's size less one */
                Piece block;

                while (size_mask != UINT64_MAX && (at & (size_mask << 1 | 1)) == 0 && (size_mask << 1 | 1) <= p->last - at)
                        size_mask = size_mask << 1 | 1;
                block = (Piece){.first = 0, .last = UINT64_MAX, .mask = ~size_mask, .value = at};
                if (piece_intersect(&block, &(Piece){.last = UINT64_MAX, .mask = p->mask, .value = p->value}, &block)) {
                        if (block.mask == UINT64_MAX)
                                add_condition(out, index, SYSCALL_EQ, block.value, 0);
                        else
                                add_condition(out, index, SYSCALL_MASKED_EQ, block.mask, block.value);
                }
                if (p->last - at <= size_mask)
                        return;
                at += size_mask + 1;
        }
}

/* Alternatives. */
static GArray *piece_to_args(const Piece *p, uint32_t index)
{
        GArray *out = g_array_new(FALSE, FALSE, sizeof(SyscallArg));

        if (p->mask != 0 && p->first == 0 && p->last == UINT64_MAX)
                add_condition(out, index, SYSCALL_MASKED_EQ, p->mask, p->value);
        else if (p->mask != 0 || (p->first > 0 && p->last < UINT64_MAX))
                add_blocks(out, index, p);
        else if (p->first > 0)
                add_condition(out, index, SYSCALL_GE, p->first, 0);
        else
                add_condition(out, index, SYSCALL_LE, p->last, 0);
        return out;
}

static void free_args(gpointer p)
{
        g_array_unref(p);
}

static int box_to_args(const Box *b, GPtrArray *out)
{
        g_autoptr(GPtrArray) lists = g_ptr_array_new_with_free_func(free_args);

        g_ptr_array_add(lists, g_array_new(FALSE, FALSE, sizeof(SyscallArg)));
        for (unsigned i = 0; i < REGION_ARGS; i++) {
                g_autoptr(GArray) alternatives = NULL;
                GPtrArray *next;

                if (piece_is_everything(&b->arg[i]))
                        continue;
                alternatives = piece_to_args(&b->arg[i], i);
                next = g_ptr_array_new_with_free_func(free_args);
                for (guint l = 0; l < lists->len; l++)
                        for (guint k = 0; k < alternatives->len; k++) {
                                GArray *list = g_array_copy(lists->pdata[l]);

                                g_array_append_val(list, g_array_index(alternatives, SyscallArg, k));
                                g_ptr_array_add(next, list);
                        }
                g_ptr_array_unref(lists);
                lists = next;
                if (lists->len > REGION_BOXES_MAX)
                        return -E2BIG;
        }
        g_ptr_array_extend_and_steal(out, g_steal_pointer(&lists));
        return out->len > REGION_BOXES_MAX ? -E2BIG : 0;
}

/* Two lists that differ in one condition, which holds below a value in one and above it in the other. */
static bool join_lists(GArray *a, const GArray *b)
{
        SyscallArg *differs = NULL;
        const SyscallArg *other = NULL;

        if (a->len != b->len)
                return false;
        for (guint i = 0; i < a->len; i++) {
                SyscallArg *x = &g_array_index(a, SyscallArg, i);
                const SyscallArg *y = &g_array_index(b, SyscallArg, i);

                if (x->index != y->index)
                        return false;
                if (x->op == y->op && x->value == y->value && x->value_two == y->value_two)
                        continue;
                if (differs)
                        return false;
                differs = x;
                other = y;
        }
        if (!differs || differs->op != SYSCALL_LE || other->op != SYSCALL_GE || differs->value >= UINT64_MAX - 1 ||
            differs->value + 2 != other->value)
                return false;
        differs->op = SYSCALL_NE;
        differs->value++;
        return true;
}

int region_to_args(const Region *r, GPtrArray **ret)
{
        g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func(free_args);

        for (guint i = 0; i < r->len; i++) {
                int result = box_to_args(&g_array_index(r, Box, i), out);

                if (result < 0)
                        return result;
        }
        for (guint i = 0; i + 1 < out->len; i++)
                if (join_lists(out->pdata[i], out->pdata[i + 1]))
                        g_ptr_array_remove_index(out, i + 1);
        *ret = g_steal_pointer(&out);
        return 0;
}
