/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The catalogue of named rules on the bus: ListRules() and GetRule() of org.varmor1.Manager. What everybody may know are the
 * names, and all about the rules that come with varmor; what an administrator's own rules do is shown like the rules of a policy. */

#include <errno.h>

#include "request.h"

/* Those of @mask that this host has. */
static uint32_t available(const Manager *m, uint32_t mask)
{
        const EnforcerInfo *info = manager_enforcers(m);

        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (!info[k].available)
                        mask &= ~(1U << k);
        return mask;
}

static int append_enforcers(sd_bus_message *m, uint32_t mask)
{
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (EnforcerKind k = 0; r >= 0 && k < _ENFORCER_KIND_MAX; k++)
                if (mask & (1U << k))
                        r = sd_bus_message_append(m, "s", enforcer_kind_to_string(k));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_line(sd_bus_message *reply, const Manager *m, const RuleInfo *r)
{
        int k = sd_bus_message_open_container(reply, 'r', "sasssasb");

        if (k >= 0)
                k = append_text(reply, r->id);
        if (k >= 0)
                k = append_texts(reply, (const char *const *)r->aliases);
        if (k >= 0)
                k = append_text(reply, rule_category_to_string(r->category));
        if (k >= 0)
                k = append_text(reply, r->description);
        if (k >= 0)
                k = append_enforcers(reply, available(m, r->enforced_by));
        if (k >= 0)
                k = sd_bus_message_append(reply, "b", r->local);
        return k < 0 ? k : sd_bus_message_close_container(reply);
}

int rules_method_list(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *b = userdata;
        const GPtrArray *rules = manager_rules(b->manager);
        g_autoptr(sd_bus_message) reply = NULL;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sasssasb)");
        for (guint i = 0; r >= 0 && i < rules->len; i++)
                r = append_line(reply, b->manager, rules->pdata[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* ---- one rule --------------------------------------------------------------------------------------------------------------- */

/* An entry of an a{sv} is open until its value is closed. */
static int open_entry(sd_bus_message *m, const char *key, const char *type)
{
        int r = sd_bus_message_open_container(m, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", key);
        return r < 0 ? r : sd_bus_message_open_container(m, 'v', type);
}

static int close_entry(sd_bus_message *m)
{
        int r = sd_bus_message_close_container(m);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_texts_entry(sd_bus_message *m, const char *key, char **texts)
{
        int r = open_entry(m, key, "as");

        if (r >= 0)
                r = append_texts(m, (const char *const *)texts);
        return r < 0 ? r : close_entry(m);
}

static int append_enforcers_entry(sd_bus_message *m, uint32_t mask)
{
        int r = open_entry(m, "enforcers", "as");

        if (r >= 0)
                r = append_enforcers(m, mask);
        return r < 0 ? r : close_entry(m);
}

/* @missing: also say which of the enforcers of this mask the host has not. */
static int append_sentences(sd_bus_message *m, const Manager *manager, const char *key, char *const *sentences, uint32_t missing)
{
        const EnforcerInfo *info = manager_enforcers(manager);
        int r = open_entry(m, key, "a{ss}");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{ss}");
        for (EnforcerKind k = 0; r >= 0 && k < _ENFORCER_KIND_MAX; k++) {
                const char *text = sentences[k] ?: missing & 1U << k && !info[k].available ? info[k].missing : NULL;

                if (!text)
                        continue;
                r = sd_bus_message_open_container(m, 'e', "ss");
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", enforcer_kind_to_string(k));
                if (r >= 0)
                        r = append_text(m, text);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : close_entry(m);
}

static int append_operation(sd_bus_message *m, const Manager *manager, const RuleInfoOp *o)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0)
                r = append_entry(m, "text", o->summary);
        if (r >= 0)
                r = append_enforcers_entry(m, available(manager, o->enforced_by));
        if (r >= 0)
                r = append_sentences(m, manager, "not_by", o->why_not, o->enforced_by);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_operations(sd_bus_message *m, const Manager *manager, const RuleInfo *rule)
{
        int r = open_entry(m, "operations", "aa{sv}");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "a{sv}");
        for (guint i = 0; r >= 0 && i < rule->ops->len; i++)
                r = append_operation(m, manager, rule->ops->pdata[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : close_entry(m);
}

static int append_rule(sd_bus_message *m, const Manager *manager, const RuleInfo *rule)
{
        const struct {
                const char *key, *text;
        } texts[] = {
                {"id", rule->id},
                {"category", rule_category_to_string(rule->category)},
                {"description", rule->description},
                {"principle", rule->principle},
                {"impact", rule->impact},
                {"file", rule->pos.file},
        };
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(texts); i++)
                r = append_entry(m, texts[i].key, texts[i].text ?: "");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}", "line", "u", rule->pos.line, "local", "b", rule->local);
        if (r >= 0)
                r = append_texts_entry(m, "aliases", rule->aliases);
        if (r >= 0)
                r = append_texts_entry(m, "references", rule->references);
        if (r >= 0)
                r = append_enforcers_entry(m, available(manager, rule->enforced_by));
        if (r >= 0)
                r = append_sentences(m, manager, "notes", rule->notes, 0);
        if (r >= 0)
                r = append_operations(m, manager, rule);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int rule_reply(sd_bus_message *m, const Manager *manager, const RuleInfo *rule, sd_bus_message **ret)
{
        int r = sd_bus_message_new_method_return(m, ret);

        return r < 0 ? r : append_rule(*ret, manager, rule);
}

static void act_get_rule(Request *q)
{
        const RuleInfo *rule = rule_infos_find(manager_rules(q->manager), q->document);
        g_autoptr(sd_bus_message) reply = NULL;

        if (!rule) {
                request_reply_error(q, VARMOR_ERROR_NO_SUCH_RULE, "There is no rule called \"%s\" any more", q->document);
                return;
        }
        int r = rule_reply(q->message, q->manager, rule, &reply);
        if (r < 0)
                request_reply_errno(q, r);
        else
                request_reply_message(q, reply);
}

int rules_method_get(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *b = userdata;
        const GPtrArray *rules = manager_rules(b->manager);
        g_autoptr(sd_bus_message) reply = NULL;
        const char *name;

        int r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        const RuleInfo *rule = rule_infos_find(rules, name);
        if (!rule) {
                const char *meant = rule_infos_suggest(rules, name);

                if (!meant)
                        return sd_bus_error_setf(error, VARMOR_ERROR_NO_SUCH_RULE, "There is no rule called \"%s\"", name);
                return sd_bus_error_setf(error, VARMOR_ERROR_NO_SUCH_RULE,
                                         "There is no rule called \"%s\"; did you mean \"%s\"?", name, meant);
        }
        if (rule->local) {
                Request *q = request_new(b, m, VARMOR_ACTION_READ_RULES, act_get_rule);

                q->document = g_strdup(rule->id);
                return request_authorize(q, error);
        }
        r = rule_reply(m, b->manager, rule, &reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
