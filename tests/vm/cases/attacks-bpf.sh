#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 120
#
# The built-in rules against the attacks that they name, enforced by BPF.

. /mnt/tests/lib/check.sh
enforcer=BPF
. /mnt/tests/lib/attacks.sh
done_testing
