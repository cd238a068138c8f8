#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-fresh: yes
# vm-takes: 70
#
# varmord at boot, the hardening of its unit, and how it is removed.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

mkdir -p /srv/boot && echo secret >/srv/boot/key
expect service/active active systemctl show -P ActiveState varmord.service
expect service/type notify systemctl show -P Type varmord.service
expect service/enabled enabled systemctl is-enabled varmord.service
succeeds service/watchdog [ "$(systemctl show -P WatchdogUSec varmord.service)" != 0 ]
succeeds service/verify systemd-analyze verify --man=no varmord.service
says service/security 'varmord.service' systemd-analyze security --no-pager varmord.service
comment "$(systemd-analyze security --no-pager varmord.service 2>/dev/null | tail -n 1)"
# What tells that somebody renames or mounts while a path is being written down: without its address, nothing would.
address() { sed -n "s/^\([0-9a-f]*\) . $1\$/0x\1/p" /proc/kallsyms; }
bpftool prog dump xlated name va_file_open >"$scratch/program"
says service/knows-renames "= $(address rename_lock)" cat "$scratch/program"
says service/knows-mounts "= $(address mount_lock)" cat "$scratch/program"
# Early: before the services that it protects, which basic.target stands for, and before the bus.
says service/early 'basic.target|sysinit.target' systemctl show -P Before varmord.service
varmord_usec=$(systemctl show -P ActiveEnterTimestampMonotonic varmord.service)
succeeds service/was-early [ "$varmord_usec" -lt "$(systemctl show -P ActiveEnterTimestampMonotonic multi-user.target)" ]
succeeds service/before-basic [ "$varmord_usec" -le "$(systemctl show -P ActiveEnterTimestampMonotonic basic.target)" ]

# A policy that is there when varmord starts is in force when the start is over: this is what boot is.
policy boot <<T
bpfRawRules: {files: [{pattern: /srv/boot/key, permissions: [r], qualifiers: [deny]}]}
T
systemctl stop varmord.service
cat >/run/systemd/system/boot.service <<T
[Unit]
After=varmord.service
Wants=varmord.service
[Service]
Type=oneshot
ExecStart=$progs/attempt read /srv/boot/key
StandardOutput=file:/run/boot-result
T
systemctl daemon-reload
expect start/without ok attempt -c system.slice/before.service read /srv/boot/key
systemctl start boot.service
expect start/ordered-after EACCES@read cat /run/boot-result
until_true 30 varmord_is_up
expect start/state active policy_state boot

# --- what systemctl and the bus can ask of it --------------------------------------------------------------------------
denied() { # NAME
        expect "$1" EACCES@read attempt -c system.slice/boot.service read /srv/boot/key
}
says bus/activatable org.varmor1 busctl list --activatable
systemctl stop varmord.service
expect stop/inactive inactive systemctl show -P ActiveState varmord.service
denied stop/still-denied
says bus/activates boot busctl --timeout=120 call org.varmor1 /org/varmor1 org.varmor1.Manager ListPolicies
# It answers before it is ready, which it is when the policies are in force.
succeeds bus/activated until_true 60 systemctl is-active -q varmord.service
pid=$(main_pid)
succeeds reload/systemctl systemctl reload varmord.service
expect reload/same-process "$pid" main_pid
echo 'nonsense: here' >$policies/broken.yaml
fails reload/refused systemctl reload varmord.service
expect reload/refused-runs-on "$pid" main_pid
says reload/refused-told 'broken.yaml:1:1:' journalctl -q -b -u varmord.service
denied reload/refused-still-denied
succeeds restart/with-a-broken-file systemctl restart varmord.service
denied restart/still-denied
expect restart/state active policy_state boot
fails restart/status varmorctl status
unpolicy broken
reload reload
fails restart/new-process [ "$(main_pid)" = "$pid" ]
signal_varmord HUP
until_true 20 varmord_is_up
expect hangup/state active policy_state boot

# A daemon that hangs is ended by systemd, and the one after it takes over.
mkdir -p /run/systemd/system/varmord.service.d
printf '[Service]\nWatchdogSec=4s\n' >/run/systemd/system/varmord.service.d/case.conf
systemctl daemon-reload
systemctl restart varmord.service
pid=$(main_pid)
sleep 6
expect watchdog/fed "$pid" main_pid
signal_varmord STOP
succeeds watchdog/ends-it until_true 60 [ ! -d "/proc/$pid" ]
denied watchdog/still-denied
succeeds watchdog/started-again until_true 60 varmord_is_up
says watchdog/told 'atchdog timeout' journalctl -q -b -u varmord.service
rm -r /run/systemd/system/varmord.service.d
systemctl daemon-reload
systemctl restart varmord.service
until_true 60 varmord_is_up

# --- removal ---------------------------------------------------------------------------------------------------------
fails remove/not-while-it-runs varmord --remove
expect remove/still-denied EACCES@read attempt -c system.slice/boot.service read /srv/boot/key
systemctl stop varmord.service
expect remove/stopped-still-denied EACCES@read attempt -c system.slice/boot.service read /srv/boot/key
succeeds remove/removes varmord --remove
expect remove/free ok attempt -c system.slice/boot.service read /srv/boot/key
expect remove/no-pins "" find /sys/fs/bpf -name '*varmor*'
sleep 1 # the kernel frees programs a grace period later
expect remove/no-programs 0 jq '[.[] | select(.name // "" | startswith("va_"))] | length' <(bpftool -j prog show)
succeeds remove/twice varmord --remove
systemctl start varmord.service
until_true 30 varmord_is_up
expect remove/start-again EACCES@read attempt -c system.slice/boot.service read /srv/boot/key
# Two daemons refuse each other.
fails second/refused timeout 20 varmord
expect second/first-unharmed EACCES@read attempt -c system.slice/boot.service read /srv/boot/key
done_testing
