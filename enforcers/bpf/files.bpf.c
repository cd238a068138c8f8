// SPDX-License-Identifier: GPL-2.0-only

/* Descriptors: how a process comes by one (open, receive), and what it maps of it. */

#include "state.bpf.h"

SEC("lsm/file_open")
int BPF_PROG(va_file_open, struct file *file, int ret)
{
        struct va_scratch *s;
        __u32 flags, want;
        int index, r;

        if (ret != 0)
                return ret;
        if (va_unconfined(bpf_get_current_task_btf()))
                return 0; /* allow: under no policy */
        index = va_enter();
        if (index == 0)
                return 0;
        s = va_scratch_at(index - 1);
        if (!s)
                return -EACCES;
        flags = file->f_flags;
        want = flags & 1 ? VA_WRITE : VA_READ;
        r = va_path(s, 0, (__u64)file->f_path.mnt, (__u64)file->f_path.dentry);
        if (r == 0)
                r = va_check(s, 0, VA_OP_OPEN, want);
        va_release(s);
        return va_verdict(r);
}
