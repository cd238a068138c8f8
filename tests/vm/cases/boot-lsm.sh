#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-append: lsm=landlock,lockdown,yama,apparmor
# vm-takes: 25
#
# A kernel without the BPF LSM: AppArmor and seccomp enforce their part, and what is missing is said everywhere.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/lacking.sh

lacking bpf
done_testing
