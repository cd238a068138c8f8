#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.1
# vm-takes: 160
#
# Which programs are attached: none without a policy, what the policies need with them; and what becomes of the set when varmord
# is stopped, killed, upgraded, finds it broken, or is not the only one who uses the BPF LSM.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/survive.sh # hammered(), wait_for_varmord() ...

pins=/sys/fs/bpf/varmor
core="va_attach va_exec_begin va_exec_check va_exec_end va_mkdir va_rmdir va_task_alloc"
dir=/srv/attach cg=system.slice/attach.service
mkdir -p $dir /sys/fs/cgroup/$cg /sys/fs/cgroup/system.slice/free.service
echo secret >$dir/key
echo secret >$dir/other
echo public >$dir/page
read_key=(attempt -c $cg read $dir/key)

file_policy() {
        policy attach <<T
bpfRawRules: {files: [{pattern: $dir/key, permissions: [r, w], qualifiers: [deny]}]}
T
}

wide_policy() { # the same, and another kind of operation
        policy attach <<T
bpfRawRules:
  files: [{pattern: $dir/key, permissions: [r, w], qualifiers: [deny]}]
  network: {sockets: [{domains: [inet6], types: [dgram], qualifiers: [deny]}]}
T
}
send6=(attempt -c $cg sock inet6 dgram)

attached() { # the names of our programs that have a link, whoever holds it
        jq -rn --slurpfile p <(bpftool -j prog show) --slurpfile l <(bpftool -j link show) '
                ($p[0] | map({key: (.id | tostring), value: (.name // "")}) | from_entries) as $name |
                [$l[0][] | $name[.prog_id | tostring] // "" | select(startswith("va_"))] | sort | join(" ")'
}
is_attached() { [ "$(attached)" = "$1" ]; }
loaded() { # ids of our programs
        bpftool -j prog show | jq -c '[.[] | select(.name // "" | startswith("va_")) | .id] | sort'
}
nothing_loaded() { [ "$(loaded)" = "[]" ]; }
link_ids() { # of our links
        bpftool -j link show | jq -c --argjson ours "$(loaded)" '[.[] | select(.prog_id as $id | $ours | index($id)) | .id] | sort'
}
names() { # what stands in the directories
        cd "$@" && echo *
}
cost_of_open() { # ns, of a process under no policy
        "$progs/cost" -c system.slice/free.service -n 2000 open $dir/page
}
started() { # how long varmord took to start, as systemd has it
        systemctl show -P ActiveEnterTimestampMonotonic -P InactiveExitTimestampMonotonic varmord.service |
                awk '{ t[NR] = $1 } END { d = t[1] - t[2]; printf "%d ms\n", (d < 0 ? -d : d) / 1000 }'
}

chmod 777 $dir
try_unlink() { # UID CGROUP
        touch $dir/page2
        # shellcheck disable=SC2016
        if bash -c 'echo 0 >"/sys/fs/cgroup/$2/cgroup.procs" && exec setpriv --reuid="$1" rm -f "$3"' - "$1" "$2" $dir/page2; then
                echo ok
        else
                echo refused
        fi 2>/dev/null
}
beside() { # NAME
        expect "$1/theirs" refused try_unlink 1234 system.slice/free.service
        expect "$1/theirs-confined" refused try_unlink 1234 $cg
        expect "$1/theirs-neighbour" ok try_unlink 1235 $cg
        expect "$1/ours" EACCES@read "${read_key[@]}"
        expect "$1/ours-unlink" EACCES@unlink attempt -c $cg unlink $dir/key
}
start_hook() { # OPTION...: another user of the BPF LSM
        hook "$@" path_unlink >"$scratch/hook" 2>&1 &
        hook=$!
        until_true 20 grep -q attached "$scratch/hook"
}
end_hook() {
        kill $hook && wait $hook
} 2>/dev/null

# --- without a policy ------------------------------------------------------------------------------------------------
comment "varmord was ready after $(started): $("$progs/verified" | tail -n 1)"
expect none/attached "" attached
expect none/pinned-links "" find $pins -path '*/links-*/*'
says none/available 'BPF +available' varmorctl status
programs=$(names $pins/v*/progs-*)
says none/loaded ' va_file_open .* va_task_alloc ' echo " $programs "
unattached=$(cost_of_open)
build=$(echo $pins/v*/progs-*) build=${build##*-}

# --- what cannot be attached -----------------------------------------------------------------------------------------
# Others have taken all places of one hook. The policy is not in force, not even a part of it, and it is said why.
succeeds taken/by-others start_hook -n 38
file_policy
fails taken/reload varmorctl reload
expect taken/state refused policy_state attach
says taken/why 'cannot put it in force' varmorctl status
expect taken/nothing-is-enforced ok "${read_key[@]}"
end_hook
reload taken/reload-again
expect taken/state-again active policy_state attach

# --- a policy comes and goes -----------------------------------------------------------------------------------------
expect files/denied EACCES@read "${read_key[@]}"
expect files/neighbour ok attempt -c $cg read $dir/page
list=$(attached)
for name in $core va_file_open va_path_unlink va_path_rename va_mount va_bpf va_guard_kill; do
        says "files/$name" " $name " echo " $list "
done
for name in va_capable va_socket va_socket_conne va_bind va_userns va_join_userns va_make va_userfaultfd va_setsockopt \
        va_disk_mount va_traceme va_kill va_ptrace; do
        says "files/not-$name" '^none$' bash -c "[[ ' $list ' = *' $name '* ]] || echo none"
done
comment "open and close under no policy: $unattached ns with nothing attached, $(cost_of_open) ns with $(wc -w <<<"$list") programs"
expect files/pinned "$list" names $pins/v*/links-*
expect wide/without ok "${send6[@]}"
wide_policy
reload wide/reload
wide=$(attached)
expect wide/one-more "$(tr ' ' '\n' <<<"$list va_socket" | sort | paste -sd ' ')" echo "$wide"
expect wide/denied EACCES@sock "${send6[@]}"
expect wide/neighbour ok attempt -c $cg sock inet dgram
unpolicy attach
reload removed/reload
expect removed/free ok "${read_key[@]}"
expect removed/lingers "$wide" attached
# Back at once, and gone again.
file_policy
reload again/reload
expect again/denied EACCES@read "${read_key[@]}"
unpolicy attach
reload again/removed
succeeds removed/core-stays until_true 60 is_attached "$core"
expect removed/core-pinned "$core" names $pins/v*/links-*
says removed/available 'BPF +available' varmorctl status

# --- beside another user of the BPF LSM ------------------------------------------------------------------------------
# One that was there before ours, and one that comes after.
start_hook -u 1234
file_policy
reload before/reload
expect before/attached "$list" attached
beside before
end_hook
start_hook -u 1234
beside after
end_hook

wide_policy
reload restart/wide

# --- restart, crash --------------------------------------------------------------------------------------------------
before=$(link_ids)
ids=$(loaded)
systemctl restart varmord.service
wait_for_varmord
expect restart/links "$before" link_ids
expect restart/programs "$ids" loaded
comment "varmord was ready after $(started), with what it found"
succeeds killed/came-back kill_varmord
expect killed/links "$before" link_ids
expect killed/programs "$ids" loaded
expect killed/denied EACCES@read "${read_key[@]}"
fails second/refused timeout 20 varmord
expect second/links "$before" link_ids

# A crash between tables and links: what the tables in force need is attached, even if nobody can read the policy.
systemctl stop varmord.service
rm $pins/v*/links-*/{va_file_open,va_path_unlink,va_task_alloc}
succeeds lost-links/open until_true 20 attempt -c $cg read $dir/key
echo 'nonsense: here' >$policies/attach.yaml
systemctl start varmord.service
wait_for_varmord
expect lost-links/attached "$wide" attached
expect lost-links/denied EACCES@read "${read_key[@]}"
expect lost-links/programs "$ids" loaded
expect lost-links/denied-socket EACCES@sock "${send6[@]}"
file_policy
reload lost-links/reload
expect lost-links/free-socket ok "${send6[@]}"

# --- no gap ----------------------------------------------------------------------------------------------------------
nice -n 19 hammer -s "$scratch/state" -j 1 -p 5000 -c $cg $dir/key $dir/page >"$scratch/hammer" &
hammer=$!
last_tries=0
until_true 20 [ -s "$scratch/state" ]
hammered hammer/before

# A program is missing: all are loaded anew, and the old ones go when the new ones are in force.
systemctl stop varmord.service
rm $pins/v*/progs-*/va_path_mkdir
systemctl start varmord.service
wait_for_varmord
# On a slow machine varmord is up, with what it found in force, before it has loaded all anew.
in_force() { [ "$(policy_state attach)" = active ]; }
until_true 120 in_force
expect lost-program/programs "$programs" names $pins/v*/progs-"$build"
expect lost-program/nothing-else "links-$build maps progs-$build" names $pins/v*
expect lost-program/state active policy_state attach
hammered lost-program/no-gap
# By the tables that are there: the program for sockets, which lingered, is not needed any more.
succeeds lost-program/attached until_true 60 is_attached "$list"

# An upgrade that changes the ABI.
mkdir -p /run/systemd/system/varmord.service.d
printf '[Service]\nExecStart=\nExecStart=%s\n' "$progs/varmord-next" >/run/systemd/system/varmord.service.d/case.conf
systemctl daemon-reload
systemctl restart varmord.service
wait_for_varmord
reload upgrade/reload
expect upgrade/state active policy_state attach
expect upgrade/version v99 names $pins
expect upgrade/denied EACCES@read "${read_key[@]}"
expect upgrade/neighbour ok attempt -c $cg read $dir/page
hammered upgrade/no-gap
succeeds upgrade/attached until_true 60 is_attached "$list"
hammer -s "$scratch/state" -q
wait $hammer
says hammer/nothing-else-failed ' other=0 ' echo " $(cat "$scratch/hammer")"
expect hammer/skipped-programs 0 skipped

# --- beside AppArmor ---------------------------------------------------------------------------------------------------
# An AppArmor profile on the same process: each denies what it says, and what neither denies works.
printf '%s\n' 'profile attach flags=(attach_disconnected) {' '  file, capability, network, unix, signal, ptrace, mount, umount,' \
        "  deny $dir/other r," '}' | apparmor_parser --replace --skip-cache
expect apparmor/free ok attempt -c $cg read $dir/other
succeeds apparmor/theirs "$progs/cost" -c $cg -p attach -d $dir/other -n 1 open $dir/page
succeeds apparmor/ours "$progs/cost" -c $cg -p attach -d $dir/key -n 1 open $dir/page
fails apparmor/ours-not-elsewhere "$progs/cost" -c system.slice/free.service -p attach -d $dir/key -n 1 open $dir/page

# --- removal ---------------------------------------------------------------------------------------------------------
systemctl stop varmord.service
succeeds remove/removes varmord --remove
expect remove/no-pins "" find /sys/fs/bpf -name '*varmor*'
expect remove/free ok "${read_key[@]}"
succeeds remove/nothing-loaded until_true 60 nothing_loaded
expect remove/nothing-attached "" attached
done_testing
