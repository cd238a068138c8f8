#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 80
#
# systemd-resolved, and containers of podman, under the examples that are shipped for them and under RuntimeDefault: they do their work
# without a word, and an intruder does not do his. And sockets that were bound in another mount namespace than the service has.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/daemons.sh

attack_systemd_resolved() { # what a hole in it would be used for
        echo "$(attempt -c system.slice/systemd-resolved.service exec /bin/sh -c true)" \
                "$(attempt -c system.slice/systemd-resolved.service open /etc/hosts w)" \
                "$(attempt -c system.slice/systemd-resolved.service read /etc/shadow)"
}

attack_web_containers() { # --privileged, and then it is the host's
        podman run --rm --privileged --network=none --name web-2 case sh -c 'echo $(attempt mount tmpfs none /srv) $(attempt open /proc/sys/kernel/core_pattern w) $(attempt open /etc/passwd w; cp /bin/busybox /tmp/sh; attempt exec /tmp/sh true)' 2>&1
}

# ---- in turn ------------------------------------------------------------------------------------------------------------------------

prepare_systemd_resolved
prepare_web_containers
systemctl start systemd-resolved
expect systemd-resolved/without/attack "ok ok ok" attack_systemd_resolved
expect web-containers/without/attack "ok ok ok exit:2@exec" attack_web_containers

cp $examples/{systemd-resolved,containers}.yaml $policies/
reload example/load
daemon systemd-resolved systemd-resolved.service BPF "EACCES@exec EACCES@open EACCES@read" 'DENIED disable-shell exec /usr/bin/dash'
daemon web-containers "" BPF "EPERM@mount EACCES@open EACCES@open EACCES@exec" 'DENIED disallow-mount syscall mount ' 'DENIED processes.0. exec /tmp/sh'

by_default systemd-resolved systemd-resolved.service BPF
by_default web-containers "" BPF

# ---- sockets that PID 1 has bound, for a service with a mount namespace of its own --------------------------------------------------

own() { systemd-run -q --wait --pipe --unit="elsewhere-$RANDOM" -p PrivateTmp=yes "$progs/attempt" "$@"; }
systemd-run -q --unit=case-sockets --socket-property=ListenStream=/run/case/no.sock --socket-property=ListenStream=/run/case/yes.sock sleep inf
echo 'bpfRawRules: {files: [{pattern: "/run/case/{no.sock,key}", permissions: [read, write], qualifiers: [deny]}]}' | policy elsewhere '{kind: Service, name: "elsewhere-*.service"}'
expect elsewhere/without ok own connect /run/case/no.sock
reload elsewhere/load
since=$(date +%s)
expect elsewhere/denied EACCES@connect own connect /run/case/no.sock
expect elsewhere/neighbour ok own connect /run/case/yes.sock
told elsewhere/told "$since" elsewhere 'DENIED files.0. connect /run/case/no.sock'

# The same for descriptors that somebody else has opened: by the names that they have there, and not at all if they have none.
echo x | tee /run/case/key /run/case/page >/dev/null
received() { # FILE
        attempt offer /run/case/offer "$1" r >/dev/null
        own receive /run/case/offer
}
expect elsewhere/descriptor-denied EACCES@receive received /run/case/key
expect elsewhere/descriptor-neighbour ok received /run/case/page
expect elsewhere/descriptor-device ok received /dev/null
unshare -m sh -c "mount -t tmpfs none /srv && echo x >/srv/hidden &&
        $progs/attempt offer /run/case/offer /srv/hidden r >/dev/null" 2>/dev/null
expect elsewhere/descriptor-without-a-name EACCES@receive own receive /run/case/offer
told elsewhere/descriptor-told "$since" elsewhere 'DENIED files.0. receive /run/case/key'

comment "$SECONDS s"
done_testing
