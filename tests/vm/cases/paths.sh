#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-takes: 30
#
# All the names by which a forbidden file might be reached. Each way works without the policy; with it, it is denied, or it is allowed
# because that is what the rules mean, which the table's comment then says.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

p=/srv/p
deep=$p/deep$(printf '/d%.0s' {1..300})
long=$p/long/$(printf 'y%.0s' {1..200})
while [ ${#long} -lt 3800 ]; do long+=/$(printf 'y%.0s' {1..200}); done
long+=/$(printf 'z%.0s' $(seq $((3999 - ${#long}))))
bytes="$p/odd/\\xff\\xfe\\x80new\\nline\\x20and\\x01more"
comment "deep: 300 components; long: ${#long} bytes"

rules() {
        cat <<T
bpfRawRules:
  files:
  - {pattern: "$p/secret/**", permissions: [r, w], qualifiers: [deny]}
  - {pattern: "$p/deep/**/key", permissions: [r, w], qualifiers: [deny]}
  - {pattern: "$p/long/**", permissions: [r, w], qualifiers: [deny]}
  - {pattern: "$p/odd/**", permissions: [r, w], qualifiers: [deny]}
  - {pattern: /etc/case-key, permissions: [r], qualifiers: [deny]}
  - {pattern: "$p/linkdir/key", permissions: [r], qualifiers: [deny]}
  processes:
  - {pattern: "$p/tools/**", permissions: [x], qualifiers: [deny]}
  - {pattern: /bin/sh, permissions: [x], qualifiers: [deny]}
T
}

# "denied where": the step that fails is part of what is promised. Everything below $p/open is free.
cat >"$scratch/table" <<T
# --- length and bytes
deep-300-components | ok | EACCES@read | put $deep/key | read $deep/key | files[1] open $deep/key
deep-300-neighbour | ok | ok | put $deep/other | read $deep/other |
deep-by-steps | ok | EACCES@read | dir $p/deep ; chdir $p/deep ; dig d 300 ; put key | chdir $p/deep ; descend d 300 ; read key | files[1] open $deep/key
long-4000-bytes | ok | EACCES@read | put $long | read $long | files[2] open $long
longer-than-any-path | ok | EACCES@read | dir $p/long/$(printf 'l%.0s' {1..200}) ; chdir $p/long ; dig $(printf 'l%.0s' {1..200}) 25 ; put key | chdir $p/long ; descend $(printf 'l%.0s' {1..200}) 25 ; read key | -
longer-than-any-path-elsewhere | ok | EACCES@read | dir $p/open ; chdir $p/open ; dig $(printf 'l%.0s' {1..200}) 25 ; put key | chdir $p/open ; descend $(printf 'l%.0s' {1..200}) 25 ; read key | -
odd-bytes | ok | EACCES@read | put $bytes | read $bytes | files[3] open $bytes
odd-bytes-neighbour | ok | ok | put $p/open/\\xff\\n\\x80 | read $p/open/\\xff\\n\\x80 |
dots-and-slashes | ok | EACCES@read | put $p/secret/key | read $p/secret/..//secret/./key | files[0] open $p/secret/key
# --- other names of the same file
symlink | ok | EACCES@read | put $p/secret/key ; dir $p/open ; rm $p/open/sym ; symlink $p/secret/key $p/open/sym | read $p/open/sym | files[0] open $p/secret/key
symlink-made-by-it | ok | EACCES@read | rm $p/open/sym2 | symlink $p/secret/key $p/open/sym2 ; read $p/open/sym2 |
symlink-directory | ok | EACCES@read | rm $p/open/symdir ; symlink $p/secret $p/open/symdir | read $p/open/symdir/key |
symlink-in-the-rule | ok | EACCES@read | put $p/real/key ; rm $p/linkdir ; symlink $p/real $p/linkdir | read $p/real/key | -
usr-merge | ok | EACCES@exec | | exec /bin/sh -c : | processes[1] exec *
usr-merge-real-name | ok | EACCES@exec | | exec /usr/bin/dash -c : | processes[1] exec /usr/bin/dash
usr-merge-neighbour | ok | ok | | exec /usr/bin/bash -c : |
hard-link-from-before | ok | ok | put $p/secret/before ; rm $p/open/before ; link $p/secret/before $p/open/before | read $p/open/before |
hard-link-made-by-it | ok | EACCES@link | rm $p/open/hard | link $p/secret/key $p/open/hard ; read $p/open/hard | files[0] link *
hard-link-by-descriptor | ok | EACCES@linkproc,EACCES@take,EACCES@linkhand | rm $p/open/hard | take $p/secret/key p ; linkproc $p/open/hard ; read $p/open/hard |
hard-link-neighbour | ok | ok | rm $p/open/hard ; put $p/open/file | link $p/open/file $p/open/hard ; read $p/open/hard |
rename-file | ok | EACCES@rename | put $p/secret/mv ; rm $p/open/mv | rename $p/secret/mv $p/open/mv ; read $p/open/mv | files[0] rename *
rename-directory | ok | EACCES@rename | rm $p/open/dir ; put $p/secret/sub/key | rename $p/secret/sub $p/open/dir ; read $p/open/dir/key |
rename-parent | ok | EACCES@rename | rm $p/secretive | rename $p/secret $p/secretive ; read $p/secretive/key ; rename $p/secretive $p/secret |
rename-grandparent | ok | EACCES@rename | rm /srv/q | rename $p /srv/q ; read /srv/q/secret/key ; rename /srv/q $p |
exchange-directory | ok | EACCES@exchange | dir $p/open/dir2 ; put $p/secret/key | exchange $p/secret $p/open/dir2 ; read $p/open/dir2/key ; exchange $p/secret $p/open/dir2 |
rename-neighbour | ok | ok | rm $p/open/a2 ; put $p/open/a1/key | rename $p/open/a1 $p/open/a2 ; read $p/open/a2/key |
# --- by the process's own views
proc-self-root | ok | EACCES@read | | read /proc/self/root$p/secret/key | files[0] open $p/secret/key
proc-self-cwd | ok | EACCES@read | | chdir $p/secret ; read /proc/self/cwd/key |
relative | ok | EACCES@read | | chdir $p/secret ; read key |
relative-descriptor | ok | EACCES@takeat | | take $p dp ; takeat secret/key r ; use |
proc-self-fd | ok | EACCES@readunder | | take $p dp ; readunder secret/key |
path-only-and-reopen | ok | EACCES@reopen | | take $p/secret/key p ; reopen r ; use | files[0] open $p/secret/key
read-only-and-reopen-for-writing | ok | EACCES@take | | take $p/secret/key r ; reopen w |
passed-descriptor | ok | EACCES@receive | offer $p/secret/sock $p/secret/key r | receive $p/secret/sock ; use | files[0] * $p/secret/key
passed-descriptor-neighbour | ok | ok | offer $p/open/sock $p/open/file r | receive $p/open/sock ; use |
handle | ok | EACCES@handle | | handle $p/secret/key r $p ; use | -
handle-neighbour | ok | ok | | handle $p/open/file r $p ; use |
io-uring | ok | EACCES@ringopen | | ringopen $p/secret/key r ; use | files[0] open $p/secret/key
io-uring-worker | ok | EACCES@ringopen | | ringopen $p/secret/key r async ; use |
io-uring-link | ok | EACCES@ringlink | rm $p/open/ring | ringlink $p/secret/key $p/open/ring async |
io-uring-unlink | ok | EACCES@ringunlink | put $p/secret/ring | ringunlink $p/secret/ring async |
io-uring-rename | ok | EACCES@ringrename | put $p/secret/ring ; rm $p/open/ring | ringrename $p/secret/ring $p/open/ring |
io-uring-neighbour | ok | ok | | ringopen $p/open/file r async ; use |
thread | ok | EACCES@thread | | thread read $p/secret/key |
child | ok | EACCES@fork | | fork read $p/secret/key |
unlinked-file-stays-free | ok | ok | put $p/open/gone | take $p/open/gone r ; unlink $p/open/gone ; reopen r ; use |
unnamed-file-stays-free | ok | ok | | tmpfile $p/open ; reopen r ; use |
pipe-and-memfd-stay-free | ok | ok | | memfd $p/open/file ; reopen r ; use |
# --- roots
chroot | ok | EACCES@read | put /etc/case-key | chroot /etc ; read /case-key | files[4] open /etc/case-key
chroot-neighbour | ok | ok | put /etc/case-free | chroot /etc ; read /case-free |
chroot-directory-itself | ok | EACCES@read | | chroot $p/secret ; read /key |
chroot-twice | ok | EACCES@read | | chroot /srv ; chroot /p ; read /secret/key |
chroot-left-outside | ok | EACCES@read | dir $p/open/empty | chdir $p ; chrootonly $p/open/empty ; read secret/key |
mount-namespace | ok | EACCES@read | | newns ; read $p/secret/key | files[0] open $p/secret/key
user-namespace | ok | EACCES@read | | newuser ; read $p/secret/key |
# --- mounts: a second name for the subtree is denied, or the file below it is
bind | ok | EACCES@bind | dir $p/open/mnt | newns ; private ; bind $p/secret $p/open/mnt ; read $p/open/mnt/key | -
bind-parent | ok | EACCES@bind | dir /mnt/case | newns ; private ; bind $p /mnt/case ; read /mnt/case/secret/key |
bind-root | ok | EACCES@rbind | dir /mnt/case | newns ; private ; rbind / /mnt/case ; read /mnt/case$p/secret/key |
bind-file | ok | EACCES@bind | put $p/open/file2 | newns ; private ; bind $p/secret/key $p/open/file2 ; read $p/open/file2 |
bind-in-user-namespace | ok | EACCES@bind | dir $p/open/mnt | newuser ; bind $p/secret $p/open/mnt ; read $p/open/mnt/key |
open-tree-and-move-mount | ok | EACCES@opentree,EACCES@movemount | dir $p/open/mnt | newns ; private ; opentree $p/secret ; movemount $p/open/mnt ; read $p/open/mnt/key |
open-tree-detached | ok | EACCES@opentree,EACCES@takeat | | newns ; opentree $p/secret ; takeat key r ; use |
open-tree-detached-root | ok | EACCES@opentree,EACCES@takeat | | newns ; opentree / ; takeat srv/p/secret/key r ; use |
pivot-root | ok | EACCES@bind,EACCES@pivot | dir $p/root/old ; put $p/root/secret/key | newns ; private ; bind $p/root $p/root ; chdir $p/root ; pivot . old ; read /old$p/secret/key |
overlay | ok | EACCES@overlay | dir $p/open/mnt ; dir $p/open/empty | newns ; private ; overlay $p/open/empty $p/secret $p/open/mnt ; read $p/open/mnt/key |
mount-fresh | ok | ok | dir $p/open/mnt | newns ; private ; mount tmpfs none $p/open/mnt ; read $p/open/file | -
mount-known-and-free | ok | ok | dir $p/open/mnt | newns ; private ; mount proc none $p/open/mnt ; read $p/open/mnt/version | -
mount-known-and-forbidden-below | ok | EACCES@mount | dir $p/open/mnt | newns ; private ; mount sysfs none $p/open/mnt | -
mount-disk-again | ok | EACCES@mount | dir $p/open/mnt | newns ; private ; mount ext4 /dev/vda $p/open/mnt ; read $p/open/mnt$p/secret/key | -
move-mount-of-a-mount | ok | EACCES@move,EACCES@mount | dir $p/open/from ; dir $p/open/to | newns ; private ; mount tmpfs none $p/open/from ; move $p/open/from $p/open/to |
mount-namespace-of-another | ok | EACCES@read,EACCES@setns | | setns 1 ; read $p/secret/key |
# --- executing
exec | exit:2@exec | EACCES@exec | | exec $p/tools/tool -h | processes[0] exec $p/tools/tool
exec-by-descriptor | exit:2@exechand | EACCES@exechand | | take $p/tools/tool p ; exechand |
exec-by-descriptor-read | exit:2@exechand | EACCES@exechand | | take $p/tools/tool r ; exechand |
exec-symlink | exit:2@exec | EACCES@exec | rm $p/open/tool ; symlink $p/tools/tool $p/open/tool | exec $p/open/tool -h |
exec-interpreter | exit:2@exec | EACCES@exec | | exec $p/open/script |
exec-by-loader | ok | exit:127@exec | | exec /lib64/ld-linux-x86-64.so.2 $p/tools/true |
exec-in-chroot | exit:2@exec | EACCES@exec | | chroot $p ; exec /tools/tool -h |
exec-mount-namespace | exit:2@exec | EACCES@exec | | newns ; exec $p/tools/tool -h |
# A copy is another file, and its bytes are in no file at all: a rule about names does not speak of them. To keep a workload
# from executing what it has written, deny exec where it may write.
exec-copy-in-memory | exit:2@exechand | exit:2@exechand | | memfd $p/tools/tool ; exechand |
exec-copy | exit:2@exec | exit:2@exec | rm $p/open/copied | copy $p/tools/tool $p/open/copied ; chmod $p/open/copied 755 ; exec $p/open/copied -h |
exec-neighbour | exit:2@exec | exit:2@exec | | exec $p/free-tool -h |
T

fixture() {
        rm -rf $p
        mkdir -p $p/{secret,open/empty,tools,real,root/old}
        echo key | tee $p/secret/key $p/open/file $p/real/key >/dev/null
        cp $progs/hammer $p/tools/tool
        cp $progs/hammer $p/free-tool
        cp /bin/true $p/tools/true
        printf '#!%s -h\n' $p/tools/tool >$p/open/script
        chmod 755 $p/open/script
        ln -sfn $p/real $p/linkdir
}

fixture
without "$scratch/table"
fixture
rules | policy paths
if reload reload; then
        with "$scratch/table" system.slice/paths.service
        alarms_in "$scratch/table" paths.service paths

        # Mounts that somebody else made before: the rule speaks of names, and both names are asked about.
        mkdir -p $p/open/bound $p/secret/inner
        mount --bind $p/secret $p/open/bound
        expect bound-by-others/other-name ok attempt -c system.slice/paths.service read $p/open/bound/key
        comment "bound-by-others: an administrator's own bind mount is another name, which no rule forbids: allowed by meaning"
        umount $p/open/bound
        mount --bind $p/open $p/secret/inner
        expect bound-by-others/into-forbidden EACCES@read attempt -c system.slice/paths.service read $p/secret/inner/file
        umount $p/secret/inner

        # While others rename without end, on a machine whose processors stop in the midst of it, nobody is refused for that.
        mkdir -p $p/open/here $p/open/there
        expect renames-meanwhile "opened=many refused=0" \
                churn 20 system.slice/paths.service $p/open/here $p/open/there $p/open/file

        # A path that cannot be had has an alarm that says so.
        says alarm/no-path 'longer|cannot be had|too long|no-path|path' journalctl -q -o cat --since=@"${since:0:10}" -u paths.service VARMOR_ACTION=DENIED
        comment "how each way ended:"
        while IFS='|' read -r name free confined _; do
                [[ $name == \#* || -z $name ]] || comment "$(printf '%-34s without: %-18s with: %s' "${name% }" "$free" "$confined")"
        done <"$scratch/table"
fi
done_testing
