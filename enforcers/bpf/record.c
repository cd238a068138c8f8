/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Record: from the texts by which the programs name objects (abi.h) to members of ops. */

#include "record.h"

#include <arpa/inet.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "seccomp/syscalls.h"

/* A text that is read from its front. */
typedef struct Text {
        const char *at;
        size_t left;
} Text;

static bool take(Text *t, char c)
{
        if (t->left == 0 || *t->at != c)
                return false;
        t->at++;
        t->left--;
        return true;
}

static bool take_hex(Text *t, unsigned digits, uint64_t *ret)
{
        *ret = 0;
        if (t->left < digits)
                return false;
        for (unsigned i = 0; i < digits; i++) {
                int x = g_ascii_xdigit_value(t->at[i]);

                if (x < 0)
                        return false;
                *ret = *ret << 4 | (uint64_t)x;
        }
        t->at += digits;
        t->left -= digits;
        return true;
}

/* All that is left, which holds no NUL. */
static char *take_rest(Text *t)
{
        char *s = memchr(t->at, '\0', t->left) ? NULL : g_strndup(t->at, t->left);

        t->left = 0;
        return s;
}

/* "/0c" */
static bool read_bit(Text *t, uint64_t *ret)
{
        uint64_t n;

        if (!take(t, '/') || !take_hex(t, 2, &n) || t->left > 0 || n > 63)
                return false;
        *ret = UINT64_C(1) << n;
        return true;
}

/* "/02/1/t" */
static bool read_socket(Text *t, ModelOp *o)
{
        uint64_t family, type;

        if (!take(t, '/') || !take_hex(t, 2, &family) || !take(t, '/') || !take_hex(t, 1, &type) || !take(t, '/') || t->left != 1 ||
            family > 63)
                return false;
        o->family = UINT64_C(1) << family;
        o->type = UINT64_C(1) << type;
        o->protocol = *t->at == 'i' ? PROTOCOL_ICMP : *t->at == 't' ? PROTOCOL_TCP : *t->at == 'u' ? PROTOCOL_UDP : 0;
        return true;
}

/* "/4/7f000001/0050/h" */
static bool read_address(Text *t, ModelOp *o)
{
        bool v4 = t->left > 1 && t->at[1] == '4';

        if (!take(t, '/') || !take(t, v4 ? '4' : '6') || !take(t, '/'))
                return false;
        o->family = UINT64_C(1) << (v4 ? AF_INET : AF_INET6);
        for (unsigned i = 0; i < (v4 ? 4 : 16); i++) {
                uint64_t byte;

                if (!take_hex(t, 2, &byte))
                        return false;
                o->address[i] = (uint8_t)byte;
        }
        return take(t, '/') && take_hex(t, 4, &o->port);
}

/* "/i/comm" */
static bool read_peer(Text *t, ModelOp *o)
{
        if (!take(t, '/') || t->left < 2)
                return false;
        o->outside = *t->at == 'o';
        t->at++;
        t->left--;
        if (!take(t, '/'))
                return false;
        /* A process may have no name at all. */
        o->object = t->left > 0 ? take_rest(t) : g_strdup("?");
        return o->object != NULL;
}

/* "/w/type/source" */
static bool read_mount(Text *t, ModelOp *o)
{
        const char *slash;

        if (!take(t, '/') || t->left < 1)
                return false;
        t->at++;
        t->left--;
        slash = take(t, '/') ? memchr(t->at, '/', t->left) : NULL;
        if (!slash || memchr(t->at, '\0', (size_t)(slash - t->at)))
                return false;
        if (slash > t->at)
                o->second = g_strndup(t->at, (gsize)(slash - t->at));
        t->left -= (size_t)(slash - t->at) + 1;
        t->at = slash + 1;
        o->object = take_rest(t);
        return o->object != NULL;
}

/* A path, or "/@name". */
static bool read_unix(Text *t, ModelOp *o)
{
        if (t->left > 1 && t->at[1] == '@')
                (void)take(t, '/');
        o->object = take_rest(t);
        return o->object != NULL;
}

static bool read_file(const struct va_record *v, Text *t, Text *program, RecordOps *ret)
{
        ModelOp *o = &ret->op[0], *exec = &ret->op[1];

        o->object = take_rest(t);
        *(v->owner ? &o->owner_perms : &o->perms) = v->requested & VA_PERMS_ALL;
        if (!o->object || v->op != VA_OP_EXEC)
                return o->object != NULL;
        *exec = (ModelOp){.kind = MODEL_EXEC, .object = g_strdup(o->object), .count = 1};
        exec->second = program->left > 0 ? take_rest(program) : NULL;
        ret->n = 2;
        return true;
}

/* The call and which argument of it matters. */
static bool read_call(const struct va_record *v, ModelOp *o)
{
        static const struct {
                const char *name;
                uint32_t nr, index, mask;
        } calls[] = {
                {"socket", VA_CALL_SOCKET, VA_CALL_SOCKET_ARG, VA_CALL_SOCKET_MASK},
                {"clone", VA_CALL_CLONE, VA_CALL_CLONE_ARG, VA_CALL_CLONE_MASK},
                {"ioctl", VA_CALL_IOCTL, VA_CALL_IOCTL_ARG, VA_CALL_IOCTL_MASK},
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++)
                if (calls[i].nr == v->requested) {
                        o->object = g_strdup(calls[i].name);
                        o->index = calls[i].index;
                        o->mask = calls[i].mask;
                        o->value = v->words & calls[i].mask;
                        return true;
                }
        return false;
}

/* Indexed by VA_KIND_*, and VA_RECORD_CALL. */
static const ModelKind kinds[VA_RECORD_MAX] = {
        [VA_KIND_FILE] = MODEL_FILE,
        [VA_KIND_CAPABILITY] = MODEL_CAPABILITY,
        [VA_KIND_SOCKET] = MODEL_SOCKET,
        [VA_KIND_EGRESS] = MODEL_EGRESS,
        [VA_KIND_INGRESS] = MODEL_INGRESS,
        [VA_KIND_PTRACE] = MODEL_PTRACE,
        [VA_KIND_SIGNAL] = MODEL_SIGNAL,
        [VA_KIND_MOUNT] = MODEL_MOUNT,
        [VA_KIND_USERNS] = MODEL_USERNS,
        [VA_KIND_BPF] = MODEL_BPF,
        [VA_KIND_EGRESS_UNIX] = MODEL_EGRESS_UNIX,
        [VA_KIND_INGRESS_UNIX] = MODEL_INGRESS_UNIX,
        [VA_KIND_DEVICE] = MODEL_FILE,
        [VA_KIND_NAMED] = MODEL_NAMED,
        [VA_RECORD_CALL] = MODEL_SYSCALL,
};

ModelKind record_kind(uint32_t kind)
{
        return kind < VA_RECORD_MAX ? kinds[kind] : _MODEL_KIND_INVALID;
}

static bool read_op(const struct va_record *v, Text *t, Text *program, RecordOps *ret)
{
        ModelOp *o = &ret->op[0];

        switch (o->kind) {
        case MODEL_FILE: return read_file(v, t, program, ret);
        case MODEL_CAPABILITY:
        case MODEL_BPF:
        case MODEL_NAMED: return read_bit(t, &o->number);
        case MODEL_SOCKET: return read_socket(t, o);
        case MODEL_EGRESS:
        case MODEL_INGRESS: return read_address(t, o);
        case MODEL_EGRESS_UNIX:
        case MODEL_INGRESS_UNIX: return read_unix(t, o);
        case MODEL_PTRACE: o->perms = v->requested & PTRACE_PERM_ALL; return read_peer(t, o);
        case MODEL_SIGNAL: o->number = v->words; return read_peer(t, o);
        case MODEL_MOUNT:
                /* Of which device it is goes without saying. */
                ret->n = v->words >> VA_MOUNT_DEVICE & 1 ? 0 : 1;
                o->flags = v->words;
                return ret->n == 0 || read_mount(t, o);
        case MODEL_USERNS: return true;
        case MODEL_SYSCALL: return read_call(v, o);
        default: return false;
        }
}

bool record_ops(const struct va_record *v, size_t size, RecordOps *ret)
{
        const char *bytes = (const char *)(v + 1);
        Text t = {bytes, v->size}, program = {bytes + v->size, v->program};

        *ret = (RecordOps){.n = 0};
        if (size < sizeof(*v) + v->size + v->program || v->kind >= VA_RECORD_MAX || v->kind == VA_KIND_DEVICE)
                return false;
        ret->n = 1;
        ret->op[0] = (ModelOp){.kind = kinds[v->kind], .count = 1};
        if (read_op(v, &t, &program, ret))
                return true;
        record_ops_clear(ret);
        return false;
}

void record_ops_clear(RecordOps *ops)
{
        for (unsigned i = 0; i < ops->n; i++) {
                g_free(ops->op[i].object);
                g_free(ops->op[i].second);
        }
        ops->n = 0;
}

char *record_call(uint32_t nr)
{
        char *name = syscall_name(syscall_abi_token(syscall_native()), nr);
        char *copy = name ? g_strdup(name) : g_strdup_printf("%u", nr);

        free(name);
        return copy;
}
