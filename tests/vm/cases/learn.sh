#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 170
#
# nginx, redis and PostgreSQL are recorded, and go on under what was learned.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/daemons.sh
. /mnt/tests/lib/battery.sh
. /mnt/tests/lib/learn.sh

names=(nginx redis postgresql)
for name in "${names[@]}"; do "prepare_$name"; done
prepare_battery
record 90 "${names[@]}"
for name in "${names[@]}"; do round "$name"; done
comment "$SECONDS s"
done_testing
