#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.1
# vm-append: lsm=landlock,lockdown,yama
#
# A kernel without AppArmor and without the BPF LSM: seccomp enforces its part, and what is missing is said everywhere.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/lacking.sh

lacking apparmor bpf
done_testing
