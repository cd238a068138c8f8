/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See model-admits.h. */

#include "model-admits.h"

#include <string.h>
#include <sys/socket.h>

#include "glob-reference.h"
#include "objects.h"

const struct va_table *model_admits_table;

/* ---- objects, as the programs write them: enforcers/bpf/abi.h ------------------------------------------------------------------- */

static unsigned bit_of(uint64_t bit)
{
        return (unsigned)__builtin_ctzll(bit);
}

static char *address_object(const ModelOp *o)
{
        bool four = o->family == UINT64_C(1) << AF_INET;
        GString *s = g_string_new(four ? "/4/" : "/6/");

        for (unsigned i = 0; i < (four ? 4 : 16); i++)
                g_string_append_printf(s, "%02x", o->address[i]);
        g_string_append_printf(s, "/%04x/-", (unsigned)o->port);
        return g_string_free(s, FALSE);
}

static char *socket_object(const ModelOp *o)
{
        char protocol = o->protocol == PROTOCOL_ICMP ? 'i' : o->protocol == PROTOCOL_TCP ? 't' : o->protocol == PROTOCOL_UDP ? 'u' : 'o';

        return g_strdup_printf("/%02x/%x/%c", bit_of(o->family), bit_of(o->type), protocol);
}


bool model_admits_object(const Policy *p, uint32_t kind, const char *object, uint32_t perms)
{
        const struct va_accept *a = model_admits_table ? table_match(model_admits_table, kind, 0, object) : NULL;
        uint32_t have = 0;

        if (model_admits_table)
                return a ? (perms & ~(uint32_t)a->allow) == 0 && (perms & a->deny) == 0 : perms == 0;

        for (guint i = 0; i < p->rules->len; i++) {
                const Rule *r = p->rules->pdata[i];
                g_autoptr(GArray) patterns = objects_of_rule(r, false);

                for (guint k = 0; r->qualifiers & RULE_ALLOW && k < patterns->len; k++) {
                        const ObjectPattern *o = &g_array_index(patterns, ObjectPattern, k);

                        if (o->kind == kind && reference_match(o->text, (const uint8_t *)object, strlen(object)))
                                have |= objects_perms(r, kind);
                }
        }
        return (perms & ~have) == 0;
}

static bool admits_mount(const Policy *p, const ModelOp *o)
{
        for (unsigned i = 0; i < _MOUNT_WORD_MAX; i++) {
                g_autofree char *object = g_strdup_printf("/%c/%s%s", VA_MOUNT_LETTERS[i], o->second ?: "none", o->object);

                if (o->flags >> i & 1 && !model_admits_object(p, VA_KIND_MOUNT, object, 1))
                        return false;
        }
        return true;
}

static char *numbered(uint64_t bit)
{
        return g_strdup_printf("/%02x", bit_of(bit));
}

static char *named(const ModelOp *o)
{
        return g_strdup_printf("/%c/%s", o->outside ? 'o' : 'i', o->object);
}

/* An operation of which the default says nothing is admitted without a rule: verdict.bpf.c, decide(). */
static bool admits(const Policy *p, const ModelOp *o)
{
        g_autofree char *object = NULL;
        uint32_t kind = VA_KIND_FILE, perms = 1;

        switch (o->kind) {
        case MODEL_EXEC:
                return model_admits_object(p, VA_KIND_FILE, o->object, PERM_EXEC);
        case MODEL_FILE:
                return model_admits_object(p, VA_KIND_FILE, o->object, (uint32_t)(o->perms | o->owner_perms));
        case MODEL_CAPABILITY:
                kind = VA_KIND_CAPABILITY;
                object = numbered(o->number);
                break;
        case MODEL_SOCKET:
                kind = VA_KIND_SOCKET;
                object = socket_object(o);
                break;
        case MODEL_EGRESS:
        case MODEL_INGRESS:
                kind = o->kind == MODEL_EGRESS ? VA_KIND_EGRESS : VA_KIND_INGRESS;
                object = address_object(o);
                break;
        case MODEL_EGRESS_UNIX:
        case MODEL_INGRESS_UNIX:
                kind = o->kind == MODEL_EGRESS_UNIX ? VA_KIND_EGRESS_UNIX : VA_KIND_INGRESS_UNIX;
                object = g_strconcat(*o->object == '/' ? "" : "/", o->object, NULL);
                break;
        case MODEL_PTRACE:
                kind = VA_KIND_PTRACE;
                object = named(o);
                perms = (uint32_t)o->perms & (PTRACE_PERM_TRACE | PTRACE_PERM_READ);
                break;
        case MODEL_SIGNAL:
                kind = VA_KIND_SIGNAL;
                object = named(o);
                perms = o->number > 0 ? (uint32_t)o->outside : 0;
                break;
        case MODEL_MOUNT:
                return admits_mount(p, o);
        case MODEL_BPF:
                kind = VA_KIND_BPF;
                object = numbered(o->number);
                break;
        case MODEL_USERNS:
                kind = VA_KIND_USERNS;
                object = g_strdup("/user");
                break;
        default:
                return true; /* system calls: below; named operations: of no class */
        }
        return model_admits_object(p, kind, object, perms);
}

void model_admits_check(const Model *m, const Policy *p)
{
        for (guint i = 0; i < m->ops->len; i++) {
                const ModelOp *o = m->ops->pdata[i];

                if (!admits(p, o)) {
                        g_autofree char *dump = policy_dump(p);

                        g_test_message("op %u of kind %s, %s, is not admitted:\n%s", i, model_kind_to_string(o->kind), o->object ?: "", dump);
                        g_test_fail();
                        return;
                }
        }
}
