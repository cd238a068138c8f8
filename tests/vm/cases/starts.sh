#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 45
#
# A thousand starts whose first action is the forbidden one: none succeeds. 50 are units of a template that systemd starts,
# the rest processes that a program clones into cgroups it made that moment. The same while varmord is
# stopped, and while policies are reloaded all the time.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

mkdir -p /srv/starts /run/systemd/system
echo secret >/srv/starts/key
echo public >/srv/starts/page
cp $progs/hammer /srv/starts/tool
cat >/run/systemd/system/start@.service <<T
[Service]
Type=oneshot
ExecStart=$progs/starter -o /run/starts-%i /srv/starts/key /srv/starts/page
T
systemctl daemon-reload
# What systemd has to do for fifty units is not ours to wait for one by one.
units=$(printf 'start@%d.service ' {1..50})

batch() { # NAME COUNT: one round of COUNT clones, and the fifty units
        local line
        line=$(starter -n "$2" -j 4 -t 'system.slice/start@c%d.service' /srv/starts/key /srv/starts/page)
        comment "$1: $line"
        if [[ $line == "started=$2 succeeded=0 denied=$2 other=0 neighbour=$2 "* ]]; then ok "$1/clones"; else not_ok "$1/clones" "$line"; fi
        line=$(starter -n 100 -j 4 -x -t 'system.slice/start@x%d.service' /srv/starts/tool /srv/starts/page)
        if [[ $line == "started=100 succeeded=0 denied=100 other=0 neighbour=100 "* ]]; then ok "$1/executions"; else not_ok "$1/executions" "$line"; fi
        rm -f /run/starts-*
        # shellcheck disable=SC2086
        systemctl start $units
        line=$(cat /run/starts-* 2>/dev/null | sort | uniq -c | tr -s ' \n' ' ')
        if [ "$line" = " 50 denied " ]; then ok "$1/units"; else
                not_ok "$1/units" "$line"
                journalctl -q -b -u 'start@*.service' -p warning -n 20 -o short-monotonic --no-hostname >"$scratch/log"
                comment_file "$scratch/log"
        fi
}

# Without the policy each of them gets at the file.
line=$(starter -n 20 -t 'system.slice/start@c%d.service' /srv/starts/key /srv/starts/page)
if [[ $line == "started=20 succeeded=20 "* ]]; then ok without/clones; else not_ok without/clones "$line"; fi
systemctl start start@1.service start@2.service
expect without/units "succeeded" sort -u /run/starts-1 /run/starts-2

policy starts '{kind: Service, name: "start@*.service"}' <<T
bpfRawRules:
  files: [{pattern: /srv/starts/key, permissions: [r], qualifiers: [deny]}]
  processes: [{pattern: /srv/starts/tool, permissions: [x], qualifiers: [deny]}]
T
reload reload
since=${EPOCHREALTIME/./}
batch plain 850
# Of a thousand alarms at once some may be left out, which is counted; what comes after them is told.
told() { # UNIT: start it, and look for the alarm
        systemctl start "$1"
        sleep 0.5
        alarms -s "$since" -u "$1" | grep -q 'DENIED.starts.files\[0\].open./srv/starts/key'
}
counted=(busctl get-property org.varmor1 /org/varmor1 org.varmor1.Manager LostEvents LimitedAlarms UnwrittenAlarms)
succeeds alarm/unit until_true 60 told start@51.service
comment "alarms: $(alarms -s "$since" | wc -l); lost, limited, unwritten: $("${counted[@]}" | paste -sd ' ')"
expect no-label/neighbour "started=5 succeeded=5" cut -d ' ' -f 1,2 <(starter -n 5 -t 'system.slice/other@%d.service' /srv/starts/key /srv/starts/page)

# While the daemon is stopped, the kernel does it all.
succeeds stopped/stopped signal_varmord STOP
batch stopped 850
signal_varmord CONT
succeeds stopped/goes-on until_true 20 varmord_is_up

# While policies are reloaded, with something new in them each time.
touch "$scratch/reloading"
(
        n=0
        while [ -e "$scratch/reloading" ]; do
                n=$((n + 1))
                echo "bpfRawRules: {files: [{pattern: /srv/nothing/$n, permissions: [r], qualifiers: [deny]}]}" | policy noise-$((n % 5))
                varmorctl reload >/dev/null 2>&1 || echo "$n" >>"$scratch/reload-failed"
                echo "$n" >"$scratch/reloads"
        done
) &
loop=$!
batch reloading 850
rm "$scratch/reloading"
wait $loop
comment "reloads meanwhile: $(cat "$scratch/reloads")"
succeeds reloading/loop-ran [ "$(cat "$scratch/reloads")" -ge 3 ]
succeeds reloading/no-reload-failed [ ! -e "$scratch/reload-failed" ]
done_testing
