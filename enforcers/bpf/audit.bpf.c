// SPDX-License-Identifier: GPL-2.0-only

/* Audit: who causes the records that the kernel makes of what seccomp filters and AppArmor do. Here it is certain: the
 * process still is, and its cgroup and its policies are known, which the records do not name. Nothing is judged. For a seccomp
 * filter the event is all that there is to know, the arguments included; for AppArmor it goes beside the record, and tells how
 * many of them there are, as the kernel throws away what it has no room for. */

#include "call.bpf.h"
#include "state.bpf.h"

/* A launcher in set-up has no identity, but may be under a filter or a profile already: its cgroup says by whose. */
static __always_inline struct va_scratch *who(struct task_struct *t)
{
        struct va_found f = {};
        struct va_scratch *s;
        int index = 0;

        if (!va_unconfined(t))
                index = va_enter();
        if (index > 0)
                return va_scratch_at(index - 1);
        if (index < 0)
                return NULL; /* counted as lost */
        s = va_scratch_at(va_claim());
        if (!s)
                return NULL;
        va_find_label(va_address(t->cgroups->dfl_cgrp), &f);
        va_begin(&s->id, &f, va_cgroup_of(t), va_state.epoch);
        return s;
}

static __always_inline void tell(struct va_scratch *s, struct va_call *c, __u32 op)
{
        c->cover = s->id.cover;
        __builtin_memcpy(s->m.b, c, sizeof(*c));
        s->path[0].off = 0;
        s->path[0].len = sizeof(*c);
        s->generation = 0;
        s->event.kind = VA_KIND_FILE;
        s->event.requested = 0;
        s->event.slot = 0;
        s->event.op = op;
        va_report(s, VA_REASON_RULE, VA_ACTION_DENIED, VA_NO_RULE, 1);
}

/* kernel/auditsc.c: called for every call that is to be logged, before the record is made */
SEC("fentry/audit_seccomp")
int VA_PROG(va_seccomp, unsigned long nr, long signr, int code)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct va_call c = {.nr = nr, .code = code};
        struct va_scratch *s;

        if (va_unconfined(t))
                return 0; /* it is the filter of somebody else */
        s = who(t);
        if (!s)
                return 0;
        if (s->id.cover.n > 0) {
                va_read_call(&c, t);
                tell(s, &c, VA_OP_SECCOMP);
        }
        va_release(s);
        return 0;
}

/* security/lsm_audit.c: what AppArmor's records are made by, on behalf of the current task */
SEC("fentry/common_lsm_audit")
int VA_PROG(va_lsm_audit)
{
        struct va_call c = {};
        struct va_scratch *s = who(bpf_get_current_task_btf());

        if (!s)
                return 0;
        tell(s, &c, VA_OP_APPARMOR);
        va_release(s);
        return 0;
}
