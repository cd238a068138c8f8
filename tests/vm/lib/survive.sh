# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The body of survive*.sh: processes try to open a forbidden file without a pause, while varmord is killed and started
# again, and while its policy is replaced; none succeeds, and the next varmord takes over what it finds.

. /mnt/tests/lib/policy.sh

mkdir -p /srv/survive
echo secret >/srv/survive/key
echo public >/srv/survive/page
echo more >/srv/survive/key2

survive_policy() { # N: all that differs is a rule that concerns nobody
        policy survive <<T
bpfRawRules:
  files:
  - {pattern: "/srv/survive/key*", permissions: [r, w], qualifiers: [deny]}
  - {pattern: "/srv/nothing/$1/**", permissions: [r], qualifiers: [deny]}
T
}

kills=4 replacements=24
[ -z "${VARMOR_TEST_LONG:-}" ] || kills=20 replacements=200

count() { # FIELD: of the hammer so far
        hammer -s "$scratch/state" | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# The processes must have tried in the meantime, or nothing has been shown.
hammered() { # NAME
        local tries opened
        tries=$(count tries) opened=$(count opened)
        comment "$1: $((tries - last_tries)) tries"
        if [ "$opened" = 0 ] && [ "$tries" -gt "$last_tries" ]; then ok "$1"; else
                not_ok "$1" "opened $opened, tries $last_tries to $tries: $(hammer -s "$scratch/state")"
        fi
        last_tries=$tries
}

wait_for_varmord() {
        until_true 60 varmord_is_up
}

kill_varmord() { # kill it, and have it started again by whoever does it first
        local old
        old=$(main_pid)
        signal_varmord KILL || return
        until_true 10 [ ! -d "/proc/$old" ]
        systemctl reset-failed varmord.service
        systemctl start varmord.service
        wait_for_varmord
}

survive() {
        local line i failed=0 last_tries=0
        expect without ok attempt -c system.slice/survive.service read /srv/survive/key
        survive_policy 0
        reload reload || return

        mkdir -p /sys/fs/cgroup/system.slice/survive.service
        nice -n 19 hammer -s "$scratch/state" -j 1 -p 5000 -c system.slice/survive.service /srv/survive/key /srv/survive/page >"$scratch/hammer" &
        until_true 20 [ -s "$scratch/state" ]
        sleep 1
        hammered before

        for ((i = 1; i <= kills; i++)); do
                kill_varmord || failed=$((failed + 1))
                [ "$(count opened)" = 0 ] || break
        done
        [ $failed = 0 ] && ok killed/came-back || not_ok killed/came-back "$failed times not"
        hammered "killed/$kills-times"
        expect killed/state active policy_state survive
        since=${EPOCHREALTIME/./}
        expect killed/new-start EACCES@read attempt -c system.slice/survive.service read /srv/survive/key2
        succeeds killed/alarm until_true 20 alarm_comes
        expect killed/others-free ok attempt -c system.slice/survivor.service read /srv/survive/key

        # Without any varmord, too; and what happens meanwhile is told afterwards.
        systemctl stop varmord.service
        since=${EPOCHREALTIME/./}
        expect stopped/new-start EACCES@write attempt -c system.slice/survive.service write /srv/survive/key2
        hammered stopped
        systemctl start varmord.service
        wait_for_varmord
        succeeds stopped/alarm-afterwards until_true 20 alarm_comes

        for ((i = 1; i <= replacements; i++)); do
                survive_policy $((i / 2)) # each second time it is the very same
                varmorctl reload >"$scratch/out" 2>&1 || failed=$((failed + 1))
                [ "$(count opened)" = 0 ] || break
        done
        [ $failed = 0 ] && ok replaced/reloads || { not_ok replaced/reloads "$failed failed" && comment_file "$scratch/out"; }
        hammered "replaced/$replacements-times"

        hammer -s "$scratch/state" -q
        wait
        line=$(cat "$scratch/hammer")
        comment "$line"
        says all/nothing-opened ' opened=0 ' echo " $line"
        says all/nothing-else-failed ' other=0 ' echo " $line"
        says all/neighbour 'neighbour=[1-9].* neighbour_refused=0' echo "$line"
        expect skipped-programs 0 skipped
}

# While others are denied as fast as they can try, one event may be lost (which is counted): so it is tried again.
alarm_comes() {
        attempt -c system.slice/survive.service read /srv/survive/key2
        sleep 0.2
        alarms -s "$since" -u survive.service | grep -q "DENIED.survive.*/srv/survive/key2"
}

# Runs of our programs that the kernel left out, which is a hole (kernels before 6.2, preempt=full).
skipped() {
        bpftool -j prog show 2>/dev/null | jq '[.[] | select(.name // "" | startswith("va_")) | .recursion_misses // 0] | add // 0'
}
