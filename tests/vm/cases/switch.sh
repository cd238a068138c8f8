#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 140
# vm-timeout: 2400
#
# Any mode to any mode, by file, on the bus and by varmorctl, under load, while somebody tries all the time what every mode denies:
# at each moment the old rules are in force, or the new ones. And enforcers that come and go.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

t=/srv/s bus=(busctl --timeout=120 call org.varmor1 /org/varmor1 org.varmor1.Manager)
mkdir -p $t
echo x | tee $t/{enhance,depth,page} >/dev/null

# Every mode of these denies reading /sys/firmware, allows the page, and is known by a file of its own.
modes=(RuntimeDefault EnhanceProtect DefenseInDepth)
never=/sys/firmware/memmap/0/type
write_policy() { # NAME ENFORCER MODE
        cat >"$policies/.$1.new" <<T
apiVersion: crd.varmor.org/v1beta1
kind: VarmorClusterPolicy
metadata: {name: $1}
spec:
  target: {kind: Service, name: $1.service}
  policy:
    enforcer: $2
    mode: $3
    enhanceProtect:
      bpfRawRules: {files: [{pattern: $t/enhance, permissions: [r], qualifiers: [deny]}]}
    defenseInDepth:
T
        if [ "$2" = BPF ]; then
                cat <<T
      bpf:
        profileType: Custom
        classes: [file]
        customProfile: {files: [{pattern: "/{srv/s/{page,enhance},mnt/**,run/case.*/**}", permissions: [all], qualifiers: [allow]}]}
T
        else
                cat <<T
      appArmor:
        profileType: Custom
        customProfile: |
          profile varmor.$1 flags=(attach_disconnected) {
            file,
            signal,
            ptrace,
            deny /sys/firmware/** rw,
            deny /srv/s/depth r,
          }
T
        fi >>"$policies/.$1.new"
        mv "$policies/.$1.new" "$policies/$1.yaml"
}

# What a mode lets through: "enhance,depth".
shape_of() {
        case $1 in
        RuntimeDefault) echo ok,ok ;;
        EnhanceProtect) echo EACCES@read,ok ;;
        DefenseInDepth) echo ok,EACCES@read ;;
        AlwaysAllow) echo ok,ok ;;
        esac
}
under() { attempt "${@:2}" read "$1"; }
shape() { # NAME: as BPF or AppArmor has it
        if [ "$1" = sw ]; then set -- -c system.slice/sw.service; else set -- -A varmor.swa; fi
        echo "$(under $t/enhance "$@"),$(under $t/depth "$@")"
}

expect without/never ok attempt read $never
write_policy sw BPF RuntimeDefault
write_policy swa AppArmor RuntimeDefault
cat >/etc/systemd/system/swa.service <<T
[Service]
ExecStart=$progs/hammer -s $t/state-swa -j 1 -p 200 $never $t/page
T
systemctl daemon-reload
reload reload
mkdir -p /sys/fs/cgroup/system.slice/sw.service
hammer -s $t/state-sw -j 1 -p 200 -c system.slice/sw.service $never $t/page >/dev/null &
watcher=$!
systemctl start swa.service
# The load: processes that begin in what is covered, all the time.
touch "$scratch/load"
(while [ -e "$scratch/load" ]; do starter -n 10 -t 'system.slice/sw.service/%d' $never $t/page; sleep 0.5; done) >"$scratch/loaded" 2>&1 &
load=$!

set_mode() { # NAME MODE WAY
        case $3 in
        0) varmorctl -q mode "$1" "$2" ;;
        1) "${bus[@]}" SetMode ssa\{sv\} "$1" "$2" 0 ;;
        2) varmorctl -q mode "$1" --reset && write_policy "$1" "$([ "$1" = sw ] && echo BPF || echo AppArmor)" "$2" && varmorctl -q reload ;;
        3) varmorctl -q mode --persist "$1" "$2" ;;
        esac
}
wrong=0 switched=0
switch() { # NAME MODE WAY
        local got
        switched=$((switched + 1))
        if ! set_mode "$1" "$2" "$3" >"$scratch/switch" 2>&1; then
                wrong=$((wrong + 1))
                comment "$1 to $2 by $3: $(head -n 1 "$scratch/switch")"
                return
        fi
        got=$(shape "$1")
        [ "$got" = "$(shape_of "$2")" ] || {
                wrong=$((wrong + 1))
                comment "$1 to $2 by $3: $got"
        }
}

# From each to each other.
start=$SECONDS way=0
for to in 1 0 2 1 2 0; do
        for name in sw swa; do switch $name "${modes[to]}" $((way++ % 4)); done
        way=$((way + 1))
done
expect every-pair 0 echo $wrong
RANDOM=$$ n=${VARMOR_TEST_LONG:+1000} n=${n:-8} wrong=0
comment "$switched switches in $((SECONDS - start)) s; seed $$"
# An AppArmor profile takes seconds to compile here.
for ((i = 0; i < n; i++)); do
        name=sw
        [ $((RANDOM % 16)) != 0 ] || name=swa
        switch $name "${modes[RANDOM % 3]}" $((RANDOM % 4))
done
comment "$switched switches in $((SECONDS - start)) s"
expect at-random 0 echo $wrong

rm "$scratch/load"
wait $load
hammer -s $t/state-sw -q
wait $watcher
hammer -s $t/state-swa -q
is_over() { [ "$(systemctl show -P ActiveState swa.service)" = inactive ]; }
until_true 20 is_over
for name in sw swa; do
        line=$(hammer -s $t/state-$name)
        comment "$name: $line"
        says "monitor/$name" 'tries=[1-9][0-9]+ opened=0 denied=[1-9][0-9]+ other=0 .*neighbour=[1-9][0-9]* neighbour_refused=0$' echo "$line"
done
succeeds load/ran test -s "$scratch/loaded"
fails load/nothing-got-out grep -Ev 'started=10 succeeded=0 denied=10 other=0 neighbour=10 ' "$scratch/loaded"

# ---- which is in force, and for how long ------------------------------------------------------------------------------------
succeeds origin/runtime varmorctl -q mode sw EnhanceProtect
says origin/runtime-shown 'until the next boot' varmorctl mode sw
succeeds origin/persist varmorctl -q mode --persist sw EnhanceProtect
says origin/persist-shown 'for good' varmorctl mode sw
succeeds origin/reset varmorctl -q mode --reset sw
says origin/file-shown 'as its files say' varmorctl mode sw

# ---- enforcers come and go ----------------------------------------------------------------------------------------------------
write_policy sw BPF EnhanceProtect
cat >/etc/systemd/system/sw.service <<T
[Service]
ExecStart=/bin/sh -c 'while :; do sleep 1; done'
T
systemctl daemon-reload
systemctl start sw.service
write_policy sw AppArmorBPF EnhanceProtect
reload enforcers/add
expect enforcers/needs-restart restart-needed policy_state sw
says enforcers/names-the-unit 'sw.service' varmorctl show sw
expect enforcers/bpf-goes-on EACCES@read attempt -c system.slice/sw.service read $t/enhance
systemctl restart sw.service
is_active() { [ "$(policy_state sw)" = active ]; }
succeeds enforcers/active until_true 20 is_active
label() { cat "/proc/$(systemctl show -P MainPID sw.service)/attr/apparmor/current"; }
says enforcers/bound '^varmor.sw' label
write_policy sw AppArmor EnhanceProtect
reload enforcers/remove-bpf
expect enforcers/bpf-gone-at-once ok attempt -c system.slice/sw.service read $t/enhance
expect enforcers/apparmor-stays EACCES@read attempt -A varmor.sw read $t/enhance
write_policy sw BPF EnhanceProtect
reload enforcers/remove-apparmor
expect enforcers/bpf-back EACCES@read attempt -c system.slice/sw.service read $t/enhance
# What runs under the profile is free of it, and starts without it.
says enforcers/free '^unconfined' label
succeeds enforcers/starts systemctl restart sw.service
says enforcers/unbound '^unconfined' label
# With updateExistingWorkloads, varmord restarts what needs it.
write_policy sw AppArmorBPF EnhanceProtect
sed -i 's/^  policy:/  updateExistingWorkloads: true\n&/' $policies/sw.yaml
before=$(systemctl show -P MainPID sw.service)
reload enforcers/update
restarted() { [ "$(systemctl show -P MainPID sw.service)" != "$before" ] && label | grep -q '^varmor.sw'; }
succeeds enforcers/updated until_true 30 restarted
# Modelling has to be asked for with a duration.
fails modelling/without-duration varmorctl mode sw BehaviorModeling
expect modelling/unchanged EACCES@read attempt -c system.slice/sw.service read $t/enhance
done_testing
