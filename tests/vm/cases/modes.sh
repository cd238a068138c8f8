#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-takes: 25
#
# What decides beside the rule itself: the disposition, targets of rules, overlapping policies, changes under a running process,
# and the switch of modes.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

t=/srv/m
mkdir -p $t/bin

# --- allowViolations and auditViolations: four cells -----------------------------------------------------------------
cell() { # NAME allowViolations auditViolations
        policy "$1" <<T
allowViolations: $2
auditViolations: $3
bpfRawRules:
  files:
  - {pattern: "$t/cell/plain/**", permissions: [r], qualifiers: [deny]}
  - {pattern: "$t/cell/both/**", permissions: [r], qualifiers: [deny, audit]}
  - {pattern: "$t/cell/audit/**", permissions: [r], qualifiers: [audit]}
T
}
cell cell-block false false
cell cell-block-tell false true
cell cell-pass-tell true true
cell cell-pass true false
reload reload-cells
mkdir -p $t/cell/{plain,both,audit,free}
for name in plain both audit free; do echo x >$t/cell/$name/a; done

cell_table() { # RESULT-PLAIN RESULT-BOTH
        cat <<T
plain | ok | $1 | | open $t/cell/plain/a r
both | ok | $2 | | open $t/cell/both/a r
audit | ok | ok | | open $t/cell/audit/a r
free | ok | ok | | open $t/cell/free/a r
T
}
cell_alarms() { # UNIT: ACTION:RULE of each alarm, in order
        alarms -s "$since" -u "$1.service" -p "$1" | cut -f 1,3 --output-delimiter=: | sort -u | paste -sd ' '
}
cell_check() { # NAME RESULT-PLAIN RESULT-BOTH ALARMS
        local got end=$((SECONDS + 20))
        cell_table "$2" "$3" >"$scratch/table"
        with "$scratch/table" "system.slice/$1.service" "$1"
        while got=$(cell_alarms "$1") && [ "$got" != "$4" ] && [ $SECONDS -lt $end ]; do sleep 0.3; done
        if [ "$got" = "$4" ]; then ok "$1/alarms"; else not_ok "$1/alarms" "'$got', expected '$4'"; fi
}
cell_check cell-block EACCES@open EACCES@open "AUDIT:files[2] DENIED:files[1]"
cell_check cell-block-tell EACCES@open EACCES@open "AUDIT:files[2] DENIED:files[0] DENIED:files[1]"
cell_check cell-pass-tell ok ok "AUDIT:files[0] AUDIT:files[1] AUDIT:files[2]"
cell_check cell-pass ok ok "AUDIT:files[1] AUDIT:files[2]"

# --- targets: rules for some executables and what these execute ------------------------------------------------------
cp $progs/attempt $t/bin/interpreter
cp $progs/attempt $t/bin/other
mkdir -p $t/targets && echo x >$t/targets/a
cat >"$scratch/table" <<T
target | ok | exit:1@exec | | exec $t/bin/interpreter read $t/targets/a
target-neighbour | ok | ok | | exec $t/bin/interpreter read $t/cell/free/a
target-not-this-one | ok | ok | | exec $t/bin/other read $t/targets/a
target-child | ok | exit:1@exec | | exec $t/bin/interpreter exec $t/bin/other read $t/targets/a
target-grandchild | ok | exit:1@exec | | exec $t/bin/interpreter exec $t/bin/other exec $t/bin/other read $t/targets/a
target-not-its-parent | ok | ok | | exec $t/bin/other exec $t/bin/interpreter read $t/cell/free/a ; read $t/targets/a
target-thread | ok | exit:1@exec | | exec $t/bin/interpreter thread read $t/targets/a
target-fork | ok | exit:1@exec | | exec $t/bin/interpreter fork read $t/targets/a
target-executed-by-thread | ok | exit:1@execthread | | execthread $t/bin/interpreter read $t/targets/a
target-socket | ok | exit:1@exec | | exec $t/bin/interpreter sock inet6 stream
target-socket-neighbour | ok | ok | | exec $t/bin/interpreter sock inet stream
target-socket-child | ok | exit:1@exec | | exec $t/bin/interpreter exec $t/bin/other sock inet6 stream
target-socket-not-this-one | ok | ok | | exec $t/bin/other sock inet6 stream
target-built-in | exit:2@exec | exit:1@exec | | exec $t/bin/interpreter exec $t/bin/wget -h
target-built-in-not-this-one | exit:2@exec | exit:2@exec | | exec $t/bin/wget -h
T
cp $progs/hammer $t/bin/wget
sed -i 's/^target-built-in | exit:2/target-built-in | exit:1/' "$scratch/table" # attempt prints the 2, and exits with 1
without "$scratch/table"
policy target <<T
attackProtectionRules:
- {rules: [disable-wget, disable-inet6], targets: ["$t/bin/interpreter"]}
bpfRawRules:
  files:
  - {pattern: "$t/targets/**", permissions: [r], qualifiers: [deny], targets: ["$t/bin/inter*"]}
T
reload reload-targets
with "$scratch/table" system.slice/target.service
cat >"$scratch/table" <<T
target | ok | ok | | | files[0] open $t/targets/a
target-built-in | ok | ok | | | disable-wget exec $t/bin/wget
target-socket | ok | ok | | | disable-inet6 socket inet6\x20stream\x20tcp
T
alarms_in "$scratch/table" target.service target

# --- overlapping policies: any denies, each tells --------------------------------------------------------------------
mkdir -p $t/over && echo x | tee $t/over/{a,b,c,d} >/dev/null
cat >"$scratch/table" <<T
over-first | ok | EACCES@open | | open $t/over/a r
over-second | ok | EACCES@open | | open $t/over/b r
over-both | ok | EACCES@open | | open $t/over/c r
over-neither | ok | ok | | open $t/over/d r
T
without "$scratch/table"
policy over-unit '{kind: Service, name: over.service}' <<T
bpfRawRules: {files: [{pattern: "$t/over/{a,c}", permissions: [r], qualifiers: [deny]}]}
T
policy over-glob '{kind: Service, name: "ov*.service"}' <<T
bpfRawRules: {files: [{pattern: "$t/over/{b,c}", permissions: [r], qualifiers: [deny]}]}
T
policy over-slice '{kind: Slice, name: over.slice}' <<T
bpfRawRules: {files: [{pattern: "$t/over/a", permissions: [r], qualifiers: [deny]}]}
T
policy over-cgroup '{kind: Cgroup, name: /over.slice/made/by/hand}' <<T
bpfRawRules: {files: [{pattern: "$t/over/b", permissions: [r], qualifiers: [deny]}]}
T
reload reload-overlap
with "$scratch/table" system.slice/over.service
sleep 1
for policy in over-unit over-glob; do
        says over-alarm-$policy "DENIED.$policy.*$t/over/c" alarms -s "$since" -u over.service
done
says over-targets 'over-unit' varmorctl targets
says over-targets-too 'over-glob' varmorctl targets
expect over-slice EACCES@open attempt -c over.slice/any.service open $t/over/a r
expect over-slice-itself EACCES@open attempt -c over.slice open $t/over/a r
expect over-slice-neighbour ok attempt -c over.slice/any.service open $t/over/b r
expect over-cgroup EACCES@open attempt -c over.slice/made/by/hand open $t/over/b r
expect over-cgroup-and-slice EACCES@open attempt -c over.slice/made/by/hand open $t/over/a r
expect over-cgroup-below EACCES@open attempt -c over.slice/made/by/hand/and/below open $t/over/b r
expect over-cgroup-beside ok attempt -c over.slice/made/by/hands open $t/over/b r
expect over-glob-other-name ok attempt -c system.slice/cover.service open $t/over/b r

# --- a process that runs already -------------------------------------------------------------------------------------
mkdir -p $t/live && echo x | tee $t/live/{a,b,held} >/dev/null
(attempt -c system.slice/live.service take $t/live/held r ';' await $t/live/first ';' read $t/live/b ';' use ';' read $t/live/a >"$scratch/live") &
live=$!
(attempt -c system.slice/live.service await $t/live/first ';' await $t/live/second ';' read $t/live/a >"$scratch/live2") &
live2=$!
sleep 0.5
policy live <<T
bpfRawRules: {files: [{pattern: "$t/live/{a,held}", permissions: [r], qualifiers: [deny]}]}
T
reload reload-live
touch $t/live/first
wait $live
expect live/denied EACCES@read cat "$scratch/live" # and what it held before stays with it
unpolicy live
reload reload-without-live
touch $t/live/second
wait $live2
expect live/allowed-again ok cat "$scratch/live2"

# --- AlwaysAllow and back --------------------------------------------------------------------------------------------
for round in 1 2; do
        succeeds mode/allow-$round varmorctl mode over-unit AlwaysAllow
        expect mode/allowed-$round ok attempt -c system.slice/over.service open $t/over/a r
        expect mode/other-policy-stays-$round EACCES@open attempt -c system.slice/over.service open $t/over/b r
        succeeds mode/protect-$round varmorctl mode over-unit EnhanceProtect
        expect mode/denied-$round EACCES@open attempt -c system.slice/over.service open $t/over/a r
done
done_testing
