#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 25
#
# The bus, varmorctl, the modes and how they are switched, and who may do that.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

mkdir -p /srv/control && echo secret >/srv/control/key
key=/srv/control/key cg=system.slice/control.service
bus=(busctl call org.varmor1 /org/varmor1 org.varmor1.Manager)
try=(attempt -c $cg read $key)

property() { # NAME: of the policy
        busctl -j get-property org.varmor1 /org/varmor1/policy/control org.varmor1.Policy "$1" | jq -r .data
}

expect without ok "${try[@]}"
policy control <<T
bpfRawRules: {files: [{pattern: "$key", permissions: [r], qualifiers: [deny]}]}
T
succeeds reload/by-bus "${bus[@]}" Reload
expect reload/in-force EACCES@read "${try[@]}"
expect list '["control","EnhanceProtect","BPF","active","/org/varmor1/policy/control"]' \
        jq -c '.data[0][] | select(.[0] == "control")' <(busctl -j call org.varmor1 /org/varmor1 org.varmor1.Manager ListPolicies)

# --- modes by the bus ------------------------------------------------------------------------------------------------
since=${EPOCHREALTIME/./}
succeeds observe/set "${bus[@]}" SetMode ssa\{sv\} control EnhanceProtect 1 observe b true
expect observe/let-through ok "${try[@]}"
expect observe/property true property AllowViolations
expect observe/origin runtime property ModeOrigin
succeeds observe/alarm until_true 20 grep -q "AUDIT.control" <(alarms -s "$since" -u control.service)
succeeds enforce/set "${bus[@]}" SetMode ssa\{sv\} control EnhanceProtect 1 observe b false
expect enforce/denied EACCES@read "${try[@]}"
policy_object=(busctl call org.varmor1 /org/varmor1/policy/control org.varmor1.Policy)
succeeds object/always-allow "${policy_object[@]}" AlwaysAllow a\{sv\} 0
expect object/always-allow-works ok "${try[@]}"
expect object/mode AlwaysAllow property Mode
succeeds object/enhance-protect "${policy_object[@]}" EnhanceProtect a\{sv\} 0
expect object/enhance-protect-works EACCES@read "${try[@]}"
# A switch survives reload and a crash, and is gone when it is taken back.
succeeds persist/allow "${bus[@]}" SetMode ssa\{sv\} control AlwaysAllow 0
succeeds persist/reload "${bus[@]}" Reload
expect persist/after-reload ok "${try[@]}"
succeeds persist/crash signal_varmord KILL
sleep 0.3
systemctl reset-failed varmord.service
systemctl start varmord.service
until_true 60 varmord_is_up
expect persist/after-crash ok "${try[@]}"
expect persist/after-crash-mode AlwaysAllow property Mode
succeeds persist/reset "${bus[@]}" ResetMode sa\{sv\} control 0
expect persist/after-reset EACCES@read "${try[@]}"
expect persist/origin file property ModeOrigin
succeeds persist/for-good "${bus[@]}" SetMode ssa\{sv\} control AlwaysAllow 1 persist b true
expect persist/origin-for-good persistent property ModeOrigin
says persist/file AlwaysAllow grep -r AlwaysAllow /etc/varmor/policies.d
succeeds persist/reset-for-good "${bus[@]}" ResetMode sa\{sv\} control 0
expect persist/reset-for-good-works EACCES@read "${try[@]}"

# --- what is not enforceable is refused, with the reason -------------------------------------------------------------
says refuse/mode-DefenseInDepth 'NotEnforceable|Refused|not enforce|needs the section' "${bus[@]}" SetMode ssa\{sv\} control DefenseInDepth 0
says refuse/modelling-without-end 'needs a duration' "${bus[@]}" SetMode ssa\{sv\} control BehaviorModeling 0
says refuse/mode-unknown 'InvalidArgs|nvalid|unknown|There is no' "${bus[@]}" SetMode ssa\{sv\} control Paranoid 0
says refuse/option-unknown 'InvalidArgs|nvalid|unknown|There is no' "${bus[@]}" SetMode ssa\{sv\} control AlwaysAllow 1 perish b true
says refuse/no-such-policy 'NoSuchPolicy|o such policy|no policy' "${bus[@]}" SetMode ssa\{sv\} nobody AlwaysAllow 0
expect refuse/nothing-changed EACCES@read "${try[@]}"
# Seccomp knows no files.
sed 's/enforcer: BPF/enforcer: Seccomp/; s/name: control/name: alone/' $policies/control.yaml >"$scratch/alone.yaml"
says refuse/enforcer-Seccomp "error.*Seccomp" varmorctl check "$scratch/alone.yaml"
cp "$scratch/alone.yaml" $policies/alone.yaml
fails refuse/enforcer-Seccomp-reload varmorctl reload
expect refuse/enforcer-Seccomp-state refused policy_state alone
unpolicy alone
reload reload-without-alone

# --- Check, exit codes, JSON -----------------------------------------------------------------------------------------
succeeds check/good varmorctl check $policies/control.yaml
sed 's/qualifiers/qualifers/; s/EnhanceProtect/EnhancedProtect/' $policies/control.yaml >"$scratch/bad.yaml"
varmorctl check "$scratch/bad.yaml" >"$scratch/checked" 2>&1
expect check/bad-exit-status 3 echo $?
says check/bad-position 'bad.yaml:[0-9]+:[0-9]+:.*qualif' cat "$scratch/checked"
says check/bad-suggestion 'qualifiers' cat "$scratch/checked"
says check/bad-both EnhanceProtect cat "$scratch/checked"
expect check/by-bus error jq -r '[.data[0][] | .[0]] | unique | .[0]' \
        <(busctl -j call org.varmor1 /org/varmor1 org.varmor1.Manager Check s "$(cat "$scratch/bad.yaml")")
succeeds check/offline varmord --check $policies/control.yaml
fails check/offline-bad varmord --check "$scratch/bad.yaml"
for verb in status policies "show control" targets alarms "check $policies/control.yaml"; do
        # shellcheck disable=SC2086
        varmorctl --json $verb >"$scratch/json" 2>"$scratch/err"
        succeeds "json/${verb%% *}" jq -e 'type == "object" or type == "array"' "$scratch/json"
        # shellcheck disable=SC2086
        says "colours/${verb%% *}" '^none$' bash -c "varmorctl $verb | grep -q \$'\\x1b' || echo none"
done
varmorctl status >/dev/null
expect exit/status 0 echo $?
varmorctl no-such-verb >/dev/null 2>&1
expect exit/usage 2 echo $?
varmorctl mode nobody AlwaysAllow >/dev/null 2>&1
fails exit/no-such-policy varmorctl mode nobody AlwaysAllow
says show/rule 'files\[0\]' varmorctl show control
says show/base base-protection varmorctl show control
says targets/unit control.service varmorctl targets
says alarms/review "$key" varmorctl alarms --policy control
says status/figure active varmorctl status

# --- who may -----------------------------------------------------------------------------------------------------------
as_user() { setpriv --reuid=user --regid=user --init-groups -- "$@"; }
says user/list control as_user "${bus[@]}" ListPolicies
succeeds user/status as_user varmorctl status
for call in "Reload" "SetMode ssa{sv} control AlwaysAllow 0" "ResetMode sa{sv} control 0"; do
        # shellcheck disable=SC2086
        says "user/${call%% *}-refused" 'AccessDenied|ccess denied|uthoriz|uthentication is required|ermission' as_user "${bus[@]}" $call
        # shellcheck disable=SC2086
        fails "user/${call%% *}-fails" as_user "${bus[@]}" $call
done
fails user/object as_user "${policy_object[@]}" AlwaysAllow a\{sv\} 0
fails user/rules as_user "${policy_object[@]}" ListRules
as_user varmorctl mode control AlwaysAllow </dev/null >/dev/null 2>&1
expect user/exit-status 5 echo $?
fails user/no-alarms-by-bus as_user timeout 2 busctl --match="type='signal',interface='org.varmor1.Manager'" monitor
expect user/nothing-changed EACCES@read "${try[@]}"
done_testing
