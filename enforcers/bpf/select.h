/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Select: which programs this kernel gets, and where they will be attached. */

#include <stdbool.h>

struct varmor_bpf; /* varmor.skel.h */

/** select_programs() - leave out the programs for hooks that this kernel does not have (lsm/file_truncate came with 6.2), and for
 * functions that it was built without. @traced: those of hooks are to be attached behind the functions that call the hooks.
 * Before loading. Return: 0, a negative errno. */
int select_programs(struct varmor_bpf *skel, bool traced);
