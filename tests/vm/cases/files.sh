#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-takes: 60
#
# How files become policies: precedence, fragments, masks, owners, changes noticed at once; and what a broken, truncated,
# hostile or enormous file does: an error, while the policy that was in force stays in force.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

mkdir -p /srv/files && echo secret | tee /srv/files/{key,key2,key3} >/dev/null
key=/srv/files/key cg=system.slice/files.service
try() { attempt -c $cg read "${1:-$key}"; }
deny() { # FILE...: /etc/varmor/policies.d/files.yaml denies these
        policy files <<T
bpfRawRules: {files: [{pattern: "{$(IFS=,; echo "$*")}", permissions: [r], qualifiers: [deny]}]}
T
        sed -i 's/"{\([^,}]*\)}"/"\1"/' $policies/files.yaml
}
becomes() { # NAME WANTED [FILE]: without anybody asking for it, within a moment
        local end=$((SECONDS + 15)) got
        while got=$(try "${3:-}"); [ "$got" != "$2" ] && [ $SECONDS -lt $end ]; do sleep 0.1; done
        got=$(try "${3:-}")
        if [ "$got" = "$2" ]; then ok "$1"; else not_ok "$1" "$got, expected $2"; fi
}

# --- changes are noticed -----------------------------------------------------------------------------------------------
expect without ok try
deny $key
becomes noticed/new-file EACCES@read
deny ${key}2
becomes noticed/renamed-over ok
sed -i 's/key2/key/' $policies/files.yaml
becomes noticed/edited EACCES@read
mv $policies/files.yaml "$scratch/files.yaml"
becomes noticed/moved-away ok
mv "$scratch/files.yaml" $policies/files.yaml
becomes noticed/moved-back EACCES@read
rm $policies/files.yaml
becomes noticed/removed ok
deny $key
succeeds noticed/systemctl-reload systemctl reload varmord.service
becomes noticed/after-systemctl-reload EACCES@read

# --- fragments, precedence, masks, owners --------------------------------------------------------------------------------
mkdir -p $policies/files.yaml.d
cat >$policies/files.yaml.d/10-more.yaml <<T
spec: {policy: {enhanceProtect: {bpfRawRules: {files: [{pattern: "${key}2", permissions: [r], qualifiers: [deny]}]}}}}
T
reload fragment/reload
expect fragment/base-stays EACCES@read try
expect fragment/adds EACCES@read try ${key}2
cat >$policies/files.yaml.d/20-observe.yaml <<T
spec: {policy: {enhanceProtect: {allowViolations: true}}}
T
reload fragment/reload-override
expect fragment/overrides ok try
ln -sf /dev/null $policies/files.yaml.d/20-observe.yaml
reload fragment/reload-masked
expect fragment/masked EACCES@read try
rm -r $policies/files.yaml.d
reload fragment/reload-without
expect fragment/gone ok try ${key}2

mkdir -p /run/varmor/policies.d /usr/lib/varmor/policies.d
sed 's,/key",/key2",' $policies/files.yaml >/run/varmor/policies.d/files.yaml
sed 's,/key",/key3",; s/name: files}/name: vendor}/' $policies/files.yaml >/usr/lib/varmor/policies.d/vendor.yaml
reload precedence/reload
expect precedence/etc-wins EACCES@read try
expect precedence/run-hidden ok try ${key}2
expect precedence/vendor EACCES@read try ${key}3
mv $policies/files.yaml "$scratch/files.yaml"
reload precedence/reload-run
expect precedence/run-wins EACCES@read try ${key}2
ln -s /dev/null $policies/files.yaml
ln -s /dev/null $policies/vendor.yaml
reload precedence/reload-masked
expect precedence/masked ok try ${key}2
expect precedence/vendor-masked ok try ${key}3
rm -f $policies/files.yaml $policies/vendor.yaml /run/varmor/policies.d/files.yaml /usr/lib/varmor/policies.d/vendor.yaml
cp "$scratch/files.yaml" $policies/files.yaml
reload precedence/reload-back

sed 's,/key",/key2",; s/name: files}/name: foreign}/; s/files.service/files*.service/' $policies/files.yaml >$policies/foreign.yaml
chown user $policies/foreign.yaml
fails owner/user-reload varmorctl reload
expect owner/user-refused ok try ${key}2
says owner/says-why 'own|root' varmorctl status
chown root $policies/foreign.yaml
chmod 666 $policies/foreign.yaml
fails owner/writable-reload varmorctl reload
expect owner/writable-refused ok try ${key}2
chmod 644 $policies/foreign.yaml
reload owner/reload-good
expect owner/good EACCES@read try ${key}2
unpolicy foreign
reload owner/reload-without
cp $policies/files.yaml $policies/.hidden.yaml && cp $policies/files.yaml $policies/files.yaml~ && cp $policies/files.yaml $policies/readme.txt
reload names/passed-over
rm $policies/.hidden.yaml $policies/files.yaml~ $policies/readme.txt

# --- bad files ---------------------------------------------------------------------------------------------------------
good=$(cat $policies/files.yaml)
rss() { sed -n 's/^VmRSS:\s*\([0-9]*\).*/\1/p' "/proc/$(main_pid)/status"; }
bad() { # NAME: standard input in place of the policy; an error, and nothing changes
        cat >"$scratch/bad"
        cp "$scratch/bad" $policies/files.yaml
        local t=$SECONDS
        fails "bad/$1-reload" timeout 60 varmorctl reload
        cp "$scratch/out" "$scratch/answer"
        [ $((SECONDS - t)) -lt 50 ] || not_ok "bad/$1-time" "$((SECONDS - t)) s"
        expect "bad/$1-still-in-force" EACCES@read try
}
before=$(rss)
pid=$(main_pid)
printf '%s' "${good:0:200}" | bad truncated
printf '%s' "${good:0:-20}" | bad truncated-late
echo "${good/qualifiers/qualifers}" | bad misspelt-key
echo "${good/EnhanceProtect/Enhance}" | bad unknown-mode
echo "${good/permissions: \[r\]/permissions: r}" | bad wrong-type
echo "${good/permissions: \[r\]/permissions: [fly]}" | bad unknown-permission
printf '%s\n%s\n' "$good" "$good" | bad duplicate-key
echo "${good/metadata: \{name: files\}/metadata: &a \{name: files\}}" | bad anchor
printf 'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n' | bad aliases
printf '%s\n' '!!python/object/apply:os.system ["touch /run/hostile"]' | bad tag
head -c 20000 /dev/urandom | bad random-bytes
printf 'apiVersion: \x00\x01\xff\xfe\n' | bad nul-bytes
head -c 200000 /dev/zero | tr '\0' '[' | bad nesting
head -c 200000 /dev/zero | tr '\0' '{' | bad nesting-flow
head -c 50000000 /dev/zero | tr '\0' 'x' | bad enormous-scalar
{ echo "$good"; for i in {1..30}; do head -c 1000000 /dev/zero | tr '\0' '#'; echo; done; } | bad enormous-comments
{
        echo "${good%bpfRawRules*}bpfRawRules:"
        echo "        files:"
        for i in {1..12}; do echo "        - {pattern: \"/**/a$i/**/b$i*\", permissions: [r], qualifiers: [deny]}"; done
} | sed 's/^\t//' | bad states-explode
says bad/states-names-the-pattern 'pattern|state|files\[' cat "$scratch/answer"
{
        echo "${good%bpfRawRules*}bpfRawRules:"
        echo "        files:"
        yes '        - {pattern: "/srv/x/{a,b,c,d,e,f,g,h}{a,b,c,d,e,f,g,h}{a,b,c,d,e,f,g,h}{a,b,c,d,e,f,g,h}{a,b,c,d,e,f,g,h}{a,b,c,d,e,f,g,h}{a,b,c,d,e,f,g,h}{a,b,c,d,e,f,g,h}{a,b,c,d,e,f,g,h}?[^a]{a,b,c}", permissions: [r], qualifiers: [deny]}' | head -n 30000
} | bad too-many-rules
says bad/state 'degraded' policy_state files
mkfifo $policies/fifo.yaml && mkdir $policies/dir.yaml && ln -s /proc/kmsg $policies/kmsg.yaml && ln -s nowhere $policies/dangling.yaml
echo "$good" >$policies/files.yaml
timeout 60 varmorctl reload >/dev/null 2>&1
succeeds bad/special-files-do-not-hang [ $? -ne 124 ]
rm -r $policies/{fifo,dir,kmsg,dangling}.yaml
reload bad/reload-good
expect bad/good-again EACCES@read try
expect bad/state-good active policy_state files
expect bad/same-process "$pid" main_pid
succeeds bad/nothing-was-run [ ! -e /run/hostile ]
after=$(rss)
comment "VmRSS of varmord: $before kB before, $after kB after"
succeeds bad/memory [ "$after" -lt $((before + 32768)) ]
done_testing
