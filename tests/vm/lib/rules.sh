# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The body of rules*.sh: the built-in rules about files and executables, each alone in a policy, by the enforcer in enforcer=: what it
# names is denied, what is next to it is not, and the alarm names the rule.

. /mnt/tests/lib/policy.sh

t=/srv/r
mkdir -p $t/bin /run/secrets/kubernetes.io/serviceaccount /root/.ssh /home/user/.ssh $t/skills/cook $t/sub
echo x | tee /run/secrets/kubernetes.io/serviceaccount/token /run/secrets/other /root/.ssh/id /home/user/.ssh/id /root/sshd \
        $t/skills/cook/SKILL.md $t/skill $t/file /etc/case-file >/dev/null
for name in busybox sh bash dash zsh wget curl chmod su sudo runc other wget2 surely; do cp $progs/hammer $t/bin/$name; done
exec=exit:2@exec
# Sockets that somebody listens on, whatever is sent to them.
mkdir -p $t/run
systemd-run -q --unit=case-sockets --socket-property=ListenStream=$t/run/docker.sock \
        --socket-property=ListenStream=$t/run/other.sock sleep inf

printf '#!/bin/sh\n:\n' >$t/script
chmod +x $t/script

# KIND ID | what is denied | what is not. Steps as in attempt's tables; for exec the result without the policy is exit:2.
cat >"$scratch/list" <<T
hardening disallow-write-core-pattern | open /proc/sys/kernel/core_pattern w | open /proc/sys/kernel/core_pattern r ; open /proc/sys/kernel/hostname w
hardening disallow-access-kallsyms | open /proc/kallsyms r | open /proc/version r
attackProtection mitigate-sa-leak | open /run/secrets/kubernetes.io/serviceaccount/token r | open /run/secrets/other r
attackProtection mitigate-sa-leak | open /var/run/secrets/kubernetes.io/serviceaccount/token r | open /var/run/secrets/other r
attackProtection mitigate-disk-device-number-leak | open /proc/partitions r | open /proc/filesystems r
attackProtection mitigate-disk-device-number-leak | open /proc/self/mountinfo r | open /proc/self/status r
attackProtection mitigate-disk-device-number-leak | open /proc/thread-self/mountinfo r | open /proc/self/mounts r
attackProtection mitigate-overlayfs-leak | open /proc/mounts r | open /proc/filesystems r
attackProtection mitigate-overlayfs-leak | open /proc/self/mountinfo r | open /proc/self/status r
attackProtection mitigate-host-ip-leak | open /proc/net/arp r | open /proc/net/dev r
attackProtection mitigate-host-ip-leak | open /proc/self/net/arp r | open /proc/self/net/dev r
attackProtection disable-write-etc | open /etc/case-file w | open /etc/case-file r ; write $t/file
attackProtection disable-write-etc | open /etc/case-new wc | open $t/case-new wc
attackProtection disable-write-etc | rename /etc/case-file /etc/case-moved | stat /etc/case-file
attackProtection disable-access-passwd | open /etc/passwd r | open /etc/group r
attackProtection disable-access-passwd | open /etc/passwd w | open /etc/hostname w
attackProtection disable-access-shadow | open /etc/shadow r | open /etc/passwd r
attackProtection disable-access-shadow | open /etc/shadow w | open /etc/passwd w
attackProtection disable-access-ssh-dir | open /root/.ssh/id r | open /root/sshd r
attackProtection disable-access-ssh-dir | open /root/.ssh rd | open /root rd
attackProtection disable-access-ssh-dir | open /home/user/.ssh/id w | open /home/user/new wc
attackProtection disable-write-skills | open $t/skills/cook/SKILL.md w | open $t/skills/cook/SKILL.md r ; open $t/skill w
attackProtection disable-busybox | exec $t/bin/busybox -h | exec $t/bin/other -h
attackProtection disable-shell | exec $t/bin/sh -h | exec $t/bin/other -h
attackProtection disable-shell | exec $t/bin/bash -h | exec $t/bin/other -h
attackProtection disable-shell | exec $t/bin/dash -h | exec $t/bin/other -h
attackProtection disable-shell | exec $t/bin/zsh -h | exec $t/bin/other -h
attackProtection disable-shell | exec /bin/sh -c : | exec /bin/true
attackProtection disable-shell | exec /usr/bin/dash -c : | exec /bin/true
attackProtection disable-shell | exec /bin/bash -c : | exec /bin/true
attackProtection disable-wget | exec $t/bin/wget -h | exec $t/bin/wget2 -h
attackProtection disable-curl | exec $t/bin/curl -h | exec $t/bin/wget -h
attackProtection disable-chmod | exec $t/bin/chmod -h | exec $t/bin/other -h
attackProtection disable-su-sudo | exec $t/bin/su -h | exec $t/bin/surely -h
attackProtection disable-su-sudo | exec $t/bin/sudo -h | exec $t/bin/other -h
attackProtection disable-shell | exec $t/script | exec /bin/true
attackProtection disable-shell | exec /bin/rbash -c : | exec /bin/true
attackProtection block-access-to-container-runtime | connect $t/run/docker.sock | connect $t/run/other.sock
hardening block-access-to-service-manager | connect /run/systemd/private | connect $t/run/other.sock
hardening block-access-to-service-manager | connect /run/dbus/system_bus_socket | connect /run/systemd/journal/stdout
vulMitigation runc-override-mitigation | open $t/bin/runc w | open $t/bin/runc r
vulMitigation runc-override-mitigation | unlink $t/bin/runc | open $t/bin/other w
hardening disallow-write-release-agent | open /sys/fs/cgroup/case/release_agent w | open /sys/fs/cgroup/cgroup.procs r
vulMitigation cgroups-lxcfs-escape-mitigation | open /sys/fs/cgroup/case/release_agent w | open /sys/fs/cgroup/cgroup.procs r
T
# Nothing but the v1 hierarchy has a release_agent: one to try it on.
if mkdir -p $t/v1 && mount -t cgroup -o none,name=case none $t/v1 2>/dev/null; then
        mkdir -p /sys/fs/cgroup/case && mount --bind $t/v1 /sys/fs/cgroup/case
else
        comment "no named v1 hierarchy on this kernel: release_agent is left out"
        sed -i '/release_agent/d' "$scratch/list"
fi

# AppArmor does not see who connects to a socket file, and asks about a script, not about its interpreter.
if [ "${enforcer:-BPF}" = AppArmor ]; then sed -i '/ connect /d; \,exec /srv/r/script,d' "$scratch/list"; fi

# One policy and one unit for each id; all in force at once.
ids=() n=0
while IFS='|' read -r what denied allowed; do
        read -r kind id <<<"$what"
        n=$((n + 1))
        if [[ " ${ids[*]} " != *" $id "* ]]; then
                ids+=("$id")
                case $kind in
                hardening) echo "hardeningRules: [$id]" | policy "$id" ;;
                vulMitigation) echo "vulMitigationRules: [$id]" | policy "$id" ;;
                attackProtection) echo "attackProtectionRules: [{rules: [$id]}]" | policy "$id" ;;
                esac
        fi
        op=${denied#"${denied%%[! ]*}"} op=${op%% *} free=ok
        [[ $denied != *" -h "* ]] || free=exit:2@exec
        free_neighbour=ok
        [[ $allowed != *" -h"* ]] || free_neighbour=exit:2@exec
        [ "$op" != rename ] || free=- # it would be gone
        [ "$op" != unlink ] || free=-
        # The alarm speaks of the file, whatever name led to it: only the rule is compared.
        {
                echo "$id-$n | $free | EACCES@$op | |$denied| $id * *"
                echo "$id-$n-neighbour | $free_neighbour | $free_neighbour | |$allowed|"
        } >>"$scratch/$id.table"
done <"$scratch/list"

for id in "${ids[@]}"; do without "$scratch/$id.table"; done
if reload reload; then
        for id in "${ids[@]}"; do
                with "$scratch/$id.table" "system.slice/$id.service" with "$([ "${enforcer:-BPF}" = AppArmor ] && echo "varmor.$id")"
                alarms_in "$scratch/$id.table" "$id.service" "$id"
        done
        # The loader of shared objects is no way around: it maps what it starts for execution.
        under=(-c system.slice/disable-shell.service)
        [ "${enforcer:-BPF}" != AppArmor ] || under=(-A varmor.disable-shell)
        for loader in /lib64/ld-linux-*.so.2 /lib/ld-linux-*.so.1; do
                [ -e "$loader" ] || continue
                expect loader/free ok attempt exec "$loader" /bin/dash -c :
                expect loader/denied exit:127@exec attempt "${under[@]}" exec "$loader" /bin/dash -c :
                expect loader/neighbour ok attempt "${under[@]}" exec "$loader" /bin/true
        done
        # vArmor's spelling of an id is understood.
        echo "attackProtectionRules: [{rules: [DISABLE_ACCESS_SHADOW]}]" | policy spelling
        reload reload-spelling
        under=(-c system.slice/spelling.service)
        [ "${enforcer:-BPF}" != AppArmor ] || under=(-A varmor.spelling)
        expect spelling EACCES@open attempt "${under[@]}" open /etc/shadow r
fi
