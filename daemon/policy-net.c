/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Operations: sockets, and the addresses that they may reach or listen on. */

#include <arpa/inet.h>
#include <string.h>

#include "policy-ops.h"

/* ---- sockets ----------------------------------------------------------------------------------------------------- */

typedef struct SocketEntry {
        uint64_t domains, types, protocols, qualifiers;
} SocketEntry;

static const Field socket_fields[] = {
        {"domains", field_words, offsetof(SocketEntry, domains), false, socket_domain_words},
        {"types", field_words, offsetof(SocketEntry, types), false, socket_type_words},
        {"protocols", field_words, offsetof(SocketEntry, protocols), false, socket_protocol_words},
        {"qualifiers", field_words, offsetof(SocketEntry, qualifiers), false, rule_qualifier_words},
        {NULL},
};

static void parse_socket(const YamlNode *n, const char *list, int index, OpContext *c, Diag *d)
{
        SocketEntry e = {0};
        Rule *r;

        if (fields_parse(n, &n->pos, list, socket_fields, &e, c, d) < 0)
                return;
        if (!e.domains && !e.types && !e.protocols) {
                diag_error(d, &n->pos, "missing-key", "'%s' needs one of the keys 'domains', 'types' and 'protocols'", list);
                return;
        }
        if (e.types && e.protocols) {
                diag_error(d, &n->pos, "exclusive-keys", "found both 'types' and 'protocols', expected one of them");
                return;
        }

        r = rule_new(OP_SOCKET);
        /* The protocols that have a word here are those of the internet's families. */
        r->socket.domains = e.domains ?: e.protocols ? (UINT64_C(1) << AF_INET) | (UINT64_C(1) << AF_INET6) : UINT64_MAX;
        r->socket.types = e.types ? (uint32_t)e.types : UINT32_MAX;
        r->socket.protocols = e.protocols ? (uint32_t)e.protocols : UINT32_MAX;
        ops_add(c, r, list, index, n, e.qualifiers, d);
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */

typedef struct DestinationEntry {
        GPtrArray *addresses; /* of the rule */
        GArray *ports;        /* of PortRange */
        uint64_t qualifiers;
        unsigned n_given;     /* of ip, cidr, unix, setting */
        const char *setting;  /* borrowed from the tree */
        OpContext *context;
} DestinationEntry;

/* IPv4 written as IPv6 is IPv4: the kernel sends to the same host, and enforcers compare the shorter form. */
static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static void add_prefix(GPtrArray *addresses, uint8_t family, const uint8_t *bytes, unsigned prefix_len)
{
        NetAddress *a = g_new0(NetAddress, 1);
        size_t size;

        if (family == AF_INET6 && prefix_len >= 96 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
                family = AF_INET;
                bytes += sizeof(mapped);
                prefix_len -= 96;
        }
        size = family == AF_INET ? 4 : 16;
        a->kind = NET_ADDRESS_PREFIX;
        a->family = family;
        a->prefix_len = (uint8_t)prefix_len;
        memcpy(a->bytes, bytes, size);
        for (size_t i = 0; i < size; i++) {
                unsigned bits = prefix_len > i * 8 ? MIN(prefix_len - (unsigned)i * 8, 8U) : 0;

                a->bytes[i] = (uint8_t)(a->bytes[i] & (0xff00U >> bits));
        }
        g_ptr_array_add(addresses, a);
}

static bool parse_ip(const char *s, uint8_t *ret_family, uint8_t bytes[static 16])
{
        if (inet_pton(AF_INET, s, bytes) == 1)
                *ret_family = AF_INET;
        else if (inet_pton(AF_INET6, s, bytes) == 1)
                *ret_family = AF_INET6;
        else
                return false;

        return true;
}

static void field_ip(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        static const uint8_t loopback4[4] = {127}, loopback6[16] = {[15] = 1}, zero[16] = {0};
        static const char *const entities[] = {"localhost", "unspecified", "host-self", NULL};
        DestinationEntry *e = out;
        const char *s = fields_get_string(n, f->name, d);
        uint8_t family, bytes[16];

        e->n_given++;
        if (!s)
                return;

        if (strcmp(s, "localhost") == 0) {
                add_prefix(e->addresses, AF_INET, loopback4, 8);
                add_prefix(e->addresses, AF_INET6, loopback6, 128);
        } else if (strcmp(s, "unspecified") == 0) {
                add_prefix(e->addresses, AF_INET, zero, 32);
                add_prefix(e->addresses, AF_INET6, zero, 128);
        } else if (strcmp(s, "host-self") == 0) {
                NetAddress *a = g_new0(NetAddress, 1);

                a->kind = NET_ADDRESS_HOST_SELF;
                g_ptr_array_add(e->addresses, a);
        } else if (strcmp(s, "pod-self") == 0)
                fields_bad_value(n, f->name, "'host-self': there are no pods on a host", d);
        else if (parse_ip(s, &family, bytes))
                add_prefix(e->addresses, family, bytes, family == AF_INET ? 32 : 128);
        else if (strchr(s, '/'))
                fields_bad_value(n, f->name, "a single address; a prefix is given as 'cidr'", d);
        else {
                const char *suggestion = diag_suggest(s, entities);
                g_autofree char *expected = g_strdup_printf("an IPv4 or IPv6 address, 'localhost', 'unspecified' or "
                                                            "'host-self'%s%s%s",
                                                            suggestion ? "; did you mean '" : "", suggestion ?: "",
                                                            suggestion ? "'?" : "");

                fields_bad_value(n, f->name, expected, d);
        }
}

static void field_cidr(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        DestinationEntry *e = out;
        const char *s = fields_get_string(n, f->name, d), *slash;
        g_autofree char *ip = NULL;
        uint8_t family, bytes[16];
        guint64 prefix_len;

        e->n_given++;
        if (!s)
                return;

        slash = strchr(s, '/');
        ip = slash ? g_strndup(s, (size_t)(slash - s)) : NULL;
        if (!slash || !parse_ip(ip, &family, bytes) ||
            !g_ascii_string_to_unsigned(slash + 1, 10, 0, family == AF_INET ? 32 : 128, &prefix_len, NULL)) {
                fields_bad_value(n, f->name, "a prefix such as 10.0.0.0/8 or 2001:db8::/32", d);
                return;
        }
        add_prefix(e->addresses, family, bytes, (unsigned)prefix_len);
}

static void field_unix(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        DestinationEntry *e = out;
        g_auto(GStrv) patterns = NULL;

        e->n_given++;
        field_patterns(f, n, &patterns, userdata, d);
        for (char **p = patterns; p && *p; p++) {
                NetAddress *a = g_new0(NetAddress, 1);

                a->kind = NET_ADDRESS_UNIX;
                a->path = g_strdup(*p);
                g_ptr_array_add(e->addresses, a);
        }
}

/* Addresses of the settings, by name. */
static void field_setting(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        static const char *const names[] = {"kube-apiserver", "ingress-nginx-admission", NULL};
        DestinationEntry *e = out;
        const char *s = fields_get_string(n, f->name, d);

        e->n_given++;
        if (!s)
                return;
        if (!g_strv_contains(names, s))
                fields_unknown_word(&n->pos, "bad-value", "setting of addresses", s, names, d);
        else
                e->setting = s;
}

static int parse_port(const YamlNode *n, const char *key, uint16_t *ret, Diag *d)
{
        const YamlNode *value = yaml_get(n, key);
        uint64_t number;
        int r;

        if (yaml_is_null(value))
                return 0;
        r = fields_get_uint(value, key, 1, 65535, &number, d);
        if (r < 0)
                return r;

        *ret = (uint16_t)number;
        return 1;
}

static const Field port_fields[] = {{"port", field_later, 0, true}, {"endPort", field_later}, {NULL}};

static void field_ports(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        DestinationEntry *e = out;

        if (!fields_expect(n, YAML_SEQUENCE, f->name, d))
                return;

        for (guint i = 0; i < n->items->len; i++) {
                const YamlNode *item = n->items->pdata[i];
                PortRange range = {0};
                int has_last;

                if (fields_parse(item, &item->pos, "ports", port_fields, NULL, userdata, d) < 0)
                        continue;
                has_last = parse_port(item, "endPort", &range.last, d);
                if (parse_port(item, "port", &range.first, d) < 0 || has_last < 0)
                        continue;
                if (has_last == 0)
                        range.last = range.first;
                if (range.last < range.first) {
                        diag_error(d, &yaml_get(item, "endPort")->pos, "bad-value",
                                   "found %u as 'endPort', expected at least the 'port', %u", range.last, range.first);
                        continue;
                }
                g_array_append_val(e->ports, range);
        }
}

static void field_destination_qualifiers(const Field *f, const YamlNode *n, void *out, void *userdata, Diag *d)
{
        field_words(f, n, &((DestinationEntry *)out)->qualifiers, userdata, d);
}

#define DESTINATION_FIELDS                                                                                              \
        {"ip", field_ip}, {"cidr", field_cidr}, {"unix", field_unix}, {"ports", field_ports},                           \
        {"qualifiers", field_destination_qualifiers, 0, false, rule_qualifier_words}

static const Field destination_fields[] = {DESTINATION_FIELDS, {NULL}};
static const Field named_destination_fields[] = {DESTINATION_FIELDS, {"setting", field_setting}, {NULL}};

/* One rule for each configured address, because each has a port of its own. */
static void add_setting(const YamlNode *n, const char *list, OpKind kind, const DestinationEntry *e, OpContext *c, Diag *d)
{
        const Settings *s = c->settings;
        char **addresses = !s ? NULL : strcmp(e->setting, "kube-apiserver") == 0 ? s->kube_apiserver
                                                                                : s->ingress_nginx_admission;

        if (!addresses || !*addresses) {
                Rule *r = rule_new(kind);

                if (s && strcmp(e->setting, "kube-apiserver") == 0 && s->kube_apiserver_why)
                        r->unenforceable = g_strdup(s->kube_apiserver_why);
                else
                        r->unenforceable = g_strdup_printf("its addresses are not configured: set addresses: {%s: [IP:PORT]} in "
                                                   "varmor.yaml",
                                                           e->setting);
                ops_add(c, r, list, -1, n, e->qualifiers, d);
                return;
        }

        for (char **a = addresses; *a; a++) {
                g_autoptr(Rule) r = rule_new(kind);
                uint8_t family, bytes[16];
                PortRange range;
                uint16_t port;

                if (settings_parse_address(*a, &family, bytes, &port) < 0)
                        continue;
                add_prefix(r->net.addresses, family, bytes, family == AF_INET ? 32 : 128);
                if (port > 0) {
                        range = (PortRange){port, port};
                        r->net.ports = g_array_new(FALSE, FALSE, sizeof(PortRange));
                        g_array_append_val(r->net.ports, range);
                }
                ops_add(c, g_steal_pointer(&r), list, -1, n, e->qualifiers, d);
        }
}

static void parse_destination(const YamlNode *n, OpKind kind, int index, uint64_t qualifiers, OpContext *c, Diag *d)
{
        const char *list = op_kind_to_string(kind);
        g_autoptr(Rule) r = rule_new(kind);
        g_autoptr(GArray) ports = g_array_new(FALSE, FALSE, sizeof(PortRange));
        DestinationEntry e = {.addresses = r->net.addresses, .ports = ports, .qualifiers = qualifiers};

        if (fields_parse(n, &n->pos, "toDestinations", c->named ? named_destination_fields : destination_fields, &e, c,
                         d) < 0)
                return;
        if (e.n_given != 1) {
                const char *keys = c->named ? "'ip', 'cidr', 'unix' and 'setting'" : "'ip', 'cidr' and 'unix'";

                if (e.n_given)
                        diag_error(d, &n->pos, "exclusive-keys", "found %u of the keys %s, expected one of them", e.n_given, keys);
                else
                        diag_error(d, &n->pos, "missing-key", "'toDestinations' needs one of the keys %s", keys);
                return;
        }

        if (e.setting) {
                add_setting(n, list, kind, &e, c, d);
                return;
        }
        if (ports->len > 0)
                r->net.ports = g_steal_pointer(&ports);
        ops_add(c, g_steal_pointer(&r), list, index, n, e.qualifiers, d);
}

typedef struct DirectionEntry {
        const YamlNode *destinations;
        uint64_t qualifiers;
} DirectionEntry;

static const Field direction_fields[] = {
        {"toDestinations", field_node, offsetof(DirectionEntry, destinations)},
        {"qualifiers", field_words, offsetof(DirectionEntry, qualifiers), false, rule_qualifier_words},
        {"toServices", .refused = "services are objects of Kubernetes, which a host does not have; list their addresses in "
                                  "'toDestinations'"},
        {"toPods", .refused = "pods are objects of Kubernetes, which a host does not have; list their addresses in "
                              "'toDestinations'"},
        {"toEntities", .refused = "entities are objects of Kubernetes; 'ip' in 'toDestinations' knows 'localhost', "
                                  "'unspecified' and 'host-self'"},
        {NULL},
};

static void parse_direction(const YamlNode *n, OpKind kind, OpContext *c, Diag *d)
{
        const char *what = op_kind_to_string(kind);
        DirectionEntry e = {0};

        if (yaml_is_null(n))
                return;
        (void)fields_parse(n, &n->pos, what, direction_fields, &e, c, d);
        if (n->type != YAML_MAPPING)
                return;
        if (e.destinations && !fields_expect(e.destinations, YAML_SEQUENCE, "toDestinations", d))
                return;
        if (!e.destinations || e.destinations->items->len == 0) {
                diag_error(d, &n->pos, "missing-key", "'%s' lacks a list 'toDestinations' with at least one element", what);
                return;
        }
        for (guint i = 0; i < e.destinations->items->len; i++)
                parse_destination(e.destinations->items->pdata[i], kind, (int)i, e.qualifiers, c, d);
}

static const Field network_fields[] = {
        {"sockets", field_later},
        {"egress", field_later},
        {"ingress", field_later},
        {"egresses", .refused = "it is the form of vArmor before 0.6; write egress: {toDestinations: [...]}"},
        {"proxyConfig", .refused = "the network proxy is part of vArmor's Kubernetes agent"},
        {NULL},
};

void ops_parse_network(const YamlNode *n, const char *what, OpContext *c, Diag *d)
{
        if (yaml_is_null(n))
                return;
        (void)fields_parse(n, &n->pos, what, network_fields, NULL, c, d);
        ops_parse_list(yaml_get(n, "sockets"), "sockets", parse_socket, c, d);
        parse_direction(yaml_get(n, "egress"), OP_EGRESS, c, d);
        parse_direction(yaml_get(n, "ingress"), OP_INGRESS, c, d);
}
