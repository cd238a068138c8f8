# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A battery of attacks: what an intruder does who has got code of his into a service, in its cgroup, under its AppArmor profile and its
# filter, as root. Source it after policy.sh.
#
#       prepare_battery                 what is attacked, and that each attack works where there is no policy
#       battery PREFIX NAME CGROUP ENFORCERS NEIGHBOUR [ATTACK...]
#                                       all attacks on the service of the policy NAME, which denies by default: each is denied, and
#                                       there is an alarm for it. NEIGHBOUR, steps of attempt, works. Each ATTACK is a word of the list
#                                       below that this service does as part of its work. ENFORCERS as in a policy: what none of them
#                                       can tell from ordinary work is let through, and shown as a comment.

lair=/srv/battery

# An attack: WORD | which enforcers stop it (of AppArmor, BPF, Seccomp) | steps | its alarm: a pattern for RULE OPERATION OBJECT.
battery_list() {
        cat <<T
shell|AB|become /bin/sh -c :|exec .*/(da)?sh
shadow|AB|read /etc/shadow|/etc/shadow
listener|B|bindto tcp 0.0.0.0:4444 ; listenhand|0\.0\.0\.0:4444|socket inet|syscall (socket|bind|listen)
egress|B|dial tcp 192.0.2.66:4445|192\.0\.2\.66:4445|socket inet|syscall (socket|connect)
ptrace|ABS|attach $(cat $lair/pid)|ptrace|trace
new-binary|AB|become $lair/binary|exec .*$lair/binary
mount|ABS|mount tmpfs none $lair/mnt|mount
module|ABS|insmod @|module
T
}

prepare_battery() {
        local file
        mkdir -p $lair/mnt /sys/fs/cgroup/system.slice/free.service
        cp "$progs/nothing" $lair/binary
        ip link set lo up
        ip address add 192.0.2.66/32 dev lo
        attempt serve 900 tcp 192.0.2.66:4445 >/dev/null
        attempt idle victim $lair/pid 900 >/dev/null
        file=$(modinfo -n dummy)
        case $file in *.xz) xz -dc "$file" ;; *.zst) zstd -qdc "$file" ;; *) cat "$file" ;; esac >$lair/module
        battery_list | awk -F '|' '{ print $1 "|ok|-||adopt 9 ; " $3 }' >"$scratch/battery"
        attempt -c system.slice/free.service -f "$scratch/battery" -r without 9<$lair/module >"$scratch/out"
        verdicts battery/without/ <"$scratch/out"
        umount $lair/mnt
        rmmod dummy
}

battery_told() { # NAME SINCE
        alarms -s "$2" -p "$1" | awk -F '\t' '$1 == "DENIED" { print $3, $4, $5 }' >"$scratch/told"
        local word pattern
        untold=
        while IFS='|' read -r word _ _ pattern; do
                ! grep -qx "$word" "$scratch/wanted" || grep -Eq -e "$pattern" "$scratch/told" || untold+=" $word"
        done < <(battery_list)
        [ -z "$untold" ]
}

battery() { # PREFIX NAME CGROUP ENFORCERS NEIGHBOUR [ATTACK...]
        local prefix=$1 name=$2 word by steps under=() started=${EPOCHREALTIME/./} untold
        [[ $4 != *AppArmor* ]] || under=(-A "varmor.$name")
        [[ $4 != *Seccomp* ]] || under+=(-F "$name")
        : >"$scratch/wanted"
        while IFS='|' read -r word by steps _; do
                steps="adopt 9 ; $steps"
                if [[ " ${*:6} " == *" $word "* ]] || ! { [[ $4 == *AppArmor* && $by == *A* ]] || [[ $4 == *BPF* && $by == *B* ]] ||
                        [[ $4 == *Seccomp* && $by == *S* ]]; }; then
                        echo "$word|-|any||$steps" >>"$scratch/let"
                else
                        echo "$word" >>"$scratch/wanted"
                        # Whichever step the first enforcer in the way stops.
                        echo "$word|-|$(for step in become read sock bindto listenhand dial attach mount insmod; do printf 'EACCES@%s,EPERM@%s,' $step $step; done)||$steps"
                fi
        done < <(battery_list) >"$scratch/battery"
        echo "neighbour|-|ok||$5" >>"$scratch/battery"
        attempt -c "$3" "${under[@]}" -f "$scratch/battery" -r with 9<$lair/module >"$scratch/with" 2>&1
        verdicts "$prefix/" <"$scratch/with"
        if until_true 20 battery_told "$name" "$started"; then ok "$prefix/alarms"; else
                not_ok "$prefix/alarms" "none for:$untold"
                comment_file "$scratch/told"
        fi
        [ -s "$scratch/let" ] || return 0
        attempt -c "$3" "${under[@]}" -f "$scratch/let" -r with 9<$lair/module 2>&1 | while IFS='|' read -r _ word by; do
                comment "$prefix: let through as it must be: $word: $by"
        done
        ! mountpoint -q $lair/mnt || umount $lair/mnt
        [ ! -e /sys/module/dummy ] || rmmod dummy
        rm "$scratch/let"
}
