#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 150
#
# sshd, cron and a container of podman are recorded, and go on under what was learned.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/daemons.sh
. /mnt/tests/lib/battery.sh
. /mnt/tests/lib/learn.sh

names=(sshd cron web-containers)
for name in "${names[@]}"; do "prepare_${name//-/_}"; done
# Nobody knows whether a minute is full while cron is recorded.
sed -i '/minutes/d' /etc/cron.d/case
rm -f /etc/systemd/system/systemd-logind.service
systemctl daemon-reload
systemctl start systemd-logind
prepare_battery
record 90 "${names[@]}"
for name in "${names[@]}"; do round "$name"; done
comment "$SECONDS s"
done_testing
