#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 60
#
# Seccomp: every built-in rule, every kind of entry, by all three ways into the kernel: what a filter denies works without
# it, is denied under it, its neighbour still works, and there is one alarm that names the rule; the four dispositions; lists of
# what is allowed; what is in force over changes and restarts.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

enforcer=Seccomp
f=/srv/f
: >$f

# Each table is for a policy of its name. FILTER stands for taking its filter on.
table() { sed "s,@F,$f,g; s,FILTER,filter $1,g" >"$scratch/$1"; }

# --- built-in rules --------------------------------------------------------------------------------------------------------
# The raw calls of the same operation by the other ABIs: without x32 in the kernel (Debian's) they fail, but later.
table xbit <<'T'
chmod | ok | EPERM@call | | FILTER ; call chmod @F 0111 | disable-chmod-x-bit syscall chmod
chmod-group | ok | EPERM@call | | FILTER ; call chmod @F 0010 | -
chmod-others | ok | EPERM@call | | FILTER ; call chmod @F 0001 | -
chmod-neighbour | ok | ok | | FILTER ; call chmod @F 0666 |
fchmod | ok | EPERM@call | | FILTER ; take @F r ; call fchmod @ 0755 | disable-chmod-x-bit syscall fchmod
fchmodat | ok | EPERM@call | | FILTER ; call fchmodat -100 @F 0755 | disable-chmod-x-bit syscall fchmodat
fchmodat-neighbour | ok | ok | | FILTER ; call fchmodat -100 @F 0600 |
fchmodat2 | ok,ENOSYS@call | EPERM@call | | FILTER ; call fchmodat2 -100 @F 0755 0 | disable-chmod-x-bit syscall fchmodat2
fchmodat2-neighbour | ok,ENOSYS@call | ok,ENOSYS@call | | FILTER ; call fchmodat2 -100 @F 0600 0 |
upper-half | ok | EPERM@call | | FILTER ; call chmod @F 0xffffffff00000040 | -
int80-chmod | ok | EPERM@call32 | | FILTER ; call32 chmod @F 0755 | -
int80-fchmodat2 | ok,ENOSYS@call32 | EPERM@call32 | | FILTER ; call32 fchmodat2 -100 @F 0755 0 | -
int80-neighbour | ok | ok | | FILTER ; call32 chmod @F 0644 |
x32-chmod | ok,ENOSYS@callx32 | EPERM@callx32 | | FILTER ; callx32 chmod @F 0755 | -
x32-fchmodat2 | ok,ENOSYS@callx32 | EPERM@callx32 | | FILTER ; callx32 fchmodat2 -100 @F 0755 0 | -
x32-neighbour | ok,ENOSYS@callx32 | ok,ENOSYS@callx32 | | FILTER ; callx32 chmod @F 0644 |
T
echo "attackProtectionRules: [{rules: [disable-chmod-x-bit]}]" | policy xbit

table sbit <<'T'
setuid | ok | EPERM@call | | FILTER ; call chmod @F 04644 | disable-chmod-s-bit syscall chmod
setgid | ok | EPERM@call | | FILTER ; call fchmodat -100 @F 02755 | disable-chmod-s-bit syscall fchmodat
neighbour | ok | ok | | FILTER ; call chmod @F 01755 |
T
echo "attackProtectionRules: [{rules: [disable-chmod-s-bit]}]" | policy sbit

table userns <<'T'
unshare | ok | EPERM@unshareuser | | FILTER ; unshareuser | disallow-create-user-ns syscall unshare
unshare-neighbour | ok | ok | | FILTER ; call unshare 0x04000000 |
clone | ok | EPERM@cloneuser | | FILTER ; cloneuser | disallow-create-user-ns syscall clone
clone3 | ok | ENOSYS@clone3user | | FILTER ; clone3user | none clone3
setns | EBADF@call | EPERM@call | | FILTER ; call setns 99 0x10000000 | disallow-create-user-ns syscall setns
setns-any-kind | EBADF@call | EPERM@call | | FILTER ; call setns 99 0 | -
setns-neighbour | EBADF@call | EBADF@call | | FILTER ; call setns 99 0x04000000 |
int80-unshare | ok | EPERM@call32 | | FILTER ; call32 unshare 0x10000000 | -
T
echo "hardeningRules: [disallow-create-user-ns]" | policy userns

table bpfprog <<'T'
load | ok | EPERM@bpfload | | FILTER ; bpfload | disallow-load-all-bpf-prog syscall bpf
upper-half | EFAULT@call,EINVAL@call | EPERM@call | | FILTER ; call bpf 0x100000005 1 48 | -
neighbour | EFAULT@call,EINVAL@call | EFAULT@call,EINVAL@call | | FILTER ; call bpf 0 1 48 |
int80 | EFAULT@call32,EINVAL@call32 | EPERM@call32 | | FILTER ; call32 bpf 5 1 48 | -
T
echo "hardeningRules: [disallow-load-all-bpf-prog]" | policy bpfprog

table sockopt <<'T'
attach-filter | EBADF@call | EPERM@call | | FILTER ; call setsockopt 99 1 26 | disallow-load-bpf-via-setsockopt syscall setsockopt
attach-bpf | EBADF@call | EPERM@call | | FILTER ; call setsockopt 99 1 50 | -
reuseport-cbpf | EBADF@call | EPERM@call | | FILTER ; call setsockopt 99 1 51 | -
reuseport-ebpf | EBADF@call | EPERM@call | | FILTER ; call setsockopt 99 1 52 | -
neighbour | EBADF@call | EBADF@call | | FILTER ; call setsockopt 99 1 2 |
neighbour-level | EBADF@call | EBADF@call | | FILTER ; call setsockopt 99 6 26 |
int80 | EBADF@call32 | EPERM@call32 | | FILTER ; call32 setsockopt 99 1 26 | -
socketcall | EFAULT@call32 | EPERM@call32 | | FILTER ; call32 socketcall 14 1 | disallow-load-bpf-via-setsockopt syscall socketcall
socketcall-neighbour | EFAULT@call32 | EFAULT@call32 | | FILTER ; call32 socketcall 15 1 |
io-uring | EFAULT@call,EINVAL@call | EPERM@call | | FILTER ; call io_uring_setup 1 1 | disallow-load-bpf-via-setsockopt syscall io_uring_setup
T
echo "hardeningRules: [disallow-load-bpf-via-setsockopt]" | policy sockopt

table uffd <<'T'
userfaultfd | ok | EPERM@call | | FILTER ; call userfaultfd 1 | disallow-userfaultfd-creation syscall userfaultfd
ioctl | EBADF@call | EPERM@call | | FILTER ; call ioctl 99 0xaa00 | disallow-userfaultfd-creation syscall ioctl
ioctl-neighbour | EBADF@call | EBADF@call | | FILTER ; call ioctl 99 0xaa01 |
int80 | ok | EPERM@call32 | | FILTER ; call32 userfaultfd 1 | -
T
echo "hardeningRules: [disallow-userfaultfd-creation]" | policy uffd

table pipe <<'T'
splice | EBADF@call | EPERM@call | | FILTER ; call splice 98 0 99 0 1 | dirty-pipe-mitigation syscall splice
neighbour | EBADF@call | EBADF@call | | FILTER ; call tee 98 99 1 |
int80 | EBADF@call32,EINVAL@call32 | EPERM@call32 | | FILTER ; call32 splice 98 0 99 0 1 | -
io-uring | EFAULT@call,EINVAL@call | EPERM@call | | FILTER ; call io_uring_setup 1 1 | dirty-pipe-mitigation syscall io_uring_setup
T
echo "vulMitigationRules: [dirty-pipe-mitigation]" | policy pipe

# --- entries of one's own ----------------------------------------------------------------------------------------------------
# getpriority: nobody cares about arguments that it does not have.
table own <<'T'
errno | ok | ENOTTY@call | | FILTER ; call getppid | syscallRawRules[0] syscall getppid
errno-default | ok | EPERM@call | | FILTER ; call gettid | syscallRawRules[1] syscall gettid
trap | ok | signal:31@attempt | | FILTER ; call umask 077 | syscallRawRules[2] syscall umask
kill | EBADF@call | signal:31@attempt | | FILTER ; call tee 99 99 1 | syscallRawRules[3] syscall tee
trace | EBADF@call | ENOSYS@call | | FILTER ; call splice 98 0 99 0 1 | syscallRawRules[4] syscall splice
logged | ok | ok | | FILTER ; call personality 0xffffffff | -
alternative-1 | ok | EACCES@call | | FILTER ; call getpriority 0 0 7 1 | syscallRawRules[6] syscall getpriority
alternative-2 | ok | EACCES@call | | FILTER ; call getpriority 0 0 9 1 | -
not-the-other | ok | ok | | FILTER ; call getpriority 0 0 7 2 |
not-the-one | ok | ok | | FILTER ; call getpriority 0 0 8 1 |
64-bits | ok | ok | | FILTER ; call getpriority 0 0 0x100000007 1 |
int80 | ok | EACCES@call32 | | FILTER ; call32 getpriority 0 0 7 1 | -
not-for-this-machine | EBADF@call | EBADF@call | | FILTER ; call setns 99 0 |
T
policy own <<'T'
syscallRawRules:
- {names: [getppid], action: SCMP_ACT_ERRNO, errnoRet: 25}
- {names: [gettid], action: SCMP_ACT_ERRNO}
- {names: [umask], action: SCMP_ACT_TRAP}
- {names: [tee], action: SCMP_ACT_KILL_PROCESS}
- {names: [splice], action: SCMP_ACT_TRACE}
- {names: [personality], action: SCMP_ACT_LOG}
- names: [getpriority]
  action: SCMP_ACT_ERRNO
  errnoRet: 13
  args:
  - {index: 2, value: 7, op: SCMP_CMP_EQ}
  - {index: 2, value: 9, op: SCMP_CMP_EQ}
  - {index: 3, value: 1, op: SCMP_CMP_EQ}
- {names: [setns], action: SCMP_ACT_ERRNO, includes: {minKernel: "99.0"}}
T
# --- dispositions ------------------------------------------------------------------------------------------------------------
cell() { # NAME RESULT ALARM
        table "$1" <<<"denied-or-not | ok | $2 | | FILTER ; call getppid | $3"
}
cell deny-quiet EPERM@call "none getppid"
policy deny-quiet <<<"syscallRawRules: [{names: [getppid], action: SCMP_ACT_ERRNO}]
auditViolations: false"
cell allow-audit ok "syscallRawRules[0] syscall getppid"
policy allow-audit <<<"syscallRawRules: [{names: [getppid], action: SCMP_ACT_KILL_PROCESS}]
allowViolations: true
auditViolations: true"
policy allow-quiet <<<"syscallRawRules: [{names: [getppid], action: SCMP_ACT_ERRNO}]
allowViolations: true"

# --- a list of what is allowed -----------------------------------------------------------------------------------------------
# What attempt needs after it has taken the filter on.
needed=read,write,close,exit,exit_group,rt_sigreturn,munmap,brk,newfstatat,fstat,lseek,fcntl,rt_sigprocmask
custom() { # NAME ALLOWVIOLATIONS
        cat >"$policies/$1.yaml" <<T
apiVersion: crd.varmor.org/v1beta1
kind: VarmorClusterPolicy
metadata: {name: $1}
spec:
  target: {kind: Service, name: "$1.service"}
  policy:
    enforcer: Seccomp
    mode: DefenseInDepth
    optional: [base-protection]
    defenseInDepth:
      allowViolations: $2
      seccomp:
        profileType: Custom
        customProfile: |
          {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
           "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
           "syscalls": [
             {"names": ["${needed//,/\", \"}", "execve"], "action": "SCMP_ACT_ALLOW"},
             {"names": ["getppid", "personality"], "action": "SCMP_ACT_ALLOW"},
             {"names": ["umask"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 63, "op": "SCMP_CMP_EQ"}]}
           ]}
        syscallRawRules:
        - {names: [personality], action: SCMP_ACT_ERRNO, args: [{index: 0, value: 0xffffffff, op: SCMP_CMP_EQ}]}
T
}
table depth <<'T'
allowed | ok | ok | | FILTER ; call getppid |
not-named | ok | ENOSYS@call | | FILTER ; call getpriority 0 0 | * syscall getpriority
condition | ok | ok | | FILTER ; call umask 63 |
condition-not | ok | ENOSYS@call | | FILTER ; call umask 62 | * syscall umask
raw-rule | ok | EPERM@call | | FILTER ; call personality 0xffffffff | seccomp.syscallRawRules[0] syscall personality
raw-rule-not | ok | ok | | FILTER ; call personality 0 |
int80-allowed | ok | ok | | FILTER ; call32 getppid |
int80-not-named | ok | ENOSYS@call32 | | FILTER ; call32 getpriority 0 0 |
other-abi | ok,ENOSYS@callx32 | signal:31@attempt | | FILTER ; callx32 getppid | -
T
custom depth false
table trial <<'T'
allowed | ok | ok | | FILTER ; call getppid | none getppid
not-named | ok | ok | | FILTER ; call getpriority 0 0 | * syscall getpriority
condition-not | ok | ok | | FILTER ; call umask 62 | * syscall umask
raw-rule | ok | ok | | FILTER ; call personality 0xffffffff | seccomp.syscallRawRules[0] syscall personality
other-abi | ok,ENOSYS@callx32 | ok,ENOSYS@callx32 | | FILTER ; callx32 gettid | -
T
custom trial true

# ----------------------------------------------------------------------------------------------------------------------------
for name in xbit sbit userns bpfprog sockopt uffd pipe own depth; do
        sed 's/filter [a-z]* ; //' "$scratch/$name" >"$scratch/plain"
        verdicts "$name/without/" < <(attempt -f "$scratch/plain" -r without 2>&1)
done
reload in-force
for name in xbit sbit userns bpfprog sockopt uffd pipe own depth deny-quiet allow-audit trial; do
        action=DENIED
        [ $name != allow-audit ] || action=AUDIT
        [ $name != trial ] || action=ALLOWED
        with "$scratch/$name" "system.slice/$name.service" "$name"
        alarms_in "$scratch/$name" "$name.service" "$name" $action
done
check_not allow-quiet/no-filter test -e /run/varmor/seccomp/allow-quiet

# --- what is in force --------------------------------------------------------------------------------------------------------
digest() { basename "$(readlink "/run/varmor/seccomp/$1")"; }
files() { find /run/varmor/filters -type f | wc -l; }
before=$(digest own)
check readable-by-all test "$(stat -L -c %a /run/varmor/seccomp/own /run/varmor/filters /run/varmor/seccomp | tr '\n' ' ')" = "644 755 755 "
kill -KILL "$(systemctl show -P MainPID varmord.service)"
check again wait_for 20 varmorctl reload
check adopted test "$(digest own)" = "$before"
truncate -s 100 "/run/varmor/filters/$before"
reload
check mended cmp -s <(head -c 8 "/run/varmor/seccomp/own") <(printf vaseccmp)
policy own <<<"syscallRawRules: [{names: [getppid], action: SCMP_ACT_ERRNO}]"
reload
check_not changed test "$(digest own)" = "$before"
check old-filter-goes wait_for 30 test ! -e "/run/varmor/filters/$before"
unpolicy own xbit sbit userns bpfprog sockopt uffd pipe deny-quiet allow-audit allow-quiet depth trial
reload
none_left() { [ -z "$(ls /run/varmor/seccomp)" ]; }
check removed wait_for 20 none_left
done_testing
