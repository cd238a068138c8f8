#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-append: lsm=landlock,lockdown,yama,apparmor
#
# A kernel without the BPF LSM: varmord runs, enforces nothing, and says so everywhere.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

if grep -q bpf /sys/kernel/security/lsm; then
        skip all "this guest's LSM list has bpf: $(cat /sys/kernel/security/lsm)"
        done_testing
        exit
fi
mkdir -p /srv/boot && echo secret >/srv/boot/key
policy boot <<T
bpfRawRules: {files: [{pattern: /srv/boot/key, permissions: [r], qualifiers: [deny]}]}
T
expect service/active active systemctl show -P ActiveState varmord.service
fails reload varmorctl reload
varmorctl status >"$scratch/status"
expect status/exit-status 3 echo $?
says status/reason 'lsm|LSM' cat "$scratch/status"
says policy/state 'refused|degraded' policy_state boot
says bus/enforcer 'BPF. false .*(lsm|LSM)' busctl get-property org.varmor1 /org/varmor1 org.varmor1.Manager Enforcers
says journal 'lsm|LSM' journalctl -q -b -u varmord.service
expect free ok attempt -c system.slice/boot.service read /srv/boot/key
done_testing
