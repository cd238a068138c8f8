#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs in the guest (tests/bench/run): what an open, and the start of a program, cost under varmor and under AppArmor, as a
# ratio to the same with no BPF program at all. All kinds in turn, round by round; the figure is the median.

set -u
. /mnt/tests/lib/policy.sh
rounds=${ROUNDS:-5} sizes=${SIZES:-1 64 1000}
cost=$progs/cost
near=/usr/lib/bench/file far=/usr/lib/$(printf 'd%d/' {1..17})file
results=$(mktemp)

mkdir -p "${near%/*}" "${far%/*}" /srv/bench
touch "$near" "$far" /srv/bench/denied

paths() { # COUNT: what the rules deny
        awk -v n="$1" 'BEGIN {
                for (i = 1; i < n; i++)
                        printf "/usr/lib/package%d/component%d/file%d.so\n", i / 10, i, i * 7919 % 10007
                print "/srv/bench/denied"
        }'
}

group() { # NAME
        mkdir -p "/sys/fs/cgroup/system.slice/bench-$1.service"
}

apparmor() { # COUNT
        {
                echo "profile bench-$1 flags=(attach_disconnected) {"
                echo "  file, capability, network, unix, signal, ptrace, mount, umount, dbus, change_profile,"
                paths "$1" | sed 's/.*/  deny & r,/'
                echo "}"
        } | apparmor_parser --replace --skip-cache || exit
}

measure() { # KIND OPERATION ARGUMENT...: of cost
        local kind=$1 operation=$2 figure
        shift 2
        figure=$("$cost" "$@") || exit
        echo "$kind $operation $figure" >>"$results"
}

round() { # KIND OPTION...: each operation once
        local kind=$1
        shift
        measure "$kind" near "$@" -n 2000 open "$near"
        measure "$kind" far "$@" -n 2000 open "$far"
        measure "$kind" spawn "$@" -n 30 spawn
}

without() { # ROUNDS: no BPF program is loaded
        local n=$1 size tries
        systemctl stop varmord && varmord --remove || exit
        # The kernel lets go of programs a while after their links.
        for ((tries = 0; tries < 50; tries++)); do
                "$progs/verified" >/dev/null || break
                sleep 0.2
        done
        if [ $tries = 50 ]; then
                echo "BPF programs of varmor are still loaded" >&2
                "$progs/verified" >&2
                exit 1
        fi
        while [ $((n -= 1)) -ge 0 ]; do
                round none -c system.slice/bench-free.service
                for size in $sizes; do round "apparmor-$size" -c system.slice/bench-free.service -p "bench-$size" -d /srv/bench/denied; done
        done
}

for size in free $sizes; do group "$size"; done
for size in $sizes; do
        apparmor "$size"
        { echo "bpfRawRules:" && echo "  files:" && paths "$size" | sed 's/.*/  - {pattern: "&", permissions: [read], qualifiers: [deny]}/'; } |
                policy "bench-$size"
done

without $(((rounds + 1) / 2))
systemctl start varmord && varmorctl reload || exit
for ((n = 0; n < rounds; n++)); do
        round unconfined -c system.slice/bench-free.service
        for size in $sizes; do round "varmor-$size" -c "system.slice/bench-$size.service" -d /srv/bench/denied; done
done
without $((rounds / 2))

awk -v sizes="$sizes" '
        function median(key,   n, i, j, t, a) {
                n = split(all[key], a, " ")
                for (i = 2; i <= n; i++)
                        for (j = i; j > 1 && a[j - 1] + 0 > a[j] + 0; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
                return a[int((n + 1) / 2)]
        }
        function line(kind,   k) {
                printf "%-16s", kind
                for (k = 1; k <= 3; k++)
                        printf "  %10.0f %6.3f", median(kind " " ops[k]), median(kind " " ops[k]) / median("none " ops[k])
                print ""
        }
        { all[$1 " " $2] = all[$1 " " $2] " " $3 }
        END {
                split("near far spawn", ops)
                printf "%-16s  %17s  %17s  %17s\n", "nanoseconds, and as a ratio", "open+close, 4", "20 components", "spawn"
                line("none"); line("unconfined")
                n = split(sizes, s)
                for (i = 1; i <= n; i++) line("varmor-" s[i])
                for (i = 1; i <= n; i++) line("apparmor-" s[i])
        }' "$results"
