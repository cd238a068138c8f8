#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 90
# vm-append: lsm=landlock,lockdown,yama,apparmor
#
# What AppArmor and seccomp filters deny, as alarms, on a kernel without the BPF LSM: there are only the kernel's records. Policy and
# rule are known, the unit where it is certain, and where it is not, the alarm says so; what did not come is counted.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

d=/srv/audit
mkdir -p $d/aa
echo secret >$d/aa/key
printf 'alarms: {window: 1}\n' >/etc/varmor/varmor.yaml

audit_policy() { # NAME ENFORCER <RULES
        printf '%s\n' "apiVersion: crd.varmor.org/v1beta1" "kind: VarmorClusterPolicy" "metadata: {name: $1}" "spec:" \
                "  target: {kind: Service, name: $1.service}" "  policy:" "    enforcer: $2" "    mode: EnhanceProtect" \
                "    enhanceProtect:" "      privileged: true" "      auditViolations: true" "$(sed 's/^/      /')" >"$policies/$1.yaml"
}
unit() { # NAME COMMAND...
        printf '%s\n' "[Service]" "Type=oneshot" "${@:2}" >"/etc/systemd/system/$1.service"
}
run_unit() { # NAME
        since=${EPOCHREALTIME/./}
        systemctl start "$1.service"
}
told() { alarms -s "$since" | awk -F'\t' -v policy="$1" '$2 == policy { n += $6 } END { print n + 0 }'; }
lost() {
        journalctl -q -o json --since="@${since:0:10}" -u varmord.service |
                jq -s --arg since "$since" '[.[] | select((.__REALTIME_TIMESTAMP | tonumber) >= ($since | tonumber))
                        | select(.MESSAGE | tostring | test("^(Events from the kernel were lost|Alarms were left out)"))
                        | .VARMOR_COUNT | tonumber] | add // 0'
}
accounted() { # POLICY WANTED
        [ $(($(told "$1") + $(lost))) -eq "$2" ]
}
shown() { alarms -s "$since" | cut -f 1-5,7-9 | sort -u | tr '\t' ' '; }

audit_policy aa AppArmor <<T
bpfRawRules: {files: [{pattern: "$d/aa/**", permissions: [r, w]}]}
T
audit_policy sc Seccomp <<T
syscallRawRules:
- {names: [socket], action: SCMP_ACT_ERRNO, args: [{index: 0, value: 17, op: SCMP_CMP_EQ}]}
- {names: [socket], action: SCMP_ACT_ERRNO, args: [{index: 0, value: 16, op: SCMP_CMP_EQ}]}
- {names: [mount], action: SCMP_ACT_ERRNO}
T
unit aa "ExecStart=-/bin/cat $d/aa/key"
unit sc "ExecStart=$progs/filter -c 2 41=17:3"
until_true 20 varmord_is_up
fails bpf/missing grep -q bpf /sys/kernel/security/lsm
varmorctl reload >/dev/null 2>&1
until_true 20 test -s /run/varmor/bound

# Gone when the record is read: AppArmor's profile says whose rule it is, and a filter's record nothing but the call.
run_unread() { # NAME
        signal_varmord STOP
        run_unit "$1"
        signal_varmord CONT
}
run_unread aa
until_true 15 alarm_says "$d/aa/key"
shown >"$scratch/aa"
comment_file "$scratch/aa"
says gone/apparmor "^DENIED aa files\[0\] open $d/aa/key - read AppArmor" cat "$scratch/aa"
run_unread sc
until_true 15 accounted sc 2
shown >"$scratch/sc"
comment_file "$scratch/sc"
says gone/seccomp '^DENIED sc syscallRawRules.0.,.x20syscallRawRules.1. syscall socket - - Seccomp' cat "$scratch/sc"
says gone/says-so 'in a unit that is not known' journalctl -q -o cat --since="@${since:0:10}" -u varmord.service

# Still there: it is certain.
unit aa "ExecStart=/bin/sh -c 'sleep 0.3; while read -r _; do :; done <$d/aa/key; sleep 4'"
unit sc "ExecStart=/bin/sh -c 'sleep 0.3; mount -t tmpfs none /mnt; sleep 4'" "ExecStart=$progs/filter -p 4 -c 2 41=16:3"
systemctl daemon-reload
run_unit aa
until_true 15 alarm_says "$d/aa/key"
shown >"$scratch/aa"
comment_file "$scratch/aa"
says there/apparmor "^DENIED aa files\[0\] open $d/aa/key aa.service read AppArmor" cat "$scratch/aa"
run_unit sc
until_true 15 alarm_says 'socket'
shown >"$scratch/sc"
comment_file "$scratch/sc"
says there/seccomp 'syscall socket sc.service - Seccomp' cat "$scratch/sc"

# A filter of somebody else's, of a call that no policy speaks of.
since=${EPOCHREALTIME/./}
filter errno 39 "$progs/filter" -c 2 39 >/dev/null
sleep 1
expect others/no-alarm '' shown

flood_case() { # NAME POLICY NUMBER COMMAND
        unit "$2" "ExecStart=-$4"
        systemctl daemon-reload
        run_unit "$2"
        succeeds "$1/accounted" until_true 40 accounted "$2" "$3"
        comment "$1: $(told "$2") told, $(lost) lost"
}
flood_case flood-seccomp sc 5000 "$progs/filter -c 5000 41=17:3"
flood_case flood-apparmor aa 2000 "$progs/flood -n 2000 same $d/aa"
journalctl -q -b -k -o cat | grep audit_lost | tail -n 3 >"$scratch/lost"
comment_file "$scratch/lost"

# Where the kernel does not give its records to varmord, the journal's stand in.
mkdir -p /etc/systemd/system/varmord.service.d
printf '[Service]\nCapabilityBoundingSet=~CAP_AUDIT_READ\n' >/etc/systemd/system/varmord.service.d/no-audit.conf
systemctl daemon-reload
systemctl restart varmord.service
until_true 20 varmord_is_up
says journal/says-so 'by way of the journal.*audit_read' journalctl -q -b -o cat -u varmord.service
unit aa "ExecStart=-/bin/cat $d/aa/key"
unit sc "ExecStart=$progs/filter -p 2 -c 2 41=16:3"
systemctl daemon-reload
run_unit aa
until_true 15 alarm_says "$d/aa/key"
shown >"$scratch/aa"
comment_file "$scratch/aa"
says journal/apparmor "^DENIED aa files\[0\] open $d/aa/key - read AppArmor" cat "$scratch/aa"
expect journal/apparmor-once 1 told aa
run_unit sc
until_true 15 alarm_says socket
shown >"$scratch/sc"
comment_file "$scratch/sc"
says journal/seccomp 'syscall socket [^ ]* - Seccomp' cat "$scratch/sc"
# The kernel counts what it could not keep for auditd, too: no fewer than were lost.
unit sc "ExecStart=-$progs/filter -c 1000 41=17:3"
systemctl daemon-reload
run_unit sc
none_missing() { [ "$(told sc)" -gt 0 ] && [ "$(told sc)" -le 1000 ] && [ $(($(told sc) + $(lost))) -ge 1000 ]; }
succeeds journal/flood until_true 40 none_missing
comment "journal/flood: $(told sc) told, $(lost) lost"
comment "$SECONDS s"
done_testing
