/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes -> tree: bounded, with positions inside the text, and no half-accepted document. */

#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "yaml-tree.h"

typedef struct Walk {
        uint32_t n_nodes;
        uint32_t n_lines;
} Walk;

static void check_pos(const Walk *w, const SourcePos *pos)
{
        FUZZ_CHECK(strcmp(pos->file, "fuzz.yaml") == 0);
        FUZZ_CHECK(pos->line >= 1 && pos->line <= w->n_lines && pos->column >= 1);
}

static void check_node(Walk *w, const YamlNode *n, unsigned depth)
{
        g_autofree char *what = yaml_describe(n);

        FUZZ_CHECK(*what);
        FUZZ_CHECK(depth <= YAML_DEPTH_MAX && ++w->n_nodes <= YAML_NODES_MAX);
        check_pos(w, &n->pos);
        FUZZ_CHECK((n->type == YAML_SCALAR) == (n->scalar != NULL));
        FUZZ_CHECK((n->type == YAML_SEQUENCE) == (n->items != NULL));
        FUZZ_CHECK((n->type == YAML_MAPPING) == (n->pairs != NULL));
        for (guint i = 0; n->items && i < n->items->len; i++)
                check_node(w, n->items->pdata[i], depth + 1);
        FUZZ_CHECK(!n->pairs || n->pairs->len <= YAML_PAIRS_MAX);
        for (guint i = 0; n->pairs && i < n->pairs->len; i++) {
                const YamlPair *p = n->pairs->pdata[i];

                check_pos(w, &p->pos);
                w->n_nodes++;
                check_node(w, p->value, depth + 1);
                if (n->pairs->len < 64)
                        FUZZ_CHECK(yaml_get(n, p->key) == p->value);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(Diag) d = diag_new();
        g_autoptr(GPtrArray) documents = NULL;
        g_autoptr(YamlNode) merged = NULL;
        Walk w = {.n_lines = 2};
        bool complete;
        int r = yaml_parse((const char *)data, size, "fuzz.yaml", &documents, &complete, d);

        FUZZ_CHECK(r == 0 || r == -EBADMSG);
        FUZZ_CHECK(documents);
        FUZZ_CHECK(r < 0 || complete);
        fuzz_check_diag(r, d);
        /* YAML knows more line ends than '\n': at most one a byte. */
        for (size_t i = 0; i < size; i++)
                w.n_lines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80;
        for (guint i = 0; i < documents->len; i++) {
                check_node(&w, documents->pdata[i], 0);
                merged = yaml_merge(g_steal_pointer(&merged), yaml_node_dup(documents->pdata[i]));
                merged = yaml_merge(g_steal_pointer(&merged), yaml_node_dup(documents->pdata[i]));
        }
        return 0;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        hostile_yaml(emit, userdata);
}
