#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.1
# vm-takes: 50
#
# What a target means: names, globs, instances, slices, selectors, namespaces of VarmorPolicy, and what is left alone.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

mkdir -p /srv/targets /run/systemd/system && echo secret >/srv/targets/key
key=/srv/targets/key
deny() { # NAME TARGET
        policy "$1" "$2" <<T
bpfRawRules: {files: [{pattern: "$key", permissions: [r], qualifiers: [deny]}]}
T
}
covered() { expect "$1/covered" EACCES@read attempt -c "$2" read $key; }
uncovered() { expect "$1/free" ok attempt -c "$2" read $key; }

# --- names -----------------------------------------------------------------------------------------------------------
deny name '{kind: Service, name: exact.service}'
deny glob '{kind: Service, name: "gl[ao]b-*.service"}'
deny instances '{kind: Service, name: "work@*.service"}'
deny scope '{kind: Scope, name: "job-*.scope"}'
deny slice '{kind: Slice, name: part-inner.slice}'
deny path '{kind: Cgroup, name: /made/here}'
reload reload
covered name system.slice/exact.service
covered name-in-any-slice other.slice/exact.service
covered name-below system.slice/exact.service/sub/sub
uncovered name-longer system.slice/inexact.service
uncovered name-as-scope system.slice/exact.service.scope
covered glob system.slice/glob-1.service
covered glob-class system.slice/glab-1.service
uncovered glob-class system.slice/glib-1.service
covered instances system.slice/system-work.slice/work@1.service
uncovered instances-template-slice system.slice/system-work.slice
covered scope user.slice/user-1000.slice/job-7.scope
uncovered scope-kind system.slice/job-7.service
covered slice part.slice/part-inner.slice/any.service
uncovered slice-parent part.slice/any.service
covered path made/here/sub
uncovered path made/there
# A user's own manager may call its units what it likes: those of the system are meant.
uncovered user-manager user.slice/user-1000.slice/user@1000.service/app.slice/exact.service

# Real units, running before and after.
cat >/run/systemd/system/work@.service <<T
[Service]
ExecStart=$progs/attempt await /run/go-%i \\; read $key
StandardOutput=file:/run/work-%i
T
systemctl daemon-reload
systemctl start work@live.service
touch /run/go-live
until_true 10 [ -s /run/work-live ]
expect instances/unit EACCES@read cat /run/work-live
says instances/targets 'work@' varmorctl targets

# --- selectors ---------------------------------------------------------------------------------------------------------
for user in nobody daemon; do
        cat >/run/systemd/system/sel-$user.service <<T
[Service]
User=$user
Slice=sel.slice
ExecStart=$progs/attempt read $key
StandardOutput=file:/run/sel-$user
Type=oneshot
T
done
systemctl daemon-reload
policy selector '{kind: Service, selector: {matchLabels: {User: nobody}, matchExpressions: [{key: Slice, operator: In, values: [sel.slice, other.slice]}]}}' <<T
bpfRawRules: {files: [{pattern: "$key", permissions: [r], qualifiers: [deny]}]}
T
systemctl start sel-daemon.service sel-nobody.service # known to systemd from here on
reload reload-selector
# A reload waits 15 s for what systemd has to say; an emulated one under load may take longer, and the state says so.
selector_is_active() { [ "$(policy_state selector)" = active ]; }
succeeds selector/active until_true 120 selector_is_active
systemctl start sel-daemon.service sel-nobody.service
expect selector/matched EACCES@read cat /run/sel-nobody
expect selector/not-matched ok cat /run/sel-daemon

# --- VarmorPolicy: only below its slice --------------------------------------------------------------------------------
deny spaced '{kind: Service, name: "spaced.service"}'
sed -i 's/kind: VarmorClusterPolicy/kind: VarmorPolicy/; s/{name: spaced}/{name: spaced, namespace: space.slice}/' $policies/spaced.yaml
reload reload-spaced
covered namespace space.slice/spaced.service
uncovered namespace system.slice/spaced.service
expect namespace/name active policy_state space.slice/spaced

# --- essential units -----------------------------------------------------------------------------------------------------
n=0 names=()
for target in 'kind: Scope, name: init.scope' 'kind: Service, name: dbus.service' 'kind: Service, name: systemd-journald.service' \
        'kind: Service, name: ssh.service' 'kind: Service, name: sshd.service' 'kind: Service, name: varmord.service' \
        'kind: Service, name: systemd-logind.service' 'kind: Service, name: polkit.service' 'kind: Cgroup, name: /init.scope'; do
        n=$((n + 1)) name=${target##*: }
        names[n]=${name#/}
        deny essential-$n "{$target}"
done
fails essential/reload varmorctl reload
for n in "${!names[@]}"; do
        expect "essential/${names[n]}-state" refused policy_state essential-$n
        says "essential/${names[n]}-reason" 'force' varmorctl check $policies/essential-$n.yaml
        unpolicy essential-$n
done
# Where this runs itself is essential for the moment, or it would be under its own policies.
mkdir -p /etc/varmor/varmor.yaml.d
echo 'essential: [guest-command.service]' >/etc/varmor/varmor.yaml.d/case.yaml
deny wide '{kind: Service, name: "*.service"}'
deny wide-slice '{kind: Slice, name: system.slice}'
deny wide-root '{kind: Slice, name: "-.slice"}'
reload reload-wide
covered essential/glob system.slice/whatever.service
for unit in dbus systemd-journald ssh varmord guest-command; do uncovered "essential/glob-skips-$unit" system.slice/$unit.service; done
uncovered essential/glob-skips-init init.scope
says essential/glob-says-so 'essential|left out|skips' varmorctl check $policies/wide.yaml
says essential/slice-says-so 'essential|left out|skips' varmorctl check $policies/wide-slice.yaml
unpolicy wide wide-slice wide-root
deny forced '{kind: Service, name: "dbus.service", force: true}'
reload reload-forced
covered essential/forced system.slice/dbus.service
unpolicy forced
reload reload-unforced
uncovered essential/unforced system.slice/dbus.service
succeeds essential/bus-works busctl status org.freedesktop.DBus

# --- the label goes with the policy --------------------------------------------------------------------------------------
unpolicy name glob instances scope slice path selector spaced
reload reload-none
for cgroup in system.slice/exact.service part.slice/part-inner.slice/any.service made/here/sub; do uncovered gone $cgroup; done
expect gone/list "[]" jq -c '.data[0]' <(busctl -j call org.varmor1 /org/varmor1 org.varmor1.Manager ListTargets)

# --- cgroups that come and go: nothing is left over -----------------------------------------
deny churn '{kind: Service, name: "churn-*.service"}'
reload reload-churn
n=${VARMOR_TEST_LONG:+3000} n=${n:-500}
line=$(starter -n $n -t 'system.slice/churn-%d.service' $key /etc/hostname)
says churn/$n-cgroups "^started=$n succeeded=0 denied=$n" echo "$line"
expect churn/none-left 0 echo "$(varmorctl --json targets | jq '[.. | strings | select(test("churn-[0-9]"))] | length')"
# What happened in one that is gone before anybody looks has its unit all the same.
signal_varmord STOP
since=${EPOCHREALTIME/./}
starter -n 1 -t 'system.slice/churn-late%d.service' $key /etc/hostname >/dev/null
signal_varmord CONT
succeeds churn/unit-of-the-gone until_true 20 alarm_says "^DENIED.churn.*$key.*churn-late[0-9]*\.service"
says churn/no-label-lost '"data":0' busctl -j get-property org.varmor1 /org/varmor1 org.varmor1.Manager LostLabels
done_testing
