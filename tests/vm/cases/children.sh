#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 60
#
# AppArmor's rules with targets, where the target is what systemd itself executes: as any user, without new privileges, under a
# root of its own, with an own profile of the unit or the program, by a link and by a name alone; the neighbour that is no target;
# the alarm. By varmorctl run; while the policy changes; and without the file that says what is to be stacked.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

enforcer=AppArmor
t=/srv/kids told=/run/kids
mkdir -p $t/bin $told /srv/kidsroot/proc
for name in one two att; do cp $progs/attempt $t/bin/$name; done
cp $progs/attempt /srv/kidsroot/one
cp $progs/attempt /srv/kidsroot/two
ln -s one $t/bin/link
printf 'text\n' | tee $t/secret $t/open $t/theirs /srv/kidsroot/secret >/srv/kidsroot/open
chmod 755 $t/bin/* /srv/kidsroot/{one,two}
printf 'alarms: {window: 1}\n' >/etc/varmor/varmor.yaml
printf 'profile own flags=(attach_disconnected) { file, capability, network, signal, ptrace, unix, deny %s/theirs r, }\n' $t |
        apparmor_parser -r
printf 'profile att %s/bin/a[t]t flags=(attach_disconnected) { file, capability, network, signal, ptrace, unix, deny %s/theirs r, }\n' \
        $t $t | apparmor_parser -r

units=()
unit() { # NAME WANTED SETTING...: each of them runs, and what it prints is WANTED
        local name=kids-$1
        wanted[${#units[@]}]=$2
        units+=("$name")
        {
                printf '[Service]\nType=oneshot\nStandardOutput=append:%s/%s\n' $told "$name"
                printf '%s\n' "${@:3}"
        } >"/run/systemd/system/$name.service"
}
wanted=()
secret="open $t/secret r" neighbour="open $t/open r"
mkdir -p /run/systemd/system
tried=("ExecStart=-$t/bin/one $secret" "ExecStart=-$t/bin/two $secret" "ExecStart=-$t/bin/one $neighbour")
denied='EACCES@open ok ok '
unit plain "$denied" "${tried[@]}"
unit user "$denied" User=daemon "${tried[@]}"
unit nnp "$denied" NoNewPrivileges=yes "${tried[@]}"
unit nnp-user "$denied" NoNewPrivileges=yes User=daemon "${tried[@]}"
unit dynamic "$denied" DynamicUser=yes "${tried[@]}"
unit full "$denied" User=daemon "${tried[@]/=-/=-+}"
unit rooted "$denied" RootDirectory=/srv/kidsroot 'ExecStart=-/one open /secret r' 'ExecStart=-/two open /secret r' \
        'ExecStart=-/one open /open r'
unit rooted-nnp "$denied" RootDirectory=/srv/kidsroot NoNewPrivileges=yes User=daemon 'ExecStart=-/one open /secret r' \
        'ExecStart=-/two open /secret r' 'ExecStart=-/one open /open r'
unit tmpfs "$denied" TemporaryFileSystem=/run "${tried[@]}"
unit filtered "$denied" SystemCallFilter=~readlinkat SystemCallErrorNumber=EPERM User=daemon "${tried[@]}"
unit own "EACCES@open $denied" AppArmorProfile=own "ExecStart=-$t/bin/one open $t/theirs r" "${tried[@]}"
unit attached 'EACCES@open EACCES@open ok ' "ExecStart=-$t/bin/att $secret" "ExecStart=-$t/bin/att open $t/theirs r" \
        "ExecStart=-$t/bin/att $neighbour"
unit link 'EACCES@open ' "ExecStart=-$t/bin/link $secret"
unit search 'EACCES@open ok ' ExecSearchPath=$t/bin "ExecStart=-one $secret" "ExecStart=-two $secret"
unit within 'EACCES@open ok ' "ExecStart=-/bin/sh -c '$t/bin/one $secret'" "ExecStart=-/bin/sh -c '$t/bin/two $secret'"
printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=%s/bin/one idle inside %s/pid 1000\n' $t $told >/run/systemd/system/kids-stays.service
printf '[Service]\nType=oneshot\nExecStart=%s/bin/one %s\n' $t "$neighbour" >/run/systemd/system/kids-once.service
# Without targets, without the helper.
printf '[Service]\nType=oneshot\nExecStart=/bin/true\n' >/run/systemd/system/sober.service
systemctl daemon-reload

kids() { # TARGETS-OF-THE-FIRST
        cat <<T
bpfRawRules:
  files:
  - {pattern: "$t/{two,nothing}", permissions: [read], targets: [$t/bin/two]}
  - {pattern: "/{${t#/}/secret,secret}", permissions: [read], targets: ["$t/bin/{one,att}", /one]}
  - {pattern: "$t/everybody", permissions: [read]}
T
}
run_all() { # PHASE
        systemctl start "${units[@]/%/.service}" >"$scratch/start" 2>&1
        for i in "${!units[@]}"; do
                said=$(tr '\n' ' ' <"$told/${units[i]}")
                mv "$told/${units[i]}" "$told/${units[i]}.$1"
                if [ "$1" = denied ]; then want=${wanted[i]}; else want=${wanted[i]//EACCES@open/ok}; fi
                # What the profiles of others deny, they deny anyhow.
                case $1/${units[i]} in
                denied/*) ;;
                */kids-own) want="EACCES@open ok ok ok " ;;
                */kids-attached) want="ok EACCES@open ok " ;;
                esac
                expect "$1/${units[i]#kids-}" "$want" printf %s "$said"
        done
}

run_all before
kids | policy kids '{kind: Service, name: "kids-*.service"}'
echo "bpfRawRules: {files: [{pattern: $t/everybody, permissions: [read]}]}" | policy sober
reload reload
expect no-warning 0 grep -c apparmor-start "$scratch/reload"
says sober/no-helper '^AppArmorProfile=varmor.sober$' cat /run/systemd/generator/sober.service.d/zzzz-varmor.conf
since=${EPOCHREALTIME/./}
run_all denied
says report '^bound	kids-plain.service	kids	AppArmor$' cat /run/varmor/bound
for u in plain nnp-user rooted-nnp own; do
        of() { alarms -s "$since" -u "kids-$u.service" | grep -Eq '^DENIED.kids.*files\[1\].open.*/secret'; }
        succeeds "alarm/$u" until_true 15 of
done
systemctl start kids-stays.service
expect label 'varmor.kids//&varmor.kids//t81788592d040cbd7 (enforce)' eval "until_true 10 test -s $told/pid; cat /proc/\$(cat $told/pid)/attr/apparmor/current"
says show 'in force|active' varmorctl show kids

# By varmorctl run.
run() { varmorctl run --policy kids -- "$@"; }
expect run/target EACCES@open run $t/bin/one open $t/secret r
expect run/neighbour ok run $t/bin/two open $t/secret r
expect run/attached EACCES@open run $t/bin/att open $t/theirs r
expect run/attached-target EACCES@open run $t/bin/att open $t/secret r
cd $t/bin
expect run/relative EACCES@open run ./link open $t/secret r
PATH=$t/bin:$PATH expect run/search EACCES@open run one open $t/secret r
cd /

# The policy changes, and with it the numbers of the profiles: whoever starts meanwhile is under the one or the other.
helper=(/usr/lib/varmor/varmor-exec --apparmor varmor.kids --children kids --)
(
        for _ in 1 2 3; do
                echo "bpfRawRules: {files: [{pattern: $t/secret, permissions: [r], targets: [$t/bin/one]}]}" |
                        policy kids '{kind: Service, name: "kids-*.service"}'
                varmorctl reload
                kids | policy kids '{kind: Service, name: "kids-*.service"}'
                varmorctl reload
        done >"$scratch/reloads" 2>&1
        echo done >>"$scratch/reloads"
) &
n=0
until grep -q '^done' "$scratch/reloads" 2>/dev/null; do
        "${helper[@]}" $t/bin/one open $t/secret r
        n=$((n + 1))
done >"$scratch/said" 2>&1
comment "$n starts during six changes"
expect changing/always-denied "$n EACCES@open" awk '{ s[$0]++ } END { for (k in s) print s[k], k }' "$scratch/said"

# Nothing to be stacked any more, and systemd does not know yet.
echo "bpfRawRules: {files: [{pattern: $t/everybody, permissions: [r]}]}" | policy kids '{kind: Service, name: "kids-*.service"}'
reload none/reload
expect none/starts ok "${helper[@]}" $t/bin/one open $t/secret r
says none/no-helper '^AppArmorProfile=varmor.kids$' cat /run/systemd/generator/kids-plain.service.d/zzzz-varmor.conf
kids | policy kids '{kind: Service, name: "kids-*.service"}'
reload again/reload

# Without the file nothing starts.
mv /run/varmor/children/kids $told/file
fails missing/starts systemctl start kids-once.service
expect missing/unit-status 231 systemctl show -P ExecMainStatus kids-once.service
fails missing/helper "${helper[@]}" $t/bin/one open $t/open r
expect missing/status 231 eval "${helper[*]} $t/bin/one open $t/open r; echo \$?"
expect missing/open ok /usr/lib/varmor/varmor-exec --open --apparmor varmor.kids --children kids -- $t/bin/one open $t/secret r
# Nor where it cannot be known what is to be started.
mv $told/file /run/varmor/children/kids
nowhere() { unshare -m sh -c 'umount -l /proc; "$@"; echo $?' - /usr/lib/varmor/varmor-exec "$@" --apparmor varmor.kids --children kids -- $t/bin/two open $t/open r; }
expect nowhere/status 231 nowhere
expect nowhere/open 'ok 0' eval "nowhere --open | tr '\n' ' ' | sed 's/ \$//'"
mv /run/varmor/children/kids $told/file
head -c 60 $told/file >/run/varmor/children/kids
expect damaged/status 231 eval "${helper[*]} $t/bin/one open $t/open r; echo \$?"
said() { journalctl -q -b MESSAGE_ID=87f21241b7924edeb02d78538c214b39 -o cat >"$scratch/said" && grep -q "$1" "$scratch/said"; }
succeeds missing/journal until_true 10 said 'Cannot read what AppArmor has for single programs, policy kids: No such file'
succeeds damaged/journal until_true 10 said 'Cannot read what AppArmor has for single programs, policy kids: It is damaged'
rm /run/varmor/children/kids
systemctl restart varmord.service
until_true 20 varmord_is_up
expect mended 'EACCES@open' "${helper[@]}" $t/bin/one open $t/secret r

unpolicy kids sober
reload end/reload
until_true 20 fails_quietly grep -q '^varmor' /sys/kernel/security/apparmor/profiles
expect end/no-files 0 eval 'ls /run/varmor/children | wc -l'
run_all end
comment "$SECONDS s"
done_testing
