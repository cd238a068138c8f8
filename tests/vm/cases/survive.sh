#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 80
#
# Protection outlives the daemon, and does not blink when a policy is replaced.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/survive.sh
survive
done_testing
