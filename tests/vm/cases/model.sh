#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 70
#
# Allow-lists made from a model, by each enforcer alone and by all together, on a service that systemd starts: what the model has
# works, what it has not is denied, with an alarm. And what becomes of it when the model changes, is damaged, or is lost.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

t=/srv/model
models=/var/lib/varmor/models
kinds='["exec","file","capability","socket","egress","ingress","egress-unix","ingress-unix","ptrace","signal","mount","bpf","userns","named","syscall"]'
mkdir -p $t/{yes,no,rw}
echo x | tee $t/{yes,no}/file >/dev/null
cp $progs/attempt $t/serve && cp $progs/hammer $t/yes/program && cp $progs/hammer $t/no/program
printf 'alarms: {window: 1}\n' >/etc/varmor/varmor.yaml
ip link set lo up
ip addr add 198.51.100.7/32 dev lo
attempt serve 900 tcp 0.0.0.0:80 >/dev/null
attempt idle outside $t/outside.pid 900 >/dev/null

# model NAME [FILE]: what the service does, as it would be recorded; and FILE is read, too. The number and the UUID are never the same.
model() {
        cat >"$scratch/model.json" <<T
{"format": "varmor-model", "version": 1,
 "sources": [{"host": "guest", "unit": "$1.service", "policy": "$1", "started": 1735689600000000, "ended": 1735691400000000, "kinds": $kinds}],
 "ops": {
  "exec": [{"path": "$t/serve"}, {"path": "$t/yes/program", "by": "$t/serve"}],
  "file": [{"path": "$t/serve", "access": ["read"]}, {"path": "$t/table", "access": ["read"]}, {"path": "$t/yes/file", "access": ["read"]},
   ${2:+{\"path\": \"$2\", \"access\": [\"read\"]\},}
   {"path": "$t/rw/out", "access": ["read", "write"]}, {"path": "$t/outside.pid", "access": ["read"]},
   {"path": "$t/rw/6f0c1a52-0d3e-4c8a-9a57-0123456789ab", "owner-access": ["read", "write"]}],
  "capability": [{"name": "chown"}],
  "socket": [{"family": "inet", "type": "stream", "protocol": "tcp"}],
  "ingress": [{"family": "inet", "address": "127.0.0.1", "port": 9000}],
  "syscall": [{"name": "socket", "arg": 0, "mask": 4294967295, "value": 2}, $(printf '{"name": "%s"},' access alarm arch_prctl bind brk chown \
                clone close connect dup2 fcntl fstat futex getpid getrandom gettid getuid kill listen lseek mkdir mmap mprotect munmap newfstatat \
                openat pipe2 prlimit64 readlink rseq rt_sigaction rt_sigprocmask set_robust_list set_tid_address setsockopt unlink wait4 write)
   {"name": "read"}]}}
T
        varmorctl model import -q --force "$scratch/model.json"
}

# defend NAME ENFORCER SECTION...
defend() {
        cat >"$policies/$1.yaml" <<T
apiVersion: crd.varmor.org/v1beta1
kind: VarmorClusterPolicy
metadata: {name: $1}
spec:
  target: {kind: Service, name: "$1.service"}
  policy:
    enforcer: $2
    mode: DefenseInDepth
    defenseInDepth:
$(printf '      %s: {profileType: BehaviorModel}\n' "${@:3}")
T
        printf '[Service]\nType=oneshot\nStandardOutput=truncate:%s/rw/out\nExecStart=%s/serve -f %s/table -r with\n' $t $t $t \
                >/run/systemd/system/"$1".service
}

# serve NAME: the service makes the attempts of its table, whose column the enforcer chooses.
serve() { # NAME COLUMN
        since=${EPOCHREALTIME/./}
        awk -F ' *[|] *' -v column="$2" '{ print $1 " | ok | " $column " | | " $6 " |" }' "$scratch/table" >$t/table
        rm -f $t/rw/0*
        systemctl start "$1.service" 2>"$scratch/err"
        verdicts "$1/" <$t/rw/out
        expect "$1/all-of-them" "$(grep -c . "$scratch/table")" grep -c . $t/rw/out
}

# LABEL | BPF | AppArmor | seccomp | all | steps
e=EACCES
cat >"$scratch/table" <<T
read | ok | ok | ok | ok | read $t/yes/file
new-name | ok | ok | ok | ok | put $t/rw/0123abcd-89ab-4def-8123-456789abcdef
chown | ok | ok | ok | ok | chown $t/rw/0123abcd-89ab-4def-8123-456789abcdef
listen | ok | ok | ok | ok | bindto tcp 127.0.0.1:9000 ; listenhand
execute | exit:2@exec | exit:2@exec | exit:2@exec | exit:2@exec | exec $t/yes/program -h
not-read | $e@open | $e@open | ok | $e@open | open $t/no/file r
not-written | $e@open | $e@open | ok | $e@open | open $t/yes/file w
no-uuid | $e@put | $e@put | ok | $e@put | put $t/rw/other
not-executed | $e@exec | $e@exec | exit:2@exec | $e@exec | exec $t/no/program -h
no-listener | $e@bindto | ok | ok | $e@bindto | bindto tcp 127.0.0.1:9001
no-egress | $e@dial | ok | ok | $e@dial | dial tcp 198.51.100.7:80
no-family | $e@sock | $e@sock | EPERM@sock | EPERM@sock | sock netlink raw
no-ptrace | EPERM@attach | $e@attach | EPERM@attach | EPERM@attach | attach $t/outside.pid
no-capability | EPERM@chroot | EPERM@chroot | EPERM@chroot | EPERM@chroot | chroot /
no-mount | EPERM@newns | EPERM@newns | EPERM@newns | EPERM@newns | newns ; mount tmpfs x $t/no
T

# No model: not a policy to put in force, and the service runs as before.
defend mbpf BPF bpf
fails none/reload varmorctl reload
expect none/state refused policy_state mbpf
says none/why "$models/mbpf.json is not there" varmorctl show mbpf

defend maa AppArmor appArmor
defend msec Seccomp seccomp
defend mall AppArmorBPFSeccomp appArmor bpf seccomp
for name in mbpf maa msec mall; do succeeds import/$name model $name; done
says import/list '^mall +mall.service +[0-9]+ +complete' varmorctl model list
if reload reload; then
        systemctl daemon-reload
        serve mbpf 2
        for object in $t/no/file $t/no/program 127.0.0.1:9001 198.51.100.7:80 netlink sys_chroot; do
                succeeds "mbpf/alarm-$object" until_true 20 alarm_says "DENIED.mbpf.*$object"
        done
        serve maa 3
        for object in $t/no/file $t/no/program; do
                succeeds "maa/alarm-$object" until_true 20 alarm_says "DENIED.maa.*$object"
        done
        serve msec 4
        for call in ptrace chroot unshare; do succeeds "msec/alarm-$call" until_true 20 alarm_says "DENIED.msec.*$call"; done
        serve mall 5
        for object in $t/no/file $t/no/program 127.0.0.1:9001 198.51.100.7:80 chroot; do
                succeeds "mall/alarm-$object" until_true 20 alarm_says "DENIED.mall.*$object"
        done
        fails mall/nothing-else grep_alarms "DENIED.mall.*$t/(rw/0123|yes/program|serve|table)"

        # A model that has more is in force with the next reload; one that is damaged is put aside, and takes nothing away.
        model mbpf $t/no/file
        reload changed/reload
        expect changed/admitted ok attempt -c system.slice/mbpf.service open $t/no/file r
        echo '{' >$models/mbpf.json
        fails damaged/reload varmorctl reload
        expect damaged/state degraded policy_state mbpf
        succeeds damaged/aside test -e $models/mbpf.json+damaged
        fails damaged/gone test -e $models/mbpf.json
        expect damaged/in-force EACCES@open attempt -c system.slice/mbpf.service open $t/yes/file w
        expect damaged/in-force-as-it-was ok attempt -c system.slice/mbpf.service open $t/no/file r
        model mbpf
        reload back/reload
        expect back/denied EACCES@open attempt -c system.slice/mbpf.service open $t/no/file r
fi
done_testing
