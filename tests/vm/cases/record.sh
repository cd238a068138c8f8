#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 110
#
# Recordings are complete: ten thousand different operations at speed are all in the model, over a varmord that is killed and a systemd that
# executes itself anew, two recordings at once keep apart, what there was no room for is counted exactly, and when nothing records
# nothing is attached for it.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh
. /mnt/tests/lib/survive.sh # kill_varmord()

attached() { # the names of our programs that have a link, whoever holds it
        jq -rn --slurpfile p <(bpftool -j prog show) --slurpfile l <(bpftool -j link show) '
                ($p[0] | map({key: (.id | tostring), value: (.name // "")}) | from_entries) as $name |
                [$l[0][] | $name[.prog_id | tostring] // "" | select(startswith("va_"))] | sort | join(" ")'
}
core="va_attach va_exec_begin va_exec_check va_exec_end va_mkdir va_rmdir va_task_alloc"
is_idle() { # nothing but what knows which cgroups there are
        local name
        for name in $(attached); do [[ " $core " == *" $name "* ]] || return; done
}

recording() { # NAME MINUTES
        printf '%s\n' "apiVersion: crd.varmor.org/v1beta1" "kind: VarmorClusterPolicy" "metadata: {name: $1}" "spec:" \
                "  target: {kind: Service, name: \"$1*.service\"}" "  policy:" "    enforcer: BPF" "    mode: BehaviorModeling" \
                "    modelingOptions: {duration: $2}" >"$policies/.$1.new"
        mv "$policies/.$1.new" "$policies/$1.yaml"
}

# start NAME FILES EXECS ADDRESSES: NAME.service, which waits for a line on the descriptor $to.
declare -A to done_of
start() {
        local fd
        "$progs/distinct" prepare "/run/d-$1" "$2" "$3"
        mkfifo "/run/$1.in"
        exec {fd}<>"/run/$1.in"
        to[$1]=$fd
        systemd-run -q --unit="$1" -p RemainAfterExit=yes -p StandardInput="file:/run/$1.in" -p StandardOutput="file:/run/$1.out" \
                "$progs/distinct" work "/run/d-$1" "$2" "$3" "$4" "$victim"
}
go() { echo go >&"${to[$1]}"; }
has_worked() { [ "$(systemctl show -P SubState "$1")" = exited ]; }

state_is() { [ "$(policy_state "$1")" = "$2" ]; }

# found NAME: what the model has of what was done, "KIND NUMBER" as distinct prints it.
found() {
        jq -r --arg dir "/run/d-$1" --arg exe "$progs/distinct" '.ops as $o |
                "file \([$o.file[] | select(.path | test("^" + $dir + "/f[0-9]{5}$"))] | length)",
                "exec \([$o.exec[]? | select(.by == $exe and (.path | startswith($dir + "/x")))] | length)",
                "egress \([$o.egress[]? | select(.family == "inet" and .port == 9)] | length)",
                "socket \($o.socket | length)",
                "signal \([$o.signal[]? | select(.outside)] | length)"' "/var/lib/varmor/models/$1.json"
}
lost() { # NAME KIND
        jq -r --arg kind "$2" '[.sources[].lost[$kind] // 0] | add' "/var/lib/varmor/models/$1.json"
}
accounted() { # NAME: the same, with what was lost
        local kind n
        while read -r kind n; do echo "$kind $((n + $(lost "$1" "$kind")))"; done < <(found "$1")
}

"$progs/distinct" victim &
victim=$!
before=$(attached)
comment "attached: ${before:-nothing}"

# ---- three recordings --------------------------------------------------------------------------------------------------------

start many 7000 60 2902
start also 600 10 300
start flood 20000 0 0
for name in many also flood; do recording $name 9; done
reload recording/reload
began=$SECONDS
for name in many also flood; do expect "recording/$name" modeling policy_state $name; done
during=$(attached)
comment "attached while recording: $(wc -w <<<"$during")"
says recording/attached 'va_file_open.*va_socket' echo "$during"
go many
go also
sleep 1
succeeds recording/killed kill_varmord
systemctl daemon-reexec
succeeds many/worked until_true 120 has_worked many
succeeds also/worked until_true 60 has_worked also
comment "ten thousand operations: $((SECONDS - began)) s after the beginning"

# Nobody empties the ring: what does not fit is counted, and nothing else.
until_true 10 varmord_is_up
sleep 1
signal_varmord STOP
go flood
until_true 90 test -s /run/flood.out
signal_varmord CONT
# There is time enough on any machine, and it is over when a minute is.
for name in many also flood; do recording $name 1; done
reload recording/shortened
sleep $((SECONDS - began < 60 ? 60 - (SECONDS - began) : 0))
for name in many also flood; do succeeds "$name/completed" until_true 90 state_is $name completed; done

expect many/complete "true" jq .complete /var/lib/varmor/models/many.json
expect many/all-there "$(cat /run/many.out)" found many
expect also/complete "true" jq .complete /var/lib/varmor/models/also.json
expect also/all-there "$(cat /run/also.out)" found also
says flood/has-lost '^[1-9][0-9]*$' lost flood file
expect flood/exact "$(cat /run/flood.out)" accounted flood
expect flood/not-complete false jq .complete /var/lib/varmor/models/flood.json
for name in many also flood; do
        comment "$name: $(stat -c %s /var/lib/varmor/models/$name.json) bytes, $(jq -c '[.ops | to_entries[] | {key, value: (.value | length)}] | from_entries' /var/lib/varmor/models/$name.json), lost $(jq -c '[.sources[].lost]' /var/lib/varmor/models/$name.json)"
done

# ---- and after it ------------------------------------------------------------------------------------------------------------

succeeds after/nothing-attached until_true 60 is_idle
comment "attached: $(attached)"
unpolicy many also flood
reload after/reload
kill $victim
comment "$SECONDS s"
done_testing
