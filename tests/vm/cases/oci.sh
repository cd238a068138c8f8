#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 100
#
# Containers of podman under policies of kind Container, by name, image and labels: in force from the container's first
# instruction, for what is executed in it later, and for nobody else. A container whose policy cannot be in force does not start.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

machine=/var/lib/machines/case
share=/srv/share
mkdir -p $share
cp -a /var/lib/machines/bb $machine
cp $progs/attempt $machine/bin/
mkdir -p $machine/etc/case
echo secret | tee $machine/etc/case/{key,other,apparmor} >/dev/null
tar -C $machine -cf /run/case.tar .
succeeds image/import podman import -q --change 'LABEL tier=gold' /run/case.tar case
rm /run/case.tar

run() { podman run --rm --network=none "$@"; }
container_state() { podman inspect -f "{{.State.$2}}" "$1"; }
registered() { find /run/varmor/containers -type f 2>/dev/null | wc -l; }

# kind NAME TARGET <RULES: a policy for containers.
kind() { policy "$1" "{kind: Container, $2}"; }
deny() { echo "bpfRawRules: {files: [{pattern: \"$1\", permissions: [read, write], qualifiers: [deny]}]}"; }

# ---- without a policy --------------------------------------------------------------------------------------------------

succeeds without/no-file test ! -e /run/varmor/container-policies
expect without/read ok run --name web-1 case attempt read /etc/case/key
expect without/not-registered 0 registered

# ---- by name -------------------------------------------------------------------------------------------------------------

kind web 'name: "web-{1,2*}"' < <(deny /etc/case/key)
reload reload
since=${EPOCHREALTIME/./}
# The first program of the container is denied; nothing of it has run before.
expect name/denied EACCES@read run --name web-1 case attempt read /etc/case/key
# The alarm names its unit, even if its cgroup is gone before varmord reads of it.
succeeds name/alarm until_true 20 alarm_says '^DENIED.web.files.0..open./etc/case/key.*libpod-[0-9a-f]*\.scope'
expect name/glob-and-neighbour "EACCES@read ok" echo $(run --name web-23 case sh -c 'attempt read /etc/case/key; attempt read /etc/case/other')
expect name/other ok run --name web-3 case attempt read /etc/case/key
expect name/gone 0 registered
expect name/cgroupfs EACCES@read podman --cgroup-manager=cgroupfs run --rm --network=none --name web-1 case attempt read /etc/case/key

# One that stays: what is executed in it later, after a restart, and after varmord's.
succeeds stays/start podman run -d --name web-2 --network=none case sleep 900
expect stays/registered 1 registered
says stays/targets 'libpod-[0-9a-f]*.scope.*web' varmorctl targets
succeeds stays/varmord systemctl restart varmord
expect stays/exec-after-varmord EACCES@read podman exec web-2 attempt read /etc/case/key
succeeds stays/restart podman restart -t 0 web-2
expect stays/exec-after-restart EACCES@read podman exec web-2 attempt read /etc/case/key
# A changed policy reaches it at once.
kind web 'name: "web-{1,2*}"' < <(deny /etc/case/other)
reload stays/reload
expect stays/changed "EACCES@read ok" echo $(podman exec web-2 sh -c 'attempt read /etc/case/other; attempt read /etc/case/key')
succeeds stays/remove podman rm -f -t 0 web-2
expect stays/gone 0 registered

# ---- by what a selector says ----------------------------------------------------------------------------------------------

unpolicy web
kind gold 'selector: {matchLabels: {tier: gold, Image: localhost/case}}' < <(deny /etc/case/key)
kind blue 'selector: {matchExpressions: [{key: colour, operator: In, values: [blue]}, {key: Name, operator: NotIn, values: [free]}]}' \
        < <(deny /etc/case/other)
reload selector/reload
expect selector/image-label EACCES@read run case attempt read /etc/case/key
expect selector/annotation-over-label ok run --annotation tier=silver case attempt read /etc/case/key
expect selector/not-named "EACCES@read ok" echo $(run --name free --annotation colour=blue case sh -c 'attempt read /etc/case/key; attempt read /etc/case/other')
expect selector/both "EACCES@read EACCES@read" echo $(run --annotation colour=blue case sh -c 'attempt read /etc/case/key; attempt read /etc/case/other')

unpolicy gold blue

# ---- by each enforcer ---------------------------------------------------------------------------------------------------------

cat >$policies/all.yaml <<'T'
apiVersion: crd.varmor.org/v1beta1
kind: VarmorClusterPolicy
metadata: {name: all}
spec:
  target: {kind: Container, name: "all*"}
  policy:
    enforcer: AppArmorBPFSeccomp
    mode: EnhanceProtect
    enhanceProtect:
      privileged: true
      auditViolations: true
      appArmorRawRules: [{rules: "audit deny /etc/case/apparmor r,"}]
      bpfRawRules: {files: [{pattern: /etc/case/key, permissions: [read, write], qualifiers: [deny]}]}
      syscallRawRules:
      - {names: [symlink, symlinkat], action: SCMP_ACT_ERRNO, errnoRet: 13}
      - {names: [setpriority], action: SCMP_ACT_ERRNO, args: [{index: 2, value: 7, op: SCMP_CMP_EQ}]}
T
reload each/reload
cat >$share/table <<'T'
key       | ok | EACCES@read | | read /etc/case/key | * open /etc/case/key
apparmor  | ok | EACCES@read | | read /etc/case/apparmor | * open /etc/case/apparmor
neighbour | ok | ok | | read /etc/case/other
symlink   | ok | EACCES@symlink | | symlink name /tmp/link | syscallRawRules[0] * *
link      | ok | ok | | put /tmp/file ; link /tmp/file /tmp/name
argument  | ok | EPERM@nice | | nice 7 | syscallRawRules[1] * *
others    | ok | ok | | nice 8
T
verdicts each/without/ < <(run --name free -v $share:/share --tmpfs /tmp case attempt -f /share/table -r without 2>&1)
since=${EPOCHREALTIME/./}
succeeds each/start podman run -d --name all-1 --network=none -v $share:/share --tmpfs /tmp case sh -c 'attempt -f /share/table -r with >/share/with 2>&1; exec sleep 900'
succeeds each/ran until_true 30 grep -q '|others|' $share/with
verdicts each/with/ <$share/with
says each/profile '^containers-default-[0-9.]*//&varmor.all .enforce' cat /proc/$(podman inspect -f '{{.State.Pid}}' all-1)/attr/apparmor/current
alarms_in $share/table "libpod-$(podman inspect -f '{{.Id}}' all-1).scope" all
expect each/state active policy_state all
# What podman starts later it gives a profile of its own choice.
expect each/exec "EACCES@symlink EACCES@read containers-default" echo $(podman exec all-1 sh -c \
        'attempt symlink name /tmp/link; attempt read /etc/case/key; cut -d - -f 1,2 /proc/self/attr/current')
succeeds each/remove podman rm -f -t 0 all-1
expect each/privileged "EACCES@symlink EACCES@read" echo $(run --privileged --name all-2 case sh -c 'attempt symlink a /b; attempt read /etc/case/apparmor')

# The same profile by hand, for a container that no policy is for.
varmorctl export --format oci-seccomp --base all >/run/all.json 2>"$scratch/export"
expect export/base "EACCES@symlink EPERM@nice ok ok" echo $(run --security-opt seccomp=/run/all.json --name free case sh -c \
        'attempt symlink a /b; attempt nice 7; attempt nice 8; attempt read /etc/case/apparmor')
unpolicy all

# ---- in a slice ------------------------------------------------------------------------------------------------------------

kind web 'name: web' < <(deny /etc/case/key)
sed -i 's/VarmorClusterPolicy/VarmorPolicy/; s/{name: web}/{name: web, namespace: some.slice}/' $policies/web.yaml
reload slice/reload
expect slice/inside EACCES@read run --cgroup-parent=some.slice --name web case attempt read /etc/case/key
expect slice/outside ok run --name web case attempt read /etc/case/key

# ---- conditions that the engine's own profile has, too -----------------------------------------------------------------------

enforcer=Seccomp kind fine 'name: fine' <<<'vulMitigationRules: [copy-fail-mitigation]'
reload fine/reload
expect fine/denied "EACCES@sock ok" echo $(run --name fine case sh -c 'attempt sock alg seqpacket; attempt sock inet stream')
unpolicy fine
enforcer=Seccomp kind fine 'name: fine' <<<'attackProtectionRules: [{rules: [disable-tcp]}]'
says fine/refused 'disable-tcp.* is not enforceable.*do not fit in' varmorctl check $policies/fine.yaml
unpolicy fine

# ---- when it cannot be in force ------------------------------------------------------------------------------------------------

kind web 'name: web' < <(deny /etc/case/key)
kind open 'name: open' < <(deny /etc/case/key)
sed -i 's/^  policy:/  failurePolicy: open\n&/' $policies/open.yaml
reload missing/reload
systemctl stop varmord
systemctl mask -q --runtime varmord
since=${EPOCHREALTIME/./}
says missing/closed 'OCI Hooks.*exit status 1' run --name web case attempt read /etc/case/key
says missing/journal 'Container web .* is not started, it would not be under policy web: varmord does not say' \
        journalctl -b -o cat MESSAGE_ID=8b6e9f8fc4fb4d5abd6164eec48e22ab
expect missing/open ok run --name open case attempt read /etc/case/key
says missing/open-journal 'Container open .* is started without all of policy open' \
        journalctl -b -o cat MESSAGE_ID=8b6e9f8fc4fb4d5abd6164eec48e22ab
expect missing/other ok run --name other case attempt read /etc/case/key
systemctl unmask -q --runtime varmord
succeeds missing/varmord systemctl start varmord
says missing/no-cgroup 'OCI Hooks.*exit status 1' run --cgroups=disabled --name web case attempt read /etc/case/key

# A broken version leaves the one before it in force, for containers as well.
sed -i 's/enforcer: BPF/enforcer: BPFF/' $policies/web.yaml
fails broken/reload varmorctl reload
expect broken/denied EACCES@read run --name web case attempt read /etc/case/key

# ---- and away ------------------------------------------------------------------------------------------------------------------------

unpolicy web open
reload removed/reload
succeeds removed/no-file test ! -e /run/varmor/container-policies
expect removed/free ok run --name web case attempt read /etc/case/key
done_testing
