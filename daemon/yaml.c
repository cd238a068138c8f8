/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Yaml: from bytes to a tree with positions, over libyaml's event interface. What could make a small file big (aliases), mean
 * something other than it says (tags, duplicate keys), or exhaust us (depth, number of nodes) is an error here, so that
 * nobody after us has to think of it. An error in the structure is reported and reading goes on; a syntax error ends the
 * text. */

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "yaml-tree.h"

#define SKIP_DEPTH_MAX 512U

typedef struct Reader {
        yaml_parser_t parser;
        const char *file, *text;
        size_t size;
        size_t seen_line, seen_offset; /* a line that was looked up, from 0, and where it begins */
        uint32_t line, column; /* where the text begins, if it stands inside another file; else 1, 1 */
        uint32_t indent;       /* columns in front of its further lines there; else 0 */
        uint32_t n_nodes;
        Diag *diag;
        bool failed;   /* an error was reported */
        bool ended;    /* nothing more can be read */
} Reader;

static void reader_done(Reader *r)
{
        yaml_parser_delete(&r->parser);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reader, reader_done)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(yaml_event_t, yaml_event_delete)

static SourcePos reader_pos(const Reader *r, const yaml_mark_t *mark)
{
        SourcePos pos = {
                .file = r->file,
                .line = r->line + (uint32_t)MIN(mark->line, G_MAXINT32),
                .column = (uint32_t)MIN(mark->column, G_MAXINT32) + (mark->line == 0 ? r->column : 1 + r->indent),
        };

        return pos;
}

/* Columns are characters, as libyaml counts them. */
static SourcePos reader_pos_at(const Reader *r, size_t offset)
{
        yaml_mark_t mark = {0};

        for (size_t i = 0; i < offset && i < r->size; i++)
                if (r->text[i] == '\n') {
                        mark.line++;
                        mark.column = 0;
                } else if (((uint8_t)r->text[i] & 0xc0) != 0x80)
                        mark.column++;

        return reader_pos(r, &mark);
}

#define reader_error(r, pos, code, ...)                                                                                 \
        do {                                                                                                            \
                (r)->failed = true;                                                                                     \
                diag_error((r)->diag, (pos), (code), __VA_ARGS__);                                                      \
        } while (0)

/* libyaml says what it was doing, and what it did not like, each with a place of its own. */
static void reader_syntax_error(Reader *r)
{
        const yaml_parser_t *p = &r->parser;
        SourcePos pos = reader_pos(r, &p->problem_mark);
        const char *problem = p->problem ?: "unreadable";

        if (p->error == YAML_READER_ERROR) {
                /* No mark here, but the offset in bytes and the offending value. */
                pos = reader_pos_at(r, p->problem_offset);
                if (p->problem_value >= 0)
                        reader_error(r, &pos, "encoding", "%s: found 0x%x, expected printable UTF-8", problem,
                                     (unsigned)p->problem_value);
                else
                        reader_error(r, &pos, "encoding", "%s: expected printable UTF-8", problem);
        } else if (p->error == YAML_MEMORY_ERROR)
                reader_error(r, &pos, "too-large", "the text needs more memory than there is");
        else if (p->context && p->context_mark.line != p->problem_mark.line)
                reader_error(r, &pos, "syntax", "%s, %s that begins in line %" G_GUINT32_FORMAT, problem, p->context,
                             reader_pos(r, &p->context_mark).line);
        else if (p->context)
                reader_error(r, &pos, "syntax", "%s, %s", problem, p->context);
        else
                reader_error(r, &pos, "syntax", "%s", problem);
        r->ended = true;
}

static bool reader_next(Reader *r, yaml_event_t *ret)
{
        if (r->ended)
                return false;
        if (!yaml_parser_parse(&r->parser, ret)) {
                memset(ret, 0, sizeof(*ret));
                reader_syntax_error(r);
                return false;
        }
        if (ret->type == YAML_STREAM_END_EVENT || ret->type == YAML_NO_EVENT)
                r->ended = true;

        return true;
}

/* Anchors and tags of whatever node the event begins. A lone "!" says no more than that the scalar is text. */
static void check_properties(Reader *r, const SourcePos *pos, const yaml_char_t *anchor, const yaml_char_t *tag)
{
        if (anchor)
                reader_error(r, pos, "anchor",
                             "found the anchor '&%s': anchors and aliases are not supported; text that begins with '&' "
                             "must be quoted",
                             (const char *)anchor);
        if (tag)
                reader_error(r, pos, "tag",
                             "found the tag '%s': tags are not supported; text that begins with '!' must be quoted",
                             (const char *)tag);
}

static YamlNode *reader_new_node(Reader *r, YamlType type, const SourcePos *pos)
{
        YamlNode *n;

        if (++r->n_nodes > YAML_NODES_MAX) {
                if (r->n_nodes == YAML_NODES_MAX + 1)
                        reader_error(r, pos, "too-large", "more than %u values in one file", YAML_NODES_MAX);
                r->ended = true;
        }

        n = g_new0(YamlNode, 1);
        n->type = type;
        n->pos = *pos;
        return n;
}

/* How far the block whose header is in line @line is indented: as its first line that has anything. Lines are asked for in
 * their order, so that each is passed over once; libyaml's index counts characters and does not help. */
static uint32_t block_indent(Reader *r, size_t line)
{
        const char *end = r->text + r->size, *p = NULL;

        for (; r->seen_line <= line; r->seen_line++) {
                p = memchr(r->text + r->seen_offset, '\n', r->size - r->seen_offset);
                if (!p) {
                        r->seen_offset = r->size; /* libyaml ends lines elsewhere, too: do not look again */
                        return 0;
                }
                r->seen_offset = (size_t)(p - r->text) + 1;
        }

        while (p) {
                uint32_t n = 0;

                for (p++; p < end && *p == ' '; p++)
                        n++;
                if (p < end && *p != '\n' && *p != '\r')
                        return n;
                p = memchr(p, '\n', (size_t)(end - p));
        }

        return 0;
}

static YamlNode *read_scalar(Reader *r, const yaml_event_t *e, const SourcePos *pos)
{
        YamlNode *n = reader_new_node(r, YAML_SCALAR, pos);
        const char *value = (const char *)e->data.scalar.value;
        size_t length = e->data.scalar.length;

        check_properties(r, pos, e->data.scalar.anchor, e->data.scalar.tag);
        if (memchr(value, '\0', length))
                reader_error(r, pos, "nul", "the text contains a NUL byte (\\0), expected text without");

        n->scalar = g_strdup(value);
        n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        n->block = e->data.scalar.style == YAML_LITERAL_SCALAR_STYLE || e->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
        if (n->block)
                n->indent = block_indent(r, e->start_mark.line);
        return n;
}

static YamlNode *read_node(Reader *r, const yaml_event_t *e, unsigned depth);

/* Pass over a collection that is nested too deeply, without recursion. What is nested beyond all reason ends the text,
 * because libyaml keeps a record for each level. */
static void skip_collection(Reader *r)
{
        for (unsigned open = 1; open > 0 && !r->ended;) {
                g_auto(yaml_event_t) e = {0};

                if (open > SKIP_DEPTH_MAX) {
                        r->ended = true;
                        return;
                }

                if (!reader_next(r, &e))
                        return;
                if (e.type == YAML_SEQUENCE_START_EVENT || e.type == YAML_MAPPING_START_EVENT)
                        open++;
                else if (e.type == YAML_SEQUENCE_END_EVENT || e.type == YAML_MAPPING_END_EVENT)
                        open--;
        }
}

static void read_sequence(Reader *r, YamlNode *n, unsigned depth)
{
        n->items = g_ptr_array_new_with_free_func((GDestroyNotify)yaml_node_free);

        for (;;) {
                g_auto(yaml_event_t) e = {0};

                if (!reader_next(r, &e) || e.type == YAML_SEQUENCE_END_EVENT)
                        return;
                g_ptr_array_add(n->items, read_node(r, &e, depth + 1));
        }
}

/* One pair whose key has just begun. The key is checked against @seen, which borrows the keys. */
static void read_pair(Reader *r, YamlNode *n, GHashTable *seen, const yaml_event_t *key_event, unsigned depth)
{
        g_autoptr(YamlNode) key = read_node(r, key_event, depth + 1), value = NULL;
        g_auto(yaml_event_t) e = {0};
        const YamlPair *other;
        YamlPair *pair;

        if (!reader_next(r, &e))
                return;
        value = read_node(r, &e, depth + 1);

        if (key->type != YAML_SCALAR) {
                reader_error(r, &key->pos, "bad-key", "found %s as a key, expected a word",
                             key->type == YAML_SEQUENCE ? "a list" : "a mapping");
                return;
        }

        other = g_hash_table_lookup(seen, key->scalar);
        if (other) {
                reader_error(r, &key->pos, "duplicate-key",
                             "the key '%s' was given in line %" G_GUINT32_FORMAT " already, expected it once",
                             key->scalar, other->pos.line);
                return;
        }

        if (n->pairs->len >= YAML_PAIRS_MAX) {
                if (!r->ended)
                        reader_error(r, &key->pos, "too-large", "more than %u keys in one mapping", YAML_PAIRS_MAX);
                r->ended = true;
                return;
        }

        pair = g_new0(YamlPair, 1);
        pair->pos = key->pos;
        pair->key = g_steal_pointer(&key->scalar);
        pair->value = g_steal_pointer(&value);
        g_ptr_array_add(n->pairs, pair);
        g_hash_table_insert(seen, pair->key, pair);
}

static void read_mapping(Reader *r, YamlNode *n, unsigned depth)
{
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        n->pairs = g_ptr_array_new_with_free_func((GDestroyNotify)yaml_pair_free);

        for (;;) {
                g_auto(yaml_event_t) e = {0};

                if (!reader_next(r, &e) || e.type == YAML_MAPPING_END_EVENT)
                        return;
                read_pair(r, n, seen, &e, depth);
        }
}

/* The node that @e begins. Never NULL: where something is refused, a scalar of nothing stands in its place. */
static YamlNode *read_node(Reader *r, const yaml_event_t *e, unsigned depth)
{
        SourcePos pos = reader_pos(r, &e->start_mark);
        bool sequence = e->type == YAML_SEQUENCE_START_EVENT;
        YamlNode *n;

        if (e->type == YAML_SCALAR_EVENT)
                return read_scalar(r, e, &pos);

        if (e->type == YAML_ALIAS_EVENT)
                reader_error(r, &pos, "alias",
                             "found the alias '*%s': anchors and aliases are not supported; text that begins with '*' "
                             "must be quoted",
                             (const char *)e->data.alias.anchor);

        if (e->type == YAML_ALIAS_EVENT || (!sequence && e->type != YAML_MAPPING_START_EVENT)) {
                n = reader_new_node(r, YAML_SCALAR, &pos);
                n->scalar = g_strdup("");
                return n;
        }

        if (depth >= YAML_DEPTH_MAX) {
                reader_error(r, &pos, "too-deep", "more than %u levels of nesting", YAML_DEPTH_MAX);
                skip_collection(r);
                n = reader_new_node(r, YAML_SCALAR, &pos);
                n->scalar = g_strdup("");
                return n;
        }

        n = reader_new_node(r, sequence ? YAML_SEQUENCE : YAML_MAPPING, &pos);
        if (sequence) {
                check_properties(r, &pos, e->data.sequence_start.anchor, e->data.sequence_start.tag);
                read_sequence(r, n, depth);
        } else {
                check_properties(r, &pos, e->data.mapping_start.anchor, e->data.mapping_start.tag);
                read_mapping(r, n, depth);
        }

        return n;
}

/* The document whose start event was just read. NULL if it was empty or did not end. */
static YamlNode *read_document(Reader *r, const yaml_event_t *start)
{
        g_autoptr(YamlNode) root = NULL;
        g_auto(yaml_event_t) e = {0}, end = {0};
        SourcePos pos = reader_pos(r, &start->start_mark);

        if (start->data.document_start.tag_directives.start != start->data.document_start.tag_directives.end)
                reader_error(r, &pos, "tag", "found a %%TAG directive: tags are not supported");

        if (!reader_next(r, &e))
                return NULL;
        root = read_node(r, &e, 0);

        /* The end, unless something ended the whole text before. */
        if (!reader_next(r, &end))
                return NULL;

        return yaml_is_null(root) ? NULL : g_steal_pointer(&root);
}

static int reader_run(Reader *r, const char *text, size_t size, GPtrArray *documents)
{
        uint32_t n = 0;

        if (!yaml_parser_initialize(&r->parser))
                return -ENOMEM;
        r->text = text;
        r->size = size;
        yaml_parser_set_input_string(&r->parser, (const unsigned char *)text, size);
        yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);

        while (!r->ended) {
                g_auto(yaml_event_t) e = {0};
                YamlNode *root;

                if (!reader_next(r, &e) || e.type != YAML_DOCUMENT_START_EVENT)
                        continue;
                if (++n > YAML_DOCUMENTS_MAX) {
                        SourcePos pos = reader_pos(r, &e.start_mark);

                        reader_error(r, &pos, "too-large", "more than %u documents in one file", YAML_DOCUMENTS_MAX);
                        break;
                }
                root = read_document(r, &e);
                if (root)
                        g_ptr_array_add(documents, root);
        }

        return r->failed ? -EBADMSG : 0;
}

static int parse(const char *text, size_t size, const SourcePos *origin, uint32_t indent, GPtrArray **ret, bool *ret_complete,
                 Diag *d)
{
        g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func((GDestroyNotify)yaml_node_free);
        g_auto(Reader) r = {.file = origin->file, .line = origin->line, .column = origin->column, .indent = indent,
                            .diag = d};
        bool complete;
        int k;

        if (size > YAML_BYTES_MAX) {
                diag_error(d, origin, "too-large", "the file has %zu bytes, expected at most %u", size, YAML_BYTES_MAX);
                *ret = g_steal_pointer(&documents);
                *ret_complete = false;
                return -EBADMSG;
        }

        k = reader_run(&r, text, size, documents);
        if (k == -ENOMEM)
                return k;
        complete = r.parser.error == YAML_NO_ERROR && r.n_nodes <= YAML_NODES_MAX && r.parser.stream_end_produced;

        *ret = g_steal_pointer(&documents);
        *ret_complete = complete;
        return k;
}

int yaml_parse(const char *text, size_t size, const char *file, GPtrArray **ret, bool *ret_complete, Diag *d)
{
        SourcePos origin = {.file = g_intern_string(file), .line = 1, .column = 1};

        return parse(text, size, &origin, 0, ret, ret_complete, d);
}

int yaml_parse_within(const YamlNode *n, GPtrArray **ret, Diag *d)
{
        SourcePos origin = n->pos;
        bool complete;

        if (n->block) {
                origin.line++;
                origin.column = 1 + n->indent;
        } else if (n->quoted)
                origin.column++;

        return parse(n->scalar, strlen(n->scalar), &origin, n->indent, ret, &complete, d);
}
