/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ArmorProfileModel -> Model: see model-varmor.h. What does not fit is said and left out; only what is no such object is refused. */

#include "model-varmor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

typedef struct Reading {
        Model *model;
        ModelSource source;
        SourcePos pos;
        Diag *diag;
} Reading;

static void json_putp(json_object **o)
{
        json_object_put(*o);
}

static void tokener_freep(json_tokener **t)
{
        if (*t)
                json_tokener_free(*t);
}

#define autojson __attribute__((cleanup(json_putp))) json_object
#define autotokener __attribute__((cleanup(tokener_freep))) json_tokener

/* ---- JSON ------------------------------------------------------------------------------------------------------------------------ */

static json_object *get(json_object *o, const char *name, json_type type)
{
        if (!o || json_object_get_type(o) != json_type_object)
                return NULL;
        json_object_object_foreach(o, key, value)
        {
                if (g_ascii_strcasecmp(key, name) == 0 && value && json_object_get_type(value) == type)
                        return value;
        }
        return NULL;
}

/* NULL: there is none, or it has a NUL inside. */
static const char *text_of(json_object *o)
{
        const char *s;

        if (!o || json_object_get_type(o) != json_type_string)
                return NULL;
        s = json_object_get_string(o);
        return strlen(s) == (size_t)json_object_get_string_len(o) && *s ? s : NULL;
}

static const char *get_text(json_object *o, const char *name)
{
        return text_of(get(o, name, json_type_string));
}

static bool get_bool(json_object *o, const char *name)
{
        json_object *b = get(o, name, json_type_boolean);

        return b && json_object_get_boolean(b);
}

static size_t list_length(json_object *list)
{
        return list ? json_object_array_length(list) : 0;
}

/* ---- ops ------------------------------------------------------------------------------------------------------------------------- */

static void lost(Reading *r, ModelKind k, const char *what, const char *why)
{
        g_autofree char *shown = what ? g_strescape(what, NULL) : g_strdup("?");

        r->source.lost[k]++;
        diag_warning(r->diag, &r->pos, "not-imported", "%s '%.200s': %s", model_kind_to_string(k), shown, why);
}

static void add(Reading *r, const ModelOp *o)
{
        const char *why = model_op_check(o);

        if (why || model_add(r->model, o) < 0)
                lost(r, o->kind, o->object, why ?: "more than a model holds");
}

static uint64_t word_bits(const Word *words, const char *prefix, const char *s)
{
        g_autofree char *low = s ? g_ascii_strdown(s, -1) : NULL;
        uint64_t bits;

        if (!low)
                return 0;
        bits = words_find(words, g_str_has_prefix(low, prefix) ? low + strlen(prefix) : low);
        return bits & (bits - 1) ? 0 : bits;
}

/* The path as it was seen; directories without AppArmor's '/' at the end. NULL: it was not kept. */
static char *seen_path(json_object *file, const char **ret_shown)
{
        const char *path = get_text(file, "path"), *old = get_text(file, "oldPath"), *s = old ?: path;
        size_t n;

        *ret_shown = path;
        if (!s || (!old && strpbrk(s, "*?[{")))
                return NULL;
        for (n = strlen(s); n > 1 && s[n - 1] == '/'; n--)
                ;
        return g_strndup(s, n);
}

static uint64_t permission(const char *s)
{
        static const Word letters[] = {{"m", PERM_EXEC}, {"r", PERM_READ}, {"w", PERM_WRITE}, {"a", PERM_APPEND}, {"l", PERM_WRITE},
                                       {"x", PERM_EXEC}, {"k", PERM_READ}, {"create", PERM_WRITE}, {NULL, 0}};
        g_autofree char *low = g_ascii_strdown(s, -1);

        return words_find(letters, low) ?: words_find(file_perm_words, low);
}

static void read_file(Reading *r, json_object *file)
{
        const char *shown;
        g_autofree char *path = seen_path(file, &shown);
        json_object *list = get(file, "permissions", json_type_array);
        ModelOp o = {.kind = MODEL_FILE, .object = path, .count = 1};
        uint64_t perms = 0;

        if (!path) {
                lost(r, MODEL_FILE, shown, "it is a pattern, and what it stands for was not kept");
                return;
        }
        for (size_t i = 0; i < list_length(list); i++) {
                const char *s = text_of(json_object_array_get_idx(list, i));

                perms |= s ? permission(s) : 0;
        }
        if (get_bool(file, "owner"))
                o.owner_perms = perms;
        else
                o.perms = perms;
        add(r, &o);
        if (shown && get_text(file, "oldPath"))
                lost(r, MODEL_FILE, shown, "of what the pattern stands for, only the first was kept");
}

static void read_texts(Reading *r, json_object *list, ModelKind k)
{
        for (size_t i = 0; i < list_length(list); i++) {
                const char *s = text_of(json_object_array_get_idx(list, i));
                ModelOp o = {.kind = k, .object = (char *)s, .count = 1};

                if (k == MODEL_CAPABILITY) {
                        o.object = NULL;
                        o.number = word_bits(capability_words, "cap_", s);
                }
                if (k == MODEL_EXEC && s && strpbrk(s, "*?[{"))
                        lost(r, k, s, "it is a pattern, and what it stands for was not kept");
                else if (k == MODEL_CAPABILITY && o.number == 0)
                        lost(r, k, s, "the capability is not known");
                else
                        add(r, &o);
        }
}

static uint64_t protocol_bits(const char *s)
{
        guint64 n;

        if (!s || !g_ascii_string_to_unsigned(s, 10, 0, 255, &n, NULL))
                return word_bits(socket_protocol_words, "ipproto_", s);
        return n == IPPROTO_TCP ? PROTOCOL_TCP : n == IPPROTO_UDP ? PROTOCOL_UDP : n == IPPROTO_ICMP || n == IPPROTO_ICMPV6 ? PROTOCOL_ICMP : 0;
}

static void read_socket(Reading *r, json_object *s)
{
        const char *domain = get_text(s, "domain") ?: get_text(s, "family"), *type = get_text(s, "type") ?: get_text(s, "sockType");
        ModelOp o = {.kind = MODEL_SOCKET,
                     .count = 1,
                     .family = word_bits(socket_domain_words, "af_", domain),
                     .type = word_bits(socket_type_words, "sock_", type),
                     .protocol = protocol_bits(get_text(s, "protocol"))};

        if (o.family && o.type)
                add(r, &o);
        else
                lost(r, MODEL_SOCKET, domain, "the family or the type is not known");
}

static void read_egress(Reading *r, json_object *e)
{
        const char *ip = get_text(e, "ip");
        json_object *ports = get(e, "ports", json_type_array);
        ModelOp o = {.kind = MODEL_EGRESS, .count = 1};

        if (ip && inet_pton(AF_INET, ip, o.address) == 1)
                o.family = UINT64_C(1) << AF_INET;
        else if (ip && inet_pton(AF_INET6, ip, o.address) == 1)
                o.family = UINT64_C(1) << AF_INET6;
        else {
                lost(r, MODEL_EGRESS, ip, "it is no address");
                return;
        }
        for (size_t i = 0; i < list_length(ports); i++) {
                int64_t port = json_object_get_int64(json_object_array_get_idx(ports, i));

                o.port = port < 0 ? UINT64_MAX : (uint64_t)port;
                add(r, &o);
        }
}

static void read_network(Reading *r, json_object *section, const char *key)
{
        json_object *list = get(section, key, json_type_array), *network = get(section, key, json_type_object);
        json_object *egresses = get(network, "egresses", json_type_array);

        list = list ?: get(network, "sockets", json_type_array);
        for (size_t i = 0; i < list_length(list); i++)
                read_socket(r, json_object_array_get_idx(list, i));
        for (size_t i = 0; i < list_length(egresses); i++)
                read_egress(r, json_object_array_get_idx(egresses, i));
}

/* AppArmor's peers are profiles: one that is not among the workload's own is outside. */
static bool is_outside(json_object *section, json_object *peer)
{
        json_object *profiles = get(section, "profiles", json_type_array);
        const char *name = get_text(peer, "peer");

        for (size_t i = 0; name && i < list_length(profiles); i++)
                if (g_strcmp0(text_of(json_object_array_get_idx(profiles, i)), name) == 0)
                        return false;
        return profiles ? true : get_bool(peer, "external");
}

static void read_ptrace(Reading *r, json_object *section, json_object *p)
{
        const char *peer = get_text(p, "peer");
        json_object *list = get(p, "permissions", json_type_array);
        ModelOp o = {.kind = MODEL_PTRACE, .object = (char *)(peer ?: "unknown"), .outside = is_outside(section, p), .count = 1};

        for (size_t i = 0; i < list_length(list); i++) {
                const char *s = text_of(json_object_array_get_idx(list, i));

                o.perms |= g_strcmp0(s, "tracedby") == 0 ? PTRACE_PERM_TRACEBY : s ? word_bits(ptrace_perm_words, "ptrace_", s) : 0;
        }
        add(r, &o);
}

static void read_signal(Reading *r, json_object *section, json_object *s)
{
        const char *peer = get_text(s, "peer");
        json_object *permissions = get(s, "permissions", json_type_array), *names = get(s, "signals", json_type_array);
        bool sends = false;

        for (size_t i = 0; i < list_length(permissions); i++) {
                const char *word = text_of(json_object_array_get_idx(permissions, i));

                sends |= word && strstr(word, "send");
        }
        for (size_t i = 0; sends && i < list_length(names); i++) {
                const char *name = text_of(json_object_array_get_idx(names, i));
                int number = name ? signal_number(name) : -1;
                ModelOp o = {.kind = MODEL_SIGNAL, .object = (char *)(peer ?: "unknown"), .outside = is_outside(section, s), .count = 1};

                if (number < 0) {
                        lost(r, MODEL_SIGNAL, name, "the signal is not known");
                        continue;
                }
                o.number = (uint64_t)number;
                add(r, &o);
        }
}

static void read_mount(Reading *r, json_object *m)
{
        json_object *flags = get(m, "flags", json_type_array);
        ModelOp o = {.kind = MODEL_MOUNT, .object = (char *)get_text(m, "path"), .second = (char *)get_text(m, "type"), .count = 1};

        for (size_t i = 0; i < list_length(flags); i++) {
                const char *s = text_of(json_object_array_get_idx(flags, i));
                uint64_t bits = s ? words_find(mount_flag_words, s) : 0;

                if (bits == 0)
                        lost(r, MODEL_MOUNT, s, "the flag is not known");
                o.flags |= bits;
        }
        add(r, &o);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------------- */

static void read_section(Reading *r, json_object *s, bool apparmor)
{
        json_object *files = get(s, "files", json_type_array), *ptraces = get(s, "ptraces", json_type_array);
        json_object *signals = get(s, "signals", json_type_array), *mounts = get(s, "mounts", json_type_array);
        json_object *unhandled = get(s, "unhandled", json_type_array);

        r->source.kinds |= 1U << MODEL_EXEC | 1U << MODEL_FILE | 1U << MODEL_CAPABILITY | 1U << MODEL_SOCKET | 1U << MODEL_PTRACE;
        r->source.kinds |= apparmor ? 1U << MODEL_SIGNAL : 1U << MODEL_EGRESS | 1U << MODEL_MOUNT;
        read_texts(r, get(s, "executions", json_type_array), MODEL_EXEC);
        for (size_t i = 0; i < list_length(files); i++)
                read_file(r, json_object_array_get_idx(files, i));
        read_texts(r, get(s, "capabilities", json_type_array), MODEL_CAPABILITY);
        read_network(r, s, apparmor ? "networks" : "network");
        for (size_t i = 0; i < list_length(ptraces); i++)
                read_ptrace(r, s, json_object_array_get_idx(ptraces, i));
        for (size_t i = 0; i < list_length(signals); i++)
                read_signal(r, s, json_object_array_get_idx(signals, i));
        for (size_t i = 0; i < list_length(mounts); i++)
                read_mount(r, json_object_array_get_idx(mounts, i));
        if (list_length(unhandled) > 0)
                diag_warning(r->diag, &r->pos, "not-imported", "%zu events that vArmor did not understand either are left out",
                             list_length(unhandled));
}

static int read_root(Reading *r, json_object *root)
{
        json_object *data = get(root, "data", json_type_object) ?: root;
        json_object *dynamic = get(data, "dynamicResult", json_type_object);
        json_object *aa = get(dynamic, "apparmor", json_type_object), *bpf = get(dynamic, "bpf", json_type_object);
        json_object *seccomp = get(dynamic, "seccomp", json_type_object);
        const char *name = get_text(get(root, "metadata", json_type_object), "name");

        if (!dynamic) {
                diag_error(r->diag, &r->pos, "bad-model", "found no 'data.dynamicResult', expected an ArmorProfileModel");
                return -EBADMSG;
        }
        r->source.policy = name && strlen(name) <= MODEL_TEXT_BYTES_MAX ? (char *)name : NULL;
        if (aa)
                read_section(r, aa, true);
        if (bpf)
                read_section(r, bpf, false);
        if (seccomp) {
                r->source.kinds |= 1U << MODEL_SYSCALL;
                read_texts(r, get(seccomp, "syscalls", json_type_array) ?: get(seccomp, "syscall", json_type_array), MODEL_SYSCALL);
        }
        (void)model_add_source(r->model, &r->source);
        return 0;
}

int model_from_varmor(const char *text, size_t size, const char *file, Model **ret, Diag *d)
{
        g_autoptr(Model) m = model_new();
        Reading r = {.model = m, .pos = {.file = g_intern_string(file)}, .diag = d};
        autotokener *tokener = json_tokener_new_ex(VARMOR_MODEL_DEPTH_MAX);
        autojson *root = NULL;
        enum json_tokener_error e;

        if (size > VARMOR_MODEL_BYTES_MAX) {
                diag_error(d, &r.pos, "too-large", "found %zu bytes, expected at most %u", size, VARMOR_MODEL_BYTES_MAX);
                return -EBADMSG;
        }
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        root = json_tokener_parse_ex(tokener, text, (int)size);
        e = json_tokener_get_error(tokener);
        if (e != json_tokener_success) {
                diag_error(d, &r.pos, "bad-json", "at byte %zu: %s", json_tokener_get_parse_end(tokener),
                           e == json_tokener_continue ? "the text ends early" : json_tokener_error_desc(e));
                return -EBADMSG;
        }
        if (read_root(&r, root) < 0)
                return -EBADMSG;
        model_seal(m);
        *ret = g_steal_pointer(&m);
        return 0;
}
