#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs in the guest (tests/bench/run): what an open, and the start of a program, cost under varmor and under AppArmor, as a
# ratio to the same with no BPF program at all. All kinds in turn, round by round; the figure is the median.

set -eu
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
        } | apparmor_parser --replace --skip-cache
}

round() { # KIND OPTION...: one line for each operation
        local kind=$1
        shift
        echo "$kind near $("$cost" "$@" -n 2000 open "$near")"
        echo "$kind far $("$cost" "$@" -n 2000 open "$far")"
        echo "$kind spawn $("$cost" "$@" -n 30 spawn)"
} >>"$results"

without() { # ROUNDS: no BPF program is loaded
        local n=$1 size
        systemctl stop varmord
        varmord --remove
        if "$progs/verified" >/dev/null; then
                echo "BPF programs of varmor are still loaded" >&2
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

"$progs/verified"
without $(((rounds + 1) / 2))
systemctl start varmord
varmorctl reload
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
