#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-takes: 30
#
# Sockets, whom they reach and where they listen: each works without a policy, is denied with it, its neighbour still works,
# and there is one alarm that names the rule.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/policy.sh

# What is told with a count, is told when the window is over.
printf 'alarms: {window: 1}\n' >/etc/varmor/varmor.yaml

t=/srv/n
mkdir -p $t

# --- whom there is to talk to -------------------------------------------------------------------------------------------
ip link set lo up
for address in 169.254.169.254 10.20.1.1 10.20.1.2 10.21.1.1 198.51.100.{6,7,8,9} 203.0.113.{1,2,128}; do
        ip addr add $address/32 dev lo
done
for address in fd00:ec2::253 fd00:ec2::254 fd01::1 fd01:0:0:1::1; do ip addr add $address/128 dev lo nodad; done
ip link add case type dummy && ip addr add 192.0.2.1/24 dev case && ip addr add fd02::1/64 dev case nodad && ip link set case up
for port in 80 81 7000 7010 7011 7100 7200; do
        attempt serve 900 tcp 0.0.0.0:$port tcp "[::]:$port" udp 0.0.0.0:$port udp "[::]:$port"
done >"$scratch/served"
attempt serve 900 stream $t/no.stream stream $t/yes.stream dgram $t/no.dgram dgram $t/yes.dgram seqpacket $t/no.seqpacket \
        seqpacket $t/yes.seqpacket >>"$scratch/served"
attempt serve 900 stream @no.stream stream @yes.stream dgram @no.dgram dgram @yes.dgram seqpacket @no.seqpacket \
        seqpacket @yes.seqpacket >>"$scratch/served"
attempt serve 900 udplite 0.0.0.0:80 udplite 0.0.0.0:81 >>"$scratch/served"
expect servers 10 grep -cx ok "$scratch/served"
sctp=ok
modprobe sctp 2>/dev/null && [ "$(attempt serve 900 sctp 0.0.0.0:80 sctp 0.0.0.0:81)" = ok ] || sctp=-
[ $sctp = ok ] || comment "no SCTP on this kernel"

# --- sockets ------------------------------------------------------------------------------------------------------------
# LABEL | without | with | preparation | steps | alarm: RULE OPERATION OBJECT
cat >"$scratch/sockets" <<T
domain-netlink | ok | EACCES@sock | | sock netlink raw | sockets[0] socket netlink\x20raw
domain-netlink-dgram | ok | EACCES@sock | | sock netlink dgram 15 | sockets[0] socket netlink\x20dgram
domain-packet | ok | EACCES@sock | | sock packet raw | sockets[0] socket packet\x20raw
domain-packet-dgram | ok | EACCES@sock | | sock packet dgram 768 | sockets[0] socket packet\x20dgram
domain-alg | any | EACCES@sock | | sock alg seqpacket | sockets[0] socket alg\x20seqpacket
domain-vsock | any | EACCES@sock | | sock vsock stream | sockets[0] socket vsock\x20stream
domain-by-ring | ok | EACCES@ringsock | | ringsock netlink raw | sockets[0] socket netlink\x20raw
domain-neighbour | ok | ok | | sock inet stream ; sock inet6 stream ; sock unix stream ; sock inet dgram ; ringsock inet stream | none inet\x20stream\x20tcp
domain-unknown | EAFNOSUPPORT@sock | EAFNOSUPPORT@sock | | sock 99 stream |
type-raw | ok | EACCES@sock | | sock inet raw icmp | sockets[1] socket inet\x20raw\x20icmp
type-raw-ip | ok | EACCES@sock | | sock inet raw rawip | sockets[1] socket inet\x20raw
type-raw-six | ok | EACCES@sock | | sock inet6 raw icmp6 | sockets[1] socket inet6\x20raw\x20icmp
type-old-packet | ok | EACCES@sock | | sock inet packet 768 | sockets[0] socket packet\x20packet
type-pair | ok | EACCES@sockpair | | sockpair unix seqpacket | sockets[2] socket unix\x20seqpacket
type-seqpacket | ok | EACCES@sock | | sock unix seqpacket | sockets[2] socket unix\x20seqpacket
type-pair-neighbour | ok | ok | | sockpair unix stream ; sockpair unix dgram | none unix\x20stream
type-audited | ok | ok | | sock xdp raw ; sock unix dgram | none unix\x20dgram
T
cat >"$scratch/protocols" <<T
udp | ok | EACCES@sock | | sock inet dgram udp | sockets[0] socket inet\x20dgram\x20udp
udp-by-default | ok | EACCES@sock | | sock inet dgram | sockets[0] socket inet\x20dgram\x20udp
udp-six | ok | EACCES@sock | | sock inet6 dgram | sockets[0] socket inet6\x20dgram\x20udp
udp-lite | any | EACCES@sock | | sock inet dgram udplite | sockets[0] socket inet\x20dgram\x20udp
icmp-ping | any | EACCES@sock | | sock inet dgram icmp | sockets[1] socket inet\x20dgram\x20icmp
icmp-raw | ok | EACCES@sock | | sock inet raw icmp | sockets[1] socket inet\x20raw\x20icmp
icmp-raw-six | ok | EACCES@sock | | sock inet6 raw icmp6 | sockets[1] socket inet6\x20raw\x20icmp
neighbour | ok | ok | | sock inet stream ; sock inet stream tcp ; sock inet6 stream ; sock inet stream mptcp | none inet\x20stream\x20tcp
neighbour-unix | ok | ok | | sock unix dgram ; sockpair unix dgram |
T
cat >"$scratch/tcp" <<T
tcp | ok | EACCES@sock | | sock inet stream tcp | sockets[0] socket inet\x20stream\x20tcp
tcp-by-default | ok | EACCES@sock | | sock inet6 stream | sockets[0] socket inet6\x20stream\x20tcp
tcp-multipath | ok | EACCES@sock | | sock inet stream mptcp | sockets[0] socket inet\x20stream\x20tcp
tcp-by-ring | ok | EACCES@ringsock | | ringsock inet6 stream | sockets[0] socket inet6\x20stream\x20tcp
tcp-neighbour | ok | ok | | sock inet dgram ; sock inet raw icmp ; sock unix stream | none inet\x20dgram\x20udp
tcp-but-not-six | ok | EACCES@sock | | sock inet stream tcp | sockets[0] socket inet\x20stream\x20tcp
T
policy sockets <<T
bpfRawRules:
  network:
    sockets:
    - {domains: [netlink, packet, alg, vsock], qualifiers: [deny]}
    - {domains: [inet, inet6], types: [raw, packet], qualifiers: [deny]}
    - {domains: [unix], types: [seqpacket], qualifiers: [deny]}
    - {domains: [xdp], types: [all], qualifiers: [audit]}
T
policy protocols <<T
bpfRawRules: {network: {sockets: [{protocols: [udp], qualifiers: [deny]}, {protocols: [icmp], qualifiers: [deny]}]}}
T
policy tcp <<T
bpfRawRules: {network: {sockets: [{domains: [inet, inet6], protocols: [tcp], qualifiers: [deny]}]}}
T

# --- egress ---------------------------------------------------------------------------------------------------------------
deny=169.254.169.254:80 beside=169.254.169.254:81 six="[fd00:ec2::254]:80" six_beside="[fd00:ec2::254]:81"
cat >"$scratch/egress" <<T
tcp | ok | EACCES@dial | | dial tcp $deny | egress[0] connect $deny
tcp-other-port | ok | ok | | dial tcp $beside ; sendhand | none $beside
tcp-other-address | ok | ok | | dial tcp 198.51.100.6:80 | none 198.51.100.6:80
tcp-again | ok | EACCES@redial | | bindto tcp 127.0.0.1:0 ; redial tcp $deny | egress[0] connect $deny
tcp-fast-open | ok | EACCES@fastopen | | fastopen tcp $deny | egress[0] sendmsg $deny
tcp-fast-open-neighbour | ok | ok | | fastopen tcp $beside | none $beside
tcp-multipath | ok | EACCES@dial | | dial mptcp $deny | egress[0] connect $deny
tcp-multipath-fast-open | any | EACCES@fastopen | | fastopen mptcp $deny | egress[0] sendmsg $deny
tcp-multipath-neighbour | ok | ok | | dial mptcp $beside | none $beside
tcp-by-ring | ok | EACCES@ringdial | | ringdial tcp $deny | egress[0] connect $deny
tcp-by-ring-async | ok | EACCES@ringdial | | ringdial tcp $deny async | egress[0] connect $deny
tcp-by-ring-neighbour | ok | ok | | ringdial tcp $beside ; ringdial tcp $beside async | none $beside
tcp-by-thread | ok | EACCES@thread | | thread dial tcp $deny | egress[0] connect $deny
tcp-by-child | ok | EACCES@fork | | fork dial tcp $deny | egress[0] connect $deny
udp-connect | ok | EACCES@dial | | dial udp $deny | egress[0] connect $deny
udp-sendto | ok | EACCES@sendto | | sendto udp $deny | egress[0] sendmsg $deny
udp-sendmsg | ok | EACCES@sendmsg | | sendmsg udp $deny | egress[0] sendmsg $deny
udp-sendmmsg | ok | EACCES@sendmmsg | | sendmmsg udp $deny $beside | egress[0] sendmsg $deny
udp-sendmmsg-second | ok | exit:1@sendmmsg | | sendmmsg udp $beside $deny | egress[0] sendmsg $deny
udp-unspecified-family | ok | EACCES@sendunspec | | sendunspec udp $deny | egress[0] sendmsg $deny
udp-unspecified-family-neighbour | ok | ok | | sendunspec udp $beside | none $beside
udp-other-than-connected | ok | EACCES@sendhandto | | dial udp $beside ; sendhand ; sendhandto udp $deny | egress[0] sendmsg $deny
udp-connected-anew | ok | EACCES@redial | | dial udp $beside ; redial udp $deny | egress[0] connect $deny
udp-disconnect | ok | ok | | dial udp $beside ; disconnect ; redial udp $beside ; sendhand | none $beside
udp-by-ring | ok | EACCES@ringsendmsg | | ringsendmsg udp $deny | egress[0] sendmsg $deny
udp-by-ring-async | ok | EACCES@ringsendmsg | | ringsendmsg udp $deny async | egress[0] sendmsg $deny
udp-by-ring-zero-copy | ok | EACCES@ringsendzc | | ringsendzc udp $deny | egress[0] sendmsg $deny
udp-by-ring-neighbour | ok | ok | | ringsendmsg udp $beside ; ringsendzc udp $beside | none $beside
udp-lite | any | EACCES@sendto,EPROTONOSUPPORT@sendto | | sendto udplite $deny |
udp-neighbour | ok | ok | | dial udp $beside ; sendto udp $beside ; sendmsg udp $beside ; sendmmsg udp $beside 198.51.100.6:80 | none $beside
four-on-six | ok | EACCES@dial | | dial tcp6 $deny | egress[0] connect $deny
four-on-six-udp | ok | EACCES@sendto | | sendto udp6 $deny | egress[0] sendmsg $deny
four-on-six-unmapped | ok | EACCES@sendfour | | sendfour $deny | egress[0] sendmsg $deny
four-on-six-connect-unmapped | ok | EACCES@redial | | bindto udp [::]:0 ; redial udp $deny | egress[0] connect $deny
four-on-six-neighbour | ok | ok | | dial tcp6 $beside ; sendto udp6 $beside ; sendfour $beside | none $beside
rule-mapped | ok | EACCES@dial | | dial tcp 198.51.100.7:80 | egress[5] connect 198.51.100.7:80
rule-mapped-on-six | ok | EACCES@dial | | dial tcp6 198.51.100.7:81 | egress[5] connect 198.51.100.7:81
six | ok | EACCES@dial | | dial tcp $six | egress[2] connect $six
six-udp | ok | EACCES@sendto | | sendto udp $six | egress[2] sendmsg $six
six-port | ok | ok | | dial tcp $six_beside ; sendto udp $six_beside | none $six_beside
six-beside | ok | ok | | dial tcp [fd00:ec2::253]:80 | none [fd00:ec2::253]:80
six-prefix | ok | EACCES@dial | | dial tcp [fd01::1]:80 | egress[6] connect [fd01::1]:80
six-prefix-beside | ok | ok | | dial tcp [fd01:0:0:1::1]:80 | none [fd01:0:0:1::1]:80
ports-first | ok | EACCES@dial | | dial tcp 127.0.0.1:7000 | egress[3] connect 127.0.0.1:7000
ports-last | ok | EACCES@dial | | dial tcp 127.0.0.1:7010 | egress[3] connect 127.0.0.1:7010
ports-beyond | ok | ok | | dial tcp 127.0.0.1:7011 | none 127.0.0.1:7011
localhost-all-of-it | ok | EACCES@dial | | dial tcp 127.9.8.7:7000 | egress[3] connect 127.9.8.7:7000
localhost-six | ok | EACCES@dial | | dial tcp [::1]:7000 | egress[3] connect [::1]:7000
localhost-mapped | ok | EACCES@dial | | dial tcp6 127.0.0.1:7000 | egress[3] connect 127.0.0.1:7000
localhost-as-zero | ok | EACCES@dial | | dial tcp 0.0.0.0:7000 | egress[3] connect 0.0.0.0:7000
localhost-as-zero-six | ok | EACCES@dial | | dial tcp [::]:7000 | egress[3] connect [::]:7000
localhost-as-zero-mapped | ok | EACCES@dial | | dial tcp6 0.0.0.0:7000 | egress[3] connect 0.0.0.0:7000
localhost-as-zero-udp | ok | EACCES@sendto | | sendto udp 0.0.0.0:7000 | egress[3] sendmsg 0.0.0.0:7000
localhost-by-other-address | ok | ok | | dial tcp 198.51.100.6:7000 | none 198.51.100.6:7000
unspecified | ok | EACCES@dial | | dial tcp 0.0.0.0:7100 | egress[4] connect 0.0.0.0:7100
unspecified-six | ok | EACCES@dial | | dial tcp [::]:7100 | egress[4] connect [::]:7100
unspecified-is-not-localhost | ok | ok | | dial tcp 127.0.0.1:7100 ; dial tcp [::1]:7100 | none 127.0.0.1:7100
prefix | ok | EACCES@dial | | dial tcp 10.20.1.2:81 | egress[1] connect 10.20.1.2:81
prefix-beside | ok | ok | | dial tcp 10.21.1.1:81 | none 10.21.1.1:81
longer-prefix-does-not-hide | ok | EACCES@dial | | dial tcp 10.20.1.1:80 | egress[1] connect 10.20.1.1:80
prefix-25 | ok | EACCES@dial | | dial tcp 203.0.113.1:80 | egress[10] connect 203.0.113.1:80
prefix-25-beside | ok | ok | | dial tcp 203.0.113.128:80 | none 203.0.113.128:80
denied-and-audited | ok | EACCES@dial | | dial tcp 198.51.100.9:80 | egress[8] connect 198.51.100.9:80
audited | ok | ok | | dial tcp 198.51.100.8:80 ; sendto udp 198.51.100.8:80 |
raw | ok | EACCES@sock | | sock inet raw icmp | * socket inet\x20raw\x20icmp
raw-ip | ok | EACCES@sock | | sock inet raw rawip | * socket inet\x20raw
raw-six | ok | EACCES@sock | | sock inet6 raw icmp6 | * socket inet6\x20raw\x20icmp
packet | ok | EACCES@sock | | sock packet raw | * socket packet\x20raw
packet-dgram | ok | EACCES@sock | | sock packet dgram 768 | * socket packet\x20dgram
packet-of-old | ok | EACCES@sock | | sock inet packet 768 | * socket packet\x20packet
xdp | any | EACCES@sock | | sock xdp raw |
other-families-are-free | ok | ok | | sock netlink raw ; sock unix stream ; sockpair unix stream ; sock inet dgram |
T
if [ $sctp = ok ]; then
        cat >>"$scratch/egress" <<T
sctp | ok | EACCES@dial | | dial sctp $deny | egress[0] connect $deny
sctp-many | ok | EACCES@sendto | | sendto sctpmany $deny | egress[0] sendmsg $deny
sctp-connectx | ok | EACCES@connectx | | connectx sctp $deny | egress[0] connect $deny
sctp-neighbour | ok | ok | | dial sctp $beside ; sendto sctpmany $beside ; connectx sctp $beside | none $beside
T
fi
policy egress <<T
bpfRawRules:
  network:
    egress:
      qualifiers: [deny]
      toDestinations:
      - {ip: 169.254.169.254, ports: [{port: 80}]}
      - {cidr: 10.20.0.0/16}
      - {ip: "fd00:ec2::254", ports: [{port: 80}, {port: 7000, endPort: 7010}]}
      - {ip: localhost, ports: [{port: 7000, endPort: 7010}]}
      - {ip: unspecified, ports: [{port: 7100}]}
      - {ip: "::ffff:198.51.100.7"}
      - {cidr: "fd01::/64"}
      - {ip: 198.51.100.8, ports: [{port: 80}], qualifiers: [audit]}
      - {ip: 198.51.100.9, qualifiers: [deny, audit]}
      - {ip: 10.20.1.1, ports: [{port: 81}]}
      - {cidr: 203.0.113.0/25, ports: [{port: 1, endPort: 65535}]}
T

# The host's own addresses, as they are now and as they become.
cat >"$scratch/host" <<T
own | ok | EACCES@dial | | dial tcp 192.0.2.1:80 | egress[0] connect 192.0.2.1:80
own-udp | ok | EACCES@sendto | | sendto udp 192.0.2.1:80 | egress[0] sendmsg 192.0.2.1:80
own-mapped | ok | EACCES@dial | | dial tcp6 192.0.2.1:80 | egress[0] connect 192.0.2.1:80
own-six | ok | EACCES@dial | | dial tcp [fd02::1]:80 | egress[0] connect [fd02::1]:80
own-port | ok | ok | | dial tcp 192.0.2.1:81 ; dial tcp [fd02::1]:81 | none 192.0.2.1:81
others | ok | ok | | sendto udp 192.0.2.77:80 ; sendto udp [fd02::77]:80 | none 192.0.2.77:80
T
policy host <<T
bpfRawRules: {network: {egress: {toDestinations: [{ip: host-self, ports: [{port: 80}], qualifiers: [deny]}]}}}
T

# Sockets in the file system and with abstract names.
cat >"$scratch/unix" <<T
stream | ok | EACCES@dial | | dial stream $t/no.stream | egress[0] connect $t/no.stream
dgram-connect | ok | EACCES@dial | | dial dgram $t/no.dgram | egress[0] * $t/no.dgram
dgram-sendto | ok | EACCES@sendto | | sendto dgram $t/no.dgram | egress[0] sendmsg $t/no.dgram
dgram-sendmsg | ok | EACCES@sendmsg | | sendmsg dgram $t/no.dgram | egress[0] sendmsg $t/no.dgram
dgram-by-ring | ok | EACCES@ringsendmsg | | ringsendmsg dgram $t/no.dgram | egress[0] sendmsg $t/no.dgram
seqpacket | ok | EACCES@dial | | dial seqpacket $t/no.seqpacket | egress[0] connect $t/no.seqpacket
by-ring | ok | EACCES@ringdial | | ringdial stream $t/no.stream async | egress[0] connect $t/no.stream
by-another-name | ok | EACCES@dial | rm $t/link ; symlink $t/no.stream $t/link | dial stream $t/link | egress[0] connect $t/no.stream
by-hard-link | ok | EACCES@dial | rm $t/hard ; link $t/no.stream $t/hard | dial stream $t/hard | egress[0] connect $t/no.stream
in-a-chroot | ok | EACCES@dial | | chroot $t ; dial stream /no.stream | egress[0] connect $t/no.stream
neighbour | ok | ok | | dial stream $t/yes.stream ; dial dgram $t/yes.dgram ; sendto dgram $t/yes.dgram ; dial seqpacket $t/yes.seqpacket | none $t/yes.stream
abstract | ok | EACCES@dial | | dial stream @no.stream | egress[0] connect @no.stream
abstract-dgram | ok | EACCES@sendto | | sendto dgram @no.dgram | egress[0] sendmsg @no.dgram
abstract-dgram-connect | ok | EACCES@dial | | dial dgram @no.dgram | egress[0] * @no.dgram
abstract-seqpacket | ok | EACCES@dial | | dial seqpacket @no.seqpacket | egress[0] connect @no.seqpacket
abstract-neighbour | ok | ok | | dial stream @yes.stream ; sendto dgram @yes.dgram ; dial seqpacket @yes.seqpacket | none @yes.stream
pair-is-free | ok | ok | | sockpair unix stream ; sockpair unix dgram |
packets-are-free | ok | ok | | sock packet raw ; sock inet raw icmp |
T

# --- ingress ---------------------------------------------------------------------------------------------------------------
cat >"$scratch/ingress" <<T
bind | ok | EACCES@bindto | | bindto tcp 127.0.0.9:9000 | ingress[0] bind 127.0.0.9:9000
bind-udp | ok | EACCES@bindto | | bindto udp 127.0.0.9:9000 | ingress[0] bind 127.0.0.9:9000
bind-mapped | ok | EACCES@bindto | | bindto tcp6 127.0.0.9:9000 | ingress[0] bind 127.0.0.9:9000
bind-other-port | ok | ok | | bindto tcp 127.0.0.9:9001 ; listenhand | none 127.0.0.9:9001
bind-other-address | ok | ok | | bindto tcp 127.0.0.8:9000 ; listenhand | none 127.0.0.8:9000
bind-six | ok | EACCES@bindto | | bindto tcp [fd01::1]:9000 | ingress[1] bind [fd01::1]:9000
bind-six-neighbour | ok | ok | | bindto tcp [fd01:0:0:1::1]:9000 ; listenhand | none [fd01:0:0:1::1]:9000
bind-every-address | ok | EACCES@bindto | | bindto tcp 0.0.0.0:9000 | ingress[0] bind 0.0.0.0:9000
bind-every-address-six | ok | EACCES@bindto | | bindto tcp [::]:9000 | * bind [::]:9000
bind-every-address-other-port | ok | ok | | bindto tcp 0.0.0.0:9002 ; listenhand | none 0.0.0.0:9002
bind-prefix | ok | EACCES@bindto | | bindto tcp 10.20.1.1:9500 | ingress[2] bind 10.20.1.1:9500
bind-port-range | ok | EACCES@bindto | | bindto tcp 10.20.1.1:9599 | ingress[2] bind 10.20.1.1:9599
bind-beyond-range | ok | ok | | bindto tcp 10.20.1.1:9600 ; listenhand | none 10.20.1.1:9600
bind-by-ring | ok,EINVAL@ringbind | EACCES@ringbind,EINVAL@ringbind | | ringbind tcp 127.0.0.9:9000 |
listen-by-ring | ok,EINVAL@ringlisten | ok,EINVAL@ringlisten | | bindto tcp 127.0.0.8:9000 ; ringlisten |
accept | ok | EACCES@accepthand | offerlisten $t/offer tcp 127.0.0.9:9000 | receive $t/offer ; accepthand | ingress[0] accept 127.0.0.9:9000
accept-by-ring | ok | EACCES@ringaccept | offerlisten $t/offer tcp 127.0.0.9:9000 | receive $t/offer ; ringaccept | ingress[0] accept 127.0.0.9:9000
accept-by-ring-async | ok | EACCES@ringaccept | offerlisten $t/offer tcp 127.0.0.9:9000 | receive $t/offer ; ringaccept async | ingress[0] accept 127.0.0.9:9000
listen | ok | EACCES@listenhand | offerlisten $t/offer tcp 127.0.0.9:9000 | receive $t/offer ; listenhand | ingress[0] listen 127.0.0.9:9000
accept-neighbour | ok | ok | offerlisten $t/offer tcp 127.0.0.8:9000 | receive $t/offer ; accepthand | none 127.0.0.8:9000
audited | ok | ok | | bindto udp 127.0.0.10:9000 |
going-out-is-free | ok | ok | | dial tcp 127.0.0.9:80 ; dial tcp $deny ; sendto udp $six | none $deny
T
policy ingress <<T
bpfRawRules:
  network:
    ingress:
      qualifiers: [deny]
      toDestinations:
      - {ip: 127.0.0.9, ports: [{port: 9000}]}
      - {cidr: "fd01::/64", ports: [{port: 9000}]}
      - {cidr: 10.0.0.0/8, ports: [{port: 9500, endPort: 9599}]}
      - {ip: 127.0.0.10, qualifiers: [audit]}
T
# Nobody listens: also not on a port that the kernel picks.
cat >"$scratch/closed" <<T
bind | ok | EACCES@bindto | | bindto tcp 127.0.0.1:9100 | ingress[0] bind 127.0.0.1:9100
bind-every | ok | EACCES@bindto | | bindto udp [::]:9100 | * bind [::]:9100
bind-any-port | ok | EACCES@bindto | | bindto tcp 127.0.0.1:0 | ingress[0] bind 127.0.0.1:0
listen-unbound | ok | EACCES@listenany | | listenany tcp | ingress[0] listen *
going-out | ok | ok | | dial tcp 127.0.0.1:80 ; dial tcp [::1]:80 ; sendto udp 127.0.0.1:80 ; dial udp 127.0.0.1:80 |
T
policy closed <<T
bpfRawRules: {network: {ingress: {qualifiers: [deny], toDestinations: [{cidr: 0.0.0.0/0}, {cidr: "::/0"}]}}}
T
cat >"$scratch/inward" <<T
path | ok | EACCES@bindto | rm $t/in | bindto stream $t/in | ingress[0] * $t/in
path-dgram | ok | EACCES@bindto | rm $t/in | bindto dgram $t/in | ingress[0] * $t/in
path-neighbour | ok | ok | rm $t/inner | bindto stream $t/inner ; listenhand | none $t/inner
path-listen | ok | EACCES@listenhand | offerlisten $t/offer stream $t/in | receive $t/offer ; listenhand | ingress[0] listen $t/in
path-accept | ok | EACCES@accepthand | offerlisten $t/offer stream $t/in | receive $t/offer ; accepthand | ingress[0] accept $t/in
abstract | ok | EACCES@bindto | | bindto stream @in.one | ingress[0] bind @in.one
abstract-dgram | ok | EACCES@bindto | | bindto dgram @in.one | ingress[0] bind @in.one
abstract-neighbour | ok | ok | | bindto stream @inner ; listenhand | none @inner
picked-by-the-kernel | ok | ok | | bindto stream none ; listenhand |
pair-is-free | ok | ok | | sockpair unix stream |
going-out-is-free | ok | ok | | dial stream $t/yes.stream ; dial stream @yes.stream |
T
policy unix <<T
bpfRawRules: {network: {egress: {toDestinations: [{unix: ["$t/no.*", "@no.*"], qualifiers: [deny]}]}}}
T
policy inward <<T
bpfRawRules: {network: {ingress: {toDestinations: [{unix: ["$t/in", "@in.*"], qualifiers: [deny]}]}}}
T

tables="sockets protocols tcp egress host unix ingress closed inward"
for table in $tables; do verdicts "without/$table/" < <(attempt -f "$scratch/$table" -r without 2>&1); done
if reload reload; then
        for table in $tables; do
                with "$scratch/$table" "system.slice/$table.service" "$table"
                alarms_in "$scratch/$table" "$table.service" "$table"
                each_once "$table" "$table.service"
                [ $table != egress ] || egress_since=$since
                [ $table != ingress ] || ingress_since=$since
                [ $table != sockets ] || sockets_since=$since
        done
        # What is only audited goes through, and is an alarm of its own kind.
        audited() { # UNIT SINCE ALARM...
                local unit=$1 since=$2 line
                shift 2
                for line in "$@"; do echo "$unit-$line | ok | ok | | | $line"; done >"$scratch/audited"
                verdicts "audit/" < <(alarms -s "$since" -u "$unit.service" -p "$unit" -a AUDIT -w 20 -f "$scratch/audited" 2>&1)
        }
        audited egress "$egress_since" "egress[7] connect 198.51.100.8:80" "egress[7] sendmsg 198.51.100.8:80"
        audited ingress "$ingress_since" "ingress[3] bind 127.0.0.10:9000"
        audited sockets "$sockets_since" 'sockets[3] socket xdp\x20raw'

        # An address that the host gets afterwards is the host's, too.
        ip addr add 192.0.2.2/24 dev case
        until_true 10 fails_quietly attempt -c system.slice/host.service dial tcp 192.0.2.2:80
        expect host/new-address EACCES@dial attempt -c system.slice/host.service dial tcp 192.0.2.2:80
        ip addr del 192.0.2.2/24 dev case
        ip addr add 192.0.2.3/32 dev lo && ip addr del 192.0.2.3/32 dev lo
        until_true 10 attempt -c system.slice/host.service sendto udp 192.0.2.2:80
        expect host/gone-address ok attempt -c system.slice/host.service sendto udp 192.0.2.2:80

        # Whoever runs already comes under the new rules, and out of them again.
        (attempt -c system.slice/later.service await $t/first ';' await $t/second ';' dial tcp $deny >"$scratch/later") &
        later=$!
        sleep 0.5
        policy later <<T
bpfRawRules: {network: {egress: {toDestinations: [{ip: 169.254.169.254, qualifiers: [deny]}]}}}
T
        touch $t/first
        reload reload-later
        touch $t/second
        wait $later
        expect live/denied EACCES@dial cat "$scratch/later"
        succeeds live/allow varmorctl mode later AlwaysAllow
        expect live/allowed ok attempt -c system.slice/later.service dial tcp $deny
        succeeds live/protect varmorctl mode later EnhanceProtect
        expect live/protected EACCES@dial attempt -c system.slice/later.service dial tcp $deny
        unpolicy later
        reload reload-without-later
        expect live/gone ok attempt -c system.slice/later.service dial tcp $deny

        # Several policies over one cgroup: any of them denies, each tells.
        policy both-unit '{kind: Service, name: both.service}' <<T
bpfRawRules: {network: {egress: {toDestinations: [{ip: 169.254.169.254, ports: [{port: 80}], qualifiers: [deny]}]}}}
T
        policy both-glob '{kind: Service, name: "bo*.service"}' <<T
bpfRawRules: {network: {egress: {toDestinations: [{cidr: 169.254.0.0/16, qualifiers: [deny]}]}, sockets: [{protocols: [icmp], qualifiers: [deny]}]}}
T
        reload reload-both
        since=${EPOCHREALTIME/./}
        expect both/denied EACCES@dial attempt -c system.slice/both.service dial tcp $deny
        expect both/by-the-other EACCES@dial attempt -c system.slice/both.service dial tcp $beside
        expect both/neighbour ok attempt -c system.slice/both.service dial tcp 198.51.100.6:80
        for policy in both-unit both-glob; do
                succeeds both/alarm-$policy until_true 20 alarm_says "DENIED.$policy.egress.0..connect.$deny"
        done
fi

# An address that the host gets counts from then on, and no more when it is gone.
self() { attempt -c system.slice/host.service sendto udp 192.0.2.77:80; }
is() { [ "$(self)" = "$1" ]; }
expect host-changes/before ok self
ip address add 192.0.2.77/32 dev lo
succeeds host-changes/added until_true 20 is EACCES@sendto
ip address del 192.0.2.77/32 dev lo
succeeds host-changes/gone until_true 20 is ok

done_testing
