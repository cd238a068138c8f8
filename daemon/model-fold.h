/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Fold: many patterns of paths as few. Those of one directory with the same access become one with braces, and what another one
 * admits already is left out. What is folded matches all that was put in, and nothing more. */

#include <glib.h>
#include <stdint.h>

#define FOLD_LEAVES_MAX 64U /* alternatives of one pair of braces: AppArmor expands them */

typedef struct FoldItem {
        char *pattern;
        uint64_t perms;
        uint64_t count; /* how often it was seen */
        uint32_t n;     /* ops that it stands for */
} FoldItem;

/** fold_new() - an empty list for fold_add(): of FoldItem, owned. */
GPtrArray *fold_new(void);

void fold_add(GPtrArray *items, const char *pattern, uint64_t perms, uint64_t count, uint32_t n);

/** fold() - @items is consumed. Return: of FoldItem, by pattern. */
GPtrArray *fold(GPtrArray *items);
