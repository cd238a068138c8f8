/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses and ports by evidence: many peers at one port are a network, many high ports at one address are a range. See
 * generalise.h. */

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "generalise.h"

/* A network that is wider than these is any address. */
#define PREFIX_MIN_INET 8U
#define PREFIX_MIN_INET6 16U

/* Below, a port means a service. */
#define PORT_HIGH 1024U

static bool is_inet(const ModelOp *o)
{
        return o->family == UINT64_C(1) << AF_INET;
}

static bool takes_part(const GeneralOp *op, bool ports)
{
        if (op->op.kind != MODEL_EGRESS && op->op.kind != MODEL_INGRESS)
                return false;
        return !ports || op->first_port >= PORT_HIGH;
}

/* What the members of a group have in common: all but the ports, or all but the address. */
static char *group_key(const GeneralOp *op, bool ports)
{
        GString *s = g_string_new(NULL);

        g_string_append_printf(s, "%d %d ", (int)op->op.kind, is_inet(&op->op));
        if (!ports) {
                g_string_append_printf(s, "%u-%u", op->first_port, op->last_port);
                return g_string_free(s, FALSE);
        }
        for (unsigned i = 0; i < sizeof(op->op.address); i++)
                g_string_append_printf(s, "%02x", op->op.address[i]);
        g_string_append_printf(s, "/%u", op->prefix_len);
        return g_string_free(s, FALSE);
}

static unsigned common_bits(const uint8_t *a, const uint8_t *b, unsigned max)
{
        unsigned n = 0;

        while (n < max && ((a[n / 8] ^ b[n / 8]) >> (7 - n % 8) & 1) == 0)
                n++;
        return n;
}

static void cut_address(GeneralOp *op, unsigned prefix)
{
        if (prefix < (is_inet(&op->op) ? PREFIX_MIN_INET : PREFIX_MIN_INET6))
                prefix = 0;
        op->prefix_len = (uint8_t)prefix;
        for (unsigned i = 0; i < sizeof(op->op.address); i++) {
                unsigned keep = prefix > i * 8 ? MIN(8, prefix - i * 8) : 0;

                op->op.address[i] &= (uint8_t)(0xff00 >> keep);
        }
}

static int compare_numbers(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

static void join(GeneralOp *to, const GeneralOp *from, bool ports)
{
        to->op.count = from->op.count > MODEL_COUNT_MAX - to->op.count ? MODEL_COUNT_MAX : to->op.count + from->op.count;
        g_array_append_vals(to->originals, from->originals->data, from->originals->len);
        g_array_sort(to->originals, compare_numbers);
        general_add_reason(to, ports ? WHY_PORTS : WHY_ADDRESSES);
        if (ports) {
                to->first_port = MIN(to->first_port, from->first_port);
                to->last_port = MAX(to->last_port, from->last_port);
        } else
                cut_address(to, common_bits(to->op.address, from->op.address, MIN(to->prefix_len, from->prefix_len)));
}

static void widen(General *g, uint32_t enough, bool ports)
{
        g_autoptr(GHashTable) groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
        g_autoptr(GHashTable) gone = g_hash_table_new(NULL, NULL);
        GHashTableIter iter;
        void *value;

        for (guint i = 0; i < g->ops->len; i++) {
                GeneralOp *op = g->ops->pdata[i];
                g_autofree char *key = takes_part(op, ports) ? group_key(op, ports) : NULL;
                GPtrArray *members = key ? g_hash_table_lookup(groups, key) : NULL;

                if (!key)
                        continue;
                if (!members) {
                        members = g_ptr_array_new();
                        g_hash_table_insert(groups, g_steal_pointer(&key), members);
                }
                g_ptr_array_add(members, op);
        }
        /* No op is in two groups: the order is of no matter. */
        g_hash_table_iter_init(&iter, groups);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const GPtrArray *members = value;

                for (guint i = 1; members->len >= enough && i < members->len; i++) {
                        join(members->pdata[0], members->pdata[i], ports);
                        g_hash_table_add(gone, members->pdata[i]);
                }
        }
        for (guint i = g->ops->len; i > 0; i--)
                if (g_hash_table_contains(gone, g->ops->pdata[i - 1]))
                        (void)g_ptr_array_remove_index(g->ops, i - 1);
}

/* net.ipv4.ip_local_port_range, unless somebody sets it. */
#define CHOSEN_FIRST 32768U
#define CHOSEN_LAST 60999U

void general_widen_chosen(General *g)
{
        g_autoptr(GHashTable) asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (guint i = 0; i < g->ops->len; i++) {
                const GeneralOp *op = g->ops->pdata[i];

                if (op->op.kind == MODEL_INGRESS && op->first_port == 0)
                        g_hash_table_add(asked, group_key(op, true));
        }
        for (guint i = 0; i < g->ops->len; i++) {
                GeneralOp *op = g->ops->pdata[i];
                g_autofree char *key = op->op.kind == MODEL_INGRESS ? group_key(op, true) : NULL;

                if (!key || op->first_port < CHOSEN_FIRST || op->last_port > CHOSEN_LAST || !g_hash_table_contains(asked, key))
                        continue;
                op->first_port = CHOSEN_FIRST;
                op->last_port = CHOSEN_LAST;
                general_add_reason(op, WHY_CHOSEN);
        }
}

void general_widen_net(General *g, uint32_t enough)
{
        widen(g, enough, false);
        widen(g, enough, true);
}

char *general_net_text(const ModelOp *o, unsigned prefix, unsigned first_port, unsigned last_port)
{
        char text[INET6_ADDRSTRLEN] = "";

        (void)inet_ntop(is_inet(o) ? AF_INET : AF_INET6, o->address, text, sizeof(text));
        if (first_port == last_port)
                return g_strdup_printf("%s/%u port %u", text, prefix, first_port);
        return g_strdup_printf("%s/%u ports %u-%u", text, prefix, first_port, last_port);
}
