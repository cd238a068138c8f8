# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The body of boot-lsm*.sh: a kernel that lacks an enforcer. varmord runs, the others enforce their part, and what is missing is said
# in status, by exit status, on the bus and in the journal.

. /mnt/tests/lib/policy.sh

lacks() { # WORD: is it missing from the kernel's list?
        ! grep -qw "$1" /sys/kernel/security/lsm
}

attempts() { # what became of a file, a connection and a system call, in a service that systemd started
        rm -f /run/lacking
        systemctl start lacking.service 2>/dev/null
        cat /run/lacking 2>/dev/null || echo "not started"
}

recorded() { # BehaviorModeling needs neither: without the BPF LSM programs cannot deny, but they see
        cat >"$policies/lacking.yaml" <<'T'
apiVersion: crd.varmor.org/v1beta1
kind: VarmorClusterPolicy
metadata: {name: lacking}
spec:
  target: {kind: Service, name: lacking.service}
  policy: {enforcer: AppArmorBPFSeccomp, mode: BehaviorModeling, modelingOptions: {duration: 5}}
T
        reload recorded/reload
        expect recorded/free "ok ok ok" attempts
        wait_for 20 grep -q '"name": "chroot"' /var/lib/varmor/recordings/lacking
        expect recorded/state modeling policy_state lacking
        expect recorded/lost 0 grep -c '"lost": {"' /var/lib/varmor/recordings/lacking
        says recorded/file '"path": "/srv/lacking/key", "access": \["read"\]' cat /var/lib/varmor/recordings/lacking
        says recorded/mmap '"path": "/usr/lib/[^"]*/libc.so.6", "access": \["exec"\]' cat /var/lib/varmor/recordings/lacking
        says recorded/exec '"exec": .*"/usr/sbin/chroot", "by": "/usr/bin/bash"' cat /var/lib/varmor/recordings/lacking
        says recorded/egress '"address": "127.0.0.7", "port": 7' cat /var/lib/varmor/recordings/lacking
        says recorded/capability '"capability": {"name": "sys_chroot"' cat /var/lib/varmor/recordings/lacking
        says recorded/socket '"socket": {"family": "inet", "type": "dgram"' cat /var/lib/varmor/recordings/lacking
        says recorded/call '"syscall": {"name": "chroot"' cat /var/lib/varmor/recordings/lacking
}

lacking() { # WORD...: of apparmor and bpf, those that this kernel is to lack
        local word name
        for word in apparmor bpf; do
                if [[ " $* " == *" $word "* ]] && ! lacks $word; then
                        skip all "this guest's LSM list has $word: $(cat /sys/kernel/security/lsm)"
                        return
                elif [[ " $* " != *" $word "* ]] && lacks $word; then
                        not_ok lsm "this guest's LSM list lacks $word: $(cat /sys/kernel/security/lsm)"
                fi
        done
        ip link set lo up
        mkdir -p /srv/lacking /run/systemd/system
        echo secret >/srv/lacking/key
        cat >/srv/lacking/try <<T
#!/bin/bash
echo "\$($progs/attempt read /srv/lacking/key) \$($progs/attempt sendto udp 127.0.0.7:7) \$(chroot / true 2>/dev/null && echo ok || echo refused)" >/run/lacking
T
        chmod 755 /srv/lacking/try
        printf '[Service]\nType=oneshot\nExecStart=/srv/lacking/try\n' >/run/systemd/system/lacking.service
        systemctl daemon-reload
        expect service/active active systemctl show -P ActiveState varmord.service
        expect without "ok ok ok" attempts

        enforcer=AppArmorBPFSeccomp policy lacking <<'T'
bpfRawRules:
  files: [{pattern: /srv/lacking/key, permissions: [r], qualifiers: [deny]}]
  network: {egress: {toDestinations: [{ip: 127.0.0.7}], qualifiers: [deny]}}
syscallRawRules: [{names: [chroot], action: SCMP_ACT_ERRNO}]
T
        fails reload varmorctl reload
        varmorctl status >"$scratch/status"
        expect status/exit-status 3 echo $?
        expect policy/state degraded policy_state lacking
        for word in "$@"; do
                name=$([ "$word" = bpf ] && echo BPF || echo AppArmor)
                says "$word/status" "$name +not available: ." cat "$scratch/status"
                says "$word/why" "the $name enforcer is not available" cat "$scratch/status"
                says "$word/bus" "\"$name\" false \"." busctl get-property org.varmor1 /org/varmor1 org.varmor1.Manager Enforcers
                says "$word/journal" "$name enforcer is not available" journalctl -q -b -u varmord.service
        done
        says show/not-by "not by $name: ." varmorctl show lacking
        # The rest is in force.
        expect with "$(lacks apparmor && lacks bpf && echo ok || echo EACCES@read) $(
                lacks bpf && echo ok || echo EACCES@sendto) refused" attempts
        recorded
        unpolicy lacking
        reload gone/reload
        expect gone/free "ok ok ok" attempts
        expect gone/status 0 bash -c 'varmorctl status >/dev/null; echo $?'
}
