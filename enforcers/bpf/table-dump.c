/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Table: as text, for people and for comparison. States are numbered in the order in which they are met. */

#include <string.h>

#include "table.h"

typedef struct Dump {
        const struct va_table *t;
        TableKind kind;
        GString *s;
        GHashTable *numbers; /* state word -> number */
        GArray *order;       /* of uint32_t: state words */
} Dump;

static void append_byte(GString *s, uint8_t b)
{
        if (b == '-' || b == '\\' || b == '"')
                g_string_append_printf(s, "\\%c", b);
        else if (b > ' ' && b < 0x7f)
                g_string_append_c(s, (char)b);
        else
                g_string_append_printf(s, "\\x%02x", b);
}

/* The bytes of class @class as ranges: "a-z". */
static void append_class(Dump *d, uint8_t class)
{
        for (unsigned b = 1; b < 256; b++) {
                unsigned last = b;

                if (d->t->class_of[b] != class)
                        continue;
                while (last < 255 && d->t->class_of[last + 1] == class)
                        last++;
                append_byte(d->s, b);
                if (last > b) {
                        if (last > b + 1)
                                g_string_append_c(d->s, '-');
                        append_byte(d->s, last);
                }
                b = last;
        }
}

static void append_state(Dump *d, uint32_t s)
{
        gpointer n;

        if (s == 0) {
                g_string_append(d->s, "dead");
                return;
        }
        if (!g_hash_table_lookup_extended(d->numbers, GUINT_TO_POINTER(s), NULL, &n)) {
                n = GUINT_TO_POINTER(d->order->len);
                g_hash_table_insert(d->numbers, GUINT_TO_POINTER(s), n);
                g_array_append_val(d->order, s);
        }
        g_string_append_printf(d->s, "%u", GPOINTER_TO_UINT(n));
}

static void append_perms(GString *s, const char *word, uint8_t mask)
{
        if (!mask)
                return;
        g_string_append_printf(s, " %s=", word);
        for (unsigned bit = 0; bit < 4; bit++)
                if (mask >> bit & 1)
                        g_string_append_c(s, "rwax"[bit]);
}

static void append_accept(GString *s, const struct va_accept *a)
{
        uint8_t any = a->deny | a->log | a->allow;

        append_perms(s, "deny", a->deny);
        append_perms(s, "log", a->log);
        append_perms(s, "allow", a->allow);
        g_string_append(s, " rules=");
        for (unsigned bit = 0; bit < 4; bit++)
                if (any >> bit & 1)
                        g_string_append_printf(s, "%c%u", "rwax"[bit], a->rule[bit]);
}

static void append_record(Dump *d, uint32_t word, bool exec)
{
        const uint32_t *r = &d->t->tab[word & VA_A_INDEX];

        if (word & VA_A_REACH)
                g_string_append(d->s, " reach");
        if (word & VA_A_OPEN)
                g_string_append(d->s, " open");
        if (!(word & VA_A_INDEX))
                return;
        if (d->kind == TABLE_TARGETS) {
                const struct va_cover *c = (const void *)r;

                g_string_append(d->s, " cover=");
                for (uint32_t i = 0; i < c->n; i++)
                        g_string_append_printf(d->s, "%s%u", i ? "," : "", c->slot[i]);
        } else if (exec)
                g_string_append_printf(d->s, " groups=%#x", *r);
        else
                append_accept(d->s, (const void *)r);
}

static void append_row(Dump *d, const uint32_t *row)
{
        for (uint32_t c = 0; c < d->t->n_classes; c++) {
                bool first = true;

                for (uint32_t k = 0; k < c && first; k++)
                        first = row[k] != row[c];
                if (!first || row[c] == 0)
                        continue;
                g_string_append(d->s, "\n    ");
                append_state(d, row[c]);
                g_string_append(d->s, " by");
                for (uint32_t k = c; k < d->t->n_classes; k++)
                        if (row[k] == row[c])
                                g_string_append_printf(d->s, " %u", k);
        }
}

static void append_tail(Dump *d, const uint32_t *at)
{
        uint32_t n = at[0] & 0xff;

        g_string_append(d->s, at[0] & VA_A_REACH ? " (reach)" : "");
        g_string_append(d->s, at[0] & VA_A_OPEN ? " (open)" : "");
        g_string_append(d->s, " \"");
        for (uint32_t i = 0; i < n; i++)
                append_byte(d->s, ((const uint8_t *)&at[2])[i]);
        g_string_append(d->s, "\" ");
        append_state(d, at[1]);
        if (!(at[0] & VA_TAIL_FALL))
                return;
        g_string_append(d->s, " else");
        for (uint32_t i = 0; i < n; i++) {
                g_string_append_c(d->s, ' ');
                append_state(d, tail_falls(at)[i]);
        }
}

static void append_moves(Dump *d, uint32_t s)
{
        const uint32_t *at = &d->t->tab[s & VA_S_INDEX];

        if (s & VA_S_FINAL)
                g_string_append(d->s, " final");
        else if (s & VA_S_TAIL)
                append_tail(d, at);
        else
                append_row(d, at);
        g_string_append_c(d->s, '\n');
}

/* By VA_KIND_*. */
static const char *const kind_names[VA_KIND_MAX] = {
        "file", "capability", "socket", "egress", "ingress", "ptrace", "signal", "mount", "userns", "bpf", "egress-unix",
        "ingress-unix", "device", "operation",
};

static void append_classes(GString *s, const char *word, uint32_t classes)
{
        if (classes)
                g_string_append_printf(s, " %s=", word);
        for (unsigned k = 0, n = 0; k < VA_KIND_MAX; k++)
                if (classes >> k & 1)
                        g_string_append_printf(s, "%s%s", n++ ? "," : "", kind_names[k]);
}

static void append_header(Dump *d)
{
        const struct va_table *t = d->t;

        g_string_append_printf(d->s, "words %u classes %u groups %u records %u", t->n_words, t->n_classes, t->n_groups,
                               t->accept_n);
        g_string_append(d->s, t->flags & VA_T_TRIAL ? " trial" : "");
        g_string_append(d->s, t->flags & VA_T_RECORD ? " record" : "");
        g_string_append(d->s, t->flags & VA_T_NO_RAW ? " no-raw" : "");
        g_string_append(d->s, t->flags & VA_T_DEVICES ? " devices" : "");
        append_classes(d->s, "kinds", t->kinds);
        append_classes(d->s, "default-deny", t->default_deny);
        g_string_append_c(d->s, '\n');
        for (uint32_t c = 0; c < t->n_classes; c++) {
                g_string_append_printf(d->s, "class %u ", c);
                append_class(d, c);
                g_string_append_c(d->s, '\n');
        }
}

static void append_states(Dump *d, guint from, bool exec)
{
        for (guint i = from; i < d->order->len; i++) {
                uint32_t s = g_array_index(d->order, uint32_t, i);

                g_string_append_printf(d->s, "state %u", i);
                append_record(d, d->t->tab[(s & VA_S_INDEX) - 1], exec);
                append_moves(d, s);
        }
}

char *table_dump(const struct va_table *t, TableKind kind)
{
        Dump d = {
                .t = t,
                .kind = kind,
                .s = g_string_new(NULL),
                .numbers = g_hash_table_new(NULL, NULL),
                .order = g_array_new(FALSE, FALSE, sizeof(uint32_t)),
        };
        guint n;

        append_header(&d);
        for (uint32_t k = 0; k < VA_KIND_MAX; k++)
                for (uint32_t g = 0; g <= t->n_groups; g++) {
                        if (k != VA_KIND_FILE && t->start[k][g] == 0)
                                continue;
                        if (k == VA_KIND_FILE)
                                g_string_append_printf(d.s, "start %u: ", g);
                        else
                                g_string_append_printf(d.s, "start %s %u: ", kind_names[k], g);
                        append_state(&d, t->start[k][g]);
                        g_string_append_c(d.s, '\n');
                }
        append_states(&d, 0, false);
        if (t->start_exec) {
                n = d.order->len;
                g_string_append(d.s, "start of executables: ");
                append_state(&d, t->start_exec);
                g_string_append_c(d.s, '\n');
                append_states(&d, n, true);
        }
        g_hash_table_unref(d.numbers);
        g_array_unref(d.order);
        return g_string_free(d.s, FALSE);
}
