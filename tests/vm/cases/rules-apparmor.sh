#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 90
#
# The built-in rules about files and executables, enforced by AppArmor.

. /mnt/tests/lib/check.sh
enforcer=AppArmor
. /mnt/tests/lib/rules.sh
done_testing
