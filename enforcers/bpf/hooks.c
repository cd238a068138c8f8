/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hooks: the list of programs with what each is needed for; see hooks.h. tests/unit/test-hooks.c wants every program here. */

#include "hooks.h"

#include <stddef.h>
#include <string.h>

#define CORE VA_NEED_CORE
#define FILES VA_NEED_FILE

/* A program that guards varmord beside having rules of its own is needed for both. */
static const struct {
        const char *program;
        uint32_t needs;
} hooks[] = {
        /* cgroups.bpf.c, tasks.bpf.c: labels and identities */
        {"va_mkdir", CORE},
        {"va_rmdir", CORE},
        {"va_attach", CORE},
        {"va_task_alloc", CORE},
        {"va_exec_begin", CORE},
        {"va_exec_check", CORE},
        {"va_exec_end", CORE},

        /* files.bpf.c */
        {"va_file_open", FILES},
        {"va_receive", FILES},
        {"va_mmap", FILES},
        {"va_mmap_traced", FILES},
        {"va_mprotect", FILES},
        {"va_ioctl", FILES},
        {"va_ioctl_compat", FILES},
        {"va_setfl", FILES},

        /* names.bpf.c */
        {"va_path_mknod", FILES},
        {"va_path_mkdir", FILES},
        {"va_path_rmdir", FILES},
        {"va_path_unlink", FILES},
        {"va_path_symlink", FILES},
        {"va_path_link", FILES},
        {"va_path_rename", FILES},
        {"va_path_truncate", FILES},
        {"va_truncate", FILES},
        {"va_path_chmod", FILES},
        {"va_path_chown", FILES},
        {"va_setattr", FILES},
        {"va_setxattr", FILES},
        {"va_removexattr", FILES},
        {"va_set_acl", FILES},
        {"va_remove_acl", FILES},

        /* mounts.bpf.c: a mount is a second name */
        {"va_mount", FILES | VA_NEED_KIND(OP_MOUNT)},
        {"va_move_mount", FILES | VA_NEED_KIND(OP_MOUNT)},
        {"va_pivot_root", FILES | VA_NEED_KIND(OP_MOUNT)},
        {"va_umount", FILES | VA_NEED_KIND(OP_MOUNT)},
        {"va_remount", VA_NEED_KIND(OP_MOUNT)},
        {"va_disk_mount", VA_NEED_KIND(OP_MOUNT)},

        /* network.bpf.c: a socket in the file system is a file, too */
        {"va_connect", FILES | VA_NEED_KIND(OP_EGRESS)},
        {"va_send", FILES | VA_NEED_KIND(OP_EGRESS)},
        {"va_socket_connect", VA_NEED_KIND(OP_EGRESS)},
        {"va_sendmsg", VA_NEED_KIND(OP_EGRESS)},
        {"va_bind", VA_NEED_KIND(OP_INGRESS)},
        {"va_bind_file", VA_NEED_KIND(OP_INGRESS)},
        {"va_listen", VA_NEED_KIND(OP_INGRESS)},
        {"va_accept", VA_NEED_KIND(OP_INGRESS)},
        {"va_sctp", VA_NEED_KIND(OP_EGRESS) | VA_NEED_KIND(OP_INGRESS)},
        {"va_socket", VA_NEED_KIND(OP_SOCKET)},

        /* privileges.bpf.c */
        {"va_capable", VA_NEED_KIND(OP_CAPABILITY)},
        {"va_uring_creds", VA_NEED_KIND(OP_CAPABILITY)},
        {"va_userns", VA_NEED_KIND(OP_USERNS)},
        {"va_join_userns", VA_NEED_KIND(OP_USERNS)},

        /* named.bpf.c */
        {"va_make", VA_NEED_KIND(VA_KIND_NAMED)},
        {"va_userfaultfd", VA_NEED_KIND(VA_KIND_NAMED)},
        {"va_setsockopt", VA_NEED_KIND(VA_KIND_NAMED)},

        /* processes.bpf.c */
        {"va_kill", VA_NEED_KIND(OP_SIGNAL)},
        {"va_ptrace", VA_NEED_KIND(OP_PTRACE)},
        {"va_traceme", VA_NEED_KIND(OP_PTRACE)},
        {"va_fcntl", VA_NEED_KIND(OP_SIGNAL)},
        {"va_ioctl_owner", VA_NEED_KIND(OP_SIGNAL)},
        {"va_owner_compat", VA_NEED_KIND(OP_SIGNAL)},

        /* record.bpf.c */
        {"va_calls", VA_NEED_RECORD},
        {"va_filtered", VA_NEED_RECORD},

        /* audit.bpf.c */
        {"va_seccomp", VA_NEED_SECCOMP},
        {"va_lsm_audit", VA_NEED_APPARMOR},

        /* guard.bpf.c: base protection */
        {"va_bpf_map", FILES},
        {"va_bpf_prog", FILES},
        {"va_bpf", FILES | VA_NEED_KIND(OP_BPF)},
        {"va_guard_kill", FILES},
        {"va_sigio", FILES},
        {"va_guard_ptrace", FILES},
        {"va_setrlimit", FILES},
        {"va_setscheduler", FILES},
        {"va_setnice", FILES},
};

const char *hook_name(unsigned i)
{
        return i < sizeof(hooks) / sizeof(hooks[0]) ? hooks[i].program : NULL;
}

uint32_t hook_needs(const char *program)
{
        for (unsigned i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
                if (strcmp(hooks[i].program, program) == 0)
                        return hooks[i].needs;
        return VA_NEED_ANY;
}

uint32_t hook_needs_of_policy(const struct va_table *table)
{
        return VA_NEED_CORE | VA_NEED_FILE | (table->kinds & VA_KINDS_ALL) | (table->flags & VA_T_RECORD ? VA_NEED_RECORD : 0);
}
