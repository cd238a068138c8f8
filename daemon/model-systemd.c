/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Model -> settings of systemd. Coarser than a policy: whole directories are written to, whole address families are used. */

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "model-policy.h"

static bool next_of(const General *g, ModelKind k, guint *i, const GeneralOp **ret)
{
        while (*i < g->ops->len) {
                *ret = g->ops->pdata[(*i)++];
                if ((*ret)->op.kind == k)
                        return true;
        }
        return false;
}

static int compare_strings(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "KEY=a b c", each once, in order. */
static void put_list(GString *s, const char *key, GPtrArray *words)
{
        const char *last = NULL;

        g_ptr_array_sort(words, compare_strings);
        g_string_append_printf(s, "%s=", key);
        for (guint i = 0; i < words->len; i++) {
                if (g_strcmp0(last, words->pdata[i]) != 0)
                        g_string_append_printf(s, "%s%s", last ? " " : "", (const char *)words->pdata[i]);
                last = words->pdata[i];
        }
        g_string_append_c(s, '\n');
}

static const char *word_of(const Word *words, uint64_t bit)
{
        for (const Word *w = words; w->name; w++)
                if (w->bits == bit)
                        return w->name;
        return NULL;
}

/* Words in capitals behind @prefix; those without a word are told of. */
static void put_words(GString *s, const char *key, const char *prefix, const Word *words, uint64_t bits, const char *none)
{
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);

        for (unsigned i = 0; i < 64; i++) {
                const char *word = bits >> i & 1 ? word_of(words, UINT64_C(1) << i) : NULL;
                g_autofree char *upper = word ? g_ascii_strup(word, -1) : NULL;

                if (upper)
                        g_ptr_array_add(list, g_strconcat(prefix, upper, NULL));
                else if (bits >> i & 1)
                        g_string_append_printf(s, "# %s: there is no word for number %u\n", key, i);
        }
        if (list->len == 0)
                g_ptr_array_add(list, g_strdup(none));
        put_list(s, key, list);
}

static uint64_t all_bits(const General *g, ModelKind k)
{
        const GeneralOp *op;
        uint64_t bits = 0;

        for (guint i = 0; next_of(g, k, &i, &op);)
                bits |= k == MODEL_SOCKET ? op->op.family : op->op.number;
        return bits;
}

/* ---- files ----------------------------------------------------------------------------------------------------------------------- */

/* The directory of a pattern, as far as it is literal. */
static char *directory_of(const char *pattern)
{
        size_t n = strcspn(pattern, "*?[{\\");
        g_autofree char *literal = g_strndup(pattern, n);
        char *slash = strrchr(literal, '/');

        if (!slash || slash == literal)
                return NULL;
        *slash = 0;
        return g_steal_pointer(&literal);
}

static bool is_below(const char *path, const char *dir)
{
        size_t n = strlen(dir);

        return strncmp(path, dir, n) == 0 && (path[n] == 0 || path[n] == '/');
}

/* What ProtectSystem=strict leaves writable. */
static bool is_exempt(const char *dir)
{
        return is_below(dir, "/dev") || is_below(dir, "/proc") || is_below(dir, "/sys");
}

/* For a value in quotes: C escapes, and '%' doubled. */
static char *quote(const char *path)
{
        g_autofree char *escaped = g_strescape(path, NULL);
        g_auto(GStrv) parts = g_strsplit(escaped, "%", -1);
        g_autofree char *doubled = g_strjoinv("%%", parts);

        return g_strdup_printf("\"-%s\"", doubled);
}

static void put_files(GString *s, const General *g)
{
        g_autoptr(GPtrArray) dirs = g_ptr_array_new_with_free_func(g_free), list = g_ptr_array_new_with_free_func(g_free);
        const char *last = NULL;
        const GeneralOp *op;

        for (guint i = 0; next_of(g, MODEL_FILE, &i, &op);) {
                char *dir = NULL;

                if (!((op->op.perms | op->op.owner_perms) & (PERM_WRITE | PERM_APPEND)))
                        continue;
                dir = directory_of(op->pattern);
                if (!dir) {
                        g_string_append(s, "# ProtectSystem: left out, files are written in '/' or in places that only a pattern describes\n");
                        return;
                }
                if (is_exempt(dir))
                        g_free(dir);
                else
                        g_ptr_array_add(dirs, dir);
        }
        g_ptr_array_sort(dirs, compare_strings);
        for (guint i = 0; i < dirs->len; i++) {
                if (last && is_below(dirs->pdata[i], last))
                        continue;
                last = dirs->pdata[i];
                g_ptr_array_add(list, quote(last));
        }
        g_string_append(s, "ProtectSystem=strict\n");
        if (list->len > 0)
                put_list(s, "ReadWritePaths", list);
}

/* ---- network --------------------------------------------------------------------------------------------------------------------- */

static bool has_kind(const General *g, ModelKind k)
{
        const GeneralOp *op;
        guint i = 0;

        return next_of(g, k, &i, &op);
}

/* IPAddressAllow= holds for peers in both directions; the peers of who is connected to are not in the model. */
static void put_egress(GString *s, const General *g)
{
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
        const GeneralOp *op;

        if (has_kind(g, MODEL_INGRESS)) {
                g_string_append(s, "# IPAddressAllow: left out, it would hold for those that connect as well\n");
                return;
        }
        for (guint i = 0; next_of(g, MODEL_EGRESS, &i, &op);) {
                char text[INET6_ADDRSTRLEN] = "";

                (void)inet_ntop(op->op.family == UINT64_C(1) << AF_INET ? AF_INET : AF_INET6, op->op.address, text, sizeof(text));
                g_ptr_array_add(list, g_strdup_printf("%s/%u", text, op->prefix_len));
        }
        g_string_append(s, "IPAddressDeny=any\n");
        if (list->len > 0)
                put_list(s, "IPAddressAllow", list);
}

static void put_ingress(GString *s, const General *g)
{
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
        const GeneralOp *op;

        for (guint i = 0; next_of(g, MODEL_INGRESS, &i, &op);) {
                const char *family = op->op.family == UINT64_C(1) << AF_INET ? "ipv4" : "ipv6";

                if (op->first_port == 0) {
                        g_string_append(s, "# SocketBindAllow: left out, the kernel chose a port, for which settings have no word\n");
                        return;
                }
                g_ptr_array_add(list, op->first_port == op->last_port
                                              ? g_strdup_printf("%s:%u", family, op->first_port)
                                              : g_strdup_printf("%s:%u-%u", family, op->first_port, op->last_port));
        }
        g_string_append(s, "SocketBindDeny=any\n");
        g_ptr_array_sort(list, compare_strings);
        for (guint i = 0; i < list->len; i++)
                if (i == 0 || strcmp(list->pdata[i - 1], list->pdata[i]) != 0)
                        g_string_append_printf(s, "SocketBindAllow=%s\n", (const char *)list->pdata[i]);
}

/* ---- the whole --------------------------------------------------------------------------------------------------------------------- */

static void put_syscalls(GString *s, const General *g)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        const GeneralOp *op;

        for (guint i = 0; next_of(g, MODEL_SYSCALL, &i, &op);)
                g_ptr_array_add(names, op->op.object);
        if (names->len == 0) {
                g_string_append(s, "# SystemCallFilter: left out, the model has no system calls\n");
                return;
        }
        put_list(s, "SystemCallFilter", names);
        g_string_append(s, "SystemCallErrorNumber=EPERM\nSystemCallArchitectures=native\n");
}

char *model_systemd(const General *g)
{
        GString *s = g_string_new("[Service]\n");

        put_words(s, "CapabilityBoundingSet", "CAP_", capability_words, all_bits(g, MODEL_CAPABILITY), "");
        put_words(s, "RestrictAddressFamilies", "AF_", socket_domain_words, all_bits(g, MODEL_SOCKET), "none");
        if (!has_kind(g, MODEL_USERNS))
                g_string_append(s, "RestrictNamespaces=~user\n");
        put_files(s, g);
        put_egress(s, g);
        put_ingress(s, g);
        put_syscalls(s, g);
        return g_string_free(s, FALSE);
}
