# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the enforcement cases share: policies, attempts in covered cgroups, alarms. Source it after check.sh.

progs=/mnt/tests/progs
policies=/etc/varmor/policies.d
scratch=$(mktemp -d /run/case.XXXXXX)
export PATH=$progs:$PATH
mkdir -p "$policies"

# policy NAME [TARGET] <RULES: write a policy that covers NAME.service, or TARGET, a flow mapping. The input is what
# stands below enhanceProtect, beside "privileged: true"; auditViolations is true unless it says otherwise. It is for BPF, or for
# what enforcer= says.
policy() {
        local name=$1 target=${2:-"{kind: Service, name: \"$1.service\"}"} rules
        IFS= read -r -d '' rules
        rules=${rules%$'\n'}
        [[ $rules == *Violations:* ]] || rules+=$'\nauditViolations: true'
        printf '%s\n' "apiVersion: crd.varmor.org/v1beta1" "kind: VarmorClusterPolicy" "metadata: {name: $name}" "spec:" \
                "  target: $target" "  policy:" "    enforcer: ${enforcer:-BPF}" "    mode: EnhanceProtect" "    enhanceProtect:" \
                "      privileged: true" "      ${rules//$'\n'/$'\n'      }" >"$policies/.$name.new"
        # In one step, so that nobody reads half of it.
        mv "$policies/.$name.new" "$policies/$name.yaml"
}

# depth NAME [TARGET] <SECTION: the same for a policy of the mode DefenseInDepth: the input is what stands below bpf.
# trial=true lets violations pass.
depth() {
        local name=$1 target=${2:-"{kind: Service, name: \"$1.service\"}"} section
        IFS= read -r -d '' section
        section=${section%$'\n'}
        printf '%s\n' "apiVersion: crd.varmor.org/v1beta1" "kind: VarmorClusterPolicy" "metadata: {name: $name}" "spec:" \
                "  target: $target" "  policy:" "    enforcer: ${enforcer:-BPF}" "    mode: DefenseInDepth" "    defenseInDepth:" \
                "      allowViolations: ${trial:-false}" "      bpf:" "        profileType: Custom" \
                "        ${section//$'\n'/$'\n'        }" >"$policies/.$name.new"
        mv "$policies/.$name.new" "$policies/$name.yaml"
}

# unpolicy NAME...: take policies away again (put in force by reload).
unpolicy() {
        local name files=()
        for name in "$@"; do files+=("${policies:?}/$name.yaml" "${policies:?}/$name.yaml.d"); done
        rm -rf "${files[@]}"
}

# reload [NAME]: put in force what the files say; as a case NAME of its own if that is given, and as a failure if not.
reload() {
        if varmorctl reload >"$scratch/reload" 2>&1; then
                [ -z "${1:-}" ] || ok "$1"
        else
                comment_file "$scratch/reload"
                journalctl -q -b -u varmord.service -u dbus.service -n 12 -o short-monotonic --no-hostname >"$scratch/log"
                comment_file "$scratch/log"
                not_ok "${1:-reload}" "varmorctl reload failed"
                return 1
        fi
}

# comment_file FILE: the first lines of it, as comments.
comment_file() {
        local line n=0
        while IFS= read -r line && [ $((n += 1)) -le 30 ]; do comment "$line"; done <"$1"
}

# verdicts PREFIX: turn "pass|LABEL|TEXT" and "fail|LABEL|TEXT" on standard input into results.
verdicts() {
        local verdict label text n=0
        while IFS='|' read -r verdict label text; do
                n=$((n + 1))
                case $verdict in
                pass) ok "$1$label" ;;
                fail) not_ok "$1$label" "$text" ;;
                *) not_ok "$1" "not a verdict: $verdict|$label|$text" ;;
                esac
        done
        [ $n -gt 0 ] || not_ok "$1" "no verdicts at all"
}

# without TABLE: what the table says must happen without a policy.
without() {
        verdicts "without/" < <(attempt -c "${2:-}" -f "$1" -r without 2>&1)
}

# with TABLE CGROUP [NAME [PROFILE]]: what the table says must happen in a covered cgroup, and under that AppArmor profile. Alarms
# are looked for since then.
with() {
        since=${EPOCHREALTIME/./}
        attempt -c "$2" ${4:+-A "$4"} -f "$1" -r with >"$scratch/with" 2>&1
        verdicts "${3:-with}/" <"$scratch/with"
}

# alarms_in TABLE UNIT POLICY [ACTION]: the alarms that the table's last column names are in the journal.
alarms_in() {
        verdicts "alarm/" < <(alarms -s "$since" -u "$2" -p "$3" -a "${4:-DENIED}" -w 20 -f "$1" 2>&1)
}

# each_once NAME UNIT [ACTION] [NUMBER]: since the last "with", there was one alarm for each attempt that was denied, or
# NUMBER of them, and no more.
each_once() {
        local wanted=${4:-$(grep -Ec '\|(EACCES|EPERM)@|\|exit:[0-9]*@sendmmsg' "$scratch/with")} got end=$((SECONDS + 20))
        while got=$(alarms -s "$since" -u "$2" | awk -F '\t' -v action="${3:-DENIED}" '$1 == action { n += $6 } END { print n + 0 }') &&
                [ "$got" -lt "$wanted" ] && [ $SECONDS -lt $end ]; do sleep 0.3; done
        if [ "$got" = "$wanted" ]; then ok "$1/each-once"; else
                not_ok "$1/each-once" "$got alarms for $wanted violations"
                grep -E '\|E(ACCES|PERM)@' "$scratch/with" >"$scratch/out"
                comment_file "$scratch/out"
                alarms -s "$since" -u "$2" | cut -f 1,3-6,8 | sort | uniq -c >"$scratch/out"
                comment_file "$scratch/out"
        fi
}

# expect NAME WANTED COMMAND...: one attempt, or any command that prints one word.
expect() {
        local got
        got=$("${@:3}" 2>&1)
        if [ "$got" = "$2" ]; then ok "$1"; else not_ok "$1" "$got, expected $2"; fi
}

# succeeds NAME COMMAND..., fails NAME COMMAND...: by exit status.
succeeds() {
        if "${@:2}" >"$scratch/out" 2>&1; then ok "$1"; else
                not_ok "$1" "exit status $?: ${*:2}"
                comment_file "$scratch/out"
        fi
}
fails() {
        if "${@:2}" >"$scratch/out" 2>&1; then not_ok "$1" "succeeded: ${*:2}"; else ok "$1"; fi
}

# says NAME PATTERN COMMAND...: the output of COMMAND, whatever its status, matches the extended regular expression.
says() {
        "${@:3}" >"$scratch/out" 2>&1
        if grep -Eq -e "$2" "$scratch/out"; then ok "$1"; else
                not_ok "$1" "no /$2/ in the output of ${*:3}"
                comment_file "$scratch/out"
        fi
}

fails_quietly() { ! "$@"; }

# alarm_says PATTERN: there is such an alarm since the last "with"; for until_true.
alarm_says() { alarms -s "$since" | grep -Eq -e "$1"; }

# grep_alarms PATTERN: such alarms since the last "with".
grep_alarms() { alarms -s "$since" | grep -E -e "$1"; }

# until_true SECONDS COMMAND...: try again and again.
until_true() {
        local end=$((SECONDS + $1))
        until "${@:2}" >/dev/null 2>&1; do
                [ $SECONDS -lt $end ] || return 1
                sleep 0.1
        done
}

main_pid() {
        systemctl show -P MainPID varmord.service
}

# signal_varmord SIGNAL: and never anybody else, should it not run.
signal_varmord() {
        local pid
        pid=$(main_pid)
        [ "$pid" -gt 1 ] && kill -"$1" "$pid"
}

varmord_is_up() {
        [ "$(systemctl show -P ActiveState varmord.service)" = active ] && busctl status org.varmor1
}

# policy_state NAME: active, degraded, refused ...
policy_state() {
        busctl -j call org.varmor1 /org/varmor1 org.varmor1.Manager ListPolicies |
                jq -r --arg name "$1" '.data[0][] | select(.[0] == $name) | .[3]'
}
