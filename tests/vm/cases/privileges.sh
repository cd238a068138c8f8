#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.1
# vm-takes: 80
#
# Capabilities, other processes, signals, mounts, user namespaces, bpf(2), kernel modules, devices: each works without a
# policy, is denied with it, its neighbour still works, and there is one alarm that names the rule.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

# What is told with a count, is told when the window is over.
printf 'alarms: {window: 1}\n' >/etc/varmor/varmor.yaml

t=/srv/p
mkdir -p $t /etc/varmor/rules.d
named() { # ID: the operations of a rule of one's own, from standard input
        printf -- '- id: %s\n  category: hardening\n  description: For the case.\n  principle: For the case.\n  impact: None.\n  ops:\n' "$1"
        sed 's/^/    /'
}
echo "rules:" >/etc/varmor/rules.d/case.yaml

# --- capabilities -------------------------------------------------------------------------------------------------------
echo x >$t/theirs && chown 1000:1000 $t/theirs && chmod 600 $t/theirs && chmod 777 $t
attempt as 1000 ';' shmmake 0x6361 >/dev/null
attempt as 1000 ';' idle theirs $t/theirs.pid 900 >/dev/null
sysctl -q kernel.dmesg_restrict=1 kernel.kptr_restrict=1
module=$(modinfo -n dummy)
cp "$module" $t/module
case $module in *.xz) xz -dc "$module" >$t/module ;; *.zst) zstd -qdc "$module" >$t/module ;; esac
modprobe -r dummy 2>/dev/null

# One service for each capability, with the rule of its name; "all" has all of them.
# CAPABILITY | OBJECT | what needs it | its neighbour
cat >"$scratch/capabilities" <<T
chown|chown|EPERM@chown|chown $t/file
net-raw|net_raw|EPERM@sock|sock inet raw icmp
mknod|mknod|EPERM@mknull|mknull $t/null
sys-chroot|sys_chroot|EPERM@chroot|chroot $t
sys-admin|sys_admin|EPERM@hostname|hostname
sys-admin|sys_admin|EPERM@newns|newns
sys-admin|sys_admin|EPERM@mount|mount tmpfs none $t/mnt
sys-admin|sys_admin|EPERM@setattr|setattr private /
net-bind-service|net_bind_service|EACCES@bindto|bindto tcp 127.0.0.1:82
net-admin|net_admin|EPERM@netadmin|netadmin
sys-nice|sys_nice|EACCES@nice|nice -5
setuid|setuid|EPERM@setuid|setuid 1000
setgid|setgid|EPERM@setgid|setgid 1000
setgid|setgid|EPERM@setgroups|setgroups
kill|kill|EPERM@signal|signal $t/theirs.pid 28
setpcap|setpcap|EPERM@dropbound|dropbound
fowner|fowner|EPERM@chmod|chmod $t/theirs 600
dac-override|dac_override|EACCES@open|open $t/theirs w
sys-boot|sys_boot|EPERM@cad|cad
sys-rawio|sys_rawio|EPERM@ports|ports
sys-pacct|sys_pacct|EPERM@acct|acct
sys-time|sys_time|EPERM@timezone|timezone
sys-resource|sys_resource|EPERM@hardlimit|hardlimit
lease|lease|EACCES@lease|lease $t/theirs
ipc-owner|ipc_owner|EACCES@shmuse|shmuse 0x6361
wake-alarm|wake_alarm|EPERM@alarmclock|alarmclock
sys-module|sys_module|EPERM@insmod|insmod $t/module
T
services=""
while IFS='|' read -r capability object denied step; do
        service=cap-$capability
        preparation="put $t/file ; rm $t/null ; dir $t/mnt"
        echo "$step | ok | $denied | $preparation | $step | disable-cap-$capability capable $object" >>"$scratch/$service"
        [[ " $services " != *" $service "* ]] || continue
        services+=" $service"
        echo "hardeningRules: [disable-cap-$capability]" | policy "$service"
        # Another capability's operation, which the rule leaves alone.
        [ "$capability" = chown ] || echo "neighbour | ok | ok | put $t/file | chown $t/file | none chown" >>"$scratch/$service"
done <"$scratch/capabilities"
echo "neighbour | ok | ok | rm $t/null | mknull $t/null ; hostname | none mknod" >>"$scratch/cap-chown"

# In a user namespace of one's own a process has every capability, and none of them is more than it was.
cat >>"$scratch/cap-sys-chroot" <<T
own-namespace | ok | EPERM@chroot | | newuser ; chroot $t | disable-cap-sys-chroot capable sys_chroot
own-namespace-of-a-user | ok | EPERM@chroot | | as 1000 ; unshareuser ; chroot $t | disable-cap-sys-chroot capable sys_chroot
own-namespace-neighbour | ok | ok | dir $t/mnt | newuser ; mount tmpfs none $t/mnt | none sys_admin
T
cat >>"$scratch/cap-sys-admin" <<T
own-namespace | ok | EPERM@newuser | | newuser | disable-cap-sys-admin capable sys_admin
own-namespace-alone | ok | EPERM@newns | | unshareuser ; newns | disable-cap-sys-admin capable sys_admin
T
# By io_uring: as what the caller is, as what it was, as what it has registered.
cat >>"$scratch/cap-dac-override" <<T
by-ring | ok | EACCES@ringopen | | ringopen $t/theirs w | disable-cap-dac-override capable dac_override
by-ring-async | ok | EACCES@ringopen | | ringopen $t/theirs w async | disable-cap-dac-override capable dac_override
by-ring-personality | ok | EACCES@ringopen | | ringopen $t/theirs w personality | -
by-ring-stale-worker | ok | EACCES@ringopen | | ringopen $t/theirs w stale | disable-cap-dac-override capable dac_override
by-ring-free | ok | ok | | ringopen $t/file r ; ringopen $t/file r async ; ringopen $t/file r stale |
T
# What the kernel asks on behalf of others, or without wanting it told.
mkdir -p $t/{lower,over} && echo x | tee $t/lower/{file,file2} >/dev/null && chmod 666 $t/lower/*
overlay() { # anew: a file is copied up only once
        umount $t/over 2>/dev/null
        rm -rf $t/{upper,work} && mkdir -p $t/{upper,work}
        mount -t overlay -o lowerdir=$t/lower,upperdir=$t/upper,workdir=$t/work overlay $t/over
}
overlay
cat >"$scratch/cap-all" <<T
copy-up | ok | ok | | write $t/over/file |
copy-up-without-any | ok | ok | | nocaps ; write $t/over/file2 |
as-user | ok | EPERM@as | | as 1000 | disable-cap-all capable setgid
hint | ok | EPERM@addresses | | addresses | none syslog
hint-attributes | ok | ok | | listxattr /run | none sys_admin
hint-memory | ok | ok | | map $progs/hammer ; thread read /etc/hostname | none sys_admin
access-file | ok | ok | | read /etc/hostname ; put $t/file ; unlink $t/file |
T
echo "hardeningRules: [disable-cap-all]" | policy cap-all
cat >"$scratch/cap-except" <<T
net-bind-service | ok | ok | | bindto tcp 127.0.0.1:82 | none net_bind_service
other | ok | EPERM@chroot | | chroot $t | disable-cap-all-except-net-bind-service capable sys_chroot
T
echo "hardeningRules: [disable-cap-all-except-net-bind-service]" | policy cap-except
named case-caps <<T >>/etc/varmor/rules.d/case.yaml
capabilities: [CAP_SYS_NICE, sys-chroot]
T
cat >"$scratch/cap-own" <<T
first | ok | EACCES@nice | | nice -5 | case-caps capable sys_nice
second | ok | EPERM@chroot | | chroot $t | case-caps capable sys_chroot
neighbour | ok | ok | put $t/file | chown $t/file ; hostname | none chown
T
echo "hardeningRules: [case-caps]" | policy cap-own
services+=" cap-all cap-except cap-own"

# --- ptrace ---------------------------------------------------------------------------------------------------------------
# One process outside and one inside of each service.
attempt idle outside $t/outside.pid 900 >/dev/null
with_inside() { attempt -c "system.slice/$1.service" idle "in-$1" "$t/$1.pid" 900 >/dev/null; }
processes() { # PID NAME DENIED: what each attempt on that process gives; DENIED: trace, read, both or neither
        local label kind result step alarm
        while read -r label kind result step; do
                alarm="ptrace ptrace $2 $kind"
                [[ $3 == *$kind* ]] || { result=ok && alarm=-; }
                echo "$2-$label | ok | $result | | $step | $alarm"
        done <<T
attach trace EPERM@attach attach $1
seize trace EPERM@seizepid seizepid $1
readvm trace EPERM@readvm readvm $1
writevm trace EPERM@writevm writevm $1
mem trace EACCES@ofproc ofproc $1 mem r
mem-write trace EACCES@ofproc ofproc $1 mem rw
descriptor trace EPERM@takefd takefd $1 0
environ read EACCES@ofproc ofproc $1 environ r
maps read EACCES@ofproc ofproc $1 maps r
root read EACCES@ofproc ofproc $1 root rd
cwd read EACCES@ofproc ofproc $1 cwd rd
exe read EACCES@linkof linkof $1 exe
namespace read EACCES@linkof linkof $1 ns/mnt
compare read EPERM@compare compare $1
join read EPERM@joinns joinns $1
status-is-free none ok ofproc $1 status r ; ofproc $1 cmdline r
T
}
itself() {
        cat <<T
itself | ok | ok | | ofproc self mem rw ; ofproc self environ r ; ofproc self root rd ; readvm self ; linkof self exe |
T
}
trace_rule() { # NAME PERMISSIONS [STRICT]
        policy "$1" <<T
bpfRawRules: {ptrace: {strictMode: ${3:-false}, permissions: [$2], qualifiers: [deny]}}
T
}
trace_rule tr-trace trace
{ processes $t/outside.pid outside trace && processes $t/tr-trace.pid in-tr-trace neither && itself; } >"$scratch/tr-trace"
trace_rule tr-read read
{ processes $t/outside.pid outside read && processes $t/tr-read.pid in-tr-read neither && itself; } >"$scratch/tr-read"
trace_rule tr-strict "trace, read" true
{ processes $t/outside.pid outside trace,read && processes $t/tr-strict.pid in-tr-strict trace,read && itself; } >"$scratch/tr-strict"
cat >>"$scratch/tr-strict" <<T
child-asks | ok | EPERM@fork | | fork traceme | ptrace ptrace * trace
T
cat >>"$scratch/tr-trace" <<T
child-asks | ok | ok | | fork traceme |
T
traces="tr-trace tr-read tr-strict"
# Of those who are traced the policy is the same, whoever traces; what they ask their parent for counts, too.
cat >"$scratch/tr-by" <<T
asks-outside | ok | EPERM@traceme | | traceme | ptrace ptrace attempt traceby
asks-inside | ok | ok | | fork traceme |
traces-outside | ok | ok | | attach $t/outside.pid ; ofproc $t/outside.pid mem rw |
traces-inside | ok | ok | | attach $t/tr-by.pid ; ofproc $t/tr-by.pid environ r |
T
# Somebody unconfined.
cat >"$scratch/tr-by-others" <<T
attach | ok | EPERM@attach | | attach $t/tr-by.pid | ptrace ptrace attempt traceby
mem | ok | EACCES@ofproc | | ofproc $t/tr-by.pid mem rw | ptrace ptrace attempt traceby
environ | ok | EACCES@ofproc | | ofproc $t/tr-by.pid environ r | ptrace ptrace attempt readby
root | ok | EACCES@ofproc | | ofproc $t/tr-by.pid root rd | ptrace ptrace attempt readby
neighbour | ok | ok | | attach $t/outside.pid ; ofproc $t/outside.pid environ r ; attach $t/tr-trace.pid ; ofproc $t/tr-read.pid environ r |
T

# --- signals ----------------------------------------------------------------------------------------------------------------
named case-signal <<T >>/etc/varmor/rules.d/case.yaml
signal: {strictMode: false, qualifiers: [deny]}
T
cat >"$scratch/signals" <<T
kill | ok | EPERM@signal | | signal $t/outside.pid | case-signal kill outside
tgkill | ok | EPERM@tgkill | | tgkill $t/outside.pid | case-signal kill outside
tkill | ok | EPERM@tkill | | tkill $t/outside.pid | case-signal kill outside
sigqueue | ok | EPERM@sigqueue | | sigqueue $t/outside.pid | case-signal kill outside
pidfd | ok | EPERM@pidfdsignal | | pidfdsignal $t/outside.pid | case-signal kill outside
by-thread | ok | EPERM@thread | | thread signal $t/outside.pid | case-signal kill outside
by-child | ok | EPERM@fork | | fork signal $t/outside.pid | case-signal kill outside
itself | ok | ok | | signal self ; tgkill self ; sigqueue self ; pidfdsignal self ; thread signal self |
inside | ok | ok | | signal $t/signals.pid ; tgkill $t/signals.pid ; sigqueue $t/signals.pid ; pidfdsignal $t/signals.pid | none in-signals
child-and-parent | ok | ok | | fork signal parent | none attempt
whether-it-is-there | ok | ok | | signal $t/outside.pid 0 | -
when-ready | - | EPERM@sigio | idle sigio $t/sigio.pid 300 | sigio $t/sigio.pid 9 | case-signal kill ?
when-ready-itself | ok | ok | | sigio self 28 |
T
echo "hardeningRules: [case-signal]" | policy signals

# --- user namespaces, bpf(2), devices ------------------------------------------------------------------------------------
named case-userns <<T >>/etc/varmor/rules.d/case.yaml
userNamespaces: true
T
cat >"$scratch/userns" <<T
unshare | ok | EPERM@unshareuser | | unshareuser | case-userns userns_create user\x20namespace
unshare-with-others | ok | EPERM@newuser | | newuser | case-userns userns_create user\x20namespace
clone | ok | EPERM@cloneuser | | cloneuser | case-userns userns_create user\x20namespace
clone3 | ok | EPERM@clone3user | | clone3user | case-userns userns_create user\x20namespace
as-user | ok | EPERM@unshareuser | | as 1000 ; unshareuser | case-userns userns_create user\x20namespace
neighbour | ok | ok | | newns ; fork read /etc/hostname ; thread read /etc/hostname |
T
echo "hardeningRules: [case-userns]" | policy userns
named case-bpf <<T >>/etc/varmor/rules.d/case.yaml
bpf: [prog-load, obj-pin]
T
cat >"$scratch/bpf" <<T
load | ok | EPERM@bpfload,EACCES@bpfload | | bpfload | case-bpf bpf prog-load
pin | ok | EPERM@bpfpin,EACCES@bpfpin | rm /sys/fs/bpf/case | bpfpin /sys/fs/bpf/case | case-bpf bpf obj-pin
neighbour | ok | ok | | bpfcreate | none map-create
T
echo "hardeningRules: [case-bpf]" | policy bpf
modprobe loop
cat >"$scratch/device-files" <<T
ioctl-control | any | EACCES@ioctl | | take /dev/loop-control r ; ioctl 4c82 | files[0] ioctl /dev/loop-control
ioctl-neighbour | ok | ok | | take /dev/vda r ; ioctl 1260 | none /dev/vda
read-is-free | ok | ok | | open /dev/loop-control r |
write | ok | EACCES@open | | open /dev/loop-control rw | files[0] open /dev/loop-control
T
policy device-files <<T
bpfRawRules: {files: [{pattern: "/dev/loop*", permissions: [w], qualifiers: [deny]}]}
T

# --- mounts -----------------------------------------------------------------------------------------------------------------
mkdir -p $t/{a,b,c,a/sub,m} && echo x | tee $t/a/file $t/b/file >/dev/null
mount -t tmpfs case $t/m && mkdir -p $t/m/{x,y} $t/n
mount -t tmpfs case $t/m/x && mount -t tmpfs other $t/n
own="newns ; private"
cat >"$scratch/mounts" <<T
type | ok | EACCES@mount,EPERM@mount | | $own ; mount ramfs case $t/c | mounts[0] mount case
type-any-source | ok | EACCES@mount,EPERM@mount | | $own ; mount ramfs none $t/c | mounts[0] mount none
type-with-flags | ok | EACCES@mountas,EPERM@mountas | | $own ; mountas nosuid,nodev ramfs case $t/c | mounts[0] mount case
type-neighbour | ok | ok | | $own ; mount tmpfs other $t/c ; mountas ro,nosuid tmpfs other $t/c ; umount $t/c | none other
type-in-own-namespace | ok | EACCES@mount,EPERM@mount | | newuser ; private ; mount ramfs case $t/c | mounts[0] mount case
new-api | ok | EACCES@movemount,EPERM@movemount,EACCES@fsmount,EPERM@fsmount | | $own ; fsmount ramfs ; movemount $t/c | mounts[0] * *
new-api-neighbour | ok | ok | | $own ; fsmount tmpfs ; movemount $t/c |
new-api-not-put-anywhere | ok | EACCES@takeat,EACCES@fsmount,EPERM@fsmount | | fsmount proc ; takeat version r | -
bind | ok | EACCES@bind,EPERM@bind | | $own ; bind $t/a $t/c | mounts[1] mount $t/a
bind-below | ok | EACCES@bind,EPERM@bind | | $own ; bind $t/a/sub $t/c | mounts[1] mount $t/a/sub
bind-recursive | ok | EACCES@rbind,EPERM@rbind | | $own ; rbind $t/a $t/c | mounts[1] mount $t/a
clone-tree | ok | EACCES@movemount,EPERM@movemount,EACCES@opentree,EPERM@opentree | | $own ; opentree $t/a ; movemount $t/c | mounts[1] * *
move | ok | EACCES@move,EPERM@move | | newns ; private ; move $t/m/x $t/c | mounts[2] mount $t/m/x
move-new-api | ok | EACCES@movetree,EPERM@movetree | | newns ; private ; movetree $t/m/x $t/c | mounts[2] * $t/m/x
remount | ok | EACCES@remount,EPERM@remount | | $own ; remount bind,ro $t/m | mounts[3] * $t/m
remount-super | ok | EACCES@remount,EPERM@remount | | $own ; remount noatime $t/m | mounts[3] remount $t/m
remount-new-api | ok | EACCES@fspick,EPERM@fspick | mountas nosuid tmpfs case $t/m/y | fspick $t/m/y | mounts[3] remount $t/m/y
remount-neighbour | ok | ok | | $own ; mount tmpfs other $t/c ; remount ro $t/c ; remount bind,ro $t/c ; setattr ro $t/c |
propagation | ok | EACCES@propagate,EPERM@propagate | | $own ; propagate shared $t/m | mounts[4] mount $t/m
propagation-neighbour | ok | ok | | $own ; propagate private $t/m ; propagate slave $t/m ; setattr private $t/m |
umount | ok | EACCES@umount,EPERM@umount | | $own ; umount $t/m/x | mounts[5] umount $t/m/x
umount-lazily | ok | EACCES@detach,EPERM@detach | | $own ; detach $t/m/x | mounts[5] umount $t/m/x
umount-neighbour | ok | ok | | $own ; umount $t/n ; mount tmpfs other $t/c ; detach $t/c |
T
policy mounts <<T
bpfRawRules:
  mounts:
  - {sourcePattern: "**", fstype: "ramfs", flags: [mount], qualifiers: [deny]}
  - {sourcePattern: "$t/a/**", fstype: "*", flags: [bind, rbind], qualifiers: [deny]}
  - {sourcePattern: "$t/m/**", fstype: "*", flags: [move], qualifiers: [deny]}
  - {sourcePattern: "$t/m/**", fstype: "*", flags: [remount], qualifiers: [deny]}
  - {sourcePattern: "$t/m", fstype: "*", flags: [shared], qualifiers: [deny]}
  - {sourcePattern: "$t/m/**", fstype: "*", flags: [umount], qualifiers: [deny]}
T
# What mount(2) binds is known only by what it is called: who is denied anything may not bind at all, and the rule is told
# apart where all is let through.
cat >"$scratch/binds" <<T
named | ok | ok | | $own ; bind $t/a $t/c | mounts[0] mount $t/a
named-below | ok | ok | | $own ; bind $t/a/sub $t/c | mounts[0] mount $t/a/sub
named-recursive | ok | ok | | $own ; rbind $t/a $t/c | mounts[0] mount $t/a
neighbour | ok | ok | | $own ; bind $t/b $t/c ; umount $t/c | none $t/b
moved | ok | ok | | $own ; move $t/n $t/c | mounts[1] mount $t/n
moved-by-new-api | ok | ok | | $own ; movetree $t/n $t/c | mounts[1] move_mount $t/n
T
policy binds <<T
allowViolations: true
auditViolations: true
bpfRawRules:
  mounts:
  - {sourcePattern: "$t/a/**", fstype: "none", flags: [bind, rbind], qualifiers: [deny]}
  - {sourcePattern: "$t/n", fstype: "*", flags: [move], qualifiers: [deny]}
T
cat >"$scratch/no-mounts" <<T
mount | ok | EACCES@mount,EPERM@mount | | newns ; mount tmpfs none $t/c | * mount none
bind | ok | EACCES@bind,EPERM@bind | | newns ; bind $t/b $t/c | * mount $t/b
pivot | ok | EACCES@pivot,EPERM@pivot,EACCES@bind,EPERM@bind | | newns ; bind $t/b $t/b ; pivot $t/b $t/b | -
pivot-mounted | ok | EACCES@pivot,EPERM@pivot | | newns ; pivot $t/m $t/m/x | * pivot_root $t/m
propagation | ok | EACCES@private,EPERM@private | | newns ; private | * mount /
open-tree | ok | EACCES@movemount,EPERM@movemount,EACCES@opentree,EPERM@opentree | | newns ; opentree $t/b ; movemount $t/c | * * *
umount | ok | EACCES@detach,EPERM@detach | | newns ; detach $t/m | disallow-umount umount $t/m
namespace-is-free | ok | ok | | newns ; read /etc/hostname |
T
echo "hardeningRules: [disallow-mount, disallow-umount]" | policy no-mounts
# What is only audited goes through, and is an alarm of its own kind: with rules of a policy's own list.
cat >"$scratch/audited" <<T
audited | ok | ok | dir $t/c | $own ; mount tmpfs case $t/c ; umount $t/c | none case
audited-others | ok | ok | | nice -5 ; unshareuser | none sys_nice
audited-processes | ok | ok | | bpfcreate ; ofproc $t/outside.pid environ r ; signal $t/outside.pid | none outside
denied-and-audited | ok | EPERM@cad | | cad | capabilities[1] capable sys_boot
except | ok | ok | | chroot $t | none sys_chroot
T
policy audited <<T
bpfRawRules:
  mounts: [{sourcePattern: "**", fstype: "*", flags: [mount, umount], qualifiers: [audit]}]
  capabilities:
  - {names: [sys_nice], qualifiers: [audit]}
  - {names: [sys_time, sys_boot, sys_chroot], except: [sys_chroot], qualifiers: [deny, audit]}
  userNamespaces: {qualifiers: [audit]}
  bpf: [{commands: [map-create], qualifiers: [audit]}]
  ptrace: {permissions: [read], qualifiers: [audit]}
  signal: {qualifiers: [audit]}
T

tables="$services $traces tr-by signals userns bpf device-files mounts no-mounts binds audited"
for service in $traces tr-by signals; do with_inside "$service"; done
mount --make-rprivate /
for table in $tables tr-by-others; do verdicts "without/$table/" < <(attempt -f "$scratch/$table" -r without 2>&1); done
modprobe -r dummy 2>/dev/null
overlay
trace_rule tr-by "traceby, readby"
if reload reload; then
        for table in $tables; do
                with "$scratch/$table" "system.slice/$table.service" "$table"
                action=DENIED
                [ $table != binds ] || action=AUDIT
                alarms_in "$scratch/$table" "$table.service" "$table" $action
                case $table in
                cap-all) each_once "$table" "$table.service" DENIED 1 ;; # the hint is not told
                tr-by) ;; # others look, too
                *) each_once "$table" "$table.service" ;;
                esac
                [ $table != audited ] || audited_since=$since
        done
        with "$scratch/tr-by-others" free.slice/others.service tr-by-others
        until_true 10 alarm_says "tr-by.ptrace.ptrace.attempt.*readby"
        alarms -s "$since" >"$scratch/out"
        comment_file "$scratch/out"

        cat >"$scratch/audits" <<T
mount | ok | ok | | | mounts[0] mount case
umount | ok | ok | | | mounts[0] umount $t/c
capability | ok | ok | | | capabilities[0] capable sys_nice
userns | ok | ok | | | userNamespaces userns_create user\x20namespace
bpf | ok | ok | | | bpf[0] bpf map-create
ptrace | ok | ok | | | ptrace ptrace outside read
signal | ok | ok | | | signal kill outside
T
        verdicts "audit/" < <(alarms -s "$audited_since" -u audited.service -p audited -a AUDIT -w 20 -f "$scratch/audits" 2>&1)

        # A signal that the kernel sends for a descriptor reaches nobody either.
        expect signals/when-ready ok attempt alive $t/sigio.pid
        pid=$(main_pid)
        attempt -c system.slice/device-files.service sigio "$pid" 9 >/dev/null
        sleep 0.5
        expect base/varmord-lives "$pid" main_pid

        # The kernel's module loader and the host's own work are not hindered.
        succeeds free/modprobe modprobe dummy
        succeeds free/service systemd-run -q --wait --unit=case-free true
        expect free/mount ok attempt -c free.slice newns ';' mount ramfs case $t/c
        for service in tr-by tr-strict cap-sys-admin mounts; do
                succeeds "free/start-$service" systemd-run -q --wait --unit="$service" -p ProtectSystem=strict true
        done
        expect free/varmord active systemctl show -P ActiveState varmord.service

        # Live switch, and several policies over one cgroup.
        succeeds live/allow varmorctl mode cap-sys-chroot AlwaysAllow
        expect live/allowed ok attempt -c system.slice/cap-sys-chroot.service chroot $t
        succeeds live/protect varmorctl mode cap-sys-chroot EnhanceProtect
        expect live/protected EPERM@chroot attempt -c system.slice/cap-sys-chroot.service chroot $t
        policy over '{kind: Service, name: "cap-sys-ch*.service"}' <<T
hardeningRules: [disable-cap-sys-chroot, case-userns]
T
        reload reload-over
        since=${EPOCHREALTIME/./}
        expect over/both EPERM@chroot attempt -c system.slice/cap-sys-chroot.service chroot $t
        expect over/other EPERM@unshareuser attempt -c system.slice/cap-sys-chroot.service unshareuser
        for policy in cap-sys-chroot over; do
                succeeds over/alarm-$policy until_true 20 alarm_says "DENIED.$policy.disable-cap-sys-chroot.capable.sys_chroot"
        done
fi
done_testing
