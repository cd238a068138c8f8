// SPDX-License-Identifier: GPL-2.0-only

/* Identities from fork to exec, and from cgroup to cgroup. A child gets its parent's. An exec is checked and prepared in the
 * storage of the thread that calls it, because this thread is the process's leader when it is done; and what was prepared is
 * in force from there on. */

#include "state.bpf.h"

SEC("lsm/task_alloc")
int VA_PROG(va_task_alloc, struct task_struct *task, unsigned long flags, int ret)
{
        struct va_identity *id;
        struct va_scratch *s;
        int index;

        if (ret != 0)
                return ret;
        if (flags & CLONE_THREAD)
                return 0; /* allow: a thread is under its leader's */
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        index = va_enter();
        if (index == 0)
                return 0;
        s = va_scratch_at(index - 1);
        if (!s)
                return -ENOMEM; /* deny: nothing to copy it with */
        s->id.flags = VA_ID_LIVE;
        id = bpf_task_storage_get(&va_tasks, task, &s->id, BPF_LOCAL_STORAGE_GET_F_CREATE);
        va_release(s);
        return id ? 0 : -ENOMEM; /* deny: the child would be under its cgroup's policies, whatever that is */
}

/* ---- exec ------------------------------------------------------------------------------------------------------- */

/* Puts s->id, with what is pending, into the storage of the calling thread. */
static __always_inline int prepare(struct va_scratch *s, struct task_struct *t)
{
        struct va_identity *id = bpf_task_storage_get(&va_tasks, t, &s->id, BPF_LOCAL_STORAGE_GET_F_CREATE);

        if (!id)
                return -1;
        /* A script's groups and its interpreter's come one after the other. */
        for (int i = 0; i < VA_COVER_MAX; i++)
                s->id.pending[i] |= id->pending[i];
        if (t != t->group_leader || !(s->id.flags & VA_ID_LIVE))
                *id = s->id;
        for (int i = 0; i < VA_COVER_MAX; i++)
                id->pending[i] = s->id.pending[i];
        return 0;
}

/* Once for each execve(2), before the checks: nothing is pending yet, and of an earlier one that failed during a set-up
 * nothing is left. */
SEC("lsm/bprm_creds_for_exec")
int VA_PROG(va_exec_begin, struct linux_binprm *bprm, int ret)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct va_identity *id;

        if (ret != 0)
                return ret;
        if (!t->bpf_storage)
                return 0;
        id = bpf_task_storage_get(&va_tasks, t, 0, 0);
        if (!id)
                return 0;
        if (!(id->flags & VA_ID_LIVE)) {
                bpf_task_storage_delete(&va_tasks, t);
                return 0;
        }
        for (int i = 0; i < VA_COVER_MAX; i++)
                id->pending[i] = 0;
        return 0;
}

/* For the program, and again for each interpreter of a script. */
SEC("lsm/bprm_check_security")
int VA_PROG(va_exec_check, struct linux_binprm *bprm, int ret)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct va_scratch *s;
        struct file *file;
        int index, r;

        if (ret != 0)
                return ret;
        if (va_unconfined(t))
                return 0; /* allow: under no policy */
        file = bprm->file;
        index = va_enter_exec(va_address(file));
        if (index == 0)
                return 0;
        s = va_scratch_at(index - 1);
        if (!s)
                return -EACCES;
        for (int i = 0; i < VA_COVER_MAX; i++)
                s->id.pending[i] = 0;
        r = va_path(s, 0, va_address(file->f_path.mnt), va_address(file->f_path.dentry));
        if (r == 0) {
                r = va_check(s, VA_KIND_FILE, 0, VA_OP_EXEC, VA_EXEC);
                if (r == 0)
                        va_enter_groups(s);
        } else
                r = r < 0 ? va_refuse(s, VA_OP_EXEC, VA_REASON_NO_PATH, 0) : 0;
        if (r == 0)
                r = prepare(s, t); /* deny if it fails: the thread would lose what the process carries */
        va_release(s);
        return va_verdict(r);
}

/* The new program begins, and the current task is its leader. */
SEC("lsm/bprm_committed_creds")
int VA_PROG(va_exec_end, struct linux_binprm *bprm)
{
        struct task_struct *t = bpf_get_current_task_btf();
        struct va_identity *id;

        if (!t->bpf_storage)
                return 0;
        id = bpf_task_storage_get(&va_tasks, t, 0, 0);
        if (!id)
                return 0;
        for (int i = 0; i < VA_COVER_MAX; i++) {
                if (id->groups_id[i] != VA_ID_GROUPS_UNKNOWN)
                        id->groups[i] |= id->pending[i];
                id->pending[i] = 0;
        }
        id->flags |= VA_ID_LIVE; /* a set-up that goes on has none */
        return 0;
}

/* ---- moves ------------------------------------------------------------------------------------------------------ */

/* After the move. Who is confined himself takes along what he carries, and so does what he moves; anybody else decides:
 * the new place counts. */
SEC("tp_btf/cgroup_attach_task")
int VA_PROG(va_attach, struct cgroup *dst, const char *path, struct task_struct *task, bool threadgroup)
{
        struct task_struct *leader;
        struct va_found f = {};
        struct va_identity *id;
        struct va_scratch *s;
        int index;

        if (BPF_CORE_READ(dst, root, hierarchy_id) != 0)
                return 0; /* another hierarchy: it labels nobody */
        if (!threadgroup)
                return 0; /* a thread is under its process's */
        if (!va_unconfined(bpf_get_current_task_btf())) {
                index = va_enter();
                if (index != 0) {
                        s = va_scratch_at(index - 1);
                        if (!s)
                                return 0;
                        /* No hook could have kept it: varmord stays what it is, and somebody should look. */
                        if (va_is_self(task))
                                va_refuse(s, VA_OP_MOVE, VA_REASON_BASE | VA_NOTE, 0);
                        va_release(s);
                        return 0;
                }
        }
        leader = task->group_leader;
        if (!leader)
                return 0;
        /* systemd moves what it starts twice, once from outside, and that may be late: it is no news then, and what the process
         * became by its exec must not be forgotten. */
        id = bpf_task_storage_get(&va_tasks, leader, 0, 0);
        if (id && id->home == BPF_CORE_READ(dst, kn, id))
                return 0;
        bpf_task_storage_delete(&va_tasks, leader);
        if (!va_find_label(va_address(dst), &f) || f.cover.n == 0)
                return 0;
        if (va_is_launcher((__u64)BPF_CORE_READ(leader, mm, exe_file)))
                return 0;
        index = va_claim();
        s = va_scratch_at(index);
        if (!s)
                return 0; /* the cgroup goes on deciding */
        va_begin(&s->id, &f, BPF_CORE_READ(dst, kn, id), va_state.epoch);
        bpf_task_storage_get(&va_tasks, leader, &s->id, BPF_LOCAL_STORAGE_GET_F_CREATE);
        va_release(s);
        return 0;
}
