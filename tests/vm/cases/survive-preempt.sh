#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-append: preempt=full
# vm-timeout: 500
#
# survive.sh on a kernel that may preempt everything.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/survive.sh
survive
done_testing
