#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.1
# vm-takes: 110
#
# Denials as fast as loops can make them, all alike and all different, by one process, by several, and by one for each: what
# varmord takes stays within bounds, every denial is in the journal, by an alarm's count or as one of so many that were left
# out, what somebody else is denied meanwhile is told, and the denied process is not slowed down by what is told of it.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

d=/srv/flood
mkdir -p $d/{quiet,told} /sys/fs/cgroup/system.slice/{flood,calm}.service
echo secret | tee $d/told/key $d/told/other >/dev/null
printf 'alarms: {window: 2}\n' >/etc/varmor/varmor.yaml
few=10000 # tries of each of four processes
[ -z "${VARMOR_TEST_LONG:-}" ] || few=25000

field() { # NAME LINE
        sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" <<<"$2"
}
cpu_ms() { # of varmord so far, its children not counted
        awk '{ print ($14 + $15) * 1000 / 100 }' "/proc/$(main_pid)/stat"
}
rss() { sed -n 's/^VmRSS:\s*\([0-9]*\).*/\1/p' "/proc/$(main_pid)/status"; }
counted() { # UNIT: what alarms since $since say of it
        alarms -s "$since" -u "$1" | awk -F'\t' '{ n += $6 } END { print n + 0 }'
}
left_out() { # what varmord says since $since that it could not tell: lost, limited, dropped
        journalctl -q -o json --since="@${since:0:10}" -u varmord.service |
                jq -s --arg since "$since" '[.[] | select((.__REALTIME_TIMESTAMP | tonumber) >= ($since | tonumber))
                        | select(.MESSAGE | tostring | test("^(Events from the kernel were lost|Alarms were left out|Journal entries were dropped)"))
                        | .VARMOR_COUNT | tonumber] | add // 0'
}
accounted() { # WANTED: all of them, and not one more
        [ $(($(counted flood.service) + $(counted calm.service) + $(left_out))) -eq "$1" ]
}
settled() { # nothing has been told for a while
        local before
        before=$(counted flood.service)+$(left_out)
        sleep 4
        [ "$before" = "$(counted flood.service)+$(left_out)" ]
}

rules() {
        cat <<T
auditViolations: false
bpfRawRules:
  files:
  - {pattern: "$d/quiet/**", permissions: [r, w], qualifiers: [deny]}
  - {pattern: "$d/told/**", permissions: [r, w], qualifiers: [deny, audit]}
T
}
rules | policy flood
rules | policy calm
says without 'denied=0 other=10' flood -n 10 each $d/told
rm -f $d/told/*-*
since=${EPOCHREALTIME/./}
reload reload || { done_testing; exit; }

# --- what it costs to be denied ------------------------------------------------------------------------------------------
# Interleaved, the median of five; processor time of the one who is denied.
measure() { # HOW DIR...: a median for each DIR
        local how=$1 dir round line
        shift
        for round in 1 2 3 4 5; do
                for dir in "$@"; do
                        line=$(flood -c system.slice/flood.service -n 3000 "$how" $d/"$dir")
                        [ "$(field denied "$line")" = 3000 ] || not_ok "cost/$how-$dir-$round" "$line"
                        field cpu_ns "$line" >>"$scratch/$how-$dir"
                done
        done
        for dir in "$@"; do sort -n "$scratch/$how-$dir" | sed -n 3p; done
}
within() { # NAME HUNDREDTHS QUIET TOLD
        local ratio=$((100 * $4 / $3))
        comment "$1: $3 ns quiet, $4 ns told: $((ratio / 100)).$(printf %02d $((ratio % 100)))"
        if [ $ratio -le "$2" ]; then ok "$1"; else not_ok "$1" "$4 ns where a quiet denial takes $3 ns"; fi
}
measure same quiet told >"$scratch/same"
within cost/same 200 $(cat "$scratch/same")
measure each quiet told >"$scratch/each"
within cost/each 400 $(cat "$scratch/each")

# --- floods --------------------------------------------------------------------------------------------------------------
calm() { # NAME: somebody else is denied something, in another unit and in the same one
        printf '%s | ok | EACCES@read | | read %s | files[1] open %s\n' "$1" $d/told/key $d/told/key >"$scratch/calm"
        expect "$1/calm-denied" EACCES@read attempt -c system.slice/calm.service read $d/told/key
        expect "$1/same-unit-denied" EACCES@read attempt -c system.slice/flood.service read $d/told/other
}
told() { # NAME: the alarm about that comes through
        verdicts "calm-alarm/" < <(alarms -s "$since" -u calm.service -w 20 -f "$scratch/calm")
}
all_told() { # NAME TRIES
        expect "$1/all-denied" "$2" field denied "$(cat "$scratch/flood")"
        comment "$1: $(cat "$scratch/flood")"
        succeeds "$1/accounted" until_true 30 accounted $(($2 + 2))
}
flood_case() { # NAME TRIES ARGS...
        local name=$1 tries=$2 cpu rss_before pid ms
        shift 2
        until_true 30 settled
        since=${EPOCHREALTIME/./}
        cpu=$(cpu_ms) rss_before=$(rss)
        flood -c system.slice/flood.service "$@" $d/told >"$scratch/flood" &
        pid=$!
        sleep 1
        calm "$name"
        told
        wait $pid
        ms=$(((${EPOCHREALTIME/./} - since) / 1000)) cpu=$(($(cpu_ms) - cpu))
        all_told "$name" "$tries"
        comment "$name: $(counted flood.service) in alarms, $(left_out) left out; varmord: $cpu ms of processor in $ms ms, VmRSS $rss_before kB, then $(rss) kB"
        succeeds "$name/processor" [ $((2 * cpu)) -lt "$ms" ]
        succeeds "$name/memory" [ "$(rss)" -lt $((rss_before + 16384)) ]
}
flood_case same $((4 * few)) -j 4 -n $few same
flood_case each $((4 * few)) -j 4 -n $few each
flood_case forks $((4 * few / 25)) -j 4 -n $((few / 25)) -f each

# While nobody reads: there is room for others, however long it lasts, and nothing is told twice afterwards.
until_true 30 settled
systemctl stop varmord.service
since=${EPOCHREALTIME/./}
flood -c system.slice/flood.service -j 4 -n $((few * 2 / 5)) each $d/told >"$scratch/flood"
calm stopped
systemctl start varmord.service
until_true 60 varmord_is_up
told
all_told stopped $((4 * few * 2 / 5))
comment "stopped: $(counted flood.service) in alarms, $(left_out) left out"
done_testing
