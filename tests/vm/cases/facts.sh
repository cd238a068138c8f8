#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 80
#
# Rules about what a host has: its disks, also one that comes while the policy is in force and whatever its device file is called,
# and its API server, as the node's kubeconfig says it. And `varmorctl rules`, by which a person learns of them.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

printf 'alarms: {window: 1}\n' >/etc/varmor/varmor.yaml
t=/srv/facts
mkdir -p $t/m /etc/varmor/rules.d
modprobe loop
disk=$(stat -c %Hr:%Lr /dev/vda)
mknod $t/disk b "${disk%:*}" "${disk#*:}"
mknod $t/hot b 7 3
mknod $t/null c 1 3
mkdir -p $t/dev && mknod $t/dev/other b 7 4
# A disk image with one partition, the blocks 8 to 15.
truncate -s 8M $t/image $t/image2
printf '\x00\x00\x00\x00\x83\x00\x00\x00\x08\x00\x00\x00\x08\x00\x00\x00' | dd of=$t/image bs=1 seek=446 conv=notrunc status=none
printf '\x55\xaa' | dd of=$t/image bs=1 seek=510 conv=notrunc status=none
[ -b /dev/loop3 ] || mknod /dev/loop3 b 7 3
[ -b /dev/loop4 ] || mknod /dev/loop4 b 7 4

own="newns ; private"
cat >"$scratch/disk" <<T
read | ok | EACCES@open | | open /dev/vda r | disallow-debug-disk-device open /dev/vda
write | ok | EACCES@open | | open /dev/vda w | disallow-debug-disk-device open /dev/vda
read-elsewhere | ok | EACCES@open | | open $t/disk r | disallow-debug-disk-device open $t/disk
write-elsewhere | ok | EACCES@open | | open $t/disk w | disallow-debug-disk-device open $t/disk
null | ok | ok | | stat $t/disk ; open $t/null rw ; open /dev/null rw | none null
neighbour | ok | ok | | open $t/image r ; open $t/file wc ; open /dev/zero r ; open /dev/loop4 r ; open $t/dev/other r | none loop4
mount | ok | EACCES@mount | | $own ; mount ext4 /dev/vda $t/m | disallow-mount-disk-device mount /dev/vda
mount-new-api | ok | EACCES@fsmount | | $own ; fsmount ext4 /dev/vda ; movemount $t/m | disallow-mount-disk-device mount /dev/block/$disk
mount-new-api-elsewhere | ok | EACCES@fsmount | | $own ; fsmount ext4 $t/disk ; movemount $t/m | disallow-mount-disk-device mount /dev/block/$disk
mount-neighbour | ok | ok | | $own ; mount tmpfs none $t/m ; umount $t/m ; fsmount tmpfs ; movemount $t/m | none tmpfs
T
# By mount(2) it is what it is called, and what nobody knows the contents of is refused to whoever is denied anything.
cat >"$scratch/elsewhere" <<T
mount-elsewhere | ok | EACCES@mount | | $own ; mount ext4 $t/disk $t/m | -
T
cat >"$scratch/hot" <<T
read | ok | EACCES@open | | open /dev/loop3 r | disallow-debug-disk-device open /dev/loop3
read-elsewhere | ok | EACCES@open | | open $t/hot r | disallow-debug-disk-device open $t/hot
partition | ok | EACCES@open | | open /dev/loop3p1 r | disallow-debug-disk-device open /dev/loop3p1
neighbour | ok | ok | | open /dev/loop4 r ; open $t/image r | none loop4
T
cat >"$scratch/gone" <<T
read | ok | ok | | open /dev/loop3 r ; open $t/hot r |
T
cat >"$scratch/trial" <<T
read | ok | ok | | open /dev/vda r | disallow-debug-disk-device open /dev/vda
read-elsewhere | ok | ok | | open $t/disk r | disallow-debug-disk-device open $t/disk
mount | ok | ok | | $own ; mount ext4 /dev/vda $t/m | disallow-mount-disk-device mount /dev/vda
mount-elsewhere | ok | ok | | $own ; mount ext4 $t/disk $t/m | disallow-mount-disk-device mount /dev/block/$disk
T
cat >"$scratch/aa" <<T
read | ok | EACCES@open | | open /dev/vda r | disallow-debug-disk-device open /dev/vda
hot | ok | EACCES@open | | open /dev/loop3 r | disallow-debug-disk-device open /dev/loop3
mount | ok | EACCES@mount | | $own ; mount ext4 /dev/vda $t/m | disallow-mount-disk-device mount *
neighbour | ok | ok | | open /dev/loop4 r ; open /dev/null rw |
T
is_covered() { varmorctl show "$1" | grep -q "$2"; }
is_free() { ! is_covered "$@"; }
losetup -P /dev/loop3 $t/image
until_true 10 test -b /dev/loop3p1
for table in disk elsewhere hot trial aa; do without "$scratch/$table"; done
losetup -d /dev/loop3
until_true 10 test ! -b /dev/loop3p1

# --- disks ------------------------------------------------------------------------------------------------------------------
echo "hardeningRules: [disallow-debug-disk-device, Disallow_Mount_Disk_Device]" | policy disks
printf 'allowViolations: true\nauditViolations: true\nhardeningRules: [disallow-debug-disk-device, disallow-mount-disk-device]\n' | policy trial
echo "hardeningRules: [disallow-debug-disk-device, disallow-mount-disk-device]" | enforcer=AppArmor policy aa
reload reload
says names-its-disks '/dev/block/0:0, /dev/block/[0-9:]+, /dev/vda' varmorctl show disks
with "$scratch/disk" system.slice/disks.service
alarms_in "$scratch/disk" disks.service disks
each_once disk disks.service
with "$scratch/elsewhere" system.slice/disks.service elsewhere
each_once elsewhere disks.service
with "$scratch/trial" system.slice/trial.service trial
alarms_in "$scratch/trial" trial.service trial AUDIT
# One for each, and for each mount another: nobody knows what comes to have a second name.
each_once trial trial.service AUDIT 7

# A disk comes while the policies are in force: nobody reloads anything.
expect before-it-comes ok attempt -c system.slice/disks.service open /dev/loop3 r
losetup -P /dev/loop3 $t/image
succeeds hot/covered until_true 20 is_covered disks /dev/loop3p1
succeeds hot/covered-by-apparmor until_true 20 is_covered aa /dev/loop3p1
with "$scratch/hot" system.slice/disks.service hot
alarms_in "$scratch/hot" disks.service disks
each_once hot disks.service
with "$scratch/aa" system.slice/aa.service aa varmor.aa
alarms_in "$scratch/aa" aa.service aa
losetup -d /dev/loop3
succeeds gone/free until_true 20 is_free disks /dev/loop3
with "$scratch/gone" system.slice/disks.service gone
# Many notices are few loads.
n_loads() { journalctl -q -b -u varmord.service -o cat | grep -c 'Policy disks is in force'; }
before=$(n_loads)
for i in {1..10}; do
        until_true 5 losetup /dev/loop4 $t/image2
        [ "$i" = 10 ] || losetup -d /dev/loop4
done
succeeds burst/covered until_true 20 is_covered disks /dev/loop4
loads=$(($(n_loads) - before))
comment "19 changes of disks: $loads loads"
succeeds burst/few-loads test $loads -ge 1 -a $loads -le 8
expect burst/denied EACCES@open attempt -c system.slice/disks.service open $t/dev/other r
losetup -d /dev/loop4

# --- the API server -----------------------------------------------------------------------------------------------------------
echo "attackProtectionRules: [{rules: [block-access-to-kube-apiserver]}]" | policy kube
succeeds kube/not-found until_true 20 is_covered kube 'addresses are not configured'
mkdir -p /etc/kubernetes
kubeconfig() { # SERVER
        printf 'apiVersion: v1\nclusters: [{name: k, cluster: {server: "%s"}}]\nusers: [{user: {token: geheim}}]\n' "$1" >/etc/kubernetes/kubelet.conf
}
warned() { varmorctl status >"$scratch/status"; grep -q 'kubelet.conf.*damaged' "$scratch/status"; }
kubeconfig https://127.0.0.1:6443
succeeds kube/found until_true 20 is_covered kube '127.0.0.1/32 ports 6443'
expect kube/denied EACCES@dial attempt -c system.slice/kube.service dial tcp 127.0.0.1:6443
expect kube/neighbour ECONNREFUSED@dial attempt -c system.slice/kube.service dial tcp 127.0.0.1:6444
kubeconfig 'https://[::1]:6444'
succeeds kube/moved until_true 20 is_covered kube '::1/128 ports 6444'
expect kube/old-is-free ECONNREFUSED@dial attempt -c system.slice/kube.service dial tcp 127.0.0.1:6443
kubeconfig https://api.example:6443
succeeds kube/named until_true 20 is_covered kube 'https://api.example:6443'
printf 'clusters: [{geheim' >/etc/kubernetes/kubelet.conf
succeeds kube/damaged until_true 20 warned
fails kube/keeps-secrets grep -q geheim "$scratch/status"

# --- varmorctl rules ----------------------------------------------------------------------------------------------------------
cat >/etc/varmor/rules.d/own.yaml <<T
rules:
- id: own-rule
  category: hardening
  description: One of our own.
  ops: {files: [{pattern: /srv/own, permissions: [read]}]}
T
unpolicy kube
reload
says rules/list '^disallow-debug-disk-device +hardening +AppArmor BPF +Deny reading' varmorctl rules
says rules/own '^own-rule +hardening +AppArmor BPF +One of our own' varmorctl rules
says rules/explained '/dev/block/0:0, /dev/block/[0-9:]+, /dev/vda' varmorctl rules DISALLOW_DEBUG_DISK_DEVICE
says rules/note 'does not see through others that mknod' sh -c "varmorctl rules disallow-debug-disk-device | tr -s '\n ' ' '"
says rules/alias '^disallow-load-bpf-prog' varmorctl rules disallow-load-ebpf
says rules/place 'own +/etc/varmor/rules.d/own.yaml:2' varmorctl rules own-rule
says rules/unknown 'did you mean "disallow-insmod"' varmorctl rules disallow-inmod
says rules/json '^disallow-insmod hardening' sh -c "varmorctl rules --json | jq -r '.[] | .id + \" \" + .category'"

done_testing
