#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.1
# vm-takes: 60
# vm-append: audit_backlog_limit=64
#
# What AppArmor and seccomp filters deny, as alarms, with BPF programs that say whom it concerns: policy, rule and unit of processes
# that are gone at once, beside somebody else who reads the same records, one alarm of what two enforcers report, and floods of
# which each denial is told, or counted as lost.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

d=/srv/audit
mkdir -p $d/{aa,both,free}
echo secret | tee $d/{aa,both,free}/key >/dev/null
printf 'alarms: {window: 1}\n' >/etc/varmor/varmor.yaml

audit_policy() { # NAME ENFORCER <RULES
        printf '%s\n' "apiVersion: crd.varmor.org/v1beta1" "kind: VarmorClusterPolicy" "metadata: {name: $1}" "spec:" \
                "  target: {kind: Service, name: $1.service}" "  policy:" "    enforcer: $2" "    mode: EnhanceProtect" \
                "    enhanceProtect:" "      privileged: true" "$(sed 's/^/      /')" >"$policies/$1.yaml"
}
unit() { # NAME COMMAND...: a service that ends when its commands have
        printf '%s\n' "[Service]" "Type=oneshot" "RemainAfterExit=no" "${@:2}" >"/etc/systemd/system/$1.service"
}
run_unit() { # NAME
        since=${EPOCHREALTIME/./}
        systemctl start "$1.service"
}
told() { # UNIT: what alarms since $since say of it
        alarms -s "$since" -u "$1" | awk -F'\t' '{ n += $6 } END { print n + 0 }'
}
lost() { # what varmord says since $since that was lost or left out
        journalctl -q -o json --since="@${since:0:10}" -u varmord.service |
                jq -s --arg since "$since" '[.[] | select((.__REALTIME_TIMESTAMP | tonumber) >= ($since | tonumber))
                        | select(.MESSAGE | tostring | test("^(Events from the kernel were lost|Alarms were left out)"))
                        | .VARMOR_COUNT | tonumber] | add // 0'
}
accounted() { # UNIT WANTED
        [ $(($(told "$1") + $(lost))) -eq "$2" ]
}
shown() { # UNIT: the alarms since $since, in columns
        alarms -s "$since" -u "$1" | cut -f 1-5,7-9 | sort -u | tr '\t' ' '
}

audit_policy aa AppArmor <<T
auditViolations: true
bpfRawRules: {files: [{pattern: "$d/aa/**", permissions: [r, w]}], capabilities: [sys_time]}
T
audit_policy both AppArmorBPF <<T
allowViolations: true
auditViolations: true
bpfRawRules: {files: [{pattern: "$d/both/**", permissions: [r]}]}
T
audit_policy sc Seccomp <<T
auditViolations: true
syscallRawRules:
- {names: [socket], action: SCMP_ACT_ERRNO, args: [{index: 0, value: 17, op: SCMP_CMP_EQ}]}
- {names: [socket], action: SCMP_ACT_ERRNO, args: [{index: 0, value: 16, op: SCMP_CMP_EQ}]}
T
unit aa "ExecStart=-/bin/cat $d/aa/key" "ExecStart=/bin/cat $d/free/key" "ExecStart=-/bin/mkdir $d/aa/new" "ExecStart=-/bin/date -s now"
unit both "ExecStart=/bin/cat $d/both/key" "ExecStart=/bin/cat $d/both/key"
unit sc "ExecStart=$progs/filter -c 3 41=17:3" "ExecStart=$progs/filter -c 2 41=16:3" "ExecStart=$progs/filter -c 1 41=2:1"
unit free "ExecStart=/bin/cat $d/aa/key" "ExecStart=$progs/filter -c 1 41=17:3:3"

succeeds without/aa systemctl start aa.service
succeeds without/mkdir rmdir $d/aa/new
succeeds reload varmorctl reload
until_true 20 test -s /run/varmor/bound
varmorctl status >"$scratch/status"
comment_file "$scratch/status"
records 1000 >"$scratch/records" &
reader=$!
sleep 0.3

# --- one after the other ---------------------------------------------------------------------------------------------------
run_unit aa
until_true 15 alarm_says 'capable'
until_true 5 alarm_says 'mkdir'
shown aa.service >"$scratch/aa"
comment_file "$scratch/aa"
says aa/open "^DENIED aa files\[0\] open $d/aa/key aa.service read AppArmor" cat "$scratch/aa"
says aa/mkdir "^DENIED aa files\[0\] mkdir $d/aa/new aa.service write AppArmor" cat "$scratch/aa"
says aa/capable "^DENIED aa capabilities capable sys_time aa.service - AppArmor" cat "$scratch/aa"
says aa/neighbour secret journalctl -q -o cat -u aa.service

run_unit sc
until_true 15 accounted sc.service 5
shown sc.service >"$scratch/sc"
comment_file "$scratch/sc"
says sc/first '^DENIED sc syscallRawRules\[0\] syscall socket sc.service - Seccomp' cat "$scratch/sc"
says sc/second '^DENIED sc syscallRawRules\[1\] syscall socket sc.service - Seccomp' cat "$scratch/sc"
expect sc/each-once 5 told sc.service
says sc/neighbour 'denied=0 of=1' journalctl -q -o cat -u sc.service

run_unit both
opens() { alarms -s "$since" -u both.service | awk -F'\t' '$4 == "open" { n += $6 } END { print n + 0 }'; }
until_true 15 alarm_says 'AppArmor.x20BPF'
sleep 2 # for what must not come
shown both.service >"$scratch/both"
comment_file "$scratch/both"
says both/one-alarm "^AUDIT both files\[0\] open $d/both/key both.service read AppArmor.x20BPF" cat "$scratch/both"
expect both/each-once 2 opens

since=${EPOCHREALTIME/./}
systemctl start free.service
sleep 1
expect free/no-alarm 0 told free.service

# By hand, somewhere else: the profile says whose rule it is, and BPF where it happened; and a filter that is not ours.
aa-exec -p varmor.aa cat $d/aa/key >/dev/null 2>&1
filter errno 41=17 "$progs/filter" -c 2 41=17:3 >/dev/null
until_true 10 alarm_says "aa.*$d/aa/key"
alarms -s "$since" | grep -v "	aa.service	" | cut -f 1-5,7-9 | tr '\t' ' ' >"$scratch/hand"
comment_file "$scratch/hand"
says hand/unit "^DENIED aa .* open $d/aa/key guest-command.service read AppArmor" cat "$scratch/hand"
fails hand/not-ours grep -q Seccomp "$scratch/hand"

# --- beside somebody who reads the same ---------------------------------------------------------------------------------------
kill $reader
expect reader/seccomp 7 grep -c '^1326' "$scratch/records"
says reader/apparmor "^1400.*apparmor=\"DENIED\" operation=\"open\".*name=\"$d/aa/key\"" cat "$scratch/records"
fails reader/nothing-lost grep -q '^!' "$scratch/records"

# --- floods ---------------------------------------------------------------------------------------------------------------------
flood_case() { # NAME UNIT NUMBER COMMAND
        local before
        until_true 10 fails_quietly pgrep -x filter
        before=$(awk '{ print ($14 + $15) * 10 }' "/proc/$(main_pid)/stat")
        unit "$2" "ExecStart=-$4"
        systemctl daemon-reload
        run_unit "$2"
        succeeds "$1/accounted" until_true 40 accounted "$2.service" "$3"
        journalctl -q -b -k -o cat | grep audit_lost | tail -n 1 >"$scratch/lost"
        comment_file "$scratch/lost"
        comment "$1: $(told "$2.service") told, $(lost) lost, varmord $(($(awk '{ print ($14 + $15) * 10 }' "/proc/$(main_pid)/stat") - before)) ms"
        [ "$(told "$2.service")" -gt 0 ] || not_ok "$1/told" "nothing"
}
flood_case flood-seccomp-same sc 5000 "$progs/filter -c 5000 41=17:3"
flood_case flood-seccomp-each sc 5000 "$progs/filter -c 5000 41=17:+"
flood_case flood-apparmor-same aa 2000 "$progs/flood -n 2000 same $d/aa"
flood_case flood-apparmor-each aa 2000 "$progs/flood -n 2000 each $d/aa"
comment "$SECONDS s"
done_testing
