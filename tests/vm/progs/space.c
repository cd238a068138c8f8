/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt's operations that change what a path means: roots, mounts, mount namespaces. */

#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static int op_chroot(Hand *h, char **argv) {
        if (chroot(argv[1]) < 0)
                return -errno;
        return RET(chdir("/"));
}

/* chroot without going there: what is open or current stays outside. */
static int op_chrootonly(Hand *h, char **argv) { return RET(chroot(argv[1])); }

static int op_newns(Hand *h, char **argv) {
        return RET(unshare(CLONE_NEWNS));
}

static int op_private(Hand *h, char **argv) {
        return RET(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

static int op_newuser(Hand *h, char **argv) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return -errno;
        for (int i = 0; i < 3; i++) {
                static const char *const files[] = {"/proc/self/setgroups", "/proc/self/uid_map", "/proc/self/gid_map"};
                static const char *const texts[] = {"deny", "0 0 1", "0 0 1"};
                int fd = open(files[i], O_WRONLY | O_CLOEXEC);
                if (fd < 0)
                        return -errno;
                ssize_t n = write(fd, texts[i], strlen(texts[i]));
                int r = RET(n);
                close(fd);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int op_bind(Hand *h, char **argv) { return RET(mount(argv[1], argv[2], NULL, MS_BIND, NULL)); }
static int op_rbind(Hand *h, char **argv) { return RET(mount(argv[1], argv[2], NULL, MS_BIND | MS_REC, NULL)); }
static int op_move(Hand *h, char **argv) { return RET(mount(argv[1], argv[2], NULL, MS_MOVE, NULL)); }
static int op_umount(Hand *h, char **argv) { return RET(umount2(argv[1], 0)); }
static int op_detach(Hand *h, char **argv) { return RET(umount2(argv[1], MNT_DETACH)); }

static int op_mount(Hand *h, char **argv) {
        return RET(mount(argv[2], argv[3], argv[1], 0, argv[4]));
}

static int op_overlay(Hand *h, char **argv) {
        char options[8192];

        snprintf(options, sizeof(options), "lowerdir=%s:%s", argv[1], argv[2]);
        return RET(mount("overlay", argv[3], "overlay", 0, options));
}

static int op_opentree(Hand *h, char **argv) {
        unsigned recursive = argv[2] && strcmp(argv[2], "alone") == 0 ? 0 : AT_RECURSIVE;
        int fd = open_tree(AT_FDCWD, argv[1], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);

        if (fd < 0)
                return -errno;
        h->fd = fd;
        return 0;
}

static int op_movemount(Hand *h, char **argv) {
        return RET(move_mount(h->fd, "", AT_FDCWD, argv[1], MOVE_MOUNT_F_EMPTY_PATH));
}

static int op_movetree(Hand *h, char **argv) {
        return RET(move_mount(AT_FDCWD, argv[1], AT_FDCWD, argv[2], 0));
}

static int op_pivot(Hand *h, char **argv) {
        if (syscall(SYS_pivot_root, argv[1], argv[2]) < 0)
                return -errno;
        return RET(chdir("/"));
}

static int op_setns(Hand *h, char **argv) {
        char path[64];

        snprintf(path, sizeof(path), "/proc/%s/ns/mnt", argv[1]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        int r = RET(setns(fd, CLONE_NEWNS));
        close(fd);
        return r;
}

/* Mounts a file system by the new API: fsopen, fsconfig, fsmount; the mount is detached, and taken. */
static int op_fsmount(Hand *h, char **argv) {
        int context = fsopen(argv[1], FSOPEN_CLOEXEC);

        if (context < 0 || (argv[2] && fsconfig(context, FSCONFIG_SET_STRING, "source", argv[2], 0) < 0))
                return -errno;
        if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;
        h->fd = fsmount(context, FSMOUNT_CLOEXEC, 0);
        return RET(h->fd);
}

const Op space_ops[] = {
        {"chroot", 1, op_chroot, "DIR"},
        {"chrootonly", 1, op_chrootonly, "DIR: without going there"},
        {"newns", 0, op_newns, ": a mount namespace of its own"},
        {"private", 0, op_private, ": no propagation of mounts"},
        {"newuser", 0, op_newuser, ": a user and a mount namespace"},
        {"setns", 1, op_setns, "PID: its mount namespace"},
        {"bind", 2, op_bind, "FROM TO"},
        {"rbind", 2, op_rbind, "FROM TO"},
        {"move", 2, op_move, "FROM TO: a mount"},
        {"movetree", 2, op_movetree, "FROM TO: a mount, by move_mount"},
        {"mount", 3, op_mount, "TYPE SOURCE DIR [OPTIONS]"},
        {"umount", 1, op_umount, "DIR"},
        {"detach", 1, op_detach, "DIR: umount, lazily"},
        {"overlay", 3, op_overlay, "UPPERMOST LOWER DIR: read-only overlayfs"},
        {"opentree", 1, op_opentree, "PATH [alone]: take a detached clone of the mount and those below it, or of it alone"},
        {"movemount", 1, op_movemount, "DIR: put the mount taken there"},
        {"fsmount", 1, op_fsmount, "TYPE [SOURCE]: take a detached new mount"},
        {"pivot", 2, op_pivot, "ROOT OLD"},
        {NULL, 0, NULL, NULL},
};
