#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 100
#
# What systemd's generator makes of units, and what varmor-exec makes of their commands: every kind of command, every prefix and
# every type of service, before and after: arguments, environment, descriptors, credentials, main PID and watchdog are the same,
# and the filter is in force. Bindings and filters are made by hand; varmord does not run.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

told=/run/bind
mkdir -p $told /run/systemd/system /srv/root
cp $progs/teller /srv/root/teller
cp $progs/teller "$told/te ller"
systemctl stop varmord.service

unit() { # NAME <TEXT below [Service], which may begin other sections
        printf '[Service]\nStandardOutput=append:%s/%s\n%s\n' $told "$1" "$(cat)" >/run/systemd/system/"$1".service
        units+=("$1.service")
}
units=()
oneshot=$'Type=oneshot\nExecStart='
t=$progs/teller

unit kinds <<T
Type=oneshot
RemainAfterExit=yes
ExecCondition=$t exit condition
ExecStartPre=$t exit pre
ExecStart=$t exit first
ExecStart=$t exit second ; $t exit third
ExecStartPost=$t exit post
ExecReload=$t exit reload
ExecStop=$t exit stop
ExecStopPost=$t exit stop-post
T
unit prefixes <<T
Type=oneshot
User=daemon
Environment="A=one two" B=three
ExecStart=$t exit \$A \${A} x\${B}x \$\$B \$NONE %n %i "q u o" 'si ng' \\x41\\040 \\; ; $t exit two
ExecStart=-$t fail
ExecStart=@$t zero \$A
ExecStart=:$t exit \$A \${A} \$\$B
ExecStart=+$t exit full
ExecStart=!$t exit no-setuid
ExecStart=!!$t exit ambient
ExecStart=-@:+$t \$zero fail \$A
ExecStart=@-:!!$t zero exit
ExecStart=-/nothing/there
ExecStart="$told/te ller" exit "" ''
ExecStart='-@$told/te ller' "z ero" fail
T
unit simple <<T
Type=simple
User=daemon
Sockets=simple.socket
ExecStart=$t stay
T
printf '[Socket]\nListenStream=%s/a.socket\nListenDatagram=%s/b.socket\nFileDescriptorName=two\n' $told $told \
        >/run/systemd/system/simple.socket
unit exec <<T
Type=exec
DynamicUser=yes
StateDirectory=bind-exec
ExecStart=$t stay
T
unit forking <<T
Type=forking
ExecStart=$t fork
T
unit notify <<T
Type=notify
WatchdogSec=2
ExecStart=$t notify
T
unit rooted <<T
Type=oneshot
RootDirectory=/srv/root
ExecStart=/teller exit
ExecStart=+/teller exit
ExecStartPost=/teller exit
T
unit rooted-start <<T
Type=oneshot
RootDirectory=/srv/root
RootDirectoryStartOnly=yes
ExecStartPre=$t exit
ExecStart=/teller exit
T
unit private <<T
${oneshot}$t exit
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
User=daemon
T
unit tight <<T
${oneshot}$t exit
NoNewPrivileges=yes
ProtectSystem=strict
ProtectKernelTunables=yes
ProtectControlGroups=yes
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_UNIX
LockPersonality=no
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
T
unit capable <<T
${oneshot}$t exit
User=daemon
Group=adm
SupplementaryGroups=mail
AmbientCapabilities=CAP_NET_BIND_SERVICE CAP_CHOWN
UMask=0027
Nice=3
OOMScoreAdjust=100
IgnoreSIGPIPE=no
WorkingDirectory=/srv
TimerSlackNSec=1ms
T
unit noexec <<T
${oneshot}$t exit
NoExecPaths=/
ExecPaths=$progs
T
unit tmpfs <<T
${oneshot}$t exit
TemporaryFileSystem=/run /usr/lib:ro
T
unit search <<T
${oneshot}teller exit %n
ExecSearchPath=/nothing:$progs
T
unit pam <<T
${oneshot}$t exit
PAMName=bind
User=daemon
T
unit bus <<T
Type=dbus
BusName=org.example.Bind
ExecStartPre=$t exit
ExecStart=$progs/owner org.example.Bind
T
unit late <<T
${oneshot}$t exit overridden
T
mkdir -p /run/systemd/system/late.service.d /run/systemd/system/instance@b.service.d
printf '[Service]\nExecStart=\nExecStart=%s exit late\n' "$t" >/run/systemd/system/late.service.d/zzzzz.conf
printf '[Service]\nStandardOutput=append:%s/instance@%%i\nType=oneshot\nExecStart=%s exit %%i\n' $told "$t" \
        >/run/systemd/system/instance@.service
printf '[Service]\nExecStart=%s exit more\n' "$t" >/run/systemd/system/instance@b.service.d/more.conf
units+=(instance@{a,b,c}.service)
unit hidden <<T
${oneshot}$t exit
InaccessiblePaths=/run/varmor
T
unit early <<T
${oneshot}$t exit
[Unit]
DefaultDependencies=no
T
# AppArmor: as a setting where that is enough, by varmor-exec where it is not.
for name in plain own full path both; do
        unit aa-$name <<T
Slice=aa.slice
Type=oneshot
$(case $name in
        own | both) printf 'ExecStart=%s exit\nAppArmorProfile=own' "$t" ;;
        full) printf 'ExecStart=+%s exit\nExecStart=%s exit\nAppArmorProfile=-not-loaded' "$t" "$t" ;;
        path) printf 'ExecStart=/srv/attached exit' ;;
        plain) printf 'ExecStart=%s exit' "$t" ;;
        esac)
T
done
cp $t /srv/attached
for name in own varmor.aa varmor.both /srv/attached; do
        echo "profile $name flags=(attach_disconnected) { file, capability, network, signal, ptrace, unix, mount, }"
done | apparmor_parser -r
bound=("${units[@]/#aa-*/}")
bound=("${bound[@]/#hidden.service/}")
bound=("${bound[@]/#early.service/}")
bound=("${bound[@]/#instance@c.service/}")

# Nothing is carried out: what systemd has read is compared, whatever it may be.
mkdir -p /run/systemd/system/odd.service.d
cat >/run/systemd/system/odd.service <<'T'
[Service]
Type=oneshot
ExecStart=/bin/echo a \
# not this
  b "c\x20d" \
; nor this
  'e f' \\ \t \q \x4 \;x ;x x; ";" ${A}$B$$ %i%n%% ; -/bin/two\x41 \u00e4 ; ; @/bin/three zero
ExecStart = -/bin/bad/ x
ExecStart=-@/bin/nothing-follows
ExecStart=echo "" '' """" x""y
ExecStart=!!@:-/bin/four/five 0 $A
ExecStart="/bin/six"seven'\x2d' a
ExecStart=/bin/eight a\
T
printf '[Service]\nExecStartPre=:/bin/nine ; /bin/ten\nExecStartPre=unbalanced "\nExecStartPre=/bin/not-read\n' \
        >/run/systemd/system/odd.service.d/10-part.conf
printf '[Service]\nExecStop=/bin/reset\n' >/run/systemd/system/odd.service.d/20-a.conf
printf '[Service]\nExecStop=\nExecStop=+/bin/eleven\nExecStop=/bin/b\\\\ c\n' >/run/systemd/system/odd.service.d/30-b.conf

properties=$(printf ' -p Exec%sEx' Condition StartPre Start StartPost Reload Stop StopPost)
mapfile -t all < <({
        systemctl list-unit-files -q --type=service --state=static,enabled,disabled,indirect,generated,linked --no-legend |
                awk '{ sub(/@\.service/, "@x.service", $1); print $1 }'
        printf '%s\n' odd.service "${units[@]}"
} | grep -v prefixes | sort -u)

commands() { # FILE: what systemd would execute, all units
        # shellcheck disable=SC2086
        systemctl show -p Id $properties "${all[@]}" | sed -E 's/ ; (start_time|stop_time|pid|code|status)=[^;}]*//g' >"$1"
}

start_all() { # PHASE: the files of all units become NAME.PHASE
        systemctl start simple.socket "${units[@]}" >"$scratch/start-$1" 2>&1
        systemctl reload kinds.service
        for name in simple exec forking notify bus; do
                pid=$(systemctl show -P MainPID $name.service)
                echo "main $(readlink "/proc/$pid/exe") $(tr '\0' ' ' <"/proc/$pid/cmdline")" >>$told/$name
                echo "seccomp $(awk '$1 == "Seccomp:" { print $2 }' "/proc/$pid/status")" >$told/$name.$1.seccomp
        done
        sleep 2.5
        echo "watchdog $(systemctl show -P ActiveState -P SubState -P NRestarts notify.service | tr '\n' ' ')" >>$told/notify
        systemctl stop simple.socket "${units[@]}"
        for u in "${units[@]}"; do
                echo "result $(systemctl show -P Result -P ExecMainStatus "$u" | tr '\n' ' ')" >>"$told/${u%.service}"
                mv "$told/${u%.service}" "$told/${u%.service}.$1"
        done
}

printf '%s\n' 'auth required pam_permit.so' 'account required pam_permit.so' 'session required pam_permit.so' >/etc/pam.d/bind
cat >/etc/dbus-1/system.d/bind.conf <<'T'
<busconfig><policy user="root"><allow own="org.example.Bind"/></policy></busconfig>
T
busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig

systemctl daemon-reload
succeeds without/no-dropins [ ! -e /run/systemd/generator/kinds.service.d ]
commands "$scratch/commands-before"
start_all before

binding filter web log quiet 135
binding filter second last quiet kill 317
binding filter both 317
except=$(printf ',!/system.slice/%s/**' {varmord,missing,opened}.service system-instance.slice/instance@c.service)
binding targets "web=Seccomp=/system.slice/**$except" \
        'aa=AppArmor=/aa.slice/**' 'both=AppArmorSeccomp=/aa.slice/aa-both.service/**' \
        'second=Seccomp=/system.slice/capable.service/**' \
        'gone=Seccomp=/system.slice/missing.service/**' 'lost:open=Seccomp=/system.slice/opened.service/**' \
        'some=Seccomp=/system.slice/system-instance.slice/instance@w*.service/**'
unit missing <<T
${oneshot}$t exit
T
unit opened <<T
${oneshot}$t exit
T
unset 'units[-1]' 'units[-1]'
start=${EPOCHREALTIME/./}
systemctl daemon-reload
comment "daemon-reload: $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
start=${EPOCHREALTIME/./}
mkdir -p "$scratch/output"
/usr/lib/systemd/system-generators/varmor-generator "$scratch/output"
comment "generator: $(((${EPOCHREALTIME/./} - start) / 1000)) ms for $(find "$scratch/output" -name '*.conf' | wc -l) drop-ins"

# The same commands, but for what is in front of them.
commands "$scratch/commands-after"
# shellcheck disable=SC2016
unwrap='s#path=(/usr/lib|/run)/varmor/varmor-exec ; argv\[\]=\1/varmor/varmor-exec (-i )?(--search [^ ]+ |--apparmor [^ ]+ )*(web |second |both )*-- ([^ ]+)(.*) ; flags=#path=\5 ; argv[]=\5\6 ; flags=#
        s#path=(/usr/lib|/run)/varmor/varmor-exec ; argv\[\]=\1/varmor/varmor-exec -@ (-i )?(--search [^ ]+ |--apparmor [^ ]+ )*(web |second |both )*-- ([^ ]+) (.*) ; flags=#path=\5 ; argv[]=\6 ; flags=#'
sed -E "$unwrap" "$scratch/commands-after" >"$scratch/commands-unwrapped"
n=$(grep -c varmor-exec "$scratch/commands-after")
comment "$n commands of ${#all[@]} units are wrapped"
succeeds commands/many [ "$n" -gt 70 ]
succeeds commands/same diff "$scratch/commands-before" "$scratch/commands-unwrapped"

start_all after
for u in "${units[@]}"; do
        name=${u%.service}
        grep -v '^=' "$told/$name.before" >"$scratch/before"
        grep -v '^=' "$told/$name.after" >"$scratch/after"
        succeeds "same/$name" diff "$scratch/before" "$scratch/after"
        runs=$(grep -c '^---' "$told/$name.before")
        succeeds "ran/$name" [ "$runs" -ge 1 ]
        case " ${bound[*]} " in
        *" $u "*)
                expect "filtered/$name" "$runs Operation not permitted" \
                        awk '$1 == "=personality" { n[substr($0, 14)]++ } END { for (k in n) print n[k], k }' "$told/$name.after"
                says "reported/$name" "^bound	(instance@|${name%%@*}|$name)\.service	web	Seccomp\$" cat /run/varmor/bound
                ;;
        *)
                expect "unfiltered/$name" "$runs allowed" \
                        awk '$1 == "=personality" { n[substr($0, 14)]++ } END { for (k in n) print n[k], k }' "$told/$name.after"
                ;;
        esac
done
for name in simple forking notify; do
        expect "status/$name" "seccomp 0 seccomp 2" echo "$(<$told/$name.before.seccomp)" "$(<$told/$name.after.seccomp)"
done
while read -r name label; do
        expect "apparmor/$name" "=apparmor $label (enforce)" awk '$1 == "=apparmor" && !seen[$0]++' $told/aa-$name.after
done <<'T'
plain varmor.aa
own own//&varmor.aa
full varmor.aa
path /srv/attached//&varmor.aa
both own//&varmor.aa//&varmor.both
T
says apparmor/both-filtered "=Seccomp_filters:	1" cat $told/aa-both.after
fails apparmor/plain-without-helper grep varmor-exec /run/systemd/generator/aa-plain.service.d/zzzz-varmor.conf
# The quiet part of the first before the second, under which seccomp(2) kills; that of the second not at all.
expect several-filters "=Seccomp_filters:	3" grep Seccomp_filters: $told/capable.after
says no-new-privileges/with-user "=NoNewPrivs:	1" cat $told/capable.after
says no-new-privileges/as-root "=NoNewPrivs:	0" cat $told/tmpfs.after
says reported/hidden "^unbound	hidden.service	web	Seccomp	its InaccessiblePaths= hides /run/varmor" cat /run/varmor/bound
says reported/early "^unbound	early.service	web	Seccomp	it may start before varmord" cat /run/varmor/bound
says reported/some "^unbound	instance@.service	some	Seccomp	the policy covers some of its instances" cat /run/varmor/bound

# A filter that is missing, and one that is damaged.
fails missing/does-not-start systemctl start missing.service
expect missing/status 228 systemctl show -P ExecMainStatus missing.service
succeeds missing/nothing-ran [ ! -s $told/missing ]
said() { journalctl -q -b -u "$1" MESSAGE_ID=87f21241b7924edeb02d78538c214b39 -o cat >"$scratch/said" && grep -q "$2" "$scratch/said"; }
succeeds missing/journal until_true 10 said missing.service "Cannot read the seccomp filter gone: No such file or directory"
binding filter gone 135
printf 'x' | dd of=/run/varmor/filters/gone bs=1 seek=40 conv=notrunc 2>/dev/null
fails damaged/does-not-start systemctl start missing.service
expect damaged/status 228 systemctl show -P ExecMainStatus missing.service
succeeds damaged/journal until_true 10 said missing.service "Cannot read the seccomp filter gone: It is damaged"
binding filter gone 135
succeeds repaired/starts systemctl start missing.service
says repaired/filtered "^=personality Operation not permitted" cat $told/missing
succeeds open/starts systemctl start opened.service
says open/unfiltered "^=personality allowed" cat $told/opened
succeeds open/journal until_true 10 said opened.service "starting without it"

# Without bindings everything is as it was.
rm /run/varmor/bindings
systemctl daemon-reload
succeeds removed/no-dropins [ ! -e /run/systemd/generator/kinds.service.d ]
commands "$scratch/commands-removed"
succeeds removed/same diff "$scratch/commands-before" <(grep -v -e '^Id=missing' -e '^Id=opened' "$scratch/commands-removed")

# varmorctl run: all enforcers, in a scope that nobody has named.
cat >$policies/runs.yaml <<'T'
apiVersion: crd.varmor.org/v1beta1
kind: VarmorClusterPolicy
metadata: {name: runs}
spec:
  target: {kind: Service, name: nothing-of-this-name.service}
  policy:
    enforcer: AppArmorBPFSeccomp
    mode: EnhanceProtect
    enhanceProtect:
      privileged: true
      auditViolations: true
      attackProtectionRules: [{rules: [disable-chmod-x-bit]}]
      bpfRawRules:
        files: [{pattern: /srv/secret, permissions: [r], qualifiers: [deny]}]
      appArmorRawRules: [{rules: "deny /srv/other r,"}]
T
echo x | tee /srv/secret >/srv/other
systemctl start varmord.service
reload run/reload
status_of() { "$@"; echo $?; }
run() { varmorctl run --policy runs -- "$@"; }
expect run/neighbour "a b" run echo a b
expect run/status 7 status_of run sh -c "exit 7"
succeeds run/without cat /srv/secret
says run/file "/srv/secret.?: (Operation not permitted|Permission denied)" run cat /srv/secret
says run/apparmor "cat: /srv/other: Permission denied" run cat /srv/other
says run/profile "^varmor.runs" run cat /proc/self/attr/apparmor/current
says run/seccomp "Operation not permitted" run chmod +x /srv/secret
says run/scope "/system.slice/varmor-run-runs:[0-9a-f]{8}.scope" run cat /proc/self/cgroup
says run/no-child "^children: \$" run sh -c 'read -r c </proc/$$/task/$$/children; echo "children: $c"'
cd /usr/bin
expect run/argv0 "./sh" run ./sh -c 'echo $0'
says run/descriptors "^0 1 2 3\$" run sh -c 'echo $(ls /proc/self/fd)'
says run/no-policy "no policy|NoSuchPolicy|nosuch" varmorctl run --policy nosuch -- true
fails run/no-policy-status varmorctl run --policy nosuch -- true
fails run/no-command varmorctl run --policy runs
done_testing
