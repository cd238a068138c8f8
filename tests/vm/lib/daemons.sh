# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What daemons*.sh share: the workloads of workloads.sh under the examples that are shipped for them, and under RuntimeDefault. For the
# policy NAME there is a function attack_NAME, which prints what became of an attack.

. /mnt/tests/lib/policy.sh
. /mnt/tests/lib/workloads.sh

examples=/usr/share/doc/varmor/examples
[ -e $examples/nginx.yaml ] || examples=/mnt/tests/examples

# denials SINCE POLICY: what the policy had to say since then, one line for each kind.
denials() {
        journalctl -q -b --since "@$1" VARMOR_POLICY="$2" -o json |
                jq -r 'select(.VARMOR_ACTION) | "\(.VARMOR_ACTION) \(.VARMOR_RULE) \(.VARMOR_OPERATION) \(.VARMOR_OBJECT // "") of \(.OBJECT_EXE // .OBJECT_COMM // "") by \(.VARMOR_ENFORCER)"' | sort -u
}

# quiet NAME SINCE POLICY: it had nothing to say.
quiet() {
        local said
        sleep 1
        said=$(denials "$2" "$3")
        if [ -z "$said" ]; then ok "$1"; else not_ok "$1" "${said//$'\n'/; }"; fi
}

said() { denials "$1" "$2" | grep -Eq -e "$3"; }

# told NAME SINCE POLICY PATTERN: it had this to say.
told() {
        if until_true 10 said "${@:2}"; then ok "$1"; else not_ok "$1" "no /$4/ in: $(denials "$2" "$3")"; fi
}

is_active() { [ "$(policy_state "$1")" = active ]; }

# bound NAME POLICY UNIT: its main process runs under the policy's AppArmor profile and under a filter.
bound() {
        local pid
        pid=$(systemctl show -P MainPID "$3")
        says "$1" "^varmor.$2(//.*)? .enforce. 2$" echo "$(cat "/proc/$pid/attr/apparmor/current")" "$(sed -n 's/^Seccomp:\t//p' "/proc/$pid/status")"
}

# daemon NAME UNIT ENFORCERS STOPPED PATTERN...: it works under its example, which is loaded, without a word; what the attack comes to then,
# and patterns of the alarms that it leaves.
daemon() {
        local name=$1 unit=$2 pattern
        comment "$name: $SECONDS s"
        since=$(date +%s)
        "work_${name//-/_}" "$name/example"
        succeeds "$name/example/state" until_true 10 is_active "$name"
        [ "$3" = BPF ] || bound "$name/example/bound" "$name" "$unit"
        quiet "$name/example/nothing-to-say" "$since" "$name"
        expect "$name/example/attack" "$4" "attack_${name//-/_}"
        for pattern in "${@:5}"; do told "$name/example/told" "$since" "$name" "$pattern"; done
}

# by_default NAME UNIT ENFORCERS: the same work in mode RuntimeDefault.
by_default() {
        local name=$1 unit=$2
        comment "$name: $SECONDS s"
        succeeds "$name/default/mode" varmorctl mode "$name" RuntimeDefault
        since=$(date +%s)
        "work_${name//-/_}" "$name/default"
        succeeds "$name/default/state" until_true 10 is_active "$name"
        [ "$3" = BPF ] || bound "$name/default/bound" "$name" "$unit"
        quiet "$name/default/nothing-to-say" "$since" "$name"
        [ -z "$unit" ] || expect "$name/default/core-pattern" EACCES@open attempt -c "$(systemctl show -P ControlGroup "$unit")" open /proc/sys/kernel/core_pattern w
}
