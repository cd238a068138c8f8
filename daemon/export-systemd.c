/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policy -> drop-in of systemd: what systemd's own settings can say of it. A setting that would say more than the rule is not
 * taken: a unit that works under the policy works with the drop-in. See export.h. */

#include "export.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/socket.h>


/* ---- words --------------------------------------------------------------------------------------------------------------- */

/* A value as systemd reads it: "%" is a specifier, and quotes are needed around what it would take apart. */
static char *quote(const char *s)
{
        GString *g = g_string_new(NULL);
        bool plain = !strpbrk(s, " \t\"'\\;#");

        for (; *s; s++) {
                if (*s == '%')
                        g_string_append_c(g, '%');
                if (*s == '"' || *s == '\\')
                        g_string_append_c(g, '\\');
                g_string_append_c(g, *s);
        }
        if (!plain) {
                g_string_prepend_c(g, '"');
                g_string_append_c(g, '"');
        }
        return g_string_free(g, FALSE);
}

static char *family_name(uint64_t bit)
{
        g_autofree char *word = words_format(socket_domain_words, bit, ""), *upper = g_ascii_strup(word, -1);

        return g_strconcat("AF_", upper, NULL);
}

static void add_word(GString *g, const char *word)
{
        g_string_append_printf(g, "%s%s", g->len > 0 ? " " : "", word);
}

static char *capability_list(uint64_t mask)
{
        GString *g = g_string_new(NULL);

        for (unsigned c = 0; c <= CAP_LAST_CAP; c++)
                if (mask & UINT64_C(1) << c) {
                        g_autofree char *word = words_format(capability_words, UINT64_C(1) << c, ""), *upper = g_ascii_strup(word, -1);
                        g_autofree char *name = g_str_has_prefix(upper, "CAP_") ? g_strdup(upper) : g_strconcat("CAP_", upper, NULL);

                        add_word(g, name);
                }
        return g_string_free(g, FALSE);
}

static char *errno_name(int32_t e)
{
        const char *name = strerrorname_np(e >= 0 ? e : EPERM);

        return name ? g_strdup(name) : g_strdup_printf("%i", e);
}

/* ---- one rule: what it is in settings; NULL and the reason if it cannot be said ---------------------------------------------- */

static char *say_capabilities(const Rule *r, const char **why)
{
        g_autofree char *list = capability_list(r->capabilities);

        return g_strconcat("CapabilityBoundingSet=~", list, NULL);
}

static char *say_socket(const Rule *r, const char **why)
{
        const SocketRule *s = &r->socket;
        g_autoptr(GString) list = g_string_new(NULL);

        if (s->types != UINT32_MAX || s->protocols != UINT32_MAX) {
                *why = "RestrictAddressFamilies= knows no types and no protocols";
                return NULL;
        }
        if (s->domains == UINT64_MAX)
                return g_strdup("RestrictAddressFamilies=none");
        for (unsigned f = 0; f < AF_MAX && f < 64; f++)
                if (s->domains & UINT64_C(1) << f) {
                        g_autofree char *name = family_name(UINT64_C(1) << f);

                        add_word(list, name);
                }
        return g_strconcat("RestrictAddressFamilies=~", list->str, NULL);
}

/* A pattern that stands for one path, or for one and all that is below. NULL: it does not. */
static char *plain_path(const char *pattern)
{
        g_autofree char *path = g_strdup(pattern);

        if (g_str_has_suffix(path, "/**"))
                path[strlen(path) - strlen("/**")] = '\0';
        if (*path != '/' || path[1] == '\0' || strpbrk(path, "*?[]{}\\^\n"))
                return NULL;
        return g_steal_pointer(&path);
}

static const char *path_setting(uint32_t perms, const char **why)
{
        switch (perms) {
        case PERM_READ | PERM_WRITE:
        case PERM_READ | PERM_WRITE | PERM_APPEND:
        case PERM_ALL:
                return "InaccessiblePaths=";
        case PERM_WRITE:
        case PERM_WRITE | PERM_APPEND:
                return "ReadOnlyPaths=";
        case PERM_EXEC:
                return "NoExecPaths=";
        default:
                *why = "no setting takes away these permissions and no others";
                return NULL;
        }
}

static char *say_file(const Rule *r, const char **why)
{
        const char *setting = path_setting(r->file.perms, why);
        g_autoptr(GString) list = g_string_new(NULL);

        if (!setting)
                return NULL;
        if (r->file.except && *r->file.except) {
                *why = "the settings about paths know no exceptions";
                return NULL;
        }
        for (char **p = r->file.patterns; *p; p++) {
                g_autofree char *path = plain_path(*p), *word = NULL, *quoted = NULL;

                if (!path) {
                        *why = "the settings about paths know no patterns";
                        return NULL;
                }
                word = g_strconcat("-", path, NULL); /* what is not there is no reason not to start */
                quoted = quote(word);
                add_word(list, quoted);
        }
        return g_strconcat(setting, list->str, NULL);
}

static bool is_every_address(const NetRule *n, bool *v4, bool *v6)
{
        for (guint i = 0; i < n->addresses->len; i++) {
                const NetAddress *a = n->addresses->pdata[i];

                if (a->kind != NET_ADDRESS_PREFIX || a->prefix_len != 0)
                        return false;
                *(a->family == AF_INET ? v4 : v6) = true;
        }
        return true;
}

static char *say_ingress(const Rule *r, const char **why)
{
        bool v4 = false, v6 = false;
        const char *family;
        GString *g;

        if (!is_every_address(&r->net, &v4, &v6)) {
                *why = "SocketBindDeny= knows no addresses";
                return NULL;
        }
        family = v4 && v6 ? "" : v4 ? "ipv4:" : "ipv6:";
        if (!r->net.ports)
                return g_strconcat("SocketBindDeny=", *family ? v4 ? "ipv4" : "ipv6" : "any", NULL);
        g = g_string_new(NULL);
        for (guint i = 0; i < r->net.ports->len; i++) {
                const PortRange *p = &g_array_index(r->net.ports, PortRange, i);

                g_string_append_printf(g, "%sSocketBindDeny=%s%u", i > 0 ? "\n" : "", family, p->first);
                if (p->last != p->first)
                        g_string_append_printf(g, "-%u", p->last);
        }
        return g_string_free(g, FALSE);
}

static char *say_mount(const Rule *r, const char **why)
{
        if (strcmp(r->mount.source, "**") != 0 || r->mount.fstype || r->mount.flags != MOUNT_WORDS_ALL) {
                *why = "systemd can deny all mounting, not some of it";
                return NULL;
        }
        return g_strdup("SystemCallFilter=~@mount");
}

static char *say_bpf(const Rule *r, const char **why)
{
        if (r->bpf.commands != UINT64_MAX) {
                *why = "SystemCallFilter= does not look at arguments";
                return NULL;
        }
        return g_strdup("SystemCallFilter=~bpf");
}

static char *say_syscall(const Rule *r, const char **why)
{
        const SyscallRule *s = &r->syscall;
        g_autofree char *error = errno_name(s->errno_ret);
        g_autoptr(GString) list = g_string_new(NULL);
        const char *suffix = error;
        bool log = s->action == SYSCALL_LOG;

        if (s->args && s->args->len > 0)
                *why = "SystemCallFilter= does not look at arguments";
        else if (s->includes.caps || s->includes.arches || s->includes.min_kernel[0] || s->excludes.caps || s->excludes.arches ||
                 s->excludes.min_kernel[0])
                *why = "SystemCallFilter= knows no conditions";
        else if (s->action == SYSCALL_KILL_PROCESS || s->action == SYSCALL_KILL_THREAD)
                suffix = "kill";
        else if (s->action != SYSCALL_ERRNO && !log)
                *why = "SystemCallFilter= knows no such action";
        if (*why)
                return NULL;
        for (char **name = s->names; *name; name++) {
                g_autofree char *word = log ? g_strdup(*name) : g_strconcat(*name, ":", suffix, NULL);

                add_word(list, word);
        }
        return g_strconcat(log ? "SystemCallLog=" : "SystemCallFilter=~", list->str, NULL);
}

static char *say_rule(const Policy *p, const Rule *r, const char **why)
{
        *why = NULL;
        if (r->targets)
                *why = "a unit's settings are for all of its programs, the rule is for some";
        else if (p->allow_violations && !((r->qualifiers & RULE_DENY) && (r->qualifiers & RULE_AUDIT)))
                *why = "settings block, the policy only observes";
        else if (!(r->qualifiers & RULE_DENY) && !(r->kind == OP_SYSCALL && r->syscall.action == SYSCALL_LOG))
                *why = r->qualifiers & RULE_ALLOW ? "settings do not list what is permitted" : "settings block, the rule only reports";
        if (*why)
                return NULL;
        switch (r->kind) {
        case OP_CAPABILITY:
                return say_capabilities(r, why);
        case OP_SOCKET:
                return say_socket(r, why);
        case OP_FILE:
                return say_file(r, why);
        case OP_INGRESS:
                return say_ingress(r, why);
        case OP_MOUNT:
                return say_mount(r, why);
        case OP_USERNS:
                return g_strdup("RestrictNamespaces=~user");
        case OP_BPF:
                return say_bpf(r, why);
        case OP_SYSCALL:
                return say_syscall(r, why);
        case OP_EGRESS:
                *why = "IPAddressDeny= would deny what comes in as well, and knows no ports";
                return NULL;
        case OP_TEXT:
                *why = "it is in the language of AppArmor, of which AppArmorProfile= takes the name of a loaded profile";
                return NULL;
        default:
                *why = "there is no such setting";
                return NULL;
        }
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------------ */

/* A rule may be written once for each enforcer: then what the entries for one of them say is enough. */
static bool said_otherwise(const Policy *p, const Rule *rule)
{
        /* Of RuntimeDefault each enforcer has its part. */
        if (rule->origin == RULE_DEFAULT)
                return false;
        for (guint i = 0; rule->only && i < p->rules->len; i++) {
                const Rule *r = p->rules->pdata[i];
                g_autofree char *said = NULL;
                const char *why;

                if (r->only & rule->only || strcmp(r->id, rule->id) != 0 || !r->only)
                        continue;
                said = say_rule(p, r, &why);
                if (said)
                        return true;
        }
        return false;
}

static void comment(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void comment(GString *out, const char *format, ...)
{
        g_autofree char *text = NULL;
        va_list ap;

        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);
        for (char *c = text; *c; c++)
                if ((unsigned char)*c < ' ')
                        *c = '?';
        g_string_append_printf(out, "# %s\n", text);
}

/* How often systemd's lists begin anew does not matter: they add up. */
static void write_rule(GString *out, const Policy *p, const Rule *r, const char **last)
{
        const char *why;
        g_autofree char *said = say_rule(p, r, &why), *summary = rule_summary(r);

        if (!said && said_otherwise(p, r))
                return;
        if (said) {
                if (g_strcmp0(*last, r->id) != 0)
                        comment(out, "%s", r->id);
                g_string_append_printf(out, "%s\n", said);
        } else
                comment(out, "not said: %s (%s): %s", r->id, summary, why);
        *last = said ? r->id : NULL;
}

static void write_allow_list(GString *out, const Policy *p)
{
        for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (p->enforcers & 1U << k && p->depth[k].type != PROFILE_NONE)
                        comment(out, "not said: the profile for %s, which denies what it does not name: settings do not list what is "
                                     "permitted", enforcer_kind_to_string((EnforcerKind)k));
}

char *export_systemd(const Policy *p)
{
        GString *out = g_string_new(NULL);
        const char *last = NULL;

        comment(out, "What settings of systemd can say of the policy %s.", p->full_name);
        comment(out, "They take effect when the unit starts, raise no alarms, and stay as they are when the policy changes.");
        g_string_append(out, "[Service]\n");
        if (p->mode == MODE_ALWAYS_ALLOW || p->mode == MODE_BEHAVIOR_MODELING)
                comment(out, "In the mode %s the policy denies nothing.", mode_to_string(p->mode));
        if (policy_lists_syscalls(p) && p->mode != MODE_DEFENSE_IN_DEPTH && p->enforcers & 1U << ENFORCER_SECCOMP)
                comment(out, "not said: the list of system calls of RuntimeDefault: SystemCallFilter= does not look at arguments, and the "
                             "list does");
        if (p->mode == MODE_DEFENSE_IN_DEPTH)
                write_allow_list(out, p);
        for (guint i = 0; i < p->rules->len; i++) {
                const Rule *r = p->rules->pdata[i];

                if (r->origin != RULE_DEFAULT || r->kind != OP_SYSCALL)
                        write_rule(out, p, r, &last);
        }
        return g_string_free(out, FALSE);
}
