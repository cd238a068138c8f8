#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.1
# vm-takes: 25
#
# What systemd and nspawn do to set a workload up is not the workload: it may do what the policy denies. The workload itself is
# confined from its first instruction, and gains nothing by executing the set-up's own programs.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

bb=/var/lib/machines/bb
mkdir -p /run/setup /run/systemd/system /etc/setup
chmod 777 /run/setup
echo secret >/etc/setup/key
echo public >/srv/page
mkdir -p $bb/etc/setup $bb/srv
echo secret >$bb/etc/setup/key
echo public >$bb/srv/page
cp $progs/attempt $bb/bin/attempt
cp $progs/attempt /srv/attempt

# unit NAME SETTING...: it reads what it must not, and what it may; systemd itself writes the results down.
names=()
unit() {
        local name=setup-$1 attempt=/srv/attempt
        shift
        [[ $* != *RootDirectory* ]] || attempt=/bin/attempt
        names+=("$name")
        {
                printf '%s\n' "[Service]" "Type=oneshot" "StandardOutput=append:/run/setup/$name" "StandardError=append:/run/setup/$name" "$@"
                printf 'ExecStart=-%s read /etc/setup/key\nExecStart=-%s read /srv/page\n' $attempt $attempt
                [[ $* == *RootDirectory* ]] || echo "ExecStart=-$attempt open /srv/new wc ; write /proc/self/comm"
        } >"/run/systemd/system/$name.service"
        sed -i '/srv\/new/d' "/run/systemd/system/$name.service"
}
unit plain
unit private-tmp PrivateTmp=yes
unit user User=user
unit dynamic-user DynamicUser=yes StateDirectory=setup-dynamic
unit root-directory RootDirectory=$bb
unit root-directory-mounts RootDirectory=$bb MountAPIVFS=yes PrivateTmp=yes BindReadOnlyPaths=/srv:/srv
unit pam PAMName=login User=user
unit ambient User=user AmbientCapabilities=CAP_NET_BIND_SERVICE CapabilityBoundingSet=CAP_NET_BIND_SERVICE
unit strict ProtectSystem=strict ProtectHome=yes PrivateDevices=yes ProtectKernelTunables=yes ReadWritePaths=/run/setup
unit everything PrivateTmp=yes DynamicUser=yes PrivateDevices=yes PrivateNetwork=yes ProtectProc=invisible NoNewPrivileges=yes \
        SystemCallFilter=@system-service TemporaryFileSystem=/opt BindReadOnlyPaths=/etc/hostname:/opt/hostname
unit user-namespace PrivateUsers=yes PrivateMounts=yes
unit environment EnvironmentFile=/etc/setup/key SupplementaryGroups=adm
unit credential LoadCredential=key:/etc/setup/key
cat >/run/systemd/system/setup-nspawn.service <<T
[Service]
Type=oneshot
StandardOutput=append:/run/setup/setup-nspawn
ExecStart=-/usr/bin/systemd-nspawn -q --register=no --keep-unit --pipe -D $bb --bind-ro=/etc/setup:/mnt \
        /bin/sh -c '/bin/attempt read /etc/setup/key; /bin/attempt read /srv/page'
T
names+=(setup-nspawn)
echo KEY=x >/etc/setup/key
systemctl daemon-reload

run_all() { # without | with
        local name wanted
        rm -f /run/setup/*
        systemctl start "${names[@]/%/.service}"
        for name in "${names[@]}"; do
                wanted="ok ok"
                [ "$1" = without ] || wanted="EACCES@read ok"
                expect "$1/${name#setup-}" "$wanted" paste -sd ' ' "/run/setup/$name"
        done
}

mkdir -p /etc/varmor/varmor.yaml.d
echo 'launchers: [/usr/bin/systemd-nspawn]' >/etc/varmor/varmor.yaml.d/case.yaml
run_all without

# All of /etc, which the set-up reads (and writes, for DynamicUser and PAM); and mounts, for whoever is confined.
policy setup '{kind: Service, name: "setup-*.service"}' <<T
bpfRawRules:
  files: [{pattern: "/etc/**", permissions: [r, w], qualifiers: [deny]}]
T
reload reload
since=${EPOCHREALTIME/./}
run_all with
sleep 1
for name in "${names[@]}"; do
        says "alarm/${name#setup-}" 'DENIED.setup.files\[0\].open./etc/setup/key' alarms -s "$since" -u "$name.service"
done
# The set-up has read other files of /etc: it is neither denied nor reported.
expect alarm/none-for-the-set-up "" echo "$(alarms -s "$since" | cut -f 5 | grep -v /etc/setup/key | sort -u | paste -sd ' ')"

# Who executes a set-up program himself stays what he is.
cg=system.slice/setup-self.service
env='PRELOAD_READ=/etc/setup/key LD_PRELOAD='$progs/preload.so
for program in /lib/systemd/systemd /usr/bin/systemd-nspawn /usr/bin/true; do
        # shellcheck disable=SC2086
        expect "inside/${program##*/}/without" ok env $env $program --version
        # shellcheck disable=SC2086
        says "inside/${program##*/}/with" "^EACCES$" attempt -c $cg become /usr/bin/env $env $program --version
        # Also as its own child, from a thread, and after having moved.
        # shellcheck disable=SC2086
        says "inside/${program##*/}/again" "^EACCES$" attempt -c $cg become /usr/bin/env $env /usr/bin/env $program --version
done
nspawn=(/usr/bin/systemd-nspawn -q --register=no --keep-unit --pipe -D $bb --bind-ro=/etc/setup:/mnt /bin/attempt read /mnt/key)
expect container/without ok "${nspawn[@]}"
fails container/made-by-the-workload attempt -c $cg exec "${nspawn[@]}"
expect container/workload-free-of-the-policy ok "${nspawn[@]}"
done_testing
