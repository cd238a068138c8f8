#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 35
#
# What a recording must not pass over in silence: a system call that is newer than libseccomp has the name that filters know it by, one
# of the ABI for 32 bits, which no model can hold, is lost, and counted; so is what has more names than can be looked at, which is not denied;
# and a varmord that is stopped alone does not say that it has all.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

for name in new narrow named; do
        cat >"$policies/$name.yaml" <<T
apiVersion: crd.varmor.org/v1beta1
kind: VarmorClusterPolicy
metadata: {name: $name}
spec:
  target: {kind: Service, name: $name.service}
  policy: {enforcer: BPF, mode: BehaviorModeling, modelingOptions: {duration: 60}}
T
done
reload record-silence/reload
written() { grep -o "$2" "/var/lib/varmor/recordings/$1"; }

systemd-run -q --wait --unit=new perl -e 'syscall(457, 0, 0, 0, 0)'
succeeds record-silence/newer-is-written until_true 20 written new '"name": "statmount"'
expect record-silence/newer-is-not-lost "" written new '"counted".*'

systemd-run -q --wait --unit=narrow "$progs/attempt" call32 chmod /etc/hostname 0644
succeeds record-silence/narrow-is-counted until_true 20 written narrow '"counted": {"syscall": 1}'

mkdir -p "$scratch/there"
touch "$scratch/there/file"
for n in {1..40}; do
        mkdir -p "/run/many/$n"
        mount --bind "$scratch/there" "/run/many/$n"
done
succeeds record-silence/many-names-are-not-denied systemd-run -q --wait --unit=named touch -d 2001-01-01 /run/many/7/file
succeeds record-silence/many-names-are-counted until_true 20 written named '"counted": {"file": [0-9]*}'

succeeds record-silence/stopped systemctl stop varmord
expect record-silence/not-whole "" written new '"paused"'
done_testing
