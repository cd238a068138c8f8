/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policy: how policies and rules are made, copied and released, and what may be asked of them. */

#include "policy.h"

#include <string.h>

const Word rule_qualifier_words[] = {{"deny", RULE_DENY}, {"audit", RULE_AUDIT}, {"allow", RULE_ALLOW}, {NULL, 0}};

void selector_term_free(SelectorTerm *t)
{
        if (!t)
                return;
        g_free(t->key);
        g_strfreev(t->values);
        g_free(t);
}

void path_alias_free(PathAlias *a)
{
        if (!a)
                return;
        g_free(a->from);
        g_free(a->to);
        g_free(a);
}

static void net_address_free(void *p)
{
        NetAddress *a = p;

        if (!a)
                return;
        g_free(a->path);
        g_free(a);
}

Rule *rule_new(OpKind kind)
{
        Rule *r = g_new0(Rule, 1);

        r->kind = kind;
        r->origin = RULE_CUSTOM;
        switch (kind) {
        case OP_EGRESS:
        case OP_INGRESS:
                r->net.addresses = g_ptr_array_new_with_free_func(net_address_free);
                break;
        case OP_SYSCALL:
                r->syscall.action = _SYSCALL_ACTION_INVALID;
                r->syscall.errno_ret = -1;
                break;
        default:
                break;
        }

        return r;
}

void rule_free(Rule *r)
{
        if (!r)
                return;

        g_free(r->id);
        g_strfreev(r->targets);
        g_free(r->unenforceable);
        g_clear_pointer(&r->aliases, g_ptr_array_unref);
        switch (r->kind) {
        case OP_FILE:
                g_strfreev(r->file.patterns);
                g_strfreev(r->file.except);
                break;
        case OP_EGRESS:
        case OP_INGRESS:
                g_clear_pointer(&r->net.addresses, g_ptr_array_unref);
                g_clear_pointer(&r->net.ports, g_array_unref);
                break;
        case OP_MOUNT:
                g_free(r->mount.source);
                g_free(r->mount.fstype);
                break;
        case OP_SYSCALL:
                g_strfreev(r->syscall.names);
                g_clear_pointer(&r->syscall.args, g_array_unref);
                break;
        case OP_TEXT:
                g_free(r->text.text);
                break;
        default:
                break;
        }
        g_free(r);
}

static void *copy_net_address(const void *p, void *userdata)
{
        const NetAddress *a = p;
        NetAddress *copy = g_new(NetAddress, 1);

        *copy = *a;
        copy->path = g_strdup(a->path);
        return copy;
}

static void *copy_path_alias(const void *p, void *userdata)
{
        const PathAlias *a = p;
        PathAlias *copy = g_new0(PathAlias, 1);

        copy->from = g_strdup(a->from);
        copy->to = g_strdup(a->to);
        return copy;
}

Rule *rule_dup(const Rule *r)
{
        Rule *c = g_new(Rule, 1);

        *c = *r;
        c->id = g_strdup(r->id);
        c->targets = g_strdupv(r->targets);
        c->unenforceable = g_strdup(r->unenforceable);
        if (r->aliases) {
                c->aliases = g_ptr_array_copy(r->aliases, copy_path_alias, NULL);
                g_ptr_array_set_free_func(c->aliases, (GDestroyNotify)path_alias_free);
        }
        switch (r->kind) {
        case OP_FILE:
                c->file.patterns = g_strdupv(r->file.patterns);
                c->file.except = g_strdupv(r->file.except);
                break;
        case OP_EGRESS:
        case OP_INGRESS:
                c->net.addresses = g_ptr_array_copy(r->net.addresses, copy_net_address, NULL);
                g_ptr_array_set_free_func(c->net.addresses, net_address_free);
                c->net.ports = r->net.ports ? g_array_copy(r->net.ports) : NULL;
                break;
        case OP_MOUNT:
                c->mount.source = g_strdup(r->mount.source);
                c->mount.fstype = g_strdup(r->mount.fstype);
                break;
        case OP_SYSCALL:
                c->syscall.names = g_strdupv(r->syscall.names);
                c->syscall.args = r->syscall.args ? g_array_copy(r->syscall.args) : NULL;
                break;
        case OP_TEXT:
                c->text.text = g_strdup(r->text.text);
                break;
        default:
                break;
        }

        return c;
}

Policy *policy_new(void)
{
        Policy *p = g_new0(Policy, 1);

        p->rules = g_ptr_array_new_with_free_func((GDestroyNotify)rule_free);
        p->strictness = STRICTNESS_NORMAL;
        for (int k = 0; k < _ENFORCER_KIND_MAX; k++) {
                p->depth[k].action = _SYSCALL_ACTION_INVALID;
                p->depth[k].errno_ret = -1;
        }

        return p;
}

void policy_free(Policy *p)
{
        if (!p)
                return;

        g_free(p->name);
        g_free(p->slice);
        g_free(p->full_name);
        g_free(p->target.name);
        g_clear_pointer(&p->target.selector, g_ptr_array_unref);
        for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                g_free(p->depth[k].text);
        g_ptr_array_unref(p->rules);
        g_strfreev(p->files);
        g_free(p);
}

RuleEffect rule_effect(const Policy *p, const Rule *r)
{
        uint32_t q = r->qualifiers;
        RuleEffect e = {.log = q & RULE_AUDIT};

        if (q & RULE_ALLOW) {
                e.allow = true;
                return e;
        }
        /* Without a word rules deny; with `audit` alone they only report. */
        if (q & RULE_DENY || q == 0) {
                e.deny = !p->allow_violations;
                e.log |= p->audit_violations;
        }
        return e;
}

bool policy_denies(const Policy *p)
{
        return p->mode != MODE_ALWAYS_ALLOW && p->mode != MODE_BEHAVIOR_MODELING && !p->allow_violations;
}

bool policy_builds_on_default(const Policy *p)
{
        return p->mode == MODE_RUNTIME_DEFAULT || (p->mode == MODE_ENHANCE_PROTECT && !p->privileged);
}

bool policy_wants_model(const Policy *p)
{
        for (int k = 0; p->mode == MODE_DEFENSE_IN_DEPTH && k < _ENFORCER_KIND_MAX; k++)
                if (p->enforcers & 1U << k && p->depth[k].type == PROFILE_BEHAVIOR_MODEL)
                        return true;
        return false;
}

bool policy_lists_syscalls(const Policy *p)
{
        ProfileType type = p->depth[ENFORCER_SECCOMP].type;

        return p->mode == MODE_DEFENSE_IN_DEPTH ? type == PROFILE_CUSTOM || type == PROFILE_BEHAVIOR_MODEL
                                                : policy_builds_on_default(p) && type == PROFILE_RUNTIME_DEFAULT;
}

/* "/" stands in no name, and "+" neither in a policy's nor in a unit's; a backslash stands in names of slices. */
char *policy_bind_name(const char *full_name)
{
        GString *s = g_string_new(NULL);

        for (const char *c = full_name; *c; c++)
                if (*c == '/')
                        g_string_append_c(s, '+');
                else if (*c == '\\')
                        g_string_append_c(s, '=');
                else if (*c == '-' && c == full_name)
                        g_string_append_c(s, '_'); /* "-.slice": not to look like an option */
                else
                        g_string_append_c(s, *c);
        return g_string_free(s, FALSE);
}

void policy_seal(Policy *p)
{
        g_autofree char *text = policy_dump(p), *digest = NULL;

        g_return_if_fail(!p->sealed);
        digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
        g_strlcpy(p->digest, digest, sizeof(p->digest));
        p->sealed = true;
}
