#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.1
# vm-takes: 80
#
# What AppArmor enforces: each kind of rule in the four cells of the disposition, with its neighbour and its alarm; changes under
# a process that runs; targets; an own profile below ours; allow-lists and their trial, and the way back; BPF beside it; what is
# wrong in raw text; and what is left when the policy goes.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

enforcer=AppArmor
t=/srv/aa cg=system.slice/kinds.service
mkdir -p $t/{bin,free,m,n,c}
cp /bin/cat $t/bin/one && cp /bin/cat $t/bin/two && cp /bin/true $t/bin/no
mount -t tmpfs case $t/m
mount --make-rprivate /
printf 'alarms: {window: 1}\n' >/etc/varmor/varmor.yaml
for unit in kinds own depth both; do
        printf '[Service]\nExecStart=/bin/sleep 1000\n' >/etc/systemd/system/$unit.service
done
systemctl daemon-reload
attempt idle outside $t/outside.pid 900 >/dev/null
outside=$(cat $t/outside.pid)
label_of() { cat "/proc/$1/attr/apparmor/current"; }
main_of() { systemctl show -P MainPID "$1.service"; }
loaded() { grep -c "^varmor\.$1 " /sys/kernel/security/apparmor/profiles; }

# --- each kind of rule ----------------------------------------------------------------------------------------------------
cat >"$scratch/kinds" <<T
read | ok | EACCES@open | put $t/read/a | open $t/read/a r | files[0] open $t/read/a
read-list | ok | EACCES@open | put $t/read/dir/a | open $t/read/dir rd | files[0] open $t/read/dir
read-link-out | ok | EACCES@link | rm $t/free ; put $t/read/b ; dir $t/free | link $t/read/b $t/free/b | files[0] link *
read-rename-out | ok | EACCES@rename | rm $t/free ; put $t/read/c ; dir $t/free | rename $t/read/c $t/free/c | files[0] rename *
read-neighbour | ok | ok | put $t/reader ; put $t/read/d | read $t/reader ; write $t/read/d ; stat $t/read/d | none $t/reader
write | ok | EACCES@open | put $t/write/a | open $t/write/a w | files[1] open $t/write/a
write-append | ok | EACCES@open | put $t/write/b | open $t/write/b a | files[1] open $t/write/b
write-unlink | ok | EACCES@unlink | put $t/write/c | unlink $t/write/c | files[1] unlink $t/write/c
write-mkdir | ok | EACCES@mkdir | rm $t/write/d ; dir $t/write | mkdir $t/write/d | files[1] mkdir $t/write/d
write-chmod | ok | EACCES@chmod | put $t/write/e | chmod $t/write/e 600 | files[1] chmod $t/write/e
write-symlink | ok | EACCES@symlink | rm $t/write/f ; dir $t/write | symlink x $t/write/f | files[1] symlink $t/write/f
write-link-in | ok | EACCES@link | rm $t/write/g ; put $t/other | link $t/other $t/write/g | files[1] link *
write-neighbour | ok | ok | put $t/write/h ; put $t/free/a | read $t/write/h ; write $t/free/a ; unlink $t/free/a | none $t/write/h
append | ok | EACCES@open | put $t/append/a | open $t/append/a a | files[2] open $t/append/a
exec | ok | EACCES@exec | | exec $t/bin/no | processes[0] exec $t/bin/no
exec-map | ok | EACCES@map | | map $t/bin/no | processes[0] mmap $t/bin/no
exec-neighbour | ok | ok | | exec /bin/true ; read $t/bin/no | none /bin/true
shell | ok | EACCES@exec | | exec /bin/dash -c exit | disable-shell exec *
capability | ok | EPERM@cad | | cad | capabilities capable sys_boot
capability-neighbour | ok | ok | | nice -1 ; hostname | -
socket | ok | EACCES@sock | | sock inet dgram | sockets[0] socket *
socket-neighbour | ok | ok | | sock inet stream ; sock unix dgram ; sock netlink raw | -
ptrace | ok | EACCES@linkof | | linkof $outside root | ptrace ptrace *
signal | ok | EACCES@signal | | signal $outside 28 | signal kill *
mount-type | ok | EACCES@mount | | newns ; mount proc proc $t/c | mounts[0] mount *
mount-bind | ok | EACCES@bind | | newns ; bind $t/m $t/c | mounts[1] mount *
mount-remount | ok | EACCES@remount | | newns ; remount ro $t/m | mounts[1] remount *
mount-propagate | ok | EACCES@propagate | | newns ; propagate shared $t/m | mounts[1] mount *
mount-umount | ok | EACCES@umount | | newns ; umount $t/m | mounts[1] umount $t/m
mount-neighbour | ok | ok | | newns ; mount tmpfs x $t/c ; bind $t/n $t/c ; umount $t/c | none $t/n
raw | ok | EACCES@open | put $t/raw/a | open $t/raw/a w | appArmorRawRules[0] open $t/raw/a
raw-exec | ok | EACCES@exec | copy /bin/true $t/raw/x ; chmod $t/raw/x 755 | exec $t/raw/x | appArmorRawRules[0] exec $t/raw/x
raw-neighbour | ok | ok | put $t/raw/b | read $t/raw/b | none $t/raw/b
T
kinds_rules() {
        cat <<T
attackProtectionRules:
- {rules: [disable-shell]}
- {rules: [disable-busybox], targets: [$t/bin/one]}
bpfRawRules:
  files:
  - {pattern: "$t/read/**", permissions: [read]}
  - {pattern: "$t/write/**", permissions: [write]}
  - {pattern: "$t/append/**", permissions: [append]}
  - {pattern: "$t/group/**", permissions: [read], targets: [$t/bin/one]}
  processes: [{pattern: "$t/bin/no", permissions: [exec]}]
  network: {sockets: [{domains: [inet, inet6], types: [dgram]}]}
  capabilities: [sys_boot]
  ptrace: {permissions: [read]}
  signal: {}
  mounts:
  - {sourcePattern: "**", fstype: proc, flags: [mount]}
  - {sourcePattern: "$t/m/**", fstype: "*", flags: [bind, rbind, move, remount, umount, shared, private]}
appArmorRawRules:
- rules: |
    deny $t/raw/{,**} w,
    deny $t/raw/x x,
T
}
# Beside what a process in the profile does to others in it: by hand, since the table's processes end with their line.
inside() { # NAME
        expect "$1/inside" ok attempt -c $cg -A varmor.kinds idle in $t/in.pid 20
        expect "$1/signal-inside" ok attempt -c $cg -A varmor.kinds signal "$(cat $t/in.pid)" 28
        expect "$1/ptrace-inside" ok attempt -c $cg -A varmor.kinds linkof "$(cat $t/in.pid)" root
}
try_all() { # TABLE NAME
        since=${EPOCHREALTIME/./}
        attempt -A varmor.kinds -c $cg -f "$1" -r with >"$scratch/with" 2>&1
        verdicts "$2/" <"$scratch/with"
}
group_says() { # what /srv/aa/bin/one reads below /srv/aa/group under the profile
        attempt -A "${2:-varmor.kinds}" -c $cg exec "$1" $t/group/a
}
mkdir -p $t/group $t/raw && echo text | tee $t/group/a $t/raw/x >/dev/null && rm $t/raw/x

without "$scratch/kinds"
kinds_rules | policy kinds
reload kinds/reload
expect kinds/loaded 1 loaded kinds
systemctl start kinds.service
expect kinds/bound 'varmor.kinds (enforce)' label_of "$(main_of kinds)"
try_all "$scratch/kinds" denied
inside denied
alarms_in "$scratch/kinds" kinds.service kinds
expect group/target exit:1@exec group_says $t/bin/one
expect group/other ok group_says $t/bin/two
says group/stacked '^varmor.kinds//&varmor.kinds//t5dd9bf6d10187f31 \(enforce\)' aa-exec -p varmor.kinds -- env $t/bin/one /proc/self/attr/apparmor/current
since=${EPOCHREALTIME/./}
aa-exec -p varmor.kinds -- /bin/setpriv --no-new-privs $t/bin/one $t/group/a >"$scratch/group" 2>&1
says group/no-new-privs 'Permission denied' cat "$scratch/group"
succeeds group/alarm until_true 10 alarm_says "files\[3\].open.$t/group/a"
fails escape/change-profile aa-exec -p varmor.kinds -- aa-exec -p unconfined -- true
fails escape/remove aa-exec -p varmor.kinds -- sh -c 'printf varmor.kinds >/sys/kernel/security/apparmor/.remove'

# Nothing is told where nothing is to be told.
{ kinds_rules; echo 'auditViolations: false'; } | policy kinds
reload quiet/reload
since=${EPOCHREALTIME/./}
try_all "$scratch/kinds" quiet
inside quiet
sleep 2
alarms -s "$since" | grep kinds.service >"$scratch/alarms"
comment_file "$scratch/alarms"
expect quiet/no-alarms 0 eval 'wc -l <"$scratch/alarms"'

# Nothing is told, but of one file within; also beside raw text.
mkdir -p $t/hush && echo text | tee $t/hush/told $t/hush-raw >$t/hush/not
policy kinds <<T
bpfRawRules:
  files:
  - {pattern: "$t/hush/**", permissions: [read]}
  - {pattern: "$t/hush/told", permissions: [read], qualifiers: [deny, audit]}
appArmorRawRules: [{rules: "audit deny $t/hush-raw w,"}]
auditViolations: false
T
reload hush/reload
since=${EPOCHREALTIME/./}
expect hush/not EACCES@open attempt -A varmor.kinds -c $cg open $t/hush/not r
expect hush/told EACCES@open attempt -A varmor.kinds -c $cg open $t/hush/told r
expect hush/raw EACCES@open attempt -A varmor.kinds -c $cg open $t/hush-raw w
succeeds hush/raw-alarm until_true 10 alarm_says "appArmorRawRules\[0\].*$t/hush-raw"
succeeds hush/alarm until_true 10 alarm_says "files\[1\].open.$t/hush/told"
fails hush/no-alarm alarm_says "$t/hush/not"

# Let through and told.
# Hard links are let through without a word.
sed 's/^\([^|]*|[^|]*|\)[^|]*/\1 ok /; /^[a-z-]*link-/s/|[^|]*$/| -/' "$scratch/kinds" >"$scratch/observed"
{ kinds_rules; printf 'auditViolations: true\nallowViolations: true\n'; } | policy kinds
pid=$(main_of kinds)
reload observed/reload
expect observed/same-process "$pid" main_of kinds
try_all "$scratch/observed" observed
alarms_in "$scratch/observed" kinds.service kinds AUDIT
expect observed/group ok group_says $t/bin/one
# What was executed meanwhile is where it would have been: on the way back nobody is left out.
aa-exec -p varmor.kinds -- $t/bin/no
aa-exec -p varmor.kinds -- sleep 60 &
sleeper=$!
sleep 0.5
fails observed/no-null-profiles grep -q null- /sys/kernel/security/apparmor/profiles
expect observed/sleeper 'varmor.kinds (enforce)' label_of $sleeper
kinds_rules | policy kinds
reload back/reload
expect back/sleeper 'varmor.kinds (enforce)' label_of $sleeper
expect back/denied EACCES@exec attempt -A varmor.kinds -c $cg exec $t/bin/no
kill $sleeper

# Neither blocked nor told: there is nothing to be in.
{ kinds_rules; printf 'auditViolations: false\nallowViolations: true\n'; } | policy kinds
reload nothing/reload
expect nothing/not-loaded 0 loaded kinds

# --- changes under a process that runs ------------------------------------------------------------------------------------
echo "bpfRawRules: {files: [{pattern: \"$t/first\", permissions: [r]}]}" | policy kinds
reload live/reload
echo text | tee $t/first $t/second >/dev/null
cat >$t/reader <<T
while sleep 0.2; do for f in first second; do if read -r _ <$t/\$f; then echo ok; else echo no; fi; done 2>/dev/null >$t/free.new; mv $t/free.new $t/said; done
T
aa-exec -p varmor.kinds -- bash $t/reader &
reader=$!
said() { [ "$(tr '\n' ' ' <$t/said)" = "$1" ]; }
succeeds live/before until_true 10 said 'no ok '
echo "bpfRawRules: {files: [{pattern: \"$t/second\", permissions: [r]}]}" | policy kinds
reload live/reload-changed
succeeds live/after until_true 10 said 'ok no '
systemctl restart varmord.service
until_true 20 varmord_is_up
expect live/restart-keeps 1 loaded kinds
succeeds live/restart-still said 'ok no '
# Somebody takes the profile out of the kernel: it comes back, at the latest with the next load.
printf varmor.kinds >/sys/kernel/security/apparmor/.remove
varmorctl reload
expect live/put-back 1 loaded kinds
kill $reader

# --- what is wrong in raw text ------------------------------------------------------------------------------------------------
cp $policies/kinds.yaml "$scratch/good"
policy kinds <<T
appArmorRawRules:
- rules: |
    deny /x w,
    deny capability nonsense,
T
line=$(grep -n nonsense $policies/kinds.yaml | cut -d: -f1)
says wrong/said "kinds.yaml:$line:[0-9]+: error: AppArmor's parser refuses this" varmorctl reload
expect wrong/stays 1 loaded kinds
cp "$scratch/good" $policies/kinds.yaml
reload wrong/reload

# --- an own profile below ours ------------------------------------------------------------------------------------------------
printf 'profile own flags=(attach_disconnected) { file, network, capability, signal, ptrace, unix, deny %s/own r, }\n' $t | apparmor_parser -r
printf '[Service]\nAppArmorProfile=own\nExecStart=/bin/sleep 1000\n' >/etc/systemd/system/own.service
systemctl daemon-reload
echo "bpfRawRules: {files: [{pattern: \"$t/ours\", permissions: [r]}], signal: {}}" | policy own
reload own/reload
systemctl start own.service
expect own/stacked 'own//&varmor.own (enforce)' label_of "$(main_of own)"
echo text | tee $t/own $t/ours >/dev/null
expect own/theirs EACCES@open attempt -A 'own//&varmor.own' open $t/own r
expect own/ours EACCES@open attempt -A 'own//&varmor.own' open $t/ours r
expect own/neighbour ok attempt -A 'own//&varmor.own' open $t/first r
expect own/signal-inside ok attempt -A 'own//&varmor.own' signal "$(main_of own)" 0
expect own/signal-outside EACCES@signal attempt -A 'own//&varmor.own' signal "$outside" 28
expect own/is-there ok attempt -A 'own//&varmor.own' signal "$outside" 0

# --- allow-lists, and their trial --------------------------------------------------------------------------------------------
allow_list() { # TRIAL
        cat >$policies/depth.yaml <<T
apiVersion: crd.varmor.org/v1beta1
kind: VarmorClusterPolicy
metadata: {name: depth}
spec:
  target: {kind: Service, name: depth.service}
  policy:
    enforcer: AppArmor
    mode: DefenseInDepth
    defenseInDepth:
      allowViolations: $1
      appArmor:
        profileType: Custom
        customProfile: |
          # the executables
          /{,usr/}bin/{sleep,cat} rmix,
          $t/named/{,**} r,
          signal (receive),
        appArmorRawRules: [{rules: "deny $t/named/not r,"}]
T
}
mkdir -p $t/named && echo text | tee $t/named/{a,not} $t/unnamed >/dev/null
allow_list true
reload trial/reload
systemctl start depth.service
expect trial/bound 'varmor.depth (complain)' label_of "$(main_of depth)"
in_depth() { aa-exec -p varmor.depth -- "$@"; }
since=${EPOCHREALTIME/./}
succeeds trial/named in_depth cat $t/named/a
succeeds trial/unnamed in_depth cat $t/unnamed
succeeds trial/denied in_depth cat $t/named/not
in_depth cat /proc/self/status >/dev/null
aa-exec -p varmor.depth -- bash -c 'exec -a shell sleep 60' &
sleeper=$!
sleep 1
fails trial/no-null-profiles grep -q null- /sys/kernel/security/apparmor/profiles
succeeds trial/alarm until_true 10 alarm_says "^ALLOWED.depth.*$t/unnamed"
succeeds trial/alarm-exec until_true 10 alarm_says "^(ALLOWED|AUDIT).depth.*(bash|sleep)"
fails trial/no-alarm-for-named alarm_says "$t/named/a"
allow_list false
reload enforced/reload
expect enforced/main 'varmor.depth (enforce)' label_of "$(main_of depth)"
expect enforced/sleeper 'varmor.depth (enforce)' label_of $sleeper
kill $sleeper
since=${EPOCHREALTIME/./}
succeeds enforced/named in_depth cat $t/named/a
fails enforced/unnamed in_depth cat $t/unnamed
fails enforced/denied in_depth cat $t/named/not
fails enforced/exec in_depth cat $t/named/a ';' /bin/true
expect enforced/exec-other EACCES@exec attempt -A varmor.depth exec /bin/true
succeeds enforced/alarm until_true 10 alarm_says "^DENIED.depth.*$t/unnamed"
succeeds enforced/restart systemctl restart depth.service

# --- BPF beside it -----------------------------------------------------------------------------------------------------------
echo "bpfRawRules: {files: [{pattern: \"$t/both\", permissions: [r], except: [\"$t/both/ok\"]}, {pattern: \"$t/one\", permissions: [r]}]}" |
        enforcer=AppArmorBPF policy both
reload both/reload
systemctl start both.service
expect both/bound 'varmor.both (enforce)' label_of "$(main_of both)"
echo text | tee $t/both $t/one >/dev/null
expect both/by-bpf EACCES@open attempt -c system.slice/both.service open $t/both r
expect both/by-both EACCES@open attempt -c system.slice/both.service -A varmor.both open $t/one r
expect both/by-apparmor EACCES@open attempt -A varmor.both open $t/one r
says both/show 'not by AppArmor: AppArmor cannot take exceptions' varmorctl show both

# --- the end --------------------------------------------------------------------------------------------------------------------
unpolicy kinds own depth both
reload end/reload
until_true 20 fails_quietly grep -q '^varmor' /sys/kernel/security/apparmor/profiles
expect end/nothing-loaded 0 grep -c '^varmor' /sys/kernel/security/apparmor/profiles
expect end/main unconfined label_of "$(main_of kinds)"
expect end/no-records 0 eval 'ls /run/varmor/apparmor | wc -l'
succeeds end/restart systemctl restart kinds.service depth.service both.service own.service
expect end/own 'own (enforce)' label_of "$(main_of own)"
comment "$SECONDS s"
done_testing
