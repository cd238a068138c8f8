/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policy as text: the canonical dump that digests and golden tests are made of, and one line per rule for people. */

#include <arpa/inet.h>
#include <string.h>

#include "policy.h"

#define SUMMARY_NAMES_MAX 12U

/* Text from a policy on a line of its own, whatever is in it. */
static void put_text(GString *s, const char *label, const char *text)
{
        g_autofree char *escaped = g_strescape(text, NULL);

        g_string_append_printf(s, "%s %s\n", label, escaped);
}

static void put_list(GString *s, const char *label, char **list)
{
        for (char **e = list; e && *e; e++)
                put_text(s, label, *e);
}

static void put_qualifiers(GString *s, uint32_t q)
{
        g_autofree char *text = words_format(rule_qualifier_words, q, ",");

        g_string_append(s, text);
}

static void put_words(GString *s, const Word *words, uint64_t bits, const char *separator)
{
        g_autofree char *text = words_format(words, bits, separator);

        g_string_append(s, text);
}

static void put_address(GString *s, const NetAddress *a)
{
        char text[INET6_ADDRSTRLEN];

        switch (a->kind) {
        case NET_ADDRESS_PREFIX:
                if (inet_ntop(a->family, a->bytes, text, sizeof(text)))
                        g_string_append_printf(s, "%s/%u", text, a->prefix_len);
                break;
        case NET_ADDRESS_HOST_SELF:
                g_string_append(s, "host-self");
                break;
        case NET_ADDRESS_UNIX: {
                g_autofree char *escaped = g_strescape(a->path, NULL);

                g_string_append_printf(s, "unix:%s", escaped);
                break;
        }
        case _NET_ADDRESS_KIND_MAX:
                g_assert_not_reached();
        }
}

static void put_net(GString *s, const NetRule *r)
{
        for (guint i = 0; i < r->addresses->len; i++) {
                if (i > 0)
                        g_string_append_c(s, ' ');
                put_address(s, r->addresses->pdata[i]);
        }
        for (guint i = 0; r->ports && i < r->ports->len; i++) {
                const PortRange *p = &g_array_index(r->ports, PortRange, i);

                g_string_append_printf(s, "%s%u", i == 0 ? " ports " : ",", p->first);
                if (p->last != p->first)
                        g_string_append_printf(s, "-%u", p->last);
        }
}

static void put_condition(GString *s, const char *label, const SyscallCondition *c)
{
        if (c->caps) {
                g_string_append_printf(s, " %s caps ", label);
                put_words(s, capability_words, c->caps, ",");
        }
        for (int a = 0; a < _SYSCALL_ARCH_MAX; a++)
                if (c->arches & (1U << a))
                        g_string_append_printf(s, " %s %s", label, syscall_arch_to_string((SyscallArch)a));
        if (c->min_kernel[0] || c->min_kernel[1])
                g_string_append_printf(s, " %s kernel %u.%u", label, c->min_kernel[0], c->min_kernel[1]);
}

/* The first @max of the names. */
static void put_names(GString *s, char **names, guint max)
{
        guint n = g_strv_length(names);

        for (guint i = 0; i < MIN(n, max); i++)
                g_string_append_printf(s, "%s%s", i > 0 ? "," : "", names[i]);
        if (n > max)
                g_string_append_printf(s, " and %u more", n - max);
}

static void put_syscall(GString *s, const SyscallRule *r, guint max)
{
        put_names(s, r->names, max);
        g_string_append_printf(s, " %s", syscall_action_to_string(r->action) ?: "deny");
        if (r->errno_ret >= 0)
                g_string_append_printf(s, " errno %d", r->errno_ret);
        for (guint i = 0; r->args && i < r->args->len; i++) {
                const SyscallArg *a = &g_array_index(r->args, SyscallArg, i);

                g_string_append_printf(s, " arg%u %s 0x%" G_GINT64_MODIFIER "x", a->index, syscall_compare_to_string(a->op),
                                       a->value);
                if (a->op == SYSCALL_MASKED_EQ)
                        g_string_append_printf(s, " 0x%" G_GINT64_MODIFIER "x", a->value_two);
        }
        put_condition(s, "if", &r->includes);
        put_condition(s, "unless", &r->excludes);
}

/* Masks that hold capabilities which have no name yet are told by what is not in them. */
static void put_capabilities(GString *s, uint64_t bits)
{
        if (bits >> 63 && bits != UINT64_MAX) {
                g_string_append(s, "all-but ");
                bits = ~bits;
        }
        put_words(s, capability_words, bits, ",");
}

/* What the operation is, on one line, without the patterns of files. @names_max: of the names of system calls. */
static void put_op(GString *s, const Rule *r, guint names_max)
{
        switch (r->kind) {
        case OP_FILE:
                put_words(s, file_perm_words, r->file.perms, ",");
                break;
        case OP_CAPABILITY:
                put_capabilities(s, r->capabilities);
                break;
        case OP_SOCKET:
                put_words(s, socket_domain_words, r->socket.domains, ",");
                g_string_append(s, " type ");
                put_words(s, socket_type_words, r->socket.types, ",");
                g_string_append(s, " protocol ");
                put_words(s, socket_protocol_words, r->socket.protocols, ",");
                break;
        case OP_EGRESS:
        case OP_INGRESS:
                put_net(s, &r->net);
                break;
        case OP_PTRACE:
                put_words(s, ptrace_perm_words, r->ptrace.perms, ",");
                g_string_append(s, r->ptrace.strict ? " everywhere" : " across");
                break;
        case OP_MOUNT:
                put_words(s, mount_flag_words, r->mount.flags, ",");
                g_string_append_printf(s, " fstype %s", r->mount.fstype ?: "*");
                break;
        case OP_BPF:
                put_words(s, bpf_command_words, r->bpf.commands, ",");
                break;
        case OP_NAMED:
                put_words(s, named_op_words, r->named, ",");
                break;
        case OP_SYSCALL:
                put_syscall(s, &r->syscall, names_max);
                break;
        case OP_TEXT:
                g_string_append(s, enforcer_kind_to_string(r->text.enforcer));
                break;
        case OP_SIGNAL:
                g_string_append(s, r->signal.strict ? "everywhere" : "across");
                break;
        case OP_USERNS:
        case _OP_KIND_MAX:
        case _OP_KIND_INVALID:
                break;
        }
}

static void put_rule(GString *s, const Rule *r)
{
        g_string_append_printf(s, "rule %s %s %s ", r->id, rule_origin_to_string(r->origin), op_kind_to_string(r->kind));
        put_qualifiers(s, r->qualifiers);
        g_string_append_c(s, ' ');
        put_op(s, r, UINT_MAX);
        if (s->str[s->len - 1] == ' ')
                g_string_truncate(s, s->len - 1);
        if (r->optional)
                g_string_append(s, " optional");
        if (r->only) {
                g_autofree char *only = enforcer_mask_to_string(r->only);

                g_string_append_printf(s, " by %s", only);
        }
        g_string_append_c(s, '\n');

        if (r->kind == OP_FILE) {
                put_list(s, "  pattern", r->file.patterns);
                put_list(s, "  except", r->file.except);
        } else if (r->kind == OP_MOUNT)
                put_text(s, "  source", r->mount.source);
        else if (r->kind == OP_TEXT)
                put_text(s, "  text", r->text.text);
        put_list(s, "  target", r->targets);
        for (guint i = 0; r->aliases && i < r->aliases->len; i++) {
                const PathAlias *a = r->aliases->pdata[i];
                g_autofree char *text = g_strdup_printf("%s -> %s", a->from, a->to);

                put_text(s, "  alias", text);
        }
        if (r->unenforceable)
                put_text(s, "  unenforceable", r->unenforceable);
}

static void put_target(GString *s, const TargetSpec *t)
{
        g_string_append_printf(s, "target %s%s\n", target_kind_to_string(t->kind), t->force ? " force" : "");
        if (t->name)
                put_text(s, "  name", t->name);
        for (guint i = 0; t->selector && i < t->selector->len; i++) {
                const SelectorTerm *term = t->selector->pdata[i];
                g_autofree char *values = g_strjoinv(", ", term->values);
                g_autofree char *text = g_strdup_printf("%s %s%s%s", term->key, selector_operator_to_string(term->op),
                                                        *values ? " " : "", values);

                put_text(s, "  selector", text);
        }
}

static void put_depth(GString *s, EnforcerKind k, const DepthProfile *d)
{
        if (d->type == PROFILE_NONE)
                return;

        g_string_append_printf(s, "profile %s %s", enforcer_kind_to_string(k), profile_type_to_string(d->type));
        if (d->classes) {
                g_string_append(s, " classes ");
                put_words(s, op_class_words, d->classes, ",");
        }
        if (syscall_action_to_string(d->action))
                g_string_append_printf(s, " default %s", syscall_action_to_string(d->action));
        if (d->errno_ret >= 0)
                g_string_append_printf(s, " errno %d", d->errno_ret);
        for (int a = 0; a < _SYSCALL_ARCH_MAX; a++)
                if (d->arches & (1U << a))
                        g_string_append_printf(s, " %s", syscall_arch_to_string((SyscallArch)a));
        g_string_append_c(s, '\n');
        if (d->text)
                put_text(s, "  text", d->text);
}

char *policy_dump(const Policy *p)
{
        g_autofree char *enforcers = enforcer_mask_to_string(p->enforcers);
        GString *s = g_string_new(NULL);

        put_text(s, "policy", p->full_name);
        if (p->slice)
                put_text(s, "slice", p->slice);
        put_target(s, &p->target);
        g_string_append_printf(s, "failure %s\n", p->fail_open ? "open" : "closed");
        if (p->update_existing)
                g_string_append(s, "update-existing\n");
        g_string_append_printf(s, "enforcers %s\n", enforcers);
        g_string_append_printf(s, "mode %s%s%s%s", mode_to_string(p->mode), p->privileged ? " privileged" : "",
                               p->audit_violations ? " audit" : "", p->allow_violations ? " allow" : "");
        if (p->duration_min)
                g_string_append_printf(s, " minutes %" G_GUINT32_FORMAT, p->duration_min);
        if (policy_wants_model(p))
                g_string_append_printf(s, " %s", strictness_to_string(p->strictness));
        g_string_append_c(s, '\n');
        for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                put_depth(s, (EnforcerKind)k, &p->depth[k]);
        for (guint i = 0; i < p->rules->len; i++)
                put_rule(s, p->rules->pdata[i]);

        return g_string_free(s, FALSE);
}

/* Of a list in a summary. A bundle carries no longer ones, and nobody reads them. */
#define JOINED_BYTES_MAX 2048U

static void put_joined(GString *s, const char *label, char **list)
{
        size_t start = s->len;

        if (!list || !*list)
                return;
        g_string_append(s, label);
        for (char **e = list; *e; e++) {
                if (e > list && s->len - start + strlen(*e) > JOINED_BYTES_MAX) {
                        g_string_append_printf(s, ", and %u more", g_strv_length(e));
                        return;
                }
                g_string_append_printf(s, "%s%s", e == list ? "" : ", ", *e);
        }
}

char *rule_summary(const Rule *r)
{
        GString *s = g_string_new(NULL);

        put_qualifiers(s, r->qualifiers);
        g_string_append_printf(s, " %s ", op_kind_to_string(r->kind));
        put_op(s, r, SUMMARY_NAMES_MAX);
        if (r->kind == OP_FILE) {
                put_joined(s, " ", r->file.patterns);
                put_joined(s, " except ", r->file.except);
        } else if (r->kind == OP_MOUNT)
                g_string_append_printf(s, " %s", r->mount.source);
        put_joined(s, " by ", r->targets);
        for (guint i = 0; r->aliases && i < r->aliases->len; i++) {
                const PathAlias *a = r->aliases->pdata[i];

                g_string_append_printf(s, "%s%s leads to %s", i == 0 ? " (" : ", ", a->from, a->to);
        }
        if (r->aliases && r->aliases->len > 0)
                g_string_append_c(s, ')');
        while (s->len > 0 && s->str[s->len - 1] == ' ')
                g_string_truncate(s, s->len - 1);

        return g_string_free(s, FALSE);
}
