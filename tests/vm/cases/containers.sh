#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 150
#
# Containers of podman and of systemd-nspawn start, work and stop under rules like those that container engines have by
# default. The runtimes, which set a container up inside its cgroup, are not in their way; the workload is denied what the
# rules forbid, also where the runtime would permit it; and a runtime that the workload executes is the workload.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

machine=/var/lib/machines/case
share=/srv/share
mkdir -p $share /etc/varmor-case /run/systemd/system
cp -a /var/lib/machines/bb $machine
cp $progs/attempt $progs/preload.so $machine/bin/
mkdir -p $machine/etc/case $machine/srv/lower/full/deep $machine/share $machine/scratch
install -D -o 1000 -m 600 /etc/passwd $machine/srv/locked/file
chmod 700 $machine/srv/locked && chown 1000 $machine/srv/locked
echo secret | tee $machine/etc/case/key $machine/srv/lower/secret >/etc/varmor-case/key
for name in append write truncate chmod chown utimes xattr unlink rename link exchange full/file full/deep/file; do
        echo lower >"$machine/srv/lower/$name"
done
cp $machine/bin/attempt $machine/srv/lower/tool
ln -s /proc/self/exe $machine/bin/self
# So that the runtime's own program can run inside.
for name in $(ldd /usr/bin/crun | grep -o '/[^ ]*'); do install -D "$name" "$machine$name"; done
# What a container does that can be told to stop.
cat >$machine/bin/serve <<'T'
#!/bin/sh
trap 'echo stopped; exit 0' TERM
echo served >>/srv/log
echo started
while :; do sleep 0.1; done
T
chmod 755 $machine/bin/serve

tar -C $machine -cf /run/case.tar .
succeeds image/import podman import -q /run/case.tar case
rm /run/case.tar

run() { # ARGUMENT...: a container that goes when it ends; its unit is in $unit
        rm -f "$scratch/cid"
        podman run --rm --network=none --cidfile="$scratch/cid" -v $share:/share "$@"
}
unit_of_last() {
        echo "libpod-$(cat "$scratch/cid").scope"
}
# inside COLUMN TABLE PREFIX ARGUMENT...: the table in a container that podman runs with the arguments.
inside() {
        cp "$2" $share/table
        verdicts "$3/" < <(run "${@:4}" case attempt -f /share/table -r "$1" 2>&1)
}

# ---- what engines forbid ---------------------------------------------------------------------------------------------

# As AppArmor's docker-default says it, and one file of the image.
defaults='bpfRawRules:
  files:
  - {pattern: "/proc/*", permissions: [w], qualifiers: [deny]}
  - {pattern: "/proc/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}/**", permissions: [w], qualifiers: [deny]}
  - {pattern: "/proc/sys/[^k]**", permissions: [w], qualifiers: [deny]}
  - {pattern: "/proc/sys/kernel/{?,??,[^s][^h][^m]**}", permissions: [w], qualifiers: [deny]}
  - {pattern: "/proc/{sysrq-trigger,kcore}", permissions: ["*"], qualifiers: [deny]}
  - {pattern: "/sys/{[^f]*,f[^s]*}/**", permissions: [w], qualifiers: [deny]}
  - {pattern: "/sys/fs/{[^c]*,c[^g]*,cg[^r]*}/**", permissions: [w], qualifiers: [deny]}
  - {pattern: "/sys/{firmware,devices/virtual/powercap,kernel/security}/**", permissions: ["*"], qualifiers: [deny]}
  - {pattern: "/{etc/case,srv/lower/secret}/**", permissions: [r, w], qualifiers: [deny]}
  mounts:
  - {sourcePattern: "**", fstype: "*", flags: [mount, bind, rbind, move, remount, umount], qualifiers: [deny]}
  ptrace: {strictMode: false, permissions: [trace, read], qualifiers: [deny]}
hardeningRules: [disable-cap-privileged]'

cat >"$scratch/forbidden" <<'T'
proc-file       | ok | EACCES@open | | open /proc/version w | files[0] open /proc/version
proc-sysrq      | ok | EACCES@open | | open /proc/sysrq-trigger w | * open /proc/sysrq-trigger
proc-kcore      | ok | EACCES@open | | open /proc/kcore r | files[4] open /proc/kcore
proc-sys-vm     | ok | EACCES@open | | open /proc/sys/vm/swappiness w | files[2] open /proc/sys/vm/swappiness
proc-sys-kernel | ok | EACCES@open | | open /proc/sys/kernel/core_pattern w | files[3] open /proc/sys/kernel/core_pattern
proc-read       | ok | ok | | read /proc/sys/kernel/core_pattern
proc-shm        | ok | ok | | open /proc/sys/kernel/shmmax w
proc-own        | ok | ok | | write /proc/self/comm attempt
proc-own-task   | ok | ok | | open /proc/thread-self/comm w
sys-kernel      | ok | EACCES@open | | open /sys/kernel/rcu_expedited w | files[5] open /sys/kernel/rcu_expedited
sys-read        | ok | ok | | read /sys/kernel/rcu_expedited
sys-firmware    | ok | EACCES@open | | open /sys/firmware d | files[7] open /sys/firmware
sys-security    | ok,ENOENT@open | EACCES@open | | open /sys/kernel/security d | files[7] open /sys/kernel/security
sys-cgroup      | ok | ok | | open /sys/fs/cgroup/cgroup.procs w
image-file      | ok | EACCES@read | | read /etc/case/key | files[8] open /etc/case/key
image-neighbour | ok | ok | | read /etc/passwd
chroot          | ok | EACCES@read | | chroot /etc ; read /case/key | files[8] open /etc/case/key
lower-read      | ok | EACCES@read | | read /srv/lower/secret | files[8] open /srv/lower/secret
lower-copy-up   | ok | EACCES@chmod | | chmod /srv/lower/secret 644 | files[8] chmod /srv/lower/secret
lower-rename    | ok | EACCES@rename | | rename /srv/lower/secret /srv/lower/other | * rename /srv/lower/secret
mount-tmpfs     | ok | EPERM@mount,EACCES@mount | | mount tmpfs none /scratch | * mount *
mount-bind      | ok | EPERM@bind,EACCES@bind | | bind /etc /scratch | * mount *
mount-proc      | ok | EPERM@mount,EACCES@mount | | mount proc none /scratch | * mount *
umount          | ok | EPERM@detach,EACCES@detach | | detach /dev/shm | disable-cap-privileged capable sys_admin
net-admin       | ok | EPERM@netadmin | | netadmin | disable-cap-privileged capable net_admin
hostname        | ok | EPERM@hostname | | hostname | disable-cap-privileged capable sys_admin
own-namespace   | ok | EPERM@newuser | | newuser | disable-cap-privileged capable sys_admin
xattr           | ok | EPERM@setxattr | | setxattr /srv/lower/xattr | disable-cap-privileged capable sys_admin
chown           | ok | ok | | chown /srv/lower/chown
setuid          | ok | ok | | setuid 1000
T

sleep 900 &
outsider=$!
# Starting a container takes longer than all that is tried in it: each command's line of output is a result of its own.
several() { # COMMANDS ARGUMENT...: what they print in one container, which is shown by nth
        run "${@:2}" case sh -c "$1" >"$scratch/several" 2>&1
}
nth() { sed -n "$1p" "$scratch/several"; }
outside() { several "attempt seize $outsider; attempt procfile $outsider environ r" --privileged --pid=host; }

inside without "$scratch/forbidden" without --privileged
outside
expect without/ptrace ok nth 1
expect without/environ ok nth 2

policy podman '{kind: Scope, name: "libpod-*.scope"}' <<<"$defaults"
reload reload
since=${EPOCHREALTIME/./}
inside with "$scratch/forbidden" privileged --privileged
privileged=$(unit_of_last)
alarms_in "$scratch/forbidden" "$privileged" podman
outside
expect privileged/ptrace EPERM@seize nth 1
expect privileged/environ EACCES@procfile nth 2
expect neighbour/host ok attempt read /etc/varmor-case/key

# ---- what containers do ----------------------------------------------------------------------------------------------

# Overlayfs copies a file of the image up when it is changed, and leaves marks for what is removed, as whoever mounted it.
cat >"$scratch/work" <<'T'
read-lower      | ok | ok | | read /srv/lower/append
append-lower    | ok | ok | | open /srv/lower/append a
write-lower     | ok | ok | | write /srv/lower/write text
truncate-lower  | ok | ok | | truncate /srv/lower/truncate
chmod-lower     | ok | ok | | chmod /srv/lower/chmod 600
utimes-lower    | ok | ok | | utimes /srv/lower/utimes
unlink-lower    | ok | ok | | unlink /srv/lower/unlink
unlinked        | ok | ok | | put /srv/lower/unlink
rename-lower    | ok | ok | | rename /srv/lower/rename /srv/lower/renamed
link-lower      | ok | ok | | link /srv/lower/link /srv/lower/linked
exchange-lower  | ok | ok | | exchange /srv/lower/exchange /srv/lower/write
remove-lower    | ok | ok | | unlink /srv/lower/full/deep/file ; rmdir /srv/lower/full/deep ; unlink /srv/lower/full/file ; rmdir /srv/lower/full
opaque          | ok | ok | | put /srv/lower/full/new
exec-lower      | ok | ok | | exec /srv/lower/tool read /etc/passwd
exec-copied-up  | ok | ok | | chmod /srv/lower/tool 700 ; exec /srv/lower/tool read /etc/passwd
map-copied-up   | ok | ok | | map /srv/lower/tool
new             | ok | ok | | put /srv/new/file ; rename /srv/new/file /srv/new/name ; link /srv/new/name /srv/new/other
symlink         | ok | ok | | symlink name /srv/new/symlink ; read /srv/new/symlink
fifo            | ok | ok | | mkfifo /srv/new/fifo
uring           | ok | ok,ENOSYS@ringmkdir | | ringmkdir /srv/new/dir async ; rmdir /srv/new/dir
volume          | ok | ok | | put /share/from-inside ; read /share/from-inside
tmpfs           | ok | ok | | put /scratch/file ; rename /scratch/file /scratch/name
T

works() { # PREFIX ARGUMENT...: a container that serves starts, works, stops, starts again, and goes
        local name=$1 id
        shift
        succeeds "$name/start" podman run -d --name "$name" --network=none -v $share:/share --tmpfs /scratch "$@" case serve
        id=$(podman inspect -f '{{.Id}}' "$name")
        cp "$scratch/work" $share/table
        verdicts "$name/" < <(podman exec "$name" attempt -f /share/table -r with 2>&1)
        says "$name/denied" "^EACCES@read" podman exec "$name" attempt read /etc/case/key
        says "$name/exec" '^inside$' podman exec -i "$name" cat <<<inside
        succeeds "$name/stop" podman stop -t 30 "$name"
        expect "$name/stopped" 0 podman inspect -f '{{.State.ExitCode}}' "$name"
        succeeds "$name/restart" podman restart "$name"
        says "$name/log" '^2 2 1$' echo "$(podman exec "$name" wc -l /srv/log | cut -d ' ' -f 1)" \
                "$(podman logs "$name" | grep -c started)" "$(podman logs "$name" | grep -c stopped)"
        succeeds "$name/remove" podman rm -f -t 30 "$name"
        succeeds "$name/alarm" until_true 20 alarm_says "^DENIED.*podman.*/etc/case/key.*libpod-$id.scope"
}

since=${EPOCHREALTIME/./}
works plain
expect volume/outside lower echo "$(test -e $share/from-inside && echo lower)"
several 'attempt write /srv/lower/write; attempt put /scratch/file' --read-only --tmpfs /scratch
expect read-only/write EROFS@write nth 1
expect read-only/tmpfs ok nth 2
several 'id -u; attempt read /srv/lower/secret' --user 1000
expect user/id 1000 nth 1
expect user/denied EACCES@read nth 2
several 'attempt write /srv/lower/write; attempt chown /srv/lower/chown; exit 7' --cap-drop=all
expect dropped/exit-status 7 echo $?
expect dropped/write ok nth 1
expect dropped/chown EPERM@chown nth 2
# Nobody was denied anything but what was tried.
expect alarms/no-others "" echo "$(alarms -s "$since" | grep ^DENIED | grep -Ev "/etc/case/key|/srv/lower/secret|$privileged" | cut -f 4,5 | sort -u | paste -sd ' ')"

# ---- capabilities ----------------------------------------------------------------------------------------------------

policy strict '{kind: Slice, name: strict.slice}' <<<'hardeningRules: [disable-cap-all-except-net-bind-service]'
unpolicy podman
reload reload-strict
cat >"$scratch/capabilities" <<'T'
bind-low        | ok | ok | | bindto tcp 127.0.0.1:80
netadmin        | ok | EPERM@netadmin | | netadmin | disable-cap-all-except-net-bind-service capable net_admin
chown           | ok | EPERM@chown | | chown /srv/lower/chown | disable-cap-all-except-net-bind-service capable chown
setuid          | ok | EPERM@setuid | | setuid 1000 | disable-cap-all-except-net-bind-service capable setuid
mknod           | ok | EPERM@mknull | | mknull /srv/null | disable-cap-all-except-net-bind-service capable mknod
locked          | ok | EACCES@read | | read /srv/locked/file
locked-worker   | ok | EACCES@ringopen | | ringopen /srv/locked/file r async
locked-stale    | ok | EACCES@ringopen | | ringopen /srv/locked/file r stale
own-namespace   | ok | EPERM@newuser | | newuser
T
grep -Ev '^(chown|exchange)' "$scratch/work" | sed 's/^/work-/' >>"$scratch/capabilities"
strict=(--privileged --tmpfs /scratch --cgroup-parent=strict.slice)
inside without "$scratch/capabilities" without-caps --privileged --tmpfs /scratch
since=${EPOCHREALTIME/./}
inside with "$scratch/capabilities" strict "${strict[@]}"
alarms_in "$scratch/capabilities" "$(unit_of_last)" strict
# A worker of io_uring cannot be told from one that uses what its process once had.
sed '/volume/d; /^work-uring/s/ok,ENOSYS/EACCES/' "$scratch/capabilities" >"$scratch/userns"
inside with "$scratch/userns" strict-userns "${strict[@]}" --uidmap 0:100000:65536 --gidmap 0:100000:65536
unpolicy strict

# ---- no way out ------------------------------------------------------------------------------------------------------

policy podman '{kind: Scope, name: "libpod-*.scope"}' <<<"$defaults"
policy split '{kind: Service, name: "case-*.service"}' <<T
bpfRawRules:
  files: [{pattern: "/etc/**", permissions: [r, w], qualifiers: [deny]}]
T
reload reload-podman

# The runtime's own program as the entry point, with a library of the image that reads what is forbidden: as the link that
# leads to the runtime while it executes it, bound into the container, and as the interpreter of a script.
echo '#!/usr/bin/crun --version' >$share/script
chmod 755 $share/script
preload=(-e LD_PRELOAD=/bin/preload.so -e PRELOAD_READ=/etc/case/key)
bound=(-v /usr/bin/crun:/usr/bin/crun:ro -v /lib/systemd/systemd:/bin/systemd:ro)
says runtime/without '^ok$' run "${preload[@]}" -e PRELOAD_READ=/etc/passwd "${bound[@]}" case crun --version
says runtime/bound '^EACCES$' run "${preload[@]}" "${bound[@]}" case crun --version
says runtime/host-processes '^EACCES$' run --pid=host "${preload[@]}" "${bound[@]}" case crun --version
says runtime/script '^EACCES$' run "${preload[@]}" "${bound[@]}" case /share/script
says runtime/link 'ermission denied' run "${preload[@]}" case self --version
says runtime/link-in-host-processes 'ermission denied' run --pid=host "${preload[@]}" case self --version
succeeds exec/start podman run -d --name exec --network=none case serve
says exec/link 'ermission denied' podman exec "${preload[@]}" exec self --version
succeeds exec/remove podman rm -f -t 30 exec

# The same for a service: PID 1 executes a runtime, which is set-up, but not by way of a script.
cp $share/script /srv/script
cat >/run/systemd/system/case-script.service <<T
[Service]
Type=oneshot
StandardOutput=append:/run/case-script
Environment=LD_PRELOAD=$progs/preload.so PRELOAD_READ=/etc/varmor-case/key
ExecStart=-/usr/bin/crun --version
ExecStart=-/srv/script
T
# Engine, monitor and runtime in the service's own cgroup, beside the container.
cat >/run/systemd/system/case-split.service <<T
[Service]
Type=notify
NotifyAccess=all
Delegate=yes
ExecStart=/usr/bin/podman run --rm --name split --network=none --cgroups=split --sdnotify=conmon case serve
ExecStop=/usr/bin/podman stop split
T
systemctl daemon-reload
systemctl start case-script.service
expect service/set-up-and-script "ok EACCES" paste -sd ' ' /run/case-script
if [ "$(paste -sd ' ' /run/case-script)" != "ok EACCES" ]; then
        journalctl -q -b -u varmord.service -n 20 -o short-monotonic --no-hostname >"$scratch/log"
        comment_file "$scratch/log"
fi
# PID 1 moves what it starts into the cgroup once more, from outside, which may be late: the runtime that the script is executed
# by does not become set-up by it.
sed 's,^Environment=,&PRELOAD_AWAIT=/run/case-go ,; s,/run/case-script,/run/case-late,; /crun --version/d' \
        /run/systemd/system/case-script.service >/run/systemd/system/case-late.service
systemctl daemon-reload
systemctl start --no-block case-late.service
late=/sys/fs/cgroup/system.slice/case-late.service/cgroup.procs
succeeds service/late-runs until_true 20 grep -q . $late
until_true 20 sh -c "readlink /proc/\$(cat $late)/exe | grep -q crun"
succeeds service/late-move sh -c "cat $late >$late"
touch /run/case-go
succeeds service/late-ends until_true 20 grep -q . /run/case-late
expect service/late "EACCES" cat /run/case-late

since=${EPOCHREALTIME/./}
succeeds split/start systemctl start case-split.service
says split/denied '^EACCES@read' podman exec split attempt read /etc/case/key
# Neither the monitor nor the engine, which are in the same cgroup, and under no policy.
for pid in $(cat /sys/fs/cgroup/system.slice/case-split.service/runtime/cgroup.procs); do
        name=split/trace-$(cat /proc/$pid/comm)
        expect "$name/unconfined" ok attempt seize $pid
        expect "$name/confined" EPERM@seize attempt -c system.slice/case-split.service/tracer seize $pid
        expect "$name/memory" EACCES@procfile attempt -c system.slice/case-split.service/tracer procfile $pid mem w
done
succeeds split/trace-alarm until_true 20 alarm_says '^DENIED.split.base-protection.ptrace'
says split/neighbour '^ok' podman exec split attempt write /srv/lower/write
succeeds split/alarm until_true 20 alarm_says '^DENIED.split.files.0..open./etc/case/key.*case-split.service'
succeeds split/stop systemctl stop case-split.service
expect split/stopped "inactive success" echo "$(systemctl show -P ActiveState -P Result case-split.service | sort | paste -sd ' ')"
expect split/no-other-alarms "" echo "$(alarms -s "$since" | grep '^DENIED.split' | grep -v base-protection | cut -f 5 | grep -v /etc/case/key | sort -u | paste -sd ' ')"
kill $outsider

# ---- systemd-nspawn --------------------------------------------------------------------------------------------------

cat >$machine/etc/inittab <<'T'
::sysinit:/bin/boot
::respawn:/bin/serve
T
cat >$machine/bin/boot <<'T'
#!/bin/sh
for what in 'read /etc/case/key' 'put /srv/file' 'mount tmpfs none /scratch'; do attempt $what; done >/share/boot
T
chmod 755 $machine/bin/boot
policy nspawn '{kind: Slice, name: nspawn.slice}' <<<"$defaults"
policy booted '{kind: Slice, name: booted.slice}' <<<"${defaults%  mounts:*}"
reload reload-nspawn
nspawn() { systemd-nspawn -q --slice=nspawn.slice -D $machine --bind=$share:/share "$@"; }
# What nspawn itself mounts read-only or leaves out says nothing of the rules.
grep -Ev '^(sys-|proc-kcore|proc-sysrq|net-admin|mount-proc|proc-sys-|proc-shm)' "$scratch/forbidden" >$share/table
since=${EPOCHREALTIME/./}
verdicts nspawn/ < <(nspawn --register=no --pipe attempt -f /share/table -r with 2>&1)
succeeds nspawn/alarm until_true 20 alarm_says '^DENIED.nspawn.files.8..open./etc/case/key.*case.*scope'
expect nspawn/users EACCES@read nspawn --register=no --pipe --private-users=524288:65536 --private-users-ownership=map attempt read /etc/case/key
grep -v '^volume' "$scratch/work" >$share/table
verdicts nspawn/ < <(nspawn --register=no --pipe --tmpfs=/scratch attempt -f /share/table -r with 2>&1)

# One that boots, by name and registered; told to power off, it does.
systemd-nspawn -q -b --slice=booted.slice -M booted -D $machine --bind=$share:/share --console=pipe --kill-signal=SIGUSR2 >"$scratch/booted" 2>&1 &
booted=$!
succeeds booted/started until_true 60 grep -q started "$scratch/booted"
expect booted/denied "EACCES@read ok ok" paste -sd ' ' $share/boot
says booted/registered 'machine-booted.scope' machinectl show -p Unit booted
succeeds booted/alarm until_true 20 alarm_says '^DENIED.booted.files.8..open./etc/case/key.*machine-booted.scope'
kill $booted
succeeds booted/stopped wait $booted
done_testing
