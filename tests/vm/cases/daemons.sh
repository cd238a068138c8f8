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

# ---- nginx: pages, a proxy, TLS, reload, rotated logs, restart -----------------------------------------------------------------

site=/etc/nginx/sites-enabled/site
get() { curl -fsSk -o /dev/null "$@"; }

prepare_nginx() {
        mkdir -p /var/www/html
        head -c 300000 /dev/zero >/var/www/html/large
        echo page >/var/www/html/index.html
        rm -f /etc/nginx/sites-enabled/*
        cat >$site <<'T'
server { listen 80; listen [::]:80; root /var/www/html; location /proxy/ { proxy_pass http://127.0.0.1:81/; } location /leak { alias /etc/; } }
server { listen 127.0.0.1:81; root /var/www/html; }
server { listen 443 ssl; root /var/www/html; ssl_certificate /etc/ssl/certs/ssl-cert-snakeoil.pem; ssl_certificate_key /etc/ssl/private/ssl-cert-snakeoil.key; }
T
}
work_nginx() {
        succeeds "$1/start" systemctl restart nginx
        succeeds "$1/serve" get http://127.0.0.1/ http://127.0.0.1/large http://127.0.0.1/proxy/large
        succeeds "$1/serve-tls" get https://127.0.0.1/large
        expect "$1/not-there" 404 curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1/none
        succeeds "$1/reload" systemctl reload nginx
        # As logrotate(8) has it done
        mv /var/log/nginx/access.log /var/log/nginx/access.log.1
        systemctl kill -s USR1 --kill-whom=main nginx
        succeeds "$1/rotated" wait_for 10 test -e /var/log/nginx/access.log
        sleep 0.3
        succeeds "$1/serve-again" get "http://[::1]/"
        succeeds "$1/logs" wait_for 10 grep -q 'GET / ' /var/log/nginx/access.log
}
# A configuration that gives away too much, and a master that is never www-data
attack_nginx() {
        local answer
        sed -i 's/^user .*/user root;/' /etc/nginx/nginx.conf
        systemctl restart nginx
        answer=$(curl -sS http://127.0.0.1/leak/shadow)
        sed -i 's/^user .*/user www-data;/' /etc/nginx/nginx.conf
        if [[ $answer == *root:* ]]; then echo done; else echo failed; fi
}

# ---- redis: values, snapshots, the append-only file, its configuration -----------------------------------------------------------

redis() { printf '%s\n' "$@" | redis-cli 2>&1; }

prepare_redis() {
        # What Debian's redis would refuse by itself
        printf 'enable-protected-configs yes\nenable-module-command yes\n' >>/etc/redis/redis.conf
        install -d -o redis -g redis /var/lib/redis/.ssh
}
work_redis() {
        succeeds "$1/start" systemctl restart redis-server
        says "$1/set" '^OK$' redis "set key $1" "rpush list 1 2 3" "expire list 100"
        says "$1/script" '^1$' redis "eval \"return redis.call('lindex', 'list', 0)\" 0"
        says "$1/bgsave" started redis bgsave
        succeeds "$1/saved" wait_for 10 eval 'redis "info persistence" | grep -q rdb_bgsave_in_progress:0'
        says "$1/save-status" 'rdb_last_bgsave_status:ok' redis "info persistence"
        says "$1/aof" '^OK$' redis "config set appendonly yes"
        succeeds "$1/aof-made" wait_for 10 eval 'redis "info persistence" | grep -q aof_rewrite_in_progress:0'
        redis "set key2 $1" bgrewriteaof >"$scratch/out"
        succeeds "$1/aof-rewritten" wait_for 10 eval 'redis "info persistence" | grep -q aof_rewrite_in_progress:0'
        says "$1/aof-status" 'aof_last_bgrewrite_status:ok' redis "info persistence"
        says "$1/rewrite" '^OK$' redis "config rewrite"
        succeeds "$1/restart" systemctl restart redis-server
        says "$1/kept" "$1" redis "get key2"
        says "$1/logs" 'Ready to accept' tail /var/log/redis/redis-server.log
}
# The classic: a snapshot that is a list of keys
attack_redis() {
        rm -f /var/lib/redis/.ssh/authorized_keys
        redis "set k \"ssh-ed25519 AAAA\"" "config set dir /var/lib/redis/.ssh" "config set dbfilename authorized_keys" save \
                "config set dir /var/lib/redis" "config set dbfilename dump.rdb" >"$scratch/attack"
        if [ -e /var/lib/redis/.ssh/authorized_keys ]; then echo done; else echo failed; fi
}

# ---- PostgreSQL: by its socket and over TCP, parallel and sorted on disk, COPY, VACUUM, reload, restart --------------------------

db() { # DATABASE: the statements on standard input, as the superuser
        (cd / && setpriv --reuid postgres --regid postgres --init-groups psql -qAt -v ON_ERROR_STOP=1 "$@" 2>&1)
}
prepare_postgresql() {
        cat >>/etc/postgresql/15/main/postgresql.conf <<'T'
fsync = off
T
        install -d -o postgres -g postgres -m 700 /var/lib/postgresql/.ssh
        install -o postgres -m 755 $progs/preload.so /var/lib/postgresql/15/main/library.so
}
work_postgresql() {
        succeeds "$1/start" systemctl restart postgresql@15-main
        succeeds "$1/create" db <<'T'
drop database if exists app; drop role if exists app;
create role app login password 'word';
create database app owner app;
T
        says "$1/tcp" '^5000 4999$' env PGPASSWORD=word psql -qAt -F ' ' -v ON_ERROR_STOP=1 -h 127.0.0.1 -U app app <<'T'
create table t (a int primary key, b text);
insert into t select n, repeat('x', 200) from generate_series(0, 4999) n;
set work_mem = '64kB';
set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;
create temp table s as select * from t order by b, a;
copy t to stdout \g /dev/null
select count(*), max(a) from t;
T
        says "$1/work" '^4000$' db app <<T
create extension pgcrypto;
select length(digest('x', 'sha256'));
copy t to '/var/lib/postgresql/15/main/copy';
delete from t where a < 1000;
copy t (a) to stdout \g /dev/null
select count(*) from t;
create table u (like t); copy u from '/var/lib/postgresql/15/main/copy';
alter system set log_min_duration_statement = 0;
select pg_switch_wal();
checkpoint;
vacuum full analyze t;
T
        succeeds "$1/reload" systemctl reload postgresql@15-main
        says "$1/kept" '^4000$' db app -c 'select count(*) from t'
        succeeds "$1/logs" grep -q 'select count' /var/log/postgresql/postgresql-15-main.log
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
