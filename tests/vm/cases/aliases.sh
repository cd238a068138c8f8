#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 60
#
# Detours to a file, one a line: for reading, writing and executing alike it is denied by each what it is denied by its name;
# what is allowed may be reached by the same detour; and the alarm speaks of the file, whatever it was called. Where
# somebody else has given the file another name, that name is what counts: the line says "named". Then, second names of
# whole directories: refused where something forbidden would get one, and nowhere else.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

a=/srv/a
unit=system.slice/aliases.service

# NAME | what nobody confined prepares | detour | what is used then | denied at | the neighbour [| alarm]
# @F the file, @B/@O/@N its parts, @V no or yes, @M how it is opened (r or w), @L a free name, @T a directory for this line alone.
# What is used: a path, or "hand" for the descriptor that the detour took. Denied at: "use" of the path, the step, or "named".
# The alarm: the operation, "-" where another line's alarm could not be told from it.
cat >"$scratch/list" <<'T'
name | | | @F | use | ok
dots-and-slashes | | | @B//@O/../@O/.//@N | use | ok
symlink | symlink @F @L | | @L | use | ok
symlink-made-by-it | | symlink @F @L | @L | use | ok
symlink-to-directory | symlink @B/@O @L | | @L/@N | use | ok
symlink-of-symlink | symlink @F @L ; symlink @L @L.2 | | @L.2 | use | ok
hard-link-before-the-policy | | | @A/before/@V/@O/@N | named | ok
hard-link-by-others | link @F @L | | @L | named | ok
hard-link-made-by-it | | link @F @L | @L | link | ok | link
hard-link-by-descriptor | | take @F p ; linkhand @L | @L | linkhand | ok | link
hard-link-by-proc | | take @F p ; linkproc @L | @L | linkproc | ok | link
hard-link-within | rm @F.link | link @F @F.link | @F.link | within | ok | -
rename | | rename @F @L | @L | rename | ok | rename
rename-noreplace | | noreplace @F @L | @L | noreplace | ok | rename
rename-whiteout | | whiteout @F @L | @L | whiteout | ok | rename
exchange | put @L | exchange @F @L | @L | exchange | ok | rename
exchange-the-other-way | put @L | exchange @L @F | @L | exchange | ok | rename
rename-directory | rm @F.d ; dir @F.d ; copy @P/nothing @F.d/key | rename @F.d @L | @L/key | rename | ok | -
rename-directory-within | rm @F.d ; rm @F.e ; dir @F.d ; copy @P/nothing @F.d/key | rename @F.d @F.e | @F.e/key | within | ok | -
rename-parent | | rename @B @B.moved | @B.moved/@O/@N ; rename @B.moved @B | rename | ok | -
exchange-parent | dir @T/other/@O | exchange @B @T/other | @T/other/@O/@N ; exchange @B @T/other | exchange | ok | -
proc-self-root | | | /proc/self/root@F | use | ok
proc-self-cwd | | chdir @B/@O | /proc/self/cwd/@N | use | ok
proc-thread-self | | | /proc/thread-self/root@F | use | ok
relative | | chdir @B | @O/@N | use | ok
openat | | take @B dp ; takeat @O/@N @M | hand | takeat | ok
openat2-beneath | | take @B dp ; take2 @O/@N @M beneath | hand | take2 | ok
openat2-in-root | | take @B dp ; take2 /@O/@N @M in-root | hand | take2 | ok
openat2-no-symlinks | | take2 @F @M no-symlinks | hand | take2 | ok
openat2-no-magiclinks | | take2 @F @M no-magiclinks | hand | take2 | ok
openat2-no-xdev | | take @B dp ; take2 @O/@N @M no-xdev | hand | take2 | ok
path-only-and-reopen | | take @F p ; reopen @M | hand | reopen | ok
passed-over-a-socket | offer @T/socket @F @M | receive @T/socket | hand | receive | ok | receive
pidfd-getfd | hold @F @M @T/note | steal @T/note | hand | steal | ok | receive
proc-pid-fd | hold @F @M @T/note | takeheld @T/note @M | hand | takeheld | ok
io-uring | | ringopen @F @M | hand | ringopen | ok
io-uring-worker | | ringopen @F @M async | hand | ringopen | ok
io-uring-link | | ringlink @F @L | @L | ringlink | ok | link
io-uring-link-worker | | ringlink @F @L async | @L | ringlink | ok | link
io-uring-rename | | ringrename @F @L | @L | ringrename | ok | rename
handle | | handle @F @M @B | hand | handle | ok
chroot | | chroot @B | /@O/@N | use | ok
chroot-to-the-directory | | chroot @B/@O | /@N | use | ok
chroot-in-chroot | | chroot @A ; chroot /@V | /@O/@N | use | ok
own-mount-namespace | | newns | @F | use | ok
own-mount-namespace-private | | newns ; private | @F | use | ok
own-user-namespace | | newuser | @F | use | ok
namespace-of-others | | setns @P2 | @F | use | ok
namespace-of-others-by-proc | | | /proc/@P2/root@F | foreign | foreign | -
namespace-of-others-bind-in-it | | setns @P2 | @A/ns/@V/@O/@N | named | ok
bind-before-the-policy | | | @A/bound/@V/@O/@N | named | ok
bind-before-the-policy-own-namespace | | newns | @A/bound/@V/@O/@N | named | ok
bind-onto-a-forbidden-name | | | @A/onto/@V/@O/@N | use | ok
overlay-merged-is-forbidden | | | @A/merged/@V/@O/@N | use | ok
overlay-merged-by-proc-self-root | | | /proc/self/root@A/merged/@V/@O/@N | use | ok
overlay-merged-openat | | take @A/merged/@V dp ; takeat @O/@N @M | hand | takeat | ok
overlay-lower-is-another-name | | | @A/lower/@V/@O/@N | named | ok
overlay-over-forbidden-by-others | | | @A/over/@V/@O/@N | named | ok
# By mount(2) nobody knows what is bound: refused, whatever it is, to whoever is denied anything.
bind-made-by-it | | newns ; private ; bind @B @T | @T/@O/@N | bind | bind | -
bind-file-made-by-it | put @L | newns ; private ; bind @F @L | @L | bind | bind | -
rbind-made-by-it | | newns ; private ; rbind @A @T | @T/@V/@O/@N | rbind | rbind | -
bind-in-own-user-namespace | | newuser ; rbind @B @T | @T/@O/@N | rbind | rbind | -
overlay-made-by-it | dir @T/empty ; dir @T/on | newns ; private ; overlay @T/empty @B @T/on | @T/on/@O/@N | overlay | overlay | -
T

# Lines for attempt: each detour for each access, to what is denied and to what is not.
line() { # NAME PREPARATION DETOUR USED DENIED NEIGHBOUR ALARM
        local name=$1 op v file label used result wanted alarm steps rule mode without text
        for op in read write exec; do
                for v in no yes; do
                        label=$name/$op file=$a/$v/$op/$name result=ok mode=r rule='files[0]' wanted=open
                        case $op in
                        write) mode=w rule='files[1]' ;;
                        exec) rule='processes[0]' wanted=exec ;;
                        esac
                        case $4 in
                        hand*)
                                used=$op
                                [ $op != read ] || used=use
                                [ $op != write ] || used=usewrite
                                [ $op != exec ] || used=exechand
                                steps="$3 ; $used${4#hand}"
                                ;;
                        *) used=$op steps="${3:+$3 ; }$op $4" ;;
                        esac
                        alarm=-
                        if [ $v = no ]; then
                                case $5 in
                                use) result=EACCES@$used ;;
                                named) ;;
                                within)
                                        result=EACCES@$used
                                        [ $op != write ] || result=EACCES@${3%% *} # a new name where nothing may be written
                                        ;;
                                foreign) result=EACCES@$used ;;
                                *)
                                        result=EACCES@$5
                                        # What is for execution only may be opened.
                                        [[ $op != exec || $4 != hand ]] || result=EACCES@$used
                                        ;;
                                esac
                                [ "$5" = named ] || alarm=${7:-$wanted}
                                [ $op != exec ] || [ "$alarm" != receive ] || alarm=exec
                                case $1 in # the name that the rule speaks of
                                overlay-merged*) alarm="$rule $wanted $a/merged/no/$op/$name" ;;
                                bind-onto*) alarm="$rule $wanted $a/onto/no/$op/$name" ;;
                                exchange-the*) alarm="$rule rename *" ;;
                                *) [ "$alarm" = - ] || alarm="$rule $alarm $file" ;;
                                esac
                        else
                                label+=-neighbour
                                [ "$6" = ok ] || result=EACCES@$6
                                [ "$6" != foreign ] || result=EACCES@$used
                                [ "$6" != ok ] || alarm="none $file"
                        fi
                        without=ok
                        [[ $1 != overlay-made* || $op != write ]] || without=- # without an upper directory it is read-only
                        printf -v text '%s | %s | %s | copy %s %s ; rm @T ; dir @T%s | %s | %s' "$label" $without "$result" \
                                "$progs/nothing" "$file" "${2:+ ; $2}" "$steps" "$alarm"
                        # Without a process for each.
                        text=${text//@F/$file} text=${text//@B/$a/$v} text=${text//@O/$op} text=${text//@N/$name}
                        text=${text//@V/$v} text=${text//@M/$mode} text=${text//@L/@T/l} text=${text//@T/$a/tmp/$name-$op-$v}
                        text=${text//@A/$a} text=${text//@P2/$other}
                        echo "${text//@P/$progs}"
                done
        done
}

trim() { # VARIABLE...
        local n
        for n in "$@"; do
                declare -n text=$n
                text=${text#"${text%%[! ]*}"} text=${text%"${text##*[! ]}"}
        done
}

rules() {
        cat <<T
bpfRawRules:
  files:
  - {pattern: "$a/{no,merged/no,onto/no}/read/**", permissions: [r], qualifiers: [deny]}
  - {pattern: "$a/{no,merged/no,onto/no}/write/**", permissions: [w], qualifiers: [deny]}
  processes:
  - {pattern: "$a/{no,merged/no,onto/no}/exec/**", permissions: [x], qualifiers: [deny]}
  - {pattern: "/memfd:forbidden", permissions: [x], qualifiers: [deny]}
T
}

fixture() {
        local op v name files=() links=()
        mkdir -p $a/{{no,yes},{before,lower,source}/{no,yes}}/{read,write,exec} $a/{bound,onto,over,over.upper,over.work,ns}/{no,yes} \
                $a/{merged,work,upper}
        for op in read write exec; do
                for v in no yes; do
                        while read -r name; do
                                files+=($a/$v/$op/"$name")
                                case $name in
                                hard-link-before*) links+=($v/$op/"$name") ;;
                                overlay-*) files+=($a/lower/$v/$op/"$name") ;;
                                bind-onto*) files+=($a/source/$v/$op/"$name") ;;
                                esac
                        done <"$scratch/names"
                done
        done
        tee "${files[@]}" <"$progs/nothing" >/dev/null
        chmod 755 "${files[@]}"
        for name in "${links[@]}"; do ln $a/"$name" $a/before/"$name"; done
        mkdir -p $a/{empty,tmp}
        for v in no yes; do
                mount --bind $a/$v $a/bound/$v
                mount --bind $a/source/$v $a/onto/$v
                mount -t overlay -o "lowerdir=$a/$v,upperdir=$a/over.upper/$v,workdir=$a/over.work/$v" overlay $a/over/$v
        done
        mkdir -p $a/no/read/mounted $a/yes/mounted
        mount -t tmpfs tmpfs $a/no/read/mounted
        mount -t tmpfs tmpfs $a/yes/mounted
        mount -t overlay -o "lowerdir=$a/lower,upperdir=$a/upper,workdir=$a/work" overlay $a/merged
}

sed -n 's/^\([a-z][a-z0-9-]*\) |.*/\1/p' "$scratch/list" >"$scratch/names"
fixture
unshare -m --propagation private sh -c "mount --bind $a/no $a/ns/no && mount --bind $a/yes $a/ns/yes && exec sleep inf" &
other=$!
until_true 10 mountpoint -q /proc/$other/root$a/ns/yes
while IFS='|' read -r name prepared detour used denied neighbour alarm; do
        [[ $name != \#* && $name ]] || continue
        trim name prepared detour used denied neighbour alarm
        line "$name" "$prepared" "$detour" "$used" "$denied" "$neighbour" "$alarm"
done <"$scratch/list" >"$scratch/table"
cat >>"$scratch/table" <<T
# A copy in memory is another file, which has a name of its own.
memfd/read | ok | EACCES@memfd | copy $progs/nothing $a/no/read/memfd | memfd $a/no/read/memfd ; use | files[0] open $a/no/read/memfd
memfd/read-neighbour | ok | ok | copy $progs/nothing $a/yes/read/memfd | memfd $a/yes/read/memfd ; use | none $a/yes/read/memfd
memfd/write-is-named | ok | ok | copy $progs/nothing $a/no/write/memfd | memfd $a/no/write/memfd ; reopen w ; usewrite | none $a/no/write/memfd
memfd/exec-is-named | ok | ok | copy $progs/nothing $a/no/exec/memfd | memfd $a/no/exec/memfd ; exechand | none $a/no/exec/memfd
memfd/exec-of-forbidden-name | ok | EACCES@exechand | | memfd $progs/nothing forbidden ; exechand | processes[1] exec /memfd:forbidden
memfd/exec-of-forbidden-name-by-proc | ok | EACCES@execproc | | memfd $progs/nothing forbidden ; execproc | -
memfd/exec-of-free-name | ok | ok | | memfd $progs/nothing free ; exechand ; execproc | none /memfd:free
# Executing has more ways than the others.
proc-self-fd/exec | ok | EACCES@execproc | copy $progs/nothing $a/no/exec/fd | take $a/no/exec/fd p ; execproc | processes[0] exec $a/no/exec/fd
proc-self-fd/exec-neighbour | ok | ok | copy $progs/nothing $a/yes/exec/fd | take $a/yes/exec/fd p ; execproc | none $a/yes/exec/fd
map/exec | ok | EACCES@maphand | copy $progs/nothing $a/no/exec/map | take $a/no/exec/map r ; maphand | processes[0] mmap $a/no/exec/map
map/exec-neighbour | ok | ok | copy $progs/nothing $a/yes/exec/map | take $a/yes/exec/map r ; maphand | none $a/yes/exec/map
io-uring-unlink/write | ok | EACCES@ringunlink | put $a/no/write/ring | ringunlink $a/no/write/ring | files[1] unlink $a/no/write/ring
io-uring-unlink/write-neighbour | ok | ok | put $a/yes/write/ring | ringunlink $a/yes/write/ring async | none $a/yes/write/ring
io-uring-mkdir/write | ok | EACCES@ringmkdir | rm $a/no/write/dir | ringmkdir $a/no/write/dir async | files[1] mkdir $a/no/write/dir
io-uring-mkdir/write-neighbour | ok | ok | rm $a/yes/write/dir | ringmkdir $a/yes/write/dir | none $a/yes/write/dir
unnamed-file/write | ok | EACCES@tmpfile | | tmpfile $a/no/write | files[1] * *
unnamed-file/write-neighbour | ok | ok | | tmpfile $a/yes/write ; linkproc $a/tmp/unnamed ; unlink $a/tmp/unnamed | -
T
# Second names of directories. Below @a/no something is forbidden, below @a/yes and @a/tmp nothing is; and below no/read/x and
# no/read/y the same is.
cat >"$scratch/second" <<T
rename-forbidden | ok | EACCES@rename | rm $a/tmp/to | rename $a/no $a/tmp/to ; rename $a/tmp/to $a/no | * rename $a/no
rename-free | ok | ok | rm $a/tmp/to ; dir $a/yes/dir | rename $a/yes/dir $a/tmp/to | -
rename-alike | ok | ok | rm $a/no/read/y ; dir $a/no/read/x | rename $a/no/read/x $a/no/read/y | -
move-mount-forbidden | ok | EACCES@movetree | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; movetree $a/no/read/mounted $a/tmp/to | * move_mount *
move-mount-free | ok | ok | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; movetree $a/yes/mounted $a/tmp/to | -
move-mount-alike | ok | ok | rm $a/no/read/y ; dir $a/no/read/y | newns ; private ; movetree $a/no/read/mounted $a/no/read/y | -
move-mount-into-forbidden | ok | EACCES@movetree | rm $a/no/write/to ; dir $a/no/write/to | newns ; private ; movetree $a/no/read/mounted $a/no/write/to | -
open-tree-forbidden | ok | EACCES@movemount | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; opentree $a/no alone ; movemount $a/tmp/to ; read $a/tmp/to/read/name | * move_mount *
open-tree-forbidden-below | ok | EACCES@movemount | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; opentree $a alone ; movemount $a/tmp/to | * move_mount *
open-tree-free | ok | ok | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; opentree $a/yes alone ; movemount $a/tmp/to ; read $a/tmp/to/read/name | -
open-tree-alike | ok | ok | rm $a/no/read/y ; dir $a/no/read/y ; dir $a/no/read/x | newns ; private ; opentree $a/no/read/x alone ; movemount $a/no/read/y | -
open-tree-forbidden-by-another-name | ok | EACCES@movemount | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; opentree $a/bound/no alone ; movemount $a/tmp/to | -
open-tree-root | ok | EACCES@movemount | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; opentree / alone ; movemount $a/tmp/to | -
open-tree-with-mounts-within | ok | EACCES@movemount | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; opentree $a/yes ; movemount $a/tmp/to | -
open-tree-of-others | ok | EACCES@movemount | rm $a/tmp/to ; dir $a/tmp/to | setns $other ; opentree $a/ns/no alone ; movemount $a/tmp/to | -
new-mount | ok | ok | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; fsmount tmpfs ; movemount $a/tmp/to | -
pivot-root | ok | EACCES@bind,EACCES@pivot | dir $a/tmp/root/old | newns ; private ; bind $a/tmp/root $a/tmp/root ; chdir $a/tmp/root ; pivot . old | -
pivot-root-to-a-mount | ok | EACCES@pivot | dir $a/yes/mounted/old | newns ; private ; chdir $a/yes/mounted ; pivot . old | * pivot_root *
snapshot-forbidden | ok | EACCES@snapshot | | take $a/tmp rd ; snapshot | * ioctl *
T
# Who is denied nothing makes what names it likes.
cat >"$scratch/loose" <<T
rename | ok | ok | rm $a/tmp/to ; dir $a/no/dir | rename $a/no/dir $a/tmp/to | -
bind | ok | ok | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; bind $a/no $a/tmp/to ; read $a/tmp/to/read/name | -
rbind | ok | ok | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; rbind $a $a/tmp/to ; read $a/tmp/to/no/read/name | -
move | ok | ok | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; move $a/yes/mounted $a/tmp/to | -
move-mount | ok | ok | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; movetree $a/no/read/mounted $a/tmp/to | -
open-tree | ok | ok | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; opentree $a/no ; movemount $a/tmp/to ; read $a/tmp/to/read/name | -
overlay | ok | ok | rm $a/tmp/to ; dir $a/tmp/to ; dir $a/tmp/empty | newns ; private ; overlay $a/tmp/empty $a/no $a/tmp/to ; read $a/tmp/to/read/name | -
pivot-root | ok | ok | dir $a/tmp/root/old | newns ; private ; bind $a/tmp/root $a/tmp/root ; chdir $a/tmp/root ; pivot . old ; read /old$a/no/read/name | -
snapshot | ok | ok | | take $a/tmp rd ; snapshot | -
it-is-covered | ok | ok | | write $a/no/write/name | files[0] open $a/no/write/name
T
# Who is denied anything has base protection, and so nobody knows whether a bind mount goes around that; the rest is free.
cat >"$scratch/base" <<T
it-is-covered | ok | EACCES@exec | | exec $a/never | processes[0] exec $a/never
rename | ok | ok | rm $a/tmp/to ; dir $a/no/dir | rename $a/no/dir $a/tmp/to | -
move-mount | ok | ok | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; movetree $a/no/read/mounted $a/tmp/to | -
open-tree | ok | ok | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; opentree $a/no alone ; movemount $a/tmp/to ; read $a/tmp/to/read/name | -
open-tree-root | ok | EACCES@movemount | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; opentree / alone ; movemount $a/tmp/to | -
bind | ok | EACCES@bind | rm $a/tmp/to ; dir $a/tmp/to | newns ; private ; bind $a/no $a/tmp/to ; read $a/tmp/to/read/name | -
T
cp "$progs/nothing" $a/never
comment "$(grep -c '|' "$scratch/table") attempts"
for table in table second loose base; do without "$scratch/$table"; done
rules | policy aliases
policy loose <<T
allowViolations: true
auditViolations: true
bpfRawRules:
  files:
  - {pattern: "$a/no/**", permissions: [w], qualifiers: [deny]}
T
echo "bpfRawRules: {processes: [{pattern: $a/never, permissions: [x], qualifiers: [deny]}]}" | policy based
if reload reload; then
        with "$scratch/table" $unit
        alarms_in "$scratch/table" aliases.service aliases
        with "$scratch/second" $unit second
        alarms_in "$scratch/second" aliases.service aliases
        with "$scratch/loose" system.slice/loose.service loose
        alarms_in "$scratch/loose" loose.service loose AUDIT
        with "$scratch/base" system.slice/based.service based
        alarms_in "$scratch/base" based.service based
fi
done_testing
