# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Round trips: a workload is recorded, its model becomes an allow-list for each enforcer, and under that it works on without a word, while
# an intruder does not. Source it after daemons.sh, which has denials(), quiet() and others, and battery.sh.

declare -A neighbours=([nginx]="read /etc/nginx/nginx.conf" [redis]="read /proc/sys/net/core/somaxconn"
        [postgresql]="read /usr/share/postgresql/15/timezonesets/Default" [sshd]="read /etc/ssh/sshd_config" [cron]="read /etc/crontab"
        [web-containers]="read /srv/www/index.html")
# sshd's sessions leave its cgroup and what is recorded, but not a profile or a filter: it is for BPF alone.
declare -A possible=([sshd]=BPF)
# What belongs to the work of these: cron runs shells, Debian's pg_ctlcluster too; and all ask for a user's entry in shadow.
declare -A ordinary=([sshd]="shadow" [cron]="shell shadow" [postgresql]="shell shadow")
# These leave nothing to their next start.
declare -A once=([sshd]=yes [web-containers]=yes)

target_of() { # NAME
        if [ -n "${units[$1]}" ]; then echo "{kind: Service, name: ${units[$1]}, force: true}"; else echo '{kind: Container, name: "web-*"}'; fi
}

# learning NAME MODE [ENFORCERS]: the policy, in this mode.
learning() {
        local enforcers=${3:-BPF} section
        {
                printf '%s\n' "apiVersion: crd.varmor.org/v1beta1" "kind: VarmorClusterPolicy" "metadata: {name: $1}" "spec:" \
                        "  target: $(target_of "$1")" "  policy:" "    enforcer: $enforcers" "    mode: $2" \
                        "    modelingOptions: {duration: ${minutes:-1}}" "    defenseInDepth:"
                for section in AppArmor:appArmor BPF:bpf Seccomp:seccomp; do
                        [[ $enforcers != *${section%:*}* ]] || echo "      ${section#*:}: {profileType: BehaviorModel}"
                done
        } >"$policies/.$1.new"
        mv "$policies/.$1.new" "$policies/$1.yaml"
}

state_is() { [ "$(policy_state "$1")" = "$2" ]; }

# record SECONDS NAME...: record them all while they do their work, from their start to their end, and once more: what they find at
# their second start the first has left. SECONDS later the models are complete.
record() {
        local name model began
        # Nothing that is repeated comes much later.
        echo 'alarms: {window: 1}' >/etc/varmor/varmor.yaml
        for name in "${@:2}"; do
                "stop_${name//-/_}"
                minutes=9 learning "$name" BehaviorModeling
        done
        reload record/reload
        began=$SECONDS
        since=$(date +%s)
        for name in "${@:2}"; do
                comment "$name: $SECONDS s"
                expect "$name/record/state" modeling policy_state "$name"
                "work_${name//-/_}" "$name/record"
                "stop_${name//-/_}"
                [ -z "${once[$name]:-}" ] || continue
                "work_${name//-/_}" "$name/record-again"
                "stop_${name//-/_}"
        done
        comment "recorded: $SECONDS s"
        # There is time enough on any machine, and it is over when a minute is.
        for name in "${@:2}"; do learning "$name" BehaviorModeling; done
        reload record/shortened
        sleep $((SECONDS - began < 60 ? 60 - (SECONDS - began) : 0))
        for name in "${@:2}"; do
                model=/var/lib/varmor/models/$name.json
                succeeds "$name/record/completed" until_true "$1" state_is "$name" completed
                expect "$name/record/lossless" "true 0" jq -r '"\(.complete) \([.sources[].lost // {} | .[]] | add // 0)"' "$model"
                quiet "$name/record/nothing-denied" "$since" "$name"
                comment "$name: a model of $(stat -c %s "$model") bytes: $(jq -r '[.ops | to_entries[] | "\(.key) \(.value | length)"] | join(", ")' "$model")"
        done
}

# round NAME: all that is shown of one that was recorded; by each enforcer alone if there is time, and by all together.
round() {
        local enforcers
        for enforcers in ${VARMOR_TEST_LONG:+AppArmor Seccomp BPF} AppArmorBPFSeccomp; do
                if [ -n "${possible[$1]:-}" ]; then
                        [ "$enforcers" = AppArmorBPFSeccomp ] || continue
                        enforcers=${possible[$1]}
                fi
                again "$1" "$enforcers"
                attacked "$1" "$enforcers"
        done
        unpolicy "$1"
}

# again NAME ENFORCERS: the same work under the allow-list made of its model, and one more restart: not a word.
again() {
        local name=$1 prefix=$1/$2
        comment "$prefix: $SECONDS s"
        "stop_${name//-/_}"
        learning "$name" DefenseInDepth "$2"
        reload "$prefix/reload" || return
        since=$(date +%s)
        "work_${name//-/_}" "$prefix"
        [ -z "${units[$name]}" ] || succeeds "$prefix/restart" systemctl restart "${units[$name]}"
        succeeds "$prefix/state" until_true 10 is_active "$name"
        [[ -z ${units[$name]} || $2 != AppArmorBPFSeccomp ]] || bound "$prefix/bound" "$name" "${units[$name]}"
        quiet "$prefix/nothing-to-say" "$since" "$name"
}

# attacked NAME ENFORCERS: the battery, on the service as it runs now.
attacked() {
        local cgroup
        if [ -n "${units[$1]}" ]; then cgroup=$(systemctl show -P ControlGroup "${units[$1]}"); else
                install -D /dev/null /srv/www/index.html # the attacks see the host's files
                podman run -d --name web-1 --network=none case httpd -f -v -p 8080 -h /srv/www >/dev/null
                cgroup=$(sed 's/^0:://' "/proc/$(podman inspect -f '{{.State.Pid}}' web-1)/cgroup")
        fi
        # shellcheck disable=SC2086 # words
        battery "$1/$2/attacks" "$1" "${cgroup#/}" "$2" "${neighbours[$1]}" ${ordinary[$1]:-}
}
