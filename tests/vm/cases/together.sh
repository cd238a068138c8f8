#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 120
#
# One policy, three enforcers, on units that systemd starts: who is under what since when, what a restart changes, which alarms
# come, and in which order everything goes again.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh
. /mnt/tests/lib/survive.sh # kill_varmord(), wait_for_varmord()

t=/srv/together
profile=varmor.together
mkdir -p $t
for name in bpf apparmor page late; do echo x >$t/$name; done

# Runs until it is told to stop, and executes what it is told: the service's own process makes the attempts.
cat >$t/serve <<'S'
#!/bin/bash
out=/run/served-$1
rm -f "$out".*
mkfifo -m 600 "$out.in"
exec 3<>"$out.in"
systemd-notify --ready 2>/dev/null
while read -r -u 3 n line; do
        eval "$line" >"$out.$n" 2>&1 && echo ok >>"$out.$n" || echo "failed" >>"$out.$n"
        mv "$out.$n" "$out.$n.done"
done
S
chmod 755 $t/serve
unit() { # NAME
        cat >/run/systemd/system/"$1".service <<T
[Service]
Type=exec
ExecStart=$t/serve $1
T
}
serve() { # UNIT COMMAND...: the last line that the service printed
        local n=${EPOCHREALTIME/./}
        echo "$n ${*:2}" >"/run/served-$1.in"
        until_true 20 [ -e "/run/served-$1.$n.done" ]
        tail -n 1 "/run/served-$1.$n.done"
}
serve_up() { until_true 20 [ -p "/run/served-$1.in" ]; }
start_unit() { rm -f "/run/served-$1.in" && systemctl restart "$1.service" && serve_up "$1"; }

together() { # [RULES]: further lines below enhanceProtect
        cat >$policies/.together.new <<T
apiVersion: crd.varmor.org/v1beta1
kind: VarmorClusterPolicy
metadata: {name: together}
spec:
  target: {kind: Service, name: "together*.service"}
  updateExistingWorkloads: ${update:-false}
  policy:
    enforcer: AppArmorBPFSeccomp
    mode: ${mode:-EnhanceProtect}
    enhanceProtect:
      privileged: true
      auditViolations: true
      appArmorRawRules:
      - rules: |
          audit deny $t/apparmor r,
          ${late:-}
      bpfRawRules:
        files: [{pattern: $t/bpf, permissions: [r], qualifiers: [deny]}]
        network: {egress: {toDestinations: [{ip: 192.0.2.7}], qualifiers: [deny]}}
      syscallRawRules: [{names: [${calls:-chroot}], action: SCMP_ACT_ERRNO}]
T
        mv $policies/.together.new $policies/together.yaml
}
label_of() { # UNIT
        cat "/proc/$(systemctl show -P MainPID "$1.service")/attr/apparmor/current"
}
filters_of() { # UNIT
        sed -n 's/^Seccomp_filters:[[:space:]]*//p' "/proc/$(systemctl show -P MainPID "$1.service")/status"
}
state_is() { [ "$(policy_state together)" = "$1" ]; }
dropins() { # UNIT
        systemctl show -P DropInPaths "$1.service" | tr ' ' '\n' | grep -c varmor
}

unit together-old
unit together-new
unit free
systemctl daemon-reload
start_unit together-old
start_unit free

# --- without ---------------------------------------------------------------------------------------------------------
expect without/apparmor ok serve together-old cat $t/apparmor
expect without/bpf ok serve together-old cat $t/bpf
expect without/seccomp ok serve together-old chroot / true
expect without/no-drop-in 0 dropins together-old

# --- a unit that starts under it -------------------------------------------------------------------------------------
together
reload reload
expect drop-in 1 dropins together-new
since=${EPOCHREALTIME/./}
succeeds new/start start_unit together-new
says new/label "^$profile \(enforce\)" label_of together-new
expect new/filters 1 filters_of together-new
expect new/apparmor failed serve together-new cat $t/apparmor
expect new/bpf failed serve together-new cat $t/bpf
expect new/seccomp failed serve together-new chroot / true
expect new/neighbour ok serve together-new cat $t/page
expect new/neighbour-seccomp ok serve together-new unshare --uts true
alarm_is() { alarms -s "$since" -u together-new.service -p together | cut -f 1,3-5 | grep -qxP -e "$1"; }
succeeds new/alarm-apparmor until_true 20 alarm_is "DENIED\tappArmorRawRules\[0\].*\topen\t$t/apparmor|DENIED\t.*\topen\t$t/apparmor"
succeeds new/alarm-bpf until_true 20 alarm_is "DENIED\tfiles\[0\]\topen\t$t/bpf"
succeeds new/alarm-seccomp until_true 20 alarm_is "DENIED\tsyscallRawRules\[0\]\tsyscall\tchroot"
expect free/apparmor ok serve free cat $t/apparmor
expect free/seccomp ok serve free chroot / true

# --- one that runs already -------------------------------------------------------------------------------------------
succeeds old/restart-needed until_true 20 state_is restart-needed
says old/why 'together-old.service \(AppArmorSeccomp\)' varmorctl status
expect old/bpf-at-once failed serve together-old cat $t/bpf
expect old/apparmor-not-yet ok serve together-old cat $t/apparmor
varmorctl show together >"$scratch/show"
says show/bpf 'files\[0\]|enforced by .*BPF since .* on 2 targets' cat "$scratch/show"
says show/seccomp 'enforced by Seccomp since .* on 1 target' cat "$scratch/show"
succeeds old/start start_unit together-old
succeeds old/active until_true 30 state_is active
expect old/apparmor failed serve together-old cat $t/apparmor
expect old/seccomp failed serve together-old chroot / true

# --- changes ---------------------------------------------------------------------------------------------------------
# Of AppArmor's text: at once, in the running process. Of the list of system calls: after a restart.
expect late/before ok serve together-new cat $t/late
late="audit deny $t/late r," together
reload late/reload
expect late/after failed serve together-new cat $t/late
expect late/state active policy_state together
calls="chroot, personality" together
reload calls/reload
succeeds calls/restart-needed until_true 20 state_is restart-needed
expect calls/not-yet ok serve together-new setarch -R true
succeeds calls/start start_unit together-new
expect calls/denied failed serve together-new setarch -R true
# Restarted by varmor, if the policy asks for it.
update=true calls="chroot, personality, mincore" together
before=$(systemctl show -P MainPID together-old.service)
reload update/reload
succeeds update/active until_true 60 state_is active
succeeds update/restarted [ "$before" != "$(systemctl show -P MainPID together-old.service)" ]

# --- varmord comes and goes ------------------------------------------------------------------------------------------
succeeds killed/came-back kill_varmord
expect killed/state active policy_state together
expect killed/apparmor failed serve together-old cat $t/apparmor
systemctl stop varmord.service
succeeds stopped/start start_unit together-new
expect stopped/apparmor failed serve together-new cat $t/apparmor
expect stopped/seccomp failed serve together-new chroot / true
systemctl start varmord.service
wait_for_varmord
succeeds started/active until_true 30 state_is active

# --- and goes --------------------------------------------------------------------------------------------------------
mode=AlwaysAllow together
reload allow/reload
expect allow/drop-in 0 dropins together-new
succeeds allow/start start_unit together-new
says allow/label '^unconfined' label_of together-new
expect allow/apparmor ok serve together-new cat $t/apparmor
expect allow/seccomp ok serve together-new chroot / true
together
reload again/reload
succeeds again/start start_unit together-new
expect again/seccomp failed serve together-new chroot / true
unpolicy together
reload gone/reload
expect gone/drop-in 0 dropins together-new
expect gone/profile 0 grep -c $profile /sys/kernel/security/apparmor/profiles
expect gone/filter "" find /run/varmor/seccomp -type l
succeeds gone/start start_unit together-new
expect gone/apparmor ok serve together-new cat $t/apparmor

# All at once, as when the package is removed.
together
reload removed/reload
systemctl stop varmord.service
succeeds removed/removes varmord --remove
expect removed/drop-in 0 dropins together-new
succeeds removed/start start_unit together-new
expect removed/seccomp ok serve together-new chroot / true
done_testing
