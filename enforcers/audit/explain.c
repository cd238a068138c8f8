/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Explain: see explain.h. The twin of decide(), enforcers/bpf/verdict.bpf.c. */

#include "explain.h"

#include <string.h>

static void join(struct va_accept *m, const struct va_accept *found, const AuditChild *child)
{
        struct va_accept a = found ? *found : (struct va_accept){0};

        for (unsigned bit = 0; child && bit < 4; bit++)
                if (!child->has(child->userdata, a.rule[bit])) {
                        a.deny &= ~(1U << bit);
                        a.log &= ~(1U << bit);
                }
        for (unsigned bit = 0; bit < 4; bit++) {
                uint8_t new = (a.deny & ~m->deny) | (a.log & ~(m->deny | m->log));

                if (new & 1U << bit)
                        m->rule[bit] = a.rule[bit];
        }
        m->deny |= a.deny;
        m->log |= a.log;
        m->allow |= a.allow;
}

static int32_t rule_of(const struct va_accept *m, uint32_t bits)
{
        for (unsigned bit = 0; bit < 4; bit++)
                if (bits & 1U << bit)
                        return m->rule[bit] == VA_NO_RULE ? -1 : m->rule[bit];
        return -1;
}

static struct va_accept look_up(const struct va_table *t, const AuditChild *child, const AuditWords *w)
{
        struct va_accept all = {.allow = UINT8_MAX}, m;
        uint32_t first = child ? 1 : 0, last = child ? t->n_groups : 0;

        /* A mount is about each of its flags: all of them have to be allowed, and one denied is enough. */
        all.deny = all.log = 0;
        for (char **object = w->table_objects; *object; object++) {
                m = (struct va_accept){0};
                for (uint32_t g = first; g <= last; g++)
                        join(&m, table_match(t, w->table_kind, g, *object), child);
                if (w->table_kind == VA_KIND_MOUNT) {
                        const char *letter = strchr(VA_MOUNT_LETTERS, (*object)[1]);

                        if (!letter || !(VA_MOUNT_SETS >> (letter - VA_MOUNT_LETTERS) & 1))
                                m.allow = UINT8_MAX;
                }
                m.allow &= all.allow;
                all.allow = m.allow;
                join(&all, &m, NULL);
                all.allow = m.allow;
        }
        return all;
}

bool audit_explain(const struct va_table *t, const AuditChild *child, const AuditWords *w, EnforcerEvent *event, bool *ret_quiet)
{
        uint32_t want = w->table_perms, hit, named, over = 0;
        struct va_accept m;
        bool trial;

        *ret_quiet = false;
        event->rule = -1;
        event->reason = w->reason;
        event->action = w->action;
        if (w->reason == REASON_NO_PATH)
                return true;
        if (!t || !*w->table_objects || w->table_kind >= VA_KIND_MAX)
                return false;
        m = look_up(t, child, w);
        trial = t->flags & VA_T_TRIAL;
        hit = want & m.deny;
        named = want & m.log;
        if (t->default_deny & VA_CLASS_OF(w->table_kind))
                over = want & ~(uint32_t)(m.allow | m.deny);

        if (w->action == ACTION_DENIED) {
                if (!hit && !over)
                        return false;
                event->rule = hit ? rule_of(&m, hit & named ? hit & named : hit) : -1;
                event->reason = hit ? REASON_RULE : REASON_DEFAULT;
                /* In an allow-list, what is not named is denied aloud. */
                *ret_quiet = hit && !(hit & named) && (!t->default_deny || strcmp(w->operation, "link") == 0);
                return true;
        }
        if (named && !hit) {
                event->rule = rule_of(&m, named);
                event->action = trial && named & ~(uint32_t)m.allow ? ACTION_ALLOWED : ACTION_AUDIT;
                return true;
        }
        if (!over)
                return false;
        event->reason = REASON_DEFAULT;
        event->action = ACTION_ALLOWED;
        return true;
}
