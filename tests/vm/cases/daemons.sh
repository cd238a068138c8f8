#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vm-kernel: 6.1 6.12
# vm-short: 6.12
# vm-takes: 120
#
# nginx, redis and PostgreSQL, as Debian packages them, under the examples that are shipped for them and under RuntimeDefault: they do
# their work without a word, and an intruder does not do his.

. /mnt/tests/lib/check.sh
. /mnt/tests/lib/daemons.sh

# A configuration that gives away too much, and a master that is never www-data
attack_nginx() {
        local answer
        sed -i 's/^user .*/user root;/' /etc/nginx/nginx.conf
        systemctl restart nginx
        answer=$(curl -sS http://127.0.0.1/leak/shadow)
        sed -i 's/^user .*/user www-data;/' /etc/nginx/nginx.conf
        if [[ $answer == *root:* ]]; then echo done; else echo failed; fi
}

# The classic: a snapshot that is a list of keys
attack_redis() {
        rm -f /var/lib/redis/.ssh/authorized_keys
        redis "set k \"ssh-ed25519 AAAA\"" "config set dir /var/lib/redis/.ssh" "config set dbfilename authorized_keys" save \
                "config set dir /var/lib/redis" "config set dbfilename dump.rdb" >"$scratch/attack"
        if [ -e /var/lib/redis/.ssh/authorized_keys ]; then echo done; else echo failed; fi
}

attack_postgresql() { # a superuser of the database wants the host
        local out
        rm -f /var/lib/postgresql/.ssh/authorized_keys
        out=$(db -v ON_ERROR_STOP=0 <<'T'
create temp table o (x text);
copy o from program 'echo executed';
select x from o;
copy o to '/var/lib/postgresql/.ssh/authorized_keys';
load '/var/lib/postgresql/15/main/library.so';
T
        )
        printf '%s\n' "$out" >"$scratch/attack"
        if ! grep -q '^executed$' <<<"$out" && [ ! -e /var/lib/postgresql/.ssh/authorized_keys ] && ! grep -q 'missing magic' <<<"$out"; then
                echo failed
        elif grep -q '^executed$' <<<"$out" && [ -e /var/lib/postgresql/.ssh/authorized_keys ] && grep -q 'missing magic' <<<"$out"; then
                echo "done"
        else
                echo "partly: $out"
        fi
}

# ---- in turn ------------------------------------------------------------------------------------------------------------------------

prepare_nginx
prepare_redis
prepare_postgresql
systemctl start nginx redis-server postgresql@15-main
for name in nginx redis postgresql; do expect "$name/without/attack" "done" "attack_$name"; done
# What stops a service that is not under its policy yet is, and AppArmor denies it to signal to others.
systemctl stop nginx redis-server postgresql@15-main

cp $examples/{nginx,redis,postgresql}.yaml $policies/
reload example/load
daemon nginx nginx.service all failed 'DENIED disable-access-shadow open /etc/shadow'
daemon redis redis-server.service all failed 'DENIED disable-access-ssh-dir create /var/lib/redis/.ssh/'
daemon postgresql postgresql@15-main.service all failed 'DENIED disable-shell exec /usr/bin/dash' \
        'DENIED disable-access-ssh-dir create /var/lib/postgresql/.ssh/' 'DENIED processes.0. mmap /var/lib/postgresql/15/main/library.so'
comment "$SECONDS s"
by_default nginx nginx.service all
by_default redis redis-server.service all
by_default postgresql postgresql@15-main.service all
comment "$SECONDS s"
done_testing
