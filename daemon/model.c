/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Model: see model.h. */

#include "model.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

static const char *const kind_names[_MODEL_KIND_MAX] = {
        [MODEL_EXEC] = "exec",
        [MODEL_FILE] = "file",
        [MODEL_CAPABILITY] = "capability",
        [MODEL_SOCKET] = "socket",
        [MODEL_EGRESS] = "egress",
        [MODEL_INGRESS] = "ingress",
        [MODEL_EGRESS_UNIX] = "egress-unix",
        [MODEL_INGRESS_UNIX] = "ingress-unix",
        [MODEL_PTRACE] = "ptrace",
        [MODEL_SIGNAL] = "signal",
        [MODEL_MOUNT] = "mount",
        [MODEL_BPF] = "bpf",
        [MODEL_USERNS] = "userns",
        [MODEL_NAMED] = "named",
        [MODEL_SYSCALL] = "syscall",
};

const char *model_kind_to_string(ModelKind k)
{
        return (unsigned)k < _MODEL_KIND_MAX ? kind_names[k] : NULL;
}

ModelKind model_kind_from_string(const char *s)
{
        for (int i = 0; s && i < _MODEL_KIND_MAX; i++)
                if (strcmp(s, kind_names[i]) == 0)
                        return (ModelKind)i;
        return _MODEL_KIND_INVALID;
}

/* ---- members ----------------------------------------------------------------------------------------------------------------- */

#define AT(member) offsetof(ModelOp, member)
#define NET_FIELDS                                                                                                      \
        {"family", MODEL_WORD, AT(family), .words = socket_domain_words},                                               \
        {"address", MODEL_ADDRESS, AT(address), .optional = true},                                                      \
        {"port", MODEL_NUMBER, AT(port), .optional = true, .max = 65535}, {NULL}
#define UNIX_FIELDS {"path", MODEL_TEXT, AT(object)}, {NULL}

#define MODEL_FIELDS_MAX 6
static const ModelField fields[_MODEL_KIND_MAX][MODEL_FIELDS_MAX] = {
        [MODEL_EXEC] = {{"path", MODEL_TEXT, AT(object)}, {"by", MODEL_TEXT, AT(second), .optional = true}, {NULL}},
        [MODEL_FILE] = {{"path", MODEL_TEXT, AT(object)},
                        {"access", MODEL_WORDS, AT(perms), .optional = true, .merged = true, .words = file_perm_words},
                        {"owner-access", MODEL_WORDS, AT(owner_perms), .optional = true, .merged = true, .words = file_perm_words},
                        {NULL}},
        [MODEL_CAPABILITY] = {{"name", MODEL_WORD, AT(number), .words = capability_words}, {NULL}},
        [MODEL_SOCKET] = {{"family", MODEL_WORD, AT(family), .words = socket_domain_words},
                          {"type", MODEL_WORD, AT(type), .max = 15, .words = socket_type_words},
                          {"protocol", MODEL_WORD, AT(protocol), .optional = true, .words = socket_protocol_words},
                          {NULL}},
        [MODEL_EGRESS] = {NET_FIELDS},
        [MODEL_INGRESS] = {NET_FIELDS},
        [MODEL_EGRESS_UNIX] = {UNIX_FIELDS},
        [MODEL_INGRESS_UNIX] = {UNIX_FIELDS},
        [MODEL_PTRACE] = {{"peer", MODEL_TEXT, AT(object)},
                          {"outside", MODEL_BOOL, AT(outside), .optional = true},
                          {"access", MODEL_WORDS, AT(perms), .merged = true, .words = ptrace_perm_words},
                          {NULL}},
        [MODEL_SIGNAL] = {{"peer", MODEL_TEXT, AT(object)},
                          {"outside", MODEL_BOOL, AT(outside), .optional = true},
                          {"signal", MODEL_NUMBER, AT(number), .optional = true, .max = 64},
                          {NULL}},
        [MODEL_MOUNT] = {{"source", MODEL_TEXT, AT(object)},
                         {"type", MODEL_TEXT, AT(second), .optional = true},
                         {"flags", MODEL_WORDS, AT(flags), .words = mount_flag_words},
                         {NULL}},
        [MODEL_BPF] = {{"command", MODEL_WORD, AT(number), .words = bpf_command_words}, {NULL}},
        [MODEL_USERNS] = {{NULL}},
        [MODEL_NAMED] = {{"name", MODEL_WORD, AT(number), .words = named_op_words}, {NULL}},
        [MODEL_SYSCALL] = {{"name", MODEL_TEXT, AT(object)},
                           {"arg", MODEL_NUMBER, AT(index), .optional = true, .max = 5},
                           {"mask", MODEL_NUMBER, AT(mask), .optional = true, .max = UINT32_MAX},
                           {"value", MODEL_NUMBER, AT(value), .optional = true, .max = UINT32_MAX},
                           {NULL}},
};

const ModelField *model_fields(ModelKind k)
{
        return fields[k];
}

static uint64_t *number_of(const ModelOp *o, const ModelField *f)
{
        return (uint64_t *)((char *)o + f->offset);
}

static char **text_of(const ModelOp *o, const ModelField *f)
{
        return (char **)((char *)o + f->offset);
}

/* ---- ops --------------------------------------------------------------------------------------------------------------------- */

ModelOp *model_op_dup(const ModelOp *o)
{
        ModelOp *c = g_memdup2(o, sizeof(*o));

        c->object = g_strdup(o->object);
        c->second = g_strdup(o->second);
        return c;
}

void model_op_free(ModelOp *o)
{
        if (!o)
                return;
        g_free(o->object);
        g_free(o->second);
        g_free(o);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
        return (a > b) - (a < b);
}

static int compare_field(const ModelOp *a, const ModelOp *b, const ModelField *f)
{
        switch (f->type) {
        case MODEL_TEXT:
                return g_strcmp0(*text_of(a, f), *text_of(b, f));
        case MODEL_ADDRESS:
                return memcmp(a->address, b->address, sizeof(a->address));
        default:
                return compare_numbers(*number_of(a, f), *number_of(b, f));
        }
}

int model_op_compare(const ModelOp *a, const ModelOp *b)
{
        int r = compare_numbers(a->kind, b->kind);

        for (const ModelField *f = fields[a->kind]; r == 0 && f->name; f++)
                if (!f->merged)
                        r = compare_field(a, b, f);
        return r;
}

static unsigned hash_op(const void *p)
{
        const ModelOp *o = p;
        uint64_t h = (uint64_t)o->kind + 1;

        for (const ModelField *f = fields[o->kind]; f->name; f++) {
                if (f->merged)
                        continue;
                h *= UINT64_C(0x9e3779b97f4a7c15);
                if (f->type == MODEL_TEXT)
                        h ^= *text_of(o, f) ? g_str_hash(*text_of(o, f)) : 0;
                else if (f->type == MODEL_ADDRESS)
                        for (size_t i = 0; i < sizeof(o->address); i++)
                                h = h * 31 + o->address[i];
                else
                        h ^= *number_of(o, f);
        }
        return (unsigned)(h ^ h >> 32);
}

static gboolean same_op(const void *a, const void *b)
{
        return model_op_compare(a, b) == 0;
}

static const char *check_text(const ModelField *f, const char *s)
{
        if (!s)
                return f->optional ? NULL : "a text is missing";
        if (!*s)
                return "a text is empty";
        return strlen(s) <= MODEL_TEXT_BYTES_MAX ? NULL : "a text is longer than 4095 bytes";
}

static uint64_t all_bits(const Word *words)
{
        uint64_t all = 0;

        for (const Word *w = words; w->name; w++)
                all |= w->bits;
        return all;
}

static const char *check_field(const ModelOp *o, const ModelField *f)
{
        uint64_t n;

        if (f->type == MODEL_TEXT)
                return check_text(f, *text_of(o, f));
        if (f->type == MODEL_ADDRESS)
                return NULL;
        n = *number_of(o, f);
        if (n == 0)
                return f->optional ? NULL : "a number or a word is missing";
        if (f->type == MODEL_WORD && f->max && n >> f->max > 1)
                return "a number is too high";
        if (f->type == MODEL_WORD)
                return (n & (n - 1)) == 0 ? NULL : "several words stand for one";
        if (f->type == MODEL_WORDS)
                return (n & ~all_bits(f->words)) == 0 ? NULL : "a word is not known";
        return n <= (f->type == MODEL_BOOL ? 1 : f->max) ? NULL : "a number is too high";
}

#define CALL_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* Whether members fit to each other. */
static const char *check_whole(const ModelOp *o)
{
        static const uint8_t zeros[16];
        const uint64_t inet = UINT64_C(1) << AF_INET, inet6 = UINT64_C(1) << AF_INET6;

        switch (o->kind) {
        case MODEL_EXEC:
                return *o->object == '/' && (!o->second || *o->second == '/') ? NULL : "a path does not begin with '/'";
        case MODEL_FILE:
                if (*o->object != '/')
                        return "a path does not begin with '/'";
                return o->perms | o->owner_perms ? NULL : "there is no access";
        case MODEL_EGRESS_UNIX:
        case MODEL_INGRESS_UNIX:
                return *o->object == '/' || *o->object == '@' ? NULL : "a socket's name begins neither with '/' nor with '@'";
        case MODEL_EGRESS:
        case MODEL_INGRESS:
                if (o->family != inet && o->family != inet6)
                        return "an address is neither IPv4 nor IPv6";
                return o->family == inet6 || memcmp(o->address + 4, zeros, 12) == 0 ? NULL : "an address is too long";
        case MODEL_SYSCALL:
                /* Such words are written into settings as they are. */
                if (o->object[strspn(o->object, CALL_CHARS)])
                        return "a system call is not called so";
                if (o->mask == 0 && (o->index || o->value))
                        return "a condition has no mask";
                return (o->value & ~o->mask) == 0 ? NULL : "a condition can never hold";
        default:
                return NULL;
        }
}

const char *model_op_check(const ModelOp *o)
{
        if ((unsigned)o->kind >= _MODEL_KIND_MAX)
                return "the kind is not known";
        if (o->count > MODEL_COUNT_MAX)
                return "the count is too high";
        for (const ModelField *f = fields[o->kind]; f->name; f++) {
                const char *why = check_field(o, f);

                if (why)
                        return why;
        }
        return check_whole(o);
}

/* ---- sources ----------------------------------------------------------------------------------------------------------------- */

char **model_source_text(ModelSource *s, unsigned i, const char **ret_name)
{
        static const char *const names[MODEL_SOURCE_TEXTS] = {"host", "unit", "policy", "kernel", "arch"};
        char **const texts[MODEL_SOURCE_TEXTS] = {&s->host, &s->unit, &s->policy, &s->kernel, &s->arch};

        if (ret_name)
                *ret_name = names[i];
        return texts[i];
}

ModelSource *model_source_dup(const ModelSource *s)
{
        ModelSource *c = g_memdup2(s, sizeof(*s));

        for (unsigned i = 0; i < MODEL_SOURCE_TEXTS; i++) {
                char **t = model_source_text(c, i, NULL);

                *t = g_strdup(*t);
        }
        return c;
}

void model_source_free(ModelSource *s)
{
        if (!s)
                return;
        for (unsigned i = 0; i < MODEL_SOURCE_TEXTS; i++)
                g_free(*model_source_text(s, i, NULL));
        g_free(s);
}

int model_source_compare(const ModelSource *a, const ModelSource *b)
{
        int r = 0;

        for (unsigned i = 0; r == 0 && i < MODEL_SOURCE_TEXTS; i++)
                r = g_strcmp0(*model_source_text((ModelSource *)a, i, NULL), *model_source_text((ModelSource *)b, i, NULL));
        if (r == 0)
                r = compare_numbers(a->started_usec, b->started_usec);
        if (r == 0)
                r = compare_numbers(a->ended_usec, b->ended_usec);
        if (r == 0)
                r = compare_numbers(a->kinds, b->kinds);
        for (unsigned k = 0; r == 0 && k < _MODEL_KIND_MAX; k++)
                r = compare_numbers(a->lost[k], b->lost[k]);
        return r;
}

static bool source_is_good(const ModelSource *s)
{
        for (unsigned i = 0; i < MODEL_SOURCE_TEXTS; i++) {
                const char *t = *model_source_text((ModelSource *)s, i, NULL);

                if (t && (!*t || strlen(t) > MODEL_TEXT_BYTES_MAX))
                        return false;
        }
        for (unsigned k = 0; k < _MODEL_KIND_MAX; k++)
                if (s->lost[k] > MODEL_COUNT_MAX)
                        return false;
        return (s->kinds & ~MODEL_KINDS_ALL) == 0 && s->started_usec <= MODEL_COUNT_MAX && s->ended_usec <= MODEL_COUNT_MAX;
}

/* ---- models ------------------------------------------------------------------------------------------------------------------ */

Model *model_new(void)
{
        Model *m = g_new0(Model, 1);

        m->ops = g_ptr_array_new_with_free_func((GDestroyNotify)model_op_free);
        m->sources = g_ptr_array_new_with_free_func((GDestroyNotify)model_source_free);
        m->by_key = g_hash_table_new(hash_op, same_op);
        return m;
}

void model_free(Model *m)
{
        if (!m)
                return;
        g_hash_table_unref(m->by_key);
        g_ptr_array_unref(m->ops);
        g_ptr_array_unref(m->sources);
        g_free(m);
}

const ModelOp *model_find(const Model *m, const ModelOp *o)
{
        return g_hash_table_lookup(m->by_key, o);
}

static uint64_t add_counts(uint64_t a, uint64_t b)
{
        return a > MODEL_COUNT_MAX - b ? MODEL_COUNT_MAX : a + b;
}

static int put(Model *m, const ModelOp *o, bool add)
{
        ModelOp *known = g_hash_table_lookup(m->by_key, o);
        size_t bytes = (o->object ? strlen(o->object) : 0) + (o->second ? strlen(o->second) : 0);

        if (known) {
                known->count = add ? add_counts(known->count, o->count) : MAX(known->count, o->count);
                known->perms |= o->perms;
                known->owner_perms |= o->owner_perms;
                return 0;
        }
        if (m->ops->len >= MODEL_OPS_MAX || bytes > MODEL_TEXTS_BYTES_MAX - m->text_bytes)
                return -E2BIG;
        known = model_op_dup(o);
        m->text_bytes += bytes;
        m->sealed = false;
        g_ptr_array_add(m->ops, known);
        g_hash_table_add(m->by_key, known);
        return 0;
}

int model_add(Model *m, const ModelOp *o)
{
        return model_op_check(o) ? -EINVAL : put(m, o, true);
}

int model_add_source(Model *m, const ModelSource *s)
{
        if (!source_is_good(s))
                return -EINVAL;
        for (guint i = 0; i < m->sources->len; i++)
                if (model_source_compare(m->sources->pdata[i], s) == 0)
                        return 0;
        if (m->sources->len >= MODEL_SOURCES_MAX)
                return -E2BIG;
        g_ptr_array_add(m->sources, model_source_dup(s));
        m->sealed = false;
        return 0;
}

static int compare_op_pointers(const void *a, const void *b)
{
        return model_op_compare(*(ModelOp *const *)a, *(ModelOp *const *)b);
}

static int compare_source_pointers(const void *a, const void *b)
{
        return model_source_compare(*(ModelSource *const *)a, *(ModelSource *const *)b);
}

void model_seal(Model *m)
{
        if (m->sealed)
                return;
        g_ptr_array_sort(m->ops, compare_op_pointers);
        g_ptr_array_sort(m->sources, compare_source_pointers);
        m->sealed = true;
}

int model_merge(const Model *a, const Model *b, Model **ret)
{
        g_autoptr(Model) m = model_new();
        const Model *const both[] = {a, b};
        int r = 0;

        for (unsigned i = 0; i < 2; i++) {
                for (guint k = 0; r >= 0 && k < both[i]->ops->len; k++)
                        r = put(m, both[i]->ops->pdata[k], false);
                for (guint k = 0; r >= 0 && k < both[i]->sources->len; k++)
                        r = model_add_source(m, both[i]->sources->pdata[k]);
        }
        if (r < 0)
                return r;
        model_seal(m);
        *ret = g_steal_pointer(&m);
        return 0;
}

bool model_equal(const Model *a, const Model *b)
{
        if (a->ops->len != b->ops->len || a->sources->len != b->sources->len)
                return false;
        for (guint i = 0; i < a->ops->len; i++) {
                const ModelOp *x = a->ops->pdata[i], *y = b->ops->pdata[i];

                if (model_op_compare(x, y) != 0 || x->perms != y->perms || x->owner_perms != y->owner_perms || x->count != y->count)
                        return false;
        }
        for (guint i = 0; i < a->sources->len; i++)
                if (model_source_compare(a->sources->pdata[i], b->sources->pdata[i]) != 0)
                        return false;
        return true;
}

uint64_t model_lost(const Model *m, ModelKind k)
{
        uint64_t n = 0;

        for (guint i = 0; i < m->sources->len; i++)
                n = add_counts(n, ((const ModelSource *)m->sources->pdata[i])->lost[k]);
        return n;
}

bool model_is_complete(const Model *m)
{
        for (guint i = 0; i < m->sources->len; i++)
                if (((const ModelSource *)m->sources->pdata[i])->kinds != MODEL_KINDS_ALL)
                        return false;
        for (int k = 0; k < _MODEL_KIND_MAX; k++)
                if (model_lost(m, (ModelKind)k) > 0)
                        return false;
        return m->sources->len > 0;
}

void model_diff(const Model *before, const Model *after, ModelDiffFunc func, void *userdata)
{
        guint i = 0, k = 0;

        while (i < before->ops->len || k < after->ops->len) {
                const ModelOp *a = i < before->ops->len ? before->ops->pdata[i] : NULL;
                const ModelOp *b = k < after->ops->len ? after->ops->pdata[k] : NULL;
                int r = !a ? 1 : !b ? -1 : model_op_compare(a, b);

                i += r <= 0;
                k += r >= 0;
                if (r != 0 || a->perms != b->perms || a->owner_perms != b->owner_perms)
                        func(r <= 0 ? a : NULL, r >= 0 ? b : NULL, userdata);
        }
}
