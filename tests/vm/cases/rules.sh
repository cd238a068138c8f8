#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-takes: 40
#
# The built-in rules about files and executables, enforced by BPF.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/rules.sh
done_testing
