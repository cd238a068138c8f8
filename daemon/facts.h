/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Facts: what some rules need to know of the host, and nobody writes down: which disks it has, and where its API server is.
 * Found out at each load; facts-watch.h tells when it would be otherwise. */

#include <glib.h>

#include "diag.h"
#include "settings.h"

/* Device files of disks that are told one by one, and how many of them may be of character devices. Beyond them, rules about
 * the host's disks are about every block device, and about every character device with the major number of one beyond. */
#define FACTS_DEVICES_MAX 512U
#define FACTS_CHAR_DEVICES_MAX (FACTS_DEVICES_MAX / 2)
#define FACTS_KUBECONFIG_BYTES_MAX (1U << 20)

/* No device has this number. It stands for that of a file system that needs a device and does not say which: it might be a
 * disk's (enforcers/bpf/mounts.bpf.c). */
#define FACTS_DEVICE_UNKNOWN "/dev/block/0:0"

/** facts_disks() - the files of the host's disks, as patterns, sorted: /dev/NAME, and by their numbers /dev/block/MAJ:MIN and
 * /dev/char/MAJ:MIN. Disks are all block devices that have a medium, but not RAM disks (ram*): whole disks and partitions,
 * dm, md, and loop, nbd and zram where something is behind them. With them goes what else the kernel offers to reach the
 * same media: sg, bsg, NVMe's and MTD's character devices. Never empty, never NULL.
 * @root: prefix of /sys; NULL: none. */
char **facts_disks(const char *root);

/** facts_mount_sources() - @disks as sources of mounts: few patterns that stand for many, and not mixed, names or numbers. */
char **facts_mount_sources(char *const *disks);

/** facts_kubeconfigs() - where kubelets have their configuration, NULL-terminated; absolute paths. */
const char *const *facts_kubeconfigs(void);

/** facts_find() - look up what @s does not say: the disks; and, unless it is configured, the address of the API server, from
 * the node's kubeconfig. A damaged file is a warning. Nothing of a kubeconfig but addresses goes anywhere. */
void facts_find(const char *root, Settings *s, Diag *d);
