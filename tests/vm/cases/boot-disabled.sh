#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-append: varmor.disable
# vm-takes: 25
#
# The way out: with varmor.disable on the kernel's command line nothing is started and nothing is enforced.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

mkdir -p /srv/boot && echo secret >/srv/boot/key
policy boot <<T
bpfRawRules: {files: [{pattern: /srv/boot/key, permissions: [r], qualifiers: [deny]}]}
T
expect booted varmor.disable grep -o varmor.disable /proc/cmdline
expect free ok attempt -c system.slice/boot.service read /srv/boot/key
expect no-pins "" find /sys/fs/bpf -name '*varmor*'
systemctl start varmord.service 2>/dev/null
fails reload varmorctl reload
expect still-free ok attempt -c system.slice/boot.service read /srv/boot/key
expect still-no-pins "" find /sys/fs/bpf -name '*varmor*'
expect no-programs 0 jq '[.[] | select(.name // "" | startswith("va_"))] | length' <(bpftool -j prog show)
says told 'disable' bash -c 'varmorctl status; journalctl -q -b -u varmord.service; systemctl status varmord.service'
expect system-is-up 0 echo "$(systemctl list-units --failed --no-legend | wc -l)"
done_testing
