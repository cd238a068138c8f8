#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1
# vm-append: preempt=full
# vm-takes: 100
#
# survive.sh on a kernel that may preempt everything; of the two, the one on which a program that is preempted is not run
# again meanwhile.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/survive.sh
survive
done_testing
