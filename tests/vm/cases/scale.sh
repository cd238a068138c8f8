#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 100
#
# Policies of 1 to 10 000 patterns, and many policies: they load, are enforced to the last pattern, and stay within bounds.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

mkdir -p /srv/scale && echo x | tee /srv/scale/{first,middle,last,free} >/dev/null

many() { # COUNT: write a policy with that many patterns, of the kinds that people write
        # (policy() is slow with so many lines.)
        policy scale <<<'bpfRawRules: {files: [%]}'
        awk -v n="$1" '/%/ {
                print "      bpfRawRules:\n        files:"
                for (i = 1; i <= n; i++) {
                        path = i == n ? "/srv/scale/last" : i == int(n / 2) ? "/srv/scale/middle" : i == 1 ? "/srv/scale/first" : \
                                i % 10 == 0 ? "/opt/app" i "/**" : i % 10 == 1 ? "/home/*/.config/tool" i "/*.key" : \
                                "/usr/lib/pkg" int(i / 100) "/component" i "/file" i * 7919 % 10007 ".so"
                        printf "        - {pattern: \"%s\", permissions: [r], qualifiers: [deny]}\n", path
                }
                next
        }
        { print }' $policies/scale.yaml >$policies/.scale.new
        mv $policies/.scale.new $policies/scale.yaml
}

for count in 1 100 1000 10000; do
        many $count
        start=${EPOCHREALTIME/./}
        reload $count/load || continue
        took=$((${EPOCHREALTIME/./} - start))
        expect $count/last EACCES@read attempt -c system.slice/scale.service read /srv/scale/last
        [ $count = 1 ] || expect $count/first EACCES@read attempt -c system.slice/scale.service read /srv/scale/first
        [ $count = 1 ] || expect $count/middle EACCES@read attempt -c system.slice/scale.service read /srv/scale/middle
        expect $count/free ok attempt -c system.slice/scale.service read /srv/scale/free
        start=${EPOCHREALTIME/./}
        reload $count/load-again
        comment "$count patterns: in force after $((took / 1000)) ms (with varmorctl), unchanged again $(((${EPOCHREALTIME/./} - start) / 1000)) ms," \
                "VmRSS $(sed -n 's/^VmRSS:\s*//p' "/proc/$(main_pid)/status")"
done
unpolicy scale

# Two hundred policies at once, each for a unit of its own; the last comes to the first's place.
policy many <<<'bpfRawRules: {files: [{pattern: "/srv/scale/{first,n@}", permissions: [r], qualifiers: [deny]}]}'
text=$(<$policies/many.yaml)
unpolicy many
mkdir $policies/.new
for n in {1..200}; do
        one=${text//many/many-$n}
        echo "${one//@/$n}" >"$policies/.new/many-$n.yaml"
done
mv $policies/.new/* $policies && rmdir $policies/.new
start=${EPOCHREALTIME/./}
reload policies-200/load
comment "200 policies: in force after $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
for n in 1 77 200; do
        expect policies-200/denied-$n EACCES@read attempt -c system.slice/many-$n.service read /srv/scale/first
        expect policies-200/free-$n ok attempt -c system.slice/many-$n.service read /srv/scale/free
done
start=${EPOCHREALTIME/./}
printf 'bpfRawRules: {files: [{pattern: "/srv/scale/free", permissions: [r], qualifiers: [deny]}]}\n' | policy many-77
reload policies-200/change-one
comment "one of them changed: in force after $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
expect policies-200/changed EACCES@read attempt -c system.slice/many-77.service read /srv/scale/free
unpolicy many-{1..200}
reload policies-200/unload
expect policies-200/gone ok attempt -c system.slice/many-1.service read /srv/scale/first

# Patterns that multiply states are stopped, and named.
{
        echo "bpfRawRules:"
        echo "  files:"
        for n in {1..14}; do printf '  - {pattern: "/**/dir%d/**/x%d*", permissions: [r], qualifiers: [deny]}\n' "$n" "$n"; done
} | policy exploding
start=$SECONDS
if varmorctl reload >"$scratch/answer" 2>&1; then
        comment "14 multiplying patterns fit"
        ok exploding/answer
else
        says exploding/answer 'exploding.*(state|large|too)|state' cat "$scratch/answer"
fi
succeeds exploding/in-time [ $((SECONDS - start)) -lt 120 ]
unpolicy exploding
reload exploding/without

# A flood of denials: counted, bounded, and the daemon goes on.
policy flood <<T
bpfRawRules: {files: [{pattern: /srv/scale/first, permissions: [r], qualifiers: [deny]}]}
T
reload flood/load
since=${EPOCHREALTIME/./}
mkdir -p /sys/fs/cgroup/system.slice/flood.service
hammer -s "$scratch/state" -j 2 -c system.slice/flood.service /srv/scale/first /srv/scale/free >"$scratch/hammer" &
sleep 3
hammer -s "$scratch/state" -q
wait $!
denied=$(tr ' ' '\n' <"$scratch/hammer" | sed -n 's/^denied=//p')
accounted() {
        told=$(alarms -s "$since" -u flood.service | awk -F '\t' '{n += $6} END {print n + 0}')
        figures=$(busctl -j get-property org.varmor1 /org/varmor1 org.varmor1.Manager LostEvents LimitedAlarms UnwrittenAlarms | jq -s 'map(.data) | add')
        [ $((told + figures)) -ge "$denied" ]
}
until_true 30 accounted
entries=$(alarms -s "$since" -u flood.service | wc -l)
comment "flood: $denied denials; told $told in $entries entries; lost, limited or unwritten $figures; VmRSS $(sed -n 's/^VmRSS:\s*//p' "/proc/$(main_pid)/status")"
expect flood/every-one-accounted-for "$denied" echo $((told + figures))
succeeds flood/coalesced [ "$entries" -le 100 ]
succeeds flood/daemon-answers varmorctl status
done_testing
