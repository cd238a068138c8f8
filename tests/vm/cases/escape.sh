#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-takes: 25
#
# A root workload tries to get out: by cgroups, by varmord's process, its files, its pins, its maps, and over D-Bus. Nothing
# works, each attempt is an alarm, and whoever is not confined can do it all.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

cg=system.slice/escape.service
mkdir -p /srv/escape /sys/fs/cgroup/free.slice /mnt/case
echo secret | tee /srv/escape/key >/dev/null
cp $progs/hammer /srv/escape/tool
key=/srv/escape/key

# --- cgroups: who moves himself takes his policy along ---------------------------------------------------------------
cat >"$scratch/cgroups" <<T
stay | ok | EACCES@read | | read $key | files[0] open $key
enter-root | ok | EACCES@read | | enter / ; inside / ; read $key | files[0] open $key
enter-other | ok | EACCES@read | | enter free.slice ; inside /free.slice ; read $key |
enter-new | ok | EACCES@read | | dir /sys/fs/cgroup/free2 ; enter free2 ; inside /free2 ; read $key |
enter-below-itself | ok | EACCES@read | | dir /sys/fs/cgroup/$cg/sub ; enter $cg/sub ; read $key |
enter-and-execute | exit:2@exec | EACCES@exec | | enter free.slice ; exec /srv/escape/tool -h |
enter-and-execute-and-read | ok | exit:1@exec | | enter free.slice ; exec $progs/attempt read $key |
enter-and-fork | ok | EACCES@fork | | enter free.slice ; fork read $key |
enter-and-fork-twice | ok | EACCES@fork | | enter free.slice ; fork fork fork read $key |
enter-by-thread | ok | EACCES@read | | thread enter free.slice ; read $key |
enter-and-execute-by-thread | ok | exit:1@execthread | | enter free.slice ; execthread $progs/attempt read $key |
execute-by-thread-and-enter | ok | exit:1@execthread | | execthread $progs/attempt enterand free.slice read $key |
enter-and-come-back | ok | EACCES@read | | enter free.slice ; enter $cg ; read $key |
enter-unlabelled-child-of-free | ok | EACCES@cloneinto | | enter free.slice ; cloneinto free.slice read $key |
clone-into-root | ok | EACCES@cloneinto | | cloneinto / read $key |
clone-into-other | ok | EACCES@cloneinto | | cloneinto free.slice read $key |
clone-into-new | ok | EACCES@cloneinto | | cloneinto free3 read $key |
clone-and-execute | ok | exit:1@cloneinto | | cloneinto free.slice exec $progs/attempt read $key |
clone-and-clone | ok | EACCES@cloneinto | | cloneinto free.slice cloneinto / fork read $key |
cgroup-namespace-free | ok | ok | | enter free.slice ; read /etc/hostname |
user-namespace | ok | EACCES@read | | newuser ; read $key |
T
without "$scratch/cgroups"
policy escape <<T
bpfRawRules: {files: [{pattern: "/srv/escape/**", permissions: [r, w, x], qualifiers: [deny]}]}
T
reload reload || { done_testing; exit; }
with "$scratch/cgroups" $cg cgroups
alarms_in "$scratch/cgroups" escape.service escape

# Single threads, where a covered and an uncovered cgroup are parts of one threaded domain.
mkdir -p /sys/fs/cgroup/threads/{a,b}
echo threaded | tee /sys/fs/cgroup/threads/{a,b}/cgroup.type >/dev/null
cat >"$scratch/threads" <<T
thread-stays | ok | EACCES@read | | read $key | files[0] open $key
thread-leader-moves | ok | EACCES@read | | enterthread threads/b ; inside /threads/b ; read $key |
thread-other-moves | ok | EACCES@thread | | thread enterthen threads/b read $key |
thread-other-moves-leader-reads | ok | EACCES@read | | thread enterthread threads/b ; read $key |
thread-other-moves-and-executes | ok | exit:1@thread | | thread enterthen threads/b exec $progs/attempt read $key |
thread-other-moves-and-forks | ok | EACCES@thread | | thread enterthen threads/b fork read $key |
thread-neighbour | ok | ok | | thread enterthen threads/b read /etc/hostname |
T
verdicts without/ < <(attempt -c threads/a -f "$scratch/threads" -r without)
policy threads '{kind: Cgroup, name: /threads/a}' <<T
bpfRawRules: {files: [{pattern: "/srv/escape/**", permissions: [r, w, x], qualifiers: [deny]}]}
T
reload reload-threads
with "$scratch/threads" threads/a cgroups
expect threads/beside-is-free ok attempt -c threads/b read $key

# An unconfined mover releases: whoever may administer the host decides.
(attempt -c $cg await /run/case-moved ';' read $key >"$scratch/released") &
sleep 0.5
for pid in $(cat /sys/fs/cgroup/$cg/cgroup.procs); do echo "$pid" >/sys/fs/cgroup/free.slice/cgroup.procs; done
touch /run/case-moved
wait $!
expect released-by-others ok cat "$scratch/released"
# Pulled in by somebody unconfined, it is covered.
(attempt await /run/case-pulled ';' read $key >"$scratch/pulled") &
sleep 0.5
pid=$(pgrep -n -f 'await /run/case-pulled')
echo "$pid" >/sys/fs/cgroup/$cg/cgroup.procs
touch /run/case-pulled
wait $!
expect pulled-in EACCES@read cat "$scratch/pulled"

# --- the daemon's process, files, pins and objects -------------------------------------------------------------------
pid=$(main_pid)
pins=$(echo /sys/fs/bpf/varmor/v*)
map_pin=$(find /sys/fs/bpf/varmor -type f | grep -i -m 1 map || find /sys/fs/bpf/varmor -type f | head -n 1)
link_pin=$(find /sys/fs/bpf/varmor -type f | grep -i -m 1 link || find /sys/fs/bpf/varmor -type f | tail -n 1)
bpftool -j map show >"$scratch/maps"
bpftool -j prog show >"$scratch/progs"
bpftool -j link show >"$scratch/links"
map=$(jq '[.[] | select(.name // "" | startswith("va_")) | .id][0]' "$scratch/maps")
prog=$(jq '[.[] | select(.name // "" | startswith("va_")) | .id][0]' "$scratch/progs")
link=$(jq --argjson prog "$prog" '[.[] | select(.prog_id == $prog) | .id][0]' "$scratch/links")
[ -n "$link" ] && [ "$link" != null ] || link=$(jq '[.[] | select(.type == "tracing") | .id][0]' "$scratch/links")
comment "varmord $pid, pins below $pins, map $map, prog $prog, link $link"
cat >"$scratch/yaml" <<T
apiVersion: crd.varmor.org/v1beta1
T
varmord_cg=system.slice/varmord.service
cat >"$scratch/base" <<T
# --- its process
kill | ok | EPERM@kill | | kill $pid 18 | base-protection * *
kill-by-pidfd | ok | EPERM@pidfdkill | | pidfdkill $pid |
kill-by-group | ok | EPERM@kill | | kill -$pid 18 |
kill-probe | ok | ok,EPERM@kill | | kill $pid 0 |
ptrace | ok | EPERM@ptrace,EACCES@ptrace | | ptrace $pid | base-protection * *
ptrace-seize | ok | EPERM@seize,EACCES@seize | | seize $pid |
memory | ok | EACCES@procfile,EPERM@procfile | | procfile $pid mem rw |
memory-read | ok | EPERM@vmread,EACCES@vmread | | vmread $pid |
descriptors | ok | EACCES@procfile,EPERM@procfile | | procfile $pid fd/0 r |
descriptors-by-pidfd | ok | EPERM@getfd,EACCES@getfd | | getfd $pid 0 |
limits | ok | EPERM@prlimit,EACCES@prlimit | | prlimit $pid |
oom-score | ok | EACCES@write,EPERM@write | | write /proc/$pid/oom_score_adj -999 |
cgroup-kill | - | EACCES@write | | write /sys/fs/cgroup/$varmord_cg/cgroup.kill 1 | base-protection * *
cgroup-freeze | ok | EACCES@write | | write /sys/fs/cgroup/$varmord_cg/cgroup.freeze 0 | base-protection * *
cgroup-limit | ok | EACCES@write | | write /sys/fs/cgroup/$varmord_cg/cgroup.max.descendants max |
# Kernels differ in whether a hook can keep it; it stays varmord, wherever it is, and the alarm says so.
cgroup-move-it | - | EPERM@enter,ok | | enter free.slice $pid | -
cgroup-move-into | - | EACCES@enter | | enter $varmord_cg |
# --- its files
etc-write | ok | EACCES@open | | open /etc/varmor/policies.d/escape.yaml w | base-protection open /etc/varmor/policies.d/escape.yaml
etc-append | ok | EACCES@open | | open /etc/varmor/policies.d/escape.yaml a |
etc-read-is-free | ok | ok | | read /etc/varmor/policies.d/escape.yaml |
etc-create | - | EACCES@open | | open /etc/varmor/policies.d/zz.yaml wc | base-protection * /etc/varmor/policies.d/zz.yaml
etc-unlink | - | EACCES@unlink | | unlink /etc/varmor/policies.d/escape.yaml |
etc-rename | - | EACCES@rename | | rename /etc/varmor/policies.d/escape.yaml /etc/varmor/policies.d/escape.off |
etc-rename-in | - | EACCES@rename | put /srv/zz.yaml | rename /srv/zz.yaml /etc/varmor/policies.d/escape.yaml |
etc-link-in | - | EACCES@link | put /srv/zz.yaml | link /srv/zz.yaml /etc/varmor/policies.d/zz.yaml |
etc-symlink | - | EACCES@symlink | | symlink /dev/null /etc/varmor/policies.d/zz.yaml | base-protection symlink /etc/varmor/policies.d/zz.yaml
etc-directory | - | EACCES@rename | | rename /etc/varmor /etc/varmor.off |
etc-parent | - | EACCES@rename | | rename /etc /etc.off |
etc-fragment | - | EACCES@mkdir | | mkdir /etc/varmor/policies.d/escape.yaml.d |
etc-mask | - | EACCES@mkdir,EACCES@open | | mkdir /run/varmor/policies.d ; open /run/varmor/policies.d/escape.yaml wc |
etc-run-create | - | EACCES@open | | open /run/varmor/zz wc |
etc-settings | - | EACCES@open | | open /etc/varmor/varmor.yaml wc |
etc-bind-over | - | EACCES@bind | | newns ; private ; bind /tmp /etc/varmor |
etc-write-by-root | ok | EACCES@open | | open /proc/self/root/etc/varmor/policies.d/escape.yaml w |
etc-write-in-chroot | ok | EACCES@open | | chroot /etc ; open /varmor/policies.d/escape.yaml w |
unit-drop-in | - | EACCES@mkdir,EACCES@open | | mkdir /etc/systemd/system/varmord.service.d ; open /etc/systemd/system/varmord.service.d/x.conf wc |
unit-drop-in-run | - | EACCES@mkdir,EACCES@open | | mkdir /run/systemd/system/varmord.service.d ; open /run/systemd/system/varmord.service.d/x.conf wc |
unit-mask | - | EACCES@symlink | | symlink /dev/null /etc/systemd/system/varmord.service |
program | ok | EACCES@open | | open /usr/lib/varmor/rules.d/zz.yaml wc ; unlink /usr/lib/varmor/rules.d/zz.yaml |
etc-neighbour | ok | ok | | open /etc/hostname w ; put /etc/case-file ; unlink /etc/case-file |
# --- its pins
pin-unlink | - | EACCES@unlink | | unlink $link_pin | base-protection unlink $link_pin
pin-rename | - | EACCES@rename | | rename $pins /sys/fs/bpf/varmor/old |
pin-directory | - | EACCES@rename | | rename /sys/fs/bpf/varmor /sys/fs/bpf/other |
pin-umount | - | EACCES@detach,EPERM@detach | | detach /sys/fs/bpf | base-protection * *
pin-umount-in-namespace | - | EACCES@detach,EPERM@detach | | newns ; private ; detach /sys/fs/bpf |
pin-mount-over | - | EACCES@mount,EPERM@mount | | newns ; private ; mount tmpfs none /sys/fs/bpf |
pin-bind-away | - | EACCES@bind,EPERM@bind | | newns ; private ; bind /sys/fs/bpf /mnt/case ; unlink /mnt/case/${link_pin#/sys/fs/bpf/} |
pin-get-map | ok | EPERM@bpfget,EACCES@bpfget | | bpfget $map_pin | base-protection * *
pin-get-link | ok | EPERM@bpfget,EACCES@bpfget | | bpfget $link_pin |
# --- its objects by their ids
map-by-id | ok | EPERM@bpfmap,EACCES@bpfmap | | bpfmap $map | base-protection * *
map-keys | any | EPERM@bpffirst,EACCES@bpffirst | | bpffirst $map |
prog-by-id | ok | EPERM@bpfprog,EACCES@bpfprog | | bpfprog $prog |
link-by-id | ok | EPERM@bpflink,EACCES@bpflink | | bpflink $link |
link-detach | - | EPERM@bpfdetach,EACCES@bpfdetach | | bpfdetach $link | base-protection * *
link-detach-moved | - | EPERM@fork,EACCES@fork | | enter free.slice ; fork bpfdetach $link |
bpf-own-map-is-free | ok | ok | | bpfcreate |
T
without "$scratch/base"
since_base=${EPOCHREALTIME/./}
with "$scratch/base" $cg base
since=$since_base
alarms_in "$scratch/base" escape.service escape
fails base/renice attempt -c $cg become renice -n 1 -p "$pid"
fails base/scheduling attempt -c $cg become chrt -b -p 0 "$pid"
says base/control-alarm 'base-protection.control' alarms -s "$since" -u escape.service
succeeds base/renice-unconfined renice -n 0 -p "$pid"
succeeds base/scheduling-unconfined chrt -o -p 0 "$pid"
says base/moved-alarm 'base-protection.(move|control)' alarms -s "$since" -u escape.service
echo "$pid" >/sys/fs/cgroup/$varmord_cg/cgroup.procs
expect base/varmord-unharmed "$pid" main_pid
expect base/still-confined EACCES@read attempt -c $cg read $key

# --- D-Bus: whoever is confined changes nothing, whatever polkit says ------------------------------------------------
bus=(busctl call org.varmor1 /org/varmor1 org.varmor1.Manager)
succeeds dbus/unconfined-reload "${bus[@]}" Reload
says dbus/reload 'under a policy' attempt -c $cg become "${bus[@]}" Reload
says dbus/set-mode 'under a policy' attempt -c $cg become "${bus[@]}" SetMode ssa\{sv\} escape AlwaysAllow 0
says dbus/reset-mode 'under a policy' attempt -c $cg become "${bus[@]}" ResetMode sa\{sv\} escape 0
says dbus/policy-object 'under a policy' attempt -c $cg become busctl call org.varmor1 /org/varmor1/policy/escape org.varmor1.Policy AlwaysAllow a\{sv\} 0
says dbus/moved 'under a policy' attempt -c $cg enter free.slice ';' become "${bus[@]}" Reload
says dbus/varmorctl 'under a policy' attempt -c $cg become varmorctl mode escape AlwaysAllow
says dbus/status-is-free escape attempt -c $cg become "${bus[@]}" ListPolicies
sleep 1
says dbus/alarm 'DENIED.escape.base-protection.dbus' alarms -s "$since" -u escape.service
expect dbus/still-confined EACCES@read attempt -c $cg read $key
# systemd can be asked by any root to stop it; what that does not do is to lift the rules.
systemctl stop varmord.service
expect stopped/still-confined EACCES@read attempt -c $cg read $key
fails stopped/pin-stays attempt -c $cg unlink "$link_pin"
systemctl start varmord.service
until_true 30 varmord_is_up

# --- other hierarchies: they forge no label and delete none ----------------------------------------------------------
mkdir -p /mnt/v1
if mount -t cgroup -o none,name=forged none /mnt/v1; then
        line=$(starter -n 1 -t 'system.slice/escape.service/deep%d' $key /etc/hostname)
        says hierarchy/before 'denied=1' echo "$line"
        # The same paths, made and removed again: ids of that hierarchy are a space of their own.
        for round in 1 2 3; do
                mkdir -p /mnt/v1/$cg /mnt/v1/system.slice/free.service
                for n in {1..40}; do mkdir /mnt/v1/$cg/$n && rmdir /mnt/v1/$cg/$n; done
                expect hierarchy/label-stays-$round EACCES@read attempt -c $cg read $key
                expect hierarchy/none-forged-$round ok attempt -c system.slice/free.service read $key
                expect hierarchy/root-not-forged-$round ok attempt read $key
                rmdir /mnt/v1/$cg /mnt/v1/system.slice/free.service /mnt/v1/system.slice
                expect hierarchy/label-not-deleted-$round EACCES@read attempt -c $cg read $key
        done
        # Moving in the other hierarchy changes nothing.
        mkdir -p /mnt/v1/out
        echo $$ >/mnt/v1/out/cgroup.procs
        expect hierarchy/child-of-mover EACCES@read attempt -c $cg write /mnt/v1/out/cgroup.procs 0 ';' read $key
        echo $$ >/mnt/v1/cgroup.procs
        umount /mnt/v1
else
        skip hierarchy "this kernel has no v1 hierarchies"
fi
done_testing
