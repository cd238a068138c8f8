/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Emit: see emit.h. libseccomp is not used for this: up to 2.5.4 at least it merges several entries with conditions on several
 * arguments of one call into something else than their union (or never comes to an end), cannot put calls that it does not know
 * into the filter for another ABI than the native one, and drops an entry that denies a part of what another allows.
 *
 * The program is written from its end to its beginning, since jumps lead forward only: where a jump leads to is then there
 * already, and if it is out of reach, a longer jump is put in between. A place in the program is counted from its end. */

#include "emit.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

#include "filter.h"
#include "syscalls.h"

/* A conditional jump skips up to 255 instructions; some are kept for what is put in between. */
#define REACH 250U

/* Where to go on: at a place, or out of the program with a result. */
typedef struct Target {
        bool leaves;
        uint32_t at; /* the place, or the result */
} Target;

typedef struct Emitter {
        GArray *code;        /* of struct sock_filter, the last first */
        GHashTable *returns; /* result -> place after the nearest instruction that returns it */
        GHashTable *chains;  /* what is said of a call, as GBytes -> Target */
        uint32_t default_ret;
} Emitter;

/* From each number on, up to the next one's, the same is said. */
typedef struct Range {
        uint32_t first;
        Target target;
} Range;

#define LEAVE(r) ((Target){.leaves = true, .at = (r)})
#define GO(place) ((Target){.at = (place)})

static uint32_t put(Emitter *e, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
        struct sock_filter f = {.code = code, .jt = jt, .jf = jf, .k = k};

        g_array_append_val(e->code, f);
        return e->code->len - 1;
}

static bool same_target(Target a, Target b)
{
        return a.leaves == b.leaves && a.at == b.at;
}

static uint32_t distance(const Emitter *e, uint32_t place)
{
        return e->code->len - place - 1;
}

/* A place within reach of the next instructions that leads to @t. */
static uint32_t reach(Emitter *e, Target t)
{
        uint32_t place = t.at;

        if (t.leaves) {
                gpointer found = g_hash_table_lookup(e->returns, GUINT_TO_POINTER(t.at));

                if (found && distance(e, GPOINTER_TO_UINT(found) - 1) <= REACH)
                        return GPOINTER_TO_UINT(found) - 1;
                place = put(e, BPF_RET | BPF_K, 0, 0, t.at);
                g_hash_table_insert(e->returns, GUINT_TO_POINTER(t.at), GUINT_TO_POINTER(place + 1));
                return place;
        }
        return distance(e, place) <= REACH ? place : put(e, BPF_JMP | BPF_JA, 0, 0, distance(e, place));
}

static Target put_jump(Emitter *e, uint16_t op, uint32_t k, Target yes, Target no)
{
        uint32_t y, n;

        if (same_target(yes, no))
                return yes;
        y = reach(e, yes);
        n = reach(e, no); /* may add one instruction, for which reach() left room */
        return GO(put(e, BPF_JMP | op | BPF_K, (uint8_t)distance(e, y), (uint8_t)distance(e, n), k));
}

/* What follows must be the instruction at @t, or is made so. */
static void put_load(Emitter *e, uint32_t offset)
{
        (void)put(e, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

/* ---- conditions --------------------------------------------------------------------------------------------------- */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW 0U
#define HIGH 4U
#else
#define LOW 4U
#define HIGH 0U
#endif

static uint32_t arg_offset(uint32_t index)
{
        return (uint32_t)offsetof(struct seccomp_data, args) + index * 8;
}

/* One half of an argument. */
static Target put_test(Emitter *e, uint32_t offset, uint16_t op, uint32_t k, Target yes, Target no)
{
        Target t = put_jump(e, op, k, yes, no);

        if (same_target(yes, no))
                return t;
        put_load(e, offset);
        return GO(e->code->len - 1);
}

static Target put_masked(Emitter *e, uint32_t offset, uint32_t mask, uint32_t value, Target yes, Target no)
{
        if (mask == 0 || same_target(yes, no))
                return yes;
        if (value == mask && (mask & (mask - 1)) == 0)
                return put_test(e, offset, BPF_JSET, mask, yes, no);
        if (value == 0)
                return put_test(e, offset, BPF_JSET, mask, no, yes);
        (void)put_jump(e, BPF_JEQ, value, yes, no);
        if (mask != UINT32_MAX)
                (void)put(e, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
        put_load(e, offset);
        return GO(e->code->len - 1);
}

static Target put_equal(Emitter *e, const SyscallArg *a, bool narrow, Target yes, Target no)
{
        uint64_t mask = a->op == SYSCALL_MASKED_EQ ? a->value : UINT64_MAX;
        uint64_t value = a->op == SYSCALL_MASKED_EQ ? a->value_two : a->value;
        uint32_t offset = arg_offset(a->index);
        Target low;

        if (narrow && value >> 32)
                return no;
        low = put_masked(e, offset + LOW, (uint32_t)mask, (uint32_t)value, yes, no);
        return narrow ? low : put_masked(e, offset + HIGH, (uint32_t)(mask >> 32), (uint32_t)(value >> 32), low, no);
}

/* @op: BPF_JGT or BPF_JGE. */
static Target put_greater(Emitter *e, const SyscallArg *a, uint16_t op, bool narrow, Target yes, Target no)
{
        uint32_t offset = arg_offset(a->index), high = (uint32_t)(a->value >> 32);
        Target low, equal;

        if (narrow && high)
                return no;
        low = put_test(e, offset + LOW, op, (uint32_t)a->value, yes, no);
        if (narrow)
                return low;
        equal = put_jump(e, BPF_JEQ, high, low, no);
        return put_test(e, offset + HIGH, BPF_JGT, high, yes, equal);
}

static Target put_condition(Emitter *e, const SyscallArg *a, bool narrow, Target yes, Target no)
{
        switch (a->op) {
        case SYSCALL_NE:
                return put_equal(e, a, narrow, no, yes);
        case SYSCALL_LT:
                return put_greater(e, a, BPF_JGE, narrow, no, yes);
        case SYSCALL_LE:
                return put_greater(e, a, BPF_JGT, narrow, no, yes);
        case SYSCALL_GE:
                return put_greater(e, a, BPF_JGE, narrow, yes, no);
        case SYSCALL_GT:
                return put_greater(e, a, BPF_JGT, narrow, yes, no);
        default:
                return put_equal(e, a, narrow, yes, no);
        }
}

/* ---- what is said of a call ---------------------------------------------------------------------------------------- */

static Target put_entry(Emitter *e, const VerdictEntry *entry, bool narrow, Target otherwise)
{
        Target hold = LEAVE(entry->ret);
        guint end = entry->args ? entry->args->len : 0;

        /* From the last argument to the first; of each, one of its conditions must hold. */
        while (end > 0) {
                uint32_t index = g_array_index(entry->args, SyscallArg, end - 1).index;
                Target next = otherwise;

                while (end > 0 && g_array_index(entry->args, SyscallArg, end - 1).index == index)
                        next = put_condition(e, &g_array_index(entry->args, SyscallArg, --end), narrow, hold, next);
                hold = next;
        }
        return hold;
}

static GBytes *chain_key(const GArray *entries, bool narrow)
{
        GByteArray *key = g_byte_array_new();

        g_byte_array_append(key, (const guint8 *)&narrow, sizeof(narrow));
        for (guint i = 0; i < entries->len; i++) {
                const VerdictEntry *e = &g_array_index(entries, VerdictEntry, i);
                uint32_t head[2] = {e->ret, e->args ? e->args->len : 0};

                g_byte_array_append(key, (const guint8 *)head, sizeof(head));
                for (guint a = 0; a < head[1]; a++) {
                        const SyscallArg *arg = &g_array_index(e->args, SyscallArg, a);
                        uint64_t words[4] = {arg->index, arg->op, arg->value, arg->value_two};

                        g_byte_array_append(key, (const guint8 *)words, sizeof(words));
                }
        }
        return g_byte_array_free_to_bytes(key);
}

static Target put_chain(Emitter *e, const GArray *entries, bool narrow)
{
        Target next = LEAVE(e->default_ret), *copy;
        GBytes *key;

        if (entries->len == 1 && !g_array_index(entries, VerdictEntry, 0).args)
                return LEAVE(g_array_index(entries, VerdictEntry, 0).ret);
        key = chain_key(entries, narrow);
        copy = g_hash_table_lookup(e->chains, key);
        if (copy) {
                g_bytes_unref(key);
                return *copy;
        }
        for (guint i = entries->len; i > 0 && e->code->len <= FILTER_INSNS_MAX; i--)
                next = put_entry(e, &g_array_index(entries, VerdictEntry, i - 1), narrow, next);
        g_hash_table_insert(e->chains, key, g_memdup2(&next, sizeof(next)));
        return next;
}

/* ---- numbers --------------------------------------------------------------------------------------------------------- */

/* Ranges come in order; one that says what the one before it says is the same. */
static void add_range(GArray *ranges, uint32_t first, Target t)
{
        Range r = {.first = first, .target = t}, *last = NULL;

        if (ranges->len > 0)
                last = &g_array_index(ranges, Range, ranges->len - 1);
        if (last && last->first == first) {
                last->target = t;
                return;
        }
        if (!last || !same_target(last->target, t))
                g_array_append_val(ranges, r);
}

static void add_calls(Emitter *e, GArray *ranges, const VerdictAbi *abi)
{
        bool narrow = syscall_abi_is_32bit(abi->abi);

        for (guint i = 0; i < abi->calls->len; i++) {
                const VerdictCall *c = &g_array_index(abi->calls, VerdictCall, i);

                add_range(ranges, c->nr, put_chain(e, c->entries, narrow));
                add_range(ranges, c->nr + 1, LEAVE(e->default_ret));
        }
}

/* A range that a later one replaced may have become like its neighbour. */
static void merge_ranges(GArray *ranges)
{
        guint n = 0;

        for (guint i = 0; i < ranges->len; i++) {
                const Range *r = &g_array_index(ranges, Range, i);

                if (n == 0 || !same_target(g_array_index(ranges, Range, n - 1).target, r->target))
                        g_array_index(ranges, Range, n++) = *r;
        }
        g_array_set_size(ranges, n);
}

static Target put_tree(Emitter *e, const Range *ranges, guint n)
{
        guint half = n / 2;
        Target low, high;

        if (n == 1)
                return ranges[0].target;
        if (n == 3 && ranges[2].first == ranges[1].first + 1 && same_target(ranges[0].target, ranges[2].target))
                return put_jump(e, BPF_JEQ, ranges[1].first, ranges[1].target, ranges[0].target);
        high = put_tree(e, ranges + half, n - half);
        low = put_tree(e, ranges, half);
        return put_jump(e, BPF_JGE, ranges[half].first, high, low);
}

/* ---- ABIs ------------------------------------------------------------------------------------------------------------- */

static const VerdictAbi *find_abi(const Verdicts *v, SyscallArch abi)
{
        for (guint i = 0; i < v->abis->len; i++)
                if (g_array_index(v->abis, VerdictAbi, i).abi == abi)
                        return &g_array_index(v->abis, VerdictAbi, i);
        return NULL;
}

static Target put_abi(Emitter *e, const Verdicts *v, const VerdictAbi *abi)
{
        g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(Range));
        const VerdictAbi *x32 = find_abi(v, ARCH_X32);
        Target t;

        add_range(ranges, 0, LEAVE(e->default_ret));
        add_calls(e, ranges, abi);
        if (abi->abi == ARCH_X86_64 && x32)
                add_calls(e, ranges, x32);
        else if (abi->abi == ARCH_X86_64) {
                add_range(ranges, X32_SYSCALL_BIT, LEAVE(v->bad_arch_ret));
                add_range(ranges, UINT32_MAX, LEAVE(e->default_ret)); /* "no call", of a tracer */
        }
        merge_ranges(ranges);
        t = put_tree(e, &g_array_index(ranges, Range, 0), ranges->len);
        if (ranges->len == 1)
                return t;
        put_load(e, (uint32_t)offsetof(struct seccomp_data, nr));
        return GO(e->code->len - 1);
}

static void put_abis(Emitter *e, const Verdicts *v)
{
        Target next = LEAVE(v->bad_arch_ret);

        for (guint i = v->abis->len; i > 0; i--) {
                const VerdictAbi *abi = &g_array_index(v->abis, VerdictAbi, i - 1);

                if (abi->abi != ARCH_X32)
                        next = put_jump(e, BPF_JEQ, syscall_abi_token(abi->abi), put_abi(e, v, abi), next);
        }
        if (next.leaves)
                (void)put(e, BPF_RET | BPF_K, 0, 0, next.at);
        else
                put_load(e, (uint32_t)offsetof(struct seccomp_data, arch));
}

static void reverse(GArray *code)
{
        for (guint i = 0, j = code->len - 1; i < j; i++, j--) {
                struct sock_filter f = g_array_index(code, struct sock_filter, i);

                g_array_index(code, struct sock_filter, i) = g_array_index(code, struct sock_filter, j);
                g_array_index(code, struct sock_filter, j) = f;
        }
}

int emit_filter(const Verdicts *v, GArray **ret)
{
        Emitter e = {
                .code = g_array_new(FALSE, FALSE, sizeof(struct sock_filter)),
                .returns = g_hash_table_new(NULL, NULL),
                .chains = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, g_free),
                .default_ret = v->default_ret,
        };

        put_abis(&e, v);
        g_hash_table_unref(e.returns);
        g_hash_table_unref(e.chains);
        if (e.code->len > FILTER_INSNS_MAX) {
                g_array_unref(e.code);
                return -E2BIG;
        }
        reverse(e.code);
        *ret = e.code;
        return 0;
}
