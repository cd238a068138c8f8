#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.12
# vm-takes: 45
#
# The same profile through varmor and through crun: the filter that the kernel has of a container says the same of every call of
# every ABI as ours. The default profile of containers comes by way of podman, which decides its conditions.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

root=/var/lib/machines/bb
profiles=/srv/profiles
mkdir -p $profiles
default=/usr/share/containers/seccomp.json

cat >$profiles/deny.json <<'T'
{"defaultAction": "SCMP_ACT_ALLOW",
 "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
 "syscalls": [
  {"names": ["ptrace", "acct", "kexec_load", "no_such_call"], "action": "SCMP_ACT_ERRNO"},
  {"names": ["umount2"], "action": "SCMP_ACT_ERRNO", "errnoRet": 19},
  {"names": ["reboot"], "action": "SCMP_ACT_KILL_PROCESS"},
  {"names": ["swapon"], "action": "SCMP_ACT_KILL"},
  {"names": ["nfsservctl"], "action": "SCMP_ACT_TRAP"},
  {"names": ["quotactl"], "action": "SCMP_ACT_TRACE", "errnoRet": 7},
  {"names": ["settimeofday"], "action": "SCMP_ACT_LOG"},
  {"names": ["chmod", "fchmod"], "action": "SCMP_ACT_ERRNO",
   "args": [{"index": 1, "value": 64, "valueTwo": 64, "op": "SCMP_CMP_MASKED_EQ"},
            {"index": 1, "value": 8, "valueTwo": 8, "op": "SCMP_CMP_MASKED_EQ"},
            {"index": 1, "value": 511, "op": "SCMP_CMP_EQ"}]},
  {"names": ["ioperm"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 128, "op": "SCMP_CMP_NE"}]},
  {"names": ["iopl"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_GE"}]},
  {"names": ["mremap"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 2, "value": 65536, "op": "SCMP_CMP_GT"}]},
  {"names": ["madvise"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22,
   "args": [{"index": 2, "value": 100, "op": "SCMP_CMP_GE"}, {"index": 1, "value": 2147483648, "op": "SCMP_CMP_LT"}]}]}
T
cat >$profiles/wide.json <<'T'
{"defaultAction": "SCMP_ACT_ALLOW",
 "syscalls": [
  {"names": ["fallocate"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 2, "value": 18446744073709551516, "op": "SCMP_CMP_EQ"}]},
  {"names": ["ftruncate"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 4294967295, "op": "SCMP_CMP_GT"}]},
  {"names": ["truncate"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 8589934592, "op": "SCMP_CMP_LE"}]},
  {"names": ["pwrite64"], "action": "SCMP_ACT_LOG",
   "args": [{"index": 3, "value": 9223372036854775808, "valueTwo": 9223372036854775808, "op": "SCMP_CMP_MASKED_EQ"}]}]}
T
# The smallest list under which a program sleeps.
cat >$profiles/allow.json <<'T'
{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
 "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
 "syscalls": [
  {"names": ["execve", "brk", "mmap", "munmap", "mprotect", "read", "close", "openat", "newfstatat", "fstat", "pread64", "access",
             "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "getrandom", "exit_group", "getuid", "write",
             "clock_nanosleep", "nanosleep", "readlink", "restart_syscall", "prctl", "rt_sigreturn", "capset", "capget", "futex",
             "mmap2", "chown32", "_llseek", "time"], "action": "SCMP_ACT_ALLOW"},
  {"names": ["personality"], "action": "SCMP_ACT_ALLOW",
   "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 8, "op": "SCMP_CMP_EQ"},
            {"index": 0, "value": 4294967295, "op": "SCMP_CMP_EQ"}]},
  {"names": ["ioctl"], "action": "SCMP_ACT_ALLOW",
   "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 21505, "op": "SCMP_CMP_EQ"}]}]}
T

custom() { # NAME: a policy of this name with this profile
        {
                cat <<T
apiVersion: crd.varmor.org/v1beta1
kind: VarmorClusterPolicy
metadata: {name: $1}
spec:
  target: {kind: Service, name: "$1.service"}
  policy:
    enforcer: Seccomp
    mode: DefenseInDepth
    defenseInDepth:
      seccomp:
        profileType: Custom
        customProfile: |
T
                sed 's/^/          /' "$2"
        } >"$policies/$1.yaml"
}
bundle() { # NAME: for crun
        mkdir -p "/run/bundle/$1"
        cat >"/run/bundle/$1/config.json" <<T
{"ociVersion": "1.0.0",
 "process": {"user": {"uid": 0, "gid": 0}, "args": ["/bin/sleep", "900"], "cwd": "/", "env": ["PATH=/bin"], "noNewPrivileges": true},
 "root": {"path": "$root"},
 "mounts": [],
 "linux": {"namespaces": [{"type": "mount"}], "seccomp": $(<"$profiles/$1.json")}}
T
}
pid_of() { crun state "$1" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p'; }

for name in deny wide allow; do
        custom $name $profiles/$name.json
        bundle $name
done
[ ! -e $default ] || custom default $default
reload in-force
for name in deny wide allow; do
        succeeds $name/start crun run -d -b /run/bundle/$name $name </dev/null
        pid=$(pid_of $name)
        if output=$(samefilter "$pid" $name); then ok "$name/same" && comment "$output"; else not_ok "$name/same" "$output"; fi
        kill -KILL "$pid" && crun delete -f $name
done
# Two that are not the same are told apart.
crun run -d -b /run/bundle/deny other </dev/null >/dev/null
check_not told-apart samefilter "$(pid_of other)" wide
crun delete -f other

if [ -e $default ]; then
        tar -C $root -cf /run/case.tar . && podman import -q /run/case.tar case >/dev/null && rm /run/case.tar
        # The capabilities of containerd, by which ours decides.
        succeeds default/start podman run -d --name default --network=none --cap-add=NET_RAW,MKNOD,AUDIT_WRITE case sleep 900
        pid=$(podman inspect -f '{{.State.Pid}}' default)
        if output=$(samefilter "$pid" default); then ok default/same && comment "$output"; else not_ok default/same "$output"; fi
        podman rm -f -t 0 default >/dev/null 2>&1
else
        skip default "$default is not installed"
fi
unpolicy deny wide allow default
done_testing
