# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The body of attacks-*.sh: every built-in rule against what it names, by the enforcer in enforcer=. Without a policy each attack
# works; under the rule it is stopped, its neighbour is not, and there is one alarm for it that names the rule; so in each of the
# four cells of the disposition. At the end a table says what became of each rule.

. /mnt/tests/lib/policy.sh

letter=${enforcer:0:1}
t=/srv/a
printf '%s\n' 'alarms: {window: 1, rate: 10000}' 'addresses: {kube-apiserver: ["192.0.2.1:6443"], ingress-nginx-admission: ["192.0.2.2:8443"]}' \
        >/etc/varmor/varmor.yaml

# --- what is attacked -----------------------------------------------------------------------------------------------------
mkdir -p $t/{bin,run,c,m,v1} /run/secrets/kubernetes.io/serviceaccount /root/.ssh /home/user/.ssh $t/skills/cook
echo x | tee /run/secrets/kubernetes.io/serviceaccount/token /run/secrets/other /root/.ssh/id /home/user/.ssh/id /root/sshd \
        $t/skills/cook/SKILL.md $t/skill $t/file $t/theirs >/dev/null
chown 1000:1000 $t/theirs && chmod 600 $t/theirs && chmod 777 $t
for name in busybox sh bash dash zsh wget curl chmod su sudo runc other wget2 surely; do cp /bin/true $t/bin/$name; done
for name in sh wget curl chmod su busybox; do cp $t/bin/$name $t/bin/copy-of-$name && ln -s $name $t/bin/link-to-$name; done
printf '#!/bin/sh\n:\n' >$t/script && chmod +x $t/script
ip link set lo up
for address in 169.254.169.254 100.96.0.96 100.100.100.200 192.0.0.192 192.0.2.{1,2,9}; do ip addr add "$address/32" dev lo; done
for address in fd00:ec2::254 fd00:ec2::253; do ip addr add "$address/128" dev lo nodad; done
for address in 0.0.0.0 '[::]'; do
        attempt serve 900 tcp "$address:80" udp "$address:80" tcp "$address:6443" tcp "$address:8443" >/dev/null
done
attempt serve 900 stream $t/run/docker.sock stream $t/run/containerd.sock stream $t/run/other.sock >/dev/null
attempt idle outside $t/outside.pid 900 >/dev/null
attempt as 1000 ';' shmmake 0x6361 >/dev/null
attempt as 1000 ';' idle theirs $t/theirs.pid 900 >/dev/null
attempt newuser ';' idle inuser $t/inuser.pid 900 >/dev/null
sysctl -q kernel.dmesg_restrict=1 kernel.kptr_restrict=1 kernel.unprivileged_bpf_disabled=2 kernel.perf_event_paranoid=2
module=$(modinfo -n dummy)
cp "$module" $t/module
case $module in *.xz) xz -dc "$module" >$t/module ;; *.zst) zstd -qdc "$module" >$t/module ;; esac
mount -t tmpfs case $t/m && mount --make-rprivate /
if mount -t cgroup -o none,name=case none $t/v1; then
        mkdir -p /sys/fs/cgroup/case $t/v1/devices && mount --bind $t/v1 /sys/fs/cgroup/case
fi
for loader in /lib64/ld-linux-*.so.2 /lib/ld-linux-*.so.1; do [ ! -e "$loader" ] || break; done
disk=/dev/$(lsblk -dnro NAME,TYPE | awk '$2 == "disk" { print $1; exit }')

# A rule: KIND ID ENFORCERS GROUP. ENFORCERS are those that can express it; rules of one GROUP (where several share a policy) have
# nothing in common. Below it its attacks: PREPARATION | STEPS | its neighbour | notes:
#       free:RESULT     what becomes of the attack without the policy, if not "ok"
#       stopped:RESULT  and under it, if not EACCES or EPERM at the last step
#       only:LETTERS    an attack that only these enforcers are meant to stop
#       alarms:N        so many for one attack; N+: or more
#       audits:N        and so many where it is let through; any number for capabilities, which the kernel asks about time and again
#       known           what a rule cannot stop, as its description says
cat >"$scratch/list" <<T
hardening disallow-write-core-pattern AB 1
| write /proc/sys/kernel/core_pattern core | read /proc/sys/kernel/core_pattern ; open /proc/sys/kernel/hostname w
| chdir /proc/sys/kernel ; write core_pattern core
| take /proc/sys rd ; takeat kernel/core_pattern w
| newns ; bind /proc/sys $t/c ; write $t/c/kernel/core_pattern core | | only:B stopped:EACCES@bind,EPERM@bind,EACCES@write alarms:0+
hardening disallow-mount-securityfs AB 1
| newns ; mount securityfs none $t/c | newns ; mount tmpfs none $t/c
| newns ; mount securityfs /proc/x /mnt
| newns ; fsmount securityfs ; movemount $t/c | newns ; fsmount tmpfs ; movemount $t/c | only:B stopped:EACCES@fsmount,EPERM@fsmount,EACCES@movemount,EPERM@movemount
hardening disallow-mount-procfs AB 1
| newns ; mount proc proc $t/c | newns ; mount tmpfs none $t/c
| newns ; mount proc proc /proc
| newns ; remount bind,ro /proc | newns ; remount bind,ro $t/m
| newns ; fsmount proc ; movemount $t/c | | only:B stopped:EACCES@fsmount,EPERM@fsmount,EACCES@movemount,EPERM@movemount
| newns ; bind /proc $t/c
| newns ; rbind /proc $t/c
| newns ; opentree /proc ; movemount $t/c | | only:B stopped:EACCES@opentree,EPERM@opentree,EACCES@movemount,EPERM@movemount
| newns ; move /proc $t/c
| newuser ; unshare pid ; fork mount proc proc $t/c | | only:AB
| newns ; detach /proc | newns ; detach $t/m
hardening disallow-write-release-agent AB 1
| write /sys/fs/cgroup/case/release_agent /srv/a/file | read /sys/fs/cgroup/case/release_agent ; open /sys/fs/cgroup/case/notify_on_release w
hardening disallow-mount-cgroupfs AB 1
| newns ; mount cgroup none $t/c none,name=case | newns ; mount tmpfs none $t/c
| newuser ; unshare cgroup ; mount cgroup none $t/c none,name=case
| newns ; mount cgroup2 none $t/c
| newns ; fsmount cgroup2 ; movemount $t/c | | only:B stopped:EACCES@fsmount,EPERM@fsmount,EACCES@movemount,EPERM@movemount
| newns ; bind /sys/fs/cgroup $t/c
| newns ; rbind /sys $t/c
| newns ; remount bind,ro /sys/fs/cgroup | newns ; remount bind,ro $t/m
| newns ; detach /sys/fs/cgroup
hardening disallow-debug-disk-device AB 1
| read $disk | read /dev/urandom
| open $disk w
nodeof $disk $t/disk | read $t/disk | | only:B
hardening disallow-mount-disk-device AB 1
| newns ; mount ext4 $disk $t/c | newns ; mount tmpfs none $t/c
nodeof $disk $t/disk | newns ; mount ext4 $t/disk $t/c | | only:B alarms:0+
hardening disallow-mount ABS 2
| newns ; mount tmpfs none $t/c | newns ; read $t/file
| newns ; bind $t/m $t/c
| newns ; move $t/m $t/c
| newns ; remount bind,ro $t/m
| newns ; fsmount tmpfs ; movemount $t/c | | only:BS audits:1+ stopped:EACCES@fsmount,EPERM@fsmount,EACCES@movemount,EPERM@movemount
| newns ; opentree $t/m ; movemount $t/c | | only:BS audits:1+ stopped:EACCES@opentree,EPERM@opentree,EACCES@movemount,EPERM@movemount
| newuser ; mount tmpfs none $t/c
hardening disallow-umount ABS 2
| newns ; umount $t/m | newns ; read $t/file
| newns ; detach $t/m
hardening disallow-insmod AB 4
unload dummy | insmod $t/module | hostname
unload dummy | initmodule $t/module
hardening disallow-load-bpf-prog AB 5
| only 39 ; bpfload | read /etc/hostname
| only 21 ; bpfload
hardening disallow-access-procfs-root AB 6
| ofproc $t/outside.pid root rd | ofproc self root rd ; ofproc $t/outside.pid status r
| ofproc $t/outside.pid cwd rd
| ofproc $t/outside.pid environ r
| linkof $t/outside.pid exe
| ofproc $t/outside.pid maps r
hardening disallow-access-kallsyms AB 1
| read /proc/kallsyms | read /proc/version
| chdir /proc/self ; read ../kallsyms
hardening disable-cap-chown AB 3
put $t/mine | chown $t/mine | hostname
hardening disable-cap-dac-override AB 4
| write $t/theirs | hostname
hardening disable-cap-dac-read-search AB 3
| handle $t/file r | hostname
hardening disable-cap-fowner AB 4
| chmod $t/theirs 600 | hostname
hardening disable-cap-fsetid AB 3
put $t/mine ; chown $t/mine | keepsgid $t/mine | hostname | alarms:1+
hardening disable-cap-kill AB 4
| signal $t/theirs.pid 28 | hostname
hardening disable-cap-setgid AB 3
| setgid 1000 | hostname
| setgroups
hardening disable-cap-setuid AB 4
| setuid 1000 | hostname
hardening disable-cap-setpcap AB 3
| dropbound | hostname
hardening disable-cap-linux-immutable AB 4
| tmpfile $t ; immutable | hostname
hardening disable-cap-net-bind-service AB 4
| bindto tcp 127.0.0.1:82 | bindto tcp 127.0.0.1:8082
hardening disable-cap-net-admin AB 3
| netadmin | hostname
hardening disable-cap-net-raw AB 4
| sock packet raw | hostname
hardening disable-cap-ipc-lock AB 3
| lockmemory | hostname | alarms:1+
hardening disable-cap-ipc-owner AB 4
| shmuse 0x6361 | hostname
hardening disable-cap-sys-module AB 3
unload dummy | insmod $t/module | hostname
hardening disable-cap-sys-rawio AB 4
| ports | hostname
hardening disable-cap-sys-chroot AB 3
| chroot $t | hostname
| newuser ; chroot $t
hardening disable-cap-sys-ptrace AB 4
| linkof $t/theirs.pid exe | hostname
hardening disable-cap-sys-pacct AB 3
| acct | hostname
hardening disable-cap-sys-admin AB 10
| hostname | nice -5
| newns
| newuser | | stopped:EPERM@newuser
hardening disable-cap-sys-boot AB 3
| cad | hostname
hardening disable-cap-sys-nice AB 4
| nice -5 | hostname
hardening disable-cap-sys-resource AB 3
| hardlimit | hostname
hardening disable-cap-sys-time AB 4
| timezone | hostname
hardening disable-cap-sys-tty-config AB 3
| hangup | hostname
hardening disable-cap-mknod AB 4
rm $t/null | mknull $t/null | hostname
hardening disable-cap-lease AB 3
| lease $t/theirs | hostname
hardening disable-cap-audit-write AB 4
| auditmessage | hostname
hardening disable-cap-audit-control AB 3
| auditstatus | hostname
hardening disable-cap-setfcap AB 4
put $t/mine | filecaps $t/mine | hostname
hardening disable-cap-syslog AB 3
| only 34 ; syslog | hostname
hardening disable-cap-wake-alarm AB 4
| alarmclock | hostname
hardening disable-cap-block-suspend AB 3
| wakelock | hostname
hardening disable-cap-audit-read AB 4
| auditlisten | hostname
hardening disable-cap-perfmon AB 3
| only 38 ; perf | hostname
hardening disable-cap-bpf AB 4
| only 39 ; bpfload | hostname
hardening disable-cap-checkpoint-restore AB 3
| only 40 ; pickpid | hostname
hardening disable-cap-all AB 7
| chroot $t | read $t/file
| hostname
| nice -5
hardening disable-cap-all-except-net-bind-service AB 8
| chroot $t | bindto tcp 127.0.0.1:82
hardening disable-cap-privileged AB 9
| hostname | chroot $t
| nice -5 | sock inet raw icmp
hardening disallow-abuse-user-ns AB 6
| newuser | unshareuser | stopped:EPERM@newuser
| unshareuser ; newns
| unshareuser ; newns ; mount tmpfs none $t/c | | stopped:EPERM@newns
hardening disallow-create-user-ns BS 2
| unshareuser | newns ; unshare uts
| cloneuser
| clone3user | | stopped:EPERM@clone3user,ENOSYS@clone3user alarms:0+
| joinuser $t/inuser.pid | newns ; setns 1
| joinuser $t/inuser.pid any
| as 1000 ; unshareuser
hardening disallow-load-all-bpf-prog BS 2
| bpfload | bpfcreate
hardening disallow-load-bpf-via-setsockopt BS 2
| sockopt filter | sockopt reuseaddr
| sockopt bpf
| sockopt reuseport-cbpf
| sockopt reuseport-ebpf
| ringsockopt filter | | free:ok,EOPNOTSUPP@ringsockopt
hardening disallow-userfaultfd-creation BS 2
| userfault | read $t/file
| userfault device
hardening block-access-to-service-manager B 2
| connect /run/systemd/private | connect $t/run/other.sock
| connect /run/dbus/system_bus_socket | connect /run/systemd/journal/stdout
| dial stream /var/run/dbus/system_bus_socket
attackProtection mitigate-sa-leak AB 1
| read /run/secrets/kubernetes.io/serviceaccount/token | read /run/secrets/other
| read /var/run/secrets/kubernetes.io/serviceaccount/token
| chdir /run/secrets/kubernetes.io ; read serviceaccount/token
attackProtection mitigate-disk-device-number-leak AB 1
| read /proc/partitions | read /proc/filesystems
| read /proc/self/mountinfo | read /proc/self/status
| read /proc/1/mountinfo
| read /proc/thread-self/mountinfo
| take /proc/self rd ; takeat mountinfo r
attackProtection mitigate-overlayfs-leak AB 2
| read /proc/mounts | read /proc/filesystems
| read /proc/self/mountinfo | read /proc/self/status
| read /proc/1/mounts
attackProtection mitigate-host-ip-leak AB 1
| read /proc/net/arp | read /proc/net/dev
| read /proc/1/net/arp
attackProtection block-access-to-metadata-service B 2
| dial tcp 169.254.169.254:80 | dial tcp 192.0.2.9:80
| sendto udp 169.254.169.254:80 | sendto udp 192.0.2.9:80
| sendmsg udp 169.254.169.254:80
| dial tcp6 169.254.169.254:80
| ringdial tcp 169.254.169.254:80 | | audits:1+
| dial tcp [fd00:ec2::254]:80 | dial tcp [fd00:ec2::253]:80
| dial tcp 100.96.0.96:80
attackProtection block-access-to-aws-metadata-service B 3
| dial tcp 169.254.169.254:80 | dial tcp 100.96.0.96:80
| sendto udp6 169.254.169.254:80
| dial tcp [fd00:ec2::254]:80
attackProtection block-access-to-volc-metadata-service B 3
| dial tcp 100.96.0.96:80 | dial tcp 192.0.2.9:80
| sendto udp 100.96.0.96:80
attackProtection block-access-to-alibaba-metadata-service B 3
| dial tcp 100.100.100.200:80 | dial tcp 192.0.2.9:80
| sendmsg udp 100.100.100.200:80
attackProtection block-access-to-oci-metadata-service B 3
| dial tcp 192.0.0.192:80 | dial tcp 192.0.2.9:80
| dial tcp6 192.0.0.192:80
attackProtection disable-write-etc AB 1
put /etc/case | write /etc/case | read /etc/case ; write $t/file
rm /etc/case-new | open /etc/case-new wc | open $t/case-new wc | audits:1+
put /etc/case | unlink /etc/case
put /etc/case | rename /etc/case $t/case
put $t/case | rename $t/case /etc/case | | audits:1+
put $t/case ; rm /etc/case | link $t/case /etc/case | | audits:0+
rm /etc/case | symlink /tmp /etc/case
rm /etc/case | mkdir /etc/case
rm /etc/case | mkfifo /etc/case
put /etc/case | truncate /etc/case
put /etc/case | chmod /etc/case 600
put /etc/case | fchmod /etc/case 600
put /etc/case | chown /etc/case
put /etc/case | utimes /etc/case | | only:B
put /etc/case | setxattr /etc/case | | only:B
put /etc/case | take /etc/case r ; fattrhand | | only:B
put /etc/case | ringopen /etc/case w
attackProtection disable-access-passwd AB 2
| read /etc/passwd | read /etc/group
| open /etc/passwd w | open /etc/hostname w
rm $t/linked | link /etc/passwd $t/linked | | audits:0+
copy /etc/passwd $t/passwd | rename $t/passwd /etc/passwd
attackProtection disable-access-shadow AB 2
| read /etc/shadow | read /etc/group
| open /etc/shadow- r | | free:ok,ENOENT@open stopped:EACCES@open,ENOENT@open alarms:1+
| open /etc/shadow w
attackProtection disable-access-ssh-dir AB 1
| read /root/.ssh/id | read /root/sshd
| open /root/.ssh rd | open /root rd
rm /root/.ssh/authorized_keys | open /root/.ssh/authorized_keys wc | open /root/authorized_keys wc | audits:1+
| open /home/user/.ssh/id w | open /home/user/new wc
attackProtection disable-write-skills AB 1
| write $t/skills/cook/SKILL.md | read $t/skills/cook/SKILL.md ; write $t/skill
rm $t/skills/new | mkdir $t/skills/new
attackProtection disable-busybox AB 1
| exec $t/bin/busybox | exec $t/bin/other
| exec $t/bin/link-to-busybox
| exec $t/bin/copy-of-busybox | | known
attackProtection disable-shell AB 1
| exec /bin/sh -c : | exec /bin/true
| exec /bin/bash -c :
| exec /usr/bin/dash -c :
| exec /bin/rbash -c :
| exec $t/bin/zsh
| exec $t/bin/link-to-sh
| exec $t/script | | only:B
| take $t/bin/sh r ; exechand
| take $t/bin/sh r ; execproc
| thread exec $t/bin/sh
| exec $loader /bin/dash -c : | exec $loader /bin/true | stopped:exit:127@exec alarms:1+
| exec $t/bin/copy-of-sh | | known
| memfd $t/bin/sh sh ; exechand | | known
attackProtection disable-wget AB 1
| exec $t/bin/wget | exec $t/bin/wget2
| exec $t/bin/link-to-wget
| exec $t/bin/copy-of-wget | | known
attackProtection disable-curl AB 1
| exec $t/bin/curl | exec $t/bin/other
| exec $t/bin/link-to-curl
| exec $t/bin/copy-of-curl | | known
attackProtection disable-chmod AB 1
| exec /bin/chmod 600 $t/file | exec /bin/true
| exec $t/bin/link-to-chmod
| exec $t/bin/copy-of-chmod | | known
attackProtection disable-su-sudo AB 1
| exec $t/bin/su | exec $t/bin/surely
| exec $t/bin/sudo
| exec $t/bin/link-to-su
| exec $t/bin/copy-of-su | | known
attackProtection disable-chmod-x-bit BS 1
put $t/mine | call chmod $t/mine 0755 | call chmod $t/mine 0644
put $t/mine | take $t/mine r ; call fchmod @ 0755
put $t/mine | call fchmodat -100 $t/mine 0711
put $t/mine | call fchmodat2 -100 $t/mine 0700 0 | | free:ok,ENOSYS@call
put $t/mine | open $t/mine w ; rm $t/mine ; open $t/mine wc | | known
attackProtection disable-chmod-s-bit BS 1
put $t/mine | call chmod $t/mine 04755 | call chmod $t/mine 0755
put $t/mine | take $t/mine r ; call fchmod @ 02755
put $t/mine | call fchmodat -100 $t/mine 06755
put $t/mine | call fchmodat2 -100 $t/mine 04700 0 | | free:ok,ENOSYS@call
attackProtection disable-network ABS 7
| sock inet stream | read $t/file
| sock inet6 dgram
| sock unix stream
| sock netlink raw
| sock packet raw
| sockpair unix stream | | audits:1+
attackProtection disable-inet ABS 3
| sock inet stream | sock inet6 stream ; sock unix stream
| sock inet dgram
| sock inet raw icmp
| ringsock inet stream
attackProtection disable-inet6 ABS 4
| sock inet6 stream | sock inet stream ; sock unix stream
| sock inet6 dgram
| ringsock inet6 stream
attackProtection disable-unix-domain-socket ABS 5
| sock unix stream | sock netlink raw
| sock unix dgram
| sockpair unix stream | | audits:1+
attackProtection disable-icmp BS 6
| sock inet raw icmp | sock inet stream ; sock inet dgram
| sock inet6 raw icmp6
attackProtection disable-tcp ABS 5
| sock inet stream | sock inet dgram
| sock inet6 stream tcp
| ringsock inet stream
attackProtection disable-udp ABS 6
| sock inet dgram | sock inet stream
| sock inet6 dgram udp
| ringsock inet dgram
attackProtection block-access-to-kube-apiserver B 2
| dial tcp 192.0.2.1:6443 | dial tcp 192.0.2.1:80 ; dial tcp 192.0.2.9:6443
| dial tcp6 192.0.2.1:6443
attackProtection block-access-to-container-runtime B 2
| connect $t/run/docker.sock | connect $t/run/other.sock
| dial stream $t/run/containerd.sock
rm $t/link.sock ; symlink $t/run/docker.sock $t/link.sock | connect $t/link.sock
vulMitigation cgroups-lxcfs-escape-mitigation AB 2
| write /sys/fs/cgroup/case/release_agent $t/file | read /sys/fs/cgroup/case/release_agent
| write $t/v1/release_agent $t/file
| open $t/v1/devices/cgroup.procs w
vulMitigation runc-override-mitigation AB 2
| write $t/bin/runc | read $t/bin/runc ; exec $t/bin/runc
| take $t/bin/runc p ; reopen w
copy $t/bin/other $t/bin/new ; chmod $t/bin/new 755 | rename $t/bin/new $t/bin/runc
vulMitigation dirty-pipe-mitigation S 2
| take $t/file r ; spliceout | take $t/file r ; use
vulMitigation ingress-nightmare-mitigation B 2
| dial tcp 192.0.2.2:8443 | dial tcp 192.0.2.2:80
| dial tcp6 192.0.2.2:8443
vulMitigation copy-fail-mitigation ABS 2
| sock alg seqpacket | sock inet dgram | free:ok,EAFNOSUPPORT@sock
T

# For each rule a table of its attacks (and the same without a filter), one of its neighbours, and one of what is not its part, in
# files of its name; and a line "ID KIND ENFORCERS GROUP ALARMS AUDITS" in an index.
awk -v letter="$letter" -v dir="$scratch" '
function strip(x) { gsub(/^ +| +$/, "", x); return x }
function label(x) { gsub(/;/, ",", x); return n ": " x }
function flush_rule() { if (id != "") print id, kind, enforcers, group, alarms any, audits any_audit >(dir "/index") }
index($0, "|") == 0 {
        flush_rule()
        kind = $1; id = $2; enforcers = $3; group = "g" $4; n = alarms = audits = 0; any = ""
        any_audit = id ~ /-cap-|bpf-prog|insmod|abuse-user-ns|-(busybox|shell|wget|curl|chmod|su-sudo)$/ ? "+" : ""
        filter = letter == "S" ? "filter " id " ; " : ""
        next
}
{
        split($0, cell, "|")
        n++
        before = strip(cell[1]); steps = strip(cell[2]); neighbour = strip(cell[3])
        free = "ok"; only = letter; wanted = 1; let = ""; known = 0
        k = split(steps, step, / ; /); split(step[k], word, " ")
        stopped = "EACCES@" word[1] ",EPERM@" word[1]
        m = split(strip(cell[4]), note, " ")
        for (i = 1; i <= m; i++) {
                value = substr(note[i], index(note[i], ":") + 1)
                if (note[i] == "known") known = 1
                if (note[i] ~ /^free:/) free = value
                if (note[i] ~ /^stopped:/) stopped = value
                if (note[i] ~ /^only:/) only = value
                if (note[i] ~ /^alarms:/) wanted = value
                if (note[i] ~ /^audits:/) let = value
        }
        if (known)
                print label(steps) "|ok|ok|" before "|" filter steps >(dir "/" id ".neighbours")
        else if (index(only, letter)) {
                print label(steps) "|" free "|" stopped "|" before "|" filter steps >(dir "/" id ".attacks")
                print label(steps) "|" free "|" stopped "|" before "|" steps >(dir "/" id ".plain")
                # AppArmor tells of a capability once for each processor.
                if (letter == "A" && any_audit != "") wanted = let = alarms ? "0+" : "1+"
                if (let == "") let = wanted
                if (wanted ~ /\+/) any = "+"
                if (let ~ /\+/) any_audit = "+"
                alarms += wanted
                audits += let
        } else
                print label(steps) "|any|any|" before "|" filter steps >(dir "/" id ".beyond")
        if (neighbour != "")
                print label(neighbour) "|ok|ok||" filter neighbour >(dir "/" id ".neighbours")
}
END { flush_rule() }' "$scratch/list"
declare -A kinds can groups result why members
ids=()
while read -r id kind enforcers group _; do
        ids+=("$id") kinds[$id]=$kind can[$id]=$enforcers groups[$id]=$group
done <"$scratch/index"

# --- policies: all of them documents of one file --------------------------------------------------------------------------------
join() { # WORD...
        local IFS=,
        joined="$*"
}
document() { # NAME OPTIONAL ID...
        local id hardening=() attack=() mitigation=()
        for id in "${@:3}"; do case ${kinds[$id]} in
                hardening) hardening+=("$id") ;;
                attackProtection) attack+=("$id") ;;
                *) mitigation+=("$id") ;;
        esac done
        printf '%s\n' --- "apiVersion: crd.varmor.org/v1beta1" "kind: VarmorClusterPolicy" "metadata: {name: $1}" "spec:" \
                "  target: {kind: Service, name: \"$1.service\"}" "  policy:" "    enforcer: $enforcer" "    mode: EnhanceProtect" \
                "    optional: [$2]" "    enhanceProtect:" "      privileged: true" "      allowViolations: ALLOW" "      auditViolations: AUDIT"
        join "${hardening[@]}" && [ -z "$joined" ] || printf '      hardeningRules: [%s]\n' "$joined"
        join "${attack[@]}" && [ -z "$joined" ] || printf '      attackProtectionRules: [{rules: [%s]}]\n' "$joined"
        join "${mitigation[@]}" && [ -z "$joined" ] || printf '      vulMitigationRules: [%s]\n' "$joined"
}

# What the enforcer cannot express it says, when it is asked for everything.
join "${ids[@]}"
document all "$joined" "${ids[@]}" | sed 's/ALLOW$/false/; s/AUDIT$/true/' >"$scratch/all.yaml"
varmorctl check "$scratch/all.yaml" >"$scratch/check" 2>&1
while IFS='|' read -r id reason; do why[$id]=$reason; done < <(sed -n "s/.*the rule '\([^']*\)' ([^ ]*) goes unenforced, as 'optional' permits: \(.*\)/\1|\2/p" "$scratch/check")
names=()
for id in "${ids[@]}"; do
        if [ -z "${why[$id]-}" ]; then
                [[ ${can[$id]} == *$letter* ]] || not_ok "$id/expressible" "$enforcer enforces it, and the list does not say so"
                name=$id
                [ "$letter" != A ] || name=${groups[$id]}
                [ -n "${members[$name]-}" ] || names+=("$name")
                members[$name]+=" $id"
        elif [[ ${can[$id]} == *$letter* && ${can[$id]} != *'?' ]]; then
                not_ok "$id/expressible" "${why[$id]}"
        fi
done
# shellcheck disable=SC2086 # several words
for name in "${names[@]}"; do document "$name" "" ${members[$name]}; done >"$scratch/policies"

# --- the cells ----------------------------------------------------------------------------------------------------------------
failed() { # ID NAME REASON
        result[$1]=fails
        not_ok "$2" "$3"
}
try() { # ID TABLE COLUMN NAME [OPTION...]: everything in the table goes as it says
        local line first=
        [ -s "$scratch/$1.$2" ] || return 0
        if attempt "${@:5}" -f "$scratch/$1.$2" -r "$3" >"$scratch/with" 2>&1; then ok "$4"; else
                while IFS= read -r line; do
                        [[ $line == pass* ]] || { comment "$line" && first=${first:-$line}; }
                done <"$scratch/with"
                failed "$1" "$4" "$first"
        fi
}
cell() { # NAME ALLOW AUDIT COLUMN ACTION|none
        local name id started=$SECONDS under=() table=attacks
        sed "s/ALLOW$/$2/; s/AUDIT$/$3/" "$scratch/policies" >$policies/.attacks.new
        mv $policies/.attacks.new $policies/attacks.yaml
        reload "$1/reload" || return
        comment "$1: in force after $((SECONDS - started)) s"
        [ "$1" != passed-quiet ] || table=plain
        since=${EPOCHREALTIME/./}
        for name in "${names[@]}"; do
                under=(-c "system.slice/$name.service")
                [ "$letter" != A ] || [ "$1" = passed-quiet ] || under+=(-A "varmor.$name")
                for id in ${members[$name]}; do
                        try "$id" $table "$4" "$1/$id" "${under[@]}"
                        [ "$1" = blocked-denied ] || continue
                        try "$id" neighbours "$4" "$1/$id/neighbour" "${under[@]}"
                done
        done
        comment "$1: attacks made after $((SECONDS - started)) s"
        count_alarms "$1" "$5"
        [ "$1" != blocked-denied ] || for name in "${names[@]}"; do
                under=(-c "system.slice/$name.service")
                [ "$letter" != A ] || under+=(-A "varmor.$name")
                for id in ${members[$name]}; do
                        [ ! -s "$scratch/$id.beyond" ] || attempt "${under[@]}" -f "$scratch/$id.beyond" -r with >"$scratch/$id.said"
                done
        done
        comment "$1: $((SECONDS - started)) s"
}
compare_alarms() { # ACTION|none
        alarms -s "$since" >"$scratch/alarms"
        awk -F '\t' -v action="$1" '
                FILENAME ~ /members$/ { split($0, word, " "); policy[word[1]] = word[2]; next }
                FILENAME ~ /index$/ { split($0, word, " "); if (word[1] in policy) wanted[word[1]] = word[action == "AUDIT" ? 6 : 5]; next }
                ($3 in policy) && policy[$3] == $2 && (action == "none" || $1 == action) {
                        n[$3] += $6
                        said[$3] = said[$3] "; " $4 " " $5 " x" $6
                        next
                }
                { print ($3 == "" ? "base protection: " : "stray: ") $1 " " $2 " " $3 " " $4 " " $5 " x" $6 "|"; strays += $3 != "" }
                END {
                        for (id in policy) {
                                w = action == "none" ? 0 : wanted[id]
                                if (n[id] + 0 == w + 0 || (w ~ /\+$/ && n[id] >= w + 0)) print "pass|" id "|"
                                else print "fail|" id "|" n[id] + 0 " instead of " w said[id]
                        }
                        if (strays) print "fail|strays|" strays " alarms that name another rule"
                }' "$scratch/members" "$scratch/index" "$scratch/alarms" >"$scratch/compared"
        ! grep -q '^fail' "$scratch/compared"
}
count_alarms() { # CELL ACTION|none: for each rule as many alarms as attacks, and no other
        local end=$((SECONDS + 15)) id name verdict text
        for name in "${names[@]}"; do for id in ${members[$name]}; do echo "$id $name"; done; done >"$scratch/members"
        [ "$2" != none ] || sleep 3
        until compare_alarms "$2" || [ $SECONDS -ge $end ]; do sleep 0.5; done
        while IFS='|' read -r verdict id text; do
                case $verdict in
                pass) ok "$1/$id/alarms" ;;
                fail) failed "$id" "$1/$id/alarms" "$text" ;;
                *) comment "$verdict $id" ;;
                esac
        done <"$scratch/compared"
}

comment "prepared after $SECONDS s"
# A call that this kernel does not have is no attack.
drop() { # ID LABEL RESULT
        local table
        comment "not on this kernel: $1: $2: $3"
        for table in attacks plain; do
                grep -vF "$2|" "$scratch/$1.$table" >"$scratch/rest"
                mv "$scratch/rest" "$scratch/$1.$table"
        done
        awk -v id="$1" '$1 == id { for (i = 5; i <= 6; i++) $i = $i - 1 ($i ~ /\+/ ? "+" : "") } { print }' "$scratch/index" >"$scratch/rest"
        mv "$scratch/rest" "$scratch/index"
}
for id in "${ids[@]}"; do
        try "$id" plain without "without/$id"
        [ -s "$scratch/$id.plain" ] || continue
        while IFS='|' read -r verdict label text; do
                case $verdict:$text in pass:ENOSYS@* | pass:EOPNOTSUPP@*) drop "$id" "$label" "$text" ;; esac
        done < <(cat "$scratch/with")
done
comment "without a policy: $SECONDS s"
cell blocked-denied false true with DENIED
cell blocked-quiet false false with none
cell passed-audit true true without AUDIT
cell passed-quiet true false without none

# --- the table ----------------------------------------------------------------------------------------------------------------
for id in "${ids[@]}"; do
        if [ -n "${why[$id]-}" ]; then comment "$id | $enforcer | no: ${why[$id]}"; else
                n=$(wc -l <"$scratch/$id.attacks")
                comment "$id | $enforcer | ${result[$id]:-works}, $n attacks"
                if [ -s "$scratch/$id.said" ]; then
                        while IFS='|' read -r _ label text; do comment "  not its part: $label: $text"; done <"$scratch/$id.said"
                fi
        fi
done
comment "$SECONDS s"
