/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Blob: see blob.h. A header with the sizes, then the parts one after the other; names are lines "CHILD INDEX ID". Native byte order:
 * it never leaves the machine. */

#include "blob.h"

#include <errno.h>
#include <string.h>

#include "children.h"
#include "table.h"

#define BLOB_MAGIC "vaapparm"
#define BLOB_VERSION 2U
#define BLOB_LINES_MAX (1U << 20)

#define CHILD_NONE "-" /* the whole */

typedef struct BlobHeader {
        char magic[8];
        uint32_t version;
        uint32_t text_bytes;
        uint32_t n_lines;
        uint32_t table_bytes;
        uint32_t names_bytes;
        uint32_t children_bytes;
        uint32_t binary_bytes;
} BlobHeader;
_Static_assert(sizeof(BlobHeader) == 36, "the format");

static void clear_name(void *p)
{
        g_free(((AaName *)p)->raw_id);
}

AaBlob *aa_blob_new(void)
{
        AaBlob *b = g_new0(AaBlob, 1);

        b->text = g_strdup("");
        b->lines = g_array_new(FALSE, FALSE, sizeof(AaLine));
        b->table = g_bytes_new(NULL, 0);
        b->names = g_array_new(FALSE, FALSE, sizeof(AaName));
        g_array_set_clear_func(b->names, clear_name);
        b->children = g_bytes_new(NULL, 0);
        b->binary = g_bytes_new(NULL, 0);
        return b;
}

void aa_blob_free(AaBlob *b)
{
        if (!b)
                return;
        g_free(b->text);
        g_clear_pointer(&b->lines, g_array_unref);
        g_clear_pointer(&b->table, g_bytes_unref);
        g_clear_pointer(&b->names, g_array_unref);
        g_clear_pointer(&b->children, g_bytes_unref);
        g_clear_pointer(&b->binary, g_bytes_unref);
        g_free(b);
}

static const AaName *name_at(const AaBlob *b, guint i)
{
        return &g_array_index(b->names, AaName, i);
}

static void append_bytes(GByteArray *out, GBytes *bytes)
{
        gsize size;
        const void *data = g_bytes_get_data(bytes, &size);

        if (size > 0)
                g_byte_array_append(out, data, (guint)size);
}

GBytes *aa_blob_to_bytes(const AaBlob *b)
{
        GByteArray *out = g_byte_array_new();
        g_autoptr(GString) names = g_string_new(NULL);
        BlobHeader h = {.version = BLOB_VERSION};

        for (guint i = 0; i < b->names->len; i++) {
                const AaName *n = name_at(b, i);

                g_string_append_printf(names, "%s %u %s\n", n->child, n->rule, n->raw_id ?: "");
        }
        memcpy(h.magic, BLOB_MAGIC, sizeof(h.magic));
        h.text_bytes = (uint32_t)strlen(b->text);
        h.n_lines = b->lines->len;
        h.table_bytes = (uint32_t)g_bytes_get_size(b->table);
        h.names_bytes = (uint32_t)names->len;
        h.children_bytes = (uint32_t)g_bytes_get_size(b->children);
        h.binary_bytes = (uint32_t)g_bytes_get_size(b->binary);
        g_byte_array_append(out, (const guint8 *)&h, sizeof(h));
        append_bytes(out, b->table);
        if (b->lines->len > 0)
                g_byte_array_append(out, (const guint8 *)b->lines->data, b->lines->len * (guint)sizeof(AaLine));
        g_byte_array_append(out, (const guint8 *)b->text, h.text_bytes);
        g_byte_array_append(out, (const guint8 *)names->str, h.names_bytes);
        append_bytes(out, b->children);
        append_bytes(out, b->binary);
        return g_byte_array_free_to_bytes(out);
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static bool sizes_are_good(const BlobHeader *h, gsize size)
{
        uint64_t sum;

        if (memcmp(h->magic, BLOB_MAGIC, sizeof(h->magic)) != 0 || h->version != BLOB_VERSION)
                return false;
        if (h->text_bytes > AA_TEXT_MAX || h->n_lines > BLOB_LINES_MAX || h->table_bytes > table_bytes(VA_TAB_BIG) ||
            h->names_bytes > AA_NAMES_MAX || h->children_bytes > CHILDREN_BYTES_MAX || h->binary_bytes > AA_BINARY_MAX)
                return false;
        sum = sizeof(*h) + (uint64_t)h->table_bytes + (uint64_t)h->n_lines * sizeof(AaLine) + h->text_bytes + h->names_bytes +
              h->children_bytes + h->binary_bytes;
        return sum == size;
}

static int take_table(AaBlob *b, const uint8_t *data, size_t size)
{
        g_autofree void *aligned = NULL;

        if (size == 0)
                return 0;
        aligned = g_memdup2(data, size);
        if (table_validate(aligned, size, TABLE_POLICY) < 0)
                return -EBADMSG;
        g_bytes_unref(b->table);
        b->table = g_bytes_new_take(g_steal_pointer(&aligned), size);
        return 0;
}

static int take_lines(AaBlob *b, const uint8_t *data, uint32_t n)
{
        uint32_t last = 0;

        g_array_set_size(b->lines, n);
        if (n > 0)
                memcpy(b->lines->data, data, n * sizeof(AaLine));
        for (uint32_t i = 0; i < n; i++) {
                const AaLine *l = &g_array_index(b->lines, AaLine, i);

                if (l->line < last || l->kind > AA_LINE_OURS)
                        return -EBADMSG;
                last = l->line;
        }
        return 0;
}

static int take_name(AaBlob *b, const char *line)
{
        g_auto(GStrv) parts = g_strsplit(line, " ", 3);
        guint64 rule;

        if (g_strv_length(parts) != 3 || strlen(parts[0]) >= sizeof(((AaName *)NULL)->child) ||
            !g_ascii_string_to_unsigned(parts[1], 10, 0, UINT32_MAX, &rule, NULL))
                return -EBADMSG;
        aa_blob_add_name(b, parts[0], (uint32_t)rule, *parts[2] ? parts[2] : NULL);
        return 0;
}

static int take_names(AaBlob *b, const char *data, size_t size)
{
        g_autofree char *text = g_strndup(data, size);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        int r = 0;

        for (char **l = lines; *l && r >= 0; l++)
                if (**l)
                        r = take_name(b, *l);
        return r;
}

int aa_blob_from_bytes(GBytes *bytes, AaBlob **ret)
{
        g_autoptr(AaBlob) b = aa_blob_new();
        gsize size;
        const uint8_t *data = g_bytes_get_data(bytes, &size);
        BlobHeader h;
        int r;

        if (size < sizeof(h))
                return -EBADMSG;
        memcpy(&h, data, sizeof(h));
        if (!sizes_are_good(&h, size))
                return -EBADMSG;
        data += sizeof(h);
        r = take_table(b, data, h.table_bytes);
        if (r < 0)
                return r;
        data += h.table_bytes;
        r = take_lines(b, data, h.n_lines);
        if (r < 0)
                return r;
        data += h.n_lines * sizeof(AaLine);
        if (memchr(data, 0, h.text_bytes + h.names_bytes))
                return -EBADMSG;
        g_free(b->text);
        b->text = g_strndup((const char *)data, h.text_bytes);
        data += h.text_bytes;
        r = take_names(b, (const char *)data, h.names_bytes);
        if (r < 0)
                return r;
        data += h.names_bytes;
        if (h.children_bytes > 0 && !children_check((const char *)data, h.children_bytes))
                return -EBADMSG;
        g_bytes_unref(b->children);
        b->children = g_bytes_new(data, h.children_bytes);
        data += h.children_bytes;
        g_bytes_unref(b->binary);
        b->binary = g_bytes_new(data, h.binary_bytes);
        *ret = g_steal_pointer(&b);
        return 0;
}

/* ---- names -------------------------------------------------------------------------------------------------------- */

void aa_blob_add_name(AaBlob *b, const char *child, uint32_t rule, const char *raw_id)
{
        AaName n = {.rule = rule, .raw_id = g_strdup(raw_id)};

        g_strlcpy(n.child, child ?: CHILD_NONE, sizeof(n.child));
        g_array_append_val(b->names, n);
}

const char *aa_blob_child(const AaBlob *b, const char *child)
{
        for (guint i = 0; child && i < b->names->len; i++)
                if (strcmp(name_at(b, i)->child, child) == 0)
                        return child;
        return NULL;
}

bool aa_blob_child_has(const AaBlob *b, const char *child, uint32_t rule)
{
        for (guint i = 0; i < b->names->len; i++)
                if (name_at(b, i)->rule == rule && strcmp(name_at(b, i)->child, child) == 0)
                        return true;
        return false;
}

char *aa_blob_raw_ids(const AaBlob *b, const char *child)
{
        GString *s = g_string_new(NULL);

        for (guint i = 0; i < b->names->len; i++) {
                const AaName *n = name_at(b, i);

                if (n->raw_id && strcmp(n->child, child ?: CHILD_NONE) == 0)
                        g_string_append_printf(s, "%s%s", s->len ? ", " : "", n->raw_id);
        }
        return g_string_free(s, s->len == 0);
}
