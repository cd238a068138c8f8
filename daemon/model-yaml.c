/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See model-yaml.h. What a rule says is what policy-ops.c reads. */

#include "model-yaml.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- scalars --------------------------------------------------------------------------------------------------------------------- */

/* In double quotes. YAML has no bytes: what is no UTF-8 becomes a wildcard for one byte. */
static void put_quoted(GString *s, const char *bytes)
{
        g_string_append_c(s, '"');
        while (*bytes) {
                gunichar c = g_utf8_get_char_validated(bytes, -1);

                if (c == (gunichar)-1 || c == (gunichar)-2) {
                        g_string_append_c(s, '?');
                        bytes++;
                        continue;
                }
                if (c == '"' || c == '\\')
                        g_string_append_printf(s, "\\%c", (int)c);
                else if (c < 0x80 ? g_ascii_iscntrl((gchar)c) : !g_unichar_isprint(c))
                        g_string_append_printf(s, "\\U%08x", c);
                else
                        g_string_append_unichar(s, c);
                bytes = g_utf8_next_char(bytes);
        }
        g_string_append_c(s, '"');
}

static const char *word_of(const Word *words, uint64_t bit)
{
        for (const Word *w = words; w->name; w++)
                if (w->bits == bit)
                        return w->name;
        return NULL;
}

/* The @bits that @words has a word for. */
static uint64_t worded(const Word *words, uint64_t bits)
{
        uint64_t known = 0;

        for (unsigned i = 0; i < 64; i++)
                if (bits >> i & 1 && word_of(words, UINT64_C(1) << i))
                        known |= UINT64_C(1) << i;
        return known;
}

/* "[a, b]" */
static void put_words(GString *s, const Word *words, uint64_t bits)
{
        const char *separator = "[";

        for (unsigned i = 0; i < 64; i++) {
                const char *word = bits >> i & 1 ? word_of(words, UINT64_C(1) << i) : NULL;

                if (!word)
                        continue;
                g_string_append_printf(s, "%s%s", separator, word);
                separator = ", ";
        }
        g_string_append(s, *separator == '[' ? "[]" : "]");
}

/* ---- lists ----------------------------------------------------------------------------------------------------------------------- */

typedef struct Writer {
        GString *s;
        const ModelRules *rules;
        const char *comment; /* of the rule that is written */
} Writer;

/* The rules of one kind, in order. */
static const Rule *next_rule(Writer *w, OpKind kind, guint *i)
{
        while (*i < w->rules->rules->len) {
                const Rule *r = w->rules->rules->pdata[*i];

                w->comment = w->rules->comments->pdata[(*i)++];
                if (r->kind == kind)
                        return r;
        }
        return NULL;
}

static bool has_rule(Writer *w, OpKind kind)
{
        guint i = 0;

        return next_rule(w, kind, &i) != NULL;
}

static void put_comment(Writer *w)
{
        g_string_append_printf(w->s, " # %s\n", w->comment);
}

static void put_files(Writer *w)
{
        const Rule *r;

        if (has_rule(w, OP_FILE))
                g_string_append(w->s, "          files:\n");
        for (guint i = 0; (r = next_rule(w, OP_FILE, &i));) {
                g_string_append(w->s, "          - {pattern: ");
                put_quoted(w->s, r->file.patterns[0]);
                g_string_append(w->s, ", permissions: ");
                put_words(w->s, file_perm_words, r->file.perms);
                g_string_append_c(w->s, '}');
                put_comment(w);
        }
}

/* The language has either types or protocols; a protocol has its type. */
static void put_sockets(Writer *w)
{
        const Rule *r;

        if (has_rule(w, OP_SOCKET))
                g_string_append(w->s, "            sockets:\n");
        for (guint i = 0; (r = next_rule(w, OP_SOCKET, &i));) {
                uint64_t domains = worded(socket_domain_words, r->socket.domains);
                bool protocols = r->socket.protocols != UINT32_MAX;
                const Word *words = protocols ? socket_protocol_words : socket_type_words;
                uint64_t bits = worded(words, protocols ? r->socket.protocols : r->socket.types);

                if (domains != r->socket.domains)
                        g_string_append(w->s, "            # left out: families of sockets that have no word\n");
                if (!domains || !bits) {
                        g_string_append(w->s, "            # left out: sockets that have no word\n");
                        continue;
                }
                g_string_append(w->s, "            - {domains: ");
                put_words(w->s, socket_domain_words, domains);
                g_string_append(w->s, protocols ? ", protocols: " : ", types: ");
                put_words(w->s, words, bits);
                g_string_append_c(w->s, '}');
                put_comment(w);
        }
}

/* For a port that the kernel chose there is no word: then it is every port. */
static void put_ports(GString *s, const GArray *ports)
{
        for (guint i = 0; ports && i < ports->len; i++)
                if (g_array_index(ports, PortRange, i).first == 0)
                        return;
        for (guint i = 0; ports && i < ports->len; i++) {
                const PortRange *p = &g_array_index(ports, PortRange, i);

                g_string_append_printf(s, "%s{port: %u", i == 0 ? ", ports: [" : ", ", p->first);
                if (p->last != p->first)
                        g_string_append_printf(s, ", endPort: %u", p->last);
                g_string_append_c(s, '}');
        }
        if (ports && ports->len > 0)
                g_string_append_c(s, ']');
}

static void put_address(Writer *w, const NetAddress *a, const GArray *ports)
{
        char text[INET6_ADDRSTRLEN] = "";

        if (a->kind == NET_ADDRESS_UNIX) {
                g_string_append(w->s, "              - {unix: [");
                put_quoted(w->s, a->path);
                g_string_append(w->s, "]}");
        } else {
                (void)inet_ntop(a->family, a->bytes, text, sizeof(text));
                g_string_append_printf(w->s, "              - {cidr: \"%s/%u\"", text, a->prefix_len);
                put_ports(w->s, ports);
                g_string_append_c(w->s, '}');
        }
        put_comment(w);
}

static void put_direction(Writer *w, OpKind kind)
{
        const Rule *r;

        if (has_rule(w, kind))
                g_string_append_printf(w->s, "            %s:\n              toDestinations:\n", op_kind_to_string(kind));
        for (guint i = 0; (r = next_rule(w, kind, &i));)
                for (guint k = 0; k < r->net.addresses->len; k++)
                        put_address(w, r->net.addresses->pdata[k], r->net.ports);
}

static void put_network(Writer *w)
{
        if (!has_rule(w, OP_SOCKET) && !has_rule(w, OP_EGRESS) && !has_rule(w, OP_INGRESS))
                return;
        g_string_append(w->s, "          network:\n");
        put_sockets(w);
        put_direction(w, OP_EGRESS);
        put_direction(w, OP_INGRESS);
}

static void put_bits(Writer *w, OpKind kind, const char *key, const Word *words)
{
        guint i = 0;
        const Rule *r = next_rule(w, kind, &i);
        uint64_t bits = !r ? 0 : kind == OP_CAPABILITY ? r->capabilities : r->bpf.commands;

        if (worded(words, bits) != bits)
                g_string_append_printf(w->s, "          # left out of '%s': what has no word\n", key);
        if (!worded(words, bits))
                return;
        g_string_append_printf(w->s, "          %s: ", key);
        put_words(w->s, words, bits);
        put_comment(w);
}

/* One rule, for both: within the policy's cgroups, and out of them. */
static void put_ptrace(Writer *w)
{
        bool strict = false;
        uint64_t perms = 0;
        const Rule *r;

        for (guint i = 0; (r = next_rule(w, OP_PTRACE, &i));) {
                perms |= r->ptrace.perms;
                strict |= r->ptrace.strict;
        }
        if (perms == 0)
                return;
        g_string_append_printf(w->s, "          ptrace: {strictMode: %s, permissions: ", strict ? "true" : "false");
        put_words(w->s, ptrace_perm_words, perms);
        g_string_append(w->s, "}\n");
}

static void put_mounts(Writer *w)
{
        const Rule *r;

        if (has_rule(w, OP_MOUNT))
                g_string_append(w->s, "          mounts:\n");
        for (guint i = 0; (r = next_rule(w, OP_MOUNT, &i));) {
                const char *type = r->mount.fstype;

                g_string_append(w->s, "          - {sourcePattern: ");
                put_quoted(w->s, r->mount.source);
                g_string_append(w->s, ", fstype: ");
                /* policy-ops.c, field_fstype() */
                for (const char *c = type; c && *c; c++)
                        if (!g_ascii_isalnum(*c) && !strchr("._-", *c))
                                type = NULL;
                put_quoted(w->s, type && *type ? type : "*");
                g_string_append(w->s, ", flags: ");
                put_words(w->s, mount_flag_words, r->mount.flags);
                g_string_append_c(w->s, '}');
                put_comment(w);
        }
}

/* ---- the document ---------------------------------------------------------------------------------------------------------------- */

static const char *target_kind_of(const char *unit)
{
        if (g_str_has_suffix(unit, ".slice"))
                return "Slice";
        return g_str_has_suffix(unit, ".scope") ? "Scope" : "Service";
}

void model_yaml_head(GString *s, const char *full_name, const char *unit, const char *enforcer)
{
        const char *slash = strrchr(full_name, '/'), *name = slash ? slash + 1 : full_name;
        g_autofree char *slice = slash ? g_strndup(full_name, (gsize)(slash - full_name)) : NULL;
        g_autofree char *called = unit ? NULL : g_strconcat(name, ".service", NULL);

        g_string_append_printf(s, "apiVersion: crd.varmor.org/v1beta1\nkind: %s\nmetadata: {name: ", slice ? "VarmorPolicy" : "VarmorClusterPolicy");
        put_quoted(s, name);
        if (slice) {
                g_string_append(s, ", namespace: ");
                put_quoted(s, slice);
        }
        g_string_append_printf(s, "}\nspec:\n  target: {kind: %s, name: ", target_kind_of(unit ?: called));
        put_quoted(s, unit ?: called);
        g_string_append_printf(s, "}\n  policy:\n    enforcer: %s\n    mode: DefenseInDepth\n", enforcer);
}

char *model_yaml(const ModelRules *rules, const char *full_name, const char *unit, const char *comment)
{
        Writer w = {.s = g_string_new(NULL), .rules = rules};
        size_t start;

        if (comment)
                g_string_append_printf(w.s, "# %s\n", comment);
        model_yaml_head(w.s, full_name, unit, "BPF");
        g_string_append(w.s, "    defenseInDepth:\n      bpf:\n        profileType: Custom\n        customProfile:");
        start = w.s->len;
        g_string_append_c(w.s, '\n');
        put_files(&w);
        put_network(&w);
        put_bits(&w, OP_CAPABILITY, "capabilities", capability_words);
        put_ptrace(&w);
        if (has_rule(&w, OP_SIGNAL))
                g_string_append(w.s, "          signal: {strictMode: false}\n");
        put_mounts(&w);
        if (has_rule(&w, OP_USERNS))
                g_string_append(w.s, "          userNamespaces: true\n");
        put_bits(&w, OP_BPF, "bpf", bpf_command_words);
        if (w.s->len == start + 1)
                g_string_insert(w.s, (gssize)start, " {}");
        return g_string_free(w.s, FALSE);
}
