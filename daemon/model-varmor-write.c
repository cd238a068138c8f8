/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Model -> ArmorProfileModel: see model-varmor.h. */

#include <arpa/inet.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/socket.h>

#include "model-json.h"
#include "model-varmor.h"

/* By number, as x86 and most others have them. */
static const char *const signal_names[] = {"exists", "hup",  "int",  "quit", "ill",    "trap", "abrt", "bus",   "fpe",  "kill", "usr1",
                                           "segv",   "usr2", "pipe", "alrm", "term",   "stkflt", "chld", "cont", "stop", "stp", "ttin",
                                           "ttou",   "urg",  "xcpu", "xfsz", "vtalrm", "prof", "winch", "io",   "pwr",  "sys"};
#define RTMIN 32U

char *signal_name(uint64_t number)
{
        return number < G_N_ELEMENTS(signal_names) ? g_strdup(signal_names[number]) : g_strdup_printf("rtmin+%u", (unsigned)number - RTMIN);
}

int signal_number(const char *name)
{
        guint64 n;

        for (unsigned i = 0; i < G_N_ELEMENTS(signal_names); i++)
                if (g_ascii_strcasecmp(signal_names[i], name) == 0)
                        return (int)i;
        if (g_ascii_strncasecmp(name, "rtmin+", 6) == 0 && g_ascii_string_to_unsigned(name + 6, 10, 0, 32, &n, NULL))
                return (int)(RTMIN + n);
        return -1;
}

/* JSON has no bytes: what is no UTF-8 is written as models write it. */
static json_object *text_of(const char *bytes)
{
        g_autofree char *text = g_utf8_validate(bytes, -1, NULL) ? NULL : model_text_encode(bytes);

        return json_object_new_string(text ?: bytes);
}

/* The array @key of @o; made when it is asked for, so that nothing empty is written. */
static json_object *list_of(json_object *o, const char *key)
{
        json_object *list = NULL;

        if (!json_object_object_get_ex(o, key, &list)) {
                list = json_object_new_array();
                json_object_object_add(o, key, list);
        }
        return list;
}

static json_object *object_of(json_object *o, const char *key)
{
        json_object *child = NULL;

        if (!json_object_object_get_ex(o, key, &child)) {
                child = json_object_new_object();
                json_object_object_add(o, key, child);
        }
        return child;
}

static void add_text(json_object *list, const char *text)
{
        size_t n = json_object_array_length(list);

        /* The model is sorted: what is twice stands together. */
        if (n == 0 || strcmp(json_object_get_string(json_object_array_get_idx(list, n - 1)), text) != 0)
                json_object_array_add(list, json_object_new_string(text));
}

static void put_file(json_object *to, const GeneralOp *op, bool bpf)
{
        static const struct {
                uint64_t perm;
                const char *letter, *word;
        } words[] = {{PERM_EXEC, "m", "exec"}, {PERM_READ, "r", "read"}, {PERM_WRITE, "w", "write"}, {PERM_APPEND, "a", "append"}};
        json_object *file = json_object_new_object(), *perms = json_object_new_array();
        const char *first = op->op.object;

        json_object_object_add(file, "path", text_of(op->pattern));
        if (!bpf && op->op.perms == 0)
                json_object_object_add(file, "owner", json_object_new_boolean(TRUE));
        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                if ((op->op.perms | op->op.owner_perms) & words[i].perm)
                        json_object_array_add(perms, json_object_new_string(bpf ? words[i].word : words[i].letter));
        json_object_object_add(file, "permissions", perms);
        if (strcmp(op->pattern, first) != 0)
                json_object_object_add(file, "oldPath", text_of(first));
        json_object_array_add(list_of(to, "files"), file);
}

static void put_socket(json_object *network, const ModelOp *o)
{
        json_object *s = json_object_new_object();
        const char *family = model_word(socket_domain_words, o->family), *type = model_word(socket_type_words, o->type);
        const char *protocol = model_word(socket_protocol_words, o->protocol);

        if (family)
                json_object_object_add(s, "domain", json_object_new_string(family));
        if (type)
                json_object_object_add(s, "type", json_object_new_string(type));
        if (protocol)
                json_object_object_add(s, "protocol", json_object_new_string(protocol));
        json_object_array_add(list_of(network, "sockets"), s);
}

/* Ports of one address stand together in a model. */
static void put_egress(json_object *network, const ModelOp *o)
{
        json_object *list = list_of(network, "egresses"), *last = NULL, *ip = NULL;
        size_t n = json_object_array_length(list);
        char text[INET6_ADDRSTRLEN] = "";

        (void)inet_ntop(o->family == UINT64_C(1) << AF_INET ? AF_INET : AF_INET6, o->address, text, sizeof(text));
        if (n > 0)
                last = json_object_array_get_idx(list, n - 1);
        if (!last || !json_object_object_get_ex(last, "ip", &ip) || strcmp(json_object_get_string(ip), text) != 0) {
                last = json_object_new_object();
                json_object_object_add(last, "ip", json_object_new_string(text));
                json_object_array_add(list, last);
        }
        json_object_array_add(list_of(last, "ports"), json_object_new_int64((int64_t)o->port));
}

/* To AppArmor a process is its profile. */
static const char *peer_profile(const ModelOp *o, const char *name)
{
        return o->outside ? "unconfined" : name;
}

static void put_ptrace(json_object *to, const ModelOp *o, const char *peer)
{
        static const struct {
                uint64_t perm;
                const char *word;
        } words[] = {{PTRACE_PERM_TRACE, "trace"}, {PTRACE_PERM_TRACEBY, "traceby"}, {PTRACE_PERM_READ, "read"}, {PTRACE_PERM_READBY, "readby"}};
        json_object *p = json_object_new_object(), *perms = json_object_new_array();

        json_object_object_add(p, "peer", text_of(peer));
        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                if (o->perms & words[i].perm)
                        json_object_array_add(perms, json_object_new_string(words[i].word));
        json_object_object_add(p, "permissions", perms);
        if (o->outside)
                json_object_object_add(p, "external", json_object_new_boolean(TRUE));
        json_object_array_add(list_of(to, "ptraces"), p);
}

static void put_signal(json_object *to, const ModelOp *o, const char *peer)
{
        json_object *s = json_object_new_object(), *perms = json_object_new_array(), *names = json_object_new_array();
        g_autofree char *name = signal_name(o->number);

        json_object_object_add(s, "peer", text_of(peer));
        json_object_array_add(perms, json_object_new_string("send"));
        json_object_object_add(s, "permissions", perms);
        json_object_array_add(names, json_object_new_string(name));
        json_object_object_add(s, "signals", names);
        json_object_array_add(list_of(to, "signals"), s);
}

static void put_mount(json_object *to, const GeneralOp *op)
{
        json_object *m = json_object_new_object(), *flags = json_object_new_array();

        json_object_object_add(m, "path", text_of(op->op.object));
        if (op->op.second)
                json_object_object_add(m, "type", text_of(op->op.second));
        for (unsigned i = 0; i < _MOUNT_WORD_MAX; i++)
                if (op->op.flags >> i & 1)
                        json_object_array_add(flags, json_object_new_string(model_word(mount_flag_words, UINT64_C(1) << i)));
        json_object_object_add(m, "flags", flags);
        json_object_array_add(list_of(to, "mounts"), m);
}

static void put_op(json_object *dynamic, const GeneralOp *op, const char *name)
{
        json_object *aa = object_of(dynamic, "apparmor"), *bpf = object_of(dynamic, "bpf"), *seccomp = object_of(dynamic, "seccomp");
        const char *word;

        switch (op->op.kind) {
        case MODEL_EXEC:
                json_object_array_add(list_of(aa, "executions"), text_of(op->pattern));
                json_object_array_add(list_of(bpf, "executions"), text_of(op->pattern));
                break;
        case MODEL_FILE:
                put_file(aa, op, false);
                put_file(bpf, op, true);
                break;
        case MODEL_CAPABILITY:
                word = model_word(capability_words, op->op.number);
                if (word) {
                        add_text(list_of(aa, "capabilities"), word);
                        add_text(list_of(bpf, "capabilities"), word);
                }
                break;
        case MODEL_SOCKET:
                put_socket(object_of(aa, "networks"), &op->op);
                put_socket(object_of(bpf, "network"), &op->op);
                break;
        case MODEL_EGRESS:
                put_egress(object_of(bpf, "network"), &op->op);
                break;
        case MODEL_PTRACE:
                put_ptrace(aa, &op->op, peer_profile(&op->op, name));
                put_ptrace(bpf, &op->op, op->op.object);
                break;
        case MODEL_SIGNAL:
                put_signal(aa, &op->op, peer_profile(&op->op, name));
                break;
        case MODEL_MOUNT:
                put_mount(bpf, op);
                break;
        case MODEL_SYSCALL:
                add_text(list_of(seccomp, "syscalls"), op->op.object);
                break;
        default:
                break;
        }
}

static json_object *profile_of(const VarmorModel *about)
{
        json_object *p = json_object_new_object();

        json_object_object_add(p, "name", json_object_new_string(about->name));
        json_object_object_add(p, "enforcer", json_object_new_string("AppArmorSeccomp"));
        json_object_object_add(p, "mode", json_object_new_string("enforce"));
        if (about->apparmor) {
                g_autofree char *text = g_strdup_printf("profile %s flags=(attach_disconnected,mediate_deleted) {\n%s}\n", about->name,
                                                        about->apparmor);

                json_object_object_add(p, "content", text_of(text));
        }
        if (about->seccomp)
                json_object_object_add(p, "seccompContent", text_of(about->seccomp));
        return p;
}

char *model_to_varmor(const General *g, const VarmorModel *about)
{
        json_object *root = json_object_new_object(), *dynamic = json_object_new_object(), *child;
        char *text;

        json_object_object_add(root, "apiVersion", json_object_new_string("crd.varmor.org/v1beta1"));
        json_object_object_add(root, "kind", json_object_new_string("ArmorProfileModel"));
        child = object_of(root, "metadata");
        json_object_object_add(child, "name", json_object_new_string(about->name));
        if (about->space)
                json_object_object_add(child, "namespace", json_object_new_string(about->space));
        json_object_object_add(root, "storageType", json_object_new_string("CRDInternal"));
        child = object_of(root, "data");
        json_object_object_add(child, "dynamicResult", dynamic);
        json_object_array_add(list_of(object_of(dynamic, "apparmor"), "profiles"), json_object_new_string(about->name));
        for (guint i = 0; i < g->ops->len; i++)
                put_op(dynamic, g->ops->pdata[i], about->name);
        json_object_object_add(child, "profile", profile_of(about));
        child = object_of(root, "status");
        json_object_object_add(child, "desiredNumber", json_object_new_int(1));
        json_object_object_add(child, "completedNumber", json_object_new_int(1));
        json_object_object_add(child, "ready", json_object_new_boolean(TRUE));
        text = g_strconcat(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                                        JSON_C_TO_STRING_NOSLASHESCAPE),
                           "\n", NULL);
        json_object_put(root);
        return text;
}
