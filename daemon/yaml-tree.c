/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Yaml tree: what can be done with a tree once it is there; see yaml.c for how it comes to be. */

#include "yaml-tree.h"

#include <string.h>

#define DESCRIBE_BYTES_MAX 60

void yaml_pair_free(YamlPair *pair)
{
        if (!pair)
                return;
        g_free(pair->key);
        yaml_node_free(pair->value);
        g_free(pair);
}

void yaml_node_free(YamlNode *n)
{
        if (!n)
                return;
        g_free(n->scalar);
        g_clear_pointer(&n->items, g_ptr_array_unref);
        g_clear_pointer(&n->pairs, g_ptr_array_unref);
        g_free(n);
}

static YamlPair *yaml_pair_dup(const YamlPair *p)
{
        YamlPair *copy = g_new0(YamlPair, 1);

        copy->key = g_strdup(p->key);
        copy->pos = p->pos;
        copy->value = yaml_node_dup(p->value);
        return copy;
}

YamlNode *yaml_node_dup(const YamlNode *n)
{
        YamlNode *copy;

        if (!n)
                return NULL;

        copy = g_new0(YamlNode, 1);
        copy->type = n->type;
        copy->pos = n->pos;
        copy->quoted = n->quoted;
        copy->block = n->block;
        copy->indent = n->indent;
        copy->scalar = g_strdup(n->scalar);
        if (n->items) {
                copy->items = g_ptr_array_new_with_free_func((GDestroyNotify)yaml_node_free);
                for (guint i = 0; i < n->items->len; i++)
                        g_ptr_array_add(copy->items, yaml_node_dup(n->items->pdata[i]));
        }
        if (n->pairs) {
                copy->pairs = g_ptr_array_new_with_free_func((GDestroyNotify)yaml_pair_free);
                for (guint i = 0; i < n->pairs->len; i++)
                        g_ptr_array_add(copy->pairs, yaml_pair_dup(n->pairs->pdata[i]));
        }

        return copy;
}

static YamlPair *find_pair(const YamlNode *n, const char *key)
{
        if (!n || n->type != YAML_MAPPING)
                return NULL;
        for (guint i = 0; i < n->pairs->len; i++) {
                YamlPair *p = n->pairs->pdata[i];

                if (strcmp(p->key, key) == 0)
                        return p;
        }

        return NULL;
}

const YamlNode *yaml_get(const YamlNode *n, const char *key)
{
        const YamlPair *p = find_pair(n, key);

        return p ? p->value : NULL;
}

SourcePos yaml_text_pos(const YamlNode *n)
{
        SourcePos pos = n->pos;

        if (n->block) {
                pos.line++;
                pos.column = n->indent + 1;
        } else if (n->quoted)
                pos.column++;
        return pos;
}

bool yaml_is_null(const YamlNode *n)
{
        static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};

        return !n || (n->type == YAML_SCALAR && !n->quoted && g_strv_contains(words, n->scalar));
}

char *yaml_describe(const YamlNode *n)
{
        if (yaml_is_null(n))
                return g_strdup("nothing");

        switch (n->type) {
        case YAML_SCALAR:
                if (strlen(n->scalar) > DESCRIBE_BYTES_MAX) {
                        /* Whole characters only. */
                        const char *end = g_utf8_find_prev_char(n->scalar, n->scalar + DESCRIBE_BYTES_MAX);

                        return g_strdup_printf("'%.*s...'", end ? (int)(end - n->scalar) : 0, n->scalar);
                }
                return g_strdup_printf("'%s'", n->scalar);
        case YAML_SEQUENCE:
                return g_strdup(n->items->len ? "a list" : "an empty list");
        case YAML_MAPPING:
                return g_strdup(n->pairs->len ? "a mapping" : "an empty mapping");
        case _YAML_TYPE_MAX:
                break;
        }

        g_assert_not_reached();
}

static YamlNode *merge_mapping(YamlNode *base, YamlNode *over)
{
        for (guint i = 0; i < over->pairs->len; i++) {
                YamlPair *p = over->pairs->pdata[i], *old = find_pair(base, p->key);

                if (old) {
                        old->pos = p->pos;
                        old->value = yaml_merge(g_steal_pointer(&old->value), g_steal_pointer(&p->value));
                } else
                        g_ptr_array_add(base->pairs, yaml_pair_dup(p));
        }

        yaml_node_free(over);
        return base;
}

static YamlNode *merge_sequence(YamlNode *base, YamlNode *over)
{
        guint n = over->items->len;

        if (n == 0) {
                yaml_node_free(base);
                return over;
        }

        for (guint i = 0; i < n; i++) {
                g_ptr_array_add(base->items, over->items->pdata[i]);
                over->items->pdata[i] = NULL;
        }

        yaml_node_free(over);
        return base;
}

YamlNode *yaml_merge(YamlNode *base, YamlNode *over)
{
        if (!base)
                return over;
        if (!over)
                return base;

        if (base->type == YAML_MAPPING && over->type == YAML_MAPPING)
                return merge_mapping(base, over);
        if (base->type == YAML_SEQUENCE && over->type == YAML_SEQUENCE)
                return merge_sequence(base, over);

        /* A scalar replaces; so does a collection of another type, which the validation then judges where it stands. */
        yaml_node_free(base);
        return over;
}
