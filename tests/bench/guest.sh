#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs in the guest (tests/bench/run): what operations cost under varmor and under AppArmor, each with so many rules of every
# kind, as a ratio to the same with no BPF program at all. All kinds in turn, round by round; the figure is the median. "recorded"
# is under a policy in the mode BehaviorModeling that has seen all of it before, "beside" is under none while another is recorded.

set -u
. /mnt/tests/lib/policy.sh
rounds=${ROUNDS:-5} sizes=${SIZES:-1 8 64 1000} operations="near far spawn connect socket capable"
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

families() { # COUNT, at most 20: of sockets that nobody makes here
        printf '%s\n' alg x25 ax25 ipx netrom atmpvc rose security key econet atmsvc rds sna irda pppox wanpipe llc can tipc \
                bluetooth | head -n "$1"
}

rules() { # COUNT: of each kind, as a policy has them
        echo "bpfRawRules:"
        echo "  files:"
        paths "$1" | sed 's/.*/  - {pattern: "&", permissions: [read], qualifiers: [deny]}/'
        echo "  processes:"
        paths "$1" | sed 's/.*/  - {pattern: "&.exe", permissions: [exec], qualifiers: [deny]}/'
        echo "  capabilities: [{names: [sys_chroot, sys_time], qualifiers: [deny]}]"
        echo "  network:"
        echo "    sockets:"
        families "$1" | sed 's/.*/    - {domains: [&], qualifiers: [deny]}/'
        echo "    egress:"
        echo "      qualifiers: [deny]"
        echo "      toDestinations:"
        awk -v n="$1" 'BEGIN {
                for (i = 1; i < n; i++)
                        printf "      - {cidr: 10.%d.%d.0/26, ports: [{port: %d}]}\n", i % 251, i / 4, i
                print "      - {ip: 192.0.2.80}"
        }'
}

recording() { # NAME
        cat >/etc/varmor/policies.d/"$1".yaml <<T
apiVersion: crd.varmor.org/v1beta1
kind: VarmorClusterPolicy
metadata: {name: $1}
spec:
  target: {kind: Service, name: $1.service}
  policy: {enforcer: BPF, mode: BehaviorModeling, modelingOptions: {duration: 600}}
T
}

group() { # NAME
        mkdir -p "/sys/fs/cgroup/system.slice/bench-$1.service"
}

apparmor() { # COUNT
        {
                echo "profile bench-$1 flags=(attach_disconnected) {"
                echo "  file, capability, network, unix, signal, ptrace, mount, umount, dbus, change_profile,"
                paths "$1" | sed 's/.*/  deny & r,/'
                paths "$1" | sed 's/.*/  deny &.exe x,/'
                families "$1" | sed 's/.*/  deny network &,/'
                echo "  deny capability sys_chroot, deny capability sys_time,"
                echo "}"
        } | apparmor_parser --replace --skip-cache || exit
}

# What must be denied where rules are measured. AppArmor knows no addresses.
denied() { # KIND OPERATION
        case $1.$2 in
        none.* | unconfined.* | recorded.* | beside.*) ;;
        apparmor-*.connect) ;;
        *.connect) echo "-d 192.0.2.80" ;;
        *.socket) echo "-d 38" ;;
        *.capable) echo "-d sys_chroot" ;;
        *) echo "-d /srv/bench/denied" ;;
        esac
}

measure() { # KIND NAME ARGUMENT...: of cost
        local kind=$1 name=$2 figure
        shift 2
        # shellcheck disable=SC2046
        figure=$("$cost" $(denied "$kind" "$name") "$@") || exit
        echo "$kind $name $figure" >>"$results"
}

round() { # KIND OPTION...: each operation once
        local kind=$1
        shift
        measure "$kind" near "$@" -n 2000 open "$near"
        measure "$kind" far "$@" -n 2000 open "$far"
        measure "$kind" spawn "$@" -n 30 spawn
        measure "$kind" connect "$@" -n 2000 connect 127.0.0.1
        measure "$kind" socket "$@" -n 1000 socket 1
        measure "$kind" capable "$@" -n 2000 capable
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
                for size in $sizes; do round "apparmor-$size" -c system.slice/bench-free.service -p "bench-$size"; done
        done
}

for size in free recorded $sizes; do group "$size"; done
for size in $sizes; do
        apparmor "$size"
        rules "$size" | policy "bench-$size"
done

without $(((rounds + 1) / 2))
systemctl start varmord && varmorctl reload || exit
for ((n = 0; n < rounds; n++)); do
        round unconfined -c system.slice/bench-free.service
        for size in $sizes; do round "varmor-$size" -c "system.slice/bench-$size.service"; done
done
recording bench-recorded
varmorctl reload || exit
for ((n = 0; n < rounds; n++)); do
        round recorded -c system.slice/bench-recorded.service
        round beside -c system.slice/bench-free.service
done
rm /etc/varmor/policies.d/bench-recorded.yaml
varmorctl reload || exit
without $((rounds / 2))

awk -v sizes="$sizes" -v operations="$operations" '
        function median(key,   n, i, j, t, a) {
                n = split(all[key], a, " ")
                for (i = 2; i <= n; i++)
                        for (j = i; j > 1 && a[j - 1] + 0 > a[j] + 0; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
                return a[int((n + 1) / 2)]
        }
        function line(kind,   k) {
                printf "%-16s", kind
                for (k = 1; k <= n_ops; k++)
                        printf "  %9.0f %6.3f", median(kind " " ops[k]), median(kind " " ops[k]) / median("none " ops[k])
                print ""
        }
        { all[$1 " " $2] = all[$1 " " $2] " " $3 }
        END {
                n_ops = split(operations, ops)
                printf "%-16s", "ns, ratio"
                split("open+close:4 20_components spawn connect socket+close capable", heads)
                for (i = 1; i <= n_ops; i++) printf "  %16s", heads[i]
                print ""
                line("none"); line("unconfined"); line("recorded"); line("beside")
                n = split(sizes, s)
                for (i = 1; i <= n; i++) line("varmor-" s[i])
                for (i = 1; i <= n; i++) line("apparmor-" s[i])
        }' "$results"
