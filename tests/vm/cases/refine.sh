#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.12
# vm-takes: 80
#
# From alarms to rules: allow-lists that name next to nothing are tried, refined, and enforced: what was seen works, what was not is
# denied. And from a model to a policy: what advise proposes can be loaded, and the unit goes on working.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

printf 'alarms: {window: 1, rate: 0}\n' >/etc/varmor/varmor.yaml

t=/srv/r
odd=$t/$'a "b\'*[x]\n{c,d}\\#: é\xff'
mkdir -p $t/bin
for file in $t/{plain,log,never,second} "$odd"; do echo text >"$file"; done
cp $progs/hammer $t/bin/yes && cp $progs/hammer $t/bin/no
ip link set lo up
ip addr add 198.51.100.6/32 dev lo
attempt serve 900 tcp 0.0.0.0:80 tcp 0.0.0.0:81 >/dev/null

service() { # NAME COMMAND...: a unit that does something once
        printf '%s\n' '[Service]' Type=oneshot "ExecStart=${*:2}" >"/etc/systemd/system/$1.service"
}
fragment() { echo "$policies/$1.yaml.d/50-refine.yaml"; }

# settled POLICY: alarms have come, and no more for a while.
settled() {
        local before='' now quiet=0 end=$((SECONDS + 40))
        while [ $quiet -lt 2 ] && [ $SECONDS -lt $end ]; do
                sleep 1.5
                now=$(varmorctl --json refine "$1" | jq -c '[.alarms, (.rules | length), (.suggestions | length)]')
                if [ "$now" = "$before" ] && [ "$now" != '[0,0,0]' ]; then quiet=$((quiet + 1)); else quiet=0; fi
                before=$now
        done
}

# --- BPF ---------------------------------------------------------------------------------------------------------------------
bpf() { # more of the section
        depth ref <<T
classes: [file, capability, egress, ingress, socket, mount]
customProfile: {files: [{pattern: "$t/nothing", permissions: [read]}]}
$1
T
}
cat >"$scratch/seen" <<T
read | ok | ok | | open $t/plain r |
append | ok | ok | | open $t/log a |
exec | exit:2@exec | exit:2@exec | | exec $t/bin/yes -h |
capability | ok | ok | | chroot / |
connect | ok | ok | | dial tcp 198.51.100.6:80 |
bind | ok | ok | | bindto tcp 127.0.0.1:9000 |
abstract | ok | ok | | bindto stream @in |
T
cat >"$scratch/unseen" <<T
read | ok | EACCES@open | | open $t/never r | * open $t/never read
write | ok | EACCES@open | | open $t/plain w | * open $t/plain write
exec | exit:2@exec | EACCES@exec | | exec $t/bin/no -h | * exec $t/bin/no exec
capability | ok | EPERM@hostname | | hostname | * capable sys_admin
connect | ok | EACCES@dial | | dial tcp 198.51.100.6:81 | * connect 198.51.100.6:81
bind | ok | EACCES@bindto | | bindto tcp 127.0.0.1:9001 | * bind 127.0.0.1:9001
T
trial=true bpf
reload ref/trial
printf 'exec cat %q\n' "$odd" >$t/work
read_odd() { systemd-run -q --wait --pipe --unit=ref.service bash $t/work; }
with "$scratch/seen" system.slice/ref.service ref/trial
expect ref/trial/odd text read_odd
settled ref
says ref/dry-run 'ports: \[\{port: 80\}\]' varmorctl refine ref --dry-run
check_not ref/dry-run-writes-nothing test -e "$(fragment ref)"
quit() { printf 'n\nq\n' | varmorctl refine ref; }
says ref/quit 'nothing is added' quit
check_not ref/quit-writes-nothing test -e "$(fragment ref)"
says ref/refine 'rules in .*50-refine.yaml, in force' varmorctl refine ref --yes
expect ref/file-mode '644 root' stat -c '%a %U' "$(fragment ref)"
says ref/again 'nothing is added' varmorctl refine ref --yes
bpf
reload ref/enforced
with "$scratch/seen" system.slice/ref.service ref/seen
expect ref/seen/odd text read_odd
with "$scratch/unseen" system.slice/ref.service ref/unseen
alarms_in "$scratch/unseen" ref.service ref
printf 'exec cat %s/never\n' $t >$t/work
fails ref/unseen/program read_odd

# Of base protection there is nothing to refine.
attempt -c system.slice/ref.service open /etc/varmor/varmor.yaml w >/dev/null 2>&1
settled ref
says ref/base 'never, it is base protection' varmorctl refine ref --dry-run
# What is refused with the policy is taken back.
before=$(<"$(fragment ref)")
bpf 'bpfRawRules: {capabilities: [{names: [chown]}]}'
rm "$(fragment ref)"
reload ref/without
printf '%s\n' "$before" | sed '/^          capabilities:/,/- sys_chroot/d' >"$(fragment ref)"
reload ref/with-mappings
says ref/refused 'is as it was' varmorctl refine ref --yes
expect ref/refused/as-it-was 0 grep -c sys_chroot "$(fragment ref)"
expect ref/refused/state active policy_state ref

# --- seccomp: a list of nothing ------------------------------------------------------------------------------------------------
other() { # NAME ENFORCER SECTION: of defenseInDepth
        printf '%s\n' "apiVersion: crd.varmor.org/v1beta1" "kind: VarmorClusterPolicy" "metadata: {name: $1}" "spec:" \
                "  target: {kind: Service, name: $1.service}" "  policy:" "    enforcer: $2" "    mode: DefenseInDepth" "    defenseInDepth:" \
                "      allowViolations: ${trial:-false}" "      $3" >"$policies/.$1.new"
        mv "$policies/.$1.new" "$policies/$1.yaml"
}
calls='seccomp: {profileType: Custom, customProfile: {defaultAction: SCMP_ACT_ERRNO, syscalls: []}}'
texts="appArmor: {profileType: Custom, customProfile: '/{,usr/}bin/cat rmix,'}"
service refs /bin/cat $t/plain
service refa /bin/cat $t/plain
systemctl daemon-reload
trial=true other refs Seccomp "$calls"
trial=true other refa AppArmor "$texts"
reload others/trial
for unit in refs refa; do
        succeeds $unit/trial systemctl start $unit.service
        settled $unit
        says $unit/refine 'rules? in .*50-refine.yaml, in force' varmorctl refine $unit --yes
done
other refs Seccomp "$calls"
other refa AppArmor "$texts"
reload others/enforced
for unit in refs refa; do succeeds $unit/seen systemctl start $unit.service; done
service refs /bin/hostname other
service refa /bin/cat $t/second
systemctl daemon-reload
for unit in refs refa; do fails $unit/unseen systemctl start $unit.service; done

# --- advise ----------------------------------------------------------------------------------------------------------------------
service adv /bin/cat $t/plain
systemctl daemon-reload
says advise/no-model 'There is no model of it' varmorctl advise adv
mkdir -p /var/lib/varmor/models
kinds='["exec","file","capability","socket","egress","ingress","egress-unix","ingress-unix","ptrace","signal","mount","bpf","userns","named","syscall"]'
names='access arch_prctl brk close execve exit_group fadvise64 fstat getrandom mmap mprotect munmap newfstatat openat pread64 prlimit64 read rseq
set_robust_list set_tid_address splice write'
jq -n --argjson kinds "$kinds" --arg t $t --arg names "$names" '{format: "varmor-model", version: 1,
        sources: [{unit: "adv.service", started: 1, ended: 2, kinds: $kinds, lost: {}}],
        ops: {exec: [{path: "/usr/bin/cat"}],
              file: [{path: "/usr/bin/cat", access: ["read", "exec"]}, {path: "/usr/lib/x86_64-linux-gnu/libc.so.6", access: ["read", "exec"]},
                     {path: "/etc/ld.so.cache", access: ["read"]}, {path: ($t + "/plain"), access: ["read"]}, {path: "/etc/passwd", access: ["read"]}],
              syscall: ($names | [splits("[ \n]+")] | map({name: .}))}}' >/var/lib/varmor/models/adv.json
says advise/against '#   disable-access-passwd' varmorctl advise adv
succeeds advise/model varmorctl advise adv
cp "$scratch/out" "$policies/adv.yaml"
succeeds advise/check varmorctl check "$policies/adv.yaml"
reload advise/reload
says advise/in-force '^(active|restart-needed)$' policy_state adv
cat >"$scratch/adv" <<T
shadow | ok | EACCES@open | | open /etc/shadow r | disable-access-shadow open /etc/shadow read
passwd | ok | ok | | open /etc/passwd r |
shell | exit:0@exec | EACCES@exec | | exec /bin/sh -c true | disable-shell exec * exec
T
succeeds advise/works systemctl start adv.service
with "$scratch/adv" system.slice/adv.service advise
alarms_in "$scratch/adv" adv.service adv
# A built-in rule has no exceptions: nothing is written.
says advise/refine 'without disable-access-shadow in the policy it would pass' varmorctl refine adv --yes
check_not advise/refine-writes-nothing test -e "$(fragment adv)"

done_testing
