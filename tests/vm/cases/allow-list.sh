#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.1
# vm-takes: 40
#
# Deny by default, class by class: what is named works, what is not named is denied and is an alarm without a rule; other
# classes of operations are left alone. On trial everything passes, and is reported all the same.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

# What is told with a count, is told when the window is over.
printf 'alarms: {window: 1}\n' >/etc/varmor/varmor.yaml

t=/srv/l
mkdir -p $t/{yes,no,rw,bin,mnt} && echo x | tee $t/{yes,no,rw}/file $t/yes/secret $t/log{,s} >/dev/null
cp $progs/hammer $t/bin/yes && cp $progs/hammer $t/bin/no
ip link set lo up
for address in 198.51.100.6 198.51.100.7; do ip addr add $address/32 dev lo; done
for port in 80 81; do
        attempt serve 900 tcp 0.0.0.0:$port tcp "[::]:$port" udp 0.0.0.0:$port udp "[::]:$port" >/dev/null
done
attempt serve 900 stream @yes.stream stream @no.stream dgram @no.dgram stream $t/yes.stream stream $t/no.stream >/dev/null
attempt idle outside $t/outside.pid 900 >/dev/null

# LABEL | without | with | preparation | steps | alarm: RULE OPERATION OBJECT [REQUESTED]
cat >"$scratch/file" <<T
named-read | ok | ok | | read $t/yes/file ; open $t/yes rd | none $t/yes
named-for-reading-only | ok | EACCES@open | | open $t/yes/file w | * open $t/yes/file write
not-named | ok | EACCES@open | | open $t/no/file r | * open $t/no/file read
not-named-directory | ok | EACCES@open | | open $t rd | * open $t read
named-write | ok | ok | rm $t/rw/new | write $t/rw/file ; put $t/rw/new ; chmod $t/rw/new 600 ; truncate $t/rw/new ; unlink $t/rw/new | none $t/rw/file
append-only | ok | ok | | open $t/logs a | none $t/logs
append-then-write | ok | EACCES@unappend | | unappend $t/log | * fcntl $t/log write
append-and-write | ok | ok | | unappend $t/rw/file | none $t/rw/file
create | ok | EACCES@open | rm $t/no/new | open $t/no/new wc | * * $t/no/new write
unlink | ok | EACCES@unlink | put $t/no/a | unlink $t/no/a | * unlink $t/no/a write
mkdir | ok | EACCES@mkdir | rm $t/no/dir | mkdir $t/no/dir | * mkdir $t/no/dir write
rename | ok | EACCES@rename | put $t/no/b ; rm $t/no/c | rename $t/no/b $t/no/c | * rename *
rename-out-of-what-is-named | ok | EACCES@rename | put $t/rw/b ; rm $t/no/b | rename $t/rw/b $t/no/b | * rename *
link-to-what-is-named | ok | EACCES@link | put $t/no/d ; rm $t/rw/d | link $t/no/d $t/rw/d | * link *
chmod | ok | EACCES@chmod | | chmod $t/no/file 644 | * chmod $t/no/file write
exec-named | exit:2@exec | exit:2@exec | | exec $t/bin/yes -h | none $t/bin/yes
exec-not-named | exit:2@exec | EACCES@exec | | exec $t/bin/no -h | * exec $t/bin/no exec
map-not-named | ok | EACCES@map | | map $t/bin/no | * open $t/bin/no read
denied-in-the-list | ok | EACCES@open | | open $t/yes/secret r | bpf.files[3] open $t/yes/secret read
others-are-free | ok | ok | | sock netlink raw ; chroot / ; newns ; dial tcp 198.51.100.7:80 ; bindto tcp 127.0.0.1:9000 ; signal $t/outside.pid ; attach $t/outside.pid ; unshareuser |
T
depth file <<T
classes: [file]
customProfile:
  files:
  - {pattern: "$t/yes/**", permissions: [read]}
  - {pattern: "$t/{rw/**,*.pid}", permissions: [read, write]}
  - {pattern: "$t/log{,s}", permissions: [append]}
  - {pattern: "$t/yes/secret", permissions: [read], qualifiers: [deny]}
  processes:
  - {pattern: "$t/bin/yes", permissions: [exec]}
T
cat >"$scratch/capability" <<T
named | ok | ok | put $t/rw/a | chown $t/rw/a | none chown
not-named | ok | EPERM@chroot | | chroot $t | * capable sys_chroot
not-named-either | ok | EPERM@hostname | | hostname | * capable sys_admin
in-own-namespace | ok | EPERM@chroot | | as 1000 ; unshareuser ; chroot $t | * capable sys_chroot
others-are-free | ok | ok | | read $t/no/file ; dial tcp 198.51.100.7:80 ; sock unix stream ; unshareuser |
T
depth capability <<T
classes: [capability]
customProfile: {capabilities: [chown, setuid, setgid]}
T
cat >"$scratch/socket" <<T
named | ok | ok | | sock inet stream ; sock inet6 stream tcp ; dial tcp 198.51.100.7:80 | none inet\x20stream\x20tcp
not-named-type | ok | EACCES@sock | | sock inet dgram | * socket inet\x20dgram\x20udp
not-named-family | ok | EACCES@sock | | sock netlink raw | * socket netlink\x20raw
not-named-pair | ok | EACCES@sockpair | | sockpair unix seqpacket | * socket unix\x20seqpacket
what-every-list-allows | ok | ok | | sock unix stream ; sockpair unix dgram | none unix\x20stream
not-named-raw | ok | EACCES@sock | | sock packet raw | * socket packet\x20raw
others-are-free | ok | ok | | read $t/no/file ; chroot / ; bindto tcp 127.0.0.1:9000 ; newns |
T
depth socket <<T
classes: [socket]
customProfile: {network: {sockets: [{domains: [inet, inet6], types: [stream]}]}}
T
cat >"$scratch/egress" <<T
named | ok | ok | | dial tcp 198.51.100.6:80 ; sendto udp 198.51.100.6:80 ; dial tcp6 198.51.100.6:80 | none 198.51.100.6:80
not-named-port | ok | EACCES@dial | | dial tcp 198.51.100.6:81 | * connect 198.51.100.6:81
not-named-address | ok | EACCES@dial | | dial tcp 198.51.100.7:80 | * connect 198.51.100.7:80
not-named-localhost | ok | EACCES@dial | | dial tcp 127.0.0.1:80 | * connect 127.0.0.1:80
not-named-six | ok | EACCES@sendto | | sendto udp [::1]:80 | * sendmsg [::1]:80
unspecified-is-not-the-named | ok | EACCES@dial | | dial tcp 0.0.0.0:80 | * connect 0.0.0.0:80
sent-elsewhere | ok | EACCES@sendhandto | | dial udp 198.51.100.6:80 ; sendhandto udp 198.51.100.7:80 | * sendmsg 198.51.100.7:80
named-abstract | ok | ok | | dial stream @yes.stream | none @yes.stream
not-named-abstract | ok | EACCES@dial | | dial stream @no.stream | * connect @no.stream
not-named-abstract-dgram | ok | EACCES@sendto | | sendto dgram @no.dgram | * sendmsg @no.dgram
named-path | ok | ok | | dial stream $t/yes.stream | none $t/yes.stream
not-named-path | ok | EACCES@dial | | dial stream $t/no.stream | * connect $t/no.stream
raw-goes-around | ok | EACCES@sock | | sock packet raw | * socket packet\x20raw
raw-goes-around-too | ok | EACCES@sock | | sock inet raw icmp | * socket inet\x20raw\x20icmp
pair-is-free | ok | ok | | sockpair unix stream ; sockpair unix dgram |
packets-of-the-link-layer-too | any | EACCES@sock | | sock xdp raw | * socket xdp\x20raw
other-sockets-are-free | ok | ok | | sock netlink raw ; sock inet dgram ; sock unix seqpacket |
others-are-free | ok | ok | | read $t/no/file ; chroot / ; bindto tcp 127.0.0.1:9000 ; listenhand ; newns |
T
depth egress <<T
classes: [egress]
customProfile:
  network:
    egress: {toDestinations: [{ip: 198.51.100.6, ports: [{port: 80}]}, {unix: ["@yes.*", "$t/yes.stream"]}]}
T
cat >"$scratch/ingress" <<T
named | ok | ok | | bindto tcp 127.0.0.1:9000 ; listenhand | none 127.0.0.1:9000
not-named-port | ok | EACCES@bindto | | bindto tcp 127.0.0.1:9001 | * bind 127.0.0.1:9001
not-named-address | ok | EACCES@bindto | | bindto udp 127.0.0.2:9000 | * bind 127.0.0.2:9000
every-address | ok | EACCES@bindto | | bindto tcp 0.0.0.0:9000 | * bind 0.0.0.0:9000
listen-unbound | ok | EACCES@listenany | | listenany tcp | * listen *
not-named-abstract | ok | EACCES@bindto | | bindto stream @no | * bind @no
named-abstract | ok | ok | | bindto stream @in ; listenhand | none @in
going-out-is-free | ok | ok | | dial tcp 198.51.100.7:80 ; sendto udp 198.51.100.7:80 ; dial stream @no.stream ; sockpair unix stream |
others-are-free | ok | ok | | read $t/no/file ; chroot / ; newns |
T
depth ingress <<T
classes: [ingress]
customProfile: {network: {ingress: {toDestinations: [{ip: 127.0.0.1, ports: [{port: 9000}]}, {unix: ["@in"]}]}}}
T
cat >"$scratch/ptrace" <<T
named | ok | ok | | ofproc $t/outside.pid environ r ; ofproc $t/outside.pid root rd |
not-named | ok | EPERM@attach | | attach $t/outside.pid | * ptrace outside trace
not-named-mem | ok | EACCES@ofproc | | ofproc $t/outside.pid mem r | * ptrace outside trace
itself | ok | ok | | ofproc self mem rw ; readvm self |
others-are-free | ok | ok | | read $t/no/file ; chroot / ; signal $t/outside.pid ; dial tcp 198.51.100.7:80 |
T
depth ptrace <<T
classes: [ptrace]
customProfile: {ptrace: {strictMode: false, permissions: [read, readby, traceby]}}
T
cat >"$scratch/signal" <<T
not-named | ok | EPERM@signal | | signal $t/outside.pid | * kill outside
not-named-pidfd | ok | EPERM@pidfdsignal | | pidfdsignal $t/outside.pid | * kill outside
itself | ok | ok | | signal self ; tgkill self ; thread signal self |
others-are-free | ok | ok | | read $t/no/file ; chroot / ; attach $t/outside.pid ; dial tcp 198.51.100.7:80 |
T
depth signal <<T
classes: [signal]
customProfile: {}
T
own="newns ; private"
cat >"$scratch/mount" <<T
named | ok | ok | | newns ; mountas nosuid,nodev tmpfs none $t/mnt ; umount $t/mnt |
not-named-type | ok | EACCES@mount,EPERM@mount | | newns ; mount ramfs none $t/mnt | * mount none
not-named-flag | ok | EACCES@mountas,EPERM@mountas | | newns ; mountas noexec tmpfs none $t/mnt | * mount none
not-named-bind | ok | EACCES@bind,EPERM@bind | | newns ; bind $t/yes $t/mnt | * mount $t/yes
not-named-remount | ok | EACCES@remount,EPERM@remount | | newns ; remount bind,ro / | * * /
not-named-propagation | ok | EACCES@private,EPERM@private | | $own | * mount /
not-named-new-api | ok | EACCES@movemount,EPERM@movemount | | newns ; fsmount ramfs ; movemount $t/mnt | * move_mount *
not-named-move | ok | EACCES@move,EPERM@move | | newns ; mountas nosuid,nodev tmpfs none $t/mnt ; move $t/mnt $t/no | * mount $t/mnt
others-are-free | ok | ok | | read $t/no/file ; chroot / ; signal $t/outside.pid ; dial tcp 198.51.100.7:80 |
T
depth mount <<T
classes: [mount]
customProfile:
  mounts:
  - {sourcePattern: "**", fstype: tmpfs, flags: [rw, nosuid, nodev]}
  - {sourcePattern: "$t/mnt", fstype: "*", flags: [umount]}
T
cat >"$scratch/userns" <<T
not-named | ok | EPERM@unshareuser | | unshareuser | * userns_create user\x20namespace
not-named-clone | ok | EPERM@clone3user | | clone3user | * userns_create user\x20namespace
others-are-free | ok | ok | | newns ; fork read $t/no/file ; chroot / |
T
depth userns <<T
classes: [userns]
customProfile: {}
T
cat >"$scratch/bpf" <<T
named | ok | ok | | bpfcreate | none map-create
not-named | ok | EPERM@bpfload,EACCES@bpfload | | bpfload | * bpf prog-load
others-are-free | ok | ok | | read $t/no/file ; chroot / ; newns |
T
depth bpf <<T
classes: [bpf]
customProfile: {bpf: [map-create]}
T
# Without "classes" it is all of them: one of each.
cat >"$scratch/all" <<T
named | ok | ok | | read $t/yes/file ; put $t/rw/all ; chown $t/rw/all ; dial tcp 198.51.100.6:80 | none $t/yes/file
file | ok | EACCES@open | | open $t/no/file r | * open $t/no/file
exec | exit:2@exec | EACCES@exec | | exec $t/bin/no -h | * exec $t/bin/no
capability | ok | EPERM@chroot | | chroot /srv | * capable sys_chroot
socket | ok | EACCES@sock | | sock inet dgram | * socket inet\x20dgram\x20udp
egress | ok | EACCES@dial | | dial tcp 198.51.100.7:80 | * connect 198.51.100.7:80
ingress | ok | EACCES@bindto | | bindto tcp 127.0.0.1:9000 | * bind 127.0.0.1:9000
ptrace | ok | EPERM@attach | | attach $t/outside.pid | * ptrace outside
signal | ok | EPERM@signal | | signal $t/outside.pid | * kill outside
userns | ok | EPERM@unshareuser | | unshareuser | * userns_create user\x20namespace
bpf | ok | EPERM@bpfcreate,EACCES@bpfcreate | | bpfcreate | * bpf map-create
T
all() {
        depth "$1" <<T
customProfile:
  files: [{pattern: "$t/{yes/**,*.pid}", permissions: [read]}, {pattern: "$t/rw/**", permissions: [read, write]}]
  network:
    sockets: [{domains: [inet], types: [stream]}]
    egress: {toDestinations: [{ip: 198.51.100.6, ports: [{port: 80}]}]}
  capabilities: [chown, bpf] # before 6.7 the kernel asks for the capability first
T
}
all all
trial=true all trial

tables="file capability socket egress ingress ptrace signal mount userns bpf all"
mount --make-rprivate /
for table in $tables; do verdicts "without/$table/" < <(attempt -f "$scratch/$table" -r without 2>&1); done
if reload reload; then
        for table in $tables; do
                with "$scratch/$table" "system.slice/$table.service" "$table"
                alarms_in "$scratch/$table" "$table.service" "$table"
                each_once "$table" "$table.service"
        done
        # An alarm of what is not named says so.
        journalctl -q -u all.service -o json VARMOR_OPERATION=open VARMOR_OBJECT=$t/no/file >"$scratch/json"
        expect journal/entry "all default DENIED BPF DefenseInDepth" \
                jq -rs '.[0] | [.VARMOR_POLICY, .VARMOR_REASON, .VARMOR_ACTION, .VARMOR_ENFORCER, .VARMOR_MODE] | join(" ")' "$scratch/json"

        # On trial: everything passes, and each violation is an alarm.
        sed -E 's/^([^|]*\|)([^|]*)\|([^|]*)\|/\1\2|\2|/' "$scratch/all" >"$scratch/trial"
        with "$scratch/trial" system.slice/trial.service trial
        alarms_in "$scratch/trial" trial.service trial ALLOWED
        expect trial/nothing-denied "" grep_alarms "DENIED.trial"

        # Two lists over one cgroup: only what both allow.
        depth over '{kind: Service, name: "file*.service"}' <<T
classes: [file]
customProfile: {files: [{pattern: "$t/{yes,no}/file", permissions: [read]}]}
T
        policy over-deny '{kind: Service, name: "fil*.service"}' <<T
bpfRawRules: {files: [{pattern: "$t/rw/**", permissions: [read], qualifiers: [deny]}]}
T
        reload reload-over
        since=${EPOCHREALTIME/./}
        expect over/both-allow ok attempt -c system.slice/file.service read $t/yes/file
        expect over/first-allows EACCES@open attempt -c system.slice/file.service open $t/rw/file w
        expect over/second-allows EACCES@open attempt -c system.slice/file.service open $t/no/file r
        expect over/deny-list-denies EACCES@open attempt -c system.slice/file.service open $t/rw/file r
        expect over/neither EACCES@open attempt -c system.slice/file.service open $t/bin/no r
        for policy in file over; do
                succeeds over/alarm-$policy until_true 20 alarm_says "DENIED.$policy..open.$t/bin/no"
        done
        succeeds over/alarm-deny-list until_true 20 alarm_says "DENIED.over-deny.files.0..open.$t/rw/file"
        unpolicy over over-deny

        # Live: allowed meanwhile, and back.
        reload reload-back
        succeeds mode/allow varmorctl mode file AlwaysAllow
        expect mode/allowed ok attempt -c system.slice/file.service read $t/no/file
        succeeds mode/protect varmorctl mode file DefenseInDepth
        expect mode/protected EACCES@read attempt -c system.slice/file.service read $t/no/file
fi
done_testing
