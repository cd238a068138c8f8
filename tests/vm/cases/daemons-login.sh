#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 100
#
# sshd with the sessions of its users, and cron with its jobs, under the examples that are shipped for them and under RuntimeDefault: they do
# their work without a word, nobody is locked out, and an intruder does not do his.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/daemons.sh

# What a user's session may do: execute what lies in /var/tmp, make a user namespace, write a file of his.
sessions() {
        as user 'echo $(attempt exec /var/tmp/tool read /etc/passwd) $(attempt unshareuser) $(attempt put ~/file)'
}
attack_sshd() { # a hole in sshd, before anybody has logged in
        echo "$(attempt -c system.slice/ssh.service open /etc/ssh/sshd_config w)" \
                "$(attempt -c system.slice/ssh.service put /root/.ssh/authorized_keys2)" \
                "$(attempt -c system.slice/ssh.service exec /var/tmp/tool read /etc/passwd)"
}

attack_cron() { # a job that runs what somebody has left, and one that makes another
        printf '@reboot root /var/tmp/evil\n@reboot root cp /etc/cron.d/case /etc/cron.d/again\n' >/etc/cron.d/hostile
        rm -f /run/evil /etc/cron.d/again /run/crond.reboot
        systemctl restart cron
        sleep 2
        rm -f /etc/cron.d/hostile
        if [ -e /run/evil ] && [ -e /etc/cron.d/again ]; then echo "done"; elif [ -e /run/evil ] || [ -e /etc/cron.d/again ]; then echo partly; else echo failed; fi
}

# ---- in turn ------------------------------------------------------------------------------------------------------------------------

# Without logind a session stays in sshd's cgroup; the example lets it in, and tells.
prepare_sshd
prepare_cron
cp $examples/sshd.yaml $policies/
reload example/load-sshd
systemctl start ssh
since=$(date +%s)
expect sshd/no-logind/root 0::/system.slice/ssh.service as root cat /proc/self/cgroup
told sshd/no-logind/told "$since" sshd 'AUDIT processes.1. exec /usr/bin/bash'
unpolicy sshd
reload
rm -f /etc/systemd/system/systemd-logind.service
systemctl daemon-reload
systemctl start systemd-logind

expect sshd/without/attack "ok ok ok" attack_sshd
expect sshd/without/sessions "ok ok ok" sessions
expect cron/without/attack "done" attack_cron

cp $examples/{sshd,cron}.yaml $policies/
reload example/load

daemon sshd ssh.service BPF "EACCES@open EACCES@put EACCES@exec" 'DENIED files.0. open /etc/ssh/sshd_config' 'DENIED files.2. [a-z]+ /root/.ssh/authorized_keys2'
quiet user-sessions/example/nothing-to-say "$since" user-sessions
expect user-sessions/example/sessions "EACCES@exec EPERM@unshareuser ok" sessions
told user-sessions/example/told "$since" user-sessions 'DENIED disallow-create-user-ns'
expect user-sessions/example/root "ok ok" as root 'echo $(attempt unshareuser) $(attempt exec /var/tmp/tool read /etc/shadow)'
daemon cron cron.service all failed 'DENIED files.0. create /etc/cron.d/again' 'DENIED processes.0. exec /var/tmp/evil'

by_default sshd ssh.service BPF
by_default cron cron.service all
succeeds cron/every-minute wait_for 60 test -s /run/minutes
comment "$SECONDS s"
done_testing
