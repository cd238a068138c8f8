/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Refine: alarms -> rules. See refine.h. */

#include "refine.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "alarm.h"
#include "pattern.h"
#include "settings.h"

/* ---- what there is -------------------------------------------------------------------------------------------------------------- */

const char *refine_section_to_string(RefineSection s)
{
        static const char *const names[_REFINE_SECTION_MAX] = {
                [REFINE_APPARMOR] = "appArmor",   [REFINE_FILES] = "bpf.files",     [REFINE_SOCKETS] = "bpf.sockets",
                [REFINE_EGRESS] = "bpf.egress",   [REFINE_INGRESS] = "bpf.ingress", [REFINE_PTRACE] = "bpf.ptrace",
                [REFINE_SIGNAL] = "bpf.signal",   [REFINE_MOUNTS] = "bpf.mounts",   [REFINE_CAPABILITIES] = "bpf.capabilities",
                [REFINE_USERNS] = "bpf.userNamespaces", [REFINE_BPF] = "bpf.bpf",   [REFINE_SYSCALLS] = "seccomp",
        };

        return s < _REFINE_SECTION_MAX ? names[s] : NULL;
}

static void rule_free_all(void *p)
{
        RefineRule *r = p;

        g_free(r->pattern);
        g_free(r->text);
        g_free(r->comment);
        g_free(r->exact);
        g_free(r->comm);
        g_free(r->unit);
        g_free(r);
}

static void suggestion_free(void *p)
{
        RefineSuggestion *s = p;

        g_free(s->text);
        g_free(s);
}

Refine *refine_new(const GeneraliseRules *generalise)
{
        Refine *r = g_new0(Refine, 1);

        r->rules = g_ptr_array_new_with_free_func(rule_free_all);
        r->suggestions = g_ptr_array_new_with_free_func(suggestion_free);
        r->by_key = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        r->generalise = generalise;
        return r;
}

void refine_free(Refine *r)
{
        if (!r)
                return;
        g_hash_table_unref(r->by_key);
        g_ptr_array_unref(r->rules);
        g_ptr_array_unref(r->suggestions);
        g_free(r);
}

RefineRule *refine_rule(Refine *r, RefineSection section, char *key)
{
        char *whole = g_strdup_printf("%u %s", section, key);
        RefineRule *rule = g_hash_table_lookup(r->by_key, whole);

        g_free(key);
        if (rule || r->rules->len == REFINE_RULES_MAX) {
                g_free(whole);
                return rule;
        }
        rule = g_new0(RefineRule, 1);
        rule->section = section;
        g_ptr_array_add(r->rules, rule);
        g_hash_table_insert(r->by_key, whole, rule);
        return rule;
}

static char *printable_text(const char *text)
{
        g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));

        return alarm_dup_bytes(bytes);
}

/* What an alarm leaves on its rule. */
static void see(RefineRule *rule, const RefineAlarm *a, uint32_t enforcers)
{
        rule->count = a->count > G_MAXINT64 - rule->count ? G_MAXINT64 : rule->count + a->count;
        rule->first_usec = rule->first_usec ? MIN(rule->first_usec, a->time_usec) : a->time_usec;
        rule->last_usec = MAX(rule->last_usec, a->time_usec);
        rule->actions |= 1U << action_from_string(a->action);
        rule->enforcers |= enforcers;
        if (!rule->comm) {
                rule->comm = printable_text(a->comm);
                rule->unit = printable_text(a->unit);
        }
}

static void suggest(Refine *r, const RefineAlarm *a, char *text /* taken */)
{
        RefineSuggestion *s = NULL;

        for (guint i = 0; !s && i < r->suggestions->len; i++)
                if (strcmp(((RefineSuggestion *)r->suggestions->pdata[i])->text, text) == 0)
                        s = r->suggestions->pdata[i];
        if (s)
                g_free(text);
        else if (r->suggestions->len == REFINE_SUGGESTIONS_MAX) {
                g_free(text);
                r->n_over++;
                return;
        } else {
                s = g_new0(RefineSuggestion, 1);
                s->text = text;
                g_ptr_array_add(r->suggestions, s);
        }
        s->count = a->count > G_MAXINT64 - s->count ? G_MAXINT64 : s->count + a->count;
        s->first_usec = s->first_usec ? MIN(s->first_usec, a->time_usec) : a->time_usec;
        s->last_usec = MAX(s->last_usec, a->time_usec);
}

/* ---- patterns ------------------------------------------------------------------------------------------------------------------- */

/* A pattern that matches @object: what is no UTF-8, which YAML cannot hold, byte by byte as '?'. NULL: there is none. */
static char *exact_pattern(const char *object)
{
        g_autofree char *escaped = pattern_escape(object), *why = NULL;
        GString *s = g_string_new(NULL);

        for (const char *p = escaped; *p;) {
                gunichar c = g_utf8_get_char_validated(p, -1);

                if (c == (gunichar)-1 || c == (gunichar)-2) {
                        g_string_append_c(s, '?');
                        p++;
                } else {
                        g_string_append_unichar(s, c);
                        p = g_utf8_next_char(p);
                }
        }
        why = pattern_check(s->str);
        return g_string_free(s, why != NULL);
}

/* The object as a text; NULL: there is none, or NUL is in it. */
static char *object_text(const RefineAlarm *a)
{
        gsize size = 0;
        const char *data = a->object ? g_bytes_get_data(a->object, &size) : NULL;

        return data && size > 0 && !memchr(data, 0, size) ? g_strndup(data, size) : NULL;
}

/* @ret_exact: what it was before it was widened, printable; NULL: it was not. */
static char *pattern_for(const Refine *r, const char *object, char **ret_exact)
{
        const GeneraliseOptions options = {.strictness = STRICTNESS_STRICT};
        g_autofree char *exact = exact_pattern(object), *wide = NULL, *why = NULL;

        *ret_exact = NULL;
        if (!exact || !r->generalise || *object != '/' || !g_utf8_validate(object, -1, NULL)) {
                if (exact && !g_utf8_validate(object, -1, NULL))
                        *ret_exact = printable_text(object);
                return g_steal_pointer(&exact);
        }
        wide = generalise_path(object, r->generalise, &options, NULL);
        why = wide ? pattern_check(wide) : NULL;
        if (!wide || why || strcmp(wide, exact) == 0)
                return g_steal_pointer(&exact);
        *ret_exact = printable_text(object);
        return g_steal_pointer(&wide);
}

/* ---- BPF ------------------------------------------------------------------------------------------------------------------------- */

/* One bit by its word; 0: it is none, or more. */
static uint64_t bit_of(const Word *words, const char *name)
{
        uint64_t bits = words_find(words, name);

        return bits & (bits - 1) ? 0 : bits;
}

static uint64_t perms_of(const Word *words, const char *requested)
{
        g_auto(GStrv) list = g_strsplit(requested, ",", 8);
        uint64_t perms = 0;

        for (char **w = list; *w; w++)
                perms |= bit_of(words, *w);
        return perms;
}

static bool one_of(const char *const *words, size_t n, const char *word)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(words[i], word) == 0)
                        return true;
        return false;
}

#define ONE_OF(word, ...) one_of((const char *const[]){__VA_ARGS__}, G_N_ELEMENTS(((const char *const[]){__VA_ARGS__})), word)

static RefineRule *file_rule(Refine *r, RefineSection section, const char *object, uint64_t perms)
{
        g_autofree char *exact = NULL, *pattern = pattern_for(r, object, &exact);
        RefineRule *rule;

        if (!pattern)
                return NULL;
        rule = refine_rule(r, section, g_strdup(pattern));
        if (!rule)
                return NULL;
        if (!rule->pattern)
                rule->pattern = g_steal_pointer(&pattern);
        if (!rule->exact)
                rule->exact = g_steal_pointer(&exact);
        rule->before = rule->before && (rule->perms & perms) == perms;
        rule->perms |= perms;
        return rule;
}

static RefineRule *text_rule(Refine *r, RefineSection section, char *text /* taken */)
{
        RefineRule *rule = refine_rule(r, section, g_strdup(text));

        if (rule && !rule->text)
                rule->text = g_steal_pointer(&text);
        g_free(text);
        return rule;
}

/* "inet stream tcp": @ret_type is NULL where the protocol says it. */
static bool socket_parts(const char *object, const char **ret_family, const char **ret_type, const char **ret_protocol, char ***ret_words)
{
        char **w = *ret_words = g_strsplit(object, " ", 4);
        guint n = g_strv_length(w);

        if (n < 2 || n > 3 || !bit_of(socket_domain_words, w[0]) || !bit_of(socket_type_words, w[1]) ||
            (n == 3 && !bit_of(socket_protocol_words, w[2])))
                return false;
        *ret_family = w[0];
        *ret_type = w[1];
        *ret_protocol = n == 3 ? w[2] : NULL;
        return true;
}

static RefineRule *socket_rule(Refine *r, const char *object)
{
        const char *family, *type, *protocol;
        g_auto(GStrv) words = NULL;

        if (!socket_parts(object, &family, &type, &protocol, &words))
                return NULL;
        return text_rule(r, REFINE_SOCKETS,
                         protocol ? g_strdup_printf("{domains: [%s], protocols: [%s]}", family, protocol)
                                  : g_strdup_printf("{domains: [%s], types: [%s]}", family, type));
}

static RefineRule *address_rule(Refine *r, RefineSection section, const char *object)
{
        uint8_t family, bytes[16];
        char text[INET6_ADDRSTRLEN];
        g_autofree char *bare = NULL;
        RefineRule *rule;
        uint16_t port;

        if (*object == '/' || *object == '@') {
                g_autofree char *exact = NULL, *pattern = pattern_for(r, object, &exact), *quoted = pattern ? refine_quote(pattern) : NULL;

                rule = quoted ? text_rule(r, section, g_strdup_printf("{unix: [%s]}", quoted)) : NULL;
                if (rule && !rule->exact)
                        rule->exact = g_steal_pointer(&exact);
                return rule;
        }
        bare = g_strndup(object, strlen(object) - (g_str_has_suffix(object, ":0") ? 2 : 0));
        if (settings_parse_address(bare, &family, bytes, &port) < 0 || !inet_ntop(family, bytes, text, sizeof(text)))
                return NULL;
        if (port > 0)
                return text_rule(r, section, g_strdup_printf("{ip: \"%s\", ports: [{port: %u}]}", text, port));
        rule = text_rule(r, section, g_strdup_printf("{ip: \"%s\"}", text));
        if (rule)
                rule->note = "every port: the kernel chose one, or there was none";
        return rule;
}

static RefineRule *mount_rule(Refine *r, const char *operation, const char *object)
{
        g_autofree char *exact = NULL, *pattern = pattern_for(r, object, &exact), *quoted = pattern ? refine_quote(pattern) : NULL;
        RefineRule *rule;

        if (!quoted)
                return NULL;
        rule = text_rule(r, REFINE_MOUNTS, g_strdup_printf("{sourcePattern: %s, fstype: \"*\", flags: [%s]}", quoted,
                                                          strcmp(operation, "umount") == 0 ? "umount" : "mount"));
        if (rule) {
                rule->note = "any type and any flags: an alarm does not tell which";
                rule->exact = rule->exact ?: g_steal_pointer(&exact);
        }
        return rule;
}

static RefineRule *word_rule(Refine *r, RefineSection section, const Word *words, const char *object)
{
        return bit_of(words, object) ? text_rule(r, section, g_strdup(object)) : NULL;
}

static RefineRule *ptrace_rule(Refine *r, uint64_t perms)
{
        RefineRule *rule = perms ? refine_rule(r, REFINE_PTRACE, g_strdup("")) : NULL;

        if (!rule)
                return NULL;
        rule->note = "with any process: an alarm does not tell where the other one is";
        rule->before = rule->before && (rule->perms & perms) == perms;
        rule->perms |= perms;
        return rule;
}

static RefineRule *bpf_rule(Refine *r, const RefineAlarm *a, const char *object)
{
        uint64_t perms = perms_of(file_perm_words, a->requested);

        if (strcmp(a->operation, "ptrace") == 0)
                return ptrace_rule(r, perms_of(ptrace_perm_words, a->requested));
        if (perms)
                return object && *object == '/' ? file_rule(r, REFINE_FILES, object, perms) : NULL;
        if (ONE_OF(a->operation, "userns_create", "userns_join"))
                return text_rule(r, REFINE_USERNS, g_strdup("{qualifiers: [allow]}"));
        if (strcmp(a->operation, "kill") == 0) {
                RefineRule *rule = text_rule(r, REFINE_SIGNAL, g_strdup("{qualifiers: [allow]}"));

                if (rule)
                        rule->note = "to every process";
                return rule;
        }
        if (!object)
                return NULL;
        if (strcmp(a->operation, "capable") == 0)
                return word_rule(r, REFINE_CAPABILITIES, capability_words, object);
        if (strcmp(a->operation, "bpf") == 0)
                return word_rule(r, REFINE_BPF, bpf_command_words, object);
        if (strcmp(a->operation, "socket") == 0)
                return socket_rule(r, object);
        if (ONE_OF(a->operation, "connect", "sendmsg"))
                return address_rule(r, REFINE_EGRESS, object);
        if (ONE_OF(a->operation, "bind", "listen", "accept"))
                return address_rule(r, REFINE_INGRESS, object);
        if (ONE_OF(a->operation, "mount", "move_mount", "pivot_root", "remount", "umount"))
                return mount_rule(r, a->operation, object);
        return NULL;
}

/* ---- AppArmor, seccomp ---------------------------------------------------------------------------------------------------------- */

static RefineRule *apparmor_text(Refine *r, char *rule /* taken */)
{
        g_autofree char *quoted = refine_quote(rule);

        g_free(rule);
        return text_rule(r, REFINE_APPARMOR, g_strdup_printf("{rules: %s}", quoted));
}

static RefineRule *apparmor_rule(Refine *r, const RefineAlarm *a, const char *object)
{
        uint64_t perms = perms_of(file_perm_words, a->requested);
        const char *family, *type, *protocol;
        g_auto(GStrv) words = NULL;

        if (strcmp(a->operation, "ptrace") == 0) {
                static const Word names[] = {{"trace", PTRACE_PERM_TRACE}, {"tracedby", PTRACE_PERM_TRACEBY}, {"read", PTRACE_PERM_READ},
                                             {"readby", PTRACE_PERM_READBY}, {NULL, 0}};
                uint64_t bits = perms_of(ptrace_perm_words, a->requested);
                g_autofree char *list = bits ? words_format(names, bits, ", ") : NULL;
                RefineRule *rule = list ? apparmor_text(r, g_strdup_printf("ptrace (%s),", list)) : NULL;

                if (rule)
                        rule->note = "with any process";
                return rule;
        }
        if (perms || strcmp(a->operation, "lock") == 0)
                return object && *object == '/' ? file_rule(r, REFINE_APPARMOR, object, perms | (strcmp(a->operation, "exec") == 0 ? REFINE_EXECUTED : 0))
                                                : NULL;
        if (!object)
                return NULL;
        if (strcmp(a->operation, "capable") == 0)
                return bit_of(capability_words, object) ? apparmor_text(r, g_strdup_printf("capability %s,", object)) : NULL;
        if (strcmp(a->operation, "socket") == 0 && socket_parts(object, &family, &type, &protocol, &words))
                return apparmor_text(r, g_strdup_printf("network %s %s,", family, type));
        return NULL;
}

static RefineRule *seccomp_rule(Refine *r, const char *object)
{
        if (!object || strlen(object) > 48 || strspn(object, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(object))
                return NULL;
        return text_rule(r, REFINE_SYSCALLS, g_strdup_printf("{names: [%s], action: SCMP_ACT_ALLOW}", object));
}

/* ---- alarms ---------------------------------------------------------------------------------------------------------------------- */

static char *what_of(const RefineAlarm *a)
{
        g_autofree char *operation = printable_text(a->operation), *object = alarm_dup_bytes(a->object), *requested = printable_text(a->requested);

        return g_strdup_printf("%s%s%s%s%s%s", operation, *requested ? " (" : "", requested, *requested ? ")" : "", *object ? " of " : "", object);
}

/* An alarm of a rule, which is not the lack of one. */
static void suggest_for_rule(Refine *r, const RefineAlarm *a)
{
        g_autofree char *what = what_of(a), *rule = printable_text(a->rule), *object = object_text(a), *exact = NULL;
        g_autofree char *pattern = object && *object == '/' && strchr(rule, '[') ? pattern_for(r, object, &exact) : NULL;
        g_autofree char *quoted = pattern ? refine_quote(pattern) : NULL;

        if (strcmp(a->rule, "runtime-default") == 0)
                suggest(r, a, g_strdup_printf("%s: RuntimeDefault denies it; with \"privileged: true\" the policy does without all of it", what));
        else if (quoted && (g_str_has_prefix(rule, "files[") || g_str_has_prefix(rule, "processes[")))
                suggest(r, a, g_strdup_printf("%s: rule %s of the policy would need \"except: [%s]\"; a fragment cannot change a rule, only "
                                              "add one", what, rule, quoted));
        else if (strchr(rule, '['))
                suggest(r, a, g_strdup_printf("%s: rule %s of the policy denies it, and a fragment cannot change a rule, only add one", what, rule));
        else if (*rule)
                suggest(r, a, g_strdup_printf("%s: a built-in rule cannot be excepted in part; without %s in the policy it would pass", what, rule));
        else
                suggest(r, a, g_strdup_printf("%s: it is not known which rule denied it", what));
}

static RefineRule *rule_for(Refine *r, const RefineAlarm *a, EnforcerKind e, const char *object)
{
        switch (e) {
        case ENFORCER_APPARMOR:
                return apparmor_rule(r, a, object);
        case ENFORCER_BPF:
                return bpf_rule(r, a, object);
        case ENFORCER_SECCOMP:
                return seccomp_rule(r, object);
        default:
                return NULL;
        }
}

/* An allow-list has no rule for it. AppArmor cannot tell that from a text that denies. */
static bool is_by_default(const RefineAlarm *a)
{
        if (mode_from_string(a->mode) != MODE_DEFENSE_IN_DEPTH)
                return false;
        if (strcmp(a->reason, event_reason_to_string(REASON_DEFAULT)) == 0)
                return true;
        return a->enforcers == 1U << ENFORCER_APPARMOR && strcmp(a->reason, event_reason_to_string(REASON_RULE)) == 0 &&
               (!*a->rule || strstr(a->rule, "appArmor"));
}

void refine_add(Refine *r, const RefineAlarm *a)
{
        g_autofree char *object = object_text(a), *what = what_of(a);

        r->n_alarms++;
        if (a->base) {
                suggest(r, a, g_strdup_printf("%s: never, it is base protection, without which whoever is confined could undo the policy", what));
                return;
        }
        if (strcmp(a->reason, event_reason_to_string(REASON_NO_PATH)) == 0) {
                suggest(r, a, g_strdup_printf("%s: its path could not be determined, so that no rule can name it", what));
                return;
        }
        if (strcmp(a->reason, event_reason_to_string(REASON_SECOND_NAME)) == 0) {
                suggest(r, a, g_strdup_printf("%s: the new name would be under other rules than the old one; that takes rules by which both are "
                                              "treated alike", what));
                return;
        }
        if (!is_by_default(a)) {
                suggest_for_rule(r, a);
                return;
        }
        for (int e = 0; e < _ENFORCER_KIND_MAX; e++) {
                guint before = r->rules->len;
                RefineRule *rule = a->enforcers >> e & 1 ? rule_for(r, a, (EnforcerKind)e, object) : NULL;

                if (rule)
                        see(rule, a, 1U << e);
                else if (a->enforcers >> e & 1 && before == REFINE_RULES_MAX)
                        r->n_over++;
                else if (a->enforcers >> e & 1)
                        suggest(r, a, g_strdup_printf("%s: %s has no rule that varmorctl could make of the alarm", what,
                                                      enforcer_kind_to_string((EnforcerKind)e)));
        }
}
