#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-takes: 40
#
# Each permission of a file rule, its qualifiers and exceptions: the access works without the policy, is denied with it, its
# neighbour still works, and the alarm names rule, operation and path.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

t=/srv/t
cat >"$scratch/read" <<T
read-open | ok | EACCES@open | put $t/read/a | open $t/read/a r | files[0] open $t/read/a
read-open-both | ok | EACCES@open | put $t/read/b | open $t/read/b rw | files[0] open $t/read/b
read-leaves-write | ok | ok | put $t/read/c | write $t/read/c | none $t/read/c
read-leaves-append | ok | ok | put $t/read/d | open $t/read/d a | none $t/read/d
read-leaves-stat | ok | ok | put $t/read/e | stat $t/read/e | none $t/read/e
read-leaves-path-only | ok | ok | put $t/read/f | open $t/read/f p | none $t/read/f
read-leaves-exec | exit:2@exec | exit:2@exec | dir $t/read ; copy $progs/hammer $t/read/x ; chmod $t/read/x 755 | exec $t/read/x -h | none $t/read/x
read-neighbour | ok | ok | put $t/reader/a | read $t/reader/a | none $t/reader/a
read-directory | ok | EACCES@open | dir $t/read | open $t/read rd | files[0] open $t/read
read-map | ok | EACCES@mapread | put $t/read/g | mapread $t/read/g | files[0] open $t/read/g
read-rename-out | ok | EACCES@rename | rm $t/out ; dir $t/out ; put $t/read/h | rename $t/read/h $t/out/h | files[0] rename *
read-link-out | ok | EACCES@link | rm $t/out ; dir $t/out ; put $t/read/i | link $t/read/i $t/out/i | files[0] link *
read-rename-within | ok | ok | put $t/read/j | rename $t/read/j $t/read/k | -
read-exchange-out | ok | EACCES@exchange | put $t/out/l ; put $t/read/l | exchange $t/out/l $t/read/l | files[0] rename *
T

cat >"$scratch/write" <<T
write-open | ok | EACCES@open | put $t/write/a | open $t/write/a w | files[1] open $t/write/a
write-open-both | ok | EACCES@open | put $t/write/b | open $t/write/b rw | files[1] open $t/write/b
write-append | ok | EACCES@open | put $t/write/c | open $t/write/c a | files[1] open $t/write/c
write-open-truncating | ok | EACCES@open | put $t/write/d | open $t/write/d rt | files[1] * $t/write/d
write-create | ok | EACCES@open | rm $t/write/new1 ; dir $t/write | open $t/write/new1 wc | files[1] * $t/write/new1
write-create-exclusively | ok | EACCES@open | rm $t/write/new2 ; dir $t/write | open $t/write/new2 wx | files[1] * $t/write/new2
write-create-for-reading | ok | EACCES@open | rm $t/write/new3 ; dir $t/write | open $t/write/new3 rc | files[1] * $t/write/new3
write-leaves-read | ok | ok | put $t/write/e | read $t/write/e | none $t/write/e
write-leaves-list | ok | ok | dir $t/write/list | open $t/write/list rd | none $t/write/list
write-truncate | ok | EACCES@truncate | put $t/write/f | truncate $t/write/f | files[1] truncate $t/write/f
write-unlink | ok | EACCES@unlink | put $t/write/g | unlink $t/write/g | files[1] unlink $t/write/g
write-mkdir | ok | EACCES@mkdir | rm $t/write/dir ; dir $t/write | mkdir $t/write/dir | files[1] mkdir $t/write/dir
write-rmdir | ok | EACCES@rmdir | dir $t/write/dir2 | rmdir $t/write/dir2 | files[1] rmdir $t/write/dir2
write-mkfifo | ok | EACCES@mkfifo | rm $t/write/fifo ; dir $t/write | mkfifo $t/write/fifo | files[1] mknod $t/write/fifo
write-mknod | ok | EACCES@mknull | rm $t/write/null ; dir $t/write | mknull $t/write/null | files[1] mknod $t/write/null
write-bind-socket | ok | EACCES@bindsocket | rm $t/write/sock ; dir $t/write | bindsocket $t/write/sock | files[1] mknod $t/write/sock
write-symlink | ok | EACCES@symlink | rm $t/write/sym ; dir $t/write | symlink /etc/passwd $t/write/sym | files[1] symlink $t/write/sym
write-link-in | ok | EACCES@link | rm $t/write/in ; put $t/free/h ; dir $t/write | link $t/free/h $t/write/in | files[1] link *
write-rename-in | ok | EACCES@rename | put $t/free/i ; put $t/write/i | rename $t/free/i $t/write/i | files[1] rename *
write-rename-out | ok | EACCES@rename | rm $t/free/j ; put $t/free/k ; put $t/write/j | rename $t/write/j $t/free/j | files[1] rename *
write-exchange | ok | EACCES@exchange | put $t/free/l ; put $t/write/l | exchange $t/free/l $t/write/l | files[1] rename *
write-link-out | ok | EACCES@link | rm $t/free/m ; put $t/free/n ; put $t/write/m | link $t/write/m $t/free/m | files[1] link *
write-unnamed-in | ok | EACCES@linkproc,EACCES@linkhand | rm $t/write/unnamed ; dir $t/write ; dir $t/free | tmpfile $t/free ; linkproc $t/write/unnamed | files[1] link *
write-chmod | ok | EACCES@chmod | put $t/write/o | chmod $t/write/o 600 | files[1] chmod $t/write/o
write-fchmod | ok | EACCES@fchmod | put $t/write/p | fchmod $t/write/p 600 | files[1] chmod $t/write/p
write-chown | ok | EACCES@chown | put $t/write/q | chown $t/write/q | files[1] chown $t/write/q
write-lchown | ok | EACCES@lchown | put $t/write/r | lchown $t/write/r | files[1] chown $t/write/r
write-fchown | ok | EACCES@fchown | put $t/write/s | fchown $t/write/s | files[1] chown $t/write/s
write-utimes | ok | EACCES@utimes | put $t/write/u | utimes $t/write/u | files[1] * $t/write/u
write-xattr | ok | EACCES@setxattr | put $t/write/v | setxattr $t/write/v | files[1] * $t/write/v
write-rename-directory | ok | EACCES@rename | rm $t/moved ; put $t/write/w | rename $t/write $t/moved | files[1] rename *
write-rename-parent | ok | EACCES@rename | rm /srv/u ; put $t/write/x | rename $t /srv/u ; rename /srv/u $t | * rename *
write-neighbour | ok | ok | rm $t/free ; dir $t/free | put $t/free/a ; write $t/free/a ; truncate $t/free/a ; chmod $t/free/a 600 ; chown $t/free/a ; link $t/free/a $t/free/b ; rename $t/free/b $t/free/c ; symlink x $t/free/d ; mkdir $t/free/e ; rmdir $t/free/e ; mkfifo $t/free/f ; unlink $t/free/a | -
write-neighbour-too | ok | ok | put $t/free/a | utimes $t/free/a ; setxattr $t/free/a ; open $t/free/a a ; mknull $t/free/null ; bindsocket $t/free/sock ; rename $t/free $t/freed ; rename $t/freed $t/free | -
append-open | ok | EACCES@open | put $t/append/a | open $t/append/a a | files[2] open $t/append/a
append-leaves-read | ok | ok | put $t/append/b | read $t/append/b | none $t/append/b
all-read | ok | EACCES@open | put $t/all/a | open $t/all/a r | files[3] open $t/all/a
all-write | ok | EACCES@open | put $t/all/b | open $t/all/b w | files[3] open $t/all/b
all-append | ok | EACCES@open | put $t/all/c | open $t/all/c a | files[3] open $t/all/c
all-exec | exit:2@exec | EACCES@exec | dir $t/all ; copy $progs/hammer $t/all/x ; chmod $t/all/x 755 | exec $t/all/x -h | files[3] exec $t/all/x
all-unlink | ok | EACCES@unlink | put $t/all/d | unlink $t/all/d | files[3] unlink $t/all/d
T

cat >"$scratch/exec" <<T
exec | exit:2@exec | EACCES@exec | | exec $t/bin/no -h | processes[0] exec $t/bin/no
exec-by-descriptor | exit:2@exechand | EACCES@exechand | | take $t/bin/no.fd p ; exechand | processes[0] exec $t/bin/no.fd
exec-by-thread | exit:2@execthread | EACCES@execthread | | execthread $t/bin/no.thread -h | processes[0] exec $t/bin/no.thread
exec-interpreter | exit:2@exec | EACCES@exec | | exec $t/bin/script | processes[0] exec $t/bin/no.interpreter
exec-script-itself | ok | EACCES@exec | | exec $t/bin/no.script | processes[0] exec $t/bin/no.script
exec-map | ok | EACCES@map | | map $t/bin/no.map | processes[0] mmap $t/bin/no.map
exec-protect | ok | EACCES@protect | | protect $t/bin/no.protect | processes[0] * $t/bin/no.protect
exec-by-loader | ok | exit:127@exec | | exec /lib64/ld-linux-x86-64.so.2 $t/bin/no.true | processes[0] mmap $t/bin/no.true
exec-leaves-read | ok | ok | | read $t/bin/no.read | none $t/bin/no.read
exec-leaves-mapread | ok | ok | | mapread $t/bin/no.read | none $t/bin/no.read
exec-neighbour | exit:2@exec | exit:2@exec | | exec $t/bin/yes -h | none $t/bin/yes
exec-neighbour-maps | ok | ok | | map $t/bin/yes ; protect $t/bin/yes | none $t/bin/yes
exec-copy-is-another-file | exit:2@exec | exit:2@exec | rm $t/free ; dir $t/free | copy $t/bin/no $t/free/copy ; chmod $t/free/copy 755 ; exec $t/free/copy -h | -
exec-rename-out | ok | EACCES@rename | rm $t/out ; dir $t/out | rename $t/bin/no.moved $t/out/x | -
T

cat >"$scratch/qualifiers" <<T
audit-only-read | ok | ok | put $t/audit/a | read $t/audit/a | -
audit-only-write | ok | ok | put $t/audit/b | write $t/audit/b | -
both | ok | EACCES@open | put $t/both/a | open $t/both/a r | files[5] open $t/both/a
except-denied | ok | EACCES@open | put $t/except/a | open $t/except/a r | files[6] open $t/except/a
except-spared-below | ok | ok | put $t/except/ok/a | open $t/except/ok/a r | none $t/except/ok/a
except-spared-suffix | ok | ok | put $t/except/x/key.pub | open $t/except/x/key.pub r | none $t/except/x/key.pub
except-is-of-its-rule-alone | ok | EACCES@open | put $t/except/ok/b | open $t/except/ok/b w | files[7] open $t/except/ok/b
glob-class-and-question | ok | EACCES@open | put $t/glob/q/xya.key | open $t/glob/q/xya.key r | files[8] open $t/glob/q/xya.key
glob-negated-class | ok | EACCES@open | put $t/glob/q/n5 | open $t/glob/q/n5 r | files[8] open $t/glob/q/n5
glob-star-is-one-component | ok | ok | put $t/glob/q/r/xya.key | open $t/glob/q/r/xya.key r | none $t/glob/q/r/xya.key
glob-class-not-matching | ok | ok | put $t/glob/q/xyc.key | open $t/glob/q/xyc.key r | none $t/glob/q/xyc.key
glob-negated-class-not-matching | ok | ok | put $t/glob/q/nn | open $t/glob/q/nn r | none $t/glob/q/nn
glob-alternatives | ok | EACCES@open | put $t/glob/two.k | open $t/glob/two.k r | files[8] open $t/glob/two.k
glob-alternative-none | ok | ok | put $t/glob/three.k | open $t/glob/three.k r | none $t/glob/three.k
glob-no-directory-between | ok | EACCES@open | put $t/deep/33 | open $t/deep/33 r | files[8] open $t/deep/33
glob-directories-between | ok | EACCES@open | put $t/deep/a/b/c/33 | open $t/deep/a/b/c/33 r | files[8] open $t/deep/a/b/c/33
glob-itself | ok | EACCES@open | dir $t/tree | open $t/tree rd | files[8] open $t/tree
glob-itself-not-longer | ok | ok | dir $t/trees | open $t/trees rd | none $t/trees
glob-everywhere | ok | EACCES@open | put $t/where/ever/my.secret | open $t/where/ever/my.secret r | files[9] open $t/where/ever/my.secret
glob-everywhere-not-component | ok | ok | put $t/where/my.secret.d/x | open $t/where/my.secret.d/x r | none $t/where/my.secret.d/x
glob-escaped | ok | EACCES@open | put $t/lit*eral | open $t/lit*eral r | files[10] open $t/lit*eral
glob-escaped-is-literal | ok | ok | put $t/litXeral | open $t/litXeral r | none $t/litXeral
T

# Each operation that is writing or reading: where it is denied, where it is only reported, where an exception spares it, and
# beside all of that. NAME | preparation | steps | the step that is denied | operation of the alarm; @F the file, @S another
# one, @L a free name, which no rule speaks of.
cat >"$scratch/ops" <<'T'
write/open | put @F | open @F w | open | open
write/open-both | put @F | open @F rw | open | open
write/open-truncating | put @F | open @F rt | open | *
write/append | put @F | open @F a | open | open
write/create | rm @F | open @F wc | open | *
write/truncate | put @F | truncate @F | truncate | truncate
write/unlink | put @F | unlink @F | unlink | unlink
write/unlinkat | put @F | take @D dp ; unlinkunder @N | unlinkunder | unlink
write/mkdir | rm @F | mkdir @F | mkdir | mkdir
write/rmdir | rm @F ; dir @F | rmdir @F | rmdir | rmdir
write/unlinkat-directory | rm @F ; dir @F | unlinkdir @F | unlinkdir | rmdir
write/mkfifo | rm @F | mkfifo @F | mkfifo | mknod
write/mknod | rm @F | mknull @F | mknull | mknod
write/bind-socket | rm @F | bindsocket @F | bindsocket | mknod
write/symlink | rm @F | symlink x @F | symlink | symlink
write/link-to | rm @F ; put @S | link @S @F | link | link
write/link-from | put @F | link @F @L | link | link
write/rename-to | rm @F ; put @S | rename @S @F | rename | rename
write/rename-over | put @F ; put @S | rename @S @F | rename | rename
write/rename-from | put @F | rename @F @L | rename | rename
write/noreplace-to | rm @F ; put @S | noreplace @S @F | noreplace | rename
write/noreplace-from | put @F | noreplace @F @L | noreplace | rename
write/whiteout-from | put @F | whiteout @F @L | whiteout | rename
write/whiteout-over | put @F ; put @S | whiteout @S @F | whiteout | rename
write/exchange | put @F ; put @S | exchange @F @S | exchange | rename
write/exchange-reverse | put @F ; put @S | exchange @S @F | exchange | rename
write/chmod | put @F | chmod @F 600 | chmod | chmod
write/fchmod-read-only | put @F | take @F r ; fchmodhand | fchmodhand | chmod
write/chown | put @F | chown @F | chown | chown
write/lchown-of-symlink | rm @F ; symlink x @F | lchown @F | lchown | chown
write/fchown-read-only | put @F | take @F r ; fchownhand | fchownhand | chown
write/utimes | put @F | utimes @F | utimes | utimes
write/futimens-read-only | put @F | take @F r ; futimes | futimes | utimes
write/setxattr | put @F | setxattr @F | setxattr | setxattr
write/fsetxattr-read-only | put @F | take @F r ; fsetxattr | fsetxattr | setxattr
write/removexattr | put @F ; setxattr @F | removexattr @F | removexattr | setxattr
write/fremovexattr-read-only | put @F ; setxattr @F | take @F r ; fremovexattr | fremovexattr | setxattr
write/chattr-read-only | put @F | take @F r ; fattrhand | fattrhand | ioctl
write/ioctl-of-device-read-only | rm @F ; mknull @F | take @F r ; ioctlhand | ioctlhand | ioctl
write/ioctl-of-device | rm @F ; mknull @F | take @F rw ; ioctlhand | take | open
write/ftruncate | put @F | take @F w ; cut | take | open
write/fallocate | put @F | take @F w ; fallocate | take | open
write/write | put @F | take @F w ; usewrite | take | open
write/copy-file-range | put @F ; put @S | take @F w ; copyrange @S | take | open
write/splice | put @F | take @F w ; splicein | take | open
write/shared-mapping | put @F | take @F rw ; mapwrite | take | open
write/io-uring | put @F | ringopen @F w async ; usewrite | ringopen | open
read/open | put @F | take @F r ; use | take | open
read/mmap | put @F | mapread @F | mapread | open
read/splice | put @F | take @F r ; spliceout | take | open
read/copy-file-range | put @F ; put @S | take @S w ; copyrange @F | copyrange | open
read/list | rm @F ; dir @F | open @F rd | open | open
read/link-from | put @F | link @F @L | link | link
read/rename-from | put @F | rename @F @L | rename | rename
read/exchange | put @F ; put @S | exchange @F @S | exchange | rename
T

ops_table() { # ACTION: the lines of attempt for what is denied, or of all that is only reported
        local name prepared steps step alarm kind file dir rule wanted without=ok text
        while IFS='|' read -r name prepared steps step alarm; do
                step=${step// /} alarm=${alarm// /} name=${name// /}
                for kind in deny audit spared beside; do
                        [ $kind != audit ] && [ "$1" = AUDIT ] && continue
                        dir=$t/ops/$kind/${name%/*} file=$t/ops/$kind/$name rule=-
                        [ $kind != spared ] || dir=$t/ops/deny/${name%/*}/spared file=$t/ops/deny/${name%/*}/spared/${name#*/}
                        wanted=ok
                        case $kind/$1 in
                        deny/DENIED)
                                wanted=EACCES@$step rule='files[12]'
                                [[ $name = write/* ]] || rule='files[11]'
                                rule+=" $alarm $file"
                                ;;
                        audit/AUDIT)
                                rule='files[14]'
                                [[ $name = write/* ]] || rule='files[13]'
                                rule+=" $alarm $file"
                                ;;
                        *) rule="none $file" ;;
                        esac
                        # Of two names the alarm's object is the first, and that is sometimes the other one.
                        case $name/${rule%% *} in
                        *-to/files* | *-over/files* | *reverse/files*) rule="${rule%% *} $alarm $t/ops/other/$kind-${name//\//-}" ;;
                        esac
                        printf -v text '%s/%s | %s | %s | dir %s ; dir %s ; rm %s ; rm %s ; %s | %s | %s' "$name" $kind "$without" $wanted \
                                "$dir" $t/ops/other @S @L "$prepared" "$steps" "$rule"
                        # Without a process for each.
                        text=${text//@F/$file} text=${text//@D/$dir} text=${text//@N/${name#*/}}
                        text=${text//@S/$t/ops/other/$kind-${name//\//-}}
                        echo "${text//@L/$t/ops/free-$kind-${name//\//-}}"
                done
        done <"$scratch/ops"
}

fixture() { # what the tables' own preparations do not make
        local name
        mkdir -p $t/bin $t/audit
        for name in no no.fd no.thread no.interpreter no.map no.protect no.read no.moved yes; do
                cp $progs/hammer $t/bin/$name
        done
        cp /bin/true $t/bin/no.true
        printf '#!%s -h\n' $t/bin/no.interpreter >$t/bin/script
        printf '#!/bin/true\n' >$t/bin/no.script
        chmod 755 $t/bin/*
}

rules() {
        cat <<T
bpfRawRules:
  files:
  - {pattern: "$t/read/**", permissions: [read], qualifiers: [deny]}
  - {pattern: "$t/write/**", permissions: [write], qualifiers: [deny]}
  - {pattern: "$t/append/**", permissions: [append], qualifiers: [deny]}
  - {pattern: "$t/all/**", permissions: ["*"], qualifiers: [deny]}
  - {pattern: "$t/audit/**", permissions: [read, write], qualifiers: [audit]}
  - {pattern: "$t/both/**", permissions: [r], qualifiers: [deny, audit]}
  - {pattern: "$t/except/**", permissions: [r], qualifiers: [deny], except: ["$t/except/ok/**", "$t/except/**/*.pub"]}
  - {pattern: "$t/except/ok/**", permissions: [w], qualifiers: [deny]}
  - {pattern: "$t/{glob/*/x?[ab].key,glob/*/n[^a-z],glob/{one,two}.k,deep/**/33,tree/**}", permissions: [r], qualifiers: [deny]}
  - {pattern: "*.secret", permissions: [r], qualifiers: [deny]}
  - {pattern: '$t/lit\*eral', permissions: [r], qualifiers: [deny]}
  - {pattern: "$t/ops/deny/read/**", permissions: [r], qualifiers: [deny], except: ["$t/ops/deny/read/spared/**"]}
  - {pattern: "$t/ops/deny/write/**", permissions: [w], qualifiers: [deny], except: ["$t/ops/deny/write/spared/**"]}
  - {pattern: "$t/ops/audit/read/**", permissions: [r], qualifiers: [audit]}
  - {pattern: "$t/ops/audit/write/**", permissions: [w], qualifiers: [audit]}
  processes:
  - {pattern: "$t/bin/no*", permissions: [exec], qualifiers: [deny]}
T
}

ops_table DENIED >"$scratch/operations"
ops_table AUDIT >"$scratch/operations-audit"
# A descriptor from before, or from somebody else by inheritance: reading and writing go on, as varmor(7) says; what is done to
# the file itself is asked about by its path.
inherited() {
        local op wanted put=$t/ops/deny/write/inherited
        mkdir -p "${put%/*}" && echo text >$put
        exec 9<>$put
        since=${EPOCHREALTIME/./}
        while read -r op wanted; do
                expect "inherited/$op" "$wanted" attempt -c system.slice/perm.service adopt 9 ';' "$op"
        done <<'T'
usewrite ok
splicein ok
mapwrite ok
fallocate ok
cut EACCES@cut
fchmodhand EACCES@fchmodhand
fchownhand EACCES@fchownhand
futimes EACCES@futimes
fsetxattr EACCES@fsetxattr
fremovexattr EACCES@fremovexattr
T
        exec 9>&-
        for op in truncate chmod chown utimes setxattr; do
                echo "inherited-$op | ok | denied | | | files[12] $op $put"
        done >"$scratch/inherited"
        alarms_in "$scratch/inherited" perm.service perm
}

tables="read write exec qualifiers operations"
fixture
for table in $tables; do without "$scratch/$table" "system.slice/perm.service"; done
rm -rf $t
fixture
rules | policy perm
if reload reload; then
        for table in $tables; do
                with "$scratch/$table" system.slice/perm.service
                alarms_in "$scratch/$table" perm.service perm
                [ $table != qualifiers ] || audits=$since
        done
        verdicts "audit/" < <(alarms -s "$since" -u perm.service -p perm -a AUDIT -w 20 -f "$scratch/operations-audit")
        inherited

        # What a rule only audits goes through, and is an alarm of its own kind.
        cat >"$scratch/audits" <<T
audit-only-read | ok | ok | | | files[4] open $t/audit/a
audit-only-write | ok | ok | | | files[4] open $t/audit/b
T
        verdicts "audit/" < <(alarms -s "$audits" -u perm.service -p perm -a AUDIT -w 20 -f "$scratch/audits")

        # The journal has it as every reader of journals expects it.
        journalctl -q -u perm.service -o json VARMOR_RULE='files[0]' VARMOR_OPERATION=open VARMOR_OBJECT=$t/read/a >"$scratch/json"
        expect journal/entry "perm files[0] open $t/read/a DENIED BPF EnhanceProtect perm.service" \
                jq -rs '.[0] | [.VARMOR_POLICY, .VARMOR_RULE, .VARMOR_OPERATION, .VARMOR_OBJECT, .VARMOR_ACTION, .VARMOR_ENFORCER,
                        .VARMOR_MODE, .OBJECT_SYSTEMD_UNIT] | join(" ")' "$scratch/json"
        expect journal/cgroup /system.slice/perm.service jq -rs '.[0].VARMOR_CGROUP' "$scratch/json"
        expect journal/count 1 jq -rs '.[0].VARMOR_COUNT' "$scratch/json"
        expect journal/has-id-pid-and-priority true \
                jq -rs '.[0] | (.MESSAGE_ID | length == 32) and (.OBJECT_PID | tonumber > 1) and (.PRIORITY | tonumber <= 5)' "$scratch/json"
        says journal/sentence "$t/read/a" jq -rs '.[0].MESSAGE' "$scratch/json"
        says journal/catalogue '^(--|░░) Subject' journalctl -q -x -n 1 -u perm.service VARMOR_ACTION=DENIED

        # Taken away, everything works again, and no alarm comes any more.
        unpolicy perm
        reload reload-empty
        since=${EPOCHREALTIME/./}
        verdicts "after/" < <(attempt -c system.slice/perm.service -f "$scratch/read" -r without)
        expect after/silence "" alarms -s "$since" -u perm.service
fi
done_testing
